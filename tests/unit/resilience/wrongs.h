/* What simulations share: the right machine lives many lives, and every wrong one is caught; a simulation
 * that catches none proves nothing. simulate says what broke, or NULL; wrong 0 is the right machine. */
#ifndef BELAY_TESTS_WRONGS_H
#define BELAY_TESTS_WRONGS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef const char *simulate_fn(uint64_t seed, unsigned wrong);

static inline void right_holds(simulate_fn *simulate, uint64_t lives)
{
    for (uint64_t seed = 1; seed <= lives; seed++) {
        const char *broken = simulate(seed, 0);
        if (broken)
            fail_msg("seed %llu: %s", (unsigned long long)seed, broken);
    }
}

static inline void wrongs_are_caught(simulate_fn *simulate, const char *const *texts, unsigned count,
                                     uint64_t seeds)
{
    for (unsigned wrong = 1; wrong < count; wrong++) {
        const char *broken = NULL;
        uint64_t seed = 0;
        while (!broken && seed < seeds)
            broken = simulate(++seed, wrong);
        if (!broken)
            fail_msg("not caught in %llu seeds: %s", (unsigned long long)seed, texts[wrong]);
        printf("%s: caught at seed %llu: %s\n", texts[wrong], (unsigned long long)seed, broken);
    }
}

#endif
