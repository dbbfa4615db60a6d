/* The terminal against a pty whose other end is in our hands. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "tui/kit/terminal.h"

/* newterm leaks a little when it doesn't know the terminal. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libtinfo.so";
}

struct pty {
    int master, slave; /* the slave stays open, as a shell's would */
    char path[64];
    char folder[64]; /* XDG_RUNTIME_DIR */
};

static int setup(void **state)
{
    struct pty *p = test_calloc(1, sizeof *p);
    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(p->master >= 0);
    assert_int_equal(grantpt(p->master), 0);
    assert_int_equal(unlockpt(p->master), 0);
    assert_int_equal(ptsname_r(p->master, p->path, sizeof p->path), 0);
    p->slave = open(p->path, O_RDWR | O_NOCTTY);
    assert_true(p->slave >= 0);
    struct winsize size = {.ws_col = 80, .ws_row = 24};
    ioctl(p->master, TIOCSWINSZ, &size);
    snprintf(p->folder, sizeof p->folder, "/tmp/belay-terminal-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    setenv("XDG_RUNTIME_DIR", p->folder, 1);
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("NO_COLOR");
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct pty *p = *state;
    close(p->slave);
    close(p->master);
    folder_remove(p->folder, NULL);
    test_free(p);
    return 0;
}

/* What has arrived at the other end. */
static size_t arrived(struct pty *p, struct str *out)
{
    char bytes[4096];
    ssize_t count;
    size_t before = out->len;
    while ((count = read(p->master, bytes, sizeof bytes)) > 0)
        str_add_bytes(out, bytes, (size_t)count);
    return out->len - before;
}

static struct terminal *open_terminal(struct pty *p)
{
    struct err e = {0};
    struct terminal *t = terminal_open(&(struct terminal_options){.path = p->path}, &e);
    if (!t)
        fail_msg("%s", e.msg);
    return t;
}

static bool modes_same(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
           a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof a->c_cc) == 0;
}

static void expect_modes(struct pty *p, const struct termios *wanted)
{
    struct termios now;
    assert_int_equal(tcgetattr(p->slave, &now), 0);
    assert_true(modes_same(&now, wanted));
}

static bool nothing_kept(struct pty *p)
{
    char path[96];
    snprintf(path, sizeof path, "%s/belay", p->folder);
    return rmdir(path) == 0 || errno == ENOENT;
}

static size_t frame(struct pty *p, struct terminal *t, const struct canvas *c, struct str *out)
{
    struct err e = {0};
    str_clear(out);
    terminal_draw(t, c);
    assert_int_equal(terminal_flush(t, &e), 0);
    assert_int_equal(terminal_pending(t), 0);
    return arrived(p, out);
}

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

static void test_suspending(void **state)
{
    struct pty *p = *state;
    struct termios before;
    tcgetattr(p->slave, &before);
    struct terminal *t = open_terminal(p);
    struct canvas *c = canvas_new(80, 24, false);
    struct str out = {0};
    struct err e = {0};
    canvas_put(c, 0, 0, ROLE_TEXT, "dashboard");
    frame(p, t, c, &out);
    for (int i = 0; i < 3; i++) {
        terminal_suspend(t);
        assert_true(terminal_suspended(t));
        expect_modes(p, &before);
        assert_true(nothing_kept(p));
        str_clear(&out);
        arrived(p, &out);
        assert_non_null(strstr(str_text(&out), "\x1b[?1049l"));
        /* Nothing is drawn now. */
        canvas_put(c, 0, 1, ROLE_TEXT, "meanwhile");
        assert_int_equal(frame(p, t, c, &out), 0);
        assert_int_equal(terminal_resume(t, &e), 0);
        assert_true(frame(p, t, c, &out) > 0);
        assert_non_null(strstr(str_text(&out), "\x1b[?1049h"));
        assert_non_null(strstr(str_text(&out), "dashboard"));
    }
    /* Never entered, never left: no bytes. */
    terminal_close(t);
    arrived(p, &out);
    t = open_terminal(p);
    terminal_close(t);
    str_clear(&out);
    assert_int_equal(arrived(p, &out), 0);
    str_fini(&out);
    canvas_free(c);
}

/* In a child: draws a frame, then dies as told. */
static void die_in_child(struct pty *p, int signal_number, bool guarded)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err e = {0};
        struct terminal *t = terminal_open(&(struct terminal_options){.path = p->path}, &e);
        struct canvas *c = canvas_new(80, 24, false);
        canvas_put(c, 0, 0, ROLE_DANGER, "dashboard");
        if (!t)
            _exit(3);
        terminal_draw(t, c);
        terminal_flush(t, &e);
        if (guarded)
            terminal_guard(t);
        raise(signal_number);
        _exit(4);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal_number);
}

static void test_crash_restores(void **state)
{
    struct pty *p = *state;
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct termios before;
    tcgetattr(p->slave, &before);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct str out = {0};
        die_in_child(p, signals[i], true);
        arrived(p, &out);
        expect_modes(p, &before);
        assert_true(nothing_kept(p));
        const char *left = strstr(str_text(&out), "\x1b[?1049l");
        assert_non_null(left);
        assert_true(left > strstr(str_text(&out), "dashboard"));
        str_fini(&out);
    }
}

static void test_the_next_start_mends(void **state)
{
    struct pty *p = *state;
    struct termios before;
    struct str out = {0};
    tcgetattr(p->slave, &before);
    before.c_cc[VERASE] = 0x15; /* something of the user's own */
    tcsetattr(p->slave, TCSANOW, &before);
    die_in_child(p, SIGKILL, true);
    struct termios now;
    tcgetattr(p->slave, &now);
    assert_false(modes_same(&now, &before));
    /* A command without a screen. */
    arrived(p, &out);
    str_clear(&out);
    terminal_mend(p->slave); /* not our controlling terminal: nobody in front, left alone */
    struct terminal *t = open_terminal(p);
    terminal_close(t);
    expect_modes(p, &before);
    assert_true(nothing_kept(p));
    /* Killed, but put right by hand (stty sane): what the user has now counts. */
    die_in_child(p, SIGKILL, true);
    struct termios other = before;
    other.c_cc[VERASE] = 0x08;
    tcsetattr(p->slave, TCSANOW, &other);
    t = open_terminal(p);
    terminal_close(t);
    expect_modes(p, &other);
    /* Rubbish in its place is no harm. */
    die_in_child(p, SIGKILL, true);
    char command[200];
    snprintf(command, sizeof command, "for f in %s/belay/*; do echo rubbish > $f; done", p->folder);
    assert_int_equal(system(command), 0);
    t = open_terminal(p);
    terminal_close(t);
    str_fini(&out);
}

static void test_mend_in_front(void **state)
{
    struct pty *p = *state;
    struct termios before;
    tcgetattr(p->slave, &before);
    die_in_child(p, SIGKILL, false);
    struct str out = {0};
    arrived(p, &out);
    str_clear(&out);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setsid();
        int fd = open(p->path, O_RDWR);
        ioctl(fd, TIOCSCTTY, 0);
        terminal_mend(fd);
        terminal_mend(fd);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    arrived(p, &out);
    expect_modes(p, &before);
    assert_non_null(strstr(str_text(&out), "\x1b[?1049l"));
    str_fini(&out);
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
        TEST(test_suspending),
        TEST(test_crash_restores),
        TEST(test_the_next_start_mends),
        TEST(test_mend_in_front),
        TEST(test_kinds_of_terminals),
        TEST(test_locales),
        TEST(test_hang_up),
        TEST(test_budgets),
    };
    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
