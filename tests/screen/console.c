/* The console of the release on a real tty: how it starts, what it leaves, what it costs while nothing
 * happens, and what a bad terminal or a bad link does to it. */
#include <signal.h>
#include <time.h>

#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_open(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static struct pty *open_console(const struct rig_start *start)
{
    struct pty *p = rig_run(&rig, BELAY, start);
    expect_screen(p, "1 Breakers");
    expect_screen(p, "llm-primary|2 ok|1 half");
    return p;
}

static void test_first_sight(void **state)
{
    (void)state;
    rig_state_small(&rig, "Dead");
    struct pty *p = open_console(&(struct rig_start){.width = 120, .height = 36});
    expect_screen(p, "rig");
    expect_screen(p, "USERS|Users");
    expect_screen(p, "PROBLEMS|Problems");
    expect_screen(p, "docs/shard-5.*Dead");
    expect_screen(p, "\\? help");
    expect_screen(p, "q quit");
    assert_true(pty_alternate(p));
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_restored_after(void **state)
{
    (void)state;
    static const struct {
        int signal;
        const char *keys;
        int status; /* -1: any but a crash */
    } ways[] = {{0, "q", 0},        {0, ":quit\r", 0},    {SIGTERM, NULL, -1},  {SIGHUP, NULL, -1},
                {SIGINT, NULL, -1}, {SIGABRT, NULL, 134}, {SIGSEGV, NULL, 139}, {SIGBUS, NULL, 135}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct pty *p = open_console(NULL);
        if (ways[i].keys)
            pty_type(p, ways[i].keys);
        else
            pty_signal(p, ways[i].signal);
        int status = pty_wait_end(p, EXPECT_MS);
        if (status < 0 || (ways[i].status >= 0 && status != ways[i].status) ||
            (ways[i].status < 0 && status > 128 && status - 128 != ways[i].signal))
            fail_with_screen(p, "way %zu ended with %d", i, status);
        expect_restored(p);
        pty_free(p);
    }
}

static void test_stop_and_go_on(void **state)
{
    (void)state;
    struct pty *p = open_console(NULL);
    for (int round = 0; round < 3; round++) {
        if (round == 1)
            pty_signal(p, SIGTSTP);
        else
            pty_type(p, "\x1a");
        assert_true(pty_wait_stopped(p, EXPECT_MS));
        pty_run(p, 20);
        expect_restored(p);
        pty_resize(p, 90 + round * 40, 30);
        pty_continue(p, true);
        expect_screen(p, "1 Breakers");
        expect_screen(p, "q quit");
        assert_true(pty_alternate(p));
    }
    pty_type(p, "?");
    expect_screen(p, "Keys");
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_dropped_link(void **state)
{
    (void)state;
    struct pty *p = open_console(NULL);
    pty_hang_up(p);
    /* No orphan that runs on for nobody. */
    assert_true(pty_wait_end(p, EXPECT_MS) >= 0);
    pty_free(p);
}

static void test_kill_9_is_mended(void **state)
{
    (void)state;
    char script[600];
    /* The second start is a command without a screen: it mends, too. */
    snprintf(script, sizeof script,
             "%s %s/belay.yaml; stty -a | tr ';' '\\n' | grep -wo -- -icanon; %s status --config "
             "%s/belay.yaml >/dev/null; "
             "stty -a | tr ' ' '\\n' | grep -x icanon",
             BELAY, rig.folder, BELAY, rig.folder);
    static const char *argv[] = {"sh", "-c", NULL, NULL};
    argv[2] = script;
    struct pty *p = pty_start(&(struct pty_options){.argv = argv});
    expect_screen(p, "q quit");
    char command[160];
    snprintf(command, sizeof command, "pkill -KILL -P %d '^belay'", (int)pty_pid(p));
    assert_int_equal(system(command), 0);
    expect_bytes(p, "-icanon");
    expect_end(p, 0);
    expect_restored(p);
    pty_free(p);
}

static void test_the_next_console_mends(void **state)
{
    (void)state;
    char script[400];
    snprintf(script, sizeof script,
             "%s %s/belay.yaml; echo killed; %s %s/belay.yaml; stty -a | tr ' ' '\\n' | grep -x icanon",
             BELAY, rig.folder, BELAY, rig.folder);
    static const char *argv[] = {"sh", "-c", NULL, NULL};
    argv[2] = script;
    struct pty *p = pty_start(&(struct pty_options){.argv = argv});
    expect_screen(p, "q quit");
    char command[160];
    snprintf(command, sizeof command, "pkill -KILL -P %d '^belay'", (int)pty_pid(p));
    assert_int_equal(system(command), 0);
    expect_bytes(p, "killed");
    expect_screen(p, "q quit");
    pty_wait_quiet(p, 300, EXPECT_MS);
    pty_type(p, "q");
    expect_end(p, 0);
    expect_restored(p);
    pty_free(p);
}

static void test_poor_terminals(void **state)
{
    (void)state;
    static const char *const no_color[] = {"NO_COLOR=1", NULL}, *const latin[] = {"LC_ALL=C", NULL};
    char config[128];
    snprintf(config, sizeof config, "%s/belay.yaml", rig.folder);
    const char *const option_ascii[] = {"--ascii", config, NULL}, *const option_mono[] = {"--no-color",
                                                                                          config, NULL};
    const struct {
        struct rig_start start;
        bool colours, ascii;
    } cases[] = {{{.environment = no_color}, false, false},
                 {{.environment = latin}, true, true},
                 {{.arguments = option_ascii}, true, true},
                 {{.arguments = option_mono}, false, false},
                 {{.term = "linux"}, true, false},
                 {{.term = "vt100"}, false, false},
                 {{.term = "no-such-terminal"}, true, false},
                 {{.term = "screen"}, true, false},
                 {{.term = "tmux-256color"}, true, false}};
    rig_state_small(&rig, "Dead");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig_start start = cases[i].start;
        start.width = 120;
        start.height = 36;
        struct pty *p = open_console(&start);
        expect_screen(p, "docs/shard-5.*Dead");
        pty_wait_quiet(p, 100, EXPECT_MS);
        if (pty_coloured(p) != cases[i].colours)
            fail_with_screen(p, "case %zu: colours %d", i, pty_coloured(p));
        bool high = false;
        for (const char *c = pty_screen(p); *c; c++)
            high |= (*c & 0x80) != 0;
        if (high == cases[i].ascii)
            fail_with_screen(p, "case %zu: ASCII %d", i, !high);
        expect_screen(p,
                      cases[i].ascii ? "X .*shard-5" : "\xE2\x9C\x97 .*shard-5"); /* told without a colour */
        pty_type(p, "\x1b[B\x1bq");
        pty_type(p, "q");
        expect_end(p, 0);
        pty_free(p);
    }
}

static void test_no_cursor_addressing(void **state)
{
    (void)state;
    struct pty *p = rig_run(&rig, BELAY, &(struct rig_start){.term = "dumb"});
    int status = pty_wait_end(p, EXPECT_MS);
    if (status < 0 || status > 3)
        fail_with_screen(p, "on a dumb terminal: %d", status);
    assert_false(pty_alternate(p));
    assert_true(strlen(pty_screen(p)) > 30);
    pty_free(p);
}

static void test_silence_costs_nothing(void **state)
{
    (void)state;
    struct pty *p = open_console(&(struct rig_start){.width = 160, .height = 48});
    pty_wait_quiet(p, 1500, 20000);
    /* The clock ticks at the full minute. */
    time_t now = time(NULL);
    if (60 - now % 60 < 7)
        pty_run(p, 9000);
    uint64_t before = pty_byte_count(p);
    pty_run(p, 5000);
    if (pty_byte_count(p) != before)
        fail_with_screen(p, "%llu bytes while nothing changed",
                         (unsigned long long)(pty_byte_count(p) - before));
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_hostile_names_stay_text(void **state)
{
    (void)state;
    rig_write(&rig, "state.json",
              "{\"breakers\":[{\"name\":\"a\\u001b[2J\\u202eb\",\"state\":\"OPEN\",\"rate\":1},{\"name\":"
              "\"c\\u009b31m\\ufeff\","
              "\"state\":\"CLOSED\"}],\"shards\":[{\"name\":\"\\u001b]0;owned\\u0007x\",\"state\":\"Dead\"}],"
              "\"jobs\":[],\"signals\":[],"
              "\"components\":[]}\n");
    struct pty *p = rig_run(&rig, BELAY, &(struct rig_start){.width = 160, .height = 48});
    expect_screen(p, "q quit");
    expect_screen(p, "<U\\+202E>|<U\\+001B>");
    size_t length;
    const char *bytes = pty_bytes(p, &length);
    assert_null(memmem(bytes, length, "owned\x07", 6));
    assert_null(memmem(bytes, length, "\xE2\x80\xAE", 3));
    assert_null(memmem(bytes, length, "\xC2\x9B", 2));
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_first_sight),           TEST(test_restored_after),
        TEST(test_stop_and_go_on),        TEST(test_dropped_link),
        TEST(test_kill_9_is_mended),      TEST(test_the_next_console_mends),
        TEST(test_poor_terminals),        TEST(test_no_cursor_addressing),
        TEST(test_silence_costs_nothing), TEST(test_hostile_names_stay_text),
    };
    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
