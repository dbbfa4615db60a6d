#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/targets/exec_request.h"

#define PARSE(q, e, ...)                                                                                     \
    exec_request_parse(q, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)),                           \
                       (char *[]){__VA_ARGS__, NULL}, NULL, e)

static void test_everything_at_once(void **state)
{
    (void)state;
    struct exec_request q;
    struct err e = {0};
    int code = PARSE(
        &q, &e, "--name", "pay", "--attempts=4", "--base", "100ms", "--factor", "2.5", "--cap", "10s",
        "--jitter", "full", "--timeout", "30s", "--timeout-growth", "2", "--deadline", "2m", "--retry-on",
        "75,timeout", "--permanent", "64,77", "--breaker", "pay-api:failures=7,cool-down=60s", "--budget",
        "10", "--fallback", "backup cost=0.05 accuracy=0.95: curl -s x: y", "--fallback", "last: cat a",
        "--cached", "f.json", "--id", "i", "--refusal", "no", "--idempotent", "--json=r.json", "--spool",
        "2M", "--grace", "5s", "--cost", "0.2", "--cost-ceiling", "1", "--", "curl", "--name", "x");
    if (code)
        fail_msg("%s", e.msg);
    const struct policy *p = &q.plan.policy;
    assert_string_equal(q.plan.name, "pay");
    assert_int_equal(p->backoff.attempts, 4);
    assert_int_equal(p->backoff.base_ms, 100);
    assert_int_equal(p->backoff.factor_milli, 2500);
    assert_int_equal(p->backoff.cap_ms, 10000);
    assert_int_equal(p->backoff.jitter, BACKOFF_FULL);
    assert_int_equal(p->timeout_ms, 30000);
    assert_int_equal(p->backoff.growth_milli, 2000);
    assert_int_equal(p->backoff.deadline_ms, 120000);
    assert_true(exit_list_has_status(&p->retry_on, 75) && exit_list_has_class(&p->retry_on, FAILURE_TIMEOUT));
    assert_true(exit_list_has_status(&p->permanent, 77));
    assert_true(p->has_breaker && p->idempotent);
    assert_int_equal(p->breaker.failures, 7);
    assert_int_equal(p->breaker.cool_down_ms, 60000);
    assert_int_equal(p->budget, 10);
    assert_true(fabs(p->cost_ceiling - 1) < 1e-9);
    assert_int_equal(q.plan.tier_count, 3);
    assert_string_equal(q.plan.tiers[0].target, "pay-api");
    assert_string_equal(q.plan.tiers[1].name, "backup");
    assert_string_equal(q.plan.tiers[1].target, "pay-api/backup");
    assert_true(fabs(q.plan.tiers[1].cost - .05) < 1e-9 && fabs(q.plan.tiers[1].accuracy - .95) < 1e-9);
    assert_true(isnan(q.plan.tiers[2].cost));
    assert_true(q.plan.tiers[0].provable && !q.plan.tiers[1].provable);
    assert_string_equal(q.plan.chain, "pay-api");
    assert_string_equal(q.plan.refusal, "no");
    assert_string_equal(q.json_file, "r.json");
    assert_int_equal(q.spool_bytes, 2 << 20);
    assert_int_equal(q.grace_ms, 5000);
    exec_request_fini(&q);
}

static void test_defaults(void **state)
{
    (void)state;
    struct exec_request q;
    struct err e = {0};
    assert_int_equal(PARSE(&q, &e, "--", "/usr/bin/backup.sh", "-x"), 0);
    assert_string_equal(q.plan.name, "backup.sh");
    assert_string_equal(q.plan.tiers[0].target, ""); /* nobody is asked, nothing is counted */
    assert_int_equal(q.plan.policy.backoff.attempts, 3);
    assert_int_equal(q.plan.policy.budget, 0);
    assert_false(q.plan.policy.has_breaker || q.plan.policy.idempotent || q.json);
    exec_request_fini(&q);
    assert_int_equal(PARSE(&q, &e, "--name", "n", "--breaker", "failures=2", "--json", "--", "x"), 0);
    assert_string_equal(q.plan.tiers[0].target, "n");
    assert_int_equal(q.plan.policy.breaker.failures, 2);
    assert_int_equal(q.json_fd, STDERR_FILENO);
    exec_request_fini(&q);
    assert_int_equal(PARSE(&q, &e, "--breaker", "source/api", "--", "x"), 0);
    assert_string_equal(q.plan.name, "source/api");
    assert_int_equal(q.plan.policy.breaker.failures, 5);
    exec_request_fini(&q);
    /* As many attempts as tiers, at least; a first delay above the usual cap. */
    assert_int_equal(PARSE(&q, &e, "--fallback", "a: 1", "--fallback", "b: 1", "--fallback", "c: 1", "--base",
                           "2m", "--", "x"),
                     0);
    assert_int_equal(q.plan.policy.backoff.attempts, 4);
    assert_int_equal(q.plan.policy.backoff.cap_ms, 120000);
    exec_request_fini(&q);
}

static void test_only_configuration_and_help_need_the_console(void **state)
{
    (void)state;
    assert_true(exec_needs_console(4, (char *[]){"--policy", "p", "--", "x"}));
    assert_true(exec_needs_console(2, (char *[]){"--attempts=2", "--chain=c"}));
    assert_true(exec_needs_console(1, (char *[]){"--help"}));
    assert_true(exec_needs_console(1, (char *[]){"-h"}));
    assert_false(exec_needs_console(3, (char *[]){"--", "x", "--help"}));
    assert_false(exec_needs_console(4, (char *[]){"--name", "--policy", "--", "x"}));
    assert_false(exec_needs_console(0, (char *[]){NULL}));
}

static int resolve(struct exec_plan *plan, const struct exec_names *names, void *ctx, struct err *e)
{
    assert_string_equal(names->policy, "careful");
    assert_null(names->chain);
    assert_string_equal(names->config, "c.yaml");
    plan->policy.backoff.attempts = 7;
    plan->policy.backoff.base_ms = 5;
    return *(bool *)ctx ? 0 : err_set(e, ERR_NOT_FOUND, "no policy careful");
}

static void test_a_resolver_comes_first(void **state)
{
    (void)state;
    bool known = true;
    struct exec_resolver resolver = {.resolve = resolve, .ctx = &known};
    char *argv[] = {"--config", "c.yaml", "--base", "9ms", "--policy", "careful", "--", "x", NULL};
    struct exec_request q;
    struct err e = {0};
    assert_int_equal(exec_request_parse(&q, 8, argv, &resolver, &e), 0);
    assert_int_equal(q.plan.policy.backoff.attempts, 7);
    assert_int_equal(q.plan.policy.backoff.base_ms, 9); /* the command line comes on top */
    exec_request_fini(&q);
    known = false;
    assert_int_equal(exec_request_parse(&q, 8, argv, &resolver, &e), ERR_NOT_FOUND);
    exec_request_fini(&q);
    assert_int_equal(exec_request_parse(&q, 8, argv, NULL, &e), ERR_USAGE);
    exec_request_fini(&q);
}

static void test_a_misspelt_name_has_a_neighbour(void **state)
{
    (void)state;
    static const char *const names[] = {"attempts", "timeout", "timeout-growth", "name", "id", "json"};
    size_t count = sizeof names / sizeof *names;
    assert_string_equal(exec_nearest("atempts", names, count), "attempts");
    assert_string_equal(exec_nearest("attemtps", names, count), "attempts");
    assert_string_equal(exec_nearest("time-out", names, count), "timeout");
    assert_string_equal(exec_nearest("timeout-grwth", names, count), "timeout-growth");
    assert_null(exec_nearest("q", names, count));
    assert_null(exec_nearest("", names, count));
    assert_null(exec_nearest("something-else-altogether-that-is-longer-than-any-name-has-a-right-to-be",
                             names, count));
}

static void test_a_fallback_is_a_name_and_a_text(void **state)
{
    (void)state;
    struct exec_tier tier;
    struct str command = {0};
    struct err e = {0};
    assert_int_equal(exec_fallback_parse("b  accuracy=1:  echo 'a: b'; x", &tier, &command, &e), 0);
    assert_string_equal(tier.name, "b");
    assert_string_equal(str_text(&command), "echo 'a: b'; x");
    static const char *const wrong[] = {
        "",       "b",         "b:",           "b: ",           ": x",
        "b:x",    "cost=1: x", "b cost=-1: x", "b cost=inf: x", "b accuracy=2: x",
        "b c: x", "  : x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (exec_fallback_parse(wrong[i], &tier, &command, &e) != ERR_USAGE)
            fail_msg("taken: %s", wrong[i]);
    str_fini(&command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_at_once),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_only_configuration_and_help_need_the_console),
        cmocka_unit_test(test_a_resolver_comes_first),
        cmocka_unit_test(test_a_misspelt_name_has_a_neighbour),
        cmocka_unit_test(test_a_fallback_is_a_name_and_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
