/* Inside config: findings in the order of their places, and the first of them as an error. */
#ifndef BELAY_CONFIG_FINDINGS_H
#define BELAY_CONFIG_FINDINGS_H

#include "engine/config/config.h"

/* Orders what was added since `from` by line and column; equals keep their order. */
void findings_sort(struct config_findings *f, size_t from);

/* The first error since `from` into e; 0 when there is none. */
int findings_to_err(const struct config_findings *f, size_t from, struct err *e);

#endif
