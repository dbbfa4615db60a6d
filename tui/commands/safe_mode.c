/* belay safe-mode: what holds, and the runbook that enters or leaves it. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/commands.h"
#include "tui/commands/pass.h"
#include "tui/commands/session.h"
#include "tui/commands/walking.h"
#include "tui/safe_mode.h"

/* As monitoring plugins: off is the usual. */
static int state_status(enum safe_mode_state state)
{
    return state == SAFE_MODE_OFF       ? EXIT_DONE
           : state == SAFE_MODE_UNKNOWN ? EXIT_UNKNOWN_OUTCOME
                                        : EXIT_FELL_SHORT;
}

static int print(const struct command_line *line, const struct config *config, const struct pass *pass,
                 struct err *e)
{
    struct str says = {0}, clean = {0};
    struct safe_mode mode;
    if (safe_mode_says(config, pass->platform, &says, e) < 0)
        return EXIT_USAGE;
    utf8_clean(&clean, str_text(&says), says.len, false);
    if (!command_has(line, "quiet"))
        puts(str_text(&clean));
    safe_mode_read(config, pass->platform, &mode);
    str_fini(&says);
    str_fini(&clean);
    return state_status(mode.state);
}

static int status(const struct command_line *line, struct err *e)
{
    struct pass pass = {0};
    struct config *config = session_config(line, e);
    int status = EXIT_USAGE;
    if (config && pass_run(&pass, config, NULL, e) == 0)
        status = print(line, config, &pass, e);
    pass_fini(&pass);
    config_free(config);
    return status;
}

static int64_t run_begin(const struct command_line *line, struct loop *loop, struct engine *engine,
                         struct err *e)
{
    enum safe_mode_verb verb;
    struct engine_runbook view;
    struct pass pass = {0}; /* the engine's own sources have not answered yet */
    const struct config *config = engine_config(engine);
    const char *incident = command_value(line, "incident", NULL);
    int64_t run = 0;
    char *entity = NULL;
    int code = safe_mode_verb_parse(line->words[0], &verb, e);
    if (code == 0)
        code = pass_run(&pass, config, engine_journal(engine), e);
    if (code == 0)
        code = safe_mode_plan(engine, pass.platform, verb, command_has(line, "anyway"), &view, e);
    if (code == 0 && view.open_run)
        code =
            err_set(e, ERR_CLAIMED, "run %lld of it is under way: belay runbook resume %lld goes on with it",
                    (long long)view.open_run, (long long)view.open_run);
    if (code == 0) {
        entity = safe_mode_entity(config);
        struct engine_request request = {.kind = REQUEST_RUN_START,
                                         .path = view.path,
                                         .entity = entity,
                                         .variables = command_value_list(line, "var")};
        if (!incident || incident_number_parse(incident, &request.incident, e) == 0)
            run = walking_submit(loop, engine, &request, e);
    }
    free(entity);
    pass_fini(&pass);
    return run;
}

static int walk(const struct command_line *line, struct err *e)
{
    struct walking walking = {.line = line,
                              .begin = run_begin,
                              .screen = !command_has(line, "line"),
                              .fresh = true,
                              .by_outcome = true};
    if (session_writes(line, "safe-mode", e) < 0)
        return EXIT_USAGE;
    if (!walking_has_terminal())
        return err_set(e, ERR_USAGE,
                       "a person confirms it, and there is no terminal to ask on: nothing was run"),
               EXIT_USAGE;
    return walking_go(&walking, e);
}

static int safe_mode_run(const struct command_line *line)
{
    struct err e = {0};
    enum safe_mode_verb verb;
    int code = EXIT_USAGE;
    if (line->word_count > 1)
        err_set(&e, ERR_USAGE, "safe-mode takes one word: enter, leave or status");
    else if (safe_mode_verb_parse(line->words[0], &verb, &e) == 0)
        code = verb == SAFE_MODE_STATUS ? status(line, &e) : walk(line, &e);
    if (e.code && code == EXIT_USAGE && session_status(&e) != EXIT_USAGE)
        code = EXIT_FELL_SHORT;
    return e.code ? command_fail(code, &e) : code;
}

static const char *const safe_mode_words[] = {"enter", "leave", "status", NULL};

static const struct command_option safe_mode_options[] = {
    {"anyway", NULL, "walk the runbook although it is on, or off, already", false},
    {"var", "NAME=VALUE", "a variable of the runbook", true},
    {"incident", "ID", "the incident it belongs to", false},
    {"line", NULL, "questions as plain lines, no screen", false},
    {0},
};

const struct command command_safe_mode = {
    .name = "safe-mode",
    .usage = "[enter|leave|status]",
    .help = "what holds; the runbook that enters or leaves it",
    .options = safe_mode_options,
    .words = safe_mode_words,
    .details = "Exit status of status: 0 off, 1 on or in between, 2 not configured, 3 unknown.\n"
               "enter and leave open the runbook that safe_mode: names at its first step.",
    .run = safe_mode_run,
};
