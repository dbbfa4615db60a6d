#include "engine/config/findings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_findings_fini(struct config_findings *f)
{
    for (size_t i = 0; i < f->len; i++) {
        free(f->data[i].file);
        free(f->data[i].message);
    }
    free(f->data);
    *f = (struct config_findings){0};
}

void config_finding_add(struct config_findings *f, enum config_severity severity, const char *file, int line,
                        int column, const char *format, ...)
{
    if (!f)
        return;
    struct str raw = {0}, message = {0};
    va_list args;
    va_start(args, format);
    str_addv(&raw, format, args);
    va_end(args);
    /* Keys and values out of a file are quoted in messages, and these go to terminals. */
    utf8_clean(&message, str_text(&raw), raw.len, false);
    str_fini(&raw);
    *vec_push(f) = (struct config_finding){.severity = severity,
                                           .file = xstrdup(file),
                                           .line = line,
                                           .column = column,
                                           .message = str_take(&message)};
    f->errors += severity == CONFIG_ERROR;
}

static bool stands_before(const struct config_finding *a, const struct config_finding *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

void findings_sort(struct config_findings *f, size_t from)
{
    for (size_t i = from + 1; i < f->len; i++) {
        struct config_finding moved = f->data[i];
        size_t j = i;
        for (; j > from && stands_before(&moved, &f->data[j - 1]); j--)
            f->data[j] = f->data[j - 1];
        f->data[j] = moved;
    }
}

int findings_to_err(const struct config_findings *f, size_t from, struct err *e)
{
    for (size_t i = from; i < f->len; i++) {
        const struct config_finding *finding = &f->data[i];
        if (finding->severity != CONFIG_ERROR)
            continue;
        if (finding->file && finding->line)
            return err_set(e, ERR_SYNTAX, "%s:%d:%d: %s", finding->file, finding->line, finding->column,
                           finding->message);
        return err_set(e, ERR_SYNTAX, "%s%s%s", finding->file ? finding->file : "", finding->file ? ": " : "",
                       finding->message);
    }
    return 0;
}

#define NAME_LIMIT 48

/* Optimal string alignment: insertions, deletions, changes, and two neighbours swapped, each 1. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NAME_LIMIT + 1], la = strlen(a), lb = strlen(b);
    if (la > NAME_LIMIT || lb > NAME_LIMIT)
        return NAME_LIMIT;
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= lb; j++)
        last[j] = j;
    for (size_t i = 1; i <= la; i++) {
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            char x = (char)tolower((unsigned char)a[i - 1]), y = (char)tolower((unsigned char)b[j - 1]);
            size_t best = last[j - 1] + (x != y);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[lb];
}

const char *config_nearest(const char *mistyped, const char *const *names)
{
    const char *nearest = NULL;
    size_t length = strlen(mistyped), best = length < 3 ? 1 : length < 6 ? 2 : 3;
    best++;
    for (size_t i = 0; names[i]; i++) {
        size_t d = distance(mistyped, names[i]);
        if (d < best && d < strlen(names[i])) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
