#include "engine/sources/compiler.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

int compiler_error(struct compiler *c, const cJSON *item, const char *format, ...)
{
    char message[240];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    int line = yaml_line(item), column = yaml_column(item);
    config_finding_add(c->findings, CONFIG_ERROR, c->file, line, column, "%s", message);
    if (c->first && !c->first->code)
        err_set(c->first, ERR_SYNTAX, "%s:%d:%d: %s", c->file ? c->file : "configuration", line, column,
                message);
    return ERR_SYNTAX;
}

const cJSON *compiler_get(const cJSON *object, const char *key)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

int compiler_keys(struct compiler *c, const cJSON *object, const char *what, const char *const *names)
{
    if (!cJSON_IsObject(object))
        return compiler_error(c, object, "%s is a mapping of keys to values", what);
    int status = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        bool known = false;
        for (size_t i = 0; names[i] && !known; i++)
            known = strcmp(names[i], item->string) == 0;
        if (known)
            continue;
        const char *near = config_nearest(item->string, names);
        status =
            near ? compiler_error(c, item, "%s has no '%.60s': did you mean '%s'?", what, item->string, near)
                 : compiler_error(c, item, "%s has no '%.60s'", what, item->string);
    }
    return status;
}

static void percent_add(struct str *out, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (isalnum(byte) || strchr("-._~", byte))
            str_add_char(out, *text);
        else
            str_addf(out, "%%%02X", byte);
    }
}

static void braces_add(struct str *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '{' || *text == '}')
            str_add_char(out, *text);
        str_add_char(out, *text);
    }
}

char *variables_expand(const cJSON *vars, const char *text, bool strict, enum expansion expansion,
                       struct err *e)
{
    struct str out = {0};
    for (const char *p = text; *p; p++) {
        size_t length = *p == '{' ? strcspn(p + 1, "{}") : 0;
        if (*p != '{' || p[1] == '{' || p[1 + length] != '}') {
            str_add_char(&out, *p);
            if (*p == '{' && p[1] == '{')
                str_add_char(&out, *p++);
            continue;
        }
        char *name = xstrndup(p + 1, length);
        const cJSON *value = compiler_get(vars, name);
        if (!value && strict) {
            err_set(e, ERR_NOT_FOUND, "there is no variable '%.60s': give it under vars", name);
            free(name);
            str_fini(&out);
            return NULL;
        }
        free(name);
        if (!value)
            str_add_bytes(&out, p, length + 2);
        else if (expansion == EXPAND_URL)
            percent_add(&out, value->valuestring);
        else
            braces_add(&out, value->valuestring);
        p += length + 1;
    }
    return str_take(&out);
}

char *compiler_text(struct compiler *c, const cJSON *item)
{
    if (!cJSON_IsString(item)) {
        compiler_error(c, item, "a text is expected here");
        return NULL;
    }
    return variables_expand(c->vars, item->valuestring, false, EXPAND_TEMPLATE, NULL);
}

int compiler_list(struct compiler *c, const cJSON *item, char ***list)
{
    const cJSON *entry = cJSON_IsArray(item) ? item->child : item;
    for (; entry; entry = cJSON_IsArray(item) ? entry->next : NULL) {
        char *text = compiler_text(c, entry);
        if (!text)
            return ERR_SYNTAX;
        strv_add(list, text);
        free(text);
    }
    return *list ? 0 : compiler_error(c, item, "an empty list");
}

bool number_read(const char *text, double *value)
{
    int64_t us;
    cJSON string = {.type = cJSON_String, .valuestring = (char *)(uintptr_t)text};
    if (json_number(&string, value))
        return true;
    if (duration_parse(text, &us, NULL))
        return false;
    *value = (double)us / (double)US_PER_S;
    return true;
}

int compiler_number(struct compiler *c, const cJSON *item, double *value)
{
    char *text = compiler_text(c, item);
    if (!text)
        return ERR_SYNTAX;
    int status = number_read(text, value) ? 0 : compiler_error(c, item, "'%.60s' is not a number", text);
    free(text);
    return status;
}

int compiler_duration(struct compiler *c, const cJSON *item, int64_t *us)
{
    char *text = compiler_text(c, item);
    if (!text)
        return ERR_SYNTAX;
    struct err e;
    int status = duration_parse(text, us, &e) ? compiler_error(c, item, "%s", e.msg)
                 : *us <= 0                   ? compiler_error(c, item, "a duration above 0 is expected")
                                              : 0;
    free(text);
    return status;
}

int compiler_bool(struct compiler *c, const cJSON *item, bool *value)
{
    char *text = compiler_text(c, item);
    if (!text)
        return ERR_SYNTAX;
    int status = 0;
    if (str_eq(text, "true") || str_eq(text, "yes"))
        *value = true;
    else if (str_eq(text, "false") || str_eq(text, "no"))
        *value = false;
    else
        status = compiler_error(c, item, "'%.60s' is neither true nor false", text);
    free(text);
    return status;
}
