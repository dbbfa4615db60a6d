/* The five behaviours that no other circuit breaker passes together. */
#include <time.h>

#include "tests/unit/resilience/breaker_rig.h"

static void test_a_success_from_before_the_trip_changes_nothing_in_half_open(void **state)
{
    (void)state;
    struct rig g = rig_of("");
    struct breaker_token early = rig_admit(&g);
    rig_half_open(&g);
    struct breaker_token probe = rig_admit(&g);
    uint32_t generation = g.breaker.generation;
    assert_false(rig_resolve(&g, &early, BREAKER_SUCCESS));
    assert_int_equal(rig_state(&g), BREAKER_HALF_OPEN);
    assert_int_equal(g.breaker.generation, generation);
    assert_int_equal(g.breaker.closing, 0);
    assert_int_equal(g.breaker.counts.late, 1);
    assert_int_equal(g.breaker.counts.succeeded, 1);
    rig_refused(&g); /* nor has it taken the probe's place */
    assert_true(rig_resolve(&g, &probe, BREAKER_FAILURE));
    assert_int_equal(rig_state(&g), BREAKER_OPEN);
}

static void test_twenty_calls_at_half_open_admit_one(void **state)
{
    (void)state;
    struct rig g = rig_of("");
    rig_half_open(&g);
    struct breaker_token tokens[20];
    int admitted = 0;
    for (int i = 0; i < 20; i++)
        admitted += rig_try(&g, &tokens[admitted]);
    assert_int_equal(admitted, 1);
    assert_int_equal(tokens[0].kind, BREAKER_HALF_OPEN);
    struct breaker_refusal refusal = rig_refused(&g);
    assert_int_equal(refusal.state, BREAKER_HALF_OPEN);
    assert_int_equal(refusal.retry_after_ms, g.rules.cool_down_ms); /* the probe's lease */
    assert_false(refusal.resting);
    assert_true(rig_resolve(&g, &tokens[0], BREAKER_SUCCESS));
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
}

static void test_a_probe_that_never_returns_does_not_wedge_it(void **state)
{
    (void)state;
    struct rig g = rig_of("lease=10s");
    rig_half_open(&g);
    for (int round = 0; round < 100; round++) {
        struct breaker_token lost = rig_admit(&g);
        assert_int_equal(lost.kind, BREAKER_HALF_OPEN);
        g.now_ms += 9999;
        assert_int_equal(rig_refused(&g).retry_after_ms, 1);
        g.now_ms += 1; /* the lease is over: a failure */
        assert_int_equal(rig_state(&g), BREAKER_OPEN);
        assert_int_equal(rig_refused(&g).retry_after_ms, g.rules.cool_down_ms);
        assert_int_equal(g.breaker.unresolved, 0);
        g.now_ms += g.rules.cool_down_ms;
    }
    assert_int_equal(g.breaker.counts.expired, 100);
    assert_true(rig_call(&g, BREAKER_SUCCESS));
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
}

static void test_an_ignored_error_as_probe_gives_the_slot_back(void **state)
{
    (void)state;
    static const enum breaker_result results[] = {BREAKER_IGNORED, BREAKER_CANCELLED};
    for (int i = 0; i < 2; i++) {
        struct rig g = rig_of("");
        rig_half_open(&g);
        for (int k = 0; k < 50; k++) {
            struct breaker_token probe = rig_admit(&g);
            rig_refused(&g);
            assert_false(rig_resolve(&g, &probe, results[i]));
            assert_int_equal(rig_state(&g), BREAKER_HALF_OPEN);
        }
        assert_int_equal(g.breaker.unresolved, 0);
        assert_true(rig_call(&g, BREAKER_SUCCESS));
        assert_int_equal(rig_state(&g), BREAKER_CLOSED);
    }
}

/* This program's clocks, in place of libc's: what belay reads is what stands here, whichever clock it takes.
 */
static struct {
    int64_t monotonic_ms, wall_ms;
} fake;

int clock_gettime(clockid_t clock, struct timespec *t)
{
    bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
    int64_t ms = wall ? fake.wall_ms : fake.monotonic_ms;
    *t = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return 0;
}

static void pass(struct rig *g, int64_t ms)
{
    fake.monotonic_ms += ms;
    fake.wall_ms += ms;
    g->now_ms = clock_monotonic_us() / US_PER_MS;
}

/* A whole cycle by the clock that belay gives its breakers, the wall clock set wrong at every turn of it. */
static struct breaker cycle(int64_t jump_ms)
{
    fake.monotonic_ms = 5000000;
    fake.wall_ms = 1795000000000;
    struct rig g = rig_of("jitter=0.1,rate=0.5,window=60s");
    pass(&g, 1);
    rig_trip(&g);
    fake.wall_ms += jump_ms;
    int64_t due_ms = breaker_due_ms(&g.breaker, g.now_ms);
    assert_in_range(due_ms, 54000, 66000);
    pass(&g, due_ms - 1);
    assert_int_equal(rig_refused(&g).retry_after_ms, 1);
    fake.wall_ms -= 2 * jump_ms;
    pass(&g, 1);
    struct breaker_token probe = rig_admit(&g);
    fake.wall_ms += 2 * jump_ms;
    pass(&g, 10);
    assert_true(rig_resolve(&g, &probe, BREAKER_SUCCESS));
    fake.wall_ms -= jump_ms;
    pass(&g, 1000);
    rig_call(&g, BREAKER_FAILURE);
    return g.breaker;
}

static void test_the_wall_clock_jumping_an_hour_changes_nothing(void **state)
{
    (void)state;
    struct breaker still = cycle(0), forth = cycle(3600000), back = cycle(-3600000);
    assert_memory_equal(&still, &forth, sizeof still);
    assert_memory_equal(&still, &back, sizeof still);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_success_from_before_the_trip_changes_nothing_in_half_open),
        cmocka_unit_test(test_twenty_calls_at_half_open_admit_one),
        cmocka_unit_test(test_a_probe_that_never_returns_does_not_wedge_it),
        cmocka_unit_test(test_an_ignored_error_as_probe_gives_the_slot_back),
        cmocka_unit_test(test_the_wall_clock_jumping_an_hour_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
