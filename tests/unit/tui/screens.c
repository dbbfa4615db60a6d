/* The console's pages as they are drawn: goldens at the sizes that matter, and no size at which one of them
 * trips. */
#include "tests/unit/tui/theatre.h"

static void golden(struct engine *engine, int width, int height, bool ascii, const char *keys,
                   const char *name)
{
    struct console *console = theatre_open(engine, width, height, ascii);
    theatre_draw(console);
    theatre_keys(console, keys);
    theatre_draw(console);
    stage_golden(console->canvas, "tui", name, false);
    theatre_close(console);
}

static void test_dashboard(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    golden(engine, 80, 24, false, "", "dashboard-80x24");
    stage_walk(engine, "restore");
    golden(engine, 120, 36, false, "", "dashboard-120x36");
    golden(engine, 200, 50, false, "", "dashboard-200x50");
    golden(engine, 40, 10, false, "", "dashboard-40x10");
    golden(engine, 39, 10, false, "", "dashboard-39x10");
    golden(engine, 80, 24, true, "", "dashboard-80x24-ascii");
    stage_free(engine);
}

static void test_dashboard_in_trouble(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    engine->trouble = "the disk is full: 0 bytes are left on /var";
    engine->state_trouble = "/var/lib/belay/rag-prod/state.db: unable to open database file";
    engine->observer = true;
    engine->has_incident = false;
    platform_tick(engine->platform, STAGE_NOW + 600 * US_PER_S, STAGE_WALL + 600 * US_PER_S);
    golden(engine, 80, 24, false, "", "dashboard-80x24-trouble");
    stage_free(engine);
    engine = stage_new(false);
    golden(engine, 80, 24, false, "", "dashboard-80x24-empty");
    stage_free(engine);
}

static void test_pages(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    golden(engine, 120, 36, false, "r", "runbooks");
    golden(engine, 120, 36, false, "r Enter", "document");
    golden(engine, 120, 36, false, "i", "incidents");
    golden(engine, 100, 40, false, "?", "help-dashboard");
    golden(engine, 80, 24, false, "3 Enter", "detail-shard-80x24");
    golden(engine, 80, 24, false, "7", "alerts-80x24");
    stage_walk(engine, "restore");
    engine->output = "pvc/shard-5-r12 created\njob/restore created\n";
    golden(engine, 120, 36, false, "r Enter", "run-120x36");
    golden(engine, 80, 24, false, "r Enter", "run-80x24");
    stage_free(engine);
}

/* Each test of a step begins with a run that has just come to it. */
static void step_golden(const char *until, int width, int height, bool observer, const char *keys,
                        const char *name)
{
    struct engine *engine = stage_new(true);
    stage_walk(engine, until);
    engine->observer = observer;
    golden(engine, width, height, false, keys, name);
    stage_free(engine);
}

static void test_confirmation(void **state)
{
    (void)state;
    step_golden("restore", 120, 36, false, "r Enter Enter", "confirm-120x36");
    step_golden("restore", 80, 24, false, "r Enter Enter", "confirm-80x24");
    step_golden("restore", 80, 24, false, "r Enter Enter PgDn", "confirm-80x24-below");
    step_golden("restore", 120, 36, true, "r Enter Enter", "confirm-observer");
    step_golden("mark", 100, 30, false, "r Enter Enter", "confirm-key");
    step_golden("restore", 80, 15, false, "r Enter Enter PgDn", "confirm-80x15-scrolled");
    struct engine *engine = stage_new(true);
    stage_walk(engine, "restore");
    engine->where_differs = true;
    engine->badge = "DEMO";
    golden(engine, 100, 30, false, "r Enter Enter", "confirm-mismatch");
    stage_free(engine);
}

/* ---- every size ---- */

static void squeeze(struct engine *engine, const char *keys)
{
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, keys);
    for (int height = 1; height <= 30; height++) {
        for (int width = 1; width <= 60; width += 1 + height % 3) {
            canvas_resize(console->canvas, width, height);
            theatre_draw(console);
        }
    }
    canvas_resize(console->canvas, 400, 3);
    theatre_draw(console);
    theatre_close(console);
}

static void test_every_size(void **state)
{
    (void)state;
    static const char *const pages[] = {"",        "?", "r",       "r Enter", "i", "1",
                                        "3 Enter", "6", "9 Enter", ":",       "n", "1 /"};
    struct engine *engine = stage_new(true);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        squeeze(engine, pages[i]);
    }
    stage_walk(engine, "restore");
    squeeze(engine, "");
    squeeze(engine, "r Enter");
    squeeze(engine, "r Enter Enter");
    engine->trouble = "no room";
    squeeze(engine, "");
    stage_free(engine);
    engine = stage_new(false);
    squeeze(engine, "");
    stage_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dashboard),  cmocka_unit_test(test_dashboard_in_trouble),
        cmocka_unit_test(test_pages),      cmocka_unit_test(test_confirmation),
        cmocka_unit_test(test_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
