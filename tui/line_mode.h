/* Walking a run without a screen: plain lines out, questions answered by typed lines. For dumb terminals,
 * screen readers, and whoever prefers it. Leaves the same journal as the console. */
#ifndef BELAY_TUI_LINE_MODE_H
#define BELAY_TUI_LINE_MODE_H

#include "engine/engine.h"

/* Walks the run until it has ended or the person leaves. Turns the loop itself. Returns the exit status: 0
 * done, 1 fell short, 3 an unknown outcome remains, 130 left. */
int line_mode_status(enum run_outcome outcome); /* of a run that has ended */
/* Who answers in a rehearsal. */
struct line_script {
    const char *answers; /* a file of answers (engine/runbook/answers.h); NULL: a person alone */
    bool alone;          /* and there is no person: an answer that is missing ends it, with status 2 */
};
/* script: NULL for a person. */
int line_mode_walk(struct loop *loop, struct engine *engine, int64_t run, const struct line_script *script);

#endif
