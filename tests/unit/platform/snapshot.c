/* Snapshots, and what else is due on a schedule: the limits to the second, and why. */
#include "tests/unit/platform/rig.h"

#include <math.h>

#define HOUR 3600.0
#define DAY  86400.0

struct row {
    double age, schedule, oldest, kept, retention, most;
    const char *raw;
    enum condition want;
    const char *why; /* NULL: none */
    const char *word;
};

static const struct row rows[] = {
    /* the age alone: a drill, say */
    {.age = 0, .schedule = 30 * DAY, .want = CONDITION_OK},
    {.age = 30 * DAY, .schedule = 30 * DAY, .want = CONDITION_OK},
    {.age = 30 * DAY + 1,
     .schedule = 30 * DAY,
     .want = CONDITION_DEGRADED,
     .why = "30d old, due every 30d",
     .word = "late"},
    {.age = 60 * DAY,
     .schedule = 30 * DAY,
     .want = CONDITION_DEGRADED,
     .why = "60d old, due every 30d",
     .word = "late"},
    {.age = 60 * DAY + 1,
     .schedule = 30 * DAY,
     .want = CONDITION_DOWN,
     .why = "60d old, due every 30d",
     .word = "late"},
    {.age = NAN, .schedule = 30 * DAY, .raw = "never", .want = CONDITION_DOWN},
    {.age = NAN, .schedule = 30 * DAY, .want = CONDITION_UNKNOWN},
    {.age = -1, .schedule = DAY, .want = CONDITION_UNKNOWN},
    {.age = 1, .schedule = 0, .want = CONDITION_UNKNOWN},
    /* kept for a week, one a day: the oldest is six to seven days old */
    {6 * HOUR, DAY, 6 * DAY + 6 * HOUR, 7, 7 * DAY, 14 * DAY, NULL, CONDITION_OK, NULL, NULL},
    {0, DAY, 6 * DAY, 7, 7 * DAY, 14 * DAY, NULL, CONDITION_OK, NULL, NULL},
    {0, DAY, 6 * DAY - 1, 7, 7 * DAY, 14 * DAY, NULL, CONDITION_DEGRADED,
     "the oldest is of 5d, kept should be 7d", "kept short"},
    {DAY, DAY, 15 * DAY, 15, 7 * DAY, 14 * DAY, NULL, CONDITION_OK, NULL, NULL},
    {DAY, DAY, 15 * DAY + 1, 15, 7 * DAY, 14 * DAY, NULL, CONDITION_DEGRADED,
     "the oldest is of 15d, kept should be 14d at most", "kept long"},
    {DAY, DAY, 90 * DAY, 90, 7 * DAY, 0, NULL, CONDITION_OK, NULL, NULL},                /* no most */
    {6 * HOUR, DAY, 2 * DAY + 6 * HOUR, 1, 0, 14 * DAY, NULL, CONDITION_OK, NULL, NULL}, /* not looked at */
    /* one is gone from the middle; they don't come on the dot */
    {6 * HOUR, DAY, 7 * DAY + 6 * HOUR, 8, 7 * DAY, 14 * DAY, NULL, CONDITION_OK, NULL, NULL},
    {6 * HOUR, DAY, 7 * DAY + 6 * HOUR, 7, 7 * DAY, 14 * DAY, NULL, CONDITION_DEGRADED, "1 of 8 are missing",
     "gaps"},
    {6 * HOUR, DAY, 7 * DAY + 17 * HOUR, 8, 7 * DAY, 14 * DAY, NULL, CONDITION_OK, NULL, NULL},
    {6 * HOUR, DAY, 7 * DAY + 6 * HOUR, 3, 7 * DAY, 14 * DAY, NULL, CONDITION_DEGRADED, "5 of 8 are missing",
     "gaps"},
    {6 * HOUR, DAY, 7 * DAY + 6 * HOUR, 20, 7 * DAY, 14 * DAY, NULL, CONDITION_OK, NULL,
     NULL}, /* some by hand */
    /* the worst counts, the age is told first */
    {31 * HOUR, DAY, 3 * DAY, 3, 7 * DAY, 14 * DAY, NULL, CONDITION_DEGRADED, "31h old, due every 24h",
     "late"},
    {49 * HOUR, DAY, 8 * DAY, 7, 7 * DAY, 14 * DAY, NULL, CONDITION_DOWN, "2d old, due every 24h", "late"},
    {6 * HOUR, DAY, NAN, NAN, 7 * DAY, 14 * DAY, NULL, CONDITION_OK, NULL, NULL},
};

static void test_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        const struct measurement measures[] = {
            {"age_s", r->age}, {"schedule_s", r->schedule},   {"oldest_s", r->oldest},
            {"kept", r->kept}, {"retention_s", r->retention}, {"retention_most_s", r->most},
        };
        struct rig g;
        rig_open(&g);
        rig_add(&g, "s", 1);
        struct observation o = {
            .kind = ENTITY_SNAPSHOT, .name = "docs", .raw = r->raw, .measures = measures, .measure_count = 6};
        rig_rows(&g, "s", &o, 1);
        const struct entity *e = rig_find(&g, ENTITY_SNAPSHOT, "docs");
        const char *word = r->word ? r->word : r->raw ? r->raw : "";
        if (e->condition != r->want || strcmp(e->reason, r->why ? r->why : "") != 0 ||
            strcmp(e->raw, word) != 0)
            fail_msg("row %zu: %s '%s' '%s', wanted %s '%s' '%s'", i, condition_name(e->condition), e->raw,
                     e->reason, condition_name(r->want), word, r->why ? r->why : "");
        rig_close(&g);
    }
}

/* A source that answers all the time with an older and older drill: each limit is one transition, and so is
 * the next drill. */
static void test_time_alone_makes_it_late(void **state)
{
    (void)state;
    struct rig g;
    struct measurement measures[] = {{"age_s", 0}, {"schedule_s", 30 * DAY}};
    struct observation o = {
        .kind = ENTITY_SNAPSHOT, .name = "drill", .measures = measures, .measure_count = 2};
    rig_open(&g);
    rig_add(&g, "s", 3600);
    for (int hour = 0; hour <= 70 * 24; hour++) {
        measures[0].value = hour * HOUR;
        rig_rows(&g, "s", &o, 1);
        rig_pass(&g, HOUR);
    }
    measures[0].value = 0;
    rig_rows(&g, "s", &o, 1);
    static const char *const said[] = {
        "source s new->ok",
        "appeared snapshot:s:drill none->ok ''->'' x1 first",
        "changed snapshot:s:drill ok->degraded ''->'late' x1",
        "changed snapshot:s:drill degraded->down 'late'->'late' x1",
        "changed snapshot:s:drill down->ok 'late'->'' x1",
    };
    rig_expect_said(&g, said, sizeof said / sizeof *said);
    assert_string_equal(rig_find(&g, ENTITY_SNAPSHOT, "drill")->reason, "");
    rig_close(&g);
}

static bool holds(struct rig *g, const struct offer_condition *c)
{
    return condition_holds(c, rig_find(g, ENTITY_SNAPSHOT, "drill"), WALL_ZERO);
}

/* What shipped runbooks are offered for. */
static void test_offers(void **state)
{
    (void)state;
    struct rig g;
    struct err e = {0};
    struct observation o = {.kind = ENTITY_SNAPSHOT, .name = "drill", .raw = "never"};
    struct offer_condition *any = condition_parse("snapshot.state in (degraded, down)", &e);
    struct offer_condition *old = condition_parse("snapshot.drill.age_s > 45d", &e);
    assert_true(any && old);
    rig_open(&g);
    rig_add(&g, "s", 1);
    rig_rows(&g, "s", &o, 1);
    assert_true(holds(&g, any));
    assert_false(holds(&g, old));
    struct measurement measures[] = {{"age_s", 20 * DAY}, {"schedule_s", 30 * DAY}};
    o = (struct observation){
        .kind = ENTITY_SNAPSHOT, .name = "drill", .measures = measures, .measure_count = 2};
    rig_rows(&g, "s", &o, 1);
    assert_false(holds(&g, any));
    measures[0].value = 46 * DAY;
    rig_rows(&g, "s", &o, 1);
    assert_true(holds(&g, any));
    assert_true(holds(&g, old));
    condition_free(any);
    condition_free(old);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_time_alone_makes_it_late),
        cmocka_unit_test(test_offers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
