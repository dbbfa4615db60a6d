/* What machines ask of this process: /metrics and /healthz, from what the engine knows at that moment. */
#include "engine/state.h"

#include <math.h>
#include <stdlib.h>

#include "engine/serve/serve.h"

#define BEAT_US    US_PER_S
#define BEATS      60             /* lags that are kept: those of a minute */
#define LATE_US    (5 * US_PER_S) /* a loop as late as that is not well */
#define METRICS_US US_PER_S       /* more scrapes than one a second get the same numbers */

struct listening {
    struct listener *listener;
    struct loop_timer *beat;
    int64_t due_us; /* of the next beat, monotonic */
    int64_t lags_us[BEATS];
    size_t beats;
};

/* ---- how late the loop is --------------------------------------------------------------------------- */

static void on_beat(void *data)
{
    struct listening *l = data;
    int64_t now = clock_monotonic_us();
    l->lags_us[l->beats++ % BEATS] = now > l->due_us ? now - l->due_us : 0;
    l->due_us = now + BEAT_US;
    loop_timer_start(l->beat, BEAT_US, 0);
}

static int64_t lag_us(const struct listening *l)
{
    int64_t now = clock_monotonic_us(), worst = now > l->due_us ? now - l->due_us : 0;
    for (size_t i = 0; i < BEATS; i++)
        worst = l->lags_us[i] > worst ? l->lags_us[i] : worst;
    return worst;
}

/* ---- /healthz --------------------------------------------------------------------------------------- */

bool engine_healthy(const struct engine *engine, struct str *why)
{
    int64_t last_good_us;
    int64_t late = engine->listening ? lag_us(engine->listening) : 0;
    if (engine->chronicle.trouble)
        str_addf(why, "the journal: %s", engine->chronicle.trouble);
    else if (engine->watch.holder && str_starts(engine->watch.holder, "nobody:"))
        str_addf(why, "what changes is not journaled by %s", engine->watch.holder);
    else if (platform_all_silent(engine->watch.platform, &last_good_us))
        str_add(why, "all sources are silent: this host may be the broken one");
    else if (late >= LATE_US)
        str_addf(why, "the loop was %.1f s late within the last minute", (double)late / 1e6);
    return why->len == 0;
}

static void healthz(const struct engine *engine, struct listener_answer *a)
{
    struct str why = {0};
    if (engine_healthy(engine, &why)) {
        str_add(&a->body, "ok\n");
    } else {
        a->status = 503;
        utf8_clean(&a->body, str_text(&why), why.len, false);
        str_add_char(&a->body, '\n');
    }
    str_fini(&why);
}

/* ---- /metrics --------------------------------------------------------------------------------------- */

static struct metrics_source *sources_collect(const struct engine *engine, size_t *count)
{
    *count = engine_source_count(engine);
    struct metrics_source *list = xcalloc(*count + 1, sizeof *list);
    for (size_t i = 0; i < *count; i++) {
        struct source_status s;
        engine_source_status(engine, i, &s);
        list[i] = (struct metrics_source){.name = s.name,
                                          .kind = s.kind,
                                          .up = s.answered && s.failures_in_a_row == 0,
                                          .latency_s = s.answered ? (double)s.latency_us / 1e6 : (double)NAN,
                                          .last_good_s = (double)s.last_good_us / 1e6};
    }
    return list;
}

static struct metrics_chain *chains_collect(const struct engine *engine, size_t *count)
{
    const char *names[METRICS_CHAINS_MAX];
    struct chain_summary chain;
    *count = platform_groups(engine->watch.platform, ENTITY_CHAIN, names, METRICS_CHAINS_MAX);
    *count = *count < METRICS_CHAINS_MAX ? *count : METRICS_CHAINS_MAX;
    struct metrics_chain *list = xcalloc(*count + 1, sizeof *list);
    for (size_t i = 0; i < *count; i++)
        list[i] = (struct metrics_chain){names[i], platform_chain(engine->watch.platform, names[i], &chain)
                                                       ? chain.condition
                                                       : CONDITION_UNKNOWN};
    return list;
}

/* One that this process keeps in memory: its state is newer here than in the database. */
static void kept_overlay(struct metrics_target *t, const struct kept *k)
{
    kept_measures(k, MEASURES_LIFE, &t->sums);
    t->name = k->name;
    t->has_breaker = true;
    t->state = kept_state(k);
    t->trips = k->breaker.counts.trips;
    t->refused = k->breaker.counts.refused;
}

static struct metrics_target *targets_collect(const struct engine *engine, size_t *count)
{
    size_t view_count = 0, kept_count = 0;
    const struct keeper *keeper = engine->own.keeper;
    const struct target_view *views = keeper ? keeper_views(keeper, &view_count) : NULL;
    struct kept *const *kept = keeper ? keeper_kept(keeper, &kept_count) : NULL;
    struct metrics_target *list = xcalloc(view_count + kept_count + 1, sizeof *list);
    struct map *here = map_new();
    *count = 0;
    for (size_t i = 0; i < kept_count; i++) {
        map_set(here, kept[i]->name, kept[i]);
        kept_overlay(&list[(*count)++], kept[i]);
    }
    for (size_t i = 0; i < view_count; i++)
        if (!map_has(here, views[i].name))
            list[(*count)++] = (struct metrics_target){.name = views[i].name,
                                                       .sums = views[i].spans[MEASURES_LIFE],
                                                       .has_breaker = views[i].has_breaker,
                                                       .state = views[i].state,
                                                       .trips = views[i].counts.trips,
                                                       .refused = views[i].counts.refused,
                                                       .chain = views[i].chain,
                                                       .tier = views[i].tier};
    map_free(here);
    return list;
}

static void metrics_answer(const struct engine *engine, struct listener_answer *a)
{
    struct source_status mirror = {.error = ""};
    engine_mirror_status(engine, &mirror);
    struct metrics m = {
        .version = BELAY_VERSION,
        .platform = engine_platform_name(engine),
        .started_s = (double)engine->opened_us / 1e6,
        .journal_seq = engine->chronicle.seen_seq,
        .journal_trouble = engine->chronicle.trouble != NULL,
        .mirror_failing = mirror.error[0] != '\0',
        .watching = engine->watch.wanted && !engine->read_only && !engine->watch.holder,
        .incidents_open = engine->chronicle.incidents.len,
        .lag_s = (double)lag_us(engine->listening) / 1e6,
    };
    struct metrics_source *sources = sources_collect(engine, &m.source_count);
    struct metrics_chain *chains = chains_collect(engine, &m.chain_count);
    struct metrics_target *targets = targets_collect(engine, &m.target_count);
    m.targets = targets;
    m.sources = sources;
    m.chains = chains;
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++)
        m.entities[kind] = platform_counts(engine->watch.platform, (enum entity_kind)kind);
    metrics_write(&m, &a->body);
    a->type = "text/plain; version=0.0.4; charset=utf-8";
    a->keep_us = METRICS_US;
    free(sources);
    free(chains);
    free(targets);
}

static bool on_request(void *data, const char *path, struct listener_answer *a)
{
    const struct engine *engine = data;
    if (str_eq(path, "/metrics"))
        metrics_answer(engine, a);
    else if (str_eq(path, "/healthz"))
        healthz(engine, a);
    else
        return false;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------------- */

int engine_listen(struct engine *engine, const char *text, struct engine_listening *where, struct err *e)
{
    struct listener_address address;
    if (listener_address_parse(text, &address, e) < 0)
        return e->code;
    struct listening *l = xcalloc(1, sizeof *l);
    l->beat = loop_timer_new(engine->loop, on_beat, l);
    l->listener = listener_new(engine->loop, &address,
                               &(struct listener_options){.answer = on_request, .data = engine}, e);
    if (!l->listener) {
        loop_timer_free(l->beat);
        free(l);
        return e->code;
    }
    l->due_us = clock_monotonic_us() + BEAT_US;
    loop_timer_start(l->beat, BEAT_US, 0);
    engine->listening = l;
    *where = (struct engine_listening){.address = listener_where(l->listener), .loopback = address.loopback};
    return 0;
}

void listening_close(struct engine *engine)
{
    struct listening *l = engine->listening;
    if (!l)
        return;
    listener_free(l->listener);
    loop_timer_free(l->beat);
    free(l);
    engine->listening = NULL;
}
