#include "engine/io/loop.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "engine/base/base.h"
#include "engine/io/uv.h"

struct post {
    struct post *next;
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t bound; /* what limits the wait of loop_run_once */
    pthread_mutex_t lock;
    struct post *first, **last; /* under the lock */
    size_t working;             /* pool work whose done hasn't run */
    struct work *waiting;       /* work that waits for the loop's first turn, newest first */
    uv_timer_t turn;            /* that turn */
    bool turned, stopping;
    uint64_t now_ms; /* uv's clock when now_us was read */
    int64_t now_us;
};

uv_loop_t *loop_uv(struct loop *l)
{
    return &l->uv;
}

static struct post *post_take(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct post *list = l->first;
    l->first = NULL;
    l->last = &l->first;
    pthread_mutex_unlock(&l->lock);
    return list;
}

static void on_wake(uv_async_t *handle)
{
    struct loop *l = handle->data;
    struct post *p = post_take(l);
    while (p) {
        struct post *next = p->next;
        p->fn(p->arg);
        free(p);
        p = next;
    }
}

static void on_bound(uv_timer_t *handle)
{
    (void)handle; /* its only purpose is to end the wait */
}

struct work {
    uv_work_t request;
    struct work *next;
    struct loop *loop;
    void (*work)(void *data);
    void (*done)(void *data);
    void *data;
};

static void on_work(uv_work_t *request)
{
    struct work *w = request->data;
    w->work(w->data);
}

static void on_worked(uv_work_t *request, int status)
{
    struct work *w = request->data;
    (void)status; /* never cancelled */
    w->loop->working--;
    if (w->done)
        w->done(w->data);
    free(w);
}

/* The pool's threads are made by the first call. A console that was stopped has to know that it goes on
 * before it reads what was typed meanwhile: a handler in a thread of the pool may come later than the loop's
 * next turn. */
static void queue(struct work *w)
{
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGCONT);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    uv_queue_work(&w->loop->uv, &w->request, on_work, on_worked);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void on_turn(uv_timer_t *handle)
{
    struct loop *l = handle->data;
    struct work *oldest_first = NULL;
    l->turned = true;
    while (l->waiting) {
        struct work *w = l->waiting;
        l->waiting = w->next;
        w->next = oldest_first;
        oldest_first = w;
    }
    for (struct work *w = oldest_first; w; w = w->next)
        queue(w);
}

struct loop *loop_new(struct err *e)
{
    struct loop *l = xcalloc(1, sizeof *l);
    int status = uv_loop_init(&l->uv);
    if (status) {
        err_set(e, ERR_IO, "cannot set up the event loop: %s", uv_strerror(status));
        free(l);
        return NULL;
    }
    status = uv_async_init(&l->uv, &l->wake, on_wake);
    if (status) {
        err_set(e, ERR_IO, "cannot set up the event loop: %s", uv_strerror(status));
        uv_loop_close(&l->uv);
        free(l);
        return NULL;
    }
    uv_timer_init(&l->uv, &l->bound);
    uv_timer_init(&l->uv, &l->turn);
    l->wake.data = l->bound.data = l->turn.data = l;
    uv_timer_start(&l->turn, on_turn, 0, 0);
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL);
    signal(SIGPIPE, SIG_IGN);
    return l;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    bool freed = uv_is_closing(handle); /* timers, watches and signals, before their loop */
    assert(freed);
    if (!freed)
        uv_close(handle, NULL); /* its memory is lost; waiting for it for ever would be worse */
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    while (l->working)
        uv_run(&l->uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->bound, NULL);
    uv_close((uv_handle_t *)&l->turn, NULL);
    uv_walk(&l->uv, close_handle, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    int status = uv_loop_close(&l->uv);
    assert(status == 0);
    (void)status;
    for (struct post *p = post_take(l); p;) {
        struct post *next = p->next;
        free(p);
        p = next;
    }
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void loop_run(struct loop *l)
{
    while (!l->stopping)
        uv_run(&l->uv, UV_RUN_ONCE);
    l->stopping = false;
}

void loop_run_once(struct loop *l, int64_t max_wait_us)
{
    if (max_wait_us == 0) {
        uv_run(&l->uv, UV_RUN_NOWAIT);
        return;
    }
    uv_update_time(&l->uv);
    if (max_wait_us > 0)
        uv_timer_start(&l->bound, on_bound, (uint64_t)((max_wait_us + US_PER_MS - 1) / US_PER_MS), 0);
    uv_run(&l->uv, UV_RUN_ONCE);
    uv_timer_stop(&l->bound);
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
    uv_async_send(&l->wake);
}

int64_t loop_now_us(struct loop *l)
{
    /* uv refreshes its own clock after each wait, before it calls anybody. */
    uint64_t ms = uv_now(&l->uv);
    if (l->now_us == 0 || ms != l->now_ms) {
        l->now_ms = ms;
        l->now_us = clock_monotonic_us();
    }
    return l->now_us;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* ---- Timers ---- */

struct loop_timer {
    uv_timer_t handle;
    void (*fn)(void *data);
    void *data;
};

static void on_timer(uv_timer_t *handle)
{
    struct loop_timer *t = handle->data;
    t->fn(t->data);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *data), void *data)
{
    struct loop_timer *t = xcalloc(1, sizeof *t);
    uv_timer_init(&l->uv, &t->handle);
    t->handle.data = t;
    t->fn = fn;
    t->data = data;
    return t;
}

/* Milliseconds from uv's clock, which counts whole ones, until us from now: never early. */
static uint64_t ms_until(uv_loop_t *uv, int64_t us)
{
    int64_t due_ms = (clock_monotonic_us() + us + US_PER_MS - 1) / US_PER_MS, now_ms = (int64_t)uv_now(uv);
    return us <= 0 || due_ms <= now_ms ? 0 : (uint64_t)(due_ms - now_ms);
}

void loop_timer_start(struct loop_timer *t, int64_t after_us, int64_t repeat_us)
{
    /* Without this a timer set late in a long turn would fire early. */
    uv_update_time(t->handle.loop);
    uint64_t repeat_ms = repeat_us <= 0 ? 0 : (uint64_t)((repeat_us + US_PER_MS - 1) / US_PER_MS);
    uv_timer_start(&t->handle, on_timer, ms_until(t->handle.loop, after_us), repeat_ms);
}

void loop_timer_stop(struct loop_timer *t)
{
    uv_timer_stop(&t->handle);
}

bool loop_timer_active(const struct loop_timer *t)
{
    return uv_is_active((const uv_handle_t *)&t->handle);
}

void loop_timer_free(struct loop_timer *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->handle, on_closed);
}

/* ---- Descriptors ---- */

struct loop_watch {
    uv_poll_t handle;
    int events;
    void (*fn)(void *data, int events);
    void *data;
};

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct loop_watch *w = handle->data;
    int seen = status < 0 ? w->events
                          : (events & UV_READABLE ? LOOP_READ : 0) | (events & UV_WRITABLE ? LOOP_WRITE : 0);
    if (seen & w->events)
        w->fn(w->data, seen & w->events);
}

struct loop_watch *loop_watch_new(struct loop *l, int fd, int events, void (*fn)(void *data, int events),
                                  void *data, struct err *e)
{
    struct loop_watch *w = xcalloc(1, sizeof *w);
    int status = uv_poll_init(&l->uv, &w->handle, fd);
    if (status) {
        err_set(e, status == UV_EPERM ? ERR_UNSUPPORTED : ERR_IO, "cannot watch descriptor %d: %s", fd,
                uv_strerror(status));
        free(w);
        return NULL;
    }
    w->handle.data = w;
    w->fn = fn;
    w->data = data;
    loop_watch_set(w, events);
    return w;
}

void loop_watch_set(struct loop_watch *w, int events)
{
    w->events = events;
    if (!events)
        uv_poll_stop(&w->handle);
    else
        uv_poll_start(&w->handle,
                      (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0),
                      on_poll);
}

void loop_watch_free(struct loop_watch *w)
{
    if (w)
        uv_close((uv_handle_t *)&w->handle, on_closed);
}

/* ---- Signals ---- */

struct loop_signal {
    uv_signal_t handle;
    void (*fn)(void *data, int number);
    void *data;
};

static void on_signal(uv_signal_t *handle, int number)
{
    struct loop_signal *s = handle->data;
    s->fn(s->data, number);
}

struct loop_signal *loop_signal_new(struct loop *l, int number, void (*fn)(void *data, int number),
                                    void *data)
{
    struct loop_signal *s = xcalloc(1, sizeof *s);
    uv_signal_init(&l->uv, &s->handle);
    s->handle.data = s;
    s->fn = fn;
    s->data = data;
    uv_signal_start(&s->handle, on_signal, number);
    return s;
}

void loop_signal_free(struct loop_signal *s)
{
    if (s)
        uv_close((uv_handle_t *)&s->handle, on_closed);
}

/* ---- Other threads ---- */

void loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct post *p = xmalloc(sizeof *p);
    *p = (struct post){.fn = fn, .arg = arg};
    pthread_mutex_lock(&l->lock);
    *l->last = p;
    l->last = &p->next;
    pthread_mutex_unlock(&l->lock);
    uv_async_send(&l->wake);
}

void loop_poster(void *loop, void (*fn)(void *arg), void *arg)
{
    loop_post(loop, fn, arg);
}

void loop_work(struct loop *l, void (*work)(void *data), void (*done)(void *data), void *data)
{
    struct work *w = xmalloc(sizeof *w);
    *w = (struct work){.next = l->waiting, .loop = l, .work = work, .done = done, .data = data};
    w->request.data = w;
    l->working++;
    if (l->turned)
        queue(w);
    else
        l->waiting = w;
}
