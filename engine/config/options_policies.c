/* The resilience policies. */
#include "engine/config/options.h"
#include "engine/config/options_breaker.h"

#define OF_POLICY(field) offsetof(struct config_policy, field)

const struct option options_policies[] = {
    {
        .path = "policies",
        .type = OPTION_GROUPS,
        .help = "How a call is made: attempts, delays, time-outs, breaker, budget, cost. A step names one as "
                "`policy=NAME`, so does `belay exec --policy NAME`, and a chain. `default` and `rate-limit` "
                "(5 attempts, base 1s, cap 60s) are "
                "always there and may be written anew.",
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
        .help = "What the time-out is multiplied by from attempt to attempt: 2 makes 30s, 60s, 120s.",
        .offset = OF_POLICY(growth_milli),
    },
    {
        .path = "policies[].timeout",
        .type = OPTION_DURATION,
        .minimum = US_PER_MS,
        .maximum = 30 * 86400 * US_PER_S,
        .help =
            "How long the first attempt may take. A step's own `timeout` goes before it. Default: no limit.",
        .offset = OF_POLICY(timeout_us),
    },
    {
        .path = "policies[].idempotent",
        .type = OPTION_BOOLEAN,
        .help =
            "Whether a call may be repeated although it may have had an effect. Default: no. Steps say it "
            "themselves.",
        .offset = OF_POLICY(idempotent),
    },
    {
        .path = "policies[].checks",
        .type = OPTION_BOOLEAN,
        .fallback = "false",
        .help = "Also the policy of every check, verification and evidence of a runbook that names none "
                "itself. One policy at most may say so.",
        .offset = OF_POLICY(checks),
    },
    {
        .path = "policies[].budget",
        .type = OPTION_INTEGER,
        .fallback = "10",
        .minimum = 0,
        .maximum = 1000,
        .unit = "tokens",
        .help =
            "The retry budget of each target: a failure takes one, a success gives a tenth back, and there "
            "are "
            "retries only while more than half are there. `0`: none.",
        .offset = OF_POLICY(budget),
    },
    {
        .path = "policies[].retry_on",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 256,
        .help = "Exit statuses and classes that pass, as `75,100-110,timeout`. Of a step only the statuses "
                "count: one of them is a failure for certain, and no unknown outcome.",
        .offset = OF_POLICY(retry_on),
    },
    {
        .path = "policies[].permanent",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 256,
        .help = "Exit statuses and classes that stay, as `64,77`: they are never tried again.",
        .offset = OF_POLICY(permanent),
    },
    {
        .path = "policies[].on_failure",
        .type = OPTION_CHOICE,
        .fallback = "fallback",
        .choices = "fallback|heal|skip|fail",
        .help =
            "When no attempt is left: `fallback` go on with the chain's next tier, `heal` ask the healing "
            "rules "
            "for a fix, `skip` leave it out and go on, `fail` fail. A step stays failed, whatever follows: "
            "`skip` goes on "
            "with the next one, `fail` stops the run, the others ask; its own `onfail` goes before.",
        .offset = OF_POLICY(end),
    },
    {
        .path = "policies[].cost_ceiling",
        .type = OPTION_AMOUNT,
        .minimum = 0,
        .maximum = 1000000LL * 1000000,
        .help = "What one operation may cost, all attempts and tiers together. Default: no limit.",
        .offset = OF_POLICY(ceiling_micro),
    },
    {
        .path = "policies[].breaker",
        .type = OPTION_GROUP,
        .help = "A circuit breaker for what is called under this policy.",
    },
    {
        .path = "policies[].breaker.name",
        .type = OPTION_NAME,
        .minimum = 1,
        .maximum = 128,
        .help = "Whose it is: all that name it have one breaker and one retry budget, steps and `belay exec` "
                "alike. Default: of a step the policy's own name, of `belay exec` the command's.",
        .offset = OF_POLICY(breaker_name),
    },
    BREAKER_OPTIONS("policies[].breaker", OF_POLICY(breaker)),
    {0},
};
