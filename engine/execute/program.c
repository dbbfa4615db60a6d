/* Finding `belay` from `belay-console`: by the place of the running executable, never through PATH. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/spool.h"

static char *own_folder(struct err *e)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0) {
        err_errno(e, "/proc/self/exe");
        return NULL;
    }
    path[length] = '\0'; /* an upgrade appends " (deleted)" to the name; the folder stays */
    char *slash = strrchr(path, '/');
    if (!slash) {
        err_set(e, ERR_NOT_FOUND, "/proc/self/exe names no file: %s", path);
        return NULL;
    }
    *slash = '\0';
    return xstrdup(path);
}

char *program_find(struct err *e)
{
    static const char *const places[] = {"belay", "../../bin/belay"};
    char *folder = own_folder(e);
    if (!folder)
        return NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = path_join(folder, places[i]);
        char *real = access(path, X_OK) == 0 ? realpath(path, NULL) : NULL;
        free(path);
        if (real) {
            free(folder);
            return real;
        }
    }
    err_set(e, ERR_NOT_FOUND,
            "the program belay, which supervises steps, is neither in %s nor in its ../../bin: install belay "
            "again",
            folder);
    free(folder);
    return NULL;
}
