/* Numbers of a mapping: read, looked up, and computed from answers and from our own earlier samples.
 *
 *   12.5, 50%, 24h (seconds)       a constant; an empty text is absent
 *   /points_count, value, @value   a reference (reference.h); a plain word is first a measure named before it
 * in the same rule {from: FIELD, map: {critical: 3, "*": 1}}       a word to a number {metric: NAME, where:
 * {code: 500}, join: [pod], of: sum} samples of a metric (or of the first of a list that has any), with these
 * labels, and with the row's values of the labels in join (default: the rule's `by`); of: sum (default), min,
 * max, avg, count {rate: NUMBER, over: 1m}       growth a second of a counter, over our own samples; resets
 * are seen {delta: NUMBER, over: 5m}      growth of a counter within the window {quantile: 0.95, metric:
 * NAME, over: 1m}        of a histogram (NAME_bucket), by growth within the window {ratio: [A, B]} A / B; no
 * traffic when B is 0 {minus: [A, B]}, {plus: [A, B, ...]} {age: FIELD}                   seconds since a
 * time
 *
 * Each mapping may have times: (a factor), min: and max: (outside of them the value is absent), or: (in place
 * of an absent one). */
#ifndef BELAY_SOURCES_EXPRESSION_H
#define BELAY_SOURCES_EXPRESSION_H

#include "engine/sources/compiler.h"
#include "engine/sources/reference.h"
#include "engine/sources/series.h"

enum operation {
    OPERATION_CONSTANT,
    OPERATION_FIELD,
    OPERATION_MEASURE, /* one computed before, by its index */
    OPERATION_METRIC,
    OPERATION_RATE,
    OPERATION_DELTA,
    OPERATION_QUANTILE,
    OPERATION_RATIO,
    OPERATION_MINUS,
    OPERATION_PLUS,
    OPERATION_AGE,
};

enum fold { FOLD_SUM, FOLD_MIN, FOLD_MAX, FOLD_AVG, FOLD_COUNT };

/* Which samples or rows: every key must have one of its texts ("!text": none of them). */
struct condition_list {
    VEC(struct where {
        struct template key;
        char **texts;
    })
    items;
};

int condition_list_compile(struct condition_list *w, struct compiler *c, const cJSON *item);
void condition_list_fini(struct condition_list *w);
bool condition_list_holds(const struct condition_list *w, const struct row *row);

struct number_word {
    char *text;
    double number;
};

struct expression {
    enum operation operation;
    size_t id;                                                     /* unique within the mapping */
    double constant, quantile, times, minimum, maximum, otherwise; /* NaN: not given */
    size_t measure;
    struct template field;
    VEC(struct number_word) words;
    VEC(size_t) metrics;
    VEC(char *) metric_texts;
    struct condition_list where;
    char **join;
    enum fold fold;
    int64_t over_us;
    struct expression *args;
    size_t arg_count;
};

/* What the names of a rule mean to its expressions. */
struct expression_scope {
    char *const *measures; /* named so far */
    size_t measure_count;
    char *const *join; /* the rule's `by`; may be NULL */
};

int expression_compile(struct expression *x, struct compiler *c, const cJSON *item,
                       const struct expression_scope *scope);
void expression_fini(struct expression *x);
bool expression_needs_body(const struct expression *x);

enum value_state {
    VALUE_PRESENT,
    VALUE_ABSENT,
    VALUE_WARMING,    /* the next answer will have it */
    VALUE_NO_TRAFFIC, /* divided by nothing: nobody calls */
};

/* One pass over one answer. */
struct evaluation {
    const struct answer *answer;
    struct series_table *series;
    const struct row *row;
    const char *row_key;    /* tells this row's own samples from others' */
    const double *measures; /* those of this row so far */
    struct map **indexes;   /* by expression id: joined labels to samples; built when first needed */
    size_t index_count;
    struct arena arena;
    bool series_full;
    bool problems; /* rows come from Redis: their member `problem` says why one couldn't be read */
};

enum value_state expression_value(const struct expression *x, struct evaluation *v, double *value);
void evaluation_fini(struct evaluation *v);

#endif
