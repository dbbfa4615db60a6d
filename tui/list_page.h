/* A page that is one table under a title: incidents, runbooks. Its rows are read anew for each frame and key.
 */
#ifndef BELAY_TUI_LIST_PAGE_H
#define BELAY_TUI_LIST_PAGE_H

#include "tui/console_state.h"

struct list_page_type {
    const char *title, *hint;
    const char *nothing; /* instead of an empty table */
    const char *command; /* of the key that opens it: nothing to do while it is open */
    const struct table_column *columns;
    size_t column_count;
    struct table_source rows;                              /* data is the page's struct list_page */
    void (*open)(struct page *page, const char *identity); /* Enter on a row */
    /* NULL, or why the rows are not all there yet: until somebody moves, nothing is selected then. May be
     * NULL. */
    const char *(*settling)(struct console *console);
};

struct list_page {
    const struct list_page_type *type;
    struct console *console;
    struct table *table;
    struct str scratch; /* for identities and haystacks */
    bool moved;         /* by the reader: else the first row stays the selected one until all are there */
    bool settled;       /* as drawn last, */
    char *drawn;        /* with this one selected */
    bool waiting;       /* Enter, until all rows are there; another key takes it back */
};

void list_page_open(struct console *console, const struct page_type *type, const struct list_page_type *list);

/* The functions of struct page_type. */
void list_page_close(struct page *page);
bool list_page_update(struct page *page, unsigned changes);
void list_page_draw(struct page *page, struct canvas *c);
size_t list_page_contexts(struct page *page, enum key_context *stack);
bool list_page_command(struct page *page, const struct key *key, const char *name);

#endif
