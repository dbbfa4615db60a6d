/* Requests about incidents, mutes and shifts. Private to the engine's own room. */
#ifndef BELAY_ENGINE_INCIDENTS_H
#define BELAY_ENGINE_INCIDENTS_H

#include "engine/state.h"

void incidents_submit(struct engine *engine, const struct engine_request *request, engine_done *done,
                      void *context);

#endif
