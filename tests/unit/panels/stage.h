/* An engine made of cardboard: a platform filled by hand, one runbook and a run of it, a timeline; and its
 * answers to what panels and console ask. Nothing here has a clock: it is 03:14:21Z on a November night. */
#ifndef BELAY_TESTS_PANELS_STAGE_H
#define BELAY_TESTS_PANELS_STAGE_H

#include "tests/unit/panels/cardboard.h"

#define STAGE_TICKS 40 /* answers of each source: the histories */

static const char stage_document[] =
    "---\n"
    "runbook:\n"
    "  id: vector-store-shard-down\n"
    "  title: Vector store shard down\n"
    "  severity: SEV2\n"
    "  offer:\n"
    "    - {if: shard.state in (down), for: 30s}\n"
    "  vars:\n"
    "    NS: {default: rag, ask: Kubernetes namespace}\n"
    "    SHARD: {default: shard-5}\n"
    "---\n"
    "# Vector store shard down\n\n"
    "## Mark it unhealthy\n\nSo that the retriever avoids it.\n\n"
    "```sh "
    "{\"name\":\"mark\",\"kind\":\"action\",\"confirm\":\"key\",\"scope\":\"process\",\"verify\":\"marked\","
    "\"timeout\":\"1m\"}\n"
    "kubectl -n \"$NS\" annotate pod \"$SHARD\" healthy=false\n```\n\n"
    "```sh {\"name\":\"marked\",\"kind\":\"verify\"}\ntrue\n```\n\n"
    "## A replica serves\n\n"
    "```sh {\"name\":\"replica\",\"kind\":\"check\"}\nkubectl -n \"$NS\" get replica\n```\n\n"
    "## Re-open it\n\n"
    "```sh "
    "{\"name\":\"reopen\",\"kind\":\"action\",\"scope\":\"process\",\"verify\":\"marked\",\"timeout\":\"2m\"}"
    "\n"
    "kubectl -n \"$NS\" exec \"$SHARD\" -- reopen\n```\n\n"
    "## Restore the latest snapshot to a new shard\n\n"
    "Takes a while; customers see the replica meanwhile.\n\n"
    "```sh "
    "{\"name\":\"restore\",\"kind\":\"action\",\"confirm\":\"type:$SHARD\",\"scope\":\"shard\",\"pre\":"
    "\"replica\","
    "\"evidence\":\"log\",\"verify\":\"marked\",\"rollback\":\"drop\",\"timeout\":\"90m\"}\n"
    "envsubst '$NS $SHARD' < restore-pvc-and-job.yaml | kubectl -n \"$NS\" create -f -\n```\n\n"
    "```sh {\"name\":\"log\",\"kind\":\"evidence\"}\nkubectl logs \"$SHARD\"\n```\n\n"
    "```sh {\"name\":\"drop\",\"kind\":\"rollback\"}\nkubectl delete pod new\n```\n\n"
    "## Tell the customers\n\n- [ ] write to the status page\n";

/* ---- the platform ---- */

static inline void stage_source(struct engine *e, const char *name, const char *kind, int64_t every_us)
{
    platform_source_add(e->platform, name, kind, every_us, 0, STAGE_NOW - 1000 * US_PER_S);
    e->sources[e->source_count++] = (struct source_status){.name = name,
                                                           .kind = kind,
                                                           .preset = "",
                                                           .target = "http://127.0.0.1:8080/metrics",
                                                           .answered = true,
                                                           .success_rate = 0.9995,
                                                           .error = "",
                                                           .note = "",
                                                           .every_us = every_us,
                                                           .timeout_us = every_us,
                                                           .last_good_us = STAGE_WALL - US_PER_S,
                                                           .last_try_us = STAGE_WALL - US_PER_S,
                                                           .age_us = US_PER_S,
                                                           .latency_us = 12000,
                                                           .answers = 100,
                                                           .rows = 7};
}

static inline void stage_apply(struct engine *e, const char *source, const struct observation *rows,
                               size_t count, int64_t ago_us)
{
    struct batch batch = {.source = source, .observations = rows, .observation_count = count};
    platform_apply(e->platform, &batch, STAGE_NOW - ago_us, STAGE_WALL - ago_us);
}

/* The measures of an observation. */
#define M(...)                                                                                               \
    .measures = (const struct measurement[]){__VA_ARGS__},                                                   \
    .measure_count = sizeof((const struct measurement[]){__VA_ARGS__}) / sizeof(struct measurement)

static inline void stage_signals(struct engine *e, int tick, int64_t ago_us)
{
    bool bad = tick > STAGE_TICKS / 2;
    double wave = tick % 3;
    static const struct attribute percent[] = {{"unit", "%"}}, seconds[] = {{"unit", "s"}};
    struct observation rows[] = {
        {.kind = ENTITY_SIGNAL,
         .name = "errors",
         .attributes = percent,
         .attribute_count = 1,
         M({"value", bad ? 4.1 : 0.2 + wave / 10}, {"baseline", 0.2}, {"warn", 1}, {"crit", 3})},
        {.kind = ENTITY_SIGNAL,
         .name = "p95",
         .attributes = seconds,
         .attribute_count = 1,
         M({"value", bad ? 2.9 : 0.8}, {"baseline", 0.8}, {"warn", 2}, {"crit", 5})},
        {.kind = ENTITY_SIGNAL,
         .name = "empty",
         .attributes = percent,
         .attribute_count = 1,
         M({"value", bad ? 31 : 1}, {"baseline", 1}, {"warn", 5}, {"crit", 20})},
        {.kind = ENTITY_SIGNAL,
         .name = "citation hits",
         M({"value", bad ? 0.71 : 0.88}, {"baseline", 0.88}, {"warn", 0.8}, {"crit", 0.5})},
    };
    stage_apply(e, "api", rows, 4, ago_us);
}

static inline void stage_breakers(struct engine *e, int tick, int64_t ago_us)
{
    bool bad = tick > STAGE_TICKS / 2;
    struct observation rows[13] = {
        {.kind = ENTITY_BREAKER,
         .name = "llm-primary",
         .raw = bad ? "OPEN" : "CLOSED",
         .since_us = STAGE_WALL - 180 * US_PER_S,
         M({"failure_rate", bad ? 1.0 : 0.01}, {"calls", 100.0 + tick}, {"trips", bad ? 3 : 2},
           {"cool_down_s", bad ? 41 : 0})},
        {.kind = ENTITY_BREAKER,
         .name = "reranker",
         .raw = bad ? "HALF_OPEN" : "CLOSED",
         M({"failure_rate", 0.22}, {"calls", 50.0 + tick}, {"trips", 1})},
    };
    static char names[11][32];
    const struct measurement quiet[] = {{"failure_rate", 0}, {"calls", 10.0 + tick}};
    for (int i = 0; i < 11; i++) {
        snprintf(names[i], sizeof names[i], "service-%d", i + 1);
        rows[i + 2] = (struct observation){
            .kind = ENTITY_BREAKER, .name = names[i], .raw = "CLOSED", .measures = quiet, .measure_count = 2};
    }
    stage_apply(e, "breakers", rows, 13, ago_us);
}

static inline void stage_chain(struct engine *e, int tick, int64_t ago_us)
{
    bool bad = tick > STAGE_TICKS / 2;
    double after = bad ? tick - STAGE_TICKS / 2 : 0;
    struct observation rows[] = {
        {.kind = ENTITY_CHAIN,
         .name = "answers/gpt-4",
         .group = "answers",
         .raw = bad ? "OPEN" : "CLOSED",
         M({"tier", 1}, {"hits", 1000.0 + 41 * (bad ? STAGE_TICKS / 2 : tick)}, {"hits_rate", bad ? 0 : 41},
           {"cost", 0.10}, {"accuracy", 0.99})},
        {.kind = ENTITY_CHAIN,
         .name = "answers/claude",
         .group = "answers",
         .raw = "CLOSED",
         M({"tier", 2}, {"hits", 41 * after}, {"hits_rate", bad ? 41 : 0}, {"cost", 0.05},
           {"accuracy", 0.95})},
        {.kind = ENTITY_CHAIN,
         .name = "answers/local",
         .group = "answers",
         .raw = "CLOSED",
         M({"tier", 3}, {"hits", 0}, {"hits_rate", 0}, {"cost", 0.01}, {"accuracy", 0.8})},
    };
    stage_apply(e, "gateway", rows, 3, ago_us);
    static const struct attribute own[] = {{"own", "chain"}};
    struct observation mine[] = {
        {.kind = ENTITY_CHAIN,
         .name = "triage/large",
         .group = "triage",
         .raw = "OPEN",
         .reason = "its breaker refuses: HTTP 503",
         .attributes = own,
         .attribute_count = 1,
         M({"tier", 1}, {"hits", 210}, {"hits_rate", 0}, {"hits_hour", 30}, {"cost_hour", 3.6}, {"cost", 0.1},
           {"accuracy", 0.99}, {"cool_down_s", 41})},
        {.kind = ENTITY_CHAIN,
         .name = "triage/small",
         .group = "triage",
         .raw = "serves",
         .attributes = own,
         .attribute_count = 1,
         M({"tier", 2}, {"hits", 12}, {"hits_rate", 0.04}, {"hits_hour", 10}, {"cost_hour", 0.1},
           {"cost", 0.01}, {"accuracy", 0.79})},
    };
    platform_source_add(e->platform, "belay", PLATFORM_OWN, 5 * US_PER_S, 0, STAGE_NOW - 1000 * US_PER_S);
    stage_apply(e, "belay", mine, 2, ago_us);
}

static inline void stage_store(struct engine *e, int64_t ago_us)
{
    struct observation rows[24];
    static char names[20][40];
    size_t count = 0;
    static const struct measurement whole[] = {{"replicas", 2}, {"replicas_ok", 2}, {"points", 100000}};
    static const struct measurement half[] = {{"replicas", 2}, {"replicas_ok", 1}, {"points", 100000}};
    for (int i = 0; i < 20; i++) {
        bool docs = i < 12, dead = i == 5;
        snprintf(names[i], sizeof names[i], "%s/shard-%d", docs ? "docs" : "chunks", docs ? i : i - 12);
        rows[count++] = (struct observation){.kind = ENTITY_SHARD,
                                             .name = names[i],
                                             .group = docs ? "docs" : "chunks",
                                             .raw = dead ? "Dead" : "Active",
                                             .condition = dead ? CONDITION_DOWN : CONDITION_OK,
                                             .since_us = STAGE_WALL - 14 * 60 * US_PER_S,
                                             .measures = dead ? half : whole,
                                             .measure_count = 3};
    }
    rows[count - 20 + 5].snippet = "{\"shard_id\":5,\"state\":\"Dead\"}";
    rows[count - 20 + 5].snippet_length = 29;
    rows[count++] = (struct observation){
        .kind = ENTITY_SNAPSHOT, .name = "docs", M({"age_s", 6 * 3600}, {"schedule_s", 86400})};
    rows[count++] = (struct observation){.kind = ENTITY_SNAPSHOT,
                                         .name = "chunks",
                                         .since_us = STAGE_WALL - 7 * 3600 * US_PER_S,
                                         M({"age_s", 31 * 3600}, {"schedule_s", 86400})};
    stage_apply(e, "store", rows, count, ago_us);
}

static inline void stage_jobs(struct engine *e, int64_t ago_us)
{
    struct observation rows[] = {
        {.kind = ENTITY_JOB,
         .name = "run_sc05",
         .raw = "running",
         M({"done", 30000}, {"total", 50000}, {"rate", 412}, {"interval", 100}, {"checkpoint_age_s", 2},
           {"eta_s", 48}, {"cost", 3.74})},
        {.kind = ENTITY_JOB,
         .name = "run_idx9",
         .raw = "stalled",
         .since_us = STAGE_WALL - 540 * US_PER_S,
         M({"done", 7000}, {"total", 50000})},
    };
    stage_apply(e, "runs", rows, 2, ago_us);
}

static inline void stage_alerts(struct engine *e, int64_t ago_us)
{
    static const struct attribute critical[] = {{"severity", "critical"}};
    struct observation rows[] = {
        {.kind = ENTITY_ALERT,
         .name = "VectorStoreShardDown",
         .raw = "firing",
         .condition = CONDITION_DOWN,
         .since_us = STAGE_WALL - 14 * 60 * US_PER_S,
         .attributes = critical,
         .attribute_count = 1},
        {.kind = ENTITY_ALERT,
         .name = "RetrieverEmptyResults",
         .raw = "pending",
         .condition = CONDITION_DEGRADED,
         .since_us = STAGE_WALL - 60 * US_PER_S},
    };
    stage_apply(e, "alerts", rows, 2, ago_us);
}

static inline void stage_platform(struct engine *e)
{
    stage_source(e, "api", "prometheus", 2 * US_PER_S);
    stage_source(e, "breakers", "prometheus", 2 * US_PER_S);
    stage_source(e, "gateway", "http", US_PER_S);
    stage_source(e, "store", "http", 5 * US_PER_S);
    stage_source(e, "runs", "redis", 2 * US_PER_S);
    stage_source(e, "alerts", "http", 5 * US_PER_S);
    stage_source(e, "billing", "http", 5 * US_PER_S);
    for (int tick = 0; tick <= STAGE_TICKS; tick++) {
        int64_t ago_us = (STAGE_TICKS - tick) * 2 * US_PER_S;
        stage_signals(e, tick, ago_us);
        stage_breakers(e, tick, ago_us);
        stage_chain(e, tick, ago_us);
        stage_jobs(e, ago_us);
        stage_store(e, ago_us);
        stage_alerts(e, ago_us);
    }
    struct observation billing = {
        .kind = ENTITY_BREAKER, .name = "billing", .raw = "CLOSED", M({"calls", 1})};
    stage_apply(e, "billing", &billing, 1, 48 * US_PER_S);
    e->sources[6].error = "connection refused";
    e->sources[6].last_good_us = STAGE_WALL - 48 * US_PER_S;
    platform_tick(e->platform, STAGE_NOW, STAGE_WALL);
}

/* ---- the timeline ---- */

static inline void stage_event(struct engine *e, int64_t seq, int64_t ago_us, enum event_kind kind,
                               const char *actor, const char *summary)
{
    struct event event = {.seq = seq,
                          .at_us = STAGE_WALL - ago_us,
                          .kind = kind,
                          .kind_name = event_kind_name(kind),
                          .actor = actor,
                          .subject = "shard:store:docs/shard-5",
                          .outcome = kind == EVENT_STEP_OUTCOME ? "failed" : "",
                          .summary = summary,
                          .data = "{}",
                          .incident = kind == EVENT_TRANSITION ? 0 : 7};
    timeline_add(e->timeline, &event);
}

static inline void stage_timeline(struct engine *e)
{
    stage_event(e, 1, 856 * US_PER_S, EVENT_TRANSITION, "watch", "alert VectorStoreShardDown firing");
    stage_event(e, 2, 854 * US_PER_S, EVENT_TRANSITION, "watch", "shard docs/shard-5 Active -> Dead");
    stage_event(e, 3, 551 * US_PER_S, EVENT_INCIDENT_NOTED, "bob", "customers see empty answers");
    stage_event(e, 4, 101 * US_PER_S, EVENT_STEP_OUTCOME, "alice", "reopen failed: exit 1 (IO error)");
}

/* ---- the run ---- */

static inline void stage_input(struct engine *e, struct run_input input, struct run_effects *effects)
{
    struct err error = {0};
    input.at_ms = e->clock_ms;
    if (run_apply(e->run, &input, effects, &error) < 0) {
        fail_msg("run_apply %s: %s", run_input_text(input.kind), error.msg);
    }
}

/* Everything that was asked for is done; exits are 0, but that of the step `failing` is 1. */
static inline void stage_execute(struct engine *e, struct run_effects *effects, int failing)
{
    for (size_t i = 0; i < effects->len; i++) {
        struct run_effect effect = effects->data[i];
        if (effect.kind != EFFECT_EXEC) {
            continue;
        }
        stage_input(e,
                    (struct run_input){.kind = INPUT_STARTED, .ticket = effect.ticket, .step = effect.step},
                    effects);
        e->clock_ms += 400;
        struct run_result result = {.end = END_EXITED, .exit = effect.step == failing ? 1 : 0};
        struct run_digest hold = {0};
        run_digest(e->run, effect.ticket, "", 0, false, NULL, &hold, &result);
        stage_input(
            e,
            (struct run_input){
                .kind = INPUT_FINISHED, .ticket = effect.ticket, .step = effect.step, .result = result},
            effects);
        run_digest_fini(&hold);
    }
    effects->len = 0;
}

/* Starts the run and walks it until the step of this id waits for its page. */
static inline void stage_walk(struct engine *e, const char *until)
{
    struct run_effects effects = {0};
    int target = runbook_find(e->book, until), failing = runbook_find(e->book, e->failing);
    e->run = run_new(e->book);
    stage_input(e, (struct run_input){.kind = INPUT_START, .actor = "alice"}, &effects);
    for (int turn = 0; turn < 50 && run_current(e->run) != target; turn++) {
        stage_execute(e, &effects, failing);
        int current = run_current(e->run);
        if (current == target) {
            break;
        }
        struct run_step step;
        run_step_at(e->run, current, &step);
        struct run_input input = {.step = current, .actor = "alice"};
        struct run_page page = {0};
        switch (step.ask) {
        case ASK_OPEN:
            input.kind = INPUT_OPEN;
            break;
        case ASK_CONFIRM:
            e->clock_ms += 600;
            assert_int_equal(run_page(e->run, current, NULL, &page, NULL), 0);
            input.kind = INPUT_CONFIRM;
            input.value = page.confirm_text;
            break;
        case ASK_FAILED:
            input.kind = INPUT_CHOOSE;
            input.choice = CHOICE_CONTINUE;
            input.reason = "the replica serves";
            break;
        default:
            fail_msg("step %s waits for %s", e->book->steps.data[current].id, run_ask_text(step.ask));
        }
        stage_input(e, input, &effects);
        run_page_fini(&page);
    }
    stage_execute(e, &effects, failing);
    assert_int_equal(run_current(e->run), target);
    vec_fini(&effects);
}

/* ---- all of it ---- */

static inline struct engine *stage_new(bool filled)
{
    struct err error = {0};
    struct engine *e = xcalloc(1, sizeof *e);
    e->failing = "reopen";
    e->platform = platform_new(NULL);
    e->timeline = timeline_new(100);
    e->config = config_new();
    e->output = "";
    e->badge = "PROD";
    e->empty = !filled;
    if (filled) {
        stage_platform(e);
        stage_timeline(e);
        e->has_incident = e->offered = true;
        e->book = runbook_parse("/srv/runbooks/shard.md", stage_document, sizeof stage_document - 1, &error);
        if (e->book == NULL) {
            fail_msg("%s", error.msg);
        }
        if (runbook_runnable(e->book, &error) < 0) {
            fail_msg("%s", error.msg);
        }
    }
    return e;
}

static inline void stage_free(struct engine *e)
{
    run_free(e->run);
    runbook_free(e->book);
    timeline_free(e->timeline);
    platform_free(e->platform);
    config_free(e->config);
    mutes_fini(&e->mutes);
    free(e->said);
    free(e);
}

static inline struct panel_scene stage_scene(const struct engine *e)
{
    return (struct panel_scene){.engine = e,
                                .platform = e->platform,
                                .last_seq = INT64_MAX,
                                .now_us = STAGE_NOW,
                                .wall_us = STAGE_WALL,
                                .seconds = e->has_incident};
}

/* Compares with tests/unit/ROOM/goldens/NAME.txt; BELAY_GOLDENS=write writes it. */
static inline void stage_golden(const struct canvas *c, const char *room, const char *name, bool styles)
{
    char path[512];
    struct str seen = {0}, wanted = {0};
    struct err error = {0};
    snprintf(path, sizeof path, "%s/tests/unit/%s/goldens/%s.txt", SOURCE_DIR, room, name);
    canvas_dump(c, &seen, styles);
    const char *write = getenv("BELAY_GOLDENS");
    if (write != NULL && strcmp(write, "write") == 0) {
        assert_int_equal(file_write_atomic(path, str_text(&seen), seen.len, 0644, &error), 0);
    }
    if (file_read(path, 1 << 20, &wanted, &error) < 0) {
        fail_msg("%s: %s\nseen:\n%s", path, error.msg, str_text(&seen));
    }
    if (!str_eq(str_text(&seen), str_text(&wanted))) {
        fail_msg("%s differs\nwanted:\n%s\nseen:\n%s", name, str_text(&wanted), str_text(&seen));
    }
    str_fini(&seen);
    str_fini(&wanted);
}

#endif
