#include <stdlib.h>
#include <zstd.h>

#include "engine/io/io.h"
#include "engine/journal/handle.h"
#include "engine/journal/manifest.h"

/* Steps once, with one value bound, and hands the row to take before the connection is given back.
 * ERR_NOT_FOUND: no row. */
static int fetch(struct journal *j, const char *sql, const char *text, const uint8_t *blob,
                 int (*take)(sqlite3_stmt *row, void *data, struct err *e), void *data, struct err *e)
{
    struct err mine = {0};
    e = e ? e : &mine;
    sqlite3 *db = reader_take(j->reader, e);
    if (!db)
        return e->code;
    sqlite3_stmt *statement = NULL;
    int code = 0, rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        if (text)
            sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
        else
            sqlite3_bind_blob(statement, 1, blob, SHA256_SIZE, SQLITE_STATIC);
        rc = sqlite3_step(statement);
    }
    if (rc == SQLITE_ROW)
        code = take(statement, data, e);
    else
        code = rc == SQLITE_DONE ? ERR_NOT_FOUND : database_error(db, e, j->path);
    sqlite3_finalize(statement);
    reader_give(j->reader, rc != SQLITE_ROW && rc != SQLITE_DONE);
    return code;
}

static int take_manifest(sqlite3_stmt *row, void *data, struct err *e)
{
    return manifest_parse((const char *)sqlite3_column_text(row, 1), sqlite3_column_int64(row, 0), data, e);
}

static int find_manifest(struct journal *j, const char *digest, struct manifest *m, struct err *e)
{
    int code = fetch(j, "SELECT rowid, data FROM event WHERE kind = 'blob.stored' AND subject = ?1", digest,
                     NULL, take_manifest, m, e);
    if (code == ERR_NOT_FOUND)
        return err_set(e, code, "no blob %.12s in this journal", digest);
    return code < 0 ? err_prefix(e, "blob %.12s: ", digest) : 0;
}

int journal_blob_info(struct journal *j, const char *digest, struct journal_blob_info *info, struct err *e)
{
    struct manifest m = {0};
    int code = find_manifest(j, digest, &m, e);
    if (code == 0)
        *info = m.info;
    manifest_fini(&m);
    return code;
}

static int take_zstd(sqlite3_stmt *row, void *data, struct err *e)
{
    (void)e;
    str_add_bytes(data, sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0));
    return 0;
}

static int load_piece(struct journal *j, const struct manifest_piece *piece, void *raw, struct err *e)
{
    struct str zstd = {0};
    int code = fetch(j, "SELECT zstd FROM piece WHERE digest = ?1", NULL, piece->digest, take_zstd, &zstd, e);
    if (code == ERR_NOT_FOUND)
        code = err_set(e, ERR_CORRUPT, "its piece at offset %lld is missing", (long long)piece->at);
    if (code == 0)
        code = piece_unpack(piece, zstd.data, zstd.len, raw, e);
    str_fini(&zstd);
    return code;
}

int journal_blob_read(struct journal *j, const char *digest, int64_t offset, int64_t limit,
                      int (*visit)(const void *bytes, size_t length, int64_t at, void *data), void *data,
                      struct err *e)
{
    struct manifest m = {0};
    char *raw = xmalloc(JOURNAL_PIECE_BYTES);
    int answer = find_manifest(j, digest, &m, e);
    int64_t left = limit > 0 ? limit : INT64_MAX;
    for (size_t i = 0; answer == 0 && left > 0 && i < m.count; i++) {
        const struct manifest_piece *piece = &m.pieces[i];
        if (piece->at + (int64_t)piece->bytes <= offset)
            continue;
        answer = load_piece(j, piece, raw, e);
        if (answer < 0) {
            err_prefix(e, "blob %.12s: ", digest);
            break;
        }
        int64_t skip = offset > piece->at ? offset - piece->at : 0;
        int64_t length = (int64_t)piece->bytes - skip;
        length = length < left ? length : left;
        left -= length;
        answer = visit(raw + skip, (size_t)length, piece->at + skip, data);
    }
    manifest_fini(&m);
    free(raw);
    return answer < 0 ? answer : 0;
}
