#define NCURSES_NOMACROS 1

#include "tui/kit/screen.h"

#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

/* term.h comes last: its macros take common names. */
#include <term.h>

#include "tui/kit/squeeze.h"

#define PAIRS_MAX 63 /* the fewest that a terminal with colours has, without pair 0 */

/* Not terminfo's: brackets around pastes, and one frame shown at a time by terminals that can. Others ignore
 * unknown private modes. */
static const char paste_on[] = "\x1b[?2004h", paste_off[] = "\x1b[?2004l";
static const char sync_on[] = "\x1b[?2026h", sync_off[] = "\x1b[?2026l";
#define SYNC_BYTES 512 /* a smaller frame arrives in one piece anyway */

struct screen {
    SCREEN *curses;
    int memory;
    FILE *out;
    int width, height;
    int colours;
    bool ascii, sync, default_colours;
    bool entered, spoiled, repaint;
    const char *palette_reset;
    struct str restore;
    struct theme_paint paint[ROLE_COUNT];
    short pair[ROLE_COUNT];
    struct cell *shown; /* what curses has been told, width x height */
    bool cursor_shown;
    int cursor_x, cursor_y;
};

/* ---- set-up: curses wants to own signals, the environment and a tty; it gets none of them */

static const int curses_signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
#define SIGNAL_COUNT (sizeof curses_signals / sizeof *curses_signals)

struct environment {
    const char *name;
    char value[16];
    char *before;
};

static void environment_set(struct environment *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        list[i].before = xstrdup(getenv(list[i].name));
        setenv(list[i].name, list[i].value, 1);
    }
}

static void environment_reset(struct environment *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].before)
            setenv(list[i].name, list[i].before, 1);
        else
            unsetenv(list[i].name);
        free(list[i].before);
    }
}

/* newterm installs handlers where it finds defaults: it must find none. */
static SCREEN *curses_new(const char *term, FILE *out, int width, int height)
{
    struct sigaction before[SIGNAL_COUNT], ignore = {.sa_handler = SIG_IGN};
    struct environment list[] = {{.name = "LINES"}, {.name = "COLUMNS"}, {.name = "NCURSES_NO_PADDING"}};
    snprintf(list[0].value, sizeof list[0].value, "%d", height);
    snprintf(list[1].value, sizeof list[1].value, "%d", width);
    snprintf(list[2].value, sizeof list[2].value, "1");
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigaction(curses_signals[i], &ignore, &before[i]);
    environment_set(list, sizeof list / sizeof *list);
    SCREEN *curses = newterm(term, out, out);
    environment_reset(list, sizeof list / sizeof *list);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigaction(curses_signals[i], &before[i], NULL);
    return curses;
}

/* Moves what curses has written into out. */
static void collect(struct screen *s, struct str *out)
{
    off_t length = lseek(s->memory, 0, SEEK_CUR);
    if (length > 0) {
        str_reserve(out, (size_t)length);
        ssize_t count = pread(s->memory, out->data + out->len, (size_t)length, 0);
        if (count > 0)
            out->len += (size_t)count;
        out->data[out->len] = '\0';
    }
    lseek(s->memory, 0, SEEK_SET);
}

static void choose_colours(struct screen *s, bool mono)
{
    if (mono || !has_colors() || start_color() == ERR)
        return;
    /* Direct-colour terminals take numbers for mixtures; only the first eight are a palette. */
    bool direct = tigetflag("RGB") > 0 || COLORS > 256;
    s->colours = direct ? 8 : COLORS >= 256 ? 256 : COLORS >= 16 ? 16 : COLORS >= 8 ? 8 : 0;
    s->default_colours = use_default_colors() != ERR;
}

/* Terminals known to either do synchronised output or to ignore the request. */
static bool sync_is_harmless(const char *term)
{
    static const char *const names[] = {"xterm",   "tmux",    "foot",    "kitty",
                                        "wezterm", "contour", "ghostty", "alacritty"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_starts(term, names[i]))
            return true;
    return false;
}

static void add_capability(struct str *out, const char *bytes)
{
    if (bytes)
        str_add(out, bytes);
}

/* Attributes and colours first: endwin believes that they are off, a frame that broke off may have left them
 * on. */
static void leave_bytes(struct screen *s, struct str *out)
{
    add_capability(out, exit_alt_charset_mode);
    add_capability(out, exit_attribute_mode);
    if (s->colours > 0)
        add_capability(out, orig_pair);
    if (s->sync)
        str_add(out, sync_off);
    str_add(out, paste_off);
    endwin();
    collect(s, out);
    /* Some terminals keep the cursor's being hidden with the main screen, when a killed console left it so. */
    add_capability(out, cursor_normal);
}

struct screen *screen_new(const char *term, int width, int height, bool mono, bool ascii, struct err *e)
{
    struct screen *s = xcalloc(1, sizeof *s);
    s->ascii = ascii;
    s->memory = memfd_create("belay-screen", MFD_CLOEXEC);
    if (s->memory < 0) {
        err_errno(e, "no memory file for the screen");
        goto fail;
    }
    s->out = fdopen(s->memory, "w");
    if (!s->out) {
        err_errno(e, "no stream for the screen");
        goto fail;
    }
    s->curses = curses_new(term, s->out, width, height);
    if (!s->curses) {
        err_set(e, ERR_NOT_FOUND, "the terminal %.60s is unknown here; set TERM to one that is", term);
        goto fail;
    }
    set_term(s->curses);
    if (!cursor_address || !clear_screen) {
        err_set(e, ERR_UNSUPPORTED,
                "the terminal %.60s can't address its cursor; use the subcommands (belay --help)", term);
        goto fail;
    }
    /* curses would reset the palette, which we never change and the user may have. */
    s->palette_reset = orig_colors;
    s->sync = sync_is_harmless(term);
    typeahead(-1);
    choose_colours(s, mono);
    curs_set(0);
    wnoutrefresh(stdscr);
    doupdate();
    struct str entering = {0};
    collect(s, &entering);
    str_fini(&entering);
    leave_bytes(s, &s->restore);
    struct theme theme;
    theme_init(&theme);
    screen_theme(s, &theme);
    screen_resize(s, width, height);
    return s;
fail:
    screen_free(s);
    return NULL;
}

void screen_free(struct screen *s)
{
    if (!s)
        return;
    if (s->curses) {
        set_term(s->curses);
        delscreen(s->curses);
    }
    if (s->out)
        fclose(s->out);
    else if (s->memory >= 0)
        close(s->memory);
    str_fini(&s->restore);
    free(s->shown);
    free(s);
}

int screen_colours(const struct screen *s)
{
    return s->colours;
}

const struct str *screen_restore(const struct screen *s)
{
    return &s->restore;
}

void screen_leave(struct screen *s, struct str *out)
{
    set_term(s->curses);
    if (s->entered)
        leave_bytes(s, out);
    s->entered = false;
    s->spoiled = true;
}

/* ---- looks */

static int curses_colour(const struct screen *s, int colour, int fallback)
{
    return colour == COLOUR_DEFAULT && !s->default_colours ? fallback : colour;
}

void screen_theme(struct screen *s, const struct theme *theme)
{
    set_term(s->curses);
    short used = 0;
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        struct theme_paint paint = theme_paint(theme, role, s->colours);
        s->paint[role] = paint;
        s->pair[role] = 0;
        for (unsigned other = 0; other < role && !s->pair[role]; other++)
            if (s->paint[other].foreground == paint.foreground &&
                s->paint[other].background == paint.background)
                s->pair[role] = s->pair[other];
        if (s->pair[role] || used == PAIRS_MAX || s->colours == 0)
            continue;
        /* Plain text has a pair too: to curses' own, 0, it goes back by resetting everything. */
        s->pair[role] = ++used;
        init_pair(used, (short)curses_colour(s, paint.foreground, COLOR_WHITE),
                  (short)curses_colour(s, paint.background, COLOR_BLACK));
    }
    cchar_t blank;
    if (setcchar(&blank, L" ", A_NORMAL, s->pair[ROLE_TEXT], NULL) == OK)
        wbkgrndset(stdscr, &blank);
    s->repaint = true;
}

static attr_t attributes(const struct screen *s, unsigned style, unsigned role)
{
    /* The bits of the style on top of those of the role; reverse of reversed is plain. */
    unsigned bits = s->paint[role].bits | (style & (STYLE_BOLD | STYLE_UNDERLINE));
    if (style & STYLE_REVERSE)
        bits ^= STYLE_REVERSE;
    attr_t attr = A_NORMAL;
    if (bits & STYLE_BOLD)
        attr |= A_BOLD;
    if (bits & STYLE_UNDERLINE)
        attr |= A_UNDERLINE;
    if (bits & STYLE_REVERSE)
        attr |= A_REVERSE;
    return attr;
}

/* ---- frames */

void screen_resize(struct screen *s, int width, int height)
{
    set_term(s->curses);
    s->width = width;
    s->height = height;
    if (LINES != height || COLS != width)
        resizeterm(height, width);
    free(s->shown);
    s->shown = xcalloc((size_t)width * (size_t)height, sizeof *s->shown);
    s->spoiled = true;
}

void screen_spoil(struct screen *s)
{
    s->spoiled = true;
}

static void tell_cell(struct screen *s, int x, int y, const struct cell *cell)
{
    wchar_t text[4] = {0};
    for (int i = 0; i < 3; i++)
        text[i] = (wchar_t)cell->code[i];
    /* Where the C library's idea of the width differs, curses would lose count of the columns. */
    bool odd = text[0] >= 0x80 && (s->ascii || wcwidth(text[0]) != cell->width);
    unsigned role = cell->style & 0xff;
    if (role >= ROLE_COUNT)
        role = ROLE_TEXT;
    attr_t attr = attributes(s, cell->style, role);
    cchar_t c;
    for (int i = 0; i < (odd ? cell->width : 1); i++) {
        if (odd)
            text[0] = '?', text[1] = 0;
        if (setcchar(&c, text, attr, s->pair[role], NULL) == OK)
            mvwadd_wch(stdscr, y, x + i, &c);
    }
}

static void tell_frame(struct screen *s, const struct canvas *c)
{
    static const struct cell blank = {{' ', 0, 0}, ROLE_TEXT, 1};
    const struct grid *g = c->grid;
    for (int y = 0; y < s->height; y++) {
        for (int x = 0; x < s->width; x++) {
            const struct cell *cell = x < g->width && y < g->height ? &g->cells[y * g->width + x] : &blank;
            if (cell->width == 2 && x + 1 >= s->width)
                cell = &blank;
            struct cell *shown = &s->shown[y * s->width + x];
            if (!s->spoiled && !s->repaint && memcmp(cell, shown, sizeof *cell) == 0)
                continue;
            *shown = *cell;
            if (cell->width > 0)
                tell_cell(s, x, y, cell);
        }
    }
}

static void tell_cursor(struct screen *s, const struct canvas *c)
{
    const struct grid *g = c->grid;
    bool shown = g->cursor_shown && g->cursor_x < s->width && g->cursor_y < s->height;
    if (shown != s->cursor_shown || s->spoiled)
        curs_set(shown);
    s->cursor_shown = shown;
    s->cursor_x = g->cursor_x;
    s->cursor_y = g->cursor_y;
    if (shown)
        wmove(stdscr, s->cursor_y, s->cursor_x);
    /* A hidden cursor stays where the last byte left it. */
    leaveok(stdscr, !shown);
}

static bool same(const struct screen *s, const struct canvas *c)
{
    const struct grid *g = c->grid;
    if (!s->entered || s->spoiled || s->repaint || g->width != s->width || g->height != s->height)
        return false;
    if (g->cursor_shown != s->cursor_shown ||
        (g->cursor_shown && (g->cursor_x != s->cursor_x || g->cursor_y != s->cursor_y)))
        return false;
    return memcmp(g->cells, s->shown, (size_t)g->width * (size_t)g->height * sizeof *s->shown) == 0;
}

void screen_draw(struct screen *s, const struct canvas *c, struct str *out)
{
    if (same(s, c))
        return;
    set_term(s->curses);
    if (s->spoiled) {
        werase(stdscr);
        clearok(curscr, TRUE);
    }
    tell_frame(s, c);
    tell_cursor(s, c);
    wnoutrefresh(stdscr);
    doupdate();
    size_t start = out->len;
    if (s->sync)
        str_add(out, sync_on);
    size_t body = out->len;
    if (!s->entered) {
        add_capability(out, exit_alt_charset_mode);
        str_add(out, paste_on);
    }
    collect(s, out);
    squeeze(out, body, s->palette_reset);
    if (!s->sync)
        ;
    else if (out->len - body >= SYNC_BYTES)
        str_add(out, sync_off);
    else
        memmove(out->data + start, out->data + body, out->len - body + 1), out->len -= body - start;
    s->entered = true;
    s->spoiled = s->repaint = false;
}
