/* Claims: one holder, fences that only grow, and nothing written by whoever lost one. */
#include "scratch.h"

static int append(struct journal *j, int64_t run, struct claim claim, struct journal_result *result)
{
    struct event_draft drafts[2] = {{.kind = EVENT_RUN_INPUT, .run = run, .summary = "before"},
                                    {.kind = EVENT_RUN_INPUT, .run = run, .claim = claim}};
    struct err e = {0};
    int code = journal_append_wait(j, drafts, 2, result, &e);
    if (code < 0)
        assert_true(e.msg[0] != '\0');
    return code;
}

static int64_t last(struct journal *j)
{
    int64_t seq;
    assert_int_equal(journal_last_seq(j, &seq, NULL), 0);
    return seq;
}

static void one_holder_at_a_time(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *a = scratch_open(folder), *b = scratch_open(folder);
    struct claim mine = {CLAIM_TAKE, "lock index", "run 1", 0},
                 yours = {CLAIM_TAKE, "lock index", "run 2", 0};
    struct journal_result result;
    struct err e = {0};
    assert_int_equal(append(a, 1, mine, &result), 0);
    int64_t fence = result.seq + 1, end = last(a);
    struct event_draft draft = {.kind = EVENT_RUN_INPUT, .run = 2, .claim = yours};
    assert_int_equal(journal_append_wait(b, &draft, 1, &result, &e), ERR_CLAIMED);
    assert_string_equal(e.msg, "lock index is held by run 1");
    assert_int_equal(append(b, 2, yours, &result), ERR_CLAIMED);
    assert_int_equal(last(b), end); /* nothing of the refused groups */
    assert_int_equal(append(a, 1, (struct claim){CLAIM_CHECK, "lock index", NULL, fence}, &result), 0);
    assert_int_equal(append(b, 2, (struct claim){CLAIM_RELEASE, "lock index", NULL, fence + 1}, &result),
                     ERR_CLAIMED);
    assert_int_equal(append(a, 1, (struct claim){CLAIM_RELEASE, "lock index", NULL, fence}, &result), 0);
    assert_int_equal(append(a, 1, (struct claim){CLAIM_CHECK, "lock index", NULL, fence}, &result), ERR_CLAIMED);
    assert_int_equal(append(b, 2, yours, &result), 0);
    journal_close(a);
    journal_close(b);
    scratch_remove(folder);
}

static void a_run_that_was_taken_over_is_lost_to_its_old_console(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *old = scratch_open(folder), *fresh = scratch_open(folder), *late = scratch_open(folder);
    struct journal_result result;
    struct event_draft start = {
        .kind = EVENT_RUN_STARTED, .run = JOURNAL_NEW, .claim = {CLAIM_TAKE, NULL, "old", 0}};
    assert_int_equal(journal_append_wait(old, &start, 1, &result, NULL), 0);
    int64_t run = result.run, fence = result.seq;
    assert_int_equal(append(old, run, (struct claim){.op = CLAIM_CHECK, .fence = fence}, &result), 0);
    /* Two want to take over from the same one: the first wins. */
    struct claim over = {.op = CLAIM_TAKE, .owner = "fresh", .fence = fence};
    assert_int_equal(append(fresh, run, over, &result), 0);
    int64_t newer = result.seq + 1;
    assert_int_equal(append(late, run, over, &result), ERR_CLAIMED);
    assert_int_equal(append(old, run, (struct claim){.op = CLAIM_CHECK, .fence = fence}, &result), ERR_CLAIMED);
    assert_int_equal(append(fresh, run, (struct claim){.op = CLAIM_CHECK, .fence = newer}, &result), 0);
    journal_close(old);
    journal_close(fresh);
    journal_close(late);
    scratch_remove(folder);
}

static void a_refusal_is_nobody_elses(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    struct event_draft bad = {.kind = EVENT_TRANSITION, .run = 7, .claim = {.op = CLAIM_CHECK, .fence = 3}},
                       good = {.kind = EVENT_TRANSITION};
    for (int i = 0; i < 100; i++) /* they wait for company and are committed together */
        assert_int_equal(journal_append(j, i % 2 ? &bad : &good, NULL, NULL, NULL), 0);
    scratch_append(j, EVENT_INCIDENT_NOTED, "flush");
    struct journal_health health;
    journal_health(j, &health);
    assert_true(health.ok);
    assert_int_equal(last(j), 51);
    journal_close(j);
    scratch_remove(folder);
}

static int list(const struct claim *claim, void *data)
{
    str_addf(data, "%s=%s/%lld ", claim->key, claim->owner, (long long)claim->fence);
    return 0;
}

static void what_is_held_can_be_listed_and_is_verified(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    struct journal_result result;
    struct journal_verdict verdict;
    struct str all = {0};
    append(j, 3, (struct claim){CLAIM_TAKE, "lock b", "run 3", 0}, &result);
    append(j, 3, (struct claim){CLAIM_TAKE, NULL, "alice", 0}, &result);
    assert_int_equal(journal_claims(j, list, &all, NULL), 0);
    assert_string_equal(str_text(&all), "lock b=run 3/2 run 3=alice/4 ");
    assert_int_equal(journal_verify(j, NULL, &verdict, NULL, NULL, NULL), 0);
    assert_true(verdict.ok);
    str_fini(&all);
    journal_close(j);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holder_at_a_time),
        cmocka_unit_test(a_run_that_was_taken_over_is_lost_to_its_old_console),
        cmocka_unit_test(a_refusal_is_nobody_elses),
        cmocka_unit_test(what_is_held_can_be_listed_and_is_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
