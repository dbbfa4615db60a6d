#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

#define IDS  400
#define NONE INT64_MIN

/* The naive one: looks at all of them. */
static bool naive_first(const int64_t *at, struct deadline *first)
{
    bool found = false;
    for (uint32_t id = 0; id < IDS; id++)
        if (at[id] != NONE && (!found || at[id] < first->at_ms)) {
            *first = (struct deadline){at[id], id};
            found = true;
        }
    return found;
}

static void test_it_is_the_naive_scan(void **state)
{
    (void)state;
    struct rng r;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct deadlines d = {0};
        int64_t at[IDS], now_ms = 0;
        size_t held = 0;
        for (int i = 0; i < IDS; i++)
            at[i] = NONE;
        rng_seed(&r, seed);
        for (int i = 0; i < 4000; i++) {
            uint32_t id = (uint32_t)rng_below(&r, IDS);
            uint64_t what = rng_below(&r, 10);
            struct deadline want = {0}, got = {0};
            if (what < 6) {
                held += at[id] == NONE;
                at[id] = now_ms + (int64_t)rng_below(&r, seed % 2 ? 10 : 100000) - 5;
                deadlines_set(&d, id, at[id]);
            } else if (what < 8) {
                held -= at[id] != NONE;
                at[id] = NONE;
                deadlines_drop(&d, id);
            } else {
                bool due = naive_first(at, &want) && want.at_ms <= now_ms;
                if (deadlines_take(&d, now_ms, &got) != due)
                    fail_msg("seed %llu step %d: due, or not", (unsigned long long)seed, i);
                if (due) {
                    assert_int_equal(got.id, want.id);
                    at[want.id] = NONE;
                    held--;
                }
                now_ms += (int64_t)rng_below(&r, 50);
            }
            bool any = naive_first(at, &want);
            if (deadlines_first(&d, &got) != any || d.count != held ||
                (any && (got.id != want.id || got.at_ms != want.at_ms)))
                fail_msg("seed %llu step %d: the first is %u at %lld, not %u at %lld",
                         (unsigned long long)seed, i, got.id, (long long)got.at_ms, want.id,
                         (long long)want.at_ms);
        }
        deadlines_fini(&d);
        assert_false(deadlines_first(&d, &(struct deadline){0}));
    }
}

/* 100,000 breakers with a cool-down each: they come out in order, each once. */
static void test_a_hundred_thousand_breakers_become_due_in_order(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct breaker_rules rules = breaker_rules_default();
    struct breaker *breakers = xcalloc(COUNT, sizeof *breakers);
    struct deadlines d = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        int64_t now_ms = 1 + i % 1000;
        breaker_init(&breakers[i], &rules, i, now_ms);
        for (unsigned k = 0; k < rules.failures; k++) {
            struct breaker_token token;
            assert_true(breaker_admit(&breakers[i], &rules, now_ms, &token, NULL));
            breaker_resolve(&breakers[i], &rules, &token, BREAKER_FAILURE, 1, now_ms);
        }
        deadlines_set(&d, i, now_ms + breaker_due_ms(&breakers[i], now_ms));
    }
    int64_t before_ms = 0;
    size_t taken = 0;
    for (struct deadline due; deadlines_take(&d, INT64_MAX, &due); taken++) {
        assert_true(due.at_ms >= before_ms);
        before_ms = due.at_ms;
        assert_int_equal(breaker_state(&breakers[due.id], due.at_ms - 1), BREAKER_OPEN);
        assert_int_equal(breaker_state(&breakers[due.id], due.at_ms), BREAKER_HALF_OPEN);
    }
    assert_int_equal(taken, COUNT);
    deadlines_fini(&d);
    free(breakers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_the_naive_scan),
        cmocka_unit_test(test_a_hundred_thousand_breakers_become_due_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
