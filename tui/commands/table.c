#include "tui/commands/command.h"
#include "tui/commands/commands.h"

const struct command *const command_table[] = {
    &command_console,  &command_demo,     &command_check,     &command_status,   &command_serve,
    &command_runbook,  &command_approve,  &command_safe_mode, &command_do,       &command_exec,
    &command_incident, &command_handover, &command_breaker,   &command_mute,     &command_unmute,
    &command_heal,     &command_logs,     &command_links,     &command_timeline, &command_export,
    &command_evidence, &command_verify,   &command_emergency, &command_import,   &command_help,
    &command_complete, &command_manual,   &command_simulate,  &command_stand_in, NULL,
};

const struct command_option common_options[] = {
    {"config", "FILE", "the configuration (default: ./belay.yaml, then the user's, then /etc/belay)", false},
    {"journal", "private|shared:FOLDER|emergency:FOLDER", "where journal, spool and leases are", false},
    {"operator", "NAME", "who you say you are (recorded as a claim)", false},
    {"read-only", NULL, "watch only: nothing acts, nothing is journaled on your behalf", false},
    {"join", NULL, "act from the start, even where the console would start as observer", false},
    {"theme", "THEME", "dark, light, colour-blind-safe, mono, or a YAML file", false},
    {"ascii", NULL, "draw with ASCII alone", false},
    {"no-color", NULL, "no colours (so does NO_COLOR in the environment)", false},
    {"quiet", NULL, "errors only", false},
    {"help", NULL, "help on this command", false},
    {"version", NULL, "the version", false},
    {0},
};
