/* What an earlier process knew: since when, and what is no news. */
#include "tests/unit/platform/rig.h"

#define OLD_US (WALL_ZERO - 3600 * US_PER_S)

static void shard_recall(struct rig *r, enum condition condition, const char *raw)
{
    platform_recall(r->platform, "shard:store:docs/5", condition, raw, OLD_US);
}

static int64_t since(struct rig *r, enum entity_kind kind, const char *name)
{
    return rig_find(r, kind, name)->since_us;
}

static void rig_known(struct rig *r)
{
    rig_open(r);
    rig_add(r, "store", 5);
}

static void the_same_state_lasts_since_then(void **state)
{
    (void)state;
    struct rig r;
    rig_known(&r);
    shard_recall(&r, CONDITION_DOWN, "Dead");
    rig_shard(&r, "Dead");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), OLD_US);
    RIG_SAID(&r, "source store new->ok",
             "appeared shard:store:docs/5 none->down ''->'Dead' x1 first recalled");
    rig_shard(&r, "Dead");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), OLD_US);
    /* once it has been told of, nothing is taken from before */
    r.now_us += US_PER_S;
    rig_shard(&r, "Active");
    shard_recall(&r, CONDITION_OK, "Active");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), WALL_ZERO + r.now_us);
    rig_close(&r);
}

static void another_state_is_a_change_from_that_one(void **state)
{
    (void)state;
    struct rig r;
    rig_known(&r);
    shard_recall(&r, CONDITION_DOWN, "Dead");
    rig_shard(&r, "Active");
    RIG_SAID(&r, "source store new->ok", "changed shard:store:docs/5 down->ok 'Dead'->'Active' x1");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), WALL_ZERO + r.now_us);
    rig_close(&r);
    rig_known(&r); /* the same condition under another word is another state */
    shard_recall(&r, CONDITION_DOWN, "Dead");
    rig_shard(&r, "red");
    RIG_SAID(&r, "source store new->ok", "changed shard:store:docs/5 down->down 'Dead'->'red' x1");
    rig_close(&r);
}

static void what_is_there_already_is_told_as_long_as_it_is_as_it_was(void **state)
{
    (void)state;
    struct rig r;
    rig_known(&r);
    rig_shard(&r, "Dead");
    uint64_t version = platform_version(r.platform, ENTITY_SHARD);
    shard_recall(&r, CONDITION_OK, "Active");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), WALL_ZERO + r.now_us);
    shard_recall(&r, CONDITION_DOWN, "Dead");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), OLD_US);
    assert_true(platform_version(r.platform, ENTITY_SHARD) > version);
    rig_pass(&r, 15); /* silence hides it, and it comes back as it was */
    shard_recall(&r, CONDITION_UNKNOWN, "Dead");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), WALL_ZERO + r.now_us);
    rig_shard(&r, "Dead");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), OLD_US);
    rig_close(&r);
}

static void the_sources_own_time_is_better(void **state)
{
    (void)state;
    struct rig r;
    rig_known(&r);
    shard_recall(&r, CONDITION_DOWN, "Dead");
    struct observation o = {
        .kind = ENTITY_SHARD, .name = "docs/5", .raw = "Dead", .since_us = WALL_ZERO - US_PER_S};
    rig_rows(&r, "store", &o, 1);
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), WALL_ZERO - US_PER_S);
    shard_recall(&r, CONDITION_DOWN, "Dead");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), WALL_ZERO - US_PER_S);
    rig_close(&r);
}

static void a_time_to_come_is_none(void **state)
{
    (void)state;
    struct rig r;
    rig_known(&r);
    platform_recall(r.platform, "shard:store:docs/5", CONDITION_DOWN, "Dead", WALL_ZERO + 99 * US_PER_S);
    rig_shard(&r, "Dead"); /* the clock was set back meanwhile */
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), WALL_ZERO + r.now_us);
    rig_close(&r);
}

static void what_is_expected_is_recalled_when_it_is_missed(void **state)
{
    (void)state;
    struct rig r;
    rig_known(&r);
    platform_expect(r.platform, "store", ENTITY_SHARD, "docs/5", "docs", WALL_ZERO);
    shard_recall(&r, CONDITION_DOWN, "gone");
    rig_rows(&r, "store", NULL, 0);
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), OLD_US);
    RIG_SAID(&r, "source store new->ok",
             "gone shard:store:docs/5 unknown->down ''->'gone' x1 first recalled");
    rig_close(&r);
}

static void of_a_signal_the_condition_counts(void **state)
{
    (void)state;
    struct rig r;
    rig_known(&r);
    platform_recall(r.platform, "signal:store:p95", CONDITION_DOWN, "4.2", OLD_US);
    struct observation o = {.kind = ENTITY_SIGNAL, .name = "p95", .condition = CONDITION_DOWN, .raw = "5.1"};
    rig_rows(&r, "store", &o, 1);
    assert_int_equal(since(&r, ENTITY_SIGNAL, "p95"), OLD_US);
    rig_close(&r);
}

/* A rate takes two answers: the first one, which judges nothing, is no change from what was known. */
static void a_first_answer_that_judges_nothing_changes_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_known(&r);
    shard_recall(&r, CONDITION_OK, "Active");
    rig_shard(&r, "");
    RIG_SAID(&r, "source store new->ok", "appeared shard:store:docs/5 none->unknown ''->'' x1 first");
    rig_pass(&r, 5);
    rig_shard(&r, "Active");
    RIG_SAID(&r, "changed shard:store:docs/5 unknown->ok ''->'Active' x1 first recalled");
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), OLD_US);
    rig_close(&r);

    rig_known(&r); /* a second one that still can't say is a change */
    shard_recall(&r, CONDITION_OK, "Active");
    rig_shard(&r, "");
    rig_forget(&r);
    rig_pass(&r, 5);
    rig_shard(&r, "");
    RIG_SAID(&r, "changed shard:store:docs/5 ok->unknown 'Active'->'' x1");
    rig_pass(&r, 5);
    rig_shard(&r, "Active");
    RIG_SAID(&r, "changed shard:store:docs/5 unknown->ok ''->'Active' x1 first");
    rig_close(&r);
}

/* Nobody told how it was after it began to flap: how it is first seen is the end of that, whatever it is. */
static void what_was_flapping_settles_with_how_it_is_first_seen(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *said;
    } now[] = {{"Active", "settled shard:store:docs/5 down->ok 'Dead'->'Active' x0"},
               {"Dead", "settled shard:store:docs/5 down->down 'Dead'->'Dead' x0"}};
    for (size_t i = 0; i < 2; i++) {
        struct rig r;
        rig_known(&r);
        platform_recall(r.platform, "shard:store:docs/5", CONDITION_DOWN, "Dead", 0);
        rig_shard(&r, now[i].raw);
        RIG_SAID(&r, "source store new->ok", now[i].said);
        assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), WALL_ZERO + r.now_us);
        rig_close(&r);
    }
    struct rig r;
    rig_known(&r); /* what was expected already is no other case */
    platform_expect(r.platform, "store", ENTITY_SHARD, "docs/5", "docs", WALL_ZERO);
    platform_recall(r.platform, "shard:store:docs/5", CONDITION_DOWN, "Dead", 0);
    rig_shard(&r, "Active");
    RIG_SAID(&r, "source store new->ok", "settled shard:store:docs/5 down->ok 'Dead'->'Active' x0");
    rig_close(&r);
}

static void recollections_are_bounded(void **state)
{
    (void)state;
    struct rig r;
    char key[64];
    rig_known(&r);
    for (int i = 0; i < PLATFORM_ENTITY_LIMIT + 10; i++) {
        snprintf(key, sizeof key, "shard:store:docs/%d", i);
        platform_recall(r.platform, key, CONDITION_DOWN, "Dead", OLD_US);
    }
    snprintf(key, sizeof key, "docs/%d", PLATFORM_ENTITY_LIMIT + 5);
    struct observation rows[] = {{.kind = ENTITY_SHARD, .name = "docs/5", .raw = "Dead"},
                                 {.kind = ENTITY_SHARD, .name = key, .raw = "Dead"}};
    rig_rows(&r, "store", rows, 2);
    assert_int_equal(since(&r, ENTITY_SHARD, "docs/5"), OLD_US);
    assert_int_equal(since(&r, ENTITY_SHARD, key), WALL_ZERO + r.now_us);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_state_lasts_since_then),
        cmocka_unit_test(another_state_is_a_change_from_that_one),
        cmocka_unit_test(what_is_there_already_is_told_as_long_as_it_is_as_it_was),
        cmocka_unit_test(the_sources_own_time_is_better),
        cmocka_unit_test(a_time_to_come_is_none),
        cmocka_unit_test(what_is_expected_is_recalled_when_it_is_missed),
        cmocka_unit_test(of_a_signal_the_condition_counts),
        cmocka_unit_test(a_first_answer_that_judges_nothing_changes_nothing),
        cmocka_unit_test(what_was_flapping_settles_with_how_it_is_first_seen),
        cmocka_unit_test(recollections_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
