/* What the files of the engine's own room share: the engine as one struct, a part for each file. Nobody else
 * includes this. */
#ifndef BELAY_ENGINE_STATE_H
#define BELAY_ENGINE_STATE_H

#include "engine/engine.h"
#include "engine/execute/execute.h"

#define ENGINE_TIMELINE_LINES 2000
#define ENGINE_OUTPUT_BYTES   (64u << 10)

struct document;
struct walk;
struct mirror;
struct emergency_waiting;
struct listening;
struct healing;

struct subscriber {
    void (*changed)(void *context, unsigned mask);
    void *context;
};

struct engine {
    struct loop *loop;
    const struct config *config;
    struct config *own_config;
    char *state_folder;
    char *step_path;
    bool state_given; /* the folder is not the configuration's: a demo's */
    bool read_only, observer, closing;
    int64_t opened_us; /* wall clock */

    VEC(struct subscriber) subscribers;
    unsigned changed;
    struct loop_timer *change_timer;

    struct { /* watch.c */
        struct platform *platform;
        struct sources *sources;
        struct loop_timer *tick_timer, *lease_timer, *begin_timer;
        bool recollecting, begun; /* recollect.c */
        int lease;
        char *holder; /* NULL: this process watches */
        bool wanted, once;
    } watch;

    struct {                   /* own.c */
        struct keeper *keeper; /* NULL: this process doesn't watch */
        struct loop_timer *timer;
    } own;

    struct { /* chronicle.c */
        struct journal *journal;
        char *trouble;
        struct timeline *timeline;
        VEC(struct journal_incident) incidents;
        struct mutes mutes;
        struct overrides overrides; /* of breakers, by hand */
        int64_t focused, seen_seq;
        struct loop_timer *timer;
        struct mirror *mirror;
        bool reading, again, loaded;
    } chronicle;

    struct { /* lasting.c */
        struct loop_timer *timer;
        int64_t incident; /* that was counted */
        size_t count;
        bool counting, due;
    } lasting;

    struct {                              /* library.c */
        VEC(struct document *) documents; /* in the order in which they are shown */
        struct offers *offers;
        VEC(size_t) offer_document;       /* index in offers -> position in `originals` */
        VEC(struct document *) originals; /* in the order in which they were found; owns them */
        struct map *usual;                /* "book/step" -> struct usual */
        size_t parsing;
    } library;

    struct { /* identity.c */
        char *actor, *person, *key, *actor_line, *claim;
        char *signing; /* how an approval from here would be signed */
        char *where;
        char *target; /* where acts are to land: the same text as long as the target is the same */
        int64_t observed_us;
        bool matches;
        struct process *process;
        VEC(struct where_waiter) waiters;
    } identity;

    struct {        /* oncall.c */
        char *name; /* NULL: nobody is asked */
        struct process *process;
        struct loop_timer *timer;
        struct kept kept; /* its breaker */
    } oncall;

    struct {                                   /* emergency.c */
        char *made;                            /* the folder of the one that was made */
        VEC(struct emergency_waiting) waiting; /* for their import */
        char *said;
    } emergency;

    struct healing *healing; /* healing.c */

    struct { /* presence.c */
        char *owner;
        int lock;
    } presence;

    struct { /* walks.c and what it leads to */
        struct spool *spool;
        struct execute_lifetime lifetime;
        VEC(struct walk *) walks;
        VEC(struct walk *) lost; /* taken over by another console: kept for their last completions */
        struct loop_timer *timer;
        size_t restoring, storing; /* jobs in the pool that use the journal or the spool */
        size_t telling;            /* breakers and measures, of steps: jobs in the pool, too */
        bool sweep_again;
    } runs;

    struct listening *listening; /* listen.c; NULL: nobody can ask over HTTP */
};

/* engine.c */
void engine_changed(struct engine *engine, unsigned mask);

/* watch.c */
int watch_open(struct engine *engine, struct err *e);
void watch_close(struct engine *engine);
bool watch_holds(const struct engine *engine); /* the lease */
void watch_moved(struct engine *engine);       /* the platform was told something */

/* override.c */
void request_breaker(struct engine *engine, const struct engine_request *request, engine_done *done,
                     void *context);
void overrides_expire(struct engine *engine, bool holds_lease);

/* own.c */
void own_open(struct engine *engine);
void own_close(struct engine *engine);
char *own_folder(const struct engine *engine, bool *shared); /* of the state database; the caller frees */

/* recollect.c */
/* Polls the sources for ever, once it is known what an earlier process knew. */
void recollect_then_poll(struct engine *engine);
/* Begins to poll once nothing has to be read any more, or (forced) at once. */
void recollect_begin(struct engine *engine, bool forced);

/* chronicle.c */
int chronicle_open(struct engine *engine, struct err *e);
void chronicle_close(struct engine *engine);
/* journal_append with this engine's actor where the draft names none. Refused with the reason while there is
 * no journal. */
int chronicle_append(struct engine *engine, const struct event_draft *drafts, size_t count, journal_done done,
                     void *context, struct err *e);
/* Reads on what has been committed, by anybody. */
void chronicle_follow(struct engine *engine);

/* listen.c */
void listening_close(struct engine *engine);

/* oncall.c */
void oncall_open(struct engine *engine);
void oncall_close(struct engine *engine);

/* library.c */
void library_open(struct engine *engine);
void library_close(struct engine *engine);
void library_offers_changed(struct engine *engine); /* the platform moved: look which offers are ripe */
void library_offers_refresh(struct engine *engine); /* also when the platform did not move */
void library_order(struct engine *engine);
void library_event(struct engine *engine, const struct event *event);
void lasting_open(struct engine *engine);
void lasting_close(struct engine *engine);
/* An event was read; the focus may have moved. What follows from it is counted in the pool, and soon. */
void lasting_event(struct engine *engine, const struct event *event);
void lasting_refresh(struct engine *engine);
/* A document that is walked is listed, wherever it comes from. */
void library_know(struct engine *engine, const char *path);
/* Reads and parses a document in the pool, then calls done on the loop: book (now the caller's) or an error.
 */
typedef void library_done(void *context, struct runbook *book, struct str *bytes, const struct err *e);
void library_load(struct engine *engine, const char *path, library_done *done, void *context);

/* identity.c */
typedef void where_done(void *context, int code, const char *message);
struct where_waiter {
    where_done *done;
    void *context;
};
void identity_open(struct engine *engine);
void identity_close(struct engine *engine);
/* Observes afresh where acts would land, then calls done (may be NULL) on the loop: 0, or ERR_DENIED with the
 * mismatch. Always later, unless nothing is configured to observe. */
void identity_observe(struct engine *engine, where_done *done, void *context);

/* healing.c */
/* ERR_SYNTAX: a rule's condition. */
int healing_open(struct engine *engine, struct err *e);
void healing_close(struct engine *engine);
void healing_look(struct engine *engine); /* the platform moved */
void healing_event(struct engine *engine, const struct event *event);

/* presence.c */
void presence_open(struct engine *engine);
void presence_show(struct engine *engine); /* again, where a full disk kept it from being there */
void presence_close(struct engine *engine);
/* Does the console of that name still run, on this host? */
bool presence_is_alive(const struct engine *engine, const char *owner);

void walks_join(struct engine *engine); /* an operator now: takes up what nobody walks */

/* Who works on the journal of that state folder; NULL: nobody. The caller frees. */
char *presence_of_anybody(const char *state_folder);

/* emergency.c */
/* Which ones wait for their import, as of now. */
void emergency_look(struct engine *engine);
/* The one in which a run went on; NULL: it didn't. */
const char *emergency_of(const struct engine *engine, int64_t run);
void emergency_fini(struct engine *engine);
void request_emergency(struct engine *engine, const struct engine_request *request, engine_done *done,
                       void *context);

/* walks.c, start.c, walk_input.c */
int walks_open(struct engine *engine, struct err *e);
void walks_close(struct engine *engine);
void walks_free(struct engine *engine);
/* done: as engine_submit's. */
void walk_start(struct engine *engine, const struct engine_request *request, engine_done *done,
                void *context);
void walk_input(struct walk *w, const struct run_input *input, engine_done *done, void *context);
bool walks_settled(const struct engine *engine); /* neither a claim nor an input is under way */
void walks_trouble_over(struct engine *engine);
/* An event of the journal, whoever wrote it: what another console does with a run that is shown here. */
void walks_event(struct engine *engine, const struct event *event);

#endif
