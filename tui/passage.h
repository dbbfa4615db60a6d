/* The terminal lent to an interactive step: what is typed goes to its program, what that writes to the
 * terminal. The loop goes on meanwhile. Ctrl-] twice within half a second comes back: the program keeps
 * running without the terminal until it is lent again. */
#ifndef BELAY_TUI_PASSAGE_H
#define BELAY_TUI_PASSAGE_H

#include "engine/engine.h"

struct passage;
struct terminal;

#define PASSAGE_HINT "Ctrl-] twice comes back to belay"

enum passage_end {
    PASSAGE_OVER, /* the program has ended */
    PASSAGE_LEFT, /* the person came back, the program runs on: passage_attach goes there again */
    PASSAGE_GONE, /* the terminal is gone */
};

struct passage_options {
    struct loop *loop;
    struct engine *engine;
    struct terminal *terminal; /* nobody else watches its descriptor while it is lent */
    int64_t run;
    bool waits; /* what was shown is about to be covered: after the end the person's Enter is awaited */
    /* The terminal is the owner's again, suspended. May be the last call on this passage: after OVER and GONE
     * the owner frees it, not from inside. how: "exit 0 (4.1 s)" for OVER. */
    void (*back)(void *context, enum passage_end end, const char *how);
    void *context;
};

/* Lends it; the engine starts the program. */
struct passage *passage_open(const struct passage_options *options, struct err *e);
int passage_attach(struct passage *p, struct err *e);
bool passage_attached(const struct passage *p);
bool passage_is_of(const struct passage *p, int64_t run); /* NULL is fine */
/* After SIGWINCH. */
void passage_resize(struct passage *p);
/* The terminal is given back, and the program hears nothing more of it. NULL is fine. */
void passage_free(struct passage *p);

#endif
