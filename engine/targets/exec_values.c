#include "engine/targets/exec_values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/targets/exec_request.h"

int exec_take_time(const char *text, const char *option, int64_t least_ms, int64_t *ms, struct err *e)
{
    int64_t us;
    if (duration_parse(text, &us, NULL) < 0)
        return err_set(e, ERR_USAGE, "--%s: %s is no time: write 250ms, 30s, 2m or 1h", option, text);
    if (us > BACKOFF_MS_MAX * US_PER_MS || us < least_ms * US_PER_MS)
        return err_set(e, ERR_USAGE, "--%s: %s is too %s", option, text,
                       us < 0 || us < least_ms * US_PER_MS ? "short" : "long");
    *ms = us / US_PER_MS;
    return 0;
}

int exec_take_number(const char *text, const char *option, double least, double most, double *value,
                     struct err *e)
{
    char low[NUMBER_TEXT_SIZE], high[NUMBER_TEXT_SIZE];
    if (number_parse(text, value) && *value >= least && *value <= most)
        return 0;
    number_format(least, low);
    number_format(most, high);
    return err_set(e, ERR_USAGE, "--%s: a number from %s to %s, not %s", option, low, high, text);
}

int exec_take_whole(const char *text, const char *option, unsigned least, unsigned most, unsigned *value,
                    struct err *e)
{
    char *end;
    errno = 0;
    unsigned long number = isdigit((unsigned char)text[0]) ? strtoul(text, &end, 10) : 0;
    if (!isdigit((unsigned char)text[0]) || *end || errno || number < least || number > most)
        return err_set(e, ERR_USAGE, "--%s: a whole number from %u to %u, not %s", option, least, most, text);
    *value = (unsigned)number;
    return 0;
}

int exec_take_milli(const char *text, const char *option, unsigned *milli, struct err *e)
{
    double value = 0;
    int code = exec_take_number(text, option, 1, 1000, &value, e);
    if (code == 0)
        *milli = (unsigned)llround(value * 1000);
    return code;
}

int exec_take_size(const char *text, uint64_t *bytes, struct err *e)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;
    unsigned shift = !end                            ? 99
                     : *end == '\0'                  ? 0
                     : !end[1] && strchr("kK", *end) ? 10
                     : !end[1] && strchr("mM", *end) ? 20
                     : !end[1] && strchr("gG", *end) ? 30
                                                     : 99;
    if (shift == 99 || errno || number == 0 || number > (UINT64_MAX >> 4) >> shift)
        return err_set(e, ERR_USAGE, "--spool: %s is no size: write 64K, 256M or 2G", text);
    *bytes = (uint64_t)number << shift;
    return 0;
}

int exec_take_jitter(const char *text, enum backoff_jitter *jitter, struct err *e)
{
    const char *names[] = {
#define X(name, word, help) word,
        BACKOFF_JITTERS(X)
#undef X
    };
    if (backoff_jitter_parse(text, jitter))
        return 0;
    const char *near = exec_nearest(text, names, sizeof names / sizeof *names);
    return err_set(e, ERR_USAGE, "--jitter: additive, none, equal, full or decorrelated, not %s%s%s%s", text,
                   near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

int exec_take_name(const char *text, const char *option, char name[static EXEC_NAME_LIMIT + 1], struct err *e)
{
    size_t length = strlen(text);
    if (length == 0 || length > EXEC_NAME_LIMIT || !utf8_valid(text, length, NULL))
        return err_set(e, ERR_USAGE, "--%s: a name of 1 to %d bytes", option, EXEC_NAME_LIMIT);
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return err_set(e, ERR_USAGE, "--%s: a name on one line", option);
    memcpy(name, text, length + 1);
    return 0;
}
