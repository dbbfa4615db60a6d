/* The rules of outcomes (runbook-format.md, "Outcomes"; semantics.md, "Steps"), each a test. */
#include "tests/unit/runbook/walker.h"

/* ---- Checks ---- */

static void test_check_exit_0_passes_1_fails(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a kind=check") BLOCK("name=b kind=check"));
    exits(&w, "a", 0);
    assert_outcome(&w, "a", OK);
    exits(&w, "b", 1);
    assert_outcome(&w, "b", FAILED);
    assert_ask(&w, "b", FAILED);
    walked(&w);
}

static void test_check_exit_2_signal_timeout_loss_are_unknown_and_ask(void **state)
{
    (void)state;
    static const enum run_end ends_of[] = {END_SIGNALLED, END_TIMED_OUT, END_LOST, END_NOT_STARTED};
    for (size_t i = 0; i < 5; i++) {
        struct walker w = walk(BLOCK("name=a kind=check") BLOCK("name=b when=a") BLOCK("name=c when=!a"));
        if (i == 4)
            exits(&w, "a", 2);
        else
            ends(&w, "a", ends_of[i]);
        assert_outcome(&w, "a", UNKNOWN);
        assert_ask(&w, "a", UNKNOWN);
        assert_int_equal(run_current(w.run), 0);
        assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0); /* a look may be repeated without a word */
        exits(&w, "a", 0);
        assert_outcome(&w, "a", OK);
        walked(&w);
    }
}

static void test_expect_decides_and_nonzero_is_unknown(void **state)
{
    (void)state;
    const struct {
        struct run_result result;
        enum run_outcome outcome;
    } rows[] = {
        {{.end = END_EXITED, .exit = 0, .match = MATCH_YES}, OUTCOME_OK},
        {{.end = END_EXITED, .exit = 0, .match = MATCH_NO}, OUTCOME_FAILED},
        {{.end = END_EXITED, .exit = 1, .match = MATCH_YES}, OUTCOME_UNKNOWN},
        {{.end = END_EXITED, .exit = 1, .match = MATCH_NO}, OUTCOME_UNKNOWN},
        {{.end = END_EXITED, .exit = 0, .match = MATCH_UNDECIDED}, OUTCOME_UNKNOWN},
        {{.end = END_EXITED, .exit = 0, .match = MATCH_NONE}, OUTCOME_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct walker w = walk(BLOCK("name=a kind=check expect=^ok$") BLOCK("name=b"));
        finish(&w, "a", rows[i].result);
        assert_int_equal(see(&w, "a").outcome, rows[i].outcome);
        walked(&w);
    }
}

static void test_cancelled_check_is_cancelled_and_asks(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a kind=check") BLOCK("name=b"));
    assert_int_equal(cancel(&w, "a"), 0);
    assert_int_equal(w.effects.data[0].kind, EFFECT_CANCEL);
    assert_refused(cancel(&w, "a"), &w, "already");
    ends(&w, "a", END_CANCELLED);
    assert_outcome(&w, "a", CANCELLED);
    assert_string_equal(see(&w, "a").reason, ""); /* the word itself is no reason */
    assert_ask(&w, "a", UNKNOWN);
    walked(&w);
}

/* ---- until, every, hold ---- */

static void test_until_polls_until_it_passes(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a kind=check until=20s every=5s") BLOCK("name=b"));
    int64_t since = see(&w, "a").started_ms;
    exits(&w, "a", 1);
    assert_outcome(&w, "a", RUNNING);
    assert_int_equal(see(&w, "a").phase, PHASE_POLLING);
    int64_t next = see(&w, "a").next_ms;
    assert_int_equal(next, w.now_ms + 5000);
    assert_int_equal(run_wake_ms(w.run), next);
    tick(&w, 1000);
    assert_int_equal(execs(&w), 0);
    tick(&w, 4000);
    assert_int_equal(execs(&w), 1);
    assert_int_equal(see(&w, "a").attempts, 2);
    assert_int_equal(see(&w, "a").since_ms, since); /* of all its looks, not of the newest */
    assert_true(see(&w, "a").started_ms > since);
    assert_int_equal(see(&w, "a").limit_ms, 20000);
    exits(&w, "a", 2); /* an unsure answer is polled on too */
    tick(&w, 5000);
    exits(&w, "a", 0);
    assert_outcome(&w, "a", OK);
    assert_ask(&w, "b", OPEN);
    walked(&w);
}

static void test_until_ends_with_the_last_answer(void **state)
{
    (void)state;
    for (int last = 1; last <= 2; last++) {
        struct walker w = walk(BLOCK("name=a kind=check until=12s every=5s") BLOCK("name=b"));
        exits(&w, "a", 1);
        for (int i = 0; i < 2; i++) {
            tick(&w, 5000);
            exits(&w, "a", 1);
        }
        tick(&w, 5000); /* the last one stands at the deadline, not behind it */
        assert_int_equal(execs(&w), 1);
        exits(&w, "a", last);
        assert_int_equal(see(&w, "a").outcome, last == 1 ? OUTCOME_FAILED : OUTCOME_UNKNOWN);
        assert_int_equal(see(&w, "a").attempts, 4);
        walked(&w);
    }
}

static void test_hold_must_pass_all_the_time(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a kind=check until=1m every=5s hold=12s") BLOCK("name=b"));
    exits(&w, "a", 0);
    assert_int_equal(see(&w, "a").phase, PHASE_HOLDING);
    tick(&w, 5000);
    exits(&w, "a", 1); /* it didn't: from the beginning */
    assert_int_equal(see(&w, "a").phase, PHASE_POLLING);
    tick(&w, 5000);
    exits(&w, "a", 0);
    int64_t since = w.now_ms;
    for (int i = 0; i < 2; i++) {
        tick(&w, 5000);
        exits(&w, "a", 0);
        assert_outcome(&w, "a", RUNNING);
    }
    assert_int_equal(see(&w, "a").since_ms, since);
    assert_int_equal(see(&w, "a").limit_ms, 12000);
    tick(&w, 5000);
    exits(&w, "a", 0);
    assert_outcome(&w, "a", OK);
    walked(&w);
}

static void test_hold_without_until_fails_at_once(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a kind=check hold=1m") BLOCK("name=b"));
    exits(&w, "a", 0);
    assert_outcome(&w, "a", RUNNING);
    tick(&w, 5000);
    exits(&w, "a", 1);
    assert_outcome(&w, "a", FAILED);
    walked(&w);
}

static void test_polling_can_be_cancelled_between_two_looks(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a kind=check until=1h") BLOCK("name=b"));
    exits(&w, "a", 1);
    assert_int_equal(cancel(&w, "a"), 0);
    assert_outcome(&w, "a", CANCELLED);
    assert_int_equal(run_wake_ms(w.run), -1);
    walked(&w);
}

/* ---- Actions ---- */

static void test_action_exit_0_unverified_is_warn(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a"));
    act(&w, "a");
    exits(&w, "a", 0);
    assert_outcome(&w, "a", WARN);
    assert_string_equal(see(&w, "a").reason, "exit 0, unverified");
    assert_int_equal(ended(&w), OUTCOME_WARN);
    walked(&w);
}

static void test_action_exit_1_is_failed_and_asks(void **state)
{
    (void)state;
    struct walker w =
        walk(BLOCK("name=v kind=verify") BLOCK("name=r kind=rollback") BLOCK("name=a verify=v rollback=r"));
    act(&w, "a");
    exits(&w, "a", 1);
    assert_outcome(&w, "a", FAILED);
    assert_string_equal(see(&w, "a").reason, "exit 1");
    assert_int_equal(execs(&w), 0); /* its verify was not run */
    unsigned all = 1u << CHOICE_RETRY | 1u << CHOICE_ROLLBACK | 1u << CHOICE_CONTINUE | 1u << CHOICE_STOP |
                   1u << CHOICE_VERIFY;
    assert_int_equal(see(&w, "a").choices, all);
    assert_int_equal(see(&w, "a").reasons, 0);
    walked(&w);
}

static void test_action_without_a_known_end_is_unknown(void **state)
{
    (void)state;
    static const enum run_end ends_of[] = {END_SIGNALLED, END_TIMED_OUT, END_CANCELLED, END_LOST,
                                           END_HUNG_UP};
    for (size_t i = 0; i < 6; i++) {
        struct walker w = walk(BLOCK("name=r kind=rollback") BLOCK(
            "name=a rollback=r timeout=90s onfail=rollback") BLOCK("name=b when=!a"));
        act(&w, "a");
        if (i == 5)
            exits(&w, "a", 2);
        else
            ends(&w, "a", ends_of[i]);
        assert_outcome(&w, "a", UNKNOWN);
        assert_ask(&w, "a", UNKNOWN);
        assert_int_equal(execs(&w), 0);
        assert_outcome(&w, "r", PENDING); /* onfail follows failed only */
        assert_refused(open_page(&w, "r"), &w, "not what the run waits for");
        assert_refused(choose(&w, "a", CHOICE_RETRY, NULL), &w, "needs a reason");
        assert_refused(choose(&w, "a", CHOICE_ROLLBACK, " "), &w, "needs a reason");
        assert_refused(choose(&w, "a", CHOICE_CONTINUE, ""), &w, "needs a reason");
        assert_refused(resolve(&w, "a", OUTCOME_OK, NULL), &w, "needs a reason");
        assert_refused(resolve(&w, "a", OUTCOME_SKIPPED, "x"), &w, "ok or failed");
        assert_int_equal(see(&w, "a").end, i == 5 ? END_EXITED : ends_of[i]);
        walked(&w);
    }
}

static void test_timed_out_says_its_limit(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a timeout=90s"));
    act(&w, "a");
    ends(&w, "a", END_TIMED_OUT);
    assert_string_equal(see(&w, "a").reason, "timed out after 90 s");
    walked(&w);
}

static void test_verify_decides_a_clean_exit(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum run_outcome outcome;
    } rows[] = {{0, OUTCOME_OK}, {1, OUTCOME_FAILED}, {2, OUTCOME_UNKNOWN}};
    for (size_t i = 0; i < 3; i++) {
        struct walker w = walk(BLOCK("name=v kind=verify") BLOCK("name=a verify=v") BLOCK("name=b"));
        act(&w, "a");
        exits(&w, "a", 0);
        assert_outcome(&w, "a", RUNNING);
        assert_int_equal(see(&w, "a").phase, PHASE_VERIFYING);
        exits(&w, "v", rows[i].status);
        assert_int_equal(see(&w, "a").outcome, rows[i].outcome);
        walked(&w);
    }
}

static void test_verify_decides_an_unknown_end(void **state)
{
    (void)state;
    static const enum run_end ends_of[] = {END_SIGNALLED, END_TIMED_OUT, END_CANCELLED, END_LOST,
                                           END_HUNG_UP};
    for (size_t i = 0; i < 5; i++)
        for (int status = 0; status <= 2; status++) {
            struct walker w = walk(BLOCK("name=v kind=verify") BLOCK("name=a verify=v") BLOCK("name=b"));
            act(&w, "a");
            ends(&w, "a", ends_of[i]);
            assert_int_equal(see(&w, "a").phase, PHASE_VERIFYING);
            exits(&w, "v", status);
            assert_int_equal(see(&w, "a").outcome, status == 0   ? OUTCOME_OK
                                                   : status == 1 ? OUTCOME_FAILED
                                                                 : OUTCOME_UNKNOWN);
            if (status == 0)
                assert_non_null(strstr(see(&w, "a").reason, "verified, though: "));
            walked(&w);
        }
}

static void test_verifications_run_one_after_the_other(void **state)
{
    (void)state;
    struct walker w =
        walk(BLOCK("name=v kind=verify") BLOCK("name=u kind=verify until=1m") BLOCK("name=a verify=v,u"));
    act(&w, "a");
    exits(&w, "a", 0);
    assert_int_equal(ticket_of(&w, "u"), 0);
    exits(&w, "v", 0);
    exits(&w, "u", 1);
    tick(&w, 5000);
    exits(&w, "u", 0);
    assert_outcome(&w, "a", OK);
    assert_int_equal(ended(&w), OUTCOME_OK);
    walked(&w);
}

static void test_cancelled_verification_leaves_it_unknown(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=v kind=verify until=90m") BLOCK("name=a verify=v"));
    act(&w, "a");
    exits(&w, "a", 0);
    exits(&w, "v", 1);
    assert_int_equal(cancel(&w, "a"), 0);
    assert_outcome(&w, "a", UNKNOWN);
    assert_int_equal(choose(&w, "a", CHOICE_VERIFY, NULL), 0); /* looking again needs no reason */
    exits(&w, "v", 0);
    assert_outcome(&w, "a", OK);
    walked(&w);
}

static void test_a_look_that_began_before_the_act_does_not_verify_it(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a pre=c") BLOCK("name=b verify=c") BLOCK("name=c kind=check"));
    assert_int_equal(open_page(&w, "a"), 0); /* begins c */
    give(&w, (struct run_input){.kind = INPUT_LEAVE, .step = 0});
    assert_int_equal(choose(&w, "a", CHOICE_SKIP, "not needed"), 0);
    act(&w, "b");
    exits(&w, "b", 0);
    uint64_t old = ticket_of(&w, "c");
    exits(&w, "c", 0);
    assert_outcome(&w, "b", RUNNING);
    assert_int_not_equal(ticket_of(&w, "c"), old);
    exits(&w, "c", 1);
    assert_outcome(&w, "b", FAILED);
    walked(&w);
}

static void test_not_started_is_as_if_it_was_not_confirmed(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a"));
    act(&w, "a");
    finish(&w, "a", (struct run_result){.end = END_NOT_STARTED, .text = "kubectl context is dev"});
    assert_outcome(&w, "a", PENDING);
    assert_ask(&w, "a", OPEN);
    assert_string_equal(see(&w, "a").reason, "not started: kubectl context is dev");
    assert_int_equal(see(&w, "a").attempts, 0);
    assert_refused(confirm(&w, "a", "yes"), &w, "not open");
    walked(&w);
}

static void test_rollback_follows_the_rules_of_actions(void **state)
{
    (void)state;
    struct walker w =
        walk(BLOCK("name=r kind=rollback") BLOCK("name=a rollback=r onfail=rollback") BLOCK("name=b"));
    act(&w, "a");
    exits(&w, "a", 1);
    assert_int_equal(run_current(w.run), number(&w, "r"));
    assert_int_equal(execs(&w), 0); /* its page is to be opened, nothing more */
    act(&w, "r");
    assert_int_equal(w.effects.data[1].role, ROLE_ROLLBACK);
    ends(&w, "r", END_TIMED_OUT);
    assert_outcome(&w, "r", UNKNOWN);
    assert_int_equal(run_current(w.run), number(&w, "r"));
    assert_int_equal(resolve(&w, "r", OUTCOME_OK, "seen with my own eyes"), 0);
    assert_ask(&w, "a", FAILED);
    assert_int_equal(run_current(w.run), number(&w, "a"));
    assert_false(see(&w, "a").choices & 1u << CHOICE_ROLLBACK);
    assert_int_equal(choose(&w, "a", CHOICE_CONTINUE, NULL), 0);
    assert_ask(&w, "b", OPEN);
    walked(&w);
}

static void test_resolving_decides_and_goes_on(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a") BLOCK("name=b when=a") BLOCK("name=c when=!a"));
    act(&w, "a");
    ends(&w, "a", END_LOST);
    assert_int_equal(resolve(&w, "a", OUTCOME_FAILED, "the pod was never restarted"), 0);
    assert_outcome(&w, "a", FAILED);
    assert_string_equal(see(&w, "a").reason, "alice says failed: the pod was never restarted");
    assert_ask(&w, "a", FAILED);
    choose(&w, "a", CHOICE_CONTINUE, NULL);
    assert_outcome(&w, "b", SKIPPED);
    assert_ask(&w, "c", OPEN);
    walked(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_exit_0_passes_1_fails),
        cmocka_unit_test(test_check_exit_2_signal_timeout_loss_are_unknown_and_ask),
        cmocka_unit_test(test_expect_decides_and_nonzero_is_unknown),
        cmocka_unit_test(test_cancelled_check_is_cancelled_and_asks),
        cmocka_unit_test(test_until_polls_until_it_passes),
        cmocka_unit_test(test_until_ends_with_the_last_answer),
        cmocka_unit_test(test_hold_must_pass_all_the_time),
        cmocka_unit_test(test_hold_without_until_fails_at_once),
        cmocka_unit_test(test_polling_can_be_cancelled_between_two_looks),
        cmocka_unit_test(test_action_exit_0_unverified_is_warn),
        cmocka_unit_test(test_action_exit_1_is_failed_and_asks),
        cmocka_unit_test(test_action_without_a_known_end_is_unknown),
        cmocka_unit_test(test_timed_out_says_its_limit),
        cmocka_unit_test(test_verify_decides_a_clean_exit),
        cmocka_unit_test(test_verify_decides_an_unknown_end),
        cmocka_unit_test(test_verifications_run_one_after_the_other),
        cmocka_unit_test(test_cancelled_verification_leaves_it_unknown),
        cmocka_unit_test(test_a_look_that_began_before_the_act_does_not_verify_it),
        cmocka_unit_test(test_not_started_is_as_if_it_was_not_confirmed),
        cmocka_unit_test(test_rollback_follows_the_rules_of_actions),
        cmocka_unit_test(test_resolving_decides_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
