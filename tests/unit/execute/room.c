/* No room: a limit of files, a full disk. Output may be dropped, and is counted; the outcome never is. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "tests/unit/execute/harness.h"

static void a_file_limit_cannot_lose_the_outcome(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct rlimit before, small = {.rlim_cur = 100000};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    run_shell(f, "k", "head -c 500000 /dev/zero; exit 3", &seen);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_int_equal(seen.result.status, 3);
    assert_int_equal(seen.result.stdout_bytes, 500000);
    assert_int_equal(seen.result.dropped_bytes, 500000 - (int64_t)seen.out.len);
    assert_true(seen.out.len < 100000);
    seen_fini(&seen);
}

/* In a namespace of its own, for a mount. */
static int full_disk(struct fixture *f)
{
    struct seen seen = {0};
    struct err e = {0};
    char own[4096] = "", *folder = path_join(f->folder, "small"), *filler = path_join(folder, "filler"),
         *flag = path_join(f->folder, "go");
    const char *argv[4];
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) < 0 || mkdir(folder, 0700) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", folder, "tmpfs", 0, "size=256k") < 0)
        return 77;
    if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
        return 1;
    struct loop *loop = loop_new(&e);
    struct spool *s = spool_open(folder, false, own, &e);
    char *script =
        xasprintf("echo begun; until [ -e %s ]; do sleep 0.01; done; head -c 100000 /dev/zero; exit 3", flag);
    struct exec_request request = shell("k", argv, script);
    struct execution *x = s ? execution_arm(s, loop, &request, &recorder, &seen, &e) : NULL;
    if (!x || execution_go(x, &e) < 0)
        return 2;
    int64_t bound = clock_monotonic_us() + BOUND_US;
    while (!seen.out.len && clock_monotonic_us() < bound)
        loop_run_once(loop, 20 * US_PER_MS);
    int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, own, sizeof own) > 0)
        continue;
    if (errno != ENOSPC)
        return 3;
    if (file_write_atomic(flag, "", 0, 0600, &e) < 0)
        return 4;
    while (!seen.ended && clock_monotonic_us() < bound)
        loop_run_once(loop, 20 * US_PER_MS);
    if (!seen.ended || seen.result.how != EXEC_EXITED || seen.result.status != 3)
        return 5;
    if (seen.result.stdout_bytes != 100006 || seen.result.dropped_bytes < 90000 || seen.result.missing_bytes)
        return 6;
    execution_free(x);
    if (execution_forget(s, "k", &e) < 0)
        return 7;
    while (waitpid(-1, NULL, 0) > 0) /* the supervisor: what it has open takes room until it is gone */
        continue;
    /* Full from the start: arming says so, and leaves nothing. */
    while (write(fd, own, 64) > 0)
        continue;
    x = execution_arm(s, loop, &request, &recorder, &seen, &e);
    if (x || e.code != ERR_FULL)
        return 8;
    return 0;
}

static void a_full_disk_cannot_lose_the_outcome(void **state)
{
    struct fixture *f = *state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(full_disk(f));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("skipped: this system lets nobody mount a tmpfs\n");
        skip();
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(a_file_limit_cannot_lose_the_outcome, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_cannot_lose_the_outcome, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.room", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
