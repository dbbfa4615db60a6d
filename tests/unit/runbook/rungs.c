/* Rungs: baseline, raise, hold, guard; worse steps back one rung and asks. */
#include "tests/unit/runbook/walker.h"

#define RAMP(more)                                                                                           \
    BLOCK("name=a rungs=10,25,50,100 rung-hold=60s guard=chr" more) BLOCK("name=chr kind=verify")

/* Opened and confirmed: its guard measures. */
static struct walker ramping(const char *document)
{
    struct walker w = walk_with(document, NULL, NULL);
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    return w;
}

static void measures(struct walker *w, const char *value)
{
    assert_int_equal(see(w, "a").phase, PHASE_MEASURING);
    assert_int_equal(finish(w, "chr", (struct run_result){.end = END_EXITED, .output = value}), 0);
}

static void raised(struct walker *w, int rung, const char *value)
{
    uint64_t ticket = part_ticket(w, "a", rung);
    assert_int_not_equal(ticket, 0);
    char *env = ticket_env(w, ticket, "RUNG");
    assert_string_equal(env, value);
    free(env);
    part_exits(w, "a", rung, 0);
}

static void held(struct walker *w)
{
    assert_int_equal(see(w, "a").phase, PHASE_HOLDING);
    assert_int_equal(parts_of(w, "a").held_until_ms, w->now_ms + 60000);
    assert_int_equal(run_wake_ms(w->run), w->now_ms + 60000);
    tick(w, 59000);
    assert_int_equal(see(w, "a").phase, PHASE_HOLDING);
    tick(w, 1000);
}

static void test_up_the_rungs(void **state)
{
    (void)state;
    static const char *const values[] = {"10", "25", "50", "100"};
    struct walker w = ramping(RAMP(""));
    char *rung = ticket_env(&w, ticket_of(&w, "chr"), "RUNG");
    assert_string_equal(rung, "");
    free(rung);
    measures(&w, "0.88");
    assert_true(noted(&w, "baseline: chr 0.88"));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(parts_of(&w, "a").rung_wanted, i);
        raised(&w, i, values[i]);
        assert_int_equal(parts_of(&w, "a").rung, i);
        held(&w);
        rung = ticket_env(&w, ticket_of(&w, "chr"), "RUNG");
        char *baseline = ticket_env(&w, ticket_of(&w, "chr"), "BELAY_BASELINE");
        assert_string_equal(rung, values[i]);
        assert_string_equal(baseline, "0.88");
        free(rung);
        free(baseline);
        measures(&w, i == 2 ? "0.9" : "0.88");
    }
    assert_outcome(&w, "a", WARN);
    assert_string_equal(see(&w, "a").reason, "all 4 rungs, unverified");
    assert_int_equal(parts_of(&w, "a").ok, 4);
    walked(&w);
}

static struct walker at_rung_2(const char *document)
{
    struct walker w = ramping(document);
    measures(&w, "0.88");
    for (int i = 0; i < 3; i++) {
        part_exits(&w, "a", i, 0);
        held(&w);
        if (i < 2)
            measures(&w, "0.88");
    }
    return w;
}

static void test_worse_steps_back_and_asks(void **state)
{
    (void)state;
    struct walker w = at_rung_2(RAMP(""));
    measures(&w, "0.71");
    assert_true(noted(&w, "rung 50 is worse (chr 0.71 against 0.88): back to 25"));
    assert_int_equal(execs(&w), 1);
    raised(&w, 1, "25");
    assert_outcome(&w, "a", FAILED);
    assert_ask(&w, "a", FAILED);
    assert_string_equal(see(&w, "a").reason, "stepped back to rung 25: worse than the baseline");
    struct run_parts parts = parts_of(&w, "a");
    assert_int_equal(parts.rung, 1);
    assert_int_equal(parts.ok, 2);
    assert_int_equal(parts.failed, 1);
    assert_int_equal(parts.pending, 1);
    assert_int_equal(run_tickets(w.run, NULL, 0), 0);
    assert_int_equal(run_wake_ms(w.run), -1);
    walked(&w);
}

static void test_again_from_the_rung_in_effect(void **state)
{
    (void)state;
    struct walker w = at_rung_2(RAMP(""));
    measures(&w, "0.71");
    part_exits(&w, "a", 1, 0);
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    measures(&w, "0.87");
    raised(&w, 0, "10"); /* still worse: one further back */
    assert_outcome(&w, "a", FAILED);
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    measures(&w, "0.88");
    raised(&w, 1, "25");
    assert_outcome(&w, "a", RUNNING);
    walked(&w);
}

static void test_worse_at_the_lowest_rung(void **state)
{
    (void)state;
    struct walker w = ramping(RAMP(" rollback=r") BLOCK("name=r kind=rollback"));
    measures(&w, "0.88");
    part_exits(&w, "a", 0, 0);
    held(&w);
    measures(&w, "0.1");
    assert_outcome(&w, "a", FAILED);
    assert_true(see(&w, "a").choices & 1u << CHOICE_ROLLBACK);
    assert_int_equal(choose(&w, "a", CHOICE_ROLLBACK, NULL), 0);
    act(&w, "r");
    exits(&w, "r", 0);
    assert_int_equal(parts_of(&w, "a").rung, PART_NONE);
    assert_string_equal(parts_of(&w, "a").baseline, "0.88"); /* as it was before anything was raised */
    walked(&w);
}

static void test_slack_and_direction(void **state)
{
    (void)state;
    static const struct {
        const char *guard, *measured;
        bool worse;
    } rows[] = {
        {"chr", "100", false},           {"chr", "99.9", true},
        {"chr:5%", "95", false},         {"chr:5%", "94.9", true},
        {"chr:lower", "100", false},     {"chr:lower", "100.1", true},
        {"chr:lower:10%", "110", false}, {"chr:10%:lower", "110.1", true},
        {"chr:higher", "1e3", false},    {"chr", "NaN", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = xasprintf(
            "```sh {name=a rungs=1,2 rung-hold=0s guard=%s}\na\n```\n" BLOCK("name=chr kind=verify"),
            rows[i].guard);
        struct walker w = ramping(text);
        measures(&w, "100");
        part_exits(&w, "a", 0, 0);
        tick(&w, 1);
        measures(&w, rows[i].measured);
        if ((see(&w, "a").outcome == OUTCOME_FAILED) != rows[i].worse)
            fail_msg("%s: %s against 100", rows[i].guard, rows[i].measured);
        walked(&w);
        free(text);
    }
}

static void test_a_guard_that_only_passes_or_fails(void **state)
{
    (void)state;
    struct walker w = ramping(RAMP(""));
    measures(&w, "all is well");
    assert_string_equal(parts_of(&w, "a").baseline, "pass");
    part_exits(&w, "a", 0, 0);
    held(&w);
    measures(&w, NULL);
    part_exits(&w, "a", 1, 0);
    held(&w);
    exits(&w, "chr", 1);
    assert_true(noted(&w, "rung 25 is worse (exit 1): back to 10"));
    walked(&w);
}

static void test_without_a_baseline_nothing_runs(void **state)
{
    (void)state;
    for (int status = 1; status < 3; status++) {
        struct walker w = ramping(RAMP(""));
        exits(&w, "chr", status);
        assert_outcome(&w, "a", PENDING);
        assert_ask(&w, "a", OPEN);
        assert_int_equal(see(&w, "a").attempts, 0);
        walked(&w);
    }
}

/* Nobody knows how it is: it is not raised, and not stepped back by itself either. */
static void test_an_unknown_guard_asks(void **state)
{
    (void)state;
    struct walker w = at_rung_2(RAMP(" verify=ok") BLOCK("name=ok kind=verify"));
    exits(&w, "chr", 2);
    assert_outcome(&w, "a", UNKNOWN);
    assert_int_equal(run_tickets(w.run, NULL, 0), 0);
    walked(&w);
    w = at_rung_2(RAMP(""));
    measures(&w, "no number");
    assert_outcome(&w, "a", UNKNOWN);
    assert_non_null(strstr(see(&w, "a").reason, "no number to compare with 0.88"));
    walked(&w);
}

/* The middle of the way is no place to verify. */
static void test_a_rung_of_unknown_outcome(void **state)
{
    (void)state;
    struct walker w = at_rung_2(RAMP(" verify=ok") BLOCK("name=ok kind=verify"));
    measures(&w, "0.88");
    part_ends(&w, "a", 3, (struct run_result){.end = END_LOST});
    assert_outcome(&w, "a", UNKNOWN);
    assert_int_equal(run_tickets(w.run, NULL, 0), 0);
    /* By a person's word it goes on: whatever may be in effect steps back when it is worse. */
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, "looked"), 0);
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    measures(&w, "0.1");
    raised(&w, 2, "50");
    assert_outcome(&w, "a", FAILED);
    walked(&w);
}

static void test_the_last_rung_is_verified(void **state)
{
    (void)state;
    struct walker w = ramping(BLOCK("name=a rungs=1 rung-hold=0s verify=ok") BLOCK("name=ok kind=verify"));
    part_exits(&w, "a", 0, 0);
    tick(&w, 1);
    assert_int_equal(see(&w, "a").phase, PHASE_VERIFYING);
    exits(&w, "ok", 1);
    assert_outcome(&w, "a", FAILED);
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0); /* the last rung again, not nothing at all */
    act(&w, "a");
    part_exits(&w, "a", 0, 0);
    tick(&w, 1);
    exits(&w, "ok", 0);
    assert_outcome(&w, "a", OK);
    walked(&w);
}

static void test_cancel_and_stop_stay_where_it_is(void **state)
{
    (void)state;
    struct walker w = ramping(RAMP(""));
    assert_int_equal(cancel(&w, "a"), 0); /* the baseline is being measured */
    assert_outcome(&w, "a", RUNNING);
    ends(&w, "chr", END_CANCELLED);
    assert_outcome(&w, "a", PENDING);
    walked(&w);
    w = ramping(RAMP(""));
    measures(&w, "1");
    part_exits(&w, "a", 0, 0);
    assert_int_equal(cancel(&w, "a"), 0);
    assert_outcome(&w, "a", FAILED);
    assert_string_equal(see(&w, "a").reason, "cancelled at rung 10");
    walked(&w);
    w = ramping(RAMP(""));
    measures(&w, "1");
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STOP, .reason = "enough"}), 0);
    part_exits(&w, "a", 0, 0);
    assert_outcome(&w, "a", FAILED);
    assert_string_equal(see(&w, "a").reason, "the run was stopped at rung 10");
    ended(&w);
    walked(&w);
    w = at_rung_2(RAMP(""));
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STOP, .reason = "enough"}), 0);
    measures(&w, "0.1"); /* too late to act upon */
    assert_outcome(&w, "a", FAILED);
    ended(&w);
    walked(&w);
}

static void test_a_step_back_that_fails(void **state)
{
    (void)state;
    struct walker w = at_rung_2(RAMP(""));
    measures(&w, "0.1");
    part_exits(&w, "a", 1, 1);
    assert_outcome(&w, "a", FAILED);
    assert_non_null(strstr(see(&w, "a").reason, "and stepping back to rung 25: exit 1"));
    walked(&w);
    w = at_rung_2(RAMP(""));
    measures(&w, "0.1");
    part_ends(&w, "a", 1, (struct run_result){.end = END_LOST});
    assert_outcome(&w, "a", UNKNOWN);
    walked(&w);
}

/* A share of golden queries is a measure too. */
static void test_a_guard_with_items(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a rungs=1,2 rung-hold=0s guard=chr")
                                    BLOCK("name=chr kind=verify items=q.jsonl threshold=0 parallel=2"),
                                NULL, "{\"q\":1}\n{\"q\":2}\n");
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    part_exits(&w, "chr", 0, 0);
    part_exits(&w, "chr", 1, 0);
    assert_string_equal(parts_of(&w, "a").baseline, "1.000000");
    part_exits(&w, "a", 0, 0);
    tick(&w, 1);
    part_exits(&w, "chr", 0, 0);
    part_exits(&w, "chr", 1, 1);
    assert_outcome(&w, "a", FAILED);
    assert_string_equal(parts_of(&w, "a").measured, "0.500000");
    walked(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_the_rungs),
        cmocka_unit_test(test_worse_steps_back_and_asks),
        cmocka_unit_test(test_again_from_the_rung_in_effect),
        cmocka_unit_test(test_worse_at_the_lowest_rung),
        cmocka_unit_test(test_slack_and_direction),
        cmocka_unit_test(test_a_guard_that_only_passes_or_fails),
        cmocka_unit_test(test_without_a_baseline_nothing_runs),
        cmocka_unit_test(test_an_unknown_guard_asks),
        cmocka_unit_test(test_a_rung_of_unknown_outcome),
        cmocka_unit_test(test_the_last_rung_is_verified),
        cmocka_unit_test(test_cancel_and_stop_stay_where_it_is),
        cmocka_unit_test(test_a_step_back_that_fails),
        cmocka_unit_test(test_a_guard_with_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
