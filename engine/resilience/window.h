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
    uint16_t next, held;
    uint32_t bucket_ms;
    int64_t newest; /* number of the newest bucket */
    union {
        struct {
            uint32_t failed[WINDOW_CALLS_MAX / 64], slow[WINDOW_CALLS_MAX / 64];
        } last; /* calls_most at most WINDOW_CALLS_MAX / 2; see window_init */
        struct window_bucket {
            uint16_t calls, failed, slow;
        } buckets[WINDOW_BUCKETS];
    } of;
};

void window_init_calls(struct window *w, unsigned calls);
void window_init_time(struct window *w, int64_t span_ms);
void window_clear(struct window *w);
void window_add(struct window *w, int64_t now_ms, bool failed, bool slow);
/* What is in it at now_ms. */
struct window_sums window_read(struct window *w, int64_t now_ms);

#endif
