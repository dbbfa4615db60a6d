/* A grid of cells to draw into. Panels draw here and never see a terminal: terminal.h turns a canvas into
 * bytes, golden tests turn it into text.
 *
 * Everything that is put is untrusted: controls, C1 and format characters are drawn as "<U+202E>", bad bytes
 * as "<0x9B>", a tab or newline as one space. A wide character that does not fit whole is drawn as a space.
 * Without UTF-8 (`ascii`) the characters that belay itself uses have ASCII forms and all others are drawn as
 * "<U+00E9>".
 *
 * A struct canvas is a small value: a window of a grid. canvas_sub() gives a window in a window; drawing
 * outside is clipped, coordinates may be negative. Only canvas_new() owns the grid. */
#ifndef BELAY_KIT_CANVAS_H
#define BELAY_KIT_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

struct rect {
    int x, y, width, height;
};

/* What a cell means, never what it looks like: a theme gives the look. The second column is the name in theme
 * files, the third the look without colours (bits of enum style_bit), which is also what a theme that omits
 * the role shows. */
#define ROLES(X)                                                                                             \
    X(TEXT, "text", 0, "ordinary text")                                                                      \
    X(FAINT, "faint", 0, "secondary text: units, ages, hints")                                               \
    X(STRONG, "strong", STYLE_BOLD, "what the eye should find")                                              \
    X(TITLE, "title", STYLE_BOLD, "titles of panels and pages, heads of columns")                            \
    X(FRAME, "frame", 0, "borders")                                                                          \
    X(FRAME_FOCUS, "frame-focus", STYLE_BOLD, "border of the panel that has the keys")                       \
    X(HEADER, "header", STYLE_REVERSE, "the top line")                                                       \
    X(OK, "ok", 0, "state ok")                                                                               \
    X(DEGRADED, "degraded", STYLE_BOLD, "state degraded")                                                    \
    X(DOWN, "down", STYLE_BOLD, "state down")                                                                \
    X(UNKNOWN, "unknown", STYLE_UNDERLINE, "state unknown, stale data")                                      \
    X(ACTIVE, "active", STYLE_BOLD, "something that runs now")                                               \
    X(SELECTION, "selection", STYLE_REVERSE, "the selected row")                                             \
    X(MATCH, "match", STYLE_UNDERLINE, "what the filter found")                                              \
    X(KEY, "key", STYLE_BOLD, "a key in the key bar and in the help")                                        \
    X(KEY_LABEL, "key-label", 0, "what the key does")                                                        \
    X(DISABLED, "disabled", 0, "an acting key that an observer can't use")                                   \
    X(INPUT, "input", 0, "text being typed")                                                                 \
    X(PLOT, "plot", 0, "sparklines and plots")                                                               \
    X(BAR, "bar", 0, "the filled part of a progress bar")                                                    \
    X(BAR_REST, "bar-rest", 0, "the empty part of a progress bar")                                           \
    X(POPUP, "popup", 0, "text in a popup")                                                                  \
    X(ACTOR, "actor", 0, "names of operators")                                                               \
    X(DANGER, "danger", STYLE_REVERSE | STYLE_BOLD, "changes production; the PROD badge")                    \
    X(BADGE, "badge", STYLE_REVERSE, "a badge other than PROD")                                              \
    X(DEMO, "demo", STYLE_REVERSE | STYLE_BOLD, "the DEMO badge")                                            \
    X(BANNER, "banner", STYLE_REVERSE | STYLE_BOLD, "a message over the whole width")

/* Added to a role with |. */
enum style_bit {
    STYLE_BOLD = 0x100,
    STYLE_UNDERLINE = 0x200,
    STYLE_REVERSE = 0x400,
    STYLE_MASK = 0xff00,
};

enum role {
#define X(name, text, mono, help) ROLE_##name,
    ROLES(X)
#undef X
        ROLE_COUNT
};

/* The characters that belay draws with: name, UTF-8 and ASCII form, each one column. */
#define GLYPHS(X)                                                                                            \
    X(OK, 0x2713, '+')   /* ✓ */                                                                           \
    X(DOWN, 0x2717, 'X') /* ✗ */                                                                           \
    X(DEGRADED, '!', '!')                                                                                    \
    X(UNKNOWN, '?', '?')                                                                                     \
    X(FULL, 0x25CF, 'o')      /* ● */                                                                      \
    X(HALF, 0x25D0, '%')      /* ◐ */                                                                      \
    X(EMPTY, 0x25CB, '.')     /* ○ */                                                                      \
    X(RUNNING, 0x25B6, '>')   /* ▶ */                                                                      \
    X(NEXT, 0x25B8, '>')      /* ▸ */                                                                      \
    X(UP, 0x2191, '^')        /* ↑ */                                                                      \
    X(DOWNWARD, 0x2193, 'v')  /* ↓ */                                                                      \
    X(ARROW, 0x2192, '>')     /* → */                                                                      \
    X(ELLIPSIS, 0x2026, '~')  /* … */                                                                      \
    X(DOT, 0x00B7, '-')       /* · */                                                                       \
    X(DASH, 0x2013, '-')      /* – */                                                                      \
    X(LINE, 0x2500, '-')      /* ─ */                                                                      \
    X(BAR, 0x2502, '|')       /* │ */                                                                      \
    X(TOP_LEFT, 0x250C, '+')  /* ┌ */                                                                      \
    X(TOP_RIGHT, 0x2510, '+') /* ┐ */                                                                      \
    X(LOW_LEFT, 0x2514, '+')  /* └ */                                                                      \
    X(LOW_RIGHT, 0x2518, '+') /* ┘ */                                                                      \
    X(TEE_LEFT, 0x251C, '+')  /* ├ */                                                                      \
    X(TEE_RIGHT, 0x2524, '+') /* ┤ */                                                                      \
    X(SHADE, 0x2591, '.')     /* ░ */                                                                      \
    X(BLOCK, 0x2588, '#')     /* █ */                                                                      \
    X(TIMES, 0x00D7, 'x')     /* × */                                                                       \
    X(SECTION, 0x00A7, 'S')   /* § */

enum glyph {
#define X(name, code, ascii) GLYPH_##name,
    GLYPHS(X)
#undef X
        GLYPH_COUNT
};

struct cell {
    uint32_t code[3]; /* the character and up to two combining ones; 0 in the right half of a wide one */
    uint16_t style;   /* role | style bits */
    uint16_t width;   /* 1, 2, or 0: right half */
};

struct grid {
    int width, height;
    bool ascii;
    bool cursor_shown;
    int cursor_x, cursor_y;
    struct cell *cells;
};

struct canvas {
    struct grid *grid;
    struct rect area; /* in the grid; may reach beyond it */
    struct rect clip; /* what of it may be drawn on */
};

#define CANVAS_WIDTH_MAX  1000
#define CANVAS_HEIGHT_MAX 500

/* A canvas with a grid of its own, all spaces; sizes are held to 1..MAX. */
struct canvas *canvas_new(int width, int height, bool ascii);
void canvas_free(struct canvas *c);
/* Keeps nothing of the content. Only on a canvas from canvas_new. */
void canvas_resize(struct canvas *c, int width, int height);

/* A window at r (in c's coordinates). */
struct canvas canvas_sub(const struct canvas *c, struct rect r);
/* The window without a border of one cell. */
struct canvas canvas_inside(const struct canvas *c);
static inline int canvas_width(const struct canvas *c)
{
    return c->area.width;
}
static inline int canvas_height(const struct canvas *c)
{
    return c->area.height;
}
static inline bool canvas_ascii(const struct canvas *c)
{
    return c->grid->ascii;
}

/* Spaces of that style over the whole window; on a canvas from canvas_new also hides the cursor. */
void canvas_clear(struct canvas *c, unsigned style);
void canvas_fill(struct canvas *c, struct rect r, unsigned style, uint32_t code);
/* The cells keep their characters and get this style. */
void canvas_restyle(struct canvas *c, struct rect r, unsigned style);
/* The cells keep their role and get these style bits added. */
void canvas_mark(struct canvas *c, struct rect r, unsigned bits);
/* Shows the terminal's cursor there (clipped away: hides it). */
void canvas_cursor(struct canvas *c, int x, int y);

/* All text functions return the column after the last one drawn (or that would have been drawn): they chain.
 */
int canvas_put(struct canvas *c, int x, int y, unsigned style, const char *text);
int canvas_putf(struct canvas *c, int x, int y, unsigned style, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* length bytes, which may hold NULs. */
int canvas_put_bytes(struct canvas *c, int x, int y, unsigned style, const char *bytes, size_t length);
/* At most width columns; text that is cut ends in an ellipsis. Returns x + columns drawn, at most x + width.
 */
int canvas_put_cut(struct canvas *c, int x, int y, int width, unsigned style, const char *text);
/* As canvas_put_cut, ending before column x + width. Returns the column where it begins. */
int canvas_put_right(struct canvas *c, int x, int y, int width, unsigned style, const char *text);
/* Wraps at spaces (a longer word at the edge) into rows y.. of width columns, newlines start a new row. Never
 * leaves anything out: a command must not lie. Returns the row after the last, drawn or not. */
int canvas_put_wrapped(struct canvas *c, int x, int y, int width, unsigned style, const char *text);
/* The same for a command: a row that ends for want of room ends in a faint backslash, so that a real newline
 * and a wrapped row can't be mistaken for each other. */
int canvas_put_command(struct canvas *c, int x, int y, int width, unsigned style, const char *text);
int canvas_put_glyph(struct canvas *c, int x, int y, unsigned style, enum glyph glyph);

/* Columns that canvas_put would take for the text. */
int canvas_columns(const struct canvas *c, const char *text);
/* Rows that canvas_put_wrapped would take. */
int canvas_wrapped_rows(const struct canvas *c, int width, const char *text);

/* A frame around the whole window: "┌ 1 Breakers ── 1 open ─────┐", the corner text at the lower right
 * "── 2s ──┘". title, note and corner may be NULL. style is that of the border; the title has ROLE_TITLE. */
void canvas_frame(struct canvas *c, unsigned style, const char *title, const char *note, const char *corner);
void canvas_line(struct canvas *c, int x, int y, int width, unsigned style);

/* ▁▂▃▄▅▆▇█ (ASCII _.-=+*%#), the newest value at the right end; a NaN is a gap. The scale goes from low to
 * high; low >= high means from the smaller of 0 and the smallest value to the largest. Shows the last width
 * values. */
void canvas_spark(struct canvas *c, int x, int y, int width, unsigned style, const double *values,
                  size_t count, double low, double high);
/* A bar of width columns, fraction 0..1 filled in eighths (ROLE_BAR given by style, rest ROLE_BAR_REST). */
void canvas_bar(struct canvas *c, int x, int y, int width, unsigned style, double fraction);

/* The grid as text: a line a row, trailing spaces cut. With styles, a second block of the same shape follows
 * in which every role has a letter (legend at its end): for golden tests. */
void canvas_dump(const struct canvas *c, struct str *out, bool styles);

const char *role_name(enum role role);
/* The character of a glyph; UTF-8 or its ASCII form, NUL-terminated. */
const char *glyph_text(enum glyph glyph, bool ascii, char text[static 5]);

#endif
