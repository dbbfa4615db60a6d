/* The environment that a step gets. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"
#include "engine/execute/request.h"

/* Not for steps. A name that ends in "*" stands for all that begin so. */
static const char *const kept_back[] = {
    /* would change how a shell reads the step */
    "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "BASH_FUNC_*", "BASH_XTRACEFD", "PS4", "CDPATH", "GLOBIGNORE",
    "PROMPT_COMMAND", "POSIXLY_CORRECT",
    /* describes another shell, or a terminal that the step doesn't have */
    "PWD", "OLDPWD", "SHLVL", "_", "LINES", "COLUMNS",
    /* given to us alone by a service manager */
    "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID",
    /* ours, of an outer belay */
    "BELAY_*"};

static bool is_kept_back(const char *entry, size_t name)
{
    for (size_t i = 0; i < sizeof kept_back / sizeof *kept_back; i++) {
        size_t length = strlen(kept_back[i]);
        bool prefix = kept_back[i][length - 1] == '*';
        if (prefix ? name >= length - 1 && memcmp(entry, kept_back[i], length - 1) == 0
                   : name == length && memcmp(entry, kept_back[i], length) == 0)
            return true;
    }
    return false;
}

struct environment {
    char **data;
    size_t len;
    size_t cap;
    struct map *places; /* of a name: its place in data, and one more */
};

/* entry is NAME=VALUE on the heap, and belongs to the environment after. */
static void set(struct environment *v, char *entry)
{
    const char *equals = strchr(entry, '=');
    if (!equals || equals == entry) {
        free(entry);
        return;
    }
    char *name = xstrndup(entry, (size_t)(equals - entry));
    uintptr_t place = (uintptr_t)map_get(v->places, name);
    if (place) {
        free(v->data[place - 1]);
        v->data[place - 1] = entry;
    } else {
        *vec_push(v) = entry;
        map_set(v->places, name, (void *)(uintptr_t)v->len);
    }
    free(name);
}

static void set_path(struct environment *v, char *const *folders)
{
    struct str path = {0};
    str_add(&path, "PATH=");
    for (; *folders; folders++)
        str_addf(&path, "%s:", *folders);
    const char *before = "/usr/local/bin:/usr/bin:/bin"; /* what execvp and shells fall back to */
    for (size_t i = 0; i < v->len; i++)
        if (str_starts(v->data[i], "PATH="))
            before = v->data[i] + strlen("PATH=");
    str_add(&path, before);
    set(v, str_take(&path));
}

char **environment_make(char *const *inherited, char *const *path, char *const *env)
{
    struct environment v = {.places = map_new()};
    for (; inherited && *inherited; inherited++) {
        const char *equals = strchr(*inherited, '=');
        if (equals && !is_kept_back(*inherited, (size_t)(equals - *inherited)))
            set(&v, xstrdup(*inherited));
    }
    for (; env && *env; env++)
        set(&v, xstrdup(*env));
    if (path && *path)
        set_path(&v, path);
    *vec_push(&v) = NULL;
    map_free(v.places);
    return v.data;
}
