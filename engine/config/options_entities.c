/* What is said of entities besides their sources: safe mode, pages elsewhere, logs. */
#include "engine/config/options.h"

#define OF_CONFIG(field) offsetof(struct config, field)
#define OF_LINK(field)   offsetof(struct config_link, field)
#define OF_LOGS(field)   offsetof(struct config_logs, field)

#define ENTITY_KINDS "signal|breaker|chain|shard|job|alert|snapshot|component"

const struct option options_entities[] = {
    {
        .path = "safe_mode",
        .type = OPTION_GROUP,
        .help =
            "Safe mode: the entity that proves it, for the header, and the runbooks that enter and leave it.",
    },
    {
        .path = "safe_mode.kind",
        .type = OPTION_CHOICE,
        .fallback = "component",
        .choices = ENTITY_KINDS,
        .help = "The kind of that entity.",
        .offset = OF_CONFIG(safe_mode.kind),
    },
    {
        .path = "safe_mode.name",
        .type = OPTION_TEXT,
        .required = true,
        .minimum = 1,
        .maximum = 256,
        .help = "Its name, as a source's mapping gives it.",
        .offset = OF_CONFIG(safe_mode.name),
    },
    {
        .path = "safe_mode.on",
        .type = OPTION_TEXT,
        .fallback = "on",
        .minimum = 1,
        .maximum = 64,
        .help = "Its own word, or its value, that means on.",
        .offset = OF_CONFIG(safe_mode.on),
    },
    {
        .path = "safe_mode.off",
        .type = OPTION_TEXT,
        .fallback = "off",
        .minimum = 1,
        .maximum = 64,
        .help = "What means off. Anything else is shown as it is, and is neither.",
        .offset = OF_CONFIG(safe_mode.off),
    },
    {
        .path = "safe_mode.enter",
        .type = OPTION_TEXT,
        .fallback = "safe-mode-enter",
        .minimum = 1,
        .maximum = 128,
        .help = "The id of the runbook that enters it.",
        .offset = OF_CONFIG(safe_mode.enter),
    },
    {
        .path = "safe_mode.leave",
        .type = OPTION_TEXT,
        .fallback = "safe-mode-leave",
        .minimum = 1,
        .maximum = 128,
        .help = "The id of the runbook that leaves it.",
        .offset = OF_CONFIG(safe_mode.leave),
    },
    {
        .path = "links",
        .type = OPTION_GROUPS,
        .help = "Pages elsewhere about an entity, shown on its own page.",
    },
    {
        .path = "links[].title",
        .type = OPTION_TEXT,
        .required = true,
        .minimum = 1,
        .maximum = 64,
        .help = "What it is called.",
        .offset = OF_LINK(title),
    },
    {
        .path = "links[].url",
        .type = OPTION_TEXT,
        .required = true,
        .minimum = 1,
        .maximum = 2048,
        .help = "Where it is. `{name}`, `{kind}`, `{group}`, `{source}`, `{state}` and any attribute of the "
                "entity are "
                "put in, percent-encoded.",
        .offset = OF_LINK(url),
    },
    {
        .path = "links[].kind",
        .type = OPTION_CHOICE,
        .choices = ENTITY_KINDS,
        .help = "Only for entities of that kind.",
        .offset = OF_LINK(kind),
    },
    {
        .path = "links[].name",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 256,
        .help = "Only for entities of such a name; `*` and `?` stand for others.",
        .offset = OF_LINK(name),
    },
    {
        .path = "logs",
        .type = OPTION_GROUPS,
        .help = "Commands that print the logs of an entity; `L` on its page opens them in a pager.",
    },
    {
        .path = "logs[].title",
        .type = OPTION_TEXT,
        .required = true,
        .minimum = 1,
        .maximum = 64,
        .help = "What they are called.",
        .offset = OF_LOGS(title),
    },
    {
        .path = "logs[].command",
        .type = OPTION_ARGV,
        .required = true,
        .help = "A program and its arguments, run without a shell. `{name}` and the others are put in as "
                "above; a value "
                "of other characters than `A-Za-z0-9._:/@-`, or that begins with `-`, is refused.",
        .offset = OF_LOGS(command),
    },
    {
        .path = "logs[].kind",
        .type = OPTION_CHOICE,
        .choices = ENTITY_KINDS,
        .help = "Only for entities of that kind.",
        .offset = OF_LOGS(kind),
    },
    {
        .path = "logs[].name",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 256,
        .help = "Only for entities of such a name; `*` and `?` stand for others.",
        .offset = OF_LOGS(name),
    },
    {
        .path = "logs[].timeout",
        .type = OPTION_DURATION,
        .fallback = "30s",
        .minimum = 100 * US_PER_MS,
        .maximum = 600 * US_PER_S,
        .help = "How long it may take.",
        .offset = OF_LOGS(timeout_us),
    },
    {0},
};
