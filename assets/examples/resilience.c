/* A command that may fail, and one to fall back on, under belay's engine: each with a breaker of its own,
 * three attempts in all, back-off between them, until one of them answers or nothing is left.
 *
 *   cc -o resilience resilience.c $(pkg-config --cflags --libs belay_engine)
 *   ./resilience OPERATIONS COMMAND FALLBACK
 *
 * Exit status: 0 all operations were served, 1 some were not, 2 wrong usage. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include <belay/resilience/resilience.h>

enum { TIERS = 2 };

struct target {
    const char *command;
    struct breaker breaker;
    struct budget budget;
};

static int64_t now_ms(void)
{
    return clock_monotonic_us() / US_PER_MS;
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* One attempt, and what its end means. */
static struct failure call(const char *command)
{
    struct failure f;
    int status = system(command);
    if (status < 0)
        failure_of_error(ERR_IO, false, "no process could be made", &f);
    else
        failure_of_exit(exit_table_find("sh"), WEXITSTATUS(status),
                        WIFSIGNALED(status) ? WTERMSIG(status) : 0, NULL, NULL, &f);
    return f;
}

/* The chain says what to do next; this does it and tells what came of it. */
static void operation(struct chain *chain, const struct chain_plan *plan, struct target *targets,
                      uint64_t seed)
{
    const struct breaker_rules *rules = &plan->policy->breaker;
    struct breaker_token token = {0};
    chain_begin(chain, plan, seed, now_ms());
    for (size_t i = 0; i < plan->tier_count; i++)
        chain->budgets[i] = targets[i].budget;
    while (chain->order.kind != CHAIN_DONE) {
        struct target *target = &targets[chain->order.tier];
        struct breaker_refusal refusal;
        if (chain->order.kind == CHAIN_WAIT) {
            pause_ms(chain->order.wait_ms);
            chain_waited(chain, now_ms());
        } else if (chain->order.kind == CHAIN_CALL) {
            int64_t began_ms = now_ms();
            struct failure f = call(target->command);
            breaker_resolve(&target->breaker, rules, &token,
                            f.class == FAILURE_NONE ? BREAKER_SUCCESS : chain_verdict(&f),
                            now_ms() - began_ms, now_ms());
            chain_ended(chain, &f, NAN, now_ms());
        } else if (breaker_admit(&target->breaker, rules, now_ms(), &token, &refusal)) {
            chain_admitted(chain, now_ms());
            if (chain->order.kind != CHAIN_CALL)
                breaker_resolve(&target->breaker, rules, &token, BREAKER_CANCELLED, 0, now_ms());
        } else {
            chain_refused(chain, refusal.resting ? CHAIN_TIER_RESTING : CHAIN_TIER_OPEN,
                          refusal.retry_after_ms, now_ms());
        }
    }
    for (size_t i = 0; i < plan->tier_count; i++)
        targets[i].budget = chain->budgets[i];
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct policy policy = policy_default();
    policy.idempotent = true; /* our commands may be repeated */
    policy.has_breaker = true;
    if (argc != 4 || breaker_rules_parse("failures=3,cool-down=30s", &policy.breaker, &e)) {
        fprintf(stderr, "usage: resilience OPERATIONS COMMAND FALLBACK\n%s", e.msg);
        return 2;
    }
    struct target targets[TIERS] = {{.command = argv[2]}, {.command = argv[3]}};
    struct chain_tier tiers[TIERS] = {{.name = "command", .cost = NAN, .accuracy = NAN},
                                      {.name = "fallback", .cost = NAN, .accuracy = NAN}};
    struct chain_plan plan = {.tiers = tiers, .tier_count = TIERS, .policy = &policy};
    for (size_t i = 0; i < TIERS; i++) {
        breaker_init(&targets[i].breaker, &policy.breaker, rng_entropy(), now_ms());
        budget_init(&targets[i].budget, BUDGET_TOKENS_DEFAULT);
    }

    int served = 0, operations = atoi(argv[1]);
    for (int i = 0; i < operations; i++) {
        struct chain chain;
        operation(&chain, &plan, targets, rng_entropy());
        served += chain.order.outcome == CHAIN_SERVED;
        struct str why = {0};
        chain_message(&chain, &why);
        printf("operation %d: %s by %s, %u attempts%s%s\n", i + 1, chain_outcome_text(chain.order.outcome),
               chain.order.outcome == CHAIN_SERVED ? tiers[chain.tier].name : "nobody", chain.attempts,
               why.len ? ": " : "", str_text(&why));
        str_fini(&why);
    }
    for (size_t i = 0; i < TIERS; i++)
        printf("%s: %s, %llu calls, %llu failed, %llu refused\n", tiers[i].name,
               breaker_state_text(breaker_state(&targets[i].breaker, now_ms())),
               (unsigned long long)targets[i].breaker.counts.admitted,
               (unsigned long long)targets[i].breaker.counts.failed,
               (unsigned long long)targets[i].breaker.counts.refused);
    return served == operations ? 0 : 1;
}
