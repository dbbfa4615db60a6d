/* Belay's own breakers and chains as the platform sees them. */
#ifndef BELAY_ENGINE_OWN_H
#define BELAY_ENGINE_OWN_H

#include "engine/platform/platform.h"
#include "engine/targets/targets.h"

#define OWN_SOURCE "belay"

/* Hands the platform what is known of each own breaker: those that this process keeps as they are, all others
 * as they are in the state database. The source is added with the first call. */
void own_observe(struct platform *p, const struct target_view *views, size_t count, struct kept *const *kept,
                 size_t kept_count, int64_t now_us, int64_t wall_us);

/* The same for the tiers of own chains; after own_observe. */
void own_chains_observe(struct platform *p, const struct target_view *views, size_t count, int64_t now_us,
                        int64_t wall_us);

#endif
