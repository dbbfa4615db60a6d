#include "tui/layout.h"

#include <string.h>

#define TILE_LEAST       5 /* rows of a frame that is worth its border */
#define TILES_OF_TWO     6 /* shown in two columns; three columns show all nine */
#define WIDTH_OF_TWO     110
#define WIDTH_OF_THREE   180
#define PROBLEMS_SHOWN   3
#define HEIGHT_FOR_THREE 42

/* Users and problems at the top. Returns the first free row. */
static int place_strips(struct layout *layout, int width, int height)
{
    int problems = height >= 14 ? PROBLEMS_SHOWN : height >= 11 ? 2 : 1;
    layout->users = (struct rect){0, 0, width, 1};
    layout->problems = (struct rect){0, 1, width, problems};
    return 1 + problems;
}

static void place_tiles(struct layout *layout, int width, int top, int height, size_t panel_count)
{
    size_t columns = (size_t)layout->columns;
    size_t row_count = (panel_count + columns - 1) / columns;
    int y = top;
    for (size_t row = 0; row < row_count; row++) {
        int share = (height - (y - top)) / (int)(row_count - row), x = 0;
        for (size_t column = 0; column < columns && row * columns + column < panel_count; column++) {
            int tile_width = (width - x) / (int)(columns - column);
            layout->places[layout->count++] =
                (struct layout_place){row * columns + column, true, {x, y, tile_width, share}};
            x += tile_width;
        }
        y += share;
    }
}

/* The `room` worst of the panels, in their own order. */
static void choose_worst(bool *chosen, const int *worst, size_t panel_count, size_t room)
{
    memset(chosen, 0, panel_count * sizeof *chosen);
    for (int level = 9; level >= 0 && room > 0; level--) {
        for (size_t i = 0; i < panel_count && room > 0; i++) {
            int bad = worst[i] < 0 ? 0 : worst[i] > 9 ? 9 : worst[i];
            if (bad == level) {
                chosen[i] = true;
                room--;
            }
        }
    }
}

static void place_lines(struct layout *layout, int width, int top, int height, const int *worst,
                        size_t panel_count, size_t tall)
{
    bool chosen[LAYOUT_PANELS_MOST];
    bool below = tall < panel_count && height >= (int)panel_count - 1 + TILE_LEAST;
    size_t wanted = below ? panel_count - 1 : panel_count;
    size_t room = height < 0 ? 0 : (size_t)height;
    choose_worst(chosen, worst, panel_count, room < wanted ? room : wanted);
    if (below) {
        memset(chosen, 1, panel_count * sizeof *chosen);
        chosen[tall] = false;
    }
    int y = top;
    for (size_t i = 0; i < panel_count; i++) {
        if (chosen[i]) {
            layout->places[layout->count++] = (struct layout_place){i, false, {0, y++, width, 1}};
        }
    }
    if (below) {
        layout->places[layout->count++] = (struct layout_place){tall, true, {0, y, width, top + height - y}};
    }
}

void layout_make(struct layout *layout, int width, int height, const int *worst, size_t panel_count,
                 size_t tall)
{
    memset(layout, 0, sizeof *layout);
    panel_count = panel_count > LAYOUT_PANELS_MOST ? LAYOUT_PANELS_MOST : panel_count;
    int top = place_strips(layout, width, height);
    int room = height - top;
    size_t tiles = panel_count < TILES_OF_TWO ? panel_count : TILES_OF_TWO;
    if (width >= WIDTH_OF_THREE && height >= HEIGHT_FOR_THREE) {
        layout->columns = 3;
        tiles = panel_count;
    } else if (width >= WIDTH_OF_TWO) {
        layout->columns = 2;
    } else {
        layout->columns = 1;
    }
    int row_count = (int)(tiles + (size_t)layout->columns - 1) / layout->columns;
    if (tiles > 0 && room >= row_count * TILE_LEAST) {
        layout->kind = LAYOUT_TILES;
        place_tiles(layout, width, top, room, tiles);
        return;
    }
    layout->kind = LAYOUT_LINES;
    layout->columns = 1;
    place_lines(layout, width, top, room, worst, panel_count, tall);
}

size_t layout_neighbour(const struct layout *layout, size_t from, int dx, int dy)
{
    if (from >= layout->count) {
        return from;
    }
    const struct rect *here = &layout->places[from].area;
    size_t best = from;
    int best_distance = 0;
    for (size_t i = 0; i < layout->count; i++) {
        const struct rect *there = &layout->places[i].area;
        int across = there->x - here->x, down = there->y - here->y;
        bool ahead = dx != 0 ? across * dx > 0 && down == 0 : down * dy > 0;
        int distance = dx != 0 ? across * dx : down * dy * 1000 + (across < 0 ? -across : across);
        if (ahead && (best == from || distance < best_distance)) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}
