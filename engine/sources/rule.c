/* Compiling one rule. */
#include "engine/sources/rule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_LIMIT 8 /* pointers of a rule */

static const char *const rule_keys[] = {
    "kind",        "rows",       "metric", "keys",     "where",    "by",       "newest", "name",  "group",
    "state",       "value",      "warn",   "crit",     "baseline", "measures", "reason", "since", "at",
    "stale_after", "attributes", "drop",   "group_by", "expected", "optional", NULL};

void rule_fini(struct rule *r)
{
    for (size_t i = 0; i < r->pointers.len; i++) {
        free(r->pointers.data[i].pointer);
        free(r->pointers.data[i].base);
    }
    vec_fini(&r->pointers);
    vec_fini(&r->metrics);
    for (size_t i = 0; i < r->metric_texts.len; i++)
        free(r->metric_texts.data[i]);
    vec_fini(&r->metric_texts);
    condition_list_fini(&r->where);
    strv_free(r->by);
    struct template *templates[] = {&r->newest_of, &r->newest_by, &r->name, &r->group,
                                    &r->reason,    &r->since,     &r->at,   &r->all_from};
    for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++)
        template_fini(templates[i]);
    state_fini(&r->state);
    for (size_t i = 0; i < r->measures.len; i++) {
        free(r->measures.data[i].name);
        expression_fini(&r->measures.data[i].value);
    }
    vec_fini(&r->measures);
    vec_fini(&r->measure_names);
    for (size_t i = 0; i < r->attributes.len; i++) {
        free(r->attributes.data[i].name);
        template_fini(&r->attributes.data[i].value);
    }
    vec_fini(&r->attributes);
    strv_free(r->drop);
    strv_free(r->expected);
}

static int compile_template(struct template *t, struct compiler *c, const cJSON *item, bool bare)
{
    struct err e;
    char *text = item ? compiler_text(c, item) : NULL;
    if (!item)
        return 0;
    int status = !text                                 ? ERR_SYNTAX
                 : template_compile(t, text, bare, &e) ? compiler_error(c, item, "%s", e.msg)
                                                       : 0;
    free(text);
    return status;
}

static int compile_kind(struct rule *r, struct compiler *c, const cJSON *rule)
{
    const cJSON *item = compiler_get(rule, "kind");
    if (!item)
        return compiler_error(
            c, rule, "a rule needs kind: signal, breaker, chain, shard, job, alert, snapshot or component");
    if (!cJSON_IsString(item) || !entity_kind_parse(item->valuestring, &r->kind) ||
        r->kind >= ENTITY_KIND_COUNT)
        return compiler_error(
            c, item, "kind: is one of signal, breaker, chain, shard, job, alert, snapshot, component");
    return 0;
}

/* ---- Rows ---- */

static int pointer_add(struct rule *r, struct compiler *c, const cJSON *item, const char *text)
{
    size_t length = strlen(text);
    struct row_pointer p = {.optional = length > 0 && text[length - 1] == '?'};
    if (*text && *text != '/')
        return compiler_error(c, item, "rows: is a JSON Pointer such as /items/*, not '%.60s'", text);
    p.pointer = xstrndup(text, length - p.optional);
    size_t base = length - p.optional, wildcards = 0;
    for (size_t i = 0; p.pointer[i]; i++)
        if (p.pointer[i] == '/' && p.pointer[i + 1] == '*' &&
            (p.pointer[i + 2] == '/' || !p.pointer[i + 2])) {
            base = wildcards++ ? base : i;
            p.wild = true;
        }
    p.base = xstrndup(p.pointer, base);
    *vec_push(&r->pointers) = p;
    return wildcards > 4 ? compiler_error(c, item, "at most 4 wildcards in rows:") : 0;
}

static int compile_pointers(struct rule *r, struct compiler *c, const cJSON *item)
{
    char **texts = NULL;
    int status = 0;
    if (c->form == FORM_EXPOSITION)
        return compiler_error(c, item, "rows: belongs to a source that answers in JSON; here it is metric:");
    if (compiler_list(c, item, &texts))
        status = ERR_SYNTAX;
    if (!status && strv_count(texts) > ROWS_LIMIT)
        status = compiler_error(c, item, "at most %d pointers in rows:", ROWS_LIMIT);
    for (size_t i = 0; !status && texts[i]; i++)
        status = pointer_add(r, c, item, texts[i]);
    strv_free(texts);
    return status;
}

static int compile_metrics(struct rule *r, struct compiler *c, const cJSON *item)
{
    char **names = NULL;
    if (c->form != FORM_EXPOSITION)
        return compiler_error(c, item,
                              "metric: belongs to a source in the exposition format; here it is rows:");
    int status = compiler_list(c, item, &names);
    for (size_t i = 0; !status && names[i]; i++) {
        *vec_push(&r->metrics) = metric_names_add(c->metrics, names[i]);
        *vec_push(&r->metric_texts) = xstrdup(names[i]);
    }
    strv_free(names);
    return status;
}

static int compile_keys(struct rule *r, struct compiler *c, const cJSON *item, bool allowed, char **pattern)
{
    if (!allowed)
        return compiler_error(c, item, "keys: belongs to a source of kind redis");
    if (*pattern)
        return compiler_error(c, item, "one rule of a source has keys:");
    *pattern = compiler_text(c, item);
    return *pattern ? pointer_add(r, c, item, "/*") : ERR_SYNTAX;
}

static int compile_newest(struct rule *r, struct compiler *c, const cJSON *item)
{
    static const char *const keys[] = {"of", "by", NULL};
    if (compiler_keys(c, item, "newest:", keys))
        return ERR_SYNTAX;
    if (!compiler_get(item, "of") || !compiler_get(item, "by"))
        return compiler_error(c, item, "newest: needs of: (what belongs together) and by: (what orders it)");
    return compile_template(&r->newest_of, c, compiler_get(item, "of"), false) ||
                   compile_template(&r->newest_by, c, compiler_get(item, "by"), true)
               ? ERR_SYNTAX
               : 0;
}

static int compile_rows(struct rule *r, struct compiler *c, const cJSON *rule, bool keys, char **pattern)
{
    const cJSON *rows = compiler_get(rule, "rows"), *metric = compiler_get(rule, "metric");
    const cJSON *key = compiler_get(rule, "keys"), *where = compiler_get(rule, "where"),
                *by = compiler_get(rule, "by");
    const cJSON *newest = compiler_get(rule, "newest");
    int status = 0;
    if (keys && !key)
        status = compiler_error(
            c, rule, "a rule for redis needs keys: such as \"checkpoint:{run_id}:{checkpoint_id}\"");
    status |= rows ? compile_pointers(r, c, rows) : 0;
    status |= metric ? compile_metrics(r, c, metric) : 0;
    status |= key ? compile_keys(r, c, key, keys, pattern) : 0;
    status |= where ? condition_list_compile(&r->where, c, where) : 0;
    status |= newest ? compile_newest(r, c, newest) : 0;
    if (by && c->form != FORM_EXPOSITION)
        status |= compiler_error(c, by, "by: belongs to a source in the exposition format");
    else
        status |= by ? compiler_list(c, by, &r->by) : 0;
    return status;
}

/* ---- Who and what ---- */

static int measure_add(struct rule *r, struct compiler *c, const cJSON *item, const char *name)
{
    struct expression value = {0};
    struct expression_scope scope = {r->measure_names.data, r->measure_names.len, r->by};
    if (r->measures.len == PLATFORM_MEASURE_LIMIT)
        return compiler_error(c, item, "at most %d measures", PLATFORM_MEASURE_LIMIT);
    if (expression_compile(&value, c, item, &scope))
        return ERR_SYNTAX;
    char *copy = xstrdup(name);
    *vec_push(&r->measures) = (struct named_expression){copy, value};
    *vec_push(&r->measure_names) = copy;
    return 0;
}

static int compile_measures(struct rule *r, struct compiler *c, const cJSON *rule)
{
    static const char *const of_signals[] = {"value", "baseline", "warn", "crit"};
    const cJSON *measures = compiler_get(rule, "measures"), *item;
    int status = 0;
    for (size_t i = 0; i < sizeof of_signals / sizeof of_signals[0]; i++) {
        if (!(item = compiler_get(rule, of_signals[i])))
            continue;
        status |= r->kind == ENTITY_SIGNAL
                      ? measure_add(r, c, item, of_signals[i])
                      : compiler_error(c, item, "%s: belongs to a signal", of_signals[i]);
    }
    if (r->kind == ENTITY_SIGNAL && !compiler_get(rule, "value"))
        status |= compiler_error(c, rule, "a signal needs value:");
    if (measures && !cJSON_IsObject(measures))
        return compiler_error(c, measures, "measures: is a mapping of names to numbers");
    cJSON_ArrayForEach(item, measures)
    {
        status |= measure_add(r, c, item, item->string);
    }
    return status;
}

static int compile_attributes(struct rule *r, struct compiler *c, const cJSON *item)
{
    const cJSON *entry;
    int status = 0;
    if (!cJSON_IsObject(item))
        return compiler_error(c, item, "attributes: is a mapping of names to texts");
    cJSON_ArrayForEach(entry, item)
    {
        if (str_eq(entry->string, "*")) {
            r->all_attributes = true;
            status |= compile_template(&r->all_from, c, entry, true);
        } else if (r->attributes.len == PLATFORM_ATTRIBUTE_LIMIT) {
            return compiler_error(c, entry, "at most %d attributes", PLATFORM_ATTRIBUTE_LIMIT);
        } else {
            struct template value = {0};
            status |= compile_template(&value, c, entry, false);
            *vec_push(&r->attributes) = (struct named_template){xstrdup(entry->string), value};
        }
    }
    return status;
}

static int compile_combine(struct rule *r, struct compiler *c, const cJSON *item)
{
    char *text = compiler_text(c, item);
    char *end = NULL;
    int status = 0;
    if (!text)
        return ERR_SYNTAX;
    if (str_eq(text, "worst")) {
        r->combine = COMBINE_WORST;
    } else if (str_eq(text, "any_healthy")) {
        r->combine = COMBINE_ANY_HEALTHY;
    } else if (str_starts(text, "quorum(")) {
        r->combine = COMBINE_QUORUM;
        r->quorum = isdigit((unsigned char)text[7]) ? strtoul(text + 7, &end, 10) : 0;
    }
    if (!r->combine ||
        (r->combine == COMBINE_QUORUM && (!r->quorum || r->quorum > 1000 || !str_eq(end, ")"))))
        status = compiler_error(
            c, item, "group_by: is worst, any_healthy or quorum(N): rows of one name are one entity");
    free(text);
    return status;
}

static int compile_expected(struct rule *r, struct compiler *c, const cJSON *item)
{
    double count;
    if (cJSON_IsArray(item))
        return compiler_list(c, item, &r->expected);
    if (compiler_number(c, item, &count))
        return ERR_SYNTAX;
    if (!(count >= 0 && count <= MAPPING_ROW_LIMIT) || count != (double)(int64_t)count)
        return compiler_error(c, item, "expected: is a list of names or a number of rows up to %d",
                              MAPPING_ROW_LIMIT);
    r->expected_count = (int64_t)count;
    return 0;
}

static int compile_stale(struct rule *r, struct compiler *c, const cJSON *rule)
{
    const cJSON *at = compiler_get(rule, "at"), *after = compiler_get(rule, "stale_after");
    if (!at && !after)
        return 0;
    if (!at || !after)
        return compiler_error(c, at ? at : after,
                              "at: (the row's own time) and stale_after: belong together");
    return compile_template(&r->at, c, at, true) || compiler_duration(c, after, &r->stale_after_us)
               ? ERR_SYNTAX
               : 0;
}

static int compile_identity(struct rule *r, struct compiler *c, const cJSON *rule)
{
    int status = compile_template(&r->name, c, compiler_get(rule, "name"), false) |
                 compile_template(&r->group, c, compiler_get(rule, "group"), false) |
                 compile_template(&r->reason, c, compiler_get(rule, "reason"), false) |
                 compile_template(&r->since, c, compiler_get(rule, "since"), true);
    if (!compiler_get(rule, "name"))
        return compiler_error(c, rule, "a rule needs name:");
    return status;
}

int rule_compile(struct rule *r, struct compiler *c, const cJSON *item, bool keys, char **key_pattern)
{
    *r = (struct rule){.expected_count = -1, .file = c->file, .line = yaml_line(item)};
    if (compiler_keys(c, item, "a rule", rule_keys))
        return ERR_SYNTAX;
    const cJSON *attributes = compiler_get(item, "attributes"), *drop = compiler_get(item, "drop");
    const cJSON *group_by = compiler_get(item, "group_by"), *expected = compiler_get(item, "expected");
    const cJSON *optional = compiler_get(item, "optional"), *state = compiler_get(item, "state");
    int status = compile_kind(r, c, item);
    bool kind_known = !status;
    status |= compile_rows(r, c, item, keys, key_pattern);
    status |= compile_identity(r, c, item);
    status |= kind_known ? compile_measures(r, c, item) : 0;
    status |= compile_stale(r, c, item);
    struct expression_scope scope = {r->measure_names.data, r->measure_names.len, r->by};
    status |= state ? state_compile(&r->state, c, state, &scope) : 0;
    status |= attributes ? compile_attributes(r, c, attributes) : 0;
    status |= drop ? compiler_list(c, drop, &r->drop) : 0;
    status |= group_by ? compile_combine(r, c, group_by) : 0;
    status |= expected ? compile_expected(r, c, expected) : 0;
    status |= optional ? compiler_bool(c, optional, &r->optional) : 0;
    return status ? ERR_SYNTAX : 0;
}
