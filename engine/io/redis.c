#include "engine/io/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"
#include "engine/io/lookup.h"
#include "engine/io/redis_link.h"
#include "engine/io/redis_url.h"
#include "engine/io/uv.h"

#define DEFAULT_TIMEOUT_US (3 * US_PER_S)
#define ADDRESS_FRESH_US   (60 * US_PER_S)

struct command {
    struct command *next;
    char *wire; /* NULL once sent */
    size_t wire_length;
    int64_t deadline_us;
    redis_fn *fn;
    void *data;
};

enum state { IDLE, LOOKING_UP, CONNECTING, LOGGING_IN, READY };

struct redis {
    struct loop *loop;
    struct redis_url url;
    char *user, *password; /* NULL: those of the URL */
    int64_t timeout_us;
    enum state state;
    struct redis_link *link;
    struct lookup *lookup;
    struct lookup_result found;
    size_t address_next;
    int64_t looked_up_us;
    struct command *first, **last;
    struct loop_timer *timer; /* the earliest deadline, or a failure to tell */
    int64_t timer_due_us;
    struct err trouble; /* code != 0: everything that waits fails with it at the next turn */
    bool in_callback, dying;
    size_t logins; /* answers to AUTH and SELECT still due */
};

static void redis_advance(struct redis *r);
static void redis_fail(struct redis *r, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- The client's commands ---- */

static void command_free(struct command *c)
{
    free(c->wire);
    free(c);
}

static struct command *command_shift(struct redis *r)
{
    struct command *c = r->first;
    if (c) {
        r->first = c->next;
        if (!r->first)
            r->last = &r->first;
    }
    return c;
}

static void timer_at(struct redis *r, int64_t due_us)
{
    if (loop_timer_active(r->timer) && r->timer_due_us <= due_us)
        return;
    int64_t now = loop_now_us(r->loop);
    r->timer_due_us = due_us;
    loop_timer_start(r->timer, due_us > now ? due_us - now : 0, 0);
}

/* Breaks the connection; every command that waits is told at the next turn. */
static void redis_fail(struct redis *r, int code, const char *format, ...)
{
    va_list args;
    struct str text = {0};
    char message[sizeof r->trouble.msg];
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    utf8_clean(&text, message, strlen(message), false);
    redis_link_drop(r->link);
    r->link = NULL;
    bool connecting = r->state == CONNECTING;
    r->state = IDLE;
    if (connecting && code == ERR_IO && r->first && ++r->address_next < r->found.count) {
        str_fini(&text);
        redis_advance(r); /* localhost is ::1 first, and not every server listens there */
        return;
    }
    r->address_next = 0;
    if (r->first) {
        err_set(&r->trouble, code, "%s", str_text(&text));
        timer_at(r, 0);
    }
    str_fini(&text);
}

static void call_back(struct redis *r, struct command *c, const struct redis_reply *reply,
                      const struct err *error)
{
    bool outer = r->in_callback;
    r->in_callback = true;
    c->fn(c->data, reply, error);
    r->in_callback = outer;
    command_free(c);
}

/* What a callback's redis_free left to do. True when r is gone. */
static bool redis_died(struct redis *r)
{
    if (!r->dying || r->in_callback)
        return false;
    redis_free(r);
    return true;
}

static void tell_trouble(struct redis *r)
{
    struct err error = r->trouble;
    struct command *list = r->first;
    r->trouble = (struct err){0};
    r->first = NULL;
    r->last = &r->first;
    while (list) {
        struct command *c = list;
        list = c->next;
        if (r->dying)
            command_free(c);
        else
            call_back(r, c, NULL, &error);
    }
}

static void on_timer(void *data)
{
    struct redis *r = data;
    int64_t now = loop_now_us(r->loop), next = INT64_MAX;
    if (!r->trouble.code)
        for (struct command *c = r->first; c; c = c->next)
            next = c->deadline_us < next ? c->deadline_us : next;
    if (next <= now) {
        const char *what = r->state == READY        ? "the server does not answer"
                           : r->state == LOOKING_UP ? "the name server does not answer"
                                                    : "the server can't be reached: no answer";
        redis_fail(r, ERR_TIMED_OUT, "%s in time", what);
        r->address_next = 0;
        next = INT64_MAX;
    }
    if (r->trouble.code)
        tell_trouble(r);
    if (redis_died(r))
        return;
    if (next < INT64_MAX)
        timer_at(r, next);
    if (r->first)
        redis_advance(r);
}

static void view_reply(struct redis_reply *view, const redisReply *reply)
{
    static const enum redis_type types[] = {
        [REDIS_REPLY_STRING] = REDIS_STRING,   [REDIS_REPLY_ARRAY] = REDIS_ARRAY,
        [REDIS_REPLY_INTEGER] = REDIS_INTEGER, [REDIS_REPLY_NIL] = REDIS_NIL,
        [REDIS_REPLY_STATUS] = REDIS_STATUS,   [REDIS_REPLY_ERROR] = REDIS_ERROR,
    };
    *view = (struct redis_reply){.type = types[reply->type],
                                 .integer = reply->integer,
                                 .text = reply->str,
                                 .length = reply->str ? reply->len : 0};
    if (reply->type != REDIS_REPLY_ARRAY || !reply->elements)
        return;
    view->item_count = reply->elements;
    view->items = xcalloc(reply->elements, sizeof *view->items);
    for (size_t i = 0; i < reply->elements; i++)
        view_reply(&view->items[i], reply->element[i]);
}

static void view_free(struct redis_reply *view)
{
    for (size_t i = 0; i < view->item_count; i++)
        view_free(&view->items[i]);
    free(view->items);
}

static void on_reply(void *owner, const redisReply *reply, void *data)
{
    struct redis *r = owner;
    struct redis_reply view;
    (void)data;
    view_reply(&view, reply);
    call_back(r, command_shift(r), &view, NULL);
    view_free(&view);
    redis_died(r);
}

static void command_send(struct redis *r, struct command *c)
{
    redis_link_send(r->link, c->wire, c->wire_length, on_reply, NULL);
    free(c->wire);
    c->wire = NULL;
}

/* ---- Connecting ---- */

static void on_login(void *owner, const redisReply *answer, void *data)
{
    struct redis *r = owner;
    if (answer->type == REDIS_REPLY_ERROR) {
        redis_fail(r, ERR_DENIED, "%s refused: %.150s", (const char *)data, answer->str);
        return;
    }
    if (--r->logins == 0) {
        r->state = READY;
        redis_advance(r);
    }
}

static char *format_command(size_t argc, const char *const *argv, const size_t *lengths, size_t *length)
{
    char *wire = NULL;
    int formatted = redisFormatCommandArgv(&wire, (int)argc, (const char **)(uintptr_t)argv, lengths);
    if (formatted < 0)
        abort(); /* out of memory */
    *length = (size_t)formatted;
    return wire;
}

static void login_send(struct redis *r, size_t argc, const char *const *argv)
{
    size_t length;
    char *wire = format_command(argc, argv, NULL, &length);
    r->logins++;
    redis_link_send(r->link, wire, length, on_login, (void *)(uintptr_t)argv[0]);
    free(wire);
}

static void on_opened(void *owner)
{
    struct redis *r = owner;
    const char *user = r->user ? r->user : r->url.user;
    const char *password = r->password ? r->password : r->url.password;
    char database[16];
    snprintf(database, sizeof database, "%d", r->url.database);
    r->state = LOGGING_IN;
    r->logins = 0;
    if (password && user)
        login_send(r, 3, (const char *const[]){"AUTH", user, password});
    else if (password)
        login_send(r, 2, (const char *const[]){"AUTH", password});
    if (r->url.database)
        login_send(r, 2, (const char *const[]){"SELECT", database});
    if (!r->logins) {
        r->state = READY;
        redis_advance(r);
    }
}

static void on_lost(void *owner, const struct err *error)
{
    struct redis *r = owner;
    r->link = NULL;
    redis_fail(r, error->code, "%s", error->msg);
}

static void connect_next(struct redis *r)
{
    struct err e;
    r->state = CONNECTING;
    r->link = redis_link_new(r->loop, r->url.path, r->found.addresses[r->address_next], r->url.port,
                             &(struct redis_link_events){on_opened, on_lost, r}, &e);
    if (!r->link)
        redis_fail(r, e.code, "%s", e.msg);
}

static void on_looked_up(void *data, const struct lookup_result *result)
{
    struct redis *r = data;
    r->lookup = NULL;
    r->found = *result;
    r->address_next = 0;
    r->looked_up_us = loop_now_us(r->loop);
    if (r->state == LOOKING_UP)
        r->state = IDLE;
    if (result->error.code)
        redis_fail(r, result->error.code, "%s", result->error.msg);
    else if (r->first && !r->trouble.code)
        redis_advance(r);
}

static void look_up(struct redis *r)
{
    if (lookup_is_address(r->url.host)) {
        snprintf(r->found.addresses[0], sizeof r->found.addresses[0], "%s", r->url.host);
        r->found.count = 1;
        r->looked_up_us = loop_now_us(r->loop);
        connect_next(r);
        return;
    }
    r->state = LOOKING_UP;
    if (!r->lookup) /* else an earlier one has outlived its commands */
        r->lookup = lookup_start(r->loop, r->url.host, on_looked_up, r);
}

/* The next thing that can be done towards the waiting commands. */
static void redis_advance(struct redis *r)
{
    if (r->trouble.code || r->dying || !r->first)
        return;
    if (r->state == READY) {
        for (struct command *c = r->first; c && r->state == READY; c = c->next)
            if (c->wire)
                command_send(r, c);
    } else if (r->state == IDLE) {
        bool fresh = r->found.count && loop_now_us(r->loop) - r->looked_up_us < ADDRESS_FRESH_US;
        if (r->url.path || fresh)
            connect_next(r);
        else
            look_up(r);
    }
}

/* ---- What others call ---- */

struct redis *redis_new(struct loop *l, const struct redis_options *o, struct err *e)
{
    struct redis_url url;
    if (redis_url_parse(&url, o->url, e))
        return NULL;
    struct redis *r = xcalloc(1, sizeof *r);
    r->loop = l;
    r->url = url;
    r->user = xstrdup(o->user);
    r->password = xstrdup(o->password);
    r->timeout_us = o->timeout_us > 0 ? o->timeout_us : DEFAULT_TIMEOUT_US;
    r->last = &r->first;
    r->timer = loop_timer_new(l, on_timer, r);
    return r;
}

void redis_free(struct redis *r)
{
    if (!r)
        return;
    for (struct command *c; (c = command_shift(r));)
        command_free(c);
    redis_link_drop(r->link);
    r->link = NULL;
    if (r->in_callback) {
        r->dying = true;
        return;
    }
    lookup_drop(r->lookup);
    loop_timer_free(r->timer);
    redis_url_fini(&r->url);
    free(r->user);
    free(r->password);
    free(r);
}

void redis_command(struct redis *r, size_t argc, const char *const *argv, const size_t *lengths,
                   int64_t timeout_us, redis_fn *fn, void *data)
{
    struct command *c = xcalloc(1, sizeof *c);
    c->wire = format_command(argc, argv, lengths, &c->wire_length);
    c->fn = fn;
    c->data = data;
    c->deadline_us = loop_now_us(r->loop) + (timeout_us > 0 ? timeout_us : r->timeout_us);
    *r->last = c;
    r->last = &c->next;
    timer_at(r, c->deadline_us);
    redis_advance(r);
}

bool redis_connected(const struct redis *r)
{
    return r->state == READY;
}
