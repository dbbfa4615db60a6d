/* The timeline and what is handed over after an incident: folds over the journal's events. The same journal
 * gives the same bytes: nothing here reads a clock, a locale or the environment. */
#ifndef BELAY_POSTMORTEM_POSTMORTEM_H
#define BELAY_POSTMORTEM_POSTMORTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/journal/journal.h"
#include "engine/postmortem/handover.h"

/* --- timeline: events as lines for people ----------------------------------------------------------------
 */

#define TIMELINE_LEVELS(X)                                                                                   \
    X(DETAIL, "detail") /* bookkeeping: inputs of a run, manifests */                                        \
    X(INFO, "info")                                                                                          \
    X(GOOD, "good")                                                                                          \
    X(WARN, "warn")                                                                                          \
    X(BAD, "bad")

enum timeline_level {
#define X(NAME, name) TIMELINE_##NAME,
    TIMELINE_LEVELS(X)
#undef X
};

const char *timeline_level_name(enum timeline_level level);

/* Copies: the line owns nothing of the event. who and text are cleaned (utf8_clean), one line, never empty.
 */
struct timeline_line {
    int64_t seq;
    int64_t at_us;      /* UTC; of a note that was written later the time that it is about */
    int64_t written_us; /* 0: then; else when that note was written */
    bool late;          /* it stands behind later ones in the journal, and is told at its own time */
    enum event_kind kind;
    enum timeline_level level;
    int64_t incident, run;
    char *who;
    char *text;
};

/* The input of a run, as run.input's data names it, by which a person decided something about an act. */
bool input_is_decision(const char *input);
/* A note that was written later, or brought from an emergency journal. */
bool event_is_late(const struct event *event);
void timeline_line_init(struct timeline_line *line, const struct event *event);
void timeline_line_fini(struct timeline_line *line);

struct timeline_filter {         /* zeroes: everything */
    enum timeline_level minimum; /* TIMELINE_INFO hides bookkeeping */
    int64_t incident;            /* this one's events, and transitions (which belong to no incident) */
    int64_t run;
};

bool timeline_shows(const struct timeline_line *line, const struct timeline_filter *filter);

/* The last `capacity` lines, in order; a note that was written later stands at the time that it is about.
 * Events may be added from several sides (own commits, polling for other processes'): one whose seq is there
 * already, or is older than all that is kept, changes nothing. */
struct timeline;
struct timeline *timeline_new(size_t capacity);
void timeline_free(struct timeline *t);                           /* NULL is fine */
bool timeline_add(struct timeline *t, const struct event *event); /* true: it is new */
size_t timeline_count(const struct timeline *t);
/* 0 is the oldest. Valid until the next timeline_add. */
const struct timeline_line *timeline_at(const struct timeline *t, size_t index);
int64_t timeline_last_seq(const struct timeline *t); /* the greatest; 0 when empty */

/* "2026-11-22 03:14:21Z  alice  reopen failed: exit 1": the line of `belay timeline` without a terminal. */
void timeline_format(const struct timeline_line *line, struct str *out);

/* Visits the events of one incident in the order of the chain (0: all events): its own, those of its runs,
 * and the transitions and source failures from 15 minutes before it was opened until it was closed, of what
 * was not ok by then also those since it was (a week back at most); of several incidents at one time a
 * transition belongs to the one that has to do with its entity, else to all of them. What `belay timeline`
 * and the exports show. visit as in journal_read. */
int timeline_read(struct journal *j, int64_t incident, int (*visit)(const struct event *event, void *data),
                  void *data, struct err *e);

/* The same in the order in which it is told: a note that was written later comes at the time that it is
 * about, what an import brought at its own. */
int timeline_tell(struct journal *j, int64_t incident, int (*visit)(const struct event *event, void *data),
                  void *data, struct err *e);

/* --- export ------------------------------------------------------------------------------------------------
 */

#define EXPORT_FORMATS(X)                                                                                    \
    X(MARKDOWN, "md")                                                                                        \
    X(JSON, "json")

enum export_format {
#define X(NAME, name) EXPORT_##NAME,
    EXPORT_FORMATS(X)
#undef X
};

/* By name ("md", "json"): -1 when there is none. */
int export_format_find(const char *name);
const char *export_format_name(enum export_format format);

/* Appends the whole export of an incident (0: of the whole journal) to out. Events of kind export.written are
 * left out, so that exporting twice gives the same bytes. ERR_NOT_FOUND: no such incident. Blocks for the
 * disk: run it in the pool.
 *
 * JSON: one document {"incident","events","runs","entities","evidence","chain"}, one line an element of each
 * list. Markdown: summary, impact, timeline (UTC), runs with each step's outcome and exact command, decisions
 * with reasons, evidence with digests and first lines, what is unknown, what was changed and not undone, the
 * chain's end. */
int postmortem_export(struct journal *j, int64_t incident, enum export_format format, struct str *out,
                      struct err *e);

/* --- a run, to be rehearsed ------------------------------------------------------------------------------
 */

/* Appends the answers (engine/runbook/answers.h) with which a rehearsal of its document goes as the run did.
 * What a check that polls said last stands for all of it. ERR_NOT_FOUND: no such run. Blocks for the disk. */
int postmortem_answers(struct journal *j, int64_t run, struct str *out, struct err *e);

#endif
