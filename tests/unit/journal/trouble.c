/* A journal that can't write: says so, refuses, goes on reading, and comes back by itself. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "engine/io/io.h"
#include "scratch.h"

/* --- waiting for a condition, with a bound
 * ------------------------------------------------------------------------- */

static bool wait_health(struct journal *j, bool ok)
{
    struct journal_health health;
    int64_t deadline = clock_monotonic_us() + 20 * US_PER_S;
    do {
        journal_health(j, &health);
        if (health.ok == ok)
            return true;
        usleep(2000);
    } while (clock_monotonic_us() < deadline);
    return false;
}

static int append(struct journal *j, const char *text, struct err *e)
{
    struct event_draft draft = {.kind = EVENT_INCIDENT_NOTED, .actor = "alice", .summary = text};
    return journal_append_wait(j, &draft, 1, NULL, e);
}

/* Appends until it is refused: 0 when it never was. */
static int append_until_refused(struct journal *j, struct err *e)
{
    char text[1500];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 20000; i++) {
        int code = append(j, text, e);
        if (code < 0)
            return code;
    }
    return 0;
}

struct find {
    enum event_kind kind;
    int count;
    char summary[600];
};

static int find_kind(const struct event *event, void *data)
{
    struct find *find = data;
    if (event->kind == find->kind) {
        find->count++;
        snprintf(find->summary, sizeof find->summary, "%s", event->summary);
    }
    return 0;
}

static void check_recovered(struct journal *j, const char *folder, const char *reason)
{
    struct find find = {.kind = EVENT_JOURNAL_TROUBLE};
    struct err e = {0};
    if (append(j, "goes on", &e) < 0)
        fail_msg("after recovery: %s", e.msg);
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, find_kind, &find, NULL), 0);
    assert_int_equal(find.count, 1);
    if (!strstr(find.summary, reason))
        fail_msg("the event of the trouble doesn't say \"%s\" but: %s", reason, find.summary);
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    if (!verdict.ok)
        fail_msg("%s", verdict.problem);
}

/* Runs a test in a child: limits and users are a process's own. */
static void in_child(void (*test)(const char *folder), const char *folder)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        test(folder);
        fflush(NULL);
        _exit(0); /* a failed assertion ends it through cmocka's own exit, not here */
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- no room
 * -------------------------------------------------------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            fflush(NULL);                                                                                    \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

static void full_in_child(const char *folder)
{
    signal(SIGXFSZ, SIG_IGN);
    struct journal *j = scratch_open(folder);
    struct err e = {0};
    CHECK(append(j, "before", &e) == 0);
    limit_files(300000);
    int code = append_until_refused(j, &e);
    if (code != ERR_FULL)
        fprintf(stderr, "%d %s\n", code, e.msg);
    CHECK(code == ERR_FULL);
    CHECK(strstr(e.msg, "no room left"));
    struct journal_health health;
    journal_health(j, &health);
    CHECK(!health.ok && health.code == ERR_FULL && strstr(health.reason, "make room"));
    int64_t before, after;
    CHECK(journal_last_seq(j, &before, NULL) == 0 && before > 10);
    int64_t start = clock_monotonic_us();
    for (int i = 0; i < 100; i++)
        CHECK(append(j, "refused", &e) == ERR_FULL); /* at once, not after a wait for the disk */
    CHECK(clock_monotonic_us() - start < US_PER_S);
    char digest[SHA256_HEX_SIZE];
    CHECK(journal_blob_put(j, &(struct journal_blob_origin){.what = "x"}, "x", 1, digest, NULL, NULL, &e) ==
          ERR_FULL);
    CHECK(journal_last_seq(j, &after, NULL) == 0 && after == before);
    limit_files(RLIM_INFINITY);
    CHECK(wait_health(j, true));
    journal_health(j, &health);
    CHECK(health.reason[0] == '\0' && health.refused == 0);
    check_recovered(j, folder, "no room left");
}

static void full_disk_recovers(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    in_child(full_in_child, folder);
    scratch_remove(folder);
}

/* The WAL fits, the database can't grow: nothing is lost, the checkpoint is made up for. */
static void checkpoint_in_child(const char *folder)
{
    signal(SIGXFSZ, SIG_IGN);
    struct journal *j = scratch_open(folder);
    struct err e = {0};
    char text[1800];
    for (int i = 0; i < 2500; i++) {
        memset(text, 'a' + i % 26, sizeof text - 1);
        text[sizeof text - 1] = '\0';
        CHECK(append(j, text, &e) == 0);
    }
    journal_close(j);
}

static void checkpoints_keep_the_wal_short(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    in_child(checkpoint_in_child, folder);
    char *wal = path_join(folder, "journal.db-wal"), *db = path_join(folder, "journal.db");
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size < 9 << 20); /* without a rest it is checkpointed above 8 MiB */
    assert_int_equal(stat(db, &st), 0);
    assert_true(st.st_size > 1 << 20);
    assert_true(scratch_verify(folder, NULL).ok);
    free(wal);
    free(db);
    scratch_remove(folder);
}

/* --- gone
 * -------------------------------------------------------------------------------------------------------- */

static void removed_file_is_noticed(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *path = path_join(folder, "journal.db"),
         *away = path_join(folder, "away");
    struct journal *j = scratch_open(folder);
    struct err e = {0};
    assert_int_equal(append(j, "before", &e), 0);
    assert_int_equal(rename(path, away), 0);
    int64_t deadline = clock_monotonic_us() + 10 * US_PER_S;
    int code;
    while ((code = append(j, "lost?", &e)) == 0 && clock_monotonic_us() < deadline)
        usleep(2000);
    assert_int_equal(code, ERR_NOT_FOUND);
    assert_int_not_equal(access(path, F_OK), 0); /* no second journal in its place */
    assert_int_equal(rename(away, path), 0);
    assert_true(wait_health(j, true));
    check_recovered(j, folder, "removed or replaced");
    free(path);
    free(away);
    scratch_remove(folder);
}

/* --- held by somebody else
 * ------------------------------------------------------------------------------------------ */

static void held_lock_is_named(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *lock = path_join(folder, "journal.lock");
    struct journal *j = scratch_open(folder);
    struct err e = {0};
    assert_int_equal(append(j, "before", &e), 0);
    int ready[2], go[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct guard *guard;
        char byte;
        if (guard_open(lock, 0600, &guard, NULL) < 0 || guard_lock(guard, GUARD_WAIT_US, NULL) < 0 ||
            write(ready[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1)
            _exit(1);
        _exit(0);
    }
    char byte, name[32];
    assert_int_equal(read(ready[0], &byte, 1), 1);
    int64_t start = clock_monotonic_us();
    assert_int_equal(append(j, "waits", &e), ERR_BUSY);
    int64_t took = clock_monotonic_us() - start;
    assert_true(took >= GUARD_WAIT_US && took < GUARD_WAIT_US + 3 * US_PER_S);
    snprintf(name, sizeof name, "process %d (", (int)pid);
    if (!strstr(e.msg, name) || !strstr(e.msg, "unit_journal"))
        fail_msg("the holder is not named: %s", e.msg);
    assert_int_equal(write(go[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(wait_health(j, true));
    check_recovered(j, folder, name);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
    free(lock);
    scratch_remove(folder);
}

/* --- opening all the same
 * -------------------------------------------------------------------------------------------- */

struct change {
    struct loop *loop;
    int count;
    bool ok;
};

static void on_health(void *ctx, const struct journal_health *health)
{
    struct change *change = ctx;
    change->count++;
    change->ok = health->ok;
}

/* As another user, where root has made the folder read-only. */
static void denied_in_child(const char *folder)
{
    int pipes[2];
    CHECK(pipe2(pipes, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
        struct change change = {.loop = loop_new(NULL)};
        struct journal_options options = {.folder = folder, .platform = "test", .create = true};
        struct err e = {0};
        CHECK(journal_open(&options, &e) == NULL && e.code == ERR_DENIED);
        options.tolerate = true;
        options.post = loop_poster;
        options.post_ctx = change.loop;
        options.on_health = on_health;
        options.health_ctx = &change;
        struct journal *j = journal_open(&options, &e);
        CHECK(j);
        struct journal_health health;
        journal_health(j, &health);
        CHECK(!health.ok && health.code == ERR_DENIED && health.reason[0]);
        CHECK(append(j, "x", &e) == ERR_DENIED);
        CHECK(read(pipes[0], &byte, 1) == 1);
        for (int i = 0; i < 1000 && !change.ok; i++)
            loop_run_once(change.loop, 20000);
        CHECK(change.ok && change.count == 2);
        CHECK(append(j, "now", &e) == 0);
        journal_close(j);
        loop_run_once(change.loop, 0);
        loop_free(change.loop);
        fflush(NULL);
        _exit(0);
    }
    CHECK(usleep(300000) == 0); /* while it is in trouble; the test does not depend on it */
    CHECK(chown(folder, 65534, 65534) == 0 && chmod(folder, 0700) == 0);
    CHECK(write(pipes[1], "x", 1) == 1);
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void opens_in_trouble(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root: opens_in_trouble\n");
        skip();
    }
    char *parent = scratch_folder(), *folder = path_join(parent, "inner");
    assert_int_equal(chmod(parent, 0755), 0);
    assert_int_equal(mkdir(folder, 0500), 0);
    assert_int_equal(chown(folder, 65534, 65534), 0);
    in_child(denied_in_child, folder);
    assert_int_equal(scratch_verify(folder, NULL).events, 2);
    free(folder);
    scratch_remove(parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_disk_recovers),      cmocka_unit_test(checkpoints_keep_the_wal_short),
        cmocka_unit_test(removed_file_is_noticed), cmocka_unit_test(held_lock_is_named),
        cmocka_unit_test(opens_in_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
