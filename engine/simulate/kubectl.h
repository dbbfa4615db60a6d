/* The stand-in for kubectl, as a pure function of the world: it takes the true argument lists, refuses what
 * kubectl refuses in the same words and with the same exit status, and says so when something is true kubectl
 * but not simulated. */
#ifndef BELAY_SIMULATE_KUBECTL_H
#define BELAY_SIMULATE_KUBECTL_H

#include "engine/simulate/world.h"

struct kubectl_call {
    char *const *argv; /* argv[0] is kubectl itself */
    int argc;
    const char *input; /* what `-f -` reads */
    int64_t token_us;  /* -1 the first time, then what the result before it said */
};

struct kubectl_result {
    int exit;
    struct str out, err;
    int64_t again_ms; /* 0: it ended. Else call again after so long (real time), with the token */
    int64_t token_us; /* virtual time of the first call */
};

void kubectl_run(struct world *w, const struct kubectl_call *c, struct kubectl_result *r);
void kubectl_result_fini(struct kubectl_result *r);

#endif
