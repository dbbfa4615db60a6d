/* The console from inside: pages on a stack, one prompt at the bottom, the moment that is drawn. */
#ifndef BELAY_TUI_PAGE_H
#define BELAY_TUI_PAGE_H

#include "tui/console.h"
#include "tui/kit/kit.h"

#define PAGES_MOST  32
#define PANELS_MOST 16

struct console;
struct page;

struct page_type {
    const char *name;
    void (*close)(struct page *page); /* frees page->state; may be NULL */
    /* The engine's state has changed (mask of enum engine_change). True: it looks different. NULL: always. */
    bool (*update)(struct page *page, unsigned changes);
    /* c is what lies between header and key bar. */
    void (*draw)(struct page *page, struct canvas *c);
    /* Appends contexts, innermost first; ANYWHERE is added behind them unless the page is modal. */
    size_t (*contexts)(struct page *page, enum key_context *stack);
    /* What the key table says that the key does (NULL: nothing). False: not its own. */
    bool (*command)(struct page *page, const struct key *key, const char *command);
    /* The page's frame is on the terminal, every byte of it. anew: something else was there before. May be
     * NULL. */
    void (*painted)(struct page *page, int64_t now_us, bool anew);
    /* Ages tick by the second here even outside an incident. May be NULL: no. */
    bool (*ticks)(struct page *page);
    /* Only its own contexts count now. May be NULL: no. */
    bool (*modal)(struct page *page);
    /* Another console walks what it shows: nothing of it acts from here. May be NULL: no. */
    bool (*follows)(struct page *page);
    bool live; /* shows what is, also while the picture is frozen: somebody acts here */
    /* Appends what it shows, one thing below the other, for the copy view. NULL: as it is drawn. */
    void (*copy)(struct page *page, int width, struct str *out);
    /* No header, no banners: what is on the screen is to be copied. */
    bool bare;
};

struct page {
    const struct page_type *type;
    struct console *console;
    void *state;
    uint32_t id; /* never used again: answers that come late find out that their page is gone */
    struct filter *filter;
};

struct panel_slot {
    const struct panel *panel;
    void *state;
};

/* The line at the bottom while something is being typed. */
struct prompt {
    struct editor *editor; /* NULL: nothing is being typed */
    bool owned;            /* freed with the prompt; else it is one of the console's with a history */
    bool live;             /* every change is told, not only the last one */
    void (*answer)(struct console *console, void *context, const char *text, bool accepted);
    void *context; /* heap or NULL; freed with the prompt */
};

enum say { SAY_INFO, SAY_GOOD, SAY_BAD };

/* ---- what pages may use ---- */

struct engine *console_engine(struct console *console);
const struct panel_scene *console_scene(struct console *console);
struct page *console_top(struct console *console);
struct page *console_push(struct console *console, const struct page_type *type, void *state);
void console_pop(struct console *console);
/* Back to the dashboard. */
void console_home(struct console *console);
struct page *console_page(struct console *console, uint32_t id); /* NULL when it was closed */
/* Draw at the next chance, as an answer to a key. */
void console_dirty(struct console *console);
void console_say(struct console *console, enum say how, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void console_unsay(struct console *console);
void console_quit(struct console *console);
/* True, after a word about why, when acting is refused here. */
bool console_refuses_to_act(struct console *console);
size_t console_panel_count(const struct console *console);
struct panel_slot *console_panel(struct console *console, size_t index);

/* Asks for one line. answer runs once with what was typed (accepted false: left). context is freed
 * afterwards. */
void console_ask(struct console *console, const char *prompt, bool refuse_paste,
                 void (*answer)(struct console *, void *context, const char *text, bool accepted),
                 void *context);

/* engine_submit with the answer shown in the message line, then handed on to then (may be NULL) if page (an
 * id, 0: none) is still open. */
typedef void console_then(struct console *console, struct page *page, int code, int64_t id);
void console_submit(struct console *console, const struct engine_request *request, uint32_t page,
                    console_then *then);
/* The same for one input of a run; fills in its clock and who. Good news are not said. */
void console_input(struct console *console, int64_t run, const struct run_input *input, uint32_t page,
                   console_then *then);

/* ---- the pages ---- */

void page_open_dashboard(struct console *console);
/* index in the table of panels. */
void page_open_panel(struct console *console, size_t index);
void page_open_help(struct console *console, const enum key_context *stack, size_t depth);
void page_open_incidents(struct console *console);
void page_open_approvals(struct console *console);
/* A text as it is now; with a title NULL bare, for copying. hint may be NULL. */
struct page *page_open_sheet(struct console *console, const char *title, const char *hint, const char *text);
/* What is on the screen, without frames. */
void page_open_copy(struct console *console);
/* Appends a canvas without its frames and the blanks at its ends. */
void copy_canvas(const struct canvas *c, struct str *out);
/* A status update on the focused incident, ready to paste. next_us: until the next one. */
void page_open_update(struct console *console, int64_t incident, int64_t next_us);
void page_open_handover(struct console *console);
void page_open_mutes(struct console *console);
void page_open_runbooks(struct console *console);
void page_open_document(struct console *console, const char *path);
/* fresh: it has just been started here; its first page opens by itself. */
void page_open_run(struct console *console, int64_t run, bool fresh);
/* The step of a run: confirmation, live output, choice or result, by the state that it is in. */
void page_open_step(struct console *console, int64_t run, int step);
/* The same for who is to approve it. key: the file to sign with; NULL: the session's. */
void page_open_approval(struct console *console, int64_t run, int step, const char *key);

#endif
