/* Which events of the journal an incident is told by. */
#ifndef BELAY_POSTMORTEM_SPAN_H
#define BELAY_POSTMORTEM_SPAN_H

#include "engine/postmortem/postmortem.h"

#define SPAN_BEFORE_US (15 * 60 * US_PER_S)       /* what changed shortly before somebody opened it */
#define SPAN_ILL_US    (7 * 24 * 3600 * US_PER_S) /* how far back what was wrong by then is followed */

struct span {
    int64_t incident; /* 0: everything */
    int64_t first_seq, last_seq;
    int64_t around_first, around_last; /* where events of nobody's (transitions) belong to it */
    VEC(int64_t) runs;
    VEC(int64_t) ills; /* before around_first: how what was wrong by then came to be so; the newest first */
    char **own, **others; /* entities that it, or another incident of that time, has to do with; NULL */
};

int span_init(struct span *span, struct journal *j, int64_t incident, struct err *e);
void span_fini(struct span *span);
bool span_has(const struct span *span, const struct event *event);

#endif
