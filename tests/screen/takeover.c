/* Two consoles on one journal: whoever walks a run is shown to the other; a console that is there but absent
 * loses its run to an explicit take-over, and what it says afterwards counts for nothing. */
#include <sys/stat.h>

#include "tests/screen/walk.h"

static const char document[] = "# Drain the queue\n\n"
                               "## Drain it\n\n"
                               "```bash {name=drain timeout=2m}\n"
                               "echo begin >> \"$ORACLE\"; echo the tap is open\n" WALK_AT_GATE
                               "echo the tap is shut; echo end >> \"$ORACLE\"\n"
                               "```\n\n"
                               "## Fill it\n\n"
                               "```bash {name=fill timeout=2m}\n"
                               "echo fill >> \"$ORACLE\"\n"
                               "```\n";

WALK_FIXTURE(document)

static struct pty *line_mode(const char *const *words)
{
    return rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words, .width = 120, .height = 36});
}

static struct pty *take_over(const char *reason)
{
    const char *words[] = {"runbook", "take", "1", reason, "--line", NULL};
    return line_mode(words);
}

/* In the middle of a step, whose console stands still: the step goes on, its end is the new console's. */
static void test_a_stopped_console_loses_its_run(void **state)
{
    (void)state;
    struct pty *old = walk_line_mode(&walk, BELAY, "run");
    walk_sees(old, "Type +yes");
    walk_confirm(old, "yes\r");
    walk_oracle_await(&walk, old, "begin\n");
    pty_signal(old, SIGSTOP);
    assert_true(pty_wait_stopped(old, WALK_MS));
    struct pty *fresh = take_over("her laptop is shut");
    walk_sees(fresh, "Drain it runs");
    walk_open_gate(&walk);
    walk_sees(fresh, "Fill it(.|\n)*Type +yes");
    walk_confirm(fresh, "yes\r");
    walk_oracle_await(&walk, fresh, "begin\nend\nfill\n");
    walk_ends(fresh, 0);
    pty_continue(old, true);
    walk_sees(old, "taken over");
    walk_ends(old, 1);
    walk_oracle_is(&walk, "begin\nend\nfill\n");
    walk_verify(&walk, BELAY);
}

/* It had a page open and confirms what it still shows: refused, and nothing is run. */
static void test_what_the_old_console_confirms_is_refused(void **state)
{
    (void)state;
    struct pty *old = walk_line_mode(&walk, BELAY, "run");
    walk_sees(old, "Type +yes");
    pty_signal(old, SIGSTOP);
    assert_true(pty_wait_stopped(old, WALK_MS));
    struct pty *fresh = take_over("no answer");
    walk_sees(fresh, "Type +yes");
    pty_type(old, "yes\r"); /* read when it goes on */
    pty_continue(old, true);
    walk_sees(old, "taken over");
    walk_ends(old, 1);
    walk_oracle_is(&walk, "");
    pty_type(fresh, "stop\r");
    walk_sees(fresh, "run 1 ended");
    walk_ends(fresh, 1);
    walk_verify(&walk, BELAY);
}

/* Resuming what a living console walks is refused, with its name and the way to have it all the same. */
static void test_the_loser_is_told_who_has_it(void **state)
{
    (void)state;
    struct pty *first = walk_line_mode(&walk, BELAY, "run");
    walk_sees(first, "Type +yes");
    struct pty *second = walk_line_mode(&walk, BELAY, "resume");
    walk_sees(second, "run 1 is walked by .*@.*take 1 REASON");
    walk_ends(second, 1);
    struct pty *console = walk_console(&walk, BELAY);
    pty_type(console, "5");
    walk_sees(console, "elsewhere");
    pty_type(console, ":runbook take 1 she went home\r");
    walk_sees(console, "walked here now");
    walk_sees(first, "taken over");
    walk_ends(first, 1);
    pty_type(console, ":runbook take 1 once more\r"); /* it is ours: it goes on */
    walk_sees(console, "goes on");
    walk_quit(console);
    walk_verify(&walk, BELAY);
}

/* A dead console's run is simply taken up. */
static void test_a_dead_console_has_lost_it_already(void **state)
{
    (void)state;
    struct pty *old = walk_line_mode(&walk, BELAY, "run");
    walk_sees(old, "Type +yes");
    pty_signal(old, SIGKILL);
    pty_free(old);
    struct pty *fresh = walk_line_mode(&walk, BELAY, "resume");
    walk_sees(fresh, "Type +yes");
    walk_confirm(fresh, "yes\r");
    walk_oracle_await(&walk, fresh, "begin\n");
    walk_open_gate(&walk);
    walk_sees(fresh, "Fill it(.|\n)*Type +yes");
    walk_confirm(fresh, "skip\r");
    walk_sees(fresh, "skipped. Fill it");
    walk_ends(fresh, 0);
    walk_oracle_is(&walk, "begin\nend\n");
    /* and one that walked nothing of it knows what stands changed */
    struct pty *third = walk_console(&walk, BELAY);
    walk_sees(third, "changed 1");
    walk_quit(third);
    walk_verify(&walk, BELAY);
}

/* To the step's page: the panel of runs, the run, its step. */
static void look_on(struct pty *console)
{
    pty_type(console, "5");
    walk_sees(console, "elsewhere");
    pty_type(console, "\r");
    walk_sees(console, "Fill it(.|\n)*walks this run");
    pty_type(console, "\r");
}

/* What a step prints is seen live by who was there when it began, and by who came later. */
static void test_a_follower_sees_the_output(void **state)
{
    (void)state;
    struct pty *early = walk_console(&walk, BELAY), *owner = walk_line_mode(&walk, BELAY, "run");
    walk_sees(owner, "Type +yes");
    look_on(early);
    walk_confirm(owner, "yes\r");
    walk_oracle_await(&walk, owner, "begin\n");
    walk_sees(early, "the tap is open");
    struct pty *late = walk_console(&walk, BELAY);
    look_on(late);
    walk_sees(late, "the tap is open");
    walk_open_gate(&walk);
    walk_sees(early, "the tap is shut");
    walk_sees(owner, "Fill it(.|\n)*Type +yes");
    walk_confirm(owner, "skip\r");
    walk_ends(owner, 0);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_quit(early);
    walk_quit(late);
    walk_verify(&walk, BELAY);
}

/* How long it has been acting is no shorter for a new console. */
static void test_the_time_of_a_step_goes_on(void **state)
{
    (void)state;
    struct pty *old = walk_line_mode(&walk, BELAY, "run"), *fresh = walk_console(&walk, BELAY);
    walk_sees(old, "Type +yes");
    look_on(fresh);
    walk_confirm(old, "yes\r");
    walk_oracle_await(&walk, old, "begin\n");
    walk_sees(fresh, "▶ acting +([4-9]|[1-9][0-9]+)s");
    pty_type(fresh, "T");
    walk_sees(fresh, "take it over, because:");
    pty_type(fresh, "gone\r");
    walk_sees(fresh, "b background");
    walk_open_gate(&walk);
    walk_sees(fresh, "! warn +exit 0 +after ([4-9]|[1-9][0-9]+)s");
    walk_sees(old, "taken over");
    walk_ends(old, 1);
    walk_quit(fresh);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, BELAY);
}

/* Without a configuration there is no console with an `r` to find it. */
static void test_the_welcome_page_names_what_was_left(void **state)
{
    (void)state;
    const char *run[] = {"runbook", "run", "../runbooks/act.md", "--line", NULL}, *none[] = {NULL};
    assert_int_equal(mkdir("bare", 0755), 0);
    assert_int_equal(chdir("bare"), 0);
    struct pty *p = line_mode(run);
    walk_sees(p, "Type +yes");
    struct pty *welcome = line_mode(none);
    walk_sees(welcome, "only what you confirm");
    if (pty_matches(welcome, "Interrupted"))
        fail_with_screen(welcome, "its console is there");
    walk_ends(welcome, 2);
    pty_signal(p, SIGKILL);
    walk_ends(p, 128 + SIGKILL);
    welcome = line_mode(none);
    walk_sees(welcome, "Interrupted: run 1, Drain the queue. It goes on with: belay runbook resume 1");
    walk_ends(welcome, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_stopped_console_loses_its_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_old_console_confirms_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_loser_is_told_who_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_follower_sees_the_output, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_time_of_a_step_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_dead_console_has_lost_it_already, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_welcome_page_names_what_was_left, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
