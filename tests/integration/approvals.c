/* An approval is good for one confirmation of one command, for ten minutes, there. What was signed once is
 * shown to the console again, as somebody with access to the journal could do it: written into it as a new
 * approval. */
#include "engine/journal/journal.h"
#include "tests/integration/server.h"
#include "tests/screen/walk.h"

static const char *belay;
static struct walk walk;
static struct journal *journal;

static const char document[] = "# Drop the index\n\n"
                               "## Which version\n\n"
                               "```sh {name=VERSION kind=check}\ncat ../version\n```\n\n"
                               "## Drop it\n\n"
                               "```bash {name=drop approvals=1 pre=VERSION fresh=1s timeout=1m}\n"
                               "echo \"dropped $VERSION\" >> \"$ORACLE\"; test -e \"$GATE\"\n"
                               "```\n";

#define CONFIGURED "runbooks: [runbooks/]\napprovers: approvers\n"

/* ---- people ---- */

static void shell(char *command)
{
    if (system(command) != 0)
        fail_msg("failed: %s", command);
    free(command);
}

/* A key pair, and the file in which sshd would say that it let them in by it. */
static void person_make(const char *name)
{
    const char *folder = walk.rig.folder;
    shell(xasprintf("cd %s && ssh-keygen -q -t ed25519 -N '' -C %s -f %s && "
                    "(printf 'publickey '; cut -d ' ' -f 1,2 %s.pub) > %s.session && "
                    "(printf '%s@example.org '; cat %s.pub) >> approvers",
                    folder, name, name, name, name, name, name));
}

static struct pty *person_runs(const char *name, const char *const *words)
{
    char *session = xasprintf("SSH_USER_AUTH=%s/%s.session", walk.rig.folder, name);
    const char *environment[] = {session, NULL};
    struct pty *p = rig_run(
        &walk.rig, belay,
        &(struct rig_start){.arguments = words, .environment = environment, .width = 120, .height = 48});
    free(session);
    return p;
}

static struct pty *alice_walks(const char *verb)
{
    const char *words[] = {"runbook", verb, "--line", str_eq(verb, "run") ? "runbooks/act.md" : NULL, NULL};
    return person_runs("alice", words);
}

static void bob_approves(void)
{
    const char *words[] = {"approve", "1", "drop", "--key", "bob", NULL};
    struct pty *p = person_runs("bob", words);
    walk_sees(p, "Type yes to approve");
    pty_type(p, "yes\r");
    walk_sees(p, "approved and signed");
    walk_ends(p, 0);
}

/* Of the newest page, above which older ones still stand; -1: it isn't there yet. */
static int approvals_shown(struct pty *p)
{
    const char *screen = pty_screen(p), *newest = NULL;
    for (const char *at = screen; (at = strstr(at, "  Approvals "));)
        newest = at += strlen("  Approvals ");
    return newest && strstr(newest, "Type yes") ? atoi(newest) : -1;
}

/* Enter shows the page as it is now. */
static void page_says(struct pty *p, int approvals)
{
    for (int i = 0; i < 60 && approvals_shown(p) != approvals; i++) {
        walk_page_again(p);
    }
    if (approvals_shown(p) != approvals)
        fail_with_screen(p, "the page has not %d approvals", approvals);
}

/* ---- the journal ---- */

static int setup(void **state)
{
    (void)state;
    walk_open(&walk, document);
    rig_write(&walk.rig, "version", "1\n");
    person_make("alice");
    person_make("bob");
    rig_configure(&walk.rig, CONFIGURED);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    journal_close(journal);
    journal = NULL;
    walk_close(&walk);
    return 0;
}

static void journal_there(void)
{
    char *folder = path_join(walk.rig.state, "belay/rig/journal");
    struct err e = {0};
    if (!journal)
        journal = journal_open(&(struct journal_options){.folder = folder, .platform = "rig"}, &e);
    if (!journal)
        fail_msg("%s", e.msg);
    free(folder);
}

static int keep_newest(const struct event *event, void *data)
{
    struct event **newest = data;
    free(*newest);
    *newest = event_copy(event);
    return 0;
}

/* The newest event of a kind; NULL. The caller frees. */
static struct event *newest(enum event_kind kind)
{
    struct event *found = NULL;
    struct err e = {0};
    struct journal_filter filter = {.kinds = &kind, .kind_count = 1};
    journal_there();
    if (journal_read(journal, JOURNAL_END, JOURNAL_BACKWARD, &filter, 1, keep_newest, &found, &e) < 0)
        fail_msg("%s", e.msg);
    return found;
}

static void approval_write(cJSON *data)
{
    char *text = json_print(data);
    struct event_draft draft = {.kind = EVENT_APPROVAL_GIVEN,
                                .actor = "bob",
                                .subject = "run 1",
                                .summary = "approves: Drop it",
                                .data = text,
                                .run = 1};
    struct err e = {0};
    journal_there();
    if (journal_append_wait(journal, &draft, 1, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    cJSON_Delete(data);
    free(text);
}

static cJSON *given_newest(void)
{
    struct event *event = newest(EVENT_APPROVAL_GIVEN);
    assert_non_null(event);
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    free(event);
    return data;
}

static void member_set(cJSON *data, const char *name, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(data, name);
    cJSON_AddStringToObject(data, name, value);
}

/* The console's word on what was written last. */
static void refused(struct pty *p, const char *why)
{
    struct event *event = NULL;
    for (int64_t end = clock_monotonic_us() + WALK_MS * US_PER_MS; clock_monotonic_us() < end;) {
        free(event);
        event = newest(EVENT_APPROVAL_REFUSED);
        if (event && strstr(event->summary, why))
            break;
        pty_run(p, 50);
    }
    if (!event || !strstr(event->summary, why))
        fail_with_screen(p, "wanted \"%s\", it said \"%s\"", why, event ? event->summary : "nothing");
    free(event);
}

/* ---- signing by hand ---- */

/* What `belay approve` would have signed at another time, or for another end. */
static void signed_by_bob(const char *space, int64_t at_us, const char *digest)
{
    char now[CLOCK_TEXT_SIZE];
    struct str signature = {0};
    cJSON *data = cJSON_CreateObject();
    clock_format(at_us, now);
    char *text = xasprintf("belay approval 1\nplatform rig\nwhere rig\nrun 1\nstep drop\ncommand %s\nat %s\n",
                           digest, now);
    rig_write(&walk.rig, "text", text);
    shell(xasprintf("cd %s && rm -f text.sig && ssh-keygen -q -Y sign -f bob -n %s text 2>/dev/null",
                    walk.rig.folder, space));
    assert_int_equal(file_read("text.sig", 1u << 16, &signature, NULL), 0);
    cJSON_AddStringToObject(data, "step", "drop");
    cJSON_AddStringToObject(data, "digest", digest);
    cJSON_AddStringToObject(data, "by", "bob");
    json_add_int(data, "uid", (int64_t)getuid());
    cJSON_AddStringToObject(data, "text", text);
    cJSON_AddStringToObject(data, "signature", str_text(&signature));
    approval_write(data);
    str_fini(&signature);
    free(text);
}

static char *digest_asked(void)
{
    struct event *event = newest(EVENT_APPROVAL_REQUESTED);
    assert_non_null(event);
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    char *digest = xstrdup(json_string(data, "digest", ""));
    cJSON_Delete(data);
    free(event);
    return digest;
}

/* ---- the tests ---- */

/* The first attempt was approved, and failed. The second is the same command to the letter. */
static void test_a_signature_counts_once(void **state)
{
    (void)state;
    struct pty *p = alice_walks("run");
    walk_sees(p, "Approvals +0 of 1(.|\n)*Type +yes");
    bob_approves();
    page_says(p, 1);
    walk_confirm(p, "yes\r");
    walk_sees(p, "Your choice");
    walk_oracle_is(&walk, "dropped 1\n");
    pty_type(p, "retry\r");
    walk_sees(p, "Your choice(.|\n)*Approvals +0 of 1(.|\n)*Type +yes");
    page_says(p, 0);
    approval_write(given_newest());
    refused(p, "it has been given before");
    walk_confirm(p, "yes\r");
    walk_sees(p, "not done(.|\n)*Type +yes");
    walk_oracle_is(&walk, "dropped 1\n");
    /* Another console, which has not seen the first one: what was given is in the journal. */
    pty_signal(p, SIGKILL);
    pty_free(p);
    p = alice_walks("resume");
    walk_sees(p, "Approvals +0 of 1(.|\n)*Type +yes");
    cJSON *again = given_newest();
    approval_write(again);
    refused(p, "it has been given before");
    walk_open_gate(&walk);
    bob_approves();
    page_says(p, 1);
    walk_confirm(p, "yes\r");
    walk_ends(p, 0);
    walk_oracle_is(&walk, "dropped 1\ndropped 1\n");
}

static void test_a_signature_is_of_one_command_and_one_time(void **state)
{
    (void)state;
    struct pty *p = alice_walks("run");
    walk_sees(p, "Approvals +0 of 1(.|\n)*Type +yes");
    journal_there();
    char *digest = digest_asked();
    int64_t now = clock_wall_us();
    signed_by_bob("belay-approval", now - 601 * US_PER_S, digest);
    refused(p, "signed too long ago");
    signed_by_bob("file", now, digest);
    refused(p, "namespace does not match");
    signed_by_bob("belay-approval", now - US_PER_S,
                  "0000000000000000000000000000000000000000000000000000000000000000");
    refused(p, "what is approved is not what it would run now");
    cJSON *data = given_newest();
    member_set(data, "digest", digest); /* another command's signature under this one's name */
    approval_write(data);
    refused(p, "what is signed is another approval");
    data = given_newest();
    char *text = xasprintf("belay approval 1\nplatform rig\nwhere rig\nrun 1\nstep drop\ncommand %s\nat %s",
                           digest, strrchr(json_string(data, "text", ""), ' ') + 1);
    member_set(data, "text", text); /* the text put right, under a signature of another one */
    approval_write(data);
    refused(p, "incorrect signature");
    walk_confirm(p, "yes\r");
    walk_sees(p, "not done(.|\n)*Type +yes");
    /* As it should be: it was the signatures. */
    signed_by_bob("belay-approval", clock_wall_us(), digest);
    page_says(p, 1);
    walk_open_gate(&walk);
    walk_confirm(p, "yes\r");
    walk_ends(p, 0);
    walk_oracle_is(&walk, "dropped 1\n");
    free(text);
    free(digest);
}

/* Approved and confirmed as 1; the precheck right before the act makes it 2. */
static void test_a_variable_that_changes_voids_it(void **state)
{
    (void)state;
    struct pty *p = alice_walks("run");
    walk_sees(p, "Approvals +0 of 1(.|\n)*Type +yes");
    bob_approves();
    page_says(p, 1);
    rig_write(&walk.rig, "version", "2\n");
    walk_open_gate(&walk);
    pty_run(p, 1200); /* no longer fresh */
    walk_confirm(p, "yes\r");
    walk_sees(p, "has changed since it was confirmed(.|\n)*Approvals +0 of 1(.|\n)*Type +yes");
    walk_oracle_is(&walk, "");
    bob_approves();
    page_says(p, 1);
    walk_confirm(p, "yes\r");
    walk_ends(p, 0);
    walk_oracle_is(&walk, "dropped 2\n");
}

/* Approved for one place; the configuration now says another. */
static void test_another_target_voids_it(void **state)
{
    (void)state;
    struct pty *p = alice_walks("run");
    walk_sees(p, "Approvals +0 of 1(.|\n)*Type +yes");
    bob_approves();
    page_says(p, 1);
    pty_signal(p, SIGKILL);
    pty_free(p);
    rig_configure(&walk.rig, CONFIGURED "identity: {command: [echo, us], expect: us}\n");
    p = alice_walks("resume");
    walk_sees(p, "Approvals +0 of 1(.|\n)*Type +yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "not done(.|\n)*Type +yes");
    approval_write(given_newest());
    refused(p, "what is signed is another approval");
    walk_oracle_is(&walk, "");
    pty_type(p, "stop\r");
    walk_sees(p, "run 1 ended");
    walk_ends(p, 1);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    belay = argv[1];
    server_require("ssh-keygen");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_signature_counts_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_signature_is_of_one_command_and_one_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_variable_that_changes_voids_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_target_voids_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
