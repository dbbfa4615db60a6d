/* The way through a document: when, onfail, choices, people's steps, stopping, undo, the run's own outcome.
 */
#include "tests/unit/runbook/walker.h"

#define DECISION(annotation) "```text {kind=decision " annotation "}\nleft: go left\nright: go right\n```\n"

static void test_checks_run_when_reached_the_rest_waits(void **state)
{
    (void)state;
    struct walker w =
        walk_document(BLOCK("name=c kind=check") BLOCK("name=d kind=check") BLOCK("name=a") "- [ ] call\n");
    assert_refused(open_page(&w, "a"), &w, "has not started");
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_START}), 0);
    assert_refused(give(&w, (struct run_input){.kind = INPUT_START}), &w, "started already");
    assert_int_equal(ticket_of(&w, "d"), 0);
    exits(&w, "c", 0);
    assert_int_not_equal(ticket_of(&w, "d"), 0);
    exits(&w, "d", 0);
    assert_int_equal(execs(&w), 0);
    assert_ask(&w, "a", OPEN);
    int place, total;
    run_progress(w.run, &place, &total);
    assert_true(place == 3 && total == 4);
    act(&w, "a");
    exits(&w, "a", 0);
    assert_ask(&w, "step-1", ANSWER);
    assert_int_equal(answer(&w, "step-1", "done", NULL), 0);
    assert_int_equal(ended(&w), OUTCOME_WARN);
    assert_refused(open_page(&w, "a"), &w, "is over");
    walked(&w);
}

/* ---- when ---- */

static void test_when_after_each_outcome(void **state)
{
    (void)state;
    static const struct {
        enum run_end end;
        int status;
        const char *yes, *no; /* what becomes of when=c and when=!c: pending, skipped, or asked */
    } rows[] = {
        {END_EXITED, 0, "open", "skipped"}, {END_EXITED, 1, "skipped", "open"},
        {END_EXITED, 3, "when", "when"},    {END_TIMED_OUT, 0, "when", "when"},
        {END_CANCELLED, 0, "when", "when"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int negated = 0; negated < 2; negated++) {
            char *text =
                xasprintf(BLOCK("name=c kind=check onfail=continue") "```sh {name=a when=%sc}\nrun\n```\n",
                          negated ? "!" : "");
            struct walker w = walk(text);
            finish(&w, "c", (struct run_result){.end = rows[i].end, .exit = rows[i].status});
            if (see(&w, "c").ask == ASK_UNKNOWN)
                choose(&w, "c", CHOICE_CONTINUE, "later");
            struct run_step a = see(&w, "a");
            const char *is = a.outcome == OUTCOME_SKIPPED ? "skipped" : run_ask_text(a.ask);
            assert_string_equal(is, negated ? rows[i].no : rows[i].yes);
            walked(&w);
            free(text);
        }
}

static void test_skipped_ones_skip_what_rests_on_them(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=c kind=check") BLOCK("name=a when=!c") BLOCK("name=b when=a")
                               BLOCK("name=d when=!a") BLOCK("name=e"));
    exits(&w, "c", 0);
    assert_outcome(&w, "a", SKIPPED);
    assert_outcome(&w, "b", SKIPPED);
    assert_outcome(&w, "d", SKIPPED);
    assert_string_equal(see(&w, "a").reason, "c did not fail");
    assert_string_equal(see(&w, "d").reason, "a was skipped");
    assert_ask(&w, "e", OPEN);
    walked(&w);
}

static void test_warn_counts_as_ok(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a") BLOCK("name=b when=!a") BLOCK("name=c when=a"));
    act(&w, "a");
    exits(&w, "a", 0);
    assert_outcome(&w, "b", SKIPPED);
    assert_ask(&w, "c", OPEN);
    walked(&w);
}

static void test_an_unknown_condition_is_a_persons_to_decide(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=c kind=check") BLOCK("name=a when=c") BLOCK("name=b when=!c")
                               BLOCK("name=d kind=check when=c"));
    ends(&w, "c", END_LOST);
    choose(&w, "c", CHOICE_CONTINUE, "see below");
    assert_ask(&w, "a", WHEN);
    assert_refused(open_page(&w, "a"), &w, "");
    assert_refused(choose(&w, "a", CHOICE_SKIP, NULL), &w, "needs a reason");
    assert_refused(choose(&w, "a", CHOICE_CONTINUE, NULL), &w, "needs a reason");
    assert_int_equal(choose(&w, "a", CHOICE_CONTINUE, "it is down, I see it"), 0);
    assert_ask(&w, "a", OPEN);
    choose(&w, "a", CHOICE_SKIP, "after all not");
    assert_ask(&w, "b", WHEN);
    assert_int_equal(resolve(&w, "c", OUTCOME_OK, "looked again"), 0); /* now everybody knows */
    assert_outcome(&w, "b", SKIPPED);
    assert_int_not_equal(ticket_of(&w, "d"), 0);
    walked(&w);
}

static void test_a_false_term_decides_beside_an_unknown_one(void **state)
{
    (void)state;
    struct walker w =
        walk(BLOCK("name=c kind=check") BLOCK("name=d kind=check") BLOCK("name=a when=c,d") BLOCK("name=z"));
    ends(&w, "c", END_LOST);
    choose(&w, "c", CHOICE_CONTINUE, "x");
    exits(&w, "d", 1);
    assert_outcome(&w, "a", SKIPPED);
    walked(&w);
}

static void test_decisions_branch(void **state)
{
    (void)state;
    struct walker w = walk(DECISION("name=d") BLOCK("name=l when=d=left") BLOCK("name=r when=d=right")
                               BLOCK("name=both when=d"));
    assert_ask(&w, "d", ANSWER);
    assert_refused(answer(&w, "d", "up", "why not"), &w, "none of its answers");
    assert_refused(answer(&w, "d", "right", NULL), &w, "needs a reason");
    assert_int_equal(answer(&w, "d", "right", "the left is closed"), 0);
    assert_string_equal(see(&w, "d").answer, "right");
    assert_outcome(&w, "l", SKIPPED);
    assert_ask(&w, "r", OPEN);
    choose(&w, "r", CHOICE_SKIP, "x");
    assert_ask(&w, "both", OPEN);
    walked(&w);
}

/* ---- onfail ---- */

static void test_onfail(void **state)
{
    (void)state;
    static const struct {
        const char *how, *ask, *next;
    } rows[] = {{"", "failed", "nothing"},
                {" onfail=ask", "failed", "nothing"},
                {" onfail=continue", "nothing", "open"}};
    for (size_t i = 0; i < 3; i++) {
        char *text = xasprintf("```sh {name=a%s}\nrun\n```\n" BLOCK("name=b"), rows[i].how);
        struct walker w = walk(text);
        act(&w, "a");
        exits(&w, "a", 1);
        assert_string_equal(run_ask_text(see(&w, "a").ask), rows[i].ask);
        assert_string_equal(run_ask_text(see(&w, "b").ask), rows[i].next);
        walked(&w);
        free(text);
    }
    struct walker w = walk(BLOCK("name=a onfail=stop") BLOCK("name=b"));
    act(&w, "a");
    exits(&w, "a", 1);
    assert_int_equal(ended(&w), OUTCOME_FAILED);
    assert_int_equal(w.effects.data[w.effects.len - 1].kind, EFFECT_ENDED);
    walked(&w);
}

static void test_a_check_that_branches_goes_on_with_its_no(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=c kind=check") BLOCK("name=a when=!c"));
    exits(&w, "c", 1);
    assert_ask(&w, "c", NOTHING);
    assert_ask(&w, "a", OPEN);
    walked(&w);
    w = walk(BLOCK("name=c kind=check onfail=ask") BLOCK("name=a when=!c"));
    exits(&w, "c", 1);
    assert_ask(&w, "c", FAILED); /* its author wants to be asked */
    walked(&w);
}

static void test_onfail_rollback_opens_nothing_by_itself(void **state)
{
    (void)state;
    struct walker w =
        walk(BLOCK("name=r kind=rollback") BLOCK("name=a rollback=r onfail=rollback") BLOCK("name=b"));
    act(&w, "a");
    exits(&w, "a", 1);
    assert_ask(&w, "r", OPEN);
    assert_true(see(&w, "a").choices & 1u << CHOICE_CONTINUE); /* a person may think otherwise */
    open_page(&w, "r");
    assert_int_equal(see(&w, "a").choices, 0);
    confirm(&w, "r", "yes");
    exits(&w, "r", 0);
    assert_ask(&w, "a", FAILED);
    assert_true(see(&w, "a").undone);
    choose(&w, "a", CHOICE_RETRY, NULL);
    assert_ask(&w, "a", OPEN);
    act(&w, "a");
    assert_int_equal(see(&w, "a").attempts, 2);
    assert_false(see(&w, "a").undone);
    exits(&w, "a", 1);
    assert_ask(&w, "r", OPEN); /* and again */
    choose(&w, "a", CHOICE_CONTINUE, NULL);
    assert_ask(&w, "b", OPEN);
    walked(&w);
}

/* ---- People's steps ---- */

static void test_manual_steps(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK(
        "name=v kind=verify") "```text {kind=manual name=m verify=v}\npull the plug\n```\n- [ ] call bob\n"
                              "```text {kind=manual name=s confirm=type:SURE}\nsure?\n```\n");
    assert_refused(answer(&w, "m", "yes", NULL), &w, "done or failed");
    assert_int_equal(answer(&w, "m", "done", NULL), 0);
    exits(&w, "v", 1); /* the hand slipped */
    assert_outcome(&w, "m", FAILED);
    choose(&w, "m", CHOICE_RETRY, NULL);
    answer(&w, "m", "done", NULL);
    exits(&w, "v", 0);
    assert_outcome(&w, "m", OK);
    assert_refused(answer(&w, "step-1", "failed", ""), &w, "needs a reason");
    assert_int_equal(answer(&w, "step-1", "failed", "no answer"), 0);
    assert_ask(&w, "step-1", FAILED);
    choose(&w, "step-1", CHOICE_CONTINUE, NULL);
    assert_refused(answer(&w, "s", "done", NULL), &w, "type SURE");
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_ANSWER,
                                                 .step = number(&w, "s"),
                                                 .value = "done",
                                                 .typed = "SURE"}),
                     0);
    assert_int_equal(ended(&w), OUTCOME_WARN);
    walked(&w);
}

static void test_skipping_needs_a_reason(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a") BLOCK("name=b") DECISION("name=d"));
    assert_refused(choose(&w, "a", CHOICE_SKIP, " \n"), &w, "needs a reason");
    assert_refused(choose(&w, "b", CHOICE_SKIP, "x"), &w, "not possible now");
    assert_refused(choose(&w, "a", CHOICE_RETRY, "x"), &w, "not possible now");
    assert_int_equal(choose(&w, "a", CHOICE_SKIP, "not on this cluster"), 0);
    assert_outcome(&w, "a", SKIPPED);
    assert_string_equal(see(&w, "a").reason, "not on this cluster");
    choose(&w, "b", CHOICE_SKIP, "x");
    choose(&w, "d", CHOICE_SKIP, "x");
    assert_int_equal(ended(&w), OUTCOME_OK);
    walked(&w);
}

/* ---- The end ---- */

static void test_stopping_lets_what_acts_finish(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=v kind=verify") BLOCK("name=a verify=v") BLOCK("name=b"));
    act(&w, "a");
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STOP, .reason = "enough"}), 0);
    assert_int_equal(w.effects.len, 0); /* nobody kills it */
    assert_true(run_stopping(w.run));
    assert_refused(open_page(&w, "b"), &w, "was stopped");
    assert_int_equal(cancel(&w, "a"), 0); /* but a person may */
    exits(&w, "a", 0);
    assert_int_equal(execs(&w), 0);
    assert_outcome(&w, "a", UNKNOWN); /* its verification was never run */
    assert_int_equal(ended(&w), OUTCOME_UNKNOWN);
    walked(&w);
}

static void test_stopping_cancels_what_only_looks(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=c kind=check") BLOCK("name=a"));
    give(&w, (struct run_input){.kind = INPUT_STOP});
    assert_int_equal(w.effects.data[0].kind, EFFECT_CANCEL);
    assert_false(run_ended(w.run, NULL));
    ends(&w, "c", END_CANCELLED);
    assert_int_equal(ended(&w), OUTCOME_CANCELLED);
    walked(&w);
    w = walk(BLOCK("name=a"));
    open_page(&w, "a");
    give(&w, (struct run_input){.kind = INPUT_STOP});
    assert_outcome(&w, "a", PENDING);
    assert_int_equal(ended(&w), OUTCOME_CANCELLED);
    assert_int_equal(run_wake_ms(w.run), -1);
    walked(&w);
}

static void test_the_runs_outcome(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a") BLOCK("name=b"));
    act(&w, "a");
    ends(&w, "a", END_LOST);
    choose(&w, "a", CHOICE_CONTINUE, "later");
    choose(&w, "b", CHOICE_SKIP, "x");
    assert_int_equal(ended(&w), OUTCOME_UNKNOWN); /* it doesn't go away */
    walked(&w);
    w = walk(BLOCK("name=a"));
    act(&w, "a");
    exits(&w, "a", 1);
    choose(&w, "a", CHOICE_STOP, NULL);
    assert_int_equal(ended(&w), OUTCOME_FAILED);
    walked(&w);
    w = walk(BLOCK("name=v kind=verify") BLOCK("name=c kind=check") BLOCK("name=a when=!c verify=v"));
    exits(&w, "c", 1);
    act(&w, "a");
    exits(&w, "a", 0);
    exits(&w, "v", 0);
    assert_int_equal(ended(&w), OUTCOME_OK); /* the branch that said no is no blemish */
    walked(&w);
}

static void test_undo_can_be_opened_from_anywhere(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=u kind=rollback") BLOCK("name=a undo=u") BLOCK("name=b"));
    assert_refused(open_page(&w, "u"), &w, "not what the run waits for");
    act(&w, "a");
    assert_refused(open_page(&w, "u"), &w, "not what the run waits for"); /* not while it acts */
    exits(&w, "a", 0);
    assert_false(see(&w, "a").undone);
    assert_int_equal(open_page(&w, "u"), 0);
    assert_int_equal(run_current(w.run), number(&w, "u"));
    give(&w, (struct run_input){.kind = INPUT_LEAVE, .step = number(&w, "u")});
    assert_int_equal(run_current(w.run), number(&w, "b"));
    assert_ask(&w, "b", OPEN);
    act(&w, "u");
    exits(&w, "u", 0);
    assert_true(see(&w, "a").undone);
    assert_ask(&w, "b", OPEN);
    assert_refused(open_page(&w, "u"), &w, "not what the run waits for"); /* nothing left to take back */
    walked(&w);
}

static void test_reports_of_nothing_are_refused(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=c kind=check"));
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_FINISHED, .ticket = 77}), ERR_NOT_FOUND);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STARTED, .ticket = 1}), 0);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STARTED, .ticket = 1}), ERR_EXISTS);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_OPEN, .step = 7}), ERR_NOT_FOUND);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_CONFIRM, .step = -1}), ERR_NOT_FOUND);
    exits(&w, "c", 0);
    assert_int_equal(ended(&w), OUTCOME_OK);
    walked(&w);
}

static void test_time_never_goes_back(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a"));
    w.now_ms = 5000;
    open_page(&w, "a");
    w.now_ms = 100; /* a clock that slipped: the page is as old as it was, not younger */
    assert_int_not_equal(confirm(&w, "a", "yes"), 0);
    assert_int_equal(run_now_ms(w.run), 5001);
    walked(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks_run_when_reached_the_rest_waits),
        cmocka_unit_test(test_when_after_each_outcome),
        cmocka_unit_test(test_skipped_ones_skip_what_rests_on_them),
        cmocka_unit_test(test_warn_counts_as_ok),
        cmocka_unit_test(test_an_unknown_condition_is_a_persons_to_decide),
        cmocka_unit_test(test_a_false_term_decides_beside_an_unknown_one),
        cmocka_unit_test(test_decisions_branch),
        cmocka_unit_test(test_onfail),
        cmocka_unit_test(test_a_check_that_branches_goes_on_with_its_no),
        cmocka_unit_test(test_onfail_rollback_opens_nothing_by_itself),
        cmocka_unit_test(test_manual_steps),
        cmocka_unit_test(test_skipping_needs_a_reason),
        cmocka_unit_test(test_stopping_lets_what_acts_finish),
        cmocka_unit_test(test_stopping_cancels_what_only_looks),
        cmocka_unit_test(test_the_runs_outcome),
        cmocka_unit_test(test_undo_can_be_opened_from_anywhere),
        cmocka_unit_test(test_reports_of_nothing_are_refused),
        cmocka_unit_test(test_time_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
