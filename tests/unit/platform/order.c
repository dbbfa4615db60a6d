/* Lists, problems, groups, chains. */
#include "tests/unit/platform/rig.h"

static void test_numbers_in_names(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    static const char *const names[] = {"docs/shard-10", "docs/shard-2", "docs/shard-02", "chunks/shard-7",
                                        "docs/shard-1"};
    struct observation rows[5];
    for (int i = 0; i < 5; i++)
        rows[i] =
            (struct observation){.kind = ENTITY_SHARD, .name = names[i], .raw = i == 0 ? "Dead" : "Active"};
    rig_rows(&r, "s", rows, 5);
    size_t count;
    const struct entity *const *list = platform_list(r.platform, ENTITY_SHARD, &count);
    static const char *const worst[] = {"docs/shard-10", "chunks/shard-7", "docs/shard-1", "docs/shard-02",
                                        "docs/shard-2"};
    for (int i = 0; i < 5; i++)
        assert_string_equal(list[i]->name, worst[i]);
    list = platform_list_by_name(r.platform, ENTITY_SHARD, &count);
    assert_string_equal(list[0]->name, "chunks/shard-7");
    assert_string_equal(list[4]->name, "docs/shard-10");
    rig_close(&r);
}

static void test_keys(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "a", 5);
    rig_add(&r, "a:b", 5);
    struct observation row = {.kind = ENTITY_ALERT, .name = "b:x", .raw = "firing"};
    rig_rows(&r, "a", &row, 1);
    row.name = "y";
    rig_rows(&r, "a:b", &row, 1);
    struct str key = {0};
    entity_key(rig_find(&r, ENTITY_ALERT, "y"), &key);
    assert_string_equal(str_text(&key), "alert:a:b:y");
    assert_ptr_equal(platform_find_key(r.platform, str_text(&key)), rig_find(&r, ENTITY_ALERT, "y"));
    assert_null(platform_find_key(r.platform, "alert:a:nothing"));
    assert_null(platform_find_key(r.platform, "nonsense"));
    str_fini(&key);
    rig_close(&r);
}

static void test_problems(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 3600);
    struct measurement tiers[3][2] = {
        {{"tier", 1}, {"hits_rate", 0}}, {{"tier", 2}, {"hits_rate", 40}}, {{"tier", 3}, {"hits_rate", 0}}};
    struct observation rows[] = {
        {.kind = ENTITY_SHARD, .name = "well", .raw = "Active"},
        {.kind = ENTITY_SHARD, .name = "odd", .raw = "odd"},
        {.kind = ENTITY_SHARD, .name = "half", .raw = "Partial"},
        {.kind = ENTITY_BREAKER, .name = "young", .raw = "OPEN", .since_us = 900},
        {.kind = ENTITY_JOB, .name = "old", .raw = "failed", .since_us = 100},
        {.kind = ENTITY_CHAIN,
         .name = "answers/gpt",
         .group = "answers",
         .measures = tiers[0],
         .measure_count = 2},
        {.kind = ENTITY_CHAIN,
         .name = "answers/claude",
         .group = "answers",
         .measures = tiers[1],
         .measure_count = 2},
        {.kind = ENTITY_CHAIN,
         .name = "answers/local",
         .group = "answers",
         .measures = tiers[2],
         .measure_count = 2},
        {.kind = ENTITY_ALERT, .name = "was", .raw = "resolved"},
    };
    rig_rows(&r, "s", rows, 9);
    const struct entity *out[9];
    size_t total;
    size_t count = platform_problems(r.platform, out, 9, &total);
    static const char *const want[] = {"old", "young", "odd", "answers/gpt", "half"};
    for (size_t i = 0; i < count && i < 5; i++)
        assert_string_equal(out[i]->name, want[i]);
    assert_int_equal(count, 5);
    assert_int_equal(total, 5);
    assert_int_equal(platform_problems(r.platform, out, 2, &total), 2);
    assert_string_equal(out[1]->name, "young");
    assert_int_equal(total, 5);
    rig_close(&r);
}

struct tier {
    double rate;
    const char *raw;
    enum condition want;
};

/* Gives the chain "c" these three tiers and looks at what becomes of each and of the whole. */
static void expect_chain(const struct tier tiers[static 3], enum condition whole, size_t serving)
{
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    static const char *const names[] = {"c/one", "c/two", "c/three"};
    struct measurement measures[3][4];
    struct observation rows[3];
    for (int i = 0; i < 3; i++) {
        measures[i][0] = (struct measurement){"tier", i + 1};
        measures[i][1] = (struct measurement){"hits_rate", tiers[i].rate};
        measures[i][2] = (struct measurement){"cost", 0.1 / (i + 1)};
        measures[i][3] = (struct measurement){"accuracy", 0.99 - 0.04 * i};
        rows[i] = (struct observation){.kind = ENTITY_CHAIN,
                                       .name = names[i],
                                       .group = "c",
                                       .raw = tiers[i].raw,
                                       .measures = measures[i],
                                       .measure_count = 4};
    }
    rig_rows(&r, "s", rows, 3);
    for (int i = 0; i < 3; i++) {
        enum condition got = rig_find(&r, ENTITY_CHAIN, names[i])->condition;
        if (got != tiers[i].want)
            fail_msg("tier %d is %s, wanted %s", i + 1, condition_name(got), condition_name(tiers[i].want));
    }
    struct chain_summary summary;
    assert_true(platform_chain(r.platform, "c", &summary));
    assert_int_equal(summary.condition, whole);
    assert_int_equal(summary.serving_tier, serving);
    assert_int_equal(summary.tier_count, 3);
    assert_false(platform_chain(r.platform, "d", &summary));
    rig_close(&r);
}

static void test_chains(void **state)
{
    (void)state;
    const enum condition OK = CONDITION_OK, DEGRADED = CONDITION_DEGRADED, UNKNOWN = CONDITION_UNKNOWN,
                         DOWN = CONDITION_DOWN;
    expect_chain((struct tier[]){{40, NULL, OK}, {0, NULL, OK}, {0, NULL, OK}}, OK, 1);
    expect_chain((struct tier[]){{40, NULL, OK}, {1, NULL, OK}, {0, NULL, OK}}, OK, 1); /* a stray answer */
    expect_chain((struct tier[]){{30, NULL, OK}, {10, NULL, DEGRADED}, {0, NULL, OK}}, DEGRADED, 1);
    expect_chain((struct tier[]){{0, NULL, DEGRADED}, {40, NULL, DEGRADED}, {0, NULL, OK}}, DEGRADED, 2);
    expect_chain((struct tier[]){{1, NULL, DEGRADED}, {40, NULL, DEGRADED}, {0, NULL, OK}}, DEGRADED, 2);
    expect_chain((struct tier[]){{0, "OPEN", DOWN}, {40, NULL, DEGRADED}, {0, NULL, OK}}, DEGRADED, 2);
    expect_chain((struct tier[]){{0, "OPEN", DOWN}, {0, NULL, DEGRADED}, {3, NULL, DEGRADED}}, DEGRADED, 3);
    expect_chain((struct tier[]){{0, NULL, UNKNOWN}, {0, NULL, UNKNOWN}, {0, NULL, UNKNOWN}}, UNKNOWN, 0);
    expect_chain((struct tier[]){{NAN, NULL, UNKNOWN}, {NAN, NULL, UNKNOWN}, {NAN, NULL, UNKNOWN}}, UNKNOWN,
                 0);
    expect_chain((struct tier[]){{40, NULL, OK}, {NAN, NULL, UNKNOWN}, {0, NULL, OK}}, OK, 1);
    expect_chain((struct tier[]){{0, "OPEN", DOWN}, {0, "OPEN", DOWN}, {0, "OPEN", DOWN}}, DOWN, 0);
}

static void test_groups(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    struct measurement tiers[] = {{"tier", 2}, {"tier", 1}};
    struct observation rows[] = {
        {.kind = ENTITY_CHAIN, .name = "c/a", .group = "c", .measures = &tiers[0], .measure_count = 1},
        {.kind = ENTITY_CHAIN, .name = "c/b", .group = "c", .measures = &tiers[1], .measure_count = 1},
        {.kind = ENTITY_SHARD, .name = "docs/1", .group = "docs"},
        {.kind = ENTITY_SHARD, .name = "docs/0", .group = "docs"},
        {.kind = ENTITY_SHARD, .name = "aside", .group = ""},
        {.kind = ENTITY_SHARD, .name = "chunks/0", .group = "chunks"},
    };
    rig_rows(&r, "s", rows, 6);
    const char *names[4];
    assert_int_equal(platform_groups(r.platform, ENTITY_SHARD, names, 4), 2);
    assert_string_equal(names[0], "chunks");
    assert_string_equal(names[1], "docs");
    const struct entity *out[4];
    assert_int_equal(platform_group(r.platform, ENTITY_SHARD, "docs", out, 1), 2);
    assert_string_equal(out[0]->name, "docs/0");
    assert_int_equal(platform_group(r.platform, ENTITY_CHAIN, "c", out, 4), 2);
    assert_string_equal(out[0]->name, "c/b"); /* the first tier first */
    rig_close(&r);
}

/* Coming and going singly keeps the same order as sorting everything. */
static void test_kept_order(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 11);
    struct platform *p = platform_new(NULL);
    platform_source_add(p, "s", "http", 3600 * US_PER_S, 0, 0);
    int64_t now_us = 1;
    for (int round = 0; round < 300; round++) {
        struct observation rows[200];
        char names[200][16];
        size_t count = rng_below(&rng, 10) == 0 ? 200 : rng_below(&rng, 30);
        for (size_t i = 0; i < count; i++) {
            snprintf(names[i], sizeof names[i], "n-%u", (unsigned)rng_below(&rng, 500));
            rows[i] = (struct observation){
                .kind = (enum entity_kind)rng_below(&rng, 3), .name = names[i], .raw = "x"};
        }
        struct batch b = {.source = "s", .observations = rows, .observation_count = count};
        platform_apply(p, &b, now_us, now_us);
        now_us += (int64_t)rng_below(&rng, 1000) * US_PER_S; /* some are forgotten meanwhile */
        platform_tick(p, now_us, now_us);
        size_t all, sum = 0;
        const struct entity *const *list = platform_list_by_name(p, ENTITY_ANY, &all);
        for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
            size_t part;
            const struct entity *const *some = platform_list_by_name(p, (enum entity_kind)kind, &part);
            for (size_t i = 0; i < part; i++, sum++) {
                assert_ptr_equal(some[i], list[sum]);
                if (i > 0)
                    assert_true(strlen(some[i - 1]->name) < strlen(some[i]->name) ||
                                (strlen(some[i - 1]->name) == strlen(some[i]->name) &&
                                 strcmp(some[i - 1]->name, some[i]->name) < 0));
            }
        }
        assert_int_equal(sum, all);
    }
    platform_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_in_names), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_problems),         cmocka_unit_test(test_chains),
        cmocka_unit_test(test_groups),           cmocka_unit_test(test_kept_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
