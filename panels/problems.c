/* The strip of what is broken: the worst three over all kinds, since when, who is on it, and the next move.
 * In full: all of them. */
#include <stdio.h>
#include <string.h>

#include "panels/list.h"
#include "panels/picture.h"

#define ROWS_MOST  16
#define MUTED_MOST 64

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
    const struct picture_healing *healing = picture_healing_for(p, title);
    if (healing != NULL) {
        str_add(next, healing->next);
        return;
    }
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

/* ---- muted ones are out of the way, but counted: nothing is ok because nobody wants to see it ---- */

static bool is_muted(const struct panel_scene *scene, const struct entity *e)
{
    struct str title = {0};
    entity_title(e, &title);
    bool muted = mutes_find(engine_mutes(scene->engine), str_text(&title), scene->wall_us) != NULL;
    str_fini(&title);
    return muted;
}

/* How many of the muted are problems. */
static size_t count_muted(const struct panel_scene *scene)
{
    const struct mutes *mutes = engine_mutes(scene->engine);
    size_t muted = 0;
    for (size_t i = 0; i < mutes->len; i++) {
        const char *name = strchr(mutes->data[i].entity, ' ');
        for (int kind = 0; name != NULL && kind < ENTITY_KIND_COUNT; kind++) {
            const char *word = entity_kind_text((enum entity_kind)kind);
            const struct entity *e =
                str_starts(mutes->data[i].entity, word)
                    ? platform_find(scene->platform, (enum entity_kind)kind, NULL, name + 1)
                    : NULL;
            muted += e != NULL && e->condition != CONDITION_OK && is_muted(scene, e);
        }
    }
    return muted;
}

/* The worst that aren't muted, at most room; how many there are besides, and how many are muted. */
static size_t worst_shown(const struct panel_scene *scene, const struct entity **shown, size_t room,
                          size_t *more, size_t *muted)
{
    const struct entity *worst[ROWS_MOST + MUTED_MOST];
    size_t total = 0, count, kept = 0;
    *muted = count_muted(scene);
    count =
        platform_problems(scene->platform, worst, room + (*muted < MUTED_MOST ? *muted : MUTED_MOST), &total);
    for (size_t i = 0; i < count && kept < room; i++) {
        if (*muted == 0 || !is_muted(scene, worst[i])) {
            shown[kept++] = worst[i];
        }
    }
    *more = total > kept + *muted ? total - kept - *muted : 0;
    return kept;
}

static void nothing(const struct panel_scene *scene, struct canvas *c, size_t muted)
{
    int width = canvas_width(c);
    if (muted > 0) {
        int x = mark_put(mark_find("unknown"), c, 0, 0) + 1;
        x = canvas_putf(c, x, 0, ROLE_UNKNOWN, "%zu muted", muted);
        canvas_put_cut(c, x, 0, width - x, ROLE_FAINT, ", no other (:mute lists them)");
        return;
    }
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

/* "+9 more, 2 muted" at the end of the last row. Returns the column before it. */
static int put_others(struct canvas *c, int y, size_t more, size_t muted)
{
    char text[64] = "";
    int width = canvas_width(c);
    if (more > 0 && muted > 0) {
        snprintf(text, sizeof text, "+%zu more, %zu muted", more, muted);
    } else if (more + muted > 0) {
        snprintf(text, sizeof text, "+%zu %s", more + muted, more > 0 ? "more" : "muted");
    }
    return text[0] != '\0' ? canvas_put_right(c, 0, y, width, ROLE_STRONG, text) - 1 : width;
}

static void strip(const struct panel_scene *scene, struct canvas *c)
{
    const struct entity *list[ROWS_MOST];
    size_t more, muted;
    int height = canvas_height(c);
    size_t room = height < ROWS_MOST ? (size_t)(height < 0 ? 0 : height) : ROWS_MOST;
    struct picture own = {0};
    const struct picture *p = picture_look(scene, PICTURE_RUNS, &own);
    size_t count = worst_shown(scene, list, room, &more, &muted);
    for (size_t i = 0; i < count; i++) {
        int width = i + 1 == count ? put_others(c, (int)i, more, muted) : canvas_width(c);
        draw_row(scene, p, list[i], c, (int)i, width);
    }
    picture_fini(&own);
    if (count == 0) {
        nothing(scene, c, muted);
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
    if (count_muted(scene) > 0) {
        str_addf(out, ", %zu of them muted", count_muted(scene));
    }
}

/* No false ok: nothing is broken only where something is watched, and has answered. */
static const char *why_nothing(const struct panel_scene *scene)
{
    return platform_source_count(scene->platform) == 0
               ? "Nothing is watched: no source is configured, so nobody knows what is broken."
           : platform_condition(scene->platform) != CONDITION_OK
               ? "Nothing is known to be broken, but not everything has answered (9 shows the sources)."
               : NULL;
}

static const struct list_type type = {
    .kinds = LIST_ALL_KINDS,
    .problems_only = true,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .tile = strip,
    .nothing = "Nothing is broken, as far as the sources say.",
    .why_nothing = why_nothing,
};

const struct panel panel_problems = {
    .name = "problems",
    .title = "PROBLEMS",
    .help = "what isn't ok, the worst first, who is on it and what comes next",
    LIST_PANEL(type),
    .note = note,
    .worst = worst,
};
