/* How those whom belay calls have been doing: what the state databases have, of all processes of this host.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/own.h"
#include "engine/state.h"

static int read_from(const char *folder, bool shared, struct target_view **views, size_t *count,
                     struct err *e)
{
    struct targets *t = NULL;
    int code = targets_open(folder, shared, true, &t, e);
    if (code == ERR_NOT_FOUND) { /* nobody has called anything yet */
        *e = (struct err){0};
        return 0;
    }
    if (code == 0)
        code = targets_read(t, views, count, e);
    targets_close(t);
    return code;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct target_view *)a)->name, ((const struct target_view *)b)->name);
}

int engine_targets_read(const struct config *config, struct target_view **views, size_t *count, struct err *e)
{
    struct target_view *both[2] = {NULL, NULL};
    size_t counts[2] = {0, 0};
    bool shared;
    char *folder = config_targets_folder(config, &shared), *local = config_state_folder(NULL);
    int code = read_from(folder, shared, &both[0], &counts[0], e);
    if (code == 0 && !str_eq(folder, local)) /* what `belay exec` without a configuration uses */
        code = read_from(local, false, &both[1], &counts[1], e);
    *count = counts[0] + counts[1];
    *views = xcalloc(*count + 1, sizeof **views);
    for (size_t i = 0; i < counts[0]; i++)
        (*views)[i] = both[0][i];
    for (size_t i = 0; i < counts[1]; i++)
        (*views)[counts[0] + i] = both[1][i];
    qsort(*views, *count, sizeof **views, by_name);
    free(both[0]);
    free(both[1]);
    free(folder);
    free(local);
    return code;
}

bool engine_measures(const struct engine *engine, const char *target,
                     struct measures_sums spans[static MEASURES_SPAN_COUNT])
{
    size_t count = 0;
    struct kept *const *kept = engine->own.keeper ? keeper_kept(engine->own.keeper, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(kept[i]->name, target) == 0) {
            for (int span = 0; span < MEASURES_SPAN_COUNT; span++)
                kept_measures(kept[i], (enum measures_span)span, &spans[span]);
            return true;
        }
    const struct target_view *views = engine->own.keeper ? keeper_views(engine->own.keeper, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(views[i].name, target) == 0) {
            memcpy(spans, views[i].spans, sizeof views[i].spans);
            return true;
        }
    return false;
}

void entity_target(const struct entity *e, char target[static TARGET_NAME_LIMIT + 1])
{
    target[0] = '\0';
    if (!str_eq(e->source, OWN_SOURCE))
        return;
    snprintf(target, TARGET_NAME_LIMIT + 1, "%s%s", e->kind == ENTITY_CHAIN ? "chain/" : "", e->name);
}

size_t engine_source_mishaps(const struct engine *engine, size_t index,
                             struct source_mishap out[static SOURCE_MISHAPS])
{
    return sources_mishaps(engine->watch.sources, index, out);
}
