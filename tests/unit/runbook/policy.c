/* Attempts of what is idempotent: so many, so far apart, never after an unknown outcome. */
#include "tests/unit/runbook/policies.h"

#define POLICY "name=a policy=p idempotent=true"

/* It waits, and nothing happens before it is time. */
static void waits(struct walker *w, int64_t ms)
{
    assert_outcome(w, "a", RUNNING);
    assert_int_equal(see(w, "a").phase, PHASE_WAITING);
    assert_int_equal(run_tickets(w->run, NULL, 0), 0);
    assert_int_equal(run_wake_ms(w->run), w->now_ms + ms);
    tick(w, ms - 3);
    assert_int_equal(run_tickets(w->run, NULL, 0), 0);
    tick(w, 3);
    assert_int_equal(run_tickets(w->run, NULL, 0), 1);
}

static void test_tried_again_with_growing_delays(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY), SLOW);
    assert_int_equal(see(&w, "a").tries, 1);
    assert_int_equal(see(&w, "a").tries_max, 3);
    exits(&w, "a", 1);
    assert_true(noted(&w, "attempt 1 of 3 failed (exit 1), again in 1000 ms"));
    waits(&w, 1000);
    assert_int_equal(see(&w, "a").tries, 2);
    exits(&w, "a", 1);
    waits(&w, 2000);
    exits(&w, "a", 1);
    assert_outcome(&w, "a", FAILED);
    assert_ask(&w, "a", FAILED);
    assert_int_equal(see(&w, "a").attempts, 3);
    /* A person's retry has all attempts anew. */
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
    act(&w, "a");
    assert_int_equal(see(&w, "a").tries, 1);
    exits(&w, "a", 1);
    waits(&w, 1000);
    exits(&w, "a", 0);
    assert_outcome(&w, "a", WARN);
    walked(&w);
}

static void test_an_unknown_outcome_is_never_repeated(void **state)
{
    (void)state;
    static const struct run_result ends[] = {{.end = END_LOST},
                                             {.end = END_TIMED_OUT},
                                             {.end = END_SIGNALLED, .signal = 9},
                                             {.end = END_EXITED, .exit = 2},
                                             {.end = END_CANCELLED}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct walker w = acting(BLOCK(POLICY), SLOW);
        assert_int_equal(finish(&w, "a", ends[i]), 0);
        assert_outcome(&w, "a", UNKNOWN);
        assert_ask(&w, "a", UNKNOWN);
        assert_int_equal(run_wake_ms(w.run), -1);
        walked(&w);
    }
}

/* A verification that fails says for certain that the attempt failed. */
static void test_a_failed_verification_is_a_failed_attempt(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY " verify=v") BLOCK("name=v kind=verify"), SLOW);
    ends(&w, "a", END_TIMED_OUT);
    exits(&w, "v", 1);
    waits(&w, 1000);
    exits(&w, "a", 0);
    exits(&w, "v", 2);
    assert_outcome(&w, "a", UNKNOWN);
    walked(&w);
    w = acting(BLOCK(POLICY " verify=v") BLOCK("name=v kind=verify"), SLOW);
    exits(&w, "a", 1);
    waits(&w, 1000);
    exits(&w, "a", 0);
    exits(&w, "v", 0);
    assert_outcome(&w, "a", OK);
    walked(&w);
}

static void test_cancelled_and_stopped_between_attempts(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY), SLOW);
    exits(&w, "a", 1);
    assert_int_equal(cancel(&w, "a"), 0);
    assert_outcome(&w, "a", FAILED);
    assert_string_equal(see(&w, "a").reason, "exit 1; cancelled");
    assert_int_equal(run_wake_ms(w.run), -1);
    walked(&w);
    w = acting(BLOCK(POLICY), SLOW);
    exits(&w, "a", 1);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STOP, .reason = "enough"}), 0);
    assert_outcome(&w, "a", FAILED);
    ended(&w);
    walked(&w);
    w = acting(BLOCK(POLICY), SLOW);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STOP, .reason = "enough"}), 0);
    exits(&w, "a", 1);
    assert_outcome(&w, "a", FAILED);
    ended(&w);
    walked(&w);
}

static void test_an_attempt_that_could_not_begin(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY), SLOW);
    exits(&w, "a", 1);
    waits(&w, 1000);
    ends(&w, "a", END_NOT_STARTED);
    assert_outcome(&w, "a", FAILED); /* by the first one */
    assert_string_equal(see(&w, "a").reason, "exit 1; attempt 2: not started");
    assert_int_equal(see(&w, "a").attempts, 1);
    walked(&w);
}

static void test_the_deadline_bounds_all(void **state)
{
    (void)state;
    struct walker w = acting(
        BLOCK(POLICY " timeout=30s"),
        "policies:\n  - {name: p, attempts: 9, base: 1s, jitter: none, deadline: 100s, timeout_growth: 2}\n");
    struct run_command command;
    static const int64_t limits[] = {30000, 60000};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_ticket_command(w.run, ticket_of(&w, "a"), NULL, &command, NULL), 0);
        assert_int_equal(command.timeout_ms, limits[i]);
        run_command_fini(&command);
        w.now_ms += 30000;
        exits(&w, "a", 1);
        waits(&w, i ? 2000 : 1000);
    }
    assert_int_equal(run_ticket_command(w.run, ticket_of(&w, "a"), NULL, &command, NULL), 0);
    assert_in_range(command.timeout_ms, 36000, 37000); /* what is left, not 120 s */
    run_command_fini(&command);
    w.now_ms += 36000;
    exits(&w, "a", 1);
    assert_outcome(&w, "a", FAILED); /* a fourth would begin past the deadline */
    walked(&w);
}

static void test_each_item_has_its_attempts(void **state)
{
    (void)state;
    struct walker w =
        walk_with(BLOCK(POLICY " items=x.jsonl parallel=2"), SLOW, "{\"i\":1}\n{\"i\":2}\n{\"i\":3}\n");
    act(&w, "a");
    part_exits(&w, "a", 0, 1);
    struct run_parts parts = parts_of(&w, "a");
    assert_int_equal(parts.waiting, 1);
    assert_int_equal(parts.running, 2); /* it keeps its place: no third is begun */
    part_exits(&w, "a", 1, 1);
    assert_int_equal(see(&w, "a").phase, PHASE_WAITING);
    tick(&w, 1100);
    assert_int_equal(run_tickets(w.run, NULL, 0), 2);
    part_exits(&w, "a", 0, 0);
    part_exits(&w, "a", 2, 0);
    part_exits(&w, "a", 1, 1);
    tick(&w, 2000);
    part_exits(&w, "a", 1, 1);
    assert_outcome(&w, "a", FAILED);
    assert_int_equal(part_of(&w, "a", 1).attempts, 3);
    assert_int_equal(part_of(&w, "a", 0).attempts, 2);
    walked(&w);
}

static void test_the_seed_gives_the_same_delays(void **state)
{
    (void)state;
    int64_t wakes[3];
    for (int i = 0; i < 3; i++) {
        struct walker w = walk_document(BLOCK("name=a policy=p idempotent=true"));
        begin(&w, "policies:\n  - {name: p, base: 20s}\n", NULL, (struct run_input){.seed = i < 2 ? 5 : 6});
        act(&w, "a");
        exits(&w, "a", 1);
        wakes[i] = run_wake_ms(w.run) - w.now_ms;
        assert_in_range(wakes[i], 20000, 30000);
        walked(&w);
    }
    assert_int_equal(wakes[0], wakes[1]);
    assert_int_not_equal(wakes[0], wakes[2]);
}

/* One draw for each delay, in their order: what older journals say is rebuilt as it was. */
static void test_the_delays_are_the_generators(void **state)
{
    (void)state;
    struct rng rng;
    struct backoff b = {.attempts = 4, .base_ms = 20000, .factor_milli = 2000, .cap_ms = 30000};
    struct walker w = walk_document(BLOCK(POLICY));
    begin(&w, "policies:\n  - {name: p, attempts: 4, base: 20s}\n", NULL, (struct run_input){.seed = 11});
    act(&w, "a");
    rng_seed(&rng, 11);
    for (unsigned attempt = 1; attempt < 4; attempt++) {
        exits(&w, "a", 1);
        waits(&w, backoff_next_ms(&b, attempt, 0, 0, 0, &rng));
    }
    walked(&w);
}

/* As a journal of an older belay has it: no key of a policy but the delays'. */
static void test_a_start_of_an_older_belay(void **state)
{
    (void)state;
    static const char start[] =
        "{\"input\":\"start\",\"at_ms\":0,\"policies\":[{\"name\":\"p\",\"attempts\":2,\"base_ms\":500,"
        "\"factor_milli\":2000,\"cap_ms\":30000,\"jitter\":\"none\",\"deadline_ms\":0,\"growth_milli\":1000}"
        "],\"seed\":1}";
    struct walker w = walk_document(BLOCK(POLICY));
    struct run_input in;
    struct err e;
    if (run_input_from_json(w.book, start, strlen(start), &in, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(in.policies[0].rules.end, POLICY_FALLBACK);
    assert_int_equal(in.policies[0].rules.timeout_ms, 0);
    assert_int_equal(give(&w, in), 0);
    run_input_fini(&in);
    act(&w, "a");
    exits(&w, "a", 1);
    waits(&w, 500);
    exits(&w, "a", 1);
    assert_outcome(&w, "a", FAILED);
    assert_ask(&w, "a", FAILED);
    walked(&w);
}

/* A status that the policy says the meaning of is no unknown outcome. */
static void test_declared_statuses(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY), LISTS);
    exits(&w, "a", 75);
    waits(&w, 1000);
    exits(&w, "a", 77);
    assert_outcome(&w, "a", FAILED);
    assert_true(noted(&w, "not tried again (exit 77): another attempt would fail alike"));
    assert_int_equal(see(&w, "a").attempts, 2);
    walked(&w);
    w = acting(BLOCK(POLICY), LISTS);
    exits(&w, "a", 1);
    assert_outcome(&w, "a", FAILED);
    walked(&w);
    w = acting(BLOCK(POLICY), LISTS);
    exits(&w, "a", 2);
    assert_outcome(&w, "a", UNKNOWN);
    walked(&w);
}

#define ENDS(what) "policies:\n  - {name: p, attempts: 2, base: 1s, jitter: none, on_failure: " what "}\n"

/* Left out, it stays a failed step that everybody sees. */
static void test_no_attempt_left_and_left_out(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY) NEXT, ENDS("skip"));
    exits(&w, "a", 1);
    waits(&w, 1000);
    exits(&w, "a", 1);
    assert_outcome(&w, "a", FAILED);
    assert_ask(&w, "a", NOTHING);
    assert_true(
        noted(&w, "no attempt is left (exit 1): it stays failed, and the run goes on, as policy p says"));
    assert_outcome(&w, "b", RUNNING);
    exits(&w, "b", 0);
    ended(&w);
    walked(&w);
    w = acting(BLOCK(POLICY) NEXT, ENDS("skip")); /* nobody knows: nothing follows by itself */
    exits(&w, "a", 2);
    assert_outcome(&w, "a", UNKNOWN);
    assert_ask(&w, "a", UNKNOWN);
    walked(&w);
    w = acting(BLOCK(POLICY) NEXT, ENDS("skip")); /* a person ended it: a person says what follows */
    exits(&w, "a", 1);
    assert_int_equal(cancel(&w, "a"), 0);
    assert_ask(&w, "a", FAILED);
    walked(&w);
    w = acting(BLOCK(POLICY " onfail=ask") NEXT, ENDS("skip")); /* the document goes before */
    exits(&w, "a", 1);
    waits(&w, 1000);
    exits(&w, "a", 1);
    assert_ask(&w, "a", FAILED);
    walked(&w);
}

static void test_no_attempt_left_and_the_run_stops(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY) NEXT, ENDS("fail"));
    exits(&w, "a", 1);
    waits(&w, 1000);
    exits(&w, "a", 1);
    assert_outcome(&w, "a", FAILED);
    assert_outcome(&w, "b", PENDING);
    assert_true(noted(&w, "no attempt is left (exit 1): the run stops, as policy p says"));
    ended(&w);
    walked(&w);
    w = acting(BLOCK(POLICY) NEXT, ENDS("heal")); /* until somebody heals it, it is a person's */
    exits(&w, "a", 1);
    waits(&w, 1000);
    exits(&w, "a", 1);
    assert_ask(&w, "a", FAILED);
    walked(&w);
}

static void test_the_policys_time_out_where_the_step_has_none(void **state)
{
    (void)state;
    static const char *const blocks[] = {BLOCK(POLICY), BLOCK(POLICY " timeout=5s")};
    for (int i = 0; i < 2; i++) {
        struct walker w =
            acting(blocks[i], "policies:\n  - {name: p, timeout: 20s, base: 1s, jitter: none}\n");
        struct run_command command;
        assert_int_equal(run_ticket_command(w.run, ticket_of(&w, "a"), NULL, &command, NULL), 0);
        assert_int_equal(command.timeout_ms, i ? 5000 : 20000);
        run_command_fini(&command);
        exits(&w, "a", 0);
        walked(&w);
    }
}

static void test_a_start_without_its_policies_is_refused(void **state)
{
    (void)state;
    struct walker w = walk_document(BLOCK(POLICY));
    assert_refused(give(&w, (struct run_input){.kind = INPUT_START}), &w, "there is no policy \"p\"");
    struct run_policy none = {.name = "p"};
    assert_refused(give(&w, (struct run_input){.kind = INPUT_START, .policies = &none, .policy_count = 1}),
                   &w, "attempts is between");
    walked(&w);
}

/* ---- whom it calls ---- */

static void test_whose_breaker_is_asked(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK(POLICY) BLOCK("name=b policy=q idempotent=true") BLOCK("name=c"),
                                "policies:\n  - {name: p, breaker: {name: pay}}\n  - {name: q, breaker: "
                                "{failures: 3}, cost_ceiling: 1}\n",
                                NULL);
    assert_string_equal(see(&w, "a").policy->target, "pay");
    assert_string_equal(see(&w, "b").policy->target, "q");
    assert_null(see(&w, "c").policy);
    walked(&w);
    w = walk_with(BLOCK(POLICY), SLOW, NULL);
    assert_null(see(&w, "a").policy->target);
    walked(&w);
}

static void test_no_attempt_without_a_retry_budget(void **state)
{
    (void)state;
    struct walker w = acting(BLOCK(POLICY), SLOW);
    assert_int_equal(finish(&w, "a", (struct run_result){.end = END_EXITED, .exit = 1, .no_budget = true}),
                     0);
    assert_outcome(&w, "a", FAILED);
    assert_true(noted(&w, "not tried again (exit 1): the retry budget is used up"));
    walked(&w);
}

/* What the breaker is told: an answer, if with a no; a failure of whom it calls; or nothing. */
static void test_what_a_breaker_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        struct run_result result;
        enum failure_class class;
    } rows[] = {
        {BLOCK("name=c kind=check"), {.end = END_EXITED, .exit = 0}, FAILURE_NONE},
        {BLOCK("name=c kind=check"), {.end = END_EXITED, .exit = 1}, FAILURE_NONE},
        {BLOCK("name=c kind=check"), {.end = END_EXITED, .exit = 2}, FAILURE_TRANSIENT},
        {BLOCK("name=c kind=check"), {.end = END_EXITED, .exit = 77}, FAILURE_AUTH},
        {BLOCK("name=c kind=check"), {.end = END_TIMED_OUT}, FAILURE_TIMEOUT},
        {BLOCK("name=c kind=check"), {.end = END_NOT_STARTED}, FAILURE_CANCELLED},
        {BLOCK("name=c kind=check"), {.end = END_LOST}, FAILURE_CANCELLED},
        {BLOCK("name=c"), {.end = END_EXITED, .exit = 1}, FAILURE_TRANSIENT},
        {BLOCK("name=c"), {.end = END_CANCELLED}, FAILURE_CANCELLED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct walker w = walk(rows[i].document);
        struct failure f;
        if (!strstr(rows[i].document, "check"))
            act(&w, "c");
        run_classify(w.run, ticket_of(&w, "c"), &rows[i].result, &f);
        assert_int_equal(f.class, rows[i].class);
        walked(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whose_breaker_is_asked),
        cmocka_unit_test(test_no_attempt_without_a_retry_budget),
        cmocka_unit_test(test_what_a_breaker_is_told),
        cmocka_unit_test(test_tried_again_with_growing_delays),
        cmocka_unit_test(test_an_unknown_outcome_is_never_repeated),
        cmocka_unit_test(test_a_failed_verification_is_a_failed_attempt),
        cmocka_unit_test(test_cancelled_and_stopped_between_attempts),
        cmocka_unit_test(test_an_attempt_that_could_not_begin),
        cmocka_unit_test(test_the_deadline_bounds_all),
        cmocka_unit_test(test_each_item_has_its_attempts),
        cmocka_unit_test(test_the_seed_gives_the_same_delays),
        cmocka_unit_test(test_the_delays_are_the_generators),
        cmocka_unit_test(test_a_start_of_an_older_belay),
        cmocka_unit_test(test_declared_statuses),
        cmocka_unit_test(test_no_attempt_left_and_left_out),
        cmocka_unit_test(test_no_attempt_left_and_the_run_stops),
        cmocka_unit_test(test_the_policys_time_out_where_the_step_has_none),
        cmocka_unit_test(test_a_start_without_its_policies_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
