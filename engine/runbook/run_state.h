/* The run machine's insides, shared by its files. Calls go: run.c (door) -> run_admit.c (may it?) ->
 * run_walk.c (which step) -> run_act.c (what needs a page) and run_check.c (what only looks); run_values.c
 * knows the variables. */
#ifndef BELAY_RUNBOOK_RUN_STATE_H
#define BELAY_RUNBOOK_RUN_STATE_H

#include "engine/runbook/runbook.h"

#define ROLE_COUNT (ROLE_ROLLBACK + 1)

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_UNSURE };

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
    uint64_t ticket; /* of the execution under way, 0 */
    enum run_role role;
    int parent;                            /* the step that this one is run for; STEP_NONE: for itself */
    int back;                              /* a rollback or undo returns to this step */
    bool cancel;                           /* no further attempt */
    bool undoing;                          /* opened as an undo: closing its page goes back */
    int64_t deadline_ms, hold_ms, next_ms; /* polling: -1 none; hold_ms: it passes since */
    bool again; /* the execution under way began too early to count: once more when it ends */
    bool evidence_done, rechecked; /* on the way from CONFIRM to the act */
    enum verdict act;              /* what the act itself said */
    char *act_reason;
    size_t verify_at;    /* the verification under way */
    bool not_applicable; /* skipped by its `when`, not by a person */
    bool undone;
};

struct value {
    char *text;
    const char *source; /* a literal */
};

struct carried {
    char *name, *value;
};

struct run {
    const struct runbook *book;
    bool started, ended, stopping;
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
    VEC(struct run_ticket) tickets;
    struct run_effects *out; /* while an input is applied; may be NULL */
};

/* run.c */
void run_note(struct run *run, int step, const char *format, ...) __attribute__((format(printf, 3, 4)));
void run_wake(struct run *run, int64_t at_ms);
uint64_t run_exec(struct run *run, int step, enum run_role role);
void run_cancel_ticket(struct run *run, uint64_t ticket);
struct run_ticket *run_find_ticket(const struct run *run, uint64_t ticket); /* NULL */
void run_stop(struct run *run, bool failed, bool asked);
void run_end_if_idle(struct run *run);
void state_reason(struct step_state *st, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* run_walk.c */
void walk_begin(struct run *run);
void walk_next(struct run *run);            /* past the current step */
void walk_again(struct run *run);           /* the current step's `when` once more */
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
void act_finish(struct run *run, int step, const struct run_result *result);
void act_evidence(struct run *run, int step);
void act_go_on(struct run *run, int step); /* evidence is settled */
void act_verify(struct run *run, int step);
void act_cancel(struct run *run, int step);
bool act_pre_running(const struct run *run, int step);
int act_pre_failed(const struct run *run, int step); /* the first that ran and did not pass, STEP_NONE */

/* run_check.c */
enum verdict judge(const struct run *run, int step, const struct run_result *result, struct str *why);
void record_end(struct step_state *st, const struct run_result *result);
void check_begin(struct run *run, int step, enum run_role role, int parent);
void check_finish(struct run *run, int step, const struct run_result *result);
void check_settle(struct run *run, int step, enum run_outcome outcome);
void check_cancel(struct run *run, int step);
void check_due(struct run *run, int step);
bool check_fresh(const struct run *run, int step, int64_t fresh_ms);

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
/* Does this step have a page to confirm? */
static inline bool step_has_page(const struct step *s)
{
    return s->script && s->confirm != CONFIRM_NONE;
}

#endif
