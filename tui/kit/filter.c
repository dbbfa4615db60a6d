#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tui/kit/widgets.h"

#define HAYSTACK_MAX 4096 /* an expression may take long on a long text: it sees no more than this */

struct filter {
    char *text;
    bool invert;
    struct pattern *expression; /* NULL: a word */
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
    pattern_free(f->expression);
    free(f->text);
    free(f);
}

int filter_set(struct filter *f, const char *text, struct err *e)
{
    bool invert = text[0] == '!';
    const char *pattern = text + invert;
    /* Nearly all filters are words: found without an expression, a hundred times as fast. */
    bool literal = strpbrk(pattern, ".[]{}()*+?|^$\\") == NULL;
    struct pattern *expression = literal ? NULL : pattern_new_caseless(pattern, e);
    if (!literal && !expression)
        return err_prefix(e, "the filter %.80s: ", pattern);
    pattern_free(f->expression);
    f->expression = expression;
    free(f->text);
    f->text = xstrdup(text);
    f->invert = invert;
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
    bool found = f->expression ? pattern_found(f->expression, text, strnlen(text, HAYSTACK_MAX))
                               : strcasestr(text, f->text + f->invert) != NULL;
    return found != f->invert;
}
