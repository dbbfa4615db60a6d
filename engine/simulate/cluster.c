#include "engine/simulate/cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/world.h"

static const struct resource resources[] = {
    {"pod", "pods", "po", "Pod", "pod", "pods", "v1"},
    {"deployment", "deployments", "deploy", "Deployment", "deployment.apps", "deployments.apps", "apps/v1"},
    {"statefulset", "statefulsets", "sts", "StatefulSet", "statefulset.apps", "statefulsets.apps", "apps/v1"},
    {"job", "jobs", "", "Job", "job.batch", "jobs.batch", "batch/v1"},
    {"cronjob", "cronjobs", "cj", "CronJob", "cronjob.batch", "cronjobs.batch", "batch/v1"},
    {"persistentvolumeclaim", "persistentvolumeclaims", "pvc", "PersistentVolumeClaim",
     "persistentvolumeclaim", "persistentvolumeclaims", "v1"},
    {"service", "services", "svc", "Service", "service", "services", "v1"},
    {"endpoints", "endpoints", "ep", "Endpoints", "endpoints", "endpoints", "v1"},
    {"configmap", "configmaps", "cm", "ConfigMap", "configmap", "configmaps", "v1"},
    {"event", "events", "ev", "Event", "event", "events", "v1"},
};

const struct resource *resource_find(const char *name)
{
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        const struct resource *r = &resources[i];
        if (strcmp(name, r->singular) == 0 || strcmp(name, r->plural) == 0 || strcmp(name, r->kind) == 0 ||
            (*r->alias && strcmp(name, r->alias) == 0) || strcmp(name, r->printed) == 0 ||
            strcmp(name, r->in_errors) == 0)
            return r;
    }
    return NULL;
}

/* ---- Objects ---- */

const char *object_kind(const cJSON *object)
{
    return json_string(object, "kind", "");
}

const char *object_name(const cJSON *object)
{
    return json_string(cJSON_GetObjectItemCaseSensitive(object, "metadata"), "name", "");
}

const char *object_label(const cJSON *object, const char *key)
{
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");
    return json_string(cJSON_GetObjectItemCaseSensitive(metadata, "labels"), key, NULL);
}

cJSON *object_member(cJSON *object, const char *key)
{
    cJSON *found = cJSON_GetObjectItemCaseSensitive(object, key);
    return found ? found : cJSON_AddObjectToObject(object, key);
}

void object_text_set(cJSON *object, const char *key, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddStringToObject(object, key, value);
}

void object_number_set(cJSON *object, const char *key, double value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddNumberToObject(object, key, value);
}

void object_label_set(cJSON *object, const char *field, const char *key, const char *value)
{
    cJSON *labels = object_member(object_member(object, "metadata"), field);
    cJSON_DeleteItemFromObjectCaseSensitive(labels, key);
    if (value)
        cJSON_AddStringToObject(labels, key, value);
}

const char *object_namespace(const cJSON *object)
{
    return json_string(cJSON_GetObjectItemCaseSensitive(object, "metadata"), "namespace", CLUSTER_NAMESPACE);
}

bool object_at_home(const cJSON *object)
{
    return strcmp(object_namespace(object), CLUSTER_NAMESPACE) == 0;
}

cJSON *cluster_find(const struct cluster *c, const char *kind, const char *name)
{
    for (size_t i = 0; i < c->objects.len; i++)
        if (strcmp(object_kind(c->objects.data[i]), kind) == 0 &&
            strcmp(object_name(c->objects.data[i]), name) == 0)
            return c->objects.data[i];
    return NULL;
}

void cluster_add(struct cluster *c, cJSON *object, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(wall_us - wall_us % US_PER_S, text);
    memcpy(text + 19, "Z", 2); /* the API gives whole seconds */
    cJSON *metadata = object_member(object, "metadata");
    char *namespace = xstrdup(object_namespace(object));
    object_text_set(metadata, "namespace", namespace);
    free(namespace);
    object_text_set(metadata, "creationTimestamp", text);
    char uid[40];
    snprintf(uid, sizeof uid, "%08x-0000-4000-8000-%012llx", (unsigned)rng_below(&c->rng, UINT32_MAX),
             (unsigned long long)++c->serial);
    object_text_set(metadata, "uid", uid);
    *vec_push(&c->objects) = object;
}

void cluster_remove(struct cluster *c, const cJSON *object)
{
    for (size_t i = 0; i < c->objects.len; i++) {
        if (c->objects.data[i] != object)
            continue;
        cJSON_Delete(c->objects.data[i]);
        vec_remove(&c->objects, i);
        c->removed = true;
        return;
    }
}

void cluster_free(struct cluster *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->objects.len; i++)
        cJSON_Delete(c->objects.data[i]);
    vec_fini(&c->objects);
    free(c);
}

/* ---- Pods ---- */

cJSON *pod_new(const char *name, const char *app, const char *image)
{
    cJSON *pod = cJSON_CreateObject();
    cJSON_AddStringToObject(pod, "apiVersion", "v1");
    cJSON_AddStringToObject(pod, "kind", "Pod");
    cJSON_AddStringToObject(object_member(pod, "metadata"), "name", name);
    object_label_set(pod, "labels", "app", app);
    cJSON *containers = cJSON_AddArrayToObject(object_member(pod, "spec"), "containers");
    cJSON *container = cJSON_CreateObject();
    cJSON_AddStringToObject(container, "name", app);
    cJSON_AddStringToObject(container, "image", image);
    cJSON_AddItemToArray(containers, container);
    return pod;
}

/* phase is the pod's; waiting, when not NULL, the reason that its container waits. */
void pod_status_set(cJSON *pod, const char *phase, bool ready, const char *waiting)
{
    cJSON *status = object_member(pod, "status");
    object_text_set(status, "phase", phase);
    cJSON_DeleteItemFromObjectCaseSensitive(status, "conditions");
    cJSON *condition = cJSON_CreateObject();
    cJSON_AddStringToObject(condition, "type", "Ready");
    cJSON_AddStringToObject(condition, "status", ready ? "True" : "False");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(status, "conditions"), condition);
    double restarts = json_double(json_at(status, "/containerStatuses/0"), "restartCount", 0);
    cJSON_DeleteItemFromObjectCaseSensitive(status, "containerStatuses");
    cJSON *container = cJSON_CreateObject();
    cJSON_AddStringToObject(container, "name",
                            json_string(json_at(pod, "/spec/containers/0"), "name", "main"));
    cJSON_AddBoolToObject(container, "ready", ready);
    cJSON_AddNumberToObject(container, "restartCount", restarts);
    cJSON *state = cJSON_AddObjectToObject(container, "state");
    if (waiting)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(state, "waiting"), "reason", waiting);
    else
        cJSON_AddObjectToObject(state, strcmp(phase, "Running") == 0 ? "running" : "terminated");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(status, "containerStatuses"), container);
}

void pod_restarts_set(cJSON *pod, int restarts)
{
    cJSON *status = (cJSON *)(uintptr_t)json_at(pod, "/status/containerStatuses/0");
    if (status)
        object_number_set(status, "restartCount", restarts);
}

const char *pod_status(const cJSON *pod)
{
    if (cJSON_IsFalse(json_at(pod, "/status/initContainerStatuses/0/ready")))
        return "Init:0/1";
    const char *waiting =
        json_string(json_at(pod, "/status/containerStatuses/0/state/waiting"), "reason", NULL);
    const char *phase = json_string(cJSON_GetObjectItemCaseSensitive(pod, "status"), "phase", "Pending");
    return waiting ? waiting : strcmp(phase, "Succeeded") == 0 ? "Completed" : phase;
}

bool pod_ready(const cJSON *pod)
{
    return strcmp(json_string(json_at(pod, "/status/conditions/0"), "status", "False"), "True") == 0;
}

/* When a controller's object began, virtual; kept in the object, under a key that is never shown. */
int64_t object_began_us(const cJSON *object)
{
    return (int64_t)json_double(cJSON_GetObjectItemCaseSensitive(object, "x-simulation"), "began_us", 0);
}

void object_began_set(cJSON *object, int64_t now_us)
{
    object_number_set(object_member(object, "x-simulation"), "began_us", (double)now_us);
}

static const char *owner_of(const cJSON *pod)
{
    return json_string(cJSON_GetObjectItemCaseSensitive(pod, "x-simulation"), "owner", "");
}

void object_owner_set(cJSON *pod, const char *kind, const char *name)
{
    char *owner = xasprintf("%s/%s", kind, name);
    object_text_set(object_member(pod, "x-simulation"), "owner", owner);
    free(owner);
}

bool object_owned_by(const cJSON *pod, const char *kind, const char *name)
{
    const char *owner = owner_of(pod);
    size_t length = strlen(kind);
    return strncmp(owner, kind, length) == 0 && owner[length] == '/' && strcmp(owner + length + 1, name) == 0;
}

void pod_suffix(struct cluster *c, char suffix[static 6])
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
    for (int i = 0; i < 5; i++)
        suffix[i] = letters[rng_below(&c->rng, sizeof letters - 1)];
    suffix[5] = '\0';
}

/* ---- Deployments ---- */

void deployment_rollout(const struct cluster *c, const cJSON *deployment, int *old, int *updated,
                        int *available)
{
    double revision = json_double(json_at(deployment, "/x-simulation"), "revision", 0);
    *old = *updated = *available = 0;
    for (size_t i = 0; i < c->objects.len; i++) {
        const cJSON *pod = c->objects.data[i];
        if (!object_owned_by(pod, "Deployment", object_name(deployment)))
            continue;
        bool newest = json_double(json_at(pod, "/x-simulation"), "revision", 0) >= revision;
        *old += !newest;
        *updated += newest;
        *available += newest && pod_ready(pod);
    }
}

static void revision_next(cJSON *deployment)
{
    cJSON *hidden = object_member(deployment, "x-simulation");
    char text[NUMBER_TEXT_SIZE];
    double revision = json_double(hidden, "revision", 0) + 1;
    object_number_set(hidden, "revision", revision);
    number_format(revision + 1, text);
    object_label_set(deployment, "annotations", "deployment.kubernetes.io/revision", text);
}

void deployment_template_changes(cJSON *deployment)
{
    cJSON *hidden = object_member(deployment, "x-simulation");
    cJSON *history = cJSON_GetObjectItemCaseSensitive(hidden, "history");
    if (!history)
        history = cJSON_AddArrayToObject(hidden, "history");
    cJSON_AddItemToArray(history, cJSON_Duplicate(json_at(deployment, "/spec/template"), true));
    if (cJSON_GetArraySize(history) > CLUSTER_HISTORY)
        cJSON_DeleteItemFromArray(history, 0);
    revision_next(deployment);
}

bool deployment_undo(cJSON *deployment)
{
    cJSON *history = (cJSON *)(uintptr_t)json_at(deployment, "/x-simulation/history");
    int count = cJSON_GetArraySize(history);
    if (count == 0)
        return false;
    cJSON *before = cJSON_DetachItemFromArray(history, count - 1);
    cJSON *spec = object_member(deployment, "spec");
    cJSON_AddItemToArray(history, cJSON_DetachItemFromObjectCaseSensitive(spec, "template"));
    cJSON_AddItemToObject(spec, "template", before);
    revision_next(deployment);
    return true;
}

/* ---- Finding pods ---- */

void deployment_counts(const struct cluster *c, const cJSON *deployment, int *ready, int *wanted)
{
    *ready = 0;
    *wanted = (int)json_double(cJSON_GetObjectItemCaseSensitive(deployment, "spec"), "replicas", 1);
    for (size_t i = 0; i < c->objects.len; i++)
        if (object_owned_by(c->objects.data[i], "Deployment", object_name(deployment)) &&
            pod_ready(c->objects.data[i]))
            (*ready)++;
}

const cJSON *cluster_pod(const struct cluster *c, const char *target, struct err *e)
{
    char type[64] = "pod";
    const char *slash = strchr(target, '/');
    if (slash) {
        if ((size_t)(slash - target) >= sizeof type)
            return err_set(e, ERR_NOT_FOUND, "error: the server doesn't have a resource type \"%.60s...\"",
                           target),
                   NULL;
        memcpy(type, target, (size_t)(slash - target));
        type[slash - target] = '\0';
        target = slash + 1;
    }
    const struct resource *r = resource_find(type);
    if (!r)
        return err_set(e, ERR_NOT_FOUND, "error: the server doesn't have a resource type \"%s\"", type), NULL;
    const cJSON *object = cluster_find(c, r->kind, target);
    if (!object)
        return err_set(e, ERR_NOT_FOUND, "Error from server (NotFound): %s \"%.100s\" not found",
                       r->in_errors, target),
               NULL;
    if (strcmp(r->kind, "Pod") == 0)
        return object;
    const cJSON *any = NULL;
    for (size_t i = 0; i < c->objects.len; i++) {
        if (!object_owned_by(c->objects.data[i], r->kind, target))
            continue;
        any = c->objects.data[i];
        if (pod_ready(any))
            return any;
    }
    if (!any)
        err_set(e, ERR_NOT_FOUND, "error: no pods found for %s/%s", r->singular, target);
    return any;
}
