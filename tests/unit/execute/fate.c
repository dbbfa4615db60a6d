/* Who decides whether a step starts, when two want to; and that what was decided stays so. */
#include "tests/unit/execute/harness.h"

/* Voids after a delay from the moment when gate closes; its exit status: 0 void, 1 too late. */
static pid_t voider_fork(struct fixture *f, const int gate[2], int64_t delay_us)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char byte;
    close(gate[1]);
    if (read(gate[0], &byte, 1) < 0)
        _exit(9);
    for (int64_t start_us = clock_monotonic_us(); clock_monotonic_us() - start_us < delay_us;)
        continue;
    int code;
    while ((code = spool_void(f->spool, "k", NULL)) == ERR_BUSY)
        continue;
    _exit(code == 0 ? 0 : code == ERR_EXISTS ? 1 : 2);
}

/* Go and void by two processes at the same moment, which the delay finds: whatever void says is true. */
static void fate_has_one_winner(void **state)
{
    struct fixture *f = *state;
    int voids = 0, runs = 0;
    int64_t delay_us = 1000, change_us = 4000;
    for (int round = 0; round < 60; round++) {
        struct seen seen = {0};
        const char *argv[4];
        int gate[2], status;
        unlink(f->file);
        char *script = xasprintf("echo ran >>%s", f->file);
        struct exec_request request = shell("k", argv, script);
        assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
        pid_t other = voider_fork(f, gate, delay_us);
        struct execution *x = execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e);
        close(gate[0]);
        close(gate[1]);
        assert_int_equal(execution_go(x, &f->e), 0);
        await(f, seen.ended);
        assert_int_equal(waitpid(other, &status, 0), other);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        bool voided = WEXITSTATUS(status) == 0;
        assert_int_equal(seen.result.how, voided ? EXEC_VOID : EXEC_EXITED);
        execution_free(x);
        /* The supervisor must be gone before "never ran" means anything. */
        while (waitpid(-1, NULL, 0) > 0)
            continue;
        assert_int_equal(file_count(f->file, "ran"), voided ? 0 : 1);
        forget(f, "k");
        voids += voided;
        runs += !voided;
        change_us = change_us > 20 ? change_us * 9 / 10 : 20;
        delay_us += voided ? change_us : delay_us > change_us ? -change_us : 0;
        free(script);
        seen_fini(&seen);
    }
    print_message("void %d, ran %d, at %" PRId64 " us\n", voids, runs, delay_us);
    assert_true(voids > 0 && runs > 0);
}

static void a_supervisor_that_wakes_too_late_runs_nothing(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *script = xasprintf("echo ran >%s", f->file);
    struct exec_request request = shell("k", argv, script);
    struct execution *x = execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e);
    pid_t pid = 0;
    await(f, (pid = supervisor_pid()) > 0);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    assert_int_equal(execution_go(x, &f->e), 0);
    assert_int_equal(spool_void(f->spool, "k", &f->e), 0);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_VOID);
    /* Were its fate removed, it would decide anew. */
    assert_int_equal(execution_forget(f->spool, "k", &f->e), ERR_BUSY);
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_false(file_has(f->file, "ran"));
    execution_free(x);
    forget(f, "k");
    free(script);
    seen_fini(&seen);
}

static void void_comes_too_late_for_a_running_step(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "echo one; sleep 1000");
    struct execution *x = start(f, &request, &seen);
    await(f, seen.out.len);
    assert_int_equal(spool_void(f->spool, "k", &f->e), ERR_EXISTS);
    assert_int_equal(state_of(f, "k"), SPOOL_RUNNING);
    assert_int_equal(execution_cancel(x, &f->e), 0);
    await(f, seen.ended);
    execution_free(x);
    seen_fini(&seen);
}

static void a_key_is_used_once(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "exit 0");
    struct execution *x = start(f, &request, &seen);
    assert_null(execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e));
    assert_int_equal(f->e.code, ERR_EXISTS);
    await(f, seen.ended);
    assert_null(execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e));
    execution_free(x);
    forget(f, "k");
    seen_fini(&seen);
}

static void a_follower_survives_the_removal(void **state)
{
    struct fixture *f = *state;
    struct seen seen[2] = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "echo one; exit 4");
    struct execution *a = start(f, &request, &seen[0]);
    struct execution *b = adopt(f, "k", &seen[1]);
    /* Everything happens before b looks for the first time. */
    int64_t bound = clock_monotonic_us() + BOUND_US;
    while (state_of(f, "k") != SPOOL_ENDED && clock_monotonic_us() < bound)
        continue;
    forget(f, "k");
    await(f, seen[0].ended && seen[1].ended);
    assert_int_equal(seen[1].result.how, EXEC_EXITED);
    assert_int_equal(seen[1].result.status, 4);
    assert_string_equal(str_text(&seen[1].out), "one\n");
    execution_free(a);
    execution_free(b);
    seen_fini(&seen[0]);
    seen_fini(&seen[1]);
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(fate_has_one_winner, setup, teardown),
        cmocka_unit_test_setup_teardown(a_supervisor_that_wakes_too_late_runs_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(void_comes_too_late_for_a_running_step, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_is_used_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_follower_survives_the_removal, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.fate", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
