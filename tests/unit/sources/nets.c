/* Safety nets: each is a proof that is made on a schedule; wrong, refused or late, it is an alarm. */
#include <stdio.h>

#include "tests/unit/sources/mapped.h"

/* ---- the backup's token ---- */

static void token_is(struct mapped_test *t, int status, const char *wanted)
{
    t->status = status;
    mapped_test_expect(t, "{}", wanted);
}

static void provider_token(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "provider-token", "name=backup", false);
    assert_true(mapping_uses_status(t.mapping));
    token_is(&t, 200, "component backup ok warm {latency_s=0.005}\n");
    token_is(&t, 204, "component backup ok warm {latency_s=0.005}\n");
    token_is(&t, 401,
             "component backup down refused {latency_s=0.005}\n"); /* told apart from a provider that fails */
    token_is(&t, 403, "component backup down refused {latency_s=0.005}\n");
    token_is(&t, 429, "component backup degraded limited {latency_s=0.005}\n");
    token_is(&t, 503, "component backup degraded failing {latency_s=0.005}\n");
    token_is(&t, 404, "component backup unknown 404 {latency_s=0.005} a state that the mapping doesn't know\n");
    mapped_test_fini(&t);
}

/* ---- the golden canary ---- */

static void canary_is(struct mapped_test *t, double passed, int age_s, const char *wanted)
{
    char body[200];
    snprintf(body, sizeof body,
             "golden_canary_pass_ratio %g\ngolden_canary_last_run_timestamp_seconds %lld\n", passed,
             (long long)(t->wall_us / US_PER_S) - age_s);
    mapped_test_apply(t, body);
    char *got = mapped_test_text(t);
    if (!str_starts(got, wanted))
        fail_msg("%g, %d s ago: %s, wanted %s", passed, age_s, got, wanted);
    free(got);
}

static void golden_canary(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "golden-canary", NULL, true);
    canary_is(&t, 1, 0, "signal golden-canary ok ");
    canary_is(&t, .95, 299, "signal golden-canary ok ");
    canary_is(&t, .94, 299, "signal golden-canary degraded ");
    canary_is(&t, .8, 0, "signal golden-canary degraded ");
    canary_is(&t, .79, 0, "signal golden-canary down wrong ");
    /* right once, and silent since: two and three rounds are missing */
    canary_is(&t, 1, 600, "signal golden-canary ok ");
    canary_is(&t, 1, 601, "signal golden-canary degraded late ");
    canary_is(&t, 1, 900, "signal golden-canary degraded late ");
    canary_is(&t, 1, 901, "signal golden-canary down late ");
    canary_is(&t, .5, 700, "signal golden-canary down wrong ");
    mapped_test_apply(&t, "golden_canary_last_run_timestamp_seconds 1\n"); /* when, and not what */
    char *got = mapped_test_text(&t);
    assert_true(str_starts(got, "signal golden-canary down late "));
    free(got);
    mapped_test_apply(&t, "golden_canary_pass_ratio 1\n"); /* nobody knows when */
    assert_int_equal(t.last.observations.len, 0);
    assert_non_null(strstr(t.last.unclear, "no sample of golden_canary_last_run_timestamp_seconds"));
    mapped_test_fini(&t);
}

/* ---- snapshots ---- */

static void snapshots_are(struct mapped_test *t, const char *days, const char *wanted)
{
    struct str body = {0};
    str_add(&body, "{\"result\":[");
    for (const char *day = days; *day; day++)
        if (*day != '.')
            str_addf(&body, "%s{\"name\":\"s\",\"creation_time\":\"2026-11-%02dT22:00:00\",\"size\":5}",
                     body.data[body.len - 1] == '[' ? "" : ",", 21 - (int)(day - days));
    str_add(&body, "]}");
    mapped_test_expect(t, str_text(&body), wanted);
    str_fini(&body);
}

/* One letter a day, from last night back; a dot is one that is not there. It is 04:00. */
static void retention(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "qdrant-snapshots", "collection=docs", false);
    snapshots_are(
        &t, "xxxxxxx",
        "snapshot docs <ok> {age_s=21600 schedule_s=86400 kept=7 oldest_s=540000 retention_s=604800 "
        "retention_most_s=1.2096e+06 bytes=5} (file=s) ! @2026-11-21T22:00:00\n");
    snapshots_are(
        &t, "xxx",
        "snapshot docs <degraded> {age_s=21600 schedule_s=86400 kept=3 oldest_s=194400 retention_s=604800 "
        "retention_most_s=1.2096e+06 bytes=5} (file=s) ! @2026-11-21T22:00:00\n");
    snapshots_are(
        &t, "xxx.xxx",
        "snapshot docs <degraded> {age_s=21600 schedule_s=86400 kept=6 oldest_s=540000 retention_s=604800 "
        "retention_most_s=1.2096e+06 bytes=5} (file=s) ! @2026-11-21T22:00:00\n");
    snapshots_are(&t, "", "snapshot docs down missing {} ! expected, but the source does not have it\n");
    mapped_test_fini(&t);
}

/* @kept and @oldest are of the rows that belong together; without an order there is no oldest, without
 * `newest` neither. */
static void newest_and_oldest(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_yaml(&t,
                     "kind: snapshot\nrows: /s/*\nname: \"{of}\"\nnewest: {of: \"{of}\", by: /n}\n"
                     "measures: {n: /n, kept: \"@kept\", oldest: \"@oldest\"}\n",
                     FORM_JSON);
    mapped_test_expect(&t,
                       "{\"s\":[{\"of\":\"a\",\"n\":3},{\"of\":\"b\",\"n\":1},{\"of\":\"a\",\"n\":2},{\"of\":"
                       "\"a\"},{\"of\":\"c\"}]}",
                       "snapshot a <unknown> {n=3 kept=3 oldest=2}\n"
                       "snapshot b <unknown> {n=1 kept=1 oldest=1}\n"
                       "snapshot c <unknown> {kept=1}\n");
    mapped_test_fini(&t);
    mapped_test_yaml(
        &t, "kind: snapshot\nrows: /s/*\nname: x\nmeasures: {kept: \"@kept\", oldest: \"@oldest\"}\n",
        FORM_JSON);
    mapped_test_expect(&t, "{\"s\":[{\"n\":3}]}", "snapshot x <unknown> {}\n");
    mapped_test_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(provider_token),
        cmocka_unit_test(golden_canary),
        cmocka_unit_test(retention),
        cmocka_unit_test(newest_and_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
