/* Interactive steps in line mode: the terminal is theirs until they end. */
#include <signal.h>
#include <stdio.h>

#include "engine/io/io.h"
#include "tui/kit/kit.h"
#include "tui/line_state.h"
#include "tui/passage.h"

static void back(void *context, enum passage_end end, const char *how)
{
    (void)how;
    struct line_mode *m = context;
    loop_watch_set(m->watch, LOOP_READ);
    if (end == PASSAGE_LEFT) {
        line_ask_interrupt(m, m->step);
        return;
    }
    struct passage *passage = m->passage;
    m->passage = NULL;
    passage_free(passage);
    if (m->question == ASKED_INTERRUPT)
        m->question = NO_QUESTION;
    m->left |= end == PASSAGE_GONE;
}

static void on_resized(void *data, int number)
{
    (void)number;
    struct line_mode *m = data;
    if (m->passage && passage_attached(m->passage))
        passage_resize(m->passage);
}

static void lend(struct line_mode *m)
{
    struct err e = {0};
    if (!m->terminal) {
        m->terminal = terminal_open(&(struct terminal_options){.bare = true}, &e);
        if (m->terminal)
            terminal_suspend(m->terminal);
    }
    if (!m->terminal) {
        line_say("  not lent: %s\n", e.msg);
        m->left = true;
        return;
    }
    terminal_guard(m->terminal);
    if (!m->resized)
        m->resized = loop_signal_new(m->loop, SIGWINCH, on_resized, m);
    m->question = NO_QUESTION;
    loop_watch_set(m->watch, 0);
    struct passage_options options = {.loop = m->loop,
                                      .engine = m->engine,
                                      .terminal = m->terminal,
                                      .run = m->id,
                                      .back = back,
                                      .context = m};
    m->passage = passage_open(&options, &e);
    if (!m->passage) {
        line_say("  not lent: %s\n", e.msg);
        m->left = true;
    }
}

bool line_lends(struct line_mode *m, const struct engine_run *view)
{
    if (!m->passage && !m->left && engine_terminal_wanted(m->engine, m->id) != STEP_NONE) {
        line_outcomes_show(m, view);
        m->step = view->current_step;
        lend(m);
    }
    return m->passage && passage_attached(m->passage) && !m->left;
}

bool line_returns(struct line_mode *m)
{
    struct err e = {0};
    if (!m->passage)
        return false;
    loop_watch_set(m->watch, 0);
    if (passage_attach(m->passage, &e) < 0) {
        line_say("  not lent: %s\n", e.msg);
        loop_watch_set(m->watch, LOOP_READ);
    }
    return true;
}

void line_terminal_close(struct line_mode *m)
{
    passage_free(m->passage);
    m->passage = NULL;
    loop_signal_free(m->resized);
    m->resized = NULL;
    if (m->terminal)
        terminal_guard(NULL);
    terminal_close(m->terminal);
    m->terminal = NULL;
}
