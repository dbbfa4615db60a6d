/* Recordings: whatever a program writes and however it comes, the lines are asciicast v2 and valid UTF-8;
 * they end at their limit and say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/recording.h"

#define START 5000000

static const struct recording_head head = {.width = 80,
                                           .height = 24,
                                           .wall_us = 1504467315LL * 1000000,
                                           .title = "psql \"prod\"",
                                           .term = "xterm-256color",
                                           .shell = "/bin/bash"};

static struct recording begin(size_t limit)
{
    struct recording r;
    recording_begin(&r, &head, limit, START);
    return r;
}

static void test_header(void **state)
{
    (void)state;
    struct recording r = begin(0);
    assert_string_equal(
        str_text(&r.lines),
        "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1504467315,\"title\":\"psql \\\"prod\\\"\","
        "\"env\":{\"SHELL\":\"/bin/bash\",\"TERM\":\"xterm-256color\"}}\n");
    recording_fini(&r);
}

static void test_events(void **state)
{
    (void)state;
    struct recording r = begin(0);
    str_clear(&r.lines);
    recording_output(&r, "a\r\n\x1b[1m\"\\\x7f", 10, START + 1500000);
    recording_resize(&r, 100, 50, START + 61000001);
    recording_output(&r, "", 0, START + 62000000);
    recording_output(&r, "\0b", 2, START - 1); /* a clock that goes back */
    assert_string_equal(str_text(&r.lines),
                        "[1.500000, \"o\", \"a\\u000d\\u000a\\u001b[1m\\\"\\\\\\u007f\"]\n"
                        "[61.000001, \"r\", \"100x50\"]\n"
                        "[0.000000, \"o\", \"\\u0000b\"]\n");
    recording_fini(&r);
}

/* The text of all output events, as a player gets it; each line is JSON. */
static void played(const struct recording *r, struct str *out)
{
    size_t offset;
    const char *line = str_text(&r->lines);
    assert_true(utf8_valid(line, r->lines.len, &offset));
    for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
        cJSON *tree = cJSON_ParseWithLength(line, (size_t)(end - line));
        assert_non_null(tree);
        if (cJSON_IsArray(tree) && str_eq(cJSON_GetArrayItem(tree, 1)->valuestring, "o"))
            str_add(out, cJSON_GetArrayItem(tree, 2)->valuestring);
        cJSON_Delete(tree);
    }
}

/* Cut anywhere, the same text comes out, and what is no text becomes U+FFFD. */
static void test_split_anywhere(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 end",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 end"},
        {"a\xff\xfe z", "a\xef\xbf\xbd\xef\xbf\xbd z"},
        {"\xc3(", "\xef\xbf\xbd("},
        {"\xe2\x82", "\xef\xbf\xbd"},
        {"\xf0\x9f\x98", "\xef\xbf\xbd"},
        {"\xed\xa0\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx"},
        {"\xc0\xafx", "\xef\xbf\xbd\xef\xbf\xbdx"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].bytes);
        for (size_t cut = 0; cut <= length; cut++) {
            struct recording r = begin(0);
            struct str text = {0};
            recording_output(&r, cases[i].bytes, cut, START);
            recording_output(&r, cases[i].bytes + cut, length - cut, START);
            recording_end(&r, START);
            played(&r, &text);
            if (!str_eq(str_text(&text), cases[i].text))
                fail_msg("case %zu cut at %zu: %s", i, cut, str_text(&text));
            str_fini(&text);
            recording_fini(&r);
        }
    }
}

static void test_any_bytes(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 20261122);
    for (int round = 0; round < 200; round++) {
        struct recording r = begin(0);
        struct str text = {0};
        for (int piece = 0; piece < 20; piece++) {
            char bytes[64];
            size_t length = rng_below(&rng, sizeof bytes);
            for (size_t i = 0; i < length; i++)
                bytes[i] =
                    (char)(rng_below(&rng, 3) ? 1 + rng_below(&rng, 255) : 0xc2 + rng_below(&rng, 0x33));
            recording_output(&r, bytes, length, START + piece);
        }
        recording_end(&r, START);
        played(&r, &text);
        str_fini(&text);
        recording_fini(&r);
    }
}

static void test_limit(void **state)
{
    (void)state;
    struct recording r = begin(4096);
    struct str text = {0};
    for (int i = 0; i < 1000; i++)
        recording_output(&r, "0123456789", 10, START + i * 1000);
    recording_resize(&r, 10, 10, START + 2000000);
    assert_true(r.total <= 4096 + 128);
    assert_true(r.full);
    assert_int_equal(r.total, r.lines.len);
    played(&r, &text);
    assert_int_equal((int64_t)text.len + r.dropped, 10000);
    const char *marker = strstr(str_text(&r.lines),
                                "\"m\", \"belay: the recording ends here, at its limit of 4096 bytes\"]\n");
    assert_non_null(marker);
    assert_null(strchr(strchr(marker, '\n') + 1, '\n')); /* it is the last line, and there once */
    str_fini(&text);
    recording_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),         cmocka_unit_test(test_events),
        cmocka_unit_test(test_split_anywhere), cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
