/* The files of `belay incident`. */
#ifndef BELAY_TUI_COMMANDS_INCIDENT_H
#define BELAY_TUI_COMMANDS_INCIDENT_H

#include "tui/commands/session.h"
#include "tui/incident_verbs.h"

extern const char *const incident_words[];

/* incident.c: appends with this person as the actor. incident may be NULL. */
int incident_append(struct journal *journal, const struct command_line *line, struct event_draft *draft,
                    int64_t *incident, struct err *e);
/* incident_edit.c: `write` alone, in the person's editor. Without a terminal that is a wrong usage. */
int incident_edit(struct incident_call *call, struct journal *journal, struct err *e);
/* incident_print.c */
int incident_print_list(struct journal *journal, bool open_only, bool json, struct err *e);
int incident_print(struct journal *journal, int64_t number, bool json, struct err *e);

#endif
