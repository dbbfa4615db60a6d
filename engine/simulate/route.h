/* What the simulated platform answers over HTTP: a pure function of the world and the request. */
#ifndef BELAY_SIMULATE_ROUTE_H
#define BELAY_SIMULATE_ROUTE_H

#include "engine/simulate/world.h"

#define ROUTE_BODY_LIMIT (256 * 1024) /* larger requests are refused */

struct request {
    const char *method; /* GET, POST ... */
    const char *path;   /* without the query */
    const char *query;  /* percent-encoded, without `?`; "" */
    const char *body;   /* terminated by a NUL that body_length does not count */
    size_t body_length;
    const cJSON *pod; /* of rag-api, when it was asked for itself; NULL: whoever of them is ready */
};

struct answer {
    int status;
    const char *type; /* of the content */
    struct str body;
    int retry_after_s; /* 0: no such header */
    bool acted;        /* by kubectl: something may have changed */
};

/* Fills the answer, whose body is the caller's to free. */
void route(struct world *w, const struct request *r, struct answer *a);

/* The parts, for one another. */
void shape_collections(const struct world *w, cJSON *out);
bool shape_collection(const struct world *w, const char *name, cJSON *out); /* false: no such collection */
bool shape_cluster_info(const struct world *w, const char *name, cJSON *out);
bool shape_snapshots(const struct world *w, const char *name, cJSON *out);
cJSON *shape_alerts(const struct world *w);
cJSON *shape_breakers(const struct world *w); /* the actuator's */
cJSON *shape_jobs(const struct world *w);
cJSON *shape_checkpoints(const struct world *w); /* key -> value, as a store would hold them */
cJSON *shape_components(const struct world *w);
void shape_time_add(cJSON *object, const char *key, int64_t wall_us);
void exposition_write(const struct world *w, struct str *out);
cJSON *shape_mode(const struct world *w); /* safe mode, and what it means */
struct question {
    const char *text;
    const char *target; /* a pod of the store that is asked in place of those in service; NULL, "" */
    bool retrieval;     /* what the store finds, without cache and provider */
    const cJSON *pod;   /* see request */
};
/* What the service answers, with its HTTP status. */
cJSON *ask_answer(const struct world *w, const struct question *q, int *status);
/* What a provider says, in OpenAI's shape; models: to GET /models, else to a completion. */
cJSON *provider_answer(const struct world *w, enum provider provider, const cJSON *request, bool models,
                       struct answer *a);

/* The value of NAME in NAME=VALUE&..., decoded; NULL without it. The caller frees. */
char *form_value(const char *form, const char *name);

#endif
