/* What a program that draws by itself has done to the terminal, read from what it writes: so that it can be
 * put right when the program is left or was killed, and set again when it is gone back to. Internal state of
 * a few modes; no screen is kept. */
#ifndef BELAY_KIT_TERMINAL_TRACE_H
#define BELAY_KIT_TERMINAL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

#define TRACE_MODES 20

struct terminal_trace {
    enum {
        TRACE_TEXT,
        TRACE_ESCAPE,
        TRACE_SKIP_ONE, /* of a charset or the like */
        TRACE_CONTROL,  /* CSI */
        TRACE_STRING,   /* OSC, DCS and kin: until BEL or ST */
        TRACE_STRING_ESCAPE,
    } state;
    char private; /* '?', '>' or 0 */
    unsigned numbers[16];
    size_t count;
    bool changed[TRACE_MODES]; /* by place in the table of modes: not as a terminal starts */
    bool keypad;
    unsigned keyboard; /* pushes of the kitty protocol that were not popped */
    bool other_keys;   /* modifyOtherKeys */
    bool plain;        /* something was printed outside of the alternate screen */
};

void terminal_trace_add(struct terminal_trace *t, const char *bytes, size_t length);
/* Appends the bytes that put right what is changed, the alternate screen last; and those that set it again.
 */
void terminal_trace_undo(const struct terminal_trace *t, struct str *out);
void terminal_trace_redo(const struct terminal_trace *t, struct str *out);
bool terminal_trace_alternate(const struct terminal_trace *t);

#endif
