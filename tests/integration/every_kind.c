/* One belay.yaml as a team would write it, with every kind of source, all of them real: belay check, belay
 * status and its document, and the console over it. */
#include "tests/integration/servers.h"
#include "tests/screen/expect.h"
#include "tests/unit/io/peer.h"

static const char *belay;

/* ---- the platform ---- */

static const char metrics[] = "# TYPE resilience4j_circuitbreaker_state gauge\n"
                              "resilience4j_circuitbreaker_state{name=\"llm-primary\",state=\"closed\"} 1.0\n"
                              "resilience4j_circuitbreaker_state{name=\"llm-primary\",state=\"open\"} 0.0\n"
                              "resilience4j_circuitbreaker_state{name=\"reranker\",state=\"closed\"} 0.0\n"
                              "resilience4j_circuitbreaker_state{name=\"reranker\",state=\"half_open\"} 1.0\n"
                              "resilience4j_circuitbreaker_failure_rate{name=\"llm-primary\"} 12.5\n";

static void serve_metrics(struct peer *p, int fd)
{
    char head[8192], start[128];
    while (peer_read_request(fd, head, sizeof head)) {
        snprintf(start, sizeof start,
                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %zu\r\n\r\n",
                 sizeof metrics - 1);
        if (!peer_say(p, fd, start) || !peer_say(p, fd, metrics))
            return;
    }
}

static void serve_queues(struct peer *p, int fd)
{
    static const char body[] = "{\"queues\":[{\"name\":\"ingest\",\"status\":\"ready\",\"depth\":12},"
                               "{\"name\":\"backlog\",\"status\":\"draining\",\"depth\":340}]}";
    char head[8192], answer[512];
    while (peer_read_request(fd, head, sizeof head)) {
        bool allowed = strstr(head, "Authorization: opensesame\r\n") && strstr(head, "GET /state ");
        if (allowed)
            snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                     sizeof body - 1, body);
        if (!peer_say(p, fd, allowed ? answer : "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"))
            return;
    }
}

static pid_t scraping_start(const char *folder, int port, int target)
{
    char *text = xasprintf("global: {scrape_interval: 1s}\nscrape_configs:\n"
                           "- {job_name: api, static_configs: [{targets: ['127.0.0.1:%d']}]}\n",
                           target);
    pid_t pid = prometheus_start(folder, port, text);
    free(text);
    return pid;
}

struct platform_rig {
    char *folder, *redis_folder, *prometheus_folder, *alertmanager_folder;
    struct peer api, queues;
    int redis, prometheus, alertmanager;
    pid_t redis_pid, prometheus_pid, alertmanager_pid;
};

static void checkpoint_set(int port)
{
    char now[CLOCK_TEXT_SIZE];
    time_in(0, now);
    char *text =
        xasprintf("{\"checkpoint_id\":\"chk_30000\",\"run_id\":\"run_sc05\",\"last_processed_index\":30000,"
                  "\"timestamp\":\"%s\",\"metadata\":{\"agent_id\":\"deep\",\"total_cost_usd\":3.74}}",
                  now);
    struct client c;
    client_start(&c, port);
    set_bytes(&c, "checkpoint:run_sc05:chk_30000", text, strlen(text));
    client_stop(&c);
    free(text);
}

static void rig_start(struct platform_rig *r)
{
    *r = (struct platform_rig){.folder = scratch_folder(),
                               .redis_folder = scratch_folder(),
                               .prometheus_folder = scratch_folder(),
                               .alertmanager_folder = scratch_folder(),
                               .redis = free_port()};
    peer_start(&r->api, serve_metrics, NULL);
    peer_start(&r->queues, serve_queues, NULL);
    r->redis_pid = redis_start(r->redis_folder, r->redis, NULL);
    r->prometheus = free_port();
    r->prometheus_pid = scraping_start(r->prometheus_folder, r->prometheus, r->api.port);
    r->alertmanager = free_port();
    r->alertmanager_pid = alertmanager_start(r->alertmanager_folder, r->alertmanager);
    post_alert(r->alertmanager, "ShardDown", "critical", 600);
    text_write(r->folder, "replicas.json", "[{\"pod\":\"retriever\",\"ready\":2,\"replicas\":3}]");
    setenv("QUEUE_TOKEN", "opensesame", 1);
}

static void rig_stop(struct platform_rig *r)
{
    char **folders[] = {&r->folder, &r->redis_folder, &r->prometheus_folder, &r->alertmanager_folder};
    server_stop(r->redis_pid);
    server_stop(r->prometheus_pid);
    server_stop(r->alertmanager_pid);
    peer_stop(&r->api);
    peer_stop(&r->queues);
    for (size_t i = 0; i < 4; i++) {
        folder_remove(*folders[i], NULL);
        free(*folders[i]);
    }
}

static char *configuration(const struct platform_rig *r)
{
    return xasprintf(
        "platform: rag-prod\n"
        "badge: PROD                        # drawn as danger; the console starts as observer\n"
        "journal: private\n"
        "sources:\n"
        "  - {name: api,    kind: prometheus, url: 'http://127.0.0.1:%d/metrics', every: 20s, timeout: 20s,\n"
        "     preset: resilience4j}\n"
        "  - {name: up,     kind: http, url: 'http://127.0.0.1:%d', every: 20s, timeout: 20s,\n"
        "     preset: prometheus-query, vars: {query: 'up{job=\"api\"}', name: api up, warn: 0.9, crit: "
        "0.5}}\n"
        "  - {name: alerts, kind: http, url: 'http://127.0.0.1:%d', every: 20s, timeout: 20s, preset: "
        "alertmanager}\n"
        "  - {name: runs,   kind: redis, url: 'redis://127.0.0.1:%d/0', every: 20s, timeout: 20s,\n"
        "     preset: checkpoints, vars: {total: 50000, late: 1h, stalled: 2h}}\n"
        "  - name: queue                    # no preset: the mapping in place\n"
        "    kind: http\n"
        "    url: http://127.0.0.1:%d/state\n"
        "    every: 20s\n    timeout: 20s\n"
        "    headers: {Authorization: {secret: env:QUEUE_TOKEN}}\n"
        "    map:\n"
        "      kind: shard\n"
        "      rows: /queues/*\n"
        "      name: \"{name}\"\n"
        "      state: {from: /status, ready: ok, draining: degraded, gone: down, \"*\": unknown}\n"
        "      measures: {points: /depth}\n"
        "  - name: pods\n"
        "    kind: command\n"
        "    command: [cat, %s/replicas.json]\n"
        "    every: 20s\n    timeout: 20s\n"
        "    map: {kind: component, rows: /*, name: '{pod}', measures: {ready: /ready, replicas: "
        "/replicas}}\n"
        "runbooks: [runbooks/]\n",
        r->api.port, r->prometheus, r->alertmanager, r->redis, r->queues.port, r->folder);
}

static const char runbook[] =
    "# Failover of the vector store\n\n## 1. Look\n\n```sh {name=look kind=check}\ntrue\n```\n";

/* ---- what is said ---- */

/* Runs belay with the words in the folder; its output. Free it. */
static char *run(const struct platform_rig *r, const char *words, int *status)
{
    struct str text = {0};
    char *out = path_join(r->folder, "out.txt");
    char *command = xasprintf("cd %s && XDG_STATE_HOME=%s XDG_CONFIG_HOME=%s %s %s > out.txt 2>&1", r->folder,
                              r->folder, r->folder, belay, words);
    *status = WEXITSTATUS(system(command));
    assert_int_equal(file_read(out, 8u << 20, &text, NULL), 0);
    free(command);
    free(out);
    return str_take(&text);
}

static void has(const cJSON *object, const char *key, int types, const char *document)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item || !(item->type & types))
        fail_msg("'%s' is missing or of the wrong type in\n%s", key, document);
}

/* The keys that docs and design promise. */
static void validate(const cJSON *root, const char *text)
{
    const cJSON *item, *sources = json_at(root, "/sources"), *entities = json_at(root, "/entities");
    int64_t at_us;
    has(root, "platform", cJSON_String, text);
    has(root, "at", cJSON_String, text);
    has(root, "state", cJSON_String, text);
    has(root, "sources", cJSON_Array, text);
    has(root, "entities", cJSON_Array, text);
    assert_int_equal(clock_parse(json_string(root, "at", ""), &at_us, NULL), 0);
    cJSON_ArrayForEach(item, sources)
    {
        has(item, "name", cJSON_String, text);
        has(item, "kind", cJSON_String, text);
        has(item, "ok", cJSON_True | cJSON_False, text);
        has(item, "age_ms", cJSON_Number, text);
        has(item, "error", cJSON_String | cJSON_NULL, text);
    }
    cJSON_ArrayForEach(item, entities)
    {
        enum entity_kind kind;
        enum condition condition;
        has(item, "source", cJSON_String, text);
        has(item, "name", cJSON_String, text);
        has(item, "raw", cJSON_String, text);
        has(item, "age_ms", cJSON_Number, text);
        assert_true(entity_kind_parse(json_string(item, "kind", ""), &kind));
        assert_true(condition_name_parse(json_string(item, "state", ""), &condition));
        assert_int_equal(clock_parse(json_string(item, "since", ""), &at_us, NULL), 0);
    }
}

static const char *const expected[][3] = {
    {"breaker", "llm-primary", "ok"}, {"breaker", "reranker", "degraded"},
    {"signal", "api up", "ok"},       {"alert", "ShardDown", "down"},
    {"job", "run_sc05", "ok"},        {"shard", "ingest", "ok"},
    {"shard", "backlog", "degraded"}, {"component", "retriever", "degraded"},
};
#define EXPECTED (sizeof expected / sizeof expected[0])

/* Prometheus has to have scraped once. */
static cJSON *status_until(const struct platform_rig *r, char **text)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    for (;;) {
        int status;
        struct err e = {0};
        *text = run(r, "status --json", &status);
        cJSON *root = json_parse(*text, strlen(*text), &e);
        if (!root)
            fail_msg("%s\n%s", e.msg, *text);
        if (str_eq(status_state(root, "signal", "api up"), "ok")) {
            assert_int_equal(status, 2);
            return root;
        }
        if (clock_monotonic_us() > end)
            fail_msg("never scraped\n%s", *text);
        cJSON_Delete(root);
        free(*text);
    }
}

static void check_and_status(const struct platform_rig *r)
{
    int status;
    char *text = run(r, "check", &status);
    if (status || !strstr(text, "0 errors, 0 warnings"))
        fail_msg("check: %d\n%s", status, text);
    free(text);
    cJSON *root = status_until(r, &text);
    validate(root, text);
    assert_string_equal(json_string(root, "platform", ""), "rag-prod");
    assert_string_equal(json_string(root, "state", ""), "down");
    assert_int_equal(cJSON_GetArraySize(json_at(root, "/sources")), 6);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "/entities")), EXPECTED);
    for (size_t i = 0; i < EXPECTED; i++)
        if (!str_eq(status_state(root, expected[i][0], expected[i][1]), expected[i][2]))
            fail_msg("%s %s is not %s in\n%s", expected[i][0], expected[i][1], expected[i][2], text);
    assert_null(strstr(text, "opensesame"));
    cJSON_Delete(root);
    free(text);
    text = run(r, "status", &status);
    assert_int_equal(status, 2);
    if (!strstr(text, "rag-prod: down") ||
        !strstr(text, "down      alert ShardDown firing: ShardDown is bad") ||
        !strstr(text, "degraded  shard backlog draining"))
        fail_msg("status says\n%s", text);
    free(text);
}

#define WAIT_MS 60000

static void see(struct pty *p, const char *pattern)
{
    if (!pty_wait(p, pattern, WAIT_MS))
        fail_with_screen(p, "never on the screen: %s", pattern);
}

static void console(const struct platform_rig *r)
{
    char *config = path_join(r->folder, "belay.yaml"), *state = xasprintf("XDG_STATE_HOME=%s", r->folder),
         *runtime = xasprintf("XDG_RUNTIME_DIR=%s", r->folder);
    struct pty *p =
        pty_start(&(struct pty_options){.argv = (const char *const[]){belay, config, NULL},
                                        .environment = (const char *const[]){state, runtime, NULL},
                                        .width = 160,
                                        .height = 48});
    see(p, "PROD");
    see(p, "alert ShardDown.*firing");
    see(p, "shard backlog.*draining");
    see(p, "component retriever");
    see(p, "reranker.*HALF_OPEN");
    see(p, "run_sc05");
    see(p, "api up");
    pty_type(p, "9");
    see(p, "queue +http");
    see(p, "runs +redis");
    see(p, "pods +command");
    see(p, "6 ok");
    pty_type(p, "q");
    if (pty_wait_end(p, WAIT_MS) != 0)
        fail_with_screen(p, "did not quit");
    pty_free(p);
    free(config);
    free(state);
    free(runtime);
}

static void one_configuration_with_every_kind(void **state)
{
    (void)state;
    struct platform_rig r;
    int status;
    rig_start(&r);
    char *yaml = configuration(&r), *runbooks = path_join(r.folder, "runbooks");
    text_write(r.folder, "belay.yaml", yaml);
    assert_int_equal(folder_make(runbooks, 0700, NULL), 0);
    text_write(runbooks, "vectorstore.md", runbook);
    checkpoint_set(r.redis);
    check_and_status(&r);
    console(&r);
    char *text = run(&r, "timeline", &status); /* what was broken when the console came is journaled */
    if (status || !strstr(text, "alert ShardDown") || !strstr(text, "breaker reranker") ||
        strstr(text, "opensesame"))
        fail_msg("timeline: %d\n%s", status, text);
    free(text);
    free(yaml);
    free(runbooks);
    rig_stop(&r);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    server_require("redis-server");
    server_require("prometheus");
    server_require("prometheus-alertmanager");
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_configuration_with_every_kind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
