#include "tui/console.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/console_state.h"
#include "tui/foreground.h"
#include "tui/passage.h"

/* ---- the terminal ---- */

static void take_keys(struct console *console)
{
    struct key key;
    while (!console->quitting && input_next(console->input, &key)) {
        console_key(console, &key);
    }
    int64_t deadline = input_deadline(console->input);
    if (deadline >= 0) {
        int64_t wait = deadline - console->now_us();
        loop_timer_start(console->escape_timer, wait > 0 ? wait : 0, 0);
    } else {
        loop_timer_stop(console->escape_timer);
    }
    if (console->dirty) {
        console_frame(console);
    }
}

static void escape_due(void *data)
{
    struct console *console = data;
    input_timeout(console->input, console->now_us());
    take_keys(console);
}

/* A loop turn after they came: whoever stopped us (SIGSTOP) and let us go on again is seen before the keys
 * that were typed meanwhile. */
static void read_keys(void *data)
{
    struct console *console = data;
    char bytes[4096];
    struct err e = {0};
    if (console->quitting || console_lent(console)) {
        return;
    }
    int length = terminal_read(console->terminal, bytes, sizeof bytes, &e);
    if (length < 0) {
        console_gone(console);
    } else if (length > 0) {
        input_push(console->input, bytes, (size_t)length, console->now_us());
        take_keys(console);
    }
}

static void terminal_ready(void *data, int events)
{
    struct console *console = data;
    if (events & LOOP_WRITE) {
        console_flush(console);
        if (terminal_pending(console->terminal) == 0 && (console->dirty || console->changes != 0)) {
            console_frame(console);
        }
    }
    if (events & LOOP_READ) {
        loop_timer_start(console->read_timer, 0, 0);
    }
}

int console_watch_terminal(struct console *console, struct err *e)
{
    console->watch =
        loop_watch_new(console->loop, terminal_fd(console->terminal), 0, terminal_ready, console, e);
    return console->watch == NULL ? ERR_IO : 0;
}

static void resize(struct console *console)
{
    int width, height;
    terminal_resize(console->terminal);
    terminal_size(console->terminal, &width, &height);
    if (width != canvas_width(console->canvas) || height != canvas_height(console->canvas)) {
        canvas_resize(console->canvas, width, height);
    }
    console->dirty = true;
    console_frame(console);
}

bool console_lent(const struct console *console)
{
    return console->foreground != NULL || (console->passage != NULL && passage_attached(console->passage));
}

static void try_resume(void *data)
{
    struct console *console = data;
    struct err e = {0};
    if (!terminal_suspended(console->terminal) || console_lent(console)) {
        return;
    }
    int result = terminal_resume(console->terminal, &e);
    if (result == ERR_BUSY) {
        loop_timer_start(console->resume_timer, US_PER_S, 0);
        return;
    }
    if (result < 0) {
        console_gone(console);
        return;
    }
    loop_watch_set(console->watch, LOOP_READ);
    input_discard(console->input);
    console->painted_page = 0; /* the shell's: what was typed there is meant for no page of ours */
    resize(console);
}

static void signalled(void *data, int number);

/* Stops the whole job, as ^Z does elsewhere. By the signal's default, which the kernel ignores where no shell
 * could ever let us go on (the only process of an SSH session); SIGSTOP would hang there for good. The
 * engine's timers catch up when it goes on. */
void console_suspend(struct console *console)
{
    terminal_suspend(console->terminal);
    loop_watch_set(console->watch, 0);
    loop_signal_free(console->stop_signal);
    signal(SIGTSTP, SIG_DFL);
    kill(0, SIGTSTP);
    console->stop_signal = loop_signal_new(console->loop, SIGTSTP, signalled, console);
    loop_timer_start(console->resume_timer, 0, 0);
}

static void signalled(void *data, int number)
{
    struct console *console = data;
    switch (number) {
    case SIGWINCH:
        if (console->passage != NULL) {
            passage_resize(console->passage);
        }
        resize(console);
        break;
    case SIGTSTP:
        if (!console_lent(console)) { /* a program that has the terminal has ^Z, too */
            console_suspend(console);
        }
        break;
    case SIGCONT:
        if (terminal_suspended(console->terminal)) {
            try_resume(console);
        } else { /* stopped by SIGSTOP: whoever had the terminal meanwhile may have drawn on it */
            terminal_redraw(console->terminal);
            console->painted_page = 0;
            resize(console);
        }
        break;
    case SIGINT:
        if (console->foreground == NULL) { /* else it was meant for the program that has the terminal */
            console_gone(console);
        }
        break;
    default: /* SIGHUP, SIGTERM */
        console_gone(console);
        break;
    }
}

int console_theme(struct console *console, const char *name, struct err *e)
{
    struct theme theme;
    theme_init(&theme);
    int result = theme_load(&theme, name, e);
    if (result == 0) {
        terminal_theme(console->terminal, &theme);
        free(console->theme_name);
        console->theme_name = xstrdup(name);
        console->dirty = true;
    }
    return result;
}

/* ---- life ---- */

static void open_panels(struct console *console)
{
    for (size_t i = 0; panel_table[i] != NULL && i < PANELS_MOST; i++) {
        const struct panel *panel = panel_table[i];
        console->panels[console->panel_count++] = (struct panel_slot){panel, panel->open(panel)};
    }
}

static void close_panels(struct console *console)
{
    for (size_t i = 0; i < console->panel_count; i++) {
        console->panels[i].panel->close(console->panels[i].state);
    }
}

static void watch_signals(struct console *console)
{
    static const int numbers[] = {SIGHUP, SIGTERM, SIGINT, SIGWINCH, SIGCONT};
    console->stop_signal = loop_signal_new(console->loop, SIGTSTP, signalled, console);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        console->signals[i] = loop_signal_new(console->loop, numbers[i], signalled, console);
    }
}

static int open_terminal(struct console *console, struct err *e)
{
    const struct console_options *options = console->options;
    struct terminal_options wanted = {.mono = options->mono, .ascii = options->ascii};
    console->terminal = terminal_open(&wanted, e);
    if (console->terminal == NULL) {
        return e->code;
    }
    console->input = input_new(terminal_name(console->terminal), e);
    if (console->input == NULL) {
        return e->code;
    }
    int width, height;
    terminal_size(console->terminal, &width, &height);
    console->canvas = canvas_new(width, height, terminal_ascii(console->terminal));
    if (console_watch_terminal(console, e) < 0) {
        return e->code;
    }
    loop_watch_set(console->watch, LOOP_READ);
    return 0;
}

static void choose_theme(struct console *console)
{
    const char *configured = engine_config(console->engine)->theme;
    const char *name = console->options->theme != NULL ? console->options->theme : configured;
    struct err e = {0};
    if (console_theme(console, name != NULL ? name : "dark", &e) < 0 && name != NULL) {
        console_say(console, SAY_BAD, "theme %s: %s", name, e.msg);
        console_theme(console, "dark", &e);
    }
}

static void finish(struct console *console)
{
    for (size_t i = 0; i < SIGNALS_WATCHED; i++) {
        loop_signal_free(console->signals[i]);
    }
    loop_signal_free(console->stop_signal);
    foreground_close(console);
    passage_free(console->passage);
    console->passage = NULL;
    terminal_guard(NULL);
    pages_close(console);
    prompt_fini(console);
    close_panels(console);
    loop_timer_free(console->frame_timer);
    loop_timer_free(console->clock_timer);
    loop_timer_free(console->escape_timer);
    loop_timer_free(console->resume_timer);
    loop_timer_free(console->read_timer);
    loop_watch_free(console->watch);
    terminal_close(console->terminal);
    input_free(console->input);
    canvas_free(console->canvas);
    console_thaw(console);
    free(console->message);
    free(console->theme_name);
    console->link->console = NULL;
}

int console_run(struct loop *loop, struct engine *engine, const struct console_options *options,
                struct err *e)
{
    struct err own = {0};
    e = e != NULL ? e : &own;
    e->code = 0;
    struct console *console = xcalloc(1, sizeof *console);
    *console = (struct console){.loop = loop,
                                .engine = engine,
                                .options = options,
                                .now_us = clock_monotonic_us,
                                .wall_us = clock_wall_us,
                                .pace_us = FRAME_LEAST_US};
    console->link = xcalloc(1, sizeof *console->link);
    console->link->console = console;
    console->link->users = 1;
    console->frame_timer = loop_timer_new(loop, console_data_frame, console);
    console->clock_timer = loop_timer_new(loop, console_clock_tick, console);
    console->escape_timer = loop_timer_new(loop, escape_due, console);
    console->resume_timer = loop_timer_new(loop, try_resume, console);
    console->read_timer = loop_timer_new(loop, read_keys, console);
    struct str word = {0};
    int result = open_terminal(console, e);
    if (result == 0) {
        terminal_guard(console->terminal);
        watch_signals(console);
        open_panels(console);
        choose_theme(console);
        page_open_dashboard(console);
        if (options->greeting != NULL) {
            console_say(console, SAY_INFO, "%s", options->greeting);
        }
        engine_subscribe(engine, console_engine_changes, console->link);
        if (options->run != 0) {
            page_open_run(console, options->run, options->fresh);
            console->changes |= ENGINE_RUNS; /* it opens its step's page, or asks for a value */
        }
        console_frame(console);
        loop_run(loop);
        engine_unsubscribe(engine, console->link);
        console_running_steps(console, &word);
        result = console->gone ? CONSOLE_GONE : engine_emergency_made(engine) ? CONSOLE_MOVED : 0;
    }
    struct console_link *link = console->link;
    finish(console);
    free(console);
    if (--link->users == 0) {
        free(link);
    }
    if (word.len > 0 && result != CONSOLE_MOVED && !(options->demo && result == 0)) {
        printf("%s\n", str_text(&word));
        fflush(stdout);
    }
    str_fini(&word);
    return result;
}
