/* Panel 9: the sources: who answers, how fast, how old it is. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/entity.h"
#include "panels/picture.h"
#include "panels/spans.h"

static const struct table_column columns[] = {
    {"", 1, 0, ALIGN_LEFT, 0},
    {"source", 10, 1, ALIGN_LEFT, 0},
    {"kind", 10, 0, ALIGN_LEFT, 4},
    {"every", 5, 0, ALIGN_RIGHT, 3},
    {"last good", 9, 0, ALIGN_RIGHT, 0},
    {"took", 7, 0, ALIGN_RIGHT, 2},
    {"rows", 6, 0, ALIGN_RIGHT, 2},
    {"ok 1h", 5, 0, ALIGN_RIGHT, 4},
    {"failures", 8, 0, ALIGN_RIGHT, 3},
    {"target", 20, 3, ALIGN_LEFT, 5},
    {"error or note", 20, 5, ALIGN_LEFT, 1},
};

struct source_list {
    struct table *table;
    const struct panel_scene *scene; /* during a call only, */
    const struct picture *picture;   /* this too */
    struct str scratch;
    struct text_view *page;
    char *detailed;                                  /* the source whose page is open */
    bool fresh;                                      /* and it has not been drawn yet */
    struct measures_sums spans[MEASURES_SPAN_COUNT]; /* of it; kept while the picture is frozen, */
    struct source_mishap mishaps[SOURCE_MISHAPS];    /* these too */
    size_t mishap_count;
    bool measured;
    uint64_t seen; /* checksum of what a tile shows */
};

static void *open(const struct panel *panel)
{
    (void)panel;
    struct source_list *list = xcalloc(1, sizeof *list);
    list->table = table_new(columns, sizeof columns / sizeof columns[0], -1);
    list->page = text_view_new();
    return list;
}

static void close(void *state)
{
    struct source_list *list = state;
    table_free(list->table);
    text_view_free(list->page);
    str_fini(&list->scratch);
    free(list->detailed);
    free(list);
}

/* The mirror is no source: lines go out to it when there are some. */
static bool is_polled(const struct source_status *status)
{
    return status->every_us > 0;
}

static const char *word(const struct panel_scene *scene, const struct source_status *status)
{
    const struct source_view *view =
        is_polled(status) ? platform_source_find(scene->platform, status->name) : NULL;
    if (view == NULL || view->state == SOURCE_NEW) {
        return status->error[0] != '\0' ? "degraded" : view == NULL && status->answered ? "ok" : "pending";
    }
    return view->state == SOURCE_SILENT || view->state == SOURCE_UNCLEAR ? "unknown"
           : view->state == SOURCE_FAILING                               ? "degraded"
                                                                         : "ok";
}

static const char *state_text(const struct panel_scene *scene, const struct source_status *status)
{
    const struct source_view *view = platform_source_find(scene->platform, status->name);
    const char *state = word(scene, status);
    return str_eq(state, "unknown")    ? source_state_text(view->state)
           : str_eq(state, "degraded") ? "failing"
           : str_eq(state, "pending")  ? is_polled(status) ? "no answer yet" : "nothing sent yet"
                                       : "ok";
}

static const struct source_status *row_status(const struct source_list *list, size_t row)
{
    return &list->picture->sources.data[row];
}

static size_t rows_count(void *data)
{
    return ((struct source_list *)data)->picture->sources.len;
}

static const char *row_identity(void *data, size_t row)
{
    return row_status(data, row)->name;
}

static const char *row_haystack(void *data, size_t row)
{
    struct source_list *list = data;
    const struct source_status *status = row_status(list, row);
    str_clear(&list->scratch);
    str_addf(&list->scratch, "%s %s %s %s %s", status->name, status->kind, status->target, status->error,
             state_text(list->scene, status));
    return str_text(&list->scratch);
}

static void took(int64_t us, char text[static SCENE_TEXT_SIZE])
{
    if (us <= 0) {
        memcpy(text, "-", 2);
    } else if (us < US_PER_S) {
        snprintf(text, SCENE_TEXT_SIZE, "%lldms", (long long)((us + 999) / US_PER_MS));
    } else {
        snprintf(text, SCENE_TEXT_SIZE, "%.1fs", (double)us / 1e6);
    }
}

static void row_cell(void *data, size_t row, size_t column, struct table_cell *cell)
{
    struct source_list *list = data;
    const struct source_status *status = row_status(list, row);
    char text[SCENE_TEXT_SIZE] = "";
    const struct mark *mark = mark_find(word(list->scene, status));
    const char *said = text;
    switch (column) {
    case 0:
        said = glyph_text(mark->glyph, false, text);
        cell->style = mark->role;
        break;
    case 1:
        said = status->name;
        break;
    case 2:
        said = status->kind;
        break;
    case 3:
        if (is_polled(status)) {
            duration_format(status->every_us, text);
        } else {
            memcpy(text, "-", 2);
        }
        break;
    case 4:
        scene_age(list->scene, status->last_good_us, text);
        break;
    case 5:
        took(status->latency_us, text);
        break;
    case 6:
        if (is_polled(status)) {
            scene_count((double)status->rows, text);
        } else {
            memcpy(text, "-", 2);
        }
        break;
    case 7:
        if (status->answers + status->failures > 0 && !isnan(status->success_rate)) {
            snprintf(text, sizeof text, "%d%%", (int)(status->success_rate * 100)); /* 99.9 % is not all */
        } else {
            memcpy(text, "-", 2);
        }
        break;
    case 8:
        scene_count((double)status->failures, text);
        break;
    case 9:
        said = status->target;
        cell->style = ROLE_FAINT;
        break;
    case 10:
        said = status->error[0] != '\0' ? status->error : status->note;
        cell->style = status->error[0] != '\0' ? mark->role : ROLE_TEXT;
        break;
    }
    snprintf(cell->text, sizeof cell->text, "%s", said);
}

static struct table_source rows(struct source_list *list)
{
    return (struct table_source){.data = list,
                                 .count = rows_count,
                                 .identity = row_identity,
                                 .cell = row_cell,
                                 .haystack = row_haystack};
}

/* Numbers of sources by their words. */
struct tally {
    size_t ok, failing, silent, unclear, fresh, total;
};

static struct tally count_sources(const struct panel_scene *scene, const struct picture *p)
{
    struct tally tally = {.total = p->sources.len};
    for (size_t i = 0; i < tally.total; i++) {
        const struct source_status *status = &p->sources.data[i];
        const char *state = word(scene, status);
        bool unclear = str_eq(state_text(scene, status), "unclear");
        tally.unclear += unclear;
        tally.silent += str_eq(state, "unknown") && !unclear;
        tally.failing += str_eq(state, "degraded");
        tally.fresh += str_eq(state, "pending");
        tally.ok += str_eq(state, "ok");
    }
    return tally;
}

static void write_note(const struct panel_scene *scene, const struct picture *p, struct str *out)
{
    struct tally tally = count_sources(scene, p);
    const struct {
        size_t count;
        const char *text;
    } parts[] = {{tally.silent, "silent"},
                 {tally.unclear, "unclear"},
                 {tally.failing, "failing"},
                 {tally.fresh, "without an answer yet"},
                 {tally.ok, "ok"}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].count > 0) {
            note_part(out, "%zu %s", parts[i].count, parts[i].text);
        }
    }
    if (p->holder != NULL && tally.total > 0) {
        note_part(out, "journaled by %s", p->holder);
    }
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    struct picture own = {0};
    write_note(scene, picture_look(scene, PICTURE_SOURCES, &own), out);
    picture_fini(&own);
}

static int put_source(const struct panel_scene *scene, const struct source_status *status, struct canvas *c,
                      int x, int y)
{
    const char *state = word(scene, status);
    const struct mark *mark = mark_find(state);
    int width = canvas_width(c);
    x = mark_put(mark, c, x, y) + 1;
    x = canvas_put_cut(c, x, y, width - x, ROLE_TEXT, status->name) + 1;
    return canvas_put_cut(c, x, y, width - x, mark->role, state_text(scene, status)) + 1;
}

/* Those that don't answer first. */
static void tile(const struct panel_scene *scene, struct canvas *c)
{
    struct picture own = {0};
    const struct picture *p = picture_look(scene, PICTURE_SOURCES, &own);
    int y = 0, height = canvas_height(c), width = canvas_width(c);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < p->sources.len && y < height; i++) {
            const struct source_status *status = &p->sources.data[i];
            bool good = str_eq(word(scene, status), "ok");
            if (good != (pass == 1)) {
                continue;
            }
            int x = put_source(scene, status, c, 1, y) + 1; /* how long it took is noise here */
            canvas_put_cut(c, x, y, width - x - 1, ROLE_FAINT,
                           status->error[0] != '\0' ? status->error : status->note);
            y++;
        }
    }
    if (p->sources.len == 0) {
        canvas_put_cut(c, 1, 0, width - 2, ROLE_FAINT, "no source is configured");
    }
    picture_fini(&own);
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    (void)state;
    struct picture own = {0};
    const struct picture *p = picture_look(scene, PICTURE_SOURCES, &own);
    int x = 0, width = canvas_width(row);
    for (size_t i = 0; i < p->sources.len && x < width; i++) {
        const struct source_status *status = &p->sources.data[i];
        if (!str_eq(word(scene, status), "ok")) {
            x = put_source(scene, status, row, x, 0);
            x = canvas_put_cut(row, x, 0, width - x, ROLE_FAINT, status->error) + 2;
        }
    }
    if (x == 0) {
        struct str out = {0};
        write_note(scene, p, &out);
        canvas_put_cut(row, 0, 0, width, out.len > 0 ? ROLE_OK : ROLE_FAINT, out.len > 0 ? out.data : "none");
        str_fini(&out);
    }
    picture_fini(&own);
}

static void refresh(struct source_list *list, const struct panel_scene *scene)
{
    struct table_source source = rows(list);
    list->scene = scene;
    table_update(list->table, &source, scene->filter);
}

/* How its polls went, and its failures one by one. */
static void look_closer(struct source_list *list, const struct panel_scene *scene, size_t index)
{
    if (scene->frozen && !list->fresh) {
        return;
    }
    bool polled = is_polled(&list->picture->sources.data[index]);
    char *target = polled ? xasprintf("source/%s", list->detailed) : xstrdup("mirror");
    list->measured = engine_measures(scene->engine, target, list->spans);
    list->mishap_count = polled ? engine_source_mishaps(scene->engine, index, list->mishaps) : 0;
    list->fresh = false;
    free(target);
}

static void write_closer(struct source_list *list, const struct panel_scene *scene)
{
    if (list->measured) {
        spans_write(list->page, list->spans);
    }
    for (size_t i = 0; i < list->mishap_count; i++) {
        const struct source_mishap *m = &list->mishaps[i];
        char time[SCENE_TEXT_SIZE];
        if (i == 0) {
            text_view_add(list->page, ROLE_TITLE, "\nFailures, newest first\n");
        }
        scene_time(scene, m->at_us, true, time);
        text_view_addf(list->page, ROLE_TEXT, "%s %-10s %s\n", time, m->class, m->text);
    }
}

static void write_page(struct source_list *list, const struct panel_scene *scene)
{
    text_view_clear(list->page);
    for (size_t i = 0; i < list->picture->sources.len; i++) {
        struct source_status s = list->picture->sources.data[i];
        if (!str_eq(s.name, list->detailed)) {
            continue;
        }
        char good[SCENE_TEXT_SIZE], tried[SCENE_TEXT_SIZE], every[DURATION_TEXT_SIZE],
            limit[DURATION_TEXT_SIZE], latency[SCENE_TEXT_SIZE];
        scene_date(scene, s.last_good_us, good);
        scene_date(scene, s.last_try_us, tried);
        duration_format(s.every_us, every);
        duration_format(s.timeout_us, limit);
        took(s.latency_us, latency);
        text_view_addf(list->page, mark_find(word(scene, &s))->role, "%s\n", state_text(scene, &s));
        text_view_addf(list->page, ROLE_TEXT, "kind        %s%s%s\n", s.kind, s.preset[0] ? ", preset " : "",
                       s.preset);
        text_view_addf(list->page, ROLE_TEXT, "target      %s\n", s.target);
        if (is_polled(&s)) {
            text_view_addf(list->page, ROLE_TEXT, "every       %s, each at most %s\n", every, limit);
        }
        text_view_addf(list->page, ROLE_TEXT, "last good   %s\nlast tried  %s\n", good, tried);
        if (is_polled(&s)) {
            text_view_addf(list->page, ROLE_TEXT, "took        %s, %llu bytes, %zu rows\n", latency,
                           (unsigned long long)s.bytes, s.rows);
            text_view_addf(list->page, ROLE_TEXT, "answers     %llu, failures %llu (%u in a row)\n",
                           (unsigned long long)s.answers, (unsigned long long)s.failures,
                           s.failures_in_a_row);
        } else {
            text_view_addf(list->page, ROLE_TEXT,
                           "takes the journal's events and the chain's head off this host\n"
                           "sent        %llu times, failures %llu, %llu bytes wait\n",
                           (unsigned long long)s.answers, (unsigned long long)s.failures,
                           (unsigned long long)s.bytes);
        }
        if (s.error[0] != '\0') {
            text_view_addf(list->page, ROLE_DOWN, "\nerror       %s\n", s.error);
        }
        if (s.note[0] != '\0') {
            text_view_addf(list->page, ROLE_DEGRADED, "\nnote        %s\n", s.note);
        }
        look_closer(list, scene, i);
        write_closer(list, scene);
    }
}

static void draw(void *state, const struct panel_scene *scene, struct canvas *c, enum panel_shape shape,
                 bool focus)
{
    struct source_list *list = state;
    if (shape == PANEL_TILE) {
        tile(scene, c);
        return;
    }
    struct picture own = {0};
    list->scene = scene;
    list->picture = picture_look(scene, PICTURE_SOURCES, &own);
    if (shape == PANEL_FULL) {
        struct table_source source = rows(list);
        refresh(list, scene);
        if (table_total(list->table) == 0) {
            canvas_put_wrapped(c, 1, 1, canvas_width(c) - 2, ROLE_FAINT,
                               "No source is configured: `sources:` in belay.yaml names what to watch.");
        } else {
            table_draw(list->table, &source, c, focus);
        }
    } else {
        write_page(list, scene);
        canvas_putf(c, 1, 0, ROLE_STRONG, "source %s", list->detailed != NULL ? list->detailed : "");
        struct canvas text = canvas_sub(c, (struct rect){1, 2, canvas_width(c) - 2, canvas_height(c) - 2});
        text_view_draw(list->page, &text, scene->filter);
    }
    picture_fini(&own);
}

static enum panel_answer key(void *state, const struct panel_scene *scene, const struct key *pressed,
                             const char *command, enum panel_shape shape, struct str *reply)
{
    (void)pressed;
    (void)reply;
    struct source_list *list = state;
    if (command == NULL || shape == PANEL_TILE) {
        return PANEL_IGNORED;
    }
    if (shape == PANEL_DETAIL) {
        return text_view_command(list->page, command) ? PANEL_REDRAW : PANEL_IGNORED;
    }
    struct picture own = {0};
    list->picture = picture_look(scene, PICTURE_SOURCES, &own);
    refresh(list, scene); /* keys may be faster than frames */
    picture_fini(&own);
    const char *selected = table_selected(list->table);
    if (str_eq(command, "open") && selected != NULL) {
        free(list->detailed);
        list->detailed = xstrdup(selected);
        list->fresh = true;
        return PANEL_DETAILS;
    }
    return table_command(list->table, command) ? PANEL_REDRAW : PANEL_IGNORED;
}

/* Only what a tile shows: ages and latencies change with every answer. */
static bool update(void *state, const struct panel_scene *scene)
{
    struct source_list *list = state;
    struct str seen = {0};
    struct picture own = {0};
    const struct picture *p = picture_look(scene, PICTURE_SOURCES, &own);
    for (size_t i = 0; i < p->sources.len; i++) {
        const struct source_status *status = &p->sources.data[i];
        str_addf(&seen, "%s%s%s%s", status->name, word(scene, status), status->error, status->note);
    }
    picture_fini(&own);
    uint64_t sum = checksum64(str_text(&seen), seen.len);
    str_fini(&seen);
    bool differs = sum != list->seen;
    list->seen = sum;
    return differs;
}

static int worst(void *state, const struct panel_scene *scene)
{
    (void)state;
    struct picture own = {0};
    struct tally tally = count_sources(scene, picture_look(scene, PICTURE_SOURCES, &own));
    picture_fini(&own);
    return tally.silent + tally.unclear > 0 ? 2 : tally.failing > 0 ? 1 : 0;
}

static const char *selected(void *state)
{
    return table_selected(((struct source_list *)state)->table);
}

const struct panel panel_sources = {
    .name = "sources",
    .title = "Sources",
    .digit = '9',
    .help = "what is watched: who answers, how fast, since when not",
    .open = open,
    .close = close,
    .update = update,
    .note = note,
    .worst = worst,
    .summary = summary,
    .draw = draw,
    .key = key,
    .selected = selected,
};
