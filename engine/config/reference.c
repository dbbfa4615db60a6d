/* The options table as a page for people and as a JSON Schema for editors. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/config/options.h"

static const char *type_text(enum option_type type)
{
    switch (type) {
    case OPTION_TEXT:
        return "text";
    case OPTION_LINES:
        return "text of any number of lines";
    case OPTION_NAME:
        return "name";
    case OPTION_CHOICE:
        return "choice";
    case OPTION_BOOLEAN:
        return "true or false";
    case OPTION_INTEGER:
        return "whole number";
    case OPTION_DECIMAL:
    case OPTION_AMOUNT:
        return "number";
    case OPTION_DURATION:
        return "duration";
    case OPTION_PATH:
        return "path";
    case OPTION_URL:
        return "URL";
    case OPTION_ARGV:
        return "list: program, arguments";
    case OPTION_PATHS:
        return "list of paths";
    case OPTION_JOURNAL:
        return "`private`, `shared:FOLDER`, `emergency:FOLDER`";
    case OPTION_STATE:
        return "`private`, `shared:FOLDER`";
    case OPTION_SECRET:
        return "secret";
    case OPTION_HEADER:
        return "text or secret";
    case OPTION_STRINGS:
    case OPTION_ENVIRONMENT:
        return "mapping of names to text";
    case OPTION_TREE:
        return "mapping, or list of them";
    case OPTION_GROUP:
        return "mapping";
    case OPTION_GROUPS:
        return "list of mappings";
    }
    return "";
}

static void add_range(struct str *out, const struct option *o)
{
    char low[OPTION_DURATION_SIZE], high[OPTION_DURATION_SIZE];
    switch (o->type) {
    case OPTION_DURATION:
        option_duration_text(o->minimum, low);
        option_duration_text(o->maximum, high);
        str_addf(out, "%s to %s", low, high);
        break;
    case OPTION_INTEGER:
        str_addf(out, "%" PRId64 " to %" PRId64 "%s%s", o->minimum, o->maximum, o->unit ? " " : "",
                 o->unit ? o->unit : "");
        break;
    case OPTION_DECIMAL:
        str_addf(out, "%g to %g", (double)o->minimum / 1000, (double)o->maximum / 1000);
        break;
    case OPTION_AMOUNT:
        str_addf(out, "%g to %g", (double)o->minimum / 1e6, (double)o->maximum / 1e6);
        break;
    case OPTION_TEXT:
    case OPTION_LINES:
    case OPTION_NAME:
        str_addf(out, "%" PRId64 " to %" PRId64 " bytes", o->minimum, o->maximum);
        break;
    case OPTION_CHOICE:
        for (const char *p = o->choices; *p; p++)
            str_add(out, *p == '|' ? ", " : (char[]){*p, '\0'});
        break;
    default:
        break;
    }
}

void config_option_facts(const struct option *o, struct str *out)
{
    for (const char *p = type_text(o->type); *p; p++)
        if (*p != '`')
            str_add_char(out, *p);
    if (o->required)
        str_add(out, ", required");
    struct str range = {0};
    add_range(&range, o);
    if (range.len > 0)
        str_addf(out, ", %s", str_text(&range));
    str_fini(&range);
    if (o->fallback)
        str_addf(out, ", default %s", o->fallback);
}

char *config_reference_markdown(void)
{
    struct str out = {0};
    str_add(&out,
            "# Configuration reference\n\n"
            "This page is generated from the options table that belay checks `belay.yaml` against (`belay "
            "check`); the\n"
            "same table makes `assets/schema/belay.schema.json`, which editors with a YAML language server "
            "understand.\n\n"
            "The file is looked for as `./belay.yaml`, then `$XDG_CONFIG_HOME/belay/belay.yaml`, then\n"
            "`/etc/belay/belay.yaml`; `belay --config FILE` names another. It is YAML of at most 1 MiB "
            "without anchors,\n"
            "aliases and tags; a key that stands there twice, or that is not on this page, is an error with "
            "its line and\n"
            "column. Relative paths start at the folder of the file, and `~/` at the home folder.\n\n"
            "* A **duration** is written `250ms`, `30s`, `5m`, `2h`, `7d`, or `1m30s`.\n"
            "* A **name** begins with a letter or digit and goes on with letters, digits, `.`, `_` and `-`.\n"
            "* A **secret** is never written into the file. It is a reference, `{secret: env:NAME}`,\n"
            "  `{secret: file:PATH}` or `{secret: command:PROGRAM ARGUMENTS}` (no shell, at most 10 s); the "
            "value is\n"
            "  fetched when it is needed and kept out of journal, screen and export.\n\n"
            "| key | type | default | range | what it says |\n|---|---|---|---|---|\n");
    for (const struct option *o = NULL; (o = option_next(o));) {
        str_addf(&out, "| `%s`%s | %s | ", o->path, o->required ? " (required)" : "", type_text(o->type));
        if (o->fallback)
            str_addf(&out, "`%s`", o->fallback);
        str_add(&out, " | ");
        add_range(&out, o);
        str_addf(&out, " | %s |\n", o->help);
    }
    str_add(&out,
            "\n`sources[]` stands for each element of the list `sources:` (and so `policies[]`, "
            "`chains[].tiers[]`), and `*` for any "
            "name.\nWhat `map:` may hold is described in [Sources and the mapping language](mapping.md).\n");
    return str_take(&out);
}

static cJSON *must(cJSON *item)
{
    if (!item)
        abort();
    return item;
}

static cJSON *typed(const char *type)
{
    cJSON *schema = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(schema, "type", type));
    return schema;
}

static cJSON *text_matching(const char *pattern)
{
    cJSON *schema = typed("string");
    must(cJSON_AddStringToObject(schema, "pattern", pattern));
    return schema;
}

static cJSON *list_of(cJSON *items, bool filled)
{
    cJSON *schema = typed("array");
    cJSON_AddItemToObject(schema, "items", items);
    if (filled)
        must(cJSON_AddNumberToObject(schema, "minItems", 1));
    return schema;
}

static cJSON *secret_schema(bool with_prefix)
{
    cJSON *schema = typed("object"), *members = must(cJSON_AddObjectToObject(schema, "properties"));
    cJSON_AddItemToObject(members, "secret", text_matching("^(env|file|command):.+"));
    if (with_prefix)
        cJSON_AddItemToObject(members, "prefix", typed("string"));
    cJSON *required = must(cJSON_AddArrayToObject(schema, "required"));
    cJSON_AddItemToArray(required, must(cJSON_CreateString("secret")));
    must(cJSON_AddFalseToObject(schema, "additionalProperties"));
    return schema;
}

static cJSON *either(cJSON *a, cJSON *b)
{
    cJSON *schema = must(cJSON_CreateObject()), *list = must(cJSON_AddArrayToObject(schema, "anyOf"));
    cJSON_AddItemToArray(list, a);
    cJSON_AddItemToArray(list, b);
    return schema;
}

static cJSON *choice_schema(const char *choices)
{
    cJSON *schema = typed("string"), *list = must(cJSON_AddArrayToObject(schema, "enum"));
    char *copy = xstrdup(choices), *rest = copy;
    for (char *choice; (choice = strsep(&rest, "|"));)
        cJSON_AddItemToArray(list, must(cJSON_CreateString(choice)));
    free(copy);
    return schema;
}

/* minimum and maximum of the option are in units of one over scale. */
static cJSON *number_schema(const char *type, const struct option *o, double scale)
{
    cJSON *schema = typed(type);
    must(cJSON_AddNumberToObject(schema, "minimum", (double)o->minimum / scale));
    must(cJSON_AddNumberToObject(schema, "maximum", (double)o->maximum / scale));
    return schema;
}

static cJSON *text_schema(const struct option *o)
{
    cJSON *schema = typed("string");
    must(cJSON_AddNumberToObject(schema, "minLength", (double)o->minimum));
    must(cJSON_AddNumberToObject(schema, "maxLength", (double)o->maximum));
    return schema;
}

/* Any keys, whose values are texts or are read as such. */
static cJSON *strings_schema(void)
{
    cJSON *schema = typed("object"), *values = must(cJSON_CreateObject()),
          *types = must(cJSON_AddArrayToObject(values, "type"));
    cJSON_AddItemToArray(types, must(cJSON_CreateString("string")));
    cJSON_AddItemToArray(types, must(cJSON_CreateString("number")));
    cJSON_AddItemToArray(types, must(cJSON_CreateString("boolean")));
    cJSON_AddItemToObject(schema, "additionalProperties", values);
    return schema;
}

static cJSON *group_schema(const char *prefix);

static cJSON *members_schema(const struct option *o)
{
    char *prefix = xasprintf(o->type == OPTION_GROUP ? "%s." : "%s[].", o->path);
    cJSON *schema = group_schema(prefix);
    free(prefix);
    return o->type == OPTION_GROUP ? schema : list_of(schema, false);
}

static cJSON *option_schema(const struct option *o)
{
    switch (o->type) {
    case OPTION_TEXT:
    case OPTION_LINES:
        return text_schema(o);
    case OPTION_NAME:
        return text_matching("^[A-Za-z0-9][A-Za-z0-9._-]*$");
    case OPTION_CHOICE:
        return choice_schema(o->choices);
    case OPTION_BOOLEAN:
        return typed("boolean");
    case OPTION_INTEGER:
        return number_schema("integer", o, 1);
    case OPTION_DECIMAL:
        return number_schema("number", o, 1000);
    case OPTION_AMOUNT:
        return number_schema("number", o, 1e6);
    case OPTION_DURATION:
        return text_matching("^([0-9]+(\\.[0-9]+)?(us|ms|s|m|min|h|d))+$");
    case OPTION_PATH:
        return typed("string");
    case OPTION_URL:
        return text_matching("^[A-Za-z]+://[^ ]+$");
    case OPTION_ARGV:
        return list_of(typed("string"), true);
    case OPTION_PATHS:
        return list_of(typed("string"), false);
    case OPTION_JOURNAL:
        return text_matching("^(private|shared:.+|emergency:.+)$");
    case OPTION_STATE:
        return text_matching("^(private|shared:.+)$");
    case OPTION_SECRET:
        return secret_schema(false);
    case OPTION_HEADER:
        return either(typed("string"), secret_schema(true));
    case OPTION_STRINGS:
    case OPTION_ENVIRONMENT:
        return strings_schema();
    case OPTION_TREE:
        return either(typed("object"), list_of(typed("object"), false));
    case OPTION_GROUP:
    case OPTION_GROUPS:
        return members_schema(o);
    }
    abort();
}

static cJSON *group_schema(const char *prefix)
{
    cJSON *schema = typed("object"), *members = must(cJSON_CreateObject()),
          *required = must(cJSON_CreateArray());
    cJSON *others = NULL;
    for (const struct option *o = NULL; (o = option_next(o));) {
        const char *name = option_member(o, prefix);
        if (!name)
            continue;
        cJSON *member = option_schema(o);
        must(cJSON_AddStringToObject(member, "description", o->help));
        if (o->fallback)
            must(cJSON_AddStringToObject(member, "default", o->fallback));
        if (str_eq(name, "*"))
            others = member;
        else
            cJSON_AddItemToObject(members, name, member);
        if (o->required)
            cJSON_AddItemToArray(required, must(cJSON_CreateString(name)));
    }
    cJSON_AddItemToObject(schema, "properties", members);
    if (required->child)
        cJSON_AddItemToObject(schema, "required", required);
    else
        cJSON_Delete(required);
    cJSON_AddItemToObject(schema, "additionalProperties", others ? others : must(cJSON_CreateFalse()));
    return schema;
}

char *config_schema_json(void)
{
    cJSON *schema = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(schema, "$schema", "https://json-schema.org/draft/2020-12/schema"));
    must(cJSON_AddStringToObject(schema, "title", "belay.yaml"));
    cJSON *root = group_schema("");
    while (root->child) {
        cJSON *member = cJSON_DetachItemViaPointer(root, root->child);
        char *name = xstrdup(member->string);
        cJSON_AddItemToObject(schema, name, member);
        free(name);
    }
    cJSON_Delete(root);
    char *text = cJSON_Print(schema);
    if (!text)
        abort();
    cJSON_Delete(schema);
    struct str out = {0};
    str_addf(&out, "%s\n", text);
    free(text);
    return str_take(&out);
}
