/* Reading one entity. */
#include <math.h>

#include "engine/platform/model.h"

void entity_title(const struct entity *e, struct str *out)
{
    str_addf(out, "%s %s", entity_kind_text(e->kind), e->name);
}

void entity_key(const struct entity *e, struct str *out)
{
    str_addf(out, "%s:%s:%s", entity_kind_text(e->kind), e->source, e->name);
}

void entity_reason(const struct platform *p, const struct entity *e, int64_t wall_us, bool minutes,
                   struct str *out)
{
    if (!(e->flags & ENTITY_SILENT)) {
        str_add(out, e->reason);
        return;
    }
    const struct source_view *source = platform_source_find(p, e->source);
    int64_t heard_us = e->last_seen_us ? e->last_seen_us : e->first_seen_us;
    char age[DURATION_TEXT_SIZE];
    (minutes ? duration_format_minutes : duration_format)(wall_us > heard_us ? wall_us - heard_us : 0, age);
    str_addf(out, "source silent %s", age);
    if (source && *source->error)
        str_addf(out, ": %s", source->error);
}

double entity_measure(const struct entity *e, const char *name)
{
    for (uint32_t i = 0; i < e->measure_count; i++)
        if (strcmp(e->measures[i].name, name) == 0)
            return e->measures[i].value;
    return NAN;
}

static const char *attribute_find(const struct entity *e, const char *name)
{
    for (uint32_t i = 0; i < e->attribute_count; i++)
        if (strcmp(e->attributes[i].name, name) == 0)
            return e->attributes[i].value;
    return NULL;
}

const char *entity_attribute(const struct entity *e, const char *name)
{
    const char *value = attribute_find(e, name);
    return value ? value : "";
}

static const char *own_field(const struct entity *e, const char *field)
{
    if (strcmp(field, "kind") == 0)
        return entity_kind_text(e->kind);
    if (strcmp(field, "name") == 0)
        return e->name;
    if (strcmp(field, "group") == 0)
        return e->group;
    if (strcmp(field, "source") == 0)
        return e->source;
    if (strcmp(field, "state") == 0)
        return condition_name(e->condition);
    if (strcmp(field, "raw") == 0)
        return e->raw;
    return strcmp(field, "reason") == 0 ? e->reason : NULL;
}

bool entity_field(const struct entity *e, const char *field, struct str *out)
{
    const char *text = own_field(e, field);
    if (!text)
        text = attribute_find(e, field);
    if (text) {
        str_add(out, text);
        return true;
    }
    double value = entity_measure(e, field);
    if (isnan(value))
        return false;
    char digits[NUMBER_TEXT_SIZE];
    number_format(value, digits);
    str_add(out, digits);
    return true;
}
