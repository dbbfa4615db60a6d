/* The journal as a user meets it: mirrored off the host by a walk and by single commands, `belay verify`
 * after somebody was at the file, and files that belay can't or won't use. One line says why each time, and
 * what is not a sound journal stays as it is, byte for byte.
 *
 *   journal_file BELAY */
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "tests/integration/server.h"
#include "tests/integration/small_disk.h"
#include "tests/screen/expect.h"

#define GUARD_MS 1000 /* what is typed too soon after a page has opened is not taken for an answer */

static const char *belay;

struct rig {
    char *folder, *database;
    struct str out; /* of the last command, stdout and stderr */
};

static struct rig rig_new(const char *yaml)
{
    struct rig r = {.folder = scratch_folder()};
    text_write(r.folder, "belay.yaml", yaml);
    r.database = path_join(r.folder, "belay/file-test/journal/journal.db");
    return r;
}

static void rig_free(struct rig *r)
{
    folder_remove(r->folder, NULL);
    free(r->folder);
    free(r->database);
    str_fini(&r->out);
}

/* belay with these words, in the folder; its exit status. */
static int run(struct rig *r, const char *words)
{
    char *command =
        xasprintf("cd %s && XDG_STATE_HOME=%s timeout 120 %s %s 2>&1", r->folder, r->folder, belay, words);
    FILE *pipe = popen(command, "r");
    char bytes[4096];
    size_t got;
    str_clear(&r->out);
    while ((got = fread(bytes, 1, sizeof bytes, pipe)) > 0)
        str_add_bytes(&r->out, bytes, got);
    int status = pclose(pipe);
    free(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void expect_run(struct rig *r, const char *words, int status, const char *said)
{
    int got = run(r, words);
    if (got != status || !strstr(str_text(&r->out), said))
        fail_msg("belay %s: wanted %d and '%s', got %d and '%s'", words, status, said, got,
                 str_text(&r->out));
}

/* The same, and what it says is one line. */
static void expect_refusal(struct rig *r, const char *words, const char *said)
{
    expect_run(r, words, 1, said);
    const char *end = strchr(str_text(&r->out), '\n');
    if (!str_starts(str_text(&r->out), "belay: ") || !end || end[1])
        fail_msg("belay %s: more than a line: %s", words, str_text(&r->out));
}

/* With the means of SQL, around the triggers, which are there again afterwards. */
static void tamper(struct rig *r, const char *sql)
{
    static const char restore[] = "SELECT group_concat(sql, ';') FROM sqlite_schema WHERE type = 'trigger'";
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(r->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, restore, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    char *all = xasprintf("BEGIN; DROP TRIGGER event_update; DROP TRIGGER event_delete; DROP TRIGGER "
                          "event_next; DROP TRIGGER piece_update; DROP TRIGGER piece_delete; %s; %s; COMMIT",
                          sql, sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    char *why = NULL;
    if (sqlite3_exec(db, all, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
    free(all);
}

/* Puts a copy of the database aside, or back. */
static void keep(const struct rig *r, bool back)
{
    char *command = back ? xasprintf("rm -f %s-wal %s-shm && cp -p %s.kept %s", r->database, r->database,
                                     r->database, r->database)
                         : xasprintf("cp -p %s %s.kept", r->database, r->database);
    assert_int_equal(system(command), 0);
    free(command);
}

/* Everything into the database file itself. */
static void checkpoint(const struct rig *r)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(r->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A walk in line mode, its one step confirmed and ended. */
static void walk(struct rig *r)
{
    text_write(r->folder, "doc.md",
               "# Restart\n\n## 1. Restart it\n\n```sh {name=restart kind=action scope=process}\n"
               "echo restarted by hand\n```\n");
    char *config = path_join(r->folder, "belay.yaml"), *document = path_join(r->folder, "doc.md");
    char *state = xasprintf("XDG_STATE_HOME=%s", r->folder);
    char *runtime = xasprintf("XDG_RUNTIME_DIR=%s", r->folder);
    struct pty *p = pty_start(&(struct pty_options){
        .argv = (const char *const[]){belay, "runbook", "run", "--line", "--config", config, document, NULL},
        .environment = (const char *const[]){state, runtime, NULL},
        .width = 200,
        .height = 50});
    expect_screen(p, "Type yes to run it");
    for (int64_t end = clock_monotonic_us() + PATIENCE_US;
         !pty_wait(p, "Restart it: exit 0", GUARD_MS) && clock_monotonic_us() < end;)
        pty_type(p, "yes\n");
    expect_screen(p, "Restart it: exit 0");
    if (pty_wait_end(p, EXPECT_MS) < 0)
        fail_with_screen(p, "the walk does not end");
    pty_free(p);
    free(config);
    free(document);
    free(state);
    free(runtime);
}

/* --- the mirror --------------------------------------------------------------------------------------------
 */

static void a_cut_tail(void **state)
{
    (void)state;
    struct rig r = rig_new("");
    char *yaml =
        xasprintf("platform: file-test\nmirror: {command: [sh, -c, 'cat >> %s/mirrored']}\n", r.folder);
    text_write(r.folder, "belay.yaml", yaml);
    free(yaml);
    walk(&r);
    expect_run(&r, "incident note the last word", 0, "noted in INC-1");
    expect_run(&r, "verify --head mirrored", 0, "no tail was cut");
    tamper(&r, "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)");
    expect_run(&r, "verify", 0, "intact");
    expect_run(&r, "verify --head mirrored", 1, "NOT intact: event ");
    assert_non_null(strstr(str_text(&r.out), "missing: the mirror has seen event"));
    expect_run(&r, "verify --head belay.yaml", 1, "has no head of platform file-test");
    rig_free(&r);
}

static void a_mirror_that_does_not_answer(void **state)
{
    (void)state;
    struct rig r = rig_new("platform: file-test\nmirror: {command: [sh, -c, 'echo no route >&2; exit 3']}\n");
    expect_run(&r, "incident open it burns", 0, "INC-1");
    assert_non_null(
        strstr(str_text(&r.out),
               "belay: it is in the journal, but not everything reached the mirror: sh: exit 3: no route"));
    text_write(r.folder, "belay.yaml", "platform: file-test\nmirror: {command: [sleep, '600']}\n");
    int64_t start_us = clock_monotonic_us();
    expect_run(&r, "incident note still burning", 0, "it has not taken it in time");
    assert_true(clock_monotonic_us() - start_us < PATIENCE_US);
    expect_run(&r, "timeline", 0, "still burning");
    rig_free(&r);
}

/* --- verify ------------------------------------------------------------------------------------------------
 */

static void verify_names_the_first_bad_event(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *said;
    } cases[] = {
        {"UPDATE event SET summary = summary || '.' WHERE seq IN (4, 6)",
         "NOT intact: event 4: its hash does not match its content"},
        {"UPDATE event SET hash = zeroblob(32) WHERE seq = 3",
         "NOT intact: event 3: its hash does not match its content"},
        {"DELETE FROM event WHERE seq = 5", "NOT intact: event 5: missing, the next one is 6"},
        {"UPDATE event SET prev_hash = zeroblob(32) WHERE seq = 2",
         "NOT intact: event 2: it does not follow its predecessor"},
        {"UPDATE piece SET zstd = zeroblob(length(zstd)) WHERE id = 1", "NOT intact: event "},
        {"DELETE FROM piece WHERE id = 1", "NOT intact: event "},
    };
    struct rig r = rig_new("platform: file-test\n");
    walk(&r);
    expect_run(&r, "verify", 0, "intact");
    checkpoint(&r);
    keep(&r, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tamper(&r, cases[i].sql);
        expect_run(&r, "verify", 1, cases[i].said);
        keep(&r, true);
    }
    expect_run(&r, "verify", 0, "intact");
    rig_free(&r);
}

/* A byte of a text of event 2, in the file itself. */
static void verify_sees_a_flipped_byte(void **state)
{
    (void)state;
    struct rig r = rig_new("platform: file-test\n");
    struct str bytes = {0};
    expect_run(&r, "incident open it burns", 0, "INC-1");
    expect_run(&r, "incident note a word that stands nowhere else", 0, "noted");
    expect_run(&r, "incident note another", 0, "noted");
    checkpoint(&r);
    assert_int_equal(file_read(r.database, 1u << 20, &bytes, NULL), 0);
    char *at = memmem(bytes.data, bytes.len, "stands nowhere", 14);
    assert_non_null(at);
    int fd = open(r.database, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "S", 1, at - bytes.data), 1);
    close(fd);
    expect_run(&r, "verify", 1, "NOT intact: event 2: its hash does not match its content");
    str_fini(&bytes);
    rig_free(&r);
}

/* --- files that won't do
 * -------------------------------------------------------------------------------------
 */

struct picture {
    struct str bytes;
    struct stat st;
};

static struct picture picture_take(const char *path)
{
    struct picture p = {0};
    assert_int_equal(stat(path, &p.st), 0);
    assert_int_equal(file_read(path, 1u << 20, &p.bytes, NULL), 0);
    return p;
}

/* Each refused with the reason, by a command that writes and by those that read; the file is as before. */
static void expect_untouched(struct rig *r, const char *said)
{
    static const char *const commands[] = {"incident open X", "incident list", "verify", "timeline"};
    struct picture before = picture_take(r->database);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        expect_refusal(r, commands[i], said);
    struct picture after = picture_take(r->database);
    assert_int_equal(after.bytes.len, before.bytes.len);
    assert_memory_equal(after.bytes.data, before.bytes.data, before.bytes.len);
    assert_int_equal(after.st.st_mode, before.st.st_mode);
    assert_int_equal(after.st.st_mtim.tv_sec, before.st.st_mtim.tv_sec);
    assert_int_equal(after.st.st_mtim.tv_nsec, before.st.st_mtim.tv_nsec);
    assert_int_equal(after.st.st_ino, before.st.st_ino);
    str_fini(&before.bytes);
    str_fini(&after.bytes);
}

static void foreign_files(void **state)
{
    (void)state;
    struct rig r = rig_new("platform: file-test\n");
    expect_run(&r, "incident open X", 0, "INC-1");
    char *command = xasprintf("rm %s*", r.database);
    assert_int_equal(system(command), 0);
    free(command);
    int fd = open(r.database, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, "my diary\n", 9), 9);
    close(fd);
    expect_untouched(&r, "journal.db: not a journal of belay");
    unlink(r.database);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(r.database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE diary (entry)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    expect_untouched(&r, "journal.db: not a journal of belay");
    rig_free(&r);
}

static void damaged_files(void **state)
{
    (void)state;
    struct rig r = rig_new("platform: file-test\n");
    expect_run(&r, "incident open X", 0, "INC-1");
    checkpoint(&r);
    keep(&r, false);
    int fd = open(r.database, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\xff\xfe", 2, 100), 2); /* the first page's header */
    close(fd);
    expect_untouched(&r, "journal.db: database disk image is malformed; the file is damaged");
    keep(&r, true);
    assert_int_equal(truncate(r.database, 5000), 0);
    expect_untouched(&r, "journal.db: database disk image is malformed; the file is damaged");
    rig_free(&r);
}

/* Somebody stops in the middle of a write: named, after two seconds. */
static void a_guard_that_is_held(void **state)
{
    (void)state;
    struct rig r = rig_new("platform: file-test\n");
    expect_run(&r, "incident open X", 0, "INC-1");
    char *lock = path_join(r.folder, "belay/file-test/journal/journal.lock");
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    char *pid = xasprintf("%-11d\n", (int)getpid());
    assert_int_equal(pwrite(fd, pid, strlen(pid), 0), strlen(pid));
    char *said = xasprintf("journal.lock: held for more than 2000 ms by process %d (", (int)getpid());
    expect_refusal(&r, "incident note while it is held", said);
    expect_run(&r, "timeline", 0, "INC-1"); /* reading needs no guard */
    close(fd);
    expect_run(&r, "incident note afterwards", 0, "noted");
    free(said);
    free(pid);
    free(lock);
    rig_free(&r);
}

static void a_read_only_file_system(void **state)
{
    (void)state;
    if (!small_disk_allowed()) {
        printf("skipped: this host lets nobody mount a tmpfs here\n");
        exit(SKIP_STATUS);
    }
    struct rig r = {.folder = scratch_folder()};
    assert_true(small_disk_mount(r.folder, "4m"));
    text_write(r.folder, "belay.yaml", "platform: file-test\n");
    r.database = path_join(r.folder, "belay/file-test/journal/journal.db");
    assert_true(small_disk_writable(r.folder, false));
    expect_refusal(&r, "incident open X", ": Read-only file system");
    expect_refusal(&r, "timeline", "nothing was journaled");
    assert_true(small_disk_writable(r.folder, true));
    expect_run(&r, "incident open X", 0, "INC-1");
    for (int folded = 0; folded < 2; folded++) { /* with a WAL, and without one */
        if (folded)
            checkpoint(&r);
        assert_true(small_disk_writable(r.folder, false));
        struct picture before = picture_take(r.database);
        expect_refusal(&r, "incident note Y", ": Read-only file system");
        expect_run(&r, "incident list", 0, "INC-1");
        expect_run(&r, "timeline", 0, "INC-1");
        expect_run(&r, "verify", 0, "intact: 1 event");
        struct picture after = picture_take(r.database);
        assert_int_equal(after.bytes.len, before.bytes.len);
        assert_memory_equal(after.bytes.data, before.bytes.data, before.bytes.len);
        str_fini(&before.bytes);
        str_fini(&after.bytes);
        assert_true(small_disk_writable(r.folder, true));
    }
    umount(r.folder);
    rig_free(&r);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_tail),
        cmocka_unit_test(a_mirror_that_does_not_answer),
        cmocka_unit_test(verify_names_the_first_bad_event),
        cmocka_unit_test(verify_sees_a_flipped_byte),
        cmocka_unit_test(foreign_files),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(a_guard_that_is_held),
        cmocka_unit_test(a_read_only_file_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
