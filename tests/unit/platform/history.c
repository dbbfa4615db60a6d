/* Samples: what is kept, where the gaps are, and what ten thousand entities cost. */
#include <malloc.h>
#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void); /* Debian's gcc comes without its header */
#endif

#include "tests/unit/platform/rig.h"

static size_t allocated_bytes(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

static void sample(struct rig *r, double value)
{
    struct measurement m = {"value", value};
    struct observation o = {.kind = ENTITY_SIGNAL, .name = "p95", .measures = &m, .measure_count = 1};
    rig_pass(r, 1);
    rig_rows(r, "s", &o, 1);
}

static void expect_history(struct rig *r, const float *want, size_t count)
{
    float got[PLATFORM_HISTORY];
    int64_t times[PLATFORM_HISTORY];
    size_t kept =
        entity_history(r->platform, rig_find(r, ENTITY_SIGNAL, "p95"), "value", got, times, PLATFORM_HISTORY);
    assert_int_equal(kept, count);
    for (size_t i = 0; i < count; i++) {
        if (!(got[i] == want[i] || (isnan(got[i]) && isnan(want[i]))))
            fail_msg("sample %zu is %g, wanted %g", i, (double)got[i], (double)want[i]);
        assert_true(i == 0 || times[i] >= times[i - 1]);
    }
}

static void test_gaps(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 1);
    sample(&r, 5);
    sample(&r, 5);
    rig_error(&r, "s", "refused");
    sample(&r, 5);
    expect_history(&r, (float[]){5, 5, NAN, 5},
                   4); /* never changed: no samples are kept, the gap is known all the same */
    rig_rows(&r, "s", NULL, 0);
    sample(&r, 5);
    expect_history(&r, (float[]){5, 5, NAN, 5, NAN, 5}, 6);
    sample(&r, NAN);
    sample(&r, 7);
    rig_error(&r, "s", "refused");
    expect_history(&r, (float[]){5, 5, NAN, 5, NAN, 5, NAN, 7, NAN}, 9);
    float few[2];
    assert_int_equal(entity_history(r.platform, rig_find(&r, ENTITY_SIGNAL, "p95"), "value", few, NULL, 2),
                     2);
    assert_true(few[0] == 7 && isnan(few[1]));
    assert_int_equal(entity_history(r.platform, rig_find(&r, ENTITY_SIGNAL, "p95"), "none", few, NULL, 2), 0);
    rig_close(&r);
}

/* Against a list that forgets nothing, over several turns of the ring. */
static void test_random_series(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rig r;
        struct rng rng;
        rng_seed(&rng, seed);
        rig_open(&r);
        rig_add(&r, "s", 1);
        VEC(float) all = {0};
        double value = 3;
        for (int i = 0; i < 400; i++) {
            uint64_t roll = rng_below(&rng, seed % 3 == 0 ? 400 : 12);
            float told = NAN;
            if (roll == 0 && all.len > 0) {
                rig_error(&r, "s", "refused");
            } else if (roll == 1 && all.len > 0) {
                rig_rows(&r, "s", NULL, 0);
            } else if (roll == 2 && all.len > 0) {
                sample(&r, NAN);
            } else {
                if (roll == 3)
                    value = (double)rng_below(&rng, 100);
                sample(&r, value);
                told = (float)value;
            }
            *vec_push(&all) = told;
            size_t kept = all.len < PLATFORM_HISTORY ? all.len : PLATFORM_HISTORY;
            expect_history(&r, all.data + all.len - kept, kept);
        }
        vec_fini(&all);
        rig_close(&r);
    }
}

/* Ten thousand breakers with four measures, two of which change all the time. */
static void test_memory(void **state)
{
    (void)state;
    size_t before = allocated_bytes();
    struct platform *p = platform_new(NULL);
    platform_source_add(p, "s", "http", US_PER_S, 0, 0);
    enum { COUNT = 10000 };
    struct observation *rows = xcalloc(COUNT, sizeof *rows);
    struct measurement *measures = xcalloc(4 * COUNT, sizeof *measures);
    static const struct attribute attributes[] = {{"region", "eu"}, {"team", "search"}};
    for (size_t i = 0; i < COUNT; i++) {
        rows[i] = (struct observation){.kind = ENTITY_BREAKER,
                                       .name = xasprintf("breaker-%zu", i),
                                       .group = "api",
                                       .raw = "CLOSED",
                                       .attributes = attributes,
                                       .attribute_count = 2,
                                       .measures = measures + 4 * i,
                                       .measure_count = 4};
        measures[4 * i] = (struct measurement){"failure_rate", 0};
        measures[4 * i + 1] = (struct measurement){"calls", 0};
        measures[4 * i + 2] = (struct measurement){"trips", 1};
        measures[4 * i + 3] = (struct measurement){"cool_down_s", 0};
    }
    struct batch b = {.source = "s", .observations = rows, .observation_count = COUNT};
    for (int64_t round = 1; round <= 130; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            measures[4 * i].value = (double)(round % 7) / 10;
            measures[4 * i + 1].value = (double)round * 10;
        }
        platform_apply(p, &b, round * US_PER_S, round * US_PER_S);
    }
    for (size_t i = 0; i < COUNT; i++)
        free((void *)(uintptr_t)rows[i].name);
    free(rows);
    free(measures);
    size_t used = allocated_bytes() - before;
    print_message("10,000 breakers, 20,000 changing measures: %.1f MB\n", (double)used / 1e6);
    assert_true(used < 17 * 1000 * 1000);
    platform_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_random_series),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
