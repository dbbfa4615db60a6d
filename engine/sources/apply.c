/* Applying a mapping: rows to observations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sources/rule.h"

#define SEPARATOR '\x1f'

struct applying {
    const struct rule *rule;
    struct rule_memory *memory;
    struct mapped *out;
    struct evaluation evaluation;
    struct map *names; /* of this rule's observations: name to index + 1 */
    size_t first;      /* index of this rule's first observation */
    double values[PLATFORM_MEASURE_LIMIT];
    size_t unnamed;
    const char *keys; /* redis: the pattern */
};

/* What several rows of one name add up to. */
struct tally {
    size_t rows, ok, degraded, unknown;
};

/* ---- One row ---- */

static struct measurement *measure_find(struct observation *o, const char *name)
{
    for (size_t i = 0; i < o->measure_count; i++)
        if (strcmp(o->measures[i].name, name) == 0)
            return (struct measurement *)(uintptr_t)&o->measures[i];
    return NULL;
}

/* Room for the counts of replicas behind the rule's own measures. */
static struct measurement *measures_alloc(struct applying *a)
{
    return arena_alloc(&a->out->arena, (a->rule->measures.len + 2) * sizeof(struct measurement));
}

/* Evaluates all measures. The state of the first one (a signal's value) is returned. */
static enum value_state measures_evaluate(struct applying *a, struct observation *o)
{
    const struct rule *r = a->rule;
    enum value_state first = VALUE_PRESENT;
    double *values = a->values;
    struct measurement *measures = measures_alloc(a);
    o->measures = measures;
    a->evaluation.measures = values;
    for (size_t i = 0; i < r->measures.len; i++) {
        enum value_state state = expression_value(&r->measures.data[i].value, &a->evaluation, &values[i]);
        if (i == 0)
            first = state;
        if (state != VALUE_PRESENT)
            values[i] = NAN;
        else
            measures[o->measure_count++] =
                (struct measurement){arena_text(&a->out->arena, r->measures.data[i].name), values[i]};
    }
    return first;
}

/* The first metric that an expression asks for, to say what is missing. */
static const char *expression_metric(const struct expression *x)
{
    if (x->metric_texts.len)
        return x->metric_texts.data[0];
    const char *metric = NULL;
    for (size_t i = 0; i < x->arg_count && !metric; i++)
        metric = expression_metric(&x->args[i]);
    return metric;
}

static const char *reason_text(struct applying *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static const char *reason_text(struct applying *a, const char *format, ...)
{
    char text[PLATFORM_TEXT_LIMIT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return arena_text(&a->out->arena, text);
}

/* A signal without a value is unknown, and says why. False when it isn't to be shown (yet). */
static bool signal_without_value(struct applying *a, struct observation *o, enum value_state state)
{
    const char *metric = expression_metric(&a->rule->measures.data[0].value);
    if (state == VALUE_WARMING) {
        a->out->partial = true;
        return false;
    }
    if (state == VALUE_ABSENT && a->rule->optional && !a->memory->seen)
        return false;
    o->condition = CONDITION_UNKNOWN;
    o->idle = state == VALUE_NO_TRAFFIC;
    o->reason = o->idle ? "no traffic" : metric ? reason_text(a, "no sample of %.200s", metric) : "no value";
    return true;
}

static void state_of(struct applying *a, const struct rule_row *row, struct observation *o)
{
    if (!state_given(&a->rule->state))
        return;
    struct state_result result =
        state_evaluate(&a->rule->state, &a->evaluation, row->hot_count, &a->out->arena);
    o->raw = result.raw;
    o->condition = result.condition;
    o->reason = result.reason;
}

/* Data that is old, or that could not be read, says nothing about now. */
static void doubt(struct applying *a, const struct row *row, struct observation *o)
{
    int64_t at_us;
    const cJSON *problem =
        cJSON_IsObject(row->item) ? cJSON_GetObjectItemCaseSensitive(row->item, "problem") : NULL;
    if (a->rule->stale_after_us) {
        char age[DURATION_TEXT_SIZE];
        bool known = template_time(&a->rule->at, row, &at_us);
        int64_t age_us = known ? row->answer->wall_us - at_us : 0;
        if (!known || age_us > a->rule->stale_after_us) {
            duration_format(age_us, age);
            o->condition = CONDITION_UNKNOWN;
            o->reason = known ? reason_text(a, "its data is %s old", age) : "its data has no time";
        }
    }
    if (cJSON_IsString(problem) && a->evaluation.problems) {
        o->condition = CONDITION_UNKNOWN;
        o->reason = reason_text(a, "%.200s", problem->valuestring);
    }
}

static void describe(struct applying *a, const struct row *row, struct observation *o)
{
    const struct rule *r = a->rule;
    struct arena *arena = &a->out->arena;
    struct attribute *attributes = arena_alloc(arena, PLATFORM_ATTRIBUTE_LIMIT * sizeof *attributes);
    excerpt_attributes(r, row, arena, attributes, &o->attribute_count, PLATFORM_ATTRIBUTE_LIMIT);
    o->attributes = attributes;
    o->snippet = excerpt_snippet(r, row, arena, &o->snippet_length);
    if (template_given(&r->group))
        o->group = template_arena(&r->group, row, arena);
    if (template_given(&r->since))
        template_time(&r->since, row, &o->since_us);
    const char *reason = template_given(&r->reason) ? template_arena(&r->reason, row, arena) : NULL;
    if (reason && *reason && !o->reason)
        o->reason = reason;
}

/* False when the row gives no observation. */
static bool row_observe(struct applying *a, const struct rule_row *row, struct observation *o)
{
    struct str key = {0};
    *o = (struct observation){.kind = a->rule->kind,
                              .name = template_arena(&a->rule->name, &row->row, &a->out->arena),
                              .expected = a->rule->expected || a->rule->expected_count >= 0};
    if (!o->name || !*o->name) {
        a->unnamed++;
        return false;
    }
    str_add(&key, o->name);
    for (size_t i = 0; a->rule->combine && i < row->row.capture_count; i++) /* several rows bear the name */
        str_addf(&key, "%c%s", SEPARATOR, row->row.captures[i]);
    a->evaluation.row = &row->row;
    a->evaluation.row_key = str_text(&key);
    enum value_state first = measures_evaluate(a, o);
    state_of(a, row, o);
    bool shown = true;
    if (a->rule->kind == ENTITY_SIGNAL && !state_given(&a->rule->state) && first != VALUE_PRESENT)
        shown = signal_without_value(a, o, first);
    else
        a->memory->seen = true;
    str_fini(&key);
    if (!shown)
        return false;
    describe(a, &row->row, o);
    doubt(a, &row->row, o);
    return true;
}

/* ---- Several rows, one entity ---- */

static void tally_add(struct tally *t, enum condition condition)
{
    t->rows++;
    t->ok += condition == CONDITION_OK;
    t->degraded += condition == CONDITION_DEGRADED;
    t->unknown += condition == CONDITION_UNKNOWN;
}

static enum condition tally_condition(const struct rule *r, const struct tally *t)
{
    size_t down = t->rows - t->ok - t->degraded - t->unknown;
    if (t->ok == t->rows)
        return CONDITION_OK;
    switch (r->combine) {
    case COMBINE_ANY_HEALTHY:
        return t->ok || t->degraded ? CONDITION_DEGRADED : t->unknown ? CONDITION_UNKNOWN : CONDITION_DOWN;
    case COMBINE_QUORUM:
        return t->ok >= r->quorum                ? CONDITION_DEGRADED
               : t->ok + t->unknown >= r->quorum ? CONDITION_UNKNOWN
                                                 : CONDITION_DOWN;
    default:
        return down ? CONDITION_DOWN : t->unknown ? CONDITION_UNKNOWN : CONDITION_DEGRADED;
    }
}

/* Puts a further row of the same name into the observation: the worst one's word is shown, the largest
 * measures count. */
static void merge(struct observation *into, const struct observation *from)
{
    if (from->condition > into->condition) {
        into->condition = from->condition;
        into->raw = from->raw;
        into->reason = from->reason;
        into->snippet = from->snippet;
        into->snippet_length = from->snippet_length;
        into->since_us = from->since_us;
    }
    for (size_t i = 0; i < from->measure_count; i++) {
        struct measurement *kept = measure_find(into, from->measures[i].name);
        if (kept && from->measures[i].value > kept->value)
            kept->value = from->measures[i].value;
        else if (!kept)
            ((struct measurement *)(uintptr_t)into->measures)[into->measure_count++] = from->measures[i];
    }
}

static void tallies_close(struct applying *a, const struct tally *tallies)
{
    for (size_t i = a->first; i < a->out->observations.len; i++) {
        struct observation *o = &a->out->observations.data[i];
        const struct tally *t = &tallies[i - a->first];
        struct measurement *measures = (struct measurement *)(uintptr_t)o->measures;
        char text[64];
        o->condition = tally_condition(a->rule, t);
        if (a->rule->combine == COMBINE_WORST) {
            measures[o->measure_count++] = (struct measurement){"rows", (double)t->rows};
            if (t->rows > 1)
                o->reason = reason_text(a, "the worst of %zu%s%.200s", t->rows, o->reason ? ": " : "",
                                        o->reason ? o->reason : "");
            continue;
        }
        measures[o->measure_count++] = (struct measurement){"replicas", (double)t->rows};
        measures[o->measure_count++] = (struct measurement){"replicas_ok", (double)t->ok};
        if (o->condition == CONDITION_OK || t->rows == 1)
            continue;
        snprintf(text, sizeof text, "%zu of %zu replicas ok", t->ok, t->rows);
        o->reason = arena_text(&a->out->arena, text);
    }
}

static int rows_observe(struct applying *a, const struct rule_rows *rows, struct err *e)
{
    struct tally *tallies = xcalloc(rows->rows.len + 1, sizeof *tallies);
    int status = 0;
    for (size_t i = 0; i < rows->rows.len && !status; i++) {
        struct observation o;
        if (!row_observe(a, &rows->rows.data[i], &o))
            continue;
        size_t index = (size_t)(uintptr_t)map_get(a->names, o.name);
        if (a->rule->combine && o.condition == CONDITION_NONE)
            o.condition = condition_derive(&o);
        if (index && a->rule->combine) {
            merge(&a->out->observations.data[index - 1], &o);
        } else if (a->out->observations.len == MAPPING_ROW_LIMIT) {
            status = err_set(e, ERR_RANGE, "more than %d entities", MAPPING_ROW_LIMIT);
        } else {
            *vec_push(&a->out->observations) = o;
            index = a->out->observations.len;
            map_set(a->names, o.name, (void *)(uintptr_t)index);
        }
        if (!status)
            tally_add(&tallies[index - 1 - a->first], o.condition);
    }
    if (!status && a->rule->combine)
        tallies_close(a, tallies);
    free(tallies);
    return status;
}

/* ---- What is missing ---- */

static void observation_add(struct applying *a, struct observation o)
{
    if (a->out->observations.len < MAPPING_ROW_LIMIT)
        *vec_push(&a->out->observations) = o;
}

static void expect_names(struct applying *a)
{
    bool signal = a->rule->kind == ENTITY_SIGNAL; /* without a sample it is unknown, as signals are */
    for (char **name = a->rule->expected; name && *name; name++)
        if (!map_has(a->names, *name))
            observation_add(
                a, (struct observation){.kind = a->rule->kind,
                                        .name = arena_text(&a->out->arena, *name),
                                        .condition = signal ? CONDITION_UNKNOWN : CONDITION_DOWN,
                                        .raw = "missing",
                                        .reason = signal ? "no value: the answer does not have it"
                                                         : "expected, but the source does not have it",
                                        .expected = true});
}

/* A row that vanishes is known by its name, and the platform reports it; one that was never there has none.
 */
static void expect_count(struct applying *a)
{
    const char *name;
    void *value;
    if (a->rule->expected_count < 0)
        return;
    for (size_t i = 0; map_next(a->names, &i, &name, &value);)
        if (map_count(a->memory->names) < MAPPING_ROW_LIMIT)
            map_set(a->memory->names, name, a);
    size_t wanted = (size_t)a->rule->expected_count, known = map_count(a->memory->names);
    if (known >= wanted && !a->memory->complained)
        return;
    a->memory->complained = true;
    char text[96];
    snprintf(text, sizeof text, "%zu of %zu", known < wanted ? known : wanted, wanted);
    bool missing = known < wanted;
    char *title = xasprintf("expected %s", entity_kind_plural(a->rule->kind));
    observation_add(a, (struct observation){.kind = ENTITY_COMPONENT,
                                            .name = arena_text(&a->out->arena, title),
                                            .condition = missing ? CONDITION_DOWN : CONDITION_OK,
                                            .raw = arena_text(&a->out->arena, text),
                                            .reason = missing ? "the rest was never seen" : NULL});
    free(title);
}

/* What is not there can't be told from what was not found: by a mistake in the mapping, or another version of
 * the system. Alerts may be absent, for that is how they say that all is well; else the rule has to allow it.
 */
static bool none_allowed(const struct rule *r)
{
    return r->kind == ENTITY_ALERT || r->optional || r->expected || r->expected_count >= 0;
}

static void doubt_answer(struct applying *a, const struct rule_rows *rows)
{
    const struct rule *r = a->rule;
    char *unclear = a->out->unclear, place[80];
    size_t room = sizeof a->out->unclear;
    bool none = !rows->rows.len && !none_allowed(r);
    if (*unclear || (!none && !a->unnamed))
        return;
    const char *slash = r->file ? strrchr(r->file, '/') : NULL;
    snprintf(place, sizeof place, "%.60s:%d", slash ? slash + 1 : r->file ? r->file : "mapping", r->line);
    if (a->unnamed)
        snprintf(unclear, room, "%zu of %zu rows have no name (%s)", a->unnamed, rows->rows.len, place);
    else if (rows->left_out)
        snprintf(unclear, room, "answered, but where: leaves out all %zu rows (%s)", rows->left_out, place);
    else if (r->metric_texts.len)
        snprintf(unclear, room, "answered, but it has no sample of %.100s (%s)", r->metric_texts.data[0],
                 place);
    else if (a->evaluation.problems)
        snprintf(unclear, room, "answered, but no key matches %.100s", a->keys);
    else
        snprintf(unclear, room, "answered, but %.100s has no rows (%s)", r->pointers.data[0].pointer, place);
}

/* ---- The whole ---- */

static int rule_apply(struct applying *a, const struct answer *answer, struct err *e)
{
    struct rule_rows rows = {0};
    int status = rule_rows_collect(a->rule, answer, &a->out->arena, &rows, e);
    a->first = a->out->observations.len;
    a->names = map_new();
    if (!status)
        status = rows_observe(a, &rows, e);
    if (!status) {
        expect_names(a);
        expect_count(a);
    }
    if (!status)
        doubt_answer(a, &rows);
    map_free(a->names);
    vec_fini(&rows.rows);
    return status;
}

int mapping_apply(const struct mapping *m, struct mapping_memory *memory, const struct answer *answer,
                  struct mapped *out, struct err *e)
{
    int status = 0;
    bool full = false;
    *out = (struct mapped){0};
    for (size_t i = 0; i < m->rules.len && !status; i++) {
        struct applying a = {
            .rule = &m->rules.data[i], .memory = &memory->rules[i], .out = out, .keys = m->keys};
        a.evaluation =
            (struct evaluation){.answer = answer, .series = memory->series, .problems = m->keys != NULL};
        status = rule_apply(&a, answer, e);
        full |= a.evaluation.series_full;
        evaluation_fini(&a.evaluation);
    }
    series_sweep(memory->series);
    if (full)
        snprintf(out->note, sizeof out->note, "more than %d counters: some rates are missing", SERIES_LIMIT);
    if (status)
        mapped_fini(out);
    return status;
}

void mapped_fini(struct mapped *out)
{
    vec_fini(&out->observations);
    arena_fini(&out->arena);
    *out = (struct mapped){0};
}
