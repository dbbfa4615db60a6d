#include "engine/io/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "tests/unit/io/liars.h"

#define PATIENCE_US (30 * US_PER_S)

struct get {
    int done;
    struct http_result result;
    char *body;
};

static void on_done(void *data, struct http_result *result)
{
    struct get *g = data;
    g->done++;
    g->result = *result;
    g->body = str_take(&result->body);
    g->result.body = (struct str){0};
}

static void get_fini(struct get *g)
{
    free(g->body);
    *g = (struct get){0};
}

struct fixture {
    struct loop *loop;
    struct http *http;
    struct peer peer;
    char url[64];
};

static void fixture_start(struct fixture *f, peer_fn *behaviour, void *data)
{
    f->loop = loop_new(NULL);
    f->http = http_new(f->loop, 4, NULL);
    peer_start(&f->peer, behaviour, data);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/", f->peer.port);
}

static void fixture_stop(struct fixture *f)
{
    http_free(f->http);
    loop_free(f->loop);
    peer_stop(&f->peer);
}

static void turn_until_done(struct loop *l, const struct get *g, int wanted)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (g->done < wanted) {
        assert_true(clock_monotonic_us() < end);
        loop_run_once(l, 100 * US_PER_MS);
    }
}

static void get(struct fixture *f, struct get *g, struct http_request r)
{
    *g = (struct get){0};
    r.done = on_done;
    r.data = g;
    if (!r.url)
        r.url = f->url;
    if (!r.timeout_us)
        r.timeout_us = PATIENCE_US;
    struct err e;
    assert_non_null(http_start(f->http, &r, &e));
    assert_int_equal(g->done, 0);
    turn_until_done(f->loop, g, 1);
}

/* ---- Servers ---- */

static void serve_text(struct peer *p, int fd)
{
    char head[4096];
    while (peer_read_request(fd, head, sizeof head))
        if (!peer_say(p, fd, p->data))
            return;
}

static void serve_echo(struct peer *p, int fd)
{
    char head[4096], answer[8192];
    while (peer_read_request(fd, head, sizeof head)) {
        const char *length = strstr(head, "Content-Length: ");
        char body[256] = "";
        if (length && recv(fd, body, (size_t)atoi(length + 16), MSG_WAITALL) < 0)
            return;
        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s%s",
                 strlen(head) + strlen(body), head, body);
        if (!peer_say(p, fd, answer))
            return;
    }
}

/* ---- Tests ---- */

static void an_answer_comes_with_what_matters_of_its_head(void **state)
{
    (void)state;
    struct fixture f;
    struct get g;
    fixture_start(&f, serve_text,
                  "HTTP/1.1 503 Sorry\r\nContent-Type:  text/plain; charset=utf-8 \r\nRETRY-AFTER: 120\r\n"
                  "Location: http://elsewhere/\r\nContent-Length: 5\r\n\r\nhello");
    for (int i = 0; i < 3; i++) {
        get(&f, &g, (struct http_request){0});
        assert_int_equal(g.result.error, 0);
        assert_int_equal(g.result.status, 503);
        assert_string_equal(g.result.content_type, "text/plain; charset=utf-8");
        assert_string_equal(g.result.retry_after, "120");
        assert_string_equal(g.result.location, "http://elsewhere/");
        assert_string_equal(g.body, "hello");
        assert_true(g.result.total_us > 0 && g.result.total_us >= g.result.first_byte_us);
        assert_true(g.result.received_bytes > 100);
        get_fini(&g);
    }
    assert_int_equal(f.peer.connections, 1); /* the connection was kept */
    fixture_stop(&f);
}

static void requests_go_out_as_asked(void **state)
{
    (void)state;
    struct fixture f;
    struct get g;
    fixture_start(&f, serve_echo, NULL);
    const char *headers[] = {"Authorization: Bearer s3cret", "X-Two: 2", NULL};
    get(&f, &g, (struct http_request){.headers = headers});
    assert_memory_equal(g.body, "GET / HTTP/1.1\r\n", 16);
    assert_non_null(strstr(g.body, "Authorization: Bearer s3cret\r\n"));
    assert_non_null(strstr(g.body, "X-Two: 2\r\n"));
    assert_non_null(strstr(g.body, "User-Agent: belay/"));
    get_fini(&g);
    get(&f, &g, (struct http_request){.method = "PUT", .body = "{\"a\":1}", .body_length = 7});
    assert_memory_equal(g.body, "PUT / HTTP/1.1\r\n", 16);
    assert_true(str_ends(g.body, "\r\n\r\n{\"a\":1}"));
    get_fini(&g);
    get(&f, &g, (struct http_request){0}); /* nothing of the last one sticks to a reused handle */
    assert_memory_equal(g.body, "GET / HTTP/1.1\r\n", 16);
    assert_null(strstr(g.body, "Authorization"));
    assert_null(strstr(g.body, "{\"a\""));
    get_fini(&g);
    fixture_stop(&f);
}

static void what_cannot_be_sent_is_refused_at_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, serve_echo, NULL);
    const char *const urls[] = {"",           "nonsense",        "file:///etc/passwd", "gopher://127.0.0.1/",
                                "http://",    "ftp://127.0.0.1", "http://a b/",        "http://host:99999/",
                                "telnet://x", "//host/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct err e = {0};
        int code = http_url_check(urls[i], &e);
        if (!code)
            fail_msg("'%s' was accepted", urls[i]);
        assert_int_equal(e.code, code);
        assert_null(
            http_start(f.http, &(struct http_request){.url = urls[i], .timeout_us = 1, .done = on_done}, &e));
    }
    struct err e = {0};
    const char *split[] = {"X: a\r\nEvil: b", NULL};
    assert_null(
        http_start(f.http, &(struct http_request){.url = f.url, .headers = split, .timeout_us = 1}, &e));
    assert_null(
        http_start(f.http, &(struct http_request){.url = f.url, .method = "GET /x", .timeout_us = 1}, &e));
    assert_int_equal(http_url_check("https://[::1]:8443/a?b=c", NULL), 0);
    fixture_stop(&f);
}

static void hostile_servers_cost_a_reason_and_nothing_else(void **state)
{
    (void)state;
    const struct {
        peer_fn *behaviour;
        int64_t timeout_us;
        int error;
        const char *reason;
    } cases[] = {
        {serve_endless_body, 0, ERR_RANGE, "larger than 8388608 bytes"},
        {serve_bomb, 0, ERR_RANGE, "larger than 8388608 bytes"},
        {serve_endless_headers, 0, ERR_RANGE, "headers are larger"},
        {serve_nothing, 200 * US_PER_MS, ERR_TIMED_OUT, "timed out"},
        {serve_drip, 300 * US_PER_MS, ERR_TIMED_OUT, "timed out"},
        {serve_garbage, 0, 0, ""},
        {serve_cut_body, 0, ERR_IO, "closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        struct get g;
        fixture_start(&f, cases[i].behaviour, NULL);
        get(&f, &g, (struct http_request){.timeout_us = cases[i].timeout_us});
        if (cases[i].reason[0]) {
            assert_int_equal(g.result.error, cases[i].error);
            if (!strstr(g.result.reason, cases[i].reason))
                fail_msg("case %zu: %s", i, g.result.reason);
        } else {
            assert_int_not_equal(g.result.error, 0);
        }
        assert_null(strchr(g.result.reason, '\033'));
        assert_true(strlen(g.body) <= HTTP_BODY_LIMIT);
        get_fini(&g);
        fixture_stop(&f);
    }
}

static void the_limit_is_the_last_byte_that_fits(void **state)
{
    (void)state;
    struct fixture f;
    struct get g;
    fixture_start(&f, serve_text, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    get(&f, &g, (struct http_request){.max_bytes = 10});
    assert_int_equal(g.result.error, 0);
    assert_string_equal(g.body, "0123456789");
    get_fini(&g);
    get(&f, &g, (struct http_request){.max_bytes = 9});
    assert_int_equal(g.result.error, ERR_RANGE);
    get_fini(&g);
    fixture_stop(&f);
}

static int take_piece(void *data, const char *bytes, size_t length)
{
    struct get *g = data;
    (void)bytes;
    g->result.received_bytes += length;
    return g->result.received_bytes > 500000;
}

static void piece_done(void *data, struct http_result *result)
{
    struct get *g = data;
    g->done++;
    g->result.error = result->error;
    assert_int_equal(result->body.len, 0);
}

static void a_reader_of_pieces_can_end_it(void **state)
{
    (void)state;
    struct fixture f;
    struct get g = {0};
    fixture_start(&f, serve_endless_body, NULL);
    struct http_request r = {
        .url = f.url, .timeout_us = PATIENCE_US, .piece = take_piece, .done = piece_done, .data = &g};
    assert_non_null(http_start(f.http, &r, NULL));
    turn_until_done(f.loop, &g, 1);
    assert_int_equal(g.result.error, ERR_CANCELLED);
    fixture_stop(&f);
}

static void nobody_there_is_an_error(void **state)
{
    (void)state;
    struct fixture f;
    struct get g;
    fixture_start(&f, serve_nothing, NULL);
    int port = f.peer.port;
    char closed[64];
    struct peer gone;
    peer_start(&gone, serve_nothing, NULL);
    snprintf(closed, sizeof closed, "http://127.0.0.1:%d/", gone.port);
    peer_stop(&gone);
    get(&f, &g, (struct http_request){.url = closed});
    assert_int_equal(g.result.error, ERR_IO);
    assert_int_equal(g.result.status, 0);
    assert_non_null(strstr(g.result.reason, "connect"));
    get_fini(&g);
    get(&f, &g, (struct http_request){.url = "http://no-such-host.invalid/", .timeout_us = 5 * US_PER_S});
    assert_int_not_equal(g.result.error, 0);
    get_fini(&g);
    assert_int_equal(f.peer.port, port);
    fixture_stop(&f);
}

static void never(void *data, struct http_result *result)
{
    (void)data;
    (void)result;
    fail_msg("done of a cancelled call");
}

static void cancelled_calls_say_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, serve_nothing, NULL);
    struct http_request r = {.url = f.url, .timeout_us = 50 * US_PER_MS, .done = never};
    struct http_call *calls[5];
    for (int i = 0; i < 5; i++)
        calls[i] = http_start(f.http, &r, NULL);
    loop_run_once(f.loop, 1000);
    http_cancel(calls[2]);
    http_cancel(calls[0]);
    http_cancel(NULL);
    fixture_stop(&f); /* the other three end here */
}

struct chain {
    struct fixture *fixture;
    int left, done;
    bool free_client;
};

static void chain_done(void *data, struct http_result *result)
{
    struct chain *c = data;
    assert_int_equal(result->status, 200);
    c->done++;
    if (c->left-- > 0) {
        struct http_request r = {
            .url = c->fixture->url, .timeout_us = PATIENCE_US, .done = chain_done, .data = c};
        assert_non_null(http_start(c->fixture->http, &r, NULL));
    } else if (c->free_client) {
        http_free(c->fixture->http);
        c->fixture->http = NULL;
    }
}

static void a_done_may_start_calls_and_free_the_client(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, serve_text, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    struct chain c = {.fixture = &f, .left = 5, .free_client = true};
    struct http_request r = {.url = f.url, .timeout_us = PATIENCE_US, .done = chain_done, .data = &c};
    assert_non_null(http_start(f.http, &r, NULL));
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (f.http && clock_monotonic_us() < end)
        loop_run_once(f.loop, 100 * US_PER_MS);
    assert_int_equal(c.done, 6);
    fixture_stop(&f);
}

static void *serve_unix(void *data)
{
    int fd = accept(*(int *)data, NULL, NULL);
    char head[4096];
    if (peer_read_request(fd, head, sizeof head))
        (void)!write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix", 42);
    close(fd);
    return NULL;
}

static void a_unix_socket_can_stand_in_for_the_host(void **state)
{
    (void)state;
    struct fixture f;
    struct get g;
    fixture_start(&f, serve_nothing, NULL);
    char folder[] = "/tmp/belay-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    pthread_t thread;
    pthread_create(&thread, NULL, serve_unix, &listener);
    get(&f, &g, (struct http_request){.url = "http://localhost/x", .unix_socket = address.sun_path});
    assert_string_equal(g.body, "unix");
    get_fini(&g);
    pthread_join(thread, NULL);
    close(listener);
    unlink(address.sun_path);
    rmdir(folder);
    fixture_stop(&f);
}

static void slow_ones_do_not_hold_up_the_others(void **state)
{
    (void)state;
    struct fixture slow, fast;
    fixture_start(&slow, serve_nothing, NULL);
    fixture_start(&fast, serve_text, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    struct http_request r = {.url = slow.url, .timeout_us = PATIENCE_US, .done = never};
    for (int i = 0; i < 10; i++)
        assert_non_null(http_start(fast.http, &r, NULL));
    int64_t start = clock_monotonic_us();
    for (int i = 0; i < 50; i++) {
        struct get g;
        get(&fast, &g, (struct http_request){0});
        assert_int_equal(g.result.status, 200);
        get_fini(&g);
    }
    assert_true(clock_monotonic_us() - start < PATIENCE_US / 2);
    fixture_stop(&fast);
    fixture_stop(&slow);
}

int main(void)
{
    setenv("http_proxy", "http://127.0.0.1:1/", 1); /* must not matter for this host */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_with_what_matters_of_its_head),
        cmocka_unit_test(requests_go_out_as_asked),
        cmocka_unit_test(what_cannot_be_sent_is_refused_at_once),
        cmocka_unit_test(hostile_servers_cost_a_reason_and_nothing_else),
        cmocka_unit_test(the_limit_is_the_last_byte_that_fits),
        cmocka_unit_test(a_reader_of_pieces_can_end_it),
        cmocka_unit_test(nobody_there_is_an_error),
        cmocka_unit_test(cancelled_calls_say_nothing),
        cmocka_unit_test(a_done_may_start_calls_and_free_the_client),
        cmocka_unit_test(a_unix_socket_can_stand_in_for_the_host),
        cmocka_unit_test(slow_ones_do_not_hold_up_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
