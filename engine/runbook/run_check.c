/* What only looks: checks, verifications, evidence. One execution, or many until it passes and holds. */
#include <stdlib.h>

#include "engine/runbook/run_state.h"

/* ---- Judging ---- */

static enum verdict judge_exit(const struct step *s, const struct run_result *result, struct str *why)
{
    str_addf(why, "exit %d", result->exit);
    if (!s->expect)
        return result->exit == 0 ? VERDICT_PASS : result->exit == 1 ? VERDICT_FAIL : VERDICT_UNSURE;
    if (result->exit != 0) { /* what it printed before it broke is no answer */
        str_add(why, ", so its output decides nothing");
        return VERDICT_UNSURE;
    }
    str_clear(why);
    switch (result->match) {
    case MATCH_YES:
        str_add(why, "as expected");
        return VERDICT_PASS;
    case MATCH_NO:
        str_add(why, "not what was expected");
        return VERDICT_FAIL;
    default:
        str_add(why, "its output is too long, or lost, to be compared with `expect`");
        return VERDICT_UNSURE;
    }
}

enum verdict judge(const struct run *run, int step, int part, const struct run_result *result,
                   struct str *why)
{
    const struct step *s = STEP(run, step);
    enum verdict verdict = VERDICT_UNSURE;
    switch (result->end) {
    case END_EXITED:
        verdict = judge_exit(s, result, why);
        break;
    case END_SIGNALLED:
        str_addf(why, "ended by signal %d", result->signal);
        break;
    case END_TIMED_OUT:
        str_addf(why, "timed out after %lld s", (long long)(series_timeout_ms(run, step, part) + 999) / 1000);
        break;
    case END_CANCELLED:
        str_add(why, "cancelled");
        break;
    case END_LOST:
        str_add(why, "it may have run: nobody knows how it ended");
        break;
    case END_HUNG_UP:
        str_add(why, "broken off");
        break;
    case END_NOT_STARTED:
        str_add(why, "not started");
        break;
    }
    if (result->text && *result->text && result->end != END_EXITED)
        str_addf(why, ": %.200s", result->text);
    if (verdict == VERDICT_PASS && s->exports && !result->output) {
        str_clear(why);
        str_addf(why, "its output can't become %s: too long, or not text", s->exports);
        verdict = VERDICT_UNSURE;
    }
    return verdict;
}

void record_end(struct step_state *st, const struct run_result *result)
{
    st->executed = result->end != END_NOT_STARTED;
    st->end = result->end;
    st->exit = result->end == END_EXITED ? result->exit : 0;
    st->signal = result->end == END_SIGNALLED ? result->signal : 0;
}

/* ---- Running ---- */

/* In a rehearsal one made-up look stands for all of them. */
static bool polls(const struct run *run, int step)
{
    const struct step *s = STEP(run, step);
    enum run_role role = STATE(run, step)->role;
    return !run->rehearsed && (role == ROLE_CHECK || role == ROLE_VERIFY) &&
           (values_ms(run, &s->until) > 0 || values_ms(run, &s->hold) > 0);
}

bool check_fresh(const struct run *run, int step, int64_t fresh_ms)
{
    const struct step_state *st = STATE(run, step);
    return st->outcome == OUTCOME_OK && !series_busy(st) && st->passed_ms >= 0 &&
           run->now_ms - st->passed_ms <= fresh_ms;
}

void check_since(const struct run *run, int step, int64_t *since_ms, int64_t *limit_ms)
{
    const struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    *since_ms = st->started_ms;
    *limit_ms = 0;
    if (st->outcome != OUTCOME_RUNNING || !polls(run, step))
        return;
    *limit_ms = values_ms(run, st->hold_ms >= 0 ? &s->hold : &s->until);
    *since_ms = st->hold_ms >= 0 ? st->hold_ms : st->deadline_ms - *limit_ms;
}

bool check_wanted(const struct run *run, int step)
{
    int parent = STATE(run, step)->parent;
    if (parent == STEP_NONE)
        return run->focus == step;
    enum run_outcome outcome = STATE(run, parent)->outcome;
    return outcome == OUTCOME_ARMED || outcome == OUTCOME_RUNNING;
}

void check_begin(struct run *run, int step, enum run_role role, int parent)
{
    struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    st->parent = parent;
    st->deadline_ms = run->now_ms + values_ms(run, &s->until);
    st->hold_ms = st->next_ms = -1;
    st->cancel = st->again = false;
    st->role = role;
    if (series_busy(st)) { /* for a page that was closed: as a precheck its answer serves here too */
        st->again = role == ROLE_VERIFY || role == ROLE_EVIDENCE || role == ROLE_GUARD || st->series.halt;
        return;
    }
    st->outcome = OUTCOME_RUNNING;
    st->phase = PHASE_CHECKING;
    st->ask = ASK_NOTHING;
    st->ended_ms = -1;
    series_begin(run, step);
}

void check_due(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    if (st->next_ms < 0 || st->next_ms > run->now_ms || series_busy(st))
        return;
    st->next_ms = -1;
    if (st->phase == PHASE_POLLING)
        st->phase = PHASE_CHECKING;
    series_begin(run, step);
}

static void again_at(struct run *run, struct step_state *st, enum run_phase phase, int64_t at_ms)
{
    st->phase = phase;
    st->next_ms = at_ms > run->now_ms ? at_ms : run->now_ms + 1;
    run_wake(run, st->next_ms);
}

/* Passed: does it have to hold on? */
static bool holds_on(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    int64_t hold = values_ms(run, &s->hold);
    if (hold <= 0 || !polls(run, step))
        return false;
    if (st->hold_ms < 0)
        st->hold_ms = run->now_ms;
    int64_t over = st->hold_ms + hold, next = run->now_ms + values_ms(run, &s->every);
    if (run->now_ms >= over)
        return false;
    again_at(run, st, PHASE_HOLDING, next < over ? next : over);
    return true;
}

/* Not passed: may it still? */
static bool tries_on(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    st->hold_ms = -1;
    if (!polls(run, step) || run->now_ms >= st->deadline_ms)
        return false;
    int64_t next = run->now_ms + values_ms(run, &STEP(run, step)->every);
    again_at(run, st, PHASE_POLLING, next < st->deadline_ms ? next : st->deadline_ms);
    return true;
}

void check_settle(struct run *run, int step, enum run_outcome outcome)
{
    struct step_state *st = STATE(run, step);
    int parent = st->parent;
    st->outcome = outcome;
    st->phase = PHASE_IDLE;
    st->next_ms = -1;
    st->ended_ms = run->now_ms;
    st->parent = STEP_NONE;
    if (parent != STEP_NONE)
        act_child(run, parent, step);
    else if (!step_kind_by_reference(STEP(run, step)->kind) && run->focus == step)
        walk_done(run, step);
}

/* One look is over. */
void check_done(struct run *run, int step, enum verdict verdict, const char *why, enum run_end end)
{
    struct step_state *st = STATE(run, step);
    enum run_outcome outcome = verdict == VERDICT_PASS   ? OUTCOME_OK
                               : verdict == VERDICT_FAIL ? OUTCOME_FAILED
                                                         : OUTCOME_UNKNOWN;
    state_reason(st, "%s", why);
    /* It is as old as the look, not as the answer. */
    int64_t looked = STEP(run, step)->items ? st->series.begun_ms : st->started_ms;
    st->passed_ms = verdict == VERDICT_PASS ? looked : -1;
    if (end == END_CANCELLED)
        outcome = OUTCOME_CANCELLED;
    if (end == END_TIMED_OUT && STEP(run, step)->kind == STEP_EVIDENCE)
        outcome = OUTCOME_TIMED_OUT;
    bool last = st->cancel || run->stopping || !check_wanted(run, step), early = st->again;
    st->again = false;
    if (early && !last) {
        series_begin(run, step);
        return;
    }
    if (early)
        outcome = OUTCOME_CANCELLED;
    if (!last && (verdict == VERDICT_PASS ? holds_on(run, step) : tries_on(run, step)))
        return;
    if (last && verdict == VERDICT_PASS && values_ms(run, &STEP(run, step)->hold) > 0 && polls(run, step))
        outcome = OUTCOME_CANCELLED; /* it passed once, and nobody saw it hold */
    check_settle(run, step, outcome);
}

void check_cancel(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    st->cancel = true;
    if (series_open(st)) {
        series_halt(run, step, true, "cancelled");
    } else if (st->outcome == OUTCOME_RUNNING) {
        state_reason(st, "cancelled");
        check_settle(run, step, OUTCOME_CANCELLED);
    }
}
