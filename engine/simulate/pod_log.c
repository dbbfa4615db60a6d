/* The logs of the simulated pods. */
#include <stdio.h>

#include "engine/simulate/startup.h"
#include "engine/simulate/verbs.h"

#define LINES_MOST 40

static void job_log_line(const struct world *w, const cJSON *pod, int64_t at_us, struct str *out)
{
    const char *name = object_label(pod, "job-name");
    const cJSON *job = cluster_find(w->cluster, "Job", name);
    double share = job ? (double)(at_us - object_began_us(job)) / (double)job_takes_us(job) : 1;
    double documents = job ? job_documents(job) : 0;
    bool failed =
        strcmp(json_string(cJSON_GetObjectItemCaseSensitive(pod, "status"), "phase", ""), "Failed") == 0;
    if (job && startup_migrates(job)) {
        if (share < .5)
            str_add(out, "INFO migrate: schema is at 41, 1 migration to apply");
        else if (failed)
            str_add(out, "ERROR migrate: 0042_tenants: canceling statement due to lock timeout, rolled back");
        else
            str_add(out, share < 1 ? "INFO migrate: 0042_tenants: applying"
                                   : "INFO migrate: done, schema is at 42");
    } else if (str_starts(name, "reindex-")) {
        str_addf(out, "INFO reindex: %.0f of %.0f documents", documents * (share < 1 ? share : 1), documents);
    } else if (failed && share >= 1) {
        str_add(out, "ERROR restore: no such snapshot");
    } else if (share < .6) {
        str_addf(out, "INFO restore: downloading the snapshot, %.0f %%", 100 * share / .6);
    } else if (share < .95) {
        str_addf(out, "INFO restore: %.0f of 8 segments written", 8 * (share - .6) / .35);
    } else {
        str_add(out, "INFO restore: done, 8 of 8 segments, checksum ok");
    }
}

static void broken_line(const struct world *w, const cJSON *pod, struct str *out)
{
    const char *collection = object_label(pod, "collection"), *shard = object_label(pod, "shard");
    str_addf(out, "ERROR storage: %s/%s: segment 00017: read at offset %llu: Input/output error (os error 5)",
             collection ? collection : "?", shard ? shard : "?",
             73728 + 4096 * (unsigned long long)(w->seed % 64));
}

static void api_line(const struct world *w, uint64_t draw, struct str *out)
{
    int retry_after_s, status = provider_status(w, PROVIDER_PRIMARY, draw, &retry_after_s);
    if (!w->service.behind)
        str_add(out, "ERROR rag-api: the retriever can't be reached");
    else if (w->service.safe > 0)
        str_add(out, "INFO rag-api: safe mode, answered from the cache");
    else if (status == 200 || w->service.primary <= 0)
        str_add(out, "INFO rag-api: ok");
    else if (retry_after_s > 0)
        str_addf(out, "ERROR rag-api: provider primary answered %d, Retry-After: %d", status, retry_after_s);
    else
        str_addf(out, "ERROR rag-api: provider primary answered %d", status);
}

static void log_line(const struct world *w, const cJSON *pod, int64_t at_us, struct str *out)
{
    static const char *const fine[] = {"INFO storage: segments flushed",
                                       "INFO http: 200 POST /collections/docs/points/query",
                                       "INFO raft: heartbeat ok", "INFO optimizer: nothing to do"};
    const char *app = object_label(pod, "app");
    uint64_t draw = checksum64(object_name(pod), strlen(object_name(pod))) ^ (uint64_t)(at_us / US_PER_S);
    struct str why = {0};
    bool store = app && strcmp(app, "vectorstore") == 0;
    if (object_label(pod, "job-name"))
        job_log_line(w, pod, at_us, out);
    else if (store && w->broken && at_us >= w->script.shard_us && !pod_has_data(w, pod))
        broken_line(w, pod, out);
    else if (store)
        str_add(out, fine[draw % 4]);
    else if (app && strcmp(app, "rag-api") == 0)
        api_line(w, draw, out);
    else if (!pod_ready(pod) && startup_blocked(w, pod, &why))
        str_addf(out, "ERROR %s: %s", app, str_text(&why));
    else
        str_addf(out, "INFO %s: ok", app ? app : "main");
    str_fini(&why);
}

void pod_log(const struct world *w, const cJSON *pod, const struct log_request *r, struct str *out)
{
    long lines = r->tail < 0 || r->tail > LINES_MOST ? LINES_MOST : r->tail;
    const char *job_name = object_label(pod, "job-name");
    const cJSON *job = job_name ? cluster_find(w->cluster, "Job", job_name) : NULL;
    int64_t began_us = object_began_us(pod), every_us = job ? US_PER_S : 2 * US_PER_S;
    int64_t newest_us = w->now_us - w->now_us % every_us;
    bool gate = strcmp(r->container, STARTUP_GATE) == 0;
    if (job && newest_us > began_us + job_takes_us(job))
        newest_us = began_us + job_takes_us(job);
    for (long i = lines - 1; i >= 0; i--) {
        int64_t at_us = newest_us - i * every_us;
        char text[CLOCK_TEXT_SIZE];
        if (at_us < began_us)
            continue;
        clock_format(world_wall_us(w, at_us), text);
        str_addf(out, "%s%s%s%.23sZ ", r->prefix, r->timestamps ? text : "", r->timestamps ? " " : "", text);
        if (gate)
            str_add(out, "INFO wait-for-controller: controller:7000: connection refused, waiting");
        else
            log_line(w, pod, at_us, out);
        str_add_char(out, '\n');
    }
}
