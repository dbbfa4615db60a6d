/* What a step would run, and the data of its confirmation page. Included through runbook.h. */
#ifndef BELAY_RUNBOOK_RUN_COMMAND_H
#define BELAY_RUNBOOK_RUN_COMMAND_H

#include "engine/runbook/run.h"

struct run_context {      /* what the engine knows and the machine doesn't; any may be NULL */
    const char *incident; /* "INC-7" */
    const char *run;      /* "12" */
    const char *operator;
    const char *person; /* who looks at the page, as `actor` of their inputs would be */
    const char *where;  /* as in run_input: for the page's digest and approvals */
};

struct run_env {
    char *name;
    char *value; /* of a secret: its reference, to be resolved right before the act, never shown */
    bool secret;
    bool interesting; /* the block's text mentions it: shown on the page */
};

/* Whether the journal, and what is approved, keep it: the outcome of another step stands there already, and
 * says something here only where the text reads it. */
bool run_env_kept(const struct run_env *env);

struct run_command {
    char **argv;
    VEC(struct run_env) env; /* over the environment of the console, by name */
    char *cwd;
    int64_t timeout_ms; /* 0: no limit */
    int64_t grace_ms;
    bool carry;        /* hand its explicit exports to run_digest */
    bool wants_output; /* hand its stdout to run_digest: the first RUN_OUTPUT_MAX bytes suffice */
    bool interactive;  /* on the terminal itself */
    bool words;        /* argv is shown word by word: it isn't an interpreter and its program */
};
#define RUN_OUTPUT_MAX (64 * 1024)

/* What the step would run now, for its page: without an item's fields or a rung. ERR_NOT_FOUND for a step
 * that doesn't execute, ERR_USAGE while a value is missing, ERR_RANGE when a value doesn't fit. */
int run_command(const struct run *run, int step, const struct run_context *context,
                struct run_command *command, struct err *e);
/* Exactly what this execution runs: with ITEM_*, RUNG, BELAY_BASELINE, its attempt's time-out. */
int run_ticket_command(const struct run *run, uint64_t ticket, const struct run_context *context,
                       struct run_command *command, struct err *e);
void run_command_fini(struct run_command *command);
/* The job entity whose progress is the step's, variables filled in, BELAY_RUN and BELAY_INCIDENT too; the
 * caller frees. NULL: none. */
char *run_follow(const struct run *run, int step, const struct run_context *context);
/* What an approval is bound to: SHA-256 in hex over the document's digest, the step, argv, folder, limits,
 * variables (secrets by reference), outcomes that the block reads, the items' digest, the rungs, and where it
 * lands. Not over who runs it, nor the incident. Errors as run_command. */
int run_command_digest(const struct run *run, int step, const char *where, char hex[static SHA256_HEX_SIZE],
                       struct err *e);
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

/* What that execution was for the breaker of whom it calls, once run_digest has filled the result. NONE: it
 * was answered, if with a no. */
void run_classify(const struct run *run, uint64_t ticket, const struct run_result *result, struct failure *f);

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
    bool before_pending;              /* some still run; of a closed page also: some must run */
    bool before_failed;               /* some did not pass: CONFIRM is refused */
    VEC(struct run_page_item) evidence;
    VEC(struct run_page_item) after; /* verify */
    int64_t after_until_ms;          /* the longest `until` of them, 0: one attempt */
    int rollback, undo;
    enum step_confirm confirm;
    char *confirm_text;    /* exactly what has to be typed: "y", "yes", TEXT; NULL for none */
    int approvals;         /* of other people that it takes; 0: none */
    int approvals_missing; /* CONFIRM is refused before it is 0; run_approvals has those that are there */
    char digest[SHA256_HEX_SIZE];    /* with approvals: of the command, there (context); else "" */
    char *lock;                      /* taken for it; NULL */
    const struct run_policy *policy; /* NULL: one attempt */
    struct run_parts parts;
    bool armed;               /* its page is open in the machine */
    int64_t confirm_after_ms; /* run clock: CONFIRM is refused before, and from disarm_ms on */
    int64_t disarm_ms;
};
int run_page(const struct run *run, int step, const struct run_context *context, struct run_page *page,
             struct err *e);
void run_page_fini(struct run_page *page);

#endif
