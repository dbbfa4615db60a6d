/* A fix that runs by itself: the run of a runbook, walked without a person as far as its rule may go. What it
 * may touch is decided before it starts and again at each page; whatever asks for a person ends it. */
#include "engine/healing.h"

#include <stdlib.h>

#define TURN_US  (200 * US_PER_MS)
#define LIMIT_US (3600 * US_PER_S) /* longer than any step that should run unattended */

struct healing_walk {
    struct healing_case *c;
    struct loop_timer *timer;
    int64_t run, begun_us;
    bool waiting, stopping, over; /* over: nobody wants to hear of it any more */
    int pending;                  /* answers under way */
    char *why;                    /* it was stopped */
};

/* ---- what may run by itself ---- */

static const struct runbook *book_of(const struct engine *engine, const char *fix, const char **path)
{
    size_t length = strcspn(fix, "#");
    for (size_t i = 0; i < engine_runbook_count(engine); i++) {
        struct engine_runbook view;
        engine_runbook_at(engine, i, &view);
        if (view.book && strlen(view.book->id) == length && strncmp(view.book->id, fix, length) == 0) {
            *path = view.path;
            return view.error ? NULL : view.book;
        }
    }
    return NULL;
}

/* Is it one of those that the fix means: its step, or, without one, all of them? */
static bool is_meant(const char *fix, const struct step *step)
{
    const char *hash = strchr(fix, '#');
    return !hash || str_eq(hash + 1, step->id);
}

static const char *refuses(const struct step *s)
{
    if (!step_kind_acts(s->kind))
        return s->kind == STEP_CHECK ? NULL : "a person has to say";
    if (!s->idempotent)
        return "it is not marked idempotent";
    if (s->scope > SCOPE_POD)
        return "its scope is wider than pod";
    if (s->approvals > 0)
        return "it needs approval";
    if (s->interactive)
        return "it is interactive";
    return NULL;
}

bool healing_allows(const struct engine *engine, const struct healing_case *c, const char **path,
                    struct str *why)
{
    const char *fix = c->diagnosis.fix;
    const struct runbook *book = book_of(engine, fix, path);
    bool any = false;
    if (engine->observer)
        str_add(why, "this console is an observer");
    else if (!book)
        str_addf(why, "there is no runbook %.*s that can run", (int)strcspn(fix, "#"), fix);
    for (size_t i = 0; book && why->len == 0 && i < book->walk.len; i++) {
        const struct step *s = &book->steps.data[book->walk.data[i]];
        if (!is_meant(fix, s))
            continue;
        const char *reason = refuses(s);
        any = any || step_kind_acts(s->kind);
        if (reason)
            str_addf(why, "%s: %s", s->title, reason);
    }
    if (why->len == 0 && !any)
        str_addf(why, "nothing in %s acts", fix);
    return why->len == 0;
}

/* ---- the walk ---- */

static void walk_over(struct healing_walk *h, enum run_outcome outcome, const char *why)
{
    struct healing_case *c = h->c;
    if (!h->over)
        healing_tried(c, h->run, outcome, why); /* frees it */
}

static void let_go(struct healing_walk *h)
{
    if (!h->over || h->pending > 0)
        return;
    loop_timer_free(h->timer);
    free(h->why);
    free(h);
}

void healing_walk_free(struct healing_walk *h)
{
    if (!h)
        return;
    h->over = true;
    loop_timer_stop(h->timer);
    let_go(h);
}

static void on_answer(void *context, int code, const char *message, int64_t id)
{
    (void)id;
    struct healing_walk *h = context;
    h->pending--;
    h->waiting = false;
    if (h->over)
        let_go(h);
    else if (code < 0 && !h->why)
        h->why = xstrdup(message);
}

static void submit(struct healing_walk *h, struct run_input input)
{
    struct walk *w = walk_find(h->c->engine, h->run);
    h->waiting = true;
    h->pending++;
    walk_input(w, &input, on_answer, h);
}

static void stop(struct healing_walk *h, int step, const char *why)
{
    struct walk *w = walk_find(h->c->engine, h->run);
    if (h->stopping)
        return;
    h->stopping = true;
    if (!h->why)
        h->why = step == STEP_NONE ? xstrdup(why) : xasprintf("%s: %s", w->book->steps.data[step].title, why);
    submit(h, (struct run_input){.kind = INPUT_STOP, .step = STEP_NONE, .reason = h->why});
}

static void skip(struct healing_walk *h, int step)
{
    submit(h, (struct run_input){.kind = INPUT_CHOOSE,
                                 .step = step,
                                 .choice = CHOICE_SKIP,
                                 .reason = "not what the rule asks for"});
}

static void confirm(struct healing_walk *h, const struct walk *w, int step)
{
    struct run_context context;
    struct run_page page;
    struct err e = {0};
    char incident[24], run[24];
    walk_context(w, &context, incident, run);
    if (run_page(w->run, step, &context, &page, &e) < 0) {
        stop(h, step, e.msg);
        return;
    }
    const char *why = page.command_error       ? page.command_message
                      : page.before_failed     ? "a precheck does not pass"
                      : page.stronger          ? page.why_stronger
                      : page.scope > SCOPE_POD ? "its scope is wider than pod"
                      : page.approvals_missing ? "it needs approval"
                                               : NULL;
    if (why)
        stop(h, step, why);
    else if (!page.before_pending && walk_clock_ms(w) >= page.confirm_after_ms)
        submit(h, (struct run_input){.kind = INPUT_CONFIRM, .step = step, .value = page.confirm_text});
    run_page_fini(&page);
}

static void go_on(struct healing_walk *h, const struct walk *w)
{
    struct run_step view;
    int step = run_current(w->run);
    if (step == STEP_NONE)
        return;
    const struct step *s = &w->book->steps.data[step];
    run_step_at(w->run, step, &view);
    bool meant = is_meant(h->c->diagnosis.fix, s) && !refuses(s);
    if (view.ask == ASK_OPEN && !meant)
        skip(h, step);
    else if (view.ask == ASK_OPEN)
        submit(h, (struct run_input){.kind = INPUT_OPEN, .step = step});
    else if (view.ask == ASK_CONFIRM)
        confirm(h, w, step);
    else if (view.ask != ASK_NOTHING)
        stop(h, step,
             view.ask == ASK_UNKNOWN  ? "nobody knows what became of it"
             : view.ask == ASK_FAILED ? "it failed"
             : view.ask == ASK_VALUE  ? "a variable has no value"
                                      : "a person has to say");
}

static void ended(struct healing_walk *h, const struct walk *w)
{
    enum run_outcome outcome = OUTCOME_UNKNOWN;
    bool unknown = false;
    char *why = h->why;
    h->why = NULL;
    run_ended(w->run, &outcome);
    for (size_t i = 0; i < w->book->steps.len; i++) {
        struct run_step view;
        run_step_at(w->run, (int)i, &view);
        unknown = unknown || view.outcome == OUTCOME_UNKNOWN;
    }
    bool well = (outcome == OUTCOME_OK || outcome == OUTCOME_WARN) && !why;
    walk_over(h, unknown ? OUTCOME_UNKNOWN : well ? OUTCOME_OK : OUTCOME_FAILED, why ? why : "");
    free(why);
}

static void on_turn(void *data)
{
    struct healing_walk *h = data;
    struct engine *engine = h->c->engine;
    const struct walk *w = h->run ? walk_find(engine, h->run) : NULL;
    if (engine->closing || h->waiting || !h->run)
        return;
    if (!w || w->lost || w->elsewhere)
        walk_over(h, OUTCOME_FAILED, "a person took its run over");
    else if (w->ended || run_ended(w->run, NULL))
        ended(h, w);
    else if (h->why)
        stop(h, STEP_NONE, h->why);
    else if (loop_now_us(engine->loop) - h->begun_us > LIMIT_US)
        stop(h, STEP_NONE, "it takes longer than an hour");
    else
        go_on(h, w);
}

static void on_started(void *context, int code, const char *message, int64_t id)
{
    struct healing_walk *h = context;
    h->pending--;
    if (h->over) {
        let_go(h);
        return;
    }
    h->run = id;
    if (code < 0)
        walk_over(h, OUTCOME_FAILED, message);
    else
        loop_timer_start(h->timer, 0, TURN_US);
}

struct healing_walk *healing_walk_new(struct healing_case *c, const char *path)
{
    struct healing_walk *h = xcalloc(1, sizeof *h);
    struct engine_request request = {
        .kind = REQUEST_RUN_START, .path = path, .entity = c->resource, .by_itself = true};
    *h = (struct healing_walk){.c = c,
                               .timer = loop_timer_new(c->engine->loop, on_turn, h),
                               .begun_us = loop_now_us(c->engine->loop),
                               .pending = 1};
    walk_start(c->engine, &request, on_started, h);
    return h;
}
