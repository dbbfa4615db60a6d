/* What closing leaves behind, and what one shift hands to the next. */
#include "told.h"

#include "engine/runbook/runbook.h"

static bool has_left(const struct leftovers *left, enum leftover_kind kind, const char *wanted)
{
    for (size_t i = 0; i < left->len; i++)
        if (left->data[i].kind == kind && strstr(left->data[i].text, wanted))
            return true;
    return false;
}

static void must_leave(const struct leftovers *left, enum leftover_kind kind, const char *wanted)
{
    if (has_left(left, kind, wanted))
        return;
    for (size_t i = 0; i < left->len; i++)
        print_error("%s: %s\n", leftover_name(left->data[i].kind), left->data[i].text);
    fail_msg("no %s: %s", leftover_name(kind), wanted);
}

static void append(struct told *t, const struct event_draft *drafts, size_t count)
{
    struct err e = {0};
    if (journal_append_wait(t->journal, drafts, count, NULL, &e) < 0)
        fail_msg("%s", e.msg);
}

static void change(struct told *t, const struct incident_change *c)
{
    struct incident_file file;
    struct event_draft draft;
    struct draft_texts texts = {0};
    struct err e = {0};
    if (incident_file_read(t->journal, 1, &file, &e) < 0 ||
        incident_change_draft(&file, c, &draft, &texts, &e) < 0)
        fail_msg("%s", e.msg);
    draft.actor = "alice";
    draft.at_us = t->now_us += 10 * US_PER_S;
    append(t, &draft, 1);
    draft_texts_fini(&texts);
    incident_file_fini(&file);
}

#define CHANGE(t, ...) change(t, &(struct incident_change){__VA_ARGS__})

static void mute(struct told *t, const char *entity, int64_t incident)
{
    struct event_draft draft;
    struct draft_texts texts;
    struct err e = {0};
    t->now_us += 10 * US_PER_S;
    if (mute_draft(entity, t->now_us, t->now_us + 3600 * US_PER_S, "known", incident, &draft, &texts, &e) < 0)
        fail_msg("%s", e.msg);
    draft.actor = "alice";
    draft.at_us = t->now_us;
    append(t, &draft, 1);
    draft_texts_fini(&texts);
}

/* An incident with a run that is open, one action done and one unknown. */
static void tell_open(struct told *t)
{
    tell(t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 0, "docs/shard-5 is dead",
         DATA("severity", "SEV2"));
    tell(t, EVENT_RUN_STARTED, "alice", "", 1, 4, "starts",
         DATA("title", "Vector store shard down", "entity", "shard docs/shard-5"));
    tell(t, EVENT_STEP_INTENT, "alice", "", 1, 4, "begins",
         DATA("step", "mark", "title", "Mark it unhealthy", "ticket", "1", "role", "act", "acts", "true",
              "undo", "unmark"));
    tell(t, EVENT_STEP_OUTCOME, "alice", "ok", 1, 4, "exit 0",
         DATA("step", "mark", "title", "Mark it unhealthy", "ticket", "1", "role", "act", "acts", "true",
              "outcome", "ok"));
    tell(t, EVENT_STEP_INTENT, "alice", "", 1, 4, "begins",
         DATA("step", "drain", "title", "Drain the queue", "ticket", "2", "role", "act", "acts", "true"));
}

/* As the engine takes it: a claim of the run, in the event's own transaction. */
static void lock(struct told *t, const char *key, const char *owner)
{
    struct event_draft draft = {.kind = EVENT_RUN_INPUT,
                                .actor = "alice",
                                .summary = "locked",
                                .incident = 1,
                                .run = 4,
                                .claim = {.op = CLAIM_TAKE, .key = key, .owner = owner}};
    append(t, &draft, 1);
}

/* The first act of a run, before there is an incident. */
static void an_approval_before_any_incident(void **state)
{
    (void)state;
    struct told t;
    struct handover h;
    struct str text = {0};
    struct err e = {0};
    told_open(&t, "");
    tell(&t, EVENT_RUN_STARTED, "alice", "", 0, 4, "starts", DATA("title", "Drop the index"));
    tell(&t, EVENT_APPROVAL_REQUESTED, "alice", "", 0, 4, "needs one",
         DATA("step", "drop", "title", "Drop it", "digest", "d1", "by", "alice (uid 1)", "needs", "1"));
    assert_int_equal(handover_read(t.journal, t.now_us, &h, &e), 0);
    handover_text(&h, &text);
    assert_non_null(strstr(str_text(&text), "approval  run 4, Drop it: alice (uid 1) waits"));
    str_fini(&text);
    handover_fini(&h);
    told_close(&t);
}

/* Asked for and not given: it waits until it is given, given up, run, or too old; what does not count is not
 * given. */
static void approvals_wait(void **state)
{
    (void)state;
    struct told t;
    struct err e = {0};
    static const char *const waiting[] = {"1", "1", "0", "1", "0"};
    told_open(&t, "");
    tell_open(&t);
    for (int i = 0; i < 5; i++) {
        struct leftovers left;
        if (i == 0)
            tell(&t, EVENT_APPROVAL_REQUESTED, "alice", "", 1, 4, "needs one",
                 DATA("step", "drop", "title", "Drop the index", "digest", "d1", "by", "alice (uid 1)",
                      "needs", "1"));
        else if (i == 1)
            tell(&t, EVENT_APPROVAL_REQUESTED, "alice", "", 1, 4, "opened again",
                 DATA("step", "drop", "title", "Drop the index", "digest", "d1", "by", "alice (uid 1)",
                      "needs", "1"));
        else if (i == 2)
            tell(&t, EVENT_APPROVAL_GIVEN, "bob", "", 1, 4, "approves",
                 DATA("step", "drop", "digest", "d1", "by", "bob (uid 2)"));
        else if (i == 3)
            tell(&t, EVENT_APPROVAL_REFUSED, "belay", "", 1, 4, "does not count",
                 DATA("digest", "d1", "by", "bob (uid 2)", "reason", "it is not signed"));
        else
            t.now_us += RUN_APPROVAL_MS * US_PER_MS;
        assert_int_equal(leftovers_read(t.journal, 1, t.now_us, &left, &e), 0);
        assert_int_equal(leftovers_of(&left, LEFTOVER_APPROVAL), atoi(waiting[i]));
        if (i == 0)
            must_leave(&left, LEFTOVER_APPROVAL,
                       "run 4, Drop the index: alice (uid 1) waits for an approval (belay approve 4 drop)");
        leftovers_fini(&left);
    }
    tell(
        &t, EVENT_APPROVAL_REQUESTED, "alice", "", 1, 4, "again",
        DATA("step", "drop", "title", "Drop the index", "digest", "d2", "by", "alice (uid 1)", "needs", "1"));
    tell(&t, EVENT_STEP_INTENT, "alice", "", 1, 4, "begins",
         DATA("step", "drop", "title", "Drop the index", "ticket", "9", "role", "act", "acts", "true"));
    struct leftovers left;
    assert_int_equal(leftovers_read(t.journal, 1, t.now_us, &left, &e), 0);
    assert_int_equal(leftovers_of(&left, LEFTOVER_APPROVAL), 0);
    leftovers_fini(&left);
    told_close(&t);
}

static void what_is_left(void **state)
{
    (void)state;
    struct told t;
    struct leftovers left;
    struct err e = {0};
    told_open(&t, "");
    tell_open(&t);
    CHANGE(&t, .verb = INCIDENT_SET_ACTION, .text = "alert on a full disk", .owner = "bob");
    CHANGE(&t, .verb = INCIDENT_SET_ACTION, .text = "rehearse", .ticket = "OPS-8");
    CHANGE(&t, .verb = INCIDENT_SET_ACTION, .text = "nothing", .ticket = "OPS-9");
    CHANGE(&t, .verb = INCIDENT_SET_ACTION, .action = 3, .state = "done");
    mute(&t, "shard docs/shard-5", 1);
    mute(&t, "job nightly", 0);
    lock(&t, "lock shard-5", "run 4");
    lock(&t, "lock shard-6", "run 5"); /* another incident's */
    assert_int_equal(leftovers_read(t.journal, 1, t.now_us, &left, &e), 0);
    must_leave(&left, LEFTOVER_LOCK, "run 4 holds the lock \"shard-5\"");
    must_leave(&left, LEFTOVER_RUN,
               "run 4, Vector store shard down, by alice since 2001-11-22T01:00Z; last: Drain the "
               "queue unknown");
    must_leave(&left, LEFTOVER_CHANGED, "run 4, Mark it unhealthy: ok; can be taken back by unmark");
    must_leave(&left, LEFTOVER_UNKNOWN, "run 4, Drain the queue: what came of it is unknown");
    must_leave(&left, LEFTOVER_TICKET, "action item 1: alert on a full disk (bob, no ticket)");
    must_leave(&left, LEFTOVER_ACTION, "action item 2: rehearse (no owner, OPS-8)");
    must_leave(&left, LEFTOVER_MUTED, "shard docs/shard-5 until");
    must_leave(&left, LEFTOVER_STATE, "it is open, not resolved");
    must_leave(&left, LEFTOVER_STATE, "nobody has reviewed it");
    assert_int_equal(left.len, 9);
    char **asking = leftovers_asking(&left);
    assert_int_equal(strv_count(asking), 7); /* all but the run and the item that has a ticket */
    strv_free(asking);
    leftovers_fini(&left);
    assert_int_equal(leftovers_read(t.journal, 2, t.now_us, &left, &e), ERR_NOT_FOUND);
    leftovers_fini(&left);
    told_close(&t);
}

/* Undone, decided, resolved, reviewed: nothing asks any more. */
static void nothing_is_left(void **state)
{
    (void)state;
    struct told t;
    struct leftovers left;
    struct err e = {0};
    told_open(&t, "");
    tell_open(&t);
    tell(&t, EVENT_STEP_INTENT, "alice", "", 1, 4, "begins",
         DATA("step", "unmark", "title", "Mark it healthy", "ticket", "3", "role", "act", "acts", "true"));
    tell(&t, EVENT_STEP_OUTCOME, "alice", "ok", 1, 4, "exit 0",
         DATA("step", "unmark", "title", "Mark it healthy", "ticket", "3", "role", "act", "acts", "true",
              "outcome", "ok"));
    tell(&t, EVENT_STEP_OUTCOME, "alice", "ok", 1, 4, "did not start",
         DATA("step", "drain", "title", "Drain the queue", "ticket", "2", "role", "act", "acts", "true",
              "outcome", "ok", "end", "not-started"));
    tell(&t, EVENT_RUN_ENDED, "belay", "ok", 1, 4, "ended", NULL);
    CHANGE(&t, .verb = INCIDENT_RESOLVE);
    struct handover h;
    struct str text = {0};
    assert_int_equal(handover_read(t.journal, t.now_us + 61 * US_PER_S, &h, &e), 0);
    handover_text(&h, &text);
    if (!strstr(str_text(&text), "\nINC-1 SEV2 resolved since 2001-11-22T01:01Z (1m 1s), opened "
                                 "2001-11-22T01:00Z: docs/shard-5 is dead\n"))
        fail_msg("%s", str_text(&text));
    str_fini(&text);
    handover_fini(&h);
    CHANGE(&t, .verb = INCIDENT_REVIEW);
    assert_int_equal(leftovers_read(t.journal, 1, t.now_us, &left, &e), 0);
    assert_null(leftovers_asking(&left));
    assert_int_equal(left.len, 0);
    leftovers_fini(&left);
    told_close(&t);
}

static const char *key_given, *key_accepted; /* NULL but where a test says so */

static void give(struct told *t, const char *who, const char *claim, const char *to)
{
    const struct handover_who giver = {who, key_given, claim};
    struct handover h;
    struct event_draft draft;
    struct draft_texts texts;
    struct err e = {0};
    assert_int_equal(handover_read(t->journal, t->now_us, &h, &e), 0);
    handover_give(&h, &giver, to, "the disk is watched by hand", &draft, &texts);
    draft.actor = who;
    append(t, &draft, 1);
    draft_texts_fini(&texts);
    handover_fini(&h);
}

static int accept(struct told *t, const char *who, const char *claim)
{
    const struct handover_who taker = {who, key_accepted, claim};
    struct handover h;
    struct handover_acceptance a;
    struct err e = {0};
    assert_int_equal(handover_read(t->journal, t->now_us, &h, &e), 0);
    int code = handover_accept(&h, &taker, &a, &e);
    for (size_t i = 0; code == 0 && i < a.count; i++)
        a.drafts[i].actor = who;
    if (code == 0)
        append(t, a.drafts, a.count);
    handover_acceptance_fini(&a);
    handover_fini(&h);
    return code;
}

static void from_one_shift_to_the_next(void **state)
{
    (void)state;
    struct told t;
    struct handover h;
    struct str text = {0};
    struct err e = {0};
    told_open(&t, "");
    tell_open(&t);
    tell(&t, EVENT_RUN_STARTED, "bob", "", 0, 9, "starts", DATA("title", "Restore drill"));
    CHANGE(&t, .verb = INCIDENT_SET_ROLE, .role = "commander", .person = "alice");
    CHANGE(&t, .verb = INCIDENT_SET_ROLE, .role = "scribe", .person = "dave");
    mute(&t, "job nightly", 0);
    assert_int_equal(accept(&t, "bob", NULL), ERR_NOT_FOUND);
    give(&t, "alice", NULL, "bob");
    assert_int_equal(accept(&t, "alice", NULL), ERR_DENIED);
    assert_int_equal(handover_read(t.journal, t.now_us, &h, &e), 0);
    handover_text(&h, &text);
    static const char *const wanted[] = {
        "Hand-over of rag-prod, 2001-11-22T01:01Z\n",
        "\nINC-1 SEV2 open since 2001-11-22T01:00Z (1m 20s): docs/shard-5 is dead\n",
        "  roles     commander alice, scribe dave\n",
        "  run       run 4, Vector store shard down, by alice",
        "  changed   run 4, Mark it unhealthy: ok; can be taken back by unmark\n",
        "  unknown   run 4, Drain the queue",
        "\nBesides\n  run       run 9, Restore drill, by bob since 2001-11-22T01:01Z: nothing has acted "
        "yet\n",
        "  muted     job nightly until 2001-11-22T02:01Z, by alice: known\n",
        "by alice to bob, not accepted yet: the disk is watched by hand\n",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(str_text(&text), wanted[i]))
            fail_msg("\"%s\" is not in\n%s", wanted[i], str_text(&text));
    char *json = handover_json(&h);
    cJSON *tree = json_parse(json, strlen(json), NULL);
    assert_string_equal(json_string(json_at(tree, "/incidents/0/roles"), "scribe", ""), "dave");
    assert_string_equal(json_string(json_at(tree, "/given"), "to", ""), "bob");
    cJSON_Delete(tree);
    free(json);
    handover_fini(&h);
    assert_int_equal(accept(&t, "carol", NULL), 0);
    assert_int_equal(accept(&t, "bob", NULL), ERR_NOT_FOUND); /* it is taken */
    struct incident_file file;
    assert_int_equal(incident_file_read(t.journal, 1, &file, &e), 0);
    assert_string_equal(file.incident.commander, "carol");
    assert_string_equal(file.roles.data[1].person, "dave");
    incident_file_fini(&file);
    str_fini(&text);
    told_close(&t);
}

/* Two people on one login differ by what they say they are, or by their keys. */
static void on_a_shared_login(void **state)
{
    (void)state;
    struct told t;
    struct err e = {0};
    struct incident_file file;
    told_open(&t, "");
    tell_open(&t);
    CHANGE(&t, .verb = INCIDENT_SET_ROLE, .role = "commander", .person = "alice");
    give(&t, "ops", "alice", NULL);
    assert_int_equal(accept(&t, "ops", "alice"), ERR_DENIED);
    assert_int_equal(accept(&t, "ops", "bob"), 0);
    assert_int_equal(incident_file_read(t.journal, 1, &file, &e), 0);
    assert_string_equal(file.incident.commander, "bob");
    incident_file_fini(&file);
    key_given = "SHA256:one";
    give(&t, "ops", NULL, NULL);
    key_accepted = "SHA256:one";
    assert_int_equal(accept(&t, "ops", NULL), ERR_DENIED);
    key_accepted = "SHA256:other";
    assert_int_equal(accept(&t, "ops", NULL), 0);
    key_given = key_accepted = NULL;
    told_close(&t);
}

static void hostile_texts(void **state)
{
    (void)state;
    struct told t;
    struct handover h;
    struct str text = {0};
    struct err e = {0};
    told_open(&t, "\x1b[2J\xe2\x80\xae|`*\n# x");
    tell_open(&t);
    give(&t, "ali\x1b[2Jce", NULL, "b\nob");
    assert_int_equal(handover_read(t.journal, t.now_us, &h, &e), 0);
    handover_text(&h, &text);
    assert_null(strchr(str_text(&text), '\x1b'));
    assert_null(strstr(str_text(&text), "\xe2\x80\xae"));
    assert_null(strstr(str_text(&text), "\n#"));
    char *json = handover_json(&h);
    cJSON *tree = json_parse(json, strlen(json), NULL);
    assert_non_null(tree);
    cJSON_Delete(tree);
    free(json);
    handover_fini(&h);
    str_fini(&text);
    told_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left),
        cmocka_unit_test(approvals_wait),
        cmocka_unit_test(an_approval_before_any_incident),
        cmocka_unit_test(nothing_is_left),
        cmocka_unit_test(from_one_shift_to_the_next),
        cmocka_unit_test(on_a_shared_login),
        cmocka_unit_test(hostile_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
