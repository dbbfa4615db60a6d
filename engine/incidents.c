/* What people decide about incidents, mutes and shifts: read and drafted in the pool, then journaled. */
#include "engine/incidents.h"
#include "engine/walk.h"

#include <stdio.h>
#include <stdlib.h>

#define DRAFTS_MOST 8

struct deciding {
    struct engine *engine;
    struct journal *journal;
    enum engine_request_kind kind;
    struct incident_change change; /* its texts are ours */
    bool accept_left;
    int64_t incident, until_us, now_us;
    char *text, *entity, *person, *actor, *key, *claim;
    struct event_draft drafts[DRAFTS_MOST];
    struct draft_texts texts[DRAFTS_MOST];
    size_t count;
    struct err e;
    engine_done *done;
    void *context;
};

/* ---- in the pool --------------------------------------------------------------------------------------- */

static void decide_handover(struct deciding *d)
{
    struct handover h;
    struct handover_acceptance acceptance = {0};
    const struct handover_who who = {d->actor, d->key, d->claim};
    handover_read(d->journal, d->now_us, &h, &d->e);
    if (d->e.code == 0 && d->kind == REQUEST_HANDOVER_GIVE) {
        handover_give(&h, &who, d->person, d->text, &d->drafts[0], &d->texts[0]);
        d->count = 1;
    } else if (d->e.code == 0 && handover_accept(&h, &who, &acceptance, &d->e) == 0) {
        memcpy(d->drafts, acceptance.drafts, sizeof d->drafts);
        memcpy(d->texts, acceptance.texts, sizeof d->texts);
        d->count = acceptance.count;
    } else {
        handover_acceptance_fini(&acceptance);
    }
    handover_fini(&h);
}

static void deciding_work(void *data)
{
    struct deciding *d = data;
    switch (d->kind) {
    case REQUEST_HANDOVER_GIVE:
    case REQUEST_HANDOVER_ACCEPT:
        decide_handover(d);
        break;
    case REQUEST_MUTE:
        mute_draft(d->entity, d->now_us, d->until_us, d->text, d->incident, &d->drafts[0], &d->texts[0],
                   &d->e);
        d->count = 1;
        break;
    default:
        incident_decide(d->journal, d->incident, &d->change, d->accept_left, d->now_us, &d->drafts[0],
                        &d->texts[0], &d->e);
        d->count = 1;
        break;
    }
}

/* ---- and back -------------------------------------------------------------------------------------------
 */

static void change_fini(struct incident_change *c)
{
    const char *const *texts[] = {&c->text,  &c->role,  &c->person, &c->severity, &c->field,
                                  &c->state, &c->owner, &c->due,    &c->ticket,   &c->test};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free((char *)(uintptr_t)*texts[i]);
}

static void deciding_end(struct deciding *d, int code, const char *message)
{
    if (d->done)
        d->done(d->context, code, message, d->incident);
    for (size_t i = 0; i < DRAFTS_MOST; i++)
        draft_texts_fini(&d->texts[i]);
    change_fini(&d->change);
    free(d->text);
    free(d->entity);
    free(d->person);
    free(d->actor);
    free(d->key);
    free(d->claim);
    free(d);
}

/* What the person reads: the summary, with the incident's name where it belongs to one. */
static char *answer_of(const struct deciding *d)
{
    const char *summary = d->texts[0].summary ? d->texts[0].summary : "";
    long long number = (long long)d->incident;
    if (d->kind == REQUEST_INCIDENT_MOVE)
        return xasprintf("INC-%lld %s", number, d->drafts[0].outcome);
    if (d->kind != REQUEST_INCIDENT && d->kind != REQUEST_NOTE)
        return xstrdup(summary);
    if (d->change.verb == INCIDENT_NOTE) {
        struct str noted = {0};
        incident_noted_text(d->incident, d->change.said_us, d->now_us, &noted);
        return str_take(&noted);
    }
    return xasprintf("INC-%lld %s", number, summary);
}

static void on_recorded(void *context, const struct journal_result *result)
{
    struct deciding *d = context;
    char *message = answer_of(d);
    deciding_end(d, result->code, result->code ? result->reason : message);
    free(message);
}

static void deciding_done(void *data)
{
    struct deciding *d = data;
    struct engine *engine = d->engine;
    engine->runs.storing--;
    if (d->e.code == 0 && engine->closing)
        err_set(&d->e, ERR_CANCELLED, "the console is closing");
    if (d->e.code == 0 && chronicle_append(engine, d->drafts, d->count, on_recorded, d, &d->e) == 0)
        return;
    deciding_end(d, d->e.code, d->e.msg);
}

static const char *copy_text(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static struct incident_change change_copy(const struct incident_change *c)
{
    struct incident_change copy = *c;
    copy.text = copy_text(c->text);
    copy.role = copy_text(c->role);
    copy.person = copy_text(c->person);
    copy.severity = copy_text(c->severity);
    copy.field = copy_text(c->field);
    copy.state = copy_text(c->state);
    copy.owner = copy_text(c->owner);
    copy.due = copy_text(c->due);
    copy.ticket = copy_text(c->ticket);
    copy.test = copy_text(c->test);
    copy.left = NULL;
    return copy;
}

static bool moves(enum incident_verb verb)
{
    return verb == INCIDENT_MITIGATE || verb == INCIDENT_RESOLVE || verb == INCIDENT_REVIEW ||
           verb == INCIDENT_CLOSE;
}

/* Notes may stand for themselves; everything else is about an incident. */
static int check(const struct engine *engine, const struct engine_request *request, int64_t incident,
                 struct err *e)
{
    bool about = request->kind == REQUEST_INCIDENT || request->kind == REQUEST_INCIDENT_MOVE;
    if (about && !request->change)
        return err_set(e, ERR_USAGE, "nothing is to be changed");
    if (about && moves(request->change->verb) != (request->kind == REQUEST_INCIDENT_MOVE))
        return err_set(e, ERR_USAGE, "that is another kind of change");
    if (about && !incident && request->change->verb != INCIDENT_NOTE)
        return err_set(e, ERR_NOT_FOUND, "no incident is open: :incident open TITLE opens one");
    for (size_t i = 0; about && request->change->verb == INCIDENT_CLOSE && i < engine->runs.walks.len; i++) {
        const struct walk *w = engine->runs.walks.data[i];
        if (w->incident == incident && !w->ended)
            return err_set(e, ERR_BUSY, "run %lld of INC-%lld is still open: finish or stop it first",
                           (long long)w->id, (long long)incident);
    }
    return 0;
}

void incidents_submit(struct engine *engine, const struct engine_request *request, engine_done *done,
                      void *context)
{
    int64_t incident = request->incident ? request->incident : engine->chronicle.focused;
    struct incident_change note = {.verb = INCIDENT_NOTE, .text = request->text};
    struct err e = {0};
    if (check(engine, request, incident, &e) < 0) {
        if (done)
            done(context, e.code, e.msg, 0);
        return;
    }
    struct deciding *d = xcalloc(1, sizeof *d);
    *d = (struct deciding){.engine = engine,
                           .journal = engine->chronicle.journal,
                           .kind = request->kind,
                           .accept_left = request->accept_left,
                           .incident = incident,
                           .until_us = request->until_us,
                           .now_us = clock_wall_us(),
                           .text = xstrdup(request->text),
                           .entity = xstrdup(request->entity),
                           .person = xstrdup(request->person),
                           .actor = xstrdup(engine->identity.actor),
                           .key = xstrdup(engine->identity.key),
                           .claim = xstrdup(engine->identity.claim),
                           .done = done,
                           .context = context};
    d->change = change_copy(request->change ? request->change : &note);
    engine->runs.storing++;
    loop_work(engine->loop, deciding_work, deciding_done, d);
}

/* ---- looking ---------------------------------------------------------------------------------------------
 */

struct looking {
    struct engine *engine;
    struct journal *journal;
    int64_t incident, now_us;
    struct str text;
    char **asking;
    struct err e;
    engine_sheet *done;
    void *context;
};

static void looking_work(void *data)
{
    struct looking *l = data;
    struct handover h;
    struct leftovers left;
    if (!l->journal) {
        err_set(&l->e, ERR_NOT_FOUND, "nothing was journaled here yet");
        return;
    }
    if (l->incident) {
        if (leftovers_read(l->journal, l->incident, l->now_us, &left, &l->e) == 0)
            l->asking = leftovers_asking(&left);
        leftovers_fini(&left);
        return;
    }
    if (handover_read(l->journal, l->now_us, &h, &l->e) == 0)
        handover_text(&h, &l->text);
    handover_fini(&h);
}

static void looking_done(void *data)
{
    struct looking *l = data;
    l->engine->runs.storing--;
    l->done(l->context, l->e.code ? &l->e : NULL, str_text(&l->text), l->asking);
    str_fini(&l->text);
    strv_free(l->asking);
    free(l);
}

static void look(const struct engine *engine, int64_t incident, engine_sheet *done, void *context)
{
    struct engine *own = (struct engine *)(uintptr_t)engine;
    struct looking *l = xcalloc(1, sizeof *l);
    *l = (struct looking){.engine = own,
                          .journal = engine->chronicle.journal,
                          .incident = incident,
                          .now_us = clock_wall_us(),
                          .done = done,
                          .context = context};
    own->runs.storing++;
    loop_work(engine->loop, looking_work, looking_done, l);
}

void engine_leftovers_read(const struct engine *engine, int64_t incident, engine_sheet *done, void *context)
{
    look(engine, incident, done, context);
}

void engine_handover_read(const struct engine *engine, engine_sheet *done, void *context)
{
    look(engine, 0, done, context);
}
