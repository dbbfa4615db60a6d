/* A rehearsal walks the same document and touches nothing: no block of it is executed, whatever it is for;
 * its outcomes come from a file of answers, or from whoever sits there. */
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/screen/walk.h"

static struct walk walk;

#define TRACE              "echo ran >> \"$ORACLE\"\n"
#define BLOCK(title, info) "## " title "\n\n```bash {" info "}\n" TRACE "```\n\n"

/* Each kind of block, each way in which one is run. */
/* Before the walk's end, and what the steps refer to. */
#define WALKED                                                                                               \
    BLOCK("Is it full?", "name=full kind=check expect=^full until=5m every=1s")                              \
    BLOCK("Which one?", "name=WHICH kind=check")                                                             \
    BLOCK("Drain it", "name=drain kind=action pre=fresh evidence=log verify=empty rollback=fill undo=fill "  \
                      "lock=queue approvals=2 timeout=10m")                                                  \
    BLOCK("Tell each", "name=each kind=action items=each.jsonl policy=default idempotent=true")              \
    BLOCK("Let them in", "name=ramp kind=action rungs=10,50,100 rung-hold=10m guard=rate")                   \
    BLOCK("Talk to it", "name=talk kind=action interactive=true")
#define REFERRED                                                                                             \
    BLOCK("Fresh", "name=fresh kind=verify")                                                                 \
    BLOCK("Log", "name=log kind=evidence")                                                                   \
    BLOCK("Empty", "name=empty kind=verify until=90m hold=5m")                                               \
    BLOCK("Fill", "name=fill kind=rollback")                                                                 \
    BLOCK("Rate", "name=rate kind=verify")

static const char document[] =
    "---\nrunbook:\n  id: try\n  title: Drain the queue\n  vars:\n    WHO: {ask: who}\n---\n\n"
    "# Drain the queue\n\n" WALKED "## Well?\n\n```bash {name=well kind=decision}\nyes: it is\nno: it is "
    "not\n```\n\n- [ ] tell people\n\n" REFERRED;

static const char answers[] = "WHO = bob\nfull: ok\nWHICH: output queue-1\nfresh: failed, ok\n"
                              "drain then: retry\ndrain: ok\nlog: ok\nempty: failed\n"
                              "drain then: rollback because it fills again\ndrain then: continue\nfill: ok\n"
                              "each: ok, failed, ok\ntalk: ok\nramp: ok\nrate: output 0.9, 0.9\n"
                              "well: yes because the users say so\nwell-1: done\nrun ends: warn\n";

static int setup(void **state)
{
    (void)state;
    walk_open(&walk, document);
    rig_configure(&walk.rig,
                  "runbooks: [runbooks/]\nidentity: {command: [sh, -c, \"echo ran >> $ORACLE; echo a\"], "
                  "expect: a}\n");
    rig_write(&walk.rig, "runbooks/each.jsonl", "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n");
    rig_write(&walk.rig, "answers", answers);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    walk_close(&walk);
    return 0;
}

/* Without a terminal, in the rig's folder; what it printed is in `said`. */
static int shell(const char *arguments)
{
    char *line = xasprintf("exec %s %s </dev/null >said 2>&1", BELAY, arguments);
    int status = system(line);
    free(line);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void read_said(struct str *text)
{
    assert_int_equal(file_read("said", 1u << 20, text, NULL), 0);
}

static void says(const char *wanted)
{
    struct str text = {0};
    read_said(&text);
    bool absent = wanted[0] == '!';
    if ((strstr(str_text(&text), wanted + absent) != NULL) == absent)
        fail_msg("\"%s\" is %sin \"%s\"", wanted + absent, absent ? "" : "not ", str_text(&text));
    str_fini(&text);
}

static void ends_with(int status, const char *arguments)
{
    int seen = shell(arguments);
    struct str text = {0};
    read_said(&text);
    if (seen != status)
        fail_msg("%s: %d, not %d: %s", arguments, seen, status, str_text(&text));
    str_fini(&text);
}

#define REHEARSE "runbook rehearse runbooks/act.md --config belay.yaml --answers answers"

static void test_nothing_is_executed(void **state)
{
    (void)state;
    ends_with(0, REHEARSE);
    says("REHEARSAL, nothing is run: Drain the queue");
    says("  bash -eo pipefail: echo ran >> \"$ORACLE\"");
    says("[ok] Is it full?");
    says("[failed] Drain it: verify empty: exit 1");
    says("chosen: rollback, it fills again");
    says("Tell each: 3 of 3 ok"); /* the second one in its second attempt: nobody waited for it */
    says("rehearsal 1 ended: warn");
    says("does not promise that the real run will");
    says("!not done");
    walk_oracle_is(&walk, "");
    walk_verify(&walk, BELAY);
}

/* The journal and all that is made of it say what it was, and none of it counts. */
static void test_it_is_never_counted_as_real(void **state)
{
    (void)state;
    ends_with(0, "incident open it broke --config belay.yaml");
    ends_with(0, REHEARSE);
    ends_with(0, "runbook list --json --config belay.yaml");
    says("\"last_run\":null,\"last_rehearsed\":\"2");
    ends_with(0, "timeline --all --json --config belay.yaml");
    says("rehearsal: Drain it: act exit 0, made up");
    says("!\"kind\":\"step.intent\"");
    ends_with(0, "export INC-1 --format md --config belay.yaml");
    says("!Drain it");
    ends_with(0, REHEARSE " --incident INC-1");
    ends_with(0, "export INC-1 --format md --config belay.yaml");
    says("### REHEARSAL, run 2: Drain the queue: warn");
    says("A rehearsal: nothing was run and nothing changed.");
    says("echo ran >> \"$ORACLE\"");
    ends_with(0, "export INC-1 --format json --config belay.yaml");
    says("\"run\":2,\"rehearsed\":true");
    ends_with(0, "handover --config belay.yaml");
    says("!Drain it");
    walk_oracle_is(&walk, "");
    walk_verify(&walk, BELAY);
}

static void test_what_is_not_answered_is_named(void **state)
{
    (void)state;
    rig_write(&walk.rig, "answers",
              "WHO = bob\nfull: ok\nWHICH: output queue-1\nfresh: ok\nlog: ok\ndrain: ok\n");
    ends_with(2, REHEARSE);
    says("belay: no answer: empty: OUTCOME");
    says("rehearsal 1 ended: ");
    rig_write(&walk.rig, "answers", "full: ok\n");
    ends_with(2, REHEARSE);
    says("belay: no answer: WHO = VALUE");
    rig_write(&walk.rig, "answers", "full: ok\nempyt: ok\n");
    ends_with(2, REHEARSE);
    says("belay: answers:2:1: the document has no step \"empyt\"");
    ends_with(2, "runbook rehearse runbooks/act.md --config belay.yaml");
    says("--answers FILE says what would come of each step");
    ends_with(2, "runbook run runbooks/act.md --answers answers --config belay.yaml");
    ends_with(0, "timeline --config belay.yaml");
    says("!run 3");
    walk_oracle_is(&walk, "");
}

static void test_it_must_end_as_it_is_said_to(void **state)
{
    (void)state;
    char *text = xasprintf("%srun ends: ok\n", answers);
    rig_write(&walk.rig, "answers", text);
    ends_with(1, REHEARSE);
    says("it should have ended ok");
    free(text);
}

/* An observer touches nothing, and nothing is touched. */
static void test_an_observer_rehearses(void **state)
{
    (void)state;
    rig_configure(&walk.rig, "runbooks: [runbooks/]\nobserver: true\n");
    ends_with(0, "runbook rehearse try --config belay.yaml --answers answers");
    says("rehearsal 1 ended: warn");
    walk_oracle_is(&walk, "");
}

static struct pty *line_mode(const char *verb, const char *what)
{
    const char *words[] = {"runbook", verb, "--line", "--config", "belay.yaml", what, NULL};
    return rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words, .width = 120, .height = 36});
}

/* kill -9 while an outcome is asked for: whoever goes on is in a rehearsal still. */
static void test_it_is_taken_up_as_a_rehearsal(void **state)
{
    (void)state;
    struct pty *p = line_mode("rehearse", "runbooks/act.md");
    walk_sees(p, "who \\(WHO\\)");
    pty_type(p, "bob\r");
    walk_sees(p, "check of Is it full(.|\n)*What comes of it");
    pty_type(p, "maybe\r");
    walk_sees(p, "\"maybe\" is no outcome");
    walk_sees(p, "is no outcome(.|\n)*What comes of it");
    pty_type(p, "output full\r");
    walk_sees(p, "check of Which one(.|\n)*What comes of it");
    pty_signal(p, SIGKILL);
    pty_free(p);
    p = line_mode("resume", NULL);
    walk_sees(p,
              "REHEARSAL, nothing is run: Drain the queue(.|\n)*check of Which one(.|\n)*What comes of it");
    pty_type(p, "output queue-1\r");
    walk_sees(p, "verify of Fresh|pre of Fresh(.|\n)*What comes of it");
    pty_signal(p, SIGKILL);
    pty_free(p);
    ends_with(0, "runbook resume --config belay.yaml --answers answers"); /* and a file may go on with it */
    says("[ok] Fresh");
    says("rehearsal 1 ended: warn");
    walk_oracle_is(&walk, "");
    walk_verify(&walk, BELAY);
}

static void answer_screen(struct pty *p, const char *page, const char *key)
{
    char *pattern = xasprintf("%s(.|\n)*REHEARSAL: nothing is run(.|\n)*What comes of it", page);
    walk_sees(p, pattern);
    pty_type(p, key);
    free(pattern);
}

/* Nobody can take a page of it for the real thing, also in the smallest window. */
static void test_every_page_on_the_screen_says_so(void **state)
{
    (void)state;
    const char *words[] = {"runbook", "rehearse", "runbooks/act.md", "--config", "belay.yaml", NULL};
    struct pty *p =
        rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words, .width = 80, .height = 24});
    walk_sees(p, "REHEARSAL: nothing is run, nothing changes, its outcomes are made up(.|\n)*\\(WHO\\):");
    pty_type(p, "bob\r");
    answer_screen(p, "Is it full.*check, run 1", "o");
    answer_screen(p, "Which one", "p");
    walk_sees(p, "it prints:");
    pty_type(p, "queue-1\r");
    answer_screen(p, "Fresh.*pre, run 1", "o");
    walk_sees(p, "Drain it(.|\n)*REHEARSAL: nothing is run(.|\n)*nowhere: this is a rehearsal(.|\n)*to go "
                 "on, nothing");
    walk_confirm(p, "yes\r");
    answer_screen(p, "Log.*evidence, run 1", "o");
    answer_screen(p, "Drain it.*act, run 1", "o");
    answer_screen(p, "Empty.*verify, run 1", "o");
    walk_sees(p, "REHEARSAL: nothing is run(.|\n)*ok  exit 0(.|\n)*verified");
    pty_type(p, "\r");
    walk_sees(p, "Tell each(.|\n)*to go on, nothing");
    walk_confirm(p, "yes\r");
    answer_screen(p, "item 1 of 3", "a");
    walk_sees(p, "of it and of every further one");
    pty_type(p, "o");
    walk_sees(p, "Tell each(.|\n)*REHEARSAL: nothing is run(.|\n)*3 of 3 ok");
    pty_type(p, "X");
    walk_sees(p, "end the run, because:");
    pty_type(p, "enough\r");
    walk_sees(p, "ended: cancelled: .*; the real");
    walk_quit(p);
    walk_oracle_is(&walk, "");
    walk_verify(&walk, BELAY);
}

/* A real run, taken from the journal, is rehearsed: the same way, and nothing is run again. */
static void test_a_run_that_was_is_rehearsed(void **state)
{
    (void)state;
    rig_configure(&walk.rig, "runbooks: [runbooks/]\n");
    rig_write(
        &walk.rig, "runbooks/act.md",
        "# Fill\n\n" BLOCK("Is it empty?", "name=empty kind=check expect=^yes until=3s every=1s")
            BLOCK("Fill it", "name=fill verify=full rollback=drain") "```bash {name=full kind=verify}\nexit "
                                                                     "1\n```\n\n" BLOCK(
                                                                         "Drain",
                                                                         "name=drain kind=rollback") "```"
                                                                                                     "bash "
                                                                                                     "{name="
                                                                                                     "well "
                                                                                                     "kind="
                                                                                                     "decisio"
                                                                                                     "n}"
                                                                                                     "\nyes: "
                                                                                                     "it "
                                                                                                     "is\nno:"
                                                                                                     " it is "
                                                                                                     "not\n``"
                                                                                                     "`\n\n");
    struct pty *p = line_mode("run", "runbooks/act.md");
    walk_sees(p, "Is it empty.: not what(.|\n)*Your choice");
    pty_type(p, "continue\r");
    walk_sees(p, "Fill it(.|\n)*Type yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "verify full: exit 1(.|\n)*Your choice");
    pty_type(p, "rollback it is the wrong tank, really\r");
    walk_sees(p, "Drain\n(.|\n)*Type yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "\\[warn\\] Drain(.|\n)*Your choice");
    pty_type(p, "continue\r");
    walk_sees(p, "Your answer, then why");
    pty_type(p, "no it smells\r");
    walk_sees(p, "run 1 ended: ");
    walk_ends(p, 0);
    struct str before = {0}, text = {0};
    walk_oracle_read(&walk, &before);
    ends_with(0, "runbook answers 1 --config belay.yaml");
    says("# as run 1 went: Fill\n");
    says("\nempty: failed\nempty then: continue\nfill: ok\nfull: exit 1\nfill then: rollback because it is "
         "the wrong "
         "tank, really\ndrain: ok\n");
    says("\nwell: no because it smells\nrun ends: ");
    read_said(&text);
    rig_write(&walk.rig, "answers", str_text(&text));
    ends_with(0, REHEARSE);
    says("chosen: rollback, it is the wrong tank, really");
    says("!answers that nothing asked for");
    walk_oracle_is(&walk, str_text(&before));
    ends_with(1, "runbook answers 77 --config belay.yaml");
    says("the journal has no run 77");
    str_fini(&before);
    str_fini(&text);
}

/* On what the product ships: the three ways that it goes. */
#define COMMON                                                                                               \
    "COLLECTION = docs\nSHARD = shard-5\nrecognised: ok\nreplica: ok\nreroute: ok\nout-of-service: ok\n"     \
    "answers: ok\nstore-log: ok\npod-events: ok\n"
#define BACK         "reintroduce: ok\ngolden-direct: ok\nin-service: ok\nafterwards-1: done\nafterwards-2: done\n"
#define NOT_REOPENED "reopen: ok\nindex-readable: failed\nSNAPSHOT: output s3://snap/1\n"

static void branch(const char *text, const char *const *wanted)
{
    rig_write(&walk.rig, "answers", text);
    ends_with(0, "runbook rehearse " SOURCE_DIR
                 "/assets/runbooks/vector-store-shard-down.md --config belay.yaml --answers answers");
    says("!answers that nothing asked for");
    for (; *wanted; wanted++)
        says(*wanted);
    walk_oracle_is(&walk, "");
}

static void test_every_branch_of_a_shipped_runbook(void **state)
{
    (void)state;
    static const char *const reopened[] = {"[ok] Re-open the index", "[skipped] Restore the newest snapshot",
                                           "[ok] Reintroduce the shard", NULL};
    static const char *const restored[] = {"[failed] Re-open the index",          "typed: shard-5",
                                           "[ok] Restore the newest snapshot",    "SNAPSHOT=s3://snap/1",
                                           "[ok] Re-index the missing documents", NULL};
    static const char *const rolled_back[] = {"[failed] Restore the newest snapshot",
                                              "Drop the restored shard runs", "[ok] Drop the restored shard",
                                              NULL};
    branch(COMMON "reopen: ok\nindex-readable: ok\n" BACK "complete: ok\nrun ends: ok\n", reopened);
    branch(COMMON NOT_REOPENED "restore: ok\nrestored: ok\n" BACK
                               "complete: failed\nreindex: ok\nreindexed: ok\nrun ends: warn\n",
           restored);
    branch(COMMON NOT_REOPENED "restore: failed\nrestore then: rollback because the volume is too small\n"
                               "drop-restored: ok\nrestore then: stop\nrun ends: failed\n",
           rolled_back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_is_executed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_is_never_counted_as_real, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_answered_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_must_end_as_it_is_said_to, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_observer_rehearses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_is_taken_up_as_a_rehearsal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_page_on_the_screen_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_run_that_was_is_rehearsed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_branch_of_a_shipped_runbook, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
