/* What this host's processes know together about whom they call: for each target its breaker, its retry
 * budget and its measures, in a small database of their own (state.db, SQLite, WAL, NORMAL: losing it costs a
 * breaker's state) beside the journal. Short transactions; every write under the database's guard. Included
 * through targets.h.
 *
 * A target is a name of at most 128 bytes: "pay-api", "source/api", "chain/answers/gpt-4", "mirror". Times
 * across processes are boot time; what an earlier boot left goes on with what remained. */
#ifndef BELAY_TARGETS_STATE_H
#define BELAY_TARGETS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/resilience/resilience.h"

#define TARGET_NAME_LIMIT 128

struct targets;

/* The database in folder (made if need be). Never waits longer than 2 s for others; ERR_BUSY names the
 * holder. read_only: nothing is made, ERR_NOT_FOUND when there is none. */
int targets_open(const char *folder, bool shared, bool read_only, struct targets **targets, struct err *e);
/* For a caller with a deadline: others are waited for no longer than that, 2 s at most. */
int targets_open_within(const char *folder, bool shared, bool read_only, int64_t wait_ms,
                        struct targets **targets, struct err *e);
void targets_patience(struct targets *t, int64_t wait_ms); /* from now on */
void targets_close(struct targets *t);                     /* NULL is fine */
/* One line of what a person should know though it goes on: the file was damaged, set aside and begun anew.
 * NULL: nothing. Borrowed. */
const char *targets_warning(const struct targets *t);

/* Who a forced state, or a probe's lease, belongs to. */
struct target_hand {
    char actor[128], reason[256];
    int64_t until_wall_us; /* 0: until told otherwise */
};

struct target_admission {
    struct breaker_token token;
    int lease;                /* a descriptor whose lock says that a probe's holder lives; -1: none */
    bool written;             /* the admission is in the database already (a probe) */
    char last_error[160];     /* when it is refused: why a call failed last; "", */
    struct target_hand hand;  /* and of a forced state, by whom and why */
    const char *error;        /* set it before target_resolve: why it failed, for a person; NULL */
    bool changed;             /* by target_resolve: the breaker's state is another one, */
    enum breaker_state state; /* namely this */
};

/* One short transaction; a plain call in CLOSED writes nothing. 1 admitted, 0 refused, negative: the database
 * can't be used (ERR_BUSY, ERR_IO ...): then the caller calls without it and warns. budget (may be NULL) is
 * given as it stands. */
int target_admit(struct targets *t, const char *name, const struct breaker_rules *rules,
                 struct target_admission *admission, struct breaker_refusal *refusal, struct budget *budget,
                 struct err *e);
/* Resolves it, and ends a probe's lease (also when it fails). rest_ms > 0: the target asked for a rest. */
int target_resolve(struct targets *t, const char *name, const struct breaker_rules *rules,
                   struct target_admission *admission, enum breaker_result result, int64_t took_ms,
                   int64_t rest_ms, unsigned budget_tokens, struct err *e);
/* An operation's end, or a tier's hit, into the target's measures. chain NULL: none; tier from 1. */
struct target_operation {
    const char *target, *chain;
    unsigned tier, tier_count;
    double tier_cost, accuracy;
    const char *passed_over; /* why, for a person: it becomes the last error; NULL: it wasn't */
    struct measures_sums sums;
};
int target_count(struct targets *t, const struct target_operation *o, struct err *e);

/* FORCED_OPEN, DISABLED, METRICS_ONLY, or CLOSED: back to automatic. ERR_NOT_FOUND: no such target. */
int target_force(struct targets *t, const char *name, enum breaker_state state,
                 const struct target_hand *hand, struct err *e);

/* For a breaker that a process keeps in memory (now_ms is boot time there too) and shares at its changes of
 * state: what it counted since last time is added up, and the newer state of the two (the later generation)
 * is the one of both. since: its counts as of the last time, {0} at first. adopted (may be NULL): the other
 * one was newer. error NULL: as it was. */
int target_share(struct targets *t, const char *name, const struct breaker_rules *rules, struct breaker *b,
                 struct breaker_counts *since, const char *error, bool *adopted, struct err *e);

/* Everything that is known of one target. */
struct target_view {
    char name[TARGET_NAME_LIMIT + 1], chain[TARGET_NAME_LIMIT + 1];
    unsigned tier, tier_count;
    double cost, accuracy;
    bool has_breaker;
    enum breaker_state state;
    int64_t used_wall_us;          /* written last */
    int64_t since_wall_us, due_ms; /* due: until the next probe, -1 none */
    double failure_rate, slow_rate;
    struct breaker_counts counts;
    uint32_t generation;     /* of the breaker: grows at each change of state */
    bool same_outage;        /* breaker_same_outage */
    struct target_hand hand; /* of a forced state */
    char last_error[160];
    struct measures_sums spans[MEASURES_SPAN_COUNT];
};
/* All of them, sorted by name, freed by the caller as one block. One read transaction. */
int targets_read(struct targets *t, struct target_view **views, size_t *count, struct err *e);
/* Grows whenever any process changed something: cheap to ask. */
int targets_version(struct targets *t, int64_t *version, struct err *e);

#endif
