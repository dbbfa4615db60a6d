#include "engine/io/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/base.h"

#define PATIENCE_US (30 * US_PER_S)

struct run {
    int done;
    struct process_result result;
};

static void on_done(void *data, struct process_result *result)
{
    struct run *r = data;
    r->done++;
    r->result = *result;
    result->out = result->errors = (struct str){0};
}

static void run_fini(struct run *r)
{
    str_fini(&r->result.out);
    str_fini(&r->result.errors);
}

static void turn_until_done(struct loop *l, const struct run *r)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (!r->done) {
        assert_true(clock_monotonic_us() < end);
        loop_run_once(l, 100 * US_PER_MS);
    }
}

static void run_request(struct run *r, struct process_request request)
{
    struct loop *l = loop_new(NULL);
    *r = (struct run){0};
    request.done = on_done;
    request.data = r;
    if (!request.timeout_us)
        request.timeout_us = PATIENCE_US;
    process_start(l, &request);
    assert_int_equal(r->done, 0);
    turn_until_done(l, r);
    loop_free(l);
    assert_int_equal(r->done, 1);
}

static void run_shell(struct run *r, const char *script, int64_t timeout_us, size_t max_out)
{
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
    run_request(r, (struct process_request){.argv = argv, .timeout_us = timeout_us, .max_out = max_out});
}

static void output_and_exit_are_told_apart(void **state)
{
    (void)state;
    struct run r;
    run_shell(&r, "echo out; echo 'went \033[31mwrong' >&2; exit 3", 0, 0);
    assert_int_equal(r.result.error, 0);
    assert_int_equal(r.result.exit_status, 3);
    assert_string_equal(str_text(&r.result.out), "out\n");
    assert_non_null(strstr(str_text(&r.result.errors), "wrong"));
    assert_non_null(strstr(r.result.reason, "exit 3: went"));
    assert_null(strchr(r.result.reason, '\033'));
    run_fini(&r);
    run_shell(&r, "exit 0", 0, 0);
    assert_int_equal(r.result.exit_status, 0);
    assert_string_equal(r.result.reason, "");
    run_fini(&r);
    run_shell(&r, "kill -SEGV $$", 0, 0);
    assert_int_equal(r.result.signal, SIGSEGV);
    assert_int_equal(r.result.exit_status, -1);
    assert_non_null(strstr(r.result.reason, "killed"));
    run_fini(&r);
}

static void arguments_reach_the_program_as_they_are(void **state)
{
    (void)state;
    struct run r;
    char *argv[] = {"printf", "%s|", "$(id)", "; rm -rf /", "a b", "", NULL};
    run_request(&r, (struct process_request){.argv = argv});
    assert_string_equal(str_text(&r.result.out), "$(id)|; rm -rf /|a b||");
    run_fini(&r);
}

static void environment_folder_and_input_are_those_given(void **state)
{
    (void)state;
    struct run r;
    char *env[] = {"PATH=/usr/bin:/bin", "ONLY=this", NULL};
    char *argv[] = {"sh", "-c", "echo $ONLY; pwd; echo ${HOME-none}; cat", NULL};
    run_request(&r, (struct process_request){
                        .argv = argv, .env = env, .cwd = "/usr", .input = "in\n", .input_length = 3});
    assert_string_equal(str_text(&r.result.out), "this\n/usr\nnone\nin\n");
    run_fini(&r);
    char *quiet[] = {"cat", NULL};
    run_request(&r, (struct process_request){.argv = quiet});
    assert_string_equal(str_text(&r.result.out), "");
    run_fini(&r);
}

static void large_input_to_a_program_that_ignores_it_is_no_error(void **state)
{
    (void)state;
    struct run r;
    size_t size = 4u << 20;
    char *input = xcalloc(1, size);
    char *argv[] = {"true", NULL};
    run_request(&r, (struct process_request){.argv = argv, .input = input, .input_length = size});
    assert_int_equal(r.result.exit_status, 0);
    run_fini(&r);
    char *count[] = {"wc", "-c", NULL};
    run_request(&r, (struct process_request){.argv = count, .input = input, .input_length = size});
    assert_int_equal(atoi(str_text(&r.result.out)), size);
    run_fini(&r);
    free(input);
}

static void a_program_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct run r;
    char *argv[] = {"no-such-program-here", NULL};
    run_request(&r, (struct process_request){.argv = argv});
    assert_int_equal(r.result.error, ERR_NOT_FOUND);
    assert_non_null(strstr(r.result.reason, "no-such-program-here"));
    char *folder[] = {"/etc/passwd", NULL};
    run_request(&r, (struct process_request){.argv = folder});
    assert_int_equal(r.result.error, ERR_DENIED);
    char *empty[] = {"", NULL};
    run_request(&r, (struct process_request){.argv = empty});
    assert_int_equal(r.result.error, ERR_NOT_FOUND);
    char *cwd[] = {"true", NULL};
    run_request(&r, (struct process_request){.argv = cwd, .cwd = "/no/such/folder"});
    assert_int_not_equal(r.result.error, 0);
}

static void a_slow_one_is_terminated_then_killed(void **state)
{
    (void)state;
    struct run r;
    int64_t start = clock_monotonic_us();
    run_shell(&r, "echo begun; sleep 600", 300 * US_PER_MS, 0);
    assert_int_equal(r.result.error, ERR_TIMED_OUT);
    assert_int_equal(r.result.signal, SIGTERM);
    assert_string_equal(str_text(&r.result.out), "begun\n");
    run_fini(&r);
    char *argv[] = {"sh", "-c", "trap '' TERM; while :; do sleep 600 & wait; done", NULL};
    run_request(&r, (struct process_request){
                        .argv = argv, .timeout_us = 300 * US_PER_MS, .grace_us = 100 * US_PER_MS});
    assert_int_equal(r.result.error, ERR_TIMED_OUT);
    assert_int_equal(r.result.signal, SIGKILL);
    run_fini(&r);
    assert_true(clock_monotonic_us() - start < PATIENCE_US);
}

static void endless_output_is_cut(void **state)
{
    (void)state;
    struct run r;
    run_shell(&r, "yes", 0, 100000);
    assert_int_equal(r.result.error, ERR_RANGE);
    assert_int_equal(r.result.out.len, 100000);
    assert_non_null(strstr(r.result.reason, "100000"));
    run_fini(&r);
    run_shell(&r, "yes >&2", 500 * US_PER_MS, 0);
    assert_int_equal(r.result.error, ERR_TIMED_OUT);
    assert_true(r.result.errors_cut);
    assert_int_equal(r.result.errors.len, PROCESS_ERRORS_LIMIT);
    run_fini(&r);
}

static void whoever_keeps_the_output_is_waited_for_briefly_and_killed(void **state)
{
    (void)state;
    struct run r;
    int64_t start = clock_monotonic_us();
    run_shell(&r, "sleep 600 & echo $!", 0, 0);
    assert_int_equal(r.result.exit_status, 0);
    assert_true(clock_monotonic_us() - start < 10 * US_PER_S);
    pid_t left = (pid_t)atoi(str_text(&r.result.out));
    assert_true(left > 1);
    for (int i = 0; i < 5000 && kill(left, 0) == 0; i++) /* init reaps it when it likes */
        usleep(1000);
    run_fini(&r);
}

static void no_descriptor_leaks_into_the_child(void **state)
{
    (void)state;
    struct run r;
    int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC, as some library may do */
    char *argv[] = {"ls", "/proc/self/fd", NULL};
    run_request(&r, (struct process_request){.argv = argv});
    assert_string_equal(str_text(&r.result.out), "0\n1\n2\n3\n"); /* 3 is the folder that ls reads */
    run_fini(&r);
    close(leak);
}

static void a_cancelled_one_is_gone_and_says_nothing(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    struct run r = {0};
    char *argv[] = {"sleep", "600", NULL};
    struct process *p = process_start(
        l, &(struct process_request){.argv = argv, .timeout_us = PATIENCE_US, .done = on_done, .data = &r});
    loop_run_once(l, 1000);
    process_cancel(p);
    char *missing[] = {"no-such-program-here", NULL};
    p = process_start(l, &(struct process_request){
                             .argv = missing, .timeout_us = PATIENCE_US, .done = on_done, .data = &r});
    process_cancel(p);
    process_cancel(NULL);
    loop_free(l);
    assert_int_equal(r.done, 0);
}

static void many_at_once_all_end(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    struct run runs[40] = {0};
    char *argv[] = {"sh", "-c", "head -c 200000 /dev/zero; exit 7", NULL};
    for (size_t i = 0; i < 40; i++)
        process_start(l, &(struct process_request){
                             .argv = argv, .timeout_us = PATIENCE_US, .done = on_done, .data = &runs[i]});
    for (size_t i = 0; i < 40; i++) {
        turn_until_done(l, &runs[i]);
        assert_int_equal(runs[i].result.exit_status, 7);
        assert_int_equal(runs[i].result.out.len, 200000);
        run_fini(&runs[i]);
    }
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_exit_are_told_apart),
        cmocka_unit_test(arguments_reach_the_program_as_they_are),
        cmocka_unit_test(environment_folder_and_input_are_those_given),
        cmocka_unit_test(large_input_to_a_program_that_ignores_it_is_no_error),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error),
        cmocka_unit_test(a_slow_one_is_terminated_then_killed),
        cmocka_unit_test(endless_output_is_cut),
        cmocka_unit_test(whoever_keeps_the_output_is_waited_for_briefly_and_killed),
        cmocka_unit_test(no_descriptor_leaks_into_the_child),
        cmocka_unit_test(a_cancelled_one_is_gone_and_says_nothing),
        cmocka_unit_test(many_at_once_all_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
