/* All runs of this console, from its start to its end, and how others see them. */
#include "engine/walk.h"

#include <stdio.h>
#include <stdlib.h>

#define RETRY_US (2 * US_PER_S)

/* NULL while there is no place to run steps from: a full or read-only disk may have kept it from being made.
 */
static int spool_ready(struct engine *engine, struct err *e)
{
    if (engine->runs.spool || engine->read_only || !engine->chronicle.journal)
        return 0;
    char *folder = path_join(engine->state_folder, "spool");
    bool shared = config_is_shared(engine->config);
    engine->runs.spool = spool_open(folder, shared, NULL, e);
    free(folder);
    return engine->runs.spool ? 0 : e->code;
}

/* A run that another console walked is taken over once that console is gone. */
void walks_join(struct engine *engine)
{
    for (size_t i = 0; i < engine->runs.walks.len; i++)
        restore_adopt(engine->runs.walks.data[i]);
}

bool walks_settled(const struct engine *engine)
{
    for (size_t i = 0; i < engine->runs.walks.len; i++)
        if (engine->runs.walks.data[i]->taking || engine->runs.walks.data[i]->appending)
            return false;
    return true;
}

void walks_trouble_over(struct engine *engine)
{
    struct err e = {0};
    presence_show(engine);
    spool_ready(engine, &e);
    for (size_t i = 0; i < engine->runs.walks.len; i++)
        walk_settle(engine->runs.walks.data[i]);
    walks_join(engine);
}

static void on_runs_timer(void *data)
{
    struct engine *engine = data;
    emergency_look(engine);
    walks_trouble_over(engine);
    for (size_t i = 0; i < engine->runs.walks.len; i++)
        edition_look(engine->runs.walks.data[i]);
    if (engine->runs.sweep_again && engine->runs.restoring == 0)
        tickets_sweep(engine);
}

int walks_open(struct engine *engine, struct err *e)
{
    struct err why = {0};
    execute_lifetime(&engine->runs.lifetime);
    if (spool_ready(engine, &why) < 0 && !engine->chronicle.trouble)
        return err_set(e, why.code, "%s", why.msg);
    engine->runs.timer = loop_timer_new(engine->loop, on_runs_timer, engine);
    loop_timer_start(engine->runs.timer, RETRY_US, RETRY_US);
    emergency_look(engine);
    restore_all(engine);
    return 0;
}

void walks_close(struct engine *engine)
{
    loop_timer_free(engine->runs.timer);
    engine->runs.timer = NULL;
    for (size_t i = 0; i < engine->runs.walks.len; i++) {
        struct walk *w = engine->runs.walks.data[i];
        ready_drop(w);
        for (size_t k = 0; k < w->tickets.len; k++)
            ticket_release(w->tickets.data[k]);
        loop_timer_free(w->wake);
        w->wake = NULL;
    }
    while (engine->runs.restoring > 0 || engine->runs.storing > 0 || engine->runs.telling > 0)
        loop_run_once(engine->loop, US_PER_S);
}

/* After the journal is closed: until then a completion may still name a walk. */
void walks_free(struct engine *engine)
{
    for (size_t i = 0; i < engine->runs.walks.len; i++)
        walk_free(engine->runs.walks.data[i]);
    for (size_t i = 0; i < engine->runs.lost.len; i++)
        walk_free(engine->runs.lost.data[i]);
    vec_fini(&engine->runs.walks);
    vec_fini(&engine->runs.lost);
    spool_close(engine->runs.spool);
}

/* ---- views ---- */

const char *engine_lifetime_warning(const struct engine *engine)
{
    return engine->runs.lifetime.text[0] ? engine->runs.lifetime.text : NULL;
}

size_t engine_run_count(const struct engine *engine)
{
    return engine->runs.walks.len;
}

static void view_fill(const struct walk *w, struct engine_run *view)
{
    *view = (struct engine_run){.id = w->id,
                                .incident = w->incident,
                                .run = w->run,
                                .book = w->book,
                                .actor = w->actor,
                                .entity = w->entity,
                                .started_us = w->started_us,
                                .edited = w->edited,
                                .rehearsed = run_rehearsed(w->run),
                                .ended = w->ended,
                                .elsewhere = w->elsewhere,
                                .owner = w->owner,
                                .abandoned = w->abandoned,
                                .emergency = emergency_of(w->engine, w->id),
                                .interrupted = walk_interrupted(w),
                                .current_step = run_current(w->run)};
}

bool engine_run_at(const struct engine *engine, size_t index, struct engine_run *view)
{
    if (index >= engine->runs.walks.len)
        return false;
    view_fill(engine->runs.walks.data[index], view);
    return true;
}

bool engine_run_by_id(const struct engine *engine, int64_t id, struct engine_run *view)
{
    const struct walk *w = walk_find(engine, id);
    if (w)
        view_fill(w, view);
    return w != NULL;
}

int64_t engine_run_clock_ms(const struct engine *engine, int64_t run)
{
    const struct walk *w = walk_find(engine, run);
    return w ? walk_clock_ms(w) : 0;
}
