/* What users feel: rates that follow what stands behind the service, with some inertia and noise. */
#include <math.h>

#include "engine/simulate/world.h"

#define LONG_PER_S   4.0 /* requests that take long */
#define WORKER_PER_S 3.0 /* of those the backlog's worker answers */
#define BACKLOG_MOST 5000.0

/* Where all of this is heading. */
struct feel {
    double errors, empty, p95_s, hits, precision, canary;
};

static double mixed(double live, double live_value, double cached_value)
{
    return live * live_value + (1 - live) * cached_value;
}

static void feel_read(const struct world *w, struct feel *f)
{
    const struct service *s = &w->service;
    double live = 1 - s->safe;
    double failing =
        s->primary * provider_failing(w, PROVIDER_PRIMARY) + s->backup * provider_failing(w, PROVIDER_BACKUP);
    double worse = w->regression == REGRESSION_ON ? s->primary : 0;
    double from_cache = live * s->cached + s->safe;
    failing = failing > .01 ? failing : 0;
    if (!s->up || !s->behind) { /* the cache needs nobody behind it */
        double answered = s->up ? s->safe : 0;
        *f = (struct feel){.errors = .97 * (1 - answered),
                           .empty = .01,
                           .p95_s = mixed(1 - answered, .35, .15),
                           .hits = .85,
                           .precision = .90,
                           .canary = answered};
        return;
    }
    f->errors = .002 + live * (.039 * w->bad + .85 * failing);
    f->errors = f->errors < .97 ? f->errors : .97;
    f->empty = .01 + .30 * w->bad * live;
    f->p95_s = mixed(live, .8 + 2.1 * w->bad + 2.6 * failing - (s->queue ? .1 : 0), .15);
    f->hits = mixed(1 - from_cache, .88 - .17 * w->bad - .26 * worse - .01 * s->backup, .85);
    f->precision = mixed(1 - from_cache, .93 - .10 * w->bad - .30 * worse - .01 * s->backup, .90);
    f->canary = mixed(live, (1 - w->bad * 4 / 12) * (1 - failing) * (1 - worse / 2), 1);
}

static double follow(double value, double target, double step_s, double inertia_s)
{
    return value + (target - value) * (1 - exp(-step_s / inertia_s));
}

static void rates_step(struct world *w, double step_s, const struct feel *f)
{
    w->error_rate = world_noisy(w, follow(w->error_rate, f->errors, step_s, 2.5), .01);
    w->error_rate = fmin(w->error_rate, .99);
    w->empty_rate = world_noisy(w, follow(w->empty_rate, f->empty, step_s, 2), .005);
    w->p95_s = world_noisy(w, follow(w->p95_s, f->p95_s, step_s, 2.5), .005);
    w->hit_rate = world_noisy(w, follow(w->hit_rate, f->hits, step_s, 3), .001);
    w->precision = world_noisy(w, follow(w->precision, f->precision, step_s, 3), .001);
}

static void counters_step(struct world *w, double step_s)
{
    const struct service *s = &w->service;
    double offered = world_noisy(w, WORLD_REQUESTS_PER_S, .1) * step_s;
    double requests = s->max_rps > 0 ? fmin(offered, s->max_rps * step_s) : offered;
    double live = requests * (1 - s->safe);
    w->throttled += offered - requests;
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
    double calls[PROVIDERS] = {live * s->primary, live * s->backup, 0};
    bool limited = provider_troubled(w) && !w->script.auth;
    for (int i = 0; i < PROVIDERS && s->behind; i++) {
        double failed = calls[i] * provider_failing(w, (enum provider)i);
        double waits = i == PROVIDER_PRIMARY && limited ? failed * .3 : 0;
        w->errors_by_provider[i] += failed - waits;
        w->limited_by_provider[i] += waits;
    }
}

static void backlog_step(struct world *w, double step_s)
{
    double in = w->service.queue ? LONG_PER_S : 0, usual = 3 + 30 * fmax(w->p95_s - .8, 0);
    w->queued += in * step_s;
    if (w->service.queue || w->backlog > usual + 1)
        w->backlog = fmin(fmax(w->backlog + (in - WORKER_PER_S) * step_s, 0), BACKLOG_MOST);
    else
        w->backlog = usual;
}

/* Once every six hours somebody asks the backup with its token, and in between whoever wants to know. */
static void token_step(struct world *w)
{
    if (!w->script.bad_token && !w->script.no_backup && w->now_us - w->token_us > 6 * 3600 * US_PER_S)
        w->token_us = w->now_us;
}

static void canary_step(struct world *w, double canary)
{
    if (w->now_us - w->canary_us < 5 * US_PER_S)
        return;
    w->canary_us = w->now_us;
    w->canary = canary; /* four of the twelve questions live on that shard */
}

void users_step(struct world *w, double step_s)
{
    struct feel f;
    feel_read(w, &f);
    rates_step(w, step_s, &f);
    counters_step(w, step_s);
    backlog_step(w, step_s);
    token_step(w);
    canary_step(w, f.canary);
}
