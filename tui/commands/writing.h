/* The journal of a subcommand that writes without an engine: what it commits goes to the mirror as well. */
#ifndef BELAY_TUI_COMMANDS_WRITING_H
#define BELAY_TUI_COMMANDS_WRITING_H

#include "engine/journal/journal.h"
#include "tui/commands/command.h"

struct writing;

/* NULL and e. */
struct writing *writing_open(const struct command_line *line, struct err *e);
struct journal *writing_journal(const struct writing *w);
/* A mirror that doesn't take the events within 2 s is said on stderr: they are in the journal all the same.
 * NULL is fine. */
void writing_close(struct writing *w);

#endif
