/* Panel 7: alerts, grouped by their name. */
#include <stdio.h>
#include <string.h>

#include "panels/list.h"

static const struct list_column columns[] = {
    {{"", 1, 0, ALIGN_LEFT, 0}, COLUMN_MARK, NULL, FORM_NUMBER},
    {{"alert", 20, 3, ALIGN_LEFT, 0}, COLUMN_NAME, NULL, FORM_NUMBER},
    {{"state", 10, 0, ALIGN_LEFT, 0}, COLUMN_STATE, NULL, FORM_NUMBER},
    {{"since", 5, 0, ALIGN_RIGHT, 0}, COLUMN_SINCE, NULL, FORM_NUMBER},
    {{"severity", 8, 0, ALIGN_LEFT, 2}, COLUMN_ATTRIBUTE, "severity", FORM_NUMBER},
    {{"group", 12, 1, ALIGN_LEFT, 4}, COLUMN_GROUP, NULL, FORM_NUMBER},
    {{"source", 8, 1, ALIGN_LEFT, 5}, COLUMN_SOURCE, NULL, FORM_NUMBER},
    {{"why", 16, 5, ALIGN_LEFT, 1}, COLUMN_WHY, NULL, FORM_NUMBER},
};

/* One name's alerts: the list is worst first, so the first of a group stands for it. */
static const char *group_of(const struct entity *e)
{
    return e->group[0] != '\0' ? e->group : e->name;
}

static bool seen_before(const struct entity *const *list, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (str_eq(group_of(list[i]), group_of(list[index]))) {
            return true;
        }
    }
    return false;
}

static size_t members(const struct entity *const *list, size_t count, const char *group)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += list[i]->condition != CONDITION_OK && str_eq(group_of(list[i]), group);
    }
    return found;
}

#define CONSIDERED 500 /* in a storm of alerts the worst five hundred are enough for a tile */

static int put_group(const struct panel_scene *scene, const struct entity *const *list, size_t count,
                     size_t index, struct canvas *c, int x, int y)
{
    const struct entity *e = list[index];
    int width = canvas_width(c);
    x = mark_put(entity_mark(e), c, x, y) + 1;
    x = canvas_put_cut(c, x, y, width - x, ROLE_TEXT, group_of(e));
    size_t same = members(list, count, group_of(e));
    if (same > 1) {
        x = canvas_putf(c, x, y, ROLE_FAINT, " (%zu)", same);
    }
    x = entity_put_state(e, c, x + 1, y, width - x - 1);
    char age[SCENE_TEXT_SIZE];
    scene_age(scene, e->since_us, age);
    return canvas_put_cut(c, x + 1, y, width - x - 1, ROLE_FAINT, age);
}

static size_t considered(const struct panel_scene *scene, const struct entity *const **list)
{
    size_t count = 0;
    *list = platform_list(scene->platform, ENTITY_ALERT, &count);
    return count < CONSIDERED ? count : CONSIDERED;
}

static void tile(const struct panel_scene *scene, struct canvas *c)
{
    const struct entity *const *list;
    size_t count = considered(scene, &list);
    int height = canvas_height(c), width = canvas_width(c), y = 0;
    for (size_t i = 0; i < count && y < height && list[i]->condition != CONDITION_OK; i++) {
        if (seen_before(list, i)) {
            continue;
        }
        int x = put_group(scene, list, count, i, c, 1, y);
        struct str why = {0};
        entity_why(scene, list[i], &why);
        canvas_put_cut(c, x + 2, y, width - x - 3, ROLE_FAINT, str_text(&why));
        str_fini(&why);
        y++;
    }
    if (y == 0) {
        canvas_put_cut(c, 1, 0, width - 2, ROLE_FAINT, "no alert is firing");
    }
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    struct condition_counts counts = platform_counts(scene->platform, ENTITY_ALERT);
    if (counts.by[CONDITION_DOWN] > 0) {
        note_part(out, "%zu firing", counts.by[CONDITION_DOWN]);
    }
    if (counts.by[CONDITION_DEGRADED] > 0) {
        note_part(out, "%zu warning", counts.by[CONDITION_DEGRADED]);
    }
    if (counts.by[CONDITION_UNKNOWN] > 0) {
        note_part(out, "%zu unknown", counts.by[CONDITION_UNKNOWN]);
    }
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    (void)state;
    const struct entity *const *list;
    size_t count = considered(scene, &list);
    int x = 0, width = canvas_width(row);
    for (size_t i = 0; i < count && x < width && list[i]->condition != CONDITION_OK; i++) {
        if (!seen_before(list, i)) {
            x = put_group(scene, list, count, i, row, x, 0) + 2;
        }
    }
    if (x == 0) {
        canvas_put_cut(row, 0, 0, width, ROLE_FAINT, count == 0 ? "none" : "none is firing");
    }
}

static const struct list_type type = {
    .kinds = 1u << ENTITY_ALERT,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .tile = tile,
    .nothing = "No alert is known. A source with `preset: alertmanager` brings them here.",
};

const struct panel panel_alerts = {
    .name = "alerts",
    .title = "Alerts",
    .digit = '7',
    .help = "alerts that fire, grouped",
    LIST_PANEL(type),
    .note = note,
    .corner = list_corner,
    .worst = list_worst,
    .summary = summary,
};
