#include "engine/postmortem/story.h"

#include <stdlib.h>

#include "engine/postmortem/span.h"

#define FIRST_BYTES 2048

struct reading {
    struct story *story;
    const struct span *span;
    struct err *e;
};

/* Every event of the piece of the chain, those that the story leaves out as well. */
static void follow_chain(struct story *story, const struct event *event)
{
    uint8_t hash[SHA256_SIZE];
    event_hash(event, hash);
    bool follows = story->last_seq == 0 || (event->seq == story->last_seq + 1 &&
                                            memcmp(event->prev_hash, story->head, SHA256_SIZE) == 0);
    if (story->last_seq == 0) {
        story->first_seq = event->seq;
        memcpy(story->prev_hash, event->prev_hash, SHA256_SIZE);
    }
    if (story->broken_seq == 0 && (!follows || memcmp(hash, event->hash, SHA256_SIZE) != 0))
        story->broken_seq = event->seq;
    story->last_seq = event->seq;
    memcpy(story->head, event->hash, SHA256_SIZE);
}

static bool is_person(const struct event *event)
{
    return *event->actor && !str_eq(event->actor, "watch") && !str_eq(event->actor, "belay");
}

static void take_person(struct story *story, const struct event *event)
{
    for (char **p = story->people; p && *p; p++)
        if (str_eq(*p, event->actor))
            return;
    if (is_person(event))
        strv_add(&story->people, event->actor);
}

static void take_event(struct story *story, const struct event *event)
{
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    take_person(story, event);
    if (story->incident.number)
        incident_file_take(&story->file, event);
    story_take_run(story, event, data);
    story_take_change(story, event, data);
    story_take_decision(story, event, data);
    story_take_evidence(story, event, data);
    story_take_gap(story, event);
    cJSON_Delete(data);
}

static int read_event(const struct event *event, void *data)
{
    struct reading *r = data;
    if (event->seq > r->span->last_seq)
        return 1;
    /* Exports don't tell of themselves: the second one would be another. */
    if (!span_has(r->span, event) || event->kind == EVENT_EXPORT_WRITTEN) {
        if (r->story->last_seq == 0)
            return 0;
    } else {
        if (r->story->events.len == STORY_EVENTS_MAX)
            return err_set(r->e, ERR_RANGE, "more than %d events belong to it: too many for one export",
                           STORY_EVENTS_MAX);
        *vec_push(&r->story->events) = event_copy(event);
    }
    follow_chain(r->story, event);
    return 0;
}

/* The piece ends with the last event that was told, whatever was journaled after it: an export of the same
 * events stays the same. */
static int end_of_chain(const struct event *event, void *data)
{
    struct story *story = data;
    story->last_seq = event->seq;
    memcpy(story->head, event->hash, SHA256_SIZE);
    return 1;
}

static int take_first(const void *bytes, size_t length, int64_t at, void *data)
{
    (void)at;
    str_add_bytes(data, bytes, length);
    return 0;
}

static int look_at_evidence(struct story *story, struct journal *j, struct err *e)
{
    for (size_t i = 0; i < story->evidence.len; i++) {
        struct story_evidence *v = &story->evidence.data[i];
        int code = journal_blob_info(j, v->digest, &v->info, e);
        if (code == 0)
            code = journal_blob_read(j, v->digest, 0, FIRST_BYTES, take_first, &v->first, e);
        v->stored = code == 0;
        if (code < 0 && code != ERR_NOT_FOUND && code != ERR_CORRUPT)
            return code;
    }
    return 0;
}

/* Notes that were written later at the time that they are about, and what was imported at its own. */
static void put_in_order(struct story *story)
{
    for (size_t i = 0; i < story->events.len; i++) {
        const struct event *event = story->events.data[i];
        int64_t told_us = event_told_us(event);
        (void)vec_push(&story->told);
        size_t place = story->told.len - 1;
        for (bool late = event_is_late(event);
             late && place > 0 && event_told_us(story->told.data[place - 1]) > told_us; place--)
            story->told.data[place] = story->told.data[place - 1];
        story->told.data[place] = event;
    }
}

int story_read(struct story *story, struct journal *j, int64_t incident, struct err *e)
{
    struct err mine = {0};
    struct span span;
    *story = (struct story){0};
    e = e ? e : &mine;
    int code = span_init(&span, j, incident, e);
    if (code == 0 && incident)
        code = journal_incident(j, incident, &story->incident, e);
    struct reading reading = {.story = story, .span = &span, .e = e};
    if (code == 0)
        code = journal_read(j, span.first_seq, JOURNAL_FORWARD, NULL, 0, read_event, &reading, e);
    span_fini(&span);
    if (code < 0)
        return code;
    story->file.incident.number = incident;
    for (size_t i = 0; i < story->events.len; i++)
        take_event(story, story->events.data[i]);
    put_in_order(story);
    if (story->events.len)
        end_of_chain(story->events.data[story->events.len - 1], story);
    if (story->broken_seq > story->last_seq)
        story->broken_seq = 0;
    story_find_unknowns(story);
    code = look_at_evidence(story, j, e);
    e->code = code < 0 ? e->code : 0;
    return code;
}

void story_fini(struct story *story)
{
    for (size_t i = 0; i < story->events.len; i++)
        free(story->events.data[i]);
    for (size_t i = 0; i < story->runs.len; i++)
        story_run_free(story->runs.data[i]);
    for (size_t i = 0; i < story->entities.len; i++) {
        struct story_entity *entity = story->entities.data[i];
        for (size_t k = 0; k < entity->changes.len; k++) {
            free(entity->changes.data[k].from);
            free(entity->changes.data[k].to);
            free(entity->changes.data[k].raw);
        }
        vec_fini(&entity->changes);
        free(entity->kind);
        free(entity->source);
        free(entity->name);
        free(entity);
    }
    for (size_t i = 0; i < story->decisions.len; i++) {
        free(story->decisions.data[i].who);
        free(story->decisions.data[i].what);
        free(story->decisions.data[i].reason);
    }
    for (size_t i = 0; i < story->evidence.len; i++) {
        free(story->evidence.data[i].what);
        str_fini(&story->evidence.data[i].first);
    }
    for (size_t i = 0; i < story->gaps.len; i++)
        free(story->gaps.data[i].text);
    incident_file_fini(&story->file);
    vec_fini(&story->told);
    vec_fini(&story->events);
    vec_fini(&story->runs);
    vec_fini(&story->entities);
    vec_fini(&story->decisions);
    vec_fini(&story->evidence);
    vec_fini(&story->gaps);
    strv_free(story->people);
}
