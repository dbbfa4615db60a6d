/* One run being walked (or watched, when another console walks it). Inputs go through a queue: each is
 * journaled, then applied to the machine, then its effects are acted on. Private to the engine's own room. */
#ifndef BELAY_ENGINE_WALK_H
#define BELAY_ENGINE_WALK_H

#include "engine/state.h"

struct ticket;

struct pending {
    struct run_input input; /* parsed from json: owns what it points to */
    char *json;
    cJSON *extra; /* further members of the event's data; NULL */
    enum event_kind kind;
    int64_t at_us;           /* wall clock of what was done before it could be journaled; else 0 */
    char *outcome, *summary; /* of the event; NULL: made from the input */
    struct ticket *ticket;   /* FINISHED: to be let go once applied */
    engine_done *done;
    void *context;
};

struct step_output;
struct followed;
struct walk_lock;

struct edition;

struct item_tables { /* of each step; NULL where it has none */
    struct items **of;
    size_t count;
};

/* What a run asked others to approve, the newest: from the journal. */
struct asked {
    char *step; /* its id; NULL: nothing */
    char *by, *digest;
    int64_t at_us; /* wall clock */
    bool given;    /* from here */
    char *refused; /* why that does not count; NULL */
};

struct walk {
    struct engine *engine;
    int64_t id, incident, started_us, seen_seq;
    char *actor, *entity;
    struct runbook *book;
    struct run *run;
    struct item_tables items;
    struct edition *edition; /* edition.c; NULL until it was looked at */
    char *edited;            /* NULL, or what of its files is no longer as it was */
    int64_t zero_us;         /* the loop's clock at run clock 0 */
    char *owner;             /* the console whose run it is, as the journal has it; NULL: nobody's */
    int64_t fence;           /* of its claim */
    bool elsewhere, ended, ending, restored, appending;
    bool abandoned;   /* elsewhere, and that console is gone */
    bool taking;      /* a claim, or rebuilding after it, is under way */
    bool checks_only; /* it was begun where nobody watches: nothing that acts is run */
    bool lost;        /* taken over by another console: nothing that was under way here counts any more */
    struct {          /* ready.c */
        int step;     /* the one that may act soon; STEP_NONE */
        struct execution *x; /* NULL: none, or taken */
    } ready;
    VEC(struct pending *) queue;
    VEC(struct ticket *) tickets;
    VEC(struct step_output *) outputs; /* output.c */
    VEC(struct followed *) followed;   /* output_follow.c */
    struct asked asked;
    char **approvals_seen;         /* texts of approvals that were in the journal: none counts twice */
    VEC(struct walk_lock *) locks; /* lock.c */
    struct {                       /* rehearsal.c: said of all parts of a step; text NULL: nothing */
        int step;
        char *text;
    } said;
    enum run_outcome *concluded; /* a step's outcome as it was journaled last */
    struct loop_timer *wake;
};

/* walk.c */
struct walk *walk_new(struct engine *engine, int64_t id, struct runbook *book);
struct walk *walk_find(const struct engine *engine, int64_t id);
/* Left by another console (or this one's predecessor) and waiting for a person. */
bool walk_interrupted(const struct walk *w);
/* Takes a walk that only shows another console's run out of the list. Frees it, unless completions of what
 * was under way may still name it. */
void walk_discard(struct walk *w);
int64_t walk_clock_ms(const struct walk *w);
void walk_context(const struct walk *w, struct run_context *context, char incident[static 24],
                  char run[static 24]);
/* The machine's next own moment: the timer that brings it. */
void walk_wake(struct walk *w);
void walk_free(struct walk *w);
void pending_free(struct pending *p);

/* What the summaries of a rehearsal's events begin with. */
#define REHEARSAL "rehearsal: "

/* walk_event.c */
struct run_event {
    struct event_draft draft; /* its run and incident; subject, summary and data are made of the following */
    char *summary;
    cJSON *data;                      /* NULL: {} */
    const struct event_draft *before; /* appended with it and before it: the incident that it opens; NULL */
};
/* An event about a run that need not be known here any more. Takes summary and data over. As journal_append.
 */
int run_append(struct engine *engine, struct run_event event, journal_done done, void *context,
               struct err *e);
/* An event about this run, whose number and, where the draft has none, incident it gets; a rehearsal's says
 * so. */
int walk_append(const struct walk *w, struct run_event event, journal_done done, void *context,
                struct err *e);

/* claim.c */
/* What every event about a run carries that this console walks. */
struct claim walk_claim(const struct walk *w, enum claim_op op);
/* Makes the run this console's: claimed from a console that is gone, or, with a reason, taken over from one
 * that is there. done as engine_submit's, may be NULL. */
void walk_take(struct walk *w, const char *reason, engine_done *done, void *context);
/* Another console has it now: drops what is under way here, then shows what that one does. */
void walk_lose(struct walk *w);

/* walk_input.c */
struct pending *pending_new(const struct walk *w, const struct run_input *input, struct err *e);
void walk_enqueue(struct walk *w, struct pending *p);
/* A step is to be stopped, and the journal can't be written: that is done now, and journaled as soon as it
 * can be. */
void walk_cancel_now(struct walk *w, struct pending *p);
void walk_pump(struct walk *w);
/* An error: something of it could not be done, and somebody should know. */
int walk_effects(struct walk *w, const struct run_effects *effects, struct err *e);
/* Brings to the journal what it still owes, after a restore and whenever the journal could not take it. */
void walk_settle(struct walk *w);
void walk_refuse(struct walk *w, const char *why); /* everything that waits in its queue */

/* ticket.c, ticket_outcome.c */
void ticket_begin(struct walk *w, const struct run_effect *effect);
/* After a restore: follows what another console started, or says what became of it. folder: as its intent
 * names it; NULL: an older belay's, or none. token: by which it was admitted; generation 0: by none. */
void ticket_restore(struct walk *w, const struct run_ticket *known, bool intended, const char *folder,
                    const struct breaker_token *token);
int ticket_cancel(struct walk *w, uint64_t number, struct err *e);
void ticket_applied(struct ticket *t); /* its outcome is durable: the spool may forget it */
void ticket_release(struct ticket *t); /* the console goes, the step stays */
void ticket_free(struct ticket *t);
void tickets_retry(struct walk *w);
/* ticket_target.c: into the measures of whom the step's policy names. */
void target_count_effect(struct walk *w, const struct run_effect *effect);
struct breaker_token target_token(const cJSON *intent); /* generation 0: none */
/* Once every run is restored. */
void tickets_sweep(struct engine *engine);

/* ready.c */
/* After every input: has a page been opened, or closed? */
void ready_look(struct walk *w);
/* What waits for that step, now the caller's: given something to run, or discarded. NULL: nothing. */
struct execution *ready_take(struct walk *w, int step);
void ready_discard(struct engine *engine, struct execution *x); /* leaves no folder and no process */
void ready_drop(struct walk *w);

/* rehearsal.c */
/* What was to be executed waits for an outcome instead; taken up again after a restore as well. */
void rehearsal_begin(struct ticket *t);
void rehearsal_cancel(struct ticket *t);
/* REQUEST_OUTCOME. done as engine_submit's. */
void rehearsal_outcome(struct walk *w, const struct engine_request *request, engine_done *done,
                       void *context);

/* output.c */
void output_add(struct walk *w, int step, enum exec_stream stream, const char *bytes, size_t length);
/* A line of belay's own among it. */
void output_say(struct walk *w, int step, const char *format, ...) __attribute__((format(printf, 3, 4)));
void output_clear(struct walk *w, int step);
void outputs_free(struct walk *w);

/* output_follow.c */
/* Shows what a step of another console's run prints: the folder in the spool that its intent names (NULL: an
 * older belay's intent). Says so where it can't be read. */
void output_follow(struct walk *w, const char *step, const char *key);
void output_follow_free(struct walk *w);

/* approval.c */
void approval_request(struct walk *w, const struct run_effect *effect);
/* For another console's run: shows nothing, so whoever calls has shown it. done as engine_submit's. */
void approval_grant(struct walk *w, const struct engine_request *request, engine_done *done, void *context);
/* An approval.given event of a run that is walked here. */
void approval_count(struct walk *w, const cJSON *data);

/* asked.c */
/* Takes an event of the run: approval.requested, .given, .refused; others are nothing to it. */
void asked_take(struct asked *a, const struct event *event, const cJSON *data, const char *person);
void asked_fini(struct asked *a);

/* lock.c */
void lock_take(struct walk *w, const struct run_effect *effect);
void lock_drop(struct walk *w, const struct run_effect *effect);
void locks_recall(struct walk *w);
void locks_free(struct walk *w);

/* item_tables.c */
bool item_tables_wanted(const struct runbook *book);
/* From the files, which go to the journal too. In the pool. */
int item_tables_read(struct item_tables *t, const struct runbook *book, struct journal *journal,
                     const struct journal_blob_origin *origin, struct err *e);
/* From the journal, as the run's first input (its JSON) pinned them. In the pool. */
int item_tables_recall(struct item_tables *t, const struct runbook *book, struct journal *journal,
                       const char *start, struct err *e);
void item_tables_lend(const struct item_tables *t, struct run *run);
struct run_pin *item_tables_pins(const struct item_tables *t, size_t *count); /* the caller frees the array */
void item_tables_free(struct item_tables *t);

/* edition.c */
/* Looks in the pool whether its files were edited; ENGINE_RUNS tells of news. */
void edition_look(struct walk *w);
void edition_drop(struct walk *w);

/* restore.c */
void restore_all(struct engine *engine);
void restore_run(struct engine *engine, int64_t id);
/* Makes this console the one that walks it, if nobody else is. */
void restore_adopt(struct walk *w);

#endif
