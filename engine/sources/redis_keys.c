#include "engine/sources/redis_keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LIST_KEPT 32
#define TEXT_KEPT 1024

/* ---- The pattern ---- */

void key_pattern_fini(struct key_pattern *p)
{
    for (size_t i = 0; i <= KEY_CAPTURES; i++)
        free(p->literals[i]);
    for (size_t i = 0; i < KEY_CAPTURES; i++)
        free(p->names[i]);
    free(p->glob);
    *p = (struct key_pattern){0};
}

static void glob_add(struct str *glob, const char *literal)
{
    for (; *literal; literal++) {
        if (strchr("*?[]^\\", *literal))
            str_add_char(glob, '\\');
        str_add_char(glob, *literal);
    }
}

/* What a capture may be called: not what a row has anyway. */
static bool is_name(const char *text, size_t length)
{
    static const char *const taken[] = {"key", "type", "bytes", "value", "problem"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strlen(taken[i]) == length && memcmp(taken[i], text, length) == 0)
            return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return false;
    return length > 0;
}

int key_pattern_compile(struct key_pattern *p, const char *text, struct err *e)
{
    struct str glob = {0};
    const char *rest = text;
    *p = (struct key_pattern){0};
    for (;;) {
        size_t literal = strcspn(rest, "{}");
        p->literals[p->count] = xstrndup(rest, literal);
        glob_add(&glob, p->literals[p->count]);
        rest += literal;
        if (!*rest)
            break;
        size_t name = *rest == '{' ? strcspn(rest + 1, "{}") : 0;
        bool apart = p->count == 0 || *p->literals[p->count];
        if (*rest != '{' || rest[1 + name] != '}' || !is_name(rest + 1, name) || p->count == KEY_CAPTURES ||
            !apart) {
            str_fini(&glob);
            key_pattern_fini(p);
            return err_set(
                e, ERR_SYNTAX,
                "'%.80s': keys: is a text with up to %d names in braces, something between each two", text,
                KEY_CAPTURES);
        }
        p->names[p->count++] = xstrndup(rest + 1, name);
        str_add_char(&glob, '*');
        rest += name + 2;
    }
    p->glob = str_take(&glob);
    return 0;
}

/* The last place where the literal ends before `end`; NULL. */
static const char *find_last(const char *from, const char *end, const char *literal)
{
    size_t length = strlen(literal);
    for (const char *p = end - length; p >= from; p--)
        if (memcmp(p, literal, length) == 0)
            return p;
    return NULL;
}

bool key_pattern_match(const struct key_pattern *p, const char *key, char *captures[static KEY_CAPTURES])
{
    size_t length = strlen(key), head = strlen(p->literals[0]),
           tail = p->count ? strlen(p->literals[p->count]) : 0;
    if (length < head + tail || strncmp(key, p->literals[0], head) != 0)
        return false;
    if (!p->count)
        return length == head;
    const char *from = key + head, *end = key + length - tail;
    if (strcmp(end, p->literals[p->count]) != 0)
        return false;
    const char *starts[KEY_CAPTURES], *ends[KEY_CAPTURES];
    for (size_t i = p->count; i-- > 0;) {
        const char *literal = i ? find_last(from, end, p->literals[i]) : from;
        if (!literal)
            return false;
        starts[i] = i ? literal + strlen(p->literals[i]) : from;
        ends[i] = end;
        end = literal;
    }
    for (size_t i = 0; i < p->count; i++)
        captures[i] = xstrndup(starts[i], (size_t)(ends[i] - starts[i]));
    return true;
}

/* ---- Values ---- */

/* Only what a mapping may point at is kept: a checkpoint's own list of patches is megabytes. */
static void prune(cJSON *item)
{
    if (cJSON_IsString(item) && strlen(item->valuestring) > TEXT_KEPT) {
        size_t cut = TEXT_KEPT;
        while (cut && ((unsigned char)item->valuestring[cut] & 0xc0) == 0x80)
            cut--;
        item->valuestring[cut] = '\0';
    }
    if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
        return;
    if (cJSON_IsArray(item) && cJSON_GetArraySize(item) > LIST_KEPT) {
        cJSON_Delete(item->child);
        item->child = NULL;
        return;
    }
    for (cJSON *child = item->child; child; child = child->next)
        prune(child);
}

static const char *known_format(const unsigned char *b, size_t length)
{
    if (length >= 2 && b[0] == 0x1f && b[1] == 0x8b)
        return "compressed (gzip): not read";
    if (length >= 2 && b[0] == 0x78 && (b[1] == 0x01 || b[1] == 0x5e || b[1] == 0x9c || b[1] == 0xda))
        return "compressed (zlib): not read";
    if (length >= 4 && memcmp(b, "\x28\xb5\x2f\xfd", 4) == 0)
        return "compressed (zstd): not read";
    if (length >= 4 && memcmp(b, "\x04\x22\x4d\x18", 4) == 0)
        return "compressed (lz4): not read";
    if (length >= 2 && b[0] == 0x80 && b[1] >= 2 && b[1] <= 5)
        return "pickled by Python: never read, because reading it would run it";
    return NULL;
}

/* Where a JSON text that was cut can be ended: behind its last whole member, and what closes it there. */
static size_t whole_members(const char *text, size_t length, struct str *closing)
{
    char open[64];
    size_t depth = 0, good = 0, good_depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
            continue;
        }
        if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (depth == sizeof open)
                break;
            open[depth++] = c;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        } else if (c == ',' && depth) {
            good = i;
            good_depth = depth;
        }
    }
    /* What is open at that comma is what was open then: a member that closes again afterwards moves the comma
     * on. */
    for (size_t i = good_depth; i-- > 0;)
        str_add_char(closing, open[i] == '{' ? '}' : ']');
    return good;
}

cJSON *key_value_read(const char *bytes, size_t length, bool whole, struct err *problem)
{
    const char *format = known_format((const unsigned char *)bytes, length);
    if (format) {
        err_set(problem, ERR_UNSUPPORTED, "%s", format);
        return NULL;
    }
    struct err e = {0};
    cJSON *value = NULL;
    if (whole) {
        value = json_parse(bytes, length, &e);
    } else {
        struct str text = {0}, closing = {0};
        str_add_bytes(&text, bytes, whole_members(bytes, length, &closing));
        str_add(&text, str_text(&closing));
        value = json_parse(str_text(&text), text.len, &e);
        str_fini(&text);
        str_fini(&closing);
    }
    if (value)
        prune(value);
    else
        err_set(problem, ERR_SYNTAX, "the value is not JSON: %.120s", e.msg);
    return value;
}

cJSON *key_row(const struct key_pattern *p, const char *key, const char *type, uint64_t bytes, cJSON *value,
               const char *problem)
{
    cJSON *row = cJSON_CreateObject();
    char *captures[KEY_CAPTURES] = {0};
    cJSON_AddStringToObject(row, "key", key);
    if (key_pattern_match(p, key, captures))
        for (size_t i = 0; i < p->count; i++) {
            cJSON_AddStringToObject(row, p->names[i], captures[i]);
            free(captures[i]);
        }
    cJSON_AddStringToObject(row, "type", type);
    json_add_int(row, "bytes", (int64_t)bytes);
    if (value)
        cJSON_AddItemToObject(row, "value", value);
    if (problem)
        cJSON_AddStringToObject(row, "problem", problem);
    return row;
}
