/* Steps on the terminal itself: they have it while they run, the person can come back, what was shown is kept
 * and what was typed is not; when the terminal goes in the middle nothing is run twice and nobody pretends to
 * know. */
#include "tests/screen/walk.h"

static struct walk walk;

#define SECRET "s3cret-word"

/* $ACT is what the step runs. */
static const char document[] = "# Talk to it\n\n"
                               "## Ask me\n\n"
                               "```bash {name=talk interactive=true timeout=5m}\n"
                               "echo begin >> \"$ORACLE\"\n"
                               "source \"$ACT\"\n"
                               "echo end >> \"$ORACLE\"\n"
                               "```\n";

static const char questions[] =
    "test -t 0 && test -t 1 && test -t 2\n"
    "tty\n"
    "read -r -p 'your name? ' name\n"
    "read -r -s -p 'password? ' password\n"
    "test \"$password\" = " SECRET "\n"
    "printf '\\nhello %s, %s, %s\\n' \"$name\" \"$BELAY_STEP\" \"$(stty size)\"\n";

/* A program that draws the whole screen, and anew when its size changes. */
static const char full_screen[] = "drawn=0\n"
                                  "draw() { drawn=$((drawn + 1)); printf '\\e[2J\\e[Hfull screen %s, "
                                  "drawn\\n' \"$(stty size | tr ' ' x)\"; }\n"
                                  "trap draw WINCH\n"
                                  "trap 'echo begin-int >> \"$ORACLE\"' INT\n"
                                  "printf '\\e[?1049h\\e[?25l\\e[?1000h\\e[?1h'\n"
                                  "stty -echo -icanon\n"
                                  "draw\n"
                                  "while :; do key=; read -r -n 1 -t 0.2 key || :; case $key in q) break;; "
                                  "$'\\x1d') echo bracket >> \"$ORACLE\";; "
                                  "esac; done\n"
                                  "printf '\\e[?1049l\\e[?25h\\e[?1000l\\e[?1l'\n"
                                  "stty sane\n";

static int setup(void **state)
{
    (void)state;
    walk_open(&walk, document);
    setenv("ACT", xasprintf("%s/act", walk.rig.folder), 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    walk_close(&walk);
    return 0;
}

static struct pty *at_the_page(const char *act)
{
    rig_write(&walk.rig, "act", act);
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Talk to it", "Type  yes");
    walk_sees(p, "takes over this terminal until it ends; Ctrl-\\] twice");
    walk_confirm(p, "yes\r");
    return p;
}

static struct pty *run_belay(const char *const *words)
{
    return rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words, .width = 120, .height = 36});
}

/* A shell command over belay's output, which has to succeed. */
static void shell_succeeds(const char *command)
{
    const char *const argv[] = {"bash", "-eo", "pipefail", "-c", command, NULL};
    struct pty *p = pty_start(&(struct pty_options){.argv = argv, .width = 120, .height = 36});
    int status = pty_wait_end(p, WALK_MS);
    if (status != 0)
        fail_with_screen(p, "%s: %d", command, status);
    pty_free(p);
}

#define DIGEST                                                                                               \
    "timeline --all --json | jq -r 'select(.kind==\"step.outcome\").data.recording.digest | select(.)' | "   \
    "tail -1"
#define BELAY_HERE BELAY " --config belay.yaml "

/* The recording of the last step is asciicast v2 and holds the text; typed is what it must not hold. */
static void recording_holds(const char *text, const char *not_there)
{
    shell_succeeds("rm -f cast; " BELAY_HERE "evidence $(" BELAY_HERE DIGEST ") -o cast");
    shell_succeeds("head -1 cast | jq -e '.version == 2 and .width > 0 and .height > 0 and .timestamp > 0 "
                   "and .env.TERM'");
    shell_succeeds(
        "tail -n +2 cast | jq -e -s 'length > 0 and all(.[]; length == 3 and (.[0] | type) == \"number\" and "
        "(.[1] | . == \"o\" or . == \"r\"))'");
    char *holds = xasprintf(
        "tail -n +2 cast | jq -r 'select(.[1]==\"o\")[2]' | tr -d '\\r\\n' | grep -F -- '%s'", text);
    shell_succeeds(holds);
    free(holds);
    if (not_there) {
        holds = xasprintf("! grep -F -r -a -- '%s' cast \"$XDG_STATE_HOME\" && ! grep -F -r -a -- '%s' %s",
                          not_there, not_there, walk.rig.state);
        shell_succeeds(holds);
        free(holds);
    }
}

static void test_talks_on_the_terminal(void **state)
{
    (void)state;
    struct pty *p = at_the_page(questions);
    walk_sees(p, "^/dev/pts/[0-9]+(.|\n)*your name\\?");
    pty_type(p, "bob\r");
    walk_sees(p, "password\\?");
    pty_type(p, SECRET "\r");
    walk_sees(p, "hello bob, talk, 36 120(.|\n)*it has ended: exit 0 .*; Enter");
    pty_type(p, "\r");
    walk_sees(p, "exit 0(.|\n)*on its terminal for .* belay evidence [0-9a-f]{12} -o FILE");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nend\n");
    recording_holds("hello bob, talk, 36 120", SECRET);
    walk_verify(&walk, BELAY);
}

/* A program that drew on the alternate screen alone needs no Enter: nothing of it is lost. */
static void test_full_screen_resize_and_back(void **state)
{
    (void)state;
    struct pty *p = at_the_page(full_screen);
    walk_sees(p, "full screen 36x120");
    assert_true(pty_alternate(p));
    pty_resize(p, 100, 30);
    walk_sees(p, "full screen 30x100");
    pty_type(p, "\x03"); /* the program's, not belay's */
    walk_oracle_await(&walk, p, "begin\nbegin-int\n");
    pty_type(p, "\x1d"); /* once is the program's, too */
    walk_oracle_await(&walk, p, "begin\nbegin-int\nbracket\n");
    pty_type(p, "\x1d\x1d");
    walk_sees(p, "cancel it: TERM(.|\n)*back to its terminal");
    pty_type(p, "b"); /* the dashboard, while the program runs on */
    walk_sees(p, "2 ok|1 half|llm-primary");
    pty_resize(p, 110, 33);
    walk_sees(p, "2 ok|1 half|llm-primary");
    pty_type(p, "5");
    walk_sees(p, "Ask me");
    pty_type(p, "\r");
    walk_sees(p, "Enter next step");
    pty_type(p, "\r");
    walk_sees(p, "back to its terminal");
    pty_type(p, "\x03");
    walk_sees(p, "cancel it: TERM");
    pty_type(p, "l");
    walk_sees(p, "full screen 33x110");
    pty_type(p, "q");
    walk_sees(p, "exit 0(.|\n)*on its terminal for");
    assert_false(pty_matches(p, "it has ended"));
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nbegin-int\nbracket\nend\n");
    recording_holds("full screen 30x100", NULL);
    shell_succeeds("grep -c '\"r\", \"100x30\"' cast");
}

/* Its evidence takes its time and the person looks at something else meanwhile: nothing grabs the terminal,
 * the step says that it waits, and begins when its page is opened. */
static void test_waits_for_its_page(void **state)
{
    (void)state;
    rig_write(&walk.rig, "runbooks/act.md",
              "# Talk to it\n\n```bash {name=log kind=evidence timeout=2m}\n"
              "for i in $(seq 600); do test -e \"$GATE\" && break; sleep 0.1; done; echo log\n```\n\n"
              "## Ask me\n\n```bash {name=talk interactive=true evidence=log}\n"
              "echo begin >> \"$ORACLE\"\nread -r -p 'your name? ' name\n```\n");
    struct pty *p = at_the_page("");
    walk_sees(p, "Ctrl-C cancel, background or leave");
    pty_type(p, "b");
    walk_sees(p, "2 ok|1 half|llm-primary");
    walk_open_gate(&walk);
    walk_sees(p, "Ask me, run 1, waits for the terminal for a minute: open its page");
    walk_oracle_is(&walk, "");
    pty_type(p, "5");
    walk_sees(p, "Talk to it");
    pty_type(p, "\r");
    walk_sees(p, "Enter next step");
    pty_type(p, "\r");
    walk_sees(p, "^your name\\?");
    pty_type(p, "zoe\r");
    walk_sees(p, "it has ended: exit 0 .*; Enter");
    pty_type(p, "\r");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\n");
}

/* A reader that stands still holds the program back, and nothing else; it can be interrupted, and memory
 * stays. */
static void test_flood_on_a_stalled_terminal(void **state)
{
    (void)state;
    struct pty *p =
        at_the_page("trap 'exit 5' INT; while :; do echo 0123456789 0123456789 0123456789; done\n");
    walk_sees(p, "0123456789 0123456789 0123456789");
    long before = pty_usage(p).rss_kb;
    pty_stall(p, true);
    pty_run(p, 3000);
    assert_true(pty_usage(p).rss_kb - before < 32 << 10);
    pty_type(p, "\x03");
    pty_stall(p, false);
    walk_sees(p, "it has ended: exit 5 .*; Enter");
    assert_true(pty_usage(p).rss_kb - before < 32 << 10);
    pty_type(p, "\r");
    walk_sees(p, "on its terminal for");
    walk_quit(p);
}

/* The next console finds it broken off, nothing runs twice, and the tty is mended. */
static void found_broken_off(void)
{
    struct pty *p = walk_console(&walk, BELAY);
    pty_type(p, "r");
    walk_sees(p, "Talk to it");
    pty_type(p, "\r");
    walk_sees(p, "broken off: its terminal was gone before it ended");
    pty_type(p, "\r");
    walk_sees(p, "Nobody knows whether it worked");
    walk_sees(p, "hung-up(.|\n)*its terminal was gone before it ended");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\n");
    recording_holds("your name? ", NULL);
    walk_verify(&walk, BELAY);
}

/* Quitting takes the terminal away from it: said before, and found so after. */
static void test_quitting_hangs_it_up(void **state)
{
    (void)state;
    struct pty *p = at_the_page(questions);
    walk_sees(p, "your name\\?");
    pty_type(p, "\x1d\x1d");
    walk_sees(p, "cancel it: TERM");
    pty_type(p, "b");
    walk_sees(p, "2 ok|1 half|llm-primary");
    pty_type(p, "q");
    walk_sees(p, "q again quits; run 1: Ask me is hung up with its terminal");
    pty_type(p, "q");
    walk_sees(p, "^run 1: Ask me is hung up with its terminal. `belay` tells what became of it");
    walk_ends(p, 0);
    found_broken_off();
}

/* Another console takes the run over while the program has the terminal here: it is hung up, this console is
 * back. */
static void test_taken_over_in_it(void **state)
{
    (void)state;
    const char *words[] = {"runbook", "take", "1", "her laptop is shut", "--line", NULL};
    struct pty *p = at_the_page(questions);
    walk_sees(p, "your name\\?");
    struct pty *fresh = run_belay(words);
    walk_sees(fresh, "broken off: its terminal was gone(.|\n)*Your choice");
    walk_sees(p, "Talk to it|llm-primary|elsewhere|Ask me");
    assert_true(pty_alternate(p));
    pty_type(fresh, "failed she was asked for her name\r");
    walk_sees(fresh, "\\[failed\\] Ask me(.|\n)*Your choice");
    pty_type(fresh, "stop\r");
    walk_ends(fresh, 1);
    walk_quit(p);
    walk_oracle_is(&walk, "begin\n");
    walk_verify(&walk, BELAY);
}

static void test_cancel_from_the_question(void **state)
{
    (void)state;
    struct pty *p = at_the_page("printf '\\e[?1049h\\e[?1000hdrawn'; bash --norc --noprofile -i\n");
    walk_sees(p, "drawn");
    pty_type(p, "\x1d\x1d");
    walk_sees(p, "cancel it: TERM");
    pty_type(p, "c");
    walk_sees(p, "\\? unknown(.|\n)*cancelled");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\n");
    recording_holds("drawn", NULL);
}

/* What was shown a moment ago is on its way to the file. */
static void recorded(const char *text)
{
    char *command =
        xasprintf("for i in $(seq 600); do find %s -name recording -exec grep -q -F '%s' {} + && exit 0; "
                  "sleep 0.05; done; exit 1",
                  walk.rig.folder, text);
    shell_succeeds(command);
    free(command);
}

static void test_killed_in_it(void **state)
{
    (void)state;
    struct pty *p = at_the_page(questions);
    walk_sees(p, "your name\\?");
    recorded("your name?");
    pty_signal(p, SIGKILL);
    assert_int_equal(pty_wait_end(p, WALK_MS), 128 + SIGKILL);
    pty_free(p);
    found_broken_off();
}

static void test_link_lost_in_it(void **state)
{
    (void)state;
    struct pty *p = at_the_page(questions);
    walk_sees(p, "your name\\?");
    recorded("your name?");
    pty_hang_up(p);
    assert_true(pty_wait_end(p, WALK_MS) >= 0);
    pty_free(p);
    found_broken_off();
}

static void test_terminated_in_it_restores_the_terminal(void **state)
{
    (void)state;
    struct pty *p = at_the_page(full_screen);
    walk_sees(p, "full screen 36x120");
    pty_signal(p, SIGTERM);
    assert_true(pty_wait_end(p, WALK_MS) >= 0);
    expect_restored(p);
    if (!mode_reset(p, "\x1b[?1000h", "\x1b[?1000l"))
        fail_with_screen(p, "the mouse is still reported");
    pty_free(p);
}

/* The terminal is no longer asked for a line of ours. */
static void raw_await(struct pty *p)
{
    struct termios modes = {.c_lflag = ICANON};
    for (int i = 0; i < WALK_MS / 20 && (modes.c_lflag & ICANON); i++) {
        pty_run(p, 20);
        pty_modes(p, &modes);
    }
    assert_false(modes.c_lflag & ICANON);
}

static void test_line_mode(void **state)
{
    (void)state;
    rig_write(&walk.rig, "act", questions);
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "takes over this terminal(.|\n)*Type yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "your name\\?");
    pty_type(p, "eve\r");
    walk_sees(p, "password\\?");
    pty_type(p, "\x1d\x1d");
    walk_sees(p, "cancel: stop the step; leave: it is hung up; Enter: back to its terminal");
    pty_type(p, "\r");
    raw_await(p); /* back on its terminal */
    pty_type(p, SECRET "\r");
    walk_sees(p, "hello eve, talk, 36 120");
    walk_sees(p, "\\[warn\\] Ask me");
    if (pty_wait_end(p, WALK_MS) != 0)
        fail_with_screen(p, "it did not end with 0");
    expect_restored(p);
    pty_free(p);
    walk_oracle_is(&walk, "begin\nend\n");
    recording_holds("hello eve", SECRET);
}

/* No runbook foresaw it: `belay do --interactive`, and the same behind the colon. */
static void test_acts_outside_runbooks(void **state)
{
    (void)state;
    const char *words[] = {"do",       "--line", "--interactive",
                           "--reason", "look",   "--",
                           "bash",     "-c",     "read -r -p 'go on? ' x; echo \"said $x\"",
                           NULL};
    struct pty *p = run_belay(words);
    walk_sees(p, "takes over this terminal(.|\n)*Type");
    walk_confirm(p, "yes\r");
    walk_sees(p, "^go on\\?");
    pty_type(p, "sure\r");
    walk_sees(p, "said sure");
    walk_ends(p, 0);
    recording_holds("said sure", NULL);
    p = walk_console(&walk, BELAY);
    pty_type(p, ":do --interactive read -r -p 'again? ' x; echo \"said $x\"\r");
    walk_sees(p, "takes over this terminal");
    walk_confirm(p, "yes\r");
    walk_sees(p, "^again\\?");
    pty_type(p, "yes\r");
    walk_sees(p, "said yes(.|\n)*Enter");
    pty_type(p, "\r");
    walk_sees(p, "on its terminal for");
    walk_quit(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_talks_on_the_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_screen_resize_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waits_for_its_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flood_on_a_stalled_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quitting_hangs_it_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_taken_over_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_from_the_question, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_link_lost_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_terminated_in_it_restores_the_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_line_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_acts_outside_runbooks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
