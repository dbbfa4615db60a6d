/* What most subcommands begin with: the configuration, the journal, the engine, from the common options. */
#ifndef BELAY_TUI_COMMANDS_SESSION_H
#define BELAY_TUI_COMMANDS_SESSION_H

#include "engine/engine.h"
#include "tui/commands/command.h"
#include "tui/console.h"
#include "tui/words.h"

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

/* The login name of whoever runs this: the actor of what is journaled. */
const char *session_actor(void);

/* Where the console would start as observer, what acts is refused without --join. */
int session_acts(const struct command_line *line, const char *what, struct err *e);

/* What acts and journals: refused with --read-only, and as session_acts does. */
int session_writes(const struct command_line *line, const char *what, struct err *e);

/* EXIT_USAGE or EXIT_FELL_SHORT. */
int session_status(const struct err *e);

/* Fills what the common options say. The configuration stays the caller's. */
void session_engine_options(const struct command_line *line, const struct config *config,
                            struct engine_options *options);

/* An engine for what one command does, as the common options say, settled. SESSION_LOOKS: it journals nothing
 * and creates nothing; SESSION_WATCHES: it polls the sources. Closed in either case. */
#define SESSION_LOOKS   1u
#define SESSION_WATCHES 2u
struct session {
    struct config *config;
    struct engine_options options;
    struct loop *loop;
    struct engine *engine;
};
int session_open(struct session *s, const struct command_line *line, unsigned flags, struct err *e);
void session_close(struct session *s);

/* engine_submit, waited for: the id of the answer. message (may be NULL): what it says, the caller frees. */
int64_t session_submit(struct loop *loop, struct engine *engine, const struct engine_request *request,
                       char **message, struct err *e);

/* A console on an engine of its own, and on the next one when an emergency journal was made. As console_run.
 */
int session_console(struct loop *loop, struct config *config, const struct engine_options *options,
                    const struct console_options *screen, struct err *e);

/* The same, with an engine that is open already; the one in its place afterwards (or NULL) is the caller's.
 */
int session_console_on(struct loop *loop, struct config *config, const struct engine_options *options,
                       const struct console_options *screen, struct engine **engine, struct err *e);

/* Theme, ASCII and colours. */
void session_console_options(const struct command_line *line, struct console_options *options);

/* From a parsed command line: its words from `from` on, and the options of the command's own table. */
int words_from_line(struct words *w, const struct command_line *line, size_t from, struct err *e);

#endif
