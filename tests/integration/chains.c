/* belay exec --chain, and belay exec with curl, against a scripted upstream: every way in which one may fail;
 * and the wall clock jumping by an hour, which changes nothing. */
#include <math.h>
#include <sys/stat.h>

#include "tests/integration/server.h"
#include "tests/integration/upstream.h"

static const char *belay;

struct stand {
    struct upstream upstream;
    char *folder;
};

struct outcome {
    int status;
    char *out, *errors;
    cJSON *json;
};

static void stand_start(struct stand *s, const char *yaml)
{
    struct str text = {0};
    memset(s, 0, sizeof *s);
    upstream_start(&s->upstream);
    s->folder = xstrdup("/tmp/belay-chains-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    str_add(&text, "platform: test\n");
    for (const char *at; (at = strstr(yaml, "PORT")); yaml = at + 4) {
        str_add_bytes(&text, yaml, (size_t)(at - yaml));
        str_addf(&text, "%d", s->upstream.peer.port);
    }
    str_add(&text, yaml);
    text_write(s->folder, "belay.yaml", str_text(&text));
    str_fini(&text);
}

static void stand_stop(struct stand *s)
{
    struct err e;
    upstream_stop(&s->upstream);
    folder_remove(s->folder, &e);
    free(s->folder);
}

static char *file_text(const char *folder, const char *name)
{
    struct str text = {0};
    char *path = path_join(folder, name);
    file_read(path, 8u << 20, &text, NULL);
    free(path);
    return str_take(&text);
}

/* `before belay exec arguments` by a shell in the folder, with input. PORT in the arguments is the
 * upstream's. */
static struct outcome run(struct stand *s, const char *before, const char *arguments, const char *input)
{
    struct outcome o = {0};
    struct err e = {0};
    struct str line = {0};
    text_write(s->folder, "input", input);
    str_addf(&line, "cd %s && rm -f json; export XDG_STATE_HOME=%s KEY=sk-secret; %s %s exec --json=json ",
             s->folder, s->folder, before, belay);
    for (const char *at; (at = strstr(arguments, "PORT")); arguments = at + 4) {
        str_add_bytes(&line, arguments, (size_t)(at - arguments));
        str_addf(&line, "%d", s->upstream.peer.port);
    }
    str_addf(&line, "%s < input > out 2> errors", arguments);
    int status = system(str_text(&line));
    o.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    o.out = file_text(s->folder, "out");
    o.errors = file_text(s->folder, "errors");
    char *json = file_text(s->folder, "json");
    o.json = json_parse(json, strlen(json), &e);
    free(json);
    str_fini(&line);
    return o;
}

static void outcome_fini(struct outcome *o)
{
    free(o->out);
    free(o->errors);
    cJSON_Delete(o->json);
}

static void expect(const struct outcome *o, const char *what, int status, const char *out,
                   const char *in_errors)
{
    if (o->status != status || !str_eq(o->out, out) || !strstr(o->errors, in_errors))
        fail_msg("%s: exit %d instead of %d\nout: %s\ninstead of: %s\nerrors: %s\nwithout: %s", what,
                 o->status, status, o->out, out, o->errors, in_errors);
    assert_null(strstr(o->errors, "sk-secret"));
}

#define TIER(name, rest)                                                                                     \
    "  - {name: " name ", openai: {url: \"http://127.0.0.1:PORT/" name                                       \
    "\", model: m, key: {secret: env:KEY}}" rest "}\n"
#define QUICK "base: 10ms, cap: 20ms, jitter: none"

#define CASES_WITHIN(timeout)                                                                                \
    "policies:\n- {name: p, attempts: 3, timeout: " timeout ", " QUICK "}\n"                                 \
    "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER("a", "") TIER("b", "")

static void test_every_answer_of_the_first_tier(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int status;
        const char *out, *errors;
        int asked;
    } cases[] = {
        {"ok", 0, "answer of /a\n", "", 1},
        {"slow", 0, "answer of /a\n", "", 1},
        {"503 ok", 0, "answer of /a\n", "a: attempt 1 of 3: HTTP 503", 2},
        {"503", 0, "answer of /b\n", "answered by b (tier 2 of 2); a: HTTP 503", 2},
        {"429s", 0, "answer of /b\n", "a: it asked for a rest", 1},
        {"429d", 0, "answer of /b\n", "a: it asked for a rest", 1},
        {"quota", 0, "answer of /b\n", "HTTP 429: insufficient_quota; on to b", 1},
        {"401", 0, "answer of /b\n", "HTTP 401", 1},
        {"context", 0, "answer of /b\n", "a: the input is too large for it", 1},
        {"reset", 0, "answer of /b\n", "answered by b", 2},
        {"truncated", 0, "answer of /b\n", "answered by b", 2},
        {"stalled", 0, "answer of /b\n", "answered by b", 2},
        {"never", 0, "answer of /b\n", "answered by b", 2},
        {"garbage", 0, "answer of /b\n", "answered by b", 2},
        {"text", 0, "answer of /b\n", "the answer is not JSON", 2},
        {"empty", 0, "answer of /b\n", "the answer has no message", 2},
        {"wrapped", 0, "answer of /b\n", "a: it asked for a rest", 1},
        {"400", 22, "", "failed; a: HTTP 400", 1},
        {"404", 22, "", "failed; a: HTTP 404", 1},
        {"503 ok *", 0, "answer of /a\n", "HTTP 503", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stand s;
        bool silent = str_eq(cases[i].script, "stalled") || str_eq(cases[i].script, "never");
        stand_start(&s, silent ? CASES_WITHIN("2s") : CASES_WITHIN("1m"));
        struct upstream_path *a = upstream_script(&s.upstream, "/a", cases[i].script);
        upstream_script(&s.upstream, "/b", "ok");
        struct outcome o = run(&s, "", "--chain c", "why?");
        expect(&o, cases[i].script, cases[i].status, cases[i].out, cases[i].errors);
        if (a->asked != cases[i].asked)
            fail_msg("%s: asked %d times\n%s", cases[i].script, a->asked, o.errors);
        assert_non_null(strstr(a->heads[0], "Authorization: Bearer sk-secret"));
        assert_non_null(strstr(a->bodies[0], "{\"role\":\"user\",\"content\":\"why?\"}"));
        outcome_fini(&o);
        stand_stop(&s);
    }
}

/* What one process learned the next one knows: the breaker, the rest, the budget. */
static void test_what_processes_share(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s,
                "policies:\n- {name: p, attempts: 6, idempotent: true, " QUICK "}\n"
                "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER(
                    "a", ", cost: 0.1, breaker: {failures: 2, cool_down: 1h}")
                    TIER("b", ", cost: 0.05, accuracy: 0.95") "  - {name: local, command: [tr, a-z, A-Z]}\n");
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "500"),
                         *b = upstream_script(&s.upstream, "/b", "ok ok 429s");
    struct outcome o = run(&s, "", "--chain c", "x");
    expect(&o, "first", 0, "answer of /b\n", "its breaker opens");
    assert_int_equal(a->asked, 2);
    outcome_fini(&o);
    o = run(&s, "", "--chain c", "x");
    expect(&o, "second", 0, "answer of /b\n", "a: its breaker refuses for ");
    assert_int_equal(a->asked, 2);
    assert_string_equal(json_string(o.json, "tier", ""), "b");
    assert_true(json_double(o.json, "cost", 0) == 0.05);
    outcome_fini(&o);
    o = run(&s, "", "--chain c", "loud");
    expect(&o, "third", 0, "LOUD", "b: it asked for a rest");
    assert_int_equal(b->asked, 3);
    outcome_fini(&o);
    stand_stop(&s);
}

/* Prices a million tokens in the configuration, tokens in the answer: in --json, and in what is counted. */
static void test_what_an_answer_costs(void **state)
{
    (void)state;
    struct stand s;
    stand_start(
        &s, "chains:\n- name: c\n  tiers:\n"
            "  - {name: a, cost: 0.1, openai: {url: \"http://127.0.0.1:PORT/a\", model: m, price_in: 2.5, "
            "price_out: 10}}\n");
    upstream_script(&s.upstream, "/a", "ok");
    struct outcome o = run(&s, "", "--chain c", "x");
    expect(&o, "priced", 0, "answer of /a\n", "");
    assert_true(fabs(json_double(o.json, "cost", 0) - 0.0075) < 1e-9);
    outcome_fini(&o);
    char *command =
        xasprintf("cd %s && XDG_STATE_HOME=%s %s status --json > status", s.folder, s.folder, belay);
    assert_int_equal(system(command), 0);
    char *text = file_text(s.folder, "status");
    cJSON *status = json_parse(text, strlen(text), NULL);
    assert_true(fabs(json_double(json_at(status, "/targets/0/measures/1h"), "cost", 0) - 0.0075) < 1e-6);
    cJSON_Delete(status);
    free(text);
    free(command);
    stand_stop(&s);
}

static void test_when_nothing_serves(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, "policies:\n- {name: p, attempts: 2, " QUICK "}\n"
                    "chains:\n- name: bare\n  policy: p\n  tiers:\n" TIER(
                        "a", "") "- name: safe\n  policy: p\n  cached: known.json\n  refusal: |\n    Not "
                                 "now.\n    Later.\n  tiers:\n" TIER("a", ""));
    text_write(s.folder, "known.json", "{\"q1\": \"forty-two\"}");
    upstream_script(&s.upstream, "/a", "500");
    struct outcome o = run(&s, "", "--chain bare", "x");
    expect(&o, "bare", 22, "", "failed; a: HTTP 500");
    outcome_fini(&o);
    o = run(&s, "", "--chain safe --id q1", "x");
    expect(&o, "cached", 0, "forty-two\n", "a cached answer; a: HTTP 500");
    outcome_fini(&o);
    o = run(&s, "", "--chain safe --id q2", "x");
    expect(&o, "refused", 75, "Not now.\nLater.\n", "refused; a: HTTP 500");
    outcome_fini(&o);
    o = run(&s, "", "--chain none", "x");
    expect(&o, "none", 125, "", "there is no chain \"none\" in ");
    outcome_fini(&o);
    stand_stop(&s);
}

/* A signal ends it while it waits for an answer. */
static void test_called_off(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, "chains:\n- name: c\n  tiers:\n" TIER("a", "") TIER("b", ""));
    upstream_script(&s.upstream, "/a", "never");
    int64_t begun = upstream_now_ms();
    struct outcome o = run(&s, "timeout --preserve-status 1", "--chain c", "x");
    assert_true(o.status == 128 + SIGTERM || o.status == -SIGTERM);
    assert_true(upstream_now_ms() - begun < 50000); /* a time-out of the attempt would be 60 s */
    outcome_fini(&o);
    upstream_script(&s.upstream, "/a", "ok");
    o = run(&s, "", "--chain c", "x");
    expect(&o, "after", 0, "answer of /a\n", "");
    outcome_fini(&o);
    stand_stop(&s);
}

/* curl's exit statuses say what it was: shipped table, no option needed. */
static void test_curl(void **state)
{
    (void)state;
    static const struct {
        const char *script, *options;
        int status, asked;
    } cases[] = {
        {"ok", "", 0, 1},
        {"reset ok", "--idempotent", 0, 2},
        {"reset ok", "", 56, 1}, /* it may have had an effect */
        {"truncated ok", "--idempotent", 0, 2},
        {"never ok", "--idempotent --timeout 2s --timeout-growth 60", 0, 2},
        {"never", "--idempotent --timeout 2s --attempts 2", 124, 2},
        {"stalled ok", "--idempotent --timeout 2s --timeout-growth 60", 0, 2},
        {"garbage ok", "--idempotent", 1, 1}, /* to curl an unsupported protocol, which stays */
        {"slow", "", 0, 1},
        {"flood ok", "--idempotent --timeout 1s --timeout-growth 60 --spool 16G", 0,
         2}, /* more than loopback brings in a second */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stand s;
        stand_start(&s, "");
        struct upstream_path *a = upstream_script(&s.upstream, "/a", cases[i].script);
        char *arguments = xasprintf("--base 10ms --jitter none %s -- curl -sS -m 30 http://127.0.0.1:PORT/a",
                                    cases[i].options);
        struct outcome o = run(&s, "", arguments, "");
        if (o.status != cases[i].status || a->asked != cases[i].asked)
            fail_msg("%s %s: exit %d, asked %d times\n%s", cases[i].script, cases[i].options, o.status,
                     a->asked, o.errors);
        assert_true((o.status == 0) == (strstr(o.out, "answer of /a") != NULL));
        free(arguments);
        outcome_fini(&o);
        stand_stop(&s);
    }
}

/* ---- The wall clock ---- */

/* What happened, without how long it took: the classes of failures, who was asked, who answered. */
static void trace_add(struct str *trace, const struct outcome *o)
{
    const cJSON *item;
    str_addf(trace, "exit %d, %s by %s after %g\n", o->status, json_string(o->json, "outcome", "?"),
             json_string(o->json, "tier", "nobody"), json_double(o->json, "attempts", -1));
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(o->json, "refusals"))
        str_addf(trace, "  refused %s %s\n", json_string(item, "tier", "?"), json_string(item, "state", "?"));
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(o->json, "failures"))
        str_addf(trace, "  failed %s %s\n", json_string(item, "tier", "?"), json_string(item, "class", "?"));
}

struct jump {
    const char *path, *from, *to;
    struct upstream *upstream;
    atomic_bool stop;
};

/* From the first request on, the other time. */
static void *jump_watch(void *data)
{
    struct jump *j = data;
    bool jumped = false;
    while (!j->stop) {
        pthread_mutex_lock(&j->upstream->lock);
        bool asked = j->upstream->paths[0].asked > 0;
        pthread_mutex_unlock(&j->upstream->lock);
        if (asked && !jumped && j->to) {
            file_write_atomic(j->path, j->to, strlen(j->to), 0600, NULL);
            jumped = true;
        }
        poll(NULL, 0, 1);
    }
    return NULL;
}

/* Two failures trip the first tier; its cool-down passes in real time; a 429 rests; a probe closes it again.
 * from, to: what the wall clock is off by, before and after the first request of each operation; NULL: the
 * real clock. */
static char *trace_with(const char *from, const char *to)
{
    struct stand s;
    struct str trace = {0};
    stand_start(&s, "policies:\n- {name: p, attempts: 4, deadline: 30s, " QUICK "}\n"
                    "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER(
                        "a", ", breaker: {failures: 2, cool_down: 6s}") TIER("b", ""));
    char *path = path_join(s.folder, "clock"), *before = xstrdup("");
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "500 500 ok"),
                         *b = upstream_script(&s.upstream, "/b", "ok ok ok 429s");
    struct jump jump = {.path = path, .from = from, .to = to, .upstream = &s.upstream};
    pthread_t thread;
    int64_t tripped = 0;
    if (from) {
        free(before);
        before = xasprintf("FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 FAKETIME_TIMESTAMP_FILE=%s "
                           "LD_PRELOAD=\"$(dpkg -L libfaketime | grep '/libfaketime.so.1$')\"",
                           path);
    }
    if (from) {
        file_write_atomic(path, "+3600", 5, 0600, NULL);
        char *check = xasprintf("test $(%s date +%%s) -gt %lld", before,
                                (long long)(clock_wall_us() / US_PER_S + 3000));
        if (system(check) != 0)
            fail_msg("the clock is not faked: %s", check);
        free(check);
    }
    for (int i = 0; i < 4; i++) {
        if (from)
            assert_int_equal(file_write_atomic(path, from, strlen(from), 0600, NULL), 0);
        if (i == 2) /* until its cool-down, with its jitter, is over for certain */
            while (upstream_now_ms() - tripped < 7000)
                poll(NULL, 0, 50);
        jump.stop = false;
        pthread_create(&thread, NULL, jump_watch, &jump);
        struct outcome o = run(&s, before, "--chain c", "x");
        jump.stop = true;
        pthread_join(thread, NULL);
        if (i == 0)
            tripped = upstream_now_ms();
        trace_add(&trace, &o);
        outcome_fini(&o);
    }
    str_addf(&trace, "a asked %d times, b %d\n", a->asked, b->asked);
    free(path);
    free(before);
    stand_stop(&s);
    return str_take(&trace);
}

static void test_the_wall_clock_jumps_by_an_hour(void **state)
{
    (void)state;
    char *real = trace_with(NULL, NULL);
    static const char *const jumps[][2] = {{"+0", "+3600"}, {"+0", "-3600"}, {"+3600", "-3600"}};
    assert_non_null(strstr(real, "refused a OPEN"));
    assert_non_null(strstr(real, "served by a after 1"));
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        char *jumped = trace_with(jumps[i][0], jumps[i][1]);
        if (!str_eq(real, jumped))
            fail_msg("from %s to %s:\n%sinstead of\n%s", jumps[i][0], jumps[i][1], jumped, real);
        free(jumped);
    }
    free(real);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    server_require("faketime");
    server_require("curl");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_answer_of_the_first_tier),
        cmocka_unit_test(test_what_processes_share),
        cmocka_unit_test(test_what_an_answer_costs),
        cmocka_unit_test(test_when_nothing_serves),
        cmocka_unit_test(test_called_off),
        cmocka_unit_test(test_curl),
        cmocka_unit_test(test_the_wall_clock_jumps_by_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
