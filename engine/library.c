/* The runbooks that are known here: read and parsed in the pool, offered when their conditions hold, listed
 * in the order in which somebody in a hurry wants them. */
#include "engine/state.h"
#include "engine/walk.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LIBRARY_FILES_MAX 1000
#define LIBRARY_DEPTH     4

struct document {
    struct engine *engine;
    char *path;
    struct runbook *book;
    char *error;
    bool offered;
    char *offered_entity;
    int64_t offered_since_us;
    int64_t last_run_us, last_rehearsed_us;
};

struct usual {
    int64_t low_ms, high_ms;
};

/* ---- loading ------------------------------------------------------------------------------------------ */

struct loading {
    char *path;
    struct str bytes;
    struct runbook *book;
    struct err e;
    library_done *done;
    void *context;
};

static void loading_work(void *data)
{
    struct loading *l = data;
    if (file_read(l->path, RUNBOOK_BYTES_MAX, &l->bytes, &l->e) < 0)
        return;
    l->book = runbook_parse(l->path, str_text(&l->bytes), l->bytes.len, &l->e);
}

static void loading_done(void *data)
{
    struct loading *l = data;
    l->done(l->context, l->book, &l->bytes, &l->e);
    str_fini(&l->bytes);
    free(l->path);
    free(l);
}

void library_load(struct engine *engine, const char *path, library_done *done, void *context)
{
    struct loading *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(path);
    l->done = done;
    l->context = context;
    loop_work(engine->loop, loading_work, loading_done, l);
}

/* ---- the documents --------------------------------------------------------------------------------------
 */

static void offers_rebuild(struct engine *engine)
{
    offers_clear(engine->library.offers);
    engine->library.offer_document.len = 0;
    for (size_t i = 0; i < engine->library.originals.len; i++) {
        const struct runbook *book = engine->library.originals.data[i]->book;
        for (size_t k = 0; book && k < book->offers.len; k++) {
            struct offer_condition *condition = condition_parse(book->offers.data[k].condition, NULL);
            if (!condition)
                continue;
            offers_add(engine->library.offers, condition, book->offers.data[k].for_ms * US_PER_MS);
            *vec_push(&engine->library.offer_document) = i;
        }
    }
}

static void document_loaded(void *context, struct runbook *book, struct str *bytes, const struct err *e)
{
    (void)bytes;
    struct document *d = context;
    struct engine *engine = d->engine;
    struct err why = {0};
    engine->library.parsing--;
    d->book = book;
    if (!book)
        d->error = xstrdup(e->msg);
    else if (runbook_runnable(book, &why) < 0)
        d->error = xstrdup(why.msg);
    if (engine->closing)
        return;
    if (engine->library.parsing == 0) {
        offers_rebuild(engine);
        library_offers_changed(engine);
    }
    engine_changed(engine, ENGINE_OFFERS);
}

static void document_add(struct engine *engine, const char *path)
{
    if (engine->library.originals.len >= LIBRARY_FILES_MAX)
        return;
    struct document *d = xcalloc(1, sizeof *d);
    d->engine = engine;
    d->path = xstrdup(path);
    *vec_push(&engine->library.originals) = d;
    *vec_push(&engine->library.documents) = d;
    engine->library.parsing++;
    library_load(engine, path, document_loaded, d);
}

void library_know(struct engine *engine, const char *path)
{
    for (size_t i = 0; i < engine->library.originals.len; i++)
        if (str_eq(engine->library.originals.data[i]->path, path))
            return;
    document_add(engine, path);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void folder_add(struct engine *engine, const char *path, int depth)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        char *child = path_join(path, entries[i]->d_name);
        struct stat info;
        bool hidden = entries[i]->d_name[0] == '.';
        if (!hidden && stat(child, &info) == 0) {
            if (S_ISDIR(info.st_mode) && depth > 0)
                folder_add(engine, child, depth - 1);
            else if (S_ISREG(info.st_mode) && str_ends(child, ".md"))
                document_add(engine, child);
        }
        free(child);
        free(entries[i]);
    }
    free(entries);
}

/* ---- what earlier runs tell: last run, usual duration ----------------------------------------------------
 */

static void usual_learn(struct engine *engine, const cJSON *data)
{
    const char *book = json_string(data, "book", NULL), *step = json_string(data, "step", NULL);
    int64_t ms = json_int(data, "ms", -1);
    if (!book || !step || ms < 0 || str_eq(book, RUNBOOK_ACT_ID) ||
        !str_eq(json_string(data, "end", ""), "exited"))
        return;
    char *key = xasprintf("%s/%s", book, step);
    struct usual *usual = map_get(engine->library.usual, key);
    if (!usual) {
        usual = xcalloc(1, sizeof *usual);
        *usual = (struct usual){ms, ms};
        map_set(engine->library.usual, key, usual);
    }
    usual->low_ms = ms < usual->low_ms ? ms : usual->low_ms;
    usual->high_ms = ms > usual->high_ms ? ms : usual->high_ms;
    free(key);
}

static void last_run_learn(struct engine *engine, const cJSON *data, int64_t at_us)
{
    const char *path = json_string(data, "path", "");
    bool rehearsed = json_bool(data, "rehearsed", false);
    if (json_bool(data, "checks_only", false))
        return; /* nothing of it was tried */
    for (size_t i = 0; i < engine->library.originals.len; i++) {
        struct document *d = engine->library.originals.data[i];
        int64_t *last = rehearsed ? &d->last_rehearsed_us : &d->last_run_us;
        if (str_eq(d->path, path) && at_us > *last)
            *last = at_us;
    }
}

void library_event(struct engine *engine, const struct event *event)
{
    if (event->kind != EVENT_RUN_STARTED && event->kind != EVENT_STEP_OUTCOME)
        return;
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    if (event->kind == EVENT_RUN_STARTED)
        last_run_learn(engine, data, event->at_us);
    else if (json_bool(data, "acts", false) && !json_bool(data, "rehearsed", false))
        usual_learn(engine, data);
    cJSON_Delete(data);
}

bool engine_step_usual_ms(const struct engine *engine, int64_t run, int step, int64_t *low_ms,
                          int64_t *high_ms)
{
    const struct walk *w = walk_find(engine, run);
    if (!w || !w->book || step < 0 || (size_t)step >= w->book->steps.len)
        return false;
    char *key = xasprintf("%s/%s", w->book->id, w->book->steps.data[step].id);
    const struct usual *usual = map_get(engine->library.usual, key);
    free(key);
    if (!usual)
        return false;
    *low_ms = usual->low_ms;
    *high_ms = usual->high_ms;
    return true;
}

/* ---- offers -----------------------------------------------------------------------------------------------
 */

static struct document *document_of(const struct engine *engine, const char *fix)
{
    size_t length = strcspn(fix, "#");
    for (size_t i = 0; i < engine->library.originals.len; i++) {
        struct document *d = engine->library.originals.data[i];
        if (d->book && strlen(d->book->id) == length && strncmp(d->book->id, fix, length) == 0)
            return d;
    }
    return NULL;
}

static void offer(struct document *d, const char *entity, int64_t since_us)
{
    if (!d || d->offered)
        return;
    d->offered = true;
    d->offered_entity = xstrdup(entity);
    d->offered_since_us = since_us;
}

void library_offers_refresh(struct engine *engine)
{
    if (!engine->library.offers)
        return;
    for (size_t i = 0; i < engine->library.originals.len; i++) {
        struct document *d = engine->library.originals.data[i];
        d->offered = false;
        free(d->offered_entity);
        d->offered_entity = NULL;
    }
    size_t count = 0;
    const struct offer *ripe = offers_list(engine->library.offers, &count);
    for (size_t i = 0; i < count; i++) {
        const struct entity *entity = platform_entity(engine->watch.platform, ripe[i].entity);
        if (!entity)
            continue;
        struct str title = {0};
        entity_title(entity, &title);
        offer(engine->library.originals.data[engine->library.offer_document.data[ripe[i].index]],
              str_text(&title), ripe[i].since_us);
        str_fini(&title);
    }
    struct engine_healing healing;
    for (size_t i = 0; engine_healing_at(engine, i, &healing); i++)
        offer(document_of(engine, healing.fix), healing.resource, healing.since_us);
    engine_changed(engine, ENGINE_OFFERS);
}

void library_offers_changed(struct engine *engine)
{
    int64_t now = loop_now_us(engine->loop), wall = clock_wall_us();
    if (engine->library.offers && engine->library.parsing == 0 &&
        offers_update(engine->library.offers, engine->watch.platform, now, wall))
        library_offers_refresh(engine);
}

/* ---- the list ---------------------------------------------------------------------------------------------
 */

enum walk_wanted { WALK_OPEN, WALK_INTERRUPTED, WALK_REHEARSED };

static const struct walk *walk_of(const struct document *d, enum walk_wanted wanted)
{
    const struct engine *engine = d->engine;
    for (size_t i = engine->runs.walks.len; i-- > 0;) {
        const struct walk *w = engine->runs.walks.data[i];
        bool same = !w->ended && w->book && str_eq(w->book->path, d->path) &&
                    run_rehearsed(w->run) == (wanted == WALK_REHEARSED);
        if (same && (wanted != WALK_INTERRUPTED || walk_interrupted(w)))
            return w;
    }
    return NULL;
}

static int rank(const struct document *d)
{
    return walk_of(d, WALK_INTERRUPTED) ? 0 : walk_of(d, WALK_OPEN) ? 1 : d->offered ? 2 : 3;
}

static int by_rank(const void *a, const void *b)
{
    const struct document *left = *(struct document *const *)a, *right = *(struct document *const *)b;
    int difference = rank(left) - rank(right);
    if (difference)
        return difference;
    int title =
        strcmp(left->book ? left->book->title : left->path, right->book ? right->book->title : right->path);
    return title ? title : strcmp(left->path, right->path);
}

void library_order(struct engine *engine)
{
    if (engine->library.documents.len > 1)
        qsort(engine->library.documents.data, engine->library.documents.len,
              sizeof engine->library.documents.data[0], by_rank);
}

size_t engine_runbook_count(const struct engine *engine)
{
    return engine->library.documents.len;
}

void engine_runbook_at(const struct engine *engine, size_t index, struct engine_runbook *view)
{
    const struct document *d = engine->library.documents.data[index];
    const struct walk *interrupted = walk_of(d, WALK_INTERRUPTED), *open = walk_of(d, WALK_OPEN),
                      *rehearsal = walk_of(d, WALK_REHEARSED);
    *view = (struct engine_runbook){
        .book = d->book,
        .path = d->path,
        .error = d->error,
        .offered = d->offered,
        .offered_entity = d->offered_entity,
        .offered_since_us = d->offered_since_us,
        .last_run_us = d->last_run_us,
        .last_rehearsed_us = d->last_rehearsed_us,
        .interrupted_run = interrupted ? interrupted->id : 0,
        .open_run = open ? open->id : 0,
        .open_rehearsal = rehearsal ? rehearsal->id : 0,
    };
}

bool engine_listed(const struct engine *engine)
{
    bool in_order = (engine->changed & (ENGINE_OFFERS | ENGINE_RUNS)) == 0; /* see changes_tell */
    return in_order && engine->library.parsing == 0 && engine->chronicle.loaded &&
           engine->runs.restoring == 0;
}

bool engine_settled(const struct engine *engine)
{
    return engine->library.parsing == 0 && engine->chronicle.loaded && !engine->chronicle.reading &&
           engine->runs.restoring == 0 && walks_settled(engine);
}

void library_open(struct engine *engine)
{
    engine->library.offers = offers_new();
    engine->library.usual = map_new();
    for (char **path = engine->config->runbooks; path && *path; path++) {
        struct stat info;
        if (stat(*path, &info) == 0 && S_ISDIR(info.st_mode))
            folder_add(engine, *path, LIBRARY_DEPTH);
        else
            document_add(engine, *path);
    }
}

void library_close(struct engine *engine)
{
    while (engine->library.parsing > 0)
        loop_run_once(engine->loop, US_PER_S);
    for (size_t i = 0; i < engine->library.originals.len; i++) {
        struct document *d = engine->library.originals.data[i];
        runbook_free(d->book);
        free(d->path);
        free(d->error);
        free(d->offered_entity);
        free(d);
    }
    const char *key;
    void *value;
    for (size_t i = 0; engine->library.usual && map_next(engine->library.usual, &i, &key, &value);)
        free(value);
    map_free(engine->library.usual);
    offers_free(engine->library.offers);
    engine->library.offers = NULL;
    vec_fini(&engine->library.originals);
    vec_fini(&engine->library.documents);
    vec_fini(&engine->library.offer_document);
}
