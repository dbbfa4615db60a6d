/* What the screen says of a step's powers while a real run uses them: items of which one fails and is run
 * again alone, rungs that step back, attempts of a policy, a lock that another run holds, and the same in
 * line mode.
 */
#include <stdlib.h>

#include "tests/screen/walk.h"

static struct walk walk;

static const char items[] = "# Index again\n\n"
                            "## Index them\n\n"
                            "```bash {name=index items=docs.jsonl timeout=1m}\n"
                            "test -e \"$FIXED\" || test \"$ITEM_ID\" != doc-2 || exit 1\n"
                            "echo \"$ITEM_ID\" >> \"$ORACLE\"\n"
                            "```\n";
static const char rungs[] = "# Ramp up\n\n"
                            "## Raise it\n\n"
                            "```bash {name=raise rungs=10,50,100 rung-hold=1s guard=hits timeout=1m}\n"
                            "echo \"$RUNG\" >> \"$ORACLE\"\n"
                            "test \"$RUNG\" != 50 || echo 0.5 > hits\n"
                            "```\n\n"
                            "```bash {name=hits kind=check timeout=30s}\ncat hits\n```\n";
static const char policy[] = "# Try it\n\n"
                             "## Try it\n\n"
                             "```bash {name=try policy=gentle idempotent=true timeout=1m}\n"
                             "echo try >> \"$ORACLE\"\n"
                             "test $(wc -l < \"$ORACLE\") -ge 2 || exit 1\n"
                             "```\n";
static const char guarded[] = "# Call it\n\n"
                              "## Call it\n\n"
                              "```bash {name=call policy=shy idempotent=true timeout=1m}\n"
                              "echo call >> \"$ORACLE\"\n"
                              "```\n";
static const char locked[] = "# Alone\n\n"
                             "## Drain it\n\n"
                             "```bash {name=drain lock=queue timeout=2m}\n"
                             "echo begin >> \"$ORACLE\"\n" WALK_AT_GATE "echo end >> \"$ORACLE\"\n"
                             "```\n";

static void open_walk(const char *document)
{
    walk_open(&walk, document);
    char *fixed = path_join(walk.rig.folder, "fixed");
    setenv("FIXED", fixed, 1);
    free(fixed);
    rig_configure(&walk.rig, "runbooks: [runbooks/]\n"
                             "policies:\n  - {name: gentle, attempts: 3, base: 1s, jitter: none}\n"
                             "  - {name: shy, attempts: 2, breaker: {name: pay}}\n");
    rig_write(&walk.rig, "runbooks/docs.jsonl",
              "{\"id\":\"doc-1\"}\n{\"id\":\"doc-2\"}\n{\"id\":\"doc-3\"}\n");
    rig_write(&walk.rig, "runbooks/hits", "0.9\n");
}

static int teardown(void **state)
{
    (void)state;
    walk_close(&walk);
    return 0;
}

static void test_items(void **state)
{
    (void)state;
    open_walk(items);
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Index again", "Type +yes");
    walk_sees(p, "Items +once for each of 3 lines of docs.jsonl");
    walk_confirm(p, "yes\r");
    walk_sees(p, "Items .* 2 of 3 ok, 1 failed");
    walk_sees(p, "item 2 of 3: doc-2");
    rig_write(&walk.rig, "fixed", "");
    pty_type(p, "r");
    walk_sees(p, "2 are ok already");
    walk_to_page(p, "Type +yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "3 of 3 ok");
    walk_quit(p);
    walk_oracle_is(&walk, "doc-1\ndoc-3\ndoc-2\n");
    walk_verify(&walk, BELAY);
}

static void test_rungs(void **state)
{
    (void)state;
    open_walk(rungs);
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Ramp up", "Type +yes");
    walk_sees(p, "Rungs +10, 50, 100; each held for 1 s");
    walk_confirm(p, "yes\r");
    walk_sees(p, "0.5 against the baseline 0.9: worse");
    walk_sees(p, "stepped back to rung 10");
    walk_sees(p, "10 is in effect");
    walk_quit(p);
    walk_oracle_is(&walk, "10\n50\n10\n");
}

static void test_attempts_in_line_mode(void **state)
{
    (void)state;
    open_walk(policy);
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Policy +gentle: tried up to 3 times");
    walk_confirm(p, "yes\r");
    walk_sees(p, "attempt [12] of 3");
    walk_sees(p, "unverified");
    walk_ends(p, 0);
    walk_oracle_is(&walk, "try\ntry\n");
}

static void test_a_lock_that_another_run_holds(void **state)
{
    (void)state;
    open_walk(locked);
    struct pty *first = walk_line_mode(&walk, BELAY, "run");
    walk_sees(first, "Lock +\"queue\"");
    walk_confirm(first, "yes\r");
    walk_oracle_await(&walk, first, "begin\n");
    struct pty *p = walk_console(&walk, BELAY);
    pty_type(p, ":runbook run act\r");
    walk_to_page(p, "Type +yes");
    walk_sees(p, "Lock +\"queue\", one run at a time: run 1 .* holds it now");
    walk_confirm(p, "yes\r");
    walk_sees(p, "held by run 1");
    walk_open_gate(&walk);
    walk_ends(first, 0);
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nend\n");
}

static void override_breaker(const char *words)
{
    char *line = xasprintf("exec %s breaker pay %s >said 2>&1", BELAY, words);
    int status = system(line);
    free(line);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* What was confirmed is not run while the breaker of whom it calls is open; confirmed again, it is. */
static void test_a_breaker_that_refuses(void **state)
{
    (void)state;
    open_walk(guarded);
    override_breaker("open --reason 'their maintenance'");
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Call it", "Type +yes");
    walk_sees(p, "Policy +shy, asks the breaker pay before");
    walk_confirm(p, "yes\r");
    walk_sees(p, "the breaker pay refuses");
    walk_oracle_is(&walk, "");
    override_breaker("auto");
    walk_to_page(p, "Type +yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "call\n");
    walk_sees(p, "unverified|run has ended");
    walk_quit(p);
    walk_verify(&walk, BELAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_breaker_that_refuses, teardown),
        cmocka_unit_test_teardown(test_items, teardown),
        cmocka_unit_test_teardown(test_rungs, teardown),
        cmocka_unit_test_teardown(test_attempts_in_line_mode, teardown),
        cmocka_unit_test_teardown(test_a_lock_that_another_run_holds, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
