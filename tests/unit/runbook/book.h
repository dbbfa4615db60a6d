/* Documents written in the tests, and what is asked of them. */
#ifndef BELAY_TESTS_BOOK_H
#define BELAY_TESTS_BOOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "engine/runbook/runbook.h"

#define HEAD "---\nrunbook:\n  id: test\n---\n"

static inline struct runbook *book_at(const char *path, const char *text)
{
    struct err e = {0};
    struct runbook *book = runbook_parse(path, text, strlen(text), &e);
    if (!book)
        fail_msg("refused: %s", e.msg);
    return book;
}

static inline struct runbook *book_of(const char *text)
{
    return book_at("books/test.md", text);
}

static inline const struct step *step_of(const struct runbook *book, const char *id)
{
    int step = runbook_find(book, id);
    if (step == STEP_NONE) {
        for (size_t i = 0; i < book->steps.len; i++)
            print_message("step %s: %s\n", book->steps.data[i].id, book->steps.data[i].title);
        fail_msg("no step %s", id);
    }
    return &book->steps.data[step];
}

/* The processor's time of this process: what a loaded machine does not stretch much. */
static inline int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

/* The first finding whose message holds the text, or NULL. */
static inline const struct runbook_finding *finding_of(const struct runbook *book, const char *text)
{
    for (size_t i = 0; i < book->findings.len; i++)
        if (strstr(book->findings.data[i].message, text))
            return &book->findings.data[i];
    return NULL;
}

static inline void print_findings(const struct runbook *book)
{
    for (size_t i = 0; i < book->findings.len; i++) {
        const struct runbook_finding *f = &book->findings.data[i];
        print_message("%d:%d: %s: %s\n", f->line, f->column, f->severity ? "error" : "warning", f->message);
    }
}

static inline void expect_finding(const char *document, enum finding_severity severity, int line, int column,
                                  const char *text)
{
    struct runbook *book = book_of(document);
    const struct runbook_finding *f = finding_of(book, text);
    if (!f || f->severity != severity || f->line != line || (column && f->column != column)) {
        print_findings(book);
        fail_msg("expected %s at %d:%d with \"%s\" in\n%s", severity ? "an error" : "a warning", line, column,
                 text, document);
    }
    runbook_free(book);
}

static inline void expect_no_errors(const struct runbook *book)
{
    if (runbook_count(book, FINDING_ERROR) > 0) {
        print_findings(book);
        fail_msg("errors");
    }
}

#endif
