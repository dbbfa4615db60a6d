/* What counts in the measures of whom a policy names: each attempt as it ends, and the operation when no
 * other one follows. */
#include "tests/unit/runbook/walker.h"

#define POLICIES                                                                                             \
    "policies:\n  - {name: p, attempts: 3, base: 1s, jitter: none, breaker: {name: pay}}\n"                  \
    "  - {name: bare, attempts: 3, base: 1s, jitter: none}\n"
#define POLICY "name=a policy=p idempotent=true"

static struct walker acting(const char *block)
{
    struct walker w = walk_with(block, POLICIES, NULL);
    act(&w, "a");
    return w;
}

static const struct run_effect *counted(const struct walker *w)
{
    const struct run_effect *found = NULL;
    for (size_t i = 0; i < w->effects.len; i++)
        if (w->effects.data[i].kind == EFFECT_COUNT) {
            assert_null(found); /* once */
            found = &w->effects.data[i];
        }
    return found;
}

static void counts(const struct walker *w, bool executed, bool over, unsigned attempts,
                   enum failure_class class)
{
    const struct run_effect *e = counted(w);
    assert_non_null(e);
    assert_int_equal(e->counted.executed, executed);
    assert_int_equal(e->counted.over, over);
    assert_int_equal(e->counted.refused, false);
    assert_int_equal(e->attempt, attempts);
    assert_int_equal(e->counted.class, class);
}

static void test_attempts_and_their_operation(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY));
    exits(&w, "a", 1);
    counts(&w, true, false, 1, FAILURE_TRANSIENT);
    tick(&w, 1000);
    assert_null(counted(&w));
    exits(&w, "a", 0);
    counts(&w, true, true, 2, FAILURE_NONE);
    assert_true(counted(&w)->counted.took_ms >= 1000);
    walked(&w);
}

static void test_the_last_attempt(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY));
    exits(&w, "a", 77);
    counts(&w, true, true, 1, FAILURE_AUTH);
    walked(&w);
}

/* The next attempt does not come: the operation is over all the same. */
static void test_stopped_while_it_waits(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY));
    exits(&w, "a", 1);
    assert_int_equal(cancel(&w, "a"), 0);
    counts(&w, false, true, 1, FAILURE_CANCELLED);
    walked(&w);
    w = acting(BLOCK(POLICY));
    exits(&w, "a", 1);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STOP, .reason = "enough"}), 0);
    counts(&w, false, true, 1, FAILURE_OTHER);
    walked(&w);
}

static void test_what_was_not_started(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY));
    ends(&w, "a", END_NOT_STARTED);
    assert_null(counted(&w));
    walked(&w);
    w = acting(BLOCK(POLICY));
    assert_int_equal(finish(&w, "a", (struct run_result){.end = END_NOT_STARTED, .refused = true}), 0);
    assert_non_null(counted(&w));
    assert_true(counted(&w)->counted.refused);
    assert_int_equal(counted(&w)->attempt, 0);
    walked(&w);
    w = acting(BLOCK(POLICY)); /* refused after an attempt: that one was an operation */
    exits(&w, "a", 1);
    tick(&w, 1000);
    assert_int_equal(finish(&w, "a", (struct run_result){.end = END_NOT_STARTED, .refused = true}), 0);
    counts(&w, false, true, 1, FAILURE_OTHER);
    walked(&w);
}

static void test_nobody_is_named(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK("name=a policy=bare idempotent=true"));
    exits(&w, "a", 0);
    assert_null(counted(&w));
    walked(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attempts_and_their_operation),
        cmocka_unit_test(test_the_last_attempt),
        cmocka_unit_test(test_stopped_while_it_waits),
        cmocka_unit_test(test_what_was_not_started),
        cmocka_unit_test(test_nobody_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
