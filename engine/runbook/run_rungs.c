/* Rungs: measure, raise, hold, measure again. Worse than the baseline steps back one rung, and asks. */
#include <stdlib.h>

#include "engine/runbook/run_state.h"

static const char *rung_name(const struct run *run, int step, int rung)
{
    return rung == PART_NONE ? "none" : STEP(run, step)->rungs[rung];
}

static void end_here(struct run *run, int step, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Nothing of it was run since the confirmation: then it is as if there had been none. */
static void end_here(struct run *run, int step, enum verdict verdict, const char *format, ...)
{
    struct step_state *st = STATE(run, step);
    struct str why = {0};
    va_list args;
    va_start(args, format);
    str_addv(&why, format, args);
    va_end(args);
    st->next_ms = -1;
    st->series.wanted = PART_NONE;
    if (st->series.begun == 0 && verdict != VERDICT_PASS)
        act_not_started(run, step, str_text(&why));
    else
        act_done(run, step, verdict, str_text(&why));
    str_fini(&why);
}

static void run_rung(struct run *run, int step, int rung)
{
    struct step_state *st = STATE(run, step);
    st->series.wanted = rung;
    st->phase = PHASE_ACTING;
    series_exec(run, step, rung);
}

static void measure(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    st->phase = PHASE_MEASURING;
    check_begin(run, STEP(run, step)->guard, ROLE_GUARD, step);
}

static void raise_or_end(struct run *run, int step)
{
    struct series *series = &STATE(run, step)->series;
    if (series->rung + 1 < (int)series->count)
        run_rung(run, step, series->rung + 1);
    else
        end_here(run, step, VERDICT_PASS, "all %zu rungs", series->count);
}

static void go_on(struct run *run, int step)
{
    if (STEP(run, step)->guard != STEP_NONE)
        measure(run, step);
    else
        raise_or_end(run, step);
}

/* From the rung that is in effect. What was raised to the last and tried again runs that one again. */
void rungs_begin(struct run *run, int step)
{
    struct series *series = &STATE(run, step)->series;
    series->worse = false;
    series->wanted = PART_NONE;
    if (series->rung + 1 == (int)series->count)
        series->raised = --series->rung;
    for (int i = 0; i < (int)series->count; i++)
        if (i > series->rung && series->parts[i].outcome != OUTCOME_PENDING)
            part_set(series, i, OUTCOME_PENDING, NULL);
    go_on(run, step);
}

/* ---- Measuring ---- */

static bool is_worse(const struct step *s, const char *baseline, const char *measured, bool *comparable)
{
    double before, now;
    bool number = number_parse(baseline, &before);
    *comparable = !number || number_parse(measured, &now);
    if (!number || !*comparable)
        return false;
    double slack = (before < 0 ? -before : before) * (double)s->guard_slack / 1e6;
    return s->guard_lower ? !(now <= before + slack) : !(now >= before - slack);
}

static void step_back(struct run *run, int step, const char *why)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    int from = series->raised;
    series->worse = true;
    if (from <= 0) {
        end_here(run, step, VERDICT_FAIL,
                 from < 0 ? "worse than the baseline before the first rung: %s"
                          : "worse at the lowest rung: %s",
                 why);
        return;
    }
    run_record(run, step, "rung %s is worse (%.100s): back to %s", rung_name(run, step, from), why,
               rung_name(run, step, from - 1));
    part_set(series, from, OUTCOME_FAILED, why);
    run_rung(run, step, from - 1);
}

static void compare(struct run *run, int step, const char *measured)
{
    struct series *series = &STATE(run, step)->series;
    const struct step *s = STEP(run, step);
    bool comparable;
    bool worse = is_worse(s, series->baseline, measured, &comparable);
    char *why = xasprintf("%s %s against %s", STEP(run, s->guard)->id, *measured ? measured : "pass",
                          series->baseline);
    if (!comparable) {
        end_here(run, step, VERDICT_UNSURE, "%s: its guard gave no number to compare with %s",
                 rung_name(run, step, series->rung), series->baseline);
    } else if (worse) {
        step_back(run, step, why);
    } else {
        run_record(run, step, "rung %s is no worse: %s", rung_name(run, step, series->rung), why);
        raise_or_end(run, step);
    }
    free(why);
}

void rungs_measured(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    int guard = STEP(run, step)->guard;
    const struct step_state *g = STATE(run, guard);
    const char *said = g->series.measured ? g->series.measured : "";
    double number;
    if (run->stopping || st->cancel || series->halt) {
        rungs_halt(run, step, series->halt_reason ? series->halt_reason : "cancelled");
        return;
    }
    free(series->measured);
    series->measured = xstrdup(number_parse(said, &number) ? said : "");
    if (g->outcome != OUTCOME_OK && g->outcome != OUTCOME_FAILED) {
        end_here(run, step, VERDICT_UNSURE, "its guard %s is %s: %s", STEP(run, guard)->id,
                 run_outcome_text(g->outcome), g->reason ? g->reason : "");
    } else if (g->outcome == OUTCOME_FAILED && !series->baseline) {
        end_here(run, step, VERDICT_FAIL, "no baseline: its guard %s failed: %s", STEP(run, guard)->id,
                 g->reason ? g->reason : "");
    } else if (g->outcome == OUTCOME_FAILED) {
        step_back(run, step, g->reason ? g->reason : "it failed");
    } else if (!series->baseline) {
        series->baseline = xstrdup(*series->measured ? series->measured : "pass");
        run_record(run, step, "baseline: %s %s", STEP(run, guard)->id, series->baseline);
        raise_or_end(run, step);
    } else {
        compare(run, step, series->measured);
    }
}

/* ---- A rung was run ---- */

void rungs_went(struct run *run, int step, int part, enum verdict verdict, const char *why, bool started)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    const char *name = rung_name(run, step, part);
    if (verdict == VERDICT_PASS) {
        series->rung = series->raised = part;
        series->wanted = PART_NONE;
    } else if (verdict == VERDICT_UNSURE && started && part > series->raised) {
        series->raised = part;
    }
    if (series->worse) {
        if (verdict == VERDICT_PASS)
            end_here(run, step, VERDICT_FAIL, "stepped back to rung %s: worse than the baseline", name);
        else
            end_here(run, step, started ? verdict : VERDICT_FAIL,
                     "worse than the baseline, and stepping back to rung %s: %s", name, why);
    } else if (verdict != VERDICT_PASS) {
        end_here(run, step, started ? verdict : VERDICT_FAIL, "rung %s: %s", name, why);
    } else if (series->halt || run->stopping) {
        rungs_halt(run, step, series->halt_reason ? series->halt_reason : "the run was stopped");
    } else {
        int64_t hold = values_ms(run, &STEP(run, step)->rung_hold);
        run_record(run, step, "rung %s is in effect, held for %lld s", name, (long long)(hold / 1000));
        st->phase = PHASE_HOLDING;
        st->next_ms = run->now_ms + (hold > 0 ? hold : 1);
        run_wake(run, st->next_ms);
    }
}

void rungs_due(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    if (st->phase != PHASE_HOLDING || st->next_ms < 0 || st->next_ms > run->now_ms)
        return;
    int64_t late = run->now_ms - st->next_ms;
    st->next_ms = -1;
    if (late < RUN_DISARM_MS)
        go_on(run, step);
    else
        rungs_halt(run, step, "nobody was there when it was time to go on");
}

/* Between two rungs: it stays where it is. */
void rungs_halt(struct run *run, int step, const char *why)
{
    end_here(run, step, VERDICT_FAIL, "%s at rung %s", why,
             rung_name(run, step, STATE(run, step)->series.rung));
}
