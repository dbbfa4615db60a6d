/* Variables, exactly what runs, and what output means. */
#include "tests/unit/runbook/walker.h"

#define VARS(text) "---\nrunbook:\n  vars:\n" text "---\n"

static const char *value(struct walker *w, const char *name, const char **source)
{
    for (size_t i = 0; i < run_value_count(w->run); i++) {
        struct run_value v;
        run_value_at(w->run, i, &v);
        if (str_eq(v.name, name)) {
            *source = v.source;
            return v.value;
        }
    }
    return NULL;
}

static void check_value(struct walker *w, const char *name, const char *text, const char *from)
{
    const char *source = NULL, *is = value(w, name, &source);
    if (!str_eq(is, text) || !str_eq(source, from))
        fail_msg("%s is %s (%s)", name, is ? is : "unset", source ? source : "");
}

static int set(struct walker *w, const char *name, const char *text)
{
    return give(w, (struct run_input){.kind = INPUT_SET, .name = name, .value = text});
}

static const char *env_of(const struct run_command *c, const char *name)
{
    for (size_t i = 0; i < c->env.len; i++)
        if (str_eq(c->env.data[i].name, name))
            return c->env.data[i].value;
    return NULL;
}

static struct run_command command_of(struct walker *w, const char *id)
{
    struct run_command command;
    struct run_context context = {.incident = "INC-7", .run = "12", .operator= "alice" };
    if (run_command(w->run, number(w, id), &context, &command, &w->e))
        fail_msg("%s: %s", id, w->e.msg);
    return command;
}

/* ---- Where values come from ---- */

static void test_sources_of_values(void **state)
{
    (void)state;
    struct walker w = walk_document(
        VARS("    NS: {default: rag}\n    SHARD: {from: entity.name, extract: \".*/(.*)\", match: "
             "\"shard-[0-9]+\"}\n"
             "    KIND: {from: entity.kind, default: shard}\n    T: {secret: env:T}\n") BLOCK("name=a"));
    char *given[] = {"NS=prod", NULL}, *context[] = {"entity.name=docs/shard-5", "entity.kind=odd one", NULL};
    assert_int_equal(
        give(&w, (struct run_input){.kind = INPUT_START, .variables = given, .context = context}), 0);
    check_value(&w, "NS", "prod", "given");
    check_value(&w, "SHARD", "shard-5", "entity");
    check_value(&w, "KIND", "shard", "default"); /* what the entity says doesn't match */
    check_value(&w, "T", "env:T", "secret");
    assert_int_equal(w.effects.data[0].kind, EFFECT_NOTE);
    assert_ask(&w, "a", OPEN);
    walked(&w);
}

static void test_values_given_at_the_start_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int code;
        const char *why;
    } rows[] = {
        {"NS=$(reboot)", ERR_RANGE, "doesn't match"},
        {"NS=", ERR_RANGE, "doesn't match"},
        {"XX=1", ERR_USAGE, "no variable"},
        {"T=hunter2", ERR_DENIED, "secret"},
        {"NS", ERR_USAGE, "NAME=VALUE"},
        {"N=x", ERR_USAGE, "no variable"},
        {"D=7x", ERR_RANGE, "doesn't match"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct walker w = walk_document(VARS(
            "    NS: {default: rag}\n    D: {match: \"[0-9]\", default: \"1\"}\n    T: {secret: env:T}\n")
                                            BLOCK("name=a"));
        char *given[] = {(char *)rows[i].given, NULL};
        assert_int_equal(give(&w, (struct run_input){.kind = INPUT_START, .variables = given}), rows[i].code);
        assert_non_null(strstr(w.e.msg, rows[i].why));
        assert_false(run_started(w.run));
        walked(&w);
    }
}

static void test_what_has_no_value_is_asked_for(void **state)
{
    (void)state;
    struct walker w =
        walk(VARS("    NS: {ask: Kubernetes namespace}\n    S: {from: entity.name, match: "
                  "\"s[0-9]\"}\n") "- [ ] look around\n" BLOCK("name=c kind=check") BLOCK("name=a"));
    answer(&w, "step-1", "done", NULL); /* nothing runs there: nothing is needed */
    assert_ask(&w, "c", VALUE);
    struct run_value v;
    run_value_at(w.run, 0, &v);
    assert_true(v.missing);
    assert_string_equal(v.ask, "Kubernetes namespace");
    assert_refused(set(&w, "NS", "a b"), &w, "doesn't match");
    assert_refused(set(&w, "S", "t1"), &w, "doesn't match s[0-9]");
    assert_refused(set(&w, "X", "t1"), &w, "no variable");
    assert_int_equal(set(&w, "NS", "rag"), 0);
    assert_ask(&w, "c", VALUE);
    assert_int_equal(set(&w, "S", "s1"), 0);
    assert_int_equal(execs(&w), 1); /* now it could */
    check_value(&w, "S", "s1", "asked");
    walked(&w);
}

static void test_values_do_not_change_under_a_page(void **state)
{
    (void)state;
    struct walker w = walk(VARS("    NS: {default: rag}\n") BLOCK("name=a"));
    assert_int_equal(set(&w, "NS", "dev"), 0);
    open_page(&w, "a");
    assert_refused(set(&w, "NS", "prod"), &w, "is on its confirmation page");
    confirm(&w, "a", "yes");
    assert_refused(set(&w, "NS", "prod"), &w, "runs");
    walked(&w);
}

static void test_placeholders_are_asked_for_and_shown_filled(void **state)
{
    (void)state;
    struct walker w =
        walk("```sh {name=a}\nkubectl -n <name space> delete <pod>, <pod>\n```\n" BLOCK("name=b"));
    assert_ask(&w, "a", VALUE);
    assert_refused(open_page(&w, "a"), &w, "waits for a value of name space");
    assert_refused(set(&w, "name space", "rag; reboot"), &w, "doesn't match");
    set(&w, "name space", "rag");
    set(&w, "pod", "p-0");
    assert_ask(&w, "a", OPEN);
    struct run_command command = command_of(&w, "a");
    assert_string_equal(command.argv[4], "kubectl -n rag delete p-0, p-0\n");
    assert_null(env_of(&command, "name space"));
    run_command_fini(&command);
    walked(&w);
}

static void test_a_wide_match_does_not_reach_into_the_text(void **state)
{
    (void)state;
    struct walker w = walk(
        VARS("    Q: {match: \".*\", default: \"a; reboot\"}\n") "```sh {name=a}\necho \"$Q\"\n```\n```sh "
                                                                 "{name=b}\necho <Q>\n```\n");
    struct run_command command = command_of(&w, "a");
    assert_string_equal(env_of(&command, "Q"), "a; reboot");
    run_command_fini(&command);
    assert_int_equal(run_command(w.run, 1, NULL, &command, &w.e), ERR_RANGE);
    assert_non_null(strstr(w.e.msg, "placed into the text"));
    act(&w, "a");
    exits(&w, "a", 0);
    open_page(&w, "b");
    assert_refused(confirm(&w, "b", "yes"), &w, "placed into the text");
    walked(&w);
}

static void test_prompting_exports(void **state)
{
    (void)state;
    struct walker w = walk("```sh {name=a}\nexport NS=Which namespace?\necho $NS\n```\n" BLOCK("name=b"));
    assert_ask(&w, "a", VALUE);
    set(&w, "NS", "rag");
    struct run_command command = command_of(&w, "a");
    assert_string_equal(command.argv[4], "export NS\necho $NS\n");
    assert_string_equal(env_of(&command, "NS"), "rag");
    run_command_fini(&command);
    act(&w, "a");
    exits(&w, "a", 0);
    command = command_of(&w, "b");
    assert_string_equal(env_of(&command, "NS"), "rag");
    run_command_fini(&command);
    walked(&w);
}

/* ---- What runs ---- */

static void test_a_name_stands_once_in_the_environment(void **state)
{
    (void)state;
    struct walker w =
        walk(BLOCK("name=c.1 kind=check") BLOCK("name=c-1 kind=check onfail=continue") BLOCK("name=a"));
    exits(&w, "c.1", 0);
    exits(&w, "c-1", 1);
    struct run_command command = command_of(&w, "a");
    size_t count = 0;
    for (size_t i = 0; i < command.env.len; i++)
        count += str_eq(command.env.data[i].name, "BELAY_OUTCOME_C_1");
    assert_int_equal(count, 1);
    assert_string_equal(env_of(&command, "BELAY_OUTCOME_C_1"), "failed");
    run_command_fini(&command);
    walked(&w);
}

static bool is_kept(const struct run_command *command, const char *name)
{
    for (size_t i = 0; i < command->env.len; i++)
        if (str_eq(command->env.data[i].name, name))
            return run_env_kept(&command->env.data[i]);
    fail_msg("there is no %s", name);
    return false;
}

static void test_outcomes_that_are_not_read_are_not_kept(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=one kind=check") BLOCK("name=two kind=check")
                               BLOCK("name=a") "\n"
                                               "```sh {name=reads}\necho $BELAY_OUTCOME_TWO\n```\n");
    exits(&w, "one", 0);
    exits(&w, "two", 0);
    struct run_command command = command_of(&w, "a");
    assert_string_equal(env_of(&command, "BELAY_OUTCOME_TWO"), "ok");
    assert_false(is_kept(&command, "BELAY_OUTCOME_ONE"));
    assert_false(is_kept(&command, "BELAY_OUTCOME_TWO"));
    assert_true(is_kept(&command, "BELAY_STEP"));
    run_command_fini(&command);
    act(&w, "a");
    exits(&w, "a", 0);
    command = command_of(&w, "reads");
    assert_false(is_kept(&command, "BELAY_OUTCOME_ONE"));
    assert_true(is_kept(&command, "BELAY_OUTCOME_TWO"));
    run_command_fini(&command);
    walked(&w);
}

static void test_environment(void **state)
{
    (void)state;
    struct walker w = walk(VARS("    NS: {default: rag}\n    T: {secret: file:/run/t}\n")
                               BLOCK("name=c-1.x kind=check onfail=continue") BLOCK("name=a"));
    exits(&w, "c-1.x", 1);
    struct run_command command = command_of(&w, "a");
    assert_string_equal(env_of(&command, "BELAY_INCIDENT"), "INC-7");
    assert_string_equal(env_of(&command, "BELAY_RUN"), "12");
    assert_string_equal(env_of(&command, "BELAY_STEP"), "a");
    assert_string_equal(env_of(&command, "BELAY_OPERATOR"), "alice");
    assert_string_equal(env_of(&command, "BELAY_OUTCOME_C_1_X"), "failed");
    assert_null(env_of(&command, "BELAY_OUTCOME_A"));
    assert_string_equal(env_of(&command, "NS"), "rag");
    assert_string_equal(env_of(&command, "T"), "file:/run/t");
    assert_string_equal(command.argv[0], "bash");
    assert_string_equal(command.argv[1], "-eo");
    assert_string_equal(command.argv[3], "-c");
    assert_null(command.argv[5]);
    assert_int_equal(command.timeout_ms, 0);
    assert_int_equal(command.grace_ms, 10000);
    assert_string_equal(command.cwd, "books");
    run_command_fini(&command);
    command = command_of(&w, "c-1.x");
    assert_int_equal(command.timeout_ms, 30000);
    run_command_fini(&command);
    walked(&w);
}

static void test_folders(void **state)
{
    (void)state;
    static const struct {
        const char *path, *cwd, *is;
    } rows[] = {
        {"/srv/x.md", "", "/srv"},
        {"x.md", "", NULL},
        {"/x.md", "", "/"},
        {"/srv/x.md", " cwd=sub", "/srv/sub"},
        {"x.md", " cwd=sub", "sub"},
        {"/srv/x.md", " cwd=/tmp", "/tmp"},
        {"/srv/x.md", " cwd=$NS/y", "/srv/rag/y"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = xasprintf(VARS("    NS: {default: rag}\n") "```sh {name=a%s}\nx\n```\n", rows[i].cwd);
        struct walker w = {.book = book_at(rows[i].path, text)};
        w.run = run_new(w.book);
        give(&w, (struct run_input){.kind = INPUT_START});
        struct run_command command = command_of(&w, "a");
        if (!str_eq(command.cwd, rows[i].is))
            fail_msg("%s%s: %s", rows[i].path, rows[i].cwd, command.cwd ? command.cwd : "none");
        run_command_fini(&command);
        walked(&w);
        free(text);
    }
}

static void test_durations_with_variables(void **state)
{
    (void)state;
    struct walker w =
        walk(VARS("    WAIT: {default: 2m}\n") BLOCK("name=a timeout=$WAIT confirm=type:$WAIT"));
    struct run_command command = command_of(&w, "a");
    assert_int_equal(command.timeout_ms, 120000);
    run_command_fini(&command);
    set(&w, "WAIT", "soon");
    open_page(&w, "a");
    assert_refused(confirm(&w, "a", "soon"), &w, "soon"); /* no limit at all would be worse */
    walked(&w);
}

/* ---- What output means ---- */

static struct run_result digest(struct walker *w, const char *id, const char *out, bool truncated,
                                char **exports, struct run_digest *hold)
{
    struct run_result result = {.end = END_EXITED};
    run_digest(w->run, ticket_of(w, id), out, strlen(out), truncated, exports, hold, &result);
    return result;
}

static void test_expect_reads_trimmed_stdout(void **state)
{
    (void)state;
    static const struct {
        const char *expect, *out;
        bool truncated;
        enum run_match match;
    } rows[] = {
        {"^ok$", " \n ok\n\n", false, MATCH_YES},
        {"^ok$", "ok\nok", false, MATCH_NO},
        {"ok", "so ok it is", false, MATCH_YES},
        {"^$", "", false, MATCH_YES},
        {"^$", "x", false, MATCH_NO},
        {"ok", "ok", true, MATCH_UNDECIDED},
        {"^$NS$", "rag", false, MATCH_YES},
        {"^$NS$", "rXg", false, MATCH_NO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = xasprintf(
            VARS("    NS: {default: rag}\n") "```sh {name=c kind=check expect=%s}\nx\n```\n", rows[i].expect);
        struct walker w = walk(text);
        struct run_digest hold;
        struct run_result result = digest(&w, "c", rows[i].out, rows[i].truncated, NULL, &hold);
        if (result.match != rows[i].match)
            fail_msg("%s on \"%s\": %d", rows[i].expect, rows[i].out, result.match);
        run_digest_fini(&hold);
        walked(&w);
        free(text);
    }
}

static void test_a_named_blocks_output_goes_on(void **state)
{
    (void)state;
    struct walker w =
        walk("```sh {name=SNAPSHOT kind=check}\nx\n```\n```sh {name=a}\nrestore <SNAPSHOT> $SNAPSHOT\n```\n");
    struct run_digest hold;
    struct run_result result = digest(&w, "SNAPSHOT", "\n s3://snap/5 \n", false, NULL, &hold);
    assert_string_equal(result.output, "s3://snap/5");
    finish(&w, "SNAPSHOT", result);
    run_digest_fini(&hold);
    check_value(&w, "SNAPSHOT", "s3://snap/5", "output");
    struct run_command command = command_of(&w, "a");
    assert_string_equal(command.argv[4], "restore s3://snap/5 $SNAPSHOT\n");
    assert_string_equal(env_of(&command, "SNAPSHOT"), "s3://snap/5");
    run_command_fini(&command);
    walked(&w);
}

static void test_output_that_cannot_go_on_is_unknown(void **state)
{
    (void)state;
    char *big = xmalloc(RUNBOOK_VALUE_MAX + 2);
    memset(big, 'a', RUNBOOK_VALUE_MAX + 1);
    big[RUNBOOK_VALUE_MAX + 1] = '\0';
    const char *const outs[] = {big, "\xff", "cut"};
    for (size_t i = 0; i < 3; i++) {
        struct walker w = walk("```sh {name=SNAPSHOT kind=check}\nx\n```\n");
        struct run_digest hold;
        struct run_result result = digest(&w, "SNAPSHOT", outs[i], i == 2, NULL, &hold);
        assert_null(result.output);
        finish(&w, "SNAPSHOT", result);
        assert_outcome(&w, "SNAPSHOT", UNKNOWN);
        run_digest_fini(&hold);
        walked(&w);
    }
    free(big);
}

static void test_explicit_exports_go_on_others_do_not(void **state)
{
    (void)state;
    struct walker w = walk(
        VARS("    NS: {default: rag}\n    T: {secret: env:T}\n") "```sh {name=a}\nexport NEW=$(date) NS=x "
                                                                 "T=1\nOTHER=2\n```\n" BLOCK("name=b"));
    act(&w, "a");
    char *exports[] = {"NEW=now then", "OTHER=2", "NS=prod", "T=hunter2", "BELAY_RUN=9", "NEW", NULL};
    struct run_digest hold;
    struct run_result result = digest(&w, "a", "", false, exports, &hold);
    assert_int_equal(strv_count(result.exports), 2);
    finish(&w, "a", result);
    run_digest_fini(&hold);
    check_value(&w, "NEW", "now then", "exported");
    check_value(&w, "NS", "prod", "exported");
    struct run_command command = command_of(&w, "b");
    assert_string_equal(env_of(&command, "NEW"), "now then");
    assert_null(env_of(&command, "OTHER"));
    assert_string_equal(env_of(&command, "T"), "env:T");
    assert_string_equal(env_of(&command, "BELAY_RUN"), "12");
    assert_false(command.carry);
    run_command_fini(&command);
    command = command_of(&w, "a");
    assert_true(command.carry);
    run_command_fini(&command);
    walked(&w);
}

static void test_only_a_pass_hands_anything_on(void **state)
{
    (void)state;
    struct walker w = walk("```sh {name=SNAPSHOT kind=check onfail=continue}\nx\n```\n" BLOCK("name=b"));
    finish(&w, "SNAPSHOT", (struct run_result){.end = END_EXITED, .exit = 1, .output = "half"});
    check_value(&w, "SNAPSHOT", NULL, "");
    walked(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources_of_values),
        cmocka_unit_test(test_values_given_at_the_start_are_checked),
        cmocka_unit_test(test_what_has_no_value_is_asked_for),
        cmocka_unit_test(test_values_do_not_change_under_a_page),
        cmocka_unit_test(test_placeholders_are_asked_for_and_shown_filled),
        cmocka_unit_test(test_a_wide_match_does_not_reach_into_the_text),
        cmocka_unit_test(test_prompting_exports),
        cmocka_unit_test(test_a_name_stands_once_in_the_environment),
        cmocka_unit_test(test_outcomes_that_are_not_read_are_not_kept),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_durations_with_variables),
        cmocka_unit_test(test_expect_reads_trimmed_stdout),
        cmocka_unit_test(test_a_named_blocks_output_goes_on),
        cmocka_unit_test(test_output_that_cannot_go_on_is_unknown),
        cmocka_unit_test(test_explicit_exports_go_on_others_do_not),
        cmocka_unit_test(test_only_a_pass_hands_anything_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
