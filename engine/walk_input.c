/* The inputs of a run, one after the other: each is journaled, then applied to the machine, then its effects
 * are acted on. */
#include "engine/walk.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the queue ---- */

static const char *step_title(const struct walk *w, int step)
{
    return step >= 0 && (size_t)step < w->book->steps.len ? w->book->steps.data[step].title : "";
}

static char *input_summary(const struct walk *w, const struct run_input *in)
{
    const char *title = step_title(w, in->step);
    switch (in->kind) {
    case INPUT_CONFIRM:
        return xasprintf("confirmed: %s", title);
    case INPUT_ANSWER:
        return xasprintf("%s: %s%s%s", title, in->value ? in->value : "", in->reason ? ": " : "",
                         in->reason ? in->reason : "");
    case INPUT_CHOOSE:
        return xasprintf("%s: %s%s%s", title, run_choice_text(in->choice), in->reason ? ": " : "",
                         in->reason ? in->reason : "");
    case INPUT_RESOLVE:
        return xasprintf("%s is now known: %s: %s", title, run_outcome_text(in->resolved),
                         in->reason ? in->reason : "");
    case INPUT_STOP:
        return xasprintf("stops the run%s%s", in->reason ? ": " : "", in->reason ? in->reason : "");
    case INPUT_CANCEL:
        return xasprintf("cancels: %s", title);
    case INPUT_SET:
        return xasprintf("%s = %s", in->name ? in->name : "", in->value ? in->value : "");
    case INPUT_APPROVE:
        return xasprintf("approves: %s", title);
    case INPUT_BREAK_GLASS:
        return xasprintf("breaks the glass: %s: %s", title, in->reason ? in->reason : "");
    case INPUT_REFUSED:
        return xasprintf("the lock is held by %s", in->value ? in->value : "somebody else");
    case INPUT_ADOPT:
        return xasprintf("goes on with what another console left");
    default:
        return xasprintf("%s %s", run_input_text(in->kind), title);
    }
}

struct pending *pending_new(const struct walk *w, const struct run_input *input, struct err *e)
{
    struct pending *p = xcalloc(1, sizeof *p);
    p->kind = EVENT_RUN_INPUT;
    p->json = run_input_to_json(w->book, input);
    if (run_input_from_json(w->book, p->json, strlen(p->json), &p->input, e) < 0) {
        pending_free(p);
        return NULL;
    }
    return p;
}

static void pending_end(struct pending *p, int code, const char *message, int64_t id)
{
    if (p->done)
        p->done(p->context, code, message, id);
    pending_free(p);
}

static void queue_shift(struct walk *w)
{
    vec_remove(&w->queue, 0);
}

/* What belay itself found out is journaled sooner or later; what a person asked for is refused now. */
static bool must_not_be_lost(const struct pending *p)
{
    enum run_input_kind kind = p->input.kind;
    return kind == INPUT_FINISHED || kind == INPUT_STARTED || kind == INPUT_ADOPT || kind == INPUT_LOCKED ||
           kind == INPUT_REFUSED || p->at_us != 0;
}

/* ---- what follows from the machine's state and is journaled once ---- */

struct conclusion {
    struct walk *walk;
    int step;
};

static void on_concluded(void *context, const struct journal_result *result)
{
    struct conclusion *c = context;
    if (result->code < 0 && !c->walk->lost)
        c->walk->concluded[c->step] = OUTCOME_PENDING; /* walk_settle brings it again */
    free(c);
}

static void conclusion_append(struct walk *w, int index)
{
    const struct step *step = &w->book->steps.data[index];
    struct run_step view;
    run_step_at(w->run, index, &view);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "step", step->id);
    cJSON_AddStringToObject(data, "title", step->title);
    cJSON_AddStringToObject(data, "outcome", run_outcome_text(view.outcome));
    cJSON_AddStringToObject(data, "reason", view.reason);
    cJSON_AddStringToObject(data, "answer", view.answer);
    if (run_rehearsed(w->run))
        cJSON_AddTrueToObject(data, "rehearsed");
    struct run_event event = {.draft = {.kind = EVENT_STEP_CONCLUDED,
                                        .outcome = run_outcome_text(view.outcome),
                                        .claim = walk_claim(w, CLAIM_CHECK)},
                              .summary =
                                  xasprintf("%s: %s%s%s", step->title, step_outcome_text(step, view.outcome),
                                            view.reason[0] ? ", " : "", view.reason),
                              .data = data};
    struct conclusion *c = xmalloc(sizeof *c);
    *c = (struct conclusion){w, index};
    w->concluded[index] = view.outcome;
    if (walk_append(w, event, on_concluded, c, NULL) < 0) {
        w->concluded[index] = OUTCOME_PENDING;
        free(c);
    }
}

static void conclude_steps_of(struct walk *w, bool by_reference)
{
    for (size_t i = 0; i < w->book->steps.len; i++) {
        if (step_kind_by_reference(w->book->steps.data[i].kind) != by_reference)
            continue;
        enum run_outcome outcome = run_outcome_at(w->run, (int)i);
        if (outcome < OUTCOME_OK)
            w->concluded[i] = OUTCOME_PENDING;
        else if (outcome != w->concluded[i])
            conclusion_append(w, (int)i);
    }
}

/* A verification that ends its action is told before it. */
static void conclude_steps(struct walk *w)
{
    conclude_steps_of(w, true);
    conclude_steps_of(w, false);
}

static void on_walk_ended(void *context, const struct journal_result *result)
{
    struct walk *w = context;
    w->ending = false;
    if (w->lost || result->code < 0)
        return;
    w->ended = true;
    if (!w->engine->closing)
        engine_changed(w->engine, ENGINE_RUNS);
}

/* How many of its steps changed something, and well: a run that acted on nothing proves nothing. */
static cJSON *ended_data(const struct walk *w)
{
    int64_t acted = 0;
    for (size_t i = 0; i < w->book->steps.len; i++)
        acted += w->book->steps.data[i].kind == STEP_ACTION && run_outcome_at(w->run, (int)i) == OUTCOME_OK;
    cJSON *data = cJSON_CreateObject();
    json_add_int(data, "acted", acted);
    if (run_rehearsed(w->run))
        cJSON_AddTrueToObject(data, "rehearsed");
    return data;
}

static void walk_end(struct walk *w, enum run_outcome outcome)
{
    struct str why = {0};
    run_verdict_text(w->run, &why);
    struct run_event event = {.draft = {.kind = EVENT_RUN_ENDED,
                                        .outcome = run_outcome_text(outcome),
                                        .claim = walk_claim(w, CLAIM_RELEASE)},
                              .summary = xasprintf("%s ended: %s", w->book->title, str_text(&why)),
                              .data = ended_data(w)};
    w->ending = walk_append(w, event, on_walk_ended, w, NULL) == 0;
    str_fini(&why);
}

void walk_settle(struct walk *w)
{
    enum run_outcome outcome;
    if (w->ended || w->ending || w->elsewhere || w->engine->chronicle.trouble)
        return;
    tickets_retry(w);
    conclude_steps(w);
    if (w->queue.len == 0 && run_ended(w->run, &outcome))
        walk_end(w, outcome);
    walk_wake(w);
    walk_pump(w);
}

static void note_append(const struct walk *w, const struct run_effect *effect)
{
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "step", effect->step >= 0 ? w->book->steps.data[effect->step].id : "");
    struct run_event event = {
        .draft = {.kind = EVENT_STEP_NOTED, .actor = "belay", .claim = walk_claim(w, CLAIM_CHECK)},
        .summary = xasprintf("%s: %s", step_title(w, effect->step), effect->text),
        .data = data};
    walk_append(w, event, NULL, NULL, NULL);
}

int walk_effects(struct walk *w, const struct run_effects *effects, struct err *e)
{
    int code = 0;
    for (size_t i = 0; i < effects->len; i++) {
        const struct run_effect *effect = &effects->data[i];
        if (effect->kind == EFFECT_EXEC)
            ticket_begin(w, effect);
        else if (effect->kind == EFFECT_CANCEL && ticket_cancel(w, effect->ticket, e) < 0)
            code = e->code;
        else if (effect->kind == EFFECT_COUNT)
            target_count_effect(w, effect);
        else if (effect->kind == EFFECT_ENDED)
            walk_end(w, effect->outcome);
        else if (effect->kind == EFFECT_REQUEST)
            approval_request(w, effect);
        else if (effect->kind == EFFECT_LOCK)
            lock_take(w, effect);
        else if (effect->kind == EFFECT_UNLOCK)
            lock_drop(w, effect);
        else if (effect->kind == EFFECT_NOTE && effect->record)
            note_append(w, effect);
    }
    return code;
}

static void appended(void *context, const struct journal_result *result)
{
    struct walk *w = context;
    struct engine *engine = w->engine;
    w->appending = false;
    if (w->lost || w->queue.len == 0 || engine->closing)
        return;
    if (result->code == ERR_CLAIMED) {
        walk_lose(w);
        return;
    }
    struct pending *p = w->queue.data[0];
    if (result->code < 0 && p->input.kind == INPUT_CANCEL && p->at_us == 0) {
        queue_shift(w);
        walk_cancel_now(w, p);
        return;
    }
    if (result->code < 0) {
        if (must_not_be_lost(p))
            return;
        queue_shift(w);
        pending_end(p, result->code, result->reason, 0);
        walk_pump(w);
        return;
    }
    if (result->incident && !w->incident) {
        w->incident = result->incident;
        engine->chronicle.focused = result->incident;
    }
    w->seen_seq = result->seq + result->count - 1;
    struct run_effects effects = {0};
    struct err e = {0};
    int code = run_apply(w->run, &p->input, &effects, &e);
    queue_shift(w);
    if (code == 0)
        conclude_steps(w);
    struct ticket *applied = p->ticket;
    if (code == 0 && applied)
        ticket_applied(applied); /* what it holds is let go before anything new begins */
    if (code == 0)
        code = walk_effects(w, &effects, &e);
    ready_look(w);
    pending_end(p, code, e.msg, w->id);
    vec_fini(&effects);
    walk_wake(w);
    engine_changed(engine, ENGINE_RUNS);
    walk_pump(w);
}

/* The first confirmation of an acting step opens the incident that the run belongs to. */
static bool opens_incident(const struct walk *w, const struct pending *p)
{
    const struct run_input *in = &p->input;
    return !w->incident && !run_rehearsed(w->run) && in->kind == INPUT_CONFIRM && in->step >= 0 &&
           step_kind_acts(w->book->steps.data[in->step].kind);
}

static int pending_append(struct walk *w, struct pending *p, struct err *e)
{
    bool opens = opens_incident(w, p);
    const char *title = w->entity ? w->entity : w->book->title;
    cJSON *opened = cJSON_CreateObject(),
          *data = p->extra ? cJSON_Duplicate(p->extra, true) : cJSON_CreateObject();
    cJSON_AddStringToObject(opened, "title", title);
    cJSON_AddStringToObject(opened, "severity", w->book->severity);
    cJSON_AddItemToObject(data, "input", cJSON_CreateRaw(p->json)); /* digit by digit */
    if (run_rehearsed(w->run))
        cJSON_AddTrueToObject(data, "rehearsed");
    char *opened_text = json_print(opened);
    struct event_draft before = {.kind = EVENT_INCIDENT_OPENED,
                                 .incident = JOURNAL_NEW,
                                 .run = w->id,
                                 .summary = title,
                                 .data = opened_text};
    struct run_event event = {.draft = {.kind = p->kind,
                                        .outcome = p->outcome,
                                        .actor = p->input.actor ? NULL : "belay",
                                        .at_us = p->at_us,
                                        .incident = opens ? JOURNAL_NEW : w->incident,
                                        .claim = walk_claim(w, CLAIM_CHECK)},
                              .summary = p->summary ? xstrdup(p->summary) : input_summary(w, &p->input),
                              .data = data,
                              .before = opens ? &before : NULL};
    int code = walk_append(w, event, appended, w, e);
    free(opened_text);
    cJSON_Delete(opened);
    return code;
}

void walk_pump(struct walk *w)
{
    while (!w->lost && !w->appending && w->queue.len > 0 && !w->engine->closing) {
        struct pending *p = w->queue.data[0];
        struct err e = {0};
        p->input.at_ms = walk_clock_ms(w);
        free(p->json);
        p->json = run_input_to_json(w->book, &p->input);
        int code = w->ended ? err_set(&e, ERR_USAGE, "run %lld has ended", (long long)w->id)
                            : run_admits(w->run, &p->input, &e);
        if (code == 0) {
            code = pending_append(w, p, &e);
            if (code < 0 && must_not_be_lost(p))
                return;
        }
        if (code < 0) {
            queue_shift(w);
            pending_end(p, code, e.msg, 0);
        } else {
            w->appending = true;
        }
    }
}

void walk_refuse(struct walk *w, const char *why)
{
    while (w->queue.len > 0) {
        struct pending *p = w->queue.data[0];
        queue_shift(w);
        pending_end(p, ERR_CLAIMED, why, 0);
    }
}

void walk_enqueue(struct walk *w, struct pending *p)
{
    *vec_push(&w->queue) = p;
    walk_pump(w);
}

/* Before whatever else waits: nothing of the step begins when the journal can be written again. A console
 * that is killed before that leaves the step's own record, which says that it was cancelled, and not by whom.
 */
static void hold(struct walk *w, struct pending *p)
{
    size_t at = w->appending && w->queue.len > 0 ? 1 : 0;
    p->at_us = clock_wall_us();
    (void)vec_push(&w->queue);
    for (size_t i = w->queue.len - 1; i > at; i--)
        w->queue.data[i] = w->queue.data[i - 1];
    w->queue.data[at] = p;
}

void walk_cancel_now(struct walk *w, struct pending *p)
{
    struct err e = {0};
    int code = run_admits(w->run, &p->input, &e);
    if (code < 0) {
        pending_end(p, code, e.msg, 0);
        return;
    }
    for (size_t i = 0; i < w->queue.len; i++)
        if (w->queue.data[i]->at_us && w->queue.data[i]->input.step == p->input.step) {
            pending_end(p, 0, "it is being stopped already", w->id); /* asked twice: told once */
            return;
        }
    hold(w, p);
    size_t count = run_tickets(w->run, NULL, 0);
    struct run_ticket *tickets = xcalloc(count + 1, sizeof *tickets);
    run_tickets(w->run, tickets, count);
    for (size_t i = 0; i < count; i++)
        if (tickets[i].step == p->input.step && ticket_cancel(w, tickets[i].ticket, &e) < 0)
            code = e.code;
    free(tickets);
    output_say(w, p->input.step, "cancelled by %s; that is journaled as soon as the journal can be written",
               w->engine->identity.actor);
    if (p->done)
        p->done(p->context, code, code ? e.msg : "stopped; journaled as soon as the journal can be written",
                w->id);
    p->done = NULL;
    engine_changed(w->engine, ENGINE_RUNS | ENGINE_OUTPUT);
}

void walk_input(struct walk *w, const struct run_input *input, engine_done *done, void *context)
{
    struct err e = {0};
    struct run_input stamped = *input;
    stamped.at_ms = walk_clock_ms(w);
    bool lands = input->kind == INPUT_OPEN || input->kind == INPUT_CONFIRM || input->kind == INPUT_APPROVE ||
                 input->kind == INPUT_BREAK_GLASS;
    if (lands && stamped.actor &&
        input->kind != INPUT_APPROVE) /* approvals rest on who that is: the uid and the key, not a name */
        stamped.actor = w->engine->identity.person;
    if (lands && !stamped.where)
        stamped.where = w->engine->identity.target;
    if (w->elsewhere)
        err_set(&e, ERR_CLAIMED, "run %lld is walked by %s: it is only shown here", (long long)w->id,
                w->owner ? w->owner : "another console");
    struct pending *p = e.code ? NULL : pending_new(w, &stamped, &e);
    if (!p) {
        if (done)
            done(context, e.code, e.msg, 0);
        return;
    }
    if (input->kind == INPUT_OPEN && !run_rehearsed(w->run))
        identity_observe(w->engine, NULL, NULL);
    p->done = done;
    p->context = context;
    if (input->kind == INPUT_CANCEL && w->engine->chronicle.trouble)
        walk_cancel_now(w, p);
    else
        walk_enqueue(w, p);
}
