#include "engine/resilience/deadlines.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

static bool earlier(const struct deadline *a, const struct deadline *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->id < b->id;
}

static void put(struct deadlines *d, size_t place, struct deadline item)
{
    d->heap[place] = item;
    d->places[item.id] = (uint32_t)place + 1;
}

/* Finds the place of an item above or at `place`, whose own content is void. */
static void rise(struct deadlines *d, size_t place, struct deadline item)
{
    while (place > 0 && earlier(&item, &d->heap[(place - 1) / 2])) {
        put(d, place, d->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(d, place, item);
}

/* The same, below or at it. */
static void sink(struct deadlines *d, size_t place, struct deadline item)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < d->count && earlier(&d->heap[child + 1], &d->heap[child]))
            child++;
        if (child >= d->count || !earlier(&d->heap[child], &item))
            break;
        put(d, place, d->heap[child]);
        place = child;
    }
    put(d, place, item);
}

static void settle(struct deadlines *d, size_t place, struct deadline item)
{
    if (place > 0 && earlier(&item, &d->heap[(place - 1) / 2]))
        rise(d, place, item);
    else
        sink(d, place, item);
}

static void make_room(struct deadlines *d, uint32_t id)
{
    if (id >= d->ids) {
        size_t ids = d->ids ? d->ids : 16;
        while (ids <= id)
            ids *= 2;
        d->places = xrealloc(d->places, ids * sizeof *d->places);
        memset(d->places + d->ids, 0, (ids - d->ids) * sizeof *d->places);
        d->ids = ids;
    }
    if (d->count == d->room) {
        d->room = d->room ? 2 * d->room : 16;
        d->heap = xrealloc(d->heap, d->room * sizeof *d->heap);
    }
}

void deadlines_set(struct deadlines *d, uint32_t id, int64_t at_ms)
{
    struct deadline item = {at_ms, id};
    if (id < d->ids && d->places[id] > 0) {
        settle(d, d->places[id] - 1, item);
        return;
    }
    make_room(d, id);
    rise(d, d->count++, item);
}

void deadlines_drop(struct deadlines *d, uint32_t id)
{
    if (id >= d->ids || d->places[id] == 0)
        return;
    size_t place = d->places[id] - 1;
    d->places[id] = 0;
    struct deadline last = d->heap[--d->count];
    if (place < d->count)
        settle(d, place, last);
}

bool deadlines_first(const struct deadlines *d, struct deadline *first)
{
    if (d->count == 0)
        return false;
    *first = d->heap[0];
    return true;
}

bool deadlines_take(struct deadlines *d, int64_t now_ms, struct deadline *taken)
{
    if (!deadlines_first(d, taken) || taken->at_ms > now_ms)
        return false;
    deadlines_drop(d, taken->id);
    return true;
}

void deadlines_fini(struct deadlines *d)
{
    free(d->heap);
    free(d->places);
    *d = (struct deadlines){0};
}
