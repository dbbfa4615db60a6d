/* A command becomes a process: as a shell would start it, but for the descriptors that belay reads. */
#ifndef BELAY_TARGETS_EXEC_SPAWN_H
#define BELAY_TARGETS_EXEC_SPAWN_H

#include <sys/types.h>

#include "engine/targets/exec_streams.h"

struct exec_spawn {
    char *const *argv, *const *env; /* env: the whole of it */
    int in, out;                    /* -1: as they are */
    int status, status_as;          /* where status lines go, and the command's number for it; -1: nowhere */
};

/* The child's PID, or -errno of what kept it from being executed. */
pid_t exec_spawn(const struct exec_spawn *spawn, const struct exec_streams *s);

#endif
