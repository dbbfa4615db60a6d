/* The confirmation page: its rows (confirm_rows.c), what of them fits, and the line at its bottom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/confirm_rows.h"
#include "tui/console_state.h"
#include "tui/follow.h"
#include "tui/outcome_page.h"

#define TALL             2000
#define LEAST_OF_COMMAND 6 /* rows of a long command that are worth a window of their own */

void step_context(struct console *console, const struct step_view *view, struct run_context *context,
                  char incident[static 24], char run[static 24])
{
    snprintf(run, 24, "%lld", (long long)view->run.id);
    snprintf(incident, 24, "INC-%lld", (long long)view->run.incident);
    *context = (struct run_context){.person = engine_person(console_engine(console)),
                                    .where = engine_target(console_engine(console)),
                                    .incident = view->run.incident > 0 ? incident : NULL,
                                    .run = run,
                                    .operator= engine_actor(console_engine(console))};
}

void step_danger(struct page *page, const struct step_view *view, struct str *out)
{
    const char *badge = engine_badge(console_engine(page->console));
    if (!step_kind_acts(view->what->kind) || view->run.rehearsed) {
        return;
    }
    if (page->console->options->demo || str_eq(badge, "DEMO")) {
        str_add(out, "CHANGES the DEMO");
    } else if (str_eq(badge, "PROD")) {
        str_add(out, "CHANGES production");
    } else {
        str_addf(out, "CHANGES %s", engine_platform_name(console_engine(page->console)));
    }
}

/* A window of `height` rows onto something longer, and under it how much more there is. */
static struct canvas scrolled(struct step_page *own, struct canvas *c, int lines, int height)
{
    int most = lines > height ? lines - height : 0;
    own->scroll = own->scroll > most ? most : own->scroll < 0 ? 0 : own->scroll;
    own->rows = height;
    struct canvas window = canvas_sub(c, (struct rect){0, 0, canvas_width(c), height});
    if (most > 0) {
        int x = canvas_putf(c, 1, height, ROLE_ACTIVE, "%d more lines below, %d above (PgDn, PgUp)",
                            most - own->scroll, own->scroll);
        canvas_line(c, x + 1, height, canvas_width(c) - x - 2, ROLE_FRAME);
    }
    return canvas_sub(&window, (struct rect){0, -own->scroll, canvas_width(c), TALL});
}

/* Which rows of the command this frame shows. Another command, or another width, has not been seen at all. */
static void command_shown(struct step_page *own, const struct run_page *data, int rows, int room, int width)
{
    struct str text = {0};
    run_command_text(&data->command, &text);
    uint64_t sum = checksum64(str_text(&text), text.len) + (uint64_t)width;
    str_fini(&text);
    if (sum != own->command.sum || rows != own->command.rows) {
        own->command.seen = 0;
    }
    own->command.sum = sum;
    own->command.rows = rows;
    own->command.from = own->scroll;
    own->command.to = own->scroll + room < rows ? own->scroll + room : rows;
}

int confirm_unseen(const struct step_page *own)
{
    bool joins = own->command.from <= own->command.seen;
    int seen = joins && own->command.to > own->command.seen ? own->command.to : own->command.seen;
    return own->command.rows - seen;
}

bool confirm_unread(struct page *page)
{
    const struct step_page *own = page->state;
    int unread = own->command.rows - own->command.seen;
    if (unread > 0) {
        console_say(page->console, SAY_BAD,
                    "not yet: %d lines of the command have not been on the screen (PgDn)", unread);
    }
    return unread > 0;
}

bool confirm_scroll(struct page *page, const char *name)
{
    struct step_page *own = page->state;
    if (str_eq(name, "confirm-leave")) {
        console_pop(page->console);
    } else if (str_eq(name, "up") || str_eq(name, "down")) {
        own->scroll += str_eq(name, "up") ? -1 : 1;
    } else if (str_eq(name, "page-up") || str_eq(name, "page-down")) {
        own->scroll += (own->rows > 1 ? own->rows - 1 : 1) * (str_eq(name, "page-up") ? -1 : 1);
    } else {
        return false;
    }
    return true;
}

/* Where, how far and what was checked are always in sight; a long command is what scrolls. */
static void draw_body(struct page *page, const struct step_view *view, const struct run_page *data,
                      struct canvas *c)
{
    struct step_page *own = page->state;
    int height = canvas_height(c);
    struct canvas nowhere = canvas_sub(c, (struct rect){0, 0, canvas_width(c), 0});
    struct rows what = {&nowhere, 0}, around = {&nowhere, 0};
    confirm_rows_what(&what, data);
    confirm_rows_around(&around, page, view, data);
    struct rows guide = {&nowhere, 0};
    confirm_rows_guide(&guide, view);
    int all = what.y + around.y + guide.y;
    bool fits = all <= height, apart = !fits && around.y <= height - LEAST_OF_COMMAND;
    int room = fits ? height : apart ? height - around.y - 1 : height - 1;
    struct canvas body = scrolled(own, c, apart ? what.y + guide.y : all, room);
    command_shown(own, data, what.y, room, canvas_width(c));
    struct rows rows = {&body, 0};
    confirm_rows_what(&rows, data);
    if (!apart) {
        confirm_rows_around(&rows, page, view, data);
    }
    confirm_rows_guide(&rows, view);
    if (apart) {
        struct canvas below = canvas_sub(c, (struct rect){0, room + 1, canvas_width(c), around.y});
        struct rows fixed = {&below, 0};
        confirm_rows_around(&fixed, page, view, data);
    }
}

/* ---- the line at the bottom ---- */

/* Why nothing can be typed on it as it stands: what it says instead, and how bad that is. False: it can. */
static bool typing_barred(struct page *page, const struct step_view *view, const struct run_page *data,
                          struct str *out, enum role *role)
{
    struct engine_where where = {0};
    engine_where(console_engine(page->console), &where);
    int unseen = confirm_unseen(page->state);
    *role = ROLE_DOWN;
    if (where.configured && where.observed_us != 0 && !where.matches && !view->run.rehearsed) {
        str_add(out, "Acts would land elsewhere than configured: refused. Esc leaves.");
        return true;
    }
    if (data->before_failed) {
        str_add(out, "A check before it did not pass: it can't be run now. Esc leaves.");
        return true;
    }
    *role = ROLE_ACTIVE;
    if (unseen > 0) {
        str_addf(out, "PgDn: %d more line%s of it to be seen before it can be run. Esc leaves.", unseen,
                 unseen == 1 ? "" : "s");
        return true;
    }
    if (data->approvals_missing > 0) {
        str_add(out,
                "Waits for the approval of another operator; :break-glass REASON does without. Esc leaves.");
        return true;
    }
    return false;
}

/* The page is not armed: how it would be. */
static void draw_unarmed(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    const struct step_page *own = page->state;
    int width = canvas_width(c);
    const char *text = own->disarmed
                           ? "Disarmed: the page had been open for 60 s. Enter opens it anew, Esc leaves."
                       : console_scene(page->console)->observer
                           ? "You are an observer: this is what would run. :join makes you an operator."
                           : "Enter arms this page, Esc leaves.";
    int x = canvas_put_cut(c, 1, y, width - 2, ROLE_ACTIVE, text);
    if (view->step.reason[0] != '\0' && !own->disarmed) { /* confirmed, and yet not run */
        canvas_put_cut(c, x + 2, y, width - x - 3, ROLE_DEGRADED, view->step.reason);
    }
}

static void draw_input(const struct step_page *own, bool rehearsed, struct canvas *c, int y)
{
    int width = canvas_width(c);
    int x = canvas_put(c, 1, y, ROLE_TEXT, own->confirm.single_key ? "Press" : "Type") + 2;
    x = canvas_put_cut(c, x, y, width - x, ROLE_STRONG, own->confirm.word) + 2;
    x = canvas_put_cut(c, x, y, width - x, ROLE_TEXT,
                       rehearsed ? "to go on, nothing is run; Esc to leave." : "to run it, Esc to leave.") +
        2;
    x = canvas_put(c, x, y, ROLE_ACTIVE, ">") + 1;
    x = canvas_put_cut(c, x, y, width - x, ROLE_INPUT, own->confirm.typed);
    canvas_cursor(c, x < width ? x : width - 1, y);
}

static void draw_typing(struct page *page, const struct step_view *view, const struct run_page *data,
                        struct canvas *c, int y)
{
    struct str text = {0};
    enum role role = ROLE_ACTIVE;
    if (view->mode == STEP_MODE_APPROVE) {
        approve_draw(page, view, c, y);
    } else if (view->run.elsewhere) {
        follow_text(page->console, &view->run, &text);
        canvas_put_cut(c, 1, y, canvas_width(c) - 2, role, str_text(&text));
    } else if (view->mode != STEP_MODE_CONFIRM) {
        draw_unarmed(page, view, c, y);
    } else if (typing_barred(page, view, data, &text, &role)) {
        canvas_put_cut(c, 1, y, canvas_width(c) - 2, role, str_text(&text));
    } else {
        draw_input(page->state, view->run.rehearsed, c, y);
    }
    str_fini(&text);
}

void confirm_draw(struct page *page, const struct step_view *view, struct canvas *c)
{
    struct step_page *own = page->state;
    struct run_context context;
    struct run_page data = {0};
    struct err e = {0};
    char incident[24], run[24];
    int width = canvas_width(c), height = canvas_height(c);
    step_draw_title(page, view, c);
    canvas_line(c, 1, 1, width - 2, step_kind_acts(view->what->kind) ? ROLE_DOWN : ROLE_FRAME);
    rehearsal_mark(&view->run, c, 1);
    step_context(page->console, view, &context, incident, run);
    if (run_page(view->run.run, own->step, &context, &data, &e) < 0) {
        canvas_put_wrapped(c, 1, 2, width - 2, ROLE_DOWN, e.msg);
        run_page_fini(&data);
        return;
    }
    struct canvas body = canvas_sub(c, (struct rect){0, 2, width, height - 4});
    draw_body(page, view, &data, &body);
    draw_typing(page, view, &data, c, height - 1);
    run_page_fini(&data);
}
