/* The birth of a step: fork, a session of its own, a clean slate, exec. Only the supervisor does it. */
#ifndef BELAY_EXECUTE_CHILD_H
#define BELAY_EXECUTE_CHILD_H

#include <sys/types.h>

#include "engine/base/base.h"
#include "engine/execute/request.h"

struct child_files {
    int out; /* FIFOs, open for reading and writing, blocking */
    int err;
    int lock;     /* child.lock, with its flock; the step inherits it on a high number */
    int exports;  /* where BASH_ENV's trap writes; -1: not wanted */
    int terminal; /* -1: none; else its controlling terminal, and all three of its streams */
};

/* The step finds its lock under the number that child_descriptors gives, and `exports` under the next. (bash
 * takes 10 and up for itself, scripts like 3 to 9 and 200.) */
#define CHILD_FD_PREFERRED 217
#define CHILD_FD_COUNT     3
int child_descriptors(void);

/* What a child that couldn't exec has to say. */
struct child_failure {
    int number; /* errno */
    char what[24];
};

/* The child's PID, which is also its group's, or -1. *status gets the reading end of a pipe: end of file
 * means that exec succeeded, else it gives a struct child_failure. */
pid_t child_start(const struct request *r, char *const *env, const struct child_files *files, int *status,
                  struct err *e);

#endif
