/* Panel 4: jobs and their checkpoints: how far, how fast, how much would be lost. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "panels/list.h"

static const struct list_column columns[] = {
    {{"", 1, 0, ALIGN_LEFT, 0}, COLUMN_MARK, NULL, FORM_NUMBER},
    {{"job", 14, 3, ALIGN_LEFT, 0}, COLUMN_NAME, NULL, FORM_NUMBER},
    {{"state", 10, 0, ALIGN_LEFT, 0}, COLUMN_STATE, NULL, FORM_NUMBER},
    {{"since", 5, 0, ALIGN_RIGHT, 3}, COLUMN_SINCE, NULL, FORM_NUMBER},
    {{"done", 10, 0, ALIGN_RIGHT, 0}, COLUMN_MEASURE, "done", FORM_COUNT},
    {{"total", 10, 0, ALIGN_RIGHT, 1}, COLUMN_MEASURE, "total", FORM_COUNT},
    {{"rate", 8, 0, ALIGN_RIGHT, 2}, COLUMN_MEASURE, "rate", FORM_RATE},
    {{"last", 5, 0, ALIGN_RIGHT, 1}, COLUMN_MEASURE, "checkpoint_age_s", FORM_SECONDS},
    {{"every", 7, 0, ALIGN_RIGHT, 3}, COLUMN_MEASURE, "interval", FORM_COUNT},
    {{"ETA", 5, 0, ALIGN_RIGHT, 2}, COLUMN_MEASURE, "eta_s", FORM_SECONDS},
    {{"cost", 6, 0, ALIGN_RIGHT, 4}, COLUMN_MEASURE, "cost", FORM_MONEY},
    {{"source", 8, 1, ALIGN_LEFT, 6}, COLUMN_SOURCE, NULL, FORM_NUMBER},
    {{"why", 10, 4, ALIGN_LEFT, 5}, COLUMN_WHY, NULL, FORM_NUMBER},
};

/* Share done, 0..1; NaN without a total. */
static double share(const struct entity *e)
{
    double done = entity_measure(e, "done"), total = entity_measure(e, "total");
    if (!isfinite(done) || !isfinite(total) || total <= 0) {
        return (double)NAN;
    }
    return done >= total ? 1 : done / total;
}

static bool finished(const struct entity *e)
{
    return strcasecmp(e->raw, "done") == 0 || strcasecmp(e->raw, "completed") == 0;
}

static int put_mark(const struct entity *e, struct canvas *c, int x, int y)
{
    if (e->condition == CONDITION_OK) {
        return mark_put(mark_find(finished(e) ? "done" : "running"), c, x, y);
    }
    return mark_put(entity_mark(e), c, x, y);
}

/* "60% 30,000/50,000", or "14% stalled 9m" */
static void progress(const struct panel_scene *scene, const struct entity *e, struct str *out)
{
    char text[SCENE_TEXT_SIZE];
    double part = share(e);
    if (isfinite(part)) {
        /* Rounded down: 100 % is only said of what is complete. */
        str_addf(out, "%d%% ", (int)(part * 100));
    }
    if (e->condition != CONDITION_OK) {
        entity_state(e, out);
        scene_age(scene, e->since_us, text);
        str_addf(out, " %s", text);
        return;
    }
    entity_value(scene, e, "done", FORM_COUNT, text);
    str_add(out, text);
    if (isfinite(part)) {
        entity_value(scene, e, "total", FORM_COUNT, text);
        str_addf(out, "/%s", text);
    }
}

/* "every 100 · last 2s · 412/s · ETA 48s · $3.74" */
static void story(const struct panel_scene *scene, const struct entity *e, struct str *out)
{
    static const struct {
        const char *before, *measure;
        enum value_form form;
    } parts[] = {
        {"every ", "interval", FORM_COUNT},
        {"last ", "checkpoint_age_s", FORM_SECONDS},
        {"", "rate", FORM_RATE},
        {"ETA ", "eta_s", FORM_SECONDS},
        {"", "cost", FORM_MONEY},
    };
    if (e->condition == CONDITION_UNKNOWN) {
        entity_why(scene, e, out);
        return;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char text[SCENE_TEXT_SIZE];
        if (isfinite(entity_measure(e, parts[i].measure))) {
            entity_value(scene, e, parts[i].measure, parts[i].form, text);
            note_part(out, "%s%s", parts[i].before, text);
        }
    }
    if (e->condition != CONDITION_OK && e->reason[0] != '\0') {
        note_part(out, "%s", e->reason);
    }
}

static void draw_job(const struct panel_scene *scene, const struct entity *e, struct canvas *c, int y,
                     bool with_story)
{
    int width = canvas_width(c), name_width = width / 5 < 8 ? 8 : width / 5;
    put_mark(e, c, 1, y);
    canvas_put_cut(c, 3, y, name_width, ROLE_TEXT, e->name);
    int x = 3 + name_width + 1, bar = width / 4;
    struct str out = {0};
    progress(scene, e, &out);
    double part = share(e);
    if (isfinite(part) && bar >= 4) {
        canvas_bar(c, x, y, bar, ROLE_BAR, part);
        x += bar + 1;
    }
    unsigned style = e->condition == CONDITION_OK ? ROLE_TEXT : entity_mark(e)->role;
    canvas_put_cut(c, x, y, width - x - 1, style, str_text(&out));
    str_clear(&out);
    if (with_story) {
        story(scene, e, &out);
        canvas_put_cut(c, 5, y + 1, width - 6, ROLE_FAINT, str_text(&out));
    }
    str_fini(&out);
}

static void tile(const struct panel_scene *scene, struct canvas *c)
{
    size_t count = 0;
    const struct entity *const *list = platform_list(scene->platform, ENTITY_JOB, &count);
    int height = canvas_height(c), y = 0;
    for (size_t i = 0; i < count && y < height; i++) {
        size_t left = count - i;
        bool with_story = !finished(list[i]) && (int)left < height - y;
        draw_job(scene, list[i], c, y, with_story);
        y += with_story ? 2 : 1;
    }
    if (count == 0) {
        canvas_put_cut(c, 1, 0, canvas_width(c) - 2, ROLE_FAINT, "no job is watched");
    }
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    size_t count = 0, running = 0, done = 0;
    const struct entity *const *list = platform_list(scene->platform, ENTITY_JOB, &count);
    for (size_t i = 0; i < count; i++) {
        bool ok = list[i]->condition == CONDITION_OK;
        done += ok && finished(list[i]);
        running += ok && !finished(list[i]);
    }
    struct condition_counts counts = platform_counts(scene->platform, ENTITY_JOB);
    if (running > 0) {
        note_part(out, "%zu running", running);
    }
    if (counts.by[CONDITION_DEGRADED] > 0) {
        note_part(out, "%zu late", counts.by[CONDITION_DEGRADED]);
    }
    if (counts.by[CONDITION_DOWN] > 0) {
        note_part(out, "%zu stalled", counts.by[CONDITION_DOWN]);
    }
    if (done > 0) {
        note_part(out, "%zu done", done);
    }
    if (counts.by[CONDITION_UNKNOWN] > 0) {
        note_part(out, "%zu unknown", counts.by[CONDITION_UNKNOWN]);
    }
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    (void)state;
    size_t count = 0;
    const struct entity *const *list = platform_list(scene->platform, ENTITY_JOB, &count);
    int x = 0, width = canvas_width(row);
    for (size_t i = 0; i < count && x < width; i++) {
        struct str out = {0};
        str_addf(&out, "%s ", list[i]->name);
        progress(scene, list[i], &out);
        x = put_mark(list[i], row, x, 0) + 1;
        x = canvas_put_cut(row, x, 0, width - x, ROLE_TEXT, str_text(&out)) + 2;
        str_fini(&out);
    }
    if (count == 0) {
        canvas_put_cut(row, 0, 0, width, ROLE_FAINT, "none");
    }
}

static const struct list_type type = {
    .kinds = 1u << ENTITY_JOB,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .tile = tile,
    .nothing = "No job is watched. A redis source with `preset: checkpoints`, or a mapping with `kind: job`, "
               "brings them here.",
};

const struct panel panel_checkpoints = {
    .name = "checkpoints",
    .title = "Checkpoints",
    .digit = '4',
    .help = "jobs: progress, rate, age of the last checkpoint, cost",
    LIST_PANEL(type),
    .note = note,
    .corner = list_corner,
    .worst = list_worst,
    .summary = summary,
};
