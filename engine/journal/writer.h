/* The one thread that writes. It takes what has come together, commits it as one transaction, and sends the
 * completions back. When that fails it is in trouble: everything queued fails, appends are refused, and a
 * probe writes a journal.trouble event as soon as that is possible again. */
#ifndef BELAY_JOURNAL_WRITER_H
#define BELAY_JOURNAL_WRITER_H

#include "engine/journal/delivery.h"
#include "engine/journal/item.h"
#include "engine/journal/journal.h"
#include "engine/journal/store.h"

#define WRITER_EVENTS_MAX      65536 /* what may wait in the queue */
#define WRITER_EVENT_BYTES_MAX (32u << 20)
#define WRITER_PIECE_BYTES_MAX (96u << 20)
#define WRITER_BATCH_ITEMS     4096 /* what goes into one transaction */
#define WRITER_BATCH_BYTES     (4u << 20)

struct writer;

/* Takes store. NULL: it starts in trouble, for the reason given, and opens the journal itself when it can.
 * options must outlive it. */
struct writer *writer_new(const struct journal_options *options, struct store *store,
                          const struct err *trouble, struct delivery *delivery);

/* Takes the items if it returns 0; all in one place of the queue. A full queue of pieces is waited for, at
 * most wait_us. */
int writer_submit(struct writer *w, struct item *items, int64_t wait_us, struct err *e);

/* How often it has been in trouble. */
uint64_t writer_troubles(struct writer *w);

void writer_health(struct writer *w, struct journal_health *health);

/* Commits what is queued, at most 5 s. False: the thread hangs in the kernel and keeps what it uses. */
bool writer_close(struct writer *w);

#endif
