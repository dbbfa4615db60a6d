/* Panel 6: the timeline, newest first; it follows while the newest line is selected. The page of an event has
 * everything about it: data, output, evidence. */
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "panels/entity.h"

static const struct table_column columns[] = {
    {"time", 8, 0, ALIGN_LEFT, 0}, {"incident", 8, 0, ALIGN_LEFT, 2}, {"who", 8, 1, ALIGN_LEFT, 0},
    {"", 1, 0, ALIGN_LEFT, 0},     {"what", 30, 8, ALIGN_LEFT, 0},
};

/* The text of an event arrives from the pool, perhaps after the panel was closed: then nobody owns it. */
struct reading {
    int64_t seq;
    struct str text;
    bool pending, orphan;
};

struct events {
    struct table *table;
    const struct panel_scene *scene; /* during a call only */
    VEC(size_t) rows;                /* indexes of the engine's lines, newest first */
    int64_t last_seq;
    struct str scratch;
    struct reading *reading;
    struct text_view *page;
    bool written; /* the page has what was read */
};

static void *open(const struct panel *panel)
{
    (void)panel;
    struct events *events = xcalloc(1, sizeof *events);
    events->table = table_new(columns, sizeof columns / sizeof columns[0], -1);
    events->page = text_view_new();
    return events;
}

static void reading_free(struct reading *reading)
{
    if (reading == NULL) {
        return;
    }
    if (reading->pending) {
        reading->orphan = true;
        return;
    }
    str_fini(&reading->text);
    free(reading);
}

static void close(void *state)
{
    struct events *events = state;
    reading_free(events->reading);
    text_view_free(events->page);
    table_free(events->table);
    vec_fini(&events->rows);
    str_fini(&events->scratch);
    free(events);
}

static bool shown(const struct panel_scene *scene, const struct timeline_line *line)
{
    return line->level != TIMELINE_DETAIL && line->seq <= scene->last_seq;
}

static bool update(void *state, const struct panel_scene *scene)
{
    const struct events *events = state;
    return timeline_last_seq(engine_timeline(scene->engine)) != events->last_seq;
}

/* ---- rows ---- */

static void read_rows(struct events *events)
{
    const struct timeline *timeline = engine_timeline(events->scene->engine);
    events->rows.len = 0;
    for (size_t i = timeline_count(timeline); i-- > 0;) {
        if (shown(events->scene, timeline_at(timeline, i))) {
            *vec_push(&events->rows) = i;
        }
    }
    events->last_seq = timeline_last_seq(timeline);
}

static const struct timeline_line *row_line(struct events *events, size_t row)
{
    return timeline_at(engine_timeline(events->scene->engine), events->rows.data[row]);
}

static size_t rows_count(void *data)
{
    return ((struct events *)data)->rows.len;
}

static const char *row_identity(void *data, size_t row)
{
    struct events *events = data;
    str_clear(&events->scratch);
    str_addf(&events->scratch, "%lld", (long long)row_line(events, row)->seq);
    return str_text(&events->scratch);
}

static const char *row_haystack(void *data, size_t row)
{
    struct events *events = data;
    const struct timeline_line *line = row_line(events, row);
    str_clear(&events->scratch);
    str_addf(&events->scratch, "%s %s %s", line->who, line->text, event_kind_name(line->kind));
    if (line->incident > 0) {
        str_addf(&events->scratch, " INC-%lld", (long long)line->incident);
    }
    return str_text(&events->scratch);
}

static const struct mark *line_mark(const struct timeline_line *line)
{
    return mark_find(timeline_level_name(line->level));
}

static void row_cell(void *data, size_t row, size_t column, struct table_cell *cell)
{
    struct events *events = data;
    const struct timeline_line *line = row_line(events, row);
    char text[SCENE_TEXT_SIZE] = "";
    const char *said = text;
    switch (column) {
    case 0:
        scene_time(events->scene, line->at_us, true, text);
        cell->style = ROLE_FAINT;
        break;
    case 1:
        if (line->incident > 0) {
            snprintf(text, sizeof text, "INC-%lld", (long long)line->incident);
        }
        break;
    case 2:
        said = line->who;
        cell->style = ROLE_ACTOR;
        break;
    case 3:
        said = glyph_text(line_mark(line)->glyph, false, text);
        cell->style = line_mark(line)->role;
        break;
    case 4:
        said = line->text;
        cell->style = line->level == TIMELINE_BAD ? ROLE_DOWN : ROLE_TEXT;
        break;
    }
    snprintf(cell->text, sizeof cell->text, "%s", said);
}

static int compare(void *data, size_t a, size_t b, size_t column)
{
    struct events *events = data;
    const struct timeline_line *x = row_line(events, a), *y = row_line(events, b);
    switch (column) {
    case 0:
        return (x->seq > y->seq) - (x->seq < y->seq);
    case 1:
        return (x->incident > y->incident) - (x->incident < y->incident);
    case 2:
        return strcmp(x->who, y->who);
    case 3:
        return (int)y->level - (int)x->level;
    default:
        return strcmp(x->text, y->text);
    }
}

static struct table_source rows(struct events *events)
{
    return (struct table_source){.data = events,
                                 .count = rows_count,
                                 .identity = row_identity,
                                 .cell = row_cell,
                                 .compare = compare,
                                 .haystack = row_haystack};
}

/* While the newest line is selected the newer one takes its place: the table follows. */
static void refresh(struct events *events)
{
    int column;
    bool reverse;
    table_sorting(events->table, &column, &reverse);
    bool followed =
        column < 0 && (table_selected(events->table) == NULL || table_selected_row(events->table) == 0);
    read_rows(events);
    struct table_source source = rows(events);
    table_update(events->table, &source, events->scene->filter);
    if (followed && table_rows(events->table) > 0 && table_selected_row(events->table) > 0) {
        table_command(events->table, "top");
    }
}

/* ---- an event's page ---- */

static void arrived(void *context, const char *text)
{
    struct reading *reading = context;
    reading->pending = false;
    if (reading->orphan) {
        reading_free(reading);
        return;
    }
    str_clear(&reading->text);
    str_add(&reading->text, text);
}

static void start_reading(struct events *events, const struct engine *engine, int64_t seq)
{
    reading_free(events->reading);
    events->reading = xcalloc(1, sizeof *events->reading);
    events->reading->seq = seq;
    events->reading->pending = true;
    events->written = false;
    text_view_free(events->page);
    events->page = text_view_new();
    engine_event_read(engine, seq, arrived, events->reading);
}

static void draw_page(struct events *events, struct canvas *c)
{
    struct reading *reading = events->reading;
    if (reading != NULL && !reading->pending && !events->written) {
        text_view_clear(events->page);
        text_view_add_bytes(events->page, ROLE_TEXT, str_text(&reading->text), reading->text.len);
        events->written = true;
    }
    canvas_putf(c, 1, 0, ROLE_STRONG, "event %lld", reading != NULL ? (long long)reading->seq : 0);
    if (reading != NULL && reading->pending) {
        canvas_put(c, 1, 2, ROLE_FAINT, "reading the journal");
    }
    struct canvas text = canvas_sub(c, (struct rect){1, 2, canvas_width(c) - 2, canvas_height(c) - 2});
    if (events->written) {
        text_view_draw(events->page, &text, events->scene->filter);
    }
}

/* ---- the panel ---- */

static int put_line(const struct panel_scene *scene, const struct timeline_line *line, struct canvas *c,
                    int x, int y, int who_width)
{
    int width = canvas_width(c);
    char time[SCENE_TEXT_SIZE];
    scene_time(scene, line->at_us, true, time);
    x = canvas_put_cut(c, x, y, width - x, ROLE_FAINT, time) + 1;
    canvas_put_cut(c, x, y, who_width, ROLE_ACTOR, line->who);
    x += who_width + 1;
    return canvas_put_cut(c, x, y, width - x - 1, line->level == TIMELINE_BAD ? ROLE_DOWN : ROLE_TEXT,
                          line->text);
}

static void tile(const struct panel_scene *scene, struct canvas *c)
{
    const struct timeline *timeline = engine_timeline(scene->engine);
    int y = 0, height = canvas_height(c);
    for (size_t i = timeline_count(timeline); i-- > 0 && y < height;) {
        const struct timeline_line *line = timeline_at(timeline, i);
        if (shown(scene, line)) {
            put_line(scene, line, c, 1, y++, canvas_width(c) < 50 ? 6 : 8);
        }
    }
    if (y == 0) {
        canvas_put_cut(c, 1, 0, canvas_width(c) - 2, ROLE_FAINT, "nothing has happened yet");
    }
}

static void draw(void *state, const struct panel_scene *scene, struct canvas *c, enum panel_shape shape,
                 bool focus)
{
    struct events *events = state;
    events->scene = scene;
    events->last_seq = timeline_last_seq(engine_timeline(scene->engine));
    if (shape == PANEL_TILE) {
        tile(scene, c);
    } else if (shape == PANEL_DETAIL) {
        draw_page(events, c);
    } else {
        refresh(events);
        struct table_source source = rows(events);
        table_draw(events->table, &source, c, focus);
    }
    events->scene = NULL;
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    (void)state;
    const struct timeline *timeline = engine_timeline(scene->engine);
    for (size_t i = timeline_count(timeline); i-- > 0;) {
        const struct timeline_line *line = timeline_at(timeline, i);
        if (shown(scene, line)) {
            put_line(scene, line, row, 0, 0, 8);
            return;
        }
    }
    canvas_put_cut(row, 0, 0, canvas_width(row), ROLE_FAINT, "nothing has happened yet");
}

static enum panel_answer key(void *state, const struct panel_scene *scene, const struct key *pressed,
                             const char *command, enum panel_shape shape, struct str *reply)
{
    (void)pressed;
    (void)reply;
    struct events *events = state;
    if (command == NULL || shape == PANEL_TILE) {
        return PANEL_IGNORED;
    }
    if (shape == PANEL_DETAIL) {
        return text_view_command(events->page, command) ? PANEL_REDRAW : PANEL_IGNORED;
    }
    events->scene = scene;
    refresh(events); /* keys may be faster than frames */
    events->scene = NULL;
    const char *selected = table_selected(events->table);
    if (str_eq(command, "open") && selected != NULL) {
        start_reading(events, scene->engine, strtoll(selected, NULL, 10));
        return PANEL_DETAILS;
    }
    return table_command(events->table, command) ? PANEL_REDRAW : PANEL_IGNORED;
}

static const char *selected(void *state)
{
    return table_selected(((struct events *)state)->table);
}

static enum key_context context(void *state, enum panel_shape shape)
{
    (void)state;
    return shape == PANEL_DETAIL ? CONTEXT_TEXT : CONTEXT_LIST;
}

const struct panel panel_timeline = {
    .name = "timeline",
    .title = "Timeline",
    .digit = '6',
    .help = "what happened, newest first; Enter reads an event with its output and evidence",
    .open = open,
    .close = close,
    .update = update,
    .summary = summary,
    .draw = draw,
    .key = key,
    .context = context,
    .selected = selected,
};
