/* A runbook as it was read: steps with their annotations, variables, offers, findings. Included through
 * runbook.h. */
#ifndef BELAY_RUNBOOK_DOCUMENT_H
#define BELAY_RUNBOOK_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

#define RUNBOOK_BYTES_MAX (512 * 1024) /* a larger document is refused */
#define RUNBOOK_SCRIPT_MAX                                                                                   \
    (120 * 1024)                /* a longer block is shown, never run: the kernel's limit of one argument */
#define RUNBOOK_VALUE_MAX  4096 /* bytes of a variable's value, an export, an answer's reason */
#define RUNBOOK_SAFE_VALUE "[A-Za-z0-9._:/@-]{1,253}"
#define STEP_PARALLEL_MAX  32
#define STEP_APPROVALS_MAX 9
#define STEP_RUNGS_MAX     64
#define STEP_NONE          (-1) /* no step; steps are numbered from 0 in the order of the document */

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
    char *language;      /* of the fence, "" without one; a task item has none */
    char *source;        /* the block as it stands in the document, or the task's text */
    char *script;        /* what runs, before placeholders are filled; NULL for manual and decision */
    char *expected;      /* recorded output that stood in the block; "" */
    char **argv;         /* of an act outside a runbook: exactly this runs, NULL-terminated; else NULL */
    bool argv_is_script; /* its last word is a text that a person wrote for the shell */
    char *interpreter;   /* command line without the script: "bash -eo pipefail -c"; may hold $NAME */
    char *cwd; /* absolute, or below the document's folder; may hold $NAME; NULL: the document's folder */

    enum step_confirm confirm;
    char *confirm_text; /* of type:TEXT, may hold $NAME; else NULL */
    enum step_scope scope;
    enum step_onfail onfail;
    bool onfail_given, timeout_given;
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
    bool interactive;  /* runs on the terminal itself */
    char *lock;        /* one holder at a time over all consoles; may hold $NAME; NULL */
    char *policy;      /* the name of a resilience policy; NULL: one attempt */
    int approvals;     /* other people who must approve the exact command */
    char *follow;      /* the job whose progress is this step's, without "job:"; may hold $NAME; NULL */
    char *items;       /* FILE.jsonl, below the document's folder or absolute; NULL */
    int64_t minimum;   /* fewer items than this fail the step */
    int64_t threshold; /* of items that must be ok, in millionths */
    int parallel;      /* items at a time, 1 to STEP_PARALLEL_MAX */
    char **rungs;      /* values of $RUNG from the lowest, NULL-terminated; NULL */
    struct step_time rung_hold;
    int guard;               /* the check that measures each rung; STEP_NONE */
    bool guard_lower;        /* a lower value is the better one */
    int64_t guard_slack;     /* in millionths of the baseline: so much worse is not worse yet */
    struct step_list undoes; /* steps whose undo or rollback this one is */
    int place;               /* its number in the walk, from 1; 0 for what runs by reference only */
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

struct runbook {
    char *path;
    char *id;                     /* front matter's, else the file's name without .md */
    char *title;                  /* front matter's, else the first heading, else the file's name */
    char *severity;               /* "" without one */
    bool act;                     /* not a file: one act that no runbook foresaw (act.h) */
    bool declared;                /* has `runbook:` front matter: unknown keys are errors */
    char digest[SHA256_HEX_SIZE]; /* of the file's bytes */
    char *closing;                /* prose after the last step; "" */
    VEC(struct runbook_offer) offers;
    VEC(struct runbook_var) vars; /* declared first */
    VEC(struct step) steps;
    struct step_list walk; /* those the walk reaches, in order: not what runs by reference only */
    VEC(struct runbook_finding) findings; /* by line */
    struct map *ids;                      /* id -> number of the step + 1 */
};

/* The document, or NULL when it is refused as a whole: not UTF-8 (byte offset), a NUL byte, larger than
 * RUNBOOK_BYTES_MAX, or carrying recorded session output. path is for messages, the id, and the folder that
 * steps run in. No I/O. */
struct runbook *runbook_parse(const char *path, const char *bytes, size_t length, struct err *e);
void runbook_free(struct runbook *book); /* NULL is fine */
bool step_looks(const struct step *s);   /* it executes, and changes nothing: check, verify, evidence */

int runbook_find(const struct runbook *book, const char *id);       /* STEP_NONE when there is no such step */
int runbook_find_var(const struct runbook *book, const char *name); /* -1 */
size_t runbook_count(const struct runbook *book, enum finding_severity severity);
/* 0 when it can be run; else ERR_SYNTAX with the first error, or ERR_NOT_FOUND when it has nothing to walk.
 * The message begins with path:line. */
int runbook_runnable(const struct runbook *book, struct err *e);

#endif
