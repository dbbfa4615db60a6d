/* Healing: what is looked for, who says what is wrong, and what mends it. */
#include "engine/config/options.h"

#define OF_HEAL(field)      offsetof(struct config, heal.field)
#define OF_DIAGNOSER(field) offsetof(struct config_diagnoser, field)
#define OF_RULE(field)      offsetof(struct config_heal_rule, field)

const struct option options_healing[] = {
    {
        .path = "heal",
        .type = OPTION_GROUP,
        .help = "Healing: a rule's condition, or a step whose policy says `on_failure: heal`, is diagnosed, "
                "and a "
                "fix is proposed; it runs by itself only where its rule says `policy: auto`.",
    },
    {
        .path = "heal.enabled",
        .type = OPTION_BOOLEAN,
        .fallback = "false",
        .help = "Nothing is looked for, asked or proposed unless this is true.",
        .offset = OF_HEAL(enabled),
    },
    {
        .path = "heal.attempts",
        .type = OPTION_INTEGER,
        .fallback = "2",
        .minimum = 1,
        .maximum = 10,
        .help = "How often a fix may run by itself for one case; then a person is asked for.",
        .offset = OF_HEAL(attempts),
    },
    {
        .path = "heal.rest",
        .type = OPTION_DURATION,
        .fallback = "2m",
        .minimum = US_PER_S,
        .maximum = 86400 * US_PER_S,
        .help = "How long a fix is given to show its effect before the next attempt.",
        .offset = OF_HEAL(rest_us),
    },
    {
        .path = "heal.confidence",
        .type = OPTION_DECIMAL,
        .fallback = "0.8",
        .minimum = 0,
        .maximum = 1000,
        .help = "How sure a diagnosis has to be for its fix to run by itself, 0 to 1.",
        .offset = OF_HEAL(confidence_milli),
    },
    {
        .path = "heal.diagnose",
        .type = OPTION_GROUPS,
        .help = "Who is asked what is wrong, in this order; the rules are always asked last.",
    },
    {
        .path = "heal.diagnose[].name",
        .type = OPTION_NAME,
        .required = true,
        .minimum = 1,
        .maximum = 48,
        .help = "Unique among them.",
        .offset = OF_DIAGNOSER(name),
    },
    {
        .path = "heal.diagnose[].command",
        .type = OPTION_ARGV,
        .help =
            "Reads {resource, error, context, fixes} as JSON on its standard input and prints {issue, fix, "
            "confidence, evidence}.",
        .offset = OF_DIAGNOSER(command),
    },
    {
        .path = "heal.diagnose[].chain",
        .type = OPTION_NAME,
        .minimum = 1,
        .maximum = 48,
        .help = "One of `chains:` that gets the same question as text, such as a chat endpoint. It can only "
                "choose "
                "among the fixes that the rules name.",
        .offset = OF_DIAGNOSER(chain),
    },
    {
        .path = "heal.diagnose[].timeout",
        .type = OPTION_DURATION,
        .fallback = "20s",
        .minimum = 100 * US_PER_MS,
        .maximum = 600 * US_PER_S,
        .help = "How long it may take; then the next one is asked.",
        .offset = OF_DIAGNOSER(timeout_us),
    },
    {
        .path = "heal.rules",
        .type = OPTION_GROUPS,
        .help = "What fixes what. After these come the shipped ones: `image-quality` and `encoding`.",
    },
    {
        .path = "heal.rules[].name",
        .type = OPTION_NAME,
        .required = true,
        .minimum = 1,
        .maximum = 48,
        .help = "Unique among the rules.",
        .offset = OF_RULE(name),
    },
    {
        .path = "heal.rules[].when",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 512,
        .help = "The condition that calls for it, written as a runbook's `offer`: `component.state == down`. "
                "Without "
                "it the rule only says what to do about what something else has found.",
        .offset = OF_RULE(when),
    },
    {
        .path = "heal.rules[].for",
        .type = OPTION_DURATION,
        .fallback = "0",
        .minimum = 0,
        .maximum = 86400 * US_PER_S,
        .help = "How long the condition must have held.",
        .offset = OF_RULE(for_us),
    },
    {
        .path = "heal.rules[].error",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 256,
        .help = "What the error says, upper and lower case alike; `*` and `?` stand for others. Default: "
                "anything.",
        .offset = OF_RULE(error),
    },
    {
        .path = "heal.rules[].resource",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 256,
        .help = "Only for what is named so, as `component retriever*`. Default: everything.",
        .offset = OF_RULE(resource),
    },
    {
        .path = "heal.rules[].issue",
        .type = OPTION_NAME,
        .minimum = 1,
        .maximum = 63,
        .help = "What is wrong, in a word. Default: the rule's name.",
        .offset = OF_RULE(issue),
    },
    {
        .path = "heal.rules[].fix",
        .type = OPTION_TEXT,
        .required = true,
        .minimum = 1,
        .maximum = 127,
        .help = "The id of a runbook, or RUNBOOK#STEP for one step of it.",
        .offset = OF_RULE(fix),
    },
    {
        .path = "heal.rules[].confidence",
        .type = OPTION_DECIMAL,
        .fallback = "0.9",
        .minimum = 0,
        .maximum = 1000,
        .help = "How sure it is, 0 to 1.",
        .offset = OF_RULE(confidence_milli),
    },
    {
        .path = "heal.rules[].policy",
        .type = OPTION_CHOICE,
        .fallback = "propose",
        .choices = "propose|auto",
        .help = "`auto` runs the fix by itself, and only where each acting step of it is idempotent, of "
                "scope process "
                "or pod, and needs no approval.",
        .offset = OF_RULE(policy),
    },
    {0},
};
