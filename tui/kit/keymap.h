/* Keys, and the one table that says what they do. The table (tui/keys.c: `const struct key_binding
 * key_table[]`) is the only place where a key is bound: the dispatcher, the help page, the key bar and the
 * documentation read it.
 *
 * A row binds keys in one context to a command. The console keeps a stack of contexts, innermost first (the
 * line editor over a panel over everywhere); a key means what the innermost context that knows it says. */
#ifndef BELAY_KIT_KEYMAP_H
#define BELAY_KIT_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/kit/canvas.h"

/* Keys that are not characters; above every code point. The name is the one used in the table and in the
 * help. */
#define KEY_SYMBOLS(X)                                                                                       \
    X(ENTER, "Enter")                                                                                        \
    X(TAB, "Tab")                                                                                            \
    X(ESCAPE, "Esc")                                                                                         \
    X(BACKSPACE, "Backspace")                                                                                \
    X(DELETE, "Del")                                                                                         \
    X(INSERT, "Ins")                                                                                         \
    X(UP, "Up")                                                                                              \
    X(DOWN, "Down")                                                                                          \
    X(LEFT, "Left")                                                                                          \
    X(RIGHT, "Right")                                                                                        \
    X(PAGE_UP, "PgUp")                                                                                       \
    X(PAGE_DOWN, "PgDn")                                                                                     \
    X(HOME, "Home")                                                                                          \
    X(END, "End")                                                                                            \
    X(PASTE, "Paste")                                                                                        \
    X(F1, "F1")                                                                                              \
    X(F2, "F2")                                                                                              \
    X(F3, "F3")                                                                                              \
    X(F4, "F4")                                                                                              \
    X(F5, "F5")                                                                                              \
    X(F6, "F6")                                                                                              \
    X(F7, "F7")                                                                                              \
    X(F8, "F8")                                                                                              \
    X(F9, "F9")                                                                                              \
    X(F10, "F10")                                                                                            \
    X(F11, "F11")                                                                                            \
    X(F12, "F12")

enum key_symbol {
    SYM_NONE = 0x110000,
#define X(name, text) SYM_##name,
    KEY_SYMBOLS(X)
#undef X
        SYM_END_OF_LIST
};

enum key_modifier {
    MOD_SHIFT = 1, /* only with symbols: a shifted letter is another character */
    MOD_ALT = 2,
    MOD_CONTROL = 4, /* with a character: the lower-case letter, 'l' for ^L */
};

struct key {
    uint32_t code;      /* a printable code point, or SYM_... */
    unsigned modifiers; /* MOD_... */
    int64_t at_us;      /* monotonic: when its last byte was read */
    const char *text;   /* SYM_PASTE: its bytes (not cleaned, may hold NULs, a NUL follows); valid until the
                           next input call */
    size_t length;
    bool truncated; /* SYM_PASTE: it was longer than INPUT_PASTE_MAX */
};

/* True for a character that can be typed into a text: printable, no modifiers. */
bool key_is_text(const struct key *key);
/* "Ctrl-L", "Alt-x", "Shift-Tab", "PgUp", "?", "Space". */
#define KEY_NAME_SIZE 24
void key_format(const struct key *key, char name[static KEY_NAME_SIZE]);
/* The inverse; false when the name is none. "^L" is "Ctrl-L". */
bool key_parse(const char *name, size_t length, struct key *key);
bool key_equal(const struct key *a, const struct key *b);

#define KEY_CONTEXTS(X)                                                                                      \
    X(ANYWHERE, "everywhere")                                                                                \
    X(DASHBOARD, "on the dashboard")                                                                         \
    X(LIST, "in a list")                                                                                     \
    X(TEXT, "in a text")                                                                                     \
    X(TIMELINE, "in the timeline")                                                                           \
    X(FOLLOW, "in another's run")                                                                            \
    X(RUN, "in a runbook's run")                                                                             \
    X(CONFIRM, "on a confirmation page")                                                                     \
    X(RUNNING, "while a step runs")                                                                          \
    X(CHOICE, "when a step waits for a choice")                                                              \
    X(ANSWER, "when a step waits for an answer")                                                             \
    X(OUTCOME, "when a rehearsal asks what came of it")                                                      \
    X(DOCUMENT, "on a runbook's page")                                                                       \
    X(POPUP, "in a popup")                                                                                   \
    X(EDITOR, "while typing")

enum key_context {
#define X(name, help) CONTEXT_##name,
    KEY_CONTEXTS(X)
#undef X
        CONTEXT_COUNT
};

enum key_flag {
    KEY_ACTS = 1,   /* changes something outside the screen: dimmed and refused for observers */
    KEY_STOPS = 4,  /* and stops what runs: also while nothing else acts */
    KEY_HIDDEN = 2, /* not in the help: a second way to do what another row says */
};

struct key_binding {
    const char *keys; /* names separated by spaces: "? F1"; a space itself is "Space" */
    enum key_context context;
    const char *command; /* dispatched by name, "help"; the widgets' ones are listed in widgets.h */
    const char *help;    /* one line */
    const char *bar;     /* label in the key bar, or NULL: not shown there */
    unsigned flags;      /* KEY_... */
};

/* Acting rows are refused to an observer, and on another's run to everybody: there only those of
 * CONTEXT_FOLLOW act. */
enum key_reader { READER_OPERATOR, READER_OBSERVER, READER_FOLLOWER };

/* A table ends with a row whose keys are NULL. stack: contexts, innermost first. NULL when nobody knows the
 * key. */
const struct key_binding *keymap_find(const struct key_binding *table, const enum key_context *stack,
                                      size_t depth, const struct key *key);

bool key_refused(const struct key_binding *row, enum key_reader reader);

/* Names that are none, missing texts, the same key twice in a context: ERR_SYNTAX with the row's number. */
int keymap_check(const struct key_binding *table, struct err *e);

/* The help page: the rows of the contexts of the stack, a section a context, from line `top` on; acting rows
 * dimmed and marked for whom they are refused. filter (may be NULL): only rows whose keys or help match.
 * Returns the number of lines of the whole page. */
struct filter;
int keymap_draw_help(const struct key_binding *table, const enum key_context *stack, size_t depth,
                     enum key_reader reader, const struct filter *filter, struct canvas *c, int top);

/* The key bar in row 0 of c: as many labelled keys as fit, innermost context first. */
void keymap_draw_bar(const struct key_binding *table, const enum key_context *stack, size_t depth,
                     enum key_reader reader, struct canvas *c);

#endif
