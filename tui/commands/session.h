/* What most subcommands begin with: the configuration, the journal, the engine, from the common options. */
#ifndef BELAY_TUI_COMMANDS_SESSION_H
#define BELAY_TUI_COMMANDS_SESSION_H

#include "engine/engine.h"
#include "tui/commands/command.h"
#include "tui/console.h"

/* The configuration that the options name, or the first that is found; with none at all the default one
 * (platform "local"). NULL and e when it has errors; all findings but the first are printed to stderr. */
struct config *session_config(const struct command_line *line, struct err *e);

/* The journal of that configuration. write: created when missing. NULL and e. */
struct journal *session_journal(const struct command_line *line, bool write, struct err *e);

struct journal *session_journal_of(const struct config *config, bool write, struct err *e);

/* Its callbacks run on the loop (journal_options.post); NULL: on the journal's own thread. */
struct journal *session_journal_on(const struct config *config, bool write, struct loop *loop, struct err *e);

/* "INC-7", "7" or, for NULL, the newest open one, else the newest. ERR_NOT_FOUND when there is none at all.
 */
int session_incident(struct journal *j, const char *word, int64_t *number, struct err *e);

/* Fills what the common options say. The configuration stays the caller's. */
void session_engine_options(const struct command_line *line, const struct config *config,
                            struct engine_options *options);

/* Theme, ASCII and colours. */
void session_console_options(const struct command_line *line, struct console_options *options);

#endif
