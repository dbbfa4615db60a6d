/* Lists, help and details say what is: nothing is chosen by accident, nothing offered that does nothing, a
 * frozen picture stands still, and no panel claims what nobody knows. */
#include "tests/unit/tui/theatre.h"

static void shows_not(struct console *console, const char *unwanted)
{
    char *text = theatre_text(console);
    if (strstr(text, unwanted) != NULL) {
        fail_msg("\"%s\" is on the screen:\n%s", unwanted, text);
    }
    free(text);
}

static void rows_come(struct console *console)
{
    console_top(console)->type->update(console_top(console), ENGINE_RUNS);
    theatre_draw(console);
}

/* Enter on a list whose rows still come waits for the last of them, and any other key takes it back. */
static void test_enter_waits_while_reading_goes_on(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 120, 36, false);
    engine->unsettled = true;
    theatre_draw(console);
    theatre_keys(console, "r Enter");
    theatre_shows(console, "the runbooks are still being read");
    rows_come(console);
    assert_string_equal(console_top(console)->type->name, "runbooks");
    theatre_keys(console, "?  Esc"); /* takes it back */
    engine->unsettled = false;
    rows_come(console);
    assert_string_equal(console_top(console)->type->name, "runbooks");
    engine->unsettled = true;
    theatre_draw(console);
    theatre_keys(console, "Enter");
    assert_string_equal(console_top(console)->type->name, "runbooks");
    engine->unsettled = false; /* and the first is still the one that was seen */
    rows_come(console);
    assert_string_equal(console_top(console)->type->name, "document");
    theatre_close(console);
    stage_free(engine);
}

/* Whoever moves has chosen. */
static void test_a_choice_while_reading_goes_on(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 120, 36, false);
    engine->unsettled = true;
    theatre_draw(console);
    theatre_keys(console, "r g Enter");
    assert_string_equal(console_top(console)->type->name, "document");
    theatre_close(console);
    stage_free(engine);
}

static void test_help_filters_and_wraps(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 80, 24, false);
    theatre_draw(console);
    theatre_keys(console, "? G /");
    theatre_type(console, "postmortem");
    theatre_keys(console, "Enter");
    theatre_shows(console, "incident write");
    shows_not(console, "break-glass");
    theatre_shows(console, "all of them in $EDITOR"); /* below, for there is no room beside */
    theatre_keys(console, "w");
    shows_not(console, "all of them in $EDITOR");
    theatre_keys(console, "Esc");
    theatre_shows(console, "Keys on the dashboard");
    theatre_shows(console, "inverts"); /* a line that is too long for the screen goes on below */
    theatre_keys(console, "Esc");
    assert_string_equal(console_top(console)->type->name, "dashboard");
    theatre_close(console);
    stage_free(engine);
}

/* The page of one thing, too: what is offered for it is what was offered then. */
static void test_a_frozen_detail_stands_still(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 120, 48, false);
    theatre_draw(console);
    theatre_keys(console, "3 Enter");
    theatre_shows(console, "offered   Vector store shard down");
    theatre_keys(console, "Z");
    theatre_shows(console, "FROZEN");
    char *before = theatre_text(console);
    engine->offered = false;
    theatre_draw(console);
    char *after = theatre_text(console);
    assert_string_equal(before, after);
    theatre_keys(console, "Z");
    shows_not(console, "offered   Vector store shard down");
    free(before);
    free(after);
    theatre_close(console);
    stage_free(engine);
}

static void test_nothing_is_said_to_be_well_that_nobody_watches(void **state)
{
    (void)state;
    struct engine *engine = stage_new(false);
    struct console *console = theatre_open(engine, 80, 24, false);
    theatre_draw(console);
    theatre_keys(console, "Enter"); /* the problems have the focus */
    theatre_shows(console, "Nothing is watched: no source is configured");
    shows_not(console, "Nothing is broken");
    theatre_close(console);
    stage_free(engine);
}

/* What is said hides no key that has room beside it: who comes back sees both that the run goes on and how. */
static void test_a_message_leaves_the_keys(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 80, 24, false);
    console_say(console, SAY_INFO, "goes on");
    theatre_draw(console);
    theatre_shows(console, " goes on  ? help  / filter  : command");
    console_say(console, SAY_BAD, "%066d", 0); /* one key has room: the way out */
    theatre_draw(console);
    theatre_shows(console, "! 0000");
    theatre_shows(console, "0  q quit");
    shows_not(console, "? help");
    console_say(console, SAY_BAD, "%080d", 0);
    theatre_draw(console);
    theatre_shows(console, "0…");
    shows_not(console, "q quit");
    theatre_close(console);
    stage_free(engine);
}

/* A note takes what was copied; what is too long for it is called so, and leaves no half of itself. */
static void test_paste_into_a_note(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 80, 24, false);
    char *big = xcalloc(1, EDITOR_TEXT_MAX + 2);
    memset(big, 'b', EDITOR_TEXT_MAX + 1);
    theatre_keys(console, "n");
    struct key paste = {.code = SYM_PASTE, .at_us = theatre_now, .text = big, .length = EDITOR_TEXT_MAX + 1};
    console_key(console, &paste);
    assert_string_equal(console->message, "too long: a line takes 4096 bytes, nothing was added");
    assert_string_equal(editor_text(console->note_editor), "");
    paste.text = "error 5\n", paste.length = 8;
    console_key(console, &paste);
    assert_string_equal(editor_text(console->note_editor), "error 5");
    free(big);
    theatre_close(console);
    stage_free(engine);
}

/* A mirror that fails is a row like a source that fails: in the panel, the list and on its page. */
static void test_a_failing_mirror_is_a_row(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    engine->mirror = (struct source_status){.name = "mirror",
                                            .kind = "command",
                                            .preset = "",
                                            .target = "logger",
                                            .error = "logger: exit 3: no route",
                                            .note = "",
                                            .last_try_us = STAGE_WALL - US_PER_S,
                                            .last_good_us = STAGE_WALL - 600 * US_PER_S,
                                            .failures = 7};
    struct console *console = theatre_open(engine, 160, 48, false);
    theatre_draw(console);
    theatre_keys(console, "9");
    theatre_shows(console, "mirror");
    theatre_shows(console, "logger: exit 3: no route");
    theatre_keys(console, "/");
    theatre_type(console, "mirror");
    theatre_keys(console, "Enter Enter");
    theatre_shows(console, "source mirror");
    theatre_shows(console, "failures 7");
    engine->mirror.error = "";
    engine->mirror.answered = true;
    theatre_keys(console, "Esc Esc");
    theatre_draw(console);
    char *text = theatre_text(console);
    assert_null(strstr(text, "no route"));
    assert_null(strstr(text, "failing"));
    free(text);
    theatre_close(console);
    stage_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failing_mirror_is_a_row),
        cmocka_unit_test(test_enter_waits_while_reading_goes_on),
        cmocka_unit_test(test_a_choice_while_reading_goes_on),
        cmocka_unit_test(test_help_filters_and_wraps),
        cmocka_unit_test(test_a_frozen_detail_stands_still),
        cmocka_unit_test(test_nothing_is_said_to_be_well_that_nobody_watches),
        cmocka_unit_test(test_a_message_leaves_the_keys),
        cmocka_unit_test(test_paste_into_a_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
