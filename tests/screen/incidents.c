/* Incidents end to end on the release: by subcommands and in the console, roles to closing, late notes,
 * mutes, shifts, logs in a pager, the postmortem in an editor, and evidence that stays until somebody has
 * reviewed it. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/screen/walk.h"

static struct walk walk;

static const char document[] = "# Print a lot\n\n"
                               "## Print it\n\n"
                               "```bash {name=print timeout=5m}\n"
                               "head -c 70000000 /dev/zero | tr '\\0' x\n"
                               "echo end >> \"$ORACLE\"\n"
                               "```\n";

static const char extras[] =
    "runbooks: [runbooks/]\n"
    "oncall: {command: [cat, oncall]}\n"
    "links:\n"
    "  - {title: Graphs, kind: shard, url: \"https://graphs.example/{kind}?name={name}\"}\n"
    "logs:\n"
    "  - {title: store log, kind: shard, command: [sh, -c, \"seq 1 200 | sed \\\"s,^,$0 line ,\\\"\", "
    "\"{name}\"]}\n";

static int setup(void **state)
{
    (void)state;
    walk_open(&walk, document);
    rig_configure(&walk.rig, extras);
    rig_write(&walk.rig, "oncall", "bob\n");
    rig_state_small(&walk.rig, "Dead");
    setenv("PAGER", "sh pager", 1);
    setenv("EDITOR", "sh edit", 1);
    unsetenv("VISUAL");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    walk_close(&walk);
    return 0;
}

/* ---- subcommands */

static char said[65536];

/* Runs `belay WORDS` without a terminal; what it said on both streams is in `said`. */
static int belay(const char *words)
{
    char *line = xasprintf("%s %s </dev/null 2>&1", BELAY, words);
    FILE *pipe = popen(line, "re");
    assert_non_null(pipe);
    size_t length = fread(said, 1, sizeof said - 1, pipe);
    said[length] = '\0';
    int status = pclose(pipe);
    free(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void must(int status, const char *words, const char *wanted)
{
    int seen = belay(words);
    if (seen != status || !strstr(said, wanted))
        fail_msg("belay %s: exit %d (wanted %d), it said:\n%s\nwanted: %s", words, seen, status, said,
                 wanted);
}

static void test_life_by_subcommands(void **state)
{
    (void)state;
    must(0, "incident open --severity SEV3 --entity 'shard docs/shard-5' answers are empty", "INC-1");
    must(0, "incident note --at 25m customers called", "noted in INC-1 at 20");
    must(0, "incident note --at 25h nobody knew", "Z, ");
    must(2, "incident note --at tomorrow x", "is not a time");
    must(2, "incident role commander", "who is commander now?");
    must(0, "incident role commander alice", "INC-1 alice is commander now");
    must(0, "incident severity 1 it spreads", "INC-1 SEV1, was SEV3: it spreads");
    must(1, "incident severity SEV1", "SEV1 already");
    must(2, "incident severity SEV9", "SEV1, the worst, to SEV5");
    must(2, "incident open --severity high it burns", "SEV1, the worst, to SEV5");
    must(0, "incident action 'alert on a full disk' --owner bob --due 2026-12-01 --test 'fill it'",
         "action item:");
    must(0, "incident action 1 --ticket OPS-7", "changed");
    must(2, "incident action 1 --due soon", "is no day");
    must(1, "incident action 9 --done", "no action item 9");
    must(0, "incident write --field 'root-cause=The disk was full.' --field notified='support, by phone'",
         "notified");
    must(2, "incident write", "without a terminal");
    must(2, "incident write blame bob", "is no part of a postmortem");
    must(1, "incident review", "must be resolved before");
    must(0, "incident mitigate a replica serves", "INC-1 mitigated");
    must(1, "incident mitigate", "mitigated already");
    must(0, "incident resolve restored", "INC-1 resolved");
    must(1, "incident close", "nobody has reviewed it");
    must(1, "incident close", "--yes-with REASON");
    must(0, "incident show", "its evidence is held until it is reviewed");
    must(0, "incident review held on Monday", "INC-1 reviewed");
    must(0, "incident close all done", "INC-1 closed");
    must(1, "incident resolve INC-1", "no way back to resolved");
    must(0, "incident list --json", "\"state\":\"closed\"");
    must(0, "incident show 1 --json", "\"test\":\"fill it\"");
    must(0, "timeline INC-1", "note \"customers called\" (written 25m later)");
    must(0, "export INC-1", "| 1 | alert on a full disk | bob | 2026-12-01 | OPS-7 | fill it | open |");
    must(0, "export INC-1", "## Root cause\n\nThe disk was full.\n");
    must(0, "export INC-1", "| Role: commander | alice |");
    must(0, "export INC-1 --format json", "\"notified\":\"support, by phone\"");
    must(2, "incident frob", "needs one of: open, list, show");
    must(2, "incident close --read-only", "--read-only");
    must(0, "verify", "intact");
}

/* What is told late stands where it belongs, and the chain stays in its order. */
static void test_late_note(void **state)
{
    (void)state;
    must(0, "incident open first", "INC-1");
    must(0, "incident note second", "noted");
    must(0, "incident note --at 1h before all that", "noted");
    must(0, "timeline", "");
    const char *before = strstr(said, "before all that"), *opened = strstr(said, "INC-1 opened");
    assert_true(before && opened && before < opened);
    must(0, "timeline --json", "");
    before = strstr(said, "before all that");
    opened = strstr(said, "incident.opened");
    assert_true(before && opened && before > opened);
}

static void test_observer(void **state)
{
    (void)state;
    char *more = xasprintf("observer: true\n%s", extras);
    rig_configure(&walk.rig, more);
    free(more);
    must(0, "incident open x", "INC-1");
    must(0, "incident note x", "noted");
    must(2, "incident mitigate", "--join");
    must(2, "mute shard docs/shard-5 for 1h x", "--join");
    must(0, "incident mitigate --join", "mitigated");
    struct pty *p = walk_console(&walk, BELAY);
    pty_type(p, ":incident resolve\r");
    walk_sees(p, "you are an observer here");
    pty_type(p, ":join\r");
    walk_sees(p, "you are an operator now");
    pty_type(p, ":incident resolve\r");
    walk_sees(p, "INC-1 resolved");
    walk_quit(p);
}

static void test_closing_asks_on_a_terminal(void **state)
{
    (void)state;
    must(0, "incident open x", "INC-1");
    const char *words[] = {"incident", "close", NULL};
    struct rig_start start = {.arguments = words};
    struct pty *p = rig_run(&walk.rig, BELAY, &start);
    walk_sees(p, "it is open, not resolved");
    walk_sees(p, "Type INC-1");
    pty_type(p, "yes\n");
    walk_ends(p, 1);
    p = rig_run(&walk.rig, BELAY, &start);
    walk_sees(p, "Type INC-1");
    pty_type(p, "INC-1 a false alarm\n");
    walk_sees(p, "INC-1 closed");
    walk_ends(p, 0);
    must(0, "incident show 1", "it is open, not resolved");
    must(0, "export INC-1", "## Left over when it was closed\n\nReason: a false alarm");
}

/* ---- the console */

static void test_life_in_the_console(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_sees(p, "on call: bob");
    pty_type(p, ":incident open --severity SEV2 customers don't get answers\r");
    walk_sees(p, "INC-1 SEV2 active");
    pty_type(p, ":incident role commander alice\r");
    walk_sees(p, "INC-1 alice is commander now");
    pty_type(p, ":note --at 10m they called\r");
    walk_sees(p, "they called\" \\(written 10m later\\)");
    pty_type(p, ":incident action \"alert on it\" --owner bob\r");
    walk_sees(p, "action item: alert on it, owner bob");
    pty_type(p, ":incident show\r");
    walk_sees(p, "1 open +alert on it; owner bob");
    walk_escape(p, 1);
    pty_type(p, "u");
    walk_sees(p, "^INC-1 SEV2 active: customers don't get answers");
    walk_sees(p, "^What users feel: p95 60 \\(threshold 50\\)");
    walk_sees(p, "^What is broken: shard docs/shard-5 Dead since");
    walk_sees(p, "^Commander: alice");
    walk_sees(p, "^Next update: by [0-9:]+Z");
    walk_escape(p, 1);
    walk_sees(p, "PROBLEMS");
    pty_type(p, "v");
    walk_sees(p, "^Breakers");
    walk_sees_gone(p, "┌");
    walk_escape(p, 1);
    pty_type(p, ":incident close\r");
    walk_sees(p, "Closing INC-1 leaves behind");
    walk_sees(p, "no ticket: action item 1: alert on it");
    pty_type(p, "\r");
    walk_sees(p, "INC-1 is not closed");
    pty_type(p, ":incident mitigate a replica serves\r");
    walk_sees(p, "INC-1 SEV2 mitigated");
    pty_type(p, ":incident close\r");
    walk_sees(p, "it is mitigated, not resolved");
    pty_type(p, "INC-1 the day shift knows\r");
    walk_sees(p, "INC-1 closed");
    walk_quit(p);
    must(0, "incident show 1", "no ticket: action item 1");
    walk_verify(&walk, BELAY);
}

static void test_mute(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_sees(p, "✗ shard docs/shard-5 Dead");
    pty_type(p, ":mute shard docs/shard-5 for 10s for a moment\r");
    walk_sees(p, "1 muted");
    walk_sees(p, "✗ shard docs/shard-5 Dead"); /* it has run out by itself */
    walk_sees_gone(p, "1 muted");
    pty_type(p, ":mute shard docs/shard-5 for 1h being restored\r");
    walk_sees_gone(p, "PROBLEMS +✗ shard docs/shard-5");
    walk_sees(p, "1 muted");
    must(0, "mute --json", "\"reason\":\"being restored\"");
    must(2, "status", "shard docs/shard-5 Dead (muted by "); /* and it counts */
    pty_type(p, ":unmute shard docs/shard-5\r");
    walk_sees(p, "✗ shard docs/shard-5 Dead");
    walk_sees_gone(p, "1 muted");
    must(0, "mute shard docs/shard-5 for 1h by the command", "muted until");
    walk_sees(p, "1 muted");
    pty_type(p, ":unmute shard docs/shard-5\r");
    walk_sees(p, "✗ shard docs/shard-5 Dead");
    must(1, "unmute shard docs/shard-5", "is not muted");
    must(2, "mute shard docs/shard-5", "for how long, and why?");
    must(1, "mute shard docs/shard-5 for 8d x", "a mute ends");
    walk_quit(p);
}

static void test_from_shift_to_shift(void **state)
{
    (void)state;
    static const char *const alice[] = {"--operator", "alice", NULL}, *const bob[] = {"--operator", "bob",
                                                                                      NULL};
    struct pty *a =
        rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = alice, .width = 120, .height = 36});
    struct pty *b =
        rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = bob, .width = 120, .height = 36});
    walk_sees(a, "llm-primary");
    walk_sees(b, "llm-primary");
    pty_type(a, ":incident open the store is down\r");
    walk_sees(a, "INC-1 active");
    pty_type(a, ":incident role commander alice\r");
    walk_sees(a, "alice is commander now");
    pty_type(b, ":handover accept\r");
    walk_sees(b, "nobody hands over");
    pty_type(a, ":handover give --to bob watch the disk\r");
    walk_sees(a, "hands over to bob: 1 incident, 0 open runs");
    pty_type(a, ":handover accept\r");
    walk_sees(a, "you gave it yourself");
    pty_type(b, ":handover\r");
    walk_sees(b, "roles +commander alice");
    walk_sees(b, "to bob, not accepted yet: watch the disk");
    walk_escape(b, 1);
    pty_type(b, ":handover accept\r");
    walk_sees(b, "bob takes over from alice");
    must(0, "incident show 1", "commander  bob");
    must(0, "handover --json", "\"given\":null");
    must(0, "timeline", "bob takes over from alice");
    walk_quit(a);
    walk_quit(b);
}

static void test_logs_in_a_pager(void **state)
{
    (void)state;
    rig_write(&walk.rig, "pager",
              "echo secure=$LESSSECURE; head -3; read answer </dev/tty; echo \"got $answer\" > pager.out\n");
    struct pty *p = walk_console(&walk, BELAY);
    pty_type(p, "3");
    walk_sees(p, "docs/shard-5");
    pty_type(p, "g\r");
    walk_sees(p, "Graphs +https://graphs.example/shard\\?name=docs%2Fshard-5");
    pty_type(p, "L");
    walk_sees(p, "secure=1");
    walk_sees(p, "docs/shard-5 line 1$");
    assert_false(pty_alternate(p));
    pty_type(p, "\x1a"); /* stopping it must not lose it: nobody could bring it back */
    pty_run(p, 300);
    pty_type(p, "enough\n");
    walk_sees(p, "Logs \\(L opens");
    assert_true(pty_alternate(p));
    struct str text = {0};
    assert_int_equal(file_read("pager.out", 1000, &text, NULL), 0);
    assert_string_equal(str_text(&text), "got enough\n");
    str_fini(&text);
    rig_write(&walk.rig, "pager", "echo another; read answer </dev/tty\n");
    pty_type(p, "L");
    walk_sees(p, "another");
    pty_type(p, "\x03"); /* ends the pager, not the console */
    walk_sees(p, "Logs \\(L opens");
    pty_type(p, ":links shard docs/shard-5\r");
    walk_sees(p, "^https://graphs.example/");
    walk_quit(p);
    must(0, "logs shard docs/shard-5 --title 'store log'", "docs/shard-5 line 200");
    must(0, "links shard docs/shard-5", "https://graphs.example/shard?name=docs%2Fshard-5");
    must(1, "logs breaker llm-primary", "no logs: are configured");
    must(1, "logs shard nobody", "no source tells of");
}

/* An editor that writes below the heading of the root cause. */
static void test_writing_in_an_editor(void **state)
{
    (void)state;
    rig_write(&walk.rig, "edit",
              "sed -i 's/^## root-cause.*/&\\n\\nthe disk was full/' \"$1\"; echo \"$1\" > edited\n");
    must(0, "incident open x", "INC-1");
    struct pty *p = walk_console(&walk, BELAY);
    pty_type(p, ":incident write\r");
    walk_sees(p, "INC-1 root-cause: the disk was full");
    must(0, "incident show 1", "the disk was full");
    struct str path = {0};
    struct stat info;
    assert_int_equal(file_read("edited", 1000, &path, NULL), 0);
    path.data[strcspn(path.data, "\n")] = '\0';
    assert_int_equal(stat(path.data, &info), -1); /* nothing is left lying about */
    str_fini(&path);
    rig_write(&walk.rig, "edit", "exit 3\n");
    pty_type(p, ":incident write\r");
    walk_sees(p, "the editor did not end well: nothing is written");
    walk_quit(p);
    rig_write(&walk.rig, "edit", "sed -i 's/^## lucky.*/&\\n\\nit was night/' \"$1\"\n");
    const char *words[] = {"incident", "write", NULL};
    p = rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words});
    walk_sees(p, "INC-1 lucky: it was night");
    walk_ends(p, 0);
}

static void test_on_call_fails(void **state)
{
    (void)state;
    assert_int_equal(unlink("oncall"), 0);
    struct pty *p = walk_console(&walk, BELAY);
    walk_sees(p, "on call: unknown");
    walk_quit(p);
}

/* ---- evidence hold (F2) */

/* Step folders in the spool. */
static int in_spool(void)
{
    char *path = xasprintf("%s/belay/rig/spool", walk.rig.state);
    DIR *folder = opendir(path);
    int count = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] == 'r' && strchr(entry->d_name, '-') != NULL; /* of run 1: r1-p5f1c09ae */
    closedir(folder);
    free(path);
    return count;
}

/* Of 70 MB the journal keeps the first and the last 32 MiB; the rest stays in the spool until somebody has
 * reviewed the incident, whatever starts and sweeps meanwhile. */
static void test_evidence_is_held(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Print a lot", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "end\n");
    walk_sees(p, "unverified|run has ended");
    walk_quit(p);
    assert_int_equal(in_spool(), 1);
    must(0, "incident resolve printed", "INC-1 resolved");
    must(0, "incident close --yes-with later", "INC-1 closed");
    p = walk_console(&walk, BELAY); /* it sweeps */
    walk_sees(p, "INC-1 closed: later");
    walk_quit(p);
    assert_int_equal(in_spool(), 1);
    must(0, "incident review INC-1 now", "INC-1 reviewed");
    p = walk_console(&walk, BELAY);
    walk_sees(p, "INC-1 reviewed");
    for (int i = 0; i < 300 && in_spool() > 0; i++)
        pty_run(p, 100);
    walk_quit(p);
    assert_int_equal(in_spool(), 0);
    walk_verify(&walk, BELAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life_by_subcommands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_note, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closing_asks_on_a_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_life_in_the_console, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_from_shift_to_shift, setup, teardown),
        cmocka_unit_test_setup_teardown(test_logs_in_a_pager, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writing_in_an_editor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_on_call_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_evidence_is_held, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
