#include "engine/postmortem/span.h"

#include <stdlib.h>

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
    span->around_first = back.seq;
    span->around_last = closed;
    widen(span, span->around_first);
    widen(span, span->around_last);
    return code;
}

int span_init(struct span *span, struct journal *j, int64_t incident, struct err *e)
{
    *span = (struct span){.incident = incident, .first_seq = 1, .last_seq = INT64_MAX};
    return incident ? init_incident(span, j, e) : 0;
}

void span_fini(struct span *span)
{
    vec_fini(&span->runs);
}

static bool belongs_to_all(enum event_kind kind)
{
    return kind == EVENT_TRANSITION || kind == EVENT_SOURCE_FAILED || kind == EVENT_SOURCE_RECOVERED ||
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
    return belongs_to_all(event->kind) && event->seq >= span->around_first && event->seq <= span->around_last;
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
