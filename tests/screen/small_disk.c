/* The console and line mode on a disk that gets full, and on one that can't be written: they stay up, say so,
 * refuse to act, watch on, and go on when there is room. What a step did meanwhile is not lost, and nothing
 * is run twice: the step itself keeps the oracle, on another disk. */
#include "tests/screen/walk_small_disk.h"

static const char document[] =
    "# Drain the queue\n\n"
    "## Drain it\n\n"
    "```bash {name=drain timeout=2m}\n"
    "echo begin >> \"$ORACLE\"\n" WALK_AT_GATE "head -c 400000 /dev/zero | tr '\\0' x; echo\n"
    "echo end >> \"$ORACLE\"\n"
    "exit 1\n"
    "```\n\n"
    "## Fill it\n\n"
    "```bash {name=fill timeout=2m}\n"
    "echo fill >> \"$ORACLE\"\n"
    "```\n";

static int setup(void **state)
{
    (void)state;
    walk_open(&walk, document);
    return small_disk_begin();
}

/* A journal that has room left in its own files takes a few more. */
static void note_until_refused(struct pty *p)
{
    char text[600] = "n";
    memset(text + 1, 'x', sizeof text - 3);
    text[sizeof text - 2] = '\r';
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 200 && !pty_matches(p, "JOURNAL IN TROUBLE"); i++) {
        pty_type(p, text);
        pty_wait(p, "JOURNAL IN TROUBLE", 200);
    }
    walk_sees(p, "JOURNAL IN TROUBLE.*no room left");
    walk_escape(p, 2);
}

static void test_full_while_open(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    disk_fill();
    note_until_refused(p);
    rig_state_small(&walk.rig, "Dead");
    walk_sees(p, "docs/shard-5.*Dead"); /* it watches on */
    pty_type(p, "nlost words\r");
    walk_sees(p, "note is refused while the journal");
    walk_escape(p, 1);
    pty_type(p, "r");
    walk_sees(p, "Drain the queue");
    pty_type(p, "\r");
    walk_sees(p, "Enter starts a run");
    pty_type(p, "\r");
    walk_sees(p, "run is refused while|nothing acts while");
    walk_oracle_is(&walk, "");
    disk_free();
    walk_sees_gone(p, "JOURNAL IN TROUBLE");
    walk_escape(p, 2);
    walk_start(p, "Drain the queue", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\n");
    walk_open_gate(&walk);
    walk_sees(p, "✗ failed +exit 1");
    walk_oracle_is(&walk, "begin\nend\n");
    walk_quit(p);
    walk_verify(&walk, BELAY);
}

static void fill_during_a_step(struct pty *p)
{
    walk_start(p, "Drain the queue", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\n");
    disk_fill_for_good();
    walk_open_gate(&walk);
    walk_oracle_await(&walk, p, "begin\nend\n");
    walk_sees(p, "JOURNAL IN TROUBLE");
    /* Not durable, so not shown as done. */
    pty_run(p, 1000);
    if (pty_matches(p, "failed +exit 1"))
        fail_with_screen(p, "an outcome that is not in the journal is shown");
}

static void test_full_while_a_step_runs(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    fill_during_a_step(p);
    disk_free();
    walk_sees(p, "✗ failed +exit 1");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

static void test_full_and_killed(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    fill_during_a_step(p);
    pty_signal(p, SIGKILL);
    pty_free(p);
    p = walk_console(&walk, BELAY);
    walk_sees(p, "JOURNAL IN TROUBLE");
    disk_free();
    walk_sees_gone(p, "JOURNAL IN TROUBLE");
    pty_type(p, "r");
    walk_sees(p, "interrupted");
    pty_type(p, "\r\r");
    walk_sees(p, "failed +exit 1|exit 1");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

/* Confirmed with the last bytes gone: nothing starts, and later everything does. */
static void test_full_at_the_confirmation(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Drain the queue", "Type  yes");
    disk_fill_for_good();
    walk_confirm(p, "yes\r");
    walk_sees(p, "JOURNAL IN TROUBLE");
    walk_oracle_is(&walk, "");
    disk_free();
    walk_sees_gone(p, "JOURNAL IN TROUBLE");
    walk_oracle_is(&walk, "");
    walk_to_page(p, "Type  yes");
    walk_open_gate(&walk);
    walk_confirm(p, "yes\r");
    walk_sees(p, "✗ failed +exit 1");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

static void test_read_only_disk(void **state)
{
    (void)state;
    assert_true(small_disk_writable(walk.rig.state, false));
    rig_state_small(&walk.rig, "Dead");
    struct pty *p = walk_console(&walk, BELAY);
    walk_sees(p, "JOURNAL IN TROUBLE.*Read-only");
    walk_sees(p, "docs/shard-5.*Dead");
    pty_type(p, "nlost words\r");
    walk_sees(p, "note is refused while the journal");
    assert_true(small_disk_writable(walk.rig.state, true));
    walk_sees_gone(p, "JOURNAL IN TROUBLE");
    walk_escape(p, 2);
    walk_open_gate(&walk);
    walk_start(p, "Drain the queue", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "✗ failed +exit 1");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

/* ---- line mode */

static void test_line_mode_full_while_a_step_runs(void **state)
{
    (void)state;
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type yes");
    pty_run(p, 700);
    pty_type(p, "yes\n");
    walk_oracle_await(&walk, p, "begin\n");
    disk_fill_for_good();
    walk_open_gate(&walk);
    walk_oracle_await(&walk, p, "begin\nend\n");
    walk_sees(p, "the journal can't be written");
    disk_free();
    walk_sees(p, "the journal can be written again");
    walk_sees(p, "Your choice");
    if (!pty_matches(p, "exit 1"))
        fail_with_screen(p, "the outcome is not told");
    pty_type(p, "stop that is enough\n");
    walk_ends(p, 1);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

static void test_line_mode_full_at_the_confirmation(void **state)
{
    (void)state;
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type yes");
    pty_run(p, 700);
    disk_fill_for_good();
    pty_type(p, "yes\n");
    walk_sees(p, "the journal can't be written");
    uint64_t before = pty_byte_count(p);
    pty_run(p, 1500);
    if (pty_byte_count(p) - before > 400)
        fail_with_screen(p, "it floods the terminal while it waits");
    disk_free();
    walk_sees(p, "the journal can be written again(.|\n)*Type yes");
    walk_oracle_is(&walk, "");
    walk_open_gate(&walk);
    pty_run(p, 700);
    pty_type(p, "yes\n");
    walk_sees(p, "Your choice");
    pty_type(p, "stop that is enough\n");
    walk_ends(p, 1);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_full_while_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_while_a_step_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_and_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_at_the_confirmation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_only_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_mode_full_while_a_step_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_mode_full_at_the_confirmation, setup, teardown),
    };
    if (!small_disk_allowed()) {
        fprintf(stderr, "skipped: this host lets nobody mount a tmpfs here\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
