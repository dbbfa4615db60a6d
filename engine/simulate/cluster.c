#include "engine/simulate/cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/world.h"

static const struct resource resources[] = {
    {"pod", "pods", "po", "Pod", "pod", "pods"},
    {"deployment", "deployments", "deploy", "Deployment", "deployment.apps", "deployments.apps"},
    {"statefulset", "statefulsets", "sts", "StatefulSet", "statefulset.apps", "statefulsets.apps"},
    {"job", "jobs", "", "Job", "job.batch", "jobs.batch"},
    {"cronjob", "cronjobs", "cj", "CronJob", "cronjob.batch", "cronjobs.batch"},
    {"persistentvolumeclaim", "persistentvolumeclaims", "pvc", "PersistentVolumeClaim",
     "persistentvolumeclaim", "persistentvolumeclaims"},
    {"service", "services", "svc", "Service", "service", "services"},
    {"endpoints", "endpoints", "ep", "Endpoints", "endpoints", "endpoints"},
    {"configmap", "configmaps", "cm", "ConfigMap", "configmap", "configmaps"},
    {"event", "events", "ev", "Event", "event", "events"},
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
    object_text_set(metadata, "namespace", CLUSTER_NAMESPACE);
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
    cJSON_AddNumberToObject(container, "restartCount",
                            waiting && strcmp(waiting, "CrashLoopBackOff") == 0 ? 3 : restarts);
    cJSON *state = cJSON_AddObjectToObject(container, "state");
    if (waiting)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(state, "waiting"), "reason", waiting);
    else
        cJSON_AddObjectToObject(state, strcmp(phase, "Running") == 0 ? "running" : "terminated");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(status, "containerStatuses"), container);
}

const char *pod_status(const cJSON *pod)
{
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

/* ---- The cluster as it is at first ---- */

void cluster_add_set_pod(struct world *w, const char *collection, int shard, int ordinal, bool at_first)
{
    char name[64], number[24];
    snprintf(name, sizeof name, "%s-shard-%d-%d", collection, shard, ordinal);
    snprintf(number, sizeof number, "shard-%d", shard);
    cJSON *pod = pod_new(name, "vectorstore", "qdrant/qdrant:v1.11.3");
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

static void deployment_add(struct world *w, const char *name, int replicas)
{
    cJSON *d = plain_object("apps/v1", "Deployment", name);
    cJSON *spec = object_member(d, "spec");
    cJSON_AddNumberToObject(spec, "replicas", replicas);
    cJSON *template = object_member(spec, "template");
    object_label_set(template, "labels", "app", name);
    cJSON *containers = cJSON_AddArrayToObject(object_member(template, "spec"), "containers");
    cJSON *container = cJSON_CreateObject();
    cJSON_AddStringToObject(container, "name", name);
    cJSON_AddStringToObject(container, "image", "registry.example/rag:2026.11");
    cJSON_AddItemToArray(containers, container);
    object_began_set(d, w->now_us - 600 * US_PER_S);
    cluster_add(w->cluster, d, world_wall_us(w, 0) - 12 * 86400 * US_PER_S);
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
    } deployments[] = {{"rag-api", 3}, {"retriever", 2},  {"generator", 2},
                       {"indexer", 1}, {"controller", 1}, {"vectorstore", 1}};
    w->cluster = c;
    rng_seed(&c->rng, w->seed ^ 0xc105);
    for (size_t i = 0; i < sizeof deployments / sizeof *deployments; i++)
        deployment_add(w, deployments[i].name, deployments[i].replicas);
    for (int i = 0; i < 2; i++)
        shards_add(w, &w->collections[i]);
    golden_add(w);
    cJSON *cron = plain_object("batch/v1", "CronJob", "reindex-docs");
    cluster_add(c, cron, world_wall_us(w, 0) - 90 * 86400 * US_PER_S);
    cluster_advance(w);
    for (size_t i = 0; i < c->objects.len; i++) /* they have all been running for long */
        if (strcmp(object_kind(c->objects.data[i]), "Pod") == 0)
            object_began_set(c->objects.data[i], -600 * US_PER_S);
    cluster_advance(w);
    return c;
}

/* ---- Selectors ---- */

struct term {
    char key[128], values[256]; /* values between commas */
    bool exists, negated;
};

static int term_read(const char **at, struct term *t, struct err *e)
{
    *t = (struct term){0};
    const char *p = *at + strspn(*at, " ");
    if (*p == '!') {
        t->negated = t->exists = true;
        p++;
    }
    size_t length = strcspn(p, "=!, ");
    if (length == 0 || length >= sizeof t->key)
        return err_set(e, ERR_SYNTAX, "unable to parse requirement: found '%.1s', expected: identifier", p);
    memcpy(t->key, p, length);
    p += length;
    p += strspn(p, " ");
    bool set = str_starts(p, "in ") || str_starts(p, "in(") || str_starts(p, "notin");
    if (*p == '!' || str_starts(p, "notin"))
        t->negated = true;
    if (set) {
        p = strchr(p, '(');
        const char *end = p ? strchr(p, ')') : NULL;
        if (!end || (size_t)(end - p) >= sizeof t->values)
            return err_set(e, ERR_SYNTAX, "unable to parse requirement: found '', expected: '('");
        memcpy(t->values, p + 1, (size_t)(end - p - 1));
        p = end + 1;
    } else if (*p == '=' || *p == '!') {
        p += strspn(p, "!=");
        length = strcspn(p, ", ");
        if (length >= sizeof t->values)
            return err_set(e, ERR_SYNTAX, "unable to parse requirement: a value is too long");
        memcpy(t->values, p, length);
        p += length;
    } else {
        t->exists = true;
    }
    p += strspn(p, " ");
    if (*p && *p != ',')
        return err_set(e, ERR_SYNTAX,
                       "unable to parse requirement: found '%.16s', expected: ',' or 'end of string'", p);
    *at = *p ? p + 1 : p;
    return 0;
}

static bool value_listed(const char *values, const char *value)
{
    size_t length = strlen(value);
    for (const char *p = values;; p++) {
        p += strspn(p, " ");
        size_t item = strcspn(p, ", ");
        if (item == length && memcmp(p, value, length) == 0)
            return true;
        p += item;
        p += strspn(p, " ");
        if (*p != ',')
            return false;
    }
}

int selector_check(const char *selector, struct err *e)
{
    struct term t;
    while (*selector)
        if (term_read(&selector, &t, e) < 0)
            return ERR_SYNTAX;
    return 0;
}

bool selector_matches(const char *selector, const cJSON *object)
{
    struct term t;
    while (*selector) {
        if (term_read(&selector, &t, NULL) < 0)
            return false;
        const char *value = object_label(object, t.key);
        bool holds = t.exists ? value != NULL : value && value_listed(t.values, value);
        if (holds == t.negated)
            return false;
    }
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
