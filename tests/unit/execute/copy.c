/* A step's folder in another spool, under another key: adopted there like any other. */
#include "harness.h"

static struct spool *other_open(struct fixture *f)
{
    char *folder = path_join(f->folder, "other"), own[4096] = "";
    assert_true(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
    struct spool *other = spool_open(folder, false, own, &f->e);
    free(folder);
    if (!other)
        fail_msg("open: %s", f->e.msg);
    return other;
}

static void outcome_output_and_exports_come_along(void **state)
{
    struct fixture *f = *state;
    struct seen first = {0}, again = {0};
    const char *argv[4];
    struct exec_request request =
        shell("r12-t3", argv, "echo said; echo wrong >&2; export COPIED=yes; exit 7");
    request.capture_exports = true;
    struct execution *x = start(f, &request, &first);
    await(f, first.ended);
    execution_free(x);
    struct spool *other = other_open(f), *own = f->spool;
    if (spool_copy(own, other, "r12-t3", "r14-t3", &f->e) < 0)
        fail_msg("copy: %s", f->e.msg);
    assert_int_equal(spool_copy(own, other, "r12-t3", "r14-t3", &f->e), ERR_EXISTS);
    f->spool = other;
    assert_int_equal(state_of(f, "r14-t3"), SPOOL_ENDED);
    x = adopt(f, "r14-t3", &again);
    await(f, again.ended);
    execution_free(x);
    assert_int_equal(again.result.how, EXEC_EXITED);
    assert_int_equal(again.result.status, 7);
    assert_string_equal(str_text(&again.out), "said\n");
    assert_string_equal(str_text(&again.err), "wrong\n");
    bool exported = false;
    for (char **pair = again.exports; pair && *pair; pair++)
        exported |= str_eq(*pair, "COPIED=yes");
    assert_true(exported);
    assert_int_equal(execution_forget(other, "r14-t3", &f->e), 0);
    f->spool = own;
    assert_int_equal(execution_forget(own, "r12-t3", &f->e), 0);
    spool_close(other);
    seen_fini(&first);
    seen_fini(&again);
}

static void what_never_started_stays_so(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request = shell("r12-t4", argv, "echo said");
    struct execution *x = execution_arm(f->spool, f->loop, &request, &recorder, &seen, &f->e);
    assert_non_null(x);
    execution_void(x);
    await(f, seen.ended);
    execution_free(x);
    struct spool *other = other_open(f), *own = f->spool;
    assert_int_equal(spool_copy(own, other, "r12-t4", "r12-t4", &f->e), 0);
    f->spool = other;
    assert_int_equal(state_of(f, "r12-t4"), SPOOL_VOID);
    f->spool = own;
    spool_close(other);
    seen_fini(&seen);
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(outcome_output_and_exports_come_along, setup, teardown),
        cmocka_unit_test_setup_teardown(what_never_started_stays_so, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.copy", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
