#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

static void test_rates(void **state)
{
    (void)state;
    struct measures_sums s = {0};
    assert_true(isnan(measures_success_rate(&s)) && isnan(measures_average_attempts(&s)) &&
                isnan(measures_retry_rate(&s)) && isnan(measures_quantile_s(&s, 0.5)));
    s.rejected = 7; /* counted apart: never tried */
    assert_true(isnan(measures_success_rate(&s)) && isnan(measures_retry_rate(&s)));
    s = (struct measures_sums){
        .ok = 6, .failed = 2, .cancelled = 2, .rejected = 90, .attempts = 15, .retried = 3};
    assert_true(measures_success_rate(&s) == 0.75);
    assert_true(measures_average_attempts(&s) == 1.5);
    assert_true(measures_retry_rate(&s) == 0.3);
}

static void test_quantiles(void **state)
{
    (void)state;
    struct measures_sums s = {0};
    for (int i = 0; i < 10; i++)
        measures_took(&s, 8); /* in (5, 10] */
    assert_true(fabs(measures_quantile_s(&s, 0.5) - 0.0075) < 1e-12);
    assert_true(fabs(measures_quantile_s(&s, 1) - 0.010) < 1e-12);
    for (int i = 0; i < 30; i++)
        measures_took(&s, 70000); /* above every bound */
    assert_true(measures_quantile_s(&s, 0.99) == 60);
    assert_true(fabs(measures_quantile_s(&s, 0.25) - 0.010) < 1e-12);
    s = (struct measures_sums){0};
    measures_took(&s, 5); /* a bound belongs to the bucket below it */
    measures_took(&s, 0);
    assert_int_equal(s.durations[0], 2);
    assert_true(fabs(s.duration_s - 0.005) < 1e-12);
}

static void test_bounds_grow(void **state)
{
    (void)state;
    for (int i = 1; i < MEASURES_BUCKETS - 1; i++)
        assert_true(measures_bounds_ms[i] > measures_bounds_ms[i - 1]);
    assert_string_equal(measures_span_text(MEASURES_1M), "1m");
    assert_string_equal(measures_span_text(MEASURES_LIFE), "life");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_bounds_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
