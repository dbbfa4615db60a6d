/* Annotations: both forms, malformed ones with the position of what is wrong. */
#include "engine/runbook/annotation.h"

#include "tests/unit/runbook/book.h"

static void check(const char *info, const char *expected)
{
    struct annotations a;
    struct err e = {0};
    struct str out = {0};
    int code = annotations_parse(info, strlen(info), 4, &a, &e);
    if (code)
        str_addf(&out, "error %d: %s", a.column, e.msg);
    else
        str_addf(&out, "[%s]", a.language);
    for (size_t i = 0; !code && i < a.list.len; i++)
        str_addf(&out, " %s=<%s>@%d", a.list.data[i].key, a.list.data[i].value, a.list.data[i].column);
    if (!strstr(str_text(&out), expected) || (!code && !str_eq(str_text(&out), expected)))
        fail_msg("%s\n  gives    %s\n  expected %s", info, str_text(&out), expected);
    annotations_fini(&a);
    str_fini(&out);
}

static void test_plain_info_strings(void **state)
{
    (void)state;
    check("sh", "[sh]");
    check("", "[]");
    check("  Bash  ", "[Bash]");
    check("sh title=\"x\"", "[sh]");
    check("sh {}", "[sh]");
    check("sh { }", "[sh]");
}

static void test_words(void **state)
{
    (void)state;
    check("sh { name=reopen kind=action }", "[sh] name=<reopen>@9 kind=<action>@21");
    check("sh {name=a\tkind=b}", "[sh] name=<a>@8 kind=<b>@15");
    check("sh{name=a}", "[sh] name=<a>@7");
    check("sh { hello=world val=20 empty }", "[sh] hello=<world>@9 val=<20>@21 empty=<>@28");
    check("sh {confirm=type:a=b}", "[sh] confirm=<type:a=b>@8");
    check("sh {expect=\"^a b$\" x=1}", "[sh] expect=<^a b$>@8 x=<1>@23");
    check("sh {expect='it \"is\"'}", "[sh] expect=<it \"is\">@8");
    check("sh {expect=\"a \\\"b\\\" \\\\ \\d\"}", "[sh] expect=<a \"b\" \\ \\d>@8");
    check("sh {when=a,!b,c=d}", "[sh] when=<a,!b,c=d>@8");
    check("sh {.line-numbers}", "[sh] .line-numbers=<>@8");
}

static void test_json(void **state)
{
    (void)state;
    check("sh {\"name\":\"reopen\",\"kind\":\"action\"}", "[sh] name=<reopen>@8 kind=<action>@24");
    check("sh {  \"a\" : true, \"b\":12, \"c\": 1.5 }", "[sh] a=<true>@10 b=<12>@22 c=<1.5>@30");
    check("sh {\"expect\":\"^\\\\w+ \\u0041$\"}", "[sh] expect=<^\\w+ A$>@8");
    check("sh {\"a\":\"\"}", "[sh] a=<>@8");
}

static void test_malformed_ones_say_where(void **state)
{
    (void)state;
    check("sh {", "error 7: malformed annotation: nothing closes");
    check("sh { name=a", "error 7: malformed annotation: nothing closes");
    check("sh {\"name\":}", "error 7: malformed annotation: JSON");
    check("sh {\"name\":\"a\",}", "error 7: malformed annotation: JSON");
    check("sh {\"a\":{\"b\":1}}", "error 7: malformed annotation: JSON");
    check("sh {\"a\":[1]}", "error 8: malformed annotation: the value of \"a\" is not a text");
    check("sh {\"a\":null}", "error 8: malformed annotation: the value of \"a\" is not a text");
    check("sh {\"a\":\"1\",\"a\":\"2\"}", "twice");
    check("sh {a=1 a=2}", "error 12: the annotation \"a\" stands there twice");
    check("sh {=x}", "error 8: malformed annotation: a value without a key");
    check("sh {a=\"x}", "error 8: malformed annotation: nothing closes the quotes");
    check("sh {a=\"x\"y}", "error 8: malformed annotation: text right after");
    check("sh {\"expect\":\"a}\"}", "the first } ends it");
}

static void test_what_stands_behind_is_noticed(void **state)
{
    (void)state;
    struct annotations a;
    assert_int_equal(annotations_parse("sh {a=b} c=d}", 13, 1, &a, NULL), 0);
    assert_true(a.cut);
    annotations_fini(&a);
    assert_int_equal(annotations_parse("sh {a=b}  \r", 11, 1, &a, NULL), 0);
    assert_false(a.cut);
    annotations_fini(&a);
}

static void test_their_number_is_bounded(void **state)
{
    (void)state;
    struct str info = {0};
    str_add(&info, "sh {");
    for (int i = 0; i < 65; i++)
        str_addf(&info, " k%d=1", i);
    str_add(&info, "}");
    struct annotations a;
    struct err e = {0};
    assert_int_equal(annotations_parse(str_text(&info), info.len, 1, &a, &e), ERR_RANGE);
    annotations_fini(&a);
    str_fini(&info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_info_strings),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_malformed_ones_say_where),
        cmocka_unit_test(test_what_stands_behind_is_noticed),
        cmocka_unit_test(test_their_number_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
