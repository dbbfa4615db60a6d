/* Random answers, failures and pauses against a model that is too simple to be wrong. */
#include "tests/unit/platform/rig.h"

#define SOURCES 3
#define NAMES   6
#define STEP_US (US_PER_S / 2)

static const char *const source_names[SOURCES] = {"a", "b", "c"};
static const int64_t every_s[SOURCES] = {1, 2, 10};
static const char *const raws[] = {"Active", "Active", "Active", "Partial", "Dead", "strange"};
static const enum condition raw_conditions[] = {CONDITION_OK,       CONDITION_OK,   CONDITION_OK,
                                                CONDITION_DEGRADED, CONDITION_DOWN, CONDITION_UNKNOWN};

/* What the simple model remembers of one thing. */
struct plain {
    bool seen, expected, gone;
    enum condition said; /* by the last answer that spoke of it, or its absence */
    int64_t spoken_us;   /* when that was */
};

struct world {
    struct rng rng;
    uint64_t seed;
    struct rig often, seldom; /* ticked at every step; ticked only when due */
    struct plain things[SOURCES][2][NAMES];
};

static const enum entity_kind kinds[2] = {ENTITY_SHARD, ENTITY_ALERT};

static void name_of(char name[8], int i)
{
    memcpy(name, "n?", 3);
    name[1] = (char)('0' + i);
}

/* One answer: some of the names, in random order, some of them twice. */
static void answer(struct world *w, int s, int64_t now_us)
{
    struct observation rows[3 * NAMES];
    char names[3 * NAMES][8];
    size_t count = 0;
    bool partial = rng_below(&w->rng, 5) == 0;
    bool spoken[2][NAMES] = {{false}};
    enum condition worst[2][NAMES] = {{CONDITION_NONE}};
    size_t wanted = rng_below(&w->rng, 3 * NAMES + 1);
    while (count < wanted) {
        int kind = (int)rng_below(&w->rng, 2), n = (int)rng_below(&w->rng, NAMES);
        size_t raw = rng_below(&w->rng, sizeof raws / sizeof *raws);
        name_of(names[count], n);
        bool expected = kind == 0 && n == 0;
        rows[count] = (struct observation){.kind = kinds[kind],
                                           .name = names[count],
                                           .raw = raws[raw],
                                           .condition = raw_conditions[raw],
                                           .expected = expected};
        spoken[kind][n] = true;
        if (raw_conditions[raw] > worst[kind][n])
            worst[kind][n] = raw_conditions[raw];
        w->things[s][kind][n].expected |= expected;
        count++;
    }
    struct batch b = {
        .source = source_names[s], .partial = partial, .observations = rows, .observation_count = count};
    rig_batch(&w->often, &b);
    rig_batch(&w->seldom, &b);
    for (int kind = 0; kind < 2; kind++) {
        for (int n = 0; n < NAMES; n++) {
            struct plain *t = &w->things[s][kind][n];
            if (spoken[kind][n]) {
                *t = (struct plain){
                    .seen = true, .expected = t->expected, .said = worst[kind][n], .spoken_us = now_us};
            } else if (!partial && t->seen) {
                t->gone = true;
                t->said = t->expected ? CONDITION_DOWN : kind == 1 ? CONDITION_OK : CONDITION_UNKNOWN;
                t->spoken_us = now_us;
            }
        }
    }
}

static void check(struct world *w, int step, int64_t now_us)
{
    for (int s = 0; s < SOURCES; s++) {
        int64_t stale_us = 3 * every_s[s] * US_PER_S;
        for (int kind = 0; kind < 2; kind++) {
            for (int n = 0; n < NAMES; n++) {
                const struct plain *t = &w->things[s][kind][n];
                char name[8];
                name_of(name, n);
                const struct entity *e = platform_find(w->often.platform, kinds[kind], source_names[s], name);
                bool late = now_us - t->spoken_us >= stale_us;
                enum condition want = late ? CONDITION_UNKNOWN : t->said;
                if (!t->seen || (!e && t->gone))
                    continue; /* forgotten, which the unit tests look at */
                if (!e || e->condition != want)
                    fail_msg("seed %" PRIu64 " step %d: %s %s of %s is %s, wanted %s", w->seed, step,
                             entity_kind_text(kinds[kind]), name, source_names[s],
                             e ? condition_name(e->condition) : "absent", condition_name(want));
            }
        }
    }
}

/* Lists and counts agree with looking at everything. */
static void check_lists(struct world *w, int step)
{
    struct platform *p = w->seldom.platform;
    size_t count;
    for (int kind = 0; kind <= ENTITY_KIND_COUNT; kind++) {
        const struct entity *const *list = platform_list(p, (enum entity_kind)kind, &count);
        struct condition_counts counts = platform_counts(p, (enum entity_kind)kind);
        size_t by[CONDITION_COUNT] = {0}, gone = 0;
        for (size_t i = 0; i < count; i++) {
            by[list[i]->condition]++;
            gone += !!(list[i]->flags & ENTITY_GONE);
            assert_ptr_equal(platform_entity(p, list[i]->id), list[i]);
            if (i == 0 || list[i - 1]->kind != list[i]->kind)
                continue;
            bool ordered = list[i - 1]->condition > list[i]->condition ||
                           (list[i - 1]->condition == list[i]->condition &&
                            strcmp(list[i - 1]->name, list[i]->name) <= 0);
            if (!ordered)
                fail_msg("seed %" PRIu64 " step %d: list of %d is out of order at %zu", w->seed, step, kind,
                         i);
        }
        assert_int_equal(counts.total, count);
        assert_int_equal(counts.gone, gone);
        for (int c = 0; c < CONDITION_COUNT; c++)
            assert_int_equal(counts.by[c], by[c]);
    }
}

/* Ticking only when platform_next_us asks for it reports the same as ticking all the time. */
static void check_reports(struct world *w, int step)
{
    size_t count = w->often.said.len > w->seldom.said.len ? w->often.said.len : w->seldom.said.len;
    for (size_t i = 0; i < count; i++) {
        const char *often = i < w->often.said.len ? w->often.said.data[i] : "(nothing)";
        const char *seldom = i < w->seldom.said.len ? w->seldom.said.data[i] : "(nothing)";
        if (strcmp(often, seldom) != 0)
            fail_msg("seed %" PRIu64 " step %d:\n  ticked often:  %s\n  ticked seldom: %s", w->seed, step,
                     often, seldom);
    }
    rig_forget(&w->often);
    rig_forget(&w->seldom);
}

static void run(uint64_t seed, int steps)
{
    struct world w = {.seed = seed};
    rng_seed(&w.rng, seed);
    rig_open(&w.often);
    rig_open(&w.seldom);
    for (int s = 0; s < SOURCES; s++) {
        rig_add(&w.often, source_names[s], every_s[s]);
        rig_add(&w.seldom, source_names[s], every_s[s]);
    }
    for (int step = 0; step < steps; step++) {
        /* mostly steady, now and then a long pause in which nobody answers */
        int64_t pause = rng_below(&w.rng, 50) == 0 ? (int64_t)rng_below(&w.rng, 40) * US_PER_S : STEP_US;
        w.often.now_us += pause;
        w.seldom.now_us = w.often.now_us;
        int64_t now_us = w.often.now_us;
        platform_tick(w.often.platform, now_us, WALL_ZERO + now_us);
        if (now_us >= platform_next_us(w.seldom.platform))
            platform_tick(w.seldom.platform, now_us, WALL_ZERO + now_us);
        for (int s = 0; s < SOURCES; s++) {
            uint64_t roll = rng_below(&w.rng, 10 * (uint64_t)every_s[s]);
            if (roll < 4) {
                answer(&w, s, now_us);
            } else if (roll == 4) {
                rig_error(&w.often, source_names[s], "refused");
                rig_error(&w.seldom, source_names[s], "refused");
            }
        }
        check(&w, step, now_us);
        check_lists(&w, step);
        check_reports(&w, step);
    }
    rig_close(&w.often);
    rig_close(&w.seldom);
}

static void test_conditions_lists_and_ticks(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 25; seed++)
        run(seed, 400);
}

/* ---- Reports, of one entity that changes at random ---- */

struct reports {
    enum condition last; /* as reported */
    int64_t at_us[4096];
    size_t single, flaps, settles, told;
    bool flapping;
};

static void report(const struct transition *t, void *data)
{
    struct reports *r = data;
    if (t->kind == TRANSITION_APPEARED) {
        r->last = t->to;
        return;
    }
    assert_int_equal(t->from, r->last); /* reports form a chain without gaps */
    r->last = t->to;
    if (t->kind == TRANSITION_FLAPPING) {
        assert_false(r->flapping);
        r->flapping = true;
        r->flaps++;
        r->told += 1;
    } else if (t->kind == TRANSITION_SETTLED) {
        assert_true(r->flapping);
        r->flapping = false;
        r->settles++;
        r->told += t->count - PLATFORM_FLAP_CHANGES;
    } else {
        assert_false(r->flapping);
        assert_true(r->single < sizeof r->at_us / sizeof *r->at_us);
        r->at_us[r->single++] = t->at_us;
        r->told++;
    }
}

static void test_flapping_reports(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct reports r = {0};
        struct rng rng;
        rng_seed(&rng, seed);
        struct platform_events events = {.transition = report, .data = &r};
        struct platform *p = platform_new(&events);
        platform_source_add(p, "s", "http", 3600 * US_PER_S, 0, 0);
        size_t changes = 0;
        const char *raw = "Active";
        int64_t now_us = 1;
        for (int step = 0; step < 2000; step++) {
            now_us += (int64_t)(1 + rng_below(&rng, seed % 2 ? 60 : 200)) * US_PER_S;
            platform_tick(p, now_us, now_us);
            const char *next = rng_below(&rng, 3) == 0 ? raws[rng_below(&rng, 5)] : raw;
            changes += step > 0 && strcmp(next, raw) != 0;
            raw = next;
            struct observation o = {.kind = ENTITY_SHARD, .name = "x", .raw = raw};
            struct batch b = {.source = "s", .observations = &o, .observation_count = 1};
            platform_apply(p, &b, now_us, now_us);
        }
        platform_tick(p, now_us + 2 * PLATFORM_FLAP_WINDOW_US, now_us);
        assert_int_equal(r.told, changes); /* none lost, none told twice */
        assert_int_equal(r.flaps, r.settles);
        assert_int_equal(platform_find(p, ENTITY_SHARD, "s", "x")->change_count, changes);
        for (size_t i = PLATFORM_FLAP_CHANGES - 1; i < r.single; i++)
            if (r.at_us[i] - r.at_us[i - PLATFORM_FLAP_CHANGES + 1] < PLATFORM_FLAP_WINDOW_US)
                fail_msg("seed %" PRIu64 ": five single reports in five minutes", seed);
        platform_free(p);
    }
}

/* Arbitrary bytes in every text, any number in every measure: nothing breaks, and names keep things apart. */
static void test_hostile_texts(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 7);
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    static const double numbers[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e308, -1e308, 5e-324, 42};
    for (int round = 0; round < 400; round++) {
        char texts[40][400];
        struct observation rows[8] = {{0}};
        struct attribute attributes[20];
        struct measurement measures[20];
        for (size_t i = 0; i < 40; i++) {
            size_t length = rng_below(&rng, i < 8 ? 40 : 399);
            for (size_t j = 0; j < length; j++)
                texts[i][j] = (char)(1 + rng_below(&rng, 255));
            texts[i][length] = '\0';
        }
        for (size_t i = 0; i < 20; i++) {
            attributes[i] = (struct attribute){texts[i], texts[39 - i]};
            measures[i] =
                (struct measurement){texts[i], numbers[rng_below(&rng, sizeof numbers / sizeof *numbers)]};
        }
        for (size_t i = 0; i < 8; i++)
            rows[i] = (struct observation){
                .kind = (enum entity_kind)rng_below(&rng, ENTITY_KIND_COUNT),
                .name = texts[i],
                .raw = texts[8 + i],
                .group = texts[8 + (i ^ 1)],
                .reason = texts[16 + i],
                .attributes = attributes,
                .attribute_count = rng_below(&rng, 21),
                .measures = measures,
                .measure_count = rng_below(&rng, 21),
                .snippet = texts[30],
                .snippet_length = strlen(texts[30]),
            };
        rig_rows(&r, "s", rows, 8);
        rig_pass(&r, (double)rng_below(&rng, 20));
        size_t count;
        const struct entity *const *list = platform_list(r.platform, ENTITY_ANY, &count);
        for (size_t i = 0; i < count; i++)
            assert_true(list[i]->measure_count <= PLATFORM_MEASURE_LIMIT &&
                        list[i]->attribute_count <= PLATFORM_ATTRIBUTE_LIMIT);
        rig_forget(&r);
    }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_lists_and_ticks),
        cmocka_unit_test(test_flapping_reports),
        cmocka_unit_test(test_hostile_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
