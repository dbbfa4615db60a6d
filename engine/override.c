/* Overriding a breaker of belay's own: journaled, then done; and the end of its time, which the holder of the
 * watch lease journals. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/own.h"
#include "engine/state.h"

struct overriding {
    struct engine *engine;
    char *name, *message;
    enum breaker_state state;
    struct target_hand hand;
    engine_done *done;
    void *context;
};

static void overriding_end(struct overriding *o, int code, const char *message)
{
    if (o->done)
        o->done(o->context, code, message, 0);
    free(o->name);
    free(o->message);
    free(o);
}

/* It was journaled, and then it could not be done: the journal doesn't leave it standing. */
static void take_back(const struct overriding *o, const char *message)
{
    struct event_draft draft;
    struct draft_texts texts = {0};
    char *why = xasprintf("it could not be done: %s", message);
    override_draft(o->name, NULL, clock_wall_us(), 0, why, 0, &draft, &texts, NULL);
    chronicle_append(o->engine, &draft, 1, NULL, NULL, NULL);
    draft_texts_fini(&texts);
    free(why);
}

static void on_forced(void *data, int code, const char *message)
{
    struct overriding *o = data;
    if (code < 0 && o->state != BREAKER_CLOSED && !o->engine->closing)
        take_back(o, message);
    overriding_end(o, code, code < 0 ? message : o->message);
}

static void on_journaled(void *context, const struct journal_result *result)
{
    struct overriding *o = context;
    if (result->code < 0 || !o->engine->own.keeper)
        overriding_end(o, result->code ? result->code : ERR_CANCELLED,
                       result->reason ? result->reason : "the console is being closed");
    else
        keeper_force(o->engine->own.keeper, o->name, o->state, &o->hand, on_forced, o);
}

/* Known as one of belay's own; else why not. */
static int look_up(const struct engine *engine, const char *name, struct err *e)
{
    const struct platform *p = engine->watch.platform;
    const struct entity *other = NULL;
    if (!engine->own.keeper)
        return err_set(e, ERR_UNSUPPORTED, "this console does not watch: belay breaker %s does it", name);
    if (platform_find(p, ENTITY_BREAKER, OWN_SOURCE, name))
        return 0;
    other = platform_find(p, ENTITY_BREAKER, NULL, name);
    return other ? err_set(e, ERR_UNSUPPORTED, "breaker %s is read from source %s: override it there", name,
                           other->source)
                 : err_set(e, ERR_NOT_FOUND, "there is no breaker \"%s\" of belay's own", name);
}

void request_breaker(struct engine *engine, const struct engine_request *request, engine_done *done,
                     void *context)
{
    struct err e = {0};
    struct event_draft draft;
    struct draft_texts texts = {0};
    enum breaker_state state = BREAKER_CLOSED;
    const char *name = request->entity ? request->entity : "", *word = request->state;
    int code = look_up(engine, name, &e);
    if (code == 0 && word && !breaker_state_parse(word, &state))
        code = err_set(&e, ERR_USAGE, "no such state: %s", word);
    if (code == 0)
        code = override_draft(name, word, clock_wall_us(), request->until_us, request->text,
                              engine->chronicle.focused, &draft, &texts, &e);
    if (code < 0) {
        if (done)
            done(context, code, e.msg, 0);
        draft_texts_fini(&texts);
        return;
    }
    struct overriding *o = xcalloc(1, sizeof *o);
    *o = (struct overriding){.engine = engine,
                             .name = xstrdup(name),
                             .message = xstrdup(texts.summary),
                             .state = state,
                             .hand = {.until_wall_us = word ? request->until_us : 0},
                             .done = done,
                             .context = context};
    snprintf(o->hand.actor, sizeof o->hand.actor, "%s", engine->identity.actor);
    snprintf(o->hand.reason, sizeof o->hand.reason, "%s", request->text ? request->text : "");
    if (chronicle_append(engine, &draft, 1, on_journaled, o, &e) < 0)
        overriding_end(o, e.code, e.msg);
    draft_texts_fini(&texts);
}

void overrides_expire(struct engine *engine, bool holds_lease)
{
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; holds_lease && i < engine->chronicle.overrides.len; i++) {
        struct override *o = &engine->chronicle.overrides.data[i];
        struct event_draft draft;
        struct draft_texts texts = {0};
        if (o->until_us == 0 || o->until_us > now_us || o->told)
            continue;
        o->told = true; /* the event itself takes it off the list */
        override_draft(o->name, NULL, now_us, 0, "its time is over", o->incident, &draft, &texts, NULL);
        draft.actor = "watch";
        chronicle_append(engine, &draft, 1, NULL, NULL, NULL);
        draft_texts_fini(&texts);
    }
}
