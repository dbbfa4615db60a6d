/* What the configuration says of a source, compiled: kind, preset, variables, mapping, URL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sources/compiler.h"
#include "engine/sources/redis_keys.h"
#include "engine/sources/source.h"

struct checking {
    const struct config *config;
    const struct config_source *source;
    struct config_findings *findings;
    struct err *first;
    const char *file;
};

static int wrong(struct checking *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int wrong(struct checking *k, const char *format, ...)
{
    char message[240];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    int line = k->source->line, column = k->source->column;
    config_finding_add(k->findings, CONFIG_ERROR, k->file, line, column, "source %s: %s", k->source->name,
                       message);
    if (!k->first->code)
        err_set(k->first, ERR_SYNTAX, "%s:%d:%d: source %s: %s", k->file ? k->file : "configuration", line,
                column, k->source->name, message);
    return ERR_SYNTAX;
}

static int find_kind(struct checking *k, struct source_plan *p)
{
    p->kind = source_kind_find(k->source->kind);
    if (p->kind)
        return 0;
    const char *names[16] = {0};
    struct str all = {0};
    for (size_t i = 0; source_table[i] && i < 15; i++) {
        names[i] = source_table[i]->name;
        str_addf(&all, "%s%s", !i ? "" : source_table[i + 1] ? ", " : " or ", names[i]);
    }
    const char *near = config_nearest(k->source->kind, names);
    int status = near ? wrong(k, "there is no kind '%.40s': did you mean '%s'?", k->source->kind, near)
                      : wrong(k, "there is no kind '%.40s': %s", k->source->kind, str_text(&all));
    str_fini(&all);
    return status;
}

static int find_preset(struct checking *k, struct source_plan *p)
{
    struct err e;
    if (!k->source->preset)
        return k->source->map ? 0 : wrong(k, "needs a preset: or a map:");
    p->preset = preset_load(k->source->preset, k->config, &e);
    if (!p->preset)
        return wrong(k, "%s", e.msg);
    if (!preset_suits(p->preset, p->kind->name))
        return wrong(k, "the preset %s is not for kind %s, but for %s", p->preset->name, p->kind->name,
                     p->preset->kinds[0]);
    return 0;
}

static void find_form(struct checking *k, struct source_plan *p)
{
    const char *parse = k->source->parse ? k->source->parse : p->preset ? p->preset->parse : NULL;
    p->form = !parse                        ? p->kind->form
              : str_eq(parse, "prometheus") ? FORM_EXPOSITION
              : str_eq(parse, "csv")        ? FORM_CSV
                                            : FORM_JSON;
}

static int check_keys(struct checking *k, const struct source_plan *p)
{
    struct key_pattern pattern;
    struct err e;
    if (!p->kind->keys)
        return 0;
    if (key_pattern_compile(&pattern, mapping_keys(p->mapping), &e))
        return wrong(k, "%s", e.msg);
    key_pattern_fini(&pattern);
    return 0;
}

static int compile_map(struct checking *k, struct source_plan *p)
{
    struct mapping_part parts[2];
    size_t count = 0;
    struct err e = {0};
    p->vars = preset_variables(p->preset, k->source, k->file, k->findings, &e);
    if (!p->vars)
        goto failed;
    if (p->preset)
        parts[count++] = (struct mapping_part){p->preset->map, p->preset->file};
    if (k->source->map)
        parts[count++] = (struct mapping_part){k->source->map, k->file};
    p->mapping = mapping_compile(&(struct mapping_options){.parts = parts,
                                                           .part_count = count,
                                                           .vars = p->vars,
                                                           .form = p->form,
                                                           .keys = p->kind->keys,
                                                           .expected = k->source->expected},
                                 k->findings, &e);
    if (p->mapping)
        return check_keys(k, p);
failed:
    if (!k->first->code)
        *k->first = e;
    return ERR_SYNTAX;
}

/* The URL without what may be a password in it. */
static char *url_for_people(const char *url)
{
    const char *scheme = strstr(url, "://"), *rest = scheme ? scheme + 3 : url;
    size_t authority = strcspn(rest, "/?#");
    const char *at = memrchr(rest, '@', authority);
    return at ? xasprintf("%.*s%s", (int)(rest - url), url, at + 1) : xstrdup(url);
}

static char *command_for_people(char *const *argv)
{
    struct str out = {0};
    for (; *argv; argv++)
        str_addf(&out, "%s%s", out.len ? " " : "", *argv);
    return str_take(&out);
}

/* The configured URL, and behind it the preset's path unless it is there already. */
static char *url_join(const char *url, const char *path, bool default_metrics)
{
    const char *scheme = strstr(url, "://"), *rest = scheme ? scheme + 3 : url;
    size_t length = strlen(url);
    bool bare = !strchr(rest, '/') || rest + strcspn(rest, "/") == url + length - 1;
    while (length && url[length - 1] == '/')
        length--;
    if (!path && default_metrics && bare && !strpbrk(rest, "?#"))
        path = "/metrics";
    if (!path || str_ends(url, path))
        return xstrdup(url);
    return xasprintf("%.*s%s", (int)length, url, path);
}

static int make_lookup(struct checking *k, struct source_plan *p)
{
    struct err e;
    if (k->source->url || k->source->command)
        return wrong(k, "kind: %s takes neither url nor command", p->kind->name);
    p->target = p->kind->lookup(p->vars, &e);
    return p->target ? 0 : wrong(k, "%s", e.msg);
}

static int make_url(struct checking *k, struct source_plan *p)
{
    struct err e;
    if (p->kind->lookup)
        return make_lookup(k, p);
    if (p->kind->command) {
        if (!k->source->command || !k->source->command[0])
            return wrong(k, "kind: command needs command: with a program and its arguments");
        p->target = command_for_people(k->source->command);
        return 0;
    }
    if (!k->source->url)
        return wrong(k, "kind: %s needs url:", p->kind->name);
    char *path = NULL;
    if (p->preset && p->preset->path &&
        !(path = variables_expand(p->vars, p->preset->path, true, EXPAND_URL, &e)))
        return wrong(k, "%s", e.msg);
    char *url = variables_expand(p->vars, k->source->url, false, EXPAND_URL, NULL);
    p->url = p->kind->keys ? xstrdup(url) : url_join(url, path, p->form == FORM_EXPOSITION);
    p->target = url_for_people(p->url);
    free(url);
    free(path);
    return p->kind->check_url(p->url, &e) ? wrong(k, "%s", e.msg) : 0;
}

int source_plan_make(struct source_plan *p, const struct config *c, const struct config_source *s,
                     struct config_findings *findings, struct err *e)
{
    struct err first = {0};
    struct checking k = {.config = c, .source = s, .findings = findings, .first = &first, .file = c->path};
    *p = (struct source_plan){.timing = *s};
    int status = find_kind(&k, p);
    if (!status)
        status = find_preset(&k, p);
    if (!status) {
        find_form(&k, p);
        status = compile_map(&k, p);
    }
    if (!status)
        status = make_url(&k, p);
    if (status) {
        source_plan_fini(p);
        if (e)
            *e = first;
        return status;
    }
    if (p->preset && p->preset->every_us && !s->every_given) {
        p->timing.every_us = p->preset->every_us;
        p->timing.every_given = true;
    }
    config_source_defaults(&p->timing, mapping_has_signals(p->mapping));
    return 0;
}

void source_plan_fini(struct source_plan *p)
{
    mapping_free(p->mapping);
    preset_free(p->preset);
    cJSON_Delete(p->vars);
    free(p->url);
    free(p->target);
    *p = (struct source_plan){0};
}
