/* A run being walked: what it holds, the lock that says which console walks it, its clock. */
#include "engine/walk.h"

#include <stdio.h>
#include <stdlib.h>

static void on_wake(void *data)
{
    struct walk *w = data;
    struct run_input tick = {.kind = INPUT_TICK, .step = STEP_NONE};
    walk_input(w, &tick, NULL, NULL);
}

/* In the order in which they were started, in whatever order they are restored. */
static void walk_place(struct engine *engine, struct walk *w)
{
    size_t at = engine->runs.walks.len;
    *vec_push(&engine->runs.walks) = w;
    struct walk **walks = engine->runs.walks.data;
    for (; at > 0 && walks[at - 1]->id > w->id; at--)
        walks[at] = walks[at - 1];
    walks[at] = w;
}

struct walk *walk_new(struct engine *engine, int64_t id, struct runbook *book)
{
    struct walk *w = xcalloc(1, sizeof *w);
    w->engine = engine;
    w->id = id;
    w->book = book;
    w->run = run_new(book);
    w->ready.step = STEP_NONE;
    w->zero_us = loop_now_us(engine->loop);
    w->concluded = xcalloc(book->steps.len + 1, sizeof *w->concluded);
    w->wake = loop_timer_new(engine->loop, on_wake, w);
    walk_place(engine, w);
    if (!book->act)
        library_know(engine, book->path);
    return w;
}

void pending_free(struct pending *p)
{
    run_input_fini(&p->input);
    cJSON_Delete(p->extra);
    free(p->json);
    free(p->outcome);
    free(p->summary);
    free(p);
}

void walk_free(struct walk *w)
{
    ready_drop(w);
    for (size_t i = 0; i < w->queue.len; i++)
        pending_free(w->queue.data[i]);
    for (size_t i = 0; i < w->tickets.len; i++)
        ticket_free(w->tickets.data[i]);
    vec_fini(&w->queue);
    vec_fini(&w->tickets);
    output_follow_free(w);
    outputs_free(w);
    locks_free(w);
    run_free(w->run);
    item_tables_free(&w->items);
    edition_drop(w);
    runbook_free(w->book);
    free(w->concluded);
    free(w->said.text);
    free(w->actor);
    free(w->owner);
    strv_free(w->approvals_seen);
    asked_fini(&w->asked);
    free(w->entity);
    free(w);
}

struct walk *walk_find(const struct engine *engine, int64_t id)
{
    for (size_t i = 0; i < engine->runs.walks.len; i++)
        if (engine->runs.walks.data[i]->id == id)
            return engine->runs.walks.data[i];
    return NULL;
}

bool walk_interrupted(const struct walk *w)
{
    bool still = w->tickets.len == 0 || run_rehearsed(w->run); /* a rehearsal's wait for a person */
    return !w->ended && w->restored && !w->elsewhere && still;
}

void walk_discard(struct walk *w)
{
    struct engine *engine = w->engine;
    for (size_t i = 0; i < engine->runs.walks.len; i++)
        if (engine->runs.walks.data[i] == w) {
            vec_remove(&engine->runs.walks, i);
            break;
        }
    loop_timer_free(w->wake);
    w->wake = NULL;
    if (w->lost)
        *vec_push(&engine->runs.lost) = w;
    else
        walk_free(w);
}

int64_t walk_clock_ms(const struct walk *w)
{
    int64_t now = (loop_now_us(w->engine->loop) - w->zero_us) / US_PER_MS;
    int64_t known = run_now_ms(w->run);
    return now > known ? now : known;
}

void walk_context(const struct walk *w, struct run_context *context, char incident[static 24],
                  char run[static 24])
{
    snprintf(incident, 24, "INC-%lld", (long long)w->incident);
    snprintf(run, 24, "%lld", (long long)w->id);
    *context = (struct run_context){
        .incident = w->incident ? incident : NULL,
        .run = run,
        .operator= w->engine->identity.actor,
        .person = w->engine->identity.person,
        .where = w->engine->identity.target,
    };
}

/* A rehearsal holds and backs off on the run's clock alone. A page that is open waits for a reader. */
static bool jumps(const struct walk *w)
{
    struct run_step step = {.ask = ASK_CONFIRM};
    int current = run_current(w->run);
    if (run_rehearsed(w->run) && current != STEP_NONE)
        run_step_at(w->run, current, &step);
    return step.ask != ASK_CONFIRM;
}

void walk_wake(struct walk *w)
{
    int64_t at = run_wake_ms(w->run);
    if (at < 0 || w->ended || w->elsewhere) {
        loop_timer_stop(w->wake);
        return;
    }
    int64_t wait = at - walk_clock_ms(w);
    if (wait > 0 && jumps(w)) {
        w->zero_us -= wait * US_PER_MS;
        wait = 0;
    }
    loop_timer_start(w->wake, wait > 0 ? wait * US_PER_MS : 0, 0);
}
