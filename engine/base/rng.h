/* A small seedable random generator (xoshiro256**, seeded by splitmix64; Blackman and Vigna, public domain
 * algorithm). Not for secrets. */
#ifndef BELAY_BASE_RNG_H
#define BELAY_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound);   /* uniform in [0, bound); 0 when bound is 0 */
double rng_unit(struct rng *r);                      /* uniform in [0, 1) */
uint64_t rng_entropy(void);                          /* a seed from the kernel */

#endif
