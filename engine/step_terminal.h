/* The terminal of an interactive execution: asked for, given, relayed, recorded. Private to the engine's own
 * room. */
#ifndef BELAY_ENGINE_STEP_TERMINAL_H
#define BELAY_ENGINE_STEP_TERMINAL_H

#include "engine/execute/execute.h"
#include "engine/walk.h"

struct step_terminal;
struct ticket;

/* Waits to be given one; go is called then, or refused with the reason when nobody gives one in time. */
struct step_terminal *step_terminal_want(struct walk *w, int step, void (*go)(struct ticket *t),
                                         void (*refused)(struct ticket *t, const char *why),
                                         struct ticket *ticket);
/* What it is to be armed with. */
const struct exec_terminal *step_terminal_request(const struct step_terminal *t);
/* It is armed: from now on what the program writes goes to whoever gave the terminal, and into the recording.
 */
void step_terminal_begin(struct step_terminal *t, const struct execution *x);
/* Its main process has ended: reads the rest, tells whoever gave it ("exit 0"), brings the recording to its
 * file, then calls done on the loop, later or at once. Not after step_terminal_free, nor while the engine
 * closes. */
void step_terminal_end(struct step_terminal *t, const char *how, void (*done)(struct ticket *t));
/* True while nobody has given one. */
bool step_terminal_waits(const struct step_terminal *t);
/* Nobody relays any more: the console goes, or the run is another one's. */
void step_terminal_release(struct step_terminal *t);
void step_terminal_free(struct step_terminal *t); /* NULL is fine */

#endif
