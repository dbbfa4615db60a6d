#include "tui/kit/canvas.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/kit/text.h"

static struct rect rect_cut(struct rect a, struct rect b)
{
    int x = a.x > b.x ? a.x : b.x, y = a.y > b.y ? a.y : b.y;
    int right = a.x + a.width < b.x + b.width ? a.x + a.width : b.x + b.width;
    int low = a.y + a.height < b.y + b.height ? a.y + a.height : b.y + b.height;
    return (struct rect){x, y, right > x ? right - x : 0, low > y ? low - y : 0};
}

static int held(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* ---- the grid */

static void grid_blank(struct grid *g)
{
    size_t count = (size_t)g->width * (size_t)g->height;
    for (size_t i = 0; i < count; i++)
        g->cells[i] = (struct cell){{' ', 0, 0}, ROLE_TEXT, 1};
    g->cursor_shown = false;
}

struct canvas *canvas_new(int width, int height, bool ascii)
{
    struct canvas *c = xcalloc(1, sizeof *c);
    c->grid = xcalloc(1, sizeof *c->grid);
    c->grid->ascii = ascii;
    canvas_resize(c, width, height);
    return c;
}

void canvas_free(struct canvas *c)
{
    if (!c)
        return;
    free(c->grid->cells);
    free(c->grid);
    free(c);
}

void canvas_resize(struct canvas *c, int width, int height)
{
    struct grid *g = c->grid;
    g->width = held(width, 1, CANVAS_WIDTH_MAX);
    g->height = held(height, 1, CANVAS_HEIGHT_MAX);
    free(g->cells);
    g->cells = xmalloc((size_t)g->width * (size_t)g->height * sizeof *g->cells);
    grid_blank(g);
    c->area = c->clip = (struct rect){0, 0, g->width, g->height};
}

/* A wide character of which one half is about to be overwritten leaves a space in the other. */
static void grid_release(struct cell *row, int width, int x)
{
    if (row[x].width == 0 && x > 0)
        row[x - 1].code[0] = ' ', row[x - 1].code[1] = row[x - 1].code[2] = 0, row[x - 1].width = 1;
    if (row[x].width == 2 && x + 1 < width)
        row[x + 1].code[0] = ' ', row[x + 1].code[1] = row[x + 1].code[2] = 0, row[x + 1].width = 1;
}

/* x and y in the grid. A wide one that would cross the clip is drawn as a space. */
static void cell_set(struct canvas *c, int x, int y, unsigned style, const uint32_t code[3], int width)
{
    struct rect r = c->clip;
    if (y < r.y || y >= r.y + r.height || x >= r.x + r.width || x + width <= r.x)
        return;
    struct cell *row = &c->grid->cells[(size_t)y * (size_t)c->grid->width];
    if (width == 2 && (x < r.x || x + 1 >= r.x + r.width)) {
        static const uint32_t space[3] = {' ', 0, 0};
        cell_set(c, x < r.x ? x + 1 : x, y, style, space, 1);
        return;
    }
    for (int i = 0; i < width; i++)
        grid_release(row, c->grid->width, x + i);
    row[x] = (struct cell){{code[0], code[1], code[2]}, (uint16_t)style, (uint16_t)width};
    if (width == 2)
        row[x + 1] = (struct cell){{0, 0, 0}, (uint16_t)style, 0};
}

static void piece_set(struct canvas *c, int x, int y, unsigned style, const struct piece *p)
{
    x += c->area.x;
    y += c->area.y;
    if (!p->spelling[0]) {
        cell_set(c, x, y, style, p->code, p->width);
        return;
    }
    for (int i = 0; i < p->width; i++) {
        uint32_t code[3] = {(unsigned char)p->spelling[i], 0, 0};
        cell_set(c, x + i, y, style, code, 1);
    }
}

/* ---- windows */

struct canvas canvas_sub(const struct canvas *c, struct rect r)
{
    struct canvas sub = {.grid = c->grid};
    sub.area = (struct rect){c->area.x + r.x, c->area.y + r.y, r.width > 0 ? r.width : 0,
                             r.height > 0 ? r.height : 0};
    sub.clip = rect_cut(c->clip, sub.area);
    return sub;
}

struct canvas canvas_inside(const struct canvas *c)
{
    return canvas_sub(c, (struct rect){1, 1, c->area.width - 2, c->area.height - 2});
}

void canvas_clear(struct canvas *c, unsigned style)
{
    canvas_fill(c, (struct rect){0, 0, c->area.width, c->area.height}, style, ' ');
    if (c->clip.width == c->grid->width && c->clip.height == c->grid->height)
        c->grid->cursor_shown = false;
}

static struct rect on_grid(const struct canvas *c, struct rect r)
{
    return rect_cut(c->clip, (struct rect){c->area.x + r.x, c->area.y + r.y, r.width, r.height});
}

void canvas_fill(struct canvas *c, struct rect r, unsigned style, uint32_t code)
{
    if (c->grid->ascii)
        code = text_ascii(code) ? (unsigned char)text_ascii(code) : '?';
    uint32_t codes[3] = {utf8_width(code) == 1 ? code : ' ', 0, 0};
    r = on_grid(c, r);
    for (int y = r.y; y < r.y + r.height; y++)
        for (int x = r.x; x < r.x + r.width; x++)
            cell_set(c, x, y, style, codes, 1);
}

void canvas_restyle(struct canvas *c, struct rect r, unsigned style)
{
    r = on_grid(c, r);
    for (int y = r.y; y < r.y + r.height; y++)
        for (int x = r.x; x < r.x + r.width; x++)
            c->grid->cells[y * c->grid->width + x].style = (uint16_t)style;
}

void canvas_mark(struct canvas *c, struct rect r, unsigned bits)
{
    r = on_grid(c, r);
    for (int y = r.y; y < r.y + r.height; y++)
        for (int x = r.x; x < r.x + r.width; x++)
            c->grid->cells[y * c->grid->width + x].style |= (uint16_t)(bits & STYLE_MASK);
}

void canvas_cursor(struct canvas *c, int x, int y)
{
    x += c->area.x;
    y += c->area.y;
    struct rect r = c->clip;
    c->grid->cursor_shown = x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height;
    c->grid->cursor_x = x;
    c->grid->cursor_y = y;
}

/* ---- text */

/* Columns can't overflow: further than this nothing is ever seen. */
static int advance(int x, int width)
{
    return x > INT_MAX / 2 ? x : x + width;
}

int canvas_put_bytes(struct canvas *c, int x, int y, unsigned style, const char *bytes, size_t length)
{
    struct piece p;
    size_t used;
    while (length > 0 && (used = text_piece(bytes, length, c->grid->ascii, &p)) > 0) {
        piece_set(c, x, y, style, &p);
        x = advance(x, p.width);
        bytes += used;
        length -= used;
    }
    return x;
}

int canvas_put(struct canvas *c, int x, int y, unsigned style, const char *text)
{
    return canvas_put_bytes(c, x, y, style, text ? text : "", text ? strlen(text) : 0);
}

int canvas_putf(struct canvas *c, int x, int y, unsigned style, const char *format, ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    x = canvas_put_bytes(c, x, y, style, str_text(&text), text.len);
    str_fini(&text);
    return x;
}

int canvas_columns(const struct canvas *c, const char *text)
{
    struct piece p;
    size_t used, length = text ? strlen(text) : 0;
    int columns = 0;
    while (length > 0 && (used = text_piece(text, length, c->grid->ascii, &p)) > 0) {
        columns = advance(columns, p.width);
        text += used;
        length -= used;
    }
    return columns;
}

int canvas_put_glyph(struct canvas *c, int x, int y, unsigned style, enum glyph glyph)
{
    char text[5];
    return canvas_put(c, x, y, style, glyph_text(glyph, c->grid->ascii, text));
}

int canvas_put_cut(struct canvas *c, int x, int y, int width, unsigned style, const char *text)
{
    if (width <= 0 || !text)
        return x;
    if (canvas_columns(c, text) <= width)
        return canvas_put(c, x, y, style, text);
    struct piece p;
    size_t used, length = strlen(text);
    int end = x + width - 1;
    while ((used = text_piece(text, length, c->grid->ascii, &p)) > 0 && x + p.width <= end) {
        piece_set(c, x, y, style, &p);
        x += p.width;
        text += used;
        length -= used;
    }
    return canvas_put_glyph(c, x, y, style, GLYPH_ELLIPSIS);
}

int canvas_put_right(struct canvas *c, int x, int y, int width, unsigned style, const char *text)
{
    int columns = canvas_columns(c, text);
    int begin = columns < width ? x + width - columns : x;
    canvas_put_cut(c, begin, y, width < columns ? width : columns, style, text);
    return begin;
}

/* ---- wrapping */

/* The bytes that go into one row of width columns, and how many of the text that uses up: the newline or
 * space at the break is gone with the row, but a command keeps its spaces. */
struct row_cut {
    size_t shown, used;
    bool wrapped; /* the text goes on for want of room, not for a newline */
};

static struct row_cut row_of(const char *text, size_t length, int width, bool ascii, bool command)
{
    struct piece p;
    size_t at = 0, used, space = 0;
    int columns = 0;
    bool spaced = false;
    while (at < length && (used = text_piece(text + at, length - at, ascii, &p)) > 0) {
        if (p.newline)
            return (struct row_cut){at, at + used, false};
        if (columns + p.width > width) {
            if (text[at] == ' ' && at > 0)
                return (struct row_cut){at, at + !command, true};
            if (spaced)
                return (struct row_cut){space + command, space + 1, true};
            if (at == 0) /* a single piece wider than the row: clipped, but never an endless loop */
                at = used;
            return (struct row_cut){at, at, true};
        }
        /* Leading blanks are indentation, not a place to break at. */
        if (text[at] == ' ' && columns > 0 && text[at - 1] != ' ')
            space = at, spaced = true;
        columns += p.width;
        at += used;
    }
    return (struct row_cut){at, at, false};
}

/* Draws on c, or only counts rows when draw is false. */
static int wrap(struct canvas *c, bool draw, int x, int y, int width, unsigned style, const char *text,
                bool command)
{
    if (!text)
        text = "";
    size_t length = strlen(text);
    bool ascii = c->grid->ascii;
    if (width < 1)
        width = 1;
    do {
        struct row_cut cut = row_of(text, length, width, ascii, command);
        if (command && cut.wrapped && width > 1) /* the mark takes the last column */
            cut = row_of(text, length, width - 1, ascii, command);
        if (draw) {
            int end = canvas_put_bytes(c, x, y, style, text, cut.shown);
            if (command && cut.wrapped)
                canvas_put(c, end, y, ROLE_FAINT, "\\");
        }
        y++;
        text += cut.used;
        length -= cut.used;
    } while (length > 0);
    return y;
}

int canvas_put_wrapped(struct canvas *c, int x, int y, int width, unsigned style, const char *text)
{
    return wrap(c, true, x, y, width, style, text, false);
}

int canvas_put_command(struct canvas *c, int x, int y, int width, unsigned style, const char *text)
{
    return wrap(c, true, x, y, width, style, text, true);
}

int canvas_wrapped_rows(const struct canvas *c, int width, const char *text)
{
    struct canvas measure = *c;
    return wrap(&measure, false, 0, 0, width, 0, text, false);
}
