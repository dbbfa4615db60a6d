#include "engine/resilience/declared.h"

#include "engine/config/config.h"

struct breaker_rules breaker_rules_declared(const struct config_breaker *d)
{
    struct breaker_rules r = breaker_rules_default();
    r.failures = (uint32_t)d->failures;
    r.rate_permille = (uint16_t)d->rate_milli;
    r.slow_permille = (uint16_t)d->slow_milli;
    r.slow_ms = d->slow_us / US_PER_MS;
    r.minimum_calls = (uint32_t)d->minimum_calls;
    r.window_calls = (uint32_t)d->window_calls;
    r.window_ms = d->window_calls ? 0 : d->window_us / US_PER_MS;
    r.cool_down_ms = d->cool_down_us / US_PER_MS;
    r.multiplier_milli = (uint32_t)d->multiplier_milli;
    r.cool_down_cap_ms = d->cool_down_cap_us / US_PER_MS;
    if (r.cool_down_cap_ms < r.cool_down_ms)
        r.cool_down_cap_ms = r.cool_down_ms;
    r.jitter_permille = (uint16_t)d->jitter_milli;
    r.probes = (uint8_t)d->probes;
    r.successes_to_close = (uint8_t)d->successes;
    return r;
}

static int read_list(const char *text, const char *key, struct exit_list *list, struct err *e)
{
    int status = text ? exit_list_parse(text, list, e) : 0;
    return status < 0 ? err_prefix(e, "%s: ", key) : 0;
}

static int read(const struct config_policy *d, struct policy *p, struct err *e)
{
    int status;
    if (d->jitter && !backoff_jitter_parse(d->jitter, &p->backoff.jitter))
        return err_set(e, ERR_SYNTAX, "there is no jitter \"%.40s\"", d->jitter);
    if (d->end && !policy_end_parse(d->end, &p->end))
        return err_set(e, ERR_SYNTAX, "on_failure can't be \"%.40s\"", d->end);
    if ((status = read_list(d->retry_on, "retry_on", &p->retry_on, e)) < 0 ||
        (status = read_list(d->permanent, "permanent", &p->permanent, e)) < 0)
        return status;
    return policy_check(p, e);
}

int policy_declared(const struct config_policy *d, struct policy *p, struct err *e)
{
    *p = policy_default();
    p->backoff = (struct backoff){.attempts = (unsigned)d->attempts,
                                  .base_ms = d->base_us / US_PER_MS,
                                  .factor_milli = (unsigned)d->factor_milli,
                                  .cap_ms = d->cap_us / US_PER_MS,
                                  .jitter = BACKOFF_ADDITIVE,
                                  .deadline_ms = d->deadline_us / US_PER_MS,
                                  .growth_milli = (unsigned)d->growth_milli};
    p->timeout_ms = d->timeout_us / US_PER_MS;
    p->idempotent = d->idempotent == 1;
    p->budget = (unsigned)d->budget;
    p->cost_ceiling = (double)d->ceiling_micro / 1e6;
    p->has_breaker = d->has_breaker;
    if (d->has_breaker)
        p->breaker = breaker_rules_declared(&d->breaker);
    return read(d, p, e) < 0 ? err_prefix(e, "policy %.60s: ", d->name) : 0;
}
