/* One import under way, for the files that carry its parts: import_plan.c finds out what is to be done,
 * import.c does it. */
#ifndef BELAY_JOURNAL_IMPORT_H
#define BELAY_JOURNAL_IMPORT_H

#include "engine/journal/journal.h"

struct number {
    int64_t there, here;
    bool along; /* it went along: the same number here */
};

/* What becomes of a run of the emergency journal. */
struct moved_run {
    int64_t there, here;
    int64_t fence;      /* of the main journal's claim when it went along; 0 none */
    int64_t fence_now;  /* and at present */
    size_t took, ended; /* its last event that takes it, and its end: index + 1 */
    bool along, kept;
};

struct import {
    struct journal *from, *into;
    const char *folder, *actor;
    struct journal_emergency emergency;
    int64_t head_seq;
    uint8_t head_hash[SHA256_SIZE];
    VEC(struct event *) events; /* behind "ready" */
    VEC(struct moved_run) runs;
    VEC(struct number) incidents;
    VEC(struct claim) locks; /* held in the emergency journal; key and owner are copies */
    VEC(struct claim) changes;
    struct map *given_back; /* keys of locks that went along, and are free there */
    int64_t next_run, next_incident;
    struct err *e;
};

/* Of an event there; made when it is met first. */
struct moved_run *import_run(struct import *i, int64_t there);
struct number *import_incident(struct import *i, int64_t there);

/* Checks the emergency journal and reads all of it. */
int import_read(struct import *i);
/* The pieces of its blobs go over as they are; without their events they are loose, which harms nothing. */
int import_blobs(struct import *i);
/* Numbers and claims, as the main journal is now. */
int import_plan(struct import *i);
void import_fini(struct import *i);

#endif
