/* Breakers overridden by hand, as the journal has them. */
#include <stdlib.h>

#include "engine/journal/journal.h"

static void override_fini(struct override *o)
{
    free(o->name);
    free(o->state);
    free(o->who);
    free(o->reason);
}

static void forget(struct overrides *all, const char *name)
{
    for (size_t i = all->len; i-- > 0;)
        if (str_eq(all->data[i].name, name)) {
            override_fini(&all->data[i]);
            vec_remove(all, i);
        }
}

void overrides_take(struct overrides *all, const struct event *event)
{
    if (event->kind != EVENT_BREAKER_FORCED && event->kind != EVENT_BREAKER_RELEASED)
        return;
    const char *name = str_starts(event->subject, "breaker ") ? event->subject + 8 : event->subject;
    forget(all, name);
    if (event->kind == EVENT_BREAKER_RELEASED)
        return;
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    struct override *o = vec_push(all);
    *o = (struct override){.name = xstrdup(name),
                           .state = xstrdup(json_string(data, "state", "")),
                           .who = xstrdup(event->actor),
                           .reason = xstrdup(json_string(data, "reason", "")),
                           .from_us = event->at_us,
                           .incident = event->incident};
    if (clock_parse(json_string(data, "until", ""), &o->until_us, NULL) < 0)
        o->until_us = 0;
    cJSON_Delete(data);
}

static int take(const struct event *event, void *data)
{
    overrides_take(data, event);
    return 0;
}

int overrides_read(struct journal *j, struct overrides *all, struct err *e)
{
    static const enum event_kind kinds[] = {EVENT_BREAKER_FORCED, EVENT_BREAKER_RELEASED};
    struct journal_filter filter = {.kinds = kinds, .kind_count = 2};
    *all = (struct overrides){0};
    return journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, take, all, e);
}

void overrides_fini(struct overrides *all)
{
    for (size_t i = 0; i < all->len; i++)
        override_fini(&all->data[i]);
    vec_fini(all);
}

int override_draft(const char *name, const char *state, int64_t now_us, int64_t until_us, const char *reason,
                   int64_t incident, struct event_draft *draft, struct draft_texts *texts, struct err *e)
{
    char until[CLOCK_TEXT_SIZE] = "";
    bool given = reason && reason[strspn(reason, " ")];
    *texts = (struct draft_texts){0};
    if (state && !given)
        return err_set(e, ERR_USAGE, "why is %s overridden? give the reason (--reason TEXT)", name);
    if (state && until_us && (until_us <= now_us || until_us > now_us + OVERRIDE_LONGEST_US))
        return err_set(e, ERR_USAGE, "an override lasts up to 30d, or without --for until it is taken back");
    cJSON *data = cJSON_CreateObject();
    if (state)
        cJSON_AddStringToObject(data, "state", state);
    if (state && until_us) {
        clock_format(until_us, until);
        cJSON_AddStringToObject(data, "until", until);
    }
    cJSON_AddStringToObject(data, "reason", given ? reason : "");
    texts->subject = xasprintf("breaker %s", name);
    texts->data = json_print(data);
    texts->summary =
        state ? xasprintf("breaker %s %s by hand%s%.16s%s: %s", name, state, until[0] ? " until " : "", until,
                          until[0] ? "Z" : "", reason)
              : xasprintf("breaker %s is automatic again%s%s", name, given ? ": " : "", given ? reason : "");
    cJSON_Delete(data);
    *draft = (struct event_draft){.kind = state ? EVENT_BREAKER_FORCED : EVENT_BREAKER_RELEASED,
                                  .subject = texts->subject,
                                  .summary = texts->summary,
                                  .data = texts->data,
                                  .incident = incident};
    return 0;
}
