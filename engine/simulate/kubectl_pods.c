/* The verbs that look into pods. */
#include <stdlib.h>

#include "engine/simulate/verbs.h"

static void log_write(struct verb_call *v, const cJSON *pod, long tail)
{
    char *prefix = arguments_has(v->arguments, "prefix")
                       ? xasprintf("[pod/%s/%s] ", object_name(pod),
                                   json_string(json_at(pod, "/spec/containers/0"), "name", "main"))
                       : xstrdup("");
    pod_log(v->w, pod, tail, arguments_has(v->arguments, "timestamps"), prefix, &v->result->out);
    free(prefix);
}

static const cJSON *pod_find(struct verb_call *v, const char *target)
{
    struct err e;
    const cJSON *pod = NULL;
    if (!verb_in_namespace(v))
        verb_fail(v, "Error from server (NotFound): pods \"%.100s\" not found", target);
    else if (!(pod = cluster_pod(v->w->cluster, target, &e)))
        verb_fail(v, "%s", e.msg);
    return pod;
}

void verb_logs(struct verb_call *v)
{
    const char *selector = arguments_flag(v->arguments, "selector"),
               *target = arguments_word(v->arguments, 0);
    const char *text = arguments_flag(v->arguments, "tail");
    long tail = text ? strtol(text, NULL, 10) : selector ? 10 : -1; /* kubectl's own default for selectors */
    struct err e;
    if (arguments_has(v->arguments, "follow")) {
        verb_fail(v, "error: the simulated cluster does not follow logs");
    } else if (selector && target) {
        verb_fail(v, "error: only a selector (-l) or a POD name is allowed");
    } else if (selector && selector_check(selector, &e) < 0) {
        verb_fail(v, "error: %s", e.msg);
    } else if (selector) {
        struct cluster *c = v->w->cluster;
        size_t found = 0;
        for (size_t i = 0; verb_in_namespace(v) && i < c->objects.len; i++) {
            if (strcmp(object_kind(c->objects.data[i]), "Pod") != 0 ||
                !selector_matches(selector, c->objects.data[i]))
                continue;
            log_write(v, c->objects.data[i], tail);
            found++;
        }
        if (found == 0)
            str_addf(&v->result->err, "No resources found in %s namespace.\n",
                     arguments_flag(v->arguments, "namespace") ? arguments_flag(v->arguments, "namespace")
                                                               : "default");
    } else if (!target) {
        verb_fail(v, "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME "
                     "is a required argument for "
                     "the logs command");
    } else {
        const cJSON *pod = pod_find(v, target);
        if (pod)
            log_write(v, pod, tail);
    }
}

void verb_exec(struct verb_call *v)
{
    const char *target = arguments_word(v->arguments, 0);
    if (!target) {
        verb_fail(v, "error: pod, type/name or --filename must be specified");
        return;
    }
    if (!v->arguments->command) {
        bool old_form = !v->arguments->dashes && arguments_word(v->arguments, 1);
        verb_fail(v, "error: %s",
                  old_form
                      ? "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"
                      : "you must specify at least one command for the container");
        return;
    }
    const cJSON *pod = pod_find(v, target);
    if (!pod)
        return;
    const char *phase = json_string(cJSON_GetObjectItemCaseSensitive(pod, "status"), "phase", "Pending");
    if (strcmp(phase, "Running") != 0) {
        verb_fail(v, "error: unable to upgrade connection: container not found (\"%s\")",
                  json_string(json_at(pod, "/spec/containers/0"), "name", "main"));
        return;
    }
    if (!pod_program(v->w, pod, v->arguments->command, v->call, v->result)) {
        str_addf(&v->result->err,
                 "error: Internal error occurred: error executing command in container: failed to exec in "
                 "container: failed to "
                 "start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: "
                 "\"%.60s\": executable "
                 "file not found in $PATH: unknown\n",
                 v->arguments->command[0]);
        v->result->exit = 126;
    } else if (v->result->exit != 0 && v->result->again_ms == 0) {
        str_addf(&v->result->err, "command terminated with exit code %d\n", v->result->exit);
    }
}
