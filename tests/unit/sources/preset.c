/* Every preset against answers of the real system (recorded), or against its documented shape where it can't
 * be run. */
#include <stdio.h>

#include "tests/unit/sources/mapped.h"

static void resilience4j(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "resilience4j", NULL, true);
    mapped_test_expect(
        &t,
        "# TYPE resilience4j_circuitbreaker_state gauge\n"
        "resilience4j_circuitbreaker_state{name=\"llm\",state=\"closed\",application=\"rag\"} 0.0\n"
        "resilience4j_circuitbreaker_state{name=\"llm\",state=\"open\",application=\"rag\"} 1.0\n"
        "resilience4j_circuitbreaker_state{name=\"llm\",state=\"half_open\",application=\"rag\"} 0.0\n"
        "resilience4j_circuitbreaker_state{name=\"store\",state=\"closed\"} 1.0\n"
        "resilience4j_circuitbreaker_state{name=\"store\",state=\"open\"} 0.0\n"
        "resilience4j_circuitbreaker_state{name=\"probe\",state=\"half_open\"} 1.0\n"
        "resilience4j_circuitbreaker_state{name=\"forced\",state=\"forced_open\"} 1.0\n"
        "resilience4j_circuitbreaker_state{name=\"off\",state=\"disabled\"} 1.0\n"
        "resilience4j_circuitbreaker_state{name=\"new\",state=\"a_new_state\"} 1.0\n"
        "resilience4j_circuitbreaker_state{name=\"none\",state=\"closed\"} 0.0\n"
        "resilience4j_circuitbreaker_state{name=\"both\",state=\"closed\"} 1.0\n"
        "resilience4j_circuitbreaker_state{name=\"both\",state=\"open\"} 1.0\n"
        "resilience4j_circuitbreaker_failure_rate{name=\"llm\"} 62.5\n"
        "resilience4j_circuitbreaker_failure_rate{name=\"store\"} -1.0\n"
        "resilience4j_circuitbreaker_slow_call_rate{name=\"llm\"} 0.0\n"
        "resilience4j_circuitbreaker_calls_seconds_count{name=\"llm\",kind=\"successful\"} 10\n"
        "resilience4j_circuitbreaker_calls_seconds_count{name=\"llm\",kind=\"failed\"} 5\n"
        "resilience4j_circuitbreaker_not_permitted_calls_total{name=\"llm\",kind=\"not_permitted\"} 7\n",
        "breaker llm down OPEN {failure_rate=0.625 slow_rate=0 calls=15 not_permitted=7} (application=rag)\n"
        "breaker store ok CLOSED {}\n"
        "breaker probe degraded HALF_OPEN {}\n"
        "breaker forced down FORCED_OPEN {}\n"
        "breaker off degraded DISABLED {}\n"
        "breaker new unknown a_new_state {} a state that the mapping doesn't know\n"
        "breaker none unknown {} no state is set\n"
        "breaker both unknown {} more than one state is set\n");
    mapped_test_expect(&t, "up 1\n", "");
    assert_string_equal(
        t.last.unclear,
        "answered, but it has no sample of resilience4j_circuitbreaker_state (resilience4j.yaml:8)");
    mapped_test_fini(&t);
}

static void resilience4j_actuator(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "resilience4j-actuator", NULL, false);
    mapped_test_expect(&t,
                       "{\"circuitBreakers\":{\"llm/"
                       "primary\":{\"failureRate\":\"50.0%\",\"slowCallRate\":\"-1.0%\",\"bufferedCalls\":4,"
                       "\"failedCalls\":2,\"notPermittedCalls\":9,\"state\":\"OPEN\"},\"store\":{"
                       "\"failureRate\":\"-1.0%\",\"state\":\"CLOSED\"}"
                       ",\"odd\":{\"state\":\"open\"},\"empty\":{}}}",
                       "breaker llm/primary down OPEN {failure_rate=0.5 not_permitted=9 buffered=4}\n"
                       "breaker store ok CLOSED {}\n"
                       "breaker odd unknown open {} a state that the mapping doesn't know\n"
                       "breaker empty unknown {} the answer has no state here\n");
    mapped_test_expect(&t, "{\"circuitBreakers\":{}}", "");
    mapped_test_expect(&t, "{\"status\":404}", "error: the answer has nothing at '/circuitBreakers'");
    mapped_test_expect(&t, "{\"circuitBreakers\":\"none\"}",
                       "error: the answer has no list at '/circuitBreakers'");
    mapped_test_fini(&t);
}

static void opossum(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "opossum", NULL, false);
    expect_sample(
        &t, "opossum-closed.json",
        "breaker llm-primary ok CLOSED {failure_rate=0 rejected=0 fallbacks=0 timeouts=0 latency_ms=1}\n");
    expect_sample(&t, "opossum-halfopen.json",
                  "breaker llm-primary degraded HALF_OPEN {failure_rate=0.666667 rejected=4 fallbacks=6 "
                  "timeouts=0 latency_ms=0.666667}\n");
    expect_sample(&t, "opossum-open.json",
                  "breaker llm-primary down OPEN {failure_rate=0.666667 rejected=4 fallbacks=6 timeouts=0 "
                  "latency_ms=0.666667}\n");
    mapped_test_expect(&t, "[{\"state\":{\"name\":\"x\",\"enabled\":false,\"closed\":true},\"status\":{}}]",
                       "breaker x degraded DISABLED {}\n");
    mapped_test_expect(&t, "[{\"state\":{\"name\":\"x\",\"enabled\":true,\"closed\":false},\"status\":{}}]",
                       "breaker x unknown {} no state is set\n");
    mapped_test_fini(&t);
}

static void qdrant(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "qdrant", "collection=docs", false);
    mapped_test_expect(
        &t,
        "{\"result\":{\"peer_id\":1,\"shard_count\":5,\"local_shards\":["
        "{\"shard_id\":0,\"points_count\":100,\"state\":\"Active\"},"
        "{\"shard_id\":1,\"points_count\":90,\"state\":\"Dead\"},"
        "{\"shard_id\":2,\"points_count\":80,\"state\":\"Dead\"},"
        "{\"shard_id\":3,\"points_count\":0,\"state\":\"Partial\"},"
        "{\"shard_id\":4,\"points_count\":1,\"state\":\"Melting\"}],"
        "\"remote_shards\":[{\"shard_id\":0,\"peer_id\":2,\"state\":\"Active\"},{\"shard_id\":1,\"peer_id\":"
        "2,\"state\":\"Active\"},"
        "{\"shard_id\":2,\"peer_id\":2,\"state\":\"Recovery\"}],\"shard_transfers\":[]},\"status\":\"ok\","
        "\"time\":0.0001}",
        "shard docs/shard-0 [docs] ok Active {points=100 replicas=2 replicas_ok=2}\n"
        "shard docs/shard-1 [docs] degraded Dead {points=90 replicas=2 replicas_ok=1} 1 of 2 replicas ok\n"
        "shard docs/shard-2 [docs] down Dead {points=80 replicas=2 replicas_ok=0} 0 of 2 replicas ok\n"
        "shard docs/shard-3 [docs] down Partial {points=0 replicas=1 replicas_ok=0}\n"
        "shard docs/shard-4 [docs] unknown Melting {points=1 replicas=1 replicas_ok=0} a state that the "
        "mapping doesn't know\n");
    mapped_test_expect(&t, "{\"result\":{\"local_shards\":[]}}",
                       "error: the answer has nothing at '/result/remote_shards'");
    assert_string_equal(t.preset->path, "/collections/{collection}/cluster");
    mapped_test_fini(&t);
}

static void qdrant_snapshots(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "qdrant-snapshots", "collection=docs schedule=12h retention=0", false);
    mapped_test_expect(
        &t,
        "{\"result\":[{\"name\":\"old\",\"creation_time\":\"2026-11-20T03:00:00\",\"size\":10},"
        "{\"name\":\"new\",\"creation_time\":\"2026-11-22T03:00:00\",\"size\":12},"
        "{\"name\":\"older\",\"creation_time\":\"2026-11-19T03:00:00\",\"size\":9}],\"status\":\"ok\"}",
        "snapshot docs <ok> {age_s=3600 schedule_s=43200 kept=3 oldest_s=262800 retention_s=0 "
        "retention_most_s=1.2096e+06 bytes=12} (file=new) ! @2026-11-22T03:00:00\n");
    mapped_test_expect(&t, "{\"result\":[]}",
                       "snapshot docs down missing {} ! expected, but the source does not have it\n");
    t.wall_us += 13 * 3600 * US_PER_S;
    mapped_test_expect(
        &t, "{\"result\":[{\"name\":\"new\",\"creation_time\":\"2026-11-22T03:00:00\",\"size\":12}]}",
        "snapshot docs <degraded> {age_s=50400 schedule_s=43200 kept=1 oldest_s=50400 retention_s=0 "
        "retention_most_s=1.2096e+06 bytes=12} (file=new) ! "
        "@2026-11-22T03:00:00\n");
    mapped_test_fini(&t);
}

static void alertmanager(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "alertmanager", NULL, false);
    expect_sample(&t, "alertmanager.json",
                  "alert TargetDown down firing {severity=3 rows=1} (summary=target 127.0.0.1:29999 is down "
                  "runbook=file:runbooks/vectorstore.md alertname=TargetDown component=vectorstore "
                  "instance=127.0.0.1:29999 job=dead severity=critical) @2026-11-22T03:58:20 target "
                  "127.0.0.1:29999 is down\n");
    mapped_test_apply(&t, "[]");
    expect_sample(&t, "alertmanager-silenced.json",
                  "alert ShardDown degraded silenced {severity=3 rows=1} (summary=x alertname=ShardDown "
                  "severity=critical "
                  "shard=shard-5) @2026-11-22T03:58:24 x\n"
                  "alert TargetDown down firing {severity=3 rows=1} (summary=target 127.0.0.1:29999 is down "
                  "runbook=file:runbooks/vectorstore.md alertname=TargetDown component=vectorstore "
                  "instance=127.0.0.1:29999 job=dead severity=critical) @2026-11-22T03:58:20 target "
                  "127.0.0.1:29999 is down\n");
    mapped_test_expect(
        &t,
        "[{\"labels\":{\"alertname\":\"A\",\"severity\":\"warning\",\"password\":\"hunter2\",\"user\":"
        "\"eve\"},"
        "\"annotations\":{},\"status\":{\"state\":\"active\"},\"startsAt\":\"2026-11-22T03:00:00Z\"},"
        "{\"labels\":{\"alertname\":\"A\",\"severity\":\"warning\"},\"annotations\":{\"summary\":\"second\"},"
        "\"status\":{\"state\":\"suppressed\"},\"startsAt\":\"2026-11-22T02:00:00Z\"}]",
        "alert A degraded firing {severity=2 rows=2} (alertname=A severity=warning) @2026-11-22T03:00:00 the "
        "worst of 2\n");
    for (size_t i = 0; i < t.last.observations.len; i++) {
        const struct observation *o = &t.last.observations.data[i];
        assert_null(memmem(o->snippet, o->snippet_length, "hunter2", 7));
        assert_null(memmem(o->snippet, o->snippet_length, "mallory", 7));
    }
    mapped_test_fini(&t);
}

static void prometheus_alerts(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "prometheus-alerts", NULL, false);
    expect_sample(&t, "prometheus-alerts.json",
                  "alert TargetDown down firing {severity=3 rows=1} (summary=target 127.0.0.1:29999 is down "
                  "runbook=file:runbooks/vectorstore.md alertname=TargetDown component=vectorstore "
                  "instance=127.0.0.1:29999 job=dead severity=critical) @2026-11-22T03:58:18 target "
                  "127.0.0.1:29999 is down\n");
    mapped_test_fini(&t);
}

/* However many rows of it there are: none has a value, none is ok. */
static void expect_no_value(struct mapped_test *t, const char *file)
{
    char *body = sample_read(file);
    assert_int_equal(mapped_test_apply(t, body), 0);
    assert_true(t->last.observations.len > 0);
    for (size_t i = 0; i < t->last.observations.len; i++) {
        const struct observation *o = &t->last.observations.data[i];
        if (o->condition != CONDITION_UNKNOWN || !strstr(o->reason, "no value"))
            fail_msg("%s: %s, %s", file, condition_name(o->condition), o->reason);
    }
    free(body);
}

static void prometheus_query(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "prometheus-query", "query=up name=up crit=0.5 warn=0.9", false);
    expect_sample(
        &t, "query_vector.json",
        "signal up <ok> {value=1 warn=0.9 crit=0.5} (__name__=up instance=127.0.0.1:29090 job=prom) !\n"
        "signal up <ok> {value=1 warn=0.9 crit=0.5} (__name__=up instance=127.0.0.1:29100 job=node) !\n"
        "signal up <down> {value=0 warn=0.9 crit=0.5} (__name__=up instance=127.0.0.1:29999 job=dead) !\n");
    expect_sample(&t, "query_empty.json",
                  "signal up unknown missing {} ! no value: the answer does not have it\n");
    mapped_test_expect(&t, "{\"data\":{\"result\":[{\"metric\":{},\"value\":[1.5,\"NaN\"]}]}}",
                       "signal up unknown {warn=0.9 crit=0.5} ! no value\n");
    /* what is no vector has no value */
    static const char *const others[] = {
        "query_vector_inf_nan.json", "query_matrix.json", "query_range.json",
        "query_scalar.json",         "query_inf.json",    "query_string.json"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_no_value(&t, others[i]);
    expect_sample(&t, "query_error.json", "error: the answer has nothing at '/data/result'");
    mapped_test_fini(&t);
}

static void checkpoints(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "checkpoints", "total=50000", false);
    clock_parse("2026-01-01T16:01:00Z", &t.wall_us, NULL);
    char *value = sample_read("checkpoint.json");
    char *body = xasprintf(
        "[{\"run_id\":\"run_1\",\"checkpoint_id\":\"chk_9000\",\"value\":{\"last_processed_index\":9000,"
        "\"timestamp\":\"2026-01-01T15:00:52.123Z\"}},"
        "{\"run_id\":\"run_1\",\"checkpoint_id\":\"chk_30000\",\"value\":%s},"
        "{\"run_id\":\"run_2\",\"checkpoint_id\":\"a\",\"problem\":\"pickled: not read\"}]",
        value);
    mapped_test_expect(
        &t, body,
        "job run_1 <ok> {done=30000 total=50000 checkpoint_age_s=7.877 cost=3.74 quality=0.85 late_s=120 "
        "stalled_s=600} "
        "(checkpoint=chk_30000 agent=self_healing_deep_agent)\n"
        "job run_2 unknown {total=50000 late_s=120 stalled_s=600} (checkpoint=a) pickled: not read\n");
    t.wall_us += 200 * US_PER_S;
    t.now_us += 200 * US_PER_S;
    free(body);
    body = xasprintf("[{\"run_id\":\"run_1\",\"checkpoint_id\":\"chk_30000\",\"value\":%s}]", value);
    mapped_test_apply(&t, body);
    assert_int_equal(condition_derive(&t.last.observations.data[0]), CONDITION_DEGRADED);
    t.wall_us += 600 * US_PER_S;
    mapped_test_apply(&t, body);
    assert_int_equal(condition_derive(&t.last.observations.data[0]), CONDITION_DOWN);
    free(body);
    free(value);
    mapped_test_fini(&t);
}

static void a_job_has_a_rate_and_an_end_in_sight(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "checkpoints", "total=1000", false);
    for (int i = 0; i <= 5; i++) {
        char time[CLOCK_TEXT_SIZE], body[256];
        clock_format(t.wall_us, time);
        snprintf(body, sizeof body,
                 "[{\"run_id\":\"r\",\"checkpoint_id\":\"%d\",\"value\":{\"last_processed_index\":%d,"
                 "\"timestamp\":\"%s\"}}]",
                 i, i * 100, time);
        assert_int_equal(mapped_test_apply(&t, body), 0);
        t.now_us += 10 * US_PER_S;
        t.wall_us += 10 * US_PER_S;
    }
    char *text = mapped_test_text(&t);
    assert_non_null(strstr(text, "done=500 total=1000 checkpoint_age_s=0 rate=10 eta_s=50"));
    free(text);
    mapped_test_fini(&t);
}

static void elasticsearch(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "elasticsearch", NULL, false);
    mapped_test_expect(&t,
                       "[{\"index\":\"docs\",\"shard\":\"0\",\"prirep\":\"p\",\"state\":\"STARTED\",\"docs\":"
                       "\"12\",\"node\":\"a\",\"unassigned.reason\":null},"
                       "{\"index\":\"docs\",\"shard\":\"0\",\"prirep\":\"r\",\"state\":\"UNASSIGNED\","
                       "\"docs\":null,\"node\":null,"
                       "\"unassigned.reason\":\"NODE_LEFT\"}]",
                       "shard docs/shard-0 [docs] degraded UNASSIGNED {points=12 replicas=2 replicas_ok=1} 1 "
                       "of 2 replicas ok\n");
    mapped_test_fini(&t);
}

/* What the rag metrics say i seconds after the start, with r requests, e errors, m empty results and all
 * latencies in the bucket up to le seconds. */
static void rag_body(struct str *out, int requests, int errors, int empties, double fast, double slow)
{
    str_clear(out);
    str_addf(out,
             "# TYPE rag_e2e_latency_seconds histogram\n"
             "rag_e2e_latency_seconds_bucket{le=\"0.5\"} 0\n"
             "rag_e2e_latency_seconds_bucket{le=\"1\"} %g\n"
             "rag_e2e_latency_seconds_bucket{le=\"2\"} %g\n"
             "rag_e2e_latency_seconds_bucket{le=\"5\"} %g\n"
             "rag_e2e_latency_seconds_bucket{le=\"+Inf\"} %g\n"
             "rag_request_count_total %d\nrag_error_count_total %d\nretriever_qps_total %d\n"
             "retriever_empty_result_count_total %d\nrag_citation_hit_rate 0.88\n",
             fast, fast, fast + slow, fast + slow, requests, errors, requests, empties);
}

static void wfgy_rag(void **state)
{
    (void)state;
    struct mapped_test t;
    struct str body = {0};
    mapped_test_preset(&t, "wfgy-rag", "errors_baseline=0.2%", true);
    assert_true(mapping_needs_history(t.mapping));
    assert_true(mapping_has_signals(t.mapping));
    rag_body(&body, 1000, 10, 20, 1000, 0);
    mapped_test_expect(&t, body.data,
                       "signal citation hits <ok> {value=0.88 warn=0.82 crit=0.75} (unit=share)\n");
    assert_true(t.last.partial);
    t.now_us += 10 * US_PER_S;
    rag_body(&body, 1100, 10, 20, 1100, 0); /* 100 more requests, all between 0.5 and 1 s */
    mapped_test_expect(&t, body.data,
                       "signal errors <ok> {value=0 baseline=0.002 warn=0.01 crit=0.03} (unit=share)\n"
                       "signal p95 <ok> {value=0.975 warn=1.5 crit=2} (unit=s)\n"
                       "signal empty <ok> {value=0 warn=0.05 crit=0.2} (unit=share)\n"
                       "signal citation hits <ok> {value=0.88 warn=0.82 crit=0.75} (unit=share)\n");
    assert_false(t.last.partial);
    t.now_us += 10 * US_PER_S;
    rag_body(&body, 1200, 60, 80, 1150, 50); /* then half of them slow, many failed or empty */
    mapped_test_expect(&t, body.data,
                       "signal errors <down> {value=0.25 baseline=0.002 warn=0.01 crit=0.03} (unit=share)\n"
                       "signal p95 <down> {value=4.4 warn=1.5 crit=2} (unit=s)\n"
                       "signal empty <down> {value=0.3 warn=0.05 crit=0.2} (unit=share)\n"
                       "signal citation hits <ok> {value=0.88 warn=0.82 crit=0.75} (unit=share)\n");
    for (int i = 0; i < 80; i++) { /* nobody calls any more: no traffic, not ok */
        t.now_us += US_PER_S;
        mapped_test_apply(&t, body.data);
    }
    mapped_test_expect(
        &t, body.data,
        "signal errors unknown {baseline=0.002 warn=0.01 crit=0.03} (unit=share) ~ no traffic\n"
        "signal p95 unknown {warn=1.5 crit=2} (unit=s) ~ no traffic\n"
        "signal empty unknown {warn=0.05 crit=0.2} (unit=share) ~ no traffic\n"
        "signal citation hits <ok> {value=0.88 warn=0.82 crit=0.75} (unit=share)\n");
    t.now_us += 10 * US_PER_S;
    mapped_test_expect(
        &t, "up 1\n",
        "signal errors unknown {baseline=0.002 warn=0.01 crit=0.03} (unit=share) no sample of "
        "rag_error_count_total\n"
        "signal p95 unknown {warn=1.5 crit=2} (unit=s) no sample of rag_e2e_latency_seconds_bucket\n"
        "signal empty unknown {warn=0.05 crit=0.2} (unit=share) no sample of "
        "retriever_empty_result_count_total\n"
        "signal citation hits unknown {warn=0.82 crit=0.75} (unit=share) no sample of "
        "rag_citation_hit_rate\n");
    str_fini(&body);
    mapped_test_fini(&t);
}

static void every_preset_compiles_and_says_what_it_is_for(void **state)
{
    (void)state;
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    char **names = preset_names(NULL);
    size_t count = 0;
    for (char **name = names; name && *name; name++, count++) {
        struct err e = {0};
        struct preset *p = preset_load(*name, NULL, &e);
        if (!p)
            fail_msg("%s: %s", *name, e.msg);
        assert_non_null(p->help);
        struct config_source s = {.vars = cJSON_CreateObject()};
        const cJSON *variable;
        cJSON_ArrayForEach(variable, p->vars)
        {
            assert_non_null(cJSON_GetObjectItemCaseSensitive(variable, "help"));
            if (!cJSON_GetObjectItemCaseSensitive(variable, "default"))
                cJSON_AddStringToObject(s.vars, variable->string, "x");
        }
        cJSON *vars = preset_variables(p, &s, NULL, NULL, &e);
        assert_non_null(vars);
        struct mapping_part part = {p->map, p->file};
        struct mapping_options o = {.parts = &part, .part_count = 1, .vars = vars, .expected = -1};
        o.form =
            str_eq(p->parse, "prometheus") || preset_suits(p, "prometheus") ? FORM_EXPOSITION : FORM_JSON;
        o.keys = preset_suits(p, "redis");
        struct mapping *m = mapping_compile(&o, NULL, &e);
        if (!m)
            fail_msg("%s", e.msg);
        mapping_free(m);
        cJSON_Delete(vars);
        cJSON_Delete(s.vars);
        preset_free(p);
    }
    strv_free(names);
    assert_true(count >= 12);
}

static void braces_in_a_variable_are_just_braces(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "qdrant", "collection={peer_id}", false);
    mapped_test_expect(
        &t, "{\"result\":{\"local_shards\":[{\"shard_id\":0,\"state\":\"Active\"}],\"remote_shards\":[]}}",
        "shard {peer_id}/shard-0 [{peer_id}] ok Active {replicas=1 replicas_ok=1}\n");
    mapped_test_fini(&t);
}

static void presets_are_found_and_their_variables_checked(void **state)
{
    (void)state;
    struct err e = {0};
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    assert_null(preset_load("qdrnt", NULL, &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, "did you mean 'qdrant'"));
    assert_null(preset_load("../../etc/passwd", NULL, &e));
    assert_null(preset_load("", NULL, &e));
    struct preset *p = preset_load("qdrant", NULL, &e);
    assert_true(preset_suits(p, "http"));
    assert_false(preset_suits(p, "redis"));
    struct config_source s = {.name = (char *)(uintptr_t) "s", .line = 7, .column = 5};
    assert_null(preset_variables(p, &s, "belay.yaml", NULL, &e));
    assert_non_null(strstr(e.msg, "belay.yaml:7:5: the preset qdrant needs vars: {collection: ...}"));
    s.vars = cJSON_CreateObject();
    cJSON_AddStringToObject(s.vars, "collection", "docs");
    cJSON_AddStringToObject(s.vars, "colour", "red");
    assert_null(preset_variables(p, &s, "belay.yaml", NULL, &e));
    assert_non_null(strstr(e.msg, "has no variable 'colour'"));
    cJSON_DeleteItemFromObject(s.vars, "colour");
    cJSON_Delete(s.vars);
    preset_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resilience4j),
        cmocka_unit_test(resilience4j_actuator),
        cmocka_unit_test(opossum),
        cmocka_unit_test(qdrant),
        cmocka_unit_test(qdrant_snapshots),
        cmocka_unit_test(alertmanager),
        cmocka_unit_test(prometheus_alerts),
        cmocka_unit_test(prometheus_query),
        cmocka_unit_test(checkpoints),
        cmocka_unit_test(a_job_has_a_rate_and_an_end_in_sight),
        cmocka_unit_test(elasticsearch),
        cmocka_unit_test(wfgy_rag),
        cmocka_unit_test(every_preset_compiles_and_says_what_it_is_for),
        cmocka_unit_test(braces_in_a_variable_are_just_braces),
        cmocka_unit_test(presets_are_found_and_their_variables_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
