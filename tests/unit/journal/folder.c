/* Modes, owners, and files that aren't ours. */
#include <fcntl.h>
#include <grp.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "scratch.h"

static long pretended_type; /* of every file system; 0: what it is */

/* libc's, under both of its names. */
int pretending_fstatfs(int fd, struct statfs *fs) __asm__("fstatfs");
int pretending_fstatfs64(int fd, struct statfs *fs) __asm__("fstatfs64");

int pretending_fstatfs(int fd, struct statfs *fs)
{
    int code = (int)syscall(SYS_fstatfs, fd, fs);
    if (code == 0 && pretended_type)
        fs->f_type = pretended_type;
    return code;
}

int pretending_fstatfs64(int fd, struct statfs *fs)
{
    return pretending_fstatfs(fd, fs);
}

static mode_t mode_of(const char *folder, const char *name)
{
    char *path = path_join(folder, name);
    struct stat st;
    if (stat(path, &st) < 0)
        fail_msg("%s is missing", path);
    free(path);
    return st.st_mode & 07777;
}

static struct journal *open_as(const char *folder, bool shared, struct err *e)
{
    struct journal_options options = {.folder = folder, .platform = "test", .create = true, .shared = shared};
    return journal_open(&options, e);
}

static void private_modes(void **state)
{
    (void)state;
    char *parent = scratch_folder(), *folder = path_join(parent, "a/b/rag-prod");
    mode_t before = umask(0);
    struct journal *j = open_as(folder, false, NULL);
    assert_non_null(j);
    scratch_fill(j, 3);
    assert_int_equal(mode_of(folder, ""), 0700);
    assert_int_equal(mode_of(folder, "journal.db"), 0600);
    assert_int_equal(mode_of(folder, "journal.db-wal"), 0600);
    assert_int_equal(mode_of(folder, "journal.db-shm"), 0600);
    assert_int_equal(mode_of(folder, "journal.lock"), 0600);
    journal_close(j);
    umask(before);
    free(folder);
    scratch_remove(parent);
}

static void shared_modes_whatever_the_umask(void **state)
{
    (void)state;
    char *parent = scratch_folder(), *folder = path_join(parent, "rag-prod");
    mode_t before = umask(077);
    struct journal *j = open_as(folder, true, NULL);
    assert_non_null(j);
    scratch_fill(j, 3);
    assert_int_equal(mode_of(folder, ""), 02770);
    assert_int_equal(mode_of(folder, "journal.db"), 0660);
    assert_int_equal(mode_of(folder, "journal.db-wal"), 0660);
    assert_int_equal(mode_of(folder, "journal.db-shm"), 0660);
    assert_int_equal(mode_of(folder, "journal.lock"), 0660);
    journal_close(j);
    umask(before);
    free(folder);
    scratch_remove(parent);
}

/* A private folder that stood open is closed. */
static void loose_private_folder(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = open_as(folder, false, NULL);
    scratch_fill(j, 3);
    journal_close(j);
    char *path = path_join(folder, "journal.db");
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(path, 0644), 0);
    j = open_as(folder, false, NULL);
    assert_non_null(j);
    assert_int_equal(mode_of(folder, ""), 0700);
    assert_int_equal(mode_of(folder, "journal.db"), 0600);
    journal_close(j);
    free(path);
    scratch_remove(folder);
}

static void check_refused(const char *folder, bool shared, int code, const char *text)
{
    struct err e = {0};
    struct journal *j = open_as(folder, shared, &e);
    if (j || e.code != code || !strstr(e.msg, text))
        fail_msg("expected \"%s\" (%d), got \"%s\" (%d)", text, code, e.msg, e.code);
}

static void folders_that_will_not_do(void **state)
{
    (void)state;
    char *parent = scratch_folder(), *folder = path_join(parent, "inner"), *file = path_join(parent, "file");
    assert_int_equal(mkdir(folder, 0770), 0);
    check_refused(folder, true, ERR_DENIED, "chmod 2770");
    assert_int_equal(chmod(folder, 02777), 0);
    check_refused(folder, true, ERR_DENIED, "chmod 2770");
    assert_int_equal(chmod(folder, 01777), 0);
    check_refused(folder, false, ERR_DENIED, "public folder");
    assert_int_equal(file_write_atomic(file, "x", 1, 0600, NULL), 0);
    check_refused(file, false, ERR_EXISTS, "not a folder");
    struct journal_options options = {.folder = "/nonexistent/x", .platform = "test"};
    struct err e;
    assert_null(journal_open(&options, &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    options.read_only = true;
    assert_null(journal_open(&options, &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    free(file);
    free(folder);
    scratch_remove(parent);
}

/* Where locks can't be trusted nothing is written, and the file system is named. */
static void network_file_systems(void **state)
{
    (void)state;
    static const struct {
        long type;
        const char *name;
    } cases[] = {{0x6969, "(NFS)"}, {0xFF534D42, "(CIFS)"}, {0x00C36400, "(Ceph)"}};
    char *parent = scratch_folder(), *folder = path_join(parent, "inner");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pretended_type = cases[i].type;
        check_refused(folder, false, ERR_UNSUPPORTED, "lies on a network file system");
        check_refused(folder, true, ERR_UNSUPPORTED, cases[i].name);
        pretended_type = 0;
        assert_int_equal(access(folder, F_OK), -1);
    }
    journal_close(scratch_open(folder)); /* a journal that is there already is not even read */
    pretended_type = 0x6969;
    struct journal_options options = {.folder = folder, .platform = "test", .read_only = true};
    struct err e = {0};
    assert_null(journal_open(&options, &e));
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    pretended_type = 0;
    free(folder);
    scratch_remove(parent);
}

/* --- foreign and damaged files: a clear error, and not a byte of them changed
 * -------------------------------------- */

static void write_file(const char *folder, const char *name, const void *bytes, size_t length)
{
    char *path = path_join(folder, name);
    assert_int_equal(file_write_atomic(path, bytes, length, 0600, NULL), 0);
    free(path);
}

static void read_file(const char *folder, const char *name, struct str *out)
{
    char *path = path_join(folder, name);
    assert_int_equal(file_read(path, 64u << 20, out, NULL), 0);
    free(path);
}

/* Opens in every way there is; afterwards the file is what it was. */
static void check_untouched(const char *folder, int code, const char *text)
{
    struct str before = {0}, after = {0};
    read_file(folder, "journal.db", &before);
    for (int way = 0; way < 4; way++) {
        struct journal_options options = {.folder = folder,
                                          .platform = "test",
                                          .create = way != 1,
                                          .read_only = way == 2,
                                          .tolerate = way == 3};
        struct err e = {0};
        struct journal *j = journal_open(&options, &e);
        if (j || e.code != code || !strstr(e.msg, text))
            fail_msg("way %d: expected \"%s\" (%d), got \"%s\" (%d)", way, text, code, e.msg, e.code);
        journal_close(j);
    }
    read_file(folder, "journal.db", &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    str_fini(&before);
    str_fini(&after);
}

static void foreign_files(void **state)
{
    (void)state;
    char *folder = scratch_folder(), noise[5000];
    memset(noise, 'n', sizeof noise);
    write_file(folder, "journal.db", "hello\n", 6);
    check_untouched(folder, ERR_FOREIGN, "not a journal of belay");
    write_file(folder, "journal.db", noise, sizeof noise);
    check_untouched(folder, ERR_FOREIGN, "not a journal of belay");
    write_file(folder, "journal.db", noise, 0);
    scratch_sql(folder, "CREATE TABLE customers (name TEXT); INSERT INTO customers VALUES ('Ada')");
    check_untouched(folder, ERR_FOREIGN, "not a journal of belay");
    scratch_sql(folder, "PRAGMA application_id = 77; PRAGMA journal_mode = WAL");
    check_untouched(folder, ERR_FOREIGN, "not a journal of belay");
    /* Our mark, but no journal. */
    scratch_sql(folder, "PRAGMA application_id = 0x62656c61; PRAGMA wal_checkpoint(TRUNCATE)");
    check_untouched(folder, ERR_FOREIGN, "not a journal of belay");
    scratch_remove(folder);
}

static char *filled(int count)
{
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    scratch_fill(j, count);
    journal_close(j);
    scratch_sql(folder, "PRAGMA wal_checkpoint(TRUNCATE)");
    return folder;
}

static void newer_schema(void **state)
{
    (void)state;
    char *folder = filled(3);
    scratch_sql(folder, "PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)");
    check_untouched(folder, ERR_UNSUPPORTED, "newer belay");
    scratch_remove(folder);
}

/* Writing is refused and the file is left alone; reading may get as far as the damage. */
static void check_damage(const char *folder, const char *what, bool must_fail)
{
    struct str before = {0}, after = {0};
    read_file(folder, "journal.db", &before);
    struct journal_options options = {.folder = folder, .platform = "test", .create = true};
    struct err e = {0};
    struct journal *j = journal_open(&options, &e);
    if (j && must_fail)
        fail_msg("%s: opened all the same", what);
    if (!j && e.code != ERR_CORRUPT && e.code != ERR_FOREIGN)
        fail_msg("%s: %s (%d)", what, e.msg, e.code);
    bool opened = j != NULL;
    journal_close(j);
    read_file(folder, "journal.db", &after);
    if (before.len != after.len || memcmp(before.data, after.data, before.len) != 0)
        fail_msg("%s: the file was changed", what);
    if (opened) /* then the damage is somewhere in the middle, where verify looks */
        assert_false(scratch_verify(folder, NULL).ok);
    str_fini(&before);
    str_fini(&after);
}

static void damaged_files(void **state)
{
    (void)state;
    char *folder = filled(300);
    struct str good = {0};
    read_file(folder, "journal.db", &good);
    for (size_t length = 1; length < good.len; length += length < 3000 ? 333 : 9777) {
        write_file(folder, "journal.db", good.data, length);
        check_damage(folder, "cut short", true);
    }
    for (size_t page = 0; page < good.len; page += 2048) {
        struct str bad = {0};
        str_add_bytes(&bad, good.data, good.len);
        memset(bad.data + page, 0x5a, 2048);
        write_file(folder, "journal.db", bad.data, bad.len);
        check_damage(folder, "a page of noise", page == 0);
        str_fini(&bad);
    }
    write_file(folder, "journal.db", good.data, good.len);
    assert_true(scratch_verify(folder, NULL).ok);
    str_fini(&good);
    scratch_remove(folder);
}

/* A last event that doesn't bear its own hash: nothing is added to such a chain. */
static void broken_end(void **state)
{
    (void)state;
    char *folder = filled(5);
    scratch_tamper(folder, "UPDATE event SET summary = 'other' WHERE rowid = 6;");
    check_damage(folder, "the last event changed", true);
    scratch_remove(folder);
}

/* --- who may not write
 * --------------------------------------------------------------------------------------------- */

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            fflush(NULL);                                                                                    \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

static int count_event(const struct event *event, void *data)
{
    (void)event;
    ++*(int *)data;
    return 0;
}

/* A user who owns the files but not the right to write the folder (a read-only file system looks the same).
 */
static void reader_without_rights(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root: reader_without_rights\n");
        skip();
    }
    char *folder = filled(20);
    char *names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock"};
    for (size_t i = 0; i < 4; i++) {
        char *path = path_join(folder, names[i]);
        assert_true(chown(path, 65534, 65534) == 0 || i == 1 || i == 2);
        assert_true(chmod(path, 0400) == 0 || i == 1 || i == 2);
        free(path);
    }
    assert_int_equal(chown(folder, 65534, 65534), 0);
    assert_int_equal(chmod(folder, 0500), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
        struct err e = {0};
        CHECK(open_as(folder, false, &e) == NULL && e.code == ERR_DENIED);
        struct journal_options options = {.folder = folder, .platform = "test", .read_only = true};
        struct journal *j = journal_open(&options, &e);
        if (!j)
            fprintf(stderr, "%s\n", e.msg);
        CHECK(j);
        int count = 0;
        CHECK(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, count_event, &count, &e) == 0 && count == 21);
        struct event_draft draft = {.kind = EVENT_INCIDENT_NOTED};
        CHECK(journal_append(j, &draft, NULL, NULL, &e) == ERR_DENIED);
        char digest[SHA256_HEX_SIZE];
        CHECK(journal_blob_put(j, &(struct journal_blob_origin){0}, "x", 1, digest, NULL, NULL, &e) ==
              ERR_DENIED);
        struct journal_verdict verdict;
        CHECK(journal_verify(j, NULL, &verdict, NULL, NULL, &e) == 0 && verdict.ok);
        journal_close(j);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    scratch_remove(folder);
}

static void somebody_elses_folder(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root: somebody_elses_folder\n");
        skip();
    }
    char *folder = filled(2);
    assert_int_equal(chmod(folder, 0755), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct err e = {0};
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
        CHECK(open_as(folder, false, &e) == NULL && e.code == ERR_DENIED && strstr(e.msg, "another user"));
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    scratch_remove(folder);
}

static void a_shared_folder_of_a_group_one_is_not_in(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root: a_shared_folder_of_a_group_one_is_not_in\n");
        skip();
    }
    char *parent = scratch_folder(), *folder = path_join(parent, "journal");
    assert_int_equal(chmod(parent, 02770), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct err e = {0};
        CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
        CHECK(open_as(folder, true, &e) == NULL && e.code == ERR_DENIED && strstr(e.msg, "its group (root)"));
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(folder);
    scratch_remove(parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shared_folder_of_a_group_one_is_not_in),
        cmocka_unit_test(private_modes),
        cmocka_unit_test(shared_modes_whatever_the_umask),
        cmocka_unit_test(loose_private_folder),
        cmocka_unit_test(folders_that_will_not_do),
        cmocka_unit_test(network_file_systems),
        cmocka_unit_test(foreign_files),
        cmocka_unit_test(newer_schema),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(broken_end),
        cmocka_unit_test(reader_without_rights),
        cmocka_unit_test(somebody_elses_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
