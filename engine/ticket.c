/* One execution that a run asked for: observed where it lands, armed, its intent journaled, let go,
 * followed. */
#include "engine/ticket.h"

#include <stdio.h>
#include <stdlib.h>

#define AGAIN_MAX 8u

void ticket_free(struct ticket *t)
{
    step_terminal_free(t->terminal);
    execution_free(t->x);
    ready_discard(t->walk->engine, t->ready);
    run_command_fini(&t->command);
    books_free(t->books);
    strv_free(t->env);
    strv_free(t->exports);
    str_fini(&t->head);
    str_fini(&t->err_head);
    free(t);
}

/* Its folder in the spool, whose key begins with the run: r12-t7 for ticket 7 of run 12. */
static void ticket_folder(struct ticket *t, const char *folder)
{
    snprintf(t->key, sizeof t->key, "r%lld-%s", (long long)t->walk->id, folder);
}

/* A key is used once: what is run again gets the next one. */
static void ticket_key(struct ticket *t, unsigned again)
{
    char folder[40];
    t->again = again;
    int length = snprintf(folder, sizeof folder, "t%llu", (unsigned long long)t->number);
    if (again)
        snprintf(folder + length, sizeof folder - (size_t)length, "-%u", again);
    ticket_folder(t, folder);
}

static struct ticket *ticket_new(struct walk *w, uint64_t number, int step, int part, enum run_role role,
                                 unsigned attempt)
{
    struct ticket *t = xcalloc(1, sizeof *t);
    t->walk = w;
    t->number = number;
    t->step = step;
    t->part = part;
    t->role = role;
    t->attempt = attempt;
    ticket_key(t, 0);
    *vec_push(&w->tickets) = t;
    return t;
}

/* ---- following ---- */

static void on_output(void *data, enum exec_stream stream, const char *bytes, size_t length)
{
    struct ticket *t = data;
    if (stream == EXEC_STDOUT) {
        size_t room = RUN_OUTPUT_MAX - t->head.len;
        str_add_bytes(&t->head, bytes, length < room ? length : room);
        t->head_cut |= length > room;
    }
    output_add(t->walk, t->step, stream, bytes, length);
}

#define CANCELLED_EARLY "cancelled before it started"

static void ticket_prepare(struct ticket *t);
static void ticket_again(struct ticket *t);

static void on_ended(void *data, const struct exec_result *result)
{
    struct ticket *t = data;
    t->result = *result;
    t->result.exports = NULL;
    t->exports = strv_copy(result->exports);
    if (t->restored && result->how == EXEC_VOID && !run_role_acts(t->role) && t->again < AGAIN_MAX) {
        ticket_again(t);
        return;
    }
    if (result->dropped_bytes > 0)
        output_say(t->walk, t->step, "%lld bytes of output were dropped, there was no room for them",
                   (long long)result->dropped_bytes);
    if (t->why[0])
        snprintf(t->result.text, sizeof t->result.text, "%s", t->why);
    else if (t->cancelled && result->how == EXEC_VOID)
        snprintf(t->result.text, sizeof t->result.text, CANCELLED_EARLY);
    if (!t->terminal) {
        ticket_ended(t);
        return;
    }
    struct str how = {0};
    ticket_how(t, &how);
    step_terminal_end(t->terminal, str_text(&how), ticket_ended);
    str_fini(&how);
}

static const struct execution_events execution_callbacks = {.output = on_output, .ended = on_ended};

/* What changes nothing, and was asked for by a console that is gone, runs now. */
static void ticket_again(struct ticket *t)
{
    execution_free(t->x);
    t->x = NULL;
    t->restored = t->in_spool = false;
    books_free(t->books); /* of the one that is gone: it is asked anew */
    t->books = NULL;
    execution_forget(t->walk->engine->runs.spool, t->key, NULL);
    ticket_key(t, t->again + 1);
    ticket_ask(t, ticket_prepare);
}

/* ---- the beginning ---- */

static void on_intent(void *context, const struct journal_result *result)
{
    struct ticket *t = context;
    struct err e = {0};
    if (t->walk->lost || t->walk->engine->closing || t->finished)
        return;
    if (result->code < 0) {
        snprintf(t->why, sizeof t->why, "the journal could not take the intent: %.110s", result->reason);
        execution_void(t->x);
    } else {
        execution_go(t->x, &e);
    }
}

void ticket_add_command(const struct ticket *t, cJSON *data)
{
    const struct run_command *command = &t->command;
    cJSON *argv = cJSON_AddArrayToObject(data, "argv"), *env = cJSON_AddObjectToObject(data, "env");
    for (char **word = command->argv; *word; word++)
        cJSON_AddItemToArray(argv, cJSON_CreateString(*word));
    for (size_t i = 0; i < command->env.len; i++) {
        const struct run_env *v = &command->env.data[i];
        char *masked = v->secret ? xasprintf("(secret %s)", v->value) : NULL;
        if (run_env_kept(v))
            cJSON_AddStringToObject(env, v->name, masked ? masked : v->value);
        free(masked);
    }
    cJSON_AddStringToObject(data, "cwd", command->cwd ? command->cwd : "");
    if (command->interactive)
        cJSON_AddBoolToObject(data, "interactive", true);
}

static cJSON *intent_data(const struct ticket *t)
{
    cJSON *data = ticket_data(t);
    ticket_add_command(t, data);
    struct engine_where where;
    engine_where(t->walk->engine, &where);
    if (run_role_acts(t->role)) /* only then has it been observed right before */
        cJSON_AddStringToObject(data, "where", where.text);
    cJSON_AddStringToObject(data, "who", t->walk->engine->identity.actor_line);
    cJSON_AddStringToObject(data, "folder", t->key); /* in the spool: others look on there */
    ticket_add_breaker(t, data);
    const struct step *step = &t->walk->book->steps.data[t->step];
    cJSON_AddStringToObject(data, "scope", step_scope_text(step->scope));
    if (step->undo != STEP_NONE)
        cJSON_AddStringToObject(data, "undo", t->walk->book->steps.data[step->undo].id);
    return data;
}

static int intent_append(struct ticket *t, struct err *e)
{
    const char *title = t->walk->book->steps.data[t->step].title;
    struct str what = {0};
    ticket_name(t, &what);
    struct run_event event = {.draft = {.kind = EVENT_STEP_INTENT,
                                        .actor = run_role_acts(t->role) ? NULL : "belay",
                                        .claim = walk_claim(t->walk, CLAIM_CHECK)},
                              .summary = xasprintf("%s: %s begins", title, str_text(&what)),
                              .data = intent_data(t)};
    int code = walk_append(t->walk, event, on_intent, t, e);
    str_fini(&what);
    return code;
}

/* False: there is none, or its supervisor is gone. */
static bool ready_use(struct ticket *t, const struct exec_request *request)
{
    struct exec_request its = *request;
    if (!t->ready)
        return false;
    its.key = execution_key(t->ready);
    if (execution_give(t->ready, &its, &execution_callbacks, t, NULL) < 0) {
        ready_discard(t->walk->engine, t->ready);
    } else {
        t->x = t->ready;
        snprintf(t->key, sizeof t->key, "%s", its.key);
    }
    t->ready = NULL;
    return t->x;
}

static void ticket_arm(struct ticket *t)
{
    struct engine *engine = t->walk->engine;
    struct err e = {0};
    char *path[2] = {engine->step_path, NULL};
    struct exec_request request = {
        .key = t->key,
        .argv = t->command.argv,
        .env = t->env,
        .path = engine->step_path ? path : NULL,
        .cwd = t->command.cwd,
        .timeout_us = t->command.timeout_ms * US_PER_MS,
        .grace_us = t->command.grace_ms * US_PER_MS,
        .capture_exports = t->command.carry,
        .terminal = t->terminal ? step_terminal_request(t->terminal) : NULL,
        .use_scope = engine->runs.lifetime.use_scope,
    };
    if (t->cancelled || !engine->runs.spool) {
        ticket_not_started(t, t->cancelled ? CANCELLED_EARLY : "there is no spool to run it from");
        return;
    }
    if (!ready_use(t, &request))
        t->x = execution_arm(engine->runs.spool, engine->loop, &request, &execution_callbacks, t, &e);
    if (!t->x) {
        ticket_not_started(t, e.msg);
        return;
    }
    t->in_spool = true;
    output_clear(t->walk, t->step);
    if (t->terminal)
        step_terminal_begin(t->terminal, t->x);
    if (intent_append(t, &e) < 0) {
        snprintf(t->why, sizeof t->why, "the journal could not take the intent: %.110s", e.msg);
        execution_void(t->x);
    }
}

static void env_work(void *data)
{
    struct ticket *t = data;
    for (size_t i = 0; i < t->command.env.len && t->store_error.code == 0; i++) {
        const struct run_env *v = &t->command.env.data[i];
        struct str value = {0};
        if (v->secret)
            config_secret_resolve(v->value, &value, &t->store_error);
        char *pair = xasprintf("%s=%s", v->name, v->secret ? str_text(&value) : v->value);
        strv_add(&t->env, pair);
        free(pair);
        str_fini(&value);
    }
}

static void env_done(void *data)
{
    struct ticket *t = data;
    t->walk->engine->runs.storing--;
    if (t->walk->lost || t->walk->engine->closing)
        return;
    struct err e = t->store_error;
    t->storing = false;
    t->store_error = (struct err){0};
    if (e.code)
        ticket_not_started(t, e.msg);
    else
        ticket_arm(t);
}

/* Secrets may be files or commands: they are fetched in the pool, right before the act. */
static void ticket_prepare(struct ticket *t)
{
    struct run_context context;
    char incident[24], run[24];
    struct err e = {0};
    walk_context(t->walk, &context, incident, run);
    if (run_ticket_command(t->walk->run, t->number, &context, &t->command, &e) < 0) {
        ticket_not_started(t, e.msg);
        return;
    }
    bool secrets = false;
    for (size_t i = 0; i < t->command.env.len; i++)
        secrets |= t->command.env.data[i].secret;
    if (secrets) {
        t->storing = true;
        t->walk->engine->runs.storing++;
        loop_work(t->walk->engine->loop, env_work, env_done, t);
    } else {
        env_work(t);
        ticket_arm(t);
    }
}

static void on_where(void *context, int code, const char *message)
{
    struct ticket *t = context;
    if (t->walk->lost)
        return;
    if (code < 0)
        ticket_not_started(t, message);
    else
        ticket_ask(t, ticket_prepare);
}

static void ticket_go_on(struct ticket *t)
{
    if (run_role_acts(t->role))
        identity_observe(t->walk->engine, on_where, t);
    else
        ticket_ask(t, ticket_prepare);
}

void ticket_begin(struct walk *w, const struct run_effect *effect)
{
    struct ticket *t =
        ticket_new(w, effect->ticket, effect->step, effect->part, effect->role, effect->attempt);
    if (run_role_acts(t->role))
        t->ready = ready_take(w, t->step);
    if (run_rehearsed(w->run))
        rehearsal_begin(t);
    else if (run_role_acts(t->role) && w->checks_only)
        ticket_not_started(t, "this run has checks only");
    else if (effect->interactive)
        t->terminal = step_terminal_want(w, t->step, ticket_go_on, ticket_not_started, t);
    else
        ticket_go_on(t);
}

/* ---- after a restore, and the end of a console ---- */

/* What acts is run once, in the folder that its intent names; what only looks may be there more than once. */
static void ticket_find(struct ticket *t, const char *folder)
{
    struct spool *spool = t->walk->engine->runs.spool;
    struct spool_entry entry;
    const char *own =
        folder ? strchr(folder, '-') : NULL; /* behind the run's number, which an import changes */
    if (own && run_role_acts(t->role)) {
        ticket_folder(t, own + 1);
        return;
    }
    for (unsigned again = AGAIN_MAX; spool && again > 0 && t->again == 0; again--) {
        ticket_key(t, again);
        if (spool_find(spool, t->key, &entry, NULL) < 0)
            ticket_key(t, 0);
    }
}

void ticket_restore(struct walk *w, const struct run_ticket *known, bool intended, const char *folder,
                    const struct breaker_token *token)
{
    struct ticket *t = ticket_new(w, known->ticket, known->step, known->part, known->role, known->attempt);
    struct err e = {0};
    if (run_rehearsed(w->run)) {
        rehearsal_begin(t);
        return;
    }
    ticket_find(t, folder);
    t->x = w->engine->runs.spool
               ? execution_adopt(w->engine->runs.spool, w->engine->loop, t->key, &execution_callbacks, t, &e)
               : NULL;
    t->restored = true;
    t->in_spool = t->x != NULL;
    if (intended)
        ticket_adopt_breaker(t, token);
    if (t->x)
        return;
    bool unreadable = e.code && e.code != ERR_NOT_FOUND;
    if (!run_role_acts(t->role) && !unreadable) {
        ticket_again(t);
        return;
    }
    t->result = (struct exec_result){.how = intended || unreadable ? EXEC_LOST : EXEC_VOID, .status = -1};
    snprintf(t->result.text, sizeof t->result.text, "%.150s",
             unreadable ? e.msg
             : intended ? "its folder in the spool is gone"
                        : "the console was gone before it could start");
    ticket_ended(t);
}

/* Whoever asked is told by the answer; the timeline and the step's page keep it. */
static void cancel_failed(struct ticket *t, const char *why)
{
    const struct walk *w = t->walk;
    struct run_event event = {
        .draft = {.kind = EVENT_INCIDENT_NOTED, .actor = "belay"},
        .summary = xasprintf("%s was not cancelled: %s", w->book->steps.data[t->step].title, why)};
    walk_append(w, event, NULL, NULL, NULL);
    output_say(t->walk, t->step, "not cancelled: %s", why);
}

int ticket_cancel(struct walk *w, uint64_t number, struct err *e)
{
    for (size_t i = 0; i < w->tickets.len; i++) {
        struct ticket *t = w->tickets.data[i];
        if (t->number != number || t->finished)
            continue;
        t->cancelled = true;
        if (run_rehearsed(w->run))
            rehearsal_cancel(t);
        else if (t->terminal && step_terminal_waits(t->terminal))
            ticket_not_started(t, CANCELLED_EARLY);
        if (t->x && execution_cancel(t->x, e) < 0) {
            cancel_failed(t, e->msg);
            return e->code;
        }
    }
    return 0;
}

void ticket_release(struct ticket *t)
{
    if (t->terminal)
        step_terminal_release(t->terminal);
    execution_free(t->x);
    ready_discard(t->walk->engine, t->ready);
    t->x = t->ready = NULL;
}

/* ---- what nobody will ever ask for ---- */

struct sweep {
    struct engine *engine;
    VEC(char *) keys;
    struct map *claimed; /* "run 12": some console walks it */
};

/* Of a very long output the journal keeps the beginning and the end. The whole of it stays in the spool until
 * the incident that it belongs to has been reviewed; when nobody can say whether it has, it stays, too. */
bool ticket_held(struct engine *engine, int64_t run, const struct exec_result *result)
{
    const int64_t kept = JOURNAL_BLOB_HEAD_BYTES + JOURNAL_BLOB_TAIL_BYTES;
    int64_t incident = 0;
    if (result->stdout_bytes <= kept && result->stderr_bytes <= kept)
        return false;
    return journal_held(engine->chronicle.journal, run, NULL, 0, &incident, NULL) < 0 || incident != 0;
}

static bool is_held(const struct sweep *s, const struct spool_entry *entry)
{
    long long run = 0;
    return sscanf(entry->key, "r%lld-", &run) == 1 && ticket_held(s->engine, run, &entry->result);
}

static void sweep_entry(void *data, const struct spool_entry *entry)
{
    struct sweep *s = data;
    if (is_held(s, entry))
        return;
    if (entry->state == SPOOL_ARMED || entry->state == SPOOL_ENDED || entry->state == SPOOL_VOID ||
        entry->state == SPOOL_LOST)
        *vec_push(&s->keys) = xstrdup(entry->key);
}

static int sweep_claim(const struct claim *claim, void *data)
{
    struct sweep *s = data;
    map_set(s->claimed, claim->key, s);
    return 0;
}

static bool has_key(const struct execution *x, const char *key)
{
    return x && str_eq(execution_key(x), key);
}

static bool is_wanted(const struct sweep *s, const char *key)
{
    long long run = 0;
    if (sscanf(key, "r%lld-", &run) != 1)
        return true;
    const struct walk *w = walk_find(s->engine, run);
    char *name = xasprintf("run %lld", run);
    bool wanted = w ? w->elsewhere && !w->ended : map_has(s->claimed, name);
    wanted |= w && has_key(w->ready.x, key);
    for (size_t i = 0; w && i < w->tickets.len && !wanted; i++)
        wanted = str_eq(w->tickets.data[i]->key, key) || has_key(w->tickets.data[i]->ready, key);
    free(name);
    return wanted;
}

/* What belongs to no open run, or to a ticket whose outcome is journaled, was left by a console that died
 * before it could tidy up. A run is claimed before anything of it is in the spool: hence first the spool,
 * then the claims. A supervisor that has yet to see that its console died is waited for. */
void tickets_sweep(struct engine *engine)
{
    struct sweep s = {.engine = engine};
    engine->runs.sweep_again = false;
    if (!engine->runs.spool || engine->observer)
        return;
    s.claimed = map_new();
    int code = spool_each(engine->runs.spool, sweep_entry, &s, NULL);
    if (code == 0 && s.keys.len > 0)
        code = journal_claims(engine->chronicle.journal, sweep_claim, &s, NULL);
    for (size_t i = 0; i < s.keys.len; i++) {
        if (code == 0 && !is_wanted(&s, s.keys.data[i]))
            engine->runs.sweep_again |=
                execution_forget(engine->runs.spool, s.keys.data[i], NULL) == ERR_BUSY;
        free(s.keys.data[i]);
    }
    vec_fini(&s.keys);
    map_free(s.claimed);
}
