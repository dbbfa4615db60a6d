/* The state database: one breaker in many processes. */
#include "tests/unit/targets/state_rig.h"

static void another_process_sees_the_trip(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *a = open_in(folder), *b = open_in(folder);
    int64_t before, after;
    assert_int_equal(targets_version(b, &before, NULL), 0);
    trip(a);
    assert_int_equal(targets_version(b, &after, NULL), 0);
    assert_true(after > before);
    struct target_admission admission;
    struct breaker_refusal refusal;
    assert_int_equal(admit(b, &admission, &refusal), 0);
    assert_int_equal(refusal.state, BREAKER_OPEN);
    assert_true(refusal.retry_after_ms > 50000 && refusal.retry_after_ms <= 66000);
    struct target_view v = view_of(b, NAME);
    assert_int_equal(v.state, BREAKER_OPEN);
    assert_int_equal(v.counts.failed, 5);
    assert_int_equal(v.counts.admitted, 5);
    assert_int_equal(v.counts.trips, 1);
    assert_int_equal(v.counts.refused, 1);
    assert_int_equal(v.spans[MEASURES_LIFE].trips, 1);
    assert_int_equal(v.spans[MEASURES_1M].trips, 1);
    targets_close(a);
    targets_close(b);
    done(folder);
}

/* What was admitted and never ended: a plain call leaves nothing behind, a probe its lease. */
static void a_probe_is_one_across_processes(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *a = open_in(folder), *b = open_in(folder);
    struct target_admission probe, other;
    struct breaker_refusal refusal;
    trip(a);
    a->shift_ms = b->shift_ms = 70000;
    assert_int_equal(admit(a, &probe, NULL), 1);
    assert_true(probe.lease >= 0);
    assert_int_equal(admit(b, &other, &refusal), 0);
    assert_int_equal(refusal.state, BREAKER_HALF_OPEN);
    /* Its lease is over by the clock, but its holder lives: a long call. */
    a->shift_ms = b->shift_ms = 500000;
    assert_int_equal(admit(b, &other, &refusal), 0);
    assert_int_equal(refusal.state, BREAKER_HALF_OPEN);
    assert_int_equal(view_of(b, NAME).state, BREAKER_HALF_OPEN);
    resolve(a, &probe, BREAKER_SUCCESS);
    assert_true(probe.changed);
    assert_int_equal(probe.state, BREAKER_CLOSED);
    assert_int_equal(view_of(b, NAME).state, BREAKER_CLOSED);
    call(b, BREAKER_SUCCESS);
    targets_close(a);
    targets_close(b);
    done(folder);
}

static void a_killed_probe_is_a_failure_at_once(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *t = open_in(folder);
    trip(t);
    t->shift_ms = 70000;
    pid_t pid = fork();
    if (pid == 0) {
        struct targets *own = NULL;
        struct target_admission probe;
        struct breaker_rules rules = breaker_rules_default();
        if (targets_open(folder, false, false, &own, NULL) < 0)
            _exit(1);
        own->shift_ms = 70000;
        if (target_admit(own, NAME, &rules, &probe, NULL, NULL, NULL) != 1)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    struct target_admission a;
    struct breaker_refusal refusal;
    assert_int_equal(admit(t, &a, &refusal), 0);
    assert_int_equal(refusal.state, BREAKER_OPEN);
    t->shift_ms = 150000;
    assert_int_equal(admit(t, &a, NULL), 1);
    resolve(t, &a, BREAKER_SUCCESS);
    assert_int_equal(view_of(t, NAME).state, BREAKER_CLOSED);
    targets_close(t);
    done(folder);
}

static void another_boot_goes_on_with_what_remained(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *t = open_in(folder);
    trip(t);
    t->shift_ms = 40000;
    struct target_admission a;
    struct breaker_refusal refusal;
    assert_int_equal(admit(t, &a, &refusal), 0); /* written now, 20 s before the end */
    int64_t left_ms = refusal.retry_after_ms;
    assert_true(left_ms < 30000);
    t->boot++;
    t->shift_ms = -1000000; /* the clock of a boot begins anew */
    assert_int_equal(admit(t, &a, &refusal), 0);
    assert_int_equal(refusal.state, BREAKER_OPEN);
    assert_true(refusal.retry_after_ms <= left_ms && refusal.retry_after_ms > left_ms - 10000);
    /* Measures of the spans belong to the boot before, those of life don't. */
    struct target_view v = view_of(t, NAME);
    assert_int_equal(v.spans[MEASURES_1H].trips, 0);
    assert_int_equal(v.spans[MEASURES_LIFE].trips, 1);
    targets_close(t);
    done(folder);
}

static void measures_add_up_and_age(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *a = open_in(folder), *b = open_in(folder);
    struct target_operation o = {
        .target = "llm/gpt", .chain = "llm", .tier = 1, .tier_count = 2, .tier_cost = 0.25, .accuracy = NAN};
    o.sums = (struct measures_sums){.ok = 1,
                                    .attempts = 2,
                                    .retried = 1,
                                    .hits = 1,
                                    .duration_s = 0.25,
                                    .cost = 0.5,
                                    .durations = {[3] = 1},
                                    .by_class = {[FAILURE_TIMEOUT] = 1}};
    for (int i = 0; i < 50; i++)
        assert_int_equal(target_count(i % 2 ? a : b, &o, NULL), 0);
    struct target_view v = view_of(a, "llm/gpt");
    assert_false(v.has_breaker);
    assert_string_equal(v.chain, "llm");
    assert_int_equal(v.tier_count, 2);
    assert_true(isnan(v.accuracy) && v.cost == 0.25);
    for (int span = 0; span < MEASURES_SPAN_COUNT; span++) {
        assert_int_equal(v.spans[span].ok, 50);
        assert_int_equal(v.spans[span].attempts, 100);
        assert_int_equal(v.spans[span].durations[3], 50);
        assert_int_equal(v.spans[span].by_class[FAILURE_TIMEOUT], 50);
        assert_true(fabs(v.spans[span].cost - 25) < 1e-3);
        assert_true(fabs(v.spans[span].duration_s - 12.5) < 1e-3);
    }
    static const int64_t later_ms[] = {0, 90000, 400000, 4000000};
    for (int past = 1; past < 4; past++) {
        a->shift_ms = later_ms[past];
        v = view_of(a, "llm/gpt");
        for (int span = 0; span < MEASURES_SPAN_COUNT; span++)
            assert_int_equal(v.spans[span].ok, span < past ? 0 : 50);
    }
    targets_close(a);
    targets_close(b);
    done(folder);
}

static void the_budget_is_shared(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *a = open_in(folder), *b = open_in(folder);
    struct breaker_rules rules = breaker_rules_default();
    struct target_admission admission;
    struct budget budget;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(target_admit(a, NAME, &rules, &admission, NULL, NULL, NULL), 1);
        assert_int_equal(target_resolve(a, NAME, &rules, &admission, BREAKER_FAILURE, 1, 0, 10, NULL), 0);
    }
    budget_init(&budget, 10);
    assert_int_equal(target_admit(b, NAME, &rules, &admission, NULL, &budget, NULL), 1);
    assert_int_equal(budget.tenths, 70);
    assert_int_equal(target_resolve(b, NAME, &rules, &admission, BREAKER_CANCELLED, 1, 0, 10, NULL), 0);
    targets_close(a);
    targets_close(b);
    done(folder);
}

static void a_rest_is_no_failure(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *t = open_in(folder);
    struct breaker_rules rules = breaker_rules_default();
    struct target_admission a;
    struct breaker_refusal refusal;
    assert_int_equal(admit(t, &a, NULL), 1);
    a.error = "HTTP 429";
    assert_int_equal(target_resolve(t, NAME, &rules, &a, BREAKER_IGNORED, 5, 30000, 0, NULL), 0);
    assert_int_equal(admit(t, &a, &refusal), 0);
    assert_true(refusal.retry_after_ms > 20000 && refusal.retry_after_ms <= 30000);
    assert_string_equal(view_of(t, NAME).last_error, "HTTP 429");
    t->shift_ms = 31000;
    call(t, BREAKER_SUCCESS);
    assert_int_equal(view_of(t, NAME).counts.trips, 0);
    targets_close(t);
    done(folder);
}

static void by_hand(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *t = open_in(folder);
    struct target_hand hand = {
        .actor = "alice", .reason = "drill", .until_wall_us = clock_wall_us() + 60 * US_PER_S};
    struct err e;
    assert_int_equal(target_force(t, NAME, BREAKER_FORCED_OPEN, &hand, &e), ERR_NOT_FOUND);
    call(t, BREAKER_SUCCESS);
    assert_int_equal(target_force(t, NAME, BREAKER_FORCED_OPEN, &hand, &e), 0);
    struct target_admission a;
    struct breaker_refusal refusal;
    assert_int_equal(admit(t, &a, &refusal), 0);
    assert_int_equal(refusal.state, BREAKER_FORCED_OPEN);
    struct target_view v = view_of(t, NAME);
    assert_string_equal(v.hand.actor, "alice");
    assert_string_equal(v.hand.reason, "drill");
    t->shift_ms = 62000;
    v = view_of(t, NAME);
    assert_int_equal(v.state, BREAKER_CLOSED);
    assert_string_equal(v.hand.actor, "");
    call(t, BREAKER_SUCCESS);
    hand.until_wall_us = 0;
    assert_int_equal(target_force(t, NAME, BREAKER_DISABLED, &hand, &e), 0);
    trip(t);
    assert_int_equal(view_of(t, NAME).state, BREAKER_DISABLED);
    assert_int_equal(target_force(t, NAME, BREAKER_CLOSED, &hand, &e), 0);
    assert_int_equal(view_of(t, NAME).state, BREAKER_CLOSED);
    targets_close(t);
    done(folder);
}

/* Two consoles with a breaker each in memory. */
static void shared_from_memory(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *t[2] = {open_in(folder), open_in(folder)};
    struct breaker_rules rules = breaker_rules_default();
    struct breaker b[2];
    struct breaker_counts since[2] = {0};
    bool adopted;
    for (int i = 0; i < 2; i++) {
        int64_t now_ms = targets_now_ms(t[i]);
        breaker_init(&b[i], &rules, 1, now_ms);
        for (int n = 0; n < (i ? 2 : 5); n++) {
            struct breaker_token token;
            assert_true(breaker_admit(&b[i], &rules, now_ms, &token, NULL));
            breaker_resolve(&b[i], &rules, &token, BREAKER_FAILURE, 1, now_ms);
        }
    }
    assert_int_equal(target_share(t[0], "source/api", &rules, &b[0], &since[0], "HTTP 503", &adopted, NULL),
                     0);
    assert_false(adopted);
    assert_int_equal(target_share(t[1], "source/api", &rules, &b[1], &since[1], NULL, &adopted, NULL), 0);
    assert_true(adopted);
    assert_int_equal(breaker_state(&b[1], targets_now_ms(t[1])), BREAKER_OPEN);
    assert_int_equal(b[1].counts.failed, 7);
    /* Once more: nothing counts twice. */
    assert_int_equal(target_share(t[1], "source/api", &rules, &b[1], &since[1], NULL, &adopted, NULL), 0);
    struct target_view v = view_of(t[0], "source/api");
    assert_int_equal(v.counts.failed, 7);
    assert_string_equal(v.last_error, "HTTP 503");
    targets_close(t[0]);
    targets_close(t[1]);
    done(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_process_sees_the_trip),
        cmocka_unit_test(a_probe_is_one_across_processes),
        cmocka_unit_test(a_killed_probe_is_a_failure_at_once),
        cmocka_unit_test(another_boot_goes_on_with_what_remained),
        cmocka_unit_test(measures_add_up_and_age),
        cmocka_unit_test(the_budget_is_shared),
        cmocka_unit_test(a_rest_is_no_failure),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(shared_from_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
