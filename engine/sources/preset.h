/* Presets: mappings that ship as YAML files in assets/presets/, or that a team keeps beside its configuration
 * in presets/. A preset says which kinds of source it suits, which variables it takes, where below the URL
 * the answer is, and how it is mapped:
 *
 *   preset: qdrant                     the file's name without .yaml
 *   help: the shards of one collection
 *   kinds: [http]
 *   path: /collections/{collection}/cluster      appended to a URL that doesn't end so
 *   parse: json                        optional
 *   every: 5s                          optional
 *   vars:
 *     collection: {help: its name}     without a default it must be given
 *     late: {help: ..., default: 1h}
 *   map: ...
 */
#ifndef BELAY_SOURCES_PRESET_H
#define BELAY_SOURCES_PRESET_H

#include "engine/base/base.h"
#include "engine/config/config.h"

struct preset {
    char *name, *file, *help;
    char **kinds;
    char *path;       /* NULL: none */
    char *parse;      /* NULL: the kind's own way */
    int64_t every_us; /* 0: not said */
    cJSON *tree;      /* the whole file */
    const cJSON *map, *vars;
};

/* NULL with the reason: there is none, or the file is not one. config (may be NULL) tells where the team's
 * own are. */
struct preset *preset_load(const char *name, const struct config *config, struct err *e);
void preset_free(struct preset *p);

bool preset_suits(const struct preset *p, const char *kind);

/* The variables of a source: given ones, then the preset's defaults. p may be NULL. A missing or unknown one
 * is a finding; NULL then. */
cJSON *preset_variables(const struct preset *p, const struct config_source *s, const char *file,
                        struct config_findings *findings, struct err *e);

/* The names of all presets, sorted; strv_free. */
char **preset_names(const struct config *config);

#endif
