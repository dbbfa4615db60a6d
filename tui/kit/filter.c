#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "tui/kit/widgets.h"

#define HAYSTACK_MAX 4096 /* an expression may take long on a long text: it sees no more than this */

struct filter {
    char *text;
    bool invert, literal, compiled;
    regex_t expression;
};

struct filter *filter_new(void)
{
    struct filter *f = xcalloc(1, sizeof *f);
    f->text = xstrdup("");
    return f;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    if (f->compiled)
        regfree(&f->expression);
    free(f->text);
    free(f);
}

int filter_set(struct filter *f, const char *text, struct err *e)
{
    bool invert = text[0] == '!';
    const char *pattern = text + invert;
    /* Nearly all filters are words: found without an expression, a hundred times as fast. */
    bool literal = strpbrk(pattern, ".[]{}()*+?|^$\\") == NULL;
    regex_t expression;
    if (!literal) {
        int rc = regcomp(&expression, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB);
        if (rc != 0) {
            char why[100];
            regerror(rc, &expression, why, sizeof why);
            return err_set(e, ERR_SYNTAX, "the filter %.80s: %s", pattern, why);
        }
    }
    if (f->compiled)
        regfree(&f->expression);
    f->compiled = !literal;
    if (f->compiled)
        f->expression = expression;
    free(f->text);
    f->text = xstrdup(text);
    f->invert = invert;
    f->literal = literal;
    return 0;
}

const char *filter_text(const struct filter *f)
{
    return f ? f->text : "";
}

bool filter_active(const struct filter *f)
{
    return f && f->text[f->text[0] == '!'] != '\0';
}

bool filter_match(const struct filter *f, const char *text)
{
    if (!filter_active(f))
        return true;
    bool found;
    if (f->literal) {
        found = strcasestr(text, f->text + f->invert) != NULL;
    } else if (strnlen(text, HAYSTACK_MAX + 1) > HAYSTACK_MAX) {
        char *start = xstrndup(text, HAYSTACK_MAX);
        found = regexec(&f->expression, start, 0, NULL, 0) == 0;
        free(start);
    } else {
        found = regexec(&f->expression, text, 0, NULL, 0) == 0;
    }
    return found != f->invert;
}
