#include "engine/resilience/window.h"

#include <string.h>

/* A bucket's three counts in one word, so that a call is one addition: calls from bit 0, failed from 21, slow
 * from 42. */
#define BUCKET_BITS   21
#define BUCKET_MOST   ((UINT64_C(1) << BUCKET_BITS) - 1)
#define BUCKET_FAILED (UINT64_C(1) << BUCKET_BITS)
#define BUCKET_SLOW   (UINT64_C(1) << 2 * BUCKET_BITS)

static struct window_sums bucket_sums(uint64_t bucket)
{
    return (struct window_sums){(uint32_t)(bucket & BUCKET_MOST),
                                (uint32_t)(bucket >> BUCKET_BITS & BUCKET_MOST),
                                (uint32_t)(bucket >> 2 * BUCKET_BITS & BUCKET_MOST)};
}

static void sums_take(struct window_sums *from, struct window_sums s)
{
    from->calls -= s.calls;
    from->failed -= s.failed;
    from->slow -= s.slow;
}

void window_clear(struct window *w)
{
    w->sums = (struct window_sums){0};
    w->next = w->held = 0;
    w->end_ms = INT64_MIN;
    memset(&w->of, 0, sizeof w->of);
}

void window_init_calls(struct window *w, unsigned calls)
{
    *w = (struct window){.calls_most = (uint16_t)(calls < WINDOW_CALLS_MAX ? calls : WINDOW_CALLS_MAX)};
    window_clear(w);
}

void window_init_time(struct window *w, int64_t span_ms)
{
    int64_t least = span_ms < WINDOW_SPAN_MAX ? span_ms : WINDOW_SPAN_MAX;
    int64_t seconds = (least + WINDOW_BUCKETS * 1000 - 1) / (WINDOW_BUCKETS * 1000);
    int64_t bucket_ms = (seconds > 0 ? seconds : 1) * 1000;
    *w = (struct window){.bucket_ms = (uint32_t)bucket_ms,
                         .bucket_count = (uint16_t)(least > 0 ? (least + bucket_ms - 1) / bucket_ms : 1)};
    window_clear(w);
}

/* ---- The last calls ---- */

static void add_last(struct window *w, bool failed, bool slow)
{
    unsigned word = w->next / 32u, shift = w->next % 32u;
    uint32_t bit = UINT32_C(1) << shift, *f = &w->of.last.failed[word], *s = &w->of.last.slow[word];
    if (w->held == w->calls_most)
        sums_take(&w->sums, (struct window_sums){1, *f >> shift & 1, *s >> shift & 1});
    else
        w->held++;
    *f = failed ? *f | bit : *f & ~bit;
    *s = slow ? *s | bit : *s & ~bit;
    if (++w->next == w->calls_most)
        w->next = 0;
}

/* ---- The last while ---- */

static int64_t floor_to(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

/* Makes the bucket of now_ms the newest one. */
static void advance(struct window *w, int64_t now_ms)
{
    int64_t unit = w->bucket_ms;
    if (w->sums.calls == 0 || now_ms - w->end_ms >= unit * (w->bucket_count - 1)) {
        window_clear(w);
        w->end_ms = floor_to(now_ms, unit) + unit;
        return;
    }
    for (; w->end_ms <= now_ms; w->end_ms += unit) {
        w->next = w->next + 1 == w->bucket_count ? 0 : (uint16_t)(w->next + 1);
        sums_take(&w->sums, bucket_sums(w->of.buckets[w->next]));
        w->of.buckets[w->next] = 0;
    }
}

/* A full bucket goes on with half of each count: the rates stay. */
static void halve(struct window *w, uint64_t *bucket)
{
    struct window_sums was = bucket_sums(*bucket);
    *bucket = was.calls / 2 + (was.failed / 2) * BUCKET_FAILED + (was.slow / 2) * BUCKET_SLOW;
    struct window_sums is = bucket_sums(*bucket);
    sums_take(&w->sums,
              (struct window_sums){was.calls - is.calls, was.failed - is.failed, was.slow - is.slow});
}

void window_add(struct window *w, int64_t now_ms, bool failed, bool slow)
{
    if (w->calls_most > 0) {
        add_last(w, failed, slow);
    } else if (w->bucket_count > 0) {
        if (now_ms >= w->end_ms)
            advance(w, now_ms);
        uint64_t *bucket = &w->of.buckets[w->next];
        if ((*bucket & BUCKET_MOST) == BUCKET_MOST)
            halve(w, bucket);
        *bucket += 1 + (failed ? BUCKET_FAILED : 0) + (slow ? BUCKET_SLOW : 0);
    } else {
        return;
    }
    w->sums.calls++;
    w->sums.failed += failed;
    w->sums.slow += slow;
}

struct window_sums window_read(struct window *w, int64_t now_ms)
{
    if (w->bucket_count > 0 && now_ms >= w->end_ms)
        advance(w, now_ms);
    return w->sums;
}

void window_count(struct window *w)
{
    w->sums = (struct window_sums){0};
    for (unsigned i = 0; i < w->held && w->calls_most > 0; i++) {
        w->sums.calls++;
        w->sums.failed += w->of.last.failed[i / 32] >> i % 32 & 1;
        w->sums.slow += w->of.last.slow[i / 32] >> i % 32 & 1;
    }
    for (unsigned i = 0; i < w->bucket_count && w->calls_most == 0; i++) {
        struct window_sums s = bucket_sums(w->of.buckets[i]);
        w->sums.calls += s.calls;
        w->sums.failed += s.failed;
        w->sums.slow += s.slow;
    }
    if (w->calls_most == 0 && w->end_ms == INT64_MIN)
        window_clear(w);
}
