/* The order of a chain: who is asked next, and with what it ends. */
#include "tests/unit/resilience/chain_telling.h"

static void test_a_plain_call(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    begin(&t);
    call(&t, 0, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
    assert_int_equal(t.c.attempts, 1);
    assert_true(t.c.spent == 0.05);
    expect_message(&t, "");
}

static void test_a_failed_tier_is_tried_again_and_then_the_next(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    begin(&t);
    call(&t, 0, FAILURE_SERVER, -1);
    wait_it(&t, 0, 100);
    call(&t, 0, FAILURE_SERVER, -1);
    wait_it(&t, 0, 200);
    call(&t, 0, FAILURE_SERVER, -1);
    wait_it(&t, 0, 400);
    call(&t, 0, FAILURE_SERVER, -1); /* two attempts are left for two tiers */
    call(&t, 1, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
    assert_int_equal(t.c.tier, 1);
    assert_int_equal(t.c.attempts, 5);
    assert_true(fabs(t.c.spent - 0.22) < 1e-9);
    expect_message(&t, "answered by claude (tier 2 of 3); gpt-4: a server failure");
}

static void test_attempts_are_capped_over_the_whole_chain(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.p.backoff.attempts = 4;
    begin(&t);
    call(&t, 0, FAILURE_SERVER, -1);
    wait_it(&t, 0, 100);
    call(&t, 0, FAILURE_SERVER, -1);
    call(&t, 1, FAILURE_TIMEOUT, -1);
    call(&t, 2, FAILURE_CUT, -1);
    expect_done(&t, CHAIN_FAILED);
    assert_int_equal(t.c.attempts, 4);
    expect_message(&t, "failed; gpt-4: a server failure; claude: a timeout failure; rules: a cut failure");
}

static void test_what_every_tier_would_say_stops_the_chain(void **state)
{
    (void)state;
    static const enum failure_class classes[] = {FAILURE_INVALID, FAILURE_NOT_FOUND};
    for (size_t i = 0; i < 2; i++) {
        struct telling t;
        tell(&t);
        t.plan.has_cached = t.plan.has_refusal = true;
        begin(&t);
        call(&t, 0, classes[i], -1);
        expect_done(&t, CHAIN_FAILED);
        assert_int_equal(t.c.parts[1].skip, CHAIN_TIER_NOT_REACHED);
    }
}

static void test_what_only_this_tier_says_goes_on_without_retry(void **state)
{
    (void)state;
    static const enum failure_class classes[] = {FAILURE_AUTH, FAILURE_LOCAL, FAILURE_PERMANENT,
                                                 FAILURE_OTHER};
    for (size_t i = 0; i < 4; i++) {
        struct telling t;
        tell(&t);
        begin(&t);
        call(&t, 0, classes[i], -1);
        call(&t, 1, FAILURE_NONE, -1);
        expect_done(&t, CHAIN_SERVED);
    }
}

static void test_ends_other_than_fallback_stay_with_the_first_tier(void **state)
{
    (void)state;
    static const struct {
        enum policy_end end;
        enum chain_outcome called, refused, invalid;
    } ends[] = {{POLICY_FAIL, CHAIN_FAILED, CHAIN_REJECTED, CHAIN_FAILED},
                {POLICY_HEAL, CHAIN_FAILED, CHAIN_REJECTED, CHAIN_FAILED},
                {POLICY_SKIP, CHAIN_SKIPPED, CHAIN_SKIPPED, CHAIN_SKIPPED}};
    for (size_t i = 0; i < 3; i++) {
        struct telling t;
        tell(&t);
        t.p.backoff.attempts = 2;
        t.p.end = ends[i].end;
        t.plan.has_cached = true;
        begin(&t);
        call(&t, 0, FAILURE_SERVER, -1);
        wait_it(&t, 0, 100);
        call(&t, 0, FAILURE_SERVER, -1);
        expect_done(&t, ends[i].called);
        begin(&t);
        refuse(&t, 0, 100);
        expect_done(&t, ends[i].refused);
        begin(&t);
        call(&t, 0, FAILURE_INVALID, -1);
        expect_done(&t, ends[i].invalid);
    }
}

static void test_too_large_goes_to_a_tier_that_can(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.tiers[0].input_max = 8000;
    t.tiers[1].input_max = 4000;
    t.tiers[2].input_max = 32000;
    begin(&t);
    call(&t, 0, FAILURE_TOO_LARGE, -1);
    call(&t, 2, FAILURE_NONE, -1);
    assert_int_equal(t.c.parts[1].skip, CHAIN_TIER_INPUT);
    expect_message(&t, "answered by rules (tier 3 of 3); gpt-4: the input is too large for it; claude: the "
                       "input is too large for it");
    t.plan.input_bytes = 10000; /* known beforehand: not even tried */
    begin(&t);
    call(&t, 2, FAILURE_NONE, -1);
    assert_int_equal(t.c.attempts, 1);
    t.plan.input_bytes = 40000;
    begin(&t);
    expect_done(&t, CHAIN_REJECTED);
}

static void test_the_cost_ceiling_is_kept(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.p.cost_ceiling = 0.06;
    begin(&t);
    call(&t, 0, FAILURE_SERVER, -1); /* again would be 0.10, the next 0.07 */
    call(&t, 2, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
    assert_int_equal(t.c.parts[1].skip, CHAIN_TIER_COST);
    assert_true(t.c.spent <= 0.06);
}

static void test_what_may_have_started_is_not_repeated_here_but_served_elsewhere(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.p.idempotent = false;
    begin(&t);
    call(&t, 0, FAILURE_TIMEOUT, -1);
    call(&t, 1, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
}

static bool is_last(struct telling *t)
{
    begin(t);
    chain_admitted(&t->c, t->now_ms);
    expect(t, CHAIN_CALL, t->c.tier);
    return t->c.order.last;
}

static void test_last_says_that_nothing_follows(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    assert_false(is_last(&t));
    t.plan.tier_count = 1;
    assert_false(is_last(&t));
    t.p.idempotent = false;
    assert_true(is_last(&t));
    struct failure f = {.class = FAILURE_CONNECT, .before_start = true, .retry_after_ms = -1};
    chain_ended(&t.c, &f, NAN, t.now_ms); /* whatever it says now: its output is out */
    expect_done(&t, CHAIN_FAILED);
    t.tiers[0].provable = true;
    assert_false(is_last(&t));
    t.p.backoff.attempts = 1;
    assert_true(is_last(&t));
}

static void test_time_outs_grow_with_a_tiers_attempts(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.p.timeout_ms = 30000;
    t.p.backoff.growth_milli = 2000;
    t.p.backoff.deadline_ms = 200000;
    begin(&t);
    static const int64_t timeouts[] = {30000, 60000, 110100};
    for (int i = 0; i < 3; i++) {
        struct failure f = {.class = FAILURE_TIMEOUT, .retry_after_ms = -1};
        chain_admitted(&t.c, t.now_ms);
        assert_int_equal(t.c.order.timeout_ms, timeouts[i]);
        t.now_ms = 1000 + (i == 0 ? 30000 : 89700);
        chain_ended(&t.c, &f, NAN, t.now_ms);
        t.now_ms += t.c.order.wait_ms;
        chain_waited(&t.c, t.now_ms);
    }
}

static void test_the_deadline_ends_it(void **state)
{
    (void)state;
    struct telling t;
    struct failure f = {.class = FAILURE_TIMEOUT, .retry_after_ms = -1};
    tell(&t);
    t.p.backoff.deadline_ms = 1000;
    begin(&t);
    chain_admitted(&t.c, 1000);
    assert_int_equal(t.c.order.timeout_ms, 1000);
    chain_ended(&t.c, &f, NAN, 2000);
    expect_done(&t, CHAIN_TIMED_OUT);
    begin(&t);
    chain_admitted(&t.c, 2000); /* it took so long to ask: the token is given back */
    expect_done(&t, CHAIN_TIMED_OUT);
    assert_int_equal(t.c.attempts, 0);
    begin(&t);
    chain_admitted(&t.c, 1000);
    f.class = FAILURE_NONE;
    chain_ended(&t.c, &f, NAN, 2500); /* an answer is an answer */
    expect_done(&t, CHAIN_SERVED);
}

static void test_calling_off(void **state)
{
    (void)state;
    struct telling t;
    struct failure f = {.class = FAILURE_SERVER, .retry_after_ms = -1};
    tell(&t);
    begin(&t);
    chain_cancel(&t.c, t.now_ms);
    expect_done(&t, CHAIN_CANCELLED);
    begin(&t);
    chain_admitted(&t.c, t.now_ms);
    chain_cancel(&t.c, t.now_ms);
    expect(&t, CHAIN_CALL, 0);
    chain_ended(&t.c, &f, NAN, t.now_ms);
    expect_done(&t, CHAIN_CANCELLED);
    begin(&t);
    call(&t, 0, FAILURE_SERVER, -1);
    chain_cancel(&t.c, t.now_ms);
    expect_done(&t, CHAIN_CANCELLED);
    chain_waited(&t.c, t.now_ms); /* too late answers change nothing */
    chain_refused(&t.c, CHAIN_TIER_OPEN, 1, t.now_ms);
    chain_ended(&t.c, &f, NAN, t.now_ms);
    expect_done(&t, CHAIN_CANCELLED);
}

static void test_check(void **state)
{
    (void)state;
    struct telling t;
    struct err e;
    tell(&t);
    t.p.backoff.attempts = 2;
    assert_int_equal(chain_check(&t.plan, &e), ERR_RANGE);
    assert_string_equal(e.msg, "2 attempts for 3 tiers: rules would never be reached");
    t.p.end = POLICY_FAIL;
    assert_int_equal(chain_check(&t.plan, &e), 0);
    t.plan.tier_count = 0;
    assert_int_equal(chain_check(&t.plan, &e), ERR_RANGE);
    t.plan.tier_count = CHAIN_TIERS_MAX + 1;
    assert_int_equal(chain_check(&t.plan, &e), ERR_RANGE);
    tell(&t);
    t.tiers[2].cost = -1;
    assert_int_equal(chain_check(&t.plan, &e), ERR_RANGE);
    t.tiers[2].cost = NAN;
    assert_int_equal(chain_check(&t.plan, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_call),
        cmocka_unit_test(test_a_failed_tier_is_tried_again_and_then_the_next),
        cmocka_unit_test(test_attempts_are_capped_over_the_whole_chain),
        cmocka_unit_test(test_what_every_tier_would_say_stops_the_chain),
        cmocka_unit_test(test_what_only_this_tier_says_goes_on_without_retry),
        cmocka_unit_test(test_ends_other_than_fallback_stay_with_the_first_tier),
        cmocka_unit_test(test_too_large_goes_to_a_tier_that_can),
        cmocka_unit_test(test_the_cost_ceiling_is_kept),
        cmocka_unit_test(test_what_may_have_started_is_not_repeated_here_but_served_elsewhere),
        cmocka_unit_test(test_last_says_that_nothing_follows),
        cmocka_unit_test(test_time_outs_grow_with_a_tiers_attempts),
        cmocka_unit_test(test_the_deadline_ends_it),
        cmocka_unit_test(test_calling_off),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
