/* Lists of entities, kept in order: names are sorted when one comes or goes, and the worst-first list is
 * dealt out of that one by condition when somebody looks, without comparing anything. */
#include <ctype.h>
#include <stdlib.h>

#include "engine/platform/model.h"

/* Numbers inside names compare as numbers. */
static int name_compare(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            while (*a == '0')
                a++;
            while (*b == '0')
                b++;
            size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
            if (na != nb)
                return na < nb ? -1 : 1;
            int order = strncmp(a, b, na);
            if (order != 0)
                return order;
            a += na;
            b += nb;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static int entity_compare(const void *left, const void *right)
{
    const struct entity *a = *(const struct entity *const *)left, *b = *(const struct entity *const *)right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int order = name_compare(a->name, b->name);
    if (order == 0)
        order = strcmp(a->name, b->name); /* shard-01 and shard-1 */
    return order != 0 ? order : strcmp(a->source, b->source);
}

/* Few come and go at a time: they are put in their places. Beyond that sorting once, when somebody looks, is
 * cheaper. */
#define PLACED_SINGLY 64

static size_t place_of(const struct order *order, const struct entity *e)
{
    size_t low = 0, high = order->by_name.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entity_compare(&order->by_name.data[middle], &e) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool placed_singly(struct order *order)
{
    order->worst_stale = true;
    if (!order->names_stale && ++order->placed_count > PLACED_SINGLY)
        order->names_stale = true;
    return !order->names_stale;
}

void order_add(struct order *order, const struct entity *e)
{
    if (!placed_singly(order))
        return;
    size_t place = place_of(order, e);
    *vec_push(&order->by_name) = e;
    memmove(order->by_name.data + place + 1, order->by_name.data + place,
            (order->by_name.len - 1 - place) * sizeof *order->by_name.data);
    order->by_name.data[place] = e;
}

void order_remove(struct order *order, const struct entity *e)
{
    if (placed_singly(order))
        vec_remove(&order->by_name, place_of(order, e));
}

static void names_refresh(const struct platform *p, enum entity_kind kind)
{
    struct order *order = &p->orders[kind];
    if (!order->names_stale)
        return;
    order->by_name.len = 0;
    for (size_t i = 0; i < p->sources.len; i++) {
        const struct source *s = p->sources.data[i];
        for (size_t j = 0; j < s->entities.len; j++)
            if (kind == ENTITY_ANY || s->entities.data[j]->view.kind == kind)
                *vec_push(&order->by_name) = &s->entities.data[j]->view;
    }
    if (order->by_name.len > 1)
        qsort(order->by_name.data, order->by_name.len, sizeof *order->by_name.data, entity_compare);
    order->names_stale = false;
    order->placed_count = 0;
    order->worst_stale = true;
}

static void counts_add(struct condition_counts *counts, const struct entity *e)
{
    counts->by[e->condition]++;
    counts->beside[e->condition] += !!(e->flags & ENTITY_BESIDE);
    counts->total++;
    counts->idle += !!(e->flags & ENTITY_IDLE);
    counts->gone += !!(e->flags & ENTITY_GONE);
    counts->flapping += !!(e->flags & ENTITY_FLAPPING);
}

/* Deals the entities of one kind, in by_name from `begin` to `end`, into by_worst. */
static void worst_deal(struct order *order, size_t begin, size_t end)
{
    for (int c = CONDITION_COUNT - 1; c > CONDITION_NONE; c--)
        for (size_t i = begin; i < end; i++)
            if (order->by_name.data[i]->condition == (enum condition)c)
                *vec_push(&order->by_worst) = order->by_name.data[i];
}

static void worst_refresh(const struct platform *p, enum entity_kind kind)
{
    names_refresh(p, kind);
    struct order *order = &p->orders[kind];
    if (!order->worst_stale)
        return;
    order->by_worst.len = 0;
    order->counts = (struct condition_counts){0};
    size_t begin = 0, total = order->by_name.len;
    for (size_t i = 0; i < total; i++) {
        counts_add(&order->counts, order->by_name.data[i]);
        if (i + 1 == total || order->by_name.data[i + 1]->kind != order->by_name.data[i]->kind) {
            worst_deal(order, begin, i + 1);
            begin = i + 1;
        }
    }
    order->worst_stale = false;
    order->placed_count = 0;
}

void orders_free(struct order *orders)
{
    for (int i = 0; i <= ENTITY_KIND_COUNT; i++) {
        vec_fini(&orders[i].by_name);
        vec_fini(&orders[i].by_worst);
    }
    free(orders);
}

const struct entity *const *platform_list(const struct platform *p, enum entity_kind kind, size_t *count)
{
    worst_refresh(p, kind);
    *count = p->orders[kind].by_worst.len;
    return p->orders[kind].by_worst.data;
}

const struct entity *const *platform_list_by_name(const struct platform *p, enum entity_kind kind,
                                                  size_t *count)
{
    names_refresh(p, kind);
    *count = p->orders[kind].by_name.len;
    return p->orders[kind].by_name.data;
}

struct condition_counts platform_counts(const struct platform *p, enum entity_kind kind)
{
    worst_refresh(p, kind);
    return p->orders[kind].counts;
}

/* ---- Problems ---- */

static int problem_compare(const struct entity *a, const struct entity *b)
{
    if (a->condition != b->condition)
        return a->condition > b->condition ? -1 : 1;
    if (a->since_us != b->since_us)
        return a->since_us < b->since_us ? -1 : 1;
    return entity_compare(&a, &b);
}

/* Inserts into the best `room` so far. */
static void problem_insert(const struct entity **out, size_t *filled, size_t room, const struct entity *e)
{
    size_t at = *filled;
    while (at > 0 && problem_compare(e, out[at - 1]) < 0)
        at--;
    if (at >= room)
        return;
    size_t moved = (*filled < room ? *filled : room - 1) - at;
    memmove(out + at + 1, out + at, moved * sizeof *out);
    out[at] = e;
    if (*filled < room)
        (*filled)++;
}

static double tier_of(const struct entity *e)
{
    double tier = entity_measure(e, "tier");
    return tier > 0 ? tier : 1e9;
}

/* For each chain the first of its bad tiers; NULL when no tier is bad. */
static struct map *bad_tiers(const struct platform *p)
{
    struct map *first = NULL;
    size_t count;
    const struct entity *const *tiers = platform_list(p, ENTITY_CHAIN, &count);
    for (size_t i = 0; i < count && tiers[i]->condition > CONDITION_OK; i++) {
        if (!first)
            first = map_new();
        const struct entity *known = map_get(first, tiers[i]->group);
        if (!known || tier_of(tiers[i]) < tier_of(known))
            map_set(first, tiers[i]->group, (void *)(uintptr_t)tiers[i]);
    }
    return first;
}

size_t platform_problems(const struct platform *p, const struct entity **out, size_t room, size_t *total)
{
    size_t filled = 0, seen = 0;
    struct map *tiers = bad_tiers(p);
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        size_t count;
        const struct entity *const *list = platform_list(p, (enum entity_kind)kind, &count);
        for (size_t i = 0; i < count && list[i]->condition > CONDITION_OK; i++) {
            bool stands_for_all =
                kind != ENTITY_CHAIN || !*list[i]->group || map_get(tiers, list[i]->group) == list[i];
            if (!stands_for_all || list[i]->flags & ENTITY_BESIDE)
                continue;
            seen++;
            problem_insert(out, &filled, room, list[i]);
        }
    }
    map_free(tiers);
    if (total)
        *total = seen;
    return filled;
}

/* ---- Groups ---- */

size_t platform_groups(const struct platform *p, enum entity_kind kind, const char **names, size_t room)
{
    size_t count, found = 0;
    const struct entity *const *list = platform_list_by_name(p, kind, &count);
    struct map *seen = map_new();
    for (size_t i = 0; i < count; i++) {
        if (!*list[i]->group || map_has(seen, list[i]->group))
            continue;
        map_set(seen, list[i]->group, seen);
        if (found < room)
            names[found] = list[i]->group;
        found++;
    }
    map_free(seen);
    return found;
}

size_t platform_group(const struct platform *p, enum entity_kind kind, const char *group,
                      const struct entity **out, size_t room)
{
    size_t count, found = 0;
    const struct entity *const *list = platform_list_by_name(p, kind, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i]->group, group) != 0)
            continue;
        if (found < room)
            out[found] = list[i];
        found++;
    }
    size_t filled = found < room ? found : room;
    for (size_t i = 1; kind == ENTITY_CHAIN && i < filled; i++) {
        const struct entity *moved = out[i];
        size_t at = i;
        for (; at > 0 && tier_of(out[at - 1]) > tier_of(moved); at--)
            out[at] = out[at - 1];
        out[at] = moved;
    }
    return found;
}
