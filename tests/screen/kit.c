/* The toolkit on a real tty, by a small program: what the console inherits. */
#include <signal.h>

#include "tests/screen/expect.h"

static struct pty *start(const char *const *environment, const char *term, int width, int height)
{
    static const char *const argv[] = {KIT_DEMO, NULL};
    return pty_start(&(struct pty_options){
        .argv = argv, .environment = environment, .term = term, .width = width, .height = height});
}

static int setup(void **state)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "/tmp/belay-screen-XXXXXX");
    assert_non_null(mkdtemp(folder));
    setenv("XDG_RUNTIME_DIR", folder, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    folder_remove(*state, NULL);
    return 0;
}

static void test_keys_arrive(void **state)
{
    (void)state;
    struct pty *p = start(NULL, NULL, 80, 24);
    expect_screen(p, "size 80x24");
    static const struct {
        const char *bytes, *name;
    } keys[] = {{"a", "key a "},
                {"\x1b[A", "key Up"},
                {"\x1bOB", "key Down"},
                {"\r", "key Enter"},
                {"\x1b[5~", "key PgUp"},
                {"\x0b", "key Ctrl-K"},
                {"\x1bOP", "key F1"},
                {"\xC3\xA9", "key \xC3\xA9"},
                {"\x1b[1;5D", "Ctrl-Left"},
                {"\x1b[200~y\x1b[201~", "key Paste y"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        pty_type(p, keys[i].bytes);
        expect_screen(p, keys[i].name);
    }
    int64_t start_us = clock_monotonic_us();
    pty_type(p, "\x1b");
    expect_screen(p, "key Esc");
    int64_t took = clock_monotonic_us() - start_us;
    print_message("Esc took %.1f ms\n", (double)took / 1000);
    assert_in_range(took, 24000, 200000);
    pty_type(p, "\x1b]11;rgb:0000/0000/0000\x07\x1b[<0;5;5M");
    pty_type(p, "z");
    expect_screen(p, "key z");
    expect_screen(p, "count 12"); /* reports are no keys */
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_restored_after(void **state)
{
    (void)state;
    static const struct {
        int signal, status;
        const char *key;
    } ways[] = {{0, 0, "q"},
                {SIGTERM, 128 + SIGTERM, NULL},
                {SIGINT, 128 + SIGINT, NULL},
                {SIGABRT, 128 + SIGABRT, NULL},
                {0, 128 + SIGABRT, "!"},
                {SIGSEGV, 128 + SIGSEGV, NULL}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct pty *p = start(NULL, NULL, 80, 24);
        expect_screen(p, "count 0");
        assert_true(pty_alternate(p));
        assert_false(pty_cursor_shown(p));
        struct termios raw;
        pty_modes(p, &raw);
        assert_false(raw.c_lflag & (ICANON | ECHO | ISIG));
        if (ways[i].key)
            pty_type(p, ways[i].key);
        else
            pty_signal(p, ways[i].signal);
        expect_end(p, ways[i].status);
        expect_restored(p);
        pty_free(p);
    }
}

static void test_stop_and_go_on(void **state)
{
    (void)state;
    struct pty *p = start(NULL, NULL, 80, 24);
    expect_screen(p, "count 0");
    for (int round = 0; round < 3; round++) {
        if (round == 1)
            pty_type(p, "\x1a");
        else
            pty_signal(p, SIGTSTP);
        assert_true(pty_wait_stopped(p, EXPECT_MS));
        pty_run(p, 20);
        expect_restored(p);
        pty_resize(p, 80 + round, 24);
        pty_continue(p, true);
        char size[32];
        snprintf(size, sizeof size, "size %dx24", 80 + round);
        expect_screen(p, size);
        assert_true(pty_alternate(p));
    }
    /* Woken in the background it neither draws nor stops the shell; in the foreground again it does. */
    pty_signal(p, SIGTSTP);
    assert_true(pty_wait_stopped(p, EXPECT_MS));
    pty_run(p, 20);
    pty_continue(p, false);
    pty_run(p, 200);
    assert_false(pty_alternate(p));
    pty_continue(p, true);
    expect_screen(p, "size 82x24");
    pty_type(p, "k");
    expect_screen(p, "key k");
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_hang_up(void **state)
{
    (void)state;
    struct pty *p = start(NULL, NULL, 80, 24);
    expect_screen(p, "count 0");
    pty_hang_up(p);
    assert_true(pty_wait_end(p, EXPECT_MS) >= 0);
    pty_free(p);
}

static void test_every_size(void **state)
{
    (void)state;
    struct pty *p = start(NULL, NULL, 80, 24);
    static const int sizes[][2] = {{120, 36}, {200, 50}, {40, 10}, {13, 5},  {3, 3},
                                   {2, 2},    {1, 1},    {1, 50},  {200, 1}, {80, 24}};
    expect_screen(p, "size 80x24");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        pty_resize(p, sizes[i][0], sizes[i][1]);
        char size[32];
        snprintf(size, sizeof size, "size %dx%d", sizes[i][0], sizes[i][1]);
        if (sizes[i][0] >= 13 && sizes[i][1] >= 4)
            expect_screen(p, size);
        else
            assert_true(pty_wait_quiet(p, 50, EXPECT_MS));
    }
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_a_storm_of_sizes(void **state)
{
    (void)state;
    struct pty *p = start(NULL, NULL, 80, 24);
    struct rng rng;
    rng_seed(&rng, 4);
    expect_screen(p, "size 80x24");
    for (int i = 0; i < 100; i++) {
        pty_resize(p, (int)rng_below(&rng, 200) + 1, (int)rng_below(&rng, 60) + 1);
        pty_run(p, (int)rng_below(&rng, 3));
    }
    pty_resize(p, 77, 22);
    expect_screen(p, "size 77x22");
    /* The picture is whole, not a mixture. */
    pty_wait_quiet(p, 50, EXPECT_MS);
    struct str before = {0};
    str_add(&before, pty_screen(p));
    pty_type(p, "\x0c");
    expect_screen(p, "Ctrl-L");
    assert_true(pty_matches(p, "^\xE2\x94\x94.*2s \xE2\x94\x80\xE2\x94\x80\xE2\x94\x98$"));
    assert_int_equal(strlen(str_text(&before)) > 0, 1);
    str_fini(&before);
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_a_stalled_reader(void **state)
{
    (void)state;
    struct pty *p = start(NULL, NULL, 200, 50);
    expect_screen(p, "count 0");
    pty_stall(p, true);
    /* Redraws fill the tty; keys go on being read. */
    for (int i = 0; i < 200; i++) {
        pty_type(p, "\x0c");
        pty_run(p, 1);
    }
    pty_type(p, "e");
    pty_run(p, 50);
    pty_stall(p, false);
    expect_screen(p, "count 201");
    expect_screen(p, "key e");
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_nothing_changes_nothing_is_written(void **state)
{
    (void)state;
    struct pty *p = start(NULL, NULL, 160, 48);
    expect_screen(p, "count 0");
    assert_true(pty_wait_quiet(p, 50, EXPECT_MS));
    uint64_t before = pty_byte_count(p);
    pty_run(p, 500);
    assert_int_equal(pty_byte_count(p), before);
    /* A signal that changes nothing. */
    pty_signal(p, SIGWINCH);
    pty_run(p, 200);
    assert_int_equal(pty_byte_count(p), before);
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_kill_9_is_mended(void **state)
{
    (void)state;
    /* Both run on the same tty: the shell starts the second when the first is dead. */
    static const char *const argv[] = {"sh", "-c",
                                       KIT_DEMO "; stty -a | tr ';' '\\n' | grep -wo -- '-icanon'; " KIT_DEMO
                                                "; stty -a | tr ' ' '\\n' | grep -x icanon",
                                       NULL};
    struct pty *p = pty_start(&(struct pty_options){.argv = argv});
    expect_screen(p, "count 0");
    char command[128];
    snprintf(command, sizeof command, "pkill -KILL -P %d -x kit_demo", (int)pty_pid(p));
    assert_int_equal(system(command), 0);
    expect_bytes(p, "-icanon"); /* what was left behind */
    expect_screen(p, "count 0");
    pty_wait_quiet(p, 100, EXPECT_MS);
    pty_type(p, "q");
    expect_end(p, 0); /* grep found icanon */
    expect_restored(p);
    pty_free(p);
}

static void test_poor_terminals(void **state)
{
    (void)state;
    static const char *const no_color[] = {"NO_COLOR=1", NULL}, *const ascii[] = {"LC_ALL=C", NULL};
    static const struct {
        const char *term;
        const char *const *environment;
        bool colours, ascii;
    } cases[] = {{"xterm-256color", NULL, true, false}, {"xterm-256color", no_color, false, false},
                 {"xterm-256color", ascii, true, true}, {"vt100", ascii, false, true},
                 {"linux", NULL, true, false},          {"no-such-terminal", NULL, true, false},
                 {"screen", NULL, true, false},         {"tmux-256color", NULL, true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pty *p = start(cases[i].environment, cases[i].term, 80, 24);
        expect_screen(p, "count 0");
        assert_true(pty_matches(p, cases[i].ascii ? "^\\+ kit demo -- \\+ ready" : "^\xE2\x94\x8C kit demo"));
        pty_wait_quiet(p, 50, EXPECT_MS);
        assert_int_equal(pty_coloured(p), cases[i].colours);
        if (!cases[i].colours)
            assert_true(pty_cell_bits(p, 3, 3) != 0); /* the selection is seen all the same */
        pty_type(p, "\x1b[A");
        expect_screen(p, "key Up");
        pty_type(p, "q");
        expect_end(p, 0);
        pty_free(p);
    }
    struct pty *p = start(NULL, "dumb", 80, 24);
    expect_end(p, 2);
    assert_true(pty_matches(p, "can't address its cursor"));
    pty_free(p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_keys_arrive),      TEST(test_restored_after),
        TEST(test_stop_and_go_on),   TEST(test_hang_up),
        TEST(test_every_size),       TEST(test_a_storm_of_sizes),
        TEST(test_a_stalled_reader), TEST(test_nothing_changes_nothing_is_written),
        TEST(test_kill_9_is_mended), TEST(test_poor_terminals),
    };
    return cmocka_run_group_tests_name("kit", tests, NULL, NULL);
}
