#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"

#define KEYS 200

/* Random sets and removals against an array indexed by the key's number; the order is that of insertion. */
static void test_agrees_with_a_model(void **state)
{
    (void)state;
    uint64_t seed = rng_entropy();
    struct rng r;
    rng_seed(&r, seed);
    struct map *m = map_new();
    struct {
        void *value;
        int order;
    } model[KEYS] = {0};
    int clock = 0;
    for (int step = 1; step < 50000; step++) {
        size_t k = rng_below(&r, KEYS);
        char key[64];
        snprintf(key, sizeof key, k % 3 ? "key-%zu" : "a-longer-key-that-fills-words-%zu", k);
        void *value = (void *)(intptr_t)step;
        if (rng_below(&r, 2)) {
            assert_ptr_equal(map_set(m, key, value), model[k].value);
            if (!model[k].value)
                model[k].order = ++clock;
            model[k].value = value;
        } else {
            assert_ptr_equal(map_remove(m, key), model[k].value);
            model[k].value = NULL;
        }
        assert_ptr_equal(map_get(m, key), model[k].value);
        assert_int_equal(map_has(m, key), model[k].value != NULL);
        if (step % 500)
            continue;
        size_t cursor = 0, count = 0;
        int last = 0;
        const char *name;
        void *found;
        while (map_next(m, &cursor, &name, &found)) {
            size_t number = (size_t)atoi(strrchr(name, '-') + 1);
            if (found != model[number].value || model[number].order <= last)
                fail_msg("seed %llu step %d key %s", (unsigned long long)seed, step, name);
            last = model[number].order;
            count++;
        }
        assert_int_equal(count, map_count(m));
    }
    map_free(m);
}

static void test_empty_and_odd_keys(void **state)
{
    (void)state;
    struct map *m = map_new();
    assert_null(map_get(m, "x"));
    assert_null(map_remove(m, "x"));
    map_set(m, "", m);
    assert_ptr_equal(map_get(m, ""), m);
    map_set(m, "null value", NULL);
    assert_true(map_has(m, "null value"));
    assert_int_equal(map_count(m), 2);
    map_free(m);
    map_free(NULL);
}

/* A hundred thousand keys, all removed and set again: the slots that removal leaves must not pile up. */
static void test_churn_stays_fast(void **state)
{
    (void)state;
    struct map *m = map_new();
    char key[32];
    int64_t start = clock_monotonic_us();
    for (int i = 0; i < 300000; i++) {
        snprintf(key, sizeof key, "row-%d", i);
        map_set(m, key, m);
        snprintf(key, sizeof key, "row-%d", i - 100);
        map_remove(m, key);
    }
    assert_int_equal(map_count(m), 100);
    assert_true(clock_monotonic_us() - start < 20 * US_PER_S);
    map_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_a_model),
        cmocka_unit_test(test_empty_and_odd_keys),
        cmocka_unit_test(test_churn_stays_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
