#include "engine/state.h"

#include <stdlib.h>

static void changes_tell(void *data)
{
    struct engine *engine = data;
    unsigned mask = engine->changed;
    engine->changed = 0;
    if (mask & (ENGINE_OFFERS | ENGINE_RUNS))
        library_order(engine);
    for (size_t i = 0; i < engine->subscribers.len; i++)
        engine->subscribers.data[i].changed(engine->subscribers.data[i].context, mask);
}

void engine_changed(struct engine *engine, unsigned mask)
{
    if (!engine->changed && !engine->closing)
        loop_timer_start(engine->change_timer, 0, 0);
    engine->changed |= mask;
}

void engine_subscribe(struct engine *engine, void (*changed)(void *context, unsigned mask), void *context)
{
    *vec_push(&engine->subscribers) = (struct subscriber){changed, context};
}

void engine_unsubscribe(struct engine *engine, void *context)
{
    for (size_t i = engine->subscribers.len; i-- > 0;)
        if (engine->subscribers.data[i].context == context)
            vec_remove(&engine->subscribers, i);
}

struct engine *engine_open(struct loop *loop, const struct engine_options *options, struct err *e)
{
    struct engine *engine = xcalloc(1, sizeof *engine);
    engine->loop = loop;
    engine->opened_us = clock_wall_us();
    engine->own_config = options->config ? NULL : config_new();
    engine->config = options->config ? options->config : engine->own_config;
    engine->read_only = options->read_only;
    engine->observer =
        options->read_only || ((options->attend || config_observer(engine->config)) && !options->join);
    engine->step_path = xstrdup(options->step_path);
    engine->state_folder =
        options->state_folder ? xstrdup(options->state_folder) : config_state_folder(engine->config);
    engine->state_given = options->state_folder != NULL;
    engine->change_timer = loop_timer_new(loop, changes_tell, engine);
    engine->watch.wanted = options->watch;
    engine->watch.lease = -1;
    engine->identity.claim =
        xstrdup(options->operator_claim ? options->operator_claim : engine->config->operator_name);
    identity_open(engine);
    presence_open(engine);
    if (chronicle_open(engine, e) < 0 || watch_open(engine, e) < 0 || healing_open(engine, e) < 0 ||
        walks_open(engine, e) < 0) {
        engine_close(engine);
        return NULL;
    }
    library_open(engine);
    oncall_open(engine);
    lasting_open(engine);
    return engine;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    engine->closing = true;
    listening_close(engine);
    watch_close(engine);
    lasting_close(engine);
    walks_close(engine);
    library_close(engine);
    identity_close(engine);
    oncall_close(engine);
    chronicle_close(engine);
    healing_close(engine);
    walks_free(engine);
    presence_close(engine);
    emergency_fini(engine);
    loop_timer_free(engine->change_timer);
    vec_fini(&engine->subscribers);
    config_free(engine->own_config);
    free(engine->state_folder);
    free(engine->step_path);
    free(engine);
}

const struct config *engine_config(const struct engine *engine)
{
    return engine->config;
}

const char *engine_platform_name(const struct engine *engine)
{
    return engine->config->platform;
}

const char *engine_badge(const struct engine *engine)
{
    return engine->config->badge ? engine->config->badge : "";
}

int64_t engine_now_us(const struct engine *engine)
{
    return loop_now_us(engine->loop);
}

bool engine_is_observer(const struct engine *engine)
{
    return engine->observer;
}
