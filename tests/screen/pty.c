#include "tests/screen/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vterm.h>

#include "engine/base/base.h"
#include "tests/screen/keeper.h"

#define BYTES_KEPT (256 * 1024)

struct pty {
    int master, slave; /* the slave stays open, as a shell's would: the modes can be read after the end */
    int keeper;        /* socket to the keeper */
    pid_t keeper_pid, pid;
    bool stopped, stalled, hung_up;
    int status; /* -1: runs */
    int width, height;
    struct termios before;
    VTerm *vterm;
    VTermScreen *screen;
    bool alternate, cursor_shown;
    VTermPos cursor;
    struct str text, bytes;
    uint64_t byte_count, read_count;
    int64_t started_us, first_us, last_us;
};

static void die(const char *what)
{
    fprintf(stderr, "pty: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- libvterm */

static int on_property(VTermProp property, VTermValue *value, void *data)
{
    struct pty *p = data;
    if (property == VTERM_PROP_ALTSCREEN)
        p->alternate = value->boolean;
    else if (property == VTERM_PROP_CURSORVISIBLE)
        p->cursor_shown = value->boolean;
    return 1;
}

static int on_cursor(VTermPos now, VTermPos before, int visible, void *data)
{
    (void)before;
    (void)visible;
    ((struct pty *)data)->cursor = now;
    return 1;
}

/* What the terminal answers (to questions about itself) is typed at the program. */
static void on_answer(const char *bytes, size_t length, void *data)
{
    struct pty *p = data;
    if (!p->hung_up && write(p->master, bytes, length) < 0 && errno != EAGAIN && errno != EIO)
        die("answer");
}

static const VTermScreenCallbacks callbacks = {.settermprop = on_property, .movecursor = on_cursor};

static void open_screen(struct pty *p)
{
    p->vterm = vterm_new(p->height, p->width);
    vterm_set_utf8(p->vterm, 1);
    vterm_output_set_callback(p->vterm, on_answer, p);
    p->screen = vterm_obtain_screen(p->vterm);
    p->cursor_shown = true;
    vterm_screen_set_callbacks(p->screen, &callbacks, p);
    vterm_screen_enable_altscreen(p->screen, 1);
    vterm_screen_reset(p->screen, 1);
}

/* ---- start */

static void open_tty(struct pty *p)
{
    char path[64];
    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p->master < 0 || grantpt(p->master) < 0 || unlockpt(p->master) < 0 ||
        ptsname_r(p->master, path, sizeof path) != 0)
        die("no pty");
    struct winsize size = {.ws_col = (unsigned short)p->width, .ws_row = (unsigned short)p->height};
    ioctl(p->master, TIOCSWINSZ, &size);
    p->slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->slave < 0 || tcgetattr(p->slave, &p->before) < 0)
        die(path);
    /* Somebody's own choice, so that "restored" isn't "as every tty starts". */
    p->before.c_cc[VERASE] = 0x08;
    p->before.c_iflag |= IXANY;
    if (tcsetattr(p->slave, TCSANOW, &p->before) < 0)
        die(path);
}

static void change_environment(const struct pty_options *options)
{
    setenv("TERM", options->term ? options->term : "xterm-256color", 1);
    unsetenv("LINES");
    unsetenv("COLUMNS");
    for (size_t i = 0; options->environment && options->environment[i]; i++) {
        const char *entry = options->environment[i], *equals = strchr(entry, '=');
        char *name = equals ? xstrndup(entry, (size_t)(equals - entry)) : xstrdup(entry);
        if (equals)
            setenv(name, equals + 1, 1);
        else
            unsetenv(name);
        free(name);
    }
}

static void take_message(struct pty *p, const struct keeper_message *m)
{
    if (m->kind == KEEPER_STARTED)
        p->pid = m->value;
    else if (m->kind == KEEPER_STOPPED)
        p->stopped = true;
    else if (m->kind == KEEPER_CONTINUED)
        p->stopped = false;
    else if (m->kind == KEEPER_ENDED)
        p->status = m->value;
}

struct pty *pty_start(const struct pty_options *options)
{
    struct pty *p = xcalloc(1, sizeof *p);
    int sockets[2];
    p->status = -1;
    p->width = options->width ? options->width : 80;
    p->height = options->height ? options->height : 24;
    /* When the keeper dies of the hang-up, the program is ours to wait for. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
    open_tty(p);
    open_screen(p);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        die("no sockets");
    p->started_us = clock_monotonic_us();
    p->keeper_pid = fork();
    if (p->keeper_pid < 0)
        die("fork");
    if (p->keeper_pid == 0) {
        change_environment(options);
        close(p->master);
        keeper_run(p->slave, sockets[1], options->argv);
    }
    close(sockets[1]);
    p->keeper = sockets[0];
    struct keeper_message m;
    if (recv(p->keeper, &m, sizeof m, 0) != sizeof m)
        die("the keeper ended");
    take_message(p, &m);
    return p;
}

/* ---- what has happened to it */

static void look_after(struct pty *p)
{
    struct keeper_message m;
    while (p->keeper >= 0) {
        ssize_t count = recv(p->keeper, &m, sizeof m, MSG_DONTWAIT);
        if (count == sizeof m) {
            take_message(p, &m);
        } else if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
            close(p->keeper);
            p->keeper = -1;
        } else {
            break;
        }
    }
    int status;
    if (p->keeper < 0 && p->status < 0 && waitpid(p->pid, &status, WNOHANG) == p->pid)
        p->status = keeper_exit_status(status);
}

static void take_bytes(struct pty *p, const char *bytes, size_t length)
{
    p->last_us = clock_monotonic_us();
    if (p->first_us == 0)
        p->first_us = p->last_us;
    p->byte_count += length;
    p->read_count++;
    if (p->bytes.len + length > 2 * BYTES_KEPT)
        str_remove_front(&p->bytes, p->bytes.len - BYTES_KEPT);
    str_add_bytes(&p->bytes, bytes, length);
    vterm_input_write(p->vterm, bytes, length);
}

/* One look at the tty and the keeper, waiting at most ms for either. */
static void pump(struct pty *p, int ms)
{
    char bytes[65536];
    struct pollfd fds[2] = {{.fd = p->hung_up || p->stalled ? -1 : p->master, .events = POLLIN},
                            {.fd = p->keeper, .events = POLLIN}};
    if (poll(fds, 2, ms) < 0 && errno != EINTR)
        die("poll");
    if (fds[0].revents) {
        ssize_t count = read(p->master, bytes, sizeof bytes);
        if (count > 0)
            take_bytes(p, bytes, (size_t)count);
    }
    look_after(p);
}

void pty_run(struct pty *p, int ms)
{
    int64_t end = clock_monotonic_us() + ms * US_PER_MS, now;
    while ((now = clock_monotonic_us()) < end && p->status < 0)
        pump(p, (int)((end - now) / US_PER_MS) + 1);
    /* The time may have passed without us: what was written in it counts. */
    for (uint64_t before = p->read_count + 1; p->read_count != before && p->status < 0;) {
        before = p->read_count;
        pump(p, 0);
    }
}

static bool wait_until(struct pty *p, const char *pattern, bool there, int ms)
{
    regex_t expression;
    if (regcomp(&expression, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB) != 0)
        die(pattern);
    int64_t end = clock_monotonic_us() + ms * US_PER_MS;
    bool met = false;
    for (;;) {
        met = (regexec(&expression, pty_screen(p), 0, NULL, 0) == 0) == there;
        int64_t left = end - clock_monotonic_us();
        if (met || left <= 0)
            break;
        if (p->status >= 0) { /* what it wrote last may still be in the tty */
            pump(p, 50);
            met = (regexec(&expression, pty_screen(p), 0, NULL, 0) == 0) == there;
            break;
        }
        pump(p, left > 50 * US_PER_MS ? 50 : (int)(left / US_PER_MS) + 1);
    }
    regfree(&expression);
    return met;
}

bool pty_wait(struct pty *p, const char *pattern, int ms)
{
    return wait_until(p, pattern, true, ms);
}

bool pty_wait_gone(struct pty *p, const char *pattern, int ms)
{
    return wait_until(p, pattern, false, ms);
}

bool pty_wait_quiet(struct pty *p, int ms, int limit_ms)
{
    int64_t end = clock_monotonic_us() + limit_ms * US_PER_MS;
    while (clock_monotonic_us() < end) {
        uint64_t before = p->byte_count;
        pty_run(p, ms);
        if (p->byte_count == before)
            return true;
    }
    return false;
}

bool pty_wait_stopped(struct pty *p, int ms)
{
    int64_t end = clock_monotonic_us() + ms * US_PER_MS;
    while (!p->stopped && p->status < 0 && clock_monotonic_us() < end)
        pump(p, 20);
    return p->stopped;
}

int pty_wait_end(struct pty *p, int ms)
{
    int64_t end = clock_monotonic_us() + ms * US_PER_MS;
    while (p->status < 0 && clock_monotonic_us() < end)
        pump(p, 20);
    if (p->status >= 0)
        for (uint64_t before = p->byte_count + 1; p->byte_count != before && !p->hung_up && !p->stalled;) {
            before = p->byte_count;
            pump(p, 0);
        }
    return p->status;
}

/* ---- what is done to it */

pid_t pty_pid(const struct pty *p)
{
    return p->pid;
}

void pty_type(struct pty *p, const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t count = write(p->master, text, length);
        if (count > 0) {
            text += count;
            length -= (size_t)count;
        } else if (errno == EAGAIN) {
            pump(p, 10);
        } else if (errno != EINTR) {
            die("type");
        }
    }
}

void pty_resize(struct pty *p, int width, int height)
{
    struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
    p->width = width;
    p->height = height;
    vterm_set_size(p->vterm, height, width);
    ioctl(p->master, TIOCSWINSZ, &size); /* the kernel sends SIGWINCH to the foreground */
}

void pty_signal(struct pty *p, int signal_number)
{
    if (p->status < 0)
        kill(p->pid, signal_number);
}

void pty_stall(struct pty *p, bool stalled)
{
    p->stalled = stalled;
}

void pty_hang_up(struct pty *p)
{
    close(p->master);
    close(p->slave);
    p->master = p->slave = -1;
    p->hung_up = true;
}

void pty_continue(struct pty *p, bool foreground)
{
    struct keeper_message m = {foreground ? KEEPER_FOREGROUND : KEEPER_BACKGROUND, 0};
    if (send(p->keeper, &m, sizeof m, 0) < 0)
        die("continue");
}

void pty_free(struct pty *p)
{
    int status;
    look_after(p);
    if (p->status < 0)
        kill(p->pid, SIGKILL);
    /* The keeper ends by itself when the program has ended. */
    if (p->keeper >= 0)
        close(p->keeper);
    if (waitpid(p->keeper_pid, &status, WNOHANG) == 0) {
        kill(p->keeper_pid, SIGKILL);
        waitpid(p->keeper_pid, &status, 0);
    }
    waitpid(p->pid, &status, p->status < 0 ? 0 : WNOHANG);
    if (!p->hung_up) {
        close(p->master);
        close(p->slave);
    }
    vterm_free(p->vterm);
    str_fini(&p->text);
    str_fini(&p->bytes);
    free(p);
}

/* ---- what is seen */

const char *pty_screen(struct pty *p)
{
    size_t room = (size_t)p->width * 25 + 16;
    str_clear(&p->text);
    for (int y = 0; y < p->height; y++) {
        VTermRect row = {.start_row = y, .end_row = y + 1, .start_col = 0, .end_col = p->width};
        str_reserve(&p->text, room);
        size_t count = vterm_screen_get_text(p->screen, p->text.data + p->text.len, room, row);
        p->text.len += count;
        while (count > 0 && p->text.data[p->text.len - 1] == ' ')
            p->text.len--, count--;
        str_add_char(&p->text, '\n');
    }
    return str_text(&p->text);
}

bool pty_matches(struct pty *p, const char *pattern)
{
    return wait_until(p, pattern, true, 0);
}

const char *pty_bytes(struct pty *p, size_t *length)
{
    *length = p->bytes.len;
    return str_text(&p->bytes);
}

uint64_t pty_byte_count(const struct pty *p)
{
    return p->byte_count;
}

uint64_t pty_read_count(const struct pty *p)
{
    return p->read_count;
}

int64_t pty_started_us(const struct pty *p)
{
    return p->started_us;
}

int64_t pty_first_us(const struct pty *p)
{
    return p->first_us;
}

int64_t pty_last_us(const struct pty *p)
{
    return p->last_us;
}

bool pty_alternate(const struct pty *p)
{
    return p->alternate;
}

bool pty_cursor_shown(const struct pty *p)
{
    return p->cursor_shown;
}

void pty_cursor(const struct pty *p, int *x, int *y)
{
    *x = p->cursor.col;
    *y = p->cursor.row;
}

static bool get_cell(struct pty *p, int x, int y, VTermScreenCell *cell)
{
    return vterm_screen_get_cell(p->screen, (VTermPos){.row = y, .col = x}, cell) != 0;
}

bool pty_coloured(struct pty *p)
{
    VTermScreenCell cell;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++)
            if (get_cell(p, x, y, &cell) &&
                (!VTERM_COLOR_IS_DEFAULT_FG(&cell.fg) || !VTERM_COLOR_IS_DEFAULT_BG(&cell.bg)))
                return true;
    return false;
}

int pty_cell_bits(struct pty *p, int x, int y)
{
    VTermScreenCell cell;
    if (!get_cell(p, x, y, &cell))
        return 0;
    return (cell.attrs.reverse ? 1 : 0) | (cell.attrs.bold ? 2 : 0) | (cell.attrs.underline ? 4 : 0);
}

void pty_modes(const struct pty *p, struct termios *modes)
{
    if (tcgetattr(p->slave, modes) < 0)
        die("modes");
}

void pty_modes_before(const struct pty *p, struct termios *modes)
{
    *modes = p->before;
}
