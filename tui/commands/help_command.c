/* belay help. */
#include <stdio.h>

#include "tui/commands/commands.h"

static int help_run(const struct command_line *line)
{
    struct str text = {0};
    int status = EXIT_DONE;
    if (line->word_count == 0) {
        command_help_all(&text);
    } else {
        const struct command *command = command_find(line->words[0]);
        if (command) {
            command_help_one(&text, command);
        } else {
            struct err e = {0};
            err_set(&e, ERR_USAGE, "no such command: %s (belay help lists them)", line->words[0]);
            status = command_fail(EXIT_USAGE, &e);
        }
    }
    fputs(str_text(&text), stdout);
    str_fini(&text);
    return status;
}

const struct command command_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .help = "help on belay, or on one command",
    .flags = COMMAND_ONE_WORD,
    .run = help_run,
};
