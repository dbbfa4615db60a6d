#include "engine/base/http_date.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"

#define MOST_US (365 * 86400 * US_PER_S) /* nobody waits longer */

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct parts {
    char month[4], clock[9];
    int year, day;
};

static int64_t rfc3339(const struct parts *d, int month, int64_t *wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%sZ", d->year, month, d->day, d->clock);
    return clock_parse(text, wall_us, NULL);
}

static bool assemble(const struct parts *d, int64_t *wall_us)
{
    for (int i = 0; i < 12; i++)
        if (strcmp(months[i], d->month) == 0)
            return d->year >= 0 && d->year <= 9999 && d->day >= 1 && d->day <= 31 && strlen(d->clock) == 8 &&
                   rfc3339(d, i + 1, wall_us) == 0;
    return false;
}

static bool century_find(struct parts *d, int64_t now_us, int64_t *wall_us)
{
    char now[CLOCK_TEXT_SIZE];
    int this_year;
    clock_format(now_us, now);
    if (sscanf(now, "%4d", &this_year) != 1)
        return false;
    d->year += this_year / 100 * 100;
    if (d->year > this_year + 50)
        d->year -= 100;
    return assemble(d, wall_us);
}

bool http_date_parse(const char *text, int64_t now_us, int64_t *wall_us)
{
    struct parts d = {0};
    int end = -1;
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %8[0-9:] GMT%n", &d.day, d.month, &d.year, d.clock,
               &end) == 4 &&
        end > 0 && !text[end])
        return assemble(&d, wall_us);
    d = (struct parts){0};
    end = -1;
    if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %8[0-9:] GMT%n", &d.day, d.month, &d.year, d.clock,
               &end) == 4 &&
        end > 0 && !text[end])
        return century_find(&d, now_us, wall_us);
    d = (struct parts){0};
    end = -1;
    if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %8[0-9:] %4d%n", d.month, &d.day, d.clock, &d.year, &end) ==
            4 &&
        end > 0 && !text[end])
        return assemble(&d, wall_us);
    return false;
}

int64_t http_retry_after_us(const char *text, int64_t now_us)
{
    int64_t us = 0, at_us;
    size_t digits = strspn(text, "0123456789");
    if (digits && !text[digits]) {
        for (; *text && us < MOST_US; text++)
            us = us * 10 + (*text - '0') * US_PER_S;
        return us < MOST_US ? us : MOST_US;
    }
    if (*text == '-' && text[1] && strspn(text + 1, "0123456789") == strlen(text + 1))
        return 0;
    if (!http_date_parse(text, now_us, &at_us))
        return -1;
    us = at_us - now_us;
    return us < 0 ? 0 : us < MOST_US ? us : MOST_US;
}
