/* SQLite files that several processes write. The guard is an exclusive flock on a file beside the database:
 * before 3.51.3 a WAL reset can race with another connection's commit and corrupt the file, so every write
 * transaction and every WAL checkpoint of every process happens under it. Databases are opened here alone, so
 * that the settings on which this rests (WAL, no automatic checkpoint, none on closing) hold everywhere. */
#ifndef BELAY_IO_SQLITE_H
#define BELAY_IO_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/base.h"

#define GUARD_WAIT_US 2000000LL

/* Of new databases. A commit writes every page it touches: half of SQLite's default is half the bytes of an
 * intent, and its rows of a few hundred bytes still fit. */
#define DATABASE_PAGE_BYTES 2048

/* One guard belongs to one thread at a time; two in a process exclude each other too. */
struct guard;

/* Opens or creates the file. ERR_UNSUPPORTED on a network file system, where flock means nothing. */
int guard_open(const char *path, mode_t mode, struct guard **guard, struct err *e);
/* Waits at most wait_us (bounded back-off, never blocking in the kernel). ERR_BUSY names the holder's pid and
 * program. */
int guard_lock(struct guard *g, int64_t wait_us, struct err *e);
void guard_unlock(struct guard *g);
void guard_close(struct guard *g); /* unlocks; NULL is fine */

/* What the first 100 bytes of a database file say; read through SQLite's own VFS, because opening and closing
 * the file in any other way drops the locks that this process has on it. */
struct database_header {
    bool present; /* false: no such file, or an empty one */
    bool sqlite;  /* has SQLite's magic */
    uint32_t application_id;
    uint32_t user_version; /* of the last checkpoint: a newer one may be in the WAL */
};
int database_probe(const char *path, struct database_header *header, struct err *e);

struct database_options {
    bool read_only;
    bool full_sync; /* synchronous FULL (the journal), else NORMAL */
    int cache_kib;  /* page cache of this connection */
    int *wal_pages; /* set by each commit to the pages in use in the WAL; NULL for readers */
};

/* Opens an existing database with automatic checkpoints off; nothing is written, so that the caller can look
 * before it touches. A reader of a folder where it may not write reads a file without a WAL as it stands. One
 * thread at a time. On failure *db is NULL. */
int database_open(const char *path, const struct database_options *options, sqlite3 **db, struct err *e);
/* Before the first write; the caller holds the guard. */
int database_use_wal(sqlite3 *db, struct err *e);
void database_close(sqlite3 *db); /* never checkpoints; NULL is fine */

/* Makes a new database, complete or not at all: a temporary file beside path gets application_id, the schema
 * (SQL, which sets user_version too), then WAL, then the name. An empty file at path is replaced. The caller
 * holds the guard. */
int database_create(const char *path, mode_t mode, uint32_t application_id, const char *schema,
                    struct err *e);

/* Moves what it can from the WAL into the database without waiting for readers. The caller holds the guard.
 */
int database_checkpoint(sqlite3 *db, struct err *e);

/* Runs SQL without results. */
int database_run(sqlite3 *db, const char *sql, struct err *e);

/* Fills e from the connection's last error, as "what: ...": FULL, DENIED, IO, BUSY, CORRUPT, FOREIGN ... by
 * SQLite's code and errno. */
int database_error(sqlite3 *db, struct err *e, const char *what);

#endif
