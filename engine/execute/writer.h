/* The writing end of a spool file: frames, a limit, and what to do when the disk is full. The supervisor has
 * it, or, when that is gone, the console that reads the FIFOs on. */
#ifndef BELAY_EXECUTE_WRITER_H
#define BELAY_EXECUTE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/execute/execute.h"
#include "engine/execute/record.h"

struct writer {
    int fd; /* not owned; nobody else writes it (flock) */
    int64_t offset;
    int64_t limit;
    int64_t seen[3];    /* bytes of each stream, by enum exec_stream */
    int64_t dropped[3]; /* of them, not kept */
    bool full;          /* the limit is reached: nothing more is kept */
    uint8_t frame[FRAME_MAX];
};

void writer_init(struct writer *w, int fd, int64_t offset, int64_t limit);

enum fifo_state {
    FIFO_MORE,  /* something was read */
    FIFO_EMPTY, /* nothing there now */
    FIFO_OVER,  /* nobody has it open for writing any more */
};

/* Reads once, at most a frame, from a non-blocking FIFO into the spool. */
enum fifo_state writer_drain(struct writer *w, int fifo, enum exec_stream stream);

#endif
