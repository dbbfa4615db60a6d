/* The sources. */
#include "engine/config/options.h"

#define OF_SOURCE(field) offsetof(struct config_source, field)

const struct option options_sources[] = {
    {
        .path = "sources",
        .type = OPTION_GROUPS,
        .help = "Where the state comes from.",
    },
    {
        .path = "sources[].name",
        .type = OPTION_NAME,
        .required = true,
        .minimum = 1,
        .maximum = 64,
        .help = "Unique among the sources.",
        .offset = OF_SOURCE(name),
    },
    {
        .path = "sources[].kind",
        .type = OPTION_NAME,
        .required = true,
        .minimum = 1,
        .maximum = 32,
        .help = "How it is asked: `prometheus`, `http`, `redis`, `command` or `journal`.",
        .offset = OF_SOURCE(kind),
    },
    {
        .path = "sources[].url",
        .type = OPTION_URL,
        .help = "Where it is. No password here: `password:` takes a reference.",
        .offset = OF_SOURCE(url),
    },
    {
        .path = "sources[].command",
        .type = OPTION_ARGV,
        .help = "For `kind: command`: a program and its arguments, run without a shell. It prints JSON, or "
                "what `parse:` says.",
        .offset = OF_SOURCE(command),
    },
    {
        .path = "sources[].env",
        .type = OPTION_ENVIRONMENT,
        .help = "Environment variables that are added for the command.",
        .offset = OF_SOURCE(env),
    },
    {
        .path = "sources[].preset",
        .type = OPTION_NAME,
        .minimum = 1,
        .maximum = 64,
        .help = "A mapping that ships with belay (`assets/presets/`), without `.yaml`.",
        .offset = OF_SOURCE(preset),
    },
    {
        .path = "sources[].vars",
        .type = OPTION_STRINGS,
        .help = "Values for the preset's or mapping's variables.",
        .offset = OF_SOURCE(vars),
    },
    {
        .path = "sources[].map",
        .type = OPTION_TREE,
        .help = "The mapping in place, instead of a preset or besides it. A list gives several kinds of "
                "entities.",
        .offset = OF_SOURCE(map),
    },
    {
        .path = "sources[].parse",
        .type = OPTION_CHOICE,
        .choices = "json|prometheus|csv",
        .help = "How the answer is read. Default: what the kind of source usually gives (`command`: json).",
        .offset = OF_SOURCE(parse),
    },
    {
        .path = "sources[].every",
        .type = OPTION_DURATION,
        .fallback = "5s",
        .minimum = 100 * US_PER_MS,
        .maximum = 86400 * US_PER_S,
        .help = "How often it is asked. Default for signals: 2s.",
        .offset = OF_SOURCE(every_us),
    },
    {
        .path = "sources[].timeout",
        .type = OPTION_DURATION,
        .minimum = 10 * US_PER_MS,
        .maximum = 600 * US_PER_S,
        .help = "How long one question may take. Default: `every`, but at most 3s.",
        .offset = OF_SOURCE(timeout_us),
    },
    {
        .path = "sources[].stale_after",
        .type = OPTION_DURATION,
        .minimum = 100 * US_PER_MS,
        .maximum = 30 * 86400 * US_PER_S,
        .help = "From this age on, what it said counts as unknown. Default: three times `every`.",
        .offset = OF_SOURCE(stale_after_us),
    },
    {
        .path = "sources[].expected",
        .type = OPTION_INTEGER,
        .minimum = 0,
        .maximum = 1000000,
        .unit = "rows",
        .help = "How many rows must be there: a vanished row is then down, not gone. `0`: there may be none.",
        .offset = OF_SOURCE(expected),
    },
    {
        .path = "sources[].headers",
        .type = OPTION_GROUP,
        .help = "HTTP headers to send.",
    },
    {
        .path = "sources[].headers.*",
        .type = OPTION_HEADER,
        .help = "Text, or `{secret: REFERENCE}`; `prefix:` is put before a secret, as `\"Bearer \"`.",
    },
    {
        .path = "sources[].user",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 256,
        .help = "User for HTTP basic authentication, or of Redis' access lists.",
        .offset = OF_SOURCE(user),
    },
    {
        .path = "sources[].password",
        .type = OPTION_SECRET,
        .help = "Its password.",
        .offset = OF_SOURCE(password),
    },
    {
        .path = "sources[].ca",
        .type = OPTION_PATH,
        .help = "PEM file with the authorities to trust for https, instead of the system's.",
        .offset = OF_SOURCE(ca),
    },
    {0},
};
