#include "engine/targets/call_books.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REST_MS 1000 /* of a target that says "too many requests", and not for how long */

enum task { TASK_NONE, TASK_ADMIT, TASK_RESOLVE, TASK_COUNT };

struct books {
    struct loop *loop;
    char *folder;
    bool shared;
    /* The pool's, while a task is under way. */
    struct targets *targets;
    struct err trouble;
    enum task task;
    char target[TARGET_NAME_LIMIT + 1];
    struct breaker_rules rules;
    bool admitted; /* and not yet resolved */
    struct target_admission admission;
    struct books_refusal refusal;
    struct budget budget;
    bool has_budget;
    enum breaker_result result;
    char error[160];
    int64_t took_ms, rest_ms;
    unsigned budget_tokens;
    const struct target_operation *operations;
    size_t operation_count;
    /* The loop's. */
    bool busy, dying;
    struct budget *wants_budget;
    void (*on_admit)(void *data, const struct books_refusal *refusal);
    void (*on_done)(void *data);
    void *data;
};

struct books *books_new(struct loop *l, const char *folder, bool shared)
{
    struct books *b = xcalloc(1, sizeof *b);
    b->loop = l;
    b->folder = xstrdup(folder);
    b->shared = shared;
    return b;
}

const char *books_trouble(const struct books *b)
{
    return b->trouble.code ? b->trouble.msg : NULL;
}

/* ---- In the pool ---- */

/* The code is what counts: e may hold what was mended on the way. */
static void note(struct books *b, int code, const struct err *e)
{
    if (code < 0)
        b->trouble = *e;
}

static void admit(struct books *b)
{
    struct err e = {0};
    b->admission = (struct target_admission){.lease = -1};
    int code = target_admit(b->targets, b->target, &b->rules, &b->admission, &b->refusal.why,
                            b->has_budget ? &b->budget : NULL, &e);
    b->admitted = code == 1;
    b->refusal.refused = code == 0;
    note(b, code, &e);
}

static void resolve(struct books *b)
{
    struct err e = {0};
    if (!b->admitted)
        return;
    b->admitted = false;
    b->admission.error = b->error[0] ? b->error : NULL;
    note(b,
         target_resolve(b->targets, b->target, &b->rules, &b->admission, b->result, b->took_ms, b->rest_ms,
                        b->budget_tokens, &e),
         &e);
}

static void work(void *data)
{
    struct books *b = data;
    struct err e = {0};
    b->refusal = (struct books_refusal){0};
    if (!b->targets && b->folder && !b->trouble.code)
        note(b, targets_open(b->folder, b->shared, false, &b->targets, &e), &e);
    if (!b->targets)
        return;
    if (b->task == TASK_ADMIT)
        admit(b);
    else if (b->task == TASK_RESOLVE)
        resolve(b);
    for (size_t i = 0; b->task == TASK_COUNT && i < b->operation_count; i++)
        note(b, target_count(b->targets, &b->operations[i], &e), &e);
}

/* ---- On the loop ---- */

static void destroy(struct books *b)
{
    if (b->admitted && b->admission.written) { /* nobody wants it any more */
        b->result = BREAKER_CANCELLED;
        b->took_ms = b->rest_ms = 0;
        b->budget_tokens = 0;
        b->error[0] = '\0';
        resolve(b);
    }
    targets_close(b->targets);
    free(b->folder);
    free(b);
}

static void work_done(void *data)
{
    struct books *b = data;
    b->busy = false;
    if (b->dying) {
        destroy(b);
        return;
    }
    if (b->task == TASK_ADMIT) {
        if (b->wants_budget && b->admitted)
            *b->wants_budget = b->budget;
        struct books_refusal refusal = b->refusal;
        b->on_admit(b->data, &refusal);
    } else if (b->on_done) {
        b->on_done(b->data);
    }
}

static void begin(struct books *b, enum task task)
{
    b->task = task;
    b->busy = true;
    loop_work(b->loop, work, work_done, b);
}

void books_free(struct books *b)
{
    if (!b)
        return;
    if (b->busy)
        b->dying = true;
    else
        destroy(b);
}

void books_admit(struct books *b, const char *target, const struct breaker_rules *rules,
                 struct budget *budget, void (*done)(void *data, const struct books_refusal *refusal),
                 void *data)
{
    snprintf(b->target, sizeof b->target, "%s", target);
    b->rules = *rules;
    b->wants_budget = budget;
    b->has_budget = budget != NULL;
    if (budget)
        b->budget = *budget;
    b->on_admit = done;
    b->data = data;
    begin(b, TASK_ADMIT);
}

bool books_token(const struct books *b, struct breaker_token *token)
{
    if (b->admitted)
        *token = b->admission.token;
    return b->admitted;
}

/* A probe's slot was given up when its process went, which counted: only lifetime counts are left. */
void books_adopt(struct books *b, const char *target, const struct breaker_rules *rules,
                 const struct breaker_token *token)
{
    snprintf(b->target, sizeof b->target, "%s", target);
    b->rules = *rules;
    b->admission =
        (struct target_admission){.token = *token, .lease = -1, .written = token->kind == BREAKER_HALF_OPEN};
    b->admission.token.generation -= b->admission.written;
    b->admitted = b->admission.token.generation > 0;
}

void books_resolve(struct books *b, enum breaker_result result, const struct failure *f, int64_t took_ms,
                   unsigned budget_tokens, void (*done)(void *data), void *data)
{
    b->result = result;
    b->took_ms = took_ms;
    b->rest_ms = failure_verdict(f->class) != VERDICT_COOL ? 0
                 : f->retry_after_ms > 0                   ? f->retry_after_ms
                                                           : REST_MS;
    snprintf(b->error, sizeof b->error, "%s", f->class == FAILURE_NONE ? "" : f->text);
    b->budget_tokens = budget_tokens;
    b->on_done = done;
    b->data = data;
    begin(b, TASK_RESOLVE);
}

void books_count(struct books *b, const struct target_operation *operations, size_t count,
                 void (*done)(void *data), void *data)
{
    b->operations = operations;
    b->operation_count = count;
    b->on_done = done;
    b->data = data;
    begin(b, TASK_COUNT);
}
