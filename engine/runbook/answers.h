/* The answers of a rehearsal: a file of plain lines that says what a person would, and what would come of
 * each execution. Included through runbook.h.
 *
 *     # the shard does not come back, the restore does
 *     NAME = VALUE                        a variable, or what a block exports
 *     STEP: OUTCOME, OUTCOME ...          of a block: its executions in order; the last one stands for the
 * rest STEP: VALUE because REASON          of a decision; of a manual step: done or failed STEP: skip because
 * REASON           its page is not opened, it is left out; or: stop STEP then: CHOICE because REASON    what
 * is chosen when the run asks about it, in order: retry, rollback, continue, stop, skip, verify; of an
 * unknown outcome also ok, failed run ends: OUTCOME                   how the run must end, or the rehearsal
 * fell short
 *
 * An OUTCOME is one of made_up.h; `output TEXT` and `because REASON` take the rest of the line. More lines of
 * the same name go on where the one before ended. */
#ifndef BELAY_RUNBOOK_ANSWERS_H
#define BELAY_RUNBOOK_ANSWERS_H

#include "engine/runbook/made_up.h"

#define ANSWERS_BYTES_MAX (256 * 1024)

struct answers; /* opaque */

/* What a person says of a step. Texts live as long as the answers. */
struct said {
    enum { ANSWER_CHOOSE, ANSWER_RESOLVE, ANSWER_VALUE } kind;
    enum run_choice choice;
    enum run_outcome resolved; /* OK or FAILED */
    const char *value;         /* of a decision or a manual step */
    const char *reason;        /* never NULL */
};

/* The file, of this document. NULL with ERR_SYNTAX, ERR_NOT_FOUND (a name that the document has not) or
 * ERR_RANGE and name:line:column. */
struct answers *answers_parse(const struct runbook *book, const char *name, const char *bytes, size_t length,
                              struct err *e);
void answers_free(struct answers *answers); /* NULL is fine */

/* NAME=VALUE, NULL-terminated; NULL for none. start: those that a run takes when it starts. */
char *const *answers_values(const struct answers *answers);
char *const *answers_start_values(const struct answers *answers);

/* Of the nth execution of a step, from 1. False: it says nothing of it. */
bool answers_outcome(struct answers *answers, int step, unsigned nth, struct made_up *made_up);
/* Does it say what comes of the step's block? */
bool answers_executes(const struct answers *answers, int step);
/* What is said of a step that waits for its page or its answer, and of one that the run asks about (then);
 * each is taken once, in order. False: nothing, or no more. */
bool answers_say(struct answers *answers, int step, struct said *answer);
bool answers_then(struct answers *answers, int step, struct said *answer);

/* `run ends`; false: not said. */
bool answers_end(const struct answers *answers, enum run_outcome *outcome);
/* The lines that nothing asked for, "line 7: reopen then"; appended, one a line. Their number. */
size_t answers_unused(const struct answers *answers, struct str *out);

#endif
