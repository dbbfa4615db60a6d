/* The resilience policies. */
#include "engine/config/options.h"

#define OF_POLICY(field) offsetof(struct config_policy, field)

const struct option options_policies[] = {
    {
        .path = "policies",
        .type = OPTION_GROUPS,
        .help =
            "How often idempotent steps may be tried: a step names one as `policy=NAME`. `default` is always "
            "there and may be written anew.",
    },
    {
        .path = "policies[].name",
        .type = OPTION_NAME,
        .required = true,
        .minimum = 1,
        .maximum = 64,
        .help = "Unique among the policies.",
        .offset = OF_POLICY(name),
    },
    {
        .path = "policies[].attempts",
        .type = OPTION_INTEGER,
        .fallback = "3",
        .minimum = 1,
        .maximum = 100,
        .help = "How often at most, the first attempt included.",
        .offset = OF_POLICY(attempts),
    },
    {
        .path = "policies[].max_retries",
        .type = OPTION_INTEGER,
        .minimum = 0,
        .maximum = 99,
        .help = "The same as `attempts`, the first one not counted: one of the two keys.",
        .offset = OF_POLICY(max_retries),
    },
    {
        .path = "policies[].base",
        .type = OPTION_DURATION,
        .fallback = "100ms",
        .minimum = 0,
        .maximum = 86400 * US_PER_S,
        .help = "The delay before the second attempt.",
        .offset = OF_POLICY(base_us),
    },
    {
        .path = "policies[].factor",
        .type = OPTION_DECIMAL,
        .fallback = "2",
        .minimum = 1000,
        .maximum = 1000000,
        .help = "What each further delay is multiplied by.",
        .offset = OF_POLICY(factor_milli),
    },
    {
        .path = "policies[].cap",
        .type = OPTION_DURATION,
        .fallback = "30s",
        .minimum = US_PER_MS,
        .maximum = 86400 * US_PER_S,
        .help = "No delay is longer, before the jitter.",
        .offset = OF_POLICY(cap_us),
    },
    {
        .path = "policies[].jitter",
        .type = OPTION_CHOICE,
        .fallback = "additive",
        .choices = "additive|none|equal|full|decorrelated",
        .help = "How a delay d is spread: `additive` d and up to half of it more, `none` d, `equal` half of "
                "d and up "
                "to the other half, `full` anything up to d, `decorrelated` from `base` to three times the "
                "delay before.",
        .offset = OF_POLICY(jitter),
    },
    {
        .path = "policies[].deadline",
        .type = OPTION_DURATION,
        .minimum = US_PER_MS,
        .maximum = 30 * 86400 * US_PER_S,
        .help = "For all attempts together, from the first one's start. Default: none.",
        .offset = OF_POLICY(deadline_us),
    },
    {
        .path = "policies[].timeout_growth",
        .type = OPTION_DECIMAL,
        .fallback = "1",
        .minimum = 1000,
        .maximum = 100000,
        .help = "What the step's time-out is multiplied by from attempt to attempt: 2 makes 30s, 60s, 120s.",
        .offset = OF_POLICY(growth_milli),
    },
    {0},
};
