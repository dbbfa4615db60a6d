/* The way of a request from the console to its supervisor: a sealed piece of memory, for the environment may
 * hold secrets. And what that environment is. */
#ifndef BELAY_EXECUTE_REQUEST_H
#define BELAY_EXECUTE_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/execute/execute.h"

#define REQUEST_BYTES_MAX (16u << 20)

/* What the supervisor needs to know. */
struct request {
    char **argv;
    char **env; /* complete */
    char *cwd;  /* absolute */
    int64_t timeout_us;
    int64_t grace_us;
    int64_t limit_bytes;
    bool capture_exports;
    bool terminal; /* it comes as SUPERVISOR_FD_TERMINAL */
};

void request_fini(struct request *r);
void request_encode(const struct request *r, struct str *out);
int request_decode(const char *bytes, size_t length, struct request *r, struct err *e);

/* The environment of a step: inherited, without what would change how a shell reads the step, what describes
 * this terminal, what service managers gave to us alone, and every BELAY_*; then env over it, the last of a
 * name wins; then the folders of path in front of PATH. Each argument may be NULL. strv_free. */
char **environment_make(char *const *inherited, char *const *path, char *const *env);

#endif
