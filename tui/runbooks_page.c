/* `r`: the runbooks: interrupted, offered, all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/list_page.h"

static const struct table_column columns[] = {
    {"", 1, 0, ALIGN_LEFT, 0},
    {"", 11, 0, ALIGN_LEFT, 0},
    {"runbook", 24, 5, ALIGN_LEFT, 0},
    {"for", 14, 3, ALIGN_LEFT, 1},
    {"since", 5, 0, ALIGN_RIGHT, 3},
    {"last run", 9, 0, ALIGN_LEFT, 2},
    {"rehearsed", 9, 0, ALIGN_LEFT, 2},
    {"steps", 5, 0, ALIGN_RIGHT, 5},
    {"id or error", 16, 3, ALIGN_LEFT, 4},
};

static size_t rows_count(void *data)
{
    return engine_runbook_count(console_engine(((struct list_page *)data)->console));
}

static struct engine_runbook row_view(void *data, size_t row)
{
    struct engine_runbook view;
    engine_runbook_at(console_engine(((struct list_page *)data)->console), row, &view);
    return view;
}

static const char *row_identity(void *data, size_t row)
{
    return row_view(data, row).path;
}

/* What it is to the operator now. */
static const char *standing(const struct engine_runbook *view)
{
    return view->interrupted_run != 0 ? "interrupted"
           : view->open_run != 0      ? "under way"
           : view->offered            ? "offered"
           : view->open_rehearsal > 0 ? "rehearsing"
           : view->error != NULL      ? "unusable"
           : view->book == NULL       ? "reading"
                                      : "";
}

static const char *row_haystack(void *data, size_t row)
{
    struct list_page *own = data;
    struct engine_runbook view = row_view(data, row);
    str_clear(&own->scratch);
    str_addf(&own->scratch, "%s %s %s %s", standing(&view), view.book != NULL ? view.book->title : "",
             view.book != NULL ? view.book->id : "", view.path);
    return str_text(&own->scratch);
}

static void last_time(const struct panel_scene *scene, int64_t at_us, char text[static SCENE_TEXT_SIZE])
{
    char age[SCENE_TEXT_SIZE];
    snprintf(text, SCENE_TEXT_SIZE, "never");
    if (at_us != 0) {
        scene_age(scene, at_us, age);
        snprintf(text, SCENE_TEXT_SIZE, "%.20s ago", age);
    }
}

static void row_cell(void *data, size_t row, size_t column, struct table_cell *cell)
{
    struct list_page *own = data;
    struct engine_runbook view = row_view(data, row);
    const struct panel_scene *scene = console_scene(own->console);
    char text[SCENE_TEXT_SIZE] = "";
    const char *said = text;
    bool active = view.interrupted_run != 0 || view.offered || view.open_run != 0;
    switch (column) {
    case 0:
        said = active               ? glyph_text(GLYPH_NEXT, false, text)
               : view.error != NULL ? glyph_text(GLYPH_DOWN, false, text)
                                    : "";
        cell->style = active ? ROLE_ACTIVE : ROLE_DOWN;
        break;
    case 1:
        said = standing(&view);
        cell->style = view.error != NULL ? ROLE_DOWN : ROLE_ACTIVE;
        break;
    case 2:
        said = view.book != NULL ? view.book->title : view.path;
        break;
    case 3:
        said = view.offered && view.offered_entity != NULL ? view.offered_entity : "";
        break;
    case 4:
        if (view.offered) {
            scene_age(scene, view.offered_since_us, text);
        }
        break;
    case 5:
    case 6:
        last_time(scene, column == 5 ? view.last_run_us : view.last_rehearsed_us, text);
        cell->style = ROLE_FAINT;
        break;
    case 7:
        if (view.book != NULL) {
            snprintf(text, sizeof text, "%zu", view.book->walk.len);
        }
        break;
    case 8:
        said = view.error != NULL ? view.error : view.book != NULL ? view.book->id : "";
        cell->style = view.error != NULL ? ROLE_DOWN : ROLE_FAINT;
        break;
    }
    snprintf(cell->text, sizeof cell->text, "%s", said);
}

static void open_selected(struct page *page, const char *selected)
{
    struct list_page *own = page->state;
    for (size_t i = 0; i < rows_count(own); i++) {
        struct engine_runbook view = row_view(own, i);
        if (!str_eq(view.path, selected)) {
            continue;
        }
        int64_t run = view.interrupted_run != 0 ? view.interrupted_run : view.open_run;
        if (run != 0) {
            page_open_run(page->console, run, false);
        } else if (view.book == NULL) {
            console_say(page->console, SAY_BAD, "%s",
                        view.error != NULL ? view.error : "it is still being read");
        } else {
            page_open_document(page->console, view.path);
        }
        return;
    }
}

static const char *settling(struct console *console)
{
    return engine_listed(console_engine(console)) ? NULL : "the runbooks are still being read";
}

static const struct list_page_type list = {
    .title = "Runbooks",
    .hint = "Enter reads one, or goes on with its run; nothing starts by itself",
    .nothing =
        "No runbook is known. `runbooks: [FOLDER]` in belay.yaml names where they are: any Markdown works.",
    .command = "runbooks",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .rows = {.count = rows_count, .identity = row_identity, .cell = row_cell, .haystack = row_haystack},
    .open = open_selected,
    .settling = settling,
};

static const struct page_type type = {
    .name = "runbooks",
    .live = true,
    .close = list_page_close,
    .update = list_page_update,
    .draw = list_page_draw,
    .contexts = list_page_contexts,
    .command = list_page_command,
};

void page_open_runbooks(struct console *console)
{
    list_page_open(console, &type, &list);
}
