#include "engine/runbook/annotation.h"

#include <stdlib.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static int add(struct annotations *out, char *key, char *value, bool bare, int column, struct err *e)
{
    out->column = column;
    int code = 0;
    if (out->list.len == ANNOTATION_LIMIT)
        code = err_set(e, ERR_RANGE, "more than %d annotations at one block", ANNOTATION_LIMIT);
    else if (annotations_find(out, key))
        code = err_set(e, ERR_SYNTAX, "the annotation \"%.60s\" stands there twice", key);
    if (code) {
        free(key);
        free(value);
        return code;
    }
    *vec_push(&out->list) = (struct annotation){.key = key, .value = value, .bare = bare, .column = column};
    return 0;
}

/* Where "key" stands in the object's text; its beginning when it is written with escapes. */
static int key_column(const char *text, size_t length, const char *key, int column)
{
    struct str quoted = {0};
    str_addf(&quoted, "\"%s\"", key);
    const char *at = memmem(text, length, str_text(&quoted), quoted.len);
    str_fini(&quoted);
    return at ? column + (int)(at - text) : column;
}

static int parse_json(const char *text, size_t length, int column, struct annotations *out, struct err *e)
{
    struct err why;
    cJSON *object = json_parse(text, length, &why);
    if (!object)
        return err_set(e, ERR_SYNTAX, "malformed annotation: %.120s%s", why.msg,
                       out->cut ? " (the first } ends it: no value may hold one)" : "");
    int code = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        struct str value = {0};
        int at = key_column(text, length, item->string, column);
        if (cJSON_IsObject(item) || cJSON_IsArray(item) || cJSON_IsNull(item) || !json_text(item, &value)) {
            out->column = at;
            code = err_set(e, ERR_SYNTAX, "malformed annotation: the value of \"%.60s\" is not a text",
                           item->string);
            str_fini(&value);
            break;
        }
        if ((code = add(out, xstrdup(item->string), str_take(&value), false, at, e)))
            break;
    }
    cJSON_Delete(object);
    return code;
}

/* A value in quotes; *at is behind the opening one and moves behind the closing one. NULL when it never
 * closes. */
static char *quoted_value(const char *text, size_t length, size_t *at, char quote)
{
    struct str value = {0};
    for (; *at < length && text[*at] != quote; (*at)++) {
        if (quote == '"' && text[*at] == '\\' && *at + 1 < length &&
            (text[*at + 1] == '"' || text[*at + 1] == '\\'))
            (*at)++;
        str_add_char(&value, text[*at]);
    }
    if (*at == length) {
        str_fini(&value);
        return NULL;
    }
    (*at)++;
    return str_take(&value);
}

static int parse_word(const char *text, size_t length, size_t *at, int column, struct annotations *out,
                      struct err *e)
{
    size_t start = *at, i = start;
    while (i < length && !blank(text[i]) && text[i] != '=')
        i++;
    char *key = xstrndup(text + start, i - start), *value = NULL;
    bool bare = i == length || text[i] != '=';
    out->column = column + (int)start;
    if (i == start) {
        free(key);
        return err_set(e, ERR_SYNTAX, "malformed annotation: a value without a key");
    }
    if (bare) {
        value = xstrdup("");
    } else if (++i < length && (text[i] == '"' || text[i] == '\'')) {
        size_t end = i + 1;
        value = quoted_value(text, length, &end, text[i]);
        if (!value || (end < length && !blank(text[end]))) {
            int code = err_set(e, ERR_SYNTAX, "malformed annotation: %s the quotes of \"%.60s\"",
                               value ? "text right after" : "nothing closes", key);
            free(key);
            free(value);
            return code;
        }
        i = end;
    } else {
        size_t begin = i;
        while (i < length && !blank(text[i]))
            i++;
        value = xstrndup(text + begin, i - begin);
    }
    *at = i;
    return add(out, key, value, bare, column + (int)start, e);
}

static int parse_words(const char *text, size_t length, int column, struct annotations *out, struct err *e)
{
    for (size_t i = 0;;) {
        while (i < length && blank(text[i]))
            i++;
        if (i == length)
            return 0;
        int code = parse_word(text, length, &i, column, out, e);
        if (code)
            return code;
    }
}

int annotations_parse(const char *info, size_t length, int column, struct annotations *out, struct err *e)
{
    *out = (struct annotations){.column = column};
    size_t i = 0;
    while (i < length && blank(info[i]))
        i++;
    size_t word = i;
    while (i < length && !blank(info[i]) && info[i] != '{')
        i++;
    out->language = xstrndup(info + word, i - word);
    const char *open = i < length ? memchr(info + i, '{', length - i) : NULL;
    if (!open)
        return 0;
    size_t begin = (size_t)(open - info);
    out->present = true;
    out->column = column + (int)begin;
    const char *close = memchr(open, '}', length - begin);
    if (!close)
        return err_set(e, ERR_SYNTAX, "malformed annotation: nothing closes the {");
    size_t end = (size_t)(close - info) + 1;
    for (size_t rest = end; rest < length; rest++)
        out->cut |= !blank(info[rest]) && info[rest] != '\r';
    size_t first = begin + 1;
    while (first < end && blank(info[first]))
        first++;
    out->json = info[first] == '"';
    int at = out->column, code;
    if (out->json)
        code = parse_json(open, end - begin, at, out, e);
    else
        code = parse_words(open + 1, end - begin - 2, at + 1, out, e);
    if (!code)
        out->column = at;
    return code;
}

void annotations_fini(struct annotations *out)
{
    for (size_t i = 0; i < out->list.len; i++) {
        free(out->list.data[i].key);
        free(out->list.data[i].value);
    }
    vec_fini(&out->list);
    free(out->language);
    *out = (struct annotations){0};
}

const struct annotation *annotations_find(const struct annotations *out, const char *key)
{
    for (size_t i = 0; i < out->list.len; i++)
        if (str_eq(out->list.data[i].key, key))
            return &out->list.data[i];
    return NULL;
}
