/* belay demo: the console on a simulated platform, which is a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/simulate/simulate.h"
#include "tui/commands/commands.h"
#include "tui/commands/session.h"
#include "tui/commands/stage.h"

static int demo_console(const struct command_line *line, const struct stage *stage, struct err *e)
{
    char *path = path_join(stage->folder, "belay.yaml"), *bin = path_join(stage->folder, "bin");
    char *state = path_join(stage->folder, "state");
    struct engine_options options;
    char other[240];
    snprintf(other, sizeof other, "a new demo; the one that lost its console waits 2 min for: %s",
             stage->other);
    struct console_options screen = {
        .demo = true,
        .greeting = stage->found ? "found again: the demo of a console that is gone; r goes on with its run"
                    : stage->other[0] ? other
                                      : NULL};
    struct config *config = config_load(path, NULL, e);
    struct loop *loop = config ? loop_new(e) : NULL;
    int code = ERR_IO;
    if (loop) {
        session_engine_options(line, config, &options);
        session_console_options(line, &screen);
        options.watch = true;
        options.step_path = bin;
        options.state_folder = state;
        code = session_console(loop, config, &options, &screen, e);
    }
    if (loop)
        loop_free(loop);
    config_free(config);
    free(path);
    free(bin);
    free(state);
    return code;
}

static int demo_check(const struct command_line *line, struct err *e)
{
    const char *scenario = command_value(line, "scenario", NULL), *seed = command_value(line, "seed", "1"),
               *speed = command_value(line, "speed", "1");
    double factor = 0;
    char *end = NULL;
    struct err why = {0};
    if (scenario && simulate_scenario_check(scenario, &why) < 0)
        err_set(e, ERR_USAGE, "--scenario: %s", why.msg);
    else if (!seed[0] || strlen(seed) > 15 || strspn(seed, "0123456789") != strlen(seed))
        err_set(e, ERR_USAGE, "--seed %s: a whole number of at most 15 digits", seed);
    else if ((factor = strtod(speed, &end)) < 0.1 || factor > 100 || *end || end == speed)
        err_set(e, ERR_USAGE, "--speed %s: a number from 0.1 to 100", speed);
    return e->code;
}

static int demo_run(const struct command_line *line)
{
    struct err e = {0};
    struct stage stage = {.link = -1};
    int code = ERR_USAGE;
    if (demo_check(line, &e) < 0) {
        code = e.code;
    } else if (!isatty(STDOUT_FILENO)) {
        err_set(&e, ERR_USAGE, "the demo is a screen: run it in a terminal");
    } else {
        code = stage_open(line, &stage, &e);
        if (code == 0)
            code = demo_console(line, &stage, &e);
        stage_close(&stage, code == CONSOLE_GONE);
    }
    return code < 0 ? command_fail(e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FELL_SHORT, &e) : EXIT_DONE;
}

static const struct command_option demo_options[] = {
    {"scenario", "SCENARIO",
     "what goes wrong: shard (default), provider, bootstrap, storm; variants: shard:no-replica ...", false},
    {"seed", "N", "the same seed, the same incident (default 1)", false},
    {"speed", "X", "0.1 to 100 virtual seconds a second (default 1)", false},
    {0},
};

const struct command command_demo = {
    .name = "demo",
    .usage = "[--scenario shard|provider|bootstrap|storm] [--seed N] [--speed X]",
    .help = "the console on a simulated platform, with a fault on cue",
    .details =
        "Nothing outside this machine is contacted, nothing is left behind. A few seconds after the start a\n"
        "vector store shard dies (shard), the provider of the language model fails (provider), nothing "
        "starts\n"
        "after a release (bootstrap), or all three (storm); press r, Enter, and follow the runbook. "
        "Variants\n"
        "stand behind a colon, apart by commas: no-replica and transient of the shard, no-backup, bad-token\n"
        "and auth of the provider, hooks and migrated of the release, late-snapshots, lost-snapshots.\n"
        "Kill the console, or its terminal, in the middle of a step, and start the demo again within two\n"
        "minutes: the platform is still there, the step went on, and it is followed.",
    .options = demo_options,
    .flags = COMMAND_NO_WORD,
    .run = demo_run,
};

/* The simulation itself, and its stand-in for kubectl, are entries of belay for belay: they read their own
 * arguments. */
static int pass_on(const struct command_line *line, int (*entry)(int argc, char **argv))
{
    size_t count = strv_count(line->rest);
    char **argv = xcalloc(count + 2, sizeof *argv);
    argv[0] = (char *)(uintptr_t)line->command->name;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = line->rest[i];
    int status = entry((int)count + 1, argv);
    free(argv);
    return status;
}

static int simulate_entry(const struct command_line *line)
{
    return pass_on(line, simulate_main);
}

static int kubectl_entry(const struct command_line *line)
{
    return pass_on(line, simulate_kubectl_main);
}

const struct command command_simulate = {
    .name = "simulate",
    .usage = "...",
    .help = "the simulated platform (an entry for the demo)",
    .flags = COMMAND_HIDDEN | COMMAND_RAW,
    .run = simulate_entry,
};

const struct command command_stand_in = {
    .name = "simulate-kubectl",
    .usage = "...",
    .help = "the demo's stand-in for kubectl",
    .flags = COMMAND_HIDDEN | COMMAND_RAW,
    .run = kubectl_entry,
};
