#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"

/* Every code point is encoded, is valid, and decodes to itself; every surrogate is refused. */
static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char bytes[4];
        uint32_t back = 0;
        size_t used = utf8_encode(c, bytes);
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        if (!utf8_valid(bytes, used, NULL) || utf8_decode(bytes, used, &back) != used ||
            back != (surrogate ? 0xFFFD : c))
            fail_msg("U+%04X", c);
    }
    char bytes[4];
    assert_int_equal(utf8_encode(0x110000, bytes), 3);
}

/* All sequences of up to three bytes: valid exactly when decoding and encoding give the same bytes back. */
static void test_every_short_sequence(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 1U << 24; n += n < 1 << 16 ? 1 : 7) {
        char bytes[3] = {(char)(n >> 16), (char)(n >> 8), (char)n};
        size_t offset = 99, first_bad = 99;
        bool same = true;
        for (size_t at = 0; at < 3;) {
            uint32_t c;
            char out[4];
            size_t used = utf8_decode(bytes + at, 3 - at, &c), length = utf8_encode(c, out);
            if (used != length || memcmp(out, bytes + at, used) != 0) {
                same = false;
                if (first_bad == 99)
                    first_bad = at;
            }
            at += used;
        }
        if (utf8_valid(bytes, 3, &offset) != same || (!same && offset != first_bad))
            fail_msg("%02X %02X %02X", (unsigned char)bytes[0], (unsigned char)bytes[1],
                     (unsigned char)bytes[2]);
    }
}

static void test_named_faults(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t offset;
    } bad[] = {
        {"abc\xC0\xAF", 3},             /* overlong */
        {"abcdefghij\xED\xA0\x80", 10}, /* a surrogate */
        {"\xF4\x90\x80\x80", 0},        /* above U+10FFFF */
        {"\xF0\x80\x80\xAF", 0},        /* overlong */
        {"12345678\x80", 8},            /* a lone continuation after a whole word of ASCII */
        {"\xE2\x82", 0},                /* cut off */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t offset = 99;
        assert_false(utf8_valid(bad[i].bytes, strlen(bad[i].bytes), &offset));
        assert_int_equal(offset, bad[i].offset);
    }
    assert_true(utf8_valid("", 0, NULL));
    uint32_t c;
    assert_int_equal(utf8_decode("", 0, &c), 0);
}

static void test_widths(void **state)
{
    (void)state;
    static const struct {
        uint32_t c;
        int width;
    } cases[] = {
        {'a', 1},     {' ', 1},     {0xE9, 1},      {0x301, 0},   {0x4E2D, 2},  {0x1F525, 2}, {0xAC00, 2},
        {0x2502, 1},  {0x2588, 1},  {0x25CF, 1},    {0x2717, 1},  {0xFF21, 2},  {0xFE0F, 0},  {0x0, -1},
        {0x1B, -1},   {0x7F, -1},   {0x9B, -1},     {0xA0, 1},    {0xAD, -1},   {0x200B, -1}, {0x200D, -1},
        {0x200F, -1}, {0x2028, -1}, {0x202E, -1},   {0x2066, -1}, {0x2069, -1}, {0xFEFF, -1}, {0xE0041, -1},
        {0xD800, -1}, {0xFFFE, -1}, {0x110000, -1}, {0x3164, -1}, {0x061C, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (utf8_width(cases[i].c) != cases[i].width)
            fail_msg("U+%04X is %d columns", cases[i].c, utf8_width(cases[i].c));
    for (uint32_t c = 0; c < 0x110400; c++)
        assert_in_range(utf8_width(c) + 1, 0, 3);
}

/* The same columns whatever the user's locale is, and the locale is left as it was. */
static void test_the_locale_changes_nothing(void **state)
{
    (void)state;
    static const char *const locales[] = {"C", "POSIX", "C.UTF-8"};
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
        assert_non_null(setlocale(LC_ALL, locales[i]));
        assert_int_equal(utf8_width(0x4E2D), 2);
        assert_int_equal(utf8_width(0x301), 0);
        assert_int_equal(utf8_columns("a\xE4\xB8\xAD"
                                      "e\xCC\x81"),
                         4);
        assert_string_equal(setlocale(LC_ALL, NULL), setlocale(LC_CTYPE, NULL));
        assert_true(uselocale((locale_t)0) == LC_GLOBAL_LOCALE);
    }
    setlocale(LC_ALL, "C");
}

static void clean_is(const char *bytes, bool keep_lines, const char *expected)
{
    struct str out = {0};
    utf8_clean(&out, bytes, strlen(bytes), keep_lines);
    assert_string_equal(str_text(&out), expected);
    str_fini(&out);
}

static void test_cleaning(void **state)
{
    (void)state;
    clean_is("plain", false, "plain");
    clean_is("a\tb\nc", false, "a b c");
    clean_is("a\tb\nc", true, "a\tb\nc");
    clean_is("a\rb", true, "a<U+000D>b");
    clean_is("\x1B[2J", false, "<U+001B>[2J");
    clean_is("\xC2\x9B"
             "31m",
             false, "<U+009B>31m");
    clean_is("\x9B"
             "31m",
             false, "<0x9B>31m");
    clean_is("rm \xE2\x80\xAE"
             "fr-",
             false, "rm <U+202E>fr-");
    clean_is("caf\xC3\xA9 \xE4\xB8\xAD", false, "caf\xC3\xA9 \xE4\xB8\xAD");
    struct str out = {0};
    utf8_clean(&out, "a\0b", 3, false);
    assert_string_equal(str_text(&out), "a<U+0000>b");
    str_fini(&out);
}

/* Whatever goes in, what comes out is valid, holds nothing that is not drawn, and cleaning it again changes
 * nothing. */
static void test_cleaned_text_is_clean(void **state)
{
    (void)state;
    uint64_t seed = rng_entropy();
    struct rng r;
    rng_seed(&r, seed);
    for (int round = 0; round < 20000; round++) {
        char bytes[64];
        size_t length = rng_below(&r, sizeof bytes - 4), at = 0;
        while (at < length) {
            if (rng_below(&r, 2))
                bytes[at++] = (char)rng_next(&r);
            else
                at += utf8_encode((uint32_t)rng_below(&r, rng_below(&r, 2) ? 0x3000 : 0x110000), bytes + at);
        }
        struct str once = {0}, twice = {0};
        utf8_clean(&once, bytes, at, false);
        utf8_clean(&twice, str_text(&once), once.len, false);
        bool good = utf8_valid(str_text(&once), once.len, NULL) &&
                    str_eq(str_text(&once), str_text(&twice)) && strlen(str_text(&once)) == once.len;
        for (size_t i = 0; good && i < once.len;) {
            uint32_t c;
            i += utf8_decode(once.data + i, once.len - i, &c);
            good = utf8_width(c) >= 0;
        }
        if (!good)
            fail_msg("seed %llu round %d: %s", (unsigned long long)seed, round, str_text(&once));
        str_fini(&once);
        str_fini(&twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_short_sequence),
        cmocka_unit_test(test_named_faults),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_the_locale_changes_nothing),
        cmocka_unit_test(test_cleaning),
        cmocka_unit_test(test_cleaned_text_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
