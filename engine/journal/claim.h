/* Claims inside a transaction of the store (what they are: journal.h). */
#ifndef BELAY_JOURNAL_CLAIM_H
#define BELAY_JOURNAL_CLAIM_H

#include <sqlite3.h>

#include "engine/journal/journal.h"

#define CLAIM_REASON_MAX 256

struct claims;

int claims_open(sqlite3 *db, struct claims **claims, struct err *e);
void claims_close(struct claims *c); /* NULL is fine */

/* May a group's claims be taken, checked, given back now? 1 yes; 0 no, reason says who holds it; negative:
 * the database failed. */
int claims_admit(struct claims *c, const struct claim *claims, size_t count,
                 char reason[static CLAIM_REASON_MAX], struct err *e);
/* Does it (NONE: nothing); seq is the event's, the fence of what it takes. */
int claims_apply(struct claims *c, const struct claim *claim, int64_t seq, struct err *e);

#endif
