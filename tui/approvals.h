/* Approving another's step: what `belay approve` and `:approve` take. */
#ifndef BELAY_TUI_APPROVALS_H
#define BELAY_TUI_APPROVALS_H

#include "tui/commands/command.h"

extern const struct command_option approve_options[];

#endif
