/* An operation on three tiers, told step by step: what the chain is to say next, and what became of it. */
#ifndef BELAY_TESTS_CHAIN_TELLING_H
#define BELAY_TESTS_CHAIN_TELLING_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

struct telling {
    struct chain_tier tiers[3];
    struct policy p;
    struct chain_plan plan;
    struct chain c;
    int64_t now_ms;
};

static inline void tell(struct telling *t)
{
    *t = (struct telling){
        .tiers = {{.name = "gpt-4", .cost = 0.05, .accuracy = 0.95},
                  {.name = "claude", .cost = 0.02, .accuracy = 0.9},
                  {.name = "rules", .cost = 0, .accuracy = 0.6}},
        .p = policy_default(),
        .now_ms = 1000,
    };
    t->p.backoff.attempts = 6;
    t->p.backoff.jitter = BACKOFF_NONE;
    t->p.idempotent = true;
    t->plan = (struct chain_plan){.tiers = t->tiers, .tier_count = 3, .policy = &t->p};
}

static inline void begin(struct telling *t)
{
    struct err e;
    if (chain_check(&t->plan, &e) < 0)
        fail_msg("%s", e.msg);
    chain_begin(&t->c, &t->plan, 1, t->now_ms);
}

static inline void expect(const struct telling *t, enum chain_order_kind kind, size_t tier)
{
    static const char *const kinds[] = {
#define X(name, help) #name,
        CHAIN_ORDERS(X)
#undef X
    };
    const struct chain_order *o = &t->c.order;
    if (o->kind != kind || o->tier != tier)
        fail_msg("%s of tier %zu (%s), not %s of tier %zu", kinds[o->kind], o->tier,
                 o->kind == CHAIN_DONE ? chain_outcome_text(o->outcome) : "", kinds[kind], tier);
}

static inline void expect_done(const struct telling *t, enum chain_outcome outcome)
{
    expect(t, CHAIN_DONE, t->c.order.tier);
    assert_string_equal(chain_outcome_text(t->c.order.outcome), chain_outcome_text(outcome));
}

/* The pending call is admitted and ends like this. */
static inline void call(struct telling *t, size_t tier, enum failure_class class, int64_t retry_after_ms)
{
    struct failure f = {.class = class, .retry_after_ms = retry_after_ms};
    snprintf(f.text, sizeof f.text, "a %s failure", failure_class_text(class));
    expect(t, CHAIN_ADMIT, tier);
    chain_admitted(&t->c, t->now_ms);
    expect(t, CHAIN_CALL, tier);
    chain_ended(&t->c, &f, NAN, t->now_ms);
}

static inline void refuse(struct telling *t, size_t tier, int64_t retry_after_ms)
{
    expect(t, CHAIN_ADMIT, tier);
    chain_refused(&t->c, CHAIN_TIER_OPEN, retry_after_ms, t->now_ms);
}

static inline void wait_it(struct telling *t, size_t tier, int64_t ms)
{
    expect(t, CHAIN_WAIT, tier);
    assert_int_equal(t->c.order.wait_ms, ms);
    t->now_ms += ms;
    chain_waited(&t->c, t->now_ms);
}

static inline void expect_message(const struct telling *t, const char *text)
{
    struct str out = {0};
    chain_message(&t->c, &out);
    assert_string_equal(str_text(&out), text);
    str_fini(&out);
}

#endif
