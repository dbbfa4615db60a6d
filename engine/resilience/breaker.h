/* A circuit breaker: admits calls while a target works, refuses them for a while when it doesn't, then lets a
 * few probes through. A state machine over (state, event, now): now_ms is any monotonic clock, the same in
 * all calls (boot time for a breaker that processes share). Embedded, fixed size, no allocation. Included
 * through resilience.h.
 *
 *   CLOSED --trips--> OPEN --cool-down over--> HALF_OPEN --successes--> CLOSED, --one failure--> OPEN
 *
 * HALF_OPEN is what OPEN becomes when its deadline has passed: computed when read, with the next generation,
 * so no timer is needed. FORCED_OPEN (refuses), DISABLED (always admits) and METRICS_ONLY (always admits,
 * counts, never trips) are set by hand with actor, reason and expiry, and block the automatic transitions
 * until they end. */
#ifndef BELAY_RESILIENCE_BREAKER_H
#define BELAY_RESILIENCE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/resilience/window.h"

/* name, text */
#define BREAKER_STATES(X)                                                                                    \
    X(CLOSED, "CLOSED")                                                                                      \
    X(OPEN, "OPEN")                                                                                          \
    X(HALF_OPEN, "HALF_OPEN")                                                                                \
    X(FORCED_OPEN, "FORCED_OPEN")                                                                            \
    X(DISABLED, "DISABLED")                                                                                  \
    X(METRICS_ONLY, "METRICS_ONLY")
enum breaker_state {
#define X(name, text) BREAKER_##name,
    BREAKER_STATES(X)
#undef X
        BREAKER_STATE_COUNT
};
const char *breaker_state_text(enum breaker_state state);
bool breaker_state_parse(const char *text, enum breaker_state *state);

#define BREAKER_PROBES_MAX 4

struct breaker_rules {
    uint32_t failures;         /* in a row that trip it; 0: not by this rule */
    uint16_t rate_permille;    /* failed calls of the window that trip it; 0: not by this rule */
    uint16_t slow_permille;    /* slow calls of the window that trip it; 0: not by this rule */
    int64_t slow_ms;           /* from which on a call is slow */
    uint32_t minimum_calls;    /* in the window before a rate says anything */
    uint32_t window_calls;     /* the window: the last so many calls ... */
    int64_t window_ms;         /* ... or this long; one of the two is 0 */
    int64_t cool_down_ms;      /* after the first trip */
    uint32_t multiplier_milli; /* of the cool-down at each reopening: 1000 stays */
    int64_t cool_down_cap_ms;
    uint16_t jitter_permille;   /* of the cool-down, to both sides */
    uint8_t probes;             /* unresolved at a time in HALF_OPEN, 1 to BREAKER_PROBES_MAX */
    uint8_t successes_to_close; /* at least 1 */
    int64_t lease_ms;           /* of a probe: min(call's time-out, cool-down); 0: the cool-down */
};

/* 5 failures in a row; 60 s cool-down, +-10 %, the same each time; 1 probe, 1 success closes; rates off, and
 * when asked for: 60 s, 20 calls. */
struct breaker_rules breaker_rules_default(void);
/* ERR_RANGE, naming the field, also for rules by which it could never trip or never close. */
int breaker_rules_check(const struct breaker_rules *r, struct err *e);

/* 0 and r is changed; ERR_SYNTAX, ERR_RANGE, naming the rule, also what breaker_rules_check finds:
 * "failures=5,cool-down=60s,rate=0.5,slow-rate=0.8,slow=2s,minimum=20,window=60s (or
 * 100),multiplier=2,cap=10m,jitter=0.1, probes=1,successes=1,lease=30s": over what r holds. */
int breaker_rules_parse(const char *text, struct breaker_rules *r, struct err *e);

struct breaker_counts { /* ever */
    uint64_t admitted, refused, succeeded, failed, ignored, cancelled;
    uint64_t late;    /* of these results: by a token of an older generation */
    uint64_t expired; /* leases whose end was a failure; the probe's own result may still come, late */
    uint64_t trips;
};

struct breaker {
    enum breaker_state state; /* as last written: ask breaker_state() */
    uint32_t generation;      /* grows at every change of state */
    uint32_t in_a_row;        /* failures */
    uint32_t reopens;         /* trips since it was last CLOSED, less one */
    uint32_t closing;         /* successes of this HALF_OPEN */
    uint32_t unresolved;      /* plain tokens of any generation, and the probes of this one */
    int64_t since_ms;
    int64_t until_ms;                   /* end of the cool-down, or of a forced state (0: none) */
    int64_t rest_until_ms;              /* that the target asked for (429) */
    int64_t reopen_ms;                  /* the cool-down that the next reopening will have */
    int64_t leases[BREAKER_PROBES_MAX]; /* of probes: deadline, 0 free */
    uint64_t seed;
    struct breaker_counts counts;
    struct window window;
};
_Static_assert(sizeof(struct breaker) <= 512, "a breaker has at most 512 bytes");

struct breaker_token {
    uint32_t generation; /* 0: resolved */
    uint8_t kind;        /* BREAKER_CLOSED a plain call, BREAKER_HALF_OPEN a probe ... */
    uint8_t slot;        /* of a probe's lease */
    int64_t admitted_ms;
};

struct breaker_refusal {
    enum breaker_state state;
    int64_t retry_after_ms; /* until the next admission can be; -1: not by itself */
    bool resting;           /* only because the target asked for a rest, not because of a trip */
};

enum breaker_result { BREAKER_SUCCESS, BREAKER_FAILURE, BREAKER_IGNORED, BREAKER_CANCELLED };

void breaker_init(struct breaker *b, const struct breaker_rules *r, uint64_t seed, int64_t now_ms);

/* The state at now_ms: HALF_OPEN once the cool-down is over, OPEN again once a probe's lease is, CLOSED once
 * a forced state ended. Changes nothing. */
enum breaker_state breaker_state(const struct breaker *b, int64_t now_ms);
/* Since when it has been in that state; may be before its clock's 0. */
int64_t breaker_since_ms(const struct breaker *b, int64_t now_ms);
/* It has opened again since it was last CLOSED, and no probe has succeeded since: that it is OPEN or
 * HALF_OPEN now is still the outage for which it opened. */
bool breaker_same_outage(const struct breaker *b, int64_t now_ms);
/* From now_ms until the next change that time alone makes, or the end of a rest; -1: none. For a heap of
 * deadlines, and for a countdown. */
int64_t breaker_due_ms(const struct breaker *b, int64_t now_ms);
/* How long the target still rests; 0: it doesn't. */
int64_t breaker_resting_ms(const struct breaker *b, int64_t now_ms);

/* True: the call may be made, and token must be resolved exactly once. False: refusal (may be NULL) says why.
 */
bool breaker_admit(struct breaker *b, const struct breaker_rules *r, int64_t now_ms,
                   struct breaker_token *token, struct breaker_refusal *refusal);
/* A token of an older generation changes lifetime counts only. An expired lease has counted as a failure
 * already. took_ms is for the slow-call rate. The token is used up; resolving it again does nothing. True
 * when the state changed. */
bool breaker_resolve(struct breaker *b, const struct breaker_rules *r, struct breaker_token *token,
                     enum breaker_result result, int64_t took_ms, int64_t now_ms);
/* The target asked for a rest (429, Retry-After): refuses until then (at most BREAKER_REST_MAX from now_ms; a
 * time not after now_ms: it did not say for how long, the first cool-down), but this is no failure and no
 * trip. */
#define BREAKER_REST_MAX (24LL * 3600 * 1000) /* ms */
void breaker_rest(struct breaker *b, const struct breaker_rules *r, int64_t until_ms, int64_t now_ms);
/* A probe whose holder is known to live (dead): its lease is good again from now_ms (over). To be told before
 * the breaker is asked anything else at now_ms: a lease that ran out by the clock is otherwise a failure. */
void breaker_lease(struct breaker *b, const struct breaker_rules *r, unsigned slot, bool holder_lives,
                   int64_t now_ms);

/* FORCED_OPEN, DISABLED or METRICS_ONLY until until_ms (0: until told otherwise); CLOSED: back to automatic,
 * closed, with nothing held against the target. Who and why is the caller's to keep. */
void breaker_force(struct breaker *b, const struct breaker_rules *r, enum breaker_state state,
                   int64_t until_ms, int64_t now_ms);

/* Stored form, little-endian and versioned: times relative to now_ms, so that it can be read by another
 * clock. */
#define BREAKER_STORED_BYTES 512
size_t breaker_store(const struct breaker *b, int64_t now_ms, uint8_t bytes[static BREAKER_STORED_BYTES]);
/* now_ms by the reader's clock, passed_ms since it was stored (0 on another boot: the remaining times begin
 * anew). ERR_CORRUPT. What doesn't fit the rules any more is clamped (a cool-down to at most the rules' cap).
 */
int breaker_restore(struct breaker *b, const struct breaker_rules *r, const uint8_t *bytes, size_t length,
                    int64_t now_ms, int64_t passed_ms, struct err *e);

#endif
