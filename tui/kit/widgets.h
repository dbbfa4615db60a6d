/* Widgets: state plus functions that draw it and that answer commands (names of keymap rows), never keys: all
 * keys are in the one table. */
#ifndef BELAY_KIT_WIDGETS_H
#define BELAY_KIT_WIDGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "tui/kit/canvas.h"
#include "tui/kit/keymap.h"

/* ---- filter: a regular expression (extended, case ignored); a leading '!' inverts; empty matches everything
 */

struct filter;

struct filter *filter_new(void);
void filter_free(struct filter *f);
/* On a bad expression the old one stays. */
int filter_set(struct filter *f, const char *text, struct err *e);
const char *filter_text(const struct filter *f); /* "" when off */
bool filter_active(const struct filter *f);
bool filter_match(const struct filter *f, const char *text);

/* ---- table: rows with an identity, sorted, filtered; the selection stays on its thing.
 * Commands: up down page-up page-down top bottom sort sort-reverse */

enum align { ALIGN_LEFT, ALIGN_RIGHT };

struct table_column {
    const char *title;
    int width; /* least columns */
    int grow;  /* share of what is left over; 0: stays at width */
    enum align align;
    int priority; /* dropped first when there is no room: highest first; 0 is never dropped */
};

struct table_cell {
    char text[256];
    unsigned style;
};

/* Where the rows come from. Rows are numbered 0..count-1 in the source's own order, which may change at every
 * table_update. */
struct table_source {
    void *data;
    size_t (*count)(void *data);
    /* A name that stays with the thing as long as it exists, unique; copied by the table. */
    const char *(*identity)(void *data, size_t row);
    /* Fills cell; text and style begin empty and ROLE_TEXT. */
    void (*cell)(void *data, size_t row, size_t column, struct table_cell *cell);
    /* Order by a column, as strcmp; NULL: by the cells' texts. Equal rows keep the source's order. */
    int (*compare)(void *data, size_t a, size_t b, size_t column);
    /* The text that the filter is matched against; NULL: the identity. */
    const char *(*haystack)(void *data, size_t row);
};

struct table;

/* columns is kept by reference; sort is the first column to sort by, or -1: the source's order. */
struct table *table_new(const struct table_column *columns, size_t column_count, int sort);
void table_free(struct table *t);
/* Reads the source anew: filters, sorts, finds the selected thing again. When it is gone the selection goes
 * to the row that took its place. */
void table_update(struct table *t, const struct table_source *source, const struct filter *filter);
void table_draw(struct table *t, const struct table_source *source, struct canvas *c, bool focus);
/* False when the command is none of a table's. Sorting calls for a table_update. */
bool table_command(struct table *t, const char *command);
size_t table_rows(const struct table *t);          /* after the filter */
size_t table_total(const struct table *t);         /* before it */
const char *table_selected(const struct table *t); /* identity, or NULL when empty */
/* The source's row number as of the last update, or -1. */
int64_t table_selected_row(const struct table *t);
bool table_select(struct table *t, const char *identity);
void table_sorting(const struct table *t, int *column, bool *reverse);

/* ---- text view: lines with styles, wrapped or scrolled sideways.
 * Commands: up down page-up page-down top bottom left right wrap */

struct text_view;

#define TEXT_VIEW_BYTES_MAX (8 << 20)

struct text_view *text_view_new(void);
void text_view_free(struct text_view *v);
void text_view_clear(struct text_view *v); /* keeps the place */
/* Appends; newlines split. Beyond TEXT_VIEW_BYTES_MAX the oldest lines go. */
void text_view_add(struct text_view *v, unsigned style, const char *text);
void text_view_add_bytes(struct text_view *v, unsigned style, const char *bytes, size_t length);
void text_view_addf(struct text_view *v, unsigned style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Follow: stays at the end while it is there (until the reader scrolls up; `bottom` follows again). */
void text_view_follow(struct text_view *v, bool follow);
void text_view_draw(struct text_view *v, struct canvas *c, const struct filter *filter);
bool text_view_command(struct text_view *v, const char *command);
size_t text_view_lines(const struct text_view *v);

/* ---- line editor: one line for `:`, `/`, notes and confirmations.
 * Commands: cursor-left cursor-right word-left word-right line-start line-end erase-left erase-right
 * erase-word erase-line erase-to-end history-back history-forward complete accept cancel. What is bound to
 * none of them and is text goes to editor_type. */

struct editor;

enum editor_answer {
    EDITOR_IGNORED,  /* not its key or command */
    EDITOR_CHANGED,  /* text or cursor */
    EDITOR_ACCEPTED, /* Enter: editor_text is the answer */
    EDITOR_CANCELLED,
    EDITOR_REFUSED, /* a paste where pastes are refused */
    EDITOR_FULL,    /* it would be longer than EDITOR_TEXT_MAX; nothing of it was taken */
};

#define EDITOR_TEXT_MAX    4096
#define EDITOR_HISTORY_MAX 200

/* Calls add for each candidate that can take the place of bytes start..cursor of text, and returns start. */
typedef size_t editor_completer(void *data, const char *text, size_t cursor,
                                void (*add)(void *list, const char *candidate), void *list);

struct editor_options {
    const char *prompt; /* ":"; copied */
    bool refuse_paste;
    bool history; /* keeps accepted lines */
    editor_completer *complete;
    void *data;
};

struct editor *editor_new(const struct editor_options *options);
void editor_free(struct editor *ed);
enum editor_answer editor_type(struct editor *ed, const struct key *key);
enum editor_answer editor_command(struct editor *ed, const char *command);
const char *editor_text(const struct editor *ed);
void editor_set(struct editor *ed, const char *text); /* cursor at the end; "" to begin anew */
void editor_remember(struct editor *ed, const char *line);
/* Prompt, text scrolled so that the cursor shows, cursor; candidates of an ambiguous completion in the row
 * above when there is one (row -1 of c's grid is c's caller's: pass a canvas of two rows to see them). */
void editor_draw(struct editor *ed, struct canvas *c, unsigned style);

/* ---- popup: a framed window in the middle, the rest dimmed */

/* width and height include the frame and are held to the canvas. Returns the inside. */
struct canvas popup_draw(struct canvas *c, int width, int height, const char *title);

/* ---- history plot */

struct plot {
    const double *values; /* oldest first; NaN is a gap */
    const int64_t *at_us; /* of each value, ascending, any clock */
    size_t count;
    int64_t from_us, to_us; /* the span shown */
    double warn, critical;  /* lines at thresholds; NaN: none */
    const char *unit;       /* after the axis' numbers; may be NULL */
};

/* Axis, threshold lines and the values (braille dots, ASCII *), at any size. */
void plot_draw(const struct plot *p, struct canvas *c, unsigned style);
/* A number in at most 6 columns: "1.25k", "0.031", "NaN" as "-". */
#define PLOT_NUMBER_SIZE 16
void plot_number(double value, char text[static PLOT_NUMBER_SIZE]);

#endif
