/* The sources: what a configuration says to watch, polled each at its own pace, and what came back turned
 * into observations by a mapping. Nothing here knows the model: every answer, and every failure to answer, is
 * handed on as one struct batch, ready for platform_apply.
 *
 * Every source polls by itself on a fixed schedule (start + k * every, missed turns are skipped), never
 * overlaps itself, and is bounded in time and size. A source that is down, slow or lying gives a batch with
 * an error and disturbs no other. Large answers are read in the pool.
 *
 * The mapping language is described in docs/mapping.md; presets are files.
 */
#ifndef BELAY_SOURCES_SOURCES_H
#define BELAY_SOURCES_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/config/config.h"
#include "engine/io/io.h"
#include "engine/platform/platform.h"
#include "engine/resilience/resilience.h"

struct sources;
struct journal;

struct sources_events {
    /* One answer or failure, on the loop; borrowed for the call. now_us is monotonic, wall_us UTC: when the
     * answer came. */
    void (*batch)(void *data, const struct batch *b, int64_t now_us, int64_t wall_us);
    void (*status)(void *data, size_t index); /* what sources_status says has changed; may be NULL */
    void *data;
};

/* Checks every source of the configuration: kind, preset, variables, mapping, URL. All findings, with
 * file:line:column, are added to findings (may be NULL). 0, or the code of the first error, whose text is in
 * e. Nothing is contacted. */
int sources_check(const struct config *c, struct config_findings *findings, struct err *e);

/* Makes the sources of a configuration (borrowed until sources_free; NULL: none), polls nothing yet. Fails
 * where sources_check would. */
struct sources *sources_new(struct loop *l, const struct config *c, const struct sources_events *events,
                            struct err *e);
/* Ends polls under way without a batch. NULL is fine; not from a callback of its own. */
void sources_free(struct sources *s);

/* Shares their breakers (targets.h): borrowed until sources_free, or the keeper goes first. */
struct keeper;
void sources_keep(struct sources *s, struct keeper *keeper);

/* What sources of kind journal read: borrowed until sources_free. NULL: nothing was journaled yet, or, with
 * `why`, it can't be read. */
void sources_set_journal(struct sources *s, struct journal *journal, const char *why);

/* Registers every source with the platform (platform_source_add) and what its mapping expects by name. */
void sources_register(const struct sources *s, struct platform *p, int64_t now_us, int64_t wall_us);

/* Polls for ever, each at its interval, the first time at once (a thousand of them within half an interval).
 */
void sources_start(struct sources *s);
/* One pass: polls every source once, all at the same time, and calls done on the loop when the last batch is
 * out. Each is bounded by its time-out. Not after sources_start. */
void sources_once(struct sources *s, void (*done)(void *data), void *data);

struct source_status {
    const char *name, *kind;
    const char *preset; /* "" without one */
    const char *target; /* the URL without a password, or the command's words */
    bool answered;      /* it has answered at least once */
    bool polling;       /* a poll is under way */
    const char
        *error;       /* of the last poll: why it failed, or why its answer is unclear; "" when it was good */
    const char *note; /* what is good to know though it answered: "12 keys are not read yet"; "" */
    int64_t every_us, timeout_us;
    int64_t last_good_us; /* wall; 0 never */
    int64_t last_try_us;  /* wall; 0 never */
    int64_t age_us;       /* since the last good answer, monotonic; -1 never */
    int64_t next_us;      /* until the next poll, monotonic; 0 due or under way, -1 not scheduled */
    int64_t latency_us;   /* of the last answer */
    uint64_t bytes;       /* of the last answer */
    uint64_t bytes_total;
    uint64_t answers, failures;
    uint32_t failures_in_a_row;
    size_t rows;            /* observations of the last good answer */
    const char *failure;    /* class of the last poll's failure: "timeout"; "none" */
    const char *breaker;    /* the state of its breaker: "CLOSED" */
    uint32_t failed_before; /* failures in a row that the last success ended */
    double success_rate;    /* of the last hour's polls; NaN without any */
};

size_t sources_count(const struct sources *s);
/* Texts are borrowed until the next loop turn. */
void sources_status(struct sources *s, size_t index, struct source_status *status);
/* Its failures, newest first, at most SOURCE_MISHAPS of them. Returns how many. */
#define SOURCE_MISHAPS 10
struct source_mishap {
    int64_t at_us;     /* wall */
    const char *class; /* "timeout" */
    char text[160];
};
size_t sources_mishaps(const struct sources *s, size_t index,
                       struct source_mishap out[static SOURCE_MISHAPS]);

/* -1 when there is none. */
int sources_find(const struct sources *s, const char *name);

#endif
