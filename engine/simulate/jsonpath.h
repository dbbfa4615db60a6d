/* kubectl's JSONPath templates, as far as runbooks use them: fields, [n], [*], filters by a field's value,
 * range and end, quoted texts. */
#ifndef BELAY_SIMULATE_JSONPATH_H
#define BELAY_SIMULATE_JSONPATH_H

#include "engine/base/base.h"

/* Appends what the template gives for root. A field that isn't there gives nothing. ERR_SYNTAX for a template
 * that can't be read. */
int jsonpath_write(const cJSON *root, const char *template, struct str *out, struct err *e);

#endif
