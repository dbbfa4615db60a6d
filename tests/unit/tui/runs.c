/* The pages of a run: what they offer, and what they say of its checks and its files. */
#include "tests/unit/tui/theatre.h"

/* Nothing of a run that has ended can be left out or stopped, and its pages don't offer it. */
static void test_ended_runs_are_read(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct run_input stop = {.kind = INPUT_STOP, .step = STEP_NONE, .actor = "alice", .reason = "enough"};
    stage_walk(engine, "restore");
    struct console *console = theatre_open(engine, 120, 36, false);
    page_open_run(console, 12, false);
    theatre_draw(console);
    theatre_shows(console, "stop run");
    stop.at_ms = engine->clock_ms;
    assert_int_equal(run_apply(engine->run, &stop, NULL, NULL), 0);
    assert_true(run_ended(engine->run, NULL));
    for (int i = 0; i < 2; i++) {
        theatre_draw(console);
        char *text = theatre_text(console);
        assert_null(strstr(text, "stop run"));
        assert_null(strstr(text, " skip"));
        free(text);
        unsigned asked = engine->requests;
        theatre_keys(console, "x X");
        assert_null(console->prompt.editor);
        assert_int_equal(engine->requests, asked);
        theatre_keys(console, i == 0 ? "g Enter" : "Enter"); /* a step's page, and back */
        assert_string_equal(console_top(console)->type->name, i == 0 ? "step" : "run");
    }
    theatre_close(console);
    stage_free(engine);
}

/* A check answers: that it says no is no failure of it, in the run, on its page and in the panel. */
static void test_a_check_says_no(void **state)
{
    (void)state;
    static const char *const ways[] = {"", "Enter", "Esc Esc 5"};
    struct engine *engine = stage_new(true);
    engine->failing = "replica";
    stage_walk(engine, "replica");
    struct console *console = theatre_open(engine, 120, 36, false);
    page_open_run(console, 12, false);
    theatre_draw(console);
    for (size_t i = 0; i < 3; i++) {
        theatre_keys(console, ways[i]);
        char *text = theatre_text(console);
        if (strstr(text, "failed") ||
            !(strstr(text, " no\n") || strstr(text, "says no") || strstr(text, " no  ")))
            fail_msg("the answer is not to be read:\n%s", text);
        free(text);
    }
    theatre_close(console);
    stage_free(engine);
}

/* The run keeps the document that it began with: every page of it says that the file is another now. */
static void test_an_edited_document_is_told(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    stage_walk(engine, "restore");
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, "r Enter Enter");
    engine->edited = "shard.md has changed since this run began; the run keeps its own text";
    theatre_draw(console);
    theatre_shows(console, engine->edited);
    theatre_keys(console, "Esc");
    assert_string_equal(console_top(console)->type->name, "run");
    theatre_shows(console, engine->edited);
    theatre_keys(console, "g Enter");
    assert_string_equal(console_top(console)->type->name, "step");
    theatre_shows(console, engine->edited);
    theatre_close(console);
    stage_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ended_runs_are_read),
        cmocka_unit_test(test_a_check_says_no),
        cmocka_unit_test(test_an_edited_document_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
