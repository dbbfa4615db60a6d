/* Annotations of the powers: what they read, and what is refused by name and place. */
#include "tests/unit/runbook/book.h"

#define GUARD "```sh {name=g kind=check}\ng\n```\n"

static void test_all_of_them(void **state)
{
    (void)state;
    struct runbook *book = book_of(
        HEAD GUARD "```sh {name=a lock=shard/x policy=slow idempotent=true approvals=2 follow=job:re-index "
                   "items=q.jsonl minimum=10 "
                   "threshold=0.95 parallel=4 timeout=1m}\na\n```\n"
                   "```sh {name=b rungs=10,25,50,100 rung-hold=90s guard=g:lower:2.5%}\nb\n```\n"
                   "```sh {name=c interactive=true}\nc\n```\n```sh {name=d rungs=1 guard=g}\nd\n```\n");
    expect_no_errors(book);
    const struct step *a = step_of(book, "a"), *b = step_of(book, "b"), *d = step_of(book, "d");
    assert_string_equal(a->lock, "shard/x");
    assert_string_equal(a->policy, "slow");
    assert_true(a->idempotent);
    assert_int_equal(a->approvals, 2);
    assert_string_equal(a->follow, "re-index");
    assert_string_equal(a->items, "q.jsonl");
    assert_int_equal(a->minimum, 10);
    assert_int_equal(a->threshold, 950000);
    assert_int_equal(a->parallel, 4);
    assert_int_equal(strv_count(b->rungs), 4);
    assert_string_equal(b->rungs[3], "100");
    assert_int_equal(b->rung_hold.ms, 90000);
    assert_int_equal(b->guard, runbook_find(book, "g"));
    assert_true(b->guard_lower);
    assert_int_equal(b->guard_slack, 25000);
    assert_true(step_of(book, "c")->interactive);
    assert_int_equal(d->rung_hold.ms, 60000);
    assert_int_equal(d->threshold, 1000000);
    assert_int_equal(d->parallel, 1);
    assert_false(d->guard_lower);
    struct err e = {0};
    assert_int_equal(runbook_runnable(book, &e), 0);
    char *path = runbook_items_path(book, runbook_find(book, "a"));
    assert_string_equal(path, "books/q.jsonl");
    free(path);
    runbook_free(book);
}

/* Errors in any document, declared or not: left out unseen, each of them would weaken it. */
static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *annotation, *text;
    } rows[] = {
        {"approvals=some", "approvals is a number from 0 to 9"},
        {"approvals=10", "approvals is a number"},
        {"approvals=-1", "approvals is a number"},
        {"approvals=", "approvals is a number"},
        {"approvals=1 kind=check", "approvals has no meaning for kind check"},
        {"lock=", "lock has no value"},
        {"lock=x kind=verify", "lock has no meaning for kind verify"},
        {"policy=x", "what acts needs idempotent=true"},
        {"policy=x idempotent=false", "what acts needs idempotent=true"},
        {"policy=a/b|c idempotent=true", "policy is a name"},
        {"policy=x kind=manual", "policy has no meaning for kind manual"},
        {"follow=re-index", "follow is job:NAME"},
        {"follow=job:", "follow is job:NAME"},
        {"items=x.csv", "items is a FILE.jsonl"},
        {"items=$X.jsonl", "no variables"},
        {"items=x.jsonl rungs=1", "items and rungs don't go together"},
        {"minimum=3", "minimum needs items"},
        {"threshold=0.5", "threshold needs items"},
        {"parallel=3", "parallel needs items"},
        {"items=x.jsonl threshold=95", "threshold is between 0 and 1"},
        {"items=x.jsonl threshold=nan", "threshold is between 0 and 1"},
        {"items=x.jsonl threshold=1e-3", "threshold is between 0 and 1"},
        {"items=x.jsonl parallel=0", "parallel is a number from 1 to 32"},
        {"items=x.jsonl parallel=33", "parallel is a number from 1 to 32"},
        {"items=x.jsonl minimum=99999999999999999999", "minimum is a number"},
        {"rungs=", "rungs has no value"},
        {"rungs=1,,2", "rungs are values apart by commas"},
        {"rungs=1 kind=check", "rungs has no meaning for kind check"},
        {"rung-hold=3s", "rung-hold needs rungs"},
        {"rungs=1 rung-hold=soon", "rung-hold"},
        {"guard=g", "guard belongs to rungs"},
        {"rungs=1 guard=nobody", "there is no such step"},
        {"rungs=1 guard=g:worse", "guard is NAME"},
        {"rungs=1 guard=g:101%", "guard is NAME"},
        {"rungs=1 guard=x", "which is of kind action"},
        {"interactive=true kind=verify", "interactive has no meaning for kind verify"},
        {"interactive=true kind=check", "interactive has no meaning for kind check"},
        {"interactive=true kind=evidence", "interactive has no meaning for kind evidence"},
        {"interactive=true expect=yes", "expect and interactive don't go together"},
        {"interactive=true items=x.jsonl", "interactive and items don't go together"},
        {"interactive=true rungs=1", "rungs and interactive don't go together"},
        {"interactive=true policy=x idempotent=true", "policy and interactive don't go together"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = xasprintf("```sh {name=x %s}\na\n```\n" GUARD, rows[i].annotation);
        expect_finding(text, FINDING_ERROR, 1, 0, rows[i].text);
        free(text);
    }
    expect_finding("```sh {name=XYZ interactive=true}\na\n```\n", FINDING_ERROR, 1, 0, "can't become XYZ");
    expect_finding("```sh {name=XYZ items=x.jsonl}\na\n```\n", FINDING_ERROR, 1, 0, "exports nothing");
    expect_finding("```sh {name=a rungs=1 rollback=r guard=g}\na\n```\n```sh {name=r kind=rollback}\na\n```\n"
                   "```sh {name=g kind=verify confirm=yes}\ng\n```\n",
                   FINDING_ERROR, 1, 0, "asks for a confirmation");
}

static void test_what_is_warned_of(void **state)
{
    (void)state;
    expect_finding(HEAD "```sh {name=a rungs=1}\na\n```\n", FINDING_WARNING, 5, 0, "rungs without guard");
    expect_finding(HEAD "```sh {name=a lock=$NOPE}\na\n```\n", FINDING_ERROR, 5, 0, "nothing defines $NOPE");
}

static struct config *config_of(const char *yaml)
{
    struct err e = {0};
    struct config *config = config_parse(yaml, strlen(yaml), "belay.yaml", NULL, NULL, &e);
    if (!config)
        fail_msg("%s", e.msg);
    return config;
}

static void test_policies_are_the_configurations(void **state)
{
    (void)state;
    const char *text = "```sh {name=a policy=slow idempotent=true}\na\n```\n"
                       "```sh {name=b policy=default idempotent=true}\na\n```\n"
                       "```sh {name=c policy=slow idempotent=true}\na\n```\n";
    struct runbook *book = book_of(text);
    struct config *config =
        config_of("policies:\n  - {name: slow, max_retries: 6, base: 2s, factor: 1.5, cap: 1m, "
                  "jitter: none, deadline: 10m, timeout_growth: 2}\n");
    struct run_policy *policies;
    size_t count;
    struct err e = {0};
    assert_int_equal(runbook_policies(book, config, &policies, &count, &e), 0);
    assert_int_equal(count, 2);
    const struct backoff *b = &policies[0].rules.backoff;
    assert_string_equal(policies[0].name, "slow");
    assert_int_equal(b->attempts, 7);
    assert_int_equal(b->base_ms, 2000);
    assert_int_equal(b->factor_milli, 1500);
    assert_int_equal(b->cap_ms, 60000);
    assert_int_equal(b->jitter, BACKOFF_NONE);
    assert_int_equal(b->deadline_ms, 600000);
    assert_int_equal(b->growth_milli, 2000);
    struct backoff standard = backoff_default();
    b = &policies[1].rules.backoff;
    assert_int_equal(b->attempts, standard.attempts);
    assert_int_equal(b->base_ms, standard.base_ms);
    assert_int_equal(b->factor_milli, standard.factor_milli);
    assert_int_equal(b->cap_ms, standard.cap_ms);
    assert_int_equal(b->jitter, standard.jitter);
    assert_int_equal(b->deadline_ms, standard.deadline_ms);
    assert_int_equal(b->growth_milli, standard.growth_milli);
    free(policies);
    runbook_lint_policies(book, config);
    assert_non_null(finding_of(book, "policy slow tries again 6 times"));
    assert_int_equal(runbook_policies(book, NULL, &policies, &count, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, "books/test.md:1: there is no policy \"slow\""));
    runbook_lint_policies(book, NULL);
    assert_int_equal(runbook_count(book, FINDING_ERROR), 2);
    config_free(config);
    runbook_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_them),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_is_warned_of),
        cmocka_unit_test(test_policies_are_the_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
