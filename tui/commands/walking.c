#include "tui/commands/walking.h"

#include <unistd.h>

#include "tui/checks_only.h"
#include "tui/commands/session.h"
#include "tui/console.h"
#include "tui/kit/terminal.h"

int64_t walking_submit(struct loop *loop, struct engine *engine, const struct engine_request *request,
                       struct err *e)
{
    int64_t run = session_submit(loop, engine, request, NULL, e);
    bool at_once = request->kind == REQUEST_RUN_START; /* all that it needs was settled before */
    while (!at_once && !engine_settled(engine))
        loop_run_once(loop, US_PER_S);
    return e->code ? 0 : run;
}

bool walking_has_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static int outcome_status(struct engine *engine, int64_t run)
{
    struct engine_run view;
    enum run_outcome outcome;
    if (!engine_run_by_id(engine, run, &view) || !run_ended(view.run, &outcome))
        return EXIT_INTERRUPTED;
    return line_mode_status(outcome);
}

static int walk(const struct walking *walking, struct loop *loop, struct config *config,
                const struct engine_options *engine_options, struct engine **engine, int64_t run,
                struct err *e)
{
    struct console_options options = {.run = run, .fresh = walking->fresh};
    if (walking->checks_only)
        return checks_only_walk(loop, *engine, run);
    const struct line_script *script = walking->script.answers ? &walking->script : NULL;
    if (!walking->screen)
        return line_mode_walk(loop, *engine, run, script);
    session_console_options(walking->line, &options);
    int code = session_console_on(loop, config, engine_options, &options, engine, e);
    if (code == ERR_UNSUPPORTED) {
        *e = (struct err){0};
        return line_mode_walk(loop, *engine, run, script);
    }
    if (code < 0)
        return EXIT_FELL_SHORT;
    return walking->by_outcome ? outcome_status(*engine, run) : EXIT_DONE;
}

int walking_go(const struct walking *walking, struct err *e)
{
    struct session s;
    int status = EXIT_USAGE;
    if (walking->screen && terminal_check(e) < 0)
        return EXIT_FELL_SHORT;
    session_open(&s, walking->line, walking->screen ? SESSION_WATCHES : 0, e);
    int64_t run = s.engine ? walking->begin(walking->line, s.loop, s.engine, e) : 0;
    if (e->code == ERR_CLAIMED)
        status = EXIT_FELL_SHORT;
    if (run && !e->code)
        status = walk(walking, s.loop, s.config, &s.options, &s.engine, run, e);
    session_close(&s);
    return status;
}
