/* Inside config: the rules of a breaker, rows of the table wherever a breaker may be declared. The names are
 * those of `belay exec --breaker`, with _ for -. */
#ifndef BELAY_CONFIG_OPTIONS_BREAKER_H
#define BELAY_CONFIG_OPTIONS_BREAKER_H

#include "engine/config/options.h"

#define BREAKER_OPTION(group, key, base, field)                                                              \
    .path = group "." key, .offset = (base) + offsetof(struct config_breaker, field)

/* group: the path of the mapping; base: the offset of its struct config_breaker. */
#define BREAKER_OPTIONS(group, base)                                                                         \
    {BREAKER_OPTION(group, "failures", base, failures),                                                      \
     .type = OPTION_INTEGER,                                                                                 \
     .fallback = "5",                                                                                        \
     .minimum = 0,                                                                                           \
     .maximum = 1000000,                                                                                     \
     .help = "Failures in a row that trip it. `0`: not by this rule."},                                      \
        {BREAKER_OPTION(group, "rate", base, rate_milli), .type = OPTION_DECIMAL, .minimum = 1,              \
         .maximum = 1000,                                                                                    \
         .help = "Share of failed calls of the window that trips it, as `0.5`. Default: not by this rule."}, \
        {BREAKER_OPTION(group, "slow_rate", base, slow_milli), .type = OPTION_DECIMAL, .minimum = 1,         \
         .maximum = 1000,                                                                                    \
         .help = "Share of slow calls of the window that trips it. Default: not by this rule."},             \
        {BREAKER_OPTION(group, "slow", base, slow_us), .type = OPTION_DURATION, .minimum = US_PER_MS,        \
         .maximum = 86400 * US_PER_S, .help = "From which duration on a call is slow."},                     \
        {BREAKER_OPTION(group, "minimum", base, minimum_calls),                                              \
         .type = OPTION_INTEGER,                                                                             \
         .fallback = "20",                                                                                   \
         .minimum = 1,                                                                                       \
         .maximum = 1000000,                                                                                 \
         .help = "Calls of the window before a rate says anything."},                                        \
        {BREAKER_OPTION(group, "window", base, window_us),                                                   \
         .type = OPTION_DURATION,                                                                            \
         .fallback = "1m",                                                                                   \
         .minimum = US_PER_S,                                                                                \
         .maximum = 3600 * US_PER_S,                                                                         \
         .help = "The calls of this long are judged by the rates."},                                         \
        {BREAKER_OPTION(group, "window_calls", base, window_calls), .type = OPTION_INTEGER, .minimum = 1,    \
         .maximum = 512, .help = "The last so many calls are judged, instead of a time's."},                 \
        {BREAKER_OPTION(group, "cool_down", base, cool_down_us),                                             \
         .type = OPTION_DURATION,                                                                            \
         .fallback = "1m",                                                                                   \
         .minimum = US_PER_MS,                                                                               \
         .maximum = 86400 * US_PER_S,                                                                        \
         .help = "How long it refuses before it lets a probe through."},                                     \
        {BREAKER_OPTION(group, "multiplier", base, multiplier_milli),                                        \
         .type = OPTION_DECIMAL,                                                                             \
         .fallback = "1",                                                                                    \
         .minimum = 1000,                                                                                    \
         .maximum = 100000,                                                                                  \
         .help = "What the cool-down is multiplied by each time that it opens again."},                      \
        {BREAKER_OPTION(group, "cap", base, cool_down_cap_us),                                               \
         .type = OPTION_DURATION,                                                                            \
         .fallback = "10m",                                                                                  \
         .minimum = US_PER_MS,                                                                               \
         .maximum = 86400 * US_PER_S,                                                                        \
         .help = "No cool-down grows beyond it."},                                                           \
        {BREAKER_OPTION(group, "jitter", base, jitter_milli),                                                \
         .type = OPTION_DECIMAL,                                                                             \
         .fallback = "0.1",                                                                                  \
         .minimum = 0,                                                                                       \
         .maximum = 500,                                                                                     \
         .help = "How far a cool-down is spread, to both sides, so that not all come back at once."},        \
        {BREAKER_OPTION(group, "probes", base, probes),                                                      \
         .type = OPTION_INTEGER,                                                                             \
         .fallback = "1",                                                                                    \
         .minimum = 1,                                                                                       \
         .maximum = 4,                                                                                       \
         .help = "Calls at a time that try whether it works again."},                                        \
    {                                                                                                        \
        BREAKER_OPTION(group, "successes", base, successes), .type = OPTION_INTEGER, .fallback = "1",        \
                                                             .minimum = 1, .maximum = 100,                   \
                                                             .help = "Probes that must succeed to close it." \
    }

#endif
