/* Safe mode in the header, as far as there is room, and behind `:`. */
#include "tests/unit/tui/theatre.h"

#include "tui/safe_mode.h"

static void mode_is(struct engine *engine, const char *word)
{
    struct observation row = {.kind = ENTITY_COMPONENT,
                              .name = "safe-mode",
                              .raw = word,
                              .condition = str_eq(word, "off") ? CONDITION_OK : CONDITION_DEGRADED,
                              .since_us = STAGE_WALL - 60 * US_PER_S};
    platform_source_add(engine->platform, "mode", "http", US_PER_S, 0, STAGE_NOW);
    stage_apply(engine, "mode", &row, 1, 0);
}

static struct engine *stage_with_mode(const char *word)
{
    struct engine *engine = stage_new(true);
    engine->config->safe_mode.name = xstrdup("safe-mode");
    if (word != NULL) {
        mode_is(engine, word);
    }
    return engine;
}

static char *header_of(struct engine *engine, int width, int height)
{
    struct console *console = theatre_open(engine, width, height, false);
    theatre_draw(console);
    char *text = theatre_text(console);
    char *line = xstrndup(text, strcspn(text, "\n"));
    free(text);
    theatre_close(console);
    return line;
}

static void header_shows(const char *word, int width, int height, const char *wanted, const char *never)
{
    struct engine *engine = stage_with_mode(word);
    char *line = header_of(engine, width, height);
    if ((wanted != NULL && strstr(line, wanted) == NULL) || (never != NULL && strstr(line, never) != NULL)) {
        fail_msg("%s at %dx%d: %s", word != NULL ? word : "(never told)", width, height, line);
    }
    assert_non_null(strstr(line, "INC-7"));
    free(line);
    stage_free(engine);
}

/* Off goes first where there is no room; anything else stays, and who is here goes. */
static void test_header(void **state)
{
    (void)state;
    header_shows("off", 120, 36, "safe mode off", NULL);
    header_shows("on", 120, 36, "safe mode ON", NULL);
    header_shows(NULL, 120, 36, "safe mode unknown", "off");
    header_shows("off", 80, 24, "alice*", "safe mode");
    header_shows("on", 80, 24, "safe: ON", NULL);
    header_shows("partly", 80, 24, "safe: partly", NULL);
    header_shows("a word that is far too long", 80, 24, "safe: a word", NULL);
    header_shows(NULL, 80, 24, "safe: unknown", "off");

    struct engine *engine = stage_with_mode("off"); /* without an incident there is room for it */
    engine->has_incident = false;
    char *line = header_of(engine, 80, 24);
    if (strstr(line, "safe mode off") == NULL) {
        fail_msg("%s", line);
    }
    free(line);
    stage_free(engine);
    engine = stage_new(true); /* nothing is configured */
    mode_is(engine, "on");
    line = header_of(engine, 120, 36);
    assert_null(strstr(line, "safe mode"));
    free(line);
    stage_free(engine);
}

static void test_silence_is_not_off(void **state)
{
    (void)state;
    struct engine *engine = stage_with_mode("off");
    platform_tick(engine->platform, STAGE_NOW + 4 * US_PER_S, STAGE_WALL + 4 * US_PER_S);
    char *line = header_of(engine, 120, 36);
    if (strstr(line, "safe mode unknown") == NULL) {
        fail_msg("%s", line);
    }
    free(line);
    stage_free(engine);
}

/* What is typed, what is said, and whether a run was asked for. */
static void colon_says(struct engine *engine, const char *typed, const char *wanted, bool starts)
{
    struct console *console = theatre_open(engine, 120, 36, false);
    unsigned before = engine->requests;
    theatre_draw(console);
    theatre_type(console, typed);
    theatre_keys(console, "Enter");
    if (wanted != NULL) {
        theatre_shows(console, wanted);
    }
    assert_int_equal(engine->requests - before, starts ? 1 : 0);
    if (starts) {
        assert_int_equal(engine->asked_kind, REQUEST_RUN_START);
        assert_string_equal(engine->said, " @ component safe-mode");
    }
    theatre_close(console);
}

static void test_colon(void **state)
{
    (void)state;
    struct engine *engine = stage_with_mode("off");
    free(engine->config->safe_mode.enter);
    engine->config->safe_mode.enter = xstrdup("vector-store-shard-down"); /* the one that there is */
    colon_says(engine, ":safe-mode", "safe mode is off: component safe-mode off, since 2026-11-22 03:13Z",
               false);
    colon_says(engine, ":safe-mode status", "safe mode is off", false);
    colon_says(engine, ":safe-mode leave", "safe mode is off", false);
    colon_says(engine, ":safe-mode leave --anyway", "there is no runbook safe-mode-leave", false);
    colon_says(engine, ":safe-mode now", "enter, leave or status, not now", false);
    colon_says(engine, ":safe-mode enter", NULL, true);
    mode_is(engine, "on");
    colon_says(engine, ":safe-mode enter", "--anyway walks the runbook", false);
    colon_says(engine, ":safe-mode enter --anyway", NULL, true);
    engine->observer = true;
    colon_says(engine, ":safe-mode enter --anyway", "observer", false);
    colon_says(engine, ":safe-mode", "safe mode is on", false);
    stage_free(engine);
    engine = stage_new(true);
    colon_says(engine, ":safe-mode enter", "no safe mode is configured", false);
    stage_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_silence_is_not_off),
        cmocka_unit_test(test_colon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
