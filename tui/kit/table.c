#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/kit/widgets.h"

#define COLUMNS_MAX 32

struct table {
    const struct table_column *columns;
    size_t column_count;
    int sort;
    bool reverse;

    uint32_t *order; /* rows of the source as shown */
    size_t rows, cap, total;
    /* The identities in that order: keys are answered without the source, which may have changed since. */
    struct str names;
    size_t *name; /* where each begins */
    size_t name_cap;
    size_t selected; /* index into order */
    char *identity;  /* of the selected row */
    size_t top;      /* index into order of the first one shown */
    size_t page;     /* rows of the last drawing */
};

struct table *table_new(const struct table_column *columns, size_t column_count, int sort)
{
    struct table *t = xcalloc(1, sizeof *t);
    t->columns = columns;
    t->column_count = column_count < COLUMNS_MAX ? column_count : COLUMNS_MAX;
    t->sort = sort;
    t->page = 1;
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    free(t->order);
    free(t->name);
    free(t->identity);
    str_fini(&t->names);
    free(t);
}

/* ---- order */

struct sorting {
    const struct table *table;
    const struct table_source *source;
};

static int by_cell(const struct table_source *source, size_t a, size_t b, size_t column)
{
    struct table_cell one = {"", ROLE_TEXT}, other = {"", ROLE_TEXT};
    source->cell(source->data, a, column, &one);
    source->cell(source->data, b, column, &other);
    return strcmp(one.text, other.text);
}

static int by_column(const void *a, const void *b, void *data)
{
    const struct sorting *s = data;
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    size_t column = (size_t)s->table->sort;
    int order = s->source->compare ? s->source->compare(s->source->data, one, other, column)
                                   : by_cell(s->source, one, other, column);
    if (order != 0)
        return s->table->reverse ? -order : order;
    return one < other ? -1 : one > other;
}

static void read_rows(struct table *t, const struct table_source *source, const struct filter *filter)
{
    t->total = source->count(source->data);
    t->rows = 0;
    t->order = vec_grow(t->order, &t->cap, t->total + 1, sizeof *t->order);
    bool filtered = filter_active(filter);
    for (size_t row = 0; row < t->total; row++) {
        if (filtered) {
            const char *text =
                source->haystack ? source->haystack(source->data, row) : source->identity(source->data, row);
            if (!filter_match(filter, text))
                continue;
        }
        t->order[t->rows++] = (uint32_t)row;
    }
    if (t->sort >= 0 && (size_t)t->sort < t->column_count) {
        struct sorting sorting = {t, source};
        qsort_r(t->order, t->rows, sizeof *t->order, by_column, &sorting);
    } else if (t->reverse) {
        for (size_t i = 0; i < t->rows / 2; i++) {
            uint32_t other = t->order[i];
            t->order[i] = t->order[t->rows - 1 - i];
            t->order[t->rows - 1 - i] = other;
        }
    }
}

/* ---- selection */

static const char *name_of(const struct table *t, size_t index)
{
    return t->names.data + t->name[index];
}

static void read_names(struct table *t, const struct table_source *source)
{
    t->name = vec_grow(t->name, &t->name_cap, t->rows + 1, sizeof *t->name);
    str_clear(&t->names);
    for (size_t i = 0; i < t->rows; i++) {
        const char *name = source->identity(source->data, t->order[i]);
        t->name[i] = t->names.len;
        str_add_bytes(&t->names, name, strlen(name) + 1);
    }
}

/* What is selected now is what it stays on. */
static void pin(struct table *t)
{
    if (t->rows == 0)
        return;
    if (t->selected >= t->rows)
        t->selected = t->rows - 1;
    if (!str_eq(t->identity, name_of(t, t->selected))) {
        free(t->identity);
        t->identity = xstrdup(name_of(t, t->selected));
    }
}

bool table_select(struct table *t, const char *identity)
{
    /* Most often it is where it was. */
    if (t->selected < t->rows && str_eq(name_of(t, t->selected), identity))
        return true;
    for (size_t i = 0; i < t->rows; i++) {
        if (str_eq(name_of(t, i), identity)) {
            t->selected = i;
            pin(t);
            return true;
        }
    }
    return false;
}

void table_update(struct table *t, const struct table_source *source, const struct filter *filter)
{
    read_rows(t, source, filter);
    read_names(t, source);
    if (t->identity && !table_select(t, t->identity)) {
        free(t->identity);
        t->identity = NULL;
    }
    pin(t);
}

static void move(struct table *t, int64_t by)
{
    int64_t to = (int64_t)t->selected + by;
    if (to >= (int64_t)t->rows)
        to = (int64_t)t->rows - 1;
    if (to < 0)
        to = 0;
    t->selected = (size_t)to;
    pin(t);
}

bool table_command(struct table *t, const char *command)
{
    int64_t page = t->page > 1 ? (int64_t)t->page - 1 : 1;
    if (!command)
        return false;
    if (str_eq(command, "up"))
        move(t, -1);
    else if (str_eq(command, "down"))
        move(t, 1);
    else if (str_eq(command, "page-up"))
        move(t, -page);
    else if (str_eq(command, "page-down"))
        move(t, page);
    else if (str_eq(command, "top"))
        move(t, -(int64_t)t->rows);
    else if (str_eq(command, "bottom"))
        move(t, (int64_t)t->rows);
    else if (str_eq(command, "sort"))
        t->sort = t->sort + 1 >= (int)t->column_count ? -1 : t->sort + 1;
    else if (str_eq(command, "sort-reverse"))
        t->reverse = !t->reverse;
    else
        return false;
    return true;
}

size_t table_rows(const struct table *t)
{
    return t->rows;
}

size_t table_total(const struct table *t)
{
    return t->total;
}

const char *table_selected(const struct table *t)
{
    return t->rows > 0 ? t->identity : NULL;
}

int64_t table_selected_row(const struct table *t)
{
    return t->rows > 0 ? (int64_t)t->order[t->selected] : -1;
}

void table_sorting(const struct table *t, int *column, bool *reverse)
{
    *column = t->sort;
    *reverse = t->reverse;
}

/* ---- drawing */

/* Widths of the columns, 0 for those that are dropped; a space stands between two. */
static void lay_out(const struct table *t, int room, int widths[COLUMNS_MAX])
{
    int used = -1, grow = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        widths[i] = t->columns[i].width;
        used += widths[i] + 1;
    }
    while (used > room) {
        size_t worst = 0;
        int priority = 0;
        for (size_t i = 0; i < t->column_count; i++)
            if (widths[i] > 0 && t->columns[i].priority >= priority && t->columns[i].priority > 0)
                worst = i, priority = t->columns[i].priority;
        if (priority == 0)
            break;
        used -= widths[worst] + 1;
        widths[worst] = 0;
    }
    for (size_t i = 0; i < t->column_count; i++)
        grow += widths[i] > 0 ? t->columns[i].grow : 0;
    for (size_t i = 0; i < t->column_count && grow > 0 && used < room; i++) {
        if (widths[i] == 0 || t->columns[i].grow == 0)
            continue;
        int more = (room - used) * t->columns[i].grow / grow;
        widths[i] += more;
        used += more;
        grow -= t->columns[i].grow;
    }
}

static void put_aligned(struct canvas *c, int x, int y, int width, enum align align, unsigned style,
                        const char *text)
{
    if (align == ALIGN_RIGHT)
        canvas_put_right(c, x, y, width, style, text);
    else
        canvas_put_cut(c, x, y, width, style, text);
}

static void draw_head(const struct table *t, const int widths[COLUMNS_MAX], struct canvas *c)
{
    int x = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        if (widths[i] == 0)
            continue;
        char title[64], mark[5] = "";
        if ((int)i == t->sort)
            glyph_text(t->reverse ? GLYPH_DOWNWARD : GLYPH_UP, canvas_ascii(c), mark);
        snprintf(title, sizeof title, "%.48s%s", t->columns[i].title, mark);
        put_aligned(c, x, 0, widths[i], t->columns[i].align, ROLE_TITLE, title);
        x += widths[i] + 1;
    }
}

static void draw_row(const struct table *t, const struct table_source *source, const int widths[COLUMNS_MAX],
                     size_t row, struct canvas *c, int y)
{
    int x = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        if (widths[i] == 0)
            continue;
        struct table_cell cell = {"", ROLE_TEXT};
        source->cell(source->data, row, i, &cell);
        put_aligned(c, x, y, widths[i], t->columns[i].align, cell.style, cell.text);
        x += widths[i] + 1;
    }
}

void table_draw(struct table *t, const struct table_source *source, struct canvas *c, bool focus)
{
    int widths[COLUMNS_MAX] = {0};
    int height = canvas_height(c) - 1;
    lay_out(t, canvas_width(c), widths);
    draw_head(t, widths, c);
    if (height < 1)
        return;
    t->page = (size_t)height;
    if (t->selected < t->top)
        t->top = t->selected;
    if (t->selected >= t->top + t->page)
        t->top = t->selected - t->page + 1;
    if (t->top + t->page > t->rows)
        t->top = t->rows > t->page ? t->rows - t->page : 0;
    for (size_t i = 0; i < t->page && t->top + i < t->rows; i++) {
        int y = (int)i + 1;
        draw_row(t, source, widths, t->order[t->top + i], c, y);
        if (t->top + i != t->selected)
            continue;
        struct rect line = {0, y, canvas_width(c), 1};
        if (focus)
            canvas_restyle(c, line, ROLE_SELECTION);
        else
            canvas_mark(c, line, STYLE_UNDERLINE);
    }
}
