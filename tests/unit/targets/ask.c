/* One attempt at a tier: what is sent, and what every kind of answer is taken for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/targets/targets.h"
#include "tests/integration/upstream.h"

#define PATIENCE_US (60 * US_PER_S)

struct asked {
    bool done;
    struct failure failure;
    char *answer;
};

static void on_asked(void *data, struct ask_result *r)
{
    struct asked *a = data;
    a->done = true;
    a->failure = r->failure;
    a->answer = str_take(&r->answer);
}

/* One attempt; free the answer. */
static struct asked ask_policy(const struct config_tier *tier, const struct ask_question *q,
                               const struct policy *policy, int64_t timeout_ms)
{
    struct err e = {0};
    struct loop *l = loop_new(&e);
    struct http *h = http_new(l, 1, &e);
    struct asked asked = {0};
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    ask_start(l, h, tier, q, policy, timeout_ms, on_asked, &asked);
    assert_false(asked.done); /* never inside the call that started it */
    while (!asked.done) {
        assert_true(clock_monotonic_us() < end);
        loop_run_once(l, 50 * US_PER_MS);
    }
    http_free(h);
    loop_free(l);
    return asked;
}

static struct asked ask(const struct config_tier *tier, const char *input, int64_t timeout_ms)
{
    return ask_policy(tier, &(struct ask_question){.input = input, .length = strlen(input), .id = "q 7"},
                      NULL, timeout_ms);
}

static struct config *parsed(const char *text)
{
    struct err e = {0};
    struct config *c = config_parse(text, strlen(text), "belay.yaml", "/conf", NULL, &e);
    if (!c)
        fail_msg("%s\n%s", e.msg, text);
    return c;
}

/* A chain of one tier: `way` is what says how it is asked, with %d for the port. */
static struct config *tier_of(int port, const char *way)
{
    struct str text = {0};
    str_add(&text, "chains:\n- name: c\n  tiers:\n  - {name: t, ");
    for (; *way; way++) {
        if (*way == '%' && way[1] == 'd') {
            str_addf(&text, "%d", port);
            way++;
        } else {
            str_add_char(&text, *way);
        }
    }
    str_add(&text, "}\n");
    struct config *c = parsed(str_text(&text));
    str_fini(&text);
    return c;
}

static void test_a_chat_is_asked_and_answers(void **state)
{
    (void)state;
    struct upstream u;
    upstream_start(&u);
    struct upstream_path *path = upstream_script(&u, "/v1", "ok");
    setenv("CHAINS_KEY", "sk-secret-1", 1);
    struct config *c = tier_of(
        u.peer.port, "openai: {url: \"http://127.0.0.1:%d/v1/\", model: gpt-4o, key: {secret: "
                     "env:CHAINS_KEY}, system: \"Be \\\"brief\\\".\", max_tokens: 9, temperature: 0.5}");
    struct asked a = ask(c->chains[0].tiers, "why?\n\"quoted\"", 0);
    assert_int_equal(a.failure.class, FAILURE_NONE);
    assert_string_equal(a.answer, "answer of /v1\n");
    assert_string_equal(
        path->bodies[0],
        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\"},"
        "{\"role\":\"user\",\"content\":\"why?\\n\\\"quoted\\\"\"}],\"max_tokens\":9,"
        "\"temperature\":0.5,\"stream\":false}");
    assert_non_null(strstr(path->heads[0], "POST /v1/chat/completions HTTP/1.1\r\n"));
    assert_non_null(strstr(path->heads[0], "\r\nAuthorization: Bearer sk-secret-1\r\n"));
    assert_non_null(strstr(path->heads[0], "\r\nContent-Type: application/json\r\n"));
    free(a.answer);
    /* The input may bring its messages by itself. */
    upstream_script(&u, "/v1", "echo");
    struct str body = {0};
    const char *own =
        "{\"messages\": [{\"role\":\"system\",\"content\":\"x\"},{\"role\":\"user\",\"content\":[]}]}";
    assert_int_equal(ask_body(c->chains[0].tiers, &(struct ask_question){.input = own, .length = strlen(own)},
                              &body, NULL),
                     0);
    assert_true(str_starts(str_text(&body),
                           "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\",\"content\":"
                           "\"x\"},{\"role\":\"user\",\"content\":[]}],"));
    str_fini(&body);
    config_free(c);
    upstream_stop(&u);
}

static void test_an_http_request_as_written(void **state)
{
    (void)state;
    struct upstream u;
    upstream_start(&u);
    struct upstream_path *path = upstream_script(&u, "/ask", "echo");
    setenv("CHAINS_KEY", "sk-secret-1", 1);
    struct config *c =
        tier_of(u.peer.port,
                "http: {url: \"http://127.0.0.1:%d/ask?id={id}\", method: PUT, headers: {X-Key: {secret: "
                "env:CHAINS_KEY}, Content-Type: text/x}, body: \"{\\\"q\\\": {input_json}, \\\"raw\\\": "
                "{\\\"{id}\\\": [{id_json}, {\\\"a\\\": 1}]}}\", take: /raw}");
    struct asked a = ask(c->chains[0].tiers, "a\"b", 0);
    assert_int_equal(a.failure.class, FAILURE_NONE);
    assert_string_equal(path->bodies[0], "{\"q\": \"a\\\"b\", \"raw\": {\"q 7\": [\"q 7\", {\"a\": 1}]}}");
    assert_string_equal(a.answer, "{\"q 7\":[\"q 7\",{\"a\":1}]}\n");
    assert_non_null(strstr(path->heads[0], "PUT /ask?id=q%207 HTTP/1.1\r\n"));
    assert_non_null(strstr(path->heads[0], "\r\nX-Key: sk-secret-1\r\n"));
    assert_null(strstr(path->heads[0], "application/json"));
    free(a.answer);
    config_free(c);
    /* Without a body the input is sent as it is, and all of the answer is the answer. */
    c = tier_of(u.peer.port, "http: {url: \"http://127.0.0.1:%d/ask\"}");
    a = ask(c->chains[0].tiers, "plain words", 0);
    assert_string_equal(a.answer, "plain words");
    assert_non_null(strstr(path->heads[1], "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    free(a.answer);
    config_free(c);
    c = tier_of(u.peer.port, "http: {url: \"http://127.0.0.1:%d/ask?q={input}\", method: GET}");
    a = ask(c->chains[0].tiers, "a&b=\xC3\xBC", 0);
    assert_non_null(strstr(path->heads[2], "GET /ask?q=a%26b%3D%C3%BC HTTP/1.1\r\n"));
    assert_string_equal(path->bodies[2], "");
    free(a.answer);
    config_free(c);
    upstream_stop(&u);
}

static void test_every_answer_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum failure_class class;
        int64_t retry_low_ms, retry_high_ms;
        const char *text;
    } cases[] = {
        {"ok", FAILURE_NONE, -1, -1, ""},
        {"slow", FAILURE_NONE, -1, -1, ""},
        {"500", FAILURE_SERVER, -1, -1, "HTTP 500"},
        {"503s", FAILURE_SERVER, 1000, 1000, "HTTP 503"},
        {"429", FAILURE_LIMITED, -1, -1, "HTTP 429"},
        {"429s", FAILURE_LIMITED, 1000, 1000, "HTTP 429"},
        {"429d", FAILURE_LIMITED, 1, 2000, "HTTP 429"},
        {"quota", FAILURE_AUTH, -1, -1, "insufficient_quota"},
        {"context", FAILURE_TOO_LARGE, -1, -1, "context_length_exceeded"},
        {"413", FAILURE_TOO_LARGE, -1, -1, "HTTP 413"},
        {"401", FAILURE_AUTH, -1, -1, "HTTP 401"},
        {"403", FAILURE_AUTH, -1, -1, "HTTP 403"},
        {"400", FAILURE_INVALID, -1, -1, "scripted 400"},
        {"422", FAILURE_INVALID, -1, -1, "HTTP 422"},
        {"404", FAILURE_NOT_FOUND, -1, -1, "HTTP 404"},
        {"reset", FAILURE_CUT, -1, -1, ""},
        {"truncated", FAILURE_CUT, -1, -1, ""},
        {"continue", FAILURE_CUT, -1, -1, ""},
        {"304", FAILURE_CUT, -1, -1, "no answer"},
        {"stalled", FAILURE_TIMEOUT, -1, -1, ""},
        {"never", FAILURE_TIMEOUT, -1, -1, ""},
        {"garbage", FAILURE_CUT, -1, -1, ""},
        {"text", FAILURE_CUT, -1, -1, "the answer is not JSON"},
        {"empty", FAILURE_CUT, -1, -1, "the answer has no message: I can't"},
        {"wrapped", FAILURE_LIMITED, -1, -1, "the answer is error 429: slow down"},
        {"flood", FAILURE_OTHER, -1, -1, "larger than"},
    };
    struct upstream u;
    upstream_start(&u);
    struct config *c = tier_of(u.peer.port, "openai: {url: \"http://127.0.0.1:%d/v1\", model: m}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        upstream_script(&u, "/v1", cases[i].word);
        bool hangs = cases[i].class == FAILURE_TIMEOUT;
        struct asked a = ask(c->chains[0].tiers, "x", hangs ? 300 : 30000);
        const struct failure *f = &a.failure;
        if (f->class != cases[i].class || f->retry_after_ms < cases[i].retry_low_ms ||
            f->retry_after_ms > cases[i].retry_high_ms || !strstr(f->text, cases[i].text))
            fail_msg("%s: class %s, retry after %lld, %s", cases[i].word, failure_class_text(f->class),
                     (long long)f->retry_after_ms, f->text);
        assert_false(f->before_start);
        for (const char *p = f->text; *p; p++)
            assert_true((unsigned char)*p >= 0x20);
        free(a.answer);
    }
    config_free(c);
    upstream_stop(&u);
}

/* An error inside an answer of status 200: by its number, by its words, or by nothing at all. */
static void test_an_error_that_says_200(void **state)
{
    (void)state;
    static const struct {
        const char *error;
        enum failure_class class;
        const char *text;
    } cases[] = {
        {"{\"code\":429,\"message\":\"slow down\"}", FAILURE_LIMITED, "the answer is error 429: slow down"},
        {"{\"code\":401}", FAILURE_AUTH, "the answer is error 401"},
        {"{\"code\":503}", FAILURE_SERVER, "the answer is error 503"},
        {"{\"code\":\"context_length_exceeded\"}", FAILURE_TOO_LARGE,
         "the answer is an error: context_length_exceeded"},
        {"{\"message\":\"prompt is too long: 9000 tokens\"}", FAILURE_TOO_LARGE,
         "the answer is an error: prompt is too long: 9000 tokens"},
        {"{\"type\":\"insufficient_quota\",\"message\":\"no credit\"}", FAILURE_AUTH,
         "the answer is an error: no credit"},
        {"{\"message\":\"out of order\"}", FAILURE_SERVER, "the answer is an error: out of order"},
        {"{\"code\":200}", FAILURE_SERVER, "the answer is an error"},
        {"\"out of order\"", FAILURE_SERVER, "the answer is an error: out of order"},
    };
    struct config *c = tier_of(0, "openai: {url: \"http://h\", model: m}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = xasprintf("{\"error\":%s}", cases[i].error);
        struct str out = {0};
        struct failure f;
        double cost;
        ask_take(c->chains[0].tiers, body, strlen(body), &out, &cost, &f);
        if (f.class != cases[i].class || strcmp(f.text, cases[i].text) != 0)
            fail_msg("%s: class %s, %s", cases[i].error, failure_class_text(f.class), f.text);
        assert_false(f.before_start);
        str_fini(&out);
        free(body);
    }
    config_free(c);
}

/* By prices a million tokens, of what the answer says it took; what it says is believed within reason. */
static void test_what_an_answer_cost(void **state)
{
    (void)state;
    static const struct {
        const char *prices, *usage;
        double cost; /* NaN: what the tier says */
    } cases[] = {
        {", price_in: 2.5, price_out: 10", "{\"prompt_tokens\":1000,\"completion_tokens\":500}", 0.0075},
        {", price_in: 2.5", "{\"prompt_tokens\":1000,\"completion_tokens\":500}", 0.0025},
        {", price_out: 0.15", "{\"prompt_tokens\":1000,\"completion_tokens\":1}", 0.15e-6},
        {", price_in: 0, price_out: 0", "{\"prompt_tokens\":1000,\"completion_tokens\":500}", 0},
        {"", "{\"prompt_tokens\":1000,\"completion_tokens\":500}", NAN},
        {", price_in: 2.5, price_out: 10", "{\"prompt_tokens\":1000}", NAN},
        {", price_in: 2.5, price_out: 10", "{\"prompt_tokens\":-1,\"completion_tokens\":500}", NAN},
        {", price_in: 2.5", "{\"prompt_tokens\":1e300}", NAN},
        {", price_in: 2.5", "{\"prompt_tokens\":[1]}", NAN},
        {", price_in: 2.5", "7", NAN},
        {", price_in: 2.5", "null", NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *way = xasprintf("openai: {url: \"http://h\", model: m%s}", cases[i].prices),
             *body =
                 xasprintf("{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"usage\":%s}", cases[i].usage);
        struct config *c = tier_of(0, way);
        struct str out = {0};
        struct failure f;
        double cost;
        ask_take(c->chains[0].tiers, body, strlen(body), &out, &cost, &f);
        assert_int_equal(f.class, FAILURE_NONE);
        assert_string_equal(str_text(&out), "a\n");
        if (isnan(cost) != isnan(cases[i].cost) || fabs(cost - cases[i].cost) > 1e-12)
            fail_msg("%s, %s: %g instead of %g", cases[i].prices, cases[i].usage, cost, cases[i].cost);
        str_fini(&out);
        config_free(c);
        free(way);
        free(body);
    }
}

/* Nothing was sent: whatever the policy, it may be asked again. */
static void test_before_anything_was_sent(void **state)
{
    (void)state;
    struct upstream u;
    upstream_start(&u);
    int port = u.peer.port;
    upstream_stop(&u);
    struct config *c = tier_of(port, "openai: {url: \"http://127.0.0.1:%d/v1\", model: m}");
    struct asked a = ask(c->chains[0].tiers, "x", 10000);
    assert_int_equal(a.failure.class, FAILURE_CONNECT);
    assert_true(a.failure.before_start);
    free(a.answer);
    a = ask(c->chains[0].tiers, "\xFF", 10000);
    assert_int_equal(a.failure.class, FAILURE_LOCAL);
    assert_string_equal(a.failure.text, "the input is not UTF-8 text and can't be put into JSON");
    free(a.answer);
    config_free(c);
    unsetenv("CHAINS_KEY");
    c = tier_of(port, "openai: {url: \"http://127.0.0.1:%d/v1\", model: m, key: {secret: env:CHAINS_KEY}}");
    a = ask(c->chains[0].tiers, "x", 10000);
    assert_int_equal(a.failure.class, FAILURE_LOCAL);
    assert_true(a.failure.before_start);
    assert_non_null(strstr(a.failure.text, "CHAINS_KEY"));
    free(a.answer);
    config_free(c);
}

static void test_a_secret_that_comes_back_is_masked(void **state)
{
    (void)state;
    setenv("CHAINS_KEY", "401", 1); /* the upstream's error repeats the script's word */
    struct upstream u;
    upstream_start(&u);
    upstream_script(&u, "/v1", "401");
    struct config *c = tier_of(
        u.peer.port, "openai: {url: \"http://127.0.0.1:%d/v1\", model: m, key: {secret: env:CHAINS_KEY}}");
    struct asked a = ask(c->chains[0].tiers, "x", 0);
    assert_string_equal(a.failure.text, "HTTP ***: scripted ***");
    free(a.answer);
    config_free(c);
    upstream_stop(&u);
}

static void test_a_command(void **state)
{
    (void)state;
    struct policy policy = policy_default();
    struct err e = {0};
    struct config *c = tier_of(0, "command: [sh, -c, 'cat; echo \"$A $BELAY_ID\"'], env: {A: b}");
    struct asked a = ask(c->chains[0].tiers, "in\n", 0);
    assert_int_equal(a.failure.class, FAILURE_NONE);
    assert_string_equal(a.answer, "in\nb q 7\n");
    free(a.answer);
    config_free(c);
    c = tier_of(0, "command: [sh, -c, 'echo no >&2; exit 3']");
    a = ask(c->chains[0].tiers, "", 0);
    assert_int_equal(a.failure.class, FAILURE_OTHER);
    free(a.answer);
    assert_int_equal(exit_list_parse("3", &policy.retry_on, &e), 0);
    a = ask_policy(c->chains[0].tiers, &(struct ask_question){0}, &policy, 0);
    assert_int_equal(a.failure.class, FAILURE_TRANSIENT);
    free(a.answer);
    config_free(c);
    c = tier_of(0, "command: [/nowhere/at/all]");
    a = ask(c->chains[0].tiers, "", 0);
    assert_int_equal(a.failure.class, FAILURE_LOCAL);
    assert_true(a.failure.before_start);
    free(a.answer);
    config_free(c);
    c = tier_of(0, "timeout: 50ms, command: [sleep, 60]");
    a = ask(c->chains[0].tiers, "", 0);
    assert_int_equal(a.failure.class, FAILURE_TIMEOUT);
    free(a.answer);
    config_free(c);
}

/* Off it goes, wherever it stands. */
static void test_cancelling(void **state)
{
    (void)state;
    struct upstream u;
    upstream_start(&u);
    upstream_script(&u, "/v1", "never");
    struct err e = {0};
    for (int turns = 0; turns < 6; turns++) {
        struct loop *l = loop_new(&e);
        struct http *h = http_new(l, 1, &e);
        struct asked asked = {0};
        setenv("CHAINS_KEY", "k", 1);
        struct config *c = tier_of(
            u.peer.port, turns & 1 ? "command: [sleep, 60]"
                                   : "openai: {url: \"http://127.0.0.1:%d/v1\", model: m, key: {secret: "
                                     "env:CHAINS_KEY}}");
        struct ask_question q = {0};
        struct ask *a = ask_start(l, h, c->chains[0].tiers, &q, NULL, 0, on_asked, &asked);
        for (int i = 0; i < turns; i++)
            loop_run_once(l, US_PER_MS);
        ask_cancel(a);
        loop_run_once(l, US_PER_MS);
        assert_false(asked.done);
        config_free(c);
        http_free(h);
        loop_free(l);
    }
    upstream_stop(&u);
}

static void test_declared_policies_and_breakers(void **state)
{
    (void)state;
    struct config *c = parsed(
        "policies:\n- {name: p, attempts: 5, base: 1s, timeout: 30s, timeout_growth: 2, budget: 4, "
        "cost_ceiling: 0.5, on_failure: fail, retry_on: \"3,not_found\", jitter: full,\n"
        "   breaker: {failures: 2, cool_down: 5s, window_calls: 50}}\n"
        "chains:\n- {name: c, policy: p, tiers: [{name: t, openai: {url: \"http://h\", model: m}}]}\n");
    struct policy p;
    struct err e = {0};
    char target[DECLARED_TARGET_SIZE];
    assert_int_equal(declared_chain_policy(c, c->chains, &p, &e), 0);
    assert_true(p.idempotent); /* a chat */
    assert_int_equal(p.backoff.attempts, 5);
    assert_int_equal(p.backoff.base_ms, 1000);
    assert_int_equal(p.backoff.growth_milli, 2000);
    assert_int_equal(p.backoff.jitter, BACKOFF_FULL);
    assert_int_equal(p.timeout_ms, 30000);
    assert_int_equal(p.budget, 4);
    assert_true(p.cost_ceiling == 0.5);
    assert_int_equal(p.end, POLICY_FAIL);
    assert_true(exit_list_has_status(&p.retry_on, 3) && exit_list_has_class(&p.retry_on, FAILURE_NOT_FOUND));
    assert_true(p.has_breaker);
    assert_int_equal(p.breaker.failures, 2);
    assert_int_equal(p.breaker.cool_down_ms, 5000);
    assert_int_equal(p.breaker.window_calls, 50);
    assert_int_equal(p.breaker.window_ms, 0);
    declared_target(c->chains, c->chains[0].tiers, target);
    assert_string_equal(target, "chain/c/t");
    config_free(c);
    struct config_breaker defaults = config_breaker_default();
    struct breaker_rules ours = breaker_rules_declared(&defaults), theirs = breaker_rules_default();
    assert_int_equal(breaker_rules_check(&ours, &e), 0);
    assert_int_equal(ours.cool_down_ms, theirs.cool_down_ms);
    assert_int_equal(ours.failures, theirs.failures);
}

static void test_checking_finds_what_reading_does_not(void **state)
{
    (void)state;
    struct config_findings findings = {0};
    struct config *c = parsed(
        "policies:\n- {name: p, retry_on: \"300\"}\n- {name: q, permanent: nonsense}\n"
        "chains:\n- name: c\n  cached: none.json\n  tiers:\n  - {name: t, http: {url: \"ftp://h/x\"}}\n");
    declared_check(c, &findings);
    struct str all = {0};
    for (size_t i = 0; i < findings.len; i++)
        str_addf(&all, "%d:%d: %s\n", findings.data[i].line, findings.data[i].column,
                 findings.data[i].message);
    assert_string_equal(
        str_text(&all),
        "2:3: policy p: retry_on: \"300\": an exit status of a failure is between 1 and 255\n"
        "3:3: policy q: permanent: \"nonsense\" is neither an exit status nor a class of failure\n"
        "8:5: tier t: 'ftp://h/x': only http:// and https:// are spoken, not ftp\n"
        "5:3: chain c: cached: /conf/none.json: No such file or directory\n");
    str_fini(&all);
    config_findings_fini(&findings);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chat_is_asked_and_answers),
        cmocka_unit_test(test_an_http_request_as_written),
        cmocka_unit_test(test_every_answer_is_told_apart),
        cmocka_unit_test(test_an_error_that_says_200),
        cmocka_unit_test(test_what_an_answer_cost),
        cmocka_unit_test(test_before_anything_was_sent),
        cmocka_unit_test(test_a_secret_that_comes_back_is_masked),
        cmocka_unit_test(test_a_command),
        cmocka_unit_test(test_cancelling),
        cmocka_unit_test(test_declared_policies_and_breakers),
        cmocka_unit_test(test_checking_finds_what_reading_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
