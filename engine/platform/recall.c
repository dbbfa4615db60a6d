/* What an earlier process knew: states last as long as they last, not as long as a console is open. */
#include <stdlib.h>

#include "engine/platform/model.h"

struct recollection *recollection_take(struct platform *p, const struct tracked *t)
{
    if (t->told || map_count(p->recollections) == 0)
        return NULL;
    struct str key = {0};
    entity_key(&t->view, &key);
    struct recollection *r = map_remove(p->recollections, str_text(&key));
    str_fini(&key);
    return r;
}

void recollections_free(struct platform *p)
{
    const char *key;
    void *value;
    for (size_t i = 0; map_next(p->recollections, &i, &key, &value);)
        free(value);
    map_free(p->recollections);
}

void tracked_since(struct platform *p, struct tracked *t, int64_t since_us)
{
    struct entity *e = &t->view;
    if (e->flags & ENTITY_SINCE_OWN || since_us <= 0 || since_us >= e->since_us)
        return;
    e->since_us = since_us;
    platform_touch(p, e->kind);
}

void platform_recall(struct platform *p, const char *key, enum condition condition, const char *raw,
                     int64_t since_us)
{
    struct tracked *t = (struct tracked *)(uintptr_t)platform_find_key(p, key); /* the view comes first */
    if (t && t->told) {
        const struct entity *e = &t->view;
        if (t->original && !(e->flags & ENTITY_SILENT) &&
            state_same(e->kind, e->condition, e->raw, condition, raw))
            tracked_since(p, t, since_us);
        return;
    }
    if (map_count(p->recollections) >= PLATFORM_ENTITY_LIMIT)
        return;
    struct recollection *r = xmalloc(sizeof *r + strlen(raw) + 1);
    *r = (struct recollection){.condition = condition, .since_us = since_us};
    memcpy(r->raw, raw, strlen(raw) + 1);
    free(map_set(p->recollections, key, r));
}
