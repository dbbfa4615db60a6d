/* Seeded simulation of the small machines: the window, the budget, the measures and the heap of deadlines,
 * each against a naive model that keeps everything and looks at all of it. Wrong ones must be caught.
 * BELAY_SEED=N runs one seed of each, BELAY_RUNS=N so many. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

/* One life of a machine, wrong in way number `wrong` (0: right): NULL, or what is wrong with it. */
typedef const char *life(struct rng *r, uint64_t seed, unsigned wrong);

/* ---- Window ---- */

enum { WINDOW_REMEMBERS = 1, WINDOW_FORGETS, WINDOW_COUNTS_SLOW_AS_FAILED, WINDOW_STANDS_STILL };
static const char *const window_wrongs[] = {"remembers too long", "forgets too early",
                                            "takes slow for failed", "doesn't move on with the time", NULL};

struct call {
    int64_t at_ms;
    bool failed, slow;
};

static int64_t bucket_of(int64_t at_ms, int64_t unit)
{
    return at_ms / unit - (at_ms % unit < 0);
}

/* semantics: the last so many calls, or at most 30 buckets of ceil(span / 30) whole seconds */
static struct window_sums naive_window(const struct call *calls, size_t count, unsigned most, int64_t span_ms,
                                       int64_t now_ms)
{
    int64_t unit = (span_ms + 29999) / 30000 * 1000, buckets = unit ? (span_ms + unit - 1) / unit : 0;
    struct window_sums s = {0};
    for (size_t i = 0; i < count; i++)
        if (most > 0 ? count - i <= most
                     : bucket_of(calls[i].at_ms, unit) > bucket_of(now_ms, unit) - buckets) {
            s.calls++;
            s.failed += calls[i].failed;
            s.slow += calls[i].slow;
        }
    return s;
}

static const char *window_life(struct rng *r, uint64_t seed, unsigned wrong)
{
    static const unsigned sizes[] = {1, 2, 31, 32, 33, 100, 256, 600};
    static const int64_t spans[] = {1000,  1500,  10000, 29000, 30000,
                                    31000, 45000, 60000, 90500, WINDOW_SPAN_MAX};
    enum { CALLS = 700 };
    struct call calls[CALLS];
    size_t count = 0;
    unsigned most = seed % 2 ? sizes[rng_below(r, sizeof sizes / sizeof *sizes)] : 0;
    int64_t span = seed % 2 ? 0 : spans[rng_below(r, sizeof spans / sizeof *spans)];
    int64_t now_ms = (int64_t)rng_below(r, 1000000) - 200000, step = span ? span / 20 : 10;
    struct window w;
    if (most > 0)
        window_init_calls(&w, wrong == WINDOW_REMEMBERS ? most + 1
                              : wrong == WINDOW_FORGETS ? (most + 1) / 2
                                                        : most);
    else
        window_init_time(&w, wrong == WINDOW_REMEMBERS ? span * 2
                             : wrong == WINDOW_FORGETS ? span / 2
                                                       : span);
    int64_t first_ms = now_ms;
    for (int i = 0; i < CALLS; i++) {
        now_ms += (int64_t)rng_below(r, (uint64_t)(rng_below(r, 30) ? step : step * 40));
        if (rng_below(r, 4)) {
            struct call c = {now_ms, rng_below(r, 3) == 0, rng_below(r, 5) == 0};
            calls[count++] = c;
            window_add(&w, wrong == WINDOW_STANDS_STILL ? first_ms : now_ms,
                       wrong == WINDOW_COUNTS_SLOW_AS_FAILED ? c.failed || c.slow : c.failed, c.slow);
        }
        struct window_sums got = window_read(&w, wrong == WINDOW_STANDS_STILL ? first_ms : now_ms);
        struct window_sums want = naive_window(calls, count, most, span, now_ms);
        if (memcmp(&got, &want, sizeof got) != 0)
            return "a window holds other calls";
    }
    return NULL;
}

/* ---- Budget ---- */

enum { BUDGET_GENEROUS = 1, BUDGET_LENIENT, BUDGET_BLIND, BUDGET_ENDLESS };
static const char *const budget_wrongs[] = {"gives a whole token back", "allows at exactly half",
                                            "misses one failure in ten", "has more than it began with", NULL};

static const char *budget_life(struct rng *r, uint64_t seed, unsigned wrong)
{
    unsigned tokens = 1 + (unsigned)rng_below(r, seed % 2 ? 5 : BUDGET_TOKENS_MAX);
    long naive = 1000L * tokens, most = naive; /* thousandths */
    struct budget b;
    budget_init(&b, tokens);
    for (int i = 0; i < 2000; i++) {
        bool failed = rng_below(r, 12) == 0;
        int times = !failed && wrong == BUDGET_GENEROUS ? 10 : 1;
        for (int k = 0; k < times && !failed; k++)
            budget_succeeded(&b);
        if (failed && !(wrong == BUDGET_BLIND && i % 10 == 0))
            budget_failed(&b);
        if (wrong == BUDGET_ENDLESS && !failed && b.tenths == b.most)
            b.most = ++b.tenths;
        naive = failed ? naive - 1000 : naive + 100;
        naive = naive < 0 ? 0 : naive > most ? most : naive;
        bool allows = budget_allows(&b) || (wrong == BUDGET_LENIENT && b.tenths == b.most / 2);
        if (allows != (2 * naive > most))
            return "a budget allows another number of retries";
    }
    return NULL;
}

/* ---- Measures ---- */

enum { MEASURES_LATE = 1, MEASURES_MIXED, MEASURES_FORGETFUL, MEASURES_WIDE };
static const char *const measures_wrongs[] = {
    "counts where a span began before", "takes the rejected for failed", "loses one operation in a hundred",
    "reads the wrong span", NULL};

static struct measures_sums random_operation(struct rng *r)
{
    struct measures_sums s = {0};
    uint64_t end = rng_below(r, 10), attempts = 1 + rng_below(r, 4);
    s.ok = end < 6;
    s.failed = end >= 6 && end < 8;
    s.cancelled = end == 8;
    s.rejected = end == 9;
    if (s.rejected)
        return s;
    s.attempts = attempts;
    s.retried = attempts > 1;
    s.trips = rng_below(r, 9) == 0;
    s.hits = rng_below(r, 2);
    s.by_class[rng_below(r, FAILURE_CLASS_COUNT)] = attempts - s.ok;
    s.cost = 0.25 * (double)rng_below(r, 8);
    measures_took(&s, (int64_t)rng_below(r, 1u << rng_below(r, 18)));
    return s;
}

struct counted {
    int64_t at_ms;
    struct measures_sums sums;
};

/* What a span covers is its last N whole buckets, the present one included. */
static void naive_measures(const struct counted *all, size_t count, enum measures_span span, int64_t now_ms,
                           struct measures_sums *sums)
{
    static const int64_t shapes[][2] = {{5000, 12}, {30000, 10}, {300000, 12}};
    *sums = (struct measures_sums){0};
    for (size_t i = 0; i < count; i++)
        if (span == MEASURES_LIFE ||
            all[i].at_ms / shapes[span][0] > now_ms / shapes[span][0] - shapes[span][1])
            measures_add(sums, &all[i].sums);
}

static const char *measures_life(struct rng *r, uint64_t seed, unsigned wrong)
{
    enum { COUNT = 400 };
    (void)seed;
    struct counted *all = xcalloc(COUNT, sizeof *all);
    struct measures *m = measures_new();
    int64_t now_ms = (int64_t)rng_below(r, 10000000);
    const char *broken = NULL;
    for (size_t i = 0; i < COUNT && !broken; i++) {
        now_ms += (int64_t)rng_below(r, rng_below(r, 200) ? 4000 : 4000000);
        all[i] = (struct counted){now_ms, random_operation(r)};
        struct measures_sums told = all[i].sums;
        if (wrong == MEASURES_MIXED) {
            told.failed += told.rejected;
            told.rejected = 0;
        }
        if (wrong != MEASURES_FORGETFUL || i % 100 != 99)
            measures_count(m, &told, wrong == MEASURES_LATE ? now_ms - 5000 : now_ms);
        now_ms += (int64_t)rng_below(r, 3000);
        for (enum measures_span span = 0; span < MEASURES_SPAN_COUNT && !broken; span++) {
            struct measures_sums got, want;
            measures_read(m, wrong == MEASURES_WIDE && span < MEASURES_1H ? span + 1 : span, now_ms, &got);
            naive_measures(all, i + 1, span, now_ms, &want);
            if (fabs(got.duration_s - want.duration_s) > 1e-6 * (1 + want.duration_s))
                broken = "durations add up to something else";
            got.duration_s = want.duration_s; /* added up in another order */
            if (memcmp(&got, &want, sizeof got) != 0)
                broken = "a span has other sums";
        }
    }
    measures_free(m);
    free(all);
    return broken;
}

/* ---- Deadlines ---- */

enum { DEADLINES_STAY = 1, DEADLINES_LINGER, DEADLINES_EARLY, DEADLINES_UNORDERED };
static const char *const deadlines_wrongs[] = {"don't move a deadline that was set", "keep what was dropped",
                                               "take what isn't due yet", "lose their order", NULL};

#define IDS  200
#define NONE INT64_MIN

static bool naive_first(const int64_t *at, struct deadline *first)
{
    bool found = false;
    for (uint32_t id = 0; id < IDS; id++)
        if (at[id] != NONE && (!found || at[id] < first->at_ms)) {
            *first = (struct deadline){at[id], id};
            found = true;
        }
    return found;
}

static const char *deadlines_step(struct deadlines *d, int64_t *at, int64_t now_ms, int64_t spread,
                                  struct rng *r, unsigned wrong)
{
    uint32_t id = (uint32_t)rng_below(r, IDS);
    uint64_t what = rng_below(r, 10);
    struct deadline want = {0}, got = {0};
    if (what < 6) {
        bool moves = at[id] != NONE;
        at[id] = now_ms + (int64_t)rng_below(r, (uint64_t)spread) - 5;
        if (!(wrong == DEADLINES_STAY && moves))
            deadlines_set(d, id, at[id]);
        if (wrong == DEADLINES_UNORDERED && d->count > 2)
            d->heap[d->count / 2].at_ms -= 3;
    } else if (what < 8) {
        at[id] = NONE;
        if (wrong != DEADLINES_LINGER)
            deadlines_drop(d, id);
    } else {
        bool due = naive_first(at, &want) && want.at_ms <= now_ms;
        if (deadlines_take(d, wrong == DEADLINES_EARLY ? now_ms + 1 : now_ms, &got) != due)
            return "something is due, or not";
        if (due && got.id != want.id)
            return "another one is due";
        if (due)
            at[want.id] = NONE;
    }
    bool any = naive_first(at, &want);
    if (deadlines_first(d, &got) != any || (any && (got.id != want.id || got.at_ms != want.at_ms)))
        return "another one is the first";
    return NULL;
}

static const char *deadlines_life(struct rng *r, uint64_t seed, unsigned wrong)
{
    struct deadlines d = {0};
    int64_t at[IDS], now_ms = 0;
    const char *broken = NULL;
    for (int i = 0; i < IDS; i++)
        at[i] = NONE;
    for (int i = 0; i < 1000 && !broken; i++) {
        broken = deadlines_step(&d, at, now_ms, seed % 2 ? 10 : 100000, r, wrong);
        now_ms += (int64_t)rng_below(r, 12);
    }
    size_t held = 0;
    for (int i = 0; i < IDS; i++)
        held += at[i] != NONE;
    if (!broken && d.count != held)
        broken = "it holds another number";
    deadlines_fini(&d);
    return broken;
}

/* ---- All of them ---- */

static const struct machine {
    const char *name;
    life *live;
    const char *const *wrongs;
    int share; /* of the seeds, per cent: some lives are longer */
} machines[] = {
    {"window", window_life, window_wrongs, 100},
    {"budget", budget_life, budget_wrongs, 100},
    {"measures", measures_life, measures_wrongs, 10},
    {"deadlines", deadlines_life, deadlines_wrongs, 100},
};
#define MACHINES (sizeof machines / sizeof *machines)

static const char *live(const struct machine *m, uint64_t seed, unsigned wrong)
{
    struct rng r;
    rng_seed(&r, seed);
    return m->live(&r, seed, wrong);
}

static long env_number(const char *name, long fallback)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : fallback;
}

static void test_they_are_the_naive_ones(void **state)
{
    (void)state;
    uint64_t first = (uint64_t)env_number("BELAY_SEED", 1);
    long runs = env_number("BELAY_RUNS", getenv("BELAY_PROOF") ? 10000 : 200);
    for (const struct machine *m = machines; m < machines + MACHINES; m++) {
        uint64_t lives = getenv("BELAY_SEED") ? 1 : (uint64_t)(runs * m->share / 100 + 1);
        for (uint64_t seed = first; seed < first + lives; seed++) {
            const char *broken = live(m, seed, 0);
            if (broken)
                fail_msg("%s, seed %llu: %s (BELAY_SEED=%llu runs it again)", m->name,
                         (unsigned long long)seed, broken, (unsigned long long)seed);
        }
        printf("%s: seeds %llu to %llu\n", m->name, (unsigned long long)first,
               (unsigned long long)(first + lives - 1));
    }
}

static void test_wrong_ones_are_caught(void **state)
{
    (void)state;
    for (const struct machine *m = machines; m < machines + MACHINES; m++)
        for (unsigned wrong = 1; m->wrongs[wrong - 1]; wrong++) {
            const char *broken = NULL;
            uint64_t seed = 0;
            while (!broken && seed < 100)
                broken = live(m, ++seed, wrong);
            if (!broken)
                fail_msg("%s that %s: not caught in %llu seeds", m->name, m->wrongs[wrong - 1],
                         (unsigned long long)seed);
            printf("%s that %s: caught at seed %llu: %s\n", m->name, m->wrongs[wrong - 1],
                   (unsigned long long)seed, broken);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_are_the_naive_ones),
        cmocka_unit_test(test_wrong_ones_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
