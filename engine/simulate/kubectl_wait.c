/* The verbs that wait: the caller comes again until they have ended. */
#include <stdlib.h>
#include <strings.h>

#include "engine/simulate/jsonpath.h"
#include "engine/simulate/verbs.h"

/* Limits are real time, as for a person who waits. */
bool verb_time_is_up(const struct verb_call *v, int64_t limit_us)
{
    double waited_us = (double)(v->w->now_us - v->result->token_us) / v->w->speed;
    return waited_us >= (double)limit_us;
}

static bool condition_met(const cJSON *object, const char *condition)
{
    const char *wanted = "True", *equal = strchr(condition, '=');
    size_t length = equal ? (size_t)(equal - condition) : strlen(condition);
    if (equal)
        wanted = equal + 1;
    const cJSON *one;
    cJSON_ArrayForEach(one, json_at(object, "/status/conditions"))
    {
        const char *type = json_string(one, "type", "");
        if (strlen(type) == length && strncasecmp(type, condition, length) == 0)
            return strcasecmp(json_string(one, "status", ""), wanted) == 0;
    }
    if (strncasecmp(condition, "available", length) == 0 && strcmp(object_kind(object), "Deployment") == 0) {
        double available =
                   json_double(cJSON_GetObjectItemCaseSensitive(object, "status"), "availableReplicas", 0),
               replicas = json_double(cJSON_GetObjectItemCaseSensitive(object, "spec"), "replicas", 1);
        return (available >= replicas) == (strcasecmp(wanted, "True") == 0);
    }
    return false;
}

/* jsonpath={.status.phase}=Running */
static bool path_met(const cJSON *object, const char *text)
{
    const char *equal = strrchr(text, '=');
    if (!equal)
        return false;
    char *template = xstrndup(text, (size_t)(equal - text));
    struct str value = {0};
    bool met =
        jsonpath_write(object, template, &value, NULL) == 0 && strcmp(str_text(&value), equal + 1) == 0;
    str_fini(&value);
    free(template);
    return met;
}

static void wait_for(struct verb_call *v, const struct selection *s, const char *what, int64_t limit_us)
{
    const cJSON *late = NULL;
    bool deletion = strcmp(what, "delete") == 0;
    for (size_t i = 0; !late && i < s->items.len; i++) {
        const cJSON *object = s->items.data[i];
        bool met = deletion                         ? false
                   : str_starts(what, "condition=") ? condition_met(object, what + strlen("condition="))
                                                    : path_met(object, what + strlen("jsonpath="));
        if (!met)
            late = object;
    }
    if (late && !verb_time_is_up(v, limit_us)) {
        v->result->again_ms = VERB_AGAIN_MS;
        return;
    }
    if (late) {
        verb_fail(v, "error: timed out waiting for the condition on %s/%s",
                  resource_find(object_kind(late))->in_errors, object_name(late));
        return;
    }
    for (size_t i = 0; i < s->items.len; i++)
        str_addf(&v->result->out, "%s/%s condition met\n",
                 resource_find(object_kind(s->items.data[i]))->printed, object_name(s->items.data[i]));
}

void verb_wait(struct verb_call *v)
{
    const char *what = arguments_flag(v->arguments, "for");
    int64_t limit_us = verb_duration(v, "timeout", 30 * US_PER_S);
    struct selection s = {0};
    if (limit_us < 0)
        return;
    if (!what ||
        (!str_starts(what, "condition=") && !str_starts(what, "jsonpath=") && strcmp(what, "delete") != 0)) {
        verb_fail(v, "error: unrecognized condition: \"%.60s\"", what ? what : "");
        return;
    }
    size_t count = arguments_count(v->arguments);
    if (selection_chosen(v, 0, count) && selection_read(v, 0, count, &s)) {
        if (s.items.len == 0)
            verb_fail(v, "error: no matching resources found");
        else
            wait_for(v, &s, what, limit_us);
    } else if (strcmp(what, "delete") == 0 && strstr(str_text(&v->result->err), "NotFound")) {
        str_clear(&v->result->err); /* gone is what it waited for */
        v->result->exit = 0;
    }
    selection_fini(&s);
}
