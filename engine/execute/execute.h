/* The hands: steps that outlive the console (design decision 5).
 *
 * A step runs under a supervisor, `belay supervise FOLDER`, a process in a session of its own. They share one
 * folder a step in the spool, and that folder alone says what happened:
 *
 * - about: format version, key, limit; written before the folder gets its name
 * - supervisor.lock: flock, held from before the folder gets its name as long as the supervisor lives
 * - child.lock: flock inherited by the step and all that it starts; its main process has a record lock too
 * - fate: created O_EXCL, "started" by the supervisor, fsynced before exec, or "void" by it or by a console:
 *   whoever creates it has decided
 * - out, err: FIFOs, open for reading and writing in the step, so that they never break
 * - spool: what came out of them, in frames with stream and checksum; its writer has a flock on it
 * - exit: preallocated; the outcome with a checksum
 * - control: FIFO, takes "cancel"; only the supervisor signals the process group
 * - exports: what a bash step exported, if that was asked for
 * - recording: what a step on a terminal showed, written by the console that holds that terminal
 *
 * A step on a terminal (exec_request.terminal) has a pty of its own, as its controlling terminal, and nothing
 * comes out of the FIFOs. The console that armed it holds the other end, and nobody else: with that console
 * (killed, or its link lost) the terminal is gone, the step gets SIGHUP and reads end of file, as after a
 * closed window. The supervisor sees that, too, and says HUNG_UP of whatever status follows: the step was
 * broken off in the middle, so that a 0 or a 1 proves nothing. To keep the terminal alive beyond its console
 * would mean to leave a password prompt or a half-typed statement open to whoever comes next.
 *
 * The order of a careful caller: ready when the confirmation page opens; once it is confirmed, give what is
 * to run; make the intent, which names the key, durable; go; at `ended` make output and outcome durable;
 * forget. Without a page arm does both, ready and give. After a crash: spool_each, and adopt what an intent
 * names. The environment of a step, which may hold secrets, never touches a disk.
 *
 * When the supervisor is killed the step goes on, its outcome becomes `lost`, and the console that follows it
 * reads the FIFOs on; without one the step stops at its next write after 64 KiB that nobody read. What stands
 * in a FIFO when the last process of such a step ends before a console looks is gone. */
#ifndef BELAY_EXECUTE_EXECUTE_H
#define BELAY_EXECUTE_EXECUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

struct loop;      /* engine/io */
struct termios;   /* <termios.h> */
struct spool;     /* the folder of step folders */
struct execution; /* one step, armed or followed by this process */

#define EXEC_KEY_MAX       100              /* bytes of a key */
#define EXEC_GRACE_US      (10LL * 1000000) /* between TERM and KILL */
#define EXEC_LIMIT_BYTES   (256LL << 20)    /* of a spool file */
#define EXEC_DRAIN_US      (1LL * 1000000)  /* output awaited after the main process has ended */
#define EXEC_EXPORTS_BYTES (64 * 1024)      /* of exports taken over */

enum exec_stream {
    EXEC_STDOUT = 1,
    EXEC_STDERR = 2,
};

/* How an execution ended. The numbers are stable: they stand in the spool. */
enum exec_how {
    EXEC_EXITED,      /* its main process returned a status */
    EXEC_SIGNALLED,   /* its main process was ended by a signal that belay didn't send */
    EXEC_TIMED_OUT,   /* stopped by its supervisor after the time-out */
    EXEC_CANCELLED,   /* stopped by its supervisor because somebody asked */
    EXEC_VOID,        /* never started: the page was closed, or the console was gone before it said go */
    EXEC_NOT_STARTED, /* never started: exec or its preparation failed, the text says why */
    EXEC_LOST,        /* started, and nobody knows how it ended */
    EXEC_HUNG_UP,     /* its terminal was gone before it ended; what it did after that tells nothing */
};

/* The terminal of a step that a person sits at. */
struct exec_terminal {
    int width, height;
    const struct termios *modes; /* those that it begins with; NULL: the kernel's */
};

struct exec_request {
    const char *key;   /* [A-Za-z0-9][A-Za-z0-9._-]*, at most EXEC_KEY_MAX, never used before in this spool */
    char *const *argv; /* argv[0] is looked up in the step's PATH */
    char *const *env;  /* NAME=VALUE, over the cleaned environment of this process; NULL: nothing more */
    char *const *path; /* folders put in front of PATH, the first wins; NULL: none */
    const char *cwd;   /* NULL: that of this process */
    int64_t timeout_us;                   /* 0: none. Counts suspended time */
    int64_t grace_us;                     /* 0: EXEC_GRACE_US */
    int64_t limit_bytes;                  /* of the spool file, frames included; 0: EXEC_LIMIT_BYTES */
    bool capture_exports;                 /* of a bash main process, by BASH_ENV and a trap on EXIT */
    const struct exec_terminal *terminal; /* NULL: none; its stdin is /dev/null then */
    bool use_scope; /* start it by `systemd-run --user --scope` (see execute_lifetime); plainly if that fails
                     */
};

struct exec_result {
    enum exec_how how;
    int status;              /* exit status; -1 unless the main process returned one */
    int signal;              /* that ended the main process; 0 if none */
    int error;               /* errno of a NOT_STARTED; else 0 */
    char text[160];          /* what there is to say: why not started, why lost; "" for the rest */
    int64_t started_wall_us; /* 0 when never started, or not known */
    int64_t ended_wall_us;   /* 0 for LOST */
    int64_t duration_us;     /* without the drain; boot clock */
    int64_t stdout_bytes;    /* that the step wrote, as far as known */
    int64_t stderr_bytes;
    int64_t dropped_bytes; /* of both, because the spool was full or the disk was */
    int64_t missing_bytes; /* of both, that the supervisor kept and that are damaged or cut off now (power
                              loss) */
    bool survivors;        /* something that the step started was still alive when it ended */
    bool exports_cut; /* more than EXEC_EXPORTS_BYTES, or unreadable to this user: exports are not complete */
    char *const *exports; /* NAME=VALUE that the step exported and that it had not been given; NULL when not
                             captured */
};

struct execution_events {
    /* Output in the order in which the supervisor saw it; may be any bytes. NULL: not wanted. */
    void (*output)(void *data, enum exec_stream stream, const char *bytes, size_t length);
    /* Exactly once, after all output, never from inside arm, go or adopt; the result lives until it returns.
     */
    void (*ended)(void *data, const struct exec_result *result);
};

enum spool_state {
    SPOOL_ARMED,      /* a supervisor waits for go */
    SPOOL_VOID,       /* never started and never will */
    SPOOL_RUNNING,    /* with its supervisor */
    SPOOL_ALONE,      /* running, its supervisor is gone */
    SPOOL_ENDED,      /* the outcome is there */
    SPOOL_LOST,       /* started, no outcome, its main process is gone */
    SPOOL_UNREADABLE, /* another version, damaged or foreign: `text` says what; nothing is concluded */
};

/* "armed", "void" ... */
const char *spool_state_text(enum spool_state state);

struct spool_entry {
    char key[EXEC_KEY_MAX + 1];
    enum spool_state state;
    bool supervised;         /* its supervisor is alive */
    int64_t started_wall_us; /* 0 when not started */
    int64_t main_pid; /* the living main process, as the kernel names the holder of its lock; 0 if none */
    bool survivors;   /* LOST and ENDED: something that the step started is still alive */
    struct exec_result
        result;     /* ENDED, VOID, LOST: what is known without reading the output; exports are NULL */
    char text[160]; /* UNREADABLE: why */
};

/* Opens, or makes, the folder of steps (private 0700; shared 2770, files 0660). program is the `belay` that
 * supervises; NULL: the one beside this program. A network file system is refused (flock). What a crash
 * left half made or half removed is swept. NULL and e on failure. */
struct spool *spool_open(const char *folder, bool shared, const char *program, struct err *e);
void spool_close(struct spool *s); /* NULL is fine; executions are freed before */

/* Calls visit for each step folder, in order of key. */
int spool_each(struct spool *s, void (*visit)(void *data, const struct spool_entry *entry), void *data,
               struct err *e);
/* The same of one; ERR_NOT_FOUND when there is no such folder. */
int spool_find(struct spool *s, const char *key, struct spool_entry *entry, struct err *e);

/* Decides, if nobody has yet, that a step never starts. 0: it never will; ERR_EXISTS: too late, it has been
 * started. */
int spool_void(struct spool *s, const char *key, struct err *e);

/* Gives all kept output of a step to each, from the beginning, in order. Blocks for as long as reading the
 * file takes and may run on any thread. A damaged tail ends it without an error: exec_result tells how much
 * is missing. Stops when each returns non-zero, and returns that. */
int spool_output(struct spool *s, const char *key,
                 int (*each)(void *data, enum exec_stream stream, const char *bytes, size_t length),
                 void *data, struct err *e);

/* Gives the recording of a step on a terminal to each, in whole lines. ERR_NOT_FOUND: there is none. As
 * spool_output in all else. */
int spool_recording(struct spool *s, const char *key,
                    int (*each)(void *data, const char *bytes, size_t length), void *data, struct err *e);

/* Copies the folder of a step that runs no more into another spool, under a key of its own, where it can be
 * adopted like any other. ERR_EXISTS: the key is used there. */
int spool_copy(struct spool *from, struct spool *to, const char *key, const char *new_key, struct err *e);

/* Makes the folder and starts a supervisor that waits for go. Takes about a millisecond; the rest happens
 * meanwhile: a supervisor that can't start ends as NOT_STARTED. ERR_EXISTS: the key was used. NULL and e on
 * failure: nothing was left behind. */
struct execution *execution_arm(struct spool *s, struct loop *loop, const struct exec_request *request,
                                const struct execution_events *events, void *data, struct err *e);
/* The same before anybody knows whether anything will be run, and what: the supervisor waits for that as
 * well. Nobody looks for the folder of one that is let go, or whose console dies, before it was given
 * anything: its supervisor removes it, and is gone. */
struct execution *execution_ready(struct spool *s, struct loop *loop, const char *key, bool use_scope,
                                  const struct execution_events *events, void *data, struct err *e);
/* What a ready one is to run, once, before its intent is appended; the key of request is its own, there is no
 * terminal, and what happens goes to these events from now on. An error: nothing of it will ever run, arm
 * another one. */
int execution_give(struct execution *x, const struct exec_request *request,
                   const struct execution_events *events, void *data, struct err *e);
/* Once, after the intent is durable. An error means that the supervisor is gone: `ended` follows and tells
 * what became of it. */
int execution_go(struct execution *x, struct err *e);
/* The page was closed before go: `ended` follows with VOID. After go it does nothing. */
void execution_void(struct execution *x);
/* TERM to the whole process group, KILL after the grace period; before go the same as execution_void. `ended`
 * follows. ERR_NOT_FOUND: the supervisor is gone, and nobody but it may signal; the message names the process
 * for a person to end. */
int execution_cancel(struct execution *x, struct err *e);
/* Follows a step that this or another process armed: all its output from the beginning, then `ended`. If its
 * supervisor is gone, its FIFOs are drained (by one follower). A folder that nobody can start any more is
 * made void for good. ERR_NOT_FOUND, ERR_CORRUPT or ERR_UNSUPPORTED (another version). */
struct execution *execution_adopt(struct spool *s, struct loop *loop, const char *key,
                                  const struct execution_events *events, void *data, struct err *e);
/* Follows a step that another console follows, too: output and `ended` as above, and nothing of it is
 * touched. Its FIFOs are not read, an armed one is not made void, and ended may come with less output than
 * there was. */
struct execution *execution_watch(struct spool *s, struct loop *loop, const char *key,
                                  const struct execution_events *events, void *data, struct err *e);
/* Our end of its terminal, non-blocking, valid as long as x; -1 when it has none, or another process armed
 * it. */
int execution_terminal(const struct execution *x);
/* The file of its recording, made now, to be appended to; the caller closes it. */
int execution_recording(const struct execution *x, struct err *e);
const char *execution_key(const struct execution *x);
enum spool_state execution_state(const struct execution *x); /* as last seen; no system call */
/* Lets go, at any time, also inside a callback: an armed step becomes void, a running one goes on. NULL is
 * fine. */
void execution_free(struct execution *x);

/* Removes the folder, once its outcome is in the journal. ERR_BUSY while armed or running, and while a
 * supervisor is alive that would find its void gone; `ended` waits for that up to a second, so it is rare.
 * Try again later. */
int execution_forget(struct spool *s, const char *key, struct err *e);

/* Do steps outlive this login, and this process? */
struct execute_lifetime {
    bool outlives;  /* the login and the console, given use_scope as said below */
    bool use_scope; /* to be put into exec_request */
    char text[240]; /* why not, and how to mend it; "" when all is well */
};
void execute_lifetime(struct execute_lifetime *l);

/* The supervisor itself: `belay supervise FOLDER`, with the descriptors that execution_arm gives it. Returns
 * the exit status of the process. Needs nothing but engine/base. */
int execute_supervise(const char *folder);

#endif
