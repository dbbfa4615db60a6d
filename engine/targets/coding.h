/* What a row holds as bytes: whole numbers one after the other, 7 bits a byte, so that the many zeros of sums
 * cost one byte each. A decoder takes fewer numbers than it knows (an older program wrote them) for zeros,
 * and leaves out more. */
#ifndef BELAY_TARGETS_CODING_H
#define BELAY_TARGETS_CODING_H

#include "engine/resilience/resilience.h"

#define CODING_SUMS_MAX  512
#define CODING_RULES_MAX 192

size_t sums_encode(const struct measures_sums *s, uint8_t bytes[static CODING_SUMS_MAX]);
void sums_decode(const uint8_t *bytes, size_t length, struct measures_sums *s);

size_t rules_encode(const struct breaker_rules *r, uint8_t bytes[static CODING_RULES_MAX]);
/* False when they aren't whole or wouldn't do: then *r stays as it was. */
bool rules_decode(const uint8_t *bytes, size_t length, struct breaker_rules *r);

#endif
