#include "engine/targets/call.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/targets/call_books.h"
#include "engine/targets/targets.h"

struct call_tier {
    const struct config_tier *declared;
    struct breaker_rules breaker;
    char target[TARGET_NAME_LIMIT + 1], chain[TARGET_NAME_LIMIT + 1];
    struct target_operation operation; /* what it will be counted as */
    int64_t took_ms;
    bool refused;
};

struct call {
    struct loop *loop;
    struct http *http;
    char *input, *id;
    struct ask_question question;
    struct policy policy;
    struct call_tier tiers[CHAIN_TIERS_MAX];
    struct chain_tier plan_tiers[CHAIN_TIERS_MAX];
    struct chain_plan plan;
    struct chain chain;
    char *cached, *refusal;
    struct books *books;
    struct ask *ask;
    struct loop_timer *timer;
    struct failure ended; /* of the attempt that is being resolved */
    double cost;          /* what it really cost; NaN: not known */
    struct target_operation operations[CHAIN_TIERS_MAX];
    bool counting;
    int64_t begun_ms;
    struct str message;
    struct call_result result;
    void (*done)(void *data, struct call_result *result);
    void *data;
};

static int64_t now_ms(const struct call *c)
{
    return loop_now_us(c->loop) / US_PER_MS;
}

static void call_free(struct call *c)
{
    loop_timer_free(c->timer);
    books_free(c->books);
    free(c->input);
    free(c->id);
    free(c->cached);
    free(c->refusal);
    str_fini(&c->message);
    str_fini(&c->result.answer);
    free(c);
}

void call_cancel(struct call *c)
{
    if (!c)
        return;
    if (c->counting) { /* it is over: what it did is still written down */
        c->done = NULL;
        return;
    }
    if (c->ask) {
        struct failure none = {.class = FAILURE_NONE, .retry_after_ms = -1};
        ask_cancel(c->ask);
        books_resolve(c->books, BREAKER_CANCELLED, &none, 0, 0, NULL, NULL);
    }
    call_free(c);
}

/* ---- The end ---- */

static void deliver(void *data)
{
    struct call *c = data;
    struct call_result *r = &c->result;
    const char *instead = r->outcome == CHAIN_CACHED    ? c->cached
                          : r->outcome == CHAIN_REFUSED ? c->refusal
                                                        : NULL;
    if (instead)
        str_add(&r->answer, instead);
    chain_message(&c->chain, &c->message);
    r->message = str_text(&c->message);
    r->trouble = books_trouble(c->books);
    if (c->done)
        c->done(c->data, r);
    call_free(c);
}

/* What a tier did in this operation; false: nothing. */
static bool sum_up(struct call *c, size_t tier)
{
    struct call_tier *t = &c->tiers[tier];
    struct measures_sums *s = &t->operation.sums;
    bool served = c->result.outcome == CHAIN_SERVED && tier == c->chain.tier;
    s->ok = s->hits = served;
    s->failed = !served && s->attempts > 0;
    s->retried = s->attempts > 1;
    t->operation.passed_over = chain_passed_over(&c->chain, tier);
    s->rejected = s->attempts == 0 && (t->refused || t->operation.passed_over);
    if (s->attempts > 0)
        measures_took(s, t->took_ms);
    return s->attempts + s->rejected > 0;
}

static void finish(struct call *c)
{
    size_t count = 0;
    c->result.outcome = c->chain.order.outcome;
    c->result.tier = c->result.outcome == CHAIN_SERVED ? c->plan_tiers[c->chain.tier].name : NULL;
    c->result.attempts = c->chain.attempts;
    c->result.cost = c->chain.spent;
    for (size_t i = 0; i < c->plan.tier_count; i++)
        if (sum_up(c, i))
            c->operations[count++] = c->tiers[i].operation;
    c->counting = true;
    books_count(c->books, c->operations, count, deliver, c);
}

/* ---- Orders ---- */

static void next(struct call *c);

static void on_cancelled(void *data)
{
    next(data);
}

static void on_admitted(void *data, const struct books_refusal *r)
{
    struct call *c = data;
    size_t tier = c->chain.order.tier;
    static const struct failure none = {.class = FAILURE_NONE, .retry_after_ms = -1};
    if (r->refused) {
        c->tiers[tier].refused = true;
        chain_refused(&c->chain, r->why.resting ? CHAIN_TIER_RESTING : CHAIN_TIER_OPEN, r->why.retry_after_ms,
                      now_ms(c));
    } else {
        chain_admitted(&c->chain, now_ms(c));
    }
    if (!r->refused && c->chain.order.kind != CHAIN_CALL)
        books_resolve(c->books, BREAKER_CANCELLED, &none, 0, 0, on_cancelled, c);
    else
        next(c);
}

static void on_resolved(void *data)
{
    struct call *c = data;
    chain_ended(&c->chain, &c->ended, c->cost, now_ms(c));
    next(c);
}

static void on_asked(void *data, struct ask_result *r)
{
    struct call *c = data;
    struct call_tier *t = &c->tiers[c->chain.order.tier];
    int64_t took_ms = now_ms(c) - c->begun_ms;
    c->ask = NULL;
    c->ended = r->failure;
    c->cost = r->cost;
    t->operation.sums.cost += chain_tier_cost(&c->plan_tiers[c->chain.order.tier], r->cost);
    t->took_ms += took_ms;
    t->operation.sums.attempts++;
    if (c->ended.class == FAILURE_NONE) {
        c->result.answer = r->answer;
        r->answer = (struct str){0};
    } else {
        t->operation.sums.by_class[c->ended.class]++;
    }
    books_resolve(c->books, chain_verdict(&c->ended), &c->ended, took_ms, c->policy.budget, on_resolved, c);
}

static void on_waited(void *data)
{
    struct call *c = data;
    chain_waited(&c->chain, now_ms(c));
    next(c);
}

static void next(struct call *c)
{
    const struct chain_order *o = &c->chain.order;
    struct call_tier *t = &c->tiers[o->tier];
    switch (o->kind) {
    case CHAIN_ADMIT:
        books_admit(c->books, t->target, &t->breaker, c->policy.budget ? &c->chain.budgets[o->tier] : NULL,
                    on_admitted, c);
        break;
    case CHAIN_CALL:
        c->begun_ms = now_ms(c);
        c->ask =
            ask_start(c->loop, c->http, t->declared, &c->question, &c->policy, o->timeout_ms, on_asked, c);
        break;
    case CHAIN_WAIT:
        loop_timer_start(c->timer, o->wait_ms * US_PER_MS, 0);
        break;
    case CHAIN_DONE:
        finish(c);
        break;
    }
}

/* ---- The beginning ---- */

static void fill_tier(struct call *c, const struct config_tier_at *at)
{
    size_t i = c->plan.tier_count++;
    const struct config_tier *d = at->tier;
    struct call_tier *t = &c->tiers[i];
    c->plan_tiers[i] = declared_tier(d);
    t->declared = d;
    t->breaker = d->has_breaker          ? breaker_rules_declared(&d->breaker)
                 : c->policy.has_breaker ? c->policy.breaker
                                         : breaker_rules_default();
    declared_target(at->chain, d, t->target);
    snprintf(t->chain, sizeof t->chain, "%s", at->chain->name);
    t->operation = (struct target_operation){.target = t->target,
                                             .chain = t->chain,
                                             .tier = (unsigned)(d - at->chain->tiers) + 1,
                                             .tier_count = (unsigned)at->chain->tier_count,
                                             .tier_cost = c->plan_tiers[i].cost,
                                             .accuracy = c->plan_tiers[i].accuracy};
}

struct call *call_start(struct loop *l, struct http *http, const struct config *config,
                        const struct config_chain *chain, const struct ask_question *question,
                        const char *state_folder, bool state_shared,
                        void (*done)(void *data, struct call_result *result), void *data, struct err *e)
{
    struct config_tier_at tiers[CONFIG_CHAIN_TIERS];
    struct call *c = xcalloc(1, sizeof *c);
    c->loop = l;
    c->http = http;
    c->done = done;
    c->data = data;
    c->input = xstrndup("", 0);
    c->id = xstrdup(question->id);
    size_t count = config_chain_tiers(config, chain, tiers);
    int status = declared_chain_policy(config, chain, &c->policy, e);
    for (size_t i = 0; i < count && i < CHAIN_TIERS_MAX; i++)
        fill_tier(c, &tiers[i]);
    c->plan.tiers = c->plan_tiers;
    c->plan.policy = &c->policy;
    c->plan.input_bytes = question->length;
    if (status == 0)
        status = chain_check(&c->plan, e);
    struct err unread = {0};
    c->cached = declared_cached(chain->cached, c->id, &unread);
    c->refusal = xstrdup(chain->refusal);
    c->plan.has_cached = c->cached != NULL;
    c->plan.has_refusal = c->refusal != NULL;
    if (status < 0) {
        call_free(c);
        return NULL;
    }
    if (question->length > 0) {
        c->input = xrealloc(c->input, question->length);
        memcpy(c->input, question->input, question->length);
    }
    c->question = (struct ask_question){.input = c->input, .length = question->length, .id = c->id};
    c->books = books_new(l, state_folder, state_shared);
    c->timer = loop_timer_new(l, on_waited, c);
    chain_begin(&c->chain, &c->plan, rng_entropy(), now_ms(c));
    next(c);
    return c;
}
