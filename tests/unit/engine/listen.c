/* What the engine tells machines: /metrics can be read by our own parser (and by promtool, where it is), and
 * says what is; /healthz says why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/sources/exposition.h"

#define LIMIT_US (60 * US_PER_S)

static const char yaml[] =
    "platform: rag-prod\n"
    "sources:\n"
    "  - name: good\n    kind: command\n"
    "    command: [sh, -c, 'test ! -e \"$0\" && echo "
    "\"{\\\"a\\\":[{\\\"n\\\":\\\"x\\\",\\\"s\\\":\\\"down\\\"}]}\"', "
    "%s/broken]\n"
    "    every: 1s\n    map: {kind: component, rows: /a, name: '{n}', state: {from: /s, down: down}}\n"
    "%s";
static const char bad_source[] =
    "  - {name: bad, kind: command, command: ['false'], every: 1s, map: {kind: component, rows: /a, name: x, "
    "state: {from: /s, up: ok}}}\n";

struct rig {
    char *folder;
    struct loop *loop;
    struct config *config;
    struct engine *engine;
    struct http *http;
    struct str body;
    int status;
    bool done;
};

static void rig_open(struct rig *r, const char *more)
{
    struct err e = {0};
    struct engine_listening where;
    char folder[] = "/tmp/belay-listen-XXXXXX";
    char text[4096];
    *r = (struct rig){0};
    assert_non_null(mkdtemp(folder));
    r->folder = xstrdup(folder);
    snprintf(text, sizeof text, yaml, folder, more);
    r->config = config_parse(text, strlen(text), "belay.yaml", folder, NULL, &e);
    if (!r->config)
        fail_msg("%s", e.msg);
    r->loop = loop_new(&e);
    r->http = http_new(r->loop, 1, NULL);
    char *state = path_join(folder, "state");
    struct engine_options options = {
        .config = r->config, .state_folder = state, .watch = true, .attend = true};
    r->engine = engine_open(r->loop, &options, &e);
    free(state);
    if (!r->engine || engine_listen(r->engine, ":0", &where, &e) < 0)
        fail_msg("%s", e.msg);
    assert_true(where.loopback);
    assert_true(engine_is_observer(r->engine)); /* nobody is there to act */
    str_addf(&r->body, "http://%s", where.address);
}

static void rig_close(struct rig *r, char *base)
{
    http_free(r->http);
    engine_close(r->engine);
    loop_free(r->loop);
    config_free(r->config);
    assert_int_equal(folder_remove(r->folder, NULL), 0);
    free(r->folder);
    str_fini(&r->body);
    free(base);
}

static void on_done(void *data, struct http_result *result)
{
    struct rig *r = data;
    if (result->error)
        fail_msg("%s", result->reason);
    str_clear(&r->body);
    str_add_bytes(&r->body, str_text(&result->body), result->body.len);
    r->status = result->status;
    r->done = true;
}

static int get(struct rig *r, const char *base, const char *path)
{
    struct err e = {0};
    char *url = xasprintf("%s%s", base, path);
    struct http_request request = {.url = url, .timeout_us = 30 * US_PER_S, .done = on_done, .data = r};
    r->done = false;
    if (!http_start(r->http, &request, &e))
        fail_msg("%s", e.msg);
    for (int64_t until = clock_monotonic_us() + LIMIT_US; !r->done && clock_monotonic_us() < until;)
        loop_run_once(r->loop, 10 * US_PER_MS);
    free(url);
    assert_true(r->done);
    return r->status;
}

/* ---- reading what came ---- */

struct wanted {
    const char *name, *label, *value; /* label NULL: any */
    double found;
    size_t count;
};

static int on_sample(const struct exposition_sample *s, void *data)
{
    struct wanted *w = data;
    if (s->name.length != strlen(w->name) || memcmp(s->name.bytes, w->name, s->name.length) != 0)
        return 0;
    bool fits = w->label == NULL;
    for (size_t i = 0; i < s->label_count; i++)
        fits |= w->label && s->labels[i].name.length == strlen(w->label) &&
                memcmp(s->labels[i].name.bytes, w->label, s->labels[i].name.length) == 0 &&
                s->labels[i].value.length == strlen(w->value) &&
                memcmp(s->labels[i].value.bytes, w->value, s->labels[i].value.length) == 0;
    if (fits) {
        w->found = s->value;
        w->count++;
    }
    return 0;
}

/* The last sample of that name with that label; fails when there is none. */
static double metric(const struct rig *r, const char *name, const char *label, const char *value)
{
    struct wanted w = {.name = name, .label = label, .value = value};
    struct err e = {0};
    if (exposition_parse(str_text(&r->body), r->body.len, EXPOSITION_TEXT, on_sample, &w, &e))
        fail_msg("%s\n%s", e.msg, str_text(&r->body));
    if (w.count == 0)
        fail_msg("no %s{%s=\"%s\"} in\n%s", name, label ? label : "", value ? value : "", str_text(&r->body));
    return w.found;
}

#define until(r, base, path, condition)                                                                      \
    do {                                                                                                     \
        int64_t until_us = clock_monotonic_us() + LIMIT_US;                                                  \
        do {                                                                                                 \
            if (clock_monotonic_us() > until_us)                                                             \
                fail_msg("never: %s\n%d\n%s", #condition, (r)->status, str_text(&(r)->body));                \
            loop_run_once((r)->loop, 50 * US_PER_MS);                                                        \
            get(r, base, path);                                                                              \
        } while (!(condition));                                                                              \
    } while (0)

static bool promtool_found(void)
{
    return system("command -v promtool >/dev/null 2>&1") == 0;
}

static void promtool_check(const struct str *body)
{
    FILE *pipe = popen("promtool check metrics", "w");
    fwrite(str_text(body), 1, body->len, pipe);
    int status = pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("promtool is not content with\n%s", str_text(body));
}

static void test_metrics(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, bad_source);
    char *base = str_take(&r.body);
    until(&r, base, "/metrics",
          metric(&r, "belay_source_up", "source", "good") > 0 &&
              metric(&r, "belay_entities", "state", "down") >= 0 &&
              metric(&r, "belay_watching", NULL, NULL) > 0);
    assert_true(metric(&r, "belay_build_info", "platform", "rag-prod") == 1);
    assert_true(metric(&r, "belay_source_up", "source", "bad") == 0);
    assert_true(metric(&r, "belay_source_last_success_timestamp_seconds", "source", "good") > 1e9);
    assert_true(metric(&r, "belay_source_latency_seconds", "source", "good") >= 0);
    assert_true(metric(&r, "belay_journal_trouble", NULL, NULL) == 0);
    assert_true(metric(&r, "belay_loop_lag_seconds", NULL, NULL) >= 0);
    until(&r, base, "/metrics", metric(&r, "belay_journal_last_seq", NULL, NULL) >= 2);
    /* Each source is a target: what failed has a class, and opens its breaker in the end. */
    assert_true(metric(&r, "belay_attempts_total", "target", "source/good") >= 1);
    assert_true(metric(&r, "belay_operation_duration_seconds_count", "target", "source/good") >= 1);
    assert_true(metric(&r, "belay_failures_total", "target", "source/bad") >= 1);
    assert_true(metric(&r, "belay_retried_operations_total", "target", "source/bad") == 0);
    until(&r, base, "/metrics", metric(&r, "belay_breaker_trips_total", "target", "source/bad") == 1);
    assert_true(metric(&r, "belay_breaker_trips_total", "target", "source/good") == 0);
    size_t bad = 1;
    struct source_mishap mishaps[SOURCE_MISHAPS];
    assert_true(engine_source_mishaps(r.engine, bad, mishaps) >= 5);
    assert_string_equal(mishaps[0].class, "other");
    assert_true(mishaps[0].at_us >= mishaps[1].at_us && mishaps[0].text[0] != '\0');
    assert_int_equal(engine_source_mishaps(r.engine, 0, mishaps), 0);
    struct measures_sums spans[MEASURES_SPAN_COUNT];
    assert_true(engine_measures(r.engine, "source/bad", spans));
    assert_true(spans[MEASURES_1M].ok == 0 && spans[MEASURES_1M].failed >= 5);
    assert_true(spans[MEASURES_LIFE].trips == 1);
    assert_false(engine_measures(r.engine, "source/none", spans));
    if (promtool_found())
        promtool_check(&r.body);
    else
        print_message("promtool is not installed: our own parser alone has read it\n");
    assert_int_equal(get(&r, base, "/"), 404);
    rig_close(&r, base);
}

static void test_health(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, "");
    char *base = str_take(&r.body);
    until(&r, base, "/healthz", r.status == 200);
    assert_string_equal(str_text(&r.body), "ok\n");
    char *broken = path_join(r.folder, "broken");
    assert_int_equal(file_write_atomic(broken, "", 0, 0600, NULL), 0);
    until(&r, base, "/healthz", r.status == 503);
    assert_string_equal(str_text(&r.body), "all sources are silent: this host may be the broken one\n");
    unlink(broken);
    free(broken);
    until(&r, base, "/healthz", r.status == 200);
    rig_close(&r, base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_metrics), cmocka_unit_test(test_health)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
