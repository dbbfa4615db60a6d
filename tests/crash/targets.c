/* The state database under those who use it: many at once, killed at any moment, without a disk, and two
 * users.
 *
 *     crash_targets many|killed|disk|users
 *
 * Exits 0, 1 with what was wrong, or 77 where this host doesn't let the test be made. CRASH_SECONDS says how
 * long `killed` goes on (5). */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/targets/targets.h"
#include "tests/integration/small_disk.h"

#define NAME      "pay-api"
#define PROCESSES 50
#define WORKERS   8
#define SKIPPED   77

#define CHECK(condition, ...)                                                                                \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                  \
            fprintf(stderr, __VA_ARGS__);                                                                    \
            fputc('\n', stderr);                                                                             \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

static char folder[] = "/tmp/belay-crash-XXXXXX";

static struct breaker_rules quick_rules(void)
{
    struct breaker_rules rules = breaker_rules_default();
    struct err e = {0};
    CHECK(breaker_rules_parse("failures=5,cool-down=20ms,cap=20ms,jitter=0", &rules, &e) == 0, "%s", e.msg);
    return rules;
}

static struct targets *open_in(const char *where, bool shared)
{
    struct targets *t = NULL;
    struct err e = {0};
    CHECK(targets_open(where, shared, false, &t, &e) == 0, "%s", e.msg);
    CHECK(!targets_warning(t), "%s", targets_warning(t));
    return t;
}

static struct target_view view_of(struct targets *t)
{
    struct target_view *views, view = {.name = ""};
    size_t count;
    struct err e = {0};
    CHECK(targets_read(t, &views, &count, &e) == 0, "%s", e.msg);
    if (count > 0)
        view = views[0];
    CHECK(count <= 1, "%zu targets", count);
    free(views);
    return view;
}

static int count_one(struct targets *t, bool ok, struct err *e)
{
    struct target_operation o = {.target = NAME, .sums = {.attempts = 1, .ok = ok, .failed = !ok}};
    return target_count(t, &o, e);
}

/* ---- fifty at once ---- */

static void one_call(int gate, int number)
{
    struct breaker_rules rules = breaker_rules_default();
    struct target_admission a;
    struct err e = {0};
    char byte;
    rules.failures = 1000;
    (void)!read(gate, &byte, 1); /* until it is closed: all at the same moment */
    struct targets *t = open_in(folder, false);
    bool fails = number % 2;
    CHECK(target_admit(t, NAME, &rules, &a, NULL, NULL, &e) == 1, "%s", e.msg);
    CHECK(target_resolve(t, NAME, &rules, &a, fails ? BREAKER_FAILURE : BREAKER_SUCCESS, 1, 0, 10, &e) == 0,
          "%s", e.msg);
    CHECK(count_one(t, !fails, &e) == 0, "%s", e.msg);
    targets_close(t);
    exit(0);
}

static int many(void)
{
    for (uint64_t round = 1; round <= 6; round++) {
        int gate[2];
        CHECK(pipe2(gate, O_CLOEXEC) == 0, "pipe");
        for (int i = 0; i < PROCESSES; i++)
            if (fork() == 0) {
                close(gate[1]);
                one_call(gate[0], i);
            }
        close(gate[1]);
        close(gate[0]);
        int status;
        while (wait(&status) > 0)
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process ended with %x", (unsigned)status);
        struct targets *t = open_in(folder, false);
        struct target_view v = view_of(t);
        uint64_t half = round * PROCESSES / 2;
        CHECK(v.counts.failed == half && v.counts.succeeded == half && v.counts.admitted == 2 * half,
              "round %d: %d failed, %d succeeded, %d admitted", (int)round, (int)v.counts.failed,
              (int)v.counts.succeeded, (int)v.counts.admitted);
        for (int span = 0; span < MEASURES_SPAN_COUNT; span++)
            CHECK(v.spans[span].attempts == 2 * half || span == MEASURES_1M, "span %d: %d attempts", span,
                  (int)v.spans[span].attempts);
        targets_close(t);
    }
    return 0;
}

/* ---- killed at any moment ---- */

struct board { /* shared memory */
    uint64_t begun, ended[2], counted;
};

static void work(struct board *board, uint64_t seed)
{
    struct breaker_rules rules = quick_rules();
    struct rng rng;
    rng_seed(&rng, seed);
    for (;;) {
        struct target_admission a;
        struct err e = {0};
        struct targets *t = open_in(folder, false);
        int code = target_admit(t, NAME, &rules, &a, NULL, NULL, &e);
        CHECK(code >= 0, "%s", e.msg);
        if (code == 1) {
            bool fails = rng_below(&rng, 3) > 0;
            __atomic_fetch_add(&board->begun, 1, __ATOMIC_SEQ_CST);
            CHECK(target_resolve(t, NAME, &rules, &a, fails ? BREAKER_FAILURE : BREAKER_SUCCESS, 1, 0, 0,
                                 &e) == 0,
                  "%s", e.msg);
            __atomic_fetch_add(&board->ended[fails], 1, __ATOMIC_SEQ_CST);
            CHECK(count_one(t, !fails, &e) == 0, "%s", e.msg);
            __atomic_fetch_add(&board->counted, 1, __ATOMIC_SEQ_CST);
        }
        targets_close(t);
    }
}

/* Everything that was said to be kept is there, nothing else is, and no probe of the dead is waited for. */
static void verdict(const struct board *board)
{
    struct breaker_rules rules = quick_rules();
    struct targets *t = open_in(folder, false);
    struct target_view v = view_of(t);
    uint64_t ended = board->ended[0] + board->ended[1], stored = v.counts.failed + v.counts.succeeded;
    uint64_t counted = v.spans[MEASURES_LIFE].ok + v.spans[MEASURES_LIFE].failed;
    CHECK(ended <= stored && stored <= board->begun, "%d ended, %d stored, %d begun", (int)ended, (int)stored,
          (int)board->begun);
    CHECK(v.counts.succeeded >= board->ended[0] && v.counts.failed >= board->ended[1], "of one kind");
    CHECK(board->counted <= counted && counted <= stored, "%d counted, %d stored", (int)board->counted,
          (int)counted);
    int64_t limit = clock_monotonic_us() + 10 * US_PER_S;
    struct target_admission a;
    struct breaker_refusal refusal;
    struct err e = {0};
    int code;
    while ((code = target_admit(t, NAME, &rules, &a, &refusal, NULL, &e)) == 0) {
        CHECK(clock_monotonic_us() < limit, "%s for ever", breaker_state_text(refusal.state));
        usleep(1000);
    }
    CHECK(code == 1, "%s", e.msg);
    CHECK(target_resolve(t, NAME, &rules, &a, BREAKER_CANCELLED, 1, 0, 0, &e) == 0, "%s", e.msg);
    targets_close(t);
}

static int killed(void)
{
    const char *text = getenv("CRASH_SECONDS");
    int64_t until = clock_monotonic_us() + (text ? atoi(text) : 5) * US_PER_S;
    uint64_t seed = rng_entropy();
    struct rng rng;
    rng_seed(&rng, seed);
    printf("seed %llu\n", (unsigned long long)seed);
    struct board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(board != MAP_FAILED, "mmap");
    int rounds = 0;
    do {
        pid_t pids[WORKERS];
        for (int i = 0; i < WORKERS; i++)
            if ((pids[i] = fork()) == 0)
                work(board, rng_next(&rng) + (uint64_t)i);
        usleep((useconds_t)rng_below(&rng, 150000));
        for (int i = 0; i < WORKERS; i++)
            kill(pids[i], SIGKILL);
        int status;
        while (wait(&status) > 0)
            CHECK(WIFSIGNALED(status), "a worker gave up");
        verdict(board);
        rounds++;
    } while (clock_monotonic_us() < until);
    printf("%d rounds, %llu calls\n", rounds, (unsigned long long)board->begun);
    CHECK(board->counted > 0, "nobody came to an end");
    return 0;
}

/* ---- a disk that doesn't go along: an error, in time, and calls go on when it does again ---- */

static void try_all(struct targets *t, bool fails, const char *when)
{
    struct breaker_rules rules = breaker_rules_default();
    struct target_admission a;
    struct err e = {0};
    int64_t start = clock_monotonic_us();
    int admitted = target_admit(t, NAME, &rules, &a, NULL, NULL, &e);
    CHECK(admitted != 0, "%s: refused", when);
    int code = target_resolve(t, NAME, &rules, &a, BREAKER_SUCCESS, 1, 0, 0, &e);
    CHECK((code < 0) == fails, "%s: %s", when, e.msg);
    CHECK(!fails || code == ERR_FULL || code == ERR_DENIED || code == ERR_IO, "%s: %s", when, e.msg);
    CHECK(clock_monotonic_us() - start < 10 * US_PER_S, "%s: too late", when);
    CHECK(!targets_warning(t), "%s: %s", when, targets_warning(t));
}

static int disk(void)
{
    if (!small_disk_allowed() || !small_disk_mount(folder, "1m")) {
        fprintf(stderr, "this host lets nobody mount here\n");
        return SKIPPED;
    }
    char *filler = xasprintf("%s/filler", folder), *place = xasprintf("%s/state", folder);
    struct targets *t = open_in(place, false), *other = NULL;
    struct err e = {0};
    try_all(t, false, "room");
    CHECK(small_disk_fill(filler), "the disk could not be filled");
    /* What the log has room for already goes on for a while; then it is full, again and again. */
    for (int i = 0; i < 2000; i++) {
        struct breaker_rules rules = breaker_rules_default();
        struct target_admission a;
        if (target_admit(t, NAME, &rules, &a, NULL, NULL, &e) == 1 &&
            target_resolve(t, NAME, &rules, &a, BREAKER_SUCCESS, 1, 0, 0, &e) < 0)
            break;
    }
    try_all(t, true, "full");
    unlink(filler);
    try_all(t, false, "room again");
    targets_close(t);
    CHECK(small_disk_writable(folder, false), "remount");
    if (targets_open(place, false, false, &other, &e) == 0)
        try_all(other, true, "read-only");
    else
        CHECK(e.code == ERR_DENIED && e.msg[0], "%d: %s", e.code, e.msg);
    targets_close(other);
    CHECK(small_disk_writable(folder, true), "remount");
    t = open_in(place, false);
    try_all(t, false, "writable again");
    uint64_t succeeded = view_of(t).counts.succeeded;
    CHECK(succeeded >= 3, "%d succeeded", (int)succeeded);
    targets_close(t);
    /* Where nothing can be made at all. */
    char *none = xasprintf("%s/none", folder);
    CHECK(small_disk_writable(folder, false), "remount");
    CHECK(targets_open(none, false, false, &other, &e) < 0, "made on a read-only disk");
    CHECK(small_disk_writable(folder, true), "remount");
    CHECK(umount(folder) == 0 || umount2(folder, MNT_DETACH) == 0, "umount");
    free(filler);
    free(place);
    free(none);
    return 0;
}

/* ---- two users ---- */

#define GROUP 61001
static int as_user(const char *where, uid_t uid, enum breaker_result result)
{
    pid_t pid = fork();
    if (pid == 0) {
        gid_t group = GROUP;
        struct breaker_rules rules = breaker_rules_default();
        struct target_admission a;
        struct err e = {0};
        umask(077);
        if (setgroups(1, &group) < 0 || setgid((gid_t)uid) < 0 || setuid(uid) < 0)
            _exit(SKIPPED);
        for (int i = 0; i < 20; i++) {
            struct targets *t = open_in(where, true);
            CHECK(target_admit(t, NAME, &rules, &a, NULL, NULL, &e) == 1, "%s", e.msg);
            CHECK(target_resolve(t, NAME, &rules, &a, result, 1, 0, 0, &e) == 0, "uid %d: %s", (int)uid,
                  e.msg);
            CHECK(count_one(t, true, &e) == 0, "uid %d: %s", (int)uid, e.msg);
            targets_close(t);
        }
        exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid, "wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int users(void)
{
    char *place = xasprintf("%s/shared", folder);
    if (geteuid() != 0) {
        fprintf(stderr, "only root can become two users\n");
        return SKIPPED;
    }
    CHECK(chmod(folder, 0755) == 0 && mkdir(place, 0700) == 0 && chown(place, 0, GROUP) == 0 &&
              chmod(place, 02770) == 0,
          "%s", place);
    for (int round = 0; round < 3; round++)
        for (uid_t uid = 61002; uid <= 61003; uid++) {
            int status = as_user(place, uid, BREAKER_SUCCESS);
            CHECK(status == 0, "uid %d ended with %d", (int)uid, status);
        }
    struct targets *t = open_in(place, true);
    uint64_t succeeded = view_of(t).counts.succeeded;
    CHECK(succeeded == 120, "%d succeeded", (int)succeeded);
    targets_close(t);
    /* Open to everybody is not shared. */
    struct err e = {0};
    CHECK(chmod(place, 0777) == 0, "chmod");
    char *fresh = xasprintf("%s/fresh", place);
    CHECK(mkdir(fresh, 0777) == 0 && chmod(fresh, 0777) == 0, "mkdir");
    CHECK(targets_open(fresh, true, false, &t, &e) == ERR_DENIED, "opened in a folder of everybody's");
    free(fresh);
    free(place);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } tests[] = {{"many", many}, {"killed", killed}, {"disk", disk}, {"users", users}};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (argc != 2 || !str_eq(argv[1], tests[i].name))
            continue;
        CHECK(mkdtemp(folder), "mkdtemp");
        int code = tests[i].run();
        folder_remove(folder, NULL);
        return code;
    }
    fprintf(stderr, "usage: %s many|killed|disk|users\n", argv[0]);
    return 2;
}
