#include "tui/passage.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/io/io.h"
#include "tui/kit/kit.h"
#include "tui/kit/terminal_trace.h"

#define ESCAPE_US     (500 * US_PER_MS) /* between the two Ctrl-] */
#define PENDING_BYTES (64u << 10)       /* not taken by the terminal yet: then the program waits */

struct passage {
    struct passage_options o;
    struct loop_watch *watch;
    struct terminal_trace trace;
    bool attached, over, paused, awaiting_enter;
    char *how;
    struct str held; /* the first Ctrl-], until it is known whether a second follows */
    struct loop_timer *escape_timer, *end_timer;
    enum passage_end end;
};

/* ---- back to the owner ---- */

static void on_end(void *data)
{
    struct passage *p = data;
    p->o.back(p->o.context, p->end, p->how ? p->how : "");
}

static void detach(struct passage *p)
{
    struct str undo = {0};
    if (!p->attached)
        return;
    p->attached = p->awaiting_enter = false;
    loop_watch_free(p->watch);
    p->watch = NULL;
    loop_timer_stop(p->escape_timer);
    str_clear(&p->held);
    terminal_trace_undo(&p->trace, &undo);
    terminal_put(p->o.terminal, str_text(&undo), undo.len);
    str_fini(&undo);
    terminal_suspend(p->o.terminal);
    if (!p->over)
        engine_terminal_pause(p->o.engine, p->o.run, false);
    p->paused = false;
}

/* From the loop: the owner may free what it is told by. */
static void come_back(struct passage *p, enum passage_end end)
{
    detach(p);
    p->end = end;
    loop_timer_start(p->end_timer, 0, 0);
}

/* ---- to the terminal ---- */

static void flush(struct passage *p)
{
    struct err e = {0};
    int left = terminal_flush(p->o.terminal, &e);
    if (left < 0) {
        come_back(p, PASSAGE_GONE);
        return;
    }
    loop_watch_set(p->watch, LOOP_READ | (left > 0 ? LOOP_WRITE : 0));
    bool full = terminal_pending(p->o.terminal) > (p->paused ? 0 : PENDING_BYTES);
    if (full != p->paused && !p->over) {
        p->paused = full;
        engine_terminal_pause(p->o.engine, p->o.run, full);
    }
}

static void put(struct passage *p, const char *bytes, size_t length)
{
    terminal_put(p->o.terminal, bytes, length);
    flush(p);
}

static void on_output(void *context, const char *bytes, size_t length)
{
    struct passage *p = context;
    terminal_trace_add(&p->trace, bytes, length);
    if (p->attached)
        put(p, bytes, length);
}

static void on_ended(void *context, const char *how)
{
    struct passage *p = context;
    p->over = true;
    free(p->how);
    p->how = xstrdup(how);
    if (p->attached && p->trace.plain && how[0]) {
        struct str line = {0}, clean = {0};
        terminal_trace_undo(&p->trace, &line);
        utf8_clean(&clean, how, strlen(how), false);
        str_addf(&line, "\r\n[belay: it has ended: %s%s]\r\n", str_text(&clean), p->o.waits ? "; Enter" : "");
        p->trace = (struct terminal_trace){0};
        p->awaiting_enter = p->o.waits;
        put(p, str_text(&line), line.len);
        str_fini(&line);
        str_fini(&clean);
    }
    if (!p->awaiting_enter)
        come_back(p, PASSAGE_OVER);
}

/* ---- from the terminal ---- */

static void type(struct passage *p, const char *bytes, size_t length)
{
    if (length > 0)
        engine_terminal_type(p->o.engine, p->o.run, bytes, length);
}

/* Ctrl-] at the beginning of the bytes, also as terminals send it that were told to name modifiers. */
static size_t escape_at(const char *bytes, size_t length)
{
    static const char *const spellings[] = {"\x1d", "\x1b[93;5u", "\x1b[27;5;93~"};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        size_t long_ = strlen(spellings[i]);
        if (length >= long_ && memcmp(bytes, spellings[i], long_) == 0)
            return long_;
    }
    return 0;
}

static void held_send(void *data)
{
    struct passage *p = data;
    type(p, str_text(&p->held), p->held.len);
    str_clear(&p->held);
}

static void typed(struct passage *p, const char *bytes, size_t length)
{
    size_t from = 0;
    for (size_t at = 0; at < length;) {
        size_t escape = escape_at(bytes + at, length - at);
        if (escape > 0 && p->held.len > 0 && from == at) {
            come_back(p, PASSAGE_LEFT);
            return;
        }
        if (p->held.len > 0)
            held_send(p);
        if (escape > 0) {
            type(p, bytes + from, at - from);
            str_add_bytes(&p->held, bytes + at, escape);
            loop_timer_start(p->escape_timer, ESCAPE_US, 0);
            from = at + escape;
        }
        at += escape > 0 ? escape : 1;
    }
    type(p, bytes + from, length - from);
}

static void on_ready(void *data, int events)
{
    struct passage *p = data;
    char bytes[4096];
    struct err e = {0};
    if (events & LOOP_WRITE)
        flush(p);
    if (!p->attached || !(events & LOOP_READ))
        return;
    int length = terminal_read(p->o.terminal, bytes, sizeof bytes, &e);
    if (length < 0)
        come_back(p, PASSAGE_GONE);
    else if (p->awaiting_enter &&
             (memchr(bytes, '\r', (size_t)length) || memchr(bytes, '\n', (size_t)length)))
        come_back(p, PASSAGE_OVER);
    else if (!p->over)
        typed(p, bytes, (size_t)length);
    explicit_bzero(bytes, sizeof bytes);
}

/* ---- life ---- */

static int take_terminal(struct passage *p, struct err *e)
{
    int rc = terminal_pass(p->o.terminal, e);
    if (rc < 0)
        return rc;
    p->watch = loop_watch_new(p->o.loop, terminal_fd(p->o.terminal), LOOP_READ, on_ready, p, e);
    if (!p->watch) {
        terminal_suspend(p->o.terminal);
        return e->code;
    }
    p->attached = true;
    return 0;
}

struct passage *passage_open(const struct passage_options *options, struct err *e)
{
    struct passage *p = xcalloc(1, sizeof *p);
    p->o = *options;
    p->escape_timer = loop_timer_new(options->loop, held_send, p);
    p->end_timer = loop_timer_new(options->loop, on_end, p);
    struct engine_terminal given = {.modes = terminal_modes(options->terminal),
                                    .term = getenv("TERM"),
                                    .output = on_output,
                                    .ended = on_ended,
                                    .context = p};
    terminal_resize(options->terminal);
    terminal_size(options->terminal, &given.width, &given.height);
    if (take_terminal(p, e) < 0 || engine_terminal_give(options->engine, options->run, &given, e) < 0) {
        p->over = true;
        passage_free(p);
        return NULL;
    }
    return p;
}

int passage_attach(struct passage *p, struct err *e)
{
    struct str redo = {0};
    if (p->attached || p->over)
        return 0;
    loop_timer_stop(p->end_timer);
    int rc = take_terminal(p, e);
    if (rc < 0)
        return rc;
    terminal_trace_redo(&p->trace, &redo);
    put(p, str_text(&redo), redo.len);
    str_fini(&redo);
    passage_resize(p);
    engine_terminal_redraw(p->o.engine, p->o.run);
    return 0;
}

bool passage_attached(const struct passage *p)
{
    return p->attached;
}

bool passage_is_of(const struct passage *p, int64_t run)
{
    return p && p->o.run == run;
}

void passage_resize(struct passage *p)
{
    int width, height;
    terminal_resize(p->o.terminal);
    terminal_size(p->o.terminal, &width, &height);
    engine_terminal_resize(p->o.engine, p->o.run, width, height);
}

void passage_free(struct passage *p)
{
    if (!p)
        return;
    detach(p);
    if (!p->over)
        engine_terminal_forget(p->o.engine, p->o.run);
    loop_timer_free(p->escape_timer);
    loop_timer_free(p->end_timer);
    str_fini(&p->held);
    free(p->how);
    free(p);
}
