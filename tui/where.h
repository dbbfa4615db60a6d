/* Where an act would land and as whom, in one sentence: "rag-prod: prod-eu (observed 1s ago, as configured),
 * as alice (uid 1004) on bastion-2". */
#ifndef BELAY_TUI_WHERE_H
#define BELAY_TUI_WHERE_H

#include "engine/engine.h"

void where_text(const struct engine *engine, struct str *out);

#endif
