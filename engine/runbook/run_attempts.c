/* Attempts: what an execution that went wrong was, and whether its policy has another one. */
#include <stdio.h>

#include "engine/runbook/run_state.h"

/* Of an act any outcome that is known passes unless something says that it stays; of what looks, "no" is an
 * answer, and it is its errors that pass. */
void attempt_classify(const struct run *run, int step, enum verdict verdict, const struct run_result *result,
                      const char *why, struct failure *f)
{
    const struct policy *rules = run->policies[step].name ? &run->policies[step].rules : NULL;
    bool acts = run_role_acts(STATE(run, step)->role), exited = result->end == END_EXITED;
    *f = (struct failure){.class = FAILURE_NONE, .retry_after_ms = -1};
    if (verdict == VERDICT_PASS ||
        (verdict == VERDICT_FAIL && !acts &&
         !(exited && rules && exit_list_has_status(&rules->retry_on, result->exit))))
        return;
    if (result->end == END_TIMED_OUT)
        failure_of_error(ERR_TIMED_OUT, true, why, f);
    else if (exited && result->exit == 0)
        f->class = acts ? FAILURE_TRANSIENT : FAILURE_OTHER; /* an output that can't be judged stays so */
    else if (exited || result->end == END_SIGNALLED)
        failure_of_exit(exit_table_find(""), result->exit, exited ? 0 : result->signal,
                        rules ? &rules->retry_on : NULL, rules ? &rules->permanent : NULL, f);
    else
        f->class = FAILURE_CANCELLED; /* nothing came of it */
    if (f->class == FAILURE_OTHER && !(exited && result->exit == 0))
        f->class = FAILURE_TRANSIENT;
    if (!f->text[0])
        snprintf(f->text, sizeof f->text, "%.150s", why);
}

void run_classify(const struct run *run, uint64_t ticket, const struct run_result *result, struct failure *f)
{
    const struct run_ticket *t = run_find_ticket(run, ticket);
    struct str why = {0};
    enum verdict verdict = judge(run, t->step, t->part == PART_NONE ? 0 : t->part, result, &why);
    attempt_classify(run, t->step, verdict, result, str_text(&why), f);
    str_fini(&why);
}

bool attempt_declared(const struct run *run, int step, const struct run_result *result)
{
    const struct run_policy *policy = &run->policies[step];
    return policy->name && result->end == END_EXITED &&
           (exit_list_has_status(&policy->rules.retry_on, result->exit) ||
            exit_list_has_status(&policy->rules.permanent, result->exit));
}

void attempt_count(struct run *run, int step, int part, unsigned executed, struct run_counted counted)
{
    if (!run->policies[step].target || run->rehearsed || (executed == 0 && !counted.refused))
        return;
    struct run_effect *e = run_effect_add(run, EFFECT_COUNT);
    if (!e)
        return;
    e->step = step;
    e->attempt = executed;
    e->counted = counted;
    e->counted.took_ms = run->now_ms - STATE(run, step)->series.parts[part].begun_ms;
}

int64_t series_timeout_ms(const struct run *run, int step, int part)
{
    const struct step_state *st = STATE(run, step);
    int64_t timeout = values_ms(run, &STEP(run, step)->timeout);
    const struct run_policy *policy = &run->policies[step];
    if (!policy->name || !st->series.parts)
        return timeout;
    if (!STEP(run, step)->timeout_given && policy->rules.timeout_ms > 0)
        timeout = policy->rules.timeout_ms;
    const struct part *p = &st->series.parts[part];
    int64_t elapsed = 0;
    for (size_t i = 0; i < st->series.slots.len; i++)
        if (st->series.slots.data[i].part == part)
            elapsed = st->series.slots.data[i].since_ms - p->begun_ms;
    return backoff_timeout_ms(&policy->rules.backoff, p->tries, timeout, elapsed);
}

void series_phase(struct run *run, int step)
{
    struct step_state *st = STATE(run, step);
    if (!series_busy(st))
        st->phase = PHASE_WAITING;
    else if (run_role_acts(st->role))
        st->phase = PHASE_ACTING;
    else
        st->phase = st->hold_ms >= 0 ? PHASE_HOLDING : PHASE_CHECKING;
}

/* Does anything still hang on it? Of an act only a failure that is certain comes here, and only of what is
 * idempotent. */
static bool may_again(const struct run *run, int step, const struct failure *f)
{
    const struct step_state *st = STATE(run, step);
    const struct run_policy *policy = &run->policies[step];
    if (!policy->name || f->class == FAILURE_NONE || st->series.halt || st->cancel || run->stopping)
        return false;
    return run_role_acts(st->role) ? STEP(run, step)->idempotent : !st->again && check_wanted(run, step);
}

static bool decide(struct run *run, int step, const struct part *p, const struct failure *f, const char *why,
                   int64_t *delay_ms)
{
    static const struct budget empty = {.tenths = 0, .most = 1};
    struct step_state *st = STATE(run, step);
    enum retry_reason reason =
        policy_retry(&run->policies[step].rules, st->series.no_budget ? &empty : NULL, f, p->tries,
                     run->now_ms - p->begun_ms, p->delay_ms, 0, &run->rng, delay_ms);
    st->used_up |= reason != RETRY_AGAIN && run_role_acts(st->role);
    if ((reason == RETRY_PERMANENT || reason == RETRY_BUDGET) && f->class != FAILURE_CANCELLED &&
        !STEP(run, step)->items)
        run_record(run, step, "not tried again (%.100s): %s", why, retry_reason_text(reason));
    return reason == RETRY_AGAIN;
}

bool series_retry(struct run *run, int step, int part, const struct failure *f, const char *why)
{
    struct step_state *st = STATE(run, step);
    struct series *series = &st->series;
    struct part *p = &series->parts[part];
    int64_t delay;
    if (!may_again(run, step, f) || !decide(run, step, p, f, why, &delay))
        return false;
    p->delay_ms = delay;
    size_t i = 0;
    while (i < series->slots.len && series->slots.data[i].part != part)
        i++;
    if (i == series->slots.len)
        vec_push(&series->slots)->part = part;
    series->slots.data[i].ticket = 0;
    series->slots.data[i].next_ms = run->now_ms + (delay > 0 ? delay : 1);
    part_set(series, part, OUTCOME_RUNNING, why);
    run_activate(run, step);
    run_wake(run, series->slots.data[i].next_ms);
    if (!STEP(run, step)->items)
        run_record(run, step, "attempt %u of %u failed (%.100s), again in %lld ms", p->tries,
                   run->policies[step].rules.backoff.attempts, why, (long long)delay);
    st->outcome = OUTCOME_RUNNING;
    series_phase(run, step);
    return true;
}

/* Too late: whoever counted on it is no longer there, or its deadline is over. */
static bool is_late(const struct run *run, int step, const struct slot *slot)
{
    const struct backoff *b = &run->policies[step].rules.backoff;
    const struct part *p = &STATE(run, step)->series.parts[slot->part];
    return run->now_ms - slot->next_ms >= RUN_DISARM_MS ||
           (b->deadline_ms > 0 && run->now_ms - p->begun_ms >= b->deadline_ms) ||
           (!run_role_acts(STATE(run, step)->role) && !check_wanted(run, step));
}

void series_due(struct run *run, int step)
{
    struct series *series = &STATE(run, step)->series;
    for (size_t i = 0; i < series->slots.len; i++) {
        const struct slot *slot = &series->slots.data[i];
        if (slot->ticket || slot->next_ms > run->now_ms)
            continue;
        if (is_late(run, step, slot)) {
            series_halt(run, step, false, "its next attempt came too late");
            return;
        }
        series_exec(run, step, slot->part);
    }
    if (series->slots.len > 0)
        series_phase(run, step);
}
