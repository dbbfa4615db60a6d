/* The cluster as it is before anything goes wrong. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/cluster.h"
#include "engine/simulate/startup.h"
#include "engine/simulate/world.h"

#define STORE_IMAGE   "qdrant/qdrant:v1.11.3"
#define RELEASE_IMAGE "registry.example/rag:2026.11"

void cluster_add_set_pod(struct world *w, const char *collection, int shard, int ordinal, bool at_first)
{
    char name[64], number[24];
    snprintf(name, sizeof name, "%s-shard-%d-%d", collection, shard, ordinal);
    snprintf(number, sizeof number, "shard-%d", shard);
    cJSON *pod = pod_new(name, "vectorstore", STORE_IMAGE);
    object_label_set(pod, "labels", "collection", collection);
    object_label_set(pod, "labels", "shard", number);
    object_label_set(pod, "labels", "role", ordinal == 0 ? "primary" : "replica");
    object_label_set(pod, "labels", "serving", ordinal == 0 ? "true" : "false");
    object_owner_set(pod, "StatefulSet", name);
    object_began_set(pod, at_first ? -600 * US_PER_S : w->now_us);
    pod_status_set(pod, "Pending", false, "ContainerCreating");
    cluster_add(w->cluster, pod, world_wall_us(w, w->now_us) - (at_first ? 19 * 86400 * US_PER_S : 0));
}

static cJSON *plain_object(const char *version, const char *kind, const char *name)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "apiVersion", version);
    cJSON_AddStringToObject(object, "kind", kind);
    cJSON_AddStringToObject(object_member(object, "metadata"), "name", name);
    return object;
}

static void shards_add(struct world *w, const struct collection *collection)
{
    for (int shard = 0; shard < collection->shard_count; shard++) {
        char name[64], number[24];
        cluster_add_set_pod(w, collection->name, shard, 0, true);
        if (world_has_replica(w, collection, shard))
            cluster_add_set_pod(w, collection->name, shard, 1, true);
        snprintf(name, sizeof name, "%s-shard-%d", collection->name, shard);
        snprintf(number, sizeof number, "shard-%d", shard);
        for (int kind = 0; kind < 2; kind++) {
            cJSON *object = plain_object("v1", kind ? "Endpoints" : "Service", name);
            object_label_set(object, "labels", "app", "vectorstore");
            object_label_set(object, "labels", "collection", collection->name);
            object_label_set(object, "labels", "shard", number);
            cluster_add(w->cluster, object, world_wall_us(w, 0) - 90 * 86400 * US_PER_S);
        }
    }
}

/* With hooks, what needs the controller has an init container that waits for it. */
static void gate_add(cJSON *pod_spec, const char *component)
{
    if (!strstr(startup_needs(component), "controller"))
        return;
    cJSON *gate = cJSON_CreateObject();
    cJSON_AddStringToObject(gate, "name", STARTUP_GATE);
    cJSON_AddStringToObject(gate, "image", "busybox:1.36");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(pod_spec, "initContainers"), gate);
}

static void deployment_add(struct world *w, const char *name, int replicas)
{
    cJSON *d = plain_object("apps/v1", "Deployment", name);
    object_label_set(d, "labels", "app", name);
    object_label_set(d, "labels", "app.kubernetes.io/part-of", "rag");
    object_label_set(d, "annotations", "depends-on", startup_needs(name));
    cJSON *spec = object_member(d, "spec");
    cJSON_AddNumberToObject(spec, "replicas", replicas);
    cJSON *strategy = object_member(spec, "strategy");
    cJSON_AddStringToObject(strategy, "type", "RollingUpdate");
    cJSON_AddStringToObject(object_member(strategy, "rollingUpdate"), "maxSurge", "100%");
    cJSON *template = object_member(spec, "template");
    object_label_set(template, "labels", "app", name);
    cJSON *containers = cJSON_AddArrayToObject(object_member(template, "spec"), "containers");
    cJSON *container = cJSON_CreateObject();
    cJSON_AddStringToObject(container, "name", name);
    cJSON_AddStringToObject(container, "image", RELEASE_IMAGE);
    cJSON_AddItemToArray(containers, container);
    if (w->script.hooks)
        gate_add(object_member(template, "spec"), name);
    object_began_set(d, w->now_us - 600 * US_PER_S);
    cluster_add(w->cluster, d, world_wall_us(w, 0) - 12 * 86400 * US_PER_S);
}

/* ---- Jobs ---- */

static cJSON *template_add(cJSON *spec, const char *name, const char *image, const char *const *command)
{
    cJSON *pod_spec = object_member(object_member(spec, "template"), "spec");
    cJSON *container = cJSON_CreateObject(), *words = NULL;
    cJSON_AddStringToObject(pod_spec, "restartPolicy", "Never");
    cJSON_AddStringToObject(container, "name", name);
    cJSON_AddStringToObject(container, "image", image);
    words = cJSON_AddArrayToObject(container, "command");
    for (; *command; command++)
        cJSON_AddItemToArray(words, cJSON_CreateString(*command));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(pod_spec, "containers"), container);
    return pod_spec;
}

static void reindex_cron_add(struct world *w, const char *collection)
{
    char *name = xasprintf("reindex-%s", collection);
    cJSON *cron = plain_object("batch/v1", "CronJob", name), *spec = object_member(cron, "spec");
    cJSON_AddStringToObject(spec, "schedule", "0 4 * * *");
    const char *const command[] = {"ctl", "index", "rebuild", "--missing", "--collection", collection, NULL};
    template_add(object_member(object_member(spec, "jobTemplate"), "spec"), "reindex", STORE_IMAGE, command);
    cluster_add(w->cluster, cron, world_wall_us(w, 0) - 90 * 86400 * US_PER_S);
    free(name);
}

static void job_condition_add(cJSON *job, const char *type, const char *reason)
{
    cJSON *status = object_member(job, "status"), *condition = cJSON_CreateObject();
    cJSON_AddNumberToObject(status, strcmp(type, "Complete") == 0 ? "succeeded" : "failed", 1);
    cJSON_AddStringToObject(condition, "type", type);
    cJSON_AddStringToObject(condition, "status", "True");
    if (reason)
        cJSON_AddStringToObject(condition, "reason", reason);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(status, "conditions"), condition);
}

void cluster_migration_set(struct world *w, bool well)
{
    static const char *const command[] = {"python", "migrate.py", NULL};
    cJSON *known = cluster_find(w->cluster, "Job", "migrations");
    if (known)
        cluster_remove(w->cluster, known);
    for (size_t i = w->cluster->objects.len; i-- > 0;)
        if (object_owned_by(w->cluster->objects.data[i], "Job", "migrations"))
            cluster_remove(w->cluster, w->cluster->objects.data[i]);
    cJSON *job = plain_object("batch/v1", "Job", "migrations");
    object_label_set(job, "annotations", "helm.sh/hook", "pre-install,pre-upgrade");
    object_label_set(job, "labels", "app.kubernetes.io/part-of", "rag");
    cJSON *spec = object_member(job, "spec");
    cJSON_AddNumberToObject(spec, "backoffLimit", 0);
    template_add(spec, "migrations", RELEASE_IMAGE, command);
    object_began_set(job, w->now_us - job_takes_us(job));
    job_condition_add(job, well ? "Complete" : "Failed", well ? NULL : "BackoffLimitExceeded");
    cluster_add(w->cluster, job, world_wall_us(w, w->now_us) - (w->now_us > 0 ? 0 : 12 * 86400 * US_PER_S));
    cJSON *pod = pod_new("migrations-x7k2p", "migrations", RELEASE_IMAGE);
    object_label_set(pod, "labels", "job-name", "migrations");
    object_owner_set(pod, "Job", "migrations");
    object_began_set(pod, w->now_us - job_takes_us(job));
    cJSON_AddBoolToObject(object_member(pod, "x-simulation"), "of_job", true);
    pod_status_set(pod, well ? "Succeeded" : "Failed", false, NULL);
    cluster_add(w->cluster, pod, world_wall_us(w, w->now_us) - (w->now_us > 0 ? 0 : 12 * 86400 * US_PER_S));
}

void cluster_event(struct world *w, const char *type, const char *reason, const char *about,
                   const char *message)
{
    const cJSON *oldest = NULL;
    size_t count = 0;
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        if (strcmp(object_kind(w->cluster->objects.data[i]), "Event") != 0)
            continue;
        oldest = oldest ? oldest : w->cluster->objects.data[i];
        count++;
    }
    if (count >= CLUSTER_EVENTS)
        cluster_remove(w->cluster, oldest);
    char *name = xasprintf("%s.%llx", about, (unsigned long long)w->cluster->serial);
    cJSON *event = plain_object("v1", "Event", name);
    cJSON_AddStringToObject(event, "type", type);
    cJSON_AddStringToObject(event, "reason", reason);
    cJSON_AddStringToObject(event, "message", message);
    cJSON_AddStringToObject(object_member(event, "involvedObject"), "name", about);
    cluster_add(w->cluster, event, world_wall_us(w, w->now_us));
    free(name);
}

/* ---- Config maps ---- */

/* Where the gateway sends what is meant for each provider; an empty one is not configured. */
static void providers_add(struct world *w)
{
    cJSON *map = plain_object("v1", "ConfigMap", "rag-providers"), *data = object_member(map, "data");
    cJSON_AddStringToObject(data, "primary", "https://api.gpt.example/v1");
    cJSON_AddStringToObject(data, "backup", w->script.no_backup ? "" : "https://api.claude.example/v1");
    cluster_add(w->cluster, map, world_wall_us(w, 0) - 40 * 86400 * US_PER_S);
}

/* Twelve questions with the document that a right answer cites; asked by runbooks and by the canary. */
static void golden_add(struct world *w)
{
    static const char queries[] = "q01|How long is a refund pending?|handbook/refunds-4\n"
                                  "q02|Which regions keep data inside the EU?|policy/residency-2\n"
                                  "q03|How do I rotate an API key?|guide/keys-7\n"
                                  "q04|What does error E4012 mean?|errors/e4012\n"
                                  "q05|How many seats does the team plan have?|pricing/team-1\n"
                                  "q06|When are invoices sent?|handbook/invoices-2\n"
                                  "q07|How do I export my workspace?|guide/export-3\n"
                                  "q08|Which file types can be indexed?|guide/ingest-5\n"
                                  "q09|What is the upload limit?|limits/upload-1\n"
                                  "q10|How do I invite an auditor?|guide/roles-9\n"
                                  "q11|Is there an audit log?|policy/audit-3\n"
                                  "q12|How do I close my account?|handbook/closing-6\n";
    cJSON *map = plain_object("v1", "ConfigMap", "golden-docs");
    cJSON_AddStringToObject(object_member(map, "data"), "queries", queries);
    cluster_add(w->cluster, map, world_wall_us(w, 0) - 40 * 86400 * US_PER_S);
}

struct cluster *cluster_new(struct world *w)
{
    struct cluster *c = xcalloc(1, sizeof *c);
    static const struct {
        const char *name;
        int replicas;
    } deployments[] = {{"rag-api", 3},    {"retriever", 2},   {"generator", 2},     {"indexer", 1},
                       {"controller", 1}, {"vectorstore", 1}, {"backlog-worker", 1}};
    w->cluster = c;
    rng_seed(&c->rng, w->seed ^ 0xc105);
    for (size_t i = 0; i < sizeof deployments / sizeof *deployments; i++)
        deployment_add(w, deployments[i].name, deployments[i].replicas);
    for (int i = 0; i < 2; i++)
        shards_add(w, &w->collections[i]);
    golden_add(w);
    providers_add(w);
    for (int i = 0; i < 2; i++)
        reindex_cron_add(w, w->collections[i].name);
    cluster_migration_set(w, true);
    cluster_advance(w);
    for (size_t i = 0; i < c->objects.len; i++) /* they have all been running for long */
        if (strcmp(object_kind(c->objects.data[i]), "Pod") == 0 &&
            !object_label(c->objects.data[i], "job-name"))
            object_began_set(c->objects.data[i], -600 * US_PER_S);
    cluster_advance(w);
    return c;
}
