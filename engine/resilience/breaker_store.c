/* The stored form of a breaker: "BK", the version, the state, then the fields as pass_breaker() has them,
 * little-endian. Times are relative to the moment of writing; ABSENT is a time that is not set. Plain calls
 * under way are not stored: who waits for them may end with the process. */
#include <string.h>

#include "engine/resilience/breaker_parts.h"

#define VERSION 1
#define ABSENT  INT64_MIN
#define FAR_MS  (INT64_C(1) << 50) /* no sound time is farther away: what is damaged must not overflow */

/* One description of the form for both directions. */
struct stream {
    uint8_t *to;         /* writing, or */
    const uint8_t *from; /* reading */
    size_t length;
    int64_t origin_ms; /* what the times are relative to */
    bool damaged;
};

static void pass(struct stream *s, void *field, size_t size)
{
    uint8_t *bytes = field;
    for (size_t i = 0; i < size; i++) {
        size_t at = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : size - 1 - i;
        if (s->to)
            s->to[s->length] = bytes[at];
        else
            bytes[at] = s->from[s->length];
        s->length++;
    }
}
#define PASS(s, field) pass(s, &(field), sizeof(field))

/* `unset` is the value that means that there is none. */
static void pass_time(struct stream *s, int64_t *ms, int64_t unset)
{
    int64_t relative = s->from || *ms == unset ? ABSENT : *ms - s->origin_ms;
    if (relative != ABSENT && relative < -FAR_MS)
        relative = -FAR_MS;
    if (relative > FAR_MS)
        relative = FAR_MS;
    PASS(s, relative);
    if (s->to)
        return;
    if (relative == ABSENT) {
        *ms = unset;
        return;
    }
    if (relative < -FAR_MS || relative > FAR_MS) {
        s->damaged = true;
        return;
    }
    *ms = s->origin_ms + relative;
    if (*ms == unset)
        *ms += 1;
}

static void pass_window(struct stream *s, struct window *w)
{
    PASS(s, w->calls_most);
    PASS(s, w->bucket_count);
    PASS(s, w->next);
    PASS(s, w->held);
    PASS(s, w->bucket_ms);
    pass_time(s, &w->end_ms, INT64_MIN);
    if (w->calls_most == 0) {
        for (size_t i = 0; i < WINDOW_BUCKETS; i++)
            PASS(s, w->of.buckets[i]);
        return;
    }
    for (size_t i = 0; i < WINDOW_CALLS_MAX / 32; i++) {
        PASS(s, w->of.last.failed[i]);
        PASS(s, w->of.last.slow[i]);
    }
}

static void pass_breaker(struct stream *s, struct breaker *b)
{
    uint8_t head[4] = {'B', 'K', VERSION, (uint8_t)b->state};
    PASS(s, head);
    s->damaged |= head[0] != 'B' || head[1] != 'K' || head[2] != VERSION || head[3] >= BREAKER_STATE_COUNT;
    b->state = (enum breaker_state)head[3];
    PASS(s, b->generation);
    PASS(s, b->in_a_row);
    PASS(s, b->reopens);
    PASS(s, b->closing);
    pass_time(s, &b->since_ms, ABSENT);
    pass_time(s, &b->until_ms, 0);
    pass_time(s, &b->rest_until_ms, 0);
    PASS(s, b->reopen_ms);
    for (int i = 0; i < BREAKER_PROBES_MAX; i++)
        pass_time(s, &b->leases[i], 0);
    PASS(s, b->seed);
    uint64_t *counts[] = {&b->counts.admitted, &b->counts.refused, &b->counts.succeeded,
                          &b->counts.failed,   &b->counts.ignored, &b->counts.cancelled,
                          &b->counts.late,     &b->counts.expired, &b->counts.trips};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        pass(s, counts[i], sizeof *counts[i]);
    pass_window(s, &b->window);
}

size_t breaker_store(const struct breaker *b, int64_t now_ms, uint8_t bytes[static BREAKER_STORED_BYTES])
{
    struct breaker copy = *b;
    struct stream s = {.to = bytes, .origin_ms = now_ms};
    pass_breaker(&s, &copy);
    return s.length;
}

/* ---- Reading ---- */

/* Of the shape that the rules ask for it goes on, with its sums counted anew; any other begins empty. */
static void fit_window(struct window *w, const struct breaker_rules *r, int64_t now_ms)
{
    struct window fresh;
    breaker_window_init(&fresh, r);
    bool of_calls = fresh.calls_most > 0;
    bool fits = w->calls_most == fresh.calls_most && w->bucket_count == fresh.bucket_count &&
                w->bucket_ms == fresh.bucket_ms && w->held <= w->calls_most &&
                w->next < (of_calls ? fresh.calls_most : WINDOW_BUCKETS) &&
                (!of_calls || w->held == w->calls_most || w->next == w->held) &&
                (of_calls || (w->next < fresh.bucket_count && w->end_ms <= now_ms + fresh.bucket_ms));
    if (!fits) {
        *w = fresh;
        return;
    }
    window_count(w);
}

static void clamp(int64_t *value, int64_t most)
{
    if (*value > most)
        *value = most;
}

static void fit(struct breaker *b, const struct breaker_rules *r, int64_t now_ms)
{
    int64_t cool_down = breaker_cool_down_most_ms(r);
    fit_window(&b->window, r, now_ms);
    clamp(&b->since_ms, now_ms);
    clamp(&b->rest_until_ms, now_ms + BREAKER_REST_MAX);
    clamp(&b->reopen_ms, cool_down);
    if (b->reopen_ms < 1 && (b->state == BREAKER_OPEN || b->state == BREAKER_HALF_OPEN))
        b->reopen_ms = 1;
    if (b->state == BREAKER_OPEN)
        clamp(&b->until_ms, now_ms + cool_down);
    b->unresolved = 0;
    for (int i = 0; i < BREAKER_PROBES_MAX; i++) {
        if (b->state != BREAKER_HALF_OPEN)
            b->leases[i] = 0;
        clamp(&b->leases[i], now_ms + breaker_probe_lease_ms(r));
        b->unresolved += b->leases[i] != 0;
    }
    if (b->closing >= r->successes_to_close)
        b->closing = r->successes_to_close - 1u;
}

int breaker_restore(struct breaker *b, const struct breaker_rules *r, const uint8_t *bytes, size_t length,
                    int64_t now_ms, int64_t passed_ms, struct err *e)
{
    uint8_t whole[BREAKER_STORED_BYTES] = {0};
    struct breaker read = {0};
    struct stream s = {.from = whole, .origin_ms = now_ms - (passed_ms > 0 ? passed_ms : 0)};
    memcpy(whole, bytes, length < sizeof whole ? length : sizeof whole);
    pass_breaker(&s, &read);
    if (s.damaged || length != s.length || read.generation == 0)
        return err_set(e, ERR_CORRUPT, "a breaker's stored state is damaged, or of another version");
    fit(&read, r, now_ms);
    *b = read;
    return 0;
}
