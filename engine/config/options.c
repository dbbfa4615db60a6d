#include "engine/config/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OF_CONFIG(field) offsetof(struct config, field)
#define OF_SOURCE(field) offsetof(struct config_source, field)
#define OF_POLICY(field) offsetof(struct config_policy, field)

#define OF_LINK(field) offsetof(struct config_link, field)
#define OF_LOGS(field) offsetof(struct config_logs, field)

#define ENTITY_KINDS      "signal|breaker|chain|shard|job|alert|snapshot|component"
#define SYSLOG_FACILITIES "user|daemon|auth|authpriv|local0|local1|local2|local3|local4|local5|local6|local7"

const struct option option_table[] = {
    {
        .path = "platform",
        .type = OPTION_NAME,
        .fallback = "local",
        .minimum = 1,
        .maximum = 64,
        .help =
            "The name of what is watched. It stands in the header and names the folder of journal and spool.",
        .offset = OF_CONFIG(platform),
    },
    {
        .path = "badge",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 16,
        .help = "A short word beside the platform. `PROD` is drawn as danger and makes the console start as "
                "observer.",
        .offset = OF_CONFIG(badge),
    },
    {
        .path = "journal",
        .type = OPTION_JOURNAL,
        .fallback = "private",
        .help =
            "Where journal, spool and leases are: `private` (this user's state folder) or "
            "`shared:FOLDER` (a folder of "
            "its own for a group of operators). `emergency:FOLDER`, on the command line, uses the emergency "
            "journal that `:emergency` made there.",
        .offset = OF_CONFIG(journal),
    },
    {
        .path = "emergency",
        .type = OPTION_PATH,
        .help = "A folder on another disk, where emergency journals are made when the journal can't be "
                "written. They are looked for there, in `/var/tmp` and in `/dev/shm`: every operator of a "
                "journal names the same one.",
        .offset = OF_CONFIG(emergency),
    },
    {
        .path = "observer",
        .type = OPTION_BOOLEAN,
        .help = "Start as observer, who sees everything and acts on nothing until `:join`. Default: true "
                "when the badge is "
                "`PROD`, else false.",
        .offset = OF_CONFIG(observer),
    },
    {
        .path = "operator",
        .type = OPTION_TEXT,
        .minimum = 1,
        .maximum = 64,
        .help = "The name that the journal shows for you. Default: the login name. It is a claim; uid and "
                "SSH key are "
                "recorded beside it.",
        .offset = OF_CONFIG(operator_name),
    },
    {
        .path = "identity",
        .type = OPTION_GROUP,
        .help = "Observes where acts would land, right before each; a mismatch refuses.",
    },
    {
        .path = "identity.command",
        .type = OPTION_ARGV,
        .required = true,
        .help = "Prints where acts would land, as `[kubectl, config, current-context]`.",
        .offset = OF_CONFIG(identity.command),
    },
    {
        .path = "identity.expect",
        .type = OPTION_TEXT,
        .required = true,
        .minimum = 1,
        .maximum = 256,
        .help = "What its output must be, blanks around it aside.",
        .offset = OF_CONFIG(identity.expect),
    },
    {
        .path = "identity.timeout",
        .type = OPTION_DURATION,
        .fallback = "3s",
        .minimum = 100 * US_PER_MS,
        .maximum = 60 * US_PER_S,
        .help = "How long it may take.",
        .offset = OF_CONFIG(identity.timeout_us),
    },
    {
        .path = "approvers",
        .type = OPTION_PATH,
        .help =
            "The keys whose signatures count as approvals: a file of allowed signers as in ssh-keygen(1), a "
            "line each, as `bob@example.org ssh-ed25519 AAAA...`. On a shared account only signed "
            "approvals count.",
        .offset = OF_CONFIG(approvers),
    },
    {
        .path = "mirror",
        .type = OPTION_GROUP,
        .help = "Sends each event's line and the head of the journal's hash chain off this host: only so is "
                "a cut tail "
                "seen. One of its two keys.",
    },
    {
        .path = "mirror.syslog",
        .type = OPTION_CHOICE,
        .choices = SYSLOG_FACILITIES,
        .help = "The syslog facility to send to.",
        .offset = OF_CONFIG(mirror.syslog),
    },
    {
        .path = "mirror.command",
        .type = OPTION_ARGV,
        .help = "A program that reads the lines on its standard input.",
        .offset = OF_CONFIG(mirror.command),
    },
    {
        .path = "oncall",
        .type = OPTION_GROUP,
        .help = "Who is on call, for the header.",
    },
    {
        .path = "oncall.command",
        .type = OPTION_ARGV,
        .required = true,
        .help = "Prints a name on its first line. When it fails the header says unknown.",
        .offset = OF_CONFIG(oncall.command),
    },
    {
        .path = "oncall.every",
        .type = OPTION_DURATION,
        .fallback = "5m",
        .minimum = 10 * US_PER_S,
        .maximum = 86400 * US_PER_S,
        .help = "How often it is asked.",
        .offset = OF_CONFIG(oncall.every_us),
    },
    {
        .path = "oncall.timeout",
        .type = OPTION_DURATION,
        .fallback = "5s",
        .minimum = 100 * US_PER_MS,
        .maximum = 60 * US_PER_S,
        .help = "How long it may take.",
        .offset = OF_CONFIG(oncall.timeout_us),
    },
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
    {
        .path = "theme",
        .type = OPTION_NAME,
        .fallback = "dark",
        .minimum = 1,
        .maximum = 64,
        .help = "A file in `themes/`, without `.yaml`.",
        .offset = OF_CONFIG(theme),
    },
    {
        .path = "runbooks",
        .type = OPTION_PATHS,
        .help = "Markdown files, and folders of them.",
        .offset = OF_CONFIG(runbooks),
    },
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

/* The rest of the option's path after prefix, when it is a direct member of the group; else NULL. */
const char *option_member(const struct option *option, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(option->path, prefix, length) != 0)
        return NULL;
    const char *rest = option->path + length;
    return *rest && !strpbrk(rest, ".[") ? rest : NULL;
}

const struct option *option_find(const char *prefix, const char *key)
{
    const struct option *any = NULL;
    for (const struct option *option = option_table; option->path; option++) {
        const char *member = option_member(option, prefix);
        if (!member)
            continue;
        if (str_eq(member, key))
            return option;
        if (str_eq(member, "*"))
            any = option;
    }
    return any;
}

void option_duration_text(int64_t us, char text[static OPTION_DURATION_SIZE])
{
    static const struct {
        int64_t us;
        const char *name;
    } units[] = {{86400 * US_PER_S, "d"},
                 {3600 * US_PER_S, "h"},
                 {60 * US_PER_S, "m"},
                 {US_PER_S, "s"},
                 {US_PER_MS, "ms"}};
    size_t used = 0;
    snprintf(text, OPTION_DURATION_SIZE, "0");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (us >= units[i].us && used < OPTION_DURATION_SIZE) {
            used += (size_t)snprintf(text + used, OPTION_DURATION_SIZE - used, "%" PRId64 "%s",
                                     us / units[i].us, units[i].name);
            us %= units[i].us;
        }
    }
}
