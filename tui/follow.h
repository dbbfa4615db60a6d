/* What is said below a run, and taking over another console's. */
#ifndef BELAY_TUI_FOLLOW_H
#define BELAY_TUI_FOLLOW_H

#include "tui/page.h"

/* "alice@bastion-2 walks it", and what that means to who looks at it; appended. */
void follow_text(struct console *console, const struct engine_run *run, struct str *out);
/* Below a run's page: who else walks it, and which of its files were edited meanwhile. Returns the height
 * that is left. */
int follow_foot(struct console *console, const struct engine_run *run, struct canvas *c);
/* Asks for the reason, then takes the run over. */
void follow_take(struct console *console, int64_t run);

#endif
