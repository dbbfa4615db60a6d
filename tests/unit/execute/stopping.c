/* Ending steps: by request, by time, and by closing the page before go. */
#include "tests/unit/execute/harness.h"

static void void_before_go_never_starts(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *script = xasprintf("echo ran >%s", f->file);
    struct exec_request request = shell("k", argv, script);
    /* At any moment of arming. */
    for (int turns = 0; turns < 12; turns++) {
        struct execution *x = execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e);
        assert_non_null(x);
        for (int i = 0; i < turns; i++)
            loop_run_once(f->loop, 2 * US_PER_MS);
        execution_void(x);
        await(f, seen.ended);
        assert_int_equal(seen.result.how, EXEC_VOID);
        assert_int_equal(seen.result.started_wall_us, 0);
        assert_int_equal(execution_go(x, NULL), ERR_USAGE);
        execution_free(x);
        assert_int_equal(execution_forget(f->spool, "k", &f->e), 0);
        assert_int_equal(seen.ended, 1);
        seen.ended = 0;
    }
    assert_false(file_has(f->file, "ran"));
    free(script);
    seen_fini(&seen);
}

static void freeing_before_go_never_starts(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *script = xasprintf("echo ran >%s", f->file);
    struct exec_request request = shell("k", argv, script);
    execution_free(execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e));
    await(f, state_of(f, "k") == SPOOL_VOID);
    await(f, execution_forget(f->spool, "k", &f->e) == 0);
    assert_int_equal(seen.ended, 0);
    assert_false(file_has(f->file, "ran"));
    free(script);
}

static void void_after_go_does_nothing(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "exit 0");
    struct execution *x = start(f, &request, &seen);
    execution_void(x);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    execution_free(x);
    seen_fini(&seen);
}

/* Starts a script that prints "ready", cancels it then. */
static void cancel_shell(struct fixture *f, const char *script, int64_t grace_us, struct seen *seen)
{
    const char *argv[4];
    struct exec_request request = shell("k", argv, script);
    request.grace_us = grace_us;
    struct execution *x = start(f, &request, seen);
    await(f, strstr(str_text(&seen->out), "ready"));
    if (execution_cancel(x, &f->e) < 0)
        fail_msg("cancel: %s", f->e.msg);
    await(f, seen->ended);
    execution_free(x);
    assert_int_equal(seen->result.how, EXEC_CANCELLED);
    assert_int_equal(execution_forget(f->spool, "k", &f->e), 0);
}

static void cancel_is_term(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    cancel_shell(f, "trap 'echo cleaned; exit 9' TERM; echo ready; sleep 1000 & wait", 20 * US_PER_S, &seen);
    assert_int_equal(seen.result.status, 9);
    assert_string_equal(str_text(&seen.out), "ready\ncleaned\n");
    assert_true(seen.result.duration_us < 15 * US_PER_S);
    seen_fini(&seen);
}

static void cancel_kills_after_the_grace_period(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    cancel_shell(f, "trap '' TERM; echo ready; while :; do sleep 1; done", 300 * US_PER_MS, &seen);
    assert_int_equal(seen.result.signal, SIGKILL);
    assert_true(seen.result.duration_us >= 300 * US_PER_MS);
    seen_fini(&seen);
}

static void cancel_reaches_the_whole_group(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    /* The main process goes at TERM; its grandchild ignores that. */
    char *script = xasprintf("(trap '' TERM; (echo $BASHPID >%s; exec sleep 1000) & wait) & "
                             "until [ -s %s ]; do sleep 0.01; done; echo ready; wait",
                             f->file, f->file);
    cancel_shell(f, script, 500 * US_PER_MS, &seen);
    pid_t grandchild = pid_in(f->file);
    assert_true(grandchild > 0);
    await(f, is_dead(grandchild));
    assert_int_equal(seen.result.signal, SIGTERM);
    assert_false(seen.result.survivors);
    free(script);
    seen_fini(&seen);
}

static void cancel_does_not_wait_for_who_left_the_group(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    char *script = xasprintf("setsid bash -c 'echo $$ >%s; exec sleep 1000 >/dev/null 2>&1' & "
                             "until [ -s %s ]; do sleep 0.01; done; echo ready; wait",
                             f->file, f->file);
    cancel_shell(f, script, 20 * US_PER_S, &seen);
    pid_t daemon = pid_in(f->file);
    assert_true(daemon > 0 && !is_dead(daemon));
    assert_true(seen.result.survivors);
    assert_true(seen.result.duration_us < 15 * US_PER_S);
    kill(daemon, SIGKILL);
    free(script);
    seen_fini(&seen);
}

static void cancel_before_go_is_void(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "exit 0");
    struct execution *x = execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e);
    assert_int_equal(execution_cancel(x, &f->e), 0);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_VOID);
    execution_free(x);
}

/* Right after go nobody can tell whether it is in time; whatever comes must be true. */
static void cancel_at_any_moment_is_honest(void **state)
{
    struct fixture *f = *state;
    int voids = 0, cancelled = 0;
    for (int turns = 0; turns < 16; turns++) {
        struct seen seen = {0};
        const char *argv[4];
        unlink(f->file);
        char *script = xasprintf("echo ran >%s; sleep 1000", f->file);
        struct exec_request request = shell("k", argv, script);
        struct execution *x = start(f, &request, &seen);
        for (int i = 0; i < turns; i++)
            loop_run_once(f->loop, US_PER_MS);
        if (execution_cancel(x, &f->e) < 0)
            fail_msg("cancel: %s", f->e.msg);
        await(f, seen.ended);
        if (seen.result.how == EXEC_VOID) {
            voids++;
            assert_false(file_has(f->file, "ran"));
        } else {
            assert_int_equal(seen.result.how, EXEC_CANCELLED);
            cancelled++;
        }
        execution_free(x);
        assert_int_equal(execution_forget(f->spool, "k", &f->e), 0);
        free(script);
        seen_fini(&seen);
    }
    print_message("void %d, cancelled %d\n", voids, cancelled);
}

static void cancel_after_the_end_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "exit 3");
    struct execution *x = start(f, &request, &seen);
    struct spool_entry entry = {0};
    int64_t bound = clock_monotonic_us() + BOUND_US;
    while (entry.state != SPOOL_ENDED && clock_monotonic_us() < bound) /* without telling x */
        assert_int_equal(spool_find(f->spool, "k", &entry, &f->e), 0);
    assert_int_equal(execution_cancel(x, &f->e), 0);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_int_equal(seen.result.status, 3);
    execution_free(x);
    seen_fini(&seen);
}

static void time_out_is_told(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "echo begun; sleep 1000");
    request.timeout_us = 300 * US_PER_MS;
    run(f, &request, &seen);
    assert_int_equal(seen.result.how, EXEC_TIMED_OUT);
    assert_int_equal(seen.result.signal, SIGTERM);
    assert_string_equal(str_text(&seen.out), "begun\n");
    assert_true(seen.result.duration_us >= 300 * US_PER_MS && seen.result.duration_us < 20 * US_PER_S);
    seen_fini(&seen);
}

static void time_out_kills_who_ignores_it(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "trap '' TERM; while :; do sleep 0.1; done");
    request.timeout_us = 200 * US_PER_MS;
    request.grace_us = 200 * US_PER_MS;
    run(f, &request, &seen);
    assert_int_equal(seen.result.how, EXEC_TIMED_OUT);
    assert_int_equal(seen.result.signal, SIGKILL);
    seen_fini(&seen);
}

static void who_is_faster_than_the_time_out_exits(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "exit 0");
    request.timeout_us = 60 * US_PER_S;
    run(f, &request, &seen);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    seen_fini(&seen);
}

/* A daemon that keeps the output open costs at most the drain. */
static void the_drain_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    char *script = xasprintf("setsid bash -c 'echo $$ >%s; while :; do echo still here; sleep 0.01; done' & "
                             "until [ -s %s ]; do sleep 0.01; done; echo main; exit 0",
                             f->file, f->file);
    const char *argv[4];
    struct exec_request request = shell("k", argv, script);
    int64_t before = clock_monotonic_us();
    struct execution *x = start(f, &request, &seen);
    await(f, seen.ended);
    int64_t took = clock_monotonic_us() - before;
    pid_t daemon = pid_in(f->file);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_int_equal(seen.result.status, 0);
    assert_true(seen.result.survivors);
    assert_true(took < 8 * US_PER_S);
    assert_true(seen.result.duration_us < took - 800 * US_PER_MS); /* the drain isn't the step's time */
    execution_free(x);
    assert_int_equal(execution_forget(f->spool, "k", &f->e), 0);
    /* It is not stopped by an output that nobody reads. */
    assert_false(is_dead(daemon));
    char *flood = xasprintf("/proc/%d/fd/1", (int)daemon);
    int fd = open(flood, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    assert_true(fd >= 0);
    struct str much = {0};
    while (much.len < 32768)
        str_add(&much, "0123456789abcdef");
    size_t written = 0;
    int64_t bound = clock_monotonic_us() + BOUND_US;
    while (written < 1 << 20 && clock_monotonic_us() < bound) {
        ssize_t put = write(fd, much.data, much.len);
        if (put > 0)
            written += (size_t)put;
        else
            loop_run_once(f->loop, US_PER_MS);
    }
    assert_true(written >= 1 << 20);
    close(fd);
    kill(daemon, SIGKILL);
    str_fini(&much);
    free(flood);
    free(script);
    seen_fini(&seen);
}

static void quiet_daemons_cost_no_drain(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    char *script = xasprintf("setsid bash -c 'echo $$ >%s; exec sleep 1000' >/dev/null 2>&1 & "
                             "until [ -s %s ]; do sleep 0.01; done",
                             f->file, f->file);
    int64_t before = clock_monotonic_us();
    run_shell(f, "k", script, &seen);
    assert_true(seen.result.survivors);
    assert_true(clock_monotonic_us() - before - seen.result.duration_us < 800 * US_PER_MS);
    kill(pid_in(f->file), SIGKILL);
    free(script);
    seen_fini(&seen);
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(void_before_go_never_starts, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_before_go_never_starts, setup, teardown),
        cmocka_unit_test_setup_teardown(void_after_go_does_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_is_term, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_kills_after_the_grace_period, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_reaches_the_whole_group, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_does_not_wait_for_who_left_the_group, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_before_go_is_void, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_at_any_moment_is_honest, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_after_the_end_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(time_out_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(time_out_kills_who_ignores_it, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_faster_than_the_time_out_exits, setup, teardown),
        cmocka_unit_test_setup_teardown(the_drain_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(quiet_daemons_cost_no_drain, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.stopping", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
