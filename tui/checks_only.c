#include "tui/checks_only.h"

#include <signal.h>
#include <stdlib.h>

#include "tui/line_state.h"

#define TURN_US (200 * US_PER_MS)

struct unattended {
    struct engine *engine;
    int64_t id;
    struct line_mode lines;
    bool waiting;  /* a request is under way */
    bool stopping; /* the run was asked to end */
    bool interrupted;
    int status; /* what it stands at by itself: 0, or why it could not go on */
};

static void on_done(void *context, int code, const char *message, int64_t id)
{
    (void)id;
    struct unattended *u = context;
    u->waiting = false;
    if (code < 0)
        line_say("  not done: %s\n", message);
}

static void submit(struct unattended *u, const struct run_input *input)
{
    struct engine_request request = {.kind = REQUEST_RUN_INPUT, .run = u->id, .input = input};
    u->waiting = true;
    engine_submit(u->engine, &request, on_done, u);
}

static void stop(struct unattended *u, const char *why)
{
    struct run_input input = {
        .kind = INPUT_STOP, .step = STEP_NONE, .reason = why, .actor = engine_actor(u->engine)};
    if (u->stopping)
        return;
    u->stopping = true;
    submit(u, &input);
}

/* What stands before it is looked at, then it is left. */
static void reach_action(struct unattended *u, const struct engine_run *view, int step, enum run_ask ask)
{
    const struct step *s = &view->book->steps.data[step];
    struct run_input open = {.kind = INPUT_OPEN, .step = step, .actor = engine_actor(u->engine)};
    struct run_page page;
    struct err e = {0};
    if (ask == ASK_OPEN && s->pre.len > 0) {
        submit(u, &open);
        return;
    }
    bool pending = ask == ASK_CONFIRM && run_page(view->run, step, NULL, &page, &e) == 0;
    if (pending) {
        pending = page.before_pending && !page.before_failed;
        run_page_fini(&page);
    }
    if (pending)
        return;
    line_say("stops before: %s (%s)\n", s->title,
        step_kind_acts(s->kind) ? "it would change something" : "a person has to say");
    stop(u, "checks only");
}

static void reach_value(struct unattended *u, const struct engine_run *view)
{
    for (size_t i = 0; i < run_value_count(view->run); i++) {
        struct run_value value;
        run_value_at(view->run, i, &value);
        if (value.missing)
            line_say("%s has no value: --var %s=VALUE gives it one\n", value.name, value.name);
    }
    u->status = 2;
    stop(u, "checks only: a variable has no value");
}

static void go_on(struct unattended *u, const struct engine_run *view)
{
    struct run_step s;
    int step = run_current(view->run);
    if (step == STEP_NONE)
        return;
    run_step_at(view->run, step, &s);
    if (s.ask == ASK_VALUE)
        reach_value(u, view);
    else if (s.ask == ASK_FAILED || s.ask == ASK_UNKNOWN || s.ask == ASK_WHEN)
        stop(u, "checks only");
    else if (s.ask != ASK_NOTHING)
        reach_action(u, view, step, s.ask);
}

/* Of what was looked at. A check that later steps branch on answers a question: its no is no failure. */
static int checks_status(const struct engine_run *view)
{
    bool failed = false, unknown = false;
    for (size_t i = 0; i < view->book->steps.len; i++) {
        const struct step *step = &view->book->steps.data[i];
        struct run_step s;
        run_step_at(view->run, (int)i, &s);
        failed |= s.outcome == OUTCOME_FAILED && !step->branches;
        unknown |=
            s.outcome == OUTCOME_UNKNOWN || s.outcome == OUTCOME_TIMED_OUT || s.outcome == OUTCOME_CANCELLED;
    }
    return failed ? 1 : unknown ? 3 : 0;
}

/* False once it is over. */
static bool turn(struct unattended *u)
{
    struct engine_run view;
    if (!engine_run_by_id(u->engine, u->id, &view) || (view.elsewhere && view.owner)) {
        line_say("run %lld is no longer walked here\n", (long long)u->id);
        u->status = 1;
        return false;
    }
    if (engine_trouble(u->engine)) {
        line_say("the journal can't be written: %s\n", engine_trouble(u->engine));
        u->status = 1;
        return false;
    }
    line_outcomes_show(&u->lines, &view);
    if (view.ended) {
        if (u->status == 0)
            u->status = u->interrupted ? 130 : checks_status(&view);
        return false;
    }
    if (u->interrupted)
        stop(u, "checks only: interrupted");
    else if (!u->waiting && !u->stopping)
        go_on(u, &view);
    return true;
}

static void on_signal(void *data, int number)
{
    (void)number;
    ((struct unattended *)data)->interrupted = true;
}

int checks_only_walk(struct loop *loop, struct engine *engine, int64_t run)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct unattended u = {.engine = engine, .id = run};
    struct loop_signal *signals[3];
    struct engine_run view;
    if (!engine_run_by_id(engine, run, &view))
        return 1;
    u.lines = (struct line_mode){.engine = engine, .id = run};
    u.lines.shown = xcalloc(view.book->steps.len + 1, sizeof *u.lines.shown);
    u.lines.printed = xcalloc(view.book->steps.len + 1, sizeof *u.lines.printed);
    for (size_t i = 0; i < 3; i++)
        signals[i] = loop_signal_new(loop, numbers[i], on_signal, &u);
    line_say("%s: checks only\n", view.book->title);
    while (turn(&u))
        loop_run_once(loop, TURN_US);
    for (size_t i = 0; i < 3; i++)
        loop_signal_free(signals[i]);
    free(u.lines.shown);
    free(u.lines.printed);
    return u.status;
}
