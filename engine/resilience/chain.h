/* One operation over a chain of tiers: fallback( retry( breaker( concurrency( time-out( call ))))). A pure
 * machine: it says what to do next, the caller does it and tells what came of it, until it is done. A chain
 * of one tier without cached answers is a plain call under a policy. Included through resilience.h. */
#ifndef BELAY_RESILIENCE_CHAIN_H
#define BELAY_RESILIENCE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/resilience/policy.h"

#define CHAIN_TIERS_MAX 16

struct chain_tier {
    const char *name;
    double cost, accuracy; /* of one call; NaN: not said */
    uint64_t input_max;    /* bytes of input it can take; 0: not said */
    bool provable; /* a failure of it can be provably before anything began: see struct chain_order, last */
};

struct chain_plan { /* borrowed while an operation runs */
    const struct chain_tier *tiers;
    size_t tier_count;
    const struct policy *policy;
    uint64_t input_bytes; /* 0: not known */
    bool has_cached;      /* a cached answer for this very id stands ready */
    bool has_refusal;     /* a safe text for when nothing serves */
};

/* What the caller is to do. name, help */
#define CHAIN_ORDERS(X)                                                                                      \
    X(ADMIT, "ask the tier's breaker: chain_admitted or chain_refused")                                      \
    X(CALL, "make the attempt, at most timeout_ms (0: no limit): chain_ended")                               \
    X(WAIT, "let wait_ms pass: chain_waited")                                                                \
    X(DONE, "the operation is over: outcome")
enum chain_order_kind {
#define X(name, help) CHAIN_##name,
    CHAIN_ORDERS(X)
#undef X
};

/* Exactly one for each operation. name, text */
#define CHAIN_OUTCOMES(X)                                                                                    \
    X(SERVED, "served")                                                                                      \
    X(CACHED, "cached")                                                                                      \
    X(REFUSED, "refused")                                                                                    \
    X(FAILED, "failed")                                                                                      \
    X(REJECTED, "rejected")                                                                                  \
    X(TIMED_OUT, "timed-out")                                                                                \
    X(SKIPPED, "skipped")                                                                                    \
    X(CANCELLED, "cancelled")
enum chain_outcome {
#define X(name, text) CHAIN_##name,
    CHAIN_OUTCOMES(X)
#undef X
};
const char *chain_outcome_text(enum chain_outcome outcome);

struct chain_order {
    enum chain_order_kind kind;
    size_t tier;
    unsigned attempt; /* over the whole operation, from 1 */
    bool last;        /* CALL: whatever comes of it, no later attempt follows: output need not be kept back */
    int64_t timeout_ms, wait_ms;
    enum chain_outcome outcome; /* DONE */
};

/* Why a tier did not serve, for each of them. name, text */
#define CHAIN_SKIPS(X)                                                                                       \
    X(NOT_REACHED, "not reached")                                                                            \
    X(OPEN, "its breaker refuses")                                                                           \
    X(RESTING, "it asked for a rest")                                                                        \
    X(INPUT, "the input is too large for it")                                                                \
    X(COST, "it would go over the cost ceiling")                                                             \
    X(BUSY, "as many calls as allowed are under way")                                                        \
    X(FAILED, "failed")                                                                                      \
    X(SERVED, "served")
enum chain_skip {
#define X(name, text) CHAIN_TIER_##name,
    CHAIN_SKIPS(X)
#undef X
};
const char *chain_skip_text(enum chain_skip skip);

struct chain_part { /* of a tier, for --json and the journal */
    enum chain_skip skip;
    unsigned attempts;
    int64_t retry_after_ms; /* of a refusal; -1 */
    struct failure last;    /* class NONE: none */
};

struct chain {
    const struct chain_plan *plan;
    struct rng rng;
    struct chain_part parts[CHAIN_TIERS_MAX];
    struct budget
        budgets[CHAIN_TIERS_MAX]; /* as they stand at the start; the caller sets and takes them back */
    size_t tier;                  /* being tried; after DONE with SERVED the one that served */
    unsigned attempts;
    int64_t begun_ms, delay_ms, call_ms;
    double spent;
    struct chain_order order; /* the pending one */
    bool cancelled;
    unsigned pass; /* waits for the earliest tier so far */

    int64_t due_ms[CHAIN_TIERS_MAX]; /* when a tier that was left may be asked again; -1: not any more */
    int64_t wake_ms;                 /* of the pending wait */
    bool waits_for_any;              /* for the earliest tier, not for a tier's next attempt */
    bool too_large;                  /* a tier that takes too_large_max bytes (0: unknown) said so */
    uint64_t too_large_max;
};

/* ERR_RANGE: no tier, too many, a cost that is none, fewer attempts than tiers (the last ones would never be
 * reached). */
int chain_check(const struct chain_plan *plan, struct err *e);

/* The first order is in c->order; each of the others answers it and makes the next one. The budgets are full
 * by the policy until the caller sets them.
 *
 * The tiers are gone through once, in order. A failed tier is tried again as policy_retry says, as long as an
 * attempt is left for each tier behind it; one that asked for a rest is left at once when there is another.
 * When the last one is through, the operation waits for the earliest of those that refused, rest, or were
 * left with attempts open, if that is inside the deadline; without a deadline it doesn't wait for a breaker.
 * Then comes the cached answer, the refusal, or the failure (with the policy's end FALLBACK; with the others
 * no tier but the first serves, and nothing instead). What every tier would say alike ends it at once. */
void chain_begin(struct chain *c, const struct chain_plan *plan, uint64_t seed, int64_t now_ms);
/* Not every admission is followed by CALL: after DONE (the deadline passed meanwhile, it was called off) the
 * token is to be resolved as cancelled. */
void chain_admitted(struct chain *c, int64_t now_ms);
/* retry_after_ms as in struct breaker_refusal; resting: because of a 429, not of a trip; busy: concurrency.
 */
void chain_refused(struct chain *c, enum chain_skip why, int64_t retry_after_ms, int64_t now_ms);
/* What a call of it cost: cost, or what it says itself where that is NaN. Never NaN. */
double chain_tier_cost(const struct chain_tier *tier, double cost);
/* f->class NONE: it succeeded. cost: what it really cost, NaN: the tier's. */
void chain_ended(struct chain *c, const struct failure *f, double cost, int64_t now_ms);
void chain_waited(struct chain *c, int64_t now_ms);
/* A pending CALL stays to be ended (with FAILURE_CANCELLED, or as it came out); anything else is DONE. */
void chain_cancel(struct chain *c, int64_t now_ms);
/* What the tier's breaker is to be told of the call that has just ended with f. With VERDICT_COOL that is
 * IGNORED, and breaker_rest besides. */
enum breaker_result chain_verdict(const struct failure *f);

/* Why this operation has passed over a tier without asking its breaker (too large an input, the cost ceiling,
 * too busy); NULL: it hasn't. */
const char *chain_passed_over(const struct chain *c, size_t tier);

/* One line for whoever gets something lesser: "answered by claude (tier 2 of 3); gpt-4: its breaker refuses
 * for 41s". Appended; nothing when the first tier served. */
void chain_message(const struct chain *c, struct str *out);

#endif
