/* What a new emergency journal takes along from the main one. */
#ifndef BELAY_JOURNAL_TAKE_ALONG_H
#define BELAY_JOURNAL_TAKE_ALONG_H

#include "engine/journal/journal.h"

/* What goes on in an emergency journal, and is on its way there. */
struct taking_along {
    struct journal *from, *to;
    const char *actor;
    VEC(struct event *) events; /* in order, each once */
    VEC(struct claim) claims;   /* their texts are copies */
    VEC(int64_t) incidents;
    const int64_t *runs;
    size_t run_count;
    int64_t newest_incident, newest_run, main_seq;
    uint8_t main_hash[SHA256_SIZE];
    struct err e;
};

/* Fills `to`, which is empty, from "begun" to "ready"; from NULL: with these two alone. main_seq is known
 * then. */
int take_along(struct taking_along *t, struct err *e);
void taking_along_fini(struct taking_along *t);

#endif
