#include "engine/base/clock.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_boot_us(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

int64_t clock_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

static char boot_id[37];

static void boot_id_read(void)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (read(fd, boot_id, 36) != 36)
        boot_id[0] = '\0';
    close(fd);
}

const char *clock_boot_id(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, boot_id_read);
    return boot_id;
}

void clock_format(int64_t wall_us, char text[static CLOCK_TEXT_SIZE])
{
    int64_t second = wall_us / US_PER_S, fraction = wall_us % US_PER_S;
    if (fraction < 0) {
        fraction += US_PER_S;
        second--;
    }
    /* Years 0 to 9999 are what RFC 3339 can write. */
    if (second < -62167219200LL)
        second = -62167219200LL, fraction = 0;
    if (second > 253402300799LL)
        second = 253402300799LL, fraction = US_PER_S - 1;
    time_t t = (time_t)second;
    struct tm tm;
    gmtime_r(&t, &tm);
    snprintf(text, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
             (unsigned)(tm.tm_year + 1900) % 10000U, (unsigned)(tm.tm_mon + 1) % 100U,
             (unsigned)tm.tm_mday % 100U, (unsigned)tm.tm_hour % 100U, (unsigned)tm.tm_min % 100U,
             (unsigned)tm.tm_sec % 100U, (unsigned)fraction % 1000000U);
}

/* Exactly `digits` decimal digits at *p. */
static bool take_number(const char **p, int digits, int low, int high, int *value)
{
    int n = 0;
    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*p)[i]))
            return false;
        n = n * 10 + ((*p)[i] - '0');
    }
    *p += digits;
    *value = n;
    return n >= low && n <= high;
}

static bool take(const char **p, const char *set)
{
    if (**p == '\0' || !strchr(set, **p))
        return false;
    (*p)++;
    return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int64_t days_from_civil(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int of_era = y - era * 400;
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool take_fraction(const char **p, int64_t *us)
{
    int64_t scale = US_PER_S / 10;
    if (!isdigit((unsigned char)**p))
        return false;
    for (; isdigit((unsigned char)**p); (*p)++) {
        *us += (**p - '0') * scale;
        scale /= 10;
    }
    return true;
}

static bool take_offset(const char **p, int64_t *seconds)
{
    *seconds = 0;
    if (take(p, "Zz"))
        return true;
    int sign = **p == '-' ? -1 : 1, hour, minute;
    if (!take(p, "+-") || !take_number(p, 2, 0, 23, &hour) || !take(p, ":") ||
        !take_number(p, 2, 0, 59, &minute))
        return false;
    *seconds = sign * (hour * 3600 + minute * 60);
    return true;
}

int clock_parse(const char *text, int64_t *wall_us, struct err *e)
{
    const char *p = text;
    int year, month, day, hour, minute, second;
    int64_t fraction = 0, offset;
    bool good = take_number(&p, 4, 0, 9999, &year) && take(&p, "-") && take_number(&p, 2, 1, 12, &month) &&
                take(&p, "-") && take_number(&p, 2, 1, month_days(year, month), &day) && take(&p, "Tt ") &&
                take_number(&p, 2, 0, 23, &hour) && take(&p, ":") && take_number(&p, 2, 0, 59, &minute) &&
                take(&p, ":") && take_number(&p, 2, 0, 60, &second);
    if (good && take(&p, "."))
        good = take_fraction(&p, &fraction);
    if (!good || !take_offset(&p, &offset) || *p)
        return err_set(e, ERR_SYNTAX, "\"%.40s\" is not a time: write it as 2026-11-22T03:14:21Z", text);
    int64_t seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    *wall_us = seconds * US_PER_S + fraction;
    return 0;
}

/* hh:mm[:ss], and the end. */
static bool take_time_of_day(const char *p, int64_t *us)
{
    int hour, minute, second = 0;
    bool good = take_number(&p, 2, 0, 23, &hour) && take(&p, ":") && take_number(&p, 2, 0, 59, &minute);
    if (good && take(&p, ":"))
        good = take_number(&p, 2, 0, 59, &second);
    take(&p, "Zz");
    if (!good || *p)
        return false;
    *us = (hour * 3600 + minute * 60 + second) * US_PER_S;
    return true;
}

static bool take_ago(const char *text, int64_t now_us, int64_t *wall_us)
{
    char span[32];
    size_t length = strcspn(text, " ");
    int64_t ago_us;
    struct err ignored;
    bool good = length < sizeof span && (text[length] == '\0' || strcmp(text + length, " ago") == 0);
    snprintf(span, sizeof span, "%.*s", good ? (int)length : 0, text);
    if (!good || duration_parse(span, &ago_us, &ignored) < 0 || ago_us > now_us)
        return false;
    *wall_us = now_us - ago_us;
    return true;
}

int clock_parse_past(const char *text, int64_t now_us, int64_t *wall_us, struct err *e)
{
    const int64_t day_us = 86400 * US_PER_S;
    struct err ignored;
    char date[32];
    int64_t of_day;
    if (take_time_of_day(text, &of_day)) {
        *wall_us = now_us - now_us % day_us + of_day;
        *wall_us -= *wall_us > now_us ? day_us : 0;
        return 0;
    }
    snprintf(date, sizeof date, "%.10sT00:00:00Z", text);
    if (strlen(text) > 11 && strchr("T ", text[10]) && take_time_of_day(text + 11, &of_day) &&
        clock_parse(date, wall_us, &ignored) == 0)
        *wall_us += of_day;
    else if (!take_ago(text, now_us, wall_us) && clock_parse(text, wall_us, &ignored) < 0)
        return err_set(
            e, ERR_SYNTAX,
            "\"%.40s\" is not a time: write 03:12, 2026-11-22 03:12, or 10m for ten minutes ago (UTC)", text);
    return *wall_us <= now_us
               ? 0
               : err_set(e, ERR_RANGE, "\"%.40s\" has not been yet: only what has happened is noted", text);
}

void clock_past_text(int64_t wall_us, int64_t now_us, char text[static CLOCK_PAST_SIZE])
{
    const int64_t day_us = 86400 * US_PER_S;
    char at[CLOCK_TEXT_SIZE], day[40] = "";
    int64_t days = now_us / day_us - wall_us / day_us;
    clock_format(wall_us, at);
    if (days == 1)
        snprintf(day, sizeof day, ", yesterday");
    else if (days > 1)
        snprintf(day, sizeof day, ", %" PRId64 " days ago", days);
    snprintf(text, CLOCK_PAST_SIZE, "%.10s %.8sZ%s", at, at + 11, day);
}

static int64_t take_unit(const char **p)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {
        {"us", 1},
        {"ms", US_PER_MS},
        {"s", US_PER_S},
        {"min", 60 * US_PER_S},
        {"m", 60 * US_PER_S},
        {"h", 3600 * US_PER_S},
        {"d", 86400 * US_PER_S},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t length = strlen(units[i].name);
        if (strncmp(*p, units[i].name, length) == 0 && !isalpha((unsigned char)(*p)[length])) {
            *p += length;
            return units[i].us;
        }
    }
    return 0;
}

int duration_parse(const char *text, int64_t *us, struct err *e)
{
    const char *p = text;
    int64_t total = 0, last_unit = INT64_MAX;
    if (strcmp(text, "0") == 0) {
        *us = 0;
        return 0;
    }
    do {
        int64_t number = 0, part, fraction = 0, scale = 1;
        if (!isdigit((unsigned char)*p))
            goto syntax;
        for (; isdigit((unsigned char)*p); p++)
            if (__builtin_mul_overflow(number, 10, &number) ||
                __builtin_add_overflow(number, *p - '0', &number))
                goto range;
        if (*p == '.') {
            if (!isdigit((unsigned char)*++p))
                goto syntax;
            for (; isdigit((unsigned char)*p); p++)
                if (scale < 1000000)
                    fraction = fraction * 10 + (*p - '0'), scale *= 10;
        }
        int64_t unit = take_unit(&p);
        if (unit == 0 || unit >= last_unit)
            goto syntax;
        last_unit = unit;
        if (__builtin_mul_overflow(number, unit, &part) || __builtin_add_overflow(total, part, &total) ||
            __builtin_add_overflow(total, unit * fraction / scale, &total))
            goto range;
    } while (*p);
    *us = total;
    return 0;
syntax:
    return err_set(e, ERR_SYNTAX,
                   "\"%.40s\" is not a duration: write a number and a unit (ms, s, m, h, d), as 30s", text);
range:
    return err_set(e, ERR_RANGE, "\"%.40s\" is too long a duration", text);
}

static void format_large(int64_t seconds, char *text)
{
    if (seconds < 48 * 3600LL)
        snprintf(text, DURATION_TEXT_SIZE, "%dh", (int)(seconds / 3600));
    else if (seconds < 10000LL * 86400)
        snprintf(text, DURATION_TEXT_SIZE, "%dd", (int)(seconds / 86400));
    else if (seconds < 10000LL * 31556952)
        snprintf(text, DURATION_TEXT_SIZE, "%dy", (int)(seconds / 31556952));
    else
        snprintf(text, DURATION_TEXT_SIZE, ">9ky");
}

void duration_format(int64_t us, char text[static DURATION_TEXT_SIZE])
{
    int64_t seconds = us / US_PER_S;
    if (seconds < 1)
        snprintf(text, DURATION_TEXT_SIZE, "<1s");
    else if (seconds < 60)
        snprintf(text, DURATION_TEXT_SIZE, "%ds", (int)seconds);
    else if (seconds < 3600)
        snprintf(text, DURATION_TEXT_SIZE, "%dm", (int)(seconds / 60));
    else
        format_large(seconds, text);
}

void duration_format_minutes(int64_t us, char text[static DURATION_TEXT_SIZE])
{
    int64_t seconds = us / US_PER_S;
    if (seconds < 60)
        snprintf(text, DURATION_TEXT_SIZE, "<1m");
    else if (seconds < 3600)
        snprintf(text, DURATION_TEXT_SIZE, "%dm", (int)(seconds / 60));
    else
        format_large(seconds, text);
}
