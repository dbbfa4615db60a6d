/* The cluster that the stand-in for kubectl acts on: objects in the API's own shape, and the few controllers
 * that the runbooks lean on (pods of deployments and stateful sets, jobs, claims, endpoints). */
#ifndef BELAY_SIMULATE_CLUSTER_H
#define BELAY_SIMULATE_CLUSTER_H

#include "engine/base/base.h"

#define CLUSTER_NAMESPACE "rag"
#define CLUSTER_SCRATCH   "rag-drill" /* the namespace for restore drills */
#define CLUSTER_OBJECTS   500         /* more are refused */
#define CLUSTER_EVENTS    40          /* the oldest goes */
#define CLUSTER_HISTORY   10          /* templates that a deployment remembers */

/* singular, plural, short name or "", kind, group as printed ("deployment.apps"), group as in errors */
struct resource {
    const char *singular, *plural, *alias, *kind, *printed, *in_errors, *version;
};
/* By any of its names, as people type it ("po", "pods", "deployments.apps"); NULL. */
const struct resource *resource_find(const char *name);

struct cluster {
    VEC(cJSON *) objects;
    struct rng rng; /* names of pods */
    uint64_t serial;
    bool removed; /* something went since the pods were last counted */
    bool busy;    /* something is on its way: the controllers have to be asked again */
};

struct world;

struct cluster *cluster_new(struct world *w);
void cluster_free(struct cluster *c);

cJSON *cluster_find(const struct cluster *c, const char *kind, const char *name);
/* Takes the object, in which kind and metadata.name are set; adds what the API server adds. */
void cluster_add(struct cluster *c, cJSON *object, int64_t wall_us);
void cluster_remove(struct cluster *c, const cJSON *object);

const char *object_kind(const cJSON *object);
const char *object_name(const cJSON *object);
const char *object_label(const cJSON *object, const char *key); /* NULL without it */
void object_label_set(cJSON *object, const char *field, const char *key,
                      const char *value); /* NULL removes */
const char *object_namespace(const cJSON *object);
bool object_at_home(const cJSON *object); /* in CLUSTER_NAMESPACE */
/* "app=vectorstore,role!=failed,serving in (true,false),shard": false with a message when it can't be read.
 */
int selector_check(const char *selector, struct err *e);
bool selector_matches(const char *selector, const cJSON *object);

/* A pod's word: "Running", "Pending", "CrashLoopBackOff", "Completed". */
const char *pod_status(const cJSON *pod);
bool pod_ready(const cJSON *pod);
/* Ready replicas and wanted ones of a deployment. */
void deployment_counts(const struct cluster *c, const cJSON *deployment, int *ready, int *wanted);
/* ... and those of a template that has been replaced, and the others, ready or not. */
void deployment_rollout(const struct cluster *c, const cJSON *deployment, int *old, int *updated,
                        int *available);
/* Before its template is changed: the pods are replaced, and `rollout undo` finds the way back. */
void deployment_template_changes(cJSON *deployment);
/* Back to the template before; false when there is none. */
bool deployment_undo(cJSON *deployment);
/* The pod that a deployment's, job's or pod's name stands for ("deploy/x", "job/x", "pod/x", "x"); NULL with
 * a message as kubectl says it. */
const cJSON *cluster_pod(const struct cluster *c, const char *target, struct err *e);

/* For the controllers and the commands that make objects. */
cJSON *object_member(cJSON *object, const char *key); /* made when it is not there */
void object_text_set(cJSON *object, const char *key, const char *value);
void object_number_set(cJSON *object, const char *key, double value);
int64_t object_began_us(const cJSON *object); /* virtual */
void object_began_set(cJSON *object, int64_t now_us);
void object_owner_set(cJSON *pod, const char *kind, const char *name);
bool object_owned_by(const cJSON *pod, const char *kind, const char *name);
cJSON *pod_new(const char *name, const char *app, const char *image);
/* waiting, when not NULL, is the reason that its container waits. */
void pod_status_set(cJSON *pod, const char *phase, bool ready, const char *waiting);
void pod_suffix(struct cluster *c, char suffix[static 6]);
void pod_restarts_set(cJSON *pod, int restarts);
void cluster_event(struct world *w, const char *type, const char *reason, const char *about,
                   const char *message);
/* The job `migrations` as the release left it. */
void cluster_migration_set(struct world *w, bool well);
void cluster_add_set_pod(struct world *w, const char *collection, int shard, int ordinal, bool at_first);

/* controllers.c: what the controllers would have done by now. */
void cluster_advance(struct world *w);
/* "Complete", "Failed", NULL while it goes on or is about to end. */
const char *job_ended(const cJSON *job);
/* What a job takes, virtual; and what came to be done by it. */
int64_t job_takes_us(const cJSON *job);
double job_documents(const cJSON *job); /* of one that indexes again */
/* The data that a pod of a shard serves is good. */
bool pod_has_data(const struct world *w, const cJSON *pod);

#endif
