#include "panels/list.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/detail.h"

struct list {
    const struct list_type *type;
    struct table *table;
    struct table_column *heads;
    VEC(uint32_t) ids; /* the rows, worst first */
    uint64_t version;  /* of the platform when they were read */
    uint64_t seen;     /* and when anything was drawn */
    const struct platform *platform;
    struct str filter; /* that the table was read with */
    bool resort;
    const struct panel_scene *scene; /* during a call only */
    struct str scratch;
    char identity[12];   /* the row's that was asked for last */
    struct str selected; /* entity_key of the selected one */
    struct detail *detail;
    uint32_t detailed; /* whose page is open */
};

void *list_open(const struct panel *panel)
{
    const struct list_type *type = panel->type;
    struct list *l = xcalloc(1, sizeof *l);
    l->type = type;
    l->heads = xcalloc(type->column_count, sizeof *l->heads);
    for (size_t i = 0; i < type->column_count; i++) {
        l->heads[i] = type->columns[i].head;
    }
    l->table = table_new(l->heads, type->column_count, -1);
    l->detail = detail_new();
    l->resort = true;
    return l;
}

void list_close(void *state)
{
    struct list *l = state;
    table_free(l->table);
    detail_free(l->detail);
    free(l->heads);
    vec_fini(&l->ids);
    str_fini(&l->filter);
    str_fini(&l->scratch);
    str_fini(&l->selected);
    free(l);
}

/* ---- the rows as the table sees them ---- */

static const struct entity *row_entity(struct list *l, size_t row)
{
    return platform_entity(l->scene->platform, l->ids.data[row]);
}

static size_t rows_count(void *data)
{
    return ((struct list *)data)->ids.len;
}

static const char *row_identity(void *data, size_t row)
{
    struct list *l = data;
    /* By hand: of 10,000 rows each is asked for at every change. */
    char *end = l->identity + sizeof l->identity - 1;
    uint32_t id = l->ids.data[row];
    do {
        *--end = (char)('0' + id % 10);
        id /= 10;
    } while (id > 0);
    return end;
}

static const char *row_haystack(void *data, size_t row)
{
    struct list *l = data;
    const struct entity *e = row_entity(l, row);
    str_clear(&l->scratch);
    if (e == NULL) {
        return "";
    }
    str_add(&l->scratch, entity_kind_text(e->kind));
    str_add_char(&l->scratch, ' ');
    str_add(&l->scratch, e->name);
    str_add_char(&l->scratch, ' ');
    entity_state(e, &l->scratch);
    const char *const rest[] = {condition_name(e->condition), e->source, e->reason};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        str_add_char(&l->scratch, ' ');
        str_add(&l->scratch, rest[i]);
    }
    return str_text(&l->scratch);
}

static const char *column_text(struct list *l, const struct entity *e, const struct list_column *column,
                               struct str *out)
{
    char text[SCENE_TEXT_SIZE];
    switch (column->kind) {
    case COLUMN_MARK:
        return "";
    case COLUMN_KIND:
        return entity_kind_text(e->kind);
    case COLUMN_NAME:
        return e->name;
    case COLUMN_GROUP:
        return e->group;
    case COLUMN_SOURCE:
        return e->source;
    case COLUMN_OWN:
        return entity_is_own(e) ? "own" : "read";
    case COLUMN_ATTRIBUTE:
        return entity_attribute(e, column->name);
    case COLUMN_STATE:
        entity_state(e, out);
        return str_text(out);
    case COLUMN_WHY:
        entity_why(l->scene, e, out);
        return str_text(out);
    case COLUMN_SINCE:
        scene_age(l->scene, e->since_us, text);
        break;
    case COLUMN_MEASURE:
        entity_value(l->scene, e, column->name, column->form, text);
        break;
    case COLUMN_SIGNAL:
        signal_value(e, entity_measure(e, column->name), text);
        break;
    }
    str_add(out, text);
    return str_text(out);
}

static void row_cell(void *data, size_t row, size_t index, struct table_cell *cell)
{
    struct list *l = data;
    const struct list_column *column = &l->type->columns[index];
    const struct entity *e = row_entity(l, row);
    if (e == NULL) {
        return;
    }
    if (column->kind == COLUMN_MARK) {
        const struct mark *mark = entity_mark(e);
        char glyph[5];
        snprintf(cell->text, sizeof cell->text, "%s", glyph_text(mark->glyph, false, glyph));
        cell->style = mark->role;
        return;
    }
    struct str out = {0};
    snprintf(cell->text, sizeof cell->text, "%s", column_text(l, e, column, &out));
    str_fini(&out);
    if (column->kind == COLUMN_STATE) {
        cell->style = entity_mark(e)->role;
    } else if (column->kind == COLUMN_SINCE || column->kind == COLUMN_SOURCE || column->kind == COLUMN_KIND) {
        cell->style = ROLE_FAINT;
    }
}

static int compare_numbers(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return isnan(a) - isnan(b); /* what has no value comes last */
    }
    return (a > b) - (a < b);
}

static int compare_rows(void *data, size_t a, size_t b, size_t index)
{
    struct list *l = data;
    const struct list_column *column = &l->type->columns[index];
    const struct entity *x = row_entity(l, a), *y = row_entity(l, b);
    if (x == NULL || y == NULL) {
        return (x == NULL) - (y == NULL);
    }
    switch (column->kind) {
    case COLUMN_MARK:
        return (int)y->condition - (int)x->condition; /* worst first */
    case COLUMN_KIND:
        return (int)x->kind - (int)y->kind;
    case COLUMN_NAME:
        return strverscmp(x->name, y->name);
    case COLUMN_GROUP:
        return strverscmp(x->group, y->group);
    case COLUMN_SOURCE:
        return strverscmp(x->source, y->source);
    case COLUMN_OWN:
        return (int)entity_is_own(y) - (int)entity_is_own(x);
    case COLUMN_SINCE:
        return (x->since_us < y->since_us) - (x->since_us > y->since_us); /* youngest first */
    case COLUMN_MEASURE:
    case COLUMN_SIGNAL:
        return compare_numbers(entity_measure(x, column->name), entity_measure(y, column->name));
    case COLUMN_ATTRIBUTE:
        return strverscmp(entity_attribute(x, column->name), entity_attribute(y, column->name));
    case COLUMN_STATE:
        return strcmp(x->raw, y->raw);
    case COLUMN_WHY:
        return strcmp(x->reason, y->reason);
    }
    return 0;
}

static struct table_source rows(struct list *l)
{
    return (struct table_source){.data = l,
                                 .count = rows_count,
                                 .identity = row_identity,
                                 .cell = row_cell,
                                 .compare = compare_rows,
                                 .haystack = row_haystack};
}

/* ---- the panel's functions ---- */

static uint64_t version_of(const struct list *l, const struct panel_scene *scene)
{
    uint64_t version = 0;
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        if (l->type->kinds & 1u << kind) {
            version += platform_version(scene->platform, (enum entity_kind)kind);
        }
    }
    return version;
}

static void read_problems(struct list *l)
{
    size_t count = 0;
    platform_problems(l->scene->platform, NULL, 0, &count);
    const struct entity **problems = xcalloc(count + 1, sizeof *problems);
    size_t found = platform_problems(l->scene->platform, problems, count, NULL);
    for (size_t i = 0; i < found; i++) {
        *vec_push(&l->ids) = problems[i]->id;
    }
    free(problems);
}

static void read_rows(struct list *l)
{
    l->ids.len = 0;
    if (l->type->problems_only) {
        read_problems(l);
        return;
    }
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        if ((l->type->kinds & 1u << kind) == 0) {
            continue;
        }
        size_t count = 0;
        const struct entity *const *list = platform_list(l->scene->platform, (enum entity_kind)kind, &count);
        for (size_t i = 0; i < count; i++) {
            *vec_push(&l->ids) = list[i]->id;
        }
    }
}

static void remember_selection(struct list *l)
{
    const char *identity = table_selected(l->table);
    const struct entity *e =
        identity == NULL ? NULL : platform_entity(l->scene->platform, (uint32_t)strtoul(identity, NULL, 10));
    str_clear(&l->selected);
    if (e != NULL) {
        entity_key(e, &l->selected);
    }
}

/* The rows of a table with 10,000 things are read only when somebody looks at them: in draw. */
static void refresh(struct list *l)
{
    const struct panel_scene *scene = l->scene;
    const char *filter = scene->filter == NULL ? "" : filter_text(scene->filter);
    uint64_t version = version_of(l, scene);
    bool same = version == l->version && l->platform == scene->platform;
    if (same && !l->resort && str_eq(filter, str_text(&l->filter))) {
        return;
    }
    if (!same || l->ids.len == 0) {
        read_rows(l);
    }
    struct table_source source = rows(l);
    table_update(l->table, &source, scene->filter);
    l->version = version;
    l->platform = scene->platform;
    l->resort = false;
    str_clear(&l->filter);
    str_add(&l->filter, filter);
    remember_selection(l);
}

bool list_update(void *state, const struct panel_scene *scene)
{
    const struct list *l = state;
    return version_of(l, scene) != l->seen;
}

int list_worst(void *state, const struct panel_scene *scene)
{
    const struct list *l = state;
    int worst = 0;
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        if (l->type->kinds & 1u << kind) {
            int of_kind = entity_worst(scene, (enum entity_kind)kind);
            worst = of_kind > worst ? of_kind : worst;
        }
    }
    return worst;
}

void list_corner(void *state, const struct panel_scene *scene, struct str *out)
{
    const struct list *l = state;
    for (int kind = 0; kind < ENTITY_KIND_COUNT && out->len == 0; kind++) {
        if (l->type->kinds & 1u << kind) {
            entity_interval(scene, (enum entity_kind)kind, out);
        }
    }
}

static void draw_full(struct list *l, struct canvas *c, bool focus)
{
    refresh(l);
    if (l->ids.len == 0) {
        const char *why = l->type->why_nothing != NULL ? l->type->why_nothing(l->scene) : NULL;
        canvas_put_wrapped(c, 1, 1, canvas_width(c) - 2, ROLE_FAINT, why != NULL ? why : l->type->nothing);
        return;
    }
    struct table_source source = rows(l);
    table_draw(l->table, &source, c, focus);
}

void list_draw(void *state, const struct panel_scene *scene, struct canvas *c, enum panel_shape shape,
               bool focus)
{
    struct list *l = state;
    l->scene = scene;
    if (shape == PANEL_TILE) {
        l->type->tile(scene, c);
    } else if (shape == PANEL_FULL) {
        draw_full(l, c, focus);
    } else {
        refresh(l);
        detail_update(l->detail, scene, l->detailed);
        detail_draw(l->detail, scene, c);
    }
    l->seen = version_of(l, scene);
    l->scene = NULL;
}

static bool open_details(struct list *l)
{
    const char *identity = table_selected(l->table);
    if (identity == NULL) {
        return false;
    }
    l->detailed = (uint32_t)strtoul(identity, NULL, 10);
    return true;
}

/* The one that is shown or selected; NULL: none. */
static const struct entity *meant(struct list *l, const struct panel_scene *scene, enum panel_shape shape)
{
    const char *identity = shape == PANEL_DETAIL ? NULL : table_selected(l->table);
    uint32_t id = identity != NULL ? (uint32_t)strtoul(identity, NULL, 10) : l->detailed;
    return shape == PANEL_DETAIL || identity != NULL ? platform_entity(scene->platform, id) : NULL;
}

/* "logs shard docs/shard-5". */
static enum panel_answer ask_logs(const struct entity *e, struct str *reply)
{
    if (e == NULL) {
        return PANEL_IGNORED;
    }
    str_add(reply, "logs ");
    entity_title(e, reply);
    return PANEL_COMMAND;
}

/* "breaker pay-api": it asks the rest. */
static enum panel_answer ask_override(const struct entity *e, struct str *reply)
{
    if (e == NULL || e->kind != ENTITY_BREAKER) {
        return PANEL_IGNORED;
    }
    str_addf(reply, "breaker %s", e->name);
    return PANEL_COMMAND;
}

enum panel_answer list_key(void *state, const struct panel_scene *scene, const struct key *key,
                           const char *command, enum panel_shape shape, struct str *reply)
{
    (void)key;
    struct list *l = state;
    if (command == NULL || shape == PANEL_TILE) {
        return PANEL_IGNORED;
    }
    if (str_eq(command, "logs")) {
        return ask_logs(meant(l, scene, shape), reply);
    }
    if (str_eq(command, "override")) {
        return ask_override(meant(l, scene, shape), reply);
    }
    if (shape == PANEL_DETAIL) {
        return detail_command(l->detail, command) ? PANEL_REDRAW : PANEL_IGNORED;
    }
    l->scene = scene;
    refresh(l);
    enum panel_answer answer = PANEL_IGNORED;
    if (str_eq(command, "open")) {
        answer = open_details(l) ? PANEL_DETAILS : PANEL_IGNORED;
    } else if (table_command(l->table, command)) {
        l->resort = str_starts(command, "sort");
        remember_selection(l);
        answer = PANEL_REDRAW;
    }
    l->scene = NULL;
    return answer;
}

const char *list_selected(void *state)
{
    const struct list *l = state;
    return l->selected.len > 0 ? l->selected.data : NULL;
}
