/* The console's own state, for console.c and the files that carry its parts. Pages use page.h. */
#ifndef BELAY_TUI_CONSOLE_STATE_H
#define BELAY_TUI_CONSOLE_STATE_H

#include "engine/engine.h"
#include "tui/keys.h"
#include "tui/page.h"

#define FRAME_LEAST_US  50000   /* between two frames of data: 20 a second */
#define FRAME_MOST_US   1000000 /* and on a slow link */
#define SIGNALS_WATCHED 8
#define HEADER_WORDS    6 /* incident, people, changes, on call, approvals, safe mode */

/* What an answer of the engine that comes after the console has gone finds. */
struct console_link {
    struct console *console; /* NULL when it has gone */
    unsigned users;
};

struct console {
    struct loop *loop;
    struct engine *engine;
    const struct console_options *options;
    int64_t (*now_us)(void);  /* clock_monotonic_us, */
    int64_t (*wall_us)(void); /* clock_wall_us; a test has its own */

    struct terminal *terminal;
    struct input *input;
    struct canvas *canvas;
    struct loop_watch *watch;
    struct loop_timer *frame_timer, *clock_timer, *escape_timer, *resume_timer, *read_timer;
    struct loop_signal *signals[SIGNALS_WATCHED], *stop_signal;

    unsigned changes;      /* of the engine, not yet drawn */
    bool dirty;            /* something else is to be drawn at once */
    int64_t data_frame_us; /* the last frame of data */
    int64_t drawn_us;      /* the last frame was handed to the terminal */
    int64_t pace_us;       /* least time between two frames of data, by the link's speed */
    uint32_t drawn_page;   /* the page of the frame under way, 0 when it was painted */
    uint32_t painted_page; /* the page that is on the terminal */
    bool hidden;           /* the terminal is too small to show the page */

    struct page *pages[PAGES_MOST];
    size_t page_count;
    uint32_t last_page_id;
    struct panel_slot panels[PANELS_MOST];
    size_t panel_count;

    struct prompt prompt;
    struct editor *command_editor, *filter_editor, *note_editor; /* they keep their histories */
    char *filter_before;                                         /* what Esc brings back */

    struct panel_scene scene;
    struct platform *frozen;               /* the copy that is shown, or NULL */
    struct picture *picture;               /* with it: runs, offers, sources */
    struct str frozen_words[HEADER_WORDS]; /* and what the header said */
    int64_t frozen_now_us, frozen_wall_us;
    int64_t frozen_seq;

    enum say message_how;
    char *message; /* over the key bar until the next key */
    char *theme_name;
    bool local_time;
    bool quitting, gone;
    bool quit_asked; /* q once, while a step runs */
    struct console_link *link;
    struct foreground *foreground; /* a program has the terminal; NULL */
    struct passage *passage;       /* an interactive step has it, or had it and runs on; NULL */
};

/* console.c */
void console_suspend(struct console *console);
/* Its keys come to us, from the next resume on. */
int console_watch_terminal(struct console *console, struct err *e);
int console_theme(struct console *console, const char *name, struct err *e);
/* The terminal is another program's now. */
bool console_lent(const struct console *console);

/* frames.c */
void console_scene_update(struct console *console);
void console_freeze(struct console *console);
void console_thaw(struct console *console);
void console_frame(struct console *console);
void console_draw(struct console *console); /* into its canvas */
/* All of the frame is on the terminal. */
void console_painted(struct console *console);
/* Writes what the terminal takes now; the rest when it takes more. */
void console_flush(struct console *console);
void console_gone(struct console *console);
/* Of timers, and of the engine (its context is the console's link). */
void console_clock_tick(void *data);
void console_data_frame(void *data);
void console_engine_changes(void *context, unsigned mask);

/* interactive.c */
/* A step of the run whose page shows waits for the terminal: it gets it. */
void interactive_begin(struct console *console, int64_t run);
/* A step waits for the terminal and its page is not the one that shows: says so. */
void interactive_remind(struct console *console);
/* Back to the program that was left, if this run has one. */
void interactive_return(struct console *console, int64_t run);

/* dispatch.c */
void console_key(struct console *console, const struct key *key);
size_t console_contexts(struct console *console, enum key_context stack[static CONTEXT_COUNT]);
enum key_reader console_reader(struct console *console);

/* prompt.c */
void prompt_command(struct console *console);
void prompt_filter(struct console *console);
void prompt_note(struct console *console);
void prompt_key(struct console *console, const struct key *key, const char *command);
void prompt_close(struct console *console, bool accepted);
void prompt_draw(struct console *console, struct canvas *canvas);
void prompt_fini(struct console *console);

/* header.c */
void header_draw(struct console *console, struct canvas *row);
/* What the header says of incident, people and changes: appended. */
void header_words(struct console *console, struct str words[static HEADER_WORDS]);
size_t header_banners(struct console *console);
void header_draw_banners(struct console *console, struct canvas *c);

/* pages.c */
void pages_close(struct console *console);

/* How many steps run now, and a word about the first of them. */
size_t console_running_steps(struct console *console, struct str *out);

/* colon.c */
void colon_run(struct console *console, const char *line);
size_t colon_complete(void *console, const char *text, size_t cursor,
                      void (*add)(void *list, const char *candidate), void *list);

#endif
