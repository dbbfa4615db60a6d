#include "engine/runbook/document.h"

#include <stdlib.h>

#include "engine/runbook/reading.h"

static void step_fini(struct step *s)
{
    char *texts[] = {s->id,           s->title,     s->section,       s->prose,        s->language,
                     s->source,       s->script,    s->expected,      s->interpreter,  s->cwd,
                     s->confirm_text, s->expect,    s->exports,       s->timeout.text, s->until.text,
                     s->every.text,   s->hold.text, s->fresh.text,    s->lock,         s->policy,
                     s->follow,       s->items,     s->rung_hold.text};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; i < s->when.len; i++)
        free(s->when.data[i].value);
    for (size_t i = 0; i < s->answers.len; i++) {
        free(s->answers.data[i].value);
        free(s->answers.data[i].text);
    }
    vec_fini(&s->when);
    vec_fini(&s->answers);
    vec_fini(&s->pre);
    vec_fini(&s->verify);
    vec_fini(&s->evidence);
    vec_fini(&s->undoes);
    strv_free(s->rungs);
    strv_free(s->argv);
    strv_free(s->carries);
    strv_free(s->tags);
    free(s->needs);
}

static void var_fini(struct runbook_var *v)
{
    char *texts[] = {v->name, v->fallback, v->ask, v->from, v->extract, v->match, v->secret};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
}

bool step_looks(const struct step *s)
{
    return s->script && !step_kind_acts(s->kind);
}

void runbook_free(struct runbook *book)
{
    if (!book)
        return;
    for (size_t i = 0; i < book->steps.len; i++)
        step_fini(&book->steps.data[i]);
    for (size_t i = 0; i < book->vars.len; i++)
        var_fini(&book->vars.data[i]);
    for (size_t i = 0; i < book->offers.len; i++)
        free(book->offers.data[i].condition);
    for (size_t i = 0; i < book->findings.len; i++)
        free(book->findings.data[i].message);
    vec_fini(&book->steps);
    vec_fini(&book->vars);
    vec_fini(&book->offers);
    vec_fini(&book->findings);
    map_free(book->ids);
    vec_fini(&book->walk);
    free(book->path);
    free(book->id);
    free(book->title);
    free(book->severity);
    free(book->closing);
    free(book);
}

int runbook_find(const struct runbook *book, const char *id)
{
    return id && id[0] != '\n' && book->ids ? (int)(intptr_t)map_get(book->ids, id) - 1 : STEP_NONE;
}

int runbook_find_var(const struct runbook *book, const char *name)
{
    for (size_t i = 0; i < book->vars.len; i++)
        if (str_eq(book->vars.data[i].name, name))
            return (int)i;
    return -1;
}

size_t runbook_count(const struct runbook *book, enum finding_severity severity)
{
    size_t count = 0;
    for (size_t i = 0; i < book->findings.len; i++)
        count += book->findings.data[i].severity == severity;
    return count;
}

int runbook_runnable(const struct runbook *book, struct err *e)
{
    for (size_t i = 0; i < book->findings.len; i++) {
        const struct runbook_finding *f = &book->findings.data[i];
        if (f->severity == FINDING_ERROR)
            return err_set(e, ERR_SYNTAX, "%s:%d:%d: %s", book->path, f->line, f->column, f->message);
    }
    if (book->walk.len == 0)
        return err_set(e, ERR_NOT_FOUND,
                       "%s:1: nothing in it runs: no shell block (```sh) and no task (- [ ]) stands there",
                       book->path);
    return 0;
}

void book_finding(struct runbook *book, enum finding_severity severity, int line, int column,
                  const char *format, ...)
{
    if (book->findings.len >= (severity == FINDING_ERROR ? 2 * FINDING_LIMIT : FINDING_LIMIT))
        return; /* errors have room that warnings can't take: one of them is always seen */
    struct str message = {0};
    va_list args;
    va_start(args, format);
    str_addv(&message, format, args);
    va_end(args);
    struct str clean = {0}; /* it quotes the document, perhaps half a character of it */
    utf8_clean(&clean, str_text(&message), message.len, false);
    str_fini(&message);
    *vec_push(&book->findings) = (struct runbook_finding){
        .severity = severity, .line = line, .column = column > 0 ? column : 1, .message = str_take(&clean)};
}

static int finding_order(const void *a, const void *b)
{
    const struct runbook_finding *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->severity != y->severity ? (x->severity == FINDING_ERROR ? -1 : 1)
                                      : strcmp(x->message, y->message);
}

void book_findings_sort(struct runbook *book)
{
    if (book->findings.len > 1)
        qsort(book->findings.data, book->findings.len, sizeof *book->findings.data, finding_order);
}
