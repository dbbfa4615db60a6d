/* Whom this host's processes call, and what they know together about them: the state database, the breakers
 * that a long-lived process keeps, chains as they are declared, attempts at their tiers, and `belay exec`. */
#ifndef BELAY_TARGETS_TARGETS_H
#define BELAY_TARGETS_TARGETS_H

#include "engine/targets/ask.h"
#include "engine/targets/call.h"
#include "engine/targets/call_books.h"
#include "engine/targets/declared.h"
#include "engine/targets/exec.h"
#include "engine/targets/keeper.h"
#include "engine/targets/state.h"

#endif
