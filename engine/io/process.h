/* Short-lived children whose output is wanted: command sources, the identity check, the mirror. argv, never a
 * shell; own process group; every other descriptor closed; bounded in time and output. What has to outlive
 * the console is the business of engine/execute. */
#ifndef BELAY_IO_PROCESS_H
#define BELAY_IO_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/io/loop.h"

#define PROCESS_OUTPUT_LIMIT (8u << 20)
#define PROCESS_ERRORS_LIMIT (64u << 10)

struct process;

struct process_result {
    int error; /* 0: it ran and ended by itself; else it never ran, was cut (ERR_RANGE) or ERR_TIMED_OUT */
    char reason[200];       /* one line for any end but exit 0, with the first words of stderr */
    int exit_status;        /* 0 to 255; -1 when a signal ended it or it never ran */
    int signal;             /* 0 when none */
    struct str out, errors; /* stdout and stderr; done may take them, else they are freed */
    bool errors_cut;        /* stderr beyond its limit was dropped */
    int64_t duration_us;
};

struct process_request {
    char *const *argv; /* argv[0] is looked up in the PATH of env, else in ours */
    char *const *env;  /* the whole environment, NAME=VALUE; NULL: ours */
    const char *cwd;   /* NULL: ours */
    const void *input; /* stdin; NULL: /dev/null. Copied */
    size_t input_length;
    int64_t timeout_us; /* required, > 0: then TERM to the group */
    int64_t grace_us;   /* then KILL; 0: 1 s */
    size_t max_out;     /* 0: PROCESS_OUTPUT_LIMIT. More ends the process */
    size_t max_errors;  /* 0: PROCESS_ERRORS_LIMIT */
    void (*done)(void *data, struct process_result *result); /* exactly once, unless cancelled */
    void *data;
};

/* Always gives a handle, and done always runs later (also for a program that isn't there: error, reason). It
 * ends with its main process plus at most 1 s for whoever still holds its output; what is left of the group
 * is killed then. */
struct process *process_start(struct loop *l, const struct process_request *r);
/* Kills the group at once; done will not run. Not after done. NULL is fine. */
void process_cancel(struct process *p);

#endif
