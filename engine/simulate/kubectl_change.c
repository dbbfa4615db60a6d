/* The verbs that change objects. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/manifest.h"
#include "engine/simulate/verbs.h"

bool verb_dry_known(struct verb_call *v)
{
    const char *mode = arguments_flag(v->arguments, "dry-run");
    if (!mode || str_eq(mode, "none") || str_eq(mode, "client") || str_eq(mode, "server"))
        return true;
    verb_fail(v, "error: Invalid dry-run value (%.60s). Must be \"none\", \"server\", or \"client\".", mode);
    return false;
}

bool verb_dry(const struct verb_call *v)
{
    const char *mode = arguments_flag(v->arguments, "dry-run");
    return mode && strcmp(mode, "none") != 0;
}

static const char *dry_text(const struct verb_call *v)
{
    const char *mode = arguments_flag(v->arguments, "dry-run");
    return !verb_dry(v) ? "" : strcmp(mode, "server") == 0 ? " (server dry run)" : " (dry run)";
}

void verb_say(struct verb_call *v, const cJSON *object, const char *what)
{
    str_addf(&v->result->out, "%s/%s %s%s\n", resource_find(object_kind(object))->printed,
             object_name(object), what, dry_text(v));
}

/* ---- label, annotate ---- */

struct changes {
    bool added, removed;
};

static bool is_change(const char *word)
{
    size_t length = strlen(word);
    return strchr(word, '=') || (length > 1 && word[length - 1] == '-');
}

/* KEY=VALUE or KEY-; false with a message. */
static bool change_one(struct verb_call *v, cJSON *object, const char *field, const char *word,
                       struct changes *c)
{
    char key[256];
    size_t length = strcspn(word, "=");
    const char *value = word[length] ? word + length + 1 : NULL;
    length = value ? length : length - 1;
    if (length == 0 || length >= sizeof key) {
        verb_fail(v, "error: invalid label spec: %.100s", word);
        return false;
    }
    memcpy(key, word, length);
    key[length] = '\0';
    char *wrong = value && strcmp(field, "labels") == 0 ? label_wrong(value) : NULL;
    if (wrong) {
        verb_fail(v, "error: invalid label value: \"%.100s=%.100s\": %s", key, value, wrong);
        free(wrong);
        return false;
    }
    const cJSON *now = cJSON_GetObjectItemCaseSensitive(
        json_at(object, strcmp(field, "labels") == 0 ? "/metadata/labels" : "/metadata/annotations"), key);
    if (value && now && strcmp(cJSON_GetStringValue(now), value) != 0 &&
        !arguments_has(v->arguments, "overwrite")) {
        verb_fail(v, "error: '%s' already has a value (%s), and --overwrite is false", key,
                  cJSON_GetStringValue(now));
        return false;
    }
    bool differs = value ? !now || strcmp(cJSON_GetStringValue(now), value) != 0 : now != NULL;
    c->added |= differs && value;
    c->removed |= differs && !value;
    if (differs && !verb_dry(v))
        object_label_set(object, field, key, value);
    return true;
}

/* kubectl tells labels that came from such as went; annotations it does not. */
static const char *change_text(const char *field, const struct changes *c)
{
    if (strcmp(field, "labels") != 0)
        return "annotated";
    if (c->added && c->removed)
        return "modified";
    return c->added ? "labeled" : c->removed ? "unlabeled" : "not labeled";
}

static void metadata_change(struct verb_call *v, const char *field)
{
    size_t count = arguments_count(v->arguments), first = 0;
    while (first < count && !is_change(arguments_word(v->arguments, first)))
        first++;
    if (first == 0) {
        verb_fail(v,
                  "error: one or more resources must be specified as <resource> <name> or <resource>/<name>");
        return;
    }
    if (first == count) {
        verb_fail(v, "error: at least one %s update is required",
                  strcmp(field, "labels") == 0 ? "label" : "annotation");
        return;
    }
    if (arguments_flag(v->arguments, "selector") && arguments_has(v->arguments, "all")) {
        verb_fail(v, "error: cannot set --all and --selector at the same time");
        return;
    }
    struct selection s = {0};
    if (selection_chosen(v, 0, first) && selection_read(v, 0, first, &s)) {
        if (s.items.len == 0)
            str_add(&v->result->out, "No resources found\n");
        for (size_t i = 0; i < s.items.len; i++) {
            struct changes changes = {0};
            bool well = true;
            for (size_t word = first; well && word < count; word++)
                well = change_one(v, s.items.data[i], field, arguments_word(v->arguments, word), &changes);
            if (well)
                verb_say(v, s.items.data[i], change_text(field, &changes));
        }
    }
    selection_fini(&s);
}

void verb_label(struct verb_call *v)
{
    metadata_change(v, "labels");
}

void verb_annotate(struct verb_call *v)
{
    metadata_change(v, "annotations");
}

/* ---- create, apply ---- */

/* Numbers that the controllers read; YAML scalars arrive as texts. */
static void numbers_convert(cJSON *object)
{
    cJSON *spec = cJSON_GetObjectItemCaseSensitive(object, "spec");
    const char *replicas = json_string(spec, "replicas", NULL);
    double number;
    if (replicas && number_parse(replicas, &number))
        object_number_set(spec, "replicas", number);
}

/* What the API server would say to the object itself. */
static bool object_valid(struct verb_call *v, const cJSON *object)
{
    const char *kind = json_string(object, "kind", ""), *version = json_string(object, "apiVersion", "");
    const struct resource *r = resource_find(kind);
    if (!*version || !*kind)
        verb_fail(v, "error: error validating \"STDIN\": error validating data: [apiVersion not set, kind "
                     "not set]; if you choose "
                     "to ignore these errors, turn validation off with --validate=false");
    else if (!r || strcmp(r->kind, kind) != 0 || strcmp(r->version, version) != 0)
        verb_fail(v,
                  "error: resource mapping not found for name: \"%.100s\" namespace: \"\" from \"STDIN\": no "
                  "matches for kind "
                  "\"%.60s\" in version \"%.60s\"\nensure CRDs are installed first",
                  object_name(object), kind, version);
    else if (!*object_name(object))
        verb_fail(v, "error: resource name may not be empty");
    char *wrong = v->result->exit == 0 ? manifest_wrong(object) : NULL;
    if (wrong && str_eq(v->arguments->verb, "create job"))
        verb_fail(v, "error: failed to create job: Job.batch \"%.100s\" is invalid: %s", object_name(object),
                  wrong);
    else if (wrong)
        verb_fail(v, "The %s \"%.100s\" is invalid: %s", kind, object_name(object), wrong);
    free(wrong);
    return v->result->exit == 0;
}

static bool namespace_exists(const char *name)
{
    return strcmp(name, CLUSTER_NAMESPACE) == 0 || strcmp(name, CLUSTER_SCRATCH) == 0;
}

/* ... and to where it is to be put. */
static bool object_placeable(struct verb_call *v, const cJSON *object)
{
    const char *own = json_string(cJSON_GetObjectItemCaseSensitive(object, "metadata"), "namespace", NULL);
    const char *flag = arguments_flag(v->arguments, "namespace");
    if (own && flag && strcmp(own, flag) != 0)
        verb_fail(v,
                  "error: the namespace from the provided object \"%.60s\" does not match the namespace "
                  "\"%.60s\". You must "
                  "pass '--namespace=%.60s' to perform this operation.",
                  own, flag, own);
    else if (!namespace_exists(own ? own : verb_namespace(v)))
        verb_fail(
            v, "Error from server (NotFound): error when creating \"STDIN\": namespaces \"%.60s\" not found",
            own ? own : verb_namespace(v));
    else if (v->w->cluster->objects.len >= CLUSTER_OBJECTS)
        verb_fail(v, "Error from server (Forbidden): exceeded quota: the simulated cluster holds %d objects",
                  CLUSTER_OBJECTS);
    return v->result->exit == 0;
}

static bool object_create(struct verb_call *v, cJSON *object, bool apply)
{
    if (!object_valid(v, object) || !object_placeable(v, object))
        return false;
    cJSON *known = cluster_find(v->w->cluster, object_kind(object), object_name(object));
    if (known && !apply) {
        verb_fail(
            v,
            "Error from server (AlreadyExists): error when creating \"STDIN\": %s \"%.100s\" already exists",
            resource_find(object_kind(object))->in_errors, object_name(object));
        return false;
    }
    if (known) {
        verb_say(v, known, "unchanged");
        return true;
    }
    verb_say(v, object, "created");
    if (!verb_dry(v)) {
        cJSON *fresh = cJSON_Duplicate(object, true);
        numbers_convert(fresh);
        cJSON *metadata = object_member(fresh, "metadata");
        if (!json_string(metadata, "namespace", NULL))
            object_text_set(metadata, "namespace", verb_namespace(v));
        object_began_set(fresh, v->w->now_us);
        cluster_add(v->w->cluster, fresh, world_wall_us(v->w, v->w->now_us));
    }
    return true;
}

/* Documents between lines of `---`. */
static void documents_create(struct verb_call *v, const char *text, bool apply)
{
    int line = 0;
    size_t seen = 0;
    while (*text) {
        const char *end = text;
        while (*end && !(str_starts(end, "---") &&
                         (end[3] == '\n' || end[3] == '\r' || end[3] == '\0' || end[3] == ' '))) {
            end += strcspn(end, "\n");
            end += *end == '\n';
        }
        struct err e;
        cJSON *object = yaml_parse(text, (size_t)(end - text), "STDIN", line, &e);
        if (!object) {
            verb_fail(v, "error: error parsing STDIN: error converting YAML to JSON: yaml: %s", e.msg);
            return;
        }
        bool empty = cJSON_GetArraySize(object) == 0;
        bool well = empty || object_create(v, object, apply);
        seen += !empty;
        cJSON_Delete(object);
        if (!well)
            return;
        for (const char *p = text; p < end; p++)
            line += *p == '\n';
        text = end + strcspn(end, "\n");
        line += *text == '\n';
        text += *text == '\n';
    }
    if (seen == 0)
        verb_fail(v, "error: no objects passed to %s", v->arguments->verb);
}

static void from_input(struct verb_call *v, bool apply)
{
    const char *file = arguments_flag(v->arguments, "filename");
    if (!file)
        verb_fail(v, "error: must specify one of -f and -k");
    else if (strcmp(file, "-") != 0)
        verb_fail(v, "error: the simulated cluster reads manifests from standard input (-f -)");
    else
        documents_create(v, v->call->input, apply);
}

void verb_create(struct verb_call *v)
{
    from_input(v, false);
}

void verb_apply(struct verb_call *v)
{
    from_input(v, true);
}

/* A job with the cron job's own template, or with one of the image and the command given. */
static cJSON *job_make(const struct verb_call *v, const char *name, const cJSON *cron)
{
    cJSON *job = cJSON_CreateObject();
    cJSON_AddStringToObject(job, "apiVersion", "batch/v1");
    cJSON_AddStringToObject(job, "kind", "Job");
    object_text_set(object_member(job, "metadata"), "name", name);
    if (cron) {
        object_label_set(job, "annotations", "cronjob.kubernetes.io/instantiate", "manual");
        cJSON_AddItemToObject(job, "spec", cJSON_Duplicate(json_at(cron, "/spec/jobTemplate/spec"), true));
        return job;
    }
    cJSON *container = cJSON_CreateObject();
    cJSON *spec = object_member(object_member(object_member(job, "spec"), "template"), "spec");
    cJSON_AddStringToObject(spec, "restartPolicy", "Never");
    cJSON_AddStringToObject(container, "name", name);
    cJSON_AddStringToObject(container, "image", arguments_flag(v->arguments, "image"));
    cJSON *command = cJSON_AddArrayToObject(container, "command");
    for (char **word = v->arguments->command; word && *word; word++)
        cJSON_AddItemToArray(command, cJSON_CreateString(*word));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(spec, "containers"), container);
    return job;
}

/* The cron job that --from names; NULL with a message. */
static const cJSON *cron_find(struct verb_call *v, const char *from)
{
    const char *name = strchr(from, '/');
    size_t length = name ? (size_t)(name - from) : 0;
    char type[32] = "";
    if (length < sizeof type)
        memcpy(type, from, length);
    const struct resource *r = name ? resource_find(type) : NULL;
    const cJSON *found = r ? cluster_find(v->w->cluster, r->kind, name + 1) : NULL;
    if (!name)
        verb_fail(v, "error: from must be an existing cronjob");
    else if (!r)
        verb_fail(v, "error: the server doesn't have a resource type \"%s\"", type);
    else if (!found || !verb_sees(v, found))
        verb_fail(v, "Error from server (NotFound): %s \"%.100s\" not found", r->in_errors, name + 1);
    else if (strcmp(r->kind, "CronJob") != 0)
        verb_fail(v, "error: unknown object type *v1.%s", r->kind);
    return v->result->exit == 0 ? found : NULL;
}

/* kubectl create job NAME --from=cronjob/X, or --image=IMAGE -- COMMAND */
void verb_create_job(struct verb_call *v)
{
    const char *name = arguments_word(v->arguments, 0), *from = arguments_flag(v->arguments, "from");
    const char *image = arguments_flag(v->arguments, "image");
    const cJSON *cron = NULL;
    if (!name || arguments_word(v->arguments, 1))
        verb_fail(v, "error: exactly one NAME is required, got %zu", arguments_count(v->arguments));
    else if (!from == !image)
        verb_fail(v, "error: either --image or --from must be specified");
    else if (from && v->arguments->command)
        verb_fail(v, "error: cannot specify --from and command");
    else if (from)
        cron = cron_find(v, from);
    if (v->result->exit != 0)
        return;
    if (cluster_find(v->w->cluster, "Job", name)) {
        verb_fail(v, "error: failed to create job: jobs.batch \"%.100s\" already exists", name);
        return;
    }
    cJSON *job = job_make(v, name, cron);
    object_create(v, job, false);
    cJSON_Delete(job);
}

/* ---- delete ---- */

void verb_delete(struct verb_call *v)
{
    struct selection s = {0};
    size_t count = arguments_count(v->arguments);
    if (selection_chosen(v, 0, count) && selection_read(v, 0, count, &s)) {
        if (s.items.len == 0 && !s.named)
            str_add(&v->result->out, "No resources found\n");
        for (size_t i = 0; i < s.items.len; i++) {
            const struct resource *r = resource_find(object_kind(s.items.data[i]));
            str_addf(&v->result->out, "%s \"%s\" deleted%s\n", r->printed, object_name(s.items.data[i]),
                     dry_text(v));
            if (!verb_dry(v))
                cluster_remove(v->w->cluster, s.items.data[i]);
        }
    }
    selection_fini(&s);
}
