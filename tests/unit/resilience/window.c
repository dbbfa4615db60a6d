#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

struct call {
    int64_t at_ms;
    bool failed, slow;
};

/* Naive: every call is kept, and all are looked at. */
struct naive {
    struct call calls[4096];
    size_t count;
};

static void naive_add(struct naive *n, struct call call)
{
    assert_true(n->count < sizeof n->calls / sizeof *n->calls);
    n->calls[n->count++] = call;
}

static int64_t bucket_of(int64_t at_ms, int64_t unit)
{
    return at_ms / unit - (at_ms % unit < 0);
}

static struct window_sums naive_calls(const struct naive *n, size_t most)
{
    struct window_sums s = {0};
    for (size_t i = n->count > most ? n->count - most : 0; i < n->count; i++) {
        s.calls++;
        s.failed += n->calls[i].failed;
        s.slow += n->calls[i].slow;
    }
    return s;
}

/* semantics: at most 30 buckets of ceil(span / 30) whole seconds */
static struct window_sums naive_time(const struct naive *n, int64_t span_ms, int64_t now_ms)
{
    int64_t unit = (span_ms + 29999) / 30000 * 1000, buckets = (span_ms + unit - 1) / unit;
    assert_true(buckets <= WINDOW_BUCKETS);
    struct window_sums s = {0};
    for (size_t i = 0; i < n->count; i++)
        if (bucket_of(n->calls[i].at_ms, unit) > bucket_of(now_ms, unit) - buckets) {
            s.calls++;
            s.failed += n->calls[i].failed;
            s.slow += n->calls[i].slow;
        }
    return s;
}

static void expect(struct window_sums got, struct window_sums want, uint64_t seed, int step)
{
    if (got.calls != want.calls || got.failed != want.failed || got.slow != want.slow)
        fail_msg("seed %llu step %d: %u calls %u failed %u slow, not %u %u %u", (unsigned long long)seed,
                 step, got.calls, got.failed, got.slow, want.calls, want.failed, want.slow);
}

static void test_the_last_calls_are_the_naive_ones(void **state)
{
    (void)state;
    static const unsigned sizes[] = {1, 2, 31, 32, 33, 100, 512, 1023, 1024};
    struct naive *n = xcalloc(1, sizeof *n);
    struct rng r;
    for (uint64_t seed = 1; seed <= sizeof sizes / sizeof *sizes; seed++) {
        unsigned most = sizes[seed - 1];
        struct window w;
        rng_seed(&r, seed);
        n->count = 0;
        window_init_calls(&w, most);
        for (int i = 0; i < 3000; i++) {
            struct call c = {i, rng_below(&r, 3) == 0, rng_below(&r, 5) == 0};
            window_add(&w, c.at_ms, c.failed, c.slow);
            naive_add(n, c);
            expect(window_read(&w, c.at_ms), naive_calls(n, most), seed, i);
        }
        window_clear(&w);
        assert_int_equal(window_read(&w, 0).calls, 0);
    }
    free(n);
}

static void test_the_last_while_is_the_naive_one(void **state)
{
    (void)state;
    static const int64_t spans[] = {1000,  1500,  10000, 29000, 30000,
                                    31000, 45000, 60000, 90500, WINDOW_SPAN_MAX};
    struct naive *n = xcalloc(1, sizeof *n);
    struct rng r;
    for (uint64_t seed = 1; seed <= 10 * sizeof spans / sizeof *spans; seed++) {
        int64_t span = spans[seed % (sizeof spans / sizeof *spans)];
        struct window w;
        rng_seed(&r, seed);
        int64_t now = (int64_t)rng_below(&r, 1000000) - 200000;
        n->count = 0;
        window_init_time(&w, span);
        for (int i = 0; i < 1000; i++) {
            now += (int64_t)rng_below(&r, rng_below(&r, 30) ? (uint64_t)span / 20 : (uint64_t)span * 2);
            if (rng_below(&r, 4)) {
                struct call c = {now, rng_below(&r, 3) == 0, rng_below(&r, 5) == 0};
                window_add(&w, c.at_ms, c.failed, c.slow);
                naive_add(n, c);
            }
            expect(window_read(&w, now), naive_time(n, span, now), seed, i);
        }
    }
    free(n);
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
        cmocka_unit_test(test_the_last_calls_are_the_naive_ones),
        cmocka_unit_test(test_the_last_while_is_the_naive_one),
        cmocka_unit_test(test_a_time_that_goes_back_counts_as_the_latest),
        cmocka_unit_test(test_a_full_bucket_keeps_its_rates),
        cmocka_unit_test(test_one_that_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
