/* The table of what stands behind `:`. */
#ifndef BELAY_TUI_COLON_H
#define BELAY_TUI_COLON_H

#include "engine/base/base.h"

struct console;

enum { COLON_SAFE = 1 }; /* changes nothing but this screen and the timeline: observers may */

struct colon {
    const char *name; /* one word or two; NULL ends the table */
    const char *usage;
    const char *help;
    unsigned flags;
    void (*run)(struct console *console, const char *rest, char *const *words, struct err *e);
};

extern const struct colon colon_table[];

/* The row whose name the line begins with; *rest is what stands behind it. NULL when there is none. */
const struct colon *colon_find(const char *line, const char **rest);

#endif
