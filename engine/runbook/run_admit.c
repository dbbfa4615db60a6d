/* May this input come now? Says no with a sentence that a person can use; changes nothing. */
#include <stdlib.h>

#include "engine/runbook/run_state.h"
#include "engine/runbook/run_words.h"

static bool reason_given(const struct run_input *in)
{
    return in->reason && in->reason[strspn(in->reason, " \t\n")];
}

static bool rollback_open(const struct run *run, int step)
{
    int rollback = STEP(run, step)->rollback;
    if (rollback == STEP_NONE)
        return false;
    const struct step_state *r = STATE(run, rollback);
    bool done = r->outcome == OUTCOME_OK || r->outcome == OUTCOME_WARN;
    return !done || r->started_ms < STATE(run, step)->started_ms;
}

/* The step that a person may decide about: the current one, or the one whose rollback waits to be opened. */
static bool decidable(const struct run *run, int step)
{
    if (run->focus == STEP_NONE)
        return false;
    return run->focus == step || (STATE(run, run->focus)->back == step && walk_is_waiting(run, run->focus));
}

#define CHOICE(name) (1u << CHOICE_##name)

unsigned run_choices(const struct run *run, int step, unsigned *reasons)
{
    const struct step_state *st = STATE(run, step);
    const struct step *s = STEP(run, step);
    unsigned choices = 0;
    *reasons = 0;
    if (run->ended || run->stopping || !decidable(run, step))
        return 0;
    bool acts = step_kind_acts(s->kind);
    unsigned outcome_choices = CHOICE(RETRY) | CHOICE(CONTINUE) | CHOICE(STOP) |
                               (rollback_open(run, step) ? CHOICE(ROLLBACK) : 0) |
                               (s->verify.len > 0 ? CHOICE(VERIFY) : 0);
    switch (st->ask) {
    case ASK_VALUE:
    case ASK_OPEN:
    case ASK_ANSWER:
        choices = CHOICE(SKIP) | CHOICE(STOP);
        *reasons = CHOICE(SKIP);
        break;
    case ASK_WHEN:
        choices = CHOICE(CONTINUE) | CHOICE(SKIP) | CHOICE(STOP);
        *reasons = CHOICE(CONTINUE) | CHOICE(SKIP);
        break;
    case ASK_EVIDENCE:
        choices = CHOICE(RETRY) | CHOICE(CONTINUE) | CHOICE(STOP);
        *reasons = CHOICE(CONTINUE);
        break;
    case ASK_FAILED:
        choices = outcome_choices;
        break;
    case ASK_UNKNOWN:
        choices = outcome_choices;
        *reasons = choices & ~(CHOICE(STOP) | CHOICE(VERIFY) | (acts ? 0 : CHOICE(RETRY)));
        break;
    default: /* evidence that hangs */
        choices = st->phase == PHASE_EVIDENCE ? CHOICE(CONTINUE) : 0;
        *reasons = choices;
        break;
    }
    return choices;
}

static int admit_choice(const struct run *run, const struct run_input *in, struct err *e)
{
    unsigned reasons, choices = run_choices(run, in->step, &reasons);
    if ((unsigned)in->choice > CHOICE_VERIFY || !(choices & 1u << in->choice))
        return err_set(e, ERR_USAGE, "%s: \"%s\" is not possible now", STEP(run, in->step)->id,
                       run_choice_text(in->choice));
    if (reasons & 1u << in->choice && !reason_given(in))
        return err_set(e, ERR_USAGE, "%s: \"%s\" needs a reason here", STEP(run, in->step)->id,
                       run_choice_text(in->choice));
    return 0;
}

/* ---- Pages ---- */

static bool something_runs(const struct run *run)
{
    for (size_t i = 0; i < run->active.len; i++) {
        const struct step_state *st = STATE(run, run->active.data[i]);
        if (st->outcome == OUTCOME_RUNNING && st->role != ROLE_PRE)
            return true;
    }
    return false;
}

/* A change that was made, and not taken back, by a step whose undo this is. */
static bool undoes(const struct run *run, int step)
{
    const struct step_list *list = &STEP(run, step)->undoes;
    for (size_t i = 0; i < list->len; i++) {
        const struct step_state *st = STATE(run, list->data[i]);
        if (STEP(run, list->data[i])->undo == step && st->counts[ROLE_ACT] + st->counts[ROLE_ROLLBACK] > 0 &&
            !st->undone)
            return true;
    }
    return false;
}

static int admit_open(const struct run *run, int step, struct err *e)
{
    const struct step_state *st = STATE(run, step);
    const char *id = STEP(run, step)->id;
    if (run->focus == step && st->ask == ASK_OPEN)
        return 0;
    if (st->outcome == OUTCOME_ARMED)
        return err_set(e, ERR_USAGE, "%s: its page is open already", id);
    if (run->focus == step && st->ask == ASK_VALUE)
        return err_set(e, ERR_USAGE, "%s: it waits for a value of %s", id,
                       run->book->vars.data[values_missing(run, step)].name);
    if (run->focus != step && undoes(run, step) && walk_is_waiting(run, step) && !something_runs(run) &&
        walk_is_waiting(run, run->focus)) {
        if (values_missing(run, step) < 0)
            return 0;
        return err_set(e, ERR_USAGE, "%s: it needs a value of %s first", id,
                       run->book->vars.data[values_missing(run, step)].name);
    }
    return err_set(e, ERR_USAGE, "%s is not what the run waits for: that is %s", id,
                   STEP(run, run->focus)->id);
}

static int admit_typed(const struct run *run, int step, const char *typed, struct err *e)
{
    bool stronger;
    char *needed = confirm_needed(run, step, &stronger);
    int code = 0;
    if (needed && !str_eq(needed, typed))
        code = err_set(e, ERR_DENIED, "%s: type %.100s to confirm it%s", STEP(run, step)->id, needed,
                       stronger ? " (a narrower step is untried)" : "");
    free(needed);
    return code;
}

static int admit_confirm(const struct run *run, const struct run_input *in, int64_t now, struct err *e)
{
    const struct step_state *st = STATE(run, in->step);
    const char *id = STEP(run, in->step)->id;
    if (st->outcome != OUTCOME_ARMED)
        return err_set(e, ERR_USAGE, "%s: its page is not open: open it and read it first", id);
    if (now - st->opened_ms < confirm_min_ms(run))
        return err_set(e, ERR_DENIED, "%s: its page opened less than %d ms ago: nobody has read it", id,
                       RUN_CONFIRM_MIN_MS);
    if (now - st->opened_ms >= RUN_DISARM_MS)
        return err_set(e, ERR_DENIED, "%s: its page is older than 60 s: open it again", id);
    if (act_pre_running(run, in->step))
        return err_set(e, ERR_USAGE, "%s: its prechecks still run", id);
    int failed = act_pre_failed(run, in->step);
    if (failed != STEP_NONE)
        return err_set(e, ERR_DENIED, "%s: precheck %s %s %s", id, STEP(run, failed)->id,
                       step_says_no(STEP(run, failed), STATE(run, failed)->outcome) ? "says" : "is",
                       step_outcome_text(STEP(run, failed), STATE(run, failed)->outcome));
    struct run_command command;
    char *lock;
    int code = run_command_bare(run, in->step, &command, e);
    if (code)
        return code;
    run_command_fini(&command);
    code = lock_text(run, in->step, &lock, e);
    if (code)
        return code;
    free(lock);
    int missing = approvals_missing(run, in->step, in->actor, in->where, now);
    if (missing > 0)
        return err_set(e, ERR_DENIED, "%s: it needs the approval of %d other %s (a, or belay approve)", id,
                       missing, missing == 1 ? "person" : "people");
    return admit_typed(run, in->step, in->value, e);
}

/* ---- The rest ---- */

static int admit_set(const struct run *run, const struct run_input *in, struct err *e)
{
    int var = in->name ? runbook_find_var(run->book, in->name) : -1;
    if (var < 0)
        return err_set(e, ERR_NOT_FOUND, "the runbook has no variable \"%.60s\"", in->name ? in->name : "");
    if (run->book->vars.data[var].secret)
        return err_set(e, ERR_DENIED, "%s is a secret: it comes from %s only", in->name,
                       run->book->vars.data[var].secret);
    for (size_t i = 0; i < run->active.len; i++) {
        const struct step_state *st = STATE(run, run->active.data[i]);
        if (st->outcome == OUTCOME_ARMED || st->outcome == OUTCOME_RUNNING)
            return err_set(e, ERR_USAGE, "%s can't change now: %s %s", in->name,
                           STEP(run, run->active.data[i])->id,
                           st->outcome == OUTCOME_ARMED ? "is on its confirmation page" : "runs");
    }
    return values_fit(&run->book->vars.data[var], in->value ? in->value : "", e);
}

static int admit_answer(const struct run *run, const struct run_input *in, struct err *e)
{
    const struct step *s = STEP(run, in->step);
    const char *value = in->value ? in->value : "";
    if (run->focus != in->step || STATE(run, in->step)->ask != ASK_ANSWER)
        return err_set(e, ERR_USAGE, "%s doesn't wait for an answer", s->id);
    if (s->kind == STEP_MANUAL) {
        if (!str_eq(value, "done") && !str_eq(value, "failed"))
            return err_set(e, ERR_USAGE, "%s: a manual step is answered with done or failed", s->id);
        if (str_eq(value, "failed") && !reason_given(in))
            return err_set(e, ERR_USAGE, "%s: \"failed\" needs a reason", s->id);
        return str_eq(value, "done") ? admit_typed(run, in->step, in->typed, e) : 0;
    }
    for (size_t i = 0; i < s->answers.len; i++)
        if (str_eq(s->answers.data[i].value, value))
            return reason_given(in) ? admit_typed(run, in->step, in->typed, e)
                                    : err_set(e, ERR_USAGE, "%s: a decision needs a reason", s->id);
    return err_set(e, ERR_USAGE, "%s: \"%.60s\" is none of its answers", s->id, value);
}

static int admit_cancel(const struct run *run, int step, struct err *e)
{
    const struct step_state *st = STATE(run, step);
    if (st->outcome != OUTCOME_RUNNING)
        return err_set(e, ERR_USAGE, "%s doesn't run", STEP(run, step)->id);
    if (st->cancel && (series_busy(st) || st->phase == PHASE_MEASURING))
        return err_set(e, ERR_USAGE, "%s is being cancelled already", STEP(run, step)->id);
    return 0;
}

static int admit_resolve(const struct run *run, const struct run_input *in, struct err *e)
{
    const struct step_state *st = STATE(run, in->step);
    const struct step *s = STEP(run, in->step);
    bool unknown = st->outcome == OUTCOME_UNKNOWN || st->outcome == OUTCOME_CANCELLED;
    if (!unknown || st->phase != PHASE_IDLE || s->kind == STEP_VERIFY || s->kind == STEP_EVIDENCE)
        return err_set(e, ERR_USAGE, "%s: its outcome is %s, there is nothing to resolve", s->id,
                       run_outcome_text(st->outcome));
    if (st->ask == ASK_UNKNOWN && !decidable(run, in->step))
        return err_set(e, ERR_USAGE, "%s: %s comes first", s->id, STEP(run, run->focus)->id);
    if (in->resolved != OUTCOME_OK && in->resolved != OUTCOME_FAILED)
        return err_set(e, ERR_USAGE, "%s: it is resolved as ok or failed", s->id);
    return reason_given(in) ? 0
                            : err_set(e, ERR_USAGE, "%s: resolving an unknown outcome needs a reason", s->id);
}

static int admit_ticket(const struct run *run, const struct run_input *in, struct err *e)
{
    const struct run_ticket *t = run_find_ticket(run, in->ticket);
    if (!t)
        return err_set(e, ERR_NOT_FOUND, "the run has no execution %llu under way",
                       (unsigned long long)in->ticket);
    if (in->kind == INPUT_STARTED && t->started)
        return err_set(e, ERR_EXISTS, "execution %llu has started already", (unsigned long long)in->ticket);
    return 0;
}

/* What the document names must have come with it: policies as numbers, items by digest and as lines. */
static int admit_start(const struct run *run, const struct run_input *in, struct err *e)
{
    for (size_t i = 0; i < in->policy_count; i++)
        if (policy_check(&in->policies[i].rules, e))
            return err_prefix(e, "policy %.60s: ", in->policies[i].name);
    for (size_t i = 0; i < run->book->steps.len; i++) {
        const struct step *s = STEP(run, i);
        size_t policy = 0, pin = 0;
        while (s->policy && policy < in->policy_count && !str_eq(in->policies[policy].name, s->policy))
            policy++;
        if (s->policy && policy == in->policy_count)
            return err_set(e, ERR_NOT_FOUND, "%s: there is no policy \"%.60s\" in the configuration", s->id,
                           s->policy);
        while (s->items && pin < in->pin_count && in->pins[pin].step != (int)i)
            pin++;
        if (s->items && (pin == in->pin_count || !run->items[i]))
            return err_set(e, ERR_NOT_FOUND, "%s: its items (%.100s) have not been read", s->id, s->items);
        if (s->items && (in->pins[pin].count != (int64_t)items_count(run->items[i]) ||
                         !str_eq(in->pins[pin].digest, items_digest(run->items[i]))))
            return err_set(e, ERR_CORRUPT, "%s: its items (%.100s) are not those that were pinned", s->id,
                           s->items);
    }
    return values_check(run, in, e);
}

static int admit_kind(const struct run *run, const struct run_input *in, struct err *e)
{
    int64_t now = in->at_ms > run->now_ms ? in->at_ms : run->now_ms;
    switch (in->kind) {
    case INPUT_START:
        return admit_start(run, in, e);
    case INPUT_OPEN:
        return admit_open(run, in->step, e);
    case INPUT_SET:
        return admit_set(run, in, e);
    case INPUT_CONFIRM:
        return admit_confirm(run, in, now, e);
    case INPUT_ANSWER:
        return admit_answer(run, in, e);
    case INPUT_STARTED:
    case INPUT_FINISHED:
        return admit_ticket(run, in, e);
    case INPUT_CHOOSE:
        return admit_choice(run, in, e);
    case INPUT_RESOLVE:
        return admit_resolve(run, in, e);
    case INPUT_CANCEL:
        return admit_cancel(run, in->step, e);
    case INPUT_LEAVE:
        return STATE(run, in->step)->outcome == OUTCOME_ARMED
                   ? 0
                   : err_set(e, ERR_USAGE, "%s: its page is not open", STEP(run, in->step)->id);
    case INPUT_APPROVE:
    case INPUT_BREAK_GLASS:
        return approval_admit(run, in, now, e);
    case INPUT_LOCKED:
    case INPUT_REFUSED:
        return lock_find(run, in->ticket)
                   ? 0
                   : err_set(e, ERR_NOT_FOUND, "the run waits for no lock of that number");
    case INPUT_TICK:
    case INPUT_ADOPT:
    case INPUT_STOP:
        return 0;
    }
    return err_set(e, ERR_USAGE, "unknown input");
}

static bool names_step(enum run_input_kind kind)
{
    return kind == INPUT_OPEN || kind == INPUT_CONFIRM || kind == INPUT_APPROVE ||
           kind == INPUT_BREAK_GLASS || kind == INPUT_ANSWER || kind == INPUT_CHOOSE ||
           kind == INPUT_RESOLVE || kind == INPUT_CANCEL || kind == INPUT_LEAVE;
}

int run_admits(const struct run *run, const struct run_input *in, struct err *e)
{
    bool report = in->kind == INPUT_STARTED || in->kind == INPUT_FINISHED || in->kind == INPUT_TICK ||
                  in->kind == INPUT_ADOPT;
    if (run->started == (in->kind == INPUT_START))
        return err_set(e, ERR_USAGE,
                       run->started ? "the run has started already" : "the run has not started");
    if (run->ended)
        return err_set(e, ERR_USAGE, "the run is over");
    if (run->stopping && !report && in->kind != INPUT_CANCEL)
        return err_set(e, ERR_USAGE, "the run was stopped: it waits for what still runs");
    if (names_step(in->kind) && (in->step < 0 || (size_t)in->step >= run->book->steps.len))
        return err_set(e, ERR_NOT_FOUND, "the runbook has no step %d", in->step);
    if (in->reason && strlen(in->reason) > RUNBOOK_VALUE_MAX)
        return err_set(e, ERR_RANGE, "a reason of more than %d bytes", RUNBOOK_VALUE_MAX);
    return admit_kind(run, in, e);
}
