/* The locks of a run's steps: claims of the journal, named by the text that the step says. */
#include "engine/walk.h"

#include <stdio.h>
#include <stdlib.h>

struct walk_lock {
    char *text;
    uint64_t ticket;
    int64_t fence; /* 0: asked for */
    bool dropped;  /* given back before the answer came */
};

struct asking {
    struct engine *engine;
    int64_t run;
    uint64_t ticket;
};

static char *key_of(const char *text)
{
    return xasprintf("lock %s", text);
}

static int lock_append(const struct walk *w, enum event_kind kind, const char *text, struct claim claim,
                       journal_done done, void *context, struct err *e)
{
    char *key = key_of(text), *owner = xasprintf("run %lld", (long long)w->id);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "lock", text);
    claim.key = key;
    claim.owner = owner;
    struct run_event event = {.draft = {.kind = kind, .actor = "belay", .claim = claim},
                              .summary = xasprintf(kind == EVENT_LOCK_TAKEN ? "holds the lock \"%s\""
                                                                            : "gives the lock \"%s\" back",
                                                   text),
                              .data = data};
    int code = walk_append(w, event, done, context, e);
    free(key);
    free(owner);
    return code;
}

static void lock_give_back(struct walk *w, size_t index)
{
    struct walk_lock *lock = w->locks.data[index];
    lock_append(w, EVENT_LOCK_RELEASED, lock->text, (struct claim){.op = CLAIM_RELEASE, .fence = lock->fence},
                NULL, NULL, NULL);
    vec_remove(&w->locks, index);
    free(lock->text);
    free(lock);
}

static void lock_answer(struct walk *w, uint64_t ticket, const char *holder)
{
    struct run_input input = {
        .kind = holder ? INPUT_REFUSED : INPUT_LOCKED, .step = STEP_NONE, .ticket = ticket, .value = holder};
    walk_input(w, &input, NULL, NULL);
}

static void lock_refused(struct walk *w, size_t index, const char *holder)
{
    struct walk_lock *lock = w->locks.data[index];
    uint64_t ticket = lock->ticket;
    bool dropped = lock->dropped;
    vec_remove(&w->locks, index);
    free(lock->text);
    free(lock);
    if (!dropped)
        lock_answer(w, ticket, holder);
}

static void on_answer(void *context, const struct journal_result *result)
{
    struct asking *a = context;
    struct walk *w = walk_find(a->engine, a->run);
    size_t i = 0;
    while (w && i < w->locks.len && w->locks.data[i]->ticket != a->ticket)
        i++;
    if (w && !w->lost && i < w->locks.len && !a->engine->closing) {
        struct walk_lock *lock = w->locks.data[i];
        const char *held = result->reason ? strstr(result->reason, " is held by ") : NULL;
        lock->fence = result->seq;
        if (result->code < 0)
            lock_refused(w, i, held ? held + strlen(" is held by ") : result->reason);
        else if (lock->dropped)
            lock_give_back(w, i);
        else
            lock_answer(w, lock->ticket, NULL);
    }
    free(a);
}

void lock_take(struct walk *w, const struct run_effect *effect)
{
    struct walk_lock *lock = xcalloc(1, sizeof *lock);
    struct asking *a = xcalloc(1, sizeof *a);
    struct err e = {0};
    lock->text = xstrdup(effect->text);
    lock->ticket = effect->ticket;
    *vec_push(&w->locks) = lock;
    *a = (struct asking){w->engine, w->id, effect->ticket};
    if (lock_append(w, EVENT_LOCK_TAKEN, lock->text, (struct claim){.op = CLAIM_TAKE}, on_answer, a, &e) <
        0) {
        free(a);
        lock_refused(w, w->locks.len - 1, e.msg);
    }
}

void lock_drop(struct walk *w, const struct run_effect *effect)
{
    for (size_t i = 0; i < w->locks.len; i++) {
        struct walk_lock *lock = w->locks.data[i];
        if (lock->dropped || !str_eq(lock->text, effect->text))
            continue;
        if (lock->fence)
            lock_give_back(w, i);
        else
            lock->dropped = true;
        return;
    }
}

static int on_claim(const struct claim *claim, void *data)
{
    struct walk *w = data;
    char *owner = xasprintf("run %lld", (long long)w->id);
    if (str_eq(claim->owner, owner) && str_starts(claim->key, "lock ")) {
        struct walk_lock *lock = xcalloc(1, sizeof *lock);
        lock->text = xstrdup(claim->key + 5);
        lock->fence = claim->fence;
        *vec_push(&w->locks) = lock;
    }
    free(owner);
    return 0;
}

/* What the run held when its console went: kept where the machine still holds it, given back otherwise. */
void locks_recall(struct walk *w)
{
    size_t count = run_locks(w->run, NULL, 0);
    struct run_lock *held = xcalloc(count + 1, sizeof *held);
    run_locks(w->run, held, count);
    journal_claims(w->engine->chronicle.journal, on_claim, w, NULL);
    for (size_t i = w->locks.len; i > 0; i--) {
        bool wanted = false;
        for (size_t k = 0; k < count; k++)
            wanted |= held[k].held && str_eq(held[k].text, w->locks.data[i - 1]->text);
        if (!wanted)
            lock_give_back(w, i - 1);
    }
    free(held);
}

void locks_free(struct walk *w)
{
    for (size_t i = 0; i < w->locks.len; i++) {
        free(w->locks.data[i]->text);
        free(w->locks.data[i]);
    }
    vec_fini(&w->locks);
}
