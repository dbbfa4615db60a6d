/* Which conditions have held for how long: one hold for each condition and entity. */
#include <stdlib.h>

#include "engine/platform/model.h"

struct hold {
    uint32_t entity;
    int64_t since_us; /* monotonic */
    int64_t since_wall_us;
};

struct watched {
    struct offer_condition *condition;
    int64_t for_us;
    VEC(struct hold) holds; /* ascending by entity */
    uint64_t version;       /* of the entities when it was last judged */
    bool judged;
};

struct offers {
    VEC(struct watched) watched;
    VEC(struct offer) ripe;
    int64_t next_us;
};

struct offers *offers_new(void)
{
    struct offers *o = xcalloc(1, sizeof *o);
    o->next_us = INT64_MAX;
    return o;
}

void offers_clear(struct offers *o)
{
    for (size_t i = 0; i < o->watched.len; i++) {
        condition_free(o->watched.data[i].condition);
        vec_fini(&o->watched.data[i].holds);
    }
    o->watched.len = o->ripe.len = 0;
    o->next_us = INT64_MAX;
}

void offers_free(struct offers *o)
{
    if (!o)
        return;
    offers_clear(o);
    vec_fini(&o->watched);
    vec_fini(&o->ripe);
    free(o);
}

size_t offers_add(struct offers *o, struct offer_condition *c, int64_t for_us)
{
    *vec_push(&o->watched) = (struct watched){.condition = c, .for_us = for_us};
    return o->watched.len - 1;
}

static int hold_compare(const void *left, const void *right)
{
    uint32_t a = ((const struct hold *)left)->entity, b = ((const struct hold *)right)->entity;
    return a < b ? -1 : a > b;
}

static void holds_refresh(struct watched *w, const struct platform *p, int64_t now_us, int64_t wall_us)
{
    enum entity_kind kind = condition_kind(w->condition);
    uint64_t version = platform_version(p, kind);
    if (w->judged && version == w->version && !condition_ages(w->condition))
        return;
    VEC(struct hold) fresh = {0};
    size_t count;
    const struct entity *const *list = platform_list_by_name(p, kind, &count);
    for (size_t i = 0; i < count; i++) {
        if (!condition_holds(w->condition, list[i], wall_us))
            continue;
        struct hold hold = {.entity = list[i]->id, .since_us = now_us, .since_wall_us = wall_us};
        const struct hold *before =
            w->holds.len ? bsearch(&hold, w->holds.data, w->holds.len, sizeof hold, hold_compare) : NULL;
        *vec_push(&fresh) = before ? *before : hold;
    }
    if (fresh.len > 1)
        qsort(fresh.data, fresh.len, sizeof *fresh.data, hold_compare);
    vec_fini(&w->holds);
    w->holds.data = fresh.data;
    w->holds.len = fresh.len;
    w->holds.cap = fresh.cap;
    w->version = version;
    w->judged = true;
}

/* The offer that a condition makes now; false when none of its holds is ripe. */
static bool offer_make(const struct watched *w, size_t index, int64_t now_us, struct offer *out,
                       int64_t *next_us)
{
    const struct hold *longest = NULL;
    *out = (struct offer){.index = index};
    for (size_t i = 0; i < w->holds.len; i++) {
        const struct hold *hold = &w->holds.data[i];
        if (now_us - hold->since_us < w->for_us) {
            int64_t ripe_us = hold->since_us + w->for_us;
            if (ripe_us < *next_us)
                *next_us = ripe_us;
            continue;
        }
        out->entity_count++;
        if (!longest || hold->since_us < longest->since_us)
            longest = hold;
    }
    if (!longest)
        return false;
    out->entity = longest->entity;
    out->since_us = longest->since_wall_us;
    return true;
}

bool offers_update(struct offers *o, const struct platform *p, int64_t now_us, int64_t wall_us)
{
    size_t made = 0;
    bool changed = false;
    o->next_us = INT64_MAX;
    for (size_t i = 0; i < o->watched.len; i++) {
        struct offer offer;
        holds_refresh(&o->watched.data[i], p, now_us, wall_us);
        if (!offer_make(&o->watched.data[i], i, now_us, &offer, &o->next_us))
            continue;
        if (made == o->ripe.len)
            vec_push(&o->ripe);
        struct offer *kept = &o->ripe.data[made++];
        changed |= kept->index != offer.index || kept->entity != offer.entity ||
                   kept->since_us != offer.since_us || kept->entity_count != offer.entity_count;
        *kept = offer;
    }
    changed |= made != o->ripe.len;
    o->ripe.len = made;
    return changed;
}

const struct offer *offers_list(const struct offers *o, size_t *count)
{
    *count = o->ripe.len;
    return o->ripe.data;
}

int64_t offers_next_us(const struct offers *o)
{
    return o->next_us;
}
