/* Runbooks are Markdown: the parsed document, its findings, and the run that walks it.
 *
 * runbook_parse is a pure function from bytes to a document. cmark gives the structure, annotations come from
 * the source line itself. Any Markdown works; what is wrong with it is a list of findings, and a document
 * that has errors is shown but does not run. cmark can take seconds on hostile input: call it off the loop.
 *
 * A run is a pure machine without clock, memory of its own elsewhere, or I/O. It is event-sourced: inputs go
 * in, effects come out, and the same inputs in the same order give the same state. The engine journals each
 * input before it applies it, and restores a run by applying them again and dropping the effects. All time is
 * the run clock: milliseconds since the run started, never going back.
 *
 * What a run promises (semantics.md): an acting step is executed only after a CONFIRM on its open page;
 * nothing that may have started is repeated by itself; nothing follows an unknown outcome by itself; every
 * run can be ended. */
#ifndef BELAY_RUNBOOK_RUNBOOK_H
#define BELAY_RUNBOOK_RUNBOOK_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/hash.h"
#include "engine/base/str.h"
#include "engine/base/vec.h"

#define RUNBOOK_BYTES_MAX (512 * 1024) /* a larger document is refused */
#define RUNBOOK_SCRIPT_MAX                                                                                   \
    (120 * 1024)                /* a longer block is shown, never run: the kernel's limit of one argument */
#define RUNBOOK_VALUE_MAX  4096 /* bytes of a variable's value, an export, an answer's reason */
#define RUNBOOK_SAFE_VALUE "[A-Za-z0-9._:/@-]{1,253}"
#define RUN_DISARM_MS      60000 /* an open page older than this disarms itself */
#define RUN_CONFIRM_MIN_MS 500   /* a page must have been open this long before it can be confirmed */
#define RUN_CHECK_LIMIT_MS 30000 /* time-out of check, verify and evidence; action and rollback have none */
#define RUN_POLL_EVERY_MS  5000
#define RUN_FRESH_MS       10000
#define RUN_GRACE_MS       10000

#define STEP_NONE (-1) /* no step; steps are numbered from 0 in the order of the document */

/* ---- The document ----------------------------------------------------------------------------------- */

/* name, text, may change something, runs by reference only */
#define STEP_KINDS(X)                                                                                        \
    X(CHECK, "check", false, false)                                                                          \
    X(VERIFY, "verify", false, true)                                                                         \
    X(EVIDENCE, "evidence", false, true)                                                                     \
    X(ACTION, "action", true, false)                                                                         \
    X(ROLLBACK, "rollback", true, true)                                                                      \
    X(MANUAL, "manual", false, false)                                                                        \
    X(DECISION, "decision", false, false)

enum step_kind {
#define X(name, text, acts, by_reference) STEP_##name,
    STEP_KINDS(X)
#undef X
};

#define STEP_CONFIRMS(X) X(NONE, "none") X(KEY, "key") X(YES, "yes") X(TYPE, "type")
enum step_confirm {
#define X(name, text) CONFIRM_##name,
    STEP_CONFIRMS(X)
#undef X
};

/* From narrow to wide; NONE: not declared. */
#define STEP_SCOPES(X)                                                                                       \
    X(NONE, "")                                                                                              \
    X(PROCESS, "process") X(POD, "pod") X(SHARD, "shard") X(SERVICE, "service") X(CLUSTER, "cluster")
enum step_scope {
#define X(name, text) SCOPE_##name,
    STEP_SCOPES(X)
#undef X
};

#define STEP_ONFAILS(X) X(ASK, "ask") X(STOP, "stop") X(CONTINUE, "continue") X(ROLLBACK, "rollback")
enum step_onfail {
#define X(name, text) ONFAIL_##name,
    STEP_ONFAILS(X)
#undef X
};

const char *step_kind_text(enum step_kind kind);
const char *step_confirm_text(enum step_confirm confirm);
const char *step_scope_text(enum step_scope scope);
bool step_kind_acts(enum step_kind kind);         /* action, rollback */
bool step_kind_by_reference(enum step_kind kind); /* verify, evidence, rollback */

struct step_list { /* of step numbers; see vec.h */
    int *data;
    size_t len;
    size_t cap;
};

/* A duration that may hold $NAME: then text is set and ms is what it has without a value for it. */
struct step_time {
    int64_t ms;
    char *text; /* NULL when it is fixed */
};

struct step_condition { /* one term of `when`: NAME, !NAME or NAME=value */
    int step;
    bool negated;
    char *value; /* of a decision; NULL */
};

struct step_answer { /* one line of a decision: "value: text" */
    char *value;
    char *text;
};

struct step {
    char *id;      /* unique in the document: its name, or its heading's slug and a number */
    char *title;   /* one line, plain text */
    char *section; /* the heading it stands under, "" before the first */
    char *prose;   /* guidance that stands before it, plain text, paragraphs apart by an empty line; "" */
    int line;      /* in the file, from 1 */
    bool named;    /* the id is the author's own */
    enum step_kind kind;
    char *language;    /* of the fence, "" without one; a task item has none */
    char *source;      /* the block as it stands in the document, or the task's text */
    char *script;      /* what runs, before placeholders are filled; NULL for manual and decision */
    char *expected;    /* recorded output that stood in the block; "" */
    char *interpreter; /* command line without the script: "bash -eo pipefail -c"; may hold $NAME */
    char *cwd; /* absolute, or below the document's folder; may hold $NAME; NULL: the document's folder */

    enum step_confirm confirm;
    char *confirm_text; /* of type:TEXT, may hold $NAME; else NULL */
    enum step_scope scope;
    enum step_onfail onfail;
    bool onfail_given;
    bool idempotent;
    bool exclude_from_run_all;
    char *expect; /* extended regular expression, may hold $NAME; NULL */
    struct step_time timeout, until, every, hold, fresh; /* ms 0: none */
    VEC(struct step_condition) when;
    struct step_list pre, verify, evidence; /* in the order given */
    int rollback, undo;                     /* STEP_NONE without one */
    VEC(struct step_answer) answers;        /* of a decision */
    char *exports;                          /* the name under which its stdout goes on, or NULL */
    char **carries; /* names that the block exports itself, NULL-terminated; NULL: none */
    int *needs;  /* variables (placeholders, prompts) that must have a value first: indexes of vars, ends with
                    -1 */
    char **tags; /* NULL-terminated or NULL */
    int place;   /* its number in the walk, from 1; 0 for what runs by reference only */
    bool branches; /* a check that a later step's `when` names: its "no" is an answer, not a failure to ask
                      about */
};

#define VAR_ORIGINS(X)                                                                                       \
    X(DECLARED, "declared")       /* in `runbook: vars:` */                                                  \
    X(PLACEHOLDER, "placeholder") /* <name> in a block's text */                                             \
    X(PROMPT, "prompt")           /* export X=Some message to ask */                                         \
    X(OUTPUT, "output")           /* stdout of a block so named */

enum var_origin {
#define X(name, text) VAR_##name,
    VAR_ORIGINS(X)
#undef X
};

struct runbook_var {
    char *name;
    enum var_origin origin;
    char *fallback; /* `default`; NULL without one */
    char *ask;      /* what to ask a person; NULL: "value of NAME" */
    char *from;     /* entity.name and the like; NULL */
    char *extract;  /* regular expression, its first group (or the whole match) is taken; NULL */
    char *match;    /* regular expression that covers the whole value; NULL: RUNBOOK_SAFE_VALUE */
    char *secret;   /* env:NAME, file:PATH or command reference; NULL. Its value never enters the machine */
    bool output;    /* some block exports it: it needs no value at the start */
    int line;
};

struct runbook_offer {
    char *condition; /* as written; for condition_parse of platform.h */
    int64_t for_ms;
    int line, column;
};

enum finding_severity { FINDING_WARNING, FINDING_ERROR };

struct runbook_finding {
    enum finding_severity severity;
    int line, column; /* from 1 */
    char *message;    /* without position */
};

/* A power of the format that this version reads and does not have yet. */
struct runbook_feature {
    char *name; /* the annotation's key: items, lock ... */
    int step;
    int line;
};

struct runbook {
    char *path;
    char *id;                     /* front matter's, else the file's name without .md */
    char *title;                  /* front matter's, else the first heading, else the file's name */
    char *severity;               /* "" without one */
    bool declared;                /* has `runbook:` front matter: unknown keys are errors */
    char digest[SHA256_HEX_SIZE]; /* of the file's bytes */
    char *closing;                /* prose after the last step; "" */
    VEC(struct runbook_offer) offers;
    VEC(struct runbook_var) vars; /* declared first */
    VEC(struct step) steps;
    struct step_list walk; /* those the walk reaches, in order: not what runs by reference only */
    VEC(struct runbook_finding) findings; /* by line */
    VEC(struct runbook_feature) unsupported;
};

/* The document, or NULL when it is refused as a whole: not UTF-8 (byte offset), a NUL byte, larger than
 * RUNBOOK_BYTES_MAX, or carrying recorded session output. path is for messages, the id, and the folder that
 * steps run in. No I/O. */
struct runbook *runbook_parse(const char *path, const char *bytes, size_t length, struct err *e);
void runbook_free(struct runbook *book); /* NULL is fine */

int runbook_find(const struct runbook *book, const char *id);       /* STEP_NONE when there is no such step */
int runbook_find_var(const struct runbook *book, const char *name); /* -1 */
size_t runbook_count(const struct runbook *book, enum finding_severity severity);
/* 0 when it can be run; else ERR_SYNTAX with the first error, ERR_UNSUPPORTED naming what it uses that is not
 * there yet, or ERR_NOT_FOUND when it has nothing to walk. The message begins with path:line. */
int runbook_runnable(const struct runbook *book, struct err *e);

/* ---- The run: what goes in -------------------------------------------------------------------------- */

#define RUN_OUTCOMES(X)                                                                                      \
    X(PENDING, "pending")                                                                                    \
    X(ARMED, "armed") X(RUNNING, "running") X(OK, "ok") X(WARN, "warn") X(FAILED, "failed")                  \
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
    X(SIGNALLED, "signalled") X(TIMED_OUT, "timed-out") X(CANCELLED, "cancelled")                            \
        X(LOST, "lost") /* it may have started, nobody knows how it ended */                                 \
        X(NOT_STARTED,                                                                                       \
          "not-started") /* certain: void, spawn failed, intent not durable, identity mismatch */
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
    X(CHECKING, "checking") X(POLLING, "waiting to check again") X(HOLDING, "holding")                       \
        X(PRECHECKS, "prechecks") X(EVIDENCE, "saving evidence") X(ACTING, "acting")                         \
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
    const char *reason; /* why this outcome: "exit 0, unverified", "timed out"; "" */
    const char *answer; /* of a decision; "" */
    unsigned attempts;  /* executions begun in its main role */
    int64_t opened_ms;  /* its page, -1 when closed */
    int64_t started_ms; /* the newest attempt's, -1 before */
    int64_t ended_ms;   /* -1 while it isn't over */
    bool executed;      /* end, exit and signal mean something */
    enum run_end end;
    int exit, signal;
    int64_t next_ms;    /* polling: when it is tried again; -1 */
    unsigned choices;   /* 1u << CHOICE_...: what CHOOSE takes now */
    bool reason_needed; /* and whether every choice but stop needs a reason */
    bool undone;        /* its lasting change was taken back by its undo */
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

/* Executions that were asked for and have not FINISHED. After a restore each of them needs a FINISHED from
 * the engine. */
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
#define RUN_OUTPUT_MAX (256 * 1024)

/* Exactly what the step runs now. ERR_NOT_FOUND for a step that doesn't execute, ERR_USAGE while a value is
 * missing, ERR_RANGE when a value doesn't fit. */
int run_command(const struct run *run, int step, const struct run_context *context,
                struct run_command *command, struct err *e);
void run_command_fini(struct run_command *command);
/* One line for a screen: "bash -eo pipefail: kubectl ..."; appended, control characters not cleaned. */
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

/* The data of the confirmation page. */
struct run_page_item {
    int step;
    enum run_outcome outcome; /* PENDING: not yet; RUNNING */
    int64_t age_ms;           /* since it ended, -1 when it hasn't */
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
