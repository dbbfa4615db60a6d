/* The run machine's insides, shared by its files. Calls go: run.c (door) -> run_admit.c (may it?) ->
 * run_walk.c (which step) -> run_act.c (what needs a page) and run_check.c (what only looks) -> run_series.c
 * (executions: a step's parts), run_attempts.c (their attempts) and run_rungs.c (what lies between two
 * rungs); run_claim.c has locks and approvals, run_values.c the variables. */
#ifndef BELAY_RUNBOOK_RUN_STATE_H
#define BELAY_RUNBOOK_RUN_STATE_H

#include "engine/runbook/runbook.h"

#define ROLE_COUNT     (ROLE_GUARD + 1)
#define OUTCOME_PREFIX "BELAY_OUTCOME_" /* of the names that tell a step how the others went */

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_UNSURE };

/* A step is executed as a series of parts: one for each item or rung, or a single one. A part that runs, or
 * waits for its next attempt, has a slot; of these there are only a few. */
struct part {
    enum run_outcome outcome;
    unsigned attempts; /* executions begun, ever */
    unsigned tries;    /* since the step was confirmed */
    int64_t begun_ms;  /* the first of these */
    int64_t delay_ms;  /* between the newest two */
    char *reason;
};

struct slot {
    int part;
    uint64_t ticket; /* 0: it waits */
    int64_t since_ms, next_ms;
};

struct series {
    struct part *parts; /* made when they are needed first */
    size_t count;
    VEC(struct slot) slots;
    size_t next; /* no part before it is pending */
    size_t tally[OUTCOME_UNKNOWN + 1];
    size_t begun; /* executions since the step was confirmed */
    int64_t begun_ms;
    bool no_budget; /* as the newest execution had it */
    bool halt;      /* no further part, no further attempt */
    bool empty;     /* fewer items than its minimum: over before anything ran */
    char *halt_reason;
    int rung, wanted; /* see run_parts */
    int raised;       /* the highest rung that may be in effect */
    char *baseline, *measured;
    bool worse; /* it steps back */
};

struct step_state {
    enum run_outcome outcome;
    enum run_phase phase;
    enum run_ask ask;
    char *reason;
    char *answer;
    unsigned counts[ROLE_COUNT]; /* executions begun, by role */
    int64_t opened_ms, started_ms, ended_ms;
    int64_t passed_ms; /* when the newest look that passed began; a person's word is no look. -1 */
    bool executed;
    enum run_end end;
    int exit, signal;
    struct series series;
    enum run_role role;
    int parent;   /* the step that this one is run for; STEP_NONE: for itself */
    int back;     /* a rollback or undo returns to this step */
    bool cancel;  /* no further attempt */
    bool used_up; /* its policy allowed no further attempt: its `on_failure` follows */
    bool undoing; /* opened as an undo: closing its page goes back */
    int64_t deadline_ms, hold_ms, next_ms; /* polling: -1 none; hold_ms: it passes since */
    bool again; /* the execution under way began too early to count: once more when it ends */
    bool evidence_done, rechecked;   /* on the way from CONFIRM to the act */
    char confirmed[SHA256_HEX_SIZE]; /* the digest of what was to run then */
    enum verdict act;                /* what the act itself said */
    char *act_reason;
    size_t verify_at;    /* the verification under way */
    bool not_applicable; /* skipped by its `when`, not by a person */
    bool undone;
    bool active;     /* in run->active */
    char *requester; /* who opened its page last */
};

struct value {
    char *text;
    const char *source; /* a literal */
};

struct carried {
    char *name, *value;
};

struct lock {
    uint64_t ticket;
    int step;
    char *text;
    bool held;
};

struct approval {
    int step;
    char *actor, *reason, *where;
    char digest[SHA256_HEX_SIZE];
    bool has_signature, glass;
    int64_t given_ms;
};

struct run {
    const struct runbook *book;
    bool started, ended, stopping, rehearsed;
    bool stop_failed; /* it stops because a step failed */
    bool stop_asked;  /* it stops because a person said so */
    enum run_outcome outcome;
    int64_t now_ms;
    size_t cursor; /* in book->walk */
    int focus;
    uint64_t last_ticket;
    struct step_state *steps;
    struct value *values; /* of book->vars */
    VEC(struct carried) carried;
    const struct items **items;  /* of each step; borrowed */
    struct run_policy *policies; /* of each step; name NULL: none */
    char **names;                /* of policies and their targets */
    struct rng rng;              /* for jitter: seeded by START, so that a replay gives the same */
    VEC(int) active;             /* steps on which something is under way or due, in order */
    VEC(int) due;                /* steps whose series is over before anything ran */
    VEC(struct lock) locks;
    VEC(struct approval) approvals;
    VEC(struct run_ticket) tickets;
    struct run_effects *out; /* while an input is applied; may be NULL */
};

/* run.c */
void run_note(struct run *run, int step, const char *format, ...) __attribute__((format(printf, 3, 4)));
void run_record(struct run *run, int step, const char *format, ...) __attribute__((format(printf, 3, 4)));
struct run_effect *run_effect_add(struct run *run,
                                  enum run_effect_kind kind); /* NULL: nobody wants effects */
void run_wake(struct run *run, int64_t at_ms);
void run_activate(struct run *run, int step);
uint64_t run_exec(struct run *run, int step, enum run_role role, int part);
void run_cancel_ticket(struct run *run, uint64_t ticket);
struct run_ticket *run_find_ticket(const struct run *run, uint64_t ticket); /* NULL */
void run_stop(struct run *run, bool failed, bool asked);
void state_reason(struct step_state *st, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* run_walk.c */
void walk_begin(struct run *run);
void walk_next(struct run *run);  /* past the current step */
void walk_again(struct run *run); /* the current step's `when` once more */
/* The step that this term of a `when` names lies behind, and ended otherwise. */
bool walk_has_denied(const struct run *run, const struct step_condition *term);
void walk_enter(struct run *run, int step); /* begins it, or waits for what it needs */
void walk_done(struct run *run, int step);  /* its outcome stands: what follows */
void walk_leave_detour(struct run *run, int step);
bool walk_is_waiting(const struct run *run, int step); /* nothing of it runs, its page is closed */
void walk_choose(struct run *run, const struct run_input *in);
void walk_resolve(struct run *run, const struct run_input *in);
void walk_answer(struct run *run, const struct run_input *in);

/* run_act.c */
void act_open(struct run *run, int step);
void act_confirm(struct run *run, int step, const char *actor);
void act_back(struct run *run, int step, const char *why); /* to waiting: nothing was run */
void act_child(struct run *run, int step, int child);      /* something run for it has settled */
void act_done(struct run *run, int step, enum verdict verdict, const char *why);
void act_not_started(struct run *run, int step, const char *why);
void act_locked(struct run *run, int step); /* it has its lock, or needs none */
void act_evidence(struct run *run, int step);
void act_go_on(struct run *run, int step); /* evidence is settled */
void act_verify(struct run *run, int step);
void act_cancel(struct run *run, int step);
bool act_pre_running(const struct run *run, int step);
int act_pre_failed(const struct run *run, int step); /* the first that ran and did not pass, STEP_NONE */

/* run_command.c: what it would run, without the outcomes of other steps unless its text reads some: enough
 * for its digest, and to know whether it can run. */
int run_command_bare(const struct run *run, int step, struct run_command *command, struct err *e);

/* run_check.c */
enum verdict judge(const struct run *run, int step, int part, const struct run_result *result,
                   struct str *why);
void record_end(struct step_state *st, const struct run_result *result);
void check_begin(struct run *run, int step, enum run_role role, int parent);
void check_done(struct run *run, int step, enum verdict verdict, const char *why, enum run_end end);
void check_settle(struct run *run, int step, enum run_outcome outcome);
void check_cancel(struct run *run, int step);
void check_due(struct run *run, int step);
bool check_fresh(const struct run *run, int step, int64_t fresh_ms);
void check_since(const struct run *run, int step, int64_t *since_ms, int64_t *limit_ms);
bool check_wanted(const struct run *run, int step); /* somebody still waits for what it says */

/* run_series.c */
bool series_busy(const struct step_state *st); /* something of it is being executed, */
bool series_open(const struct step_state *st); /* or waits to be tried again */
void series_begin(struct run *run, int step);
void series_finish(struct run *run, int step, uint64_t ticket, int part, const struct run_result *result);
void series_exec(struct run *run, int step, int part); /* the next attempt of a part */
void series_settle(struct run *run);                   /* what is over before anything ran */
/* No further part or attempt. What is under way goes on; with cancel it is cancelled. */
void series_halt(struct run *run, int step, bool cancel, const char *why);
void series_forget(struct run *run, int step); /* all of it again, next time */
void series_fini(struct series *series);
void part_set(struct series *series, int part, enum run_outcome outcome, const char *reason);

/* run_attempts.c */
/* What an execution was, for its policy and for the breaker of whom it calls. NONE: it passed, or answered.
 */
void attempt_classify(const struct run *run, int step, enum verdict verdict, const struct run_result *result,
                      const char *why, struct failure *f);
/* Its policy says what this exit status means: a failure like any other, and nothing unknown. */
bool attempt_declared(const struct run *run, int step, const struct run_result *result);
int64_t series_timeout_ms(const struct run *run, int step, int part);
/* Says how a call of its policy's target went, if that names one. executed: attempts of this operation. */
void attempt_count(struct run *run, int step, int part, unsigned executed, struct run_counted counted);
/* Another attempt, by its policy: true when it is waited for. */
bool series_retry(struct run *run, int step, int part, const struct failure *f, const char *why);
void series_due(struct run *run, int step);
void series_phase(struct run *run, int step); /* executes, or waits to try again */

/* run_rungs.c */
void rungs_begin(struct run *run, int step);
void rungs_went(struct run *run, int step, int part, enum verdict verdict, const char *why, bool started);
void rungs_measured(struct run *run, int step);
void rungs_due(struct run *run, int step);
void rungs_halt(struct run *run, int step, const char *why);

/* run_claim.c */
bool lock_ask(struct run *run, int step); /* true: wait for LOCKED or REFUSED */
struct lock *lock_find(const struct run *run, uint64_t ticket);
void lock_answer(struct run *run, const struct run_input *in);
void locks_sweep(struct run *run);
int lock_text(const struct run *run, int step, char **text, struct err *e); /* text NULL: none */
int approval_admit(const struct run *run, const struct run_input *in, int64_t now, struct err *e);
void approval_give(struct run *run, const struct run_input *in);
int approvals_missing(const struct run *run, int step, const char *actor, const char *where, int64_t now);
void approvals_use(struct run *run, int step);
void approvals_request(struct run *run, const struct run_input *in);
void approvals_sweep(struct run *run);

/* run_values.c */
int values_check(const struct run *run, const struct run_input *in, struct err *e);
void values_start(struct run *run, const struct run_input *in);
int values_fit(const struct runbook_var *var, const char *value, struct err *e);
void values_set(struct run *run, size_t index, const char *value, const char *source);
void values_carry(struct run *run, int step, const struct run_result *result);
const char *values_get(const struct run *run, const char *name); /* NULL; never a secret's */
int values_missing(const struct run *run, int step); /* index of the first that it waits for, -1 */
bool values_needs(const struct run *run, int step, int var);
/* $NAME by its value; quote: so that it stands for itself in a pattern. The caller frees. */
char *values_expand(const struct run *run, const char *text, bool quote);
int values_time(const struct run *run, const struct step_time *time, int64_t *ms, struct err *e);
int64_t values_ms(const struct run *run, const struct step_time *time);

/* run_page.c */
/* What has to be typed; the caller frees. NULL: no confirmation. untried and why may be NULL. */
char *confirm_needed(const struct run *run, int step, bool *stronger);

/* run_admit.c */
unsigned run_choices(const struct run *run, int step, unsigned *reasons);

#define STATE(run, step) (&(run)->steps[step])
#define STEP(run, step)  (&(run)->book->steps.data[step])
static inline bool has_rungs(const struct step *s)
{
    return s->rungs != NULL;
}
static inline bool has_parts(const struct step *s)
{
    return s->items || s->rungs;
}
/* Nothing can go wrong in a rehearsal that is confirmed too early. */
static inline int64_t confirm_min_ms(const struct run *run)
{
    return run->rehearsed ? 0 : RUN_CONFIRM_MIN_MS;
}
/* Does this step have a page to confirm? */
static inline bool step_has_page(const struct step *s)
{
    return s->script && s->confirm != CONFIRM_NONE;
}

#endif
