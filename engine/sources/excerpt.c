/* What is kept of a row without being named by the mapping: all its labels as attributes, the raw row for the
 * detail page. Labels and members that usually carry secrets or persons are left out of both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/base.h"
#include "engine/sources/rule.h"

#define SNIPPET_DEPTH 8

/* Whole names, in any case. LiteLLM's labels are the worst known. */
static const char *const always_dropped[] = {
    "password",    "passwd",    "secret",        "token",          "access_token",  "refresh_token",
    "api_key",     "apikey",    "authorization", "hashed_api_key", "api_key_alias", "cookie",
    "set-cookie",  "user",      "user_id",       "user_email",     "username",      "email",
    "end_user",    "client_ip", "remote_addr",   "session_id",     "private_key",   "credential",
    "credentials", NULL};

/* Asked of every member of every row: most names differ in the first letter. */
static bool is_always_dropped(const char *name)
{
    char first = (char)(name[0] | 0x20);
    for (size_t i = 0; always_dropped[i]; i++)
        if (always_dropped[i][0] == first && strcasecmp(always_dropped[i], name) == 0)
            return true;
    return false;
}

bool excerpt_dropped(char *const *drop, const char *name)
{
    if (is_always_dropped(name))
        return true;
    for (; drop && *drop; drop++)
        if (strcasecmp(*drop, name) == 0)
            return true;
    return false;
}

static void attribute_add(struct attribute *attributes, size_t *count, size_t room, const char *name,
                          const char *value)
{
    if (*count < room && *value)
        attributes[(*count)++] = (struct attribute){name, value};
}

static void add_members(const struct rule *r, const cJSON *object, struct arena *arena,
                        struct attribute *attributes, size_t *count, size_t room)
{
    const cJSON *member;
    if (!cJSON_IsObject(object))
        return;
    cJSON_ArrayForEach(member, object)
    {
        struct str text = {0};
        if (*count < room && !excerpt_dropped(r->drop, member->string) && json_text(member, &text))
            attribute_add(attributes, count, room, arena_text(arena, member->string),
                          arena_text(arena, str_text(&text)));
        str_fini(&text);
    }
}

void excerpt_attributes(const struct rule *r, const struct row *row, struct arena *arena,
                        struct attribute *attributes, size_t *count, size_t room)
{
    for (size_t i = 0; i < r->attributes.len; i++) {
        const char *value = template_arena(&r->attributes.data[i].value, row, arena);
        if (value)
            attribute_add(attributes, count, room, r->attributes.data[i].name, value);
    }
    if (!r->all_attributes)
        return;
    for (size_t i = 0; row->sample && i < row->sample->label_count; i++) {
        const struct sample_label *label = &row->sample->labels[i];
        if (!excerpt_dropped(r->drop, label->name))
            attribute_add(attributes, count, room, arena_text(arena, label->name),
                          arena_text(arena, label->value));
    }
    if (!row->sample)
        add_members(r, template_item(&r->all_from, row), arena, attributes, count, room);
}

/* ---- The raw row ---- */

static void add_item(struct str *out, const cJSON *item, char *const *drop, int depth);

static void add_children(struct str *out, const cJSON *item, char *const *drop, int depth)
{
    bool object = cJSON_IsObject(item), first = true;
    const cJSON *child;
    str_add_char(out, object ? '{' : '[');
    cJSON_ArrayForEach(child, item)
    {
        if (out->len > PLATFORM_SNIPPET_LIMIT)
            break;
        if (object && excerpt_dropped(drop, child->string))
            continue;
        if (!first)
            str_add(out, ", ");
        first = false;
        if (object) {
            json_quote(out, child->string);
            str_add(out, ": ");
        }
        add_item(out, child, drop, depth + 1);
    }
    str_add_char(out, object ? '}' : ']');
}

static void add_item(struct str *out, const cJSON *item, char *const *drop, int depth)
{
    if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
        if (depth >= SNIPPET_DEPTH)
            str_add(out, "...");
        else
            add_children(out, item, drop, depth);
    } else if (cJSON_IsString(item)) {
        size_t length = strlen(item->valuestring);
        char *cut =
            xstrndup(item->valuestring, length > PLATFORM_SNIPPET_LIMIT ? PLATFORM_SNIPPET_LIMIT : length);
        json_quote(out, cut);
        free(cut);
    } else if (!json_text(item, out)) {
        str_add(out, "null");
    }
}

static void add_sample(struct str *out, const struct row *row, char *const *drop)
{
    const struct sample *s = row->sample;
    char number[NUMBER_TEXT_SIZE];
    str_addf(out, "%s{", row->metric ? row->metric : "");
    const char *comma = "";
    for (size_t i = 0; i < s->label_count && out->len <= PLATFORM_SNIPPET_LIMIT; i++) {
        if (excerpt_dropped(drop, s->labels[i].name))
            continue;
        str_addf(out, "%s%s=", comma, s->labels[i].name);
        json_quote(out, s->labels[i].value);
        comma = ",";
    }
    number_format(s->value, number);
    str_addf(out, "} %s", number);
}

const char *excerpt_snippet(const struct rule *r, const struct row *row, struct arena *arena, size_t *length)
{
    struct str out = {0};
    const char *copy = NULL;
    if (row->sample)
        add_sample(&out, row, r->drop);
    else if (row->item)
        add_item(&out, row->item, r->drop, 0);
    *length = out.len > PLATFORM_SNIPPET_LIMIT ? PLATFORM_SNIPPET_LIMIT : out.len;
    if (*length)
        copy = arena_bytes(arena, out.data, *length);
    str_fini(&out);
    return copy;
}
