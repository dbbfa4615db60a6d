/* The controllers: deployments and stateful sets keep their pods, jobs do their work, services find their
 * pods. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/cluster.h"
#include "engine/simulate/startup.h"
#include "engine/simulate/world.h"

#define JOB_US           (8 * US_PER_S)
#define JOB_ENDING_US    (1 * US_PER_S)
#define REINDEX_US       (15 * US_PER_S)
#define RESTART_US       (12 * US_PER_S) /* between two starts of a crash loop */
#define RECOVERING_US    (2 * US_PER_S)  /* from the last obstacle's end to ready */
#define DOCUMENTS        1200            /* that came after a snapshot */
#define POD_CREATING_US  (1 * US_PER_S)
#define POD_STARTING_US  (3 * US_PER_S)
#define CLAIM_BINDING_US (US_PER_S / 2)

static bool of_kind(const cJSON *object, const char *kind)
{
    return strcmp(object_kind(object), kind) == 0;
}

/* The claim that a pod template mounts; NULL without one. */
static const char *claim_of(const cJSON *spec)
{
    const cJSON *volume;
    cJSON_ArrayForEach(volume, cJSON_GetObjectItemCaseSensitive(spec, "volumes"))
    {
        const char *claim =
            json_string(cJSON_GetObjectItemCaseSensitive(volume, "persistentVolumeClaim"), "claimName", NULL);
        if (claim)
            return claim;
    }
    return NULL;
}

static const cJSON *claim_bound(const struct world *w, const char *name)
{
    const cJSON *claim = cluster_find(w->cluster, "PersistentVolumeClaim", name);
    bool bound = claim && strcmp(json_string(cJSON_GetObjectItemCaseSensitive(claim, "status"), "phase", ""),
                                 "Bound") == 0;
    return bound ? claim : NULL;
}

bool pod_has_data(const struct world *w, const cJSON *pod)
{
    const char *claim_name = claim_of(cJSON_GetObjectItemCaseSensitive(pod, "spec"));
    if (claim_name) {
        const cJSON *claim = cluster_find(w->cluster, "PersistentVolumeClaim", claim_name);
        return json_bool(cJSON_GetObjectItemCaseSensitive(claim, "x-simulation"), "restored", false);
    }
    char broken[64];
    snprintf(broken, sizeof broken, "%s-shard-%d-0", w->collections[0].name, w->fault_shard);
    return !w->broken || w->reopened || strcmp(object_name(pod), broken) != 0;
}

/* ---- Pods ---- */

/* Its process gives up, again and again, until what it needs is there. */
static void pod_crash(cJSON *pod, int64_t age_us)
{
    cJSON *hidden = object_member(pod, "x-simulation");
    cJSON_DeleteItemFromObjectCaseSensitive(hidden, "clear_us");
    pod_status_set(pod, "Running", false, "CrashLoopBackOff");
    pod_restarts_set(pod, 1 + (int)((age_us - POD_STARTING_US) / RESTART_US));
    cJSON_DeleteItemFromObjectCaseSensitive(hidden, "crashed");
    cJSON_AddBoolToObject(hidden, "crashed", true);
}

/* It has crashed before: the next start goes well. */
static void pod_recover(struct world *w, cJSON *pod)
{
    cJSON *hidden = object_member(pod, "x-simulation");
    double clear_us = json_double(hidden, "clear_us", -1);
    if (clear_us < 0)
        object_number_set(hidden, "clear_us", (double)w->now_us);
    else if ((double)w->now_us - clear_us >= (double)RECOVERING_US)
        pod_status_set(pod, "Running", true, NULL);
}

static void pod_start(struct world *w, cJSON *pod, int64_t age_us)
{
    struct str why = {0};
    if (startup_gated(w, pod)) {
        pod_status_set(pod, "Pending", false, "PodInitializing");
        cJSON *init = cJSON_CreateObject();
        cJSON_AddStringToObject(init, "name", STARTUP_GATE);
        cJSON_AddBoolToObject(init, "ready", false);
        cJSON *status = object_member(pod, "status");
        cJSON_DeleteItemFromObjectCaseSensitive(status, "initContainerStatuses");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(status, "initContainerStatuses"), init);
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(object_member(pod, "status"), "initContainerStatuses");
    if (age_us < POD_STARTING_US)
        pod_status_set(pod, "Running", false, NULL);
    else if (startup_blocked(w, pod, &why))
        pod_crash(pod, age_us);
    else if (json_at(pod, "/x-simulation/crashed"))
        pod_recover(w, pod);
    else
        pod_status_set(pod, "Running", true, NULL);
    str_fini(&why);
}

static void pod_advance(struct world *w, cJSON *pod)
{
    int64_t age_us = w->now_us - object_began_us(pod);
    const char *claim = claim_of(cJSON_GetObjectItemCaseSensitive(pod, "spec"));
    if (json_bool(cJSON_GetObjectItemCaseSensitive(pod, "x-simulation"), "of_job", false))
        return;
    if (claim && !claim_bound(w, claim))
        pod_status_set(pod, "Pending", false, NULL);
    else if (age_us < POD_CREATING_US)
        pod_status_set(pod, "Pending", false, "ContainerCreating");
    else if (!pod_ready(pod))
        pod_start(w, pod, age_us);
}

static cJSON *pod_from_template(struct world *w, const cJSON *owner, const char *kind)
{
    const cJSON *template = json_at(owner, "/spec/template");
    char suffix[6], name[300];
    pod_suffix(w->cluster, suffix);
    snprintf(name, sizeof name, "%.250s-%s%s", object_name(owner),
             strcmp(kind, "Job") == 0 ? "" : "7c9d8f6b5-", suffix);
    cJSON *pod = cJSON_Duplicate(template, true);
    if (!cJSON_IsObject(pod)) {
        cJSON_Delete(pod);
        pod = cJSON_CreateObject();
    }
    cJSON_AddStringToObject(pod, "apiVersion", "v1");
    cJSON_AddStringToObject(pod, "kind", "Pod");
    object_text_set(object_member(pod, "metadata"), "name", name);
    object_text_set(object_member(pod, "metadata"), "namespace", object_namespace(owner));
    if (strcmp(kind, "Job") == 0)
        object_label_set(pod, "labels", "job-name", object_name(owner));
    object_owner_set(pod, kind, object_name(owner));
    object_began_set(pod, w->now_us);
    object_number_set(object_member(pod, "x-simulation"), "revision",
                      json_double(json_at(owner, "/x-simulation"), "revision", 0));
    pod_status_set(pod, "Pending", false, "ContainerCreating");
    cluster_add(w->cluster, pod, world_wall_us(w, w->now_us));
    return pod;
}

/* Takes so many pods of a deployment away, of the newest template or of those before it; such as are not
 * ready first. */
static void pods_take(struct world *w, const cJSON *deployment, bool newest, int count)
{
    double revision = json_double(json_at(deployment, "/x-simulation"), "revision", 0);
    for (int ready = 0; ready < 2; ready++) {
        for (size_t i = w->cluster->objects.len; i-- > 0 && count > 0;) {
            const cJSON *pod = w->cluster->objects.data[i];
            if (!object_owned_by(pod, "Deployment", object_name(deployment)) ||
                pod_ready(pod) != (ready == 1) ||
                (json_double(json_at(pod, "/x-simulation"), "revision", 0) >= revision) != newest)
                continue;
            cluster_remove(w->cluster, pod);
            count--;
        }
    }
}

static void count_set(cJSON *status, const char *key, int count)
{
    cJSON_DeleteItemFromObjectCaseSensitive(status, key);
    if (count > 0) /* the API leaves a zero out */
        cJSON_AddNumberToObject(status, key, count);
}

static void deployment_advance(struct world *w, cJSON *deployment)
{
    int old, updated, available, ready;
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(deployment, "spec");
    int wanted = (int)json_double(spec, "replicas", 1);
    bool recreate =
        strcmp(json_string(cJSON_GetObjectItemCaseSensitive(spec, "strategy"), "type", ""), "Recreate") == 0;
    deployment_rollout(w->cluster, deployment, &old, &updated, &available);
    if (updated > wanted)
        pods_take(w, deployment, true, updated - wanted);
    if (recreate || available >= wanted || updated > wanted)
        pods_take(w, deployment, false, old);
    for (; updated < wanted && updated < 20; updated++)
        pod_from_template(w, deployment, "Deployment");
    deployment_rollout(w->cluster, deployment, &old, &updated, &available);
    deployment_counts(w->cluster, deployment, &ready, &wanted);
    cJSON *status = object_member(deployment, "status");
    count_set(status, "replicas", old + updated);
    count_set(status, "updatedReplicas", updated);
    count_set(status, "readyReplicas", ready);
    count_set(status, "availableReplicas", ready);
    count_set(status, "unavailableReplicas", wanted > ready ? wanted - ready : 0);
}

/* Pods without their owner go; those of the shards' stateful sets come again. */
static void pods_sweep(struct world *w)
{
    for (size_t i = w->cluster->objects.len; i-- > 0;) {
        cJSON *pod = w->cluster->objects.data[i];
        const char *owner = json_string(cJSON_GetObjectItemCaseSensitive(pod, "x-simulation"), "owner", "");
        const char *slash = strchr(owner, '/');
        if (!of_kind(pod, "Pod") || !slash || str_starts(owner, "StatefulSet/"))
            continue;
        char kind[32];
        snprintf(kind, sizeof kind, "%.*s", (int)(slash - owner), owner);
        if (!cluster_find(w->cluster, kind, slash + 1))
            cluster_remove(w->cluster, pod);
    }
    for (int i = 0; i < 2; i++) {
        const struct collection *c = &w->collections[i];
        for (int shard = 0; shard < c->shard_count; shard++) {
            for (int ordinal = 0; ordinal < 2; ordinal++) {
                char name[64];
                snprintf(name, sizeof name, "%s-shard-%d-%d", c->name, shard, ordinal);
                if (!cluster_find(w->cluster, "Pod", name) &&
                    (ordinal == 0 || world_has_replica(w, c, shard)))
                    cluster_add_set_pod(w, c->name, shard, ordinal, false);
            }
        }
    }
}

/* ---- Jobs and claims ---- */

static void job_condition_add(cJSON *job, const char *type)
{
    cJSON *status = object_member(job, "status"), *condition = cJSON_CreateObject();
    cJSON *conditions = cJSON_GetObjectItemCaseSensitive(status, "conditions");
    cJSON_AddStringToObject(condition, "type", type);
    cJSON_AddStringToObject(condition, "status", "True");
    cJSON_AddItemToArray(conditions ? conditions : cJSON_AddArrayToObject(status, "conditions"), condition);
}

/* Since Kubernetes 1.31 a job is first said to be about to end, and has ended only when its pods are gone:
 * whoever takes any condition for the end is wrong. */
static void job_end(struct world *w, cJSON *job, bool well)
{
    cJSON *status = object_member(job, "status");
    char text[CLOCK_TEXT_SIZE];
    if (!json_at(job, "/status/conditions"))
        job_condition_add(job, well ? "SuccessCriteriaMet" : "FailureTarget");
    if (w->now_us - object_began_us(job) < job_takes_us(job) + JOB_ENDING_US)
        return;
    clock_format(world_wall_us(w, w->now_us), text);
    cJSON_DeleteItemFromObjectCaseSensitive(status, "active");
    object_number_set(status, well ? "succeeded" : "failed", 1);
    object_text_set(status, "completionTime", text);
    job_condition_add(job, well ? "Complete" : "Failed");
}

/* What the job's container was told: a snapshot to restore needs one that exists and a claim to put it on. */
static bool job_succeeds(const cJSON *job)
{
    const cJSON *container = json_at(job, "/spec/template/spec/containers/0");
    bool restores = false, snapshot = false;
    const char *const fields[] = {"command", "args"};
    for (int i = 0; i < 2; i++) {
        const cJSON *word;
        cJSON_ArrayForEach(word, cJSON_GetObjectItemCaseSensitive(container, fields[i]))
        {
            const char *text = cJSON_GetStringValue(word);
            restores |= text && strcmp(text, "restore") == 0;
            snapshot |= text && str_starts(text, "s3://rag-snapshots/") && str_ends(text, ".snapshot");
        }
    }
    return !restores || snapshot;
}

const char *job_ended(const cJSON *job)
{
    const cJSON *condition;
    const char *ended = NULL;
    cJSON_ArrayForEach(condition, json_at(job, "/status/conditions"))
    {
        const char *type = json_string(condition, "type", "");
        if (strcmp(type, "Complete") == 0 || strcmp(type, "Failed") == 0)
            ended = type;
    }
    return ended;
}

int64_t job_takes_us(const cJSON *job)
{
    return str_starts(object_name(job), "reindex-") ? REINDEX_US : JOB_US;
}

double job_documents(const cJSON *job)
{
    return json_double(json_at(job, "/x-simulation"), "documents", DOCUMENTS);
}

/* What its work changes in the world. */
static void job_takes_effect(struct world *w, const cJSON *job, cJSON *volume)
{
    if (volume) {
        cJSON_AddBoolToObject(object_member(volume, "x-simulation"), "restored", true);
        if (object_at_home(job))
            w->missing = DOCUMENTS - 60 + (double)(w->seed % 120);
    }
    if (startup_migrates(job))
        w->migrated = true;
    if (str_starts(object_name(job), "reindex-docs"))
        w->missing = 0;
}

static void job_advance(struct world *w, cJSON *job)
{
    if (job_ended(job))
        return;
    const cJSON *spec = json_at(job, "/spec/template/spec");
    const char *claim = claim_of(spec);
    cJSON *pod = NULL;
    for (size_t i = 0; i < w->cluster->objects.len; i++)
        if (object_owned_by(w->cluster->objects.data[i], "Job", object_name(job)))
            pod = w->cluster->objects.data[i];
    if (!pod) {
        pod = pod_from_template(w, job, "Job");
        cJSON_AddBoolToObject(object_member(pod, "x-simulation"), "of_job", true);
        object_number_set(object_member(job, "status"), "active", 1);
        if (w->missing > 0)
            object_number_set(object_member(job, "x-simulation"), "documents", w->missing);
    }
    if (claim && !claim_bound(w, claim)) {
        object_began_set(job, w->now_us); /* it waits for its volume */
        return;
    }
    int64_t age_us = w->now_us - object_began_us(job);
    if (age_us >= POD_CREATING_US)
        pod_status_set(pod, "Running", true, NULL);
    if (age_us < job_takes_us(job))
        return;
    bool well = job_succeeds(job);
    pod_status_set(pod, well ? "Succeeded" : "Failed", false, NULL);
    job_end(w, job, well);
    if (well && job_ended(job))
        job_takes_effect(w, job, claim ? cluster_find(w->cluster, "PersistentVolumeClaim", claim) : NULL);
}

static void claim_advance(struct world *w, cJSON *claim)
{
    bool bound = w->now_us - object_began_us(claim) >= CLAIM_BINDING_US;
    object_text_set(object_member(claim, "status"), "phase", bound ? "Bound" : "Pending");
}

/* ---- Services ---- */

static void endpoints_advance(struct world *w, cJSON *endpoints)
{
    cJSON_DeleteItemFromObjectCaseSensitive(endpoints, "subsets");
    const char *collection = object_label(endpoints, "collection"), *shard = object_label(endpoints, "shard");
    cJSON *addresses = NULL;
    for (size_t i = 0; collection && shard && i < w->cluster->objects.len; i++) {
        const cJSON *pod = w->cluster->objects.data[i];
        if (!of_kind(pod, "Pod") || !object_at_home(pod) || !pod_ready(pod))
            continue;
        const char *labels[] = {object_label(pod, "collection"), object_label(pod, "shard"),
                                object_label(pod, "serving")};
        if (!str_eq(labels[0], collection) || !str_eq(labels[1], shard) || !str_eq(labels[2], "true"))
            continue;
        if (!addresses) {
            cJSON *subset = cJSON_CreateObject();
            addresses = cJSON_AddArrayToObject(subset, "addresses");
            cJSON_AddItemToArray(cJSON_AddArrayToObject(endpoints, "subsets"), subset);
        }
        char ip[32];
        uint64_t draw = checksum64(object_name(pod), strlen(object_name(pod)));
        snprintf(ip, sizeof ip, "10.42.%u.%u", (unsigned)(draw % 16), (unsigned)(10 + draw / 16 % 240));
        cJSON *address = cJSON_CreateObject();
        cJSON_AddStringToObject(address, "ip", ip);
        cJSON *target = cJSON_AddObjectToObject(address, "targetRef");
        cJSON_AddStringToObject(target, "kind", "Pod");
        cJSON_AddStringToObject(target, "name", object_name(pod));
        cJSON_AddItemToArray(addresses, address);
    }
}

static bool on_its_way(const cJSON *object)
{
    if (of_kind(object, "Pod"))
        return !pod_ready(object) && !object_label(object, "job-name");
    if (of_kind(object, "Job"))
        return !job_ended(object);
    return of_kind(object, "PersistentVolumeClaim") &&
           strcmp(json_string(json_at(object, "/status"), "phase", ""), "Bound") != 0;
}

void cluster_advance(struct world *w)
{
    struct cluster *c = w->cluster;
    if (c->removed)
        pods_sweep(w);
    c->removed = false;
    for (size_t i = 0; i < c->objects.len; i++)
        if (of_kind(c->objects.data[i], "PersistentVolumeClaim"))
            claim_advance(w, c->objects.data[i]);
    for (size_t i = 0; i < c->objects.len; i++)
        if (of_kind(c->objects.data[i], "Job"))
            job_advance(w, c->objects.data[i]);
    for (size_t i = 0; i < c->objects.len; i++)
        if (of_kind(c->objects.data[i], "Pod"))
            pod_advance(w, c->objects.data[i]);
    for (size_t i = 0; i < c->objects.len; i++)
        if (of_kind(c->objects.data[i], "Deployment"))
            deployment_advance(w, c->objects.data[i]);
    for (size_t i = 0; i < c->objects.len; i++)
        if (of_kind(c->objects.data[i], "Endpoints"))
            endpoints_advance(w, c->objects.data[i]);
    c->busy = c->removed;
    for (size_t i = 0; !c->busy && i < c->objects.len; i++)
        c->busy = on_its_way(c->objects.data[i]);
}
