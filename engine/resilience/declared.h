/* Policies and breakers as the configuration declares them, for everything that goes by one: steps, chains,
 * belay exec. Included through resilience.h. */
#ifndef BELAY_RESILIENCE_DECLARED_H
#define BELAY_RESILIENCE_DECLARED_H

#include "engine/resilience/policy.h"

struct config_breaker;
struct config_policy;

struct breaker_rules breaker_rules_declared(const struct config_breaker *declared);
/* ERR_SYNTAX, ERR_RANGE: the message names the policy. */
int policy_declared(const struct config_policy *declared, struct policy *policy, struct err *e);

#endif
