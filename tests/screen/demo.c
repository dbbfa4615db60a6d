/* The five minutes of the README, at a faster clock: the demo opens, a shard dies, the runbook is offered and
 * walked, all turns ok, the timeline is exported and holds what happened. */
#include <unistd.h>

#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_open(&rig);
    return chdir(rig.folder);
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void expect_within(struct pty *p, const char *pattern, int ms)
{
    if (!pty_wait(p, pattern, ms))
        fail_with_screen(p, "never on the screen: %s", pattern);
}

/* Opens the page of the next acting step and confirms it; what it asks for depends on the step. */
static void confirm(struct pty *p, const char *title, const char *prompt, const char *typed)
{
    for (int tries = 0; tries < 40 && !pty_matches(p, prompt); tries++) {
        if (pty_matches(p, "goes there|Enter to read|waits"))
            pty_type(p, "\r");
        pty_wait(p, prompt, 500);
    }
    expect_within(p, prompt, 2000);
    if (!pty_matches(p, title))
        fail_with_screen(p, "not the page of %s", title);
    pty_run(p, 700); /* the page takes no key in its first half second */
    pty_type(p, typed);
}

static void test_walk(void **state)
{
    (void)state;
    struct pty *p = rig_run(
        &rig, BELAY,
        &(struct rig_start){
            .arguments = (const char *const[]){"demo", "--speed", "2", NULL}, .width = 120, .height = 40});
    expect_within(p, "DEMO", 10000);
    expect_within(p, "offered Vector store shard down", 60000);
    expect_within(p, "docs/shard-5 Dead", 10000);
    pty_type(p, "r");
    expect_screen(p, "offered .*docs/shard-5");
    pty_type(p, "\r");
    expect_screen(p, "Enter starts a run");
    pty_type(p, "\r");
    expect_within(p, "✓ +2 .*|step 3 of", 15000);
    confirm(p, "Take the shard out of service", "Press  y", "y");
    expect_within(p, "✓ ok", 30000);
    confirm(p, "Re-open the index", "Press  y", "y");
    expect_within(p, "✗ failed", 30000);
    confirm(p, "Restore the newest snapshot", "Type  shard-5", "shard-5\r");
    expect_within(p, "✓ ok", 90000);
    confirm(p, "Reintroduce the shard", "Press  y", "y");
    expect_within(p, "✓ ok", 30000);
    pty_type(p, ":export\r");
    expect_within(p, "wrote belay-INC-1.md", 10000);
    pty_type(p, "\x1b\x1b\x1b");
    expect_within(p, "PROBLEMS +● none", 90000);
    pty_type(p, "q");
    pty_run(p, 300);
    pty_type(p, "y");
    pty_wait_end(p, 2000);
    pty_free(p);

    struct str text = {0};
    struct err e = {0};
    assert_int_equal(file_read("belay-INC-1.md", 1u << 20, &text, &e), 0);
    static const char *const told[] = {"INC-1",
                                       "shard docs/shard-5 Active",
                                       "Re-open the index",
                                       "Input/output error",
                                       "Restore the newest snapshot",
                                       "kubectl"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!strstr(str_text(&text), told[i]))
            fail_msg("the export does not tell: %s\n%s", told[i], str_text(&text));
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_walk, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
