/* Bytes that are kept back: an attempt's output until it is known whether it wins, the input until no later
 * attempt can need it. A little in memory, more in an unlinked file in TMPDIR, up to a limit. */
#ifndef BELAY_TARGETS_EXEC_SPOOL_H
#define BELAY_TARGETS_EXEC_SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/base.h"

#define EXEC_SPOOL_MEMORY (256 * 1024)

struct exec_spool {
    const char *what; /* "output", for messages */
    struct str memory;
    int file; /* -1: all of it is in memory */
    uint64_t length, limit;
};

void exec_spool_init(struct exec_spool *s, const char *what, uint64_t limit);
void exec_spool_fini(struct exec_spool *s);
/* ERR_FULL above the limit, or when the disk is full; ERR_IO. What was there stays readable. */
int exec_spool_add(struct exec_spool *s, const void *bytes, size_t length, struct err *e);
/* Bytes from offset on: 0 at the end, -1 with errno. */
ssize_t exec_spool_read(const struct exec_spool *s, uint64_t offset, void *bytes, size_t room);
/* Empty again. */
void exec_spool_clear(struct exec_spool *s);

#endif
