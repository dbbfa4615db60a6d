/* The answers of a rehearsal: the file, and what the machine is told of it. */
#include "tests/unit/runbook/walker.h"

static const char document[] =
    "---\nrunbook:\n  id: test\n  vars:\n    NS: {default: rag}\n"
    "    TOKEN: {secret: env:TOKEN}\n---\n\n# Try\n\n" BLOCK("name=look kind=check expect=^ok") BLOCK(
        "name=act kind=action verify=v "
        "rollback=back") BLOCK("name=v kind=verify until=90m") BLOCK("name=back kind=rollback")
        BLOCK(
            "name=SNAPSHOT kind=check") "```sh {name=which kind=decision}\na: this one\nb: that one\n```\n\n"
                                        "- [ ] tell people\n";

static struct answers *parsed(const struct runbook *book, const char *text)
{
    struct err e = {0};
    struct answers *a = answers_parse(book, "a.txt", text, strlen(text), &e);
    if (!a)
        fail_msg("refused: %s", e.msg);
    return a;
}

static void refused(const char *text, int code, const char *wanted)
{
    struct runbook *book = book_of(document);
    struct err e = {0};
    struct answers *a = answers_parse(book, "a.txt", text, strlen(text), &e);
    if (a || e.code != code || !strstr(e.msg, wanted))
        fail_msg("\"%s\" gives %d \"%s\", not %d \"%s\"", text, e.code, e.msg, code, wanted);
    runbook_free(book);
}

static void outcome_is(struct answers *a, const struct runbook *book, const char *id, unsigned nth,
                       const char *wanted)
{
    struct made_up made_up;
    struct str text = {0};
    assert_true(answers_outcome(a, runbook_find(book, id), nth, &made_up));
    made_up_text(&made_up, &text);
    assert_string_equal(str_text(&text), wanted);
    str_fini(&text);
}

static void test_a_whole_file(void **state)
{
    (void)state;
    struct runbook *book = book_of(document);
    struct answers *a = parsed(book, "\xef\xbb\xbf# the way round\r\n"
                                     "NS = other\r\n"
                                     "\tlook: failed, exit 3 ,output ok, said twice\r\n"
                                     "act: failed\n"
                                     "act: timed-out, ok\n"
                                     "act then: retry, rollback because it is gone, says bob\n"
                                     "act then: ok because seen\n"
                                     "SNAPSHOT: output s3://a\n"
                                     "which: b because the other is full\n"
                                     "which then: skip\n"
                                     "try-1: failed because nobody answers\n"
                                     "run ends: warn\n\n");
    struct said said;
    enum run_outcome end;
    int act = runbook_find(book, "act"), which = runbook_find(book, "which");
    outcome_is(a, book, "look", 1, "failed");
    outcome_is(a, book, "look", 2, "exit 3");
    outcome_is(a, book, "look", 3, "output ok, said twice");
    outcome_is(a, book, "look", 9, "output ok, said twice");
    outcome_is(a, book, "act", 2, "timed-out");
    outcome_is(a, book, "act", 3, "ok");
    assert_true(answers_executes(a, act));
    assert_false(answers_executes(a, which));
    assert_false(answers_say(a, act, &said));
    assert_true(answers_then(a, act, &said));
    assert_int_equal(said.choice, CHOICE_RETRY);
    assert_true(said.reason[0] != '\0');
    assert_true(answers_then(a, act, &said));
    assert_int_equal(said.choice, CHOICE_ROLLBACK);
    assert_string_equal(said.reason, "it is gone, says bob");
    assert_true(answers_then(a, act, &said));
    assert_int_equal(said.kind, ANSWER_RESOLVE);
    assert_int_equal(said.resolved, OUTCOME_OK);
    assert_false(answers_then(a, act, &said));
    assert_true(answers_say(a, which, &said));
    assert_string_equal(said.value, "b");
    assert_true(answers_end(a, &end));
    assert_int_equal(end, OUTCOME_WARN);
    assert_string_equal(answers_start_values(a)[0], "NS=other");
    struct str unused = {0};
    assert_int_equal(answers_unused(a, &unused), 3);
    assert_string_equal(str_text(&unused), "line 8: SNAPSHOT\nline 10: which then\nline 11: try-1\n");
    str_fini(&unused);
    answers_free(a);
    runbook_free(book);
}

static void test_mistakes_have_a_place(void **state)
{
    (void)state;
    refused("nope: ok", ERR_NOT_FOUND, "a.txt:1:1: the document has no step \"nope\"");
    refused("\n  NOPE = 1", ERR_NOT_FOUND, "a.txt:2:3: the document has no variable \"NOPE\"");
    refused("TOKEN = 1", ERR_SYNTAX, "a.txt:1:1: TOKEN is a secret");
    refused("look", ERR_SYNTAX, "a.txt:1:1: neither NAME: WHAT nor NAME = VALUE");
    refused("look:", ERR_SYNTAX, "a.txt:1:6: nothing is said here");
    refused("look: ok, fine", ERR_SYNTAX, "a.txt:1:11: \"fine\" is no outcome");
    refused("look: exit 256", ERR_SYNTAX, "a.txt:1:7: exit takes a status from 0 to 255");
    refused("look: exit", ERR_SYNTAX, "a.txt:1:7: exit takes");
    refused("look: ok indeed", ERR_SYNTAX, "a.txt:1:7: \"ok indeed\" is no outcome");
    refused("act then: again", ERR_SYNTAX, "a.txt:1:11: \"again\" is no choice");
    refused("which: c", ERR_SYNTAX, "a.txt:1:8: \"c\" is no answer of which");
    refused("back: skip", ERR_SYNTAX, "a.txt:1:7: back runs by reference only");
    refused("act: skip now", ERR_SYNTAX, "a.txt:1:6: after skip comes \"because\"");
    refused("run ends: well", ERR_SYNTAX, "a.txt:1:11: a run ends ok, warn");
    refused("look: ok\nSNAPSHOT: failed, ok", ERR_SYNTAX,
            "a.txt:2:19: what it prints becomes SNAPSHOT: say it, SNAPSHOT = VALUE");
    refused("look: \xff", ERR_SYNTAX, "not UTF-8");
}

static int tell(struct walker *w, const char *id, const char *outcome, char *const *values)
{
    struct made_up made_up;
    struct run_digest hold;
    struct run_result result;
    assert_int_equal(made_up_parse(outcome, &made_up, &w->e), 0);
    int code = made_up_result(w->run, ticket_of(w, id), &made_up, values, &hold, &result, &w->e);
    if (code == 0)
        code = finish(w, id, result);
    run_digest_fini(&hold);
    return code;
}

static struct walker rehearse(const char *text)
{
    struct walker w = walk_document(text);
    assert_int_equal(begin(&w, NULL, NULL, (struct run_input){.rehearsed = true}), 0);
    return w;
}

static void test_what_the_machine_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *info, *said;
        enum run_outcome outcome;
    } cases[] = {
        {"name=a kind=check", "ok", OUTCOME_OK},
        {"name=a kind=check", "failed", OUTCOME_FAILED},
        {"name=a kind=check", "unknown", OUTCOME_UNKNOWN},
        {"name=a kind=check", "timed-out", OUTCOME_UNKNOWN},
        {"name=a kind=check", "exit 1", OUTCOME_FAILED},
        {"name=a kind=check", "exit 2", OUTCOME_UNKNOWN},
        {"name=a kind=check", "output whatever", OUTCOME_OK},
        {"name=a kind=check expect=^yes", "ok", OUTCOME_OK},
        {"name=a kind=check expect=^yes", "failed", OUTCOME_FAILED},
        {"name=a kind=check expect=^yes", "output yes, it is", OUTCOME_OK},
        {"name=a kind=check expect=^yes", "output no", OUTCOME_FAILED},
        {"name=a kind=check expect=^yes", "exit 1", OUTCOME_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = xasprintf(HEAD "```sh {%s}\ntrue\n```\n", cases[i].info);
        struct walker w = rehearse(text);
        assert_int_equal(tell(&w, "a", cases[i].said, NULL), 0);
        if (see(&w, "a").outcome != cases[i].outcome)
            fail_msg("%s, %s: %s", cases[i].info, cases[i].said, run_outcome_text(see(&w, "a").outcome));
        walked(&w);
        free(text);
    }
}

static void test_what_a_block_hands_on(void **state)
{
    (void)state;
    char *values[] = {(char *)"SNAPSHOT=s3://a", NULL};
    struct walker w = rehearse(HEAD BLOCK("name=SNAPSHOT kind=check") BLOCK("name=b"));
    assert_int_equal(tell(&w, "SNAPSHOT", "ok", NULL), ERR_USAGE);
    assert_non_null(strstr(w.e.msg, "output TEXT"));
    assert_int_equal(tell(&w, "SNAPSHOT", "ok", values), 0);
    struct run_value value;
    run_value_at(w.run, 0, &value);
    assert_string_equal(value.value, "s3://a");
    walked(&w);
}

/* One look stands for a wait of 90 minutes, and a page can be confirmed at once. */
static void test_nobody_waits(void **state)
{
    (void)state;
    struct walker w = rehearse(HEAD BLOCK("name=a verify=v") BLOCK("name=v kind=verify until=90m hold=5m"));
    assert_int_equal(open_page(&w, "a"), 0);
    w.now_ms++;
    assert_int_equal(
        give(&w, (struct run_input){.kind = INPUT_CONFIRM, .step = number(&w, "a"), .value = "yes"}), 0);
    assert_int_equal(tell(&w, "a", "ok", NULL), 0);
    assert_int_equal(tell(&w, "v", "failed", NULL), 0);
    assert_int_equal(see(&w, "a").outcome, OUTCOME_FAILED);
    walked(&w);
    w = rehearse(HEAD BLOCK("name=v kind=check until=90m hold=5m"));
    assert_int_equal(tell(&w, "v", "ok", NULL), 0);
    assert_int_equal(see(&w, "v").outcome, OUTCOME_OK);
    assert_true(run_wake_ms(w.run) < 0);
    walked(&w);
}

/* The nth execution of a block, in whatever role. */
static void test_executions_are_counted_over_their_roles(void **state)
{
    (void)state;
    struct walker w = rehearse(HEAD BLOCK("name=c kind=check") BLOCK("name=a pre=c fresh=0s"));
    struct run_ticket t;
    assert_int_equal(run_tickets(w.run, &t, 1), 1);
    assert_int_equal(t.nth, 1);
    assert_int_equal(tell(&w, "c", "ok", NULL), 0);
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(run_tickets(w.run, &t, 1), 1);
    assert_int_equal(t.attempt, 1);
    assert_int_equal(t.nth, 2);
    walked(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_mistakes_have_a_place),
        cmocka_unit_test(test_what_the_machine_is_told),
        cmocka_unit_test(test_what_a_block_hands_on),
        cmocka_unit_test(test_nobody_waits),
        cmocka_unit_test(test_executions_are_counted_over_their_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
