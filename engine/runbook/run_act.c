/* What needs a person's confirmation: page, prechecks, evidence, the act, its verification. */
#include <stdlib.h>

#include "engine/runbook/run_state.h"
#include "engine/runbook/run_words.h"

static bool running(const struct run *run, int step)
{
    return STATE(run, step)->outcome == OUTCOME_RUNNING;
}

bool act_pre_running(const struct run *run, int step)
{
    const struct step_list *pre = &STEP(run, step)->pre;
    for (size_t i = 0; i < pre->len; i++)
        if (running(run, pre->data[i]))
            return true;
    return false;
}

int act_pre_failed(const struct run *run, int step)
{
    const struct step_list *pre = &STEP(run, step)->pre;
    for (size_t i = 0; i < pre->len; i++)
        if (!running(run, pre->data[i]) && STATE(run, pre->data[i])->outcome != OUTCOME_OK)
            return pre->data[i];
    return STEP_NONE;
}

/* Those that are not fresh are run again. */
static void begin_prechecks(struct run *run, int step)
{
    const struct step *s = STEP(run, step);
    int64_t fresh = values_ms(run, &s->fresh);
    for (size_t i = 0; i < s->pre.len; i++)
        if (!check_fresh(run, s->pre.data[i], fresh))
            check_begin(run, s->pre.data[i], ROLE_PRE, step);
}

void act_open(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    st->outcome = OUTCOME_ARMED;
    st->ask = ASK_CONFIRM;
    st->phase = PHASE_IDLE;
    st->opened_ms = run->now_ms;
    run_activate(run, step);
    run_wake(run, run->now_ms + RUN_DISARM_MS);
    begin_prechecks(run, step);
}

void act_back(struct run *run, int step, const char *why)
{
    struct step_state *st = STATE(run, step);
    st->outcome = OUTCOME_PENDING;
    st->phase = PHASE_IDLE;
    st->opened_ms = -1;
    st->ask = run->stopping ? ASK_NOTHING : ASK_OPEN;
    st->ended_ms = -1;
    state_reason(st, "%s", why);
}

/* ---- From the confirmation to the act ---- */

/* Prechecks and evidence came in between, and may have exported something. */
static bool is_as_confirmed(const struct run *run, int step)
{
    char digest[SHA256_HEX_SIZE];
    struct err ignored;
    run_command_digest(run, step, NULL, digest, &ignored);
    return str_eq(digest, STATE(run, step)->confirmed);
}

static void act_now(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    if (!step_kind_acts(s->kind)) {
        check_begin(run, step, ROLE_CHECK, STEP_NONE);
        return;
    }
    if (!is_as_confirmed(run, step)) {
        static const char why[] = "nothing was run: what would run has changed since it was confirmed";
        run_record(run, step, "%s", why);
        act_back(run, step, why);
        return;
    }
    st->phase = PHASE_ACTING;
    st->executed = st->undone = st->cancel = false;
    state_reason(st, "%s", "");
    st->role = s->kind == STEP_ROLLBACK ? ROLE_ROLLBACK : ROLE_ACT;
    series_begin(run, step);
}

static void prechecks_settled(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    int failed = act_pre_failed(run, step);
    if (failed != STEP_NONE) {
        const struct step *pre = STEP(run, failed);
        enum run_outcome outcome = STATE(run, failed)->outcome;
        char *why = xasprintf("nothing was run: precheck %s %s %s", pre->id,
                              step_says_no(pre, outcome) ? "says" : "is", step_outcome_text(pre, outcome));
        run_note(run, step, "%s", why);
        act_back(run, step, why);
        free(why);
    } else if (!st->evidence_done) {
        act_evidence(run, step);
    } else {
        act_now(run, step);
    }
}

static void enter_prechecks(struct run *run, int step)
{
    STATE(run, step)->phase = PHASE_PRECHECKS;
    begin_prechecks(run, step);
    if (!act_pre_running(run, step))
        prechecks_settled(run, step);
}

void act_confirm(struct run *run, int step, const char *actor)
{
    struct step_state *st = STATE(run, step);
    st->outcome = OUTCOME_RUNNING;
    st->ask = ASK_NOTHING;
    st->opened_ms = -1;
    struct err ignored;
    run_command_digest(run, step, NULL, st->confirmed, &ignored);
    st->evidence_done = false;
    st->rechecked = STEP(run, step)->evidence.len == 0;
    st->cancel = false;
    run_activate(run, step);
    run_note(run, step, "confirmed by %s", actor ? actor : "a person");
    st->phase = PHASE_LOCKING;
    if (!lock_ask(run, step))
        enter_prechecks(run, step);
}

void act_locked(struct run *run, int step)
{
    enter_prechecks(run, step);
}

static bool evidence_running(const struct run *run, int step)
{
    const struct step_list *list = &STEP(run, step)->evidence;
    for (size_t i = 0; i < list->len; i++)
        if (running(run, list->data[i]))
            return true;
    return false;
}

static void evidence_settled(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    const struct step_list *list = &STEP(run, step)->evidence;
    for (size_t i = 0; i < list->len; i++)
        if (STATE(run, list->data[i])->outcome != OUTCOME_OK) {
            st->ask = ASK_EVIDENCE;
            state_reason(st, "evidence %s is %s", STEP(run, list->data[i])->id,
                         run_outcome_text(STATE(run, list->data[i])->outcome));
            return;
        }
    act_go_on(run, step);
}

/* Captures what is not there yet. */
void act_evidence(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    const struct step_list *list = &STEP(run, step)->evidence;
    bool retry = st->phase == PHASE_EVIDENCE;
    st->phase = PHASE_EVIDENCE;
    st->ask = ASK_NOTHING;
    for (size_t i = 0; i < list->len; i++)
        if (!retry || STATE(run, list->data[i])->outcome != OUTCOME_OK)
            check_begin(run, list->data[i], ROLE_EVIDENCE, step);
    if (!evidence_running(run, step))
        evidence_settled(run, step);
}

/* Evidence took its time: prechecks that are no longer fresh run once more, and only once more. */
void act_go_on(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    st->evidence_done = true;
    st->ask = ASK_NOTHING;
    if (st->rechecked || STEP(run, step)->pre.len == 0) {
        act_now(run, step);
        return;
    }
    st->rechecked = true;
    enter_prechecks(run, step);
}

/* ---- After the act ---- */

static void settle(struct run *run, int step, enum run_outcome outcome)
{
    struct step_state *st = STATE(run, step);
    st->outcome = outcome;
    st->phase = PHASE_IDLE;
    st->ended_ms = run->now_ms;
    st->series.halt = true; /* what was confirmed is over: a later look is no reason for another attempt */
    walk_done(run, step);
}

static void verify_next(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    const struct step_list *list = &STEP(run, step)->verify;
    if (st->verify_at < list->len) {
        check_begin(run, list->data[st->verify_at], ROLE_VERIFY, step);
        return;
    }
    bool sure = st->act == VERDICT_PASS;
    state_reason(st, sure ? "%s" : "verified, though: %s",
                 sure             ? "verified"
                 : st->act_reason ? st->act_reason
                                  : "its end is not known");
    settle(run, step, OUTCOME_OK);
}

void act_verify(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    st->outcome = OUTCOME_RUNNING;
    st->phase = PHASE_VERIFYING;
    st->ask = ASK_NOTHING;
    st->ended_ms = -1;
    st->verify_at = 0;
    run_activate(run, step);
    verify_next(run, step);
}

static void verified(struct run *run, int step, int child)
{
    struct step_state *st = STATE(run, step);
    const struct step_state *c = STATE(run, child);
    if (c->outcome == OUTCOME_OK) {
        st->verify_at++;
        if (!run->stopping || st->verify_at == STEP(run, step)->verify.len)
            verify_next(run, step);
        else {
            state_reason(st, "the run was stopped before it was verified");
            settle(run, step, OUTCOME_UNKNOWN);
        }
        return;
    }
    const struct failure no = {.class = FAILURE_TRANSIENT, .retry_after_ms = -1};
    const char *act = st->act == VERDICT_PASS || !st->act_reason ? "" : st->act_reason;
    state_reason(st, "%s%sverify %s: %s", act, *act ? "; " : "", STEP(run, child)->id,
                 c->reason && *c->reason ? c->reason : run_outcome_text(c->outcome));
    if (c->outcome == OUTCOME_FAILED && STEP(run, step)->script && !has_parts(STEP(run, step)) &&
        series_retry(run, step, 0, &no, st->reason))
        return;
    settle(run, step, c->outcome == OUTCOME_FAILED ? OUTCOME_FAILED : OUTCOME_UNKNOWN);
}

static bool holds(const struct step_list *list, int step)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->data[i] == step)
            return true;
    return false;
}

/* What comes late, from a page that was closed or evidence that was given up, changes nothing here. */
void act_child(struct run *run, int step, int child)
{
    enum run_phase phase = STATE(run, step)->phase;
    const struct step *s = STEP(run, step);
    if (phase == PHASE_PRECHECKS && holds(&s->pre, child) && !act_pre_running(run, step))
        prechecks_settled(run, step);
    else if (phase == PHASE_EVIDENCE && holds(&s->evidence, child) && !evidence_running(run, step))
        evidence_settled(run, step);
    else if (phase == PHASE_MEASURING && s->guard == child)
        rungs_measured(run, step);
    else if (phase == PHASE_VERIFYING && s->verify.data[STATE(run, step)->verify_at] == child)
        verified(run, step, child);
}

/* Could not be begun: as if it had not been confirmed. */
void act_not_started(struct run *run, int step, const char *why)
{
    run_note(run, step, "%s", why);
    act_back(run, step, why);
}

static void conclude(struct run *run, int step, const char *why)
{
    struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    bool halfway = has_rungs(s) && st->act == VERDICT_UNSURE; /* no verification says which rung it is at */
    if (st->act != VERDICT_FAIL && s->verify.len > 0 && !run->stopping && !halfway) {
        act_verify(run, step);
    } else if (st->act == VERDICT_FAIL) {
        settle(run, step, OUTCOME_FAILED);
    } else if (st->act == VERDICT_UNSURE) {
        settle(run, step, OUTCOME_UNKNOWN);
    } else if (s->verify.len > 0) {
        state_reason(st, "%s, and the run was stopped before it was verified", why);
        settle(run, step, OUTCOME_UNKNOWN);
    } else {
        state_reason(st, "%s, unverified", why);
        settle(run, step, OUTCOME_WARN);
    }
}

/* Its parts are over, and this is what they came to. */
void act_done(struct run *run, int step, enum verdict verdict, const char *why)
{
    struct step_state *st = STATE(run, step);
    st->act = verdict;
    free(st->act_reason);
    st->act_reason = xstrdup(why);
    state_reason(st, "%s", why);
    conclude(run, step, st->act_reason);
}

/* ---- Cancelling ---- */

static void cancel_children(struct run *run, const struct step_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        if (series_open(STATE(run, list->data[i])))
            check_cancel(run, list->data[i]);
}

void act_cancel(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    switch (st->phase) {
    case PHASE_ACTING:
    case PHASE_WAITING:
        series_halt(run, step, true, "cancelled");
        break;
    case PHASE_HOLDING:
        rungs_halt(run, step, "cancelled");
        break;
    case PHASE_MEASURING:
        st->cancel = true;
        check_cancel(run, s->guard);
        break;
    case PHASE_LOCKING:
        act_back(run, step, "cancelled before it acted");
        break;
    case PHASE_PRECHECKS:
    case PHASE_EVIDENCE:
        cancel_children(run, st->phase == PHASE_EVIDENCE ? &s->evidence : &s->pre);
        act_back(run, step, "cancelled before it acted");
        break;
    case PHASE_VERIFYING:
        st->cancel = true; /* no further attempt, whatever it says */
        check_cancel(run, s->verify.data[st->verify_at]);
        break;
    default:
        break;
    }
}
