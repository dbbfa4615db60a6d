#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zstd.h>

#include "engine/journal/folder.h"
#include "engine/journal/handle.h"
#include "engine/journal/store.h"

#define APPEND_WAIT_S 60

static bool tolerable(int code)
{
    return code == ERR_FULL || code == ERR_DENIED || code == ERR_IO || code == ERR_NOT_FOUND ||
           code == ERR_BUSY;
}

static struct journal *journal_new(const struct journal_options *o)
{
    struct journal *j = xcalloc(1, sizeof *j);
    j->options = *o;
    j->options.folder = xstrdup(o->folder);
    j->options.platform = xstrdup(o->platform ? o->platform : "local");
    j->options.emergency = xstrdup(o->emergency);
    j->path = path_join(o->folder, FOLDER_DATABASE);
    j->reader = reader_new(j->path);
    return j;
}

static void journal_free(struct journal *j)
{
    ZSTD_freeCCtx(j->zstd);
    reader_free(j->reader);
    free((char *)j->options.folder);
    free((char *)j->options.platform);
    free((char *)j->options.emergency);
    free(j->path);
    free(j);
}

static int open_reading(struct journal *j, struct err *e)
{
    struct event last;
    int code = folder_prepare(&j->options, e);
    return code == 0 ? reader_head(j->reader, &last, e) : code;
}

static int open_writing(struct journal *j, struct err *e)
{
    struct store *store = NULL;
    int code = store_open(&j->options, &store, e);
    if (code < 0 && !(j->options.tolerate && tolerable(code)))
        return code;
    j->delivery = delivery_new(&j->options);
    j->writer = writer_new(&j->options, store, e, j->delivery);
    return 0;
}

struct journal *journal_open(const struct journal_options *o, struct err *e)
{
    struct err mine = {0};
    if (!e)
        e = &mine;
    struct journal *j = journal_new(o);
    if ((o->read_only ? open_reading(j, e) : open_writing(j, e)) < 0) {
        journal_free(j);
        return NULL;
    }
    return j;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->writer) {
        /* A thread that hangs in the kernel still uses all of it. */
        if (!writer_close(j->writer))
            return;
        delivery_close(j->delivery);
    }
    journal_free(j);
}

void journal_health(struct journal *j, struct journal_health *health)
{
    if (j->writer)
        writer_health(j->writer, health);
    else
        *health = (struct journal_health){.ok = true, .read_only = true};
}

const char *journal_path(const struct journal *j)
{
    return j->path;
}

const char *journal_platform(const struct journal *j)
{
    return j->options.platform;
}

int journal_submit(struct journal *j, struct item *items, int64_t wait_us, struct err *e)
{
    int code = j->writer ? writer_submit(j->writer, items, wait_us, e)
                         : err_set(e, ERR_DENIED, "%s: opened for reading alone", j->path);
    for (struct item *next; code < 0 && items; items = next) {
        next = items->next;
        item_free(items);
    }
    return code;
}

int journal_append_group(struct journal *j, const struct event_draft *drafts, size_t count, journal_done done,
                         void *ctx, struct err *e)
{
    struct item *item = NULL;
    int code = item_from_drafts(drafts, count, &item, e);
    if (code < 0)
        return code;
    item->done = done;
    item->ctx = ctx;
    return journal_submit(j, item, 0, e);
}

int journal_append(struct journal *j, const struct event_draft *draft, journal_done done, void *ctx,
                   struct err *e)
{
    return journal_append_group(j, draft, 1, done, ctx, e);
}

/* Shared by who waits and the writer's thread: whoever lets go last frees it. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished, abandoned;
    struct journal_result result;
    char reason[256];
};

static void waiter_free(struct waiter *w)
{
    pthread_cond_destroy(&w->done);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static void wait_done(void *ctx, const struct journal_result *result)
{
    struct waiter *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->result = *result;
    snprintf(w->reason, sizeof w->reason, "%s", result->reason);
    w->result.reason = w->reason;
    w->finished = true;
    bool abandoned = w->abandoned;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
    if (abandoned)
        waiter_free(w);
}

static int wait_for(struct waiter *w, struct journal_result *result, struct err *e)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += APPEND_WAIT_S;
    pthread_mutex_lock(&w->lock);
    while (!w->finished && pthread_cond_clockwait(&w->done, &w->lock, CLOCK_MONOTONIC, &deadline) == 0)
        ;
    bool finished = w->finished;
    w->abandoned = !finished;
    pthread_mutex_unlock(&w->lock);
    if (!finished)
        return err_set(e, ERR_TIMED_OUT, "the disk has not answered for %d s; the event may yet be written",
                       APPEND_WAIT_S);
    int code = w->result.code < 0 ? err_set(e, w->result.code, "%s", w->reason) : 0;
    if (result) {
        *result = w->result;
        result->reason = code < 0 && e ? e->msg : "";
    }
    waiter_free(w);
    return code;
}

int journal_append_wait(struct journal *j, const struct event_draft *drafts, size_t count,
                        struct journal_result *result, struct err *e)
{
    struct item *item = NULL;
    int code = item_from_drafts(drafts, count, &item, e);
    return code < 0 ? code : journal_submit_wait(j, item, result, e);
}

int journal_submit_wait(struct journal *j, struct item *item, struct journal_result *result, struct err *e)
{
    struct waiter *w = xcalloc(1, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->done, NULL);
    item->done = wait_done;
    item->ctx = w;
    item->on_writer = item->durable = true;
    int code = journal_submit(j, item, 0, e);
    if (code < 0) {
        waiter_free(w);
        return code;
    }
    return wait_for(w, result, e);
}

void journal_on_commit(struct journal *j,
                       void (*fn)(void *ctx, const struct event *const *events, size_t count), void *ctx)
{
    if (j->delivery)
        delivery_on_commit(j->delivery, fn, ctx);
}
