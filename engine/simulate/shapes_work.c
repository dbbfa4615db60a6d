/* Jobs, components and safe mode, as the platform's own status page shows them. */
#include <math.h>
#include <stdio.h>

#include "engine/simulate/cluster.h"
#include "engine/simulate/route.h"
#include "engine/simulate/startup.h"

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
    shape_time_add(c, "timestamp", world_wall_us(w, job->checkpoint_us));
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
    if (p->rate > 0)
        cJSON_AddNumberToObject(job, "eta_s", floor((p->total - p->done) / p->rate / w->speed));
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

/* How far a job of the cluster is, 0..1, and the word for it. */
static double cluster_job_share(const struct world *w, const cJSON *job, const char **state)
{
    const char *ended = job_ended(job);
    double share = (double)(w->now_us - object_began_us(job)) / (double)job_takes_us(job);
    *state = !ended ? "running" : strcmp(ended, "Failed") == 0 ? "failed" : "completed";
    return ended || share > 1 ? 1 : share;
}

static void reindex_add(cJSON *list, const struct world *w, const cJSON *job)
{
    double total = job_documents(job), seconds = (double)job_takes_us(job) / 1e6;
    struct progress p = {
        .name = object_name(job), .total = total, .interval = 50, .checkpoint_us = w->now_us};
    p.done = total * cluster_job_share(w, job, &p.state);
    if (strcmp(p.state, "running") == 0)
        p.rate = total / seconds;
    else
        p.checkpoint_us = object_began_us(job) + job_takes_us(job);
    job_add(list, w, &p);
}

/* The schema that the release needs: whichever job brings it there. */
static void migration_add(cJSON *list, const struct world *w)
{
    struct progress p = {.name = "migrations", .total = 42, .interval = 1, .checkpoint_us = w->now_us};
    p.done = w->migrated ? 42 : 41;
    p.state = w->migrated ? "completed" : "failed";
    for (size_t i = 0; i < w->cluster->objects.len && !w->migrated; i++) {
        const cJSON *job = w->cluster->objects.data[i];
        const char *state;
        if (strcmp(object_kind(job), "Job") != 0 || !startup_migrates(job))
            continue;
        cluster_job_share(w, job, &state);
        if (strcmp(state, "running") == 0)
            p.state = state;
    }
    job_add(list, w, &p);
}

static void cluster_jobs_add(cJSON *list, const struct world *w)
{
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *job = w->cluster->objects.data[i];
        if (strcmp(object_kind(job), "Job") == 0 && str_starts(object_name(job), "reindex-"))
            reindex_add(list, w, job);
    }
    if (w->release_struck)
        migration_add(list, w);
}

cJSON *shape_jobs(const struct world *w)
{
    cJSON *out = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(out, "jobs");
    batch_job_add(list, w, &w->job);
    for (size_t i = 0; i < w->finished_count; i++)
        batch_job_add(list, w, &w->finished[i]);
    cluster_jobs_add(list, w);
    return out;
}

/* ---- Components ---- */

struct component {
    const char *name, *needs;
    int ready, wanted;
    double restarts;
    const cJSON *worst; /* a pod that is not ready; NULL */
};

static void pod_count(struct component *c, const cJSON *pod)
{
    c->ready += pod_ready(pod);
    c->restarts += json_double(json_at(pod, "/status/containerStatuses/0"), "restartCount", 0);
    if (!pod_ready(pod))
        c->worst = pod;
}

static void component_add(cJSON *list, const struct world *w, const struct component *c)
{
    cJSON *out = cJSON_CreateObject();
    struct str why = {0};
    if (c->worst)
        startup_blocked(w, c->worst, &why);
    cJSON_AddStringToObject(out, "name", c->name);
    cJSON_AddStringToObject(out, "state",
                            c->worst        ? pod_status(c->worst)
                            : c->wanted > 0 ? "Running"
                                            : "ScaledDown");
    cJSON_AddStringToObject(out, "reason", str_text(&why));
    cJSON_AddStringToObject(out, "depends_on", c->needs);
    cJSON_AddNumberToObject(out, "ready", c->ready);
    cJSON_AddNumberToObject(out, "replicas", c->wanted);
    cJSON_AddNumberToObject(out, "restarts", c->restarts);
    cJSON_AddItemToArray(list, out);
    str_fini(&why);
}

/* Pods of the stateful sets of a collection: one component a collection. */
static void store_add(cJSON *list, const struct world *w, const struct collection *collection)
{
    char name[64];
    struct component c = {.name = name, .needs = ""};
    snprintf(name, sizeof name, "store-%s", collection->name);
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *pod = w->cluster->objects.data[i];
        if (strcmp(object_kind(pod), "Pod") != 0 || !object_at_home(pod) ||
            !str_eq(object_label(pod, "collection"), collection->name) ||
            str_eq(object_label(pod, "role"), "failed"))
            continue;
        c.wanted++;
        pod_count(&c, pod);
    }
    component_add(list, w, &c);
}

static void deployment_add(cJSON *list, const struct world *w, const cJSON *deployment)
{
    struct component c = {.name = object_name(deployment), .needs = startup_needs(object_name(deployment))};
    for (size_t i = 0; i < w->cluster->objects.len; i++)
        if (object_owned_by(w->cluster->objects.data[i], "Deployment", c.name))
            pod_count(&c, w->cluster->objects.data[i]);
    deployment_counts(w->cluster, deployment, &c.ready, &c.wanted);
    component_add(list, w, &c);
}

cJSON *shape_components(const struct world *w)
{
    cJSON *out = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(out, "components");
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *deployment = w->cluster->objects.data[i];
        /* the runbook's own deployments count with their collection */
        if (strcmp(object_kind(deployment), "Deployment") == 0 && object_at_home(deployment) &&
            !object_label(deployment, "collection"))
            deployment_add(list, w, deployment);
    }
    for (int i = 0; i < 2; i++)
        store_add(list, w, &w->collections[i]);
    return out;
}

/* ---- Safe mode ---- */

cJSON *shape_mode(const struct world *w)
{
    const struct service *s = &w->service;
    cJSON *out = cJSON_CreateObject();
    bool all = s->safe >= 1 && !s->writes, some = s->safe > 0;
    cJSON_AddStringToObject(out, "name", "safe-mode");
    cJSON_AddStringToObject(out, "state", all ? "on" : some ? "partly" : "off");
    cJSON_AddStringToObject(out, "answers", s->safe >= 1 ? "cached" : some ? "mixed" : "live");
    cJSON_AddStringToObject(out, "writes", s->writes ? "accepted" : "refused");
    cJSON_AddNumberToObject(out, "share", s->safe);
    return out;
}
