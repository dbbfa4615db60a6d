#include "engine/journal/delivery.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct batch {
    struct batch *next;
    struct item *items;
    char reason[256];
    bool has_health;
    struct journal_health health;
};

struct delivery {
    pthread_mutex_t lock;
    struct batch *first, **end;
    bool posted, closed; /* owned by the posted call once closed */
    void (*post)(void *ctx, void (*fn)(void *arg), void *arg);
    void *post_ctx;
    void (*on_health)(void *ctx, const struct journal_health *health);
    void *health_ctx;
    void (*on_commit)(void *ctx, const struct event *const *events, size_t count);
    void *commit_ctx;
};

struct delivery *delivery_new(const struct journal_options *o)
{
    struct delivery *d = xcalloc(1, sizeof *d);
    pthread_mutex_init(&d->lock, NULL);
    d->end = &d->first;
    d->post = o->post;
    d->post_ctx = o->post_ctx;
    d->on_health = o->on_health;
    d->health_ctx = o->health_ctx;
    return d;
}

void delivery_on_commit(struct delivery *d,
                        void (*fn)(void *ctx, const struct event *const *events, size_t count), void *ctx)
{
    pthread_mutex_lock(&d->lock);
    d->on_commit = fn;
    d->commit_ctx = ctx;
    pthread_mutex_unlock(&d->lock);
}

static void item_complete(struct item *item, const char *reason)
{
    if (!item->done)
        return;
    struct journal_result result = {
        .code = item->code,
        .reason = item->code == 0 ? ""
                  : item->reason  ? item->reason
                                  : reason,
        .seq = item->first_seq,
        .count = item->added,
        .incident = item->new_incident,
        .run = item->new_run,
    };
    item->done(item->ctx, &result);
    item->done = NULL;
}

static void show_commit(struct delivery *d, const struct batch *batch)
{
    size_t count = 0;
    for (const struct item *item = batch->items; item; item = item->next)
        count += item->code == 0 ? (size_t)item->added : 0;
    if (!d->on_commit || count == 0)
        return;
    const struct event **events = xcalloc(count, sizeof(*events));
    count = 0;
    for (const struct item *item = batch->items; item; item = item->next)
        for (int64_t i = 0; item->code == 0 && i < item->added; i++)
            events[count++] = &item->events[i];
    d->on_commit(d->commit_ctx, events, count);
    free(events);
}

static void batch_run(struct delivery *d, struct batch *batch)
{
    show_commit(d, batch);
    for (struct item *item = batch->items, *next; item; item = next) {
        next = item->next;
        item_complete(item, batch->reason);
        item_free(item);
    }
    if (batch->has_health && d->on_health)
        d->on_health(d->health_ctx, &batch->health);
    free(batch);
}

static void delivery_free(struct delivery *d)
{
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static struct batch *take_all(struct delivery *d)
{
    struct batch *all = d->first;
    d->first = NULL;
    d->end = &d->first;
    return all;
}

static void run_all(struct delivery *d, struct batch *all)
{
    for (struct batch *next; all; all = next) {
        next = all->next;
        batch_run(d, all);
    }
}

static void on_loop(void *arg)
{
    struct delivery *d = arg;
    pthread_mutex_lock(&d->lock);
    struct batch *all = take_all(d);
    bool closed = d->closed;
    d->posted = false;
    pthread_mutex_unlock(&d->lock);
    run_all(d, all);
    if (closed)
        delivery_free(d);
}

void delivery_push(struct delivery *d, struct item *items, const char *reason,
                   const struct journal_health *health)
{
    struct batch *batch = xcalloc(1, sizeof *batch);
    batch->items = items;
    snprintf(batch->reason, sizeof batch->reason, "%s", reason ? reason : "");
    if (health) {
        batch->has_health = true;
        batch->health = *health;
    }
    for (struct item *item = items; item; item = item->next)
        if (item->on_writer)
            item_complete(item, batch->reason);
    if (!d->post) {
        batch_run(d, batch);
        return;
    }
    pthread_mutex_lock(&d->lock);
    *d->end = batch;
    d->end = &batch->next;
    bool post = !d->posted;
    d->posted = true;
    pthread_mutex_unlock(&d->lock);
    if (post)
        d->post(d->post_ctx, on_loop, d);
}

void delivery_close(struct delivery *d)
{
    pthread_mutex_lock(&d->lock);
    struct batch *all = take_all(d);
    pthread_mutex_unlock(&d->lock);
    run_all(d, all);
    pthread_mutex_lock(&d->lock);
    d->closed = true;
    bool posted = d->posted;
    pthread_mutex_unlock(&d->lock);
    if (!posted)
        delivery_free(d);
}
