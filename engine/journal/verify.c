#include <stdio.h>
#include <stdlib.h>

#include "engine/io/io.h"
#include "engine/journal/chain.h"
#include "engine/journal/handle.h"
#include "engine/journal/heads.h"
#include "engine/journal/imported.h"
#include "engine/journal/manifest.h"
#include "engine/journal/row.h"
#include "engine/journal/schema.h"

#define PAGE_EVENTS 1000 /* no snapshot is held longer than for these */

struct check {
    struct journal *journal;
    sqlite3 *db;
    struct chain *chain;
    struct heads *heads;
    struct imports *imports;
    struct journal_verdict *verdict;
    uint8_t head[SHA256_SIZE];
    int64_t seq, last;
    struct map *seen; /* digests of pieces that a manifest has named */
    char *raw;
    sqlite3_stmt *page, *piece;
};

/* Keeps the first fault. */
static int fault(struct check *c, int64_t seq, const char *text)
{
    struct journal_verdict *v = c->verdict;
    if (v->ok) {
        v->ok = false;
        v->bad_seq = seq;
        snprintf(v->problem, sizeof v->problem, "%.*s", (int)sizeof v->problem - 1, text);
    }
    return 1;
}

static int fault_in(struct check *c, int64_t seq, const char *text)
{
    char line[300];
    snprintf(line, sizeof line, "event %lld: %s", (long long)seq, text);
    return fault(c, seq, line);
}

/* --- blobs
 * --------------------------------------------------------------------------------------------------- */

static int check_piece(struct check *c, const struct manifest_piece *piece, struct sha256 *whole,
                       struct err *e)
{
    sqlite3_bind_blob(c->piece, 1, piece->digest, SHA256_SIZE, SQLITE_STATIC);
    int code = 0, rc = sqlite3_step(c->piece);
    if (rc == SQLITE_DONE)
        code = err_set(e, ERR_CORRUPT, "its piece at offset %lld is missing", (long long)piece->at);
    else if (rc != SQLITE_ROW)
        code = database_error(c->db, e, "a piece");
    else
        code = piece_unpack(piece, sqlite3_column_blob(c->piece, 0),
                            (size_t)sqlite3_column_bytes(c->piece, 0), c->raw, e);
    sqlite3_reset(c->piece);
    if (code == 0)
        sha256_add(whole, c->raw, piece->bytes);
    char hex[SHA256_HEX_SIZE];
    sha256_to_hex(piece->digest, hex);
    if (code == 0 && !map_has(c->seen, hex)) {
        map_set(c->seen, hex, c);
        c->verdict->pieces++;
        c->verdict->blob_bytes += (int64_t)piece->bytes;
    }
    return code;
}

/* 0 sound, 1 a fault was found. */
static int check_blob(struct check *c, const struct event *event)
{
    struct manifest m;
    struct err e = {0};
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    struct sha256 *whole = sha256_new();
    int code = manifest_parse(event->data, event->seq, &m, &e);
    for (size_t i = 0; code == 0 && i < m.count; i++)
        code = check_piece(c, &m.pieces[i], whole, &e);
    sha256_finish(whole, digest);
    sha256_to_hex(digest, hex);
    if (code == 0 && (!str_eq(event->subject, m.info.digest) ||
                      (m.info.dropped_bytes == 0 && !str_eq(hex, m.info.digest))))
        code = err_set(&e, ERR_CORRUPT, "the blob is not what its digest says");
    sha256_free(whole);
    manifest_fini(&m);
    c->verdict->blobs++;
    return code < 0 ? fault_in(c, event->seq, e.msg) : 0;
}

/* --- the chain
 * ------------------------------------------------------------------------------------------------ */

static int check_event(struct check *c, const struct event *event)
{
    uint8_t hash[SHA256_SIZE];
    if (event->seq != c->seq + 1) {
        char text[64];
        snprintf(text, sizeof text, "missing, the next one is %lld", (long long)event->seq);
        return fault_in(c, c->seq + 1, text);
    }
    if (memcmp(event->prev_hash, c->head, SHA256_SIZE) != 0)
        return fault_in(c, event->seq, "it does not follow its predecessor");
    chain_hash(c->chain, event, hash);
    if (memcmp(event->hash, hash, SHA256_SIZE) != 0)
        return fault_in(c, event->seq, "its hash does not match its content");
    c->seq = event->seq;
    memcpy(c->head, hash, SHA256_SIZE);
    c->verdict->events++;
    struct err e;
    if (heads_check(c->heads, event->seq, hash, &e) < 0)
        return fault(c, event->seq, e.msg);
    if (imports_check(c->imports, event, &e) < 0)
        return fault_in(c, event->seq, e.msg);
    return event->kind == EVENT_BLOB_STORED ? check_blob(c, event) : 0;
}

/* One page: 1 when there was nothing more, or a fault. */
static int check_page(struct check *c)
{
    struct event event;
    struct err e = {0};
    size_t count = 0;
    int rc, code = 0;
    sqlite3_bind_int64(c->page, 1, c->seq);
    sqlite3_bind_int64(c->page, 2, PAGE_EVENTS);
    while (code == 0 && (rc = sqlite3_step(c->page)) == SQLITE_ROW) {
        count++;
        if (row_event(c->page, &event, &e) < 0)
            code = fault(c, c->seq + 1, e.msg);
        else
            code = check_event(c, &event);
    }
    if (code == 0 && rc != SQLITE_DONE) {
        (void)database_error(c->db, &e, "event");
        code = fault_in(c, c->seq + 1, e.msg);
    }
    sqlite3_reset(c->page);
    return code ? code : count == 0;
}

static int check_chain(struct check *c, int (*progress)(int64_t seq, int64_t last, void *data), void *data,
                       struct err *e)
{
    struct err heads_error;
    while (check_page(c) == 0)
        if (progress && progress(c->seq, c->last, data) != 0)
            return err_set(e, ERR_CANCELLED, "verifying was stopped at event %lld", (long long)c->seq);
    c->verdict->head_seq = c->seq;
    memcpy(c->verdict->head_hash, c->head, SHA256_SIZE);
    if (c->verdict->ok && heads_check_end(c->heads, c->seq, &heads_error) < 0)
        fault(c, c->seq + 1, heads_error.msg);
    if (c->verdict->ok && imports_end(c->imports, &heads_error) < 0)
        fault(c, c->seq, heads_error.msg);
    c->verdict->heads_checked = heads_agreed(c->heads);
    return 0;
}

/* --- the file
 * --------------------------------------------------------------------------------------------------- */

static int count_loose(struct check *c, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(c->db, "SELECT digest FROM piece", -1, &statement, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(statement);
        char hex[SHA256_HEX_SIZE] = "";
        if (rc == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == SHA256_SIZE)
            sha256_to_hex(sqlite3_column_blob(statement, 0), hex);
        c->verdict->loose_pieces += rc == SQLITE_ROW && !map_has(c->seen, hex);
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? 0 : database_error(c->db, e, "pieces");
}

/* What isn't noted down would be missing from every answer about its incident or run. */
static int check_chunks(struct check *c, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int code = 0,
        rc = sqlite3_prepare_v2(c->db,
                                "SELECT 1 FROM (SELECT DISTINCT incident, rowid / 256 FROM event"
                                " WHERE incident > 0 EXCEPT SELECT incident, chunk FROM incident_chunk)"
                                " UNION ALL SELECT 1 FROM (SELECT DISTINCT run, rowid / 256 FROM event"
                                " WHERE run > 0 EXCEPT SELECT run, chunk FROM run_chunk) LIMIT 1",
                                -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        fault(c, 0, "the lists of what belongs to incidents and runs are not complete");
    else if (rc != SQLITE_DONE)
        code = database_error(c->db, e, "chunks");
    sqlite3_finalize(statement);
    return code;
}

/* SQLite's own view: pages, indexes against the table, constraints. */
static int check_structure(struct check *c)
{
    sqlite3_stmt *statement = NULL;
    struct err e = {0};
    char text[300];
    int rc = sqlite3_prepare_v2(c->db, "PRAGMA integrity_check(1)", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    const char *answer = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (!answer)
        (void)database_error(c->db, &e, "SQLite");
    snprintf(text, sizeof text, "the file is damaged: %s", answer ? answer : e.msg);
    for (char *p = text; *p; p++)
        if (*p == '\n')
            *p = ' ';
    bool ok = str_eq(answer, "ok");
    sqlite3_finalize(statement);
    return ok ? 0 : fault(c, 0, text);
}

static int check_file(struct check *c, struct err *e)
{
    struct err schema;
    int code = schema_compare(c->db, &schema);
    if (code < 0)
        fault(c, 0, schema.msg);
    if (!c->verdict->ok || check_structure(c) != 0)
        return 0;
    code = check_chunks(c, e);
    return code == 0 ? count_loose(c, e) : code;
}

static int check_open(struct check *c, struct err *e)
{
    struct database_options options = {.read_only = true, .cache_kib = 2048};
    int code = database_open(c->journal->path, &options, &c->db, e);
    if (code == 0 && (sqlite3_prepare_v2(
                          c->db, "SELECT " ROW_SELECT " FROM event WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
                          -1, &c->page, NULL) != SQLITE_OK ||
                      sqlite3_prepare_v2(c->db, "SELECT zstd FROM piece WHERE digest = ?1", -1, &c->piece,
                                         NULL) != SQLITE_OK))
        code = database_error(c->db, e, c->journal->path);
    return code;
}

int journal_verify(struct journal *j, const char *mirrored, struct journal_verdict *verdict,
                   int (*progress)(int64_t seq, int64_t last, void *data), void *data, struct err *e)
{
    *verdict = (struct journal_verdict){.ok = true};
    struct check c = {.journal = j, .verdict = verdict, .chain = chain_new(), .seen = map_new()};
    c.raw = xmalloc(JOURNAL_PIECE_BYTES);
    c.imports = imports_new();
    c.heads = heads_new(mirrored, j->options.platform);
    int code = check_open(&c, e);
    if (code == 0)
        code = journal_last_seq(j, &c.last, e);
    if (code == 0)
        code = check_chain(&c, progress, data, e);
    if (code == 0)
        code = check_file(&c, e);
    sqlite3_finalize(c.page);
    sqlite3_finalize(c.piece);
    database_close(c.db);
    heads_free(c.heads);
    imports_free(c.imports);
    map_free(c.seen);
    chain_free(c.chain);
    free(c.raw);
    return code;
}
