/* What the model makes of answers, of their absence, and of time. */
#include "tests/unit/platform/rig.h"

static void test_first_answer_and_change(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 5);
    rig_shard(&r, "Active");
    RIG_SAID(&r, "source store new->ok", "appeared shard:store:docs/5 none->ok ''->'Active' x1 first");
    const struct entity *e = rig_find(&r, ENTITY_SHARD, "docs/5");
    int64_t first = e->since_us;
    rig_pass(&r, 5);
    rig_shard(&r, "Active");
    RIG_QUIET(&r);
    assert_int_equal(e->since_us, first);
    rig_pass(&r, 5);
    rig_shard(&r, "Dead");
    RIG_SAID(&r, "changed shard:store:docs/5 ok->down 'Active'->'Dead' x1");
    assert_int_equal(e->since_us, WALL_ZERO + r.now_us);
    assert_int_equal(e->first_seen_us, first);
    rig_close(&r);
}

static void test_sources_own_since(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "am", 5);
    struct observation o = {
        .kind = ENTITY_ALERT, .name = "A", .raw = "active", .since_us = WALL_ZERO - 77 * US_PER_S};
    rig_rows(&r, "am", &o, 1);
    const struct entity *e = rig_find(&r, ENTITY_ALERT, "A");
    assert_int_equal(e->since_us, WALL_ZERO - 77 * US_PER_S);
    assert_true(e->flags & ENTITY_SINCE_OWN);
    rig_close(&r);
}

static void test_vanished_rows(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    struct observation rows[] = {
        {.kind = ENTITY_SHARD, .name = "plain", .raw = "Active"},
        {.kind = ENTITY_SHARD, .name = "wanted", .raw = "Active", .expected = true},
        {.kind = ENTITY_ALERT, .name = "alert", .raw = "firing"},
    };
    rig_rows(&r, "s", rows, 3);
    rig_forget(&r);
    rig_rows(&r, "s", NULL, 0);
    RIG_SAID(&r, "gone shard:s:plain ok->unknown 'Active'->'gone' x1",
             "gone shard:s:wanted ok->down 'Active'->'gone' x1",
             "gone alert:s:alert down->ok 'firing'->'resolved' x1");
    assert_true(rig_find(&r, ENTITY_SHARD, "plain")->flags & ENTITY_GONE);
    assert_int_equal(platform_source_find(r.platform, "s")->entity_count, 0);
    rig_rows(&r, "s", NULL, 0);
    RIG_QUIET(&r);
    rig_rows(&r, "s", rows, 1);
    RIG_SAID(&r, "returned shard:s:plain unknown->ok 'gone'->'Active' x1");
    assert_string_equal(rig_find(&r, ENTITY_SHARD, "plain")->reason, "");
    assert_string_equal(rig_find(&r, ENTITY_SHARD, "wanted")->reason, "gone, and it is expected");
    rig_close(&r);
}

static void test_partial_answers_make_nothing_gone(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    struct observation rows[] = {{.kind = ENTITY_SHARD, .name = "a", .raw = "Active"},
                                 {.kind = ENTITY_SHARD, .name = "b", .raw = "Active"}};
    rig_rows(&r, "s", rows, 2);
    rig_forget(&r);
    struct batch part = {.source = "s", .partial = true, .observations = rows, .observation_count = 1};
    for (int i = 0; i < 2; i++) {
        rig_pass(&r, 5);
        rig_batch(&r, &part);
    }
    RIG_QUIET(&r);
    rig_pass(&r, 5); /* b was not spoken of for three intervals: the source is there, b may not be */
    RIG_SAID(&r, "silent shard:s:b ok->unknown 'Active'->'Active' x1");
    rig_batch(&r, &part);
    RIG_QUIET(&r);
    rig_close(&r);
}

static void test_silence(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 5);
    rig_shard(&r, "Active");
    int64_t since = rig_find(&r, ENTITY_SHARD, "docs/5")->since_us;
    rig_forget(&r);
    rig_pass(&r, 5);
    rig_error(&r, "store", "connection refused");
    RIG_SAID(&r, "source store ok->failing");
    const struct entity *e = rig_find(&r, ENTITY_SHARD, "docs/5");
    assert_int_equal(e->condition, CONDITION_OK);
    rig_pass(&r, 9.999);
    RIG_QUIET(&r);
    rig_pass(&r, 0.001);
    RIG_SAID(&r, "source store failing->silent",
             "silent shard:store:docs/5 ok->unknown 'Active'->'Active' x1");
    assert_int_equal(e->condition, CONDITION_UNKNOWN);
    struct str reason = {0};
    entity_reason(r.platform, e, WALL_ZERO + r.now_us, false, &reason);
    assert_string_equal(str_text(&reason), "source silent 15s: connection refused");
    str_fini(&reason);
    rig_pass(&r, 60);
    rig_error(&r, "store", "no route to host");
    RIG_QUIET(&r);
    assert_string_equal(platform_source_find(r.platform, "store")->error, "no route to host");
    rig_shard(&r, "Active");
    RIG_SAID(&r, "source store silent->ok", "heard shard:store:docs/5 ok->ok 'Active'->'Active' x1");
    assert_int_equal(e->since_us, since); /* a hiccup of the source does not make it younger */
    rig_close(&r);
}

static void test_silence_hides_a_change(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 5);
    rig_shard(&r, "Active");
    rig_pass(&r, 15);
    rig_forget(&r);
    rig_shard(&r, "Dead");
    RIG_SAID(&r, "source store silent->ok", "changed shard:store:docs/5 ok->down 'Active'->'Dead' x1");
    rig_close(&r);
}

static void test_resolved_alerts_do_not_outlive_their_source(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "am", 5);
    struct observation o = {.kind = ENTITY_ALERT, .name = "A", .raw = "active"};
    rig_rows(&r, "am", &o, 1);
    rig_rows(&r, "am", NULL, 0);
    assert_int_equal(rig_find(&r, ENTITY_ALERT, "A")->condition, CONDITION_OK);
    rig_pass(&r, 15);
    assert_null(rig_find(&r, ENTITY_ALERT, "A"));
    rig_close(&r);
}

static void test_gone_is_forgotten_after_an_hour(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5000);
    struct observation rows[] = {
        {.kind = ENTITY_COMPONENT, .name = "pod-1", .raw = "Running"},
        {.kind = ENTITY_COMPONENT, .name = "db", .raw = "Running", .expected = true}};
    rig_rows(&r, "s", rows, 2);
    uint32_t id = rig_find(&r, ENTITY_COMPONENT, "pod-1")->id;
    rig_rows(&r, "s", NULL, 0);
    rig_pass(&r, 3599);
    assert_non_null(platform_entity(r.platform, id));
    rig_pass(&r, 1);
    assert_null(platform_entity(r.platform, id));
    assert_non_null(rig_find(&r, ENTITY_COMPONENT, "db"));
    rig_rows(&r, "s", rows, 1);
    assert_true(rig_find(&r, ENTITY_COMPONENT, "pod-1")->id > id);
    rig_close(&r);
}

static void test_expected_but_never_seen(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    platform_expect(r.platform, "s", ENTITY_SHARD, "docs/0", "docs", WALL_ZERO);
    const struct entity *e = rig_find(&r, ENTITY_SHARD, "docs/0");
    assert_int_equal(e->condition, CONDITION_UNKNOWN);
    assert_string_equal(e->reason, "not seen yet");
    rig_rows(&r, "s", NULL, 0);
    assert_int_equal(e->condition, CONDITION_DOWN);
    assert_string_equal(e->reason, "never seen, and it is expected");
    rig_close(&r);
}

static void test_idle_breakers(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "api", 1000);
    struct measurement busy = {"calls", 10}, none = {"calls", 0};
    struct observation rows[] = {
        {.kind = ENTITY_BREAKER, .name = "busy", .raw = "CLOSED", .measures = &busy, .measure_count = 1},
        {.kind = ENTITY_BREAKER, .name = "none", .raw = "CLOSED", .measures = &none, .measure_count = 1},
        {.kind = ENTITY_BREAKER, .name = "uncounted", .raw = "CLOSED"},
    };
    rig_rows(&r, "api", rows, 3);
    const struct entity *b = rig_find(&r, ENTITY_BREAKER, "busy");
    assert_false(b->flags & ENTITY_IDLE);
    assert_true(rig_find(&r, ENTITY_BREAKER, "none")->flags & ENTITY_IDLE);
    assert_false(rig_find(&r, ENTITY_BREAKER, "uncounted")->flags & ENTITY_IDLE);
    rig_pass(&r, 59.9);
    assert_false(b->flags & ENTITY_IDLE);
    rig_pass(&r, 0.1);
    assert_true(b->flags & ENTITY_IDLE);
    assert_int_equal(b->condition, CONDITION_OK);
    assert_int_equal(platform_counts(r.platform, ENTITY_BREAKER).idle, 2);
    busy.value = 11;
    rig_rows(&r, "api", rows, 3);
    assert_false(b->flags & ENTITY_IDLE);
    rows[0].raw = "OPEN"; /* nobody calls an open breaker: that is not idleness */
    rig_rows(&r, "api", rows, 3);
    rig_pass(&r, 100);
    assert_false(b->flags & ENTITY_IDLE);
    rig_close(&r);
}

static void test_flapping_is_one_event(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 1000);
    rig_shard(&r, "Active");
    rig_forget(&r);
    for (int i = 0; i < 11; i++) {
        rig_pass(&r, 10);
        rig_shard(&r, i % 2 ? "Active" : "Dead");
    }
    RIG_SAID(&r, "changed shard:store:docs/5 ok->down 'Active'->'Dead' x1",
             "changed shard:store:docs/5 down->ok 'Dead'->'Active' x1",
             "changed shard:store:docs/5 ok->down 'Active'->'Dead' x1",
             "changed shard:store:docs/5 down->ok 'Dead'->'Active' x1",
             "flapping shard:store:docs/5 ok->down 'Active'->'Dead' x5");
    const struct entity *e = rig_find(&r, ENTITY_SHARD, "docs/5");
    assert_true(e->flags & ENTITY_FLAPPING);
    assert_int_equal(e->change_count, 11);
    rig_pass(&r, 289.9); /* the last but one change is 10 s older */
    RIG_QUIET(&r);
    rig_pass(&r, 0.1);
    RIG_SAID(&r, "settled shard:store:docs/5 down->down 'Dead'->'Dead' x11");
    assert_false(e->flags & ENTITY_FLAPPING);
    rig_close(&r);
}

static void test_signals_do_not_flap_by_value(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    for (int i = 0; i < 20; i++) {
        char raw[16];
        snprintf(raw, sizeof raw, "%d ms", i);
        struct measurement value = {"value", i};
        struct observation o = {
            .kind = ENTITY_SIGNAL, .name = "p95", .raw = raw, .measures = &value, .measure_count = 1};
        rig_rows(&r, "s", &o, 1);
    }
    RIG_SAID(&r, "source s new->ok", "appeared signal:s:p95 none->ok ''->'0 ms' x1 first");
    assert_string_equal(rig_find(&r, ENTITY_SIGNAL, "p95")->raw, "19 ms");
    rig_close(&r);
}

static void test_two_rows_of_one_name(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    struct observation rows[] = {{.kind = ENTITY_SHARD, .name = "a", .raw = "Active"},
                                 {.kind = ENTITY_SHARD, .name = "a", .raw = "Dead"},
                                 {.kind = ENTITY_SHARD, .name = "a", .raw = "Active"}};
    for (int i = 0; i < 5; i++)
        rig_rows(&r, "s", rows, 3);
    RIG_SAID(&r, "source s new->ok", "appeared shard:s:a none->down ''->'Dead' x1 first");
    rig_close(&r);
}

static void test_refused_rows(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    char longest[PLATFORM_NAME_LIMIT + 2];
    memset(longest, 'x', sizeof longest);
    longest[PLATFORM_NAME_LIMIT + 1] = '\0';
    struct observation rows[] = {{.kind = ENTITY_SHARD, .name = "", .raw = "Active"},
                                 {.kind = ENTITY_SHARD, .name = NULL},
                                 {.kind = (enum entity_kind)99, .name = "x"},
                                 {.kind = ENTITY_SHARD, .name = longest},
                                 {.kind = ENTITY_SHARD, .name = "a", .group = longest},
                                 {.kind = ENTITY_SHARD, .name = longest + 1, .raw = "Active"}};
    rig_rows(&r, "s", rows, 6);
    assert_int_equal(platform_source_find(r.platform, "s")->refused_count, 5);
    assert_int_equal(platform_counts(r.platform, ENTITY_ANY).total, 1);
    assert_int_equal(platform_condition(r.platform), CONDITION_UNKNOWN); /* one of them may be down */
    assert_non_null(strstr(platform_source_find(r.platform, "s")->error, "5 rows are left out"));
    struct batch stranger = {.source = "nobody"};
    assert_false(platform_apply(r.platform, &stranger, r.now_us, WALL_ZERO));
    rig_close(&r);
}

static void test_texts_are_cut_between_characters(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    char raw[PLATFORM_TEXT_LIMIT + 3], snippet[3000];
    memset(raw, 'x', sizeof raw);
    memcpy(raw + PLATFORM_TEXT_LIMIT - 1, "\xe2\x97\x8f", 4);
    memset(snippet, 'y', sizeof snippet);
    struct observation o = {
        .kind = ENTITY_SHARD, .name = "a", .raw = raw, .snippet = snippet, .snippet_length = 3000};
    rig_rows(&r, "s", &o, 1);
    rig_rows(&r, "s", &o, 1);
    const struct entity *e = rig_find(&r, ENTITY_SHARD, "a");
    assert_int_equal(strlen(e->raw), PLATFORM_TEXT_LIMIT - 1);
    assert_int_equal(e->snippet_length, PLATFORM_SNIPPET_LIMIT);
    assert_int_equal(e->change_count, 0);
    rig_close(&r);
}

static void test_too_many_entities(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "s", 5);
    struct observation *rows = xcalloc(PLATFORM_ENTITY_LIMIT + 10, sizeof *rows);
    for (size_t i = 0; i < PLATFORM_ENTITY_LIMIT + 10; i++)
        rows[i] = (struct observation){.kind = ENTITY_SHARD, .name = xasprintf("n%zu", i), .raw = "Active"};
    struct platform *quiet = platform_new(NULL);
    platform_source_add(quiet, "s", "http", 5 * US_PER_S, 0, 0);
    struct batch b = {.source = "s", .observations = rows, .observation_count = PLATFORM_ENTITY_LIMIT + 10};
    platform_apply(quiet, &b, 1, 1);
    assert_int_equal(platform_counts(quiet, ENTITY_ANY).total, PLATFORM_ENTITY_LIMIT);
    assert_int_equal(platform_source_find(quiet, "s")->refused_count, 10);
    b.observations =
        rows + PLATFORM_ENTITY_LIMIT; /* the ten alone: the others are gone, and make way next time */
    b.observation_count = 10;
    platform_apply(quiet, &b, 2, 2);
    platform_apply(quiet, &b, 3, 3);
    assert_int_equal(platform_source_find(quiet, "s")->refused_count, 0);
    assert_int_equal(platform_counts(quiet, ENTITY_ANY).total, 10);
    for (size_t i = 0; i < PLATFORM_ENTITY_LIMIT + 10; i++)
        free((void *)(uintptr_t)rows[i].name);
    free(rows);
    platform_free(quiet);
    rig_close(&r);
}

static void test_overall_condition(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    int64_t last_good;
    assert_int_equal(platform_condition(r.platform), CONDITION_UNKNOWN);
    assert_false(platform_all_silent(r.platform, &last_good));
    rig_add(&r, "store", 5);
    rig_add(&r, "other", 5);
    assert_int_equal(platform_condition(r.platform), CONDITION_UNKNOWN);
    rig_shard(&r, "Active");
    assert_int_equal(platform_condition(r.platform), CONDITION_UNKNOWN); /* other has not answered */
    rig_rows(&r, "other", NULL, 0);
    assert_int_equal(platform_condition(r.platform), CONDITION_OK);
    rig_shard(&r, "Partial");
    assert_int_equal(platform_condition(r.platform), CONDITION_DEGRADED);
    rig_shard(&r, "nonsense");
    assert_int_equal(platform_condition(r.platform), CONDITION_UNKNOWN);
    rig_shard(&r, "Dead");
    assert_int_equal(platform_condition(r.platform), CONDITION_DOWN);
    int64_t heard = WALL_ZERO + r.now_us;
    rig_pass(&r, 15);
    assert_int_equal(platform_condition(r.platform), CONDITION_UNKNOWN);
    assert_true(platform_all_silent(r.platform, &last_good));
    assert_int_equal(last_good, heard);
    rig_rows(&r, "other", NULL, 0);
    assert_false(platform_all_silent(r.platform, &last_good));
    rig_close(&r);
}

static void rig_unclear(struct rig *r, const char *unclear, const char *raw)
{
    struct observation o = {.kind = ENTITY_SHARD, .name = "docs/5", .group = "docs", .raw = raw};
    rig_batch(
        r, &(struct batch){
               .source = "store", .unclear = unclear, .observations = &o, .observation_count = raw ? 1 : 0});
}

static void test_unclear_answers_are_never_ok(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    rig_add(&r, "store", 5);
    rig_unclear(&r, "no rows", NULL);
    RIG_SAID(&r, "source store new->unclear");
    assert_int_equal(platform_condition(r.platform), CONDITION_UNKNOWN);
    assert_string_equal(platform_source(r.platform, 0)->error, "no rows");
    rig_unclear(&r, NULL, "Active");
    RIG_SAID(&r, "appeared shard:store:docs/5 none->ok ''->'Active' x1", "source store unclear->ok");
    assert_int_equal(platform_condition(r.platform), CONDITION_OK);
    /* what it does tell counts, and what it has no longer is gone */
    rig_unclear(&r, "some have no name", "Dead");
    RIG_SAID(&r, "source store ok->unclear", "changed shard:store:docs/5 ok->down 'Active'->'Dead' x1");
    rig_unclear(&r, "no rows", NULL);
    RIG_SAID(&r, "gone shard:store:docs/5 down->unknown 'Dead'->'gone' x1");
    /* a failure is no better, silence is said, and only a clear answer ends it */
    rig_error(&r, "store", "refused");
    RIG_QUIET(&r);
    assert_int_equal(platform_condition(r.platform), CONDITION_UNKNOWN);
    assert_string_equal(platform_source(r.platform, 0)->error, "refused");
    rig_pass(&r, 15);
    assert_int_equal(platform_source(r.platform, 0)->state, SOURCE_SILENT);
    rig_unclear(&r, "no rows", NULL);
    assert_int_equal(platform_source(r.platform, 0)->state, SOURCE_UNCLEAR);
    rig_unclear(&r, NULL, "Active");
    assert_int_equal(platform_source(r.platform, 0)->state, SOURCE_OK);
    assert_string_equal(platform_source(r.platform, 0)->error, "");
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_answer_and_change),
        cmocka_unit_test(test_sources_own_since),
        cmocka_unit_test(test_vanished_rows),
        cmocka_unit_test(test_partial_answers_make_nothing_gone),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_silence_hides_a_change),
        cmocka_unit_test(test_resolved_alerts_do_not_outlive_their_source),
        cmocka_unit_test(test_gone_is_forgotten_after_an_hour),
        cmocka_unit_test(test_expected_but_never_seen),
        cmocka_unit_test(test_idle_breakers),
        cmocka_unit_test(test_flapping_is_one_event),
        cmocka_unit_test(test_signals_do_not_flap_by_value),
        cmocka_unit_test(test_two_rows_of_one_name),
        cmocka_unit_test(test_refused_rows),
        cmocka_unit_test(test_texts_are_cut_between_characters),
        cmocka_unit_test(test_too_many_entities),
        cmocka_unit_test(test_overall_condition),
        cmocka_unit_test(test_unclear_answers_are_never_ok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
