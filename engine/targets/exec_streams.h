/* What an operation has from its caller: standard input, which each attempt is to read from its beginning,
 * standard output, which only the winning attempt gets, and signals, which belong to the command. */
#ifndef BELAY_TARGETS_EXEC_STREAMS_H
#define BELAY_TARGETS_EXEC_STREAMS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/targets/exec.h"
#include "engine/targets/exec_spool.h"

enum exec_input {
    EXEC_INPUT_SHARED, /* a terminal, a device, nothing: each attempt gets it as it is */
    EXEC_INPUT_FILE,   /* a regular file: each attempt begins where the first one did */
    EXEC_INPUT_KEPT,   /* a pipe: read here, kept, and written to each attempt */
};

struct exec_streams {
    enum exec_input input;
    off_t start;                 /* EXEC_INPUT_FILE */
    bool input_ended;            /* EXEC_INPUT_KEPT */
    struct exec_spool kept, out; /* the input so far; this attempt's output */

    sigset_t before;             /* what was blocked */
    struct sigaction child_then; /* what SIGCHLD did */
    int signals;                 /* a signalfd */
    int called_off;              /* the signal that ends the operation; 0: none yet */
    bool child_ended;            /* a SIGCHLD came */

    struct err broken; /* input or output can't be kept or passed on: the operation ends, with this */
    bool own_group;    /* attempts have a process group of their own: we are not in a terminal's foreground */
    pid_t child;       /* of the running attempt; 0: none */
};

/* What our caller closed of the three stays closed for the command, but none of our own files takes its
 * number.
 */
void exec_streams_hold(void);
/* keeps: a later attempt may follow one. Blocks the signals that it reads from now on. */
int exec_streams_init(struct exec_streams *s, bool keeps, uint64_t limit, struct err *e);
void exec_streams_fini(struct exec_streams *s);

/* Reads what signals came: those for the command are passed on to it. */
void exec_streams_signals(struct exec_streams *s);
/* To the running attempt, all of it. */
void exec_streams_kill(const struct exec_streams *s, int number);
/* Waits until now + ms, or until it is called off. True when it was. */
bool exec_streams_wait(struct exec_streams *s, int64_t ms);
/* All of it, unless a signal comes: ERR_CANCELLED, also when nobody reads it any more (SIGPIPE). */
int exec_streams_write(struct exec_streams *s, int fd, const char *bytes, size_t length, struct err *e);
/* The kept output goes to standard output, as exec_streams_write. */
int exec_streams_flush(struct exec_streams *s, struct err *e);
/* Ends this process as the signal would have, had nobody caught it. */
void exec_streams_die(struct exec_streams *s, int number);

#endif
