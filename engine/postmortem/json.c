#include <stdio.h>
#include <stdlib.h>

#include "engine/postmortem/export.h"

/* One document, one line an element: what changed between two exports shows in a diff. */

static void put_text(cJSON *object, const char *key, const char *text)
{
    cJSON_AddStringToObject(object, key, text ? text : "");
}

static void put_time(cJSON *object, const char *key, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    if (at_us == 0) {
        cJSON_AddNullToObject(object, key);
        return;
    }
    clock_format(at_us, text);
    cJSON_AddStringToObject(object, key, text);
}

static void put_hash(cJSON *object, const char *key, const uint8_t hash[static SHA256_SIZE])
{
    char hex[SHA256_HEX_SIZE];
    sha256_to_hex(hash, hex);
    cJSON_AddStringToObject(object, key, hex);
}

static void put_copy(cJSON *object, const cJSON *from, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from, key);
    if (item)
        cJSON_AddItemToObject(object, key, cJSON_Duplicate(item, true));
}

/* Prints and frees. */
static void add_line(struct str *out, cJSON *item)
{
    char *text = json_print(item);
    str_add(out, text);
    free(text);
    cJSON_Delete(item);
}

/* What people wrote. */
static void add_file(const struct incident_file *file, cJSON *object)
{
    cJSON *roles = cJSON_AddObjectToObject(object, "roles");
    for (size_t i = 0; i < file->roles.len; i++)
        put_text(roles, file->roles.data[i].role, file->roles.data[i].person);
    cJSON *actions = cJSON_AddArrayToObject(object, "actions");
    for (size_t i = 0; i < file->actions.len; i++) {
        const struct incident_action *action = &file->actions.data[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(actions, item);
        json_add_int(item, "action", action->number);
        put_text(item, "text", action->text);
        put_text(item, "owner", action->owner);
        put_text(item, "due", action->due);
        put_text(item, "ticket", action->ticket);
        put_text(item, "test", action->test);
        put_text(item, "state", action->state);
        put_text(item, "reason", action->reason);
    }
    cJSON *fields = cJSON_AddObjectToObject(object, "postmortem");
    for (int i = 0; i < INCIDENT_FIELD_COUNT; i++)
        put_text(fields, incident_field_name((enum incident_field)i), file->fields[i].text);
    cJSON *left = cJSON_AddArrayToObject(object, "left_over");
    for (char **text = file->left; text && *text; text++)
        cJSON_AddItemToArray(left, cJSON_CreateString(*text));
}

static void add_incident(const struct story *story, struct str *out)
{
    const struct journal_incident *incident = &story->incident;
    cJSON *object = cJSON_CreateObject();
    char id[32];
    if (incident->number == 0) {
        cJSON_Delete(object);
        str_add(out, "null");
        return;
    }
    snprintf(id, sizeof id, "INC-%lld", (long long)incident->number);
    json_add_int(object, "number", incident->number);
    put_text(object, "id", id);
    put_text(object, "title", incident->title);
    put_text(object, "severity", incident->severity);
    put_text(object, "state", incident_state_name(incident->state));
    put_text(object, "opened_by", incident->opened_by);
    put_time(object, "opened_at", incident->opened_us);
    put_time(object, "mitigated_at", incident->mitigated_us);
    put_time(object, "resolved_at", incident->resolved_us);
    put_time(object, "reviewed_at", incident->reviewed_us);
    put_time(object, "closed_at", incident->closed_us);
    cJSON *people = cJSON_AddArrayToObject(object, "people");
    for (char **p = story->people; p && *p; p++)
        cJSON_AddItemToArray(people, cJSON_CreateString(*p));
    add_file(&story->file, object);
    add_line(out, object);
}

static cJSON *execution_object(const struct story_execution *x)
{
    static const char *const intended[] = {"argv", "env",   "cwd",  "where",
                                           "who",  "scope", "undo", "interactive"};
    static const char *const resulted[] = {"end",           "exit",   "signal", "text",      "ms",
                                           "dropped_bytes", "stdout", "stderr", "recording", "would_run"};
    cJSON *object = cJSON_CreateObject();
    json_add_int(object, "ticket", x->ticket);
    put_text(object, "role", x->role);
    cJSON_AddBoolToObject(object, "acts", x->acts);
    json_add_int(object, "attempt", x->attempt);
    put_text(object, "actor", x->who);
    put_time(object, "began_at", x->intent_us);
    put_time(object, "ended_at", x->outcome_us);
    put_text(object, "outcome", x->outcome_seq ? x->outcome : "unknown");
    cJSON_AddBoolToObject(object, "recorded", x->outcome_seq != 0);
    for (size_t i = 0; i < sizeof intended / sizeof *intended; i++)
        put_copy(object, x->intent, intended[i]);
    for (size_t i = 0; i < sizeof resulted / sizeof *resulted; i++)
        put_copy(object, x->result, resulted[i]);
    json_add_int(object, "intent_seq", x->intent_seq);
    json_add_int(object, "outcome_seq", x->outcome_seq);
    return object;
}

static void add_run(const struct story_run *run, struct str *out)
{
    cJSON *object = cJSON_CreateObject(), *book = NULL, *steps = NULL;
    json_add_int(object, "run", run->number);
    cJSON_AddBoolToObject(object, "rehearsed", run->rehearsed);
    book = cJSON_AddObjectToObject(object, "runbook");
    put_text(book, "id", run->id);
    put_text(book, "title", run->title);
    put_text(book, "path", run->path);
    put_text(book, "digest", run->digest);
    put_text(object, "entity", run->entity);
    cJSON_AddItemToObject(object, "vars",
                          run->vars ? cJSON_Duplicate(run->vars, true) : cJSON_CreateObject());
    put_text(object, "started_by", run->who);
    put_time(object, "started_at", run->started_us);
    put_time(object, "ended_at", run->ended_us);
    put_text(object, "outcome", run->outcome);
    steps = cJSON_AddArrayToObject(object, "steps");
    for (size_t i = 0; i < run->steps.len; i++) {
        const struct story_step *step = &run->steps.data[i];
        cJSON *item = cJSON_CreateObject(), *executions = NULL;
        cJSON_AddItemToArray(steps, item);
        put_text(item, "step", step->id);
        put_text(item, "title", step->title);
        put_text(item, "outcome", step->outcome);
        put_text(item, "reason", step->reason);
        put_text(item, "answer", step->answer);
        executions = cJSON_AddArrayToObject(item, "executions");
        for (size_t k = 0; k < step->executions.len; k++)
            cJSON_AddItemToArray(executions, execution_object(&step->executions.data[k]));
    }
    add_line(out, object);
}

static void add_entity(const struct story_entity *entity, struct str *out)
{
    cJSON *object = cJSON_CreateObject(), *changes = NULL;
    put_text(object, "kind", entity->kind);
    put_text(object, "source", entity->source);
    put_text(object, "name", entity->name);
    put_text(object, "worst", story_entity_worst(entity));
    put_text(object, "state", story_entity_last(entity));
    cJSON_AddBoolToObject(object, "flapping", entity->flapping);
    changes = cJSON_AddArrayToObject(object, "changes");
    for (size_t i = 0; i < entity->changes.len; i++) {
        const struct story_change *change = &entity->changes.data[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(changes, item);
        json_add_int(item, "seq", change->seq);
        put_time(item, "at", change->at_us);
        put_text(item, "from", change->from);
        put_text(item, "to", change->to);
        put_text(item, "raw", change->raw);
    }
    add_line(out, object);
}

static void add_evidence(const struct story_evidence *v, struct str *out)
{
    struct str first = {0};
    cJSON *object = cJSON_CreateObject();
    utf8_clean(&first, str_text(&v->first), v->first.len, true);
    put_text(object, "digest", v->digest);
    put_text(object, "what", v->what);
    cJSON_AddBoolToObject(object, "evidence", v->evidence);
    cJSON_AddBoolToObject(object, "stored", v->stored);
    json_add_int(object, "bytes", v->info.bytes);
    json_add_int(object, "dropped_bytes", v->info.dropped_bytes);
    json_add_int(object, "run", v->run);
    json_add_int(object, "seq", v->seq);
    put_text(object, "first", str_text(&first));
    add_line(out, object);
    str_fini(&first);
}

static void add_chain(const struct story *story, struct str *out)
{
    cJSON *object = cJSON_CreateObject();
    json_add_int(object, "first_seq", story->first_seq);
    json_add_int(object, "last_seq", story->last_seq);
    put_hash(object, "prev_hash", story->prev_hash);
    put_hash(object, "head", story->head);
    cJSON_AddBoolToObject(object, "intact", story->broken_seq == 0);
    json_add_int(object, "broken_seq", story->broken_seq);
    add_line(out, object);
}

/* "name": [ and one element a line; add writes the element i. */
static void add_array(struct str *out, const char *name, const struct story *story, size_t count,
                      void (*add)(const struct story *story, size_t i, struct str *out))
{
    str_addf(out, "  \"%s\": [", name);
    for (size_t i = 0; i < count; i++) {
        str_add(out, i ? ",\n    " : "\n    ");
        add(story, i, out);
    }
    str_add(out, count ? "\n  ],\n" : "],\n");
}

static void event_at(const struct story *story, size_t i, struct str *out)
{
    event_json(story->events.data[i], out);
}

static void run_at(const struct story *story, size_t i, struct str *out)
{
    add_run(story->runs.data[i], out);
}

static void entity_at(const struct story *story, size_t i, struct str *out)
{
    add_entity(story->entities.data[i], out);
}

static void evidence_at(const struct story *story, size_t i, struct str *out)
{
    add_evidence(&story->evidence.data[i], out);
}

void export_json(const struct story *story, struct str *out)
{
    str_add(out, "{\n  \"incident\": ");
    add_incident(story, out);
    str_add(out, ",\n");
    add_array(out, "events", story, story->events.len, event_at);
    add_array(out, "runs", story, story->runs.len, run_at);
    add_array(out, "entities", story, story->entities.len, entity_at);
    add_array(out, "evidence", story, story->evidence.len, evidence_at);
    str_add(out, "  \"chain\": ");
    add_chain(story, out);
    str_add(out, "\n}\n");
}
