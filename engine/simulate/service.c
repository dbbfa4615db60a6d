#include "engine/simulate/service.h"

#include "engine/simulate/cluster.h"
#include "engine/simulate/world.h"

#define ERRORS_US (20 * US_PER_S) /* then come the rate limits */
#define LIMITS_US (40 * US_PER_S) /* then both, and refused tokens */
#define MENDS_US                                                                                             \
    (60 * US_PER_S) /* once half of our calls are off it: as long as we hammer it, it keeps us out */

static const char *pod_setting(const cJSON *pod, const char *name, const char *fallback)
{
    const cJSON *variable;
    cJSON_ArrayForEach(variable, json_at(pod, "/spec/containers/0/env"))
    {
        if (strcmp(json_string(variable, "name", ""), name) == 0)
            return json_string(variable, "value", fallback);
    }
    return fallback;
}

static double number_setting(const cJSON *pod, const char *name, double fallback, double most)
{
    double number;
    const char *text = pod_setting(pod, name, NULL);
    return text && number_parse(text, &number) && number >= 0 && number <= most ? number : fallback;
}

void service_settings(const cJSON *pod, struct settings *s)
{
    const char *provider = pod_setting(pod, "PROVIDER", "primary");
    *s = (struct settings){
        .safe = strcmp(pod_setting(pod, "SAFE_MODE", "off"), "on") == 0,
        .cached = strcmp(provider, "cached") == 0,
        .primary =
            strcmp(provider, "primary") == 0 ? 1 : number_setting(pod, "PRIMARY_PERCENT", 0, 100) / 100,
        .max_rps = number_setting(pod, "MAX_RPS", 0, 1e6),
        .queue = strcmp(pod_setting(pod, "LONG_REQUESTS", "inline"), "queue") == 0,
    };
}

static bool is_ready_pod(const cJSON *object, const char *app)
{
    return strcmp(object_kind(object), "Pod") == 0 && str_eq(object_label(object, "app"), app) &&
           !object_label(object, "job-name") && pod_ready(object);
}

static size_t ready_pods(const struct world *w, const char *app)
{
    size_t count = 0;
    for (size_t i = 0; i < w->cluster->objects.len; i++)
        count += is_ready_pod(w->cluster->objects.data[i], app);
    return count;
}

const cJSON *service_pod(const struct world *w, uint64_t draw)
{
    size_t count = ready_pods(w, "rag-api"), wanted = count > 0 ? draw % count : 0;
    for (size_t i = 0; i < w->cluster->objects.len; i++)
        if (is_ready_pod(w->cluster->objects.data[i], "rag-api") && wanted-- == 0)
            return w->cluster->objects.data[i];
    return NULL;
}

/* The primary comes back with a fault that shows when half of the answers are its own again; whoever steps
 * back gives it the time to mend. */
static void regression_look(struct world *w)
{
    if (!w->provider_struck)
        return;
    bool half = w->service.primary >= .5;
    if (!half && w->relieved_us < 0)
        w->relieved_us = w->now_us;
    if (w->regression == REGRESSION_NONE && !half)
        w->regression = REGRESSION_WAITS;
    else if (w->regression == REGRESSION_WAITS && half)
        w->regression = REGRESSION_ON;
    else if (w->regression == REGRESSION_ON && !half)
        w->regression = REGRESSION_OVER;
}

void service_look(struct world *w)
{
    struct service *s = &w->service;
    double pods = 0, others = 0;
    *s = (struct service){.behind = ready_pods(w, "retriever") > 0 && ready_pods(w, "generator") > 0};
    s->writes = ready_pods(w, "indexer") > 0;
    for (size_t i = 0; i < w->cluster->objects.len; i++) {
        const cJSON *pod = w->cluster->objects.data[i];
        struct settings one;
        if (is_ready_pod(pod, "indexer")) {
            service_settings(pod, &one);
            s->writes &= !one.safe;
        }
        if (!is_ready_pod(pod, "rag-api"))
            continue;
        service_settings(pod, &one);
        pods++;
        s->safe += one.safe;
        others += !one.safe;
        s->primary += one.safe ? 0 : one.primary;
        s->cached += one.safe || !one.cached ? 0 : 1 - one.primary;
        s->backup += one.safe || one.cached ? 0 : 1 - one.primary;
        if (one.max_rps > 0 && (s->max_rps <= 0 || one.max_rps < s->max_rps))
            s->max_rps = one.max_rps;
        s->queue |= one.queue;
    }
    s->up = pods > 0;
    s->safe /= pods > 0 ? pods : 1;
    s->primary /= others > 0 ? others : 1;
    s->backup /= others > 0 ? others : 1;
    s->cached /= others > 0 ? others : 1;
    regression_look(w);
}

/* ---- Providers ---- */

bool provider_troubled(const struct world *w)
{
    return w->provider_struck && (w->relieved_us < 0 || w->now_us < w->relieved_us + MENDS_US);
}

static bool configured(const struct world *w, enum provider provider)
{
    return provider < PROVIDERS && !(provider == PROVIDER_BACKUP && w->script.no_backup);
}

double provider_failing(const struct world *w, enum provider provider)
{
    if (!configured(w, provider) || (provider == PROVIDER_BACKUP && w->script.bad_token))
        return 1;
    return provider == PROVIDER_PRIMARY && provider_troubled(w) ? (w->script.auth ? 1 : .9) : .001;
}

int provider_status(const struct world *w, enum provider provider, uint64_t draw, int *retry_after_s)
{
    *retry_after_s = 0;
    if (!configured(w, provider))
        return 404;
    if (provider == PROVIDER_BACKUP && w->script.bad_token)
        return 401;
    if (provider != PROVIDER_PRIMARY || !provider_troubled(w))
        return 200;
    if (w->script.auth)
        return 401;
    int64_t since_us = w->now_us - w->script.provider_us;
    int one = (int)(draw % 10);
    if (since_us < ERRORS_US)
        return one == 0 ? 200 : one < 7 ? 503 : 500;
    if (since_us < LIMITS_US || (one >= 6 && one < 9)) {
        *retry_after_s = 20;
        return 429;
    }
    return one == 9 ? 401 : 503;
}

const char *provider_model(enum provider provider)
{
    static const char *const models[] = {"gpt-4", "claude", "local"};
    return models[provider];
}

enum provider provider_named(const char *name)
{
    static const char *const names[] = {"primary", "backup", "local"};
    int i = 0;
    while (i < PROVIDERS && strcmp(name, names[i]) != 0)
        i++;
    return (enum provider)i;
}
