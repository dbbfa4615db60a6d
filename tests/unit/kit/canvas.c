#include "tests/unit/kit/golden.h"

#include <math.h>

/* Every wide character has its right half beside it, every right half its character: whatever was drawn. */
static void check_grid(const struct canvas *c)
{
    const struct grid *g = c->grid;
    for (int y = 0; y < g->height; y++) {
        for (int x = 0; x < g->width; x++) {
            const struct cell *cell = &g->cells[y * g->width + x];
            if (cell->width == 2) {
                assert_true(x + 1 < g->width);
                assert_int_equal(cell[1].width, 0);
            } else if (cell->width == 0) {
                assert_true(x > 0);
                assert_int_equal(cell[-1].width, 2);
            } else {
                assert_int_equal(cell->width, 1);
                assert_true(utf8_width(cell->code[0]) == 1);
            }
        }
    }
}

static void text_of(const struct canvas *c, struct str *out)
{
    str_clear(out);
    canvas_dump(c, out, false);
}

static void expect_row(const char *text, bool ascii, const char *row, int columns)
{
    struct canvas *c = canvas_new(40, 1, ascii);
    struct str seen = {0}, wanted = {0};
    str_addf(&wanted, "%s\n", row);
    int end = canvas_put(c, 0, 0, ROLE_TEXT, text);
    text_of(c, &seen);
    assert_string_equal(str_text(&seen), str_text(&wanted));
    assert_int_equal(end, columns);
    assert_int_equal(canvas_columns(c, text), columns);
    check_grid(c);
    str_fini(&seen);
    str_fini(&wanted);
    canvas_free(c);
}

static void test_text_never_lies(void **state)
{
    (void)state;
    expect_row("plain", false, "plain", 5);
    expect_row("a\xE2\x80\xAE"
               "b",
               false, "a<U+202E>b", 10);
    expect_row("esc\x1b[31m", false, "esc<U+001B>[31m", 15);
    expect_row("\xC2\x9B"
               "1m",
               false, "<U+009B>1m", 10);
    expect_row("bad\xFF\xC3", false, "bad<0xFF><0xC3>", 15);
    expect_row("tab\tnew\nline", false, "tab new line", 12);
    expect_row("e\xCC\x81", false, "e\xCC\x81", 1);
    expect_row("\xCC\x81", false, "<U+0301>", 8); /* nothing to stand on */
    expect_row("e\xCC\x81\xCC\x81\xCC\x81", false, "e\xCC\x81\xCC\x81<U+0301>", 9);
    expect_row("\xE6\xBC\xA2\xE5\xAD\x97", false, "\xE6\xBC\xA2\xE5\xAD\x97", 4);
    expect_row("\xEF\xBB\xBF", false, "<U+FEFF>", 8);
}

static void test_ascii_forms(void **state)
{
    (void)state;
    expect_row("\xE2\x9C\x93 \xE2\x9C\x97 \xE2\x97\x8F \xE2\x97\x90 \xE2\x96\xB6 \xE2\x80\xA6", true,
               "+ X o % > ~", 11);
    expect_row("caf\xC3\xA9", true, "caf<U+00E9>", 11);
    expect_row("e\xCC\x81", true, "e<U+0301>", 9);
    expect_row("\xE2\x96\x81\xE2\x96\x88", true, "_#", 2);
    for (int glyph = 0; glyph < GLYPH_COUNT; glyph++) {
        char wide[5], narrow[5];
        assert_int_equal(utf8_columns(glyph_text((enum glyph)glyph, false, wide)), 1);
        glyph_text((enum glyph)glyph, true, narrow);
        assert_true(narrow[0] >= 0x20 && narrow[0] < 0x7F && narrow[1] == '\0');
    }
}

static void test_wide_characters_are_clipped_whole(void **state)
{
    (void)state;
    const char *wide = "\xE6\xBC\xA2\xE5\xAD\x97"; /* two of them */
    struct canvas *c = canvas_new(6, 1, false);
    for (int x = -4; x < 8; x++) {
        canvas_clear(c, ROLE_TEXT);
        assert_int_equal(canvas_put(c, x, 0, ROLE_TEXT, wide), x + 4);
        check_grid(c);
    }
    /* Overwriting one half takes the other along, even outside the window. */
    canvas_clear(c, ROLE_TEXT);
    canvas_put(c, 1, 0, ROLE_TEXT, wide);
    struct canvas window = canvas_sub(c, (struct rect){2, 0, 2, 1});
    canvas_put(&window, 0, 0, ROLE_TEXT, "xy");
    check_grid(c);
    struct str seen = {0};
    text_of(c, &seen);
    assert_string_equal(str_text(&seen), "  xy\n");
    str_fini(&seen);
    canvas_free(c);
}

static void test_random_drawing_keeps_the_grid_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a",
        "\xE6\xBC\xA2",
        "e\xCC\x81",
        "\xF0\x9F\x94\xA5 fire",
        "\xE2\x80\xAE",
        "\xFF\xFE",
        "long text here",
        "\xCC\x81",
        "",
    };
    struct rng rng;
    uint64_t seed = 20261122;
    rng_seed(&rng, seed);
    for (int round = 0; round < 300; round++) {
        struct canvas *c =
            canvas_new((int)rng_below(&rng, 12) + 1, (int)rng_below(&rng, 5) + 1, round % 3 == 0);
        for (int i = 0; i < 60; i++) {
            struct rect r = {(int)rng_below(&rng, 16) - 4, (int)rng_below(&rng, 9) - 2,
                             (int)rng_below(&rng, 14) - 1, (int)rng_below(&rng, 7) - 1};
            struct canvas window = canvas_sub(c, r);
            const char *text = texts[rng_below(&rng, sizeof texts / sizeof *texts)];
            int x = (int)rng_below(&rng, 20) - 6, y = (int)rng_below(&rng, 8) - 2;
            int width = (int)rng_below(&rng, 12) - 1;
            switch (rng_below(&rng, 9)) {
            case 0:
                canvas_put(&window, x, y, ROLE_OK, text);
                break;
            case 1:
                assert_true(canvas_put_cut(&window, x, y, width, ROLE_OK, text) <=
                            (width > 0 ? x + width : x));
                break;
            case 2:
                canvas_put_right(&window, x, y, width, ROLE_OK, text);
                break;
            case 3:
                canvas_put_wrapped(&window, x, y, width, ROLE_OK, text);
                break;
            case 4:
                canvas_fill(&window, r, ROLE_DOWN, 0x6F22);
                break;
            case 5:
                canvas_frame(&window, ROLE_FRAME, text, "note", "2s");
                break;
            case 6:
                canvas_bar(&window, x, y, width, ROLE_BAR, rng_unit(&rng) * 2 - 0.5);
                break;
            case 7:
                canvas_restyle(&window, r, ROLE_SELECTION);
                break;
            default:
                canvas_clear(&window, ROLE_TEXT);
            }
            check_grid(c);
        }
        canvas_free(c);
    }
}

static void test_clip(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(10, 4, false);
    canvas_fill(c, (struct rect){-5, -5, 100, 100}, ROLE_TEXT, '.');
    struct canvas window = canvas_sub(c, (struct rect){7, 2, 10, 10});
    canvas_fill(&window, (struct rect){-100, -100, 1000, 1000}, ROLE_TEXT, '#');
    struct canvas inner = canvas_sub(&window, (struct rect){-3, -3, 4, 4});
    canvas_fill(&inner, (struct rect){0, 0, 4, 4}, ROLE_TEXT, 'i');
    struct str seen = {0};
    text_of(c, &seen);
    assert_string_equal(str_text(&seen), "..........\n..........\n.......i##\n.......###\n");
    str_fini(&seen);
    canvas_cursor(&window, 1, 1);
    assert_true(c->grid->cursor_shown);
    canvas_cursor(&window, 5, 1);
    assert_false(c->grid->cursor_shown);
    canvas_free(c);
}

static void test_cut_and_right(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(12, 4, false);
    assert_int_equal(canvas_put_cut(c, 0, 0, 5, ROLE_TEXT, "exact"), 5);
    assert_int_equal(canvas_put_cut(c, 0, 1, 5, ROLE_TEXT, "longer"), 5);
    assert_int_equal(canvas_put_cut(c, 0, 2, 4, ROLE_TEXT, "\xE6\xBC\xA2\xE5\xAD\x97\xE6\xBC\xA2"), 3);
    assert_int_equal(canvas_put_right(c, 0, 3, 10, ROLE_TEXT, "end"), 7);
    struct str seen = {0};
    text_of(c, &seen);
    assert_string_equal(str_text(&seen), "exact\nlong\xE2\x80\xA6\n\xE6\xBC\xA2\xE2\x80\xA6\n       end\n");
    str_fini(&seen);
    canvas_free(c);
}

static void test_wrapping_leaves_nothing_out(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(10, 8, false);
    const char *text = "one two three\n  indented\nabcdefghijklmnop";
    assert_int_equal(canvas_put_wrapped(c, 0, 0, 10, ROLE_TEXT, text), 5);
    assert_int_equal(canvas_wrapped_rows(c, 10, text), 5);
    struct str seen = {0};
    text_of(c, &seen);
    assert_string_equal(str_text(&seen), "one two\nthree\n  indented\nabcdefghij\nklmnop\n\n\n\n");
    canvas_clear(c, ROLE_TEXT);
    /* A row that goes on for want of room says so; a real newline doesn't. */
    canvas_put_command(c, 0, 0, 10, ROLE_TEXT, "rm -rf /tmp/x\nls");
    text_of(c, &seen);
    assert_string_equal(str_text(&seen), "rm -rf \\\n/tmp/x\nls\n\n\n\n\n\n");
    str_fini(&seen);
    canvas_free(c);
}

/* Whatever the width, the rows joined hold every character but the blanks at breaks. */
static void test_wrapping_property(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 7);
    for (int round = 0; round < 400; round++) {
        char text[80];
        size_t length = rng_below(&rng, sizeof text);
        for (size_t i = 0; i < length; i++)
            text[i] = "abc  \n"[rng_below(&rng, 6)];
        text[length] = '\0';
        int width = (int)rng_below(&rng, 12) + 1;
        struct canvas *c = canvas_new(width, 120, false);
        int rows = canvas_put_wrapped(c, 0, 0, width, ROLE_TEXT, text);
        assert_true(rows <= 120);
        assert_int_equal(rows, canvas_wrapped_rows(c, width, text));
        struct str seen = {0};
        text_of(c, &seen);
        size_t at = 0;
        for (size_t i = 0; i < length; i++) {
            if (text[i] == ' ' || text[i] == '\n')
                continue;
            while (seen.data[at] == ' ' || seen.data[at] == '\n')
                at++;
            assert_int_equal(seen.data[at++], text[i]);
        }
        str_fini(&seen);
        canvas_free(c);
    }
}

/* A shell that reads the rows as they stand on the screen reads the command. */
static void test_command_property(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 8);
    for (int round = 0; round < 400; round++) {
        char text[80];
        size_t length = rng_below(&rng, sizeof text);
        for (size_t i = 0; i < length; i++)
            text[i] = "abc  \n"[rng_below(&rng, 6)];
        text[length] = '\0';
        int width = (int)rng_below(&rng, 12) + 2;
        struct canvas *c = canvas_new(width, 200, false);
        int rows = canvas_put_command(c, 0, 0, width, ROLE_STRONG, text);
        struct str read = {0};
        for (int y = 0; y < rows; y++) {
            const struct cell *row = &c->grid->cells[y * width];
            int end = 0;
            while (end < width && row[end].style == ROLE_STRONG)
                str_add_char(&read, (char)row[end++].code[0]);
            bool joined = end < width && row[end].code[0] == '\\';
            if (!joined && (y + 1 < rows || (length > 0 && text[length - 1] == '\n')))
                str_add_char(&read, '\n');
        }
        assert_string_equal(str_text(&read), text);
        str_fini(&read);
        canvas_free(c);
    }
}

static void draw_panel(struct canvas *c)
{
    static const double values[] = {0, 1, 2, 3, 4, 5, 6, 7, NAN, 8};
    canvas_frame(c, ROLE_FRAME, "1 Breakers", "1 open \xC2\xB7 11 closed", "2s");
    struct canvas in = canvas_inside(c);
    int x = canvas_put_glyph(&in, 1, 0, ROLE_DOWN, GLYPH_DOWN);
    x = canvas_put(&in, x + 1, 0, ROLE_TEXT, "llm-primary");
    canvas_put(&in, x + 2, 0, ROLE_DOWN | STYLE_BOLD, "OPEN");
    canvas_put_glyph(&in, 1, 1, ROLE_DEGRADED, GLYPH_HALF);
    canvas_put(&in, 3, 1, ROLE_TEXT, "reranker");
    canvas_spark(&in, 20, 1, 12, ROLE_PLOT, values, 10, 0, 0);
    canvas_bar(&in, 1, 2, 20, ROLE_BAR, 0.6);
    canvas_putf(&in, 22, 2, ROLE_TEXT, "%d%%", 60);
    canvas_restyle(&in, (struct rect){0, 1, 15, 1}, ROLE_SELECTION);
}

static void test_panel_golden(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(46, 5, false);
    draw_panel(c);
    golden_check(c, "panel");
    canvas_free(c);
    c = canvas_new(46, 5, true);
    draw_panel(c);
    golden_check(c, "panel-ascii");
    canvas_free(c);
    c = canvas_new(14, 3, false);
    draw_panel(c);
    golden_check(c, "panel-narrow");
    canvas_free(c);
}

static void test_sizes(void **state)
{
    (void)state;
    for (int width = 0; width < 30; width++) {
        for (int height = 0; height < 6; height++) {
            struct canvas *c = canvas_new(width, height, false);
            draw_panel(c);
            check_grid(c);
            canvas_free(c);
        }
    }
    struct canvas *c = canvas_new(1 << 20, 1 << 20, false);
    assert_int_equal(canvas_width(c), CANVAS_WIDTH_MAX);
    assert_int_equal(canvas_height(c), CANVAS_HEIGHT_MAX);
    canvas_resize(c, -3, 0);
    assert_int_equal(canvas_width(c), 1);
    assert_int_equal(canvas_height(c), 1);
    canvas_free(c);
}

static void test_spark_and_bar(void **state)
{
    (void)state;
    struct canvas *c = canvas_new(8, 1, false);
    struct str seen = {0};
    double flat[] = {5, 5, 5}, odd[] = {INFINITY, -INFINITY, NAN, 1};
    canvas_spark(c, 0, 0, 8, ROLE_PLOT, flat, 3, 5, 5);
    text_of(c, &seen);
    assert_string_equal(str_text(&seen), "     \xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\n");
    canvas_spark(c, 0, 0, 8, ROLE_PLOT, odd, 4, 0, 0);
    canvas_spark(c, 0, 0, 0, ROLE_PLOT, odd, 4, 0, 0);
    canvas_spark(c, 0, 0, 8, ROLE_PLOT, NULL, 0, 0, 0);
    text_of(c, &seen);
    assert_string_equal(str_text(&seen), "\n");
    canvas_bar(c, 0, 0, 8, ROLE_BAR, 0.999);
    text_of(c, &seen);
    assert_null(strstr(str_text(&seen), "\xE2\x96\x88\n")); /* full only at 1 */
    canvas_bar(c, 0, 0, 8, ROLE_BAR, NAN);
    canvas_bar(c, 0, 0, 8, ROLE_BAR, INFINITY);
    text_of(c, &seen);
    assert_int_equal(seen.len, 8 * 3 + 1);
    str_fini(&seen);
    canvas_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_never_lies),
        cmocka_unit_test(test_ascii_forms),
        cmocka_unit_test(test_wide_characters_are_clipped_whole),
        cmocka_unit_test(test_random_drawing_keeps_the_grid_whole),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_cut_and_right),
        cmocka_unit_test(test_wrapping_leaves_nothing_out),
        cmocka_unit_test(test_wrapping_property),
        cmocka_unit_test(test_command_property),
        cmocka_unit_test(test_panel_golden),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_spark_and_bar),
    };
    return cmocka_run_group_tests_name("canvas", tests, NULL, NULL);
}
