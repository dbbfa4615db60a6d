/* One simulated life of a breaker, and the breakers that are wrong: the real one behind a mask. */
#ifndef BELAY_TESTS_WRONG_BREAKERS_H
#define BELAY_TESTS_WRONG_BREAKERS_H

#include "tests/unit/resilience/naive_breaker.h"

/* Ways to be wrong: what these breakers do instead. name, text */
#define WRONGS(X)                                                                                            \
    X(LATE_COUNTS, "lets results from before a change of state count")                                       \
    X(ONE_PROBE_MORE, "admits one probe too many")                                                           \
    X(NO_LEASE, "waits for a lost probe for ever")                                                           \
    X(KEEPS_SLOT, "keeps the slot of an ignored probe")                                                      \
    X(WALL_CLOCK, "cools down by the wall clock")                                                            \
    X(IGNORED_FAILS, "takes what is to be ignored for a failure")                                            \
    X(IGNORED_SUCCEEDS, "takes what is to be ignored for a success")                                         \
    X(LOSES_TOKENS, "forgets calls that were called off")                                                    \
    X(TRIPS_LATE, "trips one failure too late")                                                              \
    X(TRIPS_EARLY, "looks at a rate before there are enough calls")                                          \
    X(REMEMBERS, "never forgets an old call of its window")                                                  \
    X(BLIND_TO_SLOW, "sees no slow call")                                                                    \
    X(HASTY, "probes before the cool-down is over")                                                          \
    X(NO_GROWTH, "cools down as long each time")                                                             \
    X(NO_CAP, "cools down beyond the cap")                                                                   \
    X(PROLONGS, "cools down longer for a failure while it is open")                                          \
    X(CLOSES_EARLY, "closes after one success of several")                                                   \
    X(FORGIVES, "lets a failed probe pass")                                                                  \
    X(SAME_GENERATION, "has one generation for ever")                                                        \
    X(TRIPS_IN_METRICS, "trips in METRICS_ONLY")                                                             \
    X(FORCED_FOREVER, "stays forced beyond the expiry")                                                      \
    X(NO_REST, "calls a target that asked for a rest")                                                       \
    X(REST_FAILS, "takes 429 for a failure")                                                                 \
    X(FORGETS, "begins its cool-down anew when it is read back")
enum wrong {
    RIGHT,
#define X(name, text) WRONG_##name,
    WRONGS(X)
#undef X
        WRONG_COUNT
};

#define TOKENS 16

struct held {
    struct breaker_token token;
    uint64_t id;
    bool kept; /* its holder says that it lives */
};

struct world {
    struct rng rng, jumps;
    enum wrong wrong;
    struct naive naive;
    struct breaker breaker;
    struct breaker_rules rules; /* the machine's: the naive one's, but for the wrong ones */
    int64_t now_ms, wall_ms;    /* wall: how far the wall clock is off */
    bool jumping;
    unsigned sick; /* of 100 calls so many fail */
    struct held held[TOKENS];
    size_t held_count;
    uint64_t ids, lost;
    enum breaker_state last;
    uint32_t probe_generation;
    int probes_out; /* admitted in it, less those that were given back */
    uint64_t trace;
    uint64_t seen[BREAKER_STATE_COUNT];
    const char *broken;
};

static void blame(struct world *w, bool ok, const char *what)
{
    if (!ok && !w->broken)
        w->broken = what;
}

static bool chance(struct world *w, unsigned permille)
{
    return rng_below(&w->rng, 1000) < permille;
}

static int64_t upto(struct world *w, int64_t most)
{
    return (int64_t)rng_below(&w->rng, (uint64_t)most + 1);
}

static void trace(struct world *w, uint64_t value)
{
    w->trace = (w->trace ^ value) * UINT64_C(0x100000001b3);
}

/* The time as the machine under test has it. */
static int64_t clock_of(const struct world *w, int64_t at_ms)
{
    return w->wrong == WRONG_WALL_CLOCK ? at_ms + w->wall_ms : at_ms;
}

/* ---- Masks ---- */

static struct breaker_rules wrong_rules(struct breaker_rules r, enum wrong wrong)
{
    if (wrong == WRONG_ONE_PROBE_MORE)
        r.probes++;
    if (wrong == WRONG_TRIPS_LATE && r.failures)
        r.failures++;
    if (wrong == WRONG_TRIPS_EARLY)
        r.minimum_calls = 1;
    if (wrong == WRONG_REMEMBERS) {
        r.window_calls = r.window_calls ? WINDOW_CALLS_MAX : 0;
        r.window_ms = r.window_ms ? WINDOW_SPAN_MAX : 0;
    }
    if (wrong == WRONG_BLIND_TO_SLOW)
        r.slow_ms = 0;
    if (wrong == WRONG_NO_GROWTH)
        r.multiplier_milli = 1000;
    if (wrong == WRONG_NO_CAP)
        r.cool_down_cap_ms = BACKOFF_MS_MAX;
    if (wrong == WRONG_CLOSES_EARLY)
        r.successes_to_close = 1;
    return r;
}

/* What the machine under test makes of a result, where a wrong one differs. False: it never hears of it. */
static bool distort(struct world *w, struct breaker_token *token, enum breaker_result *result, bool limited)
{
    bool probe = token->kind == BREAKER_HALF_OPEN, given_back = *result >= BREAKER_IGNORED;
    switch (w->wrong) {
    case WRONG_LATE_COUNTS:
        token->generation = w->breaker.generation;
        token->kind = (uint8_t)w->breaker.state;
        return true;
    case WRONG_KEEPS_SLOT:
        return !(probe && given_back);
    case WRONG_IGNORED_FAILS:
        *result = *result == BREAKER_IGNORED ? BREAKER_FAILURE : *result;
        return true;
    case WRONG_IGNORED_SUCCEEDS:
        *result = *result == BREAKER_IGNORED ? BREAKER_SUCCESS : *result;
        return true;
    case WRONG_REST_FAILS:
        *result = limited ? BREAKER_FAILURE : *result;
        return true;
    case WRONG_LOSES_TOKENS:
        return *result != BREAKER_CANCELLED;
    case WRONG_FORGIVES:
        *result = probe && *result == BREAKER_FAILURE ? BREAKER_IGNORED : *result;
        return true;
    case WRONG_TRIPS_IN_METRICS:
        if (w->breaker.state == BREAKER_METRICS_ONLY)
            w->breaker.state = BREAKER_CLOSED;
        return true;
    case WRONG_PROLONGS:
        if (w->breaker.state == BREAKER_OPEN && *result == BREAKER_FAILURE)
            w->breaker.until_ms += 1000;
        return true;
    default:
        return true;
    }
}

static void undo_distortion(struct world *w)
{
    if (w->wrong == WRONG_TRIPS_IN_METRICS && w->naive.state == BREAKER_METRICS_ONLY &&
        w->breaker.state == BREAKER_CLOSED)
        w->breaker.state = BREAKER_METRICS_ONLY;
    if (w->wrong == WRONG_SAME_GENERATION)
        w->breaker.generation = 1;
    if (w->wrong == WRONG_HASTY && w->breaker.state == BREAKER_OPEN && w->naive.state == BREAKER_CLOSED)
        w->breaker.until_ms -= (w->breaker.until_ms - clock_of(w, w->now_ms)) / 2;
}

#endif
