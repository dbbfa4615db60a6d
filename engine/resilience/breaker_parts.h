/* What the breaker's own files share. */
#ifndef BELAY_RESILIENCE_BREAKER_PARTS_H
#define BELAY_RESILIENCE_BREAKER_PARTS_H

#include "engine/resilience/breaker.h"

/* The window that the rules ask for, empty. */
void breaker_window_init(struct window *w, const struct breaker_rules *r);
/* The cool-down that no trip can exceed. */
int64_t breaker_cool_down_most_ms(const struct breaker_rules *r);
int64_t breaker_probe_lease_ms(const struct breaker_rules *r);

#endif
