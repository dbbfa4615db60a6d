/* /metrics: the names of a live-monitored retrieval service, of resilience4j's micrometer binding, and of the
 * simulation's own fallback chains and canary. */
#include <math.h>

#include "engine/simulate/route.h"

static void family(struct str *out, const char *name, const char *type, const char *help)
{
    str_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void sample(struct str *out, const char *name, double value)
{
    char text[NUMBER_TEXT_SIZE];
    number_format(value, text);
    str_addf(out, "%s %s\n", name, text);
}

static void counter(struct str *out, const char *name, const char *help, double value)
{
    family(out, name, "counter", help);
    sample(out, name, floor(value));
}

static void gauge(struct str *out, const char *name, const char *help, double value)
{
    family(out, name, "gauge", help);
    sample(out, name, value);
}

static void latency_write(const struct world *w, struct str *out)
{
    family(out, "rag_e2e_latency_seconds", "histogram", "Time from question to answer.");
    for (int i = 0; i < WORLD_BUCKETS; i++) {
        char bound[NUMBER_TEXT_SIZE] = "+Inf";
        if (i < WORLD_BUCKETS - 1)
            number_format(world_bucket_bounds[i], bound);
        str_addf(out, "rag_e2e_latency_seconds_bucket{le=\"%s\"} %.0f\n", bound,
                 floor(w->latency_buckets[i]));
    }
    str_addf(out, "rag_e2e_latency_seconds_sum %.3f\n", w->latency_sum);
    str_addf(out, "rag_e2e_latency_seconds_count %.0f\n", floor(w->latency_buckets[WORLD_BUCKETS - 1]));
}

static void per_provider(struct str *out, const char *name, const char *help, const double *values)
{
    family(out, name, "counter", help);
    for (int i = 0; i < PROVIDERS; i++)
        str_addf(out, "%s{provider=\"%s\"} %.0f\n", name, provider_model((enum provider)i), floor(values[i]));
}

static void providers_write(const struct world *w, struct str *out)
{
    per_provider(out, "llm_api_error_total", "Errors of a provider.", w->errors_by_provider);
    per_provider(out, "llm_api_rate_limited_total", "Rate-limited calls of a provider.",
                 w->limited_by_provider);
    if (w->script.no_backup)
        return;
    family(out, "llm_token_age_seconds", "gauge", "Time since a provider last took our token.");
    str_addf(out, "llm_token_age_seconds{provider=\"backup\"} %.0f\n",
             (double)(world_wall_us(w, w->now_us) - world_wall_us(w, w->token_us)) / 1e6 +
                 (w->script.bad_token ? 3 * 86400 : 0));
}

static void users_write(const struct world *w, struct str *out)
{
    latency_write(w, out);
    counter(out, "rag_request_count_total", "Questions.", w->requests);
    counter(out, "rag_error_count_total", "Questions that failed.", w->errors);
    counter(out, "retriever_qps_total", "Queries to the retriever.", w->requests);
    counter(out, "retriever_retrieved_docs_count", "Documents retrieved.", w->documents);
    counter(out, "retriever_empty_result_count_total", "Queries without a result.", w->empties);
    double points = 0;
    for (int i = 0; i < 2; i++)
        for (int shard = 0; shard < w->collections[i].shard_count; shard++)
            points += w->collections[i].points[shard];
    gauge(out, "vectorstore_index_load_time_seconds", "Time that the index took to load.", 41.7);
    gauge(out, "vectorstore_memory_bytes", "Memory of the vector store.", 9.6e9);
    counter(out, "vectorstore_indexed_docs_total", "Documents indexed.", points);
    gauge(out, "rag_citation_hit_rate", "Share of answers that cite the right document.",
          round(w->hit_rate * 1e4) / 1e4);
    gauge(out, "rag_precision_shipped", "Precision of shipped answers.", round(w->precision * 1e4) / 1e4);
    counter(out, "rag_under_refusal_count_total", "Answers that should have been refused.", w->refusals);
    providers_write(w, out);
    gauge(out, "queue_backlog_count", "Requests waiting.", floor(w->backlog));
    counter(out, "rag_throttled_total", "Questions that were turned away.", w->throttled);
    counter(out, "rag_queued_total", "Long requests that were handed to the backlog.", w->queued);
    gauge(out, "rag_request_limit", "Questions a second that are let in; 0: all.", w->service.max_rps);
    gauge(out, "rag_primary_share", "Share of live answers that the primary provider gives.",
          w->service.primary);
    gauge(out, "rag_safe_mode", "Share of the pods that are in safe mode.", w->service.safe);
    gauge(out, "golden_canary_pass_ratio", "Share of the golden queries that passed the last time.",
          round(w->canary * 1e4) / 1e4);
    gauge(out, "golden_canary_last_run_timestamp_seconds", "When the golden queries were asked the last time.",
          floor((double)world_wall_us(w, w->canary_us) / 1e6));
}

static void breakers_write(const struct world *w, struct str *out)
{
    static const char *const states[] = {"closed",      "open",     "half_open",
                                         "forced_open", "disabled", "metrics_only"};
    family(out, "resilience4j_circuitbreaker_state", "gauge", "The states of the circuit breaker.");
    for (int i = 0; i < WORLD_BREAKERS; i++)
        for (int s = 0; s < 6; s++)
            str_addf(out, "resilience4j_circuitbreaker_state{name=\"%s\",state=\"%s\"} %d\n",
                     w->breakers[i].name, states[s], s == (int)w->breakers[i].state);
    family(out, "resilience4j_circuitbreaker_failure_rate", "gauge",
           "The failure rate of the circuit breaker, in percent.");
    for (int i = 0; i < WORLD_BREAKERS; i++)
        str_addf(out, "resilience4j_circuitbreaker_failure_rate{name=\"%s\"} %.1f\n", w->breakers[i].name,
                 100 * w->breakers[i].failure_rate);
    family(out, "resilience4j_circuitbreaker_slow_call_rate", "gauge",
           "The slow call rate of the circuit breaker, in percent.");
    for (int i = 0; i < WORLD_BREAKERS; i++)
        str_addf(out, "resilience4j_circuitbreaker_slow_call_rate{name=\"%s\"} 0.0\n", w->breakers[i].name);
    family(out, "resilience4j_circuitbreaker_buffered_calls", "gauge", "Calls in the ring buffer.");
    for (int i = 0; i < WORLD_BREAKERS; i++) {
        double failed = floor(100 * w->breakers[i].failure_rate);
        str_addf(out, "resilience4j_circuitbreaker_buffered_calls{kind=\"failed\",name=\"%s\"} %.0f\n",
                 w->breakers[i].name, failed);
        str_addf(out, "resilience4j_circuitbreaker_buffered_calls{kind=\"successful\",name=\"%s\"} %.0f\n",
                 w->breakers[i].name, 100 - failed);
    }
    family(out, "resilience4j_circuitbreaker_calls_seconds", "summary", "Calls by their outcome.");
    for (int i = 0; i < WORLD_BREAKERS; i++) {
        const struct breaker *b = &w->breakers[i];
        for (int ok = 0; ok < 2; ok++) {
            double calls = floor(ok ? b->calls_ok : b->calls_failed);
            const char *kind = ok ? "successful" : "failed";
            str_addf(out, "resilience4j_circuitbreaker_calls_seconds_count{kind=\"%s\",name=\"%s\"} %.0f\n",
                     kind, b->name, calls);
            str_addf(out, "resilience4j_circuitbreaker_calls_seconds_sum{kind=\"%s\",name=\"%s\"} %.3f\n",
                     kind, b->name, calls * .04);
        }
    }
    family(out, "resilience4j_circuitbreaker_not_permitted_calls_total", "counter",
           "Calls that were not permitted.");
    for (int i = 0; i < WORLD_BREAKERS; i++)
        str_addf(out,
                 "resilience4j_circuitbreaker_not_permitted_calls_total{kind=\"not_permitted\",name=\"%s\"} "
                 "%.0f\n",
                 w->breakers[i].name, floor(w->breakers[i].not_permitted));
}

static void chains_write(const struct world *w, struct str *out)
{
    static const struct {
        const char *name, *type, *help;
    } families[] = {{"fallback_hits_total", "counter", "Answers that a tier of a fallback chain gave."},
                    {"fallback_tier_number", "gauge", "Place of the tier in its chain, from 1."},
                    {"fallback_tier_cost_dollars", "gauge", "Cost of a call."},
                    {"fallback_tier_accuracy_ratio", "gauge", "Expected accuracy."}};
    for (int f = 0; f < 4; f++) {
        family(out, families[f].name, families[f].type, families[f].help);
        for (int i = 0; i < WORLD_TIERS; i++) {
            const struct tier *t = &w->tiers[i];
            double value = f == 0 ? floor(t->hits) : f == 1 ? t->number : f == 2 ? t->cost : t->accuracy;
            char text[NUMBER_TEXT_SIZE];
            number_format(value, text);
            str_addf(out, "%s{chain=\"%s\",tier=\"%s\"} %s\n", families[f].name, t->chain, t->name, text);
        }
    }
}

void exposition_write(const struct world *w, struct str *out)
{
    users_write(w, out);
    breakers_write(w, out);
    chains_write(w, out);
}
