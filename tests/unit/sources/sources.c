/* The sources as they run: schedule, one pass, and what is refused before anything is asked. */
#include "tests/unit/sources/run.h"

static void one_pass_asks_every_kind_once(void **state)
{
    (void)state;
    struct run r;
    struct peer peers[2];
    peer_start(&peers[0], serve_answer, "[{\"n\":\"a\",\"s\":\"up\"},{\"n\":\"b\",\"s\":\"gone\"}]");
    peer_start(&peers[1], serve_answer, "resilience4j_circuitbreaker_state{name=\"x\",state=\"open\"} 1\n");
    run_start(&r,
              "  - {name: web, kind: http, url: $1, " MAP "}\n"
              "  - {name: metrics, kind: prometheus, url: $2, preset: resilience4j}\n"
              "  - {name: tool, kind: command, command: [printf, '[{\"n\":\"%s\",\"s\":\"up\"}]', c], " MAP
              "}\n"
              "  - {name: text, kind: command, parse: prometheus, command: [echo, 'up{j=\"q\"} 1'], map: "
              "{kind: component, "
              "metric: up, name: '{j}', state: {from: '@value', 1: ok}}}\n",
              peers);
    run_once(&r);
    assert_int_equal(r.batches, 4);
    assert_int_equal(r.statuses, 4);
    expect_seen(&r, "web: a=up b=gone\n");
    expect_seen(&r, "metrics: x=OPEN\n");
    expect_seen(&r, "tool: c=up\n");
    expect_seen(&r, "text: q=1\n");
    assert_int_equal(platform_condition(r.platform), CONDITION_DOWN);
    struct source_status s;
    int index = sources_find(r.sources, "metrics");
    sources_status(r.sources, (size_t)index, &s);
    assert_true(s.answered && s.age_us >= 0 && s.latency_us > 0 && s.bytes > 60);
    assert_int_equal(s.rows, 1);
    assert_string_equal(s.preset, "resilience4j");
    assert_true(str_ends(s.target, "/metrics")); /* where a bare URL is asked */
    assert_int_equal(s.next_us, -1);
    assert_int_equal(sources_find(r.sources, "nobody"), -1);
    assert_int_equal(sources_count(r.sources), 4);
    run_stop(&r);
    peers_stop(peers, 2);
}

static void one_pass_over_nothing_ends_too(void **state)
{
    (void)state;
    struct run r = {.loop = loop_new(NULL), .platform = platform_new(NULL)};
    r.sources = sources_new(r.loop, NULL, &(struct sources_events){on_batch, NULL, &r}, NULL);
    run_once(&r);
    run_stop(&r);
}

static void values_that_need_two_answers_get_them_in_one_pass(void **state)
{
    (void)state;
    struct run r;
    struct peer peer;
    peer_start(&peer, serve_answer, "c 5\n");
    run_start(&r,
              "  - {name: m, kind: prometheus, url: $1, map: {kind: signal, name: s, value: {rate: {metric: "
              "c}}}}\n",
              &peer);
    run_once(&r);
    assert_string_equal(r.seen.data, "m: s=\n");
    assert_int_equal(platform_counts(r.platform, ENTITY_SIGNAL).by[CONDITION_OK], 1);
    run_stop(&r);
    peer_stop(&peer);
}

static void serve_slowly(struct peer *p, int fd)
{
    char head[8192];
    atomic_int *inside = p->data; /* [0] now, [1] most, [2] requests */
    while (peer_read_request(fd, head, sizeof head)) {
        int now = ++inside[0];
        if (now > inside[1])
            inside[1] = now;
        inside[2]++;
        poll(NULL, 0, 250);
        inside[0]--;
        if (!peer_say(p, fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"))
            return;
    }
}

static void a_source_never_overtakes_itself(void **state)
{
    (void)state;
    struct run r;
    struct peer peer;
    atomic_int inside[3] = {0};
    peer_start(&peer, serve_slowly, inside);
    run_start(&r, "  - {name: slow, kind: http, url: $1, every: 100ms, timeout: 5s, " MAP "}\n", &peer);
    sources_start(r.sources);
    turn_until(&r, &r.batches, 4);
    turn_until(&r, &r.batches, 6);
    assert_int_equal(inside[1], 1);
    run_stop(&r);
    peer_stop(&peer);
}

static void polls_come_at_their_times_until_a_breaker_opens(void **state)
{
    (void)state;
    struct run r;
    struct peer peers[2];
    peer_start(&peers[0], serve_answer, "[]");
    peer_start(&peers[1], serve_nothing, NULL);
    peer_stop(&peers[1]);
    run_start(&r,
              "  - {name: a, kind: http, url: $1, every: 100ms, " MAP "}\n"
              "  - {name: b, kind: http, url: $2, every: 100ms, " MAP "}\n",
              peers);
    int64_t start = clock_monotonic_us();
    sources_start(r.sources);
    turn_until(&r, &r.batches, 20);
    int64_t took = clock_monotonic_us() - start;
    assert_true(took >= 850 * US_PER_MS); /* ten turns: nine intervals, whatever the machine's load adds */
    struct source_status s;
    sources_status(r.sources, 1, &s);
    assert_int_equal(s.failures, 5); /* then it is left alone for a while */
    assert_int_equal(s.failures, s.failures_in_a_row);
    assert_string_equal(s.breaker, "OPEN");
    assert_string_equal(s.failure, "connect");
    assert_true(s.next_us > 100 * US_PER_MS && s.next_us <= 5500 * US_PER_MS);
    sources_status(r.sources, 0, &s);
    assert_string_equal(s.breaker, "CLOSED");
    assert_string_equal(s.failure, "none");
    assert_true(s.next_us >= 0 && s.next_us <= 100 * US_PER_MS);
    sources_status(r.sources, 1, &s);
    assert_false(s.answered);
    assert_int_equal(s.age_us, -1);
    run_stop(&r);
    peer_stop(&peers[0]);
}

static char *large_list(size_t rows)
{
    struct str body = {0};
    str_add(&body, "[");
    for (size_t i = 0; i < rows; i++)
        str_addf(&body,
                 "%s{\"n\":\"row-%zu\",\"s\":\"up\",\"filler\":"
                 "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
                 i ? "," : "", i);
    str_add(&body, "]");
    return str_take(&body);
}

static void large_answers_are_read_in_the_pool(void **state)
{
    (void)state;
    struct run r;
    struct peer peer;
    char *body = large_list(9000);
    assert_true(strlen(body) > 700000);
    peer_start(&peer, serve_answer, body);
    run_start(&r, "  - {name: big, kind: http, url: $1, timeout: 20s, " MAP "}\n", &peer);
    run_once(&r);
    expect_seen(&r, "row-8999=up");
    assert_int_equal(platform_counts(r.platform, ENTITY_COMPONENT).by[CONDITION_OK], 9000);
    run_stop(&r);
    peer_stop(&peer);
    free(body);
}

static void they_can_be_freed_at_any_moment(void **state)
{
    (void)state;
    struct peer peers[2];
    char *body = large_list(9000);
    peer_start(&peers[0], serve_answer, body);
    peer_start(&peers[1], serve_nothing, NULL);
    for (int turns = 0; turns < 40; turns += turns < 10 ? 1 : 5) {
        struct run r;
        setenv("SOURCES_TEST_TOKEN", "t", 1);
        run_start(
            &r,
            "  - {name: big, kind: http, url: $1, timeout: 20s, " MAP "}\n"
            "  - {name: silent, kind: http, url: $2, headers: {X: {secret: 'env:SOURCES_TEST_TOKEN'}}, " MAP
            "}\n"
            "  - {name: tool, kind: command, command: [sleep, '5'], " MAP "}\n"
            "  - {name: keys, kind: redis, url: 'redis://127.0.0.1:1', preset: checkpoints}\n",
            peers);
        sources_start(r.sources);
        for (int i = 0; i < turns; i++)
            loop_run_once(r.loop, 5 * US_PER_MS);
        run_stop(&r);
    }
    peers_stop(peers, 2);
    free(body);
}

static void status_check(const char *yaml, const char *wanted)
{
    struct err e = {0};
    struct config_findings findings = {0};
    char *text = xasprintf("sources:\n%s", yaml);
    struct config *c = config_parse(text, strlen(text), "belay.yaml", "/tmp", NULL, &e);
    if (!c)
        fail_msg("%s", e.msg);
    int code = sources_check(c, &findings, &e);
    if (wanted) {
        assert_true(code < 0);
        assert_true(findings.errors > 0);
        if (!strstr(e.msg, wanted))
            fail_msg("got    %s\nwanted %s", e.msg, wanted);
        struct loop *l = loop_new(NULL);
        assert_null(sources_new(l, c, &(struct sources_events){on_batch, NULL, NULL}, &e));
        loop_free(l);
    } else if (code) {
        fail_msg("%s", e.msg);
    }
    config_findings_fini(&findings);
    config_free(c);
    free(text);
}

static void what_is_wrong_is_named_before_anything_is_asked(void **state)
{
    (void)state;
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    status_check("  - {name: a, kind: htpt, url: 'http://h', preset: qdrant}\n",
                 "source a: there is no kind 'htpt': did you mean 'http'?");
    status_check("  - {name: a, kind: carrier-pigeon, url: 'http://h', preset: qdrant}\n",
                 "there is no kind 'carrier-pigeon': prometheus, http, redis, command or journal");
    status_check("  - {name: a, kind: http, url: 'http://h'}\n", "source a: needs a preset: or a map:");
    status_check("  - {name: a, kind: http, map: {kind: shard, name: x, state: /s}}\n",
                 "source a: kind: http needs url:");
    status_check("  - {name: a, kind: http, url: 'http://h', preset: qdrannt}\n", "did you mean 'qdrant'?");
    status_check("  - {name: a, kind: redis, url: 'redis://h', preset: qdrant, vars: {collection: x}}\n",
                 "the preset qdrant is not for kind redis, but for http");
    status_check("  - {name: a, kind: http, url: 'http://h', preset: qdrant}\n",
                 "needs vars: {collection: ...}");
    status_check("  - {name: a, kind: redis, url: 'rediss://h', preset: checkpoints}\n", "stunnel");
    status_check(
        "  - {name: a, kind: redis, url: 'redis://h', map: {kind: job, keys: 'x:{a}{b}', name: '{a}'}}\n",
        "keys: is a text with up to 4 names in braces, something between each two");
    status_check("  - {name: a, kind: redis, url: 'redis://h', map: {kind: job, name: '{a}'}}\n",
                 "a rule for redis needs keys:");
    status_check(
        "  - name: a\n    kind: http\n    url: http://h\n    map: {kind: shard, name: x, stat: /s}\n",
        ":5:39: a rule has no 'stat': did you mean 'state'?");
    status_check(
        "  - {name: a, kind: http, url: 'http://h:6333/', preset: qdrant, vars: {collection: docs}}\n", NULL);
    status_check("  - {name: a, kind: http, url: 'http://h:6333', preset: alertmanager, map: {kind: "
                 "component, name: am, state: "
                 "{from: '@status', 200: ok}}}\n",
                 NULL);
}

static void urls_get_the_presets_path_once(void **state)
{
    (void)state;
    static const struct {
        const char *source, *target;
    } cases[] = {
        {"kind: http, url: 'http://h:1', preset: alertmanager", "http://h:1/api/v2/alerts"},
        {"kind: http, url: 'http://h:1/', preset: alertmanager", "http://h:1/api/v2/alerts"},
        {"kind: http, url: 'http://h:1/am/', preset: alertmanager", "http://h:1/am/api/v2/alerts"},
        {"kind: http, url: 'http://h:1/api/v2/alerts', preset: alertmanager", "http://h:1/api/v2/alerts"},
        {"kind: http, url: 'http://h', preset: qdrant, vars: {collection: 'a b/c?'}",
         "http://h/collections/a%20b%2Fc%3F/cluster"},
        {"kind: prometheus, url: 'http://h', preset: resilience4j", "http://h/metrics"},
        {"kind: prometheus, url: 'http://h/', preset: resilience4j", "http://h/metrics"},
        {"kind: prometheus, url: 'http://h/actuator/prometheus', preset: resilience4j",
         "http://h/actuator/prometheus"},
        {"kind: redis, url: 'redis://h:7/2', preset: checkpoints", "redis://h:7/2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run r;
        struct source_status s;
        char *yaml = xasprintf("  - {name: a, %s}\n", cases[i].source);
        run_start(&r, yaml, NULL);
        sources_status(r.sources, 0, &s);
        assert_string_equal(s.target, cases[i].target);
        run_stop(&r);
        free(yaml);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pass_asks_every_kind_once),
        cmocka_unit_test(one_pass_over_nothing_ends_too),
        cmocka_unit_test(values_that_need_two_answers_get_them_in_one_pass),
        cmocka_unit_test(a_source_never_overtakes_itself),
        cmocka_unit_test(polls_come_at_their_times_until_a_breaker_opens),
        cmocka_unit_test(large_answers_are_read_in_the_pool),
        cmocka_unit_test(they_can_be_freed_at_any_moment),
        cmocka_unit_test(what_is_wrong_is_named_before_anything_is_asked),
        cmocka_unit_test(urls_get_the_presets_path_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
