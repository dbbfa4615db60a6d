/* What keys do: the way from the alarm to the act, its guards, and that no key does more than the table says.
 */
#include "tests/unit/tui/theatre.h"

#define CONFIRM_REQUESTS(engine) ((engine)->last_input.kind == INPUT_CONFIRM)

static void later(int64_t us, struct engine *engine)
{
    theatre_now += us;
    engine->clock_ms += us / US_PER_MS;
}

/* r, Enter, Enter: at the confirmation of the step that restores. */
static struct console *at_confirmation(struct engine *engine)
{
    stage_walk(engine, "restore");
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, "r Enter Enter");
    assert_string_equal(console_top(console)->type->name, "step");
    assert_int_equal(engine->last_input.kind, INPUT_OPEN);
    theatre_shows(console, "to run it, Esc to leave.");
    return console;
}

static void test_key_table(void **state)
{
    (void)state;
    struct err e = {0};
    if (keymap_check(key_table, &e) < 0) {
        fail_msg("%s", e.msg);
    }
}

static void test_confirm_by_typing(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = at_confirmation(engine);
    theatre_type(console, "shard-5");
    theatre_keys(console, "Enter");
    assert_false(CONFIRM_REQUESTS(engine)); /* all of it came within half a second */
    later(700 * US_PER_MS, engine);
    theatre_keys(console, "Enter Enter Enter y y Enter");
    assert_false(CONFIRM_REQUESTS(engine));
    theatre_type(console, "shard-5");
    theatre_shows(console, "> shard-5");
    theatre_keys(console, "Enter");
    assert_true(CONFIRM_REQUESTS(engine));
    assert_string_equal(engine->typed, "shard-5");
    theatre_close(console);
    stage_free(engine);
}

static void test_leaving(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = at_confirmation(engine);
    theatre_keys(console, "Esc");
    assert_int_equal(engine->last_input.kind, INPUT_LEAVE);
    assert_string_equal(console_top(console)->type->name, "run");
    theatre_keys(console, "Esc Esc Esc Esc Esc Esc");
    assert_string_equal(console_top(console)->type->name, "dashboard"); /* Esc never quits */
    assert_false(console->quitting);
    theatre_close(console);
    stage_free(engine);
}

static void test_disarming(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = at_confirmation(engine);
    later(61 * US_PER_S, engine);
    theatre_draw(console);
    assert_int_equal(engine->last_input.kind, INPUT_LEAVE);
    theatre_draw(console);
    theatre_shows(console, "Enter opens it anew");
    theatre_keys(console, ": Esc"); /* a command is one, and leaves the page as it was */
    theatre_shows(console, "Enter opens it anew");
    theatre_type(console, ":quit");
    theatre_keys(console, "Enter");
    assert_true(console->quitting);
    console->quitting = false;
    assert_int_equal(engine->last_input.kind, INPUT_LEAVE);
    theatre_type(console, "shard-5");
    theatre_keys(console, "Enter");
    assert_int_equal(engine->last_input.kind, INPUT_OPEN);
    assert_string_equal(console_top(console)->type->name, "step");
    theatre_draw(console);
    later(US_PER_S, engine);
    theatre_type(console, "shard");
    later(61 * US_PER_S, engine);
    theatre_draw(console);
    theatre_type(console, ":quit"); /* begun as an answer: no command */
    assert_null(console->prompt.editor);
    theatre_keys(console, "Enter");
    theatre_draw(console);
    later(US_PER_S, engine);
    theatre_type(console, "shard-5");
    theatre_keys(console, "Enter");
    assert_true(CONFIRM_REQUESTS(engine));
    theatre_close(console);
    stage_free(engine);
}

static void test_paste_is_refused(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = at_confirmation(engine);
    later(US_PER_S, engine);
    struct key paste = {.code = SYM_PASTE, .at_us = theatre_now, .text = "shard-5\n", .length = 8};
    console_key(console, &paste);
    theatre_keys(console, "Enter");
    assert_false(CONFIRM_REQUESTS(engine));
    theatre_close(console);
    stage_free(engine);
}

/* What can't be seen can't be confirmed: a window made too small, a help page over it. */
static void test_hidden_pages(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = at_confirmation(engine);
    canvas_resize(console->canvas, 39, 9);
    theatre_draw(console);
    later(US_PER_S, engine);
    theatre_type(console, "shard-5");
    theatre_keys(console, "Enter Esc Enter");
    assert_false(CONFIRM_REQUESTS(engine));
    canvas_resize(console->canvas, 120, 36);
    theatre_draw(console);
    theatre_type(console, "shard-5");
    theatre_keys(console, "Enter");
    assert_false(CONFIRM_REQUESTS(engine));
    theatre_keys(console, "F1");
    assert_string_equal(console_top(console)->type->name, "help");
    later(US_PER_S, engine);
    theatre_keys(console, "Esc");
    theatre_type(console, "shard-5");
    theatre_keys(console, "Enter");
    assert_false(CONFIRM_REQUESTS(engine));
    later(US_PER_S, engine);
    theatre_type(console, "shard-5");
    theatre_keys(console, "Enter");
    assert_true(CONFIRM_REQUESTS(engine));
    theatre_close(console);
    stage_free(engine);
}

static void test_observers_only_read(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    stage_walk(engine, "restore");
    engine->observer = true;
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    unsigned before = engine->requests;
    theatre_keys(console, "r Enter Enter x");
    later(US_PER_S, engine);
    theatre_type(console, "shard-5");
    theatre_keys(console, "Enter");
    theatre_shows(console, "you are an observer here");
    theatre_keys(console, "Esc Esc Esc r");
    theatre_keys(console, ":");
    theatre_type(console, "runbook run vector-store-shard-down");
    theatre_keys(console, "Enter");
    theatre_shows(console, "you are an observer here");
    assert_int_equal(engine->requests, before);
    theatre_close(console);
    stage_free(engine);
}

static void test_trouble_refuses(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    engine->trouble = "the disk is full";
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, "r Enter Enter");
    theatre_shows(console, "nothing acts while the journal can't be written");
    assert_int_equal(engine->requests, 0);
    theatre_close(console);
    stage_free(engine);
}

/* What is typed ahead, before a frame was drawn, means the same. */
static void test_typing_ahead(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *page;
    } cases[] = {{"r\r", "document"}, {"9\r", "panel"}, {"6\r", "panel"}, {"5\r", "run"}, {"1j\r", "panel"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct engine *engine = stage_new(true);
        if (cases[i].keys[0] == '5') {
            stage_walk(engine, "restore");
        }
        struct console *console = theatre_open(engine, 100, 30, false);
        for (const char *c = cases[i].keys; *c != '\0'; c++) {
            struct key key = {.code = *c == '\r' ? (uint32_t)SYM_ENTER : (uint32_t)*c, .at_us = theatre_now};
            console_key(console, &key);
        }
        assert_string_equal(console_top(console)->type->name, cases[i].page);
        assert_true(console->page_count > 2);
        theatre_close(console);
        stage_free(engine);
    }
}

static void test_starting_a_run(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, "r Enter");
    assert_string_equal(console_top(console)->type->name, "document");
    assert_int_equal(engine->requests, 0);
    theatre_keys(console, "Enter");
    assert_int_equal(engine->requests, 1);
    theatre_close(console);
    stage_free(engine);
}

static void test_filter_and_back(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, "1 /");
    theatre_type(console, "rerank");
    theatre_shows(console, "reranker");
    char *text = theatre_text(console);
    assert_null(strstr(text, "service-1"));
    free(text);
    theatre_keys(console, "Enter");
    theatre_shows(console, "/rerank"); /* visible while it is active */
    theatre_keys(console, "Esc");
    theatre_shows(console, "service-1");
    assert_string_equal(console_top(console)->type->name, "panel");
    theatre_keys(console, "/");
    theatre_type(console, "(");
    theatre_shows(console, "filter:"); /* a bad expression says so */
    theatre_keys(console, "Esc Esc");
    assert_string_equal(console_top(console)->type->name, "dashboard");
    theatre_keys(console, "/"); /* there it opens the panel that has the focus */
    assert_string_equal(console_top(console)->type->name, "panel");
    theatre_close(console);
    stage_free(engine);
}

static void test_commands(void **state)
{
    (void)state;
    static const char *const lines[] = {"incident open --severity SEV2 customers see empty answers",
                                        "incident close INC-7 it is over",
                                        "incident focus INC-7",
                                        "note hello there",
                                        "export --format json -o /dev/null",
                                        "join",
                                        "runbook run vector-store-shard-down --var NS=rag"};
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 120, 36, false);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        unsigned before = engine->requests;
        colon_run(console, lines[i]);
        if (engine->requests != before + 1) {
            fail_msg(":%s was not asked of the engine: %s", lines[i], console->message);
        }
    }
    static const char *const wrong[] = {"",
                                        "nonsense",
                                        "incident",
                                        "incident open",
                                        "incident focus",
                                        "export x",
                                        "export --format xml",
                                        "runbook run none",
                                        "runbook resume 99",
                                        "note \"open",
                                        "runbook show",
                                        "export -o"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        unsigned before = engine->requests;
        colon_run(console, wrong[i]);
        assert_int_equal(engine->requests, before);
        assert_true(wrong[i][0] == '\0' || console->message != NULL); /* a failure is never silent */
    }
    colon_run(console, "runbook run vector-store-shard-dwon");
    assert_non_null(strstr(console->message, "did you mean vector-store-shard-down?"));
    unsigned before = engine->requests;
    colon_run(console, "runbook run README.md"); /* a file, listed or not */
    assert_int_equal(engine->requests, before + 1);
    colon_run(console, "timeline");
    assert_string_equal(console_top(console)->type->name, "panel");
    theatre_close(console);
    stage_free(engine);
}

static void collect(void *list, const char *candidate)
{
    str_addf(list, "%s ", candidate);
}

static void test_completion(void **state)
{
    (void)state;
    static const struct {
        const char *line, *wanted;
    } cases[] = {
        {"inc", "incident "},
        {"incident ",
         "open focus list show note role severity action write update mitigate resolve review close "},
        {"incident f", "focus "},
        {"runbook run ", "vector-store-shard-down "},
        {"export --format ", "md json "},
        {"tim", "timeline "},
        {"incident close I", "INC-7 INC-6 "},
        {"incident action --t", "--ticket --test "},
        {"incident role c", "commander communications "},
        {"incident write root", "root-cause "},
        {"incident open --", "--severity --entity "},
        {"mute sh", "shard "},
        {"mute shard docs/shard-5", "docs/shard-5 "},
        {"logs shard docs/shard-1", "docs/shard-1 docs/shard-10 docs/shard-11 "},
        {"handover ", "give accept "},
        {"handover give ", "--to "},
        {"note --", "--at "},
        {"safe-mode ", "enter leave status --anyway "},
        {"zzz", ""},
    };
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 80, 24, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str found = {0};
        colon_complete(console, cases[i].line, strlen(cases[i].line), collect, &found);
        assert_string_equal(str_text(&found), cases[i].wanted);
        str_fini(&found);
    }
    theatre_close(console);
    stage_free(engine);
}

/* A run goes on, a source fails: nothing of it shows on the dashboard, in its lists and in the header, until
 * the picture goes on. Where one acts all is as it is. */
static void test_freeze_holds_runs_and_sources(void **state)
{
    (void)state;
    static const char *const pages[] = {"", "5", "9", "9 Enter"};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        struct engine *engine = stage_new(true);
        struct console *console = theatre_open(engine, 160, 48, false);
        stage_walk(engine, "reopen");
        theatre_draw(console);
        theatre_keys(console, "Z");
        theatre_keys(console, pages[i]);
        theatre_shows(console, "FROZEN");
        char *before = theatre_text(console);
        run_free(engine->run);
        stage_walk(engine, "restore");
        engine->sources[0].error = "connection refused";
        engine->sources[0].failures = 77;
        theatre_draw(console);
        char *after = theatre_text(console);
        assert_string_equal(before, after);
        theatre_keys(console, "Z");
        char *thawed = theatre_text(console);
        assert_string_not_equal(before, thawed);
        theatre_keys(console, "Z");
        theatre_keys(console, "r");
        theatre_shows(console, "this page is live");
        free(before);
        free(after);
        free(thawed);
        theatre_close(console);
        stage_free(engine);
    }
}

static void test_freeze(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, "Z");
    theatre_shows(console, "FROZEN");
    struct observation row = {.kind = ENTITY_SHARD,
                              .name = "docs/shard-0",
                              .group = "docs",
                              .raw = "Dead",
                              .condition = CONDITION_DOWN};
    struct batch batch = {.source = "store", .partial = true, .observations = &row, .observation_count = 1};
    platform_apply(engine->platform, &batch, STAGE_NOW, STAGE_WALL);
    theatre_draw(console);
    theatre_shows(console, "docs 11 ok 1 down");
    theatre_keys(console, "Z");
    theatre_shows(console, "docs 10 ok 2 down");
    theatre_close(console);
    stage_free(engine);
}

/* Every key of the table, on every page, twice: nothing trips, nothing is confirmed. */
static void test_every_key_everywhere(void **state)
{
    (void)state;
    static const char *const pages[] = {"",  "?",       "r", "r Enter", "r Enter Enter", "i",
                                        "1", "2 Enter", "3", "5",       "6 Enter",       "9 Enter"};
    for (size_t p = 0; p < sizeof pages / sizeof pages[0]; p++) {
        for (const struct key_binding *row = key_table; row->keys != NULL; row++) {
            struct engine *engine = stage_new(true);
            stage_walk(engine, "restore");
            struct console *console = theatre_open(engine, 100, 30, false);
            theatre_draw(console);
            theatre_keys(console, pages[p]);
            later(US_PER_S, engine);
            bool needs_terminal = str_eq(row->command, "suspend") || str_eq(row->command, "redraw");
            if (!needs_terminal) {
                theatre_keys(console, row->keys);
                theatre_keys(console, row->keys);
                theatre_keys(console, "Enter Enter");
            }
            assert_false(CONFIRM_REQUESTS(engine));
            theatre_close(console);
            stage_free(engine);
        }
    }
}

/* Twenty thousand random keys: nothing trips, and nothing is confirmed, for the word was never typed. */
static void test_random_keys(void **state)
{
    (void)state;
    struct rng rng;
    uint64_t seed = 20261122;
    rng_seed(&rng, seed);
    struct engine *engine = stage_new(true);
    stage_walk(engine, "restore");
    struct console *console = theatre_open(engine, 90, 28, false);
    theatre_draw(console);
    for (int i = 0; i < 20000 && !console->quitting; i++) {
        struct key key = {.code = 0x20 + (uint32_t)rng_below(&rng, 0x5f), .at_us = theatre_now};
        if (rng_below(&rng, 3) == 0) {
            key.code = SYM_NONE + 1 + (uint32_t)rng_below(&rng, SYM_END_OF_LIST - SYM_NONE - 1);
        }
        key.text = key.code == SYM_PASTE ? "shard-5\n" : NULL;
        key.length = key.code == SYM_PASTE ? 8 : 0;
        if (key.code == 'q') {
            continue;
        }
        console_key(console, &key);
        if (rng_below(&rng, 20) == 0) {
            canvas_resize(console->canvas, 1 + (int)rng_below(&rng, 150), 1 + (int)rng_below(&rng, 50));
        }
        later((int64_t)rng_below(&rng, 300000), engine);
        theatre_draw(console);
        assert_false(CONFIRM_REQUESTS(engine));
    }
    theatre_close(console);
    stage_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_table),
        cmocka_unit_test(test_confirm_by_typing),
        cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_disarming),
        cmocka_unit_test(test_paste_is_refused),
        cmocka_unit_test(test_hidden_pages),
        cmocka_unit_test(test_observers_only_read),
        cmocka_unit_test(test_trouble_refuses),
        cmocka_unit_test(test_typing_ahead),
        cmocka_unit_test(test_starting_a_run),
        cmocka_unit_test(test_filter_and_back),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_freeze),
        cmocka_unit_test(test_freeze_holds_runs_and_sources),
        cmocka_unit_test(test_every_key_everywhere),
        cmocka_unit_test(test_random_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
