/* Turns the chain machine for one operation: asks breakers, makes attempts, waits, counts, and says in a line
 * what failed. */
#ifndef BELAY_TARGETS_EXEC_DRIVE_H
#define BELAY_TARGETS_EXEC_DRIVE_H

#include "engine/targets/exec_request.h"
#include "engine/targets/exec_streams.h"

struct exec_made { /* an attempt */
    size_t tier;
    int64_t took_ms;
    double cost;
    struct failure failure;
};

struct exec_refused { /* by a tier's breaker */
    size_t tier;
    enum chain_skip why;
    enum breaker_state state;
    int64_t retry_after_ms;
    char last_error[160];
};

/* What became of an operation. */
struct exec_record {
    VEC(struct exec_made) made;
    VEC(struct exec_refused) refused;
    enum chain_outcome outcome;
    size_t tier; /* the one that served; with any other outcome the last one tried */
    int status;  /* of the last attempt */
    double cost;
    int64_t took_ms;
    struct str message; /* for whoever gets something lesser */
};

void exec_drive(const struct exec_request *q, bool has_cached, struct exec_streams *io,
                struct exec_record *record);
void exec_record_fini(struct exec_record *r);

bool exec_cached(const struct exec_plan *plan, struct str *answer);
/* One line to standard error: "belay exec: NAME: text", cleaned, in one write. */
void exec_say(const struct exec_plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* {"outcome", ...}: a line. exit_status: with what belay exec ends. */
void exec_record_json(const struct exec_record *r, const struct exec_plan *plan, int exit_status,
                      struct str *out);
/* "212ms", "1.5s", "2m". */
#define EXEC_TIME_SIZE 32
void exec_time_text(int64_t ms, char text[static EXEC_TIME_SIZE]);

#endif
