/* The subcommands, one file each; the table names them. */
#ifndef BELAY_TUI_COMMANDS_COMMANDS_H
#define BELAY_TUI_COMMANDS_COMMANDS_H

#include "tui/commands/command.h"

extern const struct command command_check;
extern const struct command command_complete;
extern const struct command command_console;
extern const struct command command_demo;
extern const struct command command_do;
extern const struct command command_evidence;
extern const struct command command_exec;
extern const struct command command_export;
extern const struct command command_handover;
extern const struct command command_help;
extern const struct command command_import;
extern const struct command command_incident;
extern const struct command command_emergency;
extern const struct command command_links;
extern const struct command command_logs;
extern const struct command command_manual;
extern const struct command command_breaker;
extern const struct command command_mute;
extern const struct command command_heal;
extern const struct command command_runbook;
extern const struct command command_approve;
extern const struct command command_safe_mode;
extern const struct command command_serve;
extern const struct command command_simulate;
extern const struct command command_stand_in;
extern const struct command command_status;
extern const struct command command_timeline;
extern const struct command command_unmute;
extern const struct command command_verify;

#endif
