/* A real Prometheus: its own metrics, PromQL, an alert that begins to fire, and the server going and coming.
 */
#include "tests/integration/server.h"

static const char *belay;

static const char rules[] = "groups:\n- name: test\n  interval: 1s\n  rules:\n"
                            "  - alert: TargetDown\n    expr: up{job=\"dead\"} == 0\n    for: 2s\n"
                            "    labels: {severity: critical}\n"
                            "    annotations: {summary: 'target {{ $labels.instance }} is down'}\n";

static pid_t alerting_start(const char *folder, int port)
{
    int dead = free_port();
    char *text = xasprintf("global: {scrape_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs:\n"
                           "- {job_name: self, static_configs: [{targets: ['127.0.0.1:%d']}]}\n"
                           "- {job_name: dead, static_configs: [{targets: ['127.0.0.1:%d']}]}\n",
                           port, dead);
    text_write(folder, "rules.yml", rules);
    pid_t pid = prometheus_start(folder, port, text);
    free(text);
    return pid;
}

static void metrics_queries_and_alerts(void **state)
{
    (void)state;
    int port = free_port();
    char *folder = scratch_folder();
    pid_t pid = alerting_start(folder, port);
    char *yaml = xasprintf(
        "platform: prometheus-test\nsources:\n"
        "  - name: self\n    kind: prometheus\n    url: http://127.0.0.1:%d\n    every: 1s\n    map:\n"
        "      - {kind: component, name: head, state: {of: {metric: prometheus_tsdb_head_series}, warn: "
        "1000000, crit: 2000000}}\n"
        "      - {kind: signal, name: samples, value: {rate: {metric: "
        "prometheus_tsdb_head_samples_appended_total}, over: 30s}}\n"
        "      - {kind: signal, name: http p90, value: {quantile: 0.9, metric: "
        "prometheus_http_request_duration_seconds, over: "
        "30s}, warn: 5, crit: 10}\n"
        "  - {name: alerts, kind: http, url: 'http://127.0.0.1:%d', preset: prometheus-alerts, every: "
        "500ms}\n"
        "  - {name: dead, kind: http, url: 'http://127.0.0.1:%d', preset: prometheus-query, every: 1s, vars: "
        "{query: "
        "'up{job=\"dead\"}', name: dead up, warn: 0.9, crit: 0.5}}\n"
        "  - {name: none, kind: http, url: 'http://127.0.0.1:%d', preset: prometheus-query, every: 1s, vars: "
        "{query: "
        "'nothing_like_that', name: nothing}}\n"
        "  - {name: bad, kind: http, url: 'http://127.0.0.1:%d', preset: prometheus-query, every: 1s, vars: "
        "{query: 'up{', name: "
        "bad}}\n",
        port, port, port, port, port);
    /* the braces of PromQL are no variables; they may not stand in vars */
    struct err e = {0};
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    struct config *c = config_parse(yaml, strlen(yaml), "belay.yaml", "/tmp", NULL, &e);
    assert_non_null(c);
    int refused = sources_check(c, NULL, &e);
    if (refused)
        fail_msg("%s", e.msg);
    config_free(c);

    struct watch w;
    watch_start(&w, yaml);
    watch_until(&w, is(&w, ENTITY_COMPONENT, "head", CONDITION_OK));
    watch_until(&w, measure_of(&w, ENTITY_SIGNAL, "samples", "value") > 0);
    watch_until(&w, is(&w, ENTITY_SIGNAL, "http p90", CONDITION_OK));
    assert_true(measure_of(&w, ENTITY_SIGNAL, "http p90", "value") < 5);
    watch_until(&w, is(&w, ENTITY_SIGNAL, "dead up", CONDITION_DOWN));
    watch_until(&w, is(&w, ENTITY_SIGNAL, "nothing", CONDITION_UNKNOWN)); /* an empty vector is no value */
    watch_until(&w, strstr(source_error(&w, "bad"), "HTTP 400"));
    watch_until(&w, is(&w, ENTITY_ALERT, "TargetDown", CONDITION_DOWN));
    assert_true(reason_has(&w, ENTITY_ALERT, "TargetDown", "is down"));
    assert_string_equal(find(&w, ENTITY_ALERT, "TargetDown")->raw, "firing");

    server_stop(pid);
    watch_until(&w, strlen(source_error(&w, "self")) > 0);
    watch_until(&w, is(&w, ENTITY_ALERT, "TargetDown", CONDITION_UNKNOWN));
    pid = alerting_start(folder, port); /* its API says 503 until it has read its data */
    watch_until(&w, is(&w, ENTITY_COMPONENT, "head", CONDITION_OK));
    watch_until(&w, is(&w, ENTITY_ALERT, "TargetDown", CONDITION_DOWN));
    watch_stop(&w);

    cJSON *root;
    assert_int_equal(status_run(belay, folder, yaml, &root), 2);
    assert_string_equal(status_state(root, "component", "head"), "ok");
    cJSON_Delete(root);
    server_stop(pid);
    folder_remove(folder, NULL);
    free(folder);
    free(yaml);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    server_require("prometheus");
    const struct CMUnitTest tests[] = {cmocka_unit_test(metrics_queries_and_alerts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
