/* The retry budget of a target, so that retries can't multiply an outage: a failure takes a token, a success
 * gives a tenth of one back, and a retry is allowed only while more than half are there (gRPC's retry
 * throttling, proposal A6). Included through resilience.h. */
#ifndef BELAY_RESILIENCE_BUDGET_H
#define BELAY_RESILIENCE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_TOKENS_DEFAULT 10
#define BUDGET_TOKENS_MAX     1000

struct budget {
    int32_t tenths; /* of a token */
    int32_t most;   /* tenths when full; 0: no budget, everything is allowed */
};

/* tokens: 0 (no budget) to BUDGET_TOKENS_MAX; starts full. */
void budget_init(struct budget *b, unsigned tokens);
void budget_failed(struct budget *b);
void budget_succeeded(struct budget *b);
bool budget_allows(const struct budget *b);

#endif
