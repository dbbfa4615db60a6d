#include "engine/journal/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/io/io.h"
#include "engine/journal/admit.h"
#include "engine/journal/chain.h"
#include "engine/journal/folder.h"
#include "engine/journal/manifest.h"
#include "engine/journal/row.h"
#include "engine/journal/schema.h"
#include "engine/journal/store_check.h"

#define REST_US  (US_PER_S / 10)
#define RETRY_US (5 * US_PER_S)

enum {
    BEGIN,
    COMMIT,
    ROLLBACK,
    HEAD,
    INSERT,
    INCIDENT,
    RUN,
    MANIFEST,
    PIECE,
    PIECE_THERE,
    NOTE_INCIDENT,
    NOTE_RUN,
    STATEMENTS,
};

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [HEAD] = "SELECT rowid, hash FROM event ORDER BY rowid DESC LIMIT 1",
    [INSERT] = "INSERT INTO event (rowid, " ROW_COLUMNS
               ") VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [INCIDENT] = "SELECT max(incident) FROM incident_chunk",
    [RUN] = "SELECT max(run) FROM run_chunk",
    [MANIFEST] = "SELECT rowid FROM event WHERE kind = 'blob.stored' AND subject = ?1",
    [PIECE] = "INSERT INTO piece (digest, bytes, zstd) VALUES (?1, ?2, ?3) ON CONFLICT (digest) DO NOTHING",
    [NOTE_INCIDENT] = "INSERT INTO incident_chunk VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    [NOTE_RUN] = "INSERT INTO run_chunk VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    [PIECE_THERE] = "SELECT id FROM piece WHERE digest = ?1",
};

struct store {
    char *path;
    struct admission *admission;
    sqlite3 *db;
    struct guard *guard;
    struct chain *chain;
    struct claims *claims;
    sqlite3_stmt *statements[STATEMENTS];
    int wal_pages;
    dev_t device; /* which file is open */
    ino_t inode;
    int64_t place_us; /* monotonic: when to look again whether it is still there */
    int prepared;     /* how often HEAD was prepared anew */
    struct noted {
        int64_t number, chunk;
    } incident, run;  /* what was noted down last: nearly always the same again */
    int64_t rest_us;  /* a commit was just before: no checkpoint till then */
    int64_t retry_us; /* a checkpoint has failed: not again before */
    int64_t seq;      /* the chain's end inside the transaction */
    uint8_t head[SHA256_SIZE];
};

/* Steps a statement that has at most one row to give: 1 a row, 0 none. Reset it after. */
static int step(struct store *s, int which, struct err *e)
{
    int rc = sqlite3_step(s->statements[which]);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : database_error(s->db, e, s->path);
}

static int run(struct store *s, int which, struct err *e)
{
    int code = step(s, which, e);
    sqlite3_reset(s->statements[which]);
    return code < 0 ? code : 0;
}

static int number(struct store *s, int which, int64_t *value, struct err *e)
{
    int code = step(s, which, e);
    if (code == 1)
        *value = sqlite3_column_int64(s->statements[which], 0);
    sqlite3_reset(s->statements[which]);
    return code < 0 ? code : 0;
}

static int prepare(struct store *s, struct err *e)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i], NULL) !=
            SQLITE_OK)
            return database_error(s->db, e, s->path);
    int code = admission_open(s->admission, s->db, e);
    return code == 0 ? claims_open(s->db, &s->claims, e) : code;
}

static int read_head(struct store *s, struct err *e)
{
    sqlite3_stmt *statement = s->statements[HEAD];
    s->seq = 0;
    memset(s->head, 0, sizeof s->head);
    int code = step(s, HEAD, e);
    if (code == 1 && sqlite3_column_bytes(statement, 1) == SHA256_SIZE) {
        s->seq = sqlite3_column_int64(statement, 0);
        memcpy(s->head, sqlite3_column_blob(statement, 1), SHA256_SIZE);
    } else if (code == 1) {
        code = err_set(e, ERR_CORRUPT, "%s: the hash of the last event is damaged", s->path);
    }
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

/* Everything is looked at before anything is written: a damaged file stays as it is. */
static int open_database(struct store *s, struct err *e)
{
    struct database_options options = {.full_sync = true, .cache_kib = 2048, .wal_pages = &s->wal_pages};
    int version = 0, code = database_open(s->path, &options, &s->db, e);
    if (code == 0)
        code = schema_check(s->db, s->path, &version, e);
    if (code == 0)
        code = store_check(s->db, s->path, s->chain, e);
    if (code == 0)
        code = database_use_wal(s->db, e);
    if (code == 0)
        code = schema_migrate(s->db, version, e);
    return code == 0 ? prepare(s, e) : code;
}

static int open_or_create(struct store *s, const struct journal_options *o, struct err *e)
{
    struct database_header header;
    int code = database_probe(s->path, &header, e);
    if (code < 0)
        return code;
    if (header.present && (!header.sqlite || header.application_id != SCHEMA_APPLICATION_ID))
        return err_set(e, ERR_FOREIGN, "%s: not a journal of belay%s; move it away or choose another folder",
                       s->path, header.sqlite ? "" : ", or damaged at its beginning");
    folder_close_files(o);
    if (!header.present && !o->create)
        return err_set(e, ERR_NOT_FOUND, "%s: there is no journal yet", s->path);
    if (!header.present) {
        char *sql = schema_sql(0, schema_version());
        code = database_create(s->path, folder_file_mode(o->shared), SCHEMA_APPLICATION_ID, sql, e);
        free(sql);
    }
    if (code == 0)
        code = open_database(s, e);
    struct stat st;
    if (code == 0 && stat(s->path, &st) < 0)
        code = err_errno(e, "%s", s->path);
    if (code == 0) {
        s->device = st.st_dev;
        s->inode = st.st_ino;
    }
    return code;
}

int store_open(const struct journal_options *o, struct store **store, struct err *e)
{
    *store = NULL;
    int code = folder_prepare(o, e);
    if (code < 0)
        return code;
    struct store *s = xcalloc(1, sizeof *s);
    s->path = path_join(o->folder, FOLDER_DATABASE);
    s->admission = admission_new(o);
    s->chain = chain_new();
    char *lock = path_join(o->folder, FOLDER_LOCK);
    code = guard_open(lock, folder_file_mode(o->shared), &s->guard, e);
    if (code == 0)
        code = guard_lock(s->guard, GUARD_WAIT_US, e);
    if (code == 0) {
        code = open_or_create(s, o, e);
        guard_unlock(s->guard);
    }
    free(lock);
    if (code < 0)
        store_close(s);
    else
        *store = s;
    return code;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->statements[i]);
    claims_close(s->claims);
    admission_free(s->admission);
    database_close(s->db);
    guard_close(s->guard);
    chain_free(s->chain);
    free(s->path);
    free(s);
}

/* A file that was removed or moved takes writes as willingly as ever. (Removing the whole folder takes the
 * lock file too, which the guard sees at once.) */
static int check_place(struct store *s, struct err *e)
{
    struct stat st;
    int64_t now_us = clock_monotonic_us();
    if (now_us < s->place_us)
        return 0;
    if (stat(s->path, &st) < 0 || st.st_dev != s->device || st.st_ino != s->inode)
        return err_set(e, ERR_NOT_FOUND, "%s: removed or replaced while it was in use; put it back", s->path);
    s->place_us = now_us + US_PER_S / 10;
    return 0;
}

/* Another process may have brought the file to a newer schema; then SQLite has prepared our statements anew.
 */
static int check_version(struct store *s, struct err *e)
{
    int prepared = sqlite3_stmt_status(s->statements[HEAD], SQLITE_STMTSTATUS_REPREPARE, 0), version = 0;
    if (prepared == s->prepared)
        return 0;
    int code = schema_check(s->db, s->path, &version, e);
    if (code == 0 && version != schema_version())
        code = err_set(e, ERR_UNSUPPORTED, "%s: its schema has changed; start this program again", s->path);
    if (code == 0)
        s->prepared = prepared;
    return code;
}

int store_begin(struct store *s, struct err *e)
{
    int code = check_place(s, e);
    if (code == 0)
        code = guard_lock(s->guard, GUARD_WAIT_US, e);
    if (code < 0)
        return code;
    code = run(s, BEGIN, e);
    if (code == 0)
        code = read_head(s, e);
    if (code == 0)
        code = check_version(s, e);
    if (code < 0)
        store_abort(s);
    return code;
}

static int insert_event(struct store *s, struct event *event, struct err *e)
{
    sqlite3_stmt *statement = s->statements[INSERT];
    event->seq = s->seq + 1;
    memcpy(event->prev_hash, s->head, SHA256_SIZE);
    chain_hash(s->chain, event, event->hash);
    sqlite3_bind_int64(statement, 1, event->seq);
    sqlite3_bind_int64(statement, 2, event->at_us);
    const char *const values[] = {event->kind_name, event->actor,   event->subject,
                                  event->outcome,   event->summary, event->data};
    for (int i = 0; i < 6; i++)
        sqlite3_bind_text(statement, 3 + i, values[i], -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 9, event->incident);
    sqlite3_bind_int64(statement, 10, event->run);
    sqlite3_bind_blob(statement, 11, event->prev_hash, SHA256_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 12, event->hash, SHA256_SIZE, SQLITE_STATIC);
    int code = run(s, INSERT, e);
    if (code == 0) {
        s->seq = event->seq;
        memcpy(s->head, event->hash, SHA256_SIZE);
    }
    return code;
}

/* An index by hand: in which chunks an incident or a run has events. */
static int note(struct store *s, int which, struct noted *noted, int64_t number, int64_t seq, struct err *e)
{
    int64_t chunk = seq / CHUNK_EVENTS;
    if (number <= 0 || (noted->number == number && noted->chunk == chunk))
        return 0;
    sqlite3_bind_int64(s->statements[which], 1, number);
    sqlite3_bind_int64(s->statements[which], 2, chunk);
    *noted = (struct noted){number, chunk};
    return run(s, which, e);
}

static int number_new(struct store *s, int which, int64_t *wanted, int64_t *given, struct err *e)
{
    if (*wanted != JOURNAL_NEW)
        return 0;
    if (*given == 0) {
        int code = number(s, which, given, e);
        if (code < 0)
            return code;
        ++*given;
    }
    *wanted = *given;
    return 0;
}

/* Gives new numbers, the subject that goes without saying, and the name of the run's claim. */
static int number_event(struct store *s, struct item *item, size_t i, struct err *e)
{
    struct event *event = &item->events[i];
    struct item_label *label = &item->labels[i];
    bool run_new = event->run == JOURNAL_NEW, incident_new = event->incident == JOURNAL_NEW;
    int code = number_new(s, INCIDENT, &event->incident, &item->new_incident, e);
    if (code == 0)
        code = number_new(s, RUN, &event->run, &item->new_run, e);
    snprintf(label->run, sizeof label->run, "run %lld", (long long)event->run);
    snprintf(label->incident, sizeof label->incident, "INC-%lld", (long long)event->incident);
    if (!*event->subject && (run_new || incident_new))
        event->subject = run_new ? label->run : label->incident;
    if (!*item->claims[i].key)
        item->claims[i].key = label->run;
    return code;
}

static int add_events(struct store *s, struct item *item, struct err *e)
{
    int code = item->next_run ? admit_numbers(s->admission, item, e) : 1;
    for (size_t i = 0; i < item->count && code == 1; i++)
        code = number_event(s, item, i, e) < 0 ? e->code : 1;
    if (code == 1 && !item->imported)
        code = admit_runs(s->admission, item, e);
    if (code == 1)
        code = claims_admit(s->claims, item->claims, item->count, item->refusal, e);
    if (code <= 0) {
        item->code = code == 0 ? ERR_CLAIMED : code;
        item->reason = code == 0 ? item->refusal : NULL;
        item->new_incident = item->new_run = 0;
        return code;
    }
    for (size_t i = 0; i < item->count; i++) {
        struct event *event = &item->events[i];
        code = insert_event(s, event, e);
        if (code == 0)
            code = claims_apply(s->claims, &item->claims[i], event->seq, e);
        if (code == 0)
            code = note(s, NOTE_INCIDENT, &s->incident, event->incident, event->seq, e);
        if (code == 0)
            code = note(s, NOTE_RUN, &s->run, event->run, event->seq, e);
        if (code < 0)
            return code;
        if (item->added++ == 0)
            item->first_seq = event->seq;
    }
    return 0;
}

/* Pieces may have failed in a trouble that is over by now. */
static int pieces_there(struct store *s, const char *data, bool *all, struct err *e)
{
    struct manifest m;
    int code = manifest_parse(data, 0, &m, e);
    *all = code == 0;
    for (size_t i = 0; code == 0 && *all && i < m.count; i++) {
        int64_t id = 0;
        sqlite3_bind_blob(s->statements[PIECE_THERE], 1, m.pieces[i].digest, SHA256_SIZE, SQLITE_STATIC);
        code = number(s, PIECE_THERE, &id, e);
        *all = id != 0;
    }
    manifest_fini(&m);
    return code;
}

static int add_manifest(struct store *s, struct item *item, struct err *e)
{
    bool all = false;
    sqlite3_bind_text(s->statements[MANIFEST], 1, item->events[0].subject, -1, SQLITE_STATIC);
    int code = number(s, MANIFEST, &item->first_seq, e);
    if (code < 0 || item->first_seq > 0)
        return code;
    all = !item->check_pieces;
    if (!all)
        code = pieces_there(s, item->events[0].data, &all, e);
    if (code == 0 && all)
        return add_events(s, item, e);
    if (code == 0) {
        item->code = ERR_CANCELLED;
        item->reason = "a part of the output was lost while the journal could not be written";
    }
    return code;
}

static int add_piece(struct store *s, struct item *item, struct err *e)
{
    sqlite3_stmt *statement = s->statements[PIECE];
    sqlite3_bind_blob(statement, 1, item->digest, SHA256_SIZE, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (int64_t)item->raw_bytes);
    sqlite3_bind_blob64(statement, 3, item->zstd, item->zstd_bytes, SQLITE_STATIC);
    return run(s, PIECE, e);
}

int store_add(struct store *s, struct item *item, struct err *e)
{
    item->first_seq = item->added = item->new_incident = item->new_run = 0;
    if (item->kind == ITEM_PIECE)
        return add_piece(s, item, e);
    return item->unless_stored ? add_manifest(s, item, e) : add_events(s, item, e);
}

int store_commit(struct store *s, struct err *e)
{
    int code = run(s, COMMIT, e);
    if (code < 0)
        store_abort(s);
    guard_unlock(s->guard);
    s->rest_us = clock_monotonic_us() + REST_US;
    return code;
}

void store_abort(struct store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        (void)run(s, ROLLBACK, NULL);
    s->incident = s->run = (struct noted){0};
    guard_unlock(s->guard);
}

int64_t store_wal_bytes(const struct store *s)
{
    return s->wal_pages * (DATABASE_PAGE_BYTES + 24LL); /* a frame's header has 24 */
}

/* A checkpoint that fails (a full disk) costs nothing but a longer WAL: what is in there is durable. One that
 * was held up by a reader is tried again, but not at every commit. */
int64_t store_maintain(struct store *s)
{
    int64_t bytes = store_wal_bytes(s), now_us = clock_monotonic_us();
    int64_t due_us = bytes > STORE_WAL_MOST || s->rest_us < s->retry_us ? s->retry_us : s->rest_us;
    if (bytes <= STORE_WAL_BYTES) {
        s->retry_us = 0;
        return INT64_MAX;
    }
    if (now_us < due_us)
        return due_us;
    int code = guard_lock(s->guard, GUARD_WAIT_US, NULL);
    if (code == 0) {
        code = database_checkpoint(s->db, NULL);
        guard_unlock(s->guard);
    }
    s->retry_us = clock_monotonic_us() + (code < 0 ? RETRY_US : REST_US);
    return code < 0 ? s->retry_us : INT64_MAX;
}
