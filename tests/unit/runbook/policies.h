/* The policies that steps of tests go by, and what follows such a step. */
#ifndef BELAY_TESTS_RUNBOOK_POLICIES_H
#define BELAY_TESTS_RUNBOOK_POLICIES_H

#include "tests/unit/runbook/walker.h"

#define SLOW "policies:\n  - {name: p, attempts: 3, base: 1s, factor: 2, jitter: none}\n"
#define LISTS                                                                                                \
    "policies:\n  - {name: p, attempts: 3, base: 1s, jitter: none, retry_on: \"75\", permanent: \"1,77\"}\n"
#define NEXT BLOCK("name=b kind=check")

static inline struct walker acting(const char *document, const char *yaml)
{
    struct walker w = walk_with(document, yaml, NULL);
    act(&w, "a");
    return w;
}

#endif
