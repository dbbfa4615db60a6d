/* While the page of an acting step is open a supervisor waits, which knows nothing of the step yet.
 * Confirming uses it; nothing else leaves anything of it. */
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/ioctl.h>

#include "tests/crash/supervisors.h"
#include "tests/screen/walk.h"

static const char document[] =
    "# Drain the queue\n\n"
    "## Target\n\n"
    "```bash {name=TARGET kind=verify}\n"
    "echo shard-5\n"
    "```\n\n"
    "## Drain it\n\n"
    "```bash {name=drain pre=TARGET timeout=2m}\n"
    "echo \"begin $TARGET $BELAY_INCIDENT $BELAY_OUTCOME_TARGET\" >> \"$ORACLE\"\n" WALK_AT_GATE
    "echo end >> \"$ORACLE\"\n"
    "```\n";

#define BEGAN "begin shard-5 INC-1 ok\n"

WALK_FIXTURE(document)

/* Of whatever name. */
static size_t spool_count(void)
{
    char *path = path_join(walk.rig.state, "belay/rig/spool");
    DIR *spool = opendir(path);
    size_t count = 0;
    for (const struct dirent *entry; spool && (entry = readdir(spool));)
        count += !str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..");
    if (spool)
        closedir(spool);
    free(path);
    return count;
}

/* The one that was there before its step was confirmed; not that of a precheck, which may be leaving. */
static pid_t ready_find(void)
{
    char *folder = path_join(walk.rig.state, "belay/rig/spool/r1-p");
    pid_t pid = supervisor_find(folder);
    free(folder);
    return pid;
}

static pid_t waits_await(struct pty *p)
{
    int64_t end = clock_monotonic_us() + WALK_MS * US_PER_MS;
    while ((spool_count() != 1 || ready_find() == 0) && clock_monotonic_us() < end)
        pty_run(p, 20);
    pid_t pid = ready_find();
    if (spool_count() != 1 || pid == 0)
        fail_with_screen(p, "%zu folders in the spool, supervisor %d", spool_count(), (int)pid);
    assert_int_equal(supervisor_child(pid), 0);
    return pid;
}

static bool is_left(void)
{
    return spool_count() > 0 || supervisor_find(walk.rig.folder) > 0;
}

/* p: a console that lives meanwhile; NULL: there is none, nor will one tidy up. */
static void nothing_left_await(struct pty *p)
{
    int64_t end = clock_monotonic_us() + WALK_MS * US_PER_MS;
    while (is_left() && clock_monotonic_us() < end)
        if (p)
            pty_run(p, 20);
        else
            usleep(20000);
    assert_false(is_left());
}

/* Does the timeline say so? */
static void journal_is(const char *text, bool there)
{
    const char *words[] = {"timeline", "--json", "--config", "belay.yaml", NULL};
    struct pty *p =
        rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words, .width = 250, .height = 60});
    assert_int_equal(pty_wait_end(p, WALK_MS), 0);
    size_t length;
    const char *bytes = pty_bytes(p, &length);
    bool seen = memmem(bytes, length, text, strlen(text));
    pty_free(p);
    assert_int_equal(seen, there);
}

/* The page that is shown works as ever: the step is confirmed, runs once, and leaves nothing. */
static void confirmed_it_runs(struct pty *p, bool console)
{
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, BEGAN);
    walk_open_gate(&walk);
    if (console) {
        nothing_left_await(p);
        walk_quit(p);
    } else {
        walk_ends(p, 0);
        nothing_left_await(NULL);
    }
    walk_oracle_is(&walk, BEGAN "end\n");
    walk_verify(&walk, BELAY);
}

static void test_confirming_uses_the_one_that_waits(void **state)
{
    (void)state;
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type +yes");
    pid_t waits = waits_await(p);
    journal_is("Drain it: act begins", false);
    walk_oracle_is(&walk, "");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, BEGAN);
    assert_int_equal(ready_find(), waits);
    assert_true(supervisor_child(waits) > 0);
    journal_is("Drain it: act begins", true);
    walk_open_gate(&walk);
    walk_ends(p, 0);
    walk_oracle_is(&walk, BEGAN "end\n");
    nothing_left_await(NULL);
    walk_verify(&walk, BELAY);
}

static void test_leaving_the_page_leaves_nothing(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Drain the queue", "Type  yes");
    pid_t first = waits_await(p);
    walk_escape(p, 1);
    walk_sees_gone(p, "Type  yes");
    nothing_left_await(p);
    walk_to_page(p, "Type  yes");
    assert_int_not_equal(waits_await(p), first);
    confirmed_it_runs(p, true);
}

static void test_quitting_leaves_nothing(void **state)
{
    (void)state;
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type +yes");
    waits_await(p);
    pty_type(p, "stop\r");
    walk_ends(p, 1);
    nothing_left_await(NULL);
    walk_oracle_is(&walk, "");
    walk_verify(&walk, BELAY);
}

/* What was typed behind fg, when the shell was on the screen, is no answer to the page that comes back. */
static void test_keys_for_the_shell_confirm_nothing(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Drain the queue", "Type  yes");
    pty_run(p, 700);
    pty_type(p, "\x1a");
    assert_true(pty_wait_stopped(p, WALK_MS));
    pty_continue(p, true);
    pty_type(p, "yes\r");
    pty_run(p, 700);
    walk_sees(p, "Type  yes");
    walk_oracle_is(&walk, "");
    confirmed_it_runs(p, true);
}

/* Nor what was typed while something else had stopped the console. */
static void test_keys_for_a_stopped_console_confirm_nothing(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Drain the queue", "Type  yes");
    pty_run(p, 700);
    pty_signal(p, SIGSTOP);
    assert_true(pty_wait_stopped(p, WALK_MS));
    pty_type(p, "yes\r");
    pty_continue(p, true);
    walk_sees(p, "thrown away");
    walk_oracle_is(&walk, "");
    confirmed_it_runs(p, true);
}

/* The console has said cancel to the one step that there is. */
static void word_await(struct pty *p)
{
    char *pattern = path_join(walk.rig.state, "belay/rig/spool/r1-*/control");
    int64_t end = clock_monotonic_us() + WALK_MS * US_PER_MS;
    glob_t found;
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    int fifo = open(found.gl_pathv[0], O_RDWR | O_NONBLOCK | O_CLOEXEC), bytes = 0;
    while (ioctl(fifo, FIONREAD, &bytes) == 0 && bytes == 0 && clock_monotonic_us() < end)
        pty_run(p, 20);
    assert_true(bytes > 0);
    close(fifo);
    globfree(&found);
    free(pattern);
}

/* Confirmed, and cancelled before its supervisor heard of either: what is said is why nothing ran. */
static void test_cancelled_before_it_started(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Drain the queue", "Type  yes");
    pid_t waits = waits_await(p);
    assert_int_equal(kill(waits, SIGSTOP), 0);
    walk_confirm(p, "yes\r");
    walk_sees(p, "▶ acting");
    pty_type(p, "\x03");
    walk_sees(p, "c +cancel");
    pty_type(p, "c");
    word_await(p);
    assert_int_equal(kill(waits, SIGCONT), 0);
    walk_sees(p, "not started: cancelled before it started");
    walk_oracle_is(&walk, "");
    walk_quit(p);
    nothing_left_await(NULL);
    journal_is("cancelled before it started", true);
    walk_verify(&walk, BELAY);
}

/* Without another start that would tidy up; and the run goes on in the next console. */
static void test_a_killed_console_leaves_nothing(void **state)
{
    (void)state;
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type +yes");
    waits_await(p);
    pty_signal(p, SIGKILL);
    pty_free(p);
    nothing_left_await(NULL);
    walk_oracle_is(&walk, "");
    p = walk_line_mode(&walk, BELAY, "resume");
    walk_sees(p, "Type +yes");
    confirmed_it_runs(p, false);
}

/* Both at once: its folder is the next console's to remove. */
static void test_a_killed_supervisor_is_no_obstacle(void **state)
{
    (void)state;
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type +yes");
    pid_t waits = waits_await(p);
    pty_signal(p, SIGSTOP);
    assert_true(pty_wait_stopped(p, WALK_MS));
    assert_int_equal(kill(waits, SIGKILL), 0);
    pty_signal(p, SIGKILL);
    pty_free(p);
    assert_int_equal(spool_count(), 1);
    p = walk_line_mode(&walk, BELAY, "resume");
    walk_sees(p, "Type +yes");
    waits = waits_await(p);
    assert_int_equal(kill(waits, SIGKILL), 0);
    nothing_left_await(p);
    confirmed_it_runs(p, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_confirming_uses_the_one_that_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_leaving_the_page_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quitting_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_for_the_shell_confirm_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_for_a_stopped_console_confirm_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancelled_before_it_started, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_killed_console_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_killed_supervisor_is_no_obstacle, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
