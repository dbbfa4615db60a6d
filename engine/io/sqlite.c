#include "engine/io/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/base.h"

/* SQLite's count of its memory takes a mutex at every allocation, a tenth of the time of an append. Only
 * before the first use; later calls are refused and change nothing. */
static void settle_library(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* The unix VFS keeps descriptors open that another connection's locks depend on; a plain open() and close()
 * would drop those locks (POSIX). Hence the way through the VFS. */
static int probe_header(const char *path, unsigned char header[static 100], bool *whole, struct err *e)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    const char *name = sqlite3_create_filename(path, "", "", 0, NULL);
    sqlite3_file *file = xcalloc(1, (size_t)vfs->szOsFile);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, code = 0;
    if (!name)
        abort();
    int rc = vfs->xOpen(vfs, name, file, flags, &flags);
    if (rc != SQLITE_OK) {
        errno = access(path, R_OK) < 0 ? errno : EIO;
        code = err_errno(e, "%s", path);
    } else {
        rc = file->pMethods->xRead(file, header, 100, 0);
        *whole = rc == SQLITE_OK;
        if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
            code = err_set(e, ERR_IO, "%s: can't be read", path);
    }
    if (file->pMethods)
        file->pMethods->xClose(file);
    free(file);
    sqlite3_free_filename(name);
    return code;
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int database_probe(const char *path, struct database_header *header, struct err *e)
{
    settle_library();
    *header = (struct database_header){0};
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_errno(e, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_FOREIGN, "%s: not a regular file", path);
    if (st.st_size == 0)
        return 0;
    unsigned char bytes[100] = {0};
    bool whole = false;
    int code = probe_header(path, bytes, &whole, e);
    if (code < 0)
        return code;
    header->present = true;
    header->sqlite = whole && memcmp(bytes, "SQLite format 3", 16) == 0;
    header->application_id = big_endian(bytes + 68);
    header->user_version = big_endian(bytes + 60);
    return 0;
}

static int error_code(int rc, int number)
{
    bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    bool denied = number == EACCES || number == EPERM || number == EROFS;
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return full ? ERR_FULL : denied ? ERR_DENIED : number == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
        return ERR_CORRUPT;
    case SQLITE_NOTADB:
        return ERR_FOREIGN;
    case SQLITE_TOOBIG:
        return ERR_RANGE;
    default:
        return ERR_IO;
    }
}

static const char *error_advice(int code)
{
    switch (code) {
    case ERR_FULL:
        return "; make room on the disk";
    case ERR_DENIED:
        return "; make the folder writable for you";
    case ERR_CORRUPT:
        return "; the file is damaged: keep it, and start another";
    default:
        return "";
    }
}

static int last_errno(sqlite3 *db)
{
    int number = sqlite3_system_errno(db);
    sqlite3_file *wal = NULL;
    /* A failed COMMIT doesn't tell the connection: ask the WAL, then the database. */
    if (number == 0 && sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK &&
        wal && wal->pMethods)
        wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &number);
    if (number == 0)
        (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
    return number;
}

int database_error(sqlite3 *db, struct err *e, const char *what)
{
    int rc = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    /* errno is only meaningful beside the codes that come from a system call. */
    bool system = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
    int number = system && db ? last_errno(db) : 0;
    int code = error_code(rc, number);
    const char *text = code == ERR_FULL ? "no room left" : db ? sqlite3_errmsg(db) : "out of memory";
    return err_set(e, code, "%s: %s%s%s%s", what, text, number ? ": " : "",
                   number ? strerrordesc_np(number) : "", error_advice(code));
}

int database_run(sqlite3 *db, const char *sql, struct err *e)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        const char *path = sqlite3_db_filename(db, "main");
        return database_error(db, e, path && *path ? path : "database");
    }
    return 0;
}

static int count_wal_pages(void *pages, sqlite3 *db, const char *name, int count)
{
    (void)db;
    (void)name;
    *(int *)pages = count;
    return SQLITE_OK;
}

/* The settings on which the guard rests, and those that keep a hostile file from doing more than being wrong.
 */
static int database_settle(sqlite3 *db, const struct database_options *o, struct err *e)
{
    int on = 0;
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, 2000);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &on);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, &on);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &on);
    sqlite3_wal_autocheckpoint(db, 0);
    if (o->wal_pages)
        sqlite3_wal_hook(db, count_wal_pages, o->wal_pages);
    char *sql = xasprintf("PRAGMA cache_size = -%d; PRAGMA synchronous = %s; PRAGMA temp_store = MEMORY;"
                          "PRAGMA cell_size_check = ON;%s"
                          "SELECT 1 FROM sqlite_schema LIMIT 1;", /* opens the file, at last */
                          o->cache_kib, o->full_sync ? "FULL" : "NORMAL",
                          o->read_only ? "PRAGMA query_only = ON;" : "");
    int code = database_run(db, sql, e);
    free(sql);
    return code;
}

static bool file_is_empty(const char *path, const char *suffix)
{
    char *name = xasprintf("%s%s", path, suffix);
    struct stat st;
    bool empty = stat(name, &st) < 0 || st.st_size == 0;
    free(name);
    return empty;
}

/* "file:" and the path, with what means something in a URI as %XX. */
static char *immutable_uri(const char *path)
{
    struct str uri = {0};
    str_add(&uri, "file:");
    for (const char *p = path; *p; p++)
        if (strchr("%?# ", *p))
            str_addf(&uri, "%%%02X", (unsigned)*p);
        else
            str_add_char(&uri, *p);
    str_add(&uri, "?immutable=1");
    return str_take(&uri);
}

static int database_open_at(const char *name, const char *path, int flags, const struct database_options *o,
                            sqlite3 **db, struct err *e)
{
    *db = NULL;
    sqlite3 *new = NULL;
    settle_library();
    int rc = sqlite3_open_v2(name, &new, flags | SQLITE_OPEN_NOMUTEX, NULL);
    int code = rc != SQLITE_OK ? database_error(new, e, path) : database_settle(new, o, e);
    if (code < 0)
        sqlite3_close_v2(new);
    else
        *db = new;
    return code;
}

int database_open(const char *path, const struct database_options *o, sqlite3 **db, struct err *e)
{
    /* A reader opens for writing too where it may: a read-only connection can't set up the WAL's index. */
    bool writable = access(path, W_OK) == 0;
    int flags = o->read_only && !writable ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int code = database_open_at(path, path, flags, o, db, e);
    if (code == 0 || !o->read_only || code == ERR_CORRUPT || code == ERR_FOREIGN ||
        !file_is_empty(path, "-wal"))
        return code;
    char *uri = immutable_uri(path);
    code = database_open_at(uri, path, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, o, db, e);
    if (code == 0 && e)
        *e = (struct err){0}; /* why the other way was none */
    free(uri);
    return code;
}

int database_use_wal(sqlite3 *db, struct err *e)
{
    return database_run(db, "PRAGMA journal_mode = WAL", e);
}

void database_close(sqlite3 *db)
{
    if (db)
        sqlite3_close_v2(db);
}

int database_checkpoint(sqlite3 *db, struct err *e)
{
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ? 0 : database_error(db, e, "checkpoint");
}

static void remove_with_companions(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *name = xasprintf("%s%s", path, suffixes[i]);
        unlink(name);
        free(name);
    }
}

static int file_make(const char *path, mode_t mode, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_errno(e, "%s", path);
    /* The umask must not decide; WAL and index inherit the mode of the database. */
    int code = fchmod(fd, mode) < 0 ? err_errno(e, "%s", path) : 0;
    close(fd);
    return code;
}

static int folder_of_sync(const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd < 0 || (fsync(fd) < 0 && errno != EINVAL) ? err_errno(e, "%s", folder) : 0;
    if (fd >= 0)
        close(fd);
    free(folder);
    return code;
}

/* Of a file without a name nothing need survive: no syncs on the way, one at its end. */
static int fill_new(const char *path, uint32_t application_id, const char *schema, struct err *e)
{
    sqlite3 *db = NULL;
    char *sql = xasprintf("PRAGMA page_size = %d; PRAGMA auto_vacuum = NONE; PRAGMA synchronous = OFF; "
                          "PRAGMA journal_mode = MEMORY; PRAGMA application_id = %d;"
                          "BEGIN; %s; COMMIT; PRAGMA journal_mode = WAL;",
                          DATABASE_PAGE_BYTES, (int)application_id, schema);
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_extended_result_codes(db, 1);
    int code = rc != SQLITE_OK ? database_error(db, e, path) : database_run(db, sql, e);
    /* The only close that does checkpoint: the WAL of a file without a name must not stay behind. */
    if (sqlite3_close(db) != SQLITE_OK && code == 0)
        code = err_set(e, ERR_IO, "%s: can't be closed", path);
    free(sql);
    return code;
}

static int file_of_sync(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int code = fd < 0 || fsync(fd) < 0 ? err_errno(e, "%s", path) : 0;
    if (fd >= 0)
        close(fd);
    return code;
}

int database_create(const char *path, mode_t mode, uint32_t application_id, const char *schema, struct err *e)
{
    char *temporary = xasprintf("%s.new", path);
    remove_with_companions(temporary); /* somebody died here; the guard says it is nobody's now */
    int code = file_make(temporary, mode, e);
    if (code == 0)
        code = fill_new(temporary, application_id, schema, e);
    if (code == 0)
        code = file_of_sync(temporary, e);
    if (code == 0 && rename(temporary, path) < 0)
        code = err_errno(e, "%s", path);
    if (code == 0)
        code = folder_of_sync(path, e);
    else
        remove_with_companions(temporary);
    free(temporary);
    return code;
}
