#include "engine/resilience/backoff.h"

static const char *const jitter_texts[] = {
#define X(name, text, help) [BACKOFF_##name] = (text),
    BACKOFF_JITTERS(X)
#undef X
};
#define JITTER_COUNT (sizeof jitter_texts / sizeof *jitter_texts)

const char *backoff_jitter_text(enum backoff_jitter jitter)
{
    return (size_t)jitter < JITTER_COUNT ? jitter_texts[jitter] : "?";
}

bool backoff_jitter_parse(const char *text, enum backoff_jitter *jitter)
{
    for (size_t i = 0; i < JITTER_COUNT; i++)
        if (str_eq(jitter_texts[i], text)) {
            *jitter = (enum backoff_jitter)i;
            return true;
        }
    return false;
}

struct backoff backoff_default(void)
{
    return (struct backoff){.attempts = 3,
                            .base_ms = 100,
                            .factor_milli = 2000,
                            .cap_ms = 30000,
                            .jitter = BACKOFF_ADDITIVE,
                            .growth_milli = 1000};
}

int backoff_check(const struct backoff *b, struct err *e)
{
    if (b->attempts < 1 || b->attempts > BACKOFF_ATTEMPTS_MAX)
        return err_set(e, ERR_RANGE, "attempts is between 1 and %d", BACKOFF_ATTEMPTS_MAX);
    if (b->base_ms < 0 || b->base_ms > BACKOFF_MS_MAX)
        return err_set(e, ERR_RANGE, "base is between 0 and 400 days");
    if (b->cap_ms < b->base_ms || b->cap_ms > BACKOFF_MS_MAX)
        return err_set(e, ERR_RANGE, "cap is between base and 400 days");
    if (b->factor_milli < 1000 || b->factor_milli > 1000000)
        return err_set(e, ERR_RANGE, "factor is between 1 and 1000");
    if (b->growth_milli < 1000 || b->growth_milli > 1000000)
        return err_set(e, ERR_RANGE, "timeout_growth is between 1 and 1000");
    if (b->deadline_ms < 0 || b->deadline_ms > BACKOFF_MS_MAX)
        return err_set(e, ERR_RANGE, "deadline is between 0 and 400 days");
    if ((size_t)b->jitter >= JITTER_COUNT)
        return err_set(e, ERR_RANGE, "no known jitter");
    return 0;
}

/* ---- The series ---- */

#define FIXED_BITS 32
#define FIXED_MAX  ((unsigned __int128)1 << 94) /* larger is not told apart */

/* a * b of two numbers with 32 binary places, both at most FIXED_MAX; so is what it gives. */
static unsigned __int128 fixed_multiply(unsigned __int128 a, unsigned __int128 b)
{
    unsigned __int128 whole, part = (a & 0xffffffffu) * b >> FIXED_BITS;
    if (__builtin_mul_overflow(a >> FIXED_BITS, b, &whole) || whole > FIXED_MAX || whole + part > FIXED_MAX)
        return FIXED_MAX;
    return whole + part;
}

/* min(limit, ms * (factor_milli / 1000)^n), by squaring, with 32 binary places. */
static int64_t grow(int64_t ms, unsigned factor_milli, unsigned n, int64_t limit)
{
    unsigned __int128 one = (unsigned __int128)1 << FIXED_BITS;
    unsigned __int128 power = one, square = (factor_milli * one + 500) / 1000;
    if (ms <= 0)
        return 0;
    for (; n > 0; n >>= 1) {
        if (n & 1)
            power = fixed_multiply(power, square);
        square = fixed_multiply(square, square);
    }
    unsigned __int128 most = ((unsigned __int128)limit << FIXED_BITS) / (unsigned __int128)ms;
    if (power > most)
        return limit;
    int64_t grown = (int64_t)((power * (unsigned __int128)ms + one / 2) >> FIXED_BITS);
    return grown < limit ? grown : limit;
}

int64_t backoff_series_ms(const struct backoff *b, unsigned n)
{
    return grow(b->base_ms, b->factor_milli, n, b->cap_ms);
}

static int64_t upto(struct rng *rng, int64_t most)
{
    return most > 0 ? (int64_t)rng_below(rng, (uint64_t)most + 1) : 0;
}

int64_t backoff_delay_ms(const struct backoff *b, unsigned n, int64_t previous_ms, struct rng *rng)
{
    int64_t d = backoff_series_ms(b, n), most;
    switch (b->jitter) {
    case BACKOFF_NONE:
        return d;
    case BACKOFF_ADDITIVE:
        return d + upto(rng, d / 2);
    case BACKOFF_EQUAL:
        return d - d / 2 + upto(rng, d / 2);
    case BACKOFF_FULL:
        return upto(rng, d);
    case BACKOFF_DECORRELATED:
        if (previous_ms < b->base_ms)
            previous_ms = b->base_ms;
        most = previous_ms > b->cap_ms / 3 ? b->cap_ms : previous_ms * 3;
        return b->base_ms + upto(rng, most - b->base_ms);
    }
    return d;
}

int64_t backoff_next_ms(const struct backoff *b, unsigned attempt, int64_t elapsed_ms, int64_t floor_ms,
                        int64_t previous_ms, struct rng *rng)
{
    if (attempt < 1 || attempt >= b->attempts)
        return -1;
    int64_t delay = backoff_delay_ms(b, attempt - 1, previous_ms, rng);
    if (delay < floor_ms)
        delay = floor_ms;
    if (b->deadline_ms > 0 && (elapsed_ms >= b->deadline_ms || delay >= b->deadline_ms - elapsed_ms))
        return -1;
    return delay;
}

int64_t backoff_timeout_ms(const struct backoff *b, unsigned attempt, int64_t timeout_ms, int64_t elapsed_ms)
{
    int64_t limit = grow(timeout_ms, b->growth_milli, attempt > 0 ? attempt - 1 : 0, BACKOFF_MS_MAX);
    if (b->deadline_ms <= 0)
        return limit;
    int64_t left = b->deadline_ms - elapsed_ms;
    if (left < 1)
        left = 1;
    return limit == 0 || left < limit ? left : limit;
}
