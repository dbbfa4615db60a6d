/* Which of many is due first: a binary heap of deadlines by number, for whoever holds many breakers. Setting,
 * moving and taking off cost the logarithm of how many have one; asking for the first costs nothing. Included
 * through resilience.h. */
#ifndef BELAY_RESILIENCE_DEADLINES_H
#define BELAY_RESILIENCE_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadline {
    int64_t at_ms;
    uint32_t id;
};

struct deadlines { /* {0} is empty */
    struct deadline *heap;
    uint32_t *places; /* by id: index in the heap + 1; 0: has none */
    size_t count, room, ids;
};

void deadlines_fini(struct deadlines *d);
/* Sets or moves the deadline of id: small numbers, counted from 0. */
void deadlines_set(struct deadlines *d, uint32_t id, int64_t at_ms);
/* Does nothing when it has none. */
void deadlines_drop(struct deadlines *d, uint32_t id);
/* The earliest, of equal ones the one of the smaller id. False: there is none. */
bool deadlines_first(const struct deadlines *d, struct deadline *first);
/* Takes off the earliest if it is due at now_ms. */
bool deadlines_take(struct deadlines *d, int64_t now_ms, struct deadline *taken);

#endif
