#include "engine/resilience/breaker.h"

#include <assert.h>

#include "engine/resilience/backoff.h"
#include "engine/resilience/breaker_parts.h"

static const char *const state_texts[BREAKER_STATE_COUNT] = {
#define X(name, text) [BREAKER_##name] = (text),
    BREAKER_STATES(X)
#undef X
};

const char *breaker_state_text(enum breaker_state state)
{
    return (size_t)state < BREAKER_STATE_COUNT ? state_texts[state] : "?";
}

bool breaker_state_parse(const char *text, enum breaker_state *state)
{
    for (size_t i = 0; i < BREAKER_STATE_COUNT; i++)
        if (str_eq(state_texts[i], text)) {
            *state = (enum breaker_state)i;
            return true;
        }
    return false;
}

static bool is_forced(enum breaker_state state)
{
    return state == BREAKER_FORCED_OPEN || state == BREAKER_DISABLED || state == BREAKER_METRICS_ONLY;
}

/* ---- Times ---- */

static int64_t jitter_of(const struct breaker_rules *r, int64_t ms)
{
    return ms / 1000 * r->jitter_permille + ms % 1000 * r->jitter_permille / 1000;
}

int64_t breaker_cool_down_most_ms(const struct breaker_rules *r)
{
    return r->cool_down_cap_ms + jitter_of(r, r->cool_down_cap_ms);
}

/* min(cap, cool-down * multiplier^reopens), then jitter to both sides. */
static int64_t draw_cool_down(struct breaker *b, const struct breaker_rules *r, uint32_t reopens)
{
    struct backoff series = {
        .base_ms = r->cool_down_ms, .factor_milli = r->multiplier_milli, .cap_ms = r->cool_down_cap_ms};
    int64_t ms = backoff_series_ms(&series, reopens);
    int64_t most = jitter_of(r, ms);
    struct rng rng;
    rng_seed(&rng, b->seed);
    b->seed = rng_next(&rng);
    ms += (int64_t)rng_below(&rng, 2 * (uint64_t)most + 1) - most;
    return ms > 0 ? ms : 1;
}

static unsigned leases_held(const struct breaker *b)
{
    unsigned held = 0;
    for (int i = 0; i < BREAKER_PROBES_MAX; i++)
        held += b->leases[i] != 0;
    return held;
}

/* The end of the lease that ends first; INT64_MAX when none is held. */
static int64_t first_lease(const struct breaker *b)
{
    int64_t first = INT64_MAX;
    for (int i = 0; i < BREAKER_PROBES_MAX; i++)
        if (b->leases[i] != 0 && b->leases[i] < first)
            first = b->leases[i];
    return first;
}

/* ---- Changes of state, each at its own time, however late it is noticed ---- */

static void enter(struct breaker *b, enum breaker_state state, int64_t at_ms, int64_t until_ms)
{
    /* Whoever still holds a probe comes late, if ever: it is no longer waited for. */
    unsigned held = leases_held(b);
    b->unresolved -= b->unresolved < held ? b->unresolved : held;
    for (int i = 0; i < BREAKER_PROBES_MAX; i++)
        b->leases[i] = 0;
    b->closing = 0;
    b->state = state;
    b->since_ms = at_ms;
    b->until_ms = until_ms;
    if (++b->generation == 0)
        b->generation = 1;
}

static void close_it(struct breaker *b, int64_t at_ms)
{
    enter(b, BREAKER_CLOSED, at_ms, 0);
    b->in_a_row = b->reopens = 0;
    window_clear(&b->window);
}

static void trip(struct breaker *b, const struct breaker_rules *r, int64_t at_ms)
{
    b->reopens = 0;
    b->counts.trips++;
    enter(b, BREAKER_OPEN, at_ms, at_ms + draw_cool_down(b, r, 0));
    b->reopen_ms = draw_cool_down(b, r, 1);
}

static void reopen(struct breaker *b, const struct breaker_rules *r, int64_t at_ms)
{
    b->reopens++;
    b->counts.trips++;
    enter(b, BREAKER_OPEN, at_ms, at_ms + b->reopen_ms);
    b->reopen_ms = draw_cool_down(b, r, b->reopens + 1);
}

/* What time alone has made of it by now_ms. */
static void settle(struct breaker *b, const struct breaker_rules *r, int64_t now_ms)
{
    if (is_forced(b->state) && b->until_ms != 0 && now_ms >= b->until_ms)
        close_it(b, b->until_ms);
    int64_t lease = b->state == BREAKER_HALF_OPEN ? first_lease(b) : INT64_MAX;
    if (lease <= now_ms) {
        b->counts.expired++;
        reopen(b, r, lease);
    }
    if (b->state == BREAKER_OPEN && now_ms >= b->until_ms)
        enter(b, BREAKER_HALF_OPEN, b->until_ms, 0);
}

/* ---- Reading: as settle, without changing anything ---- */

struct moment {
    enum breaker_state state;
    int64_t since_ms, due_ms; /* due: when time alone changes it next, INT64_MAX never */
};

static struct moment look(const struct breaker *b, int64_t now_ms)
{
    struct moment as_stored = {b->state, b->since_ms, INT64_MAX};
    if (b->state == BREAKER_CLOSED)
        return as_stored;
    if (is_forced(b->state)) {
        if (b->until_ms != 0 && now_ms >= b->until_ms)
            return (struct moment){BREAKER_CLOSED, b->until_ms, INT64_MAX};
        if (b->until_ms != 0)
            as_stored.due_ms = b->until_ms;
        return as_stored;
    }
    int64_t open_since = b->since_ms, open_until = b->until_ms;
    if (b->state == BREAKER_HALF_OPEN) {
        as_stored.due_ms = first_lease(b);
        if (now_ms < as_stored.due_ms)
            return as_stored;
        open_since = as_stored.due_ms;
        open_until = open_since + b->reopen_ms;
    }
    if (now_ms >= open_until)
        return (struct moment){BREAKER_HALF_OPEN, open_until, INT64_MAX};
    return (struct moment){BREAKER_OPEN, open_since, open_until};
}

enum breaker_state breaker_state(const struct breaker *b, int64_t now_ms)
{
    return look(b, now_ms).state;
}

int64_t breaker_since_ms(const struct breaker *b, int64_t now_ms)
{
    return look(b, now_ms).since_ms;
}

int64_t breaker_resting_ms(const struct breaker *b, int64_t now_ms)
{
    return now_ms < b->rest_until_ms ? b->rest_until_ms - now_ms : 0;
}

bool breaker_same_outage(const struct breaker *b, int64_t now_ms)
{
    enum breaker_state state = breaker_state(b, now_ms);
    bool lost = b->state == BREAKER_HALF_OPEN && state == BREAKER_OPEN; /* its probe; not yet written down */
    return (state == BREAKER_OPEN && b->reopens + lost > 1) ||
           (state == BREAKER_HALF_OPEN && b->reopens > 0 && b->closing == 0);
}

int64_t breaker_due_ms(const struct breaker *b, int64_t now_ms)
{
    struct moment m = look(b, now_ms);
    bool rest_matters = m.state == BREAKER_CLOSED || m.state == BREAKER_HALF_OPEN;
    if (rest_matters && now_ms < b->rest_until_ms && b->rest_until_ms < m.due_ms)
        m.due_ms = b->rest_until_ms;
    return m.due_ms == INT64_MAX ? -1 : m.due_ms - now_ms;
}

/* ---- Admission ---- */

void breaker_init(struct breaker *b, const struct breaker_rules *r, uint64_t seed, int64_t now_ms)
{
    *b = (struct breaker){.state = BREAKER_CLOSED, .generation = 1, .since_ms = now_ms, .seed = seed};
    breaker_window_init(&b->window, r);
}

static void admit(struct breaker *b, int64_t now_ms, unsigned slot, struct breaker_token *token)
{
    b->unresolved++;
    b->counts.admitted++;
    *token = (struct breaker_token){
        .generation = b->generation, .kind = (uint8_t)b->state, .slot = (uint8_t)slot, .admitted_ms = now_ms};
}

static bool refuse(struct breaker *b, struct breaker_refusal *refusal, int64_t until_ms, int64_t now_ms,
                   bool resting)
{
    b->counts.refused++;
    if (refusal)
        *refusal =
            (struct breaker_refusal){b->state, until_ms == INT64_MAX ? -1 : until_ms - now_ms, resting};
    return false;
}

static bool refuse_open(struct breaker *b, struct breaker_refusal *refusal, int64_t now_ms)
{
    int64_t until_ms = b->until_ms > b->rest_until_ms ? b->until_ms : b->rest_until_ms;
    return refuse(b, refusal, until_ms, now_ms, false);
}

static bool admit_probe(struct breaker *b, const struct breaker_rules *r, int64_t now_ms,
                        struct breaker_token *token, struct breaker_refusal *refusal)
{
    unsigned held = leases_held(b), slot = 0;
    if (now_ms < b->rest_until_ms)
        return refuse(b, refusal, b->rest_until_ms, now_ms, true);
    /* A success keeps its place: a generation that goes on to the end admits no more than `probes`. */
    if (held > 0 && (held == BREAKER_PROBES_MAX || held + b->closing >= r->probes))
        return refuse(b, refusal, first_lease(b), now_ms, false);
    while (b->leases[slot] != 0)
        slot++;
    b->leases[slot] = now_ms + breaker_probe_lease_ms(r);
    admit(b, now_ms, slot, token);
    return true;
}

static __attribute__((noinline)) bool admit_any(struct breaker *b, const struct breaker_rules *r,
                                                int64_t now_ms, struct breaker_token *token,
                                                struct breaker_refusal *refusal)
{
    settle(b, r, now_ms);
    switch (b->state) {
    case BREAKER_OPEN:
        return refuse_open(b, refusal, now_ms);
    case BREAKER_FORCED_OPEN:
        return refuse(b, refusal, b->until_ms != 0 ? b->until_ms : INT64_MAX, now_ms, false);
    case BREAKER_HALF_OPEN:
        return admit_probe(b, r, now_ms, token, refusal);
    case BREAKER_CLOSED:
        if (now_ms < b->rest_until_ms)
            return refuse(b, refusal, b->rest_until_ms, now_ms, true);
        break;
    case BREAKER_DISABLED:
    case BREAKER_METRICS_ONLY:
    case BREAKER_STATE_COUNT:
        break;
    }
    admit(b, now_ms, 0, token);
    return true;
}

bool breaker_admit(struct breaker *b, const struct breaker_rules *r, int64_t now_ms,
                   struct breaker_token *token, struct breaker_refusal *refusal)
{
    if (b->state == BREAKER_CLOSED && now_ms >= b->rest_until_ms) {
        admit(b, now_ms, 0, token);
        return true;
    }
    if (b->state == BREAKER_OPEN && now_ms < b->until_ms)
        return refuse_open(b, refusal, now_ms);
    return admit_any(b, r, now_ms, token, refusal);
}

/* ---- Results ---- */

static bool is_slow(const struct breaker_rules *r, int64_t took_ms)
{
    return r->slow_ms > 0 && took_ms >= r->slow_ms;
}

static void note(struct breaker *b, const struct breaker_rules *r, bool failed, int64_t took_ms,
                 int64_t now_ms)
{
    b->in_a_row = failed ? b->in_a_row + 1 : 0;
    window_add(&b->window, now_ms, failed, is_slow(r, took_ms));
}

/* Whether the rates of the window trip it. A success may: it can be the call that reaches the minimum, or a
 * slow one. */
static bool rates_trip(struct breaker *b, const struct breaker_rules *r, int64_t now_ms)
{
    struct window_sums s = window_read(&b->window, now_ms);
    if (s.calls == 0 || s.calls < r->minimum_calls)
        return false;
    uint64_t calls = s.calls;
    return (r->rate_permille > 0 && s.failed * UINT64_C(1000) >= calls * r->rate_permille) ||
           (r->slow_permille > 0 && s.slow * UINT64_C(1000) >= calls * r->slow_permille);
}

static inline void judge_call(struct breaker *b, const struct breaker_rules *r, bool failed, int64_t took_ms,
                              int64_t now_ms)
{
    note(b, r, failed, took_ms, now_ms);
    if ((r->failures > 0 && b->in_a_row >= r->failures) ||
        ((r->rate_permille | r->slow_permille) != 0 && rates_trip(b, r, now_ms)))
        trip(b, r, now_ms);
}

static void judge_probe(struct breaker *b, const struct breaker_rules *r, bool failed, int64_t now_ms)
{
    if (failed)
        reopen(b, r, now_ms);
    else if (++b->closing >= r->successes_to_close)
        close_it(b, now_ms);
}

static void count_result(struct breaker_counts *counts, enum breaker_result result)
{
    counts->succeeded += result == BREAKER_SUCCESS;
    counts->failed += result == BREAKER_FAILURE;
    counts->ignored += result == BREAKER_IGNORED;
    counts->cancelled += result == BREAKER_CANCELLED;
}

/* A token of this generation, whose state is the present one. */
static void resolve_current(struct breaker *b, const struct breaker_rules *r,
                            const struct breaker_token *token, enum breaker_result result, int64_t took_ms,
                            int64_t now_ms)
{
    bool verdict = result == BREAKER_SUCCESS || result == BREAKER_FAILURE, failed = result == BREAKER_FAILURE;
    if (b->state == BREAKER_HALF_OPEN)
        b->leases[token->slot] = 0;
    /* Never below zero: a plain call may have been admitted by another copy of a shared breaker. */
    b->unresolved -= b->unresolved > 0;
    if (verdict && b->state == BREAKER_CLOSED)
        judge_call(b, r, failed, took_ms, now_ms);
    else if (verdict && b->state == BREAKER_METRICS_ONLY)
        note(b, r, failed, took_ms, now_ms);
    else if (verdict && b->state == BREAKER_HALF_OPEN)
        judge_probe(b, r, failed, now_ms);
}

/* Whatever is not a success of a closed breaker. */
static __attribute__((noinline)) bool resolve_any(struct breaker *b, const struct breaker_rules *r,
                                                  const struct breaker_token *token,
                                                  enum breaker_result result, int64_t took_ms, int64_t now_ms)
{
    bool probe = token->kind == BREAKER_HALF_OPEN;
    uint32_t before = b->generation;
    if (token->generation == 0 || token->slot >= BREAKER_PROBES_MAX)
        return false;
    settle(b, r, now_ms);
    if (token->generation == b->generation && probe && b->leases[token->slot] == 0)
        return b->generation != before; /* a copy of a token that was resolved */
    count_result(&b->counts, result);
    if (token->generation == b->generation) {
        resolve_current(b, r, token, result, took_ms, now_ms);
    } else {
        b->counts.late++;
        b->unresolved -= !probe && b->unresolved > 0;
    }
    return b->generation != before;
}

bool breaker_resolve(struct breaker *b, const struct breaker_rules *r, struct breaker_token *token,
                     enum breaker_result result, int64_t took_ms, int64_t now_ms)
{
    bool changed = false;
    if (result == BREAKER_SUCCESS && b->state == BREAKER_CLOSED && token->generation == b->generation) {
        /* What nearly every call is: the same as resolve_any() would do, without a look at anything else. */
        b->counts.succeeded++;
        b->unresolved -= b->unresolved > 0;
        judge_call(b, r, false, took_ms, now_ms);
        changed = b->state != BREAKER_CLOSED;
    } else {
        changed = resolve_any(b, r, token, result, took_ms, now_ms);
    }
    token->generation = 0;
    return changed;
}

void breaker_rest(struct breaker *b, const struct breaker_rules *r, int64_t until_ms, int64_t now_ms)
{
    settle(b, r, now_ms);
    if (until_ms <= now_ms)
        until_ms = now_ms + r->cool_down_ms;
    if (until_ms - now_ms > BREAKER_REST_MAX)
        until_ms = now_ms + BREAKER_REST_MAX;
    if (until_ms > b->rest_until_ms)
        b->rest_until_ms = until_ms;
}

void breaker_lease(struct breaker *b, const struct breaker_rules *r, unsigned slot, bool holder_lives,
                   int64_t now_ms)
{
    if (b->state != BREAKER_HALF_OPEN || slot >= BREAKER_PROBES_MAX || b->leases[slot] == 0)
        return;
    int64_t good = now_ms + breaker_probe_lease_ms(r), over = now_ms != 0 ? now_ms : -1;
    if (holder_lives && b->leases[slot] < good)
        b->leases[slot] = good;
    else if (!holder_lives && b->leases[slot] > over)
        b->leases[slot] = over;
}

void breaker_force(struct breaker *b, const struct breaker_rules *r, enum breaker_state state,
                   int64_t until_ms, int64_t now_ms)
{
    assert(state == BREAKER_CLOSED || is_forced(state));
    settle(b, r, now_ms);
    if (state == BREAKER_CLOSED) {
        close_it(b, now_ms);
        b->rest_until_ms = 0;
    } else if (state != b->state) {
        enter(b, state, now_ms, until_ms);
    } else {
        b->until_ms = until_ms;
    }
}
