/* Muted entities, and what an incident that isn't reviewed yet holds back from pruning. */
#include "scratch.h"

static int mute(struct journal *j, const char *entity, int64_t now_us, int64_t until_us, const char *reason)
{
    struct event_draft draft;
    struct draft_texts texts;
    struct err e = {0};
    int code = mute_draft(entity, now_us, until_us, reason, 0, &draft, &texts, &e);
    draft.actor = "alice";
    draft.at_us = now_us;
    if (code == 0)
        code = journal_append_wait(j, &draft, 1, NULL, &e);
    draft_texts_fini(&texts);
    return code;
}

static void muted_for_a_while(void **state)
{
    (void)state;
    const int64_t now = 1795317261000000LL, hour = 3600 * US_PER_S;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    struct mutes mutes;
    assert_int_equal(mute(j, "shard docs/shard-5", now, now + hour, "being restored"), 0);
    assert_int_equal(mute(j, "breaker llm", now, now + 2 * hour, "known"), 0);
    assert_int_equal(mute(j, "job nightly", now, now + 2 * hour, "known"), 0);
    assert_int_equal(mute(j, "job nightly", now + 1, 0, NULL), 0);
    assert_int_equal(mute(j, "breaker llm", now + 2, now + 3 * hour, "longer"), 0);
    assert_int_equal(mutes_read(j, now + 10, &mutes, NULL), 0);
    assert_int_equal(mutes.len, 2);
    const struct mute *found = mutes_find(&mutes, "shard docs/shard-5", now + hour - 1);
    assert_non_null(found);
    assert_string_equal(found->who, "alice");
    assert_string_equal(found->reason, "being restored");
    assert_null(mutes_find(&mutes, "shard docs/shard-5", now + hour)); /* it has run out */
    assert_null(mutes_find(&mutes, "shard docs/shard-6", now + 10));
    assert_null(mutes_find(&mutes, "job nightly", now + 10));
    assert_int_equal(mutes_find(&mutes, "breaker llm", now + 10)->until_us, now + 3 * hour);
    mutes_fini(&mutes);
    assert_int_equal(mutes_read(j, now + 4 * hour, &mutes, NULL), 0);
    assert_int_equal(mutes.len, 0);
    mutes_fini(&mutes);
    journal_close(j);
    scratch_remove(folder);
}

static void refused_mutes(void **state)
{
    (void)state;
    const int64_t now = 1795317261000000LL;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    struct mutes mutes;
    assert_int_equal(mute(j, "shard x", now, now + US_PER_S, NULL), ERR_USAGE);
    assert_int_equal(mute(j, "shard x", now, now + US_PER_S, "  "), ERR_USAGE);
    assert_int_equal(mute(j, "shard", now, now + US_PER_S, "why"), ERR_USAGE);
    assert_int_equal(mute(j, "shard x", now, now, "why"), ERR_RANGE);
    assert_int_equal(mute(j, "shard x", now, now + MUTE_LONGEST_US + 1, "why"), ERR_RANGE);
    /* Whoever writes a journal by hand can't mute for ever either. */
    static const char *const odd[] = {"{\"until\":\"2999-01-01T00:00:00Z\"}", "{}", "{\"until\":7}"};
    for (size_t i = 0; i < 3; i++) {
        struct event_draft draft = {.kind = EVENT_ENTITY_MUTED,
                                    .subject = "shard x",
                                    .at_us = now,
                                    .actor = "mallory",
                                    .data = odd[i]};
        assert_int_equal(journal_append_wait(j, &draft, 1, NULL, NULL), 0);
    }
    assert_int_equal(mutes_read(j, now, &mutes, NULL), 0);
    assert_int_equal(mutes.len, 0);
    mutes_fini(&mutes);
    journal_close(j);
    scratch_remove(folder);
}

static void append(struct journal *j, enum event_kind kind, int64_t incident, int64_t run, int64_t at_us)
{
    struct event_draft draft = {
        .kind = kind, .actor = "alice", .summary = "x", .incident = incident, .run = run, .at_us = at_us};
    assert_int_equal(journal_append_wait(j, &draft, 1, NULL, NULL), 0);
}

static int64_t holder(struct journal *j, int64_t run, const char *entity, int64_t at_us)
{
    int64_t incident = -1;
    assert_int_equal(journal_held(j, run, entity, at_us, &incident, NULL), 0);
    return incident;
}

/* F2: until an incident is reviewed, nothing that it refers to goes. */
static void evidence_is_held(void **state)
{
    (void)state;
    const int64_t start = 1795317261000000LL, minute = 60 * US_PER_S;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    assert_int_equal(holder(j, 12, "job run_sc05", start), 0); /* no incident at all */
    append(j, EVENT_INCIDENT_OPENED, JOURNAL_NEW, 0, start);
    append(j, EVENT_STEP_OUTCOME, 1, 12, start + minute);
    append(j, EVENT_STEP_OUTCOME, 0, 13, start + minute);
    static const enum event_kind states[] = {EVENT_INCIDENT_MITIGATED, EVENT_INCIDENT_RESOLVED,
                                             EVENT_INCIDENT_CLOSED};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(holder(j, 12, NULL, 0), 1);
        assert_int_equal(holder(j, 13, NULL, 0), 0);
        assert_int_equal(holder(j, 0, "job run_sc05", start - 14 * minute), 1);
        assert_int_equal(holder(j, 0, "job run_sc05", start + 999 * minute), 1);
        assert_int_equal(holder(j, 0, "job run_sc05", start - 16 * minute), 0);
        append(j, states[i], 1, 0, start + 60 * minute);
    }
    assert_int_equal(holder(j, 12, NULL, 0), 1); /* closed, and nobody has reviewed it */
    append(j, EVENT_INCIDENT_REVIEWED, 1, 0, start + 61 * minute);
    assert_int_equal(holder(j, 12, NULL, 0), 0);
    assert_int_equal(holder(j, 0, "job run_sc05", start), 0);
    journal_close(j);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(muted_for_a_while),
        cmocka_unit_test(refused_mutes),
        cmocka_unit_test(evidence_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
