/* What a document may do and had better not. Warnings only. */
#include <ctype.h>
#include <stdlib.h>

#include "engine/runbook/reading.h"

static void add(struct str *list, bool missing, const char *what)
{
    if (missing)
        str_addf(list, "%s%s", list->len ? ", " : "", what);
}

/* One line for all that an acting block lacks. */
static void lint_acting(struct reading *r, int number)
{
    const struct step *s = &r->book->steps.data[number];
    struct str missing = {0};
    add(&missing, s->verify.len == 0, "verify");
    add(&missing, s->kind == STEP_ACTION && s->rollback == STEP_NONE && s->undo == STEP_NONE,
        "rollback or undo");
    add(&missing, s->timeout.ms == 0 && !s->timeout.text, "timeout");
    if (missing.len > 0)
        book_finding(r->book, FINDING_WARNING, s->line, 1, "%s without %s", step_kind_text(s->kind),
                     str_text(&missing));
    if (!s->exclude_from_run_all)
        book_finding(r->book, FINDING_WARNING, s->line, 1,
                     "%s without excludeFromRunAll: another runner's \"run all\" would fire it",
                     step_kind_text(s->kind));
    str_fini(&missing);
}

/* $NAME in values: a name that nothing defines stays as it is, and that is not what its author meant. */
static void lint_names(struct reading *r, int number)
{
    static const char *const keys[] = {"confirm", "expect", "until",       "every", "hold",   "fresh",
                                       "timeout", "cwd",    "interpreter", "lock",  "follow", "rung-hold"};
    const struct step *s = &r->book->steps.data[number];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct annotation *note = annotations_find(&r->notes.data[number], keys[i]);
        for (const char *c = note ? strchr(note->value, '$') : NULL; c; c = strchr(c + 1, '$')) {
            size_t n = 1;
            while (isalnum((unsigned char)c[n]) || c[n] == '_')
                n++;
            if (n == 1 || isdigit((unsigned char)c[1]))
                continue;
            char *name = xstrndup(c + 1, n - 1);
            if (str_eq(keys[i], "follow") && (str_eq(name, "BELAY_RUN") || str_eq(name, "BELAY_INCIDENT"))) {
                free(name);
                continue;
            }
            int var = reading_var_index(r, name);
            if (var < 0 && !map_has(r->carried, name))
                book_finding_strict(r->book, s->line, note->column, "%s: nothing defines $%.60s", note->key,
                                    name);
            else if (var >= 0 && r->book->vars.data[var].secret)
                book_finding(r->book, FINDING_ERROR, s->line, note->column,
                             "%s: a secret ($%.60s) is handed to blocks only", note->key, name);
            free(name);
        }
    }
}

static bool is_fence(const char *line)
{
    line += strspn(line, " \t");
    return str_starts(line, "```") || str_starts(line, "~~~");
}

/* A comment that an element's block holds ends, to CommonMark, with the block: at the next empty line. To a
 * web page it goes on, and hides what runs here. */
void lint_html(struct reading *r, const char *html, int line)
{
    bool comment = false, swallowed = false;
    const char *first = html + strspn(html, " \t\r\n"), *opened = NULL;
    int opened_line = line;
    for (const char *c = html; *c; c++) {
        if (!comment && !swallowed && (c == html || c[-1] == '\n') && is_fence(c)) {
            book_finding(
                r->book, FINDING_WARNING, line, 1,
                "a fence inside HTML is text, nothing of it runs: an empty line before it makes it a "
                "block");
            swallowed = true;
        }
        if (!comment && str_starts(c, "<!--")) {
            comment = true;
            opened = c;
            opened_line = line;
        } else if (comment && str_starts(c, "-->")) {
            comment = false;
        }
        line += *c == '\n';
    }
    if (comment && opened == first)
        book_finding(r->book, FINDING_WARNING, opened_line, 1,
                     "this comment is never closed: all that follows is inside it");
    else if (comment)
        book_finding(r->book, FINDING_WARNING, opened_line, 1,
                     "an empty line ends this comment before its -->: a web page hides what follows, and it "
                     "runs here all the same; an empty line before <!-- makes it a comment");
}

void lint_steps(struct reading *r)
{
    struct runbook *book = r->book;
    for (int i = 0; i < (int)book->steps.len; i++) {
        const struct step *s = &book->steps.data[i];
        bool annotated = book->declared || r->notes.data[i].list.len > 0;
        if (annotated && step_kind_acts(s->kind))
            lint_acting(r, i);
        if (s->branches && !s->expect)
            book_finding(book, FINDING_WARNING, s->line, 1,
                         "a check that `when` rests on, without expect: any exit 1 is its \"no\"");
        if (s->rungs && s->guard == STEP_NONE)
            book_finding(book, FINDING_WARNING, s->line, 1,
                         "rungs without guard: nothing says when to step back");
        lint_names(r, i);
    }
    if (!book->declared && r->plain_steps > 0)
        book_finding(book, FINDING_WARNING, 1, 1,
                     "%d block%s without annotations: each is confirmed by hand, and ends unverified",
                     r->plain_steps, r->plain_steps == 1 ? "" : "s");
}
