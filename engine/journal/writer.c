#include "engine/journal/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PROBE_FIRST_US 250000
#define PROBE_MOST_US  2000000
#define CLOSE_WAIT_S   5

struct writer {
    const struct journal_options *options;
    struct delivery *delivery;
    struct store *store; /* the thread's own, as everything down to the lock */
    bool opened;         /* there was a store: never create another in its place */
    int64_t probe_us, probe_pause_us;
    int64_t maintain_us; /* monotonic: when the store wants to be asked again, if nothing comes before */

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, room;
    bool stop;
    struct item *first, **end;
    size_t items, events, event_bytes, piece_bytes;
    size_t urgent;             /* queued items that don't wait for company */
    int64_t commit_started_us; /* monotonic; 0: none in progress */
    uint64_t troubles;         /* written by the thread alone */
    struct journal_health health;
};

/* --- the queue, under the lock -------------------------------------------------------------------------- */

static void count_item(struct writer *w, const struct item *item, bool in)
{
    size_t *bytes = item->kind == ITEM_PIECE ? &w->piece_bytes : &w->event_bytes;
    w->items += in ? 1 : (size_t)-1;
    w->events += in ? item->count : 0 - item->count;
    *bytes += in ? item->weight : 0 - item->weight;
    if (item->durable)
        w->urgent += in ? 1 : (size_t)-1;
}

/* The longest beginning of the queue that makes one transaction. */
static struct item *take_batch(struct writer *w)
{
    struct item *batch = w->first, *last = NULL;
    size_t count = 0, bytes = 0;
    for (struct item *item = batch; item; item = item->next) {
        if (last && (count == WRITER_BATCH_ITEMS || bytes + item->weight > WRITER_BATCH_BYTES))
            break;
        count++;
        bytes += item->weight;
        count_item(w, item, false);
        last = item;
    }
    if (last) {
        w->first = last->next;
        last->next = NULL;
    }
    if (!w->first)
        w->end = &w->first;
    pthread_cond_broadcast(&w->room);
    return batch;
}

static struct item *take_queue(struct writer *w)
{
    struct item *all = w->first;
    w->first = NULL;
    w->end = &w->first;
    w->items = w->events = w->event_bytes = w->piece_bytes = w->urgent = 0;
    pthread_cond_broadcast(&w->room);
    return all;
}

static void wait_until(struct writer *w, int64_t monotonic_us)
{
    struct timespec ts = {.tv_sec = monotonic_us / US_PER_S, .tv_nsec = monotonic_us % US_PER_S * 1000};
    pthread_cond_timedwait(&w->wake, &w->lock, &ts);
}

static int refusal(struct writer *w, struct err *e)
{
    w->health.refused++;
    return err_set(e, w->health.code, "%s", w->health.reason);
}

static int queue_full(struct err *e)
{
    return err_set(e, ERR_BUSY, "the journal's queue is full: the disk does not keep up");
}

/* 0: there is room for the items. An import is one item of any size: an empty queue takes it. */
static int wait_for_room(struct writer *w, size_t events, size_t event_bytes, size_t piece_bytes,
                         int64_t wait_us, struct err *e)
{
    int64_t deadline = clock_monotonic_us() + wait_us;
    struct timespec ts = {.tv_sec = deadline / US_PER_S, .tv_nsec = deadline % US_PER_S * 1000};
    for (;;) {
        if (w->stop)
            return err_set(e, ERR_CANCELLED, "the journal is being closed");
        if (!w->health.ok)
            return refusal(w, e);
        if (w->items == 0 || (w->events + events <= WRITER_EVENTS_MAX &&
                              w->event_bytes + event_bytes <= WRITER_EVENT_BYTES_MAX &&
                              w->piece_bytes + piece_bytes <= WRITER_PIECE_BYTES_MAX))
            return 0;
        if (clock_monotonic_us() >= deadline)
            return queue_full(e);
        pthread_cond_timedwait(&w->room, &w->lock, &ts);
    }
}

int writer_submit(struct writer *w, struct item *items, int64_t wait_us, struct err *e)
{
    size_t events = 0, event_bytes = 0, piece_bytes = 0;
    struct item *last = NULL;
    int64_t now_us = clock_monotonic_us();
    for (struct item *item = items; item; item = item->next) {
        events += item->count;
        *(item->kind == ITEM_PIECE ? &piece_bytes : &event_bytes) += item->weight;
        item->queued_us = now_us;
        last = item;
    }
    pthread_mutex_lock(&w->lock);
    int code = wait_for_room(w, events, event_bytes, piece_bytes, wait_us, e);
    if (code == 0) {
        bool sleeping = w->first == NULL;
        for (struct item *item = items; item; item = item->next) {
            sleeping |= item->durable && w->urgent == 0;
            count_item(w, item, true);
        }
        *w->end = items;
        w->end = &last->next;
        if (sleeping || w->items >= WRITER_BATCH_ITEMS)
            pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return code;
}

uint64_t writer_troubles(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    uint64_t troubles = w->troubles;
    pthread_mutex_unlock(&w->lock);
    return troubles;
}

void writer_health(struct writer *w, struct journal_health *health)
{
    pthread_mutex_lock(&w->lock);
    *health = w->health;
    health->queued = w->items;
    health->writing_us = w->commit_started_us ? clock_monotonic_us() - w->commit_started_us : 0;
    pthread_mutex_unlock(&w->lock);
}

/* --- the thread -------------------------------------------------------------------------------------------
 */

static int commit(struct writer *w, struct item *batch, struct err *e)
{
    int code = store_begin(w->store, e);
    if (code < 0)
        return code;
    for (struct item *item = batch; item; item = item->next) {
        item->check_pieces = item->unless_stored && item->troubles != w->troubles;
        code = store_add(w->store, item, e);
        if (code < 0) {
            store_abort(w->store);
            return code;
        }
    }
    return store_commit(w->store, e);
}

static void fail_items(struct writer *w, struct item *items, int code, const char *reason,
                       const struct journal_health *health)
{
    for (struct item *item = items; item; item = item->next) {
        item->code = code;
        item->first_seq = item->added = item->new_incident = item->new_run = 0;
    }
    delivery_push(w->delivery, items, reason, health);
}

/* Everything that waits fails with what couldn't be committed: a later event must not overtake. */
static void enter_trouble(struct writer *w, struct item *batch, const struct err *why)
{
    pthread_mutex_lock(&w->lock);
    struct item **end = &batch;
    while (*end)
        end = &(*end)->next;
    *end = take_queue(w);
    w->troubles++;
    w->health.ok = false;
    w->health.code = why->code;
    snprintf(w->health.reason, sizeof w->health.reason, "%s", why->msg);
    w->health.since_us = clock_wall_us();
    w->health.refused = 0;
    for (struct item *item = batch; item; item = item->next)
        w->health.refused++;
    w->probe_pause_us = PROBE_FIRST_US;
    w->probe_us = clock_monotonic_us() + w->probe_pause_us;
    struct journal_health health = w->health;
    pthread_mutex_unlock(&w->lock);
    fail_items(w, batch, why->code, why->msg, &health);
}

static void commit_batch(struct writer *w, struct item *batch)
{
    struct err e = {0};
    int64_t started_us = clock_monotonic_us();
    pthread_mutex_lock(&w->lock);
    w->commit_started_us = started_us;
    pthread_mutex_unlock(&w->lock);
    int code = commit(w, batch, &e);
    int64_t took_us = clock_monotonic_us() - started_us;
    pthread_mutex_lock(&w->lock);
    w->commit_started_us = 0;
    if (code == 0) {
        for (const struct item *item = batch; item; item = item->next)
            w->health.events += (uint64_t)item->added;
        w->health.commits++;
        w->health.last_commit_us = took_us;
        w->health.wal_bytes = store_wal_bytes(w->store);
    }
    pthread_mutex_unlock(&w->lock);
    if (code < 0) {
        enter_trouble(w, batch, &e);
        return;
    }
    delivery_push(w->delivery, batch, NULL, NULL);
    w->maintain_us = store_maintain(w->store);
}

/* What failed may have left the connection, or the file under it, in any state: so anew from the file. */
static int reopen(struct writer *w, struct err *e)
{
    struct journal_options options = *w->options;
    store_close(w->store);
    w->store = NULL;
    options.create &= !w->opened;
    int code = store_open(&options, &w->store, e);
    w->opened |= code == 0;
    w->maintain_us = INT64_MAX;
    return code;
}

static struct item *recovery_event(const struct journal_health *health)
{
    struct str data = {0}, summary = {0};
    char since[CLOCK_TEXT_SIZE];
    clock_format(health->since_us, since);
    str_addf(&data, "{\"since\":\"%s\",\"code\":%d,\"reason\":", since, health->code);
    json_quote(&data, health->reason);
    str_addf(&data, ",\"refused\":%llu}", (unsigned long long)health->refused);
    str_addf(&summary, "the journal could not be written since %s (%s); %llu appends were refused", since,
             health->reason, (unsigned long long)health->refused);
    struct event_draft draft = {.kind = EVENT_JOURNAL_TROUBLE,
                                .actor = "belay",
                                .subject = "journal",
                                .outcome = "recovered",
                                .summary = summary.data,
                                .data = data.data};
    struct item *item = NULL;
    (void)item_from_drafts(&draft, 1, &item, NULL);
    str_fini(&data);
    str_fini(&summary);
    return item;
}

static void leave_trouble(struct writer *w, struct item *item)
{
    pthread_mutex_lock(&w->lock);
    w->health.ok = true;
    w->health.code = 0;
    w->health.reason[0] = '\0';
    w->health.since_us = 0;
    w->health.refused = 0;
    w->health.events++;
    w->health.commits++;
    struct journal_health health = w->health;
    pthread_mutex_unlock(&w->lock);
    delivery_push(w->delivery, item, NULL, &health);
}

static void probe(struct writer *w)
{
    struct journal_health health;
    struct err e = {0};
    writer_health(w, &health);
    struct item *item = recovery_event(&health);
    int code = reopen(w, &e);
    if (code == 0)
        code = commit(w, item, &e);
    if (code == 0) {
        leave_trouble(w, item);
        return;
    }
    item_free(item);
    store_close(w->store); /* what is wrong with it may be what it shares with the reader: see reader_take */
    w->store = NULL;
    pthread_mutex_lock(&w->lock);
    w->health.code = code;
    snprintf(w->health.reason, sizeof w->health.reason, "%s", e.msg);
    w->probe_pause_us = w->probe_pause_us * 2 < PROBE_MOST_US ? w->probe_pause_us * 2 : PROBE_MOST_US;
    w->probe_us = clock_monotonic_us() + w->probe_pause_us;
    pthread_mutex_unlock(&w->lock);
}

/* When the queue, which isn't empty, is worth a commit: now, or later (monotonic). */
static int64_t commit_due(const struct writer *w)
{
    if (w->stop || w->urgent > 0 || w->items >= WRITER_BATCH_ITEMS)
        return 0;
    return w->first->queued_us + JOURNAL_LINGER_US;
}

/* One turn of the thread, under the lock; false: the end. */
static bool turn(struct writer *w)
{
    int64_t now_us = clock_monotonic_us();
    int64_t due = !w->health.ok ? w->probe_us : w->first ? commit_due(w) : w->maintain_us;
    if (w->stop && (!w->health.ok || !w->first))
        return false;
    if (due == INT64_MAX) {
        pthread_cond_wait(&w->wake, &w->lock);
    } else if (due > now_us) {
        wait_until(w, due);
    } else if (!w->health.ok) {
        pthread_mutex_unlock(&w->lock);
        probe(w);
        pthread_mutex_lock(&w->lock);
    } else if (!w->first) {
        pthread_mutex_unlock(&w->lock);
        w->maintain_us = store_maintain(w->store);
        pthread_mutex_lock(&w->lock);
    } else {
        struct item *batch = take_batch(w);
        pthread_mutex_unlock(&w->lock);
        commit_batch(w, batch);
        pthread_mutex_lock(&w->lock);
    }
    return true;
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    pthread_mutex_lock(&w->lock);
    while (turn(w))
        ;
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void start_thread(struct writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    /* Signals are the loop's. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&w->thread, NULL, writer_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number != 0) {
        fprintf(stderr, "belay: no thread for the journal: %s\n", strerror(number));
        abort();
    }
    pthread_setname_np(w->thread, "journal");
}

struct writer *writer_new(const struct journal_options *o, struct store *store, const struct err *trouble,
                          struct delivery *delivery)
{
    struct writer *w = xcalloc(1, sizeof *w);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, &attributes);
    pthread_cond_init(&w->room, &attributes);
    pthread_condattr_destroy(&attributes);
    w->options = o;
    w->delivery = delivery;
    w->store = store;
    w->opened = store != NULL;
    w->maintain_us = INT64_MAX;
    w->end = &w->first;
    w->health.ok = true;
    if (!store)
        enter_trouble(w, NULL, trouble);
    start_thread(w);
    return w;
}

bool writer_close(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->wake);
    pthread_cond_broadcast(&w->room);
    pthread_mutex_unlock(&w->lock);
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += CLOSE_WAIT_S;
    if (pthread_clockjoin_np(w->thread, NULL, CLOCK_MONOTONIC, &deadline) != 0) {
        pthread_detach(w->thread);
        return false;
    }
    fail_items(w, take_queue(w), ERR_CANCELLED, "the journal was closed", NULL);
    store_close(w->store);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->room);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return true;
}
