#include "engine/journal/schema.h"

#include <stdlib.h>

#include "engine/io/io.h"

/* Step i makes version i + 1 out of version i. A step that was released never changes.
 *
 * event: `seq` is a column of its own and not the alias of rowid, because an alias is stored as a byte that
 * says nothing: it could be flipped unseen. Chain and order rest on rowid = seq, without gaps. INSERT OR
 * REPLACE doesn't fire DELETE triggers, hence the trigger that allows no number but the next.
 *
 * Every page that an intent touches costs at its commit. Which events an incident or a run has is therefore
 * noted down coarsely: incident_chunk and run_chunk name the chunks of CHUNK_EVENTS events in which it has
 * any, and change once in a chunk. event_rare serves questions by kind alone, for kinds that don't come by
 * the thousand; event_fold incidents, event_blob manifests (read.c and incident.c repeat their conditions to
 * the letter).
 *
 * claim: who holds what now; each row is what the event with the number `fence` said. */
static const char *const steps[] = {
    "CREATE TABLE event ("
    " seq INTEGER NOT NULL CHECK (seq = rowid),"
    " at_us INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " actor TEXT NOT NULL,"
    " subject TEXT NOT NULL,"
    " outcome TEXT NOT NULL,"
    " summary TEXT NOT NULL,"
    " data TEXT NOT NULL,"
    " incident INTEGER NOT NULL,"
    " run INTEGER NOT NULL,"
    " prev_hash BLOB NOT NULL,"
    " hash BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX event_incident ON event (incident) WHERE incident > 0;"
    "CREATE INDEX event_run ON event (run) WHERE run > 0;"
    "CREATE TRIGGER event_next BEFORE INSERT ON event"
    " WHEN NEW.seq IS NOT (SELECT coalesce(max(rowid), 0) + 1 FROM event)"
    " BEGIN SELECT RAISE(ABORT, 'events are only added at the end'); END;"
    "CREATE TRIGGER event_update BEFORE UPDATE ON event"
    " BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;"
    "CREATE TRIGGER event_delete BEFORE DELETE ON event"
    " BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;"
    "CREATE TABLE piece ("
    " id INTEGER PRIMARY KEY,"
    " digest BLOB NOT NULL UNIQUE,"
    " bytes INTEGER NOT NULL,"
    " zstd BLOB NOT NULL"
    ") STRICT;"
    "CREATE TRIGGER piece_update BEFORE UPDATE ON piece"
    " BEGIN SELECT RAISE(ABORT, 'pieces are never changed'); END;"
    "CREATE TRIGGER piece_delete BEFORE DELETE ON piece"
    " BEGIN SELECT RAISE(ABORT, 'pieces are never deleted'); END",

    "DROP INDEX event_incident;"
    "DROP INDEX event_run;"
    "CREATE TABLE incident_chunk (incident INTEGER NOT NULL, chunk INTEGER NOT NULL, PRIMARY KEY (incident, "
    "chunk))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE run_chunk (run INTEGER NOT NULL, chunk INTEGER NOT NULL, PRIMARY KEY (run, chunk))"
    " STRICT, WITHOUT ROWID;"
    "INSERT INTO incident_chunk SELECT DISTINCT incident, rowid / 256 FROM event WHERE incident > 0;"
    "INSERT INTO run_chunk SELECT DISTINCT run, rowid / 256 FROM event WHERE run > 0;"
    "CREATE INDEX event_rare ON event (kind) WHERE kind NOT IN"
    " ('transition', 'run.input', 'step.intent', 'step.outcome', 'step.evidence', 'blob.stored');"
    "CREATE INDEX event_fold ON event (incident) WHERE kind GLOB 'incident.*';"
    "CREATE INDEX event_blob ON event (subject) WHERE kind = 'blob.stored'",

    "CREATE TABLE claim (key TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, fence INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID",

    /* NOT IN with a list: SQLite builds a table of it for every event that goes in, a fifth of the time. */
    "DROP INDEX event_rare;"
    "CREATE INDEX event_rare ON event (kind) WHERE kind <> 'transition' AND kind <> 'run.input'"
    " AND kind <> 'step.intent' AND kind <> 'step.outcome' AND kind <> 'step.evidence'"
    " AND kind <> 'blob.stored'",
};

int schema_version(void)
{
    return (int)(sizeof steps / sizeof *steps);
}

char *schema_sql(int from, int to)
{
    struct str sql = {0};
    for (int i = from; i < to; i++)
        str_addf(&sql, "%s;", steps[i]);
    str_addf(&sql, "PRAGMA user_version = %d", to);
    return str_take(&sql);
}

static int pragma_number(sqlite3 *db, const char *name, int64_t *value, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    char *sql = xasprintf("PRAGMA %s", name);
    int code = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    else
        code = database_error(db, e, sqlite3_db_filename(db, "main"));
    sqlite3_finalize(statement);
    free(sql);
    return code;
}

int schema_check(sqlite3 *db, const char *path, int *version, struct err *e)
{
    int64_t application = 0, user = 0;
    int code = pragma_number(db, "application_id", &application, e);
    if (code == 0)
        code = pragma_number(db, "user_version", &user, e);
    if (code < 0)
        return code;
    if (application != SCHEMA_APPLICATION_ID || user < 1)
        return err_set(e, ERR_FOREIGN, "%s: not a journal of belay; move it away or choose another folder",
                       path);
    if (user > schema_version())
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: written by a newer belay (schema %lld, this one knows up to %d); use that one",
                       path, (long long)user, schema_version());
    *version = (int)user;
    return 0;
}

int schema_migrate(sqlite3 *db, int version, struct err *e)
{
    if (version >= schema_version())
        return 0;
    char *steps_sql = schema_sql(version, schema_version());
    char *sql = xasprintf("BEGIN IMMEDIATE; %s; COMMIT", steps_sql);
    int code = database_run(db, sql, e);
    if (code < 0 && !sqlite3_get_autocommit(db))
        (void)database_run(db, "ROLLBACK", NULL);
    free(sql);
    free(steps_sql);
    return code < 0 ? err_prefix(e, "migration from schema %d to %d: ", version, schema_version()) : 0;
}

/* One line an object, sorted. Indexes that SQLite makes by itself have no text. */
static int schema_list(sqlite3 *db, struct str *list, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db,
                                "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema"
                                " WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name",
                                -1, &statement, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW)
            str_addf(list, "%s\n", (const char *)sqlite3_column_text(statement, 0));
    }
    int code = rc == SQLITE_DONE ? 0 : database_error(db, e, "schema");
    sqlite3_finalize(statement);
    return code;
}

static int schema_list_ours(struct str *list, struct err *e)
{
    sqlite3 *db = NULL;
    char *sql = schema_sql(0, schema_version());
    int code = sqlite3_open(":memory:", &db) != SQLITE_OK ? database_error(db, e, "schema") : 0;
    if (code == 0)
        code = database_run(db, sql, e);
    if (code == 0)
        code = schema_list(db, list, e);
    sqlite3_close(db);
    free(sql);
    return code;
}

/* The first line that differs, up to the colon: "trigger event_update". */
static int schema_difference(const char *found, const char *ours, struct err *e)
{
    const char *f = found, *o = ours;
    while (*f && *o) {
        size_t f_length = strcspn(f, "\n"), o_length = strcspn(o, "\n");
        if (f_length != o_length || memcmp(f, o, f_length) != 0)
            break;
        f += f_length + 1;
        o += o_length + 1;
    }
    if (!*f && !*o)
        return 0;
    const char *line = *o ? o : f;
    return err_set(e, ERR_CORRUPT, "the schema is not as belay makes it, at %.*s", (int)strcspn(line, ":"),
                   line);
}

int schema_compare(sqlite3 *db, struct err *e)
{
    struct str found = {0}, ours = {0};
    int code = schema_list(db, &found, e);
    if (code == 0)
        code = schema_list_ours(&ours, e);
    if (code == 0)
        code = schema_difference(str_text(&found), str_text(&ours), e);
    str_fini(&found);
    str_fini(&ours);
    return code;
}
