#include "engine/sources/expression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_WINDOW_US (60 * US_PER_S)
#define ARGUMENT_LIMIT    16
#define NESTING_LIMIT     8

/* ---- Conditions on rows ---- */

static int where_compile(struct condition_list *w, struct compiler *c, const cJSON *item)
{
    struct err e;
    struct template key;
    char **texts = NULL;
    if (template_compile(&key, item->string, true, &e))
        return compiler_error(c, item, "%s", e.msg);
    if (compiler_list(c, item, &texts)) {
        template_fini(&key);
        strv_free(texts);
        return ERR_SYNTAX;
    }
    struct where *where = vec_push(&w->items);
    where->key = key;
    where->texts = texts;
    return 0;
}

int condition_list_compile(struct condition_list *w, struct compiler *c, const cJSON *item)
{
    if (!cJSON_IsObject(item))
        return compiler_error(c, item, "where: is a mapping of fields to texts");
    int status = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, item)
    {
        if (where_compile(w, c, entry))
            status = ERR_SYNTAX;
    }
    return status;
}

void condition_list_fini(struct condition_list *w)
{
    for (size_t i = 0; i < w->items.len; i++) {
        template_fini(&w->items.data[i].key);
        strv_free(w->items.data[i].texts);
    }
    vec_fini(&w->items);
}

static bool where_holds(const struct where *w, const struct row *row)
{
    struct str text = {0};
    template_text(&w->key, row, &text); /* an absent label equals an empty one */
    bool wanted = false, forbidden = false, any_wanted = false;
    for (char **p = w->texts; *p; p++) {
        if (**p == '!') {
            forbidden |= str_eq(*p + 1, str_text(&text));
        } else {
            any_wanted = true;
            wanted |= str_eq(*p, str_text(&text));
        }
    }
    str_fini(&text);
    return !forbidden && (wanted || !any_wanted);
}

bool condition_list_holds(const struct condition_list *w, const struct row *row)
{
    for (size_t i = 0; i < w->items.len; i++)
        if (!where_holds(&w->items.data[i], row))
            return false;
    return true;
}

/* ---- Compiling ---- */

static int compile_nested(struct expression *x, struct compiler *c, const cJSON *item,
                          const struct expression_scope *scope, int depth);

void expression_fini(struct expression *x)
{
    template_fini(&x->field);
    for (size_t i = 0; i < x->words.len; i++)
        free(x->words.data[i].text);
    vec_fini(&x->words);
    for (size_t i = 0; i < x->metric_texts.len; i++)
        free(x->metric_texts.data[i]);
    vec_fini(&x->metric_texts);
    vec_fini(&x->metrics);
    condition_list_fini(&x->where);
    strv_free(x->join);
    for (size_t i = 0; i < x->arg_count; i++)
        expression_fini(&x->args[i]);
    free(x->args);
    *x = (struct expression){0};
}

bool expression_needs_body(const struct expression *x)
{
    if (x->metrics.len || template_needs_body(&x->field))
        return true;
    for (size_t i = 0; i < x->arg_count; i++)
        if (expression_needs_body(&x->args[i]))
            return true;
    return false;
}

static int compile_scalar(struct expression *x, struct compiler *c, const cJSON *item,
                          const struct expression_scope *scope)
{
    struct err e;
    char *text = compiler_text(c, item);
    if (!text)
        return ERR_SYNTAX;
    int status = 0;
    for (size_t i = 0; i < scope->measure_count; i++)
        if (str_eq(scope->measures[i], text)) {
            x->operation = OPERATION_MEASURE;
            x->measure = i;
            goto out;
        }
    if (!*text) {
        x->constant = NAN; /* a variable that was left empty */
    } else if (!number_read(text, &x->constant)) {
        x->operation = OPERATION_FIELD;
        if (template_compile(&x->field, text, true, &e))
            status = compiler_error(c, item, "%s", e.msg);
    }
out:
    free(text);
    return status;
}

static int compile_words(struct expression *x, struct compiler *c, const cJSON *item)
{
    const cJSON *entry;
    if (!cJSON_IsObject(item))
        return compiler_error(c, item, "map: is a mapping of words to numbers");
    cJSON_ArrayForEach(entry, item)
    {
        double number;
        if (compiler_number(c, entry, &number))
            return ERR_SYNTAX;
        *vec_push(&x->words) = (struct number_word){xstrdup(entry->string), number};
    }
    return 0;
}

static int compile_metric(struct expression *x, struct compiler *c, const cJSON *item, const cJSON *value,
                          const struct expression_scope *scope, const char *suffix)
{
    static const char *const folds[] = {"sum", "min", "max", "avg", "count"};
    char **names = NULL;
    if (c->form != FORM_EXPOSITION)
        return compiler_error(c, value, "metric: belongs to a source in the exposition format");
    if (compiler_list(c, value, &names)) {
        strv_free(names);
        return ERR_SYNTAX;
    }
    for (char **name = names; *name; name++) {
        char *full = xasprintf("%s%s", *name, suffix);
        *vec_push(&x->metrics) = metric_names_add(c->metrics, full);
        *vec_push(&x->metric_texts) = full;
    }
    strv_free(names);
    const cJSON *where = compiler_get(item, "where"), *join = compiler_get(item, "join"),
                *of = compiler_get(item, "of");
    if (where && condition_list_compile(&x->where, c, where))
        return ERR_SYNTAX;
    if (join && compiler_list(c, join, &x->join))
        return ERR_SYNTAX;
    if (!join)
        x->join = strv_copy(scope->join);
    if (!of)
        return 0;
    for (size_t i = 0; i < sizeof folds / sizeof folds[0]; i++)
        if (cJSON_IsString(of) && str_eq(of->valuestring, folds[i])) {
            x->fold = (enum fold)i;
            return 0;
        }
    return compiler_error(c, of, "of: is sum, min, max, avg or count");
}

static int compile_args(struct expression *x, struct compiler *c, const cJSON *value,
                        const struct expression_scope *scope, int least, int most, int depth)
{
    const cJSON *entry = cJSON_IsArray(value) ? value->child : value;
    int count = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 1;
    if (count < least || count > most)
        return compiler_error(c, value, "%s: takes %s", value->string,
                              most == 1   ? "one number"
                              : most == 2 ? "a list of two numbers"
                                          : "a list of numbers");
    x->args = xcalloc((size_t)count, sizeof *x->args);
    for (; entry; entry = cJSON_IsArray(value) ? entry->next : NULL)
        if (compile_nested(&x->args[x->arg_count++], c, entry, scope, depth + 1))
            return ERR_SYNTAX;
    return 0;
}

static int compile_over(struct expression *x, struct compiler *c, const cJSON *item)
{
    const cJSON *over = compiler_get(item, "over");
    c->needs_history = true;
    x->over_us = DEFAULT_WINDOW_US;
    return over ? compiler_duration(c, over, &x->over_us) : 0;
}

static int compile_quantile(struct expression *x, struct compiler *c, const cJSON *item, const cJSON *value,
                            const struct expression_scope *scope)
{
    const cJSON *metric = compiler_get(item, "metric");
    if (!metric)
        return compiler_error(c, item, "quantile: needs metric: with the histogram's name");
    if (compiler_number(c, value, &x->quantile))
        return ERR_SYNTAX;
    if (!(x->quantile >= 0 && x->quantile <= 1))
        return compiler_error(c, value, "a quantile lies between 0 and 1");
    return compile_over(x, c, item) || compile_metric(x, c, item, metric, scope, "_bucket") ? ERR_SYNTAX : 0;
}

static int compile_from(struct expression *x, struct compiler *c, const cJSON *item, const cJSON *value)
{
    struct err e;
    const cJSON *words = compiler_get(item, "map");
    char *text = compiler_text(c, value);
    if (!text)
        return ERR_SYNTAX;
    int status = template_compile(&x->field, text, true, &e) ? compiler_error(c, value, "%s", e.msg) : 0;
    free(text);
    return status ? status : words ? compile_words(x, c, words) : 0;
}

static int compile_operation(struct expression *x, struct compiler *c, const cJSON *item, const cJSON *value,
                             const struct expression_scope *scope, int depth)
{
    switch (x->operation) {
    case OPERATION_FIELD:
        return compile_from(x, c, item, value);
    case OPERATION_METRIC:
        return compile_metric(x, c, item, value, scope, "");
    case OPERATION_QUANTILE:
        return compile_quantile(x, c, item, value, scope);
    case OPERATION_RATE:
    case OPERATION_DELTA:
        return compile_over(x, c, item) || compile_args(x, c, value, scope, 1, 1, depth) ? ERR_SYNTAX : 0;
    case OPERATION_RATIO:
    case OPERATION_MINUS:
        return compile_args(x, c, value, scope, 2, 2, depth);
    case OPERATION_PLUS:
        return compile_args(x, c, value, scope, 1, ARGUMENT_LIMIT, depth);
    case OPERATION_AGE: {
        struct err e;
        char *text = compiler_text(c, value);
        int status = !text                                         ? ERR_SYNTAX
                     : template_compile(&x->field, text, true, &e) ? compiler_error(c, value, "%s", e.msg)
                                                                   : 0;
        free(text);
        return status;
    }
    default:
        return ERR_SYNTAX;
    }
}

static int compile_modifier(struct compiler *c, const cJSON *item, const char *key, double *to)
{
    const cJSON *value = compiler_get(item, key);
    return value ? compiler_number(c, value, to) : 0;
}

static int compile_mapping(struct expression *x, struct compiler *c, const cJSON *item,
                           const struct expression_scope *scope, int depth)
{
    static const char *const keys[] = {"from",  "map",  "metric",   "where", "join",  "of",   "rate",
                                       "delta", "over", "quantile", "ratio", "minus", "plus", "age",
                                       "times", "min",  "max",      "or",    NULL};
    static const struct {
        const char *key;
        enum operation operation;
    } operations[] = {
        {"quantile", OPERATION_QUANTILE}, {"from", OPERATION_FIELD},  {"rate", OPERATION_RATE},
        {"delta", OPERATION_DELTA},       {"ratio", OPERATION_RATIO}, {"minus", OPERATION_MINUS},
        {"plus", OPERATION_PLUS},         {"age", OPERATION_AGE},     {"metric", OPERATION_METRIC},
    };
    if (compiler_keys(c, item, "a number", keys))
        return ERR_SYNTAX;
    const cJSON *value = NULL;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0] && !value; i++)
        if ((value = compiler_get(item, operations[i].key)))
            x->operation = operations[i].operation;
    if (!value)
        return compiler_error(
            c, item, "a number needs one of from, metric, rate, delta, quantile, ratio, minus, plus, age");
    int status = compile_operation(x, c, item, value, scope, depth);
    if (compile_modifier(c, item, "times", &x->times) || compile_modifier(c, item, "min", &x->minimum) ||
        compile_modifier(c, item, "max", &x->maximum) || compile_modifier(c, item, "or", &x->otherwise))
        return ERR_SYNTAX;
    return status;
}

static int compile_nested(struct expression *x, struct compiler *c, const cJSON *item,
                          const struct expression_scope *scope, int depth)
{
    *x = (struct expression){
        .id = ++c->expressions, .times = NAN, .minimum = NAN, .maximum = NAN, .otherwise = NAN};
    if (depth > NESTING_LIMIT)
        return compiler_error(c, item, "numbers are nested deeper than %d", NESTING_LIMIT);
    return cJSON_IsObject(item) ? compile_mapping(x, c, item, scope, depth)
                                : compile_scalar(x, c, item, scope);
}

int expression_compile(struct expression *x, struct compiler *c, const cJSON *item,
                       const struct expression_scope *scope)
{
    int status = compile_nested(x, c, item, scope, 0);
    if (status)
        expression_fini(x);
    return status;
}
