/* An incident's events, folded into what a postmortem talks about: runs with their steps and executions,
 * entities with their changes, evidence, decisions, what is unknown, what was changed. A pure fold, apart
 * from reading the journal. Data that lacks a member, or has one of another type, costs that member alone. */
#ifndef BELAY_POSTMORTEM_STORY_H
#define BELAY_POSTMORTEM_STORY_H

#include "engine/postmortem/postmortem.h"

/* One execution of a step: what was to run, and how it ended if anybody knows. */
struct story_execution {
    int64_t ticket, attempt;
    const char *role; /* "act", "check", ... */
    bool acts;
    const char *outcome; /* "ok", "failed", "unknown" ...; "" while none is recorded */
    const char *who;
    int64_t intent_seq, intent_us;   /* 0: no intent was found */
    int64_t outcome_seq, outcome_us; /* 0: none is recorded */
    cJSON *intent, *result;          /* the events' data; NULL */
};

struct story_step {
    char *id, *title;
    char *outcome, *reason, *answer; /* as it was concluded last; "" while it wasn't */
    VEC(struct story_execution) executions;
};

struct story_run {
    int64_t number;
    char *id, *title, *path, *digest, *entity; /* of its runbook; "" */
    char *who, *outcome;                       /* outcome "" while it is open */
    int64_t started_us, ended_us;
    bool rehearsed; /* nothing of it was executed: it changed nothing, and leaves nothing open */
    cJSON *vars;    /* an object or NULL */
    VEC(struct story_step) steps;
};

struct story_change { /* of an entity */
    int64_t seq, at_us;
    char *from, *to; /* ok, degraded, down, unknown */
    char *raw;       /* the field's own word */
};

struct story_entity {
    char *kind, *source, *name;
    VEC(struct story_change) changes;
    bool flapping; /* at the end: its changes were no longer journaled singly, so nobody knows its state */
};

struct story_decision {
    int64_t seq, at_us, run;
    char *who, *what, *reason; /* "confirmed: Re-open shard-5" */
};

struct story_evidence {
    char digest[SHA256_HEX_SIZE];
    char *what;
    int64_t run, seq; /* of the event that names it */
    bool stored;      /* false: its blob is not in the journal */
    struct journal_blob_info info;
    struct str first; /* its first bytes, as they are */
    bool evidence;    /* captured as such, not merely output */
};

struct story_gap { /* something that isn't known, or wasn't seen */
    int64_t seq, at_us;
    char *text;
};

struct story {
    struct journal_incident incident; /* number 0: none, the whole journal */
    struct incident_file file;        /* what people wrote into it */
    VEC(struct event *) events;       /* by seq */
    VEC(const struct event *) told;   /* the same, in the order in which they are told */
    VEC(struct story_run *) runs;
    VEC(struct story_entity *) entities;
    VEC(struct story_decision) decisions;
    VEC(struct story_evidence) evidence;
    VEC(struct story_gap) gaps;
    char **people; /* actors that are persons, in order of appearance */

    /* The piece of the chain that the events are part of, others' events between them too. */
    int64_t first_seq, last_seq; /* 0: no events */
    int64_t broken_seq;          /* 0: sound */
    uint8_t prev_hash[SHA256_SIZE], head[SHA256_SIZE];
};

#define STORY_EVENTS_MAX 1000000

int story_read(struct story *story, struct journal *j, int64_t incident, struct err *e);
void story_fini(struct story *story);

/* The parts of the fold (story_run.c, story_parts.c): each takes one event. */
void story_take_run(struct story *story, const struct event *event, const cJSON *data);
void story_take_change(struct story *story, const struct event *event, const cJSON *data);
void story_take_decision(struct story *story, const struct event *event, const cJSON *data);
void story_take_evidence(struct story *story, const struct event *event, const cJSON *data);
void story_take_gap(struct story *story, const struct event *event);
void story_run_free(struct story_run *run);

/* What is left open at the end: executions without an outcome, steps unknown, runs not ended, entities not
 * ok. */
void story_find_unknowns(struct story *story);

/* What a run changed for good: its acting steps that ended ok, warn or unknown, and did not undo another.
 * undone_by is the step that took it back, NULL when none did; undo is the step that could, "" when none is
 * declared. */
struct story_lasting {
    const struct story_run *run;
    const struct story_step *step;
    const struct story_execution *execution;
    const char *undo;
    const struct story_step *undone_by;
};
size_t story_lasting(const struct story *story, struct story_lasting **lasting); /* the caller frees */

/* As it was concluded, else as its last execution ended, else "unknown". */
const char *story_step_outcome(const struct story_step *step);
/* The same as a word for people: a check that failed says "no". */
const char *story_step_word(const struct story_step *step);
/* And of one of its executions: a check's is "no" or, where it could not answer, "error". */
const char *story_execution_word(const struct story_step *step, const struct story_execution *x);

/* "ok", or the worst and the last condition of an entity. */
const char *story_entity_worst(const struct story_entity *entity);
const char *story_entity_last(const struct story_entity *entity); /* unknown while it flaps */

/* leftover.c: adds the approvals among these events (by seq) that still wait. */
/* Breakers that are overridden by hand, of that incident. */
int leftover_overrides(struct leftovers *left, struct journal *j, int64_t incident, int64_t now_us,
                       struct err *e);
void leftover_approvals(struct leftovers *left, struct event *const *events, size_t count, int64_t now_us);

#endif
