/* The table of what stands behind `:`. */
#ifndef BELAY_TUI_COLON_H
#define BELAY_TUI_COLON_H

#include "engine/base/base.h"

struct console;

enum {
    COLON_SAFE = 1, /* changes nothing but this screen and the timeline: observers may */
    COLON_TEXT = 2, /* what stands behind it is one text, quotes are quotes; words is NULL */
};

struct colon {
    const char *name; /* one word or two; NULL ends the table */
    const char *usage;
    const char *help;
    unsigned flags;
    void (*run)(struct console *console, const char *rest, char *const *words, struct err *e);
};

extern const struct colon colon_table[];

/* Rows that have a file of their own. */
typedef void colon_run_row(struct console *console, const char *rest, char *const *words, struct err *e);
colon_run_row colon_incident_open, colon_incident_note, colon_incident_role, colon_incident_severity,
    colon_incident_action, colon_incident_write, colon_incident_mitigate, colon_incident_resolve,
    colon_incident_review, colon_incident_close, colon_incident_update, colon_incident_show;
colon_run_row colon_breaker, colon_mute, colon_unmute, colon_handover, colon_handover_give,
    colon_handover_accept;
colon_run_row colon_logs, colon_links;
colon_run_row colon_safe_mode, colon_heal;

/* The row whose name the line begins with; *rest is what stands behind it. NULL when there is none. */
const struct colon *colon_find(const char *line, const char **rest);

#endif
