/* ncurses rendering into a memfd: canvases in, bytes for the terminal out. Knows no tty. Internal to the kit.
 */
#ifndef BELAY_KIT_SCREEN_H
#define BELAY_KIT_SCREEN_H

#include <stdbool.h>

#include "tui/kit/canvas.h"
#include "tui/kit/theme.h"

struct screen;

/* ERR_NOT_FOUND: the name is unknown; ERR_UNSUPPORTED: the terminal can't address its cursor. */
struct screen *screen_new(const char *term, int width, int height, bool mono, bool ascii, struct err *e);
void screen_free(struct screen *s);

int screen_colours(const struct screen *s); /* 0, 8, 16 or 256 */
void screen_theme(struct screen *s, const struct theme *theme);
void screen_resize(struct screen *s, int width, int height);
/* The next frame is drawn whole, on a cleared screen. */
void screen_spoil(struct screen *s);

/* Appends the bytes that make the terminal show c; none when it shows it already. The first ones also enter
 * the terminal's full-screen mode. */
void screen_draw(struct screen *s, const struct canvas *c, struct str *out);
/* Appends the bytes that leave that mode; the next screen_draw enters it again. */
void screen_leave(struct screen *s, struct str *out);
/* The bytes of screen_leave, known from the start. */
const struct str *screen_restore(const struct screen *s);

#endif
