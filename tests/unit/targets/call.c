/* A question put to a chain: which tier answers, why others don't, and what the state database knows of it.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/targets/targets.h"
#include "tests/integration/upstream.h"

#define PATIENCE_US (120 * US_PER_S)

struct stand {
    struct upstream upstream;
    struct config *config;
    char *folder;
    struct loop *loop;
    struct http *http;
};

struct told {
    bool done;
    enum chain_outcome outcome;
    unsigned attempts;
    double cost;
    char tier[64], message[512], answer[512], trouble[256];
};

static void on_called(void *data, struct call_result *r)
{
    struct told *t = data;
    t->done = true;
    t->outcome = r->outcome;
    t->attempts = r->attempts;
    t->cost = r->cost;
    snprintf(t->trouble, sizeof t->trouble, "%s", r->trouble ? r->trouble : "");
    snprintf(t->tier, sizeof t->tier, "%s", r->tier ? r->tier : "");
    snprintf(t->message, sizeof t->message, "%s", r->message);
    snprintf(t->answer, sizeof t->answer, "%s", str_text(&r->answer));
}

/* Chains over /a, /b, /c of the upstream; PORT in the text is its port. */
static void stand_start(struct stand *s, const char *yaml)
{
    struct err e = {0};
    struct str text = {0};
    memset(s, 0, sizeof *s);
    upstream_start(&s->upstream);
    for (const char *at; (at = strstr(yaml, "PORT")); yaml = at + 4) {
        str_add_bytes(&text, yaml, (size_t)(at - yaml));
        str_addf(&text, "%d", s->upstream.peer.port);
    }
    str_add(&text, yaml);
    s->folder = xstrdup("/tmp/belay-call-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    s->config = config_parse(str_text(&text), text.len, "belay.yaml", s->folder, NULL, &e);
    if (!s->config)
        fail_msg("%s\n%s", e.msg, str_text(&text));
    s->loop = loop_new(&e);
    s->http = http_new(s->loop, 4, &e);
    str_fini(&text);
}

static void stand_stop(struct stand *s)
{
    struct err e;
    http_free(s->http);
    loop_free(s->loop);
    config_free(s->config);
    folder_remove(s->folder, &e);
    free(s->folder);
    upstream_stop(&s->upstream);
}

static struct told put(struct stand *s, const char *chain, const char *input, const char *id)
{
    struct err e = {0};
    struct told told = {0};
    struct ask_question q = {.input = input, .length = strlen(input), .id = id};
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    struct call *c = call_start(s->loop, s->http, s->config, config_chain_find(s->config, chain), &q,
                                s->folder, false, on_called, &told, &e);
    if (!c)
        fail_msg("%s", e.msg);
    while (!told.done) {
        assert_true(clock_monotonic_us() < end);
        loop_run_once(s->loop, 50 * US_PER_MS);
    }
    assert_string_equal(told.trouble, "");
    return told;
}

static struct target_view view(struct stand *s, const char *name)
{
    struct err e = {0};
    struct targets *t;
    struct target_view *views, found = {0};
    size_t count;
    if (targets_open(s->folder, false, true, &t, &e) < 0 || targets_read(t, &views, &count, &e) < 0)
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < count; i++)
        if (str_eq(views[i].name, name))
            found = views[i];
    free(views);
    targets_close(t);
    if (!found.name[0])
        fail_msg("no target %s", name);
    return found;
}

#define TIER(name, rest)                                                                                     \
    "  - {name: " name ", openai: {url: \"http://127.0.0.1:PORT/" name "\", model: m}" rest "}\n"
#define QUICK "base: 10ms, cap: 20ms, jitter: none"

static const char three[] =
    "policies:\n- {name: p, attempts: 6, timeout: 5s, " QUICK "}\n"
    "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER("a",
                                                       ", cost: 0.1, accuracy: 0.99, breaker: {failures: 2}")
        TIER("b", ", cost: 0.05, accuracy: 0.95") TIER("c", ", cost: 0.01, accuracy: 0.9");

static void test_the_first_tier_serves(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, three);
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "ok");
    struct told t = put(&s, "c", "why?", NULL);
    assert_int_equal(t.outcome, CHAIN_SERVED);
    assert_string_equal(t.tier, "a");
    assert_string_equal(t.answer, "answer of /a\n");
    assert_string_equal(t.message, "");
    assert_int_equal(t.attempts, 1);
    assert_int_equal(a->asked, 1);
    struct target_view v = view(&s, "chain/c/a");
    assert_string_equal(v.chain, "c");
    assert_int_equal(v.tier, 1);
    assert_int_equal(v.tier_count, 3);
    assert_true(v.cost == 0.1 && v.accuracy == 0.99);
    assert_int_equal(v.spans[MEASURES_LIFE].hits, 1);
    assert_int_equal(v.spans[MEASURES_1H].ok, 1);
    assert_true(fabs(v.spans[MEASURES_LIFE].cost - 0.1) < 1e-9);
    stand_stop(&s);
}

/* Failures go on to the next tier; what failed twice is skipped by the next question, with the reason. */
static void test_a_tier_that_fails_is_left_and_then_skipped(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, three);
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "503"),
                         *b = upstream_script(&s.upstream, "/b", "ok");
    struct told t = put(&s, "c", "x", NULL);
    assert_int_equal(t.outcome, CHAIN_SERVED);
    assert_string_equal(t.tier, "b");
    assert_true(str_starts(t.message, "answered by b (tier 2 of 3); a: "));
    assert_true(a->asked >= 2);
    assert_int_equal(view(&s, "chain/c/a").state, BREAKER_OPEN);
    int asked = a->asked;
    t = put(&s, "c", "x", NULL);
    assert_string_equal(t.tier, "b");
    assert_non_null(strstr(t.message, "a: its breaker refuses for "));
    assert_int_equal(a->asked, asked);
    assert_int_equal(b->asked, 2);
    struct target_view v = view(&s, "chain/c/b");
    assert_int_equal(v.spans[MEASURES_1H].hits, 2);
    assert_int_equal(view(&s, "chain/c/a").spans[MEASURES_LIFE].rejected, 1);
    stand_stop(&s);
}

/* 429 is no failure: the tier rests as long as it asked for, and the chain goes on at once. */
static void test_a_limited_tier_rests(void **state)
{
    (void)state;
    static const char *const forms[] = {"429s", "429d"};
    for (size_t i = 0; i < 2; i++) {
        struct stand s;
        stand_start(&s, three);
        struct upstream_path *a = upstream_script(&s.upstream, "/a", forms[i]);
        upstream_script(&s.upstream, "/b", "ok");
        struct told t = put(&s, "c", "x", NULL);
        assert_string_equal(t.tier, "b");
        assert_int_equal(t.attempts, 2);
        assert_non_null(strstr(t.message, "a: it asked for a rest"));
        t = put(&s, "c", "x", NULL); /* a second has hardly passed; a slow machine may have asked again */
        assert_string_equal(t.tier, "b");
        assert_true(a->asked <= 2);
        struct target_view v = view(&s, "chain/c/a");
        assert_int_equal(v.state, BREAKER_CLOSED);
        assert_int_equal(v.counts.trips, 0);
        stand_stop(&s);
    }
}

/* The only tier asks for a second of rest: waited for, no less. */
static void test_a_last_tier_is_waited_for(void **state)
{
    (void)state;
    static const char *const forms[] = {"429s ok", "429d ok", "503s ok"};
    for (size_t i = 0; i < 3; i++) {
        struct stand s;
        stand_start(&s, "policies:\n- {name: p, attempts: 4, deadline: 60s, " QUICK "}\n"
                        "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER("a", ""));
        struct upstream_path *a = upstream_script(&s.upstream, "/a", forms[i]);
        struct told t = put(&s, "c", "x", NULL);
        assert_int_equal(t.outcome, CHAIN_SERVED);
        assert_true(t.attempts >= 2);
        /* A date has whole seconds: of two only one may be left. */
        if (a->at_ms[1] - a->at_ms[0] < (i == 1 ? 900 : 1000))
            fail_msg("%s: %lld ms", forms[i], (long long)(a->at_ms[1] - a->at_ms[0]));
        stand_stop(&s);
    }
}

static void test_input_that_is_too_large_goes_to_a_larger_tier(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, "chains:\n- name: c\n  tiers:\n" TIER("a", ", input_max: 10") TIER("b", ", input_max: 20")
                        TIER("c", ", input_max: 1000"));
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "ok"),
                         *b = upstream_script(&s.upstream, "/b", "context"),
                         *c = upstream_script(&s.upstream, "/c", "ok");
    struct told t = put(&s, "c", "fifteen letters", NULL);
    assert_string_equal(t.tier, "c");
    assert_string_equal(t.message,
                        "answered by c (tier 3 of 3); a: the input is too large for it; b: the input is too "
                        "large for it");
    assert_int_equal(a->asked, 0);
    assert_int_equal(b->asked, 1);
    assert_int_equal(c->asked, 1);
    assert_int_equal(view(&s, "chain/c/b").counts.failed, 0);
    struct target_view over = view(&s, "chain/c/a");
    assert_string_equal(over.last_error, "the input is too large for it");
    assert_int_equal(over.spans[MEASURES_1H].rejected, 1);
    assert_int_equal(over.spans[MEASURES_1H].attempts, 0);
    stand_stop(&s);
}

/* What every tier would say alike ends it; what only this key may not goes on. */
static void test_what_stops_a_chain_and_what_does_not(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum chain_outcome outcome;
    } cases[] = {{"400", CHAIN_FAILED},     {"404", CHAIN_FAILED},       {"422", CHAIN_FAILED},
                 {"401", CHAIN_SERVED},     {"403", CHAIN_SERVED},       {"500", CHAIN_SERVED},
                 {"reset", CHAIN_SERVED},   {"truncated", CHAIN_SERVED}, {"quota", CHAIN_SERVED},
                 {"garbage", CHAIN_SERVED}, {"text", CHAIN_SERVED}};
    struct stand s;
    stand_start(&s, "policies:\n- {name: p, attempts: 3, " QUICK "}\n"
                    "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER("a", ", breaker: {failures: 1000}")
                        TIER("b", ""));
    upstream_script(&s.upstream, "/b", "ok");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct upstream_path *a = upstream_script(&s.upstream, "/a", cases[i].word);
        struct told t = put(&s, "c", "x", NULL);
        if (t.outcome != cases[i].outcome)
            fail_msg("%s: %s, %s", cases[i].word, chain_outcome_text(t.outcome), t.message);
        bool once = atoi(cases[i].word) > 0 && atoi(cases[i].word) < 500;
        assert_true(!once || a->asked == 1);
    }
    stand_stop(&s);
}

/* Each tier has its own, and one that hangs is left when its time is up: 200, then 400 ms. */
static void test_time_outs_grow(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, "policies:\n- {name: p, attempts: 3, timeout: 200ms, timeout_growth: 2, " QUICK "}\n"
                    "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER("a", "") TIER("b", ""));
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "never stalled"),
                         *b = upstream_script(&s.upstream, "/b", "ok");
    int64_t begun_ms = clock_monotonic_us() / US_PER_MS;
    struct told t = put(&s, "c", "x", NULL);
    assert_string_equal(t.tier, "b");
    assert_int_equal(a->asked, 2);
    /* From before the first one: on a busy machine the other side may hear of a request late. */
    assert_true(a->at_ms[1] - begun_ms >= 200);
    assert_true(b->at_ms[0] - begun_ms >= 600);
    stand_stop(&s);
}

static void test_when_nothing_serves(void **state)
{
    (void)state;
    struct stand s;
    struct err e = {0};
    stand_start(
        &s,
        "policies:\n- {name: p, attempts: 2, " QUICK "}\n"
        "chains:\n- name: bare\n  policy: p\n  tiers:\n" TIER("a", "") TIER(
            "b",
            "") "- name: safe\n  policy: p\n  cached: known.json\n  refusal: Not now.\n  tiers:\n" TIER("a",
                                                                                                        "")
            TIER("b", ""));
    char *known = path_join(s.folder, "known.json");
    assert_int_equal(file_write_atomic(known, "{\"q1\": \"forty-two\"}", 19, 0600, &e), 0);
    upstream_script(&s.upstream, "/a", "500");
    upstream_script(&s.upstream, "/b", "429");
    struct told t = put(&s, "bare", "x", NULL);
    assert_int_equal(t.outcome, CHAIN_FAILED);
    assert_string_equal(t.answer, "");
    assert_string_equal(t.message, "failed; a: HTTP 500: scripted 500; b: it asked for a rest");
    t = put(&s, "safe", "x", "q1");
    assert_int_equal(t.outcome, CHAIN_CACHED);
    assert_string_equal(t.answer, "forty-two");
    assert_true(str_starts(t.message, "a cached answer; a: "));
    t = put(&s, "safe", "x", "q2");
    assert_int_equal(t.outcome, CHAIN_REFUSED);
    assert_string_equal(t.answer, "Not now.");
    assert_true(str_starts(t.message, "refused; a: "));
    free(known);
    stand_stop(&s);
}

/* The dear tier is left out where it would go over the ceiling, and no attempt is made beyond it. */
static void test_the_cost_ceiling(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, "policies:\n- {name: p, attempts: 9, cost_ceiling: 0.06, " QUICK "}\n"
                    "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER("a", ", cost: 0.1")
                        TIER("b", ", cost: 0.02, breaker: {failures: 100}"));
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "ok"),
                         *b = upstream_script(&s.upstream, "/b", "500");
    struct told t = put(&s, "c", "x", NULL);
    assert_int_equal(t.outcome, CHAIN_FAILED);
    assert_int_equal(a->asked, 0);
    assert_int_equal(b->asked, 3);
    assert_true(fabs(t.cost - 0.06) < 1e-9);
    assert_non_null(strstr(t.message, "a: it would go over the cost ceiling"));
    stand_stop(&s);
}

/* Four tokens: after two failures no more than half are there. The budget lasts over the questions. */
static void test_the_retry_budget_of_a_tier(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, "policies:\n- {name: p, attempts: 4, budget: 4, " QUICK "}\n"
                    "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER("a", ", breaker: {failures: 100}"));
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "500");
    put(&s, "c", "x", NULL);
    int first = a->asked;
    put(&s, "c", "x", NULL);
    assert_int_equal(first, 2); /* 4, 3: again; 2: no more than half */
    assert_int_equal(a->asked - first, 1);
    stand_stop(&s);
}

/* It answers every other time: retried while the budget lasts, then the next tier serves at once. */
static void test_a_flapping_tier(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, three);
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "503 ok *");
    upstream_script(&s.upstream, "/b", "ok");
    int by_b = 0;
    for (int i = 0; i < 10; i++) {
        struct told t = put(&s, "c", "x", NULL);
        assert_int_equal(t.outcome, CHAIN_SERVED);
        assert_true(i >= 5 || str_eq(t.tier, "a"));
        by_b += str_eq(t.tier, "b");
    }
    assert_true(by_b > 0);
    assert_true(a->asked <= 20);
    assert_int_equal(view(&s, "chain/c/a").counts.trips, 0); /* never twice in a row */
    stand_stop(&s);
}

/* A tier that is another chain: its tiers, with its breakers, counted where they belong. */
static void test_a_chain_in_a_chain(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, "policies:\n- {name: p, attempts: 4, " QUICK "}\n"
                    "chains:\n- name: c\n  policy: p\n  tiers:\n" TIER(
                        "a", "") "  - {name: spare, chain: other}\n"
                                 "- name: other\n  policy: p\n  tiers:\n" TIER(
                                     "b", "") "  - {name: local, command: [cat]}\n");
    upstream_script(&s.upstream, "/a", "500");
    upstream_script(&s.upstream, "/b", "500");
    struct told t = put(&s, "c", "as it was", NULL);
    assert_string_equal(t.tier, "local");
    assert_string_equal(t.answer, "as it was");
    struct target_view v = view(&s, "chain/other/local");
    assert_string_equal(v.chain, "other");
    assert_int_equal(v.tier, 2);
    assert_int_equal(v.spans[MEASURES_LIFE].hits, 1);
    stand_stop(&s);
}

/* What may have had an effect is not asked again where nobody says that it may. */
static void test_what_is_not_idempotent_is_asked_once(void **state)
{
    (void)state;
    struct stand s;
    stand_start(&s, "policies:\n- {name: p, attempts: 5, " QUICK "}\n"
                    "chains:\n- name: c\n  policy: p\n  tiers:\n"
                    "  - {name: a, http: {url: \"http://127.0.0.1:PORT/a\"}}\n");
    struct upstream_path *a = upstream_script(&s.upstream, "/a", "500");
    struct told t = put(&s, "c", "x", NULL);
    assert_int_equal(t.outcome, CHAIN_FAILED);
    assert_int_equal(a->asked, 1);
    stand_stop(&s);
}

/* Off it goes, wherever it stands; nothing is left behind in the breaker. */
static void test_calling_off(void **state)
{
    (void)state;
    struct stand s;
    struct err e = {0};
    stand_start(&s, three);
    upstream_script(&s.upstream, "/a", "never");
    for (int turns = 0; turns < 12; turns++) {
        struct told told = {0};
        struct ask_question q = {.input = "x", .length = 1};
        struct call *c =
            call_start(s.loop, s.http, s.config, s.config->chains, &q, s.folder, false, on_called, &told, &e);
        assert_non_null(c);
        for (int i = 0; i < turns; i++)
            loop_run_once(s.loop, 5 * US_PER_MS);
        call_cancel(c);
        assert_false(told.done);
    }
    http_free(s.http);
    loop_free(s.loop); /* waits for what the pool still does */
    s.loop = loop_new(&e);
    s.http = http_new(s.loop, 1, &e);
    upstream_script(&s.upstream, "/a", "ok");
    struct told t = put(&s, "c", "x", NULL);
    assert_string_equal(t.tier, "a");
    struct target_view v = view(&s, "chain/c/a");
    assert_int_equal(v.counts.failed, 0);
    assert_int_equal(v.state, BREAKER_CLOSED);
    stand_stop(&s);
}

/* The state database can't be made: it goes on without, and says so. */
static void test_without_a_state_database(void **state)
{
    (void)state;
    struct stand s;
    struct err e = {0};
    stand_start(&s, three);
    upstream_script(&s.upstream, "/a", "ok");
    struct told told = {0};
    struct ask_question q = {.input = "x", .length = 1};
    assert_non_null(call_start(s.loop, s.http, s.config, s.config->chains, &q, "/proc/nowhere", false,
                               on_called, &told, &e));
    while (!told.done)
        loop_run_once(s.loop, 50 * US_PER_MS);
    assert_true(told.trouble[0]);
    assert_int_equal(told.outcome, CHAIN_SERVED);
    stand_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_tier_serves),
        cmocka_unit_test(test_a_tier_that_fails_is_left_and_then_skipped),
        cmocka_unit_test(test_a_limited_tier_rests),
        cmocka_unit_test(test_a_last_tier_is_waited_for),
        cmocka_unit_test(test_input_that_is_too_large_goes_to_a_larger_tier),
        cmocka_unit_test(test_what_stops_a_chain_and_what_does_not),
        cmocka_unit_test(test_time_outs_grow),
        cmocka_unit_test(test_when_nothing_serves),
        cmocka_unit_test(test_the_cost_ceiling),
        cmocka_unit_test(test_the_retry_budget_of_a_tier),
        cmocka_unit_test(test_a_flapping_tier),
        cmocka_unit_test(test_a_chain_in_a_chain),
        cmocka_unit_test(test_what_is_not_idempotent_is_asked_once),
        cmocka_unit_test(test_calling_off),
        cmocka_unit_test(test_without_a_state_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
