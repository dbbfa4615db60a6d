/* Whom belay calls, one target after the other in each family, as the format wants it. */
#include <stdio.h>

#include "engine/serve/metrics.h"
#include "engine/serve/writer.h"

static size_t listed(const struct metrics *m)
{
    return m->target_count < METRICS_TARGETS_MAX ? m->target_count : METRICS_TARGETS_MAX;
}

/* A family, and for each target what `write` adds to it. */
static void each(const struct metrics *m, struct str *out, const char *name, const char *type,
                 const char *help,
                 void (*write)(const char *name, const struct metrics_target *t, struct str *out))
{
    metric_family(out, name, type, help);
    for (size_t i = 0; i < listed(m); i++)
        write(name, &m->targets[i], out);
}

static void write_operations(const char *name, const struct metrics_target *t, struct str *out)
{
    metric_sample(out, name, (double)t->sums.ok, "target", t->name, "outcome", "ok", NULL);
    metric_sample(out, name, (double)t->sums.failed, "target", t->name, "outcome", "failed", NULL);
    metric_sample(out, name, (double)t->sums.rejected, "target", t->name, "outcome", "rejected", NULL);
    metric_sample(out, name, (double)t->sums.cancelled, "target", t->name, "outcome", "cancelled", NULL);
}

static void write_attempts(const char *name, const struct metrics_target *t, struct str *out)
{
    metric_sample(out, name, (double)t->sums.attempts, "target", t->name, NULL);
}

static void write_retried(const char *name, const struct metrics_target *t, struct str *out)
{
    metric_sample(out, name, (double)t->sums.retried, "target", t->name, NULL);
}

static void write_duration(const char *name, const struct metrics_target *t, struct str *out)
{
    uint64_t below = 0;
    (void)name;
    for (size_t i = 0; i < MEASURES_BUCKETS; i++) {
        char bound[NUMBER_TEXT_SIZE] = "+Inf";
        below += t->sums.durations[i];
        if (i < MEASURES_BUCKETS - 1)
            number_format((double)measures_bounds_ms[i] / 1000, bound);
        metric_sample(out, "belay_operation_duration_seconds_bucket", (double)below, "target", t->name, "le",
                      bound, NULL);
    }
    metric_sample(out, "belay_operation_duration_seconds_sum", t->sums.duration_s, "target", t->name, NULL);
    metric_sample(out, "belay_operation_duration_seconds_count", (double)below, "target", t->name, NULL);
}

/* Only classes that were seen: a target has one or two of the fifteen. */
static void write_failures(const char *name, const struct metrics_target *t, struct str *out)
{
    for (int class = 0; class < FAILURE_CLASS_COUNT; class ++)
        if (t->sums.by_class[class] > 0)
            metric_sample(out, name, (double)t->sums.by_class[class], "target", t->name, "class",
                          failure_class_text((enum failure_class) class), NULL);
}

/* "HALF_OPEN" is half_open in a label. */
static void write_state(const char *name, const struct metrics_target *t, struct str *out)
{
    for (int state = 0; t->has_breaker && state < BREAKER_STATE_COUNT; state++) {
        char word[32];
        snprintf(word, sizeof word, "%s", breaker_state_text((enum breaker_state)state));
        for (char *c = word; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        metric_sample(out, name, (int)t->state == state, "target", t->name, "state", word, NULL);
    }
}

static void write_trips(const char *name, const struct metrics_target *t, struct str *out)
{
    if (t->has_breaker)
        metric_sample(out, name, (double)t->trips, "target", t->name, NULL);
}

static void write_refused(const char *name, const struct metrics_target *t, struct str *out)
{
    if (t->has_breaker)
        metric_sample(out, name, (double)t->refused, "target", t->name, NULL);
}

/* "chain/answers/gpt-4" is tier "gpt-4" of chain "answers". */
static void write_hits(const char *name, const struct metrics_target *t, struct str *out)
{
    const char *slash = strrchr(t->name, '/');
    char position[16];
    if (!t->chain || !t->chain[0])
        return;
    snprintf(position, sizeof position, "%u", t->tier);
    metric_sample(out, name, (double)t->sums.hits, "chain", t->chain, "tier", slash ? slash + 1 : t->name,
                  "position", position, NULL);
}

static void write_cost(const char *name, const struct metrics_target *t, struct str *out)
{
    if (t->sums.cost > 0)
        metric_sample(out, name, t->sums.cost, "target", t->name, NULL);
}

void metrics_targets(const struct metrics *m, struct str *out)
{
    metric_single(out, "belay_targets", "gauge", "Whom belay calls, or has called, on this host.",
                  (double)m->target_count);
    metric_single(out, "belay_targets_left_out", "gauge", "Targets that are too many to be told of here.",
                  (double)(m->target_count - listed(m)));
    each(m, out, "belay_operations_total", "counter",
         "Operations by outcome, each with all its attempts; rejected ones were never tried.",
         write_operations);
    each(m, out, "belay_attempts_total", "counter", "Attempts of operations that were tried.",
         write_attempts);
    each(m, out, "belay_retried_operations_total", "counter", "Operations that took two attempts or more.",
         write_retried);
    each(m, out, "belay_operation_duration_seconds", "histogram",
         "How long operations took, with all their attempts.", write_duration);
    each(m, out, "belay_failures_total", "counter", "Failed attempts by class of failure.", write_failures);
    each(m, out, "belay_breaker_state", "gauge", "1 for the state that a breaker is in, 0 for the others.",
         write_state);
    each(m, out, "belay_breaker_trips_total", "counter", "How often a breaker has opened.", write_trips);
    each(m, out, "belay_breaker_not_permitted_total", "counter", "Calls that a breaker refused.",
         write_refused);
    each(m, out, "belay_fallback_hits_total", "counter",
         "Answers that a tier of a chain gave; position 1 is the primary.", write_hits);
    each(m, out, "belay_cost_total", "counter",
         "What operations cost, in the unit in which the configuration counts cost.", write_cost);
}
