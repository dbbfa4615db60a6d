/* How many lasting changes of the focused incident stand: what the hand-over lists, so by the journal,
 * whoever made them and however long ago. */
#include <stdlib.h>

#include "engine/state.h"

struct counting {
    struct engine *engine;
    struct journal *journal;
    int64_t incident, now_us;
    size_t count;
    int code;
};

static void counting_work(void *data)
{
    struct counting *c = data;
    struct leftovers left;
    c->code = leftovers_read(c->journal, c->incident, c->now_us, &left, NULL);
    c->count = leftovers_of(&left, LEFTOVER_CHANGED);
    leftovers_fini(&left);
}

static void counting_done(void *data)
{
    struct counting *c = data;
    struct engine *engine = c->engine;
    bool again = engine->lasting.again;
    engine->runs.storing--;
    engine->lasting.counting = engine->lasting.again = false;
    if (!engine->closing && c->code == 0) {
        engine->lasting.incident = c->incident;
        engine->lasting.count = c->count;
        engine_changed(engine, ENGINE_INCIDENTS);
    }
    if (!engine->closing && again)
        lasting_count(engine);
    free(c);
}

void lasting_count(struct engine *engine)
{
    int64_t focused = engine->chronicle.focused;
    engine->lasting.again = engine->lasting.counting;
    if (engine->lasting.counting || !focused || !engine->chronicle.journal)
        return;
    struct counting *c = xcalloc(1, sizeof *c);
    *c = (struct counting){.engine = engine,
                           .journal = engine->chronicle.journal,
                           .incident = focused,
                           .now_us = clock_wall_us()};
    engine->lasting.counting = true;
    engine->runs.storing++;
    loop_work(engine->loop, counting_work, counting_done, c);
}

void lasting_event(struct engine *engine, const struct event *event)
{
    if (event->kind == EVENT_STEP_INTENT || event->kind == EVENT_STEP_OUTCOME ||
        event->kind == EVENT_STEP_CONCLUDED || event->kind == EVENT_BREAKER_FORCED ||
        event->kind == EVENT_BREAKER_RELEASED)
        engine->lasting.stale |= event->incident == engine->chronicle.focused;
}

void lasting_refresh(struct engine *engine)
{
    bool stale = engine->lasting.stale || engine->lasting.incident != engine->chronicle.focused;
    engine->lasting.stale = false;
    if (stale)
        lasting_count(engine);
}

size_t engine_changes(const struct engine *engine)
{
    return engine->lasting.incident == engine->chronicle.focused ? engine->lasting.count : 0;
}
