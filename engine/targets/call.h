/* A question put to a chain of the configuration, from the loop and without waiting: tier after tier, attempt
 * after attempt as the machine of chain.h says, each behind its breaker in the state database (which is asked
 * in the pool), counted into the measures at the end. For callers with a loop of their own; `belay exec
 * --chain` is the same for a shell. Included through targets.h. */
#ifndef BELAY_TARGETS_CALL_H
#define BELAY_TARGETS_CALL_H

#include "engine/targets/ask.h"

struct call_result {
    enum chain_outcome outcome; /* SERVED, CACHED and REFUSED have an answer */
    const char *tier;           /* who served; NULL: nobody */
    unsigned attempts;
    double cost;
    struct str answer;   /* done may take it (str_take), else it is freed */
    const char *message; /* one line: why it is something lesser; "" when the first tier served */
    const char *trouble; /* the state database could not be used: it went on without; NULL */
};

struct call;

/* config, chain and http live until done; the question is copied. state_folder: of the state database, NULL
 * for none. NULL with an error when the chain can't work as declared, else done runs exactly once, later,
 * unless cancelled. */
struct call *call_start(struct loop *l, struct http *http, const struct config *config,
                        const struct config_chain *chain, const struct ask_question *question,
                        const char *state_folder, bool state_shared,
                        void (*done)(void *data, struct call_result *result), void *data, struct err *e);
void call_cancel(struct call *c); /* not from or after done; NULL is fine */

#endif
