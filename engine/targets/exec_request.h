/* What one command line of `belay exec` asks for. */
#ifndef BELAY_TARGETS_EXEC_REQUEST_H
#define BELAY_TARGETS_EXEC_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/targets/exec.h"

#define EXEC_SPOOL_BYTES (256ULL << 20) /* of input and output each, unless --spool says otherwise */

struct exec_request {
    struct exec_plan plan;
    int64_t grace_ms;
    uint64_t spool_bytes;
    bool quiet, version;
    bool json;
    int json_fd;           /* STDERR_FILENO unless said; -1: json_file */
    const char *json_file; /* borrowed from argv */
};

/* argv from after "exec". ERR_USAGE says what is wrong and how to mend it. exec_request_fini in either case.
 */
int exec_request_parse(struct exec_request *q, int argc, char *const *argv,
                       const struct exec_resolver *resolver, struct err *e);
void exec_request_fini(struct exec_request *q);

/* The name among names that text most likely meant; NULL when none is near. */
const char *exec_nearest(const char *text, const char *const *names, size_t count);

/* "NAME [cost=X] [accuracy=Y]: COMMAND": the tier filled, the command's text appended. */
int exec_fallback_parse(const char *text, struct exec_tier *tier, struct str *command, struct err *e);

/* The command's descriptor on which HTTP status lines come; -1: none. Only of a tier by exec_tier_command. */
void exec_tier_status(struct exec_tier *tier, int fd);

#endif
