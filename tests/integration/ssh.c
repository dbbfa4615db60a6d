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
                             "*) exec %s ;;\n"
                             "esac\n",
                             walk.rig.home, walk.rig.state, walk.rig.config, walk.rig.runtime, walk.oracle,
                             walk.gate, folder, belay, belay, belay);
    sshd_start(&sshd, folder, script);
    sshd_add_key(&sshd, "alice");
    sshd_add_key(&sshd, "bob");
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
        cmocka_unit_test_setup_teardown(test_a_frozen_reader_and_a_dropped_link, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
