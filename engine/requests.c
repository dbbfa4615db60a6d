/* The one door to anything that changes something: flags are checked here, then the request goes its way. */
#include "engine/incidents.h"
#include "engine/walk.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *text;
    unsigned flags;
} request_table[] = {
#define X(name, text, flags, help) [REQUEST_##name] = {text, flags},
    ENGINE_REQUESTS(X)
#undef X
};

struct asking {
    struct engine *engine;
    engine_done *done;
    void *context;
    char *message;
    bool joins;
};

static void answer(engine_done *done, void *context, const struct err *e)
{
    if (done)
        done(context, e->code, e->msg, 0);
}

static void asking_end(struct asking *a, int code, const char *message, int64_t id)
{
    if (a->done)
        a->done(a->context, code, message, id);
    free(a->message);
    free(a);
}

static void on_recorded(void *context, const struct journal_result *result)
{
    struct asking *a = context;
    struct engine *engine = a->engine;
    if (result->code == 0 && a->joins) {
        engine->observer = false;
        walks_join(engine);
        engine_changed(engine, ENGINE_RUNS);
    }
    if (result->code == 0 && result->incident)
        engine->chronicle.focused = result->incident;
    char *opened = result->incident ? xasprintf("INC-%lld opened", (long long)result->incident) : NULL;
    asking_end(a, result->code,
               result->code ? result->reason
               : opened     ? opened
                            : a->message,
               result->incident);
    free(opened);
}

static void record(struct engine *engine, const struct event_draft *draft, const char *message,
                   engine_done *done, void *context)
{
    struct err e = {0};
    struct asking *a = xcalloc(1, sizeof *a);
    *a = (struct asking){engine, done, context, xstrdup(message), draft->kind == EVENT_OPERATOR_JOINED};
    if (chronicle_append(engine, draft, 1, on_recorded, a, &e) < 0)
        asking_end(a, e.code, e.msg, 0);
}

/* ---- the requests ------------------------------------------------------------------------------------- */

static void request_join(struct engine *engine, const struct engine_request *request, engine_done *done,
                         void *context)
{
    struct err e = {0};
    if (engine->read_only)
        err_set(&e, ERR_DENIED, "this console was started with --read-only: start another one to act");
    if (e.code || !engine->observer) {
        if (done)
            done(context, e.code, e.code ? e.msg : "you are an operator already", 0);
        return;
    }
    struct event_draft draft = {.kind = EVENT_OPERATOR_JOINED,
                                .subject = engine->identity.actor_line,
                                .summary =
                                    request->text && request->text[0] ? request->text : "joined as operator"};
    record(engine, &draft, "you are an operator now", done, context);
}

static void request_incident_open(struct engine *engine, const struct engine_request *request,
                                  engine_done *done, void *context)
{
    struct err e = {0};
    char severity[SEVERITY_SIZE] = "";
    if (!request->text || !request->text[0])
        err_set(&e, ERR_USAGE, "an incident needs a title");
    else if (request->severity)
        severity_parse(request->severity, severity, &e);
    if (e.code) {
        answer(done, context, &e);
        return;
    }
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "title", request->text);
    cJSON_AddStringToObject(data, "severity", severity);
    if (request->entity)
        cJSON_AddStringToObject(data, "entity", request->entity);
    char *text = json_print(data);
    struct event_draft draft = {
        .kind = EVENT_INCIDENT_OPENED, .summary = request->text, .data = text, .incident = JOURNAL_NEW};
    record(engine, &draft, "", done, context);
    free(text);
    cJSON_Delete(data);
}

static int64_t incident_meant(const struct engine *engine, const struct engine_request *request)
{
    return request->incident ? request->incident : engine->chronicle.focused;
}

static void request_incident_focus(struct engine *engine, const struct engine_request *request,
                                   engine_done *done, void *context)
{
    struct err e = {0};
    struct journal_incident incident;
    if (journal_incident(engine->chronicle.journal, request->incident, &incident, &e) < 0) {
        answer(done, context, &e);
        return;
    }
    engine->chronicle.focused = request->incident;
    engine_changed(engine, ENGINE_INCIDENTS);
    lasting_refresh(engine);
    char *message = xasprintf("INC-%lld is focused", (long long)request->incident);
    if (done)
        done(context, 0, message, request->incident);
    free(message);
}

static void request_run(struct engine *engine, const struct engine_request *request, engine_done *done,
                        void *context)
{
    struct walk *w = walk_find(engine, request->run);
    struct err e = {0};
    const char *emergency = emergency_of(engine, request->run);
    if (!w)
        err_set(&e, ERR_NOT_FOUND, "there is no open run %lld", (long long)request->run);
    else if (emergency)
        err_set(&e, ERR_CLAIMED, "run %lld went on in the emergency journal %s: belay import %s",
                (long long)w->id, emergency, emergency);
    else if (request->kind == REQUEST_RUN_INPUT && !request->input)
        err_set(&e, ERR_USAGE, "no answer was given");
    if (e.code) {
        answer(done, context, &e);
        return;
    }
    if (request->kind == REQUEST_OUTCOME) {
        rehearsal_outcome(w, request, done, context);
        return;
    }
    if (request->kind == REQUEST_RUN_INPUT) {
        walk_input(w, request->input, done, context);
        return;
    }
    if (request->kind == REQUEST_RUN_TAKE && w->elsewhere && request->text && request->text[0]) {
        walk_take(w, request->text, done, context);
        return;
    }
    /* One that is ours by now, its console having gone just before, is not to be taken: it goes on. */
    if (request->kind == REQUEST_RUN_TAKE && w->elsewhere)
        err_set(&e, ERR_USAGE, "taking a run over needs a reason");
    else if (w->elsewhere)
        err_set(&e, ERR_CLAIMED, "run %lld is walked by %s; :runbook take %lld REASON takes it over",
                (long long)w->id, w->owner ? w->owner : "another console", (long long)w->id);
    if (e.code) {
        answer(done, context, &e);
        return;
    }
    w->restored = false;
    engine_changed(engine, ENGINE_RUNS);
    if (done)
        done(context, 0, "goes on", w->id);
}

static void request_approve(struct engine *engine, const struct engine_request *request, engine_done *done,
                            void *context)
{
    struct walk *w = walk_find(engine, request->run);
    struct err e = {0};
    if (w && !w->ended) {
        approval_grant(w, request, done, context);
        return;
    }
    err_set(&e, ERR_NOT_FOUND, "there is no open run %lld", (long long)request->run);
    answer(done, context, &e);
}

/* ---- export, in the pool --------------------------------------------------------------------------------
 */

struct exporting {
    struct engine *engine;
    struct journal *journal;
    int64_t incident;
    enum export_format format;
    char *path; /* NULL: a new file of the incident's name */
    size_t bytes;
    struct err e;
    engine_done *done;
    void *context;
};

#define EXPORTS_MOST 999

/* Another platform has an INC-1, too, and what somebody has edited since is theirs: nobody chose this name,
 * so nothing is lost by it. */
static void export_write_new(struct exporting *x, const struct str *text)
{
    int code = ERR_EXISTS;
    for (int number = 1; code == ERR_EXISTS && number <= EXPORTS_MOST; number++) {
        char again[16] = "";
        if (number > 1)
            snprintf(again, sizeof again, "-%d", number);
        free(x->path);
        x->path =
            xasprintf("belay-INC-%lld%s.%s", (long long)x->incident, again, export_format_name(x->format));
        x->e = (struct err){0};
        code = file_write_new(x->path, str_text(text), text->len, 0600, &x->e);
    }
}

static void exporting_work(void *data)
{
    struct exporting *x = data;
    struct str text = {0};
    if (postmortem_export(x->journal, x->incident, x->format, &text, &x->e) == 0) {
        if (x->path)
            file_write_atomic(x->path, str_text(&text), text.len, 0600, &x->e);
        else
            export_write_new(x, &text);
    }
    x->bytes = text.len;
    str_fini(&text);
}

static void exporting_done(void *data)
{
    struct exporting *x = data;
    struct engine *engine = x->engine;
    engine->runs.storing--;
    char *message = x->e.code ? NULL : xasprintf("wrote %s (%zu bytes)", x->path, x->bytes);
    if (!x->e.code && !engine->closing) {
        struct event_draft draft = {
            .kind = EVENT_EXPORT_WRITTEN, .subject = x->path, .summary = message, .incident = x->incident};
        chronicle_append(engine, &draft, 1, NULL, NULL, NULL);
    }
    if (x->done)
        x->done(x->context, x->e.code, x->e.code ? x->e.msg : message, x->incident);
    free(message);
    free(x->path);
    free(x);
}

static void request_export(struct engine *engine, const struct engine_request *request, engine_done *done,
                           void *context)
{
    struct err e = {0};
    int format = export_format_find(request->format ? request->format : "md");
    int64_t incident = incident_meant(engine, request);
    if (format < 0)
        err_set(&e, ERR_USAGE, "no such format: %s (md and json are there)", request->format);
    else if (!incident && journal_incident_current(engine->chronicle.journal, true, &incident, &e) == 0 &&
             !incident)
        err_set(&e, ERR_NOT_FOUND, "there is no incident to export yet: open one, or act");
    if (e.code) {
        answer(done, context, &e);
        return;
    }
    struct exporting *x = xcalloc(1, sizeof *x);
    *x = (struct exporting){.engine = engine,
                            .journal = engine->chronicle.journal,
                            .incident = incident,
                            .format = (enum export_format)format,
                            .done = done,
                            .context = context};
    x->path = request->text && request->text[0] ? xstrdup(request->text) : NULL;
    engine->runs.storing++;
    loop_work(engine->loop, exporting_work, exporting_done, x);
}

/* ---- the dispatcher ---------------------------------------------------------------------------------------
 */

/* What stops a process of our own waits for no disk. */
static bool stops(const struct engine_request *request)
{
    return request->kind == REQUEST_RUN_INPUT && request->input && request->input->kind == INPUT_CANCEL;
}

static int refused(const struct engine *engine, const struct engine_request *request, struct err *e)
{
    unsigned flags = request_table[request->kind].flags;
    const char *name = request_table[request->kind].text;
    const struct walk *w = request->run ? walk_find(engine, request->run) : NULL;
    if (w && run_rehearsed(w->run))
        flags &= ~REQUEST_ACTS;
    if ((flags & REQUEST_ACTS) && engine->read_only)
        return err_set(e, ERR_DENIED, "%s acts, and this console was started with --read-only", name);
    if ((flags & REQUEST_ACTS) && engine->observer)
        return err_set(e, ERR_DENIED, "%s acts, and you are an observer: :join first, or --join", name);
    if ((flags & REQUEST_JOURNALS) && (engine->read_only || !engine->chronicle.journal))
        return err_set(e, ERR_DENIED, "%s writes to the journal, and this console only reads", name);
    if ((flags & (REQUEST_ACTS | REQUEST_JOURNALS)) && engine->chronicle.trouble && !stops(request))
        return err_set(e, ERR_FULL, "%s is refused while the journal can't be written: %s%s", name,
                       engine->chronicle.trouble,
                       engine_emergency(engine) ? "" : " (belay emergency makes one elsewhere)");
    return 0;
}

void engine_submit(struct engine *engine, const struct engine_request *request, engine_done *done,
                   void *context)
{
    struct err e = {0};
    if (refused(engine, request, &e) < 0) {
        answer(done, context, &e);
        return;
    }
    switch (request->kind) {
    case REQUEST_JOIN:
        request_join(engine, request, done, context);
        break;
    case REQUEST_NOTE:
    case REQUEST_INCIDENT:
    case REQUEST_INCIDENT_MOVE:
    case REQUEST_MUTE:
    case REQUEST_HANDOVER_GIVE:
    case REQUEST_HANDOVER_ACCEPT:
        incidents_submit(engine, request, done, context);
        break;
    case REQUEST_BREAKER:
        request_breaker(engine, request, done, context);
        break;
    case REQUEST_INCIDENT_OPEN:
        request_incident_open(engine, request, done, context);
        break;
    case REQUEST_INCIDENT_FOCUS:
        request_incident_focus(engine, request, done, context);
        break;
    case REQUEST_RUN_START:
    case REQUEST_REHEARSE:
    case REQUEST_ACT:
        walk_start(engine, request, done, context);
        break;
    case REQUEST_OUTCOME:
    case REQUEST_RUN_INPUT:
    case REQUEST_RUN_RESUME:
    case REQUEST_RUN_TAKE:
        request_run(engine, request, done, context);
        break;
    case REQUEST_APPROVE:
        request_approve(engine, request, done, context);
        break;
    case REQUEST_EXPORT:
        request_export(engine, request, done, context);
        break;
    case REQUEST_EMERGENCY:
        request_emergency(engine, request, done, context);
        break;
    }
}
