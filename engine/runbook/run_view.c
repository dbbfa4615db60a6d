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

const struct runbook *run_runbook(const struct run *run)
{
    return run->book;
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

void run_step_at(const struct run *run, int step, struct run_step *view)
{
    const struct step_state *st = STATE(run, step);
    *view = (struct run_step){
        .outcome = st->outcome,
        .phase = st->phase,
        .ask = st->ask,
        .reason = st->reason ? st->reason : "",
        .answer = st->answer ? st->answer : "",
        .attempts = st->counts[main_role(STEP(run, step)->kind)],
        .opened_ms = st->outcome == OUTCOME_ARMED ? st->opened_ms : -1,
        .started_ms = st->started_ms,
        .ended_ms = st->ended_ms,
        .executed = st->executed,
        .end = st->end,
        .exit = st->exit,
        .signal = st->signal,
        .next_ms = st->next_ms,
        .undone = st->undone,
    };
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
    for (size_t i = 0; !run->ended && i < run->book->steps.len; i++) {
        const struct step_state *st = &run->steps[i];
        int64_t at = st->outcome == OUTCOME_ARMED ? st->opened_ms + RUN_DISARM_MS : st->next_ms;
        if (at >= 0 && (wake < 0 || at < wake))
            wake = at;
    }
    return wake;
}

size_t run_tickets(const struct run *run, struct run_ticket *out, size_t limit)
{
    for (size_t i = 0; i < run->tickets.len && i < limit; i++)
        out[i] = run->tickets.data[i];
    return run->tickets.len;
}

struct step_list run_changes(const struct run *run)
{
    struct step_list list = {0};
    for (size_t i = 0; i < run->book->steps.len; i++) {
        const struct step *s = &run->book->steps.data[i];
        const struct step_state *st = &run->steps[i];
        bool acted = st->counts[ROLE_ACT] + st->counts[ROLE_ROLLBACK] > 0;
        if (step_kind_acts(s->kind) && s->undo != STEP_NONE && acted && !st->undone &&
            st->outcome != OUTCOME_FAILED)
            *vec_push(&list) = (int)i;
    }
    return list;
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
