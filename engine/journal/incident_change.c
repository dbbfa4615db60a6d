/* The events by which people change an incident: checked here, so that console and command line agree. */
#include <ctype.h>
#include <stdlib.h>

#include "engine/journal/journal.h"

#define NAME_MAX_BYTES 63

void draft_texts_fini(struct draft_texts *texts)
{
    free(texts->subject);
    free(texts->summary);
    free(texts->data);
    *texts = (struct draft_texts){0};
}

struct drafting {
    const struct incident_file *file;
    const struct incident_change *change;
    struct event_draft *draft;
    struct draft_texts *texts;
    cJSON *data;
    struct err *e;
};

static bool blank(const char *text)
{
    return !text || text[strspn(text, " \t\r\n")] == '\0';
}

static int set_state(struct drafting *d, enum event_kind kind, const char *word)
{
    const struct incident_change *c = d->change;
    const struct journal_incident *incident = &d->file->incident;
    if (journal_incident_admits(incident, kind, d->e) < 0)
        return d->e->code;
    d->draft->kind = kind;
    d->draft->outcome = word;
    d->texts->summary = xstrdup(blank(c->text) ? word : c->text);
    return 0;
}

static int set_closed(struct drafting *d)
{
    const struct incident_change *c = d->change;
    if (c->left && c->left[0]) {
        if (blank(c->text))
            return err_set(d->e, ERR_USAGE,
                           "INC-%lld leaves something behind: say why it is closed all the same",
                           (long long)d->file->incident.number);
        cJSON *left = cJSON_AddArrayToObject(d->data, "left");
        for (char *const *text = c->left; *text; text++)
            cJSON_AddItemToArray(left, cJSON_CreateString(*text));
    }
    return set_state(d, EVENT_INCIDENT_CLOSED, "closed");
}

static int set_note(struct drafting *d)
{
    const struct incident_change *c = d->change;
    char at[CLOCK_TEXT_SIZE];
    if (blank(c->text))
        return err_set(d->e, ERR_USAGE, "a note needs a text");
    d->draft->kind = EVENT_INCIDENT_NOTED;
    d->texts->summary = xstrdup(c->text);
    if (c->said_us) {
        clock_format(c->said_us, at);
        cJSON_AddStringToObject(d->data, "at", at);
    }
    return 0;
}

static bool is_role(const char *text)
{
    size_t length = strlen(text);
    bool good = length > 0 && length <= 31 && islower((unsigned char)text[0]);
    for (const char *p = text; *p && good; p++)
        good = isdigit((unsigned char)*p) || *p == '-' || islower((unsigned char)*p);
    return good;
}

static int set_role(struct drafting *d)
{
    const struct incident_change *c = d->change;
    if (blank(c->role) || !is_role(c->role))
        return err_set(d->e, ERR_USAGE,
                       "\"%.40s\" is no role: one word in small letters, as commander, operations, scribe, "
                       "communications",
                       c->role ? c->role : "");
    if (!c->person)
        return err_set(d->e, ERR_USAGE, "who is %s now? a name, or nobody", c->role);
    if (strlen(c->person) > NAME_MAX_BYTES)
        return err_set(d->e, ERR_RANGE, "a name of more than %d bytes", NAME_MAX_BYTES);
    bool nobody = blank(c->person) || str_eq(c->person, "nobody");
    d->draft->kind = EVENT_INCIDENT_ROLE;
    cJSON_AddStringToObject(d->data, "role", c->role);
    cJSON_AddStringToObject(d->data, "person", nobody ? "" : c->person);
    d->texts->summary = xasprintf("%s is %s now", nobody ? "nobody" : c->person, c->role);
    return 0;
}

static int set_severity(struct drafting *d)
{
    const struct incident_change *c = d->change;
    const char *before = d->file->incident.severity;
    char severity[SEVERITY_SIZE];
    int code = severity_parse(c->severity, severity, d->e);
    if (code == 0 && str_eq(before, severity))
        code =
            err_set(d->e, ERR_EXISTS, "INC-%lld is %s already", (long long)d->file->incident.number, before);
    if (code == 0) {
        d->draft->kind = EVENT_INCIDENT_SEVERITY;
        cJSON_AddStringToObject(d->data, "severity", severity);
        cJSON_AddStringToObject(d->data, "from", before);
        d->texts->summary = xasprintf("%s%s%s%s%s", severity, *before ? ", was " : "", before,
                                      blank(c->text) ? "" : ": ", blank(c->text) ? "" : c->text);
    }
    return code;
}

static int check_due(const char *due, struct err *e)
{
    int64_t ignored_us;
    struct err ignored;
    char *time = xasprintf("%sT00:00:00Z", due);
    bool good = strlen(due) == 10 && clock_parse(time, &ignored_us, &ignored) == 0;
    free(time);
    return good || !*due ? 0 : err_set(e, ERR_USAGE, "\"%.40s\" is no day: write 2026-12-01", due);
}

static int check_action(struct drafting *d)
{
    const struct incident_change *c = d->change;
    static const char *const states[] = {"open", "done", "dropped"};
    bool known = !c->state;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        known = known || str_eq(c->state, states[i]);
    if (c->action < 0 || c->action > (int64_t)d->file->actions.len)
        return err_set(d->e, ERR_NOT_FOUND, "INC-%lld has no action item %lld (it has %zu)",
                       (long long)d->file->incident.number, (long long)c->action, d->file->actions.len);
    if (c->action == 0 && blank(c->text))
        return err_set(d->e, ERR_USAGE, "an action item needs a text: what is to be done");
    if (!known)
        return err_set(d->e, ERR_USAGE, "\"%.40s\" is no state of an action item: open, done or dropped",
                       c->state);
    if (str_eq(c->state, "dropped") && (c->action == 0 || blank(c->text)))
        return err_set(d->e, ERR_USAGE, "why is it dropped? give the reason");
    if (c->action && !c->text && !c->owner && !c->due && !c->ticket && !c->test && !c->state)
        return err_set(d->e, ERR_USAGE,
                       "what is to change? a text, or one of owner, due, ticket, test, done, dropped");
    return c->due ? check_due(c->due, d->e) : 0;
}

static int set_action(struct drafting *d)
{
    const struct incident_change *c = d->change;
    if (check_action(d) < 0)
        return d->e->code;
    bool dropped = str_eq(c->state, "dropped"), fresh = c->action == 0;
    const char *text = fresh ? c->text : d->file->actions.data[c->action - 1].text;
    if (fresh)
        cJSON_AddBoolToObject(d->data, "new", true);
    else
        json_add_int(d->data, "action", c->action);
    const struct {
        const char *name, *value;
    } members[] = {{"text", dropped || blank(c->text) ? NULL : c->text},
                   {"reason", dropped ? c->text : NULL},
                   {"owner", c->owner},
                   {"due", c->due},
                   {"ticket", c->ticket},
                   {"test", c->test},
                   {"state", c->state}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].value)
            cJSON_AddStringToObject(d->data, members[i].name, members[i].value);
    d->draft->kind = EVENT_INCIDENT_ACTION;
    d->texts->summary =
        fresh ? xasprintf("action item: %s%s%s", text, c->owner ? ", owner " : "", c->owner ? c->owner : "")
        : c->state ? xasprintf("action item %lld %s: %s%s%s%s", (long long)c->action, c->state, text,
                               dropped ? " (" : "", dropped ? c->text : "", dropped ? ")" : "")
                   : xasprintf("action item %lld changed: %s", (long long)c->action,
                               blank(c->text) ? text : c->text);
    return 0;
}

static int set_field(struct drafting *d)
{
    const struct incident_change *c = d->change;
    enum incident_field field = incident_field_find(c->field ? c->field : "");
    const char *text = c->text ? c->text : "";
    if (field == INCIDENT_FIELD_COUNT) {
        struct str names = {0};
        for (int i = 0; i < INCIDENT_FIELD_COUNT; i++)
            str_addf(&names, "%s%s", i ? ", " : "", incident_field_name((enum incident_field)i));
        err_set(d->e, ERR_USAGE, "\"%.40s\" is no part of a postmortem: %s", c->field ? c->field : "",
                str_text(&names));
        str_fini(&names);
        return d->e->code;
    }
    if (strlen(text) > INCIDENT_TEXT_MAX)
        return err_set(d->e, ERR_RANGE, "%s: more than %u KiB: put it elsewhere and link it", c->field,
                       INCIDENT_TEXT_MAX >> 10);
    if (!utf8_valid(text, strlen(text), NULL))
        return err_set(d->e, ERR_SYNTAX, "%s: is not UTF-8", c->field);
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        length--;
    char *trimmed = xstrndup(text, length);
    d->draft->kind = EVENT_INCIDENT_WRITTEN;
    cJSON_AddStringToObject(d->data, "field", c->field);
    cJSON_AddStringToObject(d->data, "text", trimmed);
    d->texts->summary = length ? xasprintf("%s: %.*s%s", c->field, (int)strcspn(trimmed, "\n"), trimmed,
                                           strchr(trimmed, '\n') ? " ..." : "")
                               : xasprintf("%s: taken back", c->field);
    free(trimmed);
    return 0;
}

static int fill(struct drafting *d)
{
    switch (d->change->verb) {
    case INCIDENT_NOTE:
        return set_note(d);
    case INCIDENT_SET_ROLE:
        return set_role(d);
    case INCIDENT_SET_SEVERITY:
        return set_severity(d);
    case INCIDENT_SET_ACTION:
        return set_action(d);
    case INCIDENT_WRITE:
        return set_field(d);
    case INCIDENT_MITIGATE:
        return set_state(d, EVENT_INCIDENT_MITIGATED, "mitigated");
    case INCIDENT_RESOLVE:
        return set_state(d, EVENT_INCIDENT_RESOLVED, "resolved");
    case INCIDENT_REVIEW:
        return set_state(d, EVENT_INCIDENT_REVIEWED, "reviewed");
    case INCIDENT_CLOSE:
        return set_closed(d);
    }
    return err_set(d->e, ERR_USAGE, "no such change of an incident");
}

int incident_change_draft(const struct incident_file *file, const struct incident_change *change,
                          struct event_draft *draft, struct draft_texts *texts, struct err *e)
{
    struct err mine = {0};
    *draft = (struct event_draft){.incident = file->incident.number};
    *texts = (struct draft_texts){0};
    struct drafting d = {file, change, draft, texts, cJSON_CreateObject(), e ? e : &mine};
    int code = fill(&d);
    texts->data = json_print(d.data);
    cJSON_Delete(d.data);
    draft->summary = texts->summary;
    draft->data = texts->data;
    return code;
}

void incident_noted_text(int64_t incident, int64_t said_us, int64_t now_us, struct str *out)
{
    char at[CLOCK_PAST_SIZE];
    str_add(out, "noted");
    if (incident)
        str_addf(out, " in INC-%lld", (long long)incident);
    if (said_us) {
        clock_past_text(said_us, now_us, at);
        str_addf(out, " at %s", at);
    }
}
