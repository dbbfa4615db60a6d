/* Whom a step calls: a policy with a breaker names a target, which all processes of this host share. Its
 * breaker is asked before each execution, and told what came of it once that is journaled: so one console
 * tells it, and once, whoever had begun it. */
#include "engine/ticket.h"

#include <stdio.h>
#include <stdlib.h>

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
    t->refused = true;
    duration_format(r->why.retry_after_ms * US_PER_MS, left);
    snprintf(why, sizeof why, "the breaker %s refuses (%s%s%s): nothing was run", target,
             r->why.resting ? "it asked for a rest" : breaker_state_text(r->why.state),
             r->why.retry_after_ms >= 0 ? ", for " : "", r->why.retry_after_ms >= 0 ? left : "");
    ticket_not_started(t, why);
}

static struct books *books_open(const struct engine *engine)
{
    bool shared = false;
    char *folder = own_folder(engine, &shared);
    struct books *books = books_new(engine->loop, folder, shared);
    free(folder);
    return books;
}

void ticket_ask(struct ticket *t, void (*next)(struct ticket *t))
{
    const struct run_policy *policy = policy_of(t);
    if (!policy) {
        next(t);
        return;
    }
    t->ask_next = next;
    t->put_off = t->walk->engine->runs.telling > 0;
    if (t->put_off)
        return;
    struct breaker_rules rules = rules_of(t, policy);
    budget_init(&t->budget, policy->rules.budget);
    t->books = books_open(t->walk->engine);
    books_admit(t->books, policy->target, &rules, policy->rules.budget ? &t->budget : NULL, on_asked, t);
}

/* ---- what came of it ---- */

void ticket_answered(struct ticket *t, struct run_result *result)
{
    if (!t->books)
        return;
    run_classify(t->walk->run, t->number, result, &t->failure);
    if (chain_verdict(&t->failure) == BREAKER_FAILURE)
        budget_failed(&t->budget);
    result->no_budget = !budget_allows(&t->budget);
    result->refused = t->refused;
}

struct telling {
    struct engine *engine;
    struct books *books;
    struct target_operation operation;
    char target[TARGET_NAME_LIMIT + 1];
};

/* Whoever is asked next is to know it. */
static void ask_on(struct engine *engine)
{
    for (size_t i = 0; i < engine->runs.walks.len; i++) {
        const struct walk *w = engine->runs.walks.data[i];
        for (size_t k = 0; k < w->tickets.len && !w->lost && !engine->closing; k++)
            if (w->tickets.data[k]->put_off && !w->tickets.data[k]->finished)
                ticket_ask(w->tickets.data[k], w->tickets.data[k]->ask_next);
    }
}

static void on_told(void *data)
{
    struct telling *telling = data;
    struct engine *engine = telling->engine;
    books_free(telling->books);
    free(telling);
    if (--engine->runs.telling == 0)
        ask_on(engine);
}

static struct telling *telling_new(struct engine *engine, struct books *books)
{
    struct telling *telling = xcalloc(1, sizeof *telling);
    telling->engine = engine;
    telling->books = books;
    engine->runs.telling++;
    return telling;
}

void ticket_tell_breaker(struct ticket *t)
{
    if (!t->books)
        return;
    books_resolve(t->books, chain_verdict(&t->failure), &t->failure, t->result.duration_us / US_PER_MS,
                  policy_of(t)->rules.budget, on_told, telling_new(t->walk->engine, t->books));
    t->books = NULL;
}

void target_count_effect(struct walk *w, const struct run_effect *effect)
{
    const struct run_counted *c = &effect->counted;
    struct run_step step;
    struct telling *telling = telling_new(w->engine, books_open(w->engine));
    struct measures_sums *s = &telling->operation.sums;
    run_step_at(w->run, effect->step, &step);
    snprintf(telling->target, sizeof telling->target, "%s", step.policy->target);
    telling->operation.target = telling->target;
    s->attempts = c->executed;
    s->by_class[c->class] += c->executed && c->class != FAILURE_NONE;
    s->rejected = c->refused;
    if (c->over && !c->refused) {
        s->ok = c->class == FAILURE_NONE;
        s->cancelled = c->class == FAILURE_CANCELLED;
        s->failed = !s->ok && !s->cancelled;
        s->retried = effect->attempt > 1;
        measures_took(s, c->took_ms);
    }
    books_count(telling->books, &telling->operation, 1, on_told, telling);
}

/* ---- from one console to the next ---- */

void ticket_add_breaker(const struct ticket *t, cJSON *intent)
{
    struct breaker_token token;
    if (!t->books || !books_token(t->books, &token))
        return;
    cJSON *breaker = cJSON_AddObjectToObject(intent, "breaker");
    json_add_int(breaker, "generation", token.generation);
    json_add_int(breaker, "kind", token.kind);
    json_add_int(breaker, "slot", token.slot);
}

struct breaker_token target_token(const cJSON *intent)
{
    const cJSON *breaker = cJSON_GetObjectItemCaseSensitive(intent, "breaker");
    return (struct breaker_token){.generation = (uint32_t)json_int(breaker, "generation", 0),
                                  .kind = (uint8_t)json_int(breaker, "kind", 0),
                                  .slot = (uint8_t)json_int(breaker, "slot", 0)};
}

void ticket_adopt_breaker(struct ticket *t, const struct breaker_token *token)
{
    const struct run_policy *policy = policy_of(t);
    if (!policy || token->generation == 0)
        return;
    struct breaker_rules rules = rules_of(t, policy);
    t->books = books_open(t->walk->engine);
    books_adopt(t->books, policy->target, &rules, token);
}
