#include "engine/config/values.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/config/options.h"

static void complain_at(const struct value_place *place, int line, int column, const char *format,
                        va_list args) __attribute__((format(printf, 4, 0)));

static void complain_at(const struct value_place *place, int line, int column, const char *format,
                        va_list args)
{
    struct str text = {0};
    str_addv(&text, format, args);
    config_finding_add(place->findings, CONFIG_ERROR, place->file, line, column, "%s", str_text(&text));
    str_fini(&text);
}

void value_complain(const struct value_place *place, const cJSON *item, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_at(place, yaml_line(item), yaml_column(item), format, args);
    va_end(args);
}

void value_complain_key(const struct value_place *place, const cJSON *item, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain_at(place, yaml_key_line(item), yaml_key_column(item), format, args);
    va_end(args);
}

const char *value_label(const struct option *option)
{
    const char *dot = strrchr(option->path, '.');
    return dot ? dot + 1 : option->path;
}

const char *value_text(const struct value_place *place, const struct option *option, const cJSON *item)
{
    if (!cJSON_IsString(item)) {
        value_complain(place, item, "%s: expected text, found a %s", value_label(option),
                       cJSON_IsArray(item) ? "list" : "mapping");
        return NULL;
    }
    const char *text = item->valuestring;
    bool lines = option->type == OPTION_LINES; /* line ends and tabs are text there */
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p >= 0x20 && *p != 0x7F)
            continue;
        if (lines && (*p == '\n' || *p == '\t'))
            continue;
        value_complain(place, item, "%s: must be %s without control characters", value_label(option),
                       lines ? "text" : "one line");
        return NULL;
    }
    size_t length = strlen(text);
    bool ranged = option->type == OPTION_TEXT || option->type == OPTION_NAME || option->type == OPTION_LINES;
    if (length == 0) {
        value_complain_key(place, item, "%s: is empty: give it a value or leave it out", value_label(option));
        return NULL;
    }
    if (ranged && option->maximum && length > (size_t)option->maximum) {
        value_complain(place, item, "%s: longer than %" PRId64 " bytes", value_label(option),
                       option->maximum);
        return NULL;
    }
    return text;
}

static void replace(char **field, char *text)
{
    free(*field);
    *field = text;
}

static void set_text(const struct value_place *place, const struct option *option, const cJSON *item,
                     void *field)
{
    const char *text = value_text(place, option, item);
    if (text)
        replace(field, xstrdup(text));
}

static void set_name(const struct value_place *place, const struct option *option, const cJSON *item,
                     void *field)
{
    const char *text = value_text(place, option, item);
    if (!text)
        return;
    bool good = isalnum((unsigned char)*text);
    for (const char *p = text; *p && good; p++)
        good = (unsigned char)*p < 0x80 && (isalnum((unsigned char)*p) || strchr("._-", *p));
    if (good)
        replace(field, xstrdup(text));
    else
        value_complain(place, item,
                       "%s: \"%s\" must begin with a letter or digit and hold letters, digits, '.', '_', '-'",
                       value_label(option), text);
}

static void set_choice(const struct value_place *place, const struct option *option, const cJSON *item,
                       void *field)
{
    const char *text = value_text(place, option, item);
    if (!text)
        return;
    char *all = xstrdup(option->choices), **choices = NULL, *rest = all;
    bool found = false;
    for (char *choice; (choice = strsep(&rest, "|"));) {
        strv_add(&choices, choice);
        found = found || str_eq(choice, text);
    }
    const char *nearest = found ? NULL : config_nearest(text, (const char *const *)choices);
    if (found)
        replace(field, xstrdup(text));
    else if (nearest)
        value_complain(place, item, "%s: unknown \"%s\", did you mean \"%s\"?", value_label(option), text,
                       nearest);
    else
        value_complain(place, item, "%s: unknown \"%s\": one of %s", value_label(option), text,
                       option->choices);
    strv_free(choices);
    free(all);
}

static void set_boolean(const struct value_place *place, const struct option *option, const cJSON *item,
                        void *field)
{
    const char *text = value_text(place, option, item);
    if (!text)
        return;
    if (str_eq(text, "true") || str_eq(text, "yes"))
        *(int *)field = 1;
    else if (str_eq(text, "false") || str_eq(text, "no"))
        *(int *)field = 0;
    else
        value_complain(place, item, "%s: \"%s\" is neither true nor false", value_label(option), text);
}

/* Absolute, "~/" is the home folder. */
static char *absolute_path(const struct value_place *place, const char *text)
{
    const char *home = getenv("HOME");
    if (text[0] == '~' && (text[1] == '/' || text[1] == '\0') && home)
        return xasprintf("%s%s", home, text + 1);
    if (text[0] == '/')
        return xstrdup(text);
    while (str_starts(text, "./"))
        text += 2;
    if (place->folder)
        return path_join(place->folder, text);
    char here[PATH_MAX];
    return path_join(getcwd(here, sizeof here) ? here : "/", text);
}

static void set_path(const struct value_place *place, const struct option *option, const cJSON *item,
                     void *field)
{
    const char *text = value_text(place, option, item);
    if (text)
        replace(field, absolute_path(place, text));
}

static void set_url(const struct value_place *place, const struct option *option, const cJSON *item,
                    void *field)
{
    const char *text = value_text(place, option, item);
    if (!text)
        return;
    size_t scheme = 0;
    while (isalpha((unsigned char)text[scheme]))
        scheme++;
    const char *host = text + scheme + 3;
    if (scheme == 0 || strncmp(text + scheme, "://", 3) != 0 || strchr(text, ' ') || *host == '\0')
        value_complain(place, item, "%s: \"%s\" is not a URL: write it as http://HOST:PORT/PATH",
                       value_label(option), text);
    else if (memchr(host, '@', strcspn(host, "/?#")))
        value_complain(
            place, item,
            "%s: no user or password in a URL: write user: NAME and password: {secret: env:VARIABLE}",
            value_label(option));
    else
        replace(field, xstrdup(text));
}

/* A list of texts; NULL and a finding otherwise. */
static char **take_list(const struct value_place *place, const struct option *option, const cJSON *item,
                        const char *example)
{
    if (!cJSON_IsArray(item)) {
        value_complain(place, item, "%s: expected a list, as %s", value_label(option), example);
        return NULL;
    }
    char **list = xcalloc(1, sizeof *list);
    const cJSON *element;
    cJSON_ArrayForEach(element, item)
    {
        if (!cJSON_IsString(element) || strchr(element->valuestring, '\n')) {
            value_complain(place, element, "%s: each element must be one line of text", value_label(option));
            strv_free(list);
            return NULL;
        }
        strv_add(&list, element->valuestring);
    }
    return list;
}

static void set_argv(const struct value_place *place, const struct option *option, const cJSON *item,
                     void *field)
{
    char **list = take_list(place, option, item, "[kubectl, config, current-context]; no shell reads it");
    if (list && (!list[0] || !*list[0])) {
        value_complain(place, item, "%s: names no program", value_label(option));
    } else if (list) {
        strv_free(*(char ***)field);
        *(char ***)field = list;
        return;
    }
    strv_free(list);
}

static void set_paths(const struct value_place *place, const struct option *option, const cJSON *item,
                      void *field)
{
    char **list = take_list(place, option, item, "[runbooks/]");
    char **paths = NULL;
    for (size_t i = 0; list && list[i]; i++) {
        if (!*list[i]) {
            value_complain(place, item, "%s: an empty path", value_label(option));
            continue;
        }
        char *path = absolute_path(place, list[i]);
        strv_add(&paths, path);
        free(path);
    }
    strv_free(list);
    strv_free(*(char ***)field);
    *(char ***)field = paths;
}

static void set_journal(const struct value_place *place, const struct option *option, const cJSON *item,
                        struct config *c)
{
    const char *text = value_text(place, option, item);
    if (!text)
        return;
    if (str_eq(text, "private")) {
        c->journal = CONFIG_JOURNAL_PRIVATE;
        replace(&c->journal_folder, NULL);
    } else if (str_starts(text, "shared:") && text[7]) {
        c->journal = CONFIG_JOURNAL_SHARED;
        replace(&c->journal_folder, absolute_path(place, text + 7));
    } else if (str_starts(text, "emergency:") && text[10]) {
        c->journal = CONFIG_JOURNAL_EMERGENCY;
        replace(&c->journal_folder, absolute_path(place, text + 10));
    } else {
        value_complain(place, item, "%s: \"%s\" is neither private, shared:FOLDER nor emergency:FOLDER",
                       value_label(option), text);
    }
}

static void set_state(const struct value_place *place, const struct option *option, const cJSON *item,
                      char **folder)
{
    const char *text = value_text(place, option, item);
    if (!text)
        return;
    if (str_eq(text, "private"))
        replace(folder, NULL);
    else if (str_starts(text, "shared:") && text[7])
        replace(folder, absolute_path(place, text + 7));
    else
        value_complain(place, item, "%s: \"%s\" is neither private nor shared:FOLDER", value_label(option),
                       text);
}

/* A reference out of {secret: REFERENCE, ...}; other keys than `secret` and `also` are errors. */
static const char *take_secret(const struct value_place *place, const char *name, const cJSON *item,
                               const char *also)
{
    if (!cJSON_IsObject(item)) {
        value_complain(
            place, item,
            "%s: secrets are not written here: use {secret: env:NAME}, {secret: file:PATH} or {secret: "
            "command:PROGRAM ARGUMENTS}",
            name);
        return NULL;
    }
    const char *found = NULL;
    const cJSON *member;
    cJSON_ArrayForEach(member, item)
    {
        if (str_eq(member->string, "secret") && cJSON_IsString(member) &&
            config_secret_is_reference(member->valuestring))
            found = member->valuestring;
        else if (str_eq(member->string, "secret"))
            value_complain(place, member,
                           "%s: a secret is a reference: env:NAME, file:PATH or command:PROGRAM ARGUMENTS",
                           name);
        else if (!also || !str_eq(member->string, also))
            value_complain_key(place, member, "%s: unknown key \"%s\" beside secret", name, member->string);
    }
    if (!cJSON_GetObjectItemCaseSensitive(item, "secret"))
        value_complain(place, item, "%s: expected {secret: REFERENCE}", name);
    return found;
}

/* file:PATH is relative to the configuration, as every path is. */
static char *secret_text(const struct value_place *place, const char *reference)
{
    if (!str_starts(reference, "file:"))
        return xstrdup(reference);
    char *path = absolute_path(place, reference + 5), *text = xasprintf("file:%s", path);
    free(path);
    return text;
}

static void set_secret(const struct value_place *place, const struct option *option, const cJSON *item,
                       void *field)
{
    const char *reference = take_secret(place, value_label(option), item, NULL);
    if (reference)
        replace(field, secret_text(place, reference));
}

static bool strings_good(const struct value_place *place, const struct option *option, const cJSON *item)
{
    if (!cJSON_IsObject(item)) {
        value_complain(place, item, "%s: expected a mapping of names to text", value_label(option));
        return false;
    }
    bool good = true;
    const cJSON *member;
    cJSON_ArrayForEach(member, item)
    {
        if (!cJSON_IsString(member)) {
            value_complain(place, member, "%s: the value of %s must be text", value_label(option),
                           member->string);
            good = false;
        }
    }
    return good;
}

static void set_tree(const cJSON *item, void *field)
{
    cJSON_Delete(*(cJSON **)field);
    *(cJSON **)field = cJSON_Duplicate(item, true); /* keeps the positions */
    if (!*(cJSON **)field)
        abort();
}

static void set_environment(const struct value_place *place, const struct option *option, const cJSON *item,
                            void *field)
{
    if (!strings_good(place, option, item))
        return;
    char **list = NULL;
    const cJSON *member;
    cJSON_ArrayForEach(member, item)
    {
        const char *p = member->string;
        bool good = isalpha((unsigned char)*p) || *p == '_';
        for (; *p && good; p++)
            good = isalnum((unsigned char)*p) || *p == '_';
        if (!good) {
            value_complain_key(place, member, "%s: \"%s\" is not the name of a variable", value_label(option),
                               member->string);
            continue;
        }
        char *pair = xasprintf("%s=%s", member->string, member->valuestring);
        strv_add(&list, pair);
        free(pair);
    }
    strv_free(*(char ***)field);
    *(char ***)field = list;
}

void value_set(const struct value_place *place, const struct option *option, const cJSON *item, void *base)
{
    void *field = (char *)base + option->offset;
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_LINES:
        return set_text(place, option, item, field);
    case OPTION_NAME:
        return set_name(place, option, item, field);
    case OPTION_CHOICE:
        return set_choice(place, option, item, field);
    case OPTION_BOOLEAN:
        return set_boolean(place, option, item, field);
    case OPTION_INTEGER:
    case OPTION_DECIMAL:
    case OPTION_AMOUNT:
    case OPTION_DURATION:
        return value_set_number(place, option, item, field);
    case OPTION_PATH:
        return set_path(place, option, item, field);
    case OPTION_URL:
        return set_url(place, option, item, field);
    case OPTION_ARGV:
        return set_argv(place, option, item, field);
    case OPTION_PATHS:
        return set_paths(place, option, item, field);
    case OPTION_JOURNAL:
        return set_journal(place, option, item, base);
    case OPTION_STATE:
        return set_state(place, option, item, field);
    case OPTION_SECRET:
        return set_secret(place, option, item, field);
    case OPTION_ENVIRONMENT:
        return set_environment(place, option, item, field);
    case OPTION_STRINGS:
        if (strings_good(place, option, item))
            set_tree(item, field);
        return;
    case OPTION_TREE:
        if (cJSON_IsString(item))
            value_complain(place, item, "%s: expected a mapping or a list of mappings", value_label(option));
        else
            set_tree(item, field);
        return;
    case OPTION_HEADER:
    case OPTION_GROUP:
    case OPTION_GROUPS:
        return;
    }
}

/* The characters of a header's name (RFC 9110, token). */
static bool is_token(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (!((unsigned char)*text < 0x80 &&
              (isalnum((unsigned char)*text) || strchr("!#$%&'*+-.^_`|~", *text))))
            return false;
    return true;
}

void value_add_header(const struct value_place *place, const cJSON *item, struct config_header **headers,
                      size_t *count)
{
    struct config_header header = {.name = item->string};
    const cJSON *prefix = NULL;
    if (!is_token(item->string)) {
        value_complain_key(place, item, "headers: \"%s\" is not the name of a header", item->string);
        return;
    }
    if (cJSON_IsString(item)) {
        header.value = item->valuestring;
    } else {
        const char *reference = take_secret(place, item->string, item, "prefix");
        prefix = cJSON_GetObjectItemCaseSensitive(item, "prefix");
        if (!reference)
            return;
        header.secret = secret_text(place, reference);
        if (prefix && !cJSON_IsString(prefix))
            value_complain(place, prefix, "prefix: expected text");
        else if (prefix)
            header.prefix = prefix->valuestring;
    }
    const char *texts[] = {header.value, header.prefix};
    for (size_t i = 0; i < 2; i++) {
        if (texts[i] && strpbrk(texts[i], "\r\n")) {
            value_complain(place, item, "headers: the value of %s must be one line", item->string);
            free(header.secret);
            return;
        }
    }
    *headers = xrealloc(*headers, (*count + 1) * sizeof **headers);
    (*headers)[(*count)++] = (struct config_header){
        .name = xstrdup(header.name),
        .value = xstrdup(header.value),
        .secret = header.secret,
        .prefix = xstrdup(header.prefix),
    };
}
