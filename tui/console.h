/* The console: the engine's state drawn, keys routed. It owns the terminal for its time and nothing of the
 * engine; everything that changes something is asked of engine_submit. */
#ifndef BELAY_TUI_CONSOLE_H
#define BELAY_TUI_CONSOLE_H

#include "engine/engine.h"

struct console_options {
    const char *theme;    /* a name or a file; NULL: the configuration's, else "dark" */
    bool ascii;           /* --ascii */
    bool mono;            /* --no-color */
    int64_t run;          /* the run whose page is opened first; 0: the dashboard */
    bool fresh;           /* it was just started: its first step's page opens, too */
    bool demo;            /* the simulated platform: the badge says so whatever the configuration does */
    const char *greeting; /* said over the key bar of the first frame; NULL: nothing */
};

#define CONSOLE_GONE  1
#define CONSOLE_MOVED 2 /* an emergency journal is ready (engine_emergency_made): open a console on that */

/* Opens the terminal and runs the loop until the person quits, the terminal is gone (SIGHUP) or SIGTERM. 0;
 * CONSOLE_GONE when it was not the person who ended it; CONSOLE_MOVED; or why the terminal can't be used:
 * ERR_NOT_FOUND no tty, ERR_UNSUPPORTED it can't address the cursor (the subcommands work without a screen).
 * The terminal is restored in every case; a word about steps that go on is printed to stdout after it. */
int console_run(struct loop *loop, struct engine *engine, const struct console_options *options,
                struct err *e);

/* What `belay` without a configuration says: what it is, the demo, how to begin; plain text of at most 78
 * columns. The caller frees. */
char *console_welcome(void);

/* The body of the commands that the console takes behind `:`, for the documentation and the completion: name,
 * usage, help; false past the end. */
bool console_command_at(size_t index, const char **name, const char **usage, const char **help);

#endif
