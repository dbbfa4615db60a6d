/* A policy: everything that decides how one call is made (attempts, time-outs, breaker, budget, what counts
 * as which failure, what it may cost), and the one place where it is decided whether a failed attempt is
 * followed by another. Included through resilience.h. */
#ifndef BELAY_RESILIENCE_POLICY_H
#define BELAY_RESILIENCE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/resilience/backoff.h"
#include "engine/resilience/breaker.h"
#include "engine/resilience/budget.h"
#include "engine/resilience/failure.h"

/* When no attempt is left. name, text, help */
#define POLICY_ENDS(X)                                                                                       \
    X(FALLBACK, "fallback", "go on with the chain's next tier, and without one fail")                        \
    X(HEAL, "heal", "ask the healing rules for a fix")                                                       \
    X(SKIP, "skip", "leave it out and go on")                                                                \
    X(FAIL, "fail", "fail")
enum policy_end {
#define X(name, text, help) POLICY_##name,
    POLICY_ENDS(X)
#undef X
};
const char *policy_end_text(enum policy_end end);
bool policy_end_parse(const char *text, enum policy_end *end);

struct policy {
    struct backoff backoff;
    int64_t timeout_ms; /* of the first attempt; 0: none */
    bool idempotent;    /* may be repeated after it may have started */
    bool has_breaker;
    struct breaker_rules breaker;
    unsigned budget; /* tokens; 0: no budget */
    struct exit_list retry_on, permanent;
    enum policy_end end;
    double cost_ceiling; /* of one operation, all attempts and tiers; 0: none */
};
/* backoff_default(); not idempotent; no time-out, breaker, budget or ceiling; end FALLBACK. */
struct policy policy_default(void);
/* ERR_RANGE, naming the field; also for what is to be retried and permanent at once, and for
 * what never is. */
int policy_check(const struct policy *p, struct err *e);

/* Why there is no further attempt. name, text */
#define RETRY_REASONS(X)                                                                                     \
    X(AGAIN, "again")                                                                                        \
    X(PERMANENT, "another attempt would fail alike")                                                         \
    X(MAYBE_STARTED, "it may have had an effect and is not idempotent")                                      \
    X(ATTEMPTS, "all attempts used")                                                                         \
    X(DEADLINE, "the next attempt would begin past the deadline")                                            \
    X(BUDGET, "the retry budget is used up")                                                                 \
    X(COST, "the cost ceiling is reached")                                                                   \
    X(REST, "it asks for a longer rest than is waited for without a deadline")
enum retry_reason {
#define X(name, text) RETRY_##name,
    RETRY_REASONS(X)
#undef X
};
const char *retry_reason_text(enum retry_reason reason);

/* Without a deadline no longer rest is waited for, whatever Retry-After says, unless the cap is longer. */
#define POLICY_REST_MS_MAX (5LL * 60 * 1000)

/* After attempt number `attempt` (from 1, over the whole operation) failed, elapsed_ms after the operation
 * began: AGAIN and the delay (never below f's retry_after_ms), or why not (and -1). A class of `permanent` is
 * never retried, one of `retry_on` is, whatever it is otherwise. budget may be NULL; spent is what the
 * operation has cost so far. rng is drawn from only after everything else allows another attempt. */
enum retry_reason policy_retry(const struct policy *p, const struct budget *budget, const struct failure *f,
                               unsigned attempt, int64_t elapsed_ms, int64_t previous_ms, double spent,
                               struct rng *rng, int64_t *delay_ms);

#endif
