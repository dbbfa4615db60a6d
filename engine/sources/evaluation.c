/* The values of expressions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sources/expression.h"

#define BUCKET_LIMIT 200
#define LEAST_SPAN_US                                                                                        \
    (US_PER_S - US_PER_S / 20) /* growth over less is chance; a poll may come a bit early                    \
                                */
#define CLOCK_SKEW_S 60.0      /* a time further ahead than this is no time */
#define SEPARATOR    '\x1f'

struct hit {
    const struct sample *sample;
    struct hit *next;
};

void evaluation_fini(struct evaluation *v)
{
    for (size_t i = 0; i < v->index_count; i++)
        map_free(v->indexes[i]);
    free(v->indexes);
    arena_fini(&v->arena);
    v->indexes = NULL;
    v->index_count = 0;
}

/* ---- Samples of a metric that belong to the row ---- */

static void join_key(char *const *join, const struct row *row, struct str *key)
{
    for (; join && *join; join++) {
        str_add(key, row->sample ? sample_label(row->sample, *join) : "");
        str_add_char(key, SEPARATOR);
    }
    str_add_char(key, SEPARATOR); /* never empty */
}

static const struct sample *first_sample(const struct expression *x, const struct answer *a, size_t *which)
{
    for (size_t i = 0; i < x->metrics.len; i++)
        if (x->metrics.data[i] < a->metric_count && a->metrics[x->metrics.data[i]]) {
            *which = i;
            return a->metrics[x->metrics.data[i]];
        }
    return NULL;
}

static struct map *index_build(const struct expression *x, struct evaluation *v)
{
    struct map *index = map_new();
    struct str key = {0};
    size_t which = 0;
    for (const struct sample *s = first_sample(x, v->answer, &which); s; s = s->next) {
        struct row row = {.answer = v->answer, .sample = s, .metric = x->metric_texts.data[which]};
        if (!condition_list_holds(&x->where, &row))
            continue;
        str_clear(&key);
        join_key(x->join, &row, &key);
        struct hit *hit = arena_alloc(&v->arena, sizeof *hit);
        *hit = (struct hit){s, map_get(index, key.data)};
        map_set(index, key.data, hit);
    }
    str_fini(&key);
    return index;
}

static const struct hit *hits(const struct expression *x, struct evaluation *v)
{
    if (x->id >= v->index_count) {
        size_t count = x->id + 16;
        v->indexes = xrealloc(v->indexes, count * sizeof *v->indexes);
        memset(v->indexes + v->index_count, 0, (count - v->index_count) * sizeof *v->indexes);
        v->index_count = count;
    }
    if (!v->indexes[x->id])
        v->indexes[x->id] = index_build(x, v);
    struct str key = {0};
    join_key(x->join, v->row, &key);
    const struct hit *found = map_get(v->indexes[x->id], key.data);
    str_fini(&key);
    return found;
}

static enum value_state metric_value(const struct expression *x, struct evaluation *v, double *value)
{
    double sum = 0, least = INFINITY, most = -INFINITY;
    size_t count = 0;
    for (const struct hit *hit = hits(x, v); hit; hit = hit->next) {
        double one = hit->sample->value;
        if (isnan(one))
            continue;
        sum += one;
        least = one < least ? one : least;
        most = one > most ? one : most;
        count++;
    }
    if (!count)
        return VALUE_ABSENT;
    switch (x->fold) {
    case FOLD_SUM:
        *value = sum;
        break;
    case FOLD_MIN:
        *value = least;
        break;
    case FOLD_MAX:
        *value = most;
        break;
    case FOLD_AVG:
        *value = sum / (double)count;
        break;
    case FOLD_COUNT:
        *value = (double)count;
        break;
    }
    return VALUE_PRESENT;
}

/* ---- Growth ---- */

static void sample_key(const struct expression *x, const struct sample *s, struct str *key)
{
    str_addf(key, "%zu", x->id);
    for (size_t i = 0; i < s->label_count; i++)
        str_addf(key, "%c%s=%s", SEPARATOR, s->labels[i].name, s->labels[i].value);
}

/* Of one counter: its growth within the window, and by the second. */
static enum value_state grow(const struct expression *x, struct evaluation *v, const char *key, double value,
                             double *increase, double *rate)
{
    int64_t span_us = 0;
    switch (series_increase(v->series, key, value, v->answer->now_us, x->over_us, increase, &span_us)) {
    case SERIES_READY:
        break;
    case SERIES_FULL:
        v->series_full = true;
        return VALUE_ABSENT;
    case SERIES_WARMING:
        return VALUE_WARMING;
    }
    if (span_us < LEAST_SPAN_US && span_us < x->over_us)
        return VALUE_WARMING;
    *rate = *increase / ((double)span_us / (double)US_PER_S);
    return VALUE_PRESENT;
}

/* Each sample's growth by itself, then the sum: the sum of counters falls whenever one of them is reset. */
static enum value_state grow_metric(const struct expression *x, struct evaluation *v, double *increase,
                                    double *rate)
{
    const struct expression *metric = &x->args[0];
    enum value_state state = VALUE_ABSENT;
    struct str key = {0};
    *increase = *rate = 0;
    for (const struct hit *hit = hits(metric, v); hit; hit = hit->next) {
        double one_increase, one_rate;
        str_clear(&key);
        sample_key(x, hit->sample, &key);
        enum value_state one = grow(x, v, key.data, hit->sample->value, &one_increase, &one_rate);
        if (one == VALUE_PRESENT) {
            *increase += one_increase;
            *rate += one_rate;
            state = VALUE_PRESENT;
        } else if (state == VALUE_ABSENT) {
            state = one;
        }
    }
    str_fini(&key);
    return state;
}

static enum value_state growth_value(const struct expression *x, struct evaluation *v, double *value)
{
    double increase = 0, rate = 0, counter;
    enum value_state state;
    if (x->args[0].operation == OPERATION_METRIC) {
        state = grow_metric(x, v, &increase, &rate);
    } else {
        state = expression_value(&x->args[0], v, &counter);
        if (state == VALUE_PRESENT) {
            char *key = xasprintf("%zu%c%s", x->id, SEPARATOR, v->row_key ? v->row_key : "");
            state = grow(x, v, key, counter, &increase, &rate);
            free(key);
        }
    }
    *value = x->operation == OPERATION_RATE ? rate : increase;
    return state;
}

/* ---- Quantiles ---- */

struct bucket {
    double bound, count;
};

static int bucket_compare(const void *a, const void *b)
{
    double x = ((const struct bucket *)a)->bound, y = ((const struct bucket *)b)->bound;
    return (x > y) - (x < y);
}

/* Adds to the bucket of that bound; false when there are too many. */
static bool bucket_add(struct bucket *buckets, size_t *count, double bound, double increase)
{
    for (size_t i = 0; i < *count; i++)
        if (buckets[i].bound == bound) {
            buckets[i].count += increase;
            return true;
        }
    if (*count == BUCKET_LIMIT)
        return false;
    buckets[(*count)++] = (struct bucket){bound, increase};
    return true;
}

/* As Prometheus' histogram_quantile: linear within the bucket in which the rank falls; above the last finite
 * bound, that bound. */
static enum value_state quantile_of(struct bucket *buckets, size_t count, double quantile, double *value)
{
    qsort(buckets, count, sizeof *buckets, bucket_compare);
    if (count < 2 || !isinf(buckets[count - 1].bound))
        return VALUE_ABSENT;
    for (size_t i = 1; i < count; i++) /* a scrape in the middle of an update */
        if (buckets[i].count < buckets[i - 1].count)
            buckets[i].count = buckets[i - 1].count;
    double total = buckets[count - 1].count, rank = quantile * total;
    if (!(total > 0))
        return VALUE_NO_TRAFFIC;
    size_t at = 0;
    while (at < count - 1 && buckets[at].count < rank)
        at++;
    if (at == count - 1) {
        *value = buckets[count - 2].bound;
        return VALUE_PRESENT;
    }
    double upper = buckets[at].bound, lower = at ? buckets[at - 1].bound : 0,
           below = at ? buckets[at - 1].count : 0;
    double within = buckets[at].count - below;
    *value =
        (at == 0 && upper <= 0) || !(within > 0) ? upper : lower + (upper - lower) * (rank - below) / within;
    return VALUE_PRESENT;
}

static enum value_state quantile_value(const struct expression *x, struct evaluation *v, double *value)
{
    struct bucket buckets[BUCKET_LIMIT];
    size_t count = 0;
    enum value_state state = VALUE_ABSENT;
    struct str key = {0};
    for (const struct hit *hit = hits(x, v); hit; hit = hit->next) {
        double bound, increase, rate;
        cJSON le = {.type = cJSON_String, .valuestring = (char *)(uintptr_t)sample_label(hit->sample, "le")};
        if (!json_number(&le, &bound))
            continue;
        str_clear(&key);
        sample_key(x, hit->sample, &key);
        enum value_state one = grow(x, v, key.data, hit->sample->value, &increase, &rate);
        if (one == VALUE_PRESENT && bucket_add(buckets, &count, bound, increase))
            state = VALUE_PRESENT;
        else if (state == VALUE_ABSENT)
            state = one;
    }
    str_fini(&key);
    return state == VALUE_PRESENT ? quantile_of(buckets, count, x->quantile, value) : state;
}

/* ---- The rest ---- */

static enum value_state field_value(const struct expression *x, struct evaluation *v, double *value)
{
    if (!x->words.len)
        return template_number(&x->field, v->row, value) && !isnan(*value) ? VALUE_PRESENT : VALUE_ABSENT;
    struct str text = {0};
    enum value_state state = VALUE_ABSENT;
    bool there = template_text(&x->field, v->row, &text);
    for (size_t i = 0; i < x->words.len; i++) {
        const struct number_word *word = &x->words.data[i];
        bool same = there && str_eq(word->text, str_text(&text));
        if (same || (state == VALUE_ABSENT && str_eq(word->text, "*"))) {
            *value = word->number;
            state = VALUE_PRESENT;
            if (same)
                break;
        }
    }
    str_fini(&text);
    return state;
}

static enum value_state age_value(const struct expression *x, struct evaluation *v, double *value)
{
    int64_t wall_us;
    if (!template_time(&x->field, v->row, &wall_us))
        return VALUE_ABSENT;
    double age = (double)(v->answer->wall_us - wall_us) / (double)US_PER_S;
    if (age < -CLOCK_SKEW_S)
        return VALUE_ABSENT;
    *value = age > 0 ? age : 0;
    return VALUE_PRESENT;
}

static enum value_state arithmetic_value(const struct expression *x, struct evaluation *v, double *value)
{
    double terms[2] = {0, 0}, sum = 0;
    enum value_state state = VALUE_PRESENT;
    for (size_t i = 0; i < x->arg_count; i++) {
        double term;
        enum value_state one = expression_value(&x->args[i], v, &term);
        if (one != VALUE_PRESENT) {
            state = state == VALUE_PRESENT ? one : state;
            continue; /* the others still note their samples */
        }
        sum += term;
        if (i < 2)
            terms[i] = term;
    }
    if (state != VALUE_PRESENT)
        return state;
    if (x->operation == OPERATION_RATIO && terms[1] == 0)
        return terms[0] == 0 ? VALUE_NO_TRAFFIC : VALUE_ABSENT;
    *value = x->operation == OPERATION_RATIO   ? terms[0] / terms[1]
             : x->operation == OPERATION_MINUS ? terms[0] - terms[1]
                                               : sum;
    return VALUE_PRESENT;
}

static enum value_state operation_value(const struct expression *x, struct evaluation *v, double *value)
{
    switch (x->operation) {
    case OPERATION_CONSTANT:
        *value = x->constant;
        return isnan(*value) ? VALUE_ABSENT : VALUE_PRESENT;
    case OPERATION_MEASURE:
        *value = v->measures[x->measure];
        return isnan(*value) ? VALUE_ABSENT : VALUE_PRESENT;
    case OPERATION_FIELD:
        return field_value(x, v, value);
    case OPERATION_METRIC:
        return metric_value(x, v, value);
    case OPERATION_RATE:
    case OPERATION_DELTA:
        return growth_value(x, v, value);
    case OPERATION_QUANTILE:
        return quantile_value(x, v, value);
    case OPERATION_AGE:
        return age_value(x, v, value);
    default:
        return arithmetic_value(x, v, value);
    }
}

enum value_state expression_value(const struct expression *x, struct evaluation *v, double *value)
{
    enum value_state state = operation_value(x, v, value);
    if (state == VALUE_PRESENT) {
        if (!isnan(x->times))
            *value *= x->times;
        if (isnan(*value) || *value < x->minimum || *value > x->maximum)
            state = VALUE_ABSENT;
    }
    if (state == VALUE_ABSENT && !isnan(x->otherwise)) {
        *value = x->otherwise;
        state = VALUE_PRESENT;
    }
    return state;
}
