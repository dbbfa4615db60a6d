#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/kit/theme.h"

static const char *const shipped[] = {"dark", "light", "colour-blind-safe", "mono"};

static void load(const char *name, struct theme *t)
{
    struct err e = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/themes/%s.yaml", SOURCE_DIR, name);
    if (theme_load(t, path, &e) < 0)
        fail_msg("%s", e.msg);
    assert_string_equal(t->name, name);
}

static int parse(const char *text, struct theme *t, struct err *e)
{
    return theme_parse(t, text, strlen(text), "t.yaml", e);
}

static void test_parse(void **state)
{
    (void)state;
    struct theme t;
    struct err e = {0};
    if (parse("name: x\nroles:\n  down: {fg: ['#ff5f5f', bright-red], bg: 17, bold: yes}\n  ok: {}\n  "
              "header:\n",
              &t, &e) < 0)
        fail_msg("%s", e.msg);
    struct look *down = &t.looks[ROLE_DOWN];
    assert_int_equal(down->foreground.rich, 203);
    assert_int_equal(down->foreground.poor, 9);
    assert_int_equal(down->background.rich, 17);
    assert_int_equal(down->bits, STYLE_BOLD);
    /* A role that is written without anything is plain; one that isn't written is as without colours. */
    assert_int_equal(t.looks[ROLE_HEADER].bits, 0);
    assert_int_equal(t.looks[ROLE_SELECTION].bits, STYLE_REVERSE);
}

static void test_errors_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"roles: {}\n", "t.yaml:1:1: "},
        {"name: x\nroles:\n  dwon: {}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {fg: '#ff5f5'}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {fg: '#ff5f5g'}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {fg: '#ff5f5f0'}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {fg: 256}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {fg: -1}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {fg: redd}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {fg: [red]}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {fg: {}}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {bold: maybe}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: {blink: yes}\n", "t.yaml:3:"},
        {"name: x\nroles:\n  down: red\n", "t.yaml:3:"},
        {"name: x\nroles: []\n", "t.yaml:2:"},
        {"name: x\nname: y\n", "t.yaml:2:"},
        {"name: a-name-that-is-much-too-long-for-the-field\n", "t.yaml:1:"},
        {"name: x\ncolours: {}\n", "t.yaml:2:"},
        {"[a\n", "t.yaml:"},
        {"- a\n", "t.yaml:1:"},
        {"", "t.yaml:1:1: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct theme t = {.name = "before"};
        struct err e = {0};
        if (parse(cases[i].text, &t, &e) >= 0)
            fail_msg("no error for: %s", cases[i].text);
        if (strncmp(e.msg, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("%s: wanted \"%s...\", seen \"%s\"", cases[i].text, cases[i].message, e.msg);
        assert_string_equal(t.name, "before");
    }
}

/* ---- what ships */

static void rgb_of(int number, double rgb[3])
{
    static const int base[16][3] = {{0, 0, 0},       {205, 0, 0},   {0, 205, 0},   {205, 205, 0},
                                    {0, 0, 238},     {205, 0, 205}, {0, 205, 205}, {229, 229, 229},
                                    {127, 127, 127}, {255, 0, 0},   {0, 255, 0},   {255, 255, 0},
                                    {92, 92, 255},   {255, 0, 255}, {0, 255, 255}, {255, 255, 255}};
    static const int level[6] = {0, 95, 135, 175, 215, 255};
    for (int i = 0; i < 3; i++) {
        static const int divide[3] = {36, 6, 1};
        rgb[i] = number < 16     ? base[number][i]
                 : number >= 232 ? 8 + 10 * (number - 232)
                                 : level[(number - 16) / divide[i] % 6];
    }
}

/* WCAG 2: relative luminance and contrast. */
static double luminance(int number)
{
    double rgb[3], sum = 0;
    static const double weight[3] = {0.2126, 0.7152, 0.0722};
    rgb_of(number, rgb);
    for (int i = 0; i < 3; i++) {
        double c = rgb[i] / 255;
        sum += weight[i] * (c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static double contrast(int a, int b)
{
    double x = luminance(a), y = luminance(b);
    return x > y ? (x + 0.05) / (y + 0.05) : (y + 0.05) / (x + 0.05);
}

static void test_shipped_themes_are_readable(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct theme t;
        load(shipped[i], &t);
        int ground = strcmp(shipped[i], "light") == 0 ? 231 : 16;
        for (unsigned role = 0; role < ROLE_COUNT; role++) {
            struct theme_paint paint = theme_paint(&t, role, 256);
            int fg = paint.foreground == COLOUR_DEFAULT ? (ground == 16 ? 231 : 16) : paint.foreground;
            int bg = paint.background == COLOUR_DEFAULT ? ground : paint.background;
            /* Lines and what can't be used may be faint, words not. */
            bool faint = role == ROLE_FRAME || role == ROLE_BAR_REST || role == ROLE_DISABLED;
            if (contrast(fg, bg) < (faint ? 3.0 : 4.5))
                fail_msg("%s: %s has a contrast of %.1f", shipped[i], role_name(role), contrast(fg, bg));
        }
    }
}

static void test_every_depth_is_in_range(void **state)
{
    (void)state;
    static const int depths[] = {0, 8, 16, 256};
    for (size_t i = 0; i < 4; i++) {
        struct theme t;
        load(shipped[i], &t);
        for (size_t d = 0; d < 4; d++) {
            for (unsigned style = 0; style < 0x1000; style++) {
                struct theme_paint paint = theme_paint(&t, style, depths[d]);
                assert_in_range(paint.foreground + 1, 0, depths[d]);
                assert_in_range(paint.background + 1, 0, depths[d]);
            }
            /* What is dangerous looks unlike ordinary text at every depth, and so does the selected row. */
            static const enum role loud[] = {ROLE_DANGER, ROLE_SELECTION, ROLE_DEMO, ROLE_BANNER, ROLE_DOWN};
            struct theme_paint text = theme_paint(&t, ROLE_TEXT, depths[d]);
            for (size_t l = 0; l < sizeof loud / sizeof *loud; l++) {
                struct theme_paint paint = theme_paint(&t, loud[l], depths[d]);
                assert_true(memcmp(&paint, &text, sizeof paint) != 0);
                if (paint.foreground != COLOUR_DEFAULT || paint.background != COLOUR_DEFAULT)
                    assert_int_not_equal(paint.foreground, paint.background);
            }
        }
    }
}

static void test_states_differ_without_colour_names(void **state)
{
    (void)state;
    /* In the colour-blind-safe theme no two states share a look, and none is told by red against green. */
    struct theme t;
    load("colour-blind-safe", &t);
    static const enum role states[] = {ROLE_OK, ROLE_DEGRADED, ROLE_DOWN, ROLE_UNKNOWN};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < i; j++) {
            struct theme_paint a = theme_paint(&t, states[i], 256), b = theme_paint(&t, states[j], 256);
            assert_true(memcmp(&a, &b, sizeof a) != 0);
        }
    }
}

static void test_mono_is_what_no_color_shows(void **state)
{
    (void)state;
    struct theme mono, plain;
    load("mono", &mono);
    theme_init(&plain);
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        struct theme_paint a = theme_paint(&mono, role, 256), b = theme_paint(&plain, role, 0);
        assert_int_equal(a.bits, b.bits);
        assert_int_equal(a.foreground, COLOUR_DEFAULT);
        assert_int_equal(a.background, COLOUR_DEFAULT);
    }
}

static void test_missing(void **state)
{
    (void)state;
    struct theme t;
    struct err e = {0};
    assert_int_equal(theme_load(&t, "/nonexistent/theme.yaml", &e), ERR_NOT_FOUND);
    assert_int_equal(theme_load(&t, "no-such-theme", &e), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_errors_say_where),
        cmocka_unit_test(test_shipped_themes_are_readable),
        cmocka_unit_test(test_every_depth_is_in_range),
        cmocka_unit_test(test_states_differ_without_colour_names),
        cmocka_unit_test(test_mono_is_what_no_color_shows),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests_name("theme", tests, NULL, NULL);
}
