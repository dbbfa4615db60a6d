/* Own fallback chains as observations: who answered in the hour past, what it cost, why others did not. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/own.h"

enum { MEASURES = 9, ATTRIBUTES = 2, TEXTS = 256 };

#define FIVE_MINUTES_US (300 * US_PER_S)
#define HOUR_US         (3600 * US_PER_S)

struct tier_row {
    struct measurement measures[MEASURES];
    struct attribute attributes[ATTRIBUTES];
    char reason[TEXTS];
};

/* What a chain's tiers did together. */
struct chain_sums {
    uint64_t hits_5m, hits_1h, tried_1h;
};

static const struct measures_sums nothing;

/* What was read when it was last written is over when the span is. */
static const struct measures_sums *span_of(const struct target_view *v, enum measures_span span,
                                           int64_t wall_us)
{
    int64_t age_us = v->used_wall_us ? wall_us - v->used_wall_us : 0;
    return age_us > (span == MEASURES_5M ? FIVE_MINUTES_US : HOUR_US) ? &nothing : &v->spans[span];
}

static uint64_t tried(const struct measures_sums *s)
{
    return s->attempts + s->rejected + s->hits;
}

static struct chain_sums sums_of(const struct target_view *views, size_t count, const char *chain,
                                 int64_t wall_us)
{
    struct chain_sums sums = {0};
    for (size_t i = 0; i < count; i++) {
        if (strcmp(views[i].chain, chain) != 0)
            continue;
        const struct measures_sums *hour = span_of(&views[i], MEASURES_1H, wall_us);
        sums.hits_5m += span_of(&views[i], MEASURES_5M, wall_us)->hits;
        sums.hits_1h += hour->hits;
        sums.tried_1h += tried(hour);
    }
    return sums;
}

static void measure_add(struct observation *o, struct tier_row *row, const char *name, double value)
{
    if (!isnan(value))
        row->measures[o->measure_count++] = (struct measurement){name, value};
}

/* Its breaker's word where that isn't the usual one, else what it does. */
static void state_write(const struct target_view *v, const struct measures_sums *hour, struct observation *o,
                        struct tier_row *row)
{
    bool resting = v->has_breaker && v->state == BREAKER_CLOSED && v->due_ms > 0;
    if (v->has_breaker && v->state != BREAKER_CLOSED) {
        o->raw = breaker_state_text(v->state);
        snprintf(row->reason, sizeof row->reason, "its breaker refuses: %s",
                 v->last_error[0] ? v->last_error : v->hand.reason);
        if (v->state == BREAKER_HALF_OPEN || v->state == BREAKER_DISABLED || v->state == BREAKER_METRICS_ONLY)
            snprintf(row->reason, sizeof row->reason, "%s", v->last_error);
    } else if (resting) {
        o->raw = "resting";
        snprintf(row->reason, sizeof row->reason, "it asked for a rest: %s", v->last_error);
    } else if (hour->hits > 0) {
        o->raw = "serves";
    } else if (hour->attempts > 0) {
        o->raw = "failing";
        snprintf(row->reason, sizeof row->reason, "%s", v->last_error);
    } else if (hour->rejected > 0) {
        o->raw = "passed over";
        snprintf(row->reason, sizeof row->reason, "%s", v->last_error);
    }
    o->reason = row->reason;
    if ((v->state == BREAKER_OPEN || resting) && v->has_breaker && v->due_ms > 0)
        measure_add(o, row, "cool_down_s", (double)(v->due_ms / 1000));
}

static void tier_observe(const struct target_view *v, const struct chain_sums *sums, int64_t wall_us,
                         struct tier_row *row, struct observation *o)
{
    const struct measures_sums *hour = span_of(v, MEASURES_1H, wall_us);
    double rate =
        sums->hits_5m ? (double)span_of(v, MEASURES_5M, wall_us)->hits / 300 : (double)hour->hits / 3600;
    *o = (struct observation){.kind = ENTITY_CHAIN,
                              .name = str_starts(v->name, "chain/") ? v->name + strlen("chain/") : v->name,
                              .group = v->chain,
                              .raw = "",
                              .goes_on = v->same_outage,
                              .attributes = row->attributes,
                              .measures = row->measures};
    measure_add(o, row, "tier", v->tier);
    measure_add(o, row, "tiers", v->tier_count);
    measure_add(o, row, "hits", (double)v->spans[MEASURES_LIFE].hits);
    measure_add(o, row, "hits_rate", rate);
    measure_add(o, row, "hits_hour", (double)hour->hits);
    measure_add(o, row, "cost_hour", hour->cost);
    measure_add(o, row, "cost", v->cost);
    measure_add(o, row, "accuracy", v->accuracy);
    state_write(v, hour, o, row);
    row->attributes[o->attribute_count++] = (struct attribute){"own", "chain"};
    if (v->last_error[0])
        row->attributes[o->attribute_count++] = (struct attribute){"error", v->last_error};
    if (sums->tried_1h == 0) { /* nobody asked it for an hour: that is no trouble */
        o->idle = true;
        o->condition = CONDITION_OK;
    } else if (sums->hits_1h == 0 && tried(hour) > 0) {
        o->condition = CONDITION_DOWN; /* it was asked, and the whole chain has not answered once */
    }
}

void own_chains_observe(struct platform *p, const struct target_view *views, size_t count, int64_t now_us,
                        int64_t wall_us)
{
    struct observation *list = xcalloc(count + 1, sizeof *list);
    struct tier_row *rows = xcalloc(count + 1, sizeof *rows);
    size_t filled = 0;
    for (size_t i = 0; i < count; i++) {
        if (!views[i].chain[0] || views[i].tier == 0)
            continue;
        struct chain_sums sums = sums_of(views, count, views[i].chain, wall_us);
        tier_observe(&views[i], &sums, wall_us, &rows[filled], &list[filled]);
        filled++;
    }
    struct batch batch = {
        .source = OWN_SOURCE, .partial = true, .observations = list, .observation_count = filled};
    if (filled > 0)
        platform_apply(p, &batch, now_us, wall_us);
    free(list);
    free(rows);
}
