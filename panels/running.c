#include "panels/running.h"

void run_place(const struct engine_run *run, struct str *out)
{
    int place = 0, total = 0;
    run_progress(run->run, &place, &total);
    str_addf(out, "step %d of %d", place, total);
}

const char *step_word(const struct run_step *step)
{
    bool waits = step->ask != ASK_NOTHING && step->outcome != OUTCOME_UNKNOWN &&
                 step->outcome != OUTCOME_FAILED && step->outcome != OUTCOME_RUNNING;
    return waits ? "next" : run_outcome_text(step->outcome);
}

static const char *verb(const struct run_step *step)
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
        return "failed, choose:";
    case ASK_UNKNOWN:
        return "unknown, resolve:";
    }
    return "next:";
}

void run_next(const struct engine_run *run, struct str *out)
{
    int current = run->current_step;
    if (run->ended) {
        enum run_outcome outcome = OUTCOME_PENDING;
        run_ended(run->run, &outcome);
        str_addf(out, "ended %s", run_outcome_text(outcome));
    } else if (current < 0 || (size_t)current >= run->book->steps.len) {
        str_add(out, "under way");
    } else {
        struct run_step step;
        run_step_at(run->run, current, &step);
        str_addf(out, "%s %s", verb(&step), run->book->steps.data[current].title);
    }
}

bool run_for(const struct engine *engine, const char *title, struct engine_run *run)
{
    for (size_t i = 0; i < engine_run_count(engine); i++) {
        if (engine_run_at(engine, i, run) && !run->ended && str_eq(run->entity, title)) {
            return true;
        }
    }
    return false;
}

bool run_focused(const struct engine *engine, struct engine_run *run)
{
    struct engine_run candidate;
    bool found = false;
    for (size_t i = 0; i < engine_run_count(engine); i++) {
        if (!engine_run_at(engine, i, &candidate) || candidate.ended) {
            continue;
        }
        bool better = !found || (run->elsewhere && !candidate.elsewhere) ||
                      (run->elsewhere == candidate.elsewhere && candidate.id > run->id);
        if (better) {
            *run = candidate;
            found = true;
        }
    }
    return found;
}
