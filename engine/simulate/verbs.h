/* The verbs of the stand-in for kubectl, for one another. Each fills the result; kubectl.c has the table. */
#ifndef BELAY_SIMULATE_VERBS_H
#define BELAY_SIMULATE_VERBS_H

#include "engine/simulate/arguments.h"
#include "engine/simulate/cluster.h"
#include "engine/simulate/kubectl.h"

struct verb_call {
    struct world *w;
    const struct arguments *arguments;
    const struct kubectl_call *call;
    struct kubectl_result *result;
};

void verb_get(struct verb_call *v);
void verb_label(struct verb_call *v);
void verb_annotate(struct verb_call *v);
void verb_create(struct verb_call *v);
void verb_create_job(struct verb_call *v);
void verb_apply(struct verb_call *v);
void verb_delete(struct verb_call *v);
void verb_scale(struct verb_call *v);
void verb_set_env(struct verb_call *v);
void verb_wait(struct verb_call *v);
void verb_rollout_status(struct verb_call *v);
void verb_rollout_restart(struct verb_call *v);
void verb_rollout_undo(struct verb_call *v);
void verb_rollout_history(struct verb_call *v);
void verb_logs(struct verb_call *v);
void verb_exec(struct verb_call *v);
void verb_context(struct verb_call *v);
void verb_can_i(struct verb_call *v);

/* "error: ..." on stderr, exit 1. */
void verb_fail(struct verb_call *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Of the call: "default" when it names none. */
const char *verb_namespace(const struct verb_call *v);
/* The object is in that namespace, or all are asked for. */
bool verb_sees(const struct verb_call *v, const cJSON *object);
/* A --dry-run that kubectl does not know; false when the result says so. */
bool verb_dry_known(struct verb_call *v);
/* With --dry-run; what a change says it did. */
bool verb_dry(const struct verb_call *v);
void verb_say(struct verb_call *v, const cJSON *object, const char *what);

/* For verbs that wait: more than limit_us of real time has passed since the first call. */
#define VERB_AGAIN_MS 200
bool verb_time_is_up(const struct verb_call *v, int64_t limit_us);

/* What TYPE NAME..., TYPE/NAME... and -l mean together. items are borrowed from the cluster. */
struct selection {
    const struct resource *resource; /* of the first; NULL when there was none */
    VEC(cJSON *) items;
    bool named; /* by name, not by selector or all of a kind */
};
/* False when the result says why. Words from `first` on. */
bool selection_read(struct verb_call *v, size_t first, size_t end, struct selection *s);
void selection_fini(struct selection *s);
/* A type alone is not everything of that type, for what changes something: names, a selector or --all have to
 * be there. False when the result says so. */
bool selection_chosen(struct verb_call *v, size_t first, size_t end);

/* A duration flag in microseconds of real time; fallback without it, negative for a bad one, which the result
 * says. */
int64_t verb_duration(struct verb_call *v, const char *flag, int64_t fallback_us);

/* pod.c: a program inside a pod. Returns false when the pod has no such program. Fills out, err and exit;
 * sets again_ms while it runs. */
bool pod_program(struct world *w, const cJSON *pod, char *const *argv, struct kubectl_call const *call,
                 struct kubectl_result *result);
/* pod_log.c: the newest lines of a container's log, oldest first. */
struct log_request {
    const char *container;
    long tail; /* negative: all there are */
    bool timestamps;
    const char *prefix;
};
void pod_log(const struct world *w, const cJSON *pod, const struct log_request *r, struct str *out);

#endif
