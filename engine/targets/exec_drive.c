#include "engine/targets/exec_drive.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "engine/targets/targets.h"

#define REST_MS    1000 /* of a target that says "too many requests", and not for how long */
#define OUTCOME_MS 250  /* what came of an attempt is worth so much, even past the deadline */

struct drive {
    const struct exec_request *q;
    const struct exec_plan *plan;
    struct exec_streams *io;
    struct exec_record *record;
    struct chain_tier tiers[CHAIN_TIERS_MAX];
    struct chain_plan chain_plan;
    struct chain chain;
    struct targets *targets;
    bool without;                      /* the state database can't be used: said once, and gone on */
    bool told;                         /* how it ended */
    bool passed_over[CHAIN_TIERS_MAX]; /* and told */
    bool admitted;
    struct target_admission admission;
};

static int64_t now_ms(void)
{
    return clock_monotonic_us() / US_PER_MS;
}

/* ---- the state database ---- */

static void warn(struct drive *d, const struct err *e)
{
    if (!d->without)
        exec_say(d->plan, "without what other calls know: %s", e->msg);
    d->without = true;
}

/* wait_ms: for whoever just makes it, where there is a deadline. */
static bool database(struct drive *d, int64_t wait_ms)
{
    if (d->targets || d->without)
        return d->targets && !d->without;
    struct err e = {0};
    char *folder = d->plan->state_folder ? xstrdup(d->plan->state_folder) : exec_state_folder();
    wait_ms = d->plan->policy.backoff.deadline_ms > 0 ? wait_ms : INT64_MAX;
    if (targets_open_within(folder, d->plan->state_shared, false, wait_ms, &d->targets, &e) < 0)
        warn(d, &e);
    else if (targets_warning(d->targets))
        exec_say(d->plan, "%s", targets_warning(d->targets));
    free(folder);
    return d->targets != NULL;
}

static void be_patient(struct drive *d, int64_t ms)
{
    if (d->targets && d->plan->policy.backoff.deadline_ms > 0)
        targets_patience(d->targets, ms);
}

static int64_t left_ms(const struct drive *d)
{
    return d->chain.begun_ms + d->plan->policy.backoff.deadline_ms - now_ms();
}

/* By which a breaker never opens: for a budget alone. */
static const struct breaker_rules *never(void)
{
    static struct breaker_rules rules;
    rules = breaker_rules_default();
    rules.failures = UINT32_MAX;
    return &rules;
}

/* NULL: this tier asks nobody. */
static const struct breaker_rules *rules_of(const struct drive *d, size_t tier)
{
    const struct exec_tier *t = &d->plan->tiers[tier];
    const struct policy *p = &d->plan->policy;
    return !t->target[0]    ? NULL
           : t->has_breaker ? &t->breaker
           : p->has_breaker ? &p->breaker
           : p->budget > 0  ? never()
                            : NULL;
}

/* ---- in words ---- */

static bool is_affordable(const struct drive *d, size_t tier)
{
    double ceiling = d->plan->policy.cost_ceiling, cost = d->plan->tiers[tier].cost;
    return ceiling <= 0 || d->chain.spent + (cost > 0 ? cost : 0) <= ceiling;
}

/* What follows the failure. */
static void add_onward(const struct drive *d, size_t tier, const struct failure *f, struct str *out)
{
    const struct chain *c = &d->chain;
    const struct chain_order *o = &c->order;
    char text[EXEC_TIME_SIZE];
    exec_time_text(o->wait_ms, text);
    if (o->kind == CHAIN_WAIT && o->tier == tier)
        str_addf(out, ", again in %s", text);
    else if (o->kind == CHAIN_WAIT)
        str_addf(out, ", %s again in %s", d->plan->tiers[o->tier].name, text);
    else if (o->kind == CHAIN_ADMIT && o->tier != tier)
        str_addf(out, "; on to %s", d->plan->tiers[o->tier].name);
    else if (o->kind == CHAIN_ADMIT)
        str_add(out, ", again");
    else if (o->outcome == CHAIN_CACHED || o->outcome == CHAIN_REFUSED)
        str_addf(out, "; %s instead", o->outcome == CHAIN_CACHED ? "a cached answer" : "the refusal");
    else if (o->outcome == CHAIN_SKIPPED)
        str_add(out, "; skipped, as the policy says");
    else if (o->outcome == CHAIN_CANCELLED)
        str_add(out, "; called off");
    else if (!f || d->plan->tier_count > 1)
        str_add(out, "; nothing serves instead");
    else {
        struct rng scratch = c->rng;
        int64_t delay;
        enum retry_reason reason =
            policy_retry(&d->plan->policy, c->budgets[tier].most ? &c->budgets[tier] : NULL, f, c->attempts,
                         now_ms() - c->begun_ms, c->delay_ms, c->spent, &scratch, &delay);
        if (reason == RETRY_PERMANENT && f->class == FAILURE_OTHER)
            str_add(out, "; nothing says that it would pass (see --retry-on)");
        else if (reason == RETRY_MAYBE_STARTED)
            str_addf(out, "; %s (see --idempotent)", retry_reason_text(reason));
        else if (reason == RETRY_AGAIN) /* allowed, and yet there is none */
            str_addf(out, "; %s", retry_reason_text(is_affordable(d, tier) ? RETRY_DEADLINE : RETRY_COST));
        else
            str_addf(out, "; %s", retry_reason_text(reason));
    }
}

static bool is_silent(const struct drive *d)
{
    const struct chain_order *o = &d->chain.order;
    return d->q->quiet &&
           (o->kind != CHAIN_DONE || o->outcome == CHAIN_CACHED || o->outcome == CHAIN_SKIPPED);
}

/* One line of a tier: what it was, and what follows from it. */
static void say(struct drive *d, size_t tier, const struct str *what, const struct failure *f)
{
    struct str line = {0};
    if (d->plan->tier_count > 1)
        str_addf(&line, "%s: ", d->plan->tiers[tier].name);
    str_add(&line, str_text(what));
    add_onward(d, tier, f, &line);
    if (!is_silent(d))
        exec_say(d->plan, "%s", str_text(&line));
    d->told |= d->chain.order.kind == CHAIN_DONE;
    str_fini(&line);
}

static void say_refused(struct drive *d, size_t tier, const struct exec_refused *r)
{
    struct str line = {0};
    char text[EXEC_TIME_SIZE];
    str_addf(&line, "not called: %s", chain_skip_text(r->why));
    if (r->why == CHAIN_TIER_OPEN)
        str_addf(&line, " (%s", breaker_state_text(r->state));
    if (r->state == BREAKER_FORCED_OPEN)
        str_addf(&line, " by %s: %s", d->admission.hand.actor, d->admission.hand.reason);
    if (r->retry_after_ms >= 0) {
        exec_time_text(r->retry_after_ms, text);
        str_addf(&line, "%sfor %s", r->why == CHAIN_TIER_OPEN ? ", " : " (", text);
    }
    if (r->why == CHAIN_TIER_OPEN || r->retry_after_ms >= 0)
        str_add(&line, ")");
    say(d, tier, &line, NULL);
    str_fini(&line);
}

/* The tiers that were left out just now, without being asked. */
static void say_passed_over(struct drive *d)
{
    for (size_t i = 0; i < d->plan->tier_count; i++) {
        const char *why = d->passed_over[i] ? NULL : chain_passed_over(&d->chain, i);
        struct str line = {0};
        if (!why)
            continue;
        d->passed_over[i] = true;
        str_addf(&line, "not called: %s", why);
        say(d, i, &line, NULL);
        str_fini(&line);
    }
}

/* Nothing has been said of how it ended: the deadline passed while nothing was being called. */
static void say_end(struct drive *d)
{
    const struct chain_order *o = &d->chain.order;
    struct str line = {0};
    if (d->told || o->outcome == CHAIN_SERVED || o->outcome == CHAIN_CANCELLED || is_silent(d))
        return;
    str_add(&line, "the deadline has passed");
    add_onward(d, o->tier, NULL, &line);
    exec_say(d->plan, "%s", str_text(&line));
    str_fini(&line);
}

static void say_failed(struct drive *d, size_t tier, const struct failure *f)
{
    struct str line = {0};
    str_addf(&line, "attempt %u of %u: %s", d->chain.attempts, d->plan->policy.backoff.attempts, f->text);
    if (d->admission.changed && d->admission.state == BREAKER_OPEN)
        str_add(&line, "; its breaker opens");
    say(d, tier, &line, f);
    str_fini(&line);
}

/* ---- orders ---- */

static void refused(struct drive *d, size_t tier, const struct breaker_refusal *refusal)
{
    struct exec_refused *r = vec_push(&d->record->refused);
    *r = (struct exec_refused){.tier = tier,
                               .why = refusal->resting ? CHAIN_TIER_RESTING : CHAIN_TIER_OPEN,
                               .state = refusal->state,
                               .retry_after_ms = refusal->retry_after_ms};
    memcpy(r->last_error, d->admission.last_error, sizeof r->last_error);
    chain_refused(&d->chain, r->why, refusal->retry_after_ms, now_ms());
    say_refused(d, tier, r);
}

static void admit(struct drive *d)
{
    size_t tier = d->chain.order.tier;
    const struct breaker_rules *rules = rules_of(d, tier);
    struct breaker_refusal refusal;
    struct err e = {0};
    int code = 1;
    d->admitted = false;
    d->admission = (struct target_admission){.lease = -1};
    if (rules && database(d, left_ms(d) / 2)) {
        be_patient(d, left_ms(d) / 2); /* the other half is for the call, without what others know */
        struct budget *budget = d->plan->policy.budget ? &d->chain.budgets[tier] : NULL;
        code =
            target_admit(d->targets, d->plan->tiers[tier].target, rules, &d->admission, &refusal, budget, &e);
        d->admitted = code == 1;
        if (code < 0)
            warn(d, &e);
    }
    if (code == 0) {
        refused(d, tier, &refusal);
        return;
    }
    chain_admitted(&d->chain, now_ms());
    if (d->admitted && d->chain.order.kind != CHAIN_CALL)
        target_resolve(d->targets, d->plan->tiers[tier].target, rules, &d->admission, BREAKER_CANCELLED, 0, 0,
                       0, NULL);
}

static void resolve(struct drive *d, size_t tier, const struct failure *f, bool blameless, int64_t took_ms)
{
    struct err e = {0};
    int64_t rest = failure_verdict(f->class) != VERDICT_COOL ? 0
                   : f->retry_after_ms > 0                   ? f->retry_after_ms
                                                             : REST_MS;
    if (!d->admitted)
        return;
    be_patient(d, left_ms(d) > OUTCOME_MS ? left_ms(d) : OUTCOME_MS);
    d->admission.error = f->class == FAILURE_NONE ? NULL : f->text;
    if (target_resolve(d->targets, d->plan->tiers[tier].target, rules_of(d, tier), &d->admission,
                       blameless ? BREAKER_CANCELLED : chain_verdict(f), took_ms, rest,
                       d->plan->policy.budget, &e) < 0)
        warn(d, &e);
}

static void call(struct drive *d)
{
    const struct chain_order *o = &d->chain.order;
    size_t index = o->tier;
    const struct exec_tier *tier = &d->plan->tiers[index];
    int64_t timeout = o->timeout_ms;
    if (tier->timeout_ms > 0 && (timeout == 0 || tier->timeout_ms < timeout))
        timeout = tier->timeout_ms;
    int64_t begun = now_ms(), deadline = d->plan->policy.backoff.deadline_ms;
    int64_t left = deadline - (begun - d->chain.begun_ms);
    struct exec_call call = {
        .attempt = o->attempt,
        .tier = tier->name,
        .id = d->plan->id,
        .policy = &d->plan->policy,
        .timeout_ms = timeout,
        .grace_ms = d->q->grace_ms,
        .input_ms = deadline == 0 ? 0
                    : left > 1    ? left
                                  : 1,
        .streams = o->last && !tier->judged && !d->chain_plan.has_cached && !d->chain_plan.has_refusal,
        .io = d->io,
        .failure = {.class = FAILURE_NONE, .retry_after_ms = -1},
        .cost = NAN,
    };
    exec_spool_clear(&d->io->out);
    tier->attempt(&call, tier->data);
    int64_t ended = now_ms();
    if ((d->io->called_off && call.failure.class != FAILURE_NONE) || d->io->broken.code) {
        call.failure.class = FAILURE_CANCELLED;
        chain_cancel(&d->chain, ended);
    }
    double cost = chain_tier_cost(&d->tiers[index], call.cost);
    *vec_push(&d->record->made) = (struct exec_made){index, ended - begun, cost, call.failure};
    d->record->status = call.status;
    resolve(d, index, &call.failure, call.blameless, ended - begun);
    chain_ended(&d->chain, &call.failure, call.cost, now_ms());
    if (call.failure.class != FAILURE_NONE && !d->io->broken.code)
        say_failed(d, index, &call.failure);
}

/* ---- measures ---- */

static void count_tier(struct drive *d, size_t tier, struct measures_sums *sums)
{
    const struct exec_record *r = d->record;
    int64_t took = 0;
    for (size_t i = 0; i < r->made.len; i++) {
        const struct exec_made *made = &r->made.data[i];
        if (made->tier != tier)
            continue;
        sums->attempts++;
        took += made->took_ms;
        sums->cost += made->cost;
        if (made->failure.class != FAILURE_NONE)
            sums->by_class[made->failure.class]++;
    }
    bool served = r->outcome == CHAIN_SERVED && r->tier == tier;
    bool cancelled = r->outcome == CHAIN_CANCELLED && r->tier == tier;
    sums->ok = served;
    sums->hits = served;
    sums->cancelled = cancelled;
    sums->failed = !served && !cancelled && sums->attempts > 0;
    sums->retried = sums->attempts > 1;
    if (sums->attempts > 0)
        measures_took(sums, d->plan->tier_count == 1 ? r->took_ms : took);
    for (size_t i = 0; i < r->refused.len && sums->attempts == 0; i++)
        sums->rejected |= r->refused.data[i].tier == tier;
}

static void count(struct drive *d)
{
    for (size_t i = 0; i < d->plan->tier_count && !d->without; i++) {
        const struct exec_tier *tier = &d->plan->tiers[i];
        struct err e = {0};
        struct target_operation o = {.target = tier->target,
                                     .chain = tier->chain[0]      ? tier->chain
                                              : d->plan->chain[0] ? d->plan->chain
                                                                  : NULL,
                                     .tier = tier->of ? tier->number : (unsigned)i + 1,
                                     .tier_count = tier->of ? tier->of : (unsigned)d->plan->tier_count,
                                     .tier_cost = tier->cost,
                                     .accuracy = tier->accuracy};
        count_tier(d, i, &o.sums);
        o.passed_over = chain_passed_over(&d->chain, i);
        o.sums.rejected |= o.passed_over != NULL;
        if (!tier->target[0] || (o.sums.attempts == 0 && o.sums.rejected == 0) ||
            !database(d, left_ms(d) > OUTCOME_MS ? left_ms(d) : OUTCOME_MS))
            continue;
        be_patient(d, left_ms(d) > OUTCOME_MS ? left_ms(d) : OUTCOME_MS);
        if (target_count(d->targets, &o, &e) < 0)
            warn(d, &e);
    }
}

/* ---- the operation ---- */

static void begin(struct drive *d, bool has_cached)
{
    int64_t begun = now_ms();
    bool limited = false;
    for (size_t i = 0; i < d->plan->tier_count; i++) {
        const struct exec_tier *t = &d->plan->tiers[i];
        d->tiers[i] = (struct chain_tier){.name = t->name,
                                          .cost = t->cost,
                                          .accuracy = t->accuracy,
                                          .input_max = t->input_max,
                                          .provable = t->provable};
        limited |= t->input_max > 0;
    }
    d->chain_plan = (struct chain_plan){.tiers = d->tiers,
                                        .tier_count = d->plan->tier_count,
                                        .policy = &d->plan->policy,
                                        .has_cached = has_cached,
                                        .has_refusal = d->plan->refusal != NULL};
    if (limited) {
        struct exec_call asking = {.io = d->io, .input_ms = d->plan->policy.backoff.deadline_ms};
        struct str input = {0};
        exec_call_input(&asking, &input, NULL);
        d->chain_plan.input_bytes = input.len;
        str_fini(&input);
    }
    chain_begin(&d->chain, &d->chain_plan, rng_entropy(), begun);
}

void exec_drive(const struct exec_request *q, bool has_cached, struct exec_streams *io,
                struct exec_record *record)
{
    struct drive d = {.q = q, .plan = &q->plan, .io = io, .record = record, .admission = {.lease = -1}};
    struct chain *c = &d.chain;
    *record = (struct exec_record){0};
    begin(&d, has_cached);
    say_passed_over(&d);
    while (c->order.kind != CHAIN_DONE) {
        exec_streams_signals(io);
        if (io->called_off || io->broken.code)
            chain_cancel(c, now_ms());
        if (c->order.kind == CHAIN_ADMIT)
            admit(&d);
        else if (c->order.kind == CHAIN_CALL)
            call(&d);
        else if (c->order.kind == CHAIN_WAIT && !exec_streams_wait(io, c->order.wait_ms))
            chain_waited(c, now_ms());
        say_passed_over(&d);
    }
    say_end(&d);
    record->outcome = c->order.outcome;
    record->tier = c->tier;
    record->cost = c->spent;
    record->took_ms = now_ms() - c->begun_ms;
    chain_message(c, &record->message);
    count(&d);
    targets_close(d.targets);
}

void exec_record_fini(struct exec_record *r)
{
    vec_fini(&r->made);
    vec_fini(&r->refused);
    str_fini(&r->message);
}
