#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

static struct backoff random_backoff(struct rng *r)
{
    struct backoff b = {.attempts = 1 + (unsigned)rng_below(r, BACKOFF_ATTEMPTS_MAX),
                        .base_ms = (int64_t)(rng_next(r) >> (24 + rng_below(r, 40))),
                        .factor_milli = 1000 + (unsigned)rng_below(r, rng_below(r, 2) ? 2000 : 999001),
                        .jitter = (enum backoff_jitter)rng_below(r, BACKOFF_DECORRELATED + 1),
                        .deadline_ms = rng_below(r, 2) ? (int64_t)rng_below(r, 1000000) : 0,
                        .growth_milli = 1000 + (unsigned)rng_below(r, 3000)};
    b.base_ms %= BACKOFF_MS_MAX;
    b.cap_ms = b.base_ms + (int64_t)rng_below(r, (uint64_t)(BACKOFF_MS_MAX - b.base_ms) + 1);
    return b;
}

/* Long division by hand, in doubles wide enough for a comparison within a millionth. */
static long double expected(const struct backoff *b, unsigned n)
{
    long double d = (long double)b->base_ms;
    for (unsigned i = 0; i < n && d < (long double)b->cap_ms; i++)
        d *= (long double)b->factor_milli / 1000;
    return d < (long double)b->cap_ms ? d : (long double)b->cap_ms;
}

static void test_the_series_is_the_formula(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 1);
    for (int i = 0; i < 20000; i++) {
        struct backoff b = random_backoff(&r);
        struct err e = {0};
        if (backoff_check(&b, &e))
            fail_msg("%s", e.msg);
        unsigned n = (unsigned)rng_below(&r, 60);
        long double want = expected(&b, n), got = (long double)backoff_series_ms(&b, n);
        long double off = got > want ? got - want : want - got;
        if (off > 1 + want / 1000000)
            fail_msg("base %lld factor %u cap %lld n %u: %Lf, not %Lf", (long long)b.base_ms, b.factor_milli,
                     (long long)b.cap_ms, n, got, want);
    }
}

/* However many attempts: never negative, never less than before, never zero by overflow, never above cap. */
static void test_the_series_saturates(void **state)
{
    (void)state;
    static const unsigned ns[] = {0,  1,   2,   31,   32,    62,      63,         64,
                                  65, 127, 128, 1000, 65535, 1000000, 4294967295u};
    struct rng r;
    rng_seed(&r, 2);
    for (int i = 0; i < 5000; i++) {
        struct backoff b = random_backoff(&r);
        int64_t before = 0;
        for (size_t k = 0; k < sizeof ns / sizeof *ns; k++) {
            int64_t d = backoff_series_ms(&b, ns[k]);
            assert_true(d >= before && d <= b.cap_ms && (d > 0 || b.base_ms == 0));
            before = d;
        }
        if (b.base_ms > 0 && b.factor_milli > 1100)
            assert_int_equal(backoff_series_ms(&b, 1000000), b.cap_ms);
    }
}

static void test_the_default_series(void **state)
{
    (void)state;
    struct backoff b = backoff_default();
    static const int64_t series[] = {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
    for (unsigned n = 0; n < sizeof series / sizeof *series; n++)
        assert_int_equal(backoff_series_ms(&b, n), series[n]);
    b.factor_milli = 1100;
    assert_int_equal(backoff_series_ms(&b, 1), 110);
    b.jitter = BACKOFF_NONE;
    assert_int_equal(backoff_next_ms(&b, 1, 0, 0, 0, NULL), 100);
    assert_int_equal(backoff_next_ms(&b, 2, 0, 0, 100, NULL), 110);
    assert_int_equal(backoff_next_ms(&b, 3, 0, 0, 110, NULL), -1); /* after the last attempt is no delay */
    assert_int_equal(backoff_next_ms(&b, 0, 0, 0, 0, NULL), -1);
}

/* Each jitter stays in its bounds, and reaches both ends of them. */
static void test_jitter_bounds(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 3);
    for (enum backoff_jitter jitter = BACKOFF_ADDITIVE; jitter <= BACKOFF_DECORRELATED; jitter++) {
        struct backoff b = backoff_default();
        b.jitter = jitter;
        b.base_ms = 10;
        int64_t d = 40, previous = 20, least = INT64_MAX, most = -1; /* n 2 */
        for (int i = 0; i < 20000; i++) {
            int64_t got = backoff_delay_ms(&b, 2, previous, &r);
            least = got < least ? got : least;
            most = got > most ? got : most;
        }
        static const int64_t bounds[][2] = {{40, 60}, {40, 40}, {20, 40}, {0, 40}, {10, 60}};
        assert_int_equal(least, bounds[jitter][0]);
        assert_int_equal(most, bounds[jitter][1]);
        assert_true(d == backoff_series_ms(&b, 2));
    }
}

static void test_decorrelated_never_overflows_its_cap(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 4);
    struct backoff b = backoff_default();
    b.jitter = BACKOFF_DECORRELATED;
    b.cap_ms = BACKOFF_MS_MAX;
    int64_t previous = 0;
    for (int i = 0; i < 10000; i++) {
        int64_t d = backoff_delay_ms(&b, (unsigned)i, i % 7 ? previous : INT64_MAX, &r);
        assert_true(d >= b.base_ms && d <= b.cap_ms);
        previous = d;
    }
}

/* Attempts of a random policy against a random callee: as many as allowed, none past the deadline, none
 * before what the other side asked for. */
static void test_no_attempt_past_the_deadline(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 5);
    for (int i = 0; i < 5000; i++) {
        struct backoff b = random_backoff(&r);
        int64_t now = 0, previous = 0, timeout = (int64_t)rng_below(&r, 100000);
        unsigned attempt = 1;
        for (;; attempt++) {
            int64_t limit = backoff_timeout_ms(&b, attempt, timeout, now);
            assert_true(limit >= 0 && limit <= BACKOFF_MS_MAX);
            if (b.deadline_ms > 0)
                assert_true(limit > 0 && now + limit <= (b.deadline_ms > now ? b.deadline_ms : now + 1));
            now += (int64_t)rng_below(&r, limit > 0 ? (uint64_t)limit + 1 : 1000);
            int64_t floor = rng_below(&r, 4) ? 0 : (int64_t)rng_below(&r, 100000);
            int64_t delay = backoff_next_ms(&b, attempt, now, floor, previous, &r);
            if (delay < 0)
                break;
            assert_true(delay >= floor);
            assert_true(b.deadline_ms == 0 || now + delay < b.deadline_ms);
            now += delay;
            previous = delay;
        }
        assert_true(attempt <= b.attempts);
        if (b.deadline_ms == 0)
            assert_int_equal(attempt, b.attempts);
    }
}

static void test_growing_time_outs(void **state)
{
    (void)state;
    struct backoff b = backoff_default();
    b.growth_milli = 2000;
    assert_int_equal(backoff_timeout_ms(&b, 1, 30000, 0), 30000);
    assert_int_equal(backoff_timeout_ms(&b, 2, 30000, 0), 60000);
    assert_int_equal(backoff_timeout_ms(&b, 3, 30000, 0), 120000);
    assert_int_equal(backoff_timeout_ms(&b, 1000000, 30000, 0), BACKOFF_MS_MAX);
    assert_int_equal(backoff_timeout_ms(&b, 7, 0, 0), 0); /* no limit stays none */
    b.deadline_ms = 100000;
    assert_int_equal(backoff_timeout_ms(&b, 3, 30000, 40000), 60000);
    assert_int_equal(backoff_timeout_ms(&b, 7, 0, 40000), 60000);
    assert_int_equal(backoff_timeout_ms(&b, 7, 0, 140000), 1);
}

static void test_what_is_no_policy(void **state)
{
    (void)state;
    struct err e = {0};
    struct backoff b = backoff_default();
    assert_int_equal(backoff_check(&b, &e), 0);
#define REFUSED(field, value)                                                                                \
    b = backoff_default();                                                                                   \
    b.field = (value);                                                                                       \
    assert_int_equal(backoff_check(&b, &e), ERR_RANGE);
    REFUSED(attempts, 0)
    REFUSED(attempts, BACKOFF_ATTEMPTS_MAX + 1)
    REFUSED(base_ms, -1)
    REFUSED(base_ms, 30001)
    REFUSED(cap_ms, 99)
    REFUSED(factor_milli, 999)
    REFUSED(growth_milli, 0)
    REFUSED(deadline_ms, -1)
    REFUSED(jitter, (enum backoff_jitter)9)
}

static void test_jitters_have_names(void **state)
{
    (void)state;
    for (enum backoff_jitter jitter = BACKOFF_ADDITIVE; jitter <= BACKOFF_DECORRELATED; jitter++) {
        enum backoff_jitter back;
        assert_true(backoff_jitter_parse(backoff_jitter_text(jitter), &back));
        assert_int_equal(back, jitter);
    }
    enum backoff_jitter untouched = BACKOFF_FULL;
    assert_false(backoff_jitter_parse("some", &untouched));
    assert_int_equal(untouched, BACKOFF_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_series_is_the_formula),
        cmocka_unit_test(test_the_series_saturates),
        cmocka_unit_test(test_the_default_series),
        cmocka_unit_test(test_jitter_bounds),
        cmocka_unit_test(test_decorrelated_never_overflows_its_cap),
        cmocka_unit_test(test_no_attempt_past_the_deadline),
        cmocka_unit_test(test_growing_time_outs),
        cmocka_unit_test(test_what_is_no_policy),
        cmocka_unit_test(test_jitters_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
