#include "engine/runbook/policies.h"

#include <stdlib.h>

#include "engine/runbook/reading.h"

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
        list[n].name = s->policy;
        int code = policy_declared(found, &list[n++].rules, e);
        if (code < 0) {
            free(list);
            return code;
        }
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
