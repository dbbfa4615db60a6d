/* How many lasting changes of the focused incident stand: what the hand-over lists, so by the journal,
 * whoever made them and however long ago. */
#include <stdlib.h>

#include "engine/state.h"

/* Counting reads the whole incident: it waits until what was confirmed just now has begun. */
#define LINGER_US   (200 * US_PER_MS)
#define LARGE_BYTES (100 * 1024) /* and below what is mapped: console_main.c */

struct counting {
    struct engine *engine;
    struct journal *journal;
    int64_t incident, now_us;
    size_t count;
    int code;
};

/* The many small blocks that were freed here are sorted by the next request of a large one, whoever makes it:
 * by this one, and not in the turn of a key (1 ms). */
static void heap_settle(void)
{
    void *volatile large = malloc(LARGE_BYTES);
    free(large);
}

static void counting_work(void *data)
{
    struct counting *c = data;
    struct leftovers left;
    c->code = leftovers_read(c->journal, c->incident, c->now_us, &left, NULL);
    c->count = leftovers_of(&left, LEFTOVER_CHANGED);
    leftovers_fini(&left);
    heap_settle();
}

static void counting_done(void *data)
{
    struct counting *c = data;
    struct engine *engine = c->engine;
    engine->runs.storing--;
    engine->lasting.counting = false;
    if (!engine->closing && c->code == 0) {
        engine->lasting.incident = c->incident;
        engine->lasting.count = c->count;
        engine_changed(engine, ENGINE_INCIDENTS);
    }
    if (!engine->closing && engine->lasting.due)
        loop_timer_start(engine->lasting.timer, LINGER_US, 0);
    free(c);
}

static void count(void *data)
{
    struct engine *engine = data;
    int64_t focused = engine->chronicle.focused;
    engine->lasting.due = false;
    if (!focused || !engine->chronicle.journal)
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

static void count_soon(struct engine *engine)
{
    if (!engine->lasting.due && !engine->lasting.counting)
        loop_timer_start(engine->lasting.timer, LINGER_US, 0);
    engine->lasting.due = true;
}

void lasting_open(struct engine *engine)
{
    engine->lasting.timer = loop_timer_new(engine->loop, count, engine);
}

void lasting_close(struct engine *engine)
{
    loop_timer_free(engine->lasting.timer);
    engine->lasting.timer = NULL;
}

void lasting_event(struct engine *engine, const struct event *event)
{
    if (event->incident == engine->chronicle.focused &&
        (event->kind == EVENT_STEP_INTENT || event->kind == EVENT_STEP_OUTCOME ||
         event->kind == EVENT_STEP_CONCLUDED || event->kind == EVENT_BREAKER_FORCED ||
         event->kind == EVENT_BREAKER_RELEASED))
        count_soon(engine);
}

void lasting_refresh(struct engine *engine)
{
    if (engine->lasting.incident != engine->chronicle.focused)
        count_soon(engine);
}

size_t engine_changes(const struct engine *engine)
{
    return engine->lasting.incident == engine->chronicle.focused ? engine->lasting.count : 0;
}
