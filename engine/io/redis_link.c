#include "engine/io/redis_link.h"

#include <fcntl.h>
#include <stdlib.h>

#include "engine/base/base.h"
#include "engine/io/redis.h"

struct redis_link {
    struct redis_link_events events;
    bool dropped;               /* nobody waits for it any more */
    bool handling;              /* inside hiredis: it may not be freed now */
    redisAsyncContext *context; /* NULL: hiredis has freed it */
    redisReplyObjectFunctions functions, original;
    uv_poll_t poll;
    int watched;
    size_t outstanding; /* replies that may still come */
    struct err error;
};

struct sent {
    redis_link_fn *fn;
    void *data;
};

/* ---- hiredis on the loop ---- */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct redis_link *k = poll->data;
    k->handling = true;
    /* An error (a refused connection too) comes as a bad status: hiredis finds out by reading. */
    if (k->context && (status < 0 || events & UV_READABLE))
        redisAsyncHandleRead(k->context);
    if (k->context && (status < 0 || events & UV_WRITABLE))
        redisAsyncHandleWrite(k->context);
    k->handling = false;
    if (k->dropped) {
        if (k->context)
            redisAsyncFree(k->context);
        return;
    }
    if (k->context && status < 0)
        err_set(&k->error, ERR_IO, "the connection broke");
    else if (k->context && k->context->c.reader->len > REDIS_REPLY_LIMIT)
        err_set(&k->error, ERR_RANGE, "a reply is larger than %u bytes", REDIS_REPLY_LIMIT);
    else if (k->context)
        return;
    else if (!k->error.code)
        err_set(&k->error, ERR_IO, "the server closed the connection");
    struct redis_link_events to = k->events;
    struct err error = k->error;
    redis_link_drop(k);
    to.lost(to.owner, &error);
}

static void watch(struct redis_link *k, int events)
{
    k->watched = events;
    if (events)
        uv_poll_start(&k->poll, events, on_poll);
    else
        uv_poll_stop(&k->poll);
}

static void add_read(void *data)
{
    struct redis_link *k = data;
    watch(k, k->watched | UV_READABLE);
}

static void del_read(void *data)
{
    struct redis_link *k = data;
    watch(k, k->watched & ~UV_READABLE);
}

static void add_write(void *data)
{
    struct redis_link *k = data;
    watch(k, k->watched | UV_WRITABLE);
}

static void del_write(void *data)
{
    struct redis_link *k = data;
    watch(k, k->watched & ~UV_WRITABLE);
}

static void cleanup(void *data)
{
    struct redis_link *k = data;
    if (k->context && k->context->c.err && !k->error.code)
        err_set(&k->error, ERR_IO, "%s", k->context->c.errstr);
    k->context = NULL;
    uv_close((uv_handle_t *)&k->poll, on_closed);
}

/* ---- Bounds ---- */

static bool expected(const redisReadTask *task)
{
    struct redis_link *k = task->privdata;
    if (task->parent)
        return true;
    if (k->outstanding == 0) {
        err_set(&k->error, ERR_SYNTAX, "the server answers what was not asked: is it Redis?");
        return false;
    }
    k->outstanding--;
    return true;
}

static void *create_string(const redisReadTask *task, char *text, size_t length)
{
    struct redis_link *k = task->privdata;
    return expected(task) ? k->original.createString(task, text, length) : NULL;
}

static void *create_array(const redisReadTask *task, int elements)
{
    struct redis_link *k = task->privdata;
    if (elements > REDIS_ITEMS_LIMIT) {
        err_set(&k->error, ERR_RANGE, "a reply has more than %d elements", REDIS_ITEMS_LIMIT);
        return NULL;
    }
    return expected(task) ? k->original.createArray(task, elements) : NULL;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    struct redis_link *k = task->privdata;
    return expected(task) ? k->original.createInteger(task, value) : NULL;
}

static void *create_nil(const redisReadTask *task)
{
    struct redis_link *k = task->privdata;
    return expected(task) ? k->original.createNil(task) : NULL;
}

static void set_bounds(struct redis_link *k)
{
    redisReader *reader = k->context->c.reader;
    k->original = k->functions = *reader->fn;
    k->functions.createString = create_string;
    k->functions.createArray = create_array;
    k->functions.createInteger = create_integer;
    k->functions.createNil = create_nil;
    reader->fn = &k->functions;
    reader->privdata = k;
}

/* ---- The link ---- */

static void on_connect(const redisAsyncContext *context, int status)
{
    struct redis_link *k = context->ev.data;
    if (status == REDIS_OK && !k->dropped)
        k->events.opened(k->events.owner);
}

struct redis_link *redis_link_new(struct loop *l, const char *path, const char *address, int port,
                                  const struct redis_link_events *events, struct err *e)
{
    redisAsyncContext *context = path ? redisAsyncConnectUnix(path) : redisAsyncConnect(address, port);
    if (!context || context->err) {
        err_set(e, ERR_IO, "%s", context ? context->errstr : "out of memory");
        if (context)
            redisAsyncFree(context);
        return NULL;
    }
    fcntl(context->c.fd, F_SETFD, FD_CLOEXEC); /* hiredis doesn't */
    struct redis_link *k = xcalloc(1, sizeof *k);
    k->poll.data = k;
    if (uv_poll_init_socket(loop_uv(l), &k->poll, context->c.fd)) {
        err_set(e, ERR_IO, "cannot watch the connection");
        redisAsyncFree(context);
        free(k);
        return NULL;
    }
    k->events = *events;
    k->context = context;
    set_bounds(k);
    context->ev.data = k;
    context->ev.addRead = add_read;
    context->ev.delRead = del_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = del_write;
    context->ev.cleanup = cleanup;
    redisAsyncSetConnectCallback(context, on_connect); /* also asks for the first write event */
    return k;
}

void redis_link_drop(struct redis_link *k)
{
    if (!k)
        return;
    k->dropped = true;
    if (k->context && !k->handling)
        redisAsyncFree(k->context);
}

static void on_reply(redisAsyncContext *context, void *reply, void *data)
{
    struct redis_link *k = context->ev.data;
    struct sent *s = data;
    if (reply && !k->dropped) /* NULL: the connection is gone; on_poll tells */
        s->fn(k->events.owner, reply, s->data);
    free(s);
}

void redis_link_send(struct redis_link *k, const char *wire, size_t length, redis_link_fn *fn, void *data)
{
    struct sent *s = xmalloc(sizeof *s);
    *s = (struct sent){fn, data};
    /* Refused only while hiredis is letting go: `lost` follows. */
    if (!k->context || redisAsyncFormattedCommand(k->context, on_reply, s, wire, length))
        free(s);
    else
        k->outstanding++;
}
