/* The plan of an operation, and the tier that is a command. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/targets/exec.h"

void exec_plan_init(struct exec_plan *p)
{
    *p = (struct exec_plan){.policy = policy_default()};
    p->policy.breaker = breaker_rules_default();
}

void exec_plan_fini(struct exec_plan *p)
{
    for (size_t i = 0; i < p->tier_count; i++)
        if (p->tiers[i].free)
            p->tiers[i].free(p->tiers[i].data);
    free(p->state_folder);
    free(p->cached);
    free(p->id);
    free(p->refusal);
    *p = (struct exec_plan){0};
}

struct exec_tier *exec_plan_tier(struct exec_plan *p, const char *name)
{
    if (p->tier_count == CHAIN_TIERS_MAX)
        return NULL;
    struct exec_tier *tier = &p->tiers[p->tier_count++];
    *tier = (struct exec_tier){.cost = NAN, .accuracy = NAN};
    snprintf(tier->name, sizeof tier->name, "%s", name);
    return tier;
}
