/* How a step runs, drawn: items, rungs, attempts, its lock, the job that it follows. */
#ifndef BELAY_TUI_POWERS_H
#define BELAY_TUI_POWERS_H

#include "tui/step.h"

/* Below each other from row y on; the row after the last. Nothing for a step that has none of it. */
int powers_draw(struct page *page, const struct step_view *view, struct canvas *c, int y);
/* Who holds the lock: a run that this console knows of; NULL: nobody that is known. */
const struct run *lock_holder(struct engine *engine, const char *text, struct engine_run *holder);

#endif
