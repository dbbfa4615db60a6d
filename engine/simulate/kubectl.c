#include "engine/simulate/kubectl.h"

#include <stdarg.h>
#include <stdlib.h>

#include "engine/simulate/verbs.h"

struct verb {
    const char *name;
    const char *flags; /* see arguments_read */
    void (*run)(struct verb_call *v);
};

static const struct verb verbs[] = {
    {"get",
     "output,o: selector,l: field-selector: sort-by: all-namespaces,A no-headers show-labels watch,w "
     "ignore-not-found",
     verb_get},
    {"label", "selector,l: overwrite all list dry-run: field-selector:", verb_label},
    {"annotate", "selector,l: overwrite all list dry-run: field-selector:", verb_annotate},
    {"create job", "from: image: dry-run: output,o:", verb_create_job},
    {"create", "filename,f: dry-run: output,o: save-config validate:", verb_create},
    {"apply",
     "filename,f: dry-run: output,o: server-side force-conflicts field-manager: wait timeout: validate:",
     verb_apply},
    {"delete",
     "selector,l: filename,f: all force grace-period: ignore-not-found now wait timeout: cascade: output,o: "
     "field-selector: dry-run:",
     verb_delete},
    {"scale", "replicas: current-replicas: timeout: selector,l: all dry-run:", verb_scale},
    {"set env",
     "list all selector,l: overwrite containers,c: dry-run: output,o: from: keys: prefix:", verb_set_env},
    {"wait", "for: timeout: selector,l: all field-selector:", verb_wait},
    {"rollout status", "timeout: watch,w revision:", verb_rollout_status},
    {"rollout restart", "selector,l:", verb_rollout_restart},
    {"rollout undo", "to-revision: dry-run:", verb_rollout_undo},
    {"rollout history", "revision:", verb_rollout_history},
    {"logs",
     "selector,l: tail: since: since-time: timestamps prefix container,c: all-containers previous,p follow,f "
     "max-log-requests: limit-bytes: ignore-errors",
     verb_logs},
    {"exec", "container,c: stdin,i tty,t quiet,q filename,f: pod-running-timeout:", verb_exec},
    {"config current-context", "", verb_context},
    {"auth can-i", "quiet,q subresource: all-namespaces,A", verb_can_i},
};

/* kubectl has these, the simulated cluster does not. */
static const char *const unsimulated[] = {
    "attach",   "autoscale", "certificate",  "cluster-info",  "cordon",       "cp",        "debug",
    "describe", "diff",      "drain",        "edit",          "events",       "explain",   "expose",
    "patch",    "plugin",    "port-forward", "proxy",         "replace",      "run",       "taint",
    "top",      "uncordon",  "version",      "api-resources", "api-versions", "kustomize", "completion"};

void verb_fail(struct verb_call *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_addv(&v->result->err, format, args);
    va_end(args);
    str_add_char(&v->result->err, '\n');
    v->result->exit = 1;
}

const char *verb_namespace(const struct verb_call *v)
{
    const char *name = arguments_flag(v->arguments, "namespace");
    return name ? name : "default";
}

bool verb_sees(const struct verb_call *v, const cJSON *object)
{
    return arguments_has(v->arguments, "all-namespaces") ||
           strcmp(object_namespace(object), verb_namespace(v)) == 0;
}

int64_t verb_duration(struct verb_call *v, const char *flag, int64_t fallback_us)
{
    const char *text = arguments_flag(v->arguments, flag);
    int64_t us;
    if (!text)
        return fallback_us;
    size_t digits = strspn(text, "0123456789."), unit = strcspn(text + digits, "0123456789.");
    bool bare = digits > 0 && !text[digits] && strcmp(text, "0") != 0;
    bool days = digits > 0 && unit == 1 && text[digits] == 'd'; /* ours, not Go's */
    if (!days && duration_parse(text, &us, NULL) == 0)
        return us;
    verb_fail(v, "error: invalid argument \"%.60s\" for \"--%s\" flag: time: %s \"%.60s\"", text, flag,
              bare   ? "missing unit in duration"
              : days ? "unknown unit \"d\" in duration"
                     : "invalid duration",
              text);
    return -1;
}

/* ---- Which objects are meant ---- */

static bool field_matches(const cJSON *object, const char *selector)
{
    char path[128];
    size_t length = strcspn(selector, "=!");
    if (length == 0 || length >= sizeof path - 1 || !selector[length])
        return false;
    path[0] = '/';
    memcpy(path + 1, selector, length);
    path[length + 1] = '\0';
    for (char *p = path; *p; p++)
        if (*p == '.')
            *p = '/';
    const char *value = selector + length + strspn(selector + length, "=!");
    struct str text = {0};
    const cJSON *item = json_at(object, path);
    bool equal = item && json_text(item, &text) && strcmp(str_text(&text), value) == 0;
    str_fini(&text);
    return equal == (selector[length] == '=');
}

static bool selection_by_type(struct verb_call *v, const char *type, const struct resource **r)
{
    *r = resource_find(type);
    if (!*r)
        verb_fail(v, "error: the server doesn't have a resource type \"%.100s\"", type);
    return *r != NULL;
}

static bool selection_add_named(struct verb_call *v, struct selection *s, const struct resource *r,
                                const char *name)
{
    cJSON *found = cluster_find(v->w->cluster, r->kind, name);
    s->named = true;
    if (found && verb_sees(v, found)) {
        *vec_push(&s->items) = found;
        return true;
    }
    if (arguments_has(v->arguments, "ignore-not-found"))
        return true;
    verb_fail(v, "Error from server (NotFound): %s \"%.200s\" not found", r->in_errors, name);
    return false;
}

static bool selection_add_matching(struct verb_call *v, struct selection *s, const struct resource *r)
{
    const char *labels = arguments_flag(v->arguments, "selector"),
               *fields = arguments_flag(v->arguments, "field-selector");
    struct err e;
    if (labels && selector_check(labels, &e) < 0) {
        verb_fail(
            v,
            "Error from server (BadRequest): Unable to find \"%s\" that match label selector \"%.100s\": %s",
            r->plural, labels, e.msg);
        return false;
    }
    for (size_t i = 0; i < v->w->cluster->objects.len; i++) {
        cJSON *object = v->w->cluster->objects.data[i];
        if (verb_sees(v, object) && strcmp(object_kind(object), r->kind) == 0 &&
            (!labels || selector_matches(labels, object)) && (!fields || field_matches(object, fields)))
            *vec_push(&s->items) = object;
    }
    return true;
}

bool selection_chosen(struct verb_call *v, size_t first, size_t end)
{
    const struct resource *r;
    if (end != first + 1 || strchr(arguments_word(v->arguments, first), '/') ||
        arguments_flag(v->arguments, "selector") || arguments_flag(v->arguments, "field-selector") ||
        arguments_has(v->arguments, "all"))
        return true;
    if (selection_by_type(v, arguments_word(v->arguments, first), &r))
        verb_fail(v, "error: resource(s) were provided, but no name was specified");
    return false;
}

/* pod/x deploy/y */
static bool selection_by_paths(struct verb_call *v, size_t first, size_t end, struct selection *s)
{
    if (arguments_flag(v->arguments, "selector") || arguments_has(v->arguments, "all")) {
        verb_fail(v, "error: selectors and the all flag cannot be used when passing resource/name arguments");
        return false;
    }
    for (size_t i = first; i < end; i++) {
        const char *word = arguments_word(v->arguments, i), *slash = strchr(word, '/');
        if (!slash) {
            verb_fail(v, "error: there is no need to specify a resource type as a separate argument when "
                         "passing arguments in "
                         "resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of "
                         "'kubectl get resource "
                         "resource/<resource_name>'");
            return false;
        }
        char type[64] = "";
        if ((size_t)(slash - word) < sizeof type)
            memcpy(type, word, (size_t)(slash - word));
        const struct resource *r;
        if (!selection_by_type(v, type, &r) || !selection_add_named(v, s, r, slash + 1))
            return false;
        if (!s->resource)
            s->resource = r;
    }
    return true;
}

bool selection_read(struct verb_call *v, size_t first, size_t end, struct selection *s)
{
    *s = (struct selection){0};
    if (first >= end) {
        verb_fail(v,
                  "error: You must specify the type of resource to %s. Use \"kubectl api-resources\" for a "
                  "complete list of "
                  "supported resources.",
                  v->arguments->verb);
        return false;
    }
    const char *type = arguments_word(v->arguments, first);
    if (strchr(type, '/'))
        return selection_by_paths(v, first, end, s);
    if (strchr(type, ',')) {
        verb_fail(v, "error: the simulated cluster takes one resource type at a time, not \"%.100s\"", type);
        return false;
    }
    if (!selection_by_type(v, type, &s->resource))
        return false;
    bool by_labels = arguments_flag(v->arguments, "selector") != NULL;
    if (first + 1 >= end)
        return selection_add_matching(v, s, s->resource);
    if (by_labels) {
        verb_fail(v, "error: name cannot be provided when a selector is specified");
        return false;
    }
    for (size_t i = first + 1; i < end; i++)
        if (!selection_add_named(v, s, s->resource, arguments_word(v->arguments, i)))
            return false;
    return true;
}

void selection_fini(struct selection *s)
{
    vec_fini(&s->items);
}

/* ---- Dispatch ---- */

static const struct verb *verb_find(const struct kubectl_call *c, int at, int *words)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        const char *blank = strchr(verbs[i].name, ' ');
        size_t length = blank ? (size_t)(blank - verbs[i].name) : strlen(verbs[i].name);
        if (strlen(c->argv[at]) != length || memcmp(c->argv[at], verbs[i].name, length) != 0)
            continue;
        if (blank && (at + 1 >= c->argc || strcmp(c->argv[at + 1], blank + 1) != 0))
            continue;
        *words = blank ? 2 : 1;
        return &verbs[i];
    }
    return NULL;
}

static void verb_missing(struct verb_call *v, const char *name)
{
    for (size_t i = 0; i < sizeof unsimulated / sizeof *unsimulated; i++) {
        if (strcmp(name, unsimulated[i]) == 0) {
            verb_fail(v, "error: the simulated cluster does not do \"kubectl %s\"", name);
            return;
        }
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        size_t length = strcspn(verbs[i].name, " ");
        if (strlen(name) == length && memcmp(name, verbs[i].name, length) == 0) {
            verb_fail(v, "error: the simulated cluster does not do that with \"kubectl %s\"", name);
            return;
        }
    }
    verb_fail(v, "error: unknown command \"%.60s\" for \"kubectl\"", name);
}

/* Flags may stand before the verb: kubectl -n rag get pods. Returns where the verb is. */
static int verb_place(const struct kubectl_call *c)
{
    for (int i = 1; i < c->argc; i++) {
        if (c->argv[i][0] != '-')
            return i;
        bool takes_value = strcmp(c->argv[i], "-n") == 0 || strcmp(c->argv[i], "--namespace") == 0 ||
                           strcmp(c->argv[i], "--context") == 0 ||
                           strcmp(c->argv[i], "--request-timeout") == 0 ||
                           strcmp(c->argv[i], "--kubeconfig") == 0;
        i += takes_value;
    }
    return 0;
}

void kubectl_run(struct world *w, const struct kubectl_call *c, struct kubectl_result *r)
{
    struct arguments arguments = {0};
    struct verb_call v = {.w = w, .arguments = &arguments, .call = c, .result = r};
    struct err e;
    int at = verb_place(c), words = 1;
    if (at == 0) {
        verb_fail(&v, "error: kubectl needs a command; the simulated cluster knows get, label, annotate, "
                      "create, apply, delete, "
                      "scale, set env, wait, rollout, logs, exec");
        return;
    }
    const struct verb *verb = verb_find(c, at, &words);
    r->token_us = c->token_us >= 0 ? c->token_us : w->now_us;
    if (!verb) {
        verb_missing(&v, c->argv[at]);
        return;
    }
    char **rest = NULL;
    for (int i = 1; i < c->argc; i++)
        if (i < at || i >= at + words)
            strv_add(&rest, c->argv[i]);
    if (arguments_read(&arguments, verb->name, verb->flags, rest ? (int)strv_count(rest) : 0, rest, &e) < 0)
        verb_fail(&v, "%s", e.msg);
    else if (verb_dry_known(&v))
        verb->run(&v);
    arguments_fini(&arguments);
    strv_free(rest);
    world_settle(w);
}

void kubectl_result_fini(struct kubectl_result *r)
{
    str_fini(&r->out);
    str_fini(&r->err);
}

void verb_context(struct verb_call *v)
{
    str_add(&v->result->out, "demo\n");
}

void verb_can_i(struct verb_call *v)
{
    if (arguments_count(v->arguments) < 2) {
        verb_fail(
            v, "error: you must specify two or three arguments: verb, resource, and optional resourceName");
        return;
    }
    str_add(&v->result->out, "yes\n");
}
