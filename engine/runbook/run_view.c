/* What can be seen of a run. */
#include <stdlib.h>

#include "engine/runbook/run_state.h"

bool run_started(const struct run *run)
{
    return run->started;
}

bool run_ended(const struct run *run, enum run_outcome *outcome)
{
    if (outcome && run->ended)
        *outcome = run->outcome;
    return run->ended;
}

bool run_stopping(const struct run *run)
{
    return run->stopping && !run->ended;
}

int64_t run_now_ms(const struct run *run)
{
    return run->now_ms;
}

int run_current(const struct run *run)
{
    return run->focus;
}

static enum run_role main_role(enum step_kind kind)
{
    switch (kind) {
    case STEP_CHECK:
        return ROLE_CHECK;
    case STEP_VERIFY:
        return ROLE_VERIFY;
    case STEP_EVIDENCE:
        return ROLE_EVIDENCE;
    case STEP_ROLLBACK:
        return ROLE_ROLLBACK;
    default:
        return ROLE_ACT;
    }
}

/* What is due next of a step that waits; -1. */
static int64_t next_of(const struct step_state *st)
{
    int64_t next = st->next_ms;
    for (size_t i = 0; i < st->series.slots.len; i++) {
        const struct slot *slot = &st->series.slots.data[i];
        if (!slot->ticket && (next < 0 || slot->next_ms < next))
            next = slot->next_ms;
    }
    return next;
}

enum run_outcome run_outcome_at(const struct run *run, int step)
{
    return STATE(run, step)->outcome;
}

void run_step_at(const struct run *run, int step, struct run_step *view)
{
    const struct step_state *st = STATE(run, step);
    *view = (struct run_step){
        .outcome = st->outcome,
        .phase = st->phase,
        .ask = st->ask,
        .reason = st->reason && !str_eq(st->reason, run_outcome_text(st->outcome)) ? st->reason : "",
        .answer = st->answer ? st->answer : "",
        .attempts = st->counts[main_role(STEP(run, step)->kind)],
        .opened_ms = st->outcome == OUTCOME_ARMED ? st->opened_ms : -1,
        .started_ms = st->started_ms,
        .ended_ms = st->ended_ms,
        .executed = st->executed,
        .end = st->end,
        .exit = st->exit,
        .signal = st->signal,
        .next_ms = next_of(st),
        .tries = has_parts(STEP(run, step)) || !st->series.parts ? 0 : st->series.parts[0].tries,
        .tries_max = STEP(run, step)->items     ? 0
                     : run->policies[step].name ? run->policies[step].rules.backoff.attempts
                                                : 1,
        .policy = run->policies[step].name ? &run->policies[step] : NULL,
        .undone = st->undone,
    };
    check_since(run, step, &view->since_ms, &view->limit_ms);
    view->choices = run_choices(run, step, &view->reasons);
}

void run_progress(const struct run *run, int *place, int *total)
{
    size_t count = run->book->walk.len;
    *total = (int)count;
    *place = !run->started ? 0 : (int)(run->cursor < count ? run->cursor + 1 : count);
}

int64_t run_wake_ms(const struct run *run)
{
    int64_t wake = -1;
    for (size_t i = 0; !run->ended && i < run->active.len; i++) {
        const struct step_state *st = STATE(run, run->active.data[i]);
        int64_t at = st->outcome == OUTCOME_ARMED ? st->opened_ms + RUN_DISARM_MS : next_of(st);
        if (at >= 0 && (wake < 0 || at < wake))
            wake = at;
    }
    for (size_t i = 0; !run->ended && i < run->approvals.len; i++) {
        int64_t at = run->approvals.data[i].given_ms + RUN_APPROVAL_MS;
        if (wake < 0 || at < wake)
            wake = at;
    }
    return wake;
}

bool run_rehearsed(const struct run *run)
{
    return run->rehearsed;
}

/* ---- Parts ---- */

void run_parts_at(const struct run *run, int step, struct run_parts *view)
{
    const struct step *s = STEP(run, step);
    const struct step_state *st = STATE(run, step);
    const struct series *series = &st->series;
    *view = (struct run_parts){.kind = s->items   ? PARTS_ITEMS
                                       : s->rungs ? PARTS_RUNGS
                                                  : PARTS_NONE,
                               .rung = series->rung,
                               .rung_wanted = series->wanted,
                               .baseline = series->baseline ? series->baseline : "",
                               .measured = series->measured ? series->measured : "",
                               .worse = series->worse,
                               .held_until_ms = s->rungs && st->phase == PHASE_HOLDING ? st->next_ms : -1};
    if (view->kind == PARTS_NONE)
        return;
    if (!series->parts) {
        view->total = s->rungs ? strv_count(s->rungs) : run->items[step] ? items_count(run->items[step]) : 0;
        view->pending = view->total;
        return;
    }
    view->total = series->count;
    view->pending = series->tally[OUTCOME_PENDING];
    view->running = series->tally[OUTCOME_RUNNING];
    view->ok = series->tally[OUTCOME_OK];
    view->failed = series->tally[OUTCOME_FAILED];
    view->skipped = series->tally[OUTCOME_SKIPPED];
    view->cancelled = series->tally[OUTCOME_CANCELLED];
    view->unknown = series->tally[OUTCOME_UNKNOWN];
    for (size_t i = 0; i < series->slots.len; i++)
        view->waiting += series->slots.data[i].ticket == 0;
}

void run_part_at(const struct run *run, int step, int part, struct run_part *view)
{
    const struct series *series = &STATE(run, step)->series;
    *view = (struct run_part){.outcome = OUTCOME_PENDING, .reason = ""};
    if (!series->parts || part < 0 || (size_t)part >= series->count)
        return;
    const struct part *p = &series->parts[part];
    *view = (struct run_part){
        .outcome = p->outcome, .attempts = p->attempts, .reason = p->reason ? p->reason : ""};
}

void run_part_text(const struct run *run, int step, int part, struct str *out)
{
    const struct step *s = STEP(run, step);
    if (part < 0)
        return;
    if (s->rungs && (size_t)part < strv_count(s->rungs)) {
        str_addf(out, "rung %s", s->rungs[part]);
    } else if (s->items && run->items[step] && (size_t)part < items_count(run->items[step])) {
        str_addf(out, "item %d of %zu: ", part + 1, items_count(run->items[step]));
        items_label(run->items[step], (size_t)part, out);
    }
}

size_t run_tickets(const struct run *run, struct run_ticket *out, size_t limit)
{
    for (size_t i = 0; i < run->tickets.len && i < limit; i++)
        out[i] = run->tickets.data[i];
    return run->tickets.len;
}

size_t run_value_count(const struct run *run)
{
    return run->book->vars.len + run->carried.len;
}

void run_value_at(const struct run *run, size_t index, struct run_value *value)
{
    *value = (struct run_value){.ask = "", .source = "exported"};
    if (index >= run->book->vars.len) {
        const struct carried *carried = &run->carried.data[index - run->book->vars.len];
        value->name = carried->name;
        value->value = carried->value;
        return;
    }
    const struct runbook_var *var = &run->book->vars.data[index];
    value->name = var->name;
    value->value = var->secret ? var->secret : run->values[index].text;
    value->source = run->values[index].source ? run->values[index].source : "";
    value->ask = var->ask ? var->ask : "value of";
    value->secret = var->secret != NULL;
    value->missing = !value->value && run->focus != STEP_NONE && values_needs(run, run->focus, (int)index);
}
