/* Tiers that refuse or ask for a rest: who serves meanwhile, and what is worth waiting for. */
#include "tests/unit/resilience/chain_telling.h"

static void test_a_request_for_a_rest_goes_on_at_once(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    begin(&t);
    call(&t, 0, FAILURE_LIMITED, 5000);
    call(&t, 1, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
    expect_message(&t, "answered by claude (tier 2 of 3); gpt-4: it asked for a rest for 5s");
    assert_int_equal(chain_verdict(&t.c.parts[0].last), BREAKER_IGNORED);
    assert_int_equal(failure_verdict(t.c.parts[0].last.class), VERDICT_COOL);
}

static void test_the_last_tier_rests_inside_the_deadline(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.plan.tier_count = 1;
    t.p.backoff.deadline_ms = 10000;
    begin(&t);
    call(&t, 0, FAILURE_LIMITED, 4000);
    wait_it(&t, 0, 4000);
    call(&t, 0, FAILURE_LIMITED, 6000);
    expect_done(&t, CHAIN_FAILED);
    tell(&t);
    t.p.backoff.deadline_ms = 10000;
    begin(&t);
    call(&t, 0, FAILURE_LIMITED, 4000);
    call(&t, 1, FAILURE_LIMITED, 3000);
    call(&t, 2, FAILURE_LIMITED, 20000);
    wait_it(&t, 1, 3000); /* the earliest */
    call(&t, 1, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
}

static void test_a_rest_beyond_the_deadline_goes_to_the_fallback_now(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.p.backoff.deadline_ms = 2000;
    begin(&t);
    call(&t, 0, FAILURE_SERVER, 2000);
    call(&t, 1, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
}

static void test_an_open_breaker_is_not_retried(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    begin(&t);
    call(&t, 0, FAILURE_SERVER, -1);
    wait_it(&t, 0, 100);
    refuse(&t, 0, 41000); /* that one more failure tripped it */
    refuse(&t, 1, -1);
    call(&t, 2, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
    expect_message(&t, "answered by rules (tier 3 of 3); gpt-4: its breaker refuses for 41s; claude: its "
                       "breaker refuses");
}

static void test_all_closed_off_waits_for_the_earliest_inside_the_deadline(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.p.backoff.deadline_ms = 60000;
    begin(&t);
    refuse(&t, 0, 41000);
    refuse(&t, 1, 7000);
    refuse(&t, 2, -1);
    wait_it(&t, 1, 7000);
    refuse(&t, 1, 500); /* somebody else's probe */
    wait_it(&t, 1, 500);
    call(&t, 1, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
}

static void test_all_closed_off_otherwise(void **state)
{
    (void)state;
    static const struct {
        int64_t deadline_ms;
        bool cached, refusal;
        enum policy_end end;
        enum chain_outcome outcome;
    } ways[] = {
        {7000, true, true, POLICY_FALLBACK, CHAIN_CACHED},
        {7000, false, true, POLICY_FALLBACK, CHAIN_REFUSED},
        {7000, false, false, POLICY_FALLBACK, CHAIN_REJECTED},
        {0, false, false, POLICY_FALLBACK, CHAIN_REJECTED},
        {0, true, true, POLICY_FALLBACK, CHAIN_CACHED},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct telling t;
        tell(&t);
        t.p.backoff.deadline_ms = ways[i].deadline_ms;
        t.p.end = ways[i].end;
        t.plan.has_cached = ways[i].cached;
        t.plan.has_refusal = ways[i].refusal;
        begin(&t);
        for (size_t tier = 0; tier < 3; tier++)
            refuse(&t, tier, 7000);
        expect_done(&t, ways[i].outcome);
        assert_true(t.c.spent == 0);
    }
}

static void test_postponed_attempts_come_back_when_nothing_else_serves(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.p.backoff.attempts = 3;
    begin(&t);
    call(&t, 0, FAILURE_SERVER, -1); /* two attempts for two tiers, but both are closed off */
    refuse(&t, 1, 60000);
    refuse(&t, 2, 60000);
    wait_it(&t, 0, 100);
    call(&t, 0, FAILURE_NONE, -1);
    expect_done(&t, CHAIN_SERVED);
    assert_int_equal(t.c.tier, 0);
}

static void test_the_budget_of_a_tier(void **state)
{
    (void)state;
    struct telling t;
    tell(&t);
    t.p.budget = 10;
    begin(&t);
    for (int i = 0; i < 4; i++)
        budget_failed(&t.c.budgets[0]);
    call(&t, 0, FAILURE_SERVER, -1);
    call(&t, 1, FAILURE_NONE, -1);
    assert_int_equal(t.c.budgets[0].tenths, 50);
    assert_int_equal(t.c.budgets[1].tenths, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_for_a_rest_goes_on_at_once),
        cmocka_unit_test(test_the_last_tier_rests_inside_the_deadline),
        cmocka_unit_test(test_a_rest_beyond_the_deadline_goes_to_the_fallback_now),
        cmocka_unit_test(test_an_open_breaker_is_not_retried),
        cmocka_unit_test(test_all_closed_off_waits_for_the_earliest_inside_the_deadline),
        cmocka_unit_test(test_all_closed_off_otherwise),
        cmocka_unit_test(test_postponed_attempts_come_back_when_nothing_else_serves),
        cmocka_unit_test(test_the_budget_of_a_tier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
