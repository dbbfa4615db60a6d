/* What the files of a step folder hold, and how it is read without ever believing a torn one: about, fate,
 * exit, exports, and the frames of the spool. Everything here works on bytes or on the folder's descriptor;
 * the supervisor, the consoles and the tests use the same code. */
#ifndef BELAY_EXECUTE_RECORD_H
#define BELAY_EXECUTE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/base.h"
#include "engine/execute/execute.h"

#define SPOOL_VERSION 1

#define NAME_ABOUT           "about"
#define NAME_SUPERVISOR_LOCK "supervisor.lock"
#define NAME_CHILD_LOCK      "child.lock"
#define NAME_FATE            "fate"
#define NAME_OUT             "out"
#define NAME_ERR             "err"
#define NAME_SPOOL           "spool"
#define NAME_EXIT            "exit"
#define NAME_CONTROL         "control"
#define NAME_EXPORTS         "exports"
#define NAME_BASH_ENV        "bash_env"
#define NAME_RECORDING       "recording"

/* The descriptors that `belay supervise` is started with; 1 and 2 are /dev/null. */
enum supervisor_fd {
    SUPERVISOR_FD_CONSOLE =
        0, /* socket: in as below, end of file is void; out "r" is armed, "x" and a text is failed */
    SUPERVISOR_FD_LOCK = 3,
    SUPERVISOR_FD_CHILD_LOCK = 4,
    SUPERVISOR_FD_REQUEST = 5,
    SUPERVISOR_FD_TERMINAL = 6, /* the step's end of its terminal; closed when it has none */
    SUPERVISOR_FD_NEXT = 7,
};

/* What the console says on that socket, a byte each; what it said first to a supervisor that had to be
 * started again is not said again. */
#define SUPERVISOR_REQUEST 'q' /* the request is in its memory now */
#define SUPERVISOR_GO      'g'

/* A key that is also a safe name of a folder. */
bool key_valid(const char *key);

/* ---- about ---- */

struct about {
    char key[EXEC_KEY_MAX + 1];
    int64_t limit_bytes;
    int64_t armed_wall_us;
};

void about_encode(const struct about *a, struct str *out);
/* ERR_UNSUPPORTED for another version, ERR_CORRUPT for what isn't one. */
int about_decode(const char *bytes, size_t length, struct about *a, struct err *e);

/* ---- fate ---- */

enum fate {
    FATE_NONE,  /* no such file */
    FATE_EMPTY, /* created, nothing in it yet: while its creator lives it decides; after that it is void, for
                 * "started" is on the disk before anything is */
    FATE_STARTED, /* also anything that can't be read: only a clear "void" is believed */
    FATE_VOID,
};

enum fate fate_decode(const char *bytes, size_t length, int64_t *wall_us);
enum fate fate_read(int folder, int64_t *wall_us);
/* Creates it O_EXCL and brings it and its name to the disk. ERR_EXISTS: somebody else has decided. */
int fate_decide(int folder, enum fate fate, int64_t wall_us, mode_t mode, struct err *e);

/* ---- exit ---- */

#define EXIT_RECORD_SIZE 512

struct exit_record {
    enum exec_how how; /* EXITED, SIGNALLED, TIMED_OUT, CANCELLED, HUNG_UP or NOT_STARTED */
    int status;
    int signal;
    int error;
    int64_t started_wall_us;
    int64_t ended_wall_us;
    int64_t duration_us;
    int64_t stdout_bytes; /* that the step wrote */
    int64_t stderr_bytes;
    int64_t dropped_bytes; /* of both, not in the spool */
    bool survivors;
    bool exports_cut;
    char text[160];
};

void exit_encode(const struct exit_record *r, const char *key, uint8_t bytes[static EXIT_RECORD_SIZE]);
/* False for anything that isn't exactly what exit_encode makes for this key. */
bool exit_decode(const uint8_t *bytes, size_t length, const char *key, struct exit_record *r);
bool exit_read(int folder, const char *key, struct exit_record *r);
/* Into the preallocated file: needs no room on the disk. */
int exit_write(int fd, const struct exit_record *r, const char *key, struct err *e);

/* ---- exports ---- */

/* NAME=VALUE strings, each ended by NUL, behind a checksum. */
void exports_encode(char *const *exports, struct str *out);
/* NULL when the bytes are torn; strv_free. */
char **exports_decode(const char *bytes, size_t length);
/* What stands in an `env -0` of the step and not in what it was given, without what shells set by themselves.
 * An entry cut off before its NUL is left out. Never NULL; strv_free. */
char **exports_select(const char *dump, size_t length, char *const *given);

/* ---- the frames of the spool ---- */

#define FRAME_PAYLOAD_MAX 65536
#define FRAME_HEAD        16 /* magic, length, stream, zero: u32 each */
#define FRAME_TAIL        8  /* checksum64 of head and payload */
#define FRAME_MAX         (FRAME_HEAD + FRAME_PAYLOAD_MAX + FRAME_TAIL)

/* Puts head and tail around length payload bytes that stand at frame + FRAME_HEAD; returns the size of the
 * whole. */
size_t frame_seal(uint8_t *frame, enum exec_stream stream, size_t length);
/* The size of the first frame in bytes; 0 when it isn't complete, negative when it isn't one. */
ssize_t frame_open(const uint8_t *bytes, size_t length, enum exec_stream *stream, size_t *payload);

#endif
