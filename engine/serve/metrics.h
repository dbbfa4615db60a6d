/* What belay tells Prometheus: a snapshot of numbers written as the text exposition format 0.0.4, with HELP
 * and TYPE for each family, in a fixed order. Pure. Names, labels and units are promises: see
 * docs/metrics.md. Included through serve.h. */
#ifndef BELAY_SERVE_METRICS_H
#define BELAY_SERVE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/platform/platform.h"
#include "engine/resilience/resilience.h"

#define METRICS_TARGETS_MAX 2000 /* the first so many; how many were left out is a metric, too */
#define METRICS_SOURCES_MAX 2000
#define METRICS_CHAINS_MAX  200

struct metrics_target {
    const char *name;
    struct measures_sums sums; /* since it is known */
    bool has_breaker;
    enum breaker_state state;
    uint64_t trips, refused;
    const char *chain; /* NULL: no tier of a chain */
    unsigned tier;     /* from 1 */
};

struct metrics_source {
    const char *name, *kind;
    bool up;            /* the last poll succeeded */
    double latency_s;   /* of the last answer; NaN: none yet */
    double last_good_s; /* Unix time; 0 never */
};

struct metrics_chain {
    const char *name;
    enum condition condition;
};

struct metrics {
    const char *version, *platform;
    double started_s; /* Unix time */
    const struct metrics_target *targets;
    size_t target_count;
    const struct metrics_source *sources;
    size_t source_count;
    const struct metrics_chain *chains; /* belay's own and those of sources */
    size_t chain_count;
    struct condition_counts entities[ENTITY_KIND_COUNT];
    int64_t journal_seq;
    bool journal_trouble, mirror_failing, watching;
    size_t incidents_open;
    double lag_s; /* how late the loop was at worst in the last minute */
};

/* Its part for targets, in metrics_targets.c. */
void metrics_targets(const struct metrics *m, struct str *out);
void metrics_write(const struct metrics *m, struct str *out);

#endif
