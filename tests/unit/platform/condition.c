/* Conditions of runbooks and how long they held. */
#include "tests/unit/platform/rig.h"

static const struct measurement breaker_measures[] = {{"failure_rate", 0.5}, {"calls", 1204}, {"odd", NAN}};
static const struct attribute breaker_attributes[] = {{"region", "eu-1"}, {"build", "17"}};
static const struct observation rows[] = {
    {.kind = ENTITY_BREAKER,
     .name = "llm primary",
     .group = "api",
     .raw = "OPEN",
     .attributes = breaker_attributes,
     .attribute_count = 2,
     .measures = breaker_measures,
     .measure_count = 3},
    {.kind = ENTITY_SHARD, .name = "docs/shard-5", .group = "docs", .raw = "Dead"},
};

static const struct {
    const char *text;
    bool holds;
} readings[] = {
    {"breaker.state == down", true},
    {"breaker.state==down", true},
    {"  breaker . state == down", false}, /* not read: see refused below */
    {"breaker.state == DOWN", true},
    {"breaker.state != ok", true},
    {"breaker.state != down", false},
    {"breaker.state in (down, degraded)", true},
    {"breaker.state in(ok,unknown)", false},
    {"breaker.\"llm primary\".state == down", true},
    {"breaker.'llm primary'.state == down", true},
    {"breaker.llm.state == down", false},
    {"breaker.raw == OPEN", true},
    {"breaker.raw == open", false},
    {"breaker.raw in ('OPEN', HALF_OPEN)", true},
    {"breaker.name == 'llm primary'", true},
    {"breaker.group == api", true},
    {"breaker.source == store", true},
    {"breaker.failure_rate == 50%", true},
    {"breaker.failure_rate == 0.5", true},
    {"breaker.failure_rate > 50%", false},
    {"breaker.failure_rate > 49%", true},
    {"breaker.failure_rate < .6", true},
    {"breaker.failure_rate in (0.1, 0.5)", true},
    {"breaker.calls > 1e3", true},
    {"breaker.odd != 3", false},
    {"breaker.missing != 3", false},
    {"breaker.missing < 3", false},
    {"breaker.region == eu-1", true},
    {"breaker.region != eu-1", false},
    {"breaker.region > 3", false},
    {"breaker.build > 16", true},
    {"breaker.build == 17.0", true},
    {"breaker.build == '17.0'", false},
    {"breaker.age > 90s", true},
    {"breaker.age > 2m", false},
    {"breaker.age < 0.1h", true},
    {"shard.state == down", false}, /* another kind */
};

static void test_readings(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 3600);
    rig_rows(&r, "store", rows, 2);
    rig_pass(&r, 100);
    const struct entity *e = rig_find(&r, ENTITY_BREAKER, "llm primary");
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        struct err err;
        struct offer_condition *c = condition_parse(readings[i].text, &err);
        if (strstr(readings[i].text, " . ")) {
            assert_null(c);
            continue;
        }
        if (!c)
            fail_msg("%s: %s", readings[i].text, err.msg);
        if (condition_holds(c, e, WALL_ZERO + r.now_us) != readings[i].holds)
            fail_msg("%s: wanted %d", readings[i].text, readings[i].holds);
        condition_free(c);
    }
    rig_close(&r);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } refused[] = {
        {"", "column 1: a kind is missing"},
        {"shards.state == down", "column 1: not a kind"},
        {"shard", "column 6: `.` and a field are missing"},
        {"shard.", "column 7: a name or a field is missing"},
        {"shard.state", "column 12: one of == != < > in is missing"},
        {"shard.state = down", "column 13: one of == != < > in is missing"},
        {"shard.state >= down", "column 14: <= and >= are not among"},
        {"shard.points <= 3", "column 15: <= and >= are not among"},
        {"shard.state == Dead", "column 20: a state is one of ok, degraded, unknown, down"},
        {"shard.state == ", "column 16: a value is missing"},
        {"shard.state in down", "column 16: `in` takes a list"},
        {"shard.state in (down", "column 21: `)` is missing"},
        {"shard.state in ()", "column 17: a value is missing"},
        {"shard.docs/5.state == down", "column 11: one of == != < > in is missing"},
        {"shard.raw == \"open", "column 14: the quote is not closed"},
        {"shard.points > many", "column 20: < and > compare numbers"},
        {"shard.state == down and more", "column 21: something follows"},
        {"shard.a.b.c == down", "column 10: one of"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct err e = {0};
        assert_null(condition_parse(refused[i].text, &e));
        if (!str_starts(e.msg, refused[i].message))
            fail_msg("%s: said \"%s\", wanted \"%s\"", refused[i].text, e.msg, refused[i].message);
    }
}

/* Random texts made of the grammar's own pieces: parsed or refused, never more. */
static void test_noise(void **state)
{
    (void)state;
    static const char *const pieces[] = {"shard", "breaker", ".",  "state", "==", "!=",   "<",
                                         ">",     "in",      "(",  ")",     ",",  "down", "'",
                                         "\"",    " ",       "5%", "x",     "é",  "-",    "="};
    struct rng rng;
    rng_seed(&rng, 3);
    size_t parsed = 0;
    for (int round = 0; round < 50000; round++) {
        struct str text = {0};
        static const char *const heads[] = {"", "shard.state ", "shard.points == ", "shard.state in ("};
        str_add(&text, heads[rng_below(&rng, 4)]);
        for (size_t i = rng_below(&rng, 9); i > 0; i--)
            str_add(&text, pieces[rng_below(&rng, sizeof pieces / sizeof *pieces)]);
        struct err e;
        struct offer_condition *c = condition_parse(str_text(&text), &e);
        parsed += c != NULL;
        condition_free(c);
        str_fini(&text);
    }
    assert_true(parsed > 100);
}

static bool holds(struct rig *r, const struct offer_condition *c)
{
    return condition_holds(c, rig_find(r, ENTITY_BREAKER, "llm primary"), WALL_ZERO + r->now_us);
}

static void test_stale_measures_hold_never(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 5);
    rig_rows(&r, "store", rows, 2);
    struct offer_condition *measure = condition_parse("breaker.failure_rate > 10%", NULL);
    struct offer_condition *raw = condition_parse("breaker.raw == OPEN", NULL);
    struct offer_condition *gone = condition_parse("breaker.raw == gone", NULL);
    struct offer_condition *unknown = condition_parse("breaker.state == unknown", NULL);
    assert_true(holds(&r, measure));
    assert_true(holds(&r, raw));
    assert_false(holds(&r, unknown));
    rig_pass(&r, 15);
    assert_false(holds(&r, measure));
    assert_false(holds(&r, raw));
    assert_true(holds(&r, unknown));
    rig_rows(&r, "store", NULL, 0);
    assert_false(holds(&r, measure));
    assert_true(holds(&r, gone));
    condition_free(measure);
    condition_free(raw);
    condition_free(gone);
    condition_free(unknown);
    rig_close(&r);
}

static bool update(struct rig *r, struct offers *o)
{
    return offers_update(o, r->platform, r->now_us, WALL_ZERO + r->now_us);
}

static void test_offers_wait_for_their_for(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 3600);
    struct offers *o = offers_new();
    size_t at_once = offers_add(o, condition_parse("shard.state == down", NULL), 0);
    size_t held = offers_add(o, condition_parse("shard.state in (down, degraded)", NULL), 30 * US_PER_S);
    rig_shard(&r, "Active");
    assert_false(update(&r, o));
    rig_pass(&r, 10);
    rig_shard(&r, "Dead");
    assert_true(update(&r, o));
    size_t count;
    const struct offer *list = offers_list(o, &count);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].index, at_once);
    assert_int_equal(list[0].entity, rig_find(&r, ENTITY_SHARD, "docs/5")->id);
    assert_int_equal(offers_next_us(o), r.now_us + 30 * US_PER_S);
    int64_t began = WALL_ZERO + r.now_us;
    rig_pass(&r, 20);
    rig_shard(&r, "Partial"); /* still bad: the second goes on holding, the first lets go */
    assert_true(update(&r, o));
    assert_int_equal((offers_list(o, &count), count), 0);
    rig_pass(&r, 9.999);
    assert_false(update(&r, o));
    rig_pass(&r, 0.001);
    assert_true(update(&r, o));
    list = offers_list(o, &count);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].index, held);
    assert_int_equal(list[0].since_us, began);
    rig_shard(&r, "Active");
    assert_true(update(&r, o));
    assert_int_equal((offers_list(o, &count), count), 0);
    rig_shard(&r, "Dead"); /* it starts anew */
    update(&r, o);
    assert_int_equal(offers_next_us(o), r.now_us + 30 * US_PER_S);
    offers_free(o);
    rig_close(&r);
}

/* Two entities taking turns never add up to one long hold. */
static void test_holds_are_for_each_entity(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 3600);
    struct offers *o = offers_new();
    offers_add(o, condition_parse("shard.state == down", NULL), 30 * US_PER_S);
    struct observation two[] = {{.kind = ENTITY_SHARD, .name = "a"}, {.kind = ENTITY_SHARD, .name = "b"}};
    size_t count;
    for (int i = 0; i < 20; i++) {
        two[0].raw = i % 2 ? "Dead" : "Active";
        two[1].raw = i % 2 ? "Active" : "Dead";
        rig_rows(&r, "store", two, 2);
        update(&r, o);
        offers_list(o, &count);
        assert_int_equal(count, 0);
        rig_pass(&r, 20);
    }
    two[0].raw = two[1].raw = "Dead";
    rig_rows(&r, "store", two, 2);
    update(&r, o);
    rig_pass(&r, 30);
    update(&r, o);
    const struct offer *list = offers_list(o, &count);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].entity_count, 2);
    offers_free(o);
    rig_close(&r);
}

static void test_age_ripens_without_any_change(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 3600);
    struct offers *o = offers_new();
    offers_add(o, condition_parse("shard.age > 10m", NULL), 0);
    rig_shard(&r, "Dead");
    update(&r, o);
    rig_pass(&r, 601);
    assert_true(update(&r, o));
    offers_free(o);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readings),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_stale_measures_hold_never),
        cmocka_unit_test(test_offers_wait_for_their_for),
        cmocka_unit_test(test_holds_are_for_each_entity),
        cmocka_unit_test(test_age_ripens_without_any_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
