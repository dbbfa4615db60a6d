/* Where things are on the dashboard, for every size. Pure: numbers in, rectangles out. */
#ifndef BELAY_TUI_LAYOUT_H
#define BELAY_TUI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/kit/canvas.h"

#define LAYOUT_WIDTH_LEAST  40 /* of the screen: below it one line says the size that is needed */
#define LAYOUT_HEIGHT_LEAST 10
#define LAYOUT_PANELS_MOST  16

enum layout_kind {
    LAYOUT_LINES, /* a line a panel, and one tile below where there is room */
    LAYOUT_TILES, /* a grid of frames */
};

struct layout_place {
    size_t panel; /* index as given to layout_make */
    bool framed;
    struct rect area;
};

struct layout {
    enum layout_kind kind;
    struct rect users, problems;
    struct layout_place places[LAYOUT_PANELS_MOST];
    size_t count;
    int columns; /* of the grid of tiles */
};

/* width and height are those between header and key bar. worst[i] is how bad the worst of panel i is
 * (panel.h); where not all panels have a line, the worst ones do. tall is the panel that gets the room left
 * over below the lines (the timeline), or panel_count for none. */
void layout_make(struct layout *layout, int width, int height, const int *worst, size_t panel_count,
                 size_t tall);

/* The place beside, above or below, for dx, dy in -1, 0, 1; from itself when there is none. */
size_t layout_neighbour(const struct layout *layout, size_t from, int dx, int dy);

#endif
