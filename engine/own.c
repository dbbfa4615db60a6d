/* Belay's own breakers in a console: shared through the state database, and shown beside those that are read
 * from elsewhere. */
#include "engine/own.h"

#include <stdlib.h>

#include "engine/serve/serve.h"
#include "engine/state.h"

#define SHOW_US (5 * US_PER_S) /* counts and countdowns go on though no state changes */

static void show(void *data)
{
    struct engine *engine = data;
    size_t count, kept_count;
    const struct target_view *views = keeper_views(engine->own.keeper, &count);
    struct kept *const *kept = keeper_kept(engine->own.keeper, &kept_count);
    own_observe(engine->watch.platform, views, count, kept, kept_count, loop_now_us(engine->loop),
                clock_wall_us());
    watch_moved(engine);
}

static void on_change(void *data)
{
    struct engine *engine = data;
    show(engine);
    recollect_begin(engine, false);
}

void own_open(struct engine *engine)
{
    bool shared = false, given = engine->state_given && !engine->config->state_folder;
    char *folder = given ? xstrdup(engine->state_folder) : config_targets_folder(engine->config, &shared);
    char *local = given ? NULL : config_state_folder(NULL);
    struct keeper_options options = {.folder = folder,
                                     .also = local,
                                     .shared = shared,
                                     .read_only = engine->read_only,
                                     .changed = on_change,
                                     .data = engine};
    engine->own.keeper = keeper_new(engine->loop, &options);
    engine->own.timer = loop_timer_new(engine->loop, show, engine);
    loop_timer_start(engine->own.timer, SHOW_US, SHOW_US);
    sources_keep(engine->watch.sources, engine->own.keeper);
    if (engine->chronicle.mirror)
        keeper_add(engine->own.keeper, mirror_kept(engine->chronicle.mirror));
    free(folder);
    free(local);
}

void own_close(struct engine *engine)
{
    loop_timer_free(engine->own.timer);
    keeper_free(engine->own.keeper);
    engine->own.timer = NULL;
    engine->own.keeper = NULL;
}

const char *engine_state_trouble(const struct engine *engine)
{
    return engine->own.keeper ? keeper_trouble(engine->own.keeper) : NULL;
}

static void read_one(const char *folder, bool shared, struct platform *platform, int64_t now_us)
{
    struct targets *t = NULL;
    struct target_view *views = NULL;
    size_t count = 0;
    if (targets_open(folder, shared, true, &t, NULL) == 0 && targets_read(t, &views, &count, NULL) == 0)
        own_observe(platform, views, count, NULL, 0, now_us, clock_wall_us());
    free(views);
    targets_close(t);
}

void engine_own_breakers(const struct config *config, struct platform *platform, int64_t now_us)
{
    bool shared;
    char *folder = config_targets_folder(config, &shared), *local = config_state_folder(NULL);
    read_one(folder, shared, platform, now_us);
    if (!str_eq(folder, local))
        read_one(local, false, platform, now_us);
    free(folder);
    free(local);
}
