/* The model: what the platform looks like right now, as far as anybody told us. Sources hand in batches of
 * observations; the model turns them into entities with a condition, a history and transitions, and it never
 * says ok without a recent reason to: a source that is late by three intervals makes its entities unknown, a
 * row that vanished is gone (down if it was expected), what nobody calls is idle, what changes all the time
 * is flapping.
 *
 * Pure: no I/O and no clock. Every function that needs time is given it: now_us is monotonic and decides,
 * wall_us is UTC and is displayed. One thread. Texts handed in are borrowed for the call and copied; they may
 * be anything (they are cleaned where they are drawn), but are cut to the bounds below at a character's edge.
 *
 * Measures by kind (a source may add others; units are in the names, rates are per second, shares 0..1):
 *   signal     value, baseline, warn, crit (crit below warn: low values are the bad ones)
 *   breaker    failure_rate, slow_rate, calls and not_permitted (ever counted), trips, cool_down_s (left);
 *              of belay's own: success_rate, attempts (of an operation), retry_rate
 *   chain      tier (1 is first), hits (ever counted), hits_rate, cost (of a call), accuracy; of belay's own:
 *              tiers (how many there are), hits_hour, cost_hour (of the hour past), cool_down_s (left)
 *              one entity a tier; the group is the chain, the name "chain/tier name"
 *   shard      replicas, replicas_ok, points
 *              the name is "collection/shard", the group the collection
 *   job        done, total, rate, interval (records between checkpoints), checkpoint_age_s, eta_s, cost;
 *              late_s, stalled_s (ages of the newest checkpoint from which it is late, stalled)
 *   alert      severity (3 critical, 2 warning, 1 info)
 *   snapshot   age_s, schedule_s; of what is kept: kept (how many), oldest_s (the oldest's age), retention_s
 * and retention_most_s (how old that has to be, and may be) component  ready, replicas, restarts
 */
#ifndef BELAY_PLATFORM_PLATFORM_H
#define BELAY_PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

/* Bounds in bytes. A longer name (or group, or name of an attribute or measure) is refused, so that two can't
 * become one; a text (raw state, reason, attribute's value) and a snippet are cut. */
#define PLATFORM_NAME_LIMIT    256
#define PLATFORM_TEXT_LIMIT    256
#define PLATFORM_SNIPPET_LIMIT 1024

/* Bounds in numbers. Attributes and measures beyond them are dropped; entities are refused, and the source's
 * view counts them. */
#define PLATFORM_ATTRIBUTE_LIMIT 16
#define PLATFORM_MEASURE_LIMIT   16
#define PLATFORM_ENTITY_LIMIT    50000
#define PLATFORM_CHAIN_TIERS     16
#define PLATFORM_HISTORY         120 /* samples kept of a measure */

#define PLATFORM_LATE_INTERVALS 3                      /* silent for so many intervals: unknown */
#define PLATFORM_FLAP_CHANGES   5                      /* so many changes in ... */
#define PLATFORM_FLAP_WINDOW_US (300LL * 1000 * 1000)  /* ... so long: flapping */
#define PLATFORM_IDLE_AFTER_US  (60LL * 1000 * 1000)   /* a closed breaker's calls stood still so long */
#define PLATFORM_FORGET_US      (3600LL * 1000 * 1000) /* gone and not expected: forgotten after this */
#define PLATFORM_JOB_LATE_S     60                     /* without late_s */
#define PLATFORM_JOB_STALLED_S  300                    /* without stalled_s */

/* name, text, plural */
#define ENTITY_KINDS(X)                                                                                      \
    X(SIGNAL, "signal", "signals")                                                                           \
    X(BREAKER, "breaker", "breakers")                                                                        \
    X(CHAIN, "chain", "chains")                                                                              \
    X(SHARD, "shard", "shards")                                                                              \
    X(JOB, "job", "jobs")                                                                                    \
    X(ALERT, "alert", "alerts")                                                                              \
    X(SNAPSHOT, "snapshot", "snapshots")                                                                     \
    X(COMPONENT, "component", "components")

enum entity_kind {
#define X(name, text, plural) ENTITY_##name,
    ENTITY_KINDS(X)
#undef X
        ENTITY_KIND_COUNT,
    ENTITY_ANY = ENTITY_KIND_COUNT,
};

/* From best to worst, as `belay status` ranks them. NONE is no condition: in an observation it asks for one
 * to be derived (condition_derive); an entity never has it. */
#define CONDITIONS(X)                                                                                        \
    X(NONE, "none")                                                                                          \
    X(OK, "ok")                                                                                              \
    X(DEGRADED, "degraded")                                                                                  \
    X(UNKNOWN, "unknown")                                                                                    \
    X(DOWN, "down")

enum condition {
#define X(name, text) CONDITION_##name,
    CONDITIONS(X)
#undef X
        CONDITION_COUNT,
};

/* Names for both ways; *_parse returns false and leaves the value when there is no such name. */
const char *entity_kind_text(enum entity_kind kind);
const char *entity_kind_plural(enum entity_kind kind);
bool entity_kind_parse(const char *text, enum entity_kind *kind);
const char *condition_name(enum condition condition);
bool condition_name_parse(const char *text, enum condition *condition);

/* ---- Entities, read only for everybody else ---- */

struct attribute {
    const char *name;
    const char *value;
};

struct measure {
    const char *name;  /* interned: lives as long as the platform */
    double value;      /* the newest; NaN when the source did not give it the last time */
    float *history;    /* private: see entity_history */
    uint32_t recorded; /* private: sequence number of the source's newest sample in it */
    uint32_t first;    /* private: sequence number of the first sample */
};

enum entity_flag {
    ENTITY_GONE = 1 << 0, /* the source answers, but this row is no longer in it */
    ENTITY_IDLE = 1 << 1, /* nobody calls it: its state is old news, not good news */
    ENTITY_FLAPPING = 1 << 2,
    ENTITY_EXPECTED = 1 << 3,  /* it must be there: gone is down */
    ENTITY_SILENT = 1 << 4,    /* unknown because its source is late; raw is the last thing heard */
    ENTITY_BESIDE = 1 << 6,    /* its trouble is told by something else: no problem of its own */
    ENTITY_SINCE_OWN = 1 << 5, /* since_us is the source's own time, else when we first saw it */
};

struct entity {
    uint32_t id; /* never reused while the platform lives; 0 is nobody */
    enum entity_kind kind;
    enum condition condition;
    unsigned flags; /* enum entity_flag */
    const char *source;
    const char *name;  /* unique for kind and source */
    const char *group; /* "" without one */
    const char *raw;   /* the field's own word: Active, OPEN, firing ...; "" when it has none */
    const char
        *reason; /* why, when the source or the model knows; "" otherwise. See entity_reason for silence */
    int64_t since_us;      /* wall: in this condition and raw state since */
    int64_t first_seen_us; /* wall */
    int64_t last_seen_us;  /* wall: the last time that the source told us about it */
    const struct attribute *attributes;
    const struct measure *measures;
    uint32_t attribute_count;
    uint32_t measure_count;
    const char
        *snippet; /* NULL when none was given; snippet_length bytes, not terminated, may hold anything */
    uint32_t snippet_length;
    uint32_t
        change_count; /* changes since it was first seen; while flapping those too that were not reported */
};

/* "shard docs/shard-5". */
void entity_title(const struct entity *e, struct str *out);
/* "shard:store:docs/shard-5": the identity as text, stable over restarts (the journal's subject, a
 * selection). */
void entity_key(const struct entity *e, struct str *out);
/* Appends why the condition is what it is: "source silent 48s: connection refused", "gone", the source's
 * reason; nothing for a plain ok. minutes: ages in whole minutes (outside an incident). */
struct platform;
void entity_reason(const struct platform *p, const struct entity *e, int64_t wall_us, bool minutes,
                   struct str *out);
/* The newest value; NaN when there is no such measure. */
double entity_measure(const struct entity *e, const char *name);
/* "" when there is no such attribute. */
const char *entity_attribute(const struct entity *e, const char *name);
/* What a runbook may ask of an entity, `from: entity.FIELD`: kind, name, group, source, state, raw, reason,
 * an attribute or a measure, in this order. False when it has none. */
bool entity_field(const struct entity *e, const char *field, struct str *out);
/* A measure's samples, oldest first, at most `room` of them and PLATFORM_HISTORY; NaN where the source was
 * silent or did not give it. times_us (wall) may be NULL. Returns how many. */
size_t entity_history(const struct platform *p, const struct entity *e, const char *measure, float *values,
                      int64_t *times_us, size_t room);

/* ---- What sources hand in ---- */

struct measurement {
    const char *name;
    double value;
};

struct observation {
    enum entity_kind kind;
    const char *name;         /* not empty */
    const char *group;        /* NULL or "": none */
    enum condition condition; /* NONE: derived from raw and measures, see condition_derive */
    const char *raw;          /* NULL: none */
    const char *reason;       /* NULL: none */
    int64_t since_us;         /* wall, the source's own; 0: when we first saw it so */
    bool expected;            /* once seen it must stay: gone is down */
    bool idle;                /* the source knows that nobody calls it */
    bool beside;              /* its trouble is told by something else already: listed, but no problem */
    bool goes_on;             /* of the trouble that was told already: no change, no flapping */
    const struct attribute *attributes;
    size_t attribute_count;
    const struct measurement *measures;
    size_t measure_count;
    const char *snippet; /* NULL: none */
    size_t snippet_length;
};

/* One answer, or failure to answer, of one source. Two rows of the same kind and name in one batch: the worse
 * one is kept. */
struct batch {
    const char *source;
    const char *error;   /* NULL: the source answered. Else why it did not: "connection refused" */
    const char *unclear; /* NULL: it tells what it was asked for. Else why the answer is not the whole truth,
                            or none: what it does tell counts, and the source itself is unknown */
    bool partial;        /* rows that are missing are not gone, they were not asked for this time */
    int64_t took_us;     /* how long the answer took; 0 unknown */
    const struct observation *observations;
    size_t observation_count;
};

/* The condition by the table of normalised states, from raw and measures (ok | degraded | down); never ok for
 * what it does not understand. Words in any case, with blank, hyphen or underscore:
 *   breaker    CLOSED | HALF_OPEN, DISABLED, METRICS_ONLY | OPEN, FORCED_OPEN
 *   shard      replicas_ok of replicas; else Active, green ... | Partial, yellow ... | Dead, red ...
 *   signal     value against warn and crit (unknown without a value, ok without thresholds)
 *   snapshot   age_s against schedule_s: younger | late, or kept too short, too long or with gaps | older
 * than twice. Its word is then "late", "kept short", "kept long" or "gaps" job        running, done,
 * completed | paused, late, degraded | failed, stalled; a running one, or one without a word, by
 * checkpoint_age_s too alert      resolved, inactive | pending, suppressed, silenced | firing (severity below
 * 3: degraded) component  ready of replicas; else Running, Ready | Pending ... | CrashLoopBackOff, Failed ...
 *   chain      hits_rate; tiers without hits are judged by their chain's others: passed over is degraded,
 *              behind the one that serves is ok (and idle); OPEN is down; without any traffic unknown */
enum condition condition_derive(const struct observation *o);

/* ---- The platform ---- */

enum transition_kind {
    TRANSITION_APPEARED, /* first seen; from is NONE */
    TRANSITION_CHANGED,
    TRANSITION_GONE,
    TRANSITION_RETURNED, /* was gone */
    TRANSITION_FLAPPING, /* the fifth change in five minutes: changes are not reported singly from here */
    TRANSITION_SETTLED,  /* fewer than two changes in five minutes: the end of flapping; count says how many
                            there were, 0: nobody counted, an earlier process saw it flap */
    TRANSITION_SILENT,   /* its source is late; the source_change said it for all of them */
    TRANSITION_HEARD,    /* its source is back and it is as it was; a different condition is CHANGED, from the
                            last known */
};
const char *transition_kind_text(enum transition_kind kind);

struct transition {
    enum transition_kind kind;
    const struct entity *entity; /* as it is after */
    enum condition from, to;     /* from skips silence: it is what was known last */
    const char *raw_from, *raw_to;
    uint32_t count;    /* FLAPPING, SETTLED: changes (0: not counted); else 1 */
    bool first_answer; /* APPEARED in the source's first answer: not news */
    bool recalled;     /* an earlier process left it in this very state: not news */
    int64_t at_us;     /* wall */
};

enum source_state {
    SOURCE_NEW, /* not asked yet, or no answer yet and not late */
    SOURCE_OK,
    SOURCE_UNCLEAR, /* it answers, but not (all of) what it was asked for: what else there is, is unknown */
    SOURCE_FAILING, /* the last try failed; what it said before still counts */
    SOURCE_SILENT,  /* late by three intervals: all its entities are unknown */
};
const char *source_state_text(enum source_state state);

struct source_view {
    const char *name;
    const char *kind; /* prometheus, http, redis, command ... */
    enum source_state state;
    int64_t every_us;
    int64_t last_good_us;  /* wall; 0: never */
    int64_t last_try_us;   /* wall; 0: never */
    int64_t silent_for_us; /* monotonic, since the last good answer or since it was added */
    int64_t took_us;       /* the last answer */
    uint64_t answers, failures;
    uint32_t failures_in_a_row;
    size_t entity_count;  /* rows, gone ones not counted */
    size_t refused_count; /* rows of the last answer that were refused: no name, a bound, a bad kind */
    const char *error;    /* of the last try, or why it is unclear; "" when it was good */
};

/* Reported when a source's state changes; the view is as it is after. */
struct source_change {
    const struct source_view *source;
    enum source_state from, to;
    int64_t at_us; /* wall */
};

struct platform_events {
    void (*transition)(const struct transition *t,
                       void *data); /* NULL: not wanted. May not call back into apply or tick */
    void (*source)(const struct source_change *c, void *data); /* NULL: not wanted */
    void *data;
};

struct platform *platform_new(const struct platform_events *events); /* events may be NULL; copied */
void platform_free(struct platform *p);
/* A still picture with the same ids, to look at only: no events, not fed any more. */
struct platform *platform_copy(const struct platform *p);

/* Registers a source before its first batch. stale_after_us 0 means three times every_us. Adding a name again
 * changes its intervals. now_us starts its patience. */
void platform_source_add(struct platform *p, const char *name, const char *kind, int64_t every_us,
                         int64_t stale_after_us, int64_t now_us);
/* An entity that must be there: it exists at once, unknown and expected, and is down when an answer lacks it.
 */
void platform_expect(struct platform *p, const char *source, enum entity_kind kind, const char *name,
                     const char *group, int64_t wall_us);

/* What an earlier process knew last of an entity, by its key as entity_key writes it. First seen in that very
 * state, it has been in it since then, unless its source knows better, and that is no news; first seen in
 * another one, it has changed from that one. Also for entities that are there already, as long as they are as
 * they were first seen. since_us 0: it was flapping, and how it was after that was told nobody; that has ended
 * with how it is first seen, in whatever state. */
void platform_recall(struct platform *p, const char *key, enum condition condition, const char *raw,
                     int64_t since_us);

/* Takes a batch in. A source that was never added is ignored (false). */
bool platform_apply(struct platform *p, const struct batch *b, int64_t now_us, int64_t wall_us);
/* What only time brings: silence, the end of flapping, idle breakers, forgetting. */
void platform_tick(struct platform *p, int64_t now_us, int64_t wall_us);
/* When platform_tick next has something to do, monotonic; INT64_MAX: never. */
int64_t platform_next_us(const struct platform *p);

/* Grows whenever anything that can be seen has changed; of one kind, or ENTITY_ANY. */
uint64_t platform_version(const struct platform *p, enum entity_kind kind);

/* ---- Looking at it. Pointers to entities hold until the next apply, tick or source_remove; ids hold for
 * ever ---- */

const struct entity *platform_entity(const struct platform *p, uint32_t id);
/* source may be NULL: the worst of that kind and name. */
const struct entity *platform_find(const struct platform *p, enum entity_kind kind, const char *source,
                                   const char *name);
const struct entity *platform_find_key(const struct platform *p,
                                       const char *key); /* as entity_key writes it */

/* The entities of a kind (ENTITY_ANY: all kinds, kind by kind), worst first, then by name with numbers in
 * their order (shard-2 before shard-10), then by source. Cheap: the order is kept, not computed. The array is
 * the platform's. */
const struct entity *const *platform_list(const struct platform *p, enum entity_kind kind, size_t *count);
/* The same, by name alone. */
const struct entity *const *platform_list_by_name(const struct platform *p, enum entity_kind kind,
                                                  size_t *count);
/* The worst over all kinds that are not ok: down first, then unknown, degraded; longest first. Returns how
 * many were written; *total (may be NULL) is how many there are. Of a chain the first bad tier stands for
 * all; resolved alerts never. */
size_t platform_problems(const struct platform *p, const struct entity **out, size_t room, size_t *total);

struct condition_counts {
    size_t by[CONDITION_COUNT];     /* by condition; gone ones with their condition too */
    size_t beside[CONDITION_COUNT]; /* those of them that are no problem of their own */
    size_t total, idle, gone, flapping;
};
struct condition_counts platform_counts(const struct platform *p, enum entity_kind kind); /* or ENTITY_ANY */

/* The groups of a kind in name order; each once. Fills names with at most room, returns how many there are.
 */
size_t platform_groups(const struct platform *p, enum entity_kind kind, const char **names, size_t room);
/* Members of a group, by name (tiers of a chain: by their tier). Returns how many there are. */
size_t platform_group(const struct platform *p, enum entity_kind kind, const char *group,
                      const struct entity **out, size_t room);

struct chain_summary {
    enum condition condition; /* ok: the first tier serves, or the source says that nobody asks; degraded:
                                 another one; down: nothing; unknown: no traffic */
    size_t tier_count;
    const struct entity *serving; /* the tier with most hits; NULL when none */
    size_t serving_tier;          /* from 1; 0 when none */
    double hits, hits_rate;       /* over all tiers */
    double cost_rate;             /* per second: rate times cost; NaN when not known */
    double accuracy;              /* mean, weighted by rate; NaN when not known */
};
/* False when there is no such chain. */
bool platform_chain(const struct platform *p, const char *chain, struct chain_summary *out);

/* The worst condition of all entities and sources, as `belay status` exits by it; a platform one of
 * whose sources never answered, is silent or unclear, is unknown, and so is one without sources of which
 * nothing is known but what is idle. */
enum condition platform_condition(const struct platform *p);

/* A source of kind PLATFORM_OWN is belay itself: it can't be silent, and counts nowhere as a source. */
#define PLATFORM_OWN "own"
size_t platform_source_count(const struct platform *p);
/* In the order they were added. NULL past the end. silent_for_us is as of the last apply or tick. */
const struct source_view *platform_source(const struct platform *p, size_t index);
const struct source_view *platform_source_find(const struct platform *p, const char *name);
/* True when every source is silent (there is at least one): this host may be the broken one. last_good_us
 * (wall) is of the newest good answer, 0 when there never was one. */
bool platform_all_silent(const struct platform *p, int64_t *last_good_us);

/* ---- Conditions of runbooks: kind[.name].field OP value ----
 *   shard.state in (down, degraded)      signal.golden-canary.state == down      breaker."llm
 * primary".failure_rate > 50% OP is == != < > in. A name of other than letters, digits, - and _ is quoted
 * with " or '. field: state, raw, name, group, source, age (of the state), a measure or an attribute. Values:
 * words, quoted texts, numbers, with % (a share) or ms s m h d (seconds). Comparing the measure of a silent
 * or gone entity holds never, and so does < or > with a text. */
struct offer_condition;
struct offer_condition *condition_parse(const char *text, struct err *e); /* message has the column */
void condition_free(struct offer_condition *c);
bool condition_holds(const struct offer_condition *c, const struct entity *e, int64_t wall_us);

/* Which conditions have held for how long. Each entity is held separately. */
struct offers;
struct offer {
    size_t index;        /* as offers_add returned */
    uint32_t entity;     /* the one it has held for longest, platform_entity */
    size_t entity_count; /* how many it holds for */
    int64_t since_us;    /* wall: it has held since */
};
struct offers *offers_new(void);
void offers_free(struct offers *o);
void offers_clear(struct offers *o);
/* Takes the condition. Returns its index, from 0 in order. */
size_t offers_add(struct offers *o, struct offer_condition *c, int64_t for_us);
/* After every apply and tick. Returns true when the list of ripe ones has changed. */
bool offers_update(struct offers *o, const struct platform *p, int64_t now_us, int64_t wall_us);
/* The ripe ones, by index. */
const struct offer *offers_list(const struct offers *o, size_t *count);
/* When a held one ripens, monotonic; INT64_MAX: none is waiting. */
int64_t offers_next_us(const struct offers *o);

#endif
