/* The strip of what users feel: up to six signals against their baselines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "panels/signal.h"

#define SIGNALS_SHOWN 6

static void cut_unit(const struct entity *e, char text[static SCENE_TEXT_SIZE])
{
    const char *unit = entity_attribute(e, "unit");
    const char *end = str_ends(text, "%") ? "%" : unit;
    size_t length = strlen(text), cut = strlen(end);
    if (cut > 0 && cut < length && str_ends(text, end)) {
        text[length - cut] = '\0';
    }
}

static void parts(const struct panel_scene *scene, const struct entity *e, char value[static SCENE_TEXT_SIZE],
                  char baseline[static SCENE_TEXT_SIZE + 3])
{
    char text[SCENE_TEXT_SIZE];
    (void)scene;
    baseline[0] = '\0';
    if (e->condition == CONDITION_UNKNOWN) {
        snprintf(value, SCENE_TEXT_SIZE, "unknown");
        return;
    }
    signal_value(e, entity_measure(e, "value"), value);
    if (isfinite(entity_measure(e, "baseline"))) {
        signal_value(e, entity_measure(e, "baseline"), text);
        cut_unit(e, text); /* it stands before it */
        snprintf(baseline, SCENE_TEXT_SIZE + 3, "(%s)", text);
    }
}

int signal_columns(const struct panel_scene *scene, const struct entity *e, const struct canvas *c, int spark)
{
    char value[SCENE_TEXT_SIZE], baseline[SCENE_TEXT_SIZE + 3];
    parts(scene, e, value, baseline);
    int columns = canvas_columns(c, e->name) + 1 + canvas_columns(c, value);
    columns += spark > 0 ? spark + 1 : 0;
    return columns + (baseline[0] != '\0' ? canvas_columns(c, baseline) + 1 : 0);
}

int signal_put(const struct panel_scene *scene, const struct entity *e, struct canvas *c, int x, int y,
               int width, int spark)
{
    char value[SCENE_TEXT_SIZE], baseline[SCENE_TEXT_SIZE + 3];
    int end = x + width;
    parts(scene, e, value, baseline);
    x = canvas_put_cut(c, x, y, end - x, ROLE_TEXT, e->name) + 1;
    unsigned style = e->condition == CONDITION_OK ? ROLE_STRONG : entity_mark(e)->role;
    x = canvas_put_cut(c, x, y, end - x, style, value);
    if (spark > 0 && x + 1 + spark <= end) {
        entity_spark(scene, e, "value", c, x + 1, y, spark, ROLE_PLOT);
        x += 1 + spark;
    }
    if (baseline[0] != '\0') {
        x = canvas_put_cut(c, x + 1, y, end - x - 1, ROLE_FAINT, baseline);
    }
    return x;
}

static int by_name(const void *a, const void *b)
{
    const struct entity *const *x = a, *const *y = b;
    return strverscmp((*x)->name, (*y)->name);
}

static int total_columns(const struct panel_scene *scene, const struct entity *const *chosen, size_t count,
                         const struct canvas *c, int spark, int gap)
{
    int columns = 0;
    for (size_t i = 0; i < count; i++) {
        bool marked = chosen[i]->condition != CONDITION_OK;
        columns += signal_columns(scene, chosen[i], c, spark) + (marked ? 2 : 0) + (i > 0 ? gap : 0);
    }
    return columns;
}

/* As many of the worst as there is room for, at most six, in the order of their names: they don't change
 * places while they get worse. */
static size_t choose(const struct panel_scene *scene, const struct canvas *row,
                     const struct entity *chosen[static SIGNALS_SHOWN])
{
    size_t count = 0;
    const struct entity *const *list = platform_list(scene->platform, ENTITY_SIGNAL, &count);
    size_t shown = count < SIGNALS_SHOWN ? count : SIGNALS_SHOWN;
    while (shown > 1 && total_columns(scene, list, shown, row, 0, 2) > canvas_width(row)) {
        shown--;
    }
    for (size_t i = 0; i < shown; i++) {
        chosen[i] = list[i];
    }
    qsort(chosen, shown, sizeof chosen[0], by_name);
    return shown;
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    (void)state;
    const struct entity *chosen[SIGNALS_SHOWN];
    size_t count = choose(scene, row, chosen);
    static const struct {
        int spark, gap;
    } ways[] = {{8, 3}, {4, 3}, {4, 2}, {0, 3}, {0, 2}};
    int width = canvas_width(row), x = 0;
    size_t way = 0;
    while (way + 1 < sizeof ways / sizeof ways[0] &&
           total_columns(scene, chosen, count, row, ways[way].spark, ways[way].gap) > width) {
        way++;
    }
    for (size_t i = 0; i < count && x < width; i++) {
        if (chosen[i]->condition != CONDITION_OK) {
            x = mark_put(entity_mark(chosen[i]), row, x, 0) + 1;
        }
        x = signal_put(scene, chosen[i], row, x, 0, width - x, ways[way].spark) + ways[way].gap;
    }
    if (count == 0) {
        canvas_put_cut(row, 0, 0, width, ROLE_FAINT, "no signal is watched: what users feel is unknown");
    }
}

struct users {
    uint64_t seen;
};

static void *open(const struct panel *panel)
{
    (void)panel;
    return xcalloc(1, sizeof(struct users));
}

static bool update(void *state, const struct panel_scene *scene)
{
    struct users *users = state;
    uint64_t version = platform_version(scene->platform, ENTITY_SIGNAL);
    bool changed = version != users->seen;
    users->seen = version;
    return changed;
}

static int worst(void *state, const struct panel_scene *scene)
{
    (void)state;
    return entity_worst(scene, ENTITY_SIGNAL);
}

const struct panel panel_users = {
    .name = "users",
    .title = "USERS",
    .help = "what users feel, against baselines",
    .open = open,
    .close = free,
    .update = update,
    .worst = worst,
    .summary = summary,
};
