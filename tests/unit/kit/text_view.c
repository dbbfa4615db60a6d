#include "tests/unit/kit/golden.h"

#include <math.h>

#include "tui/kit/widgets.h"

static const char *drawn(struct text_view *v, int width, int height, const struct filter *f, struct str *out)
{
    struct canvas *c = canvas_new(width, height, false);
    str_clear(out);
    text_view_draw(v, c, f);
    canvas_dump(c, out, false);
    canvas_free(c);
    return str_text(out);
}

static void test_scrolling(void **state)
{
    (void)state;
    struct text_view *v = text_view_new();
    struct str out = {0};
    for (int i = 1; i <= 9; i++)
        text_view_addf(v, ROLE_TEXT, "line %d\n", i);
    assert_int_equal(text_view_lines(v), 9);
    assert_string_equal(drawn(v, 10, 3, NULL, &out), "line 1\nline 2\nline 3\n");
    text_view_command(v, "down");
    assert_string_equal(drawn(v, 10, 3, NULL, &out), "line 2\nline 3\nline 4\n");
    text_view_command(v, "page-down");
    assert_string_equal(drawn(v, 10, 3, NULL, &out), "line 4\nline 5\nline 6\n");
    text_view_command(v, "bottom");
    assert_string_equal(drawn(v, 10, 3, NULL, &out), "line 7\nline 8\nline 9\n");
    text_view_command(v, "down"); /* never beyond the end */
    assert_string_equal(drawn(v, 10, 3, NULL, &out), "line 7\nline 8\nline 9\n");
    text_view_command(v, "up");
    assert_string_equal(drawn(v, 10, 3, NULL, &out), "line 6\nline 7\nline 8\n");
    text_view_command(v, "top");
    text_view_command(v, "up");
    assert_string_equal(drawn(v, 10, 3, NULL, &out), "line 1\nline 2\nline 3\n");
    assert_string_equal(drawn(v, 10, 12, NULL, &out),
                        "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\nline 9\n\n\n\n");
    assert_false(text_view_command(v, "nothing"));
    str_fini(&out);
    text_view_free(v);
}

static void test_a_long_line_scrolls_by_rows(void **state)
{
    (void)state;
    struct text_view *v = text_view_new();
    struct str out = {0};
    text_view_add(v, ROLE_TEXT, "aaaabbbbccccddddeeee\nend");
    assert_string_equal(drawn(v, 4, 2, NULL, &out), "aaaa\nbbbb\n");
    text_view_command(v, "down");
    assert_string_equal(drawn(v, 4, 2, NULL, &out), "bbbb\ncccc\n");
    text_view_command(v, "bottom");
    assert_string_equal(drawn(v, 4, 2, NULL, &out), "eeee\nend\n");
    text_view_command(v, "up");
    assert_string_equal(drawn(v, 4, 2, NULL, &out), "dddd\neeee\n");
    text_view_command(v, "wrap");
    text_view_command(v, "top");
    text_view_command(v, "right");
    assert_string_equal(drawn(v, 4, 2, NULL, &out), "cccc\n\n");
    str_fini(&out);
    text_view_free(v);
}

static void test_follow(void **state)
{
    (void)state;
    struct text_view *v = text_view_new();
    struct str out = {0};
    text_view_follow(v, true);
    for (int i = 1; i <= 5; i++)
        text_view_addf(v, ROLE_TEXT, "%d\n", i);
    assert_string_equal(drawn(v, 4, 2, NULL, &out), "4\n5\n");
    text_view_command(v, "up");
    drawn(v, 4, 2, NULL, &out);
    text_view_add(v, ROLE_TEXT, "6\n");
    assert_string_equal(drawn(v, 4, 2, NULL, &out), "3\n4\n"); /* the reader's place is kept */
    text_view_command(v, "bottom");
    drawn(v, 4, 2, NULL, &out);
    text_view_add(v, ROLE_TEXT, "7\n");
    assert_string_equal(drawn(v, 4, 2, NULL, &out), "6\n7\n"); /* and follows again */
    text_view_add(v, ROLE_TEXT, "un");
    text_view_add(v, ROLE_TEXT, "finished");
    assert_string_equal(drawn(v, 10, 2, NULL, &out), "7\nunfinished\n");
    text_view_add(v, ROLE_TEXT, "\r\nnext\n");
    assert_string_equal(drawn(v, 10, 2, NULL, &out), "unfinished\nnext\n");
    str_fini(&out);
    text_view_free(v);
}

static void test_filter(void **state)
{
    (void)state;
    struct text_view *v = text_view_new();
    struct filter *f = filter_new();
    struct str out = {0};
    struct err e = {0};
    for (int i = 1; i <= 20; i++)
        text_view_addf(v, ROLE_TEXT, "%s %d\n", i % 5 ? "ok" : "bad", i);
    filter_set(f, "bad", &e);
    assert_string_equal(drawn(v, 10, 3, f, &out), "bad 5\nbad 10\nbad 15\n");
    text_view_add(v, ROLE_TEXT, "ok 21, now ");
    drawn(v, 30, 3, f, &out);
    text_view_add(v, ROLE_TEXT, "bad\n");
    text_view_command(v, "bottom");
    assert_string_equal(drawn(v, 30, 2, f, &out), "bad 20\nok 21, now bad\n");
    filter_set(f, "nothing like it", &e);
    assert_string_equal(drawn(v, 10, 2, f, &out), "\n\n");
    filter_set(f, "", &e);
    assert_string_equal(drawn(v, 10, 2, f, &out), "ok 1\nok 2\n");
    str_fini(&out);
    filter_free(f);
    text_view_free(v);
}

static void test_bounded(void **state)
{
    (void)state;
    struct text_view *v = text_view_new();
    struct str out = {0};
    char line[1001];
    memset(line, 'x', sizeof line);
    line[1000] = '\n';
    for (int i = 0; i < 30000; i++)
        text_view_add_bytes(v, ROLE_TEXT, line, sizeof line);
    assert_true(text_view_lines(v) <= TEXT_VIEW_BYTES_MAX / 1000 && text_view_lines(v) > 1000);
    text_view_add(v, ROLE_TEXT, "last\n");
    text_view_command(v, "bottom");
    drawn(v, 1000, 2, NULL, &out);
    assert_non_null(strstr(str_text(&out), "last"));
    /* A line that never ends. */
    for (int i = 0; i < 30000; i++)
        text_view_add_bytes(v, ROLE_TEXT, line, 1000);
    drawn(v, 20, 5, NULL, &out);
    text_view_clear(v);
    text_view_add_bytes(v, ROLE_TEXT, "a\0b\x1b[2J", 7);
    assert_string_equal(drawn(v, 40, 1, NULL, &out), "a<U+0000>b<U+001B>[2J\n");
    str_fini(&out);
    text_view_free(v);
}

static void test_plot(void **state)
{
    (void)state;
    double values[60];
    int64_t at[60];
    for (int i = 0; i < 60; i++) {
        values[i] = i == 30 ? NAN : 50 + 45 * sin(i / 6.0);
        at[i] = i * 1000;
    }
    struct plot p = {values, at, 60, 0, 59000, 80, NAN, "ms"};
    struct canvas *c = canvas_new(48, 8, false);
    plot_draw(&p, c, ROLE_PLOT);
    golden_check(c, "plot");
    canvas_free(c);
    c = canvas_new(48, 8, true);
    plot_draw(&p, c, ROLE_PLOT);
    golden_check(c, "plot-ascii");
    canvas_free(c);
    for (int width = 1; width < 24; width++) {
        for (int height = 1; height < 6; height++) {
            c = canvas_new(width, height, false);
            plot_draw(&p, c, ROLE_PLOT);
            canvas_free(c);
        }
    }
    p = (struct plot){values, at, 0, 0, 0, NAN, NAN, NULL};
    c = canvas_new(20, 3, false);
    plot_draw(&p, c, ROLE_PLOT);
    double odd[] = {INFINITY, -INFINITY, NAN, 1e300};
    p = (struct plot){odd, at, 4, 0, 3000, INFINITY, -1e300, NULL};
    plot_draw(&p, c, ROLE_PLOT);
    canvas_free(c);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},       {1, "1"},          {0.031, "0.031"}, {2.9, "2.90"},       {41, "41"},
        {412.4, "412"}, {9999, "9999"},    {12500, "12.5k"}, {-12500, "-12.5k"},  {3.2e6, "3.20M"},
        {NAN, "-"},     {INFINITY, "inf"}, {1e300, "inf"},   {-INFINITY, "-inf"}, {0.00001, "1e-05"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[PLOT_NUMBER_SIZE];
        plot_number(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
        assert_true(strlen(text) <= 6);
    }
}

static void test_popup(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(30, 7, false);
    canvas_fill(c, (struct rect){0, 0, 30, 7}, ROLE_OK, 'x');
    struct canvas in = popup_draw(c, 16, 5, "Leave?");
    canvas_put(&in, 1, 1, ROLE_POPUP, "y / n");
    golden_check(c, "popup");
    in = popup_draw(c, 100, 100, "Bigger than the screen");
    assert_int_equal(canvas_width(&in), 28);
    canvas_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scrolling), cmocka_unit_test(test_a_long_line_scrolls_by_rows),
        cmocka_unit_test(test_follow),    cmocka_unit_test(test_filter),
        cmocka_unit_test(test_bounded),   cmocka_unit_test(test_plot),
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_popup),
    };
    return cmocka_run_group_tests_name("text_view", tests, NULL, NULL);
}
