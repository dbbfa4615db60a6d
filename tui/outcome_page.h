/* Rehearsals on the screen: what marks them, and the page on which somebody says what came of an execution
 * that did not take place. */
#ifndef BELAY_TUI_OUTCOME_PAGE_H
#define BELAY_TUI_OUTCOME_PAGE_H

#include "tui/page.h"

/* The row across the whole page that nobody can take for the real thing; nothing for a real run. */
void rehearsal_mark(const struct engine_run *run, struct canvas *c, int y);
#define REHEARSAL_IS_NO_PROMISE "; the real run may still fail"
/* Opens the page when an execution of the rehearsal waits for its outcome here. True: it did. */
bool outcome_ask(struct console *console, const struct engine_run *run);

#endif
