/* What will run, where, how far it reaches, what was checked, what is saved, what comes after, who else is at
 * work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/confirm_rows.h"
#include "tui/console_state.h"
#include "tui/passage.h"
#include "tui/where.h"

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

void rows_label(struct rows *r, const char *text)
{
    canvas_put_cut(r->c, 1, r->y, ROWS_LABEL - 2, ROLE_TITLE, text);
}

void rows_wrap(struct rows *r, unsigned style, const char *text)
{
    r->y = canvas_put_wrapped(r->c, ROWS_LABEL, r->y, canvas_width(r->c) - ROWS_LABEL - 1, style, text);
}

static const char *outcome_word(const struct step *step, enum run_outcome outcome)
{
    return outcome == OUTCOME_OK        ? "done"
           : outcome == OUTCOME_PENDING ? "pending"
                                        : step_outcome_text(step, outcome);
}

/* "✓ replica serves  3 s ago" one after the other, as many in a row as fit. */
static void items(struct rows *r, const struct step_view *view, const struct run_page_item *list,
                  size_t count, bool ages)
{
    int width = canvas_width(r->c), x = ROWS_LABEL;
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &view->run.book->steps.data[list[i].step];
        const struct mark *mark = mark_find(outcome_word(step, list[i].outcome));
        const char *title = step->title;
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
        if (x > ROWS_LABEL && x + wanted >= width) {
            x = ROWS_LABEL;
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
    int width = canvas_width(r->c) - ROWS_LABEL - 1;
    for (size_t i = 0; i < command->env.len; i++) {
        const struct run_env *env = &command->env.data[i];
        if (!env->interesting) {
            continue;
        }
        str_clear(&text);
        str_addf(&text, "%s=%s", env->name, env->secret ? "(secret, not shown)" : env->value);
        int wanted = canvas_columns(r->c, str_text(&row)) + 2 + canvas_columns(r->c, str_text(&text));
        if (row.len > 0 && wanted > width) {
            rows_wrap(r, ROLE_TEXT, str_text(&row));
            str_clear(&row);
        }
        str_addf(&row, "%s%s", row.len > 0 ? "  " : "", str_text(&text));
    }
    if (row.len > 0) {
        rows_wrap(r, ROLE_TEXT, str_text(&row));
    }
    str_fini(&text);
    str_fini(&row);
}

void confirm_rows_what(struct rows *r, const struct run_page *data)
{
    struct str text = {0};
    rows_label(r, "What");
    if (data->command_error != 0) {
        rows_wrap(r, ROLE_DOWN, data->command_message);
        return;
    }
    run_command_text(&data->command, &text);
    r->y = canvas_put_command(r->c, ROWS_LABEL, r->y, canvas_width(r->c) - ROWS_LABEL - 1, ROLE_STRONG,
                              str_text(&text));
    if (data->command.interactive) {
        rows_wrap(r, ROLE_DANGER, "takes over this terminal until it ends; " PASSAGE_HINT);
        rows_wrap(r, ROLE_FAINT, "what it shows is recorded, what is typed is not");
    }
    put_environment(r, &data->command);
    if (data->command.cwd != NULL) {
        str_clear(&text);
        str_addf(&text, "in %s", data->command.cwd);
        rows_wrap(r, ROLE_FAINT, str_text(&text));
    }
    str_fini(&text);
}

static void put_where(struct rows *r, struct page *page, const struct step_view *view)
{
    struct engine *engine = console_engine(page->console);
    struct engine_where where = {0};
    struct str text = {0};
    engine_where(engine, &where);
    rows_label(r, "Where");
    if (view->run.rehearsed) {
        rows_wrap(r, ROLE_TEXT, "nowhere: this is a rehearsal");
        return;
    }
    if (view->run.elsewhere) { /* where it lands is observed there, right before it runs */
        const char *owner = view->run.owner != NULL ? view->run.owner : view->run.actor;
        str_addf(&text, "%s, as %s", engine_target(engine), view->is_asked ? view->asked.by : owner);
        rows_wrap(r, ROLE_TEXT, str_text(&text));
        str_fini(&text);
        return;
    }
    bool wrong = where.configured && where.observed_us != 0 && !where.matches;
    where_text(engine, &text);
    rows_wrap(r, wrong ? ROLE_DANGER : ROLE_TEXT, str_text(&text));
    str_fini(&text);
}

void confirm_time_text(const struct engine *engine, int64_t run, const struct run_page *data, struct str *out)
{
    int64_t low, high;
    char text[DURATION_TEXT_SIZE];
    if (engine_step_usual_ms(engine, run, data->step, &low, &high)) {
        put_usual(low, high, out);
    }
    if (data->command_error == 0 && data->command.timeout_ms > 0) {
        limit(data->command.timeout_ms, text);
        str_addf(out, ", limit %s", text);
    } else {
        str_add(out, ", no limit");
    }
}

static void put_reach(struct rows *r, struct page *page, const struct step_view *view,
                      const struct run_page *data)
{
    struct str text = {0};
    rows_label(r, "Reach");
    str_add(&text, data->scope == SCOPE_NONE ? "not declared" : step_scope_text(data->scope));
    if (data->narrower.len > 0) {
        str_add(&text, "   (narrower tried: ");
        for (size_t i = 0; i < data->narrower.len; i++) {
            const struct run_page_item *item = &data->narrower.data[i];
            str_addf(&text, "%s%s, %s", i > 0 ? "; " : "", view->run.book->steps.data[item->step].title,
                     step_outcome_text(&view->run.book->steps.data[item->step], item->outcome));
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
    confirm_time_text(console_engine(page->console), view->run.id, data, &text);
    rows_wrap(r, ROLE_TEXT, str_text(&text));
    if (data->stronger && data->why_stronger != NULL) {
        rows_wrap(r, ROLE_DANGER, data->why_stronger);
    }
    str_fini(&text);
}

void confirm_failure_text(const struct engine_run *view, const struct run_page *data, struct str *out)
{
    const struct step *steps = view->book->steps.data, *what = &steps[data->step];
    enum policy_end end = data->policy != NULL ? data->policy->rules.end : POLICY_FALLBACK;
    if (end == POLICY_SKIP || end == POLICY_FAIL) {
        str_addf(out, "If no attempt is left: %s",
                 end == POLICY_SKIP ? "it stays failed and the run goes on" : "the run stops");
    } else if (what->onfail == ONFAIL_CONTINUE || what->onfail == ONFAIL_STOP) {
        str_addf(out, "If it fails: the run %s", what->onfail == ONFAIL_STOP ? "stops" : "goes on");
    } else if (data->rollback >= 0) {
        str_addf(out, "If it fails: rollback \"%s\" is %s", steps[data->rollback].title,
                 what->onfail == ONFAIL_ROLLBACK ? "next" : "offered");
    } else {
        str_add(out, "If it fails: you are asked");
    }
    if (data->undo >= 0) {
        str_addf(out, "; taken back by \"%s\"", steps[data->undo].title);
    }
}

static void put_after(struct rows *r, const struct step_view *view, const struct run_page *data)
{
    struct str text = {0};
    char until[DURATION_TEXT_SIZE];
    rows_label(r, "After");
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
    struct str fails = {0};
    confirm_failure_text(&view->run, data, &fails);
    int wanted = canvas_columns(r->c, str_text(&text)) + 6 + canvas_columns(r->c, str_text(&fails));
    str_addf(&text, "%s%s", wanted > canvas_width(r->c) - ROWS_LABEL - 1 ? "\n" : "      ", str_text(&fails));
    rows_wrap(r, ROLE_TEXT, str_text(&text));
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
            str_addf(&text, "%s%s is in %s %lld (%s)", text.len > 0 ? ", " : "", other.actor,
                     other.rehearsed ? "rehearsal" : "run", (long long)other.id, other.book->title);
        }
    }
    const char *warning = engine_lifetime_warning(engine);
    if (text.len > 0 || warning != NULL) {
        rows_label(r, "Meanwhile");
    }
    if (text.len > 0) {
        rows_wrap(r, ROLE_ACTOR, str_text(&text));
    }
    if (warning != NULL) {
        rows_wrap(r, ROLE_DEGRADED, warning);
    }
    str_fini(&text);
}

void confirm_rows_around(struct rows *r, struct page *page, const struct step_view *view,
                         const struct run_page *data)
{
    put_where(r, page, view);
    put_reach(r, page, view, data);
    confirm_rows_powers(r, page, view, data);
    if (data->before.len > 0) {
        rows_label(r, "Before");
        items(r, view, data->before.data, data->before.len, true);
    }
    if (data->evidence.len > 0) {
        struct str text = {0};
        titles(view, data->evidence.data, data->evidence.len, &text);
        str_add(&text, ": saved first");
        rows_label(r, "Evidence");
        rows_wrap(r, ROLE_TEXT, str_text(&text));
        str_fini(&text);
    }
    if (data->acts || data->after.len > 0) {
        put_after(r, view, data);
    }
    put_meanwhile(r, page, view);
    if (view->run.edited != NULL) {
        rows_label(r, "Edited");
        rows_wrap(r, ROLE_DEGRADED, view->run.edited);
    }
}

void confirm_rows_guide(struct rows *r, const struct step_view *view)
{
    if (view->what->prose[0] != '\0') {
        rows_label(r, "Guide");
        rows_wrap(r, ROLE_TEXT, view->what->prose);
    }
}
