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
    run->items = xcalloc(book->steps.len + 1, sizeof *run->items);
    run->policies = xcalloc(book->steps.len + 1, sizeof *run->policies);
    for (size_t i = 0; i < book->steps.len; i++) {
        struct step_state *st = &run->steps[i];
        st->parent = st->back = STEP_NONE;
        st->series.rung = st->series.raised = st->series.wanted = PART_NONE;
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
        free(run->steps[i].requester);
        series_fini(&run->steps[i].series);
    }
    for (size_t i = 0; i < run->locks.len; i++)
        free(run->locks.data[i].text);
    for (size_t i = 0; i < run->approvals.len; i++) {
        free(run->approvals.data[i].actor);
        free(run->approvals.data[i].reason);
        free(run->approvals.data[i].where);
    }
    for (size_t i = 0; i < run->book->vars.len; i++)
        free(run->values[i].text);
    for (size_t i = 0; i < run->carried.len; i++) {
        free(run->carried.data[i].name);
        free(run->carried.data[i].value);
    }
    vec_fini(&run->carried);
    vec_fini(&run->tickets);
    vec_fini(&run->active);
    vec_fini(&run->due);
    vec_fini(&run->locks);
    vec_fini(&run->approvals);
    free(run->items);
    free(run->policies);
    strv_free(run->names);
    free(run->steps);
    free(run->values);
    free(run);
}

void run_set_items(struct run *run, int step, const struct items *items)
{
    run->items[step] = items;
}

/* ---- Effects ---- */

struct run_effect *run_effect_add(struct run *run, enum run_effect_kind kind)
{
    if (!run->out)
        return NULL;
    struct run_effect *e = vec_push(run->out);
    e->kind = kind;
    e->step = STEP_NONE;
    e->part = PART_NONE;
    return e;
}

static void note(struct run *run, int step, bool record, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

static void note(struct run *run, int step, bool record, const char *format, va_list args)
{
    struct run_effect *e = run_effect_add(run, EFFECT_NOTE);
    if (!e)
        return;
    e->step = step;
    e->record = record;
    vsnprintf(e->text, sizeof e->text, format, args);
    size_t whole;
    if (!utf8_valid(e->text, strlen(e->text), &whole))
        e->text[whole] = '\0'; /* no half characters */
}

void run_note(struct run *run, int step, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note(run, step, false, format, args);
    va_end(args);
}

void run_record(struct run *run, int step, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note(run, step, true, format, args);
    va_end(args);
}

void run_wake(struct run *run, int64_t at_ms)
{
    struct run_effect *e = run_effect_add(run, EFFECT_WAKE);
    if (e)
        e->at_ms = at_ms;
}

uint64_t run_exec(struct run *run, int step, enum run_role role, int part)
{
    struct step_state *st = STATE(run, step);
    uint64_t ticket = ++run->last_ticket;
    unsigned attempt = ++st->counts[role], nth = 0;
    for (size_t i = 0; i < ROLE_COUNT; i++)
        nth += st->counts[i];
    if (part != PART_NONE)
        attempt = st->series.parts[part].attempts;
    st->started_ms = run->now_ms;
    *vec_push(&run->tickets) = (struct run_ticket){.ticket = ticket,
                                                   .step = step,
                                                   .part = part,
                                                   .role = role,
                                                   .attempt = attempt,
                                                   .nth = nth,
                                                   .since_ms = run->now_ms};
    struct run_effect *e = run_effect_add(run, EFFECT_EXEC);
    if (e) {
        e->ticket = ticket;
        e->step = step;
        e->role = role;
        e->attempt = attempt;
        e->part = part;
        e->interactive = STEP(run, step)->interactive;
    }
    return ticket;
}

/* In the order of steps: what is due together happens in that order, whatever came first. */
void run_activate(struct run *run, int step)
{
    if (STATE(run, step)->active)
        return;
    STATE(run, step)->active = true;
    size_t at = run->active.len;
    vec_push(&run->active);
    for (; at > 0 && run->active.data[at - 1] > step; at--)
        run->active.data[at] = run->active.data[at - 1];
    run->active.data[at] = step;
}

static void rest(struct run *run)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->active.len; i++) {
        struct step_state *st = STATE(run, run->active.data[i]);
        st->active =
            st->outcome == OUTCOME_RUNNING || st->outcome == OUTCOME_ARMED || st->series.slots.len > 0;
        if (st->active)
            run->active.data[kept++] = run->active.data[i];
    }
    run->active.len = kept;
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
    struct run_effect *e = run_effect_add(run, EFFECT_CANCEL);
    if (e) {
        e->ticket = ticket;
        e->step = t->step;
        e->role = t->role;
        e->part = t->part;
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

static void end_if_idle(struct run *run)
{
    if (!run->stopping || run->ended || run->tickets.len > 0)
        return;
    run->ended = true;
    run->focus = STEP_NONE;
    run->outcome = conclude(run);
    struct run_effect *e = run_effect_add(run, EFFECT_ENDED);
    if (e)
        e->outcome = run->outcome;
}

/* An act on its way or under way: nothing more of it is begun. */
static void halt_act(struct run *run, int step, const char *why)
{
    struct step_state *st = STATE(run, step);
    if (st->outcome == OUTCOME_ARMED || st->phase == PHASE_LOCKING || st->phase == PHASE_PRECHECKS ||
        st->phase == PHASE_EVIDENCE)
        act_back(run, step, why);
    else if (!step_kind_acts(STEP(run, step)->kind))
        return;
    else if (st->phase == PHASE_HOLDING)
        rungs_halt(run, step, why);
    else if (st->phase != PHASE_IDLE)
        series_halt(run, step, false, why);
}

/* What looks is cancelled, what acts is let finish; then the run ends. */
void run_stop(struct run *run, bool failed, bool asked)
{
    run->stopping = true;
    run->stop_failed |= failed;
    run->stop_asked |= asked;
    for (size_t i = 0; i < run->book->steps.len; i++) {
        run->steps[i].ask = ASK_NOTHING;
        halt_act(run, (int)i, "the run was stopped");
    }
    for (size_t i = 0; i < run->book->steps.len; i++)
        if (!step_kind_acts(run->book->steps.data[i].kind) && run->steps[i].outcome == OUTCOME_RUNNING &&
            run->steps[i].phase != PHASE_VERIFYING)
            check_cancel(run, (int)i);
}

/* ---- Applying ---- */

static void finished(struct run *run, const struct run_input *in)
{
    struct run_ticket *t = run_find_ticket(run, in->ticket);
    struct run_ticket ticket = *t;
    vec_remove(&run->tickets, (size_t)(t - run->tickets.data));
    series_finish(run, ticket.step, ticket.ticket, ticket.part, &in->result);
}

static void disarm(struct run *run, int step, const char *why)
{
    act_back(run, step, why);
    if (STATE(run, step)->undoing)
        walk_leave_detour(run, step);
}

/* The list may change while it is gone through. */
static int active_after(const struct run *run, int step)
{
    for (size_t i = 0; i < run->active.len; i++)
        if (run->active.data[i] > step)
            return run->active.data[i];
    return STEP_NONE;
}

/* Whoever confirmed may be gone for hours: what runs is followed, and a person decides about the rest. */
static void adopt(struct run *run)
{
    for (int step = -1; (step = active_after(run, step)) != STEP_NONE;) {
        if (STATE(run, step)->outcome == OUTCOME_ARMED)
            disarm(run, step, "its page was closed");
        else
            halt_act(run, step, "the console was gone");
    }
}

static void tick(struct run *run)
{
    for (int step = -1; (step = active_after(run, step)) != STEP_NONE;) {
        struct step_state *st = STATE(run, step);
        if (st->outcome == OUTCOME_ARMED && run->now_ms - st->opened_ms >= RUN_DISARM_MS)
            disarm(run, step, "its page was open for 60 s: open it again");
        series_due(run, step);
        if (step_kind_acts(STEP(run, step)->kind))
            rungs_due(run, step);
        else
            check_due(run, step);
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
static void open_page(struct run *run, const struct run_input *in)
{
    int step = in->step;
    if (run->focus != step) {
        series_forget(run, step);
        STATE(run, step)->back = run->focus;
        STATE(run, step)->undoing = true;
        run->focus = step;
    }
    act_open(run, step);
    approvals_request(run, in);
}

static void cancel(struct run *run, int step)
{
    enum run_phase phase = STATE(run, step)->phase;
    if (step_kind_acts(STEP(run, step)->kind) || phase == PHASE_VERIFYING || phase == PHASE_PRECHECKS ||
        phase == PHASE_EVIDENCE)
        act_cancel(run, step);
    else
        check_cancel(run, step);
}

/* Its names live as long as the run. */
static struct run_policy policy_hold(struct run *run, const struct run_policy *policy)
{
    struct run_policy held = *policy;
    strv_add(&run->names, policy->name);
    held.name = run->names[strv_count(run->names) - 1];
    if (policy->target) {
        strv_add(&run->names, policy->target);
        held.target = run->names[strv_count(run->names) - 1];
    }
    return held;
}

/* What the document says of the step goes before what the policy says. */
static void take_policy(struct run *run, int step, const struct run_policy *policy)
{
    const struct step *s = STEP(run, step);
    struct run_policy *p = &run->policies[step];
    *p = *policy;
    p->rules.idempotent = s->idempotent || !step_kind_acts(s->kind);
    if (s->onfail_given || s->branches)
        p->rules.end = POLICY_FALLBACK;
}

/* What the engine found out before it started. */
static void start(struct run *run, const struct run_input *in)
{
    run->started = true;
    run->rehearsed = in->rehearsed;
    rng_seed(&run->rng, in->seed);
    for (size_t j = 0; j < in->policy_count; j++) {
        struct run_policy p = policy_hold(run, &in->policies[j]);
        for (size_t i = 0; i < run->book->steps.len; i++)
            if (STEP(run, i)->policy ? str_eq(p.name, STEP(run, i)->policy)
                                     : p.checks && step_looks(STEP(run, i)))
                take_policy(run, (int)i, &p);
    }
    values_start(run, in);
    walk_begin(run);
}

static void change(struct run *run, const struct run_input *in)
{
    switch (in->kind) {
    case INPUT_START:
        start(run, in);
        break;
    case INPUT_OPEN:
        open_page(run, in);
        break;
    case INPUT_SET:
        set_value(run, in);
        break;
    case INPUT_CONFIRM:
        approvals_use(run, in->step);
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
    case INPUT_ADOPT:
        adopt(run);
        break;
    case INPUT_APPROVE:
    case INPUT_BREAK_GLASS:
        approval_give(run, in);
        break;
    case INPUT_LOCKED:
    case INPUT_REFUSED:
        lock_answer(run, in);
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
    series_settle(run);
    approvals_sweep(run);
    locks_sweep(run);
    rest(run);
    end_if_idle(run);
    run->out = NULL;
    return 0;
}
