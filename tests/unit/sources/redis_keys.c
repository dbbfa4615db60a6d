#include "engine/sources/redis_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "engine/sources/natural.h"
#include "engine/sources/redis_scan.h"

static char *match(const char *pattern, const char *key)
{
    struct key_pattern p;
    struct str out = {0};
    struct err e;
    char *captures[KEY_CAPTURES] = {0};
    if (key_pattern_compile(&p, pattern, &e))
        return xasprintf("error");
    bool fits = key_pattern_match(&p, key, captures);
    for (size_t i = 0; i < p.count; i++)
        str_addf(&out, "%s%s=%s", i ? " " : "", p.names[i], fits ? captures[i] : "-");
    if (!fits)
        str_add(&out, "!");
    for (size_t i = 0; i < KEY_CAPTURES; i++)
        free(captures[i]);
    key_pattern_fini(&p);
    return str_take(&out);
}

static void expect_match(const char *pattern, const char *key, const char *wanted)
{
    char *got = match(pattern, key);
    if (strcmp(got, wanted) != 0)
        fail_msg("%s of %s: got '%s', wanted '%s'", pattern, key, got, wanted);
    free(got);
}

static void keys_are_taken_apart_by_the_pattern(void **state)
{
    (void)state;
    const char *p = "checkpoint:{run_id}:{checkpoint_id}";
    expect_match(p, "checkpoint:run_1:chk_30000", "run_id=run_1 checkpoint_id=chk_30000");
    expect_match(p, "checkpoint:a:b:c:chk_1", "run_id=a:b:c checkpoint_id=chk_1");
    expect_match(p, "checkpoint::", "run_id= checkpoint_id=");
    expect_match(p, "checkpoint:x", "run_id=- checkpoint_id=-!");
    expect_match(p, "checkpoint:", "run_id=- checkpoint_id=-!");
    expect_match(p, "other:x:y", "run_id=- checkpoint_id=-!");
    expect_match("a:{x}:z", "a:1:2:z", "x=1:2");
    expect_match("a:{x}:z", "a::z", "x=");
    expect_match("a:{x}:z", "a:z", "x=-!");
    expect_match("{x}", "anything", "x=anything");
    expect_match("plain", "plain", "");
    expect_match("plain", "plainer", "!");
    expect_match("{a}{b}", "x", "error");
    expect_match("{a}-{b}-{c}-{d}-{e}", "x", "error");
    expect_match("{a", "x", "error");
    expect_match("a}", "x", "error");
    expect_match("{}", "x", "error");
    expect_match("{a b}", "x", "error");
    expect_match("{key}:{value}", "x", "error");
    struct key_pattern k;
    assert_int_equal(key_pattern_compile(&k, "a*[?]\\:{x}", NULL), 0);
    assert_string_equal(k.glob, "a\\*\\[\\?\\]\\\\:*");
    key_pattern_fini(&k);
}

static void expect_read(const char *bytes, size_t length, bool whole, const char *wanted)
{
    struct err e = {0};
    cJSON *value = key_value_read(bytes, length, whole, &e);
    char *text = value ? json_print(value) : xasprintf("problem: %s", e.msg);
    if (!str_starts(text, wanted))
        fail_msg("got    %s\nwanted %s", text, wanted);
    free(text);
    cJSON_Delete(value);
}

static void what_is_no_json_is_named(void **state)
{
    (void)state;
    expect_read("{\"a\":1}", 7, true, "{\"a\":1}");
    expect_read("\x1f\x8b\x08\0\0\0", 6, true, "problem: compressed (gzip)");
    expect_read("\x78\x9c\x01", 3, true, "problem: compressed (zlib)");
    expect_read("\x28\xb5\x2f\xfd\x24", 5, true, "problem: compressed (zstd)");
    expect_read("\x04\x22\x4d\x18\x64", 5, true, "problem: compressed (lz4)");
    expect_read("\x80\x04\x95\x10", 4, true, "problem: pickled by Python: never read");
    expect_read("", 0, true, "problem: the value is not JSON");
    expect_read("{\"a\": // comment\n1}", 18, true, "problem: the value is not JSON");
    expect_read("{\"a\":1_000}", 11, true, "problem: the value is not JSON");
    expect_read("{\"a\":\"\xff\"}", 9, true, "problem: the value is not JSON");
}

static void large_values_are_pruned(void **state)
{
    (void)state;
    struct str text = {0};
    struct err e = {0};
    str_add(&text, "{\"list\":[0");
    for (int i = 1; i < 5000; i++)
        str_addf(&text, ",%d", i);
    str_add(&text, "],\"text\":\"");
    for (int i = 0; i < 2000; i++)
        str_add(&text, "\xc3\xa9");
    str_add(&text, "\",\"short\":[1,2],\"n\":7}");
    cJSON *value = key_value_read(text.data, text.len, true, &e);
    assert_non_null(value);
    assert_int_equal(cJSON_GetArraySize(json_at(value, "/list")), 0);
    assert_int_equal(cJSON_GetArraySize(json_at(value, "/short")), 2);
    const char *cut = json_string(value, "text", "");
    assert_true(strlen(cut) <= 1024 && strlen(cut) >= 1020);
    assert_true(utf8_valid(cut, strlen(cut), NULL));
    assert_int_equal(json_int(value, "n", 0), 7);
    cJSON_Delete(value);
    str_fini(&text);
}

/* The beginning of a JSON text, cut anywhere, gives the members before the cut and never anything else. */
static void the_beginning_of_a_value_is_read(void **state)
{
    (void)state;
    const char *text =
        "{\"run\":\"r\\\"1\",\"last\":30000,\"context\":{\"done\":1,\"patches\":[{\"i\":1,\"v\":\"a,b]}\"},"
        "{\"i\":2,\"v\":[1,[2]]},{\"i\":3}],\"q\":0.85},\"end\":true}";
    size_t length = strlen(text), read = 0;
    for (size_t cut = 0; cut < length; cut++) {
        struct err e = {0};
        cJSON *value = key_value_read(text, cut, false, &e);
        if (!value)
            continue;
        read++;
        const cJSON *run = json_at(value, "/run"), *last = json_at(value, "/last"),
                    *first = json_at(value, "/context/patches/0/v");
        assert_true(!run || str_eq(run->valuestring, "r\"1"));
        assert_true(!last || json_int(value, "last", 0) == 30000);
        assert_true(!first || str_eq(first->valuestring, "a,b]}"));
        cJSON_Delete(value);
    }
    assert_true(read > length / 2);
    expect_read(text, length - 1, false,
                "{\"run\":\"r\\\"1\",\"last\":30000,\"context\":{\"done\":1,\"patches\":[{\"i\":1");
    expect_read("]]]", 3, false, "problem");
    expect_read("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[,", 75, false,
                "problem");
}

static void rows_say_what_the_key_and_the_value_said(void **state)
{
    (void)state;
    struct key_pattern p;
    assert_int_equal(key_pattern_compile(&p, "c:{run}:{id}", NULL), 0);
    cJSON *row = key_row(&p, "c:r:1", "string", 12, cJSON_CreateObject(), NULL);
    char *text = json_print(row);
    assert_string_equal(
        text, "{\"key\":\"c:r:1\",\"run\":\"r\",\"id\":\"1\",\"type\":\"string\",\"bytes\":12,\"value\":{}}");
    free(text);
    cJSON_Delete(row);
    row = key_row(&p, "c:r:1", "zset", 0, NULL, "no");
    assert_string_equal(json_string(row, "problem", ""), "no");
    cJSON_Delete(row);
    key_pattern_fini(&p);
}

static void add(struct key_set *s, const char *key)
{
    key_set_add(s, key, strlen(key));
}

static void keys_are_found_read_and_forgotten(void **state)
{
    (void)state;
    struct key_set s;
    struct err e;
    size_t unread;
    assert_int_equal(key_set_init(&s, "c:{run}:{id}", &e), 0);
    add(&s, "c:a:chk_9");
    add(&s, "c:a:chk_10");
    add(&s, "c:b:x");
    add(&s, "other");
    add(&s, "c:\xff:x");
    key_set_add(&s, "c:nul\0:x", 9);
    key_set_end_pass(&s);
    assert_int_equal(map_count(s.entries), 3);
    char **due = key_set_due(&s);
    assert_string_equal(due[0], "c:a:chk_10"); /* the likely newest of each run first */
    assert_string_equal(due[1], "c:b:x");
    assert_string_equal(due[2], "c:a:chk_9");
    assert_null(due[3]);
    strv_free(due);
    struct key_entry *entry = map_get(s.entries, "c:b:x");
    entry->row = key_row(&s.pattern, entry->key, "string", 1, NULL, NULL);
    cJSON *rows = key_set_rows(&s, &unread);
    assert_int_equal(cJSON_GetArraySize(rows), 1);
    assert_int_equal(unread, 2);
    cJSON_Delete(rows);
    assert_string_equal(json_string(entry->row, "run", ""), "b"); /* the reference left it alone */
    add(&s, "c:a:chk_10");
    key_set_end_pass(&s);
    assert_int_equal(map_count(s.entries), 1);
    key_set_fini(&s);
}

static void the_number_of_keys_is_bounded(void **state)
{
    (void)state;
    struct key_set s;
    struct err e;
    char key[32];
    assert_int_equal(key_set_init(&s, "c:{run}:{id}", &e), 0);
    for (int i = 0; i < KEY_LIMIT + 10; i++) {
        snprintf(key, sizeof key, "c:%d:x", i);
        add(&s, key);
    }
    assert_int_equal(map_count(s.entries), KEY_LIMIT);
    assert_true(s.overflow);
    size_t unread;
    cJSON *rows = key_set_rows(&s, &unread);
    assert_int_equal(unread, KEY_LIMIT);
    cJSON_Delete(rows);
    /* of many old keys, all are read again in turn */
    const char *name;
    void *value;
    for (size_t i = 0; map_next(s.entries, &i, &name, &value);) {
        struct key_entry *entry = value;
        entry->row = cJSON_CreateNull();
        free(entry->group);
        entry->group = xstrdup("one");
    }
    struct map *seen = map_new();
    for (int poll = 0; poll <= KEY_LIMIT / 100; poll++) {
        char **due = key_set_due(&s);
        assert_true(strv_count(due) <= 101);
        for (char **k = due; *k; k++)
            map_set(seen, *k, seen);
        strv_free(due);
    }
    assert_int_equal(map_count(seen), KEY_LIMIT);
    map_free(seen);
    key_set_fini(&s);
}

static void numbers_in_names_count(void **state)
{
    (void)state;
    static const char *const ordered[] = {"",        "a",       "chk_1",   "chk_2",   "chk_10",
                                          "chk_10a", "chk_10b", "chk_011", "chk_100", "d"};
    for (size_t i = 0; i < sizeof ordered / sizeof ordered[0]; i++)
        for (size_t j = 0; j < sizeof ordered / sizeof ordered[0]; j++) {
            int order = natural_compare(ordered[i], ordered[j]);
            assert_true(i < j ? order < 0 : i > j ? order > 0 : order == 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_taken_apart_by_the_pattern),
        cmocka_unit_test(what_is_no_json_is_named),
        cmocka_unit_test(large_values_are_pruned),
        cmocka_unit_test(the_beginning_of_a_value_is_read),
        cmocka_unit_test(rows_say_what_the_key_and_the_value_said),
        cmocka_unit_test(keys_are_found_read_and_forgotten),
        cmocka_unit_test(the_number_of_keys_is_bounded),
        cmocka_unit_test(numbers_in_names_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
