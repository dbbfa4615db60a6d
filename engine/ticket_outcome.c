/* The end of an execution: its output into blobs, its outcome into the journal, and both to the run. */
#include "engine/ticket.h"

#include <stdio.h>
#include <stdlib.h>

#define STDERR_KEPT (16u << 10)

/* ---- what there is to say ---- */

static enum run_end end_of(enum exec_how how)
{
    switch (how) {
    case EXEC_EXITED:
        return END_EXITED;
    case EXEC_SIGNALLED:
        return END_SIGNALLED;
    case EXEC_TIMED_OUT:
        return END_TIMED_OUT;
    case EXEC_CANCELLED:
        return END_CANCELLED;
    case EXEC_LOST:
        return END_LOST;
    case EXEC_HUNG_UP:
        return END_HUNG_UP;
    default:
        return END_NOT_STARTED;
    }
}

static const char *end_outcome(const struct exec_result *r)
{
    return r->how == EXEC_EXITED ? r->status == 0 ? "ok" : "failed" : run_end_text(end_of(r->how));
}

cJSON *ticket_data(const struct ticket *t)
{
    const struct step *step = &t->walk->book->steps.data[t->step];
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "book", t->walk->book->id);
    cJSON_AddStringToObject(data, "step", step->id);
    cJSON_AddStringToObject(data, "title", step->title);
    json_add_int(data, "ticket", (int64_t)t->number);
    cJSON_AddStringToObject(data, "role", run_role_text(t->role));
    cJSON_AddBoolToObject(data, "acts", run_role_acts(t->role));
    json_add_int(data, "attempt", t->attempt);
    if (t->part != PART_NONE) {
        struct str part = {0};
        run_part_text(t->walk->run, t->step, t->part, &part);
        cJSON_AddStringToObject(data, "part", str_text(&part));
        str_fini(&part);
    }
    return data;
}

static void add_output(cJSON *data, const char *name, const char *digest, const struct str *head,
                       int64_t bytes)
{
    if (bytes <= 0)
        return;
    struct str first = {0};
    size_t length = head->len < 400 ? head->len : 400;
    utf8_clean(&first, str_text(head), length, true);
    cJSON *output = cJSON_AddObjectToObject(data, name);
    if (digest[0])
        cJSON_AddStringToObject(output, "digest", digest);
    json_add_int(output, "bytes", bytes);
    cJSON_AddStringToObject(output, "first", str_text(&first));
    str_fini(&first);
}

static cJSON *outcome_data(const struct ticket *t)
{
    const struct exec_result *r = &t->result;
    cJSON *data = ticket_data(t);
    cJSON_AddStringToObject(data, "end", run_end_text(end_of(r->how)));
    cJSON_AddStringToObject(data, "outcome", end_outcome(r));
    if (r->how == EXEC_EXITED)
        json_add_int(data, "exit", r->status);
    if (r->signal)
        json_add_int(data, "signal", r->signal);
    if (r->text[0])
        cJSON_AddStringToObject(data, "text", r->text);
    json_add_int(data, "ms", r->duration_us / US_PER_MS);
    if (r->dropped_bytes > 0)
        json_add_int(data, "dropped_bytes", r->dropped_bytes);
    add_output(data, "stdout", t->out_digest, &t->head, r->stdout_bytes);
    add_output(data, "stderr", t->err_digest, &t->err_head, r->stderr_bytes);
    if (t->recording_digest[0]) {
        cJSON *recording = cJSON_AddObjectToObject(data, "recording");
        cJSON_AddStringToObject(recording, "digest", t->recording_digest);
        json_add_int(recording, "bytes", t->recording_bytes);
    }
    if (run_rehearsed(t->walk->run) && t->command.argv)
        ticket_add_command(t, cJSON_AddObjectToObject(data, "would_run"));
    return data;
}

void ticket_name(const struct ticket *t, struct str *out)
{
    str_add(out, run_role_text(t->role));
    if (t->part != PART_NONE)
        str_add(out, ", ");
    run_part_text(t->walk->run, t->step, t->part, out);
}

void ticket_how(const struct ticket *t, struct str *out)
{
    const struct exec_result *r = &t->result;
    bool timed = !run_rehearsed(t->walk->run) && (r->how == EXEC_EXITED || r->how == EXEC_SIGNALLED);
    if (r->how == EXEC_EXITED)
        str_addf(out, "exit %d", r->status);
    else if (r->how == EXEC_SIGNALLED)
        str_addf(out, "ended by signal %d", r->signal);
    else
        str_addf(out, "%s%s%s", run_end_text(end_of(r->how)), r->text[0] ? ": " : "", r->text);
    if (timed)
        str_addf(out, " (%.1f s)", (double)r->duration_us / (double)US_PER_S);
}

static char *outcome_summary(const struct ticket *t)
{
    struct str text = {0};
    str_addf(&text, "%s: ", t->walk->book->steps.data[t->step].title);
    ticket_name(t, &text);
    str_add_char(&text, ' ');
    ticket_how(t, &text);
    if (run_rehearsed(t->walk->run))
        str_add(&text, ", made up");
    return str_take(&text);
}

void ticket_tell(struct ticket *t, const struct run_result *result, engine_done *done, void *context)
{
    struct walk *w = t->walk;
    struct run_input input = {
        .kind = INPUT_FINISHED, .ticket = t->number, .step = t->step, .result = *result};
    struct err e = {0};
    struct pending *p = pending_new(w, &input, &e);
    if (!p) {
        if (done)
            done(context, e.code, e.msg, 0);
        return;
    }
    p->done = done;
    p->context = context;
    p->kind = EVENT_STEP_OUTCOME;
    p->extra = outcome_data(t);
    p->outcome = xstrdup(end_outcome(&t->result));
    p->summary = outcome_summary(t);
    p->ticket = t;
    walk_enqueue(w, p);
}

static void ticket_report(struct ticket *t)
{
    struct run_digest digest = {0};
    struct run_result result = {.end = end_of(t->result.how),
                                .exit = t->result.status,
                                .signal = t->result.signal,
                                .text = t->result.text[0] ? t->result.text : NULL};
    run_digest(t->walk->run, t->number, str_text(&t->head), t->head.len, t->head_cut, t->exports, &digest,
               &result);
    ticket_answered(t, &result);
    ticket_tell(t, &result, NULL, NULL);
    run_digest_fini(&digest);
}

void ticket_applied(struct ticket *t)
{
    struct walk *w = t->walk;
    for (size_t i = 0; i < w->tickets.len; i++)
        if (w->tickets.data[i] == t) {
            vec_remove(&w->tickets, i);
            break;
        }
    ticket_tell_breaker(t);
    execution_free(t->x);
    t->x = NULL;
    if (t->in_spool && !ticket_held(w->engine, w->id, &t->result))
        execution_forget(w->engine->runs.spool, t->key, NULL);
    ticket_free(t);
}

void ticket_not_started(struct ticket *t, const char *why)
{
    t->finished = true;
    ready_discard(t->walk->engine, t->ready);
    t->ready = NULL;
    t->result = (struct exec_result){.how = EXEC_NOT_STARTED, .status = -1};
    snprintf(t->result.text, sizeof t->result.text, "%s", why);
    if (t->terminal)
        step_terminal_end(t->terminal, why, NULL);
    ticket_report(t);
}

/* ---- storing the output, in the pool ---- */

struct storing {
    struct ticket *ticket;
    struct journal *journal;
    struct spool *spool;
    struct journal_blob *blobs[2], *recording;
    struct journal_blob_origin origin;
    bool refused; /* by the journal, which takes it later */
};

static int storing_piece(void *data, enum exec_stream stream, const char *bytes, size_t length)
{
    struct storing *s = data;
    struct ticket *t = s->ticket;
    int which = stream == EXEC_STDERR;
    if (which && t->err_head.len < STDERR_KEPT)
        str_add_bytes(&t->err_head, bytes,
                      length < STDERR_KEPT - t->err_head.len ? length : STDERR_KEPT - t->err_head.len);
    if (!s->blobs[which])
        s->blobs[which] = journal_blob_begin(s->journal, &s->origin);
    int code = journal_blob_add(s->blobs[which], bytes, length, 10 * US_PER_S, &t->store_error);
    s->refused |= code < 0;
    return code;
}

static int recording_piece(void *data, const char *bytes, size_t length)
{
    struct storing *s = data;
    s->ticket->recording_bytes += (int64_t)length;
    int code = journal_blob_add(s->recording, bytes, length, 10 * US_PER_S, &s->ticket->store_error);
    s->refused |= code < 0;
    return code;
}

/* A step whose console could not make the file has none. */
static int recording_store(struct storing *s)
{
    struct ticket *t = s->ticket;
    struct err *e = &t->store_error;
    s->recording = journal_blob_begin(s->journal, &s->origin);
    t->recording_bytes = 0;
    int code = spool_recording(s->spool, t->key, recording_piece, s, e);
    if (code < 0 || t->recording_bytes == 0) {
        journal_blob_abandon(s->recording);
    } else {
        code = journal_blob_finish(s->recording, t->recording_digest, NULL, NULL, e);
        s->refused |= code < 0;
    }
    if (code == ERR_NOT_FOUND) {
        *e = (struct err){0};
        code = 0;
    }
    return code;
}

static void storing_work(void *data)
{
    struct storing *s = data;
    struct ticket *t = s->ticket;
    str_clear(&t->err_head);
    t->store_error = (struct err){0};
    int code = spool_output(s->spool, t->key, storing_piece, s, &t->store_error);
    for (int i = 0; i < 2; i++) {
        if (!s->blobs[i])
            continue;
        if (code < 0) {
            journal_blob_abandon(s->blobs[i]);
        } else {
            code = journal_blob_finish(s->blobs[i], i ? t->err_digest : t->out_digest, NULL, NULL,
                                       &t->store_error);
            s->refused |= code < 0;
        }
        s->blobs[i] = NULL;
    }
    if (code == 0 && t->walk->book->steps.data[t->step].interactive)
        code = recording_store(s);
    if (code < 0 && t->store_error.code == 0)
        t->store_error.code = code;
}

static void storing_done(void *data)
{
    struct storing *s = data;
    struct ticket *t = s->ticket;
    struct engine *engine = t->walk->engine;
    bool refused = s->refused;
    free(s);
    engine->runs.storing--;
    t->storing = false;
    /* The spool itself can't be read: how it ended is known all the same. */
    if (t->store_error.code && !refused) {
        if (!t->result.text[0])
            snprintf(t->result.text, sizeof t->result.text, "its output can't be read: %.120s",
                     t->store_error.msg);
        t->out_digest[0] = t->err_digest[0] = t->recording_digest[0] = '\0';
        t->store_error = (struct err){0};
    }
    if (engine->closing || t->walk->lost || t->store_error.code)
        return;
    if (t->recording_digest[0])
        output_say(t->walk, t->step,
                   "on its terminal for %.0f s; the recording has %lld bytes: belay evidence %.12s -o FILE",
                   (double)t->result.duration_us / (double)US_PER_S, (long long)t->recording_bytes,
                   t->recording_digest);
    ticket_report(t);
}

static void ticket_store(struct ticket *t)
{
    struct engine *engine = t->walk->engine;
    bool recorded = t->in_spool && t->walk->book->steps.data[t->step].interactive &&
                    t->result.how != EXEC_VOID && t->result.how != EXEC_NOT_STARTED;
    if (t->result.stdout_bytes + t->result.stderr_bytes <= 0 && !recorded) {
        ticket_report(t);
        return;
    }
    struct storing *s = xcalloc(1, sizeof *s);
    s->ticket = t;
    s->journal = engine->chronicle.journal;
    s->spool = engine->runs.spool;
    s->origin = (struct journal_blob_origin){.actor = engine->identity.actor,
                                             .what = t->walk->book->steps.data[t->step].id,
                                             .incident = t->walk->incident,
                                             .run = t->walk->id};
    t->storing = true;
    engine->runs.storing++;
    loop_work(engine->loop, storing_work, storing_done, s);
}

void ticket_ended(struct ticket *t)
{
    t->finished = true;
    ticket_store(t);
}

/* The journal could not take it when it was there to be taken. */
void tickets_retry(struct walk *w)
{
    for (size_t i = 0; i < w->tickets.len; i++) {
        struct ticket *t = w->tickets.data[i];
        if (t->finished && !t->storing && t->store_error.code) {
            t->store_error = (struct err){0};
            ticket_store(t);
        }
    }
}
