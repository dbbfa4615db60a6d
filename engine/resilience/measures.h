/* How a target has been doing over one minute, five minutes, an hour and ever: operations and their attempts,
 * by outcome and by class of failure, and how long they took. Fixed size. Included through resilience.h. */
#ifndef BELAY_RESILIENCE_MEASURES_H
#define BELAY_RESILIENCE_MEASURES_H

#include <stdint.h>

#include "engine/resilience/failure.h"

enum measures_span { MEASURES_1M, MEASURES_5M, MEASURES_1H, MEASURES_LIFE, MEASURES_SPAN_COUNT };
const char *measures_span_text(enum measures_span span); /* "1m", "5m", "1h", "life" */

/* Upper bounds of the durations' histogram in milliseconds; the last bucket is everything above. */
#define MEASURES_BOUNDS(X)                                                                                   \
    X(5) X(10) X(25) X(50) X(100) X(250) X(500) X(1000) X(2500) X(5000) X(10000) X(30000) X(60000)
#define MEASURES_BUCKETS 14
extern const int64_t measures_bounds_ms[MEASURES_BUCKETS - 1];

/* What one span adds up to. One operation is one request of a caller, with all its attempts. */
struct measures_sums {
    uint64_t ok, failed, rejected, cancelled; /* operations; rejected ones were never tried (open, budget) */
    uint64_t attempts, retried;             /* attempts of executed operations; operations with two or more */
    uint64_t trips, hits;                   /* of the breaker; answers given as a tier of a chain */
    uint64_t by_class[FAILURE_CLASS_COUNT]; /* failed attempts */
    uint64_t durations[MEASURES_BUCKETS];   /* of executed operations */
    double duration_s, cost;                /* sums */
};
/* One executed operation took so long: into the histogram and the sum. */
void measures_took(struct measures_sums *s, int64_t duration_ms);
double measures_success_rate(const struct measures_sums *s);     /* ok / (ok + failed); NaN without any */
double measures_average_attempts(const struct measures_sums *s); /* attempts / executed; NaN */
double measures_retry_rate(const struct measures_sums *s);       /* retried / executed; NaN */
/* By linear interpolation in its bucket; above the last bound that bound; NaN without any. */
double measures_quantile_s(const struct measures_sums *s, double q);
void measures_add(struct measures_sums *to, const struct measures_sums *s);

struct measures; /* opaque: rings of buckets of 5 s, 30 s and 5 min, and the sums of life; 6 kB */
struct measures *measures_new(void);
void measures_free(struct measures *m);
/* One operation's end, or any other increments, as sums; now_ms is monotonic. */
void measures_count(struct measures *m, const struct measures_sums *s, int64_t now_ms);
void measures_read(struct measures *m, enum measures_span span, int64_t now_ms, struct measures_sums *s);

#endif
