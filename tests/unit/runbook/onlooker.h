/* The onlooker of the simulation: it sees the inputs that went in, the effects that came out and the views
 * that anybody can see, and blames what semantics.md ("Steps", "Runs") forbids. */
#ifndef BELAY_TESTS_ONLOOKER_H
#define BELAY_TESTS_ONLOOKER_H

#include "engine/base/base.h"
#include "engine/runbook/runbook.h"

/* What came to pass over all runs, so that nobody mistakes an idle simulation for a passed one. */
#define SEEN(X)                                                                                              \
    X(ACTS, "acts")                                                                                          \
    X(UNKNOWNS, "unknown outcomes")                                                                          \
    X(REPEATS, "repeats by choice")                                                                          \
    X(ROLLBACKS, "rollbacks") X(UNDOS, "undos") X(WAIVERS, "evidence given up") X(POLLS, "polls")            \
        X(CRASHES, "crashes") X(REFUSALS, "refusals") X(NATURAL, "runs to the end")
enum seen {
#define X(name, text) SEEN_##name,
    SEEN(X)
#undef X
        SEEN_COUNT
};

enum wrong { RIGHT, WRONG_CONFIRMS, WRONG_REPEATS, WRONG_GOES_ON, WRONG_FORGETS, WRONG_COUNT };

struct known { /* what an onlooker knows about a step */
    bool open, confirmed, waived, let_in;
    int64_t opened_ms, confirmed_ms, passed_ms, saved_ms;
};

struct world {
    const struct runbook *book;
    struct run *run;
    struct rng rng;
    enum wrong wrong;
    int64_t now_ms;
    VEC(char *) journal;
    VEC(uint64_t) started;
    struct known *known;
    struct run_effects effects;
    bool stopped;
    int ended;
    unsigned long counts[SEEN_COUNT];
    const char *broken; /* the first oracle that said no */
};

static inline void blame(struct world *w, bool good, const char *what)
{
    if (!good && !w->broken)
        w->broken = what;
}

/* ---- The state as a number: equal states have equal sums ---- */

static inline void mix(uint64_t *sum, int64_t value)
{
    *sum = (*sum ^ (uint64_t)value) * 0x9e3779b97f4a7c15u;
    *sum ^= *sum >> 29;
}

static inline void mix_text(uint64_t *sum, const char *text)
{
    mix(sum, text ? (int64_t)checksum64(text, strlen(text)) : -1);
}

static inline void mix_step(uint64_t *sum, const struct run_step *s)
{
    const int64_t numbers[] = {s->outcome,    s->phase,    s->ask,      s->attempts, s->opened_ms,
                               s->started_ms, s->ended_ms, s->executed, s->end,      s->exit,
                               s->signal,     s->next_ms,  s->choices,  s->reasons,  s->undone};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        mix(sum, numbers[i]);
    mix_text(sum, s->reason);
    mix_text(sum, s->answer);
}

static inline uint64_t picture(const struct run *run)
{
    const struct runbook *book = run_runbook(run);
    int place, total;
    enum run_outcome outcome = OUTCOME_PENDING;
    uint64_t sum = 1;
    run_progress(run, &place, &total);
    const int64_t numbers[] = {run_started(run),  run_ended(run, &outcome), outcome, run_current(run), place,
                               run_stopping(run), run_wake_ms(run)};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        mix(&sum, numbers[i]);
    for (size_t i = 0; i < book->steps.len; i++) {
        struct run_step s;
        run_step_at(run, (int)i, &s);
        mix_step(&sum, &s);
    }
    struct run_ticket tickets[64];
    size_t count = run_tickets(run, tickets, 64);
    for (size_t i = 0; i < count; i++) {
        const struct run_ticket *t = &tickets[i];
        const int64_t parts[] = {(int64_t)t->ticket, t->step,      t->role,    t->attempt,
                                 t->started,         t->cancelled, t->since_ms};
        for (size_t j = 0; j < sizeof parts / sizeof *parts; j++)
            mix(&sum, parts[j]);
    }
    for (size_t i = 0; i < run_value_count(run); i++) {
        struct run_value v;
        run_value_at(run, i, &v);
        mix_text(&sum, v.name);
        mix_text(&sum, v.value);
        mix_text(&sum, v.source);
    }
    return sum;
}

static inline bool acts(const struct world *w, int step)
{
    return step_kind_acts(w->book->steps.data[step].kind);
}

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
    struct run_ticket tickets[64];
    size_t count = run_tickets(w->run, tickets, 64), acting = 0;
    for (size_t i = 0; i < count; i++)
        acting += run_role_acts(tickets[i].role);
    blame(w, acting == acts(w, step), "two act at once");
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
    if (run_role_acts(e->role) || (e->role == ROLE_CHECK && s->confirm != CONFIRM_NONE &&
                                   (w->known[e->step].confirmed || e->attempt == 1)))
        see_act(w, e->step);
    if ((e->role == ROLE_ACT || (e->role == ROLE_CHECK && s->confirm == CONFIRM_NONE)) &&
        !w->known[e->step].let_in)
        blame(w, when_holds(w, s) == 1, "a step was begun though its `when` doesn't hold");
    blame(w, run_command(w->run, e->step, NULL, &command, &why) == 0, "an execution without a command");
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
        if (e->kind == EFFECT_WAKE)
            blame(w, e->at_ms > w->now_ms, "it wants to be woken in the past");
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
        break;
    case INPUT_LEAVE:
        k->open = false;
        break;
    case INPUT_CONFIRM:
        blame(w, k->open && in->at_ms - k->opened_ms >= 500 && in->at_ms - k->opened_ms < 60000,
              "a page was confirmed too early, too late, or closed");
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
    default:
        break;
    }
}

static inline void see_result(struct world *w, const struct run_input *in, int step, enum run_role role)
{
    const struct step *s = &w->book->steps.data[step];
    bool pass =
        in->result.end == END_EXITED && in->result.exit == 0 && (!s->expect || in->result.match == MATCH_YES);
    if (run_role_acts(role)) {
        struct run_step after;
        run_step_at(w->run, step, &after);
        bool unsure = in->result.end != END_EXITED && in->result.end != END_NOT_STARTED;
        if (unsure && s->verify.len == 0)
            blame(w, after.outcome == OUTCOME_UNKNOWN, "an act without a known end is not unknown");
        if (in->result.end == END_NOT_STARTED)
            blame(w, after.outcome == OUTCOME_PENDING, "what never started is not pending");
        if (pass && s->verify.len == 0)
            blame(w, after.outcome == OUTCOME_WARN, "an unverified act is not a warning");
        blame(w, after.outcome != OUTCOME_OK, "an act is ok before any verification");
        return;
    }
    if (role == ROLE_EVIDENCE)
        w->known[step].saved_ms = pass ? in->at_ms : -1;
    else
        w->known[step].passed_ms = pass ? in->at_ms : -1;
}

#endif
