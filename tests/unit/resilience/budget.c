#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

static void test_a_failure_takes_one_and_a_success_gives_a_tenth(void **state)
{
    (void)state;
    struct budget b;
    budget_init(&b, BUDGET_TOKENS_DEFAULT);
    for (int i = 0; i < 5; i++) {
        assert_true(budget_allows(&b));
        budget_failed(&b);
    }
    assert_false(budget_allows(&b)); /* exactly half is not more than half */
    budget_succeeded(&b);
    assert_true(budget_allows(&b));
    for (int i = 0; i < 100; i++)
        budget_failed(&b);
    for (int i = 0; i < 50; i++)
        budget_succeeded(&b);
    assert_false(budget_allows(&b)); /* it was never in debt: 50 successes are half */
    budget_succeeded(&b);
    assert_true(budget_allows(&b));
}

static void test_without_tokens_everything_is_allowed(void **state)
{
    (void)state;
    struct budget b;
    budget_init(&b, 0);
    for (int i = 0; i < 100; i++) {
        budget_failed(&b);
        assert_true(budget_allows(&b));
    }
}

static void test_a_budget_has_a_limit(void **state)
{
    (void)state;
    struct budget b, most;
    budget_init(&b, 4000000000u);
    budget_init(&most, BUDGET_TOKENS_MAX);
    assert_memory_equal(&b, &most, sizeof b);
}

/* What it is for: however often callers try again, an outage gets few more calls than there are operations.
 */
static void test_retries_cannot_multiply_an_outage(void **state)
{
    (void)state;
    struct budget b;
    budget_init(&b, BUDGET_TOKENS_DEFAULT);
    int calls = 0;
    for (int operation = 0; operation < 1000; operation++)
        for (int attempt = 1; attempt <= 10; attempt++) {
            calls++;
            budget_failed(&b);
            if (!budget_allows(&b))
                break;
        }
    assert_int_equal(calls, 1000 + 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_takes_one_and_a_success_gives_a_tenth),
        cmocka_unit_test(test_without_tokens_everything_is_allowed),
        cmocka_unit_test(test_a_budget_has_a_limit),
        cmocka_unit_test(test_retries_cannot_multiply_an_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
