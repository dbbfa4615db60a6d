/* Belay's own breakers in a console: shared through the state database, and shown beside those that are read
 * from elsewhere. */
#include "engine/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    overrides_expire(engine, watch_holds(engine));
    watch_moved(engine);
}

static void on_change(void *data)
{
    struct engine *engine = data;
    show(engine);
    engine_changed(engine, ENGINE_TROUBLE);
    recollect_begin(engine, false);
}

char *own_folder(const struct engine *engine, bool *shared)
{
    *shared = false;
    return engine->state_given && !engine->config->state_folder
               ? xstrdup(engine->state_folder)
               : config_targets_folder(engine->config, shared);
}

void own_open(struct engine *engine)
{
    bool shared, given = engine->state_given && !engine->config->state_folder;
    char *folder = own_folder(engine, &shared);
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

void engine_own_breakers(const struct config *config, struct platform *platform, int64_t now_us)
{
    struct target_view *views = NULL;
    size_t count = 0;
    struct err e = {0};
    if (engine_targets_read(config, &views, &count, &e) == 0) /* without it there is nothing to tell */
        own_observe(platform, views, count, NULL, 0, now_us, clock_wall_us());
    free(views);
}

/* ---- overriding one without an engine ---- */

/* Sources, the mirror, `oncall:` and policies have one, also before it was ever stored. */
static bool is_configured(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->policy_count; i++)
        if (str_eq(config_policy_target(&config->policies[i]), name))
            return true;
    for (size_t i = 0; i < config->source_count && str_starts(name, "source/"); i++)
        if (str_eq(config->sources[i].name, name + strlen("source/")))
            return true;
    return (str_eq(name, "mirror") && (config->mirror.syslog || config->mirror.command)) ||
           (str_eq(name, "oncall") && config->oncall.command);
}

int engine_breaker_known(const struct config *config, const char *name, struct err *e)
{
    struct target_view *views = NULL;
    size_t count = 0;
    bool found = is_configured(config, name);
    int code = engine_targets_read(config, &views, &count, e);
    for (size_t i = 0; code == 0 && i < count; i++)
        found = found || (views[i].has_breaker && str_eq(views[i].name, name));
    free(views);
    return code < 0 || found
               ? code
               : err_set(e, ERR_NOT_FOUND,
                         "there is no breaker \"%s\" of belay's own (belay breaker lists them); one "
                         "that is read from a source is overridden there",
                         name);
}

static int override_in(const char *folder, bool shared, bool make, const char *name, enum breaker_state state,
                       const struct target_hand *hand, struct err *e)
{
    struct targets *t = NULL;
    struct breaker_rules rules = breaker_rules_default();
    struct breaker_counts since = {0};
    struct kept kept;
    int code = targets_open(folder, shared, false, &t, e);
    if (code == 0)
        code = target_force(t, name, state, hand, e);
    if (code == ERR_NOT_FOUND && make) {
        kept_init(&kept, "", name, &rules);
        code = target_share(t, name, &rules, &kept.breaker, &since, NULL, NULL, e);
        if (code == 0)
            code = target_force(t, name, state, hand, e);
        kept_fini(&kept);
    }
    targets_close(t);
    return code;
}

int engine_breaker_override(const struct config *config, const char *name, const char *word,
                            const char *actor, const char *reason, int64_t until_us, struct err *e)
{
    enum breaker_state state = BREAKER_CLOSED;
    struct target_hand hand = {.until_wall_us = word ? until_us : 0};
    bool shared;
    if (word && !breaker_state_parse(word, &state))
        return err_set(e, ERR_USAGE, "no such state: %s", word);
    snprintf(hand.actor, sizeof hand.actor, "%s", actor);
    snprintf(hand.reason, sizeof hand.reason, "%s", reason ? reason : "");
    char *folder = config_targets_folder(config, &shared), *local = config_state_folder(NULL);
    struct err why = {0};
    int code = override_in(folder, shared, is_configured(config, name), name, state, &hand, &why);
    if (code == ERR_NOT_FOUND && !str_eq(folder, local))
        code = override_in(local, false, false, name, state, &hand, &why);
    if (code < 0)
        *e = why;
    free(folder);
    free(local);
    return code;
}
