/* An older journal is brought up to date: the schema of version 1 stands here as it was, and is not to be
 * changed. */
#include "scratch.h"

#include "engine/journal/chain.h"
#include "engine/journal/schema.h"

static const char version_1[] =
    "PRAGMA application_id = 0x62656c61; BEGIN;"
    "CREATE TABLE event ( seq INTEGER NOT NULL CHECK (seq = rowid), at_us INTEGER NOT NULL, kind TEXT NOT "
    "NULL,"
    " actor TEXT NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL, summary TEXT NOT NULL, data TEXT "
    "NOT NULL,"
    " incident INTEGER NOT NULL, run INTEGER NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL) STRICT;"
    "CREATE INDEX event_incident ON event (incident) WHERE incident > 0;"
    "CREATE INDEX event_run ON event (run) WHERE run > 0;"
    "CREATE TRIGGER event_next BEFORE INSERT ON event"
    " WHEN NEW.seq IS NOT (SELECT coalesce(max(rowid), 0) + 1 FROM event)"
    " BEGIN SELECT RAISE(ABORT, 'events are only added at the end'); END;"
    "CREATE TRIGGER event_update BEFORE UPDATE ON event"
    " BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;"
    "CREATE TRIGGER event_delete BEFORE DELETE ON event"
    " BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;"
    "CREATE TABLE piece ( id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, bytes INTEGER NOT NULL,"
    " zstd BLOB NOT NULL) STRICT;"
    "CREATE TRIGGER piece_update BEFORE UPDATE ON piece"
    " BEGIN SELECT RAISE(ABORT, 'pieces are never changed'); END;"
    "CREATE TRIGGER piece_delete BEFORE DELETE ON piece"
    " BEGIN SELECT RAISE(ABORT, 'pieces are never deleted'); END;"
    "PRAGMA user_version = 1; COMMIT; PRAGMA journal_mode = WAL;";

/* Events as version 1 wrote them: 20, in two incidents and three runs. */
static void add_old_events(const char *folder)
{
    char *path = path_join(folder, "journal.db");
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "INSERT INTO event (rowid, seq, at_us, kind, actor, subject, outcome, summary,"
                           " data, incident, run, prev_hash, hash)"
                           " VALUES (?1, ?1, ?2, ?3, 'alice', '', '', ?3, '{}', ?4, ?5, ?6, ?7)",
                           -1, &statement, NULL),
        SQLITE_OK);
    struct chain *chain = chain_new();
    struct event event = {.actor = "alice", .subject = "", .outcome = "", .data = "{}"};
    for (int i = 1; i <= 20; i++) {
        event.seq = i;
        event.at_us = 1763773461000000 + i;
        event.incident = i > 4 ? 1 + i % 2 : 0;
        event.run = i > 8 ? 1 + i % 3 : 0;
        event.kind_name = event.summary = i == 5 || i == 6 ? "incident.opened"
                                          : i % 3          ? "transition"
                                                           : "run.input";
        chain_hash(chain, &event, event.hash);
        sqlite3_bind_int64(statement, 1, i);
        sqlite3_bind_int64(statement, 2, event.at_us);
        sqlite3_bind_text(statement, 3, event.kind_name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 4, event.incident);
        sqlite3_bind_int64(statement, 5, event.run);
        sqlite3_bind_blob(statement, 6, event.prev_hash, SHA256_SIZE, SQLITE_STATIC);
        sqlite3_bind_blob(statement, 7, event.hash, SHA256_SIZE, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
        sqlite3_reset(statement);
        memcpy(event.prev_hash, event.hash, SHA256_SIZE);
    }
    chain_free(chain);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    free(path);
}

static int count_event(const struct event *event, void *data)
{
    (void)event;
    ++*(int *)data;
    return 0;
}

static void check_contents(struct journal *j)
{
    int count = 0;
    struct journal_filter filter = {.incident = 1};
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, count_event, &count, NULL), 0);
    assert_int_equal(count, 8);
    filter = (struct journal_filter){.run = 2};
    count = 0;
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, count_event, &count, NULL), 0);
    assert_int_equal(count, 4);
    struct journal_incident incident;
    assert_int_equal(journal_incident(j, 2, &incident, NULL), 0);
    assert_int_equal(incident.opened_seq, 5);
}

static void an_older_journal_is_migrated(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    add_old_events(folder);
    struct journal *j = scratch_open(folder);
    check_contents(j);
    assert_int_equal(scratch_append(j, EVENT_INCIDENT_NOTED, "in the new schema"), 21);
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL); /* compares the schema, too */
    if (!verdict.ok)
        fail_msg("%s", verdict.problem);
    assert_int_equal(verdict.events, 21);
    j = scratch_open(folder); /* and once only */
    check_contents(j);
    journal_close(j);
    scratch_remove(folder);
}

/* The same file as one that was made new. */
static void migrated_equals_new(void **state)
{
    (void)state;
    char *old = scratch_folder(), *new = scratch_folder();
    add_old_events(old);
    journal_close(scratch_open(old));
    journal_close(scratch_open(new));
    struct str lists[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        char *path = path_join(i ? new : old, "journal.db");
        sqlite3 *db = NULL;
        sqlite3_stmt *statement = NULL;
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        sqlite3_prepare_v2(db, "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2", -1, &statement,
                           NULL);
        while (sqlite3_step(statement) == SQLITE_ROW)
            str_addf(&lists[i], "%s %s %s\n", sqlite3_column_text(statement, 0),
                     sqlite3_column_text(statement, 1), sqlite3_column_text(statement, 2));
        sqlite3_finalize(statement);
        sqlite3_close(db);
        free(path);
    }
    assert_string_equal(lists[0].data, lists[1].data);
    str_fini(&lists[0]);
    str_fini(&lists[1]);
    scratch_remove(old);
    scratch_remove(new);
}

/* Half a migration is none: it is refused by an object in its way, and everything is as before. */
static void a_failed_migration_changes_nothing(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    add_old_events(folder);
    scratch_sql(folder, "CREATE TABLE event_blob (in_the_way INTEGER)");
    struct journal_options options = {.folder = folder, .platform = "test", .create = true};
    struct err e;
    assert_null(journal_open(&options, &e));
    assert_non_null(strstr(e.msg, "migration from schema 1 to"));
    scratch_sql(folder, "DROP TABLE event_blob");
    struct journal *j = scratch_open(folder);
    check_contents(j);
    journal_close(j);
    scratch_remove(folder);
}

static void every_version_on_the_way(void **state)
{
    (void)state;
    for (int from = 0; from < schema_version(); from++)
        for (int to = from + 1; to <= schema_version(); to++) {
            sqlite3 *db = NULL;
            assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
            char *first = schema_sql(0, from), *second = schema_sql(from, to);
            assert_int_equal(sqlite3_exec(db, first, NULL, NULL, NULL), SQLITE_OK);
            assert_int_equal(sqlite3_exec(db, second, NULL, NULL, NULL), SQLITE_OK);
            free(first);
            free(second);
            if (to == schema_version())
                assert_int_equal(schema_compare(db, NULL), 0);
            sqlite3_close(db);
        }
}

/* An old program goes on while a new one migrates: it stops instead of writing into what it doesn't know. */
static void schema_changes_under_a_writer(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    scratch_append(j, EVENT_INCIDENT_NOTED, "before");
    char *path = path_join(folder, "journal.db");
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "BEGIN; CREATE TABLE extra (x); PRAGMA user_version = 99; COMMIT", NULL, NULL, NULL),
        SQLITE_OK);
    struct event_draft draft = {.kind = EVENT_INCIDENT_NOTED, .summary = "after"};
    struct err e;
    assert_int_equal(journal_append_wait(j, &draft, 1, NULL, &e), ERR_UNSUPPORTED);
    sqlite3_close(db);
    journal_close(j);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_journal_is_migrated),       cmocka_unit_test(migrated_equals_new),
        cmocka_unit_test(a_failed_migration_changes_nothing), cmocka_unit_test(every_version_on_the_way),
        cmocka_unit_test(schema_changes_under_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
