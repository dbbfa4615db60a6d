/* A real Alertmanager: an alert fires, is silenced, and is resolved. */
#include "tests/integration/servers.h"

static const char *belay;

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
