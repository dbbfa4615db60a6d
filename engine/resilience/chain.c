#include "engine/resilience/chain.h"

#include <math.h>

static const char *const outcome_texts[] = {
#define X(name, text) [CHAIN_##name] = (text),
    CHAIN_OUTCOMES(X)
#undef X
};
static const char *const skip_texts[] = {
#define X(name, text) [CHAIN_TIER_##name] = (text),
    CHAIN_SKIPS(X)
#undef X
};

const char *chain_outcome_text(enum chain_outcome outcome)
{
    return (size_t)outcome < sizeof outcome_texts / sizeof *outcome_texts ? outcome_texts[outcome] : "?";
}

const char *chain_skip_text(enum chain_skip skip)
{
    return (size_t)skip < sizeof skip_texts / sizeof *skip_texts ? skip_texts[skip] : "?";
}

int chain_check(const struct chain_plan *plan, struct err *e)
{
    if (plan->tier_count < 1 || plan->tier_count > CHAIN_TIERS_MAX)
        return err_set(e, ERR_RANGE, "a chain has 1 to %d tiers", CHAIN_TIERS_MAX);
    for (size_t i = 0; i < plan->tier_count; i++)
        if (plan->tiers[i].cost < 0 || isinf(plan->tiers[i].cost))
            return err_set(e, ERR_RANGE, "the cost of %.60s is no amount", plan->tiers[i].name);
    if (plan->policy->end == POLICY_FALLBACK && plan->policy->backoff.attempts < plan->tier_count)
        return err_set(e, ERR_RANGE, "%u attempts for %zu tiers: %.60s would never be reached",
                       plan->policy->backoff.attempts, plan->tier_count,
                       plan->tiers[plan->policy->backoff.attempts].name);
    return policy_check(plan->policy, e);
}

/* ---- What is left ---- */

static int64_t deadline_of(const struct chain *c)
{
    int64_t ms = c->plan->policy->backoff.deadline_ms;
    return ms > 0 ? c->begun_ms + ms : INT64_MAX;
}

double chain_tier_cost(const struct chain_tier *tier, double cost)
{
    if (!(cost >= 0 && isfinite(cost)))
        cost = tier->cost;
    return cost > 0 ? cost : 0;
}

static bool is_affordable(const struct chain *c, size_t tier)
{
    double ceiling = c->plan->policy->cost_ceiling;
    return ceiling <= 0 || c->spent + chain_tier_cost(&c->plan->tiers[tier], (double)NAN) <= ceiling;
}

static bool takes_input(const struct chain *c, size_t tier)
{
    uint64_t most = c->plan->tiers[tier].input_max;
    return most == 0 || (c->plan->input_bytes <= most && (!c->too_large || most > c->too_large_max));
}

static bool has_attempts(const struct chain *c)
{
    return c->attempts < c->plan->policy->backoff.attempts;
}

/* Without a fallback only the first one counts. */
static size_t tier_count(const struct chain *c)
{
    return c->plan->policy->end == POLICY_FALLBACK ? c->plan->tier_count : 1;
}

/* In this pass: the first one asks every tier, later ones those whose time has come. */
static bool is_in_pass(const struct chain *c, size_t tier)
{
    return c->pass == 0 || (c->due_ms[tier] >= 0 && c->due_ms[tier] <= c->wake_ms);
}

static unsigned tiers_behind(const struct chain *c)
{
    unsigned count = 0;
    for (size_t i = c->tier + 1; i < tier_count(c); i++)
        count += is_in_pass(c, i) && takes_input(c, i) && is_affordable(c, i);
    return count;
}

/* ---- Orders ---- */

static void done(struct chain *c, enum chain_outcome outcome)
{
    c->order =
        (struct chain_order){.kind = CHAIN_DONE, .tier = c->tier, .attempt = c->attempts, .outcome = outcome};
}

static void fail(struct chain *c, enum chain_outcome outcome)
{
    done(c, c->plan->policy->end == POLICY_SKIP ? CHAIN_SKIPPED : outcome);
}

static void nothing_serves(struct chain *c, int64_t now_ms)
{
    bool instead = c->plan->policy->end == POLICY_FALLBACK;
    if (instead && c->plan->has_cached)
        done(c, CHAIN_CACHED);
    else if (instead && c->plan->has_refusal)
        done(c, CHAIN_REFUSED);
    else
        fail(c, now_ms >= deadline_of(c) ? CHAIN_TIMED_OUT : c->attempts ? CHAIN_FAILED : CHAIN_REJECTED);
}

static void ask(struct chain *c, size_t tier)
{
    if (tier != c->tier)
        c->delay_ms = 0;
    c->tier = tier;
    c->due_ms[tier] = -1;
    c->order = (struct chain_order){.kind = CHAIN_ADMIT, .tier = tier, .attempt = c->attempts + 1};
}

static void wait_until(struct chain *c, size_t tier, int64_t until_ms, bool for_any, int64_t now_ms)
{
    c->wake_ms = until_ms;
    c->waits_for_any = for_any;
    c->order = (struct chain_order){
        .kind = CHAIN_WAIT, .tier = tier, .attempt = c->attempts + 1, .wait_ms = until_ms - now_ms};
}

#define PASS_MS_MIN 10 /* a breaker that says "now" and refuses again must not make this a busy loop */

/* All are through: wait for the earliest that may be asked again. */
static void wait_for_any(struct chain *c, int64_t now_ms)
{
    size_t count = tier_count(c), earliest = count;
    for (size_t i = 0; i < count; i++)
        if (c->due_ms[i] >= 0 && takes_input(c, i) && is_affordable(c, i) &&
            (earliest == count || c->due_ms[i] < c->due_ms[earliest]))
            earliest = i;
    bool bounded = deadline_of(c) != INT64_MAX || c->pass < c->plan->policy->backoff.attempts;
    if (earliest == count || !has_attempts(c) || !bounded) {
        nothing_serves(c, now_ms);
        return;
    }
    int64_t until = c->due_ms[earliest], least = 1;
    if (c->pass > 0)
        least = backoff_series_ms(&c->plan->policy->backoff, c->pass - 1);
    if (c->pass > 0 && least < PASS_MS_MIN)
        least = PASS_MS_MIN;
    if (until < now_ms + least)
        until = now_ms + least;
    if (until >= deadline_of(c))
        nothing_serves(c, now_ms);
    else
        wait_until(c, earliest, until, true, now_ms);
}

/* The next tier of this pass, from `tier` on. */
static void go_on(struct chain *c, size_t tier, int64_t now_ms)
{
    if (now_ms >= deadline_of(c) || !has_attempts(c)) {
        nothing_serves(c, now_ms);
        return;
    }
    for (; tier < tier_count(c); tier++) {
        if (!is_in_pass(c, tier))
            continue;
        if (takes_input(c, tier) && is_affordable(c, tier)) {
            ask(c, tier);
            return;
        }
        if (c->parts[tier].attempts == 0)
            c->parts[tier].skip = takes_input(c, tier) ? CHAIN_TIER_COST : CHAIN_TIER_INPUT;
    }
    wait_for_any(c, now_ms);
}

void chain_begin(struct chain *c, const struct chain_plan *plan, uint64_t seed, int64_t now_ms)
{
    *c = (struct chain){.plan = plan, .begun_ms = now_ms};
    rng_seed(&c->rng, seed);
    for (size_t i = 0; i < CHAIN_TIERS_MAX; i++) {
        c->due_ms[i] = c->parts[i].retry_after_ms = -1;
        c->parts[i].last.retry_after_ms = -1;
        budget_init(&c->budgets[i], plan->policy->budget);
    }
    go_on(c, 0, now_ms);
}

/* ---- Answers ---- */

/* Can a later attempt follow the one that is being made? Conservative: true where that isn't certain. */
static bool may_be_followed(const struct chain *c)
{
    if (!has_attempts(c))
        return false;
    if (tiers_behind(c) > 0)
        return true;
    for (size_t i = 0; i < tier_count(c); i++)
        if (c->due_ms[i] >= 0)
            return true;
    const struct budget *b = &c->budgets[c->tier];
    return (c->plan->policy->idempotent || c->plan->tiers[c->tier].provable) && budget_allows(b);
}

void chain_admitted(struct chain *c, int64_t now_ms)
{
    if (c->order.kind != CHAIN_ADMIT)
        return;
    if (now_ms >= deadline_of(c)) {
        nothing_serves(c, now_ms);
        return;
    }
    const struct policy *p = c->plan->policy;
    c->attempts++;
    c->call_ms = now_ms;
    c->order = (struct chain_order){
        .kind = CHAIN_CALL,
        .tier = c->tier,
        .attempt = c->attempts,
        .last = !may_be_followed(c),
        .timeout_ms = backoff_timeout_ms(&p->backoff, ++c->parts[c->tier].attempts, p->timeout_ms,
                                         now_ms - c->begun_ms),
    };
}

void chain_refused(struct chain *c, enum chain_skip why, int64_t retry_after_ms, int64_t now_ms)
{
    if (c->order.kind != CHAIN_ADMIT)
        return;
    struct chain_part *part = &c->parts[c->tier];
    const struct backoff *b = &c->plan->policy->backoff;
    part->skip = why;
    part->retry_after_ms = retry_after_ms < 0 ? -1 : retry_after_ms;
    bool waits =
        b->deadline_ms > 0 ||
        (why == CHAIN_TIER_RESTING && (retry_after_ms <= POLICY_REST_MS_MAX || retry_after_ms <= b->cap_ms));
    int64_t due;
    if (retry_after_ms >= 0 && waits && !__builtin_add_overflow(now_ms, retry_after_ms, &due))
        c->due_ms[c->tier] = due;
    go_on(c, c->tier + 1, now_ms);
}

static void tell_budget(struct chain *c, const struct failure *f)
{
    struct budget *b = &c->budgets[c->tier];
    if (b->most == 0)
        return;
    if (f->class == FAILURE_NONE)
        budget_succeeded(b);
    else if (failure_verdict(f->class) != VERDICT_IGNORED)
        budget_failed(b);
}

/* Every other tier would say the same, unless the policy calls this very class one that passes. */
static bool is_final(const struct chain *c, const struct failure *f)
{
    return failure_onward(f->class) == ONWARD_STOP &&
           !exit_list_has_class(&c->plan->policy->retry_on, f->class);
}

static void after_failure(struct chain *c, const struct failure *f, int64_t now_ms)
{
    const struct policy *p = c->plan->policy;
    unsigned behind = tiers_behind(c), left = p->backoff.attempts - c->attempts;
    int64_t delay;
    if (failure_onward(f->class) == ONWARD_LARGER) {
        uint64_t most = c->plan->tiers[c->tier].input_max;
        c->too_large_max = most > c->too_large_max ? most : c->too_large_max;
        c->too_large = true;
        go_on(c, c->tier + 1, now_ms);
        return;
    }
    enum retry_reason reason =
        is_affordable(c, c->tier) ? policy_retry(p, &c->budgets[c->tier], f, c->attempts,
                                                 now_ms - c->begun_ms, c->delay_ms, c->spent, &c->rng, &delay)
                                  : RETRY_COST;
    if (reason != RETRY_AGAIN) {
        go_on(c, c->tier + 1, now_ms);
    } else if (behind > 0 && (f->class == FAILURE_LIMITED || left <= behind)) {
        c->due_ms[c->tier] = now_ms + delay;
        go_on(c, c->tier + 1, now_ms);
    } else {
        c->delay_ms = delay;
        wait_until(c, c->tier, now_ms + delay, false, now_ms);
    }
}

void chain_ended(struct chain *c, const struct failure *f, double cost, int64_t now_ms)
{
    if (c->order.kind != CHAIN_CALL)
        return;
    struct chain_part *part = &c->parts[c->tier];
    bool last = c->order.last;
    c->spent += chain_tier_cost(&c->plan->tiers[c->tier], cost);
    tell_budget(c, f);
    if (f->class == FAILURE_NONE) {
        part->skip = CHAIN_TIER_SERVED;
        done(c, CHAIN_SERVED);
        return;
    }
    part->last = *f;
    part->skip = f->class == FAILURE_LIMITED     ? CHAIN_TIER_RESTING
                 : f->class == FAILURE_TOO_LARGE ? CHAIN_TIER_INPUT
                                                 : CHAIN_TIER_FAILED;
    part->retry_after_ms = f->retry_after_ms;
    if (c->cancelled || f->class == FAILURE_CANCELLED)
        done(c, CHAIN_CANCELLED);
    else if (is_final(c, f))
        fail(c, CHAIN_FAILED);
    else if (last)
        nothing_serves(c, now_ms);
    else
        after_failure(c, f, now_ms);
}

void chain_waited(struct chain *c, int64_t now_ms)
{
    if (c->order.kind != CHAIN_WAIT)
        return;
    if (c->wake_ms < now_ms)
        c->wake_ms = now_ms;
    if (now_ms >= deadline_of(c)) {
        nothing_serves(c, now_ms);
    } else if (c->waits_for_any) {
        c->pass++;
        go_on(c, 0, now_ms);
    } else {
        ask(c, c->tier);
    }
}

void chain_cancel(struct chain *c, int64_t now_ms)
{
    (void)now_ms;
    c->cancelled = true;
    if (c->order.kind == CHAIN_ADMIT || c->order.kind == CHAIN_WAIT)
        done(c, CHAIN_CANCELLED);
}

enum breaker_result chain_verdict(const struct failure *f)
{
    if (f->class == FAILURE_NONE)
        return BREAKER_SUCCESS;
    if (f->class == FAILURE_CANCELLED)
        return BREAKER_CANCELLED;
    return failure_verdict(f->class) == VERDICT_FAILURE ? BREAKER_FAILURE : BREAKER_IGNORED;
}

/* ---- In words ---- */

static void part_text(const struct chain *c, size_t tier, struct str *out)
{
    const struct chain_part *part = &c->parts[tier];
    bool called = part->last.class != FAILURE_NONE && part->last.text[0];
    str_addf(out, "; %s: %s", c->plan->tiers[tier].name,
             part->skip == CHAIN_TIER_FAILED && called ? part->last.text : chain_skip_text(part->skip));
    if (part->retry_after_ms >= 0 && (part->skip == CHAIN_TIER_OPEN || part->skip == CHAIN_TIER_RESTING ||
                                      part->skip == CHAIN_TIER_BUSY)) {
        char text[DURATION_TEXT_SIZE];
        int64_t us;
        if (__builtin_mul_overflow(part->retry_after_ms, US_PER_MS, &us))
            us = INT64_MAX;
        duration_format(us, text);
        str_addf(out, " for %s", text);
    }
}

void chain_message(const struct chain *c, struct str *out)
{
    enum chain_outcome outcome = c->order.outcome;
    size_t count = c->plan->tier_count;
    if (c->order.kind != CHAIN_DONE || (outcome == CHAIN_SERVED && c->tier == 0))
        return;
    if (outcome == CHAIN_SERVED)
        str_addf(out, "answered by %s (tier %zu of %zu)", c->plan->tiers[c->tier].name, c->tier + 1, count);
    else if (outcome == CHAIN_CACHED)
        str_add(out, "a cached answer");
    else
        str_add(out, chain_outcome_text(outcome));
    for (size_t i = 0; i < count; i++)
        if (c->parts[i].skip != CHAIN_TIER_SERVED &&
            (c->parts[i].skip != CHAIN_TIER_NOT_REACHED || outcome != CHAIN_SERVED))
            part_text(c, i, out);
}

const char *chain_passed_over(const struct chain *c, size_t tier)
{
    enum chain_skip skip = c->parts[tier].skip;
    bool unasked = skip == CHAIN_TIER_INPUT || skip == CHAIN_TIER_COST || skip == CHAIN_TIER_BUSY;
    return unasked && c->parts[tier].attempts == 0 ? chain_skip_text(skip) : NULL;
}
