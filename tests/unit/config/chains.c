#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/config/config.h"

static struct config *parsed(const char *text)
{
    struct err e = {0};
    struct config *c = config_parse(text, strlen(text), "belay.yaml", "/conf", NULL, &e);
    if (!c)
        fail_msg("%s", e.msg);
    return c;
}

static void test_every_option_of_a_chain_reaches_its_field(void **state)
{
    (void)state;
    struct config *c = parsed(
        "policies:\n"
        "- {name: patient, timeout: 30s, timeout_growth: 2, idempotent: true, budget: 20, retry_on: "
        "\"75,timeout\",\n"
        "   permanent: \"64\", on_failure: skip, cost_ceiling: 0.25,\n"
        "   breaker: {failures: 3, rate: 0.5, slow_rate: 0.8, slow: 2s, minimum: 10,\n"
        "             window_calls: 100, cool_down: 5s, multiplier: 2, cap: 1m, jitter: 0.25, probes: 2, "
        "successes: 2}}\n"
        "chains:\n"
        "- name: answers\n"
        "  policy: patient\n"
        "  cached: answers.json\n"
        "  refusal: |\n"
        "    We can't answer this now.\n"
        "    Please try again.\n"
        "  tiers:\n"
        "  - name: gpt-4\n"
        "    cost: 0.00025\n"
        "    accuracy: 0.99\n"
        "    input_max: 32000\n"
        "    timeout: 20s\n"
        "    breaker: {failures: 2}\n"
        "    openai: {url: \"https://api.openai.com/v1\", model: gpt-4o, key: {secret: env:OPENAI_API_KEY},\n"
        "             system: \"Be brief.\", max_tokens: 500, temperature: 0.2, headers: {X-Team: rag}, ca: "
        "ca.pem}\n"
        "  - name: own\n"
        "    http: {url: \"http://h:1/ask?q={input}\", method: GET, take: /answer}\n"
        "  - {name: script, command: [answer, --fast], env: {A: b}}\n"
        "  - {name: others, chain: spare}\n"
        "- name: spare\n"
        "  idempotent: true\n"
        "  tiers:\n"
        "  - {name: one, http: {url: \"http://h:2/\", body: \"{\\\"q\\\": {input_json}}\", headers: {K: "
        "{secret: env:K}}}}\n"
        "  - {name: two, command: [two]}\n");
    const struct config_policy *p = config_policy_find(c, "patient");
    assert_int_equal(p->timeout_us, 30 * US_PER_S);
    assert_int_equal(p->idempotent, 1);
    assert_int_equal(p->budget, 20);
    assert_string_equal(p->retry_on, "75,timeout");
    assert_string_equal(p->permanent, "64");
    assert_string_equal(p->end, "skip");
    assert_int_equal(p->ceiling_micro, 250000);
    assert_true(p->has_breaker);
    const struct config_breaker *b = &p->breaker;
    assert_int_equal(b->failures, 3);
    assert_int_equal(b->rate_milli, 500);
    assert_int_equal(b->slow_milli, 800);
    assert_int_equal(b->slow_us, 2 * US_PER_S);
    assert_int_equal(b->minimum_calls, 10);
    assert_int_equal(b->window_calls, 100);
    assert_int_equal(b->cool_down_us, 5 * US_PER_S);
    assert_int_equal(b->cool_down_cap_us, 60 * US_PER_S);
    assert_int_equal(b->jitter_milli, 250);
    assert_int_equal(b->multiplier_milli, 2000);
    assert_int_equal(b->probes, 2);
    assert_int_equal(b->successes, 2);
    const struct config_chain *chain = config_chain_find(c, "answers");
    assert_string_equal(chain->cached, "/conf/answers.json");
    assert_string_equal(chain->refusal, "We can't answer this now.\nPlease try again.\n");
    assert_int_equal(chain->tier_count, 4);
    const struct config_tier *t = &chain->tiers[0];
    assert_int_equal(t->asking, CONFIG_ASK_CHAT);
    assert_int_equal(t->cost_micro, 250);
    assert_int_equal(t->accuracy_milli, 990);
    assert_int_equal(t->input_max, 32000);
    assert_int_equal(t->timeout_us, 20 * US_PER_S);
    assert_true(t->has_breaker);
    assert_int_equal(t->breaker.failures, 2);
    assert_int_equal(t->breaker.cool_down_us, 60 * US_PER_S);
    assert_string_equal(t->url, "https://api.openai.com/v1");
    assert_string_equal(t->model, "gpt-4o");
    assert_string_equal(t->key, "env:OPENAI_API_KEY");
    assert_string_equal(t->system, "Be brief.");
    assert_int_equal(t->max_tokens, 500);
    assert_int_equal(t->temperature_milli, 200);
    assert_string_equal(t->headers[0].name, "X-Team");
    assert_string_equal(t->ca, "/conf/ca.pem");
    t = &chain->tiers[1];
    assert_int_equal(t->asking, CONFIG_ASK_HTTP);
    assert_string_equal(t->method, "GET");
    assert_string_equal(t->take, "/answer");
    assert_int_equal(t->cost_micro, -1);
    assert_int_equal(t->accuracy_milli, -1);
    t = &chain->tiers[2];
    assert_int_equal(t->asking, CONFIG_ASK_COMMAND);
    assert_string_equal(t->command[1], "--fast");
    assert_string_equal(t->env[0], "A=b");
    struct config_tier_at tiers[CONFIG_CHAIN_TIERS];
    assert_int_equal(config_chain_tiers(c, chain, tiers), 5);
    assert_string_equal(tiers[4].tier->name, "two");
    assert_string_equal(tiers[4].own->name, "others");
    assert_string_equal(tiers[4].chain->name, "spare");
    assert_string_equal(config_chain_find(c, "spare")->tiers[0].headers[0].secret, "env:K");
    assert_null(config_chain_find(c, "none"));
    config_free(c);
}

/* What repeating a question may do is said by the tiers, unless somebody says it. */
static void test_whether_a_question_may_be_put_again(void **state)
{
    (void)state;
    static const struct {
        const char *chain;
        bool idempotent;
    } cases[] = {
        {"tiers: [{name: a, openai: {url: \"http://h\", model: m}}, {name: b, http: {url: \"http://h\", "
         "method: GET}}]",
         true},
        {"tiers: [{name: a, openai: {url: \"http://h\", model: m}}, {name: b, http: {url: \"http://h\"}}]",
         false},
        {"tiers: [{name: a, command: [x]}]", false},
        {"idempotent: true, tiers: [{name: a, command: [x]}]", true},
        {"idempotent: false, tiers: [{name: a, openai: {url: \"http://h\", model: m}}]", false},
        {"policy: p, tiers: [{name: a, command: [x]}]", true},
        {"policy: p, idempotent: false, tiers: [{name: a, command: [x]}]", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text =
            xasprintf("policies: [{name: p, idempotent: true}]\nchains:\n- {name: c, %s}\n", cases[i].chain);
        struct config *c = parsed(text);
        if (config_chain_idempotent(c, c->chains) != cases[i].idempotent)
            fail_msg("%s", cases[i].chain);
        config_free(c);
        free(text);
    }
}

#define ONE "tiers: [{name: t, command: [x]}]"

static void test_each_mistake_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"chains: {}\n", "1:9: chains: expected a list, each element beginning with \"- name: ...\""},
        {"chains:\n- {name: a}\n", "2:3: tiers is missing: In the order in which they are asked, at most 16 "
                                   "with those of named chains. "
                                   "Each has one of `command`, `http`, `openai`, `chain`."},
        {"chains:\n- {name: a, tiers: []}\n", "2:20: tiers: a chain needs one at least"},
        {"chains:\n- {name: a, tiers: [{name: t}]}\n",
         "2:21: tier t: nothing says how it is asked: one of command, http, openai, chain"},
        {"chains:\n- {name: a, tiers: [{name: t, command: [x], chain: b}]}\n- {name: b, " ONE "}\n",
         "2:21: tier t: is asked in more than one way: one of command, http, openai, chain"},
        {"chains:\n- {name: a, tiers: [{name: t, command: [x]}, {name: t, command: [y]}]}\n",
         "2:46: tier t: the name stands there twice in chain a"},
        {"chains:\n- {name: a, " ONE "}\n- {name: a, " ONE "}\n",
         "3:3: chain a: the name stands there twice"},
        {"chains:\n- {name: a, policy: patinet, " ONE "}\npolicies: [{name: patient}]\n",
         "2:3: there is no policy \"patinet\", did you mean \"patient\"?"},
        {"chains:\n- {name: a, tiers: [{name: t, chain: spaer}]}\n- {name: spare, " ONE "}\n",
         "2:38: there is no chain \"spaer\", did you mean \"spare\"?"},
        {"chains:\n- {name: a, tiers: [{name: t, chain: a}]}\n", "2:38: chain a refers to itself"},
        {"chains:\n- {name: a, tiers: [{name: t, chain: b}]}\n- {name: b, tiers: [{name: t, chain: c}]}\n"
         "- {name: c, tiers: [{name: t, chain: a}]}\n",
         "2:38: chain a refers to itself, through b\n3:38: chain b refers to itself, through c\n"
         "4:38: chain c refers to itself, through a"},
        {"chains:\n- {name: a, tiers: [{name: t, chain: b}]}\n- {name: b, tiers: [{name: t, chain: b}]}\n",
         "3:38: chain b refers to itself"},
        {"chains:\n- {name: a, tiers: [{name: t, chain: b, cost: 1}]}\n- {name: b, " ONE "}\n",
         "2:21: tier t: cost, accuracy, input_max, timeout and breaker are those of the tiers of chain b"},
        {"chains:\n- {name: a, tiers: [{name: t, http: {url: \"http://h\", method: GET, body: x}}]}\n",
         "2:21: tier t: a GET has no body"},
        {"chains:\n- {name: a, tiers: [{name: t, http: {url: \"http://h\", take: answer}}]}\n",
         "2:21: tier t: take: a JSON Pointer begins with /"},
        {"chains:\n- {name: a, tiers: [{name: t, http: {method: GET}}]}\n",
         "2:37: url is missing: `{input}` and `{id}` in it stand for the input and `--id`, escaped."},
        {"chains:\n- {name: a, tiers: [{name: t, openai: {url: \"http://h\", model: m, key: sk-1}}]}\n",
         "2:72: key: secrets are not written here: use {secret: env:NAME}, {secret: file:PATH} or {secret: "
         "command:PROGRAM ARGUMENTS}"},
        {"chains:\n- {name: a, tiers: [{name: t, command: [x], env: {A: b}, cost: 0.0000001}]}\n",
         "2:64: cost: \"0.0000001\" is not a number (at most six digits behind the point)"},
        {"chains:\n- {name: a, tiers: [{name: t, command: [x], cost: -0.5}]}\n",
         "2:51: cost: -0.5 is outside 0 to 1000000"},
        {"chains:\n- {name: a, tiers: [{name: t, chain: b, env: {A: b}}]}\n- {name: b, " ONE "}\n",
         "2:21: tier t: env belongs to a command"},
        {"chains:\n- {name: a, tiers: [{name: t, command: [x], breaker: {failures: 0}}]}\n",
         "2:54: tier t: breaker: without failures, rate and slow_rate it never trips"},
        {"chains:\n- {name: a, tiers: [{name: t, command: [x], breaker: {slow_rate: 0.5}}]}\n",
         "2:54: tier t: breaker: slow_rate needs slow: from when on is a call slow?"},
        {"chains:\n- {name: a, tiers: [{name: t, command: [x], breaker: {successes: 2}}]}\n",
         "2:54: tier t: breaker: needs 2 successes of 1 probes: it never closes"},
        {"chains:\n- {name: a, tiers: [{name: t, command: [x], breaker: {rate: 0.5, window_calls: "
         "10}}]}\n",
         "2:54: tier t: breaker: minimum is more than window_calls: it never trips by a rate"},
        {"chains:\n- {name: a, tiers: [{name: t, command: [x], breaker: {fialures: 2}}]}\n",
         "2:55: unknown key \"fialures\", did you mean \"failures\"?"},
        {"policies: [{name: p, breaker: {window: 2s, window_calls: 10}}]\n",
         "1:31: policy p: breaker: has window and window_calls: one of them"},
        {"policies: [{name: p, breaker: {cool_down: 2m, cap: 1m}}]\n",
         "1:31: policy p: breaker: cap is shorter than cool_down"},
        {"chains:\n- {name: a, refusal: \"a\\u0007\\nb\", " ONE "}\n",
         "2:22: refusal: must be text without control characters"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config_findings findings = {0};
        struct err e = {0};
        struct config *c =
            config_parse(cases[i].text, strlen(cases[i].text), "belay.yaml", "/conf", &findings, &e);
        struct str found = {0};
        for (size_t k = 0; k < findings.len; k++)
            str_addf(&found, "%s%d:%d: %s", k ? "\n" : "", findings.data[k].line, findings.data[k].column,
                     findings.data[k].message);
        if (c || !str_eq(str_text(&found), cases[i].expected))
            fail_msg("in:\n%s\nfound:\n%s\ninstead of:\n%s", cases[i].text, str_text(&found),
                     cases[i].expected);
        str_fini(&found);
        config_findings_fini(&findings);
    }
}

/* A tower in which each chain names the next one many times: refused in no time, for it has too many tiers;
 * and with a circle at its end. */
static void test_a_tower_of_chains(void **state)
{
    (void)state;
    static const char *const ends[] = {"{name: t, command: [x]}", "{name: t, chain: c59}"};
    static const char *const expected[] = {"more than 16 tiers", "refers to itself"};
    for (size_t way = 0; way < 2; way++) {
        struct str text = {0};
        struct err e = {0};
        str_add(&text, "chains:\n");
        for (int i = 0; i < 59; i++) {
            str_addf(&text, "- name: c%d\n  tiers:\n", i);
            for (int k = 0; k < 16; k++)
                str_addf(&text, "  - {name: t%d, chain: c%d}\n", k, i + 1);
        }
        str_addf(&text, "- {name: c59, tiers: [%s]}\n", ends[way]);
        assert_null(config_parse(str_text(&text), text.len, "f", NULL, NULL, &e));
        assert_non_null(strstr(e.msg, expected[way]));
        str_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_of_a_chain_reaches_its_field),
        cmocka_unit_test(test_whether_a_question_may_be_put_again),
        cmocka_unit_test(test_each_mistake_has_its_place),
        cmocka_unit_test(test_a_tower_of_chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
