/* A runbook as people name it, behind `belay runbook` and behind `:runbook` alike. */
#ifndef BELAY_TUI_RUNBOOK_NAME_H
#define BELAY_TUI_RUNBOOK_NAME_H

#include "engine/engine.h"

/* The whole path of what a name means: the id of a runbook that is known here, or a file. Two of one name are
 * an error that says how to name each; an unknown name is one with the nearest id. NULL, or the caller frees.
 */
char *runbook_name_path(const struct engine *engine, const char *name, struct err *e);
/* What is known of the document at that path; false: nothing. */
bool runbook_name_view(const struct engine *engine, const char *path, struct engine_runbook *view);

#endif
