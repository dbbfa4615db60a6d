/* Following a step folder to its end, whoever armed it: by inotify, and by a slow timer for the little that
 * it doesn't tell. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/execution.h"
#include "engine/execute/folder.h"
#include "engine/execute/notify.h"

#define TURN_BYTES    (1 << 20)        /* delivered in one turn of the loop */
#define LOST_BYTES    (1 << 20)        /* read from the FIFOs of a lost step at most */
#define LOCK_AGAIN_US (10 * US_PER_MS) /* a close is told a moment before it frees the lock */
#define ALONE_US      US_PER_S       /* the end of a main process whose children live on is told by nobody */
#define OTHERS_US     (5 * US_PER_S) /* patience with the console that reads a lost step's FIFOs */
#define VOID_US       US_PER_S       /* patience with a supervisor that is to see that it is void */
#define SLOW_US       (5 * US_PER_S) /* inotify tells; this is for the day when it doesn't */
#define BLIND_US      (50 * US_PER_MS) /* without inotify */

static void look(struct execution *x);

/* ---- Output ---- */

/* Delivers whole frames from the spool file, about limit bytes. True when there may be more. */
static bool deliver(struct execution *x, int64_t limit)
{
    uint8_t *bytes = xmalloc(FRAME_MAX);
    bool more = false;
    for (int64_t done = 0; !x->freed;) {
        enum exec_stream stream;
        size_t payload;
        ssize_t got = pread(x->file, bytes, FRAME_MAX, (off_t)x->offset);
        /* A frame that isn't whole, or not yet, is looked at again: it may be in the middle of being written.
         */
        ssize_t size = got > 0 ? frame_open(bytes, (size_t)got, &stream, &payload) : 0;
        if (size <= 0)
            break;
        x->offset += size;
        x->delivered[stream] += (int64_t)payload;
        if (x->events.output)
            x->events.output(x->data, stream, (const char *)bytes + FRAME_HEAD, payload);
        done += size;
        if (done >= limit) {
            more = true;
            break;
        }
    }
    free(bytes);
    return more;
}

/* ---- Reading on for a supervisor that is gone ---- */

static void fifo_close(struct execution *x, int stream)
{
    loop_watch_free(x->fifo_watch[stream]);
    x->fifo_watch[stream] = NULL;
    if (x->fifo[stream] >= 0)
        close(x->fifo[stream]);
    x->fifo[stream] = -1;
}

static void drain_close(struct execution *x)
{
    if (x->drain_fd >= 0)
        close(x->drain_fd);
    x->drain_fd = -1;
    free(x->writer);
    x->writer = NULL;
}

static void on_fifo(struct execution *x, enum exec_stream stream)
{
    if (x->fifo[stream] < 0)
        return;
    if (writer_drain(x->writer, x->fifo[stream], stream) == FIFO_OVER) {
        fifo_close(x, (int)stream);
        x->recheck = true; /* nobody writes any more: the end, most likely */
    }
    look(x);
}

static void on_out(void *data, int events)
{
    (void)events;
    on_fifo(data, EXEC_STDOUT);
}

static void on_err(void *data, int events)
{
    (void)events;
    on_fifo(data, EXEC_STDERR);
}

static int64_t limit_of(const struct execution *x)
{
    struct str text = {0};
    struct about about;
    char *path = xasprintf("%s/%s/%s", x->spool->folder, x->key, NAME_ABOUT);
    bool known =
        file_read(path, 512, &text, NULL) == 0 && about_decode(text.data, text.len, &about, NULL) == 0;
    str_fini(&text);
    free(path);
    return known ? about.limit_bytes : EXEC_LIMIT_BYTES;
}

/* True when we are, or became, the one who reads on. False and *others when another process is. */
static bool drain_open(struct execution *x, bool *others)
{
    if (x->writer)
        return true;
    x->drain_fd = openat(x->dir, NAME_SPOOL, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (x->drain_fd < 0 || flock(x->drain_fd, LOCK_EX | LOCK_NB) < 0) {
        *others = x->drain_fd >= 0 && errno == EWOULDBLOCK;
        drain_close(x);
        return false;
    }
    while (deliver(x, TURN_BYTES))
        continue;
    /* What the last writer left torn makes room for what comes. */
    if (x->freed || ftruncate(x->drain_fd, (off_t)x->offset) < 0) {
        drain_close(x);
        return false;
    }
    x->writer = xmalloc(sizeof *x->writer);
    writer_init(x->writer, x->drain_fd, x->offset, limit_of(x));
    return true;
}

static void drain_watch(struct execution *x)
{
    for (int stream = EXEC_STDOUT; stream <= EXEC_STDERR; stream++)
        if (x->fifo[stream] >= 0 && !x->fifo_watch[stream])
            x->fifo_watch[stream] = loop_watch_new(x->loop, x->fifo[stream], LOOP_READ,
                                                   stream == EXEC_STDOUT ? on_out : on_err, x, NULL);
}

/* True when x has waited for others for so long. */
static bool waited(struct execution *x, int64_t bound_us)
{
    int64_t now_us = loop_now_us(x->loop);
    x->waiting_since_us = x->waiting_since_us ? x->waiting_since_us : now_us;
    return now_us - x->waiting_since_us > bound_us;
}

/* What stands in the FIFOs of a step that has ended; something of it may live and write on. False while
 * another process is reading it. */
static bool drain_rest(struct execution *x)
{
    bool others = false;
    if (!drain_open(x, &others))
        return !others || waited(x, OTHERS_US);
    for (int stream = EXEC_STDOUT; stream <= EXEC_STDERR; stream++) {
        if (x->fifo[stream] < 0)
            continue;
        int64_t before = x->writer->seen[stream];
        while (writer_drain(x->writer, x->fifo[stream], (enum exec_stream)stream) == FIFO_MORE &&
               x->writer->seen[stream] - before < LOST_BYTES)
            continue;
    }
    return true;
}

/* ---- The end ---- */

/* The record through the descriptor that we hold: the folder may be in the middle of being removed by a
 * console that has journaled the outcome. */
static bool exit_held(const struct execution *x, struct exec_result *result)
{
    uint8_t bytes[EXIT_RECORD_SIZE];
    struct exit_record record;
    if (x->exit < 0 || pread(x->exit, bytes, sizeof bytes, 0) != sizeof bytes ||
        !exit_decode(bytes, sizeof bytes, x->key, &record))
        return false;
    result_from_record(&record, result);
    return true;
}

static bool judge(struct execution *x)
{
    struct spool_entry *entry = &x->entry;
    folder_judge(x->dir, x->key, entry);
    x->began |= entry->state == SPOOL_RUNNING || entry->state == SPOOL_ALONE;
    if (entry->state == SPOOL_VOID && (x->began || x->offset > 0)) {
        entry->state = SPOOL_UNREADABLE;
        snprintf(entry->text, sizeof entry->text, "it was running, and its fate was removed");
    }
    if ((entry->state == SPOOL_LOST || entry->state == SPOOL_UNREADABLE) && exit_held(x, &entry->result)) {
        entry->state = SPOOL_ENDED;
    } else if (entry->state == SPOOL_UNREADABLE) {
        entry->result = (struct exec_result){.how = EXEC_LOST, .status = -1};
        snprintf(entry->result.text, sizeof entry->result.text, "its folder can't be read any more: %.110s",
                 entry->text);
    }
    return entry->state == SPOOL_VOID || entry->state == SPOOL_ENDED || entry->state == SPOOL_LOST ||
           entry->state == SPOOL_UNREADABLE;
}

static char **exports_read(const struct execution *x, bool *cut)
{
    struct str bytes = {0};
    struct err e = {0};
    char *path = xasprintf("%s/%s/%s", x->spool->folder, x->key, NAME_EXPORTS);
    int code = file_read(path, 2 * EXEC_EXPORTS_BYTES, &bytes, &e);
    char **exports = code == 0 ? exports_decode(bytes.data, bytes.len) : NULL;
    *cut |= code != ERR_NOT_FOUND && !exports;
    str_fini(&bytes);
    free(path);
    return exports;
}

static void result_complete(struct execution *x, struct exec_result *r)
{
    int64_t kept = r->stdout_bytes + r->stderr_bytes - r->dropped_bytes;
    int64_t delivered = x->delivered[EXEC_STDOUT] + x->delivered[EXEC_STDERR];
    switch (r->how) {
    case EXEC_LOST:
        r->stdout_bytes = x->delivered[EXEC_STDOUT];
        r->stderr_bytes = x->delivered[EXEC_STDERR];
        if (x->writer) {
            r->stdout_bytes += x->writer->dropped[EXEC_STDOUT];
            r->stderr_bytes += x->writer->dropped[EXEC_STDERR];
            r->dropped_bytes = x->writer->dropped[EXEC_STDOUT] + x->writer->dropped[EXEC_STDERR];
        }
        break;
    case EXEC_VOID:
        if (x->failure[0]) {
            r->how = EXEC_NOT_STARTED;
            snprintf(r->text, sizeof r->text, "%s", x->failure);
        }
        break;
    default:
        r->missing_bytes = kept > delivered ? kept - delivered : 0;
    }
}

static void finish(struct execution *x)
{
    struct exec_result result = x->entry.result;
    x->ended = true;
    result_complete(x, &result);
    char **exports = exports_read(x, &result.exports_cut);
    result.exports = exports;
    execution_release(x);
    drain_close(x);
    fifo_close(x, EXEC_STDOUT);
    fifo_close(x, EXEC_STDERR);
    loop_timer_stop(x->timer);
    notify_remove(x);
    if (x->events.ended)
        x->events.ended(x->data, &result);
    strv_free(exports);
}

/* ---- Looking ---- */

/* Makes it void for good. False while its supervisor, who must not be left alone with an empty folder, hasn't
 * gone. */
static bool void_rest(struct execution *x)
{
    execution_hear(x);
    execution_release(x);
    fate_decide(x->dir, FATE_VOID, clock_wall_us(), x->spool->file_mode, NULL);
    return !x->entry.supervised || waited(x, VOID_US);
}

static void timer_set(struct execution *x)
{
    int64_t wait = x->notify_number < 0 ? BLIND_US : x->entry.state == SPOOL_ALONE ? ALONE_US : SLOW_US;
    if (x->lock_closed || x->waiting_since_us)
        wait = LOCK_AGAIN_US;
    x->lock_closed = false;
    loop_timer_start(x->timer, wait, wait);
}

static void look_inside(struct execution *x)
{
    if (deliver(x, TURN_BYTES)) {
        loop_timer_start(x->timer, 0, 0);
        return;
    }
    if (!x->final && x->recheck && !x->freed) {
        x->recheck = false;
        x->final = judge(x);
        if (x->watching)
            ; /* whoever follows it sees to the rest */
        else if (x->entry.state == SPOOL_VOID)
            x->final = void_rest(x);
        else if (x->entry.state == SPOOL_ALONE && drain_open(x, &(bool){false}))
            drain_watch(x);
        else if (x->entry.state == SPOOL_LOST)
            x->final = drain_rest(x);
        timer_set(x);
    }
    if (!x->final || x->freed)
        return;
    if (deliver(x, TURN_BYTES))
        loop_timer_start(x->timer, 0, 0); /* written between our look and the end */
    else if (!x->freed)
        finish(x);
}

static void look(struct execution *x)
{
    if (x->ended || x->freed)
        return;
    x->busy++;
    look_inside(x);
    if (--x->busy == 0 && x->freed)
        execution_free(x);
}

static void on_timer(void *data)
{
    struct execution *x = data;
    x->recheck = true;
    look(x);
}

void execution_notified(struct execution *x)
{
    look(x);
}

/* ---- Life ---- */

void execution_wake(struct execution *x)
{
    x->recheck = true;
    loop_timer_start(x->timer, 0, 0);
}

static struct execution *execution_make(struct spool *s, struct loop *loop, const char *key, int dir,
                                        const struct execution_events *events, void *data, bool watching,
                                        struct err *e)
{
    struct execution *x = xcalloc(1, sizeof *x);
    x->spool = s;
    x->loop = loop;
    x->events = *events;
    x->data = data;
    x->dir = dir;
    x->watching = watching;
    x->socket = x->lock = x->child_lock = x->memory = x->notify_number = x->drain_fd = -1;
    x->terminal = x->slave = -1;
    x->fifo[EXEC_STDOUT] = x->fifo[EXEC_STDERR] = -1;
    snprintf(x->key, sizeof x->key, "%s", key);
    x->timer = loop_timer_new(loop, on_timer, x);
    x->file = openat(dir, NAME_SPOOL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    x->exit = openat(dir, NAME_EXIT, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    /* Only read when there is no supervisor; held from now on, so that what stands in them then is not lost
     * with the step's last process. */
    if (!watching) {
        x->fifo[EXEC_STDOUT] = openat(dir, NAME_OUT, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        x->fifo[EXEC_STDERR] = openat(dir, NAME_ERR, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    }
    if (x->file < 0 || x->exit < 0) {
        err_errno(e, "%s/%s", s->folder, key);
        execution_free(x);
        return NULL;
    }
    notify_add(x);
    execution_wake(x);
    return x;
}

struct execution *execution_new(struct spool *s, struct loop *loop, const char *key, int dir,
                                const struct execution_events *events, void *data, struct err *e)
{
    return execution_make(s, loop, key, dir, events, data, false, e);
}

static struct execution *follow(struct spool *s, struct loop *loop, const char *key,
                                const struct execution_events *events, void *data, bool watching,
                                struct err *e)
{
    struct spool_entry entry;
    if (spool_find(s, key, &entry, e) < 0)
        return NULL;
    if (entry.state == SPOOL_UNREADABLE) {
        err_set(e, ERR_CORRUPT, "%s/%s: %s", s->folder, key, entry.text);
        return NULL;
    }
    int dir = spool_step(s, key, e);
    struct execution *x = dir < 0 ? NULL : execution_make(s, loop, key, dir, events, data, watching, e);
    if (x)
        x->entry = entry;
    return x;
}

struct execution *execution_adopt(struct spool *s, struct loop *loop, const char *key,
                                  const struct execution_events *events, void *data, struct err *e)
{
    return follow(s, loop, key, events, data, false, e);
}

struct execution *execution_watch(struct spool *s, struct loop *loop, const char *key,
                                  const struct execution_events *events, void *data, struct err *e)
{
    return follow(s, loop, key, events, data, true, e);
}

const char *execution_key(const struct execution *x)
{
    return x->key;
}

enum spool_state execution_state(const struct execution *x)
{
    return x->entry.state;
}

void execution_free(struct execution *x)
{
    if (!x)
        return;
    x->freed = true;
    if (x->busy)
        return;
    execution_release(x);
    drain_close(x);
    fifo_close(x, EXEC_STDOUT);
    fifo_close(x, EXEC_STDERR);
    notify_remove(x);
    loop_timer_free(x->timer);
    int all[] = {x->dir, x->exit, x->file, x->terminal};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] >= 0)
            close(all[i]);
    free(x);
}
