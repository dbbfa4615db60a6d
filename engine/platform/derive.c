/* The table of normalised states. What it does not know is unknown. */
#include <ctype.h>
#include <math.h>
#include <strings.h>

#include "engine/platform/model.h"

struct word {
    enum entity_kind kind;
    enum condition condition;
    const char *text; /* lower case, without blanks, hyphens and underscores */
};

static const struct word words[] = {
    {ENTITY_BREAKER, CONDITION_OK, "closed"},
    {ENTITY_BREAKER, CONDITION_DEGRADED, "halfopen"},
    {ENTITY_BREAKER, CONDITION_DEGRADED, "disabled"},
    {ENTITY_BREAKER, CONDITION_DEGRADED, "forcedclosed"},
    {ENTITY_BREAKER, CONDITION_DEGRADED, "metricsonly"},
    {ENTITY_BREAKER, CONDITION_DOWN, "open"},
    {ENTITY_BREAKER, CONDITION_DOWN, "forcedopen"},

    {ENTITY_CHAIN, CONDITION_DOWN, "open"},
    {ENTITY_CHAIN, CONDITION_DOWN, "forcedopen"},
    {ENTITY_CHAIN, CONDITION_DOWN, "down"},
    {ENTITY_CHAIN, CONDITION_DEGRADED, "cooling"},
    {ENTITY_CHAIN, CONDITION_DEGRADED, "halfopen"},

    {ENTITY_SHARD, CONDITION_OK, "active"},
    {ENTITY_SHARD, CONDITION_OK, "activeread"},
    {ENTITY_SHARD, CONDITION_OK, "green"},
    {ENTITY_SHARD, CONDITION_OK, "healthy"},
    {ENTITY_SHARD, CONDITION_OK, "loaded"},
    {ENTITY_SHARD, CONDITION_OK, "online"},
    {ENTITY_SHARD, CONDITION_OK, "ready"},
    {ENTITY_SHARD, CONDITION_OK, "started"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "indexing"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "initializing"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "listener"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "loading"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "manualrecovery"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "partial"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "partialsnapshot"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "recovery"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "relocating"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "resharding"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "reshardingscaledown"},
    {ENTITY_SHARD, CONDITION_DEGRADED, "yellow"},
    {ENTITY_SHARD, CONDITION_DOWN, "dead"},
    {ENTITY_SHARD, CONDITION_DOWN, "fail"},
    {ENTITY_SHARD, CONDITION_DOWN, "failed"},
    {ENTITY_SHARD, CONDITION_DOWN, "red"},
    {ENTITY_SHARD, CONDITION_DOWN, "unassigned"},
    {ENTITY_SHARD, CONDITION_DOWN, "unavailable"},
    {ENTITY_SHARD, CONDITION_DOWN, "unhealthy"},

    {ENTITY_JOB, CONDITION_OK, "complete"},
    {ENTITY_JOB, CONDITION_OK, "completed"},
    {ENTITY_JOB, CONDITION_OK, "done"},
    {ENTITY_JOB, CONDITION_OK, "finished"},
    {ENTITY_JOB, CONDITION_OK, "running"},
    {ENTITY_JOB, CONDITION_OK, "succeeded"},
    {ENTITY_JOB, CONDITION_OK, "success"},
    {ENTITY_JOB, CONDITION_DEGRADED, "degraded"},
    {ENTITY_JOB, CONDITION_DEGRADED, "late"},
    {ENTITY_JOB, CONDITION_DEGRADED, "paused"},
    {ENTITY_JOB, CONDITION_DEGRADED, "suspended"},
    {ENTITY_JOB, CONDITION_DOWN, "crashed"},
    {ENTITY_JOB, CONDITION_DOWN, "failed"},
    {ENTITY_JOB, CONDITION_DOWN, "stalled"},

    {ENTITY_ALERT, CONDITION_OK, "inactive"},
    {ENTITY_ALERT, CONDITION_OK, "resolved"},
    {ENTITY_ALERT, CONDITION_DEGRADED, "pending"},
    {ENTITY_ALERT, CONDITION_DEGRADED, "silenced"},
    {ENTITY_ALERT, CONDITION_DEGRADED, "suppressed"},
    {ENTITY_ALERT, CONDITION_DOWN, "active"},
    {ENTITY_ALERT, CONDITION_DOWN, "firing"},

    {ENTITY_COMPONENT, CONDITION_OK, "ready"},
    {ENTITY_COMPONENT, CONDITION_OK, "running"},
    {ENTITY_COMPONENT, CONDITION_DEGRADED, "containercreating"},
    {ENTITY_COMPONENT, CONDITION_DEGRADED, "pending"},
    {ENTITY_COMPONENT, CONDITION_DEGRADED, "podinitializing"},
    {ENTITY_COMPONENT, CONDITION_DEGRADED, "starting"},
    {ENTITY_COMPONENT, CONDITION_DOWN, "crashloopbackoff"},
    {ENTITY_COMPONENT, CONDITION_DOWN, "error"},
    {ENTITY_COMPONENT, CONDITION_DOWN, "failed"},
    {ENTITY_COMPONENT, CONDITION_DOWN, "imagepullbackoff"},

    {ENTITY_SNAPSHOT, CONDITION_DEGRADED, "late"},
    {ENTITY_SNAPSHOT, CONDITION_DOWN, "missing"},
    {ENTITY_SNAPSHOT, CONDITION_DOWN, "none"},
    {ENTITY_SNAPSHOT, CONDITION_DOWN, "never"},
};

enum condition word_condition(enum entity_kind kind, const char *raw)
{
    char plain[32];
    size_t length = 0;
    for (const char *c = raw ? raw : ""; *c; c++) {
        if (*c == ' ' || *c == '-' || *c == '_')
            continue;
        if (length == sizeof plain - 1)
            return CONDITION_UNKNOWN;
        plain[length++] = (char)tolower((unsigned char)*c);
    }
    plain[length] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].kind == kind && strcmp(words[i].text, plain) == 0)
            return words[i].condition;
    return CONDITION_UNKNOWN;
}

double observation_measure(const struct observation *o, const char *name)
{
    for (size_t i = 0; i < o->measure_count; i++)
        if (strcmp(o->measures[i].name, name) == 0)
            return o->measures[i].value;
    return NAN;
}

static enum condition signal_condition(const struct observation *o)
{
    double value = observation_measure(o, "value"), warn = observation_measure(o, "warn"),
           crit = observation_measure(o, "crit");
    if (isnan(value))
        return CONDITION_UNKNOWN;
    double sign = crit < warn ? -1 : 1; /* low values are the bad ones when crit lies below warn */
    if (sign * value > sign * crit)
        return CONDITION_DOWN;
    return sign * value > sign * warn ? CONDITION_DEGRADED : CONDITION_OK;
}

/* By counts where there are some; the field's own word may only make it worse than they say. */
static enum condition counted_condition(const struct observation *o, const char *whole, const char *part)
{
    enum condition word = word_condition(o->kind, o->raw);
    double all = observation_measure(o, whole), good = observation_measure(o, part);
    if (isnan(all) || isnan(good))
        return word;
    if (good <= 0 || all <= 0)
        return CONDITION_DOWN;
    if (good < all)
        return CONDITION_DEGRADED;
    if (!o->raw || !*o->raw || word == CONDITION_OK)
        return CONDITION_OK;
    return word == CONDITION_UNKNOWN ? CONDITION_UNKNOWN : CONDITION_DEGRADED;
}

static enum condition chain_condition(const struct observation *o)
{
    double rate = observation_measure(o, "hits_rate");
    if (rate > 0)
        return observation_measure(o, "tier") <= 1 ? CONDITION_OK : CONDITION_DEGRADED;
    return word_condition(ENTITY_CHAIN, o->raw);
}

/* A job without a word of its own runs as long as its checkpoints come. */
static enum condition job_condition(const struct observation *o)
{
    double done = observation_measure(o, "done"), total = observation_measure(o, "total"),
           age = observation_measure(o, "checkpoint_age_s");
    double late = observation_measure(o, "late_s"), stalled = observation_measure(o, "stalled_s");
    bool said = o->raw && *o->raw;
    enum condition word = word_condition(ENTITY_JOB, o->raw);
    if (said && (word != CONDITION_OK || strcasecmp(o->raw, "running") != 0))
        return word;
    if (total > 0 && done >= total)
        return CONDITION_OK;
    if (isnan(age))
        return word;
    if (age > (stalled > 0 ? stalled : PLATFORM_JOB_STALLED_S))
        return CONDITION_DOWN;
    return age > (late > 0 ? late : PLATFORM_JOB_LATE_S) ? CONDITION_DEGRADED : CONDITION_OK;
}

static enum condition alert_condition(const struct observation *o)
{
    enum condition word = word_condition(ENTITY_ALERT, o->raw);
    double severity = observation_measure(o, "severity");
    return word == CONDITION_DOWN && severity < 3 ? CONDITION_DEGRADED : word;
}

enum condition condition_derive(const struct observation *o)
{
    switch (o->kind) {
    case ENTITY_SIGNAL:
        return signal_condition(o);
    case ENTITY_SNAPSHOT:
        return snapshot_condition(o);
    case ENTITY_SHARD:
        return counted_condition(o, "replicas", "replicas_ok");
    case ENTITY_COMPONENT:
        return counted_condition(o, "replicas", "ready");
    case ENTITY_CHAIN:
        return chain_condition(o);
    case ENTITY_JOB:
        return job_condition(o);
    case ENTITY_ALERT:
        return alert_condition(o);
    default:
        return word_condition(o->kind, o->raw);
    }
}
