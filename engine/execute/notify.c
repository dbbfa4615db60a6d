#include "engine/execute/notify.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "engine/base/base.h"

#define WATCHED (IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVE_SELF)

static void event_note(const struct followers *all, const struct inotify_event *event)
{
    bool output = event->len > 0 && str_eq(event->name, NAME_SPOOL) && event->mask == IN_MODIFY;
    bool lock = event->len > 0 && str_ends(event->name, ".lock");
    for (size_t i = 0; i < all->len; i++) {
        struct execution *x = all->data[i];
        if (x->notify_number != event->wd && !(event->mask & IN_Q_OVERFLOW))
            continue;
        x->notified = true;
        x->recheck |= !output;
        x->lock_closed |= lock;
    }
}

static void on_notify(void *data, int events)
{
    struct followers *all = data;
    char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t got;
    (void)events;
    while ((got = read(all->notify, bytes, sizeof bytes)) > 0) {
        for (char *at = bytes; at < bytes + got;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            event_note(all, event);
            at += sizeof *event + event->len;
        }
    }
    /* A callback may free any of them. */
    for (size_t i = 0; i < all->len;) {
        struct execution *x = all->data[i++];
        if (!x->notified)
            continue;
        x->notified = false;
        i = 0;
        execution_notified(x);
    }
}

static bool open_once(struct followers *all, struct loop *loop)
{
    if (all->notify < 0)
        all->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (all->notify < 0)
        return false;
    if (!all->watch)
        all->watch = loop_watch_new(loop, all->notify, LOOP_READ, on_notify, all, NULL);
    all->loop = loop;
    return all->watch != NULL;
}

bool notify_add(struct execution *x)
{
    struct followers *all = &x->spool->followers;
    assert(all->len == 0 || all->loop == x->loop);
    x->notify_number = -1;
    if (!open_once(all, x->loop))
        return false;
    char *path = path_join(x->spool->folder, x->key);
    x->notify_number = inotify_add_watch(all->notify, path, WATCHED);
    free(path);
    if (x->notify_number >= 0)
        *vec_push(all) = x;
    return x->notify_number >= 0;
}

void notify_remove(struct execution *x)
{
    struct followers *all = &x->spool->followers;
    bool shared = false;
    if (x->notify_number < 0)
        return;
    for (size_t i = 0; i < all->len;) {
        if (all->data[i] == x) {
            vec_remove(all, i);
        } else {
            shared |= all->data[i]->notify_number == x->notify_number; /* another one follows the same step */
            i++;
        }
    }
    if (!shared)
        inotify_rm_watch(all->notify, x->notify_number);
    x->notify_number = -1;
    if (all->len == 0) {
        loop_watch_free(all->watch); /* the loop may end before the spool does */
        all->watch = NULL;
    }
}
