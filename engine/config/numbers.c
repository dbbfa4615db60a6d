/* Values that are numbers: whole ones, decimals, durations. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "engine/config/options.h"
#include "engine/config/values.h"

static void set_integer(const struct value_place *place, const struct option *option, const cJSON *item,
                        void *field)
{
    const char *text = value_text(place, option, item);
    if (!text)
        return;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool plain = isdigit((unsigned char)*text) || (*text == '-' && isdigit((unsigned char)text[1]));
    if (!plain || *end)
        value_complain(place, item, "%s: \"%s\" is not a whole number", value_label(option), text);
    else if (errno || value < option->minimum || value > option->maximum)
        value_complain(place, item, "%s: %s is outside %" PRId64 " to %" PRId64, value_label(option), text,
                       option->minimum, option->maximum);
    else
        *(int64_t *)field = value;
}

/* Digits, and at most `most` behind a point: into parts of that many digits. A minus is read, for the range
 * to refuse. */
static bool decimal(const char *text, int most, int64_t *parts)
{
    int64_t value = 0;
    int places = -1;
    bool negative = *text == '-';
    text += negative;
    if (!isdigit((unsigned char)*text))
        return false;
    for (const char *p = text; *p; p++) {
        if (*p == '.' && places < 0) {
            places = 0;
        } else if (isdigit((unsigned char)*p) && places < most && value < INT64_MAX / 100000000) {
            value = value * 10 + (*p - '0');
            places += places >= 0;
        } else {
            return false;
        }
    }
    if (places == 0)
        return false;
    for (int i = places < 0 ? 0 : places; i < most; i++)
        value *= 10;
    *parts = negative ? -value : value;
    return true;
}

static void set_decimal(const struct value_place *place, const struct option *option, const cJSON *item,
                        int digits, void *field)
{
    const char *text = value_text(place, option, item);
    double whole = digits == 3 ? 1e3 : 1e6;
    int64_t parts;
    if (!text)
        return;
    if (!decimal(text, digits, &parts))
        value_complain(place, item, "%s: \"%s\" is not a number (at most %s digits behind the point)",
                       value_label(option), text, digits == 3 ? "three" : "six");
    else if (parts < option->minimum || parts > option->maximum)
        value_complain(place, item, "%s: %s is outside %.15g to %.15g", value_label(option), text,
                       (double)option->minimum / whole, (double)option->maximum / whole);
    else
        *(int64_t *)field = parts;
}

static void set_duration(const struct value_place *place, const struct option *option, const cJSON *item,
                         void *field)
{
    const char *text = value_text(place, option, item);
    if (!text)
        return;
    int64_t us;
    struct err e;
    if (duration_parse(text, &us, &e) < 0) {
        value_complain(place, item, "%s: %s", value_label(option), e.msg);
        return;
    }
    if (us < option->minimum || us > option->maximum) {
        char low[OPTION_DURATION_SIZE], high[OPTION_DURATION_SIZE];
        option_duration_text(option->minimum, low);
        option_duration_text(option->maximum, high);
        value_complain(place, item, "%s: %s is outside %s to %s", value_label(option), text, low, high);
        return;
    }
    *(int64_t *)field = us;
}

void value_set_number(const struct value_place *place, const struct option *option, const cJSON *item,
                      void *field)
{
    if (option->type == OPTION_INTEGER)
        set_integer(place, option, item, field);
    else if (option->type == OPTION_DECIMAL)
        set_decimal(place, option, item, 3, field);
    else if (option->type == OPTION_AMOUNT)
        set_decimal(place, option, item, 6, field);
    else
        set_duration(place, option, item, field);
}
