/* What keeps calls from making an outage worse: pure state machines, no I/O, no clock and no randomness of
 * their own. */
#ifndef BELAY_RESILIENCE_RESILIENCE_H
#define BELAY_RESILIENCE_RESILIENCE_H

#include "engine/resilience/backoff.h"
#include "engine/resilience/batch.h"
#include "engine/resilience/breaker.h"
#include "engine/resilience/budget.h"
#include "engine/resilience/chain.h"
#include "engine/resilience/declared.h"
#include "engine/resilience/deadlines.h"
#include "engine/resilience/failure.h"
#include "engine/resilience/heal.h"
#include "engine/resilience/measures.h"
#include "engine/resilience/policy.h"
#include "engine/resilience/window.h"

#endif
