/* The verbs that look into pods. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/verbs.h"

static const char *container_at(const cJSON *pod, const char *list, int index)
{
    char path[40];
    snprintf(path, sizeof path, "/spec/%s/%d", list, index);
    return json_string(json_at(pod, path), "name", NULL);
}

static bool has_container(const cJSON *pod, const char *list, const char *name)
{
    const char *known;
    for (int i = 0; (known = container_at(pod, list, i)); i++)
        if (strcmp(known, name) == 0)
            return true;
    return false;
}

static void containers_list(const cJSON *pod, struct str *out)
{
    const char *name;
    for (int i = 0; (name = container_at(pod, "containers", i)); i++)
        str_addf(out, "%s%s", out->len ? ", " : "", name);
    for (int i = 0; (name = container_at(pod, "initContainers", i)); i++)
        str_addf(out, "%s%s (init)", out->len ? ", " : "", name);
}

/* The one that -c names, or the first, of which kubectl says so when there are others; NULL with a message.
 */
static const char *container_choose(struct verb_call *v, const cJSON *pod)
{
    const char *wanted = arguments_flag(v->arguments, "container"),
               *first = container_at(pod, "containers", 0);
    struct str names = {0};
    containers_list(pod, &names);
    if (wanted && !has_container(pod, "containers", wanted) &&
        !has_container(pod, "initContainers", wanted)) {
        verb_fail(v, "error: container %.60s is not valid for pod %s out of: %s", wanted, object_name(pod),
                  str_text(&names));
        first = NULL;
    } else if (wanted) {
        first = wanted;
    } else if (container_at(pod, "initContainers", 0) && !arguments_has(v->arguments, "quiet")) {
        str_addf(&v->result->err, "Defaulted container \"%s\" out of: %s\n", first, str_text(&names));
    }
    str_fini(&names);
    return first ? first : wanted ? NULL : "main";
}

/* ---- logs ---- */

/* A container that has not run yet has no log; one that never restarted none of before. */
static bool log_there(struct verb_call *v, const cJSON *pod, const char *container, bool previous)
{
    const cJSON *status = json_at(pod, "/status/containerStatuses/0");
    const char *waiting = json_string(json_at(status, "/state/waiting"), "reason", NULL);
    bool init = has_container(pod, "initContainers", container);
    if (!init && waiting && strcmp(waiting, "CrashLoopBackOff") != 0)
        verb_fail(v, "Error from server (BadRequest): container \"%s\" in pod \"%s\" is waiting to start: %s",
                  container, object_name(pod), waiting);
    else if (previous && json_double(status, "restartCount", 0) < 1)
        verb_fail(v,
                  "Error from server (BadRequest): previous terminated container \"%s\" in pod \"%s\" not "
                  "found",
                  container, object_name(pod));
    return v->result->exit == 0;
}

static void log_write(struct verb_call *v, const cJSON *pod, const char *container, long tail)
{
    bool previous = arguments_has(v->arguments, "previous");
    if (!log_there(v, pod, container, previous))
        return;
    char *prefix = arguments_has(v->arguments, "prefix")
                       ? xasprintf("[pod/%s/%s] ", object_name(pod), container)
                       : xstrdup("");
    struct log_request r = {.container = container,
                            .tail = tail,
                            .timestamps = arguments_has(v->arguments, "timestamps"),
                            .prefix = prefix};
    pod_log(v->w, pod, &r, &v->result->out);
    free(prefix);
}

static void pod_log_write(struct verb_call *v, const cJSON *pod, long tail)
{
    const char *name;
    if (!arguments_has(v->arguments, "all-containers")) {
        const char *container = container_choose(v, pod);
        if (container)
            log_write(v, pod, container, tail);
        return;
    }
    for (int i = 0; (name = container_at(pod, "initContainers", i)); i++)
        log_write(v, pod, name, tail);
    for (int i = 0; (name = container_at(pod, "containers", i)); i++)
        log_write(v, pod, name, tail);
}

static const cJSON *pod_find(struct verb_call *v, const char *target)
{
    struct err e;
    const cJSON *pod = NULL;
    pod = cluster_pod(v->w->cluster, target, &e);
    if (!pod)
        verb_fail(v, "%s", e.msg);
    else if (!verb_sees(v, pod))
        verb_fail(v, "Error from server (NotFound): pods \"%.100s\" not found", target);
    return v->result->exit == 0 ? pod : NULL;
}

static void logs_by_selector(struct verb_call *v, const char *selector, long tail)
{
    struct cluster *c = v->w->cluster;
    bool lenient = arguments_has(v->arguments, "ignore-errors");
    size_t found = 0;
    for (size_t i = 0; i < c->objects.len && v->result->exit == 0; i++) {
        const cJSON *pod = c->objects.data[i];
        if (strcmp(object_kind(pod), "Pod") != 0 || !verb_sees(v, pod) || !selector_matches(selector, pod))
            continue;
        pod_log_write(v, pod, tail);
        if (lenient)
            v->result->exit = 0;
        found++;
    }
    if (found == 0)
        str_addf(&v->result->err, "No resources found in %s namespace.\n", verb_namespace(v));
}

void verb_logs(struct verb_call *v)
{
    const char *selector = arguments_flag(v->arguments, "selector"),
               *target = arguments_word(v->arguments, 0);
    const char *text = arguments_flag(v->arguments, "tail");
    double tail = selector ? 10 : -1; /* kubectl's own defaults */
    struct err e;
    if (text && !number_parse(text, &tail)) {
        verb_fail(
            v,
            "error: invalid argument \"%.40s\" for \"--tail\" flag: strconv.ParseInt: parsing \"%.40s\": "
            "invalid syntax",
            text, text);
    } else if (tail < -1 || tail > 1e9) {
        verb_fail(v, "error: --tail must be greater than or equal to -1");
    } else if (arguments_has(v->arguments, "follow")) {
        verb_fail(v, "error: the simulated cluster does not follow logs");
    } else if (arguments_has(v->arguments, "all-containers") && arguments_flag(v->arguments, "container")) {
        verb_fail(v, "error: --all-containers=true should not be specified with container name %.60s",
                  arguments_flag(v->arguments, "container"));
    } else if (selector && target) {
        verb_fail(v, "error: only a selector (-l) or a POD name is allowed");
    } else if (selector && selector_check(selector, &e) < 0) {
        verb_fail(v, "error: %s", e.msg);
    } else if (selector) {
        logs_by_selector(v, selector, (long)tail);
    } else if (!target) {
        verb_fail(v, "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME "
                     "is a required argument for "
                     "the logs command");
    } else {
        const cJSON *pod = pod_find(v, target);
        if (pod)
            pod_log_write(v, pod, (long)tail);
    }
}

/* ---- exec ---- */

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
    const char *container = pod ? container_choose(v, pod) : NULL;
    if (!container)
        return;
    const char *phase = json_string(cJSON_GetObjectItemCaseSensitive(pod, "status"), "phase", "Pending");
    if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0) {
        verb_fail(v, "error: cannot exec into a container in a completed pod; current phase is %s", phase);
        return;
    }
    if (strcmp(phase, "Running") != 0 || json_at(pod, "/status/containerStatuses/0/state/waiting")) {
        verb_fail(v, "error: unable to upgrade connection: container not found (\"%s\")", container);
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
