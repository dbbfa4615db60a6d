/* A signal in a few columns: "p95 2.9s ▂▃▆▇ (0.8)". */
#ifndef BELAY_PANELS_SIGNAL_H
#define BELAY_PANELS_SIGNAL_H

#include "panels/entity.h"

/* At most width columns, `spark` of them for the sparkline (0: none). Returns the column after. */
int signal_put(const struct panel_scene *scene, const struct entity *e, struct canvas *c, int x, int y,
               int width, int spark);
/* The columns that it takes. */
int signal_columns(const struct panel_scene *scene, const struct entity *e, const struct canvas *c,
                   int spark);

#endif
