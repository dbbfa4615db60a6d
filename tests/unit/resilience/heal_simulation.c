/* Seeded simulation of the healing of one case: whatever is asked, and whenever, a fix runs by itself only
 * with every permission, one at a time, with rests, a bounded number of times; and what may run is not
 * withheld. Wrong machines must be caught. BELAY_PROOF runs 20 million steps. */
#include "engine/resilience/resilience.h"
#include "tests/unit/resilience/wrongs.h"

#define STEPS 200

/* name, text */
#define WRONGS(X)                                                                                            \
    X(RIGHT, "right")                                                                                        \
    X(THOUGH_OFF, "runs although healing is off")                                                            \
    X(THOUGH_PROPOSED, "runs what is only to be proposed")                                                   \
    X(THOUGH_ONCE, "runs what is not idempotent")                                                            \
    X(THOUGH_WIDE, "runs what reaches further than a pod")                                                   \
    X(THOUGH_UNSURE, "runs what nobody is sure of")                                                          \
    X(NOTHING, "runs a fix that is not named")                                                               \
    X(TWO, "runs a second fix beside the first")                                                             \
    X(NO_REST, "gives a fix no time to show its effect")                                                     \
    X(ONE_MORE, "runs once more than it may")                                                                \
    X(FORGETS, "forgets its attempts at each success")                                                       \
    X(CALM_AT_ONCE, "takes what comes back soon for something new")                                          \
    X(CALM_THOUGH_BACK, "begins anew after a while although it had come back")                               \
    X(TAKES_BACK, "takes a case back from the person who has it")                                            \
    X(NEVER_AGAIN, "never begins anew")                                                                      \
    X(NEVER, "only ever proposes")                                                                           \
    X(ENDS_NOTHING, "counts the end of a fix that did not run")
enum wrong {
#define X(name, text) WRONG_##name,
    WRONGS(X)
#undef X
        WRONG_COUNT
};
static const char *const wrong_texts[] = {
#define X(name, text) [WRONG_##name] = (text),
    WRONGS(X)
#undef X
};

/* What somebody knows who has looked on. */
struct books {
    bool running, escalated;
    unsigned attempts, most;
    int64_t rest_until_ms, calm_ms; /* calm: -1, none */
};

static struct heal_permission permission(struct rng *r)
{
    return (struct heal_permission){.enabled = rng_below(r, 12) > 0,
                                    .automatic = rng_below(r, 12) > 0,
                                    .idempotent = rng_below(r, 12) > 0,
                                    .narrow = rng_below(r, 12) > 0,
                                    .confidence_least = (double)rng_below(r, 7) / 10};
}

static enum heal_verdict decide(struct heal_case *c, struct heal_permission p, struct heal_diagnosis d,
                                int64_t now_ms, enum wrong wrong)
{
    int64_t calm_ms = c->calm_ms, begun_ms = c->begun_ms;
    p.enabled |= wrong == WRONG_THOUGH_OFF;
    p.automatic |= wrong == WRONG_THOUGH_PROPOSED;
    p.automatic &= wrong != WRONG_NEVER;
    p.idempotent |= wrong == WRONG_THOUGH_ONCE;
    p.narrow |= wrong == WRONG_THOUGH_WIDE;
    if (wrong == WRONG_THOUGH_UNSURE)
        p.confidence_least = 0;
    if (wrong == WRONG_NOTHING)
        d.fix[0] = 'x';
    if (wrong == WRONG_NO_REST)
        c->rest_until_ms = INT64_MIN;
    if (wrong == WRONG_TWO)
        c->begun_ms = 0;
    enum heal_verdict verdict = heal_decide(c, &p, &d, now_ms);
    if (wrong == WRONG_TWO && verdict != HEAL_RUN)
        c->begun_ms = begun_ms;
    if (wrong == WRONG_CALM_THOUGH_BACK && verdict != HEAL_RUN)
        c->calm_ms = calm_ms;
    if (wrong == WRONG_TAKES_BACK && verdict == HEAL_ESCALATE) {
        c->escalated = false;
        c->attempts--;
    }
    return verdict;
}

static void end(struct heal_case *c, bool healed, int64_t now_ms, int64_t rest_ms, enum wrong wrong)
{
    if (wrong == WRONG_ENDS_NOTHING && c->begun_ms == 0)
        c->begun_ms = 1;
    bool ran = c->begun_ms != 0;
    heal_ended(c, now_ms, rest_ms);
    if (healed && ran)
        heal_well(c, now_ms, rest_ms);
    if (wrong == WRONG_FORGETS && healed)
        c->attempts = 0;
    if (wrong == WRONG_CALM_AT_ONCE && c->calm_ms > 0)
        c->calm_ms = now_ms + 1;
    if (wrong == WRONG_NEVER_AGAIN)
        c->calm_ms = 0;
}

static void books_end(struct books *b, bool healed, int64_t now_ms, int64_t rest_ms)
{
    if (!b->running)
        return;
    b->running = false;
    b->rest_until_ms = now_ms + rest_ms;
    b->calm_ms = healed ? now_ms + 10 * rest_ms : -1;
}

static const char *judge_run(const struct books *b, const struct heal_permission *p,
                             const struct heal_diagnosis *d, int64_t now_ms)
{
    return !p->enabled || !p->automatic || !p->idempotent || !p->narrow ? "ran without a permission"
           : !d->fix[0]                                                 ? "ran no fix at all"
           : d->confidence < p->confidence_least                        ? "ran what is not sure enough"
           : b->running                                                 ? "ran two at once"
           : b->escalated                                               ? "ran what is a person's"
           : b->attempts >= b->most                                     ? "ran too often"
           : now_ms < b->rest_until_ms                                  ? "ran without a rest"
                                                                        : NULL;
}

/* NULL, or what is wrong with the verdict; the books go on. */
static const char *judge(struct books *b, const struct heal_permission *p, const struct heal_diagnosis *d,
                         enum heal_verdict verdict, int64_t now_ms)
{
    const char *broken = NULL;
    bool asked = p->enabled && !b->running;
    if (asked && b->calm_ms >= 0 && now_ms >= b->calm_ms)
        *b = (struct books){.most = b->most};
    if (asked)
        b->calm_ms = -1;
    const char *no = judge_run(b, p, d, now_ms);
    bool may =
        p->automatic && p->idempotent && p->narrow && d->fix[0] && d->confidence >= p->confidence_least;
    bool over = b->escalated || (may && b->attempts >= b->most);
    switch (verdict) {
    case HEAL_RUN:
        broken = no;
        b->attempts++;
        b->running = true;
        break;
    case HEAL_ESCALATE:
        broken = asked && over ? NULL : "a person is asked for without need";
        b->escalated = true;
        break;
    case HEAL_PROPOSE:
        broken = asked && !over && !may ? NULL : "proposed what is off, under way, a person's, or may run";
        break;
    case HEAL_REST:
        broken = !asked || (!over && may && now_ms < b->rest_until_ms) ? NULL : "rests without need";
        break;
    }
    return broken;
}

static const char *simulate(uint64_t seed, unsigned wrong)
{
    struct rng r;
    rng_seed(&r, seed);
    struct books b = {.most = 1 + (unsigned)rng_below(&r, 3), .calm_ms = -1};
    struct heal_case c = {.attempts_most = b.most + (wrong == WRONG_ONE_MORE)};
    int64_t now_ms = (int64_t)rng_below(&r, 3) * 1000, rest_ms = 1 + (int64_t)rng_below(&r, 100);
    for (int step = 0; step < STEPS; step++) {
        now_ms += (int64_t)rng_below(&r, (uint64_t)(rng_below(&r, 6) ? rest_ms : 30 * rest_ms));
        if (rng_below(&r, 3) == 0) {
            bool healed = rng_below(&r, 5) > 1;
            end(&c, healed, now_ms, rest_ms, wrong);
            books_end(&b, healed, now_ms, rest_ms);
            continue;
        }
        struct heal_permission p = permission(&r);
        struct heal_diagnosis d = {.confidence = (double)rng_below(&r, 11) / 10};
        if (rng_below(&r, 12) > 0)
            snprintf(d.fix, sizeof d.fix, "restart-pod");
        enum heal_verdict verdict = decide(&c, p, d, now_ms, wrong);
        const char *broken = judge(&b, &p, &d, verdict, now_ms);
        if (broken)
            return broken;
    }
    return NULL;
}

static void test_nothing_runs_by_itself_that_may_not(void **state)
{
    (void)state;
    right_holds(simulate, getenv("BELAY_PROOF") ? 100000 : 2000);
}

static void test_wrong_machines_are_caught(void **state)
{
    (void)state;
    wrongs_are_caught(simulate, wrong_texts, WRONG_COUNT, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_runs_by_itself_that_may_not),
        cmocka_unit_test(test_wrong_machines_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
