#include "tests/unit/resilience/breaker_rig.h"

static void test_every_rule_is_read(void **state)
{
    (void)state;
    struct breaker_rules r = breaker_rules_default();
    struct err e = {0};
    const char *text =
        "failures=7,cool-down=90s,rate=0.25,slow-rate=0.8,slow=2s,minimum=30,window=2m,multiplier=1.5,"
        "cap=5m,jitter=0.2, probes=3, successes=2 ,lease=1500ms";
    if (breaker_rules_parse(text, &r, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(r.failures, 7);
    assert_int_equal(r.cool_down_ms, 90000);
    assert_int_equal(r.rate_permille, 250);
    assert_int_equal(r.slow_permille, 800);
    assert_int_equal(r.slow_ms, 2000);
    assert_int_equal(r.minimum_calls, 30);
    assert_int_equal(r.window_ms, 120000);
    assert_int_equal(r.window_calls, 0);
    assert_int_equal(r.multiplier_milli, 1500);
    assert_int_equal(r.cool_down_cap_ms, 300000);
    assert_int_equal(r.jitter_permille, 200);
    assert_int_equal(r.probes, 3);
    assert_int_equal(r.successes_to_close, 2);
    assert_int_equal(r.lease_ms, 1500);
    assert_int_equal(breaker_rules_parse("window=100", &r, &e), 0);
    assert_int_equal(r.window_calls, 100);
    assert_int_equal(r.window_ms, 0);
    assert_int_equal(r.failures, 7); /* the others stay */
}

static void test_the_defaults_are_sound(void **state)
{
    (void)state;
    struct breaker_rules r = breaker_rules_default();
    struct err e = {0};
    assert_int_equal(breaker_rules_check(&r, &e), 0);
    assert_int_equal(r.failures, 5);
    assert_int_equal(r.cool_down_ms, 60000);
    assert_int_equal(r.probes, 1);
    assert_int_equal(r.successes_to_close, 1);
    assert_int_equal(r.rate_permille, 0);
    assert_int_equal(breaker_rules_parse("rate=0.5", &r, &e), 0); /* 60 s, 20 calls */
    assert_int_equal(r.window_ms, 60000);
    assert_int_equal(r.minimum_calls, 20);
    r = breaker_rules_default();
    assert_int_equal(breaker_rules_parse("cool-down=1h", &r, &e), 0); /* takes the cap along */
    assert_int_equal(r.cool_down_cap_ms, 3600000);
}

/* Each is refused, the message names the rule or says why, and the rules stay as they were. */
static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
        int code;
    } bad[] = {
        /* what could never trip */
        {"failures=0", "never trip", ERR_RANGE},
        {"failures=0,rate=0,slow-rate=0", "never trip", ERR_RANGE},
        {"rate=0.5,window=10", "minimum=20", ERR_RANGE},
        {"failures=0,rate=0.5,minimum=101,window=100", "minimum=101", ERR_RANGE},
        {"slow-rate=0.5", "slow", ERR_RANGE},
        /* what could never close */
        {"successes=2", "never close", ERR_RANGE},
        {"probes=2,successes=3", "never close", ERR_RANGE},
        {"probes=0", "probes", ERR_RANGE},
        {"successes=0", "successes", ERR_RANGE},
        /* ranges */
        {"probes=5", "probes", ERR_RANGE},
        {"rate=1.01", "rate", ERR_RANGE},
        {"cool-down=0", "cool-down", ERR_RANGE},
        {"cool-down=1000d", "cool-down", ERR_RANGE},
        {"multiplier=0.5", "multiplier", ERR_RANGE},
        {"jitter=0.6", "jitter", ERR_RANGE},
        {"cap=10s", "cap", ERR_RANGE},
        {"window=0", "window", ERR_RANGE},
        {"window=1025", "window", ERR_RANGE},
        {"window=2h", "window", ERR_RANGE},
        {"window=10ms", "window", ERR_RANGE},
        {"minimum=0", "minimum", ERR_RANGE},
        {"failures=9999999999", "failures", ERR_RANGE},
        /* no rules */
        {"", "NAME=VALUE", ERR_SYNTAX},
        {"failures", "failures", ERR_SYNTAX},
        {"failures=5,", "NAME=VALUE", ERR_SYNTAX},
        {"failures=", "failures", ERR_SYNTAX},
        {"failures=-1", "failures", ERR_SYNTAX},
        {"failures=5x", "failures", ERR_SYNTAX},
        {"failures=99999999999999999999", "failures", ERR_SYNTAX},
        {"cool-down=60", "cool-down", ERR_SYNTAX},
        {"rate=nan", "rate", ERR_SYNTAX},
        {"rate=0.0001", "rate", ERR_SYNTAX},
        {"rate=half", "rate", ERR_SYNTAX},
        {"window=soon", "window", ERR_SYNTAX},
        {"cooldown=60s", "cooldown", ERR_SYNTAX},
        {"failures=5,failures=6", "twice", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct breaker_rules r = breaker_rules_default(), before = r;
        struct err e = {0};
        int code = breaker_rules_parse(bad[i].text, &r, &e);
        if (code != bad[i].code || !strstr(e.msg, bad[i].word))
            fail_msg("\"%s\": code %d: %s", bad[i].text, code, e.msg);
        assert_memory_equal(&r, &before, sizeof r);
    }
}

static void test_rules_that_no_text_can_say(void **state)
{
    (void)state;
    struct err e = {0};
    struct breaker_rules r = breaker_rules_default();
    r.window_calls = 100; /* and of time */
    assert_int_equal(breaker_rules_check(&r, &e), ERR_RANGE);
    r = breaker_rules_default();
    r.window_ms = 0; /* no window, and no rate that needs one */
    assert_int_equal(breaker_rules_check(&r, &e), 0);
    r.rate_permille = 500;
    assert_int_equal(breaker_rules_check(&r, &e), ERR_RANGE);
    r = breaker_rules_default();
    r.lease_ms = -1;
    assert_int_equal(breaker_rules_check(&r, &e), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule_is_read),
        cmocka_unit_test(test_the_defaults_are_sound),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_rules_that_no_text_can_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
