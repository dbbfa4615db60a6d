/* What an API server refuses of an object, whatever else is there. */
#ifndef BELAY_SIMULATE_MANIFEST_H
#define BELAY_SIMULATE_MANIFEST_H

#include "engine/base/base.h"

/* What is wrong with it, as it stands behind `is invalid: `; NULL when nothing is (the caller frees). */
char *manifest_wrong(const cJSON *object);
/* The same of one label's value. */
char *label_wrong(const char *value);

#endif
