/* The panels, in the order of the dashboard: strips first, then by their digits. A new panel is a file beside
 * this one and a row here. */
#include "tui/kit/panel.h"

#define PANELS(X)                                                                                            \
    X(users)                                                                                                 \
    X(problems)                                                                                              \
    X(breakers)                                                                                              \
    X(fallback)                                                                                              \
    X(shards)                                                                                                \
    X(checkpoints)                                                                                           \
    X(runbook)                                                                                               \
    X(timeline)                                                                                              \
    X(alerts)                                                                                                \
    X(signals)                                                                                               \
    X(sources)

#define X(name) extern const struct panel panel_##name;
PANELS(X)
#undef X

const struct panel *const panel_table[] = {
#define X(name) &panel_##name,
    PANELS(X)
#undef X
        NULL,
};
