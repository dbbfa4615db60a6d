#include <locale.h>
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

/* Any double is written so that it reads back as itself, in any locale. */
static void test_the_round_trip(void **state)
{
    (void)state;
    uint64_t seed = rng_entropy();
    struct rng r;
    rng_seed(&r, seed);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = rng_next(&r);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (i % 3 == 0)
            value = (double)(int64_t)rng_below(&r, 1ULL << 54) / (double)(1 + rng_below(&r, 1000));
        char text[NUMBER_TEXT_SIZE];
        number_format(value, text);
        bool same = number_parse(text, &back) && (back == value || (isnan(back) && isnan(value)));
        if (!same || strlen(text) >= NUMBER_TEXT_SIZE)
            fail_msg("seed %llu: %a gives %s", (unsigned long long)seed, value, text);
    }
}

static void text_is(double value, const char *expected)
{
    char text[NUMBER_TEXT_SIZE];
    number_format(value, text);
    assert_string_equal(text, expected);
}

static void test_texts_are_short(void **state)
{
    (void)state;
    text_is(0, "0");
    text_is(-0.0, "0");
    text_is(0.1, "0.1");
    text_is(0.31, "0.31");
    text_is(1e15, "1000000000000000");
    text_is(-4.1, "-4.1");
    text_is(1.0 / 3, "0.3333333333333333");
    text_is(NAN, "NaN");
    text_is(INFINITY, "+Inf");
    text_is(-INFINITY, "-Inf");
    text_is(1e300, "1e+300");
}

static void test_what_counts_as_a_number(void **state)
{
    (void)state;
    static const char *const good[] = {"1",    "-1",  "+1",   "1.5",  ".5",
                                       "5.",   "1e9", "1E-9", "+Inf", "-inf",
                                       "Inf",  "NaN", "nan",  "0001", "123456789012345678901234567890",
                                       "1e999"};
    static const char *const bad[] = {"",         "-",      "+",     ".",    "e5",  "1e",    "0x10",
                                      "infinity", "nan(1)", "1 ",    " 1",   "1,5", "1.2.3", "--1",
                                      "+-1",      "1e5.5",  "1_000", "-nan", "true"};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!number_parse(good[i], &value))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (number_parse(bad[i], &value))
            fail_msg("accepted: %s", bad[i]);
    assert_true(number_parse("-9007199254740993", &value) && value == -9007199254740992.0);
    assert_true(number_parse("999999999999999", &value) && value == 999999999999999.0);
}

static void test_scanning_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t used;
    } cases[] = {{"1", 1},       {"-1", 2}, {"0", 1},    {"01", 0}, {"-", 0},   {"1.5x", 3},
                 {"1.", 0},      {".5", 0}, {"1e5,", 3}, {"1e", 0}, {"1e+", 0}, {"+1", 0},
                 {"-0.0e-0", 7}, {"", 0},   {"0x1", 1},  {"12]", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (number_scan_json(cases[i].text, strlen(cases[i].text)) != cases[i].used)
            fail_msg("%s", cases[i].text);
    assert_int_equal(number_scan_json("123", 2), 2); /* never past the length */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_round_trip),
        cmocka_unit_test(test_texts_are_short),
        cmocka_unit_test(test_what_counts_as_a_number),
        cmocka_unit_test(test_scanning_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
