#include "engine/execute/writer.h"

#include <errno.h>
#include <unistd.h>

void writer_init(struct writer *w, int fd, int64_t offset, int64_t limit)
{
    w->fd = fd;
    w->offset = offset;
    w->limit = limit;
    w->seen[EXEC_STDOUT] = w->seen[EXEC_STDERR] = 0;
    w->dropped[EXEC_STDOUT] = w->dropped[EXEC_STDERR] = 0;
    w->full = false;
}

/* All of it or nothing: a torn frame would end the spool for every reader. */
static bool append(struct writer *w, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(w->fd, w->frame + done, size - done, (off_t)(w->offset + (int64_t)done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            break;
        done += (size_t)put;
    }
    if (done == size) {
        w->offset += (int64_t)size;
        return true;
    }
    /* If even this fails the next frame overwrites it, or it stays as a torn tail that readers stop at. */
    if (ftruncate(w->fd, (off_t)w->offset) < 0)
        w->full = true;
    return false;
}

static void keep(struct writer *w, enum exec_stream stream, size_t length)
{
    w->seen[stream] += (int64_t)length;
    int64_t room = w->limit - w->offset - FRAME_HEAD - FRAME_TAIL;
    size_t kept = w->full || room <= 0 ? 0 : length;
    if ((int64_t)kept > room && kept > 0)
        kept = (size_t)room;
    if (kept < length)
        w->full = true;
    if (kept > 0 && !append(w, frame_seal(w->frame, stream, kept)))
        kept = 0;
    w->dropped[stream] += (int64_t)(length - kept);
}

enum fifo_state writer_drain(struct writer *w, int fifo, enum exec_stream stream)
{
    ssize_t got;
    do
        got = read(fifo, w->frame + FRAME_HEAD, FRAME_PAYLOAD_MAX);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? FIFO_EMPTY : FIFO_OVER;
    if (got == 0)
        return FIFO_OVER;
    keep(w, stream, (size_t)got);
    return FIFO_MORE;
}
