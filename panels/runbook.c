/* Panel 5: the run that is under way, step by step; without one what is offered. In full: the runs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/entity.h"
#include "panels/running.h"

static const struct table_column columns[] = {
    {"", 1, 0, ALIGN_LEFT, 0},         {"run", 5, 0, ALIGN_RIGHT, 0},    {"runbook", 20, 4, ALIGN_LEFT, 0},
    {"step", 12, 0, ALIGN_LEFT, 1},    {"what", 20, 5, ALIGN_LEFT, 2},   {"by", 8, 1, ALIGN_LEFT, 3},
    {"incident", 8, 0, ALIGN_LEFT, 4}, {"started", 8, 0, ALIGN_LEFT, 3}, {"for", 10, 3, ALIGN_LEFT, 5},
};

struct runs {
    struct table *table;
    const struct panel_scene *scene; /* during a call only */
    struct str scratch;
};

static void *open(const struct engine *engine)
{
    (void)engine;
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
static void step_story(const struct panel_scene *scene, const struct engine_run *run, int index,
                       const struct run_step *step, struct str *out)
{
    const struct step *what = &run->book->steps.data[index];
    char time[SCENE_TEXT_SIZE], span[DURATION_TEXT_SIZE];
    if (step->outcome == OUTCOME_PENDING || step->ask == ASK_OPEN || step->ask == ASK_CONFIRM) {
        str_add(out, index == run->current_step ? "Enter to read" : "");
        return;
    }
    if (step->ended_ms >= 0 || step->started_ms >= 0) {
        int64_t at_ms = step->ended_ms >= 0 ? step->ended_ms : step->started_ms;
        scene_time(scene, run->started_us + at_ms * US_PER_MS, false, time);
        str_addf(out, "%s  ", time);
    }
    if (step->outcome == OUTCOME_OK && step->answer[0] != '\0') {
        str_add(out, step->answer);
    } else if (step->outcome == OUTCOME_OK && step_kind_acts(what->kind) &&
               step->ended_ms > step->started_ms && step->started_ms >= 0) {
        duration_format((step->ended_ms - step->started_ms) * US_PER_MS, span);
        str_addf(out, "%s %s", run->actor, span);
    } else if (step->reason[0] != '\0') {
        str_add(out, step->reason);
    } else if (step->executed && step->outcome != OUTCOME_OK && step->end == END_EXITED) {
        str_addf(out, "exit %d", step->exit);
    } else {
        str_add(out,
                step->outcome == OUTCOME_RUNNING ? run_phase_text(step->phase) : step_kind_text(what->kind));
    }
}

static void draw_step(const struct panel_scene *scene, const struct engine_run *run, int index,
                      struct canvas *c, int y)
{
    struct run_step step;
    run_step_at(run->run, index, &step);
    const struct mark *mark = mark_find(step.outcome == OUTCOME_OK ? "done" : step_word(&step));
    bool current = index == run->current_step;
    int width = canvas_width(c), story = width * 2 / 5;
    struct str out = {0};
    step_story(scene, run, index, &step, &out);
    int columns_of_story = canvas_columns(c, str_text(&out));
    story = columns_of_story < story ? columns_of_story : story;
    mark_put(mark, c, 1, y);
    canvas_put_cut(c, 3, y, width - 3 - story - 2, current ? ROLE_STRONG : ROLE_TEXT,
                   run->book->steps.data[index].title);
    canvas_put_cut(c, width - story - 1, y, story, step.outcome == OUTCOME_OK ? ROLE_FAINT : mark->role,
                   str_text(&out));
    str_fini(&out);
}

static void draw_run(const struct panel_scene *scene, const struct engine_run *run, struct canvas *c)
{
    const struct step_list *walk = &run->book->walk;
    int height = canvas_height(c), place = 0, total = 0;
    run_progress(run->run, &place, &total);
    int first = place - 1 - height / 2; /* the current step stays in view, with what came before */
    int most = (int)walk->len - height;
    first = first > most ? most : first;
    first = first < 0 ? 0 : first;
    for (int y = 0; y < height && first + y < (int)walk->len; y++) {
        draw_step(scene, run, walk->data[first + y], c, y);
    }
}

static int draw_offers(const struct panel_scene *scene, struct canvas *c, bool row)
{
    int y = 0, x = 0, width = canvas_width(c);
    for (size_t i = 0; i < engine_runbook_count(scene->engine) && y < canvas_height(c) && x < width; i++) {
        struct engine_runbook view;
        engine_runbook_at(scene->engine, i, &view);
        if (!view.offered && view.interrupted_run == 0) {
            continue;
        }
        const char *title = view.book != NULL ? view.book->title : view.path;
        x = canvas_put_glyph(c, row ? x : 1, y, ROLE_ACTIVE, GLYPH_NEXT) + 1;
        x = canvas_put(c, x, y, ROLE_ACTIVE, view.interrupted_run != 0 ? "interrupted" : "offered") + 1;
        x = canvas_put_cut(c, x, y, width - x, ROLE_TEXT, title) + 1;
        if (view.offered_entity != NULL) {
            x = canvas_put_cut(c, x, y, width - x, ROLE_FAINT, view.offered_entity) + 1;
        }
        x++;
        y += row ? 0 : 1;
    }
    return row ? x : y;
}

static void tile(const struct panel_scene *scene, struct canvas *c)
{
    struct engine_run run;
    if (run_focused(scene->engine, &run)) {
        draw_run(scene, &run, c);
    } else if (draw_offers(scene, c, false) == 0) {
        canvas_put_cut(c, 1, 0, canvas_width(c) - 2, ROLE_FAINT,
                       engine_runbook_count(scene->engine) > 0
                           ? "nothing is offered; r shows all runbooks"
                           : "no runbook is known: `runbooks:` names them");
    }
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    struct engine_run run;
    if (run_focused(scene->engine, &run)) {
        note_part(out, "%s", run.book->title);
        note_part(out, "run %lld", (long long)run.id);
        str_add(out, " · ");
        run_place(&run, out);
        if (run.elsewhere) {
            note_part(out, "walked elsewhere by %s", run.actor);
        }
    }
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    (void)state;
    struct engine_run run;
    int width = canvas_width(row);
    if (!run_focused(scene->engine, &run)) {
        if (draw_offers(scene, row, true) == 0) {
            canvas_put_cut(row, 0, 0, width, ROLE_FAINT, "nothing is offered; r shows all runbooks");
        }
        return;
    }
    struct str out = {0};
    str_addf(&out, "run %lld ", (long long)run.id);
    run_place(&run, &out);
    str_add(&out, "  ");
    run_next(&run, &out);
    int x = canvas_put_glyph(row, 0, 0, ROLE_ACTIVE, GLYPH_NEXT) + 1;
    canvas_put_cut(row, x, 0, width - x, ROLE_TEXT, str_text(&out));
    str_fini(&out);
}

/* ---- the list of runs ---- */

static bool row_run(struct runs *runs, size_t row, struct engine_run *run)
{
    /* Newest first: the engine has them in the order they were started. */
    size_t count = engine_run_count(runs->scene->engine);
    return row < count && engine_run_at(runs->scene->engine, count - 1 - row, run);
}

static size_t rows_count(void *data)
{
    return engine_run_count(((struct runs *)data)->scene->engine);
}

static const char *row_identity(void *data, size_t row)
{
    struct runs *runs = data;
    struct engine_run run;
    str_clear(&runs->scratch);
    if (row_run(runs, row, &run)) {
        str_addf(&runs->scratch, "%lld", (long long)run.id);
    }
    return str_text(&runs->scratch);
}

static const char *row_haystack(void *data, size_t row)
{
    struct runs *runs = data;
    struct engine_run run;
    str_clear(&runs->scratch);
    if (row_run(runs, row, &run)) {
        str_addf(&runs->scratch, "%lld %s %s %s %s", (long long)run.id, run.book->title, run.book->id,
                 run.actor, run.entity != NULL ? run.entity : "");
    }
    return str_text(&runs->scratch);
}

static const char *run_word(const struct engine_run *run)
{
    enum run_outcome outcome = OUTCOME_PENDING;
    struct run_step step;
    if (run_ended(run->run, &outcome)) {
        return outcome == OUTCOME_OK ? "done" : run_outcome_text(outcome);
    }
    if (run->current_step < 0) {
        return "running";
    }
    run_step_at(run->run, run->current_step, &step);
    return step_word(&step);
}

static void row_cell(void *data, size_t row, size_t column, struct table_cell *cell)
{
    struct runs *runs = data;
    struct engine_run run;
    if (!row_run(runs, row, &run)) {
        return;
    }
    struct str out = {0};
    char text[SCENE_TEXT_SIZE];
    const struct mark *mark = mark_find(run_word(&run));
    switch (column) {
    case 0:
        str_add(&out, glyph_text(mark->glyph, false, text));
        cell->style = mark->role;
        break;
    case 1:
        str_addf(&out, "%lld", (long long)run.id);
        break;
    case 2:
        str_add(&out, run.book->title);
        break;
    case 3:
        run_place(&run, &out);
        break;
    case 4:
        run_next(&run, &out);
        break;
    case 5:
        str_addf(&out, "%s%s", run.actor, run.elsewhere ? " (elsewhere)" : "");
        cell->style = ROLE_ACTOR;
        break;
    case 6:
        if (run.incident > 0) {
            str_addf(&out, "INC-%lld", (long long)run.incident);
        }
        break;
    case 7:
        scene_time(runs->scene, run.started_us, true, text);
        str_add(&out, text);
        break;
    case 8:
        str_add(&out, run.entity != NULL ? run.entity : "");
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

static void refresh(struct runs *runs, const struct panel_scene *scene)
{
    struct table_source source = rows(runs);
    runs->scene = scene;
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
    refresh(runs, scene);
    struct table_source source = rows(runs);
    if (table_total(runs->table) == 0) {
        canvas_put_wrapped(
            c, 1, 1, canvas_width(c) - 2, ROLE_FAINT,
            "No run is open and none ended today. r shows the runbooks; Enter on one reads it.");
    } else {
        table_draw(runs->table, &source, c, focus);
    }
    runs->scene = NULL;
}

static enum panel_answer key(void *state, const struct panel_scene *scene, const struct key *pressed,
                             const char *command, enum panel_shape shape, struct str *reply)
{
    (void)pressed;
    struct runs *runs = state;
    struct engine_run run;
    if (shape == PANEL_TILE && str_eq(command, "open") && run_focused(scene->engine, &run)) {
        str_addf(reply, "runbook resume %lld", (long long)run.id);
        return PANEL_COMMAND;
    }
    if (command == NULL || shape != PANEL_FULL) {
        return PANEL_IGNORED;
    }
    refresh(runs, scene); /* keys may be faster than frames */
    const char *selected = table_selected(runs->table);
    if (str_eq(command, "open") && selected != NULL) {
        str_addf(reply, "runbook resume %s", selected);
        return PANEL_COMMAND;
    }
    return table_command(runs->table, command) ? PANEL_REDRAW : PANEL_IGNORED;
}

static const char *selected(void *state)
{
    return table_selected(((struct runs *)state)->table);
}

static int worst(void *state, const struct panel_scene *scene)
{
    (void)state;
    struct engine_run run;
    return run_focused(scene->engine, &run) ? 3 : 0; /* what is under way is never pushed off the screen */
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
