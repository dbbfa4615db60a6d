/* The demo's stage: the simulation, a process of its own, and the folder that it, the console and the steps
 * share. It outlives a console that dies, for a while: the next demo finds it, and the steps that went on. */
#ifndef BELAY_TUI_COMMANDS_STAGE_H
#define BELAY_TUI_COMMANDS_STAGE_H

#include "engine/base/base.h"
#include "tui/commands/command.h"

struct stage {
    char folder[64];
    int link;       /* to the simulation: it lingers when this ends */
    pid_t pid;      /* 0: it was found */
    bool found;     /* an earlier console's */
    char other[96]; /* what else an earlier console left, which this one was not asked for; "" nothing */
};

int stage_open(const struct command_line *line, struct stage *stage, struct err *e);
/* gone: the console was taken away, nobody ended it. The stage stays for the next. Otherwise everything that
 * belongs to it is ended and removed, its steps too. */
void stage_close(struct stage *stage, bool gone);

#endif
