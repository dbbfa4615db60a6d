/* The onlooker of the chain's simulation: semantics ("Retry", "Fallback chain") as he understands it. */
#ifndef BELAY_TESTS_CHAIN_ONLOOKER_H
#define BELAY_TESTS_CHAIN_ONLOOKER_H

#include "tests/unit/resilience/chain_world.h"

static inline int64_t deadline_of(const struct operation *o)
{
    int64_t ms = o->policy.backoff.deadline_ms;
    return ms > 0 ? o->begun_ms + ms : INT64_MAX;
}

static inline size_t tiers_of(const struct world *w, const struct operation *o)
{
    return o->policy.end == POLICY_FALLBACK ? w->tier_count : 1;
}

static inline bool takes(const struct world *w, const struct operation *o, size_t tier)
{
    uint64_t most = w->tiers[tier].input_max;
    if (o->tiers[tier].last.class == FAILURE_TOO_LARGE || (most && o->plan.input_bytes > most))
        return false;
    for (size_t i = 0; most && i < w->tier_count; i++)
        if (o->tiers[i].last.class == FAILURE_TOO_LARGE && most <= w->tiers[i].input_max)
            return false;
    return true;
}

static inline bool affords(const struct world *w, const struct operation *o, size_t tier)
{
    double cost = w->tiers[tier].cost > 0 ? w->tiers[tier].cost : 0;
    return o->policy.cost_ceiling <= 0 || o->spent + cost <= o->policy.cost_ceiling;
}

/* May this tier, that was called before, be called again? */
static inline bool repeatable(const struct operation *o, size_t tier)
{
    const struct tier_story *t = &o->tiers[tier];
    bool passes =
        failure_is_retried(t->last.class) || exit_list_has_class(&o->policy.retry_on, t->last.class);
    return passes && !exit_list_has_class(&o->policy.permanent, t->last.class) &&
           (o->policy.idempotent || t->last.before_start) && t->budget_allowed;
}

static inline void see_asked(struct world *w, struct operation *o, size_t tier)
{
    struct tier_story *t = &o->tiers[tier];
    blame(w, tier < tiers_of(w, o), "it asks a tier that may not serve");
    blame(w, !o->final, "it goes on after what every tier would say");
    blame(w, !o->nothing_follows, "it goes on after output that nothing may follow");
    blame(w, !o->cancelled, "it goes on after it was called off");
    blame(w, o->calls < o->policy.backoff.attempts, "more attempts than allowed, over the chain");
    blame(w, w->now_ms < deadline_of(o), "it goes on after the deadline");
    blame(w, takes(w, o, tier), "the input is too large for this tier");
    blame(w, affords(w, o, tier), "the cost ceiling is passed");
    blame(w, w->now_ms >= t->not_before_ms, "a tier is asked before its rest is over");
    blame(w, t->calls == 0 || repeatable(o, tier), "what may not be repeated is");
    blame(w, t->calls == 0 || w->now_ms >= t->ended_ms + t->last.retry_after_ms, "earlier than Retry-After");
    if (!o->waited) {
        blame(w, (int)tier > o->asked, "a pass goes back");
        for (size_t i = (size_t)(o->asked + 1); i < tier; i++)
            blame(w, !takes(w, o, i) || !affords(w, o, i) || o->tiers[i].asked, "a tier is left out");
    }
    o->asked = (int)tier;
    o->waited = false;
    t->asked = true;
}

static inline void see_call(struct world *w, struct operation *o, const struct chain_order *order)
{
    struct tier_story *t = &o->tiers[order->tier];
    blame(w, o->holds_token, "a call without admission");
    blame(w, order->attempt == o->calls + 1, "attempts are counted wrongly");
    int64_t left = deadline_of(o) - w->now_ms;
    blame(w, left == INT64_MAX - w->now_ms || (order->timeout_ms > 0 && order->timeout_ms <= left),
          "an attempt may last longer than the deadline");
    w->seen[SEEN_RETRIES] += t->calls > 0;
    w->seen[SEEN_LASTS] += order->last;
    t->refused = false;
    t->calls++;
    o->calls++;
    o->nothing_follows = order->last;
}

static inline void see_ended(struct world *w, struct operation *o, size_t tier, const struct failure *f,
                             double cost)
{
    struct tier_story *t = &o->tiers[tier];
    o->spent += cost;
    t->ended_ms = w->now_ms;
    t->last = *f;
    o->served = f->class == FAILURE_NONE;
    if (o->served)
        return;
    if (failure_verdict(f->class) != VERDICT_IGNORED)
        budget_failed(&t->budget);
    t->budget_allowed = budget_allows(&t->budget);
    o->final = failure_onward(f->class) == ONWARD_STOP && !exit_list_has_class(&o->policy.retry_on, f->class);
    o->cancelled |= f->class == FAILURE_CANCELLED;
    w->seen[SEEN_TOO_LARGE] += f->class == FAILURE_TOO_LARGE;
}

static inline void see_refused(struct world *w, struct operation *o, size_t tier, int64_t retry_after_ms)
{
    struct tier_story *t = &o->tiers[tier];
    t->refused = true;
    t->comes_back = retry_after_ms >= 0;
    t->not_before_ms = w->now_ms + (retry_after_ms > 0 ? retry_after_ms : 1);
    w->seen[SEEN_REFUSALS]++;
}

/* Is there a tier behind that nobody has asked yet? */
static inline bool another(const struct world *w, const struct operation *o, size_t tier)
{
    for (size_t i = tier + 1; i < tiers_of(w, o); i++)
        if (!o->tiers[i].asked && takes(w, o, i) && affords(w, o, i))
            return true;
    return false;
}

static inline void see_wait(struct world *w, struct operation *o, const struct chain_order *order)
{
    const struct tier_story *t = o->asked < 0 ? NULL : &o->tiers[o->asked];
    blame(w, order->wait_ms >= 0 && order->wait_ms < deadline_of(o) - w->now_ms,
          "it waits past the deadline");
    blame(w, !o->final && !o->nothing_follows && !o->cancelled && o->calls < o->policy.backoff.attempts,
          "it waits for nothing");
    blame(w, !t || t->refused || t->last.class != FAILURE_LIMITED || !another(w, o, (size_t)o->asked),
          "it waits for a rest although there is another tier");
    blame(w, !t || !t->refused || !another(w, o, (size_t)o->asked),
          "it waits for a breaker although there is another tier");
    w->seen[SEEN_RESTS] += t && (t->refused || order->tier != (size_t)o->asked);
    o->waited = true;
}

/* A tier that refused, and would have been asked again inside the deadline. */
static inline bool worth_waiting(const struct world *w, const struct operation *o)
{
    int64_t latest = deadline_of(o) - o->policy.backoff.cap_ms - 20;
    for (size_t i = 0; i < tiers_of(w, o) && o->policy.backoff.deadline_ms > 0; i++)
        if (o->tiers[i].refused && o->tiers[i].comes_back && o->tiers[i].not_before_ms < latest &&
            w->now_ms < latest && takes(w, o, i) && affords(w, o, i))
            return true;
    return false;
}

static inline void see_done(struct world *w, struct operation *o, enum chain_outcome outcome)
{
    bool skips = o->policy.end == POLICY_SKIP, instead = o->policy.end == POLICY_FALLBACK;
    bool over = o->final || o->cancelled || o->nothing_follows || o->calls >= o->policy.backoff.attempts ||
                w->now_ms >= deadline_of(o);
    double off = o->spent - o->chain.spent;
    static const enum seen seen[] = {SEEN_SERVED,   SEEN_CACHED,    SEEN_REFUSED, SEEN_FAILED,
                                     SEEN_REJECTED, SEEN_TIMED_OUT, SEEN_SKIPPED, SEEN_CANCELLED};
    w->seen[seen[outcome]]++;
    w->seen[SEEN_FALLBACKS] += outcome == CHAIN_SERVED && o->chain.tier > 0;
    blame(w, (outcome == CHAIN_SERVED) == o->served, "served is what it is not");
    blame(w, (off < 0 ? -off : off) < 1e-9, "the cost is not the sum of what was spent");
    blame(w, o->chain.attempts == o->calls, "attempts are counted wrongly");
    if (outcome == CHAIN_SERVED)
        return;
    blame(w, (outcome == CHAIN_CANCELLED) == o->cancelled, "called off is what it is not");
    if (o->cancelled)
        return;
    blame(w, (outcome == CHAIN_SKIPPED) == skips, "skipped is what it is not");
    blame(w, outcome != CHAIN_FAILED || o->calls > 0, "failed without an attempt");
    blame(w, outcome != CHAIN_REJECTED || o->calls == 0, "rejected after an attempt");
    blame(w, outcome != CHAIN_TIMED_OUT || w->now_ms >= deadline_of(o), "timed out before the deadline");
    blame(w, (outcome == CHAIN_CACHED) == (instead && !o->final && o->plan.has_cached),
          "the cached answer, or not");
    blame(w,
          (outcome == CHAIN_REFUSED) == (instead && !o->final && !o->plan.has_cached && o->plan.has_refusal),
          "the safe refusal, or not");
    blame(w, over || !another(w, o, (size_t)-1), "it gives up before every tier was asked");
    blame(w, over || !worth_waiting(w, o), "it gives up although a wait would do");
}

#endif
