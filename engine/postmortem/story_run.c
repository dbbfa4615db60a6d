#include <stdlib.h>

#include "engine/postmortem/story.h"

static struct story_run *run_of(struct story *story, int64_t number)
{
    for (size_t i = story->runs.len; i-- > 0;)
        if (story->runs.data[i]->number == number)
            return story->runs.data[i];
    struct story_run *run = xcalloc(1, sizeof *run);
    run->number = number;
    *vec_push(&story->runs) = run;
    return run;
}

static void keep(char **to, const char *text)
{
    free(*to);
    *to = xstrdup(text);
}

static struct story_step *step_of(struct story_run *run, const cJSON *data)
{
    const char *id = json_string(data, "step", "");
    for (size_t i = 0; i < run->steps.len; i++)
        if (str_eq(run->steps.data[i].id, id))
            return &run->steps.data[i];
    struct story_step *step = vec_push(&run->steps);
    step->id = xstrdup(id);
    step->title = xstrdup(json_string(data, "title", id));
    return step;
}

/* The newest one of that ticket which has no outcome yet. */
static struct story_execution *open_execution(struct story_step *step, int64_t ticket)
{
    for (size_t i = step->executions.len; i-- > 0;) {
        struct story_execution *x = &step->executions.data[i];
        if (x->ticket == ticket && x->outcome_seq == 0)
            return x;
    }
    return NULL;
}

static struct story_execution *new_execution(struct story_step *step, const cJSON *data)
{
    struct story_execution *x = vec_push(&step->executions);
    x->ticket = json_int(data, "ticket", 0);
    x->attempt = json_int(data, "attempt", 1);
    x->outcome = "";
    return x;
}

static void take_intent(struct story_step *step, const struct event *event, const cJSON *data)
{
    struct story_execution *x = new_execution(step, data);
    x->intent = cJSON_Duplicate(data, true);
    x->intent_seq = event->seq;
    x->intent_us = event->at_us;
    x->who = event->actor;
    x->role = json_string(x->intent, "role", "act");
    x->acts = json_bool(x->intent, "acts", true);
}

static void take_outcome(struct story_step *step, const struct event *event, const cJSON *data)
{
    struct story_execution *x = open_execution(step, json_int(data, "ticket", 0));
    if (!x)
        x = new_execution(step, data);
    x->result = cJSON_Duplicate(data, true);
    x->outcome_seq = event->seq;
    x->outcome_us = event->at_us;
    x->outcome = *event->outcome ? event->outcome : json_string(x->result, "outcome", "unknown");
    if (!x->intent) {
        x->who = event->actor;
        x->role = json_string(x->result, "role", "act");
        x->acts = json_bool(x->result, "acts", true);
    }
}

static void take_started(struct story_run *run, const struct event *event, const cJSON *data)
{
    keep(&run->id, json_string(data, "runbook", json_string(data, "id", "")));
    keep(&run->title, json_string(data, "title", event->subject));
    keep(&run->path, json_string(data, "path", ""));
    keep(&run->digest, json_string(data, "digest", ""));
    keep(&run->entity, json_string(data, "entity", ""));
    keep(&run->who, event->actor);
    run->rehearsed = json_bool(data, "rehearsed", false);
    cJSON_Delete(run->vars);
    run->vars = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(data, "vars"), true);
    run->started_us = event->at_us;
}

void story_take_run(struct story *story, const struct event *event, const cJSON *data)
{
    if (event->run <= 0)
        return;
    struct story_run *run = run_of(story, event->run);
    struct story_step *step = NULL;
    switch (event->kind) {
    case EVENT_RUN_STARTED:
        take_started(run, event, data);
        break;
    case EVENT_RUN_ENDED:
        keep(&run->outcome, event->outcome);
        run->ended_us = event->at_us;
        break;
    case EVENT_STEP_INTENT:
        take_intent(step_of(run, data), event, data);
        break;
    case EVENT_STEP_OUTCOME:
        take_outcome(step_of(run, data), event, data);
        break;
    case EVENT_STEP_CONCLUDED:
        step = step_of(run, data);
        keep(&step->outcome, *event->outcome ? event->outcome : json_string(data, "outcome", ""));
        keep(&step->reason, json_string(data, "reason", ""));
        keep(&step->answer, json_string(data, "answer", ""));
        break;
    default:
        break;
    }
}

void story_run_free(struct story_run *run)
{
    for (size_t i = 0; i < run->steps.len; i++) {
        struct story_step *step = &run->steps.data[i];
        for (size_t k = 0; k < step->executions.len; k++) {
            cJSON_Delete(step->executions.data[k].intent);
            cJSON_Delete(step->executions.data[k].result);
        }
        vec_fini(&step->executions);
        free(step->id);
        free(step->title);
        free(step->outcome);
        free(step->reason);
        free(step->answer);
    }
    vec_fini(&run->steps);
    free(run->id);
    free(run->title);
    free(run->path);
    free(run->digest);
    free(run->entity);
    free(run->who);
    free(run->outcome);
    cJSON_Delete(run->vars);
    free(run);
}

const char *story_step_outcome(const struct story_step *step)
{
    if (step->outcome && *step->outcome)
        return step->outcome;
    const struct story_execution *last =
        step->executions.len ? &step->executions.data[step->executions.len - 1] : NULL;
    return last && last->outcome_seq && *last->outcome ? last->outcome : "unknown";
}

static bool is_check(const struct story_execution *x)
{
    return str_eq(x->role, "check") || str_eq(x->role, "pre");
}

static bool is_no(const struct story_step *step, const char *outcome)
{
    return str_eq(outcome, "failed") && step->executions.len > 0 &&
           is_check(&step->executions.data[step->executions.len - 1]);
}

const char *story_step_word(const struct story_step *step)
{
    const char *outcome = story_step_outcome(step);
    return is_no(step, outcome) ? "no" : outcome;
}

const char *story_execution_word(const struct story_step *step, const struct story_execution *x)
{
    if (!is_check(x) || !str_eq(x->outcome, "failed"))
        return x->outcome_seq ? x->outcome : "unknown, no outcome is recorded";
    bool answered = json_int(x->result, "exit", -1) == 1 && !str_eq(story_step_outcome(step), "unknown");
    return answered ? "no" : "error";
}

/* --- what was changed
 * ---------------------------------------------------------------------------------------- */

static const struct story_execution *last_act(const struct story_step *step)
{
    for (size_t i = step->executions.len; i-- > 0;)
        if (step->executions.data[i].acts && step->executions.data[i].intent)
            return &step->executions.data[i];
    return NULL;
}

static bool may_have_changed(const struct story_step *step, const struct story_execution *x)
{
    /* Whoever didn't start changed nothing; a failure may have changed half of it. */
    return !str_eq(x->result ? json_string(x->result, "end", "") : "", "not-started") &&
           !str_eq(step->outcome, "skipped");
}

static const struct story_step *find_step(const struct story_run *run, const char *id)
{
    for (size_t i = 0; i < run->steps.len; i++)
        if (str_eq(run->steps.data[i].id, id))
            return &run->steps.data[i];
    return NULL;
}

/* The step that took it back, after it acted. */
static const struct story_step *undone_by(const struct story_run *run, const struct story_execution *x,
                                          const char *undo)
{
    const struct story_step *step = *undo ? find_step(run, undo) : NULL;
    const struct story_execution *act = step ? last_act(step) : NULL;
    bool done = act && act->intent_seq > x->intent_seq && str_eq(act->outcome, "ok");
    return done ? step : NULL;
}

static bool undoes_another(const struct story_run *run, const char *id)
{
    for (size_t i = 0; i < run->steps.len; i++) {
        const struct story_execution *x = last_act(&run->steps.data[i]);
        if (x && str_eq(json_string(x->intent, "undo", ""), id))
            return true;
    }
    return false;
}

size_t story_lasting(const struct story *story, struct story_lasting **lasting)
{
    VEC(struct story_lasting) found = {0};
    for (size_t i = 0; i < story->runs.len; i++) {
        const struct story_run *run = story->runs.data[i];
        for (size_t k = 0; k < run->steps.len; k++) {
            const struct story_step *step = &run->steps.data[k];
            const struct story_execution *x = last_act(step);
            if (run->rehearsed || !x || !may_have_changed(step, x) || undoes_another(run, step->id))
                continue;
            const char *undo = json_string(x->intent, "undo", "");
            *vec_push(&found) = (struct story_lasting){run, step, x, undo, undone_by(run, x, undo)};
        }
    }
    *lasting = found.data;
    return found.len;
}
