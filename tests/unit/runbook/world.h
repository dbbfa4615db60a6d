/* What the simulation knows of one run: the machine, its people and platform, and what an onlooker remembers
 * of the inputs that went in and the effects that came out. */
#ifndef BELAY_TESTS_WORLD_H
#define BELAY_TESTS_WORLD_H

#include "engine/base/base.h"
#include "engine/runbook/runbook.h"

/* What came to pass over all runs, so that nobody mistakes an idle simulation for a passed one. */
#define SEEN(X)                                                                                              \
    X(ACTS, "acts")                                                                                          \
    X(UNKNOWNS, "unknown outcomes")                                                                          \
    X(REPEATS, "repeats by choice")                                                                          \
    X(ROLLBACKS, "rollbacks")                                                                                \
    X(UNDOS, "undos")                                                                                        \
    X(WAIVERS, "evidence given up")                                                                          \
    X(POLLS, "polls")                                                                                        \
    X(CRASHES, "crashes")                                                                                    \
    X(REFUSALS, "refusals")                                                                                  \
    X(NATURAL, "runs to the end")                                                                            \
    X(ITEMS, "items executed")                                                                               \
    X(ITEMS_AGAIN, "items executed again by choice")                                                         \
    X(TRIES, "attempts by a policy")                                                                         \
    X(RAISED, "rungs raised after a guard")                                                                  \
    X(BACK, "rungs stepped back")                                                                            \
    X(LOCKED, "locks held for an act")                                                                       \
    X(LOST_LOCKS, "locks that somebody else had")                                                            \
    X(APPROVED, "acts approved by others")                                                                   \
    X(GLASSES, "acts behind broken glass")                                                                   \
    X(VOID, "approvals void")                                                                                \
    X(EXPIRED, "approvals expired")                                                                          \
    X(REPLAYS, "replays compared at every prefix")
enum seen {
#define X(name, text) SEEN_##name,
    SEEN(X)
#undef X
        SEEN_COUNT
};

/* Each is a machine that breaks one promise: by inputs of its own making, or because it walks a document that
 * is not quite the one that the onlooker judges by. */
#define WRONGS(X)                                                                                            \
    X(CONFIRMS, "confirms by itself")                                                                        \
    X(REPEATS, "repeats after unknown")                                                                      \
    X(GOES_ON, "goes on after unknown")                                                                      \
    X(FORGETS, "forgets an input")                                                                           \
    X(APPROVES, "approves by itself")                                                                        \
    X(ONE_LESS, "needs one approval less")                                                                   \
    X(NO_LOCK, "takes no lock")                                                                              \
    X(TRIES_ON, "tries once more than its policy")                                                           \
    X(TRIES_ALL, "tries again what is not idempotent")                                                       \
    X(AT_ONCE, "tries again at once")                                                                        \
    X(CROWDS, "runs one item more at a time")                                                                \
    X(LENIENT, "is content with fewer items ok")                                                             \
    X(FEW, "runs fewer items than the minimum")                                                              \
    X(HASTY, "holds no rung")                                                                                \
    X(BLIND, "raises whatever the guard says")                                                               \
    X(UPWARD, "takes lower for better")
enum wrong {
    RIGHT,
#define X(name, text) WRONG_##name,
    WRONGS(X)
#undef X
        WRONG_COUNT
};

#define HERE       "prod: context eu"
#define PARTS_MAX  8
#define ACTORS_MAX 4

enum last { LAST_NONE, LAST_RUNS, LAST_PASSED, LAST_FAILED, LAST_UNSURE, LAST_NOT_BEGUN };

struct part_known {
    unsigned runs; /* since the confirmation */
    enum last last;
    int64_t begun_ms, ended_ms;
    bool ok;
};

enum guarded { GUARD_NONE, GUARD_FINE, GUARD_WORSE, GUARD_UNSURE };

struct known { /* what an onlooker knows about a step */
    bool open, confirmed, waived, let_in, licensed;
    int64_t opened_ms, confirmed_ms, passed_ms, saved_ms;
    const char *opener;
    struct part_known parts[PARTS_MAX];
    int rung, raised, wanted;
    int64_t rung_ms; /* since when, in this confirmation; -1 */
    enum guarded guard;
    bool has_baseline, baseline_is_number;
    double baseline;
};

struct given { /* an approval as the onlooker wrote it down */
    int step;
    const char *actor;
    const char *where;
    uint64_t values;
    int64_t at_ms;
    bool over, glass;
};

struct asked { /* a lock */
    uint64_t ticket;
    char text[RUN_LOCK_MAX + 1];
    bool held;
};

struct world {
    const struct runbook *book; /* what is right */
    struct runbook *doctored;   /* what a wrong machine walks; NULL: the same */
    struct run *run;
    struct rng rng;
    enum wrong wrong;
    int64_t now_ms;
    uint64_t seed;
    const struct policy *policies; /* p0, p1 */
    struct items *const *items;    /* by count */
    VEC(char *) journal;
    VEC(uint64_t) pictures; /* after each input; only where prefixes are compared */
    bool every_prefix;
    VEC(struct given) approvals;
    VEC(struct asked) locks;
    VEC(struct asked) dropped; /* asked for and given up before the answer came */
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
    mix(sum, s->tries);
    mix_text(sum, s->reason);
    mix_text(sum, s->answer);
}

static inline void mix_parts(uint64_t *sum, const struct run *run, int step)
{
    struct run_parts p;
    run_parts_at(run, step, &p);
    if (p.kind == PARTS_NONE)
        return;
    const int64_t numbers[] = {(int64_t)p.pending,
                               (int64_t)p.running,
                               (int64_t)p.ok,
                               (int64_t)p.failed,
                               (int64_t)p.skipped,
                               (int64_t)p.cancelled,
                               (int64_t)p.unknown,
                               (int64_t)p.waiting,
                               p.rung,
                               p.rung_wanted,
                               p.worse,
                               p.held_until_ms};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        mix(sum, numbers[i]);
    mix_text(sum, p.baseline);
    mix_text(sum, p.measured);
    for (int i = 0; i < (int)p.total; i++) {
        struct run_part part;
        run_part_at(run, step, i, &part);
        mix(sum, part.outcome);
        mix(sum, part.attempts);
        mix_text(sum, part.reason);
    }
}

static inline void mix_claims(uint64_t *sum, const struct run *run)
{
    struct run_lock locks[8];
    struct run_approval approvals[16];
    size_t count = run_locks(run, locks, 8);
    for (size_t i = 0; i < count && i < 8; i++) {
        mix(sum, (int64_t)locks[i].ticket + locks[i].step + locks[i].held);
        mix_text(sum, locks[i].text);
    }
    count = run_approvals(run, approvals, 16);
    for (size_t i = 0; i < count && i < 16; i++) {
        mix(sum, approvals[i].step + approvals[i].glass + approvals[i].given_ms);
        mix_text(sum, approvals[i].actor);
        mix_text(sum, approvals[i].digest);
    }
}

static inline uint64_t values_sum(const struct run *run)
{
    uint64_t sum = 2;
    for (size_t i = 0; i < run_value_count(run); i++) {
        struct run_value v;
        run_value_at(run, i, &v);
        mix_text(&sum, v.name);
        mix_text(&sum, v.value);
    }
    return sum;
}

static inline uint64_t picture(const struct runbook *book, const struct run *run)
{
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
        mix_parts(&sum, run, (int)i);
    }
    mix_claims(&sum, run);
    struct run_ticket tickets[64];
    size_t count = run_tickets(run, tickets, 64);
    for (size_t i = 0; i < count; i++) {
        const struct run_ticket *t = &tickets[i];
        const int64_t parts[] = {(int64_t)t->ticket, t->step,      t->role,     t->attempt,
                                 t->started,         t->cancelled, t->since_ms, t->part};
        for (size_t j = 0; j < sizeof parts / sizeof *parts; j++)
            mix(&sum, parts[j]);
    }
    mix(&sum, (int64_t)values_sum(run));
    for (size_t i = 0; i < run_value_count(run); i++) {
        struct run_value v;
        run_value_at(run, i, &v);
        mix_text(&sum, v.source);
    }
    return sum;
}

static inline bool acts(const struct world *w, int step)
{
    return step_kind_acts(w->book->steps.data[step].kind);
}

#endif
