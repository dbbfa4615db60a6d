/* The journal can't be written, and somebody has to act all the same: an emergency journal is made elsewhere,
 * with the runs of this console that can go on in it; the console then starts again from there. And the way
 * back: what an import brings along besides events are the steps' folders. */
#include "engine/walk.h"

#include <stdio.h>
#include <stdlib.h>

const char *engine_emergency(const struct engine *engine)
{
    return engine->config->journal == CONFIG_JOURNAL_EMERGENCY ? engine->config->journal_folder : NULL;
}

/* ---- those that wait for their import ---- */

struct emergency_waiting {
    char *path;
    int64_t *runs;
    size_t run_count;
    bool damaged;
};

struct looking {
    struct engine *engine;
    struct str said;
};

static int on_waiting(const struct journal_waiting *waiting, void *data)
{
    struct looking *l = data;
    struct emergency_waiting *w = vec_push(&l->engine->emergency.waiting);
    *w = (struct emergency_waiting){
        .path = xstrdup(waiting->path), .run_count = waiting->run_count, .damaged = waiting->damage != NULL};
    w->runs = xmalloc((waiting->run_count + 1) * sizeof *w->runs);
    for (size_t i = 0; i < waiting->run_count; i++)
        w->runs[i] = waiting->runs[i];
    str_add(&l->said, l->said.len ? "; " : "");
    for (size_t i = 0; i < waiting->run_count; i++)
        str_addf(&l->said, "%s%lld%s", i ? ", " : "run ", (long long)waiting->runs[i],
                 i + 1 < waiting->run_count ? "" : " went on in ");
    str_addf(&l->said, "%s%s%s", waiting->path, waiting->damage ? ": " : "",
             waiting->damage ? waiting->damage : "");
    return 0;
}

static void waiting_drop(struct engine *engine)
{
    for (size_t i = 0; i < engine->emergency.waiting.len; i++) {
        free(engine->emergency.waiting.data[i].path);
        free(engine->emergency.waiting.data[i].runs);
    }
    engine->emergency.waiting.len = 0;
}

void emergency_look(struct engine *engine)
{
    struct looking l = {.engine = engine};
    if (!engine->chronicle.journal || engine_emergency(engine))
        return;
    waiting_drop(engine);
    journal_waiting(engine->chronicle.journal, on_waiting, &l, NULL);
    char *said = l.said.len ? xstrdup(str_text(&l.said)) : NULL;
    if (!str_eq(said ? said : "", engine->emergency.said ? engine->emergency.said : ""))
        engine_changed(engine, ENGINE_TROUBLE | ENGINE_RUNS);
    free(engine->emergency.said);
    engine->emergency.said = said;
    str_fini(&l.said);
}

const char *emergency_of(const struct engine *engine, int64_t run)
{
    for (size_t i = 0; i < engine->emergency.waiting.len; i++) {
        const struct emergency_waiting *w = &engine->emergency.waiting.data[i];
        for (size_t k = 0; k < w->run_count; k++)
            if (w->runs[k] == run)
                return w->path;
        if (w->damaged)
            return w->path;
    }
    return NULL;
}

const char *engine_emergency_waiting(const struct engine *engine)
{
    return engine->emergency.said;
}

void emergency_fini(struct engine *engine)
{
    waiting_drop(engine);
    vec_fini(&engine->emergency.waiting);
    free(engine->emergency.said);
    free(engine->emergency.made);
}

/* ---- what goes on there ---- */

struct making {
    struct engine *engine;
    struct journal *main;
    struct spool *spool;
    struct journal_options options;
    char *folder, *actor, *path;
    VEC(int64_t) runs;
    VEC(char *) keys; /* of their ended steps, in the spool */
    int64_t running;  /* a run of which a step still runs */
    bool again;
    struct err e;
    engine_done *done;
    void *context;
};

struct steps {
    struct making *making;
    char prefix[40];
    bool running;
};

static void on_step(void *data, const struct spool_entry *entry)
{
    struct steps *s = data;
    if (!str_starts(entry->key, s->prefix))
        return;
    s->running |= entry->state == SPOOL_RUNNING || entry->state == SPOOL_ALONE;
    if (entry->state == SPOOL_ENDED)
        *vec_push(&s->making->keys) = xstrdup(entry->key);
}

/* A run whose step still runs stays: its outcome comes to the spool of the main journal. */
static void choose_run(struct making *m, const struct walk *w)
{
    struct steps steps = {.making = m};
    size_t keys = m->keys.len;
    if (w->ended || (w->elsewhere && !w->abandoned))
        return;
    snprintf(steps.prefix, sizeof steps.prefix, "r%lld-", (long long)w->id);
    if (m->spool)
        spool_each(m->spool, on_step, &steps, NULL);
    if (!steps.running) {
        *vec_push(&m->runs) = w->id;
        return;
    }
    m->running = w->id;
    while (m->keys.len > keys)
        free(m->keys.data[--m->keys.len]);
}

/* ---- making it, in the pool ---- */

static int steps_copy(const char *into, void *data, struct err *e)
{
    struct making *m = data;
    char *folder = path_join(into, "spool");
    if (m->keys.len == 0) {
        free(folder);
        return 0;
    }
    struct spool *to = spool_open(folder, m->options.shared, NULL, e);
    int code = to ? 0 : e->code;
    for (size_t i = 0; i < m->keys.len && code == 0; i++)
        code = spool_copy(m->spool, to, m->keys.data[i], m->keys.data[i], e);
    spool_close(to);
    free(folder);
    return code;
}

static void making_work(void *data)
{
    struct making *m = data;
    int64_t last = 0;
    bool readable = m->main && journal_last_seq(m->main, &last, NULL) == 0 && last > 0;
    struct journal_emergency_plan plan = {
        .main = &m->options,
        .from = readable ? m->main : NULL,
        .actor = m->actor,
        .runs = m->runs.data,
        .run_count = readable ? m->runs.len : 0,
        .fill = readable ? steps_copy : NULL,
        .data = m,
    };
    m->again = journal_emergency_make(&plan, &m->path, &m->e) == ERR_EXISTS && m->path;
    if (m->again)
        m->e = (struct err){0};
    if (m->again)
        journal_emergency_open(m->path, &m->e);
}

static void making_free(struct making *m)
{
    for (size_t i = 0; i < m->keys.len; i++)
        free(m->keys.data[i]);
    vec_fini(&m->keys);
    vec_fini(&m->runs);
    free(m->folder);
    free(m->path);
    free(m->actor);
    free(m);
}

static void making_done(void *data)
{
    struct making *m = data;
    m->engine->runs.storing--;
    if (!m->e.code && !m->engine->closing) {
        free(m->engine->emergency.made);
        m->engine->emergency.made = xstrdup(m->path);
    }
    char *message =
        m->e.code
            ? xstrdup(m->e.msg)
            : xasprintf(m->again ? "goes on with the emergency journal %s" : "acting goes on in %s", m->path);
    if (m->done)
        m->done(m->context, m->e.code, message, 0);
    free(message);
    making_free(m);
}

static int admit(const struct engine *engine, struct err *e)
{
    if (engine->read_only)
        return err_set(e, ERR_DENIED, "this console was started with --read-only");
    if (engine_emergency(engine))
        return err_set(e, ERR_USAGE, "this is an emergency journal already: %s", engine_emergency(engine));
    if (engine->runs.restoring > 0)
        return err_set(e, ERR_BUSY, "runs are being read from the journal just now: try again");
    return 0;
}

static void making_go(struct making *m)
{
    m->engine->runs.storing++;
    loop_work(m->engine->loop, making_work, making_done, m);
}

/* Whoever has written nothing yet doesn't know: a word to the journal tells. */
static void on_word(void *context, const struct journal_result *result)
{
    struct making *m = context;
    if (result->code < 0 && !m->engine->closing) {
        making_go(m);
        return;
    }
    if (m->done)
        m->done(m->context, ERR_USAGE, "the journal can be written: nothing else is needed", 0);
    making_free(m);
}

static bool can_be_written(struct making *m)
{
    struct event_draft draft = {.kind = EVENT_JOURNAL_EMERGENCY,
                                .subject = "journal",
                                .outcome = "refused",
                                .summary = "an emergency journal was asked for, and this one can be written"};
    return !m->engine->chronicle.trouble && chronicle_append(m->engine, &draft, 1, on_word, m, NULL) == 0;
}

void request_emergency(struct engine *engine, const struct engine_request *request, engine_done *done,
                       void *context)
{
    struct err e = {0};
    struct making *m = xcalloc(1, sizeof *m);
    *m = (struct making){.engine = engine,
                         .main = engine->chronicle.journal,
                         .spool = engine->runs.spool,
                         .folder = path_join(engine->state_folder, "journal"),
                         .actor = xstrdup(engine->identity.actor),
                         .done = done,
                         .context = context};
    m->options = (struct journal_options){.folder = m->folder,
                                          .platform = engine->config->platform,
                                          .emergency = engine->config->emergency,
                                          .shared = config_is_shared(engine->config)};
    if (admit(engine, &e) == 0)
        for (size_t i = 0; i < engine->runs.walks.len; i++)
            choose_run(m, engine->runs.walks.data[i]);
    if (!e.code && m->running && !str_eq(request->text, "leave"))
        err_set(
            &e, ERR_BUSY,
            "a step of run %lld still runs, so that run would stay behind until the main journal is back: "
            "wait, cancel it, or :emergency leave",
            (long long)m->running);
    if (e.code) {
        if (done)
            done(context, e.code, e.msg, 0);
        making_free(m);
        return;
    }
    if (!can_be_written(m))
        making_go(m);
}

const char *engine_emergency_made(const struct engine *engine)
{
    return engine->emergency.made;
}

/* ---- and back ---- */

struct bringing {
    const char *folder;
    bool shared;
    struct spool *from, *to;
    const struct journal_moved *runs;
    size_t count;
    VEC(char *) copied;
    struct err *e;
    int code;
};

/* "r12-t3" there by its run's number here; NULL: it belongs to no run that comes along. */
static char *key_here(const struct bringing *b, const char *key)
{
    long long run = 0;
    int used = 0;
    if (sscanf(key, "r%lld%n", &run, &used) != 1 || key[used] != '-')
        return NULL;
    for (size_t i = 0; i < b->count; i++)
        if (b->runs[i].there == run && b->runs[i].here)
            return xasprintf("r%lld%s", (long long)b->runs[i].here, key + used);
    return NULL;
}

static void bring_step(void *data, const struct spool_entry *entry)
{
    struct bringing *b = data;
    struct spool_entry there;
    if (b->code < 0)
        return;
    if (entry->state == SPOOL_RUNNING || entry->state == SPOOL_ALONE ||
        (entry->state == SPOOL_ARMED && entry->supervised)) {
        b->code =
            err_set(b->e, ERR_BUSY,
                    "a step still runs in %s (%s, pid %lld): wait for its end, or go on there with  belay "
                    "--journal emergency:%s",
                    b->folder, entry->key, (long long)entry->main_pid, b->folder);
        return;
    }
    char *key = key_here(b, entry->key);
    if (key && spool_find(b->to, key, &there, NULL) < 0) {
        b->code = spool_copy(b->from, b->to, entry->key, key, b->e);
        if (b->code == 0)
            *vec_push(&b->copied) = xstrdup(key);
    }
    free(key);
}

static void copied_drop(struct bringing *b, bool undo)
{
    for (size_t i = 0; i < b->copied.len; i++) {
        if (undo)
            execution_forget(b->to, b->copied.data[i], NULL);
        free(b->copied.data[i]);
    }
    b->copied.len = 0;
}

/* Under the emergency journal's lock: opened before, its spool could come to be in a folder that another
 * import has just put aside. */
static int bring_steps(void *data, const struct journal_moved *runs, size_t count, struct err *e)
{
    struct bringing *b = data;
    char *from = path_join(b->folder, "spool");
    if (!b->from)
        b->from = spool_open(from, b->shared, NULL, e);
    free(from);
    if (!b->from)
        return e->code;
    copied_drop(b, true);
    b->runs = runs;
    b->count = count;
    b->e = e;
    b->code = 0;
    int code = spool_each(b->from, bring_step, b, e);
    return b->code < 0 ? b->code : code;
}

int engine_import(const struct config *config, struct journal *into, const char *folder, const char *actor,
                  struct journal_import *report, struct err *e)
{
    struct bringing b = {.folder = folder, .shared = config_is_shared(config)};
    char *user = presence_of_anybody(folder), *state = config_state_folder(config);
    char *to = path_join(state, "spool");
    int code =
        user ? err_set(e, ERR_BUSY, "%s still works in %s: that console quits first", user, folder) : 0;
    if (code == 0)
        code = (b.to = spool_open(to, b.shared, NULL, e)) ? 0 : e->code;
    if (code == 0)
        code = journal_import(folder, into, actor, bring_steps, &b, report, e);
    copied_drop(&b, code < 0 && code != ERR_TIMED_OUT);
    vec_fini(&b.copied);
    spool_close(b.from);
    spool_close(b.to);
    free(user);
    free(state);
    free(to);
    return code;
}
