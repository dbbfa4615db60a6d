/* How far a step is, in words for a line of a screen. */
#include "engine/runbook/run_words.h"

#include <stdio.h>

#include "engine/runbook/run_state.h"

static void add(struct str *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct str *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_add(out, out->len > 0 ? ", " : "");
    str_addv(out, format, args);
    va_end(args);
}

static void add_items(struct str *out, const struct run_parts *parts)
{
    add(out, "%zu/%zu ok", parts->ok, parts->total);
    if (parts->failed > 0)
        add(out, "%zu failed", parts->failed);
    if (parts->unknown + parts->cancelled > 0)
        add(out, "%zu unknown", parts->unknown + parts->cancelled);
}

static void add_rungs(const struct run *run, int step, struct str *out, const struct run_parts *parts)
{
    char **names = STEP(run, step)->rungs;
    if (parts->rung_wanted != PART_NONE && parts->rung != PART_NONE && parts->rung_wanted < parts->rung)
        add(out, "back to rung %s", names[parts->rung_wanted]);
    else if (parts->rung_wanted != PART_NONE)
        add(out, "to rung %s", names[parts->rung_wanted]);
    else if (parts->rung != PART_NONE)
        add(out, "rung %s", names[parts->rung]);
    if (parts->worse && parts->rung_wanted == PART_NONE)
        add(out, "worse");
}

void run_progress_text(const struct run *run, int step, int64_t now_ms, struct str *out)
{
    struct str words = {0};
    struct run_step view;
    struct run_parts parts;
    run_step_at(run, step, &view);
    run_parts_at(run, step, &parts);
    bool begun = view.outcome >= OUTCOME_RUNNING && parts.pending < parts.total;
    if (parts.kind == PARTS_ITEMS && begun)
        add_items(&words, &parts);
    else if (parts.kind == PARTS_RUNGS && begun)
        add_rungs(run, step, &words, &parts);
    if (view.outcome == OUTCOME_RUNNING && view.tries_max > 1 && view.tries > 0)
        add(&words, "attempt %u of %u",
            view.phase == PHASE_WAITING && view.tries < view.tries_max ? view.tries + 1 : view.tries,
            view.tries_max);
    if (view.outcome == OUTCOME_RUNNING && (view.phase == PHASE_LOCKING || view.phase == PHASE_MEASURING))
        add(&words, "%s", run_phase_text(view.phase));
    if (view.outcome == OUTCOME_RUNNING && view.next_ms > now_ms && parts.kind != PARTS_ITEMS) {
        char wait[DURATION_TEXT_SIZE];
        duration_format((view.next_ms - now_ms) * US_PER_MS, wait);
        add(&words, view.phase == PHASE_HOLDING ? "held for %s" : "in %s", wait);
    }
    str_add(out, str_text(&words));
    str_fini(&words);
}

bool step_says_no(const struct step *step, enum run_outcome outcome)
{
    return step->kind == STEP_CHECK && outcome == OUTCOME_FAILED;
}

const char *step_outcome_text(const struct step *step, enum run_outcome outcome)
{
    return step_says_no(step, outcome) ? "no" : run_outcome_text(outcome);
}

#define WHY_STEPS_MOST 3

/* As conclude() sees it: what kept the run from being ok. */
static bool is_flaw(const struct step *s, enum run_outcome outcome)
{
    return outcome == OUTCOME_WARN || outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_CANCELLED ||
           outcome == OUTCOME_TIMED_OUT || (outcome == OUTCOME_FAILED && !s->branches);
}

void run_verdict_text(const struct run *run, struct str *out)
{
    size_t flaws = 0;
    str_add(out, run_outcome_text(run->outcome));
    for (size_t i = 0; i < run->book->steps.len; i++) {
        const struct step *s = STEP(run, (int)i);
        const struct step_state *st = STATE(run, (int)i);
        if (run->outcome == OUTCOME_OK || !is_flaw(s, st->outcome) || flaws++ >= WHY_STEPS_MOST)
            continue;
        str_addf(out, "%s%s", flaws == 1 ? ": " : "; ", s->title);
        if (st->outcome == OUTCOME_WARN && st->reason)
            str_addf(out, ": %s", st->reason);
        else
            str_addf(out, "%s %s", step_says_no(s, st->outcome) ? " says" : "",
                     step_outcome_text(s, st->outcome));
    }
    if (flaws > WHY_STEPS_MOST)
        str_addf(out, "; and %zu more", flaws - WHY_STEPS_MOST);
}
