/* Panel 1: circuit breakers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/list.h"

static const struct list_column columns[] = {
    {{"", 1, 0, ALIGN_LEFT, 0}, COLUMN_MARK, NULL, FORM_NUMBER},
    {{"breaker", 16, 3, ALIGN_LEFT, 0}, COLUMN_NAME, NULL, FORM_NUMBER},
    {{"state", 11, 0, ALIGN_LEFT, 0}, COLUMN_STATE, NULL, FORM_NUMBER},
    {{"since", 5, 0, ALIGN_RIGHT, 1}, COLUMN_SINCE, NULL, FORM_NUMBER},
    {{"failing", 7, 0, ALIGN_RIGHT, 2}, COLUMN_MEASURE, "failure_rate", FORM_PERCENT},
    {{"slow", 5, 0, ALIGN_RIGHT, 6}, COLUMN_MEASURE, "slow_rate", FORM_PERCENT},
    {{"calls", 9, 0, ALIGN_RIGHT, 5}, COLUMN_MEASURE, "calls", FORM_COUNT},
    {{"refused", 9, 0, ALIGN_RIGHT, 4}, COLUMN_MEASURE, "not_permitted", FORM_COUNT},
    {{"trips", 5, 0, ALIGN_RIGHT, 4}, COLUMN_MEASURE, "trips", FORM_COUNT},
    {{"probe in", 8, 0, ALIGN_RIGHT, 3}, COLUMN_MEASURE, "cool_down_s", FORM_SECONDS},
    {{"whose", 5, 0, ALIGN_LEFT, 6}, COLUMN_OWN, NULL, FORM_NUMBER},
    {{"source", 8, 1, ALIGN_LEFT, 7}, COLUMN_SOURCE, NULL, FORM_NUMBER},
    {{"why", 10, 4, ALIGN_LEFT, 3}, COLUMN_WHY, NULL, FORM_NUMBER},
};

/* "trips 3   probe in 41s", or why it is what it is. */
static void story(const struct panel_scene *scene, const struct entity *e, struct str *out)
{
    char text[SCENE_TEXT_SIZE];
    if (e->flags & (ENTITY_SILENT | ENTITY_GONE)) {
        entity_why(scene, e, out);
        return;
    }
    double trips = entity_measure(e, "trips"), cool_down = entity_measure(e, "cool_down_s");
    if (trips > 0) {
        value_write(scene, trips, FORM_COUNT, text);
        str_addf(out, "trips %s", text);
    }
    if (cool_down > 0 && e->condition != CONDITION_OK) {
        value_write(scene, cool_down, FORM_SECONDS, text);
        str_addf(out, "%sprobe in %s", out->len > 0 ? "  " : "", text);
    } else if (e->condition != CONDITION_OK && e->reason[0] != '\0') {
        str_addf(out, "%s%s", out->len > 0 ? "  " : "", e->reason);
    }
}

static void draw_row(const struct panel_scene *scene, const struct entity *e, struct canvas *c, int y,
                     int name_width)
{
    int width = canvas_width(c);
    mark_put(entity_mark(e), c, 1, y);
    canvas_put_cut(c, 3, y, name_width, ROLE_TEXT, e->name);
    int x = 3 + name_width + 1;
    entity_put_state(e, c, x, y, 11);
    x += 12;
    double failing = entity_measure(e, "failure_rate");
    if (isfinite(failing) && failing >= 0 && (e->flags & ENTITY_SILENT) == 0) {
        char text[SCENE_TEXT_SIZE];
        value_write(scene, failing, FORM_PERCENT, text);
        canvas_put_right(c, x, y, 5, ROLE_TEXT, text);
    }
    x += 7;
    int end = width - 1;
    if (entity_is_own(e) && end - x > 8) {
        canvas_put_right(c, end - 3, y, 3, ROLE_FAINT, "own");
        end -= 4;
    }
    struct str out = {0};
    story(scene, e, &out);
    canvas_put_cut(c, x, y, end - x, ROLE_TEXT, str_text(&out));
    str_fini(&out);
}

static void tile(const struct panel_scene *scene, struct canvas *c)
{
    size_t count = 0;
    const struct entity *const *list = platform_list(scene->platform, ENTITY_BREAKER, &count);
    int height = canvas_height(c), name_width = 10;
    for (size_t i = 0; i < count && (int)i < height; i++) {
        int columns_of_name = canvas_columns(c, list[i]->name);
        name_width = columns_of_name > name_width ? columns_of_name : name_width;
    }
    int most = canvas_width(c) / 3;
    name_width = name_width > most ? most : name_width;
    for (size_t i = 0; i < count && (int)i < height; i++) {
        draw_row(scene, list[i], c, (int)i, name_width);
    }
    if (count == 0) {
        canvas_put_cut(c, 1, 0, canvas_width(c) - 2, ROLE_FAINT, "no breaker is watched");
    }
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    size_t count = 0, half_open = 0;
    const struct entity *const *list = platform_list(scene->platform, ENTITY_BREAKER, &count);
    for (size_t i = 0; i < count && list[i]->condition > CONDITION_OK; i++) { /* worst first */
        half_open += entity_mark(list[i])->glyph == GLYPH_HALF;
    }
    struct condition_counts counts = platform_counts(scene->platform, ENTITY_BREAKER);
    size_t degraded = counts.by[CONDITION_DEGRADED] - half_open;
    size_t closed = counts.by[CONDITION_OK] - (counts.idle < counts.by[CONDITION_OK] ? counts.idle : 0);
    if (counts.by[CONDITION_DOWN] > 0) {
        note_part(out, "%zu open", counts.by[CONDITION_DOWN]);
    }
    if (half_open > 0) {
        note_part(out, "%zu half-open", half_open);
    }
    if (degraded > 0) {
        note_part(out, "%zu overridden", degraded);
    }
    if (closed > 0) {
        note_part(out, "%zu closed", closed);
    }
    if (counts.idle > 0) {
        note_part(out, "%zu idle", counts.idle);
    }
    if (counts.by[CONDITION_UNKNOWN] > 0) {
        note_part(out, "%zu unknown", counts.by[CONDITION_UNKNOWN]);
    }
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    (void)state;
    size_t count = 0;
    const struct entity *const *list = platform_list(scene->platform, ENTITY_BREAKER, &count);
    int x = 0, width = canvas_width(row);
    for (size_t i = 0; i < count && list[i]->condition != CONDITION_OK && x < width; i++) {
        x = mark_put(entity_mark(list[i]), row, x, 0) + 1;
        x = canvas_put(row, x, 0, ROLE_TEXT, list[i]->name) + 1;
        x = entity_put_state(list[i], row, x, 0, width - x) + 1;
        struct str out = {0};
        story(scene, list[i], &out);
        x = canvas_put_cut(row, x, 0, width - x, ROLE_FAINT, str_text(&out)) + 2;
        str_fini(&out);
    }
    struct str rest = {0};
    note(state, scene, &rest);
    if (x == 0) {
        canvas_put_cut(row, 0, 0, width, count == 0 ? ROLE_FAINT : ROLE_OK,
                       count == 0 ? "none" : str_text(&rest));
    }
    str_fini(&rest);
}

static const struct list_type type = {
    .kinds = 1u << ENTITY_BREAKER,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .tile = tile,
    .nothing = "No breaker is watched. A source with `kind: breaker` in its mapping, or a preset such as "
               "resilience4j or opossum, brings them here.",
};

const struct panel panel_breakers = {
    .name = "breakers",
    .title = "Breakers",
    .digit = '1',
    .help = "circuit breakers: state, failure rate, trips, when they probe",
    LIST_PANEL(type),
    .note = note,
    .corner = list_corner,
    .worst = list_worst,
    .summary = summary,
};
