#include "engine/resilience/policy.h"

static const char *const end_texts[] = {
#define X(name, text, help) [POLICY_##name] = (text),
    POLICY_ENDS(X)
#undef X
};
#define END_COUNT (sizeof end_texts / sizeof *end_texts)

const char *policy_end_text(enum policy_end end)
{
    return (size_t)end < END_COUNT ? end_texts[end] : "?";
}

bool policy_end_parse(const char *text, enum policy_end *end)
{
    for (size_t i = 0; i < END_COUNT; i++)
        if (str_eq(end_texts[i], text)) {
            *end = (enum policy_end)i;
            return true;
        }
    return false;
}

static const char *const reason_texts[] = {
#define X(name, text) [RETRY_##name] = (text),
    RETRY_REASONS(X)
#undef X
};

const char *retry_reason_text(enum retry_reason reason)
{
    return (size_t)reason < sizeof reason_texts / sizeof *reason_texts ? reason_texts[reason] : "?";
}

struct policy policy_default(void)
{
    return (struct policy){
        .backoff = backoff_default(), .breaker = breaker_rules_default(), .end = POLICY_FALLBACK};
}

int policy_check(const struct policy *p, struct err *e)
{
    int status = backoff_check(&p->backoff, e);
    if (status < 0)
        return status;
    if (p->timeout_ms < 0 || p->timeout_ms > BACKOFF_MS_MAX)
        return err_set(e, ERR_RANGE, "timeout is between 0 and 400 days");
    if (p->budget > BUDGET_TOKENS_MAX)
        return err_set(e, ERR_RANGE, "budget is between 0 and %d", BUDGET_TOKENS_MAX);
    if (!(p->cost_ceiling >= 0))
        return err_set(e, ERR_RANGE, "cost_ceiling is 0 (none) or above");
    if ((size_t)p->end >= END_COUNT)
        return err_set(e, ERR_RANGE, "no known end");
    for (size_t i = 0; i < sizeof p->retry_on.statuses / sizeof *p->retry_on.statuses; i++)
        if (p->retry_on.statuses[i] & p->permanent.statuses[i])
            return err_set(e, ERR_RANGE, "exit status %d is in retry_on and in permanent",
                           (int)i * 64 + __builtin_ctzll(p->retry_on.statuses[i] & p->permanent.statuses[i]));
    if (p->retry_on.classes & p->permanent.classes)
        return err_set(e, ERR_RANGE, "%s is in retry_on and in permanent",
                       failure_class_text(
                           (enum failure_class)__builtin_ctz(p->retry_on.classes & p->permanent.classes)));
    if (exit_list_has_class(&p->retry_on, FAILURE_CANCELLED))
        return err_set(e, ERR_RANGE,
                       "cancelled can't be in retry_on: what is called off is never tried again");
    return p->has_breaker ? breaker_rules_check(&p->breaker, e) : 0;
}

static bool is_retried(const struct policy *p, enum failure_class class)
{
    if (class == FAILURE_NONE || class == FAILURE_CANCELLED || exit_list_has_class(&p->permanent, class))
        return false;
    return failure_is_retried(class) || exit_list_has_class(&p->retry_on, class);
}

enum retry_reason policy_retry(const struct policy *p, const struct budget *budget, const struct failure *f,
                               unsigned attempt, int64_t elapsed_ms, int64_t previous_ms, double spent,
                               struct rng *rng, int64_t *delay_ms)
{
    int64_t floor_ms = f->retry_after_ms > 0 ? f->retry_after_ms : 0;
    *delay_ms = -1;
    if (!is_retried(p, f->class))
        return RETRY_PERMANENT;
    if (!p->idempotent && !f->before_start)
        return RETRY_MAYBE_STARTED;
    if (attempt >= p->backoff.attempts)
        return RETRY_ATTEMPTS;
    if (p->cost_ceiling > 0 && spent >= p->cost_ceiling)
        return RETRY_COST;
    if (budget && !budget_allows(budget))
        return RETRY_BUDGET;
    if (p->backoff.deadline_ms == 0 && floor_ms > POLICY_REST_MS_MAX && floor_ms > p->backoff.cap_ms)
        return RETRY_REST;
    *delay_ms = backoff_next_ms(&p->backoff, attempt, elapsed_ms, floor_ms, previous_ms, rng);
    return *delay_ms < 0 ? RETRY_DEADLINE : RETRY_AGAIN;
}
