/* The confirmation: what it asks for, its guards, prechecks, evidence, scope (F2, F3). */
#include "tests/unit/runbook/walker.h"

/* What its page wants to be typed, when it is open. */
static char *wanted(struct walker *w, const char *id)
{
    struct run_page page;
    assert_int_equal(run_page(w->run, number(w, id), NULL, &page, &w->e), 0);
    char *text = page.confirm_text ? xstrdup(page.confirm_text) : NULL;
    run_page_fini(&page);
    return text;
}

static void check_wanted(struct walker *w, const char *id, const char *text)
{
    char *is = wanted(w, id);
    assert_string_equal(is, text);
    free(is);
}

static void test_nothing_acts_without_open_and_confirm(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a") BLOCK("name=b"));
    assert_int_equal(execs(&w), 0);
    assert_refused(confirm(&w, "a", "yes"), &w, "not open");
    assert_refused(open_page(&w, "b"), &w, "that is a");
    assert_int_equal(open_page(&w, "a"), 0);
    assert_refused(open_page(&w, "a"), &w, "open already");
    assert_outcome(&w, "a", ARMED);
    assert_ask(&w, "a", CONFIRM);
    assert_int_equal(see(&w, "a").choices, 0);
    assert_refused(confirm(&w, "a", "y"), &w, "type yes");
    assert_refused(confirm(&w, "a", ""), &w, "type yes");
    assert_refused(confirm(&w, "a", NULL), &w, "type yes");
    assert_refused(confirm(&w, "a", "YES"), &w, "type yes");
    assert_int_equal(execs(&w), 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    assert_int_equal(execs(&w), 1);
    assert_refused(confirm(&w, "a", "yes"), &w, "not open");
    walked(&w);
}

static void test_what_has_to_be_typed(void **state)
{
    (void)state;
    struct walker w =
        walk("---\nrunbook:\n  vars:\n    NS: {default: rag}\n---\n" BLOCK("name=a confirm=key")
                 BLOCK("name=b confirm=type:DO-IT") BLOCK("name=c confirm=type:$NS-x") BLOCK("name=d"));
    check_wanted(&w, "a", "y");
    check_wanted(&w, "b", "DO-IT");
    check_wanted(&w, "c", "rag-x");
    check_wanted(&w, "d", "yes");
    walked(&w);
}

static void test_a_page_must_have_been_read(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a"));
    open_page(&w, "a");
    int64_t opened = w.now_ms;
    struct run_input in = {.kind = INPUT_CONFIRM, .step = 0, .value = "yes"};
    w.now_ms = opened + 498;
    assert_refused(give(&w, in), &w, "less than 500 ms");
    assert_int_equal(give(&w, in), 0); /* at 500 */
    walked(&w);
}

static void test_an_old_page_disarms(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a"));
    open_page(&w, "a");
    int64_t opened = w.now_ms;
    assert_int_equal(run_wake_ms(w.run), opened + 60000);
    w.now_ms = opened + 59998;
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_TICK}), 0);
    assert_outcome(&w, "a", ARMED);
    struct run_input in = {.kind = INPUT_CONFIRM, .step = 0, .value = "yes"};
    assert_refused(give(&w, in), &w, "older than 60 s"); /* even when no tick came */
    tick(&w, 1);
    assert_outcome(&w, "a", PENDING);
    assert_ask(&w, "a", OPEN);
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    walked(&w);
}

static void test_leaving_a_page_disarms_it(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a"));
    assert_int_not_equal(give(&w, (struct run_input){.kind = INPUT_LEAVE, .step = 0}), 0);
    open_page(&w, "a");
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_LEAVE, .step = 0}), 0);
    assert_refused(confirm(&w, "a", "yes"), &w, "not open");
    walked(&w);
}

/* ---- Prechecks ---- */

static void test_prechecks_run_when_the_page_opens(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a pre=p,q") BLOCK("name=p kind=check") BLOCK("name=q kind=check"));
    open_page(&w, "a");
    assert_int_equal(execs(&w), 2); /* side by side */
    assert_refused(confirm(&w, "a", "yes"), &w, "prechecks still run");
    exits(&w, "p", 0);
    exits(&w, "q", 1);
    struct run_page page;
    run_page(w.run, 0, NULL, &page, NULL);
    assert_int_equal(page.before.len, 2);
    assert_true(page.before_failed);
    assert_int_equal(page.before.data[1].outcome, OUTCOME_FAILED);
    assert_int_equal(page.before.data[0].age_ms, 1);
    run_page_fini(&page);
    assert_refused(confirm(&w, "a", "yes"), &w, "precheck q says no");
    give(&w, (struct run_input){.kind = INPUT_LEAVE, .step = 0});
    open_page(&w, "a");
    assert_int_equal(execs(&w), 1); /* p is fresh */
    exits(&w, "q", 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    assert_int_equal(see(&w, "a").phase, PHASE_ACTING);
    walked(&w);
}

static void test_stale_prechecks_run_again_at_the_confirmation(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a pre=p fresh=10s") BLOCK("name=p kind=check"));
    open_page(&w, "a");
    exits(&w, "p", 0);
    struct run_page page;
    tick(&w, 11000);
    run_page(w.run, 0, NULL, &page, NULL);
    assert_false(
        page.before_pending); /* who asks for the word must not wait for what the word brings about */
    run_page_fini(&page);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    assert_int_equal(see(&w, "a").phase, PHASE_PRECHECKS);
    assert_int_equal(ticket_of(&w, "a"), 0);
    exits(&w, "p", 1);
    assert_outcome(&w, "a", PENDING);
    assert_ask(&w, "a", OPEN);
    assert_string_equal(see(&w, "a").reason, "nothing was run: precheck p says no");
    open_page(&w, "a");
    exits(&w, "p", 0);
    w.now_ms += 20000;
    confirm(&w, "a", "yes");
    exits(&w, "p", 0);
    assert_int_equal(see(&w, "a").phase, PHASE_ACTING);
    walked(&w);
}

static void test_an_unknown_precheck_lets_nothing_pass(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a pre=p") BLOCK("name=p kind=check until=1m"));
    open_page(&w, "a");
    ends(&w, "p", END_TIMED_OUT); /* one look: a page doesn't wait for `until` */
    assert_refused(confirm(&w, "a", "yes"), &w, "precheck p is unknown");
    walked(&w);
}

static void test_a_persons_word_is_no_precheck(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=p kind=check") BLOCK("name=a pre=p"));
    ends(&w, "p", END_LOST);
    resolve(&w, "p", OUTCOME_OK, "I looked myself");
    open_page(&w, "a");
    assert_int_equal(execs(&w), 1);
    walked(&w);
}

static void test_a_long_look_is_as_old_as_its_beginning(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a pre=p") BLOCK("name=p kind=check timeout=1h"));
    open_page(&w, "a");
    w.now_ms += 50000;
    exits(&w, "p", 0);
    confirm(&w, "a", "yes");
    assert_int_equal(see(&w, "a").phase, PHASE_PRECHECKS); /* once more, and then it acts */
    w.now_ms += 50000;
    exits(&w, "p", 0);
    assert_int_equal(see(&w, "a").phase, PHASE_ACTING);
    walked(&w);
}

/* ---- Evidence (F2) ---- */

static void test_evidence_is_captured_before_the_act(void **state)
{
    (void)state;
    struct walker w =
        walk(BLOCK("name=e kind=evidence") BLOCK("name=f kind=evidence") BLOCK("name=a evidence=e,f"));
    open_page(&w, "a");
    assert_int_equal(execs(&w), 0);
    confirm(&w, "a", "yes");
    assert_int_equal(execs(&w), 2);
    assert_int_equal(see(&w, "a").phase, PHASE_EVIDENCE);
    exits(&w, "e", 0);
    assert_int_equal(ticket_of(&w, "a"), 0);
    exits(&w, "f", 0);
    assert_int_not_equal(ticket_of(&w, "a"), 0);
    walked(&w);
}

static void test_failing_evidence_needs_a_reason_to_go_on(void **state)
{
    (void)state;
    static const enum run_end ends_of[] = {END_EXITED, END_TIMED_OUT, END_LOST, END_NOT_STARTED,
                                           END_SIGNALLED};
    for (size_t i = 0; i < sizeof ends_of / sizeof *ends_of; i++) {
        struct walker w = walk(BLOCK("name=e kind=evidence") BLOCK("name=a evidence=e"));
        open_page(&w, "a");
        confirm(&w, "a", "yes");
        finish(&w, "e", (struct run_result){.end = ends_of[i], .exit = 1});
        assert_ask(&w, "a", EVIDENCE);
        assert_int_equal(ticket_of(&w, "a"), 0);
        assert_refused(choose(&w, "a", CHOICE_CONTINUE, NULL), &w, "needs a reason");
        assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
        finish(&w, "e", (struct run_result){.end = ends_of[i], .exit = 1});
        assert_int_equal(choose(&w, "a", CHOICE_CONTINUE, "the disk is gone, there is no log"), 0);
        assert_int_not_equal(ticket_of(&w, "a"), 0);
        if (ends_of[i] == END_TIMED_OUT)
            assert_outcome(&w, "e", TIMED_OUT);
        walked(&w);
    }
}

static void test_hanging_evidence_can_be_given_up_with_a_reason(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=e kind=evidence timeout=1h") BLOCK("name=v kind=verify")
                               BLOCK("name=a evidence=e verify=v"));
    open_page(&w, "a");
    confirm(&w, "a", "yes");
    assert_refused(choose(&w, "a", CHOICE_CONTINUE, NULL), &w, "needs a reason");
    assert_int_equal(choose(&w, "a", CHOICE_CONTINUE, "it hangs"), 0);
    assert_int_not_equal(ticket_of(&w, "a"), 0);
    exits(&w, "a", 0);
    ends(&w, "e", END_CANCELLED); /* late: it decides nothing */
    assert_int_equal(see(&w, "a").phase, PHASE_VERIFYING);
    exits(&w, "v", 0);
    assert_outcome(&w, "a", OK);
    walked(&w);
}

static void test_cancelling_before_the_act_leaves_nothing_done(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=e kind=evidence") BLOCK("name=a evidence=e"));
    open_page(&w, "a");
    confirm(&w, "a", "yes");
    assert_int_equal(cancel(&w, "a"), 0);
    assert_outcome(&w, "a", PENDING);
    ends(&w, "e", END_CANCELLED);
    assert_int_equal(ticket_of(&w, "a"), 0);
    assert_int_equal(see(&w, "a").attempts, 0);
    walked(&w);
}

static void test_prechecks_are_looked_at_again_after_long_evidence(void **state)
{
    (void)state;
    struct walker w =
        walk(BLOCK("name=e kind=evidence") BLOCK("name=a evidence=e pre=p") BLOCK("name=p kind=check"));
    open_page(&w, "a");
    exits(&w, "p", 0);
    confirm(&w, "a", "yes");
    w.now_ms += 25000;
    exits(&w, "e", 0);
    assert_int_equal(see(&w, "a").phase, PHASE_PRECHECKS);
    exits(&w, "p", 0);
    assert_int_equal(see(&w, "a").phase, PHASE_ACTING);
    walked(&w);
}

/* ---- Scope (F3) ---- */

static void test_wider_than_something_untried_is_confirmed_stronger(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=narrow scope=process") BLOCK("name=wide scope=cluster confirm=key")
                               BLOCK("name=typed scope=shard confirm=type:shard-5"));
    check_wanted(&w, "narrow", "yes");
    check_wanted(&w, "wide", "cluster");
    check_wanted(&w, "typed", "shard-5 shard");
    choose(&w, "narrow", CHOICE_SKIP, "no time");
    struct run_page page;
    run_page(w.run, 1, NULL, &page, NULL);
    assert_true(page.stronger);
    assert_int_equal(page.untried.len, 2); /* skipped by a person is not tried, nor is what comes later */
    assert_string_equal(page.why_stronger, "a narrower step is untried: process narrow, and others");
    run_page_fini(&page);
    open_page(&w, "wide");
    assert_refused(confirm(&w, "wide", "y"), &w, "type cluster to confirm it (a narrower step is untried)");
    assert_int_equal(confirm(&w, "wide", "cluster"), 0);
    walked(&w);
}

static void test_a_narrower_one_that_was_tried_is_enough(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=narrow scope=process") BLOCK("name=wide scope=shard"));
    act(&w, "narrow");
    exits(&w, "narrow", 1);
    choose(&w, "narrow", CHOICE_CONTINUE, NULL);
    struct run_page page;
    run_page(w.run, 1, NULL, &page, NULL);
    assert_false(page.stronger);
    assert_int_equal(page.narrower.len, 1);
    assert_int_equal(page.narrower.data[0].outcome, OUTCOME_FAILED);
    assert_string_equal(page.confirm_text, "yes");
    run_page_fini(&page);
    walked(&w);
}

static void test_what_does_not_apply_is_no_alternative(void **state)
{
    (void)state;
    /* ruled out by its `when`; or resting itself on the wider one */
    struct walker w = walk(BLOCK("name=c kind=check expect=x") BLOCK("name=narrow scope=process when=c")
                               BLOCK("name=wide scope=shard") BLOCK("name=after scope=pod when=wide")
                                   BLOCK("name=later scope=pod when=after"));
    finish(&w, "c", (struct run_result){.end = END_EXITED, .match = MATCH_NO});
    assert_outcome(&w, "narrow", SKIPPED);
    check_wanted(&w, "wide", "yes");
    walked(&w);
}

static void test_a_later_one_that_a_check_has_ruled_out_is_no_alternative(void **state)
{
    (void)state;
    struct walker w =
        walk(BLOCK("name=c kind=check expect=x") BLOCK("name=wide scope=shard")
                 BLOCK("name=d kind=check expect=x") BLOCK("name=hooks scope=pod when=c,!d")
                     BLOCK("name=more scope=pod when=hooks") BLOCK("name=hands scope=process when=!c,d"));
    check_wanted(&w, "wide", "shard");
    finish(&w, "c", (struct run_result){.end = END_EXITED, .match = MATCH_NO});
    struct run_page page;
    run_page(w.run, number(&w, "wide"), NULL, &page, NULL);
    assert_int_equal(page.untried.len, 1);
    assert_string_equal(page.why_stronger, "a narrower step is untried: process hands");
    run_page_fini(&page);
    walked(&w);
}

static void test_the_page_tells_all(void **state)
{
    (void)state;
    struct walker w =
        walk("---\nrunbook:\n  vars:\n    NS: {default: rag}\n    POD: {default: p}\n    TOKEN: {secret: "
             "env:T}\n---\n"
             "```sh {name=v kind=verify until=90m}\nx\n```\n" BLOCK("name=e kind=evidence")
                 BLOCK("name=r kind=rollback") "```sh {name=a scope=shard verify=v evidence=e rollback=r "
                                               "undo=r timeout=90m}\nkubectl -n \"$NS\" x $TOKEN\n```\n");
    struct run_page page;
    struct run_context context = {.incident = "INC-7", .run = "12", .operator= "alice" };
    assert_int_equal(run_page(w.run, number(&w, "a"), &context, &page, NULL), 0);
    assert_true(page.acts);
    assert_int_equal(page.command_error, 0);
    struct str text = {0};
    run_command_text(&page.command, &text);
    assert_string_equal(str_text(&text), "bash -eo pipefail: kubectl -n \"$NS\" x $TOKEN");
    str_fini(&text);
    assert_int_equal(page.command.timeout_ms, 90 * 60000);
    assert_int_equal(page.scope, SCOPE_SHARD);
    assert_int_equal(page.evidence.len, 1);
    assert_int_equal(page.after.len, 1);
    assert_int_equal(page.after_until_ms, 90 * 60000);
    assert_int_equal(page.rollback, number(&w, "r"));
    assert_int_equal(page.undo, number(&w, "r"));
    for (size_t i = 0; i < page.command.env.len; i++) {
        const struct run_env *env = &page.command.env.data[i];
        assert_int_equal(env->interesting, str_eq(env->name, "NS") || str_eq(env->name, "TOKEN"));
        assert_int_equal(env->secret, str_eq(env->name, "TOKEN"));
    }
    run_page_fini(&page);
    assert_int_equal(run_page(w.run, 99, NULL, &page, NULL), ERR_NOT_FOUND);
    run_page_fini(&page);
    walked(&w);
}

static void test_a_check_may_have_a_page(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a kind=check confirm=yes until=1m pre=p evidence=e")
                               BLOCK("name=p kind=check") BLOCK("name=e kind=evidence"));
    assert_ask(&w, "a", OPEN);
    open_page(&w, "a");
    exits(&w, "p", 0);
    confirm(&w, "a", "yes");
    exits(&w, "e", 0);
    exits(&w, "a", 1);
    tick(&w, 5000);
    exits(&w, "a", 0);
    assert_outcome(&w, "a", OK);
    walked(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_acts_without_open_and_confirm),
        cmocka_unit_test(test_what_has_to_be_typed),
        cmocka_unit_test(test_a_page_must_have_been_read),
        cmocka_unit_test(test_an_old_page_disarms),
        cmocka_unit_test(test_leaving_a_page_disarms_it),
        cmocka_unit_test(test_prechecks_run_when_the_page_opens),
        cmocka_unit_test(test_stale_prechecks_run_again_at_the_confirmation),
        cmocka_unit_test(test_an_unknown_precheck_lets_nothing_pass),
        cmocka_unit_test(test_a_persons_word_is_no_precheck),
        cmocka_unit_test(test_a_long_look_is_as_old_as_its_beginning),
        cmocka_unit_test(test_evidence_is_captured_before_the_act),
        cmocka_unit_test(test_failing_evidence_needs_a_reason_to_go_on),
        cmocka_unit_test(test_hanging_evidence_can_be_given_up_with_a_reason),
        cmocka_unit_test(test_cancelling_before_the_act_leaves_nothing_done),
        cmocka_unit_test(test_prechecks_are_looked_at_again_after_long_evidence),
        cmocka_unit_test(test_wider_than_something_untried_is_confirmed_stronger),
        cmocka_unit_test(test_a_narrower_one_that_was_tried_is_enough),
        cmocka_unit_test(test_a_later_one_that_a_check_has_ruled_out_is_no_alternative),
        cmocka_unit_test(test_what_does_not_apply_is_no_alternative),
        cmocka_unit_test(test_the_page_tells_all),
        cmocka_unit_test(test_a_check_may_have_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
