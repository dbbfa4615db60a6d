/* What the keys do where the reader was, and the commands behind `:`; from the tables. */
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"

struct help {
    enum key_context stack[CONTEXT_COUNT];
    size_t depth;
    enum key_reader reader;
    bool cut; /* long lines, at the edge */
    int top, lines, rows;
};

/* A command whose help finds no room beside it has it below, unless lines are cut. */
static int draw_command(struct canvas *c, int y, const char *name, const char *usage, const char *help,
                        bool cut)
{
    int width = canvas_width(c), x = canvas_put(c, 1, y, ROLE_KEY, name);
    x = canvas_put(c, x + 1, y, ROLE_TEXT, usage);
    x = x < 42 ? 44 : x + 2;
    if (!cut && x + canvas_columns(c, help) > width) {
        return canvas_put_wrapped(c, 5, y + 1, width - 6, ROLE_KEY_LABEL, help);
    }
    canvas_put_cut(c, x, y, width - x, ROLE_KEY_LABEL, help);
    return y + 1;
}

static int draw_commands(struct canvas *c, int y, const struct filter *filter, bool cut)
{
    const char *name, *usage, *help;
    struct str text = {0};
    canvas_put(c, 1, y++, ROLE_TITLE, "behind :");
    for (size_t i = 0; console_command_at(i, &name, &usage, &help); i++) {
        str_clear(&text);
        str_addf(&text, "%s %s %s", name, usage, help);
        if (filter_match(filter, str_text(&text))) {
            y = draw_command(c, y, name, usage, help, cut);
        }
    }
    str_fini(&text);
    return y;
}

static void draw(struct page *page, struct canvas *c)
{
    struct help *help = page->state;
    struct canvas body = canvas_sub(c, (struct rect){1, 0, canvas_width(c) - 1, canvas_height(c)});
    int lines =
        keymap_draw_help(key_table, help->stack, help->depth, help->reader, page->filter, &body, help->top);
    lines = draw_commands(&body, lines + 1 - help->top, page->filter, help->cut) + help->top;
    help->lines = lines;
    help->rows = canvas_height(c);
    int most = lines > help->rows ? lines - help->rows : 0;
    if (help->top > most) { /* a filter has made it shorter */
        help->top = most;
        canvas_clear(c, ROLE_TEXT);
        draw(page, c);
    }
}

static size_t contexts(struct page *page, enum key_context *stack)
{
    (void)page;
    stack[0] = CONTEXT_TEXT;
    return 1;
}

static bool command(struct page *page, const struct key *key, const char *name)
{
    (void)key;
    struct help *help = page->state;
    int most = help->lines > help->rows ? help->lines - help->rows : 0, top = help->top;
    if (str_eq(name, "up")) {
        top--;
    } else if (str_eq(name, "down")) {
        top++;
    } else if (str_eq(name, "page-up")) {
        top -= help->rows - 1;
    } else if (str_eq(name, "page-down")) {
        top += help->rows - 1;
    } else if (str_eq(name, "top")) {
        top = 0;
    } else if (str_eq(name, "bottom")) {
        top = most;
    } else if (str_eq(name, "help")) {
        console_pop(page->console); /* a second ? closes it */
        return true;
    } else if (str_eq(name, "wrap")) {
        help->cut = !help->cut;
    } else {
        return false;
    }
    help->top = top < 0 ? 0 : top > most ? most : top;
    return true;
}

static bool update(struct page *page, unsigned changes)
{
    (void)page;
    (void)changes;
    return false;
}

static void close(struct page *page)
{
    free(page->state);
}

static const struct page_type type = {
    .name = "help",
    .close = close,
    .update = update,
    .draw = draw,
    .contexts = contexts,
    .command = command,
};

void page_open_help(struct console *console, const enum key_context *stack, size_t depth)
{
    struct help *help = xcalloc(1, sizeof *help);
    for (size_t i = 0; i < depth && i < CONTEXT_COUNT; i++) {
        help->stack[i] = stack[i];
    }
    help->depth = depth;
    help->reader = console_reader(console);
    console_push(console, &type, help);
}
