/* A supervisor that waits before anybody knows what it is to run, and what is left of it when it never is
 * told. */
#include "tests/unit/execute/harness.h"

#include <dirent.h>

static struct execution *ready(struct fixture *f, const char *key, struct seen *seen)
{
    struct execution *x = execution_ready(f->spool, f->loop, key, false, &recorder, seen, &f->e);
    if (!x)
        fail_msg("ready: %s", f->e.msg);
    return x;
}

/* Whatever its name: half made and half removed ones, too. */
static size_t spool_count(const struct fixture *f)
{
    char *path = path_join(f->folder, "spool");
    DIR *folder = opendir(path);
    size_t count = 0;
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += !str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..");
    closedir(folder);
    free(path);
    return count;
}

/* Neither a process nor a folder. */
static bool nothing_left(const struct fixture *f)
{
    return spool_count(f) == 0 && waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static void what_is_given_later_is_what_runs(void **state)
{
    struct fixture *f = *state;
    struct seen before = {0}, seen = {0};
    const char *argv[4];
    char *env[] = {(char *)"WORD=given", NULL};
    struct exec_request request = shell("k", argv, "echo $WORD; export LATER=1; exit 3");
    request.env = env;
    request.capture_exports = true;
    struct execution *x = ready(f, "k", &before);
    assert_int_equal(execution_go(x, &f->e), ERR_USAGE);
    assert_int_equal(execution_state(x), SPOOL_ARMED);
    assert_int_equal(state_of(f, "k"), SPOOL_ARMED);
    assert_int_equal(execution_give(x, &request, &recorder, &seen, &f->e), 0);
    assert_int_equal(execution_give(x, &request, &recorder, &seen, &f->e), ERR_USAGE);
    assert_int_equal(execution_go(x, &f->e), 0);
    await(f, seen.ended);
    assert_int_equal(before.ended, 0);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_int_equal(seen.result.status, 3);
    assert_string_equal(str_text(&seen.out), "given\n");
    assert_string_equal(seen.exports[0], "LATER=1");
    execution_free(x);
    forget(f, "k");
    seen_fini(&seen);
    seen_fini(&before);
}

static void a_request_of_another_key_or_none_is_refused(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request other = shell("other", argv, "exit 0"), empty = {.key = "k"};
    struct execution *x = ready(f, "k", &seen);
    assert_int_equal(execution_give(x, &other, &recorder, &seen, &f->e), ERR_USAGE);
    assert_int_equal(execution_give(x, &empty, &recorder, &seen, &f->e), ERR_USAGE);
    assert_null(execution_ready(f->spool, f->loop, "k", false, &recorder, &seen, &f->e));
    assert_int_equal(f->e.code, ERR_EXISTS);
    assert_null(execution_ready(f->spool, f->loop, ".k", false, &recorder, &seen, &f->e));
    assert_int_equal(f->e.code, ERR_USAGE);
    execution_free(x);
    await(f, nothing_left(f));
}

static void one_that_is_let_go_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct execution *x = ready(f, "k", &seen);
    execution_free(x); /* at once: it is not even there yet */
    await(f, nothing_left(f));
    x = ready(f, "k", &seen);
    pid_t pid = 0;
    await(f, (pid = supervisor_pid()) > 0 && spool_count(f) == 1);
    execution_free(x);
    await(f, nothing_left(f));
    assert_int_equal(seen.ended, 0);
}

/* In a child, which then waits to be killed. */
static pid_t console_fork(struct fixture *f, const struct exec_request *given)
{
    int there[2];
    char byte = 0;
    assert_int_equal(pipe2(there, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct seen seen = {0};
        struct execution *x = execution_ready(f->spool, f->loop, "k", false, &recorder, &seen, &f->e);
        if (!x || (given && execution_give(x, given, &recorder, &seen, &f->e) < 0) ||
            write(there[1], &byte, 1) != 1)
            _exit(9);
        for (;;)
            pause();
    }
    close(there[1]);
    assert_int_equal(read(there[0], &byte, 1), 1);
    close(there[0]);
    return pid;
}

static void console_kill(pid_t pid)
{
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void a_killed_console_leaves_nothing_of_it(void **state)
{
    struct fixture *f = *state;
    pid_t pid = console_fork(f, NULL);
    assert_int_equal(state_of(f, "k"), SPOOL_ARMED);
    console_kill(pid);
    await(f, nothing_left(f));
}

/* Its intent may be on the disk: whoever looks for it has to find that it never started. */
static void a_console_killed_before_go_leaves_a_void_folder(void **state)
{
    struct fixture *f = *state;
    const char *argv[4];
    char *script = xasprintf("echo ran >%s", f->file);
    struct exec_request request = shell("k", argv, script);
    console_kill(console_fork(f, &request));
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    assert_int_equal(state_of(f, "k"), SPOOL_VOID);
    assert_false(file_has(f->file, "ran"));
    forget(f, "k");
    free(script);
}

static void one_whose_supervisor_is_killed_is_void(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0}, later = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "exit 0");
    struct execution *x = ready(f, "k", &seen);
    pid_t pid = 0;
    await(f, (pid = supervisor_pid()) > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(execution_give(x, &request, &recorder, &later, &f->e), ERR_NOT_FOUND);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_VOID);
    assert_int_equal(later.ended, 0);
    execution_free(x);
    forget(f, "k");
    seen_fini(&seen);
}

/* By a signal, as a logout sends it: then its console is there to see what became of it. */
static void one_that_is_ended_from_outside_says_so(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct execution *x = ready(f, "k", &seen);
    pid_t pid = 0;
    await(f, (pid = supervisor_pid()) > 0);
    assert_int_equal(kill(pid, SIGTERM), 0);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_VOID);
    execution_free(x);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    if (spool_count(f) > 0) /* it may have died of the signal before it could wait */
        forget(f, "k");
    assert_true(nothing_left(f));
    seen_fini(&seen);
}

static void void_by_somebody_else_holds_for_what_is_given_later(void **state)
{
    struct fixture *f = *state;
    struct seen before = {0}, seen = {0};
    const char *argv[4];
    char *script = xasprintf("echo ran >%s", f->file);
    struct exec_request request = shell("k", argv, script);
    struct execution *x = ready(f, "k", &before);
    assert_int_equal(spool_void(f->spool, "k", &f->e), 0);
    if (execution_give(x, &request, &recorder, &seen, &f->e) == 0) {
        assert_int_equal(execution_go(x, &f->e), 0);
        await(f, seen.ended);
        assert_int_equal(seen.result.how, EXEC_VOID);
    }
    execution_free(x);
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    assert_false(file_has(f->file, "ran"));
    forget(f, "k");
    free(script);
    seen_fini(&seen);
    seen_fini(&before);
}

/* ---- On the way to a supervisor. execv is wrapped by the linker ---- */

static volatile bool killing, executing; /* what is to become one shares our memory until it executes */

int __real_execv(const char *path, char *const argv[]);
int __wrap_execv(const char *path, char *const argv[]);
void __asan_handle_no_return(void) __attribute__((weak));

int __wrap_execv(const char *path, char *const argv[])
{
    if (killing) {
        killing = false;
        kill(getppid(), SIGKILL);
        if (__asan_handle_no_return) /* by its end the killed one would have told it that our stack is free */
            __asan_handle_no_return();
        usleep(200000); /* whoever doesn't wait for us goes on by now */
        executing = true;
    }
    return __real_execv(path, argv);
}

static void a_memory_that_is_lent_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct seen before = {0}, seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "echo well");
    killing = true;
    struct execution *x = ready(f, "k", &before);
    assert_true(executing);
    assert_int_equal(execution_give(x, &request, &recorder, &seen, &f->e), 0);
    assert_int_equal(execution_go(x, &f->e), 0);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_string_equal(str_text(&seen.out), "well\n");
    execution_free(x);
    forget(f, "k");
    seen_fini(&seen);
    seen_fini(&before);
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(what_is_given_later_is_what_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_of_another_key_or_none_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_let_go_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_console_leaves_nothing_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_console_killed_before_go_leaves_a_void_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(one_whose_supervisor_is_killed_is_void, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_ended_from_outside_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(void_by_somebody_else_holds_for_what_is_given_later, setup, teardown),
        cmocka_unit_test_setup_teardown(a_memory_that_is_lent_is_waited_for, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.ready", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
