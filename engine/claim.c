/* Whose a run is. The journal decides (its claims); presence.c tells which consoles are still there. */
#include "engine/walk.h"

#include <stdlib.h>

struct taking {
    struct engine *engine;
    int64_t run;
    engine_done *done;
    void *context;
};

struct claim walk_claim(const struct walk *w, enum claim_op op)
{
    return (struct claim){.op = op, .owner = w->engine->presence.owner, .fence = w->fence};
}

static void taking_end(struct taking *t, int code, const char *message)
{
    if (t->done)
        t->done(t->context, code, message, t->run);
    free(t);
}

/* Everything up to the claim is in the journal now: the run is rebuilt from there and goes on here. */
static void on_taken(void *context, const struct journal_result *result)
{
    struct taking *t = context;
    struct engine *engine = t->engine;
    struct walk *w = walk_find(engine, t->run);
    if (w)
        w->taking = false;
    if (result->code == 0 && !engine->closing) {
        if (w)
            w->taking = true;
        restore_run(engine, t->run);
    }
    char *message = xasprintf("run %lld is walked here now", (long long)t->run);
    taking_end(t, result->code, result->code ? result->reason : message);
    free(message);
}

void walk_take(struct walk *w, const char *reason, engine_done *done, void *context)
{
    struct engine *engine = w->engine;
    struct taking *t = xcalloc(1, sizeof *t);
    struct err e = {0};
    *t = (struct taking){engine, w->id, done, context};
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "owner", engine->presence.owner);
    cJSON_AddStringToObject(data, "from", w->owner ? w->owner : "");
    if (reason)
        cJSON_AddStringToObject(data, "reason", reason);
    char *summary = reason ? xasprintf("takes run %lld over from %s: %s", (long long)w->id,
                                       w->owner ? w->owner : "nobody", reason)
                           : xasprintf("goes on with run %lld", (long long)w->id);
    struct run_event event = {
        .draft = {.kind = reason ? EVENT_RUN_TAKEN : EVENT_RUN_CLAIMED, .claim = walk_claim(w, CLAIM_TAKE)},
        .summary = summary,
        .data = data};
    w->taking = true;
    if (walk_append(w, event, on_taken, t, &e) < 0) {
        w->taking = false;
        taking_end(t, e.code, e.msg);
    }
}

void walk_lose(struct walk *w)
{
    if (w->lost)
        return;
    w->lost = w->elsewhere = w->taking = true;
    free(w->owner);
    w->owner = NULL;
    ready_drop(w);
    for (size_t i = 0; i < w->tickets.len; i++)
        ticket_release(w->tickets.data[i]);
    walk_wake(w);
    walk_refuse(w, "the run was taken over by another console");
    restore_run(w->engine, w->id);
    engine_changed(w->engine, ENGINE_RUNS);
}
