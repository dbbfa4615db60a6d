/* Whom a step calls: a policy with a breaker names a target, which all processes of this host share. Its
 * breaker is asked before each execution, and told what came of it. */
#include "engine/ticket.h"

#include <stdio.h>

static const struct run_policy *policy_of(const struct ticket *t)
{
    struct run_step step;
    run_step_at(t->walk->run, t->step, &step);
    return step.policy && step.policy->target ? step.policy : NULL;
}

/* The rules as the configuration has them now: whoever asks last says them for all. */
static struct breaker_rules rules_of(const struct ticket *t, const struct run_policy *policy)
{
    const struct config_policy *declared = config_policy_find(t->walk->engine->config, policy->name);
    return declared && declared->has_breaker ? breaker_rules_declared(&declared->breaker)
                                             : breaker_rules_default();
}

static void on_asked(void *data, const struct books_refusal *r)
{
    struct ticket *t = data;
    const char *target = policy_of(t)->target, *trouble = books_trouble(t->books);
    char left[DURATION_TEXT_SIZE], why[sizeof t->result.text];
    if (t->walk->lost || t->walk->engine->closing || t->finished)
        return;
    if (trouble)
        output_say(t->walk, t->step, "without what other calls know: %s", trouble);
    if (!r->refused) {
        t->ask_next(t);
        return;
    }
    duration_format(r->why.retry_after_ms * US_PER_MS, left);
    snprintf(why, sizeof why, "the breaker %s refuses (%s%s%s): nothing was run", target,
             r->why.resting ? "it asked for a rest" : breaker_state_text(r->why.state),
             r->why.retry_after_ms >= 0 ? ", for " : "", r->why.retry_after_ms >= 0 ? left : "");
    ticket_not_started(t, why);
}

void ticket_ask(struct ticket *t, void (*next)(struct ticket *t))
{
    const struct run_policy *policy = policy_of(t);
    bool shared = false;
    if (!policy) {
        next(t);
        return;
    }
    char *folder = own_folder(t->walk->engine, &shared);
    struct breaker_rules rules = rules_of(t, policy);
    budget_init(&t->budget, policy->rules.budget);
    t->ask_next = next;
    t->books = books_new(t->walk->engine->loop, folder, shared);
    free(folder);
    books_admit(t->books, policy->target, &rules, policy->rules.budget ? &t->budget : NULL, on_asked, t);
}

void ticket_answered(struct ticket *t, struct run_result *result)
{
    static const struct failure none = {.class = FAILURE_NONE, .retry_after_ms = -1};
    struct failure f = none;
    if (!t->books)
        return;
    run_classify(t->walk->run, t->number, result, &f);
    if (chain_verdict(&f) == BREAKER_FAILURE)
        budget_failed(&t->budget);
    result->no_budget = !budget_allows(&t->budget);
    books_resolve(t->books, chain_verdict(&f), &f, t->result.duration_us / US_PER_MS,
                  policy_of(t)->rules.budget, NULL, NULL);
    books_free(t->books); /* once that is written */
    t->books = NULL;
}
