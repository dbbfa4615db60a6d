/* The reading connection: opened when first needed, used by one thread at a time, never inside a callback. */
#ifndef BELAY_JOURNAL_READER_H
#define BELAY_JOURNAL_READER_H

#include <sqlite3.h>

#include "engine/journal/journal.h"

struct reader;

struct reader *reader_new(const char *path);
void reader_free(struct reader *r); /* NULL is fine */

/* The connection, for this thread alone until reader_give; NULL with an error (nothing to give back then).
 * After an error of SQLite's pass `broken`: the next use opens anew. */
sqlite3 *reader_take(struct reader *r, struct err *e);
void reader_give(struct reader *r, bool broken);

/* The statement that reader_last_seq uses again and again lives with the connection. */
int reader_head(struct reader *r, struct event *last,
                struct err *e); /* number and hash alone; zero when empty */

#endif
