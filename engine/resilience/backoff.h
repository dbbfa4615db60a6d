/* How long to wait before the next attempt, and whether there is one: exponential, capped, with jitter, all
 * under one deadline. Saturating integer arithmetic: no delay is negative, none is zero by overflow, whatever
 * the attempt's number. Included through resilience.h. */
#ifndef BELAY_RESILIENCE_BACKOFF_H
#define BELAY_RESILIENCE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/base.h"

/* name, text, help. d is the delay min(cap, base * factor^n). */
#define BACKOFF_JITTERS(X)                                                                                   \
    X(ADDITIVE, "additive", "d and up to half of it more")                                                   \
    X(NONE, "none", "d")                                                                                     \
    X(EQUAL, "equal", "half of d, and up to the other half")                                                 \
    X(FULL, "full", "anything from 0 to d")                                                                  \
    X(DECORRELATED, "decorrelated", "anything from base to three times the delay before, at most cap")
enum backoff_jitter {
#define X(name, text, help) BACKOFF_##name,
    BACKOFF_JITTERS(X)
#undef X
};
const char *backoff_jitter_text(enum backoff_jitter jitter);
bool backoff_jitter_parse(const char *text, enum backoff_jitter *jitter);

#define BACKOFF_ATTEMPTS_MAX 1000
#define BACKOFF_MS_MAX       (400LL * 24 * 3600 * 1000)

struct backoff {
    unsigned attempts;     /* the first one included: 1 never repeats */
    int64_t base_ms;       /* before the second attempt: 0 to BACKOFF_MS_MAX */
    unsigned factor_milli; /* 2000 doubles; from 1000 (always the same) to 1000000 */
    int64_t cap_ms;
    enum backoff_jitter jitter;
    int64_t deadline_ms;   /* for all attempts together, from the first one's start; 0: none */
    unsigned growth_milli; /* of each attempt's time-out over the one before: 1000 stays, 2000 doubles */
};

/* 3 attempts, 100 ms, doubling, at most 30 s, additive jitter, no deadline, time-outs stay. */
struct backoff backoff_default(void);
/* 0, or ERR_RANGE naming the field. */
int backoff_check(const struct backoff *b, struct err *e);

/* min(cap, base * factor^n), n from 0: what stands before attempt n + 2. No jitter. */
int64_t backoff_series_ms(const struct backoff *b, unsigned n);
/* The same with jitter. previous_ms is what this returned last time (0 at first); rng may not be NULL unless
 * the jitter is none. */
int64_t backoff_delay_ms(const struct backoff *b, unsigned n, int64_t previous_ms, struct rng *rng);

/* After the failure of attempt number `attempt` (from 1), elapsed_ms after the first one began: the delay
 * before the next one, or -1 when there is none (attempts used up, or it would begin past the deadline).
 * floor_ms is what the other side asked for (Retry-After), 0 for nothing. */
int64_t backoff_next_ms(const struct backoff *b, unsigned attempt, int64_t elapsed_ms, int64_t floor_ms,
                        int64_t previous_ms, struct rng *rng);

/* The time-out of attempt number `attempt` (from 1): timeout_ms (0: none) grown, and no longer than what is
 * left of the deadline (at least 1 ms). 0: no limit. */
int64_t backoff_timeout_ms(const struct backoff *b, unsigned attempt, int64_t timeout_ms, int64_t elapsed_ms);

#endif
