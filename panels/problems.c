/* The strip of what is broken: the worst three over all kinds, since when, who is on it, and the next move.
 * In full: all of them. */
#include <stdio.h>
#include <string.h>

#include "panels/list.h"
#include "panels/picture.h"

#define ROWS_MOST 16

static const struct list_column columns[] = {
    {{"", 1, 0, ALIGN_LEFT, 0}, COLUMN_MARK, NULL, FORM_NUMBER},
    {{"kind", 9, 0, ALIGN_LEFT, 2}, COLUMN_KIND, NULL, FORM_NUMBER},
    {{"name", 16, 3, ALIGN_LEFT, 0}, COLUMN_NAME, NULL, FORM_NUMBER},
    {{"state", 11, 0, ALIGN_LEFT, 0}, COLUMN_STATE, NULL, FORM_NUMBER},
    {{"since", 5, 0, ALIGN_RIGHT, 0}, COLUMN_SINCE, NULL, FORM_NUMBER},
    {{"source", 8, 1, ALIGN_LEFT, 3}, COLUMN_SOURCE, NULL, FORM_NUMBER},
    {{"why", 16, 5, ALIGN_LEFT, 1}, COLUMN_WHY, NULL, FORM_NUMBER},
};

/* Who is on it, and what comes next. */
static void hands(const struct picture *p, const char *title, struct str *who, struct str *next)
{
    const struct picture_run *run = picture_run_for(p, title);
    if (run != NULL) {
        str_addf(who, "%s, run %lld step %d", run->actor, (long long)run->id, run->place);
        str_addf(next, "%s (runbook %s)", run->next, run->book);
        return;
    }
    str_add(who, "nobody");
    for (size_t i = 0; i < p->offers.len; i++) {
        const struct picture_offer *offer = &p->offers.data[i];
        if (offer->offered && offer->book[0] != '\0' && str_eq(offer->entity, title)) {
            str_addf(next, "offered: %s", offer->book);
            return;
        }
    }
}

/* end: what follows belongs to "+9 more". */
static void draw_row(const struct panel_scene *scene, const struct picture *p, const struct entity *e,
                     struct canvas *c, int y, int end)
{
    int width = canvas_width(c);
    struct str title = {0}, what = {0}, who = {0}, next = {0};
    char age[SCENE_TEXT_SIZE];
    entity_title(e, &title);
    entity_state(e, &what);
    scene_age(scene, e->since_us, age);
    hands(p, str_text(&title), &who, &next);
    int column = width < 60 ? end : width < 100 ? width * 11 / 20 : width * 2 / 5;
    int who_width = width < 100 ? 0 : width / 5;
    int x = mark_put(entity_mark(e), c, 0, y) + 1;
    int tail = canvas_columns(c, str_text(&what)) + (int)strlen(age) + 3;
    x = canvas_put_cut(c, x, y, column - x - tail, ROLE_STRONG, str_text(&title)) + 1;
    x = canvas_put_cut(c, x, y, column - x, entity_mark(e)->role, str_text(&what)) + 1;
    canvas_put_cut(c, x, y, column - x, ROLE_TEXT, age);
    if (column < end) {
        x = column + 1;
        bool somebody = !str_eq(str_text(&who), "nobody");
        if (who_width > 0) {
            canvas_put_cut(c, x, y, who_width - 1, somebody ? ROLE_ACTOR : ROLE_FAINT, str_text(&who));
            x += who_width;
        }
        struct str *last = next.len > 0 || who_width > 0 ? &next : &who;
        canvas_put_cut(c, x, y, end - x, ROLE_TEXT, str_text(last));
    }
    str_fini(&title);
    str_fini(&what);
    str_fini(&who);
    str_fini(&next);
}

static const struct source_view *unclear_source(const struct platform *p)
{
    for (size_t i = 0; i < platform_source_count(p); i++) {
        const struct source_view *source = platform_source(p, i);
        if (source->state == SOURCE_UNCLEAR) {
            return source;
        }
    }
    return NULL;
}

static void nothing(const struct panel_scene *scene, struct canvas *c)
{
    int width = canvas_width(c);
    if (platform_source_count(scene->platform) == 0) {
        canvas_put_cut(c, 0, 0, width, ROLE_FAINT, "nothing is watched: no source is configured");
    } else if (platform_condition(scene->platform) != CONDITION_OK) {
        const struct source_view *source = unclear_source(scene->platform);
        int x = mark_put(mark_find("unknown"), c, 0, 0) + 1;
        if (source != NULL) {
            x = canvas_put_cut(c, x, 0, width - x, ROLE_STRONG, source->name) + 1;
        }
        canvas_put_cut(c, x, 0, width - x, ROLE_UNKNOWN,
                       source != NULL ? source->error
                                      : "not everything has answered yet (9 shows the sources)");
    } else {
        int x = mark_put(mark_find("ok"), c, 0, 0) + 1;
        canvas_put_cut(c, x, 0, width - x, ROLE_OK, "none");
    }
}

static void strip(const struct panel_scene *scene, struct canvas *c)
{
    const struct entity *worst[ROWS_MOST];
    size_t total = 0;
    int height = canvas_height(c);
    size_t room = height < ROWS_MOST ? (size_t)(height < 0 ? 0 : height) : ROWS_MOST;
    size_t count = platform_problems(scene->platform, worst, room, &total);
    struct picture own = {0};
    const struct picture *p = picture_look(scene, PICTURE_RUNS, &own);
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count && total > count;
        int width = canvas_width(c);
        if (last) {
            char more[24];
            snprintf(more, sizeof more, "+%zu more", total - count);
            int x = canvas_put_right(c, 0, (int)i, width, ROLE_STRONG, more);
            width = x - 1;
        }
        draw_row(scene, p, worst[i], c, (int)i, width);
    }
    picture_fini(&own);
    if (count == 0) {
        nothing(scene, c);
    }
}

static int worst(void *state, const struct panel_scene *scene)
{
    (void)state;
    const struct entity *first;
    size_t count = platform_problems(scene->platform, &first, 1, NULL);
    return count == 0                              ? 0
           : first->condition == CONDITION_DOWN    ? 3
           : first->condition == CONDITION_UNKNOWN ? 2
                                                   : 1;
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    size_t total = 0;
    platform_problems(scene->platform, NULL, 0, &total);
    str_addf(out, "%zu", total);
}

static const struct list_type type = {
    .kinds = LIST_ALL_KINDS,
    .problems_only = true,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .tile = strip,
    .nothing = "Nothing is broken, as far as the sources say.",
};

static void *open(const struct engine *engine)
{
    (void)engine;
    return list_open(&type);
}

const struct panel panel_problems = {
    .name = "problems",
    .title = "PROBLEMS",
    .help = "what isn't ok, the worst first, who is on it and what comes next",
    .open = open,
    LIST_PANEL,
    .note = note,
    .worst = worst,
};
