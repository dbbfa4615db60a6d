#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "engine/config/config.h"

static char *room;

static int make_room(void **state)
{
    (void)state;
    room = xstrdup("/tmp/belay-secret-XXXXXX");
    return mkdtemp(room) ? 0 : -1;
}

static int remove_room(void **state)
{
    (void)state;
    int code = folder_remove(room, NULL);
    free(room);
    return code;
}

static void resolves(const char *reference, const char *expected)
{
    struct str out = {0};
    struct err e = {0};
    str_add(&out, "Bearer ");
    if (config_secret_resolve(reference, &out, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(str_text(&out) + 7, expected);
    str_fini(&out);
}

/* Fails with the code; the message names the reference and never the value, and what was there before is
 * untouched. */
static void fails(const char *reference, int code, const char *value)
{
    struct str out = {0};
    struct err e = {0};
    str_add(&out, "before");
    int got = config_secret_resolve(reference, &out, &e);
    if (got != code)
        fail_msg("%s: %d %s", reference, got, e.msg);
    assert_string_equal(str_text(&out), "before");
    if (value)
        assert_null(strstr(e.msg, value));
    str_fini(&out);
}

static void test_references(void **state)
{
    (void)state;
    assert_true(config_secret_is_reference("env:X"));
    assert_true(config_secret_is_reference("file:/x"));
    assert_true(config_secret_is_reference("command:pass show x"));
    static const char *const bad[] = {"", "env:", "file:", "command:", "hunter2", "ENV:X", "vault:x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(config_secret_is_reference(bad[i]));
        fails(bad[i], ERR_SYNTAX, bad[i][0] ? "hunter2" : NULL);
    }
}

static void test_environment(void **state)
{
    (void)state;
    setenv("BELAY_TEST_SECRET", "s3cret", 1);
    resolves("env:BELAY_TEST_SECRET", "s3cret");
    setenv("BELAY_TEST_SECRET", "", 1);
    fails("env:BELAY_TEST_SECRET", ERR_NOT_FOUND, NULL);
    unsetenv("BELAY_TEST_SECRET");
    fails("env:BELAY_TEST_SECRET", ERR_NOT_FOUND, NULL);
}

static void test_file(void **state)
{
    (void)state;
    char *path = path_join(room, "token"), *reference = xasprintf("file:%s", path);
    struct err e = {0};
    assert_int_equal(file_write_atomic(path, "from file\r\n\n", 12, 0600, &e), 0);
    resolves(reference, "from file");
    assert_int_equal(file_write_atomic(path, "in\njected", 9, 0600, &e), 0);
    fails(reference, ERR_SYNTAX, "jected");
    assert_int_equal(file_write_atomic(path, "\n", 1, 0600, &e), 0);
    fails(reference, ERR_NOT_FOUND, NULL);
    char *large = xcalloc(1, CONFIG_SECRET_LIMIT_BYTES + 1);
    memset(large, 'x', CONFIG_SECRET_LIMIT_BYTES + 1);
    assert_int_equal(file_write_atomic(path, large, CONFIG_SECRET_LIMIT_BYTES + 1, 0600, &e), 0);
    fails(reference, ERR_RANGE, "xxxx");
    free(large);
    fails("file:/no/such/file", ERR_NOT_FOUND, NULL);
    fails("file:/dev/zero", ERR_IO, NULL);
    free(reference);
    free(path);
}

static int open_count(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_command(void **state)
{
    (void)state;
    int before = open_count();
    resolves("command:printf %s-%s  a b", "a-b");
    resolves("command:echo $HOME", "$HOME"); /* no shell */
    fails("command:false", ERR_IO, NULL);
    fails("command:true", ERR_NOT_FOUND, NULL);
    fails("command:/no/such/program", ERR_NOT_FOUND, NULL);
    fails("command: ", ERR_SYNTAX, NULL);
    fails("command:cat /dev/zero", ERR_RANGE, NULL); /* endless output */
    fails("command:seq 3", ERR_SYNTAX, NULL);
    assert_int_equal(open_count(), before);
}

static void test_a_command_gets_no_stdin_and_ends_in_time(void **state)
{
    (void)state;
    int64_t start = clock_monotonic_us();
    fails("command:cat", ERR_NOT_FOUND, NULL); /* reads end of file at once */
    assert_true(clock_monotonic_us() - start < 5 * US_PER_S);
    start = clock_monotonic_us();
    fails("command:sleep 300", ERR_TIMED_OUT, NULL);
    int64_t took = clock_monotonic_us() - start;
    assert_true(took >= 10 * US_PER_S && took < 20 * US_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_a_command_gets_no_stdin_and_ends_in_time),
    };
    return cmocka_run_group_tests(tests, make_room, remove_room);
}
