#include "engine/runbook/policies.h"

#include <stdlib.h>

#include "engine/runbook/reading.h"

static struct backoff backoff_of(const struct config_policy *p)
{
    struct backoff b = {.attempts = (unsigned)p->attempts,
                        .base_ms = p->base_us / US_PER_MS,
                        .factor_milli = (unsigned)p->factor_milli,
                        .cap_ms = p->cap_us / US_PER_MS,
                        .deadline_ms = p->deadline_us / US_PER_MS,
                        .growth_milli = (unsigned)p->growth_milli};
    if (p->jitter)
        backoff_jitter_parse(p->jitter, &b.jitter);
    return b;
}

static bool is_listed(const struct run_policy *policies, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(policies[i].name, name))
            return true;
    return false;
}

int runbook_policies(const struct runbook *book, const struct config *config, struct run_policy **policies,
                     size_t *count, struct err *e)
{
    struct run_policy *list = NULL;
    size_t n = 0;
    for (size_t i = 0; i < book->steps.len; i++) {
        const struct step *s = &book->steps.data[i];
        if (!s->policy || is_listed(list, n, s->policy))
            continue;
        const struct config_policy *found = config_policy_find(config, s->policy);
        if (!found) {
            free(list);
            return err_set(e, ERR_NOT_FOUND, "%s:%d: there is no policy \"%.60s\" in the configuration",
                           book->path, s->line, s->policy);
        }
        list = xrealloc(list, (n + 1) * sizeof *list);
        list[n++] = (struct run_policy){.name = s->policy, .backoff = backoff_of(found)};
    }
    *policies = list;
    *count = n;
    return 0;
}

void runbook_lint_policies(struct runbook *book, const struct config *config)
{
    for (size_t i = 0; i < book->steps.len; i++) {
        const struct step *s = &book->steps.data[i];
        const struct config_policy *found = s->policy ? config_policy_find(config, s->policy) : NULL;
        if (s->policy && !found)
            book_finding(book, FINDING_ERROR, s->line, 1, "there is no policy \"%.60s\" in the configuration",
                         s->policy);
        else if (found && found->attempts > CONFIG_RETRIES_WISE)
            book_finding(
                book, FINDING_WARNING, s->line, 1,
                "policy %.60s tries again %lld times: what fails so often is rarely mended by trying on",
                s->policy, (long long)found->attempts - 1);
    }
    book_findings_sort(book);
}
