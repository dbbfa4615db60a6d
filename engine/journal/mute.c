/* Muted entities, and what an incident under review holds back from pruning. */
#include <stdlib.h>

#include "engine/journal/journal.h"

static void mute_fini(struct mute *mute)
{
    free(mute->entity);
    free(mute->who);
    free(mute->reason);
}

static void forget(struct mutes *mutes, const char *entity, int64_t now_us)
{
    for (size_t i = mutes->len; i-- > 0;)
        if (str_eq(mutes->data[i].entity, entity) || mutes->data[i].until_us <= now_us) {
            mute_fini(&mutes->data[i]);
            vec_remove(mutes, i);
        }
}

bool mutes_expire(struct mutes *mutes, int64_t now_us)
{
    size_t before = mutes->len;
    forget(mutes, "", now_us);
    return mutes->len < before;
}

void mutes_take(struct mutes *mutes, const struct event *event, int64_t now_us)
{
    int64_t until_us = 0;
    if (event->kind != EVENT_ENTITY_MUTED && event->kind != EVENT_ENTITY_UNMUTED)
        return;
    forget(mutes, event->subject, now_us);
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    bool sound = event->kind == EVENT_ENTITY_MUTED && *event->subject &&
                 clock_parse(json_string(data, "until", ""), &until_us, NULL) == 0 && until_us > now_us &&
                 until_us <= event->at_us + MUTE_LONGEST_US;
    if (sound)
        *vec_push(mutes) = (struct mute){xstrdup(event->subject),
                                         xstrdup(event->actor),
                                         xstrdup(json_string(data, "reason", "")),
                                         event->at_us,
                                         until_us,
                                         event->incident};
    cJSON_Delete(data);
}

struct taking {
    struct mutes *mutes;
    int64_t now_us;
};

static int take(const struct event *event, void *data)
{
    const struct taking *t = data;
    mutes_take(t->mutes, event, t->now_us);
    return 0;
}

int mutes_read(struct journal *j, int64_t now_us, struct mutes *mutes, struct err *e)
{
    static const enum event_kind kinds[] = {EVENT_ENTITY_MUTED, EVENT_ENTITY_UNMUTED};
    struct journal_filter filter = {.kinds = kinds, .kind_count = 2};
    struct taking taking = {mutes, now_us};
    *mutes = (struct mutes){0};
    return journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, take, &taking, e);
}

const struct mute *mutes_find(const struct mutes *mutes, const char *entity, int64_t now_us)
{
    for (size_t i = 0; i < mutes->len; i++)
        if (mutes->data[i].until_us > now_us && str_eq(mutes->data[i].entity, entity))
            return &mutes->data[i];
    return NULL;
}

void mutes_fini(struct mutes *mutes)
{
    for (size_t i = 0; i < mutes->len; i++)
        mute_fini(&mutes->data[i]);
    vec_fini(mutes);
}

int mute_draft(const char *entity, int64_t now_us, int64_t until_us, const char *reason, int64_t incident,
               struct event_draft *draft, struct draft_texts *texts, struct err *e)
{
    char until[CLOCK_TEXT_SIZE];
    *texts = (struct draft_texts){0};
    if (!entity || !strchr(entity, ' '))
        return err_set(e, ERR_USAGE, "an entity is named by kind and name: shard docs/shard-5");
    if (until_us && (!reason || !reason[strspn(reason, " ")]))
        return err_set(e, ERR_USAGE, "why is %s muted? give the reason", entity);
    if (until_us && (until_us <= now_us || until_us > now_us + MUTE_LONGEST_US))
        return err_set(e, ERR_RANGE, "a mute ends: after 7d at the latest");
    cJSON *data = cJSON_CreateObject();
    clock_format(until_us, until);
    if (until_us)
        cJSON_AddStringToObject(data, "until", until);
    cJSON_AddStringToObject(data, "reason", reason ? reason : "");
    texts->subject = xstrdup(entity);
    texts->data = json_print(data);
    texts->summary = until_us ? xasprintf("%s muted until %.16sZ: %s", entity, until, reason)
                              : xasprintf("%s no longer muted%s%s", entity, reason && *reason ? ": " : "",
                                          reason ? reason : "");
    cJSON_Delete(data);
    *draft = (struct event_draft){.kind = until_us ? EVENT_ENTITY_MUTED : EVENT_ENTITY_UNMUTED,
                                  .subject = texts->subject,
                                  .summary = texts->summary,
                                  .data = texts->data,
                                  .incident = incident};
    return 0;
}

/* ---- evidence hold --------------------------------------------------------------------------------------
 */

struct holding {
    struct journal *journal;
    int64_t run, at_us, incident;
    const char *entity;
    struct err *e;
};

static int any(const struct event *event, void *data)
{
    (void)event;
    *(bool *)data = true;
    return 1;
}

static int look(const struct journal_incident *incident, void *data)
{
    struct holding *h = data;
    bool refers = false;
    if (incident->reviewed_us)
        return 0;
    if (h->entity && h->at_us >= incident->opened_us - JOURNAL_HOLD_BEFORE_US)
        refers = true;
    if (!refers && h->run) {
        struct journal_filter filter = {.incident = incident->number, .run = h->run};
        int code = journal_read(h->journal, 1, JOURNAL_FORWARD, &filter, 1, any, &refers, h->e);
        if (code < 0)
            return code;
    }
    h->incident = refers ? incident->number : 0;
    return refers;
}

int journal_held(struct journal *j, int64_t run, const char *entity, int64_t at_us, int64_t *incident,
                 struct err *e)
{
    struct holding h = {.journal = j, .run = run, .entity = entity, .at_us = at_us, .e = e};
    int code = journal_incidents(j, false, 0, look, &h, e);
    *incident = h.incident;
    return code;
}
