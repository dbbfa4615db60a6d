/* The writing connection: transactions under the guard, the chain's end, events and pieces going in. Belongs
 * to one thread at a time. */
#ifndef BELAY_JOURNAL_STORE_H
#define BELAY_JOURNAL_STORE_H

#include "engine/journal/item.h"
#include "engine/journal/journal.h"

#define STORE_WAL_BYTES (4 << 20) /* above it the WAL goes into the database when the store has a rest */
#define STORE_WAL_MOST  (8 << 20) /* above it at once */

struct store;

/* Opens, creates or migrates the journal of a folder, and looks at its end: the last event must bear its own
 * hash and that of the one before. A file that fails this is left as it is. */
int store_open(const struct journal_options *options, struct store **store, struct err *e);
void store_close(struct store *s); /* NULL is fine */

/* Takes the guard, begins, reads the predecessor. */
int store_begin(struct store *s, struct err *e);
/* Fill in seq, prev_hash and hash of the events, first_seq, added and the new numbers of the item. */
int store_add(struct store *s, struct item *item, struct err *e);
/* Durable after it. Gives the guard back in any case; on failure everything since store_begin is undone. */
int store_commit(struct store *s, struct err *e);
void store_abort(struct store *s);

int64_t store_wal_bytes(const struct store *s); /* as of the last commit */
/* Checkpoints a WAL that has grown; cheap otherwise. That is many syncs: not between a confirmation and the
 * intent that it brings, so only when nothing was committed for 100 ms, unless it never has such a rest.
 * Gives when it wants to be called again (monotonic microseconds); INT64_MAX: after the next commit. */
int64_t store_maintain(struct store *s);

#endif
