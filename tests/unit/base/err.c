#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"

static void test_set_returns_the_code_and_fills(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, ERR_BUSY, "held by %d", 42), ERR_BUSY);
    assert_int_equal(e.code, ERR_BUSY);
    assert_string_equal(e.msg, "held by 42");
    assert_int_equal(err_set(NULL, ERR_FULL, "nobody listens"), ERR_FULL);
    assert_int_equal(err_errno(NULL, "nobody listens") < 0, 1);
    assert_int_equal(err_prefix(NULL, "nobody listens") < 0, 1);
}

static void test_arguments_may_be_the_message_itself(void **state)
{
    (void)state;
    struct err e = {0};
    err_set(&e, ERR_IO, "inner");
    err_set(&e, ERR_CORRUPT, "outer: %s", e.msg);
    assert_string_equal(e.msg, "outer: inner");
    err_prefix(&e, "%s / ", e.msg);
    assert_string_equal(e.msg, "outer: inner / outer: inner");
    assert_int_equal(e.code, ERR_CORRUPT);
}

static void test_errno_chooses_the_code(void **state)
{
    (void)state;
    static const struct {
        int number, code;
    } cases[] = {{ENOSPC, ERR_FULL},   {EDQUOT, ERR_FULL},      {EACCES, ERR_DENIED}, {EROFS, ERR_DENIED},
                 {EEXIST, ERR_EXISTS}, {ENOENT, ERR_NOT_FOUND}, {EIO, ERR_IO},        {EPERM, ERR_DENIED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        errno = cases[i].number;
        assert_int_equal(err_errno(&e, "%s", "/x"), cases[i].code);
        assert_true(str_starts(e.msg, "/x: "));
        assert_int_equal(e.code, cases[i].code);
    }
}

/* Whatever the length, a cut message is valid UTF-8 and terminated. */
static void test_a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x94\xA5"};
    for (size_t u = 0; u < 4; u++) {
        for (size_t pad = 0; pad < 8; pad++) {
            struct str text = {0};
            for (size_t i = 0; i < pad; i++)
                str_add_char(&text, 'x');
            while (text.len < 400)
                str_add(&text, units[u]);
            struct err e = {0};
            err_set(&e, ERR_IO, "%s", str_text(&text));
            assert_true(utf8_valid(e.msg, strlen(e.msg), NULL));
            assert_in_range(strlen(e.msg), sizeof e.msg - 4, sizeof e.msg - 1);
            err_prefix(&e, "%s", units[u]);
            assert_true(utf8_valid(e.msg, strlen(e.msg), NULL));
            errno = ENOSPC;
            err_errno(&e, "%s", str_text(&text));
            assert_true(utf8_valid(e.msg, strlen(e.msg), NULL));
            str_fini(&text);
        }
    }
}

static void test_every_code_has_a_text(void **state)
{
    (void)state;
#define X(name, code, text) assert_string_equal(err_code_text(ERR_##name), text);
    ERR_CODES(X)
#undef X
    assert_string_equal(err_code_text(12345), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_returns_the_code_and_fills),
        cmocka_unit_test(test_arguments_may_be_the_message_itself),
        cmocka_unit_test(test_errno_chooses_the_code),
        cmocka_unit_test(test_a_long_message_is_cut_between_characters),
        cmocka_unit_test(test_every_code_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
