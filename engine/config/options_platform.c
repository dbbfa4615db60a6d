/* What the platform is, who acts on it, and where its journal is kept. */
#include "engine/config/options.h"

#define OF_CONFIG(field) offsetof(struct config, field)

#define SYSLOG_FACILITIES "user|daemon|auth|authpriv|local0|local1|local2|local3|local4|local5|local6|local7"

const struct option options_platform[] = {
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
        .path = "state",
        .type = OPTION_STATE,
        .fallback = "private",
        .help =
            "Where breakers, retry budgets and measures are kept: `private` (beside the journal), or "
            "`shared:FOLDER` (a folder of its own for a group of users, whose processes then share them). "
            "`belay exec` without a configuration uses that of the platform `local`.",
        .offset = OF_CONFIG(state_folder),
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
        .help = "Prints a name on its first line. When it fails the header says unknown, and its breaker "
                "(`oncall`) leaves it alone "
                "after five failures in a row, for three intervals.",
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
    {0},
};
