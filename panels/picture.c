#include "panels/picture.h"

#include <stdlib.h>

#include "tui/kit/panel.h"

/* ---- texts ---- */

static const char *keep(struct picture *p, const char *text)
{
    return *vec_push(&p->texts) = xstrdup(text);
}

static const char *text_of(struct picture *p, const char *text)
{
    return text == NULL ? "" : p->keeps ? keep(p, text) : text;
}

/* Of a text that was put together here: always its own. */
static const char *made(struct picture *p, struct str *text)
{
    const char *kept = keep(p, str_text(text));
    str_fini(text);
    return kept;
}

/* ---- steps ---- */

/* The word for mark_find: an outcome, or "next" for the step that waits for a person. */
static const char *step_word(const struct step *what, const struct run_step *step)
{
    bool waits = step->ask != ASK_NOTHING && step->outcome != OUTCOME_UNKNOWN &&
                 step->outcome != OUTCOME_FAILED && step->outcome != OUTCOME_RUNNING;
    return waits ? "next" : step_outcome_text(what, step->outcome);
}

static void step_tail(const struct engine_run *run, const struct step *what, const struct run_step *step,
                      int64_t clock_ms, struct str *out)
{
    if (step->outcome == OUTCOME_OK && step->answer[0] != '\0') {
        str_add(out, step->answer);
    } else if (step->outcome == OUTCOME_OK && step_kind_acts(what->kind) &&
               step->ended_ms > step->started_ms && step->started_ms >= 0) {
        char span[DURATION_TEXT_SIZE];
        duration_format((step->ended_ms - step->started_ms) * US_PER_MS, span);
        str_addf(out, "%s %s", run->actor, span);
    } else if (step_says_no(what, step->outcome)) {
        bool plain = step->reason[0] == '\0' || str_eq(step->reason, "exit 1");
        str_addf(out, "no%s%s", plain ? "" : ": ", plain ? "" : step->reason);
    } else if (step->reason[0] != '\0') {
        str_add(out, step->reason);
    } else if (step->executed && step->outcome != OUTCOME_OK && step->end == END_EXITED) {
        str_addf(out, "exit %d", step->exit);
    } else {
        size_t before = out->len;
        if (step->outcome == OUTCOME_RUNNING) {
            run_progress_text(run->run, (int)(what - run->book->steps.data), clock_ms, out);
        }
        str_add(out, out->len > before                  ? ""
                     : step->outcome == OUTCOME_RUNNING ? run_phase_text(step->phase)
                                                        : step_kind_text(what->kind));
    }
}

static void look_at_steps(struct picture *p, const struct engine_run *run, int64_t clock_ms)
{
    const struct step_list *walk = &run->book->walk;
    for (size_t i = 0; i < walk->len; i++) {
        int index = walk->data[i];
        const struct step *what = &run->book->steps.data[index];
        struct run_step step;
        struct str tail = {0};
        run_step_at(run->run, index, &step);
        struct picture_step *seen = vec_push(&p->steps);
        seen->title = text_of(p, what->title);
        seen->good = step.outcome == OUTCOME_OK;
        seen->mark = mark_find(seen->good ? "done" : step_word(what, &step));
        seen->current = index == run->current_step;
        if (step.outcome == OUTCOME_PENDING || step.ask == ASK_OPEN || step.ask == ASK_CONFIRM) {
            str_add(&tail, seen->current ? "Enter to read" : "");
        } else {
            int64_t at_ms = step.ended_ms >= 0 ? step.ended_ms : step.started_ms;
            seen->at_us = at_ms >= 0 ? run->started_us + at_ms * US_PER_MS : 0;
            step_tail(run, what, &step, clock_ms, &tail);
        }
        seen->tail = made(p, &tail);
    }
}

/* ---- runs ---- */

static const char *verb(const struct step *what, const struct run_step *step)
{
    switch (step->ask) {
    case ASK_NOTHING:
        return "running:";
    case ASK_VALUE:
        return "next: give a value for";
    case ASK_OPEN:
    case ASK_CONFIRM:
        return "next: confirm";
    case ASK_ANSWER:
        return "next: answer";
    case ASK_WHEN:
        return "next: decide whether to do";
    case ASK_EVIDENCE:
        return "next: decide about the evidence of";
    case ASK_FAILED:
        return step_says_no(what, step->outcome) ? "says no, choose:" : "failed, choose:";
    case ASK_UNKNOWN:
        return "unknown, resolve:";
    }
    return "next:";
}

static void run_state(struct picture *p, const struct engine_run *run, struct picture_run *seen)
{
    enum run_outcome outcome = OUTCOME_PENDING;
    struct str next = {0};
    int current = run->current_step;
    if (run_ended(run->run, &outcome)) {
        str_add(&next, "ended ");
        run_verdict_text(run->run, &next);
        seen->word = outcome == OUTCOME_OK ? "done" : run_outcome_text(outcome);
    } else if (current < 0 || (size_t)current >= run->book->steps.len) {
        str_add(&next, "under way");
        seen->word = "running";
    } else {
        struct run_step step;
        const struct step *what = &run->book->steps.data[current];
        run_step_at(run->run, current, &step);
        str_addf(&next, "%s %s", verb(what, &step), what->title);
        if (step.outcome == OUTCOME_RUNNING) {
            struct str progress = {0};
            run_progress_text(run->run, current, INT64_MAX, &progress);
            str_addf(&next, "%s%s", progress.len > 0 ? ", " : "", str_text(&progress));
            str_fini(&progress);
        }
        seen->word = step_word(what, &step);
    }
    seen->next = made(p, &next);
}

static void look_at_run(struct picture *p, const struct engine_run *run)
{
    struct picture_run *seen = vec_push(&p->runs);
    struct str title = {0};
    str_addf(&title, "%s%s", run->rehearsed ? "REHEARSAL " : "", run->book->title);
    *seen = (struct picture_run){.id = run->id,
                                 .incident = run->incident,
                                 .started_us = run->started_us,
                                 .title = made(p, &title),
                                 .book = text_of(p, run->book->id),
                                 .actor = text_of(p, run->actor),
                                 .entity = text_of(p, run->rehearsed ? NULL : run->entity),
                                 .rehearsed = run->rehearsed,
                                 .ended = run->ended,
                                 .elsewhere = run->elsewhere};
    run_progress(run->run, &seen->place, &seen->total);
    run_state(p, run, seen);
}

/* Real ones before rehearsals, this console's before others', the newest. */
static int64_t claim_to_focus(const struct picture_run *run)
{
    return run->id + (run->rehearsed ? 0 : INT64_MAX / 2) + (run->elsewhere ? 0 : INT64_MAX / 4);
}

/* The newest open one that waits or runs here, else any open one. */
static ptrdiff_t focus(const struct picture *p)
{
    ptrdiff_t best = -1;
    for (size_t i = 0; i < p->runs.len; i++) {
        const struct picture_run *run = &p->runs.data[i];
        if (!run->ended && (best < 0 || claim_to_focus(run) > claim_to_focus(&p->runs.data[best]))) {
            best = (ptrdiff_t)i;
        }
    }
    return best;
}

static void look_at_runs(struct picture *p, const struct engine *engine)
{
    struct engine_run run;
    for (size_t i = 0; i < engine_run_count(engine); i++) {
        if (engine_run_at(engine, i, &run)) {
            look_at_run(p, &run);
        }
    }
    p->focused = focus(p);
    if (p->focused >= 0 && engine_run_by_id(engine, p->runs.data[p->focused].id, &run)) {
        look_at_steps(p, &run, engine_run_clock_ms(engine, run.id));
    }
}

static void look_at_offers(struct picture *p, const struct engine *engine)
{
    p->runbook_count = engine_runbook_count(engine);
    for (size_t i = 0; i < p->runbook_count; i++) {
        struct engine_runbook view;
        engine_runbook_at(engine, i, &view);
        if (view.offered || view.interrupted_run != 0) {
            *vec_push(&p->offers) =
                (struct picture_offer){.title = text_of(p, view.book != NULL ? view.book->title : view.path),
                                       .book = text_of(p, view.book != NULL ? view.book->id : NULL),
                                       .entity = text_of(p, view.offered_entity),
                                       .offered = view.offered,
                                       .interrupted = view.interrupted_run != 0};
        }
    }
}

static void look_at_healings(struct picture *p, const struct engine *engine)
{
    struct engine_healing h;
    for (size_t i = 0; engine_healing_at(engine, i, &h); i++) {
        struct str next = {0}, why = {0};
        if (h.given_up) {
            str_addf(&next, "healing gave up%s%s: a person is needed", h.fix[0] != '\0' ? " after " : "",
                     h.fix);
        } else if (h.run != 0 || str_eq(h.state, "running")) {
            str_addf(&next, "healing %s: %s, attempt %u", h.state, h.fix, h.attempts);
        } else {
            str_addf(&next, "healing proposes %s (%.0f %%)", h.fix, 100 * h.confidence);
        }
        str_addf(&why, "%s (%s): %s", h.issue, h.by[0] != '\0' ? h.by : "nobody knows", h.evidence);
        struct picture_healing *seen = vec_push(&p->healings);
        seen->resource = text_of(p, h.resource);
        seen->next = made(p, &next);
        seen->why = made(p, &why);
    }
}

const struct picture_healing *picture_healing_for(const struct picture *p, const char *title)
{
    for (size_t i = 0; i < p->healings.len; i++) {
        if (str_eq(p->healings.data[i].resource, title)) {
            return &p->healings.data[i];
        }
    }
    return NULL;
}

static unsigned kinds_of(const struct runbook *book)
{
    unsigned kinds = 0;
    for (size_t i = 0; book != NULL && i < book->offers.len; i++) {
        for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
            bool about = str_starts(book->offers.data[i].condition, entity_kind_text((enum entity_kind)kind));
            kinds |= about ? 1u << kind : 0;
        }
    }
    return kinds;
}

static void look_at_books(struct picture *p, const struct engine *engine)
{
    for (size_t i = 0; i < engine_runbook_count(engine); i++) {
        struct engine_runbook view;
        engine_runbook_at(engine, i, &view);
        *vec_push(&p->books) =
            (struct picture_book){.title = text_of(p, view.book != NULL ? view.book->title : view.path),
                                  .entity = text_of(p, view.offered_entity),
                                  .offered = view.offered,
                                  .kinds = kinds_of(view.book)};
    }
}

static void look_at_sources(struct picture *p, const struct engine *engine)
{
    const char *holder = engine_watch_holder(engine);
    p->holder = holder != NULL ? text_of(p, holder) : NULL;
    size_t count = engine_source_count(engine);
    struct source_status mirror;
    bool mirrored = engine_mirror_status(engine, &mirror);
    for (size_t i = 0; i < count + mirrored; i++) {
        struct source_status *s = vec_push(&p->sources);
        if (i < count) {
            engine_source_status(engine, i, s);
        } else {
            *s = mirror;
        }
        s->name = text_of(p, s->name);
        s->kind = text_of(p, s->kind);
        s->preset = text_of(p, s->preset);
        s->target = text_of(p, s->target);
        s->error = text_of(p, s->error);
        s->note = text_of(p, s->note);
    }
}

static void look(struct picture *p, const struct engine *engine, unsigned parts)
{
    if (parts & PICTURE_RUNS) {
        look_at_runs(p, engine);
        look_at_offers(p, engine);
        look_at_healings(p, engine);
    }
    if (parts & PICTURE_SOURCES) {
        look_at_sources(p, engine);
    }
    if (parts & PICTURE_BOOKS) {
        look_at_books(p, engine);
    }
}

const struct picture *picture_look(const struct panel_scene *scene, unsigned parts, struct picture *own)
{
    if (scene->picture != NULL) {
        return scene->picture;
    }
    look(own, scene->engine, parts);
    return own;
}

void picture_fini(struct picture *p)
{
    vec_fini(&p->runs);
    vec_fini(&p->steps);
    vec_fini(&p->offers);
    vec_fini(&p->healings);
    vec_fini(&p->books);
    vec_fini(&p->sources);
    for (size_t i = 0; i < p->texts.len; i++) {
        free(p->texts.data[i]);
    }
    vec_fini(&p->texts);
}

struct picture *picture_new(const struct engine *engine)
{
    struct picture *p = xcalloc(1, sizeof *p);
    p->keeps = true;
    look(p, engine, PICTURE_RUNS | PICTURE_SOURCES | PICTURE_BOOKS);
    return p;
}

void picture_free(struct picture *p)
{
    if (p != NULL) {
        picture_fini(p);
        free(p);
    }
}

/* ---- looking things up ---- */

const struct picture_run *picture_run_for(const struct picture *p, const char *title)
{
    for (size_t i = 0; i < p->runs.len; i++) {
        if (!p->runs.data[i].ended && str_eq(p->runs.data[i].entity, title)) {
            return &p->runs.data[i];
        }
    }
    return NULL;
}

void picture_place(const struct picture_run *run, struct str *out)
{
    str_addf(out, "step %d of %d", run->place, run->total);
}
