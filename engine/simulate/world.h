/* The simulated platform itself: a pure function of its seed, of virtual time and of the acts done to it. It
 * moves in steps of 100 ms of virtual time, so that it makes no difference how often it is looked at. */
#ifndef BELAY_SIMULATE_WORLD_H
#define BELAY_SIMULATE_WORLD_H

#include "engine/base/base.h"
#include "engine/simulate/script.h"
#include "engine/simulate/service.h"

#define WORLD_STEP_US        (100 * US_PER_MS)
#define WORLD_SHARDS         12    /* of a collection, at most */
#define WORLD_SNAPSHOT_S     86400 /* the schedule */
#define WORLD_REQUESTS_PER_S 42.0

enum replica_state {
    REPLICA_ACTIVE,
    REPLICA_DEAD,
    REPLICA_PARTIAL,
    REPLICA_ACTIVE_READ,
    REPLICA_RECOVERY,
};
const char *replica_state_text(enum replica_state state);

struct collection {
    const char *name;
    int shard_count;
    enum replica_state primary[WORLD_SHARDS], replica[WORLD_SHARDS];
    double points[WORLD_SHARDS];
    int64_t snapshot_us; /* virtual time of the newest one: negative */
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker {
    const char *name;
    enum breaker_state state;
    int64_t until_us; /* OPEN: probes from here; HALF_OPEN: the probe's verdict */
    int reopens;
    int64_t cool_down_us;
    double failing; /* share of its calls that fail, smoothed; above one half it trips */
    double calls_ok, calls_failed, not_permitted, trips;
    double failure_rate; /* 0..1, of its window */
    double rate;         /* calls per second in good times */
};

struct tier {
    const char *chain, *name;
    int number;
    double cost, accuracy;
    double rate, hits;
};

struct alert {
    const char *name, *severity, *component, *summary;
    int64_t for_us;     /* the condition must have held so long */
    int64_t holding_us; /* since; -1 not holding */
    int64_t firing_us;  /* since; -1 not firing */
    int64_t fine_us;    /* of a firing one: no longer holding since; -1 */
};

/* A batch job that checkpoints every `interval` records. */
struct batch_job {
    char run[32];
    double done, total, rate, interval, cost;
    int64_t checkpoint_us; /* the newest one */
    double checkpointed;
    int64_t began_us;
};

#define WORLD_BREAKERS 8
#define WORLD_FINISHED 8 /* after so many runs the batch job rests */
#define WORLD_TIERS    7
#define WORLD_ALERTS   8
#define WORLD_BUCKETS  9

/* Of the provider that has come back: see service.c. */
enum regression { REGRESSION_NONE, REGRESSION_WAITS, REGRESSION_ON, REGRESSION_OVER };

struct world {
    uint64_t seed;
    struct rng rng;
    int64_t now_us; /* virtual, from 0 */
    int64_t zero_wall_us;
    double speed;
    struct cluster *cluster;

    struct script script;

    /* The shard. */
    int fault_shard;
    bool broken;    /* it has died */
    bool restored;  /* its data is on a new volume, or its index was opened again */
    bool whole;     /* ... and that is back in service */
    bool reopened;  /* the index on its old volume can be read again */
    double bad;     /* how many of the queries that need the shard fail, 0..1 */
    double missing; /* documents that came after the snapshot it was restored from */

    /* The provider. */
    bool provider_struck;
    int64_t relieved_us; /* when most calls were taken off the primary; -1 */
    enum regression regression;
    double backlog, throttled,
        queued; /* requests that wait; turned away, and handed to the queue, since the start */
    double errors_by_provider[PROVIDERS], limited_by_provider[PROVIDERS];
    int64_t token_us; /* when the backup's token was last tried */

    /* The release that does not start. */
    bool release_struck;
    bool migrated; /* the schema is the one that the release needs */

    struct service service;

    struct collection collections[2];
    struct breaker breakers[WORLD_BREAKERS];
    struct tier tiers[WORLD_TIERS];
    struct alert alerts[WORLD_ALERTS];
    struct batch_job job;
    struct batch_job finished[WORLD_FINISHED]; /* the runs before it */
    size_t finished_count;
    int job_number;

    /* What users feel; each follows its target with some inertia and noise. */
    double error_rate, empty_rate, p95_s, hit_rate, precision;
    double canary; /* share of golden questions that pass */
    int64_t canary_us;

    /* Counters of /metrics. */
    double requests, errors, empties, retrieved, documents, refusals;
    double latency_sum, latency_buckets[WORLD_BUCKETS]; /* cumulative; the last is +Inf */
};

extern const double world_bucket_bounds[WORLD_BUCKETS - 1];

/* scenario is one that script_read takes; zero_wall_us: the wall time at virtual 0. */
struct world *world_new(const char *scenario, uint64_t seed, double speed, int64_t zero_wall_us);
void world_free(struct world *w);

/* Moves to now_us of virtual time; never back. */
void world_advance(struct world *w, int64_t now_us);
/* The wall time that users see for a virtual time. */
int64_t world_wall_us(const struct world *w, int64_t virtual_us);
/* After an act: states follow labels and pods at once. */
void world_settle(struct world *w);

const struct collection *world_collection(const struct world *w, const char *name);
/* Off by at most that share, as the seed has it. */
double world_noisy(struct world *w, double value, double share);

/* users.c, flow.c, alarms.c: a step of the world, each in its part. */
void users_step(struct world *w, double step_s);
void flow_tables(struct world *w);
void flow_step(struct world *w, double step_s);
void alarms_tables(struct world *w);
void alarms_step(struct world *w);

/* All have one but, in a variant, the shard that dies. */
int world_snapshots(const struct world *w); /* how many of each are kept */
bool world_has_replica(const struct world *w, const struct collection *c, int shard);
/* "shard-5" to 5; -1 when the collection has no such shard. */
int world_shard(const struct collection *c, const char *text);
/* Does asking this shard give an answer? target: a pod or deployment whose pod is asked in place of those in
 * service, NULL or "" for those. 0 none, 1 always, between: some of the pods in service are bad. */
double world_shard_answers(const struct world *w, const char *collection, int shard, const char *target);

#endif
