#include "tui/powers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"

#define FAULTS_SHOWN 6
#define BAR_MOST     40
#define LOCKS_MOST   16
#define LABEL        11

/* The column behind it. */
static int put_label(struct canvas *c, int y, const char *text)
{
    canvas_put_cut(c, 1, y, LABEL - 2, ROLE_TITLE, text);
    return LABEL;
}

static int bar_width(const struct canvas *c)
{
    int width = canvas_width(c) / 3;
    return width > BAR_MOST ? BAR_MOST : width;
}

/* ---- items ---- */

static bool is_fault(enum run_outcome outcome)
{
    return outcome == OUTCOME_FAILED || outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_CANCELLED;
}

/* The first ones of those that aren't ok, each with its reason. */
static int draw_faults(const struct step_view *view, const struct run_parts *parts, struct canvas *c, int y)
{
    size_t faults = parts->failed + parts->unknown + parts->cancelled, shown = 0;
    for (size_t i = 0; i < parts->total && shown < FAULTS_SHOWN && shown < faults; i++) {
        struct run_part part;
        run_part_at(view->run.run, view->index, (int)i, &part);
        if (!is_fault(part.outcome)) {
            continue;
        }
        struct str text = {0};
        const struct mark *mark = mark_find(run_outcome_text(part.outcome));
        run_part_text(view->run.run, view->index, (int)i, &text);
        str_addf(&text, "  %s", part.reason[0] != '\0' ? part.reason : run_outcome_text(part.outcome));
        if (part.attempts > 1) {
            str_addf(&text, ", %u attempts", part.attempts);
        }
        int x = canvas_put_glyph(c, LABEL, y, mark->role, mark->glyph) + 1;
        canvas_put_cut(c, x, y++, canvas_width(c) - x - 1, ROLE_TEXT, str_text(&text));
        str_fini(&text);
        shown++;
    }
    if (shown < faults) {
        canvas_putf(c, LABEL, y++, ROLE_FAINT, "and %zu more", faults - shown);
    }
    return y;
}

static int draw_items(const struct step_view *view, const struct run_parts *parts, struct canvas *c, int y)
{
    const struct step *what = view->what;
    size_t over = parts->ok + parts->failed + parts->unknown + parts->cancelled + parts->skipped;
    struct str text = {0};
    int x = put_label(c, y, "Items"), bar = bar_width(c);
    canvas_bar(c, x, y, bar, ROLE_BAR, parts->total > 0 ? (double)over / (double)parts->total : 0);
    str_addf(&text, "%zu of %zu ok", parts->ok, parts->total);
    if (parts->failed > 0) {
        str_addf(&text, ", %zu failed", parts->failed);
    }
    if (parts->unknown + parts->cancelled > 0) {
        str_addf(&text, ", %zu unknown", parts->unknown + parts->cancelled);
    }
    if (parts->skipped > 0) {
        str_addf(&text, ", %zu not run", parts->skipped);
    }
    if (parts->running > parts->waiting) {
        str_addf(&text, ", %zu run now", parts->running - parts->waiting);
    }
    if (parts->waiting > 0) {
        str_addf(&text, ", %zu wait to be tried again", parts->waiting);
    }
    canvas_put_cut(c, x + bar + 1, y++, canvas_width(c) - x - bar - 2, ROLE_STRONG, str_text(&text));
    str_clear(&text);
    str_addf(&text, "%.4g%% of them must be ok", (double)what->threshold / 10000);
    if (what->minimum > 1) {
        str_addf(&text, ", at least %lld in the file", (long long)what->minimum);
    }
    str_addf(&text, "; %d at a time", what->parallel);
    canvas_put_cut(c, x, y++, canvas_width(c) - x - 1, ROLE_FAINT, str_text(&text));
    str_fini(&text);
    return draw_faults(view, parts, c, y);
}

/* ---- rungs ---- */

static unsigned rung_style(const struct run_parts *parts, int rung, enum run_outcome outcome)
{
    return rung == parts->rung_wanted ? ROLE_ACTIVE
           : rung == parts->rung      ? (parts->worse ? ROLE_DEGRADED : ROLE_OK) | STYLE_BOLD
           : outcome == OUTCOME_OK    ? ROLE_OK
           : is_fault(outcome)        ? ROLE_DOWN
                                      : ROLE_FAINT;
}

/* "▸" goes to it, "●" holds, "✓" was held, "✗" was worse. */
static enum glyph rung_glyph(const struct run_parts *parts, int rung, enum run_outcome outcome)
{
    return rung == parts->rung_wanted ? GLYPH_NEXT
           : rung == parts->rung      ? GLYPH_FULL
           : outcome == OUTCOME_OK    ? GLYPH_OK
           : is_fault(outcome)        ? GLYPH_DOWN
                                      : GLYPH_EMPTY;
}

static int draw_rungs(struct page *page, const struct step_view *view, const struct run_parts *parts,
                      struct canvas *c, int y)
{
    const struct step *what = view->what;
    struct str text = {0};
    int x = put_label(c, y, "Rungs");
    for (int i = 0; i < (int)parts->total; i++) {
        struct run_part part;
        run_part_at(view->run.run, view->index, i, &part);
        unsigned style = rung_style(parts, i, part.outcome);
        x = canvas_put_glyph(c, x, y, style, rung_glyph(parts, i, part.outcome)) + 1;
        x = canvas_put(c, x, y, style, what->rungs[i]) + 2;
    }
    int64_t left_ms = parts->held_until_ms - engine_run_clock_ms(console_engine(page->console), view->run.id);
    if (parts->rung_wanted != PART_NONE && parts->rung != PART_NONE && parts->rung_wanted < parts->rung) {
        str_addf(&text, "steps back to %s", what->rungs[parts->rung_wanted]);
    } else if (parts->rung != PART_NONE) {
        str_addf(&text, "%s is in effect", what->rungs[parts->rung]);
    }
    if (parts->held_until_ms >= 0 && left_ms > 0) {
        char left[DURATION_TEXT_SIZE];
        duration_format(left_ms * US_PER_MS, left);
        str_addf(&text, ", held for %s more", left);
    }
    canvas_put_cut(c, x + 1, y++, canvas_width(c) - x - 2, ROLE_STRONG, str_text(&text));
    str_clear(&text);
    if (what->guard != STEP_NONE && parts->baseline[0] != '\0') {
        str_addf(&text, "guard %s: ", view->run.book->steps.data[what->guard].title);
        str_addf(&text, "%s against the baseline %s", parts->measured[0] != '\0' ? parts->measured : "?",
                 parts->baseline);
        str_add(&text, parts->worse ? ": worse" : "");
        if (what->guard_slack > 0) {
            str_addf(&text, " (%.4g%% %s is no worse)", (double)what->guard_slack / 10000,
                     what->guard_lower ? "more" : "less");
        }
        canvas_put_cut(c, LABEL, y++, canvas_width(c) - LABEL - 1, parts->worse ? ROLE_DOWN : ROLE_TEXT,
                       str_text(&text));
    }
    str_fini(&text);
    return y;
}

/* ---- attempts ---- */

/* "attempt 2 of 4, the next in 3s; the one before: exit 1" */
static int draw_tries(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    const struct run_step *step = &view->step;
    struct run_part part;
    struct str text = {0};
    if (step->tries_max <= 1 || step->tries == 0) {
        return y;
    }
    run_part_at(view->run.run, view->index, 0, &part);
    int64_t left_ms = step->next_ms - engine_run_clock_ms(console_engine(page->console), view->run.id);
    str_addf(&text, "%u of %u by the policy %s", step->tries, step->tries_max,
             step->policy != NULL ? step->policy->name : "");
    if (step->phase == PHASE_WAITING && step->next_ms >= 0) {
        char left[DURATION_TEXT_SIZE];
        duration_format((left_ms > 0 ? left_ms : 0) * US_PER_MS, left);
        str_addf(&text, "; the next in %s", left);
    }
    if (part.reason[0] != '\0') {
        str_addf(&text, "; before: %s", part.reason);
    }
    int x = put_label(c, y, "Attempt");
    canvas_put_cut(c, x, y, canvas_width(c) - x - 1, ROLE_TEXT, str_text(&text));
    str_fini(&text);
    return y + 1;
}

/* ---- locks ---- */

const struct run *lock_holder(struct engine *engine, const char *text, struct engine_run *holder)
{
    for (size_t i = 0; i < engine_run_count(engine); i++) {
        struct run_lock locks[LOCKS_MOST];
        if (!engine_run_at(engine, i, holder) || holder->ended) {
            continue;
        }
        size_t count = run_locks(holder->run, locks, LOCKS_MOST);
        for (size_t k = 0; k < count && k < LOCKS_MOST; k++) {
            if (locks[k].held && str_eq(locks[k].text, text)) {
                return holder->run;
            }
        }
    }
    return NULL;
}

static int draw_locks(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    struct run_lock locks[LOCKS_MOST];
    size_t count = run_locks(view->run.run, locks, LOCKS_MOST);
    for (size_t i = 0; i < count && i < LOCKS_MOST; i++) {
        struct engine_run holder;
        if (locks[i].step != view->index) {
            continue;
        }
        int x = put_label(c, y, "Lock");
        if (locks[i].held) {
            canvas_putf(c, x, y++, ROLE_TEXT, "\"%s\" is held by this run", locks[i].text);
        } else if (lock_holder(console_engine(page->console), locks[i].text, &holder) != NULL) {
            canvas_putf(c, x, y++, ROLE_DEGRADED, "\"%s\" is held by run %lld (%s)", locks[i].text,
                        (long long)holder.id, holder.owner != NULL ? holder.owner : holder.actor);
        } else {
            canvas_putf(c, x, y++, ROLE_ACTIVE, "\"%s\" is asked for", locks[i].text);
        }
    }
    return y;
}

/* ---- the job that it follows ---- */

/* "60% 30,000/50,000 · 412/s · ETA 48s", as far as the job tells. */
static void add_job(const struct entity *job, struct str *out)
{
    double done = entity_measure(job, "done"), total = entity_measure(job, "total"),
           rate = entity_measure(job, "rate");
    double eta_s = entity_measure(job, "eta_s");
    char a[SCENE_TEXT_SIZE], b[SCENE_TEXT_SIZE];
    if (isfinite(done) && isfinite(total) && total > 0) {
        scene_count(done, a);
        scene_count(total, b);
        str_addf(out, "%d%% %s/%s", done >= total ? 100 : (int)(done / total * 100), a, b);
    } else if (isfinite(done)) {
        scene_count(done, a);
        str_add(out, a);
    }
    if (isfinite(rate)) {
        scene_number(rate, NULL, a);
        str_addf(out, ", %s/s", a);
    }
    if (!isfinite(eta_s) && isfinite(rate) && rate > 0 && isfinite(done) && isfinite(total)) {
        eta_s = (total - done) / rate;
    }
    if (isfinite(eta_s) && eta_s > 0 && eta_s < 1e9) {
        char left[DURATION_TEXT_SIZE];
        duration_format((int64_t)(eta_s * US_PER_S), left);
        str_addf(out, ", ETA %s", left);
    }
    if (job->condition != CONDITION_OK) {
        str_addf(out, ", %s%s%s", job->raw[0] != '\0' ? job->raw : condition_name(job->condition),
                 job->reason[0] != '\0' ? ": " : "", job->reason);
    }
}

static int draw_job(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    struct run_context context;
    char incident[24], run[24];
    step_context(page->console, view, &context, incident, run);
    char *name = run_follow(view->run.run, view->index, &context);
    if (name == NULL) {
        return y;
    }
    int x = put_label(c, y, "Job"), width = canvas_width(c);
    const struct entity *job = platform_find(console_scene(page->console)->platform, ENTITY_JOB, NULL, name);
    if (job == NULL) {
        canvas_putf(c, x, y++, ROLE_FAINT, "%s: no source has seen it", name);
    } else {
        struct str text = {0};
        double done = entity_measure(job, "done"), total = entity_measure(job, "total");
        x = canvas_put_cut(c, x, y, width / 3, ROLE_TEXT, job->name) + 1;
        if (isfinite(done) && isfinite(total) && total > 0 && width > 60) {
            int bar = bar_width(c) / 2;
            canvas_bar(c, x, y, bar, ROLE_BAR, done >= total ? 1 : done / total);
            x += bar + 1;
        }
        add_job(job, &text);
        canvas_put_cut(c, x, y++, width - x - 1, job->condition == CONDITION_OK ? ROLE_STRONG : ROLE_DEGRADED,
                       str_text(&text));
        str_fini(&text);
    }
    free(name);
    return y;
}

int powers_draw(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    struct run_parts parts;
    run_parts_at(view->run.run, view->index, &parts);
    bool begun = view->step.outcome >= OUTCOME_RUNNING;
    if (parts.kind == PARTS_ITEMS && begun) {
        y = draw_items(view, &parts, c, y);
    } else if (parts.kind == PARTS_RUNGS && begun) {
        y = draw_rungs(page, view, &parts, c, y);
    }
    if (begun) {
        y = draw_tries(page, view, c, y);
    }
    y = draw_locks(page, view, c, y);
    return begun ? draw_job(page, view, c, y) : y;
}
