/* May a group of events go in? What is asked beside its claims, inside the transaction and under the guard.
 */
#ifndef BELAY_JOURNAL_ADMIT_H
#define BELAY_JOURNAL_ADMIT_H

#include <sqlite3.h>

#include "engine/journal/item.h"

struct admission;

struct admission *admission_new(const struct journal_options *options); /* copies what it needs */
int admission_open(struct admission *a, sqlite3 *db, struct err *e);
void admission_free(struct admission *a); /* before the database is closed; NULL is fine */

/* 1: none of the runs that it has claims of went on in an emergency journal that waits for its import. 0: the
 * item's refusal says which. An emergency journal appears under the guard, too: what was committed before
 * went along, and nothing follows. */
int admit_runs(struct admission *a, struct item *item, struct err *e);
/* 1: the numbers that an import counts on are the next ones. 0: they were taken meanwhile. */
int admit_numbers(struct admission *a, struct item *item, struct err *e);

#endif
