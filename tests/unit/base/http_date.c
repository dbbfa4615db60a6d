/* HTTP's three forms of a date, and Retry-After. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "engine/base/base.h"

#define NOW_S 1795317261LL /* 2026-11-22T03:14:21Z, a Sunday */

static void expect_date(const char *text, int64_t wanted_s)
{
    int64_t us = 0;
    if (!http_date_parse(text, NOW_S * US_PER_S, &us) || us != wanted_s * US_PER_S)
        fail_msg("%s gives %lld", text, (long long)(us / US_PER_S));
}

static void the_three_forms(void **state)
{
    (void)state;
    expect_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    expect_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    expect_date("Sun Nov  6 08:49:37 1994", 784111777);
    expect_date("Sun, 22 Nov 2026 03:14:21 GMT", NOW_S);
    expect_date("Sunday, 22-Nov-26 03:14:21 GMT", NOW_S);
    expect_date("Thursday, 22-Nov-76 00:00:00 GMT", 3373228800); /* 50 years ahead at most */
    expect_date("Tuesday, 22-Nov-77 00:00:00 GMT", 249004800);
}

static void two_digits(char *text, size_t size, const struct tm *tm)
{
    char day[40], clock[16];
    strftime(day, sizeof day, "%A, %d-%b-", tm);
    strftime(clock, sizeof clock, "%H:%M:%S", tm);
    snprintf(text, size, "%s%02d %s GMT", day, tm->tm_year % 100, clock);
}

/* Written by the C library, every second of our time is read as itself. */
static void what_strftime_writes_is_read(void **state)
{
    (void)state;
    uint64_t seed = rng_entropy();
    struct rng r;
    rng_seed(&r, seed);
    for (int i = 0; i < 20000; i++) {
        time_t t = (time_t)(NOW_S - 1000000000LL + (int64_t)rng_below(&r, 2000000000));
        struct tm tm;
        char text[64];
        int64_t us;
        gmtime_r(&t, &tm);
        if (i % 3 == 0)
            strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        else if (i % 3 == 1)
            two_digits(text, sizeof text, &tm);
        else
            strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &tm);
        if (!http_date_parse(text, NOW_S * US_PER_S, &us) || us != t * US_PER_S)
            fail_msg("seed %llu: %s", (unsigned long long)seed, text);
    }
}

static void retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t wanted_us;
    } cases[] = {
        {"0", 0},
        {"120", 120 * US_PER_S},
        {"99999999999999999999999999", 365 * 86400 * US_PER_S},
        {"-5", 0},
        {"Sun, 22 Nov 2026 03:15:21 GMT", 60 * US_PER_S},
        {"Sunday, 22-Nov-26 03:15:21 GMT", 60 * US_PER_S},
        {"Sun Nov 22 03:15:21 2026", 60 * US_PER_S},
        {"Sun, 22 Nov 2026 03:13:21 GMT", 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 365 * 86400 * US_PER_S},
        {"", -1},
        {"soon", -1},
        {"12s", -1},
        {"1.5", -1},
        {"-", -1},
        {"Sun, 32 Nov 2026 03:15:21 GMT", -1},
        {"Sun, 22 Nov 2026 25:15:21 GMT", -1},
        {"Sun, 22 Now 2026 03:15:21 GMT", -1},
        {"Sun, 22 Nov 2026 03:15:21 CET", -1},
        {"Sun, 22 Nov 2026 03:15:21 GMT, or so", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = http_retry_after_us(cases[i].text, NOW_S * US_PER_S);
        if (us != cases[i].wanted_us)
            fail_msg("'%s' gives %lld", cases[i].text, (long long)us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_forms),
        cmocka_unit_test(what_strftime_writes_is_read),
        cmocka_unit_test(retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
