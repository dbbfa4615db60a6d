#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/kit/squeeze.h"

static void expect(const char *bytes, const char *wanted)
{
    struct str out = {0};
    str_add(&out, "kept\x1b[1m");
    size_t start = out.len;
    str_add(&out, bytes);
    squeeze(&out, start, "\x1b]104\x07");
    assert_string_equal(out.data + start, wanted);
    assert_int_equal(strlen(out.data), out.len);
    assert_memory_equal(out.data, "kept\x1b[1m", start);
    str_fini(&out);
}

static void test_cases(void **state)
{
    (void)state;
    expect("", "");
    expect("text", "text");
    expect("\x1b[1m\x1b[31mx", "\x1b[1;31mx");
    expect("\x1b[39m\x1b(B\x1b[mx", "\x1b[mx");
    expect("\x1b[31m\x1b[0;1m\x1b[38;5;203mx", "\x1b[0;1;38;5;203mx");
    expect("\x1b[m\x1b[31mx", "\x1b[0;31mx");
    expect("\x1b[0m\x1b[mx", "\x1b[mx");
    expect("\x1b[31mx\x1b[32m", "\x1b[31mx\x1b[32m");
    expect("\x1b[31m\x1b[5;5H\x1b[32mx",
           "\x1b[31m\x1b[5;5H\x1b[32mx"); /* a movement in between stays in between */
    expect("\x1b]104\x07x\x1b]104\x07", "x");
    expect("\x1b[4:3m\x1b[31mx", "\x1b[4:3m\x1b[31mx");
    expect("\x1b[", "\x1b[");
    expect("\x1b[31", "\x1b[31");
    expect("\x1b", "\x1b");
    expect("\x1b[?25l\x1b[m", "\x1b[?25l\x1b[m");
    expect("\x1b[1m\x1b[2m\x1b[3m\x1b[4m\x1b[5m\x1b[7m\x1b[8m\x1b[9m\x1b[1m\x1b[2m\x1b[3m\x1b[4m\x1b[5mx",
           "\x1b[1;2;3;4;5;7;8;9;1;2;3;4m\x1b[5mx");
    expect("\x1b[11111111111111111111111111111111111111111111111111111m\x1b[1mx",
           "\x1b[11111111111111111111111111111111111111111111111111111m\x1b[1mx");
}

/* A terminal that knows only SGR: the attributes under every character are the same, and it's never longer.
 */
struct look {
    int bold, foreground;
};

static void render(const char *bytes, struct str *out)
{
    struct look look = {0, 39};
    while (*bytes) {
        if (bytes[0] == 0x1b && bytes[1] == '[' && bytes[2 + strspn(bytes + 2, "0123456789;")] == 'm') {
            bytes += 2;
            do {
                bytes += *bytes == ';';
                int number = (int)strtol(bytes, (char **)(uintptr_t)&bytes, 10);
                if (number == 0)
                    look = (struct look){0, 39};
                else if (number == 1)
                    look.bold = 1;
                else if (number == 38) {
                    bytes += 3; /* ;5; */
                    look.foreground = (int)strtol(bytes, (char **)(uintptr_t)&bytes, 10) + 1000;
                } else
                    look.foreground = number;
            } while (*bytes == ';');
            bytes++;
        } else if (strncmp(bytes, "\x1b(B", 3) == 0) {
            bytes += 3;
        } else {
            str_addf(out, "%c%d,%d ", *bytes++, look.bold, look.foreground);
        }
    }
}

static void test_the_picture_is_the_same(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "\x1b[m", "\x1b[0m", "\x1b[1m",   "\x1b[31m",  "\x1b[38;5;203m", "\x1b[39m",  "\x1b(B",
        "x",      "yz",      "\x1b[0;1m", "\x1b[5;7H", "\xE2\x9C\x93",   "\x1b[1;34m"};
    struct rng rng;
    rng_seed(&rng, 3);
    for (int round = 0; round < 3000; round++) {
        struct str before = {0}, after = {0}, a = {0}, b = {0};
        for (uint64_t i = rng_below(&rng, 30); i > 0; i--)
            str_add(&before, pieces[rng_below(&rng, sizeof pieces / sizeof *pieces)]);
        str_add(&before, "e"); /* what follows counts too */
        str_add_bytes(&after, before.data, before.len);
        squeeze(&after, 0, NULL);
        assert_true(after.len <= before.len);
        render(before.data, &a);
        render(after.data, &b);
        assert_string_equal(str_text(&a), str_text(&b));
        str_fini(&before);
        str_fini(&after);
        str_fini(&a);
        str_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_the_picture_is_the_same),
    };
    return cmocka_run_group_tests_name("squeeze", tests, NULL, NULL);
}
