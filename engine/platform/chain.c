/* Fallback chains: whether a tier is well depends on which of its chain serves. */
#include <math.h>
#include <stdlib.h>

#include "engine/platform/model.h"

/* Up to this share a tier's hits are strays: a later one's are no fallback, the first one's are but probes.
 */
#define STRAY_SHARE 0.05

struct tier_sum {
    double rate;       /* over all tiers */
    double first_rate; /* of the first tier */
    double serving;    /* number of the lowest tier that serves */
};

static double measured(const struct observation *o, const char *name)
{
    for (size_t i = 0; i < o->measure_count; i++)
        if (strcmp(o->measures[i].name, name) == 0)
            return o->measures[i].value;
    return NAN;
}

static bool judged(const struct observation *o)
{
    return o->kind == ENTITY_CHAIN && o->condition == CONDITION_NONE && o->group && *o->group;
}

static enum condition tier_condition(const struct observation *o, enum condition derived,
                                     const struct tier_sum *sum)
{
    double tier = measured(o, "tier"), rate = measured(o, "hits_rate");
    if (rate > 0 && derived == CONDITION_DEGRADED) {
        bool stray = sum->first_rate > 0 && sum->rate - sum->first_rate <= STRAY_SHARE * sum->rate;
        return stray ? CONDITION_OK : derived;
    }
    if (rate > 0) /* the first tier: a probe now and then is not serving */
        return rate < STRAY_SHARE * sum->rate ? CONDITION_DEGRADED : derived;
    if (derived != CONDITION_UNKNOWN || !(rate == 0) || !(sum->rate > 0))
        return derived;
    /* Nobody asked this one: well behind the tier that serves, passed over before it. */
    return tier > sum->serving ? CONDITION_OK : CONDITION_DEGRADED;
}

void chain_judge(const struct batch *b, enum condition *conditions)
{
    struct map *chains = NULL;
    for (size_t i = 0; i < b->observation_count; i++) {
        const struct observation *o = &b->observations[i];
        if (!judged(o))
            continue;
        if (!chains)
            chains = map_new();
        struct tier_sum *sum = map_get(chains, o->group);
        if (!sum) {
            sum = xcalloc(1, sizeof *sum);
            sum->serving = INFINITY;
            map_set(chains, o->group, sum);
        }
        double tier = measured(o, "tier"), rate = measured(o, "hits_rate");
        if (!(rate > 0) || isinf(rate))
            continue;
        sum->rate += rate;
        if (tier <= 1)
            sum->first_rate += rate;
        if (tier < sum->serving)
            sum->serving = tier;
    }
    if (!chains)
        return;
    for (size_t i = 0; i < b->observation_count; i++)
        if (judged(&b->observations[i]))
            conditions[i] =
                tier_condition(&b->observations[i], conditions[i], map_get(chains, b->observations[i].group));
    const char *key;
    void *value;
    for (size_t i = 0; map_next(chains, &i, &key, &value);)
        free(value);
    map_free(chains);
}

static bool serves(const struct entity *e)
{
    return !(e->flags & (ENTITY_SILENT | ENTITY_GONE)) && entity_measure(e, "hits_rate") > 0;
}

struct sums {
    double cost, accuracy, accuracy_rate, cost_rate, first_rate;
    size_t down, idle; /* tiers */
};

static void tier_add(struct chain_summary *out, struct sums *sums, const struct entity *e, size_t tier)
{
    double hits = entity_measure(e, "hits"), rate = entity_measure(e, "hits_rate");
    double cost = entity_measure(e, "cost"), accuracy = entity_measure(e, "accuracy");
    if (!isnan(hits))
        out->hits += hits;
    sums->down += e->condition == CONDITION_DOWN;
    sums->idle += e->condition == CONDITION_OK && (e->flags & ENTITY_IDLE);
    if (!serves(e))
        return;
    out->hits_rate += rate;
    if (tier == 1)
        sums->first_rate = rate;
    if (!isnan(cost)) {
        sums->cost += rate * cost;
        sums->cost_rate += rate;
    }
    if (!isnan(accuracy)) {
        sums->accuracy += rate * accuracy;
        sums->accuracy_rate += rate;
    }
    if (!out->serving || rate > entity_measure(out->serving, "hits_rate")) {
        out->serving = e;
        out->serving_tier = tier;
    }
}

bool platform_chain(const struct platform *p, const char *chain, struct chain_summary *out)
{
    const struct entity *tiers[PLATFORM_CHAIN_TIERS];
    size_t count = platform_group(p, ENTITY_CHAIN, chain, tiers, PLATFORM_CHAIN_TIERS);
    if (count == 0)
        return false;
    if (count > PLATFORM_CHAIN_TIERS)
        count = PLATFORM_CHAIN_TIERS;
    struct sums sums = {0};
    *out = (struct chain_summary){.tier_count = count};
    for (size_t i = 0; i < count; i++) {
        double tier = entity_measure(tiers[i], "tier"), all = entity_measure(tiers[i], "tiers");
        tier_add(out, &sums, tiers[i], tier >= 1 ? (size_t)tier : i + 1);
        if (all > (double)out->tier_count && all <= PLATFORM_CHAIN_TIERS) /* some have never been asked */
            out->tier_count = (size_t)all;
    }
    out->cost_rate = sums.cost_rate > 0 ? sums.cost : (double)NAN;
    out->accuracy = sums.accuracy_rate > 0 ? sums.accuracy / sums.accuracy_rate : (double)NAN;
    bool stray = out->hits_rate - sums.first_rate <= STRAY_SHARE * out->hits_rate;
    if (out->serving)
        out->condition = sums.first_rate > 0 && stray ? CONDITION_OK : CONDITION_DEGRADED;
    else
        out->condition = sums.down == count   ? CONDITION_DOWN
                         : sums.idle == count ? CONDITION_OK /* its source says that nobody asks it */
                                              : CONDITION_UNKNOWN;
    return true;
}
