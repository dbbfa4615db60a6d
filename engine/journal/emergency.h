/* A journal in another place for the time that the main one can't be written, and its way back.
 *
 * An emergency journal is a journal like any other, with a chain of its own. Its first event is
 * journal.emergency "begun": beside which main journal (number and hash of that one's newest event). Then
 * follow copies of what it takes along: the events of the open runs that go on in it and of the open
 * incidents, with their texts and times. A journal.emergency "ready" ends them: what stands behind it
 * happened there, and its hash is the emergency journal's name (its id).
 *
 * It stands in a place where whoever opens the main journal looks (places.h), and appears there under the
 * main journal's lock, with nothing written since it was begun. From then on the main journal takes no event
 * of a run that went along, from whatever console: each claim is checked against the emergency journals that
 * wait, inside the transaction.
 *
 * Importing appends what stands behind "ready" to the main journal in one transaction: journal.imported,
 * which names the id and the emergency chain's head, then the events, in order. Each keeps kind, time, actor,
 * outcome, summary and data; its data gains a last member "imported" with what the emergency journal had: id,
 * seq, incident, run, kind, subject, hash. So the emergency chain can be recomputed from the main journal
 * alone, which journal_verify does. Incidents and runs that began in the emergency journal get the main one's
 * next numbers. Of a run that was claimed in the main journal all the same (by a console that can't see the
 * places) the events are kept as records (import.kept): they are not replayed. */
#ifndef BELAY_JOURNAL_EMERGENCY_H
#define BELAY_JOURNAL_EMERGENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

struct journal;
struct journal_options;

/* ---- those that wait ---- */

struct journal_waiting {
    const char *path;    /* its folder */
    const int64_t *runs; /* that went on in it */
    size_t run_count;
    const char *damage; /* NULL, or why nobody knows which runs: then none goes on */
};

/* Visits the emergency journals of this main journal, on this host, that aren't imported. visit as in
 * journal_read. A few system calls when there are none. */
int journal_waiting(struct journal *j, int (*visit)(const struct journal_waiting *waiting, void *data),
                    void *data, struct err *e);

/* ---- a new one ---- */

struct journal_emergency_plan {
    const struct journal_options *main; /* where it is, of which platform, shared, configured place */
    struct journal *from; /* the same, open for reading; NULL when it can't be read: nothing goes along */
    const char *actor;
    const int64_t *runs; /* these go on in it */
    size_t run_count;
    /* Once its folder is there, before anybody can see it; may be NULL. */
    int (*fill)(const char *folder, void *data, struct err *e);
    void *data;
};

/* Makes one, with every incident that isn't closed, and shows it in its place. path: its folder, the caller
 * frees. ERR_EXISTS: there is one (path is set); ERR_BUSY: the main journal was written meanwhile; ERR_FULL
 * and others: no place takes it. Blocks for the disks. */
int journal_emergency_make(const struct journal_emergency_plan *plan, char **path, struct err *e);

struct journal_emergency {
    char id[SHA256_HEX_SIZE]; /* hash of its "ready" */
    int64_t ready_seq;        /* what stands behind it is imported */
    int64_t begun_us;
    int64_t main_seq; /* the main journal's newest event then, 0 when it could not be read */
    uint8_t main_hash[SHA256_SIZE];
};

/* May the emergency journal in this folder be opened for writing? ERR_EXISTS: it is imported, or an import of
 * it was interrupted and comes first. ERR_NOT_FOUND: there is none. */
int journal_emergency_open(const char *folder, struct err *e);

/* ERR_NOT_FOUND: it is no emergency journal. */
int journal_emergency_read(struct journal *j, struct journal_emergency *emergency, struct err *e);

/* ---- and back ---- */

struct event;
/* Was it brought by an import? Then it stands behind what happened later, and is told at its own time. */
bool event_imported(const struct event *event);

struct journal_import {
    char id[SHA256_HEX_SIZE];
    int64_t seq;       /* of journal.imported */
    int64_t events;    /* behind it */
    int64_t kept_runs; /* of which the events are kept as records alone */
};

/* A run of the emergency journal, and its number in the main one; 0: kept as a record alone. */
struct journal_moved {
    int64_t there, here;
};

/* Imports the emergency journal in this folder into `into`: all of it or nothing. Its own lock is held
 * meanwhile: nothing is written there any more. Then its folder gets another name, PATH.imported-SEQ, as
 * evidence. place is called before anything is written, perhaps more than once: what is to be there when the
 * runs are; it may refuse. ERR_EXISTS: imported already, when and where; ERR_NOT_FOUND; ERR_FOREIGN: begun
 * beside another journal; ERR_CORRUPT: not intact; ERR_BUSY. Blocks for the disks. */
typedef int journal_place(void *data, const struct journal_moved *runs, size_t count, struct err *e);
int journal_import(const char *folder, struct journal *into, const char *actor, journal_place *place,
                   void *data, struct journal_import *report, struct err *e);

#endif
