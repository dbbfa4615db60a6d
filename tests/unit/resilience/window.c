#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

static void test_the_largest_window_of_calls(void **state)
{
    (void)state;
    struct window w;
    window_init_calls(&w, WINDOW_CALLS_MAX + 1); /* is cut */
    for (int i = 0; i < 5000; i++)
        window_add(&w, i, i % 3 == 0, i % 7 == 0);
    uint32_t failed = 0, slow = 0;
    for (int i = 5000 - WINDOW_CALLS_MAX; i < 5000; i++) {
        failed += i % 3 == 0;
        slow += i % 7 == 0;
    }
    struct window_sums s = window_read(&w, 5000);
    assert_int_equal(s.calls, WINDOW_CALLS_MAX);
    assert_int_equal(s.failed, failed);
    assert_int_equal(s.slow, slow);
    window_clear(&w);
    assert_int_equal(window_read(&w, 5000).calls, 0);
}

static void test_a_time_that_goes_back_counts_as_the_latest(void **state)
{
    (void)state;
    struct window w;
    window_init_time(&w, 60000);
    window_add(&w, 100000, true, false);
    window_add(&w, 5000, true, true);
    window_add(&w, INT64_MIN + 1, false, false);
    assert_int_equal(window_read(&w, 0).calls, 3);
    assert_int_equal(window_read(&w, 158999).failed, 2);
    assert_int_equal(window_read(&w, 160000).calls, 0);
}

/* Far more calls than a bucket can count: the rates stay. */
static void test_a_full_bucket_keeps_its_rates(void **state)
{
    (void)state;
    struct window w;
    window_init_time(&w, 60000);
    for (int i = 0; i < 5000000; i++)
        window_add(&w, 7000, i % 4 == 0, i % 10 == 0);
    struct window_sums s = window_read(&w, 7000);
    assert_in_range(s.calls, 1000000, 2100000);
    assert_in_range(s.failed, s.calls / 4 - 10, s.calls / 4 + 10);
    assert_in_range(s.slow, s.calls / 10 - 10, s.calls / 10 + 10);
    assert_int_equal(window_read(&w, 6000 + 60000).calls, 0);
}

static void test_one_that_holds_nothing(void **state)
{
    (void)state;
    struct window w = {0};
    window_add(&w, 1, true, true);
    assert_int_equal(window_read(&w, 1).calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_largest_window_of_calls),
        cmocka_unit_test(test_a_time_that_goes_back_counts_as_the_latest),
        cmocka_unit_test(test_a_full_bucket_keeps_its_rates),
        cmocka_unit_test(test_one_that_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
