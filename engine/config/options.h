/* Inside config: the options, a table a subject, and looking things up in them. */
#ifndef BELAY_CONFIG_OPTIONS_H
#define BELAY_CONFIG_OPTIONS_H

#include "engine/config/config.h"

/* Each ends with a NULL path. */
extern const struct option options_platform[], options_entities[], options_policies[], options_chains[],
    options_healing[], options_sources[];

/* The option `key` of the group whose paths begin with prefix ("", "identity.", "sources[]."), or its "*";
 * NULL when unknown. */
const struct option *option_find(const char *prefix, const char *key);

/* What follows prefix in the path of a direct member of that group; NULL for any other option. */
const char *option_member(const struct option *option, const char *prefix);

/* Exactly, as one would write it: "1m30s", "100ms", "0". */
#define OPTION_DURATION_SIZE 64
void option_duration_text(int64_t us, char text[static OPTION_DURATION_SIZE]);

#endif
