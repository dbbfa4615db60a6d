#include <stdlib.h>

#include "engine/postmortem/postmortem.h"

const char *timeline_level_name(enum timeline_level level)
{
    static const char *const names[] = {
#define X(NAME, name) [TIMELINE_##NAME] = name,
        TIMELINE_LEVELS(X)
#undef X
    };
    return names[level];
}

/* --- one event as a line ----------------------------------------------------------------------------------
 */

static enum timeline_level level_of_outcome(const char *outcome)
{
    static const struct {
        const char *outcome;
        enum timeline_level level;
    } levels[] = {{"ok", TIMELINE_GOOD},       {"failed", TIMELINE_BAD},    {"down", TIMELINE_BAD},
                  {"degraded", TIMELINE_WARN}, {"unknown", TIMELINE_WARN},  {"warn", TIMELINE_WARN},
                  {"timed-out", TIMELINE_BAD}, {"cancelled", TIMELINE_WARN}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (str_eq(outcome, levels[i].outcome))
            return levels[i].level;
    return TIMELINE_INFO;
}

bool input_is_decision(const char *input)
{
    static const char *const decisions[] = {"confirm", "answer", "choose",     "resolve",
                                            "cancel",  "stop",   "break-glass"};
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++)
        if (str_eq(input, decisions[i]))
            return true;
    return false;
}

/* What a person decided is told; what the machine notes down for its own restoration is not. */
static enum timeline_level level_of_input(const cJSON *data)
{
    const char *input = json_string(json_at(data, "/input"), "input", "");
    if (str_eq(input, "break-glass"))
        return TIMELINE_WARN;
    return input_is_decision(input) || str_eq(input, "set") ? TIMELINE_INFO : TIMELINE_DETAIL;
}

/* Checks come by the dozen; acts are what an incident is told by. */
static enum timeline_level level_of_step(const struct event *event, const cJSON *data)
{
    if (!json_bool(data, "acts", true))
        return TIMELINE_DETAIL;
    if (json_bool(data, "rehearsed", false))
        return TIMELINE_INFO; /* whatever came of it, nothing came of it */
    return event->kind == EVENT_STEP_OUTCOME ? level_of_outcome(event->outcome) : TIMELINE_INFO;
}

static enum timeline_level level_of_end(const struct event *event, const cJSON *data)
{
    return json_bool(data, "rehearsed", false) ? TIMELINE_INFO : level_of_outcome(event->outcome);
}

static enum timeline_level level_of(const struct event *event)
{
    enum timeline_level level = TIMELINE_INFO;
    cJSON *data = NULL;
    switch (event->kind) {
    case EVENT_RUN_INPUT:
    case EVENT_STEP_INTENT:
    case EVENT_STEP_OUTCOME:
        data = json_parse(event->data, strlen(event->data), NULL);
        level = event->kind == EVENT_RUN_INPUT ? level_of_input(data) : level_of_step(event, data);
        cJSON_Delete(data);
        return level;
    case EVENT_JOURNAL_OPENED:
    case EVENT_WATCH_STARTED:
    case EVENT_WATCH_ENDED:
    case EVENT_STEP_EVIDENCE:
    case EVENT_BLOB_STORED:
        return TIMELINE_DETAIL;
    case EVENT_INCIDENT_OPENED:
    case EVENT_ENTITY_MUTED:
    case EVENT_BREAKER_FORCED:
    case EVENT_SOURCE_FAILED:
    case EVENT_MIRROR_FAILED:
        return TIMELINE_WARN;
    case EVENT_JOURNAL_TROUBLE:
        return TIMELINE_BAD;
    case EVENT_INCIDENT_MITIGATED:
    case EVENT_INCIDENT_RESOLVED:
    case EVENT_INCIDENT_CLOSED:
    case EVENT_SOURCE_RECOVERED:
    case EVENT_MIRROR_RECOVERED:
        return TIMELINE_GOOD;
    case EVENT_STEP_CONCLUDED:
    case EVENT_RUN_ENDED:
        data = json_parse(event->data, strlen(event->data), NULL);
        level = level_of_end(event, data);
        cJSON_Delete(data);
        return level;
    case EVENT_TRANSITION:
        return level_of_outcome(event->outcome);
    default:
        return TIMELINE_INFO;
    }
}

static void clean(struct str *out, const char *text)
{
    utf8_clean(out, text, strlen(text), false);
}

static void incident_text(struct str *out, const struct event *event, const char *verb)
{
    str_addf(out, "INC-%lld %s", (long long)event->incident, verb);
    if (*event->summary && !str_eq(event->summary, verb)) {
        str_add(out, ": ");
        clean(out, event->summary);
    }
}

static void text_of(const struct event *event, struct str *out)
{
    switch (event->kind) {
    case EVENT_INCIDENT_OPENED:
        incident_text(out, event, "opened");
        break;
    case EVENT_INCIDENT_MITIGATED:
        incident_text(out, event, "mitigated");
        break;
    case EVENT_INCIDENT_RESOLVED:
        incident_text(out, event, "resolved");
        break;
    case EVENT_INCIDENT_REVIEWED:
        incident_text(out, event, "reviewed");
        break;
    case EVENT_INCIDENT_CLOSED:
        incident_text(out, event, "closed");
        break;
    case EVENT_INCIDENT_NOTED:
        str_add(out, "note \"");
        clean(out, event->summary);
        str_add(out, "\"");
        if (event_told_us(event) < event->at_us) {
            char later[DURATION_TEXT_SIZE];
            duration_format(event->at_us - event_told_us(event), later);
            str_addf(out, " (written %s later)", later);
        }
        break;
    case EVENT_INCIDENT_ROLE:
    case EVENT_INCIDENT_SEVERITY:
    case EVENT_INCIDENT_ACTION:
    case EVENT_INCIDENT_WRITTEN:
        str_addf(out, "INC-%lld ", (long long)event->incident);
        clean(out, event->summary);
        break;
    default:
        clean(out, *event->summary ? event->summary : event->subject);
        break;
    }
    if (out->len == 0)
        clean(out, event->kind_name);
    if (event_imported(event))
        str_add(out, " (emergency journal)");
}

bool event_is_late(const struct event *event)
{
    return event_told_us(event) < event->at_us || event_imported(event);
}

void timeline_line_init(struct timeline_line *line, const struct event *event)
{
    struct str who = {0}, text = {0};
    clean(&who, *event->actor ? event->actor : "belay");
    text_of(event, &text);
    int64_t told_us = event_told_us(event);
    *line = (struct timeline_line){
        .seq = event->seq,
        .at_us = told_us,
        .written_us = told_us < event->at_us ? event->at_us : 0,
        .late = event_is_late(event),
        .kind = event->kind,
        .level = level_of(event),
        .incident = event->incident,
        .run = event->run,
        .who = str_take(&who),
        .text = str_take(&text),
    };
}

void timeline_line_fini(struct timeline_line *line)
{
    free(line->who);
    free(line->text);
    *line = (struct timeline_line){0};
}

bool timeline_shows(const struct timeline_line *line, const struct timeline_filter *filter)
{
    if (line->level < filter->minimum)
        return false;
    if (filter->run && line->run != filter->run)
        return false;
    return !filter->incident || line->incident == filter->incident ||
           (line->incident == 0 && (line->kind == EVENT_TRANSITION || line->kind == EVENT_SOURCE_FAILED ||
                                    line->kind == EVENT_SOURCE_RECOVERED));
}

void timeline_format(const struct timeline_line *line, struct str *out)
{
    char at[CLOCK_TEXT_SIZE];
    clock_format(line->at_us, at);
    str_addf(out, "%.10s %.8sZ  %s  %s", at, at + 11, line->who, line->text);
}

/* --- the last lines
 * ------------------------------------------------------------------------------------------ */

struct timeline {
    size_t capacity;
    int64_t last_seq;
    VEC(struct timeline_line) lines; /* by seq, but for those that are late */
};

struct timeline *timeline_new(size_t capacity)
{
    struct timeline *t = xcalloc(1, sizeof *t);
    t->capacity = capacity ? capacity : 1;
    return t;
}

void timeline_free(struct timeline *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->lines.len; i++)
        timeline_line_fini(&t->lines.data[i]);
    vec_fini(&t->lines);
    free(t);
}

static bool is_there(const struct timeline *t, int64_t seq)
{
    for (size_t i = t->lines.len; seq <= t->last_seq && i-- > 0;)
        if (t->lines.data[i].seq == seq)
            return true;
    return false;
}

/* Behind all that is earlier: by seq, a late one by the time that it is about. New events come at the end. */
static size_t place_of(const struct timeline *t, const struct timeline_line *line)
{
    size_t place = t->lines.len;
    for (; place > 0; place--) {
        const struct timeline_line *other = &t->lines.data[place - 1];
        bool by_time = line->late || other->late;
        if (by_time ? other->at_us <= line->at_us : other->seq < line->seq)
            break;
    }
    return place;
}

bool timeline_add(struct timeline *t, const struct event *event)
{
    struct timeline_line line;
    if (is_there(t, event->seq))
        return false;
    timeline_line_init(&line, event);
    size_t place = place_of(t, &line);
    bool full = t->lines.len == t->capacity;
    if (full && place == 0) {
        timeline_line_fini(&line);
        return false;
    }
    if (full) {
        timeline_line_fini(&t->lines.data[0]);
        vec_remove(&t->lines, 0);
        place--;
    }
    (void)vec_push(&t->lines);
    memmove(&t->lines.data[place + 1], &t->lines.data[place],
            (t->lines.len - 1 - place) * sizeof *t->lines.data);
    t->lines.data[place] = line;
    t->last_seq = event->seq > t->last_seq ? event->seq : t->last_seq;
    return true;
}

size_t timeline_count(const struct timeline *t)
{
    return t->lines.len;
}

const struct timeline_line *timeline_at(const struct timeline *t, size_t index)
{
    return &t->lines.data[index];
}

int64_t timeline_last_seq(const struct timeline *t)
{
    return t->last_seq;
}
