/* The confirmation page: what will run, where, how far it reaches, what was checked, what is saved, what
 * comes after, and who else is at work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/step.h"
#include "tui/where.h"

#define LABEL            11 /* " Meanwhile " */
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
    if (!step_kind_acts(view->what->kind)) {
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

/* ---- rows with a label ---- */

struct rows {
    struct canvas *c;
    int y;
};

/* A limit to the letter: "90 min", "45 s", "1500 ms". */
static void limit(int64_t ms, char text[static DURATION_TEXT_SIZE])
{
    if (ms % 3600000 == 0 && ms > 3 * 3600000) {
        snprintf(text, DURATION_TEXT_SIZE, "%lld h", (long long)(ms / 3600000));
    } else if (ms % 60000 == 0 && ms > 0) {
        snprintf(text, DURATION_TEXT_SIZE, "%lld min", (long long)(ms / 60000));
    } else if (ms % 1000 == 0) {
        snprintf(text, DURATION_TEXT_SIZE, "%lld s", (long long)(ms / 1000));
    } else {
        snprintf(text, DURATION_TEXT_SIZE, "%lld ms", (long long)ms);
    }
}

/* "6-9 min", "2-3 s": rounded outwards. */
static void put_usual(int64_t low_ms, int64_t high_ms, struct str *out)
{
    bool minutes = high_ms > 120000;
    long long unit = minutes ? 60000 : 1000;
    long long low = low_ms / unit, high = (high_ms + unit - 1) / unit;
    high = high < 1 ? 1 : high;
    str_add(out, "   Usually takes ");
    if (low < high) {
        str_addf(out, "%lld-", low);
    }
    str_addf(out, "%lld %s", high, minutes ? "min" : "s");
}

static void label(struct rows *r, const char *text)
{
    canvas_put_cut(r->c, 1, r->y, LABEL - 2, ROLE_TITLE, text);
}

static void wrapped(struct rows *r, unsigned style, const char *text)
{
    r->y = canvas_put_wrapped(r->c, LABEL, r->y, canvas_width(r->c) - LABEL - 1, style, text);
}

static const char *outcome_word(enum run_outcome outcome)
{
    return outcome == OUTCOME_OK        ? "done"
           : outcome == OUTCOME_PENDING ? "pending"
                                        : run_outcome_text(outcome);
}

/* "✓ replica serves  3 s ago" one after the other, as many in a row as fit. */
static void items(struct rows *r, const struct step_view *view, const struct run_page_item *list,
                  size_t count, bool ages)
{
    int width = canvas_width(r->c), x = LABEL;
    for (size_t i = 0; i < count; i++) {
        const struct mark *mark = mark_find(outcome_word(list[i].outcome));
        const char *title = view->run.book->steps.data[list[i].step].title;
        struct str tail = {0};
        if (ages && list[i].age_ms >= 0) {
            char age[DURATION_TEXT_SIZE];
            duration_format(list[i].age_ms * US_PER_MS, age);
            str_addf(&tail, "  %s ago", age);
        } else if (ages) {
            str_addf(&tail, "  %s", list[i].outcome == OUTCOME_RUNNING ? "running" : "not yet");
        }
        if (list[i].outcome != OUTCOME_OK && list[i].reason != NULL && list[i].reason[0] != '\0') {
            str_addf(&tail, " (%s)", list[i].reason);
        }
        int wanted = 2 + canvas_columns(r->c, title) + canvas_columns(r->c, str_text(&tail));
        if (x > LABEL && x + wanted >= width) {
            x = LABEL;
            r->y++;
        }
        x = mark_find("done") == mark || ages ? canvas_put_glyph(r->c, x, r->y, mark->role, mark->glyph) + 1
                                              : x;
        x = canvas_put(r->c, x, r->y, ROLE_TEXT, title);
        x = canvas_put_cut(r->c, x, r->y, width - x, mark->role == ROLE_OK ? ROLE_FAINT : mark->role,
                           str_text(&tail)) +
            4;
        str_fini(&tail);
    }
    r->y++;
}

static void titles(const struct step_view *view, const struct run_page_item *list, size_t count,
                   struct str *out)
{
    for (size_t i = 0; i < count; i++) {
        str_addf(out, "%s%s", i > 0 ? ", " : "", view->run.book->steps.data[list[i].step].title);
    }
}

/* ---- the parts ---- */

/* "NS=rag  NEW=shard-5-r12", as many in a row as fit. */
static void put_environment(struct rows *r, const struct run_command *command)
{
    struct str text = {0}, row = {0};
    int width = canvas_width(r->c) - LABEL - 1;
    for (size_t i = 0; i < command->env.len; i++) {
        const struct run_env *env = &command->env.data[i];
        if (!env->interesting) {
            continue;
        }
        str_clear(&text);
        str_addf(&text, "%s=%s", env->name, env->secret ? "(secret, not shown)" : env->value);
        int wanted = canvas_columns(r->c, str_text(&row)) + 2 + canvas_columns(r->c, str_text(&text));
        if (row.len > 0 && wanted > width) {
            wrapped(r, ROLE_TEXT, str_text(&row));
            str_clear(&row);
        }
        str_addf(&row, "%s%s", row.len > 0 ? "  " : "", str_text(&text));
    }
    if (row.len > 0) {
        wrapped(r, ROLE_TEXT, str_text(&row));
    }
    str_fini(&text);
    str_fini(&row);
}

static void put_what(struct rows *r, const struct run_page *data)
{
    struct str text = {0};
    label(r, "What");
    if (data->command_error != 0) {
        wrapped(r, ROLE_DOWN, data->command_message);
        return;
    }
    run_command_text(&data->command, &text);
    wrapped(r, ROLE_STRONG, str_text(&text));
    put_environment(r, &data->command);
    if (data->command.cwd != NULL) {
        str_clear(&text);
        str_addf(&text, "in %s", data->command.cwd);
        wrapped(r, ROLE_FAINT, str_text(&text));
    }
    str_fini(&text);
}

static void put_where(struct rows *r, struct page *page)
{
    struct engine *engine = console_engine(page->console);
    struct engine_where where = {0};
    struct str text = {0};
    engine_where(engine, &where);
    label(r, "Where");
    bool wrong = where.configured && where.observed_us != 0 && !where.matches;
    where_text(engine, &text);
    wrapped(r, wrong ? ROLE_DANGER : ROLE_TEXT, str_text(&text));
    str_fini(&text);
}

static void put_reach(struct rows *r, struct page *page, const struct step_view *view,
                      const struct run_page *data)
{
    struct str text = {0};
    int64_t low, high;
    char a[DURATION_TEXT_SIZE];
    label(r, "Reach");
    str_add(&text, data->scope == SCOPE_NONE ? "not declared" : step_scope_text(data->scope));
    if (data->narrower.len > 0) {
        str_add(&text, "   (narrower tried: ");
        for (size_t i = 0; i < data->narrower.len; i++) {
            const struct run_page_item *item = &data->narrower.data[i];
            str_addf(&text, "%s%s, %s", i > 0 ? "; " : "", view->run.book->steps.data[item->step].title,
                     run_outcome_text(item->outcome));
            struct run_step tried;
            run_step_at(view->run.run, item->step, &tried);
            if (tried.ended_ms >= 0) {
                char time[SCENE_TEXT_SIZE];
                int64_t ended_us = view->run.started_us + tried.ended_ms * US_PER_MS;
                scene_time(console_scene(page->console), ended_us, true, time);
                str_addf(&text, " %s", time);
            }
        }
        str_add(&text, ")");
    }
    const struct step_page *own = page->state;
    if (engine_step_usual_ms(console_engine(page->console), view->run.id, own->step, &low, &high)) {
        put_usual(low, high, &text);
    }
    if (data->command_error == 0 && data->command.timeout_ms > 0) {
        limit(data->command.timeout_ms, a);
        str_addf(&text, ", limit %s", a);
    } else {
        str_add(&text, ", no limit");
    }
    wrapped(r, ROLE_TEXT, str_text(&text));
    if (data->stronger && data->why_stronger != NULL) {
        wrapped(r, ROLE_DANGER, data->why_stronger);
    }
    str_fini(&text);
}

static void put_after(struct rows *r, const struct step_view *view, const struct run_page *data)
{
    struct str text = {0};
    char until[DURATION_TEXT_SIZE];
    label(r, "After");
    if (data->after.len > 0) {
        str_add(&text, "verify: ");
        titles(view, data->after.data, data->after.len, &text);
        if (data->after_until_ms > 0) {
            limit(data->after_until_ms, until);
            str_addf(&text, " (up to %s)", until);
        }
    } else {
        str_add(&text, "nothing verifies it: exit 0 ends warn");
    }
    const struct step *steps = view->run.book->steps.data;
    struct str fails = {0};
    if (data->rollback >= 0) {
        str_addf(&fails, "If it fails: rollback \"%s\" is offered", steps[data->rollback].title);
    } else {
        static const char *const onfail[] = {[ONFAIL_ASK] = "you are asked",
                                             [ONFAIL_STOP] = "the run stops",
                                             [ONFAIL_CONTINUE] = "the run goes on",
                                             [ONFAIL_ROLLBACK] = "rollback"};
        str_addf(&fails, "If it fails: %s", onfail[view->what->onfail]);
    }
    if (data->undo >= 0) {
        str_addf(&fails, "; taken back by \"%s\"", steps[data->undo].title);
    }
    int wanted = canvas_columns(r->c, str_text(&text)) + 6 + canvas_columns(r->c, str_text(&fails));
    str_addf(&text, "%s%s", wanted > canvas_width(r->c) - LABEL - 1 ? "\n" : "      ", str_text(&fails));
    wrapped(r, ROLE_TEXT, str_text(&text));
    str_fini(&text);
    str_fini(&fails);
}

static void put_meanwhile(struct rows *r, struct page *page, const struct step_view *view)
{
    struct engine *engine = console_engine(page->console);
    struct str text = {0};
    for (size_t i = 0; i < engine_run_count(engine); i++) {
        struct engine_run other;
        if (engine_run_at(engine, i, &other) && !other.ended && other.id != view->run.id) {
            str_addf(&text, "%s%s is in run %lld (%s)", text.len > 0 ? ", " : "", other.actor,
                     (long long)other.id, other.book->title);
        }
    }
    const char *warning = engine_lifetime_warning(engine);
    if (text.len > 0 || warning != NULL) {
        label(r, "Meanwhile");
    }
    if (text.len > 0) {
        wrapped(r, ROLE_ACTOR, str_text(&text));
    }
    if (warning != NULL) {
        wrapped(r, ROLE_DEGRADED, warning);
    }
    str_fini(&text);
}

static void put_approvals(struct rows *r, const struct step_view *view, const struct run_page *data)
{
    struct str text = {0};
    str_addf(&text, "%d of %d here; another operator gives one: belay approve %lld %s",
             data->approvals - data->approvals_missing, data->approvals, (long long)view->run.id,
             view->what->id);
    label(r, "Approvals");
    wrapped(r, data->approvals_missing > 0 ? ROLE_ACTIVE : ROLE_TEXT, str_text(&text));
    str_fini(&text);
}

/* Everything but the command itself. */
static void put_around(struct rows *r, struct page *page, const struct step_view *view,
                       const struct run_page *data)
{
    put_where(r, page);
    put_reach(r, page, view, data);
    if (data->approvals > 0) {
        put_approvals(r, view, data);
    }
    if (data->before.len > 0) {
        label(r, "Before");
        items(r, view, data->before.data, data->before.len, true);
    }
    if (data->evidence.len > 0) {
        struct str text = {0};
        titles(view, data->evidence.data, data->evidence.len, &text);
        str_add(&text, ": saved first");
        label(r, "Evidence");
        wrapped(r, ROLE_TEXT, str_text(&text));
        str_fini(&text);
    }
    if (data->acts || data->after.len > 0) {
        put_after(r, view, data);
    }
    put_meanwhile(r, page, view);
}

static void put_guide(struct rows *r, const struct step_view *view)
{
    if (view->what->prose[0] != '\0') {
        label(r, "Guide");
        wrapped(r, ROLE_TEXT, view->what->prose);
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

/* Where, how far and what was checked are always in sight; a long command is what scrolls. */
static void draw_body(struct page *page, const struct step_view *view, const struct run_page *data,
                      struct canvas *c)
{
    struct step_page *own = page->state;
    int height = canvas_height(c);
    struct canvas nowhere = canvas_sub(c, (struct rect){0, 0, canvas_width(c), 0});
    struct rows what = {&nowhere, 0}, around = {&nowhere, 0};
    put_what(&what, data);
    put_around(&around, page, view, data);
    struct rows guide = {&nowhere, 0};
    put_guide(&guide, view);
    int all = what.y + around.y + guide.y;
    bool fits = all <= height, apart = !fits && around.y <= height - LEAST_OF_COMMAND;
    int room = fits ? height : apart ? height - around.y - 1 : height - 1;
    struct canvas body = scrolled(own, c, apart ? what.y + guide.y : all, room);
    command_shown(own, data, what.y, room, canvas_width(c));
    struct rows rows = {&body, 0};
    put_what(&rows, data);
    if (!apart) {
        put_around(&rows, page, view, data);
    }
    put_guide(&rows, view);
    if (apart) {
        struct canvas below = canvas_sub(c, (struct rect){0, room + 1, canvas_width(c), around.y});
        struct rows fixed = {&below, 0};
        put_around(&fixed, page, view, data);
    }
}

/* ---- the line at the bottom ---- */

static void draw_typing(struct page *page, const struct step_view *view, const struct run_page *data,
                        struct canvas *c, int y)
{
    const struct step_page *own = page->state;
    int width = canvas_width(c);
    if (view->mode != STEP_MODE_CONFIRM) {
        const char *text = own->disarmed
                               ? "Disarmed: the page had been open for 60 s. Enter opens it anew, Esc leaves."
                           : view->run.elsewhere ? "Another console walks this run: it is only shown here."
                           : console_scene(page->console)->observer
                               ? "You are an observer: this is what would run. :join makes you an operator."
                               : "Enter arms this page, Esc leaves.";
        canvas_put_cut(c, 1, y, width - 2, ROLE_ACTIVE, text);
        return;
    }
    struct engine_where where = {0};
    engine_where(console_engine(page->console), &where);
    if (where.configured && where.observed_us != 0 && !where.matches) {
        canvas_put_cut(c, 1, y, width - 2, ROLE_DOWN,
                       "Acts would land elsewhere than configured: refused. Esc leaves.");
        return;
    }
    if (data->before_failed) {
        canvas_put_cut(c, 1, y, width - 2, ROLE_DOWN,
                       "A check before it did not pass: it can't be run now. Esc leaves.");
        return;
    }
    int unseen = confirm_unseen(own);
    if (unseen > 0) {
        canvas_putf(c, 1, y, ROLE_ACTIVE,
                    "PgDn: %d more line%s of it to be seen before it can be run. Esc leaves.", unseen,
                    unseen == 1 ? "" : "s");
        return;
    }
    if (data->approvals_missing > 0) {
        canvas_put_cut(
            c, 1, y, width - 2, ROLE_ACTIVE,
            "Waits for the approval of another operator; :break-glass REASON does without. Esc leaves.");
        return;
    }
    int x = canvas_put(c, 1, y, ROLE_TEXT, own->confirm.single_key ? "Press" : "Type") + 2;
    x = canvas_put_cut(c, x, y, width - x, ROLE_STRONG, own->confirm.word) + 2;
    x = canvas_put_cut(c, x, y, width - x, ROLE_TEXT, "to run it, Esc to leave.") + 2;
    x = canvas_put(c, x, y, ROLE_ACTIVE, ">") + 1;
    x = canvas_put_cut(c, x, y, width - x, ROLE_INPUT, own->confirm.typed);
    canvas_cursor(c, x < width ? x : width - 1, y);
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
