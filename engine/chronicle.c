/* The journal as the engine sees it: appends with the actor filled in, and one way in which events come back,
 * whoever wrote them: the journal is read on from where it was read last. */
#include "engine/state.h"

#include <math.h>
#include <stdlib.h>

#include "engine/serve/serve.h"

#define FOLLOW_EVERY_US US_PER_S
#define FOLLOW_PAGE     500
#define INCIDENTS_SHOWN 50

/* ---- following, in the pool --------------------------------------------------------------------------- */

struct reading {
    struct engine *engine;
    struct journal *journal;
    int64_t from, last;
    bool incidents_wanted;
    VEC(struct event *) events;
    VEC(struct journal_incident) incidents;
    bool incidents_read;
    bool mutes_wanted;
    struct mutes mutes; /* those that were there before `from` */
    struct overrides overrides;
    struct err e;
};

static int reading_event(const struct event *event, void *data)
{
    struct reading *r = data;
    *vec_push(&r->events) = event_copy(event);
    r->last = event->seq;
    r->incidents_wanted |= event->kind >= EVENT_INCIDENT_OPENED && event->kind <= EVENT_INCIDENT_CLOSED;
    return 0;
}

static int reading_incident(const struct journal_incident *incident, void *data)
{
    struct reading *r = data;
    if (incident->state != INCIDENT_CLOSED)
        *vec_push(&r->incidents) = *incident;
    return 0;
}

static void reading_work(void *data)
{
    struct reading *r = data;
    int64_t last = 0;
    if (journal_last_seq(r->journal, &last, &r->e) < 0 || (last < r->from && !r->incidents_wanted))
        return;
    if (r->from == 0)
        r->from = last > ENGINE_TIMELINE_LINES ? last - ENGINE_TIMELINE_LINES + 1 : 1;
    if (last >= r->from &&
        journal_read(r->journal, r->from, JOURNAL_FORWARD, NULL, FOLLOW_PAGE, reading_event, r, &r->e) < 0)
        return;
    if (r->mutes_wanted) {
        mutes_read(r->journal, clock_wall_us(), &r->mutes, NULL);
        overrides_read(r->journal, &r->overrides, NULL);
    }
    if (r->incidents_wanted)
        r->incidents_read =
            journal_incidents(r->journal, false, INCIDENTS_SHOWN, reading_incident, r, &r->e) >= 0;
}

static void focus_refresh(struct engine *engine)
{
    int64_t newest = 0;
    for (size_t i = 0; i < engine->chronicle.incidents.len; i++) {
        const struct journal_incident *incident = &engine->chronicle.incidents.data[i];
        if (incident->number == engine->chronicle.focused)
            return;
        if (!newest && (incident->state == INCIDENT_OPEN || incident->state == INCIDENT_MITIGATED))
            newest = incident->number;
    }
    engine->chronicle.focused = newest;
}

static void mutes_follow(struct engine *engine, const struct event *event)
{
    if (event->kind != EVENT_ENTITY_MUTED && event->kind != EVENT_ENTITY_UNMUTED)
        return;
    mutes_take(&engine->chronicle.mutes, event, clock_wall_us());
    engine_changed(engine, ENGINE_ENTITIES);
}

static void reading_done(void *data)
{
    struct reading *r = data;
    struct engine *engine = r->engine;
    engine->chronicle.reading = false;
    if (!engine->closing) {
        if (r->incidents_read) {
            vec_fini(&engine->chronicle.incidents);
            engine->chronicle.incidents.data = r->incidents.data;
            engine->chronicle.incidents.len = r->incidents.len;
            engine->chronicle.incidents.cap = r->incidents.cap;
            memset(&r->incidents, 0, sizeof r->incidents);
            focus_refresh(engine);
            engine_changed(engine, ENGINE_INCIDENTS);
        }
        if (r->mutes_wanted) {
            mutes_fini(&engine->chronicle.mutes);
            engine->chronicle.mutes = r->mutes;
            r->mutes = (struct mutes){0};
            overrides_fini(&engine->chronicle.overrides);
            engine->chronicle.overrides = r->overrides;
            r->overrides = (struct overrides){0};
        }
        for (size_t i = 0; i < r->events.len; i++) {
            const struct event *event = r->events.data[i];
            mutes_follow(engine, event);
            overrides_take(&engine->chronicle.overrides, event);
            timeline_add(engine->chronicle.timeline, event);
            library_event(engine, event);
            walks_event(engine, event);
            lasting_event(engine, event);
            healing_event(engine, event);
            engine->chronicle.seen_seq = event->seq;
        }
        lasting_refresh(engine);
        if (r->events.len > 0 || !engine->chronicle.loaded)
            engine_changed(engine, ENGINE_TIMELINE);
        engine->chronicle.loaded = true;
        if (engine->chronicle.again || r->events.len == FOLLOW_PAGE)
            chronicle_follow(engine);
    }
    for (size_t i = 0; i < r->events.len; i++)
        free(r->events.data[i]);
    vec_fini(&r->events);
    vec_fini(&r->incidents);
    mutes_fini(&r->mutes);
    overrides_fini(&r->overrides);
    free(r);
}

void chronicle_follow(struct engine *engine)
{
    if (!engine->chronicle.journal || engine->closing)
        return;
    engine->chronicle.again = engine->chronicle.reading;
    if (engine->chronicle.reading)
        return;
    struct reading *r = xcalloc(1, sizeof *r);
    r->engine = engine;
    r->journal = engine->chronicle.journal;
    r->from = engine->chronicle.loaded ? engine->chronicle.seen_seq + 1 : 0;
    r->incidents_wanted = r->mutes_wanted = !engine->chronicle.loaded;
    engine->chronicle.reading = true;
    loop_work(engine->loop, reading_work, reading_done, r);
}

/* Cheap enough for the loop: only when another process wrote something is there anything to read. */
static void on_follow_timer(void *data)
{
    struct engine *engine = data;
    int64_t last = 0;
    if (mutes_expire(&engine->chronicle.mutes, clock_wall_us()))
        engine_changed(engine, ENGINE_ENTITIES);
    if (journal_last_seq(engine->chronicle.journal, &last, NULL) == 0 && last > engine->chronicle.seen_seq)
        chronicle_follow(engine);
}

/* ---- the journal's own callbacks ------------------------------------------------------------------------
 */

static void on_commit(void *context, const struct event *const *events, size_t count)
{
    struct engine *engine = context;
    if (engine->chronicle.mirror)
        mirror_events(engine->chronicle.mirror, events, count);
    chronicle_follow(engine);
}

static void on_health(void *context, const struct journal_health *health)
{
    struct engine *engine = context;
    bool was = engine->chronicle.trouble != NULL;
    free(engine->chronicle.trouble);
    engine->chronicle.trouble = health->ok ? NULL : xstrdup(health->reason);
    if (engine->closing)
        return;
    engine_changed(engine, ENGINE_TROUBLE);
    if (was && health->ok)
        walks_trouble_over(engine);
}

int chronicle_append(struct engine *engine, const struct event_draft *drafts, size_t count, journal_done done,
                     void *context, struct err *e)
{
    if (!engine->chronicle.journal)
        return err_set(e, ERR_IO, "there is no journal: %s", engine->chronicle.trouble);
    struct event_draft filled[8];
    if (count > sizeof filled / sizeof filled[0])
        return err_set(e, ERR_RANGE, "%zu events in one group", count);
    for (size_t i = 0; i < count; i++) {
        filled[i] = drafts[i];
        if (!filled[i].actor)
            filled[i].actor = engine->identity.actor;
    }
    return journal_append_group(engine->chronicle.journal, filled, count, done, context, e);
}

int chronicle_open(struct engine *engine, struct err *e)
{
    engine->chronicle.timeline = timeline_new(ENGINE_TIMELINE_LINES);
    const char *emergency = engine_emergency(engine);
    if (emergency && !engine->read_only && journal_emergency_open(emergency, e) < 0)
        return e->code;
    char *folder = path_join(engine->state_folder, "journal");
    char *platform = config_journal_name(engine->config);
    struct journal_options options = {
        .folder = folder,
        .platform = platform,
        .emergency = engine->config->emergency,
        .shared = config_is_shared(engine->config),
        .create = !engine->read_only && !emergency,
        .read_only = engine->read_only,
        .tolerate = true,
        .post = loop_poster,
        .post_ctx = engine->loop,
        .on_health = on_health,
        .health_ctx = engine,
    };
    struct err why = {0};
    engine->chronicle.journal = journal_open(&options, &why);
    free(folder);
    free(platform);
    if (!engine->chronicle.journal) {
        if (!(engine->read_only && why.code == ERR_NOT_FOUND))
            return err_set(e, why.code, "%s", why.msg);
        engine->chronicle.trouble = xstrdup("nothing was journaled here yet, and this console only reads");
        engine->chronicle.loaded = true;
        return 0;
    }
    struct journal_health health;
    journal_health(engine->chronicle.journal, &health);
    if (!health.ok)
        engine->chronicle.trouble = xstrdup(health.reason);
    if (engine->config->mirror.syslog || engine->config->mirror.command) {
        engine->chronicle.mirror = mirror_new(engine->loop, engine->chronicle.journal, engine->config, e);
        if (!engine->chronicle.mirror)
            return e ? e->code : ERR_IO;
    }
    journal_on_commit(engine->chronicle.journal, on_commit, engine);
    engine->chronicle.timer = loop_timer_new(engine->loop, on_follow_timer, engine);
    loop_timer_start(engine->chronicle.timer, FOLLOW_EVERY_US, FOLLOW_EVERY_US);
    chronicle_follow(engine);
    return 0;
}

/* What the pool still reads uses the journal: it is awaited first. */
void chronicle_close(struct engine *engine)
{
    loop_timer_free(engine->chronicle.timer);
    while (engine->chronicle.reading || engine->watch.recollecting)
        loop_run_once(engine->loop, US_PER_S);
    journal_close(engine->chronicle.journal);
    loop_run_once(engine->loop, 0);
    if (engine->chronicle.mirror)
        (void)mirror_close(engine->chronicle.mirror, NULL);
    timeline_free(engine->chronicle.timeline);
    vec_fini(&engine->chronicle.incidents);
    mutes_fini(&engine->chronicle.mutes);
    overrides_fini(&engine->chronicle.overrides);
    free(engine->chronicle.trouble);
}

/* ---- views ------------------------------------------------------------------------------------------- */

const char *engine_trouble(const struct engine *engine)
{
    return engine->chronicle.trouble;
}

bool engine_mirror_status(const struct engine *engine, struct source_status *row)
{
    struct mirror_status status;
    if (!engine->chronicle.mirror)
        return false;
    mirror_status(engine->chronicle.mirror, &status);
    const struct config *config = engine->config;
    const char *facility = config->mirror.syslog;
    *row = (struct source_status){.name = "mirror",
                                  .kind = status.kind,
                                  .preset = "",
                                  .target = facility ? facility : config->mirror.command[0],
                                  .answered = status.last_good_us != 0,
                                  .error = status.trouble ? status.trouble : "",
                                  .note = status.dropped > 0 ? "lines were dropped: it takes too little" : "",
                                  .last_good_us = status.last_good_us,
                                  .last_try_us = status.last_try_us,
                                  .age_us = -1,
                                  .next_us = -1,
                                  .bytes = status.waiting_bytes,
                                  .answers = status.batches,
                                  .success_rate = (double)NAN,
                                  .failures = status.failures};
    return true;
}

struct journal *engine_journal(const struct engine *engine)
{
    return engine->chronicle.journal;
}

const struct timeline *engine_timeline(const struct engine *engine)
{
    return engine->chronicle.timeline;
}

size_t engine_incident_count(const struct engine *engine)
{
    return engine->chronicle.incidents.len;
}

bool engine_incident_at(const struct engine *engine, size_t index, struct journal_incident *incident)
{
    if (index >= engine->chronicle.incidents.len)
        return false;
    *incident = engine->chronicle.incidents.data[index];
    return true;
}

const struct mutes *engine_mutes(const struct engine *engine)
{
    return &engine->chronicle.mutes;
}

int64_t engine_focused_incident(const struct engine *engine)
{
    return engine->chronicle.focused;
}
