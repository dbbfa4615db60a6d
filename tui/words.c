#include "tui/words.h"

#include <stdlib.h>

int words_add(struct words *w, const char *word, struct err *e)
{
    if (w->count == WORDS_MOST)
        return err_set(e, ERR_USAGE, "too many words");
    w->words[w->count++] = word;
    return 0;
}

int words_give(struct words *w, const char *name, const char *value, struct err *e)
{
    if (w->given_count == GIVEN_MOST)
        return err_set(e, ERR_USAGE, "too many options");
    w->given[w->given_count].name = name;
    w->given[w->given_count++].value = value;
    return 0;
}

static const struct command_option *find(const struct command_option *options, const char *name,
                                         size_t length)
{
    for (; options && options->name; options++)
        if (strlen(options->name) == length && memcmp(options->name, name, length) == 0)
            return options;
    return NULL;
}

/* typed[*i] is "--name" or "--name=value". */
static int take_option(struct words *w, char *const *typed, size_t *i, const struct command_option *options,
                       struct err *e)
{
    const char *name = typed[*i] + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct command_option *option = find(options, name, length);
    if (!option)
        return err_set(e, ERR_USAGE, "no such option: --%.*s", (int)length, name);
    if (!option->repeated && words_has(w, option->name))
        return err_set(e, ERR_USAGE, "--%s is given twice: once is enough", option->name);
    if (!option->value && equals)
        return err_set(e, ERR_USAGE, "--%s takes no value", option->name);
    if (!option->value || equals)
        return words_give(w, option->name, equals ? equals + 1 : "", e);
    if (!typed[*i + 1])
        return err_set(e, ERR_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                       option->value);
    return words_give(w, option->name, typed[++*i], e);
}

int words_parse(struct words *w, char *const *typed, const struct command_option *options, struct err *e)
{
    bool ended = false;
    *w = (struct words){0};
    for (size_t i = 0; typed[i]; i++) {
        int code;
        if (!ended && str_eq(typed[i], "--")) {
            ended = true;
            continue;
        }
        code = !ended && str_starts(typed[i], "--") ? take_option(w, typed, &i, options, e)
                                                    : words_add(w, typed[i], e);
        if (code < 0)
            return code;
    }
    return 0;
}

const char *words_value(const struct words *w, const char *name, const char *fallback)
{
    for (size_t i = w->given_count; i-- > 0;)
        if (str_eq(w->given[i].name, name))
            return w->given[i].value;
    return fallback;
}

bool words_has(const struct words *w, const char *name)
{
    return words_value(w, name, NULL) != NULL;
}

char *words_join(const struct words *w, size_t from)
{
    struct str text = {0};
    for (size_t i = from; i < w->count; i++)
        str_addf(&text, "%s%s", i > from ? " " : "", w->words[i]);
    return str_take(&text);
}
