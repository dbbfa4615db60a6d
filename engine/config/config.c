#include "engine/config/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/config/findings.h"
#include "engine/config/options.h"
#include "engine/config/read.h"

#define FILE_LIMIT (1 << 20)

struct config *config_new(void)
{
    struct config *c = xcalloc(1, sizeof *c);
    c->platform = xstrdup("local");
    c->observer = -1;
    c->identity.timeout_us = 3 * US_PER_S;
    c->oncall.every_us = 300 * US_PER_S;
    c->oncall.timeout_us = 5 * US_PER_S;
    c->heal = (struct config_heal){.attempts = 2, .rest_us = 120 * US_PER_S, .confidence_milli = 800};
    c->safe_mode.kind = xstrdup("component");
    c->safe_mode.on = xstrdup("on");
    c->safe_mode.off = xstrdup("off");
    c->safe_mode.enter = xstrdup("safe-mode-enter");
    c->safe_mode.leave = xstrdup("safe-mode-leave");
    return c;
}

void config_headers_free(struct config_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(headers[i].name);
        free(headers[i].value);
        free(headers[i].secret);
        free(headers[i].prefix);
    }
    free(headers);
}

static void source_fini(struct config_source *s)
{
    free(s->name);
    free(s->kind);
    free(s->url);
    free(s->preset);
    cJSON_Delete(s->vars);
    cJSON_Delete(s->map);
    free(s->parse);
    strv_free(s->command);
    strv_free(s->env);
    config_headers_free(s->headers, s->header_count);
    free(s->user);
    free(s->password);
    free(s->ca);
}

static void links_fini(struct config *c)
{
    for (size_t i = 0; i < c->link_count; i++) {
        free(c->links[i].kind);
        free(c->links[i].name);
        free(c->links[i].title);
        free(c->links[i].url);
    }
    for (size_t i = 0; i < c->logs_count; i++) {
        free(c->logs[i].kind);
        free(c->logs[i].name);
        free(c->logs[i].title);
        strv_free(c->logs[i].command);
    }
    free(c->links);
    free(c->logs);
}

static void safe_mode_fini(struct config *c)
{
    free(c->safe_mode.kind);
    free(c->safe_mode.name);
    free(c->safe_mode.on);
    free(c->safe_mode.off);
    free(c->safe_mode.enter);
    free(c->safe_mode.leave);
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->source_count; i++)
        source_fini(&c->sources[i]);
    free(c->sources);
    chains_fini(c);
    healing_fini(c);
    free(c->path);
    free(c->folder);
    free(c->platform);
    free(c->badge);
    free(c->journal_folder);
    free(c->emergency);
    free(c->state_folder);
    free(c->operator_name);
    free(c->approvers);
    strv_free(c->identity.command);
    free(c->identity.expect);
    free(c->mirror.syslog);
    strv_free(c->mirror.command);
    strv_free(c->oncall.command);
    links_fini(c);
    safe_mode_fini(c);
    free(c->theme);
    strv_free(c->runbooks);
    free(c);
}

void config_source_defaults(struct config_source *s, bool signals)
{
    if (!s->every_given)
        s->every_us = (signals ? 2 : 5) * US_PER_S;
    if (!s->timeout_given)
        s->timeout_us = s->every_us < 3 * US_PER_S ? s->every_us : 3 * US_PER_S;
}

bool config_observer(const struct config *c)
{
    return c->observer >= 0 ? c->observer == 1 : str_eq(c->badge, "PROD");
}

const struct config_policy *config_policy_find(const struct config *c, const char *name)
{
    static const struct config_policy shipped[] = {
        {.name = "default",
         .attempts = 3,
         .max_retries = -1,
         .base_us = 100 * US_PER_MS,
         .cap_us = 30 * US_PER_S,
         .factor_milli = 2000,
         .growth_milli = 1000,
         .idempotent = -1,
         .budget = 10},
        {.name = "rate-limit",
         .attempts = 5,
         .max_retries = -1,
         .base_us = US_PER_S,
         .cap_us = 60 * US_PER_S,
         .factor_milli = 2000,
         .growth_milli = 1000,
         .idempotent = -1,
         .budget = 10},
    };
    for (size_t i = 0; c && i < c->policy_count; i++)
        if (str_eq(c->policies[i].name, name))
            return &c->policies[i];
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++)
        if (str_eq(shipped[i].name, name))
            return &shipped[i];
    return NULL;
}

bool config_is_shared(const struct config *c)
{
    struct stat st;
    if (c->journal == CONFIG_JOURNAL_EMERGENCY)
        return stat(c->journal_folder, &st) == 0 && (st.st_mode & 070) == 070;
    return c->journal == CONFIG_JOURNAL_SHARED;
}

char *config_journal_name(const struct config *c)
{
    return xasprintf("%s%s", c->platform, c->journal == CONFIG_JOURNAL_EMERGENCY ? ".emergency" : "");
}

char *config_state_folder(const struct config *c)
{
    if (c && c->journal_folder)
        return xstrdup(c->journal_folder);
    char *state = folder_state(), *folder = path_join(state, c ? c->platform : "local");
    free(state);
    return folder;
}

char *config_targets_folder(const struct config *c, bool *shared)
{
    *shared = c && (c->state_folder || config_is_shared(c));
    return c && c->state_folder ? xstrdup(c->state_folder) : config_state_folder(c);
}

/* yaml_parse's message begins with "name:line:column: ". */
static void add_syntax_finding(struct config_findings *findings, const char *name, const struct err *e)
{
    int line = 0, column = 0, used = 0;
    const char *rest = e->msg;
    size_t length = strlen(name);
    if (strncmp(rest, name, length) == 0 && rest[length] == ':') {
        char *end;
        line = (int)strtol(rest + length + 1, &end, 10);
        if (*end == ':')
            column = (int)strtol(end + 1, &end, 10);
        used = str_starts(end, ": ") ? (int)(end + 2 - rest) : 0;
    }
    config_finding_add(findings, CONFIG_ERROR, name, line, column, "%s", rest + used);
}

struct config *config_parse(const char *text, size_t length, const char *name, const char *folder,
                            struct config_findings *findings, struct err *e)
{
    struct config_findings own = {0};
    if (!findings)
        findings = &own;
    size_t from = findings->len;
    struct config *c = NULL;
    struct err problem = {0};
    cJSON *tree = yaml_parse(text, length, name, 0, &problem);
    if (!tree) {
        add_syntax_finding(findings, name, &problem);
    } else {
        c = config_new();
        c->folder = xstrdup(folder);
        config_read(&(struct value_place){.file = name, .folder = folder, .findings = findings}, tree, c);
        cJSON_Delete(tree);
    }
    findings_sort(findings, from);
    if (findings_to_err(findings, from, e) < 0) {
        config_free(c);
        c = NULL;
    }
    config_findings_fini(&own);
    return c;
}

char *config_find(void)
{
    char *own = folder_config();
    char *places[] = {xstrdup("belay.yaml"), path_join(own, "belay.yaml"), xstrdup("/etc/belay/belay.yaml")};
    char *found = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!found && access(places[i], F_OK) == 0)
            found = places[i];
        else
            free(places[i]);
    }
    free(own);
    return found;
}

/* The absolute folder that path lies in. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash          ? xstrdup(".")
                   : slash == path ? xstrdup("/")
                                   : xstrndup(path, (size_t)(slash - path));
    char *absolute = realpath(folder, NULL);
    if (!absolute)
        return folder;
    free(folder);
    return absolute;
}

struct config *config_load(const char *path, struct config_findings *findings, struct err *e)
{
    char *found = path ? xstrdup(path) : config_find();
    if (!found) {
        err_set(e, ERR_NOT_FOUND,
                "no configuration: looked for ./belay.yaml, $XDG_CONFIG_HOME/belay/belay.yaml and "
                "/etc/belay/belay.yaml");
        return NULL;
    }
    struct config *c = NULL;
    struct str text = {0};
    struct err problem = {0};
    char *folder = folder_of(found);
    if (file_read(found, FILE_LIMIT, &text, &problem) < 0) {
        /* file_read names the file in its message. */
        config_finding_add(findings, CONFIG_ERROR, NULL, 0, 0, "%s", problem.msg);
        err_set(e, problem.code, "%s", problem.msg);
    } else {
        c = config_parse(str_text(&text), text.len, found, folder, findings, e);
    }
    if (c) {
        const char *slash = strrchr(found, '/');
        c->path = path_join(folder, slash ? slash + 1 : found);
    }
    str_fini(&text);
    free(folder);
    free(found);
    return c;
}

int config_set(struct config *c, const char *key, const char *value, struct err *e)
{
    const struct option *option = option_find("", key);
    bool single = option && option->type != OPTION_GROUP && option->type != OPTION_GROUPS &&
                  option->type != OPTION_PATHS && option->type != OPTION_ARGV;
    if (!single)
        return err_set(e, ERR_USAGE, "\"%.40s\" can't be set by itself: write it in belay.yaml", key);
    struct config_findings findings = {0};
    cJSON *item = cJSON_CreateString(value);
    if (!item)
        abort();
    value_set(&(struct value_place){.findings = &findings}, option, item, c);
    cJSON_Delete(item);
    int code = findings_to_err(&findings, 0, e) < 0 ? ERR_USAGE : 0;
    if (code < 0 && e)
        e->code = code;
    config_findings_fini(&findings);
    return code;
}
