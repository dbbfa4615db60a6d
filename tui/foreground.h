/* A program that has the terminal for a while: a pager, an editor. The engine goes on meanwhile. */
#ifndef BELAY_TUI_FOREGROUND_H
#define BELAY_TUI_FOREGROUND_H

#include "engine/base/base.h"

struct console;

/* Gives argv (looked up in PATH) the terminal, in a process group of its own. environment: NAME=VALUE to be
 * set besides, NULL-terminated, may be NULL. input: its stdin, taken over, or -1 for the terminal. done runs
 * on the loop once it has ended and the screen is back, unless the console closes first; status as of
 * waitpid. context is freed then (heap or NULL). One at a time. Negative: it could not be started, done will
 * not run, context is the caller's. */
int foreground_start(struct console *console, char *const *argv, char *const *environment, int input,
                     void (*done)(struct console *console, void *context, int status), void *context,
                     struct err *e);
/* The console closes: whoever still has the terminal is hung up. */
void foreground_close(struct console *console);

#endif
