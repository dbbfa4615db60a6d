#include <stdlib.h>

#include "engine/postmortem/story.h"

/* --- entities
 * ------------------------------------------------------------------------------------------------ */

static struct story_entity *entity_of(struct story *story, const char *kind, const char *source,
                                      const char *name)
{
    for (size_t i = 0; i < story->entities.len; i++) {
        struct story_entity *entity = story->entities.data[i];
        if (str_eq(entity->name, name) && str_eq(entity->kind, kind) && str_eq(entity->source, source))
            return entity;
    }
    struct story_entity *entity = xcalloc(1, sizeof *entity);
    entity->kind = xstrdup(kind);
    entity->source = xstrdup(source);
    entity->name = xstrdup(name);
    *vec_push(&story->entities) = entity;
    return entity;
}

/* From "flapping" on single changes are left out, until "settled" tells the state again. Silence, and hearing
 * from it again, don't end it. */
static void note_flapping(struct story_entity *entity, const char *change)
{
    if (!str_eq(change, "silent") && !str_eq(change, "heard"))
        entity->flapping = str_eq(change, "flapping");
}

void story_take_change(struct story *story, const struct event *event, const cJSON *data)
{
    if (event->kind != EVENT_TRANSITION)
        return;
    struct story_entity *entity =
        entity_of(story, json_string(data, "kind", ""), json_string(data, "source", ""),
                  json_string(data, "name", event->subject));
    struct story_change *change = vec_push(&entity->changes);
    change->seq = event->seq;
    change->at_us = event->at_us;
    change->from = xstrdup(json_string(data, "from", ""));
    change->to = xstrdup(json_string(data, "to", event->outcome));
    change->raw = xstrdup(json_string(data, "raw", ""));
    note_flapping(entity, json_string(data, "change", ""));
}

static int badness(const char *condition)
{
    static const char *const order[] = {"ok", "degraded", "unknown", "down"};
    for (int i = 3; i > 0; i--)
        if (str_eq(condition, order[i]))
            return i;
    return 0;
}

const char *story_entity_worst(const struct story_entity *entity)
{
    const char *worst = "ok";
    for (size_t i = 0; i < entity->changes.len; i++)
        if (badness(entity->changes.data[i].to) > badness(worst))
            worst = entity->changes.data[i].to;
    return worst;
}

const char *story_entity_last(const struct story_entity *entity)
{
    if (entity->flapping)
        return "unknown";
    return entity->changes.len ? entity->changes.data[entity->changes.len - 1].to : "ok";
}

/* --- decisions
 * ------------------------------------------------------------------------------------------------ */

void story_take_decision(struct story *story, const struct event *event, const cJSON *data)
{
    const cJSON *input = json_at(data, "/input");
    if (event->kind != EVENT_RUN_INPUT || !input_is_decision(json_string(input, "input", "")))
        return;
    struct story_decision *decision = vec_push(&story->decisions);
    decision->seq = event->seq;
    decision->at_us = event->at_us;
    decision->run = event->run;
    decision->who = xstrdup(json_string(input, "actor", event->actor));
    decision->what = xstrdup(event->summary);
    decision->reason = xstrdup(json_string(input, "reason", ""));
}

/* --- evidence
 * --------------------------------------------------------------------------------------------------- */

static void add_evidence(struct story *story, const struct event *event, const cJSON *output,
                         const char *what, bool evidence)
{
    uint8_t digest[SHA256_SIZE];
    const char *hex = cJSON_IsString(output) ? output->valuestring : json_string(output, "digest", "");
    if (sha256_from_hex(hex, digest, NULL) < 0)
        return;
    struct story_evidence *v = vec_push(&story->evidence);
    sha256_to_hex(digest, v->digest);
    v->what = xstrdup(what);
    v->run = event->run;
    v->seq = event->seq;
    v->evidence = evidence;
}

void story_take_evidence(struct story *story, const struct event *event, const cJSON *data)
{
    static const char *const streams[] = {"stdout", "stderr", "recording"};
    if (event->kind == EVENT_STEP_EVIDENCE) {
        add_evidence(story, event, data, *event->summary ? event->summary : event->subject, true);
        return;
    }
    if (event->kind != EVENT_STEP_OUTCOME)
        return;
    const char *role = json_string(data, "role", "act"), *part = json_string(data, "part", "");
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        const cJSON *output = cJSON_GetObjectItemCaseSensitive(data, streams[i]);
        char *what = xasprintf("%s of %s%s%s", streams[i],
                               json_string(data, "title", json_string(data, "step", "a step")),
                               *part ? ", " : "", part);
        if (output)
            add_evidence(story, event, output, what, str_eq(role, "evidence"));
        free(what);
    }
}

/* --- what isn't known
 * --------------------------------------------------------------------------------------------- */

static void add_gap(struct story *story, int64_t seq, int64_t at_us, char *text)
{
    *vec_push(&story->gaps) = (struct story_gap){seq, at_us, text};
}

void story_take_gap(struct story *story, const struct event *event)
{
    bool gap = event->kind == EVENT_JOURNAL_TROUBLE || event->kind == EVENT_SOURCE_FAILED ||
               event->kind == EVENT_MIRROR_FAILED;
    if (gap)
        add_gap(story, event->seq, event->at_us, xstrdup(*event->summary ? event->summary : event->subject));
}

static void find_in_step(struct story *story, const struct story_run *run, const struct story_step *step)
{
    for (size_t i = 0; i < step->executions.len; i++) {
        const struct story_execution *x = &step->executions.data[i];
        bool resolved = step->outcome && *step->outcome && !str_eq(step->outcome, "unknown");
        if (x->outcome_seq == 0)
            add_gap(story, x->intent_seq, x->intent_us,
                    xasprintf("run %lld, %s (%s): it was about to run, and no outcome is recorded%s",
                              (long long)run->number, step->title, x->role,
                              resolved ? "; decided later" : ""));
    }
    if (step->outcome && str_eq(step->outcome, "unknown")) {
        const struct story_execution *x =
            step->executions.len ? &step->executions.data[step->executions.len - 1] : NULL;
        add_gap(story, x ? x->intent_seq : 0, x ? x->intent_us : 0,
                xasprintf("run %lld, %s: what came of it is unknown%s%s", (long long)run->number, step->title,
                          step->reason && *step->reason ? ": " : "", step->reason ? step->reason : ""));
    }
}

static int compare_gaps(const void *a, const void *b)
{
    const struct story_gap *one = a, *other = b;
    return one->seq != other->seq ? (one->seq > other->seq) - (one->seq < other->seq)
                                  : strcmp(one->text, other->text);
}

void story_find_unknowns(struct story *story)
{
    for (size_t i = 0; i < story->runs.len; i++) {
        const struct story_run *run = story->runs.data[i];
        if (run->rehearsed)
            continue;
        for (size_t k = 0; k < run->steps.len; k++)
            find_in_step(story, run, &run->steps.data[k]);
        if (run->ended_us == 0)
            add_gap(story, story->last_seq, run->started_us,
                    xasprintf("run %lld (%s) has not ended", (long long)run->number,
                              run->title ? run->title : ""));
    }
    for (size_t i = 0; i < story->entities.len; i++) {
        const struct story_entity *entity = story->entities.data[i];
        const struct story_change *last = &entity->changes.data[entity->changes.len - 1];
        if (entity->flapping)
            add_gap(story, last->seq, last->at_us,
                    xasprintf("%s %s was flapping: how it ended was not journaled yet", entity->kind,
                              entity->name));
        else if (!str_eq(last->to, "ok"))
            add_gap(story, last->seq, last->at_us,
                    xasprintf("%s %s was last seen %s", entity->kind, entity->name, last->to));
    }
    if (story->gaps.len)
        qsort(story->gaps.data, story->gaps.len, sizeof *story->gaps.data, compare_gaps);
}
