/* Shapes on a canvas: frames, sparklines, bars; and the canvas as text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/kit/canvas.h"
#include "tui/kit/text.h"

static const struct {
    uint32_t code;
    char ascii;
} glyphs[GLYPH_COUNT] = {
#define X(name, code, ascii) {code, ascii},
    GLYPHS(X)
#undef X
};

const char *glyph_text(enum glyph glyph, bool ascii, char text[static 5])
{
    size_t length = 1;
    if (ascii)
        text[0] = glyphs[glyph].ascii;
    else
        length = utf8_encode(glyphs[glyph].code, text);
    text[length] = '\0';
    return text;
}

const char *role_name(enum role role)
{
    static const char *const names[] = {
#define X(name, text, mono, help) text,
        ROLES(X)
#undef X
    };
    return role < ROLE_COUNT ? names[role] : "?";
}

static void put_code(struct canvas *c, int x, int y, unsigned style, uint32_t code)
{
    canvas_fill(c, (struct rect){x, y, 1, 1}, style, code);
}

void canvas_line(struct canvas *c, int x, int y, int width, unsigned style)
{
    canvas_fill(c, (struct rect){x, y, width, 1}, style, glyphs[GLYPH_LINE].code);
}

/* " text " into the border at x, at most up to column end; returns the column after. */
static int border_text(struct canvas *c, int x, int y, int end, unsigned style, const char *text)
{
    if (!text || !*text || end - x < 4)
        return x;
    put_code(c, x, y, style, ' ');
    x = canvas_put_cut(c, x + 1, y, end - x - 2, style, text);
    put_code(c, x, y, style, ' ');
    return x + 1;
}

void canvas_frame(struct canvas *c, unsigned style, const char *title, const char *note, const char *corner)
{
    int w = c->area.width, h = c->area.height;
    if (w < 2 || h < 2)
        return;
    canvas_line(c, 1, 0, w - 2, style);
    canvas_line(c, 1, h - 1, w - 2, style);
    canvas_fill(c, (struct rect){0, 1, 1, h - 2}, style, glyphs[GLYPH_BAR].code);
    canvas_fill(c, (struct rect){w - 1, 1, 1, h - 2}, style, glyphs[GLYPH_BAR].code);
    put_code(c, 0, 0, style, glyphs[GLYPH_TOP_LEFT].code);
    put_code(c, w - 1, 0, style, glyphs[GLYPH_TOP_RIGHT].code);
    put_code(c, 0, h - 1, style, glyphs[GLYPH_LOW_LEFT].code);
    put_code(c, w - 1, h - 1, style, glyphs[GLYPH_LOW_RIGHT].code);
    int x = border_text(c, 1, 0, w - 1, ROLE_TITLE, title);
    border_text(c, x + (x > 1 ? 2 : 0), 0, w - 1, style & ~(unsigned)STYLE_MASK, note);
    int columns = canvas_columns(c, corner);
    if (columns > 0 && columns + 8 <= w)
        border_text(c, w - columns - 5, h - 1, w - 3, style, corner);
}

void canvas_spark(struct canvas *c, int x, int y, int width, unsigned style, const double *values,
                  size_t count, double low, double high)
{
    if (width <= 0)
        return;
    if (count > (size_t)width) {
        values += count - (size_t)width;
        count = (size_t)width;
    }
    if (!(low < high)) {
        low = 0;
        high = -INFINITY;
        for (size_t i = 0; i < count; i++) {
            if (!isfinite(values[i]))
                continue;
            low = values[i] < low ? values[i] : low;
            high = values[i] > high ? values[i] : high;
        }
    }
    canvas_fill(c, (struct rect){x, y, width, 1}, style, ' ');
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        double share = high > low ? (values[i] - low) / (high - low) : 0;
        int level = share > 0 ? (share < 1 ? (int)(share * 8) : 7) : 0;
        put_code(c, x + width - (int)count + (int)i, y, style, (uint32_t)(0x2581 + level));
    }
}

void canvas_bar(struct canvas *c, int x, int y, int width, unsigned style, double fraction)
{
    if (width <= 0)
        return;
    if (!(fraction > 0))
        fraction = 0;
    if (fraction > 1)
        fraction = 1;
    /* Rounded down: a bar is full only at 1. */
    int eighths = (int)(fraction * width * 8);
    int full = eighths / 8, rest = eighths % 8;
    canvas_fill(c, (struct rect){x, y, full, 1}, style, glyphs[GLYPH_BLOCK].code);
    canvas_fill(c, (struct rect){x + full, y, width - full, 1}, ROLE_BAR_REST, glyphs[GLYPH_SHADE].code);
    if (rest > 0 && !c->grid->ascii)
        put_code(c, x + full, y, style, (uint32_t)(0x2590 - rest));
}

/* ---- the canvas as text */

static void dump_row(const struct cell *row, int width, struct str *out)
{
    size_t start = out->len, end = start;
    for (int x = 0; x < width; x++) {
        for (int i = 0; i < 3 && row[x].code[i]; i++) {
            char bytes[4];
            str_add_bytes(out, bytes, utf8_encode(row[x].code[i], bytes));
        }
        if (row[x].code[0] != ' ' && row[x].width > 0)
            end = out->len;
    }
    if (out->len > end) {
        out->len = end;
        out->data[end] = '\0';
    }
    str_add_char(out, '\n');
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* The letter of a style: '.' for plain text, else by order of appearance. */
static char style_letter(uint16_t style, uint16_t *styles, size_t *count)
{
    if (style == ROLE_TEXT)
        return '.';
    size_t i = 0;
    while (i < *count && styles[i] != style)
        i++;
    if (i == sizeof LETTERS - 1)
        return '?';
    if (i == *count)
        styles[(*count)++] = style;
    return LETTERS[i];
}

void canvas_dump(const struct canvas *c, struct str *out, bool styles)
{
    const struct grid *g = c->grid;
    for (int y = 0; y < g->height; y++)
        dump_row(&g->cells[y * g->width], g->width, out);
    if (g->cursor_shown)
        str_addf(out, "cursor %d,%d\n", g->cursor_x, g->cursor_y);
    if (!styles)
        return;
    uint16_t seen[sizeof LETTERS] = {0};
    size_t count = 0;
    str_add(out, "-- styles\n");
    for (int y = 0; y < g->height; y++) {
        for (int x = 0; x < g->width; x++)
            str_add_char(out, style_letter(g->cells[y * g->width + x].style, seen, &count));
        str_add_char(out, '\n');
    }
    for (size_t i = 0; i < count; i++)
        str_addf(out, "%c %s%s%s%s\n", LETTERS[i], role_name(seen[i] & 0xff),
                 seen[i] & STYLE_BOLD ? " bold" : "", seen[i] & STYLE_UNDERLINE ? " underline" : "",
                 seen[i] & STYLE_REVERSE ? " reverse" : "");
}
