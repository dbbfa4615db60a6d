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
    cJSON *tree = yaml_parse(text, strlen(text), "f.yaml", 0, &e);
    if (!tree)
        fail_msg("%s: %s", text, e.msg);
    return tree;
}

static void reads_as(const char *text, const char *json)
{
    cJSON *tree = parsed(text);
    char *printed = json_print(tree);
    if (!str_eq(printed, json))
        fail_msg("%s\nreads as %s\ninstead of %s", text, printed, json);
    free(printed);
    cJSON_Delete(tree);
}

static void refused(const char *text, const char *message)
{
    struct err e = {0};
    cJSON *tree = yaml_parse(text, strlen(text), "f.yaml", 0, &e);
    if (tree)
        fail_msg("accepted: %s", text);
    if (!strstr(e.msg, message))
        fail_msg("%s: \"%s\" instead of \"%s\"", text, e.msg, message);
}

static void test_scalars_stay_text(void **state)
{
    (void)state;
    reads_as("a: 1\nb: true\nc: 1.0\nd: 0x1F\ne: 2026-11-22\nf: no\n",
             "{\"a\":\"1\",\"b\":\"true\",\"c\":\"1.0\",\"d\":\"0x1F\",\"e\":\"2026-11-22\",\"f\":\"no\"}");
    reads_as("a:\nb: ~\nc: null\nd: \"~\"\ne: 'null'\nf: \"\"\n",
             "{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"~\",\"e\":\"null\",\"f\":\"\"}");
    reads_as("- |\n  two\n  lines\n- >\n  one\n  line\n", "[\"two\\nlines\\n\",\"one line\\n\"]");
    reads_as("{a: [b, {c: d}], \"*\": e}", "{\"a\":[\"b\",{\"c\":\"d\"}],\"*\":\"e\"}");
    reads_as("", "{}");
    reads_as("# only a comment\n", "{}");
    reads_as("---\n...\n", "{}");
    reads_as("\xEF\xBB\xBF"
             "a: b",
             "{\"a\":\"b\"}");
    reads_as("a: b\r\nc: d\r\n", "{\"a\":\"b\",\"c\":\"d\"}");
    reads_as("text", "\"text\"");
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key \"a\" stands there twice"},
        {"a: &x 1\nb: *x\n", "f.yaml:1:4: anchors"},
        {"a: *x\n", "f.yaml:1:4: aliases"},
        {"*x : 1\n", "f.yaml:1:1: aliases"},
        {"a: !!str 1\n", "f.yaml:1:4: anchors (&) and tags (!)"},
        {"!x {a: 1}\n", "f.yaml:1:1: anchors"},
        {"&x [a]\n", "f.yaml:1:1: anchors"},
        {"<<: {a: 1}\n", "f.yaml:1:1: merge keys"},
        {"[a]: b\n", "f.yaml:1:1: a key must be plain text"},
        {"? {a: b}\n: c\n", "f.yaml:1:3: a key must be plain text"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"},
        {"a: [1, 2\n", "f.yaml:2:1: "},
        {"a: b: c\n", "f.yaml:1:5: "},
        {"a: 1\n b: 2\n", "f.yaml:2:"},
        {"a:\n\t- b\n", "f.yaml:2:1: "},
        {"a: \"x\\0y\"\n", "f.yaml:1:4: a NUL"},
        {"ok: 1\nbad: \xFF\n", "f.yaml:2:6: not UTF-8"},
        {"a: \x07\n", "f.yaml:1:"},
        {"a: \"\n", "f.yaml:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(cases[i].text, cases[i].message);
}

static void position_is(const cJSON *item, int line, int column, int key_line, int key_column)
{
    assert_non_null(item);
    assert_int_equal(yaml_line(item), line);
    assert_int_equal(yaml_column(item), column);
    assert_int_equal(yaml_key_line(item), key_line);
    assert_int_equal(yaml_key_column(item), key_column);
}

static void test_positions(void **state)
{
    (void)state;
    cJSON *t = parsed("platform: x\n"
                      "nothing:\n"
                      "sources:\n"
                      "  - name: a\n"
                      "    map:\n"
                      "\n"
                      "      kind: shard\n"
                      "  - {name: b, every:   2s}\n");
    position_is(t, 1, 1, 1, 1);
    position_is(json_at(t, "/platform"), 1, 11, 1, 1);
    position_is(json_at(t, "/nothing"), 2, 1, 2, 1);
    position_is(json_at(t, "/sources"), 4, 3, 3, 1);
    position_is(json_at(t, "/sources/0"), 4, 5, 4, 5);
    position_is(json_at(t, "/sources/0/map"), 7, 7, 5, 5);
    position_is(json_at(t, "/sources/0/map/kind"), 7, 13, 7, 7);
    position_is(json_at(t, "/sources/1/every"), 8, 24, 8, 15);
    cJSON *copy = cJSON_Duplicate(t, true);
    position_is(json_at(copy, "/sources/1/every"), 8, 24, 8, 15);
    cJSON_Delete(copy);
    cJSON_Delete(t);
    assert_int_equal(yaml_line(NULL), 0);
    assert_int_equal(yaml_key_column(NULL), 0);
}

static void test_positions_inside_another_file(void **state)
{
    (void)state;
    struct err e = {0};
    const char *text = "runbook:\n  id: x\n";
    cJSON *t = yaml_parse(text, strlen(text), "r.md", 41, &e);
    position_is(json_at(t, "/runbook/id"), 43, 7, 43, 3);
    cJSON_Delete(t);
    assert_null(yaml_parse("a: b: c", 7, "r.md", 41, &e));
    assert_true(str_starts(e.msg, "r.md:42:"));
}

static void test_depth_and_size(void **state)
{
    (void)state;
    struct str s = {0};
    for (int i = 0; i < 64; i++)
        str_add(&s, "[");
    for (int i = 0; i < 64; i++)
        str_add(&s, "]");
    cJSON_Delete(parsed(str_text(&s)));
    str_clear(&s);
    for (int i = 0; i < 300000; i++)
        str_add(&s, "[");
    refused(str_text(&s), "deeper than 64");
    str_clear(&s);
    for (int i = 0; i < 100; i++)
        str_add(&s, "{a: ");
    refused(str_text(&s), "deeper than 64");
    str_clear(&s);
    while (s.len <= 1 << 20)
        str_add(&s, "# 0123456789012345678901234567890123456789\n");
    struct err e = {0};
    assert_null(yaml_parse(str_text(&s), s.len, "f.yaml", 0, &e));
    assert_int_equal(e.code, ERR_RANGE);
    s.len = 1 << 20;
    cJSON_Delete(yaml_parse(str_text(&s), s.len, "f.yaml", 0, &e));
    str_fini(&s);
}

/* Cuts of a document never crash, and what is refused says where. */
static void test_every_cut_is_answered(void **state)
{
    (void)state;
    const char *text = "a: {b: [1, \"two\\n\", 'three'], c: |\n  x\n }\nd:\n  - e: f\n    g: >-\n      h\n";
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        char *copy = xmalloc(cut + 1);
        memcpy(copy, text, cut);
        struct err e = {0};
        cJSON *tree = yaml_parse(copy, cut, "f.yaml", 0, &e);
        if (!tree && !str_starts(e.msg, "f.yaml:"))
            fail_msg("cut %zu: %s", cut, e.msg);
        cJSON_Delete(tree);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_stay_text), cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_positions),         cmocka_unit_test(test_positions_inside_another_file),
        cmocka_unit_test(test_depth_and_size),    cmocka_unit_test(test_every_cut_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
