#include "engine/runbook/items.h"

#include <ctype.h>
#include <stdlib.h>

#include "engine/runbook/block.h"

#define LABEL_BYTES 80

struct line {
    size_t at, length;
};

struct items {
    char digest[SHA256_HEX_SIZE];
    char *bytes;
    VEC(struct line) lines;
};

/* ITEM_NAME of a field: upper case, everything else than letters and digits an underscore. False when the
 * name can't be one. */
static bool field_name(const char *name, struct str *out)
{
    size_t length = strlen(name);
    str_clear(out);
    str_add(out, "ITEM_");
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
            return false;
        str_add_char(out, (char)(isalnum((unsigned char)*c) ? toupper((unsigned char)*c) : '_'));
    }
    return length > 0 && length <= 64 && name_is_exportable(out->data, out->len);
}

static int check_value(const char *name, int line, const cJSON *field, struct err *e)
{
    struct str text = {0};
    int code = 0;
    if (!json_text(field, &text))
        code = err_set(e, ERR_SYNTAX, "%s:%d: \"%.60s\" is neither text nor number nor true nor false", name,
                       line, field->string);
    else if (text.len > RUNBOOK_VALUE_MAX)
        code = err_set(e, ERR_RANGE, "%s:%d: \"%.60s\" has more than %d bytes", name, line, field->string,
                       RUNBOOK_VALUE_MAX);
    str_fini(&text);
    return code;
}

static int check_object(const char *name, int line, const cJSON *object, struct err *e)
{
    struct map *names = map_new();
    struct str variable = {0};
    const cJSON *field;
    int code = 0, count = 0;
    cJSON_ArrayForEach(field, object)
    {
        if (code)
            break;
        if (++count > ITEMS_FIELDS)
            code = err_set(e, ERR_RANGE, "%s:%d: more than %d fields", name, line, ITEMS_FIELDS);
        else if (!field_name(field->string, &variable))
            code = err_set(e, ERR_SYNTAX, "%s:%d: \"%.60s\" can't be a field: letters, digits, `_`, `-`, `.`",
                           name, line, field->string);
        else if (map_set(names, str_text(&variable), names))
            code = err_set(e, ERR_SYNTAX, "%s:%d: two fields become %s", name, line, str_text(&variable));
        else
            code = check_value(name, line, field, e);
    }
    map_free(names);
    str_fini(&variable);
    return code;
}

static int check_line(const char *name, int line, const char *text, size_t length, struct err *e)
{
    struct err why;
    if (length > ITEMS_LINE_MAX)
        return err_set(e, ERR_RANGE, "%s:%d: a line of more than %d KiB", name, line, ITEMS_LINE_MAX / 1024);
    cJSON *object = json_parse(text, length, &why);
    int code = 0;
    if (!object)
        code = err_set(e, ERR_SYNTAX, "%s:%d: not JSON: %.150s", name, line, why.msg);
    else if (!cJSON_IsObject(object) || !object->child)
        code = err_set(e, ERR_SYNTAX, "%s:%d: each line is a JSON object with fields, {\"id\": ...}", name,
                       line);
    else
        code = check_object(name, line, object, e);
    cJSON_Delete(object);
    return code;
}

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isspace((unsigned char)text[i]))
            return false;
    return true;
}

static int read_lines(struct items *items, const char *name, size_t length, struct err *e)
{
    size_t at = length >= 3 && memcmp(items->bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (int line = 1; at < length; line++) {
        const char *from = items->bytes + at, *end = memchr(from, '\n', length - at);
        size_t n = end ? (size_t)(end - from) : length - at;
        at += n + 1;
        if (is_blank(from, n))
            continue;
        int code = check_line(name, line, from, n, e);
        if (code)
            return code;
        if (items->lines.len == ITEMS_MAX)
            return err_set(e, ERR_RANGE, "%s:%d: more than %d items", name, line, ITEMS_MAX);
        *vec_push(&items->lines) = (struct line){.at = (size_t)(from - items->bytes), .length = n};
    }
    return 0;
}

struct items *items_parse(const char *name, const char *bytes, size_t length, struct err *e)
{
    uint8_t digest[SHA256_SIZE];
    if (length > ITEMS_BYTES_MAX) {
        err_set(e, ERR_RANGE, "%s: more than %d MiB of items", name, ITEMS_BYTES_MAX >> 20);
        return NULL;
    }
    struct items *items = xcalloc(1, sizeof *items);
    sha256_bytes(bytes, length, digest);
    sha256_to_hex(digest, items->digest);
    items->bytes = xmalloc(length + 1);
    if (length > 0)
        memcpy(items->bytes, bytes, length);
    items->bytes[length] = '\0';
    if (read_lines(items, name, length, e) == 0)
        return items;
    items_free(items);
    return NULL;
}

void items_free(struct items *items)
{
    if (!items)
        return;
    vec_fini(&items->lines);
    free(items->bytes);
    free(items);
}

size_t items_count(const struct items *items)
{
    return items->lines.len;
}

const char *items_digest(const struct items *items)
{
    return items->digest;
}

static cJSON *object_at(const struct items *items, size_t index)
{
    const struct line *line = &items->lines.data[index];
    return json_parse(items->bytes + line->at, line->length, NULL);
}

void items_label(const struct items *items, size_t index, struct str *out)
{
    static const char *const names[] = {"name", "id", "title"};
    cJSON *object = object_at(items, index);
    const cJSON *field = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !field; i++)
        field = cJSON_GetObjectItemCaseSensitive(object, names[i]);
    struct str text = {0}, clean = {0};
    if (json_text(field ? field : object->child, &text))
        utf8_clean(&clean, str_text(&text), text.len, false);
    size_t length = clean.len < LABEL_BYTES ? clean.len : LABEL_BYTES, whole = length;
    if (!utf8_valid(str_text(&clean), length, &whole))
        length = whole; /* no half characters */
    str_add_bytes(out, str_text(&clean), length);
    str_fini(&text);
    str_fini(&clean);
    cJSON_Delete(object);
}

char **items_fields(const struct items *items, size_t index)
{
    cJSON *object = object_at(items, index), *field;
    char **fields = xcalloc((size_t)cJSON_GetArraySize(object) + 1, sizeof *fields);
    size_t count = 0;
    struct str pair = {0}, value = {0};
    cJSON_ArrayForEach(field, object)
    {
        str_clear(&value);
        field_name(field->string, &pair);
        json_text(field, &value);
        str_add_char(&pair, '=');
        str_add(&pair, str_text(&value));
        fields[count++] = xstrdup(str_text(&pair));
    }
    str_fini(&pair);
    str_fini(&value);
    cJSON_Delete(object);
    return fields;
}

char *runbook_items_path(const struct runbook *book, int step)
{
    const char *items = book->steps.data[step].items, *slash = strrchr(book->path, '/');
    if (!items || items[0] == '/' || !slash)
        return xstrdup(items);
    char *folder = xstrndup(book->path, slash == book->path ? 1 : (size_t)(slash - book->path));
    char *path = path_join(folder, items);
    free(folder);
    return path;
}
