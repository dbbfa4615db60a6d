/* Own breakers as the platform sees them: beside those that are read, and no second problem where their
 * source is one already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/own.h"

#define NOW_US (1000 * US_PER_S)

static struct target_view view_of(const char *name, enum breaker_state state)
{
    struct target_view v = {.has_breaker = true,
                            .state = state,
                            .due_ms = 41000,
                            .since_wall_us = NOW_US,
                            .used_wall_us = NOW_US};
    strcpy(v.name, name);
    strcpy(v.last_error, "exit 7");
    v.counts = (struct breaker_counts){.admitted = 10, .failed = 5, .succeeded = 5, .refused = 2, .trips = 1};
    v.spans[MEASURES_5M] = (struct measures_sums){.ok = 3, .failed = 1, .attempts = 8, .retried = 2};
    return v;
}

static void a_name_of_the_shell_is_a_problem_a_source_is_not(void **state)
{
    (void)state;
    struct platform *p = platform_new(NULL);
    struct target_view views[2] = {view_of("pay-api", BREAKER_OPEN), view_of("source/api", BREAKER_OPEN)};
    platform_source_add(p, "api", "http", US_PER_S, 0, 0);
    struct batch answer = {.source = "api"};
    platform_apply(p, &answer, NOW_US, NOW_US);
    own_observe(p, &views[1], 1, NULL, 0, NOW_US, NOW_US);
    size_t total;
    assert_int_equal(platform_problems(p, NULL, 0, &total), 0);
    assert_int_equal(total, 0);
    assert_int_equal(platform_condition(p), CONDITION_OK);
    assert_int_equal(platform_source_count(p), 1);
    const struct entity *e = platform_find(p, ENTITY_BREAKER, NULL, "source/api");
    assert_non_null(e);
    assert_int_equal(e->condition, CONDITION_DOWN);
    own_observe(p, views, 2, NULL, 0, NOW_US, NOW_US);
    platform_problems(p, NULL, 0, &total);
    assert_int_equal(total, 1);
    assert_int_equal(platform_condition(p), CONDITION_DOWN);
    e = platform_find(p, ENTITY_BREAKER, OWN_SOURCE, "pay-api");
    assert_string_equal(e->raw, "OPEN");
    assert_string_equal(entity_attribute(e, "own"), "exec");
    assert_string_equal(e->reason, "exit 7");
    assert_true(entity_measure(e, "cool_down_s") == 41);
    assert_true(entity_measure(e, "not_permitted") == 2);
    assert_true(entity_measure(e, "success_rate") == 0.75);
    assert_true(entity_measure(e, "attempts") == 2);
    assert_true(entity_measure(e, "retry_rate") == 0.5);
    platform_free(p);
}

/* This process is no source: it can't be the one that still answers when all are silent. */
static void all_sources_silent_is_still_seen(void **state)
{
    (void)state;
    struct platform *p = platform_new(NULL);
    struct target_view view = view_of("pay-api", BREAKER_CLOSED);
    platform_source_add(p, "api", "http", US_PER_S, 0, 0);
    own_observe(p, &view, 1, NULL, 0, NOW_US, NOW_US);
    platform_tick(p, NOW_US, NOW_US);
    assert_true(platform_all_silent(p, NULL));
    assert_int_equal(platform_find(p, ENTITY_BREAKER, NULL, "pay-api")->condition, CONDITION_OK);
    platform_free(p);
}

static void what_nobody_calls_any_more_is_idle(void **state)
{
    (void)state;
    struct platform *p = platform_new(NULL);
    struct target_view view = view_of("pay-api", BREAKER_HALF_OPEN);
    own_observe(p, &view, 1, NULL, 0, NOW_US, NOW_US);
    const struct entity *e = platform_find(p, ENTITY_BREAKER, NULL, "pay-api");
    assert_int_equal(e->condition, CONDITION_DEGRADED);
    own_observe(p, &view, 1, NULL, 0, NOW_US, NOW_US + 3600 * US_PER_S);
    assert_int_equal(e->condition, CONDITION_OK);
    assert_true(e->flags & ENTITY_IDLE);
    platform_free(p);
}

static void by_hand_says_who_and_why(void **state)
{
    (void)state;
    struct platform *p = platform_new(NULL);
    struct target_view view = view_of("pay-api", BREAKER_FORCED_OPEN);
    strcpy(view.hand.actor, "alice");
    strcpy(view.hand.reason, "drill");
    view.hand.until_wall_us = NOW_US + US_PER_S;
    own_observe(p, &view, 1, NULL, 0, NOW_US, NOW_US);
    const struct entity *e = platform_find(p, ENTITY_BREAKER, NULL, "pay-api");
    assert_string_equal(e->reason, "by alice: drill");
    assert_string_equal(entity_attribute(e, "actor"), "alice");
    assert_int_equal(strlen(entity_attribute(e, "until")), 27);
    platform_free(p);
}

static void the_kept_one_is_newer_than_the_stored_one(void **state)
{
    (void)state;
    struct platform *p = platform_new(NULL);
    struct breaker_rules rules = breaker_rules_default();
    struct target_view view = view_of("source/api", BREAKER_OPEN);
    struct kept kept, *list[] = {&kept};
    kept_init(&kept, "source", "source/api", &rules);
    own_observe(p, &view, 1, list, 1, NOW_US, NOW_US);
    size_t count;
    platform_list(p, ENTITY_BREAKER, &count);
    assert_int_equal(count, 1);
    assert_string_equal(platform_find(p, ENTITY_BREAKER, NULL, "source/api")->raw, "CLOSED");
    platform_free(p);
}

/* A tier as `belay exec --chain answers` leaves it. */
static struct target_view tier_of(const char *name, unsigned tier, enum breaker_state state,
                                  uint64_t hits_hour, uint64_t attempts_hour)
{
    struct target_view v = {.has_breaker = true,
                            .tier = tier,
                            .tier_count = 2,
                            .state = state,
                            .due_ms = state == BREAKER_OPEN ? 41000 : -1,
                            .cost = tier == 1 ? 0.1 : 0.05,
                            .accuracy = tier == 1 ? 0.99 : 0.95,
                            .used_wall_us = NOW_US};
    strcpy(v.name, name);
    strcpy(v.chain, "answers");
    strcpy(v.last_error, "HTTP 503");
    v.spans[MEASURES_1H] = (struct measures_sums){
        .hits = hits_hour, .attempts = attempts_hour, .cost = 0.1 * (double)attempts_hour};
    v.spans[MEASURES_LIFE] = (struct measures_sums){.hits = hits_hour + 1000};
    return v;
}

static void a_chain_shows_who_serves_and_why_others_do_not(void **state)
{
    (void)state;
    struct platform *p = platform_new(NULL);
    struct target_view views[2] = {tier_of("chain/answers/gpt-4", 1, BREAKER_OPEN, 0, 5),
                                   tier_of("chain/answers/claude", 2, BREAKER_CLOSED, 36, 36)};
    struct chain_summary sum;
    size_t total;
    views[0].tier_count = views[1].tier_count = 3; /* the third has never been asked */
    own_observe(p, views, 2, NULL, 0, NOW_US, NOW_US);
    platform_problems(p, NULL, 0, &total);
    assert_int_equal(total, 1); /* the chain; its tier's breaker is no second one */
    assert_int_equal(platform_condition(p), CONDITION_DOWN); /* also where nothing else is watched */
    const struct entity *e = platform_find(p, ENTITY_CHAIN, OWN_SOURCE, "answers/gpt-4");
    assert_non_null(e);
    assert_string_equal(e->raw, "OPEN");
    assert_string_equal(e->reason, "its breaker refuses: HTTP 503");
    assert_true(entity_measure(e, "cool_down_s") == 41);
    assert_true(entity_measure(e, "cost_hour") == 0.5);
    assert_int_equal(e->condition, CONDITION_DOWN);
    e = platform_find(p, ENTITY_CHAIN, OWN_SOURCE, "answers/claude");
    assert_string_equal(e->raw, "serves");
    assert_string_equal(entity_attribute(e, "own"), "chain");
    assert_true(entity_measure(e, "hits") == 1036);
    assert_true(entity_measure(e, "hits_hour") == 36);
    assert_true(fabs(entity_measure(e, "hits_rate") - 0.01) < 1e-6); /* over the hour: none in five minutes */
    assert_true(platform_chain(p, "answers", &sum));
    assert_int_equal(sum.condition, CONDITION_DEGRADED);
    assert_int_equal(sum.serving_tier, 2);
    assert_int_equal(sum.tier_count, 3);
    assert_true(fabs(sum.accuracy - 0.95) < 1e-6);
    views[0] = tier_of("chain/answers/gpt-4", 1, BREAKER_CLOSED, 0, 0);
    views[0].spans[MEASURES_1H].rejected = 3; /* passed over without being asked */
    strcpy(views[0].last_error, "the input is too large for it");
    own_observe(p, views, 2, NULL, 0, NOW_US, NOW_US);
    e = platform_find(p, ENTITY_CHAIN, OWN_SOURCE, "answers/gpt-4");
    assert_string_equal(e->raw, "passed over");
    assert_string_equal(e->reason, "the input is too large for it");
    assert_int_equal(e->condition, CONDITION_DEGRADED);
    views[0] = tier_of("chain/answers/gpt-4", 1, BREAKER_OPEN, 0, 5);
    views[0].tier_count = 3;
    views[0].state = BREAKER_CLOSED; /* a 429: it rests */
    views[0].due_ms = 7000;
    views[1].spans[MEASURES_5M].hits = 3;
    own_observe(p, views, 2, NULL, 0, NOW_US, NOW_US);
    e = platform_find(p, ENTITY_CHAIN, OWN_SOURCE, "answers/gpt-4");
    assert_string_equal(e->raw, "resting");
    assert_true(entity_measure(e, "cool_down_s") == 7);
    assert_true(platform_chain(p, "answers", &sum));
    assert_true(fabs(sum.hits_rate - 0.01) < 1e-6); /* 3 in 300 s */
    platform_free(p);
}

/* No answer in the hour past although it was asked: nothing serves. Nobody asked: no trouble. */
static void a_chain_that_fails_is_down_and_one_at_rest_is_not(void **state)
{
    (void)state;
    struct platform *p = platform_new(NULL);
    struct target_view views[2] = {tier_of("chain/answers/gpt-4", 1, BREAKER_CLOSED, 0, 5),
                                   tier_of("chain/answers/claude", 2, BREAKER_CLOSED, 0, 3)};
    struct chain_summary sum;
    views[0].due_ms = -1;
    own_observe(p, views, 2, NULL, 0, NOW_US, NOW_US);
    assert_string_equal(platform_find(p, ENTITY_CHAIN, OWN_SOURCE, "answers/gpt-4")->raw, "failing");
    assert_true(platform_chain(p, "answers", &sum));
    assert_int_equal(sum.condition, CONDITION_DOWN);
    assert_null(sum.serving);
    int64_t later_us = NOW_US + 3601 * US_PER_S;
    own_observe(p, views, 2, NULL, 0, later_us, later_us);
    assert_true(platform_chain(p, "answers", &sum));
    assert_int_equal(sum.condition, CONDITION_OK);
    assert_true(platform_find(p, ENTITY_CHAIN, OWN_SOURCE, "answers/claude")->flags & ENTITY_IDLE);
    views[0].has_breaker = views[1].has_breaker = false;
    platform_free(p);
    p = platform_new(NULL);
    own_observe(p, views, 2, NULL, 0, later_us, later_us);
    assert_int_equal(platform_condition(p),
                     CONDITION_UNKNOWN); /* nobody asked it, and nothing else is watched */
    platform_free(p);
}

static void on_transition(const struct transition *t, void *data)
{
    struct str *told = data;
    str_addf(told, "%s %s\n", transition_kind_text(t->kind), t->raw_to);
}

static void second_passes(struct platform *p, struct breaker *b, const struct breaker_rules *rules,
                          int64_t second, bool works)
{
    int64_t now_ms = second * 1000;
    struct breaker_token token;
    struct target_view view = view_of("pay-api", BREAKER_CLOSED);
    for (int after = 0; after < 2; after++) { /* seen before and after the call of this second */
        view.state = breaker_state(b, now_ms);
        view.same_outage = breaker_same_outage(b, now_ms);
        view.generation = b->generation;
        own_observe(p, &view, 1, NULL, 0, now_ms * 1000, NOW_US + now_ms * 1000);
        if (!after && breaker_admit(b, rules, now_ms, &token, NULL))
            breaker_resolve(b, rules, &token, works ? BREAKER_SUCCESS : BREAKER_FAILURE, 10, now_ms + 10);
        now_ms += 20;
    }
}

/* Probe after probe that fails is one outage, told once. */
static void failing_probes_are_no_flapping(void **state)
{
    (void)state;
    struct str told = {0};
    struct platform_events events = {.transition = on_transition, .data = &told};
    struct platform *p = platform_new(&events);
    struct breaker_rules rules = breaker_rules_default();
    struct breaker b;
    assert_int_equal(breaker_rules_parse("failures=2,cool-down=5s,jitter=0", &rules, NULL), 0);
    breaker_init(&b, &rules, 1, 0);
    for (int64_t second = 1; second <= 600; second++)
        second_passes(p, &b, &rules, second, second < 5);
    const struct entity *e = platform_find(p, ENTITY_BREAKER, NULL, "pay-api");
    assert_true(b.counts.trips > 90);
    assert_false(e->flags & ENTITY_FLAPPING);
    assert_string_not_equal(e->raw, "CLOSED"); /* its own word is shown all the same */
    assert_string_equal(str_text(&told), "appeared CLOSED\nchanged OPEN\nchanged HALF_OPEN\nchanged OPEN\n");
    for (int64_t second = 601; second <= 610; second++)
        second_passes(p, &b, &rules, second, true);
    assert_string_equal(e->raw, "CLOSED");
    str_clear(&told);
    for (int64_t second = 611; second <= 630; second++)
        second_passes(p, &b, &rules, second, second % 10 == 0); /* and this is */
    assert_non_null(strstr(str_text(&told), "changed OPEN"));
    assert_true(e->flags & ENTITY_FLAPPING);
    str_fini(&told);
    platform_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_shows_who_serves_and_why_others_do_not),
        cmocka_unit_test(a_chain_that_fails_is_down_and_one_at_rest_is_not),
        cmocka_unit_test(a_name_of_the_shell_is_a_problem_a_source_is_not),
        cmocka_unit_test(all_sources_silent_is_still_seen),
        cmocka_unit_test(what_nobody_calls_any_more_is_idle),
        cmocka_unit_test(by_hand_says_who_and_why),
        cmocka_unit_test(failing_probes_are_no_flapping),
        cmocka_unit_test(the_kept_one_is_newer_than_the_stored_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
