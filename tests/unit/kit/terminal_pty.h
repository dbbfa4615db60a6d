/* A pty whose other end is in our hands, for the tests of the terminal. */
#ifndef BELAY_TEST_TERMINAL_PTY_H
#define BELAY_TEST_TERMINAL_PTY_H

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

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    struct pty *p = *state;
    close(p->slave);
    close(p->master);
    folder_remove(p->folder, NULL);
    test_free(p);
    return 0;
}

/* What has arrived at the other end. */
static inline size_t arrived(struct pty *p, struct str *out)
{
    char bytes[4096];
    ssize_t count;
    size_t before = out->len;
    while ((count = read(p->master, bytes, sizeof bytes)) > 0)
        str_add_bytes(out, bytes, (size_t)count);
    return out->len - before;
}

static inline struct terminal *open_terminal(struct pty *p)
{
    struct err e = {0};
    struct terminal *t = terminal_open(&(struct terminal_options){.path = p->path}, &e);
    if (!t)
        fail_msg("%s", e.msg);
    return t;
}

static inline bool modes_same(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
           a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof a->c_cc) == 0;
}

static inline void expect_modes(struct pty *p, const struct termios *wanted)
{
    struct termios now;
    assert_int_equal(tcgetattr(p->slave, &now), 0);
    assert_true(modes_same(&now, wanted));
}

static inline bool nothing_kept(struct pty *p)
{
    char path[96];
    snprintf(path, sizeof path, "%s/belay", p->folder);
    return rmdir(path) == 0 || errno == ENOENT;
}

static inline size_t frame(struct pty *p, struct terminal *t, const struct canvas *c, struct str *out)
{
    struct err e = {0};
    str_clear(out);
    terminal_draw(t, c);
    assert_int_equal(terminal_flush(t, &e), 0);
    assert_int_equal(terminal_pending(t), 0);
    return arrived(p, out);
}

#endif
