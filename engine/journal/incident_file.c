/* What people have written into the file of an incident, and the events by which they do. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/io/io.h"
#include "engine/journal/fold.h"

static const struct {
    const char *name, *heading, *help;
} fields[] = {
#define X(NAME, name, heading, help) [INCIDENT_FIELD_##NAME] = {name, heading, help},
    INCIDENT_FIELDS(X)
#undef X
};

const char *incident_field_name(enum incident_field field)
{
    return fields[field].name;
}

const char *incident_field_heading(enum incident_field field)
{
    return fields[field].heading;
}

const char *incident_field_help(enum incident_field field)
{
    return fields[field].help;
}

enum incident_field incident_field_find(const char *name)
{
    int i = 0;
    while (i < INCIDENT_FIELD_COUNT && !str_eq(fields[i].name, name))
        i++;
    return (enum incident_field)i;
}

/* ---- the fold ------------------------------------------------------------------------------------------ */

static void replace(char **text, const char *with)
{
    char *copy = xstrdup(with);
    free(*text);
    *text = copy;
}

static void take_role(struct incident_file *file, const cJSON *data, int64_t at_us)
{
    const char *name = json_string(data, "role", ""), *person = json_string(data, "person", "");
    size_t i = 0;
    while (i < file->roles.len && !str_eq(file->roles.data[i].role, name))
        i++;
    if (!*name)
        return;
    if (i == file->roles.len)
        vec_push(&file->roles)->role = xstrdup(name);
    struct incident_role *role = &file->roles.data[i];
    replace(&role->person, person);
    role->at_us = at_us;
    if (!*person) {
        free(role->role);
        free(role->person);
        vec_remove(&file->roles, i);
    }
}

/* A new one takes the next number: two operators who add one at once get two. */
static struct incident_action *action_of(struct incident_file *file, const cJSON *data)
{
    int64_t number = json_int(data, "action", 0);
    if (json_bool(data, "new", false)) {
        struct incident_action *action = vec_push(&file->actions);
        *action = (struct incident_action){.number = (int64_t)file->actions.len,
                                           .text = xstrdup(""),
                                           .owner = xstrdup(""),
                                           .due = xstrdup(""),
                                           .ticket = xstrdup(""),
                                           .test = xstrdup(""),
                                           .state = xstrdup("open"),
                                           .reason = xstrdup("")};
        return action;
    }
    return number >= 1 && number <= (int64_t)file->actions.len ? &file->actions.data[number - 1] : NULL;
}

static void take_action(struct incident_file *file, const cJSON *data, int64_t at_us)
{
    struct incident_action *action = action_of(file, data);
    if (!action)
        return;
    const struct {
        const char *name;
        char **text;
    } members[] = {{"text", &action->text},     {"owner", &action->owner}, {"due", &action->due},
                   {"ticket", &action->ticket}, {"test", &action->test},   {"state", &action->state},
                   {"reason", &action->reason}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        replace(members[i].text, json_string(data, members[i].name, *members[i].text));
    action->at_us = at_us;
}

static void take_field(struct incident_file *file, const struct event *event, const cJSON *data)
{
    enum incident_field field = incident_field_find(json_string(data, "field", ""));
    const char *text = json_string(data, "text", "");
    if (field == INCIDENT_FIELD_COUNT)
        return;
    struct incident_text *own = &file->fields[field];
    free(own->text);
    free(own->who);
    *own = (struct incident_text){0};
    if (*text)
        *own = (struct incident_text){xstrdup(text), xstrdup(event->actor), event->at_us};
}

static void take_closing(struct incident_file *file, const struct event *event, const cJSON *data)
{
    const cJSON *item, *left = cJSON_GetObjectItemCaseSensitive(data, "left");
    if (file->closed_reason)
        return;
    file->closed_reason = xstrdup(event->summary);
    if (!cJSON_IsArray(left))
        return;
    cJSON_ArrayForEach(item, left) if (cJSON_IsString(item)) strv_add(&file->left, item->valuestring);
}

void incident_file_take(struct incident_file *file, const struct event *event)
{
    if (event->incident != file->incident.number || event->kind < EVENT_INCIDENT_OPENED ||
        event->kind > EVENT_INCIDENT_CLOSED)
        return;
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    if (event->kind == EVENT_INCIDENT_OPENED && !file->entity)
        file->entity = xstrdup(json_string(data, "entity", ""));
    incident_fold(&file->incident, event);
    switch (event->kind) {
    case EVENT_INCIDENT_ROLE:
        take_role(file, data, event->at_us);
        break;
    case EVENT_INCIDENT_ACTION:
        take_action(file, data, event->at_us);
        break;
    case EVENT_INCIDENT_WRITTEN:
        take_field(file, event, data);
        break;
    case EVENT_INCIDENT_CLOSED:
        take_closing(file, event, data);
        break;
    default:
        break;
    }
    cJSON_Delete(data);
}

static void action_fini(struct incident_action *action)
{
    char *texts[] = {action->text, action->owner, action->due,   action->ticket,
                     action->test, action->state, action->reason};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
}

void incident_file_fini(struct incident_file *file)
{
    for (size_t i = 0; i < file->roles.len; i++) {
        free(file->roles.data[i].role);
        free(file->roles.data[i].person);
    }
    for (size_t i = 0; i < file->actions.len; i++)
        action_fini(&file->actions.data[i]);
    for (int i = 0; i < INCIDENT_FIELD_COUNT; i++) {
        free(file->fields[i].text);
        free(file->fields[i].who);
    }
    vec_fini(&file->roles);
    vec_fini(&file->actions);
    strv_free(file->left);
    free(file->closed_reason);
    free(file->entity);
    *file = (struct incident_file){0};
}

static int take_one(const struct event *event, void *data)
{
    incident_file_take(data, event);
    return 0;
}

int incident_file_read(struct journal *j, int64_t number, struct incident_file *file, struct err *e)
{
    static const enum event_kind kinds[] = {
        EVENT_INCIDENT_OPENED,   EVENT_INCIDENT_NOTED,   EVENT_INCIDENT_ROLE,      EVENT_INCIDENT_SEVERITY,
        EVENT_INCIDENT_ACTION,   EVENT_INCIDENT_WRITTEN, EVENT_INCIDENT_MITIGATED, EVENT_INCIDENT_RESOLVED,
        EVENT_INCIDENT_REVIEWED, EVENT_INCIDENT_CLOSED,
    };
    struct journal_filter filter = {
        .incident = number, .kinds = kinds, .kind_count = sizeof kinds / sizeof *kinds};
    *file = (struct incident_file){.incident.number = number};
    int code = journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, take_one, file, e);
    if (code == 0 && file->incident.opened_seq == 0)
        code = err_set(e, ERR_NOT_FOUND, "there is no incident INC-%lld", (long long)number);
    return code;
}

int64_t event_told_us(const struct event *event)
{
    int64_t told = event->at_us;
    struct err ignored;
    if (event->kind != EVENT_INCIDENT_NOTED || !strstr(event->data, "\"at\""))
        return told;
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    if (clock_parse(json_string(data, "at", ""), &told, &ignored) < 0 || told > event->at_us)
        told = event->at_us;
    cJSON_Delete(data);
    return told;
}
