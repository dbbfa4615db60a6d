/* One step in the eyes of this process: arm.c starts its supervisor, follow.c follows its folder to the end.
 */
#ifndef BELAY_EXECUTE_EXECUTION_H
#define BELAY_EXECUTE_EXECUTION_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/execute/execute.h"
#include "engine/execute/spool.h"
#include "engine/execute/writer.h"
#include "engine/io/io.h"

struct execution {
    struct spool *spool;
    struct loop *loop;
    struct execution_events events;
    void *data;
    char key[EXEC_KEY_MAX + 1];
    int dir;

    /* Ours alone when we armed it. */
    int socket; /* to the supervisor; -1 when adopted, or let go */
    struct loop_watch *socket_watch;
    bool given;           /* what it is to run */
    bool went;            /* go was said */
    char failure[160];    /* what the supervisor said before it gave up; "" when it didn't */
    bool armed;           /* the supervisor said that it waits */
    int lock, child_lock; /* kept until then when it may have to be started a second time, else -1 */
    int memory;           /* the request's: until it is given, and as long as the locks */
    int terminal, slave;  /* our end, and until then the step's; -1: none */

    /* Following. */
    bool watching;        /* only that: another process sees to its end */
    int exit;             /* open from the start: still readable when another console removes the folder */
    int file;             /* the spool file */
    int64_t offset;       /* frames before it were delivered */
    int64_t delivered[3]; /* bytes by enum exec_stream */
    int notify_number;    /* of our watch; -1 when there is none: then a faster timer */
    bool notified, lock_closed; /* what it told and we have not looked at */
    struct loop_timer *timer;
    bool recheck;             /* more than output may have changed */
    struct spool_entry entry; /* as last judged */
    bool began;               /* it was once seen to have started */
    bool final;               /* entry is the end; only output may be left to deliver */
    bool ended;               /* `ended` was called */

    /* Reading on for a supervisor that is gone. */
    struct writer *writer;
    int64_t waiting_since_us; /* for others to finish with it, at its end; 0 when not */
    int drain_fd;             /* of the spool file, with its flock */
    int fifo[3];
    struct loop_watch *fifo_watch[3];

    int busy;   /* depth of our callbacks */
    bool freed; /* wished for from inside one of them */
};

/* Takes over dir, also on failure; x follows the folder from the next turn of the loop on. */
struct execution *execution_new(struct spool *s, struct loop *loop, const char *key, int dir,
                                const struct execution_events *events, void *data, struct err *e);
/* Looks at everything at the next turn. */
void execution_wake(struct execution *x);
/* Looks at what inotify told. */
void execution_notified(struct execution *x);
/* Takes what the supervisor said by its socket; nothing when it is let go. */
void execution_hear(struct execution *x);
/* Lets go of the supervisor: without go it voids itself. */
void execution_release(struct execution *x);

#endif
