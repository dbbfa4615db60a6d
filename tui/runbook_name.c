#include "tui/runbook_name.h"

#include <stdlib.h>
#include <sys/stat.h>

#define NAMES_MOST 255

static char *whole_path(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? realpath(path, NULL) : NULL;
}

static int unknown(const struct engine *engine, const char *name, struct err *e)
{
    const char *names[NAMES_MOST + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < engine_runbook_count(engine) && count < NAMES_MOST; i++) {
        struct engine_runbook view;
        engine_runbook_at(engine, i, &view);
        if (view.book != NULL) {
            names[count++] = view.book->id;
        }
    }
    const char *nearest = config_nearest(name, names);
    if (nearest != NULL) {
        return err_set(e, ERR_NOT_FOUND, "%s is neither a file nor a runbook's id: did you mean %s?", name,
                       nearest);
    }
    return err_set(e, ERR_NOT_FOUND, "%s is neither a file nor a runbook's id (belay runbook list has them)",
                   name);
}

char *runbook_name_path(const struct engine *engine, const char *name, struct err *e)
{
    char *file = whole_path(name), *found = NULL;
    for (size_t i = 0; strchr(name, '/') == NULL && e->code == 0 && i < engine_runbook_count(engine); i++) {
        struct engine_runbook view;
        engine_runbook_at(engine, i, &view);
        if (view.book == NULL || !str_eq(view.book->id, name)) {
            continue;
        }
        char *path = whole_path(view.path);
        path = path != NULL ? path : xstrdup(view.path);
        if (found == NULL) {
            found = path;
            continue;
        }
        if (!str_eq(found, path)) {
            err_set(e, ERR_USAGE, "%s is the id of %s and of %s: name the file", name, found, path);
        }
        free(path);
    }
    if (file != NULL && found != NULL && !str_eq(file, found)) {
        err_set(e, ERR_USAGE, "%s is a file here and the id of %s: ./%s is the file", name, found, name);
    } else if (file == NULL && found == NULL) {
        unknown(engine, name, e);
    }
    if (file == NULL) {
        file = found;
        found = NULL;
    }
    free(found);
    if (e->code) {
        free(file);
        file = NULL;
    }
    return file;
}

bool runbook_name_view(const struct engine *engine, const char *path, struct engine_runbook *view)
{
    for (size_t i = 0; i < engine_runbook_count(engine); i++) {
        struct engine_runbook known;
        engine_runbook_at(engine, i, &known);
        char *whole = whole_path(known.path);
        bool same = str_eq(known.path, path) || str_eq(whole, path);
        free(whole);
        if (same) {
            *view = known;
            return true;
        }
    }
    return false;
}
