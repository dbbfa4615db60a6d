#include "engine/execute/lifetime.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/base.h"

void lifetime_judge(const struct lifetime_facts *f, struct execute_lifetime *l)
{
    *l = (struct execute_lifetime){.outlives = true};
    if (f->container_main) {
        l->outlives = false;
        snprintf(l->text, sizeof l->text,
                 "this shell is the container's main process: when it ends, running steps are killed; open "
                 "belay with `docker exec` or "
                 "`kubectl exec` instead");
        return;
    }
    if (!f->logind || (f->session_scope && !f->kills) || (!f->session_scope && !f->user_service))
        return;
    /* Below the user's manager, or to be moved there. */
    l->use_scope = f->session_scope && f->scope_possible;
    if (f->session_scope && !f->scope_possible) {
        l->outlives = false;
        snprintf(l->text, sizeof l->text,
                 "logind ends what a login leaves behind (KillUserProcesses) and there is no user manager to "
                 "move steps to: "
                 "running steps are killed when this login ends");
    } else if (!f->lingers) {
        l->outlives = false;
        snprintf(l->text, sizeof l->text,
                 "running steps are killed when the last login of %s ends; `loginctl enable-linger %s` lets "
                 "them go on",
                 f->user, f->user);
    }
}

/* True when the words of value hold name. */
static bool listed(const char *value, const char *name)
{
    size_t length = strlen(name);
    while (*value) {
        value += strspn(value, " \t");
        size_t word = strcspn(value, " \t");
        if (word == length && length > 0 && memcmp(value, name, length) == 0)
            return true;
        value += word;
    }
    return false;
}

static bool truth(const char *value)
{
    return strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 || strcasecmp(value, "on") == 0 ||
           str_eq(value, "1");
}

static void line_read(char *line, const char *user, struct logind_setting *s)
{
    bool comment = line[0] == '#' || line[0] == ';';
    char *name = line + comment, *equals = strchr(name, '=');
    if (!equals)
        return;
    *equals = '\0';
    char *value = equals + 1 + strspn(equals + 1, " \t");
    for (size_t n = strlen(value); n > 0 && strchr(" \t\r", value[n - 1]); n--)
        value[n - 1] = '\0';
    name[strcspn(name, " \t")] = '\0';
    if (str_eq(name, "KillUserProcesses") && (!comment || !s->kills_set)) {
        s->kills = truth(value);
        s->kills_set |= !comment;
    } else if (str_eq(name, "KillOnlyUsers") && !comment) {
        s->only = !*value || listed(value, user);
    } else if (str_eq(name, "KillExcludeUsers") && !comment) {
        s->excluded = listed(value, user);
    }
}

void logind_read(const char *text, const char *user, struct logind_setting *s)
{
    char *copy = xstrdup(text), *rest = copy, *line;
    while ((line = strsep(&rest, "\n")))
        line_read(line, user, s);
    free(copy);
}

static void file_apply(const char *path, const char *user, struct logind_setting *s)
{
    struct str text = {0};
    if (file_read(path, 64 * 1024, &text, NULL) == 0)
        logind_read(str_text(&text), user, s);
    str_fini(&text);
}

static int is_conf(const struct dirent *entry)
{
    return str_ends(entry->d_name, ".conf");
}

static bool logind_kills(const char *user)
{
    /* What upstream compiles in; Debian's file says otherwise in a comment. */
    struct logind_setting s = {.kills = true, .only = true, .excluded = str_eq(user, "root")};
    static const char *const folders[] = {"/usr/lib/systemd", "/run/systemd", "/etc/systemd"};
    char path[512];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/logind.conf", folders[i]);
        file_apply(path, user, &s);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct dirent **entries;
        snprintf(path, sizeof path, "%s/logind.conf.d", folders[i]);
        int count = scandir(path, &entries, is_conf, alphasort);
        for (int n = 0; n < count; n++) {
            snprintf(path, sizeof path, "%s/logind.conf.d/%.200s", folders[i], entries[n]->d_name);
            file_apply(path, user, &s);
            free(entries[n]);
        }
        if (count >= 0)
            free(entries);
    }
    return s.kills && s.only && !s.excluded;
}

static bool scope_possible(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *path = getenv("PATH");
    if (!runtime || !path)
        return false;
    char *manager = path_join(runtime, "systemd/private");
    bool possible = access(manager, F_OK) == 0, found = false;
    free(manager);
    for (const char *at = path; possible && !found && at;) {
        size_t length = strcspn(at, ":");
        char *program = xasprintf("%.*s/systemd-run", (int)length, at);
        found = length > 0 && access(program, X_OK) == 0;
        free(program);
        at = at[length] ? at + length + 1 : NULL;
    }
    return possible && found;
}

static void facts_gather(struct lifetime_facts *f)
{
    struct str group = {0};
    struct passwd entry, *found = NULL;
    char buffer[4096];
    memset(f, 0, sizeof *f);
    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
        snprintf(f->user, sizeof f->user, "%s", found->pw_name);
    f->container_main = getpid() == 1 || getsid(0) == getsid(1);
    f->logind = access("/run/systemd/system", F_OK) == 0;
    if (file_read("/proc/self/cgroup", 64 * 1024, &group, NULL) == 0) {
        f->user_service = strstr(str_text(&group), "/user@") != NULL;
        f->session_scope = !f->user_service && strstr(str_text(&group), "/session-") != NULL;
    }
    str_fini(&group);
    if (!f->logind)
        return;
    char *linger = path_join("/var/lib/systemd/linger", f->user);
    f->lingers = f->user[0] && access(linger, F_OK) == 0;
    free(linger);
    f->kills = logind_kills(f->user);
    f->scope_possible = scope_possible();
}

void execute_lifetime(struct execute_lifetime *l)
{
    struct lifetime_facts facts;
    facts_gather(&facts);
    lifetime_judge(&facts, l);
}
