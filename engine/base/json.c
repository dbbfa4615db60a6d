#include "engine/base/json.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/number.h"

/* The next segment of a pointer, unescaped, into out; the place after it. */
static const char *take_segment(const char *pointer, struct str *out)
{
    str_clear(out);
    for (pointer++; *pointer && *pointer != '/'; pointer++) {
        char c = *pointer;
        if (c == '~' && (pointer[1] == '0' || pointer[1] == '1'))
            c = *++pointer == '0' ? '~' : '/';
        str_add_char(out, c);
    }
    return pointer;
}

/* An array index as RFC 6901 writes it: digits without leading zeros. */
static const cJSON *array_at(const cJSON *array, const char *segment)
{
    size_t length = strlen(segment);
    if (length == 0 || length > 9 || (length > 1 && segment[0] == '0') ||
        strspn(segment, "0123456789") != length)
        return NULL;
    return cJSON_GetArrayItem(array, atoi(segment));
}

static const cJSON *child_at(const cJSON *item, const char *segment)
{
    if (cJSON_IsObject(item))
        return cJSON_GetObjectItemCaseSensitive(item, segment);
    if (cJSON_IsArray(item))
        return array_at(item, segment);
    return NULL;
}

const cJSON *json_at(const cJSON *root, const char *pointer)
{
    struct str segment = {0};
    const cJSON *item = root;
    while (item && *pointer == '/') {
        pointer = take_segment(pointer, &segment);
        item = child_at(item, str_text(&segment));
    }
    str_fini(&segment);
    return *pointer ? NULL : item;
}

struct walk {
    struct json_match match;
    char indexes[4][16];
    int (*visit)(const struct json_match *match, void *data);
    void *data;
};

static int walk(struct walk *w, const cJSON *item, const char *pointer);

static int walk_children(struct walk *w, const cJSON *item, const char *pointer)
{
    size_t level = w->match.capture_count;
    if (level == 4 || !(cJSON_IsObject(item) || cJSON_IsArray(item)))
        return 0;
    int code = 0;
    unsigned index = 0;
    for (const cJSON *child = item->child; child && code == 0; child = child->next, index++) {
        snprintf(w->indexes[level], sizeof w->indexes[level], "%u", index);
        w->match.captures[level] = cJSON_IsObject(item) ? child->string : w->indexes[level];
        w->match.capture_count = level + 1;
        code = walk(w, child, pointer);
    }
    w->match.capture_count = level;
    return code;
}

static int walk(struct walk *w, const cJSON *item, const char *pointer)
{
    struct str segment = {0};
    int code = 0;
    while (item && *pointer == '/') {
        if (pointer[1] == '*' && (pointer[2] == '/' || pointer[2] == '\0')) {
            code = walk_children(w, item, pointer + 2);
            goto out;
        }
        pointer = take_segment(pointer, &segment);
        item = child_at(item, str_text(&segment));
    }
    if (item && *pointer == '\0') {
        w->match.item = item;
        code = w->visit(&w->match, w->data);
    }
out:
    str_fini(&segment);
    return code;
}

int json_each(const cJSON *root, const char *pointer,
              int (*visit)(const struct json_match *match, void *data), void *data)
{
    struct walk w = {.visit = visit, .data = data};
    return walk(&w, root, pointer);
}

static bool text_to_number(const char *text, double *value)
{
    char copy[64];
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    if (length == 0 || length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strcasecmp(copy, "true") == 0 || strcasecmp(copy, "false") == 0) {
        *value = tolower((unsigned char)copy[0]) == 't';
        return true;
    }
    bool percent = copy[length - 1] == '%';
    if (percent)
        copy[length - 1] = '\0';
    if (!number_parse(copy, value))
        return false;
    if (percent)
        *value /= 100;
    return true;
}

bool json_number(const cJSON *item, double *value)
{
    if (cJSON_IsNumber(item))
        *value = item->valuedouble;
    else if (cJSON_IsBool(item))
        *value = cJSON_IsTrue(item);
    else if ((cJSON_IsString(item) || cJSON_IsRaw(item)) && item->valuestring)
        return text_to_number(item->valuestring, value);
    else
        return false;
    return true;
}

bool json_text(const cJSON *item, struct str *out)
{
    if ((cJSON_IsString(item) || cJSON_IsRaw(item)) && item->valuestring) {
        str_add(out, item->valuestring);
    } else if (cJSON_IsNumber(item)) {
        char text[NUMBER_TEXT_SIZE];
        number_format(item->valuedouble, text);
        str_add(out, text);
    } else if (cJSON_IsBool(item)) {
        str_add(out, cJSON_IsTrue(item) ? "true" : "false");
    } else {
        return false;
    }
    return true;
}

const char *json_string(const cJSON *object, const char *key, const char *fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) && item->valuestring ? item->valuestring : fallback;
}

double json_double(const cJSON *object, const char *key, double fallback)
{
    double value;
    return json_number(cJSON_GetObjectItemCaseSensitive(object, key), &value) ? value : fallback;
}

int64_t json_int(const cJSON *object, const char *key, int64_t fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if ((cJSON_IsString(item) || cJSON_IsRaw(item)) && item->valuestring) {
        const char *text = item->valuestring;
        char *end;
        errno = 0;
        long long value = strtoll(text, &end, 10);
        bool plain = *text == '-' || isdigit((unsigned char)*text);
        return plain && end != text && *end == '\0' && errno == 0 ? value : fallback;
    }
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= -0x1p63 && item->valuedouble < 0x1p63))
        return fallback;
    return (int64_t)item->valuedouble;
}

bool json_bool(const cJSON *object, const char *key, bool fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    double value;
    return json_number(item, &value) ? value != 0 : fallback;
}

void json_add_int(cJSON *object, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    if (!cJSON_AddRawToObject(object, key, text))
        abort();
}

char *json_print(const cJSON *item)
{
    if (!item)
        return xstrdup("null");
    char *text = cJSON_PrintUnformatted(item);
    if (!text)
        abort(); /* only when memory is out: trees of json_parse and our own have no unknown types */
    return text;
}
