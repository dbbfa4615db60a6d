/* The world in the shapes of the systems that it plays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/cluster.h"
#include "engine/simulate/route.h"

#define PEER_LOCAL  1840377193.0
#define PEER_REMOTE 2753109284.0

/* ---- Qdrant ---- */

void shape_collections(const struct world *w, cJSON *out)
{
    cJSON *list = cJSON_AddArrayToObject(out, "collections");
    for (int i = 0; i < 2; i++) {
        cJSON *collection = cJSON_CreateObject();
        cJSON_AddStringToObject(collection, "name", w->collections[i].name);
        cJSON_AddItemToArray(list, collection);
    }
}

static double points_of(const struct world *w, const struct collection *c, int shard)
{
    bool lost = c == &w->collections[0] && shard == w->fault_shard && c->primary[shard] == REPLICA_DEAD;
    return lost ? 0 : c->points[shard];
}

bool shape_collection(const struct world *w, const char *name, cJSON *out)
{
    const struct collection *c = world_collection(w, name);
    if (!c)
        return false;
    double points = 0;
    bool well = true;
    for (int shard = 0; shard < c->shard_count; shard++) {
        points += points_of(w, c, shard);
        well &= c->primary[shard] == REPLICA_ACTIVE;
    }
    cJSON_AddStringToObject(out, "status", well ? "green" : "yellow");
    cJSON_AddStringToObject(out, "optimizer_status", "ok");
    cJSON_AddNumberToObject(out, "points_count", points);
    cJSON_AddNumberToObject(out, "indexed_vectors_count", points);
    cJSON_AddNumberToObject(out, "segments_count", 8 * c->shard_count);
    cJSON *params = cJSON_AddObjectToObject(cJSON_AddObjectToObject(out, "config"), "params");
    cJSON_AddNumberToObject(params, "shard_number", c->shard_count);
    cJSON_AddNumberToObject(params, "replication_factor", 2);
    return true;
}

bool shape_cluster_info(const struct world *w, const char *name, cJSON *out)
{
    const struct collection *c = world_collection(w, name);
    if (!c)
        return false;
    cJSON_AddNumberToObject(out, "peer_id", PEER_LOCAL);
    cJSON_AddNumberToObject(out, "shard_count", c->shard_count);
    cJSON *local = cJSON_AddArrayToObject(out, "local_shards"),
          *remote = cJSON_AddArrayToObject(out, "remote_shards");
    for (int shard = 0; shard < c->shard_count; shard++) {
        cJSON *here = cJSON_CreateObject(), *there = cJSON_CreateObject();
        cJSON_AddNumberToObject(here, "shard_id", shard);
        cJSON_AddNumberToObject(here, "points_count", points_of(w, c, shard));
        cJSON_AddStringToObject(here, "state", replica_state_text(c->primary[shard]));
        cJSON_AddItemToArray(local, here);
        cJSON_AddNumberToObject(there, "shard_id", shard);
        cJSON_AddNumberToObject(there, "peer_id", PEER_REMOTE);
        cJSON_AddStringToObject(there, "state", replica_state_text(c->replica[shard]));
        cJSON_AddItemToArray(remote, there);
    }
    cJSON_AddArrayToObject(out, "shard_transfers");
    return true;
}

bool shape_snapshots(const struct world *w, const char *name, cJSON *out)
{
    const struct collection *c = world_collection(w, name);
    if (!c)
        return false;
    for (int day = 0; day < 8; day++) { /* one a day, kept for a week */
        char text[CLOCK_TEXT_SIZE], file[96];
        clock_format(world_wall_us(w, c->snapshot_us) - day * WORLD_SNAPSHOT_S * US_PER_S, text);
        text[19] = '\0'; /* Qdrant gives no zone */
        snprintf(file, sizeof file, "%s-%.10s.snapshot", name, text);
        cJSON *snapshot = cJSON_CreateObject();
        cJSON_AddStringToObject(snapshot, "name", file);
        cJSON_AddStringToObject(snapshot, "creation_time", text);
        cJSON_AddNumberToObject(snapshot, "size", 1.2e9 - 3e6 * day);
        cJSON_AddItemToArray(out, snapshot);
    }
    return true;
}

/* ---- Alertmanager ---- */

static void time_add(cJSON *object, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(wall_us, text);
    memcpy(text + 23, "Z", 2); /* milliseconds, as Alertmanager gives them */
    cJSON_AddStringToObject(object, key, text);
}

cJSON *shape_alerts(const struct world *w)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < WORLD_ALERTS; i++) {
        const struct alert *a = &w->alerts[i];
        if (a->firing_us < 0)
            continue;
        cJSON *alert = cJSON_CreateObject();
        cJSON *annotations = cJSON_AddObjectToObject(alert, "annotations");
        char summary[96], fingerprint[20];
        snprintf(summary, sizeof summary, "shard docs/shard-%d does not answer", w->fault_shard);
        cJSON_AddStringToObject(annotations, "summary", a->summary ? a->summary : summary);
        time_add(alert, "endsAt", world_wall_us(w, w->now_us) + 240 * US_PER_S);
        snprintf(fingerprint, sizeof fingerprint, "%016llx",
                 (unsigned long long)checksum64(a->name, strlen(a->name)));
        cJSON_AddStringToObject(alert, "fingerprint", fingerprint);
        cJSON *receiver = cJSON_CreateObject();
        cJSON_AddStringToObject(receiver, "name", "on-call");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(alert, "receivers"), receiver);
        time_add(alert, "startsAt", world_wall_us(w, a->firing_us));
        cJSON *status = cJSON_AddObjectToObject(alert, "status");
        cJSON_AddArrayToObject(status, "inhibitedBy");
        cJSON_AddArrayToObject(status, "silencedBy");
        cJSON_AddStringToObject(status, "state", "active");
        time_add(alert, "updatedAt", world_wall_us(w, w->now_us));
        cJSON_AddStringToObject(alert, "generatorURL", "http://prometheus.rag:9090/graph");
        cJSON *labels = cJSON_AddObjectToObject(alert, "labels");
        cJSON_AddStringToObject(labels, "alertname", a->name);
        cJSON_AddStringToObject(labels, "severity", a->severity);
        cJSON_AddStringToObject(labels, "component", i == 0 ? "vectorstore" : "rag");
        if (!a->summary) {
            snprintf(summary, sizeof summary, "docs/shard-%d", w->fault_shard);
            cJSON_AddStringToObject(labels, "shard", summary);
        }
        cJSON_AddItemToArray(list, alert);
    }
    return list;
}

/* ---- Breakers as the actuator shows them ---- */

cJSON *shape_breakers(const struct world *w)
{
    static const char *const states[] = {"CLOSED", "OPEN", "HALF_OPEN"};
    cJSON *out = cJSON_CreateObject(), *all = cJSON_AddObjectToObject(out, "circuitBreakers");
    for (int i = 0; i < WORLD_BREAKERS; i++) {
        const struct breaker *b = &w->breakers[i];
        cJSON *breaker = cJSON_AddObjectToObject(all, b->name);
        char rate[16];
        snprintf(rate, sizeof rate, "%.1f%%", 100 * b->failure_rate);
        cJSON_AddStringToObject(breaker, "failureRate", rate);
        cJSON_AddStringToObject(breaker, "slowCallRate", "0.0%");
        cJSON_AddStringToObject(breaker, "failureRateThreshold", "50.0%");
        cJSON_AddStringToObject(breaker, "slowCallRateThreshold", "100.0%");
        cJSON_AddNumberToObject(breaker, "bufferedCalls", 100);
        cJSON_AddNumberToObject(breaker, "failedCalls", floor(100 * b->failure_rate));
        cJSON_AddNumberToObject(breaker, "slowCalls", 0);
        cJSON_AddNumberToObject(breaker, "slowFailedCalls", 0);
        cJSON_AddNumberToObject(breaker, "notPermittedCalls", floor(b->not_permitted));
        cJSON_AddStringToObject(breaker, "state", states[b->state]);
    }
    return out;
}

/* ---- The batch job ---- */

static cJSON *checkpoint_make(const struct world *w)
{
    const struct batch_job *job = &w->job;
    cJSON *c = cJSON_CreateObject();
    char id[32];
    snprintf(id, sizeof id, "chk_%.0f", job->checkpointed);
    cJSON_AddStringToObject(c, "checkpoint_id", id);
    cJSON_AddStringToObject(c, "run_id", job->run);
    cJSON_AddNumberToObject(c, "last_processed_index", job->checkpointed);
    cJSON *context = cJSON_AddObjectToObject(c, "context");
    cJSON_AddNumberToObject(context, "records_processed", job->checkpointed);
    cJSON_AddNumberToObject(context, "transformations_applied", floor(job->checkpointed * .948));
    cJSON_AddNumberToObject(context, "quality_score", .85);
    cJSON *state = cJSON_AddObjectToObject(context, "state");
    cJSON_AddNumberToObject(state, "current_batch", floor(job->checkpointed / job->interval));
    cJSON_AddArrayToObject(state, "failed_records");
    cJSON_AddNumberToObject(state, "avg_processing_time_ms", 1000 / job->rate);
    time_add(c, "timestamp", world_wall_us(w, job->checkpoint_us));
    cJSON *metadata = cJSON_AddObjectToObject(c, "metadata");
    cJSON_AddStringToObject(metadata, "agent_id", "self_healing_deep_agent");
    cJSON_AddNumberToObject(metadata, "total_tokens_used", floor(job->checkpointed * 41.5));
    cJSON_AddNumberToObject(metadata, "total_cost_usd", floor(job->cost * 100) / 100);
    return c;
}

cJSON *shape_checkpoints(const struct world *w)
{
    cJSON *out = cJSON_CreateObject();
    char key[96];
    snprintf(key, sizeof key, "checkpoint:%s:chk_%.0f", w->job.run, w->job.checkpointed);
    cJSON_AddItemToObject(out, key, checkpoint_make(w));
    return out;
}

struct progress {
    const char *name, *state;
    double done, total, rate, interval, cost;
    int64_t checkpoint_us;
};

static void job_add(cJSON *list, const struct world *w, const struct progress *p)
{
    double age = (double)(world_wall_us(w, w->now_us) - world_wall_us(w, p->checkpoint_us)) / 1e6;
    cJSON *job = cJSON_CreateObject();
    cJSON_AddStringToObject(job, "name", p->name);
    cJSON_AddStringToObject(job, "state", p->state);
    cJSON_AddNumberToObject(job, "done", floor(p->done));
    cJSON_AddNumberToObject(job, "total", p->total);
    cJSON_AddNumberToObject(job, "rate", p->rate * w->speed);
    cJSON_AddNumberToObject(job, "interval", p->interval);
    cJSON_AddNumberToObject(job, "checkpoint_age_s", floor(age * 10) / 10);
    cJSON_AddNumberToObject(job, "eta_s", p->rate > 0 ? floor((p->total - p->done) / p->rate / w->speed) : 0);
    cJSON_AddNumberToObject(job, "cost", floor(p->cost * 100) / 100);
    cJSON_AddItemToArray(list, job);
}

static void batch_job_add(cJSON *list, const struct world *w, const struct batch_job *job)
{
    bool done = job->done >= job->total;
    struct progress p = {.name = job->run,
                         .state = done ? "completed" : "running",
                         .done = job->checkpointed,
                         .total = job->total,
                         .rate = done ? 0 : job->rate,
                         .interval = job->interval,
                         .cost = job->cost,
                         .checkpoint_us = job->checkpoint_us};
    job_add(list, w, &p);
}

/* Jobs of the cluster that re-index have progress too. */
static void reindex_add(cJSON *list, const struct world *w)
{
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *job = w->cluster->objects.data[i];
        if (strcmp(object_kind(job), "Job") != 0 || !str_starts(object_name(job), "reindex-"))
            continue;
        bool ended = json_at(job, "/status/conditions") != NULL;
        double share = (double)(w->now_us - object_began_us(job)) / (double)CLUSTER_JOB_US;
        struct progress p = {.name = object_name(job),
                             .state = ended ? "completed" : "running",
                             .done = 1200 * (ended || share > 1 ? 1 : share),
                             .total = 1200,
                             .rate = ended ? 0 : 150,
                             .interval = 50,
                             .checkpoint_us = ended ? object_began_us(job) + CLUSTER_JOB_US : w->now_us};
        job_add(list, w, &p);
    }
}

cJSON *shape_jobs(const struct world *w)
{
    cJSON *out = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(out, "jobs");
    batch_job_add(list, w, &w->job);
    for (size_t i = 0; i < w->finished_count; i++)
        batch_job_add(list, w, &w->finished[i]);
    reindex_add(list, w);
    return out;
}

/* ---- Components ---- */

/* Pods of the stateful sets of a collection: one component a collection. */
static void store_add(cJSON *list, const struct world *w, const struct collection *c)
{
    int ready = 0, all = 0;
    double restarts = 0;
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *pod = w->cluster->objects.data[i];
        if (strcmp(object_kind(pod), "Pod") != 0 || !str_eq(object_label(pod, "collection"), c->name) ||
            str_eq(object_label(pod, "role"), "failed"))
            continue;
        all++;
        ready += pod_ready(pod);
        restarts += json_double(json_at(pod, "/status/containerStatuses/0"), "restartCount", 0);
    }
    cJSON *component = cJSON_CreateObject();
    char name[64];
    snprintf(name, sizeof name, "store-%s", c->name);
    cJSON_AddStringToObject(component, "name", name);
    cJSON_AddNumberToObject(component, "ready", ready);
    cJSON_AddNumberToObject(component, "replicas", all);
    cJSON_AddNumberToObject(component, "restarts", restarts);
    cJSON_AddItemToArray(list, component);
}

cJSON *shape_components(const struct world *w)
{
    cJSON *out = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(out, "components");
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *deployment = w->cluster->objects.data[i];
        /* the runbook's own deployments count with their collection */
        if (strcmp(object_kind(deployment), "Deployment") != 0 || object_label(deployment, "collection"))
            continue;
        int ready, wanted;
        deployment_counts(w->cluster, deployment, &ready, &wanted);
        cJSON *component = cJSON_CreateObject();
        cJSON_AddStringToObject(component, "name", object_name(deployment));
        cJSON_AddNumberToObject(component, "ready", ready);
        cJSON_AddNumberToObject(component, "replicas", wanted);
        cJSON_AddNumberToObject(component, "restarts", 0);
        cJSON_AddItemToArray(list, component);
    }
    for (int i = 0; i < 2; i++)
        store_add(list, w, &w->collections[i]);
    return out;
}
