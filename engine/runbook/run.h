/* The run: inputs, effects, what can be seen of it, and what it would run. Included through runbook.h. */
#ifndef BELAY_RUNBOOK_RUN_H
#define BELAY_RUNBOOK_RUN_H

#include "engine/runbook/document.h"

#define RUN_DISARM_MS      60000 /* an open page older than this disarms itself */
#define RUN_CONFIRM_MIN_MS 500   /* a page must have been open this long before it can be confirmed */
#define RUN_CHECK_LIMIT_MS 30000 /* time-out of check, verify and evidence; action and rollback have none */
#define RUN_POLL_EVERY_MS  5000
#define RUN_FRESH_MS       10000
#define RUN_GRACE_MS       10000

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
    X(CHECK, "check") X(PRE, "pre") X(VERIFY, "verify") X(EVIDENCE, "evidence") X(ROLLBACK, "rollback")
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
    X(LOST, "lost")               /* it may have started, nobody knows how it ended */                       \
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
    const char *output;   /* trimmed stdout, only of a block that exports it; NULL */
    char *const *exports; /* NAME=VALUE that the block exported explicitly; NULL */
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
const char *run_choice_help(enum run_choice choice);
bool run_choice_parse(const char *text, enum run_choice *choice);

struct run_input {
    enum run_input_kind kind;
    int64_t at_ms;     /* run clock */
    const char *actor; /* who; NULL for inputs that no person made */
    int step;
    uint64_t ticket;
    const char *name;   /* SET: the variable */
    const char *value;  /* SET, CONFIRM, ANSWER */
    const char *typed;  /* ANSWER of a step with `confirm`: what was typed; NULL */
    const char *reason; /* ANSWER, CHOOSE, RESOLVE, STOP; NULL */
    enum run_choice choice;
    enum run_outcome resolved; /* RESOLVE: OK or FAILED */
    struct run_result result;  /* FINISHED */
    char *const *variables;    /* START: NAME=VALUE that were given; NULL */
    char *const *context;      /* START: "entity.name=docs/shard-5" ... that `from` draws on; NULL */
    cJSON *held;               /* private: what the pointers of a parsed input point into */
    char **held_lists[3];      /* private */
};

/* The journal's form, and back. The text is the caller's to free; run_input_fini frees what a parsed input
 * holds. */
char *run_input_to_json(const struct runbook *book, const struct run_input *in);
int run_input_from_json(const struct runbook *book, const char *json, size_t length, struct run_input *in,
                        struct err *e);
void run_input_fini(struct run_input *in);

/* ---- The run: what comes out ------------------------------------------------------------------------ */

#define RUN_EFFECTS(X)                                                                                       \
    X(EXEC, "exec")     /* ticket, step, role, attempt: make it so, then STARTED and FINISHED */             \
    X(CANCEL, "cancel") /* ticket: stop it; FINISHED follows all the same */                                 \
    X(WAKE, "wake")     /* at_ms: send a TICK then. The earliest counts; too many don't hurt */              \
    X(ENDED, "ended")   /* outcome: the run is over */                                                       \
    X(NOTE, "note")     /* step, text: one line for the timeline */
enum run_effect_kind {
#define X(name, text) EFFECT_##name,
    RUN_EFFECTS(X)
#undef X
};

struct run_effect {
    enum run_effect_kind kind;
    uint64_t ticket;
    int step;
    enum run_role role;
    unsigned attempt; /* of this step in this role, from 1 */
    int64_t at_ms;
    enum run_outcome outcome;
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
    X(HOLDING, "holding")                                                                                    \
    X(PRECHECKS, "prechecks") X(EVIDENCE, "saving evidence") X(ACTING, "acting") X(VERIFYING, "verifying")
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
    const char *reason; /* why this outcome: "exit 0, unverified", "timed out"; "" */
    const char *answer; /* of a decision; "" */
    unsigned attempts;  /* executions begun in its main role */
    int64_t opened_ms;  /* its page, -1 when closed */
    int64_t started_ms; /* the newest attempt's, -1 before */
    int64_t ended_ms;   /* -1 while it isn't over */
    bool executed;      /* end, exit and signal mean something */
    enum run_end end;
    int exit, signal;
    int64_t next_ms;  /* polling: when it is tried again; -1 */
    unsigned choices; /* 1u << CHOICE_...: what CHOOSE takes now */
    unsigned reasons; /* those of them that need a reason */
    bool undone;      /* its lasting change was taken back by its undo */
};

bool run_started(const struct run *run);
bool run_ended(const struct run *run, enum run_outcome *outcome); /* outcome may be NULL */
bool run_stopping(const struct run *run);                         /* STOP was taken, something still runs */
int64_t run_now_ms(const struct run *run);                        /* at_ms of the newest input */
const struct runbook *run_runbook(const struct run *run);
/* The step that runs or waits for a person; STEP_NONE when the run has ended or not started. */
int run_current(const struct run *run);
void run_step_at(const struct run *run, int step, struct run_step *view);
/* The walk's progress, for "step 4 of 9": place of the current step (or of the one it belongs to), and the
 * number of steps. */
void run_progress(const struct run *run, int *place, int *total);
int64_t run_wake_ms(const struct run *run); /* when a TICK is due next, -1: never. After a restore */

/* Executions that were asked for and have not FINISHED. After a restore: LEAVE each page that is still open,
 * then a FINISHED for each of these (the spool knows: its outcome, LOST, or NOT_STARTED without an intent),
 * then a TICK. */
struct run_ticket {
    uint64_t ticket;
    int step;
    enum run_role role;
    unsigned attempt;
    bool started;
    bool cancelled; /* CANCEL was asked for */
    int64_t since_ms;
};
size_t run_tickets(const struct run *run, struct run_ticket *out,
                   size_t limit); /* their number; fills up to limit */

/* Changes that were made (or may have been) and not taken back: steps that acted and have `undo`. */
struct step_list run_changes(const struct run *run); /* the caller frees it: vec_fini */

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

/* ---- What would run --------------------------------------------------------------------------------- */

struct run_context {      /* what the engine knows and the machine doesn't; any may be NULL */
    const char *incident; /* "INC-7" */
    const char *run;      /* "12" */
    const char *operator;
};

struct run_env {
    char *name;
    char *value; /* of a secret: its reference, to be resolved right before the act, never shown */
    bool secret;
    bool interesting; /* the block's text mentions it: shown on the page */
};

struct run_command {
    char **argv;
    VEC(struct run_env) env; /* over the environment of the console, by name */
    char *cwd;
    int64_t timeout_ms; /* 0: no limit */
    int64_t grace_ms;
    bool carry;        /* hand its explicit exports to run_digest */
    bool wants_output; /* hand its stdout to run_digest: the first RUN_OUTPUT_MAX bytes suffice */
};
#define RUN_OUTPUT_MAX (64 * 1024)

/* Exactly what the step runs now. ERR_NOT_FOUND for a step that doesn't execute, ERR_USAGE while a value is
 * missing, ERR_RANGE when a value doesn't fit. */
int run_command(const struct run *run, int step, const struct run_context *context,
                struct run_command *command, struct err *e);
void run_command_fini(struct run_command *command);
/* For a screen: "bash -eo pipefail: kubectl ..."; the block's lines stay as they are, characters are not
 * cleaned. Appended. */
void run_command_text(const struct run_command *command, struct str *out);

/* Judges the output of an execution: fills match, output and exports of result, whose end, exit, signal and
 * text are set already. stdout_bytes may be cut at RUN_OUTPUT_MAX, then truncated is true. exports as execute
 * has them, may be NULL. What it points to lives in hold: run_digest_fini. */
struct run_digest {
    struct str output;
    char **exports;
};
void run_digest(const struct run *run, uint64_t ticket, const char *stdout_bytes, size_t length,
                bool truncated, char *const *exports, struct run_digest *hold, struct run_result *result);
void run_digest_fini(struct run_digest *hold);

/* The data of the confirmation page. A manual step and a decision have one too, without a command
 * (command_error says so): confirm_text is what `typed` of ANSWER must be. */
struct run_page_item {
    int step;
    enum run_outcome outcome; /* PENDING: not yet; RUNNING */
    int64_t ended_ms;         /* run clock, -1 when it hasn't: for an age that ticks */
    int64_t age_ms;           /* since then, as of the newest input; -1 */
    const char *reason;       /* the run's own */
};
struct run_page {
    int step;
    bool acts;
    struct run_command command; /* what */
    int command_error;          /* 0, or why there is none: see command_message */
    char command_message[256];
    enum step_scope scope;              /* reach */
    VEC(struct run_page_item) narrower; /* narrower actions of the runbook that were tried */
    VEC(struct run_page_item) untried;  /* and those that were not: the confirmation is stronger for it */
    bool stronger;
    char *why_stronger;               /* one line; NULL */
    VEC(struct run_page_item) before; /* prechecks, with ages */
    bool before_pending;              /* some still run, or must run */
    bool before_failed;               /* some did not pass: CONFIRM is refused */
    VEC(struct run_page_item) evidence;
    VEC(struct run_page_item) after; /* verify */
    int64_t after_until_ms;          /* the longest `until` of them, 0: one attempt */
    int rollback, undo;
    enum step_confirm confirm;
    char *confirm_text;       /* exactly what has to be typed: "y", "yes", TEXT; NULL for none */
    bool armed;               /* its page is open in the machine */
    int64_t confirm_after_ms; /* run clock: CONFIRM is refused before, and from disarm_ms on */
    int64_t disarm_ms;
};
int run_page(const struct run *run, int step, const struct run_context *context, struct run_page *page,
             struct err *e);
void run_page_fini(struct run_page *page);

#endif
