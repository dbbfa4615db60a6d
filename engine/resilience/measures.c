#include "engine/resilience/measures.h"

#include <math.h>
#include <stdlib.h>

static const char *const span_texts[MEASURES_SPAN_COUNT] = {"1m", "5m", "1h", "life"};

const char *measures_span_text(enum measures_span span)
{
    return (size_t)span < MEASURES_SPAN_COUNT ? span_texts[span] : "?";
}

#define X(ms) ms,
const int64_t measures_bounds_ms[MEASURES_BUCKETS - 1] = {MEASURES_BOUNDS(X)};
#undef X

/* ---- Sums ---- */

void measures_took(struct measures_sums *s, int64_t duration_ms)
{
    size_t bucket = 0;
    while (bucket < MEASURES_BUCKETS - 1 && duration_ms > measures_bounds_ms[bucket])
        bucket++;
    s->durations[bucket]++;
    s->duration_s += (double)duration_ms / 1e3;
}

void measures_add(struct measures_sums *to, const struct measures_sums *s)
{
    to->ok += s->ok;
    to->failed += s->failed;
    to->rejected += s->rejected;
    to->cancelled += s->cancelled;
    to->attempts += s->attempts;
    to->retried += s->retried;
    to->trips += s->trips;
    to->hits += s->hits;
    for (size_t i = 0; i < FAILURE_CLASS_COUNT; i++)
        to->by_class[i] += s->by_class[i];
    for (size_t i = 0; i < MEASURES_BUCKETS; i++)
        to->durations[i] += s->durations[i];
    to->duration_s += s->duration_s;
    to->cost += s->cost;
}

static double rate(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

double measures_success_rate(const struct measures_sums *s)
{
    return rate(s->ok, s->ok + s->failed);
}

/* Operations that were tried: all but the rejected ones. */
static uint64_t executed(const struct measures_sums *s)
{
    return s->ok + s->failed + s->cancelled;
}

double measures_average_attempts(const struct measures_sums *s)
{
    return rate(s->attempts, executed(s));
}

double measures_retry_rate(const struct measures_sums *s)
{
    return rate(s->retried, executed(s));
}

double measures_quantile_s(const struct measures_sums *s, double q)
{
    uint64_t total = 0, below = 0;
    for (size_t i = 0; i < MEASURES_BUCKETS; i++)
        total += s->durations[i];
    if (total == 0 || isnan(q))
        return NAN;
    double rank = fmin(fmax(q, 0), 1) * (double)total;
    for (size_t i = 0; i < MEASURES_BUCKETS - 1; i++) {
        double in = (double)s->durations[i], low = i > 0 ? (double)measures_bounds_ms[i - 1] : 0;
        if (in > 0 && (double)below + in >= rank)
            return (low + ((double)measures_bounds_ms[i] - low) * (rank - (double)below) / in) / 1e3;
        below += s->durations[i];
    }
    /* Nothing is known above the last bound. */
    return (double)measures_bounds_ms[MEASURES_BUCKETS - 2] / 1e3;
}

/* ---- Rings ---- */

/* What a bucket holds: sums of at most five minutes, half the size. */
struct bucket {
    uint32_t ok, failed, rejected, cancelled, attempts, retried, trips, hits;
    uint32_t by_class[FAILURE_CLASS_COUNT], durations[MEASURES_BUCKETS];
    double duration_s, cost;
};

static void more(uint32_t *to, uint64_t by)
{
    *to = by > UINT32_MAX - *to ? UINT32_MAX : *to + (uint32_t)by;
}

static void bucket_add(struct bucket *b, const struct measures_sums *s)
{
    more(&b->ok, s->ok);
    more(&b->failed, s->failed);
    more(&b->rejected, s->rejected);
    more(&b->cancelled, s->cancelled);
    more(&b->attempts, s->attempts);
    more(&b->retried, s->retried);
    more(&b->trips, s->trips);
    more(&b->hits, s->hits);
    for (size_t i = 0; i < FAILURE_CLASS_COUNT; i++)
        more(&b->by_class[i], s->by_class[i]);
    for (size_t i = 0; i < MEASURES_BUCKETS; i++)
        more(&b->durations[i], s->durations[i]);
    b->duration_s += s->duration_s;
    b->cost += s->cost;
}

static void bucket_read(const struct bucket *b, struct measures_sums *s)
{
    s->ok += b->ok;
    s->failed += b->failed;
    s->rejected += b->rejected;
    s->cancelled += b->cancelled;
    s->attempts += b->attempts;
    s->retried += b->retried;
    s->trips += b->trips;
    s->hits += b->hits;
    for (size_t i = 0; i < FAILURE_CLASS_COUNT; i++)
        s->by_class[i] += b->by_class[i];
    for (size_t i = 0; i < MEASURES_BUCKETS; i++)
        s->durations[i] += b->durations[i];
    s->duration_s += b->duration_s;
    s->cost += b->cost;
}

#define RING_MOST 12

struct ring {
    int64_t newest; /* number of the newest bucket: now / its length */
    struct bucket buckets[RING_MOST];
};

static const struct shape {
    int64_t bucket_ms;
    int count;
} shapes[MEASURES_LIFE] = {
    [MEASURES_1M] = {5000, 12}, [MEASURES_5M] = {30000, 10}, [MEASURES_1H] = {300000, 12}};

struct measures {
    struct ring rings[MEASURES_LIFE];
    struct measures_sums life;
};

struct measures *measures_new(void)
{
    return xcalloc(1, sizeof(struct measures));
}

void measures_free(struct measures *m)
{
    free(m);
}

static int64_t bucket_number(int64_t now_ms, int64_t bucket_ms)
{
    return now_ms / bucket_ms - (now_ms % bucket_ms < 0);
}

/* Where a bucket is kept. */
static struct bucket *bucket_at(struct ring *ring, const struct shape *shape, int64_t number)
{
    int64_t at = number % shape->count;
    return &ring->buckets[at < 0 ? at + shape->count : at];
}

/* Makes the bucket of now_ms the newest one; a time before that changes nothing. */
static void advance(struct ring *ring, const struct shape *shape, int64_t now_ms)
{
    int64_t number = bucket_number(now_ms, shape->bucket_ms), steps = number - ring->newest;
    if (steps <= 0)
        return;
    if (steps > shape->count)
        steps = shape->count;
    for (int64_t i = 0; i < steps; i++)
        *bucket_at(ring, shape, number - i) = (struct bucket){0};
    ring->newest = number;
}

void measures_count(struct measures *m, const struct measures_sums *s, int64_t now_ms)
{
    for (int span = 0; span < MEASURES_LIFE; span++) {
        struct ring *ring = &m->rings[span];
        advance(ring, &shapes[span], now_ms);
        bucket_add(bucket_at(ring, &shapes[span], ring->newest), s);
    }
    measures_add(&m->life, s);
}

void measures_read(struct measures *m, enum measures_span span, int64_t now_ms, struct measures_sums *s)
{
    if (span == MEASURES_LIFE) {
        *s = m->life;
        return;
    }
    struct ring *ring = &m->rings[span];
    advance(ring, &shapes[span], now_ms);
    *s = (struct measures_sums){0};
    for (int i = 0; i < shapes[span].count; i++)
        bucket_read(&ring->buckets[i], s);
}
