/* The console without a terminal: its canvas, its pages and its keys, over an engine made of cardboard. */
#ifndef BELAY_TESTS_TUI_THEATRE_H
#define BELAY_TESTS_TUI_THEATRE_H

#include "tests/unit/panels/stage.h"
#include "tui/console_state.h"

static int64_t theatre_now = STAGE_NOW;

static inline int64_t theatre_now_us(void)
{
    return theatre_now;
}

static inline int64_t theatre_wall_us(void)
{
    return STAGE_WALL + theatre_now - STAGE_NOW;
}

static inline void theatre_nothing(void *data)
{
    (void)data;
}

static const struct console_options theatre_options = {0};

static inline struct console *theatre_open(struct engine *engine, int width, int height, bool ascii)
{
    struct err e = {0};
    struct console *console = xcalloc(1, sizeof *console);
    theatre_now = STAGE_NOW;
    *console = (struct console){.loop = loop_new(&e),
                                .engine = engine,
                                .options = &theatre_options,
                                .now_us = theatre_now_us,
                                .wall_us = theatre_wall_us,
                                .canvas = canvas_new(width, height, ascii)};
    assert_non_null(console->loop);
    console->frame_timer = loop_timer_new(console->loop, theatre_nothing, NULL);
    console->link = xcalloc(1, sizeof *console->link);
    *console->link = (struct console_link){console, 1};
    for (size_t i = 0; panel_table[i] != NULL; i++) {
        console->panels[console->panel_count++] =
            (struct panel_slot){panel_table[i], panel_table[i]->open(panel_table[i])};
    }
    page_open_dashboard(console);
    console_scene_update(console);
    return console;
}

static inline void theatre_close(struct console *console)
{
    pages_close(console);
    prompt_fini(console);
    for (size_t i = 0; i < console->panel_count; i++) {
        console->panels[i].panel->close(console->panels[i].state);
    }
    loop_timer_free(console->frame_timer);
    loop_free(console->loop);
    canvas_free(console->canvas);
    if (console->frozen != NULL) {
        console_freeze(console);
    }
    free(console->message);
    free(console->theme_name);
    free(console->link);
    free(console);
}

/* Draws, as if all of it had reached the terminal at once. */
static inline void theatre_draw(struct console *console)
{
    console_scene_update(console);
    console_draw(console);
    console->drawn_us = theatre_now;
    console_painted(console);
}

/* Keys by their names, separated by blanks: "r Enter j". */
static inline void theatre_keys(struct console *console, const char *names)
{
    while (*names != '\0') {
        size_t length = strcspn(names, " ");
        struct key key;
        if (length > 0) {
            assert_true(key_parse(names, length, &key));
            key.at_us = theatre_now;
            console_key(console, &key);
            theatre_draw(console);
        }
        names += length + (names[length] == ' ');
    }
}

/* Every character is a key. */
static inline void theatre_type(struct console *console, const char *text)
{
    for (; *text != '\0'; text++) {
        struct key key = {.code = (uint32_t)*text, .at_us = theatre_now};
        console_key(console, &key);
        theatre_draw(console);
    }
}

/* What stands on the screen. The caller frees. */
static inline char *theatre_text(struct console *console)
{
    struct str text = {0};
    canvas_dump(console->canvas, &text, false);
    return str_take(&text);
}

static inline void theatre_shows(struct console *console, const char *wanted)
{
    char *text = theatre_text(console);
    if (strstr(text, wanted) == NULL) {
        fail_msg("\"%s\" is not on the screen:\n%s", wanted, text);
    }
    free(text);
}

#endif
