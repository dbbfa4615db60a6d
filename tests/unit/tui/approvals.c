/* Approving another's step from here: what is shown, the guards, and that nothing else of another's run acts.
 */
#include "tests/unit/tui/theatre.h"

#define CAROL "carol (uid 1005, key SHA256:c4r...)"

static const char document[] =
    "---\n"
    "runbook:\n"
    "  id: drop\n"
    "  title: Drop the index\n"
    "  vars:\n"
    "    INDEX: {default: docs-old}\n"
    "---\n"
    "# Drop the index\n\n"
    "## Drop it for good\n\n"
    "Nothing brings it back.\n\n"
    "```sh "
    "{\"name\":\"drop\",\"kind\":\"action\",\"confirm\":\"yes\",\"scope\":\"service\",\"approvals\":\"1\","
    "\"timeout\":\"1m\"}\n"
    "curl -sf -X DELETE \"http://store:6333/collections/$INDEX\"\n```\n";

/* Carol's console walks run 12 and has opened the page of `drop`: whoever sits here may approve it. */
static struct engine *asked(void)
{
    struct engine *e = stage_new(true);
    struct run_effects effects = {0};
    struct err error = {0};
    runbook_free(e->book);
    e->book = runbook_parse("/srv/runbooks/drop.md", document, sizeof document - 1, &error);
    if (e->book == NULL || runbook_runnable(e->book, &error) < 0) {
        fail_msg("%s", error.msg);
    }
    stage_walk(e, "drop");
    stage_input(e, (struct run_input){.kind = INPUT_OPEN, .actor = CAROL, .where = "rag-prod"}, &effects);
    vec_fini(&effects);
    static char digest[SHA256_HEX_SIZE];
    assert_int_equal(run_command_digest(e->run, 0, "rag-prod", digest, &error), 0);
    e->elsewhere = true;
    e->asked = (struct engine_approval){.run = 12,
                                        .step = 0,
                                        .by = CAROL,
                                        .asked_us = STAGE_WALL - 68 * US_PER_S,
                                        .expires_us = STAGE_WALL + 532 * US_PER_S,
                                        .digest = digest,
                                        .missing = 1,
                                        .needed = 1};
    return e;
}

static struct console *at_page(struct engine *engine)
{
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_shows(console, "1 approval waits: a");
    theatre_keys(console, "a Enter");
    theatre_shows(console, "to approve exactly this");
    return console;
}

static void close_all(struct console *console, struct engine *engine)
{
    theatre_close(console);
    stage_free(engine);
}

static void golden(int width, int height, const char *keys, const char *name)
{
    struct engine *engine = asked();
    struct console *console = theatre_open(engine, width, height, false);
    theatre_draw(console);
    theatre_keys(console, keys);
    stage_golden(console->canvas, "tui", name, false);
    close_all(console, engine);
}

static void test_pages(void **state)
{
    (void)state;
    golden(120, 36, "a", "approvals");
    golden(80, 24, "a", "approvals-80x24");
    golden(120, 36, "a Enter", "approval");
    golden(80, 24, "a Enter", "approval-80x24");
}

static void test_approving(void **state)
{
    (void)state;
    struct engine *engine = asked();
    struct console *console = at_page(engine);
    theatre_keys(console, "y y"); /* within half a second */
    assert_int_equal(engine->requests, 0);
    theatre_now += 700 * US_PER_MS;
    theatre_keys(console, "Enter Enter n Y");
    struct key paste = {.code = SYM_PASTE, .at_us = theatre_now, .text = "y", .length = 1};
    console_key(console, &paste);
    assert_int_equal(engine->requests, 0);
    theatre_keys(console, "y");
    assert_int_equal(engine->asked_kind, REQUEST_APPROVE);
    assert_string_equal(engine->digest, engine->asked.digest);
    assert_string_equal(engine->said, "drop");
    theatre_keys(console, "y y y"); /* once */
    assert_int_equal(engine->requests, 1);
    engine->asked.given = true;
    theatre_draw(console);
    theatre_shows(console, "approved from here");
    close_all(console, engine);
}

/* What was refused where it would have counted is said, and may be given anew. */
static void test_refused(void **state)
{
    (void)state;
    struct engine *engine = asked();
    struct console *console = at_page(engine);
    engine->asked.refused = "it is not signed";
    theatre_draw(console);
    theatre_shows(console, "does not count: it is not signed");
    theatre_now += 700 * US_PER_MS;
    theatre_keys(console, "y");
    assert_int_equal(engine->requests, 1);
    close_all(console, engine);
}

/* Another command than the one that was on the screen: read, and typed for, anew. */
static void test_what_changes_is_not_approved(void **state)
{
    (void)state;
    struct engine *engine = asked();
    struct console *console = at_page(engine);
    struct run_effects effects = {0};
    theatre_now += 700 * US_PER_MS;
    stage_input(engine, (struct run_input){.kind = INPUT_LEAVE, .actor = CAROL}, &effects);
    stage_input(engine,
                (struct run_input){.kind = INPUT_SET, .actor = CAROL, .name = "INDEX", .value = "docs"},
                &effects);
    vec_fini(&effects);
    theatre_draw(console);
    theatre_shows(console, "What is asked for is another command");
    theatre_keys(console, "y");
    assert_int_equal(engine->requests, 0);
    static char digest[SHA256_HEX_SIZE];
    assert_int_equal(run_command_digest(engine->run, 0, "rag-prod", digest, NULL), 0);
    engine->asked.digest = digest;
    theatre_draw(console);
    theatre_keys(console, "y"); /* younger than half a second again */
    assert_int_equal(engine->requests, 0);
    theatre_now += 700 * US_PER_MS;
    theatre_keys(console, "y");
    assert_string_equal(engine->digest, digest);
    close_all(console, engine);
}

static void test_an_old_page_is_disarmed(void **state)
{
    (void)state;
    struct engine *engine = asked();
    struct console *console = at_page(engine);
    theatre_now += 61 * US_PER_S;
    theatre_draw(console);
    theatre_shows(console, "Enter opens it anew");
    theatre_keys(console, "y");
    assert_int_equal(engine->requests, 0);
    theatre_keys(console, "Enter");
    theatre_now += 700 * US_PER_MS;
    theatre_keys(console, "y");
    assert_int_equal(engine->requests, 1);
    close_all(console, engine);
}

static void test_observers_only_look(void **state)
{
    (void)state;
    struct engine *engine = asked();
    engine->observer = true;
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, "a");
    theatre_shows(console, "You are an observer");
    theatre_keys(console, "Enter");
    theatre_now += US_PER_S;
    theatre_keys(console, "y");
    theatre_shows(console, ":join makes you an operator");
    assert_int_equal(engine->requests, 0);
    close_all(console, engine);
}

/* ---- another's run */

static void test_following(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    stage_walk(engine, "restore");
    engine->elsewhere = true;
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, "5 Enter");
    theatre_shows(console, "alice@bastion-2 #5f1c09 walks this run");
    stage_golden(console->canvas, "tui", "follow-run", false);
    theatre_keys(console, "x");
    theatre_shows(console, "another console walks this run");
    theatre_keys(console, "X");
    theatre_shows(console, "another console walks this run");
    theatre_keys(console, "Enter");
    stage_golden(console->canvas, "tui", "follow-step", false);
    theatre_now += US_PER_S;
    theatre_type(console, "shard-5");
    theatre_keys(console, "Enter Enter");
    assert_int_equal(engine->requests, 0);
    theatre_keys(console, "Esc 5 Enter T");
    theatre_shows(console, "take it over, because:");
    theatre_keys(console, "Enter");
    assert_int_equal(engine->requests, 0);
    theatre_keys(console, "T");
    theatre_type(console, "she went home");
    theatre_keys(console, "Enter");
    assert_int_equal(engine->asked_kind, REQUEST_RUN_TAKE);
    assert_string_equal(engine->said, "she went home");
    engine->observer = true;
    theatre_keys(console, "T");
    theatre_shows(console, "you are an observer here");
    close_all(console, engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_approving),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_what_changes_is_not_approved),
        cmocka_unit_test(test_an_old_page_is_disarmed),
        cmocka_unit_test(test_observers_only_look),
        cmocka_unit_test(test_following),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
