/* The breakers that a long-lived process keeps in memory, and how it shares them through the state database.
 * Included through targets.h. */
#ifndef BELAY_TARGETS_KEEPER_H
#define BELAY_TARGETS_KEEPER_H

#include "engine/targets/state.h"

/* For one whom this process calls itself, one call at a time (a source, the mirror, who is on call).
 * Embedded. Its clock is boot time. */
struct kept {
    char name[TARGET_NAME_LIMIT + 1]; /* "source/api" */
    const char *own;                  /* what it is for: "source", "mirror", "oncall" */
    struct breaker_rules rules;
    struct breaker breaker;
    struct breaker_counts since; /* of the breaker, as of the last sharing */
    struct breaker_token token;  /* of the call under way; generation 0: none */
    struct target_hand hand;
    char error[160];           /* of the last failure */
    int64_t since_us;          /* wall: in its state since */
    bool changed;              /* since it was shared */
    struct measures *measures; /* of this process's calls; NULL before the first */
};
/* Of one that is asked at an interval. It has to be seen that it is back: rests for three of them, 5 s at
 * least. */
struct breaker_rules kept_rules(int64_t every_us);
void kept_init(struct kept *k, const char *own, const char *name, const struct breaker_rules *rules);
void kept_fini(struct kept *k);
/* True: the call may be made and ends with kept_end. */
bool kept_admit(struct kept *k);
/* failure NULL: it succeeded. rest_ms > 0: it asked for a rest. Without a call under way it only rests. */
void kept_end(struct kept *k, const struct failure *failure, int64_t took_ms, int64_t rest_ms);
/* How its calls have been going since this process began. */
void kept_measures(const struct kept *k, enum measures_span span, struct measures_sums *sums);
enum breaker_state kept_state(const struct kept *k);
int64_t kept_wait_ms(const struct kept *k); /* how long it will refuse; 0: it doesn't; -1: until told */

/* Shares kept breakers at their changes of state, in the pool, and reads what other processes have changed
 * there once a second. */
struct loop;
struct keeper;
struct keeper_options {
    const char *folder;
    const char *also; /* of a second database, never made here: what `belay exec` without a configuration
                         uses; or NULL */
    bool shared, read_only;
    void (*changed)(void *data); /* on the loop: what keeper_views and the kept ones say is new */
    void *data;
};
struct keeper *keeper_new(struct loop *loop, const struct keeper_options *options);
void keeper_add(struct keeper *k, struct kept *kept);
/* Shares what has changed, waits at most 3 s for others, and lets go of the kept ones. NULL is fine. */
void keeper_free(struct keeper *k);
/* Has it read the database, or tried? */
bool keeper_ready(const struct keeper *k);
/* Everything in the databases as of the last look, the kept ones too (as they were stored). Borrowed until
 * the next turn. */
const struct target_view *keeper_views(const struct keeper *k, size_t *count);
struct kept *const *keeper_kept(const struct keeper *k, size_t *count);
/* NULL, or why the state database can't be used (or what became of it). */
const char *keeper_trouble(const struct keeper *k);
/* target_force in the database that knows the name, in the pool; done on the loop. */
void keeper_force(struct keeper *k, const char *name, enum breaker_state state,
                  const struct target_hand *hand, void (*done)(void *data, int code, const char *message),
                  void *data);

#endif
