#include "engine/targets/database.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x626c7354 /* "blsT" */
#define VERSION        1
#define WAL_MOST_BYTES 100000
#define WAL_FRAME      (DATABASE_PAGE_BYTES + 24)
#define ASIDE_MOST     99
#define RETRY_US       (10 * US_PER_S)

/* boot and at_ms are those of the breaker's last writing; sums are rings of buckets of boot time, an old one
 * is written over. Times named _us are wall time. */
static const char schema[] =
    "CREATE TABLE target (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, boot INTEGER, at_ms INTEGER,"
    " used_us INTEGER, since_us INTEGER, breaker BLOB, rules BLOB, budget INTEGER, error TEXT,"
    " actor TEXT, reason TEXT, until_us INTEGER,"
    " chain TEXT, tier INTEGER, tiers INTEGER, cost REAL, accuracy REAL);"
    "CREATE TABLE sums (target INTEGER, span INTEGER, slot INTEGER, boot INTEGER, bucket INTEGER,"
    " numbers BLOB, PRIMARY KEY (target, span, slot)) WITHOUT ROWID;"
    "PRAGMA user_version = 1";

#define COLUMNS                                                                                              \
    "id, name, boot, at_ms, since_us, used_us, breaker, rules, budget, error, actor, reason, until_us, "     \
    "chain, tier,"                                                                                           \
    " tiers, cost, accuracy"

static const char *const texts[TARGETS_STATEMENTS] = {
    [TARGETS_BEGIN] = "BEGIN IMMEDIATE",
    [TARGETS_COMMIT] = "COMMIT",
    [TARGETS_ROLLBACK] = "ROLLBACK",
    [TARGETS_DATA_VERSION] = "PRAGMA data_version",
    [TARGETS_GET] = "SELECT " COLUMNS " FROM target WHERE name = ?1",
    [TARGETS_ALL] = "SELECT " COLUMNS " FROM target ORDER BY name",
    [TARGETS_MAKE] = "INSERT INTO target (name, used_us) VALUES (?1, ?2)",
    [TARGETS_PUT] =
        "UPDATE target SET boot = ?2, at_ms = ?3, used_us = ?4, since_us = ?5, breaker = ?6, rules = ?7,"
        " budget = ?8, error = ?9, actor = ?10, reason = ?11, until_us = ?12 WHERE id = ?1",
    [TARGETS_TIER] =
        "UPDATE target SET used_us = ?2, chain = ?3, tier = ?4, tiers = ?5, cost = ?6, accuracy = ?7,"
        " error = coalesce(?8, error) WHERE id = ?1",
    [TARGETS_USED] = "UPDATE target SET used_us = ?2 WHERE id = ?1",
    [TARGETS_STALE_SUMS] = "DELETE FROM sums WHERE target IN (SELECT id FROM target WHERE used_us < ?1)",
    [TARGETS_STALE] = "DELETE FROM target WHERE used_us < ?1",
    [TARGETS_SUMS] = "SELECT span, boot, bucket, numbers FROM sums WHERE target = ?1",
    [TARGETS_SUM_GET] =
        "SELECT boot, bucket, numbers FROM sums WHERE target = ?1 AND span = ?2 AND slot = ?3",
    [TARGETS_SUM_PUT] = "REPLACE INTO sums VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
};

int64_t targets_now_ms(const struct targets *t)
{
    return clock_boot_us() / US_PER_MS + t->shift_ms;
}

const char *targets_warning(const struct targets *t)
{
    return t->warning;
}

/* ---- statements ---- */

sqlite3_stmt *targets_statement(struct targets *t, int which, struct err *e)
{
    if (!t->statements[which] && sqlite3_prepare_v3(t->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                                    &t->statements[which], NULL) != SQLITE_OK) {
        database_error(t->db, e, t->path);
        return NULL;
    }
    sqlite3_reset(t->statements[which]);
    return t->statements[which];
}

int targets_step(struct targets *t, sqlite3_stmt *statement, struct err *e)
{
    int rc = sqlite3_step(statement);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : database_error(t->db, e, t->path);
}

static int run(struct targets *t, int which, struct err *e)
{
    struct err why = {0};
    sqlite3_stmt *statement = targets_statement(t, which, &why);
    int code = statement ? targets_step(t, statement, &why) : why.code;
    sqlite3_reset(statement);
    if (code < 0 && e)
        *e = why;
    return code < 0 ? code : 0;
}

/* ---- opening ---- */

static void file_close(struct targets *t)
{
    if (t->db && t->statements[TARGETS_DATA_VERSION])
        t->versions += 1000000; /* whatever the file said: the next one's numbers are larger */
    for (int i = 0; i < TARGETS_STATEMENTS; i++) {
        sqlite3_finalize(t->statements[i]);
        t->statements[i] = NULL;
    }
    database_close(t->db);
    t->db = NULL;
}

static int number_of(struct targets *t, const char *sql, int64_t *number, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int code = 0;
    if (sqlite3_prepare_v2(t->db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        code = database_error(t->db, e, t->path);
    else
        *number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code;
}

static int file_open(struct targets *t, struct err *e)
{
    struct stat st;
    int64_t id = 0, version = 0;
    struct database_options options = {
        .read_only = t->read_only, .cache_kib = 256, .wal_pages = t->read_only ? NULL : &t->wal_pages};
    if (stat(t->path, &st) < 0)
        return err_errno(e, "%s", t->path);
    if (st.st_size == 0)
        return err_set(e, ERR_NOT_FOUND, "%s: empty", t->path);
    int code = database_open(t->path, &options, &t->db, e);
    if (code == 0)
        code = number_of(t, "PRAGMA application_id", &id, e);
    if (code == 0 && id != APPLICATION_ID)
        code = err_set(e, ERR_FOREIGN, "%s: not a state database of belay", t->path);
    if (code == 0)
        code = number_of(t, "PRAGMA user_version", &version, e);
    if (code == 0 && version > VERSION)
        code = err_set(e, ERR_UNSUPPORTED, "%s: made by a later belay (%lld); use that one", t->path,
                       (long long)version);
    if (code < 0)
        file_close(t);
    t->device = st.st_dev;
    t->inode = st.st_ino;
    return code;
}

/* ---- making, and setting aside: both under the guard ---- */

static int folder_ready(const struct targets *t, struct err *e)
{
    struct stat st;
    if (stat(t->folder, &st) < 0)
        return errno == ENOENT ? folder_make(t->folder, t->shared ? 02770 : 0700, e)
                               : err_errno(e, "%s", t->folder);
    if (t->shared && (st.st_mode & 07777) != 02770)
        return err_set(e, ERR_DENIED,
                       "%s has mode %o, a shared folder needs 2770: chgrp GROUP %s && chmod 2770 %s",
                       t->folder, (unsigned)(st.st_mode & 07777), t->folder, t->folder);
    if (!t->shared && st.st_uid != geteuid() && geteuid() != 0)
        return err_set(e, ERR_DENIED, "%s belongs to another user (uid %u)", t->folder, (unsigned)st.st_uid);
    if (!t->shared && (st.st_mode & 077) && ((st.st_mode & S_ISVTX) || chmod(t->folder, 0700) < 0))
        return err_set(e, ERR_DENIED, "%s is open to others: chmod 700", t->folder);
    return 0;
}

static int guard_take(struct targets *t, struct err *e)
{
    int code = t->guard ? 0 : guard_open(t->lock_path, t->shared ? 0660 : 0600, &t->guard, e);
    return code == 0 ? guard_lock(t->guard, t->wait_us, e) : code;
}

static void companion_move(const char *path, const char *to, const char *suffix)
{
    char *from = xasprintf("%s%s", path, suffix), *aside = xasprintf("%s%s", to, suffix);
    rename(from, aside); /* there may be none */
    free(from);
    free(aside);
}

static int set_aside(struct targets *t, const struct err *why, struct err *e)
{
    char *aside = NULL;
    for (int i = 1; i <= ASIDE_MOST && !aside; i++) {
        aside = xasprintf("%s.%d", t->path, i);
        if (access(aside, F_OK) == 0) {
            free(aside);
            aside = NULL;
        }
    }
    if (!aside)
        return err_set(e, ERR_EXISTS, "%s: damaged, as %d before it: remove those", t->path, ASIDE_MOST);
    int code = rename(t->path, aside) < 0 && errno != ENOENT ? err_errno(e, "%s", aside) : 0;
    if (code == 0) {
        companion_move(t->path, aside, "-wal"); /* the index means nothing without them: it is made anew */
        char *index = xasprintf("%s-shm", t->path);
        unlink(index);
        free(index);
        free(t->warning);
        t->warning = xasprintf("the state database was set aside as %s and begun anew: %s", aside, why->msg);
    }
    free(aside);
    return code;
}

static bool is_damage(int code)
{
    return code == ERR_CORRUPT || code == ERR_FOREIGN;
}

/* Another process may have done it meanwhile. */
static int make_or_mend(struct targets *t, struct err *e)
{
    int code = folder_ready(t, e);
    if (code == 0)
        code = guard_take(t, e);
    if (code < 0)
        return code;
    struct err why = {0};
    code = file_open(t, &why);
    if (is_damage(code)) {
        code = set_aside(t, &why, e);
        if (code == 0)
            code = ERR_NOT_FOUND;
    } else if (e && code < 0) {
        *e = why;
    }
    if (code == ERR_NOT_FOUND) {
        code = database_create(t->path, t->shared ? 0660 : 0600, APPLICATION_ID, schema, e);
        if (code == 0)
            code = file_open(t, e);
    }
    guard_unlock(t->guard);
    return code;
}

static int open_or_make(struct targets *t, struct err *e)
{
    struct err why = {0};
    int code = file_open(t, &why);
    if (code == 0)
        return 0;
    if (!t->read_only && (code == ERR_NOT_FOUND || is_damage(code)))
        return make_or_mend(t, e);
    if (e)
        *e = why;
    return code;
}

void targets_patience(struct targets *t, int64_t wait_ms)
{
    t->wait_us = wait_ms <= 0 ? 0 : wait_ms < GUARD_WAIT_US / US_PER_MS ? wait_ms * US_PER_MS : GUARD_WAIT_US;
}

int targets_open_within(const char *folder, bool shared, bool read_only, int64_t wait_ms,
                        struct targets **targets, struct err *e)
{
    struct targets *t = xcalloc(1, sizeof *t);
    const char *boot = clock_boot_id();
    *targets = NULL;
    t->folder = xstrdup(folder);
    t->path = path_join(folder, "state.db");
    t->lock_path = path_join(folder, "state.lock");
    t->lease_path = path_join(folder, "state.probes");
    t->shared = shared;
    t->read_only = read_only;
    t->probe_fd = -1;
    targets_patience(t, wait_ms);
    t->boot = (int64_t)checksum64(boot, strlen(boot));
    int code = open_or_make(t, e);
    if (code < 0)
        targets_close(t);
    else
        *targets = t;
    return code;
}

int targets_open(const char *folder, bool shared, bool read_only, struct targets **targets, struct err *e)
{
    return targets_open_within(folder, shared, read_only, INT64_MAX, targets, e);
}

void targets_close(struct targets *t)
{
    if (!t)
        return;
    file_close(t);
    guard_close(t->guard);
    lease_end(t->probe_fd);
    free(t->warning);
    free(t->folder);
    free(t->path);
    free(t->lock_path);
    free(t->lease_path);
    free(t);
}

/* ---- transactions ---- */

/* Set aside by another process: what is open here is no longer the one that counts. */
static int place_check(struct targets *t, struct err *e)
{
    struct stat st;
    if (t->db && stat(t->path, &st) == 0 && st.st_dev == t->device && st.st_ino == t->inode)
        return 0;
    file_close(t);
    return open_or_make(t, e);
}

/* So that the next process which finds nobody here has little to read again. */
static void checkpoint(struct targets *t)
{
    if (t->wal_pages * (int64_t)WAL_FRAME <= WAL_MOST_BYTES || clock_monotonic_us() < t->retry_us)
        return;
    if (database_checkpoint(t->db, NULL) < 0)
        t->retry_us = clock_monotonic_us() + RETRY_US; /* a full disk: the calls go on */
}

static int transact_write(struct targets *t, targets_work work, void *data, struct err *e)
{
    int code = guard_take(t, e);
    if (code < 0)
        return code;
    code = run(t, TARGETS_BEGIN, e);
    if (code == 0) {
        code = work(t, data, e);
        int ended = run(t, code < 0 ? TARGETS_ROLLBACK : TARGETS_COMMIT, code < 0 ? NULL : e);
        if (code >= 0 && ended < 0) {
            run(t, TARGETS_ROLLBACK, NULL);
            code = ended;
        }
    }
    if (code >= 0) {
        t->commits++;
        checkpoint(t);
    }
    guard_unlock(t->guard);
    return code;
}

int targets_transact(struct targets *t, bool write, targets_work work, void *data, struct err *e)
{
    struct err why = {0};
    int code = place_check(t, &why);
    if (code == 0)
        code = write ? transact_write(t, work, data, &why) : work(t, data, &why);
    if (is_damage(code) && !t->read_only) {
        struct err again = {0};
        file_close(t);
        code = guard_take(t, &again);
        if (code == 0) {
            struct stat st;
            /* Still the one that was found damaged? */
            if (stat(t->path, &st) == 0 && st.st_dev == t->device && st.st_ino == t->inode)
                code = set_aside(t, &why, &again);
            guard_unlock(t->guard);
        }
        if (code == 0)
            code = open_or_make(t, &again);
        if (code == 0)
            code = write ? transact_write(t, work, data, &again) : work(t, data, &again);
        why = again;
    }
    if (code < 0 && e)
        *e = why;
    return code;
}

static int version_work(struct targets *t, void *data, struct err *e)
{
    sqlite3_stmt *statement = targets_statement(t, TARGETS_DATA_VERSION, e);
    int code = statement ? targets_step(t, statement, e) : ERR_IO;
    if (code == 1)
        *(int64_t *)data = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

int targets_version(struct targets *t, int64_t *version, struct err *e)
{
    int code = targets_transact(t, false, version_work, version, e);
    *version += t->commits + t->versions;
    return code;
}
