/* Entering and leaving safe mode: which runbook, and whether there is anything to do. The same behind `:` as
 * behind `belay`. */
#ifndef BELAY_TUI_SAFE_MODE_H
#define BELAY_TUI_SAFE_MODE_H

#include "engine/engine.h"

enum safe_mode_verb { SAFE_MODE_ENTER, SAFE_MODE_LEAVE, SAFE_MODE_STATUS };

/* "enter", "leave", "status"; nothing (NULL) is status. ERR_USAGE. */
int safe_mode_verb_parse(const char *word, enum safe_mode_verb *verb, struct err *e);

/* "safe mode is on: component safe-mode on, since 03:12Z". ERR_USAGE when none is configured. */
int safe_mode_says(const struct config *c, const struct platform *p, struct str *out, struct err *e);

/* The runbook of the verb. Refused when it has been done already (ERR_CANCELLED: `anyway` walks it all the
 * same), and when no such runbook is configured, or it can't be run. */
int safe_mode_plan(const struct engine *engine, const struct platform *p, enum safe_mode_verb verb,
                   bool anyway, struct engine_runbook *view, struct err *e);

/* The entity that proves it, as a run is started for: "component safe-mode". The caller frees. */
char *safe_mode_entity(const struct config *c);

#endif
