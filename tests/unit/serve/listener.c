/* The small HTTP server: what it answers, and that nobody can hold it up: neither who says nothing, nor who
 * dribbles, nor who doesn't read, nor a crowd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/serve/serve.h"

#define LIMIT_US (60 * US_PER_S)
#define LARGE    (8u << 20) /* more than both sockets keep */

struct rig {
    struct loop *loop;
    struct listener *listener;
    unsigned port, asked;
};

static bool answer(void *data, const char *path, struct listener_answer *a)
{
    struct rig *r = data;
    r->asked++;
    if (str_eq(path, "/large"))
        for (size_t i = 0; i < LARGE / 16; i++)
            str_add(&a->body, "0123456789abcdef");
    else if (str_eq(path, "/ill"))
        a->status = 503;
    else if (!str_eq(path, "/here") && !str_eq(path, "/kept"))
        return false;
    if (str_eq(path, "/kept"))
        a->keep_us = 3600 * US_PER_S;
    str_addf(&a->body, "answer %u\n", r->asked);
    return true;
}

static void rig_open(struct rig *r, int64_t patience_us)
{
    struct err e = {0};
    struct listener_address address;
    struct listener_options options = {.answer = answer, .data = r, .patience_us = patience_us};
    *r = (struct rig){.loop = loop_new(&e)};
    assert_int_equal(listener_address_parse(":0", &address, &e), 0);
    r->listener = listener_new(r->loop, &address, &options, &e);
    if (!r->listener)
        fail_msg("%s", e.msg);
    assert_int_equal(sscanf(listener_where(r->listener), "127.0.0.1:%u", &r->port), 1);
}

static void rig_close(struct rig *r)
{
    listener_free(r->listener);
    loop_free(r->loop);
}

static int guest(const struct rig *r, const char *says)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)r->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, says, strlen(says), MSG_NOSIGNAL), (ssize_t)strlen(says));
    return fd;
}

/* Turns the loop and reads until the other side has closed. False: not within the limit. */
static bool hear(struct rig *r, int fd, struct str *heard)
{
    int64_t until = clock_monotonic_us() + LIMIT_US;
    char bytes[65536];
    while (clock_monotonic_us() < until) {
        loop_run_once(r->loop, US_PER_MS);
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got > 0)
            str_add_bytes(heard, bytes, (size_t)got);
        else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
            return true;
    }
    return false;
}

/* The whole answer to a request, which must come. Free it. */
static char *ask(struct rig *r, const char *request)
{
    struct str heard = {0};
    int fd = guest(r, request);
    if (!hear(r, fd, &heard))
        fail_msg("no answer to %s", request);
    close(fd);
    return str_take(&heard);
}

static void says(struct rig *r, const char *request, const char *status, const char *ends)
{
    char *heard = ask(r, request);
    if (!str_starts(heard, status) || !str_ends(heard, ends))
        fail_msg("%s\nwanted %s ... %s, heard:\n%.2000s", request, status, ends, heard);
    free(heard);
}

static void test_answers(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 0);
    says(&r, "GET /here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "\r\n\r\nanswer 1\n");
    says(&r, "GET /here HTTP/1.0\r\n\r\n", "HTTP/1.", "\r\n\r\nanswer 2\n");
    says(&r, "HEAD /here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "Content-Length: 9\r\n\r\n");
    says(&r, "GET /ill HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 503 ", "\r\n\r\nanswer 4\n");
    says(&r, "GET /here?a=b HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "answer 5\n");
    says(&r, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", "not here: /metrics, /healthz\n");
    says(&r, "GET /../here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", "/healthz\n");
    assert_int_equal(r.asked, 7);
    static const char *const others[] = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "X"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char request[128];
        snprintf(request, sizeof request, "%s /here HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
                 others[i]);
        char *heard = ask(&r, request);
        assert_true(str_starts(heard, "HTTP/1.1 405 "));
        assert_non_null(strstr(heard, "Allow: GET, HEAD\r\n"));
        free(heard);
    }
    assert_int_equal(r.asked, 7);
    char *heard = ask(&r, "nonsense\r\n\r\n");
    assert_false(str_starts(heard, "HTTP/1.1 200"));
    free(heard);
    rig_close(&r);
}

static void test_one_request_a_connection(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 0);
    says(&r, "GET /here HTTP/1.1\r\nHost: x\r\n\r\nGET /here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ",
         "answer 1\n");
    rig_close(&r);
}

static void test_kept(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 0);
    for (int i = 0; i < 3; i++)
        says(&r, "GET /kept HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "answer 1\n");
    says(&r, "GET /here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "answer 2\n");
    says(&r, "POST /kept HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 ", "HEAD\n");
    says(&r, "GET /kept HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "answer 1\n");
    rig_close(&r);
}

/* A crowd that says nothing fills all places; it is shown out, and the next one is served. */
static void test_crowd(void **state)
{
    (void)state;
    struct rig r;
    int crowd[LISTENER_CONNECTIONS + 8];
    size_t count = sizeof crowd / sizeof crowd[0];
    rig_open(&r, 300 * US_PER_MS);
    for (size_t i = 0; i < count; i++) {
        crowd[i] = guest(&r, i % 2 ? "GET /here HTT" : "");
        loop_run_once(r.loop, 0);
    }
    says(&r, "GET /here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "answer 1\n");
    for (size_t i = 0; i < count; i++)
        close(crowd[i]);
    rig_close(&r);
}

/* A byte now and then keeps any time-out of silence away; the whole request has a limit all the same. */
static void test_dribble(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 300 * US_PER_MS);
    int fd = guest(&r, "GET /here HTTP/1.1\r\nX: ");
    int64_t until = clock_monotonic_us() + LIMIT_US;
    char byte;
    ssize_t got = -1;
    while (clock_monotonic_us() < until) {
        loop_run_once(r.loop, 5 * US_PER_MS);
        got = recv(fd, &byte, 1, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
            break;
        if (got < 0)
            (void)!send(fd, "y", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (clock_monotonic_us() >= until)
        fail_msg("it may dribble for ever");
    assert_int_equal(r.asked, 0);
    close(fd);
    rig_close(&r);
}

/* Who doesn't read costs the memory of one answer for a while; others are served meanwhile. */
static void test_slow_reader(void **state)
{
    (void)state;
    struct rig r;
    struct str heard = {0};
    rig_open(&r, 2 * US_PER_S);
    int slow = guest(&r, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    int64_t until = clock_monotonic_us() + LIMIT_US;
    while (r.asked == 0 && clock_monotonic_us() < until)
        loop_run_once(r.loop, US_PER_MS);
    says(&r, "GET /here HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "answer 2\n");
    int64_t end = clock_monotonic_us() + 3 * US_PER_S;
    while (clock_monotonic_us() < end)
        loop_run_once(r.loop, 100 * US_PER_MS);
    assert_true(hear(&r, slow, &heard));
    assert_true(heard.len < LARGE); /* it was cut off */
    str_fini(&heard);
    close(slow);
    char *whole = ask(&r, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"); /* who reads gets all of it */
    assert_true(strlen(whole) > LARGE && str_ends(whole, "answer 3\n"));
    free(whole);
    rig_close(&r);
}

static void test_closed_meanwhile(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 0);
    int fds[] = {guest(&r, ""), guest(&r, "GET /here HTTP/1.1\r\nHost: x\r\n\r\n"),
                 guest(&r, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n")};
    for (int i = 0; i < 20; i++)
        loop_run_once(r.loop, US_PER_MS);
    close(fds[1]);
    loop_run_once(r.loop, US_PER_MS);
    rig_close(&r);
    close(fds[0]);
    close(fds[2]);
}

static void test_taken(void **state)
{
    (void)state;
    struct rig r;
    struct err e = {0};
    struct listener_address address;
    rig_open(&r, 0);
    assert_int_equal(listener_address_parse(listener_where(r.listener), &address, &e), 0);
    assert_null(listener_new(r.loop, &address, &(struct listener_options){.answer = answer, .data = &r}, &e));
    assert_int_equal(e.code, ERR_BUSY);
    loop_run_once(r.loop, 0);
    rig_close(&r);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host; /* NULL: refused */
        unsigned port;
        bool loopback;
    } cases[] = {
        {"127.0.0.1:9100", "127.0.0.1", 9100, true},
        {"127.0.0.1", "127.0.0.1", LISTENER_PORT, true},
        {":9100", "127.0.0.1", 9100, true},
        {"9100", "127.0.0.1", 9100, true},
        {"localhost", "127.0.0.1", LISTENER_PORT, true},
        {"localhost:1", "127.0.0.1", 1, true},
        {"127.8.9.1:65535", "127.8.9.1", 65535, true},
        {"[::1]:9100", "::1", 9100, true},
        {"[::1]", "::1", LISTENER_PORT, true},
        {"::1", "::1", LISTENER_PORT, true},
        {"0.0.0.0:9100", "0.0.0.0", 9100, false},
        {"10.1.2.3", "10.1.2.3", LISTENER_PORT, false},
        {"[::]:9100", "::", 9100, false},
        {"", "127.0.0.1", LISTENER_PORT, true},
        {":", NULL, 0, false},
        {"127.0.0.1:", NULL, 0, false},
        {"127.0.0.1:65536", NULL, 0, false},
        {"127.0.0.1:-1", NULL, 0, false},
        {"127.0.0.1:80x", NULL, 0, false},
        {"metrics.example.org:80", NULL, 0, false},
        {"[::1:9100", NULL, 0, false},
        {"[::1]9100", NULL, 0, false},
        {"99999", NULL, 0, false},
        {"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21:80", NULL, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct listener_address a;
        struct err e = {0};
        char host[INET6_ADDRSTRLEN] = "";
        int code = listener_address_parse(cases[i].text, &a, &e);
        if (!cases[i].host) {
            if (code != ERR_USAGE)
                fail_msg("'%s' was taken", cases[i].text);
            continue;
        }
        if (code)
            fail_msg("'%s': %s", cases[i].text, e.msg);
        bool six = a.socket.ss_family == AF_INET6;
        const struct sockaddr_in *v4 = (void *)&a.socket;
        const struct sockaddr_in6 *v6 = (void *)&a.socket;
        inet_ntop(a.socket.ss_family, six ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr, host,
                  sizeof host);
        assert_string_equal(host, cases[i].host);
        assert_int_equal(ntohs(six ? v6->sin6_port : v4->sin_port), cases[i].port);
        assert_int_equal(a.loopback, cases[i].loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),   cmocka_unit_test(test_answers),
        cmocka_unit_test(test_kept),        cmocka_unit_test(test_one_request_a_connection),
        cmocka_unit_test(test_crowd),       cmocka_unit_test(test_dribble),
        cmocka_unit_test(test_slow_reader), cmocka_unit_test(test_closed_meanwhile),
        cmocka_unit_test(test_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
