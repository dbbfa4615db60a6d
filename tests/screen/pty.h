/* A program in a pty, seen through libvterm: it is typed at, resized, stalled, stopped, killed, and its
 * screen read. A small keeper stands in for the shell: it leads the session, puts the program into a
 * foreground group of its own and takes the tty back when the program stops, so that job control is real. */
#ifndef BELAY_TEST_PTY_H
#define BELAY_TEST_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

struct pty;

struct pty_options {
    const char *const *argv;
    const char *const *environment; /* "NAME=value" sets, "NAME" removes; NULL-terminated, may be NULL */
    const char *term;               /* NULL: xterm-256color */
    int width, height;              /* 0: 80x24 */
};

/* Never NULL; ends the test program when there is no pty. */
struct pty *pty_start(const struct pty_options *options);
/* Kills what still runs, by its pid. */
void pty_free(struct pty *p);

pid_t pty_pid(const struct pty *p);
void pty_type(struct pty *p, const char *text);
void pty_resize(struct pty *p, int width, int height);
void pty_signal(struct pty *p, int signal_number);
/* A reader that doesn't read: nothing is taken from the tty until it is off again. */
void pty_stall(struct pty *p, bool stalled);
/* Closes our end, as a dropped link does. */
void pty_hang_up(struct pty *p);

/* Reads what comes for up to ms; returns early when the program has ended. */
void pty_run(struct pty *p, int ms);
/* Until the screen's text matches (POSIX extended, ^ and $ are those of a line), or doesn't; false after ms.
 */
bool pty_wait(struct pty *p, const char *pattern, int ms);
bool pty_wait_gone(struct pty *p, const char *pattern, int ms);
/* Until ms pass without a byte, at most limit_ms. */
bool pty_wait_quiet(struct pty *p, int ms, int limit_ms);
bool pty_wait_stopped(struct pty *p, int ms);
/* Until it has ended: the exit status, 128 + signal; -1 when it still runs after ms. */
int pty_wait_end(struct pty *p, int ms);
/* After it stopped: in the foreground again, or on in the background. */
void pty_continue(struct pty *p, bool foreground);

/* The screen: rows of text, trailing spaces cut, a newline after each. Valid until the next call. */
const char *pty_screen(struct pty *p);
bool pty_matches(struct pty *p, const char *pattern);
/* What was written since the start (the newest 256 kB of it), for searching. */
const char *pty_bytes(struct pty *p, size_t *length);
uint64_t pty_byte_count(const struct pty *p);
uint64_t pty_read_count(const struct pty *p);
/* Monotonic microseconds of the start, the first byte and the last one; 0: none yet. */
int64_t pty_started_us(const struct pty *p);
int64_t pty_first_us(const struct pty *p);
int64_t pty_last_us(const struct pty *p);

bool pty_alternate(const struct pty *p); /* the alternate screen shows */
bool pty_cursor_shown(const struct pty *p);
void pty_cursor(const struct pty *p, int *x, int *y);
/* True when some cell of the screen has a colour other than the default ones. */
bool pty_coloured(struct pty *p);
/* A cell's reverse, bold or underline, as bits 1, 2, 4. */
int pty_cell_bits(struct pty *p, int x, int y);
void pty_modes(const struct pty *p, struct termios *modes);
/* The modes that the program found: not quite those that every tty starts with. */
void pty_modes_before(const struct pty *p, struct termios *modes);

struct pty_usage {
    double cpu_s;                  /* of the program itself, all threads */
    double tree_cpu_s;             /* with its descendants that still run */
    long rss_kb, private_dirty_kb; /* of the program itself */
};
struct pty_usage pty_usage(const struct pty *p);

#endif
