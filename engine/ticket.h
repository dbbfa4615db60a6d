/* One execution that a run asked for, in the two files that carry it: ticket.c up to its end,
 * ticket_outcome.c from there on. Private to the engine's own room. */
#ifndef BELAY_ENGINE_TICKET_H
#define BELAY_ENGINE_TICKET_H

#include "engine/step_terminal.h"
#include "engine/walk.h"

struct ticket {
    struct walk *walk;
    uint64_t number;
    int step, part;
    enum run_role role;
    unsigned attempt, again;
    char key[64];
    struct execution *x;
    struct execution *ready;        /* waited since the step's page was opened, and waits on; else NULL */
    struct step_terminal *terminal; /* interactive, and asked for here; else NULL */
    struct run_command command;
    char **env;      /* as the step gets it, secrets resolved */
    struct str head; /* stdout, at most RUN_OUTPUT_MAX */
    bool head_cut, in_spool, finished, storing, cancelled, restored;
    char why[160];             /* why it may not start */
    struct exec_result result; /* without pointers into the execution */
    char **exports;
    char out_digest[SHA256_HEX_SIZE], err_digest[SHA256_HEX_SIZE], recording_digest[SHA256_HEX_SIZE];
    int64_t recording_bytes;
    struct str err_head;
    struct err store_error;
    struct books *books;  /* ticket_target.c: of whom it calls; NULL: nobody was asked */
    struct budget budget; /* for its retries, as it stood before it ran */
    struct failure failure;
    bool refused, put_off; /* put_off: until what has ended is told */
    void (*ask_next)(struct ticket *t);
};

/* "act", "act, item 12 of 500: doc-17". Appended. */
void ticket_name(const struct ticket *t, struct str *out);
/* The members that intent and outcome have in common. */
cJSON *ticket_data(const struct ticket *t);
/* Exactly what it runs: argv, env (secrets masked), cwd. */
void ticket_add_command(const struct ticket *t, cJSON *data);
/* Its outcome: t->result for the journal, result for the machine. done as engine_submit's, may be NULL. */
void ticket_tell(struct ticket *t, const struct run_result *result, engine_done *done, void *context);
/* Evidence that nothing may delete yet: see journal_held. */
bool ticket_held(struct engine *engine, int64_t run, const struct exec_result *result);
/* "exit 0", "cancelled: ...". Appended. */
void ticket_how(const struct ticket *t, struct str *out);
/* It has ended, t->result says how: its output is stored, its outcome journaled, its run told. */
void ticket_ended(struct ticket *t);
/* The same of one that never started and has no output. */
void ticket_not_started(struct ticket *t, const char *why);

/* ticket_target.c */
/* Asks the breaker that its policy names, if it does: then next, or it is not started. */
void ticket_ask(struct ticket *t, void (*next)(struct ticket *t));
/* It has ended so: completes what the run is told of it. */
void ticket_answered(struct ticket *t, struct run_result *result);
/* Its outcome is durable, and by that this console's to tell: tells that breaker. */
void ticket_tell_breaker(struct ticket *t);
/* Which admission it runs by, into its intent. */
void ticket_add_breaker(const struct ticket *t, cJSON *intent);
/* One that another console had admitted so. */
void ticket_adopt_breaker(struct ticket *t, const struct breaker_token *token);

#endif
