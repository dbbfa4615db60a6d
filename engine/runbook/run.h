/* The run: inputs, effects, and what can be seen of it; what it would run is in run_command.h. Included
 * through runbook.h. */
#ifndef BELAY_RUNBOOK_RUN_H
#define BELAY_RUNBOOK_RUN_H

#include "engine/resilience/resilience.h"
#include "engine/runbook/document.h"
#include "engine/runbook/items.h"

#define RUN_DISARM_MS      60000 /* an open page older than this disarms itself */
#define RUN_CONFIRM_MIN_MS 500   /* a page must have been open this long before it can be confirmed */
#define RUN_CHECK_LIMIT_MS 30000 /* time-out of check, verify and evidence; action and rollback have none */
#define RUN_POLL_EVERY_MS  5000
#define RUN_FRESH_MS       10000
#define RUN_GRACE_MS       10000
#define RUN_RUNG_HOLD_MS   60000
#define RUN_APPROVAL_MS    600000 /* an approval is good for so long */
#define RUN_LOCK_MAX       120    /* bytes of a lock's name, its variables filled in */
#define PART_NONE          (-1)   /* the step runs as a whole: neither an item nor a rung */

/* ---- The run: what goes in -------------------------------------------------------------------------- */

#define RUN_OUTCOMES(X)                                                                                      \
    X(PENDING, "pending")                                                                                    \
    X(ARMED, "armed")                                                                                        \
    X(RUNNING, "running")                                                                                    \
    X(OK, "ok")                                                                                              \
    X(WARN, "warn")                                                                                          \
    X(FAILED, "failed")                                                                                      \
    X(TIMED_OUT, "timed-out") X(CANCELLED, "cancelled") X(SKIPPED, "skipped") X(UNKNOWN, "unknown")
enum run_outcome {
#define X(name, text) OUTCOME_##name,
    RUN_OUTCOMES(X)
#undef X
};
const char *run_outcome_text(enum run_outcome outcome);
bool run_outcome_parse(const char *text, enum run_outcome *outcome);

/* A role says what an execution is for. ACT and ROLLBACK are the acting ones: intent durable first. */
#define RUN_ROLES(X)                                                                                         \
    X(ACT, "act")                                                                                            \
    X(CHECK, "check")                                                                                        \
    X(PRE, "pre")                                                                                            \
    X(VERIFY, "verify")                                                                                      \
    X(EVIDENCE, "evidence")                                                                                  \
    X(ROLLBACK, "rollback")                                                                                  \
    X(GUARD, "guard") /* measures for another step's rungs: the baseline, then each rung */
enum run_role {
#define X(name, text) ROLE_##name,
    RUN_ROLES(X)
#undef X
};
const char *run_role_text(enum run_role role);
bool run_role_acts(enum run_role role);

/* How an execution ended, as far as anybody knows. */
#define RUN_ENDS(X)                                                                                          \
    X(EXITED, "exited")                                                                                      \
    X(SIGNALLED, "signalled")                                                                                \
    X(TIMED_OUT, "timed-out")                                                                                \
    X(CANCELLED, "cancelled")                                                                                \
    X(LOST, "lost")       /* it may have started, nobody knows how it ended */                               \
    X(HUNG_UP, "hung-up") /* its terminal was gone before it ended: whatever came after proves nothing */    \
    X(NOT_STARTED, "not-started") /* certain: void, spawn failed, intent not durable, identity mismatch */
enum run_end {
#define X(name, text) END_##name,
    RUN_ENDS(X)
#undef X
};
const char *run_end_text(enum run_end end);

enum run_match {
    MATCH_NONE,
    MATCH_YES,
    MATCH_NO,
    MATCH_UNDECIDED
}; /* `expect` on stdout; NONE: nothing expected */

/* The result of an execution. Fill end, exit, signal and text, then let run_digest fill the rest. */
struct run_result {
    enum run_end end;
    int exit;         /* status of EXITED */
    int signal;       /* of SIGNALLED */
    const char *text; /* why not started, why lost; NULL */
    enum run_match match;
    const char *output;   /* trimmed stdout, only of a block that exports it, and of a guard; NULL */
    char *const *exports; /* NAME=VALUE that the block exported explicitly; NULL */
    bool no_budget;       /* whom it calls has had too many retries: no further one */
    bool refused;         /* NOT_STARTED, because the breaker of whom it calls said so */
};

#define RUN_INPUTS(X)                                                                                        \
    X(START, "start")     /* variables, context */                                                           \
    X(OPEN, "open")       /* step: its page is on a screen */                                                \
    X(SET, "set")         /* variable, value */                                                              \
    X(CONFIRM, "confirm") /* step, value: what was typed ("y", "yes", the text) */                           \
    X(ANSWER,                                                                                                \
      "answer") /* step, value, reason: a decision; or manual: done, failed. typed where confirm asks */     \
    X(STARTED, "started")   /* ticket */                                                                     \
    X(FINISHED, "finished") /* ticket, result */                                                             \
    X(CHOOSE, "choose")     /* step, choice, reason */                                                       \
    X(RESOLVE, "resolve")   /* step, resolved, reason: an unknown outcome is now known */                    \
    X(CANCEL, "cancel")     /* step */                                                                       \
    X(LEAVE, "leave")       /* step: its page was closed */                                                  \
    X(TICK, "tick")         /* time went on: see WAKE */                                                     \
    X(APPROVE,                                                                                               \
      "approve") /* step, actor, value: the digest that is approved, where, has_signature, reason */         \
    X(BREAK_GLASS, "break-glass") /* step, where, reason: its open page needs no approval this once */       \
    X(LOCKED, "locked")           /* ticket of a LOCK: it is ours */                                         \
    X(ADOPT, "adopt")     /* after a restore: what runs is followed, and nothing acts by itself any more */  \
    X(REFUSED, "refused") /* ticket of a LOCK, value: who has it */                                          \
    X(STOP, "stop") /* reason: no more steps. What runs is let finish; check-like things are cancelled */
enum run_input_kind {
#define X(name, text) INPUT_##name,
    RUN_INPUTS(X)
#undef X
};
const char *run_input_text(enum run_input_kind kind);

#define RUN_CHOICES(X)                                                                                       \
    X(RETRY, "retry", "again, from its page")                                                                \
    X(ROLLBACK, "rollback", "go to its rollback's page")                                                     \
    X(CONTINUE, "continue", "go on with the next step")                                                      \
    X(STOP, "stop", "end the run here")                                                                      \
    X(SKIP, "skip", "leave this step out, with a reason")                                                    \
    X(VERIFY, "verify", "run its verification again")
enum run_choice {
#define X(name, text, help) CHOICE_##name,
    RUN_CHOICES(X)
#undef X
};
const char *run_choice_text(enum run_choice choice);
bool run_choice_parse(const char *text, enum run_choice *choice);

struct run_policy { /* as the configuration has it at the start */
    const char *name;
    bool checks;        /* also that of every check, verification and evidence which names none */
    const char *target; /* whose breaker is asked before each execution; NULL: nobody's */
    /* Of them backoff, timeout_ms, end, the statuses of retry_on and permanent, and with a target budget. */
    struct policy rules;
};

struct run_pin { /* an items file as it was at the start */
    int step;
    const char *digest;
    int64_t count;
};

struct run_input {
    enum run_input_kind kind;
    int64_t at_ms;     /* run clock */
    const char *actor; /* who; NULL for inputs that no person made. Equal texts are the same person: approvals
                          rest on it */
    int step;
    uint64_t ticket;
    const char *name;   /* SET: the variable */
    const char *value;  /* SET, CONFIRM, ANSWER, APPROVE, REFUSED */
    const char *typed;  /* ANSWER of a step with `confirm`: what was typed; NULL */
    const char *reason; /* ANSWER, CHOOSE, RESOLVE, STOP, APPROVE, BREAK_GLASS; NULL */
    const char *where;  /* OPEN, CONFIRM, APPROVE, BREAK_GLASS: where acts land, as the digest has it: a text
                           that  stays the same while the target does; NULL */
    bool has_signature; /* APPROVE: its signature was checked (shown; that one is needed is not decided here)
                         */
    enum run_choice choice;
    enum run_outcome resolved;         /* RESOLVE: OK or FAILED */
    struct run_result result;          /* FINISHED */
    char *const *variables;            /* START: NAME=VALUE that were given; NULL */
    char *const *context;              /* START: "entity.name=docs/shard-5" ... that `from` draws on; NULL */
    const struct run_policy *policies; /* START: all that the document names */
    size_t policy_count;
    const struct run_pin *pins; /* START: one for each step with items; the lines came by run_set_items */
    size_t pin_count;
    uint64_t seed;  /* START: for the jitter between attempts; below 2^53 */
    bool rehearsed; /* START: nothing is touched: no approvals, no locks, no waiting; outcomes are made up */
    cJSON *held;    /* private: what the pointers of a parsed input point into */
    char **held_lists[3];             /* private */
    struct run_policy *held_policies; /* private */
    struct run_pin *held_pins;        /* private */
};

/* The journal's form, and back. The text is the caller's to free; run_input_fini frees what a parsed input
 * holds. */
char *run_input_to_json(const struct runbook *book, const struct run_input *in);
int run_input_from_json(const struct runbook *book, const char *json, size_t length, struct run_input *in,
                        struct err *e);
void run_input_fini(struct run_input *in);

/* ---- The run: what comes out ------------------------------------------------------------------------ */

#define RUN_EFFECTS(X)                                                                                       \
    X(EXEC, "exec")     /* ticket, step, role, attempt, part: make it so, then STARTED and FINISHED */       \
    X(CANCEL, "cancel") /* ticket: stop it; FINISHED follows all the same */                                 \
    X(WAKE, "wake")     /* at_ms: send a TICK then. The earliest counts; too many don't hurt */              \
    X(ENDED, "ended")   /* outcome: the run is over */                                                       \
    X(NOTE, "note")     /* step, text: one line for the timeline */                                          \
    X(LOCK, "lock")     /* ticket, step, text: take it for this run, then LOCKED or REFUSED */               \
    X(UNLOCK, "unlock") /* step, text: give it back, or stop asking for it. No answer */                     \
    X(COUNT, "count")   /* step, attempt, counted: how a call of its policy's target went */                 \
    X(REQUEST,                                                                                               \
      "request") /* step, text: a page was opened whose exact command (this digest) lacks approvals */
enum run_effect_kind {
#define X(name, text) EFFECT_##name,
    RUN_EFFECTS(X)
#undef X
};

struct run_counted {          /* an operation is a part with the attempts that its policy allows */
    bool executed;            /* an attempt has ended just now, */
    bool over;                /* and no other one follows */
    bool refused;             /* there was none, the breaker refused */
    enum failure_class class; /* of what has ended */
    int64_t took_ms;          /* the operation so far */
};

struct run_effect {
    enum run_effect_kind kind;
    uint64_t ticket;
    int step;
    enum run_role role;
    unsigned attempt; /* of this step (of this part of it) in this role, from 1; COUNT: so many were executed
                         in this operation */
    int part;         /* EXEC: which item (line) or rung, from 0; PART_NONE */
    bool interactive; /* EXEC: on the terminal itself */
    bool record;      /* NOTE: the machine's own decision, that no input says: journal it */
    int64_t at_ms;
    enum run_outcome outcome;
    struct run_counted counted;
    char text[200];
};

struct run_effects { /* see vec.h; vec_fini when done, or set len to 0 and use again */
    struct run_effect *data;
    size_t len;
    size_t cap;
};

struct run; /* opaque */

struct run *run_new(const struct runbook *book); /* borrows book for its life */
void run_free(struct run *run);                  /* NULL is fine */
/* The lines of a step's items file, borrowed for the run's life. For every step with `items`, before START:
 * it is refused when a table is missing or is not the one that its pin names. */
void run_set_items(struct run *run, int step, const struct items *items);

/* Would run_apply take it? The state is not touched. ERR_USAGE: not possible now, the message says why;
 * ERR_DENIED: a confirmation that doesn't suffice; ERR_RANGE: a value that doesn't match. Out of memory
 * aside, an admitted input is applied. */
int run_admits(const struct run *run, const struct run_input *in, struct err *e);
/* Applies it and appends effects (may be NULL), or refuses and leaves the state untouched. */
int run_apply(struct run *run, const struct run_input *in, struct run_effects *out, struct err *e);

/* ---- The run: what is ------------------------------------------------------------------------------- */

/* What the run waits for from a person, about one step. */
#define RUN_ASKS(X)                                                                                          \
    X(NOTHING, "nothing")                                                                                    \
    X(VALUE, "value")     /* SET: run_missing says which */                                                  \
    X(OPEN, "open")       /* OPEN its page; or CHOOSE skip */                                                \
    X(CONFIRM, "confirm") /* its page is open: CONFIRM or LEAVE */                                           \
    X(ANSWER, "answer")   /* ANSWER a decision or manual step */                                             \
    X(WHEN, "when") /* its condition rests on an unknown outcome: CHOOSE continue (do it) or skip, with a    \
                       reason */                                                                             \
    X(EVIDENCE,                                                                                              \
      "evidence")       /* evidence failed or hangs: CHOOSE retry, or continue with a reason; or CANCEL */   \
    X(FAILED, "failed") /* it failed: CHOOSE */                                                              \
    X(UNKNOWN,                                                                                               \
      "unknown") /* nobody knows: RESOLVE with a reason, CHOOSE verify, or anything else with a reason */
enum run_ask {
#define X(name, text) ASK_##name,
    RUN_ASKS(X)
#undef X
};
const char *run_ask_text(enum run_ask ask);

/* What a running step does. */
#define RUN_PHASES(X)                                                                                        \
    X(IDLE, "")                                                                                              \
    X(CHECKING, "checking")                                                                                  \
    X(POLLING, "waiting to check again")                                                                     \
    X(HOLDING, "holding") /* a check that passes, or a rung */                                               \
    X(LOCKING, "waiting for its lock")                                                                       \
    X(PRECHECKS, "prechecks")                                                                                \
    X(EVIDENCE, "saving evidence")                                                                           \
    X(ACTING, "acting")                                                                                      \
    X(WAITING, "waiting to try again") /* its policy's delay */                                              \
    X(MEASURING, "measuring")          /* the guard of its rungs */                                          \
    X(VERIFYING, "verifying")
enum run_phase {
#define X(name, text) PHASE_##name,
    RUN_PHASES(X)
#undef X
};
const char *run_phase_text(enum run_phase phase);

struct run_step { /* strings are the run's own, until the next run_apply */
    enum run_outcome outcome;
    enum run_phase phase;
    enum run_ask ask;
    const char *reason; /* why this outcome, beyond its word: "exit 0, unverified", "timed out"; "" */
    const char *answer; /* of a decision; "" */
    unsigned attempts;  /* executions begun in its main role */
    int64_t opened_ms;  /* its page, -1 when closed */
    int64_t started_ms; /* the newest attempt's, -1 before */
    int64_t since_ms;   /* that; while it polls: the first one's; while it holds: since when it passes */
    int64_t limit_ms;   /* it polls so long at most, or has to hold so long; 0: neither */
    int64_t ended_ms;   /* -1 while it isn't over */
    bool executed;      /* end, exit and signal mean something */
    enum run_end end;
    int exit, signal;
    int64_t next_ms;           /* polling, waiting, holding: until when; -1 */
    unsigned tries, tries_max; /* "attempt 2 of 4" of its policy; tries_max 1 without one. Of items: 0 */
    const struct run_policy *policy; /* NULL: one attempt */
    unsigned choices;                /* 1u << CHOICE_...: what CHOOSE takes now */
    unsigned reasons;                /* those of them that need a reason */
    bool undone;                     /* its lasting change was taken back by its undo */
};

/* What a choice does there, where a step asks for it: "run it without that evidence". */
const char *run_choice_help(enum run_choice choice, const struct step *what, const struct run_step *step);

bool run_started(const struct run *run);
bool run_ended(const struct run *run, enum run_outcome *outcome); /* outcome may be NULL */
bool run_stopping(const struct run *run);                         /* STOP was taken, something still runs */
int64_t run_now_ms(const struct run *run);                        /* at_ms of the newest input */
/* The step that runs or waits for a person; STEP_NONE when the run has ended or not started. */
int run_current(const struct run *run);
void run_step_at(const struct run *run, int step, struct run_step *view);
enum run_outcome run_outcome_at(const struct run *run,
                                int step); /* that alone, for whoever asks for all steps */
/* The walk's progress, for "step 4 of 9": place of the current step (or of the one it belongs to), and the
 * number of steps. */
void run_progress(const struct run *run, int *place, int *total);
int64_t run_wake_ms(const struct run *run); /* when a TICK is due next, -1: never. After a restore */

bool run_rehearsed(const struct run *run);

/* Items or rungs: each is a part of its step, with executions and an outcome of its own. Every part is in
 * exactly one of pending, running, ok, failed, skipped (never begun, and it won't), cancelled, unknown. */
enum run_parts_kind { PARTS_NONE, PARTS_ITEMS, PARTS_RUNGS };
struct run_parts {
    enum run_parts_kind kind;
    size_t total, pending, running, ok, failed, skipped, cancelled, unknown;
    size_t waiting;        /* of the running ones: in their policy's delay */
    int rung;              /* in effect, as far as is known: the last that was run ok. PART_NONE before */
    int rung_wanted;       /* the one being run; lower than `rung` while it steps back. PART_NONE */
    const char *baseline;  /* as measured before the first rung: a number, "pass", or "" */
    const char *measured;  /* by the newest look of the guard; "" */
    bool worse;            /* that look was worse than the baseline */
    int64_t held_until_ms; /* -1 while none is held */
};
void run_parts_at(const struct run *run, int step, struct run_parts *view);
struct run_part {
    enum run_outcome outcome;
    unsigned attempts;  /* executions begun */
    const char *reason; /* of failed, unknown ...; "" */
};
void run_part_at(const struct run *run, int step, int part, struct run_part *view);
/* "item 12 of 500: doc-17", "rung 25"; nothing for PART_NONE. Appended. */
void run_part_text(const struct run *run, int step, int part, struct str *out);

/* Locks that are held or were asked for. After ADOPT only held ones are left. */
struct run_lock {
    uint64_t ticket;
    int step;
    const char *text;
    bool held;
};
size_t run_locks(const struct run *run, struct run_lock *out, size_t limit); /* their number */

/* Approvals that are there: neither used, nor expired, nor void. Who opened or confirms the page counts for
 * nothing. */
struct run_approval {
    int step;
    const char *actor;
    const char *digest;
    const char *reason; /* "" */
    bool has_signature;
    bool glass; /* break-glass: stands for all of them */
    int64_t given_ms, expires_ms;
};
size_t run_approvals(const struct run *run, struct run_approval *out, size_t limit); /* their number */
/* How many are still needed for what the step would run now, there, confirmed by actor (may be NULL). 0:
 * enough, or none needed. */
int run_approvals_missing(const struct run *run, int step, const char *actor, const char *where);

/* Executions that were asked for and have not FINISHED. After a restore: ADOPT, then a FINISHED for each of
 * these (the spool knows: its outcome, LOST, or NOT_STARTED without an intent), then a TICK. At most
 * STEP_PARALLEL_MAX of one step. */
struct run_ticket {
    uint64_t ticket;
    int step;
    int part; /* item or rung; PART_NONE */
    enum run_role role;
    unsigned attempt;
    unsigned nth; /* execution of this step, in whatever role, from 1 */
    bool started;
    bool cancelled; /* CANCEL was asked for */
    int64_t since_ms;
};
size_t run_tickets(const struct run *run, struct run_ticket *out,
                   size_t limit); /* their number; fills up to limit */

struct run_value { /* a variable as it stands */
    const char *name;
    const char *value;  /* NULL: none yet; a secret's is its reference */
    const char *source; /* given, entity, default, asked, output, exported, secret; "" */
    const char *ask;    /* what to ask; never NULL */
    bool secret;
    bool missing; /* the run (or the current step) waits for it */
};
size_t run_value_count(const struct run *run);
void run_value_at(const struct run *run, size_t index, struct run_value *value);

#endif
