#include "engine/postmortem/handover.h"

#include <stdlib.h>

#include "engine/postmortem/story.h"
#include "engine/postmortem/text.h"

#define SHEET_BYTES (256u << 10) /* of the sheet in the event */

/* ---- what there is --------------------------------------------------------------------------------------
 */

static int take_incident(const struct journal_incident *incident, void *data)
{
    struct handover *h = data;
    if (incident->state != INCIDENT_CLOSED)
        vec_push(&h->incidents)->file.incident = *incident;
    return 0;
}

struct open_run {
    int64_t number, at_us;
    char *title, *who;
};

struct scanning {
    VEC(struct open_run) runs;
};

static int take_run(const struct event *event, void *data)
{
    struct scanning *s = data;
    for (size_t i = s->runs.len; event->kind == EVENT_RUN_ENDED && i-- > 0;) {
        if (s->runs.data[i].number != event->run)
            continue;
        free(s->runs.data[i].title);
        free(s->runs.data[i].who);
        vec_remove(&s->runs, i);
    }
    if (event->kind == EVENT_RUN_STARTED) {
        cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
        if (!json_bool(tree, "rehearsed", false))
            *vec_push(&s->runs) =
                (struct open_run){event->run, event->at_us,
                                  xstrdup(json_string(tree, "title", event->summary)), xstrdup(event->actor)};
        cJSON_Delete(tree);
    }
    return 0;
}

static bool is_told(const struct handover *h, int64_t run)
{
    for (size_t i = 0; i < h->incidents.len; i++) {
        const struct leftovers *left = &h->incidents.data[i].left;
        for (size_t k = 0; k < left->len; k++)
            if (left->data[k].run == run)
                return true;
    }
    return false;
}

struct collecting {
    VEC(struct event *) events;
};

static int take_copy(const struct event *event, void *data)
{
    struct collecting *c = data;
    *vec_push(&c->events) = event_copy(event);
    return 0;
}

/* The first act of a run may wait for an approval before there is any incident. */
static int read_approvals(struct journal *j, int64_t run, struct handover *h, struct err *e)
{
    struct journal_filter filter = {.run = run};
    struct collecting c = {0};
    int code = journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, take_copy, &c, e);
    if (code == 0)
        leftover_approvals(&h->runs, c.events.data, c.events.len, h->at_us);
    for (size_t i = 0; i < c.events.len; i++)
        free(c.events.data[i]);
    vec_fini(&c.events);
    return code;
}

/* Open runs that have done nothing yet belong to no incident. */
static int read_runs(struct journal *j, struct handover *h, struct err *e)
{
    static const enum event_kind kinds[] = {EVENT_RUN_STARTED, EVENT_RUN_ENDED};
    struct journal_filter filter = {.kinds = kinds, .kind_count = 2};
    struct scanning s = {0};
    int code = journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, take_run, &s, e);
    for (size_t i = 0; i < s.runs.len; i++) {
        const struct open_run *run = &s.runs.data[i];
        char since[CLOCK_TEXT_SIZE];
        clock_format(run->at_us, since);
        struct str clean = {0};
        char *text = xasprintf("run %lld, %s, by %s since %.16sZ: nothing has acted yet",
                               (long long)run->number, run->title, run->who, since);
        utf8_clean(&clean, text, strlen(text), false);
        if (!is_told(h, run->number)) {
            *vec_push(&h->runs) = (struct leftover){LEFTOVER_RUN, run->number, str_take(&clean)};
            code = code == 0 ? read_approvals(j, run->number, h, e) : code;
        }
        str_fini(&clean);
        free(text);
        free(run->title);
        free(run->who);
    }
    vec_fini(&s.runs);
    return code;
}

static void given_fini(struct handover_given *given)
{
    free(given->who);
    free(given->key);
    free(given->operator_claim);
    free(given->to);
    free(given->note);
    *given = (struct handover_given){0};
}

static int take_given(const struct event *event, void *data)
{
    struct handover_given *given = data;
    if (event->kind == EVENT_HANDOVER_GIVEN) {
        cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
        *given = (struct handover_given){event->seq,
                                         event->at_us,
                                         xstrdup(event->actor),
                                         xstrdup(json_string(tree, "key", "")),
                                         xstrdup(json_string(tree, "operator", "")),
                                         xstrdup(json_string(tree, "to", "")),
                                         xstrdup(json_string(tree, "note", ""))};
        cJSON_Delete(tree);
    }
    return 1; /* the newest of the two kinds says it all */
}

static int read_given(struct journal *j, struct handover_given *given, struct err *e)
{
    static const enum event_kind kinds[] = {EVENT_HANDOVER_GIVEN, EVENT_HANDOVER_ACCEPTED};
    struct journal_filter filter = {.kinds = kinds, .kind_count = 2};
    return journal_read(j, JOURNAL_END, JOURNAL_BACKWARD, &filter, 1, take_given, given, e);
}

int handover_read(struct journal *j, int64_t now_us, struct handover *h, struct err *e)
{
    *h = (struct handover){.at_us = now_us, .platform = xstrdup(journal_platform(j))};
    int code = journal_incidents(j, false, 0, take_incident, h, e);
    for (size_t i = 0; code == 0 && i < h->incidents.len; i++) {
        struct handover_incident *own = &h->incidents.data[i];
        int64_t number = own->file.incident.number;
        code = incident_file_read(j, number, &own->file, e);
        if (code == 0)
            code = leftovers_read(j, number, now_us, &own->left, e);
    }
    if (code == 0)
        code = read_runs(j, h, e);
    if (code == 0)
        code = mutes_read(j, now_us, &h->mutes, e);
    if (code == 0)
        code = leftover_overrides(&h->runs, j, 0, now_us, e); /* of no incident */
    return code == 0 ? read_given(j, &h->given, e) : code;
}

void handover_fini(struct handover *h)
{
    for (size_t i = 0; i < h->incidents.len; i++) {
        incident_file_fini(&h->incidents.data[i].file);
        leftovers_fini(&h->incidents.data[i].left);
    }
    vec_fini(&h->incidents);
    leftovers_fini(&h->runs);
    mutes_fini(&h->mutes);
    given_fini(&h->given);
    free(h->platform);
    *h = (struct handover){0};
}

/* ---- the sheet ------------------------------------------------------------------------------------------
 */

static void add_clean(struct str *out, const char *text)
{
    utf8_clean(out, text, strlen(text), false);
}

static void add_roles(const struct incident_file *file, struct str *out)
{
    str_addf(out, "  %-9s ", "roles");
    for (size_t i = 0; i < file->roles.len; i++) {
        str_add(out, i ? ", " : "");
        add_clean(out, file->roles.data[i].role);
        str_add(out, " ");
        add_clean(out, file->roles.data[i].person);
    }
    str_add(out, file->roles.len ? "\n" : "nobody has one\n");
}

static void add_incident(const struct handover *h, const struct handover_incident *own, struct str *out)
{
    const struct journal_incident *incident = &own->file.incident;
    char opened[CLOCK_TEXT_SIZE], since[CLOCK_TEXT_SIZE];
    clock_format(incident->opened_us, opened);
    clock_format(incident_state_us(incident), since);
    str_addf(out, "\nINC-%lld ", (long long)incident->number);
    add_clean(out, incident->severity);
    str_addf(out, "%s%s since %.16sZ (", *incident->severity ? " " : "", incident_state_name(incident->state),
             since);
    text_duration(out, h->at_us - incident_state_us(incident));
    str_add(out, ")");
    if (incident->state != INCIDENT_OPEN)
        str_addf(out, ", opened %.16sZ", opened);
    str_add(out, ": ");
    add_clean(out, incident->title);
    str_add(out, "\n");
    add_roles(&own->file, out);
    for (size_t i = 0; i < own->left.len; i++) {
        const struct leftover *left = &own->left.data[i];
        const char *name = left->kind == LEFTOVER_TICKET ? "action" : leftover_name(left->kind);
        if (left->kind != LEFTOVER_STATE && left->kind != LEFTOVER_MUTED)
            str_addf(out, "  %-9s %s\n", name, left->text);
    }
}

static void add_mute(const struct mute *mute, struct str *out)
{
    char until[CLOCK_TEXT_SIZE];
    clock_format(mute->until_us, until);
    str_add(out, "  muted     ");
    add_clean(out, mute->entity);
    str_addf(out, " until %.16sZ, by ", until);
    add_clean(out, mute->who);
    str_add(out, ": ");
    add_clean(out, mute->reason);
    str_add(out, "\n");
}

static void add_given(const struct handover_given *given, struct str *out)
{
    char at[CLOCK_TEXT_SIZE];
    if (given->seq == 0)
        return;
    clock_format(given->at_us, at);
    str_addf(out, "\nGiven %.16sZ by ", at);
    add_clean(out, given->who);
    if (*given->to) {
        str_add(out, " to ");
        add_clean(out, given->to);
    }
    str_add(out, ", not accepted yet");
    if (*given->note) {
        str_add(out, ": ");
        add_clean(out, given->note);
    }
    str_add(out, "\n");
}

void handover_text(const struct handover *h, struct str *out)
{
    char at[CLOCK_TEXT_SIZE];
    clock_format(h->at_us, at);
    str_addf(out, "Hand-over of %s, %.16sZ\n", h->platform, at);
    for (size_t i = 0; i < h->incidents.len; i++)
        add_incident(h, &h->incidents.data[i], out);
    if (h->incidents.len == 0)
        str_add(out, "\nNo incident is open.\n");
    if (h->runs.len + h->mutes.len)
        str_add(out, "\nBesides\n");
    for (size_t i = 0; i < h->runs.len; i++)
        str_addf(out, "  %-9s %s\n", leftover_name(h->runs.data[i].kind), h->runs.data[i].text);
    for (size_t i = 0; i < h->mutes.len; i++)
        add_mute(&h->mutes.data[i], out);
    add_given(&h->given, out);
}

static cJSON *left_array(const struct leftovers *left)
{
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < left->len; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(array, item);
        cJSON_AddStringToObject(item, "kind", leftover_name(left->data[i].kind));
        if (left->data[i].run)
            json_add_int(item, "run", left->data[i].run);
        cJSON_AddStringToObject(item, "text", left->data[i].text);
    }
    return array;
}

static void put_time(cJSON *object, const char *name, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_us, text);
    cJSON_AddStringToObject(object, name, text);
}

static cJSON *incident_object(const struct handover_incident *own)
{
    const struct journal_incident *incident = &own->file.incident;
    cJSON *object = cJSON_CreateObject();
    char *id = xasprintf("INC-%lld", (long long)incident->number);
    cJSON_AddStringToObject(object, "incident", id);
    cJSON_AddStringToObject(object, "state", incident_state_name(incident->state));
    cJSON_AddStringToObject(object, "severity", incident->severity);
    cJSON_AddStringToObject(object, "title", incident->title);
    put_time(object, "opened", incident->opened_us);
    cJSON *roles = cJSON_AddObjectToObject(object, "roles");
    for (size_t i = 0; i < own->file.roles.len; i++)
        cJSON_AddStringToObject(roles, own->file.roles.data[i].role, own->file.roles.data[i].person);
    cJSON_AddItemToObject(object, "left", left_array(&own->left));
    free(id);
    return object;
}

char *handover_json(const struct handover *h)
{
    cJSON *root = cJSON_CreateObject(), *given = NULL;
    cJSON_AddStringToObject(root, "platform", h->platform);
    put_time(root, "at", h->at_us);
    cJSON *incidents = cJSON_AddArrayToObject(root, "incidents");
    for (size_t i = 0; i < h->incidents.len; i++)
        cJSON_AddItemToArray(incidents, incident_object(&h->incidents.data[i]));
    cJSON_AddItemToObject(root, "runs", left_array(&h->runs));
    cJSON *mutes = cJSON_AddArrayToObject(root, "muted");
    for (size_t i = 0; i < h->mutes.len; i++) {
        const struct mute *mute = &h->mutes.data[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(mutes, item);
        cJSON_AddStringToObject(item, "entity", mute->entity);
        cJSON_AddStringToObject(item, "by", mute->who);
        put_time(item, "until", mute->until_us);
        cJSON_AddStringToObject(item, "reason", mute->reason);
    }
    if (h->given.seq) {
        given = cJSON_AddObjectToObject(root, "given");
        json_add_int(given, "seq", h->given.seq);
        put_time(given, "at", h->given.at_us);
        cJSON_AddStringToObject(given, "by", h->given.who);
        cJSON_AddStringToObject(given, "to", h->given.to);
        cJSON_AddStringToObject(given, "note", h->given.note);
    } else {
        cJSON_AddNullToObject(root, "given");
    }
    char *text = json_print(root);
    cJSON_Delete(root);
    return text;
}

/* ---- giving and accepting -------------------------------------------------------------------------------
 */

static void count_left(const struct handover *h, struct str *out)
{
    size_t runs = leftovers_of(&h->runs, LEFTOVER_RUN), changed = 0, unknown = 0,
           incidents = h->incidents.len;
    for (size_t i = 0; i < incidents; i++) {
        runs += leftovers_of(&h->incidents.data[i].left, LEFTOVER_RUN);
        changed += leftovers_of(&h->incidents.data[i].left, LEFTOVER_CHANGED);
        unknown += leftovers_of(&h->incidents.data[i].left, LEFTOVER_UNKNOWN);
    }
    str_addf(out, "%zu incident%s, %zu open run%s, %zu changed, %zu unknown, %zu muted", incidents,
             incidents == 1 ? "" : "s", runs, runs == 1 ? "" : "s", changed, unknown, h->mutes.len);
}

void handover_give(const struct handover *h, const struct handover_who *who, const char *to, const char *note,
                   struct event_draft *draft, struct draft_texts *texts)
{
    struct str sheet = {0}, summary = {0};
    *texts = (struct draft_texts){0};
    handover_text(h, &sheet);
    if (sheet.len > SHEET_BYTES) {
        size_t bad = SHEET_BYTES;
        sheet.data[SHEET_BYTES] = '\0';
        sheet.len = utf8_valid(sheet.data, SHEET_BYTES, &bad) ? SHEET_BYTES : bad;
        sheet.data[sheet.len] = '\0';
    }
    str_addf(&summary, "hands over%s%s: ", to && *to ? " to " : "", to ? to : "");
    count_left(h, &summary);
    if (note && *note)
        str_addf(&summary, "; %s", note);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "to", to ? to : "");
    cJSON_AddStringToObject(data, "note", note ? note : "");
    cJSON_AddStringToObject(data, "operator", who->claim ? who->claim : "");
    cJSON_AddStringToObject(data, "key", who->key ? who->key : "");
    cJSON_AddStringToObject(data, "sheet", str_text(&sheet));
    texts->data = json_print(data);
    texts->summary = str_take(&summary);
    *draft = (struct event_draft){
        .kind = EVENT_HANDOVER_GIVEN, .subject = "handover", .summary = texts->summary, .data = texts->data};
    cJSON_Delete(data);
    str_fini(&sheet);
}

static bool was_givers(const struct handover_given *given, const char *person)
{
    return str_eq(person, given->who) || (*given->operator_claim && str_eq(person, given->operator_claim));
}

/* The roles that the giver had go over to whoever takes the shift. */
static int pass_roles(const struct handover *h, const char *person, struct handover_acceptance *a,
                      struct err *e)
{
    const size_t room = sizeof a->drafts / sizeof *a->drafts;
    for (size_t i = 0; i < h->incidents.len; i++) {
        const struct incident_file *file = &h->incidents.data[i].file;
        for (size_t k = 0; k < file->roles.len && a->count < room; k++) {
            struct incident_change change = {
                .verb = INCIDENT_SET_ROLE, .role = file->roles.data[k].role, .person = person};
            if (!was_givers(&h->given, file->roles.data[k].person))
                continue;
            if (incident_change_draft(file, &change, &a->drafts[a->count], &a->texts[a->count], e) < 0)
                return e->code;
            a->count++;
        }
    }
    return 0;
}

int handover_accept(const struct handover *h, const struct handover_who *who, struct handover_acceptance *a,
                    struct err *e)
{
    const char *claim = who->claim ? who->claim : "", *person = *claim ? claim : who->actor;
    *a = (struct handover_acceptance){0};
    if (h->given.seq == 0)
        return err_set(e, ERR_NOT_FOUND,
                       "nobody hands over: the outgoing person gives it first (handover give)");
    if (str_eq(who->actor, h->given.who) && str_eq(claim, h->given.operator_claim) &&
        str_eq(who->key ? who->key : "", h->given.key))
        return err_set(e, ERR_DENIED,
                       "you gave it yourself: the incoming person accepts it, on their own login or with "
                       "--operator NAME");
    bool other = *h->given.to && !str_eq(h->given.to, person) && !str_eq(h->given.to, who->actor);
    cJSON *data = cJSON_CreateObject();
    json_add_int(data, "given", h->given.seq);
    cJSON_AddStringToObject(data, "from", h->given.who);
    cJSON_AddStringToObject(data, "operator", claim);
    cJSON_AddStringToObject(data, "key", who->key ? who->key : "");
    a->texts[0].data = json_print(data);
    a->texts[0].summary =
        xasprintf("%s takes over from %s%s%s%s", person,
                  *h->given.operator_claim ? h->given.operator_claim : h->given.who,
                  other ? " (it was meant for " : "", other ? h->given.to : "", other ? ")" : "");
    a->drafts[0] = (struct event_draft){.kind = EVENT_HANDOVER_ACCEPTED,
                                        .subject = "handover",
                                        .outcome = "ok",
                                        .summary = a->texts[0].summary,
                                        .data = a->texts[0].data};
    a->count = 1;
    cJSON_Delete(data);
    return pass_roles(h, person, a, e);
}

void handover_acceptance_fini(struct handover_acceptance *a)
{
    for (size_t i = 0; i < sizeof a->texts / sizeof *a->texts; i++)
        draft_texts_fini(&a->texts[i]);
}
