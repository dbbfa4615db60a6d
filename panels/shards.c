/* Panel 3: shards by collection, the snapshots that a restore would start from, and the components. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/list.h"

#define GROUPS_SHOWN    64
#define SNAPSHOTS_SHOWN 32

static const struct list_column columns[] = {
    {{"", 1, 0, ALIGN_LEFT, 0}, COLUMN_MARK, NULL, FORM_NUMBER},
    {{"kind", 9, 0, ALIGN_LEFT, 3}, COLUMN_KIND, NULL, FORM_NUMBER},
    {{"name", 16, 3, ALIGN_LEFT, 0}, COLUMN_NAME, NULL, FORM_NUMBER},
    {{"state", 12, 0, ALIGN_LEFT, 0}, COLUMN_STATE, NULL, FORM_NUMBER},
    {{"since", 5, 0, ALIGN_RIGHT, 1}, COLUMN_SINCE, NULL, FORM_NUMBER},
    {{"replicas", 8, 0, ALIGN_RIGHT, 2}, COLUMN_MEASURE, "replicas", FORM_COUNT},
    {{"ok", 4, 0, ALIGN_RIGHT, 2}, COLUMN_MEASURE, "replicas_ok", FORM_COUNT},
    {{"points", 11, 0, ALIGN_RIGHT, 4}, COLUMN_MEASURE, "points", FORM_COUNT},
    {{"age", 5, 0, ALIGN_RIGHT, 4}, COLUMN_MEASURE, "age_s", FORM_SECONDS},
    {{"restarts", 8, 0, ALIGN_RIGHT, 5}, COLUMN_MEASURE, "restarts", FORM_COUNT},
    {{"source", 8, 1, ALIGN_LEFT, 6}, COLUMN_SOURCE, NULL, FORM_NUMBER},
    {{"why", 10, 4, ALIGN_LEFT, 3}, COLUMN_WHY, NULL, FORM_NUMBER},
};

/* "shard-5" of "docs/shard-5". */
static const char *short_name(const struct entity *e)
{
    size_t length = strlen(e->group);
    bool prefixed = length > 0 && strncmp(e->name, e->group, length) == 0 && e->name[length] == '/';
    return prefixed ? e->name + length + 1 : e->name;
}

/* "shard-5 Dead 14m, 1 replica ok" */
static void story(const struct panel_scene *scene, const struct entity *e, struct str *out)
{
    char age[SCENE_TEXT_SIZE];
    scene_age(scene, e->since_us, age);
    str_addf(out, "%s ", short_name(e));
    entity_state(e, out);
    str_addf(out, " %s", age);
    double replicas = entity_measure(e, "replicas_ok");
    if (isfinite(replicas) && (e->flags & ENTITY_SILENT) == 0) {
        str_addf(out, ", %.0f replica%s ok", replicas, replicas == 1 ? "" : "s");
    }
    if (e->condition == CONDITION_UNKNOWN) {
        str_add(out, ", ");
        entity_why(scene, e, out);
    }
}

/* A collection; shards without one are a group of their own, "". */
struct group {
    const char *name; /* the model keeps one copy of each: pointers compare */
    const struct entity *worst;
    size_t by[CONDITION_COUNT];
};

static struct group *group_of(struct group *groups, size_t *count, const struct entity *e)
{
    for (size_t i = *count; i-- > 0;) { /* in the order of names the newest one is the likely one */
        if (groups[i].name == e->group) {
            return &groups[i];
        }
    }
    if (*count == GROUPS_SHOWN) {
        return NULL;
    }
    struct group *group = &groups[(*count)++];
    *group = (struct group){.name = e->group};
    return group;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->worst->condition != y->worst->condition) {
        return (int)y->worst->condition - (int)x->worst->condition;
    }
    return strverscmp(x->name, y->name);
}

/* The collections, worst first, else by name. */
static size_t read_groups(const struct panel_scene *scene, struct group groups[static GROUPS_SHOWN])
{
    size_t total = 0, count = 0;
    const struct entity *const *list = platform_list_by_name(scene->platform, ENTITY_SHARD, &total);
    for (size_t i = 0; i < total; i++) {
        struct group *group = group_of(groups, &count, list[i]);
        if (group != NULL) {
            group->by[list[i]->condition]++;
            bool worse = group->worst == NULL || list[i]->condition > group->worst->condition;
            group->worst = worse ? list[i] : group->worst;
        }
    }
    qsort(groups, count, sizeof *groups, compare_groups);
    return count;
}

/* "●●●●● ✗ ●●●●●●": one mark a shard, those that aren't ok set apart. */
static int put_marks(const struct panel_scene *scene, const char *group, struct canvas *c, int x, int y,
                     int most)
{
    size_t total = 0;
    const struct entity *const *list = platform_list_by_name(scene->platform, ENTITY_SHARD, &total);
    const struct entity *before = NULL;
    int end = x + most;
    for (size_t i = 0; i < total; i++) {
        if (list[i]->group != group) {
            continue;
        }
        bool apart =
            list[i]->condition != CONDITION_OK || (before != NULL && before->condition != CONDITION_OK);
        x += before != NULL && apart ? 1 : 0;
        if (x >= end) {
            return canvas_put_glyph(c, end, y, ROLE_FAINT, GLYPH_ELLIPSIS);
        }
        x = mark_put(entity_mark(list[i]), c, x, y);
        before = list[i];
    }
    return x;
}

static void draw_group(const struct panel_scene *scene, const struct group *group, struct canvas *c, int y)
{
    int width = canvas_width(c), name_width = width / 6 < 9 ? 9 : width / 6;
    canvas_put_cut(c, 1, y, name_width - 1, ROLE_TEXT, group->name[0] != '\0' ? group->name : "shards");
    int x = put_marks(scene, group->name, c, name_width + 1, y, width / 3);
    if (group->worst->condition != CONDITION_OK) {
        struct str out = {0};
        story(scene, group->worst, &out);
        canvas_put_cut(c, x + 2, y, width - x - 3, entity_mark(group->worst)->role, str_text(&out));
        str_fini(&out);
    }
}

/* A line of a kind: "snapshots  docs 6h ●  chunks 31h ✗". */
static void draw_kind(const struct panel_scene *scene, enum entity_kind kind, struct canvas *c, int y)
{
    size_t count = 0;
    const struct entity *const *list = platform_list(scene->platform, kind, &count);
    int width = canvas_width(c);
    int x = canvas_put(c, 1, y, ROLE_TEXT, entity_kind_plural(kind)) + 2;
    for (size_t i = 0; i < count && i < SNAPSHOTS_SHOWN && x < width - 2; i++) {
        char age[SCENE_TEXT_SIZE] = "";
        if (kind == ENTITY_SNAPSHOT && isfinite(entity_measure(list[i], "age_s"))) {
            entity_value(scene, list[i], "age_s", FORM_SECONDS, age);
        }
        int wanted = canvas_columns(c, list[i]->name) + (int)strlen(age) + 3;
        if (x + wanted >= width && i > 0) {
            canvas_put_glyph(c, x, y, ROLE_FAINT, GLYPH_ELLIPSIS);
            return;
        }
        x = canvas_put_cut(c, x, y, width - x - 8, ROLE_TEXT, list[i]->name) + 1;
        if (age[0] != '\0') {
            x = canvas_put(c, x, y, ROLE_FAINT, age) + 1;
        }
        x = mark_put(entity_mark(list[i]), c, x, y) + 2;
    }
}

static void tile(const struct panel_scene *scene, struct canvas *c)
{
    struct group groups[GROUPS_SHOWN];
    size_t count = read_groups(scene, groups);
    int extra = 0, height = canvas_height(c), y = 0;
    static const enum entity_kind kinds[] = {ENTITY_SNAPSHOT, ENTITY_COMPONENT};
    for (size_t i = 0; i < 2; i++) {
        extra += entity_at(scene, kinds[i], 0) != NULL;
    }
    for (size_t i = 0; i < count && y < (height > extra ? height - extra : 1); i++) {
        draw_group(scene, &groups[i], c, y++);
    }
    for (size_t i = 0; i < 2 && y < height; i++) {
        if (entity_at(scene, kinds[i], 0) != NULL) {
            draw_kind(scene, kinds[i], c, y++);
        }
    }
    if (y == 0) {
        canvas_put_cut(c, 1, 0, canvas_width(c) - 2, ROLE_FAINT, "no shard is watched");
    }
}

static void group_note(const struct group *group, struct str *out)
{
    struct str part = {0};
    for (int condition = CONDITION_OK; condition < CONDITION_COUNT; condition++) {
        if (group->by[condition] > 0) {
            str_addf(&part, " %zu %s", group->by[condition], condition_name((enum condition)condition));
        }
    }
    note_part(out, "%s%s", group->name[0] != '\0' ? group->name : "shards", str_text(&part));
    str_fini(&part);
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    struct group groups[GROUPS_SHOWN];
    size_t count = read_groups(scene, groups);
    for (size_t i = 0; i < count && i < 4; i++) {
        group_note(&groups[i], out);
    }
    if (count > 4) {
        note_part(out, "%zu more", count - 4);
    }
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    static const enum entity_kind kinds[] = {ENTITY_SHARD, ENTITY_COMPONENT, ENTITY_SNAPSHOT};
    int x = 0, width = canvas_width(row);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        size_t count = 0;
        const struct entity *const *list = platform_list(scene->platform, kinds[k], &count);
        for (size_t i = 0; i < count && list[i]->condition != CONDITION_OK && x < width; i++) {
            struct str out = {0};
            str_addf(&out, "%s%s", list[i]->group, list[i]->group[0] != '\0' ? "/" : "");
            if (kinds[k] != ENTITY_SHARD) {
                str_clear(&out);
                str_addf(&out, "%s ", entity_kind_text(kinds[k]));
            }
            story(scene, list[i], &out);
            x = mark_put(entity_mark(list[i]), row, x, 0) + 1;
            x = canvas_put_cut(row, x, 0, width - x, ROLE_TEXT, str_text(&out)) + 2;
            str_fini(&out);
        }
    }
    if (x == 0) {
        struct str rest = {0};
        note(state, scene, &rest);
        canvas_put_cut(row, 0, 0, width, rest.len > 0 ? ROLE_OK : ROLE_FAINT,
                       rest.len > 0 ? rest.data : "none");
        str_fini(&rest);
    }
}

static const struct list_type type = {
    .kinds = 1u << ENTITY_SHARD | 1u << ENTITY_SNAPSHOT | 1u << ENTITY_COMPONENT,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .tile = tile,
    .nothing = "No shard, snapshot or component is watched. A preset such as qdrant brings them here.",
};

const struct panel panel_shards = {
    .name = "shards",
    .title = "Shards",
    .digit = '3',
    .help = "shards and their replicas, snapshots, components",
    LIST_PANEL(type),
    .note = note,
    .corner = list_corner,
    .worst = list_worst,
    .summary = summary,
};
