/* The terminal: opened by us, non-blocking, raw. ncurses renders into a memfd and never touches the tty; we
 * copy its bytes when the tty takes them. A slow or dead reader costs frames, never time: while bytes are
 * pending the owner draws nothing, and the next frame after is the newest.
 *
 *     readable   terminal_read -> input_push          writable   terminal_flush
 *     a frame    if (!terminal_pending(t)) { terminal_draw(t, canvas); terminal_flush(t, &e); }
 *
 * What changed while bytes were pending is drawn when terminal_flush has written the last of them.
 * The owner watches terminal_fd for reading, and for writing while terminal_pending(). One thread. */
#ifndef BELAY_KIT_TERMINAL_H
#define BELAY_KIT_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/base.h"
#include "tui/kit/canvas.h"
#include "tui/kit/theme.h"

struct terminal;
struct termios;

struct terminal_options {
    const char *path; /* the tty; NULL: that of stdin, stdout or stderr, else /dev/tty */
    const char *term; /* NULL: $TERM; unknown or none: xterm-256color */
    bool mono;        /* no colours; also when $NO_COLOR is set and not empty */
    bool bare;        /* nothing is ever drawn: for terminal_pass, on any terminal */
    bool ascii;       /* no UTF-8; also when the locale of the environment isn't UTF-8 */
};

/* Sets LC_CTYPE for drawing. Returns whether the user's terminal shows UTF-8, by the locale of the
 * environment. terminal_open calls it. */
bool terminal_locale(void);

/* Opens the tty and makes it raw; the screen is not touched before the first frame is flushed. Signal
 * handlers are left as they were. ERR_NOT_FOUND: there is no tty. ERR_UNSUPPORTED: it can't address the
 * cursor (line mode is the way); nothing was changed then. */
struct terminal *terminal_open(const struct terminal_options *options, struct err *e);

/* Whether terminal_open would find a tty, with its errors: asked before something is begun for a screen. */
int terminal_check(struct err *e);

/* Restores the tty (waits at most 200 ms for it to take the bytes) and frees. NULL is fine. */
void terminal_close(struct terminal *t);

int terminal_fd(const struct terminal *t);
const char *terminal_name(const struct terminal *t); /* the terminfo name in use, for input_new */
int terminal_colours(const struct terminal *t);      /* 0, 8, 16 or 256 */
bool terminal_ascii(const struct terminal *t);
void terminal_size(const struct terminal *t, int *width, int *height);

/* Copies the theme; the next frame is drawn whole. */
void terminal_theme(struct terminal *t, const struct theme *theme);

/* After SIGWINCH: asks the kernel for the size. True when it has changed: the owner resizes its canvas and
 * draws. */
bool terminal_resize(struct terminal *t);

/* Renders the difference between the last frame and the canvas (of a canvas_new, of any size) into the out
 * buffer. Nothing different: no byte. Must not be called while terminal_pending() or while suspended. */
void terminal_draw(struct terminal *t, const struct canvas *c);
/* The next frame is drawn whole: ^L. */
void terminal_redraw(struct terminal *t);

/* Writes what the tty takes now. 0: all written; 1: bytes are pending; ERR_IO: the tty is gone. */
int terminal_flush(struct terminal *t, struct err *e);
size_t terminal_pending(const struct terminal *t);

/* Reads what is there: bytes read, 0 when nothing is there now, ERR_IO when the tty is gone. */
int terminal_read(struct terminal *t, char *bytes, size_t size, struct err *e);

/* Gives the tty back as it was (before SIGSTOP, or to run a pager), waiting at most 200 ms for pending bytes.
 */
void terminal_suspend(struct terminal *t);
/* Takes it again; the next frame is drawn whole. The size may have changed meanwhile: terminal_resize tells.
 * ERR_BUSY: another process group has the tty (we run in the background): try again later; the terminal stays
 * suspended. */
int terminal_resume(struct terminal *t, struct err *e);
bool terminal_suspended(const struct terminal *t);

/* Lends the terminal to a program that draws by itself: the screen is left, the modes stay raw, and bytes go
 * through: terminal_put what the program writes, terminal_flush it; terminal_read what is typed.
 * terminal_suspend or terminal_resume ends that; both put right what a program may have left set (mouse,
 * paste, cursor, charset), but for the alternate screen: see terminal_trace.h. */
int terminal_pass(struct terminal *t, struct err *e);
void terminal_put(struct terminal *t, const char *bytes, size_t length);
/* The tty's modes as they are for the person. */
const struct termios *terminal_modes(const struct terminal *t);

/* Async-signal-safe: restores modes and screen from a crash handler. */
void terminal_restore_emergency(const struct terminal *t);

/* Installs handlers for SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP and SIGSYS on a stack of their own:
 * restore t, then die of the signal. t NULL: back to the defaults. */
void terminal_guard(struct terminal *t);

/* What a killed console left on this tty (raw mode, alternate screen) is put right, from the modes that it
 * had saved in the runtime folder; terminal_open does it itself. For commands without a screen; silent, cheap
 * when there is nothing to do. */
void terminal_mend(int fd);

#endif
