/* Attempts of what only looks: errors pass, answers stand; each look of one that polls has its own. */
#include "tests/unit/runbook/policies.h"

#define CHECK(keys) BLOCK("name=c kind=check " keys)

/* Its errors pass, its answers stand. */
static void test_an_error_of_a_check_is_tried_again(void **state)
{
    (void)state;
    struct walker w = walk_with(CHECK("policy=p") NEXT, SLOW, NULL);
    assert_outcome(&w, "c", RUNNING);
    exits(&w, "c", 2);
    assert_true(noted(&w, "attempt 1 of 3 failed (exit 2), again in 1000 ms"));
    assert_int_equal(see(&w, "c").phase, PHASE_WAITING);
    assert_string_equal(see(&w, "c").policy->name, "p");
    tick(&w, 1000);
    assert_int_equal(see(&w, "c").phase, PHASE_CHECKING);
    ends(&w, "c", END_TIMED_OUT);
    tick(&w, 2000);
    assert_int_equal(see(&w, "c").tries, 3);
    exits(&w, "c", 0);
    assert_outcome(&w, "c", OK);
    assert_outcome(&w, "b", RUNNING);
    walked(&w);
    w = walk_with(CHECK("policy=p") NEXT, SLOW, NULL); /* all attempts used: unknown, and it asks */
    for (int i = 0; i < 3; i++) {
        tick(&w, 4000);
        ends(&w, "c", END_SIGNALLED);
    }
    assert_outcome(&w, "c", UNKNOWN);
    assert_ask(&w, "c", UNKNOWN);
    assert_int_equal(run_wake_ms(w.run), -1);
    walked(&w);
    w = walk_with(CHECK("policy=p") NEXT, SLOW, NULL); /* "no" is an answer */
    exits(&w, "c", 1);
    assert_outcome(&w, "c", FAILED);
    assert_int_equal(see(&w, "c").attempts, 1);
    walked(&w);
}

static void test_what_stays_is_not_tried_again(void **state)
{
    (void)state;
    static const int statuses[] = {77, 127, 64};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct walker w = walk_with(CHECK("policy=p") NEXT, SLOW, NULL);
        exits(&w, "c", statuses[i]);
        assert_outcome(&w, "c", UNKNOWN);
        assert_true(noted(&w, "another attempt would fail alike"));
        assert_int_equal(see(&w, "c").attempts, 1);
        walked(&w);
    }
    struct walker w = walk_with(CHECK("policy=p") NEXT, LISTS, NULL);
    exits(&w, "c", 77); /* said to stay; it proves no "no" */
    assert_outcome(&w, "c", UNKNOWN);
    walked(&w);
    w = walk_with(CHECK("policy=p") NEXT, "policies: [{name: p, base: 1s, jitter: none, retry_on: \"1\"}]\n",
                  NULL);
    exits(&w, "c", 1); /* said to pass */
    tick(&w, 1000);
    exits(&w, "c", 1);
    tick(&w, 2000);
    exits(&w, "c", 1);
    assert_outcome(&w, "c", FAILED);
    walked(&w);
}

/* Each look of one that polls has its attempts; the verification of an act says what the act was. */
static void test_a_look_has_its_attempts(void **state)
{
    (void)state;
    struct walker w = walk_with(CHECK("policy=p until=20s every=5s"), SLOW, NULL);
    exits(&w, "c", 2);
    assert_int_equal(see(&w, "c").phase, PHASE_WAITING);
    tick(&w, 1000);
    exits(&w, "c", 1);
    assert_int_equal(see(&w, "c").phase, PHASE_POLLING);
    tick(&w, 5000);
    assert_int_equal(see(&w, "c").tries, 1);
    exits(&w, "c", 0);
    assert_outcome(&w, "c", OK);
    walked(&w);
    w = acting(BLOCK("name=a verify=v") BLOCK("name=v kind=verify policy=p"), SLOW);
    exits(&w, "a", 0);
    exits(&w, "v", 2);
    assert_outcome(&w, "a", RUNNING);
    tick(&w, 1000);
    exits(&w, "v", 0);
    assert_outcome(&w, "a", OK);
    walked(&w);
}

static void test_a_check_that_waits_is_cancelled(void **state)
{
    (void)state;
    struct walker w = walk_with(CHECK("policy=p"), SLOW, NULL);
    exits(&w, "c", 2);
    assert_int_equal(cancel(&w, "c"), 0);
    assert_outcome(&w, "c", CANCELLED);
    assert_int_equal(run_wake_ms(w.run), -1);
    walked(&w);
    w = walk_with(CHECK("policy=p"), SLOW, NULL);
    exits(&w, "c", 2);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STOP, .reason = "enough"}), 0);
    ended(&w);
    walked(&w);
    w = walk_with(CHECK("policy=p"), SLOW, NULL); /* a console that was frozen */
    exits(&w, "c", 2);
    tick(&w, 3 * RUN_DISARM_MS);
    assert_outcome(&w, "c", UNKNOWN);
    assert_string_equal(see(&w, "c").reason, "exit 2; its next attempt came too late");
    walked(&w);
}

/* Of a page that was closed meanwhile nobody waits for the precheck: not tried again, and the next page
 * begins anew. */
static void test_a_precheck_that_nobody_waits_for(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a pre=c") BLOCK("name=c kind=verify policy=p"), SLOW, NULL);
    assert_int_equal(open_page(&w, "a"), 0);
    exits(&w, "c", 2);
    assert_int_equal(see(&w, "c").phase, PHASE_WAITING);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_LEAVE, .step = number(&w, "a")}), 0);
    tick(&w, 1500);
    assert_int_equal(run_tickets(w.run, NULL, 0), 0);
    assert_outcome(&w, "c", UNKNOWN);
    assert_int_equal(open_page(&w, "a"), 0);
    exits(&w, "c", 2);
    tick(&w, 1000);
    exits(&w, "c", 0);
    assert_outcome(&w, "c", OK);
    walked(&w);
}

static void test_the_policy_of_checks_that_name_none(void **state)
{
    (void)state;
    static const char yaml[] = "policies:\n  - {name: looks, attempts: 2, base: 1s, jitter: none, checks: "
                               "true, timeout: 5s, timeout_growth: 2}\n"
                               "  - {name: p, attempts: 4, base: 1s, jitter: none}\n";
    struct run_command command;
    struct walker w = walk_with(CHECK("") BLOCK("name=d kind=check policy=p") BLOCK("name=a"), yaml, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_ticket_command(w.run, ticket_of(&w, "c"), NULL, &command, NULL), 0);
        assert_int_equal(command.timeout_ms, i ? 10000 : 5000);
        run_command_fini(&command);
        exits(&w, "c", i ? 0 : 2);
        tick(&w, i ? 0 : 1000);
    }
    assert_string_equal(see(&w, "c").policy->name, "looks");
    assert_int_equal(see(&w, "d").tries_max, 4);
    assert_int_equal(run_ticket_command(w.run, ticket_of(&w, "d"), NULL, &command, NULL), 0);
    assert_int_equal(command.timeout_ms, RUN_CHECK_LIMIT_MS);
    run_command_fini(&command);
    exits(&w, "d", 0);
    assert_null(see(&w, "a").policy); /* what acts has one only by name */
    walked(&w);
    static const char two[] = "policies: [{name: a, checks: true}, {name: b, checks: true}]\n";
    struct err e = {0};
    assert_null(config_parse(two, strlen(two), "t", NULL, NULL, &e));
    assert_non_null(strstr(e.msg, "another policy is that of the checks already"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_error_of_a_check_is_tried_again),
        cmocka_unit_test(test_what_stays_is_not_tried_again),
        cmocka_unit_test(test_a_look_has_its_attempts),
        cmocka_unit_test(test_a_check_that_waits_is_cancelled),
        cmocka_unit_test(test_a_precheck_that_nobody_waits_for),
        cmocka_unit_test(test_the_policy_of_checks_that_name_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
