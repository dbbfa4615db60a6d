/* The retrieval service and its providers: what the settings of its pods, and what stands behind them, make
 * of a question. Settings are environment variables of deploy/rag-api, and count from the moment when a pod
 * that has them is ready:
 *
 *   PROVIDER         primary (default), backup, cached: known questions from the cache, others are refused
 *   PRIMARY_PERCENT  of the answers come from the primary all the same, while PROVIDER is another
 *   SAFE_MODE        on: read-only, cached answers, no calls to a provider; of deploy/indexer too: no writes
 *   MAX_RPS          more questions a second than this are turned away
 *   LONG_REQUESTS    queue: long ones wait for the backlog worker; inline (default) */
#ifndef BELAY_SIMULATE_SERVICE_H
#define BELAY_SIMULATE_SERVICE_H

#include "engine/base/base.h"

struct world;

enum provider { PROVIDER_PRIMARY, PROVIDER_BACKUP, PROVIDER_LOCAL, PROVIDERS };

/* Of one pod. */
struct settings {
    bool safe;
    bool cached;    /* what does not go to the primary comes from the cache, not from the backup */
    double primary; /* share of the answers */
    double max_rps; /* 0: no limit */
    bool queue;
};
void service_settings(const cJSON *pod, struct settings *s);

/* Of all ready pods together; shares 0..1. */
struct service {
    bool up;                        /* a pod of rag-api is ready */
    bool behind;                    /* so is one of the retriever and one of the generator */
    double safe;                    /* share of the pods in safe mode */
    double primary, backup, cached; /* where the answers of the others come from */
    double max_rps;
    bool queue;
    bool writes; /* documents are taken in */
};
void service_look(struct world *w);
/* A ready pod of rag-api; NULL when there is none. */
const cJSON *service_pod(const struct world *w, uint64_t draw);

/* Has the primary trouble? How many of the calls fail? */
bool provider_troubled(const struct world *w);
double provider_failing(const struct world *w, enum provider provider);
/* What a call now would answer, as HTTP says it; retry_after_s is 0 without the header. A provider that is
 * not configured: 404. */
int provider_status(const struct world *w, enum provider provider, uint64_t draw, int *retry_after_s);
const char *provider_model(enum provider provider);
/* "primary", "backup", "local"; PROVIDERS when it is none of them. */
enum provider provider_named(const char *name);

#endif
