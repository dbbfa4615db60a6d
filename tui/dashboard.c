/* The dashboard: users and problems on top, the panels as tiles or, where there is little room, as lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/layout.h"

#define LABEL_WIDTH 11 /* " USERS     " */

struct dashboard {
    struct layout layout;
    size_t panels[LAYOUT_PANELS_MOST]; /* those with a digit: their places in the console's table */
    size_t panel_count;
    size_t users, problems; /* likewise; SIZE_MAX: none */
    size_t tall;            /* of panels: the timeline */
    size_t focus;           /* of panels; SIZE_MAX: the problems */
};

static struct panel_slot *slot(struct page *page, size_t index)
{
    return console_panel(page->console, index);
}

/* ---- drawing ---- */

static int worst_of(struct page *page, size_t index)
{
    const struct panel_slot *panel = slot(page, index);
    return panel->panel->worst != NULL ? panel->panel->worst(panel->state, console_scene(page->console)) : 0;
}

static void draw_tile(struct page *page, const struct layout_place *place, struct canvas *c, bool focus)
{
    struct dashboard *d = page->state;
    const struct panel_scene *scene = console_scene(page->console);
    const struct panel_slot *panel = slot(page, d->panels[place->panel]);
    struct canvas tile = canvas_sub(c, place->area);
    struct str note = {0}, corner = {0};
    char title[64];
    if (panel->panel->note != NULL) {
        panel->panel->note(panel->state, scene, &note);
    }
    if (panel->panel->corner != NULL) {
        panel->panel->corner(panel->state, scene, &corner);
    }
    snprintf(title, sizeof title, "%c %s", panel->panel->digit, panel->panel->title);
    canvas_frame(&tile, focus ? ROLE_FRAME_FOCUS : ROLE_FRAME, title, note.len > 0 ? note.data : NULL,
                 corner.len > 0 ? corner.data : NULL);
    struct canvas inside = canvas_inside(&tile);
    panel->panel->draw(panel->state, scene, &inside, PANEL_TILE, focus);
    str_fini(&note);
    str_fini(&corner);
}

static void draw_line(struct page *page, const struct layout_place *place, struct canvas *c, bool focus)
{
    struct dashboard *d = page->state;
    const struct panel_slot *panel = slot(page, d->panels[place->panel]);
    int width = canvas_width(c), label = width >= 60 ? 17 : 9, y = place->area.y;
    canvas_putf(c, 1, y, ROLE_KEY, "%c", panel->panel->digit);
    canvas_put_cut(c, 3, y, label - 4, focus ? ROLE_TITLE | STYLE_REVERSE : ROLE_TITLE, panel->panel->title);
    struct canvas row = canvas_sub(c, (struct rect){label, y, width - label - 1, 1});
    if (panel->panel->summary != NULL) {
        panel->panel->summary(panel->state, console_scene(page->console), &row);
    }
}

static void draw_strip(struct page *page, size_t index, const struct rect *area, struct canvas *c, bool focus)
{
    const struct panel_slot *panel = slot(page, index);
    if (panel == NULL) {
        return;
    }
    canvas_put_cut(c, 1, area->y, LABEL_WIDTH - 2, focus ? ROLE_TITLE | STYLE_REVERSE : ROLE_TITLE,
                   panel->panel->title);
    struct canvas strip =
        canvas_sub(c, (struct rect){LABEL_WIDTH, area->y, area->width - LABEL_WIDTH - 1, area->height});
    const struct panel_scene *scene = console_scene(page->console);
    if (panel->panel->draw != NULL) {
        panel->panel->draw(panel->state, scene, &strip, PANEL_TILE, focus);
    } else {
        panel->panel->summary(panel->state, scene, &strip);
    }
}

static void make_layout(struct page *page, const struct canvas *c)
{
    struct dashboard *d = page->state;
    int worst[LAYOUT_PANELS_MOST];
    for (size_t i = 0; i < d->panel_count; i++) {
        worst[i] = worst_of(page, d->panels[i]);
    }
    layout_make(&d->layout, canvas_width(c), canvas_height(c), worst, d->panel_count, d->tall);
}

static void draw(struct page *page, struct canvas *c)
{
    struct dashboard *d = page->state;
    make_layout(page, c);
    draw_strip(page, d->users, &d->layout.users, c, false);
    draw_strip(page, d->problems, &d->layout.problems, c, d->focus == SIZE_MAX);
    for (size_t i = 0; i < d->layout.count; i++) {
        const struct layout_place *place = &d->layout.places[i];
        bool focus = place->panel == d->focus;
        if (place->framed) {
            draw_tile(page, place, c, focus);
        } else {
            draw_line(page, place, c, focus);
        }
    }
}

/* Panels side by side can't be copied: one below the other, each as high as it is drawn. */
static void copy(struct page *page, int width, struct str *out)
{
    struct dashboard *d = page->state;
    const struct panel_scene *scene = console_scene(page->console);
    struct canvas *strips = canvas_new(width, d->layout.problems.y + d->layout.problems.height, false);
    canvas_clear(strips, ROLE_TEXT);
    draw_strip(page, d->users, &d->layout.users, strips, false);
    draw_strip(page, d->problems, &d->layout.problems, strips, false);
    copy_canvas(strips, out);
    canvas_free(strips);
    for (size_t i = 0; i < d->layout.count; i++) {
        const struct layout_place *place = &d->layout.places[i];
        const struct panel_slot *panel = slot(page, d->panels[place->panel]);
        int rows = place->framed && place->area.height > 2 ? place->area.height - 2 : 1;
        struct canvas *tile = canvas_new(width, rows, false);
        struct str note = {0};
        if (panel->panel->note != NULL) {
            panel->panel->note(panel->state, scene, &note);
        }
        str_addf(out, "\n%s  %s\n", panel->panel->title, str_text(&note));
        canvas_clear(tile, ROLE_TEXT);
        if (place->framed || panel->panel->summary == NULL) {
            panel->panel->draw(panel->state, scene, tile, PANEL_TILE, false);
        } else {
            panel->panel->summary(panel->state, scene, tile);
        }
        copy_canvas(tile, out);
        canvas_free(tile);
        str_fini(&note);
    }
}

static bool update(struct page *page, unsigned changes)
{
    bool differs = (changes & ENGINE_OFFERS) != 0;
    for (size_t i = 0; i < console_panel_count(page->console); i++) {
        struct panel_slot *panel = slot(page, i);
        differs |=
            panel->panel->update == NULL || panel->panel->update(panel->state, console_scene(page->console));
    }
    return differs;
}

/* ---- keys ---- */

static size_t place_of_focus(const struct dashboard *d)
{
    for (size_t i = 0; i < d->layout.count; i++) {
        if (d->layout.places[i].panel == d->focus) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void focus_move(struct dashboard *d, int dx, int dy)
{
    size_t place = place_of_focus(d);
    if (place == SIZE_MAX) { /* on the problems, or on a panel that has no place now */
        d->focus = dy > 0 && d->layout.count > 0 ? d->layout.places[0].panel : d->focus;
        return;
    }
    size_t next = layout_neighbour(&d->layout, place, dx, dy);
    d->focus = next == place && dy < 0 ? SIZE_MAX : d->layout.places[next].panel;
}

static void focus_turn(struct dashboard *d, bool forward)
{
    size_t count = d->layout.count + 1, place = place_of_focus(d);
    size_t turn = place == SIZE_MAX ? 0 : place + 1; /* 0: the problems */
    turn = (turn + (forward ? 1 : count - 1)) % count;
    d->focus = turn == 0 ? SIZE_MAX : d->layout.places[turn - 1].panel;
}

static size_t contexts(struct page *page, enum key_context *stack)
{
    (void)page;
    stack[0] = CONTEXT_DASHBOARD;
    return 1;
}

/* A tile may know better where Enter leads: to the step that waits. */
static void open_focus(struct page *page, const struct key *key, bool ask)
{
    const struct dashboard *d = page->state;
    size_t index = d->focus == SIZE_MAX ? d->problems : d->panels[d->focus];
    const struct panel_slot *panel = slot(page, index);
    struct str reply = {0};
    if (ask && panel != NULL && panel->panel->key != NULL &&
        panel->panel->key(panel->state, console_scene(page->console), key, "open", PANEL_TILE, &reply) ==
            PANEL_COMMAND) {
        colon_run(page->console, str_text(&reply));
    } else {
        page_open_panel(page->console, index);
    }
    str_fini(&reply);
}

static bool command(struct page *page, const struct key *key, const char *name)
{
    static const struct {
        const char *name;
        int dx, dy;
    } moves[] = {{"focus-up", 0, -1}, {"focus-down", 0, 1}, {"focus-left", -1, 0}, {"focus-right", 1, 0}};
    struct dashboard *d = page->state;
    if (name == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        if (str_eq(moves[i].name, name)) {
            focus_move(d, moves[i].dx, moves[i].dy);
            return true;
        }
    }
    if (str_eq(name, "panel-next") || str_eq(name, "panel-previous")) {
        focus_turn(d, str_eq(name, "panel-next"));
        return true;
    }
    if (str_eq(name, "open") || str_eq(name, "filter")) {
        open_focus(page, key, str_eq(name, "open"));
        return str_eq(name, "open"); /* a filter is for the panel that has just been opened */
    }
    return false;
}

static void close(struct page *page)
{
    free(page->state);
}

static const struct page_type type = {
    .name = "dashboard",
    .close = close,
    .update = update,
    .draw = draw,
    .copy = copy,
    .contexts = contexts,
    .command = command,
};

void page_open_dashboard(struct console *console)
{
    struct dashboard *d = xcalloc(1, sizeof *d);
    d->users = d->problems = SIZE_MAX;
    for (size_t i = 0; i < console_panel_count(console); i++) {
        const struct panel *panel = console_panel(console, i)->panel;
        if (panel->digit != '\0' && d->panel_count < LAYOUT_PANELS_MOST) {
            d->tall = str_eq(panel->name, "timeline") ? d->panel_count : d->tall;
            d->panels[d->panel_count++] = i;
        } else if (panel->draw == NULL) {
            d->users = i;
        } else {
            d->problems = i;
        }
    }
    d->focus = SIZE_MAX;
    console_push(console, &type, d);
}
