/* Steps from arm to forget: what they are given, what they give, how they end by themselves. */
#include "tests/unit/execute/harness.h"

static void exit_status_is_told(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    int64_t before = clock_wall_us();
    run_shell(f, "r1-t1", "exit 7", &seen);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_int_equal(seen.result.status, 7);
    assert_int_equal(seen.result.signal, 0);
    assert_true(seen.result.started_wall_us >= before);
    assert_true(seen.result.ended_wall_us >= seen.result.started_wall_us);
    assert_true(seen.result.duration_us > 0 && seen.result.duration_us < 20 * US_PER_S);
    assert_false(seen.result.survivors);
    assert_string_equal(seen.result.text, "");
    assert_null(seen.exports);
    seen_fini(&seen);
}

static void a_signal_is_told(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    run_shell(f, "k", "kill -SEGV $$", &seen);
    assert_int_equal(seen.result.how, EXEC_SIGNALLED);
    assert_int_equal(seen.result.signal, SIGSEGV);
    assert_int_equal(seen.result.status, -1);
    seen_fini(&seen);
}

static void streams_are_told_apart_in_order(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    /* Each line waits until the supervisor has taken the one before: then the order is certain. */
    char *script = xasprintf("taken() { until grep -qa $1 %s/spool/k/spool; do sleep 0.01; done; }\n"
                             "for i in 1 2 3; do echo out$i; taken out$i; echo err$i >&2; taken err$i; done",
                             f->folder);
    run_shell(f, "k", script, &seen);
    free(script);
    assert_string_equal(str_text(&seen.out), "out1\nout2\nout3\n");
    assert_string_equal(str_text(&seen.err), "err1\nerr2\nerr3\n");
    assert_string_equal(str_text(&seen.both), "out1\nerr1\nout2\nerr2\nout3\nerr3\n");
    assert_int_equal(seen.result.stdout_bytes, 15);
    assert_int_equal(seen.result.stderr_bytes, 15);
    assert_int_equal(seen.result.missing_bytes, 0);
    seen_fini(&seen);
}

static void any_bytes_pass(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    run_shell(f, "k",
              "printf '\\0\\377\\x1b[2J\\xe2\\x80\\xaeabc'; head -c 300000 /dev/zero | tr '\\0' '\\201'",
              &seen);
    assert_int_equal(seen.out.len, 300012);
    assert_memory_equal(seen.out.data,
                        "\0\377\x1b[2J\xe2\x80\xae"
                        "ab",
                        10);
    for (size_t i = 12; i < seen.out.len; i++)
        if ((unsigned char)seen.out.data[i] != 0201)
            fail_msg("byte %zu is %d", i, seen.out.data[i]);
    seen_fini(&seen);
}

static void a_program_that_is_not_there_never_started(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"no-such-program-anywhere", "/etc/passwd", "/"};
    static const int numbers[] = {ENOENT, EACCES, EACCES};
    for (int i = 0; i < 3; i++) {
        struct seen seen = {0};
        const char *argv[] = {names[i], "x", NULL};
        struct exec_request request = {.key = "k", .argv = (char *const *)(uintptr_t)argv};
        run(f, &request, &seen);
        assert_int_equal(seen.result.how, EXEC_NOT_STARTED);
        assert_int_equal(seen.result.error, numbers[i]);
        assert_int_equal(seen.result.status, -1);
        assert_non_null(strstr(seen.result.text, names[i]));
        seen_fini(&seen);
    }
}

/* Tidied away by somebody, while a console lives. */
static void a_spool_that_was_removed_is_made_again(void **state)
{
    struct fixture *f = *state;
    char *spool = path_join(f->folder, "spool");
    for (int round = 0; round < 2; round++) {
        struct seen seen = {0};
        struct stat st;
        assert_int_equal(folder_remove(spool, &f->e), 0);
        run_shell(f, "r1-t1", "echo here", &seen); /* of the first one nothing is left */
        assert_int_equal(seen.result.how, EXEC_EXITED);
        assert_string_equal(str_text(&seen.out), "here\n");
        assert_int_equal(stat(spool, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        seen_fini(&seen);
    }
    free(spool);
}

static void a_folder_that_is_not_there_never_started(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "true");
    request.cwd = "/no/such/folder";
    run(f, &request, &seen);
    assert_int_equal(seen.result.how, EXEC_NOT_STARTED);
    assert_int_equal(seen.result.error, ENOENT);
    assert_non_null(strstr(seen.result.text, "/no/such/folder"));
    seen_fini(&seen);
}

static void supervisor_that_is_not_there_never_started(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "true");
    char *folder = path_join(f->folder, "other");
    struct spool *s = spool_open(folder, false, "/no/such/belay", &f->e);
    assert_non_null(s);
    struct execution *x = execution_arm(s, f->loop, &request, &recorder, &seen, &f->e);
    assert_non_null(x);
    execution_go(x, NULL);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_NOT_STARTED);
    assert_non_null(strstr(seen.result.text, "/no/such/belay"));
    execution_free(x);
    assert_int_equal(execution_forget(s, "k", &f->e), 0);
    spool_close(s);
    free(folder);
    seen_fini(&seen);
}

static void a_step_starts_clean(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    run_shell(f, "k",
              "readlink /proc/self/fd/0; cat; [ $(ps -o sid= $$) = $$ ] && [ $(ps -o pgid= $$) = $$ ] && "
              "echo session; umask; tty >/dev/null || echo notty",
              &seen);
    mode_t mask = umask(022);
    umask(mask);
    char expected[400];
    snprintf(expected, sizeof expected, "/dev/null\nsession\n%04o\nnotty\n", mask);
    assert_string_equal(str_text(&seen.out), expected);
    seen_fini(&seen);
}

static void no_descriptor_is_inherited(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[] = {"ls", "/proc/self/fd", NULL};
    struct exec_request request = {.key = "k", .argv = (char *const *)(uintptr_t)argv};
    int leak = open("/dev/null", O_RDONLY); /* one that we forgot to mark */
    run(f, &request, &seen);
    close(leak);
    assert_string_equal(str_text(&seen.out),
                        "0\n1\n2\n217\n3\n"); /* its lock, and the folder that ls reads */
    seen_fini(&seen);
}

static void no_signal_is_blocked_or_ignored(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[] = {"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL};
    struct exec_request request = {.key = "k", .argv = (char *const *)(uintptr_t)argv};
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    signal(SIGUSR2, SIG_IGN);
    sigprocmask(SIG_BLOCK, &some, NULL);
    run(f, &request, &seen);
    sigprocmask(SIG_UNBLOCK, &some, NULL);
    signal(SIGUSR2, SIG_DFL);
    assert_string_equal(str_text(&seen.out), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    seen_fini(&seen);
}

static void sigpipe_is_as_shells_expect(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    run_shell(f, "k", "yes | head -n 1; echo ${PIPESTATUS[0]}", &seen);
    assert_string_equal(str_text(&seen.out), "y\n141\n");
    seen_fini(&seen);
}

static void a_flood_is_bounded_and_counted(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    const int64_t flood = 1000000000;
    struct exec_request request = shell("k", argv, "head -c 1000000000 /dev/zero; echo last >&2");
    request.limit_bytes = 3 << 20;
    struct execution *x = start(f, &request, &seen);
    await(f, seen.ended);
    assert_int_equal(seen.result.status, 0);
    assert_int_equal(seen.result.stdout_bytes, flood);
    assert_int_equal(seen.result.stderr_bytes, 5);
    assert_int_equal(seen.result.missing_bytes, 0);
    assert_int_equal(seen.result.dropped_bytes, flood + 5 - (int64_t)seen.both.len);
    assert_true(seen.both.len > (3 << 20) - 70000 && seen.both.len < 3 << 20);
    struct stat st;
    char *path = xasprintf("%s/spool/k/spool", f->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= 3 << 20);
    free(path);
    execution_free(x);
    assert_int_equal(execution_forget(f->spool, "k", &f->e), 0);
    seen_fini(&seen);
}

static void a_command_as_large_as_a_document_passes(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct str script = {0};
    str_add(&script, "echo begin; : '");
    while (script.len < 100000)
        str_add(&script, "0123456789");
    str_add(&script, "'; echo end");
    run_shell(f, "k", str_text(&script), &seen);
    assert_string_equal(str_text(&seen.out), "begin\nend\n");
    str_fini(&script);
    seen_fini(&seen);
}

static int add(void *data, enum exec_stream stream, const char *bytes, size_t length)
{
    (void)stream;
    str_add_bytes(data, bytes, length);
    return 0;
}

static void output_can_be_read_again(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct str again = {0};
    const char *argv[4];
    struct exec_request request = shell("k", argv, "seq 50000; echo oops >&2");
    struct execution *x = start(f, &request, &seen);
    await(f, seen.ended);
    assert_int_equal(spool_output(f->spool, "k", add, &again, &f->e), 0);
    assert_int_equal(again.len, seen.both.len);
    assert_memory_equal(again.data, seen.both.data, again.len);
    execution_free(x);
    assert_int_equal(execution_forget(f->spool, "k", &f->e), 0);
    assert_int_equal(spool_output(f->spool, "k", add, &again, &f->e), ERR_NOT_FOUND);
    str_fini(&again);
    seen_fini(&seen);
}

static void many_at_once(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 24 };
    struct seen seen[MANY] = {0};
    struct execution *x[MANY];
    for (int i = 0; i < MANY; i++) {
        const char *argv[4];
        char *key = xasprintf("many-%d", i), *script = xasprintf("echo %d; exit %d", i, i);
        struct exec_request request = shell(key, argv, script);
        x[i] = start(f, &request, &seen[i]);
        free(script);
        free(key);
    }
    for (int i = 0; i < MANY; i++) {
        await(f, seen[i].ended);
        assert_int_equal(seen[i].result.status, i);
        assert_int_equal(atoi(str_text(&seen[i].out)), i);
        assert_int_equal(execution_forget(f->spool, execution_key(x[i]), &f->e), 0);
        execution_free(x[i]);
        seen_fini(&seen[i]);
    }
}

/* A scope where there is one; what stands in for systemd-run says how it was called. */
static void a_scope_is_used_or_done_without(void **state)
{
    struct fixture *f = *state;
    static const char *const stand_ins[] = {
        "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"", "exit 1", /* no bus */
        NULL,                                                                   /* no such program */
    };
    char *folder = path_join(f->folder, "bin"), *tool = path_join(folder, "systemd-run"),
         *before = xstrdup(getenv("PATH")), *path = xasprintf("%s:/bin", folder);
    assert_int_equal(folder_make(folder, 0700, &f->e), 0);
    for (int i = 0; i < 6; i++) {
        struct seen seen = {0};
        const char *argv[4];
        unlink(tool);
        if (stand_ins[i / 2]) {
            char *text = xasprintf("#!/bin/sh\necho \"$1 $2\" >>%s\n%s\n", f->file, stand_ins[i / 2]);
            assert_int_equal(file_write_atomic(tool, text, strlen(text), 0700, &f->e), 0);
            free(text);
        }
        char *script = xasprintf("echo ran >>%s; exit 3", f->file);
        struct exec_request request = shell("k", argv, script);
        request.use_scope = true;
        argv[0] = "/bin/bash";
        setenv("PATH", stand_ins[i / 2] ? path : folder, 1);
        struct execution *x = execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e);
        assert_non_null(x);
        for (int turns = 0; turns < 50 && i % 2; turns++) /* go before, and after it was found to fail */
            loop_run_once(f->loop, 2 * US_PER_MS);
        assert_int_equal(execution_go(x, &f->e), 0);
        setenv("PATH", before, 1);
        await(f, seen.ended);
        assert_int_equal(seen.result.how, EXEC_EXITED);
        assert_int_equal(seen.result.status, 3);
        execution_free(x);
        assert_int_equal(execution_forget(f->spool, "k", &f->e), 0);
        free(script);
        seen_fini(&seen);
    }
    assert_int_equal(file_count(f->file, "--user --scope"), 4);
    assert_int_equal(file_count(f->file, "ran"), 6);
    free(path);
    free(before);
    free(tool);
    free(folder);
}

static void freeing_inside_a_callback_is_safe(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    char *script = xasprintf("echo one; sleep 0.1; echo done >%s", f->file);
    struct exec_request request = shell("k", argv, script);
    seen.free_at_output = start(f, &request, &seen);
    await(f, seen.out.len > 0);
    assert_null(seen.free_at_output);
    await(f, state_of(f, "k") == SPOOL_ENDED);
    assert_true(file_has(f->file, "done")); /* let go, it went on */
    assert_int_equal(seen.ended, 0);
    assert_int_equal(execution_forget(f->spool, "k", &f->e), 0);
    free(script);
    seen_fini(&seen);
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(exit_status_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signal_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(streams_are_told_apart_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(any_bytes_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(a_program_that_is_not_there_never_started, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_never_started, setup, teardown),
        cmocka_unit_test_setup_teardown(a_spool_that_was_removed_is_made_again, setup, teardown),
        cmocka_unit_test_setup_teardown(supervisor_that_is_not_there_never_started, setup, teardown),
        cmocka_unit_test_setup_teardown(a_step_starts_clean, setup, teardown),
        cmocka_unit_test_setup_teardown(no_descriptor_is_inherited, setup, teardown),
        cmocka_unit_test_setup_teardown(no_signal_is_blocked_or_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(sigpipe_is_as_shells_expect, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_is_bounded_and_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_command_as_large_as_a_document_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(output_can_be_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(many_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_scope_is_used_or_done_without, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_inside_a_callback_is_safe, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.steps", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
