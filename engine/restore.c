/* Runs from the journal, left by an earlier console: rebuilt by replaying their inputs. What was
 * under way is followed, or its outcome harvested; what another console walks is shown as it goes on. */
#include "engine/walk.h"

#include <stdio.h>
#include <stdlib.h>

#define OPEN_RUNS_SCANNED 400

/* ---- rebuilding
 * ---------------------------------------------------------------------------------------------- */

struct intended {
    uint64_t ticket;
    char *step, *folder;
    struct breaker_token token;
};

struct concluded {
    char *step;
    enum run_outcome outcome;
};

struct restoring {
    struct engine *engine;
    struct journal *journal;
    int64_t id, incident, last_seq, started_us;
    int64_t input_us; /* wall clock of the newest input, at which the run's clock stands */
    char *actor, *entity, *path, *owner, **approvals;
    int64_t fence;
    struct asked asked;
    char *person;
    struct str document;
    char blob[SHA256_HEX_SIZE];
    VEC(char *) inputs;
    size_t refused; /* of them */
    VEC(struct intended) intended;
    VEC(struct concluded) concluded;
    bool ended, act;
    struct runbook *book;
    struct item_tables items;
    struct err e;
};

/* Runs of an older belay have no owner, and no claim to be taken from anybody. */
static bool event_claims_run(enum event_kind kind)
{
    return kind == EVENT_RUN_STARTED || kind == EVENT_RUN_CLAIMED || kind == EVENT_RUN_TAKEN;
}

static int restoring_event(const struct event *event, void *data)
{
    struct restoring *r = data;
    cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(tree, "input");
    if (event->kind == EVENT_RUN_STARTED) {
        r->actor = xstrdup(event->actor);
        r->started_us = r->input_us = event->at_us;
        r->act = json_bool(tree, "act", false);
        r->path = xstrdup(json_string(tree, "path", "runbook.md"));
        r->entity = xstrdup(json_string(tree, "entity", NULL));
        snprintf(r->blob, sizeof r->blob, "%s", json_string(tree, "blob", ""));
    } else if (input) {
        *vec_push(&r->inputs) = json_print(input);
        r->input_us = event->at_us;
    } else if (event->kind == EVENT_STEP_INTENT) {
        *vec_push(&r->intended) = (struct intended){.ticket = (uint64_t)json_int(tree, "ticket", 0),
                                                    .step = xstrdup(json_string(tree, "step", "")),
                                                    .folder = xstrdup(json_string(tree, "folder", NULL)),
                                                    .token = target_token(tree)};
    } else if (event->kind == EVENT_STEP_CONCLUDED) {
        struct concluded *c = vec_push(&r->concluded);
        c->step = xstrdup(json_string(tree, "step", ""));
        c->outcome = OUTCOME_PENDING;
        run_outcome_parse(json_string(tree, "outcome", ""), &c->outcome);
    } else if (event->kind == EVENT_RUN_ENDED) {
        r->ended = true;
    }
    if (event->kind == EVENT_APPROVAL_GIVEN)
        strv_add(&r->approvals, json_string(tree, "text", ""));
    asked_take(&r->asked, event, tree, r->person);
    if (event_claims_run(event->kind)) {
        free(r->owner);
        r->owner = xstrdup(json_string(tree, "owner", NULL));
        r->fence = r->owner ? event->seq : 0;
    }
    if (event->incident)
        r->incident = event->incident;
    r->last_seq = event->seq;
    cJSON_Delete(tree);
    return 0;
}

static int restoring_document(const void *bytes, size_t length, int64_t at, void *data)
{
    (void)at;
    struct restoring *r = data;
    str_add_bytes(&r->document, bytes, length);
    return 0;
}

static void restoring_work(void *data)
{
    struct restoring *r = data;
    struct journal_filter filter = {.run = r->id};
    if (journal_read(r->journal, 1, JOURNAL_FORWARD, &filter, 0, restoring_event, r, &r->e) < 0)
        return;
    if (r->blob[0] && journal_blob_read(r->journal, r->blob, 0, 0, restoring_document, r, &r->e) < 0)
        return;
    r->book = r->act ? runbook_act_parse(str_text(&r->document), r->document.len, &r->e)
                     : runbook_parse(r->path ? r->path : "runbook.md", str_text(&r->document),
                                     r->document.len, &r->e);
    if (r->book && r->inputs.len > 0 && item_tables_wanted(r->book))
        item_tables_recall(&r->items, r->book, r->journal, r->inputs.data[0], &r->e);
}

/* Inputs that the machine refuses now were not applied when they were journaled either (the disk took one,
 * and then said that it had not), or a newer belay sees them differently: the rest stands, and it is told. */
static void restoring_replay(struct restoring *r, struct walk *w)
{
    for (size_t i = 0; i < r->inputs.len; i++) {
        struct run_input input;
        struct err e = {0};
        int code = run_input_from_json(r->book, r->inputs.data[i], strlen(r->inputs.data[i]), &input, &e);
        if (code == 0) {
            code = run_apply(w->run, &input, NULL, &e);
            run_input_fini(&input);
        }
        if (code < 0 && r->refused++ == 0)
            r->e = e;
    }
    int64_t idle_us = clock_wall_us() - r->input_us;
    w->zero_us = loop_now_us(w->engine->loop) - run_now_ms(w->run) * US_PER_MS - (idle_us > 0 ? idle_us : 0);
}

static void refusals_tell(const struct restoring *r, const struct walk *w)
{
    if (r->refused == 0)
        return;
    struct run_event event = {.draft = {.kind = EVENT_INCIDENT_NOTED, .actor = "belay"},
                              .summary = xasprintf("run %lld was rebuilt without %zu of its %zu inputs: %s",
                                                   (long long)w->id, r->refused, r->inputs.len, r->e.msg)};
    walk_append(w, event, NULL, NULL, NULL);
}

static void conclusions_recall(const struct restoring *r, struct walk *w)
{
    for (size_t i = 0; i < r->concluded.len; i++)
        for (size_t k = 0; k < w->book->steps.len; k++)
            if (str_eq(w->book->steps.data[k].id, r->concluded.data[i].step))
                w->concluded[k] = r->concluded.data[i].outcome;
}

/* Another's: what it prints is looked on at. Ours: followed to the end. */
static void tickets_restore(struct walk *w, const struct restoring *r)
{
    size_t open = run_tickets(w->run, NULL, 0);
    struct run_ticket *known = xcalloc(open + 1, sizeof *known);
    run_tickets(w->run, known, open);
    for (size_t i = 0; i < open; i++) {
        const struct intended *meant = NULL;
        for (size_t k = 0; k < r->intended.len; k++)
            if (r->intended.data[k].ticket == known[i].ticket)
                meant = &r->intended.data[k];
        if (!w->elsewhere)
            ticket_restore(w, &known[i], meant != NULL, meant ? meant->folder : NULL,
                           meant ? &meant->token : NULL);
        else if (meant)
            output_follow(w, meant->step, meant->folder);
    }
    free(known);
}

/* Nobody watched since the console went: pages are closed, and nothing acts by itself any more. */
static void adopt(struct walk *w)
{
    struct run_input input = {.kind = INPUT_ADOPT, .step = STEP_NONE, .actor = w->engine->identity.actor};
    if (run_started(w->run) && !run_ended(w->run, NULL))
        walk_input(w, &input, NULL, NULL);
}

static void restoring_free(struct restoring *r)
{
    for (size_t i = 0; i < r->inputs.len; i++)
        free(r->inputs.data[i]);
    vec_fini(&r->inputs);
    for (size_t i = 0; i < r->intended.len; i++) {
        free(r->intended.data[i].step);
        free(r->intended.data[i].folder);
    }
    vec_fini(&r->intended);
    for (size_t i = 0; i < r->concluded.len; i++)
        free(r->concluded.data[i].step);
    vec_fini(&r->concluded);
    str_fini(&r->document);
    item_tables_free(&r->items);
    runbook_free(r->book);
    free(r->actor);
    free(r->entity);
    free(r->path);
    free(r->owner);
    strv_free(r->approvals);
    asked_fini(&r->asked);
    free(r->person);
    free(r);
}

static void restoring_done(void *data)
{
    struct restoring *r = data;
    struct engine *engine = r->engine;
    engine->runs.restoring--;
    struct walk *w = walk_find(engine, r->id);
    if (engine->closing || !r->book || (w && !w->elsewhere)) {
        if (w)
            w->taking = false;
        if (!engine->closing)
            engine_changed(engine, ENGINE_RUNS);
        restoring_free(r);
        return;
    }
    if (w)
        walk_discard(w);
    w = walk_new(engine, r->id, r->book);
    w->incident = r->incident;
    w->started_us = r->started_us;
    w->seen_seq = r->last_seq;
    w->restored = true;
    w->actor = r->actor;
    w->entity = r->entity;
    w->owner = r->owner;
    w->approvals_seen = r->approvals;
    w->asked = r->asked;
    r->asked = (struct asked){0};
    w->fence = r->fence;
    w->items = r->items;
    r->items = (struct item_tables){0};
    item_tables_lend(&w->items, w->run);
    restoring_replay(r, w);
    r->book = NULL;
    r->actor = r->entity = r->owner = NULL;
    r->approvals = NULL;
    w->ended = r->ended;
    conclusions_recall(r, w);
    w->elsewhere = !str_eq(w->owner, engine->presence.owner);
    if (!w->ended && !w->elsewhere) {
        refusals_tell(r, w);
        locks_recall(w);
        adopt(w);
        tickets_restore(w, r);
        walk_wake(w);
        walk_settle(w);
    } else if (!w->ended) {
        tickets_restore(w, r);
    }
    restore_adopt(w);
    engine_changed(engine, ENGINE_RUNS);
    restoring_free(r);
    if (engine->runs.restoring == 0)
        tickets_sweep(engine);
}

void restore_run(struct engine *engine, int64_t id)
{
    struct restoring *r = xcalloc(1, sizeof *r);
    r->engine = engine;
    r->journal = engine->chronicle.journal;
    r->id = id;
    r->person = xstrdup(engine->identity.person);
    engine->runs.restoring++;
    loop_work(engine->loop, restoring_work, restoring_done, r);
}

/* The shown copy stays until the rebuilt one is there: nothing is guessed from what was only shown. */
void restore_adopt(struct walk *w)
{
    if (!w->elsewhere || w->ended || w->taking || emergency_of(w->engine, w->id) ||
        (!w->engine->runs.spool && !w->engine->observer))
        return;
    w->abandoned = !presence_is_alive(w->engine, w->owner);
    if (w->abandoned && !w->engine->observer)
        walk_take(w, NULL, NULL, NULL);
}

/* ---- which ones
 * ------------------------------------------------------------------------------------------------- */

struct scanning {
    struct engine *engine;
    struct journal *journal;
    VEC(int64_t) open;
    VEC(int64_t) ended;
    VEC(struct event *) starts;
};

static int scanning_event(const struct event *event, void *data)
{
    struct scanning *s = data;
    if (event->kind == EVENT_RUN_ENDED) {
        *vec_push(&s->ended) = event->run;
        return 0;
    }
    *vec_push(&s->starts) = event_copy(event);
    for (size_t i = 0; i < s->ended.len; i++)
        if (s->ended.data[i] == event->run)
            return 0;
    *vec_push(&s->open) = event->run;
    return 0;
}

static void scanning_work(void *data)
{
    struct scanning *s = data;
    const enum event_kind kinds[] = {EVENT_RUN_STARTED, EVENT_RUN_ENDED};
    struct journal_filter filter = {.kinds = kinds, .kind_count = 2};
    struct err e = {0};
    journal_read(s->journal, JOURNAL_END, JOURNAL_BACKWARD, &filter, OPEN_RUNS_SCANNED, scanning_event, s,
                 &e);
}

static void scanning_done(void *data)
{
    struct scanning *s = data;
    struct engine *engine = s->engine;
    engine->runs.restoring--;
    for (size_t i = 0; i < s->starts.len; i++) {
        if (!engine->closing)
            library_event(engine, s->starts.data[i]);
        free(s->starts.data[i]);
    }
    for (size_t i = 0; i < s->open.len && !engine->closing; i++)
        if (!walk_find(engine, s->open.data[i]))
            restore_run(engine, s->open.data[i]);
    if (!engine->closing && engine->runs.restoring == 0)
        tickets_sweep(engine);
    if (!engine->closing)
        engine_changed(engine, ENGINE_RUNS);
    vec_fini(&s->open);
    vec_fini(&s->ended);
    vec_fini(&s->starts);
    free(s);
}

void restore_all(struct engine *engine)
{
    if (!engine->chronicle.journal)
        return;
    struct scanning *s = xcalloc(1, sizeof *s);
    s->engine = engine;
    s->journal = engine->chronicle.journal;
    engine->runs.restoring++;
    loop_work(engine->loop, scanning_work, scanning_done, s);
}

/* ---- following another console
 * ------------------------------------------------------------------------------------ */

/* The run has another owner: true when it was this console's. */
static bool claimed_anew(struct walk *w, const struct event *event, const cJSON *data)
{
    if (!w->elsewhere)
        return !str_eq(json_string(data, "owner", ""), w->engine->presence.owner);
    free(w->owner);
    w->owner = xstrdup(json_string(data, "owner", NULL));
    w->fence = event->seq;
    w->abandoned = false;
    return false;
}

void walks_event(struct engine *engine, const struct event *event)
{
    if (!event->run)
        return;
    struct walk *w = walk_find(engine, event->run);
    if (!w) {
        if (event->kind == EVENT_RUN_STARTED && event->at_us >= engine->opened_us)
            restore_run(engine, event->run);
        return;
    }
    if (event->seq <= w->seen_seq && (w->elsewhere || event->seq <= w->fence))
        return;
    cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
    bool ours = !w->elsewhere;
    if (event_claims_run(event->kind) && event->seq > w->fence && claimed_anew(w, event, tree)) {
        cJSON_Delete(tree);
        walk_lose(w);
        return;
    }
    if (ours) {
        if (event->kind == EVENT_APPROVAL_GIVEN)
            approval_count(w, tree);
        cJSON_Delete(tree);
        return;
    }
    w->seen_seq = event->seq;
    asked_take(&w->asked, event, tree, engine->identity.person);
    const cJSON *json = cJSON_GetObjectItemCaseSensitive(tree, "input");
    char *text = json ? json_print(json) : NULL;
    struct run_input input;
    struct err e = {0};
    if (text && run_input_from_json(w->book, text, strlen(text), &input, &e) == 0) {
        bool missed = run_apply(w->run, &input, NULL, &e) < 0;
        w->zero_us = loop_now_us(engine->loop) - run_now_ms(w->run) * US_PER_MS;
        run_input_fini(&input);
        if (missed && !w->taking) {
            w->taking = true;
            restore_run(engine, w->id);
        }
    }
    if (event->kind == EVENT_STEP_INTENT)
        output_follow(w, json_string(tree, "step", ""), json_string(tree, "folder", NULL));
    if (event->kind == EVENT_RUN_ENDED)
        w->ended = true;
    if (event->incident)
        w->incident = event->incident;
    engine_changed(engine, ENGINE_RUNS);
    free(text);
    cJSON_Delete(tree);
}
