/* Executions of a rehearsal: none. Each waits for an outcome, from a person or from a file of answers, and
 * is journaled as made up, with what would have run. */
#include "engine/ticket.h"

#include <stdio.h>
#include <stdlib.h>

static enum exec_how how_of(enum run_end end)
{
    switch (end) {
    case END_EXITED:
        return EXEC_EXITED;
    case END_TIMED_OUT:
        return EXEC_TIMED_OUT;
    case END_CANCELLED:
        return EXEC_CANCELLED;
    default:
        return EXEC_LOST;
    }
}

static int rehearsal_end(struct ticket *t, const struct made_up *made_up, char *const *values,
                         engine_done *done, void *context, struct err *e)
{
    struct run_digest hold;
    struct run_result result;
    int code = made_up_result(t->walk->run, t->number, made_up, values, &hold, &result, e);
    if (code == 0) {
        const char *output = made_up->kind == MADE_UP_OUTPUT ? made_up->output : "";
        t->finished = true;
        t->result = (struct exec_result){.how = how_of(result.end),
                                         .status = result.end == END_EXITED ? result.exit : -1,
                                         .stdout_bytes = (int64_t)strlen(output)};
        str_add(&t->head, output);
        if (*output)
            output_add(t->walk, t->step, EXEC_STDOUT, output, strlen(output));
        ticket_tell(t, &result, done, context);
    }
    run_digest_fini(&hold);
    return code;
}

/* Said once of all items or rungs of a step, until another step is executed. */
static bool is_said(struct walk *w, const struct ticket *t)
{
    if (w->said.text && (w->said.step != t->step || t->part == PART_NONE)) {
        free(w->said.text);
        w->said.text = NULL;
    }
    return w->said.text != NULL;
}

void rehearsal_begin(struct ticket *t)
{
    struct run_context context;
    char incident[24], run[24];
    struct err e = {0};
    struct made_up made_up;
    walk_context(t->walk, &context, incident, run);
    if (run_ticket_command(t->walk->run, t->number, &context, &t->command, &e) < 0) {
        ticket_not_started(t, e.msg);
        return;
    }
    output_clear(t->walk, t->step);
    engine_changed(t->walk->engine, ENGINE_RUNS);
    if (is_said(t->walk, t) && made_up_parse(t->walk->said.text, &made_up, NULL) == 0)
        rehearsal_end(t, &made_up, NULL, NULL, NULL, NULL);
}

void rehearsal_cancel(struct ticket *t)
{
    rehearsal_end(t, &(struct made_up){.kind = MADE_UP_CANCELLED}, NULL, NULL, NULL, NULL);
}

static int say(struct ticket *t, const struct engine_request *request, engine_done *done, void *context,
               struct err *e)
{
    struct walk *w = t->walk;
    struct str text = {0};
    int step = t->step;
    bool all = request->made_up->all && t->part != PART_NONE;
    made_up_text(request->made_up, &text);
    int code = rehearsal_end(t, request->made_up, request->variables, done, context, e);
    if (code == 0 && all) {
        free(w->said.text);
        w->said.step = step;
        w->said.text = str_take(&text);
    }
    for (size_t i = 0; code == 0 && all && i < w->tickets.len; i++) { /* those that are asked for already */
        struct ticket *other = w->tickets.data[i];
        if (!other->finished && other->step == step)
            rehearsal_end(other, request->made_up, request->variables, NULL, NULL, NULL);
    }
    str_fini(&text);
    return code;
}

void rehearsal_outcome(struct walk *w, const struct engine_request *request, engine_done *done, void *context)
{
    struct err e = {0};
    struct ticket *t = NULL;
    for (size_t i = 0; i < w->tickets.len; i++)
        if (w->tickets.data[i]->number == request->ticket && !w->tickets.data[i]->finished)
            t = w->tickets.data[i];
    if (!run_rehearsed(w->run))
        err_set(&e, ERR_DENIED, "run %lld is no rehearsal: what comes of it is seen, not said",
                (long long)w->id);
    else if (w->elsewhere)
        err_set(&e, ERR_CLAIMED, "rehearsal %lld is walked by %s: it is only shown here", (long long)w->id,
                w->owner ? w->owner : "another console");
    else if (!t || !request->made_up)
        err_set(&e, ERR_NOT_FOUND, "nothing waits for this outcome any more");
    else if (say(t, request, done, context, &e) == 0)
        return;
    if (done)
        done(context, e.code, e.msg, 0);
}
