/* A run walked by a subcommand: on the screen, or in line mode where there is none. */
#ifndef BELAY_TUI_COMMANDS_WALKING_H
#define BELAY_TUI_COMMANDS_WALKING_H

#include "engine/engine.h"
#include "tui/commands/command.h"
#include "tui/line_mode.h"

struct walking {
    const struct command_line *line;
    /* The run to be walked; 0 with an error. */
    int64_t (*begin)(const struct command_line *line, struct loop *loop, struct engine *engine,
                     struct err *e);
    bool screen;               /* where the terminal can: else, and without it, questions as plain lines */
    bool fresh;                /* its first step's page opens, too */
    bool by_outcome;           /* the exit status says how the run ended, on the screen as in line mode */
    bool checks_only;          /* nobody is asked, nothing is changed */
    struct line_script script; /* of a rehearsal */
};

bool walking_has_terminal(void);
/* Opens the engine, begins, walks to the end or until the person leaves: the exit status. */
int walking_go(const struct walking *walking, struct err *e);
/* Asks for a run and waits for the answer: its number, or 0 with the error. */
int64_t walking_submit(struct loop *loop, struct engine *engine, const struct engine_request *request,
                       struct err *e);

#endif
