/* A small owner of the toolkit: what the console does with it, without an engine. It shows its size, the last
 * key and how often it ticked, and does what the tests of the kit need: q quits, ^Z stops, ^L redraws, !
 * aborts. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tui/kit/kit.h"

struct demo {
    struct terminal *terminal;
    struct input *input;
    struct canvas *canvas;
    char last[96];
    unsigned keys;
    bool background, end;
    int status;
};

static void draw(struct demo *d)
{
    if (terminal_pending(d->terminal) > 0 || terminal_suspended(d->terminal))
        return;
    struct canvas *c = d->canvas;
    canvas_clear(c, ROLE_TEXT);
    canvas_frame(c, ROLE_FRAME, "kit demo", "\xE2\x9C\x93 ready", "2s");
    struct canvas in = canvas_inside(c);
    canvas_putf(&in, 0, 0, ROLE_TEXT, "size %dx%d", canvas_width(c), canvas_height(c));
    canvas_putf(&in, 0, 1, ROLE_DOWN, "key %s", d->last);
    canvas_putf(&in, 0, 2, ROLE_TEXT, "count %u", d->keys);
    canvas_restyle(&in, (struct rect){0, 2, 10, 1}, ROLE_SELECTION);
    terminal_draw(d->terminal, c);
}

static void suspend(struct demo *d)
{
    terminal_suspend(d->terminal);
    raise(SIGSTOP);
}

static void resize(struct demo *d)
{
    int width, height;
    if (!terminal_resize(d->terminal))
        return;
    terminal_size(d->terminal, &width, &height);
    canvas_resize(d->canvas, width, height);
}

static void resume(struct demo *d)
{
    struct err e;
    d->background = terminal_resume(d->terminal, &e) < 0;
    resize(d);
}

static void on_key(struct demo *d, const struct key *key)
{
    char name[KEY_NAME_SIZE];
    key_format(key, name);
    snprintf(d->last, sizeof d->last, "%s%s%.60s", name, key->text ? " " : "", key->text ? key->text : "");
    d->keys++;
    if (str_eq(name, "q"))
        d->end = true;
    else if (str_eq(name, "Ctrl-Z"))
        suspend(d);
    else if (str_eq(name, "Ctrl-L"))
        terminal_redraw(d->terminal);
    else if (str_eq(name, "!"))
        abort();
}

static void on_signal(struct demo *d, int signal_number)
{
    if (signal_number == SIGTERM || signal_number == SIGHUP || signal_number == SIGINT) {
        d->end = true;
        d->status = 128 + signal_number;
    } else if (signal_number == SIGTSTP) {
        suspend(d);
    } else if (signal_number == SIGCONT) {
        resume(d);
    } else if (signal_number == SIGWINCH) {
        resize(d);
    }
}

static void on_bytes(struct demo *d)
{
    char bytes[4096];
    struct err e;
    struct key key;
    int count = terminal_read(d->terminal, bytes, sizeof bytes, &e);
    if (count < 0)
        d->end = true;
    if (count > 0)
        input_push(d->input, bytes, (size_t)count, clock_monotonic_us());
    while (!d->end && input_next(d->input, &key))
        on_key(d, &key);
}

static int wait_ms(const struct demo *d)
{
    if (d->background)
        return 50;
    int64_t deadline = input_deadline(d->input);
    if (deadline < 0)
        return -1;
    int64_t left = deadline - clock_monotonic_us();
    return left > 0 ? (int)(left / US_PER_MS) + 1 : 0;
}

static void loop(struct demo *d, int signals)
{
    struct err e;
    struct key key;
    while (!d->end) {
        /* What was held back while bytes were pending is drawn as soon as they are gone. */
        bool held = terminal_pending(d->terminal) > 0;
        draw(d);
        if (!terminal_suspended(d->terminal) && terminal_flush(d->terminal, &e) < 0)
            break;
        if (held && terminal_pending(d->terminal) == 0)
            continue;
        struct pollfd fds[2] = {{.fd = terminal_suspended(d->terminal) ? -1 : terminal_fd(d->terminal),
                                 .events = (short)(POLLIN | (terminal_pending(d->terminal) ? POLLOUT : 0))},
                                {.fd = signals, .events = POLLIN}};
        poll(fds, 2, wait_ms(d));
        if (d->background)
            resume(d);
        struct signalfd_siginfo info;
        if (fds[1].revents && read(signals, &info, sizeof info) == sizeof info)
            on_signal(d, (int)info.ssi_signo);
        if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
            on_bytes(d);
        input_timeout(d->input, clock_monotonic_us());
        while (input_next(d->input, &key))
            on_key(d, &key);
    }
}

int main(void)
{
    struct err e = {0};
    struct demo d = {.last = "none"};
    struct theme theme;
    sigset_t set;
    sigemptyset(&set);
    static const int handled[] = {SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGWINCH};
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
        sigaddset(&set, handled[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    d.terminal = terminal_open(NULL, &e);
    if (!d.terminal) {
        fprintf(stderr, "kit_demo: %s\n", e.msg);
        return 2;
    }
    terminal_guard(d.terminal);
    d.input = input_new(terminal_name(d.terminal), &e);
    if (theme_load(&theme, SOURCE_DIR "/themes/dark.yaml", &e) == 0)
        terminal_theme(d.terminal, &theme);
    int width, height;
    terminal_size(d.terminal, &width, &height);
    d.canvas = canvas_new(width, height, terminal_ascii(d.terminal));
    loop(&d, signals);
    terminal_guard(NULL);
    terminal_close(d.terminal);
    input_free(d.input);
    canvas_free(d.canvas);
    close(signals);
    return d.status;
}
