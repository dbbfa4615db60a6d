/* A run in a few words: which step, and what it waits for. */
#ifndef BELAY_PANELS_RUNNING_H
#define BELAY_PANELS_RUNNING_H

#include "engine/engine.h"
#include "tui/kit/kit.h"

/* "step 4 of 9" */
void run_place(const struct engine_run *run, struct str *out);
/* "next: confirm restore the latest snapshot", "running: ..." */
void run_next(const struct engine_run *run, struct str *out);
/* The word for mark_find: an outcome, or "next" for the step that waits for a person. */
const char *step_word(const struct run_step *step);
/* The open run that was started for the entity of this title; false when there is none. */
bool run_for(const struct engine *engine, const char *title, struct engine_run *run);
/* The run to show when one is to be shown: the newest open one that waits or runs here, else any open one. */
bool run_focused(const struct engine *engine, struct engine_run *run);

#endif
