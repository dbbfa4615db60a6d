/* The onlooker of the simulation: it sees the inputs that went in, the effects that came out and the views
 * that anybody can see, and blames what semantics.md ("Steps", "Runs") forbids. */
#ifndef BELAY_TESTS_ONLOOKER_H
#define BELAY_TESTS_ONLOOKER_H

#include "tests/unit/runbook/onlooker_parts.h"

/* ---- Oracles ---- */

/* Before anything acts: its page was open and confirmed, prechecks passed and are no older than `fresh` at
 * the confirmation, evidence was saved after it or given up with a reason. */
static inline void see_act(struct world *w, int step)
{
    struct known *k = &w->known[step];
    const struct step *s = &w->book->steps.data[step];
    blame(w, k->confirmed, "it acted without a confirmation of its open page");
    blame(w, !w->stopped, "it acted after the run was stopped");
    for (size_t i = 0; i < s->pre.len; i++) {
        int64_t passed = w->known[s->pre.data[i]].passed_ms;
        blame(w, passed >= 0 && k->confirmed_ms - passed <= s->fresh.ms, "it acted without a fresh precheck");
    }
    for (size_t i = 0; i < s->evidence.len; i++)
        blame(w, k->waived || w->known[s->evidence.data[i]].saved_ms >= k->confirmed_ms,
              "it acted without its evidence");
    k->confirmed = k->waived = false;
}

/* Does `when` hold, read off the outcomes alone? -1: nobody knows. */
static inline int when_holds(const struct world *w, const struct step *s)
{
    int result = 1;
    for (size_t i = 0; i < s->when.len; i++) {
        const struct step_condition *c = &s->when.data[i];
        struct run_step ref;
        run_step_at(w->run, c->step, &ref);
        bool ok = ref.outcome == OUTCOME_OK || ref.outcome == OUTCOME_WARN;
        if (ref.outcome == OUTCOME_UNKNOWN || ref.outcome == OUTCOME_CANCELLED ||
            ref.outcome == OUTCOME_TIMED_OUT)
            result = result == 0 ? 0 : -1;
        else if (c->value     ? !ok || !str_eq(ref.answer, c->value)
                 : c->negated ? ref.outcome != OUTCOME_FAILED
                              : !ok)
            result = 0;
    }
    return result;
}

static inline void see_exec(struct world *w, const struct run_effect *e)
{
    const struct step *s = &w->book->steps.data[e->step];
    struct run_command command;
    struct err why = {0};
    blame(w,
          run_role_acts(e->role) == (e->role == ROLE_ACT || e->role == ROLE_ROLLBACK) &&
              run_role_acts(e->role) == (acts(w, e->step) != 0),
          "an acting step in a role that doesn't act, or the other way round");
    w->counts[SEEN_ACTS] += run_role_acts(e->role);
    w->counts[SEEN_REPEATS] += run_role_acts(e->role) && e->attempt > 1;
    w->counts[SEEN_ROLLBACKS] += e->role == ROLE_ROLLBACK;
    w->counts[SEEN_UNDOS] += str_eq(s->id, "u0");
    struct known *k = &w->known[e->step];
    bool first = run_role_acts(e->role) ? !k->licensed
                                        : e->role == ROLE_CHECK && s->confirm != CONFIRM_NONE &&
                                              e->part <= 0 && (k->confirmed || e->attempt == 1);
    if (first)
        see_act(w, e->step);
    if (run_role_acts(e->role)) {
        see_part(w, e, !k->licensed);
        k->licensed = true;
    }
    if ((e->role == ROLE_ACT || (e->role == ROLE_CHECK && s->confirm == CONFIRM_NONE)) &&
        !w->known[e->step].let_in)
        blame(w, when_holds(w, s) == 1, "a step was begun though its `when` doesn't hold");
    blame(w, run_ticket_command(w->run, e->ticket, NULL, &command, &why) == 0,
          "an execution without a command");
    run_command_fini(&command);
}

static inline void see_effects(struct world *w)
{
    for (size_t i = 0; i < w->effects.len; i++) {
        const struct run_effect *e = &w->effects.data[i];
        if (e->kind == EFFECT_EXEC)
            see_exec(w, e);
        if (e->kind == EFFECT_EXEC || e->kind == EFFECT_NOTE)
            blame(w, !w->ended, "something happened after the end");
        see_lock(w, e);
        if (e->kind == EFFECT_WAKE)
            blame(w, e->at_ms > w->now_ms, "it wants to be woken in the past");
        blame(w, e->kind != EFFECT_ENDED || w->locks.len == 0, "a lock was not given back at the end");
        w->ended += e->kind == EFFECT_ENDED;
    }
}

/* Reports and time alone never lead past an unknown outcome of something that acts. */
static inline void see_unknown(struct world *w, const struct run_input *in, int before)
{
    for (size_t i = 0; i < w->effects.len; i++)
        w->counts[SEEN_POLLS] += in->kind == INPUT_TICK && w->effects.data[i].kind == EFFECT_EXEC;
    bool person = in->kind != INPUT_FINISHED && in->kind != INPUT_STARTED && in->kind != INPUT_TICK;
    if (person || before == STEP_NONE || !acts(w, before) || w->stopped)
        return;
    struct run_step s;
    run_step_at(w->run, before, &s);
    if (s.outcome != OUTCOME_UNKNOWN)
        return;
    w->counts[SEEN_UNKNOWNS]++;
    blame(w, run_current(w->run) == before && s.ask == ASK_UNKNOWN,
          "an unknown outcome was followed by itself");
    for (size_t i = 0; i < w->effects.len; i++)
        blame(w, w->effects.data[i].kind != EFFECT_EXEC, "something was run upon an unknown outcome");
}

static inline void see_input(struct world *w, const struct run_input *in)
{
    struct known *k = in->step >= 0 ? &w->known[in->step] : NULL;
    switch (in->kind) {
    case INPUT_OPEN:
        k->open = true;
        k->opened_ms = in->at_ms;
        k->opener = in->actor;
        break;
    case INPUT_LEAVE:
        k->open = false;
        break;
    case INPUT_CONFIRM:
        blame(w, k->open && in->at_ms - k->opened_ms >= 500 && in->at_ms - k->opened_ms < 60000,
              "a page was confirmed too early, too late, or closed");
        see_confirm(w, in);
        k->open = k->waived = false;
        k->confirmed = true;
        k->confirmed_ms = in->at_ms;
        break;
    case INPUT_CANCEL:
        k->confirmed &= !k->confirmed;
        break;
    case INPUT_CHOOSE:
        if (in->choice == CHOICE_CONTINUE) {
            w->counts[SEEN_WAIVERS] += k->confirmed;
            k->waived = k->let_in = true;
            blame(w, !k->confirmed || (in->reason && *in->reason), "evidence was given up without a reason");
        }
        break;
    case INPUT_STOP:
        w->stopped = true;
        break;
    case INPUT_ADOPT: /* nothing that was confirmed before is good any more */
        for (size_t i = 0; i < w->book->steps.len; i++)
            w->known[i].open = w->known[i].confirmed = w->known[i].licensed = false;
        break;
    case INPUT_APPROVE:
    case INPUT_BREAK_GLASS:
        see_given(w, in);
        break;
    case INPUT_LOCKED:
    case INPUT_REFUSED:
        see_answer(w, in);
        break;
    default:
        break;
    }
}

static inline void see_result(struct world *w, const struct run_input *in, const struct run_ticket *t)
{
    int step = t->step;
    enum run_role role = t->role;
    const struct step *s = &w->book->steps.data[step];
    bool pass = verdict_of(s, &in->result) == LAST_PASSED;
    see_part_result(w, in, t);
    if (run_role_acts(role) && !s->items && !s->rungs) {
        bool again = w->known[step].parts[0].runs > 1; /* then it is the first attempt that counts */
        struct run_step after;
        run_step_at(w->run, step, &after);
        bool unsure = in->result.end != END_EXITED && in->result.end != END_NOT_STARTED;
        if (unsure && s->verify.len == 0)
            blame(w, after.outcome == OUTCOME_UNKNOWN, "an act without a known end is not unknown");
        if (in->result.end == END_NOT_STARTED && !again)
            blame(w, after.outcome == OUTCOME_PENDING, "what never started is not pending");
        if (pass && s->verify.len == 0)
            blame(w, after.outcome == OUTCOME_WARN, "an unverified act is not a warning");
        blame(w, after.outcome != OUTCOME_OK, "an act is ok before any verification");
        return;
    }
    if (run_role_acts(role) || role == ROLE_GUARD)
        return;
    if (role == ROLE_EVIDENCE)
        w->known[step].saved_ms = pass ? in->at_ms : -1;
    else
        w->known[step].passed_ms = pass ? in->at_ms : -1;
}

#endif
