/* belay do: an act that no runbook foresaw. */
#include <stdlib.h>
#include <unistd.h>

#include "tui/commands/commands.h"
#include "tui/commands/walking.h"

static int64_t act_begin(const struct command_line *line, struct loop *loop, struct engine *engine,
                         struct err *e)
{
    int64_t run = 0;
    const char *incident = command_value(line, "incident", NULL);
    char *cwd = getcwd(NULL, 0);
    struct runbook_act act = {.argv = line->rest,
                              .reason = command_value(line, "reason", NULL),
                              .cwd = cwd,
                              .variables = command_value_list(line, "var"),
                              .interactive = command_has(line, "interactive")};
    struct engine_request request = {.kind = REQUEST_ACT, .act = &act};
    if (!incident || incident_number_parse(incident, &request.incident, e) == 0)
        run = walking_submit(loop, engine, &request, e);
    free(cwd);
    return run;
}

static int do_command(const struct command_line *line)
{
    struct err e = {0};
    int status = EXIT_USAGE;
    struct walking walking = {.line = line,
                              .begin = act_begin,
                              .screen = !command_has(line, "line"),
                              .fresh = true,
                              .by_outcome = true};
    if (line->word_count > 0 || !line->rest || !line->rest[0])
        err_set(&e, ERR_USAGE,
                "the command stands behind --: belay do --reason TEXT -- kubectl delete pod api-0");
    else if (!walking_has_terminal())
        err_set(&e, ERR_USAGE, "do asks before it acts, and there is no terminal to ask on: nothing was run");
    else
        status = walking_go(&walking, &e);
    return e.code ? command_fail(status, &e) : status;
}

static const struct command_option do_options[] = {
    {"reason", "TEXT", "why: shown on the page and kept in the journal", false},
    {"interactive", NULL, "on this terminal itself, which is recorded: psql, kubectl exec -it", false},
    {"var", "NAME=VALUE", "a variable of its environment, shown on the page", true},
    {"incident", "ID", "the incident it belongs to", false},
    {"line", NULL, "questions as plain lines, no screen", false},
    {0},
};

const struct command command_do = {
    .name = "do",
    .usage = "[--reason TEXT] [--interactive] [--var NAME=VALUE] -- COMMAND [ARGUMENT...]",
    .help = "an act that no runbook foresaw: confirmed, run exactly as given, journaled",
    .options = do_options,
    .flags = COMMAND_ACTS | COMMAND_JOURNALS,
    .run = do_command,
};
