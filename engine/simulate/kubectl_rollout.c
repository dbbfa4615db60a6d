/* kubectl rollout: of deployments only. */
#include "engine/simulate/verbs.h"

/* One deployment of those meant; false when the result says why not. */
static bool rollout_read(struct verb_call *v, struct selection *s)
{
    *s = (struct selection){0};
    if (arguments_count(v->arguments) == 0 && !arguments_flag(v->arguments, "selector")) {
        verb_fail(v, "error: required resource not specified");
        return false;
    }
    if (!selection_read(v, 0, arguments_count(v->arguments), s))
        return false;
    for (size_t i = 0; i < s->items.len; i++) {
        if (strcmp(object_kind(s->items.data[i]), "Deployment") == 0)
            continue;
        verb_fail(v, "error: the simulated cluster rolls out deployments only");
        return false;
    }
    if (s->items.len == 0)
        str_addf(&v->result->err, "No resources found in %s namespace.\n", verb_namespace(v));
    return s->items.len > 0;
}

/* What kubectl says while it waits; false when nothing is left to wait for. */
static bool rollout_waits(const struct verb_call *v, const cJSON *deployment, struct str *why)
{
    int old, updated, available;
    double wanted = json_double(cJSON_GetObjectItemCaseSensitive(deployment, "spec"), "replicas", 1);
    deployment_rollout(v->w->cluster, deployment, &old, &updated, &available);
    if (updated < (int)wanted)
        str_addf(why, "%d out of %.0f new replicas have been updated", updated, wanted);
    else if (old > 0)
        str_addf(why, "%d old replicas are pending termination", old);
    else if (available < updated)
        str_addf(why, "%d of %d updated replicas are available", available, updated);
    return why->len > 0;
}

void verb_rollout_status(struct verb_call *v)
{
    int64_t limit_us = verb_duration(v, "timeout", INT64_MAX);
    const char *watch = arguments_flag(v->arguments, "watch");
    struct selection s = {0};
    struct str why = {0};
    if (limit_us >= 0 && rollout_read(v, &s)) {
        const cJSON *deployment = s.items.data[0];
        bool waits = rollout_waits(v, deployment, &why), up = verb_time_is_up(v, limit_us);
        if (!waits)
            str_addf(&v->result->out, "deployment \"%s\" successfully rolled out\n", object_name(deployment));
        else if (up || (watch && strcmp(watch, "false") == 0))
            str_addf(&v->result->out, "Waiting for deployment \"%s\" rollout to finish: %s...\n",
                     object_name(deployment), str_text(&why));
        else
            v->result->again_ms = VERB_AGAIN_MS;
        if (waits && up)
            verb_fail(v, "error: timed out waiting for the condition");
    }
    str_fini(&why);
    selection_fini(&s);
}

void verb_rollout_restart(struct verb_call *v)
{
    struct selection s;
    if (rollout_read(v, &s)) {
        for (size_t i = 0; i < s.items.len; i++) {
            cJSON *deployment = s.items.data[i];
            char at[CLOCK_TEXT_SIZE];
            clock_format(world_wall_us(v->w, v->w->now_us), at);
            deployment_template_changes(deployment);
            cJSON *template = object_member(object_member(deployment, "spec"), "template");
            object_label_set(template, "annotations", "kubectl.kubernetes.io/restartedAt", at);
            verb_say(v, deployment, "restarted");
        }
    }
    selection_fini(&s);
}

void verb_rollout_undo(struct verb_call *v)
{
    struct selection s = {0};
    if (arguments_flag(v->arguments, "to-revision"))
        verb_fail(v, "error: the simulated cluster goes back by one revision only");
    else if (rollout_read(v, &s)) {
        for (size_t i = 0; i < s.items.len; i++) {
            cJSON *deployment = s.items.data[i];
            bool known = cJSON_GetArraySize(json_at(deployment, "/x-simulation/history")) > 0;
            if (!known) {
                verb_fail(v, "error: no rollout history found for deployment \"%s\"",
                          object_name(deployment));
                break;
            }
            if (!verb_dry(v))
                deployment_undo(deployment);
            verb_say(v, deployment, "rolled back");
        }
    }
    selection_fini(&s);
}

void verb_rollout_history(struct verb_call *v)
{
    struct selection s = {0};
    if (arguments_flag(v->arguments, "revision"))
        verb_fail(v, "error: the simulated cluster does not show single revisions");
    else if (rollout_read(v, &s)) {
        for (size_t i = 0; i < s.items.len; i++) {
            const cJSON *hidden = json_at(s.items.data[i], "/x-simulation");
            int newest = (int)json_double(hidden, "revision", 0) + 1;
            int kept = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(hidden, "history"));
            str_addf(&v->result->out, "deployment.apps/%s \nREVISION  CHANGE-CAUSE\n",
                     object_name(s.items.data[i]));
            for (int revision = newest - kept; revision <= newest; revision++)
                str_addf(&v->result->out, "%-9d %s\n", revision, "<none>");
            str_add_char(&v->result->out, '\n');
        }
    }
    selection_fini(&s);
}
