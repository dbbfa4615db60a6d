/* Two persons on two consoles: one asks, the other finds it under `a`, reads the exact command and approves
 * it; what does not count says why; a run that another console walks is shown, and acts only after a
 * take-over.
 */
#include <stdlib.h>

#include "tests/screen/walk.h"

static struct walk walk;
static pid_t agent; /* 0: none */

static const char document[] = "# Drop the index\n\n"
                               "## Drop it\n\n"
                               "```bash {name=drop approvals=1 timeout=1m}\n"
                               "echo dropped >> \"$ORACLE\"\n"
                               "```\n";

/* A key of that name, and a session that was let in by it. */
static void make_key(const char *name, struct str *approvers)
{
    struct str key = {0};
    char *file = path_join(walk.rig.folder, name);
    char *line = xasprintf("ssh-keygen -q -t ed25519 -N '' -C %s -f %s && echo publickey $(cat %s.pub) > "
                           "%s.auth",
                           name, file, file, file);
    assert_int_equal(system(line), 0);
    char *public = xasprintf("%s.pub", file);
    assert_int_equal(file_read(public, 1u << 16, &key, NULL), 0);
    str_addf(approvers, "%s@example.org %s", name, str_text(&key));
    str_fini(&key);
    free(public);
    free(line);
    free(file);
}

static int setup(void **state)
{
    (void)state;
    struct str approvers = {0};
    walk_open(&walk, document);
    make_key("alice", &approvers);
    make_key("bob", &approvers);
    rig_write(&walk.rig, "approvers", str_text(&approvers));
    rig_configure(&walk.rig, "runbooks: [runbooks/]\napprovers: approvers\n");
    str_fini(&approvers);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (agent > 1)
        kill(agent, SIGTERM);
    agent = 0;
    walk_close(&walk);
    return 0;
}

/* socket_name: of its agent, in the rig's folder; NULL: none. */
static struct pty *console_with(const char *name, const char *socket_name, int width, int height)
{
    char session[160], socket[160] = "SSH_AUTH_SOCK";
    snprintf(session, sizeof session, "SSH_USER_AUTH=%s/%s.auth", walk.rig.folder, name);
    if (socket_name)
        snprintf(socket, sizeof socket, "SSH_AUTH_SOCK=%s/%s", walk.rig.folder, socket_name);
    const char *environment[] = {session, socket, NULL};
    struct pty *p = rig_run(
        &walk.rig, BELAY, &(struct rig_start){.width = width, .height = height, .environment = environment});
    walk_sees(p, "2 ok|1 half|llm-primary");
    return p;
}

static struct pty *console_of(const char *name, int width, int height)
{
    return console_with(name, NULL, width, height);
}

/* An agent of its own, with the key of that name. */
static void agent_start(const char *name)
{
    struct str text = {0};
    const char *folder = walk.rig.folder;
    char *line =
        xasprintf("ssh-agent -s -a %s/agent > %s/agent.env && SSH_AUTH_SOCK=%s/agent ssh-add -q %s/%s",
                  folder, folder, folder, folder, name);
    char *path = path_join(folder, "agent.env");
    assert_int_equal(system(line), 0);
    assert_int_equal(file_read(path, 1u << 12, &text, NULL), 0);
    const char *at = strstr(str_text(&text), "SSH_AGENT_PID=");
    assert_non_null(at);
    agent = (pid_t)strtol(at + strlen("SSH_AGENT_PID="), NULL, 10);
    str_fini(&text);
    free(path);
    free(line);
    assert_true(agent > 1);
}

/* a, Enter, y: signed by the key that let the session in, which its agent has. */
static void test_signed_through_the_agent(void **state)
{
    (void)state;
    agent_start("bob");
    struct pty *alice = console_of("alice", 120, 36), *bob = console_with("bob", "agent", 120, 36);
    walk_start(alice, "Drop the index", "Waits for the approval of another operator");
    walk_sees(bob, "1 approval waits: a");
    pty_type(bob, "a");
    walk_sees(bob, "signed through the agent by this session's key");
    pty_type(bob, "\r");
    walk_sees(bob, "y +to approve exactly this");
    walk_confirm(bob, "y");
    walk_sees(alice, "Approvals +1 of 1 here(.|\n)*bob@example.org.*signature checked");
    walk_to_page(alice, "Type +yes");
    walk_confirm(alice, "yes\r");
    walk_oracle_await(&walk, alice, "dropped\n");
    walk_quit(alice);
    walk_quit(bob);
    walk_verify(&walk, BELAY);
}

static void test_asked_here_given_there(void **state)
{
    (void)state;
    struct pty *alice = console_of("alice", 120, 36), *bob = console_of("bob", 80, 24);
    walk_start(alice, "Drop the index", "Waits for the approval of another operator");
    walk_sees(bob, "a: 1 waits");
    pty_type(bob, "a");
    walk_sees(bob, "drop: Drop it");
    pty_type(bob, "\r");
    walk_sees(bob, "echo dropped");
    walk_sees(bob, "y +to approve exactly this");
    pty_type(bob, "y"); /* the page is younger than half a second, or this one is thrown away */
    walk_confirm(bob, "y");
    walk_sees(bob, "does not count: it is not signed"); /* no agent has the session's key here */
    walk_sees(alice, "Approvals +0 of 1 here");
    walk_escape(bob, 3);
    char *line = xasprintf(":approve 1 drop --key %s/bob\r", walk.rig.folder);
    pty_type(bob, line);
    free(line);
    walk_sees(bob, "y +to approve exactly this");
    walk_confirm(bob, "y");
    walk_sees(alice, "Approvals +1 of 1 here(.|\n)*bob@example.org.*signature checked");
    walk_sees(bob, "walks this run");
    walk_to_page(alice, "Type +yes");
    walk_confirm(alice, "yes\r");
    walk_oracle_await(&walk, alice, "dropped\n");
    walk_sees_gone(bob, "a: 1 waits");
    walk_quit(alice);
    walk_quit(bob);
}

/* Who asked can't approve from another console of hers, whatever she signs with. */
static void test_never_ones_own(void **state)
{
    (void)state;
    struct pty *alice = console_of("alice", 120, 36), *again = console_of("alice", 120, 36);
    walk_start(alice, "Drop the index", "Waits for the approval of another operator");
    pty_type(again, "5");
    walk_sees(again, "elsewhere");
    pty_type(again, "a");
    walk_sees(again, "Nobody waits for your approval");
    pty_type(again, ":approve 1 drop\r");
    walk_sees(again, "waits for no approval from here");
    walk_quit(again);
    walk_quit(alice);
    walk_oracle_is(&walk, "");
}

/* Nobody else is there: the reason is given on the page itself, and is in the journal. */
static void test_breaking_the_glass(void **state)
{
    (void)state;
    struct pty *alice = console_of("alice", 120, 36);
    walk_start(alice, "Drop the index", "Waits for the approval of another operator");
    pty_type(alice, ":");
    pty_type(alice, "break-glass alone\r");
    walk_sees(alice, "without, by(.|\n)*alone(.|\n)*Type +yes");
    walk_oracle_is(&walk, "");
    walk_to_page(alice, "Type +yes");
    walk_confirm(alice, "yes\r");
    walk_oracle_await(&walk, alice, "dropped\n");
    walk_quit(alice);
    walk_verify(&walk, BELAY);
}

/* The other's keys are dimmed; T takes the run over, with a reason, and then they act. */
static void test_following_and_taking_over(void **state)
{
    (void)state;
    struct pty *alice = console_of("alice", 120, 36), *bob = console_of("bob", 120, 36);
    walk_start(alice, "Drop the index", "Waits for the approval of another operator");
    pty_type(bob, "5");
    walk_sees(bob, "elsewhere");
    pty_type(bob, "\r");
    walk_sees(bob, "walks this run: it is only shown here");
    pty_type(bob, "X");
    walk_sees(bob, "another console walks this run");
    pty_type(bob, "T");
    walk_sees(bob, "take it over, because:");
    pty_type(bob, "she went home\r");
    walk_sees(bob, "walked here now");
    walk_sees(alice, "walks this run: it is only shown here");
    pty_type(bob, "X");
    walk_sees(bob, "end the run, because:");
    pty_type(bob, "not tonight\r");
    walk_sees(bob, "ended");
    walk_quit(alice);
    walk_quit(bob);
    walk_verify(&walk, BELAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_asked_here_given_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signed_through_the_agent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_never_ones_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_breaking_the_glass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_following_and_taking_over, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
