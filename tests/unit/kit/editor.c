#include "tests/unit/kit/golden.h"

#include "tui/kit/widgets.h"

static void type(struct editor *ed, const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        struct key key = {0};
        size_t used = utf8_decode(text, length, &key.code);
        assert_int_equal(editor_type(ed, &key), EDITOR_CHANGED);
        text += used;
        length -= used;
    }
}

static enum editor_answer paste(struct editor *ed, const char *text)
{
    struct key key = {.code = SYM_PASTE, .text = text, .length = strlen(text)};
    return editor_type(ed, &key);
}

static void test_editing(void **state)
{
    (void)state;
    struct editor *ed = editor_new(&(struct editor_options){.prompt = ":"});
    type(ed, "restore the snapshot");
    editor_command(ed, "erase-word");
    assert_string_equal(editor_text(ed), "restore the ");
    editor_command(ed, "word-left");
    editor_command(ed, "word-left");
    type(ed, "x");
    assert_string_equal(editor_text(ed), "xrestore the ");
    editor_command(ed, "erase-left");
    editor_command(ed, "erase-right");
    assert_string_equal(editor_text(ed), "estore the ");
    editor_command(ed, "line-end");
    editor_command(ed, "cursor-left");
    editor_command(ed, "erase-to-end");
    assert_string_equal(editor_text(ed), "estore the");
    editor_command(ed, "line-start");
    editor_command(ed, "word-right");
    editor_command(ed, "erase-to-end");
    assert_string_equal(editor_text(ed), "estore");
    editor_command(ed, "erase-line");
    assert_string_equal(editor_text(ed), "");
    /* At the edges nothing happens. */
    static const char *const commands[] = {"cursor-left",  "cursor-right",   "word-left",  "word-right",
                                           "erase-left",   "erase-right",    "erase-word", "erase-line",
                                           "erase-to-end", "line-start",     "line-end",   "complete",
                                           "history-back", "history-forward"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        editor_command(ed, commands[i]);
    assert_string_equal(editor_text(ed), "");
    assert_int_equal(editor_command(ed, "cancel"), EDITOR_CANCELLED);
    assert_int_equal(editor_command(ed, "fly"), EDITOR_IGNORED);
    editor_free(ed);
}

static void test_characters_stay_whole(void **state)
{
    (void)state;
    struct editor *ed = editor_new(&(struct editor_options){.prompt = ">"});
    type(ed, "ae\xCC\x81\xE6\xBC\xA2");
    editor_command(ed, "cursor-left");
    editor_command(ed, "erase-left"); /* the e and its accent */
    assert_string_equal(editor_text(ed), "a\xE6\xBC\xA2");
    editor_command(ed, "erase-right");
    assert_string_equal(editor_text(ed), "a");
    struct key alt = {.code = 'x', .modifiers = MOD_ALT}, symbol = {.code = SYM_UP}, control = {.code = 7};
    assert_int_equal(editor_type(ed, &alt), EDITOR_IGNORED);
    assert_int_equal(editor_type(ed, &symbol), EDITOR_IGNORED);
    assert_int_equal(editor_type(ed, &control), EDITOR_IGNORED);
    editor_free(ed);
}

static void test_random_editing_keeps_utf8(void **state)
{
    (void)state;
    static const char *const commands[] = {"cursor-left", "cursor-right", "word-left",      "word-right",
                                           "line-start",  "line-end",     "erase-left",     "erase-right",
                                           "erase-word",  "history-back", "history-forward"};
    static const uint32_t codes[] = {'a', ' ', 0xE9, 0x6F22, 0x301, 0x1F525};
    struct rng rng;
    rng_seed(&rng, 5);
    struct editor *ed = editor_new(&(struct editor_options){.prompt = ":", .history = true});
    struct canvas *c = canvas_new(7, 2, false);
    for (int i = 0; i < 20000; i++) {
        struct key key = {.code = codes[rng_below(&rng, 6)]};
        if (rng_below(&rng, 2))
            editor_type(ed, &key);
        else
            editor_command(ed, commands[rng_below(&rng, 11)]);
        if (rng_below(&rng, 50) == 0) {
            editor_command(ed, "accept");
            editor_set(ed, "");
        }
        assert_true(utf8_valid(editor_text(ed), strlen(editor_text(ed)), NULL));
        editor_draw(ed, c, ROLE_INPUT);
        assert_true(c->grid->cursor_shown);
    }
    canvas_free(c);
    editor_free(ed);
}

static void test_paste(void **state)
{
    (void)state;
    struct editor *ed = editor_new(&(struct editor_options){.prompt = ">"});
    assert_int_equal(paste(ed, "two\r\nlines\n"), EDITOR_CHANGED);
    assert_string_equal(editor_text(ed), "two  lines");
    editor_set(ed, "");
    assert_int_equal(paste(ed, "\x1b[31m\xFF\xE2\x80\xAE"), EDITOR_CHANGED);
    assert_string_equal(editor_text(ed), "<U+001B>[31m<0xFF><U+202E>");
    char *big = xcalloc(1, EDITOR_TEXT_MAX + 2);
    memset(big, 'b', EDITOR_TEXT_MAX + 1);
    editor_set(ed, "kept");
    assert_int_equal(paste(ed, big), EDITOR_FULL);
    assert_string_equal(editor_text(ed), "kept");
    free(big);
    editor_free(ed);
    ed = editor_new(&(struct editor_options){.prompt = ">", .refuse_paste = true});
    assert_int_equal(paste(ed, "shard-5"), EDITOR_REFUSED);
    assert_string_equal(editor_text(ed), "");
    editor_free(ed);
}

static void test_history(void **state)
{
    (void)state;
    struct editor *ed = editor_new(&(struct editor_options){.prompt = ":", .history = true});
    static const char *const lines[] = {"one", "two", "two", "", "three"};
    for (size_t i = 0; i < 5; i++) {
        editor_set(ed, lines[i]);
        assert_int_equal(editor_command(ed, "accept"), EDITOR_ACCEPTED);
    }
    editor_set(ed, "typing");
    editor_command(ed, "history-back");
    assert_string_equal(editor_text(ed), "three");
    editor_command(ed, "history-back");
    assert_string_equal(editor_text(ed), "two");
    editor_command(ed, "history-back");
    assert_string_equal(editor_text(ed), "one");
    editor_command(ed, "history-back");
    assert_string_equal(editor_text(ed), "one");
    for (int i = 0; i < 3; i++)
        editor_command(ed, "history-forward");
    assert_string_equal(editor_text(ed), "typing");
    for (int i = 0; i < 500; i++) {
        char line[24];
        snprintf(line, sizeof line, "line %d", i);
        editor_remember(ed, line);
    }
    int back = 0;
    while (editor_command(ed, "history-back") == EDITOR_CHANGED)
        back++;
    assert_int_equal(back, EDITOR_HISTORY_MAX);
    editor_free(ed);
}

static size_t complete_words(void *data, const char *text, size_t cursor,
                             void (*add)(void *list, const char *candidate), void *list)
{
    static const char *const words[] = {"export", "exit", "incident", "incident note", "runbooks/"};
    (void)data;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(words[i], text, cursor) == 0)
            add(list, words[i]);
    return 0;
}

static void test_completion(void **state)
{
    (void)state;
    struct editor *ed = editor_new(&(struct editor_options){.prompt = ":", .complete = complete_words});
    struct canvas *c = canvas_new(30, 2, false);
    type(ed, "e");
    editor_command(ed, "complete");
    assert_string_equal(editor_text(ed), "ex");
    editor_draw(ed, c, ROLE_INPUT);
    golden_check(c, "editor-candidates");
    type(ed, "p");
    editor_command(ed, "complete");
    assert_string_equal(editor_text(ed), "export ");
    editor_set(ed, "run");
    editor_command(ed, "complete");
    assert_string_equal(editor_text(ed), "runbooks/");
    editor_set(ed, "zzz");
    assert_int_equal(editor_command(ed, "complete"), EDITOR_IGNORED);
    assert_string_equal(editor_text(ed), "zzz");
    canvas_free(c);
    editor_free(ed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_characters_stay_whole),
        cmocka_unit_test(test_random_editing_keeps_utf8),
        cmocka_unit_test(test_paste),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_completion),
    };
    return cmocka_run_group_tests_name("editor", tests, NULL, NULL);
}
