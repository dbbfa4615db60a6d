/* The journal's tables: how they are made, checked and brought up to date. */
#ifndef BELAY_JOURNAL_SCHEMA_H
#define BELAY_JOURNAL_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#include "engine/base/base.h"

#define SCHEMA_APPLICATION_ID 0x62656c61 /* "bela" */

#define CHUNK_EVENTS 256 /* events with rowid / 256 alike are a chunk; also written out in the SQL */

int schema_version(void); /* what this program writes; PRAGMA user_version of the file */

/* The SQL that makes a file of the given version out of one of version `from` (0: an empty one), setting
 * user_version. The caller frees. */
char *schema_sql(int from, int to);

/* ERR_FOREIGN, ERR_UNSUPPORTED (newer), or 0 with the version found. Looks at what the connection sees, not
 * at the header. */
int schema_check(sqlite3 *db, const char *path, int *version, struct err *e);

/* One transaction from the version found to ours; all or nothing. The caller holds the guard. */
int schema_migrate(sqlite3 *db, int version, struct err *e);

/* Do all tables, indexes and triggers stand exactly as this program makes them? The first difference is in e
 * (ERR_CORRUPT): a dropped trigger is one. */
int schema_compare(sqlite3 *db, struct err *e);

#endif
