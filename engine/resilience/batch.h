/* Partial success: every item of a batch ends in exactly one of ok, failed, skipped, cancelled; they
 * partition the items, and order is kept. Included through resilience.h. */
#ifndef BELAY_RESILIENCE_BATCH_H
#define BELAY_RESILIENCE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/resilience/failure.h"

enum batch_end { BATCH_PENDING, BATCH_OK, BATCH_FAILED, BATCH_SKIPPED, BATCH_CANCELLED, BATCH_END_COUNT };

struct batch_item {
    enum batch_end end;
    enum failure_class class; /* of the last failure */
    unsigned attempts;
};

struct batch_work {
    struct batch_item *items; /* owned */
    size_t count;
    size_t ends[BATCH_END_COUNT];
};

void batch_init(struct batch_work *b, size_t count);
void batch_fini(struct batch_work *b);
/* Once an item; a second end is refused (false) and changes nothing. */
bool batch_end(struct batch_work *b, size_t item, enum batch_end end, enum failure_class class,
               unsigned attempts);
/* ok / (ok + failed); NaN (no rate) when there is neither. */
double batch_success_rate(const struct batch_work *b);
/* All ended, at least minimum of them executed (ok or failed), and the rate is there and at least threshold.
 */
bool batch_passes(const struct batch_work *b, double threshold, size_t minimum);
/* The failed ones alone, in order: a new batch of them. Returns how many; indices may be NULL. */
size_t batch_failed(const struct batch_work *b, size_t *indices, size_t room);

#endif
