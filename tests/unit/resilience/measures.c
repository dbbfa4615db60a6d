#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

static struct measures_sums random_operation(struct rng *r)
{
    struct measures_sums s = {0};
    uint64_t end = rng_below(r, 10), attempts = 1 + rng_below(r, 4);
    s.ok = end < 6;
    s.failed = end >= 6 && end < 8;
    s.cancelled = end == 8;
    s.rejected = end == 9;
    if (s.rejected)
        return s;
    s.attempts = attempts;
    s.retried = attempts > 1;
    s.trips = rng_below(r, 9) == 0;
    s.hits = rng_below(r, 2);
    s.by_class[rng_below(r, FAILURE_CLASS_COUNT)] = attempts - s.ok;
    s.cost = 0.25 * (double)rng_below(r, 8);
    measures_took(&s, (int64_t)rng_below(r, 1u << rng_below(r, 18)));
    return s;
}

struct counted {
    int64_t at_ms;
    struct measures_sums sums;
};

/* Every operation kept; what a span covers is its last N whole buckets, the present one included. */
static void naive_read(const struct counted *all, size_t count, enum measures_span span, int64_t now_ms,
                       struct measures_sums *sums)
{
    static const int64_t shapes[][2] = {{5000, 12}, {30000, 10}, {300000, 12}};
    *sums = (struct measures_sums){0};
    for (size_t i = 0; i < count; i++)
        if (span == MEASURES_LIFE ||
            all[i].at_ms / shapes[span][0] > now_ms / shapes[span][0] - shapes[span][1])
            measures_add(sums, &all[i].sums);
}

static void test_each_span_is_the_naive_one(void **state)
{
    (void)state;
    enum { COUNT = 1500 };
    struct counted *all = xcalloc(COUNT, sizeof *all);
    struct rng r;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct measures *m = measures_new();
        rng_seed(&r, seed);
        int64_t now_ms = (int64_t)rng_below(&r, 10000000);
        for (size_t i = 0; i < COUNT; i++) {
            now_ms += (int64_t)rng_below(&r, rng_below(&r, 200) ? 4000 : 4000000);
            all[i] = (struct counted){now_ms, random_operation(&r)};
            measures_count(m, &all[i].sums, now_ms);
            now_ms += (int64_t)rng_below(&r, 3000);
            for (enum measures_span span = 0; span < MEASURES_SPAN_COUNT; span++) {
                struct measures_sums got, want;
                measures_read(m, span, now_ms, &got);
                naive_read(all, i + 1, span, now_ms, &want);
                if (fabs(got.duration_s - want.duration_s) > 1e-6 * (1 + want.duration_s))
                    fail_msg("seed %llu: %s: %f s, not %f", (unsigned long long)seed,
                             measures_span_text(span), got.duration_s, want.duration_s);
                got.duration_s = want.duration_s; /* added up in another order */
                if (memcmp(&got, &want, sizeof got) != 0)
                    fail_msg("seed %llu operation %zu: %s differs", (unsigned long long)seed, i,
                             measures_span_text(span));
            }
        }
        measures_free(m);
    }
    free(all);
}

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
        cmocka_unit_test(test_each_span_is_the_naive_one),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_bounds_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
