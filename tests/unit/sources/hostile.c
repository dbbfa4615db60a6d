/* Servers that are down, slow, lying, or want to be convinced: each costs its own source a reason and nobody
 * anything else. */
#include "tests/unit/sources/run.h"

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
    assert_string_equal(s.error, "still looking through the database");
    assert_int_equal(platform_condition(r.platform), CONDITION_UNKNOWN);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(down_slow_and_lying_ones_cost_a_reason_and_nothing_else),
        cmocka_unit_test(lying_redis_servers_cost_a_reason_and_nothing_else),
        cmocka_unit_test(an_endless_scan_is_cut),
        cmocka_unit_test(secrets_are_read_when_used_and_again_when_refused),
        cmocka_unit_test(user_and_password_are_basic_authentication),
        cmocka_unit_test(a_rest_that_is_asked_for_is_given_but_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
