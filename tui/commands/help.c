#include "tui/commands/command.h"

static void help_options(struct str *out, const struct command_option *table)
{
    for (; table && table->name; table++) {
        struct str left = {0};
        str_addf(&left, "--%s%s%s", table->name, table->value ? " " : "", table->value ? table->value : "");
        str_addf(out, "  %-24s %s\n", str_text(&left), table->help);
        str_fini(&left);
    }
}

void command_help_all(struct str *out)
{
    str_add(out, "belay " BELAY_VERSION ", a terminal incident console\n\n"
                 "usage: belay [CONFIG]              the console\n"
                 "       belay COMMAND [ARGUMENT...]\n\ncommands:\n");
    for (const struct command *const *c = command_table; *c; c++)
        if (!((*c)->flags & COMMAND_HIDDEN))
            str_addf(out, "  %-10s %s\n", (*c)->name, (*c)->help);
    str_add(out, "\noptions of every command:\n");
    help_options(out, common_options);
    str_add(out, "\nbelay help COMMAND tells more of one. Without a configuration, begin with: belay demo\n");
}

void command_help_one(struct str *out, const struct command *command)
{
    str_addf(out, "usage: belay %s%s%s\n\n%s\n", command->name, command->usage[0] ? " " : "", command->usage,
             command->help);
    if (command->details)
        str_addf(out, "\n%s\n", command->details);
    if (command->options && command->options->name) {
        str_add(out, "\noptions:\n");
        help_options(out, command->options);
    }
    str_add(out, "\noptions of every command:\n");
    help_options(out, common_options);
}
