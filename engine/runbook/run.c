/* The run machine's door: what goes in is checked, then applied; nothing else changes it. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/runbook/run_state.h"

struct run *run_new(const struct runbook *book)
{
    struct run *run = xcalloc(1, sizeof *run);
    run->book = book;
    run->focus = STEP_NONE;
    run->steps = xcalloc(book->steps.len + 1, sizeof *run->steps);
    run->values = xcalloc(book->vars.len + 1, sizeof *run->values);
    for (size_t i = 0; i < book->steps.len; i++) {
        struct step_state *st = &run->steps[i];
        st->parent = st->back = STEP_NONE;
        st->opened_ms = st->started_ms = st->ended_ms = st->passed_ms = st->next_ms = st->hold_ms = -1;
    }
    return run;
}

void run_free(struct run *run)
{
    if (!run)
        return;
    for (size_t i = 0; i < run->book->steps.len; i++) {
        free(run->steps[i].reason);
        free(run->steps[i].answer);
        free(run->steps[i].act_reason);
    }
    for (size_t i = 0; i < run->book->vars.len; i++)
        free(run->values[i].text);
    for (size_t i = 0; i < run->carried.len; i++) {
        free(run->carried.data[i].name);
        free(run->carried.data[i].value);
    }
    vec_fini(&run->carried);
    vec_fini(&run->tickets);
    free(run->steps);
    free(run->values);
    free(run);
}

/* ---- Effects ---- */

static struct run_effect *effect(struct run *run, enum run_effect_kind kind)
{
    struct run_effect *e = vec_push(run->out);
    e->kind = kind;
    e->step = STEP_NONE;
    return e;
}

void run_note(struct run *run, int step, const char *format, ...)
{
    if (!run->out)
        return;
    struct run_effect *e = effect(run, EFFECT_NOTE);
    e->step = step;
    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    size_t whole;
    if (!utf8_valid(e->text, strlen(e->text), &whole))
        e->text[whole] = '\0'; /* no half characters */
}

void run_wake(struct run *run, int64_t at_ms)
{
    if (run->out)
        effect(run, EFFECT_WAKE)->at_ms = at_ms;
}

uint64_t run_exec(struct run *run, int step, enum run_role role)
{
    struct step_state *st = STATE(run, step);
    uint64_t ticket = ++run->last_ticket;
    unsigned attempt = ++st->counts[role];
    st->started_ms = run->now_ms;
    *vec_push(&run->tickets) = (struct run_ticket){
        .ticket = ticket, .step = step, .role = role, .attempt = attempt, .since_ms = run->now_ms};
    if (run->out) {
        struct run_effect *e = effect(run, EFFECT_EXEC);
        e->ticket = ticket;
        e->step = step;
        e->role = role;
        e->attempt = attempt;
    }
    return ticket;
}

struct run_ticket *run_find_ticket(const struct run *run, uint64_t ticket)
{
    for (size_t i = 0; i < run->tickets.len; i++)
        if (run->tickets.data[i].ticket == ticket)
            return &run->tickets.data[i];
    return NULL;
}

void run_cancel_ticket(struct run *run, uint64_t ticket)
{
    struct run_ticket *t = run_find_ticket(run, ticket);
    if (!t || t->cancelled)
        return;
    t->cancelled = true;
    if (run->out) {
        struct run_effect *e = effect(run, EFFECT_CANCEL);
        e->ticket = ticket;
        e->step = t->step;
        e->role = t->role;
    }
}

void state_reason(struct step_state *st, const char *format, ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    free(st->reason);
    st->reason = str_take(&text);
}

/* ---- The end ---- */

/* The worst that a reader of the journal must know. */
static enum run_outcome conclude(const struct run *run)
{
    bool flawed = false;
    for (size_t i = 0; i < run->book->steps.len; i++) {
        const struct step *s = &run->book->steps.data[i];
        enum run_outcome outcome = run->steps[i].outcome;
        if (step_kind_acts(s->kind) && outcome == OUTCOME_UNKNOWN)
            return OUTCOME_UNKNOWN;
        flawed |= outcome == OUTCOME_WARN || outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_CANCELLED ||
                  outcome == OUTCOME_TIMED_OUT || (outcome == OUTCOME_FAILED && !s->branches);
    }
    if (run->stop_failed)
        return OUTCOME_FAILED;
    if (run->stop_asked)
        return OUTCOME_CANCELLED;
    return flawed ? OUTCOME_WARN : OUTCOME_OK;
}

void run_end_if_idle(struct run *run)
{
    if (!run->stopping || run->ended || run->tickets.len > 0)
        return;
    run->ended = true;
    run->focus = STEP_NONE;
    run->outcome = conclude(run);
    if (run->out)
        effect(run, EFFECT_ENDED)->outcome = run->outcome;
}

/* What looks is cancelled, what acts is let finish; then the run ends. */
void run_stop(struct run *run, bool failed, bool asked)
{
    run->stopping = true;
    run->stop_failed |= failed;
    run->stop_asked |= asked;
    for (size_t i = 0; i < run->book->steps.len; i++) {
        struct step_state *st = &run->steps[i];
        st->ask = ASK_NOTHING;
        if (st->outcome == OUTCOME_ARMED || ((st->phase == PHASE_PRECHECKS || st->phase == PHASE_EVIDENCE)))
            act_back(run, (int)i, "the run was stopped before it acted");
    }
    for (size_t i = 0; i < run->book->steps.len; i++)
        if (!step_kind_acts(run->book->steps.data[i].kind) && run->steps[i].outcome == OUTCOME_RUNNING &&
            run->steps[i].phase != PHASE_VERIFYING)
            check_cancel(run, (int)i);
    run_end_if_idle(run);
}

/* ---- Applying ---- */

static void finished(struct run *run, const struct run_input *in)
{
    struct run_ticket *t = run_find_ticket(run, in->ticket);
    int step = t->step;
    bool acts = run_role_acts(t->role);
    vec_remove(&run->tickets, (size_t)(t - run->tickets.data));
    STATE(run, step)->ticket = 0;
    if (acts)
        act_finish(run, step, &in->result);
    else
        check_finish(run, step, &in->result);
}

static void disarm(struct run *run, int step, const char *why)
{
    act_back(run, step, why);
    if (STATE(run, step)->undoing)
        walk_leave_detour(run, step);
}

static void tick(struct run *run)
{
    for (size_t i = 0; i < run->book->steps.len; i++) {
        struct step_state *st = &run->steps[i];
        if (st->outcome == OUTCOME_ARMED && run->now_ms - st->opened_ms >= RUN_DISARM_MS)
            disarm(run, (int)i, "its page was open for 60 s: open it again");
        check_due(run, (int)i);
    }
}

static void set_value(struct run *run, const struct run_input *in)
{
    values_set(run, (size_t)runbook_find_var(run->book, in->name), in->value, "asked");
    run_note(run, STEP_NONE, "%s=%.120s", in->name, in->value);
    if (run->focus != STEP_NONE && STATE(run, run->focus)->ask == ASK_VALUE &&
        values_missing(run, run->focus) < 0)
        walk_enter(run, run->focus);
}

/* An undo is opened from wherever the run stands, and leads back there. */
static void open_page(struct run *run, int step)
{
    if (run->focus != step) {
        STATE(run, step)->back = run->focus;
        STATE(run, step)->undoing = true;
        run->focus = step;
    }
    act_open(run, step);
}

static void cancel(struct run *run, int step)
{
    if (step_kind_acts(STEP(run, step)->kind) || STATE(run, step)->phase == PHASE_VERIFYING ||
        STATE(run, step)->phase == PHASE_PRECHECKS || STATE(run, step)->phase == PHASE_EVIDENCE)
        act_cancel(run, step);
    else
        check_cancel(run, step);
}

static void change(struct run *run, const struct run_input *in)
{
    switch (in->kind) {
    case INPUT_START:
        run->started = true;
        values_start(run, in);
        walk_begin(run);
        break;
    case INPUT_OPEN:
        open_page(run, in->step);
        break;
    case INPUT_SET:
        set_value(run, in);
        break;
    case INPUT_CONFIRM:
        act_confirm(run, in->step, in->actor);
        break;
    case INPUT_ANSWER:
        walk_answer(run, in);
        break;
    case INPUT_STARTED: {
        struct run_ticket *t = run_find_ticket(run, in->ticket);
        t->started = true;
        STATE(run, t->step)->started_ms = run->now_ms;
        break;
    }
    case INPUT_FINISHED:
        finished(run, in);
        break;
    case INPUT_CHOOSE:
        walk_choose(run, in);
        break;
    case INPUT_RESOLVE:
        walk_resolve(run, in);
        break;
    case INPUT_CANCEL:
        cancel(run, in->step);
        break;
    case INPUT_LEAVE:
        disarm(run, in->step, "its page was closed");
        break;
    case INPUT_TICK:
        tick(run);
        break;
    case INPUT_STOP:
        run_stop(run, run->focus != STEP_NONE && STATE(run, run->focus)->ask == ASK_FAILED, true);
        break;
    }
}

int run_apply(struct run *run, const struct run_input *in, struct run_effects *out, struct err *e)
{
    int code = run_admits(run, in, e);
    if (code)
        return code;
    if (in->at_ms > run->now_ms)
        run->now_ms = in->at_ms;
    run->out = out;
    change(run, in);
    run_end_if_idle(run);
    run->out = NULL;
    return 0;
}
