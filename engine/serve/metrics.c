#include "engine/serve/metrics.h"

#include <math.h>

#include "engine/serve/writer.h"

static size_t shown(size_t count, size_t most)
{
    return count < most ? count : most;
}

static void write_sources(const struct metrics *m, struct str *out)
{
    size_t count = shown(m->source_count, METRICS_SOURCES_MAX);
    metric_family(out, "belay_source_up", "gauge", "1 when the last poll of a source was good.");
    for (size_t i = 0; i < count; i++)
        metric_sample(out, "belay_source_up", m->sources[i].up, "source", m->sources[i].name, "kind",
                      m->sources[i].kind, NULL);
    metric_family(out, "belay_source_latency_seconds", "gauge", "How long the last answer of a source took.");
    for (size_t i = 0; i < count; i++)
        if (!isnan(m->sources[i].latency_s))
            metric_sample(out, "belay_source_latency_seconds", m->sources[i].latency_s, "source",
                          m->sources[i].name, NULL);
    metric_family(out, "belay_source_last_success_timestamp_seconds", "gauge",
                  "Unix time of the last good answer of a source, 0 when there was none.");
    for (size_t i = 0; i < count; i++)
        metric_sample(out, "belay_source_last_success_timestamp_seconds", m->sources[i].last_good_s, "source",
                      m->sources[i].name, NULL);
}

static void write_entities(const struct metrics *m, struct str *out)
{
    metric_family(out, "belay_entities", "gauge", "What is watched, by kind and normalised state.");
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++)
        for (int condition = CONDITION_OK; condition < CONDITION_COUNT; condition++)
            metric_sample(out, "belay_entities", (double)m->entities[kind].by[condition], "kind",
                          entity_kind_text((enum entity_kind)kind), "state",
                          condition_name((enum condition)condition), NULL);
}

static void write_chains(const struct metrics *m, struct str *out)
{
    metric_family(
        out, "belay_chain_state", "gauge",
        "1 for the state of a chain: ok, its first tier serves; degraded, another one; down, nothing.");
    for (size_t i = 0; i < shown(m->chain_count, METRICS_CHAINS_MAX); i++)
        for (int condition = CONDITION_OK; condition < CONDITION_COUNT; condition++)
            metric_sample(out, "belay_chain_state", (int)m->chains[i].condition == condition, "chain",
                          m->chains[i].name, "state", condition_name((enum condition)condition), NULL);
}

void metrics_write(const struct metrics *m, struct str *out)
{
    metric_family(out, "belay_build_info", "gauge", "Always 1; which belay this is, and of which platform.");
    metric_sample(out, "belay_build_info", 1, "version", m->version, "platform", m->platform, NULL);
    metric_single(out, "process_start_time_seconds", "gauge", "Unix time at which this process began.",
                  m->started_s);
    metric_single(out, "belay_watching", "gauge",
                  "1 when this process holds the watch lease and journals what changes.", m->watching);
    metric_single(out, "belay_journal_last_seq", "gauge",
                  "Sequence number of the newest event of the journal.", (double)m->journal_seq);
    metric_single(out, "belay_journal_trouble", "gauge", "1 when the journal can't be written.",
                  m->journal_trouble);
    metric_single(out, "belay_mirror_failing", "gauge", "1 when events don't reach the mirror off this host.",
                  m->mirror_failing);
    metric_single(out, "belay_incidents_open", "gauge", "Incidents that are not closed.",
                  (double)m->incidents_open);
    metric_single(out, "belay_loop_lag_seconds", "gauge",
                  "How late the loop was at worst in the last minute.", m->lag_s);
    write_entities(m, out);
    write_chains(m, out);
    write_sources(m, out);
    metrics_targets(m, out);
}
