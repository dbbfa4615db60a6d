/* The cases of healing as the journal has them: all consoles show the same, and no restart forgets how often
 * a fix was tried. */
#include "engine/healing.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const state_texts[] = {
#define X(name, text) [HEALING_##name] = (text),
    HEALING_STATES(X)
#undef X
};

/* ---- the cases ---- */

struct healing_case *healing_case_find(struct healing *h, const char *key)
{
    for (size_t i = 0; i < h->cases.len; i++)
        if (str_eq(h->cases.data[i]->key, key) && !h->cases.data[i]->gone)
            return h->cases.data[i];
    return NULL;
}

struct healing_case *healing_case_new(struct healing *h, const char *key, const char *resource,
                                      const char *error)
{
    struct healing_case *c = xcalloc(1, sizeof *c);
    *c = (struct healing_case){.engine = h->engine,
                               .key = xstrdup(key),
                               .resource = xstrdup(resource),
                               .error = xstrdup(error),
                               .machine = {.attempts_most = (unsigned)h->engine->config->heal.attempts}};
    *vec_push(&h->cases) = c;
    return c;
}

void healing_case_free(struct healing_case *c)
{
    diagnosing_cancel(c->diagnosing);
    healing_walk_free(c->walk);
    free(c->key);
    free(c->resource);
    free(c->error);
    free(c->notes);
    free(c);
}

void healing_case_anew(struct healing_case *c, unsigned attempts)
{
    if (attempts == 0)
        c->machine = (struct heal_case){.attempts_most = c->machine.attempts_most};
    c->attempts = c->machine.attempts = attempts;
}

/* Appends under way may still name it. */
void healing_case_drop(struct healing_case *c)
{
    struct healing *h = c->engine->healing;
    c->gone = true;
    if (c->appending > 0)
        return;
    for (size_t i = 0; i < h->cases.len; i++)
        if (h->cases.data[i] == c) {
            vec_remove(&h->cases, i);
            healing_case_free(c);
            return;
        }
}

/* ---- to the journal ---- */

static cJSON *case_data(const struct healing_case *c)
{
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "case", c->key);
    if (c->rule)
        cJSON_AddStringToObject(data, "rule", c->rule->name);
    cJSON_AddStringToObject(data, "resource", c->resource);
    cJSON_AddStringToObject(data, "error", c->error);
    cJSON_AddStringToObject(data, "issue", c->diagnosis.issue);
    cJSON_AddStringToObject(data, "fix", c->diagnosis.fix);
    cJSON_AddStringToObject(data, "by", c->diagnosis.by);
    cJSON_AddStringToObject(data, "evidence", c->diagnosis.evidence);
    cJSON_AddNumberToObject(data, "confidence", c->diagnosis.confidence);
    if (c->notes && c->notes[0])
        cJSON_AddStringToObject(data, "notes", c->notes);
    cJSON_AddBoolToObject(data, "automatic", c->automatic);
    json_add_int(data, "attempts", c->attempts);
    if (c->failed_run) {
        json_add_int(data, "failed_run", c->failed_run);
        json_add_int(data, "failed_step", c->failed_step);
    }
    return data;
}

struct appending {
    struct healing_case *c;
    void (*then)(struct healing_case *c);
};

static void on_appended(void *context, const struct journal_result *result)
{
    struct appending *a = context;
    struct healing_case *c = a->c;
    c->appending--;
    if (c->gone)
        healing_case_drop(c);
    else if (result->code == 0 && a->then && !c->engine->closing)
        a->then(c);
    free(a);
}

void healing_append(struct healing_case *c, enum event_kind kind, const char *outcome, int64_t run,
                    char *summary, void (*then)(struct healing_case *c))
{
    struct appending *a = xcalloc(1, sizeof *a);
    cJSON *data = case_data(c);
    char *text = json_print(data);
    const struct walk *w = run ? walk_find(c->engine, run) : NULL;
    struct event_draft draft = {.kind = kind,
                                .actor = "belay",
                                .incident = w ? w->incident : 0,
                                .subject = c->resource,
                                .outcome = outcome,
                                .summary = summary,
                                .run = run,
                                .data = text};
    *a = (struct appending){c, then};
    c->appending++;
    if (chronicle_append(c->engine, &draft, 1, on_appended, a, NULL) < 0) {
        c->appending--;
        free(a);
    }
    cJSON_Delete(data);
    free(text);
    free(summary);
}

/* ---- from the journal ---- */

const struct healing_watch *healing_watch_of(const struct healing *h, const char *rule)
{
    for (size_t i = 0; rule && i < h->watched.len; i++)
        if (str_eq(h->watched.data[i].rule->name, rule))
            return &h->watched.data[i];
    return NULL;
}

static void take_proposal(struct healing *h, const cJSON *data, const struct event *event)
{
    const char *key = json_string(data, "case", "");
    struct healing_case *c = healing_case_find(h, key);
    if (!c)
        c = healing_case_new(h, key, json_string(data, "resource", ""), json_string(data, "error", ""));
    const struct healing_watch *watch = healing_watch_of(h, json_string(data, "rule", NULL));
    c->rule = watch ? watch->rule : NULL;
    struct heal_diagnosis *d = &c->diagnosis;
    snprintf(d->issue, sizeof d->issue, "%s", json_string(data, "issue", ""));
    snprintf(d->fix, sizeof d->fix, "%s", json_string(data, "fix", ""));
    snprintf(d->by, sizeof d->by, "%s", json_string(data, "by", ""));
    snprintf(d->evidence, sizeof d->evidence, "%s", json_string(data, "evidence", ""));
    d->confidence = json_double(data, "confidence", 0);
    c->automatic = json_bool(data, "automatic", false);
    healing_case_anew(c, (unsigned)json_int(data, "attempts", 0));
    c->failed_run = json_int(data, "failed_run", 0);
    c->failed_step = (int)json_int(data, "failed_step", 0);
    c->since_us = event->at_us;
    c->proposed = true;
    c->state = HEALING_PROPOSED;
}

/* When an event was, by the loop's clock; what is to come of it never lies further ahead than after now. */
static int64_t moment_ms(const struct healing_case *c, const struct event *event)
{
    int64_t age_us = clock_wall_us() - event->at_us;
    return (loop_now_us(c->engine->loop) - (age_us > 0 ? age_us : 0)) / US_PER_MS;
}

/* Over, and remembered until it has stayed so: what comes back sooner was not healed by what was tried. */
static void take_end(struct healing_case *c, const struct event *event)
{
    c->proposed = false;
    c->run = 0;
    heal_well(&c->machine, moment_ms(c, event), c->engine->config->heal.rest_us / US_PER_MS);
    if (c->attempts == 0 || heal_is_calm(&c->machine, loop_now_us(c->engine->loop) / US_PER_MS))
        healing_case_drop(c);
}

static void take_event(struct healing_case *c, const struct event *event)
{
    switch (event->kind) {
    case EVENT_HEAL_STARTED:
        c->state = HEALING_RUNNING;
        c->attempts++;
        c->machine.attempts = c->attempts;
        if (c->machine.begun_ms == 0) /* another process runs it */
            c->machine.begun_ms = 1;
        break;
    case EVENT_HEAL_TRIED:
        c->run = event->run;
        c->state = HEALING_RESTING;
        heal_ended(&c->machine, moment_ms(c, event), c->engine->config->heal.rest_us / US_PER_MS);
        break;
    case EVENT_HEAL_ESCALATED:
        c->state = HEALING_GIVEN_UP;
        c->machine.escalated = true;
        break;
    default: /* EVENT_HEAL_ENDED */
        take_end(c, event);
    }
}

/* A step failed for good, in anybody's run, and its policy says that this is healed. */
static void take_failure(struct healing *h, const cJSON *data, const struct event *event)
{
    const struct walk *w = walk_find(h->engine, event->run);
    const char *id = json_string(data, "step", "");
    if (!w || !w->book || run_rehearsed(w->run) || !str_eq(event->outcome, run_outcome_text(OUTCOME_FAILED)))
        return;
    for (size_t i = 0; i < w->book->steps.len; i++) {
        const struct step *s = &w->book->steps.data[i];
        const struct config_policy *policy =
            s->policy && str_eq(s->id, id) ? config_policy_find(h->engine->config, s->policy) : NULL;
        char *key = policy && str_eq(policy->end, "heal")
                        ? xasprintf("step %s of run %lld", id, (long long)w->id)
                        : NULL;
        if (key && !healing_case_find(h, key)) {
            struct str error = {0};
            str_addf(&error, "%s: %s", s->title, json_string(data, "reason", ""));
            struct healing_case *c =
                healing_case_new(h, key, w->entity ? w->entity : w->book->title, str_text(&error));
            c->failed_run = w->id;
            c->failed_step = (int)i;
            str_fini(&error);
        }
        free(key);
    }
}

void healing_event(struct engine *engine, const struct event *event)
{
    bool failure = event->kind == EVENT_STEP_CONCLUDED;
    if (!engine->healing ||
        (!failure && (event->kind < EVENT_HEAL_PROPOSED || event->kind > EVENT_HEAL_ENDED)))
        return;
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    struct healing_case *c = healing_case_find(engine->healing, json_string(data, "case", ""));
    if (failure)
        take_failure(engine->healing, data, event);
    else if (event->kind == EVENT_HEAL_PROPOSED)
        take_proposal(engine->healing, data, event);
    else if (c)
        take_event(c, event);
    cJSON_Delete(data);
    library_offers_refresh(engine);
    loop_timer_start(engine->healing->timer, 0, 0);
    engine_changed(engine, ENGINE_OFFERS);
}

/* ---- views ---- */

size_t engine_healing_count(const struct engine *engine)
{
    size_t count = 0;
    for (size_t i = 0; engine->healing && i < engine->healing->cases.len; i++)
        count += engine->healing->cases.data[i]->proposed;
    return count;
}

bool engine_healing_at(const struct engine *engine, size_t index, struct engine_healing *view)
{
    for (size_t i = 0; engine->healing && i < engine->healing->cases.len; i++) {
        const struct healing_case *c = engine->healing->cases.data[i];
        if (!c->proposed || index-- > 0)
            continue;
        *view = (struct engine_healing){.resource = c->resource,
                                        .error = c->error,
                                        .state = state_texts[c->state],
                                        .issue = c->diagnosis.issue,
                                        .fix = c->diagnosis.fix,
                                        .by = c->diagnosis.by,
                                        .evidence = c->diagnosis.evidence,
                                        .confidence = c->diagnosis.confidence,
                                        .automatic = c->automatic,
                                        .given_up = c->state == HEALING_GIVEN_UP,
                                        .attempts = c->attempts,
                                        .since_us = c->since_us,
                                        .run = c->run};
        return true;
    }
    return false;
}
