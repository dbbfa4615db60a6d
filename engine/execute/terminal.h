/* The terminal of a step: a pty, one end for the step, the other for the console that armed it. */
#ifndef BELAY_EXECUTE_TERMINAL_H
#define BELAY_EXECUTE_TERMINAL_H

#include "engine/base/base.h"
#include "engine/execute/execute.h"

/* *ours is non-blocking; both are close-on-exec and nobody's controlling terminal. */
int terminal_make(const struct exec_terminal *terminal, int *ours, int *steps, struct err *e);

#endif
