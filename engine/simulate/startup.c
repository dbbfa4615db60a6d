#include "engine/simulate/startup.h"

#include <stdio.h>

#include "engine/simulate/cluster.h"
#include "engine/simulate/world.h"

static const struct {
    const char *component, *needs;
} needs[] = {
    {"controller", "vectorstore"},         {"retriever", "vectorstore,controller"},
    {"generator", "controller,retriever"}, {"indexer", "vectorstore,controller"},
    {"rag-api", "retriever,generator"},
};

const char *startup_needs(const char *component)
{
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (strcmp(needs[i].component, component) == 0)
            return needs[i].needs;
    return "";
}

static const cJSON *pod_at(const struct world *w, size_t i, const char *app)
{
    const cJSON *object = w->cluster->objects.data[i];
    bool meant = strcmp(object_kind(object), "Pod") == 0 && str_eq(object_label(object, "app"), app) &&
                 !object_label(object, "job-name");
    return meant ? object : NULL;
}

static bool some_ready(const struct world *w, const char *app)
{
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *pod = pod_at(w, i, app);
        if (pod && pod_ready(pod))
            return true;
    }
    return false;
}

/* A retriever that has registered itself and is not ready: its main container runs, or has run. */
static const cJSON *registered_unready(const struct world *w)
{
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *pod = pod_at(w, i, "retriever");
        if (pod && !pod_ready(pod) && !startup_gated(w, pod))
            return pod;
    }
    return NULL;
}

static bool held(const struct world *w, const cJSON *pod)
{
    return w->release_struck && object_began_us(pod) >= w->script.bootstrap_us &&
           !object_label(pod, "job-name");
}

bool startup_gated(const struct world *w, const cJSON *pod)
{
    return held(w, pod) && json_at(pod, "/spec/initContainers/0") && !some_ready(w, "controller");
}

static bool controller_blocked(const struct world *w, struct str *why)
{
    const cJSON *retriever = registered_unready(w);
    if (!w->migrated)
        str_add(why, "schema is at 41, this release needs 42: relation \"tenants\" does not exist, run the "
                     "migrations");
    else if (!some_ready(w, "vectorstore"))
        str_add(why, "vectorstore:6333: connection refused");
    else if (retriever)
        str_addf(why, "dependency not ready: %s is registered, waiting for it to answer",
                 object_name(retriever));
    return why->len > 0;
}

bool startup_blocked(const struct world *w, const cJSON *pod, struct str *why)
{
    const char *app = object_label(pod, "app");
    if (!app || !held(w, pod))
        return false;
    if (strcmp(app, "controller") == 0)
        return controller_blocked(w, why);
    for (const char *p = startup_needs(app); *p; p += strspn(p, ",")) {
        char one[32];
        size_t length = strcspn(p, ",");
        snprintf(one, sizeof one, "%.*s", (int)length, p);
        p += length;
        if (some_ready(w, one) || strcmp(app, "rag-api") == 0)
            continue;
        str_addf(why, "dependency not ready: %s:7000: connection refused, gave up after 5 attempts", one);
        return true;
    }
    return false;
}

bool startup_crashing(const struct world *w)
{
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *object = w->cluster->objects.data[i];
        if (strcmp(object_kind(object), "Pod") == 0 && strcmp(pod_status(object), "CrashLoopBackOff") == 0)
            return true;
    }
    return false;
}

bool startup_migrates(const cJSON *job)
{
    static const char *const fields[] = {"command", "args"};
    const cJSON *container = json_at(job, "/spec/template/spec/containers/0");
    for (int i = 0; i < 2; i++) {
        const cJSON *word;
        cJSON_ArrayForEach(word, cJSON_GetObjectItemCaseSensitive(container, fields[i]))
        {
            const char *text = cJSON_GetStringValue(word);
            if (text && strstr(text, "migrate.py"))
                return true;
        }
    }
    return false;
}

void startup_strike(struct world *w)
{
    static const char *const replaced[] = {"controller", "retriever", "generator", "indexer"};
    w->release_struck = true;
    w->migrated = w->script.migrated;
    cluster_migration_set(w, w->migrated);
    for (size_t r = 0; r < sizeof replaced / sizeof *replaced; r++) {
        for (size_t i = w->cluster->objects.len; i-- > 0;)
            if (pod_at(w, i, replaced[r]))
                cluster_remove(w->cluster, w->cluster->objects.data[i]);
        cluster_event(w, "Warning", "BackOff", replaced[r], "Back-off restarting failed container");
    }
    if (!w->migrated)
        cluster_event(w, "Warning", "BackoffLimitExceeded", "migrations",
                      "Job has reached the specified backoff limit");
    cluster_advance(w);
}
