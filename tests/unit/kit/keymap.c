#include "tests/unit/kit/golden.h"

#include "tui/kit/keymap.h"

static const struct key_binding table[] = {
    {"? F1", CONTEXT_ANYWHERE, "help", "help for here", "help", 0},
    {"Ctrl-L", CONTEXT_ANYWHERE, "redraw", "draw the screen anew", NULL, 0},
    {"Esc", CONTEXT_ANYWHERE, "back", "back one level, never quits", "back", 0},
    {"Up k", CONTEXT_LIST, "up", "up", NULL, 0},
    {"r", CONTEXT_LIST, "runbooks", "runbooks of this thing", "runbooks", 0},
    {"Enter", CONTEXT_LIST, "open", "open", "open", 0},
    {"b", CONTEXT_LIST, "breaker", "trip or close this breaker", "breaker", KEY_ACTS},
    {"Space", CONTEXT_LIST, "page-down", "page down", NULL, KEY_HIDDEN},
    {"Esc", CONTEXT_EDITOR, "cancel", "leave without an answer", NULL, 0},
    {"Alt-x Shift-Tab \xC3\xA9", CONTEXT_EDITOR, "complete", "complete", NULL, 0},
    {NULL, 0, NULL, NULL, NULL, 0},
};

static const char *found(const enum key_context *stack, size_t depth, const char *name)
{
    struct key key;
    assert_true(key_parse(name, strlen(name), &key));
    const struct key_binding *row = keymap_find(table, stack, depth, &key);
    return row ? row->command : "-";
}

static void test_find(void **state)
{
    (void)state;
    const enum key_context list[] = {CONTEXT_LIST, CONTEXT_ANYWHERE};
    const enum key_context editor[] = {CONTEXT_EDITOR, CONTEXT_LIST, CONTEXT_ANYWHERE};
    assert_string_equal(found(list, 2, "?"), "help");
    assert_string_equal(found(list, 2, "F1"), "help");
    assert_string_equal(found(list, 2, "k"), "up");
    assert_string_equal(found(list, 2, "Esc"), "back");
    assert_string_equal(found(editor, 3, "Esc"), "cancel"); /* innermost first */
    assert_string_equal(found(list, 2, "Space"), "page-down");
    assert_string_equal(found(list, 2, "^L"), "redraw");
    assert_string_equal(found(list, 2, "Ctrl-l"), "redraw");
    assert_string_equal(found(list, 2, "Alt-x"), "-");
    assert_string_equal(found(editor, 3, "\xC3\xA9"), "complete");
    assert_string_equal(found(editor, 3, "Shift-Tab"), "complete");
    assert_string_equal(found(list, 2, "Alt-Enter"), "-"); /* a modifier makes another key */
    assert_string_equal(found(list, 0, "?"), "-");
    assert_string_equal(found(list, 2, "Up"), "up");
    assert_string_equal(found(list, 2, "U"), "-");
}

static void test_names_round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {"a",
                                        "?",
                                        "Z",
                                        "Space",
                                        "Ctrl-L",
                                        "Alt-x",
                                        "Shift-Tab",
                                        "Ctrl-Alt-Left",
                                        "F12",
                                        "PgUp",
                                        "\xE6\xBC\xA2",
                                        "Ctrl-Space",
                                        "Paste",
                                        "-",
                                        "Ctrl--",
                                        "^"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct key key;
        char name[KEY_NAME_SIZE];
        assert_true(key_parse(names[i], strlen(names[i]), &key));
        key_format(&key, name);
        assert_string_equal(name, names[i]);
    }
    static const char *const wrong[] = {"",     "ab",   "Ctrl-",   "Shift-a",     "F13",
                                        "\x1b", "\xFF", "Hyper-x", "\xE2\x80\xAE"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct key key;
        if (key_parse(wrong[i], strlen(wrong[i]), &key))
            fail_msg("%s is taken for a key", wrong[i]);
    }
}

static void test_check(void **state)
{
    (void)state;
    struct err e = {0};
    if (keymap_check(table, &e) < 0)
        fail_msg("%s", e.msg);
    struct key_binding twice[] = {{"a", CONTEXT_LIST, "one", "one", NULL, 0},
                                  {"b Ctrl-a a", CONTEXT_LIST, "two", "two", NULL, 0},
                                  {NULL, 0, NULL, NULL, NULL, 0}};
    assert_int_equal(keymap_check(twice, &e), ERR_SYNTAX);
    assert_string_equal(e.msg, "key table row 2: a is bound in row 1 already");
    twice[1].context = CONTEXT_TEXT;
    assert_int_equal(keymap_check(twice, &e), 0);
    twice[1].keys = "b Strg-a";
    assert_int_equal(keymap_check(twice, &e), ERR_SYNTAX);
    twice[1].keys = "  ";
    assert_int_equal(keymap_check(twice, &e), ERR_SYNTAX);
    twice[1].keys = "b";
    twice[1].help = "";
    assert_int_equal(keymap_check(twice, &e), ERR_SYNTAX);
}

static void test_help_and_bar(void **state)
{
    (void)state;
    const enum key_context stack[] = {CONTEXT_LIST, CONTEXT_ANYWHERE};
    struct canvas *c = canvas_new(70, 12, false);
    struct canvas page = canvas_sub(c, (struct rect){0, 0, 70, 11}),
                  bar = canvas_sub(c, (struct rect){0, 11, 70, 1});
    assert_int_equal(keymap_draw_help(table, stack, 2, true, NULL, &page, 0), 10);
    keymap_draw_bar(table, stack, 2, true, &bar);
    golden_check(c, "help-observer");
    canvas_clear(c, ROLE_TEXT);
    assert_int_equal(keymap_draw_help(table, stack, 2, false, NULL, &page, 4), 10);
    bar = canvas_sub(c, (struct rect){0, 11, 24, 1});
    keymap_draw_bar(table, stack, 2, false, &bar);
    golden_check(c, "help-scrolled");
    canvas_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_names_round_trip),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_help_and_bar),
    };
    return cmocka_run_group_tests_name("keymap", tests, NULL, NULL);
}
