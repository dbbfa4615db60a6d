/* Watching: the sources into the platform, and, in the one process that holds the watch lease, what changed
 * into the journal. */
#include "engine/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define LEASE_RETRY_US (5 * US_PER_S)

/* ---- the lease -------------------------------------------------------------------------------------- */

static void holder_set(struct engine *engine, char *holder)
{
    bool same = str_eq(engine->watch.holder, holder);
    free(engine->watch.holder);
    engine->watch.holder = holder;
    if (!same)
        engine_changed(engine, ENGINE_SOURCES);
}

static void holder_name(struct engine *engine)
{
    char text[64] = "";
    ssize_t n = pread(engine->watch.lease, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    holder_set(engine, text[0] ? xasprintf("pid %s on this host", text) : xstrdup("another process"));
}

static void lease_try(void *data)
{
    struct engine *engine = data;
    if (engine->watch.lease < 0) {
        char *path = path_join(engine->state_folder, "watch.lock");
        engine->watch.lease = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
        free(path);
    }
    if (engine->watch.lease < 0) {
        holder_set(engine, xstrdup("nobody: the state folder can't be written"));
        return;
    }
    if (flock(engine->watch.lease, LOCK_EX | LOCK_NB) != 0) {
        holder_name(engine);
        return;
    }
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(engine->watch.lease, 0) != 0 ||
        pwrite(engine->watch.lease, text, (size_t)length, 0) != length) {
        holder_set(engine, xstrdup("nobody: the lease can't be written"));
        return;
    }
    loop_timer_stop(engine->watch.lease_timer);
    holder_set(engine, NULL);
    struct event_draft draft = {
        .kind = EVENT_WATCH_STARTED, .actor = "watch", .summary = "watching and journaling what changes"};
    chronicle_append(engine, &draft, 1, NULL, NULL, NULL);
}

bool watch_holds(const struct engine *engine)
{
    return engine->watch.wanted && !engine->read_only && engine->watch.holder == NULL;
}

const char *engine_watch_holder(const struct engine *engine)
{
    return engine->watch.holder;
}

/* ---- what changed, to the journal ------------------------------------------------------------------- */

/* The source's own word, unless it is a number: then the condition says more. */
static const char *state_word(const char *raw, enum condition condition)
{
    char *end;
    strtod(raw, &end);
    return *end != '\0' ? raw : condition_name(condition);
}

static void transition_summary(const struct transition *t, const char *title, struct str *out)
{
    bool same_word = str_eq(t->raw_from, t->raw_to); /* the condition changed: a replica came or went */
    const char *from = state_word(same_word ? "" : t->raw_from, t->from);
    const char *to = state_word(same_word ? "" : t->raw_to, t->to);
    if (t->kind == TRANSITION_CHANGED || t->kind == TRANSITION_RETURNED)
        str_addf(out, "%s %s → %s", title, from, to);
    else if (t->count > 0 && (t->kind == TRANSITION_FLAPPING || t->kind == TRANSITION_SETTLED))
        str_addf(out, "%s %s: %u changes, now %s", title, transition_kind_text(t->kind), t->count, to);
    else if (t->kind == TRANSITION_GONE)
        str_addf(out, "%s gone, was %s", title, from);
    else
        str_addf(out, "%s %s, %s%s", title, transition_kind_text(t->kind), t->count == 0 ? "now " : "", to);
}

static void transition_journal(struct engine *engine, const struct transition *t)
{
    struct str title = {0}, summary = {0};
    char since[CLOCK_TEXT_SIZE];
    clock_format(t->entity->since_us, since);
    entity_title(t->entity, &title);
    transition_summary(t, str_text(&title), &summary);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "kind", entity_kind_text(t->entity->kind));
    cJSON_AddStringToObject(data, "source", t->entity->source);
    cJSON_AddStringToObject(data, "name", t->entity->name);
    cJSON_AddStringToObject(data, "change", transition_kind_text(t->kind));
    cJSON_AddStringToObject(data, "from", condition_name(t->from));
    cJSON_AddStringToObject(data, "to", condition_name(t->to));
    cJSON_AddStringToObject(data, "raw_from", t->raw_from);
    cJSON_AddStringToObject(data, "raw", t->raw_to);
    cJSON_AddStringToObject(data, "since", since);
    json_add_int(data, "count", t->count);
    if (t->entity->reason[0])
        cJSON_AddStringToObject(data, "reason", t->entity->reason);
    char *text = json_print(data);
    struct event_draft draft = {
        .kind = EVENT_TRANSITION,
        .at_us = t->at_us,
        .actor = "watch",
        .subject = str_text(&title),
        .outcome = condition_name(t->to),
        .summary = str_text(&summary),
        .data = text,
    };
    chronicle_append(engine, &draft, 1, NULL, NULL, NULL);
    free(text);
    cJSON_Delete(data);
    str_fini(&title);
    str_fini(&summary);
}

static void on_transition(const struct transition *t, void *data)
{
    struct engine *engine = data;
    bool told_by_source = t->kind == TRANSITION_SILENT || t->kind == TRANSITION_HEARD;
    /* What is first seen well, or not judged yet and then found well, is no news. */
    bool first =
        t->kind == TRANSITION_APPEARED || (t->from == CONDITION_UNKNOWN && t->entity->change_count <= 1);
    if (t->recalled || t->entity->flags & ENTITY_BESIDE) /* the journal has it, or says it of its source */
        return;
    bool news = !first || t->kind == TRANSITION_SETTLED || t->to == CONDITION_DEGRADED || t->to == CONDITION_DOWN;
    if (watch_holds(engine) && news && !told_by_source)
        transition_journal(engine, t);
}

static bool source_unknown(enum source_state state)
{
    return state == SOURCE_SILENT || state == SOURCE_UNCLEAR;
}

/* The single failures are on the source's page and in the log of `belay serve`; here is how many they were.
 */
static char *recovery(const struct engine *engine, const char *name)
{
    struct source_status status = {0};
    int index = sources_find(engine->watch.sources, name);
    if (index >= 0)
        sources_status(engine->watch.sources, (size_t)index, &status);
    return status.failed_before == 0 ? xasprintf("source %s answers again", name)
           : status.failed_before == 1
               ? xasprintf("source %s answers again, after a failed poll", name)
               : xasprintf("source %s answers again, after %u failed polls", name, status.failed_before);
}

static void on_source_change(const struct source_change *c, void *data)
{
    struct engine *engine = data;
    engine_changed(engine, ENGINE_SOURCES);
    bool was_unknown = source_unknown(c->from), is_unknown = source_unknown(c->to);
    /* A first answer, or one failure after it, is neither trouble nor its end. */
    bool news = is_unknown ? c->from != c->to : was_unknown && c->to == SOURCE_OK;
    if (!watch_holds(engine) || !news)
        return;
    char *summary = is_unknown ? xasprintf("source %s is %s: %s", c->source->name, source_state_text(c->to),
                                           c->source->error[0] ? c->source->error : "no answer")
                               : recovery(engine, c->source->name);
    struct event_draft draft = {
        .kind = is_unknown ? EVENT_SOURCE_FAILED : EVENT_SOURCE_RECOVERED,
        .at_us = c->at_us,
        .actor = "watch",
        .subject = c->source->name,
        .outcome = is_unknown ? "unknown" : "ok",
        .summary = summary,
    };
    chronicle_append(engine, &draft, 1, NULL, NULL, NULL);
    free(summary);
}

/* ---- the platform, moved by answers and by time ------------------------------------------------------ */

void watch_moved(struct engine *engine)
{
    int64_t now = loop_now_us(engine->loop);
    library_offers_changed(engine);
    healing_look(engine);
    int64_t next = platform_next_us(engine->watch.platform);
    int64_t ripe = engine->library.offers ? offers_next_us(engine->library.offers) : INT64_MAX;
    next = ripe < next ? ripe : next;
    if (next == INT64_MAX)
        loop_timer_stop(engine->watch.tick_timer);
    else
        loop_timer_start(engine->watch.tick_timer, next > now ? next - now : 0, 0);
    engine_changed(engine, ENGINE_ENTITIES);
}

static void on_tick(void *data)
{
    struct engine *engine = data;
    platform_tick(engine->watch.platform, loop_now_us(engine->loop), clock_wall_us());
    watch_moved(engine);
}

static void on_batch(void *data, const struct batch *b, int64_t now_us, int64_t wall_us)
{
    struct engine *engine = data;
    platform_apply(engine->watch.platform, b, now_us, wall_us);
    watch_moved(engine);
}

static void on_status(void *data, size_t index)
{
    (void)index;
    engine_changed(data, ENGINE_SOURCES);
}

int watch_open(struct engine *engine, struct err *e)
{
    struct platform_events events = {.transition = on_transition, .source = on_source_change, .data = engine};
    struct sources_events answers = {.batch = on_batch, .status = on_status, .data = engine};
    engine->watch.platform = platform_new(&events);
    engine->watch.tick_timer = loop_timer_new(engine->loop, on_tick, engine);
    engine->watch.lease_timer = loop_timer_new(engine->loop, lease_try, engine);
    engine->watch.sources = sources_new(engine->loop, engine->config, &answers, e);
    if (!engine->watch.sources)
        return e ? e->code : ERR_IO;
    sources_set_journal(engine->watch.sources, engine->chronicle.journal, NULL);
    sources_register(engine->watch.sources, engine->watch.platform, loop_now_us(engine->loop),
                     clock_wall_us());
    if (!engine->watch.wanted)
        return 0;
    holder_set(engine, xstrdup("nobody yet"));
    if (!engine->read_only && sources_count(engine->watch.sources) > 0)
        loop_timer_start(engine->watch.lease_timer, 0, LEASE_RETRY_US);
    own_open(engine);
    recollect_then_poll(engine);
    watch_moved(engine);
    return 0;
}

void watch_close(struct engine *engine)
{
    own_close(engine);
    sources_free(engine->watch.sources);
    if (watch_holds(engine) && engine->watch.lease >= 0) {
        struct event_draft draft = {
            .kind = EVENT_WATCH_ENDED, .actor = "watch", .summary = "no longer watching"};
        chronicle_append(engine, &draft, 1, NULL, NULL, NULL);
    }
    if (engine->watch.lease >= 0)
        close(engine->watch.lease);
    loop_timer_free(engine->watch.tick_timer);
    loop_timer_free(engine->watch.lease_timer);
    loop_timer_free(engine->watch.begin_timer);
    platform_free(engine->watch.platform);
    free(engine->watch.holder);
    engine->watch.sources = NULL;
    engine->watch.platform = NULL;
}

const struct platform *engine_platform(const struct engine *engine)
{
    return engine->watch.platform;
}

size_t engine_source_count(const struct engine *engine)
{
    return sources_count(engine->watch.sources);
}

void engine_source_status(const struct engine *engine, size_t index, struct source_status *status)
{
    sources_status(engine->watch.sources, index, status);
}
