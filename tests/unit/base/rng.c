#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"

/* splitmix64 of seed 0 begins e220a8397b1dcdaf (the authors' reference); xoshiro256** starts from four of
 * them. */
static void test_the_seed_gives_the_reference_state(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 0);
    assert_true(r.state[0] == 0xe220a8397b1dcdafULL);
    assert_true(r.state[1] == 0x6e789e6aa1b965f4ULL);
    assert_true(r.state[2] == 0x06c45d188009454fULL);
    assert_true(r.state[3] == 0xf88bb8a8724c81ecULL);
}

/* The first outputs of the state {1, 2, 3, 4}, as in the reference implementation. */
static void test_the_sequence_is_xoshiro(void **state)
{
    (void)state;
    struct rng r = {{1, 2, 3, 4}};
    assert_true(rng_next(&r) == 11520ULL);
    assert_true(rng_next(&r) == 0ULL);
    assert_true(rng_next(&r) == 1509978240ULL);
    assert_true(rng_next(&r) == 1215971899390074240ULL);
}

static void test_below_is_in_range_and_even(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 7);
    assert_int_equal(rng_below(&r, 0), 0);
    assert_int_equal(rng_below(&r, 1), 0);
    size_t counts[6] = {0};
    for (int i = 0; i < 60000; i++)
        counts[rng_below(&r, 6)]++;
    for (size_t i = 0; i < 6; i++)
        assert_in_range(counts[i], 9500, 10500);
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&r, UINT64_MAX - 3) < UINT64_MAX - 3);
}

static void test_unit(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 9);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double u = rng_unit(&r);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(sum > 49000 && sum < 51000);
    assert_true(rng_entropy() != rng_entropy());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_seed_gives_the_reference_state),
        cmocka_unit_test(test_the_sequence_is_xoshiro),
        cmocka_unit_test(test_below_is_in_range_and_even),
        cmocka_unit_test(test_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
