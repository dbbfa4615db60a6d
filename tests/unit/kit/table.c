#include "tests/unit/kit/golden.h"

#include "tui/kit/widgets.h"

struct row {
    char name[16];
    int value;
};

struct rows {
    struct row list[64];
    size_t count;
};

static size_t row_count(void *data)
{
    return ((struct rows *)data)->count;
}

static const char *row_identity(void *data, size_t row)
{
    return ((struct rows *)data)->list[row].name;
}

static void row_cell(void *data, size_t row, size_t column, struct table_cell *cell)
{
    struct row *r = &((struct rows *)data)->list[row];
    if (column == 0)
        snprintf(cell->text, sizeof cell->text, "%s", r->name);
    else
        snprintf(cell->text, sizeof cell->text, "%d", r->value);
    cell->style = r->value > 5 ? ROLE_DOWN : ROLE_TEXT;
}

static int row_compare(void *data, size_t a, size_t b, size_t column)
{
    struct row *list = ((struct rows *)data)->list;
    if (column == 0)
        return strcmp(list[a].name, list[b].name);
    return (list[a].value > list[b].value) - (list[a].value < list[b].value);
}

static const struct table_column columns[] = {
    {.title = "Name", .width = 6, .grow = 1},
    {.title = "Value", .width = 6, .align = ALIGN_RIGHT, .priority = 1},
};

static struct table_source source_of(struct rows *rows)
{
    return (struct table_source){rows, row_count, row_identity, row_cell, row_compare, NULL};
}

static void fill(struct rows *rows, const char *names)
{
    rows->count = 0;
    for (const char *n = names; *n; n++) {
        rows->list[rows->count] = (struct row){.value = (int)rows->count};
        snprintf(rows->list[rows->count++].name, sizeof rows->list[0].name, "%c", *n);
    }
}

static void test_selection_stays_on_its_thing(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct table_source source = source_of(&rows);
    struct table *t = table_new(columns, 2, 0);
    fill(&rows, "dbca");
    table_update(t, &source, NULL);
    assert_string_equal(table_selected(t), "a");
    assert_true(table_command(t, "down"));
    assert_true(table_command(t, "down"));
    assert_string_equal(table_selected(t), "c");
    assert_int_equal(table_selected_row(t), 2);
    /* The list re-sorts under it. */
    assert_true(table_command(t, "sort-reverse"));
    table_update(t, &source, NULL);
    assert_string_equal(table_selected(t), "c");
    fill(&rows, "zzcyx");
    rows.list[1].name[0] = 'w';
    table_update(t, &source, NULL);
    assert_string_equal(table_selected(t), "c");
    /* Gone: the row that took its place. */
    fill(&rows, "zyxw");
    table_update(t, &source, NULL);
    assert_non_null(table_selected(t));
    fill(&rows, "");
    table_update(t, &source, NULL);
    assert_null(table_selected(t));
    assert_int_equal(table_selected_row(t), -1);
    assert_true(table_command(t, "down"));
    assert_true(table_command(t, "bottom"));
    fill(&rows, "ab");
    table_update(t, &source, NULL);
    assert_non_null(table_selected(t));
    table_free(t);
}

static void test_a_key_between_change_and_update(void **state)
{
    (void)state;
    /* The source has changed, nobody has told the table yet, and a key moves: what was on the screen counts.
     */
    struct rows rows = {0};
    struct table_source source = source_of(&rows);
    struct table *t = table_new(columns, 2, -1);
    fill(&rows, "abc");
    table_update(t, &source, NULL);
    fill(&rows, "cxb");
    table_command(t, "down");
    assert_string_equal(table_selected(t), "b");
    table_update(t, &source, NULL);
    assert_string_equal(table_selected(t), "b");
    assert_int_equal(table_selected_row(t), 2);
    table_free(t);
}

static void test_filter_and_sort(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct table_source source = source_of(&rows);
    struct table *t = table_new(columns, 2, 0);
    struct filter *f = filter_new();
    struct err e = {0};
    fill(&rows, "edcba");
    assert_int_equal(filter_set(f, "![bd]", &e), 0);
    table_update(t, &source, f);
    assert_int_equal(table_rows(t), 3);
    assert_int_equal(table_total(t), 5);
    assert_string_equal(table_selected(t), "a");
    table_command(t, "bottom");
    assert_string_equal(table_selected(t), "e");
    int column;
    bool reverse;
    table_command(t, "sort");
    table_sorting(t, &column, &reverse);
    assert_int_equal(column, 1);
    table_update(t, &source, f);
    table_command(t, "top");
    assert_string_equal(table_selected(t), "e");
    table_command(t, "sort");
    table_sorting(t, &column, &reverse);
    assert_int_equal(column, -1);
    assert_true(table_select(t, "c"));
    assert_string_equal(table_selected(t), "c");
    assert_false(table_select(t, "d"));
    assert_false(table_command(t, "no-such-command"));
    assert_false(table_command(t, NULL));
    table_free(t);
    filter_free(f);
}

static void test_golden(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct table_source source = source_of(&rows);
    struct table *t = table_new(columns, 2, 1);
    fill(&rows, "abcdefghijkl");
    table_update(t, &source, NULL);
    for (int i = 0; i < 8; i++)
        table_command(t, "down");
    struct canvas *c = canvas_new(24, 6, false);
    table_draw(t, &source, c, true);
    golden_check(c, "table");
    canvas_free(c);
    for (int width = 1; width < 30; width++) {
        for (int height = 1; height < 20; height++) {
            c = canvas_new(width, height, false);
            table_draw(t, &source, c, false);
            canvas_free(c);
        }
    }
    c = canvas_new(9, 4, true);
    table_draw(t, &source, c, false);
    golden_check(c, "table-narrow");
    canvas_free(c);
    table_free(t);
}

static void test_filters(void **state)
{
    (void)state;
    struct filter *f = filter_new();
    struct err e = {0};
    assert_false(filter_active(f));
    assert_true(filter_match(f, "anything"));
    assert_true(filter_match(NULL, "anything"));
    assert_int_equal(filter_set(f, "SHARD", &e), 0);
    assert_true(filter_match(f, "docs/shard-5"));
    assert_int_equal(filter_set(f, "!shard", &e), 0);
    assert_false(filter_match(f, "docs/shard-5"));
    assert_int_equal(filter_set(f, "sh[a-z]+-[0-4]$", &e), 0);
    assert_false(filter_match(f, "docs/shard-5"));
    assert_true(filter_match(f, "docs/SHARD-4"));
    assert_int_equal(filter_set(f, "(", &e), ERR_SYNTAX);
    assert_string_equal(filter_text(f), "sh[a-z]+-[0-4]$"); /* the old one stays */
    assert_true(filter_match(f, "docs/shard-4"));
    assert_int_equal(filter_set(f, "!", &e), 0);
    assert_false(filter_active(f));
    assert_true(filter_match(f, "x"));
    assert_int_equal(filter_set(f, "", &e), 0);
    assert_false(filter_active(f));
    char *text = xcalloc(1, 1 << 20);
    memset(text, 'a', (1 << 20) - 1);
    assert_int_equal(filter_set(f, "^a+$", &e), 0);
    assert_true(filter_match(f, text));
    free(text);
    filter_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection_stays_on_its_thing),
        cmocka_unit_test(test_a_key_between_change_and_update),
        cmocka_unit_test(test_filter_and_sort),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_filters),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
