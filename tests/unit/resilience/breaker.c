#include "tests/unit/resilience/breaker_rig.h"

static void test_failures_in_a_row_trip_it(void **state)
{
    (void)state;
    struct rig g = rig_of("failures=3");
    for (int i = 0; i < 10; i++) {
        assert_false(rig_call(&g, BREAKER_FAILURE));
        assert_false(rig_call(&g, BREAKER_FAILURE));
        assert_false(rig_call(&g, BREAKER_IGNORED)); /* neither a failure nor the end of a row */
        assert_false(rig_call(&g, BREAKER_CANCELLED));
        assert_false(rig_call(&g, BREAKER_SUCCESS));
    }
    rig_call(&g, BREAKER_FAILURE);
    rig_call(&g, BREAKER_FAILURE);
    rig_call(&g, BREAKER_IGNORED);
    assert_true(rig_call(&g, BREAKER_FAILURE));
    assert_int_equal(rig_state(&g), BREAKER_OPEN);
    struct breaker_refusal refusal = rig_refused(&g);
    assert_int_equal(refusal.state, BREAKER_OPEN);
    assert_int_equal(refusal.retry_after_ms, 60000);
    assert_false(refusal.resting);
    assert_int_equal(g.breaker.counts.trips, 1);
    assert_int_equal(g.breaker.counts.refused, 1);
}

static void test_a_rate_trips_it_once_there_are_enough_calls(void **state)
{
    (void)state;
    struct rig g = rig_of("failures=0,rate=0.5,minimum=20,window=100");
    for (int i = 0; i < 19; i++)
        assert_false(rig_call(&g, BREAKER_FAILURE));
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
    assert_true(rig_call(&g, BREAKER_SUCCESS)); /* the twentieth call, whatever came of it */
    assert_int_equal(rig_state(&g), BREAKER_OPEN);

    g = rig_of("failures=0,rate=0.5,minimum=20,window=60s");
    for (int i = 0; i < 200; i++) { /* 49 % */
        assert_false(rig_call(&g, i % 100 < 51 ? BREAKER_SUCCESS : BREAKER_FAILURE));
        g.now_ms += 601; /* a hundred calls a minute */
        if (i % 100 == 99)
            g.now_ms += 60000;
    }
    for (int i = 0; i < 10; i++)
        assert_false(rig_call(&g, BREAKER_SUCCESS));
    for (int i = 0; i < 9; i++)
        assert_false(rig_call(&g, BREAKER_FAILURE));
    assert_true(rig_call(&g, BREAKER_FAILURE)); /* 10 of 20 */
}

static void test_slow_calls_trip_it(void **state)
{
    (void)state;
    struct rig g = rig_of("failures=0,slow-rate=0.8,slow=2s,minimum=10,window=10");
    for (int i = 0; i < 10; i++) {
        struct breaker_token token = rig_admit(&g);
        g.now_ms += i < 3 ? 1999 : 2000;
        assert_false(rig_resolve(&g, &token, BREAKER_SUCCESS));
    }
    struct breaker_token token = rig_admit(&g);
    g.now_ms += 5000;
    assert_true(rig_resolve(&g, &token, BREAKER_SUCCESS)); /* 8 of the last 10 */
    assert_int_equal(rig_state(&g), BREAKER_OPEN);
}

static void test_failures_while_open_change_nothing(void **state)
{
    (void)state;
    struct rig g = rig_of("");
    struct breaker_token early[8];
    for (int i = 0; i < 8; i++)
        early[i] = rig_admit(&g);
    rig_trip(&g);
    int64_t due = breaker_due_ms(&g.breaker, g.now_ms);
    g.now_ms += 30000;
    for (int i = 0; i < 8; i++)
        assert_false(rig_resolve(&g, &early[i], i % 2 ? BREAKER_FAILURE : BREAKER_SUCCESS));
    assert_int_equal(breaker_due_ms(&g.breaker, g.now_ms), due - 30000);
    assert_int_equal(rig_state(&g), BREAKER_OPEN);
    assert_int_equal(g.breaker.counts.late, 8);
    assert_int_equal(g.breaker.unresolved, 0);
}

static void test_a_stale_token_never_touches_a_later_generation(void **state)
{
    (void)state;
    static const enum breaker_result results[] = {BREAKER_SUCCESS, BREAKER_FAILURE, BREAKER_IGNORED,
                                                  BREAKER_CANCELLED};
    for (int i = 0; i < 4; i++) {
        struct rig g = rig_of("failures=1,probes=2,successes=2");
        struct breaker_token plain = rig_admit(&g);
        rig_half_open(&g);
        struct breaker_token first = rig_admit(&g), second = rig_admit(&g);
        assert_true(rig_resolve(&g, &first, BREAKER_FAILURE));
        g.now_ms += 60000;
        struct breaker_token third = rig_admit(&g);
        /* One from before the trip and one of the HALF_OPEN before this one. */
        assert_false(rig_resolve(&g, &plain, results[i]));
        assert_false(rig_resolve(&g, &second, results[i]));
        assert_int_equal(rig_state(&g), BREAKER_HALF_OPEN);
        assert_int_equal(g.breaker.closing, 0);
        assert_int_equal(g.breaker.unresolved, 1);
        struct breaker_token fourth = rig_admit(&g);
        assert_false(rig_resolve(&g, &third, BREAKER_SUCCESS));
        assert_true(rig_resolve(&g, &fourth, BREAKER_SUCCESS));
        assert_int_equal(rig_state(&g), BREAKER_CLOSED);
        assert_int_equal(g.breaker.unresolved, 0);
    }
}

static void test_a_token_resolves_once(void **state)
{
    (void)state;
    struct rig g = rig_of("failures=2");
    struct breaker_token token = rig_admit(&g);
    rig_resolve(&g, &token, BREAKER_FAILURE);
    for (int i = 0; i < 5; i++)
        assert_false(rig_resolve(&g, &token, BREAKER_FAILURE));
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
    assert_int_equal(g.breaker.counts.failed, 1);
    rig_call(&g, BREAKER_SUCCESS);
    rig_half_open(&g);
    struct breaker_token probe = rig_admit(&g), copy = probe;
    rig_resolve(&g, &probe, BREAKER_IGNORED);
    assert_false(rig_resolve(&g, &copy, BREAKER_SUCCESS));
    assert_int_equal(rig_state(&g), BREAKER_HALF_OPEN);
}

static void test_probes_and_the_successes_that_close_it(void **state)
{
    (void)state;
    struct rig g = rig_of("probes=3,successes=3");
    rig_half_open(&g);
    struct breaker_token a = rig_admit(&g), b = rig_admit(&g), c = rig_admit(&g);
    rig_refused(&g);
    assert_false(rig_resolve(&g, &a, BREAKER_SUCCESS));
    rig_refused(&g); /* a success keeps its place: three are admitted in all */
    assert_false(rig_resolve(&g, &b, BREAKER_IGNORED));
    b = rig_admit(&g);
    assert_false(rig_resolve(&g, &b, BREAKER_SUCCESS));
    assert_true(rig_resolve(&g, &c, BREAKER_SUCCESS));
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
    assert_int_equal(g.breaker.in_a_row, 0);

    rig_half_open(&g);
    a = rig_admit(&g);
    b = rig_admit(&g);
    assert_false(rig_resolve(&g, &a, BREAKER_SUCCESS));
    assert_true(rig_resolve(&g, &b, BREAKER_FAILURE)); /* one failure opens */
    assert_int_equal(rig_state(&g), BREAKER_OPEN);
}

static int64_t cool_down_of(struct rig *g)
{
    assert_int_equal(rig_state(g), BREAKER_OPEN);
    return breaker_due_ms(&g->breaker, g->now_ms);
}

static void test_the_cool_down_grows_to_its_cap(void **state)
{
    (void)state;
    struct rig g = rig_of("cool-down=1s,multiplier=2,cap=10s");
    static const int64_t want[] = {1000, 2000, 4000, 8000, 10000, 10000};
    rig_trip(&g);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(cool_down_of(&g), want[i]);
        g.now_ms += want[i];
        rig_call(&g, BREAKER_FAILURE);
    }
    for (int i = 0; i < 2000; i++) {
        g.now_ms += 10000;
        rig_call(&g, BREAKER_FAILURE);
    }
    assert_int_equal(cool_down_of(&g), 10000);
    g.now_ms += 10000;
    rig_call(&g, BREAKER_SUCCESS);
    rig_trip(&g); /* and begins anew once it was closed */
    assert_int_equal(cool_down_of(&g), 1000);
}

static void test_failed_probes_are_the_same_outage(void **state)
{
    (void)state;
    struct rig g = rig_of("jitter=0,probes=2,successes=2,lease=10s");
    rig_trip(&g);
    assert_false(breaker_same_outage(&g.breaker, g.now_ms));
    g.now_ms += 60000; /* its first probes */
    assert_false(breaker_same_outage(&g.breaker, g.now_ms));
    rig_call(&g, BREAKER_FAILURE);
    assert_false(breaker_same_outage(&g.breaker, g.now_ms)); /* open again: that is said once */
    g.now_ms += 60000;
    assert_true(breaker_same_outage(&g.breaker, g.now_ms));
    rig_admit(&g);
    g.now_ms += 10000; /* the probe never came back: open, though nobody has written it down */
    assert_int_equal(rig_state(&g), BREAKER_OPEN);
    assert_true(breaker_same_outage(&g.breaker, g.now_ms));
    g.now_ms += 60000;
    assert_true(breaker_same_outage(&g.breaker, g.now_ms));
    rig_call(&g, BREAKER_SUCCESS);
    assert_false(breaker_same_outage(&g.breaker, g.now_ms)); /* half-open, and something worked */
    rig_call(&g, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
    assert_false(breaker_same_outage(&g.breaker, g.now_ms));
}

static void test_jitter_goes_to_both_sides(void **state)
{
    (void)state;
    int64_t least = INT64_MAX, most = 0;
    struct rig g = rig_of("cool-down=1s,jitter=0.1");
    rig_trip(&g);
    for (int i = 0; i < 5000; i++) {
        int64_t ms = cool_down_of(&g);
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
        g.now_ms += ms;
        rig_call(&g, BREAKER_FAILURE);
    }
    assert_int_equal(least, 900);
    assert_int_equal(most, 1100);
    struct rig a = rig_of("jitter=0.1"), b = rig_of("jitter=0.1");
    breaker_init(&b.breaker, &b.rules, 2, b.now_ms);
    rig_trip(&a);
    rig_trip(&b);
    assert_int_not_equal(cool_down_of(&a),
                         cool_down_of(&b)); /* by seed, so that a fleet doesn't probe at once */
}

/* Whoever looks late sees what somebody who looked at every millisecond has seen. */
static void test_it_does_not_matter_when_one_looks(void **state)
{
    (void)state;
    struct rig busy = rig_of("lease=7s,cool-down=10s,jitter=0.1,multiplier=1.5");
    rig_half_open(&busy);
    busy.now_ms += 20000; /* past any jitter: half open */
    struct rig idle = busy;
    rig_admit(&busy);
    rig_admit(&idle);
    for (int64_t ms = 0; ms < 40000; ms += 50) {
        enum breaker_state seen = breaker_state(&idle.breaker, busy.now_ms);
        assert_int_equal(rig_state(&busy), seen);
        assert_int_equal(breaker_due_ms(&idle.breaker, busy.now_ms),
                         breaker_due_ms(&busy.breaker, busy.now_ms));
        breaker_lease(&busy.breaker, &busy.rules, 3, true, busy.now_ms); /* of nobody */
        if (seen == BREAKER_OPEN)
            rig_refused(&busy);
        busy.now_ms += 50;
    }
    idle.now_ms = busy.now_ms;
    busy.breaker.counts.refused = idle.breaker.counts.refused;
    rig_admit(&busy);
    rig_admit(&idle);
    assert_memory_equal(&busy.breaker, &idle.breaker, sizeof busy.breaker);
}

static void test_since_when(void **state)
{
    (void)state;
    struct rig g = rig_of("cool-down=10s,lease=4s");
    assert_int_equal(breaker_since_ms(&g.breaker, g.now_ms + 5000), g.now_ms);
    g.now_ms += 100;
    rig_trip(&g);
    int64_t open_ms = g.now_ms;
    assert_int_equal(breaker_since_ms(&g.breaker, open_ms + 9999), open_ms);
    assert_int_equal(breaker_since_ms(&g.breaker, open_ms + 500000), open_ms + 10000); /* HALF_OPEN */
    g.now_ms += 11000;
    rig_admit(&g); /* and never heard of again */
    assert_int_equal(breaker_since_ms(&g.breaker, open_ms + 14999), open_ms + 10000);
    assert_int_equal(breaker_since_ms(&g.breaker, open_ms + 15000), open_ms + 15000); /* OPEN */
    assert_int_equal(breaker_since_ms(&g.breaker, open_ms + 26000), open_ms + 25000); /* HALF_OPEN */
    breaker_force(&g.breaker, &g.rules, BREAKER_DISABLED, open_ms + 40000, open_ms + 30000);
    assert_int_equal(breaker_since_ms(&g.breaker, open_ms + 30001), open_ms + 30000);
    assert_int_equal(breaker_since_ms(&g.breaker, open_ms + 50000), open_ms + 40000); /* CLOSED */
}

static void test_forced_states(void **state)
{
    (void)state;
    static const struct {
        enum breaker_state state;
        bool admits;
    } forced[] = {{BREAKER_FORCED_OPEN, false}, {BREAKER_DISABLED, true}, {BREAKER_METRICS_ONLY, true}};
    for (int i = 0; i < 3; i++) {
        struct rig g = rig_of("rate=0.5,minimum=1");
        uint32_t generation = g.breaker.generation;
        breaker_force(&g.breaker, &g.rules, forced[i].state, 0, g.now_ms);
        assert_int_equal(g.breaker.generation, generation + 1);
        assert_int_equal(breaker_due_ms(&g.breaker, g.now_ms), -1);
        for (int k = 0; k < 100; k++) {
            g.now_ms += 100000;
            assert_int_equal(rig_state(&g), forced[i].state);
            if (!forced[i].admits) {
                assert_int_equal(rig_refused(&g).retry_after_ms, -1);
                continue;
            }
            assert_false(rig_call(&g, BREAKER_FAILURE)); /* no trip, ever */
            breaker_rest(&g.breaker, &g.rules, g.now_ms + 200000, g.now_ms);
        }
        assert_int_equal(g.breaker.in_a_row, forced[i].state == BREAKER_METRICS_ONLY ? 100 : 0);
        assert_int_equal(g.breaker.counts.failed, forced[i].admits ? 100 : 0);
        breaker_force(&g.breaker, &g.rules, BREAKER_CLOSED, 0, g.now_ms);
        assert_int_equal(rig_state(&g), BREAKER_CLOSED);
        rig_call(&g, BREAKER_SUCCESS);
    }
}

static void test_a_forced_state_expires(void **state)
{
    (void)state;
    static const enum breaker_state forced[] = {BREAKER_FORCED_OPEN, BREAKER_DISABLED, BREAKER_METRICS_ONLY};
    for (int i = 0; i < 3; i++) {
        struct rig g = rig_of("");
        rig_trip(&g);
        breaker_force(&g.breaker, &g.rules, forced[i], g.now_ms + 5000, g.now_ms);
        struct breaker_token token = {0};
        bool admitted = rig_try(&g, &token);
        assert_int_equal(admitted, forced[i] != BREAKER_FORCED_OPEN);
        g.now_ms += 4999;
        assert_int_equal(rig_state(&g), forced[i]);
        assert_int_equal(breaker_due_ms(&g.breaker, g.now_ms), 1);
        if (!admitted)
            assert_int_equal(rig_refused(&g).retry_after_ms, 1);
        breaker_force(&g.breaker, &g.rules, forced[i], g.now_ms + 10000, g.now_ms); /* prolonged */
        g.now_ms += 9999;
        assert_int_equal(rig_state(&g), forced[i]);
        g.now_ms += 1;
        assert_int_equal(rig_state(&g), BREAKER_CLOSED);
        if (admitted) { /* of the forced state: late */
            rig_resolve(&g, &token, BREAKER_FAILURE);
            assert_int_equal(g.breaker.in_a_row, 0);
        }
        rig_trip(&g); /* automatic again */
    }
}

static void test_a_rest_is_no_failure(void **state)
{
    (void)state;
    struct rig g = rig_of("");
    struct breaker_token limited = rig_admit(&g), other = rig_admit(&g);
    uint32_t generation = g.breaker.generation;
    rig_resolve(&g, &limited, BREAKER_IGNORED);
    breaker_rest(&g.breaker, &g.rules, g.now_ms + 7000, g.now_ms);
    breaker_rest(&g.breaker, &g.rules, g.now_ms + 2000, g.now_ms); /* the longer one stands */
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
    assert_int_equal(g.breaker.generation, generation);
    assert_int_equal(g.breaker.counts.trips, 0);
    struct breaker_refusal refusal = rig_refused(&g);
    assert_true(refusal.resting);
    assert_int_equal(refusal.retry_after_ms, 7000);
    assert_int_equal(breaker_resting_ms(&g.breaker, g.now_ms), 7000);
    assert_int_equal(breaker_due_ms(&g.breaker, g.now_ms), 7000);
    assert_false(rig_resolve(&g, &other, BREAKER_SUCCESS)); /* doesn't end it */
    g.now_ms += 6999;
    rig_refused(&g);
    g.now_ms += 1;
    assert_int_equal(breaker_due_ms(&g.breaker, g.now_ms), -1);
    rig_call(&g, BREAKER_SUCCESS);

    /* It did not say for how long; and nobody rests for a year. */
    breaker_rest(&g.breaker, &g.rules, 0, g.now_ms);
    assert_int_equal(rig_refused(&g).retry_after_ms, g.rules.cool_down_ms);
    breaker_rest(&g.breaker, &g.rules, g.now_ms + 366 * BREAKER_REST_MAX, g.now_ms);
    assert_int_equal(rig_refused(&g).retry_after_ms, BREAKER_REST_MAX);
}

static void test_a_probe_that_is_told_to_rest(void **state)
{
    (void)state;
    struct rig g = rig_of("");
    rig_half_open(&g);
    struct breaker_token probe = rig_admit(&g);
    rig_resolve(&g, &probe, BREAKER_IGNORED);
    breaker_rest(&g.breaker, &g.rules, g.now_ms + 90000, g.now_ms);
    assert_int_equal(rig_state(&g), BREAKER_HALF_OPEN);
    assert_true(rig_refused(&g).resting);
    assert_int_equal(breaker_due_ms(&g.breaker, g.now_ms), 90000);
    g.now_ms += 90000;
    assert_true(rig_call(&g, BREAKER_SUCCESS));
    /* A rest longer than the cool-down outlasts it. */
    rig_trip(&g);
    breaker_rest(&g.breaker, &g.rules, g.now_ms + 80000, g.now_ms);
    assert_int_equal(rig_refused(&g).retry_after_ms, 80000);
    g.now_ms += 60000;
    assert_int_equal(rig_state(&g), BREAKER_HALF_OPEN);
    assert_true(rig_refused(&g).resting);
    g.now_ms += 20000;
    rig_call(&g, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
}

static void test_the_lease_of_a_living_or_dead_holder(void **state)
{
    (void)state;
    struct rig g = rig_of("lease=10s");
    rig_half_open(&g);
    struct breaker_token probe = rig_admit(&g);
    for (int i = 0; i < 20; i++) { /* a long call: its holder lives */
        g.now_ms += 9000 + i * 100;
        breaker_lease(&g.breaker, &g.rules, probe.slot, true, g.now_ms);
        assert_int_equal(rig_state(&g), BREAKER_HALF_OPEN);
    }
    assert_true(rig_resolve(&g, &probe, BREAKER_SUCCESS));
    rig_half_open(&g);
    probe = rig_admit(&g);
    g.now_ms += 5;
    breaker_lease(&g.breaker, &g.rules, probe.slot, false, g.now_ms);
    assert_int_equal(rig_state(&g), BREAKER_OPEN);
    assert_int_equal(rig_refused(&g).retry_after_ms, 60000);
    assert_int_equal(g.breaker.counts.expired, 1);
    assert_false(rig_resolve(&g, &probe, BREAKER_SUCCESS));
    assert_int_equal(rig_state(&g), BREAKER_OPEN);
    /* The lease is no longer than the cool-down. */
    g = rig_of("lease=10m,cool-down=3s");
    rig_half_open(&g);
    rig_admit(&g);
    assert_int_equal(breaker_due_ms(&g.breaker, g.now_ms), 3000);
}

static void test_states_have_names(void **state)
{
    (void)state;
    for (enum breaker_state s = BREAKER_CLOSED; s < BREAKER_STATE_COUNT; s++) {
        enum breaker_state back = BREAKER_STATE_COUNT;
        assert_true(breaker_state_parse(breaker_state_text(s), &back));
        assert_int_equal(back, s);
    }
    enum breaker_state untouched = BREAKER_DISABLED;
    assert_false(breaker_state_parse("AJAR", &untouched));
    assert_int_equal(untouched, BREAKER_DISABLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_in_a_row_trip_it),
        cmocka_unit_test(test_a_rate_trips_it_once_there_are_enough_calls),
        cmocka_unit_test(test_slow_calls_trip_it),
        cmocka_unit_test(test_failures_while_open_change_nothing),
        cmocka_unit_test(test_a_stale_token_never_touches_a_later_generation),
        cmocka_unit_test(test_a_token_resolves_once),
        cmocka_unit_test(test_probes_and_the_successes_that_close_it),
        cmocka_unit_test(test_the_cool_down_grows_to_its_cap),
        cmocka_unit_test(test_failed_probes_are_the_same_outage),
        cmocka_unit_test(test_jitter_goes_to_both_sides),
        cmocka_unit_test(test_it_does_not_matter_when_one_looks),
        cmocka_unit_test(test_since_when),
        cmocka_unit_test(test_forced_states),
        cmocka_unit_test(test_a_forced_state_expires),
        cmocka_unit_test(test_a_rest_is_no_failure),
        cmocka_unit_test(test_a_probe_that_is_told_to_rest),
        cmocka_unit_test(test_the_lease_of_a_living_or_dead_holder),
        cmocka_unit_test(test_states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
