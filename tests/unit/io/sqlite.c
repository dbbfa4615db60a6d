/* The guard of SQLite files, and what is read of them before they are opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/io/io.h"

static char *scratch(void)
{
    char *folder = xstrdup("/tmp/belay-sqlite-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static void done(char *folder)
{
    assert_int_equal(folder_remove(folder, NULL), 0);
    free(folder);
}

/* A child that takes the lock, says so, and holds it until told or killed. */
static pid_t holder(const char *path, int *ready, int *go)
{
    int up[2], down[2];
    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct guard *g;
        char byte;
        if (guard_open(path, 0600, &g, NULL) < 0 || guard_lock(g, GUARD_WAIT_US, NULL) < 0 ||
            write(up[1], "x", 1) != 1)
            _exit(1);
        _exit(read(down[0], &byte, 1) == 1 ? 0 : 1);
    }
    char byte;
    assert_int_equal(read(up[0], &byte, 1), 1);
    close(up[1]);
    close(down[0]);
    *ready = up[0];
    *go = down[1];
    return pid;
}

static void end(pid_t pid, int ready, int go)
{
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(ready);
    close(go);
}

static void waits_no_longer_than_told(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "lock");
    int ready, go;
    pid_t pid = holder(path, &ready, &go);
    struct guard *g;
    struct err e;
    assert_int_equal(guard_open(path, 0600, &g, &e), 0);
    static const int64_t waits[] = {0, 1000, 50000, 300000};
    for (size_t i = 0; i < 4; i++) {
        int64_t start = clock_monotonic_us();
        assert_int_equal(guard_lock(g, waits[i], &e), ERR_BUSY);
        int64_t took = clock_monotonic_us() - start;
        assert_true(took >= waits[i] && took < waits[i] + US_PER_S);
    }
    char name[40];
    snprintf(name, sizeof name, "by process %d (unit_io_sqlite)", (int)pid);
    if (!strstr(e.msg, name))
        fail_msg("the holder is not named: %s", e.msg);
    kill(pid, SIGKILL); /* the kernel gives the lock back */
    end(pid, ready, go);
    assert_int_equal(guard_lock(g, GUARD_WAIT_US, &e), 0);
    guard_unlock(g);
    guard_unlock(g);
    guard_close(g);
    guard_close(NULL);
    free(path);
    done(folder);
}

/* A child between fork and exec shares the description: unlocking frees the lock all the same. */
static void unlocks_in_spite_of_children(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "lock");
    struct guard *g, *other;
    assert_int_equal(guard_open(path, 0600, &g, NULL), 0);
    assert_int_equal(guard_open(path, 0600, &other, NULL), 0);
    assert_int_equal(guard_lock(g, 0, NULL), 0);
    assert_int_equal(guard_lock(other, 0, NULL), ERR_BUSY); /* two guards of one process exclude each other */
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(pipes[1]);
        _exit(read(pipes[0], &byte, 1) == 0 ? 0 : 1);
    }
    guard_unlock(g);
    assert_int_equal(guard_lock(other, 0, NULL), 0);
    close(pipes[1]);
    close(pipes[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    guard_close(other);
    guard_close(g);
    free(path);
    done(folder);
}

/* Two who hold locks on two files of one name would both write. */
static void a_removed_lock_file_excludes_nobody(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "lock");
    struct guard *g;
    assert_int_equal(guard_open(path, 0600, &g, NULL), 0);
    assert_int_equal(unlink(path), 0);
    int ready, go;
    pid_t pid = holder(path, &ready, &go);
    struct err e;
    assert_int_equal(guard_lock(g, 1000, &e), ERR_BUSY);
    assert_int_equal(write(go, "x", 1), 1);
    end(pid, ready, go);
    assert_int_equal(guard_lock(g, GUARD_WAIT_US, &e), 0);
    guard_close(g);
    free(path);
    done(folder);
}

/* Mutual exclusion, over threads with a guard each. */
struct shared {
    const char *path;
    int inside, entries;
};

static void *enter_often(void *arg)
{
    struct shared *s = arg;
    struct guard *g;
    assert_int_equal(guard_open(s->path, 0600, &g, NULL), 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(guard_lock(g, 20 * US_PER_S, NULL), 0);
        assert_int_equal(__atomic_add_fetch(&s->inside, 1, __ATOMIC_SEQ_CST), 1);
        s->entries++;
        __atomic_sub_fetch(&s->inside, 1, __ATOMIC_SEQ_CST);
        guard_unlock(g);
    }
    guard_close(g);
    return NULL;
}

static void only_one_at_a_time(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "lock");
    struct shared s = {.path = path};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, enter_often, &s), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(s.entries, 800);
    free(path);
    done(folder);
}

/* Somebody else's text in the lock file is drawn with care. */
static void odd_contents_of_the_lock_file(void **state)
{
    (void)state;
    static const char *const contents[] = {"", "\x1b[31m", "-5", "99999999999999999999", "1", "abc"};
    char *folder = scratch(), *path = path_join(folder, "lock");
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        int ready, go;
        pid_t pid = holder(path, &ready, &go);
        int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_int_equal(write(fd, contents[i], strlen(contents[i])), strlen(contents[i]));
        close(fd);
        struct guard *g;
        struct err e;
        assert_int_equal(guard_open(path, 0600, &g, &e), 0);
        assert_int_equal(guard_lock(g, 0, &e), ERR_BUSY);
        assert_null(strchr(e.msg, '\x1b'));
        guard_close(g);
        assert_int_equal(write(go, "x", 1), 1);
        end(pid, ready, go);
    }
    free(path);
    done(folder);
}

/* --- databases
 * ------------------------------------------------------------------------------------------------- */

static void creates_whole_databases(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "x.db");
    struct err e;
    assert_int_equal(database_create(path, 0640, 0x12345678, "CREATE TABL", &e), ERR_IO); /* no SQL */
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(
        database_create(path, 0640, 0x12345678, "CREATE TABLE t (x); PRAGMA user_version = 3", &e), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    struct database_header header;
    assert_int_equal(database_probe(path, &header, &e), 0);
    assert_true(header.present && header.sqlite);
    assert_int_equal(header.application_id, 0x12345678);
    assert_int_equal(header.user_version, 3);
    int pages = -1;
    struct database_options options = {.full_sync = true, .cache_kib = 100, .wal_pages = &pages};
    sqlite3 *db = NULL, *reader = NULL;
    assert_int_equal(database_open(path, &options, &db, &e), 0);
    assert_int_equal(database_use_wal(db, &e), 0);
    assert_int_equal(database_run(db, "INSERT INTO t VALUES (1)", &e), 0);
    assert_int_equal(pages, 1);
    options.read_only = true;
    options.wal_pages = NULL;
    assert_int_equal(database_open(path, &options, &reader, &e), 0);
    assert_int_equal(database_run(reader, "INSERT INTO t VALUES (2)", &e), ERR_DENIED);
    database_close(reader);
    assert_int_equal(database_checkpoint(db, &e), 0);
    database_close(db);
    database_close(NULL);
    char *wal = xasprintf("%s-wal", path);
    assert_int_equal(access(wal, F_OK), 0); /* closing doesn't checkpoint */
    free(wal);
    free(path);
    done(folder);
}

/* Looking at the header while a connection is open must not drop that connection's locks: POSIX locks go with
 * the first close of any descriptor of the file. */
static void probing_keeps_the_locks(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "x.db");
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x); BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    struct database_header header;
    assert_int_equal(database_probe(path, &header, NULL), 0);
    pid_t pid = fork();
    if (pid == 0) { /* another process must not get in */
        sqlite3 *other = NULL;
        execlp("sqlite3", "sqlite3", path, "INSERT INTO t VALUES (1)", NULL);
        /* Without the tool: the same through the library, which is safe here as the child opens anew. */
        _exit(sqlite3_open(path, &other) == SQLITE_OK &&
                      sqlite3_exec(other, "INSERT INTO t VALUES (1)", NULL, NULL, NULL) == SQLITE_OK
                  ? 0
                  : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    sqlite3_close(db);
    free(path);
    done(folder);
}

static void probes_what_it_finds(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "x.db");
    struct database_header header;
    struct err e;
    assert_int_equal(database_probe(path, &header, &e), 0);
    assert_false(header.present);
    assert_int_equal(file_write_atomic(path, "", 0, 0600, NULL), 0);
    assert_int_equal(database_probe(path, &header, &e), 0);
    assert_false(header.present);
    assert_int_equal(file_write_atomic(path, "SQLite format 3\0", 16, 0600, NULL), 0);
    assert_int_equal(database_probe(path, &header, &e), 0);
    assert_true(header.present && !header.sqlite); /* cut short */
    assert_int_equal(database_probe(folder, &header, &e), ERR_FOREIGN);
    free(path);
    done(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_no_longer_than_told),
        cmocka_unit_test(unlocks_in_spite_of_children),
        cmocka_unit_test(a_removed_lock_file_excludes_nobody),
        cmocka_unit_test(only_one_at_a_time),
        cmocka_unit_test(odd_contents_of_the_lock_file),
        cmocka_unit_test(creates_whole_databases),
        cmocka_unit_test(probing_keeps_the_locks),
        cmocka_unit_test(probes_what_it_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
