#include "engine/postmortem/span.h"

#include <stdlib.h>

#define NEIGHBOURS_MOST 50 /* newest incidents that are looked at for what is theirs */

static void widen(struct span *span, int64_t seq)
{
    span->first_seq = seq < span->first_seq ? seq : span->first_seq;
    span->last_seq = seq > span->last_seq ? seq : span->last_seq;
}

static bool has_run(const struct span *span, int64_t run)
{
    for (size_t i = 0; i < span->runs.len; i++)
        if (span->runs.data[i] == run)
            return true;
    return false;
}

static int take_own(const struct event *event, void *data)
{
    struct span *span = data;
    widen(span, event->seq);
    if (event->run > 0 && !has_run(span, event->run))
        *vec_push(&span->runs) = event->run;
    return 0;
}

static int take_end(const struct event *event, void *data)
{
    widen(data, event->seq);
    return 1;
}

struct back {
    int64_t until_us;
    int64_t seq;
};

static int take_back(const struct event *event, void *data)
{
    struct back *back = data;
    if (event->at_us < back->until_us)
        return 1;
    back->seq = event->seq;
    return 0;
}

static int find_closing(const struct event *event, void *data)
{
    if (event->kind == EVENT_INCIDENT_CLOSED)
        *(int64_t *)data = event->seq;
    return event->kind == EVENT_INCIDENT_CLOSED;
}

/* Runs may have begun before anybody opened an incident for them. */
static int widen_by_runs(struct span *span, struct journal *j, struct err *e)
{
    int code = 0;
    for (size_t i = 0; i < span->runs.len && code == 0; i++) {
        struct journal_filter filter = {.run = span->runs.data[i]};
        code = journal_read(j, 1, JOURNAL_FORWARD, &filter, 1, take_end, span, e);
        if (code == 0)
            code = journal_read(j, JOURNAL_END, JOURNAL_BACKWARD, &filter, 1, take_end, span, e);
    }
    return code;
}

/* ---- entities --------------------------------------------------------------------------------------------
 */

static bool is_among(char *const *list, const char *name)
{
    for (; list && *list; list++)
        if (str_eq(*list, name))
            return true;
    return false;
}

static void take_entity(char ***list, const struct event *event)
{
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    const char *entity = json_string(data, "entity", "");
    if (*entity && !is_among(*list, entity))
        strv_add(list, entity);
    cJSON_Delete(data);
}

struct concern {
    char ***entities;
    VEC(int64_t) runs;
};

static int take_concern(const struct event *event, void *data)
{
    struct concern *c = data;
    if (event->kind == EVENT_INCIDENT_OPENED || event->kind == EVENT_RUN_STARTED)
        take_entity(c->entities, event);
    for (size_t i = 0; i < c->runs.len; i++)
        if (c->runs.data[i] == event->run)
            return 0;
    if (event->run > 0)
        *vec_push(&c->runs) = event->run;
    return 0;
}

static int take_start(const struct event *event, void *data)
{
    take_entity(((struct concern *)data)->entities, event);
    return 0;
}

/* What it was opened for, and what its runs were started for. */
static int entities_of(struct journal *j, int64_t incident, char ***entities, struct err *e)
{
    static const enum event_kind started = EVENT_RUN_STARTED;
    struct journal_filter own = {.incident = incident};
    struct concern c = {.entities = entities};
    int code = journal_read(j, 1, JOURNAL_FORWARD, &own, 0, take_concern, &c, e);
    for (size_t i = 0; i < c.runs.len && code == 0; i++) {
        struct journal_filter run = {.run = c.runs.data[i], .kinds = &started, .kind_count = 1};
        code = journal_read(j, 1, JOURNAL_FORWARD, &run, 1, take_start, &c, e);
    }
    vec_fini(&c.runs);
    return code;
}

struct neighbours {
    struct journal *journal;
    const struct journal_incident *mine;
    struct span *span;
    struct err *e;
};

static int take_neighbour(const struct journal_incident *other, void *data)
{
    struct neighbours *n = data;
    bool before = other->closed_us && other->closed_us < n->mine->opened_us - SPAN_BEFORE_US;
    bool after = n->mine->closed_us && other->opened_us - SPAN_BEFORE_US > n->mine->closed_us;
    if (other->number == n->mine->number || before || after)
        return 0;
    return entities_of(n->journal, other->number, &n->span->others, n->e);
}

/* Does another incident of that time, and not this one, have to do with the entity of a transition? */
static bool is_anothers(const struct span *span, const struct event *event)
{
    if (!span->others || event->kind != EVENT_TRANSITION)
        return false;
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    char *entity = xasprintf("%s %s", json_string(data, "kind", ""), json_string(data, "name", ""));
    bool another = is_among(span->others, entity) && !is_among(span->own, entity);
    free(entity);
    cJSON_Delete(data);
    return another;
}

/* ---- what was wrong already when it begins ----------------------------------------------------------------
 */

struct ills {
    struct span *span;
    struct map *well; /* entities whose way back is at its end */
    int64_t until_us;
};

/* Nothing is wrong with it after this transition; what has gone is no longer there to be wrong. */
static bool leaves_well(const cJSON *data)
{
    const char *to = json_string(data, "to", ""), *change = json_string(data, "change", "");
    bool ill = str_eq(to, "degraded") || str_eq(to, "down") || str_eq(to, "unknown");
    return str_eq(change, "gone") || (!ill && !str_eq(change, "flapping"));
}

/* Backwards, from where the span begins: an entity's transitions up to the one that left it well. */
static int take_ill(const struct event *event, void *data)
{
    struct ills *ills = data;
    if (event->at_us < ills->until_us)
        return 1;
    cJSON *change = json_parse(event->data, strlen(event->data), NULL);
    char *key = xasprintf("%s\n%s\n%s", json_string(change, "kind", ""), json_string(change, "source", ""),
                          json_string(change, "name", event->subject));
    if (leaves_well(change))
        map_set(ills->well, key, ills);
    else if (!map_has(ills->well, key))
        *vec_push(&ills->span->ills) = event->seq;
    free(key);
    cJSON_Delete(change);
    return 0;
}

static int find_ills(struct span *span, struct journal *j, int64_t began_us, struct err *e)
{
    static const enum event_kind transition = EVENT_TRANSITION;
    struct journal_filter filter = {.kinds = &transition, .kind_count = 1};
    struct ills ills = {.span = span, .well = map_new(), .until_us = began_us - SPAN_ILL_US};
    int code = journal_read(j, span->around_first - 1, JOURNAL_BACKWARD, &filter, 0, take_ill, &ills, e);
    if (span->ills.len)
        widen(span, span->ills.data[span->ills.len - 1]);
    map_free(ills.well);
    return code;
}

static int newest_first(const void *key, const void *element)
{
    int64_t a = *(const int64_t *)key, b = *(const int64_t *)element;
    return (a < b) - (a > b);
}

static bool is_ill(const struct span *span, int64_t seq)
{
    return span->ills.len && bsearch(&seq, span->ills.data, span->ills.len, sizeof seq, newest_first);
}

static int init_incident(struct span *span, struct journal *j, struct err *e)
{
    struct journal_incident incident;
    struct journal_filter own = {.incident = span->incident};
    struct back back = {0};
    int64_t closed = INT64_MAX;
    int code = journal_incident(j, span->incident, &incident, e);
    if (code < 0)
        return code;
    span->first_seq = span->last_seq = incident.opened_seq;
    back = (struct back){.until_us = incident.opened_us - SPAN_BEFORE_US, .seq = incident.opened_seq};
    code = journal_read(j, 1, JOURNAL_FORWARD, &own, 0, take_own, span, e);
    if (code == 0)
        code = widen_by_runs(span, j, e);
    if (code == 0)
        code = journal_read(j, incident.opened_seq, JOURNAL_BACKWARD, NULL, 0, take_back, &back, e);
    if (code == 0 && incident.state == INCIDENT_CLOSED)
        code = journal_read(j, incident.opened_seq, JOURNAL_FORWARD, &own, 0, find_closing, &closed, e);
    struct neighbours neighbours = {j, &incident, span, e};
    if (code == 0)
        code = entities_of(j, span->incident, &span->own, e);
    if (code == 0)
        code = journal_incidents(j, false, NEIGHBOURS_MOST, take_neighbour, &neighbours, e);
    span->around_first = back.seq;
    span->around_last = closed;
    widen(span, span->around_first);
    widen(span, span->around_last);
    return code ? code : find_ills(span, j, back.until_us, e);
}

int span_init(struct span *span, struct journal *j, int64_t incident, struct err *e)
{
    *span = (struct span){.incident = incident, .first_seq = 1, .last_seq = INT64_MAX};
    return incident ? init_incident(span, j, e) : 0;
}

void span_fini(struct span *span)
{
    vec_fini(&span->runs);
    vec_fini(&span->ills);
    strv_free(span->own);
    strv_free(span->others);
}

static bool belongs_to_all(enum event_kind kind)
{
    return kind == EVENT_TRANSITION || kind == EVENT_SOURCE_FAILED || kind == EVENT_SOURCE_RECOVERED ||
           kind == EVENT_BREAKER_FORCED || kind == EVENT_BREAKER_RELEASED || kind == EVENT_ENTITY_MUTED ||
           kind == EVENT_ENTITY_UNMUTED || kind == EVENT_HANDOVER_GIVEN || kind == EVENT_HANDOVER_ACCEPTED ||
           kind == EVENT_JOURNAL_TROUBLE || kind == EVENT_MIRROR_FAILED || kind == EVENT_MIRROR_RECOVERED;
}

bool span_has(const struct span *span, const struct event *event)
{
    if (span->incident == 0 || event->incident == span->incident)
        return true;
    if (event->incident != 0)
        return false;
    if (event->run > 0)
        return has_run(span, event->run);
    bool around = event->seq >= span->around_first && event->seq <= span->around_last;
    return belongs_to_all(event->kind) && (around || is_ill(span, event->seq)) && !is_anothers(span, event);
}

struct showing {
    const struct span *span;
    int (*visit)(const struct event *event, void *data);
    void *data;
    int answer;
};

static int show_own(const struct event *event, void *data)
{
    struct showing *showing = data;
    if (event->seq > showing->span->last_seq)
        return 1;
    if (span_has(showing->span, event))
        showing->answer = showing->visit(event, showing->data);
    return showing->answer;
}

int timeline_read(struct journal *j, int64_t incident, int (*visit)(const struct event *event, void *data),
                  void *data, struct err *e)
{
    struct span span;
    int code = span_init(&span, j, incident, e);
    struct showing showing = {.span = &span, .visit = visit, .data = data};
    if (code == 0)
        code = journal_read(j, span.first_seq, JOURNAL_FORWARD, NULL, 0, show_own, &showing, e);
    span_fini(&span);
    return code;
}

/* ---- late notes, and what was imported, in their places
 * --------------------------------------------------------------------------
 */

struct telling {
    VEC(struct event *) late; /* by the time that they are about */
    size_t next;
    bool stopped;
    int (*visit)(const struct event *event, void *data);
    void *data;
};

static int take_late(const struct event *event, void *data)
{
    struct telling *t = data;
    int64_t told_us = event_told_us(event);
    size_t place = t->late.len;
    if (!event_is_late(event))
        return 0;
    (void)vec_push(&t->late);
    for (; place > 0 && event_told_us(t->late.data[place - 1]) > told_us; place--)
        t->late.data[place] = t->late.data[place - 1];
    t->late.data[place] = event_copy(event);
    return 0;
}

static int tell_until(struct telling *t, int64_t at_us)
{
    int answer = 0;
    while (answer == 0 && t->next < t->late.len && event_told_us(t->late.data[t->next]) < at_us)
        answer = t->visit(t->late.data[t->next++], t->data);
    return answer;
}

static int tell_event(const struct event *event, void *data)
{
    struct telling *t = data;
    if (event_is_late(event))
        return 0; /* has its own place */
    int answer = tell_until(t, event->at_us);
    answer = answer ? answer : t->visit(event, t->data);
    t->stopped = answer != 0;
    return answer;
}

int timeline_tell(struct journal *j, int64_t incident, int (*visit)(const struct event *event, void *data),
                  void *data, struct err *e)
{
    struct telling t = {.visit = visit, .data = data};
    int code = timeline_read(j, incident, take_late, &t, e);
    if (code == 0)
        code = timeline_read(j, incident, tell_event, &t, e);
    if (code == 0 && !t.stopped)
        (void)tell_until(&t, INT64_MAX);
    for (size_t i = 0; i < t.late.len; i++)
        free(t.late.data[i]);
    vec_fini(&t.late);
    return code;
}
