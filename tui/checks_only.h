/* Walking a run that nobody watches: checks run, and it stops before the first thing that would change
 * something or that a person has to say. The only unattended form of a run. */
#ifndef BELAY_TUI_CHECKS_ONLY_H
#define BELAY_TUI_CHECKS_ONLY_H

#include "engine/engine.h"

/* Turns the loop itself. The exit status: 0 all checks passed, 1 one failed, 2 a variable has no value, 3 the
 * outcome of one is unknown (and none failed), 130 interrupted. */
int checks_only_walk(struct loop *loop, struct engine *engine, int64_t run);

#endif
