/* The alerts that a Prometheus beside this platform would raise. */
#include "engine/simulate/startup.h"
#include "engine/simulate/world.h"

#define ENDS_AFTER_US (3 * US_PER_S) /* of a condition that no longer holds */

enum {
    ALERT_SHARD,
    ALERT_EMPTY,
    ALERT_ERRORS,
    ALERT_LATENCY,
    ALERT_PROVIDER,
    ALERT_LIMITED,
    ALERT_CRASHING,
    ALERT_MIGRATION,
};

void alarms_tables(struct world *w)
{
    static const struct alert alerts[WORLD_ALERTS] = {
        [ALERT_SHARD] = {.name = "VectorStoreShardDown",
                         .severity = "critical",
                         .component = "vectorstore",
                         .for_us = 5 * US_PER_S},
        [ALERT_EMPTY] = {.name = "RetrieverEmptyResults",
                         .severity = "warning",
                         .component = "rag",
                         .for_us = 8 * US_PER_S,
                         .summary = "retrieval comes back empty"},
        [ALERT_ERRORS] = {.name = "RAGErrorSpike",
                          .severity = "critical",
                          .component = "rag",
                          .for_us = 12 * US_PER_S,
                          .summary = "more than 2 % of answers fail"},
        [ALERT_LATENCY] = {.name = "RAGHighP95Latency",
                           .severity = "warning",
                           .component = "rag",
                           .for_us = 15 * US_PER_S,
                           .summary = "p95 of an answer is above 2 s"},
        [ALERT_PROVIDER] = {.name = "LLMProviderErrors",
                            .severity = "critical",
                            .component = "generator",
                            .for_us = 6 * US_PER_S,
                            .summary = "the primary provider of the language model fails"},
        [ALERT_LIMITED] = {.name = "LLMRateLimited",
                           .severity = "warning",
                           .component = "generator",
                           .for_us = 6 * US_PER_S,
                           .summary = "the primary provider limits our rate"},
        [ALERT_CRASHING] = {.name = "ComponentCrashLooping",
                            .severity = "critical",
                            .component = "controller",
                            .for_us = 6 * US_PER_S,
                            .summary = "components restart again and again and never get ready"},
        [ALERT_MIGRATION] = {.name = "MigrationFailed",
                             .severity = "critical",
                             .component = "controller",
                             .for_us = 2 * US_PER_S,
                             .summary = "the job migrations has failed"},
    };
    memcpy(w->alerts, alerts, sizeof alerts);
    for (int i = 0; i < WORLD_ALERTS; i++)
        w->alerts[i].holding_us = w->alerts[i].firing_us = w->alerts[i].fine_us = -1;
}

static void alert_step(struct alert *a, bool holds, int64_t now_us)
{
    if (holds) {
        a->fine_us = -1;
        if (a->holding_us < 0)
            a->holding_us = now_us;
        if (a->firing_us < 0 && now_us - a->holding_us >= a->for_us)
            a->firing_us = now_us;
        return;
    }
    a->holding_us = -1;
    if (a->firing_us >= 0 && a->fine_us < 0)
        a->fine_us = now_us;
    if (a->fine_us >= 0 && now_us - a->fine_us >= ENDS_AFTER_US)
        a->firing_us = a->fine_us = -1;
}

void alarms_step(struct world *w)
{
    int retry_after_s;
    bool limited = provider_troubled(w) && provider_status(w, PROVIDER_PRIMARY, 6, &retry_after_s) == 429;
    const bool holds[WORLD_ALERTS] = {
        [ALERT_SHARD] = w->collections[0].primary[w->fault_shard] != REPLICA_ACTIVE,
        [ALERT_EMPTY] = w->empty_rate > .10,
        [ALERT_ERRORS] = w->error_rate > .02,
        [ALERT_LATENCY] = w->p95_s > 2,
        [ALERT_PROVIDER] = provider_troubled(w),
        [ALERT_LIMITED] = limited,
        [ALERT_CRASHING] = startup_crashing(w),
        [ALERT_MIGRATION] = !w->migrated,
    };
    for (int i = 0; i < WORLD_ALERTS; i++)
        alert_step(&w->alerts[i], holds[i], w->now_us);
}
