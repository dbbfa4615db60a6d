/* The page of one step of a run, in the state that the step is in; for the files that carry its parts. */
#ifndef BELAY_TUI_STEP_H
#define BELAY_TUI_STEP_H

#include "tui/confirm.h"
#include "tui/page.h"

enum step_mode {
    STEP_MODE_GONE,    /* the run is no longer in memory */
    STEP_MODE_READ,    /* nothing to do here now: what it is, how it ended */
    STEP_MODE_VALUE,   /* a value is asked for */
    STEP_MODE_CLOSED,  /* it waits, its page is not armed: Enter arms it */
    STEP_MODE_CONFIRM, /* armed */
    STEP_MODE_APPROVE, /* another's: it waits for an approval, which may come from here */
    STEP_MODE_ANSWER,  /* a decision, or done by hand */
    STEP_MODE_CHOICE,  /* failed, unknown, evidence, when */
    STEP_MODE_RUNNING,
};

struct step_page {
    int64_t run;
    int step;
    struct confirm confirm;
    int64_t guarded_ms;             /* the opening that the guard belongs to, run clock; -1 none */
    char approved[SHA256_HEX_SIZE]; /* what the guard is for while it is to be approved; "" none */
    char *key;                      /* the file to sign an approval with; NULL: the session's */
    struct text_view *output;
    uint64_t output_sum; /* of what output holds */
    bool questioned;     /* ^C: cancel, background, leave? */
    bool disarmed;       /* its page grew too old and was closed */
    bool passing;        /* on the way to the next step that waits: checks that end are not stopped at */
    int scroll, rows;    /* of what scrolls on the confirmation page, as drawn last */
    struct {             /* the command, in rows as drawn last: all of it has to have been on the screen */
        uint64_t sum;    /* of its text and the width */
        int rows, from, to, seen;
    } command;
};

struct step_view {
    enum step_mode mode;
    int index; /* of the step in the document */
    struct engine_run run;
    const struct step *what;
    struct run_step step;
    struct engine_approval asked; /* of STEP_MODE_APPROVE, and once it was given from here */
    bool is_asked;
};

/* What there is to show now; what is NULL when the run or the step isn't there. */
void step_look(struct page *page, struct step_view *view);
void step_look_at(struct console *console, int64_t run, int step, struct step_view *view);

/* step_ask.c: each asks what has to be known first (a reason, what must be typed), then sends the input. */
/* False when no value is missing. */
bool step_ask_value(struct console *console, const struct step_view *view);
void step_choose(struct console *console, const struct step_view *view, const char *choice);
void step_resolve(struct console *console, const struct step_view *view, const char *outcome);
void step_answer(struct console *console, const struct step_view *view, size_t index);
void step_stop(struct console *console, const struct step_view *view);

/* A key for the guard of a page; what it doesn't take is said. instead: of a paste; mismatch: what is said of
 * a wrong word. On CONFIRM_GO whoever asked acts. */
enum confirm_answer step_confirm_key(struct page *page, const struct key *key, const char *name,
                                     const char *instead, const char *mismatch);

/* step_approve.c: the page of another's step, on which its exact command is approved. */
/* The guard belongs to the command that is on the screen: another one is typed for anew. */
void approve_guard(struct page *page, const struct step_view *view);
bool approve_command(struct page *page, const struct step_view *view, const struct key *key,
                     const char *name);
void approve_draw(struct page *page, const struct step_view *view, struct canvas *c, int y);
/* How long it may still be approved, "8:52", whole minutes where no seconds tick; appended. */
void approve_left(const struct panel_scene *scene, const struct engine_approval *asked, struct str *out);

/* confirm_view.c: the page before it runs. */
void confirm_draw(struct page *page, const struct step_view *view, struct canvas *c);
/* Scrolling and leaving: what every page before a run knows. */
bool confirm_scroll(struct page *page, const char *name);
/* Says so, and is true, while a part of the command has not been on the screen. */
bool confirm_unread(struct page *page);
/* Rows of the command that would not have been on the screen yet once this frame is. */
int confirm_unseen(const struct step_page *own);
/* Appends "CHANGES production" and the like; nothing for a step that doesn't act. */
void step_danger(struct page *page, const struct step_view *view, struct str *out);
/* Fills what the engine knows and the machine doesn't; the texts live as long as the two buffers. */
void step_context(struct console *console, const struct step_view *view, struct run_context *context,
                  char incident[static 24], char run[static 24]);

/* step_view.c: while it runs, after it, and when it waits for a choice. */
void step_draw_title(struct page *page, const struct step_view *view, struct canvas *c);
void step_draw(struct page *page, const struct step_view *view, struct canvas *c);

#endif
