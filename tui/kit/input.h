/* Bytes from a terminal into keys. Pure: no descriptor, no clock, never waits. The owner pushes what it read
 * and takes the keys out; when input_deadline() passes without more bytes it calls input_timeout(), which
 * decides that a lone Esc was the key.
 *
 * A filter cuts the stream into whole characters and sequences and swallows what is no key (answers of the
 * terminal: OSC, DCS, APC, mouse reports, mode and position reports; unknown sequences); libtermkey names the
 * rest. A bracketed paste is one key, SYM_PASTE. Bytes split anywhere give the same keys as bytes in one
 * piece. */
#ifndef BELAY_KIT_INPUT_H
#define BELAY_KIT_INPUT_H

#include "engine/base/base.h"
#include "tui/kit/keymap.h"

#define INPUT_ESCAPE_US 25000
#define INPUT_PASTE_MAX 65536

struct input;

/* term: the name that terminal_name() gives. ERR_UNSUPPORTED when libtermkey knows it not. */
struct input *input_new(const char *term, struct err *e);
void input_free(struct input *in);

/* Takes all bytes. Keys that nobody takes out are kept up to a bound (1,024), further ones are dropped. */
void input_push(struct input *in, const char *bytes, size_t length, int64_t now_us);

/* The next key; false when there is none now. key->text is valid until the next call of any function here. */
bool input_next(struct input *in, struct key *key);

/* When input_timeout is due (monotonic), or -1. */
int64_t input_deadline(const struct input *in);
void input_timeout(struct input *in, int64_t now_us);

/* Throws away the keys and half sequences that are waiting. */
void input_discard(struct input *in);

#endif
