/* The five minutes of the README, at a faster clock: the demo opens, a shard dies, the runbook is offered and
 * walked, all turns ok, the timeline is exported and holds what happened. */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

#define PATIENCE_MS 60000 /* a loaded machine is slow */

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_open(&rig);
    return chdir(rig.folder);
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void expect_within(struct pty *p, const char *pattern, int ms)
{
    if (!pty_wait(p, pattern, ms))
        fail_with_screen(p, "never on the screen: %s", pattern);
}

/* Opens the page of the next acting step, up to what it asks for. */
static void open_page(struct pty *p, const char *title, const char *prompt)
{
    for (int tries = 0; tries < 120 && !pty_matches(p, prompt); tries++) {
        if (pty_matches(p, "lines? of it to be seen"))
            pty_type(p, "\x1b[6~"); /* PgDn: all of it has to have been on the screen */
        else if (pty_matches(p, "goes there|Enter to read|waits"))
            pty_type(p, "\r");
        pty_wait(p, prompt, 500);
    }
    expect_within(p, prompt, PATIENCE_MS);
    if (!pty_matches(p, title))
        fail_with_screen(p, "not the page of %s", title);
}

static void confirm(struct pty *p, const char *title, const char *prompt, const char *typed)
{
    open_page(p, title, prompt);
    type_confirmation(p, typed);
}

static struct pty *demo_start(void)
{
    struct pty *p = rig_run(
        &rig, BELAY,
        &(struct rig_start){
            .arguments = (const char *const[]){"demo", "--speed", "2", NULL}, .width = 120, .height = 40});
    expect_within(p, "DEMO", PATIENCE_MS);
    return p;
}

/* The folder that the demo's processes share; false when there is none. */
static bool stage_folder(char folder[static 64])
{
    char link[128];
    snprintf(link, sizeof link, "%s/belay/demo", rig.state);
    ssize_t length = readlink(link, folder, 63);
    if (length > 0)
        folder[length] = '\0';
    return length > 0;
}

/* Processes that name the folder in their arguments or their environment: simulation, supervisors, steps. */
static int stage_processes(const char *folder)
{
    int count = 0;
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        static const char *const files[] = {"cmdline", "environ"};
        bool names = false;
        for (size_t i = 0; i < 2 && entry->d_name[0] >= '0' && entry->d_name[0] <= '9'; i++) {
            struct str text = {0};
            char *path = xasprintf("/proc/%s/%s", entry->d_name, files[i]);
            names |= file_read(path, 1u << 20, &text, NULL) == 0 && text.len > 0 &&
                     memmem(text.data, text.len, folder, strlen(folder));
            str_fini(&text);
            free(path);
        }
        count += names;
    }
    if (processes)
        closedir(processes);
    return count;
}

/* By its listening socket; the simulation was forked and has the arguments of its console. */
static bool stage_answers(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.64s/simulation", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return answers;
}

static void expect_nothing_left(const char *folder)
{
    int64_t end = clock_monotonic_us() + PATIENCE_MS * US_PER_MS;
    while (clock_monotonic_us() < end && (access(folder, F_OK) == 0 || stage_processes(folder) > 0))
        usleep(50000);
    assert_int_equal(access(folder, F_OK), -1);
    assert_int_equal(stage_processes(folder), 0);
    assert_false(stage_answers(folder));
    char other[64];
    assert_false(stage_folder(other));
}

static void quit_demo(struct pty *p)
{
    pty_type(p, ESCAPE "q");
    if (pty_wait_end(p, 1500) < 0)
        pty_type(p, "q");
    int status = pty_wait_end(p, PATIENCE_MS);
    if (status != 0)
        fail_with_screen(p, "the demo ended with %d", status);
    pty_free(p);
}

/* From the runbook's offer to its first page. */
static void start_runbook(struct pty *p)
{
    expect_within(p, "offered Vector store shard down", 2 * PATIENCE_MS);
    expect_within(p, "docs/shard-5 Dead", PATIENCE_MS);
    pty_type(p, "r");
    expect_within(p, "offered .*docs/shard-5", PATIENCE_MS);
    pty_type(p, "\r");
    expect_within(p, "Enter starts a run", PATIENCE_MS);
    pty_type(p, "\r");
    expect_within(p, "✓ +2 .*|step 3 of", PATIENCE_MS);
}

/* Up to where the restore has been confirmed. */
static void walk_to_restore(struct pty *p)
{
    start_runbook(p);
    confirm(p, "Take the shard out of service", "Press  y", "y");
    expect_within(p, "✓ ok", PATIENCE_MS);
    confirm(p, "If it fails: the run goes on", "Re-open the index(.|\n)*Press  y", "y");
    expect_within(p, "✗ failed", PATIENCE_MS);
    /* A command whose end nobody has seen can't be confirmed, however right the word is. */
    open_page(p, "Restore the newest snapshot", "lines? of it to be seen");
    pty_type(p, "shard-5\r");
    expect_within(p, "not yet: [0-9]+ lines of the command", PATIENCE_MS);
    confirm(p, "Restore the newest snapshot", "Type  shard-5", "shard-5\r");
}

/* The screen in the README is this demo's: its panels and its bar of keys. */
static void expect_readme_is_current(struct pty *p)
{
    struct str text = {0};
    struct err e = {0};
    if (file_read(SOURCE_DIR "/README.md", 1u << 20, &text, &e) < 0)
        fail_msg("%s", e.msg);
    expect_within(p, "q quit", PATIENCE_MS); /* the last of a frame */
    char *rest = strstr(str_text(&text), "```\n belay "), *line;
    assert_non_null(rest);
    strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n")) && !str_eq(line, "```")) {
        if (str_starts(line, " ? help") && !strstr(pty_screen(p), line))
            fail_with_screen(p, "the README has other keys: %s", line);
        static const char *const titles[] = {"1 Breakers",    "2 Fallback hits", "3 Shards",
                                             "4 Checkpoints", "5 Runbook",       "6 Timeline"};
        for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
            if (strstr(line, titles[i]) && !pty_matches(p, titles[i]))
                fail_with_screen(p, "the README has %s", titles[i]);
    }
    str_fini(&text);
}

static void test_walk(void **state)
{
    (void)state;
    struct pty *p = demo_start();
    expect_readme_is_current(p);
    expect_within(p, "snapshots +chunks 19h ● +docs 6h ● +drill 12d ●", PATIENCE_MS);
    walk_to_restore(p);
    expect_within(p, "✓ ok", 3 * PATIENCE_MS);
    confirm(p, "Reintroduce the shard", "Press  y", "y");
    expect_within(p, "✓ ok", PATIENCE_MS);
    pty_type(p, ":export\r");
    expect_within(p, "wrote belay-INC-1.md", PATIENCE_MS);
    assert_int_equal(file_write_atomic("belay-INC-1.md", "mine", 4, 0600, NULL), 0);
    pty_type(p, ":export\r");
    expect_within(p, "wrote belay-INC-1-2.md", PATIENCE_MS);
    pty_type(p, ESCAPE ESCAPE ESCAPE);
    expect_within(p, "PROBLEMS +● none", 3 * PATIENCE_MS);
    char folder[64];
    assert_true(stage_folder(folder));
    quit_demo(p);
    expect_nothing_left(folder);

    struct str text = {0};
    struct err e = {0};
    assert_int_equal(file_read("belay-INC-1.md", 1u << 20, &text, &e), 0);
    assert_string_equal(str_text(&text), "mine"); /* edited since, or of another platform: it stays */
    str_clear(&text);
    assert_int_equal(file_read("belay-INC-1-2.md", 1u << 20, &text, &e), 0);
    static const char *const told[] = {"INC-1",
                                       "shard docs/shard-5 Active",
                                       "Re-open the index",
                                       "Input/output error",
                                       "Restore the newest snapshot",
                                       "kubectl"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!strstr(str_text(&text), told[i]))
            fail_msg("the export does not tell: %s\n%s", told[i], str_text(&text));
    str_fini(&text);
}

/* Into safe mode by one command of the console: the runbook's pages are confirmed, the header shows what the
 * platform says then, and so does the timeline. */
static void test_safe_mode(void **state)
{
    (void)state;
    struct pty *p = rig_run(
        &rig, BELAY,
        &(struct rig_start){
            .arguments = (const char *const[]){"demo", "--speed", "5", NULL}, .width = 80, .height = 24});
    expect_within(p, "safe mode off", PATIENCE_MS);
    pty_type(p, ":safe-mode leave\r");
    expect_within(p, "safe mode is off", PATIENCE_MS);
    pty_type(p, ":safe-mode enter\r");
    confirm(p, "Safe mode on", "Press  y", "y");
    expect_within(p, "safe(:| mode) ON", 2 * PATIENCE_MS);
    expect_within(p, "✓ ok", PATIENCE_MS);
    pty_type(p, ESCAPE ESCAPE ESCAPE);
    pty_type(p, "6");
    expect_within(p, "component safe-mode (off|partly) → on", PATIENCE_MS);
    quit_demo(p);
}

/* The main promise, tried on the demo itself: kill -9 of its console in the middle of the restore; the next
 * demo finds the platform and the step, which went on. */
static void test_killed_and_found_again(void **state)
{
    (void)state;
    char folder[64], same[64];
    struct pty *p = demo_start();
    walk_to_restore(p);
    expect_within(p, "restor.*[0-9]", PATIENCE_MS);
    assert_true(stage_folder(folder));
    pty_signal(p, SIGKILL);
    pty_wait_end(p, 5000);
    pty_free(p);
    assert_true(stage_processes(folder) > 0);                             /* the step */
    const char *others[] = {"demo", "--speed", "2", "--seed", "2", NULL}; /* not asked for: it waits on */
    p = rig_run(&rig, BELAY, &(struct rig_start){.arguments = others, .width = 120, .height = 40});
    expect_within(p, "a new demo; the one that lost its console waits 2 min for: shard seed 1 speed 2",
                  PATIENCE_MS);
    quit_demo(p);
    p = demo_start();
    expect_within(p, "found again", PATIENCE_MS);
    assert_true(stage_folder(same));
    assert_string_equal(folder, same);
    pty_type(p, "r");
    expect_within(p, "Enter reads one", PATIENCE_MS);
    expect_within(p, "(interrupted|under way) +Vector store.*vector-store-shard-", PATIENCE_MS);
    expect_within(p, "▸ (interrupted|under way)", PATIENCE_MS);
    pty_type(p, "\r");
    expect_within(p, "Restore the newest snapshot", PATIENCE_MS);
    confirm(p, "Reintroduce the shard", "Press  y", "y");
    expect_within(p, "✓ ok", 2 * PATIENCE_MS);
    quit_demo(p);
    expect_nothing_left(folder);
}

/* q in the middle of a step: the demo ends, and the step with it. */
static void test_quit_in_the_middle(void **state)
{
    (void)state;
    char folder[64];
    struct pty *p = demo_start();
    walk_to_restore(p);
    expect_within(p, "restor.*[0-9]", PATIENCE_MS);
    assert_true(stage_folder(folder));
    quit_demo(p);
    expect_nothing_left(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_safe_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_and_found_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quit_in_the_middle, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
