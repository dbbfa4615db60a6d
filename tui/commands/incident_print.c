/* Incidents as text and as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/incident.h"

static void put_time(cJSON *object, const char *name, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_us, text);
    if (at_us)
        cJSON_AddStringToObject(object, name, text);
    else
        cJSON_AddNullToObject(object, name);
}

static cJSON *incident_object(const struct journal_incident *incident)
{
    cJSON *object = cJSON_CreateObject();
    char *name = xasprintf("INC-%lld", (long long)incident->number);
    cJSON_AddStringToObject(object, "incident", name);
    cJSON_AddStringToObject(object, "state", incident_state_name(incident->state));
    cJSON_AddStringToObject(object, "severity", incident->severity);
    cJSON_AddStringToObject(object, "title", incident->title);
    cJSON_AddStringToObject(object, "opened_by", incident->opened_by);
    cJSON_AddStringToObject(object, "commander", incident->commander);
    put_time(object, "opened", incident->opened_us);
    put_time(object, "mitigated", incident->mitigated_us);
    put_time(object, "resolved", incident->resolved_us);
    put_time(object, "reviewed", incident->reviewed_us);
    put_time(object, "closed", incident->closed_us);
    json_add_int(object, "notes", incident->notes);
    free(name);
    return object;
}

static void print_json(cJSON *object)
{
    char *text = json_print(object);
    puts(text);
    free(text);
    cJSON_Delete(object);
}

static void print_line(const struct journal_incident *incident)
{
    struct str line = {0};
    incident_line(incident, &line);
    puts(str_text(&line));
    str_fini(&line);
}

static int visit_line(const struct journal_incident *incident, void *data)
{
    if (*(const bool *)data)
        print_json(incident_object(incident));
    else
        print_line(incident);
    return ferror(stdout) ? 1 : 0;
}

int incident_print_list(struct journal *journal, bool open_only, bool json, struct err *e)
{
    return journal_incidents(journal, open_only, 0, visit_line, &json, e);
}

static cJSON *action_object(const struct incident_action *action)
{
    cJSON *object = cJSON_CreateObject();
    json_add_int(object, "action", action->number);
    cJSON_AddStringToObject(object, "text", action->text);
    cJSON_AddStringToObject(object, "owner", action->owner);
    cJSON_AddStringToObject(object, "due", action->due);
    cJSON_AddStringToObject(object, "ticket", action->ticket);
    cJSON_AddStringToObject(object, "test", action->test);
    cJSON_AddStringToObject(object, "state", action->state);
    cJSON_AddStringToObject(object, "reason", action->reason);
    return object;
}

static void print_file_json(const struct incident_file *file)
{
    cJSON *object = incident_object(&file->incident);
    cJSON_AddStringToObject(object, "entity", file->entity ? file->entity : "");
    cJSON *roles = cJSON_AddObjectToObject(object, "roles");
    for (size_t i = 0; i < file->roles.len; i++)
        cJSON_AddStringToObject(roles, file->roles.data[i].role, file->roles.data[i].person);
    cJSON *actions = cJSON_AddArrayToObject(object, "actions");
    for (size_t i = 0; i < file->actions.len; i++)
        cJSON_AddItemToArray(actions, action_object(&file->actions.data[i]));
    cJSON *fields = cJSON_AddObjectToObject(object, "postmortem");
    for (int i = 0; i < INCIDENT_FIELD_COUNT; i++)
        cJSON_AddStringToObject(fields, incident_field_name((enum incident_field)i),
                                file->fields[i].text ? file->fields[i].text : "");
    cJSON *left = cJSON_AddArrayToObject(object, "left_over");
    for (char **text = file->left; text && *text; text++)
        cJSON_AddItemToArray(left, cJSON_CreateString(*text));
    print_json(object);
}

static void print_file(const struct incident_file *file)
{
    struct str out = {0};
    incident_sheet(file, &out);
    fputs(str_text(&out), stdout);
    str_fini(&out);
}

int incident_print(struct journal *journal, int64_t number, bool json, struct err *e)
{
    struct incident_file file;
    int code = incident_file_read(journal, number, &file, e);
    if (code == 0 && json)
        print_file_json(&file);
    else if (code == 0)
        print_file(&file);
    incident_file_fini(&file);
    return code;
}
