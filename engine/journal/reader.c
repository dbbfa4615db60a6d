#include "engine/journal/reader.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/io/io.h"
#include "engine/journal/schema.h"

struct reader {
    pthread_mutex_t lock;
    char *path;
    sqlite3 *db;
    sqlite3_stmt *head;
    bool stopgap; /* opened while the file could not be written */
};

struct reader *reader_new(const char *path)
{
    struct reader *r = xcalloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->path = xstrdup(path);
    return r;
}

static void reader_shut(struct reader *r)
{
    sqlite3_finalize(r->head);
    database_close(r->db);
    r->head = NULL;
    r->db = NULL;
}

void reader_free(struct reader *r)
{
    if (!r)
        return;
    reader_shut(r);
    pthread_mutex_destroy(&r->lock);
    free(r->path);
    free(r);
}

static int reader_open(struct reader *r, struct err *e)
{
    struct database_options options = {.read_only = true, .cache_kib = 1024};
    struct database_header header;
    r->stopgap = access(r->path, W_OK) != 0;
    int version, code = database_probe(r->path, &header, e);
    if (code == 0 && !header.present)
        code = err_set(e, ERR_NOT_FOUND, "%s: there is no journal yet", r->path);
    if (code == 0 && (!header.sqlite || header.application_id != SCHEMA_APPLICATION_ID))
        code = err_set(e, ERR_FOREIGN, "%s: not a journal of belay%s", r->path,
                       header.sqlite ? "" : ", or damaged at its beginning");
    if (code == 0)
        code = database_open(r->path, &options, &r->db, e);
    if (code == 0)
        code = schema_check(r->db, r->path, &version, e);
    if (code == 0 && version < schema_version())
        code = err_set(e, ERR_UNSUPPORTED, "%s: of an older schema (%d); open it once without --read-only",
                       r->path, version);
    if (code == 0 && sqlite3_prepare_v3(r->db, "SELECT rowid, hash FROM event ORDER BY rowid DESC LIMIT 1",
                                        -1, SQLITE_PREPARE_PERSISTENT, &r->head, NULL) != SQLITE_OK)
        code = database_error(r->db, e, r->path);
    if (code < 0)
        reader_shut(r);
    return code;
}

sqlite3 *reader_take(struct reader *r, struct err *e)
{
    pthread_mutex_lock(&r->lock);
    /* A connection to a read-only file may never see what is written later, and makes the WAL's index, which
     * all connections of the process share, read-only for the writer too. */
    if (r->db && r->stopgap && access(r->path, W_OK) == 0)
        reader_shut(r);
    if (!r->db && reader_open(r, e) < 0) {
        pthread_mutex_unlock(&r->lock);
        return NULL;
    }
    return r->db;
}

void reader_give(struct reader *r, bool broken)
{
    if (broken)
        reader_shut(r);
    pthread_mutex_unlock(&r->lock);
}

int reader_head(struct reader *r, struct event *last, struct err *e)
{
    *last = (struct event){0};
    struct err mine = {0};
    if (!reader_take(r, e ? e : &mine))
        return e ? e->code : mine.code;
    int code = 0, rc = sqlite3_step(r->head);
    if (rc == SQLITE_ROW) {
        last->seq = sqlite3_column_int64(r->head, 0);
        if (sqlite3_column_bytes(r->head, 1) == SHA256_SIZE)
            memcpy(last->hash, sqlite3_column_blob(r->head, 1), SHA256_SIZE);
    } else if (rc != SQLITE_DONE) {
        code = database_error(r->db, e, r->path);
    }
    sqlite3_reset(r->head);
    reader_give(r, code < 0);
    return code;
}
