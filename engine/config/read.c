#include "engine/config/read.h"

#include <stdlib.h>
#include <string.h>

#include "engine/config/options.h"

#define SOURCE_LIMIT 4096
#define LIST_LIMIT   1024

static void complain_unknown(const struct value_place *place, const char *prefix, const cJSON *member)
{
    const char *names[64] = {NULL};
    size_t count = 0;
    for (const struct option *option = NULL; (option = option_next(option)) && count < 63;) {
        const char *name = option_member(option, prefix);
        if (name)
            names[count++] = name;
    }
    const char *nearest = config_nearest(member->string, names);
    if (nearest)
        value_complain_key(place, member, "unknown key \"%s\", did you mean \"%s\"?", member->string,
                           nearest);
    else
        value_complain_key(place, member, "unknown key \"%s\"", member->string);
}

static void warn(const struct value_place *place, const struct config_source *s, const char *text)
{
    config_finding_add(place->findings, CONFIG_WARNING, place->file, s->line, s->column, "source %s: %s",
                       s->name, text);
}

static void complain(const struct value_place *place, const struct config_source *s, const char *text)
{
    config_finding_add(place->findings, CONFIG_ERROR, place->file, s->line, s->column, "source %s: %s",
                       s->name, text);
}

/* All entities of a mapping in place are signals. */
static bool maps_signals(const cJSON *map)
{
    if (cJSON_IsObject(map))
        return str_eq(json_string(map, "kind", NULL), "signal");
    const cJSON *element;
    bool all = cJSON_IsArray(map) && map->child;
    cJSON_ArrayForEach(element, map) all = all && str_eq(json_string(element, "kind", NULL), "signal");
    return all;
}

static void check_source(const struct value_place *place, const struct config *c, struct config_source *s,
                         bool sound)
{
    s->every_given = s->every_us > 0;
    s->timeout_given = s->timeout_us > 0;
    config_source_defaults(s, maps_signals(s->map));
    if (!sound)
        return; /* a refused url is not a missing one: the rest follows when this is mended */
    for (const struct config_source *other = c->sources; other < s; other++)
        if (str_eq(other->name, s->name))
            complain(place, s, "the name stands there twice");
    if (s->url && s->command)
        complain(place, s, "has a url and a command: one of them");
    if (s->command && (s->headers || s->user || s->password || s->ca))
        complain(place, s, "headers, user, password and ca belong to a url, not to a command");
    if (s->env && !s->command)
        complain(place, s, "env belongs to a command");
    if (s->user && !s->password)
        warn(place, s, "has a user and no password");
    if (s->timeout_us > s->every_us)
        warn(place, s, "timeout is longer than every: a slow answer delays the next question");
    if (s->stale_after_us && s->stale_after_us < s->every_us)
        warn(place, s, "stale_after is shorter than every: it will be unknown most of the time");
}

static void read_sources(const struct value_place *place, const cJSON *list, struct config *c)
{
    if (!cJSON_IsArray(list)) {
        value_complain(place, list, "sources: expected a list, each element beginning with \"- name: ...\"");
        return;
    }
    const cJSON *element;
    if (cJSON_GetArraySize(list) > SOURCE_LIMIT) {
        value_complain(place, list, "sources: more than %d", SOURCE_LIMIT);
        return;
    }
    c->sources = xcalloc((size_t)cJSON_GetArraySize(list), sizeof *c->sources);
    cJSON_ArrayForEach(element, list)
    {
        struct config_source *source = &c->sources[c->source_count++];
        *source = (struct config_source){
            .expected = -1, .line = yaml_line(element), .column = yaml_column(element)};
        size_t errors = place->findings->errors;
        read_group(place, "sources[].", element, source);
        check_source(place, c, source, place->findings->errors == errors);
    }
}

/* A list of groups, zeroed; each element is read by its options. */
static void *read_list(const struct value_place *place, const cJSON *list, size_t size, size_t *count)
{
    const char *name = list->string;
    const cJSON *element;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > LIST_LIMIT) {
        value_complain(place, list,
                       "%s: expected a list of at most %d, each element beginning with \"- title: ...\"",
                       name, LIST_LIMIT);
        return NULL;
    }
    char *elements = xcalloc((size_t)cJSON_GetArraySize(list) + 1, size), *prefix = xasprintf("%s[].", name);
    cJSON_ArrayForEach(element, list) read_group(place, prefix, element, elements + size * (*count)++);
    free(prefix);
    return elements;
}

static void read_links(const struct value_place *place, const cJSON *list, struct config *c)
{
    const cJSON *element = list->child;
    c->links = read_list(place, list, sizeof *c->links, &c->link_count);
    for (size_t i = 0; i < c->link_count; i++, element = element->next) {
        const char *url = c->links[i].url;
        c->links[i].line = yaml_line(element);
        c->links[i].column = yaml_column(element);
        if (url && !str_starts(url, "http://") && !str_starts(url, "https://"))
            value_complain(place, cJSON_GetObjectItemCaseSensitive(element, "url"),
                           "url: must begin with http:// or https://");
    }
}

static void read_logs(const struct value_place *place, const cJSON *list, struct config *c)
{
    const cJSON *element = list->child;
    c->logs = read_list(place, list, sizeof *c->logs, &c->logs_count);
    for (size_t i = 0; i < c->logs_count; i++, element = element->next) {
        c->logs[i].line = yaml_line(element);
        c->logs[i].column = yaml_column(element);
        if (c->logs[i].timeout_us == 0)
            c->logs[i].timeout_us = 30 * US_PER_S;
    }
}

static void read_groups(const struct value_place *place, const char *path, const cJSON *list, void *base)
{
    if (str_eq(path, "links"))
        read_links(place, list, base);
    else if (str_eq(path, "logs"))
        read_logs(place, list, base);
    else if (str_eq(path, "policies"))
        read_policies(place, list, base);
    else if (str_eq(path, "chains"))
        read_chains(place, list, base);
    else if (str_eq(path, "chains[].tiers"))
        read_tiers(place, list, base);
    else if (str_eq(path, "heal.diagnose"))
        read_diagnosers(place, list, base);
    else if (str_eq(path, "heal.rules"))
        read_heal_rules(place, list, base);
    else
        read_sources(place, list, base);
}

static void read_member(const struct value_place *place, const char *prefix, const cJSON *member, void *base)
{
    const struct option *option = option_find(prefix, member->string);
    if (!option) {
        complain_unknown(place, prefix, member);
    } else if (option->type == OPTION_GROUP) {
        char *inner = xasprintf("%s.", option->path);
        read_group(place, inner, member, base);
        free(inner);
    } else if (option->type == OPTION_GROUPS) {
        read_groups(place, option->path, member, base);
    } else if (option->type == OPTION_HEADER && str_starts(prefix, "chains[].")) {
        struct config_tier *tier = base;
        value_add_header(place, member, &tier->headers, &tier->header_count);
    } else if (option->type == OPTION_HEADER) {
        struct config_source *source = base;
        value_add_header(place, member, &source->headers, &source->header_count);
    } else {
        value_set(place, option, member, base);
    }
}

void read_group(const struct value_place *place, const char *prefix, const cJSON *object, void *base)
{
    if (!cJSON_IsObject(object)) {
        value_complain(place, object, "expected a mapping: lines of KEY: VALUE%s%.*s",
                       *prefix ? " under " : "", (int)strlen(prefix) - (*prefix != '\0'), prefix);
        return;
    }
    const cJSON *member;
    cJSON_ArrayForEach(member, object) read_member(place, prefix, member, base);
    for (const struct option *option = NULL; (option = option_next(option));) {
        const char *name = option_member(option, prefix);
        if (name && option->required && !cJSON_GetObjectItemCaseSensitive(object, name))
            value_complain(place, object, "%s is missing: %s", name, option->help);
    }
}

static struct config_place place_of(const cJSON *tree, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, key);
    return item ? (struct config_place){yaml_line(item), yaml_column(item)} : (struct config_place){0};
}

void config_read(const struct value_place *place, const cJSON *tree, struct config *c)
{
    size_t errors = place->findings->errors;
    read_group(place, "", tree, c);
    check_chains(place, c, errors);
    check_healing(place, c, errors);
    c->theme_place = place_of(tree, "theme");
    c->runbooks_place = place_of(tree, "runbooks");
    c->safe_mode.place = place_of(tree, "safe_mode");
    if (str_eq(c->safe_mode.on, c->safe_mode.off))
        value_complain(place, cJSON_GetObjectItemCaseSensitive(tree, "safe_mode"),
                       "safe_mode: on and off are the same word");
    const cJSON *mirror = cJSON_GetObjectItemCaseSensitive(tree, "mirror");
    if (c->mirror.syslog && c->mirror.command)
        value_complain(place, mirror, "mirror: syslog or command, not both");
    if (cJSON_IsObject(mirror) && !mirror->child)
        value_complain(place, mirror, "mirror: needs syslog or command");
}
