/* Frames: the moment that is drawn, when it is drawn, and what is told to the page before. */
#include <stdlib.h>

#include "tui/console_state.h"
#include "tui/layout.h"

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

void console_thaw(struct console *console)
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
        console_thaw(console);
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

/* The next full second or minute of the wall clock, whichever the screen shows. */
static void clock_restart(struct console *console)
{
    int64_t unit = console->scene.seconds ? US_PER_S : 60 * US_PER_S;
    int64_t rest = unit - console->wall_us() % unit;
    loop_timer_start(console->clock_timer, rest + 1000, 0);
}

void console_clock_tick(void *data)
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

void console_flush(struct console *console)
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
    if (changes & ENGINE_RUNS) {
        interactive_remind(console);
    }
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
    console_flush(console);
}

void console_data_frame(void *data)
{
    struct console *console = data;
    if (tell_page(console) || console->dirty) {
        console->dirty = true;
        console_frame(console);
    }
}

void console_engine_changes(void *context, unsigned mask)
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
