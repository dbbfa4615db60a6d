#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

/* 100,000 breakers with a cool-down each: they come out in order, each once. */
static void test_a_hundred_thousand_breakers_become_due_in_order(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct breaker_rules rules = breaker_rules_default();
    struct breaker *breakers = xcalloc(COUNT, sizeof *breakers);
    struct deadlines d = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        int64_t now_ms = 1 + i % 1000;
        breaker_init(&breakers[i], &rules, i, now_ms);
        for (unsigned k = 0; k < rules.failures; k++) {
            struct breaker_token token;
            assert_true(breaker_admit(&breakers[i], &rules, now_ms, &token, NULL));
            breaker_resolve(&breakers[i], &rules, &token, BREAKER_FAILURE, 1, now_ms);
        }
        deadlines_set(&d, i, now_ms + breaker_due_ms(&breakers[i], now_ms));
    }
    int64_t before_ms = 0;
    size_t taken = 0;
    for (struct deadline due; deadlines_take(&d, INT64_MAX, &due); taken++) {
        assert_true(due.at_ms >= before_ms);
        before_ms = due.at_ms;
        assert_int_equal(breaker_state(&breakers[due.id], due.at_ms - 1), BREAKER_OPEN);
        assert_int_equal(breaker_state(&breakers[due.id], due.at_ms), BREAKER_HALF_OPEN);
    }
    assert_int_equal(taken, COUNT);
    deadlines_fini(&d);
    free(breakers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hundred_thousand_breakers_become_due_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
