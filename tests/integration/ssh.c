/* Over a real SSH link with a forced command: the link is cut in the middle of a step, the step goes on, the
 * next login finds it and finishes. The journal says by which key somebody was there. */
#include "tests/integration/sshd.h"

static const char *belay;
static struct walk walk;
static struct sshd sshd;

static const char document[] = "# Drain the queue\n\n"
                               "## Drain it\n\n"
                               "```bash {name=drain timeout=2m}\n"
                               "echo begin >> \"$ORACLE\"\n"
                               "for i in $(seq 900); do test -e \"$GATE\" && break; sleep 0.1; done\n"
                               "echo end >> \"$ORACLE\"\n"
                               "```\n";

static const char two_persons[] = "# Drop the index\n\n"
                                  "## Drop it\n\n"
                                  "```bash {name=drop approvals=1 timeout=1m}\n"
                                  "echo dropped >> \"$ORACLE\"\n"
                                  "```\n";

/* Who may approve, by key: alice and bob. */
static void approvers_write(void)
{
    struct str text = {0}, key = {0};
    static const char *const names[] = {"alice", "bob"};
    for (size_t i = 0; i < 2; i++) {
        char *file = xasprintf("%s/%s.pub", sshd.folder, names[i]);
        str_clear(&key);
        assert_int_equal(file_read(file, 1u << 16, &key, NULL), 0);
        str_addf(&text, "%s@example.org %s", names[i], str_text(&key));
        free(file);
    }
    rig_write(&walk.rig, "approvers", str_text(&text));
    rig_configure(&walk.rig, "runbooks: [runbooks/]\napprovers: approvers\n");
    rig_write(&walk.rig, "runbooks/two.md", two_persons);
    str_fini(&text);
    str_fini(&key);
}

static int setup(void **state)
{
    (void)state;
    walk_open(&walk, document);
    const char *folder = walk.rig.folder;
    char *script = xasprintf("#!/bin/sh\n"
                             "export HOME=%s XDG_STATE_HOME=%s XDG_CONFIG_HOME=%s XDG_RUNTIME_DIR=%s\n"
                             "export ORACLE=%s GATE=%s TERM=xterm-256color LANG=C.UTF-8\n"
                             "cd %s\n"
                             "case $SSH_ORIGINAL_COMMAND in\n"
                             "run) exec %s runbook run runbooks/act.md --line ;;\n"
                             "resume) exec %s runbook resume --line ;;\n"
                             "approve*) exec %s $SSH_ORIGINAL_COMMAND ;;\n"
                             "two) exec %s runbook run runbooks/two.md --line ;;\n"
                             "*) exec %s ;;\n"
                             "esac\n",
                             walk.rig.home, walk.rig.state, walk.rig.config, walk.rig.runtime, walk.oracle,
                             walk.gate, folder, belay, belay, belay, belay, belay);
    sshd_start(&sshd, folder, script);
    sshd_add_key(&sshd, "alice");
    sshd_add_key(&sshd, "bob");
    sshd_add_key(&sshd, "mallory");
    approvers_write();
    free(script);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sshd_stop(&sshd);
    walk_close(&walk);
    return 0;
}

static void fingerprint_of(const char *name, char fingerprint[static SSH_FINGERPRINT_SIZE])
{
    char *file = xasprintf("%s/%s.pub", sshd.folder, name);
    struct str key = {0};
    assert_int_equal(file_read(file, 1u << 16, &key, NULL), 0);
    assert_int_equal(ssh_key_fingerprint(str_text(&key), fingerprint, NULL), 0);
    str_fini(&key);
    free(file);
}

/* The page says by which key; the client is killed in the step; the next login follows and ends it. */
static void test_the_client_is_killed_in_a_step(void **state)
{
    (void)state;
    char fingerprint[SSH_FINGERPRINT_SIZE];
    fingerprint_of("alice", fingerprint);
    struct pty *p = sshd_login(&sshd, "alice", "run");
    walk_sees(p, "Type +yes");
    char *pattern = xasprintf("key SHA256:%.12s", fingerprint + strlen("SHA256:"));
    for (char *c = pattern; *c; c++)
        if (*c == '+' || *c == '/')
            *c = '.';
    walk_sees(p, pattern);
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\n");
    pty_signal(p, SIGKILL);
    pty_free(p);
    p = sshd_login(&sshd, "bob", "resume");
    walk_sees(p, "Drain it runs");
    walk_open_gate(&walk);
    walk_sees(p, "run 1 ended: warn");
    walk_ends(p, 0);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, belay);
    free(pattern);
}

/* A reader that reads nothing any more, on the screen, while a step runs; then the link is gone. */
static void test_a_frozen_reader_and_a_dropped_link(void **state)
{
    (void)state;
    struct pty *p = sshd_login(&sshd, "alice", "");
    walk_sees(p, "llm-primary");
    walk_start(p, "Drain the queue", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, "begin\n");
    pty_stall(p, true);
    for (int i = 0; i < 30; i++) { /* three seconds of news for a reader who is away */
        rig_state_small(&walk.rig, i % 2 ? "Dead" : "Active");
        usleep(100000);
    }
    pty_hang_up(p);
    pty_free(p);
    p = sshd_login(&sshd, "alice", "");
    walk_sees(p, "llm-primary");
    pty_type(p, "r");
    walk_sees(p, "Drain the queue");
    pty_type(p, "\r\r");
    walk_sees(p, "elapsed|running|runs");
    walk_open_gate(&walk);
    walk_sees(p, "unverified|ended");
    walk_quit(p);
    walk_oracle_is(&walk, "begin\nend\n");
    walk_verify(&walk, belay);
}

/* key: its file signs; NULL: the session's key, whose private half no agent has here. */
static void approve(int run, const char *login, const char *key, const char *says)
{
    char *command = key ? xasprintf("approve %d drop --key %s/%s", run, sshd.folder, key)
                        : xasprintf("approve %d drop", run);
    struct pty *p = sshd_login(&sshd, login, command);
    walk_sees(p, "Type yes to approve");
    pty_type(p, "yes\r");
    walk_sees(p, says);
    walk_ends(p, 0);
    free(command);
}

/* That key's step waits on its page for another person. */
static struct pty *page_of(const char *key)
{
    struct pty *p = sshd_login(&sshd, key, "two");
    walk_sees(p, "Approvals +0 of 1(.|\n)*Type +yes");
    return p;
}

static void page_is_approved(struct pty *p)
{
    for (int i = 0; i < 100 && !pty_matches(p, "Approvals +1 of 1"); i++) {
        pty_run(p, 200);
        walk_page_again(p);
    }
    walk_sees(p, "Approvals +1 of 1");
}

static void page_confirms(struct pty *p, const char *effect)
{
    walk_confirm(p, "yes\r");
    walk_oracle_await(&walk, p, effect);
    walk_ends(p, 0);
}

/* One account, three keys: what counts is a signature by another allowed key, and nothing else. Two steps
 * wait at once, and each of the two approves the other's. */
static void test_two_keys_approve_each_other_on_one_account(void **state)
{
    (void)state;
    struct pty *alice = page_of("alice");
    walk_confirm(alice, "yes\r");
    walk_sees(alice, "not done(.|\n)*Type +yes");
    struct pty *bob = page_of("bob");
    approve(1, "alice", "alice", "approved and signed"); /* her own key: refused where it counts */
    approve(2, "bob", "bob", "approved and signed");
    approve(1, "bob", NULL, "unsigned");
    approve(1, "mallory", "mallory", "approved and signed");
    walk_page_again(alice);
    walk_page_again(bob);
    if (pty_matches(alice, "Approvals +1 of 1"))
        fail_with_screen(alice, "what does not count is counted");
    if (pty_matches(bob, "Approvals +1 of 1"))
        fail_with_screen(bob, "who asked has approved");
    approve(1, "bob", "bob", "approved and signed");
    page_is_approved(alice);
    approve(2, "alice", "alice", "approved and signed");
    page_is_approved(bob);
    page_confirms(alice, "dropped\n");
    page_confirms(bob, "dropped\ndropped\n");
    const char *verify[] = {"verify", NULL}, *words[] = {"timeline", "--all", NULL};
    struct pty *p = rig_run(&walk.rig, belay, &(struct rig_start){.arguments = verify, .width = 160});
    walk_sees(p, "run 1 drop: signed by bob@example.org");
    walk_sees(p, "run 2 drop: signed by alice@example.org");
    walk_sees(p, "run 1 drop by .*: unsigned");
    walk_sees(p, "NOT GOOD: signed by a key that is not among the approvers");
    walk_ends(p, 1);
    p = rig_run(&walk.rig, belay, &(struct rig_start){.arguments = words, .width = 200, .height = 100});
    walk_sees(p, "signed by the key of who asked");
    walk_sees(p, "does not count: it is not signed");
    walk_sees(p, "not among the approvers");
    walk_ends(p, 0);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    belay = argv[1];
    server_require("ssh");
    server_require("ssh-keygen");
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    server_require("sshd");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_client_is_killed_in_a_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_keys_approve_each_other_on_one_account, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_frozen_reader_and_a_dropped_link, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
