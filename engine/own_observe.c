/* The internal source: own breakers as observations, so that panels, transitions, status and exports know
 * them like those that are read from elsewhere. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/own.h"

#define EVERY_US  (5 * US_PER_S)
#define UNUSED_US (600 * US_PER_S) /* so long after its cool-down nobody is waited for as a probe */

enum { MEASURES = 8, ATTRIBUTES = 5, TEXTS = 256 };

struct row {
    struct measurement measures[MEASURES];
    struct attribute attributes[ATTRIBUTES];
    char reason[2 * TEXTS], until[CLOCK_TEXT_SIZE];
};

/* One breaker, wherever it is from. */
struct own {
    const char *name, *own, *error;
    enum breaker_state state;
    const struct breaker_counts *counts;
    const struct target_hand *hand;
    const struct measures_sums *spans; /* NULL: none are kept */
    double failure_rate;
    bool same_outage;
    int64_t since_us, due_ms, used_us;
};

static void measure_add(struct observation *o, struct row *row, const char *name, double value)
{
    if (!isnan(value))
        row->measures[o->measure_count++] = (struct measurement){name, value};
}

static void attribute_add(struct observation *o, struct row *row, const char *name, const char *value)
{
    if (value && *value)
        row->attributes[o->attribute_count++] = (struct attribute){name, value};
}

static bool by_hand(enum breaker_state state)
{
    return state == BREAKER_FORCED_OPEN || state == BREAKER_DISABLED || state == BREAKER_METRICS_ONLY;
}

static void reason_write(const struct own *own, struct row *row)
{
    if (by_hand(own->state) && own->hand->actor[0])
        snprintf(row->reason, sizeof row->reason, "by %s: %s", own->hand->actor, own->hand->reason);
    else if (own->state == BREAKER_OPEN || own->state == BREAKER_HALF_OPEN)
        snprintf(row->reason, sizeof row->reason, "%s", own->error);
}

/* The shortest span in which there was anything. */
static const struct measures_sums *recent(const struct own *own)
{
    for (int span = MEASURES_5M; own->spans && span < MEASURES_SPAN_COUNT; span++)
        if (own->spans[span].ok + own->spans[span].failed > 0)
            return &own->spans[span];
    return NULL;
}

static void rates_add(const struct own *own, struct observation *o, struct row *row)
{
    const struct measures_sums *sums = recent(own);
    uint64_t judged = own->counts->succeeded + own->counts->failed;
    double success = sums     ? measures_success_rate(sums)
                     : judged ? (double)own->counts->succeeded / (double)judged
                              : (double)NAN;
    measure_add(o, row, "failure_rate", isnan(own->failure_rate) ? 1 - success : own->failure_rate);
    measure_add(o, row, "success_rate", success);
    measure_add(o, row, "attempts", sums ? measures_average_attempts(sums) : (double)NAN);
    measure_add(o, row, "retry_rate", sums ? measures_retry_rate(sums) : (double)NAN);
}

static void observe(const struct own *own, struct row *row, struct observation *o, int64_t wall_us)
{
    bool told = str_eq(own->own, "source") || str_eq(own->own, "mirror") || str_eq(own->own, "oncall") ||
                str_eq(own->own, "chain");
    bool unused = own->state == BREAKER_HALF_OPEN && own->used_us && wall_us - own->used_us > UNUSED_US;
    *o = (struct observation){.kind = ENTITY_BREAKER,
                              .name = own->name,
                              .raw = breaker_state_text(own->state),
                              .since_us = own->since_us,
                              .beside = told,
                              .goes_on = own->same_outage,
                              .idle = unused,
                              .condition = unused ? CONDITION_OK : CONDITION_NONE,
                              .attributes = row->attributes,
                              .measures = row->measures};
    reason_write(own, row);
    o->reason = row->reason;
    measure_add(o, row, "calls", (double)own->counts->admitted);
    measure_add(o, row, "not_permitted", (double)own->counts->refused);
    measure_add(o, row, "trips", (double)own->counts->trips);
    if (own->state == BREAKER_OPEN && own->due_ms >= 0)
        measure_add(o, row, "cool_down_s", (double)(own->due_ms / 1000));
    rates_add(own, o, row);
    attribute_add(o, row, "own", own->own);
    attribute_add(o, row, "error", own->error);
    if (!by_hand(own->state))
        return;
    attribute_add(o, row, "actor", own->hand->actor);
    attribute_add(o, row, "reason", own->hand->reason);
    if (own->hand->until_wall_us) {
        clock_format(own->hand->until_wall_us, row->until);
        attribute_add(o, row, "until", row->until);
    }
}

static const char *what_for(const struct target_view *v)
{
    return v->chain[0] || str_starts(v->name, "chain/") ? "chain"
           : str_starts(v->name, "source/")             ? "source"
           : str_eq(v->name, "mirror")                  ? "mirror"
           : str_eq(v->name, "oncall")                  ? "oncall"
                                                        : "exec";
}

static const struct kept *kept_find(struct kept *const *kept, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(kept[i]->name, name) == 0)
            return kept[i];
    return NULL;
}

static struct own own_of_kept(const struct kept *k, const struct breaker *b, struct window_sums *sums)
{
    int64_t now_ms = clock_boot_us() / US_PER_MS;
    struct window window = b->window;
    *sums = window_read(&window, now_ms);
    return (struct own){.name = k->name,
                        .own = k->own,
                        .error = k->error,
                        .state = breaker_state(b, now_ms),
                        .counts = &b->counts,
                        .hand = &k->hand,
                        .failure_rate = sums->calls ? (double)sums->failed / sums->calls : (double)NAN,
                        .same_outage = breaker_same_outage(b, now_ms),
                        .since_us = k->since_us,
                        .due_ms = breaker_due_ms(b, now_ms)};
}

static struct own own_of_view(const struct target_view *v)
{
    return (struct own){.name = v->name,
                        .own = what_for(v),
                        .error = v->last_error,
                        .state = v->state,
                        .counts = &v->counts,
                        .hand = &v->hand,
                        .spans = v->spans,
                        .failure_rate = v->failure_rate > 0 ? v->failure_rate : (double)NAN,
                        .same_outage = v->same_outage,
                        .since_us = v->since_wall_us,
                        .due_ms = v->due_ms,
                        .used_us = v->used_wall_us};
}

void own_observe(struct platform *p, const struct target_view *views, size_t count, struct kept *const *kept,
                 size_t kept_count, int64_t now_us, int64_t wall_us)
{
    struct observation *list = xcalloc(count + kept_count + 1, sizeof *list);
    struct row *rows = xcalloc(count + kept_count + 1, sizeof *rows);
    size_t filled = 0;
    if (!platform_source_find(p, OWN_SOURCE))
        platform_source_add(p, OWN_SOURCE, PLATFORM_OWN, EVERY_US, INT64_MAX / 4, now_us);
    for (size_t i = 0; i < kept_count; i++, filled++) {
        struct window_sums sums;
        struct own own = own_of_kept(kept[i], &kept[i]->breaker, &sums);
        observe(&own, &rows[filled], &list[filled], wall_us);
    }
    for (size_t i = 0; i < count; i++) {
        if (!views[i].has_breaker || kept_find(kept, kept_count, views[i].name))
            continue;
        struct own own = own_of_view(&views[i]);
        observe(&own, &rows[filled], &list[filled], wall_us);
        filled++;
    }
    struct batch batch = {
        .source = OWN_SOURCE, .partial = true, .observations = list, .observation_count = filled};
    platform_apply(p, &batch, now_us, wall_us);
    own_chains_observe(p, views, count, now_us, wall_us);
    free(list);
    free(rows);
}
