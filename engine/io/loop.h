/* The one loop of the process. A thin coat over libuv, so that no other room sees it: timers, descriptors,
 * signals, calls posted from other threads, and work for the pool. All functions but loop_post and
 * loop_poster belong to the loop's thread. Whatever a callback frees (its own timer, watch or signal too) is
 * safe to free. */
#ifndef BELAY_IO_LOOP_H
#define BELAY_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/base.h"

struct loop;

/* NULL when the system refuses (no descriptors left). Also ignores SIGPIPE for the process. */
struct loop *loop_new(struct err *e);
/* Waits for work that the pool still does, and drops what was posted and not run. Timers, watches, signals
 * and connections must have been freed before (asserted). */
void loop_free(struct loop *l);

/* Turns until loop_stop. */
void loop_run(struct loop *l);
/* One turn: waits at most max_wait_us for something to happen (0: doesn't wait, negative: no limit). For
 * tests and the command line; never from a callback. */
void loop_run_once(struct loop *l, int64_t max_wait_us);
/* Ends loop_run after the current turn; remembered when it isn't running yet. */
void loop_stop(struct loop *l);

/* Monotonic time, as clock_monotonic_us, read once a turn (per millisecond at most): cheap, never goes back.
 */
int64_t loop_now_us(struct loop *l);

/* A timer fires once after_us from now (rounded up to a millisecond) and, with repeat_us > 0, again every
 * repeat_us. Starting a running timer sets it anew. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *data), void *data);
void loop_timer_start(struct loop_timer *t, int64_t after_us, int64_t repeat_us);
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_active(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

#define LOOP_READ  1
#define LOOP_WRITE 2

/* A descriptor that can be polled (socket, pipe, tty, eventfd, pidfd; not a regular file: ERR_UNSUPPORTED).
 * It becomes non-blocking and stays the caller's, who frees the watch before closing it. One watch a
 * descriptor. Errors and hang-ups count as readable and writable, as far as those were asked for: read to
 * learn. */
struct loop_watch;
struct loop_watch *loop_watch_new(struct loop *l, int fd, int events, void (*fn)(void *data, int events),
                                  void *data, struct err *e);
void loop_watch_set(struct loop_watch *w, int events); /* 0 pauses it */
void loop_watch_free(struct loop_watch *w);            /* NULL is fine */

/* Runs fn on the loop when the signal arrives. Several watches of one signal all run. */
struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *l, int number, void (*fn)(void *data, int number),
                                    void *data);
void loop_signal_free(struct loop_signal *s); /* NULL is fine */

/* From any thread: fn(arg) runs on the loop's thread, in the order of posting. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);
/* The same with the shape of a poster: journal_open(..., loop_poster, loop). */
void loop_poster(void *loop, void (*fn)(void *arg), void *arg);

/* work runs on a thread of the pool, then done on the loop. done is NULL or always runs, also when the loop
 * is being freed meanwhile. At most four run at a time; keep each under a second. None begins before the
 * loop's first turn: a console paints its first frame with the processor to itself. */
void loop_work(struct loop *l, void (*work)(void *data), void (*done)(void *data), void *data);

#endif
