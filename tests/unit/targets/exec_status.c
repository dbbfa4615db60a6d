#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/targets/exec_status.h"

/* Fed whole, and byte by byte: the same. */
static void expect(const char *text, int status, const char *retry_after, const char *rest)
{
    size_t length = strlen(text), steps[] = {1, length > 0 ? length : 1};
    for (int i = 0; i < 2; i++) {
        struct exec_status s = {0};
        struct str passed = {0};
        for (size_t at = 0; at < length; at += steps[i])
            exec_status_feed(&s, text + at, steps[i], &passed);
        exec_status_finish(&s, &passed);
        if (s.status != status || !str_eq(s.retry_after, retry_after) || !str_eq(str_text(&passed), rest))
            fail_msg("\"%s\": %d, \"%s\", \"%s\"", text, s.status, s.retry_after, str_text(&passed));
        str_fini(&passed);
    }
}

static void test_status_lines(void **state)
{
    (void)state;
    expect("", 0, "", "");
    expect("503\n", 503, "", "");
    expect("503", 503, "", "");
    expect("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nServer: x\r\n\r\n", 503, "5",
           "Server: x\r\n\r\n");
    expect("HTTP/2 200 \r\n", 200, "", "");
    expect("retry-after:Sun, 06 Nov 1994 08:49:37 GMT\n", 0, "Sun, 06 Nov 1994 08:49:37 GMT", "");
    /* The last final one counts, with its own header alone. */
    expect("HTTP/1.1 302 Found\nRetry-After: 9\nHTTP/1.1 200 OK\n", 200, "", "");
    expect("HTTP/1.1 503 No\nHTTP/1.1 100 Continue\n", 503, "", "");
    expect("429\nRetry-After: 7\n", 429, "7", "");
}

static void test_anything_else_is_passed_on(void **state)
{
    (void)state;
    expect("words\n", 0, "", "words\n");
    expect("no end", 0, "", "no end");
    expect("503 apples\n", 0, "", "503 apples\n");
    expect("5030\n", 0, "", "5030\n");
    expect("099\n999\n", 0, "", "099\n999\n");
    expect("HTTP/1.1\nHTTP\n\n", 0, "", "HTTP/1.1\nHTTP\n\n");
    expect("a\n404\nb\n", 404, "", "a\nb\n");
}

static void test_what_can_become_none_is_passed_on_at_once(void **state)
{
    (void)state;
    struct exec_status s = {0};
    struct str rest = {0};
    exec_status_feed(&s, "Password: ", 10, &rest);
    assert_string_equal(str_text(&rest), "Password: ");
    exec_status_feed(&s, "\nHTT", 4, &rest);
    assert_string_equal(str_text(&rest), "Password: \n");
    exec_status_feed(&s, "Q", 1, &rest);
    assert_string_equal(str_text(&rest), "Password: \nHTTQ");
    str_clear(&rest);
    exec_status_feed(&s, "\n", 1, &rest);
    for (int i = 0; i < 3 * EXEC_STATUS_LINE; i++)
        exec_status_feed(&s, i < 9 ? &"HTTP/1.1 "[i] : "x", 1, &rest);
    exec_status_finish(&s, &rest);
    assert_int_equal(rest.len, 3 * EXEC_STATUS_LINE + 1);
    assert_int_equal(s.status, 0);
    str_fini(&rest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_lines),
        cmocka_unit_test(test_anything_else_is_passed_on),
        cmocka_unit_test(test_what_can_become_none_is_passed_on_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
