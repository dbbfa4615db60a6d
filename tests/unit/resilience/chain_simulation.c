/* Seeded simulation of retry and fallback: random policies and tiers, targets that fall ill, breakers that
 * trip, operations side by side, called off at any moment. Wrong machines (chain_world.h) must be caught.
 * BELAY_SEED=N runs one seed, BELAY_RUNS=N so many; BELAY_PROOF runs it at full length. */
#include "tests/unit/resilience/chain_onlooker.h"
#include "tests/unit/resilience/wrongs.h"

static const char *const wrong_texts[] = {
#define X(name, text) [WRONG_##name] = (text),
    WRONGS(X)
#undef X
};

/* ---- Made up ---- */

static double made_up_cost(struct world *w)
{
    return chance(w, 20) ? (double)NAN : (double)below(w, 100) / 1000;
}

static void make_tiers(struct world *w)
{
    static const char *const names[TIERS_MOST] = {"a", "b", "c", "d", "e"};
    w->tier_count = 1 + below(w, TIERS_MOST);
    w->rules = breaker_rules_default();
    w->rules.failures = 1 + (uint32_t)below(w, 6);
    w->rules.cool_down_ms = 10 + (int64_t)below(w, 3000);
    w->rules.cool_down_cap_ms = w->rules.cool_down_ms;
    for (size_t i = 0; i < w->tier_count; i++) {
        w->tiers[i] = (struct chain_tier){.name = names[i],
                                          .cost = made_up_cost(w),
                                          .accuracy = (double)NAN,
                                          .input_max = chance(w, 40) ? 1 + below(w, 1000) : 0,
                                          .provable = chance(w, 30)};
        breaker_init(&w->targets[i].breaker, &w->rules, rng_next(&w->rng), w->now_ms);
    }
}

static struct policy made_up_policy(struct world *w)
{
    struct policy p = policy_default();
    struct backoff *b = &p.backoff;
    b->attempts = 1 + (unsigned)below(w, chance(w, 50) ? 4 : 12);
    b->base_ms = (int64_t)below(w, 300);
    b->factor_milli = 1000 + (unsigned)below(w, 2000);
    b->cap_ms = b->base_ms + (int64_t)below(w, 2000);
    b->jitter = (enum backoff_jitter)below(w, BACKOFF_DECORRELATED + 1);
    b->deadline_ms = chance(w, 30) ? 0 : 10 + (int64_t)below(w, 20000);
    b->growth_milli = 1000 + (unsigned)below(w, 1500);
    p.timeout_ms = chance(w, 40) ? 0 : 20 + (int64_t)below(w, 1500);
    p.idempotent = chance(w, 65);
    p.budget = chance(w, 50) ? 0 : 10;
    p.end = chance(w, 85) ? POLICY_FALLBACK : (enum policy_end)below(w, POLICY_FAIL + 1);
    p.cost_ceiling = chance(w, 75) ? 0 : (double)below(w, 200) / 1000;
    if (chance(w, 15))
        p.retry_on.classes = 1u << FAILURE_OTHER | 1u << FAILURE_INVALID;
    if (chance(w, 15))
        p.permanent.classes = 1u << FAILURE_SERVER;
    return p;
}

static struct failure made_up_end(struct world *w, size_t tier)
{
    struct target *t = &w->targets[tier];
    struct failure f = {.class = FAILURE_NONE, .retry_after_ms = -1};
    if (chance(w, 2)) { /* it falls ill, or recovers */
        t->ill = chance(w, 50) ? (unsigned)below(w, 20) : (unsigned)below(w, 101);
        t->way = (enum failure_class)(1 + below(w, FAILURE_CLASS_COUNT - 1));
    }
    if (chance(w, t->ill))
        f.class = chance(w, 70) ? t->way : (enum failure_class)(1 + below(w, FAILURE_CLASS_COUNT - 1));
    if (f.class == FAILURE_CANCELLED && chance(w, 90))
        f.class = FAILURE_TIMEOUT;
    f.before_start = f.class == FAILURE_CONNECT || (f.class != FAILURE_NONE && chance(w, 10));
    if (f.class != FAILURE_NONE && chance(w, f.class == FAILURE_LIMITED ? 60 : 10))
        f.retry_after_ms = (int64_t)below(w, chance(w, 80) ? 2000 : 400000);
    return f;
}

/* ---- Operations ---- */

static void lie_about_policy(enum wrong wrong, struct policy *p)
{
    p->backoff.attempts += wrong == WRONG_TRIES_ON;
    p->idempotent |= wrong == WRONG_REPEATS_STARTED;
    if (wrong == WRONG_KNOWS_NO_DEADLINE)
        p->backoff.deadline_ms = 0;
    if (wrong == WRONG_KNOWS_NO_BUDGET)
        p->budget = 0;
    if (wrong == WRONG_KNOWS_NO_CEILING)
        p->cost_ceiling = 0;
}

static struct failure lie_about_end(enum wrong wrong, struct failure f)
{
    enum failure_class was = f.class;
    if (wrong == WRONG_HEARS_NO_RETRY_AFTER)
        f.retry_after_ms = -1;
    if (wrong == WRONG_RETRIES_PERMANENT && was != FAILURE_NONE && !failure_is_retried(was))
        f.class = FAILURE_SERVER;
    if (wrong == WRONG_GOES_ON_AFTER_INVALID && (was == FAILURE_INVALID || was == FAILURE_NOT_FOUND))
        f.class = FAILURE_OTHER;
    if (wrong == WRONG_STOPS_AT_AUTH && was == FAILURE_AUTH)
        f.class = FAILURE_INVALID;
    if (wrong == WRONG_WAITS_OUT_A_REST && was == FAILURE_LIMITED)
        f.class = FAILURE_CUT;
    if (wrong == WRONG_FORGETS_SIZE && was == FAILURE_TOO_LARGE)
        f.class = FAILURE_OTHER;
    return f;
}

/* Orders that are changed behind the machine's back. */
static void lie_about_order(struct world *w, struct operation *o)
{
    struct chain *c = &o->chain;
    size_t to = c->order.tier;
    if (c->order.kind != CHAIN_ADMIT)
        return;
    if (w->wrong == WRONG_GOES_BACK && to > 0 && o->asked >= 0)
        to = 0;
    if (w->wrong == WRONG_LEAVES_ONE_OUT && o->asked < 0 && to + 1 < tiers_of(w, o))
        to++;
    if (w->wrong == WRONG_COUNTS_BY_TIER && o->asked >= 0 && to != (size_t)o->asked)
        c->attempts = c->parts[to].attempts;
    c->tier = c->order.tier = to;
}

static void resolve(struct world *w, struct operation *o, size_t tier, enum breaker_result result)
{
    struct target *t = &w->targets[tier];
    blame(w, o->holds_token || w->wrong == WRONG_CALLS_UNADMITTED, "a token is resolved twice");
    if (o->holds_token)
        breaker_resolve(&t->breaker, &w->rules, &o->token, result, w->now_ms - o->token.admitted_ms,
                        w->now_ms);
    o->holds_token = false;
}

/* When it is done, nothing that comes late makes another outcome of it. */
static void done(struct world *w, struct operation *o)
{
    struct chain_order order = o->chain.order;
    struct failure late = {.class = FAILURE_NONE, .retry_after_ms = -1};
    struct str message = {0};
    see_done(w, o, order.outcome);
    chain_admitted(&o->chain, w->now_ms);
    chain_refused(&o->chain, CHAIN_TIER_OPEN, 1, w->now_ms);
    chain_ended(&o->chain, &late, 1, w->now_ms);
    chain_waited(&o->chain, w->now_ms);
    chain_cancel(&o->chain, w->now_ms);
    blame(w, o->chain.order.kind == CHAIN_DONE && o->chain.order.outcome == order.outcome,
          "a second outcome");
    chain_message(&o->chain, &message);
    blame(w, (message.len == 0) == (order.outcome == CHAIN_SERVED && o->chain.tier == 0),
          "who gets something lesser isn't told, or the other way round");
    str_fini(&message);
    o->active = false;
}

/* The machine has given an order: it is looked at, and when it is answered is drawn. */
static void ordered(struct world *w, struct operation *o)
{
    lie_about_order(w, o);
    const struct chain_order *order = &o->chain.order;
    w->seen[SEEN_STEPS]++;
    blame(w, ++o->orders < ORDERS_MOST, "it doesn't come to an end");
    switch (order->kind) {
    case CHAIN_ADMIT:
        see_asked(w, o, order->tier);
        o->ready_ms = w->now_ms + (chance(w, 10) ? (int64_t)below(w, 20) : 0);
        break;
    case CHAIN_CALL:
        see_call(w, o, order);
        o->end = made_up_end(w, order->tier);
        o->end_cost = made_up_cost(w);
        o->ready_ms = w->now_ms + (int64_t)below(w, chance(w, 90) ? 50 : 5000);
        if (order->timeout_ms > 0 && o->ready_ms > w->now_ms + order->timeout_ms) {
            o->ready_ms = w->now_ms + order->timeout_ms;
            o->end = (struct failure){.class = FAILURE_TIMEOUT, .retry_after_ms = -1};
        }
        break;
    case CHAIN_WAIT:
        see_wait(w, o, order);
        o->ready_ms = w->now_ms + order->wait_ms + (chance(w, 10) ? (int64_t)below(w, 20) : 0);
        break;
    case CHAIN_DONE:
        done(w, o);
        break;
    }
}

static void begin(struct world *w, struct operation *o)
{
    *o = (struct operation){.active = true, .begun_ms = w->now_ms, .asked = -1};
    o->policy = o->told = made_up_policy(w);
    lie_about_policy(w->wrong, &o->told);
    o->plan = (struct chain_plan){.tiers = w->tiers,
                                  .tier_count = w->tier_count,
                                  .policy = &o->told,
                                  .input_bytes = chance(w, 50) ? below(w, 1200) : 0,
                                  .has_cached = chance(w, 20),
                                  .has_refusal = chance(w, 30)};
    chain_begin(&o->chain, &o->plan, rng_next(&w->rng), w->now_ms);
    for (size_t i = 0; i < w->tier_count; i++) {
        o->tiers[i].last.retry_after_ms = -1;
        budget_init(&o->tiers[i].budget, o->policy.budget);
        if (o->policy.budget > 0)
            o->tiers[i].budget.tenths -= (int32_t)below(w, 70);
        o->tiers[i].budget_allowed = true;
        if (w->wrong != WRONG_KNOWS_NO_BUDGET)
            o->chain.budgets[i] = o->tiers[i].budget;
    }
    ordered(w, o);
}

static void admit(struct world *w, struct operation *o, size_t tier)
{
    struct target *t = &w->targets[tier];
    struct breaker_refusal refusal = {.retry_after_ms = chance(w, 50) ? -1 : (int64_t)below(w, 500)};
    bool busy = chance(w, 2);
    if (!busy && breaker_admit(&t->breaker, &w->rules, w->now_ms, &o->token, &refusal)) {
        o->holds_token = true;
        chain_admitted(&o->chain, w->now_ms);
        if (o->chain.order.kind != CHAIN_CALL && w->wrong != WRONG_LEAKS_A_TOKEN)
            resolve(w, o, tier, BREAKER_CANCELLED);
        return;
    }
    if (w->wrong == WRONG_CALLS_UNADMITTED) {
        chain_admitted(&o->chain, w->now_ms);
        return;
    }
    see_refused(w, o, tier, refusal.retry_after_ms);
    chain_refused(&o->chain,
                  busy                           ? CHAIN_TIER_BUSY
                  : w->now_ms < t->rest_until_ms ? CHAIN_TIER_RESTING
                                                 : CHAIN_TIER_OPEN,
                  w->wrong == WRONG_ASKS_OPEN_AGAIN  ? 0
                  : w->wrong == WRONG_GIVES_UP_EARLY ? -1
                                                     : refusal.retry_after_ms,
                  w->now_ms);
}

static void end(struct world *w, struct operation *o, size_t tier)
{
    struct target *t = &w->targets[tier];
    struct failure told = lie_about_end(w->wrong, o->end);
    double cost = isnan(o->end_cost) ? w->tiers[tier].cost : o->end_cost;
    resolve(w, o, tier, chain_verdict(&o->end));
    if (failure_verdict(o->end.class) == VERDICT_COOL) {
        t->rest_until_ms = w->now_ms + (o->end.retry_after_ms > 0 ? o->end.retry_after_ms : 200);
        breaker_rest(&t->breaker, &w->rules, t->rest_until_ms, w->now_ms);
    }
    see_ended(w, o, tier, &o->end, isnan(cost) ? 0 : cost);
    if (w->wrong == WRONG_SWITCHES_AFTER_OUTPUT)
        o->chain.order.last = false;
    chain_ended(&o->chain, &told, w->wrong == WRONG_FORGETS_COST && !o->served ? 0 : o->end_cost, w->now_ms);
}

static void answer(struct world *w, struct operation *o)
{
    size_t tier = o->chain.order.tier;
    switch (o->chain.order.kind) {
    case CHAIN_ADMIT:
        admit(w, o, tier);
        break;
    case CHAIN_CALL:
        end(w, o, tier);
        break;
    case CHAIN_WAIT:
        chain_waited(&o->chain, w->now_ms);
        break;
    case CHAIN_DONE:
        return;
    }
    ordered(w, o);
}

/* Somebody calls it off. A call that is under way is let end, as what it is or as called off. */
static void call_off(struct world *w, struct operation *o)
{
    bool calls = o->chain.order.kind == CHAIN_CALL;
    chain_cancel(&o->chain, w->now_ms);
    o->cancelled = true;
    if (calls && chance(w, 70))
        o->end = (struct failure){.class = FAILURE_CANCELLED, .retry_after_ms = -1};
    if (calls)
        blame(w, o->chain.order.kind == CHAIN_CALL, "a call under way is forgotten");
    else
        ordered(w, o);
}

static struct operation *earliest(struct world *w)
{
    struct operation *first = NULL;
    for (size_t i = 0; i < ABREAST; i++)
        if (w->ops[i].active && (!first || w->ops[i].ready_ms < first->ready_ms))
            first = &w->ops[i];
    return first;
}

#define OPERATIONS 40

static const char *simulate(uint64_t seed, enum wrong wrong, unsigned long *seen)
{
    static struct world w;
    w = (struct world){.wrong = wrong, .now_ms = 1000};
    rng_seed(&w.rng, seed);
    make_tiers(&w);
    for (unsigned begun = 0; !w.broken;) {
        struct operation *o = earliest(&w);
        size_t free = 0;
        while (free < ABREAST && w.ops[free].active)
            free++;
        if (begun < OPERATIONS && free < ABREAST && (!o || chance(&w, 30))) {
            begun++;
            begin(&w, &w.ops[free]);
        } else if (!o) {
            break;
        } else if (chance(&w, 1)) {
            call_off(&w, o);
        } else {
            w.now_ms = o->ready_ms;
            answer(&w, o);
        }
        if (!o && chance(&w, 20))
            w.now_ms += (int64_t)below(&w, 5000);
    }
    for (size_t i = 0; i < w.tier_count; i++)
        blame(&w, w.targets[i].breaker.unresolved == 0, "an admitted token was never resolved");
    for (int i = 0; seen && i < SEEN_COUNT; i++)
        seen[i] += w.seen[i];
    return w.broken;
}

static long env_number(const char *name, long fallback)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : fallback;
}

static void test_every_operation_keeps_to_the_rules(void **state)
{
    (void)state;
    unsigned long seen[SEEN_COUNT] = {0};
    long runs = env_number("BELAY_RUNS", getenv("BELAY_PROOF") ? 200000 : 3000);
    long first = env_number("BELAY_SEED", 1);
    for (long i = 0; i < (getenv("BELAY_SEED") ? 1 : runs); i++) {
        const char *broken = simulate((uint64_t)(first + i), WRONG_RIGHT, seen);
        if (broken)
            fail_msg("seed %ld: %s (BELAY_SEED=%ld runs it again)", first + i, broken, first + i);
    }
#define X(name, text)                                                                                        \
    printf("  %lu %s\n", seen[SEEN_##name], text);                                                           \
    assert_true(runs<1000 || getenv("BELAY_SEED") || seen[SEEN_##name]> 0);
    SEEN(X)
#undef X
}

static const char *unseen(uint64_t seed, unsigned wrong)
{
    return simulate(seed, wrong, NULL);
}

static void test_wrong_machines_are_caught(void **state)
{
    (void)state;
    wrongs_are_caught(unseen, wrong_texts, WRONG_COUNT, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_keeps_to_the_rules),
        cmocka_unit_test(test_wrong_machines_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
