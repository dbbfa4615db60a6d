/* The inside of the model, shared by the files of this room. */
#ifndef BELAY_PLATFORM_MODEL_H
#define BELAY_PLATFORM_MODEL_H

#include "engine/base/base.h"
#include "engine/platform/intern.h"
#include "engine/platform/platform.h"

/* An entity with what only the model needs to know. The view comes first: a view's address is its entity's.
 */
struct tracked {
    struct entity view;
    struct source *source;
    uint32_t seen;                             /* the source's sequence number that had it last ... */
    size_t row;                                /* ... the row that counted there ... */
    int64_t heard_us;                          /* ... and when that was, monotonic */
    bool fresh;                                /* new in the batch that is being taken in */
    bool ever_known;                           /* it had a condition other than unknown */
    bool told;                                 /* its source has spoken of it ... */
    bool original;                             /* ... and it is as it was then */
    enum condition known;                      /* while silent: what it was */
    int64_t known_since_us;                    /* wall */
    int64_t changes_us[PLATFORM_FLAP_CHANGES]; /* monotonic, newest first; INT64_MIN: none */
    uint32_t flap_count;                       /* changes since the first of those that made it flap */
    enum condition flap_from;                  /* what was reported last */
    double calls;                              /* of a breaker, when they last grew ... */
    int64_t calls_grew_us;                     /* ... and when that was, monotonic */
    bool idle_said;                            /* the source itself called it idle */
    int64_t gone_at_us;                        /* monotonic */
    size_t place;                              /* in the source's list */
};

struct source {
    struct source_view view;
    char *name, *kind, *error;
    bool own;
    int64_t stale_after_us;
    int64_t heard_us;                   /* monotonic: the last good answer, or when it was added */
    uint32_t sequence;                  /* of the newest sample, good or not; 0 before the first */
    int64_t times_us[PLATFORM_HISTORY]; /* wall, of sequence % PLATFORM_HISTORY */
    bool answered[PLATFORM_HISTORY];    /* false: that one failed */
    VEC(struct tracked *) entities;
    struct map *by_name; /* kind's letter and name -> struct tracked */
    size_t cursor;       /* rows tend to come in the same order: where to look first */
};

/* A kind's entities in order; rebuilt when somebody looks. */
struct order {
    VEC(const struct entity *) by_name;
    VEC(const struct entity *) by_worst;
    struct condition_counts counts;
    size_t placed_count; /* put in or taken out singly since somebody looked */
    bool names_stale, worst_stale;
};

struct numbered {
    uint32_t id;
    struct tracked *tracked; /* NULL: forgotten */
};

struct recollection;

struct platform {
    struct platform_events events;
    struct map *recollections; /* entity_key -> struct recollection */
    VEC(struct source *) sources;
    VEC(struct numbered) by_id; /* ascending */
    uint32_t last_id;
    size_t forgotten_count; /* of by_id */
    struct order *orders;   /* ENTITY_KIND_COUNT + 1 of them, the last for all kinds */
    struct interns interns;
    size_t entity_count;
    uint64_t versions[ENTITY_KIND_COUNT + 1];
    int64_t now_us; /* of the last apply or tick */
    int64_t next_us;
};

/* platform.c */
struct source *source_find(const struct platform *p, const char *name);
struct tracked *tracked_find(const struct source *s, enum entity_kind kind, const char *name);
struct tracked *tracked_new(struct platform *p, struct source *s, enum entity_kind kind, const char *name,
                            const char *group, int64_t wall_us);
void tracked_forget(struct platform *p, struct tracked *t);
void platform_touch(struct platform *p, enum entity_kind kind);   /* something to see changed */
void platform_reorder(struct platform *p, enum entity_kind kind); /* ... a condition or a flag */
void platform_due(struct platform *p, int64_t at_us);             /* tick has something to do then */
void tracked_flag(struct platform *p, struct tracked *t, unsigned flag, bool set);

/* change.c */
void source_set_state(struct platform *p, struct source *s, enum source_state state, int64_t wall_us);
struct change {
    enum condition condition;
    const char *raw;
    int64_t since_us; /* the source's own, 0: now */
    bool gone, goes_on;
};
void tracked_appear(struct platform *p, struct tracked *t, const struct change *c, int64_t wall_us);
void tracked_change(struct platform *p, struct tracked *t, const struct change *c, int64_t now_us,
                    int64_t wall_us);
void tracked_silence(struct platform *p, struct tracked *t, int64_t wall_us);
void tracked_settle(struct platform *p, struct tracked *t, int64_t now_us, int64_t wall_us);
int64_t tracked_settles_us(const struct tracked *t); /* when flapping ends if nothing changes any more */

/* What counts as the same state: some kinds' own words are states, the others' carry values. */
bool state_same(enum entity_kind kind, enum condition a, const char *raw_a, enum condition b,
                const char *raw_b);

/* derive.c */
enum condition word_condition(enum entity_kind kind, const char *raw);
double observation_measure(const struct observation *o, const char *name); /* NaN when it has none */

/* snapshot.c */
enum condition snapshot_condition(const struct observation *o);
/* In a word why it is not ok, by its measures ("late"), and in a sentence; NULL where they don't say. */
const char *snapshot_reason(const struct observation *o, char text[static PLATFORM_TEXT_LIMIT]);

/* recall.c */
struct recollection {
    enum condition condition;
    int64_t since_us; /* 0: it was flapping */
    char raw[];
};
/* The caller's from now on: free(). NULL when nothing is known, or it has been told of before. */
struct recollection *recollection_take(struct platform *p, const struct tracked *t);
/* It has been in its state since then, unless its source knows better. */
void tracked_since(struct platform *p, struct tracked *t, int64_t since_us);
void recollections_free(struct platform *p);

/* history.c */
void history_advance(struct source *s, bool answered, int64_t wall_us);
bool history_record(const struct source *s, struct measure *m,
                    double value); /* true: a plot of it looks different */
void history_free(struct measure *m);

/* chain.c: the conditions of a batch's chain tiers that asked for a derived one; conditions has one a row */
void chain_judge(const struct batch *b, enum condition *conditions);

/* order.c */
void order_add(struct order *order, const struct entity *e);
void order_remove(struct order *order, const struct entity *e);
void orders_free(struct order *orders);

/* condition.c */
enum entity_kind condition_kind(const struct offer_condition *c);
bool condition_ages(const struct offer_condition *c); /* it may begin to hold by time alone */

#endif
