/* Executions: a step's parts (its items, its rungs, or the step as a whole), so many at a time, each with the
 * attempts that its policy allows (run_attempts.c), and what they come to together. */
#include <stdlib.h>

#include "engine/runbook/run_state.h"

#define MILLION 1000000

bool series_busy(const struct step_state *st)
{
    for (size_t i = 0; i < st->series.slots.len; i++)
        if (st->series.slots.data[i].ticket)
            return true;
    return false;
}

bool series_open(const struct step_state *st)
{
    return st->series.slots.len > 0;
}

void series_fini(struct series *series)
{
    for (size_t i = 0; i < series->count; i++)
        free(series->parts[i].reason);
    free(series->parts);
    free(series->halt_reason);
    free(series->baseline);
    free(series->measured);
    vec_fini(&series->slots);
}

void part_set(struct series *series, int part, enum run_outcome outcome, const char *reason)
{
    struct part *p = &series->parts[part];
    series->tally[p->outcome]--;
    series->tally[outcome]++;
    p->outcome = outcome;
    if (outcome == OUTCOME_PENDING && (size_t)part < series->next)
        series->next = (size_t)part;
    free(p->reason);
    p->reason = reason && *reason ? xstrdup(reason) : NULL;
}

/* ---- The beginning ---- */

static size_t part_count(const struct run *run, int step)
{
    const struct step *s = STEP(run, step);
    return s->items ? items_count(run->items[step]) : s->rungs ? strv_count(s->rungs) : 1;
}

static void make_parts(struct run *run, int step)
{
    struct series *series = &STATE(run, step)->series;
    series->count = part_count(run, step);
    series->parts = xcalloc(series->count + 1, sizeof *series->parts);
    series->tally[OUTCOME_PENDING] = series->count;
    series->rung = series->raised = series->wanted = PART_NONE;
}

/* The next attempt of a part does not come. */
static void drop_waiting(struct run *run, int step, size_t slot, bool cancel)
{
    struct series *series = &STATE(run, step)->series;
    int part = series->slots.data[slot].part;
    attempt_count(run, step, part, series->parts[part].tries,
                  (struct run_counted){.over = true, .class = cancel ? FAILURE_CANCELLED : FAILURE_OTHER});
    vec_remove(&series->slots, slot);
}

/* Of an act that is tried again what is ok stays; whatever only looks, looks at everything. */
static void prepare(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    bool keep = run_role_acts(st->role) && has_parts(STEP(run, step));
    if (!series->parts)
        make_parts(run, step);
    for (size_t i = series->slots.len; i > 0; i--) /* what was to be tried again is begun anew */
        if (!series->slots.data[i - 1].ticket)
            drop_waiting(run, step, i - 1, false);
    for (size_t i = 0; i < series->count; i++) {
        series->parts[i].tries = 0;
        if (series->parts[i].outcome != OUTCOME_PENDING && !(keep && series->parts[i].outcome == OUTCOME_OK))
            part_set(series, (int)i, OUTCOME_PENDING, NULL);
    }
    series->next = 0;
    series->begun = 0;
    series->begun_ms = run->now_ms;
    series->halt = series->empty = st->used_up = false;
    free(series->halt_reason);
    series->halt_reason = NULL;
}

void series_forget(struct run *run, int step)
{
    struct series *series = &STATE(run, step)->series;
    for (size_t i = 0; i < series->count; i++)
        part_set(series, (int)i, OUTCOME_PENDING, NULL);
    series->rung = series->raised = series->wanted = PART_NONE;
    series->worse = false;
}

void series_exec(struct run *run, int step, int part)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    struct part *p = &series->parts[part];
    size_t i = 0;
    while (i < series->slots.len && series->slots.data[i].part != part)
        i++;
    struct slot *slot = i < series->slots.len ? &series->slots.data[i] : vec_push(&series->slots);
    if (p->outcome != OUTCOME_RUNNING)
        part_set(series, part, OUTCOME_RUNNING, NULL);
    if (p->tries++ == 0)
        p->begun_ms = run->now_ms;
    p->attempts++;
    series->begun++;
    *slot = (struct slot){.part = part, .since_ms = run->now_ms, .next_ms = -1};
    slot->ticket = run_exec(run, step, st->role, has_parts(STEP(run, step)) ? part : PART_NONE);
}

static void fill(struct run *run, int step)
{
    struct series *series = &STATE(run, step)->series;
    const struct step *s = STEP(run, step);
    size_t most = s->items ? (size_t)s->parallel : 1;
    while (!series->halt && series->slots.len < most) {
        while (series->next < series->count && series->parts[series->next].outcome != OUTCOME_PENDING)
            series->next++;
        if (series->next == series->count)
            break;
        series_exec(run, step, (int)series->next);
    }
    if (run_role_acts(STATE(run, step)->role))
        series_phase(run, step);
}

void series_begin(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    prepare(run, step);
    run_activate(run, step);
    if (s->rungs) {
        rungs_begin(run, step);
        return;
    }
    st->series.empty =
        s->items && ((int64_t)st->series.count < s->minimum || st->series.tally[OUTCOME_PENDING] == 0);
    if (st->series.empty)
        *vec_push(&run->due) = step; /* said once the input is through: nobody expects an answer yet */
    else
        fill(run, step);
}

/* ---- What they come to ---- */

static void first_fault(const struct run *run, int step, enum run_outcome outcome, struct str *why)
{
    const struct series *series = &STATE(run, step)->series;
    for (size_t i = 0; i < series->count; i++)
        if (series->parts[i].outcome == outcome) {
            str_add(why, ", first ");
            run_part_text(run, step, (int)i, why);
            str_addf(why, ": %s",
                     series->parts[i].reason ? series->parts[i].reason : run_outcome_text(outcome));
            return;
        }
}

/* So many of them ok are enough. */
static bool suffices(const struct step *s, size_t ok, size_t total)
{
    return (unsigned __int128)ok * MILLION >= (unsigned __int128)s->threshold * total;
}

/* An item that nobody knows the outcome of makes an act unknown; where it may be run again, or only looked,
 * it does so when the threshold hangs on it. */
static enum verdict judge_items(const struct run *run, int step, struct str *why)
{
    const struct step *s = STEP(run, step);
    const struct series *series = &STATE(run, step)->series;
    size_t ok = series->tally[OUTCOME_OK], skipped = series->tally[OUTCOME_SKIPPED], total = series->count;
    size_t unknown = series->tally[OUTCOME_UNKNOWN] + series->tally[OUTCOME_CANCELLED];
    if ((int64_t)total < s->minimum) {
        str_addf(why, "%zu items, fewer than the minimum of %lld: nothing was run", total,
                 (long long)s->minimum);
        return VERDICT_FAIL;
    }
    if (total == 0 && !run_role_acts(STATE(run, step)->role)) {
        str_add(why, "no items: nothing was looked at");
        return VERDICT_UNSURE;
    }
    str_addf(why, "%zu of %zu ok", ok, total);
    bool strict = run_role_acts(STATE(run, step)->role) && !s->idempotent;
    bool may_pass = suffices(s, ok + unknown, total), passes = suffices(s, ok, total);
    if (unknown > 0 && (strict || (skipped == 0 && may_pass && !passes))) {
        str_addf(why, ", %zu unknown", unknown);
        first_fault(run, step, series->tally[OUTCOME_UNKNOWN] ? OUTCOME_UNKNOWN : OUTCOME_CANCELLED, why);
        return VERDICT_UNSURE;
    }
    if (skipped > 0) {
        str_addf(why, ", %zu not run: %s", skipped, series->halt_reason ? series->halt_reason : "cancelled");
        return run_role_acts(STATE(run, step)->role) ? VERDICT_FAIL
                                                     : VERDICT_UNSURE; /* half a look is none */
    }
    if (ok < total)
        first_fault(run, step, series->tally[OUTCOME_FAILED] ? OUTCOME_FAILED : OUTCOME_UNKNOWN, why);
    if (!passes)
        str_addf(why, " (%.4g %% needed)", (double)s->threshold * 100 / MILLION);
    return passes ? VERDICT_PASS : VERDICT_FAIL;
}

static void over(struct run *run, int step, enum verdict verdict, const char *why, enum run_end end)
{
    if (run_role_acts(STATE(run, step)->role))
        act_done(run, step, verdict, why);
    else
        check_done(run, step, verdict, why, end);
}

static void items_over(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    struct str why = {0};
    if (run_role_acts(st->role) && series->begun == 0 && series->halt) { /* nothing of it was run */
        str_add(&why, series->halt_reason ? series->halt_reason : "cancelled before it acted");
        act_not_started(run, step, str_text(&why));
        str_fini(&why);
        return;
    }
    for (size_t i = 0; series->tally[OUTCOME_PENDING] > 0 && !series->empty && i < series->count; i++)
        if (series->parts[i].outcome == OUTCOME_PENDING)
            part_set(series, (int)i, OUTCOME_SKIPPED, series->halt_reason);
    enum verdict verdict = judge_items(run, step, &why);
    series->empty = false;
    if (st->role == ROLE_GUARD && series->count > 0) {
        free(series->measured);
        series->measured = xasprintf("%.6f", (double)series->tally[OUTCOME_OK] / (double)series->count);
    }
    over(run, step, verdict, str_text(&why),
         st->cancel && verdict == VERDICT_UNSURE ? END_CANCELLED : END_EXITED);
    str_fini(&why);
}

/* A part has no attempt under way and waits for none. */
static void drop_slot(struct series *series, int part)
{
    for (size_t i = 0; i < series->slots.len; i++)
        if (series->slots.data[i].part == part) {
            vec_remove(&series->slots, i);
            return;
        }
}

static void part_over(struct run *run, int step, int part, enum verdict verdict, const char *why,
                      enum run_end end)
{
    struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    if (s->rungs) {
        rungs_went(run, step, part, verdict, why, end != END_NOT_STARTED);
        return;
    }
    if (s->items) {
        fill(run, step);
        if (st->series.slots.len == 0)
            items_over(run, step);
        return;
    }
    if (run_role_acts(st->role) && st->series.begun == 0)
        act_not_started(run, step, why);
    else
        over(run, step, verdict, why, end);
}

/* It is certain that it did not begin. What it would have been is as if it had not been asked for. */
static enum verdict not_begun(struct run *run, int step, int part, struct str *why)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    struct part *p = &series->parts[part];
    series->begun--;
    p->attempts--;
    p->tries--;
    if (--st->counts[st->role] == 0)
        st->started_ms = -1;
    series->halt = true;
    free(series->halt_reason);
    series->halt_reason = xstrdup(str_text(why));
    if (p->tries == 0) {
        part_set(series, part, OUTCOME_PENDING, NULL);
        return VERDICT_UNSURE;
    }
    char *both =
        xasprintf("%s; attempt %u: %s", p->reason ? p->reason : "failed", p->tries + 1, str_text(why));
    part_set(series, part, OUTCOME_FAILED, both);
    str_clear(why);
    str_add(why, both);
    free(both);
    return VERDICT_FAIL;
}

void series_settle(struct run *run)
{
    while (run->due.len > 0) {
        int step = run->due.data[0];
        vec_remove(&run->due, 0);
        if (STATE(run, step)->outcome == OUTCOME_RUNNING && STATE(run, step)->series.empty)
            items_over(run, step);
    }
}

void series_finish(struct run *run, int step, uint64_t ticket, int part, const struct run_result *result)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    bool acts = run_role_acts(st->role);
    struct str why = {0};
    part = part == PART_NONE ? 0 : part;
    for (size_t i = 0; i < series->slots.len; i++)
        if (series->slots.data[i].ticket == ticket)
            series->slots.data[i].ticket = 0;
    enum verdict verdict = judge(run, step, part, result, &why);
    struct failure failure;
    series->no_budget = result->no_budget;
    attempt_classify(run, step, verdict, result, str_text(&why), &failure);
    if (acts && verdict == VERDICT_UNSURE && attempt_declared(run, step, result))
        verdict = VERDICT_FAIL;
    bool executed = result->end != END_NOT_STARTED;
    unsigned tries = series->parts[part].tries - !executed;
    struct run_counted counted = {.executed = executed,
                                  .refused = tries == 0 && result->refused,
                                  .class = executed ? failure.class : FAILURE_OTHER};
    if (acts && !executed) {
        verdict = not_begun(run, step, part, &why);
    } else {
        record_end(st, result);
        if (verdict == VERDICT_PASS && !STEP(run, step)->items)
            values_carry(run, step, result);
        if ((verdict == VERDICT_FAIL || !acts) && series_retry(run, step, part, &failure, str_text(&why))) {
            attempt_count(run, step, part, tries, counted);
            str_fini(&why);
            return;
        }
        part_set(series, part,
                 verdict == VERDICT_PASS                 ? OUTCOME_OK
                 : verdict == VERDICT_FAIL               ? OUTCOME_FAILED
                 : result->end == END_CANCELLED && !acts ? OUTCOME_CANCELLED
                                                         : OUTCOME_UNKNOWN,
                 verdict == VERDICT_PASS ? NULL : str_text(&why));
    }
    counted.over = true;
    attempt_count(run, step, part, tries, counted);
    if (st->role == ROLE_GUARD) {
        free(series->measured);
        series->measured = xstrdup(result->output);
    }
    drop_slot(series, part);
    part_over(run, step, part, verdict, str_text(&why), result->end);
    str_fini(&why);
}

void series_halt(struct run *run, int step, bool cancel, const char *why)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    bool acts = run_role_acts(st->role); /* what looks has no answer then */
    series->halt = true;
    st->cancel |= cancel;
    if (!series->halt_reason)
        series->halt_reason = xstrdup(why);
    int waited = PART_NONE;
    for (size_t i = series->slots.len; i > 0; i--) {
        struct slot slot = series->slots.data[i - 1];
        if (slot.ticket) {
            if (cancel)
                run_cancel_ticket(run, slot.ticket);
            continue;
        }
        char *reason = xstrdup(series->parts[slot.part].reason);
        drop_waiting(run, step, i - 1, cancel);
        part_set(series, slot.part,
                 acts     ? OUTCOME_FAILED
                 : cancel ? OUTCOME_CANCELLED
                          : OUTCOME_UNKNOWN,
                 reason);
        free(reason);
        waited = slot.part;
    }
    if (waited == PART_NONE || series->slots.len > 0)
        return;
    char *reason =
        xasprintf("%s; %s", series->parts[waited].reason ? series->parts[waited].reason : "failed", why);
    part_over(run, step, waited, acts ? VERDICT_FAIL : VERDICT_UNSURE, reason,
              cancel && !acts ? END_CANCELLED : END_EXITED);
    free(reason);
}
