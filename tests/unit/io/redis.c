#include "engine/io/redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "engine/io/redis_url.h"
#include "tests/unit/io/peer.h"

#define PATIENCE_US (30 * US_PER_S)

struct answers {
    int count, errors;
    struct err error;
    char text[4096]; /* what came, in order */
    struct redis *free_in_callback;
};

static void describe(struct answers *a, const struct redis_reply *r)
{
    size_t have = strlen(a->text);
    char *to = a->text + have;
    size_t room = sizeof a->text - have;
    switch (r->type) {
    case REDIS_NIL:
        snprintf(to, room, "nil ");
        break;
    case REDIS_INTEGER:
        snprintf(to, room, "%lld ", (long long)r->integer);
        break;
    case REDIS_STRING:
        snprintf(to, room, "\"%.*s\" ", (int)(r->length > 50 ? 50 : r->length), r->text);
        break;
    case REDIS_STATUS:
        snprintf(to, room, "+%s ", r->text);
        break;
    case REDIS_ERROR:
        snprintf(to, room, "-%s ", r->text);
        break;
    case REDIS_ARRAY:
        snprintf(to, room, "[ ");
        for (size_t i = 0; i < r->item_count; i++)
            describe(a, &r->items[i]);
        have = strlen(a->text);
        snprintf(a->text + have, sizeof a->text - have, "] ");
        break;
    }
}

static void on_answer(void *data, const struct redis_reply *reply, const struct err *error)
{
    struct answers *a = data;
    a->count++;
    if (reply) {
        describe(a, reply);
    } else {
        a->errors++;
        a->error = *error;
    }
    if (a->free_in_callback) {
        redis_free(a->free_in_callback);
        a->free_in_callback = NULL;
    }
}

static void ask(struct redis *r, struct answers *a, const char *word)
{
    redis_command(r, 1, &word, NULL, 0, on_answer, a);
}

static void turn_until(struct loop *l, const struct answers *a, int wanted)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (a->count < wanted) {
        assert_true(clock_monotonic_us() < end);
        loop_run_once(l, 100 * US_PER_MS);
    }
}

/* Reads one command's first line ("*1") per answer: good enough to stay in step with whole commands. */
static bool read_commands(int fd)
{
    char bytes[4096];
    return recv(fd, bytes, sizeof bytes, 0) > 0;
}

static void serve_once(struct peer *p, int fd)
{
    if (read_commands(fd))
        peer_say(p, fd, p->data);
    peer_wait_closed(p, fd);
}

static void serve_and_close(struct peer *p, int fd)
{
    if (read_commands(fd))
        peer_say(p, fd, p->data);
}

static void serve_nothing(struct peer *p, int fd)
{
    peer_wait_closed(p, fd);
}

static void serve_endless_string(struct peer *p, int fd)
{
    char filler[65536];
    memset(filler, 'x', sizeof filler);
    if (!read_commands(fd) || !peer_say(p, fd, "$536870912\r\n"))
        return;
    while (peer_send(p, fd, filler, sizeof filler))
        ;
}

static void serve_pong(struct peer *p, int fd)
{
    while (read_commands(fd))
        if (!peer_say(p, fd, "+PONG\r\n"))
            return;
}

struct fixture {
    struct loop *loop;
    struct redis *redis;
    struct peer peer;
};

static void fixture_start(struct fixture *f, peer_fn *behaviour, const char *says, const char *rest)
{
    char url[128];
    f->loop = loop_new(NULL);
    peer_start(&f->peer, behaviour, (void *)(uintptr_t)says);
    snprintf(url, sizeof url, "redis://%s127.0.0.1:%d%s", rest && strchr(rest, '@') ? rest : "", f->peer.port,
             rest && !strchr(rest, '@') ? rest : "");
    struct redis_options o = {.url = url, .timeout_us = 5 * US_PER_S};
    f->redis = redis_new(f->loop, &o, NULL);
    assert_non_null(f->redis);
}

static void fixture_stop(struct fixture *f)
{
    redis_free(f->redis);
    loop_free(f->loop);
    peer_stop(&f->peer);
}

/* ---- Tests ---- */

static void urls_are_read(void **state)
{
    (void)state;
    const struct {
        const char *url, *user, *password, *host, *path;
        int port, database;
    } good[] = {
        {"redis://127.0.0.1", NULL, NULL, "127.0.0.1", NULL, 6379, 0},
        {"redis://", NULL, NULL, "localhost", NULL, 6379, 0},
        {"redis://:7000/3", NULL, NULL, "localhost", NULL, 7000, 3},
        {"redis://h:1/", NULL, NULL, "h", NULL, 1, 0},
        {"redis://u:p%40%3A@h:2/15", "u", "p@:", "h", NULL, 2, 15},
        {"redis://:p@h", NULL, "p", "h", NULL, 6379, 0},
        {"redis://p@h", NULL, "p", "h", NULL, 6379, 0},
        {"redis://a@b:c@h", NULL, NULL, NULL, NULL, 0, 0},
        {"redis://[::1]:9/1", NULL, NULL, "::1", NULL, 9, 1},
        {"unix:///run/redis.sock", NULL, NULL, NULL, "/run/redis.sock", 6379, 0},
        {"unix:///run/redis.sock?db=4", NULL, NULL, NULL, "/run/redis.sock", 6379, 4},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct redis_url u;
        struct err e = {0};
        if (redis_url_parse(&u, good[i].url, &e))
            fail_msg("%s: %s", good[i].url, e.msg);
        if (good[i].port) {
            assert_true(str_eq(u.user, good[i].user));
            assert_true(str_eq(u.password, good[i].password));
            assert_true(str_eq(u.host, good[i].host));
            assert_true(str_eq(u.path, good[i].path));
            assert_int_equal(u.port, good[i].port);
            assert_int_equal(u.database, good[i].database);
        }
        redis_url_fini(&u);
    }
    const char *const bad[] = {"",
                               "http://h",
                               "redis:/h",
                               "redis://h:",
                               "redis://h:x",
                               "redis://h:70000",
                               "redis://h/x",
                               "redis://h/99999999",
                               "redis://h/1/2",
                               "redis://u:%zz@h",
                               "redis://u:%0",
                               "redis://%00:x@h",
                               "redis://[::1",
                               "redis://[]",
                               "redis://[::1]x",
                               "unix://relative",
                               "unix:///s?x=1",
                               "redis://u:%@h",
                               "redis://u:%4@h"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        if (!redis_url_check(bad[i], &e))
            fail_msg("%s was accepted", bad[i]);
    }
    struct err e = {0};
    assert_int_equal(redis_url_check("rediss://secret@h:1", &e), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.msg, "stunnel"));
    assert_null(strstr(e.msg, "secret"));
    assert_int_not_equal(redis_url_check("redis://u:hunter2@h:x", &e), 0);
    assert_null(strstr(e.msg, "hunter2"));
}

static void every_kind_of_reply_is_seen(void **state)
{
    (void)state;
    struct fixture f;
    struct answers a = {0};
    fixture_start(
        &f, serve_once,
        "+OK\r\n:42\r\n$5\r\nhe\0lo\r\n$-1\r\n-ERR no\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n*0\r\n*-1\r\n", NULL);
    /* a NUL ends what serve_once sends: so the string comes by itself below */
    f.peer.data = "+OK\r\n:42\r\n$5\r\nhello\r\n$-1\r\n-ERR no\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n*0\r\n*-1\r\n";
    for (int i = 0; i < 8; i++)
        ask(f.redis, &a, "X");
    assert_int_equal(a.count, 0);
    turn_until(f.loop, &a, 8);
    assert_string_equal(a.text, "+OK 42 \"hello\" nil -ERR no [ \"a\" [ 1 ] ] [ ] nil ");
    assert_true(redis_connected(f.redis));
    fixture_stop(&f);
}

static void it_logs_in_and_selects_first(void **state)
{
    (void)state;
    struct fixture f;
    struct answers a = {0};
    fixture_start(&f, serve_pong, NULL, "/2");
    ask(f.redis, &a, "PING");
    turn_until(f.loop, &a, 1);
    assert_string_equal(a.text, "+PONG ");
    fixture_stop(&f);

    a = (struct answers){0};
    fixture_start(&f, serve_once, "-WRONGPASS invalid username-password pair\r\n", "u:p@");
    ask(f.redis, &a, "PING");
    turn_until(f.loop, &a, 1);
    assert_int_equal(a.error.code, ERR_DENIED);
    assert_non_null(strstr(a.error.msg, "AUTH refused: WRONGPASS"));
    fixture_stop(&f);
}

static void lying_servers_cost_a_reason_and_nothing_else(void **state)
{
    (void)state;
    const struct {
        peer_fn *behaviour;
        const char *says, *reason;
        int answered;
    } cases[] = {
        {serve_once, "+A\r\n+B\r\n+C\r\n", "what was not asked", 1},
        {serve_once, "HTTP/1.1 400 Bad Request\r\n\r\n", "", 0},
        {serve_once, "*2147483647\r\n", "elements", 0},
        {serve_once, "*1000000\r\n:1\r\n", "elements", 0},
        {serve_once, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "", 0},
        {serve_once, "$-5\r\n", "", 0},
        {serve_once, "$9999999999999999999\r\n", "", 0},
        {serve_once, "\x1b[2J\x1b]0;evil\x07\r\n", "", 0},
        {serve_and_close, "$100\r\nshort", "clos", 0},
        {serve_endless_string, NULL, "larger than 8388608", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        struct answers a = {0};
        fixture_start(&f, cases[i].behaviour, cases[i].says, NULL);
        ask(f.redis, &a, "PING");
        turn_until(f.loop, &a, 1);
        if (cases[i]
                .answered) { /* the lie comes after a good answer: the next command sees it or reconnects */
            assert_int_equal(a.errors, 0);
            ask(f.redis, &a, "PING");
            turn_until(f.loop, &a, 2);
        } else {
            assert_int_equal(a.errors, 1);
            if (!strstr(a.error.msg, cases[i].reason))
                fail_msg("case %zu: %s", i, a.error.msg);
            assert_null(strchr(a.error.msg, '\033'));
        }
        fixture_stop(&f);
    }
}

static void a_silent_server_times_out_and_all_waiting_are_told(void **state)
{
    (void)state;
    struct fixture f;
    struct answers a = {0};
    fixture_start(&f, serve_nothing, NULL, NULL);
    const char *ping = "PING";
    redis_command(f.redis, 1, &ping, NULL, 150 * US_PER_MS, on_answer, &a);
    redis_command(f.redis, 1, &ping, NULL, PATIENCE_US, on_answer, &a);
    turn_until(f.loop, &a, 2);
    assert_int_equal(a.errors, 2);
    assert_int_equal(a.error.code, ERR_TIMED_OUT);
    fixture_stop(&f);
}

static void it_connects_again_after_a_failure(void **state)
{
    (void)state;
    struct fixture f;
    struct answers a = {0};
    fixture_start(&f, serve_and_close, "+ONE\r\n", NULL);
    for (int i = 1; i <= 5; i++) {
        ask(f.redis, &a, "PING");
        turn_until(f.loop, &a, i);
        while (redis_connected(f.redis)) /* until the close is seen; bounded by the test's time-out */
            loop_run_once(f.loop, 10 * US_PER_MS);
    }
    assert_int_equal(a.errors, 0);
    assert_string_equal(a.text, "+ONE +ONE +ONE +ONE +ONE ");
    fixture_stop(&f);
}

static void nobody_there_is_an_error(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    struct peer gone;
    char url[64];
    peer_start(&gone, serve_nothing, NULL);
    snprintf(url, sizeof url, "redis://localhost:%d", gone.port);
    peer_stop(&gone);
    const char *urls[] = {url, "redis://no-such-host.invalid", "unix:///no/such/socket"};
    for (size_t i = 0; i < 3; i++) {
        struct answers a = {0};
        struct redis *r =
            redis_new(l, &(struct redis_options){.url = urls[i], .timeout_us = 5 * US_PER_S}, NULL);
        for (int round = 1; round <= 2; round++) {
            ask(r, &a, "PING");
            turn_until(l, &a, round);
            assert_int_equal(a.errors, round);
            assert_true(strlen(a.error.msg) > 5);
        }
        redis_free(r);
    }
    loop_free(l);
}

static void localhost_is_tried_at_every_address(void **state)
{
    (void)state;
    struct fixture f;
    struct answers a = {0};
    char url[64];
    fixture_start(&f, serve_pong, NULL, NULL); /* listens on 127.0.0.1 alone */
    snprintf(url, sizeof url, "redis://localhost:%d", f.peer.port);
    struct redis *r = redis_new(f.loop, &(struct redis_options){.url = url}, NULL);
    ask(r, &a, "PING");
    turn_until(f.loop, &a, 1);
    assert_string_equal(a.text, "+PONG ");
    redis_free(r);
    fixture_stop(&f);
}

static void never(void *data, const struct redis_reply *reply, const struct err *error)
{
    (void)data;
    (void)reply;
    (void)error;
    fail_msg("answer after redis_free");
}

static void freeing_is_safe_at_any_moment(void **state)
{
    (void)state;
    struct fixture f;
    const char *ping = "PING";
    for (int turns = 0; turns < 6; turns++) {
        fixture_start(&f, serve_nothing, NULL, "/1");
        redis_command(f.redis, 1, &ping, NULL, 0, never, NULL);
        for (int i = 0; i < turns; i++)
            loop_run_once(f.loop, 2000);
        fixture_stop(&f);
    }
    for (int i = 0; i < 2; i++) { /* from the callback of a reply, and of an error */
        struct answers a = {0};
        fixture_start(&f, i ? serve_and_close : serve_once, i ? "$9" : "+A\r\n+B\r\n", NULL);
        a.free_in_callback = f.redis;
        ask(f.redis, &a, "PING");
        redis_command(f.redis, 1, &ping, NULL, 0, never, NULL);
        turn_until(f.loop, &a, 1);
        f.redis = NULL;
        loop_run_once(f.loop, 2000);
        fixture_stop(&f);
    }
    redis_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read),
        cmocka_unit_test(every_kind_of_reply_is_seen),
        cmocka_unit_test(it_logs_in_and_selects_first),
        cmocka_unit_test(lying_servers_cost_a_reason_and_nothing_else),
        cmocka_unit_test(a_silent_server_times_out_and_all_waiting_are_told),
        cmocka_unit_test(it_connects_again_after_a_failure),
        cmocka_unit_test(nobody_there_is_an_error),
        cmocka_unit_test(localhost_is_tried_at_every_address),
        cmocka_unit_test(freeing_is_safe_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
