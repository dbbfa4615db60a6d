/* The way through the document: which step is next, whether its `when` holds, what follows an outcome. */
#include <stdlib.h>

#include "engine/runbook/run_state.h"

enum holds { HOLDS_YES, HOLDS_NO, HOLDS_ASK };

static bool is_unknown(enum run_outcome outcome)
{
    return outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_CANCELLED || outcome == OUTCOME_TIMED_OUT;
}

static enum holds term_holds(const struct run *run, const struct step_condition *term, struct str *why)
{
    const struct step_state *st = STATE(run, term->step);
    const char *id = STEP(run, term->step)->id;
    bool ok = st->outcome == OUTCOME_OK || st->outcome == OUTCOME_WARN;
    if (is_unknown(st->outcome)) {
        str_addf(why, "the outcome of %s is unknown", id);
        return HOLDS_ASK;
    }
    if (st->outcome == OUTCOME_SKIPPED || (!ok && st->outcome != OUTCOME_FAILED)) {
        str_addf(why, st->outcome == OUTCOME_SKIPPED ? "%s was skipped" : "%s did not run", id);
        return HOLDS_NO;
    }
    if (term->value && ok && !str_eq(st->answer, term->value)) {
        str_addf(why, "%s was answered with %s", id, st->answer ? st->answer : "nothing");
        return HOLDS_NO;
    }
    if (ok == !term->negated)
        return HOLDS_YES;
    str_addf(why, term->negated ? "%s did not fail" : "%s failed", id);
    return HOLDS_NO;
}

/* A term that is false decides, even beside one that nobody knows. */
static enum holds when_holds(const struct run *run, const struct step *s, struct str *why)
{
    enum holds result = HOLDS_YES;
    for (size_t i = 0; i < s->when.len; i++) {
        struct str text = {0};
        enum holds term = term_holds(run, &s->when.data[i], &text);
        if (term == HOLDS_NO || (term == HOLDS_ASK && result == HOLDS_YES)) {
            str_clear(why);
            str_add(why, str_text(&text));
            result = term;
        }
        str_fini(&text);
        if (term == HOLDS_NO)
            break;
    }
    return result;
}

bool walk_has_denied(const struct run *run, const struct step_condition *term)
{
    bool passed = run->cursor >= run->book->walk.len || term->step < run->book->walk.data[run->cursor];
    struct str why = {0};
    bool denied = passed && STATE(run, term->step)->ended_ms >= 0 && term_holds(run, term, &why) == HOLDS_NO;
    str_fini(&why);
    return denied;
}

/* From the cursor on to the first step that is to be done. */
static void walk_from(struct run *run)
{
    for (; run->cursor < run->book->walk.len; run->cursor++) {
        int step = run->book->walk.data[run->cursor];
        struct step_state *st = STATE(run, step);
        struct str why = {0};
        enum holds holds = when_holds(run, STEP(run, step), &why);
        if (holds == HOLDS_NO) {
            st->outcome = OUTCOME_SKIPPED;
            st->not_applicable = true;
            st->ask = ASK_NOTHING;
            st->ended_ms = run->now_ms;
            state_reason(st, "%s", str_text(&why));
            run_note(run, step, "skipped: %s", str_text(&why));
        } else if (holds == HOLDS_ASK) {
            run->focus = step;
            st->ask = ASK_WHEN;
            state_reason(st, "%s", str_text(&why));
        } else {
            walk_enter(run, step);
        }
        str_fini(&why);
        if (holds != HOLDS_NO)
            return;
    }
    run->focus = STEP_NONE;
    run_stop(run, false, false);
}

void walk_begin(struct run *run)
{
    run->cursor = 0;
    walk_from(run);
}

void walk_next(struct run *run)
{
    run->cursor++;
    walk_from(run);
}

void walk_again(struct run *run)
{
    walk_from(run);
}

void walk_enter(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    run->focus = step;
    if (st->outcome != OUTCOME_RUNNING) { /* it may run already, as a precheck of a page that was closed */
        st->outcome = OUTCOME_PENDING;
        st->phase = PHASE_IDLE;
        st->ended_ms = -1;
        state_reason(st, "%s", "");
    }
    st->not_applicable = false;
    if (values_missing(run, step) >= 0)
        st->ask = ASK_VALUE;
    else if (s->kind == STEP_MANUAL || s->kind == STEP_DECISION)
        st->ask = ASK_ANSWER;
    else if (step_has_page(s))
        st->ask = ASK_OPEN;
    else
        check_begin(run, step, ROLE_CHECK, STEP_NONE);
}

bool walk_is_waiting(const struct run *run, int step)
{
    const struct step_state *st = STATE(run, step);
    return st->outcome != OUTCOME_RUNNING && st->outcome != OUTCOME_ARMED && st->phase == PHASE_IDLE;
}

/* ---- Detours: rollback, undo ---- */

static void detour(struct run *run, int from, int to)
{
    STATE(run, to)->back = from;
    STATE(run, to)->undoing = false;
    run->focus = to;
    series_forget(run, to);
    walk_enter(run, to);
}

void walk_leave_detour(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    st->ask = ASK_NOTHING;
    st->undoing = false;
    run->focus = st->back;
    st->back = STEP_NONE;
}

/* What this step takes back is taken back. */
static void mark_undone(struct run *run, int step)
{
    const struct step_list *undoes = &STEP(run, step)->undoes;
    for (size_t i = 0; i < undoes->len; i++) {
        struct step_state *st = STATE(run, undoes->data[i]);
        if (st->counts[ROLE_ACT] + st->counts[ROLE_ROLLBACK] == 0)
            continue;
        st->undone = true;
        series_forget(run, undoes->data[i]);
    }
}

/* ---- What follows ---- */

static void pass_on(struct run *run, int step)
{
    if (STATE(run, step)->back != STEP_NONE)
        walk_leave_detour(run, step);
    else
        walk_next(run);
}

/* No attempt is left: what its policy says then. Left out or not, the step stays failed. */
static enum step_onfail by_policy(struct run *run, int step)
{
    const struct run_policy *policy = &run->policies[step];
    const char *reason = STATE(run, step)->reason;
    if (policy->rules.end != POLICY_SKIP && policy->rules.end != POLICY_FAIL)
        return STEP(run, step)->onfail;
    bool skips = policy->rules.end == POLICY_SKIP;
    run_record(run, step, "no attempt is left (%.100s): %s, as policy %s says", reason ? reason : "failed",
               skips ? "it stays failed, and the run goes on" : "the run stops", policy->name);
    return skips ? ONFAIL_CONTINUE : ONFAIL_STOP;
}

static void failed(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    enum step_onfail what = s->onfail;
    if (s->branches && !s->onfail_given)
        what = ONFAIL_CONTINUE; /* somebody's `when` rests on it: its "no" is an answer */
    else if (st->used_up && !st->cancel)
        what = by_policy(run, step);
    st->ask = ASK_FAILED;
    if (what == ONFAIL_CONTINUE) {
        st->ask = ASK_NOTHING;
        pass_on(run, step);
    } else if (what == ONFAIL_STOP) {
        run_note(run, step, "%s failed: the run stops", s->id);
        run_stop(run, true, false);
    } else if (what == ONFAIL_ROLLBACK && s->rollback != STEP_NONE) {
        run_note(run, step, "%s failed: its rollback %s is next", s->id, STEP(run, s->rollback)->id);
        detour(run, step, s->rollback);
    }
}

void walk_done(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    st->ask = ASK_NOTHING;
    if (step_kind_acts(STEP(run, step)->kind) && (st->outcome == OUTCOME_OK || st->outcome == OUTCOME_WARN))
        mark_undone(run, step);
    if (run->stopping)
        return;
    if (st->outcome == OUTCOME_OK || st->outcome == OUTCOME_WARN)
        pass_on(run, step);
    else if (st->outcome == OUTCOME_FAILED)
        failed(run, step);
    else
        st->ask = ASK_UNKNOWN;
}

/* ---- What a person decides ---- */

static void skip(struct run *run, const struct run_input *in)
{
    struct step_state *st = STATE(run, in->step);
    st->outcome = OUTCOME_SKIPPED;
    st->ask = ASK_NOTHING;
    st->ended_ms = run->now_ms;
    state_reason(st, "%s", in->reason);
    pass_on(run, in->step);
}

static void go_on(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    if (st->ask == ASK_WHEN) {
        walk_enter(run, step);
    } else if (st->phase == PHASE_EVIDENCE) {
        const struct step_list *list = &STEP(run, step)->evidence;
        for (size_t i = 0; i < list->len; i++)
            if (series_open(STATE(run, list->data[i])))
                check_cancel(run, list->data[i]);
        act_go_on(run, step);
    } else {
        st->ask = ASK_NOTHING;
        pass_on(run, step);
    }
}

void walk_choose(struct run *run, const struct run_input *in)
{
    struct step_state *st = STATE(run, in->step);
    if (in->reason && *in->reason)
        run_note(run, in->step, "%s: %s", run_choice_text(in->choice), in->reason);
    else
        run_note(run, in->step, "%s", run_choice_text(in->choice));
    if (run->focus != in->step) /* its rollback was waiting */
        walk_leave_detour(run, run->focus);
    switch (in->choice) {
    case CHOICE_RETRY:
        if (st->phase == PHASE_EVIDENCE)
            act_evidence(run, in->step);
        else
            walk_enter(run, in->step);
        break;
    case CHOICE_ROLLBACK:
        detour(run, in->step, STEP(run, in->step)->rollback);
        break;
    case CHOICE_CONTINUE:
        go_on(run, in->step);
        break;
    case CHOICE_STOP:
        run_stop(run, st->ask == ASK_FAILED, true);
        break;
    case CHOICE_SKIP:
        skip(run, in);
        break;
    case CHOICE_VERIFY:
        act_verify(run, in->step);
        break;
    }
}

void walk_resolve(struct run *run, const struct run_input *in)
{
    struct step_state *st = STATE(run, in->step);
    bool asked = st->ask == ASK_UNKNOWN;
    st->outcome = in->resolved;
    st->ended_ms = run->now_ms;
    state_reason(st, "%s says %s: %s", in->actor ? in->actor : "a person", run_outcome_text(in->resolved),
                 in->reason);
    run_note(run, in->step, "resolved as %s: %s", run_outcome_text(in->resolved), in->reason);
    if (asked && run->focus != in->step)
        walk_leave_detour(run, run->focus);
    if (asked)
        walk_done(run, in->step);
    else if (run->focus != STEP_NONE && STATE(run, run->focus)->ask == ASK_WHEN)
        walk_again(run);
}

void walk_answer(struct run *run, const struct run_input *in)
{
    struct step_state *st = STATE(run, in->step);
    const struct step *s = STEP(run, in->step);
    bool no = s->kind == STEP_MANUAL && str_eq(in->value, "failed");
    free(st->answer);
    st->answer = xstrdup(in->value);
    state_reason(st, "%s", in->reason ? in->reason : "");
    run_note(run, in->step, "%s%s%s", in->value, in->reason && *in->reason ? ": " : "",
             in->reason ? in->reason : "");
    st->started_ms = run->now_ms;
    st->act = no ? VERDICT_FAIL : VERDICT_PASS;
    if (!no && s->verify.len > 0) {
        act_verify(run, in->step);
        return;
    }
    st->outcome = no ? OUTCOME_FAILED : OUTCOME_OK;
    st->ended_ms = run->now_ms;
    walk_done(run, in->step);
}
