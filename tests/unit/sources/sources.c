/* The sources as they run: schedule, one pass, and servers that are down, slow or lying. */
#include "engine/sources/sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "tests/unit/io/peer.h"

#define PATIENCE_US (60 * US_PER_S)

struct run {
    struct loop *loop;
    struct config *config;
    struct sources *sources;
    struct platform *platform;
    struct str seen; /* a line a batch */
    size_t batches, statuses;
    int done;
};

static void on_batch(void *data, const struct batch *b, int64_t now_us, int64_t wall_us)
{
    struct run *r = data;
    r->batches++;
    str_addf(&r->seen, "%s:%s", b->source, b->partial ? " partial" : "");
    if (b->error)
        str_addf(&r->seen, " error %s", b->error);
    for (size_t i = 0; i < b->observation_count; i++)
        str_addf(&r->seen, " %s=%s", b->observations[i].name,
                 b->observations[i].raw ? b->observations[i].raw : "");
    str_add_char(&r->seen, '\n');
    assert_true(platform_apply(r->platform, b, now_us, wall_us));
}

static void on_status(void *data, size_t index)
{
    struct run *r = data;
    struct source_status s;
    r->statuses++;
    sources_status(r->sources, index, &s);
    assert_false(s.polling);
    assert_true(s.answers + s.failures > 0);
}

static void on_done(void *data)
{
    ((struct run *)data)->done++;
}

/* yaml: the sources' list; $1, $2 ... are replaced by the peers' ports. */
static void run_start(struct run *r, const char *yaml, const struct peer *peers)
{
    struct str text = {0};
    struct err e = {0};
    *r = (struct run){.loop = loop_new(NULL), .platform = platform_new(NULL)};
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    str_add(&text, "sources:\n");
    for (const char *p = yaml; *p; p++) {
        if (*p == '$' && p[1] >= '1' && p[1] <= '9')
            str_addf(&text, "http://127.0.0.1:%d", peers[*++p - '1'].port);
        else
            str_add_char(&text, *p);
    }
    r->config = config_parse(text.data, text.len, "belay.yaml", "/tmp", NULL, &e);
    if (!r->config)
        fail_msg("%s\n%s", e.msg, text.data);
    r->sources = sources_new(r->loop, r->config, &(struct sources_events){on_batch, on_status, r}, &e);
    if (!r->sources)
        fail_msg("%s\n%s", e.msg, text.data);
    sources_register(r->sources, r->platform, loop_now_us(r->loop), clock_wall_us());
    str_fini(&text);
}

static void run_stop(struct run *r)
{
    sources_free(r->sources);
    loop_free(r->loop);
    platform_free(r->platform);
    config_free(r->config);
    str_fini(&r->seen);
}

static void turn_until(struct run *r, const size_t *counter, size_t wanted)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (*counter < wanted) {
        if (clock_monotonic_us() > end)
            fail_msg("waited too long; seen\n%s", str_text(&r->seen));
        loop_run_once(r->loop, 100 * US_PER_MS);
    }
}

static void run_once(struct run *r)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    sources_once(r->sources, on_done, r);
    assert_int_equal(r->done, 0);
    while (!r->done) {
        if (clock_monotonic_us() > end)
            fail_msg("waited too long; seen\n%s", str_text(&r->seen));
        loop_run_once(r->loop, 100 * US_PER_MS);
    }
    assert_int_equal(r->done, 1);
}

static void expect_seen(const struct run *r, const char *line)
{
    if (!strstr(str_text(&r->seen), line))
        fail_msg("not seen: %s\nseen\n%s", line, str_text(&r->seen));
}

/* ---- Servers ---- */

static void serve_answer(struct peer *p, int fd)
{
    char head[8192], start[256];
    const char *body = p->data;
    while (peer_read_request(fd, head, sizeof head)) {
        snprintf(start, sizeof start, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(body));
        if (!peer_say(p, fd, start) || !peer_say(p, fd, body))
            return;
    }
}

static void serve_raw(struct peer *p, int fd)
{
    char head[8192];
    if (peer_read_request(fd, head, sizeof head))
        peer_say(p, fd, p->data);
}

static void serve_endless(struct peer *p, int fd)
{
    char head[8192];
    if (!peer_read_request(fd, head, sizeof head) || !peer_say(p, fd, "HTTP/1.1 200 OK\r\n\r\n[1"))
        return;
    while (peer_say(p, fd,
                    ",1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"))
        ;
}

static void serve_nothing(struct peer *p, int fd)
{
    peer_wait_closed(p, fd);
}

static void peers_stop(struct peer *peers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        peer_stop(&peers[i]);
}

#define MAP "map: {kind: component, rows: /*, name: '{n}', state: {from: /s, up: ok, gone: down}}"

/* ---- Tests ---- */

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

static void down_slow_and_lying_ones_cost_a_reason_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        peer_fn *behaviour;
        const char *says, *reason;
    } lies[] = {
        {serve_endless, NULL, "larger than 8388608 bytes"},
        {serve_nothing, NULL, "timed out"},
        {serve_answer, "<!DOCTYPE html><html>log in</html>", "the answer is an HTML page, not JSON"},
        {serve_answer, "", "the answer is empty, not JSON"},
        {serve_answer, "[{\"n\":\"a\",\"s\":\"\xff\xfe\"}]", "UTF-8"},
        {serve_answer, "{\"n\":1,\"n\":2}", "the answer can't be read"},
        {serve_answer, "\"text\"", "the answer has no list at ''"},
        {serve_raw, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "HTTP 500"},
        {serve_raw, "HTTP/1.1 302 Found\r\nLocation: http://login/\r\nContent-Length: 0\r\n\r\n",
         "redirects to http://login/"},
        {serve_raw, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "HTTP 401: check the credentials"},
        {serve_raw, "\x1b[2J\x1b]0;pwned\x07\r\n\r\n", ""},
    };
    enum { LIES = sizeof lies / sizeof lies[0] };
    struct peer peers[LIES + 1];
    struct str yaml = {0}, all = {0};
    struct run r;
    for (size_t i = 0; i < LIES; i++) {
        peer_start(&peers[i], lies[i].behaviour, (void *)(uintptr_t)lies[i].says);
        str_addf(&yaml, "  - {name: lie%zu, kind: http, url: 'http://127.0.0.1:%d', timeout: 4s, " MAP "}\n",
                 i, peers[i].port);
    }
    peer_start(&peers[LIES], serve_answer,
               "[{\"n\":\"honest\",\"s\":\"up\"},{\"n\":\"\\u001b[31mred\",\"s\":\"up\"}]");
    str_addf(&yaml, "  - {name: good, kind: http, url: 'http://127.0.0.1:%d', " MAP "}\n", peers[LIES].port);
    str_add(&yaml,
            "  - {name: gone, kind: command, command: [no-such-program], " MAP "}\n"
            "  - {name: exits, kind: command, command: [sh, -c, 'echo no route >&2; exit 3'], " MAP "}\n"
            "  - {name: hangs, kind: command, timeout: 300ms, command: [sleep, '600'], " MAP "}\n"
            "  - {name: shouts, kind: command, command: [yes], " MAP "}\n");
    run_start(&r, yaml.data, NULL);
    run_once(&r);
    for (size_t i = 0; i < LIES; i++) {
        char line[32];
        snprintf(line, sizeof line, "lie%zu: error ", i);
        expect_seen(&r, line);
        const char *said = strstr(r.seen.data, line);
        char *one = xstrndup(said, strcspn(said, "\n"));
        if (!strstr(one, lies[i].reason))
            fail_msg("%s\nwanted %s", one, lies[i].reason);
        free(one);
    }
    expect_seen(&r, "good: honest=up");
    expect_seen(&r, "gone: error cannot run no-such-program");
    expect_seen(&r, "exits: error exit 3: no route\n");
    expect_seen(&r, "hangs: error took too long");
    expect_seen(&r, "shouts: error printed more than 8388608 bytes");
    /* what a server says reaches a reason only cleaned */
    for (size_t i = 0; i < sources_count(r.sources); i++) {
        struct source_status s;
        sources_status(r.sources, i, &s);
        assert_null(strchr(s.error, '\033'));
        assert_true(utf8_valid(s.error, strlen(s.error), NULL));
    }
    run_stop(&r);
    peers_stop(peers, LIES + 1);
    str_fini(&yaml);
    str_fini(&all);
}

/* Says the same after everything that is asked. */
static void serve_redis(struct peer *p, int fd)
{
    char bytes[4096];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        if (!peer_say(p, fd, p->data))
            return;
}

static void lying_redis_servers_cost_a_reason_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *says, *reason;
    } lies[] = {
        {"-LOADING Redis is loading the dataset in memory\r\n", "SCAN: LOADING"},
        {"+OK\r\n", "SCAN: an answer of the wrong shape"},
        {"*0\r\n", "SCAN: an answer of the wrong shape"},
        {"*2\r\n:0\r\n*0\r\n", "SCAN: an answer of the wrong shape"},
        {"*2\r\n$1\r\n0\r\n$-1\r\n", "SCAN: an answer of the wrong shape"},
        {"*2\r\n$40\r\n0000000000000000000000000000000000000000\r\n*0\r\n",
         "SCAN: an answer of the wrong shape"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", ""},
        {"*2\r\n$1\r\n0\r\n*1\r\n$16\r\ncheckpoint:r:c_1\r\n+OK\r\n",
         NULL}, /* then what wasn't asked, taken for a type */
    };
    enum { LIES = sizeof lies / sizeof lies[0] };
    struct peer peers[LIES + 1];
    struct str yaml = {0};
    struct run r;
    for (size_t i = 0; i < LIES; i++)
        peer_start(&peers[i], serve_redis, (void *)(uintptr_t)lies[i].says);
    peer_start(&peers[LIES], serve_answer, "[]");
    for (size_t i = 0; i < LIES; i++)
        str_addf(&yaml,
                 "  - {name: lie%zu, kind: redis, url: 'redis://127.0.0.1:%d', timeout: 3s, preset: "
                 "checkpoints}\n",
                 i, peers[i].port);
    str_addf(&yaml, "  - {name: good, kind: http, url: 'http://127.0.0.1:%d', " MAP "}\n", peers[LIES].port);
    run_start(&r, yaml.data, NULL);
    run_once(&r);
    for (size_t i = 0; i < LIES; i++) {
        char *line = xasprintf("lie%zu: %s%s", i,
                               lies[i].reason ? "error " : "r=", lies[i].reason ? lies[i].reason : "");
        expect_seen(&r, line);
        free(line);
    }
    expect_seen(&r, "good:\n");
    assert_int_equal(platform_counts(r.platform, ENTITY_JOB).by[CONDITION_UNKNOWN], 1);
    run_stop(&r);
    peers_stop(peers, LIES + 1);
    str_fini(&yaml);
}

/* A cursor that never comes back to the start: each poll ends in its time, nothing is taken for gone. */
static void an_endless_scan_is_cut(void **state)
{
    (void)state;
    struct run r;
    struct peer peer;
    char yaml[160];
    peer_start(&peer, serve_redis, "*2\r\n$2\r\n17\r\n*0\r\n");
    snprintf(yaml, sizeof yaml,
             "  - {name: keys, kind: redis, url: 'redis://127.0.0.1:%d', preset: checkpoints}\n", peer.port);
    run_start(&r, yaml, NULL);
    run_once(&r);
    assert_string_equal(r.seen.data, "keys: partial\n");
    struct source_status s;
    sources_status(r.sources, 0, &s);
    assert_string_equal(s.note, "still looking through the database");
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
    sources_poll(r.sources, 0);
    sources_poll(r.sources, 0);
    turn_until(&r, &r.batches, 6);
    assert_int_equal(inside[1], 1);
    sources_stop(r.sources);
    struct source_status s;
    sources_status(r.sources, 0, &s);
    assert_int_equal(s.next_us, -1);
    run_stop(&r);
    peer_stop(&peer);
}

static void polls_come_at_their_times_and_go_on_after_failures(void **state)
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
    assert_true(s.failures >= 9);
    assert_int_equal(s.failures, s.failures_in_a_row);
    assert_true(s.next_us >= 0 && s.next_us <= 100 * US_PER_MS);
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

static void serve_secret(struct peer *p, int fd)
{
    char head[8192];
    while (peer_read_request(fd, head, sizeof head)) {
        bool good = strstr(head, "Authorization: Bearer right\r\n") && strstr(head, "X-Plain: yes\r\n");
        if (!peer_say(p, fd,
                      good ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
                           : "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"))
            return;
    }
}

static void secrets_are_read_when_used_and_again_when_refused(void **state)
{
    (void)state;
    struct run r;
    struct peer peer;
    peer_start(&peer, serve_secret, NULL);
    setenv("SOURCES_TEST_TOKEN", "wrong", 1);
    run_start(&r,
              "  - {name: s, kind: http, url: $1, every: 100ms, headers: {Authorization: {secret: "
              "'env:SOURCES_TEST_TOKEN', "
              "prefix: 'Bearer '}, X-Plain: 'yes'}, " MAP "}\n",
              &peer);
    sources_start(r.sources);
    turn_until(&r, &r.batches, 1);
    assert_string_equal(r.seen.data, "s: error HTTP 401: check the credentials\n");
    setenv("SOURCES_TEST_TOKEN", "right", 1); /* rotated */
    str_clear(&r.seen);
    size_t before = r.batches;
    turn_until(&r, &r.batches, before + 1);
    assert_string_equal(r.seen.data, "s:\n");
    run_stop(&r);
    unsetenv("SOURCES_TEST_TOKEN");
    run_start(
        &r, "  - {name: s, kind: http, url: $1, headers: {A: {secret: 'env:SOURCES_TEST_TOKEN'}}, " MAP "}\n",
        &peer);
    run_once(&r);
    expect_seen(&r, "s: error a secret can't be read: ");
    run_stop(&r);
    peer_stop(&peer);
}

static void serve_login(struct peer *p, int fd)
{
    char head[8192];
    while (peer_read_request(fd, head, sizeof head)) {
        bool good = strstr(head, "Authorization: Basic YWxpY2U6aHVudGVyMg==\r\n");
        if (!peer_say(p, fd,
                      good ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
                           : "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"))
            return;
    }
}

static void user_and_password_are_basic_authentication(void **state)
{
    (void)state;
    struct run r;
    struct peer peer;
    peer_start(&peer, serve_login, NULL);
    setenv("SOURCES_TEST_TOKEN", "hunter2", 1);
    run_start(
        &r,
        "  - {name: s, kind: http, url: $1, user: alice, password: {secret: 'env:SOURCES_TEST_TOKEN'}, " MAP
        "}\n",
        &peer);
    run_once(&r);
    assert_string_equal(r.seen.data, "s:\n");
    run_stop(&r);
    peer_stop(&peer);
}

static void serve_rest(struct peer *p, int fd)
{
    char head[8192];
    atomic_int *requests = p->data;
    while (peer_read_request(fd, head, sizeof head)) {
        ++*requests;
        if (!peer_say(p, fd, "HTTP/1.1 429 Slow down\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"))
            return;
    }
}

static void a_rest_that_is_asked_for_is_given_but_bounded(void **state)
{
    (void)state;
    struct run r;
    struct peer peer;
    atomic_int requests = 0;
    peer_start(&peer, serve_rest, &requests);
    run_start(&r, "  - {name: s, kind: http, url: $1, every: 100ms, " MAP "}\n", &peer);
    sources_start(r.sources);
    turn_until(&r, &r.batches, 1);
    struct source_status s;
    sources_status(r.sources, 0, &s);
    assert_true(s.next_us > 4 * US_PER_S && s.next_us < 6 * US_PER_S);
    assert_int_equal(requests, 1);
    run_stop(&r);
    peer_stop(&peer);
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
    status_check("  - {name: a, kind: http, url: 'http://h'}\n", "source a: needs a preset: or a map:");
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
        cmocka_unit_test(down_slow_and_lying_ones_cost_a_reason_and_nothing_else),
        cmocka_unit_test(lying_redis_servers_cost_a_reason_and_nothing_else),
        cmocka_unit_test(an_endless_scan_is_cut),
        cmocka_unit_test(a_source_never_overtakes_itself),
        cmocka_unit_test(polls_come_at_their_times_and_go_on_after_failures),
        cmocka_unit_test(large_answers_are_read_in_the_pool),
        cmocka_unit_test(they_can_be_freed_at_any_moment),
        cmocka_unit_test(secrets_are_read_when_used_and_again_when_refused),
        cmocka_unit_test(user_and_password_are_basic_authentication),
        cmocka_unit_test(a_rest_that_is_asked_for_is_given_but_bounded),
        cmocka_unit_test(what_is_wrong_is_named_before_anything_is_asked),
        cmocka_unit_test(urls_get_the_presets_path_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
