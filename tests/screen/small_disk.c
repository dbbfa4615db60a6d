/* The console and line mode on a disk that gets full, and on one that can't be written: they stay up, say so,
 * refuse to act, watch on, and go on when there is room. What a step did meanwhile is not lost, and nothing
 * is run twice: the step itself keeps the oracle, on another disk. */
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/small_disk.h"
#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

#define LONG_MS 30000

static struct rig rig;
static char filler[96], oracle[96], gate[96], document[96];

static int setup(void **state)
{
    (void)state;
    rig_open(&rig);
    rig_configure(&rig, "runbooks: [runbooks/]\n");
    snprintf(filler, sizeof filler, "%s/filler", rig.state);
    snprintf(oracle, sizeof oracle, "%s/oracle", rig.folder);
    snprintf(gate, sizeof gate, "%s/gate", rig.folder);
    snprintf(document, sizeof document, "%s/runbooks/act.md", rig.folder);
    setenv("ORACLE", oracle, 1);
    setenv("GATE", gate, 1);
    rig_write(&rig, "runbooks/act.md",
              "# Drain the queue\n\n"
              "## Drain it\n\n"
              "```bash {name=drain timeout=2m}\n"
              "echo begin >> \"$ORACLE\"\n"
              "for i in $(seq 600); do test -e \"$GATE\" && break; sleep 0.1; done\n"
              "head -c 400000 /dev/zero | tr '\\0' x; echo\n"
              "echo end >> \"$ORACLE\"\n"
              "exit 1\n"
              "```\n\n"
              "## Fill it\n\n"
              "```bash {name=fill timeout=2m}\n"
              "echo fill >> \"$ORACLE\"\n"
              "```\n");
    return small_disk_mount(rig.state, "4m") ? chdir(rig.folder) : -1;
}

static int teardown(void **state)
{
    (void)state;
    int code = chdir("/");
    umount2(rig.state, MNT_DETACH);
    rig_close(&rig);
    return code;
}

/* ---- the disk and the oracle */

static void disk_fill(void)
{
    assert_true(small_disk_fill(filler));
}

static void disk_free(void)
{
    assert_int_equal(unlink(filler), 0);
}

static void open_gate(void)
{
    rig_write(&rig, "gate", "");
}

static void oracle_read(struct str *text)
{
    str_clear(text);
    file_read(oracle, 1u << 16, text, NULL);
}

static void oracle_await(struct pty *p, const char *wanted)
{
    struct str text = {0};
    int64_t end = clock_monotonic_us() + LONG_MS * US_PER_MS;
    for (oracle_read(&text); !str_eq(str_text(&text), wanted) && clock_monotonic_us() < end;
         oracle_read(&text))
        pty_run(p, 50);
    if (!str_eq(str_text(&text), wanted))
        fail_with_screen(p, "the step wrote: %s", str_text(&text));
    str_fini(&text);
}

static void oracle_is(const char *wanted)
{
    struct str text = {0};
    oracle_read(&text);
    assert_string_equal(str_text(&text), wanted);
    str_fini(&text);
}

static void verify(void)
{
    const char *words[] = {"verify", "--config", "belay.yaml", NULL};
    struct pty *p = rig_run(&rig, BELAY, &(struct rig_start){.arguments = words});
    int status = pty_wait_end(p, LONG_MS);
    if (status != 0)
        fail_with_screen(p, "belay verify ended with %d", status);
    pty_free(p);
}

/* ---- the console */

static void sees(struct pty *p, const char *pattern)
{
    if (!pty_wait(p, pattern, LONG_MS))
        fail_with_screen(p, "never on the screen: %s", pattern);
}

static struct pty *console(void)
{
    struct pty *p = rig_run(&rig, BELAY, &(struct rig_start){.width = 120, .height = 36});
    sees(p, "2 ok|1 half|llm-primary");
    return p;
}

/* One at a time: two make an Alt. */
static void escape(struct pty *p, int times)
{
    for (int i = 0; i < times; i++) {
        pty_type(p, "\x1b");
        pty_run(p, 150);
    }
}

static void quit(struct pty *p)
{
    escape(p, 3);
    pty_type(p, "q");
    if (pty_wait_end(p, 1500) < 0)
        pty_type(p, "y"); /* it asks while a step runs */
    expect_end(p, 0);
    pty_free(p);
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
    sees(p, "JOURNAL IN TROUBLE.*no room left");
    escape(p, 2);
}

/* The run's first step, up to the word that confirms it. */
static void start_run(struct pty *p)
{
    pty_type(p, "r");
    sees(p, "Drain the queue");
    pty_type(p, "\r");
    sees(p, "Enter starts a run");
    pty_type(p, "\r");
    for (int tries = 0; tries < 40 && !pty_matches(p, "Type  yes"); tries++) {
        if (pty_matches(p, "Enter to read|goes there|waits"))
            pty_type(p, "\r");
        pty_wait(p, "Type  yes", 500);
    }
    sees(p, "Type  yes");
}

static void confirm(struct pty *p)
{
    pty_run(p, 700); /* the page takes no key in its first half second */
    pty_type(p, "yes\r");
}

static void test_full_while_open(void **state)
{
    (void)state;
    struct pty *p = console();
    disk_fill();
    note_until_refused(p);
    rig_state_small(&rig, "Dead");
    sees(p, "docs/shard-5.*Dead"); /* it watches on */
    pty_type(p, "nlost words\r");
    sees(p, "note is refused while the journal");
    escape(p, 1);
    pty_type(p, "r");
    sees(p, "Drain the queue");
    pty_type(p, "\r\r");
    sees(p, "refused|nothing acts");
    oracle_is("");
    disk_free();
    if (!pty_wait_gone(p, "JOURNAL IN TROUBLE", LONG_MS))
        fail_with_screen(p, "there is room, and it doesn't go on");
    escape(p, 2);
    start_run(p);
    confirm(p);
    oracle_await(p, "begin\n");
    open_gate();
    sees(p, "✗ failed +exit 1");
    oracle_is("begin\nend\n");
    quit(p);
    verify();
}

static void fill_during_a_step(struct pty *p)
{
    start_run(p);
    confirm(p);
    oracle_await(p, "begin\n");
    disk_fill();
    open_gate();
    oracle_await(p, "begin\nend\n");
    sees(p, "JOURNAL IN TROUBLE");
    /* Not durable, so not shown as done. */
    pty_run(p, 1000);
    if (pty_matches(p, "failed +exit 1"))
        fail_with_screen(p, "an outcome that is not in the journal is shown");
}

static void test_full_while_a_step_runs(void **state)
{
    (void)state;
    struct pty *p = console();
    fill_during_a_step(p);
    disk_free();
    sees(p, "✗ failed +exit 1");
    quit(p);
    oracle_is("begin\nend\n");
    verify();
}

static void test_full_and_killed(void **state)
{
    (void)state;
    struct pty *p = console();
    fill_during_a_step(p);
    pty_signal(p, SIGKILL);
    pty_free(p);
    p = console();
    sees(p, "JOURNAL IN TROUBLE");
    disk_free();
    if (!pty_wait_gone(p, "JOURNAL IN TROUBLE", LONG_MS))
        fail_with_screen(p, "there is room, and it doesn't go on");
    pty_type(p, "r");
    sees(p, "interrupted");
    pty_type(p, "\r\r");
    sees(p, "failed +exit 1|exit 1");
    quit(p);
    oracle_is("begin\nend\n");
    verify();
}

/* Confirmed with the last bytes gone: nothing starts, and later everything does. */
static void test_full_at_the_confirmation(void **state)
{
    (void)state;
    struct pty *p = console();
    start_run(p);
    disk_fill();
    confirm(p);
    sees(p, "JOURNAL IN TROUBLE");
    oracle_is("");
    disk_free();
    if (!pty_wait_gone(p, "JOURNAL IN TROUBLE", LONG_MS))
        fail_with_screen(p, "there is room, and it doesn't go on");
    oracle_is("");
    for (int tries = 0; tries < 40 && !pty_matches(p, "Type  yes"); tries++) {
        pty_type(p, "\r");
        pty_wait(p, "Type  yes", 500);
    }
    sees(p, "Type  yes");
    open_gate();
    confirm(p);
    sees(p, "✗ failed +exit 1");
    quit(p);
    oracle_is("begin\nend\n");
    verify();
}

static void test_read_only_disk(void **state)
{
    (void)state;
    assert_true(small_disk_writable(rig.state, false));
    rig_state_small(&rig, "Dead");
    struct pty *p = console();
    sees(p, "JOURNAL IN TROUBLE.*Read-only");
    sees(p, "docs/shard-5.*Dead");
    pty_type(p, "nlost words\r");
    sees(p, "refused|nothing acts");
    assert_true(small_disk_writable(rig.state, true));
    if (!pty_wait_gone(p, "JOURNAL IN TROUBLE", LONG_MS))
        fail_with_screen(p, "it can be written, and it doesn't go on");
    escape(p, 2);
    open_gate();
    start_run(p);
    confirm(p);
    sees(p, "✗ failed +exit 1");
    quit(p);
    oracle_is("begin\nend\n");
    verify();
}

/* ---- line mode */

static struct pty *line_mode(const char *verb)
{
    const char *words[] = {"runbook", verb, "--line", str_eq(verb, "run") ? document : NULL, NULL};
    return rig_run(&rig, BELAY, &(struct rig_start){.arguments = words, .width = 120, .height = 36});
}

static void test_line_mode_full_while_a_step_runs(void **state)
{
    (void)state;
    struct pty *p = line_mode("run");
    sees(p, "Type yes");
    pty_run(p, 700);
    pty_type(p, "yes\n");
    oracle_await(p, "begin\n");
    disk_fill();
    open_gate();
    oracle_await(p, "begin\nend\n");
    sees(p, "the journal can't be written");
    disk_free();
    sees(p, "the journal can be written again");
    sees(p, "Your choice");
    if (!pty_matches(p, "exit 1"))
        fail_with_screen(p, "the outcome is not told");
    pty_type(p, "stop that is enough\n");
    if (pty_wait_end(p, LONG_MS) != 1)
        fail_with_screen(p, "line mode did not end with 1");
    pty_free(p);
    oracle_is("begin\nend\n");
    verify();
}

static void test_line_mode_full_at_the_confirmation(void **state)
{
    (void)state;
    struct pty *p = line_mode("run");
    sees(p, "Type yes");
    pty_run(p, 700);
    disk_fill();
    pty_type(p, "yes\n");
    sees(p, "the journal can't be written");
    uint64_t before = pty_byte_count(p);
    pty_run(p, 1500);
    if (pty_byte_count(p) - before > 400)
        fail_with_screen(p, "it floods the terminal while it waits");
    disk_free();
    sees(p, "the journal can be written again(.|\n)*Type yes");
    oracle_is("");
    open_gate();
    pty_run(p, 700);
    pty_type(p, "yes\n");
    sees(p, "Your choice");
    pty_type(p, "stop that is enough\n");
    if (pty_wait_end(p, LONG_MS) != 1)
        fail_with_screen(p, "line mode did not end with 1");
    pty_free(p);
    oracle_is("begin\nend\n");
    verify();
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
