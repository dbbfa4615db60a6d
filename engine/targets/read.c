#include <stdlib.h>
#include <string.h>

#include "engine/targets/row.h"

struct reading {
    VEC(struct target_view) views;
};

static double share_of(uint32_t part, uint32_t calls)
{
    return calls ? (double)part / calls : 0;
}

static void breaker_view(struct row *row, int64_t now_ms, struct target_view *v)
{
    struct breaker *b = &row->breaker;
    v->has_breaker = true;
    v->state = breaker_state(b, now_ms);
    v->generation = b->generation;
    v->same_outage = breaker_same_outage(b, now_ms);
    v->since_wall_us = row->since_us;
    if (v->state != b->state) /* the time has made another one of it, at its deadline */
        v->since_wall_us = clock_wall_us() - (now_ms - breaker_since_ms(b, now_ms)) * US_PER_MS;
    else
        v->hand = row->hand;
    v->due_ms = breaker_due_ms(b, now_ms);
    v->counts = b->counts;
    struct window_sums sums = window_read(&b->window, now_ms);
    v->failure_rate = share_of(sums.failed, sums.calls);
    v->slow_rate = share_of(sums.slow, sums.calls);
}

static int read_work(struct targets *t, void *data, struct err *e)
{
    struct reading *r = data;
    int64_t now_ms = targets_now_ms(t);
    sqlite3_stmt *statement = targets_statement(t, TARGETS_ALL, e);
    int code = ERR_IO;
    r->views.len = 0;
    while (statement && (code = targets_step(t, statement, e)) == 1) {
        struct row row;
        row_read(t, statement, NULL, now_ms, &row);
        struct target_view *v = vec_push(&r->views);
        memcpy(v->name, row.name, sizeof v->name);
        memcpy(v->chain, row.chain, sizeof v->chain);
        memcpy(v->last_error, row.error, sizeof v->last_error);
        v->tier = row.tier;
        v->tier_count = row.tiers;
        v->cost = row.cost;
        v->accuracy = row.accuracy;
        v->due_ms = -1;
        v->used_wall_us = row.used_us;
        if (row.has_breaker)
            breaker_view(&row, now_ms, v);
        if ((code = sums_read(t, row.id, now_ms, v->spans, e)) < 0)
            break;
    }
    sqlite3_reset(statement);
    return code;
}

int targets_read(struct targets *t, struct target_view **views, size_t *count, struct err *e)
{
    struct reading reading = {0};
    int code = targets_transact(t, false, read_work, &reading, e);
    if (code < 0)
        vec_fini(&reading.views);
    *views = reading.views.data;
    *count = reading.views.len;
    return code < 0 ? code : 0;
}

#define COUNT_MS 5000  /* so often countdowns are brought up to date */
#define FADE_MS  15000 /* and so often measures that fade */
#define HOUR_US  (3600 * US_PER_S)

int64_t views_good_ms(const struct target_view *views, size_t count, int64_t wall_us)
{
    int64_t good_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        int64_t due_ms = views[i].has_breaker ? views[i].due_ms : -1;
        if (due_ms > COUNT_MS)
            due_ms = COUNT_MS;
        if (due_ms >= 0 && due_ms < good_ms)
            good_ms = due_ms;
        if (wall_us - views[i].used_wall_us < HOUR_US && FADE_MS < good_ms)
            good_ms = FADE_MS;
    }
    return good_ms;
}
