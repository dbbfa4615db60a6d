#include "engine/sources/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

#define POINTS       64
#define SPACING      60 /* a window is kept in so many steps */
#define FORGET_AFTER 20 /* passes without a note */

struct point {
    int64_t at_us;
    double total; /* grown since the series is known */
};

struct series {
    double last, total;
    struct point points[POINTS]; /* a ring, oldest first from `first` */
    size_t first, count;
    uint64_t pass;
};

struct series_table {
    struct map *series;
    uint64_t pass;
};

struct series_table *series_table_new(void)
{
    struct series_table *t = xcalloc(1, sizeof *t);
    t->series = map_new();
    return t;
}

void series_table_free(struct series_table *t)
{
    if (!t)
        return;
    const char *key;
    void *value;
    for (size_t i = 0; map_next(t->series, &i, &key, &value);)
        free(value);
    map_free(t->series);
    free(t);
}

static struct point *point_at(struct series *s, size_t index)
{
    return &s->points[(s->first + index) % POINTS];
}

/* Drops what is no longer needed to know the total at the start of the window. */
static void forget_before(struct series *s, int64_t start_us)
{
    while (s->count > 1 && point_at(s, 1)->at_us <= start_us) {
        s->first = (s->first + 1) % POINTS;
        s->count--;
    }
}

static void point_add(struct series *s, int64_t now_us, int64_t window_us)
{
    if (s->count && now_us - point_at(s, s->count - 1)->at_us < window_us / SPACING)
        return;
    if (s->count == POINTS) {
        s->first = (s->first + 1) % POINTS;
        s->count--;
    }
    *point_at(s, s->count++) = (struct point){now_us, s->total};
}

enum series_result series_increase(struct series_table *t, const char *key, double value, int64_t now_us,
                                   int64_t window_us, double *increase, int64_t *span_us)
{
    if (!isfinite(value))
        return SERIES_WARMING;
    struct series *s = map_get(t->series, key);
    if (!s) {
        if (map_count(t->series) >= SERIES_LIMIT)
            return SERIES_FULL;
        s = xcalloc(1, sizeof *s);
        s->last = value;
        map_set(t->series, key, s);
    }
    s->pass = t->pass;
    s->total += value >= s->last ? value - s->last : value;
    s->last = value;
    /* The oldest point still in or just before the window; one of long ago says nothing about now. */
    forget_before(s, now_us - window_us);
    if (s->count && now_us - point_at(s, 0)->at_us > 4 * window_us)
        s->count = 0;
    bool known = s->count && point_at(s, 0)->at_us < now_us;
    if (known) {
        *increase = s->total - point_at(s, 0)->total;
        *span_us = now_us - point_at(s, 0)->at_us;
    }
    point_add(s, now_us, window_us);
    return known ? SERIES_READY : SERIES_WARMING;
}

void series_sweep(struct series_table *t)
{
    const char *key;
    void *value;
    t->pass++;
    if (t->pass % FORGET_AFTER)
        return;
    VEC(char *) old = {0};
    for (size_t i = 0; map_next(t->series, &i, &key, &value);) {
        const struct series *s = value;
        if (t->pass - s->pass > FORGET_AFTER)
            *vec_push(&old) = xstrdup(key);
    }
    for (size_t i = 0; i < old.len; i++) {
        free(map_remove(t->series, old.data[i]));
        free(old.data[i]);
    }
    vec_fini(&old);
}
