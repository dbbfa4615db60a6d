/* Rates, growth and quantiles over our own samples of counters. */
#include <stdio.h>

#include "tests/unit/sources/mapped.h"

static void growth_sees_resets_and_new_series(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_yaml(&t,
                     "kind: signal\nname: s\nvalue: {delta: {metric: c}, over: 1m}\nmeasures: {rate: {rate: "
                     "{metric: c}, over: "
                     "1m}}\n",
                     FORM_EXPOSITION);
    mapped_test_expect(&t, "c{i=\"a\"} 100\nc{i=\"b\"} 7\n", "");
    assert_true(t.last.partial);
    t.now_us += 10 * US_PER_S;
    mapped_test_expect(&t, "c{i=\"a\"} 110\nc{i=\"b\"} 7\n", "signal s <ok> {value=10 rate=1}\n");
    t.now_us +=
        10 * US_PER_S; /* a is restarted: 110 + 20; a new one appears and counts from its first sample */
    mapped_test_expect(&t, "c{i=\"a\"} 20\nc{i=\"b\"} 9\nc{i=\"n\"} 5000\n",
                       "signal s <ok> {value=32 rate=1.6}\n");
    t.now_us += 10 * US_PER_S;
    mapped_test_expect(&t, "c{i=\"a\"} 20\nc{i=\"b\"} 9\nc{i=\"n\"} 5003\n",
                       "signal s <ok> {value=35 rate=1.36667}\n");
    t.now_us += 3600 * US_PER_S; /* an hour of silence says nothing about the last minute */
    mapped_test_expect(&t, "c{i=\"a\"} 90\nc{i=\"b\"} 9\nc{i=\"n\"} 5003\n", "");
    assert_true(t.last.partial);
    mapped_test_fini(&t);
}

/* Against the plain sum over the same window, for random counters with restarts. A restart that counts past
 * the old value before the next sample can't be seen by anybody: then only the bound holds. */
static void growth_is_what_was_counted(void **state)
{
    (void)state;
    struct rng rng;
    uint64_t seed = rng_entropy();
    size_t exact = 0;
    rng_seed(&rng, seed);
    for (int round = 0; round < 60; round++) {
        struct mapped_test t;
        double counter = 1000, counted = 0;
        bool hidden = false;
        mapped_test_yaml(&t, "kind: signal\nname: s\nvalue: {delta: {metric: c}, over: 1h}\n",
                         FORM_EXPOSITION);
        for (int i = 0; i < 40; i++) {
            char body[64];
            double before = counter, more = (double)rng_below(&rng, 100);
            if (rng_below(&rng, 10) == 0)
                counter = 0;
            counter += more;
            counted += i ? more : 0;
            hidden |= counter == more && more >= before;
            snprintf(body, sizeof body, "c %.0f\n", counter);
            assert_int_equal(mapped_test_apply(&t, body), 0);
            t.now_us += 20 * US_PER_S;
            if (i == 0)
                continue;
            double got = t.last.observations.data[0].measures[0].value;
            if (got > counted || (!hidden && got != counted))
                fail_msg("seed %llu: grew by %g, counted %g", (unsigned long long)seed, got, counted);
        }
        exact += !hidden;
        mapped_test_fini(&t);
    }
    assert_true(exact > 0);
}

static void quantiles_are_prometheus_quantiles(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_yaml(&t,
                     "kind: signal\nname: q\nvalue: {quantile: 0.9, metric: h, over: 1m, where: {p: x}}\n",
                     FORM_EXPOSITION);
    static const struct {
        double buckets[4]; /* le 0.1, 1, 10, +Inf */
        const char *value;
    } cases[] = {
        {{0, 0, 100, 100}, "9.1"}, {{50, 100, 100, 100}, "0.82"}, {{100, 100, 100, 100}, "0.09"},
        {{0, 0, 0, 100}, "10"},    {{10, 20, 80, 100}, "10"},     {{0, 90, 100, 100}, "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str body = {0};
        const double *b = cases[i].buckets;
        mapping_memory_free(t.memory);
        t.memory = mapping_memory_new(t.mapping);
        for (int pass = 0; pass < 2; pass++) {
            str_clear(&body);
            str_addf(&body,
                     "h_bucket{p=\"x\",le=\"0.1\"} %g\nh_bucket{p=\"x\",le=\"+Inf\"} "
                     "%g\nh_bucket{p=\"x\",le=\"1\"} %g\n"
                     "h_bucket{p=\"x\",le=\"10\"} %g\nh_bucket{p=\"y\",le=\"0.1\"} "
                     "%d\nh_bucket{p=\"y\",le=\"+Inf\"} %d\n",
                     pass * b[0], pass * b[3], pass * b[1], pass * b[2], pass * 7777, pass * 7777);
            t.now_us += 10 * US_PER_S;
            mapped_test_apply(&t, body.data);
        }
        char *text = mapped_test_text(&t), *wanted = xasprintf("signal q <ok> {value=%s}\n", cases[i].value);
        assert_string_equal(text, wanted);
        free(text);
        free(wanted);
        str_fini(&body);
    }
    mapped_test_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_sees_resets_and_new_series),
        cmocka_unit_test(growth_is_what_was_counted),
        cmocka_unit_test(quantiles_are_prometheus_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
