/* The journal's disk is full, or can't be written at all, and acting goes on in an emergency journal
 * elsewhere: with the run that was under way, nothing done twice, and all of it in the main journal in the
 * end. */
#include <glob.h>

#include "tests/screen/walk_small_disk.h"

static char place[96], elsewhere[160];

static const char document[] = "# Drain the queue\n\n"
                               "## Drain it\n\n"
                               "```bash {name=drain timeout=2m}\n"
                               "echo begin >> \"$ORACLE\"\n" WALK_AT_GATE "echo drained\n"
                               "echo end >> \"$ORACLE\"\n"
                               "```\n\n"
                               "## Fill it\n\n"
                               "```bash {name=fill timeout=2m}\n"
                               "echo fill >> \"$ORACLE\"\n"
                               "```\n";

static int setup(void **state)
{
    (void)state;
    char more[200];
    walk_open(&walk, document);
    snprintf(place, sizeof place, "%s/elsewhere", walk.rig.folder);
    snprintf(more, sizeof more, "runbooks: [runbooks/]\nemergency: %s\n", place);
    rig_configure(&walk.rig, more);
    return small_disk_begin();
}

/* `belay WORD WORD2 [--journal JOURNAL]` ends with that status. */
static void belay_ends(const char *word, const char *word2, const char *journal, int status)
{
    const char *words[] = {word, word2, "--config", "belay.yaml", "--journal", journal, NULL};
    if (journal == NULL) {
        words[4] = NULL;
    }
    walk_ends(rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words}), status);
}

/* The folder of the emergency journal that waits, by the file that tells about it. */
static void find_elsewhere(void)
{
    glob_t found = {0};
    char pattern[160];
    snprintf(pattern, sizeof pattern, "%s/belay-*/rig-*/about", place);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    snprintf(elsewhere, sizeof elsewhere, "%.*s", (int)(strlen(found.gl_pathv[0]) - strlen("/about")),
             found.gl_pathv[0]);
    globfree(&found);
}

static void go_elsewhere(struct pty *p)
{
    walk_sees(p, "JOURNAL IN TROUBLE.*:emergency");
    walk_escape(p, 3);
    pty_type(p, ":emergency\r");
    walk_sees(p, "EMERGENCY JOURNAL, once");
    find_elsewhere();
}

static void import_and_verify(void)
{
    char journal[200];
    snprintf(journal, sizeof journal, "emergency:%s", elsewhere);
    belay_ends("verify", NULL, journal, 0);
    belay_ends("import", NULL, NULL, 0);
    walk_verify(&walk, BELAY);
    belay_ends("import", elsewhere, NULL, 1); /* it has another name: evidence */
    belay_ends("import", NULL, NULL, 0);      /* and is not offered again */
    walk_verify(&walk, BELAY);
}

static void timeline_has(const char *pattern)
{
    const char *words[] = {"timeline", "--config", "belay.yaml", NULL};
    struct pty *p =
        rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words, .width = 200, .height = 60});
    if (pty_wait_end(p, WALK_MS) != 0 || !pty_matches(p, pattern))
        fail_with_screen(p, "not in the timeline: %s", pattern);
    pty_free(p);
}

/* The step ended while nothing could be recorded; its outcome is recorded elsewhere, and the run goes on
 * there. */
static struct pty *drained_elsewhere(void)
{
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Drain the queue", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\n");
    disk_fill_for_good();
    walk_open_gate(&walk);
    walk_oracle_await(&walk, p, "begin\nend\n");
    go_elsewhere(p);
    return p;
}

/* It goes on there as far as the page of the next step. */
static void fill_elsewhere_until(struct pty *p)
{
    pty_type(p, "r");
    walk_sees(p, "interrupted");
    pty_type(p, "\r");
    walk_sees(p, "Drain it +warn");
    walk_to_page(p, "Type  yes");
    walk_quit(p);
}

static void fill_elsewhere(struct pty *p)
{
    pty_type(p, "r");
    walk_sees(p, "interrupted");
    pty_type(p, "\r");
    walk_sees(p, "Drain it +warn");
    walk_to_page(p, "Type  yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\nend\nfill\n");
    walk_sees(p, "fill(.|\n)*warn +exit 0|Fill it +warn|ended");
    walk_quit(p);
}

static void test_a_run_goes_on(void **state)
{
    (void)state;
    fill_elsewhere(drained_elsewhere());
    disk_free();
    import_and_verify();
    timeline_has("Fill it: warn.*emergency journal");
    struct pty *p = walk_console(&walk, BELAY);
    pty_type(p, "r");
    walk_sees(p, "Drain the queue");
    if (pty_matches(p, "interrupted"))
        fail_with_screen(p, "a run that has ended is open");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nend\nfill\n");
}

/* The console is killed there, and another one goes on there. */
static void test_killed_there(void **state)
{
    (void)state;
    char journal[200];
    struct pty *p = drained_elsewhere();
    pty_signal(p, SIGKILL);
    pty_free(p);
    snprintf(journal, sizeof journal, "emergency:%s", elsewhere);
    const char *words[] = {"--journal", journal, NULL};
    p = rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words, .width = 120, .height = 36});
    walk_sees(p, "EMERGENCY JOURNAL");
    belay_ends("import", NULL, NULL, 1); /* while somebody works in it */
    fill_elsewhere(p);
    disk_free();
    import_and_verify();
    timeline_has("Fill it: warn.*emergency journal");
}

/* The main journal can be written again, and nobody has imported: what went on elsewhere does not go on here
 * as well, from whatever console, and says why. */
static void test_not_in_both(void **state)
{
    (void)state;
    fill_elsewhere_until(drained_elsewhere());
    disk_free();
    struct pty *p = walk_console(&walk, BELAY);
    walk_sees(p, "EMERGENCY JOURNAL NOT IMPORTED.*run 1");
    pty_type(p, ":runbook take 1 I want it\r");
    walk_sees(p, "run 1 went on in the emergency journal");
    pty_run(p, 3000); /* it looks for what nobody walks every 2 s */
    walk_escape(p, 3);
    pty_type(p, "r");
    walk_sees(p, "Drain the queue");
    if (pty_matches(p, "interrupted"))
        fail_with_screen(p, "it goes on here, too");
    struct pty *line = walk_line_mode(&walk, BELAY, "resume");
    if (pty_wait_end(line, WALK_MS) == 0)
        fail_with_screen(line, "resumed in line mode");
    pty_free(line);
    belay_ends("import", NULL, NULL, 0);
    walk_sees_gone(p, "NOT IMPORTED");
    walk_escape(p, 3);
    fill_elsewhere(p);
    walk_verify(&walk, BELAY);
}

/* Cancelling is a stop of our own process: it waits for no disk. */
static void test_cancel_in_trouble(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Drain the queue", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\n");
    disk_fill_for_good();
    pty_type(p, "\x03");
    walk_sees(p, "cancel +b|c cancel");
    pty_type(p, "c");
    walk_sees(p, "JOURNAL IN TROUBLE");
    walk_sees(p, "cancelled by .*journaled as soon");
    disk_free();
    walk_sees_gone(p, "JOURNAL IN TROUBLE");
    walk_sees(p, "cancelled");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\n");
    timeline_has("cancels: Drain it");
    walk_verify(&walk, BELAY);
}

/* Nothing can be written from the start; a run begins elsewhere, and is left open; the main journal's console
 * goes on with it. */
static void test_a_run_begins(void **state)
{
    (void)state;
    assert_true(small_disk_writable(walk.rig.state, false));
    struct pty *p = walk_console(&walk, BELAY);
    go_elsewhere(p);
    walk_open_gate(&walk);
    walk_start(p, "Drain the queue", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\nend\n");
    walk_sees(p, "warn +exit 0");
    walk_quit(p);
    assert_true(small_disk_writable(walk.rig.state, true));
    import_and_verify();
    fill_elsewhere(walk_console(&walk, BELAY));
    timeline_has("Drain it: warn.*emergency journal");
    timeline_has("Fill it: warn");
}

static void test_only_in_trouble(void **state)
{
    (void)state;
    belay_ends("emergency", NULL, NULL, 2);
    belay_ends("import", "/nowhere", NULL, 1);
    belay_ends("import", NULL, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_run_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_in_both, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_in_trouble, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_run_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_in_trouble, setup, teardown),
    };
    if (!small_disk_allowed()) {
        fprintf(stderr, "skipped: this host lets nobody mount a tmpfs here\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
