/* From the writer's thread back to the loop: completions, committed events, changes of health, in order. At
 * most one call is posted at a time; it takes everything that has come together. */
#ifndef BELAY_JOURNAL_DELIVERY_H
#define BELAY_JOURNAL_DELIVERY_H

#include "engine/journal/item.h"
#include "engine/journal/journal.h"

struct delivery;

struct delivery *delivery_new(const struct journal_options *options);

/* Before the first item. */
void delivery_on_commit(struct delivery *d,
                        void (*fn)(void *ctx, const struct event *const *events, size_t count), void *ctx);

/* Takes the list of items; reason belongs to their code. Those that somebody waits for on_writer are
 * completed before it returns. health: when it changed, else NULL. From any thread. */
void delivery_push(struct delivery *d, struct item *items, const char *reason,
                   const struct journal_health *health);

/* Runs what is outstanding, on the thread of the loop; what was posted and comes later finds nothing. */
void delivery_close(struct delivery *d);

#endif
