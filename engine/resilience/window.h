/* The calls of the recent past that a breaker judges: the last N, or those of the last so many milliseconds
 * in at most 30 buckets of ceil(span / 30) whole seconds. Fixed size, no allocation. Included through
 * resilience.h. */
#ifndef BELAY_RESILIENCE_WINDOW_H
#define BELAY_RESILIENCE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_CALLS_MAX 1024
#define WINDOW_BUCKETS   30
#define WINDOW_SPAN_MAX  (3600LL * 1000) /* ms */

struct window_sums {
    uint32_t calls, failed, slow;
};

struct window {
    struct window_sums sums; /* private, and so on */
    uint16_t calls_most;     /* of a window of calls; 0: of time */
    uint16_t bucket_count;   /* of a window of time; 0 too: a window that holds nothing */
    uint16_t next;           /* calls: where the next one goes; time: the newest bucket */
    uint16_t held;           /* calls in it */
    uint32_t bucket_ms;
    int64_t end_ms; /* of the newest bucket; INT64_MIN: all are empty */
    union {
        struct {
            uint32_t failed[WINDOW_CALLS_MAX / 32], slow[WINDOW_CALLS_MAX / 32]; /* a bit a call */
        } last;
        uint64_t buckets[WINDOW_BUCKETS]; /* calls, failed, slow: 21 bits each */
    } of;
};

/* calls: 1 to WINDOW_CALLS_MAX. */
void window_init_calls(struct window *w, unsigned calls);
/* span_ms: 1 to WINDOW_SPAN_MAX. */
void window_init_time(struct window *w, int64_t span_ms);
void window_clear(struct window *w);
/* A time before that of an earlier call counts as that one. */
void window_add(struct window *w, int64_t now_ms, bool failed, bool slow);
/* What is in it at now_ms. */
struct window_sums window_read(struct window *w, int64_t now_ms);
/* Sets the sums to what the calls or buckets in it add up to: for a window that was read from outside. */
void window_count(struct window *w);

#endif
