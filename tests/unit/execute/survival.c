/* What is left when somebody is killed: the console, the supervisor, the step, or all of them. The test
 * program is the subreaper, so supervisors are its children and can be found. */
#include "tests/unit/execute/harness.h"

#include "engine/execute/record.h"

static void kill_supervisor(struct fixture *f)
{
    pid_t pid = 0;
    await(f, (pid = supervisor_pid()) > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A console in a process of its own that arms, goes if it shall, and then hangs; its PID. It has said "armed"
 * or more when this returns. */
static pid_t console_fork(struct fixture *f, const struct exec_request *request, bool go)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct seen seen = {0};
        struct err e;
        struct loop *loop = loop_new(&e);
        struct execution *x = execution_arm(f->spool, loop, request, &recorder, &seen, &e);
        if (!x || (go && execution_go(x, &e) < 0))
            _exit(1);
        if (write(ends[1], "x", 1) < 0)
            _exit(1);
        for (;;)
            loop_run_once(loop, -1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return pid;
}

static void killed(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- The console is killed ---- */

static void a_running_step_is_found_again(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *script =
        xasprintf("echo one; echo begun >>%s; until [ -e %s.go ]; do sleep 0.01; done; echo two; exit 5",
                  f->file, f->file);
    char *flag = xasprintf("%s.go", f->file);
    struct exec_request request = shell("k", argv, script);
    pid_t console = console_fork(f, &request, true);
    await(f, file_has(f->file, "begun"));
    killed(console);
    assert_int_equal(state_of(f, "k"), SPOOL_RUNNING);
    assert_int_equal(execution_forget(f->spool, "k", &f->e), ERR_BUSY);
    struct execution *x = adopt(f, "k", &seen);
    await(f, strstr(str_text(&seen.out), "one"));
    assert_int_equal(execution_state(x), SPOOL_RUNNING);
    assert_int_equal(file_write_atomic(flag, "", 0, 0600, &f->e), 0);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_int_equal(seen.result.status, 5);
    assert_string_equal(str_text(&seen.out), "one\ntwo\n");
    assert_int_equal(file_count(f->file, "begun"), 1);
    execution_free(x);
    forget(f, "k");
    free(flag);
    free(script);
    seen_fini(&seen);
}

static void an_ended_step_is_harvested(void **state)
{
    struct fixture *f = *state;
    const char *argv[4];
    struct exec_request request = shell("k", argv, "export A=b; echo text; exit 6");
    request.capture_exports = true;
    killed(console_fork(f, &request, true));
    await(f, state_of(f, "k") == SPOOL_ENDED);
    for (int i = 0; i < 2; i++) { /* twice: looking takes nothing away */
        struct seen seen = {0};
        struct execution *x = adopt(f, "k", &seen);
        await(f, seen.ended);
        assert_int_equal(seen.result.status, 6);
        assert_string_equal(str_text(&seen.out), "text\n");
        assert_int_equal(strv_count(seen.exports), 1);
        execution_free(x);
        seen_fini(&seen);
    }
    forget(f, "k");
}

static void an_armed_step_becomes_void(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *script = xasprintf("echo ran >%s", f->file);
    struct exec_request request = shell("k", argv, script);
    killed(console_fork(f, &request, false));
    struct execution *x = adopt(f, "k", &seen);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_VOID);
    execution_free(x);
    forget(f, "k");
    assert_false(file_has(f->file, "ran"));
    free(script);
    seen_fini(&seen);
}

static void somebody_elses_armed_step_is_only_watched(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "exit 0");
    pid_t console = console_fork(f, &request, false);
    struct execution *x = adopt(f, "k", &seen);
    for (int i = 0; i < 20; i++)
        loop_run_once(f->loop, 5 * US_PER_MS);
    assert_int_equal(seen.ended, 0);
    assert_int_equal(execution_state(x), SPOOL_ARMED);
    assert_int_equal(execution_go(x, NULL), ERR_NOT_FOUND); /* it isn't ours to start */
    killed(console);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_VOID);
    execution_free(x);
    seen_fini(&seen);
}

/* ---- The supervisor is killed ---- */

static void without_supervisor_the_step_goes_on(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *flag = xasprintf("%s.go", f->file);
    char *script =
        xasprintf("echo one; until [ -e %s ]; do sleep 0.01; done; echo two; echo three >&2; head -c 200000 "
                  "/dev/zero; echo ran >>%s",
                  flag, f->file);
    struct exec_request request = shell("k", argv, script);
    struct execution *x = start(f, &request, &seen);
    await(f, strstr(str_text(&seen.out), "one"));
    kill_supervisor(f);
    await(f, execution_state(x) == SPOOL_ALONE);
    struct spool_entry entry;
    assert_int_equal(spool_find(f->spool, "k", &entry, &f->e), 0);
    assert_true(entry.main_pid > 0 && !is_dead((pid_t)entry.main_pid));
    assert_int_equal(execution_forget(f->spool, "k", &f->e), ERR_BUSY);
    struct err e;
    assert_int_equal(execution_cancel(x, &e), ERR_NOT_FOUND);
    char number[32];
    snprintf(number, sizeof number, "%d", (int)entry.main_pid);
    assert_non_null(strstr(e.msg, number));
    assert_int_equal(file_write_atomic(flag, "", 0, 0600, &f->e), 0);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_LOST);
    assert_int_equal(seen.result.status, -1);
    assert_true(file_has(f->file, "ran"));
    assert_int_equal(seen.out.len, 8 + 200000);
    assert_memory_equal(seen.out.data, "one\ntwo\n", 8);
    assert_string_equal(str_text(&seen.err), "three\n");
    assert_int_equal(seen.result.stdout_bytes, 200008);
    assert_true(seen.result.text[0]);
    execution_free(x);
    assert_int_equal(state_of(f, "k"), SPOOL_LOST);
    forget(f, "k");
    free(script);
    free(flag);
    seen_fini(&seen);
}

static void the_next_console_drains(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    /* More than a FIFO holds: it stops until somebody reads. */
    char *script = xasprintf("echo begun >>%s; until [ -e %s.go ]; do sleep 0.01; done; "
                             "head -c 1000000 /dev/zero | tr '\\0' x; echo end >>%s",
                             f->file, f->file, f->file);
    char *flag = xasprintf("%s.go", f->file);
    struct exec_request request = shell("k", argv, script);
    pid_t console = console_fork(f, &request, true);
    await(f, file_has(f->file, "begun"));
    killed(console);
    kill_supervisor(f);
    assert_int_equal(file_write_atomic(flag, "", 0, 0600, &f->e), 0);
    assert_int_equal(state_of(f, "k"), SPOOL_ALONE);
    struct execution *x = adopt(f, "k", &seen);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_LOST);
    assert_int_equal(seen.out.len, 1000000);
    assert_int_equal(file_count(f->file, "end"), 1);
    execution_free(x);
    forget(f, "k");
    free(flag);
    free(script);
    seen_fini(&seen);
}

static void one_of_two_followers_drains_and_both_see(void **state)
{
    struct fixture *f = *state;
    struct seen seen[2] = {0};
    const char *argv[4];
    char *flag = xasprintf("%s.go", f->file);
    char *script = xasprintf("echo one; until [ -e %s ]; do sleep 0.01; done; seq 20000", flag);
    struct exec_request request = shell("k", argv, script);
    struct execution *a = start(f, &request, &seen[0]), *b = adopt(f, "k", &seen[1]);
    await(f, seen[0].out.len && seen[1].out.len);
    kill_supervisor(f);
    await(f, execution_state(a) == SPOOL_ALONE && execution_state(b) == SPOOL_ALONE);
    assert_int_equal(file_write_atomic(flag, "", 0, 0600, &f->e), 0);
    await(f, seen[0].ended && seen[1].ended);
    assert_int_equal(seen[0].out.len, 4 + 108894);
    assert_int_equal(seen[0].result.how, EXEC_LOST);
    assert_int_equal(seen[1].result.how, EXEC_LOST);
    assert_int_equal(seen[1].out.len, seen[0].out.len);
    assert_memory_equal(seen[0].out.data, seen[1].out.data, seen[0].out.len);
    execution_free(a);
    execution_free(b);
    forget(f, "k");
    free(flag);
    free(script);
    seen_fini(&seen[0]);
    seen_fini(&seen[1]);
}

static void a_torn_tail_is_written_over(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *flag = xasprintf("%s.go", f->file);
    char *script =
        xasprintf("echo one; echo begun >>%s; until [ -e %s ]; do sleep 0.01; done; echo two", f->file, flag);
    struct exec_request request = shell("k", argv, script);
    pid_t console = console_fork(f, &request, true);
    await(f, file_has(f->file, "begun"));
    char *path = xasprintf("%s/spool/k/spool", f->folder);
    struct stat st = {0};
    await(f, stat(path, &st) == 0 && st.st_size > 0);
    killed(console);
    kill_supervisor(f);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "bsf1\0\1\0\0\1\0\0\0\0\0\0\0torn", 20), 20); /* half a frame */
    close(fd);
    struct execution *x = adopt(f, "k", &seen);
    await(f, execution_state(x) == SPOOL_ALONE);
    assert_int_equal(file_write_atomic(flag, "", 0, 0600, &f->e), 0);
    await(f, seen.ended);
    assert_string_equal(str_text(&seen.out), "one\ntwo\n");
    execution_free(x);
    forget(f, "k");
    free(path);
    free(flag);
    free(script);
    seen_fini(&seen);
}

static void an_armed_supervisor_killed_is_void(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *script = xasprintf("echo ran >%s", f->file);
    struct exec_request request = shell("k", argv, script);
    struct execution *x = execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e);
    kill_supervisor(f);
    assert_int_equal(execution_go(x, NULL), ERR_NOT_FOUND);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_VOID);
    execution_free(x);
    forget(f, "k");
    assert_false(file_has(f->file, "ran"));
    free(script);
    seen_fini(&seen);
}

/* ---- The step is killed, or both are ---- */

static void a_killed_step_is_signalled(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "echo one; exec sleep 1000");
    struct execution *x = start(f, &request, &seen);
    struct spool_entry entry = {0};
    await(f, spool_find(f->spool, "k", &entry, &f->e) == 0 && entry.main_pid > 0 && seen.out.len);
    kill((pid_t)entry.main_pid, SIGKILL);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_SIGNALLED);
    assert_int_equal(seen.result.signal, SIGKILL);
    execution_free(x);
    forget(f, "k");
    seen_fini(&seen);
}

static void both_killed_is_lost(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "echo one; exec sleep 1000");
    struct execution *x = start(f, &request, &seen);
    struct spool_entry entry = {0};
    await(f, spool_find(f->spool, "k", &entry, &f->e) == 0 && entry.main_pid > 0 && seen.out.len);
    kill_supervisor(f);
    kill((pid_t)entry.main_pid, SIGKILL);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_LOST);
    assert_false(seen.result.survivors);
    assert_string_equal(str_text(&seen.out), "one\n");
    execution_free(x);
    forget(f, "k");
    seen_fini(&seen);
}

/* The main process is gone, what it started isn't: lost, and said so. */
static void lost_with_survivors(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *script =
        xasprintf("sleep 1000 & echo $! >%s; until [ -e %s.go ]; do sleep 0.01; done", f->file, f->file);
    char *flag = xasprintf("%s.go", f->file);
    struct exec_request request = shell("k", argv, script);
    struct execution *x = start(f, &request, &seen);
    await(f, pid_in(f->file) > 0);
    kill_supervisor(f);
    await(f, execution_state(x) == SPOOL_ALONE);
    assert_int_equal(file_write_atomic(flag, "", 0, 0600, &f->e), 0);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_LOST);
    assert_true(seen.result.survivors);
    kill(pid_in(f->file), SIGKILL);
    execution_free(x);
    forget(f, "k");
    free(flag);
    free(script);
    seen_fini(&seen);
}

/* ---- The folder is removed ---- */

static void file_remove(const struct fixture *f, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/spool/k/%s", f->folder, name);
    assert_int_equal(unlink(path), 0);
}

/* What was seen to run is never said not to have been started, whatever is removed, and in which order. */
static void removed(void **state, const char *const *names)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *script = xasprintf("echo $$ >%s; exec sleep 100", f->file);
    struct exec_request request = shell("k", argv, script);
    struct execution *x = start(f, &request, &seen);
    await(f, pid_in(f->file) > 0 && execution_state(x) == SPOOL_RUNNING);
    for (size_t i = 0; names[i]; i++)
        file_remove(f, names[i]);
    kill_supervisor(f);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_LOST);
    kill(pid_in(f->file), SIGKILL);
    execution_free(x);
    /* Nor by a console that comes later and can't know it. */
    if (names[1] && !execution_adopt(f->spool, f->loop, "k", &recorder, &seen, &f->e))
        assert_int_equal(f->e.code, ERR_CORRUPT);
    else if (names[1])
        fail_msg("a folder without its locks is read as if it were whole");
    free(script);
    seen_fini(&seen);
}

static void a_fate_removed_in_the_run(void **state)
{
    removed(state, (const char *const[]){NAME_FATE, NULL});
}

static void a_folder_removed_in_the_run(void **state)
{
    removed(state, (const char *const[]){NAME_FATE, NAME_EXIT, NAME_SUPERVISOR_LOCK, NULL});
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(a_running_step_is_found_again, setup, teardown),
        cmocka_unit_test_setup_teardown(an_ended_step_is_harvested, setup, teardown),
        cmocka_unit_test_setup_teardown(an_armed_step_becomes_void, setup, teardown),
        cmocka_unit_test_setup_teardown(somebody_elses_armed_step_is_only_watched, setup, teardown),
        cmocka_unit_test_setup_teardown(without_supervisor_the_step_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(the_next_console_drains, setup, teardown),
        cmocka_unit_test_setup_teardown(one_of_two_followers_drains_and_both_see, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_tail_is_written_over, setup, teardown),
        cmocka_unit_test_setup_teardown(an_armed_supervisor_killed_is_void, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_step_is_signalled, setup, teardown),
        cmocka_unit_test_setup_teardown(both_killed_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_with_survivors, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fate_removed_in_the_run, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_removed_in_the_run, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.survival", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
