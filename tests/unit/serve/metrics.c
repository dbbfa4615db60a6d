/* The text of /metrics: what stands there to the letter, whatever the labels hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/serve/serve.h"

/* The lines of out that begin with a prefix, HELP and TYPE too. */
static void lines(const struct str *out, const char *prefix, struct str *found)
{
    str_clear(found);
    for (const char *line = str_text(out); *line;) {
        size_t length = strcspn(line, "\n") + 1;
        const char *name = str_starts(line, "# ") ? line + 7 : line;
        if (str_starts(name, prefix))
            str_add_bytes(found, line, length);
        line += length;
    }
}

static void is(const struct str *out, const char *prefix, const char *wanted)
{
    struct str found = {0};
    lines(out, prefix, &found);
    assert_string_equal(str_text(&found), wanted);
    str_fini(&found);
}

static void test_labels(void **state)
{
    (void)state;
    struct str out = {0};
    const struct metrics_source sources[] = {
        {.name = "a\"b\\c\nd", .kind = "http", .up = true, .latency_s = 0.25, .last_good_s = 1795317261.5},
        {.name = "\xff\xe2\x80\xae", .kind = "redis", .latency_s = NAN},
    };
    struct metrics m = {.version = "1.2", .platform = "p", .sources = sources, .source_count = 2};
    metrics_write(&m, &out);
    is(&out, "belay_source_up",
       "# HELP belay_source_up 1 when the last poll of a source was good.\n"
       "# TYPE belay_source_up gauge\n"
       "belay_source_up{source=\"a\\\"b\\\\c\\nd\",kind=\"http\"} 1\n"
       "belay_source_up{source=\"<0xFF><U+202E>\",kind=\"redis\"} 0\n");
    is(&out, "belay_source_latency",
       "# HELP belay_source_latency_seconds How long the last answer of a source took.\n"
       "# TYPE belay_source_latency_seconds gauge\n"
       "belay_source_latency_seconds{source=\"a\\\"b\\\\c\\nd\"} 0.25\n");
    is(&out, "belay_source_last",
       "# HELP belay_source_last_success_timestamp_seconds Unix time of the last good answer of a source, 0 "
       "when there was none.\n"
       "# TYPE belay_source_last_success_timestamp_seconds gauge\n"
       "belay_source_last_success_timestamp_seconds{source=\"a\\\"b\\\\c\\nd\"} 1795317261.5\n"
       "belay_source_last_success_timestamp_seconds{source=\"<0xFF><U+202E>\"} 0\n");
    is(&out, "belay_build_info",
       "# HELP belay_build_info Always 1; which belay this is, and of which platform.\n"
       "# TYPE belay_build_info gauge\nbelay_build_info{version=\"1.2\",platform=\"p\"} 1\n");
    str_fini(&out);
}

static void test_entities(void **state)
{
    (void)state;
    struct str out = {0}, found = {0};
    struct metrics m = {.version = "1", .platform = "p", .lag_s = 0.5, .watching = true, .journal_seq = 7};
    const struct metrics_chain chain = {"answers", CONDITION_DEGRADED};
    m.entities[ENTITY_BREAKER].by[CONDITION_DOWN] = 3;
    m.chains = &chain;
    m.chain_count = 1;
    metrics_write(&m, &out);
    lines(&out, "belay_entities{kind=\"breaker\"", &found);
    assert_string_equal(str_text(&found), "belay_entities{kind=\"breaker\",state=\"ok\"} 0\n"
                                          "belay_entities{kind=\"breaker\",state=\"degraded\"} 0\n"
                                          "belay_entities{kind=\"breaker\",state=\"unknown\"} 0\n"
                                          "belay_entities{kind=\"breaker\",state=\"down\"} 3\n");
    lines(&out, "belay_chain_state{", &found);
    assert_string_equal(str_text(&found), "belay_chain_state{chain=\"answers\",state=\"ok\"} 0\n"
                                          "belay_chain_state{chain=\"answers\",state=\"degraded\"} 1\n"
                                          "belay_chain_state{chain=\"answers\",state=\"unknown\"} 0\n"
                                          "belay_chain_state{chain=\"answers\",state=\"down\"} 0\n");
    lines(&out, "belay_loop_lag_seconds ", &found);
    assert_non_null(strstr(str_text(&found), "belay_loop_lag_seconds 0.5\n"));
    assert_non_null(strstr(str_text(&out), "\nbelay_watching 1\n"));
    assert_non_null(strstr(str_text(&out), "\nbelay_journal_last_seq 7\n"));
    str_fini(&out);
    str_fini(&found);
}

/* A thousand times more sources than anybody has are no longer text than the bound. */
static void test_bound(void **state)
{
    (void)state;
    struct str out = {0}, found = {0};
    size_t count = METRICS_SOURCES_MAX + 500, listed = 0;
    struct metrics_source *sources = xcalloc(count, sizeof *sources);
    for (size_t i = 0; i < count; i++)
        sources[i] = (struct metrics_source){.name = "x", .kind = "http", .latency_s = 1};
    struct metrics m = {.version = "1", .platform = "p", .sources = sources, .source_count = count};
    metrics_write(&m, &out);
    lines(&out, "belay_source_up{", &found);
    for (const char *c = str_text(&found); *c; c++)
        listed += *c == '\n';
    assert_int_equal(listed, METRICS_SOURCES_MAX);
    str_fini(&out);
    str_fini(&found);
    free(sources);
}

static void test_targets(void **state)
{
    (void)state;
    struct str out = {0}, found = {0};
    struct metrics_target targets[] = {
        {.name = "pay-api", .has_breaker = true, .state = BREAKER_HALF_OPEN, .trips = 3, .refused = 9},
        {.name = "chain/answers/gpt-4", .chain = "answers", .tier = 1},
    };
    struct measures_sums *s = &targets[0].sums;
    *s = (struct measures_sums){
        .ok = 5, .failed = 2, .rejected = 4, .cancelled = 1, .attempts = 13, .retried = 3};
    s->by_class[FAILURE_TIMEOUT] = 6;
    measures_took(s, 5);
    measures_took(s, 6);
    measures_took(s, 70000);
    targets[1].sums.hits = 8;
    targets[1].sums.cost = 0.5;
    struct metrics m = {.version = "1", .platform = "p", .targets = targets, .target_count = 2};
    metrics_write(&m, &out);
    lines(&out, "belay_operations_total{target=\"pay-api\"", &found);
    assert_string_equal(str_text(&found),
                        "belay_operations_total{target=\"pay-api\",outcome=\"ok\"} 5\n"
                        "belay_operations_total{target=\"pay-api\",outcome=\"failed\"} 2\n"
                        "belay_operations_total{target=\"pay-api\",outcome=\"rejected\"} 4\n"
                        "belay_operations_total{target=\"pay-api\",outcome=\"cancelled\"} 1\n");
    lines(&out, "belay_attempts_total{target=\"pay-api\"", &found);
    assert_string_equal(str_text(&found), "belay_attempts_total{target=\"pay-api\"} 13\n");
    lines(&out, "belay_retried_operations_total{target=\"pay-api\"", &found);
    assert_string_equal(str_text(&found), "belay_retried_operations_total{target=\"pay-api\"} 3\n");
    lines(&out, "belay_failures_total{", &found);
    assert_string_equal(str_text(&found), "belay_failures_total{target=\"pay-api\",class=\"timeout\"} 6\n");
    lines(&out, "belay_breaker_state{", &found);
    assert_string_equal(str_text(&found),
                        "belay_breaker_state{target=\"pay-api\",state=\"closed\"} 0\n"
                        "belay_breaker_state{target=\"pay-api\",state=\"open\"} 0\n"
                        "belay_breaker_state{target=\"pay-api\",state=\"half_open\"} 1\n"
                        "belay_breaker_state{target=\"pay-api\",state=\"forced_open\"} 0\n"
                        "belay_breaker_state{target=\"pay-api\",state=\"disabled\"} 0\n"
                        "belay_breaker_state{target=\"pay-api\",state=\"metrics_only\"} 0\n");
    lines(&out, "belay_breaker_not_permitted_total{", &found);
    assert_string_equal(str_text(&found), "belay_breaker_not_permitted_total{target=\"pay-api\"} 9\n");
    lines(&out, "belay_fallback_hits_total{", &found);
    assert_string_equal(str_text(&found),
                        "belay_fallback_hits_total{chain=\"answers\",tier=\"gpt-4\",position=\"1\"} 8\n");
    lines(&out, "belay_cost_total{", &found);
    assert_string_equal(str_text(&found), "belay_cost_total{target=\"chain/answers/gpt-4\"} 0.5\n");
    /* Buckets are cumulative, and the last one is all of them. */
    lines(&out, "belay_operation_duration_seconds_bucket{target=\"pay-api\"", &found);
    assert_non_null(strstr(str_text(&found), "le=\"0.005\"} 1\n"));
    assert_non_null(strstr(str_text(&found), "le=\"0.01\"} 2\n"));
    assert_non_null(strstr(str_text(&found), "le=\"60\"} 2\n"));
    assert_non_null(strstr(str_text(&found), "le=\"+Inf\"} 3\n"));
    lines(&out, "belay_operation_duration_seconds_sum{target=\"pay-api\"", &found);
    assert_string_equal(str_text(&found),
                        "belay_operation_duration_seconds_sum{target=\"pay-api\"} 70.011\n");
    lines(&out, "belay_operation_duration_seconds_count{target=\"pay-api\"", &found);
    assert_string_equal(str_text(&found), "belay_operation_duration_seconds_count{target=\"pay-api\"} 3\n");
    str_fini(&out);
    str_fini(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_labels), cmocka_unit_test(test_entities),
                                       cmocka_unit_test(test_targets), cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
