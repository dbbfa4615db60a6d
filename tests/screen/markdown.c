/* A team's own Markdown, without any configuration: one command opens the page of its first step; killed with
 * -9 in a step, the next command goes on with it, from another folder, and nothing runs twice. */
#include <signal.h>
#include <unistd.h>

#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

static struct rig rig;

static const char document[] = "# Restart the worker\n\n"
                               "Look first.\n\n"
                               "```sh\n"
                               "$ echo looked >>effects\n"
                               "```\n\n"
                               "Then restart <worker>:\n\n"
                               "```bash\n"
                               "echo begun >>effects\n"
                               "for i in $(seq 600); do test -e gate && break; sleep 0.1; done\n"
                               "echo ended >>effects\n"
                               "```\n\n"
                               "- [ ] Tell the team\n";

static int setup(void **state)
{
    (void)state;
    rig_open(&rig);
    rig_write(&rig, "team.md", document);
    return chdir(rig.folder) < 0 || unlink("belay.yaml") < 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static struct pty *belay(const char *const *arguments)
{
    return rig_run(&rig, BELAY, &(struct rig_start){.arguments = arguments, .width = 100, .height = 30});
}

static void confirm(struct pty *p)
{
    expect_screen(p, "Type  yes  to run it");
    type_confirmation(p, "yes\r");
}

static void expect_effects(const char *expected)
{
    struct str text = {0};
    int64_t end = clock_monotonic_us() + EXPECT_MS * US_PER_MS;
    while (!str_eq(str_text(&text), expected) && clock_monotonic_us() < end) {
        usleep(20000);
        str_clear(&text);
        file_read("effects", 4096, &text, NULL);
    }
    assert_string_equal(str_text(&text), expected);
    str_fini(&text);
}

static void quit(struct pty *p)
{
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_one_command_and_back_after_kill_9(void **state)
{
    (void)state;
    struct pty *p = belay((const char *const[]){"runbook", "run", "team.md", NULL});
    expect_screen(p, "echo looked");
    confirm(p);
    expect_screen(p, "Next  Then restart <worker>");
    pty_type(p, "\r");
    expect_screen(p, "Then restart <worker>.*2 of 3");
    confirm(p);
    expect_effects("looked\nbegun\n");
    pty_signal(p, SIGKILL);
    expect_end(p, 128 + SIGKILL);
    pty_free(p);

    assert_int_equal(chdir("/"), 0);
    p = belay((const char *const[]){"runbook", "resume", NULL});
    expect_screen(p, "Restart the worker.*run 1, step 2 of 3");
    expect_screen(p, "2 Then restart.* running");
    assert_int_equal(chdir(rig.folder), 0);
    rig_write(&rig, "gate", "");
    expect_screen(p, "3 Tell the team .*waits");
    expect_effects("looked\nbegun\nended\n");
    /* A document that no configuration names is in the list while it is walked. */
    pty_type(p, "r");
    expect_screen(p, "(under way|interrupted) +Restart the worker");
    pty_type(p, "\r");
    expect_screen(p, "3 Tell the team .*waits");
    pty_type(p, "\r");
    expect_screen(p, "To be done by hand");
    pty_type(p, "1");
    expect_screen(p, "because");
    pty_type(p, "\r");
    expect_screen(p, "the run has ended");
    quit(p);
    expect_effects("looked\nbegun\nended\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_command_and_back_after_kill_9, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
