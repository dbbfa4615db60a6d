/* The chain: whatever somebody changes in the file with the means of SQL, or a disk by itself, is found, and
 * the first bad event is named. */
#include <fcntl.h>

#include "scratch.h"

static void check_found(const char *folder, const char *what, int64_t bad_seq)
{
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    if (verdict.ok)
        fail_msg("%s was not found", what);
    if (verdict.bad_seq != bad_seq)
        fail_msg("%s: named event %lld instead of %lld (%s)", what, (long long)verdict.bad_seq,
                 (long long)bad_seq, verdict.problem);
}

static char *filled_folder(int count)
{
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    scratch_fill(j, count);
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    if (!verdict.ok)
        fail_msg("a fresh journal: %s", verdict.problem);
    assert_int_equal(verdict.events, count + 1);
    assert_int_equal(verdict.head_seq, count + 1);
    return folder;
}

/* Each field, changed behind the triggers' back. */
static void every_field_counts(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "at_us = at_us + 1",
        "kind = 'incident.closed'",
        "actor = 'mallory'",
        "actor = ''",
        "subject = 'x'",
        "outcome = 'ok'",
        "summary = summary || ' '",
        "data = '{}'",
        "incident = 9",
        "run = 9",
        "prev_hash = zeroblob(32)",
        "hash = zeroblob(32)",
        "hash = x''",
        "summary = substr(actor, 1, 1), actor = substr(actor, 2) || summary",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char *folder = filled_folder(10);
        char *sql = xasprintf("UPDATE event SET %s WHERE rowid = 5;", changes[i]);
        scratch_tamper(folder, sql);
        check_found(folder, changes[i], 5);
        free(sql);
        scratch_remove(folder);
    }
}

/* Fields that change places keep the bytes together, but not their lengths. */
static void lengths_count(void **state)
{
    (void)state;
    char *folder = filled_folder(3);
    scratch_tamper(folder, "UPDATE event SET actor = actor || substr(subject, 1, 3), subject = "
                           "substr(subject, 4) WHERE rowid = 2;");
    check_found(folder, "a boundary moved between two fields", 2);
    scratch_remove(folder);
}

static void deletion_and_reorder(void **state)
{
    (void)state;
    static const struct {
        const char *what, *sql;
        int64_t bad;
    } cases[] = {
        {"the first deleted", "DELETE FROM event WHERE rowid = 1;", 1},
        {"one deleted", "DELETE FROM event WHERE rowid = 6;", 6},
        {"one deleted, the rest moved up",
         "DELETE FROM event WHERE rowid = 6;"
         "CREATE TABLE t AS SELECT * FROM event WHERE rowid > 6; DELETE FROM event WHERE rowid > 6;"
         "INSERT INTO event (rowid, seq, at_us, kind, actor, subject, outcome, summary, data, incident, run, "
         "prev_hash,"
         " hash) SELECT seq - 1, seq - 1, at_us, kind, actor, subject, outcome, summary, data, incident, "
         "run, prev_hash,"
         " hash FROM t ORDER BY seq; DROP TABLE t;",
         6},
        {"two exchanged",
         "CREATE TABLE t AS SELECT * FROM event WHERE rowid IN (4, 5); DELETE FROM event WHERE rowid IN (4, "
         "5);"
         "INSERT INTO event (rowid, seq, at_us, kind, actor, subject, outcome, summary, data, incident, run, "
         "prev_hash,"
         " hash) SELECT 9 - seq, 9 - seq, at_us, kind, actor, subject, outcome, summary, data, incident, "
         "run, prev_hash,"
         " hash FROM t; DROP TABLE t;",
         4},
        {"one put in twice",
         "INSERT INTO event (rowid, seq, at_us, kind, actor, subject, outcome, summary, data, incident, run, "
         "prev_hash,"
         " hash) SELECT 12, 12, at_us, kind, actor, subject, outcome, summary, data, incident, run, "
         "prev_hash, hash"
         " FROM event WHERE rowid = 11;",
         12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = filled_folder(10);
        scratch_tamper(folder, cases[i].sql);
        check_found(folder, cases[i].what, cases[i].bad);
        scratch_remove(folder);
    }
}

static void triggers_refuse(void **state)
{
    (void)state;
    static const char *const attempts[] = {
        "UPDATE event SET summary = 'x' WHERE rowid = 2",
        "DELETE FROM event WHERE rowid = 2",
        "INSERT OR REPLACE INTO event (rowid, seq, at_us, kind, actor, subject, outcome, summary, data, "
        "incident, run,"
        " prev_hash, hash) SELECT 2, 2, at_us, kind, 'x', subject, outcome, summary, data, incident, run, "
        "prev_hash, hash"
        " FROM event WHERE rowid = 2",
        "REPLACE INTO event SELECT * FROM event WHERE rowid = 2",
        "UPDATE OR REPLACE event SET rowid = 3, seq = 3 WHERE rowid = 2",
        "INSERT INTO event (rowid, seq, at_us, kind, actor, subject, outcome, summary, data, incident, run, "
        "prev_hash,"
        " hash) SELECT 99, 99, at_us, kind, actor, subject, outcome, summary, data, incident, run, "
        "prev_hash, hash FROM"
        " event WHERE rowid = 2",
        "UPDATE piece SET zstd = x''",
        "DELETE FROM piece",
    };
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    scratch_fill(j, 4);
    char digest[SHA256_HEX_SIZE];
    struct journal_blob_origin origin = {.actor = "alice", .what = "a blob"};
    assert_int_equal(journal_blob_put(j, &origin, "text", 4, digest, NULL, NULL, NULL), 0);
    journal_close(j);
    char *path = path_join(folder, "journal.db");
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        if (sqlite3_exec(db, attempts[i], NULL, NULL, NULL) == SQLITE_OK)
            fail_msg("was let through: %s", attempts[i]);
    sqlite3_close(db);
    free(path);
    assert_true(scratch_verify(folder, NULL).ok);
    scratch_remove(folder);
}

static void missing_trigger_is_found(void **state)
{
    (void)state;
    char *folder = filled_folder(3);
    scratch_sql(folder, "DROP TRIGGER event_update");
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    assert_false(verdict.ok);
    assert_non_null(strstr(verdict.problem, "trigger event_update"));
    struct journal_options options = {.folder = folder, .platform = "test", .create = true};
    struct err e;
    assert_null(journal_open(&options, &e));
    assert_int_equal(e.code, ERR_CORRUPT);
    scratch_remove(folder);
}

static void wrong_trigger_is_found(void **state)
{
    (void)state;
    char *folder = filled_folder(3);
    scratch_sql(
        folder,
        "DROP TRIGGER event_update; CREATE TRIGGER event_update BEFORE UPDATE ON event BEGIN SELECT 1; END");
    assert_false(scratch_verify(folder, NULL).ok);
    scratch_remove(folder);
}

/* --- heads -------------------------------------------------------------------------------------------------
 */

static char *head_of(const char *folder, const char *platform)
{
    struct journal *j = scratch_open_reading(folder);
    int64_t seq;
    uint8_t hash[SHA256_SIZE];
    assert_int_equal(journal_head(j, &seq, hash, NULL), 0);
    struct str line = {0};
    journal_head_line(platform, seq, hash, &line);
    journal_close(j);
    return str_take(&line);
}

static void cut_tail_is_found_with_a_head(void **state)
{
    (void)state;
    char *folder = filled_folder(10), *head = head_of(folder, "test");
    char *log = xasprintf("Nov 22 03:14:21 bastion belay[77]: belay-head other 99 %064d\n"
                          "noise belay-head test x y\nNov 22 03:14:22 bastion belay[77]: %s\n",
                          0, head);
    struct journal_verdict verdict = scratch_verify(folder, log);
    if (!verdict.ok)
        fail_msg("%s", verdict.problem);
    assert_int_equal(verdict.heads_checked, 1);
    scratch_tamper(folder, "DELETE FROM event WHERE rowid >= 9;");
    assert_true(scratch_verify(folder, NULL).ok); /* the chain alone cannot know */
    verdict = scratch_verify(folder, log);
    assert_false(verdict.ok);
    assert_int_equal(verdict.bad_seq, 9);
    assert_non_null(strstr(verdict.problem, "seen event 11, the journal ends at 8"));
    free(log);
    free(head);
    scratch_remove(folder);
}

/* All written anew, chain and all: only the mirror knows better. */
static void rewritten_journal_is_found_with_a_head(void **state)
{
    (void)state;
    char *folder = filled_folder(4), *head = head_of(folder, "test");
    char *other = scratch_folder();
    struct journal *j = scratch_open(other);
    scratch_fill(j, 6);
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(other, head);
    assert_false(verdict.ok);
    assert_int_equal(verdict.bad_seq, 5);
    free(head);
    scratch_remove(other);
    scratch_remove(folder);
}

/* --- every byte
 * ------------------------------------------------------------------------------------------------ */

#define PAGE 2048

static size_t varint(const unsigned char *p, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < 9; i++) {
        *value = *value << 7 | (p[i] & 0x7f);
        if (!(p[i] & 0x80))
            return i + 1;
    }
    return 9;
}

/* The bytes of the leaf cell that holds the marker: file offset and length (file format:
 * sqlite.org/fileformat.html, section 1.6). */
static size_t find_cell(const unsigned char *file, size_t size, const char *marker, size_t *length)
{
    for (size_t page = 0; page + PAGE <= size; page += PAGE) {
        const unsigned char *p = file + page + (page == 0 ? 100 : 0);
        if (p[0] != 0x0d)
            continue;
        size_t cells = (size_t)p[3] << 8 | p[4];
        for (size_t i = 0; i < cells; i++) {
            size_t at = page + ((size_t)p[8 + 2 * i] << 8 | p[9 + 2 * i]);
            uint64_t payload, rowid;
            size_t head = varint(file + at, &payload);
            head += varint(file + at + head, &rowid);
            if (payload < PAGE - 35 && memmem(file + at + head, payload, marker, strlen(marker))) {
                *length = head + payload;
                return at;
            }
        }
    }
    fail_msg("no cell with %s", marker);
    return 0;
}

static void put_byte(int fd, size_t at, unsigned char byte)
{
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void every_flipped_byte_of_a_row_is_found(void **state)
{
    (void)state;
    char *folder = filled_folder(6);
    scratch_sql(folder, "PRAGMA wal_checkpoint(TRUNCATE)");
    char *path = path_join(folder, "journal.db");
    struct str file = {0};
    assert_int_equal(file_read(path, 1 << 20, &file, NULL), 0);
    const unsigned char *bytes = (const unsigned char *)file.data;
    size_t length = 0, at = find_cell(bytes, file.len, "number 4", &length);
    assert_true(length > 150 && length < 600);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    static const unsigned char flips[] = {0x01, 0x80, 0xff, 0x08, 0x09};
    for (size_t i = 0; i < length; i++) {
        for (size_t k = 0; k < sizeof flips; k++) {
            put_byte(fd, at + i, bytes[at + i] ^ flips[k]);
            struct journal_options options = {.folder = folder, .platform = "test", .read_only = true};
            struct journal_verdict verdict = {.ok = true};
            struct err e;
            struct journal *j = journal_open(&options, &e);
            if (j && journal_verify(j, NULL, &verdict, NULL, NULL, &e) < 0)
                verdict.ok = false;
            if (j && verdict.ok)
                fail_msg("byte %zu of %zu, xor %02x, was not found", i, length, flips[k]);
            journal_close(j);
        }
        put_byte(fd, at + i, bytes[at + i]);
    }
    close(fd);
    assert_true(scratch_verify(folder, NULL).ok);
    str_fini(&file);
    free(path);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_counts),
        cmocka_unit_test(lengths_count),
        cmocka_unit_test(deletion_and_reorder),
        cmocka_unit_test(triggers_refuse),
        cmocka_unit_test(missing_trigger_is_found),
        cmocka_unit_test(wrong_trigger_is_found),
        cmocka_unit_test(cut_tail_is_found_with_a_head),
        cmocka_unit_test(rewritten_journal_is_found_with_a_head),
        cmocka_unit_test(every_flipped_byte_of_a_row_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
