/* The writing connection: transactions under the guard, the chain's end, events and pieces going in. Belongs
 * to one thread at a time. */
#ifndef BELAY_JOURNAL_STORE_H
#define BELAY_JOURNAL_STORE_H

#include "engine/journal/item.h"
#include "engine/journal/journal.h"

#define STORE_WAL_BYTES (4 << 20) /* above it the WAL goes into the database */

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
/* Checkpoints when the WAL has grown beyond STORE_WAL_BYTES; cheap otherwise. */
int store_maintain(struct store *s, struct err *e);

#endif
