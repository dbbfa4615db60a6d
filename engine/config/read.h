/* Inside config: the tree into struct config, by the options table. */
#ifndef BELAY_CONFIG_READ_H
#define BELAY_CONFIG_READ_H

#include "engine/config/values.h"

void config_read(const struct value_place *place, const cJSON *tree, struct config *c);

#endif
