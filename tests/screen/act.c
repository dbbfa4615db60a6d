/* Acts that no runbook foresaw: `belay do -- COMMAND` and `:do COMMAND` are confirmed on the same page,
 * journaled and resumed as a runbook's steps are. */
#include <stdlib.h>

#include "tests/screen/walk.h"

static const char document[] = "# Nothing\n\n```bash {name=a}\ntrue\n```\n";

WALK_FIXTURE(document)

static struct pty *run(const char *const *words)
{
    return rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words, .width = 120, .height = 36});
}

/* What a command without a screen prints, ended well. */
static void prints(const char *const *words, const char *text)
{
    struct pty *p = run(words);
    expect_bytes(p, text);
    walk_ends(p, 0);
}

static const char writes_words[] = "printf '[%s]' \"$@\" >> \"$ORACLE\"";

static void test_an_argv_is_run_as_it_is_given(void **state)
{
    (void)state;
    const char *words[] = {"do",    "--line",        "--reason", "nothing else helped",
                           "--var", "WHO=two words", "--",       "bash",
                           "-c",    writes_words,    "x",        "a  b",
                           "",      "$HOME;*",       "--",       "'\"",
                           NULL};
    struct pty *p = run(words);
    walk_sees(p, "nothing else helped");
    walk_sees(p, "WHO=two words");
    walk_sees(p, "Type +yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "exit 0, unverified");
    walk_ends(p, 0);
    walk_oracle_is(&walk, "[a  b][][$HOME;*][--]['\"]");
    const char *timeline[] = {"timeline", "--config", "belay.yaml", NULL};
    prints(timeline, "outside any runbook");
    const char *export[] = {"export", "--config", "belay.yaml", "--format", "md", NULL};
    prints(export, "nothing else helped");
    walk_verify(&walk, BELAY);
}

static void test_the_status_is_the_outcome(void **state)
{
    (void)state;
    const char *words[] = {"do", "--line", "--", "false", NULL};
    struct pty *p = run(words);
    walk_sees(p, "Type +yes");
    walk_confirm(p, "no\r");
    walk_sees(p, "not done");
    walk_sees(p, "Type +yes(.|\n)*Type +yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "Your choice");
    pty_type(p, "stop gave up\r");
    walk_ends(p, 1);
}

static void test_the_colon_takes_a_text_for_the_shell(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    pty_type(p, ":do -- printf '%s\\n' \"a  b\" '<x>' | tr a c >> \"$ORACLE\"\r");
    walk_to_page(p, "Type +yes");
    walk_sees(p, "bash -eo pipefail: +printf");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "c  b\n<x>\n");
    walk_sees(p, "exit 0, unverified");
    walk_quit(p);
    walk_verify(&walk, BELAY);
}

/* Its console dies in the middle: it goes on, and another console brings it to its end. */
static void test_an_act_outlives_its_console(void **state)
{
    (void)state;
    const char *words[] = {
        "do",
        "--line",
        "--",
        "bash",
        "-c",
        "echo begin >> \"$ORACLE\"; for i in $(seq 600); do test -e \"$GATE\" && break; sleep 0.1; "
        "done; echo end >> \"$ORACLE\"",
        NULL};
    struct pty *p = run(words);
    walk_sees(p, "Type +yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\n");
    pty_signal(p, SIGKILL);
    pty_free(p);
    walk_open_gate(&walk);
    p = walk_line_mode(&walk, BELAY, "resume");
    walk_sees(p, "ended: warn");
    walk_ends(p, 0);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

/* Nobody to ask, or nobody who may: nothing is run. */
static void test_refusals(void **state)
{
    (void)state;
    const char *bare[] = {"do", "touch", "x", NULL}, *nothing[] = {"do", "--", NULL};
    const char *read_only[] = {"do", "--read-only", "--", "touch", "x", NULL};
    const char *badged[] = {"do", "--line", "--", "touch", "x", NULL};
    struct pty *p = run(bare);
    walk_sees(p, "stands behind --");
    walk_ends(p, 2);
    p = run(nothing);
    walk_sees(p, "stands behind --");
    walk_ends(p, 2);
    p = run(read_only);
    walk_sees(p, "--read-only is set");
    walk_ends(p, 2);
    char *line = xasprintf("XDG_STATE_HOME=%s %s do -- touch %s/x </dev/null >%s/said 2>&1", walk.rig.state,
                           BELAY, walk.rig.folder, walk.rig.folder);
    int status = system(line);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    free(line);
    rig_configure(&walk.rig, "badge: PROD\n");
    p = run(badged);
    walk_sees(p, "you are an observer");
    walk_ends(p, 2);
    p = rig_run(&walk.rig, BELAY, &(struct rig_start){.width = 120, .height = 36});
    walk_sees(p, "llm-primary");
    pty_type(p, ":do touch x\r");
    walk_sees(p, "observer");
    walk_quit(p);
    char *path = path_join(walk.rig.folder, "x");
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_argv_is_run_as_it_is_given, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_status_is_the_outcome, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_colon_takes_a_text_for_the_shell, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_act_outlives_its_console, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
