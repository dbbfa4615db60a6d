/* Sources of kind journal: what belay's own journal says of the runs of one runbook. A rehearsal, a run of
 * checks alone and one that acted on nothing prove nothing and do not count. */
#include <stdlib.h>
#include <string.h>

#include "engine/journal/journal.h"
#include "engine/sources/source.h"

struct real_run {
    int64_t id;
    char *actor;
};

struct newest {
    int64_t run, at_us; /* 0: none; when it ended, wall */
    char *actor, *outcome;
};

/* What is known so far; only what came since is read again. */
struct runs {
    int64_t seen_seq;
    uint64_t ended;
    struct newest last, ok;
    VEC(struct real_run) open;
};

struct reading {
    struct journal_state *state; /* NULL: nobody waits for it any more */
    struct journal *journal;     /* NULL: nothing was journaled yet */
    const char *runbook;
    struct runs *runs;
    struct err e;
    int64_t began_us;
    bool done;
};

struct journal_state {
    struct source *source;
    struct runs runs;
    struct reading *reading;
};

/* ---- in the pool ---- */

/* By when it ended: what another journal was told meanwhile is imported behind what is newer. */
static void newest_set(struct newest *n, const struct event *event, const char *actor)
{
    if (n->run && event->at_us < n->at_us)
        return;
    free(n->actor);
    free(n->outcome);
    *n = (struct newest){event->run, event->at_us, xstrdup(actor), xstrdup(event->outcome)};
}

static void start_learn(struct reading *r, const struct event *event, const cJSON *data)
{
    bool tried = !json_bool(data, "rehearsed", false) && !json_bool(data, "checks_only", false);
    if (tried && str_eq(json_string(data, "runbook", NULL), r->runbook))
        *vec_push(&r->runs->open) = (struct real_run){event->run, xstrdup(event->actor)};
}

static void end_learn(struct reading *r, const struct event *event, const cJSON *data)
{
    for (size_t i = 0; i < r->runs->open.len; i++) {
        struct real_run run = r->runs->open.data[i];
        if (run.id != event->run)
            continue;
        r->runs->ended++;
        newest_set(&r->runs->last, event, run.actor);
        if (str_eq(event->outcome, "ok") && json_int(data, "acted", 0) > 0)
            newest_set(&r->runs->ok, event, run.actor);
        free(run.actor);
        vec_remove(&r->runs->open, i);
        return;
    }
}

static int on_event(const struct event *event, void *context)
{
    struct reading *r = context;
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    if (event->kind == EVENT_RUN_STARTED)
        start_learn(r, event, data);
    else
        end_learn(r, event, data);
    r->runs->seen_seq = event->seq;
    cJSON_Delete(data);
    return 0;
}

static void reading_work(void *data)
{
    static const enum event_kind kinds[] = {EVENT_RUN_STARTED, EVENT_RUN_ENDED};
    struct reading *r = data;
    struct journal_filter filter = {.kinds = kinds, .kind_count = 2};
    if (r->journal && !r->e.code)
        journal_read(r->journal, r->runs->seen_seq + 1, JOURNAL_FORWARD, &filter, 0, on_event, r, &r->e);
}

/* ---- on the loop ---- */

static void run_add(cJSON *root, const char *name, int64_t run, int64_t at_us, const char *by,
                    const char *outcome)
{
    char at[CLOCK_TEXT_SIZE];
    cJSON *object = cJSON_AddObjectToObject(root, name);
    clock_format(at_us, at);
    if (run)
        json_add_int(object, "run", run);
    cJSON_AddStringToObject(object, "at", at);
    cJSON_AddStringToObject(object, "by", by);
    cJSON_AddStringToObject(object, "outcome", outcome);
}

static void tell(struct journal_state *state, const struct reading *r)
{
    const struct newest *ok = &state->runs.ok, *last = &state->runs.last;
    const char *said = source_variable(state->source, "last"); /* before belay kept this journal */
    int64_t said_us = 0;
    bool by_hand = *said && clock_parse(said, &said_us, NULL) == 0 && said_us > ok->at_us;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "runbook", r->runbook);
    json_add_int(root, "runs", (int64_t)state->runs.ended);
    cJSON_AddStringToObject(root, "state", ok->run || by_hand ? "" : "never");
    if (last->run)
        run_add(root, "last", last->run, last->at_us, last->actor, last->outcome);
    if (by_hand)
        run_add(root, "ok", 0, said_us, "belay.yaml", "ok");
    else if (ok->run)
        run_add(root, "ok", ok->run, ok->at_us, ok->actor, ok->outcome);
    char *text = json_print(root);
    struct answer a = {.latency_us = loop_now_us(source_loop(state->source)) - r->began_us};
    str_add(&a.body, text);
    a.bytes = a.body.len;
    free(text);
    cJSON_Delete(root);
    source_answered(state->source, &a, NULL, false);
}

static void reading_done(void *data)
{
    struct reading *r = data;
    struct journal_state *state = r->state;
    r->done = true;
    if (!state)
        return;
    state->reading = NULL;
    if (r->e.code)
        source_failed(state->source, 0, "the journal can't be read: %s", r->e.msg);
    else
        tell(state, r);
    free(r);
}

static char *lookup(const cJSON *vars, struct err *e)
{
    const char *runbook = json_string(vars, "runbook", ""), *last = json_string(vars, "last", "");
    int64_t at_us;
    if (!*runbook)
        return err_set(e, ERR_SYNTAX, "kind: journal needs vars: {runbook: ...}, the id of a runbook"), NULL;
    if (*last && clock_parse(last, &at_us, NULL) < 0)
        return err_set(e, ERR_SYNTAX, "vars: last: \"%.40s\" is no time: write it as 2026-11-22T09:30:00Z",
                       last),
               NULL;
    return xasprintf("runs of %s", runbook);
}

static void *state_open(struct source *s)
{
    struct journal_state *state = xcalloc(1, sizeof *state);
    state->source = s;
    return state;
}

static void state_poll(void *data)
{
    struct journal_state *state = data;
    struct reading *r = xcalloc(1, sizeof *r);
    const char *why;
    *r = (struct reading){.state = state,
                          .journal = source_journal(state->source, &why),
                          .runbook = source_variable(state->source, "runbook"),
                          .runs = &state->runs,
                          .began_us = loop_now_us(source_loop(state->source))};
    state->reading = r;
    if (*why)
        err_set(&r->e, ERR_IO, "%s", why);
    loop_work(source_loop(state->source), reading_work, reading_done, r);
}

/* The pool reads the journal, which is closed after us: it is awaited. */
static void state_cancel(void *data)
{
    struct journal_state *state = data;
    struct reading *r = state->reading;
    if (!r)
        return;
    r->state = NULL;
    while (!r->done)
        loop_run_once(source_loop(state->source), US_PER_S);
    free(r);
    state->reading = NULL;
}

static void state_close(void *data)
{
    struct journal_state *state = data;
    for (size_t i = 0; i < state->runs.open.len; i++)
        free(state->runs.open.data[i].actor);
    vec_fini(&state->runs.open);
    free(state->runs.last.actor);
    free(state->runs.last.outcome);
    free(state->runs.ok.actor);
    free(state->runs.ok.outcome);
    free(state);
}

const struct source_kind kind_journal = {
    .name = "journal",
    .form = FORM_JSON,
    .lookup = lookup,
    .open = state_open,
    .poll = state_poll,
    .cancel = state_cancel,
    .close = state_close,
};
