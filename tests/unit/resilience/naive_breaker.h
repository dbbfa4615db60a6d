/* The breaker of semantics once more, written to be obvious and not fast: it keeps every call, applies each
 * change at its moment, and knows nothing of the real one but the jitter that it drew. */
#ifndef BELAY_TESTS_NAIVE_BREAKER_H
#define BELAY_TESTS_NAIVE_BREAKER_H

#include "engine/resilience/resilience.h"

#define NEVER        INT64_MAX
#define NAIVE_CALLS  1024
#define NAIVE_PROBES 64

struct naive_probe {
    uint64_t id;
    unsigned slot;
    int64_t lease_ms;
};

struct naive {
    struct breaker_rules rules;
    enum breaker_state state;
    uint32_t generation;
    int64_t until_ms, rest_until_ms; /* NEVER: none; 0: none */
    unsigned in_a_row, reopens, closing, plain, expired;
    uint64_t late;
    struct naive_probe probes[NAIVE_PROBES];
    size_t probe_count;
    struct {
        int64_t at_ms;
        bool failed, slow;
    } calls[NAIVE_CALLS];
    size_t call_count;
};

static inline bool naive_forced(const struct naive *n)
{
    return n->state == BREAKER_FORCED_OPEN || n->state == BREAKER_DISABLED ||
           n->state == BREAKER_METRICS_ONLY;
}

static inline void naive_enter(struct naive *n, enum breaker_state state, int64_t until_ms)
{
    n->state = state;
    n->generation++;
    n->until_ms = until_ms;
    n->probe_count = 0;
    n->closing = 0;
    if (state == BREAKER_CLOSED) {
        n->call_count = 0;
        n->in_a_row = 0;
        n->reopens = 0;
    }
}

/* What a cool-down is without its jitter: base * multiplier^reopens, at most the cap. */
static inline long double naive_cool_down(const struct naive *n)
{
    long double ms = (long double)n->rules.cool_down_ms;
    for (unsigned i = 0; i < n->reopens && ms < (long double)n->rules.cool_down_cap_ms; i++)
        ms *= (long double)n->rules.multiplier_milli / 1000;
    return ms < (long double)n->rules.cool_down_cap_ms ? ms : (long double)n->rules.cool_down_cap_ms;
}

static inline int64_t naive_lease_ms(const struct naive *n)
{
    int64_t ms = n->rules.lease_ms ? n->rules.lease_ms : n->rules.cool_down_ms;
    return ms < n->rules.cool_down_ms ? ms : n->rules.cool_down_ms;
}

/* When time alone changes it next. */
static inline int64_t naive_next(const struct naive *n)
{
    int64_t next = n->state == BREAKER_OPEN || naive_forced(n) ? n->until_ms : NEVER;
    for (size_t i = 0; i < n->probe_count; i++)
        if (n->probes[i].lease_ms < next)
            next = n->probes[i].lease_ms;
    return next;
}

/* The same, or the end of a rest. */
static inline int64_t naive_due(const struct naive *n, int64_t now_ms)
{
    int64_t next = naive_next(n);
    bool rest = n->state == BREAKER_CLOSED || n->state == BREAKER_HALF_OPEN;
    return rest && n->rest_until_ms > now_ms && n->rest_until_ms < next ? n->rest_until_ms : next;
}

struct naive_answer {
    bool admitted, resting;
    int64_t retry_at_ms;
};

static inline struct naive_answer naive_ask(const struct naive *n, int64_t now_ms)
{
    bool rests = n->rest_until_ms > now_ms;
    switch (n->state) {
    case BREAKER_OPEN:
        return (struct naive_answer){
            false, false, rests && n->rest_until_ms > n->until_ms ? n->rest_until_ms : n->until_ms};
    case BREAKER_FORCED_OPEN:
        return (struct naive_answer){false, false, n->until_ms};
    case BREAKER_CLOSED:
        return (struct naive_answer){!rests, rests, n->rest_until_ms};
    case BREAKER_HALF_OPEN:
        if (rests)
            return (struct naive_answer){false, true, n->rest_until_ms};
        return (struct naive_answer){n->probe_count + n->closing < n->rules.probes, false, naive_next(n)};
    default:
        return (struct naive_answer){true, false, 0};
    }
}

static inline void naive_admitted(struct naive *n, uint64_t id, unsigned slot, int64_t now_ms)
{
    if (n->state == BREAKER_HALF_OPEN && n->probe_count < NAIVE_PROBES)
        n->probes[n->probe_count++] = (struct naive_probe){id, slot, now_ms + naive_lease_ms(n)};
    else
        n->plain++;
}

/* ---- Verdicts ---- */

static inline int64_t naive_bucket(int64_t at_ms, int64_t unit)
{
    return at_ms / unit - (at_ms % unit < 0);
}

static inline bool naive_rates_trip(const struct naive *n, int64_t now_ms)
{
    const struct breaker_rules *r = &n->rules;
    int64_t unit = (r->window_ms + 29999) / 30000 * 1000;
    uint64_t calls = 0, failed = 0, slow = 0;
    for (size_t i = 0; i < n->call_count; i++) {
        bool in = r->window_calls > 0 ? n->call_count - i <= r->window_calls
                                      : naive_bucket(n->calls[i].at_ms, unit) >
                                            naive_bucket(now_ms, unit) - (r->window_ms + unit - 1) / unit;
        calls += in;
        failed += in && n->calls[i].failed;
        slow += in && n->calls[i].slow;
    }
    return calls >= r->minimum_calls && ((r->rate_permille && failed * 1000 >= calls * r->rate_permille) ||
                                         (r->slow_permille && slow * 1000 >= calls * r->slow_permille));
}

/* True: it trips. */
static inline bool naive_judge(struct naive *n, bool failed, int64_t took_ms, int64_t now_ms)
{
    const struct breaker_rules *r = &n->rules;
    if (n->call_count == NAIVE_CALLS) { /* old ones, by the simulation's pace */
        n->call_count /= 2;
        memmove(n->calls, n->calls + n->call_count, n->call_count * sizeof *n->calls);
    }
    n->calls[n->call_count].at_ms = now_ms;
    n->calls[n->call_count].failed = failed;
    n->calls[n->call_count++].slow = r->slow_ms > 0 && took_ms >= r->slow_ms;
    n->in_a_row = failed ? n->in_a_row + 1 : 0;
    return (r->failures && n->in_a_row >= r->failures) ||
           ((r->rate_permille || r->slow_permille) && naive_rates_trip(n, now_ms));
}

enum naive_turn { NAIVE_STAYS, NAIVE_TRIPS, NAIVE_REOPENS, NAIVE_CLOSES };

static inline enum naive_turn naive_probe_ended(struct naive *n, uint64_t id, enum breaker_result result)
{
    size_t i = 0;
    while (i < n->probe_count && n->probes[i].id != id)
        i++;
    if (i == n->probe_count)
        return NAIVE_STAYS;
    n->probes[i] = n->probes[--n->probe_count];
    if (result == BREAKER_FAILURE)
        return NAIVE_REOPENS;
    return result == BREAKER_SUCCESS && ++n->closing >= n->rules.successes_to_close ? NAIVE_CLOSES
                                                                                    : NAIVE_STAYS;
}

/* A token of `generation`: what follows from its result. */
static inline enum naive_turn naive_resolved(struct naive *n, uint64_t id, uint32_t generation, bool probe,
                                             enum breaker_result result, int64_t took_ms, int64_t now_ms)
{
    n->plain -= !probe;
    if (generation != n->generation) {
        n->late++;
        return NAIVE_STAYS;
    }
    if (n->state == BREAKER_HALF_OPEN)
        return naive_probe_ended(n, id, result);
    if (n->state != BREAKER_CLOSED || (result != BREAKER_SUCCESS && result != BREAKER_FAILURE))
        return NAIVE_STAYS;
    return naive_judge(n, result == BREAKER_FAILURE, took_ms, now_ms) ? NAIVE_TRIPS : NAIVE_STAYS;
}

#endif
