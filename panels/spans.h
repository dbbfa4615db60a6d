/* How calls of one target have been going, as a table of spans: a part of the pages of breakers, sources,
 * tiers. */
#ifndef BELAY_PANELS_SPANS_H
#define BELAY_PANELS_SPANS_H

#include "engine/engine.h"
#include "tui/kit/kit.h"

/* Appends heading and table; only the heading's "none yet" when nothing was ever called. */
void spans_write(struct text_view *page, const struct measures_sums spans[static MEASURES_SPAN_COUNT]);

#endif
