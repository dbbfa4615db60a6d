#include "tests/unit/resilience/breaker_rig.h"

struct stored {
    uint8_t bytes[BREAKER_STORED_BYTES];
    size_t length;
};

static struct stored store(const struct rig *g)
{
    struct stored s = {0};
    s.length = breaker_store(&g->breaker, g->now_ms, s.bytes);
    assert_in_range(s.length, 1, BREAKER_STORED_BYTES);
    return s;
}

static void restore(struct rig *g, const struct stored *s, int64_t now_ms, int64_t passed_ms)
{
    struct err e = {0};
    memset(&g->breaker, 0xa5, sizeof g->breaker);
    g->now_ms = now_ms;
    if (breaker_restore(&g->breaker, &g->rules, s->bytes, s->length, now_ms, passed_ms, &e))
        fail_msg("%s", e.msg);
}

/* A random life: calls, failures, rests, by-hand states, time. */
static void live(struct rig *g, struct rng *r, int steps)
{
    struct breaker_token held[3] = {{0}};
    for (int i = 0; i < steps; i++) {
        struct breaker_token *token = &held[rng_below(r, 3)];
        uint64_t what = rng_below(r, 100);
        g->now_ms += (int64_t)rng_below(r, what == 0 ? 90000 : 900);
        if (token->generation)
            rig_resolve(g, token, (enum breaker_result)(rng_below(r, 100) < 40 ? rng_below(r, 4) : 1));
        else if (what < 3)
            breaker_rest(&g->breaker, &g->rules, g->now_ms + (int64_t)rng_below(r, 5000), g->now_ms);
        else if (what < 5)
            breaker_force(&g->breaker, &g->rules, (enum breaker_state)(what == 3 ? 0 : 3 + rng_below(r, 3)),
                          rng_below(r, 2) ? g->now_ms + 3000 : 0, g->now_ms);
        else
            rig_try(g, token);
    }
}

static const char *const rule_sets[] = {"failures=3,rate=0.6,window=100,slow-rate=0.9,slow=500ms,jitter=0.1",
                                        "rate=0.7,window=60s,minimum=5,lease=2s,cool-down=5s,multiplier=2",
                                        "failures=2,cool-down=1s,probes=3,successes=2,window=1024"};

/* Stored and read by the same clock at the same moment it is the same; and goes on alike by another clock. */
static void test_what_is_stored_is_what_is_read(void **state)
{
    (void)state;
    struct rng r;
    for (uint64_t seed = 1; seed <= 600; seed++) {
        struct rig g = rig_of(rule_sets[seed % 3]);
        rng_seed(&r, seed);
        live(&g, &r, (int)rng_below(&r, 400));
        struct stored s = store(&g);
        struct rig same = g, other = g;
        restore(&same, &s, g.now_ms, 0);
        struct breaker want = g.breaker;
        want.unresolved = 0; /* plain calls under way are not stored */
        for (int i = 0; i < BREAKER_PROBES_MAX; i++)
            want.unresolved += want.leases[i] != 0;
        if (memcmp(&same.breaker, &want, sizeof want) != 0)
            fail_msg("seed %llu: something is lost", (unsigned long long)seed);
        struct stored again = store(&same);
        assert_memory_equal(&again, &s, sizeof s);

        int64_t passed_ms = (int64_t)rng_below(&r, 20000);
        int64_t shift = passed_ms - (int64_t)rng_below(&r, (uint64_t)g.now_ms);
        restore(&other, &s, g.now_ms + shift, passed_ms);
        g.now_ms += passed_ms;
        assert_int_equal(rig_state(&other), rig_state(&g));
        assert_int_equal(breaker_due_ms(&other.breaker, other.now_ms), breaker_due_ms(&g.breaker, g.now_ms));
        struct window_sums a = window_read(&g.breaker.window, g.now_ms);
        struct window_sums b = window_read(&other.breaker.window, other.now_ms);
        assert_memory_equal(&a, &b, sizeof a);
    }
}

static void test_another_boot_goes_on_with_what_remained(void **state)
{
    (void)state;
    struct rig g = rig_of("cool-down=60s");
    rig_trip(&g);
    g.now_ms += 20000;
    struct stored s = store(&g);
    restore(&g, &s, 5, 0); /* the clock begins again */
    assert_int_equal(rig_state(&g), BREAKER_OPEN);
    assert_int_equal(rig_refused(&g).retry_after_ms, 40000);
    g.now_ms += 40000;
    rig_call(&g, BREAKER_SUCCESS);
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
}

static void test_half_open_is_computed_when_read(void **state)
{
    (void)state;
    struct rig g = rig_of("cool-down=60s");
    rig_trip(&g);
    uint32_t generation = g.breaker.generation;
    struct stored s = store(&g);
    restore(&g, &s, g.now_ms + 60000, 60000);
    assert_int_equal(rig_state(&g), BREAKER_HALF_OPEN);
    struct breaker_token a, b;
    assert_true(rig_try(&g, &a));
    assert_int_equal(a.generation, generation + 1);
    /* Two processes: what the second one reads says that a probe is under way. */
    struct stored with_probe = store(&g);
    struct rig second = g;
    restore(&second, &with_probe, g.now_ms + 10, 10);
    assert_false(rig_try(&second, &b));
    assert_true(rig_resolve(&second, &a, BREAKER_SUCCESS));
    assert_int_equal(rig_state(&second), BREAKER_CLOSED);
}

static void test_what_no_longer_fits_is_clamped(void **state)
{
    (void)state;
    struct rig g = rig_of("cool-down=1h,cap=1h,window=100,probes=3,successes=3");
    rig_trip(&g);
    struct stored s = store(&g);
    struct breaker_rules shorter = breaker_rules_default(); /* 60 s, cap 10 min, 10 %; a window of time */
    g.rules = shorter;
    restore(&g, &s, g.now_ms, 0);
    assert_in_range(rig_refused(&g).retry_after_ms, 1, 660000);
    assert_int_equal(g.breaker.window.calls_most, 0);
    assert_int_equal(g.breaker.window.bucket_count, 30);

    g = rig_of("cool-down=1h,cap=1h,probes=3,successes=3");
    rig_half_open(&g);
    struct breaker_token a = rig_admit(&g), b = rig_admit(&g);
    rig_resolve(&g, &a, BREAKER_SUCCESS);
    rig_resolve(&g, &b, BREAKER_SUCCESS);
    rig_admit(&g);
    s = store(&g);
    g.rules = shorter;
    restore(&g, &s, g.now_ms, 0);
    assert_int_equal(breaker_due_ms(&g.breaker, g.now_ms), 60000); /* the lease */
    g.now_ms += 60000 + 660000;
    rig_call(&g, BREAKER_SUCCESS); /* it can still close */
    assert_int_equal(rig_state(&g), BREAKER_CLOSED);
}

/* Damage is refused or read as some state that works: nothing wedges, nothing overflows. */
static void test_damage(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 9);
    struct err e = {0};
    for (int i = 0; i < 3000; i++) {
        struct rig g = rig_of(rule_sets[i % 3]);
        live(&g, &r, (int)rng_below(&r, 60));
        struct stored s = store(&g);
        struct breaker untouched = g.breaker;
        int flips = (int)rng_below(&r, 6);
        for (int k = 0; k < flips; k++)
            s.bytes[rng_below(&r, s.length)] ^= (uint8_t)(1 + rng_below(&r, 255));
        if (breaker_restore(&g.breaker, &g.rules, s.bytes, s.length, g.now_ms, (int64_t)rng_below(&r, 1000),
                            &e)) {
            assert_true(flips > 0);
            assert_int_equal(e.code, ERR_CORRUPT);
            assert_memory_equal(&g.breaker, &untouched, sizeof untouched);
            continue;
        }
        live(&g, &r, 200);
        breaker_force(&g.breaker, &g.rules, BREAKER_CLOSED, 0, g.now_ms);
        rig_call(&g, BREAKER_SUCCESS);
    }
    struct rig g = rig_of("");
    struct stored s = store(&g);
    for (size_t length = 0; length < s.length; length++)
        assert_int_equal(breaker_restore(&g.breaker, &g.rules, s.bytes, length, 1, 0, &e), ERR_CORRUPT);
    s.bytes[2]++; /* the version */
    assert_int_equal(breaker_restore(&g.breaker, &g.rules, s.bytes, s.length, 1, 0, &e), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_stored_is_what_is_read),
        cmocka_unit_test(test_another_boot_goes_on_with_what_remained),
        cmocka_unit_test(test_half_open_is_computed_when_read),
        cmocka_unit_test(test_what_no_longer_fits_is_clamped),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
