/* The terminal against a pty whose other end is in our hands. */
#include "tests/unit/kit/terminal_pty.h"

static void test_frames(void **state)
{
    struct pty *p = *state;
    struct termios before;
    tcgetattr(p->slave, &before);
    struct terminal *t = open_terminal(p);
    struct canvas *c = canvas_new(80, 24, terminal_ascii(t));
    struct str out = {0};
    assert_false(terminal_ascii(t));
    assert_int_equal(terminal_colours(t), 256);
    assert_int_equal(arrived(p, &out), 0); /* the screen isn't touched before the first frame */
    canvas_put(c, 3, 3, ROLE_DOWN, "shard docs/shard-5 Dead");
    canvas_put(c, 0, 23, ROLE_TEXT, "\xE2\x9C\x97 \xE6\xBC\xA2");
    assert_true(frame(p, t, c, &out) > 0);
    assert_non_null(strstr(str_text(&out), "shard docs/shard-5 Dead"));
    assert_non_null(strstr(str_text(&out), "\xE2\x9C\x97 \xE6\xBC\xA2"));
    assert_non_null(strstr(str_text(&out), "\x1b[?2004h"));
    /* Nothing different: not one byte, as often as it is drawn. */
    for (int i = 0; i < 10; i++)
        assert_int_equal(frame(p, t, c, &out), 0);
    canvas_clear(c, ROLE_TEXT);
    canvas_put(c, 3, 3, ROLE_DOWN, "shard docs/shard-5 Dead");
    canvas_put(c, 0, 23, ROLE_TEXT, "\xE2\x9C\x97 \xE6\xBC\xA2");
    assert_int_equal(frame(p, t, c, &out), 0);
    /* One letter costs a few bytes. */
    canvas_put(c, 3, 3, ROLE_DOWN, "S");
    assert_in_range(frame(p, t, c, &out), 1, 40);
    terminal_redraw(t);
    assert_true(frame(p, t, c, &out) > 30);
    canvas_cursor(c, 5, 5);
    assert_true(frame(p, t, c, &out) > 0);
    assert_int_equal(frame(p, t, c, &out), 0);
    terminal_close(t);
    str_clear(&out);
    arrived(p, &out);
    assert_non_null(strstr(str_text(&out), "\x1b[?1049l"));
    assert_non_null(strstr(str_text(&out), "\x1b[?2004l"));
    expect_modes(p, &before);
    assert_true(nothing_kept(p));
    str_fini(&out);
    canvas_free(c);
}

static void test_signals_and_environment_are_left_alone(void **state)
{
    struct pty *p = *state;
    setenv("LINES", "7", 1);
    unsetenv("COLUMNS");
    struct terminal *t = open_terminal(p);
    assert_string_equal(getenv("LINES"), "7");
    assert_null(getenv("COLUMNS"));
    assert_null(getenv("NCURSES_NO_PADDING"));
    static const int signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH, SIGCONT, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action;
        sigaction(signals[i], NULL, &action);
        assert_true(action.sa_handler == SIG_DFL);
    }
    int width, height;
    terminal_size(t, &width, &height);
    assert_int_equal(height, 24); /* the tty's, not the environment's */
    terminal_close(t);
    unsetenv("LINES");
}

/* Frames until the tty takes no more, for good: the kernel moves bytes on behind our back for a moment. */
static void stall(struct terminal *t, struct canvas *c)
{
    struct err e = {0};
    for (int frames = 0; frames < 1000; frames++) {
        canvas_fill(c, (struct rect){0, 0, 80, 24}, ROLE_TEXT, (uint32_t)('a' + frames % 26));
        terminal_redraw(t);
        terminal_draw(t, c);
        while (terminal_flush(t, &e) == 1) {
            struct pollfd wait = {.fd = terminal_fd(t), .events = POLLOUT};
            if (poll(&wait, 1, 100) == 0)
                return;
        }
    }
    fail_msg("the tty never stalls");
}

static void test_a_stalled_reader_costs_frames(void **state)
{
    struct pty *p = *state;
    struct terminal *t = open_terminal(p);
    struct canvas *c = canvas_new(80, 24, false);
    struct str out = {0};
    struct err e = {0};
    stall(t, c);
    size_t pending = terminal_pending(t);
    assert_true(pending > 0);
    /* Whatever changes now draws nothing and keeps nothing. */
    for (int i = 0; i < 100; i++) {
        canvas_fill(c, (struct rect){0, 0, 80, 24}, ROLE_TEXT, (uint32_t)('A' + i % 26));
        terminal_draw(t, c);
        assert_int_equal(terminal_flush(t, &e), 1);
        assert_int_equal(terminal_pending(t), pending);
    }
    /* The reader is back: the rest of the old frame, then the newest in one. */
    canvas_clear(c, ROLE_TEXT);
    canvas_put(c, 0, 0, ROLE_TEXT, "newest");
    while (terminal_flush(t, &e) == 1)
        arrived(p, &out);
    arrived(p, &out);
    frame(p, t, c, &out);
    assert_non_null(strstr(str_text(&out), "newest"));
    assert_int_equal(frame(p, t, c, &out), 0);
    /* Leaving while nobody reads takes its time, but no more. */
    stall(t, c);
    int64_t start = clock_monotonic_us();
    terminal_close(t);
    assert_true(clock_monotonic_us() - start < US_PER_S);
    str_fini(&out);
    canvas_free(c);
}

static void test_resizing(void **state)
{
    struct pty *p = *state;
    struct terminal *t = open_terminal(p);
    struct canvas *c = canvas_new(80, 24, false);
    struct str out = {0};
    static const struct winsize sizes[] = {{24, 80, 0, 0}, {48, 160, 0, 0},   {1, 1, 0, 0},  {2, 1, 0, 0},
                                           {1, 200, 0, 0}, {50, 200, 0, 0},   {3, 3, 0, 0},  {36, 120, 0, 0},
                                           {1, 2, 0, 0},   {900, 2000, 0, 0}, {24, 80, 0, 0}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ioctl(p->master, TIOCSWINSZ, &sizes[i]);
        assert_int_equal(terminal_resize(t), i > 0);
        assert_false(terminal_resize(t));
        int width, height;
        terminal_size(t, &width, &height);
        assert_in_range(width, 1, CANVAS_WIDTH_MAX);
        assert_in_range(height, 1, CANVAS_HEIGHT_MAX);
        frame(p, t, c, &out); /* a canvas of the old size does no harm */
        canvas_resize(c, width, height);
        for (int y = 0; y < height; y++)
            canvas_put(c, -1, y, ROLE_OK, "\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2 x");
        canvas_put(c, width - 1, height - 1, ROLE_DOWN, "\xE6\xBC\xA2");
        struct err e = {0};
        terminal_draw(t, c);
        while (terminal_flush(t, &e) == 1)
            arrived(p, &out);
        arrived(p, &out);
        assert_int_equal(frame(p, t, c, &out), 0);
    }
    terminal_close(t);
    str_fini(&out);
    canvas_free(c);
}

static struct terminal *open_as(struct pty *p, const char *term, struct err *e)
{
    *e = (struct err){0};
    return terminal_open(&(struct terminal_options){.path = p->path, .term = term}, e);
}

static void test_kinds_of_terminals(void **state)
{
    struct pty *p = *state;
    struct err e;
    struct termios before;
    tcgetattr(p->slave, &before);
    assert_null(open_as(p, "dumb", &e));
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    expect_modes(p, &before);
    struct terminal *t = open_as(p, "no-such-terminal", &e);
    assert_non_null(t);
    assert_string_equal(terminal_name(t), "xterm-256color");
    terminal_close(t);
    static const struct {
        const char *term;
        int colours;
    } cases[] = {{"linux", 8}, {"vt100", 0}, {"xterm-256color", 256}, {"screen", 8}, {"tmux-256color", 256}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct canvas *c = canvas_new(80, 24, false);
        struct str out = {0};
        t = open_as(p, cases[i].term, &e);
        assert_non_null(t);
        assert_string_equal(terminal_name(t), cases[i].term);
        assert_int_equal(terminal_colours(t), cases[i].colours);
        canvas_put(c, 0, 0, ROLE_DOWN, "down");
        frame(p, t, c, &out);
        assert_non_null(strstr(str_text(&out), "down"));
        assert_int_equal(frame(p, t, c, &out), 0);
        terminal_close(t);
        str_fini(&out);
        canvas_free(c);
    }
    setenv("NO_COLOR", "1", 1);
    t = open_as(p, NULL, &e);
    assert_int_equal(terminal_colours(t), 0);
    terminal_close(t);
    unsetenv("NO_COLOR");
    unsetenv("TERM");
    t = open_as(p, NULL, &e);
    assert_non_null(t);
    terminal_close(t);
    /* No terminal at all. */
    t = terminal_open(&(struct terminal_options){.path = "/dev/null"}, &e);
    assert_null(t);
    assert_int_equal(e.code, ERR_NOT_FOUND);
}

static void test_locales(void **state)
{
    struct pty *p = *state;
    static const struct {
        const char *name;
        bool ascii;
    } cases[] = {{"C", true},
                 {"POSIX", true},
                 {"en_US.ISO-8859-1", true},
                 {"C.UTF-8", false},
                 {"xx_YY.utf8@euro", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        setenv("LC_ALL", cases[i].name, 1);
        struct terminal *t = open_terminal(p);
        assert_int_equal(terminal_ascii(t), cases[i].ascii);
        struct canvas *c = canvas_new(80, 24, terminal_ascii(t));
        struct str out = {0};
        canvas_frame(c, ROLE_FRAME, "caf\xC3\xA9", "\xE2\x9C\x97", "2s");
        frame(p, t, c, &out);
        bool high = false;
        for (size_t b = 0; b < out.len; b++)
            high = high || (out.data[b] & 0x80);
        assert_int_equal(high, !cases[i].ascii);
        terminal_close(t);
        str_fini(&out);
        canvas_free(c);
    }
    setenv("LC_ALL", "C.UTF-8", 1);
}

static void test_hang_up(void **state)
{
    struct pty *p = *state;
    struct terminal *t = open_terminal(p);
    struct canvas *c = canvas_new(80, 24, false);
    struct err e = {0};
    char byte;
    assert_int_equal(terminal_read(t, &byte, 1, &e), 0); /* nothing there is not the end */
    assert_int_equal(write(p->master, "q", 1), 1);
    assert_int_equal(terminal_read(t, &byte, 1, &e), 1);
    assert_int_equal(byte, 'q');
    close(p->master);
    assert_int_equal(terminal_read(t, &byte, 1, &e), ERR_IO);
    terminal_draw(t, c);
    assert_int_equal(terminal_flush(t, &e), ERR_IO);
    int64_t start = clock_monotonic_us();
    terminal_close(t);
    assert_true(clock_monotonic_us() - start < US_PER_S);
    p->master = open("/dev/null", O_RDWR);
    canvas_free(c);
}

/* As full as a dashboard gets, in the shapes of ux.md: framed panels where there is room, else a line each.
 */
static void draw_row(struct canvas *c, int y)
{
    double values[8] = {1, 2, 3, 4, 3, 2, 1, y};
    canvas_put_glyph(c, 1, y, ROLE_DOWN, GLYPH_DOWN);
    canvas_put(c, 3, y, ROLE_TEXT, "llm-primary");
    canvas_put(c, 16, y, ROLE_DOWN, "OPEN");
    canvas_spark(c, 24, y, 8, ROLE_PLOT, values, 8, 0, 0);
    canvas_put(c, 34, y, ROLE_FAINT, "probe in 41s");
    if (y % 2 == 0)
        canvas_bar(c, 48, y, 20, ROLE_BAR, 0.6);
}

static void draw_full(struct canvas *c)
{
    int width = canvas_width(c), height = canvas_height(c);
    canvas_put(c, 1, 0, ROLE_HEADER, "rag-prod");
    canvas_restyle(c, (struct rect){0, 0, width, 1}, ROLE_HEADER);
    for (int y = 1; width < 120 && y < 16; y++)
        draw_row(c, y);
    for (int y = 6; width >= 120 && y + 10 < height; y += 10) {
        for (int half = 0; half < 2; half++) {
            struct canvas box = canvas_sub(c, (struct rect){half * width / 2, y, width / 2, 10});
            canvas_frame(&box, ROLE_FRAME, "1 Breakers", "1 open \xC2\xB7 11 closed", "2s");
            struct canvas in = canvas_inside(&box);
            for (int row = 0; row < 4; row++)
                draw_row(&in, row);
            for (int row = 4; row < 8; row++)
                canvas_put(&in, 1, row, ROLE_TEXT, "03:12:40 alice  reopen failed: exit 1 (IO error)");
        }
    }
}

static void test_budgets(void **state)
{
    struct pty *p = *state;
    static const struct {
        struct winsize size;
        size_t bytes;
    } cases[] = {{{24, 80, 0, 0}, 4096}, {{48, 160, 0, 0}, 12288}};
    for (size_t i = 0; i < 2; i++) {
        struct str out = {0};
        struct err e = {0};
        ioctl(p->master, TIOCSWINSZ, &cases[i].size);
        struct terminal *t = open_terminal(p);
        struct theme dark;
        if (theme_load(&dark, SOURCE_DIR "/themes/dark.yaml", &e) < 0)
            fail_msg("%s", e.msg);
        terminal_theme(t, &dark);
        struct canvas *c = canvas_new(cases[i].size.ws_col, cases[i].size.ws_row, false);
        draw_full(c);
        terminal_draw(t, c);
        while (terminal_flush(t, &e) == 1)
            arrived(p, &out);
        arrived(p, &out);
        print_message("first frame %dx%d: %zu bytes\n", cases[i].size.ws_col, cases[i].size.ws_row, out.len);
        if (out.len > cases[i].bytes)
            fail_msg("%zu bytes, wanted at most %zu", out.len, cases[i].bytes);
        assert_int_equal(frame(p, t, c, &out), 0);
        terminal_close(t);
        str_fini(&out);
        canvas_free(c);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_frames),
        TEST(test_signals_and_environment_are_left_alone),
        TEST(test_a_stalled_reader_costs_frames),
        TEST(test_resizing),
        TEST(test_kinds_of_terminals),
        TEST(test_locales),
        TEST(test_hang_up),
        TEST(test_budgets),
    };
    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
