/* The verbs that change how many pods a deployment has, and what they are told. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/verbs.h"

/* ---- scale ---- */

static bool count_read(struct verb_call *v, const char *flag, double *number)
{
    const char *text = arguments_flag(v->arguments, flag);
    if (number_parse(text, number) && *number >= -1 && *number <= 50 && *number == (double)(int)*number)
        return true;
    verb_fail(v, "error: invalid argument \"%.40s\" for \"--%s\" flag", text, flag);
    return false;
}

static void scale_one(struct verb_call *v, cJSON *object, double replicas, double current)
{
    cJSON *spec = object_member(object, "spec");
    double now = json_double(spec, "replicas", 1);
    if (strcmp(object_kind(object), "Deployment") != 0) {
        verb_fail(v, "error: the simulated cluster scales deployments only");
        return;
    }
    if (current >= 0 && current != now) {
        verb_fail(v, "error: Expected replicas to be %.0f, was %.0f", current, now);
        return;
    }
    if (!verb_dry(v))
        object_number_set(spec, "replicas", replicas);
    verb_say(v, object, "scaled");
}

void verb_scale(struct verb_call *v)
{
    double replicas, current = -1;
    struct selection s = {0};
    if (!arguments_flag(v->arguments, "replicas")) {
        verb_fail(v, "error: required flag(s) \"replicas\" not set");
        return;
    }
    if (!count_read(v, "replicas", &replicas) ||
        (arguments_flag(v->arguments, "current-replicas") && !count_read(v, "current-replicas", &current)))
        return;
    if (replicas < 0) {
        verb_fail(
            v, "error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
        return;
    }
    size_t count = arguments_count(v->arguments);
    if (selection_chosen(v, 0, count) && selection_read(v, 0, count, &s)) {
        if (s.items.len == 0)
            verb_fail(v, "error: no objects passed to scale");
        for (size_t i = 0; i < s.items.len && v->result->exit == 0; i++)
            scale_one(v, s.items.data[i], replicas, current);
    }
    selection_fini(&s);
}

/* ---- set env ---- */

static void env_write(struct verb_call *v, const cJSON *object)
{
    const cJSON *container = json_at(object, "/spec/template/spec/containers/0"), *variable;
    str_addf(&v->result->out, "# %s %s, container %s\n", object_kind(object), object_name(object),
             json_string(container, "name", ""));
    cJSON_ArrayForEach(variable, cJSON_GetObjectItemCaseSensitive(container, "env")) str_addf(
        &v->result->out, "%s=%s\n", json_string(variable, "name", ""), json_string(variable, "value", ""));
}

/* NAME=VALUE, or NAME- to take it away. */
static bool is_assignment(const char *word)
{
    size_t length = strlen(word);
    return strchr(word, '=') || (length > 1 && word[length - 1] == '-' && !strchr(word, '/'));
}

static bool name_valid(struct verb_call *v, const char *word)
{
    size_t length = strcspn(word, "=");
    bool well = length > 0 && !isdigit((unsigned char)word[0]);
    for (size_t i = 0; i < length; i++)
        well &= isalnum((unsigned char)word[i]) || strchr("-_.", word[i]);
    if (!well)
        verb_fail(
            v,
            "error: \"%.*s\" is not a valid key name: a valid environment variable name must consist of "
            "alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
            (int)(length < 60 ? length : 60), word);
    return well;
}

static int env_find(const cJSON *env, const char *name, size_t length)
{
    for (int i = 0; i < cJSON_GetArraySize(env); i++) {
        const char *known = json_string(cJSON_GetArrayItem(env, i), "name", "");
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return i;
    }
    return -1;
}

/* Would the assignment change anything? */
static bool env_differs(const cJSON *object, const char *word)
{
    const cJSON *env = json_at(object, "/spec/template/spec/containers/0/env");
    size_t length = strcspn(word, "=");
    bool removes = !word[length];
    int at = env_find(env, word, length - removes);
    if (removes)
        return at >= 0;
    return at < 0 || strcmp(json_string(cJSON_GetArrayItem(env, at), "value", ""), word + length + 1) != 0;
}

static void env_change(cJSON *object, const char *word)
{
    cJSON *container = (cJSON *)(uintptr_t)json_at(object, "/spec/template/spec/containers/0");
    cJSON *env = cJSON_GetObjectItemCaseSensitive(container, "env");
    size_t length = strcspn(word, "=");
    bool removes = !word[length];
    if (!env)
        env = cJSON_AddArrayToObject(container, "env");
    int at = env_find(env, word, length - removes);
    if (removes) {
        if (at >= 0)
            cJSON_DeleteItemFromArray(env, at);
        return;
    }
    cJSON *variable = at >= 0 ? cJSON_GetArrayItem(env, at) : cJSON_CreateObject();
    char *name = xstrndup(word, length);
    object_text_set(variable, "name", name);
    object_text_set(variable, "value", word + length + 1);
    if (at < 0)
        cJSON_AddItemToArray(env, variable);
    free(name);
}

static void env_set(struct verb_call *v, cJSON *object, size_t first, size_t count)
{
    bool differs = false;
    for (size_t word = first; word < count; word++)
        differs |= env_differs(object, arguments_word(v->arguments, word));
    if (!differs) /* kubectl is silent then, and nothing is rolled out */
        return;
    if (!verb_dry(v)) {
        deployment_template_changes(object);
        for (size_t word = first; word < count; word++)
            env_change(object, arguments_word(v->arguments, word));
    }
    verb_say(v, object, "env updated");
}

static bool assignments_valid(struct verb_call *v, size_t first, size_t count)
{
    for (size_t word = first; word < count; word++) {
        const char *text = arguments_word(v->arguments, word);
        if (!is_assignment(text)) {
            verb_fail(v, "error: all resources must be specified before environment changes: %.100s", text);
            return false;
        }
        if (!name_valid(v, text))
            return false;
    }
    return true;
}

void verb_set_env(struct verb_call *v)
{
    size_t count = arguments_count(v->arguments), first = 0;
    while (first < count && !is_assignment(arguments_word(v->arguments, first)))
        first++;
    bool list = arguments_has(v->arguments, "list");
    if (first == 0 && !arguments_flag(v->arguments, "selector")) {
        verb_fail(v,
                  "error: one or more resources must be specified as <resource> <name> or <resource>/<name>");
        return;
    }
    if (first == count && !list) {
        verb_fail(v, "error: at least one environment variable must be provided");
        return;
    }
    struct selection s = {0};
    if (assignments_valid(v, first, count) && selection_chosen(v, 0, first) &&
        selection_read(v, 0, first, &s)) {
        for (size_t i = 0; i < s.items.len; i++) {
            if (!json_at(s.items.data[i], "/spec/template/spec/containers/0")) {
                verb_fail(v, "error: %s/%s does not have a pod template",
                          resource_find(object_kind(s.items.data[i]))->printed, object_name(s.items.data[i]));
                break;
            }
            if (list)
                env_write(v, s.items.data[i]);
            else
                env_set(v, s.items.data[i], first, count);
        }
    }
    selection_fini(&s);
}
