/* A step's page while it runs and after it: what a person asked for and did not get is said. */
#include "tests/crash/supervisors.h"
#include "tests/screen/walk.h"

static const char document[] = "# Drain the queue\n\n"
                               "## Drain it\n\n"
                               "```bash {name=drain timeout=2m}\n"
                               "echo begin >> \"$ORACLE\"\n" WALK_AT_GATE "echo end >> \"$ORACLE\"\n"
                               "```\n";

static const char slow_document[] = "# Let them in\n\n"
                                    "## Let all in\n\n"
                                    "```bash {name=let-in timeout=2m verify=short}\ntrue\n```\n\n"
                                    "## The queue is short\n\n"
                                    "```bash {name=short kind=verify expect=^short until=5m every=1s}\n"
                                    "test -e \"$GATE\" && echo short || echo 'not yet: 74 wait'\n"
                                    "```\n";

WALK_FIXTURE(document)

static void supervisor_kill(void)
{
    pid_t pid = supervisor_find(walk.rig.folder);
    assert_true(pid > 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    int64_t end = clock_monotonic_us() + WALK_MS * US_PER_MS;
    while (supervisor_find(walk.rig.folder) == pid && clock_monotonic_us() < end)
        usleep(10000);
}

#define BY_HAND "supervisor of step .* is gone(.|\n)*end process group [0-9]+ by hand"

static void test_cancel_without_a_supervisor(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Drain the queue", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\n");
    supervisor_kill();
    pty_type(p, "\x03");
    walk_sees(p, "cancel it: TERM");
    pty_type(p, "c");
    walk_sees(p, BY_HAND);
    walk_open_gate(&walk);
    walk_sees(p, "\\? unknown");
    walk_escape(p, 3);
    pty_type(p, "6");
    walk_sees(p, "was not cancelled: the supervisor");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

/* What a verification says while it is polled is on the action's page: minutes may pass. */
static void test_a_verification_that_takes_long_says_how_far_it_is(void **state)
{
    (void)state;
    rig_write(&walk.rig, "runbooks/act.md", slow_document);
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Let them in", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "verifying(.|\n)*verify .*The queue is short +not yet: 74 wait");
    walk_open_gate(&walk);
    walk_sees(p, "verify .*The queue is short +as expected");
    walk_escape(p, 3);
    walk_quit(p);
}

static void test_cancel_in_line_mode_without_a_supervisor(void **state)
{
    (void)state;
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type yes");
    walk_confirm(p, "yes\n");
    walk_oracle_await(&walk, p, "begin\n");
    supervisor_kill();
    pty_type(p, "\x03");
    walk_sees(p, "cancel: stop the step");
    pty_type(p, "cancel\n");
    walk_sees(p, "not done: the " BY_HAND);
    walk_open_gate(&walk);
    walk_sees(p, "Your choice");
    pty_type(p, "stop seen enough\n");
    walk_ends(p, 3);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

/* Each line once, however much it is, and no character torn by the pauses of who writes it. */
static void test_line_mode_shows_output_once(void **state)
{
    (void)state;
    rig_write(&walk.rig, "runbooks/act.md",
              "# Talk\n\n```bash {name=talk timeout=2m}\n"
              "seq -f 'line %.0f of many' 12000\n"
              "printf 'gr\\xc3'; sleep 0.6; printf '\\xbc\\xc3\\x9fe'; sleep 0.6; printf ' at the end\\n'\n"
              "```\n");
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type yes");
    walk_confirm(p, "yes\n");
    walk_sees(p, "^gr\u00fc\u00dfe at the end$");
    if (pty_wait_end(p, WALK_MS) != 0)
        fail_with_screen(p, "it did not end with 0");
    size_t length, seen = 0;
    const char *bytes = pty_bytes(p, &length), *at = bytes;
    while ((at = memmem(at, length - (size_t)(at - bytes), "line 12000 of many", 18))) {
        seen++;
        at += 18;
    }
    assert_int_equal(seen, 1);
    pty_free(p);
}

/* Longer than what is awaited of a line, and never ended: what follows it stands on a line of its own. And
 * `stop` takes its reason, as `skip` does. */
static void test_line_mode_ends_an_unended_line(void **state)
{
    (void)state;
    rig_write(&walk.rig, "runbooks/act.md",
              "# A long line\n\n```bash {name=long}\n"
              "printf '%06000d' 7; for i in $(seq 600); do test -e \"$GATE\" && break; sleep 0.1; done\n"
              "```\n\n```bash {name=never}\ntrue\n```\n");
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type +yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "00007");
    walk_open_gate(&walk);
    walk_sees(p, "00007 *\n\\[warn\\](.|\n)*Type +yes");
    walk_confirm(p, "stop it is enough\r");
    walk_sees(p, "ended: cancelled");
    walk_ends(p, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cancel_without_a_supervisor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_verification_that_takes_long_says_how_far_it_is, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_cancel_in_line_mode_without_a_supervisor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_mode_shows_output_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_mode_ends_an_unended_line, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
