#include "tui/console.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/console_state.h"
#include "tui/foreground.h"
#include "tui/layout.h"
#include "tui/passage.h"

/* ---- the moment that is drawn ---- */

static bool incident_active(struct engine *engine)
{
    int64_t focused = engine_focused_incident(engine);
    struct journal_incident incident;
    for (size_t i = 0; focused != 0 && i < engine_incident_count(engine); i++) {
        if (engine_incident_at(engine, i, &incident) && incident.number == focused) {
            return incident.state == INCIDENT_OPEN || incident.state == INCIDENT_MITIGATED;
        }
    }
    return false;
}

void console_scene_update(struct console *console)
{
    struct panel_scene *scene = &console->scene;
    struct page *top = console_top(console);
    /* Where one acts things are as they are, also while the picture is frozen. */
    bool frozen = console->frozen != NULL && !(top != NULL && top->type->live);
    *scene = (struct panel_scene){
        .engine = console->engine,
        .platform = frozen ? console->frozen : engine_platform(console->engine),
        .picture = frozen ? console->picture : NULL,
        .last_seq = frozen ? console->frozen_seq : INT64_MAX,
        .now_us = frozen ? console->frozen_now_us : console->now_us(),
        .wall_us = frozen ? console->frozen_wall_us : console->wall_us(),
        .local_time = console->local_time,
        .seconds = incident_active(console->engine) ||
                   (top != NULL && top->type->ticks != NULL && top->type->ticks(top)),
        .observer = engine_is_observer(console->engine),
        .frozen = frozen,
        .filter = top != NULL ? top->filter : NULL,
    };
}

const struct panel_scene *console_scene(struct console *console)
{
    return &console->scene;
}

struct engine *console_engine(struct console *console)
{
    return console->engine;
}

static void thaw(struct console *console)
{
    platform_free(console->frozen);
    picture_free(console->picture);
    console->frozen = NULL;
    console->picture = NULL;
    for (size_t i = 0; i < HEADER_WORDS; i++) {
        str_fini(&console->frozen_words[i]);
    }
}

void console_freeze(struct console *console)
{
    if (console->frozen != NULL) {
        thaw(console);
        console_say(console, SAY_INFO, "the picture goes on");
    } else {
        console->frozen = platform_copy(engine_platform(console->engine));
        console->picture = picture_new(console->engine);
        header_words(console, console->frozen_words);
        console->frozen_now_us = console->now_us();
        console->frozen_wall_us = console->wall_us();
        console->frozen_seq = timeline_last_seq(engine_timeline(console->engine));
        console_say(console, SAY_INFO, "the picture is frozen, the engine goes on");
    }
}

/* ---- frames ---- */

static void clock_tick(void *data);

/* The next full second or minute of the wall clock, whichever the screen shows. */
static void clock_restart(struct console *console)
{
    int64_t unit = console->scene.seconds ? US_PER_S : 60 * US_PER_S;
    int64_t rest = unit - console->wall_us() % unit;
    loop_timer_start(console->clock_timer, rest + 1000, 0);
}

static void clock_tick(void *data)
{
    struct console *console = data;
    console->dirty = true;
    console_frame(console);
}

/* Header and banners; returns the rows that they take. */
static int draw_chrome(struct console *console, struct canvas *canvas)
{
    int width = canvas_width(canvas), banners = (int)header_banners(console);
    struct canvas header = canvas_sub(canvas, (struct rect){0, 0, width, 1});
    struct canvas lines = canvas_sub(canvas, (struct rect){0, 1, width, banners});
    header_draw(console, &header);
    header_draw_banners(console, &lines);
    return 1 + banners;
}

void console_draw(struct console *console)
{
    struct canvas *canvas = console->canvas;
    int width = canvas_width(canvas), height = canvas_height(canvas);
    struct page *top = console_top(console);
    canvas_clear(canvas, ROLE_TEXT);
    console->hidden = width < LAYOUT_WIDTH_LEAST || height < LAYOUT_HEIGHT_LEAST;
    console->drawn_page = console->hidden ? 0 : top->id;
    if (console->hidden) {
        console->painted_page = 0;
        canvas_putf(canvas, 0, 0, ROLE_STRONG, "%dx%d needed, not %dx%d", LAYOUT_WIDTH_LEAST,
                    LAYOUT_HEIGHT_LEAST, width, height);
        return;
    }
    int used = top->type->bare ? 0 : draw_chrome(console, canvas);
    struct canvas body = canvas_sub(canvas, (struct rect){0, used, width, height - 1 - used});
    top->type->draw(top, &body);
    prompt_draw(console, canvas);
}

void console_painted(struct console *console)
{
    struct page *page = console_page(console, console->drawn_page);
    int64_t now = console->now_us(), pace = (now - console->drawn_us) * 2;
    console->pace_us = pace < FRAME_LEAST_US ? FRAME_LEAST_US : pace > FRAME_MOST_US ? FRAME_MOST_US : pace;
    bool anew = console->drawn_page != console->painted_page;
    console->painted_page = console->drawn_page;
    console->drawn_page = 0;
    if (page != NULL && page == console_top(console) && page->type->painted != NULL) {
        page->type->painted(page, now, anew);
    }
}

void console_gone(struct console *console)
{
    console->quitting = console->gone = true;
    loop_stop(console->loop);
}

static void flush(struct console *console)
{
    struct err e = {0};
    int left = terminal_flush(console->terminal, &e);
    if (left < 0) {
        console_gone(console);
        return;
    }
    loop_watch_set(console->watch, LOOP_READ | (left > 0 ? LOOP_WRITE : 0));
    if (left == 0 && console->drawn_page != 0) {
        console_painted(console);
    }
}

/* Tells the page what has changed since the last time. Every frame does, whatever it is for: a page that
 * isn't told once would show what was before until something else changes. True when the frame would differ.
 */
static bool tell_page(struct console *console)
{
    struct page *top = console_top(console);
    const unsigned chrome = ENGINE_RUNS | ENGINE_INCIDENTS | ENGINE_TROUBLE;
    unsigned changes = console->changes;
    console->changes = 0;
    console_scene_update(console);
    bool differs = (changes & chrome) != 0;
    /* Asked in any case: the page notes what it has seen. */
    differs |= top->type->update == NULL || top->type->update(top, changes);
    console->data_frame_us = console->now_us();
    return differs;
}

void console_frame(struct console *console)
{
    if (console->quitting || terminal_suspended(console->terminal) ||
        terminal_pending(console->terminal) > 0) {
        return; /* drawn when the bytes are gone, as things are then */
    }
    if (console->changes != 0) {
        tell_page(console);
    }
    console->dirty = false;
    console_scene_update(console);
    console_draw(console);
    console->drawn_us = console->now_us();
    terminal_draw(console->terminal, console->canvas);
    clock_restart(console);
    flush(console);
}

static void data_frame(void *data)
{
    struct console *console = data;
    if (tell_page(console) || console->dirty) {
        console->dirty = true;
        console_frame(console);
    }
}

static void engine_changes(void *context, unsigned mask)
{
    struct console_link *link = context;
    struct console *console = link->console;
    if (console == NULL || console->quitting) {
        return;
    }
    console->changes |= mask;
    if (!loop_timer_active(console->frame_timer)) {
        int64_t wait = console->data_frame_us + console->pace_us - console->now_us();
        loop_timer_start(console->frame_timer, wait > 0 ? wait : 0, 0);
    }
}

void console_dirty(struct console *console)
{
    console->dirty = true;
}

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

static void terminal_ready(void *data, int events)
{
    struct console *console = data;
    if (events & LOOP_WRITE) {
        flush(console);
        if (terminal_pending(console->terminal) == 0 && (console->dirty || console->changes != 0)) {
            console_frame(console);
        }
    }
    if ((events & LOOP_READ) == 0 || console->quitting || console_lent(console)) {
        return;
    }
    char bytes[4096];
    struct err e = {0};
    int length = terminal_read(console->terminal, bytes, sizeof bytes, &e);
    if (length < 0) {
        console_gone(console);
        return;
    }
    if (length > 0) {
        input_push(console->input, bytes, (size_t)length, console->now_us());
        take_keys(console);
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
        console->panels[console->panel_count++] = (struct panel_slot){panel, panel->open(console->engine)};
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
    loop_watch_free(console->watch);
    terminal_close(console->terminal);
    input_free(console->input);
    canvas_free(console->canvas);
    thaw(console);
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
    console->frame_timer = loop_timer_new(loop, data_frame, console);
    console->clock_timer = loop_timer_new(loop, clock_tick, console);
    console->escape_timer = loop_timer_new(loop, escape_due, console);
    console->resume_timer = loop_timer_new(loop, try_resume, console);
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
        engine_subscribe(engine, engine_changes, console->link);
        if (options->run != 0) {
            page_open_run(console, options->run, options->fresh);
            console->changes |= ENGINE_RUNS; /* it opens its step's page, or asks for a value */
        }
        console_frame(console);
        loop_run(loop);
        engine_unsubscribe(engine, console->link);
        console_running_steps(console, &word);
        result = console->gone ? CONSOLE_GONE : 0;
    }
    struct console_link *link = console->link;
    finish(console);
    free(console);
    if (--link->users == 0) {
        free(link);
    }
    if (word.len > 0 && !(options->demo && result == 0)) {
        printf("%s\n", str_text(&word));
        fflush(stdout);
    }
    str_fini(&word);
    return result;
}
