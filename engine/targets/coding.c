#include "engine/targets/coding.h"

#include <math.h>
#include <string.h>

#define PER_UNIT 1e6 /* of sums of seconds and of money */
#define RULES    14  /* numbers in breaker rules */

struct reader {
    const uint8_t *at, *end;
    bool whole;
};

static void put(uint8_t **at, uint64_t number)
{
    for (; number >= 128; number >>= 7)
        *(*at)++ = (uint8_t)(number | 128);
    *(*at)++ = (uint8_t)number;
}

static uint64_t take(struct reader *r)
{
    uint64_t number = 0;
    for (unsigned shift = 0; r->at < r->end && shift < 64; shift += 7) {
        uint8_t byte = *r->at++;
        number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return number;
    }
    r->whole = false;
    return 0;
}

static uint64_t millionths(double value)
{
    return value > 0 && value < 1e12 ? (uint64_t)llround(value * PER_UNIT) : 0;
}

size_t sums_encode(const struct measures_sums *s, uint8_t bytes[static CODING_SUMS_MAX])
{
    const uint64_t counts[] = {s->ok,       s->failed,  s->rejected, s->cancelled,
                               s->attempts, s->retried, s->trips,    s->hits};
    uint8_t *at = bytes;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        put(&at, counts[i]);
    put(&at, millionths(s->duration_s));
    put(&at, millionths(s->cost));
    for (size_t i = 0; i < MEASURES_BUCKETS; i++)
        put(&at, s->durations[i]);
    for (size_t i = 0; i < FAILURE_CLASS_COUNT; i++)
        put(&at, s->by_class[i]);
    return (size_t)(at - bytes);
}

void sums_decode(const uint8_t *bytes, size_t length, struct measures_sums *s)
{
    *s = (struct measures_sums){0};
    uint64_t *const counts[] = {&s->ok,       &s->failed,  &s->rejected, &s->cancelled,
                                &s->attempts, &s->retried, &s->trips,    &s->hits};
    struct reader r = {bytes, bytes + length, true};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = take(&r);
    s->duration_s = (double)take(&r) / PER_UNIT;
    s->cost = (double)take(&r) / PER_UNIT;
    for (size_t i = 0; i < MEASURES_BUCKETS; i++)
        s->durations[i] = take(&r);
    for (size_t i = 0; i < FAILURE_CLASS_COUNT; i++)
        s->by_class[i] = take(&r);
}

size_t rules_encode(const struct breaker_rules *r, uint8_t bytes[static CODING_RULES_MAX])
{
    const uint64_t fields[RULES] = {
        r->failures,
        r->rate_permille,
        r->slow_permille,
        (uint64_t)r->slow_ms,
        r->minimum_calls,
        r->window_calls,
        (uint64_t)r->window_ms,
        (uint64_t)r->cool_down_ms,
        r->multiplier_milli,
        (uint64_t)r->cool_down_cap_ms,
        r->jitter_permille,
        r->probes,
        r->successes_to_close,
        (uint64_t)r->lease_ms,
    };
    uint8_t *at = bytes;
    for (size_t i = 0; i < RULES; i++)
        put(&at, fields[i]);
    return (size_t)(at - bytes);
}

bool rules_decode(const uint8_t *bytes, size_t length, struct breaker_rules *rules)
{
    struct reader r = {bytes, bytes + length, true};
    uint64_t f[RULES];
    for (size_t i = 0; i < RULES; i++)
        f[i] = take(&r);
    struct breaker_rules read = {
        .failures = (uint32_t)f[0],
        .rate_permille = (uint16_t)f[1],
        .slow_permille = (uint16_t)f[2],
        .slow_ms = (int64_t)f[3],
        .minimum_calls = (uint32_t)f[4],
        .window_calls = (uint32_t)f[5],
        .window_ms = (int64_t)f[6],
        .cool_down_ms = (int64_t)f[7],
        .multiplier_milli = (uint32_t)f[8],
        .cool_down_cap_ms = (int64_t)f[9],
        .jitter_permille = (uint16_t)f[10],
        .probes = (uint8_t)f[11],
        .successes_to_close = (uint8_t)f[12],
        .lease_ms = (int64_t)f[13],
    };
    if (!r.whole || breaker_rules_check(&read, NULL) < 0)
        return false;
    *rules = read;
    return true;
}
