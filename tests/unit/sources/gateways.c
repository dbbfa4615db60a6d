/* Gateways in front of language models: who answers, and instead of whom. The samples have the documented
 * shape: neither LiteLLM nor Portkey's gateway with metrics can be run here. */
#include <stdio.h>

#include "tests/unit/sources/mapped.h"

/* The sample, with a counter set to another value. */
static char *grown(const char *sample, const char *line_has, const char *also, double value)
{
    char *body = sample_read(sample), *rest = body;
    struct str out = {0};
    for (char *line; (line = strsep(&rest, "\n"));) {
        bool wanted = line[0] != '#' && strstr(line, line_has) && strstr(line, also);
        int length = wanted ? (int)(strrchr(line, ' ') - line) : (int)strlen(line);
        str_addf(&out, "%.*s", length, line);
        if (wanted)
            str_addf(&out, " %g", value);
        if (rest)
            str_add_char(&out, '\n');
    }
    free(body);
    return str_take(&out);
}

static bool has(struct mapped_test *t, const char *wanted)
{
    char *text = mapped_test_text(t);
    bool found = strstr(text, wanted) != NULL;
    if (!found)
        print_error("got\n%s\nwithout\n%s\n", text, wanted);
    free(text);
    return found;
}

static void litellm(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "litellm", NULL, true);
    char *body = sample_read("litellm.txt");
    mapped_test_apply(&t, body);
    free(body);
    assert_true(has(&t, "chain chat/chat [chat] <unknown> {tier=1 hits=100}\n"));
    assert_true(has(&t, "chain chat/backup [chat] <unknown> {tier=2 hits=12}\n"));
    assert_true(has(&t, "breaker gpt-4o/m1 down outage {calls=40 trips=4} (provider=azure)\n"));
    assert_true(has(&t, "breaker gpt-4o/m2 ok healthy {calls=100} (provider=openai)\n"));
    assert_true(has(&t, "breaker claude/m3 degraded partial {calls=12} (provider=anthropic)\n"));
    /* A minute on: thirty more fallbacks, nothing from the first tier; m2 fails more often than not, though
     * its last call went well. */
    t.now_us += 60 * US_PER_S;
    t.wall_us += 60 * US_PER_S;
    body = grown("litellm.txt", "successful_fallbacks_total", "429", 39);
    mapped_test_apply(&t, body);
    free(body);
    assert_true(has(&t, "chain chat/backup [chat] <degraded> {tier=2 hits=42 hits_rate=0.5}\n"));
    assert_true(has(&t, "chain chat/chat [chat] <unknown> {tier=1 hits=100 hits_rate=0}\n"));
    mapped_test_fini(&t);
    /* Older clients leave out _total. */
    mapped_test_preset(&t, "litellm", NULL, true);
    mapped_test_expect(
        &t,
        "litellm_deployment_successful_fallbacks{requested_model=\"a\",fallback_model=\"b\"} 2\n"
        "litellm_deployment_state{litellm_model_name=\"a\",model_id=\"1\"} 0\n",
        "chain a/b [a] <unknown> {tier=2 hits=2}\nbreaker a/1 ok healthy {}\n");
    mapped_test_fini(&t);
}

/* The gauge says what the last call said; half of them failing counts all the same. */
static void litellm_share_of_failures(void **state)
{
    (void)state;
    struct mapped_test t;
    static const char *const answers[] = {
        "litellm_deployment_state{litellm_model_name=\"a\",model_id=\"1\"} 0\n"
        "litellm_deployment_total_requests_total{litellm_model_name=\"a\",model_id=\"1\"} 100\n"
        "litellm_deployment_failure_responses_total{litellm_model_name=\"a\",model_id=\"1\"} 10\n",
        "litellm_deployment_state{litellm_model_name=\"a\",model_id=\"1\"} 0\n"
        "litellm_deployment_total_requests_total{litellm_model_name=\"a\",model_id=\"1\"} 110\n"
        "litellm_deployment_failure_responses_total{litellm_model_name=\"a\",model_id=\"1\"} 17\n",
    };
    mapped_test_preset(&t, "litellm", NULL, true);
    mapped_test_apply(&t, answers[0]);
    assert_true(has(&t, "breaker a/1 ok healthy {calls=100}\n"));
    t.now_us += 60 * US_PER_S;
    t.wall_us += 60 * US_PER_S;
    mapped_test_expect(&t, answers[1],
                       "breaker a/1 degraded failing {failing=0.7 failure_rate=0.7 calls=110}\n");
    mapped_test_fini(&t);
}

static void portkey(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "portkey", "first=openai second=anthropic chain=answers", true);
    char *body = sample_read("portkey.txt");
    mapped_test_apply(&t, body);
    free(body);
    assert_true(has(&t, "chain answers/openai [answers] <unknown> {tier=1 hits=100 calls=120}\n"));
    assert_true(has(&t, "chain answers/anthropic [answers] <unknown> {tier=2 hits=20 calls=20}\n"));
    t.now_us += 60 * US_PER_S;
    t.wall_us += 60 * US_PER_S;
    body = grown("portkey.txt", "provider=\"anthropic\"", "code=\"200\"", 50);
    mapped_test_apply(&t, body);
    free(body);
    assert_true(has(
        &t,
        "chain answers/anthropic [answers] <degraded> {tier=2 hits=50 hits_rate=0.5 calls=50 cost=1.63333}"));
    mapped_test_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(litellm),
        cmocka_unit_test(litellm_share_of_failures),
        cmocka_unit_test(portkey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
