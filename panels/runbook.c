/* Panel 5: the run that is under way, step by step; without one what is offered. In full: the runs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/entity.h"
#include "panels/picture.h"

static const struct table_column columns[] = {
    {"", 1, 0, ALIGN_LEFT, 0},         {"run", 5, 0, ALIGN_RIGHT, 0},    {"runbook", 20, 4, ALIGN_LEFT, 0},
    {"step", 12, 0, ALIGN_LEFT, 1},    {"what", 20, 5, ALIGN_LEFT, 2},   {"by", 8, 1, ALIGN_LEFT, 3},
    {"incident", 8, 0, ALIGN_LEFT, 4}, {"started", 8, 0, ALIGN_LEFT, 3}, {"for", 10, 3, ALIGN_LEFT, 5},
};

struct runs {
    struct table *table;
    const struct panel_scene *scene; /* during a call only, */
    const struct picture *picture;   /* this too */
    struct str scratch;
};

static void *open(const struct panel *panel)
{
    (void)panel;
    struct runs *runs = xcalloc(1, sizeof *runs);
    runs->table = table_new(columns, sizeof columns / sizeof columns[0], -1);
    return runs;
}

static void close(void *state)
{
    struct runs *runs = state;
    table_free(runs->table);
    str_fini(&runs->scratch);
    free(runs);
}

static bool update(void *state, const struct panel_scene *scene)
{
    (void)state;
    (void)scene;
    return false; /* the console draws whenever runs or offers have changed */
}

/* ---- the steps of one run ---- */

/* "03:02  alice 0.4s", "03:03  check", "03:12  exit 1", "Enter to read" */
static void draw_step(const struct panel_scene *scene, const struct picture_step *step, struct canvas *c,
                      int y)
{
    int width = canvas_width(c), story = width * 2 / 5;
    struct str out = {0};
    if (step->at_us != 0) {
        char time[SCENE_TEXT_SIZE];
        scene_time(scene, step->at_us, false, time);
        str_addf(&out, "%s  ", time);
    }
    str_add(&out, step->tail);
    int columns_of_story = canvas_columns(c, str_text(&out));
    story = columns_of_story < story ? columns_of_story : story;
    mark_put(step->mark, c, 1, y);
    canvas_put_cut(c, 3, y, width - 3 - story - 2, step->current ? ROLE_STRONG : ROLE_TEXT, step->title);
    canvas_put_cut(c, width - story - 1, y, story, step->good ? ROLE_FAINT : step->mark->role,
                   str_text(&out));
    str_fini(&out);
}

static const struct picture_run *focused(const struct picture *p)
{
    return p->focused >= 0 ? &p->runs.data[p->focused] : NULL;
}

static void draw_run(const struct panel_scene *scene, const struct picture *p, struct canvas *c)
{
    int height = canvas_height(c), count = (int)p->steps.len;
    int first =
        focused(p)->place - 1 - height / 2; /* the current step stays in view, with what came before */
    int most = count - height;
    first = first > most ? most : first;
    first = first < 0 ? 0 : first;
    for (int y = 0; y < height && first + y < count; y++) {
        draw_step(scene, &p->steps.data[first + y], c, y);
    }
}

static int draw_offers(const struct picture *p, struct canvas *c, bool row)
{
    int y = 0, x = 0, width = canvas_width(c);
    for (size_t i = 0; i < p->offers.len && y < canvas_height(c) && x < width; i++) {
        const struct picture_offer *offer = &p->offers.data[i];
        x = canvas_put_glyph(c, row ? x : 1, y, ROLE_ACTIVE, GLYPH_NEXT) + 1;
        x = canvas_put(c, x, y, ROLE_ACTIVE, offer->interrupted ? "interrupted" : "offered") + 1;
        x = canvas_put_cut(c, x, y, width - x, ROLE_TEXT, offer->title) + 1;
        if (offer->entity[0] != '\0') {
            x = canvas_put_cut(c, x, y, width - x, ROLE_FAINT, offer->entity) + 1;
        }
        x = row ? x + 1 : 0;
        y += row ? 0 : 1;
    }
    return row ? x : y;
}

static void tile(const struct panel_scene *scene, struct canvas *c)
{
    struct picture own = {0};
    const struct picture *p = picture_look(scene, PICTURE_RUNS, &own);
    if (focused(p) != NULL) {
        draw_run(scene, p, c);
    } else if (draw_offers(p, c, false) == 0) {
        canvas_put_cut(c, 1, 0, canvas_width(c) - 2, ROLE_FAINT,
                       p->runbook_count > 0 ? "nothing is offered; r shows all runbooks"
                                            : "no runbook is known: `runbooks:` names them");
    }
    picture_fini(&own);
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    struct picture own = {0};
    const struct picture_run *run = focused(picture_look(scene, PICTURE_RUNS, &own));
    if (run != NULL) {
        note_part(out, "%s", run->title);
        note_part(out, "run %lld", (long long)run->id);
        str_add(out, " · ");
        picture_place(run, out);
        if (run->elsewhere) {
            note_part(out, "walked elsewhere by %s", run->actor);
        }
    }
    picture_fini(&own);
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    (void)state;
    struct picture own = {0};
    const struct picture *p = picture_look(scene, PICTURE_RUNS, &own);
    const struct picture_run *run = focused(p);
    int width = canvas_width(row);
    if (run != NULL) {
        struct str out = {0};
        str_addf(&out, "run %lld ", (long long)run->id);
        picture_place(run, &out);
        str_addf(&out, "  %s", run->next);
        int x = canvas_put_glyph(row, 0, 0, ROLE_ACTIVE, GLYPH_NEXT) + 1;
        canvas_put_cut(row, x, 0, width - x, ROLE_TEXT, str_text(&out));
        str_fini(&out);
    } else if (draw_offers(p, row, true) == 0) {
        canvas_put_cut(row, 0, 0, width, ROLE_FAINT, "nothing is offered; r shows all runbooks");
    }
    picture_fini(&own);
}

/* ---- the list of runs ---- */

/* Newest first: the picture has them in the order they were started. */
static const struct picture_run *row_run(const struct runs *runs, size_t row)
{
    return &runs->picture->runs.data[runs->picture->runs.len - 1 - row];
}

static size_t rows_count(void *data)
{
    return ((struct runs *)data)->picture->runs.len;
}

static const char *row_identity(void *data, size_t row)
{
    struct runs *runs = data;
    str_clear(&runs->scratch);
    str_addf(&runs->scratch, "%lld", (long long)row_run(runs, row)->id);
    return str_text(&runs->scratch);
}

static const char *row_haystack(void *data, size_t row)
{
    struct runs *runs = data;
    const struct picture_run *run = row_run(runs, row);
    str_clear(&runs->scratch);
    str_addf(&runs->scratch, "%lld %s %s %s %s", (long long)run->id, run->title, run->book, run->actor,
             run->entity);
    return str_text(&runs->scratch);
}

static void row_cell(void *data, size_t row, size_t column, struct table_cell *cell)
{
    struct runs *runs = data;
    const struct picture_run *run = row_run(runs, row);
    struct str out = {0};
    char text[SCENE_TEXT_SIZE];
    const struct mark *mark = mark_find(run->word);
    switch (column) {
    case 0:
        str_add(&out, glyph_text(mark->glyph, false, text));
        cell->style = mark->role;
        break;
    case 1:
        str_addf(&out, "%lld", (long long)run->id);
        break;
    case 2:
        str_add(&out, run->title);
        break;
    case 3:
        picture_place(run, &out);
        break;
    case 4:
        str_add(&out, run->next);
        break;
    case 5:
        str_addf(&out, "%s%s", run->actor, run->elsewhere ? " (elsewhere)" : "");
        cell->style = ROLE_ACTOR;
        break;
    case 6:
        if (run->incident > 0) {
            str_addf(&out, "INC-%lld", (long long)run->incident);
        }
        break;
    case 7:
        scene_time(runs->scene, run->started_us, true, text);
        str_add(&out, text);
        break;
    case 8:
        str_add(&out, run->entity);
        break;
    }
    snprintf(cell->text, sizeof cell->text, "%s", str_text(&out));
    str_fini(&out);
}

static struct table_source rows(struct runs *runs)
{
    return (struct table_source){.data = runs,
                                 .count = rows_count,
                                 .identity = row_identity,
                                 .cell = row_cell,
                                 .haystack = row_haystack};
}

static void refresh(struct runs *runs, const struct panel_scene *scene, struct picture *own)
{
    struct table_source source = rows(runs);
    runs->scene = scene;
    runs->picture = picture_look(scene, PICTURE_RUNS, own);
    table_update(runs->table, &source, scene->filter);
}

static void draw(void *state, const struct panel_scene *scene, struct canvas *c, enum panel_shape shape,
                 bool focus)
{
    struct runs *runs = state;
    if (shape == PANEL_TILE) {
        tile(scene, c);
        return;
    }
    struct picture own = {0};
    refresh(runs, scene, &own);
    struct table_source source = rows(runs);
    if (table_total(runs->table) == 0) {
        canvas_put_wrapped(
            c, 1, 1, canvas_width(c) - 2, ROLE_FAINT,
            "No run is open and none ended today. r shows the runbooks; Enter on one reads it.");
    } else {
        table_draw(runs->table, &source, c, focus);
    }
    picture_fini(&own);
}

static enum panel_answer full_key(struct runs *runs, const char *command, struct str *reply)
{
    const char *selected = table_selected(runs->table);
    if (str_eq(command, "open") && selected != NULL) {
        str_addf(reply, "runbook resume %s", selected);
        return PANEL_COMMAND;
    }
    return table_command(runs->table, command) ? PANEL_REDRAW : PANEL_IGNORED;
}

static enum panel_answer key(void *state, const struct panel_scene *scene, const struct key *pressed,
                             const char *command, enum panel_shape shape, struct str *reply)
{
    (void)pressed;
    struct runs *runs = state;
    struct picture own = {0};
    enum panel_answer answer = PANEL_IGNORED;
    if (shape == PANEL_TILE && str_eq(command, "open")) {
        const struct picture_run *run = focused(picture_look(scene, PICTURE_RUNS, &own));
        if (run != NULL) {
            str_addf(reply, "runbook resume %lld", (long long)run->id);
            answer = PANEL_COMMAND;
        }
    } else if (shape == PANEL_FULL && command != NULL) {
        refresh(runs, scene, &own); /* keys may be faster than frames */
        answer = full_key(runs, command, reply);
    }
    picture_fini(&own);
    return answer;
}

static const char *selected(void *state)
{
    return table_selected(((struct runs *)state)->table);
}

static int worst(void *state, const struct panel_scene *scene)
{
    (void)state;
    struct picture own = {0};
    bool under_way = picture_look(scene, PICTURE_RUNS, &own)->focused >= 0;
    picture_fini(&own);
    return under_way ? 3 : 0; /* what is under way is never pushed off the screen */
}

const struct panel panel_runbook = {
    .name = "runs",
    .title = "Runbook",
    .digit = '5',
    .help = "the run under way, step by step; in full all runs",
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
