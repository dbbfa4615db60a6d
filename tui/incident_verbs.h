/* What people may do to an incident, one table: behind `belay incident` and behind `:incident` stand the same
 * verbs with the same words and options. */
#ifndef BELAY_TUI_INCIDENT_VERBS_H
#define BELAY_TUI_INCIDENT_VERBS_H

#include "engine/engine.h"
#include "tui/words.h"

#define INCIDENT_CHANGES_MOST 32

/* One call of a verb: one change, of several fields one each. */
struct incident_call {
    int64_t incident; /* 0: the focused or current one */
    struct incident_change changes[INCIDENT_CHANGES_MOST];
    size_t count; /* 0: "write" without anything to write: the editor is wanted */
    bool accept_left;
    VEC(char *) owned; /* what the changes point to */
};

struct incident_verb_row {
    const char *name;
    const char *usage; /* what stands after the name */
    const char *help;
    const char *options; /* those of incident_options that it takes, separated by blanks */
    bool moves;          /* the state: refused to observers */
    int (*build)(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e);
};

extern const struct incident_verb_row incident_verbs[]; /* ends with a NULL name */
extern const struct command_option incident_options[];  /* of all verbs, open, list and show too */

const struct incident_verb_row *incident_verb_find(const char *name); /* NULL */

/* The words behind the verb's name. incident_call_fini in either case. */
int incident_call_build(struct incident_call *call, const struct incident_verb_row *verb,
                        const struct words *w, int64_t now_us, struct err *e);
void incident_call_fini(struct incident_call *call);
/* Refuses options that the verb doesn't take: "incident role takes no --at". */
int incident_options_check(const struct words *w, const char *verb, const char *options, struct err *e);

/* An incident in one line without its end, and with all that is in its file; cleaned. */
void incident_line(const struct journal_incident *incident, struct str *out);
void incident_sheet(const struct incident_file *file, struct str *out);

/* `write` by an editor: the fields as a text of Markdown, each under a heading of its name; and back. Only
 * what is different from the file becomes a change. */
void incident_text_write(const struct incident_file *file, struct str *out);
int incident_text_read(const struct incident_file *file, const char *text, size_t length,
                       struct incident_call *call, struct err *e);
/* argv that edits a file: the person's $VISUAL or $EDITOR, else vi. strv_free. */
char **incident_editor(const char *path);

#endif
