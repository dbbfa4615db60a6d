#include "tui/list_page.h"

#include <stdlib.h>

static struct table_source refresh(struct page *page)
{
    struct list_page *own = page->state;
    struct table_source rows = own->type->rows;
    rows.data = own;
    table_update(own->table, &rows, page->filter);
    return rows;
}

static const char *settling(const struct list_page *own)
{
    return own->type->settling != NULL ? own->type->settling(own->console) : NULL;
}

/* While rows come and change their places the first one is what is selected, as it is drawn; nobody chose it.
 */
static void settle(struct list_page *own)
{
    bool was = own->settled;
    own->settled = settling(own) == NULL;
    if (!was && !own->moved) {
        table_command(own->table, "top");
    }
    free(own->drawn);
    own->drawn = xstrdup(table_selected(own->table));
}

/* The selected row, if it is the one that the reader saw: nobody chose the first row of a list that still
 * came together, so Enter waits until it has. NULL after a word about why not. */
static const char *chosen(struct list_page *own)
{
    const char *why = own->moved ? NULL : settling(own);
    own->waiting = why != NULL;
    if (why != NULL) {
        console_say(own->console, SAY_INFO, "%s: opens the first one then", why);
        return NULL;
    }
    if (!own->settled && !own->moved) {
        table_command(own->table, "top");
    }
    const char *selected = table_selected(own->table);
    bool seen_another = own->drawn != NULL && !own->settled && !own->moved && !str_eq(selected, own->drawn);
    if (selected != NULL && seen_another) {
        console_say(own->console, SAY_INFO, "another one is the first now: Enter again");
        return NULL;
    }
    return selected;
}

static void open_chosen(struct page *page)
{
    struct list_page *own = page->state;
    refresh(page); /* keys may be faster than frames */
    const char *selected = chosen(own);
    if (selected != NULL) {
        own->type->open(page, selected);
    }
}

bool list_page_update(struct page *page, unsigned changes)
{
    (void)changes;
    struct list_page *own = page->state;
    if (own->waiting && settling(own) == NULL) {
        console_unsay(own->console);
        open_chosen(page);
    }
    return true;
}

void list_page_draw(struct page *page, struct canvas *c)
{
    struct list_page *own = page->state;
    struct table_source rows = refresh(page);
    settle(own);
    int x = canvas_put(c, 1, 0, ROLE_TITLE, own->type->title) + 2;
    canvas_put_cut(c, x, 0, canvas_width(c) - x, ROLE_FAINT, own->type->hint);
    struct canvas body = canvas_sub(c, (struct rect){0, 1, canvas_width(c), canvas_height(c) - 1});
    if (table_total(own->table) == 0) {
        canvas_put_wrapped(&body, 1, 1, canvas_width(c) - 2, ROLE_FAINT, own->type->nothing);
        return;
    }
    table_draw(own->table, &rows, &body, own->settled || own->moved);
}

size_t list_page_contexts(struct page *page, enum key_context *stack)
{
    (void)page;
    stack[0] = CONTEXT_LIST;
    return 1;
}

bool list_page_command(struct page *page, const struct key *key, const char *name)
{
    (void)key;
    struct list_page *own = page->state;
    own->waiting = false;
    if (str_eq(name, "open")) {
        open_chosen(page);
        return true;
    }
    refresh(page);
    if (str_eq(name, own->type->command)) {
        return true;
    }
    if (name == NULL || !table_command(own->table, name)) {
        return false;
    }
    own->moved = true;
    return true;
}

void list_page_close(struct page *page)
{
    struct list_page *own = page->state;
    table_free(own->table);
    str_fini(&own->scratch);
    free(own->drawn);
    free(own);
}

void list_page_open(struct console *console, const struct page_type *type, const struct list_page_type *list)
{
    struct list_page *own = xcalloc(1, sizeof *own);
    *own = (struct list_page){.type = list,
                              .console = console,
                              .settled = list->settling == NULL,
                              .table = table_new(list->columns, list->column_count, -1)};
    console_push(console, type, own);
}
