/* An act that no runbook foresaw (`belay do`, `:do`): a document of one step, walked like any other. It is
 * not Markdown, so that a command is never taken for markup: its argv is kept, and run, exactly as it was
 * given. Included through runbook.h. */
#ifndef BELAY_RUNBOOK_ACT_H
#define BELAY_RUNBOOK_ACT_H

#include "engine/runbook/document.h"

#define RUNBOOK_ACT_ID "(act)" /* its id and its path: no file's */

struct runbook_act {
    const char *text;       /* for `bash -eo pipefail -c`; NULL: argv */
    char *const *argv;      /* as given, NULL-terminated */
    const char *reason;     /* NULL without one */
    const char *cwd;        /* absolute: where it runs, from whichever console */
    char *const *variables; /* NAME=VALUE; NULL */
    bool interactive;       /* on the terminal itself */
};

/* The document's bytes (one JSON object), appended. ERR_USAGE or ERR_RANGE: nothing to run, a word that is
 * too long or not UTF-8 (the journal could not show it), a variable without a name. */
int runbook_act_write(const struct runbook_act *act, struct str *out, struct err *e);
/* What runbook_parse is for a file: the document, or NULL. No I/O. */
struct runbook *runbook_act_parse(const char *bytes, size_t length, struct err *e);
/* The words as a person may paste them into a shell and get the same: quoted where they must be. Appended. */
void runbook_act_quote(char *const *argv, struct str *out);

#endif
