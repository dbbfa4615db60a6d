/* `a`: what others have asked to be approved. Enter shows exactly what would run; only there it is approved.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/approvals.h"
#include "tui/list_page.h"
#include "tui/step.h"

const struct command_option approve_options[] = {
    {"key", "FILE", "the SSH key to sign with (default: the one that let this session in)", false},
    {"digest", "SHA256", "approve exactly this command, without being asked", false},
    {0},
};

static const struct table_column columns[] = {
    {"", 1, 0, ALIGN_LEFT, 0},          {"run", 4, 0, ALIGN_RIGHT, 0},    {"step", 12, 3, ALIGN_LEFT, 0},
    {"asked by", 10, 3, ALIGN_LEFT, 2}, {"lacks", 6, 0, ALIGN_LEFT, 1},   {"expires", 7, 0, ALIGN_RIGHT, 0},
    {"command", 16, 6, ALIGN_LEFT, 0},  {"target", 10, 2, ALIGN_LEFT, 3}, {"digest", 12, 0, ALIGN_LEFT, 4},
    {"incident", 8, 0, ALIGN_LEFT, 5},
};

static struct engine *engine_of(void *data)
{
    return console_engine(((struct list_page *)data)->console);
}

static bool row_view(void *data, size_t row, struct engine_approval *asked, struct engine_run *run)
{
    return engine_approval_at(engine_of(data), row, asked) &&
           engine_run_by_id(engine_of(data), asked->run, run);
}

static size_t rows_count(void *data)
{
    return engine_approval_count(engine_of(data));
}

static const struct step *step_of(const struct engine_approval *asked, const struct engine_run *run)
{
    return &run->book->steps.data[asked->step];
}

static const char *row_identity(void *data, size_t row)
{
    struct list_page *own = data;
    struct engine_approval asked;
    struct engine_run run;
    str_clear(&own->scratch);
    if (row_view(data, row, &asked, &run)) {
        str_addf(&own->scratch, "%lld %s", (long long)asked.run, step_of(&asked, &run)->id);
    }
    return str_text(&own->scratch);
}

static const char *row_haystack(void *data, size_t row)
{
    struct list_page *own = data;
    struct engine_approval asked;
    struct engine_run run;
    str_clear(&own->scratch);
    if (row_view(data, row, &asked, &run)) {
        str_addf(&own->scratch, "%lld %s %s %s %s", (long long)asked.run, step_of(&asked, &run)->id,
                 step_of(&asked, &run)->title, asked.by, run.book->title);
    }
    return str_text(&own->scratch);
}

/* In one line: its own page has all of it. */
static void add_command(void *data, const struct engine_approval *asked, const struct engine_run *run,
                        struct str *out)
{
    struct run_context context = {.person = engine_person(engine_of(data)),
                                  .where = engine_target(engine_of(data))};
    struct run_command command = {0};
    struct err e = {0};
    if (run_command(run->run, asked->step, &context, &command, &e) < 0) {
        str_add(out, e.msg);
    } else {
        run_command_text(&command, out);
    }
    run_command_fini(&command);
}

static void row_cell(void *data, size_t row, size_t column, struct table_cell *cell)
{
    struct list_page *own = data;
    struct engine_approval asked;
    struct engine_run run;
    struct str out = {0};
    char text[SCENE_TEXT_SIZE];
    if (!row_view(data, row, &asked, &run)) {
        return;
    }
    switch (column) {
    case 0:
        str_add(&out, glyph_text(asked.given     ? GLYPH_OK
                                 : asked.refused ? GLYPH_DOWN
                                                 : GLYPH_NEXT,
                                 false, text));
        cell->style = asked.given ? ROLE_OK : asked.refused ? ROLE_DOWN : ROLE_ACTIVE;
        break;
    case 1:
        str_addf(&out, "%lld", (long long)asked.run);
        break;
    case 2:
        str_addf(&out, "%s: %s", step_of(&asked, &run)->id, step_of(&asked, &run)->title);
        break;
    case 3:
        str_add(&out, asked.by);
        cell->style = ROLE_ACTOR;
        break;
    case 4:
        str_addf(&out, "%d of %d", asked.missing, asked.needed);
        break;
    case 5:
        approve_left(console_scene(own->console), &asked, &out);
        break;
    case 6:
        add_command(data, &asked, &run, &out);
        cell->style = ROLE_STRONG;
        break;
    case 7:
        str_add(&out, engine_target(engine_of(data)));
        break;
    case 8:
        str_add(&out, asked.digest);
        cell->style = ROLE_FAINT;
        break;
    case 9:
        if (run.incident > 0) {
            str_addf(&out, "INC-%lld", (long long)run.incident);
        }
        break;
    }
    snprintf(cell->text, sizeof cell->text, "%s", str_text(&out));
    str_fini(&out);
}

static void open_selected(struct page *page, const char *selected)
{
    struct engine_run run;
    char *step = NULL;
    int64_t id = strtoll(selected, &step, 10);
    if (engine_run_by_id(console_engine(page->console), id, &run) && *step == ' ') {
        page_open_approval(page->console, id, runbook_find(run.book, step + 1), NULL);
    }
}

static const struct list_page_type list = {
    .title = "Approvals that wait for you",
    .hint = "Enter shows exactly what would run, and asks",
    .nothing =
        "Nobody waits for your approval. A step with `approvals` asks for one when its page is opened; it "
        "then stands here for 10 minutes.",
    .command = "approvals",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .rows = {.count = rows_count, .identity = row_identity, .cell = row_cell, .haystack = row_haystack},
    .open = open_selected,
};

/* Below the list: what one from here would be worth. */
static void draw(struct page *page, struct canvas *c)
{
    int width = canvas_width(c), height = canvas_height(c);
    struct str text = {0};
    if (console_scene(page->console)->observer) {
        str_add(&text, "You are an observer: :join makes you an operator, who may approve.");
    } else {
        str_addf(&text, "An approval from here would be %s", engine_signing(console_engine(page->console)));
    }
    struct canvas body = canvas_sub(c, (struct rect){0, 0, width, height - 3});
    list_page_draw(page, &body);
    canvas_put_wrapped(c, 1, height - 2, width - 2, ROLE_FAINT, str_text(&text));
    str_fini(&text);
}

static const struct page_type type = {
    .name = "approvals",
    .live = true,
    .close = list_page_close,
    .draw = draw,
    .contexts = list_page_contexts,
    .command = list_page_command,
};

void page_open_approvals(struct console *console)
{
    list_page_open(console, &type, &list);
}
