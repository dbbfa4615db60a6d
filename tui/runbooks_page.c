/* `r`: the runbooks: interrupted, offered, all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"

static const struct table_column columns[] = {
    {"", 1, 0, ALIGN_LEFT, 0},         {"", 11, 0, ALIGN_LEFT, 0},
    {"runbook", 24, 5, ALIGN_LEFT, 0}, {"for", 14, 3, ALIGN_LEFT, 1},
    {"since", 5, 0, ALIGN_RIGHT, 2},   {"last run", 9, 0, ALIGN_LEFT, 3},
    {"steps", 5, 0, ALIGN_RIGHT, 4},   {"id or error", 16, 3, ALIGN_LEFT, 2},
};

struct runbooks {
    struct table *table;
    struct console *console;
    struct str scratch;
};

static size_t rows_count(void *data)
{
    return engine_runbook_count(console_engine(((struct runbooks *)data)->console));
}

static struct engine_runbook row_view(void *data, size_t row)
{
    struct engine_runbook view;
    engine_runbook_at(console_engine(((struct runbooks *)data)->console), row, &view);
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
           : view->error != NULL      ? "unusable"
           : view->book == NULL       ? "reading"
                                      : "";
}

static const char *row_haystack(void *data, size_t row)
{
    struct runbooks *own = data;
    struct engine_runbook view = row_view(data, row);
    str_clear(&own->scratch);
    str_addf(&own->scratch, "%s %s %s %s", standing(&view), view.book != NULL ? view.book->title : "",
             view.book != NULL ? view.book->id : "", view.path);
    return str_text(&own->scratch);
}

static void row_cell(void *data, size_t row, size_t column, struct table_cell *cell)
{
    struct runbooks *own = data;
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
        if (view.last_run_us != 0) {
            char age[SCENE_TEXT_SIZE];
            scene_age(scene, view.last_run_us, age);
            snprintf(text, sizeof text, "%.20s ago", age);
        } else {
            said = "never";
        }
        cell->style = ROLE_FAINT;
        break;
    case 6:
        if (view.book != NULL) {
            snprintf(text, sizeof text, "%zu", view.book->walk.len);
        }
        break;
    case 7:
        said = view.error != NULL ? view.error : view.book != NULL ? view.book->id : "";
        cell->style = view.error != NULL ? ROLE_DOWN : ROLE_FAINT;
        break;
    }
    snprintf(cell->text, sizeof cell->text, "%s", said);
}

static struct table_source rows(struct runbooks *own)
{
    return (struct table_source){.data = own,
                                 .count = rows_count,
                                 .identity = row_identity,
                                 .cell = row_cell,
                                 .haystack = row_haystack};
}

static void refresh(struct page *page)
{
    struct runbooks *own = page->state;
    struct table_source source = rows(own);
    table_update(own->table, &source, page->filter);
}

static void draw(struct page *page, struct canvas *c)
{
    struct runbooks *own = page->state;
    struct table_source source = rows(own);
    refresh(page);
    int x = canvas_put(c, 1, 0, ROLE_TITLE, "Runbooks") + 2;
    canvas_put_cut(c, x, 0, canvas_width(c) - x, ROLE_FAINT,
                   "Enter reads one, or goes on with its run; nothing starts by itself");
    struct canvas body = canvas_sub(c, (struct rect){0, 1, canvas_width(c), canvas_height(c) - 1});
    if (table_total(own->table) == 0) {
        canvas_put_wrapped(
            &body, 1, 1, canvas_width(c) - 2, ROLE_FAINT,
            "No runbook is known. `runbooks: [FOLDER]` in belay.yaml names where they are: any Markdown "
            "works.");
        return;
    }
    table_draw(own->table, &source, &body, true);
}

static size_t contexts(struct page *page, enum key_context *stack)
{
    (void)page;
    stack[0] = CONTEXT_LIST;
    return 1;
}

static void open_selected(struct page *page)
{
    struct runbooks *own = page->state;
    const char *selected = table_selected(own->table);
    for (size_t i = 0; selected != NULL && i < rows_count(own); i++) {
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

static bool command(struct page *page, const struct key *key, const char *name)
{
    (void)key;
    struct runbooks *own = page->state;
    refresh(page); /* keys may be faster than frames */
    if (str_eq(name, "open")) {
        open_selected(page);
        return true;
    }
    if (str_eq(name, "runbooks")) {
        return true; /* it is open */
    }
    return name != NULL && table_command(own->table, name);
}

static void close(struct page *page)
{
    struct runbooks *own = page->state;
    table_free(own->table);
    str_fini(&own->scratch);
    free(own);
}

static const struct page_type type = {
    .name = "runbooks",
    .live = true,
    .close = close,
    .draw = draw,
    .contexts = contexts,
    .command = command,
};

void page_open_runbooks(struct console *console)
{
    struct runbooks *own = xcalloc(1, sizeof *own);
    own->console = console;
    own->table = table_new(columns, sizeof columns / sizeof columns[0], -1);
    console_push(console, &type, own);
}
