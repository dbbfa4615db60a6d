/* Where the files that ship with belay are: themes, presets, runbooks, examples, the demo's stand-ins. The
 * same lookup serves the build tree and an installed copy; nothing is compiled in, so an installed tree may
 * be moved. In this order: $BELAY_ASSETS/KIND/NAME, the user's own $XDG_CONFIG_HOME/belay/KIND/NAME, then by
 * the place of the running executable either the source tree (its build folder holds a file `source-tree`
 * that names it) or PREFIX/share/belay. */
#ifndef BELAY_BASE_ASSET_H
#define BELAY_BASE_ASSET_H

#include "engine/base/err.h"

/* The path of an existing file or folder, for example asset_path("themes", "dark.yaml", &e). The caller
 * frees; NULL with ERR_NOT_FOUND and the places that were looked at. A name may hold folders, but no "..",
 * and is never absolute. */
char *asset_path(const char *kind, const char *name, struct err *e);

/* The names in a kind that end in suffix (without it), sorted, each once, from all places; never NULL
 * (strv_free). */
char **asset_list(const char *kind, const char *suffix);

#endif
