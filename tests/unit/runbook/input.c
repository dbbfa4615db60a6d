/* Inputs in the journal's form: every member comes back, and what is wrong is refused. */
#include "tests/unit/runbook/walker.h"

static const char document[] = "```sh {name=a}\nx\n```\n```text {kind=decision name=d}\ny: z\n```\n";

static void round_trip(const struct runbook *book, const struct run_input *in, const char *json)
{
    struct run_input back;
    struct err e = {0};
    char *text = run_input_to_json(book, in);
    assert_string_equal(text, json);
    if (run_input_from_json(book, text, strlen(text), &back, &e))
        fail_msg("%s: %s", text, e.msg);
    char *again = run_input_to_json(book, &back);
    assert_string_equal(again, json);
    run_input_fini(&back);
    free(text);
    free(again);
}

static void test_round_trips(void **state)
{
    (void)state;
    struct runbook *book = book_of(document);
    char *pairs[] = {"A=1", "B=x \"y\"", NULL}, *none[] = {NULL};
    struct run_policy policies[] = {{.name = "p", .rules = policy_default()}};
    const struct run_pin pins[] = {{.step = 0, .digest = "d1", .count = 50}};
    policies[0].rules.backoff.attempts = 4;
    const struct {
        struct run_input in;
        const char *json;
    } rows[] = {
        {{.kind = INPUT_START, .variables = pairs, .context = none, .actor = "alice"},
         "{\"input\":\"start\",\"at_ms\":0,\"actor\":\"alice\",\"variables\":[\"A=1\",\"B=x "
         "\\\"y\\\"\"],\"context\":[]}"},
        {{.kind = INPUT_OPEN, .at_ms = 12, .step = 0}, "{\"input\":\"open\",\"at_ms\":12,\"step\":\"a\"}"},
        {{.kind = INPUT_SET, .at_ms = 1, .name = "NS", .value = "rag"},
         "{\"input\":\"set\",\"at_ms\":1,\"name\":\"NS\",\"value\":\"rag\"}"},
        {{.kind = INPUT_CONFIRM, .at_ms = 1, .step = 0, .value = "yes"},
         "{\"input\":\"confirm\",\"at_ms\":1,\"step\":\"a\",\"value\":\"yes\"}"},
        {{.kind = INPUT_ANSWER, .at_ms = 1, .step = 1, .value = "y", .typed = "SURE", .reason = "r"},
         "{\"input\":\"answer\",\"at_ms\":1,\"step\":\"d\",\"value\":\"y\",\"typed\":\"SURE\",\"reason\":"
         "\"r\"}"},
        {{.kind = INPUT_STARTED, .at_ms = 1, .ticket = 9007199254740993},
         "{\"input\":\"started\",\"at_ms\":1,\"ticket\":9007199254740993}"},
        {{.kind = INPUT_FINISHED,
          .at_ms = 1,
          .ticket = 3,
          .result = {.end = END_EXITED, .exit = 0, .match = MATCH_NO, .output = "o", .exports = pairs}},
         "{\"input\":\"finished\",\"at_ms\":1,\"ticket\":3,\"end\":\"exited\",\"exit\":0,\"match\":\"no\","
         "\"output\":\"o\",\"exports\":[\"A=1\",\"B=x "
         "\\\"y\\\"\"]}"},
        {{.kind = INPUT_FINISHED,
          .at_ms = 1,
          .ticket = 3,
          .result = {.end = END_SIGNALLED, .signal = 9, .text = "t", .no_budget = true}},
         "{\"input\":\"finished\",\"at_ms\":1,\"ticket\":3,\"end\":\"signalled\",\"signal\":9,\"text\":"
         "\"t\",\"no_budget\":true}"},
        {{.kind = INPUT_FINISHED,
          .at_ms = 1,
          .ticket = 3,
          .result = {.end = END_NOT_STARTED, .refused = true}},
         "{\"input\":\"finished\",\"at_ms\":1,\"ticket\":3,\"end\":\"not-started\",\"refused\":true}"},
        {{.kind = INPUT_CHOOSE, .at_ms = 1, .step = 0, .choice = CHOICE_ROLLBACK, .reason = "r"},
         "{\"input\":\"choose\",\"at_ms\":1,\"step\":\"a\",\"choice\":\"rollback\",\"reason\":\"r\"}"},
        {{.kind = INPUT_RESOLVE, .at_ms = 1, .step = 0, .resolved = OUTCOME_FAILED, .reason = "r"},
         "{\"input\":\"resolve\",\"at_ms\":1,\"step\":\"a\",\"resolved\":\"failed\",\"reason\":\"r\"}"},
        {{.kind = INPUT_CANCEL, .at_ms = 1, .step = 0}, "{\"input\":\"cancel\",\"at_ms\":1,\"step\":\"a\"}"},
        {{.kind = INPUT_LEAVE, .at_ms = 1, .step = 0}, "{\"input\":\"leave\",\"at_ms\":1,\"step\":\"a\"}"},
        {{.kind = INPUT_TICK, .at_ms = 99}, "{\"input\":\"tick\",\"at_ms\":99}"},
        {{.kind = INPUT_STOP, .at_ms = 1, .reason = "r"},
         "{\"input\":\"stop\",\"at_ms\":1,\"reason\":\"r\"}"},
        {{.kind = INPUT_START,
          .policies = policies,
          .policy_count = 1,
          .pins = pins,
          .pin_count = 1,
          .seed = 9007199254740991,
          .rehearsed = true},
         "{\"input\":\"start\",\"at_ms\":0,\"policies\":[{\"name\":\"p\",\"attempts\":4,\"base_ms\":100,"
         "\"factor_milli\":2000,\"cap_ms\":30000,\"jitter\":\"additive\",\"deadline_ms\":0,\"growth_milli\":"
         "1000}],"
         "\"items\":[{\"step\":\"a\",\"digest\":\"d1\",\"count\":50}],\"seed\":9007199254740991,"
         "\"rehearsed\":true}"},
        {{.kind = INPUT_APPROVE,
          .at_ms = 1,
          .actor = "bob",
          .step = 0,
          .value = "d",
          .where = "w",
          .has_signature = true},
         "{\"input\":\"approve\",\"at_ms\":1,\"actor\":\"bob\",\"step\":\"a\",\"value\":\"d\",\"where\":"
         "\"w\","
         "\"signed\":true}"},
        {{.kind = INPUT_BREAK_GLASS, .at_ms = 1, .step = 0, .reason = "r", .where = "w"},
         "{\"input\":\"break-glass\",\"at_ms\":1,\"step\":\"a\",\"reason\":\"r\",\"where\":\"w\"}"},
        {{.kind = INPUT_LOCKED, .at_ms = 1, .ticket = 3}, "{\"input\":\"locked\",\"at_ms\":1,\"ticket\":3}"},
        {{.kind = INPUT_REFUSED, .at_ms = 1, .ticket = 3, .value = "bob"},
         "{\"input\":\"refused\",\"at_ms\":1,\"ticket\":3,\"value\":\"bob\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        round_trip(book, &rows[i].in, rows[i].json);
    runbook_free(book);
}

static void test_what_is_no_input_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "3",
        "{\"input\":\"jump\"}",
        "{\"input\":\"open\"}",
        "{\"input\":\"open\",\"step\":\"nope\"}",
        "{\"input\":\"open\",\"step\":0}",
        "{\"input\":\"choose\",\"step\":\"a\",\"choice\":\"win\"}",
        "{\"input\":\"resolve\",\"step\":\"a\",\"resolved\":\"good\"}",
        "{\"input\":\"finished\",\"ticket\":1}",
        "{\"input\":\"finished\",\"ticket\":1,\"end\":\"exploded\"}",
        "{\"input\":\"finished\",\"ticket\":1,\"end\":\"exited\",\"match\":\"perhaps\"}",
        "{\"input\":\"start\",\"variables\":[1]}",
        "{\"input\":\"start\",\"policies\":[{\"name\":\"p\"}]}",
        "{\"input\":\"start\",\"policies\":[{\"name\":\"p\",\"attempts\":-1,\"factor_milli\":2000,\"cap_ms\":"
        "1,"
        "\"jitter\":\"none\"}]}",
        "{\"input\":\"start\",\"items\":[{\"step\":\"nope\",\"digest\":\"d\",\"count\":1}]}",
        "{\"input\":\"start\",\"items\":[{\"step\":\"\\nstep\",\"digest\":\"d\",\"count\":1}]}",
        "{\"input\":\"open\",\"step\":\"\\nstep\"}",
        "{\"input\":\"approve\",\"step\":\"nope\"}",
        "{\"input\":\"tick\",\"input\":\"stop\"}",
        "{\"input\":\"tick\"",
    };
    struct runbook *book = book_of(document);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct run_input in;
        struct err e = {0};
        if (run_input_from_json(book, bad[i], strlen(bad[i]), &in, &e) == 0 || !e.msg[0])
            fail_msg("%s is taken", bad[i]);
        run_input_fini(&in);
    }
    runbook_free(book);
}

static void test_no_secret_reaches_the_journal(void **state)
{
    (void)state;
    struct walker w = walk("---\nrunbook:\n  vars:\n    T: {secret: env:T}\n---\n```sh {name=T}\nexport "
                           "T=1\n```\n```sh {name=TOK}\nx\n```\n");
    act(&w, "T");
    char *exports[] = {"T=hunter2", NULL};
    struct run_digest hold;
    struct run_result result = {.end = END_EXITED};
    run_digest(w.run, ticket_of(&w, "T"), "hunter2", 7, false, exports, &hold, &result);
    struct run_input in = {.kind = INPUT_FINISHED, .ticket = ticket_of(&w, "T"), .result = result};
    char *json = run_input_to_json(w.book, &in);
    assert_null(strstr(json, "hunter2"));
    free(json);
    run_digest_fini(&hold);
    walked(&w);
}

static void test_words_of_all_enums(void **state)
{
    (void)state;
    struct step what = {0};
    struct run_step asked = {.ask = ASK_FAILED};
    for (unsigned i = 0; i <= OUTCOME_UNKNOWN; i++) {
        enum run_outcome outcome = OUTCOME_PENDING;
        assert_true(run_outcome_parse(run_outcome_text((enum run_outcome)i), &outcome));
        assert_int_equal(outcome, i);
    }
    for (unsigned i = 0; i <= CHOICE_VERIFY; i++) {
        enum run_choice choice = CHOICE_RETRY;
        assert_true(run_choice_parse(run_choice_text((enum run_choice)i), &choice));
        assert_int_equal(choice, i);
        assert_true(*run_choice_help((enum run_choice)i, &what, &asked));
    }
    /* Going on without evidence runs the step: that is not "go on with the next step". */
    asked = (struct run_step){.ask = ASK_EVIDENCE, .phase = PHASE_EVIDENCE};
    assert_string_equal(run_choice_help(CHOICE_CONTINUE, &what, &asked), "run it without that evidence");
    asked = (struct run_step){.ask = ASK_WHEN};
    assert_string_equal(run_choice_help(CHOICE_CONTINUE, &what, &asked), "do it all the same");
    assert_string_equal(run_outcome_text(OUTCOME_TIMED_OUT), "timed-out");
    assert_string_equal(run_outcome_text((enum run_outcome)99), "?");
    assert_string_equal(run_role_text(ROLE_PRE), "pre");
    assert_string_equal(run_phase_text(PHASE_EVIDENCE), "saving evidence");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_what_is_no_input_is_refused),
        cmocka_unit_test(test_no_secret_reaches_the_journal),
        cmocka_unit_test(test_words_of_all_enums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
