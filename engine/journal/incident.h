/* Incidents, and what else people decide besides steps: folds over events. journal.h includes this.
 *
 * An incident goes open -> mitigated -> resolved -> reviewed -> closed. Its number, state and severity are in
 * struct journal_incident; who has which role, the action items and the parts of the postmortem are in its
 * file. Every change is made by incident_change_draft, which checks it against the file: console and command
 * line say the same. */
#ifndef BELAY_JOURNAL_INCIDENT_H
#define BELAY_JOURNAL_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

struct journal;
struct event;
struct event_draft;

#define INCIDENT_STATES(X)                                                                                   \
    X(OPEN, "open")                                                                                          \
    X(MITIGATED, "mitigated")                                                                                \
    X(RESOLVED, "resolved")                                                                                  \
    X(REVIEWED, "reviewed")                                                                                  \
    X(CLOSED, "closed")

enum incident_state {
#define X(NAME, name) INCIDENT_##NAME,
    INCIDENT_STATES(X)
#undef X
};

const char *incident_state_name(enum incident_state state);

struct journal_incident {
    int64_t number; /* shown as INC-7 */
    enum incident_state state;
    char title[256];
    char severity[16]; /* "SEV2", as it was said last; "" when nobody said */
    char opened_by[64];
    char commander[64]; /* who has the role commander; "" when nobody has */
    int64_t opened_us;
    int64_t mitigated_us, resolved_us, reviewed_us, closed_us; /* 0: not (passed over by a later state) */
    int64_t opened_seq, last_seq;                              /* of its incident.* events */
    int64_t notes;
};

/* Since when it has been in its state. */
int64_t incident_state_us(const struct journal_incident *incident);

/* ERR_NOT_FOUND when no such incident was opened. */
int journal_incident(struct journal *j, int64_t number, struct journal_incident *incident, struct err *e);

/* Newest first; open_only: those that are open or mitigated. At most limit (0: all). visit as in
 * journal_read.
 */
int journal_incidents(struct journal *j, bool open_only, size_t limit,
                      int (*visit)(const struct journal_incident *incident, void *data), void *data,
                      struct err *e);

/* The newest open (or mitigated) incident, 0 when there is none: what `timeline` and `export` mean without a
 * name. any: the newest of all states when none is open. */
int journal_incident_current(struct journal *j, bool any, int64_t *number, struct err *e);

/* "INC-7", "inc-7" or "7". ERR_SYNTAX otherwise. */
int incident_number_parse(const char *text, int64_t *number, struct err *e);

/* --- the file of one incident ----------------------------------------------------------------------------
 */

/* The parts of a postmortem that only people can write. X(NAME, name, heading, what it is for) */
#define INCIDENT_FIELDS(X)                                                                                   \
    X(SUMMARY, "summary", "Summary", "what happened, in a few sentences")                                    \
    X(IMPACT, "impact", "Impact", "whom it hurt, how badly, for how long")                                   \
    X(ROOT_CAUSE, "root-cause", "Root cause", "why it happened")                                             \
    X(DETECTION, "detection", "Detection", "how it was noticed, and how it could have been noticed sooner")  \
    X(WENT_WELL, "went-well", "What went well", "what helped")                                               \
    X(WENT_BADLY, "went-badly", "What went badly", "what hindered")                                          \
    X(LUCKY, "lucky", "Where we were lucky", "what could have made it worse")                                \
    X(RUNBOOKS, "runbook-changes", "Runbook changes", "which documents are to be changed, and how")          \
    X(NOTIFIED, "notified", "Stakeholders notified", "who was told, when, and how")

enum incident_field {
#define X(NAME, name, heading, help) INCIDENT_FIELD_##NAME,
    INCIDENT_FIELDS(X)
#undef X
        INCIDENT_FIELD_COUNT
};

const char *incident_field_name(enum incident_field field);
const char *incident_field_heading(enum incident_field field);
const char *incident_field_help(enum incident_field field);
/* INCIDENT_FIELD_COUNT: no such field. */
enum incident_field incident_field_find(const char *name);

struct incident_role {
    char *role, *person; /* "commander", "alice" */
    int64_t at_us;
};

struct incident_action {
    int64_t number; /* from 1 in each incident */
    char *text;
    char *owner, *due, *ticket,
        *test;     /* "" when not said; due is 2026-12-01; test: what would have caught it */
    char *state;   /* open, done, dropped */
    char *reason;  /* why it was dropped; "" */
    int64_t at_us; /* of its last change */
};

struct incident_text {
    char *text, *who; /* NULL: not written */
    int64_t at_us;
};

struct incident_file {
    struct journal_incident incident;
    char *entity; /* what it was opened for, "shard docs/shard-5"; "" */
    VEC(struct incident_role) roles;
    VEC(struct incident_action) actions;
    struct incident_text fields[INCIDENT_FIELD_COUNT];
    char **left;         /* what was left over when it was closed; NULL */
    char *closed_reason; /* NULL */
};

/* Takes the next event of that incident; others change nothing. number must be set in the zeroed file. */
void incident_file_take(struct incident_file *file, const struct event *event);
void incident_file_fini(struct incident_file *file);
/* incident_file_fini also after an error. */
int incident_file_read(struct journal *j, int64_t number, struct incident_file *file, struct err *e);

enum incident_verb {
    INCIDENT_NOTE,
    INCIDENT_SET_ROLE,
    INCIDENT_SET_SEVERITY,
    INCIDENT_SET_ACTION,
    INCIDENT_WRITE,
    INCIDENT_MITIGATE,
    INCIDENT_RESOLVE,
    INCIDENT_REVIEW,
    INCIDENT_CLOSE,
};

/* One change, as a person asks for it. Texts are borrowed; NULL: not said. */
struct incident_change {
    enum incident_verb verb;
    const char *text;     /* the note; why it changes state or severity; what an action item is; a field */
    const char *role;     /* SET_ROLE: letters, digits and hyphens */
    const char *person;   /* SET_ROLE: "" or "nobody" takes it away */
    const char *severity; /* SET_SEVERITY: SEV1 ... */
    const char *field;    /* WRITE: the name of a field; an empty text takes it back */
    int64_t action;       /* SET_ACTION: 0 is a new one */
    const char *state;    /* SET_ACTION: open, done, dropped (with a reason in text) */
    const char *owner, *due, *ticket, *test; /* ACTION */
    int64_t said_us;                         /* NOTE: when it was, 0 is now (--at) */
    char *const *left; /* CLOSE: what is left over; then text, the reason, must be there */
};

/* Owns what a draft points to. */
struct draft_texts {
    char *subject, *summary, *data;
};
void draft_texts_fini(struct draft_texts *texts);

/* The event for a change, without an actor, if the file admits it. draft_texts_fini in either case. */
int incident_change_draft(const struct incident_file *file, const struct incident_change *change,
                          struct event_draft *draft, struct draft_texts *texts, struct err *e);

#define INCIDENT_TEXT_MAX (64u << 10) /* bytes of one field */

/* What its writer is told: "noted in INC-7", with --at the moment that was understood, too. Appended. */
void incident_noted_text(int64_t incident, int64_t said_us, int64_t now_us, struct str *out);

/* When a note says that it was: the time of the event, or an earlier one that its data names (--at). */
int64_t event_told_us(const struct event *event);

/* --- muted entities --------------------------------------------------------------------------------------
 */

#define MUTE_LONGEST_US (7 * 86400 * US_PER_S)

struct mute {
    char *entity; /* "shard docs/shard-5": kind and name */
    char *who, *reason;
    int64_t from_us, until_us;
    int64_t incident; /* that was focused then; 0 none */
};

struct mutes {
    struct mute *data;
    size_t len, cap;
};

/* Takes the next event: muted, unmuted, others change nothing. Those that have run out at now_us go. */
void mutes_take(struct mutes *mutes, const struct event *event, int64_t now_us);
bool mutes_expire(struct mutes *mutes, int64_t now_us); /* true: some have run out, and are gone */
int mutes_read(struct journal *j, int64_t now_us, struct mutes *mutes, struct err *e);
/* NULL when it isn't muted at now_us. */
const struct mute *mutes_find(const struct mutes *mutes, const char *entity, int64_t now_us);
void mutes_fini(struct mutes *mutes);
/* until_us 0: unmutes. A mute needs a reason and ends, within MUTE_LONGEST_US. draft_texts_fini in either
 * case. */
int mute_draft(const char *entity, int64_t now_us, int64_t until_us, const char *reason, int64_t incident,
               struct event_draft *draft, struct draft_texts *texts, struct err *e);

/* --- breakers overridden by hand -------------------------------------------------------------------------
 */

#define OVERRIDE_LONGEST_US (30 * 86400 * US_PER_S)

struct override {
    char *name, *state; /* "pay-api", "FORCED_OPEN" */
    char *who, *reason;
    int64_t from_us, until_us; /* until: 0 none */
    int64_t incident;          /* that was focused then; 0 none */
    bool told;                 /* that its time is over: the caller's */
};

struct overrides {
    struct override *data;
    size_t len, cap;
};

/* Takes the next event: forced, released, others change nothing. */
void overrides_take(struct overrides *all, const struct event *event);
int overrides_read(struct journal *j, struct overrides *all, struct err *e);
void overrides_fini(struct overrides *all);
/* state NULL: automatic again. An override needs a reason; until_us 0: until told otherwise, else at most
 * OVERRIDE_LONGEST_US. draft_texts_fini in either case. */
int override_draft(const char *name, const char *state, int64_t now_us, int64_t until_us, const char *reason,
                   int64_t incident, struct event_draft *draft, struct draft_texts *texts, struct err *e);

/* --- evidence hold ---------------------------------------------------------------------------------------
 */

/* Until an incident has been reviewed nothing that it refers to is pruned: nothing of its runs, and nothing
 * about an entity ("job run_sc05") from a quarter of an hour before it was opened on. Whoever deletes asks
 * here first. *incident is the one that holds it, 0 when none does; run 0 or entity NULL: not asked for.
 * at_us: the age of what would be deleted (wall clock). */
int journal_held(struct journal *j, int64_t run, const char *entity, int64_t at_us, int64_t *incident,
                 struct err *e);
#define JOURNAL_HOLD_BEFORE_US (15 * 60 * US_PER_S)

#endif
