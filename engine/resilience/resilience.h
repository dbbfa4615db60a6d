/* What keeps calls from making an outage worse: pure state machines, no I/O, no clock and no randomness of
 * their own. */
#ifndef BELAY_RESILIENCE_RESILIENCE_H
#define BELAY_RESILIENCE_RESILIENCE_H

#include "engine/resilience/backoff.h"

#endif
