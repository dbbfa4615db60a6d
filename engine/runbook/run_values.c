/* Variables of a run: where values come from, what they must match, what still lacks one. */
#include <ctype.h>
#include <stdlib.h>

#include "engine/runbook/block.h"
#include "engine/runbook/run_state.h"

int values_fit(const struct runbook_var *var, const char *value, struct err *e)
{
    if (strlen(value) > RUNBOOK_VALUE_MAX)
        return err_set(e, ERR_RANGE, "%s: a value of more than %d bytes", var->name, RUNBOOK_VALUE_MAX);
    bool fits;
    if (var->match) {
        struct pattern *p = pattern_new(var->match, e);
        if (!p)
            return err_prefix(e, "%s: ", var->name);
        fits = pattern_covers(p, value);
        pattern_free(p);
    } else {
        fits = value_is_safe(value);
    }
    return fits ? 0
                : err_set(e, ERR_RANGE, "%s: \"%.80s\" doesn't match %.80s", var->name, value,
                          var->match ? var->match : RUNBOOK_SAFE_VALUE);
}

void values_set(struct run *run, size_t index, const char *value, const char *source)
{
    char *copy = xstrdup(value);
    free(run->values[index].text);
    run->values[index] = (struct value){.text = copy, .source = source};
}

/* The value of NAME=VALUE in a list, or NULL. */
static const char *pair_value(char *const *pairs, const char *name)
{
    size_t length = strlen(name);
    for (; pairs && *pairs; pairs++)
        if (strncmp(*pairs, name, length) == 0 && (*pairs)[length] == '=')
            return *pairs + length + 1;
    return NULL;
}

/* From what the offer's entity says. A value that doesn't fit is none: a person is asked. */
static char *drawn_value(const struct runbook_var *var, char *const *context)
{
    const char *raw = var->from ? pair_value(context, var->from) : NULL;
    if (!raw || strlen(raw) > RUNBOOK_VALUE_MAX)
        return NULL;
    char *value = NULL;
    if (var->extract) {
        struct pattern *p = pattern_new(var->extract, NULL);
        value = p ? pattern_extract(p, raw) : NULL;
        pattern_free(p);
    } else {
        value = xstrdup(raw);
    }
    if (value && values_fit(var, value, NULL)) {
        free(value);
        value = NULL;
    }
    return value;
}

int values_check(const struct run *run, const struct run_input *in, struct err *e)
{
    for (char *const *given = in->variables; given && *given; given++) {
        const char *equals = strchr(*given, '=');
        if (!equals)
            return err_set(e, ERR_USAGE, "\"%.60s\" is not NAME=VALUE", *given);
        char *name = xstrndup(*given, (size_t)(equals - *given));
        int index = runbook_find_var(run->book, name);
        int code = 0;
        if (index < 0)
            code = err_set(e, ERR_USAGE, "the runbook has no variable \"%.60s\"", name);
        else if (run->book->vars.data[index].secret)
            code = err_set(e, ERR_DENIED, "%.60s is a secret: it comes from %s only", name,
                           run->book->vars.data[index].secret);
        else
            code = values_fit(&run->book->vars.data[index], equals + 1, e);
        free(name);
        if (code)
            return code;
    }
    return 0;
}

void values_start(struct run *run, const struct run_input *in)
{
    for (size_t i = 0; i < run->book->vars.len; i++) {
        const struct runbook_var *var = &run->book->vars.data[i];
        const char *given = pair_value(in->variables, var->name);
        char *drawn = given ? NULL : drawn_value(var, in->context);
        if (var->secret)
            run->values[i].source = "secret";
        else if (given)
            values_set(run, i, given, "given");
        else if (drawn)
            values_set(run, i, drawn, "entity");
        else if (var->fallback)
            values_set(run, i, var->fallback, "default");
        if (var->from && !given && !drawn && pair_value(in->context, var->from))
            run_note(run, STEP_NONE, "%s: what %s says doesn't fit it", var->name, var->from);
        free(drawn);
    }
}

static void carry_one(struct run *run, const char *pair)
{
    const char *equals = strchr(pair, '=');
    if (!equals || !name_is_exportable(pair, (size_t)(equals - pair)) || strlen(equals) > RUNBOOK_VALUE_MAX)
        return;
    char *name = xstrndup(pair, (size_t)(equals - pair));
    int var = runbook_find_var(run->book, name);
    size_t i = 0;
    if (var >= 0) {
        if (!run->book->vars.data[var].secret)
            values_set(run, (size_t)var, equals + 1, "exported");
    } else {
        while (i < run->carried.len && !str_eq(run->carried.data[i].name, name))
            i++;
        if (i == run->carried.len && i < 256)
            vec_push(&run->carried)->name = xstrdup(name);
        if (i < run->carried.len) {
            free(run->carried.data[i].value);
            run->carried.data[i].value = xstrdup(equals + 1);
        }
    }
    free(name);
}

void values_carry(struct run *run, int step, const struct run_result *result)
{
    const struct step *s = STEP(run, step);
    if (s->exports && result->output) {
        int var = runbook_find_var(run->book, s->exports);
        if (var >= 0 && !run->book->vars.data[var].secret)
            values_set(run, (size_t)var, result->output, "output");
    }
    for (char *const *pair = result->exports; pair && *pair; pair++)
        carry_one(run, *pair);
}

const char *values_get(const struct run *run, const char *name)
{
    int var = runbook_find_var(run->book, name);
    if (var >= 0)
        return run->values[var].text;
    for (size_t i = 0; i < run->carried.len; i++)
        if (str_eq(run->carried.data[i].name, name))
            return run->carried.data[i].value;
    return NULL;
}

/* ---- What is missing ---- */

static bool lists(const int *needs, int var)
{
    for (; needs && *needs >= 0; needs++)
        if (*needs == var)
            return true;
    return false;
}

/* Does this step, or what is run for it, ask for the variable? */
bool values_needs(const struct run *run, int step, int var)
{
    const struct step *s = STEP(run, step);
    const struct step_list *parts[] = {&s->pre, &s->verify, &s->evidence};
    const struct runbook_var *v = &run->book->vars.data[var];
    bool executes = s->script || s->verify.len > 0;
    if (v->origin == VAR_DECLARED && executes && !v->output)
        return true;
    if (lists(s->needs, var))
        return true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (size_t j = 0; j < parts[i]->len; j++)
            if (lists(STEP(run, parts[i]->data[j])->needs, var))
                return true;
    return false;
}

int values_missing(const struct run *run, int step)
{
    for (size_t i = 0; i < run->book->vars.len; i++)
        if (!run->values[i].text && !run->book->vars.data[i].secret && values_needs(run, step, (int)i))
            return (int)i;
    return -1;
}

/* ---- $NAME ---- */

char *values_expand(const struct run *run, const char *text, bool quote)
{
    struct str out = {0};
    while (*text) {
        size_t n = 1;
        if (*text == '$' && (isalpha((unsigned char)text[1]) || text[1] == '_'))
            while (isalnum((unsigned char)text[n]) || text[n] == '_')
                n++;
        char *name = xstrndup(text + 1, n - 1);
        const char *value = n > 1 ? values_get(run, name) : NULL;
        if (value && quote)
            pattern_quote(&out, value);
        else if (value)
            str_add(&out, value);
        else
            str_add_bytes(&out, text, n);
        free(name);
        text += n;
    }
    return str_take(&out);
}

int values_time(const struct run *run, const struct step_time *time, int64_t *ms, struct err *e)
{
    *ms = time->ms;
    if (!time->text)
        return 0;
    char *text = values_expand(run, time->text, false);
    int64_t us = 0;
    int code = duration_parse(text, &us, e);
    free(text);
    if (code == 0)
        *ms = us / US_PER_MS;
    return code;
}

int64_t values_ms(const struct run *run, const struct step_time *time)
{
    int64_t ms;
    values_time(run, time, &ms, NULL);
    return ms;
}
