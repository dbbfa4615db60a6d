/* How the targets of this host have been doing, as `belay status --json` has it. */
#ifndef BELAY_TUI_COMMANDS_MEASURES_H
#define BELAY_TUI_COMMANDS_MEASURES_H

#include "engine/engine.h"

/* One object a target: name, chain and tier, breaker, and its measures over each span. */
cJSON *measures_to_json(const struct target_view *views, size_t count);

#endif
