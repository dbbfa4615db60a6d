#include "engine/sources/redis_reading.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sources/redis_keys.h"

void readings_free(struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(readings[i].key);
        str_fini(&readings[i].ends);
        str_fini(&readings[i].raw);
        cJSON_Delete(readings[i].value);
    }
    free(readings);
}

void readings_parse(struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct reading *r = &readings[i];
        if (str_eq(r->type, "string") && !r->problem.code && !r->unchanged && !r->skip && !r->gone)
            r->value = key_value_read(str_text(&r->raw), r->raw.len, r->whole, &r->problem);
    }
}

static bool is_text(const struct redis_reply *reply)
{
    return reply->type == REDIS_STRING && utf8_valid(reply->text, strlen(reply->text), NULL);
}

void reading_hash(struct reading *r, const struct redis_reply *fields)
{
    r->value = cJSON_CreateObject();
    for (size_t i = 0; i + 1 < fields->item_count; i += 2)
        if (is_text(&fields->items[i]) && is_text(&fields->items[i + 1]))
            cJSON_AddStringToObject(r->value, fields->items[i].text, fields->items[i + 1].text);
}
