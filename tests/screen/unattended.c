/* `belay runbook run --checks-only`: without a terminal checks run, and nothing that changes something does.
 */
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/screen/walk.h"

static struct walk walk;

#define CHECK(name, more, text) "```bash {name=" name " kind=check" more "}\n" text "\n```\n\n"
#define ACT(more)               "```bash {name=act" more "}\necho act >> \"$ORACLE\"\n```\n\n"
#define TRACE(word)             "echo " word " >> \"$ORACLE\"; "

static int setup(void **state)
{
    (void)state;
    walk_open(&walk, "# Nothing\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    walk_close(&walk);
    return 0;
}

/* As cron would. What it printed is in `said`. */
static int unattended(const char *document, const char *options)
{
    rig_write(&walk.rig, "runbooks/act.md", document);
    char *line =
        xasprintf("cd %s && exec %s runbook run --checks-only %s runbooks/act.md </dev/null >said 2>&1",
                  walk.rig.folder, BELAY, options);
    int status = system(line);
    free(line);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void said(const char *text)
{
    struct str bytes = {0};
    char *path = path_join(walk.rig.folder, "said");
    assert_int_equal(file_read(path, 1u << 16, &bytes, NULL), 0);
    if (!strstr(str_text(&bytes), text))
        fail_msg("it says \"%s\", not \"%s\"", str_text(&bytes), text);
    str_fini(&bytes);
    free(path);
}

static void test_all_pass(void **state)
{
    (void)state;
    assert_int_equal(
        unattended("# A\n\n" CHECK("a", "", TRACE("a") "true") CHECK("b", "", TRACE("b") "true"), ""), 0);
    walk_oracle_is(&walk, "a\nb\n");
    walk_verify(&walk, BELAY);
}

static void test_it_stops_before_what_acts(void **state)
{
    (void)state;
    assert_int_equal(unattended("# A\n\n" CHECK("a", "", TRACE("a") "true") ACT(" pre=c")
                                    CHECK("b", "", TRACE("b") "true") CHECK("c", "", TRACE("c") "true"),
                                ""),
                     0);
    walk_oracle_is(&walk, "a\nc\n");
    said("stops before: ");
    walk_verify(&walk, BELAY);
}

static void test_a_failed_check_is_one(void **state)
{
    (void)state;
    assert_int_equal(unattended("# A\n\n" CHECK("a", "", "exit 1") CHECK("b", "", TRACE("b") "true"), ""), 1);
    walk_oracle_is(&walk, "");
    assert_int_equal(unattended("# A\n\n" ACT(" pre=c") CHECK("c", "", "exit 1"), ""), 1);
    walk_oracle_is(&walk, "");
}

static void test_an_unknown_one_is_three(void **state)
{
    (void)state;
    assert_int_equal(unattended("# A\n\n" CHECK("a", "", "exit 7") ACT(""), ""), 3);
    walk_oracle_is(&walk, "");
}

/* Its no is an answer: the other branch is gone. */
static void test_a_branch_is_no_failure(void **state)
{
    (void)state;
    assert_int_equal(
        unattended("# A\n\n" CHECK("a", "", "exit 1") CHECK("b", " when=!a", TRACE("b") "true"), ""), 0);
    walk_oracle_is(&walk, "b\n");
}

static void test_what_a_person_has_to_say(void **state)
{
    (void)state;
    assert_int_equal(
        unattended("# A\n\n" CHECK("a", "", TRACE("a")) "- [ ] look out of the window\n\n" ACT(""), ""), 0);
    said("a person has to say");
    walk_oracle_is(&walk, "a\n");
    const char *values = "# A\n\n" CHECK("b", "", "echo <WHO> >> \"$ORACLE\"");
    assert_int_equal(unattended(values, ""), 2);
    said("--var WHO=VALUE");
    assert_int_equal(unattended(values, "--var WHO=me"), 0);
    walk_oracle_is(&walk, "a\nme\n");
    walk_verify(&walk, BELAY);
}

static int command(const char *words)
{
    char *line = xasprintf("cd %s && exec %s %s </dev/null >said 2>&1", walk.rig.folder, BELAY, words);
    int status = system(line);
    free(line);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Errors of a check are tried again, and trip the breaker that the shell calls by, too. */
static void test_a_policy_with_a_breaker(void **state)
{
    (void)state;
    rig_configure(&walk.rig,
                  "runbooks: [runbooks/]\n"
                  "policies:\n  - {name: shy, attempts: 2, base: 10ms, jitter: none, checks: true, "
                  "breaker: {name: pay, failures: 2, cool_down: 1h}}\n");
    const char *document = "# A\n\n" CHECK("a", "", TRACE("a") "exit 7");
    assert_int_equal(unattended(document, "--config belay.yaml"), 3);
    walk_oracle_is(&walk, "a\na\n");
    assert_int_equal(unattended(document, "--config belay.yaml"), 3);
    said("the breaker pay refuses (OPEN, for ");
    walk_oracle_is(&walk, "a\na\n");
    command("status --json --config belay.yaml"); /* one operation of two attempts, and one refusal */
    said("\"failed\":1,\"rejected\":1,\"cancelled\":0,\"attempts\":2,\"retried\":1");
    assert_int_equal(command("exec --config belay.yaml --policy shy -- true"), 75);
    said("pay: not called");
    assert_int_equal(command("breaker pay auto"), 0);
    assert_int_equal(unattended("# A\n\n" CHECK("a", "", TRACE("b") "exit 77"), "--config belay.yaml"), 3);
    walk_oracle_is(&walk, "a\na\nb\n"); /* not permitted: that stays */
    walk_verify(&walk, BELAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_stops_before_what_acts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_check_is_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_unknown_one_is_three, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_branch_is_no_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_a_person_has_to_say, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_policy_with_a_breaker, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
