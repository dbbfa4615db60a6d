/* HTTP status lines among what a command writes on a descriptor: "HTTP/1.1 503 Service Unavailable" (curl -D)
 * or "503" alone on a line (curl -w '%{http_code}\n'), and "Retry-After: 5". The last final status counts. */
#ifndef BELAY_TARGETS_EXEC_STATUS_H
#define BELAY_TARGETS_EXEC_STATUS_H

#include <stddef.h>

#include "engine/base/base.h"

#define EXEC_STATUS_LINE 1024 /* longer ones are none */

struct exec_status {
    int status; /* 100 to 599; 0: none came */
    char retry_after[128];
    char line[EXEC_STATUS_LINE];
    size_t length;
    bool passing; /* the rest of this line is none of ours */
};

/* What is no status line is appended to rest (may be NULL: dropped), as soon as that is certain. */
void exec_status_feed(struct exec_status *s, const char *bytes, size_t length, struct str *rest);
/* The last line had no end. */
void exec_status_finish(struct exec_status *s, struct str *rest);

#endif
