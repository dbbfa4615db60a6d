#include <stdlib.h>
#include <string.h>

#include "tui/kit/widgets.h"

struct line {
    size_t start, length; /* in bytes; a NUL follows */
    unsigned style;
};

struct text_view {
    struct str bytes;
    VEC(struct line) lines;
    bool unfinished; /* the last line has had no newline: what is added goes on there */
    bool wrap, follow, at_end, to_end;

    /* The lines that the filter leaves, found once: the text may be long. */
    VEC(size_t) shown;
    size_t looked_at; /* lines that shown knows about */
    char *filter;

    size_t top;   /* first line on the page, an index into shown */
    int row;      /* first row of it on the page */
    int64_t move; /* rows to scroll at the next drawing, which knows how long lines are */
    int left;     /* columns scrolled away, when not wrapped */
    int height;
};

struct text_view *text_view_new(void)
{
    struct text_view *v = xcalloc(1, sizeof *v);
    v->wrap = true;
    v->height = 1;
    return v;
}

void text_view_free(struct text_view *v)
{
    if (!v)
        return;
    str_fini(&v->bytes);
    vec_fini(&v->lines);
    vec_fini(&v->shown);
    free(v->filter);
    free(v);
}

void text_view_clear(struct text_view *v)
{
    str_clear(&v->bytes);
    v->lines.len = v->shown.len = v->looked_at = 0;
    v->unfinished = false;
}

size_t text_view_lines(const struct text_view *v)
{
    return v->lines.len;
}

/* The oldest quarter goes at once: moving the rest for every line would cost time. */
static void drop_oldest(struct text_view *v)
{
    size_t lines = 0, cut = 0;
    while (lines + 1 < v->lines.len && cut < TEXT_VIEW_BYTES_MAX / 4)
        cut = v->lines.data[++lines].start;
    str_remove_front(&v->bytes, cut);
    memmove(v->lines.data, v->lines.data + lines, (v->lines.len - lines) * sizeof *v->lines.data);
    v->lines.len -= lines;
    for (size_t i = 0; i < v->lines.len; i++)
        v->lines.data[i].start -= cut;
    size_t gone = 0;
    while (gone < v->shown.len && v->shown.data[gone] < lines)
        gone++;
    v->top = v->top > gone ? v->top - gone : 0;
    v->shown.len = v->looked_at = 0;
}

/* Lines are C strings inside; a NUL of the text is spelled as the canvas would. */
static void add_text(struct text_view *v, const char *bytes, size_t length)
{
    const char *nul;
    while ((nul = memchr(bytes, '\0', length))) {
        size_t part = (size_t)(nul - bytes);
        str_add_bytes(&v->bytes, bytes, part);
        str_add(&v->bytes, "<U+0000>");
        bytes += part + 1;
        length -= part + 1;
    }
    str_add_bytes(&v->bytes, bytes, length);
}

static void finish_line(struct text_view *v)
{
    if (v->unfinished)
        str_add_char(&v->bytes, '\0');
    v->unfinished = false;
}

/* The last line has changed. */
static void look_again(struct text_view *v)
{
    if (v->looked_at < v->lines.len)
        return;
    v->looked_at--;
    if (v->shown.len > 0 && v->shown.data[v->shown.len - 1] == v->looked_at)
        v->shown.len--;
}

static void add_part(struct text_view *v, unsigned style, const char *bytes, size_t length, bool ends)
{
    /* One endless line can't be dropped by lines. */
    if (v->unfinished && v->lines.data[v->lines.len - 1].length + length > TEXT_VIEW_BYTES_MAX / 4)
        finish_line(v);
    if (v->unfinished)
        look_again(v);
    else
        *vec_push(&v->lines) = (struct line){v->bytes.len, 0, style};
    add_text(v, bytes, length);
    struct line *line = &v->lines.data[v->lines.len - 1];
    line->length = v->bytes.len - line->start;
    v->unfinished = true;
    if (ends)
        finish_line(v);
}

void text_view_add_bytes(struct text_view *v, unsigned style, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t piece = length < TEXT_VIEW_BYTES_MAX / 4 ? length : TEXT_VIEW_BYTES_MAX / 4;
        const char *newline = memchr(bytes, '\n', piece);
        size_t part = newline ? (size_t)(newline - bytes) : piece;
        if (v->bytes.len + part > TEXT_VIEW_BYTES_MAX)
            drop_oldest(v);
        /* A carriage return before a newline says nothing. */
        size_t shown = newline && part > 0 && bytes[part - 1] == '\r' ? part - 1 : part;
        add_part(v, style, bytes, shown, newline != NULL);
        bytes += part + (newline != NULL);
        length -= part + (newline != NULL);
    }
}

void text_view_add(struct text_view *v, unsigned style, const char *text)
{
    text_view_add_bytes(v, style, text, strlen(text));
}

void text_view_addf(struct text_view *v, unsigned style, const char *format, ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    text_view_add_bytes(v, style, str_text(&text), text.len);
    str_fini(&text);
}

void text_view_follow(struct text_view *v, bool follow)
{
    v->follow = v->at_end = follow;
}

/* ---- drawing */

static const char *line_text(const struct text_view *v, size_t index)
{
    return v->bytes.data + v->lines.data[v->shown.data[index]].start;
}

static void look(struct text_view *v, const struct filter *filter)
{
    if (!str_eq(v->filter, filter_text(filter))) {
        free(v->filter);
        v->filter = xstrdup(filter_text(filter));
        v->shown.len = v->looked_at = 0;
        v->top = 0;
        v->row = 0;
    }
    for (; v->looked_at < v->lines.len; v->looked_at++)
        if (filter_match(filter, v->bytes.data + v->lines.data[v->looked_at].start))
            *vec_push(&v->shown) = v->looked_at;
}

static int line_rows(const struct text_view *v, size_t index, const struct canvas *c)
{
    if (!v->wrap)
        return 1;
    const char *text = line_text(v, index);
    /* No character takes more than 10 columns ("<U+10FFFF>"). */
    if (strlen(text) <= (size_t)canvas_width(c) / 10)
        return 1;
    return canvas_wrapped_rows(c, canvas_width(c), text);
}

/* Where the page begins that ends with the end of the text. */
static void find_end(const struct text_view *v, const struct canvas *c, size_t *top, int *row)
{
    int left = canvas_height(c);
    *top = v->shown.len;
    *row = 0;
    while (*top > 0 && left > 0) {
        int rows = line_rows(v, --*top, c);
        *row = rows > left ? rows - left : 0;
        left -= rows;
    }
}

static void scroll(struct text_view *v, const struct canvas *c)
{
    int64_t rows = v->row + v->move;
    v->move = 0;
    while (rows < 0 && v->top > 0)
        rows += line_rows(v, --v->top, c);
    while (rows > 0 && v->top < v->shown.len) {
        int here = line_rows(v, v->top, c);
        if (rows < here)
            break;
        rows -= here;
        v->top++;
    }
    v->row = rows > 0 ? (int)rows : 0;
}

static void keep_place(struct text_view *v, const struct canvas *c)
{
    size_t end_top;
    int end_row;
    scroll(v, c);
    find_end(v, c, &end_top, &end_row);
    bool beyond = v->top > end_top || (v->top == end_top && v->row >= end_row);
    if (v->follow && (beyond || v->to_end))
        v->at_end = true;
    if (beyond || v->at_end || v->to_end) {
        v->top = end_top;
        v->row = end_row;
    }
    v->to_end = false;
}

void text_view_draw(struct text_view *v, struct canvas *c, const struct filter *filter)
{
    v->height = canvas_height(c);
    if (canvas_width(c) < 1 || v->height < 1)
        return;
    look(v, filter);
    keep_place(v, c);
    int y = -v->row;
    for (size_t i = v->top; i < v->shown.len && y < v->height; i++) {
        unsigned style = v->lines.data[v->shown.data[i]].style;
        if (v->wrap) {
            y = canvas_put_wrapped(c, 0, y, canvas_width(c), style, line_text(v, i));
        } else {
            canvas_put(c, -v->left, y, style, line_text(v, i));
            y++;
        }
    }
}

/* ---- commands */

static void move_up(struct text_view *v, int64_t rows)
{
    v->move -= rows;
    v->at_end = false;
}

bool text_view_command(struct text_view *v, const char *command)
{
    int64_t page = v->height > 1 ? v->height - 1 : 1;
    if (!command)
        return false;
    if (str_eq(command, "up")) {
        move_up(v, 1);
    } else if (str_eq(command, "down")) {
        v->move += 1;
    } else if (str_eq(command, "page-up")) {
        move_up(v, page);
    } else if (str_eq(command, "page-down")) {
        v->move += page;
    } else if (str_eq(command, "top")) {
        v->top = 0;
        v->row = 0;
        v->move = 0;
        v->at_end = false;
    } else if (str_eq(command, "bottom")) {
        v->move = 0;
        v->to_end = true;
    } else if (str_eq(command, "left")) {
        v->left = v->left > 8 ? v->left - 8 : 0;
    } else if (str_eq(command, "right")) {
        v->left += v->wrap || v->left > 100000 ? 0 : 8;
    } else if (str_eq(command, "wrap")) {
        v->wrap = !v->wrap;
        v->left = 0;
        v->row = 0;
    } else {
        return false;
    }
    return true;
}
