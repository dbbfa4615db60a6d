#include "engine/sources/preset.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sources/compiler.h"

#define FILE_LIMIT (256u << 10)

void preset_free(struct preset *p)
{
    if (!p)
        return;
    free(p->name);
    free(p->file);
    free(p->help);
    strv_free(p->kinds);
    free(p->path);
    free(p->parse);
    cJSON_Delete(p->tree);
    free(p);
}

static int read_header(struct preset *p, struct compiler *c)
{
    static const char *const keys[] = {"preset", "help", "kinds", "path", "parse",
                                       "every",  "vars", "map",   NULL};
    const cJSON *name = compiler_get(p->tree, "preset"), *help = compiler_get(p->tree, "help");
    const cJSON *kinds = compiler_get(p->tree, "kinds"), *path = compiler_get(p->tree, "path");
    const cJSON *parse = compiler_get(p->tree, "parse"), *every = compiler_get(p->tree, "every");
    if (compiler_keys(c, p->tree, "a preset", keys))
        return ERR_SYNTAX;
    if (!cJSON_IsString(name) || !str_eq(name->valuestring, p->name))
        return compiler_error(c, name ? name : p->tree, "preset: must be the file's name, '%.60s'", p->name);
    if (!kinds || compiler_list(c, kinds, &p->kinds))
        return compiler_error(c, kinds ? kinds : p->tree, "a preset needs kinds: such as [http]");
    p->map = compiler_get(p->tree, "map");
    p->vars = compiler_get(p->tree, "vars");
    if (!p->map)
        return compiler_error(c, p->tree, "a preset needs map:");
    if (p->vars && !cJSON_IsObject(p->vars))
        return compiler_error(c, p->vars, "vars: is a mapping of names to {help, default}");
    if ((help && !(p->help = compiler_text(c, help))) || (path && !(p->path = compiler_text(c, path))) ||
        (parse && !(p->parse = compiler_text(c, parse))) ||
        (every && compiler_duration(c, every, &p->every_us)))
        return ERR_SYNTAX;
    if (p->parse && !str_eq(p->parse, "json") && !str_eq(p->parse, "prometheus") && !str_eq(p->parse, "csv"))
        return compiler_error(c, parse, "parse: is json, prometheus or csv");
    return 0;
}

static char *own_folder(const struct config *config)
{
    return config && config->folder ? path_join(config->folder, "presets") : NULL;
}

/* The team's own file before the one that ships. */
static char *preset_file(const char *name, const struct config *config, struct err *e)
{
    char *file = xasprintf("%s.yaml", name), *folder = own_folder(config);
    char *path = folder ? path_join(folder, file) : NULL;
    struct str text = {0};
    if (!path || file_read(path, FILE_LIMIT, &text, NULL)) {
        free(path);
        path = asset_path("presets", file, e);
    }
    str_fini(&text);
    free(folder);
    free(file);
    return path;
}

struct preset *preset_load(const char *name, const struct config *config, struct err *e)
{
    struct str text = {0};
    if (strchr(name, '/') || *name == '.') {
        err_set(e, ERR_SYNTAX, "'%.60s' is not the name of a preset", name);
        return NULL;
    }
    char *file = preset_file(name, config, e);
    if (!file) {
        char **names = preset_names(config);
        const char *near = config_nearest(name, (const char *const *)names);
        err_set(e, ERR_NOT_FOUND,
                near ? "there is no preset '%.60s': did you mean '%.60s'?" : "there is no preset '%.60s'",
                name, near);
        strv_free(names);
        return NULL;
    }
    struct preset *p = xcalloc(1, sizeof *p);
    struct err first = {0};
    p->name = xstrdup(name);
    p->file = file;
    struct compiler c = {.file = p->file, .first = &first};
    int status = file_read(file, FILE_LIMIT, &text, &first);
    if (!status && !(p->tree = yaml_parse(str_text(&text), text.len, p->file, 0, &first)))
        status = first.code;
    if (!status)
        status = read_header(p, &c);
    str_fini(&text);
    if (!status)
        return p;
    if (e)
        *e = first;
    preset_free(p);
    return NULL;
}

bool preset_suits(const struct preset *p, const char *kind)
{
    for (char **k = p->kinds; *k; k++)
        if (str_eq(*k, kind))
            return true;
    return false;
}

/* ---- Variables ---- */

static int check_given(struct compiler *c, const struct preset *p, const cJSON *given)
{
    const cJSON *item;
    int status = 0;
    cJSON_ArrayForEach(item, given)
    {
        if (!cJSON_IsString(item))
            status = compiler_error(c, item, "a variable is a text");
        else if (p && !compiler_get(p->vars, item->string))
            status =
                compiler_error(c, item, "the preset %.60s has no variable '%.60s'", p->name, item->string);
    }
    return status;
}

static int add_default(struct compiler *c, const struct preset *p, const cJSON *variable, cJSON *out,
                       const struct config_source *s)
{
    const cJSON *fallback = compiler_get(variable, "default"), *help = compiler_get(variable, "help");
    if (compiler_get(out, variable->string))
        return 0;
    if (cJSON_IsString(fallback)) {
        cJSON_AddStringToObject(out, variable->string, fallback->valuestring);
        return 0;
    }
    config_finding_add(c->findings, CONFIG_ERROR, c->file, s->line, s->column,
                       "the preset %s needs vars: {%s: ...}, %s", p->name, variable->string,
                       cJSON_IsString(help) ? help->valuestring : "which has no default");
    if (!c->first->code)
        err_set(c->first, ERR_SYNTAX, "%s:%d:%d: the preset %s needs vars: {%s: ...}",
                c->file ? c->file : "configuration", s->line, s->column, p->name, variable->string);
    return ERR_SYNTAX;
}

cJSON *preset_variables(const struct preset *p, const struct config_source *s, const char *file,
                        struct config_findings *findings, struct err *e)
{
    struct err first = {0};
    struct compiler c = {.file = file, .findings = findings, .first = &first};
    cJSON *out = s->vars ? cJSON_Duplicate(s->vars, true) : cJSON_CreateObject();
    int status = check_given(&c, p, s->vars);
    const cJSON *variable, *declared = p ? p->vars : NULL;
    cJSON_ArrayForEach(variable, declared)
    {
        status |= add_default(&c, p, variable, out, s);
    }
    if (!status)
        return out;
    if (e)
        *e = first;
    cJSON_Delete(out);
    return NULL;
}

/* ---- Names ---- */

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **preset_names(const struct config *config)
{
    char **names = asset_list("presets", ".yaml"), *folder = own_folder(config);
    DIR *dir = folder ? opendir(folder) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        if (*entry->d_name == '.' || !str_ends(entry->d_name, ".yaml"))
            continue;
        char *name = xstrndup(entry->d_name, length - strlen(".yaml"));
        bool known = false;
        for (char **n = names; n && *n && !known; n++)
            known = str_eq(*n, name);
        if (!known)
            strv_add(&names, name);
        free(name);
    }
    if (dir)
        closedir(dir);
    free(folder);
    qsort(names, strv_count(names), sizeof *names, name_compare);
    return names;
}
