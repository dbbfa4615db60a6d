/* A run begins: its document is read and pinned, a trial shows that it can start, and its first events are
 * journaled together. */
#include "engine/walk.h"

#include <stdio.h>
#include <stdlib.h>

struct starting {
    struct engine *engine;
    char *path, *entity, **variables, **context;
    int64_t incident;
    const char *actor;
    bool checks_only, rehearsed;
    struct runbook *book;
    struct str document;
    struct item_tables items;
    struct err e;
    struct pending *start;
    engine_done *done;
    void *done_context;
};

static void starting_end(struct starting *s, int code, const char *message, int64_t id)
{
    if (s->done)
        s->done(s->done_context, code, message, id);
    if (s->start) {
        run_input_fini(&s->start->input);
        free(s->start->json);
        free(s->start);
    }
    item_tables_free(&s->items);
    str_fini(&s->document);
    runbook_free(s->book);
    strv_free(s->variables);
    strv_free(s->context);
    free(s->path);
    free(s->entity);
    free(s);
}

/* What `from: entity.FIELD` draws on, for the fields that the document names. */
static char **entity_context(const struct engine *engine, const struct runbook *book, const char *title)
{
    char **context = NULL;
    const char *space = title ? strchr(title, ' ') : NULL;
    char *kind_name = space ? xstrndup(title, (size_t)(space - title)) : NULL;
    enum entity_kind kind;
    const struct entity *entity = NULL;
    if (kind_name && entity_kind_parse(kind_name, &kind))
        entity = platform_find(engine->watch.platform, kind, NULL, space + 1);
    for (size_t i = 0; entity && i < book->vars.len; i++) {
        const char *from = book->vars.data[i].from;
        struct str value = {0};
        if (from && str_starts(from, "entity.") && entity_field(entity, from + 7, &value)) {
            char *pair = xasprintf("%s=%s", from, str_text(&value));
            strv_add(&context, pair);
            free(pair);
        }
        str_fini(&value);
    }
    free(kind_name);
    return context;
}

static void started(void *context, const struct journal_result *result)
{
    struct starting *s = context;
    struct engine *engine = s->engine;
    if (result->code < 0 || engine->closing) {
        starting_end(s, result->code ? result->code : ERR_CANCELLED, result->reason ? result->reason : "", 0);
        return;
    }
    struct walk *w = walk_new(engine, result->run, s->book);
    s->book = NULL;
    w->items = s->items;
    s->items = (struct item_tables){0};
    item_tables_lend(&w->items, w->run);
    w->actor = xstrdup(s->actor);
    w->entity = xstrdup(s->entity);
    w->incident = s->incident;
    w->checks_only = s->checks_only;
    w->started_us = clock_wall_us();
    w->seen_seq = result->seq + result->count - 1;
    w->owner = xstrdup(engine->presence.owner);
    w->fence = result->seq;
    struct run_effects effects = {0};
    struct err e = {0};
    int code = run_apply(w->run, &s->start->input, &effects, &e);
    if (code == 0 && !w->elsewhere)
        code = walk_effects(w, &effects, &e);
    vec_fini(&effects);
    walk_wake(w);
    engine_changed(engine, ENGINE_RUNS);
    char *message = xasprintf("%s %lld started", s->rehearsed ? "rehearsal" : "run", (long long)w->id);
    starting_end(s, code, code ? e.msg : message, result->run);
    free(message);
}

static cJSON *started_data(const struct starting *s, const char *blob)
{
    cJSON *data = cJSON_CreateObject(), *vars = NULL;
    cJSON_AddStringToObject(data, "runbook", s->book->id);
    cJSON_AddStringToObject(data, "title", s->book->title);
    cJSON_AddStringToObject(data, "path", s->book->path);
    cJSON_AddStringToObject(data, "digest", s->book->digest);
    cJSON_AddStringToObject(data, "blob", blob);
    cJSON_AddStringToObject(data, "owner", s->engine->presence.owner);
    if (s->checks_only)
        cJSON_AddTrueToObject(data, "checks_only");
    if (s->rehearsed)
        cJSON_AddTrueToObject(data, "rehearsed");
    if (s->book->act) {
        cJSON_AddTrueToObject(data, "act");
        cJSON_AddStringToObject(data, "reason", s->book->steps.data[0].prose);
    }
    if (s->entity)
        cJSON_AddStringToObject(data, "entity", s->entity);
    vars = cJSON_AddObjectToObject(data, "vars");
    for (char **pair = s->variables; pair && *pair; pair++) {
        char *name = xstrndup(*pair, strcspn(*pair, "="));
        const char *equals = strchr(*pair, '=');
        cJSON_AddStringToObject(vars, name, equals ? equals + 1 : "");
        free(name);
    }
    return data;
}

/* A run belongs to an incident that there is, and that isn't closed. */
static int incident_check(const struct starting *s, struct err *e)
{
    struct journal_incident incident;
    if (s->incident == 0 || !s->engine->chronicle.journal)
        return 0;
    if (journal_incident(s->engine->chronicle.journal, s->incident, &incident, e) < 0)
        return e->code;
    return incident.state == INCIDENT_CLOSED
               ? err_set(e, ERR_USAGE, "INC-%lld is closed", (long long)s->incident)
               : 0;
}

static char *starting_summary(const struct runbook *book, bool rehearsed)
{
    if (rehearsed)
        return xasprintf(REHEARSAL "walks the runbook %s; nothing is run", book->title);
    if (!book->act)
        return xasprintf("starts the runbook %s", book->title);
    const char *reason = book->steps.data[0].prose;
    return xasprintf("outside any runbook: %s%s%s", book->title, reason[0] ? ": " : "", reason);
}

static int starting_journal(struct starting *s, struct err *e)
{
    const struct str *bytes = &s->document;
    struct engine *engine = s->engine;
    char blob[SHA256_HEX_SIZE] = "";
    struct journal_blob_origin origin = {
        .actor = engine->identity.actor, .what = "runbook", .incident = s->incident};
    if (!engine->chronicle.journal)
        return err_set(e, ERR_IO, "there is no journal: %s", engine->chronicle.trouble);
    if (bytes->len > 0 && journal_blob_put(engine->chronicle.journal, &origin, str_text(bytes), bytes->len,
                                           blob, NULL, NULL, e) < 0)
        return e->code;
    cJSON *data = started_data(s, blob), *input = cJSON_CreateObject();
    cJSON_AddItemToObject(input, "input", json_parse(s->start->json, strlen(s->start->json), NULL));
    char *text = json_print(data), *input_text = json_print(input),
         *summary = starting_summary(s->book, s->rehearsed);
    struct event_draft drafts[2] = {
        {.kind = EVENT_RUN_STARTED,
         .actor = s->actor,
         .summary = summary,
         .data = text,
         .incident = s->incident,
         .run = JOURNAL_NEW,
         .claim = {.op = CLAIM_TAKE, .owner = engine->presence.owner}},
        {.kind = EVENT_RUN_INPUT,
         .actor = s->actor,
         .summary = s->rehearsed ? REHEARSAL "start" : "start",
         .data = input_text,
         .incident = s->incident,
         .run = JOURNAL_NEW},
    };
    int code = chronicle_append(engine, drafts, 2, started, s, e);
    cJSON_Delete(data);
    cJSON_Delete(input);
    free(text);
    free(input_text);
    free(summary);
    return code;
}

/* What the document names comes with it: policies as numbers, items by their digest. */
static int starting_input(struct starting *s, struct err *e)
{
    struct run_policy *policies = NULL;
    struct run_input input = {.kind = INPUT_START,
                              .step = STEP_NONE,
                              .actor = s->actor,
                              .variables = s->variables,
                              .context = s->context,
                              .rehearsed = s->rehearsed,
                              .seed = rng_entropy() >> 12};
    struct run_pin *pins = item_tables_pins(&s->items, &input.pin_count);
    struct run *trial = run_new(s->book);
    item_tables_lend(&s->items, trial);
    int code = incident_check(s, e);
    if (code == 0)
        code = runbook_runnable(s->book, e);
    if (code == 0)
        code = runbook_policies(s->book, s->engine->config, &policies, &input.policy_count, e);
    input.policies = policies;
    input.pins = pins;
    if (code == 0)
        code = run_admits(trial, &input, e);
    run_free(trial);
    if (code == 0) {
        s->start = xcalloc(1, sizeof *s->start);
        s->start->json = run_input_to_json(s->book, &input);
        code = run_input_from_json(s->book, s->start->json, strlen(s->start->json), &s->start->input, e);
    }
    free(policies);
    free(pins);
    return code;
}

static void starting_go(struct starting *s)
{
    struct err e = {0};
    s->context = entity_context(s->engine, s->book, s->entity);
    int code = starting_input(s, &e);
    if (code == 0)
        code = starting_journal(s, &e);
    if (code < 0)
        starting_end(s, code, e.msg, 0);
}

static void items_work(void *data)
{
    struct starting *s = data;
    struct journal_blob_origin origin = {
        .actor = s->engine->identity.actor, .what = "items", .incident = s->incident};
    item_tables_read(&s->items, s->book, s->engine->chronicle.journal, &origin, &s->e);
}

static void items_done(void *data)
{
    struct starting *s = data;
    s->engine->runs.storing--;
    if (s->engine->closing)
        starting_end(s, ERR_CANCELLED, "", 0);
    else if (s->e.code)
        starting_end(s, s->e.code, s->e.msg, 0);
    else
        starting_go(s);
}

static void document_read(void *context, struct runbook *book, struct str *bytes, const struct err *problem)
{
    struct starting *s = context;
    s->book = book;
    if (s->engine->closing || !book) {
        starting_end(s, book ? ERR_CANCELLED : problem->code, problem->msg, 0);
        return;
    }
    s->document = *bytes;
    *bytes = (struct str){0};
    if (item_tables_wanted(book) && s->engine->chronicle.journal) {
        s->engine->runs.storing++;
        loop_work(s->engine->loop, items_work, items_done, s);
    } else {
        starting_go(s);
    }
}

static void act_start(struct starting *s, const struct runbook_act *act)
{
    struct err e = {0};
    s->variables = strv_copy(act->variables);
    if (runbook_act_write(act, &s->document, &e) == 0)
        s->book = runbook_act_parse(str_text(&s->document), s->document.len, &e);
    if (s->book)
        starting_go(s);
    else
        starting_end(s, e.code, e.msg, 0);
}

void walk_start(struct engine *engine, const struct engine_request *request, engine_done *done, void *context)
{
    struct starting *s = xcalloc(1, sizeof *s);
    s->engine = engine;
    s->path = xstrdup(request->path);
    s->entity = xstrdup(request->entity);
    s->variables = request->act ? NULL : strv_copy(request->variables);
    s->rehearsed = request->kind == REQUEST_REHEARSE;
    s->incident = request->incident ? request->incident : s->rehearsed ? 0 : engine->chronicle.focused;
    s->actor = request->by_itself ? "belay" : engine->identity.actor;
    s->checks_only = request->checks_only;
    s->done = done;
    s->done_context = context;
    if (request->act) {
        act_start(s, request->act);
        return;
    }
    library_load(engine, request->path, document_read, s);
}
