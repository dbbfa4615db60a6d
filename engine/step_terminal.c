#include "engine/step_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "engine/recording.h"
#include "engine/ticket.h"

#define PATIENCE_US (60 * US_PER_S) /* with whoever confirmed: what was observed for the act grows old */
#define READ_BYTES  (16u << 10)
#define REST_BYTES  (1 << 20)  /* read at most once it has ended */
#define TYPED_BYTES (1u << 20) /* waiting for a program that doesn't read */

struct step_terminal {
    struct walk *walk;
    struct ticket *ticket;
    int step;
    void (*go)(struct ticket *t);
    void (*refused)(struct ticket *t, const char *why);
    struct loop_timer *patience;

    bool given;
    struct engine_terminal giver;
    struct termios modes;
    char *term;
    struct exec_terminal request;

    int fd; /* the execution's; -1 before and after */
    struct loop_watch *watch;
    bool paused; /* whoever gave it takes no more just now */
    struct str typed;

    struct recording recording;
    struct str writing; /* with the pool */
    int file;           /* -1: none */
    bool under_way;
    void (*done)(struct ticket *t); /* once nothing is under way */
};

/* ---- wanting one ---- */

static void on_patience(void *data)
{
    struct step_terminal *t = data;
    t->refused(t->ticket, "nobody was at its page to give it the terminal within a minute: nothing was run");
}

struct step_terminal *step_terminal_want(struct walk *w, int step, void (*go)(struct ticket *t),
                                         void (*refused)(struct ticket *t, const char *why),
                                         struct ticket *ticket)
{
    struct step_terminal *t = xcalloc(1, sizeof *t);
    *t = (struct step_terminal){
        .walk = w, .ticket = ticket, .step = step, .go = go, .refused = refused, .fd = -1, .file = -1};
    t->patience = loop_timer_new(w->engine->loop, on_patience, t);
    loop_timer_start(t->patience, PATIENCE_US, 0);
    engine_changed(w->engine, ENGINE_RUNS);
    return t;
}

bool step_terminal_waits(const struct step_terminal *t)
{
    return !t->given;
}

const struct exec_terminal *step_terminal_request(const struct step_terminal *t)
{
    return &t->request;
}

static struct step_terminal *step_terminal_find(const struct engine *engine, int64_t run)
{
    const struct walk *w = walk_find(engine, run);
    for (size_t i = 0; w && i < w->tickets.len; i++) {
        struct ticket *ticket = w->tickets.data[i];
        if (ticket->terminal && !ticket->finished)
            return ticket->terminal;
    }
    return NULL;
}

int engine_terminal_wanted(const struct engine *engine, int64_t run)
{
    const struct step_terminal *t = step_terminal_find(engine, run);
    return t && !t->given ? t->step : STEP_NONE;
}

int engine_terminal_give(struct engine *engine, int64_t run, const struct engine_terminal *terminal,
                         struct err *e)
{
    struct step_terminal *t = step_terminal_find(engine, run);
    if (!t || t->given)
        return err_set(e, ERR_NOT_FOUND, "no step of run %lld waits for a terminal", (long long)run);
    loop_timer_stop(t->patience);
    t->given = true;
    t->giver = *terminal;
    t->term = xstrdup(terminal->term);
    t->request = (struct exec_terminal){.width = terminal->width, .height = terminal->height};
    if (terminal->modes) {
        t->modes = *terminal->modes;
        t->request.modes = &t->modes;
    }
    t->go(t->ticket);
    return 0;
}

/* ---- the recording, into its file by the pool ---- */

static void write_work(void *data)
{
    struct step_terminal *t = data;
    struct err e;
    if (t->file >= 0 && file_write_all(t->file, str_text(&t->writing), t->writing.len, &e) < 0) {
        close(t->file); /* no room: what is there is kept, and the outcome has its size */
        t->file = -1;
    }
}

static void recording_write(struct step_terminal *t);

static void write_done(void *data)
{
    struct step_terminal *t = data;
    t->walk->engine->runs.storing--;
    t->under_way = false;
    str_clear(&t->writing);
    recording_write(t);
}

static void recording_write(struct step_terminal *t)
{
    struct engine *engine = t->walk->engine;
    void (*done)(struct ticket * ticket) = t->done;
    if (t->under_way)
        return;
    if (t->recording.lines.len > 0) {
        struct str lines = t->recording.lines;
        t->recording.lines = t->writing;
        t->writing = lines;
        t->under_way = true;
        engine->runs.storing++;
        loop_work(engine->loop, write_work, write_done, t);
    } else if (done && !engine->closing && !t->walk->lost) {
        t->done = NULL;
        done(t->ticket);
    }
}

/* ---- the relay ---- */

static void watch_set(struct step_terminal *t)
{
    if (t->watch)
        loop_watch_set(t->watch, (t->paused ? 0 : LOOP_READ) | (t->typed.len > 0 ? LOOP_WRITE : 0));
}

static void shown(struct step_terminal *t, const char *bytes, size_t length)
{
    recording_output(&t->recording, bytes, length, loop_now_us(t->walk->engine->loop));
    recording_write(t);
    if (t->giver.output)
        t->giver.output(t->giver.context, bytes, length);
}

/* What is there: bytes, 0 for nothing now, negative when the step's end is closed. */
static ssize_t take(struct step_terminal *t)
{
    char bytes[READ_BYTES];
    ssize_t got;
    do
        got = read(t->fd, bytes, sizeof bytes);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        shown(t, bytes, (size_t)got);
    return got > 0 ? got : got < 0 && errno == EAGAIN ? 0 : -1;
}

static void typed_send(struct step_terminal *t)
{
    while (t->typed.len > 0) {
        ssize_t put = write(t->fd, t->typed.data, t->typed.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            break;
        explicit_bzero(t->typed.data, (size_t)put);
        str_remove_front(&t->typed, (size_t)put);
    }
}

static void on_terminal(void *data, int events)
{
    struct step_terminal *t = data;
    if (events & LOOP_WRITE)
        typed_send(t);
    if ((events & LOOP_READ) && !t->paused && take(t) < 0) {
        /* Nobody has the other end any more; how it ended comes from its supervisor. */
        loop_watch_free(t->watch);
        t->watch = NULL;
    }
    watch_set(t);
}

void step_terminal_begin(struct step_terminal *t, const struct execution *x)
{
    struct engine *engine = t->walk->engine;
    const struct step *step = &t->walk->book->steps.data[t->step];
    struct err e;
    struct recording_head head = {.width = t->request.width,
                                  .height = t->request.height,
                                  .wall_us = clock_wall_us(),
                                  .title = step->title,
                                  .term = t->term,
                                  .shell = getenv("SHELL")};
    recording_begin(&t->recording, &head, 0, loop_now_us(engine->loop));
    t->file = execution_recording(x, &e);
    if (t->file < 0)
        output_say(t->walk, t->step, "it is not recorded: %s", e.msg);
    recording_write(t);
    t->fd = execution_terminal(x);
    t->watch = loop_watch_new(engine->loop, t->fd, LOOP_READ, on_terminal, t, &e);
}

void engine_terminal_type(struct engine *engine, int64_t run, const char *bytes, size_t length)
{
    struct step_terminal *t = step_terminal_find(engine, run);
    if (!t || !t->watch)
        return;
    if (t->typed.len + length <= TYPED_BYTES)
        str_add_bytes(&t->typed, bytes, length);
    else if (t->giver.output)
        t->giver.output(t->giver.context, "\a",
                        1); /* all of it or nothing: half a paste is worse than none */
    typed_send(t);
    watch_set(t);
}

void engine_terminal_resize(struct engine *engine, int64_t run, int width, int height)
{
    struct step_terminal *t = step_terminal_find(engine, run);
    struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
    if (!t || !t->given)
        return;
    bool differs = width != t->request.width || height != t->request.height;
    t->request.width = width;
    t->request.height = height;
    if (t->fd < 0 || ioctl(t->fd, TIOCSWINSZ, &size) < 0 || !differs)
        return;
    recording_resize(&t->recording, width, height, loop_now_us(engine->loop));
    recording_write(t);
}

void engine_terminal_redraw(struct engine *engine, int64_t run)
{
    const struct step_terminal *t = step_terminal_find(engine, run);
    if (!t || t->fd < 0)
        return;
    /* The kernel tells the program of a size that differs, twice. */
    struct winsize size = {.ws_col = (unsigned short)t->request.width,
                           .ws_row = (unsigned short)(t->request.height + 1)};
    ioctl(t->fd, TIOCSWINSZ, &size);
    size.ws_row--;
    ioctl(t->fd, TIOCSWINSZ, &size);
}

void engine_terminal_forget(struct engine *engine, int64_t run)
{
    struct step_terminal *t = step_terminal_find(engine, run);
    if (t) {
        t->giver = (struct engine_terminal){0};
        t->paused = false;
        watch_set(t);
    }
}

void engine_terminal_pause(struct engine *engine, int64_t run, bool paused)
{
    struct step_terminal *t = step_terminal_find(engine, run);
    if (t && t->paused != paused) {
        t->paused = paused;
        watch_set(t);
    }
}

/* ---- the end ---- */

static void hang_up(struct step_terminal *t)
{
    loop_watch_free(t->watch);
    t->watch = NULL;
    t->fd = -1;
    if (t->typed.data)
        explicit_bzero(t->typed.data, t->typed.len);
    str_clear(&t->typed);
}

static void tell(struct step_terminal *t, const char *how)
{
    void (*ended)(void *context, const char *how) = t->giver.ended;
    t->giver.output = NULL;
    t->giver.ended = NULL;
    if (ended)
        ended(t->giver.context, how);
}

void step_terminal_end(struct step_terminal *t, const char *how, void (*done)(struct ticket *ticket))
{
    ssize_t got = 1;
    loop_timer_stop(t->patience);
    for (ssize_t all = 0; t->fd >= 0 && got > 0 && all < REST_BYTES; all += got)
        got = take(t);
    if (t->fd >= 0)
        recording_end(&t->recording, loop_now_us(t->walk->engine->loop));
    hang_up(t);
    tell(t, how);
    t->done = done;
    recording_write(t);
}

/* The engine closes or the run has gone: what is in memory is written as it goes, the pool is waited for. */
void step_terminal_release(struct step_terminal *t)
{
    loop_timer_stop(t->patience);
    if (t->fd >= 0) {
        hang_up(t);
        recording_write(t);
    }
    tell(t, "");
}

void step_terminal_free(struct step_terminal *t)
{
    if (!t)
        return;
    loop_timer_free(t->patience);
    loop_watch_free(t->watch);
    if (t->file >= 0)
        close(t->file);
    recording_fini(&t->recording);
    str_fini(&t->writing);
    str_fini(&t->typed);
    free(t->term);
    free(t);
}
