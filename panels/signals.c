/* Panel 8: what users feel, each signal against its baseline. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/list.h"
#include "panels/signal.h"

static const struct list_column columns[] = {
    {{"", 1, 0, ALIGN_LEFT, 0}, COLUMN_MARK, NULL, FORM_NUMBER},
    {{"signal", 18, 3, ALIGN_LEFT, 0}, COLUMN_NAME, NULL, FORM_NUMBER},
    {{"state", 9, 0, ALIGN_LEFT, 0}, COLUMN_STATE, NULL, FORM_NUMBER},
    {{"value", 8, 0, ALIGN_RIGHT, 0}, COLUMN_SIGNAL, "value", FORM_NUMBER},
    {{"baseline", 8, 0, ALIGN_RIGHT, 1}, COLUMN_SIGNAL, "baseline", FORM_NUMBER},
    {{"warn", 8, 0, ALIGN_RIGHT, 2}, COLUMN_SIGNAL, "warn", FORM_NUMBER},
    {{"crit", 8, 0, ALIGN_RIGHT, 2}, COLUMN_SIGNAL, "crit", FORM_NUMBER},
    {{"since", 5, 0, ALIGN_RIGHT, 1}, COLUMN_SINCE, NULL, FORM_NUMBER},
    {{"source", 8, 1, ALIGN_LEFT, 4}, COLUMN_SOURCE, NULL, FORM_NUMBER},
    {{"why", 10, 4, ALIGN_LEFT, 3}, COLUMN_WHY, NULL, FORM_NUMBER},
};

static void draw_row(const struct panel_scene *scene, const struct entity *e, struct canvas *c, int y,
                     int name_width)
{
    int width = canvas_width(c), spark = width / 4 > 30 ? 30 : width / 4;
    char text[SCENE_TEXT_SIZE];
    mark_put(entity_mark(e), c, 1, y);
    canvas_put_cut(c, 3, y, name_width, ROLE_TEXT, e->name);
    int x = 3 + name_width + 1;
    signal_value(e, entity_measure(e, "value"), text);
    canvas_put_right(c, x, y, 8, entity_mark(e)->role, text);
    x += 9;
    entity_spark(scene, e, "value", c, x, y, spark, ROLE_PLOT);
    x += spark + 1;
    if (isfinite(entity_measure(e, "baseline"))) {
        signal_value(e, entity_measure(e, "baseline"), text);
        x = canvas_putf(c, x, y, ROLE_FAINT, "(%s)", text) + 1;
    }
    struct str why = {0};
    entity_why(scene, e, &why);
    canvas_put_cut(c, x, y, width - x - 1, ROLE_FAINT, str_text(&why));
    str_fini(&why);
}

static void tile(const struct panel_scene *scene, struct canvas *c)
{
    size_t count = 0;
    const struct entity *const *list = platform_list(scene->platform, ENTITY_SIGNAL, &count);
    int name_width = canvas_width(c) / 3;
    name_width = name_width > 24 ? 24 : name_width < 8 ? 8 : name_width;
    for (size_t i = 0; i < count && (int)i < canvas_height(c); i++) {
        draw_row(scene, list[i], c, (int)i, name_width);
    }
    if (count == 0) {
        canvas_put_cut(c, 1, 0, canvas_width(c) - 2, ROLE_FAINT, "no signal is watched");
    }
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    struct condition_counts counts = platform_counts(scene->platform, ENTITY_SIGNAL);
    for (int condition = CONDITION_COUNT - 1; condition >= CONDITION_OK; condition--) {
        if (counts.by[condition] > 0) {
            note_part(out, "%zu %s", counts.by[condition], condition_name((enum condition)condition));
        }
    }
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    size_t count = 0;
    const struct entity *const *list = platform_list(scene->platform, ENTITY_SIGNAL, &count);
    int x = 0, width = canvas_width(row);
    for (size_t i = 0; i < count && x < width && list[i]->condition != CONDITION_OK; i++) {
        x = mark_put(entity_mark(list[i]), row, x, 0) + 1;
        x = signal_put(scene, list[i], row, x, 0, width - x, 0) + 2;
    }
    if (x == 0) {
        struct str rest = {0};
        note(state, scene, &rest);
        canvas_put_cut(row, 0, 0, width, count > 0 ? ROLE_OK : ROLE_FAINT,
                       count > 0 ? str_text(&rest) : "none");
        str_fini(&rest);
    }
}

static const struct list_type type = {
    .kinds = 1u << ENTITY_SIGNAL,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .tile = tile,
    .nothing =
        "No signal is watched. A source with `kind: signal` in its mapping brings them here: what users "
        "feel, with warn, crit and a baseline.",
};

const struct panel panel_signals = {
    .name = "signals",
    .title = "Signals",
    .digit = '8',
    .help = "what users feel, against baselines and thresholds",
    LIST_PANEL(type),
    .note = note,
    .corner = list_corner,
    .worst = list_worst,
    .summary = summary,
};
