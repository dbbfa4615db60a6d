/* Patterns: what is refused, and that nothing compiles without bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"

static void test_matching(void **state)
{
    (void)state;
    struct pattern *p = pattern_new("shard-[0-9]+", NULL);
    assert_true(pattern_covers(p, "shard-5"));
    assert_false(pattern_covers(p, "shard-5; rm"));
    assert_false(pattern_covers(p, "a shard-5"));
    assert_true(pattern_found(p, "a shard-5 b", 11));
    assert_false(pattern_found(p, "a shard-5 b", 8));
    pattern_free(p);
    p = pattern_new("^ok$", NULL);
    assert_true(pattern_found(p, "ok", 2));
    assert_false(pattern_found(p, "ok\nfailed", 9)); /* the whole text, not a line of it */
    pattern_free(p);
    p = pattern_new("a|ab", NULL);
    assert_true(pattern_covers(p, "ab"));
    pattern_free(p);
}

static void test_extracting(void **state)
{
    (void)state;
    struct pattern *p = pattern_new(".*/(.*)", NULL);
    char *text = pattern_extract(p, "docs/shard-5");
    assert_string_equal(text, "shard-5");
    free(text);
    assert_null(pattern_extract(p, "none"));
    pattern_free(p);
    p = pattern_new("[0-9]+", NULL);
    text = pattern_extract(p, "shard-55x");
    assert_string_equal(text, "55");
    free(text);
    pattern_free(p);
}

static void refused(const char *text, const char *why)
{
    struct err e = {0};
    struct pattern *p = pattern_new(text, &e);
    if (p || !strstr(e.msg, why))
        fail_msg("%s: %s", text, p ? "taken" : e.msg);
}

static void test_what_would_mislead_is_refused(void **state)
{
    (void)state;
    refused("\\d+", "write [0-9]");
    refused("(a)\\1", "back references");
    refused("(a", "");
    refused("[a", "");
    refused("*a", "");
    refused("a++", "repetition of a repetition");
    refused("a*+", "repetition of a repetition");
    refused("(ab)?{2}", "repetition of a repetition");
}

static void test_bombs_are_refused_at_once(void **state)
{
    (void)state;
    struct str deep = {0};
    for (int i = 0; i < 40; i++)
        str_add_char(&deep, '(');
    refused("((((a{255}){255}){255}){255})", "multiply");
    refused("((a{200}){200}){200}", "multiply");
    refused("((a{,200}){,200}){,200}", "multiply");
    refused("((a{200,}){200,}){200,}", "multiply");
    refused("a# Exited wit++++++++++*+++++++?+++++", "repetition of a repetition");
    refused("(((((a+)+)+)+)+){200}", "multiply");
    refused("(a{1,200}b{200}){200}", "multiply");
    refused(str_text(&deep), "nested");
    str_fini(&deep);
    for (int i = 0; i < 600; i++)
        str_add(&deep, "ab");
    refused(str_text(&deep), "1024");
    str_fini(&deep);
    struct pattern *p = pattern_new("[A-Za-z0-9._:/@-]{1,253}", NULL);
    assert_non_null(p);
    pattern_free(p);
    p = pattern_new("[]{9}]|[^]]|[[:alpha:]{9}]{3,}\\{9", NULL);
    assert_non_null(p);
    pattern_free(p);
}

static void test_safe_values(void **state)
{
    (void)state;
    char long_one[300];
    memset(long_one, 'a', sizeof long_one);
    long_one[254] = '\0';
    assert_false(value_is_safe(long_one));
    long_one[253] = '\0';
    assert_true(value_is_safe(long_one));
    assert_true(value_is_safe("s3://a@b.c_d-e"));
    static const char *const unsafe[] = {"",     " ",        "a b", "a;b", "$(x)", "a'b",
                                         "a\nb", "\xc3\xa9", "a`b", "a&b", "a>b",  "*"};
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        assert_false(value_is_safe(unsafe[i]));
}

static void test_quoting(void **state)
{
    (void)state;
    struct str out = {0};
    const char *odd = "a.b*c[d](e){f}^g$h|i?j+k\\l";
    pattern_quote(&out, odd);
    struct pattern *p = pattern_new(str_text(&out), NULL);
    assert_true(pattern_covers(p, odd));
    assert_false(pattern_covers(p, "aXb*c[d](e){f}^g$h|i?j+k\\l"));
    pattern_free(p);
    str_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matching),
        cmocka_unit_test(test_extracting),
        cmocka_unit_test(test_what_would_mislead_is_refused),
        cmocka_unit_test(test_bombs_are_refused_at_once),
        cmocka_unit_test(test_safe_values),
        cmocka_unit_test(test_quoting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
