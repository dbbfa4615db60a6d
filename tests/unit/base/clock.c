#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/base/base.h"

static int64_t parsed(const char *text)
{
    int64_t us;
    struct err e = {0};
    if (clock_parse(text, &us, &e) < 0)
        fail_msg("%s", e.msg);
    return us;
}

/* Written and read again, a time is itself; checked against timegm over the whole range of years. */
static void test_times_survive_the_round_trip(void **state)
{
    (void)state;
    uint64_t seed = rng_entropy();
    struct rng r;
    rng_seed(&r, seed);
    for (int i = 0; i < 20000; i++) {
        int64_t second = (int64_t)rng_below(&r, 253402300800ULL + 62167219200ULL) - 62167219200LL;
        int64_t us = second * US_PER_S + (int64_t)rng_below(&r, 1000000);
        char text[CLOCK_TEXT_SIZE];
        clock_format(us, text);
        struct tm tm = {0};
        assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
        if (strlen(text) != 27 || parsed(text) != us || timegm(&tm) != second)
            fail_msg("seed %llu: %lld gives %s", (unsigned long long)seed, (long long)us, text);
    }
}

static void test_forms_of_rfc_3339(void **state)
{
    (void)state;
    int64_t want = 1795317261 * US_PER_S;
    assert_int_equal(parsed("2026-11-22T03:14:21Z"), want);
    assert_int_equal(parsed("2026-11-22t03:14:21z"), want);
    assert_int_equal(parsed("2026-11-22 03:14:21Z"), want);
    assert_int_equal(parsed("2026-11-22T03:14:21+00:00"), want);
    assert_int_equal(parsed("2026-11-22T04:44:21+01:30"), want);
    assert_int_equal(parsed("2026-11-21T22:14:21-05:00"), want);
    assert_int_equal(parsed("2026-11-22T03:14:21.5Z"), want + 500000);
    assert_int_equal(parsed("2026-11-22T03:14:21.123456789012Z"), want + 123456);
    assert_int_equal(parsed("2024-02-29T00:00:00Z"), 1709164800 * US_PER_S);
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_true(parsed("0001-01-01T00:00:00Z") < 0);
    parsed("2016-12-31T23:59:60Z");
}

static void test_what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "now",
                                      "2026-11-22",
                                      "2026-11-22T03:14:21",
                                      "2026-13-22T03:14:21Z",
                                      "2026-00-22T03:14:21Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "2026-11-22T24:00:00Z",
                                      "2026-11-22T03:60:00Z",
                                      "2026-11-22T03:14:61Z",
                                      "2026-11-22T03:14:21.Z",
                                      "2026-11-22T03:14:21+0100",
                                      "2026-11-22T03:14:21Z ",
                                      "2026-1-22T03:14:21Z",
                                      " 2026-11-22T03:14:21Z",
                                      "+026-11-22T03:14:21Z",
                                      "2026-11-22T03:14:21Zulu"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t us;
        struct err e = {0};
        if (clock_parse(bad[i], &us, &e) != ERR_SYNTAX)
            fail_msg("accepted: %s", bad[i]);
        assert_true(e.msg[0] != '\0');
    }
}

static void test_far_times_are_clamped_not_garbled(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    clock_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
    clock_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000000Z");
    clock_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        {"0", 0},
        {"0s", 0},
        {"250ms", 250000},
        {"30s", 30000000},
        {"5m", 300000000},
        {"5min", 300000000},
        {"2h", 7200000000},
        {"7d", 604800000000},
        {"1m30s", 90000000},
        {"1d2h3m4s5ms", 93784005000},
        {"1.5s", 1500000},
        {"0.5h", 1800000000},
        {"90us", 90},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t us = -1;
        struct err e = {0};
        if (duration_parse(good[i].text, &us, &e) < 0 || us != good[i].us)
            fail_msg("%s: %lld %s", good[i].text, (long long)us, e.msg);
    }
    static const char *const bad[] = {"",
                                      "5",
                                      "s",
                                      "5x",
                                      "-5s",
                                      "+5s",
                                      "5 s",
                                      "30s1m",
                                      "1s1s",
                                      "1.s",
                                      ".5s",
                                      "1e3s",
                                      "99999999999999999999s",
                                      "300000000000000d",
                                      "5sec",
                                      "0x5s",
                                      "1m 30s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t us;
        struct err e = {0};
        if (duration_parse(bad[i], &us, &e) >= 0)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void test_ages_are_short(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *text, *minutes;
    } cases[] = {
        {-5, "<1s", "<1m"},
        {999999, "<1s", "<1m"},
        {41 * US_PER_S, "41s", "<1m"},
        {14 * 60 * US_PER_S + 59 * US_PER_S, "14m", "14m"},
        {31 * 3600 * US_PER_S, "31h", "31h"},
        {48 * 3600 * US_PER_S, "2d", "2d"},
        {12 * 86400 * US_PER_S, "12d", "12d"},
    };
    char text[DURATION_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        duration_format(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
        duration_format_minutes(cases[i].us, text);
        assert_string_equal(text, cases[i].minutes);
    }
    for (int64_t us = 1; us > 0 && us < INT64_MAX / 3; us *= 3) {
        duration_format(us, text);
        assert_true(strlen(text) <= 5);
        duration_format_minutes(us, text);
        assert_true(strlen(text) <= 5);
    }
    duration_format(INT64_MAX, text);
    assert_true(strlen(text) <= 5);
}

static void test_the_clocks_run(void **state)
{
    (void)state;
    int64_t a = clock_monotonic_us(), b = clock_monotonic_us();
    assert_true(b >= a);
    assert_true(clock_boot_us() >= a - US_PER_S);
    assert_true(clock_wall_us() > 1600000000 * US_PER_S);
    size_t length = strlen(clock_boot_id());
    assert_true(length == 36 || length == 0);
}

static void past_times(void **state)
{
    (void)state;
    const char *now_text = "2026-11-22T03:14:21Z";
    static const struct {
        const char *text, *told;
    } good[] = {
        {"03:12", "2026-11-22T03:12:00.000000Z"},
        {"03:12:30", "2026-11-22T03:12:30.000000Z"},
        {"03:14:21Z", "2026-11-22T03:14:21.000000Z"},
        {"03:15", "2026-11-21T03:15:00.000000Z"},
        {"23:59", "2026-11-21T23:59:00.000000Z"},
        {"2026-11-20 22:01", "2026-11-20T22:01:00.000000Z"},
        {"2026-11-20T22:01", "2026-11-20T22:01:00.000000Z"},
        {"2026-11-20 22:01:07Z", "2026-11-20T22:01:07.000000Z"},
        {"2026-11-22T04:12:00+01:00", "2026-11-22T03:12:00.000000Z"},
        {"10m", "2026-11-22T03:04:21.000000Z"},
        {"1h30m ago", "2026-11-22T01:44:21.000000Z"},
    };
    int64_t now_us, wall_us;
    struct err e;
    char text[CLOCK_TEXT_SIZE];
    assert_int_equal(clock_parse(now_text, &now_us, NULL), 0);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (clock_parse_past(good[i].text, now_us, &wall_us, &e) < 0)
            fail_msg("%s: %s", good[i].text, e.msg);
        clock_format(wall_us, text);
        assert_string_equal(text, good[i].told);
    }
    static const char *const bad[] = {
        "",          "3:12", "24:00",      "03:60", "03:12x",     "2026-13-01 00:00", "2026-02-30 00:00",
        "yesterday", "10",   "10m before", "-5m",   "03:12:30:1", "2026-11-22",       NULL};
    for (size_t i = 0; bad[i]; i++)
        if (clock_parse_past(bad[i], now_us, &wall_us, &e) != ERR_SYNTAX)
            fail_msg("%s is taken", bad[i]);
    assert_int_equal(clock_parse_past("2026-11-22 03:15", now_us, &wall_us, &e), ERR_RANGE);
    assert_int_equal(clock_parse_past("2027-01-01T00:00:00Z", now_us, &wall_us, &e), ERR_RANGE);
    assert_int_equal(clock_parse_past("99999999999h", now_us, &wall_us, &e), ERR_SYNTAX);
}

/* 23:59 in the afternoon is yesterday's, and that is said. */
static void test_past_times_are_told_back(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *told;
    } cases[] = {{"23:59", "2026-11-21 23:59:00Z, yesterday"},
                 {"03:14:20", "2026-11-22 03:14:20Z"},
                 {"2026-11-19 03:14", "2026-11-19 03:14:00Z, 3 days ago"},
                 {"4h", "2026-11-21 23:14:21Z, yesterday"}};
    int64_t now_us = parsed("2026-11-22T03:14:21Z"), wall_us;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[CLOCK_PAST_SIZE];
        assert_int_equal(clock_parse_past(cases[i].typed, now_us, &wall_us, NULL), 0);
        clock_past_text(wall_us, now_us, text);
        assert_string_equal(text, cases[i].told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(past_times),
        cmocka_unit_test(test_past_times_are_told_back),
        cmocka_unit_test(test_times_survive_the_round_trip),
        cmocka_unit_test(test_forms_of_rfc_3339),
        cmocka_unit_test(test_what_is_no_time_is_refused),
        cmocka_unit_test(test_far_times_are_clamped_not_garbled),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_ages_are_short),
        cmocka_unit_test(test_the_clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
