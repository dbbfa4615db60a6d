/* A document's `policy` names, by what the configuration says of them. Included through runbook.h. */
#ifndef BELAY_RUNBOOK_POLICIES_H
#define BELAY_RUNBOOK_POLICIES_H

#include "engine/config/config.h"
#include "engine/runbook/run.h"

/* Those that the document names, for START; "default" is always there. The names are the document's; the
 * caller frees the array. ERR_NOT_FOUND names the step and the policy that the configuration (NULL: none)
 * doesn't have. */
int runbook_policies(const struct runbook *book, const struct config *config, struct run_policy **policies,
                     size_t *count, struct err *e);

/* Lint: policies that are not there (an error), and those of 5 retries or more. Adds findings. */
void runbook_lint_policies(struct runbook *book, const struct config *config);

#endif
