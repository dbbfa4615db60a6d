/* Sharing the breakers that a process keeps in memory. The databases are opened, read and written in the pool
 * alone, by one job at a time: whoever holds the guard keeps a thread of the pool waiting, never the loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/targets/row.h"

#define LOOK_US  US_PER_S
#define CLOSE_US (3 * US_PER_S)
#define FOLDERS  2

struct place { /* a state database; belongs to the job that runs */
    char *folder;
    bool shared, read_only;
    bool found; /* never made: used once somebody else has */
    struct targets *targets;
    int64_t version;
    bool known;
    int64_t again_ms; /* boot time: a state changes by time alone, or counts down */
    struct target_view *views;
    size_t count;
};

struct shared_one {
    struct kept *kept; /* looked at on the loop only */
    struct kept copy;
    bool adopted, written;
    struct breaker_counts was; /* the copy's counts before it was merged */
};

struct forced {
    char name[TARGET_NAME_LIMIT + 1];
    enum breaker_state state;
    struct target_hand hand;
    void (*done)(void *data, int code, const char *message);
    void *data;
    struct err e;
    int code;
};

struct job {
    struct keeper *keeper; /* NULL: it has gone */
    struct place places[FOLDERS];
    size_t place_count;
    VEC(struct shared_one) shared;
    VEC(struct forced) forced;
    bool news, failed;
    char trouble[256];
};

struct keeper {
    struct loop *loop;
    struct loop_timer *timer;
    void (*changed)(void *data);
    void *data;
    VEC(struct kept *) kept;
    VEC(struct forced) waiting;
    VEC(struct target_view) views;
    size_t shared_count; /* of them: of the first database */
    struct job *idle;    /* the job while it isn't in the pool, */
    struct job *busy;    /* and while it is */
    char trouble[256];
    bool ready;
};

/* ---- in the pool ---- */

static void share_all(struct job *j, struct err *e)
{
    struct place *p = &j->places[0];
    for (size_t i = 0; i < j->shared.len && !p->read_only; i++) {
        struct shared_one *s = &j->shared.data[i];
        s->was = s->copy.breaker.counts;
        s->written = target_share(p->targets, s->copy.name, &s->copy.rules, &s->copy.breaker, &s->copy.since,
                                  s->copy.error[0] ? s->copy.error : NULL, &s->adopted, e) == 0;
        if (!s->written)
            return;
    }
}

static void force_all(struct job *j)
{
    for (size_t i = 0; i < j->forced.len; i++) {
        struct forced *f = &j->forced.data[i];
        f->code = err_set(&f->e, ERR_NOT_FOUND, "there is no breaker \"%s\" of belay's own", f->name);
        for (size_t n = 0; n < j->place_count && f->code == ERR_NOT_FOUND; n++)
            if (j->places[n].targets)
                f->code = target_force(j->places[n].targets, f->name, f->state, &f->hand, &f->e);
    }
}

static bool place_open(struct place *p, struct err *e)
{
    char *path = p->found && !p->targets ? path_join(p->folder, "state.db") : NULL;
    bool none = path && access(path, F_OK) < 0;
    free(path);
    if (none)
        return false;
    return p->targets || targets_open(p->folder, p->shared, p->read_only, &p->targets, e) == 0;
}

/* Another process, or time, may have changed something: then all of it is read again. */
static void place_look(struct job *j, struct place *p, struct err *e)
{
    int64_t version = 0;
    if (targets_version(p->targets, &version, e) < 0 ||
        (p->known && version == p->version && targets_now_ms(p->targets) < p->again_ms))
        return;
    free(p->views);
    p->views = NULL;
    p->count = 0;
    if (targets_read(p->targets, &p->views, &p->count, e) < 0)
        return;
    int64_t good_ms = views_good_ms(p->views, p->count, clock_wall_us());
    p->again_ms = good_ms == INT64_MAX ? INT64_MAX : targets_now_ms(p->targets) + good_ms;
    p->known = j->news = true;
    p->version = version;
}

static void job_work(void *data)
{
    struct job *j = data;
    struct err e = {0};
    const char *warning = NULL;
    j->trouble[0] = '\0';
    for (size_t i = 0; i < j->place_count; i++) {
        struct err why = {0};
        bool opened = place_open(&j->places[i], &why);
        if (opened && i == 0)
            share_all(j, &why);
        if (!opened && why.code == ERR_NOT_FOUND)
            why.code = 0; /* a reader's: nothing is there yet */
        if (why.code && e.code == 0)
            e = why;
        if (opened && !warning)
            warning = targets_warning(j->places[i].targets);
    }
    force_all(j);
    for (size_t i = 0; i < j->place_count; i++)
        if (j->places[i].targets)
            place_look(j, &j->places[i], e.code ? NULL : &e);
    j->failed = e.code != 0;
    if (e.code || warning)
        snprintf(j->trouble, sizeof j->trouble, "%s", e.code ? e.msg : warning);
}

/* ---- on the loop ---- */

static void job_free(struct job *j)
{
    for (size_t i = 0; i < j->place_count; i++) {
        targets_close(j->places[i].targets);
        free(j->places[i].views);
        free(j->places[i].folder);
    }
    vec_fini(&j->shared);
    vec_fini(&j->forced);
    free(j);
}

/* What the kept one did meanwhile stays its own. */
static void take_merged(const struct shared_one *s)
{
    struct kept *k = s->kept;
    struct breaker_counts counts = s->copy.breaker.counts;
    counts_grow(&counts, &k->breaker.counts, &s->was);
    k->since = s->copy.since;
    if (s->adopted && s->copy.breaker.generation > k->breaker.generation) {
        uint32_t unresolved = k->breaker.unresolved;
        k->breaker = s->copy.breaker;
        k->breaker.unresolved = unresolved;
        k->since_us = clock_wall_us();
    }
    k->breaker.counts = counts;
}

static bool views_take(struct keeper *k, struct job *j)
{
    if (!j->news)
        return false;
    k->views.len = 0;
    for (size_t i = 0; i < j->place_count; i++)
        for (size_t n = 0; n < j->places[i].count; n++)
            *vec_push(&k->views) = j->places[i].views[n];
    k->shared_count = j->places[0].count;
    j->news = false;
    return true;
}

static int view_compare(const void *name, const void *view)
{
    return strcmp(name, ((const struct target_view *)view)->name);
}

/* In the database that kept ones are shared through: sorted by name. */
static const struct target_view *view_find(const struct keeper *k, const char *name)
{
    return bsearch(name, k->views.data, k->shared_count, sizeof *k->views.data, view_compare);
}

/* Somebody else has changed the state of one that is kept here: sharing it will bring that in. */
static void news_of_kept(struct keeper *k)
{
    if (k->shared_count == 0)
        return;
    for (size_t i = 0; i < k->kept.len; i++) {
        struct kept *kept = k->kept.data[i];
        const struct target_view *v = view_find(k, kept->name);
        if (!v || !v->has_breaker)
            continue;
        kept->hand = v->hand;
        if (v->generation > kept->breaker.generation)
            kept->changed = true;
    }
}

static void look(void *data);

static void forced_end(struct job *j)
{
    for (size_t i = 0; i < j->forced.len; i++) {
        struct forced *f = &j->forced.data[i];
        f->done(f->data, f->code, f->code < 0 ? f->e.msg : "");
    }
    j->forced.len = 0;
}

static bool has_work(const struct keeper *k)
{
    for (size_t i = 0; i < k->kept.len; i++)
        if (k->kept.data[i]->changed)
            return true;
    return k->waiting.len > 0;
}

static void job_done(void *data)
{
    struct job *j = data;
    struct keeper *k = j->keeper;
    if (!k) {
        job_free(j);
        return;
    }
    k->busy = NULL;
    k->idle = j;
    bool told = !k->ready || strcmp(k->trouble, j->trouble) != 0 || j->shared.len > 0;
    memcpy(k->trouble, j->trouble, sizeof k->trouble);
    for (size_t i = 0; i < j->shared.len; i++) {
        if (j->shared.data[i].written)
            take_merged(&j->shared.data[i]);
        else
            j->shared.data[i].kept->changed = true; /* again at the next look */
    }
    j->shared.len = 0;
    if (views_take(k, j)) {
        news_of_kept(k);
        told = true;
    }
    k->ready = true;
    forced_end(j);
    if (told)
        k->changed(k->data);
    if (has_work(k) && !j->failed)
        look(k);
}

static void look(void *data)
{
    struct keeper *k = data;
    struct job *j = k->idle;
    if (!j)
        return;
    k->idle = NULL;
    k->busy = j;
    for (size_t i = 0; i < k->kept.len; i++) {
        struct kept *kept = k->kept.data[i];
        if (!kept->changed)
            continue;
        *vec_push(&j->shared) = (struct shared_one){.kept = kept, .copy = *kept};
        kept->changed = false;
    }
    for (size_t i = 0; i < k->waiting.len; i++)
        *vec_push(&j->forced) = k->waiting.data[i];
    k->waiting.len = 0;
    loop_work(k->loop, job_work, job_done, j);
}

static void place_add(struct job *j, const char *folder, bool shared, bool read_only, bool found)
{
    j->places[j->place_count++] =
        (struct place){.folder = xstrdup(folder), .shared = shared, .read_only = read_only, .found = found};
}

struct keeper *keeper_new(struct loop *loop, const struct keeper_options *o)
{
    struct keeper *k = xcalloc(1, sizeof *k);
    k->loop = loop;
    k->changed = o->changed;
    k->data = o->data;
    k->idle = xcalloc(1, sizeof *k->idle);
    k->idle->keeper = k;
    place_add(k->idle, o->folder, o->shared, o->read_only, false);
    if (o->also && !str_eq(o->also, o->folder))
        place_add(k->idle, o->also, false, o->read_only, true);
    k->timer = loop_timer_new(loop, look, k);
    loop_timer_start(k->timer, 0, LOOK_US);
    return k;
}

void keeper_add(struct keeper *k, struct kept *kept)
{
    *vec_push(&k->kept) = kept;
}

void keeper_free(struct keeper *k)
{
    if (!k)
        return;
    loop_timer_free(k->timer);
    int64_t until = clock_monotonic_us() + CLOSE_US;
    while (k->busy && k->busy->forced.len > 0 && clock_monotonic_us() < until)
        loop_run_once(k->loop, US_PER_S / 10);
    for (size_t i = 0; k->idle && i < k->kept.len; i++)
        if (k->kept.data[i]->changed && k->ready)
            *vec_push(&k->idle->shared) = (struct shared_one){.copy = *k->kept.data[i]};
    if (k->idle && k->idle->shared.len > 0) {
        struct err e = {0};
        if (place_open(&k->idle->places[0], &e))
            share_all(k->idle, &e);
    }
    if (k->idle)
        job_free(k->idle);
    if (k->busy)
        k->busy->keeper = NULL; /* it frees itself */
    for (size_t i = 0; i < k->waiting.len; i++)
        k->waiting.data[i].done(k->waiting.data[i].data, ERR_CANCELLED, "the console is being closed");
    vec_fini(&k->kept);
    vec_fini(&k->waiting);
    vec_fini(&k->views);
    free(k);
}

bool keeper_ready(const struct keeper *k)
{
    return k->ready;
}

const struct target_view *keeper_views(const struct keeper *k, size_t *count)
{
    *count = k->views.len;
    return k->views.data;
}

struct kept *const *keeper_kept(const struct keeper *k, size_t *count)
{
    *count = k->kept.len;
    return k->kept.data;
}

const char *keeper_trouble(const struct keeper *k)
{
    return k->trouble[0] ? k->trouble : NULL;
}

void keeper_force(struct keeper *k, const char *name, enum breaker_state state,
                  const struct target_hand *hand, void (*done)(void *data, int code, const char *message),
                  void *data)
{
    struct forced *f = vec_push(&k->waiting);
    *f = (struct forced){.state = state, .hand = *hand, .done = done, .data = data};
    snprintf(f->name, sizeof f->name, "%s", name);
    for (size_t i = 0; i < k->kept.len; i++) /* one that never tripped is in no database yet */
        if (strcmp(k->kept.data[i]->name, name) == 0)
            k->kept.data[i]->changed = true;
    look(k);
}
