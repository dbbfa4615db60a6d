#include "tui/commands/walking.h"

#include <unistd.h>

#include "tui/checks_only.h"
#include "tui/commands/session.h"
#include "tui/console.h"
#include "tui/kit/terminal.h"

struct start {
    int64_t run;
    bool answered;
    struct err e;
};

static void on_started(void *context, int code, const char *message, int64_t id)
{
    struct start *s = context;
    s->answered = true;
    s->run = id;
    if (code < 0)
        err_set(&s->e, code, "%s", message);
}

int64_t walking_submit(struct loop *loop, struct engine *engine, const struct engine_request *request,
                       struct err *e)
{
    struct start start = {0};
    engine_submit(engine, request, on_started, &start);
    bool at_once = request->kind == REQUEST_RUN_START; /* all that it needs was settled before */
    while (!start.answered || (!at_once && !engine_settled(engine)))
        loop_run_once(loop, US_PER_S);
    *e = start.e;
    return start.run;
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
    struct engine_options options;
    if (walking->screen && terminal_check(e) < 0)
        return EXIT_FELL_SHORT;
    struct config *config = session_config(walking->line, e);
    struct loop *loop = config ? loop_new(e) : NULL;
    struct engine *engine = NULL;
    int status = EXIT_USAGE;
    if (loop) {
        session_engine_options(walking->line, config, &options);
        options.watch = walking->screen;
        engine = engine_open(loop, &options, e);
    }
    while (engine && !engine_settled(engine))
        loop_run_once(loop, US_PER_S);
    int64_t run = engine ? walking->begin(walking->line, loop, engine, e) : 0;
    if (e->code == ERR_CLAIMED)
        status = EXIT_FELL_SHORT;
    if (run && !e->code)
        status = walk(walking, loop, config, &options, &engine, run, e);
    engine_close(engine);
    if (loop)
        loop_free(loop);
    config_free(config);
    return status;
}
