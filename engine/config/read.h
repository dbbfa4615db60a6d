/* Inside config: the tree into struct config, by the options table. */
#ifndef BELAY_CONFIG_READ_H
#define BELAY_CONFIG_READ_H

#include "engine/config/values.h"

void config_read(const struct value_place *place, const cJSON *tree, struct config *c);

/* prefix is the group's path as its members' paths begin: "", "identity.", "sources[].". */
void read_group(const struct value_place *place, const char *prefix, const cJSON *object, void *base);

/* chains.c */
void read_policies(const struct value_place *place, const cJSON *list, struct config *c);
void read_chains(const struct value_place *place, const cJSON *list, struct config *c);
void read_tiers(const struct value_place *place, const cJSON *list, struct config_chain *chain);
/* Only once all are read. errors: how many there were before the configuration was begun. */
void check_chains(const struct value_place *place, const struct config *c, size_t errors);
void chains_fini(struct config *c); /* and policies */

/* healing.c */
void read_diagnosers(const struct value_place *place, const cJSON *list, struct config *c);
void read_heal_rules(const struct value_place *place, const cJSON *list, struct config *c);
void check_healing(const struct value_place *place, const struct config *c, size_t errors);
void healing_fini(struct config *c);

#endif
