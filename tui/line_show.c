/* Line mode's words: output, outcomes, and the page of a step as text. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/confirm_rows.h"
#include "tui/line_state.h"
#include "tui/passage.h"
#include "tui/where.h"

#define LINE_HELD         4096 /* bytes of a line that are awaited before they are shown */
#define PROGRESS_EVERY_US (2 * US_PER_S)

void line_say(const char *format, ...)
{
    struct str text = {0}, clean = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    utf8_clean(&clean, str_text(&text), text.len, true);
    fputs(str_text(&clean), stdout);
    fflush(stdout);
    str_fini(&text);
    str_fini(&clean);
}

const struct step *line_step(const struct engine_run *view, int step)
{
    return &view->book->steps.data[step];
}

/* What is new of a step's output, in whole lines while it runs, of which too long a one comes in parts. */
static void output_show(struct line_mode *m, int step, bool over)
{
    const char *text = engine_step_output(m->engine, m->id, step);
    size_t length = strlen(text);
    uint64_t fresh = engine_step_output_total(m->engine, m->id, step) - m->printed[step];
    if (fresh == 0)
        return;
    if (fresh > length) {
        printf("[%llu bytes of output are left out here; the timeline has them]\n",
               (unsigned long long)(fresh - length));
        m->printed[step] += fresh - length;
    } else {
        text += length - fresh;
        length = fresh;
    }
    const char *end = memrchr(text, '\n', length);
    size_t take = over || length > LINE_HELD ? length : end ? (size_t)(end - text) + 1 : 0;
    fwrite(text, 1, take, stdout);
    m->printed[step] += take;
    if (take > 0)
        m->unended = text[take - 1] != '\n';
}

void line_output_show(struct line_mode *m, int step, bool over)
{
    output_show(m, step, over);
    if (over && m->unended) {
        fputc('\n', stdout);
        m->unended = false;
    }
    fflush(stdout);
}

void line_progress_show(struct line_mode *m, const struct engine_run *view)
{
    struct str text = {0};
    int64_t now_us = loop_now_us(m->loop);
    run_progress_text(view->run, view->current_step, INT64_MAX, &text);
    bool asked = m->question != NO_QUESTION; /* behind a question it would stand where the answer is typed */
    if (text.len > 0 && !asked && !str_eq(m->progress, str_text(&text)) &&
        now_us - m->progress_us > PROGRESS_EVERY_US) {
        line_say("  %s\n", str_text(&text));
        free(m->progress);
        m->progress = xstrdup(str_text(&text));
        m->progress_us = now_us;
    }
    str_fini(&text);
}

void line_outcomes_show(struct line_mode *m, const struct engine_run *view)
{
    for (size_t i = 0; i < view->book->steps.len; i++) {
        struct run_step s;
        run_step_at(view->run, (int)i, &s);
        if (s.outcome == m->shown[i] || s.outcome < OUTCOME_RUNNING)
            continue;
        m->shown[i] = s.outcome;
        if (s.outcome == OUTCOME_RUNNING) {
            if (step_kind_acts(view->book->steps.data[i].kind))
                line_say("%s runs\n", view->book->steps.data[i].title);
            continue;
        }
        line_output_show(m, (int)i, true);
        line_say("[%s] %s%s%s\n", step_outcome_text(line_step(view, (int)i), s.outcome),
                 line_step(view, (int)i)->title, s.reason[0] ? ": " : "", s.reason);
    }
}

/* How it runs: items, rungs, attempts, its lock. */
static void powers_show(const struct engine_run *view, const struct step *step, const struct run_page *page)
{
    struct str parts = {0};
    confirm_parts_text(view, step, &page->parts, &parts);
    if (parts.len > 0)
        line_say("  %-9s %s\n", page->parts.kind == PARTS_ITEMS ? "Items" : "Rungs", str_text(&parts));
    str_fini(&parts);
    if (page->policy)
        line_say("  %-9s %s: tried up to %u times%s%s%s\n", "Policy", page->policy->name,
                 page->policy->rules.backoff.attempts, page->policy->target ? ", asks the breaker " : "",
                 page->policy->target ? page->policy->target : "",
                 page->policy->rules.end == POLICY_SKIP   ? "; then it stays failed and the run goes on"
                 : page->policy->rules.end == POLICY_FAIL ? "; then the run stops"
                                                          : "");
    if (page->lock)
        line_say("  %-9s \"%s\", one run at a time\n", "Lock", page->lock);
}

static void items_show(const struct engine_run *view, const char *label, const struct run_page_item *items,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        line_say("  %-9s %s: %s%s%s\n", label, line_step(view, items[i].step)->title,
                 step_outcome_text(line_step(view, items[i].step), items[i].outcome),
                 items[i].reason && items[i].reason[0] ? ", " : "", items[i].reason ? items[i].reason : "");
}

void line_page_show(struct line_mode *m, const struct engine_run *view, const struct run_page *page)
{
    const struct step *step = line_step(view, page->step);
    struct str what = {0}, where = {0}, time = {0}, fails = {0};
    if (view->rehearsed)
        str_add(&where, "nowhere, this is a rehearsal: nothing is run and nothing changes");
    else
        where_text(m->engine, &where);
    run_command_text(&page->command, &what);
    line_say("\n%s%s\n", view->rehearsed ? "REHEARSAL: " : "", step->title);
    if (page->command_error)
        line_say("  %-9s can't be run: %s\n", "What", page->command_message);
    else
        line_say("  %-9s %s\n", "What", str_text(&what));
    if (page->command.interactive)
        line_say("  %-9s takes over this terminal until it ends; %s\n  %-9s what it shows is recorded, what "
                 "is typed is not\n",
                 "", PASSAGE_HINT, "");
    for (size_t i = 0; i < page->command.env.len; i++) {
        const struct run_env *env = &page->command.env.data[i];
        if (env->interesting)
            line_say("  %-9s %s=%s\n", "", env->name, env->secret ? "(secret, not shown)" : env->value);
    }
    if (page->command.cwd)
        line_say("  %-9s in %s\n", "", page->command.cwd);
    line_say("  %-9s %s\n", "Where", str_text(&where));
    confirm_time_text(m->engine, view->id, page, &time);
    line_say("  %-9s %s%s\n", "Reach",
             page->scope == SCOPE_NONE ? "not declared" : step_scope_text(page->scope), str_text(&time));
    items_show(view, "Tried", page->narrower.data, page->narrower.len);
    if (page->why_stronger)
        line_say("  %-9s %s\n", "Careful", page->why_stronger);
    items_show(view, "Before", page->before.data, page->before.len);
    items_show(view, "Evidence", page->evidence.data, page->evidence.len);
    if (page->approvals > 0)
        line_say("  %-9s %d of %d here; another operator gives one: belay approve %lld %s\n", "Approvals",
                 page->approvals - page->approvals_missing, page->approvals, (long long)m->id, step->id);
    if (page->approvals > 0)
        line_say("  %-9s %s\n", "Digest", page->digest);
    m->missing = page->approvals_missing;
    powers_show(view, step, page);
    items_show(view, "After", page->after.data, page->after.len);
    if (page->after.len == 0)
        line_say("  %-9s nothing verifies it: exit 0 ends warn\n", "After");
    confirm_failure_text(view, page, &fails);
    line_say("  %-9s %s\n", "", str_text(&fails));
    str_fini(&fails);
    str_fini(&time);
    str_fini(&where);
    str_fini(&what);
}
