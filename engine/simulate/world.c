#include "engine/simulate/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/cluster.h"
#include "engine/simulate/startup.h"

#define CONTROLLER_STEPS 5
#define LATE_S           (25 * 3600) /* by so much the snapshots are late where they are */

const double world_bucket_bounds[WORLD_BUCKETS - 1] = {0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5};

const char *replica_state_text(enum replica_state state)
{
    static const char *const texts[] = {"Active", "Dead", "Partial", "ActiveRead", "Recovery"};
    return texts[state];
}

int64_t world_wall_us(const struct world *w, int64_t virtual_us)
{
    if (virtual_us < 0) /* what was before the beginning took its own time */
        return w->zero_wall_us + virtual_us;
    return w->zero_wall_us + (int64_t)((double)virtual_us / w->speed);
}

/* ---- At first ---- */

static void job_begin(struct world *w, double done)
{
    w->job = (struct batch_job){.done = done,
                                .total = 50000,
                                .rate = 60,
                                .interval = 100,
                                .checkpointed = done,
                                .cost = done * 0.000125};
    w->job.began_us = w->now_us - (int64_t)(done / 60 * 1e6);
    w->job.checkpoint_us = w->now_us;
    snprintf(w->job.run, sizeof w->job.run, "run_sc%02d", w->job_number++ % 100);
}

struct world *world_new(const char *scenario, uint64_t seed, double speed, int64_t zero_wall_us)
{
    struct world *w = xcalloc(1, sizeof *w);
    if (script_read(scenario, &w->script, NULL) < 0)
        abort(); /* the caller has asked before */
    w->seed = seed;
    w->speed = speed;
    w->zero_wall_us = zero_wall_us;
    rng_seed(&w->rng, seed);
    w->fault_shard = 5;
    w->relieved_us = -1;
    w->migrated = true;
    w->token_us = -6 * 3600 * US_PER_S;
    w->collections[0] =
        (struct collection){.name = "docs", .shard_count = 12, .snapshot_us = -6 * 3600 * US_PER_S};
    w->collections[1] =
        (struct collection){.name = "chunks", .shard_count = 8, .snapshot_us = -19 * 3600 * US_PER_S};
    for (int i = 0; i < 2; i++)
        for (int shard = 0; shard < w->collections[i].shard_count; shard++)
            w->collections[i].points[shard] = (double)(41000 + rng_below(&w->rng, 3000));
    for (int i = 0; i < 2 && w->script.late_snapshots; i++)
        w->collections[i].snapshot_us -= LATE_S * US_PER_S;
    w->error_rate = .002;
    w->empty_rate = .01;
    w->p95_s = .8;
    w->hit_rate = .88;
    w->precision = .93;
    w->backlog = 3;
    w->canary = 1;
    w->canary_us = -2 * US_PER_S; /* not in step with the fault */
    w->requests = WORLD_REQUESTS_PER_S * 40000;
    w->errors = floor(w->requests * .002);
    w->empties = floor(w->requests * .01);
    w->documents = 0;
    flow_tables(w);
    alarms_tables(w);
    w->job_number = 5;
    job_begin(w, 30000);
    cluster_new(w);
    service_look(w);
    return w;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    cluster_free(w->cluster);
    free(w);
}

/* ---- Shards ---- */

const struct collection *world_collection(const struct world *w, const char *name)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(w->collections[i].name, name) == 0)
            return &w->collections[i];
    return NULL;
}

int world_shard(const struct collection *c, const char *text)
{
    if (!str_starts(text, "shard-"))
        return -1;
    for (int shard = 0; shard < c->shard_count; shard++) {
        char name[24];
        snprintf(name, sizeof name, "shard-%d", shard);
        if (strcmp(name, text) == 0)
            return shard;
    }
    return -1;
}

/* One a day, for a week. */
int world_snapshots(const struct world *w)
{
    return w->script.lost_snapshots ? 4 : 8;
}

bool world_has_replica(const struct world *w, const struct collection *c, int shard)
{
    return !(w->script.no_replica && c == &w->collections[0] && shard == w->fault_shard);
}

static bool pod_is(const cJSON *pod, const char *collection, int shard)
{
    char name[24];
    snprintf(name, sizeof name, "shard-%d", shard);
    return strcmp(object_kind(pod), "Pod") == 0 && str_eq(object_label(pod, "collection"), collection) &&
           str_eq(object_label(pod, "shard"), name);
}

double world_shard_answers(const struct world *w, const char *collection, int shard, const char *target)
{
    int asked = 0, good = 0;
    bool direct = target && *target;
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *pod = w->cluster->objects.data[i];
        if (!pod_is(pod, collection, shard) || !pod_ready(pod))
            continue;
        if (direct ? !str_starts(object_name(pod), target)
                   : !object_at_home(pod) || !str_eq(object_label(pod, "serving"), "true"))
            continue;
        asked++;
        good += pod_has_data(w, pod);
    }
    return asked > 0 ? (double)good / asked : 0;
}

/* Some pod with good data is there, or serves, on a volume that is not the old one, or that one's index was
 * opened again. */
static void restored_look(struct world *w)
{
    const char *collection = w->collections[0].name;
    w->restored = w->whole = false;
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *pod = w->cluster->objects.data[i];
        if (!pod_is(pod, collection, w->fault_shard) || !object_at_home(pod) || !pod_ready(pod) ||
            !pod_has_data(w, pod))
            continue;
        bool of_set = object_owned_by(pod, "StatefulSet", object_name(pod));
        bool good = !of_set || (w->reopened && str_eq(object_label(pod, "role"), "primary"));
        w->restored |= good;
        w->whole |= good && str_eq(object_label(pod, "serving"), "true");
    }
}

static bool restoring(const struct world *w)
{
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *object = w->cluster->objects.data[i];
        if (strcmp(object_kind(object), "PersistentVolumeClaim") == 0 && object_at_home(object) &&
            json_at(object, "/x-simulation/restored"))
            return true;
    }
    return false;
}

static bool replica_serves(const struct world *w)
{
    char name[64];
    snprintf(name, sizeof name, "%s-shard-%d-1", w->collections[0].name, w->fault_shard);
    const cJSON *pod = cluster_find(w->cluster, "Pod", name);
    return pod && str_eq(object_label(pod, "serving"), "true");
}

void world_settle(struct world *w)
{
    cluster_advance(w);
    restored_look(w);
    service_look(w);
    struct collection *c = &w->collections[0];
    enum replica_state primary = REPLICA_ACTIVE, replica = REPLICA_ACTIVE;
    if (w->broken && !w->whole) {
        primary = w->restored || restoring(w) ? REPLICA_RECOVERY : REPLICA_DEAD;
        replica = replica_serves(w) ? REPLICA_ACTIVE_READ : REPLICA_PARTIAL;
    }
    if (!world_has_replica(w, c, w->fault_shard))
        replica = REPLICA_DEAD;
    c->primary[w->fault_shard] = primary;
    c->replica[w->fault_shard] = replica;
    w->bad = 1 - world_shard_answers(w, c->name, w->fault_shard, NULL);
}

static bool due(const struct world *w, int64_t at_us, bool already)
{
    return !already && at_us >= 0 && w->now_us >= at_us;
}

static void faults_step(struct world *w)
{
    const struct script *s = &w->script;
    bool shard = due(w, s->shard_us, w->broken), provider = due(w, s->provider_us, w->provider_struck);
    bool release = due(w, s->bootstrap_us, w->release_struck);
    w->broken |= shard;
    w->provider_struck |= provider;
    if (release)
        startup_strike(w);
    if (shard || provider || release)
        world_settle(w);
}

double world_noisy(struct world *w, double value, double share)
{
    return value * (1 + share * (2 * rng_unit(&w->rng) - 1));
}

static void job_step(struct world *w, double step_s)
{
    struct batch_job *job = &w->job;
    if (job->done >= job->total) {
        if (w->now_us - job->checkpoint_us > 30 * US_PER_S && w->finished_count < WORLD_FINISHED) {
            w->finished[w->finished_count++] = *job;
            job_begin(w, 0);
        }
        return;
    }
    job->done += world_noisy(w, job->rate, .2) * step_s;
    if (job->done >= job->total)
        job->done = job->total;
    double reached = floor(job->done / job->interval) * job->interval;
    if (reached > job->checkpointed) {
        job->checkpointed = reached;
        job->checkpoint_us = w->now_us;
        job->cost = reached * 0.000125;
    }
}

static void world_step(struct world *w)
{
    double step_s = (double)WORLD_STEP_US / 1e6;
    w->now_us += WORLD_STEP_US;
    faults_step(w);
    if (w->cluster->busy && w->now_us / WORLD_STEP_US % CONTROLLER_STEPS == 0)
        world_settle(w);
    users_step(w, step_s);
    flow_step(w, step_s);
    alarms_step(w);
    job_step(w, step_s);
}

void world_advance(struct world *w, int64_t now_us)
{
    while (now_us - w->now_us >= WORLD_STEP_US)
        world_step(w);
}
