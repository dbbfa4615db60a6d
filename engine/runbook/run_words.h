/* A run in words for a line of a screen. Included through runbook.h. */
#ifndef BELAY_RUNBOOK_RUN_WORDS_H
#define BELAY_RUNBOOK_RUN_WORDS_H

#include "engine/runbook/run.h"

/* A check that failed has answered: no. What it could not answer is unknown. */
bool step_says_no(const struct step *step, enum run_outcome outcome);
/* The word for people for how a step ended: "no" of such a check, else run_outcome_text. */
const char *step_outcome_text(const struct step *step, enum run_outcome outcome);
/* How the run ended, and because of what: "warn: Re-open it failed; Mark it: exit 0, unverified". Appended.
 */
void run_verdict_text(const struct run *run, struct str *out);
/* How far the step is, in few words: "312/500 ok, 2 failed", "rung 50, held for 42s", "attempt 2 of 4, in
 * 3s"; nothing when there is nothing of the kind to tell. now_ms: the run clock's; INT64_MAX leaves
 * countdowns out. Appended. */
void run_progress_text(const struct run *run, int step, int64_t now_ms, struct str *out);

#endif
