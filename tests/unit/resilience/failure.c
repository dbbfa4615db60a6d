#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

static struct failure http(int status, const char *retry_after, const char *body)
{
    struct failure f;
    failure_of_http(status, retry_after, 784111777LL * US_PER_S, body, body ? strlen(body) : 0, &f);
    return f;
}

static void same_class(enum failure_class got, enum failure_class want, const char *of)
{
    if (got != want)
        fail_msg("%s: %s, not %s", of, failure_class_text(got), failure_class_text(want));
}

static void test_every_class_has_a_name_and_comes_back(void **state)
{
    (void)state;
    for (int i = 0; i < FAILURE_CLASS_COUNT; i++) {
        enum failure_class class = FAILURE_CLASS_COUNT;
        assert_true(failure_class_parse(failure_class_text((enum failure_class)i), &class));
        assert_int_equal(class, i);
    }
    enum failure_class class = FAILURE_AUTH;
    assert_false(failure_class_parse("Timeout", &class));
    assert_false(failure_class_parse(NULL, &class));
    assert_int_equal(class, FAILURE_AUTH);
}

/* What each status means for the retry, the breaker and the chain, as the rulings say it. */
static void test_http_statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool retried;
        enum failure_verdict verdict;
        enum failure_onward onward;
    } rulings[] = {
        {429, true, VERDICT_COOL, ONWARD_NEXT},     {500, true, VERDICT_FAILURE, ONWARD_NEXT},
        {502, true, VERDICT_FAILURE, ONWARD_NEXT},  {503, true, VERDICT_FAILURE, ONWARD_NEXT},
        {504, true, VERDICT_FAILURE, ONWARD_NEXT},  {529, true, VERDICT_FAILURE, ONWARD_NEXT},
        {408, true, VERDICT_FAILURE, ONWARD_NEXT},  {400, false, VERDICT_IGNORED, ONWARD_STOP},
        {404, false, VERDICT_IGNORED, ONWARD_STOP}, {422, false, VERDICT_IGNORED, ONWARD_STOP},
        {401, false, VERDICT_IGNORED, ONWARD_NEXT}, {403, false, VERDICT_IGNORED, ONWARD_NEXT},
        {301, false, VERDICT_IGNORED, ONWARD_NEXT}, {413, false, VERDICT_IGNORED, ONWARD_LARGER},
        {409, false, VERDICT_IGNORED, ONWARD_NEXT},
    };
    for (size_t i = 0; i < sizeof rulings / sizeof *rulings; i++) {
        struct failure f = http(rulings[i].status, NULL, NULL);
        if (failure_is_retried(f.class) != rulings[i].retried ||
            failure_verdict(f.class) != rulings[i].verdict || failure_onward(f.class) != rulings[i].onward ||
            f.before_start || f.retry_after_ms != -1)
            fail_msg("%d is %s", rulings[i].status, failure_class_text(f.class));
    }
    for (int status = 200; status < 300; status++)
        assert_int_equal(http(status, "120", "{}").class, FAILURE_NONE);
    for (int status = 300; status < 600; status++)
        assert_true(http(status, NULL, NULL).class != FAILURE_NONE || status == 304);
    for (int status = -1; status < 1000; status += 1001)
        assert_int_equal(http(status, NULL, NULL).class, FAILURE_CUT);
    assert_string_equal(http(503, NULL, NULL).text, "HTTP 503");
    assert_true(http(425, NULL, NULL).before_start);
}

static void test_retry_after_in_all_its_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } forms[] = {
        {"120", 120000},
        {"0", 0},
        {" 7", 7000},
        {"-5", 0},
        {"", -1},
        {NULL, -1},
        {"soon", -1},
        {"1.5", -1},
        {"Sun, 06 Nov 1994 08:50:37 GMT", 60000},
        {"Sunday, 06-Nov-94 08:50:37 GMT", 60000},
        {"Sun Nov  6 08:50:37 1994", 60000},
        {"Sun, 06 Nov 1994 08:00:00 GMT", 0},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (http(429, forms[i].text, NULL).retry_after_ms != forms[i].ms)
            fail_msg("\"%s\": %lld", forms[i].text ? forms[i].text : "(absent)",
                     (long long)http(429, forms[i].text, NULL).retry_after_ms);
    assert_true(http(503, "99999999999999999999999999", NULL).retry_after_ms > 0);
    struct failure f; /* a floor is never rounded down */
    failure_of_http(429, "Sun, 06 Nov 1994 08:50:37 GMT", 784111777LL * US_PER_S + 1, NULL, 0, &f);
    assert_int_equal(f.retry_after_ms, 60000);
}

static void test_errors_of_chat_providers_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum failure_class class;
    } bodies[] = {
        {400,
         "{\"error\":{\"message\":\"too long\",\"type\":\"invalid_request_error\",\"code\":\"context_length_"
         "exceeded\"}}",
         FAILURE_TOO_LARGE},
        {400,
         "{\"object\":\"error\",\"message\":\"This model's maximum context length is 4096 "
         "tokens\",\"code\":400}",
         FAILURE_TOO_LARGE},
        {400, "{\"error\":{\"type\":\"exceed_context_size_error\",\"code\":400}}", FAILURE_TOO_LARGE},
        {400, "{\"error\":{\"message\":\"bad\",\"type\":\"invalid_request_error\",\"code\":null}}",
         FAILURE_INVALID},
        {429,
         "{\"error\":{\"message\":\"You exceeded your current "
         "quota\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}",
         FAILURE_AUTH},
        {429, "{\"error\":{\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}", FAILURE_LIMITED},
        {429, "[{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"}}]", FAILURE_LIMITED},
        {401, "{\"error\":{\"code\":\"invalid_api_key\"}}", FAILURE_AUTH},
        {404, "{\"error\":{\"code\":\"model_not_found\"}}", FAILURE_PERMANENT},
        {404, "{\"error\":\"no such page\"}", FAILURE_NOT_FOUND},
        {500, "{\"error\":{\"code\":\"context_length_exceeded\"}}", FAILURE_SERVER},
        {403, "maximum context length", FAILURE_AUTH},
        {400, "{\"error\":", FAILURE_INVALID},
        {400, "[]", FAILURE_INVALID},
        {400, "null", FAILURE_INVALID},
        {429, "{\"error\":{\"code\":[1],\"type\":{}}}", FAILURE_LIMITED},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        same_class(http(bodies[i].status, NULL, bodies[i].body).class, bodies[i].class, bodies[i].body);
    struct failure f = http(400, NULL, "{\"error\":{\"message\":\"a\\u202e\\u001bb\"}}");
    assert_string_equal(f.text, "HTTP 400: a<U+202E><U+001B>b");
}

/* A message of any length is cut at a whole character, and a body that is too long isn't read. */
static void test_a_long_body(void **state)
{
    (void)state;
    struct str body = {0};
    str_add(&body, "{\"error\":{\"message\":\"");
    for (int i = 0; i < 300; i++)
        str_add(&body, "\xc3\xa9");
    str_add(&body, "\"}}");
    struct failure f = http(400, NULL, str_text(&body));
    assert_true(utf8_valid(f.text, strlen(f.text), NULL));
    assert_true(strlen(f.text) > 100);
    str_clear(&body);
    str_add(&body, "{\"error\":{\"code\":\"context_length_exceeded\"}}");
    for (int i = 0; i < 70000; i++)
        str_add_char(&body, ' ');
    assert_int_equal(http(400, NULL, str_text(&body)).class, FAILURE_INVALID);
    str_fini(&body);
}

static void test_errors_of_connections(void **state)
{
    (void)state;
    static const struct {
        int code;
        bool sent;
        enum failure_class class;
    } ends[] = {
        {ERR_IO, false, FAILURE_CONNECT},         {ERR_IO, true, FAILURE_CUT},
        {ERR_NOT_FOUND, false, FAILURE_CONNECT},  {ERR_TIMED_OUT, true, FAILURE_TIMEOUT},
        {ERR_TIMED_OUT, false, FAILURE_TIMEOUT},  {ERR_DENIED, false, FAILURE_AUTH},
        {ERR_SYNTAX, true, FAILURE_CUT},          {ERR_SYNTAX, false, FAILURE_LOCAL},
        {ERR_UNSUPPORTED, false, FAILURE_LOCAL},  {ERR_RANGE, true, FAILURE_OTHER},
        {ERR_CANCELLED, true, FAILURE_CANCELLED}, {0, true, FAILURE_NONE},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct failure f;
        failure_of_error(ends[i].code, ends[i].sent, "why", &f);
        same_class(f.class, ends[i].class, err_code_text(ends[i].code));
        assert_true(f.before_start == !ends[i].sent);
        assert_string_equal(f.text, "why");
        assert_int_equal(f.retry_after_ms, -1);
    }
    struct failure f;
    failure_of_error(ERR_TIMED_OUT, true, NULL, &f);
    assert_string_equal(f.text, "took too long");
}

static struct failure exits(const char *program, int status)
{
    struct failure f;
    failure_of_exit(exit_table_find(program), status, 0, NULL, NULL, &f);
    return f;
}

static void test_curl(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum failure_class class;
        bool before;
    } codes[] = {
        {5, FAILURE_CONNECT, true},   {6, FAILURE_CONNECT, true}, {7, FAILURE_CONNECT, true},
        {28, FAILURE_TIMEOUT, false}, {22, FAILURE_OTHER, false}, {35, FAILURE_CONNECT, true},
        {60, FAILURE_AUTH, true},     {52, FAILURE_CUT, false},   {55, FAILURE_CUT, false},
        {56, FAILURE_CUT, false},     {67, FAILURE_AUTH, false},  {3, FAILURE_LOCAL, true},
        {75, FAILURE_OTHER, false}, /* sysexits don't apply where a program has its own */
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct failure f = exits("/usr/bin/curl", codes[i].status);
        same_class(f.class, codes[i].class, f.text);
        assert_true(f.before_start == codes[i].before);
    }
    assert_string_equal(exits("curl", 7).text, "exit 7: couldn't connect");
    /* All that curl 7.88 documents, and those since: 97 to 101. */
    static const int gaps[] = {20, 24, 29, 32, 40, 44, 46, 50, 51, 57, 62, 75, 76, 81};
    for (int status = 1, gap = 0; status <= 101; status++) {
        bool is_gap = gap < 14 && gaps[gap] == status;
        gap += is_gap;
        if ((strchr(exits("curl", status).text, ':') == NULL) != is_gap)
            fail_msg("curl's %d: %s", status, exits("curl", status).text);
    }
}

/* With more than one request nothing proves that the first one didn't arrive. */
static void test_a_curl_of_several_requests_proves_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *argv[8];
        bool certain;
    } calls[] = {
        {{"curl", "-sS", "-XDELETE", "http://a/b"}, true},
        {{"curl", "-d", "@f", "-H", "X-List: 1", "a/b"}, true},
        {{"curl", "-sSfL", "http://a/"}, false},
        {{"curl", "--location", "http://a/"}, false},
        {{"curl", "--loc", "http://a/"}, false},
        {{"curl", "--retry", "3", "http://a/"}, false},
        {{"curl", "--retry-all-errors", "http://a/"}, false},
        {{"curl", "-K", "file"}, false},
        {{"curl", "http://a/", "http://b/"}, false},
        {{"curl", "http://a/{x,y}"}, false},
        {{"curl", "http://a/[1-9]"}, false},
        {{"curl", "http://[::1]/"}, true},
        {{"curl", "http://a/", "-:", "b/"}, false},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct failure f;
        failure_of_exit(exit_table_for((char *const *)(uintptr_t)calls[i].argv), 7, 0, NULL, NULL, &f);
        if (f.class != FAILURE_CONNECT || f.before_start != calls[i].certain)
            fail_msg("call %zu", i);
    }
}

static void test_grpcurl(void **state)
{
    (void)state;
    for (int code = 1; code <= 16; code++) {
        struct failure f = exits("grpcurl", 64 + code);
        assert_true(failure_is_retried(f.class) == (code == 14 || code == 8 || code == 4));
        assert_false(f.before_start);
    }
    same_class(exits("grpcurl", 64 + 8).class, FAILURE_LIMITED, "RESOURCE_EXHAUSTED");
    same_class(exits("grpcurl", 64 + 16).class, FAILURE_AUTH, "UNAUTHENTICATED");
    same_class(exits("grpcurl", 64 + 5).class, FAILURE_NOT_FOUND, "NOT_FOUND");
    same_class(exits("grpcurl", 1).class, FAILURE_OTHER, "1");
}

static void test_sysexits_and_shells(void **state)
{
    (void)state;
    same_class(exits("anything", 75).class, FAILURE_TRANSIENT, "75");
    same_class(exits(NULL, 77).class, FAILURE_AUTH, "77");
    same_class(exits("sh", 127).class, FAILURE_LOCAL, "127");
    assert_false(exits("sh", 127).before_start);
    same_class(exits("sh", 1).class, FAILURE_OTHER, "1");
    same_class(exits("sh", 0).class, FAILURE_NONE, "0");
    struct failure f;
    failure_of_exit(exit_table_find("sh"), 0, 9, NULL, NULL, &f);
    same_class(f.class, FAILURE_OTHER, "signal");
    assert_string_equal(f.text, "killed by SIGKILL");
    failure_of_exit(exit_table_find("sh"), 0, 250, NULL, NULL, &f);
    assert_string_equal(f.text, "killed by a signal");
}

static void test_lists(void **state)
{
    (void)state;
    struct exit_list list = {0};
    struct err e;
    struct str text = {0};
    assert_int_equal(exit_list_parse("75, timeout ,100-110,server,255,1", &list, &e), 0);
    assert_true(exit_list_has_status(&list, 105) && exit_list_has_status(&list, 255));
    assert_false(exit_list_has_status(&list, 111) || exit_list_has_status(&list, 0) ||
                 exit_list_has_status(&list, 256) || exit_list_has_status(&list, -64));
    assert_true(exit_list_has_class(&list, FAILURE_SERVER));
    exit_list_text(&list, &text);
    assert_string_equal(str_text(&text), "1,75,100-110,255,timeout,server");
    static const char *const wrong[] = {
        "",    ",",    "75,",    "0",   "256",   "9-3",  "1-",    "-1",
        "1 2", "none", "Server", "75x", "1-2-3", "1- 2", "00075", "99999999999999999999"};
    struct exit_list before = list;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        e.msg[0] = '\0';
        if (exit_list_parse(wrong[i], &list, &e) == 0 || !e.msg[0])
            fail_msg("\"%s\" is taken", wrong[i]);
        assert_memory_equal(&list, &before, sizeof list);
    }
    str_fini(&text);
}

static void test_lists_come_first_and_permanent_before_all(void **state)
{
    (void)state;
    struct exit_list on = {0}, never = {0};
    struct err e;
    struct failure f;
    const struct exit_table *curl = exit_table_find("curl");
    exit_list_parse("3,22,other", &on, &e);
    exit_list_parse("7,timeout,77", &never, &e);
    static const struct {
        int status;
        enum failure_class class;
    } ends[] = {{22, FAILURE_TRANSIENT}, {3, FAILURE_TRANSIENT},  {7, FAILURE_PERMANENT},
                {28, FAILURE_PERMANENT}, {47, FAILURE_TRANSIENT}, {56, FAILURE_CUT},
                {0, FAILURE_NONE}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        failure_of_exit(curl, ends[i].status, 0, &on, &never, &f);
        same_class(f.class, ends[i].class, f.text);
    }
    failure_of_exit(curl, 7, 0, &never, &never, &f);
    same_class(f.class, FAILURE_PERMANENT, "in both");
    failure_of_exit(curl, 22, 15, &on, NULL, &f); /* a signal has no status, but a class */
    same_class(f.class, FAILURE_TRANSIENT, "signal");
    assert_string_equal(f.text, "killed by SIGTERM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_class_has_a_name_and_comes_back),
        cmocka_unit_test(test_http_statuses),
        cmocka_unit_test(test_retry_after_in_all_its_forms),
        cmocka_unit_test(test_errors_of_chat_providers_are_told_apart),
        cmocka_unit_test(test_a_long_body),
        cmocka_unit_test(test_errors_of_connections),
        cmocka_unit_test(test_curl),
        cmocka_unit_test(test_a_curl_of_several_requests_proves_nothing),
        cmocka_unit_test(test_grpcurl),
        cmocka_unit_test(test_sysexits_and_shells),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_lists_come_first_and_permanent_before_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
