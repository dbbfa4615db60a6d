/* An interactive step on the console's terminal: it gets the terminal while its page is the one that shows,
 * and the page comes back when it ends or is left. */
#include <stdlib.h>

#include "tui/console_state.h"
#include "tui/passage.h"
#include "tui/step.h"

/* Only a step's page has the question. */
static void ask(struct console *console)
{
    struct page *top = console_top(console);
    struct step_page *own = top != NULL && str_eq(top->type->name, "step") ? top->state : NULL;
    if (own != NULL && passage_is_of(console->passage, own->run)) {
        own->questioned = true;
    }
}

static void back(void *context, enum passage_end end, const char *how)
{
    struct console *console = context;
    struct passage *passage = console->passage;
    bool lent = console->watch == NULL;
    if (end == PASSAGE_LEFT) {
        ask(console);
    } else {
        console->passage = NULL;
        if (end == PASSAGE_OVER && !lent) {
            console_say(console, SAY_INFO, "the step on the terminal has ended: %s", how);
        }
        passage_free(passage);
    }
    if (end == PASSAGE_GONE || (lent && console_watch_terminal(console, NULL) < 0)) {
        console_gone(console);
        return;
    }
    console_dirty(console);
    loop_timer_start(console->resume_timer, 0, 0);
    console_frame(console);
}

void interactive_begin(struct console *console, int64_t run)
{
    struct err e = {0};
    struct passage_options options = {.loop = console->loop,
                                      .engine = console->engine,
                                      .terminal = console->terminal,
                                      .run = run,
                                      .waits = true,
                                      .back = back,
                                      .context = console};
    if (console->passage != NULL || console_lent(console)) {
        return;
    }
    loop_watch_free(console->watch);
    console->watch = NULL;
    console->passage = passage_open(&options, &e);
    if (console->passage == NULL) {
        console_say(console, SAY_BAD, "the terminal can't be lent: %s", e.msg);
        back(console, PASSAGE_OVER, "");
    }
}

void interactive_remind(struct console *console)
{
    const struct page *top = console_top(console);
    const struct step_page *own = top != NULL && str_eq(top->type->name, "step") ? top->state : NULL;
    for (size_t i = 0; i < engine_run_count(console->engine); i++) {
        struct engine_run run;
        if (!engine_run_at(console->engine, i, &run) || (own != NULL && own->run == run.id)) {
            continue;
        }
        int step = engine_terminal_wanted(console->engine, run.id);
        if (step != STEP_NONE) {
            console_say(console, SAY_INFO, "%s, run %lld, waits for the terminal for a minute: open its page",
                        run.book->steps.data[step].title, (long long)run.id);
        }
    }
}

void interactive_return(struct console *console, int64_t run)
{
    struct err e = {0};
    if (!passage_is_of(console->passage, run) || console_lent(console)) {
        return;
    }
    loop_watch_free(console->watch);
    console->watch = NULL;
    if (passage_attach(console->passage, &e) < 0) {
        console_say(console, SAY_BAD, "the terminal can't be lent: %s", e.msg);
        if (console_watch_terminal(console, &e) < 0) {
            console_gone(console);
        }
        loop_timer_start(console->resume_timer, 0, 0);
    }
}
