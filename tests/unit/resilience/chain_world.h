/* The world of the chain's simulation: tiers with breakers of their own, targets that fall ill and recover,
 * operations side by side. What an operation may do is judged by the onlooker, who knows the plan and what
 * happened, not the machine's insides. A wrong machine is the right one that is lied to. */
#ifndef BELAY_TESTS_CHAIN_WORLD_H
#define BELAY_TESTS_CHAIN_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

/* name, text */
#define WRONGS(X)                                                                                            \
    X(RIGHT, "right")                                                                                        \
    X(TRIES_ON, "makes one attempt more than its policy allows")                                             \
    X(COUNTS_BY_TIER, "counts attempts by tier, not over the chain")                                         \
    X(RETRIES_PERMANENT, "tries again what would fail alike")                                                \
    X(REPEATS_STARTED, "repeats what may have started and is not idempotent")                                \
    X(HEARS_NO_RETRY_AFTER, "doesn't hear Retry-After")                                                      \
    X(KNOWS_NO_DEADLINE, "knows no deadline")                                                                \
    X(KNOWS_NO_BUDGET, "knows no retry budget")                                                              \
    X(KNOWS_NO_CEILING, "knows no cost ceiling")                                                             \
    X(FORGETS_COST, "forgets what a failed call has cost")                                                   \
    X(CALLS_UNADMITTED, "calls although the breaker refuses")                                                \
    X(ASKS_OPEN_AGAIN, "asks an open breaker again at once")                                                 \
    X(GOES_ON_AFTER_INVALID, "goes on after what every tier would say")                                      \
    X(STOPS_AT_AUTH, "stops at what only one tier says")                                                     \
    X(WAITS_OUT_A_REST, "waits for a tier that rests although there is another")                             \
    X(FORGETS_SIZE, "sends an input to a tier that can't take it")                                           \
    X(GOES_BACK, "goes back to a tier before")                                                               \
    X(LEAVES_ONE_OUT, "leaves a tier out")                                                                   \
    X(SWITCHES_AFTER_OUTPUT, "goes on after output that nothing should follow")                              \
    X(LEAKS_A_TOKEN, "forgets the token of an operation that was called off")                                \
    X(GIVES_UP_EARLY, "gives up while a tier could be waited for")
enum wrong {
#define X(name, text) WRONG_##name,
    WRONGS(X)
#undef X
        WRONG_COUNT
};

#define TIERS_MOST  5
#define ABREAST     3
#define ORDERS_MOST 20000

/* name, text: what must have been seen when all is over */
#define SEEN(X)                                                                                              \
    X(SERVED, "served")                                                                                      \
    X(CACHED, "answered from the cache")                                                                     \
    X(REFUSED, "refused safely")                                                                             \
    X(FAILED, "failed")                                                                                      \
    X(REJECTED, "rejected")                                                                                  \
    X(TIMED_OUT, "timed out")                                                                                \
    X(SKIPPED, "skipped")                                                                                    \
    X(CANCELLED, "called off")                                                                               \
    X(RETRIES, "attempts again at the same tier")                                                            \
    X(FALLBACKS, "served by another tier than the first")                                                    \
    X(REFUSALS, "refused by a breaker")                                                                      \
    X(RESTS, "waits for the earliest")                                                                       \
    X(TOO_LARGE, "inputs too large")                                                                         \
    X(LASTS, "calls that nothing may follow")                                                                \
    X(STEPS, "orders followed")
enum seen {
#define X(name, text) SEEN_##name,
    SEEN(X)
#undef X
        SEEN_COUNT
};

struct target {
    struct breaker breaker;
    int64_t rest_until_ms;
    unsigned ill; /* per cent of its calls that fail */
    enum failure_class way;
};

/* What the onlooker knows of one tier in one operation. */
struct tier_story {
    unsigned calls;
    bool asked, refused, comes_back;
    int64_t not_before_ms; /* a refusal's or a rest's end */
    struct failure last;
    int64_t ended_ms;
    struct budget budget; /* as it should stand */
    bool budget_allowed;  /* when its last call had failed */
};

struct operation {
    struct chain chain;
    struct policy policy, told; /* told: what a wrong machine believes */
    struct chain_plan plan;
    bool active, holds_token, cancelled, final, nothing_follows;
    struct breaker_token token;
    int64_t ready_ms; /* when its pending order is answered */
    struct failure end;
    double end_cost;

    struct tier_story tiers[TIERS_MOST];
    int64_t begun_ms;
    unsigned calls, orders;
    int asked; /* the tier asked last in this pass; -1 */
    double spent;
    bool waited, served;
};

struct world {
    struct rng rng;
    enum wrong wrong;
    int64_t now_ms;
    size_t tier_count;
    struct chain_tier tiers[TIERS_MOST];
    struct breaker_rules rules;
    struct target targets[TIERS_MOST];
    struct operation ops[ABREAST];
    unsigned long seen[SEEN_COUNT];
    const char *broken;
};

static inline void blame(struct world *w, bool good, const char *what)
{
    if (!good && !w->broken)
        w->broken = what;
}

static inline uint64_t below(struct world *w, uint64_t bound)
{
    return rng_below(&w->rng, bound);
}

static inline bool chance(struct world *w, unsigned per_cent)
{
    return below(w, 100) < per_cent;
}

#endif
