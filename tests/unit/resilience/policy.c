#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

static struct failure failed(enum failure_class class)
{
    return (struct failure){.class = class, .retry_after_ms = -1};
}

struct question {
    struct policy p;
    struct budget budget;
    struct failure f;
    unsigned attempt;
    int64_t elapsed_ms, previous_ms;
    double spent;
    int64_t delay_ms;
};

static struct question question(enum failure_class class)
{
    struct question q = {.p = policy_default(), .f = failed(class), .attempt = 1};
    q.p.idempotent = true;
    q.p.backoff.jitter = BACKOFF_NONE;
    budget_init(&q.budget, BUDGET_TOKENS_DEFAULT);
    return q;
}

static enum retry_reason ask(struct question *q)
{
    struct rng rng;
    rng_seed(&rng, 1);
    return policy_retry(&q->p, &q->budget, &q->f, q->attempt, q->elapsed_ms, q->previous_ms, q->spent, &rng,
                        &q->delay_ms);
}

static void expect(struct question *q, enum retry_reason want)
{
    enum retry_reason got = ask(q);
    if (got != want || (got == RETRY_AGAIN) != (q->delay_ms >= 0))
        fail_msg("%s: %s (%lld ms), not %s", failure_class_text(q->f.class), retry_reason_text(got),
                 (long long)q->delay_ms, retry_reason_text(want));
}

static void test_the_default_series(void **state)
{
    (void)state;
    struct question q = question(FAILURE_SERVER);
    expect(&q, RETRY_AGAIN);
    assert_int_equal(q.delay_ms, 100);
    q.attempt = 2;
    expect(&q, RETRY_AGAIN);
    assert_int_equal(q.delay_ms, 200);
    q.attempt = 3;
    expect(&q, RETRY_ATTEMPTS);
}

/* Ruling 2: what is not idempotent is repeated only when nothing can have happened. */
static void test_what_may_have_started_is_not_repeated(void **state)
{
    (void)state;
    struct question q = question(FAILURE_TIMEOUT);
    q.p.idempotent = false;
    expect(&q, RETRY_MAYBE_STARTED);
    q.f = failed(FAILURE_CONNECT);
    expect(&q, RETRY_MAYBE_STARTED);
    q.f.before_start = true;
    expect(&q, RETRY_AGAIN);
    q.f = failed(FAILURE_LIMITED);
    q.f.retry_after_ms = 1000;
    expect(&q, RETRY_MAYBE_STARTED);
}

static void test_permanent_is_never_retried(void **state)
{
    (void)state;
    for (int class = 0; class < FAILURE_CLASS_COUNT; class ++) {
        struct question q = question((enum failure_class) class);
        q.f.before_start = true;
        expect(&q, failure_is_retried((enum failure_class) class) ? RETRY_AGAIN : RETRY_PERMANENT);
    }
}

static void test_lists_of_classes(void **state)
{
    (void)state;
    struct err e;
    struct question q = question(FAILURE_OTHER);
    assert_int_equal(exit_list_parse("other,invalid,cancelled", &q.p.retry_on, &e), 0);
    assert_int_equal(exit_list_parse("timeout", &q.p.permanent, &e), 0);
    expect(&q, RETRY_AGAIN);
    q.f = failed(FAILURE_TIMEOUT);
    expect(&q, RETRY_PERMANENT);
    q.f = failed(FAILURE_CANCELLED); /* nobody may make a wish of a person pass */
    expect(&q, RETRY_PERMANENT);
}

static void test_retry_after_is_a_floor_and_bounded(void **state)
{
    (void)state;
    struct question q = question(FAILURE_LIMITED);
    q.f.retry_after_ms = 7000;
    expect(&q, RETRY_AGAIN);
    assert_int_equal(q.delay_ms, 7000);
    q.f.retry_after_ms = 50;
    expect(&q, RETRY_AGAIN);
    assert_int_equal(q.delay_ms, 100);
    q.f.retry_after_ms = POLICY_REST_MS_MAX + 1;
    expect(&q, RETRY_REST);
    q.p.backoff.cap_ms = POLICY_REST_MS_MAX + 1;
    expect(&q, RETRY_AGAIN);
    q.p.backoff.deadline_ms = 60000;
    expect(&q, RETRY_DEADLINE);
    q.f.retry_after_ms = 59999;
    expect(&q, RETRY_AGAIN);
    q.elapsed_ms = 1;
    expect(&q, RETRY_DEADLINE);
}

static void test_budget_and_cost(void **state)
{
    (void)state;
    struct question q = question(FAILURE_SERVER);
    for (int i = 0; i < 5; i++)
        budget_failed(&q.budget);
    expect(&q, RETRY_BUDGET);
    budget_init(&q.budget, 0);
    expect(&q, RETRY_AGAIN);
    q.p.cost_ceiling = 0.1;
    q.spent = 0.05;
    expect(&q, RETRY_AGAIN);
    q.spent = 0.1;
    expect(&q, RETRY_COST);
    struct rng rng;
    int64_t delay;
    rng_seed(&rng, 1);
    q.spent = 0;
    assert_int_equal(policy_retry(&q.p, NULL, &q.f, 1, 0, 0, 0, &rng, &delay), RETRY_AGAIN);
}

/* What is refused anyhow takes nothing from the generator: one draw for each retry, and replays stay equal.
 */
static void test_a_draw_only_for_another_attempt(void **state)
{
    (void)state;
    struct rng rng, before;
    int64_t delay;
    rng_seed(&rng, 7);
    before = rng;
    struct question q = question(FAILURE_AUTH);
    q.p.backoff.jitter = BACKOFF_ADDITIVE;
    policy_retry(&q.p, NULL, &q.f, 1, 0, 0, 0, &rng, &delay);
    q.f = failed(FAILURE_SERVER);
    policy_retry(&q.p, NULL, &q.f, 3, 0, 0, 0, &rng, &delay);
    assert_memory_equal(&rng, &before, sizeof rng);
    policy_retry(&q.p, NULL, &q.f, 1, 0, 0, 0, &rng, &delay);
    assert_memory_not_equal(&rng, &before, sizeof rng);
}

static void test_check_names_the_field(void **state)
{
    (void)state;
    struct err e;
    struct policy p = policy_default();
    assert_int_equal(policy_check(&p, &e), 0);
    p.timeout_ms = -1;
    assert_int_equal(policy_check(&p, &e), ERR_RANGE);
    assert_non_null(strstr(e.msg, "timeout"));
    p = policy_default();
    p.budget = BUDGET_TOKENS_MAX + 1;
    assert_int_equal(policy_check(&p, &e), ERR_RANGE);
    p = policy_default();
    p.cost_ceiling = -1;
    assert_int_equal(policy_check(&p, &e), ERR_RANGE);
    assert_non_null(strstr(e.msg, "cost_ceiling"));
    p = policy_default();
    exit_list_parse("1-9,200", &p.retry_on, &e);
    exit_list_parse("100-255", &p.permanent, &e);
    assert_int_equal(policy_check(&p, &e), ERR_RANGE);
    assert_non_null(strstr(e.msg, "exit status 200"));
    exit_list_parse("server", &p.retry_on, &e);
    exit_list_parse("cut,server", &p.permanent, &e);
    assert_int_equal(policy_check(&p, &e), ERR_RANGE);
    assert_non_null(strstr(e.msg, "server"));
    p = policy_default();
    exit_list_parse("timeout,cancelled", &p.retry_on, &e);
    assert_int_equal(policy_check(&p, &e), ERR_RANGE);
    assert_non_null(strstr(e.msg, "cancelled"));
    p = policy_default();
    p.has_breaker = true;
    assert_int_equal(policy_check(&p, &e), 0);
    p.breaker = (struct breaker_rules){0};
    assert_int_equal(policy_check(&p, &e), ERR_RANGE);
    p.breaker = breaker_rules_default();
    p.backoff.attempts = 0;
    assert_int_equal(policy_check(&p, &e), ERR_RANGE);
}

static void test_names(void **state)
{
    (void)state;
    enum policy_end end = POLICY_FAIL;
    static const enum policy_end ends[] = {POLICY_FALLBACK, POLICY_HEAL, POLICY_SKIP, POLICY_FAIL};
    for (size_t i = 0; i < 4; i++) {
        assert_true(policy_end_parse(policy_end_text(ends[i]), &end));
        assert_int_equal(end, ends[i]);
    }
    assert_false(policy_end_parse("retry", &end));
    assert_string_equal(policy_end_text((enum policy_end)9), "?");
    assert_string_equal(retry_reason_text((enum retry_reason)99), "?");
    assert_string_equal(retry_reason_text(RETRY_ATTEMPTS), "all attempts used");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_default_series),
        cmocka_unit_test(test_what_may_have_started_is_not_repeated),
        cmocka_unit_test(test_permanent_is_never_retried),
        cmocka_unit_test(test_lists_of_classes),
        cmocka_unit_test(test_retry_after_is_a_floor_and_bounded),
        cmocka_unit_test(test_budget_and_cost),
        cmocka_unit_test(test_a_draw_only_for_another_attempt),
        cmocka_unit_test(test_check_names_the_field),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
