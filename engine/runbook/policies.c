#include "engine/runbook/policies.h"

#include <stdlib.h>

#include "engine/runbook/reading.h"

/* What only looks and names no policy may have the configuration's for checks. */
static const struct config_policy *policy_of(const struct step *s, const struct config *config)
{
    if (s->policy)
        return config_policy_find(config, s->policy);
    for (size_t i = 0; config && step_looks(s) && i < config->policy_count; i++)
        if (config->policies[i].checks)
            return &config->policies[i];
    return NULL;
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
    struct run_policy *list = xcalloc(book->steps.len + 1, sizeof *list);
    size_t n = 0;
    int code = 0;
    for (size_t i = 0; i < book->steps.len && code == 0; i++) {
        const struct step *s = &book->steps.data[i];
        const struct config_policy *found = policy_of(s, config);
        if (!found && s->policy)
            code = err_set(e, ERR_NOT_FOUND, "%s:%d: there is no policy \"%.60s\" in the configuration",
                           book->path, s->line, s->policy);
        if (!found || is_listed(list, n, found->name))
            continue;
        list[n].name = found->name;
        list[n].checks = found->checks == 1;
        list[n].target = config_policy_target(found);
        code = policy_declared(found, &list[n++].rules, e);
    }
    if (code < 0) {
        free(list);
        return code;
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
        if (found && found->ceiling_micro > 0)
            book_finding(book, FINDING_WARNING, s->line, 1,
                         "policy %.60s: its cost_ceiling has no effect on a step: nobody says what one costs",
                         found->name);
        if (found && found->attempts > CONFIG_RETRIES_WISE)
            book_finding(
                book, FINDING_WARNING, s->line, 1,
                "policy %.60s tries again %lld times: what fails so often is rarely mended by trying on",
                s->policy, (long long)found->attempts - 1);
    }
    book_findings_sort(book);
}
