#include <stdio.h>

#include "engine/targets/targets.h"

#define WINDOW 20 /* calls that the failure rate is of */

static int64_t now_ms(void)
{
    return clock_boot_us() / US_PER_MS;
}

struct breaker_rules kept_rules(int64_t every_us)
{
    struct breaker_rules rules = breaker_rules_default();
    int64_t three_ms = 3 * every_us / US_PER_MS;
    rules.cool_down_ms = rules.cool_down_cap_ms = three_ms > 5000 ? three_ms : 5000;
    rules.multiplier_milli = 1000;
    rules.window_calls = WINDOW; /* for what is shown: only failures in a row trip it */
    rules.window_ms = 0;
    return rules;
}

void kept_init(struct kept *k, const char *own, const char *name, const struct breaker_rules *rules)
{
    *k = (struct kept){.own = own, .rules = *rules, .since_us = clock_wall_us()};
    snprintf(k->name, sizeof k->name, "%s", name);
    breaker_init(&k->breaker, rules, rng_entropy(), now_ms());
}

void kept_fini(struct kept *k)
{
    measures_free(k->measures);
    k->measures = NULL;
}

static void count(struct kept *k, const struct measures_sums *sums)
{
    if (!k->measures)
        k->measures = measures_new();
    measures_count(k->measures, sums, now_ms());
}

void kept_measures(const struct kept *k, enum measures_span span, struct measures_sums *sums)
{
    *sums = (struct measures_sums){0};
    if (k->measures)
        measures_read(k->measures, span, now_ms(), sums);
}

enum breaker_state kept_state(const struct kept *k)
{
    return breaker_state(&k->breaker, now_ms());
}

int64_t kept_wait_ms(const struct kept *k)
{
    int64_t now = now_ms(), rest_ms = breaker_resting_ms(&k->breaker, now);
    switch (breaker_state(&k->breaker, now)) {
    case BREAKER_OPEN:
        return breaker_due_ms(&k->breaker, now);
    case BREAKER_FORCED_OPEN:
        return breaker_due_ms(&k->breaker, now);
    case BREAKER_CLOSED:
    case BREAKER_HALF_OPEN:
        return rest_ms;
    default:
        return 0;
    }
}

static void note_change(struct kept *k, uint32_t generation)
{
    if (k->breaker.generation == generation)
        return;
    k->since_us = clock_wall_us();
    k->changed = true;
}

bool kept_admit(struct kept *k)
{
    uint32_t generation = k->breaker.generation;
    bool admitted = breaker_admit(&k->breaker, &k->rules, now_ms(), &k->token, NULL);
    if (!admitted) {
        k->token.generation = 0;
        count(k, &(struct measures_sums){.rejected = 1});
    }
    note_change(k, generation);
    return admitted;
}

void kept_end(struct kept *k, const struct failure *failure, int64_t took_ms, int64_t rest_ms)
{
    static const enum breaker_result results[] = {[VERDICT_FAILURE] = BREAKER_FAILURE,
                                                  [VERDICT_IGNORED] = BREAKER_IGNORED,
                                                  [VERDICT_COOL] = BREAKER_IGNORED};
    uint32_t generation = k->breaker.generation;
    uint64_t trips = k->breaker.counts.trips;
    struct measures_sums sums = {.ok = !failure, .failed = failure != NULL, .attempts = 1};
    int64_t now = now_ms();
    enum breaker_result result = failure ? results[failure_verdict(failure->class)] : BREAKER_SUCCESS;
    if (failure)
        snprintf(k->error, sizeof k->error, "%s", failure->text);
    if (k->token.generation != 0)
        breaker_resolve(&k->breaker, &k->rules, &k->token, result, took_ms, now);
    if (rest_ms > 0)
        breaker_rest(&k->breaker, &k->rules, now + rest_ms, now);
    note_change(k, generation);
    sums.trips = k->breaker.counts.trips - trips;
    if (failure)
        sums.by_class[failure->class] = 1;
    measures_took(&sums, took_ms);
    count(k, &sums);
}
