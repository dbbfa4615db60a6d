/* Healing, in the files that carry it: healing_cases.c, the cases as the journal has them; healing.c, what is
 * done about them; healing_walk.c, a fix that runs by itself. Private to the engine's own room. */
#ifndef BELAY_ENGINE_HEALING_H
#define BELAY_ENGINE_HEALING_H

#include "engine/diagnosis.h"
#include "engine/walk.h"

/* name, text */
#define HEALING_STATES(X)                                                                                    \
    X(PROPOSED, "proposed")                                                                                  \
    X(RUNNING, "running")                                                                                    \
    X(RESTING, "resting")                                                                                    \
    X(GIVEN_UP, "given up")
enum healing_state {
#define X(name, text) HEALING_##name,
    HEALING_STATES(X)
#undef X
};

struct healing_walk;

/* One thing that is wrong. What all consoles know of it comes from the journal; the one that watches acts. */
struct healing_case {
    struct engine *engine;
    char *key; /* "RULE shard docs/shard-5", "step BOOK#STEP": equal ones are the same case */
    char *resource, *error;
    const struct config_heal_rule
        *rule;     /* that found it; NULL: a step failed, or another configuration's rule */
    bool proposed; /* the journal has it: everything below is its */
    enum healing_state state;
    struct heal_diagnosis diagnosis;
    char *notes; /* why diagnosers did not answer, a line each; NULL */
    bool automatic;
    unsigned attempts;
    int64_t since_us, run; /* wall clock; the newest fix's run */
    int64_t failed_run;    /* whose step failed; 0 */
    int failed_step;

    bool holds; /* what found it still does; of a failed step: it still waits */
    struct heal_case machine;
    struct diagnosing *diagnosing;
    struct healing_walk *walk;
    int appending; /* events under way */
    bool gone;     /* forgotten once they are through */
};

struct healing_watch {
    const struct config_heal_rule *rule;
    const struct offer_condition *condition; /* the offers' own */
};

struct healing {
    struct engine *engine;
    struct offers *offers;
    VEC(struct healing_watch) watched; /* by index in offers */
    VEC(struct healing_case *) cases;
    struct loop_timer *timer;
};

/* healing_cases.c */
struct healing_case *healing_case_find(struct healing *h, const char *key);
struct healing_case *healing_case_new(struct healing *h, const char *key, const char *resource,
                                      const char *error);
/* So often it was tried before; 0: nothing of it is remembered. */
void healing_case_anew(struct healing_case *c, unsigned attempts);
void healing_case_drop(struct healing_case *c); /* at once, or when its appends are through */
void healing_case_free(struct healing_case *c);
/* Takes summary. run 0: none. then (may be NULL) once it is durable. */
void healing_append(struct healing_case *c, enum event_kind kind, const char *outcome, int64_t run,
                    char *summary, void (*then)(struct healing_case *c));
const struct healing_watch *healing_watch_of(const struct healing *h, const char *rule);

/* healing_walk.c */
/* May this fix run by itself? Else why is appended to. path: of its runbook, the library's. What its rule
 * says of that is asked elsewhere. */
bool healing_allows(const struct engine *engine, const struct healing_case *c, const char **path,
                    struct str *why);
/* Runs it; healing_tried follows once, later. */
struct healing_walk *healing_walk_new(struct healing_case *c, const char *path);
void healing_walk_free(struct healing_walk *walk); /* the run itself stays; NULL is fine */

/* healing.c */
/* run 0: none was begun. outcome: ok, failed, or unknown, which nothing repeats. */
void healing_tried(struct healing_case *c, int64_t run, enum run_outcome outcome, const char *why);

#endif
