#include "engine/simulate/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/cluster.h"

#define REQUESTS_PER_S   42.0
#define FAULT_AT_US      (10 * US_PER_S)
#define COOL_DOWN_US     (150 * US_PER_S)
#define PROBE_US         (2 * US_PER_S)
#define CONTROLLER_STEPS 5

const double world_bucket_bounds[WORLD_BUCKETS - 1] = {0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5};

const char *replica_state_text(enum replica_state state)
{
    static const char *const texts[] = {"Active", "Dead", "Partial", "ActiveRead", "Recovery"};
    return texts[state];
}

const char *breaker_state_text(enum breaker_state state)
{
    static const char *const texts[] = {"closed", "open", "half_open"};
    return texts[state];
}

int64_t world_wall_us(const struct world *w, int64_t virtual_us)
{
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

static void tables_fill(struct world *w)
{
    static const struct breaker breakers[WORLD_BREAKERS] = {
        {.name = "retriever", .rate = 42},  {.name = "reranker", .rate = 42},
        {.name = "embedder", .rate = 44},   {.name = "llm-gpt-4", .rate = 41},
        {.name = "llm-claude", .rate = .2}, {.name = "llm-local", .rate = .1},
        {.name = "doc-cache", .rate = 120}, {.name = "auth", .rate = 50},
    };
    static const struct tier tiers[WORLD_TIERS] = {
        {.chain = "retrieval", .name = "vector-store", .number = 1, .cost = .002, .accuracy = .94},
        {.chain = "retrieval", .name = "keyword", .number = 2, .cost = .001, .accuracy = .78},
        {.chain = "retrieval", .name = "cached", .number = 3, .cost = 0, .accuracy = .70},
        {.chain = "answers", .name = "gpt-4", .number = 1, .cost = .10, .accuracy = .99},
        {.chain = "answers", .name = "claude", .number = 2, .cost = .05, .accuracy = .95},
        {.chain = "answers", .name = "local", .number = 3, .cost = .01, .accuracy = .85},
    };
    static const struct alert alerts[WORLD_ALERTS] = {
        {.name = "VectorStoreShardDown", .severity = "critical", .for_us = 5 * US_PER_S},
        {.name = "RetrieverEmptyResults",
         .severity = "warning",
         .for_us = 8 * US_PER_S,
         .summary = "retrieval comes back empty"},
        {.name = "RAGErrorSpike",
         .severity = "critical",
         .for_us = 12 * US_PER_S,
         .summary = "more than 2 % of answers fail"},
        {.name = "RAGHighP95Latency",
         .severity = "warning",
         .for_us = 15 * US_PER_S,
         .summary = "p95 of an answer is above 2 s"},
    };
    memcpy(w->breakers, breakers, sizeof breakers);
    memcpy(w->tiers, tiers, sizeof tiers);
    memcpy(w->alerts, alerts, sizeof alerts);
    for (int i = 0; i < WORLD_ALERTS; i++)
        w->alerts[i].holding_us = w->alerts[i].firing_us = w->alerts[i].fine_us = -1;
    for (int i = 0; i < WORLD_BREAKERS; i++) {
        w->breakers[i].calls_ok = floor(w->breakers[i].rate * 40000);
        w->breakers[i].calls_failed = floor(w->breakers[i].calls_ok / 900);
    }
    for (int i = 0; i < WORLD_TIERS; i++)
        w->tiers[i].hits = w->tiers[i].number == 1   ? REQUESTS_PER_S * 40000
                           : w->tiers[i].number == 2 ? 8204
                                                     : 97;
}

struct world *world_new(const char *scenario, uint64_t seed, double speed, int64_t zero_wall_us)
{
    struct world *w = xcalloc(1, sizeof *w);
    w->scenario = scenario;
    w->seed = seed;
    w->speed = speed;
    w->zero_wall_us = zero_wall_us;
    rng_seed(&w->rng, seed);
    w->fault_us = FAULT_AT_US;
    w->fault_shard = 5;
    w->collections[0] =
        (struct collection){.name = "docs", .shard_count = 12, .snapshot_us = -6 * 3600 * US_PER_S};
    w->collections[1] =
        (struct collection){.name = "chunks", .shard_count = 8, .snapshot_us = -19 * 3600 * US_PER_S};
    for (int i = 0; i < 2; i++)
        for (int shard = 0; shard < w->collections[i].shard_count; shard++)
            w->collections[i].points[shard] = (double)(41000 + rng_below(&w->rng, 3000));
    w->error_rate = .002;
    w->empty_rate = .01;
    w->p95_s = .8;
    w->hit_rate = .88;
    w->canary = 1;
    w->canary_us = -2 * US_PER_S; /* not in step with the fault */
    w->requests = REQUESTS_PER_S * 40000;
    w->errors = floor(w->requests * .002);
    w->empties = floor(w->requests * .01);
    w->documents = 0;
    tables_fill(w);
    w->job_number = 5;
    job_begin(w, 30000);
    cluster_new(w);
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
        if (direct ? !str_starts(object_name(pod), target) : !str_eq(object_label(pod, "serving"), "true"))
            continue;
        asked++;
        good += pod_has_data(w, pod);
    }
    return asked > 0 ? (double)good / asked : 0;
}

/* Some pod with this role serves this shard, or is there at all, with good data on a volume that is not the
 * old one. */
static void restored_look(struct world *w)
{
    const char *collection = w->collections[0].name;
    w->restored = w->whole = false;
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *pod = w->cluster->objects.data[i];
        if (!pod_is(pod, collection, w->fault_shard) || !pod_ready(pod) || !pod_has_data(w, pod))
            continue;
        bool fresh = object_owned_by(pod, "StatefulSet", object_name(pod)) == false;
        w->restored |= fresh;
        w->whole |= fresh && str_eq(object_label(pod, "serving"), "true");
    }
}

static bool restoring(const struct world *w)
{
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *object = w->cluster->objects.data[i];
        if (strcmp(object_kind(object), "PersistentVolumeClaim") == 0 &&
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
    struct collection *c = &w->collections[0];
    enum replica_state primary = REPLICA_ACTIVE, replica = REPLICA_ACTIVE;
    if (w->broken && !w->whole) {
        primary = w->restored || restoring(w) ? REPLICA_RECOVERY : REPLICA_DEAD;
        replica = replica_serves(w) ? REPLICA_ACTIVE_READ : REPLICA_PARTIAL;
    }
    c->primary[w->fault_shard] = primary;
    c->replica[w->fault_shard] = replica;
    w->bad = 1 - world_shard_answers(w, c->name, w->fault_shard, NULL);
}

static void fault_strike(struct world *w)
{
    w->broken = true;
    world_settle(w);
}

/* ---- Users ---- */

static double follow(double value, double target, double step_s, double inertia_s)
{
    return value + (target - value) * (1 - exp(-step_s / inertia_s));
}

static double noisy(struct world *w, double value, double share)
{
    return value * (1 + share * (2 * rng_unit(&w->rng) - 1));
}

static void users_step(struct world *w, double step_s, double bad)
{
    w->error_rate = noisy(w, follow(w->error_rate, .002 + .039 * bad, step_s, 2.5), .01);
    w->empty_rate = noisy(w, follow(w->empty_rate, .01 + .30 * bad, step_s, 2), .005);
    w->p95_s = noisy(w, follow(w->p95_s, .8 + 2.1 * bad, step_s, 2.5), .005);
    w->hit_rate = noisy(w, follow(w->hit_rate, .88 - .17 * bad, step_s, 3), .001);
    w->failure_share = follow(w->failure_share, .62 * bad, step_s, 2);

    double requests = noisy(w, REQUESTS_PER_S, .1) * step_s;
    w->requests += requests;
    w->errors += requests * w->error_rate;
    w->empties += requests * w->empty_rate;
    w->documents += requests * 5 * (1 - w->empty_rate);
    w->refusals += requests * .0004;
    w->latency_sum += requests * w->p95_s / 3;
    for (int i = 0; i < WORLD_BUCKETS; i++) {
        double share = i < WORLD_BUCKETS - 1 ? 1 - exp(-world_bucket_bounds[i] * 3 / w->p95_s) : 1;
        w->latency_buckets[i] += requests * share;
    }
}

static void canary_step(struct world *w)
{
    if (w->now_us - w->canary_us < 5 * US_PER_S)
        return;
    w->canary_us = w->now_us;
    w->canary = 1 - w->bad * 4 / 12; /* four of the twelve questions live on that shard */
}

/* ---- Breakers and chains ---- */

static void breaker_trip(struct breaker *b, int64_t now_us)
{
    b->state = BREAKER_OPEN;
    b->trips++;
    b->until_us = now_us + (COOL_DOWN_US << (b->reopens < 3 ? b->reopens : 3));
    b->reopens++;
}

static void retriever_step(struct world *w, struct breaker *b, double step_s, double bad)
{
    double calls = b->rate * step_s;
    switch (b->state) {
    case BREAKER_CLOSED:
        b->failure_rate = w->failure_share;
        b->calls_failed += calls * w->failure_share;
        b->calls_ok += calls * (1 - w->failure_share);
        if (w->failure_share > .5)
            breaker_trip(b, w->now_us);
        break;
    case BREAKER_OPEN:
        b->not_permitted += calls;
        /* A change of endpoints makes the retriever probe early. */
        if (bad < .5 && b->until_us > w->now_us + 3 * US_PER_S)
            b->until_us = w->now_us + 3 * US_PER_S;
        if (w->now_us >= b->until_us) {
            b->state = BREAKER_HALF_OPEN;
            b->until_us = w->now_us + PROBE_US;
        }
        break;
    case BREAKER_HALF_OPEN:
        if (w->now_us < b->until_us)
            break;
        if (bad > 0) {
            b->calls_failed++;
            breaker_trip(b, w->now_us);
            break;
        }
        b->calls_ok++;
        b->state = BREAKER_CLOSED;
        b->failure_rate = 0;
        b->reopens = 0;
        w->failure_share = 0;
        break;
    }
}

static void breakers_step(struct world *w, double step_s, double bad)
{
    retriever_step(w, &w->breakers[0], step_s, bad);
    for (int i = 1; i < WORLD_BREAKERS; i++) {
        struct breaker *b = &w->breakers[i];
        double failed = .0011 * b->rate * step_s;
        b->calls_failed += failed;
        b->calls_ok += b->rate * step_s - failed;
        b->failure_rate = .0011;
    }
}

static void chains_step(struct world *w, double step_s)
{
    bool closed = w->breakers[0].state == BREAKER_CLOSED;
    double retrieval = REQUESTS_PER_S;
    w->tiers[0].rate = closed ? retrieval : w->breakers[0].state == BREAKER_HALF_OPEN ? 1 : 0;
    w->tiers[1].rate = closed ? 0 : retrieval * .93 - w->tiers[0].rate;
    w->tiers[2].rate = closed ? 0 : retrieval * .07;
    w->tiers[3].rate = REQUESTS_PER_S * (1 - w->error_rate);
    for (int i = 0; i < WORLD_TIERS; i++)
        w->tiers[i].hits += noisy(w, w->tiers[i].rate, .05) * step_s;
}

/* ---- Alerts ---- */

static void alert_step(struct alert *a, bool holds, int64_t now_us)
{
    if (holds) {
        a->fine_us = -1;
        if (a->holding_us < 0)
            a->holding_us = now_us;
        if (a->firing_us < 0 && now_us - a->holding_us >= a->for_us)
            a->firing_us = now_us;
        return;
    }
    a->holding_us = -1;
    if (a->firing_us >= 0 && a->fine_us < 0)
        a->fine_us = now_us;
    if (a->fine_us >= 0 && now_us - a->fine_us >= 3 * US_PER_S)
        a->firing_us = a->fine_us = -1;
}

static void alerts_step(struct world *w)
{
    bool shard = w->collections[0].primary[w->fault_shard] != REPLICA_ACTIVE;
    alert_step(&w->alerts[0], shard, w->now_us);
    alert_step(&w->alerts[1], w->empty_rate > .10, w->now_us);
    alert_step(&w->alerts[2], w->error_rate > .02, w->now_us);
    alert_step(&w->alerts[3], w->p95_s > 2, w->now_us);
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
    job->done += noisy(w, job->rate, .2) * step_s;
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
    if (!w->broken && w->fault_us >= 0 && w->now_us >= w->fault_us)
        fault_strike(w);
    if (w->cluster->busy && w->now_us / WORLD_STEP_US % CONTROLLER_STEPS == 0)
        world_settle(w);
    users_step(w, step_s, w->bad);
    breakers_step(w, step_s, w->bad);
    chains_step(w, step_s);
    canary_step(w);
    alerts_step(w);
    job_step(w, step_s);
}

void world_advance(struct world *w, int64_t now_us)
{
    while (now_us - w->now_us >= WORLD_STEP_US)
        world_step(w);
}
