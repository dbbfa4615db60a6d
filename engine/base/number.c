#include "engine/base/number.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t digits(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && text[n] >= '0' && text[n] <= '9')
        n++;
    return n;
}

size_t number_scan_json(const char *text, size_t length)
{
    size_t at = length > 0 && text[0] == '-';
    size_t whole = digits(text + at, length - at);
    if (whole == 0 || (whole > 1 && text[at] == '0'))
        return 0;
    at += whole;
    if (at < length && text[at] == '.') {
        size_t fraction = digits(text + at + 1, length - at - 1);
        if (fraction == 0)
            return 0;
        at += 1 + fraction;
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        size_t sign = at + 1 < length && (text[at + 1] == '+' || text[at + 1] == '-');
        size_t exponent = digits(text + at + 1 + sign, length - at - 1 - sign);
        if (exponent == 0)
            return 0;
        at += 1 + sign + exponent;
    }
    return at;
}

static locale_t plain_locale;

static void plain_locale_make(void)
{
    plain_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
}

static locale_t plain(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, plain_locale_make);
    return plain_locale;
}

/* Plain integers of up to 15 digits are exact without strtod, and most numbers are such. */
static bool parse_small(const char *text, double *value)
{
    bool negative = *text == '-';
    const char *p = text + negative;
    int64_t n = 0;
    size_t count = 0;
    for (; *p >= '0' && *p <= '9' && count < 16; p++, count++)
        n = n * 10 + (*p - '0');
    if (*p || count == 0 || count > 15)
        return false;
    *value = negative ? -(double)n : (double)n;
    return true;
}

bool number_parse(const char *text, double *value)
{
    if (parse_small(text, value))
        return true;
    const char *p = text + (*text == '+' || *text == '-');
    if (strcasecmp(p, "inf") == 0) {
        *value = *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (strcasecmp(text, "nan") == 0) {
        *value = NAN;
        return true;
    }
    /* strtod would take blanks, hexadecimal, "infinity" and "nan(...)". */
    bool digit = false;
    for (const char *q = p; *q; q++) {
        digit = digit || isdigit((unsigned char)*q);
        if (!strchr("0123456789.eE+-", *q))
            return false;
    }
    if (!digit)
        return false;
    char *end;
    *value = strtod_l(text, &end, plain());
    return *end == '\0';
}

void number_format(double value, char text[static NUMBER_TEXT_SIZE])
{
    if (isnan(value)) {
        memcpy(text, "NaN", 4);
        return;
    }
    if (isinf(value)) {
        memcpy(text, value < 0 ? "-Inf" : "+Inf", 5);
        return;
    }
    locale_t before = uselocale(plain());
    if (fabs(value) < 0x1p53 && value == trunc(value)) {
        snprintf(text, NUMBER_TEXT_SIZE, "%.0f", value == 0 ? 0.0 : value);
    } else {
        for (int precision = 6; precision <= 17; precision++) {
            snprintf(text, NUMBER_TEXT_SIZE, "%.*g", precision, value);
            if (strtod(text, NULL) == value)
                break;
        }
    }
    uselocale(before);
}
