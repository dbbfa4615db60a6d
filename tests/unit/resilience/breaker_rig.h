/* A breaker with its rules and a clock of its own, for tests. */
#ifndef BELAY_TESTS_BREAKER_RIG_H
#define BELAY_TESTS_BREAKER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

struct rig {
    struct breaker breaker;
    struct breaker_rules rules;
    int64_t now_ms;
};

/* rules over the defaults, without jitter; the clock stands at 1000 s. */
static inline struct rig rig_of(const char *rules)
{
    struct rig g = {.rules = breaker_rules_default(), .now_ms = 1000000};
    struct err e = {0};
    g.rules.jitter_permille = 0;
    if (*rules && breaker_rules_parse(rules, &g.rules, &e))
        fail_msg("%s: %s", rules, e.msg);
    breaker_init(&g.breaker, &g.rules, 1, g.now_ms);
    return g;
}

static inline enum breaker_state rig_state(const struct rig *g)
{
    return breaker_state(&g->breaker, g->now_ms);
}

static inline bool rig_try(struct rig *g, struct breaker_token *token)
{
    return breaker_admit(&g->breaker, &g->rules, g->now_ms, token, NULL);
}

/* A call that must be admitted. */
static inline struct breaker_token rig_admit(struct rig *g)
{
    struct breaker_token token;
    struct breaker_refusal refusal = {0};
    if (!breaker_admit(&g->breaker, &g->rules, g->now_ms, &token, &refusal))
        fail_msg("refused in %s", breaker_state_text(refusal.state));
    return token;
}

/* A call that must be refused. */
static inline struct breaker_refusal rig_refused(struct rig *g)
{
    struct breaker_token token;
    struct breaker_refusal refusal = {0};
    if (breaker_admit(&g->breaker, &g->rules, g->now_ms, &token, &refusal))
        fail_msg("admitted in %s", breaker_state_text(rig_state(g)));
    return refusal;
}

static inline bool rig_resolve(struct rig *g, struct breaker_token *token, enum breaker_result result)
{
    return breaker_resolve(&g->breaker, &g->rules, token, result, g->now_ms - token->admitted_ms, g->now_ms);
}

static inline bool rig_call(struct rig *g, enum breaker_result result)
{
    struct breaker_token token = rig_admit(g);
    return rig_resolve(g, &token, result);
}

/* Tripped by failures in a row. */
static inline void rig_trip(struct rig *g)
{
    for (unsigned i = 0; i < g->rules.failures; i++)
        rig_call(g, BREAKER_FAILURE);
    assert_int_equal(rig_state(g), BREAKER_OPEN);
}

static inline void rig_half_open(struct rig *g)
{
    rig_trip(g);
    g->now_ms += breaker_due_ms(&g->breaker, g->now_ms);
    assert_int_equal(rig_state(g), BREAKER_HALF_OPEN);
}

#endif
