/* Chains as the configuration declares them, for the machines that go by them.
 * Included through targets.h. */
#ifndef BELAY_TARGETS_DECLARED_H
#define BELAY_TARGETS_DECLARED_H

#include "engine/config/config.h"
#include "engine/resilience/resilience.h"

/* The policy of a chain, its word on idempotence included, with at least an attempt for each tier. */
int declared_chain_policy(const struct config *c, const struct config_chain *chain, struct policy *policy,
                          struct err *e);

struct chain_tier declared_tier(const struct config_tier *tier); /* its name is borrowed */

/* "chain/NAME/TIER": the target of a tier, its breaker's name. */
#define DECLARED_TARGET_SIZE 129
void declared_target(const struct config_chain *chain, const struct config_tier *tier,
                     char name[static DECLARED_TARGET_SIZE]);

/* The answer that a chain's cached: file has for the id, NULL when it has none (or there is no id). The
 * caller frees. ERR_NOT_FOUND, ERR_SYNTAX, ERR_RANGE ... in e when the file is no good. */
char *declared_cached(const char *file, const char *id, struct err *e);

/* Everything that is wrong with them beyond what reading the configuration finds. */
void declared_check(const struct config *c, struct config_findings *findings);

#endif
