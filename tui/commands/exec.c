/* belay exec, as the tables know it. `belay` runs it by itself, but for what is named in the configuration.
 */
#include <stdio.h>

#include "engine/targets/targets.h"
#include "tui/commands/commands.h"

static int exec_command(const struct command_line *line)
{
    if (exec_asks_help((int)strv_count(line->rest), line->rest)) {
        struct str text = {0};
        command_help_one(&text, &command_exec);
        fputs(str_text(&text), stdout);
        str_fini(&text);
        return EXIT_DONE;
    }
    return exec_run((int)strv_count(line->rest), (char **)line->rest, &exec_declared);
}

static const struct command_option exec_options[] = {
#define X(id, name, value, repeated, help) {name, value, help, repeated},
    EXEC_OPTIONS(X)
#undef X
        {0},
};

const struct command command_exec = {
    .name = "exec",
    .usage = "[--name NAME] [--attempts N] [--timeout TIME] [--idempotent] ... -- COMMAND [ARGUMENT...]",
    .help = "a command under retry, time-out, breaker and fallbacks; for scripts",
    .options = exec_options,
    .details = "Exit status: the command's own; 75 the breaker refuses, or the refusal was printed; 124 the "
               "time-out "
               "or\nthe deadline passed; 125 belay's own error; 126 not executable; 127 not found. Standard "
               "output is "
               "that of\nthe attempt that won; each failure is a line on standard error. What may have had "
               "an effect is "
               "repeated\nonly with --idempotent.",
    .flags = COMMAND_ACTS | COMMAND_RAW,
    .run = exec_command,
};
