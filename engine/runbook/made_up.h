/* How an execution of a rehearsal ended, made up by a person or by a file of answers: nothing is executed.
 * Included through runbook.h. */
#ifndef BELAY_RUNBOOK_MADE_UP_H
#define BELAY_RUNBOOK_MADE_UP_H

#include "engine/runbook/run_command.h"

/* word, what it stands for */
#define MADE_UPS(X)                                                                                          \
    X(OK, "ok", "it does what it should")                                                                    \
    X(FAILED, "failed", "it definitely fails: exit 1, or what `expect` doesn't want")                        \
    X(UNKNOWN, "unknown", "nobody knows how it ended")                                                       \
    X(TIMED_OUT, "timed-out", "it takes longer than its limit")                                              \
    X(EXIT, "exit", "it exits with this status")                                                             \
    X(OUTPUT, "output", "it exits with 0 and prints this")                                                   \
    X(CANCELLED, "cancelled", "it was cancelled")
enum made_up_kind {
#define X(name, text, help) MADE_UP_##name,
    MADE_UPS(X)
#undef X
};

struct made_up {
    enum made_up_kind kind;
    int exit;           /* EXIT: 0 to 255 */
    const char *output; /* OUTPUT: one line */
    bool all;           /* and the same of every further item or rung of this step */
};

/* "ok", "failed", "unknown", "timed-out", "exit 3", "output the rest", "all ok": ERR_SYNTAX with what there
 * is. output points into text. */
int made_up_parse(const char *text, struct made_up *made_up, struct err *e);
/* The same the other way, appended. */
void made_up_text(const struct made_up *made_up, struct str *out);

/* What the machine is told of it (all of result), for an execution that it waits for. values: NAME=VALUE
 * that its block would have exported, may be NULL. What result points to lives in hold (run_digest_fini).
 * ERR_NOT_FOUND: no such ticket. ERR_USAGE: it passes, and what it prints is needed further on. */
int made_up_result(const struct run *run, uint64_t ticket, const struct made_up *made_up, char *const *values,
                   struct run_digest *hold, struct run_result *result, struct err *e);

#endif
