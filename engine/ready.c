/* The supervisor that waits while the page of an acting step is open, so that its start is no part of what
 * follows the confirmation. It knows nothing of the step: what was confirmed is given to it when it is let go
 * (ticket.c), and what is never confirmed leaves nothing behind. */
#include "engine/walk.h"

#include <stdio.h>

/* Its page is open, or what comes between the confirmation and the act is under way. */
static bool is_near(const struct run_step *view)
{
    return view->outcome == OUTCOME_ARMED || view->phase == PHASE_LOCKING || view->phase == PHASE_PRECHECKS ||
           view->phase == PHASE_EVIDENCE;
}

/* The step that may act soon; STEP_NONE. One on a terminal is started with that terminal. */
static int step_near(const struct walk *w)
{
    const struct engine *engine = w->engine;
    int current = run_current(w->run);
    if (current == STEP_NONE || w->ended || w->elsewhere || w->checks_only || run_rehearsed(w->run) ||
        !engine->runs.spool)
        return STEP_NONE;
    const struct step *step = &w->book->steps.data[current];
    struct run_step view;
    run_step_at(w->run, current, &view);
    return step_kind_acts(step->kind) && step->script && !step->interactive && is_near(&view) ? current
                                                                                              : STEP_NONE;
}

/* The supervisor of one, perhaps of one that was taken since, was ended by somebody. The step gets another
 * one when it is let go. */
static void on_ended(void *data, const struct exec_result *result)
{
    struct walk *w = data;
    (void)result;
    if (w->ready.x && execution_state(w->ready.x) != SPOOL_ARMED)
        ready_drop(w);
}

static const struct execution_events ready_callbacks = {.ended = on_ended};

static void ready_arm(struct walk *w)
{
    struct engine *engine = w->engine;
    char key[64];
    snprintf(key, sizeof key, "r%lld-p%08llx", (long long)w->id, (unsigned long long)rng_entropy() >> 32);
    w->ready.x = execution_ready(engine->runs.spool, engine->loop, key, engine->runs.lifetime.use_scope,
                                 &ready_callbacks, w, NULL);
}

void ready_look(struct walk *w)
{
    int step = step_near(w);
    if (step == w->ready.step)
        return;
    ready_drop(w);
    w->ready.step = step;
    if (step != STEP_NONE)
        ready_arm(w); /* one that fails says why when the step does */
}

struct execution *ready_take(struct walk *w, int step)
{
    struct execution *x = w->ready.step == step ? w->ready.x : NULL;
    if (x)
        w->ready.x = NULL;
    return x;
}

void ready_discard(struct engine *engine, struct execution *x)
{
    char key[EXEC_KEY_MAX + 1];
    if (!x)
        return;
    snprintf(key, sizeof key, "%s", execution_key(x));
    execution_free(x);
    execution_forget(engine->runs.spool, key, NULL); /* its supervisor does, if there is one */
}

void ready_drop(struct walk *w)
{
    ready_discard(w->engine, w->ready.x);
    w->ready.x = NULL;
}
