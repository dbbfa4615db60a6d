/* Compiling a mapping, and what it needs. Applying it is in apply.c. */
#include "engine/sources/mapping.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sources/rule.h"

#define RULE_LIMIT 64

static bool rule_needs_body(const struct rule *r)
{
    if (r->pointers.len || r->metrics.len || r->all_attributes || state_needs_body(&r->state))
        return true;
    const struct template *templates[] = {&r->name, &r->group, &r->reason, &r->since, &r->at};
    for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++)
        if (template_needs_body(templates[i]))
            return true;
    for (size_t i = 0; i < r->attributes.len; i++)
        if (template_needs_body(&r->attributes.data[i].value))
            return true;
    for (size_t i = 0; i < r->measures.len; i++)
        if (expression_needs_body(&r->measures.data[i].value))
            return true;
    return r->where.items.len > 0;
}

static void find_out_needs(struct mapping *m, enum answer_form form)
{
    m->form = FORM_NONE;
    for (size_t i = 0; i < m->rules.len; i++) {
        const struct rule *r = &m->rules.data[i];
        if (rule_needs_body(r))
            m->form = form;
        m->uses_status |= state_uses_status(&r->state);
        m->has_signals |= r->kind == ENTITY_SIGNAL;
    }
}

static int compile_part(struct mapping *m, struct compiler *c, const struct mapping_options *o,
                        const cJSON *map)
{
    int status = 0;
    const cJSON *entry = cJSON_IsArray(map) ? map->child : map;
    if (!entry)
        return compiler_error(c, map, "map: has no rule");
    for (; entry; entry = cJSON_IsArray(map) ? entry->next : NULL) {
        if (m->rules.len == RULE_LIMIT)
            return compiler_error(c, entry, "at most %d rules", RULE_LIMIT);
        struct rule rule;
        status |= rule_compile(&rule, c, entry, o->keys, &m->keys);
        *vec_push(&m->rules) = rule;
    }
    return status;
}

struct mapping *mapping_compile(const struct mapping_options *o, struct config_findings *findings,
                                struct err *e)
{
    struct mapping *m = xcalloc(1, sizeof *m);
    struct err first = {0};
    struct compiler c = {
        .vars = o->vars, .form = o->form, .metrics = &m->metrics, .findings = findings, .first = &first};
    int status = 0;
    for (size_t i = 0; i < o->part_count; i++) {
        c.file = o->parts[i].file;
        status |= compile_part(m, &c, o, o->parts[i].map);
    }
    if (status) {
        if (e)
            *e = first;
        mapping_free(m);
        return NULL;
    }
    if (o->expected >= 0 && m->rules.len)
        m->rules.data[0].expected_count = o->expected;
    m->needs_history = c.needs_history;
    find_out_needs(m, o->form);
    return m;
}

void mapping_free(struct mapping *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->rules.len; i++)
        rule_fini(&m->rules.data[i]);
    vec_fini(&m->rules);
    metric_names_fini(&m->metrics);
    free(m->keys);
    free(m);
}

enum answer_form mapping_form(const struct mapping *m)
{
    return m->form;
}

const struct metric_names *mapping_metrics(const struct mapping *m)
{
    return &m->metrics;
}

bool mapping_uses_status(const struct mapping *m)
{
    return m->uses_status;
}

bool mapping_needs_history(const struct mapping *m)
{
    return m->needs_history;
}

bool mapping_has_signals(const struct mapping *m)
{
    return m->has_signals;
}

const char *mapping_keys(const struct mapping *m)
{
    return m->keys;
}

struct mapping_memory *mapping_memory_new(const struct mapping *m)
{
    struct mapping_memory *memory = xcalloc(1, sizeof *memory);
    memory->series = series_table_new();
    memory->rule_count = m->rules.len;
    memory->rules = xcalloc(m->rules.len, sizeof *memory->rules);
    for (size_t i = 0; i < m->rules.len; i++)
        memory->rules[i].names = map_new();
    return memory;
}

void mapping_memory_free(struct mapping_memory *memory)
{
    if (!memory)
        return;
    series_table_free(memory->series);
    for (size_t i = 0; i < memory->rule_count; i++)
        map_free(memory->rules[i].names);
    free(memory->rules);
    free(memory);
}

void mapping_expect(const struct mapping *m, const char *source, struct platform *p, int64_t wall_us)
{
    for (size_t i = 0; i < m->rules.len; i++) {
        const struct rule *r = &m->rules.data[i];
        for (char **name = r->expected; name && *name; name++)
            platform_expect(p, source, r->kind, *name, NULL, wall_us);
    }
}
