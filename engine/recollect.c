/* What the journal says of the entities' states: an entity that was Dead when the last console closed has
 * been Dead since then, not since this one opened. The newest transitions are read, in the pool, before the
 * sources are asked for the first time; how far back is bounded, whatever the journal holds. */
#include "engine/state.h"
#include "engine/targets/targets.h"

#include <stdlib.h>

#define LOOK_BACK_EVENTS 20000
#define PATIENCE_US      (2 * US_PER_S) /* then the sources are asked all the same: the disk may hang */

struct recollection {
    enum condition condition;
    int64_t since_us; /* 0: it was flapping */
    char *raw;
};

struct recollections {
    struct map *map; /* an entity's key -> struct recollection */
};

static void recollection_free(struct recollection *r)
{
    if (r)
        free(r->raw);
    free(r);
}

static void recollections_free(struct recollections *all)
{
    const char *key;
    void *value;
    for (size_t i = 0; map_next(all->map, &i, &key, &value);)
        recollection_free(value);
    map_free(all->map);
}

/* A console that is opened sees everything for the first time: what it found as it was is no change. */
static void recollection_add(struct recollections *all, const char *key, const char *change,
                             const struct recollection *now)
{
    const struct recollection *before = map_get(all->map, key);
    bool same = before && before->since_us != 0 && before->condition == now->condition &&
                str_eq(before->raw, now->raw);
    if (same && str_eq(change, transition_kind_text(TRANSITION_APPEARED)))
        return;
    bool flapping = str_eq(change, transition_kind_text(TRANSITION_FLAPPING)); /* no more is journaled of it */
    struct recollection *kept = xmalloc(sizeof *kept);
    *kept = (struct recollection){now->condition, flapping ? 0 : now->since_us, xstrdup(now->raw)};
    recollection_free(map_set(all->map, key, kept));
}

static int on_event(const struct event *event, void *context)
{
    struct recollections *all = context;
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    struct recollection now = {.since_us = event->at_us};
    clock_parse(json_string(data, "since", ""), &now.since_us, NULL);
    now.raw = (char *)(uintptr_t)json_string(data, "raw", "");
    if (condition_name_parse(json_string(data, "to", ""), &now.condition)) {
        char *key = xasprintf("%s:%s:%s", json_string(data, "kind", ""), json_string(data, "source", ""),
                              json_string(data, "name", ""));
        recollection_add(all, key, json_string(data, "change", ""), &now);
        free(key);
    }
    cJSON_Delete(data);
    return 0;
}

static void recollections_read(struct recollections *all, struct journal *journal)
{
    static const enum event_kind transitions[] = {EVENT_TRANSITION};
    struct journal_filter filter = {.kinds = transitions, .kind_count = 1};
    int64_t last = 0;
    all->map = map_new();
    if (journal_last_seq(journal, &last, NULL) < 0)
        return;
    journal_read(journal, last - LOOK_BACK_EVENTS + 1, JOURNAL_FORWARD, &filter, 0, on_event, all, NULL);
}

static void recollections_tell(const struct recollections *all, struct platform *platform)
{
    const char *key;
    void *value;
    for (size_t i = 0; map_next(all->map, &i, &key, &value);) {
        const struct recollection *r = value;
        platform_recall(platform, key, r->condition, r->raw, r->since_us);
    }
}

void engine_recall(struct journal *journal, struct platform *platform)
{
    struct recollections all;
    recollections_read(&all, journal);
    recollections_tell(&all, platform);
    recollections_free(&all);
}

/* ---- before the first poll ------------------------------------------------------------------------------
 */

struct job {
    struct engine *engine;
    struct journal *journal;
    struct recollections all;
};

static void job_read(void *data)
{
    struct job *job = data;
    recollections_read(&job->all, job->journal);
}

void recollect_begin(struct engine *engine, bool forced)
{
    bool waits = engine->watch.recollecting || (engine->own.keeper && !keeper_ready(engine->own.keeper));
    if (engine->watch.begun || (waits && !forced))
        return;
    loop_timer_stop(engine->watch.begin_timer);
    sources_start(engine->watch.sources);
    engine->watch.begun = true;
}

static void job_done(void *data)
{
    struct job *job = data;
    struct engine *engine = job->engine;
    engine->watch.recollecting = false;
    if (!engine->closing) {
        recollections_tell(&job->all, engine->watch.platform);
        recollect_begin(engine, false);
    }
    recollections_free(&job->all);
    free(job);
}

static void on_patience(void *data)
{
    recollect_begin(data, true);
}

void recollect_then_poll(struct engine *engine)
{
    engine->watch.begin_timer = loop_timer_new(engine->loop, on_patience, engine);
    loop_timer_start(engine->watch.begin_timer, PATIENCE_US, 0);
    if (!engine->chronicle.journal) {
        recollect_begin(engine, false);
        return;
    }
    struct job *job = xcalloc(1, sizeof *job);
    *job = (struct job){.engine = engine, .journal = engine->chronicle.journal};
    engine->watch.recollecting = true;
    loop_work(engine->loop, job_read, job_done, job);
}
