/* The inside of a source while it runs. Private to sources.c (its schedule) and poll.c (what comes of a
 * poll). */
#ifndef BELAY_SOURCES_RUNNING_H
#define BELAY_SOURCES_RUNNING_H

#include "engine/sources/source.h"

struct pool_job;

struct source {
    struct sources *owner;
    size_t index;
    const struct config_source *config;
    struct source_plan plan;
    struct mapping_memory *memory;
    struct secrets *secrets;
    void *state; /* of its kind */
    struct loop_timer *timer;
    struct pool_job *job; /* an answer is being read in the pool */
    bool polling, open;
    int once_left; /* polls still to do in the one-pass mode */
    int64_t start_us, next_us,
        poll_us;      /* monotonic; next_us -1: not scheduled; poll_us: when the poll began */
    struct kept kept; /* its breaker */
    /* what the panel shows */
    bool answered;
    char error[256];
    char note[200];
    int64_t last_good_wall_us, last_try_wall_us, last_good_us, latency_us;
    uint64_t bytes, bytes_total, answers, failures;
    uint32_t failures_in_a_row;
    enum failure_class failure; /* of the last poll */
    uint32_t failed_before;
    struct source_mishap *mishaps; /* a ring of SOURCE_MISHAPS; NULL before the first */
    size_t mishap_count;           /* ever */
    size_t rows;
};

struct sources {
    struct loop *loop;
    const struct config *config;
    struct sources_events events;
    struct http *http;
    struct journal *journal;   /* NULL: nothing was journaled yet, or ... */
    char journal_trouble[256]; /* ... why it can't be read */
    struct source *list;
    size_t count;
    bool once; /* one pass, instead of for ever */
    size_t once_waiting;
    struct loop_timer *once_timer; /* tells the end outside of any callback */
    void (*once_done)(void *data);
    void *once_data;
};

/* In sources.c: the poll is over, and its batch is out. */
void source_poll_ended(struct source *s);
/* In poll.c: forgets the answer being read in the pool. */
void source_job_drop(struct source *s);

#endif
