/* The supervisor's inside: what its two halves share. prepare.c arms it and waits for go, supervise.c runs
 * the step. */
#ifndef BELAY_EXECUTE_SUPERVISOR_H
#define BELAY_EXECUTE_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/base.h"
#include "engine/execute/family.h"
#include "engine/execute/record.h"
#include "engine/execute/request.h"
#include "engine/execute/writer.h"

enum phase {
    PHASE_RUNNING,
    PHASE_STOPPING, /* TERM was sent; KILL follows at the deadline */
    PHASE_KILLED,   /* KILL was sent */
    PHASE_DRAINING, /* the main process has ended; output until the deadline */
    PHASE_LEAVING,  /* nobody has the output any more, somebody is still alive: on its way out, most likely */
    PHASE_OVER,
};

struct supervisor {
    const char *folder;
    char key[EXEC_KEY_MAX + 1];
    struct request request;
    char **env;
    int dir, exit, spool, control, signals, timer;
    mode_t file_mode;       /* of what it makes */
    int out_hold, err_hold; /* for the step; closed once it has them */
    int fifo[3];            /* reading ends by enum exec_stream, -1 when over */
    int dump;               /* memory that BASH_ENV's trap writes to; -1: not wanted */
    int status;             /* of exec; -1 when known */
    int terminal;           /* of the step, watched for its console's going; -1: none, or gone */
    struct writer *writer;
    enum phase phase;
    bool recorded; /* how the main process ended */
    bool stopped;  /* by us: how says why */
    bool hung_up;  /* its terminal went while it ran */
    struct family family;
    int64_t started_boot_us;
    struct exit_record record;
};

enum word {
    WORD_REQUEST, /* what to run is there */
    WORD_GO,
    WORD_VOID,   /* somebody asked that it never starts */
    WORD_NOBODY, /* the console is gone, or has let go */
};

/* Opens everything and brings it to the disk. */
int supervisor_arm(struct supervisor *s, struct err *e);
/* Is there anything to run? */
bool supervisor_given(const struct supervisor *s);
/* Takes over what is to be run. */
int supervisor_take(struct supervisor *s, struct err *e);
/* Waits for what comes next. */
enum word supervisor_listen(const struct supervisor *s);
/* One message to the console, which may be gone. */
void supervisor_tell(char kind, const char *text);

/* Empties the signal descriptor; true when number was among them. */
bool supervisor_signalled(const struct supervisor *s, int number);
/* Empties the control FIFO; true when it asked to cancel. */
bool supervisor_cancelled(const struct supervisor *s);

#endif
