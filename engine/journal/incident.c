#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/io/io.h"
#include "engine/journal/fold.h"
#include "engine/journal/handle.h"
#include "engine/journal/row.h"

static const char *const state_names[] = {
#define X(NAME, name) [INCIDENT_##NAME] = name,
    INCIDENT_STATES(X)
#undef X
};

const char *incident_state_name(enum incident_state state)
{
    return state_names[state];
}

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
    size_t bad;
    /* Cut between characters. */
    if (!utf8_valid(to, strlen(to), &bad))
        to[bad] = '\0';
}

static void take_opening(struct journal_incident *incident, const struct event *event)
{
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    copy_text(incident->title, sizeof incident->title, json_string(data, "title", event->summary));
    copy_text(incident->severity, sizeof incident->severity, json_string(data, "severity", ""));
    copy_text(incident->opened_by, sizeof incident->opened_by, event->actor);
    incident->opened_us = event->at_us;
    incident->opened_seq = event->seq;
    cJSON_Delete(data);
}

static bool state_admits(const struct journal_incident *incident, enum event_kind kind)
{
    enum incident_state state = incident->state;
    switch (kind) {
    case EVENT_INCIDENT_MITIGATED:
        return state == INCIDENT_OPEN;
    case EVENT_INCIDENT_RESOLVED:
        return state == INCIDENT_OPEN || state == INCIDENT_MITIGATED;
    case EVENT_INCIDENT_REVIEWED:
        return state == INCIDENT_RESOLVED || (state == INCIDENT_CLOSED && incident->reviewed_us == 0);
    case EVENT_INCIDENT_CLOSED:
        return state != INCIDENT_CLOSED;
    default:
        return true;
    }
}

int64_t incident_state_us(const struct journal_incident *incident)
{
    switch (incident->state) {
    case INCIDENT_OPEN:
        return incident->opened_us;
    case INCIDENT_MITIGATED:
        return incident->mitigated_us;
    case INCIDENT_RESOLVED:
        return incident->resolved_us;
    case INCIDENT_REVIEWED:
        return incident->reviewed_us;
    case INCIDENT_CLOSED:
        return incident->closed_us;
    }
    return incident->opened_us;
}

static void move_on(struct journal_incident *incident, enum incident_state state, int64_t *when,
                    const struct event *event)
{
    /* Two operators at once: the one that came second and isn't admitted any more changes nothing. */
    if (state > incident->state && state_admits(incident, event->kind)) {
        incident->state = state;
        *when = event->at_us;
    }
}

static void take_member(char *to, size_t size, const struct event *event, const char *member)
{
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    const char *text = json_string(data, member, NULL);
    if (text)
        copy_text(to, size, text);
    cJSON_Delete(data);
}

static void take_commander(struct journal_incident *incident, const struct event *event)
{
    char role[32] = "";
    take_member(role, sizeof role, event, "role");
    if (str_eq(role, "commander"))
        take_member(incident->commander, sizeof incident->commander, event, "person");
}

void incident_fold(struct journal_incident *incident, const struct event *event)
{
    incident->last_seq = event->seq;
    switch (event->kind) {
    case EVENT_INCIDENT_OPENED:
        if (incident->opened_seq == 0)
            take_opening(incident, event);
        break;
    case EVENT_INCIDENT_NOTED:
        incident->notes++;
        break;
    case EVENT_INCIDENT_MITIGATED:
        move_on(incident, INCIDENT_MITIGATED, &incident->mitigated_us, event);
        break;
    case EVENT_INCIDENT_RESOLVED:
        move_on(incident, INCIDENT_RESOLVED, &incident->resolved_us, event);
        break;
    case EVENT_INCIDENT_REVIEWED:
        move_on(incident, INCIDENT_REVIEWED, &incident->reviewed_us, event);
        if (incident->reviewed_us == 0 && incident->state == INCIDENT_CLOSED)
            incident->reviewed_us = event->at_us; /* closed first, reviewed all the same */
        break;
    case EVENT_INCIDENT_SEVERITY:
        take_member(incident->severity, sizeof incident->severity, event, "severity");
        break;
    case EVENT_INCIDENT_ROLE:
        take_commander(incident, event);
        break;
    case EVENT_INCIDENT_CLOSED:
        move_on(incident, INCIDENT_CLOSED, &incident->closed_us, event);
        break;
    default:
        break;
    }
}

/* Both use the index event_fold: its condition is repeated to the letter. */
#define FOLDED "FROM event WHERE kind GLOB 'incident.*' AND "

static int fold_number(sqlite3 *db, int64_t number, struct journal_incident *incident, struct err *e)
{
    *incident = (struct journal_incident){.number = number};
    sqlite3_stmt *statement = NULL;
    struct event event;
    int code = 0, rc = sqlite3_prepare_v2(db, "SELECT " ROW_SELECT " " FOLDED "incident = ?1 ORDER BY rowid",
                                          -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, number);
        while ((rc = sqlite3_step(statement)) == SQLITE_ROW && (code = row_event(statement, &event, e)) == 0)
            incident_fold(incident, &event);
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        code = database_error(db, e, "incidents");
    sqlite3_finalize(statement);
    if (code == 0 && incident->opened_seq == 0)
        code = err_set(e, ERR_NOT_FOUND, "there is no incident INC-%lld", (long long)number);
    return code;
}

/* The greatest number below: 0 when there is none. */
static int number_below(sqlite3 *db, int64_t below, int64_t *number, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int code = 0,
        rc = sqlite3_prepare_v2(db, "SELECT max(incident) " FOLDED "incident < ?1", -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, below);
        rc = sqlite3_step(statement);
    }
    if (rc == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    else
        code = database_error(db, e, "incidents");
    sqlite3_finalize(statement);
    return code;
}

int journal_incident(struct journal *j, int64_t number, struct journal_incident *incident, struct err *e)
{
    struct err mine = {0};
    e = e ? e : &mine;
    sqlite3 *db = reader_take(j->reader, e);
    if (!db)
        return e->code;
    int code = fold_number(db, number, incident, e);
    reader_give(j->reader, code < 0 && code != ERR_NOT_FOUND);
    return code;
}

/* The newest incident below a number; *number is 0 when there is none. */
static int next_incident(struct journal *j, int64_t below, int64_t *number, struct journal_incident *incident,
                         struct err *e)
{
    struct err mine = {0};
    e = e ? e : &mine;
    sqlite3 *db = reader_take(j->reader, e);
    if (!db)
        return e->code;
    int code;
    do {
        *number = 0;
        code = number_below(db, below, number, e);
        if (code == 0 && *number > 0)
            code = fold_number(db, *number, incident, e);
        below = *number;
    } while (code == ERR_NOT_FOUND); /* notes to an incident that nobody opened */
    reader_give(j->reader, code < 0);
    return code;
}

int journal_incidents(struct journal *j, bool open_only, size_t limit,
                      int (*visit)(const struct journal_incident *incident, void *data), void *data,
                      struct err *e)
{
    struct journal_incident incident;
    int64_t below = INT64_MAX;
    size_t shown = 0;
    int answer = 0;
    while (answer == 0 && (limit == 0 || shown < limit)) {
        int64_t number = 0;
        answer = next_incident(j, below, &number, &incident, e);
        if (answer < 0 || number <= 0)
            break;
        below = number;
        if (open_only && incident.state > INCIDENT_MITIGATED)
            continue;
        shown++;
        answer = visit(&incident, data);
    }
    return answer < 0 ? answer : 0;
}

static int take_number(const struct journal_incident *incident, void *data)
{
    *(int64_t *)data = incident->number;
    return 1;
}

int journal_incident_current(struct journal *j, bool any, int64_t *number, struct err *e)
{
    *number = 0;
    int code = journal_incidents(j, true, 1, take_number, number, e);
    if (code == 0 && *number == 0 && any)
        code = journal_incidents(j, false, 1, take_number, number, e);
    return code;
}

static enum incident_state state_after(enum event_kind kind)
{
    return kind == EVENT_INCIDENT_MITIGATED  ? INCIDENT_MITIGATED
           : kind == EVENT_INCIDENT_RESOLVED ? INCIDENT_RESOLVED
           : kind == EVENT_INCIDENT_REVIEWED ? INCIDENT_REVIEWED
                                             : INCIDENT_CLOSED;
}

int journal_incident_admits(const struct journal_incident *incident, enum event_kind kind, struct err *e)
{
    const char *name = incident_state_name(incident->state);
    long long number = (long long)incident->number;
    if (state_admits(incident, kind))
        return 0;
    enum incident_state wanted = state_after(kind);
    if (wanted == incident->state)
        return err_set(e, ERR_EXISTS, "INC-%lld is %s already", number, name);
    if (wanted > incident->state)
        return err_set(e, ERR_DENIED, "INC-%lld is %s: it must be resolved before it can be %s", number, name,
                       incident_state_name(wanted));
    return err_set(e, ERR_EXISTS,
                   "INC-%lld is %s, there is no way back to %s: open another incident if it "
                   "has come back",
                   number, name, incident_state_name(wanted));
}

int incident_number_parse(const char *text, int64_t *number, struct err *e)
{
    const char *digits = text && strncasecmp(text, "INC-", 4) == 0 ? text + 4 : text;
    size_t length = digits ? strspn(digits, "0123456789") : 0;
    if (length == 0 || length > 15 || digits[length] != '\0' || strtoll(digits, NULL, 10) == 0)
        return err_set(e, ERR_SYNTAX, "%.40s names no incident: they are INC-7, or 7",
                       text ? text : "nothing");
    *number = strtoll(digits, NULL, 10);
    return 0;
}
