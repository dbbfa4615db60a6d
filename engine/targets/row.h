/* One target as its row holds it. Private to the room. */
#ifndef BELAY_TARGETS_ROW_H
#define BELAY_TARGETS_ROW_H

#include "engine/targets/database.h"

struct row {
    int64_t id; /* 0: not in the database yet */
    char name[TARGET_NAME_LIMIT + 1], chain[TARGET_NAME_LIMIT + 1];
    unsigned tier, tiers;
    double cost, accuracy; /* NaN: not said */
    int64_t used_us;       /* wall: written last */
    int64_t since_us;      /* wall: since when the breaker is in its state */
    bool has_breaker;
    struct breaker breaker;
    struct breaker_rules rules; /* the caller's, else those of the last writer */
    int64_t budget;             /* tenths; -1: none kept */
    char error[160];
    struct target_hand hand;
};

/* Finds the row. Without one (or without a sound breaker in it) the breaker is a new one. rules NULL: as
 * stored. */
int row_find(struct targets *t, const char *name, const struct breaker_rules *rules, int64_t now_ms,
             struct row *row, struct err *e);
/* The same of a statement that stands on a row of TARGETS_ALL. */
void row_read(struct targets *t, sqlite3_stmt *statement, const struct breaker_rules *rules, int64_t now_ms,
              struct row *row);
/* Makes the row where there is none. In a write transaction. */
int row_make(struct targets *t, struct row *row, struct err *e);
/* Writes breaker, budget, hand and error. was: the state and generation before, for since_us. */
int row_write(struct targets *t, struct row *row, enum breaker_state state, uint32_t generation,
              int64_t now_ms, struct err *e);

/* Adds what has been counted since. */
void counts_grow(struct breaker_counts *to, const struct breaker_counts *now,
                 const struct breaker_counts *since);

/* read.c: how long what was read stays so if nobody writes: until the next deadline; meanwhile countdowns go
 * on, and the measures of what was called in the hour past fade. INT64_MAX: for ever. */
int64_t views_good_ms(const struct target_view *views, size_t count, int64_t wall_us);

/* sums.c: adds to the rings of the target. In a write transaction. */
int sums_count(struct targets *t, int64_t target, const struct measures_sums *sums, int64_t now_ms,
               struct err *e);
int sums_read(struct targets *t, int64_t target, int64_t now_ms,
              struct measures_sums spans[static MEASURES_SPAN_COUNT], struct err *e);

#endif
