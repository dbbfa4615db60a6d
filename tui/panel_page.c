/* A panel on the whole screen, and the page of the thing that is selected in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"

struct panel_page {
    size_t index;
    enum panel_shape shape;
};

static struct panel_slot *slot(struct page *page)
{
    const struct panel_page *own = page->state;
    return console_panel(page->console, own->index);
}

static void draw_title(struct page *page, struct canvas *c)
{
    const struct panel_slot *panel = slot(page);
    const struct panel_scene *scene = console_scene(page->console);
    int width = canvas_width(c), x = 1;
    struct str note = {0}, corner = {0};
    if (panel->panel->note != NULL) {
        panel->panel->note(panel->state, scene, &note);
    }
    if (panel->panel->corner != NULL) {
        panel->panel->corner(panel->state, scene, &corner);
    }
    if (panel->panel->digit != '\0') {
        x = canvas_putf(c, x, 0, ROLE_KEY, "%c", panel->panel->digit) + 1;
    }
    x = canvas_put_cut(c, x, 0, width - x, ROLE_TITLE, panel->panel->title) + 2;
    int end = width - 1;
    if (corner.len > 0) {
        end = canvas_put_right(c, x, 0, width - 1 - x, ROLE_FAINT, str_text(&corner)) - 1;
    }
    canvas_put_cut(c, x, 0, end - x, ROLE_TEXT, str_text(&note));
    str_fini(&note);
    str_fini(&corner);
}

static void draw(struct page *page, struct canvas *c)
{
    const struct panel_page *own = page->state;
    const struct panel_slot *panel = slot(page);
    int top = own->shape == PANEL_FULL ? 1 : 0;
    if (own->shape == PANEL_FULL) {
        draw_title(page, c);
    }
    struct canvas body = canvas_sub(c, (struct rect){0, top, canvas_width(c), canvas_height(c) - top});
    panel->panel->draw(panel->state, console_scene(page->console), &body, own->shape, true);
}

static size_t contexts(struct page *page, enum key_context *stack)
{
    const struct panel_page *own = page->state;
    const struct panel_slot *panel = slot(page);
    if (panel->panel->context != NULL) {
        stack[0] = panel->panel->context(panel->state, own->shape);
    } else {
        stack[0] = own->shape == PANEL_FULL ? CONTEXT_LIST : CONTEXT_TEXT;
    }
    return 1;
}

static const struct page_type type;

static void open_details(struct page *page)
{
    const struct panel_page *own = page->state;
    struct panel_page *details = xcalloc(1, sizeof *details);
    *details = (struct panel_page){own->index, PANEL_DETAIL};
    console_push(page->console, &type, details);
}

/* The panel with the next digit takes the place of this one. */
static void turn(struct page *page, int step)
{
    struct panel_page *own = page->state;
    size_t count = console_panel_count(page->console), index = own->index;
    do {
        index = (index + (step > 0 ? 1 : count - 1)) % count;
    } while (console_panel(page->console, index)->panel->digit == '\0');
    own->index = index;
    filter_set(page->filter, "", NULL);
}

static bool command(struct page *page, const struct key *key, const char *name)
{
    const struct panel_page *own = page->state;
    const struct panel_slot *panel = slot(page);
    if (own->shape == PANEL_FULL && (str_eq(name, "panel-next") || str_eq(name, "panel-previous"))) {
        turn(page, str_eq(name, "panel-next") ? 1 : -1);
        return true;
    }
    struct str reply = {0};
    enum panel_answer answer = PANEL_IGNORED;
    if (panel->panel->key != NULL) {
        answer = panel->panel->key(panel->state, console_scene(page->console), key, name, own->shape, &reply);
    }
    switch (answer) {
    case PANEL_IGNORED:
        break;
    case PANEL_REDRAW:
        console_dirty(page->console);
        break;
    case PANEL_DETAILS:
        open_details(page);
        break;
    case PANEL_BACK:
        console_pop(page->console);
        break;
    case PANEL_COMMAND:
        colon_run(page->console, str_text(&reply));
        break;
    }
    str_fini(&reply);
    return answer != PANEL_IGNORED;
}

static void close(struct page *page)
{
    free(page->state);
}

static const struct page_type type = {
    .name = "panel",
    .close = close,
    .draw = draw,
    .contexts = contexts,
    .command = command,
};

void page_open_panel(struct console *console, size_t index)
{
    const struct panel_slot *panel = console_panel(console, index);
    if (panel == NULL || panel->panel->key == NULL) {
        return;
    }
    /* One panel at a time: another digit changes it, the way back stays short. */
    while (console_top(console)->type == &type) {
        console_pop(console);
    }
    struct panel_page *own = xcalloc(1, sizeof *own);
    *own = (struct panel_page){index, PANEL_FULL};
    console_push(console, &type, own);
}
