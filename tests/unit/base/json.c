#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"

static cJSON *parsed(const char *text)
{
    struct err e = {0};
    cJSON *tree = json_parse(text, strlen(text), &e);
    if (!tree)
        fail_msg("%s: %s", text, e.msg);
    return tree;
}

static void refused(const char *text, size_t length, const char *message)
{
    struct err e = {0};
    cJSON *tree = json_parse(text, length, &e);
    if (tree)
        fail_msg("accepted: %.*s", (int)length, text);
    if (e.code != ERR_SYNTAX || !strstr(e.msg, message))
        fail_msg("%.*s: \"%s\" instead of \"%s\"", (int)length, text, e.msg, message);
}

static void prints_as(const char *text, const char *expected)
{
    cJSON *tree = parsed(text);
    char *printed = json_print(tree);
    assert_string_equal(printed, expected);
    free(printed);
    cJSON_Delete(tree);
}

static void test_what_is_json(void **state)
{
    (void)state;
    prints_as("null", "null");
    prints_as(" [ ] ", "[]");
    prints_as("{}", "{}");
    prints_as("\r\n\t{\"a\" : [1, -2.5 ,true,false,null,\"x\"] }\n",
              "{\"a\":[1,-2.5,true,false,null,\"x\"]}");
    prints_as("\xEF\xBB\xBF[1]", "[1]");
    prints_as("\"\\u00e9\\ud83d\\udd25\\n\\/\"", "\"\xC3\xA9\xF0\x9F\x94\xA5\\n/\"");
    prints_as("{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}"); /* in the order it came */
    prints_as("1e2", "100");
    prints_as("{\"\":{\"\":0}}", "{\"\":{\"\":0}}");
}

static void test_what_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "byte 0: the text ends"},
        {"[1,]", "byte 3: expected a value"},
        {"[1 2]", "byte 3: expected , or ]"},
        {"[1", "byte 2: expected , or ]"},
        {"{\"a\":1,}", "byte 7: expected a key"},
        {"{\"a\" 1}", "byte 5: expected :"},
        {"{a:1}", "byte 1: expected a key"},
        {"{\"a\":1", "byte 6: expected , or }"},
        {"01", "not a number"},
        {"-", "not a number"},
        {"1.", "not a number"},
        {"[+1]", "byte 1: expected a value"},
        {"NaN", "expected a value"},
        {"tru", "expected a value"},
        {"nul", "expected a value"},
        {"'a'", "expected a value"},
        {"\"a", "without its end"},
        {"\"a\\", "unknown escape"},
        {"\"\\x41\"", "unknown escape"},
        {"\"\\u12\"", "four hexadecimal"},
        {"\"\\ud800\"", "surrogate"},
        {"\"\\ud800\\u0041\"", "surrogate"},
        {"\"\\udc00\"", "surrogate"},
        {"\"\\u0000\"", "u0000"},
        {"\"a\nb\"", "control character"},
        {"1 // one", "byte 2: something follows"},
        {"{} {}", "byte 3: something follows"},
        {"1_245_678", "something follows"},
        {"[\"\xFF\"]", "byte 2: not UTF-8"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "byte 13: the key \"a\" stands there twice"},
        {"{\"a\":1,\"\\u0061\":3}", "the key \"a\" stands there twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(cases[i].text, strlen(cases[i].text), cases[i].message);
    refused("[\0]", 3, "expected a value");
    refused("\"a\0b\"", 5, "control character");
    refused("12", 0, "the text ends");
}

/* Every cut of a document fails (its whole is one value), none reads past its length. */
static void test_every_cut_is_refused(void **state)
{
    (void)state;
    const char *text =
        "{\"a\":[1,{\"b\":\"\\u00e9\\ud83d\\udd25\"},-1.5e3,true,null],\"c\":\"\xE2\x82\xAC\"}";
    size_t length = strlen(text);
    for (size_t cut = 0; cut < length; cut++) {
        char *copy = xmalloc(cut); /* exactly: the sanitizer sees the first byte too many */
        memcpy(copy, text, cut);
        struct err e = {0};
        cJSON *tree = json_parse(copy, cut, &e);
        assert_null(tree);
        assert_int_equal(e.code, ERR_SYNTAX);
        free(copy);
    }
}

static char *nested(size_t depth, bool objects)
{
    struct str s = {0};
    for (size_t i = 0; i < depth; i++)
        str_add(&s, objects ? "{\"a\":" : "[");
    str_add(&s, "1");
    for (size_t i = 0; i < depth; i++)
        str_add(&s, objects ? "}" : "]");
    return str_take(&s);
}

static void test_depth(void **state)
{
    (void)state;
    for (int objects = 0; objects < 2; objects++) {
        char *good = nested(64, objects), *bad = nested(65, objects), *awful = nested(200000, objects);
        cJSON_Delete(parsed(good));
        refused(bad, strlen(bad), "deeper than 64");
        refused(awful, strlen(awful), "deeper than 64");
        free(good);
        free(bad);
        free(awful);
    }
}

static void test_the_number_of_values_is_bounded(void **state)
{
    (void)state;
    struct str s = {0};
    str_add(&s, "[");
    for (int i = 0; i < 1000000; i++)
        str_add(&s, "0,");
    str_add(&s, "0]");
    refused(str_text(&s), s.len, "million");
    str_fini(&s);
}

/* Many keys: duplicates are found among them, and in reasonable time. */
static void test_many_keys(void **state)
{
    (void)state;
    struct str s = {0};
    str_add(&s, "{");
    for (int i = 0; i < 50000; i++)
        str_addf(&s, "\"key-%d\":%d,", i, i);
    size_t length = s.len;
    str_add(&s, "\"last\":1}");
    int64_t start = clock_monotonic_us();
    cJSON_Delete(parsed(str_text(&s)));
    assert_true(clock_monotonic_us() - start < 10 * US_PER_S);
    static const char *const again[] = {"\"key-0\":1}", "\"key-17\":1}", "\"key-49999\":1}"};
    for (size_t i = 0; i < 3; i++) {
        s.len = length;
        str_add(&s, again[i]);
        refused(str_text(&s), s.len, "twice");
    }
    str_fini(&s);
}

/* Parsed, printed, parsed: a seed that comes back as its neighbour is another run. */
static void test_integers_survive_a_round(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 20000; i++) {
        int64_t value = (int64_t)(rng_next(&rng) >> (1 + i % 14)) * (i % 2 ? 1 : -1);
        char *text = xasprintf("{\"n\":%lld}", (long long)value);
        cJSON *once = parsed(text);
        char *printed = json_print(once);
        cJSON *twice = parsed(printed);
        if (json_int(twice, "n", 1) != value)
            fail_msg("%s became %s", text, printed);
        cJSON_Delete(once);
        cJSON_Delete(twice);
        free(text);
        free(printed);
    }
}

static void test_large_integers_keep_their_digits(void **state)
{
    (void)state;
    cJSON *t = parsed("{\"id\":14841639068965178418,\"n\":-9223372036854775808,\"edge\":4503599627370495,"
                      "\"over\":9007199254740993,\"float\":1.5e300,\"huge\":1e999,\"small\":12}");
    assert_string_equal(json_string(t, "id", NULL), "14841639068965178418");
    assert_int_equal(json_int(t, "n", 0), INT64_MIN);
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(t, "edge")));
    assert_int_equal(json_int(t, "edge", 0), 4503599627370495LL);
    assert_int_equal(json_int(t, "over", 0), 9007199254740993LL);
    assert_int_equal(json_int(t, "id", -7), -7); /* does not fit */
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(t, "float")));
    assert_int_equal(json_int(t, "float", -7), -7);
    assert_string_equal(json_string(t, "huge", NULL), "1e999");
    assert_int_equal(json_int(t, "small", 0), 12);
    json_add_int(t, "mine", INT64_MAX);
    assert_int_equal(json_int(t, "mine", 0), INT64_MAX);
    char *text = json_print(t);
    assert_non_null(strstr(text, "\"mine\":9223372036854775807"));
    free(text);
    cJSON_Delete(t);
}

static void test_pointers(void **state)
{
    (void)state;
    /* The example of RFC 6901, section 5. */
    cJSON *t = parsed("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/"
                      "b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,"
                      "\"m~n\":8}");
    static const struct {
        const char *pointer;
        int value;
    } cases[] = {{"/", 0},     {"/a~1b", 1}, {"/c%d", 2}, {"/e^f", 3}, {"/g|h", 4},
                 {"/i\\j", 5}, {"/k\"l", 6}, {"/ ", 7},   {"/m~0n", 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cJSON *item = json_at(t, cases[i].pointer);
        if (!item || item->valueint != cases[i].value)
            fail_msg("%s", cases[i].pointer);
    }
    assert_ptr_equal(json_at(t, ""), t);
    assert_string_equal(json_at(t, "/foo/0")->valuestring, "bar");
    static const char *const none[] = {
        "/foo/2", "/foo/01", "/foo/-",   "/foo/-1", "/foo/+1",         "/foo/",
        "/Foo",   "/x",      "/foo/0/x", "foo",     "/foo/4294967296", "/foo/99999999999999999999"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (json_at(t, none[i]))
            fail_msg("found: %s", none[i]);
    assert_null(json_at(NULL, ""));
    assert_null(json_at(NULL, "/a"));
    cJSON_Delete(t);
}

static int record(const struct json_match *match, void *data)
{
    struct str *out = data;
    for (size_t i = 0; i < match->capture_count; i++)
        str_addf(out, "%s.", match->captures[i]);
    str_add(out, "=");
    json_text(match->item, out);
    str_add(out, " ");
    return str_eq(str_text(out), "stop=1 ") ? 7 : 0;
}

static void each_is(const char *json, const char *pointer, const char *expected)
{
    cJSON *t = parsed(json);
    struct str out = {0};
    assert_int_equal(json_each(t, pointer, record, &out), 0);
    assert_string_equal(str_text(&out), expected);
    str_fini(&out);
    cJSON_Delete(t);
}

static int stop_at_second(const struct json_match *match, void *data)
{
    (void)match;
    return ++*(int *)data == 2 ? 9 : 0;
}

static void test_wildcards(void **state)
{
    (void)state;
    const char *t = "{\"a\":{\"x\":[1,2],\"y\":[3]},\"b\":{\"x\":[],\"z\":\"no list\"},\"c\":4}";
    each_is(t, "/*/*/*", "a.x.0.=1 a.x.1.=2 a.y.0.=3 ");
    each_is(t, "/a/x/*", "0.=1 1.=2 ");
    each_is(t, "/*/x/0", "a.=1 ");
    each_is(t, "/c", "=4 ");
    each_is(t, "/nothing/*", "");
    each_is(t, "/c/*", "");
    each_is("[[[[[1]]]]]", "/*/*/*/*/0", "0.0.0.0.=1 ");
    each_is("[[[[[1]]]]]", "/*/*/*/*/*", ""); /* a fifth wildcard finds nothing */
    each_is("{\"*x\":1}", "/*x", "=1 ");
    cJSON *list = parsed("[1,2,3]");
    int count = 0;
    assert_int_equal(json_each(list, "/*", stop_at_second, &count), 9);
    assert_int_equal(count, 2);
    cJSON_Delete(list);
}

static void test_numbers_out_of_anything(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        double value;
    } good[] = {{"1.5", 1.5},      {"\"50.0%\"", 0.5}, {"\"true\"", 1},        {"false", 0},
                {"true", 1},       {"\" 12 \"", 12},   {"\"+Inf\"", INFINITY}, {"\"-Inf\"", -INFINITY},
                {"\"1e3\"", 1000}, {"\"False\"", 0}};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cJSON *t = parsed(good[i].json);
        if (!json_number(t, &value) || value != good[i].value)
            fail_msg("%s", good[i].json);
        cJSON_Delete(t);
    }
    cJSON *nan = parsed("\"NaN\"");
    assert_true(json_number(nan, &value) && isnan(value));
    cJSON_Delete(nan);
    static const char *const bad[] = {"\"\"", "\"%\"",   "\"abc\"",  "null",    "[]",
                                      "{}",   "\"1 2\"", "\"0x10\"", "\"12ms\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cJSON *t = parsed(bad[i]);
        if (json_number(t, &value))
            fail_msg("%s", bad[i]);
        cJSON_Delete(t);
    }
    assert_false(json_number(NULL, &value));
}

static void test_lookups_tolerate_anything(void **state)
{
    (void)state;
    cJSON *t = parsed(
        "{\"s\":\"x\",\"n\":3,\"b\":true,\"o\":{},\"text\":\"42\",\"neg\":\"-5\",\"bad\":\"5x\",\"z\":null}");
    assert_string_equal(json_string(t, "s", "?"), "x");
    assert_string_equal(json_string(t, "n", "?"), "?");
    assert_string_equal(json_string(NULL, "n", "?"), "?");
    assert_true(json_double(t, "n", 0) == 3);
    assert_true(json_double(t, "text", 0) == 42);
    assert_true(json_double(t, "o", -1) == -1);
    assert_int_equal(json_int(t, "text", 0), 42);
    assert_int_equal(json_int(t, "neg", 0), -5);
    assert_int_equal(json_int(t, "bad", 9), 9);
    assert_int_equal(json_int(t, "z", 9), 9);
    assert_true(json_bool(t, "b", false));
    assert_true(json_bool(t, "missing", true));
    assert_false(json_bool(t, "o", false));
    struct str out = {0};
    assert_false(json_text(cJSON_GetObjectItem(t, "o"), &out));
    assert_false(json_text(cJSON_GetObjectItem(t, "z"), &out));
    assert_false(json_text(NULL, &out));
    assert_true(json_text(cJSON_GetObjectItem(t, "n"), &out));
    assert_true(json_text(cJSON_GetObjectItem(t, "b"), &out));
    assert_string_equal(str_text(&out), "3true");
    str_fini(&out);
    cJSON_Delete(t);
}

/* Any bytes, quoted, are JSON again; and valid ones are themselves. */
static void test_quoting(void **state)
{
    (void)state;
    uint64_t seed = rng_entropy();
    struct rng r;
    rng_seed(&r, seed);
    for (int round = 0; round < 5000; round++) {
        char bytes[40] = {0};
        size_t length = rng_below(&r, sizeof bytes - 1);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)(1 + rng_below(&r, round % 2 ? 127 : 255));
        struct str quoted = {0};
        struct err e = {0};
        json_quote(&quoted, bytes);
        cJSON *t = json_parse(str_text(&quoted), quoted.len, &e);
        if (!t || (utf8_valid(bytes, length, NULL) && !str_eq(t->valuestring, bytes)))
            fail_msg("seed %llu round %d: %s", (unsigned long long)seed, round, str_text(&quoted));
        cJSON_Delete(t);
        str_fini(&quoted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_json),
        cmocka_unit_test(test_what_is_not),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_the_number_of_values_is_bounded),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_integers_survive_a_round),
        cmocka_unit_test(test_large_integers_keep_their_digits),
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_wildcards),
        cmocka_unit_test(test_numbers_out_of_anything),
        cmocka_unit_test(test_lookups_tolerate_anything),
        cmocka_unit_test(test_quoting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
