/* The file of the targets: opening it, making it, setting a damaged one aside, and transactions. Private to
 * the room. */
#ifndef BELAY_TARGETS_DATABASE_H
#define BELAY_TARGETS_DATABASE_H

#include <sys/types.h>

#include "engine/io/io.h"
#include "engine/targets/targets.h"

enum {
    TARGETS_BEGIN,
    TARGETS_COMMIT,
    TARGETS_ROLLBACK,
    TARGETS_DATA_VERSION,
    TARGETS_GET,
    TARGETS_MAKE,
    TARGETS_PUT,
    TARGETS_TIER,
    TARGETS_USED,
    TARGETS_ALL,
    TARGETS_STALE,
    TARGETS_STALE_SUMS,
    TARGETS_SUMS,
    TARGETS_SUM_GET,
    TARGETS_SUM_PUT,
    TARGETS_STATEMENTS,
};

struct targets {
    char *path, *lock_path, *lease_path, *folder;
    bool shared, read_only;
    int64_t boot;     /* which boot this is: a digest of the kernel's id */
    int64_t shift_ms; /* tests: of the clock */
    sqlite3 *db;
    sqlite3_stmt *statements[TARGETS_STATEMENTS]; /* prepared when they are first used */
    struct guard *guard;                          /* opened when it is first needed, */
    int64_t wait_us;                              /* and waited for so long */
    dev_t device;                                 /* which file is open */
    ino_t inode;
    int wal_pages;
    int64_t retry_us; /* a checkpoint has failed: not again before */
    int64_t commits;  /* of this process: SQLite's data version leaves them out */
    int64_t versions; /* of files that were open before this one */
    int probe_fd;     /* for asking who holds leases; -1 */
    char *warning;
};

/* The statement, prepared and reset; NULL and e when it can't be. */
sqlite3_stmt *targets_statement(struct targets *t, int which, struct err *e);
/* Steps it: 1 a row, 0 none, or an error's code. */
int targets_step(struct targets *t, sqlite3_stmt *statement, struct err *e);

/* One transaction, with the guard when it writes. A damaged file is set aside, and the work done again in a
 * new one. work may be done more than once. */
typedef int (*targets_work)(struct targets *t, void *data, struct err *e);
int targets_transact(struct targets *t, bool write, targets_work work, void *data, struct err *e);

int64_t targets_now_ms(const struct targets *t); /* boot time */

/* lease.c: the lock that says that the holder of a probe's lease lives: a byte of a file for each probe of
 * each target, locked through an open file description, so that it ends with its last descriptor. */
int lease_take(struct targets *t, int64_t target, unsigned slot); /* a descriptor, or -1 */
bool lease_is_held(struct targets *t, int64_t target, unsigned slot);
void lease_end(int lease); /* -1 is fine */

#endif
