/* Another console's run, seen from here: who walks it, and how it may be had. */
#ifndef BELAY_TUI_FOLLOW_H
#define BELAY_TUI_FOLLOW_H

#include "tui/page.h"

/* "alice@bastion-2 walks it", and what that means to who looks at it; appended. */
void follow_text(struct console *console, const struct engine_run *run, struct str *out);
/* Asks for the reason, then takes the run over. */
void follow_take(struct console *console, int64_t run);

#endif
