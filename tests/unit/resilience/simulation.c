/* Seeded simulation of the breaker: random rules, a target that falls ill and recovers, calls that end, come
 * late or never, rests, forced states, a wall clock that jumps. Held against a naive breaker and against the
 * oracles of semantics ("Properties"). Wrong breakers (wrong_breakers.h) must be caught. BELAY_SEED=N runs one seed,
 * BELAY_RUNS=N so many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/resilience/wrong_breakers.h"

/* ---- Looking ---- */

static const bool allowed[BREAKER_STATE_COUNT][BREAKER_STATE_COUNT] = {
    [BREAKER_CLOSED] = {[BREAKER_OPEN] = true},
    [BREAKER_OPEN] = {[BREAKER_HALF_OPEN] = true},
    [BREAKER_HALF_OPEN] = {[BREAKER_OPEN] = true, [BREAKER_CLOSED] = true},
    [BREAKER_FORCED_OPEN] = {[BREAKER_CLOSED] = true},
    [BREAKER_DISABLED] = {[BREAKER_CLOSED] = true},
    [BREAKER_METRICS_ONLY] = {[BREAKER_CLOSED] = true},
};

static void look(struct world *w, int64_t at_ms, bool by_hand)
{
    enum breaker_state state = breaker_state(&w->breaker, clock_of(w, at_ms));
    int64_t due_ms = breaker_due_ms(&w->breaker, clock_of(w, at_ms)), want = naive_due(&w->naive, at_ms);
    blame(w, state == w->last || by_hand || allowed[w->last][state], "it went where no edge leads");
    blame(w, state == w->naive.state, "it is not in the state that it should be in");
    blame(w, due_ms == (want == NEVER ? -1 : want - at_ms), "it says another time for its next change");
    w->last = state;
    w->seen[state]++;
    trace(w, (uint64_t)state << 60 ^ (uint64_t)due_ms);
}

/* It has just opened, at at_ms: the cool-down it drew is taken over if it is one. */
static void opened(struct world *w, int64_t at_ms)
{
    struct naive *n = &w->naive;
    long double want = naive_cool_down(n),
                jitter = want * n->rules.jitter_permille / 1000 + 1 + want / 1000000;
    int64_t ms = breaker_due_ms(&w->breaker, clock_of(w, at_ms));
    blame(w, breaker_state(&w->breaker, clock_of(w, at_ms)) == BREAKER_OPEN, "it should have opened");
    blame(w, (long double)ms >= want - jitter && (long double)ms <= want + jitter,
          "a cool-down out of bounds");
    n->until_ms = at_ms + (ms > 0 ? ms : 1);
}

static void naive_open(struct world *w, bool again, int64_t at_ms)
{
    w->naive.reopens = again ? w->naive.reopens + 1 : 0;
    naive_enter(&w->naive, BREAKER_OPEN, NEVER);
    opened(w, at_ms);
}

/* Every change that time alone makes is looked at, at its own moment. */
static void pass_time(struct world *w, int64_t ms)
{
    struct naive *n = &w->naive;
    int64_t to_ms = w->now_ms + ms, at_ms;
    for (size_t i = 0; i < w->held_count; i++)
        for (size_t k = 0; w->held[i].kept && k < n->probe_count; k++)
            if (n->probes[k].id == w->held[i].id && n->probes[k].lease_ms < to_ms + naive_lease_ms(n)) {
                n->probes[k].lease_ms = to_ms + naive_lease_ms(n);
                breaker_lease(&w->breaker, &w->rules, n->probes[k].slot, true, clock_of(w, to_ms));
            }
    for (int i = 0; w->wrong == WRONG_NO_LEASE && i < BREAKER_PROBES_MAX; i++)
        breaker_lease(&w->breaker, &w->rules, (unsigned)i, true, clock_of(w, to_ms));
    while (!w->broken && (at_ms = naive_next(n)) <= to_ms) {
        if (n->state == BREAKER_OPEN) {
            naive_enter(n, BREAKER_HALF_OPEN, NEVER);
        } else if (n->state == BREAKER_HALF_OPEN) {
            n->expired++;
            naive_open(w, true, at_ms);
        } else {
            naive_enter(n, BREAKER_CLOSED, NEVER);
        }
        look(w, at_ms, false);
    }
    w->now_ms = to_ms;
    if (w->jumping && rng_below(&w->jumps, 20) == 0)
        w->wall_ms += (int64_t)rng_below(&w->jumps, 2) ? 3600000 : -3600000;
    look(w, w->now_ms, false);
}

/* ---- Doing ---- */

static void admit(struct world *w)
{
    struct naive *n = &w->naive;
    struct breaker_token token = {0};
    struct breaker_refusal refusal = {0};
    struct naive_answer want = naive_ask(n, w->now_ms);
    bool admitted = breaker_admit(&w->breaker, &w->rules, clock_of(w, w->now_ms), &token, &refusal);
    trace(w, admitted);
    if (admitted && token.kind == BREAKER_HALF_OPEN) {
        if (w->probe_generation != token.generation)
            w->probes_out = 0;
        w->probe_generation = token.generation;
        blame(w, ++w->probes_out <= n->rules.probes, "more probes in one HALF_OPEN than allowed");
    }
    blame(w, admitted || !want.admitted, "it refuses what it should admit");
    blame(w, !admitted || want.admitted, "it admits what it should refuse");
    if (w->broken)
        return;
    if (!admitted) {
        blame(w, refusal.state == n->state && refusal.resting == want.resting,
              "a refusal for another reason");
        blame(w, refusal.retry_after_ms == (want.retry_at_ms == NEVER ? -1 : want.retry_at_ms - w->now_ms),
              "a refusal until another time");
        return;
    }
    blame(w, token.generation == n->generation && token.kind == n->state, "a token of another generation");
    naive_admitted(n, ++w->ids, token.slot, w->now_ms);
    bool kept = token.kind == BREAKER_HALF_OPEN && chance(w, 150);
    w->held[w->held_count++] = (struct held){token, w->ids, kept};
}

static void resolve(struct world *w, size_t at, enum breaker_result result, bool limited)
{
    struct naive *n = &w->naive;
    struct held held = w->held[at];
    int64_t took_ms = w->now_ms - held.token.admitted_ms, now_ms = clock_of(w, w->now_ms);
    uint32_t generation = held.token.generation;
    bool probe = held.token.kind == BREAKER_HALF_OPEN, changed = false;
    if (w->wrong == WRONG_WALL_CLOCK)
        took_ms = now_ms - held.token.admitted_ms;
    w->held[at] = w->held[--w->held_count];
    if (probe && generation == w->probe_generation && result >= BREAKER_IGNORED)
        w->probes_out--;
    enum breaker_result told = result;
    if (distort(w, &held.token, &told, limited))
        changed = breaker_resolve(&w->breaker, &w->rules, &held.token, told, took_ms, now_ms);
    undo_distortion(w);
    enum naive_turn turn = naive_resolved(n, held.id, generation, probe, result, took_ms, w->now_ms);
    if (turn == NAIVE_CLOSES)
        naive_enter(n, BREAKER_CLOSED, NEVER);
    else if (turn != NAIVE_STAYS)
        naive_open(w, turn == NAIVE_REOPENS, w->now_ms);
    blame(w, changed || turn == NAIVE_STAYS, "it doesn't say that it changed");
    look(w, w->now_ms, false);
}

static void rest(struct world *w)
{
    int64_t until_ms = chance(w, 200) ? 0 : w->now_ms + upto(w, 2 * w->naive.rules.cool_down_ms);
    int64_t want = until_ms > w->now_ms ? until_ms : w->now_ms + w->naive.rules.cool_down_ms;
    if (want > w->naive.rest_until_ms)
        w->naive.rest_until_ms = want;
    if (w->wrong != WRONG_NO_REST)
        breaker_rest(&w->breaker, &w->rules, until_ms ? clock_of(w, until_ms) : 0, clock_of(w, w->now_ms));
}

static void end_some(struct world *w)
{
    if (w->held_count == 0)
        return;
    size_t at = (size_t)upto(w, (int64_t)w->held_count - 1);
    if (w->held[at].token.kind == BREAKER_HALF_OPEN && !w->held[at].kept && chance(w, 100)) {
        w->held[at] = w->held[--w->held_count]; /* it never returns */
        w->lost++;
        return;
    }
    bool limited = chance(w, 20), odd = limited || chance(w, 120);
    enum breaker_result result = rng_below(&w->rng, 100) < w->sick ? BREAKER_FAILURE : BREAKER_SUCCESS;
    if (odd)
        result = limited || chance(w, 600) ? BREAKER_IGNORED : BREAKER_CANCELLED;
    resolve(w, at, result, limited);
    if (limited)
        rest(w);
}

static void force(struct world *w, enum breaker_state state)
{
    struct naive *n = &w->naive;
    int64_t until_ms = chance(w, 700) ? w->now_ms + 1 + upto(w, 30000) : NEVER;
    int64_t told = until_ms == NEVER || w->wrong == WRONG_FORCED_FOREVER ? 0 : clock_of(w, until_ms);
    if (state == BREAKER_CLOSED) {
        naive_enter(n, state, NEVER);
        n->rest_until_ms = 0;
    } else if (n->state != state) {
        naive_enter(n, state, until_ms);
    } else {
        n->until_ms = until_ms;
    }
    breaker_force(&w->breaker, &w->rules, state, told, clock_of(w, w->now_ms));
    undo_distortion(w);
    look(w, w->now_ms, true);
}

/* Stored, a while passes, and read back: by another process, as far as the breaker can tell. */
static void store(struct world *w)
{
    uint8_t bytes[BREAKER_STORED_BYTES];
    struct err e = {0};
    uint32_t plain = w->breaker.unresolved;
    size_t length = breaker_store(&w->breaker, clock_of(w, w->now_ms), bytes);
    int64_t passed_ms = upto(w, 3000);
    for (size_t i = 0; i < w->held_count; i++)
        w->held[i].kept = false;
    if (breaker_restore(&w->breaker, &w->rules, bytes, length, clock_of(w, w->now_ms + passed_ms),
                        w->wrong == WRONG_FORGETS ? 0 : passed_ms, &e))
        blame(w, false, "it can't be read back");
    w->breaker.unresolved = plain; /* of this process */
    pass_time(w, passed_ms);
}

static void step(struct world *w)
{
    uint64_t pace = rng_below(&w->rng, 100), what = rng_below(&w->rng, 1000);
    int64_t ms = pace < 40 ? 0 : pace < 90 ? upto(w, 200) : upto(w, w->naive.rules.cool_down_ms + 500);
    pass_time(w, pace == 99 ? upto(w, 3 * w->naive.rules.cool_down_cap_ms) : ms);
    if (w->broken)
        return;
    if (what < 8)
        force(w, what < 4 ? BREAKER_CLOSED : (enum breaker_state)(BREAKER_FORCED_OPEN + what % 3));
    else if (what < 12)
        store(w);
    else if (what < 20)
        w->sick = (unsigned)rng_below(&w->rng, 3) * 50;
    else if (what < 560 && w->held_count < TOKENS)
        admit(w);
    else
        end_some(w);
    if (!w->broken)
        look(w, w->now_ms, false);
}

/* The target is well again and calls go on: it ends CLOSED, and nothing is under way. */
static void recover(struct world *w)
{
    while (w->held_count > 0 && !w->broken) {
        pass_time(w, 1);
        resolve(w, 0, BREAKER_SUCCESS, false);
    }
    if (!w->broken && naive_forced(&w->naive) && w->naive.until_ms == NEVER)
        force(w, BREAKER_CLOSED);
    for (int i = 0; i < 300 && !w->broken; i++) {
        int64_t at_ms = naive_ask(&w->naive, w->now_ms).retry_at_ms;
        bool wait = !naive_ask(&w->naive, w->now_ms).admitted;
        pass_time(w, wait ? at_ms - w->now_ms : 10);
        if (w->broken)
            return;
        admit(w);
        if (w->held_count > 0)
            resolve(w, 0, BREAKER_SUCCESS, false);
    }
    const struct breaker_counts *c = &w->breaker.counts;
    int64_t now_ms = clock_of(w, w->now_ms);
    bool off = w->naive.state == BREAKER_DISABLED || w->naive.state == BREAKER_METRICS_ONLY;
    blame(w, off || breaker_state(&w->breaker, now_ms) == BREAKER_CLOSED,
          "a healthy target's breaker doesn't close");
    blame(w, w->breaker.unresolved == 0, "what is under way doesn't return to 0");
    blame(w, c->admitted == c->succeeded + c->failed + c->ignored + c->cancelled + w->lost,
          "a call is in no count");
    blame(w, c->late == w->naive.late && c->expired == w->naive.expired,
          "late ones or lost ones are miscounted");
}

/* ---- Runs ---- */

static struct breaker_rules random_rules(struct world *w)
{
    struct breaker_rules r = breaker_rules_default();
    struct err e = {0};
    bool of_calls = chance(w, 500);
    r.failures = (uint32_t)upto(w, 6);
    r.rate_permille = (uint16_t)(chance(w, 500) ? 300 + upto(w, 600) : 0);
    r.slow_permille = (uint16_t)(chance(w, 250) ? 500 + upto(w, 500) : 0);
    r.slow_ms = r.slow_permille ? 1 + upto(w, 800) : 0;
    r.window_calls = of_calls ? 5 + (uint32_t)upto(w, 60) : 0;
    r.window_ms = of_calls ? 0 : 1000 + upto(w, 44000);
    r.minimum_calls = 1 + (uint32_t)upto(w, 4);
    r.cool_down_ms = 100 + upto(w, 10000);
    r.multiplier_milli = 1000 + (uint32_t)upto(w, 2000) * chance(w, 500);
    r.cool_down_cap_ms = r.cool_down_ms + upto(w, 3 * r.cool_down_ms);
    r.jitter_permille = (uint16_t)(upto(w, 200) * chance(w, 700));
    r.probes = (uint8_t)(1 + upto(w, BREAKER_PROBES_MAX - 1));
    r.successes_to_close = (uint8_t)(1 + upto(w, r.probes - 1));
    r.lease_ms = chance(w, 500) ? 1 + upto(w, 8000) : 0;
    if (r.failures == 0 && r.rate_permille == 0 && r.slow_permille == 0)
        r.failures = 1;
    blame(w, breaker_rules_check(&r, &e) == 0, "sound rules are refused");
    return r;
}

#define STEPS 1000

static const char *simulate(uint64_t seed, enum wrong wrong, bool jumping, uint64_t *end, uint64_t *seen)
{
    struct world *w = xcalloc(1, sizeof *w);
    w->wrong = wrong;
    w->jumping = jumping;
    rng_seed(&w->rng, seed);
    rng_seed(&w->jumps, seed + 1);
    w->now_ms = 1000000 + upto(w, 1000000000);
    w->naive = (struct naive){.rules = random_rules(w), .generation = 1, .until_ms = NEVER};
    w->rules = wrong_rules(w->naive.rules, wrong);
    w->sick = (unsigned)rng_below(&w->rng, 3) * 50;
    breaker_init(&w->breaker, &w->rules, seed, clock_of(w, w->now_ms));
    for (int i = 0; i < STEPS && !w->broken; i++)
        step(w);
    if (!w->broken)
        recover(w);
    *end = w->trace;
    for (int i = 0; i < BREAKER_STATE_COUNT && seen; i++)
        seen[i] += w->seen[i];
    const char *broken = w->broken;
    free(w);
    return broken;
}

/* Both times the same, but for the wall clock. */
static const char *simulate_both(uint64_t seed, enum wrong wrong, uint64_t *seen)
{
    uint64_t still, jumped;
    const char *broken = simulate(seed, wrong, false, &still, seen);
    if (!broken)
        broken = simulate(seed, wrong, true, &jumped, NULL);
    return broken ? broken : still != jumped ? "the wall clock's jumps change what it does" : NULL;
}

static long env_number(const char *name, long fallback)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : fallback;
}

static void test_random_lives_keep_every_promise(void **state)
{
    (void)state;
    uint64_t seen[BREAKER_STATE_COUNT] = {0};
    long runs = env_number("BELAY_RUNS", getenv("BELAY_PROOF") ? 12000 : 1000);
    uint64_t first = (uint64_t)env_number("BELAY_SEED", 1);
    int64_t start_us = clock_monotonic_us();
    if (getenv("BELAY_SEED"))
        runs = 1;
    for (long i = 0; i < runs; i++) {
        uint64_t seed = first + (uint64_t)i;
        const char *broken = simulate_both(seed, RIGHT, seen);
        if (broken)
            fail_msg("seed %llu: %s (BELAY_SEED=%llu runs it again)", (unsigned long long)seed, broken,
                     (unsigned long long)seed);
    }
    printf("seeds %llu to %llu, twice each: %ld steps in %.2f s; seen:", (unsigned long long)first,
           (unsigned long long)first + (uint64_t)runs - 1, 2 * runs * STEPS,
           (double)(clock_monotonic_us() - start_us) / 1e6);
    for (enum breaker_state s = BREAKER_CLOSED; s < BREAKER_STATE_COUNT; s++) {
        printf(" %s %llu", breaker_state_text(s), (unsigned long long)seen[s]);
        assert_true(runs < 100 || seen[s] > 0);
    }
    printf("\n");
}

static void test_wrong_breakers_are_caught(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
#define X(name, text) text,
                                        WRONGS(X)
#undef X
    };
    for (enum wrong wrong = RIGHT + 1; wrong < WRONG_COUNT; wrong++) {
        const char *broken = NULL;
        uint64_t seed = 0;
        while (!broken && seed < 500)
            broken = simulate_both(++seed, wrong, NULL);
        if (!broken)
            fail_msg("the breaker that %s was not caught in %llu seeds", texts[wrong],
                     (unsigned long long)seed);
        printf("one that %s: caught at seed %llu: %s\n", texts[wrong], (unsigned long long)seed, broken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_lives_keep_every_promise),
        cmocka_unit_test(test_wrong_breakers_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
