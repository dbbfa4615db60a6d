#include "tui/kit/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "tui/kit/screen.h"
#include "tui/kit/terminal_modes.h"

#define PATIENCE_US 200000 /* for a tty to take the bytes that restore it */

struct terminal {
    int fd;
    pid_t owner;
    char name[64];
    bool ascii;
    int width, height;
    struct screen *screen;
    struct modes modes;
    bool raw;           /* the modes are set and the screen is ours */
    bool passing;       /* raw, and another program draws */
    struct str nothing; /* what restores a terminal that is never drawn on */
    struct str pending;
    size_t written;
};

/* ---- locale */

static const char *locale_name(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return value;
    }
    return "C";
}

/* Always C.UTF-8, which is part of the C library: curses counts columns as we do then, and doesn't repeat
 * characters by a sequence that mosh and others don't know. Whether the terminal shows UTF-8 is told by the
 * name of the user's locale, not by what is installed here: people log in with the locale of the machine they
 * sit at. */
bool terminal_locale(void)
{
    const char *codeset = strrchr(locale_name(), '.');
    bool known = setlocale(LC_CTYPE, "C.UTF-8") || setlocale(LC_CTYPE, "");
    if (!codeset || (strncasecmp(codeset, ".utf-8", 6) != 0 && strncasecmp(codeset, ".utf8", 5) != 0))
        return false;
    return known && str_eq(nl_langinfo(CODESET), "UTF-8");
}

/* ---- opening */

/* What programs leave on when they are killed: charset, colours, keypad, wrapping, inserting, mouse, focus,
 * paste, held-back frames, the hidden cursor. Each is harmless where it is off, or unknown. */
#define AFTER_PROGRAM                                                                                        \
    "\x0f\x1b(B\x1b[m\x1b[?1l\x1b>\x1b[?7h\x1b[4l\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l"       \
    "\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?2026l\x1b[?25h"
#define LEAVE_ALTERNATE "\x1b[?1049l"

static int open_path(const char *path)
{
    return open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/* An open file of our own: O_NONBLOCK on the shell's would stay behind. After su the tty belongs to somebody
 * else, but /dev/tty opens, when it is the same one. */
static int open_tty(const char *path, struct err *e)
{
    int fd = -1;
    bool given = false;
    if (path) {
        fd = open_path(path);
        if (fd < 0)
            err_errno(e, "can't open the terminal %.100s", path);
        return fd;
    }
    for (int standard = 0; standard < 3 && fd < 0; standard++) {
        if (!isatty(standard))
            continue;
        given = true;
        char link[32];
        snprintf(link, sizeof link, "/proc/self/fd/%d", standard);
        fd = open_path(link);
    }
    if (fd < 0)
        fd = open_path("/dev/tty");
    if (fd < 0 && given && errno == ENXIO)
        err_set(
            e, ERR_NOT_FOUND,
            "the terminal is another user's, and not this session's (su -c): use su --pty -c, or sudo -u");
    else if (fd < 0)
        err_set(e, ERR_NOT_FOUND,
                "there is no terminal here (the commands that belay help lists work without)");
    return fd;
}

int terminal_check(struct err *e)
{
    int fd = open_tty(NULL, e);
    if (fd < 0)
        return e->code;
    close(fd);
    return 0;
}

static int clamp(long value, int fallback, int max)
{
    return value < 1 ? fallback : value > max ? max : (int)value;
}

static long environment_number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

static void ask_size(const struct terminal *t, int *width, int *height)
{
    struct winsize size = {0};
    if (ioctl(t->fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0) {
        /* A serial line doesn't know. */
        *width = clamp(environment_number("COLUMNS"), 80, CANVAS_WIDTH_MAX);
        *height = clamp(environment_number("LINES"), 24, CANVAS_HEIGHT_MAX);
        return;
    }
    *width = clamp(size.ws_col, 80, CANVAS_WIDTH_MAX);
    *height = clamp(size.ws_row, 24, CANVAS_HEIGHT_MAX);
}

static int open_screen(struct terminal *t, const struct terminal_options *options, struct err *e)
{
    const char *no_color = getenv("NO_COLOR"), *term = options->term ? options->term : getenv("TERM");
    const char *const names[] = {term, "xterm-256color", NULL};
    bool mono = options->mono || (no_color && *no_color);
    for (size_t i = term && *term ? 0 : 1; names[i] && !t->screen; i++) {
        if (strlen(names[i]) >= sizeof t->name)
            continue;
        snprintf(t->name, sizeof t->name, "%s", names[i]);
        struct err why = {0};
        t->screen = screen_new(t->name, t->width, t->height, mono, t->ascii, &why);
        if (e)
            *e = why;
        if (!t->screen && why.code != ERR_NOT_FOUND)
            return why.code;
    }
    if (!t->screen)
        return err_set(e, ERR_UNSUPPORTED,
                       "neither the terminal %.60s nor xterm-256color is known here; install "
                       "ncurses-base, or use the subcommands (belay --help)",
                       term && *term ? term : "(no TERM)");
    if (e)
        *e = (struct err){0};
    return 0;
}

static const struct str *restore_of(const struct terminal *t)
{
    return t->screen ? screen_restore(t->screen) : &t->nothing;
}

struct terminal *terminal_open(const struct terminal_options *options, struct err *e)
{
    static const struct terminal_options defaults = {0};
    if (!options)
        options = &defaults;
    struct terminal *t = xcalloc(1, sizeof *t);
    t->owner = getpid();
    t->ascii = !terminal_locale() || options->ascii;
    t->fd = open_tty(options->path, e);
    if (t->fd < 0)
        goto fail;
    if (!isatty(t->fd)) {
        err_set(e, ERR_NOT_FOUND, "%.100s is no terminal", options->path ? options->path : "/dev/tty");
        goto fail;
    }
    ask_size(t, &t->width, &t->height);
    if ((!options->bare && open_screen(t, options, e) < 0) ||
        modes_take(&t->modes, t->fd, restore_of(t), e) < 0)
        goto fail;
    t->raw = true;
    return t;
fail:
    if (t->fd >= 0)
        close(t->fd);
    screen_free(t->screen);
    free(t);
    return NULL;
}

/* ---- what the owner asks */

int terminal_fd(const struct terminal *t)
{
    return t->fd;
}

const char *terminal_name(const struct terminal *t)
{
    return t->name;
}

int terminal_colours(const struct terminal *t)
{
    return screen_colours(t->screen);
}

bool terminal_ascii(const struct terminal *t)
{
    return t->ascii;
}

void terminal_size(const struct terminal *t, int *width, int *height)
{
    *width = t->width;
    *height = t->height;
}

bool terminal_resize(struct terminal *t)
{
    int width, height;
    ask_size(t, &width, &height);
    if (width == t->width && height == t->height)
        return false;
    t->width = width;
    t->height = height;
    if (t->screen)
        screen_resize(t->screen, width, height);
    return true;
}

void terminal_theme(struct terminal *t, const struct theme *theme)
{
    screen_theme(t->screen, theme);
}

/* ---- bytes */

void terminal_draw(struct terminal *t, const struct canvas *c)
{
    if (t->raw && !t->passing && terminal_pending(t) == 0)
        screen_draw(t->screen, c, &t->pending);
}

void terminal_redraw(struct terminal *t)
{
    screen_spoil(t->screen);
}

size_t terminal_pending(const struct terminal *t)
{
    return t->pending.len - t->written;
}

int terminal_flush(struct terminal *t, struct err *e)
{
    while (terminal_pending(t) > 0) {
        ssize_t count = write(t->fd, t->pending.data + t->written, terminal_pending(t));
        if (count > 0) {
            t->written += (size_t)count;
            continue;
        }
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return 1;
        err_errno(e, "the terminal is gone");
        return e && e->code ? (e->code = ERR_IO) : ERR_IO;
    }
    str_clear(&t->pending);
    t->written = 0;
    return 0;
}

int terminal_read(struct terminal *t, char *bytes, size_t size, struct err *e)
{
    ssize_t count;
    do
        count = read(t->fd, bytes, size > INT_MAX ? INT_MAX : size);
    while (count < 0 && errno == EINTR);
    if (count > 0)
        return (int)count;
    if (count < 0 && errno == EAGAIN)
        return 0;
    return err_set(e, ERR_IO, "the terminal is gone: %s", count == 0 ? "end of file" : strerror(errno));
}

/* Writes as much as the tty takes in the time; a stalled one loses it. */
static void write_patiently(int fd, const char *bytes, size_t length, int64_t patience_us)
{
    int64_t end = clock_monotonic_us() + patience_us;
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
            continue;
        }
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return;
        int64_t left = end - clock_monotonic_us();
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        if (left <= 0 || poll(&wait, 1, (int)(left / US_PER_MS) + 1) == 0)
            return;
        if (wait.revents & (POLLERR | POLLHUP | POLLNVAL))
            return;
    }
}

/* ---- giving it back, taking it again */

static void leave(struct terminal *t)
{
    if (t->pending.len > 0)
        write_patiently(t->fd, t->pending.data, t->pending.len, PATIENCE_US);
    str_clear(&t->pending);
    modes_give_back(&t->modes, t->fd);
    t->raw = false;
}

void terminal_suspend(struct terminal *t)
{
    if (!t->raw)
        return;
    if (t->passing) {
        str_remove_front(&t->pending, t->written);
        str_add(&t->pending, AFTER_PROGRAM);
        t->written = 0;
        t->passing = false;
        leave(t);
        return;
    }
    /* A frame half written is dropped: what follows begins with an ESC, which ends any half sequence. */
    str_clear(&t->pending);
    t->written = 0;
    if (t->screen)
        screen_leave(t->screen, &t->pending);
    leave(t);
}

static int take_modes(struct terminal *t, const struct str *restore, struct err *e)
{
    /* Changing modes from the background would stop us (SIGTTOU). */
    pid_t foreground = tcgetpgrp(t->fd);
    if (foreground > 0 && foreground != getpgrp())
        return err_set(e, ERR_BUSY, "another program has the terminal");
    int rc = modes_take(&t->modes, t->fd, restore, e);
    t->raw = rc == 0;
    return rc;
}

int terminal_resume(struct terminal *t, struct err *e)
{
    if (t->passing)
        terminal_suspend(t);
    if (t->raw)
        return 0;
    int rc = take_modes(t, restore_of(t), e);
    if (rc == 0 && t->screen)
        screen_spoil(t->screen);
    return rc;
}

bool terminal_suspended(const struct terminal *t)
{
    return !t->raw || t->passing;
}

/* ---- another program's */

int terminal_pass(struct terminal *t, struct err *e)
{
    struct str restore = {0};
    if (t->passing)
        return 0;
    terminal_suspend(t);
    str_add(&restore, AFTER_PROGRAM LEAVE_ALTERNATE);
    int rc = take_modes(t, &restore, e);
    t->passing = rc == 0;
    str_fini(&restore);
    return rc;
}

void terminal_put(struct terminal *t, const char *bytes, size_t length)
{
    str_add_bytes(&t->pending, bytes, length);
}

const struct termios *terminal_modes(const struct terminal *t)
{
    return &t->modes.original;
}

void terminal_close(struct terminal *t)
{
    if (!t)
        return;
    terminal_suspend(t);
    modes_fini(&t->modes);
    close(t->fd);
    screen_free(t->screen);
    str_fini(&t->pending);
    free(t);
}

void terminal_restore_emergency(const struct terminal *t)
{
    /* A child between fork and exec has nothing to restore. */
    if (!t || !t->raw || t->owner != getpid())
        return;
    static const char after_program[] = AFTER_PROGRAM LEAVE_ALTERNATE;
    const struct str *restore = restore_of(t);
    const char *bytes = t->passing ? after_program : restore->data;
    size_t length = t->passing ? sizeof after_program - 1 : restore->len;
    for (int tries = 0; tries < 10 && length > 0; tries++) {
        ssize_t count = write(t->fd, bytes, length);
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
        } else {
            struct pollfd wait = {.fd = t->fd, .events = POLLOUT};
            poll(&wait, 1, 20);
        }
    }
    modes_emergency(&t->modes, t->fd);
}
