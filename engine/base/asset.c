#include "engine/base/asset.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/map.h"
#include "engine/base/str.h"

/* Folder of the running executable, or NULL. */
static char *executable_folder(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return NULL;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    return slash > path ? xstrndup(path, (size_t)(slash - path)) : NULL;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The source tree that the build folder at or up to two levels above the executable names, or NULL. */
static char *source_tree(const char *folder)
{
    /* Somebody else's file (an executable copied under /tmp) must not choose our runbooks. */
    struct stat st;
    static const char *const ups[] = {"", "/..", "/../.."};
    for (size_t i = 0; i < sizeof ups / sizeof *ups; i++) {
        struct str text = {0};
        char *path = xasprintf("%s%s/source-tree", folder, ups[i]);
        bool found = stat(path, &st) == 0 && (st.st_uid == geteuid() || st.st_uid == 0) &&
                     file_read(path, PATH_MAX, &text, NULL) == 0;
        free(path);
        while (found && text.len > 0 && text.data[text.len - 1] == '\n')
            text.data[--text.len] = '\0';
        if (found && is_folder(str_text(&text)))
            return str_take(&text);
        str_fini(&text);
    }
    return NULL;
}

/* Without "..", because people read it: a runbook's path is on its pages. */
static void add_folder(char ***folders, char *folder)
{
    char *whole = realpath(folder, NULL);
    if (whole && is_folder(whole))
        strv_add(folders, whole);
    free(whole);
    free(folder);
}

/* The folders of a kind that exist, first the one that wins. */
static char **kind_folders(const char *kind)
{
    char **folders = NULL;
    const char *asked = getenv("BELAY_ASSETS");
    if (asked && *asked)
        add_folder(&folders, path_join(asked, kind));
    char *own = folder_config();
    add_folder(&folders, path_join(own, kind));
    free(own);
    char *executable = executable_folder();
    if (executable) {
        char *tree = source_tree(executable);
        if (tree) {
            add_folder(&folders, xasprintf("%s/%s%s", tree, str_eq(kind, "themes") ? "" : "assets/", kind));
        } else {
            add_folder(&folders, xasprintf("%s/../share/belay/%s", executable, kind));
            add_folder(&folders, xasprintf("%s/../../share/belay/%s", executable, kind));
        }
        free(tree);
    }
    free(executable);
    return folders;
}

static bool name_is_inside(const char *name)
{
    if (!*name || *name == '/')
        return false;
    for (const char *p = name; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
            return false;
    }
    return true;
}

char *asset_path(const char *kind, const char *name, struct err *e)
{
    if (!name_is_inside(name)) {
        err_set(e, ERR_USAGE, "\"%.80s\" is not a name in %s/", name, kind);
        return NULL;
    }
    char **folders = kind_folders(kind), *found = NULL;
    struct str places = {0};
    for (size_t i = 0; folders && folders[i] && !found; i++) {
        char *path = path_join(folders[i], name);
        if (access(path, F_OK) == 0)
            found = path;
        else
            free(path);
        str_addf(&places, "%s%s", i ? ", " : "", folders[i]);
    }
    if (!found)
        err_set(e, ERR_NOT_FOUND, "there is no %s/%s (looked in: %s)", kind, name,
                places.len ? str_text(&places) : "no such folder anywhere; BELAY_ASSETS can name one");
    str_fini(&places);
    strv_free(folders);
    return found;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **asset_list(const char *kind, const char *suffix)
{
    char **folders = kind_folders(kind), **names = xcalloc(1, sizeof *names);
    struct map *seen = map_new();
    for (size_t i = 0; folders && folders[i]; i++) {
        DIR *folder = opendir(folders[i]);
        struct dirent *entry;
        while (folder && (entry = readdir(folder))) {
            size_t length = strlen(entry->d_name), tail = strlen(suffix);
            if (entry->d_name[0] == '.' || length <= tail || !str_ends(entry->d_name, suffix))
                continue;
            char *name = xstrndup(entry->d_name, length - tail);
            if (!map_set(seen, name, seen))
                strv_add(&names, name);
            free(name);
        }
        if (folder)
            closedir(folder);
    }
    map_free(seen);
    strv_free(folders);
    qsort(names, strv_count(names), sizeof *names, by_text);
    return names;
}
