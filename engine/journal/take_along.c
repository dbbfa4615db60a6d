#include "engine/journal/take_along.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/journal/item.h"

/* ---- what there is in the main journal ---- */

static int take_event(const struct event *event, void *data)
{
    struct taking_along *t = data;
    if (event->kind == EVENT_UNKNOWN)
        return err_set(&t->e, ERR_UNSUPPORTED, "event %lld is of a newer belay (%s): use that one",
                       (long long)event->seq, event->kind_name);
    if (event->kind != EVENT_BLOB_STORED) /* what earlier steps printed stays: nothing goes on from it */
        *vec_push(&t->events) = event_copy(event);
    return 0;
}

static int take_incident(const struct journal_incident *incident, void *data)
{
    struct taking_along *t = data;
    if (t->newest_incident == 0)
        t->newest_incident = incident->number;
    if (incident->state != INCIDENT_CLOSED)
        *vec_push(&t->incidents) = incident->number;
    return 0;
}

static int take_newest_run(const struct event *event, void *data)
{
    ((struct taking_along *)data)->newest_run = event->run;
    return 1;
}

static int take_claim(const struct claim *claim, void *data)
{
    struct taking_along *t = data;
    *vec_push(&t->claims) =
        (struct claim){.key = xstrdup(claim->key), .owner = xstrdup(claim->owner), .fence = claim->fence};
    return 0;
}

static int by_seq(const void *a, const void *b)
{
    int64_t one = (*(struct event *const *)a)->seq, other = (*(struct event *const *)b)->seq;
    return one < other ? -1 : one > other;
}

static void order_events(struct taking_along *t)
{
    if (t->events.len == 0)
        return;
    qsort(t->events.data, t->events.len, sizeof *t->events.data, by_seq);
    size_t kept = 1;
    for (size_t i = 1; i < t->events.len; i++)
        if (t->events.data[i]->seq == t->events.data[kept - 1]->seq)
            free(t->events.data[i]);
        else
            t->events.data[kept++] = t->events.data[i];
    t->events.len = kept;
}

static bool of_an_incident(enum event_kind kind)
{
    return str_starts(event_kind_name(kind), "incident.");
}

static int gather_incident(struct taking_along *t, int64_t number, struct err *e)
{
    enum event_kind kinds[EVENT_KIND_COUNT];
    struct journal_filter filter = {.incident = number, .kinds = kinds};
    for (int kind = EVENT_UNKNOWN + 1; kind < EVENT_KIND_COUNT; kind++)
        if (of_an_incident((enum event_kind)kind))
            kinds[filter.kind_count++] = (enum event_kind)kind;
    return journal_read(t->from, 1, JOURNAL_FORWARD, &filter, 0, take_event, t, e);
}

static int gather(struct taking_along *t, struct err *e)
{
    static const enum event_kind started[] = {EVENT_RUN_STARTED};
    const struct journal_filter starts = {.kinds = started, .kind_count = 1};
    int code = journal_head(t->from, &t->main_seq, t->main_hash, e);
    if (code == 0)
        code = journal_incidents(t->from, false, 0, take_incident, t, e);
    if (code == 0)
        code = journal_read(t->from, JOURNAL_END, JOURNAL_BACKWARD, &starts, 1, take_newest_run, t, e);
    if (code == 0)
        code = journal_claims(t->from, take_claim, t, e);
    for (size_t i = 0; code == 0 && i < t->incidents.len; i++)
        code = gather_incident(t, t->incidents.data[i], e);
    for (size_t i = 0; code == 0 && i < t->run_count; i++) {
        struct journal_filter filter = {.run = t->runs[i]};
        code = journal_read(t->from, 1, JOURNAL_FORWARD, &filter, 0, take_event, t, e);
    }
    if (code < 0 && t->e.code)
        err_set(e, t->e.code, "%s", t->e.msg);
    order_events(t);
    return code;
}

/* ---- what comes of it in the emergency journal ---- */

struct copying {
    struct journal_blob *blob;
    struct err *e;
};

static int copy_bytes(const void *bytes, size_t length, int64_t at, void *data)
{
    struct copying *c = data;
    (void)at;
    return journal_blob_add(c->blob, bytes, length, 10 * US_PER_S, c->e);
}

static int copy_blob(struct taking_along *t, const char *digest, struct err *e)
{
    struct journal_blob_origin origin = {.actor = t->actor, .what = "taken along"};
    struct copying c = {journal_blob_begin(t->to, &origin), e};
    char copied[SHA256_HEX_SIZE];
    int code = journal_blob_read(t->from, digest, 0, 0, copy_bytes, &c, e);
    if (code < 0) {
        journal_blob_abandon(c.blob);
        return code;
    }
    return journal_blob_finish(c.blob, copied, NULL, NULL, e);
}

static int copy_named(struct taking_along *t, const cJSON *object, const char *member, struct err *e)
{
    const char *digest = json_string(object, member, "");
    return digest[0] ? copy_blob(t, digest, e) : 0;
}

/* A run's document, and the tables of its items, which its first input has pinned. */
static int copy_documents(struct taking_along *t, struct err *e)
{
    int code = 0;
    for (size_t i = 0; i < t->events.len && code == 0; i++) {
        const struct event *event = t->events.data[i];
        if (event->kind != EVENT_RUN_STARTED && event->kind != EVENT_RUN_INPUT)
            continue;
        cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
        if (event->kind == EVENT_RUN_STARTED)
            code = copy_named(t, tree, "blob", e);
        const cJSON *input = cJSON_GetObjectItemCaseSensitive(tree, "input");
        const cJSON *items = cJSON_GetObjectItemCaseSensitive(input, "items");
        for (const cJSON *item = items ? items->child : NULL; item && code == 0; item = item->next)
            code = copy_named(t, item, "digest", e);
        cJSON_Delete(tree);
    }
    return code;
}

static int copy_events(struct taking_along *t, struct err *e)
{
    int code = 0;
    for (size_t i = 0, count; i < t->events.len && code == 0; i += count) {
        struct event_draft drafts[ITEM_EVENTS_MAX];
        for (count = 0; count < ITEM_EVENTS_MAX && i + count < t->events.len; count++) {
            const struct event *event = t->events.data[i + count];
            drafts[count] = (struct event_draft){.kind = event->kind,
                                                 .at_us = event->at_us,
                                                 .actor = event->actor,
                                                 .subject = event->subject,
                                                 .outcome = event->outcome,
                                                 .summary = event->summary,
                                                 .data = event->data,
                                                 .incident = event->incident,
                                                 .run = event->run,
                                                 .imported = true};
        }
        code = journal_append_wait(t->to, drafts, count, NULL, e);
    }
    return code;
}

static int mark(struct taking_along *t, const char *outcome, const char *summary, const cJSON *data,
                struct claim claim, struct err *e)
{
    char *text = json_print(data);
    struct event_draft draft = {.kind = EVENT_JOURNAL_EMERGENCY,
                                .actor = t->actor,
                                .subject = "journal",
                                .outcome = outcome,
                                .summary = summary,
                                .data = text,
                                .incident = t->newest_incident,
                                .run = t->newest_run,
                                .claim = claim};
    int code = journal_append_wait(t->to, &draft, 1, NULL, e);
    free(text);
    return code;
}

static void add_number(cJSON *to, const char *name, int64_t number)
{
    cJSON_AddNumberToObject(to, name, (double)number);
}

/* It bears the newest numbers of incidents and runs, so that new ones here are new there as well. */
static int mark_begun(struct taking_along *t, struct err *e)
{
    cJSON *data = cJSON_CreateObject();
    if (t->main_seq) {
        char hash[SHA256_HEX_SIZE];
        sha256_to_hex(t->main_hash, hash);
        cJSON *main = cJSON_AddObjectToObject(data, "main");
        add_number(main, "seq", t->main_seq);
        cJSON_AddStringToObject(main, "hash", hash);
    }
    int code = mark(t, "begun",
                    t->from ? "an emergency journal beside the main one, which can't be written"
                            : "an emergency journal: the main one can't even be read",
                    data, (struct claim){0}, e);
    cJSON_Delete(data);
    return code;
}

/* What runs hold there (locks) they hold here, too, whether they went along or not. */
static int copy_claims(struct taking_along *t, struct err *e)
{
    int code = 0;
    for (size_t i = 0; i < t->claims.len && code == 0; i++) {
        const struct claim *claim = &t->claims.data[i];
        if (str_starts(claim->key, "run "))
            continue;
        char *summary = xasprintf("%s holds %s", claim->owner, claim->key);
        cJSON *data = cJSON_CreateObject();
        code = mark(t, "claim", summary, data,
                    (struct claim){.op = CLAIM_TAKE, .key = claim->key, .owner = claim->owner}, e);
        cJSON_Delete(data);
        free(summary);
    }
    return code;
}

static int mark_ready(struct taking_along *t, struct err *e)
{
    cJSON *data = cJSON_CreateObject(), *claims = cJSON_AddArrayToObject(data, "claims");
    add_number(data, "runs", (int64_t)t->run_count);
    for (size_t i = 0; i < t->claims.len; i++) {
        const struct claim *claim = &t->claims.data[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "key", claim->key);
        add_number(item, "fence", claim->fence);
        cJSON_AddItemToArray(claims, item);
    }
    char *summary = xasprintf("from here on things are recorded here; %zu open runs go on", t->run_count);
    int code = mark(t, "ready", summary, data, (struct claim){0}, e);
    free(summary);
    cJSON_Delete(data);
    return code;
}

void taking_along_fini(struct taking_along *t)
{
    for (size_t i = 0; i < t->events.len; i++)
        free(t->events.data[i]);
    for (size_t i = 0; i < t->claims.len; i++) {
        free((char *)(uintptr_t)t->claims.data[i].key);
        free((char *)(uintptr_t)t->claims.data[i].owner);
    }
    vec_fini(&t->events);
    vec_fini(&t->claims);
    vec_fini(&t->incidents);
}

int take_along(struct taking_along *t, struct err *e)
{
    int64_t last = 0;
    int code = journal_last_seq(t->to, &last, e);
    if (code == 0 && last > 0)
        code = err_set(e, ERR_EXISTS, "%s: not empty", journal_path(t->to));
    if (code == 0 && t->from)
        code = gather(t, e);
    if (code == 0)
        code = mark_begun(t, e);
    if (code == 0)
        code = copy_documents(t, e);
    if (code == 0)
        code = copy_events(t, e);
    if (code == 0)
        code = copy_claims(t, e);
    return code == 0 ? mark_ready(t, e) : code;
}
