/* The guards of a confirmation: what has to be typed, and when typing counts. Pure state, no drawing, no run:
 * the page (step_page.c) feeds it keys and asks it.
 *
 * Enter alone never confirms. Keys typed before the page has been on screen for 500 ms are thrown away, so
 * that what was meant for another page can't land here; pastes are refused; a page older than 60 s disarms
 * itself. */
#ifndef BELAY_TUI_CONFIRM_H
#define BELAY_TUI_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/kit/keymap.h"

#define CONFIRM_SETTLE_US (500 * 1000LL)
#define CONFIRM_LIFE_US   (60 * 1000000LL)
#define CONFIRM_TYPED_MAX 256

enum confirm_answer {
    CONFIRM_IGNORED,       /* no key for it */
    CONFIRM_TOO_EARLY,     /* thrown away: the page is too young */
    CONFIRM_PASTE_REFUSED, /* thrown away */
    CONFIRM_CHANGED,       /* the typed text */
    CONFIRM_MISMATCH,      /* Enter, and what is typed isn't the word */
    CONFIRM_GO,            /* confirmed: typed is what was typed */
    CONFIRM_OVER,          /* disarmed: it has to be opened anew */
};

struct confirm {
    char word[CONFIRM_TYPED_MAX]; /* what has to be typed; "" confirms nothing */
    bool single_key;              /* the word is one key, without Enter */
    int64_t shown_us;             /* monotonic: its first frame was on the terminal; -1 not yet */
    int64_t settles_us;           /* from then on keys count */
    bool done;                    /* it has confirmed once: never again */
    char typed[CONFIRM_TYPED_MAX];
    size_t length;
};

void confirm_init(struct confirm *c, const char *word, bool single_key);
/* The page is on the terminal, all bytes written. anew: something else was there before, and it takes its
 * half second again; its life is counted from the first time. */
void confirm_shown(struct confirm *c, int64_t now_us, bool anew);
/* Something else is on the terminal: no key counts until the page is shown anew. */
void confirm_away(struct confirm *c);
/* command: what the key table says ("confirm-accept" ...) or NULL. */
enum confirm_answer confirm_key(struct confirm *c, const struct key *key, const char *command,
                                int64_t now_us);
bool confirm_disarmed(const struct confirm *c, int64_t now_us);

#endif
