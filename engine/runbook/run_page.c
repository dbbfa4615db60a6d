/* The data of the confirmation page, and what has to be typed on it. */
#include <stdlib.h>

#include "engine/runbook/run_state.h"

static bool tried(const struct run *run, int step)
{
    return STATE(run, step)->counts[ROLE_ACT] > 0;
}

/* Which steps are no alternative to this one: they rest on it by their `when`, or on what has ended
 * otherwise. */
static bool *no_alternatives(const struct run *run, int step)
{
    size_t count = run->book->steps.len;
    bool *out = xcalloc(count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        const struct step *s = &run->book->steps.data[i];
        out[i] = STATE(run, i)->not_applicable;
        for (size_t j = 0; j < s->when.len; j++) {
            const struct step_condition *term = &s->when.data[j];
            out[i] |= term->step == step || out[term->step] || walk_has_denied(run, term);
        }
    }
    return out;
}

/* Narrower actions of the same runbook (requirement F3), tried or not. What its `when` has ruled out is
 * neither. */
static void each_narrower(const struct run *run, int step, void (*visit)(void *data, int step, bool tried),
                          void *data)
{
    const struct step *s = STEP(run, step);
    if (!step_kind_acts(s->kind) || s->scope == SCOPE_NONE)
        return;
    bool *out = no_alternatives(run, step);
    for (size_t i = 0; i < run->book->steps.len; i++) {
        const struct step *other = &run->book->steps.data[i];
        if ((int)i == step || other->kind != STEP_ACTION || other->scope == SCOPE_NONE ||
            other->scope >= s->scope)
            continue;
        if (tried(run, (int)i))
            visit(data, (int)i, true);
        else if (!out[i])
            visit(data, (int)i, false);
    }
    free(out);
}

static void note_untried(void *data, int step, bool was_tried)
{
    int *first = data;
    if (!was_tried && *first == STEP_NONE)
        *first = step;
}

/* The text as it is, or with the scope's word behind it; that word alone where a key or `yes` would have
 * done. */
char *confirm_needed(const struct run *run, int step, bool *stronger)
{
    const struct step *s = STEP(run, step);
    int untried = STEP_NONE;
    each_narrower(run, step, note_untried, &untried);
    *stronger = untried != STEP_NONE;
    const char *scope = step_scope_text(s->scope);
    char *text = s->confirm_text ? values_expand(run, s->confirm_text, false) : NULL;
    if (s->confirm == CONFIRM_NONE)
        return NULL;
    if (text && *stronger) {
        char *both = xasprintf("%s %s", text, scope);
        free(text);
        return both;
    }
    if (text)
        return text;
    return xstrdup(*stronger ? scope : s->confirm == CONFIRM_KEY ? "y" : "yes");
}

/* ---- The page ---- */

static struct run_page_item item_of(const struct run *run, int step)
{
    const struct step_state *st = STATE(run, step);
    bool over = st->ended_ms >= 0 && st->outcome != OUTCOME_RUNNING;
    return (struct run_page_item){.step = step,
                                  .outcome = st->outcome,
                                  .ended_ms = over ? st->ended_ms : -1,
                                  .age_ms = over ? run->now_ms - st->ended_ms : -1,
                                  .reason = st->reason ? st->reason : ""};
}

struct collect {
    const struct run *run;
    struct run_page *page;
};

static void collect_narrower(void *data, int step, bool was_tried)
{
    struct collect *c = data;
    if (was_tried)
        *vec_push(&c->page->narrower) = item_of(c->run, step);
    else
        *vec_push(&c->page->untried) = item_of(c->run, step);
}

static void fill_reach(const struct run *run, int step, struct run_page *page)
{
    struct collect c = {.run = run, .page = page};
    page->scope = STEP(run, step)->scope;
    each_narrower(run, step, collect_narrower, &c);
    if (page->untried.len == 0)
        return;
    const struct step *first = STEP(run, page->untried.data[0].step);
    page->why_stronger = xasprintf("a narrower step is untried: %s %s%s", step_scope_text(first->scope),
                                   first->title, page->untried.len > 1 ? ", and others" : "");
}

static void fill_before(const struct run *run, int step, struct run_page *page)
{
    const struct step *s = STEP(run, step);
    int64_t fresh = values_ms(run, &s->fresh);
    for (size_t i = 0; i < s->pre.len; i++) {
        struct run_page_item item = item_of(run, s->pre.data[i]);
        *vec_push(&page->before) = item;
        page->before_pending |=
            item.outcome == OUTCOME_RUNNING || (!page->armed && !check_fresh(run, s->pre.data[i], fresh));
        page->before_failed |= page->armed && item.outcome != OUTCOME_RUNNING && item.outcome != OUTCOME_OK;
    }
    for (size_t i = 0; i < s->evidence.len; i++)
        *vec_push(&page->evidence) = item_of(run, s->evidence.data[i]);
    for (size_t i = 0; i < s->verify.len; i++) {
        int64_t until = values_ms(run, &STEP(run, s->verify.data[i])->until);
        *vec_push(&page->after) = item_of(run, s->verify.data[i]);
        if (until > page->after_until_ms)
            page->after_until_ms = until;
    }
}

static void fill_powers(const struct run *run, int step, const struct run_context *context,
                        struct run_page *page)
{
    const struct step *s = STEP(run, step);
    const char *where = context ? context->where : NULL;
    run_parts_at(run, step, &page->parts);
    page->policy = run->policies[step].name ? &run->policies[step] : NULL;
    page->approvals = run->rehearsed ? 0 : s->approvals;
    lock_text(run, step, &page->lock, NULL);
    if (page->approvals == 0)
        return;
    run_command_digest(run, step, where, page->digest, NULL);
    page->approvals_missing =
        approvals_missing(run, step, context ? context->person : NULL, where, run->now_ms);
}

int run_page(const struct run *run, int step, const struct run_context *context, struct run_page *page,
             struct err *e)
{
    *page = (struct run_page){.step = step, .rollback = STEP_NONE, .undo = STEP_NONE};
    if (step < 0 || (size_t)step >= run->book->steps.len)
        return err_set(e, ERR_NOT_FOUND, "the runbook has no step %d", step);
    const struct step *s = STEP(run, step);
    const struct step_state *st = STATE(run, step);
    struct err why = {0};
    page->acts = step_kind_acts(s->kind);
    page->command_error = run_command(run, step, context, &page->command, &why);
    memcpy(page->command_message, why.msg, sizeof page->command_message);
    page->armed = st->outcome == OUTCOME_ARMED;
    page->confirm_after_ms = page->armed ? st->opened_ms + confirm_min_ms(run) : -1;
    page->disarm_ms = page->armed ? st->opened_ms + RUN_DISARM_MS : -1;
    fill_reach(run, step, page);
    fill_before(run, step, page);
    fill_powers(run, step, context, page);
    page->rollback = s->rollback;
    page->undo = s->undo;
    page->confirm = s->confirm;
    page->confirm_text = confirm_needed(run, step, &page->stronger);
    return 0;
}

void run_page_fini(struct run_page *page)
{
    run_command_fini(&page->command);
    vec_fini(&page->narrower);
    vec_fini(&page->untried);
    vec_fini(&page->before);
    vec_fini(&page->evidence);
    vec_fini(&page->after);
    free(page->why_stronger);
    free(page->confirm_text);
    free(page->lock);
    *page = (struct run_page){0};
}
