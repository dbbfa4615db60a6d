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
    bool struck = c == &w->collections[0] && shard == w->fault_shard;
    if (struck && c->primary[shard] == REPLICA_DEAD)
        return 0;
    return c->points[shard] - (struck ? w->missing : 0);
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
        if (!world_has_replica(w, c, shard)) {
            cJSON_Delete(there);
            continue;
        }
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
    for (int day = 0; day < world_snapshots(w); day++) {
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

void shape_time_add(cJSON *object, const char *key, int64_t wall_us)
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
        shape_time_add(alert, "endsAt", world_wall_us(w, w->now_us) + 240 * US_PER_S);
        snprintf(fingerprint, sizeof fingerprint, "%016llx",
                 (unsigned long long)checksum64(a->name, strlen(a->name)));
        cJSON_AddStringToObject(alert, "fingerprint", fingerprint);
        cJSON *receiver = cJSON_CreateObject();
        cJSON_AddStringToObject(receiver, "name", "on-call");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(alert, "receivers"), receiver);
        shape_time_add(alert, "startsAt", world_wall_us(w, a->firing_us));
        cJSON *status = cJSON_AddObjectToObject(alert, "status");
        cJSON_AddArrayToObject(status, "inhibitedBy");
        cJSON_AddArrayToObject(status, "silencedBy");
        cJSON_AddStringToObject(status, "state", "active");
        shape_time_add(alert, "updatedAt", world_wall_us(w, w->now_us));
        cJSON_AddStringToObject(alert, "generatorURL", "http://prometheus.rag:9090/graph");
        cJSON *labels = cJSON_AddObjectToObject(alert, "labels");
        cJSON_AddStringToObject(labels, "alertname", a->name);
        cJSON_AddStringToObject(labels, "severity", a->severity);
        cJSON_AddStringToObject(labels, "component", a->component);
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
