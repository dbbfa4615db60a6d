#include <math.h>
#include <stddef.h>
#include <string.h>

#include "engine/resilience/backoff.h"
#include "engine/resilience/breaker_parts.h"

/* Every rule once: how it is written, where it is kept, and its range. */
enum unit { UNIT_COUNT, UNIT_MS, UNIT_MILLI, UNIT_WINDOW };
static const struct rule {
    const char *name;
    enum unit unit;
    size_t offset, size;
    int64_t least, most;
    const char *range;
} rule_table[] = {
#define AT(field) offsetof(struct breaker_rules, field), sizeof((struct breaker_rules *)0)->field
    {"failures", UNIT_COUNT, AT(failures), 0, 1000000, "0 to 1000000"},
    {"cool-down", UNIT_MS, AT(cool_down_ms), 1, BACKOFF_MS_MAX, "1ms to 400d"},
    {"rate", UNIT_MILLI, AT(rate_permille), 0, 1000, "0 to 1"},
    {"slow-rate", UNIT_MILLI, AT(slow_permille), 0, 1000, "0 to 1"},
    {"slow", UNIT_MS, AT(slow_ms), 0, BACKOFF_MS_MAX, "0 to 400d"},
    {"minimum", UNIT_COUNT, AT(minimum_calls), 1, 1000000, "1 to 1000000"},
    {"window", UNIT_WINDOW, AT(window_calls), 0, WINDOW_CALLS_MAX, "1s to 1h, or 1 to 1024 calls"},
    {"multiplier", UNIT_MILLI, AT(multiplier_milli), 1000, 1000000, "1 to 1000"},
    {"cap", UNIT_MS, AT(cool_down_cap_ms), 1, BACKOFF_MS_MAX, "1ms to 400d"},
    {"jitter", UNIT_MILLI, AT(jitter_permille), 0, 500, "0 to 0.5"},
    {"probes", UNIT_COUNT, AT(probes), 1, BREAKER_PROBES_MAX, "1 to 4"},
    {"successes", UNIT_COUNT, AT(successes_to_close), 1, BREAKER_PROBES_MAX, "1 to 4"},
    {"lease", UNIT_MS, AT(lease_ms), 0, BACKOFF_MS_MAX, "0 to 400d"},
#undef AT
};
#define RULE_COUNT (sizeof rule_table / sizeof *rule_table)
_Static_assert(BREAKER_PROBES_MAX == 4 && WINDOW_CALLS_MAX == 1024, "the ranges above say so");

static int64_t rule_get(const struct breaker_rules *r, const struct rule *rule)
{
    const char *from = (const char *)r + rule->offset;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    int64_t i64;
    switch (rule->size) {
    case sizeof u8:
        return (memcpy(&u8, from, sizeof u8), u8);
    case sizeof u16:
        return (memcpy(&u16, from, sizeof u16), u16);
    case sizeof u32:
        return (memcpy(&u32, from, sizeof u32), u32);
    default:
        return (memcpy(&i64, from, sizeof i64), i64);
    }
}

/* value is in the rule's range, and so in its field's. */
static void rule_set(struct breaker_rules *r, const struct rule *rule, int64_t value)
{
    char *to = (char *)r + rule->offset;
    uint8_t u8 = (uint8_t)value;
    uint16_t u16 = (uint16_t)value;
    uint32_t u32 = (uint32_t)value;
    switch (rule->size) {
    case sizeof u8:
        memcpy(to, &u8, sizeof u8);
        break;
    case sizeof u16:
        memcpy(to, &u16, sizeof u16);
        break;
    case sizeof u32:
        memcpy(to, &u32, sizeof u32);
        break;
    default:
        memcpy(to, &value, sizeof value);
    }
}

static int refuse_range(const struct rule *rule, struct err *e)
{
    return err_set(e, ERR_RANGE, "breaker: %s is %s", rule->name, rule->range);
}

struct breaker_rules breaker_rules_default(void)
{
    return (struct breaker_rules){.failures = 5,
                                  .minimum_calls = 20,
                                  .window_ms = 60000,
                                  .cool_down_ms = 60000,
                                  .multiplier_milli = 1000,
                                  .cool_down_cap_ms = 600000,
                                  .jitter_permille = 100,
                                  .probes = 1,
                                  .successes_to_close = 1};
}

int64_t breaker_probe_lease_ms(const struct breaker_rules *r)
{
    return r->lease_ms > 0 && r->lease_ms < r->cool_down_ms ? r->lease_ms : r->cool_down_ms;
}

void breaker_window_init(struct window *w, const struct breaker_rules *r)
{
    if (r->window_calls > 0)
        window_init_calls(w, r->window_calls);
    else if (r->window_ms > 0)
        window_init_time(w, r->window_ms);
    else
        *w = (struct window){0};
}

/* ---- Checking ---- */

static int check_rates(const struct breaker_rules *r, struct err *e)
{
    if (r->window_calls == 0 && r->window_ms == 0)
        return err_set(e, ERR_RANGE, "breaker: a rate needs a window, of calls or of time");
    if (r->window_calls > 0 && r->minimum_calls > r->window_calls)
        return err_set(e, ERR_RANGE,
                       "breaker: with minimum=%u and a window of %u calls no rate can ever trip it",
                       (unsigned)r->minimum_calls, (unsigned)r->window_calls);
    if (r->slow_permille > 0 && r->slow_ms == 0)
        return err_set(e, ERR_RANGE, "breaker: slow-rate needs slow, the time from which on a call is slow");
    return 0;
}

int breaker_rules_check(const struct breaker_rules *r, struct err *e)
{
    for (const struct rule *rule = rule_table; rule < rule_table + RULE_COUNT; rule++) {
        int64_t value = rule_get(r, rule);
        if (value < rule->least || value > rule->most)
            return refuse_range(rule, e);
    }
    if (r->window_ms != 0 && (r->window_ms < 1000 || r->window_ms > WINDOW_SPAN_MAX))
        return err_set(e, ERR_RANGE, "breaker: window is 1s to 1h, or 1 to %d calls", WINDOW_CALLS_MAX);
    if (r->window_calls > 0 && r->window_ms > 0)
        return err_set(e, ERR_RANGE, "breaker: the window is either of calls or of time");
    if (r->cool_down_cap_ms < r->cool_down_ms)
        return err_set(e, ERR_RANGE, "breaker: cap is at least the cool-down");
    if (r->failures == 0 && r->rate_permille == 0 && r->slow_permille == 0)
        return err_set(e, ERR_RANGE, "breaker: without failures, rate or slow-rate it can never trip");
    if (r->successes_to_close > r->probes)
        return err_set(e, ERR_RANGE,
                       "breaker: with successes=%u and probes=%u it can never close: it admits too few",
                       r->successes_to_close, r->probes);
    return r->rate_permille > 0 || r->slow_permille > 0 ? check_rates(r, e) : 0;
}

/* ---- Parsing ---- */

/* Whole numbers of at most ten digits. */
static bool read_count(const char *text, int64_t *value)
{
    *value = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10 || text[digits] != '\0')
        return false;
    for (; *text; text++)
        *value = *value * 10 + (*text - '0');
    return true;
}

static bool read_ms(const char *text, int64_t *value)
{
    int64_t us;
    if (duration_parse(text, &us, NULL) || us < 0)
        return false;
    /* Not to 0, which often means "none". */
    *value = us > 0 && us < US_PER_MS ? 1 : us / US_PER_MS;
    return true;
}

static bool read_milli(const char *text, int64_t *value)
{
    double number;
    if (!number_parse(text, &number) || !(number >= 0 && number <= 1e6))
        return false;
    *value = llround(number * 1000);
    return *value > 0 || number == 0; /* what is less than a thousandth is not nothing */
}

static int set_rule(struct breaker_rules *r, const struct rule *rule, const char *text, struct err *e)
{
    static const char *const kinds[] = {"a whole number", "a time, as 30s or 250ms",
                                        "a number with at most three decimals",
                                        "a time or a number of calls"};
    int64_t value = 0;
    bool counted = rule->unit == UNIT_COUNT || rule->unit == UNIT_WINDOW;
    bool read =
        (counted && read_count(text, &value)) || (rule->unit == UNIT_MILLI && read_milli(text, &value));
    if (rule->unit == UNIT_WINDOW && !read) {
        if (!read_ms(text, &value))
            return err_set(e, ERR_SYNTAX, "breaker: %s is %s, not \"%.40s\"", rule->name, kinds[rule->unit],
                           text);
        if (value < 1000 || value > WINDOW_SPAN_MAX)
            return refuse_range(rule, e);
        r->window_calls = 0;
        r->window_ms = value;
        return 0;
    }
    read = read || (rule->unit == UNIT_MS && read_ms(text, &value));
    if (!read)
        return err_set(e, ERR_SYNTAX, "breaker: %s is %s, not \"%.40s\"", rule->name, kinds[rule->unit],
                       text);
    if (value < rule->least || value > rule->most || (rule->unit == UNIT_WINDOW && value == 0))
        return refuse_range(rule, e);
    rule_set(r, rule, value);
    if (rule->unit == UNIT_WINDOW)
        r->window_ms = 0;
    return 0;
}

static const struct rule *find_rule(const char *name)
{
    for (const struct rule *rule = rule_table; rule < rule_table + RULE_COUNT; rule++)
        if (str_eq(rule->name, name))
            return rule;
    return NULL;
}

static int parse_part(char *part, struct breaker_rules *r, unsigned *seen, struct err *e)
{
    part += strspn(part, " ");
    for (size_t length = strlen(part); length > 0 && part[length - 1] == ' '; length--)
        part[length - 1] = '\0';
    char *value = strchr(part, '=');
    if (!value)
        return err_set(e, ERR_SYNTAX, "breaker: \"%.40s\" is no NAME=VALUE", part);
    *value++ = '\0';
    const struct rule *rule = find_rule(part);
    if (!rule)
        return err_set(e, ERR_SYNTAX,
                       "breaker: no rule \"%.40s\"; there are failures, cool-down, rate, slow-rate, slow, "
                       "minimum, window, multiplier, cap, jitter, probes, successes, lease",
                       part);
    unsigned bit = 1u << (rule - rule_table);
    if (*seen & bit)
        return err_set(e, ERR_SYNTAX, "breaker: %s is given twice", rule->name);
    *seen |= bit;
    return set_rule(r, rule, value, e);
}

int breaker_rules_parse(const char *text, struct breaker_rules *r, struct err *e)
{
    struct breaker_rules rules = *r;
    unsigned seen = 0;
    char *copy = xstrdup(text), *next = copy;
    int code = 0;
    while (code == 0 && next) {
        char *part = next;
        next = strchr(part, ',');
        if (next)
            *next++ = '\0';
        code = parse_part(part, &rules, &seen, e);
    }
    free(copy);
    /* A longer cool-down takes a cap along that nobody asked for. */
    if (code == 0 && !(seen & 1u << (find_rule("cap") - rule_table)) &&
        rules.cool_down_cap_ms < rules.cool_down_ms)
        rules.cool_down_cap_ms = rules.cool_down_ms;
    if (code == 0)
        code = breaker_rules_check(&rules, e);
    if (code == 0)
        *r = rules;
    return code;
}
