/* The terminal is given back as it was found: when suspended, after a crash, by the next start after kill -9.
 */
#include "tests/unit/kit/terminal_pty.h"

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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_suspending),
        TEST(test_crash_restores),
        TEST(test_the_next_start_mends),
        TEST(test_mend_in_front),
    };
    return cmocka_run_group_tests_name("terminal modes", tests, NULL, NULL);
}
