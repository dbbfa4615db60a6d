#include "tui/commands/measures.h"

#include <math.h>

/* What has no value (no operation in that span) is null. */
static void add_number(cJSON *object, const char *name, double value)
{
    if (isnan(value))
        cJSON_AddNullToObject(object, name);
    else
        cJSON_AddNumberToObject(object, name, value);
}

static cJSON *sums_to_json(const struct measures_sums *s)
{
    cJSON *object = cJSON_CreateObject();
    json_add_int(object, "ok", (int64_t)s->ok);
    json_add_int(object, "failed", (int64_t)s->failed);
    json_add_int(object, "rejected", (int64_t)s->rejected);
    json_add_int(object, "cancelled", (int64_t)s->cancelled);
    json_add_int(object, "attempts", (int64_t)s->attempts);
    json_add_int(object, "retried", (int64_t)s->retried);
    add_number(object, "success_rate", measures_success_rate(s));
    add_number(object, "average_attempts", measures_average_attempts(s));
    add_number(object, "retry_rate", measures_retry_rate(s));
    add_number(object, "p50_s", measures_quantile_s(s, 0.5));
    add_number(object, "p95_s", measures_quantile_s(s, 0.95));
    json_add_int(object, "hits", (int64_t)s->hits);
    json_add_int(object, "trips", (int64_t)s->trips);
    add_number(object, "cost", s->cost);
    cJSON *failures = cJSON_AddObjectToObject(object, "failures");
    for (int class = 0; class < FAILURE_CLASS_COUNT; class ++)
        if (s->by_class[class] > 0)
            json_add_int(failures, failure_class_text((enum failure_class) class),
                         (int64_t)s->by_class[class]);
    return object;
}

cJSON *measures_to_json(const struct target_view *views, size_t count)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        const struct target_view *v = &views[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", v->name);
        if (v->chain[0]) {
            cJSON_AddStringToObject(object, "chain", v->chain);
            json_add_int(object, "tier", v->tier);
        }
        if (v->has_breaker)
            cJSON_AddStringToObject(object, "breaker", breaker_state_text(v->state));
        else
            cJSON_AddNullToObject(object, "breaker");
        cJSON *spans = cJSON_AddObjectToObject(object, "measures");
        for (int span = 0; span < MEASURES_SPAN_COUNT; span++)
            cJSON_AddItemToObject(spans, measures_span_text((enum measures_span)span),
                                  sums_to_json(&v->spans[span]));
        cJSON_AddItemToArray(list, object);
    }
    return list;
}
