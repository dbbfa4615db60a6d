/* What a tier that is no command needs of the operation. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "engine/targets/exec_streams.h"

static char bytes[64 * 1024];

/* Reads what is left of a pipe, for at most timeout_ms (0: as long as it takes). */
static int keep_rest(struct exec_streams *io, int64_t timeout_ms, struct err *e)
{
    int64_t end_us = timeout_ms > 0 ? clock_monotonic_us() + timeout_ms * US_PER_MS : INT64_MAX;
    while (!io->input_ended && !io->called_off && !io->broken.code) {
        struct pollfd ready[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                 {.fd = io->signals, .events = POLLIN}};
        int64_t left_us = end_us - clock_monotonic_us();
        if (left_us <= 0)
            return err_set(e, ERR_TIMED_OUT, "standard input has no end within %lldms",
                           (long long)timeout_ms);
        struct timespec span = {left_us / US_PER_S, left_us % US_PER_S * 1000};
        ppoll(ready, 2, timeout_ms > 0 ? &span : NULL, NULL);
        exec_streams_signals(io);
        ssize_t got = ready[0].revents ? read(STDIN_FILENO, bytes, sizeof bytes) : -1;
        if (got > 0)
            exec_spool_add(&io->kept, bytes, (size_t)got, &io->broken);
        else if (ready[0].revents && (got == 0 || (errno != EINTR && errno != EAGAIN)))
            io->input_ended = true;
    }
    if (io->broken.code && e)
        *e = io->broken;
    return io->broken.code ? io->broken.code : io->called_off ? err_set(e, ERR_CANCELLED, "called off") : 0;
}

int exec_call_input(struct exec_call *call, struct str *input, struct err *e)
{
    struct exec_streams *io = call->io;
    if (io->input == EXEC_INPUT_FILE)
        lseek(STDIN_FILENO, io->start, SEEK_SET);
    if (io->input != EXEC_INPUT_KEPT) {
        /* Kept from now on, for whoever comes after us. */
        io->input = EXEC_INPUT_KEPT;
        io->input_ended = false;
        exec_spool_clear(&io->kept);
    }
    int code = keep_rest(io, call->input_ms, e);
    if (code < 0)
        return code;
    for (uint64_t offset = 0; offset < io->kept.length;) {
        ssize_t got = exec_spool_read(&io->kept, offset, bytes, sizeof bytes);
        if (got <= 0)
            return err_errno(e, "the input that was kept can't be read");
        str_add_bytes(input, bytes, (size_t)got);
        offset += (uint64_t)got;
    }
    return 0;
}

int exec_call_output(struct exec_call *call, const void *data, size_t length, struct err *e)
{
    struct exec_streams *io = call->io;
    struct err why = {0};
    int code = call->streams ? exec_streams_write(io, STDOUT_FILENO, data, length, &why)
                             : exec_spool_add(&io->out, data, length, &why);
    if (code < 0 && code != ERR_CANCELLED)
        io->broken = why;
    if (code < 0 && e)
        *e = why;
    return code;
}

int exec_call_signals(const struct exec_call *call)
{
    return call->io->signals;
}

bool exec_call_cancelled(struct exec_call *call)
{
    exec_streams_signals(call->io);
    return call->io->called_off != 0 || call->io->broken.code != 0;
}
