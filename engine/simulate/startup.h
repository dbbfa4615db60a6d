/* How the components start after a release: who needs whom, what keeps them from it, and the migration that
 * the release needs. Only pods that began after the release struck are held to it. */
#ifndef BELAY_SIMULATE_STARTUP_H
#define BELAY_SIMULATE_STARTUP_H

#include "engine/base/base.h"

struct world;

#define STARTUP_GATE "wait-for-controller" /* the init container of what waits by itself */

/* What a component needs before it can start, "vectorstore,controller"; "" for the others. */
const char *startup_needs(const char *component);
/* The release is rolled out: the migration fails, and all that it replaces has to start anew. */
void startup_strike(struct world *w);
/* Appends why the pod's process gives up; false when it can go on. */
bool startup_blocked(const struct world *w, const cJSON *pod, struct str *why);
/* Its init container still waits. */
bool startup_gated(const struct world *w, const cJSON *pod);
/* Some pod is in a crash loop. */
bool startup_crashing(const struct world *w);
/* The job's container runs the migration. */
bool startup_migrates(const cJSON *job);

#endif
