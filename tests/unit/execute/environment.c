/* The environment of a step: what it is given, and what it hands on. */
#include "tests/unit/execute/harness.h"

static void environment_is_given(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    const char *env[] = {"STEP_VALUE=a b\nc", "LANG=first", "LANG=last", NULL};
    char *folder = path_join(f->folder, "bin"), *tool = path_join(folder, "my-tool");
    const char *path[] = {folder, NULL};
    assert_int_equal(folder_make(folder, 0700, &f->e), 0);
    assert_int_equal(file_write_atomic(tool, "#!/bin/sh\necho tool\n", 20, 0700, &f->e), 0);
    setenv("BASH_ENV", "/etc/passwd", 1);
    setenv("BELAY_OUTER", "1", 1);
    setenv("SHELL_KNOWS", "inherited", 1);
    struct exec_request request =
        shell("k", argv,
              "echo \"$STEP_VALUE|$LANG|$SHELL_KNOWS|${BASH_ENV-none}|${BELAY_OUTER-none}\"; my-tool; pwd");
    request.env = (char *const *)(uintptr_t)env;
    request.path = (char *const *)(uintptr_t)path;
    request.cwd = folder;
    run(f, &request, &seen);
    unsetenv("BASH_ENV");
    unsetenv("BELAY_OUTER");
    unsetenv("SHELL_KNOWS");
    char *expected = xasprintf("a b\nc|last|inherited|none|none\ntool\n%s\n", folder);
    assert_string_equal(str_text(&seen.out), expected);
    assert_string_equal(str_text(&seen.err), "");
    free(expected);
    free(tool);
    free(folder);
    seen_fini(&seen);
}

static bool has(char *const *list, const char *entry)
{
    for (; list && *list; list++)
        if (strcmp(*list, entry) == 0)
            return true;
    return false;
}

static void exports_carry_over(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    const char *env[] = {"GIVEN=1", "CHANGED=old", "TOKEN=s3cret", NULL};
    struct exec_request request = shell(
        "k", argv,
        "set -eo pipefail; PLAIN=no; export NEW='two words' LINES_='a\nb' CHANGED=new; (export INNER=no);"
        "bash -c 'export NESTED=no; echo ${BASH_ENV-none}'; cd /");
    request.env = (char *const *)(uintptr_t)env;
    request.capture_exports = true;
    run(f, &request, &seen);
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_int_equal(seen.result.status, 0);
    assert_string_equal(str_text(&seen.out), "none\n");
    assert_non_null(seen.exports);
    assert_true(has(seen.exports, "NEW=two words"));
    assert_true(has(seen.exports, "LINES_=a\nb"));
    assert_true(has(seen.exports, "CHANGED=new"));
    assert_int_equal(strv_count(seen.exports), 3);
    assert_false(seen.result.exports_cut);
    seen_fini(&seen);
}

static void the_trap_changes_no_status(void **state)
{
    struct fixture *f = *state;
    static const char *const scripts[] = {"exit 3", "set -e; false; true",
                                          "set -eu; export A=1; echo $NOWHERE",
                                          "export PATH=/nowhere; exit 4", "exec 218>&-; exit 5"};
    static const int statuses[] = {3, 1, 1, 4, 5};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct seen seen = {0};
        const char *argv[4];
        struct exec_request request = shell("k", argv, scripts[i]);
        request.capture_exports = true;
        run(f, &request, &seen);
        if (seen.result.status != statuses[i])
            fail_msg("\"%s\" gave %d", scripts[i], seen.result.status);
        seen_fini(&seen);
    }
}

static void exports_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4];
    struct exec_request request =
        shell("k", argv, "for i in {1..100}; do export \"V$i=$(printf %2000d $i)\"; done");
    request.capture_exports = true;
    run(f, &request, &seen);
    assert_int_equal(seen.result.status, 0);
    assert_true(seen.result.exports_cut);
    size_t total = 0;
    for (size_t i = 0; seen.exports && seen.exports[i]; i++) {
        assert_int_equal(strlen(strchr(seen.exports[i], '=') + 1), 2000);
        total += strlen(seen.exports[i]) + 1;
    }
    assert_true(total > 0 && total <= EXEC_EXPORTS_BYTES);
    seen_fini(&seen);
}

static void no_bash_no_exports(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[] = {"sh", "-c", "export A=1; bash -c 'export B=2; echo ${BASH_ENV-none}'", NULL};
    struct exec_request request = {
        .key = "k", .argv = (char *const *)(uintptr_t)argv, .capture_exports = true};
    run(f, &request, &seen);
    assert_string_equal(str_text(&seen.out), "none\n");
    assert_null(seen.exports);
    seen_fini(&seen);
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(environment_is_given, setup, teardown),
        cmocka_unit_test_setup_teardown(exports_carry_over, setup, teardown),
        cmocka_unit_test_setup_teardown(the_trap_changes_no_status, setup, teardown),
        cmocka_unit_test_setup_teardown(exports_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(no_bash_no_exports, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.environment", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
