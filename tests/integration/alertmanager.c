/* A real Alertmanager: an alert fires, is silenced, and is resolved. */
#include "tests/integration/server.h"

static const char *belay;

struct posting {
    bool done;
    int status;
    char *body;
};

static void on_posted(void *data, struct http_result *r)
{
    struct posting *p = data;
    p->done = true;
    p->status = r->status;
    p->body = str_take(&r->body);
}

static void post(int port, const char *path, const char *body)
{
    struct loop *l = loop_new(NULL);
    struct http *h = http_new(l, 1, NULL);
    struct posting p = {0};
    char *url = xasprintf("http://127.0.0.1:%d%s", port, path);
    const char *headers[] = {"Content-Type: application/json", NULL};
    struct http_request r = {.method = "POST",
                             .url = url,
                             .headers = headers,
                             .body = body,
                             .body_length = strlen(body),
                             .timeout_us = PATIENCE_US,
                             .done = on_posted,
                             .data = &p};
    assert_non_null(http_start(h, &r, NULL));
    while (!p.done)
        loop_run_once(l, 100 * US_PER_MS);
    if (p.status != 200)
        fail_msg("%s: HTTP %d %s", path, p.status, p.body);
    free(p.body);
    free(url);
    http_free(h);
    loop_free(l);
}

static void time_in(int64_t seconds, char text[static CLOCK_TEXT_SIZE])
{
    clock_format(clock_wall_us() + seconds * US_PER_S, text);
}

static void post_alert(int port, const char *name, const char *severity, int64_t ends_in_s)
{
    char starts[CLOCK_TEXT_SIZE], ends[CLOCK_TEXT_SIZE];
    time_in(-60, starts);
    time_in(ends_in_s, ends);
    char *body =
        xasprintf("[{\"labels\":{\"alertname\":\"%s\",\"severity\":\"%s\",\"shard\":\"docs/shard-5\"},"
                  "\"annotations\":{\"summary\":\"%s is bad\",\"runbook_url\":\"file:x.md\"},"
                  "\"startsAt\":\"%s\",\"endsAt\":\"%s\"}]",
                  name, severity, name, starts, ends);
    post(port, "/api/v2/alerts", body);
    free(body);
}

static void silence(int port, const char *name)
{
    char starts[CLOCK_TEXT_SIZE], ends[CLOCK_TEXT_SIZE];
    time_in(0, starts);
    time_in(3600, ends);
    char *body = xasprintf(
        "{\"matchers\":[{\"name\":\"alertname\",\"value\":\"%s\",\"isRegex\":false,\"isEqual\":true}],"
        "\"startsAt\":\"%s\",\"endsAt\":\"%s\",\"createdBy\":\"test\",\"comment\":\"test\"}",
        name, starts, ends);
    post(port, "/api/v2/silences", body);
    free(body);
}

static pid_t alertmanager_start(const char *folder, int port)
{
    text_write(folder, "alertmanager.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n");
    char *config = xasprintf("--config.file=%s/alertmanager.yml", folder);
    char *storage = xasprintf("--storage.path=%s/data", folder);
    char *listen = xasprintf("--web.listen-address=127.0.0.1:%d", port);
    char *argv[] = {"prometheus-alertmanager", config, storage, listen, "--cluster.listen-address=", NULL};
    pid_t pid = server_start(folder, port, argv);
    free(config);
    free(storage);
    free(listen);
    return pid;
}

static void alerts_fire_are_silenced_and_resolved(void **state)
{
    (void)state;
    int port = free_port();
    char *folder = scratch_folder();
    pid_t pid = alertmanager_start(folder, port);
    char *yaml = xasprintf(
        "platform: alerts-test\nsources:\n  - {name: alerts, kind: http, url: 'http://127.0.0.1:%d', preset: "
        "alertmanager, every: 500ms}\n",
        port);
    struct watch w;
    watch_start(&w, yaml);
    watch_until(&w, str_eq(source_error(&w, "alerts"), ""));
    assert_int_equal(platform_counts(w.platform, ENTITY_ALERT).total, 0);
    post_alert(port, "ShardDown", "critical", 600);
    post_alert(port, "Slow", "warning", 600);
    watch_until(&w, is(&w, ENTITY_ALERT, "ShardDown", CONDITION_DOWN));
    watch_until(&w, is(&w, ENTITY_ALERT, "Slow", CONDITION_DEGRADED));
    const struct entity *e = find(&w, ENTITY_ALERT, "ShardDown");
    assert_string_equal(e->raw, "firing");
    assert_string_equal(entity_attribute(e, "shard"), "docs/shard-5");
    assert_string_equal(entity_attribute(e, "runbook"), "file:x.md");
    assert_true(e->flags & ENTITY_SINCE_OWN);
    cJSON *root;
    assert_int_equal(status_run(belay, folder, yaml, &root), 2);
    assert_string_equal(status_state(root, "alert", "ShardDown"), "down");
    cJSON_Delete(root);
    silence(port, "ShardDown");
    watch_until(&w, is(&w, ENTITY_ALERT, "ShardDown", CONDITION_DEGRADED));
    assert_string_equal(find(&w, ENTITY_ALERT, "ShardDown")->raw, "silenced");
    post_alert(port, "Slow", "warning", -1); /* resolved: it leaves the list */
    watch_until(&w, find(&w, ENTITY_ALERT, "Slow")->flags & ENTITY_GONE);
    watch_stop(&w);
    server_stop(pid);
    folder_remove(folder, NULL);
    free(folder);
    free(yaml);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    server_require("prometheus-alertmanager");
    const struct CMUnitTest tests[] = {cmocka_unit_test(alerts_fire_are_silenced_and_resolved)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
